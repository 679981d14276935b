/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Commands of SMMUv3's command queue.
 *
 * Pure functions: numbers in, a command out. Field names are those of the Arm
 * System Memory Management Unit Architecture Specification, version 3 (IHI
 * 0070), chapter 4. Bit numbers above 63 in the comments are the specification's,
 * counted through both words.
 */
#ifndef __SMMUV3_CMD_H
#define __SMMUV3_CMD_H

#include <linux/bitfield.h>
#include <linux/bitops.h>
#include <linux/bits.h>
#include <linux/minmax.h>
#include <linux/types.h>

/**
 * struct smmuv3_cmd - 4.1 a command
 * @data: 128 bits, in the CPU's byte order; the queue holds them little-endian
 */
struct smmuv3_cmd {
	u64 data[2];
};

enum smmuv3_opcode {
	SMMUV3_CMD_PREFETCH_CONFIG	= 0x01,
	SMMUV3_CMD_CFGI_STE		= 0x03,
	SMMUV3_CMD_CFGI_STE_RANGE	= 0x04,
	SMMUV3_CMD_CFGI_CD		= 0x05,
	SMMUV3_CMD_CFGI_CD_ALL		= 0x06,
	SMMUV3_CMD_TLBI_NH_ALL		= 0x10,
	SMMUV3_CMD_TLBI_NH_ASID		= 0x11,
	SMMUV3_CMD_TLBI_NH_VA		= 0x12,
	SMMUV3_CMD_TLBI_NH_VAA		= 0x13,
	SMMUV3_CMD_TLBI_EL2_ALL		= 0x20,
	SMMUV3_CMD_TLBI_S12_VMALL	= 0x28,
	SMMUV3_CMD_TLBI_S2_IPA		= 0x2a,
	SMMUV3_CMD_TLBI_NSNH_ALL	= 0x30,
	SMMUV3_CMD_ATC_INV		= 0x40,
	SMMUV3_CMD_PRI_RESP		= 0x41,
	SMMUV3_CMD_RESUME		= 0x44,
	SMMUV3_CMD_STALL_TERM		= 0x45,
	SMMUV3_CMD_SYNC			= 0x46,
};

#define SMMUV3_CMD_0_OPCODE		GENMASK_ULL(7, 0)
#define SMMUV3_CMD_0_SSEC		BIT_ULL(10)
#define SMMUV3_CMD_0_SSV		BIT_ULL(11)
#define SMMUV3_CMD_0_SSID		GENMASK_ULL(31, 12)
#define SMMUV3_CMD_0_SID		GENMASK_ULL(63, 32)

#define SMMUV3_CFGI_1_LEAF		BIT_ULL(0)		/* 64 */
#define SMMUV3_CFGI_1_RANGE		GENMASK_ULL(4, 0)	/* 68:64 */

#define SMMUV3_TLBI_0_NUM		GENMASK_ULL(16, 12)
#define SMMUV3_TLBI_0_SCALE		GENMASK_ULL(25, 20)
#define SMMUV3_TLBI_0_VMID		GENMASK_ULL(47, 32)
#define SMMUV3_TLBI_0_ASID		GENMASK_ULL(63, 48)
#define SMMUV3_TLBI_1_LEAF		BIT_ULL(0)		/* 64 */
#define SMMUV3_TLBI_1_TTL		GENMASK_ULL(9, 8)	/* 73:72 */
#define SMMUV3_TLBI_1_TG		GENMASK_ULL(11, 10)	/* 75:74 */
#define SMMUV3_TLBI_1_VA		GENMASK_ULL(63, 12)	/* 127:76 */
#define SMMUV3_TLBI_1_IPA		GENMASK_ULL(51, 12)	/* 115:76 */

#define SMMUV3_ATC_0_GLOBAL		BIT_ULL(9)
#define SMMUV3_ATC_1_SIZE		GENMASK_ULL(5, 0)	/* 69:64 */
#define SMMUV3_ATC_1_ADDRESS		GENMASK_ULL(63, 12)	/* 127:76 */
/* 2^52 pages: everything */
#define SMMUV3_ATC_SIZE_ALL		52

#define SMMUV3_PRI_1_PRGINDEX		GENMASK_ULL(8, 0)	/* 72:64 */
#define SMMUV3_PRI_1_RESP		GENMASK_ULL(13, 12)	/* 77:76 */

#define SMMUV3_RESUME_0_AC		BIT_ULL(12)
#define SMMUV3_RESUME_0_AB		BIT_ULL(13)
#define SMMUV3_RESUME_1_STAG		GENMASK_ULL(15, 0)	/* 79:64 */

#define SMMUV3_SYNC_0_CS		GENMASK_ULL(13, 12)
#define SMMUV3_SYNC_0_MSH		GENMASK_ULL(23, 22)
#define SMMUV3_SYNC_0_MSIATTR		GENMASK_ULL(27, 24)
#define SMMUV3_SYNC_0_MSIDATA		GENMASK_ULL(63, 32)
#define SMMUV3_SYNC_1_MSIADDRESS	GENMASK_ULL(51, 2)	/* 115:66 */

/* CS: how CMD_SYNC tells that it is done. */
enum smmuv3_sync_cs {
	SMMUV3_SYNC_NONE	= 0,
	SMMUV3_SYNC_IRQ		= 1,	/* an MSI: a write of MSIData to MSIAddress */
	SMMUV3_SYNC_SEV		= 2,
};

/* Resp of CMD_PRI_RESP */
enum smmuv3_pri_resp {
	SMMUV3_PRI_DENY		= 0,	/* Response Failure: no more requests. Not used */
	SMMUV3_PRI_FAIL		= 1,	/* Invalid Request */
	SMMUV3_PRI_SUCCESS	= 2,
};

/* What to do with a transaction that stalls: the Ac and Ab of CMD_RESUME. */
enum smmuv3_resume {
	SMMUV3_RESUME_TERMINATE	= 0,	/* reads are 0, writes are lost: not used */
	SMMUV3_RESUME_RETRY	= 1,
	SMMUV3_RESUME_ABORT	= 2,
};

/* CMDQ_CONS.ERR: why the queue stopped (7.1). */
enum smmuv3_cerror {
	SMMUV3_CERROR_NONE	= 0,
	SMMUV3_CERROR_ILL	= 1,
	SMMUV3_CERROR_ABT	= 2,
	SMMUV3_CERROR_ATC_INV_SYNC = 3,
};

static inline enum smmuv3_opcode smmuv3_cmd_opcode(const struct smmuv3_cmd *cmd)
{
	return (enum smmuv3_opcode)FIELD_GET(SMMUV3_CMD_0_OPCODE, cmd->data[0]);
}

static inline u32 smmuv3_cmd_sid(const struct smmuv3_cmd *cmd)
{
	return FIELD_GET(SMMUV3_CMD_0_SID, cmd->data[0]);
}

static inline void smmuv3_cmd_set_sid(struct smmuv3_cmd *cmd, u32 sid)
{
	cmd->data[0] &= ~SMMUV3_CMD_0_SID;
	cmd->data[0] |= FIELD_PREP(SMMUV3_CMD_0_SID, sid);
}

/*
 * Does it answer a device, or a transaction that stalls? Once it has been consumed that is
 * done, and what it names may be used anew (4.7.1).
 */
static inline bool smmuv3_cmd_is_answer(const struct smmuv3_cmd *cmd)
{
	enum smmuv3_opcode opcode = smmuv3_cmd_opcode(cmd);

	return opcode == SMMUV3_CMD_PRI_RESP || opcode == SMMUV3_CMD_RESUME;
}

/* 4.3: the entry of @sid; without @leaf also the level-1 descriptor above it. */
static inline struct smmuv3_cmd smmuv3_make_cfgi_ste(u32 sid, bool leaf)
{
	return (struct smmuv3_cmd){ .data = {
		FIELD_PREP(SMMUV3_CMD_0_SID, sid) |
		SMMUV3_CMD_CFGI_STE,
		FIELD_PREP(SMMUV3_CFGI_1_LEAF, leaf),
	} };
}

/* 4.3: the 2^@log2 entries around @sid, 1 to 32. */
static inline struct smmuv3_cmd smmuv3_make_cfgi_ste_range(u32 sid, unsigned int log2)
{
	return (struct smmuv3_cmd){ .data = {
		FIELD_PREP(SMMUV3_CMD_0_SID, sid) |
		SMMUV3_CMD_CFGI_STE_RANGE,
		FIELD_PREP(SMMUV3_CFGI_1_RANGE, log2 - 1),
	} };
}

/* 4.3, CMD_CFGI_ALL: every entry and context descriptor. */
static inline struct smmuv3_cmd smmuv3_make_cfgi_all(void)
{
	return smmuv3_make_cfgi_ste_range(0, 32);
}

/* 4.3: a context descriptor; without @leaf also the level-1 one above it. */
static inline struct smmuv3_cmd smmuv3_make_cfgi_cd(u32 sid, u32 ssid, bool leaf)
{
	return (struct smmuv3_cmd){ .data = {
		FIELD_PREP(SMMUV3_CMD_0_SID, sid) |
		FIELD_PREP(SMMUV3_CMD_0_SSID, ssid) |
		SMMUV3_CMD_CFGI_CD,
		FIELD_PREP(SMMUV3_CFGI_1_LEAF, leaf),
	} };
}

/* 4.3: all context descriptors of @sid. */
static inline struct smmuv3_cmd smmuv3_make_cfgi_cd_all(u32 sid)
{
	return (struct smmuv3_cmd){ .data = {
		FIELD_PREP(SMMUV3_CMD_0_SID, sid) |
		SMMUV3_CMD_CFGI_CD_ALL,
	} };
}

/**
 * struct smmuv3_tlbi_range - how far a TLBI by address reaches (4.4)
 * @tg: granule: 1 4K, 2 16K, 3 64K; 0: one page, and all the others are 0
 * @num: NUM
 * @scale: SCALE: (@num + 1) * 2^@scale granules
 * @ttl: level of the leaf entries; 0: any
 *
 * All zero where the unit has no IDR3.RIL. @tg with @num, @scale and @ttl all 0
 * is reserved.
 */
struct smmuv3_tlbi_range {
	u8 tg;
	u8 num;
	u8 scale;
	u8 ttl;
};

/*
 * How many of @pages pages of 4K, at least one, the next command is to cover, and
 * that as @range, so that all take the fewest commands. @ril: the unit has
 * IDR3.RIL. SCALE stays within the 31 that every such unit has.
 */
static inline u64 smmuv3_tlbi_cover(u64 pages, bool ril, struct smmuv3_tlbi_range *range)
{
	unsigned int scale = min_t(unsigned int, __ffs64(pages), 31);
	u64 num = pages >> scale;

	*range = (struct smmuv3_tlbi_range){ };
	/* First what does not fit the next larger scale. */
	if (num > 31)
		num = num & 31 ? num & 31 : 31;
	if (!ril || num << scale == 1)
		return 1;
	range->tg = 1;
	range->num = num - 1;
	range->scale = scale;
	return num << scale;
}

static inline u64 smmuv3_tlbi_range_0(const struct smmuv3_tlbi_range *range)
{
	return FIELD_PREP(SMMUV3_TLBI_0_SCALE, range->scale) |
	       FIELD_PREP(SMMUV3_TLBI_0_NUM, range->num);
}

static inline u64 smmuv3_tlbi_range_1(const struct smmuv3_tlbi_range *range, bool leaf)
{
	return FIELD_PREP(SMMUV3_TLBI_1_TG, range->tg) |
	       FIELD_PREP(SMMUV3_TLBI_1_TTL, range->ttl) |
	       FIELD_PREP(SMMUV3_TLBI_1_LEAF, leaf);
}

/* 4.4: all of stage 1 of @vmid, and what combines it with stage 2. */
static inline struct smmuv3_cmd smmuv3_make_tlbi_nh_all(u16 vmid)
{
	return (struct smmuv3_cmd){ .data = {
		FIELD_PREP(SMMUV3_TLBI_0_VMID, vmid) |
		SMMUV3_CMD_TLBI_NH_ALL,
	} };
}

/* 4.4: the same of one @asid; global entries stay. */
static inline struct smmuv3_cmd smmuv3_make_tlbi_nh_asid(u16 vmid, u16 asid)
{
	return (struct smmuv3_cmd){ .data = {
		FIELD_PREP(SMMUV3_TLBI_0_ASID, asid) |
		FIELD_PREP(SMMUV3_TLBI_0_VMID, vmid) |
		SMMUV3_CMD_TLBI_NH_ASID,
	} };
}

/* 4.4: the same by address; @leaf: only leaf entries changed. */
static inline struct smmuv3_cmd
smmuv3_make_tlbi_nh_va(u16 vmid, u16 asid, u64 va, bool leaf,
		       const struct smmuv3_tlbi_range *range)
{
	return (struct smmuv3_cmd){ .data = {
		FIELD_PREP(SMMUV3_TLBI_0_ASID, asid) |
		FIELD_PREP(SMMUV3_TLBI_0_VMID, vmid) |
		smmuv3_tlbi_range_0(range) |
		SMMUV3_CMD_TLBI_NH_VA,
		(va & SMMUV3_TLBI_1_VA) |
		smmuv3_tlbi_range_1(range, leaf),
	} };
}

/* 4.4: the same by address in every ASID. */
static inline struct smmuv3_cmd
smmuv3_make_tlbi_nh_vaa(u16 vmid, u64 va, bool leaf,
			const struct smmuv3_tlbi_range *range)
{
	return (struct smmuv3_cmd){ .data = {
		FIELD_PREP(SMMUV3_TLBI_0_VMID, vmid) |
		smmuv3_tlbi_range_0(range) |
		SMMUV3_CMD_TLBI_NH_VAA,
		(va & SMMUV3_TLBI_1_VA) |
		smmuv3_tlbi_range_1(range, leaf),
	} };
}

/* 4.4: everything of @vmid, both stages. */
static inline struct smmuv3_cmd smmuv3_make_tlbi_s12_vmall(u16 vmid)
{
	return (struct smmuv3_cmd){ .data = {
		FIELD_PREP(SMMUV3_TLBI_0_VMID, vmid) |
		SMMUV3_CMD_TLBI_S12_VMALL,
	} };
}

/*
 * 4.4: stage 2 of @vmid by address. What combines it with stage 1 stays: that
 * takes CMD_TLBI_NH_ALL after this.
 */
static inline struct smmuv3_cmd
smmuv3_make_tlbi_s2_ipa(u16 vmid, u64 ipa, bool leaf,
			const struct smmuv3_tlbi_range *range)
{
	return (struct smmuv3_cmd){ .data = {
		FIELD_PREP(SMMUV3_TLBI_0_VMID, vmid) |
		smmuv3_tlbi_range_0(range) |
		SMMUV3_CMD_TLBI_S2_IPA,
		(ipa & SMMUV3_TLBI_1_IPA) |
		smmuv3_tlbi_range_1(range, leaf),
	} };
}

/* 4.4: everything that is not EL2's. */
static inline struct smmuv3_cmd smmuv3_make_tlbi_nsnh_all(void)
{
	return (struct smmuv3_cmd){ .data = { SMMUV3_CMD_TLBI_NSNH_ALL } };
}

/* 4.4: everything that is EL2's; where IDR0.HYP says there is such a thing. */
static inline struct smmuv3_cmd smmuv3_make_tlbi_el2_all(void)
{
	return (struct smmuv3_cmd){ .data = { SMMUV3_CMD_TLBI_EL2_ALL } };
}

/* No substream, where a substream ID goes. */
#define SMMUV3_NO_SSID	(~0U)

/*
 * 4.5: 2^@size pages of 4K from @address on, aligned to as many, in the ATC of
 * @sid. Without a substream it may be for what was cached without one alone.
 */
static inline struct smmuv3_cmd smmuv3_make_atc_inv(u32 sid, u32 ssid, u64 address,
						    unsigned int size)
{
	bool ssv = ssid != SMMUV3_NO_SSID;

	return (struct smmuv3_cmd){ .data = {
		FIELD_PREP(SMMUV3_CMD_0_SID, sid) |
		FIELD_PREP(SMMUV3_CMD_0_SSID, ssv ? ssid : 0) |
		FIELD_PREP(SMMUV3_CMD_0_SSV, ssv) |
		SMMUV3_CMD_ATC_INV,
		(address & SMMUV3_ATC_1_ADDRESS) |
		FIELD_PREP(SMMUV3_ATC_1_SIZE, size),
	} };
}

/* 4.5: the same for every substream at once, and not for what has none. */
static inline struct smmuv3_cmd smmuv3_make_atc_inv_global(u32 sid, u64 address,
							   unsigned int size)
{
	struct smmuv3_cmd cmd = smmuv3_make_atc_inv(sid, 0, address, size);

	cmd.data[0] |= SMMUV3_ATC_0_GLOBAL;
	return cmd;
}

/*
 * The smallest Size of which 2^Size aligned pages hold [@start, @last];
 * @start becomes the first address of those.
 */
static inline unsigned int smmuv3_atc_size(u64 *start, u64 last)
{
	unsigned int size = fls64((*start ^ last) >> 12);

	*start = size >= SMMUV3_ATC_SIZE_ALL ? 0 : *start & (~0ULL << (12 + size));
	return size;
}

/* 4.5: the answer to a page request group. */
static inline struct smmuv3_cmd smmuv3_make_pri_resp(u32 sid, u32 ssid, u16 prgindex,
						     enum smmuv3_pri_resp resp)
{
	bool ssv = ssid != SMMUV3_NO_SSID;

	return (struct smmuv3_cmd){ .data = {
		FIELD_PREP(SMMUV3_CMD_0_SID, sid) |
		FIELD_PREP(SMMUV3_CMD_0_SSID, ssv ? ssid : 0) |
		FIELD_PREP(SMMUV3_CMD_0_SSV, ssv) |
		SMMUV3_CMD_PRI_RESP,
		FIELD_PREP(SMMUV3_PRI_1_RESP, resp) |
		FIELD_PREP(SMMUV3_PRI_1_PRGINDEX, prgindex),
	} };
}

/* 4.7: the end of a stall. */
static inline struct smmuv3_cmd smmuv3_make_resume(u32 sid, u16 stag,
						   enum smmuv3_resume resp)
{
	return (struct smmuv3_cmd){ .data = {
		FIELD_PREP(SMMUV3_CMD_0_SID, sid) |
		FIELD_PREP(SMMUV3_RESUME_0_AB, resp == SMMUV3_RESUME_ABORT) |
		FIELD_PREP(SMMUV3_RESUME_0_AC, resp == SMMUV3_RESUME_RETRY) |
		SMMUV3_CMD_RESUME,
		FIELD_PREP(SMMUV3_RESUME_1_STAG, stag),
	} };
}

/*
 * 4.7: the same, with an abort, of all that stalls of @sid, whose entry has terminated
 * everything since before.
 */
static inline struct smmuv3_cmd smmuv3_make_stall_term(u32 sid)
{
	return (struct smmuv3_cmd){ .data = {
		FIELD_PREP(SMMUV3_CMD_0_SID, sid) |
		SMMUV3_CMD_STALL_TERM,
	} };
}

/*
 * 4.7: everything before has completed when this has. With CS NONE and SEV
 * @msiaddress and @msidata are 0; the MSI's write is inner shareable write-back.
 */
static inline struct smmuv3_cmd smmuv3_make_sync(enum smmuv3_sync_cs cs, u64 msiaddress,
						 u32 msidata)
{
	bool msi = cs == SMMUV3_SYNC_IRQ && msiaddress;

	return (struct smmuv3_cmd){ .data = {
		FIELD_PREP(SMMUV3_SYNC_0_MSIDATA, msi ? msidata : 0) |
		FIELD_PREP(SMMUV3_SYNC_0_MSIATTR, msi ? 0xf : 0) |
		FIELD_PREP(SMMUV3_SYNC_0_MSH, msi ? 3 : 0) |
		FIELD_PREP(SMMUV3_SYNC_0_CS, cs) |
		SMMUV3_CMD_SYNC,
		msi ? msiaddress & SMMUV3_SYNC_1_MSIADDRESS : 0,
	} };
}

#endif
