// SPDX-License-Identifier: GPL-2.0-only
/*
 * The one struct iommu_ops that all units of all backends share.
 *
 * Kernel 6.1 lets a machine have one ops only, so it is the core's, and it
 * stays while backends come and go. Identity and blocked are two domains for
 * everybody; a paging domain is the backend's, with our verbs under the IOMMU
 * core's names.
 */
#define pr_fmt(fmt) "iommufd_sva: " fmt

#include <linux/iommu.h>
#include <linux/module.h>

#include "host.h"

static struct iommufd_sva_domain *to_sva_domain(struct iommu_domain *domain)
{
	return container_of(domain, struct iommufd_sva_domain, iommu);
}

/* --- domains that everybody shares ------------------------------------- */

/* The IOMMU core of 6.1 frees a group's domains without asking what they are. */
static void static_domain_free(struct iommu_domain *domain)
{
}

static const struct iommu_domain_ops static_domain_ops = {
	.attach_dev = IOMMUFD_SVA_ATTACH_DEV(iommufd_sva_host_attach),
	.free = static_domain_free,
};

static struct iommu_domain identity_domain = {
	.type = IOMMU_DOMAIN_IDENTITY,
	.ops = &static_domain_ops,
};

static struct iommu_domain blocked_domain = {
	.type = IOMMU_DOMAIN_BLOCKED,
	.ops = &static_domain_ops,
};

struct iommufd_sva_translation
iommufd_sva_translation_of(struct iommu_domain *domain)
{
	struct iommufd_sva_translation trans = {};

	if (domain == &identity_domain) {
		trans.type = IOMMUFD_SVA_TRANS_IDENTITY;
	} else if (domain != &blocked_domain) {
		trans.type = IOMMUFD_SVA_TRANS_STAGE2;
		trans.domain = to_sva_domain(domain);
	}
	return trans;
}

int iommufd_sva_host_attach(struct iommu_domain *domain, struct device *dev)
{
	struct iommufd_sva_master *master = iommufd_sva_lock_master(dev);
	int rc;

	/* Already released: its requests are where that left them. */
	if (!master)
		return 0;
	rc = iommufd_sva_master_attach(master, domain);
	iommufd_sva_unlock_master();
	return rc;
}

/* --- paging domains ---------------------------------------------------- */

static void unmap_now(struct iommufd_sva_domain *sva, unsigned long iova,
		      size_t len)
{
	struct iommufd_sva_gather gather;

	iommufd_sva_gather_init(&gather);
	sva->ops->unmap(sva, iova, len, &gather);
	sva->ops->sync(sva, &gather);
}

static int paging_map(struct iommu_domain *domain, unsigned long iova,
		      phys_addr_t paddr, size_t pgsize, size_t pgcount, int prot,
		      gfp_t gfp, size_t *mapped)
{
	struct iommufd_sva_domain *sva = to_sva_domain(domain);
	size_t len = pgsize * pgcount;
	int rc;

	rc = sva->ops->map(sva, iova, paddr, len, prot, gfp);
	if (rc)
		return rc;
	rc = iommufd_sva_msi_mapped(sva, iova, len);
	if (rc) {
		unmap_now(sva, iova, len);
		iommufd_sva_msi_unmapped(sva, iova, len);
		return rc;
	}
	*mapped += len;
	return 0;
}

static int paging_sync_map(struct iommu_domain *domain, unsigned long iova,
			   size_t size)
{
	struct iommufd_sva_domain *sva = to_sva_domain(domain);

	sva->ops->sync_map(sva, iova, size);
	return 0;
}

IOMMUFD_SVA_SYNC_MAP_VOID(paging_sync_map)

static size_t paging_unmap(struct iommu_domain *domain, unsigned long iova,
			   size_t pgsize, size_t pgcount,
			   struct iommu_iotlb_gather *iotlb_gather)
{
	struct iommufd_sva_domain *sva = to_sva_domain(domain);
	struct iommufd_sva_gather gather;
	size_t unmapped;

	iommufd_sva_gather_init(&gather);
	unmapped = sva->ops->unmap(sva, iova, pgsize * pgcount, &gather);
	if (unmapped) {
		iommufd_sva_msi_unmapped(sva, iova, unmapped);
		iommu_iotlb_gather_add_range(iotlb_gather, iova, unmapped);
	}
	list_splice_tail(&gather.tables,
			 iommufd_sva_gather_freelist(iotlb_gather));
	return unmapped;
}

/* Once per batch of unmaps: one invalidation per unit, then free the tables. */
static void paging_sync(struct iommu_domain *domain,
			struct iommu_iotlb_gather *iotlb_gather)
{
	struct iommufd_sva_domain *sva = to_sva_domain(domain);
	struct iommufd_sva_gather gather;

	iommufd_sva_gather_init(&gather);
	gather.start = iotlb_gather->start;
	gather.last = iotlb_gather->end;
	list_splice_init(iommufd_sva_gather_freelist(iotlb_gather),
			 &gather.tables);
	sva->ops->sync(sva, &gather);
}

static void paging_flush_all(struct iommu_domain *domain)
{
	struct iommufd_sva_domain *sva = to_sva_domain(domain);
	struct iommufd_sva_gather gather;

	iommufd_sva_gather_init(&gather);
	gather.start = 0;
	gather.last = domain->geometry.aperture_end;
	sva->ops->sync(sva, &gather);
}

/* A HWPT that imported it stays: its memory is the user's no more. */
static void paging_clear(struct iommufd_sva_domain *sva)
{
	if (kref_read(&sva->ref) == 1)
		return;
	sva->ops->clear(sva);
	paging_flush_all(&sva->iommu);
}

static phys_addr_t paging_iova_to_phys(struct iommu_domain *domain,
				       dma_addr_t iova)
{
	struct iommufd_sva_domain *sva = to_sva_domain(domain);
	phys_addr_t paddr;
	size_t len = 1;

	return sva->ops->lookup(sva, iova, &paddr, &len) ? paddr : 0;
}

static bool paging_enforce_cache_coherency(struct iommu_domain *domain)
{
	struct iommufd_sva_domain *sva = to_sva_domain(domain);

	return sva->ops->enforce_snoop(sva);
}

static void paging_free(struct iommu_domain *domain)
{
	struct iommufd_sva_domain *sva = to_sva_domain(domain);

	/* A HWPT may have imported it: from here on nothing is attached to it. */
	WRITE_ONCE(sva->gone, true);
	iommufd_sva_masters_forget_domain(sva);
	paging_clear(sva);
	iommufd_sva_domain_put(sva);
}

static const struct iommu_domain_ops paging_domain_ops = {
	.attach_dev = IOMMUFD_SVA_ATTACH_DEV(iommufd_sva_host_attach),
	.map_pages = paging_map,
	.unmap_pages = paging_unmap,
	.flush_iotlb_all = paging_flush_all,
	.iotlb_sync_map = IOMMUFD_SVA_SYNC_MAP(paging_sync_map),
	.iotlb_sync = paging_sync,
	.iova_to_phys = paging_iova_to_phys,
	.enforce_cache_coherency = paging_enforce_cache_coherency,
	.free = paging_free,
};

static struct iommufd_sva_domain *
domain_alloc_of(struct iommufd_sva_backend *backend,
		struct iommufd_sva_unit *unit, u32 flags)
{
	struct iommufd_sva_domain *domain;

	/* Fails once the backend is on its way out. */
	if (!try_module_get(backend->owner))
		return ERR_PTR(-ENODEV);
	domain = backend->ops->domain_alloc(backend, unit, flags);
	if (IS_ERR(domain)) {
		module_put(backend->owner);
		return domain;
	}
	kref_init(&domain->ref);
	domain->backend = backend;
	domain->iommu.type = IOMMU_DOMAIN_UNMANAGED;
	domain->iommu.ops = &paging_domain_ops;
	return domain;
}

/**
 * iommufd_sva_domain_alloc - a stage-2 domain for a HWPT
 * @unit: the unit it must fit
 * @flags: IOMMUFD_SVA_DOMAIN_*
 *
 * Holds a reference on the backend's module until it is freed.
 *
 * Return: the domain, or an ERR_PTR: -ENOMEM, -EOPNOTSUPP for flags that the
 * unit cannot do, -ENODEV while the backend is being unloaded
 */
struct iommufd_sva_domain *iommufd_sva_domain_alloc(struct iommufd_sva_unit *unit,
						    u32 flags)
{
	return domain_alloc_of(unit->backend, unit, flags);
}

static void domain_free(struct kref *ref)
{
	struct iommufd_sva_domain *domain =
		container_of(ref, struct iommufd_sva_domain, ref);
	struct module *owner = domain->backend->owner;

	domain->ops->free(domain);
	module_put(owner);
}

void iommufd_sva_domain_put(struct iommufd_sva_domain *domain)
{
	kref_put(&domain->ref, domain_free);
}

struct iommu_domain *iommufd_sva_host_domain_alloc_paging(struct device *dev)
{
	struct iommufd_sva_backend *backend;
	struct iommufd_sva_domain *domain;
	struct iommufd_sva_master *master;

	if (dev) {
		master = iommufd_sva_lock_master(dev);
		if (!master)
			return ERR_PTR(-ENODEV);
		domain = iommufd_sva_domain_alloc(master->unit, 0);
		iommufd_sva_unlock_master();
	} else {
		/* 6.1 does not say what for: it has to fit every unit. */
		backend = iommufd_sva_get_first_backend();
		if (!backend)
			return ERR_PTR(-ENODEV);
		domain = domain_alloc_of(backend, NULL, 0);
		module_put(backend->owner);
	}
	if (IS_ERR(domain))
		return ERR_CAST(domain);
	domain->host = true;
	return &domain->iommu;
}

/* --- devices ----------------------------------------------------------- */

/* A device tree names @dev's stream ID; of ACPI the IOMMU core reads it itself. */
int iommufd_sva_host_of_xlate(struct device *dev,
			      const struct of_phandle_args *args)
{
	u32 sid = args->args[0];

	if (args->args_count != 1)
		return -EINVAL;
	return iommu_fwspec_add_ids(dev, &sid, 1);
}

static int host_def_domain_type(struct device *dev)
{
	return IOMMU_DOMAIN_IDENTITY;
}

static bool host_capable(struct device *dev, enum iommu_cap cap)
{
	struct iommufd_sva_master *master;
	bool coherent;

	/* Interrupt remapping is off: no IOMMU_CAP_INTR_REMAP. */
	if (cap != IOMMU_CAP_CACHE_COHERENCY)
		return false;
	master = iommufd_sva_lock_master(dev);
	if (!master)
		return false;
	coherent = master->unit->backend->ops->cache_coherency(master);
	iommufd_sva_unlock_master();
	return coherent;
}

static void host_get_resv_regions(struct device *dev, struct list_head *head)
{
	struct iommufd_sva_master *master = iommufd_sva_lock_master(dev);

	if (!master)
		return;
	master->unit->backend->ops->get_resv_regions(master, head);
	iommufd_sva_unlock_master();
}

const struct iommu_ops iommufd_sva_iommu_ops = {
	.owner = THIS_MODULE,
	.capable = host_capable,
	.probe_device = iommufd_sva_probe_device,
	.release_device = iommufd_sva_release_device,
	.device_group = iommufd_sva_device_group,
	.of_xlate = IOMMUFD_SVA_OF_XLATE(iommufd_sva_host_of_xlate),
	.get_resv_regions = host_get_resv_regions,
	.def_domain_type = host_def_domain_type,
	.default_domain_ops = &paging_domain_ops,
	IOMMUFD_SVA_DOMAIN_OPS(&identity_domain, &blocked_domain)
};

#ifdef IOMMUFD_SVA_DOMAIN_BY_TYPE
struct iommu_domain *iommufd_sva_host_domain_by_type(unsigned int type)
{
	struct iommu_domain *domain;

	switch (type) {
	case IOMMU_DOMAIN_IDENTITY:
		return &identity_domain;
	case IOMMU_DOMAIN_BLOCKED:
		return &blocked_domain;
	case IOMMU_DOMAIN_UNMANAGED:
		domain = iommufd_sva_host_domain_alloc_paging(NULL);
		return IS_ERR(domain) ? NULL : domain;
	default:
		return NULL;
	}
}
#endif

int iommufd_sva_host_init(void)
{
	int rc;

	iommufd_sva_debugfs_init();
	rc = iommufd_sva_adopt_init();
	if (rc)
		iommufd_sva_debugfs_exit();
	return rc;
}

void iommufd_sva_host_exit(void)
{
	iommufd_sva_adopt_exit();
	iommufd_sva_forget_bus_ops(&iommufd_sva_iommu_ops);
	iommufd_sva_debugfs_exit();
}
