// SPDX-License-Identifier: GPL-2.0-only
/*
 * MSIs where the IOMMU translates them (Arm).
 *
 * A device writes its interrupts to the doorbell of an interrupt controller. The
 * kernel maps the doorbells in the domain that VFIO attached, in a window that is
 * reserved for it (SW_MSI), and programs the device with these addresses. While
 * something of ours lies over that domain the same must be mapped there, or the
 * interrupts are lost: in the stage 2, where a guest is expected to let the window
 * through its own tables unchanged.
 *
 * So the window of a domain that lies over others is the union of theirs. IOASes
 * have the window reserved meanwhile: nothing else is in it.
 */
#include <linux/slab.h>

#include "host.h"

/**
 * struct msi_link - a domain that lies over another one
 * @node: in links
 * @base: VFIO's domain
 * @over: the stage 2 of what is shown instead
 * @users: devices for which that is so
 */
struct msi_link {
	struct list_head node;
	struct iommufd_sva_domain *base;
	struct iommufd_sva_domain *over;
	unsigned int users;
};

/*
 * Protects links, and the window in every domain that is @over in one. Inside
 * master->lock and the locks of the kernel's MSI code, outside a backend's own.
 */
static DEFINE_MUTEX(msi_lock);
static LIST_HEAD(links);

static u64 window_start(struct iommufd_sva_domain *domain)
{
	return domain->backend->sw_msi_start;
}

static u64 window_end(struct iommufd_sva_domain *domain)
{
	return domain->backend->sw_msi_start + domain->backend->sw_msi_len;
}

static bool in_window(struct iommufd_sva_domain *domain, u64 iova, size_t len)
{
	return iova < window_end(domain) && iova + len > window_start(domain);
}

static size_t page_len(struct iommufd_sva_domain *domain)
{
	return 1UL << __ffs(domain->iommu.pgsize_bitmap);
}

static bool lookup_page(struct iommufd_sva_domain *domain, u64 iova,
			phys_addr_t *paddr)
{
	size_t len = 1;

	return domain->ops->lookup(domain, iova, paddr, &len);
}

static struct msi_link *find_link(struct iommufd_sva_domain *base,
				  struct iommufd_sva_domain *over)
{
	struct msi_link *link;

	lockdep_assert_held(&msi_lock);
	list_for_each_entry(link, &links, node)
		if (link->base == base && link->over == over)
			return link;
	return NULL;
}

/* Does some domain below @over have a doorbell at @iova? */
static bool is_wanted(struct iommufd_sva_domain *over, u64 iova)
{
	struct msi_link *link;
	phys_addr_t paddr;

	list_for_each_entry(link, &links, node)
		if (link->over == over && lookup_page(link->base, iova, &paddr))
			return true;
	return false;
}

/* Take out of the window of @over what no domain below it has any more. */
static void prune_window(struct iommufd_sva_domain *over)
{
	struct iommufd_sva_gather gather;
	size_t len = page_len(over);
	phys_addr_t paddr;
	u64 iova;

	lockdep_assert_held(&msi_lock);
	iommufd_sva_gather_init(&gather);
	for (iova = window_start(over); iova < window_end(over); iova += len)
		if (lookup_page(over, iova, &paddr) && !is_wanted(over, iova))
			over->ops->unmap(over, iova, len, &gather);
	if (!iommufd_sva_gather_empty(&gather))
		over->ops->sync(over, &gather);
}

/* One interrupt controller at one address: two cannot have the same. */
static int map_page(struct iommufd_sva_domain *over, u64 iova, phys_addr_t paddr,
		    size_t len)
{
	phys_addr_t there;
	int rc;

	if (lookup_page(over, iova, &there))
		return there == paddr ? 0 : -EADDRINUSE;
	rc = over->ops->map(over, iova, paddr, len, IOMMU_WRITE | IOMMU_MMIO,
			    IOMMUFD_SVA_GFP_USER);
	if (!rc)
		over->ops->sync_map(over, iova, len);
	return rc;
}

/* Map in link->over what link->base has of [@start, @end) in the window. */
static int copy_window(struct msi_link *link, u64 start, u64 end)
{
	size_t len = page_len(link->over);
	phys_addr_t paddr;
	u64 iova;
	int rc;

	lockdep_assert_held(&msi_lock);
	if (len != page_len(link->base))
		return -EINVAL;
	start = max(start, window_start(link->over));
	end = min(end, window_end(link->over));
	for (iova = start; iova < end; iova += len) {
		if (!lookup_page(link->base, iova, &paddr))
			continue;
		rc = map_page(link->over, iova, paddr, len);
		if (rc)
			return rc;
	}
	return 0;
}

static int new_link(struct iommufd_sva_domain *base,
		    struct iommufd_sva_domain *over)
{
	struct msi_link *link;
	int rc;

	link = kzalloc(sizeof(*link), IOMMUFD_SVA_GFP_USER);
	if (!link)
		return -ENOMEM;
	link->base = base;
	link->over = over;
	link->users = 1;
	list_add(&link->node, &links);
	rc = copy_window(link, window_start(over), window_end(over));
	if (rc) {
		list_del(&link->node);
		prune_window(over);
		kfree(link);
	}
	return rc;
}

/**
 * iommufd_sva_msi_link - a device is about to be shown @over instead of @base
 * @base: VFIO's domain, attached to it
 * @over: the stage 2 of what the user attaches
 *
 * Return: 0; -EADDRINUSE when another device has another doorbell at the same
 * address; -EINVAL when the pages of the two differ; -ENOMEM. Cannot fail for a
 * pair that is linked already.
 */
int iommufd_sva_msi_link(struct iommufd_sva_domain *base,
			 struct iommufd_sva_domain *over)
{
	struct msi_link *link;
	int rc = 0;

	if (!over->backend->sw_msi_len)
		return 0;
	mutex_lock(&msi_lock);
	link = find_link(base, over);
	if (link)
		link->users++;
	else
		rc = new_link(base, over);
	mutex_unlock(&msi_lock);
	return rc;
}

/* Undo that: @over is not shown any more to one device. */
void iommufd_sva_msi_unlink(struct iommufd_sva_domain *base,
			    struct iommufd_sva_domain *over)
{
	struct msi_link *link;

	if (!over->backend->sw_msi_len)
		return;
	mutex_lock(&msi_lock);
	link = find_link(base, over);
	if (!--link->users) {
		list_del(&link->node);
		kfree(link);
		prune_window(over);
	}
	mutex_unlock(&msi_lock);
}

/*
 * The kernel has mapped something in @base: 0, or it has to be unmapped, and
 * iommufd_sva_msi_unmapped() to be called.
 */
int iommufd_sva_msi_mapped(struct iommufd_sva_domain *base, u64 iova, size_t len)
{
	struct msi_link *link;
	int rc = 0;

	if (!in_window(base, iova, len))
		return 0;
	mutex_lock(&msi_lock);
	list_for_each_entry(link, &links, node) {
		if (link->base != base)
			continue;
		rc = copy_window(link, iova, iova + len);
		if (rc)
			break;
	}
	mutex_unlock(&msi_lock);
	return rc;
}

/* The kernel has unmapped something in @base. */
void iommufd_sva_msi_unmapped(struct iommufd_sva_domain *base, u64 iova, size_t len)
{
	struct msi_link *link;

	if (!in_window(base, iova, len))
		return;
	mutex_lock(&msi_lock);
	list_for_each_entry(link, &links, node)
		if (link->base == base)
			prune_window(link->over);
	mutex_unlock(&msi_lock);
}
