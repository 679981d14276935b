// SPDX-License-Identifier: GPL-2.0-only
/*
 * User memory behind the areas: pinning it, carrying it into domains, and
 * giving it back.
 *
 * Nothing is stored per page. While a page is pinned, some domain maps it, and
 * its physical address is read back from there (lookup(), a whole physically
 * contiguous run at a time): for a second domain, for a copy, and for unpinning.
 * While no domain is attached nothing is pinned.
 *
 * Mapping goes by runs too: pages come from pinning in batches, and neighbours
 * that are contiguous in memory are put together, across batches, before the
 * domain sees them, so that it can use its largest leaves.
 *
 * Unmapping reads back every run to be unpinned (8 bytes each), takes the range
 * out of every domain, flushes each of them once, and only then unpins. So one
 * unmap costs one flush per domain, however scattered the memory is, up to
 * IOPT_MAX_RUNS runs; should there be more, or no memory to note them, it goes
 * piece by piece with a flush for each.
 *
 * "last" is in the range, "end" is one behind it.
 */
#include <linux/capability.h>
#include <linux/file.h>
#include <linux/magic.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/pagemap.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/sched/user.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>

#include "io_pagetable.h"

/* Pages that are pinned at once: their pointers fill one page... */
#define IOPT_PIN_BATCH	(PAGE_SIZE / sizeof(struct page *))
/* ...or lie on the stack, when there are only so many. */
#define IOPT_PIN_FEW	16

/*
 * Runs of physically contiguous pages, one word each.
 */
#define IOPT_RUN_NPAGES_BITS	24
#define IOPT_RUN_MAX_NPAGES	BIT(IOPT_RUN_NPAGES_BITS)
/* Enough for most areas, and for one page without any allocation. */
#define IOPT_FEW_RUNS		32
/* 8 MiB of notes; 4 GiB of memory, if no two of its 4K pages are neighbours. */
#define IOPT_MAX_RUNS		SZ_1M

struct iopt_runs {
	u64 *run;
	unsigned int nr;
	unsigned int max;
	u64 few[IOPT_FEW_RUNS];
};

static void iopt_runs_init(struct iopt_runs *runs)
{
	runs->run = runs->few;
	runs->nr = 0;
	runs->max = IOPT_FEW_RUNS;
}

static void iopt_runs_destroy(struct iopt_runs *runs)
{
	if (runs->run != runs->few)
		kvfree(runs->run);
}

/* Make room for one more, if there is memory for it. */
static bool iopt_runs_grow(struct iopt_runs *runs)
{
	unsigned int max = min_t(unsigned int, runs->max * 8, IOPT_MAX_RUNS);
	u64 *run;

	if (runs->nr < runs->max)
		return true;
	if (runs->max == IOPT_MAX_RUNS)
		return false;
	run = kvmalloc_array(max, sizeof(*run), GFP_KERNEL | __GFP_NOWARN);
	if (!run)
		return false;
	memcpy(run, runs->run, runs->nr * sizeof(*run));
	iopt_runs_destroy(runs);
	runs->run = run;
	runs->max = max;
	return true;
}

static void iopt_runs_add(struct iopt_runs *runs, unsigned long pfn,
			  unsigned long npages)
{
	runs->run[runs->nr++] = (u64)pfn << IOPT_RUN_NPAGES_BITS | (npages - 1);
}

static unsigned long iopt_run_pfn(u64 run)
{
	return run >> IOPT_RUN_NPAGES_BITS;
}

static unsigned long iopt_run_npages(u64 run)
{
	return (run & (IOPT_RUN_MAX_NPAGES - 1)) + 1;
}

/*
 * Accounting: as iommufd does it. RLIMIT_MEMLOCK limits the sum over a user, or
 * over a process; mm->pinned_vm just tells.
 */
static int iopt_charge_user(const struct iopt_source *source,
			    unsigned long npages)
{
	atomic_long_t *locked = &source->cred->user->locked_vm;
	long limit = task_rlimit(source->task, RLIMIT_MEMLOCK) >> PAGE_SHIFT;
	long cur = atomic_long_read(locked);

	do {
		if (cur + npages > limit)
			return -ENOMEM;
	} while (!atomic_long_try_cmpxchg(locked, &cur, cur + npages));
	return 0;
}

static int iopt_account_mm(const struct iopt_source *source,
			   unsigned long npages, bool inc)
{
	struct mm_struct *mm = source->mm;
	int rc;

	/* Of a process that is gone nothing is locked any more. */
	if (mm != current->mm && !mmget_not_zero(mm))
		return inc ? -EFAULT : 0;
	mmap_write_lock(mm);
	rc = __account_locked_vm(mm, npages, inc, source->task, false);
	mmap_write_unlock(mm);
	if (mm != current->mm)
		mmput(mm);
	return rc;
}

/**
 * iopt_charge - charge pages that are about to be pinned
 * @source: whom
 * @mode: how
 * @npages: how many
 *
 * Return: 0; -ENOMEM above the limit
 */
int iopt_charge(const struct iopt_source *source, enum iopt_account_mode mode,
		unsigned long npages)
{
	int rc = 0;

	if (!npages)
		return 0;
	if (mode == IOPT_ACCOUNT_USER)
		rc = iopt_charge_user(source, npages);
	else if (mode == IOPT_ACCOUNT_MM)
		rc = iopt_account_mm(source, npages, true);
	if (!rc)
		atomic64_add(npages, &source->mm->pinned_vm);
	return rc;
}

void iopt_uncharge(const struct iopt_source *source, enum iopt_account_mode mode,
		   unsigned long npages)
{
	if (!npages)
		return;
	if (mode == IOPT_ACCOUNT_USER)
		atomic_long_sub(npages, &source->cred->user->locked_vm);
	else if (mode == IOPT_ACCOUNT_MM)
		iopt_account_mm(source, npages, false);
	atomic64_sub(npages, &source->mm->pinned_vm);
}

static int iopt_pages_charge(struct iopt_pages *pages, unsigned long npages)
{
	int rc = iopt_charge(&pages->source, pages->account_mode, npages);

	if (!rc)
		atomic_long_add(npages, &pages->npinned);
	return rc;
}

static void iopt_pages_uncharge(struct iopt_pages *pages, unsigned long npages)
{
	atomic_long_sub(npages, &pages->npinned);
	iopt_uncharge(&pages->source, pages->account_mode, npages);
}

void iopt_source_get(struct iopt_source *source, const struct iopt_source *from)
{
	*source = *from;
	mmgrab(source->mm);
	get_task_struct(source->task);
	get_cred(source->cred);
}

/* The calling process as a source; -EINVAL for a task without memory. */
int iopt_source_init(struct iopt_source *source)
{
	const struct iopt_source from = {
		.mm = current->mm,
		.task = current->group_leader,
		.cred = current_cred(),
	};

	if (!from.mm)
		return -EINVAL;
	iopt_source_get(source, &from);
	return 0;
}

void iopt_source_release(struct iopt_source *source)
{
	put_cred(source->cred);
	put_task_struct(source->task);
	mmdrop(source->mm);
}

static struct iopt_pages *iopt_alloc_pages(unsigned long first_offset,
					   unsigned long length, bool writable)
{
	struct iopt_pages *pages;
	int rc;

	if (!length || length > SIZE_MAX - PAGE_SIZE)
		return ERR_PTR(-EINVAL);

	pages = kzalloc(sizeof(*pages), IOMMUFD_SVA_GFP_USER);
	if (!pages)
		return ERR_PTR(-ENOMEM);
	rc = iopt_source_init(&pages->source);
	if (rc) {
		kfree(pages);
		return ERR_PTR(rc);
	}
	kref_init(&pages->kref);
	mutex_init(&pages->mutex);
	pages->domains_itree = RB_ROOT_CACHED;
	pages->npages = DIV_ROUND_UP(length + first_offset, PAGE_SIZE);
	pages->writable = writable;
	pages->account_mode = capable(CAP_IPC_LOCK) ? IOPT_ACCOUNT_NONE :
						      IOPT_ACCOUNT_USER;
	return pages;
}

/**
 * iopt_alloc_user_pages - memory of the calling process
 * @uptr: where it starts
 * @length: its length
 * @writable: devices may write to it
 *
 * Return: the pages, with one reference, nothing pinned; or an ERR_PTR
 */
struct iopt_pages *iopt_alloc_user_pages(unsigned long uptr, unsigned long length,
					 bool writable)
{
	struct iopt_pages *pages;
	unsigned long end;

	if (check_add_overflow(uptr, length, &end))
		return ERR_PTR(-EOVERFLOW);
	pages = iopt_alloc_pages(offset_in_page(uptr), length, writable);
	if (!IS_ERR(pages))
		pages->uptr = uptr & PAGE_MASK;
	return pages;
}

/*
 * Only files that are memory: what the page cache of any other file holds is
 * written back and replaced under a device's writes.
 */
static bool iopt_file_is_memory(struct file *file)
{
	struct inode *inode = file_inode(file);

	return S_ISREG(inode->i_mode) &&
	       (inode->i_sb->s_magic == TMPFS_MAGIC ||
		inode->i_sb->s_magic == HUGETLBFS_MAGIC);
}

/*
 * As for a shared mapping, any use needs a file opened for reading.
 *
 * A device that writes counts as a writable shared mapping, for as long as the
 * pages live: it needs a file opened for writing, and seals against writing
 * exclude it.
 */
static int iopt_file_get_access(struct file *file, bool writable)
{
	struct inode *inode = file_inode(file);

	if (!(file->f_mode & FMODE_READ))
		return -EPERM;
	if (!writable)
		return 0;
	if (!(file->f_mode & FMODE_WRITE))
		return -EPERM;
	if (inode->i_sb->s_magic == TMPFS_MAGIC &&
	    SHMEM_I(inode)->seals & F_SEAL_FUTURE_WRITE)
		return -EPERM;
	return mapping_map_writable(file->f_mapping);
}

/**
 * iopt_alloc_file_pages - memory of a memfd
 * @file: the file; a reference is taken
 * @start: first byte in it
 * @length: how many
 * @writable: devices may write to it
 *
 * Return: as iopt_alloc_user_pages(); -EINVAL if @file is no memory file,
 * -EPERM if it must not be read or written
 */
struct iopt_pages *iopt_alloc_file_pages(struct file *file, unsigned long start,
					 unsigned long length, bool writable)
{
	struct iopt_pages *pages;
	int rc;

	if (!iopt_file_is_memory(file))
		return ERR_PTR(-EINVAL);
	pages = iopt_alloc_pages(offset_in_page(start), length, writable);
	if (IS_ERR(pages))
		return pages;
	rc = iopt_file_get_access(file, writable);
	if (rc) {
		iopt_put_pages(pages);
		return ERR_PTR(rc);
	}
	pages->file = get_file(file);
	pages->file_start = start & PAGE_MASK;
	return pages;
}

void iopt_release_pages(struct kref *kref)
{
	struct iopt_pages *pages = container_of(kref, struct iopt_pages, kref);

	WARN_ON(!RB_EMPTY_ROOT(&pages->domains_itree.rb_root));
	WARN_ON(atomic_long_read(&pages->npinned));
	if (pages->file) {
		if (pages->writable)
			mapping_unmap_writable(pages->file->f_mapping);
		fput(pages->file);
	}
	iopt_source_release(&pages->source);
	mutex_destroy(&pages->mutex);
	kfree(pages);
}

/* Another process's memory: it may be gone, and its locks are not ours. */
static long iopt_pin_remote(struct mm_struct *mm, unsigned long uptr,
			    unsigned long npages, unsigned int gup_flags,
			    struct page **upages)
{
	int locked = 1;
	long n;

	if (!mmget_not_zero(mm))
		return -EFAULT;
	mmap_read_lock(mm);
	n = iommufd_sva_pin_user_pages_remote(mm, uptr, npages, gup_flags, upages,
					      &locked);
	if (locked)
		mmap_read_unlock(mm);
	mmput(mm);
	return n;
}

/* How many of the pages were pinned, at least 1, or a negative errno. */
static long iopt_pages_pin(struct iopt_pages *pages, unsigned long index,
			   unsigned long npages, struct page **upages)
{
	unsigned int gup_flags = FOLL_LONGTERM;
	unsigned long uptr = pages->uptr + index * PAGE_SIZE;
	long n;

	if (pages->writable)
		gup_flags |= FOLL_WRITE;

	if (pages->file)
		n = iommufd_sva_pin_file_pages(pages->file,
					       pages->file_start + index * PAGE_SIZE,
					       npages, pages->writable, upages);
	else if (pages->source.mm == current->mm)
		n = pin_user_pages_fast(uptr, npages, gup_flags, upages);
	else
		n = iopt_pin_remote(pages->source.mm, uptr, npages, gup_flags,
				    upages);
	return n ?: -EFAULT;
}

/*
 * Page indexes of an area and its IOVA. Its first and last page may be in it in
 * part only.
 */
static unsigned long iopt_area_index_to_iova(const struct iopt_area *area,
					     unsigned long index)
{
	if (index == area->pages_node.start)
		return area->node.start;
	return area->node.start - area->page_offset +
	       (index - area->pages_node.start) * PAGE_SIZE;
}

static unsigned long iopt_area_index_to_last_iova(const struct iopt_area *area,
						  unsigned long index)
{
	if (index == area->pages_node.last)
		return area->node.last;
	return area->node.start - area->page_offset +
	       (index - area->pages_node.start + 1) * PAGE_SIZE - 1;
}

/* Read back a run that a domain holds for @area: pages from @index on. */
static unsigned long iopt_area_lookup(const struct iopt_area *area,
				      struct iommufd_sva_domain *domain,
				      unsigned long index, unsigned long last,
				      unsigned long *pfn)
{
	unsigned long iova = iopt_area_index_to_iova(area, index);
	size_t len = iopt_area_index_to_last_iova(area, last) - iova + 1;
	phys_addr_t paddr;

	/*
	 * A run has to fit into a word of struct iopt_runs. Where a longer one
	 * is cut, it is between the largest leaves, which unmap() cannot split.
	 */
	len = min_t(size_t, len, SZ_32G - (iova & (SZ_1G - 1)));
	if (WARN_ON_ONCE(!domain->ops->lookup(domain, iova, &paddr, &len)))
		return 0;
	*pfn = PHYS_PFN(paddr);
	return PFN_UP(offset_in_page(paddr) + len);
}

/* How many pages of [start, last] no area keeps pinned. */
static unsigned long iopt_pages_count_holes(struct iopt_pages *pages,
					    unsigned long start,
					    unsigned long last)
{
	unsigned long hole_last, npages = 0;

	while (start <= last &&
	       iopt_next_hole(&pages->domains_itree, &start, last, &hole_last)) {
		npages += hole_last - start + 1;
		start = hole_last + 1;
	}
	return npages;
}

/* Unpin those pages of a contiguous run that no area keeps pinned. */
static void iopt_pages_unpin_holes(struct iopt_pages *pages, unsigned long index,
				   unsigned long pfn, unsigned long npages)
{
	unsigned long start = index, last = index + npages - 1, hole_last;

	while (start <= last &&
	       iopt_next_hole(&pages->domains_itree, &start, last, &hole_last)) {
		unpin_user_page_range_dirty_lock(pfn_to_page(pfn + start - index),
						 hole_last - start + 1, false);
		start = hole_last + 1;
	}
}

/* Everything that was unmapped from @domain is gone from the hardware. */
static void iopt_domain_sync(struct iommufd_sva_domain *domain,
			     struct iommufd_sva_gather *gather)
{
	if (!iommufd_sva_gather_empty(gather) || !list_empty(&gather->tables))
		domain->ops->sync(domain, gather);
}

static void iopt_domain_unmap(struct iommufd_sva_domain *domain,
			      unsigned long iova, size_t len,
			      struct iommufd_sva_gather *gather)
{
	size_t unmapped = domain->ops->unmap(domain, iova, len, gather);

	/* It was mapped by us, and nobody else maps here. */
	WARN_ON_ONCE(unmapped != len);
}

/*
 * Unmapping.
 */

/* Take what is due of @areas out of @domain: one flush for all of it. */
static void iopt_unmap_due(struct iommufd_sva_domain *domain,
			   struct list_head *areas)
{
	struct iommufd_sva_gather gather;
	struct iopt_area *area;

	iommufd_sva_gather_init(&gather);
	list_for_each_entry(area, areas, item) {
		unsigned long iova, last;

		cond_resched();
		if (area->unmap_start == area->unmap_end)
			continue;
		iova = iopt_area_index_to_iova(area, area->unmap_start);
		last = iopt_area_index_to_last_iova(area, area->unmap_end - 1);
		iopt_domain_unmap(domain, iova, last - iova + 1, &gather);
	}
	iopt_domain_sync(domain, &gather);
}

/* Unpin what was noted for @area, the next runs of @runs from @next on. */
static unsigned int iopt_area_unpin(struct iopt_area *area,
				    const struct iopt_runs *runs,
				    unsigned int next)
{
	struct iopt_pages *pages = area->pages;
	unsigned long left, npages;

	for (left = area->nr_unpin; left; left -= npages) {
		u64 run = runs->run[next++];

		cond_resched();
		npages = iopt_run_npages(run);
		unpin_user_page_range_dirty_lock(pfn_to_page(iopt_run_pfn(run)),
						 npages, pages->writable);
	}
	iopt_pages_uncharge(pages, area->nr_unpin);
	return next;
}

/* First unmapped and flushed everywhere, then unpinned. */
static void iopt_unfill_flush(struct iommufd_sva_io_pagetable *iopt,
			      unsigned int first_domain, struct list_head *areas,
			      struct iopt_runs *runs)
{
	unsigned int index, next = 0;
	struct iopt_area *area;

	iopt_for_each_domain(iopt, index, first_domain)
		iopt_unmap_due(iopt->domains[index], areas);

	list_for_each_entry(area, areas, item) {
		next = iopt_area_unpin(area, runs, next);
		area->unmap_start = area->unmap_end;
		area->nr_unpin = 0;
	}
	WARN_ON(next != runs->nr);
	runs->nr = 0;
}

/*
 * Note the pages of @area up to @last that nobody else keeps pinned, as they
 * stand in @storage. The area is out of the tree already, so from here on they
 * are pinned for the sake of the notes alone: whoever wants one pins it anew.
 */
static void iopt_area_collect(struct iopt_area *area,
			      struct iommufd_sva_domain *storage,
			      unsigned long last, unsigned int first_domain,
			      struct list_head *areas, struct iopt_runs *runs)
{
	struct iopt_pages *pages = area->pages;
	unsigned long index = area->pages_node.start;
	unsigned long hole_last, npages, pfn;

	lockdep_assert_held(&pages->mutex);

	while (index <= last &&
	       iopt_next_hole(&pages->domains_itree, &index, last, &hole_last)) {
		for (; index <= hole_last; index += npages) {
			cond_resched();
			/* Between two runs, where no leaf is cut. */
			area->unmap_end = index;
			if (!iopt_runs_grow(runs))
				iopt_unfill_flush(area->iopt, first_domain, areas,
						  runs);
			npages = iopt_area_lookup(area, storage, index, hole_last,
						  &pfn);
			if (!npages) {
				npages = 1;
				continue;
			}
			iopt_runs_add(runs, pfn, npages);
			area->nr_unpin += npages;
		}
	}
	area->unmap_end = last + 1;
}

static void iopt_area_nothing_due(struct iopt_area *area)
{
	area->unmap_start = area->pages_node.start;
	area->unmap_end = area->pages_node.start;
	area->nr_unpin = 0;
}

/**
 * iopt_areas_unfill_domains - take areas out of all domains and unpin them
 * @iopt: where they are; at least one domain holds them
 * @areas: filled areas that nobody else works on
 *
 * Cannot fail.
 */
void iopt_areas_unfill_domains(struct iommufd_sva_io_pagetable *iopt,
			       struct list_head *areas)
{
	struct iopt_area *area;
	struct iopt_runs runs;

	lockdep_assert_held(&iopt->domains_rwsem);

	iopt_runs_init(&runs);
	list_for_each_entry(area, areas, item)
		iopt_area_nothing_due(area);
	list_for_each_entry(area, areas, item) {
		struct iopt_pages *pages = area->pages;

		mutex_lock(&pages->mutex);
		interval_tree_remove(&area->pages_node, &pages->domains_itree);
		iopt_area_collect(area, area->storage_domain,
				  area->pages_node.last, 0, areas, &runs);
		area->storage_domain = NULL;
		mutex_unlock(&pages->mutex);
		cond_resched();
	}
	iopt_unfill_flush(iopt, 0, areas, &runs);
	iopt_runs_destroy(&runs);
}

/**
 * iopt_areas_unmap_domain - take areas out of one domain; they stay pinned
 * @domain: the domain
 * @areas: areas that another domain holds as well
 */
void iopt_areas_unmap_domain(struct iommufd_sva_domain *domain,
			     struct list_head *areas)
{
	struct iopt_area *area;

	list_for_each_entry(area, areas, item) {
		area->unmap_start = area->pages_node.start;
		area->unmap_end = area->pages_node.last + 1;
	}
	iopt_unmap_due(domain, areas);
}

/*
 * Mapping.
 */

/**
 * struct iopt_fill - an area on its way into domains
 * @area: the area
 * @first_domain: into this domain of the iopt and those after it
 * @index: pages before it are mapped in all of them
 * @pfn: the run that starts at @index and was not mapped yet
 * @npages: its length, 0: there is none
 * @upages: room for a batch
 */
struct iopt_fill {
	struct iopt_area *area;
	unsigned int first_domain;
	unsigned long index;
	unsigned long pfn;
	unsigned long npages;
	struct page **upages;
};

static void iopt_domain_unmap_now(struct iommufd_sva_domain *domain,
				  unsigned long iova, size_t len)
{
	struct iommufd_sva_gather gather;

	iommufd_sva_gather_init(&gather);
	iopt_domain_unmap(domain, iova, len, &gather);
	iopt_domain_sync(domain, &gather);
}

static int iopt_domain_map(struct iopt_area *area,
			   struct iommufd_sva_domain *domain, unsigned long iova,
			   phys_addr_t paddr, size_t len)
{
	size_t step = area->iopt->disable_large_pages ? PAGE_SIZE : len;
	size_t done;
	int rc;

	for (done = 0; done < len; done += step) {
		rc = domain->ops->map(domain, iova + done, paddr + done, step,
				      area->prot, IOMMUFD_SVA_GFP_USER);
		if (rc) {
			if (done)
				iopt_domain_unmap_now(domain, iova, done);
			return rc;
		}
	}
	return 0;
}

/* Map the run in every domain, or in none of them. */
static int iopt_fill_map_run(struct iopt_fill *fill)
{
	struct iopt_area *area = fill->area;
	struct iommufd_sva_domain **domains = area->iopt->domains;
	unsigned long iova, last;
	unsigned int index;
	phys_addr_t paddr;
	int rc;

	if (!fill->npages)
		return 0;

	iova = iopt_area_index_to_iova(area, fill->index);
	last = iopt_area_index_to_last_iova(area, fill->index + fill->npages - 1);
	paddr = PFN_PHYS(fill->pfn);
	if (fill->index == area->pages_node.start)
		paddr += area->page_offset;

	iopt_for_each_domain(area->iopt, index, fill->first_domain) {
		rc = iopt_domain_map(area, domains[index], iova, paddr,
				     last - iova + 1);
		if (rc)
			goto err_unmap;
	}
	fill->index += fill->npages;
	fill->npages = 0;
	return 0;

err_unmap:
	while (index-- > fill->first_domain)
		iopt_domain_unmap_now(domains[index], iova, last - iova + 1);
	return rc;
}

/* The next pages; on failure they are still the caller's. */
static int iopt_fill_add(struct iopt_fill *fill, unsigned long pfn,
			 unsigned long npages)
{
	int rc;

	if (fill->npages && fill->pfn + fill->npages == pfn) {
		fill->npages += npages;
		return 0;
	}
	rc = iopt_fill_map_run(fill);
	if (rc)
		return rc;
	fill->pfn = pfn;
	fill->npages = npages;
	return 0;
}

/* Pages up to @last that nobody has pinned yet. */
static int iopt_fill_from_user(struct iopt_fill *fill, unsigned long index,
			       unsigned long last)
{
	struct page **upages = fill->upages;
	unsigned long i, npages, pfn;
	long n;
	int rc;

	for (; index <= last; index += n) {
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
		n = iopt_pages_pin(fill->area->pages, index,
				   min_t(unsigned long, last - index + 1,
					 IOPT_PIN_BATCH), upages);
		if (n < 0)
			return n;
		for (i = 0; i < n; i += npages) {
			pfn = page_to_pfn(upages[i]);
			npages = 1;
			while (i + npages < n &&
			       page_to_pfn(upages[i + npages]) == pfn + npages)
				npages++;
			rc = iopt_fill_add(fill, pfn, npages);
			if (rc) {
				unpin_user_pages(upages + i, n - i);
				return rc;
			}
		}
	}
	return 0;
}

/* Pages up to @last that other areas hold, from their domains. */
static int iopt_fill_from_domains(struct iopt_fill *fill, unsigned long index,
				  unsigned long last)
{
	struct rb_root_cached *itree = &fill->area->pages->domains_itree;
	unsigned long npages, pfn;
	int rc;

	for (; index <= last; index += npages) {
		struct iopt_area *src =
			container_of(interval_tree_iter_first(itree, index, index),
				     struct iopt_area, pages_node);

		npages = iopt_area_lookup(src, src->storage_domain, index,
					  min(last, src->pages_node.last), &pfn);
		if (!npages)
			return -EFAULT;
		rc = iopt_fill_add(fill, pfn, npages);
		if (rc)
			return rc;
	}
	return 0;
}

static int iopt_fill_all(struct iopt_fill *fill)
{
	struct iopt_area *area = fill->area;
	unsigned long index = area->pages_node.start;
	unsigned long last = area->pages_node.last;
	int rc;

	while (index <= last) {
		unsigned long hole = index, hole_last;

		if (!iopt_next_hole(&area->pages->domains_itree, &hole, last,
				    &hole_last)) {
			rc = iopt_fill_from_domains(fill, index, last);
			if (rc)
				return rc;
			break;
		}
		if (hole > index) {
			rc = iopt_fill_from_domains(fill, index, hole - 1);
			if (rc)
				return rc;
		}
		rc = iopt_fill_from_user(fill, hole, hole_last);
		if (rc)
			return rc;
		index = hole_last + 1;
	}
	return iopt_fill_map_run(fill);
}

/* Give back what a fill that failed has mapped and pinned. */
static void iopt_fill_undo(struct iopt_fill *fill, unsigned long nr_charged)
{
	struct iopt_area *area = fill->area;
	struct list_head *prev = area->item.prev;
	unsigned long first = area->pages_node.start;
	struct iopt_pages *pages = area->pages;
	struct iopt_runs runs;
	LIST_HEAD(areas);

	if (fill->npages)
		iopt_pages_unpin_holes(pages, fill->index, fill->pfn,
				       fill->npages);
	if (fill->index == first) {
		iopt_pages_uncharge(pages, nr_charged);
		return;
	}

	/* What was mapped is discharged as it is unpinned. */
	iopt_pages_uncharge(pages, nr_charged -
			    iopt_pages_count_holes(pages, first, fill->index - 1));

	/* Out of its list for a moment, into one where it is alone. */
	list_move(&area->item, &areas);
	iopt_runs_init(&runs);
	iopt_area_nothing_due(area);
	iopt_area_collect(area, area->iopt->domains[fill->first_domain],
			  fill->index - 1, fill->first_domain, &areas, &runs);
	iopt_unfill_flush(area->iopt, fill->first_domain, &areas, &runs);
	iopt_runs_destroy(&runs);
	list_move(&area->item, prev);
}

static void iopt_area_sync_map(struct iopt_area *area, unsigned int first_domain)
{
	unsigned int index;

	iopt_for_each_domain(area->iopt, index, first_domain) {
		struct iommufd_sva_domain *domain = area->iopt->domains[index];

		domain->ops->sync_map(domain, area->node.start,
				      iopt_area_length(area));
	}
}

/**
 * iopt_area_fill_domains - pin an area's memory and map it
 * @area: the area, in a list; nobody else works on it
 * @first_domain: into this domain of its iopt and all after it
 *
 * Pages that are pinned already, for another area or another domain, are read
 * back from there.
 *
 * Return: 0; or a negative errno and nothing has changed
 */
int iopt_area_fill_domains(struct iopt_area *area, unsigned int first_domain)
{
	struct iopt_fill fill = {
		.area = area,
		.first_domain = first_domain,
		.index = area->pages_node.start,
	};
	struct iopt_pages *pages = area->pages;
	struct page *few[IOPT_PIN_FEW];
	unsigned long nr_charged;
	int rc;

	lockdep_assert_held(&area->iopt->domains_rwsem);

	fill.upages = few;
	if (area->pages_node.last - area->pages_node.start >= IOPT_PIN_FEW) {
		fill.upages = (struct page **)__get_free_page(GFP_KERNEL);
		if (!fill.upages)
			return -ENOMEM;
	}

	mutex_lock(&pages->mutex);
	nr_charged = iopt_pages_count_holes(pages, area->pages_node.start,
					    area->pages_node.last);
	rc = iopt_pages_charge(pages, nr_charged);
	if (rc)
		goto out_unlock;
	rc = iopt_fill_all(&fill);
	if (rc) {
		iopt_fill_undo(&fill, nr_charged);
		goto out_unlock;
	}
	iopt_area_sync_map(area, first_domain);
	if (!area->storage_domain) {
		area->storage_domain = area->iopt->domains[0];
		interval_tree_insert(&area->pages_node, &pages->domains_itree);
	}
out_unlock:
	mutex_unlock(&pages->mutex);
	if (fill.upages != few)
		free_page((unsigned long)fill.upages);
	return rc;
}
