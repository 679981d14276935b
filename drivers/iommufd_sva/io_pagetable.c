// SPDX-License-Identifier: GPL-2.0-only
/*
 * The map of an IOAS: where IOVA is taken, allowed and reserved, and which
 * domains hold what is mapped.
 *
 * Mapping and unmapping are long (they pin memory, fill tables, wait for
 * hardware), so they do not hold iova_rwsem while they work. An area that is
 * not live keeps its IOVA taken meanwhile, and mappings of other ranges go on
 * beside it.
 */
#include <linux/iommu.h>
#include <linux/overflow.h>
#include <linux/sizes.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "io_pagetable.h"

/* The largest leaf, and the one that most memory can have. */
#define IOPT_MAX_ALIGNMENT	SZ_1G
#define IOPT_ALIGNMENT		SZ_2M

void iopt_init_table(struct iommufd_sva_io_pagetable *iopt)
{
	init_rwsem(&iopt->domains_rwsem);
	init_rwsem(&iopt->iova_rwsem);
	iopt->area_itree = RB_ROOT_CACHED;
	iopt->allowed_itree = RB_ROOT_CACHED;
	iopt->reserved_itree = RB_ROOT_CACHED;
	/* No table yet that would ask for more. */
	iopt->iova_alignment = 1;
}

void iopt_free_allowed(struct rb_root_cached *allowed)
{
	struct interval_tree_node *node;

	while ((node = interval_tree_iter_first(allowed, 0, ULONG_MAX))) {
		interval_tree_remove(node, allowed);
		kfree(container_of(node, struct iopt_allowed, node));
		cond_resched();
	}
}

void iopt_destroy_table(struct iommufd_sva_io_pagetable *iopt)
{
	iopt_free_allowed(&iopt->allowed_itree);
	WARN_ON(!RB_EMPTY_ROOT(&iopt->area_itree.rb_root));
	WARN_ON(!RB_EMPTY_ROOT(&iopt->reserved_itree.rb_root));
	WARN_ON(iopt->nr_domains);
	kfree(iopt->domains);
}

/**
 * iopt_next_hole - the next range that no interval of a tree touches
 * @itree: the tree; its intervals may overlap
 * @start: in: where to begin; out: first of the hole
 * @last: where to end
 * @hole_last: out: last of the hole
 *
 * Return: false when there is none
 */
bool iopt_next_hole(struct rb_root_cached *itree, unsigned long *start,
		    unsigned long last, unsigned long *hole_last)
{
	struct interval_tree_node *node;

	for (node = interval_tree_iter_first(itree, *start, last);
	     node && node->start <= *start;
	     node = interval_tree_iter_next(node, *start, last)) {
		if (node->last >= last)
			return false;
		*start = max(*start, node->last + 1);
	}
	*hole_last = node ? node->start - 1 : last;
	return true;
}

/* The next address above everything that meets [start, last]; 0: nothing does. */
static unsigned long iopt_skip_used(struct iommufd_sva_io_pagetable *iopt,
				    unsigned long start, unsigned long last)
{
	struct interval_tree_node *reserved, *area;

	reserved = interval_tree_iter_first(&iopt->reserved_itree, start, last);
	area = interval_tree_iter_first(&iopt->area_itree, start, last);
	if (!reserved && !area)
		return 0;
	/* After the top of the address space comes nothing that fits. */
	if ((reserved && reserved->last == ULONG_MAX) ||
	    (area && area->last == ULONG_MAX))
		return ULONG_MAX;
	return max(reserved ? reserved->last + 1 : 0, area ? area->last + 1 : 0);
}

/* Place @length bytes in [start, last], at @offset from a multiple of @align. */
static bool iopt_find_iova(struct iommufd_sva_io_pagetable *iopt,
			   unsigned long start, unsigned long last,
			   unsigned long length, unsigned long align,
			   unsigned long offset, unsigned long *iova)
{
	unsigned long first;

	while (start) {
		if (check_add_overflow(start, align - 1, &first))
			return false;
		first = (first & ~(align - 1)) | offset;
		if (first < start || first > last || last - first < length - 1)
			return false;
		start = iopt_skip_used(iopt, first, first + length - 1);
		if (!start) {
			*iova = first;
			return true;
		}
	}
	return false;
}

/* Allowed ranges that touch count as one. */
static unsigned long iopt_allowed_last(struct iommufd_sva_io_pagetable *iopt,
				       struct iopt_allowed **allowed)
{
	unsigned long last = (*allowed)->node.last;

	while ((*allowed = iopt_allowed_next(*allowed, 0, ULONG_MAX)) &&
	       (*allowed)->node.start == last + 1)
		last = (*allowed)->node.last;
	return last;
}

/* As iopt_find_iova(), anywhere that is allowed. Never 0: it reads as "none". */
static bool iopt_find_allowed_iova(struct iommufd_sva_io_pagetable *iopt,
				   unsigned long length, unsigned long align,
				   unsigned long offset, unsigned long *iova)
{
	struct iopt_allowed *allowed = iopt_allowed_first(iopt, 0, ULONG_MAX);

	if (!allowed)
		return iopt_find_iova(iopt, PAGE_SIZE, ULONG_MAX - PAGE_SIZE,
				      length, align, offset, iova);
	while (allowed) {
		unsigned long start = max(allowed->node.start, PAGE_SIZE);
		unsigned long last = min(iopt_allowed_last(iopt, &allowed),
					 ULONG_MAX - PAGE_SIZE);

		if (iopt_find_iova(iopt, start, last, length, align, offset,
				   iova))
			return true;
	}
	return false;
}

/*
 * Choose a free IOVA for memory at @addr, aligned as the memory is, so that
 * large leaves fit.
 */
static int iopt_alloc_iova(struct iommufd_sva_io_pagetable *iopt,
			   unsigned long *iova, unsigned long addr,
			   unsigned long length)
{
	unsigned long offset = offset_in_page(addr);
	unsigned long align;

	lockdep_assert_held(&iopt->iova_rwsem);

	/* roundup_pow_of_two() has to fit */
	if (length >= ULONG_MAX / 2)
		return -EOVERFLOW;

	align = roundup_pow_of_two(length);
	if (addr)
		align = min(align, 1UL << __ffs(addr));
	align = min_t(unsigned long, align, IOPT_MAX_ALIGNMENT);
	if (align < iopt->iova_alignment)
		return -EINVAL;
	/* Memory that starts inside a page keeps its offset. */
	if (offset)
		align = PAGE_SIZE;

	if (iopt_find_allowed_iova(iopt, length, align, offset, iova))
		return 0;
	if (align > IOPT_ALIGNMENT &&
	    iopt_find_allowed_iova(iopt, length, IOPT_ALIGNMENT, offset, iova))
		return 0;
	return -ENOSPC;
}

static int iopt_check_iova(struct iommufd_sva_io_pagetable *iopt,
			   unsigned long iova, unsigned long length)
{
	unsigned long last;

	lockdep_assert_held(&iopt->iova_rwsem);

	if (iova & (iopt->iova_alignment - 1))
		return -EINVAL;
	if (check_add_overflow(iova, length - 1, &last))
		return -EOVERFLOW;
	if (iopt_reserved_first(iopt, iova, last))
		return -EINVAL;
	if (iopt_area_first(iopt, iova, last))
		return -EEXIST;
	return 0;
}

/**
 * iopt_area_alloc - an area of a slice of pages
 * @pages: the pages; the area takes over the caller's reference
 * @start_byte: first byte of the slice
 * @length: its length, inside @pages
 *
 * Return: the area, not inserted anywhere; NULL (and the caller keeps its
 * reference) when there is no memory
 */
struct iopt_area *iopt_area_alloc(struct iopt_pages *pages,
				  unsigned long start_byte, unsigned long length)
{
	struct iopt_area *area = kzalloc(sizeof(*area), IOMMUFD_SVA_GFP_USER);

	if (!area)
		return NULL;
	area->pages = pages;
	area->page_offset = offset_in_page(start_byte);
	area->pages_node.start = start_byte / PAGE_SIZE;
	area->pages_node.last = (start_byte + length - 1) / PAGE_SIZE;
	/* Relative as yet; iopt_insert_areas() says where. */
	area->node.last = length - 1;
	return area;
}

/* Areas that are in no tree (any more). */
void iopt_free_areas(struct list_head *areas)
{
	struct iopt_area *area, *next;

	list_for_each_entry_safe(area, next, areas, item) {
		iopt_put_pages(area->pages);
		kfree(area);
		cond_resched();
	}
}

static unsigned long iopt_area_source_addr(struct iopt_area *area)
{
	struct iopt_pages *pages = area->pages;

	return (pages->file ? pages->file_start : pages->uptr) +
	       iopt_area_start_byte(area, area->node.start);
}

/* Take the IOVA. The areas are not live yet. */
static int iopt_insert_areas(struct iommufd_sva_io_pagetable *iopt,
			     struct list_head *areas, unsigned long length,
			     unsigned long *dst_iova, unsigned int prot,
			     unsigned int flags)
{
	unsigned long iova = *dst_iova;
	struct iopt_area *area;
	int rc;

	lockdep_assert_held_write(&iopt->iova_rwsem);

	if (!length || (length & (iopt->iova_alignment - 1)))
		return -EINVAL;

	area = list_first_entry(areas, struct iopt_area, item);
	if (flags & IOPT_ALLOC_IOVA)
		rc = iopt_alloc_iova(iopt, &iova, iopt_area_source_addr(area),
				     length);
	else
		rc = iopt_check_iova(iopt, iova, length);
	if (rc)
		return rc;

	list_for_each_entry(area, areas, item) {
		if ((prot & IOMMU_WRITE) && !area->pages->writable)
			return -EPERM;
		if (area->page_offset & (iopt->iova_alignment - 1))
			return -EINVAL;
	}

	*dst_iova = iova;
	list_for_each_entry(area, areas, item) {
		area->iopt = iopt;
		area->prot = prot;
		area->node.last += iova;
		area->node.start = iova;
		iova = area->node.last + 1;
		interval_tree_insert(&area->node, &iopt->area_itree);
	}
	return 0;
}

static void iopt_remove_areas(struct iommufd_sva_io_pagetable *iopt,
			      struct list_head *areas)
{
	struct iopt_area *area;

	down_write(&iopt->iova_rwsem);
	list_for_each_entry(area, areas, item) {
		interval_tree_remove(&area->node, &iopt->area_itree);
		cond_resched();
	}
	up_write(&iopt->iova_rwsem);
}

static int iopt_fill_areas(struct iommufd_sva_io_pagetable *iopt,
			   struct list_head *areas)
{
	struct iopt_area *area, *next;
	LIST_HEAD(filled);
	int rc = 0;

	lockdep_assert_held(&iopt->domains_rwsem);

	if (!iopt->nr_domains)
		return 0;

	list_for_each_entry_safe(area, next, areas, item) {
		rc = iopt_area_fill_domains(area, 0);
		if (rc)
			break;
		list_move_tail(&area->item, &filled);
	}
	if (rc)
		iopt_areas_unfill_domains(iopt, &filled);
	list_splice(&filled, areas);
	return rc;
}

/**
 * iopt_map_areas - map areas, one after the other
 * @iopt: where
 * @areas: the areas, fresh; on success @iopt owns them and the list is empty,
 *	on failure they are the caller's to free
 * @length: of all of them together
 * @iova: where to start, and with IOPT_ALLOC_IOVA, out: where they are
 * @prot: IOMMU_READ, IOMMU_WRITE, IOMMU_CACHE
 * @flags: IOPT_ALLOC_IOVA or 0
 *
 * Return: 0 or a negative errno; nothing has changed then
 */
int iopt_map_areas(struct iommufd_sva_io_pagetable *iopt, struct list_head *areas,
		   unsigned long length, unsigned long *iova, unsigned int prot,
		   unsigned int flags)
{
	struct iopt_area *area, *next;
	int rc;

	down_write(&iopt->iova_rwsem);
	rc = iopt_insert_areas(iopt, areas, length, iova, prot, flags);
	up_write(&iopt->iova_rwsem);
	if (rc)
		return rc;

	/* A domain that comes in between fills live areas: the others are ours. */
	down_read(&iopt->domains_rwsem);
	rc = iopt_fill_areas(iopt, areas);
	if (rc) {
		iopt_remove_areas(iopt, areas);
	} else {
		down_write(&iopt->iova_rwsem);
		list_for_each_entry_safe(area, next, areas, item) {
			list_del(&area->item);
			area->live = true;
		}
		up_write(&iopt->iova_rwsem);
	}
	up_read(&iopt->domains_rwsem);
	return rc;
}

/**
 * iopt_copy_areas - make areas that show what is mapped at a range
 * @iopt: the source
 * @iova: start of the range
 * @length: its length
 * @areas: gets the areas
 *
 * Return: 0; -ENOENT when something of the range is not mapped; other errno
 */
int iopt_copy_areas(struct iommufd_sva_io_pagetable *iopt, unsigned long iova,
		    unsigned long length, struct list_head *areas)
{
	struct iopt_area *src, *area;
	unsigned long last_iova;
	LIST_HEAD(copies);
	int rc;

	if (!length)
		return -EINVAL;
	if (check_add_overflow(iova, length - 1, &last_iova))
		return -EOVERFLOW;

	down_read(&iopt->iova_rwsem);
	for (;;) {
		unsigned long last;

		cond_resched();
		src = iopt_area_first(iopt, iova, iova);
		if (!src || !src->live) {
			rc = -ENOENT;
			break;
		}
		last = min(last_iova, src->node.last);
		area = iopt_area_alloc(src->pages, iopt_area_start_byte(src, iova),
				       last - iova + 1);
		if (!area) {
			rc = -ENOMEM;
			break;
		}
		kref_get(&src->pages->kref);
		list_add_tail(&area->item, &copies);
		if (last == last_iova) {
			rc = 0;
			break;
		}
		iova = last + 1;
	}
	up_read(&iopt->iova_rwsem);

	if (rc)
		iopt_free_areas(&copies);
	else
		list_splice_tail(&copies, areas);
	return rc;
}

/*
 * Collect the areas of a range and make them ours: all of them, or none when
 * one cannot be taken.
 */
static int iopt_claim_areas(struct iommufd_sva_io_pagetable *iopt,
			    unsigned long start, unsigned long last,
			    struct list_head *areas, unsigned long *length)
{
	struct iopt_area *area;

	lockdep_assert_held_write(&iopt->iova_rwsem);

	iopt_for_each_area(area, iopt, start, last) {
		cond_resched();
		if (!area->live)
			return -EBUSY;
		if (area->node.start < start || area->node.last > last)
			return -ENOENT;
	}

	*length = 0;
	iopt_for_each_area(area, iopt, start, last) {
		area->live = false;
		list_add_tail(&area->item, areas);
		*length += iopt_area_length(area);
		cond_resched();
	}
	return 0;
}

static int iopt_unmap_range(struct iommufd_sva_io_pagetable *iopt,
			    unsigned long start, unsigned long last,
			    unsigned long *unmapped)
{
	LIST_HEAD(areas);
	int rc;

	down_read(&iopt->domains_rwsem);
	down_write(&iopt->iova_rwsem);
	rc = iopt_claim_areas(iopt, start, last, &areas, unmapped);
	up_write(&iopt->iova_rwsem);
	if (!rc && !list_empty(&areas)) {
		if (iopt->nr_domains)
			iopt_areas_unfill_domains(iopt, &areas);
		/* Flushed: only now may the IOVA be used again. */
		iopt_remove_areas(iopt, &areas);
	}
	up_read(&iopt->domains_rwsem);

	if (!rc)
		iopt_free_areas(&areas);
	return rc;
}

/**
 * iopt_unmap_iova - unmap what lies in a range
 * @iopt: where
 * @iova: start of the range
 * @length: its length
 * @unmapped: out: bytes that were mapped; may be 0
 *
 * Return: 0; -ENOENT when the range cuts a mapping, -EBUSY when another thread
 * works on one, -EINVAL, -EOVERFLOW; nothing has changed then
 */
int iopt_unmap_iova(struct iommufd_sva_io_pagetable *iopt, unsigned long iova,
		    unsigned long length, unsigned long *unmapped)
{
	unsigned long last;

	if (!length)
		return -EINVAL;
	if (check_add_overflow(iova, length - 1, &last))
		return -EOVERFLOW;
	return iopt_unmap_range(iopt, iova, last, unmapped);
}

int iopt_unmap_all(struct iommufd_sva_io_pagetable *iopt, unsigned long *unmapped)
{
	return iopt_unmap_range(iopt, 0, ULONG_MAX, unmapped);
}

/**
 * iopt_set_allow_iova - replace the allowed ranges
 * @iopt: where
 * @allowed: the new ones; the ones to be freed on return, whatever it returns
 *
 * Return: 0, or -EADDRINUSE when one meets a reserved range
 */
int iopt_set_allow_iova(struct iommufd_sva_io_pagetable *iopt,
			struct rb_root_cached *allowed)
{
	struct interval_tree_node *node;
	int rc = 0;

	down_write(&iopt->iova_rwsem);
	for (node = interval_tree_iter_first(allowed, 0, ULONG_MAX); node;
	     node = interval_tree_iter_next(node, 0, ULONG_MAX)) {
		if (iopt_reserved_first(iopt, node->start, node->last)) {
			rc = -EADDRINUSE;
			break;
		}
	}
	if (!rc)
		swap(*allowed, iopt->allowed_itree);
	up_write(&iopt->iova_rwsem);
	return rc;
}

static int iopt_reserve_iova(struct iommufd_sva_io_pagetable *iopt,
			     unsigned long start, unsigned long last, void *owner)
{
	struct iopt_reserved *reserved;

	lockdep_assert_held_write(&iopt->iova_rwsem);

	if (iopt_area_first(iopt, start, last) ||
	    iopt_allowed_first(iopt, start, last))
		return -EADDRINUSE;

	reserved = kzalloc(sizeof(*reserved), IOMMUFD_SVA_GFP_USER);
	if (!reserved)
		return -ENOMEM;
	reserved->node.start = start;
	reserved->node.last = last;
	reserved->owner = owner;
	interval_tree_insert(&reserved->node, &iopt->reserved_itree);
	return 0;
}

static void __iopt_remove_reserved_iova(struct iommufd_sva_io_pagetable *iopt,
					void *owner)
{
	struct iopt_reserved *reserved, *next;

	lockdep_assert_held_write(&iopt->iova_rwsem);

	for (reserved = iopt_reserved_first(iopt, 0, ULONG_MAX); reserved;
	     reserved = next) {
		next = iopt_reserved_next(reserved, 0, ULONG_MAX);
		if (reserved->owner != owner)
			continue;
		interval_tree_remove(&reserved->node, &iopt->reserved_itree);
		kfree(reserved);
	}
}

void iopt_remove_reserved_iova(struct iommufd_sva_io_pagetable *iopt, void *owner)
{
	down_write(&iopt->iova_rwsem);
	__iopt_remove_reserved_iova(iopt, owner);
	up_write(&iopt->iova_rwsem);
}

static int iopt_reserve_regions(struct iommufd_sva_io_pagetable *iopt,
				struct list_head *regions, void *owner,
				phys_addr_t *sw_msi_start)
{
	unsigned int hw_msi = 0, sw_msi = 0;
	struct iommu_resv_region *region;
	int rc;

	*sw_msi_start = PHYS_ADDR_MAX;
	list_for_each_entry(region, regions, list) {
		if (region->type == IOMMU_RESV_DIRECT_RELAXABLE)
			continue;
		if (region->type == IOMMU_RESV_MSI)
			hw_msi++;
		if (region->type == IOMMU_RESV_SW_MSI) {
			*sw_msi_start = region->start;
			sw_msi++;
		}
		rc = iopt_reserve_iova(iopt, region->start,
				       region->start + region->length - 1, owner);
		if (rc)
			return rc;
	}

	/* One window for MSIs, of one kind; anything else is a backend's bug. */
	if (WARN_ON(sw_msi && hw_msi) || WARN_ON(sw_msi > 1))
		return -EINVAL;
	return 0;
}

/**
 * iopt_table_enforce_group_resv_regions - reserve what a group cannot use
 * @iopt: where
 * @group: the group
 * @owner: by what iopt_remove_reserved_iova() will find them; has none yet
 * @sw_msi_start: out: where the SW_MSI window starts, PHYS_ADDR_MAX: no such
 *
 * Return: 0; -EADDRINUSE when something is mapped or allowed there; -ENOMEM
 */
int iopt_table_enforce_group_resv_regions(struct iommufd_sva_io_pagetable *iopt,
					  struct iommu_group *group, void *owner,
					  phys_addr_t *sw_msi_start)
{
	struct iommu_resv_region *region, *next;
	LIST_HEAD(regions);
	int rc;

	rc = iommu_get_group_resv_regions(group, &regions);
	if (!rc) {
		down_write(&iopt->iova_rwsem);
		rc = iopt_reserve_regions(iopt, &regions, owner, sw_msi_start);
		if (rc)
			__iopt_remove_reserved_iova(iopt, owner);
		up_write(&iopt->iova_rwsem);
	}
	list_for_each_entry_safe(region, next, &regions, list)
		kfree(region);
	return rc;
}

static unsigned long iopt_domain_alignment(struct iommufd_sva_domain *domain)
{
	return 1UL << __ffs(domain->iommu.pgsize_bitmap);
}

/* Set the alignment, if what is mapped conforms. */
static int iopt_set_alignment(struct iommufd_sva_io_pagetable *iopt,
			      unsigned long alignment)
{
	struct iopt_area *area;

	lockdep_assert_held_write(&iopt->iova_rwsem);

	if (alignment > iopt->iova_alignment) {
		iopt_for_each_area(area, iopt, 0, ULONG_MAX) {
			if ((area->node.start | iopt_area_length(area) |
			     area->page_offset) & (alignment - 1))
				return -EADDRINUSE;
			cond_resched();
		}
	}
	iopt->iova_alignment = alignment;
	return 0;
}

/* What the domains and the options ask for. */
static int iopt_update_alignment(struct iommufd_sva_io_pagetable *iopt)
{
	unsigned long alignment = iopt->disable_large_pages ? PAGE_SIZE : 1;
	unsigned int index;

	lockdep_assert_held(&iopt->domains_rwsem);

	iopt_for_each_domain(iopt, index, 0)
		alignment = max(alignment,
				iopt_domain_alignment(iopt->domains[index]));
	return iopt_set_alignment(iopt, alignment);
}

static int iopt_reserve_outside_aperture(struct iommufd_sva_io_pagetable *iopt,
					 struct iommufd_sva_domain *domain)
{
	const struct iommu_domain_geometry *geometry = &domain->iommu.geometry;
	int rc = 0;

	if (geometry->aperture_start)
		rc = iopt_reserve_iova(iopt, 0, geometry->aperture_start - 1,
				       domain);
	if (!rc && geometry->aperture_end < ULONG_MAX)
		rc = iopt_reserve_iova(iopt, geometry->aperture_end + 1,
				       ULONG_MAX, domain);
	return rc;
}

/* All live areas; with domains_rwsem held for writing nobody works on them. */
static void iopt_list_areas(struct iommufd_sva_io_pagetable *iopt,
			    struct list_head *areas)
{
	struct iopt_area *area;

	lockdep_assert_held_write(&iopt->domains_rwsem);

	iopt_for_each_area(area, iopt, 0, ULONG_MAX) {
		if (area->live)
			list_add_tail(&area->item, areas);
		cond_resched();
	}
}

/* Take @areas out of the domain that came last. */
static void iopt_unfill_last_domain(struct iommufd_sva_io_pagetable *iopt,
				    struct list_head *areas)
{
	struct iommufd_sva_domain *domain = iopt->domains[iopt->nr_domains - 1];
	struct iommufd_sva_domain *other = iopt->domains[0];
	struct iopt_area *area;

	lockdep_assert_held_write(&iopt->domains_rwsem);

	if (other == domain) {
		iopt_areas_unfill_domains(iopt, areas);
		return;
	}

	/* Others hold the memory still: it stays pinned, one of them stores it. */
	list_for_each_entry(area, areas, item) {
		mutex_lock(&area->pages->mutex);
		if (area->storage_domain == domain)
			area->storage_domain = other;
		mutex_unlock(&area->pages->mutex);
		cond_resched();
	}
	iopt_areas_unmap_domain(domain, areas);
}

static int iopt_fill_last_domain(struct iommufd_sva_io_pagetable *iopt)
{
	struct iopt_area *area, *next;
	LIST_HEAD(filled);
	LIST_HEAD(areas);
	int rc;

	iopt_list_areas(iopt, &areas);
	list_for_each_entry_safe(area, next, &areas, item) {
		rc = iopt_area_fill_domains(area, iopt->nr_domains - 1);
		if (rc) {
			iopt_unfill_last_domain(iopt, &filled);
			return rc;
		}
		list_move_tail(&area->item, &filled);
	}
	return 0;
}

static int iopt_append_domain(struct iommufd_sva_io_pagetable *iopt,
			      struct iommufd_sva_domain *domain)
{
	struct iommufd_sva_domain **domains;

	domains = krealloc_array(iopt->domains, iopt->nr_domains + 1,
				 sizeof(*domains), IOMMUFD_SVA_GFP_USER);
	if (!domains)
		return -ENOMEM;
	domains[iopt->nr_domains++] = domain;
	iopt->domains = domains;
	return 0;
}

/**
 * iopt_table_add_domain - let a domain show what is mapped
 * @iopt: where
 * @domain: the domain, empty
 *
 * Return: 0 and @domain holds every mapping; -EINVAL when its smallest page is
 * larger than the CPU's; -EADDRINUSE when a mapping or an allowed range lies
 * outside its aperture or is not aligned for it; what pinning gives
 */
int iopt_table_add_domain(struct iommufd_sva_io_pagetable *iopt,
			  struct iommufd_sva_domain *domain)
{
	unsigned long old_alignment;
	int rc;

	down_write(&iopt->domains_rwsem);
	down_write(&iopt->iova_rwsem);

	/* Pages may be scattered: nothing larger than one can be asked for. */
	if (iopt_domain_alignment(domain) > PAGE_SIZE) {
		rc = -EINVAL;
		goto out_unlock;
	}
	old_alignment = iopt->iova_alignment;
	rc = iopt_set_alignment(iopt, max(old_alignment,
					  iopt_domain_alignment(domain)));
	if (rc)
		goto out_unlock;
	rc = iopt_reserve_outside_aperture(iopt, domain);
	if (rc)
		goto out_reserved;
	rc = iopt_append_domain(iopt, domain);
	if (rc)
		goto out_reserved;
	rc = iopt_fill_last_domain(iopt);
	if (rc)
		goto out_drop;
	goto out_unlock;

out_drop:
	iopt->nr_domains--;
out_reserved:
	__iopt_remove_reserved_iova(iopt, domain);
	iopt->iova_alignment = old_alignment;
out_unlock:
	up_write(&iopt->iova_rwsem);
	up_write(&iopt->domains_rwsem);
	return rc;
}

/* Make @domain the last one, to be dropped from there. */
static bool iopt_move_domain_last(struct iommufd_sva_io_pagetable *iopt,
				  struct iommufd_sva_domain *domain)
{
	unsigned int index;

	iopt_for_each_domain(iopt, index, 0) {
		if (iopt->domains[index] != domain)
			continue;
		swap(iopt->domains[index], iopt->domains[iopt->nr_domains - 1]);
		return true;
	}
	return false;
}

/**
 * iopt_table_remove_domain - undo iopt_table_add_domain()
 * @iopt: where
 * @domain: the domain; no device is attached to it. Left empty.
 */
void iopt_table_remove_domain(struct iommufd_sva_io_pagetable *iopt,
			      struct iommufd_sva_domain *domain)
{
	LIST_HEAD(areas);

	down_write(&iopt->domains_rwsem);
	down_write(&iopt->iova_rwsem);
	if (WARN_ON(!iopt_move_domain_last(iopt, domain)))
		goto out_unlock;

	iopt_list_areas(iopt, &areas);
	iopt_unfill_last_domain(iopt, &areas);
	iopt->nr_domains--;
	__iopt_remove_reserved_iova(iopt, domain);
	WARN_ON(iopt_update_alignment(iopt));
out_unlock:
	up_write(&iopt->iova_rwsem);
	up_write(&iopt->domains_rwsem);
}

/**
 * iopt_set_large_pages - OPTION_HUGE_PAGES
 * @iopt: where
 * @enable: use leaves larger than a page
 *
 * Return: 0; -EINVAL when they are to be disabled while tables have mappings;
 * -EADDRINUSE when a mapping is not aligned to pages
 */
int iopt_set_large_pages(struct iommufd_sva_io_pagetable *iopt, bool enable)
{
	int rc = 0;

	down_write(&iopt->domains_rwsem);
	down_write(&iopt->iova_rwsem);
	if (iopt->disable_large_pages == !enable)
		goto out_unlock;
	if (!enable && iopt->nr_domains &&
	    !RB_EMPTY_ROOT(&iopt->area_itree.rb_root)) {
		rc = -EINVAL;
		goto out_unlock;
	}

	iopt->disable_large_pages = !enable;
	rc = iopt_update_alignment(iopt);
	if (rc)
		iopt->disable_large_pages = enable;
out_unlock:
	up_write(&iopt->iova_rwsem);
	up_write(&iopt->domains_rwsem);
	return rc;
}
