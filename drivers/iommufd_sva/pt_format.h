/* SPDX-License-Identifier: GPL-2.0-only */
/* What pt.c needs to know about a format of stage-2 tables. */
#ifndef __IOMMUFD_SVA_PT_FORMAT_H
#define __IOMMUFD_SVA_PT_FORMAT_H

#include <linux/bits.h>
#include <linux/types.h>

/* Features of a configuration that change leaves. */
#define PT_FEAT_SNOOP	BIT(0)
#define PT_FEAT_DIRTY	BIT(1)

/**
 * struct iommufd_sva_pt_format - a format, as data and pure functions
 * @name: for people
 * @max_ias: most bits of an IOVA
 * @max_oas: most bits of a physical address
 * @min_levels: fewest levels
 * @max_levels: most levels
 * @concat_bits: log2 of the most root tables side by side
 * @present: bits none of which is set in an entry that is not present; the
 *	hardware ignores all others then
 * @table_mask: with @table_value: how to tell a table from a leaf above level 0
 * @table_value: (entry & @table_mask) == @table_value in a table entry, and only
 *	there above level 0; has a bit of @present
 * @addr: the physical address in an entry, at its natural place, so that the
 *	next leaf of a run is this one plus the page size
 * @synced: a bit that the hardware ignores in table entries: the entry itself
 *	was written back for a walker that does not snoop
 * @dirty: a leaf with all of these set was written to
 * @dirty_clear: the one of them to clear to make it clean again
 * @leaf: make a leaf entry at @level
 * @table: make an entry that points to a table
 * @prot: IOMMU_READ and IOMMU_WRITE as a leaf entry gives them
 */
struct iommufd_sva_pt_format {
	const char *name;
	u8 max_ias;
	u8 max_oas;
	u8 min_levels;
	u8 max_levels;
	u8 concat_bits;
	u64 present;
	u64 table_mask;
	u64 table_value;
	u64 addr;
	u64 synced;
	u64 dirty;
	u64 dirty_clear;
	u64 (*leaf)(phys_addr_t paddr, int level, unsigned int prot,
		    unsigned int features);
	u64 (*table)(phys_addr_t table);
	unsigned int (*prot)(u64 entry);
};

#endif
