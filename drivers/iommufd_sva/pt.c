// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stage-2 page tables: the one algorithm for all formats (see pt.h).
 *
 * Life of a table. Its page's ->private counts what keeps it: the present
 * entries in it, and the holds of those who are about to make one. Zero is
 * final: who takes the last count away unlinks the table from its parent, where
 * it was one of the parent's entries, and so on upwards; the root has a count of
 * its own and never goes. A hold can only be had while the count is not zero,
 * so nobody ever fills a table that is on its way out. Finding the table in the
 * first place is under RCU, and the page is freed a grace period after the
 * hardware has forgotten it.
 *
 * As long as a table has a count, its parent has one for it: a path from the
 * root that was read once stays true for as long as its lowest table is held.
 *
 * What the hardware remembers. Between the unlinking of a table and the
 * invalidation, an IOMMU may still reach the old, empty table through its
 * paging-structure caches. Somebody else's map, in another part of what that
 * table covered, may find the slot free and link a new table: a device would
 * still get faults there after the map returned. (On Arm going from one table to
 * another without an invalidation between is wrong in itself.) So unlinking
 * leaves a tombstone, an entry that is not present but not zero, and who wants
 * to put a table where a tombstone is while anything is unflushed flushes first.
 * Tombstones are numbered: a compare-and-exchange that succeeds proves that the
 * slot was not used and vacated again in the meantime.
 */
#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/bug.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/gfp.h>
#include <linux/iommu.h>
#include <linux/list.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include <iommufd_sva/pt.h>

#include "pt_armv8s2.h"
#include "pt_format.h"
#include "pt_vtdss.h"

#define PT_PAGE_SHIFT	12
#define PT_PAGE_SIZE	BIT(PT_PAGE_SHIFT)
#define PT_TABLE_BITS	9
#define PT_TABLE_LEN	512U

/* The highest level that can have leaves: 1G. */
#define PT_LEAF_LEVEL_MAX	2

const struct iommufd_sva_pt_format iommufd_sva_pt_vtdss =
	IOMMUFD_SVA_PT_VTDSS_INIT;
EXPORT_SYMBOL_GPL(iommufd_sva_pt_vtdss);

const struct iommufd_sva_pt_format iommufd_sva_pt_armv8s2 =
	IOMMUFD_SVA_PT_ARMV8S2_INIT;
EXPORT_SYMBOL_GPL(iommufd_sva_pt_armv8s2);

/* The way from the root to where @iova is, in tables by level. */
struct pt_path {
	struct iommufd_sva_pt *pt;
	u64 iova;
	u64 *table[IOMMUFD_SVA_PT_MAX_LEVELS];
};

static unsigned int level_shift(int level)
{
	return PT_PAGE_SHIFT + PT_TABLE_BITS * level;
}

static u64 level_size(int level)
{
	return 1ULL << level_shift(level);
}

static int root_level(const struct iommufd_sva_pt *pt)
{
	return pt->cfg.levels - 1;
}

static u64 pt_last_iova(const struct iommufd_sva_pt *pt)
{
	return (1ULL << pt->cfg.ias) - 1;
}

/* Slots of a table at @level: more than 512 only in concatenated roots. */
static unsigned int table_len(const struct iommufd_sva_pt *pt, int level)
{
	if (level == root_level(pt))
		return PT_TABLE_LEN << pt->root_order;
	return PT_TABLE_LEN;
}

static unsigned int slot_index(const struct iommufd_sva_pt *pt, u64 iova, int level)
{
	return (iova >> level_shift(level)) & (table_len(pt, level) - 1);
}

static u64 *path_slot(const struct pt_path *path, int level)
{
	return path->table[level] + slot_index(path->pt, path->iova, level);
}

static bool entry_present(const struct iommufd_sva_pt *pt, u64 entry)
{
	return entry & pt->cfg.fmt->present;
}

/* Never of one that is not present. */
static bool entry_is_table(const struct iommufd_sva_pt *pt, u64 entry, int level)
{
	const struct iommufd_sva_pt_format *fmt = pt->cfg.fmt;

	return level && (entry & fmt->table_mask) == fmt->table_value;
}

static u64 *entry_table(const struct iommufd_sva_pt *pt, u64 entry)
{
	return phys_to_virt(entry & pt->cfg.fmt->addr);
}

static phys_addr_t entry_paddr(const struct iommufd_sva_pt *pt, u64 entry,
			       u64 iova, int level)
{
	u64 offset = level_size(level) - 1;

	return (entry & pt->cfg.fmt->addr & ~offset) | (iova & offset);
}

static void sync_entries(struct iommufd_sva_pt *pt, u64 *slot, unsigned int count)
{
	if (!pt->cfg.coherent)
		pt->cfg.ops->sync_cache(slot, count * sizeof(*slot));
}

static struct page *table_page(u64 *table)
{
	return virt_to_page(table);
}

static atomic_long_t *table_count(u64 *table)
{
	struct page *page = table_page(table);

	BUILD_BUG_ON(sizeof(page->private) != sizeof(atomic_long_t));
	return (atomic_long_t *)&page->private;
}

/* Fails on a table that is on its way out. */
static bool table_hold(u64 *table, unsigned int count)
{
	return atomic_long_add_unless(table_count(table), count, 0);
}

/* True: it was the last, and the caller has to unlink the table. */
static bool table_drop(u64 *table, unsigned int count)
{
	return atomic_long_sub_and_test(count, table_count(table));
}

/*
 * Take a level 0 table away whole. It has nothing but pages, so a count of all
 * slots is one page in each and nobody's hold.
 */
static bool table_drop_full(u64 *table)
{
	return atomic_long_cmpxchg(table_count(table), PT_TABLE_LEN, 0) == PT_TABLE_LEN;
}

static u64 *table_alloc(struct iommufd_sva_pt *pt, unsigned int order,
			unsigned int count, gfp_t gfp)
{
	struct page *page;
	u64 *table;

	page = alloc_pages_node(pt->cfg.nid, gfp | __GFP_ZERO, order);
	if (!page)
		return NULL;
	table = page_address(page);
	atomic_long_set(table_count(table), count);
	/* The walker must not find in memory what was there before the zeroes. */
	sync_entries(pt, table, PT_TABLE_LEN << order);
	return table;
}

static void table_free(u64 *table, unsigned int order)
{
	struct page *page = table_page(table);

	set_page_private(page, 0);
	__free_pages(page, order);
}

static void table_free_rcu(struct rcu_head *head)
{
	__free_pages(container_of(head, struct page, rcu_head), 0);
}

/*
 * The table at @level has lost its last count: unlink it, and with it what is
 * above it and kept by nothing else. Preemption is off since that count was
 * dropped: whoever comes upon the slot before the tombstone is in it waits.
 */
static void path_unlink(struct pt_path *path, int level,
			struct iommufd_sva_gather *gather)
{
	struct iommufd_sva_pt *pt = path->pt;
	u64 page = path->iova & ~(u64)(PT_PAGE_SIZE - 1);
	u64 *slot, tombstone;

	/* Any address behind a table finds what is cached of the way there. */
	iommufd_sva_gather_add(gather, page, page + PT_PAGE_SIZE - 1);
	do {
		list_add_tail(&table_page(path->table[level])->lru, &gather->tables);
		level++;
		atomic_long_dec(&pt->pages);

		/* Formats keep the bits that say "present" among the lowest three. */
		tombstone = (u64)atomic64_inc_return(&pt->unlinks) << 3;
		slot = path_slot(path, level);
		atomic_long_inc(&pt->unflushed);
		/* Who sees the tombstone sees that something is unflushed. */
		smp_store_release(slot, tombstone);
		sync_entries(pt, slot, 1);
	} while (table_drop(path->table[level], 1));
}

static void path_drop(struct pt_path *path, int level, unsigned int count,
		      struct iommufd_sva_gather *gather)
{
	preempt_disable();
	if (table_drop(path->table[level], count))
		path_unlink(path, level, gather);
	preempt_enable();
}

/*
 * The slot at @level is not present. Before it gets a table, the hardware must
 * have forgotten the one that was there, and all that were below it: the new
 * one has no tombstones that tell of those.
 */
static void path_flush_tombstone(struct pt_path *path, int level, u64 old)
{
	struct iommufd_sva_pt *pt = path->pt;
	u64 start = path->iova & ~(level_size(level) - 1);

	if (!old)
		return;
	/* Pairs with the release in path_unlink(). */
	smp_rmb();
	if (!atomic_long_read(&pt->unflushed))
		return;
	/* The tombstone may not have got to memory yet. */
	sync_entries(pt, path_slot(path, level), 1);
	pt->cfg.ops->flush_iotlb(pt, start, start + level_size(level) - 1);
}

/*
 * Link an empty table with a count of @count below the one at @level, that the
 * caller holds once. That hold becomes the new entry's. -EAGAIN: somebody else
 * was faster. On failure the caller still has its hold.
 */
static int path_link(struct pt_path *path, int level, u64 old,
		     unsigned int count, gfp_t gfp)
{
	struct iommufd_sva_pt *pt = path->pt;
	const struct iommufd_sva_pt_format *fmt = pt->cfg.fmt;
	u64 *slot = path_slot(path, level);
	u64 *table;
	u64 entry;

	table = table_alloc(pt, 0, count, gfp);
	if (!table)
		return -ENOMEM;
	entry = fmt->table(virt_to_phys(table));
	path_flush_tombstone(path, level, old);

	/* The zeroes before the pointer to them, for the hardware too. */
	dma_wmb();
	if (cmpxchg(slot, old, entry) != old) {
		table_free(table, 0);
		return -EAGAIN;
	}
	atomic_long_inc(&pt->pages);
	if (!pt->cfg.coherent) {
		/*
		 * Others may use the new table from now on, and will see to
		 * it that the entry is in memory unless we say that it is.
		 */
		sync_entries(pt, slot, 1);
		cmpxchg(slot, entry, entry | fmt->synced);
	}
	path->table[level - 1] = table;
	return 0;
}

/*
 * Go from the root as far down as there are tables, but not below @level.
 * Returns the level of the lowest table found, with the slot there in @entry;
 * stops above @level at a slot that is not present or a leaf. Under RCU.
 */
static int path_walk(struct pt_path *path, int level, u64 *entry)
{
	struct iommufd_sva_pt *pt = path->pt;
	int at = root_level(pt);
	u64 *table = pt->root;
	u64 *slot = table + slot_index(pt, path->iova, at);

	for (;;) {
		path->table[at] = table;
		*entry = READ_ONCE(*slot);
		if (at == level || !entry_is_table(pt, *entry, at))
			return at;
		if (!pt->cfg.coherent && !(*entry & pt->cfg.fmt->synced))
			sync_entries(pt, slot, 1);
		table = entry_table(pt, *entry);
		at--;
		slot = table + ((path->iova >> level_shift(at)) & (PT_TABLE_LEN - 1));
	}
}

/*
 * Find or make the table at @level on the way to @path->iova, and hold it
 * @count times. Tables that were made and not used any more on failure go to
 * @gather. -EADDRINUSE: there is a leaf above @level.
 */
static int path_hold(struct pt_path *path, int level, unsigned int count,
		     gfp_t gfp, struct iommufd_sva_gather *gather)
{
	struct iommufd_sva_pt *pt = path->pt;
	u64 entry;
	bool held;
	int ret;
	int at;

again:
	rcu_read_lock();
	at = path_walk(path, level, &entry);
	if (at > level && entry_present(pt, entry)) {
		rcu_read_unlock();
		return -EADDRINUSE;
	}
	held = table_hold(path->table[at], at == level ? count : 1);
	rcu_read_unlock();
	if (!held) {
		cpu_relax();
		goto again;
	}

	while (at > level) {
		ret = path_link(path, at, entry, at - 1 == level ? count : 1, gfp);
		if (ret) {
			path_drop(path, at, 1, gather);
			if (ret == -EAGAIN)
				goto again;
			return ret;
		}
		at--;
		entry = 0;
	}
	return 0;
}

/* The level of the largest leaf that may start here. */
static int leaf_level(const struct iommufd_sva_pt *pt, u64 iova,
		      phys_addr_t paddr, size_t len)
{
	int level = min(PT_LEAF_LEVEL_MAX, root_level(pt));

	for (; level; level--) {
		u64 size = level_size(level);

		if ((pt->cfg.pgsize_bitmap & size) && len >= size &&
		    !((iova | paddr) & (size - 1)))
			break;
	}
	return level;
}

/* Write up to @count leaves into free slots; returns how many it found free. */
static unsigned int fill_leaves(const struct iommufd_sva_pt *pt, u64 *slot,
				unsigned int count, u64 leaf, u64 step)
{
	u64 present = pt->cfg.fmt->present;
	unsigned int i;

	for (i = 0; i < count; i++, leaf += step) {
		if (unlikely(READ_ONCE(slot[i]) & present))
			break;
		WRITE_ONCE(slot[i], leaf);
	}
	return i;
}

/* Map as much as fits into one table with leaves of one size. */
static int map_run(struct iommufd_sva_pt *pt, u64 iova, phys_addr_t paddr,
		   size_t len, unsigned int prot, gfp_t gfp, size_t *mapped,
		   struct iommufd_sva_gather *gather)
{
	struct pt_path path = { .pt = pt, .iova = iova };
	unsigned int features = (pt->cfg.snoop ? PT_FEAT_SNOOP : 0) |
				(pt->cfg.dirty ? PT_FEAT_DIRTY : 0);
	int level = leaf_level(pt, iova, paddr, len);
	unsigned int filled, count;
	u64 *slot;
	int ret;

	count = min_t(u64, len >> level_shift(level),
		      table_len(pt, level) - slot_index(pt, iova, level));
	ret = path_hold(&path, level, count, gfp, gather);
	if (ret)
		return ret;

	slot = path_slot(&path, level);
	filled = fill_leaves(pt, slot, count,
			     pt->cfg.fmt->leaf(paddr, level, prot, features),
			     level_size(level));
	*mapped += (size_t)filled << level_shift(level);
	if (filled)
		sync_entries(pt, slot, filled);
	if (filled < count) {
		path_drop(&path, level, count - filled, gather);
		return -EADDRINUSE;
	}
	return 0;
}

/* [start, start + len) lies within @bits bits and is not empty. */
static bool range_fits(u64 start, size_t len, u8 bits)
{
	u64 last;

	return len && !check_add_overflow(start, (u64)len - 1, &last) &&
	       !(last >> bits);
}

/**
 * iommufd_sva_pt_map() - map a contiguous range
 * @pt: the table
 * @iova: first address, a multiple of 4K
 * @paddr: physical address, a multiple of 4K
 * @len: bytes, a multiple of 4K, not zero
 * @prot: IOMMU_READ and IOMMU_WRITE, at least one; IOMMU_CACHE, IOMMU_MMIO,
 *	IOMMU_NOEXEC where the format knows them; other bits are ignored
 * @gfp: for tables; may sleep
 * @mapped: how much was mapped, @len or 0; may be NULL
 *
 * Uses the largest leaves that fit. All or nothing: when it fails, what it had
 * mapped so far is taken out again and flushed by ops->flush_iotlb() before it
 * returns. On success nothing needs flushing that the hardware does not want
 * for every new mapping (caching mode, write buffers).
 *
 * Return: 0; -EINVAL: misaligned, empty, or neither readable nor writable;
 * -ERANGE: beyond the IOVAs or physical addresses of @pt; -EADDRINUSE:
 * something is mapped in the range; -ENOMEM.
 */
int iommufd_sva_pt_map(struct iommufd_sva_pt *pt, u64 iova, phys_addr_t paddr,
		       size_t len, unsigned int prot, gfp_t gfp, size_t *mapped)
{
	struct iommufd_sva_gather gather;
	size_t done = 0;
	int ret = 0;

	if (mapped)
		*mapped = 0;
	if (!len || ((iova | paddr | len) & (PT_PAGE_SIZE - 1)) ||
	    !(prot & (IOMMU_READ | IOMMU_WRITE)))
		return -EINVAL;
	if (!range_fits(iova, len, pt->cfg.ias) ||
	    !range_fits(paddr, len, pt->cfg.oas))
		return -ERANGE;

	iommufd_sva_gather_init(&gather);
	while (!ret && done < len)
		ret = map_run(pt, iova + done, paddr + done, len - done, prot,
			      gfp, &done, &gather);

	if (ret && done)
		iommufd_sva_pt_unmap(pt, iova, done, &gather);
	if (!iommufd_sva_gather_empty(&gather)) {
		pt->cfg.ops->flush_iotlb(pt, gather.start, gather.last);
		iommufd_sva_pt_free_gathered(pt, &gather);
	}
	/* Before the caller tells a device that it may use the range. */
	wmb();
	if (!ret && mapped)
		*mapped = len;
	return ret;
}
EXPORT_SYMBOL_GPL(iommufd_sva_pt_map);

/* Clear up to @count leaves; returns how many there were in a row. */
static unsigned int clear_leaves(const struct iommufd_sva_pt *pt, u64 *slot,
				 unsigned int count, int level)
{
	u64 present = pt->cfg.fmt->present;
	unsigned int i;

	for (i = 0; i < count; i++) {
		u64 entry = READ_ONCE(slot[i]);

		if (unlikely(!(entry & present) || entry_is_table(pt, entry, level)))
			break;
		WRITE_ONCE(slot[i], 0);
	}
	return i;
}

/* Take out the leaves of one table that start at @iova. */
static size_t unmap_run(struct iommufd_sva_pt *pt, u64 iova, size_t len,
			struct iommufd_sva_gather *gather)
{
	struct pt_path path = { .pt = pt, .iova = iova };
	unsigned int cleared, count;
	bool last = false;
	size_t done;
	u64 entry;
	u64 *slot;
	int level;

	level = path_walk(&path, 0, &entry);
	/* Never a part of a leaf: the rest would go with it. */
	if (!entry_present(pt, entry) || (iova & (level_size(level) - 1)))
		return 0;
	slot = path_slot(&path, level);
	count = min_t(u64, len >> level_shift(level),
		      table_len(pt, level) - slot_index(pt, iova, level));

	preempt_disable();
	if (!level && count == PT_TABLE_LEN)
		last = table_drop_full(path.table[0]);
	if (last) {
		cleared = count;
	} else {
		cleared = clear_leaves(pt, slot, count, level);
		if (cleared) {
			sync_entries(pt, slot, cleared);
			last = table_drop(path.table[level], cleared);
		}
	}
	if (last)
		path_unlink(&path, level, gather);
	preempt_enable();

	done = (size_t)cleared << level_shift(level);
	if (done)
		iommufd_sva_gather_add(gather, iova, iova + done - 1);
	return done;
}

/**
 * iommufd_sva_pt_unmap() - take a range out
 * @pt: the table
 * @iova: first address, a multiple of 4K
 * @len: bytes, a multiple of 4K
 * @gather: collects what has to be flushed
 *
 * Stops at the first address where nothing is mapped, and before a leaf that
 * reaches beyond the range or begins before it: nothing outside is ever
 * touched. No page under the range may be reused, nor the range be mapped
 * again, before all of [@gather->start, @gather->last] was invalidated and
 * iommufd_sva_pt_free_gathered() called. If @gather->tables is not empty, what
 * is cached of the tables on the way to these addresses has to be invalidated
 * too (VT-d: IH clear; Arm: not the leaf-only form). Does not sleep.
 *
 * Return: the bytes taken out.
 */
size_t iommufd_sva_pt_unmap(struct iommufd_sva_pt *pt, u64 iova, size_t len,
			    struct iommufd_sva_gather *gather)
{
	size_t done = 0;
	size_t run;

	if (((iova | len) & (PT_PAGE_SIZE - 1)) || !range_fits(iova, len, pt->cfg.ias))
		return 0;

	while (done < len) {
		rcu_read_lock();
		run = unmap_run(pt, iova + done, len - done, gather);
		rcu_read_unlock();
		if (!run)
			break;
		done += run;
	}
	return done;
}
EXPORT_SYMBOL_GPL(iommufd_sva_pt_unmap);

/**
 * iommufd_sva_pt_free_gathered() - the hardware has forgotten a gather
 * @pt: the table that it is of
 * @gather: flushed; empty afterwards
 *
 * Frees the tables in it. Does not sleep.
 */
void iommufd_sva_pt_free_gathered(struct iommufd_sva_pt *pt,
				  struct iommufd_sva_gather *gather)
{
	struct page *page, *next;
	long count = 0;

	list_for_each_entry_safe(page, next, &gather->tables, lru) {
		/* The rcu_head is where the list was. */
		list_del(&page->lru);
		call_rcu(&page->rcu_head, table_free_rcu);
		count++;
	}
	if (count)
		atomic_long_sub(count, &pt->unflushed);
	iommufd_sva_gather_init(gather);
}
EXPORT_SYMBOL_GPL(iommufd_sva_pt_free_gathered);

/*
 * path_walk() for who only looks and needs no way back: the slot where the walk
 * for @iova ends, its @level, and the @entry that was in it. Under RCU.
 */
static u64 *find_slot(struct iommufd_sva_pt *pt, u64 iova, int *level, u64 *entry)
{
	int at = root_level(pt);
	u64 *slot = pt->root + slot_index(pt, iova, at);
	u64 found;

	for (;;) {
		found = READ_ONCE(*slot);
		if (!entry_is_table(pt, found, at))
			break;
		at--;
		slot = entry_table(pt, found) +
		       ((iova >> level_shift(at)) & (PT_TABLE_LEN - 1));
	}
	*level = at;
	*entry = found;
	return slot;
}

/**
 * iommufd_sva_pt_lookup() - what is mapped at an address
 * @pt: the table
 * @iova: the address
 * @paddr: the physical address behind it; may be NULL
 * @prot: IOMMU_READ and IOMMU_WRITE; may be NULL
 * @leaf_size: size of the leaf; may be NULL
 *
 * Return: whether anything is.
 */
bool iommufd_sva_pt_lookup(struct iommufd_sva_pt *pt, u64 iova,
			   phys_addr_t *paddr, unsigned int *prot,
			   size_t *leaf_size)
{
	u64 entry;
	int level;

	if (iova > pt_last_iova(pt))
		return false;
	rcu_read_lock();
	find_slot(pt, iova, &level, &entry);
	rcu_read_unlock();
	if (!entry_present(pt, entry))
		return false;

	if (paddr)
		*paddr = entry_paddr(pt, entry, iova, level);
	if (prot)
		*prot = pt->cfg.fmt->prot(entry);
	if (leaf_size)
		*leaf_size = level_size(level);
	return true;
}
EXPORT_SYMBOL_GPL(iommufd_sva_pt_lookup);

/**
 * iommufd_sva_pt_iova_to_phys() - the physical address behind an address
 * @pt: the table
 * @iova: the address
 *
 * Return: it, or 0 if nothing is mapped, as iommu_iova_to_phys() has it.
 */
phys_addr_t iommufd_sva_pt_iova_to_phys(struct iommufd_sva_pt *pt, u64 iova)
{
	phys_addr_t paddr;

	return iommufd_sva_pt_lookup(pt, iova, &paddr, NULL, NULL) ? paddr : 0;
}
EXPORT_SYMBOL_GPL(iommufd_sva_pt_iova_to_phys);

/*
 * How far the leaves of one table go on from @iova to consecutive physical
 * addresses, at most @want bytes. The first one's is in @paddr.
 */
static size_t contiguous_run(struct iommufd_sva_pt *pt, u64 iova, size_t want,
			     phys_addr_t *paddr)
{
	size_t done, size;
	u64 *slot, *end;
	u64 entry;
	int level;

	slot = find_slot(pt, iova, &level, &entry);
	if (!entry_present(pt, entry))
		return 0;
	*paddr = entry_paddr(pt, entry, iova, level);
	size = level_size(level);
	done = size - (iova & (size - 1));

	/* VFIO asks page by page: mostly this is all. */
	if (done >= want)
		return want;
	end = slot + table_len(pt, level) - slot_index(pt, iova, level);
	while (++slot < end && done < want) {
		entry = READ_ONCE(*slot);
		if (!entry_present(pt, entry) || entry_is_table(pt, entry, level) ||
		    entry_paddr(pt, entry, iova + done, level) != *paddr + done)
			break;
		done += size;
	}
	return min(done, want);
}

/**
 * iommufd_sva_pt_lookup_run() - how far memory is contiguous from an address
 * @pt: the table
 * @iova: the address
 * @paddr: the physical address behind it
 * @len: in: most bytes of interest, not zero; out: bytes from @iova on that are
 *	mapped to consecutive physical addresses, across leaves, at most as
 *	many as asked for
 *
 * Return: whether anything is mapped at @iova; if not, nothing is written.
 */
bool iommufd_sva_pt_lookup_run(struct iommufd_sva_pt *pt, u64 iova,
			       phys_addr_t *paddr, size_t *len)
{
	const u64 last = pt_last_iova(pt);
	phys_addr_t here;
	size_t run, done;

	if (iova > last)
		return false;
	rcu_read_lock();
	done = contiguous_run(pt, iova, *len, paddr);
	rcu_read_unlock();
	if (!done)
		return false;

	while (done < *len && iova + done <= last) {
		rcu_read_lock();
		run = contiguous_run(pt, iova + done, *len - done, &here);
		rcu_read_unlock();
		if (!run || here != *paddr + done)
			break;
		done += run;
	}
	*len = done;
	return true;
}
EXPORT_SYMBOL_GPL(iommufd_sva_pt_lookup_run);

/**
 * iommufd_sva_pt_walk() - show the tables that the hardware walks
 * @pt: the table
 * @iova: the address it walks for
 * @fn: called for every table from the root to where the walk ends, with its
 *	level, its physical address (that of the whole root, when root tables are
 *	concatenated), the index and value of the entry. Under RCU: must not sleep.
 * @arg: for @fn
 */
void iommufd_sva_pt_walk(struct iommufd_sva_pt *pt, u64 iova,
			 iommufd_sva_pt_walk_fn fn, void *arg)
{
	struct pt_path path = { .pt = pt, .iova = iova };
	int level, at;
	u64 entry;

	if (iova > pt_last_iova(pt))
		return;
	rcu_read_lock();
	level = path_walk(&path, 0, &entry);
	for (at = root_level(pt); at >= level; at--)
		fn(at, virt_to_phys(path.table[at]), slot_index(pt, iova, at),
		   at == level ? entry : READ_ONCE(*path_slot(&path, at)), arg);
	rcu_read_unlock();
}
EXPORT_SYMBOL_GPL(iommufd_sva_pt_walk);

/* Make a leaf clean, against a hardware that may be making it dirty. */
static void clear_dirty(struct iommufd_sva_pt *pt, u64 *slot, u64 entry)
{
	u64 seen;

	while ((seen = cmpxchg(slot, entry,
			       entry & ~pt->cfg.fmt->dirty_clear)) != entry) {
		if (!entry_present(pt, seen))
			return;
		entry = seen;
	}
	sync_entries(pt, slot, 1);
}

/* Returns how far it got: to the end of a table, a hole, or the range. */
static u64 dirty_run(struct iommufd_sva_pt *pt, u64 iova, u64 last,
		     unsigned int flags, iommufd_sva_pt_dirty_fn record,
		     void *arg, struct iommufd_sva_gather *gather)
{
	const u64 dirty = pt->cfg.fmt->dirty;
	struct pt_path path = { .pt = pt, .iova = iova };
	unsigned int index;
	u64 entry, end;
	int level;

	level = path_walk(&path, 0, &entry);
	index = slot_index(pt, iova, level);
	for (;;) {
		end = iova | (level_size(level) - 1);
		if (entry_present(pt, entry)) {
			if (entry_is_table(pt, entry, level))
				return iova;
			if ((entry & dirty) == dirty) {
				record(iova, min(end, last) - iova + 1, arg);
				if (!(flags & IOMMUFD_SVA_PT_DIRTY_NO_CLEAR)) {
					clear_dirty(pt, path.table[level] + index, entry);
					iommufd_sva_gather_add(gather, iova, end);
				}
			}
		}
		iova = end + 1;
		if (end >= last || ++index == table_len(pt, level))
			return iova;
		entry = READ_ONCE(path.table[level][index]);
	}
}

/**
 * iommufd_sva_pt_read_and_clear_dirty() - report what the hardware wrote to
 * @pt: the table
 * @iova: first address
 * @len: bytes
 * @flags: IOMMUFD_SVA_PT_DIRTY_NO_CLEAR
 * @record: called for each dirty leaf with the part of it that is in the range,
 *	in rising order. Under RCU: must not sleep.
 * @arg: for @record
 * @gather: gets what has to be invalidated for later writes to be seen: the
 *	whole of each leaf that was cleaned. May be NULL with
 *	IOMMUFD_SVA_PT_DIRTY_NO_CLEAR.
 *
 * A leaf is dirty or clean as a whole. Holes are passed over.
 *
 * Return: 0; -EINVAL: empty or beyond the IOVAs of @pt.
 */
int iommufd_sva_pt_read_and_clear_dirty(struct iommufd_sva_pt *pt, u64 iova,
					size_t len, unsigned int flags,
					iommufd_sva_pt_dirty_fn record, void *arg,
					struct iommufd_sva_gather *gather)
{
	u64 last = iova + len - 1;

	if (!range_fits(iova, len, pt->cfg.ias))
		return -EINVAL;
	while (iova <= last) {
		rcu_read_lock();
		iova = dirty_run(pt, iova, last, flags, record, arg, gather);
		rcu_read_unlock();
	}
	return 0;
}
EXPORT_SYMBOL_GPL(iommufd_sva_pt_read_and_clear_dirty);

/**
 * iommufd_sva_pt_root() - where the root is
 * @pt: the table
 *
 * Return: its physical address, a multiple of the size of all root tables.
 */
phys_addr_t iommufd_sva_pt_root(const struct iommufd_sva_pt *pt)
{
	return virt_to_phys(pt->root);
}
EXPORT_SYMBOL_GPL(iommufd_sva_pt_root);

/* The fewest levels that reach @ias with as many root tables as may be. */
static u8 levels_for(const struct iommufd_sva_pt_format *fmt, u8 ias)
{
	u8 levels = fmt->min_levels;

	while (level_shift(levels) + fmt->concat_bits < ias)
		levels++;
	return levels;
}

/**
 * iommufd_sva_pt_init() - make an empty table
 * @pt: where
 * @cfg: its shape; copied
 * @gfp: for the root; may sleep
 *
 * Return: 0; -EINVAL: the format cannot have that shape; -ENOMEM.
 */
int iommufd_sva_pt_init(struct iommufd_sva_pt *pt,
			const struct iommufd_sva_pt_cfg *cfg, gfp_t gfp)
{
	const struct iommufd_sva_pt_format *fmt = cfg->fmt;
	u8 levels = cfg->levels;

	if (cfg->ias <= PT_PAGE_SHIFT || cfg->ias > fmt->max_ias ||
	    cfg->oas <= PT_PAGE_SHIFT || cfg->oas > fmt->max_oas ||
	    !(cfg->pgsize_bitmap & SZ_4K) || !cfg->ops->flush_iotlb ||
	    (!cfg->coherent && !cfg->ops->sync_cache))
		return -EINVAL;
	if (!levels)
		levels = levels_for(fmt, cfg->ias);
	if (levels < fmt->min_levels || levels > fmt->max_levels ||
	    level_shift(levels) + fmt->concat_bits < cfg->ias)
		return -EINVAL;

	*pt = (struct iommufd_sva_pt){ .cfg = *cfg };
	pt->cfg.levels = levels;
	if (cfg->ias > level_shift(levels))
		pt->root_order = cfg->ias - level_shift(levels);
	/* The root's own count: it stays, empty or not. */
	pt->root = table_alloc(pt, pt->root_order, 1, gfp);
	if (!pt->root)
		return -ENOMEM;
	atomic_long_set(&pt->pages, 1L << pt->root_order);
	return 0;
}
EXPORT_SYMBOL_GPL(iommufd_sva_pt_init);

static void free_tables_below(struct iommufd_sva_pt *pt, u64 *table, int level)
{
	unsigned int i;

	for (i = 0; i < table_len(pt, level); i++) {
		u64 *child;

		if (!entry_present(pt, table[i]) ||
		    !entry_is_table(pt, table[i], level))
			continue;
		child = entry_table(pt, table[i]);
		if (level > 1)
			free_tables_below(pt, child, level - 1);
		table_free(child, 0);
	}
}

/**
 * iommufd_sva_pt_clear() - make it empty, whatever is still mapped
 * @pt: the table
 *
 * No hardware walks it any more, nobody uses it meanwhile, and every gather was
 * freed. What hardware may have cached of it is the caller's to flush before it is
 * walked again.
 */
void iommufd_sva_pt_clear(struct iommufd_sva_pt *pt)
{
	unsigned int len = table_len(pt, root_level(pt));

	WARN_ON(atomic_long_read(&pt->unflushed));
	free_tables_below(pt, pt->root, root_level(pt));
	memset(pt->root, 0, len * sizeof(*pt->root));
	sync_entries(pt, pt->root, len);
	atomic_long_set(table_count(pt->root), 1);
	atomic_long_set(&pt->pages, 1L << pt->root_order);
}
EXPORT_SYMBOL_GPL(iommufd_sva_pt_clear);

/**
 * iommufd_sva_pt_destroy() - free all tables, whatever is still mapped
 * @pt: the table; may be one that iommufd_sva_pt_init() failed on
 *
 * No hardware walks it any more, nobody uses it, and every gather was freed.
 */
void iommufd_sva_pt_destroy(struct iommufd_sva_pt *pt)
{
	if (!pt->root)
		return;
	WARN_ON(atomic_long_read(&pt->unflushed));
	free_tables_below(pt, pt->root, root_level(pt));
	table_free(pt->root, pt->root_order);
	pt->root = NULL;
	atomic_long_set(&pt->pages, 0);
}
EXPORT_SYMBOL_GPL(iommufd_sva_pt_destroy);
