/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VMSAv8-64 stage-2 descriptors, 4K granule, addresses of up to 48 bits: Arm
 * Architecture Reference Manual (DDI 0487), D8.3 "Translation table descriptor
 * formats" and D8.4 to D8.6 for the attributes.
 */
#ifndef __IOMMUFD_SVA_PT_ARMV8S2_H
#define __IOMMUFD_SVA_PT_ARMV8S2_H

#include <linux/bits.h>
#include <linux/iommu.h>
#include <linux/types.h>

#include "pt_format.h"

#define ARMV8S2_VALID		BIT_ULL(0)
#define ARMV8S2_TYPE		GENMASK_ULL(1, 0)
#define ARMV8S2_TYPE_BLOCK	1ULL	/* leaf above level 0 */
#define ARMV8S2_TYPE_TABLE	3ULL
#define ARMV8S2_TYPE_PAGE	3ULL	/* leaf at level 0 */
/* MemAttr[3:0] in bits 5:2. Plain: */
#define ARMV8S2_MEMATTR_nGnRE	(0x1ULL << 2)	/* Device-nGnRE */
#define ARMV8S2_MEMATTR_NC	(0x5ULL << 2)	/* Normal, inner and outer non-cacheable */
#define ARMV8S2_MEMATTR_WB	(0xfULL << 2)	/* Normal, inner and outer write-back */
/* With S2FWB: 6 is write-back whatever stage 1 says; 1 and 5 stay. */
#define ARMV8S2_MEMATTR_FWB_WB	(0x6ULL << 2)
#define ARMV8S2_S2AP_R		BIT_ULL(6)	/* S2AP[0] */
#define ARMV8S2_S2AP_W		BIT_ULL(7)	/* S2AP[1] */
#define ARMV8S2_SH_OS		(0x2ULL << 8)	/* SH[1:0] */
#define ARMV8S2_SH_IS		(0x3ULL << 8)
#define ARMV8S2_AF		BIT_ULL(10)	/* Access flag */
#define ARMV8S2_ADDR		GENMASK_ULL(47, 12)
#define ARMV8S2_DBM		BIT_ULL(51)	/* Dirty Bit Modifier */
#define ARMV8S2_XN		(0x2ULL << 53)	/* XN[1:0]: no execution at any level */
#define ARMV8S2_IGN58		BIT_ULL(58)	/* ignored, in table descriptors */

static inline u64 armv8s2_table(phys_addr_t table)
{
	return (table & ARMV8S2_ADDR) | ARMV8S2_TYPE_TABLE;
}

static inline u64 armv8s2_leaf(phys_addr_t paddr, int level, unsigned int prot,
			       unsigned int features)
{
	u64 entry = (paddr & ARMV8S2_ADDR) | ARMV8S2_AF;

	entry |= level ? ARMV8S2_TYPE_BLOCK : ARMV8S2_TYPE_PAGE;
	if (prot & IOMMU_READ)
		entry |= ARMV8S2_S2AP_R;
	/* Writable is also "was written to": dirty tracking starts by clearing. */
	if (prot & IOMMU_WRITE)
		entry |= ARMV8S2_S2AP_W;
	if ((prot & IOMMU_WRITE) && (features & PT_FEAT_DIRTY))
		entry |= ARMV8S2_DBM;
	if (prot & IOMMU_NOEXEC)
		entry |= ARMV8S2_XN;

	if (prot & IOMMU_MMIO)
		entry |= ARMV8S2_MEMATTR_nGnRE;
	else if (features & PT_FEAT_SNOOP)
		entry |= ARMV8S2_MEMATTR_FWB_WB;
	else if (prot & IOMMU_CACHE)
		entry |= ARMV8S2_MEMATTR_WB;
	else
		entry |= ARMV8S2_MEMATTR_NC;
	/* SH matters for cacheable memory only; the rest is outer shareable anyway. */
	if ((prot & IOMMU_CACHE) || (features & PT_FEAT_SNOOP))
		entry |= ARMV8S2_SH_IS;
	else
		entry |= ARMV8S2_SH_OS;
	return entry;
}

/* A page that is writable and clean has DBM without S2AP[1]. */
static inline unsigned int armv8s2_prot(u64 entry)
{
	return (entry & ARMV8S2_S2AP_R ? IOMMU_READ : 0) |
	       (entry & (ARMV8S2_S2AP_W | ARMV8S2_DBM) ? IOMMU_WRITE : 0);
}

#define IOMMUFD_SVA_PT_ARMV8S2_INIT {					\
	.name		= "armv8s2",					\
	.max_ias	= 48,						\
	.max_oas	= 48,						\
	.min_levels	= 2,						\
	.max_levels	= 4,						\
	.concat_bits	= 4,						\
	.present	= ARMV8S2_VALID,				\
	.table_mask	= ARMV8S2_TYPE,					\
	.table_value	= ARMV8S2_TYPE_TABLE,				\
	.addr		= ARMV8S2_ADDR,					\
	.synced		= ARMV8S2_IGN58,				\
	.dirty		= ARMV8S2_DBM | ARMV8S2_S2AP_W,			\
	.dirty_clear	= ARMV8S2_S2AP_W,				\
	.leaf		= armv8s2_leaf,					\
	.table		= armv8s2_table,				\
	.prot		= armv8s2_prot,					\
}

#endif
