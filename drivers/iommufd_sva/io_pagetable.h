/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An IOAS's map: areas of IOVA, and the user memory behind them.
 *
 *   iopt ── area ── pages ── process memory or a file
 *     └── domains: the stage-2 tables that hold what the areas say
 *
 * An area is one mapping: a range of IOVA that shows a slice of a struct
 * iopt_pages. IOAS_COPY makes more areas, in any IOAS of the context, of the
 * same pages.
 */
#ifndef __IOMMUFD_SVA_IO_PAGETABLE_H
#define __IOMMUFD_SVA_IO_PAGETABLE_H

#include <linux/cred.h>
#include <linux/interval_tree.h>
#include <linux/kref.h>
#include <linux/mutex.h>

#include "iommufd_sva_private.h"

/**
 * struct iopt_area - a range of IOVA and the slice of pages behind it
 * @node: the range in bytes, in iopt->area_itree; under iova_rwsem
 * @pages_node: the slice as page indexes; in pages->domains_itree while
 *	@storage_domain is set; under pages->mutex
 * @iopt: where it is; NULL before it is inserted
 * @pages: holds a reference
 * @storage_domain: the domain from which physical addresses are read back, any
 *	of the iopt's; NULL while nothing is pinned; under pages->mutex
 * @page_offset: bytes into its first page at which the area starts
 * @prot: IOMMU_READ, IOMMU_WRITE, IOMMU_CACHE
 * @live: complete. Not so while a map or an unmap works on it outside
 *	iova_rwsem: the range is taken then, and nobody else touches it. Under
 *	iova_rwsem; whoever clears or sets it holds domains_rwsem too, so that a
 *	domain that comes or goes sees either a live area or an empty one.
 * @item: in the list of whoever works on it
 * @unmap_start: pages from here to @unmap_end (exclusive) are to be unmapped
 * @unmap_end: see @unmap_start
 * @nr_unpin: how many of them are then to be unpinned
 */
struct iopt_area {
	struct interval_tree_node node;
	struct interval_tree_node pages_node;
	struct iommufd_sva_io_pagetable *iopt;
	struct iopt_pages *pages;
	struct iommufd_sva_domain *storage_domain;
	unsigned int page_offset;
	unsigned int prot;
	bool live;
	struct list_head item;
	unsigned long unmap_start;
	unsigned long unmap_end;
	unsigned long nr_unpin;
};

/* A range the user promised to use, in iopt->allowed_itree. */
struct iopt_allowed {
	struct interval_tree_node node;
};

/* A range that cannot be used because of @owner, in iopt->reserved_itree. */
struct iopt_reserved {
	struct interval_tree_node node;
	void *owner;
};

/* Who is charged for pinned pages; the values of ctx->account_mode differ. */
enum iopt_account_mode {
	IOPT_ACCOUNT_NONE,
	IOPT_ACCOUNT_USER,
	IOPT_ACCOUNT_MM,
	IOPT_ACCOUNT_MODES,
};

/**
 * struct iopt_source - whose memory it is and who is charged
 * @mm: the address space, grabbed, not held alive
 * @task: the process; its RLIMIT_MEMLOCK counts
 * @cred: credentials; their user is charged. (A reference on the user itself
 *	could not be given back by a module on every kernel.)
 */
struct iopt_source {
	struct mm_struct *mm;
	struct task_struct *task;
	const struct cred *cred;
};

/**
 * struct iopt_pages - a piece of user memory
 * @kref: one for each area
 * @mutex: protects @domains_itree, and that a page is pinned once
 * @domains_itree: areas that hold pages in domains, by page index. A page is
 *	pinned, once, exactly while one of them covers it.
 * @npages: how many pages
 * @npinned: how many are pinned and charged
 * @source: whose; changes only under the context's process_rwsem
 * @uptr: page-aligned start in @source.mm, if @file is NULL
 * @file: the file, or NULL
 * @file_start: page-aligned start in @file
 * @writable: pinned for writing
 * @account_mode: how to charge
 * @changing: seen by an IOAS_CHANGE_PROCESS in progress
 */
struct iopt_pages {
	struct kref kref;
	struct mutex mutex;
	struct rb_root_cached domains_itree;
	unsigned long npages;
	atomic_long_t npinned;
	struct iopt_source source;
	unsigned long uptr;
	struct file *file;
	unsigned long file_start;
	bool writable;
	bool changing;
	enum iopt_account_mode account_mode;
};

/* pages.c */
struct iopt_pages *iopt_alloc_user_pages(unsigned long uptr, unsigned long length,
					 bool writable);
struct iopt_pages *iopt_alloc_file_pages(struct file *file, unsigned long start,
					 unsigned long length, bool writable);
void iopt_release_pages(struct kref *kref);

static inline void iopt_put_pages(struct iopt_pages *pages)
{
	kref_put(&pages->kref, iopt_release_pages);
}

int iopt_source_init(struct iopt_source *source);
void iopt_source_get(struct iopt_source *source, const struct iopt_source *from);
void iopt_source_release(struct iopt_source *source);
int iopt_charge(const struct iopt_source *source, enum iopt_account_mode mode,
		unsigned long npages);
void iopt_uncharge(const struct iopt_source *source, enum iopt_account_mode mode,
		   unsigned long npages);

int iopt_area_fill_domains(struct iopt_area *area, unsigned int first_domain);
void iopt_areas_unfill_domains(struct iommufd_sva_io_pagetable *iopt,
			       struct list_head *areas);
void iopt_areas_unmap_domain(struct iommufd_sva_domain *domain,
			     struct list_head *areas);

/* io_pagetable.c, for ioas.c */
#define IOPT_ALLOC_IOVA	BIT(0)

void iopt_init_table(struct iommufd_sva_io_pagetable *iopt);
void iopt_destroy_table(struct iommufd_sva_io_pagetable *iopt);
bool iopt_next_hole(struct rb_root_cached *itree, unsigned long *start,
		    unsigned long last, unsigned long *hole_last);
int iopt_set_allow_iova(struct iommufd_sva_io_pagetable *iopt,
			struct rb_root_cached *allowed);
void iopt_free_allowed(struct rb_root_cached *allowed);

struct iopt_area *iopt_area_alloc(struct iopt_pages *pages,
				  unsigned long start_byte, unsigned long length);
void iopt_free_areas(struct list_head *areas);
int iopt_map_areas(struct iommufd_sva_io_pagetable *iopt, struct list_head *areas,
		   unsigned long length, unsigned long *iova, unsigned int prot,
		   unsigned int flags);
int iopt_copy_areas(struct iommufd_sva_io_pagetable *iopt, unsigned long iova,
		    unsigned long length, struct list_head *areas);
int iopt_unmap_iova(struct iommufd_sva_io_pagetable *iopt, unsigned long iova,
		    unsigned long length, unsigned long *unmapped);
int iopt_unmap_all(struct iommufd_sva_io_pagetable *iopt, unsigned long *unmapped);
int iopt_set_large_pages(struct iommufd_sva_io_pagetable *iopt, bool enable);

static inline size_t iopt_area_length(const struct iopt_area *area)
{
	return area->node.last - area->node.start + 1;
}

/* The byte of area->pages that is at @iova. */
static inline unsigned long iopt_area_start_byte(const struct iopt_area *area,
						 unsigned long iova)
{
	return iova - area->node.start + area->page_offset +
	       area->pages_node.start * PAGE_SIZE;
}

#define iopt_make_iter(name)                                                   \
	static inline struct iopt_##name *iopt_##name##_first(                 \
		struct iommufd_sva_io_pagetable *iopt, unsigned long start,    \
		unsigned long last)                                            \
	{                                                                      \
		struct interval_tree_node *node;                               \
									       \
		lockdep_assert_held(&iopt->iova_rwsem);                        \
		node = interval_tree_iter_first(&iopt->name##_itree, start,    \
						last);                         \
		return node ? container_of(node, struct iopt_##name, node) :   \
			      NULL;                                            \
	}                                                                      \
	static inline struct iopt_##name *iopt_##name##_next(                  \
		struct iopt_##name *prev, unsigned long start,                 \
		unsigned long last)                                            \
	{                                                                      \
		struct interval_tree_node *node;                               \
									       \
		node = interval_tree_iter_next(&prev->node, start, last);      \
		return node ? container_of(node, struct iopt_##name, node) :   \
			      NULL;                                            \
	}

iopt_make_iter(area)
iopt_make_iter(allowed)
iopt_make_iter(reserved)

/* Domain @first and those after it. */
#define iopt_for_each_domain(iopt, index, first)                               \
	for (index = first; index < (iopt)->nr_domains; index++)

#define iopt_for_each_area(area, iopt, start, last)                            \
	for (area = iopt_area_first(iopt, start, last); area;                  \
	     area = iopt_area_next(area, start, last))

#endif
