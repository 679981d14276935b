/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Registers of a VT-d unit: chapter 11 of the specification, its names.
 */
#ifndef __VTD_REGS_H
#define __VTD_REGS_H

#include <linux/bits.h>

#define VTD_VER_REG		0x00
#define VTD_CAP_REG		0x08
#define VTD_ECAP_REG		0x10
#define VTD_GCMD_REG		0x18
#define VTD_GSTS_REG		0x1c
#define VTD_RTADDR_REG		0x20
#define VTD_FSTS_REG		0x34
#define VTD_FECTL_REG		0x38
#define VTD_FEDATA_REG		0x3c
#define VTD_FEADDR_REG		0x40
#define VTD_FEUADDR_REG		0x44
#define VTD_PMEN_REG		0x64
#define VTD_IQH_REG		0x80
#define VTD_IQT_REG		0x88
#define VTD_IQA_REG		0x90
#define VTD_IQERCD_REG		0xb0
#define VTD_PQH_REG		0xc0
#define VTD_PQT_REG		0xc8
#define VTD_PQA_REG		0xd0
#define VTD_PRS_REG		0xdc
#define VTD_PECTL_REG		0xe0
#define VTD_PEDATA_REG		0xe4
#define VTD_PEADDR_REG		0xe8
#define VTD_PEUADDR_REG		0xec

/* 11.4.1 VER_REG */
#define VTD_VER_MAX		GENMASK(7, 4)
#define VTD_VER_MIN		GENMASK(3, 0)

/* 11.4.2 CAP_REG */
#define VTD_CAP_ESRTPS		BIT_ULL(63)
#define VTD_CAP_DRD		BIT_ULL(55)
#define VTD_CAP_DWD		BIT_ULL(54)
#define VTD_CAP_MAMV		GENMASK_ULL(53, 48)
#define VTD_CAP_NFR		GENMASK_ULL(47, 40)
#define VTD_CAP_PSI		BIT_ULL(39)
#define VTD_CAP_SSLPS_1G	BIT_ULL(35)
#define VTD_CAP_SSLPS_2M	BIT_ULL(34)
#define VTD_CAP_FRO		GENMASK_ULL(33, 24)
#define VTD_CAP_MGAW		GENMASK_ULL(21, 16)
#define VTD_CAP_SAGAW		GENMASK_ULL(12, 8)
#define VTD_CAP_CM		BIT_ULL(7)
#define VTD_CAP_PHMR		BIT_ULL(6)
#define VTD_CAP_PLMR		BIT_ULL(5)
#define VTD_CAP_RWBF		BIT_ULL(4)
#define VTD_CAP_ND		GENMASK_ULL(2, 0)

/* 11.4.3 ECAP_REG */
#define VTD_ECAP_SMS		BIT_ULL(58)
#define VTD_ECAP_SMPWC		BIT_ULL(48)
#define VTD_ECAP_SSTS		BIT_ULL(46)
#define VTD_ECAP_SMTS		BIT_ULL(43)
#define VTD_ECAP_PDS		BIT_ULL(42)
#define VTD_ECAP_DIT		BIT_ULL(41)
#define VTD_ECAP_PASID		BIT_ULL(40)
#define VTD_ECAP_PSS		GENMASK_ULL(39, 35)
#define VTD_ECAP_PRS		BIT_ULL(29)
#define VTD_ECAP_NEST		BIT_ULL(26)
#define VTD_ECAP_IRO		GENMASK_ULL(17, 8)
#define VTD_ECAP_SC		BIT_ULL(7)
#define VTD_ECAP_PT		BIT_ULL(6)
#define VTD_ECAP_DT		BIT_ULL(2)
#define VTD_ECAP_QI		BIT_ULL(1)
#define VTD_ECAP_C		BIT_ULL(0)

/* 11.4.4 GCMD_REG and GSTS_REG: a command and its status have one place. */
#define VTD_GCMD_TE		BIT(31)
#define VTD_GCMD_SRTP		BIT(30)
#define VTD_GCMD_WBF		BIT(27)
#define VTD_GCMD_QIE		BIT(26)
#define VTD_GCMD_IRE		BIT(25)
/* What a write to GCMD_REG must repeat; the others are one-shot (11.4.4.1). */
#define VTD_GCMD_LASTING	0x96ffffffU

/* 11.4.5 RTADDR_REG: TTM */
#define VTD_RTADDR_TTM_SCALABLE	BIT_ULL(10)

/* 11.4.7 FSTS_REG */
#define VTD_FSTS_FRI		GENMASK(15, 8)
#define VTD_FSTS_ITE		BIT(6)
#define VTD_FSTS_ICE		BIT(5)
#define VTD_FSTS_IQE		BIT(4)
#define VTD_FSTS_PPF		BIT(1)
#define VTD_FSTS_PFO		BIT(0)
#define VTD_FSTS_QI_ERRORS	(VTD_FSTS_ITE | VTD_FSTS_ICE | VTD_FSTS_IQE)

/* 11.4.7.2 FECTL_REG, 11.4.11.5 PECTL_REG */
#define VTD_ECTL_IM		BIT(31)

/* 11.4.8.1 PMEN_REG */
#define VTD_PMEN_EPM		BIT(31)
#define VTD_PMEN_PRS		BIT(0)

/* 11.4.9 IQH_REG, IQT_REG, IQA_REG, IQERCD_REG */
#define VTD_IQ_SHIFT		5	/* of a 256-bit descriptor's index */
#define VTD_IQA_DW		BIT_ULL(11)
#define VTD_IQA_QS		GENMASK_ULL(2, 0)
#define VTD_IQERCD_ICESID	GENMASK_ULL(63, 48)
#define VTD_IQERCD_ITESID	GENMASK_ULL(47, 32)
#define VTD_IQERCD_IQEI		GENMASK_ULL(3, 0)

/* 11.4.11.3 PQA_REG */
#define VTD_PQA_PQS		GENMASK_ULL(2, 0)

/* 11.4.11.4 PRS_REG */
#define VTD_PRS_PRO		BIT(1)
#define VTD_PRS_PPR		BIT(0)

/* 11.4.7.6 FRCD_REG: the high of two quad words; the low one is FI, 63:12. */
#define VTD_FRCD_SIZE		16
#define VTD_FRCD_F		BIT_ULL(63)
#define VTD_FRCD_T1		BIT_ULL(62)
#define VTD_FRCD_PV		GENMASK_ULL(59, 40)
#define VTD_FRCD_FR		GENMASK_ULL(39, 32)
#define VTD_FRCD_PP		BIT_ULL(31)
#define VTD_FRCD_EXE		BIT_ULL(30)
#define VTD_FRCD_PRIV		BIT_ULL(29)
#define VTD_FRCD_T2		BIT_ULL(28)
#define VTD_FRCD_SID		GENMASK_ULL(15, 0)

#endif
