/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stage-2 page tables: one algorithm, formats as parameters.
 *
 * A radix tree of 4 KiB tables of 512 64-bit entries (the root may be up to 16
 * tables side by side), leaves of 4K, 2M and 1G. Levels are counted from the
 * leaf up: level 0 holds 4K pages, level 1 2M, level 2 1G. That is VT-d's level
 * minus one, and three minus Arm's.
 *
 * Concurrency. Any number of map, unmap, lookup and dirty calls run at once,
 * without a lock. What the caller owes:
 *  - calls that change something (map, unmap, dirty) and run at the same time
 *    have disjoint ranges; an unmapped range stays taken until its gather was
 *    flushed and iommufd_sva_pt_free_gathered() returned;
 *  - init comes before and destroy after everything else;
 *  - flush_iotlb() of the ops can be called from inside map: locks that it
 *    takes are not held around map.
 *
 * A table is unlinked as soon as nothing in it is present, and freed after the
 * invalidation, an RCU grace period later. A module that contains pt.c calls
 * rcu_barrier() before it goes.
 */
#ifndef __IOMMUFD_SVA_PT_H
#define __IOMMUFD_SVA_PT_H

#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/types.h>

#include <iommufd_sva/gather.h>

#define IOMMUFD_SVA_PT_MAX_LEVELS	5

struct iommufd_sva_pt;
struct iommufd_sva_pt_format;

/* VT-d second stage: 3, 4 or 5 levels (AGAW 39, 48, 57) */
extern const struct iommufd_sva_pt_format iommufd_sva_pt_vtdss;
/* VMSAv8-64 stage 2, 4K granule: 32 to 48 bits, concatenated root tables */
extern const struct iommufd_sva_pt_format iommufd_sva_pt_armv8s2;

/**
 * struct iommufd_sva_pt_ops - what a table needs from who owns it
 * @flush_iotlb: invalidate what every IOMMU that walks @pt caches of [@start,
 *	@last], leaves and tables, and wait until that is done. Called from
 *	iommufd_sva_pt_map() only, and rarely: when it undoes a failed map, and
 *	when it is about to link a table where another was unlinked by somebody
 *	who has not flushed yet. Holds none of our locks, may sleep.
 * @sync_cache: write @len bytes at @addr back from the CPU's caches, for a
 *	walker that does not snoop. Must not sleep. Needed unless coherent.
 */
struct iommufd_sva_pt_ops {
	void (*flush_iotlb)(struct iommufd_sva_pt *pt, u64 start, u64 last);
	void (*sync_cache)(void *addr, size_t len);
};

/**
 * struct iommufd_sva_pt_cfg - the shape of a table
 * @fmt: &iommufd_sva_pt_vtdss or &iommufd_sva_pt_armv8s2
 * @ops: the owner's callbacks
 * @ias: bits of an IOVA that may be used
 * @oas: bits of a physical address that may be used
 * @levels: 0: the fewest that cover @ias (Arm: with concatenated roots); else
 *	exactly so many
 * @pgsize_bitmap: leaf sizes to use, SZ_4K (a must), SZ_2M, SZ_1G; other bits
 *	are ignored
 * @coherent: the hardware's table walks snoop the CPU's caches
 * @snoop: leaves say that DMA snoops no matter what the device asks. VT-d: SNP
 *	(reserved unless ECAP.SC). Arm: MemAttr as FEAT_S2FWB has it, the stream
 *	table entry must set S2FWB.
 * @dirty: the hardware updates dirty state. Arm: writable leaves get DBM, the
 *	stream table entry must set S2HD. VT-d: leaves do not depend on it.
 * @nid: node for the tables, NUMA_NO_NODE: no preference
 */
struct iommufd_sva_pt_cfg {
	const struct iommufd_sva_pt_format *fmt;
	const struct iommufd_sva_pt_ops *ops;
	u8 ias;
	u8 oas;
	u8 levels;
	unsigned long pgsize_bitmap;
	bool coherent;
	bool snoop;
	bool dirty;
	int nid;
};

/**
 * struct iommufd_sva_pt - a table, to be embedded; all fields are pt.c's
 * @cfg: as it was made, @cfg.levels filled in
 * @root: the root table
 * @root_order: of its allocation; more than 0 with concatenated root tables
 * @unlinks: tables ever unlinked; tells one unlinking of a slot from the next
 * @unflushed: tables that were unlinked and whose gather was not flushed yet
 * @pages: pages that hold linked tables, the root's included
 */
struct iommufd_sva_pt {
	struct iommufd_sva_pt_cfg cfg;
	u64 *root;
	unsigned int root_order;
	atomic64_t unlinks;
	atomic_long_t unflushed;
	atomic_long_t pages;
};

int iommufd_sva_pt_init(struct iommufd_sva_pt *pt,
			const struct iommufd_sva_pt_cfg *cfg, gfp_t gfp);
void iommufd_sva_pt_clear(struct iommufd_sva_pt *pt);
void iommufd_sva_pt_destroy(struct iommufd_sva_pt *pt);

int iommufd_sva_pt_map(struct iommufd_sva_pt *pt, u64 iova, phys_addr_t paddr,
		       size_t len, unsigned int prot, gfp_t gfp, size_t *mapped);
size_t iommufd_sva_pt_unmap(struct iommufd_sva_pt *pt, u64 iova, size_t len,
			    struct iommufd_sva_gather *gather);
void iommufd_sva_pt_free_gathered(struct iommufd_sva_pt *pt,
				  struct iommufd_sva_gather *gather);

phys_addr_t iommufd_sva_pt_iova_to_phys(struct iommufd_sva_pt *pt, u64 iova);
bool iommufd_sva_pt_lookup(struct iommufd_sva_pt *pt, u64 iova,
			   phys_addr_t *paddr, unsigned int *prot,
			   size_t *leaf_size);
bool iommufd_sva_pt_lookup_run(struct iommufd_sva_pt *pt, u64 iova,
			       phys_addr_t *paddr, size_t *len);

typedef void (*iommufd_sva_pt_walk_fn)(int level, phys_addr_t table,
				       unsigned int index, u64 entry, void *arg);
void iommufd_sva_pt_walk(struct iommufd_sva_pt *pt, u64 iova,
			 iommufd_sva_pt_walk_fn fn, void *arg);

/* Report dirty pages, leave them dirty. */
#define IOMMUFD_SVA_PT_DIRTY_NO_CLEAR	BIT(0)

typedef void (*iommufd_sva_pt_dirty_fn)(u64 iova, size_t len, void *arg);
int iommufd_sva_pt_read_and_clear_dirty(struct iommufd_sva_pt *pt, u64 iova,
					size_t len, unsigned int flags,
					iommufd_sva_pt_dirty_fn record, void *arg,
					struct iommufd_sva_gather *gather);

phys_addr_t iommufd_sva_pt_root(const struct iommufd_sva_pt *pt);

/* Levels that a walk from the root takes: VT-d's AW and Arm's start level. */
static inline u8 iommufd_sva_pt_levels(const struct iommufd_sva_pt *pt)
{
	return pt->cfg.levels;
}

/* Memory that linked tables take, in bytes. */
static inline size_t iommufd_sva_pt_table_bytes(struct iommufd_sva_pt *pt)
{
	return (size_t)atomic_long_read(&pt->pages) << 12;
}

#endif
