/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Registers, structures, commands and records of SMMUv3, as the Arm System Memory
 * Management Unit Architecture Specification, version 3 (IHI 0070) has them. For
 * the model only. Words of structures are 64 bits; the specification counts bits
 * through all words of one.
 */
#ifndef SMMUV3_SPEC_H
#define SMMUV3_SPEC_H

#include <linux/bitfield.h>
#include <linux/bits.h>
#include <linux/types.h>

/* --- 6.3: registers ------------------------------------------------------ */

#define R_IDR0			0x0000
#define IDR0_S2P		BIT(0)
#define IDR0_S1P		BIT(1)
#define IDR0_TTF_AARCH64	(2U << 2)
#define IDR0_COHACC		BIT(4)
#define IDR0_HTTU		GENMASK(7, 6)
#define IDR0_HYP		BIT(9)
#define IDR0_ATS		BIT(10)
#define IDR0_NS1ATS		BIT(11)		/* 1: no split-stage ATS */
#define IDR0_ASID16		BIT(12)
#define IDR0_MSI		BIT(13)
#define IDR0_SEV		BIT(14)
#define IDR0_PRI		BIT(16)
#define IDR0_VMID16		BIT(18)
#define IDR0_CD2L		BIT(19)
#define IDR0_TTENDIAN_LITTLE	(2U << 21)
#define IDR0_STALL_MODEL	GENMASK(25, 24)
#define IDR0_TERM_MODEL		BIT(26)
#define IDR0_ST_LEVEL_2LVL	BIT(27)
#define R_IDR1			0x0004
#define IDR1_SIDSIZE		GENMASK(5, 0)
#define IDR1_SSIDSIZE		GENMASK(10, 6)
#define IDR1_PRIQS		GENMASK(15, 11)
#define IDR1_EVENTQS		GENMASK(20, 16)
#define IDR1_CMDQS		GENMASK(25, 21)
#define IDR1_ATTR_PERMS_OVR	BIT(26)
#define IDR1_ATTR_TYPES_OVR	BIT(27)
#define R_IDR2			0x0008
#define R_IDR3			0x000c
#define IDR3_HAD		BIT(2)
#define IDR3_XNX		BIT(4)
#define IDR3_PPS		BIT(6)
#define IDR3_FWB		BIT(8)
#define IDR3_RIL		BIT(10)
#define IDR3_BBML		GENMASK(12, 11)
#define R_IDR4			0x0010
#define R_IDR5			0x0014
#define IDR5_OAS		GENMASK(2, 0)
#define IDR5_GRAN4K		BIT(4)
#define IDR5_GRAN16K		BIT(5)
#define IDR5_GRAN64K		BIT(6)
#define IDR5_STALL_MAX		GENMASK(31, 16)
#define R_IIDR			0x0018
#define R_AIDR			0x001c

#define R_CR0			0x0020
#define R_CR0ACK		0x0024
#define CR0_SMMUEN		BIT(0)
#define CR0_PRIQEN		BIT(1)
#define CR0_EVENTQEN		BIT(2)
#define CR0_CMDQEN		BIT(3)
#define CR0_ATSCHK		BIT(4)
#define R_CR1			0x0028
#define CR1_QUEUE		GENMASK(5, 0)
#define CR1_TABLE		GENMASK(11, 6)
#define R_CR2			0x002c
#define CR2_E2H			BIT(0)
#define CR2_RECINVSID		BIT(1)
#define CR2_PTM			BIT(2)
#define CR2_REC_CFG_ATS		BIT(3)
#define R_STATUSR		0x0040
#define R_GBPA			0x0044
#define GBPA_ABORT		BIT(20)
#define GBPA_UPDATE		BIT(31)
#define R_AGBPA			0x0048
#define R_IRQ_CTRL		0x0050
#define R_IRQ_CTRLACK		0x0054
#define IRQ_GERROR		BIT(0)
#define IRQ_PRIQ		BIT(1)
#define IRQ_EVENTQ		BIT(2)
#define R_GERROR		0x0060
#define R_GERRORN		0x0064
#define GERROR_CMDQ		BIT(0)
#define GERROR_EVENTQ_ABT	BIT(2)
#define GERROR_PRIQ_ABT		BIT(3)
#define GERROR_MSI_CMDQ_ABT	BIT(4)
#define GERROR_MSI_EVENTQ_ABT	BIT(5)
#define GERROR_MSI_PRIQ_ABT	BIT(6)
#define GERROR_MSI_GERROR_ABT	BIT(7)
#define R_GERROR_IRQ_CFG0	0x0068
#define R_GERROR_IRQ_CFG1	0x0070
#define R_GERROR_IRQ_CFG2	0x0074
#define R_STRTAB_BASE		0x0080
#define STRTAB_BASE_ADDR	GENMASK_ULL(51, 6)
#define R_STRTAB_BASE_CFG	0x0088
#define STRTAB_CFG_LOG2SIZE	GENMASK(5, 0)
#define STRTAB_CFG_SPLIT	GENMASK(10, 6)
#define STRTAB_CFG_FMT		GENMASK(17, 16)
#define R_CMDQ_BASE		0x0090
#define Q_BASE_LOG2SIZE		GENMASK_ULL(4, 0)
#define Q_BASE_ADDR		GENMASK_ULL(51, 5)
#define R_CMDQ_PROD		0x0098
#define R_CMDQ_CONS		0x009c
#define CMDQ_CONS_ERR		GENMASK(30, 24)
#define R_EVENTQ_BASE		0x00a0
#define R_EVENTQ_PROD_0		0x00a8		/* alias in page 0: not to be used */
#define R_EVENTQ_CONS_0		0x00ac
#define R_EVENTQ_IRQ_CFG0	0x00b0
#define R_EVENTQ_IRQ_CFG1	0x00b8
#define R_EVENTQ_IRQ_CFG2	0x00bc
#define R_PRIQ_BASE		0x00c0
#define R_PRIQ_PROD_0		0x00c8
#define R_PRIQ_CONS_0		0x00cc
#define R_PRIQ_IRQ_CFG0		0x00d0
#define R_PRIQ_IRQ_CFG1		0x00d8
#define R_PRIQ_IRQ_CFG2		0x00dc
#define PRIQ_CFG2_LO		BIT(31)
#define R_EVENTQ_PROD		0x100a8
#define R_EVENTQ_CONS		0x100ac
#define R_PRIQ_PROD		0x100c8
#define R_PRIQ_CONS		0x100cc
#define Q_OVF			BIT(31)
#define REG_SIZE		0x20000

/* --- 4: commands --------------------------------------------------------- */

enum {
	CMD_PREFETCH_CONFIG	= 0x01,
	CMD_PREFETCH_ADDR	= 0x02,
	CMD_CFGI_STE		= 0x03,
	CMD_CFGI_STE_RANGE	= 0x04,
	CMD_CFGI_CD		= 0x05,
	CMD_CFGI_CD_ALL		= 0x06,
	CMD_TLBI_NH_ALL		= 0x10,
	CMD_TLBI_NH_ASID	= 0x11,
	CMD_TLBI_NH_VA		= 0x12,
	CMD_TLBI_NH_VAA		= 0x13,
	CMD_TLBI_EL2_ALL	= 0x20,
	CMD_TLBI_EL2_ASID	= 0x21,
	CMD_TLBI_EL2_VA		= 0x22,
	CMD_TLBI_EL2_VAA	= 0x23,
	CMD_TLBI_S12_VMALL	= 0x28,
	CMD_TLBI_S2_IPA		= 0x2a,
	CMD_TLBI_NSNH_ALL	= 0x30,
	CMD_ATC_INV		= 0x40,
	CMD_PRI_RESP		= 0x41,
	CMD_RESUME		= 0x44,
	CMD_STALL_TERM		= 0x45,
	CMD_SYNC		= 0x46,
};

#define CMD_0_OP		GENMASK_ULL(7, 0)
#define CMD_0_SSEC		BIT_ULL(10)
#define CMD_0_SSV		BIT_ULL(11)
#define CMD_0_SSID		GENMASK_ULL(31, 12)
#define CMD_0_SID		GENMASK_ULL(63, 32)
#define CMD_1_LEAF		BIT_ULL(0)
#define CMD_1_ADDR		GENMASK_ULL(63, 12)
#define CMD_1_IPA		GENMASK_ULL(51, 12)
#define CFGI_1_RANGE		GENMASK_ULL(4, 0)
#define TLBI_0_NUM		GENMASK_ULL(16, 12)
#define TLBI_0_SCALE		GENMASK_ULL(24, 20)
#define TLBI_0_VMID		GENMASK_ULL(47, 32)
#define TLBI_0_ASID		GENMASK_ULL(63, 48)
#define TLBI_1_TTL		GENMASK_ULL(9, 8)
#define TLBI_1_TG		GENMASK_ULL(11, 10)
#define ATC_0_GLOBAL		BIT_ULL(9)
#define ATC_1_SIZE		GENMASK_ULL(5, 0)
#define PRI_RESP_1_INDEX	GENMASK_ULL(8, 0)
#define PRI_RESP_1_RESP		GENMASK_ULL(13, 12)
#define RESUME_0_AC		BIT_ULL(12)
#define RESUME_0_AB		BIT_ULL(13)
#define RESUME_1_STAG		GENMASK_ULL(15, 0)
#define SYNC_0_CS		GENMASK_ULL(13, 12)
#define SYNC_CS_NONE		0
#define SYNC_CS_IRQ		1
#define SYNC_CS_SEV		2
#define SYNC_0_MSIDATA		GENMASK_ULL(63, 32)
#define SYNC_1_MSIADDR		GENMASK_ULL(51, 2)

/* 7.1: CMDQ_CONS.ERR */
#define CERROR_NONE		0
#define CERROR_ILL		1
#define CERROR_ABT		2
#define CERROR_ATC_INV_SYNC	3

/* --- 5.1, 5.2: stream table ---------------------------------------------- */

#define L1STD_SPAN		GENMASK_ULL(4, 0)
#define L1STD_L2PTR		GENMASK_ULL(51, 6)

#define STE_0_V			BIT_ULL(0)
#define STE_0_CONFIG		GENMASK_ULL(3, 1)
#define CONFIG_BYPASS		4		/* and not 4: abort */
#define CONFIG_S1		BIT(0)
#define CONFIG_S2		BIT(1)
#define STE_0_S1FMT		GENMASK_ULL(5, 4)
#define STE_0_S1CONTEXTPTR	GENMASK_ULL(51, 6)
#define STE_0_S1CDMAX		GENMASK_ULL(63, 59)
#define STE_1_S1DSS		GENMASK_ULL(1, 0)	/* 65:64 */
#define S1DSS_TERMINATE		0
#define S1DSS_BYPASS		1
#define S1DSS_SSID0		2
#define STE_1_S1C		GENMASK_ULL(7, 2)	/* S1CIR, S1COR, S1CSH */
#define STE_1_PPAR		BIT_ULL(18)		/* 82 */
#define STE_1_MEV		BIT_ULL(19)		/* 83 */
#define STE_1_S2FWB		BIT_ULL(25)		/* 89 */
#define STE_1_S1STALLD		BIT_ULL(27)		/* 91 */
#define STE_1_EATS		GENMASK_ULL(29, 28)	/* 93:92 */
#define EATS_NONE		0
#define EATS_FULL		1
#define EATS_SPLIT		2
#define STE_1_STRW		GENMASK_ULL(31, 30)	/* 95:94 */
#define STRW_EL1		0
#define STRW_EL2		2
#define STE_1_ATTRS		GENMASK_ULL(45, 32)	/* MemAttr, MTCFG, ALLOCCFG, SHCFG */
#define STE_1_PRIVCFG		GENMASK_ULL(49, 48)	/* 113:112 */
#define STE_1_INSTCFG		GENMASK_ULL(51, 50)	/* 115:114 */
#define CFG_INCOMING		0			/* and 1; of both */
#define INSTCFG_DATA		2
#define INSTCFG_INST		3
#define PRIVCFG_PRIV		3
#define STE_2_S2VMID		GENMASK_ULL(15, 0)	/* 143:128 */
#define STE_2_S2T0SZ		GENMASK_ULL(37, 32)	/* 165:160 */
#define STE_2_S2SL0		GENMASK_ULL(39, 38)	/* 167:166 */
#define STE_2_S2TG		GENMASK_ULL(47, 46)	/* 175:174 */
#define STE_2_S2PS		GENMASK_ULL(50, 48)	/* 178:176 */
#define STE_2_S2AA64		BIT_ULL(51)		/* 179 */
#define STE_2_S2ENDI		BIT_ULL(52)		/* 180 */
#define STE_2_S2AFFD		BIT_ULL(53)		/* 181 */
#define STE_2_S2PTW		BIT_ULL(54)		/* 182 */
#define STE_2_S2HD		BIT_ULL(55)		/* 183 */
#define STE_2_S2HA		BIT_ULL(56)		/* 184 */
#define STE_2_S2S		BIT_ULL(57)		/* 185 */
#define STE_2_S2R		BIT_ULL(58)		/* 186 */
#define STE_2_S2		GENMASK_ULL(58, 32)
#define STE_3_S2TTB		GENMASK_ULL(51, 4)	/* 243:196 */

/* --- 5.3, 5.4: context descriptors --------------------------------------- */

#define L1CD_V			BIT_ULL(0)
#define L1CD_L2PTR		GENMASK_ULL(51, 12)

#define CD_0_T0SZ		GENMASK_ULL(5, 0)
#define CD_0_TG0		GENMASK_ULL(7, 6)
#define CD_0_EPD0		BIT_ULL(14)
#define CD_0_ENDI		BIT_ULL(15)
#define CD_0_T1SZ		GENMASK_ULL(21, 16)
#define CD_0_TG1		GENMASK_ULL(23, 22)
#define CD_0_EPD1		BIT_ULL(30)
#define CD_0_V			BIT_ULL(31)
#define CD_0_IPS		GENMASK_ULL(34, 32)
#define CD_0_AFFD		BIT_ULL(35)
#define CD_0_WXN		BIT_ULL(36)
#define CD_0_UWXN		BIT_ULL(37)
#define CD_0_TBI0		BIT_ULL(38)
#define CD_0_TBI1		BIT_ULL(39)
#define CD_0_PAN		BIT_ULL(40)
#define CD_0_AA64		BIT_ULL(41)
#define CD_0_HD			BIT_ULL(42)
#define CD_0_HA			BIT_ULL(43)
#define CD_0_S			BIT_ULL(44)
#define CD_0_R			BIT_ULL(45)
#define CD_0_A			BIT_ULL(46)
#define CD_0_ASET		BIT_ULL(47)
#define CD_0_ASID		GENMASK_ULL(63, 48)
#define CD_1_HAD		BIT_ULL(1)		/* of TTB0, and of TTB1 a word on */
#define CD_1_TTB		GENMASK_ULL(51, 4)

/* --- descriptors of VMSAv8-64 (Arm ARM, D8.3) ------------------------------ */

#define TT_VALID		BIT_ULL(0)
#define TT_TABLE		BIT_ULL(1)		/* at level 3: page */
#define TT_AP_USER		BIT_ULL(6)		/* stage 1: AP[1] */
#define TT_AP_RO		BIT_ULL(7)		/* stage 1: AP[2] */
#define TT_S2AP_R		BIT_ULL(6)
#define TT_S2AP_W		BIT_ULL(7)
#define TT_S2_DEVICE		GENMASK_ULL(5, 4)	/* MemAttr[3:2] of 0: Device */
#define TT_AF			BIT_ULL(10)
#define TT_NG			BIT_ULL(11)
#define TT_ADDR			GENMASK_ULL(47, 12)
#define TT_ADDR_64K_HIGH	GENMASK_ULL(15, 12)	/* bits 51:48 with 64K pages */
#define TT_NT			BIT_ULL(16)
#define TT_DBM			BIT_ULL(51)
#define TT_CONTIGUOUS		BIT_ULL(52)
#define TT_PXN			BIT_ULL(53)
#define TT_XN			BIT_ULL(54)
#define TT_TABLE_PXN		BIT_ULL(59)
#define TT_TABLE_XN		BIT_ULL(60)
#define TT_TABLE_NOUSER		BIT_ULL(61)
#define TT_TABLE_RO		BIT_ULL(62)

/* --- 7.3: events ----------------------------------------------------------- */

enum ssim_event_id {
	F_UUT			= 0x01,
	C_BAD_STREAMID		= 0x02,
	F_STE_FETCH		= 0x03,
	C_BAD_STE		= 0x04,
	F_BAD_ATS_TREQ		= 0x05,
	F_STREAM_DISABLED	= 0x06,
	F_TRANSL_FORBIDDEN	= 0x07,
	C_BAD_SUBSTREAMID	= 0x08,
	F_CD_FETCH		= 0x09,
	C_BAD_CD		= 0x0a,
	F_WALK_EABT		= 0x0b,
	F_TRANSLATION		= 0x10,
	F_ADDR_SIZE		= 0x11,
	F_ACCESS		= 0x12,
	F_PERMISSION		= 0x13,
};

#define EVENT_0_ID		GENMASK_ULL(7, 0)
#define EVENT_0_SSV		BIT_ULL(11)
#define EVENT_0_SSID		GENMASK_ULL(31, 12)
#define EVENT_0_SID		GENMASK_ULL(63, 32)
#define EVENT_1_STAG		GENMASK_ULL(15, 0)	/* 79:64 */
#define EVENT_1_STALL		BIT_ULL(31)		/* 95 */
#define EVENT_1_PNU		BIT_ULL(33)		/* 97 */
#define EVENT_1_IND		BIT_ULL(34)		/* 98 */
#define EVENT_1_RNW		BIT_ULL(35)		/* 99 */
#define EVENT_1_S2		BIT_ULL(39)		/* 103 */
#define EVENT_1_CLASS		GENMASK_ULL(41, 40)	/* 105:104 */
#define EVENT_1_TTRNW		BIT_ULL(44)		/* 108 */
#define CLASS_CD		0
#define CLASS_TT		1
#define CLASS_IN		2
#define EVENT_3_IPA		GENMASK_ULL(51, 12)	/* 243:204 */
#define EVENT_3_FETCHADDR	GENMASK_ULL(51, 3)	/* 243:195 */

/* --- 8: page requests ------------------------------------------------------ */

#define PPR_0_SID		GENMASK_ULL(31, 0)
#define PPR_0_SSID		GENMASK_ULL(51, 32)
#define PPR_0_PRIV		BIT_ULL(58)
#define PPR_0_X			BIT_ULL(59)
#define PPR_0_R			BIT_ULL(60)
#define PPR_0_W			BIT_ULL(61)
#define PPR_0_LAST		BIT_ULL(62)
#define PPR_0_SSV		BIT_ULL(63)
#define PPR_1_INDEX		GENMASK_ULL(8, 0)
#define PPR_1_ADDR		GENMASK_ULL(63, 12)

#endif
