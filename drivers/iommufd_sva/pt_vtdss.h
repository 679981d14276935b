/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VT-d second-stage paging entries: Intel VT-d specification 5.0, 3.7
 * "Second-Stage Translation" and 9.8 "Second-Stage Paging Entries".
 */
#ifndef __IOMMUFD_SVA_PT_VTDSS_H
#define __IOMMUFD_SVA_PT_VTDSS_H

#include <linux/bits.h>
#include <linux/iommu.h>
#include <linux/types.h>

#include "pt_format.h"

#define VTDSS_R		BIT_ULL(0)	/* Read */
#define VTDSS_W		BIT_ULL(1)	/* Write */
#define VTDSS_X		BIT_ULL(2)	/* Execute; we never set it */
#define VTDSS_PS	BIT_ULL(7)	/* Page Size: a leaf, in SS-PDE and SS-PDPE */
#define VTDSS_A		BIT_ULL(8)	/* Accessed */
#define VTDSS_D		BIT_ULL(9)	/* Dirty, in leaves */
#define VTDSS_SNP	BIT_ULL(11)	/* Snoop, in leaves; reserved unless ECAP.SC */
#define VTDSS_ADDR	GENMASK_ULL(51, 12)
#define VTDSS_IGN52	BIT_ULL(52)	/* Ignored, in table entries */

/* R and W grant what every table on the way grants too: the leaf decides. */
static inline u64 vtdss_table(phys_addr_t table)
{
	return (table & VTDSS_ADDR) | VTDSS_R | VTDSS_W;
}

static inline u64 vtdss_leaf(phys_addr_t paddr, int level, unsigned int prot,
			     unsigned int features)
{
	u64 entry = paddr & VTDSS_ADDR;

	if (prot & IOMMU_READ)
		entry |= VTDSS_R;
	if (prot & IOMMU_WRITE)
		entry |= VTDSS_W;
	if (level)
		entry |= VTDSS_PS;
	if (features & PT_FEAT_SNOOP)
		entry |= VTDSS_SNP;
	return entry;
}

static inline unsigned int vtdss_prot(u64 entry)
{
	return (entry & VTDSS_R ? IOMMU_READ : 0) |
	       (entry & VTDSS_W ? IOMMU_WRITE : 0);
}

#define IOMMUFD_SVA_PT_VTDSS_INIT {					\
	.name		= "vtdss",					\
	.max_ias	= 57,						\
	.max_oas	= 52,						\
	.min_levels	= 3,						\
	.max_levels	= 5,						\
	.present	= VTDSS_R | VTDSS_W | VTDSS_X,			\
	.table_mask	= VTDSS_R | VTDSS_W | VTDSS_PS,			\
	.table_value	= VTDSS_R | VTDSS_W,				\
	.addr		= VTDSS_ADDR,					\
	.synced		= VTDSS_IGN52,					\
	.dirty		= VTDSS_D,					\
	.dirty_clear	= VTDSS_D,					\
	.leaf		= vtdss_leaf,					\
	.table		= vtdss_table,					\
	.prot		= vtdss_prot,					\
}

#endif
