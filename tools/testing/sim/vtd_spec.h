/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the VT-d specification says in numbers: registers, tables, descriptors,
 * fault reasons. Written from the Intel Virtualization Technology for Directed I/O
 * Architecture Specification, revision 5.10; section numbers are its. What 4.1 has
 * and 5.10 no longer has (ERE, NXE, SMEP) is there too.
 *
 * Fields are given as (high bit, low bit) of the quad word that they are in, for
 * vsim_get() and vsim_put().
 */
#ifndef VTD_SPEC_H
#define VTD_SPEC_H

#include <linux/types.h>
#include <linux/bits.h>

static inline u64 vsim_mask(unsigned int hi, unsigned int lo)
{
	return (~0ULL >> (63 - hi)) & (~0ULL << lo);
}

static inline u64 vsim_get(u64 qword, unsigned int hi, unsigned int lo)
{
	return (qword & vsim_mask(hi, lo)) >> lo;
}

static inline u64 vsim_put(u64 value, unsigned int hi, unsigned int lo)
{
	return (value << lo) & vsim_mask(hi, lo);
}

/* 11.4: offsets */
enum vsim_reg {
	VSIM_VER	= 0x00,
	VSIM_CAP	= 0x08,
	VSIM_ECAP	= 0x10,
	VSIM_GCMD	= 0x18,
	VSIM_GSTS	= 0x1c,
	VSIM_RTADDR	= 0x20,
	VSIM_CCMD	= 0x28,
	VSIM_FSTS	= 0x34,
	VSIM_FECTL	= 0x38,
	VSIM_FEDATA	= 0x3c,
	VSIM_FEADDR	= 0x40,
	VSIM_FEUADDR	= 0x44,
	VSIM_PMEN	= 0x64,
	VSIM_PLMBASE	= 0x68,
	VSIM_PLMLIMIT	= 0x6c,
	VSIM_PHMBASE	= 0x70,
	VSIM_PHMLIMIT	= 0x78,
	VSIM_IQH	= 0x80,
	VSIM_IQT	= 0x88,
	VSIM_IQA	= 0x90,
	VSIM_ICS	= 0x9c,
	VSIM_IECTL	= 0xa0,
	VSIM_IEDATA	= 0xa4,
	VSIM_IEADDR	= 0xa8,
	VSIM_IEUADDR	= 0xac,
	VSIM_IQERCD	= 0xb0,
	VSIM_IRTA	= 0xb8,
	VSIM_PQH	= 0xc0,
	VSIM_PQT	= 0xc8,
	VSIM_PQA	= 0xd0,
	VSIM_PRS	= 0xdc,
	VSIM_PECTL	= 0xe0,
	VSIM_PEDATA	= 0xe4,
	VSIM_PEADDR	= 0xe8,
	VSIM_PEUADDR	= 0xec,
	VSIM_REGS	= 0x1000,	/* bytes of registers */
};

/* 11.4.2 CAP_REG */
#define VSIM_CAP_ND_SHIFT	0	/* 2:0 */
#define VSIM_CAP_RWBF		BIT_ULL(4)
#define VSIM_CAP_PLMR		BIT_ULL(5)
#define VSIM_CAP_PHMR		BIT_ULL(6)
#define VSIM_CAP_CM		BIT_ULL(7)
#define VSIM_CAP_SAGAW_SHIFT	8	/* 12:8 */
#define VSIM_CAP_MGAW_SHIFT	16	/* 21:16 */
#define VSIM_CAP_ZLR		BIT_ULL(22)
#define VSIM_CAP_FRO_SHIFT	24	/* 33:24 */
#define VSIM_CAP_SSLPS_2M	BIT_ULL(34)
#define VSIM_CAP_SSLPS_1G	BIT_ULL(35)
#define VSIM_CAP_PSI		BIT_ULL(39)
#define VSIM_CAP_NFR_SHIFT	40	/* 47:40 */
#define VSIM_CAP_MAMV_SHIFT	48	/* 53:48 */
#define VSIM_CAP_DWD		BIT_ULL(54)
#define VSIM_CAP_DRD		BIT_ULL(55)
#define VSIM_CAP_FS1GP		BIT_ULL(56)
#define VSIM_CAP_FS5LP		BIT_ULL(60)
#define VSIM_CAP_ESRTPS		BIT_ULL(63)

/* 11.4.3 ECAP_REG */
#define VSIM_ECAP_C		BIT_ULL(0)
#define VSIM_ECAP_QI		BIT_ULL(1)
#define VSIM_ECAP_DT		BIT_ULL(2)
#define VSIM_ECAP_PT		BIT_ULL(6)
#define VSIM_ECAP_SC		BIT_ULL(7)
#define VSIM_ECAP_IRO_SHIFT	8	/* 17:8 */
#define VSIM_ECAP_NEST		BIT_ULL(26)
#define VSIM_ECAP_PRS		BIT_ULL(29)
#define VSIM_ECAP_ERS		BIT_ULL(30)
#define VSIM_ECAP_SRS		BIT_ULL(31)
#define VSIM_ECAP_NWFS		BIT_ULL(33)
#define VSIM_ECAP_EAFS		BIT_ULL(34)
#define VSIM_ECAP_PSS_SHIFT	35	/* 39:35 */
#define VSIM_ECAP_PASID		BIT_ULL(40)
#define VSIM_ECAP_DIT		BIT_ULL(41)
#define VSIM_ECAP_PDS		BIT_ULL(42)
#define VSIM_ECAP_SMTS		BIT_ULL(43)
#define VSIM_ECAP_SSADS		BIT_ULL(45)
#define VSIM_ECAP_SSTS		BIT_ULL(46)
#define VSIM_ECAP_FSTS		BIT_ULL(47)
#define VSIM_ECAP_SMPWC		BIT_ULL(48)
#define VSIM_ECAP_RPS		BIT_ULL(49)
#define VSIM_ECAP_ADMS		BIT_ULL(52)
#define VSIM_ECAP_RPRIVS	BIT_ULL(53)
#define VSIM_ECAP_SMS		BIT_ULL(58)

/* 11.4.4 GCMD_REG, GSTS_REG: a command and its status share a bit */
#define VSIM_GCMD_TE		BIT(31)
#define VSIM_GCMD_SRTP		BIT(30)
#define VSIM_GCMD_SFL		BIT(29)
#define VSIM_GCMD_EAFL		BIT(28)
#define VSIM_GCMD_WBF		BIT(27)
#define VSIM_GCMD_QIE		BIT(26)
#define VSIM_GCMD_IRE		BIT(25)
#define VSIM_GCMD_SIRTP		BIT(24)
#define VSIM_GCMD_CFI		BIT(23)
#define VSIM_GCMD_ONE_SHOT	(VSIM_GCMD_SRTP | VSIM_GCMD_SFL | VSIM_GCMD_WBF | \
				 VSIM_GCMD_SIRTP)
#define VSIM_GCMD_LASTING	(VSIM_GCMD_TE | VSIM_GCMD_EAFL | VSIM_GCMD_QIE | \
				 VSIM_GCMD_IRE | VSIM_GCMD_CFI)

/* 11.4.5 RTADDR_REG: TTM, bits 11:10 */
enum vsim_ttm {
	VSIM_TTM_LEGACY,
	VSIM_TTM_SCALABLE,
	VSIM_TTM_RESERVED,
	VSIM_TTM_ABORT,
};

/* 11.4.6 CCMD_REG, IOTLB_REG: the bit that starts, in the upper half */
#define VSIM_CCMD_ICC		BIT(31)
#define VSIM_IOTLB_IVT		BIT(31)

/* 11.4.7 FSTS_REG */
#define VSIM_FSTS_PFO		BIT(0)
#define VSIM_FSTS_PPF		BIT(1)
#define VSIM_FSTS_IQE		BIT(4)
#define VSIM_FSTS_ICE		BIT(5)
#define VSIM_FSTS_ITE		BIT(6)
/* 6.5.2: those that stop the queue */
#define VSIM_FSTS_QUEUE		(VSIM_FSTS_IQE | VSIM_FSTS_ITE)
#define VSIM_FSTS_RW1C		(VSIM_FSTS_PFO | VSIM_FSTS_ICE | VSIM_FSTS_QUEUE)

/* 11.4.7.2 FECTL_REG, 11.4.9.5 IECTL_REG, 11.4.11.5 PECTL_REG */
#define VSIM_ECTL_IM		BIT(31)
#define VSIM_ECTL_IP		BIT(30)

/* 11.4.7.6 FRCD_REG: the upper of two quad words */
#define VSIM_FRCD_F		BIT_ULL(63)
#define VSIM_FRCD_T1		BIT_ULL(62)
#define VSIM_FRCD_AT_SHIFT	60	/* 61:60 */
#define VSIM_FRCD_PV_SHIFT	40	/* 59:40 */
#define VSIM_FRCD_FR_SHIFT	32	/* 39:32 */
#define VSIM_FRCD_PP		BIT_ULL(31)
#define VSIM_FRCD_EXE		BIT_ULL(30)
#define VSIM_FRCD_PRIV		BIT_ULL(29)
#define VSIM_FRCD_T2		BIT_ULL(28)

/* 11.4.8.1 PMEN_REG */
#define VSIM_PMEN_EPM		BIT(31)
#define VSIM_PMEN_PRS		BIT(0)

/* 11.4.9 IQA_REG */
#define VSIM_IQA_DW		BIT_ULL(11)

/* 11.4.9.9 IQERCD_REG: IQEI */
enum vsim_iqei {
	VSIM_IQEI_NONE,
	VSIM_IQEI_TAIL,		/* tail beyond the queue */
	VSIM_IQEI_FETCH,	/* descriptor cannot be read */
	VSIM_IQEI_TYPE,		/* reserved type */
	VSIM_IQEI_RESERVED,	/* reserved field not 0 */
	VSIM_IQEI_WIDTH,	/* 128-bit descriptors in scalable mode */
	VSIM_IQEI_ALIGN,	/* tail within a 256-bit descriptor */
	VSIM_IQEI_TTM,		/* RTADDR_REG.TTM is no mode */
};

/* 11.4.9.4 ICS_REG; 11.4.11.4 PRS_REG */
#define VSIM_ICS_IWC		BIT(0)
#define VSIM_PRS_PPR		BIT(0)
#define VSIM_PRS_PRO		BIT(1)

/* 6.5.2: type, bits 11:9 and 3:0 of a descriptor */
enum vsim_desc_type {
	VSIM_DESC_CONTEXT	= 1,
	VSIM_DESC_IOTLB		= 2,
	VSIM_DESC_DEV_TLB	= 3,
	VSIM_DESC_IEC		= 4,
	VSIM_DESC_WAIT		= 5,
	VSIM_DESC_PASID_IOTLB	= 6,
	VSIM_DESC_PASID_CACHE	= 7,
	VSIM_DESC_PASID_DEV_TLB	= 8,
	VSIM_DESC_PAGE_RESPONSE	= 9,
};

/* 6.5.2.1 Context-cache: G, as in 11.4.6.1 CCMD_REG.CIRG */
enum { VSIM_CC_GLOBAL = 1, VSIM_CC_DOMAIN, VSIM_CC_DEVICE };
/* 6.5.2.2 PASID-cache: G */
enum { VSIM_PC_DOMAIN = 0, VSIM_PC_PASID = 1, VSIM_PC_GLOBAL = 3 };
/* 6.5.2.3 IOTLB: G */
enum { VSIM_IOTLB_GLOBAL = 1, VSIM_IOTLB_DOMAIN, VSIM_IOTLB_PAGE };
/* 6.5.2.4 PASID-based IOTLB: G */
enum { VSIM_PIOTLB_PASID = 2, VSIM_PIOTLB_PAGE = 3 };

/* 6.5.2.9 Invalidation Wait */
#define VSIM_WAIT_IF		BIT_ULL(4)
#define VSIM_WAIT_SW		BIT_ULL(5)
#define VSIM_WAIT_FN		BIT_ULL(6)
#define VSIM_WAIT_PD		BIT_ULL(7)

/* 7.6.1 page group response: code */
enum { VSIM_PRG_SUCCESS = 0, VSIM_PRG_INVALID = 1, VSIM_PRG_FAILURE = 15 };

/* 9.2 to 9.6: every table entry's first bits */
#define VSIM_P			BIT_ULL(0)
#define VSIM_FPD		BIT_ULL(1)

/* 9.4 scalable-mode context entry, first quad word */
#define VSIM_CTX_DTE		BIT_ULL(2)
#define VSIM_CTX_PASIDE		BIT_ULL(3)
#define VSIM_CTX_PRE		BIT_ULL(4)

/* 9.6 scalable-mode PASID table entry */
#define VSIM_PE0_SSADE		BIT_ULL(9)
#define VSIM_PE1_PWSNP		BIT_ULL(23)
#define VSIM_PE1_PGSNP		BIT_ULL(24)
#define VSIM_PE2_SRE		BIT_ULL(0)
#define VSIM_PE2_ERE		BIT_ULL(1)
#define VSIM_PE2_WPE		BIT_ULL(4)
#define VSIM_PE2_NXE		BIT_ULL(5)
#define VSIM_PE2_SMEP		BIT_ULL(6)
#define VSIM_PE2_EAFE		BIT_ULL(7)

enum vsim_pgtt {
	VSIM_PGTT_FIRST		= 1,
	VSIM_PGTT_SECOND	= 2,
	VSIM_PGTT_NESTED	= 3,
	VSIM_PGTT_PASS		= 4,
};

/* 9.7 first-stage paging entries */
#define VSIM_FS_P		BIT_ULL(0)
#define VSIM_FS_RW		BIT_ULL(1)
#define VSIM_FS_US		BIT_ULL(2)
#define VSIM_FS_A		BIT_ULL(5)
#define VSIM_FS_D		BIT_ULL(6)
#define VSIM_FS_PS		BIT_ULL(7)
#define VSIM_FS_G		BIT_ULL(8)
#define VSIM_FS_EA		BIT_ULL(10)
#define VSIM_FS_XD		BIT_ULL(63)

/* 9.8 second-stage paging entries */
#define VSIM_SS_R		BIT_ULL(0)
#define VSIM_SS_W		BIT_ULL(1)
#define VSIM_SS_PS		BIT_ULL(7)
#define VSIM_SS_A		BIT_ULL(8)
#define VSIM_SS_D		BIT_ULL(9)
#define VSIM_SS_SNP		BIT_ULL(11)

/* 7.1.3, scalable mode: fault reasons, with the names of the conditions */
enum vsim_reason {
	VSIM_RTA_1	= 0x30,	/* RTADDR_REG.TTM invalid */
	VSIM_RTA_2	= 0x31,	/* request with PASID in legacy mode */
	VSIM_RTA_3	= 0x32,	/* page request in legacy mode */
	VSIM_RTA_4	= 0x33,	/* abort-dma mode */
	VSIM_SRT_1	= 0x38,	/* root entry: cannot be read */
	VSIM_SRT_2	= 0x39,	/* not present */
	VSIM_SRT_3	= 0x3a,	/* reserved bits */
	VSIM_SCT_1	= 0x40,	/* context entry: cannot be read */
	VSIM_SCT_2	= 0x41,	/* not present */
	VSIM_SCT_3	= 0x42,	/* reserved bits */
	VSIM_SCT_4	= 0x43,	/* invalid */
	VSIM_SCT_5	= 0x44,	/* DTE clear, request is a translation one or translated */
	VSIM_SCT_6	= 0x45,	/* PASIDE clear, request has a PASID */
	VSIM_SCT_7	= 0x46,	/* PASID beyond the directory */
	VSIM_SCT_8	= 0x47,	/* PRE clear, page request */
	VSIM_SCT_9	= 0x48,	/* PASID is RID_PASID */
	VSIM_SPD_1	= 0x50,	/* PASID directory entry: cannot be read */
	VSIM_SPD_2	= 0x51,	/* not present */
	VSIM_SPD_3	= 0x52,	/* reserved bits */
	VSIM_SPT_1	= 0x58,	/* PASID table entry: cannot be read */
	VSIM_SPT_2	= 0x59,	/* not present */
	VSIM_SPT_3	= 0x5a,	/* reserved bits */
	VSIM_SPT_4	= 0x5b,	/* invalid */
	VSIM_SPT_5	= 0x5c,	/* ERE clear, request to execute */
	VSIM_SPT_6	= 0x5d,	/* SRE clear, supervisor request */
	VSIM_SFS_1	= 0x70,	/* first-stage entry: cannot be read */
	VSIM_SFS_2	= 0x71,	/* not present */
	VSIM_SFS_3	= 0x72,	/* reserved bits */
	VSIM_SFS_4	= 0x73,	/* the root table of first stage cannot be read */
	VSIM_SFS_5	= 0x74,	/* nested: table beyond what second stage translates */
	VSIM_SFS_6	= 0x75,	/* nested: root table not readable in second stage */
	VSIM_SFS_7	= 0x76,	/* nested: table not readable in second stage */
	VSIM_SFS_8	= 0x77,	/* nested: A, D, EA not writable in second stage */
	VSIM_SSS_1	= 0x78,	/* second-stage entry: cannot be read */
	VSIM_SSS_2	= 0x79,	/* R and W clear */
	VSIM_SSS_3	= 0x7a,	/* reserved bits */
	VSIM_SSS_4	= 0x7b,	/* the root table of second stage cannot be read */
	VSIM_SSS_5	= 0x7c,	/* A or D to be set, but walks do not snoop */
	VSIM_SSS_6	= 0x7d,	/* A or D cannot be set */
	VSIM_SGN_1	= 0x80,	/* address not canonical */
	VSIM_SGN_2	= 0x81,	/* user request, supervisor page */
	VSIM_SGN_3	= 0x82,	/* no execute permission */
	VSIM_SGN_4	= 0x83,	/* address beyond the host's width */
	VSIM_SGN_5	= 0x84,	/* address beyond what second stage translates */
	VSIM_SGN_6	= 0x85,	/* no write permission */
	VSIM_SGN_7	= 0x86,	/* no read permission */
	VSIM_SGN_8	= 0x87,	/* interrupt address range */
	VSIM_SGN_10	= 0x89,	/* PASID beyond ECAP.PSS */
	VSIM_SFS_9	= 0x90,	/* A, D, EA to be set, but walks do not snoop */
	VSIM_SFS_10	= 0x91,	/* A, D, EA cannot be set */
};

/* 3.14: where writes are interrupts */
#define VSIM_MSI_FIRST		0xfee00000ULL
#define VSIM_MSI_LAST		0xfeefffffULL

#endif
