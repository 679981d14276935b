/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The IORT table: which stream IDs devices have at which SMMUv3 (DEN 0049, "IO
 * Remapping Table"; section numbers are those of issue E). Nothing here touches
 * hardware: iort.c also compiles as a user-space program (tools/testing/unit).
 */
#ifndef __SMMUV3_IORT_H
#define __SMMUV3_IORT_H

#include <linux/types.h>

/**
 * struct smmuv3_iort - the table
 * @table: its first byte; NULL: there is none
 * @length: its bytes
 *
 * Checked once by smmuv3_iort_init(), constant from then on.
 */
struct smmuv3_iort {
	const void *table;
	u32 length;
};

/**
 * struct smmuv3_iort_rmr - memory that firmware has a stream reach at any time
 *	(3.1.1.5)
 * @sid: first stream ID
 * @num_sids: how many
 * @flags: SMMUV3_IORT_RMR_*
 * @base: its first byte
 * @length: bytes, not zero
 */
struct smmuv3_iort_rmr {
	u32 sid;
	u32 num_sids;
	u32 flags;
	u64 base;
	u64 length;
};

/* The memory may be remapped once an operating system is there. */
#define SMMUV3_IORT_RMR_REMAP		0x1
#define SMMUV3_IORT_RMR_PRIVILEGED	0x2

int smmuv3_iort_init(struct smmuv3_iort *iort, const void *table, size_t length);
u32 smmuv3_iort_find_smmu(const struct smmuv3_iort *iort, u64 base);
int smmuv3_iort_only_smmu(const struct smmuv3_iort *iort, u64 *base);
bool smmuv3_iort_overrides_cohacc(const struct smmuv3_iort *iort, u32 smmu);
bool smmuv3_iort_canwbs(const struct smmuv3_iort *iort, u32 smmu);
bool smmuv3_iort_ats(const struct smmuv3_iort *iort, u32 smmu, u32 segment, u16 rid);
int smmuv3_iort_map_rid(const struct smmuv3_iort *iort, u32 smmu, u32 segment,
			u16 rid, u32 *sid);

/* What a range of stream IDs is for. */
enum smmuv3_iort_range {
	SMMUV3_IORT_RANGE_PCI,		/* a root complex */
	SMMUV3_IORT_RANGE_NAMED,	/* a device of the ACPI namespace */
	SMMUV3_IORT_RANGE_RMR,		/* a memory range's, on top of these */
};

/* Get one of them each; an errno ends it. */
typedef int (*smmuv3_iort_range_fn)(void *arg, enum smmuv3_iort_range what,
				    u32 first, u32 count);
typedef int (*smmuv3_iort_rmr_fn)(void *arg, const struct smmuv3_iort_rmr *rmr);

int smmuv3_iort_for_each_range(const struct smmuv3_iort *iort, u32 smmu,
			       smmuv3_iort_range_fn fn, void *arg);
int smmuv3_iort_for_each_rmr(const struct smmuv3_iort *iort, u32 smmu,
			     smmuv3_iort_rmr_fn fn, void *arg);

#endif
