/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stream table entries of SMMUv3, and the descriptors that lead to them.
 *
 * Pure functions make them: numbers in, an entry out. One function writes them
 * (ste.c). Field names and sections are those of the Arm System Memory
 * Management Unit Architecture Specification, version 3 (IHI 0070), 5.1 and 5.2. The
 * same text is compiled into a user-space program that checks it
 * (tools/testing/unit).
 */
#ifndef __SMMUV3_STE_H
#define __SMMUV3_STE_H

#include <linux/bitfield.h>
#include <linux/bits.h>
#include <linux/types.h>

#define SMMUV3_STE_QWORDS	8

/**
 * struct smmuv3_ste - 5.2 Stream Table Entry
 * @data: 512 bits. The hardware reads 64 of them at once, and in any order
 */
struct smmuv3_ste {
	__le64 data[SMMUV3_STE_QWORDS];
};

#define SMMUV3_STE_0_V			BIT_ULL(0)
#define SMMUV3_STE_0_CONFIG		GENMASK_ULL(3, 1)
#define SMMUV3_STE_0_S1FMT		GENMASK_ULL(5, 4)
#define SMMUV3_STE_0_S1CONTEXTPTR	GENMASK_ULL(51, 6)
#define SMMUV3_STE_0_S1CDMAX		GENMASK_ULL(63, 59)

#define SMMUV3_STE_1_S1DSS		GENMASK_ULL(1, 0)	/* 65:64 */
#define SMMUV3_STE_1_S1CIR		GENMASK_ULL(3, 2)	/* 67:66 */
#define SMMUV3_STE_1_S1COR		GENMASK_ULL(5, 4)	/* 69:68 */
#define SMMUV3_STE_1_S1CSH		GENMASK_ULL(7, 6)	/* 71:70 */
#define SMMUV3_STE_1_PPAR		BIT_ULL(18)		/* 82 */
#define SMMUV3_STE_1_MEV		BIT_ULL(19)		/* 83 */
#define SMMUV3_STE_1_S2FWB		BIT_ULL(25)		/* 89 */
#define SMMUV3_STE_1_S1STALLD		BIT_ULL(27)		/* 91 */
#define SMMUV3_STE_1_EATS		GENMASK_ULL(29, 28)	/* 93:92 */
#define SMMUV3_STE_1_STRW		GENMASK_ULL(31, 30)	/* 95:94 */
#define SMMUV3_STE_1_SHCFG		GENMASK_ULL(45, 44)	/* 109:108 */

#define SMMUV3_STE_2_S2VMID		GENMASK_ULL(15, 0)	/* 143:128 */
#define SMMUV3_STE_2_S2T0SZ		GENMASK_ULL(37, 32)	/* 165:160 */
#define SMMUV3_STE_2_S2SL0		GENMASK_ULL(39, 38)	/* 167:166 */
#define SMMUV3_STE_2_S2IR0		GENMASK_ULL(41, 40)	/* 169:168 */
#define SMMUV3_STE_2_S2OR0		GENMASK_ULL(43, 42)	/* 171:170 */
#define SMMUV3_STE_2_S2SH0		GENMASK_ULL(45, 44)	/* 173:172 */
#define SMMUV3_STE_2_S2TG		GENMASK_ULL(47, 46)	/* 175:174 */
#define SMMUV3_STE_2_S2PS		GENMASK_ULL(50, 48)	/* 178:176 */
#define SMMUV3_STE_2_S2AA64		BIT_ULL(51)		/* 179 */
#define SMMUV3_STE_2_S2ENDI		BIT_ULL(52)		/* 180 */
#define SMMUV3_STE_2_S2PTW		BIT_ULL(54)		/* 182 */
#define SMMUV3_STE_2_S2S		BIT_ULL(57)		/* 185 */
#define SMMUV3_STE_2_S2R		BIT_ULL(58)		/* 186 */
#define SMMUV3_STE_2_S2			GENMASK_ULL(58, 32)	/* all of stage 2 */

#define SMMUV3_STE_3_S2TTB		GENMASK_ULL(51, 4)	/* 243:196 */

/* 5.1 Level 1 Stream Table Descriptor */
#define SMMUV3_L1_SPAN			GENMASK_ULL(4, 0)
#define SMMUV3_L1_L2PTR			GENMASK_ULL(51, 6)

/* Config. Bit 0: stage 1 translates, bit 1: stage 2 does. */
enum smmuv3_config {
	SMMUV3_CONFIG_ABORT	= 0,
	SMMUV3_CONFIG_BYPASS	= 4,
	SMMUV3_CONFIG_S1	= 5,
	SMMUV3_CONFIG_S2	= 6,
	SMMUV3_CONFIG_NESTED	= 7,
};

/* S1Fmt */
enum smmuv3_s1fmt {
	SMMUV3_S1FMT_LINEAR	= 0,
	SMMUV3_S1FMT_4K_L2	= 1,
	SMMUV3_S1FMT_64K_L2	= 2,
};

/* S1DSS: what requests without a substream get when there are substreams. */
enum smmuv3_s1dss {
	SMMUV3_S1DSS_TERMINATE	= 0,
	SMMUV3_S1DSS_BYPASS	= 1,
	SMMUV3_S1DSS_SSID0	= 2,
};

/* EATS; 2, split-stage ATS, is not used */
enum smmuv3_eats {
	SMMUV3_EATS_ABORT	= 0,
	SMMUV3_EATS_FULL	= 1,
};

#define SMMUV3_SHCFG_INCOMING	1

/* Cacheability and shareability of table walks (S2IR0, S2OR0, S2SH0). */
enum smmuv3_walk_cache {
	SMMUV3_WALK_NC		= 0,
	SMMUV3_WALK_WBRAWA	= 1,
};

enum smmuv3_walk_share {
	SMMUV3_WALK_OSH		= 2,
	SMMUV3_WALK_ISH		= 3,
};

/**
 * struct smmuv3_s2_cfg - stage 2 of an entry
 * @vttbr: physical address of the root table (S2TTB)
 * @vmid: S2VMID, the tag of what is cached
 * @t0sz: S2T0SZ, 64 less the bits of an input address
 * @sl0: S2SL0, where the walk starts
 * @irgn: S2IR0, enum smmuv3_walk_cache
 * @orgn: S2OR0, the same
 * @sh: S2SH0, enum smmuv3_walk_share
 * @tg: S2TG: 0 for 4K
 * @ps: S2PS, size of an output address as IDR5.OAS codes it
 * @endi: S2ENDI: the tables are big-endian
 * @fwb: S2FWB: the tables have MemAttr in the form of FEAT_S2FWB
 * @attr_ovr: IDR1.ATTR_TYPES_OVR: SHCFG is there, and 0 would mean "non-shareable"
 */
struct smmuv3_s2_cfg {
	u64 vttbr;
	u16 vmid;
	u8 t0sz;
	u8 sl0;
	u8 irgn;
	u8 orgn;
	u8 sh;
	u8 tg;
	u8 ps;
	bool endi;
	bool fwb;
	bool attr_ovr;
};

/* IDR5.OAS and S2PS: the code of the smallest size that holds @bits of address. */
static inline u8 smmuv3_address_size(unsigned int bits)
{
	return bits <= 32 ? 0 :
	       bits <= 36 ? 1 :
	       bits <= 40 ? 2 :
	       bits <= 42 ? 3 :
	       bits <= 44 ? 4 :
	       bits <= 48 ? 5 : 6;
}

/* The other way round: how many bits IDR5.OAS stands for. */
static inline unsigned int smmuv3_address_bits(unsigned int code)
{
	static const u8 bits[] = { 32, 36, 40, 42, 44, 48, 52, 52 };

	return bits[code & 7];
}

/*
 * The fields that follow from the shape of a 4K-granule table: @ias and @oas
 * bits of address, a walk of @levels levels from the tables at @root, which snoops
 * if @coherent. @vmid and the flags are the caller's to fill in.
 */
static inline struct smmuv3_s2_cfg
smmuv3_make_s2_cfg(u64 root, unsigned int ias, unsigned int oas,
		   unsigned int levels, bool coherent)
{
	return (struct smmuv3_s2_cfg){
		.vttbr = root,
		.t0sz = 64 - ias,
		.sl0 = levels - 2,	/* 4K: 0 starts at level 2, 2 at level 0 */
		.irgn = coherent ? SMMUV3_WALK_WBRAWA : SMMUV3_WALK_NC,
		.orgn = coherent ? SMMUV3_WALK_WBRAWA : SMMUV3_WALK_NC,
		.sh = coherent ? SMMUV3_WALK_ISH : SMMUV3_WALK_OSH,
		.ps = smmuv3_address_size(oas),
	};
}

/* 5.1: a level-1 descriptor for 2^@log2 entries at @l2, aligned to their size. */
static inline __le64 smmuv3_make_l1_desc(u64 l2, unsigned int log2)
{
	return cpu_to_le64((l2 & SMMUV3_L1_L2PTR) | FIELD_PREP(SMMUV3_L1_SPAN, log2 + 1));
}

static inline bool smmuv3_ste_valid(const struct smmuv3_ste *ste)
{
	return le64_to_cpu(ste->data[0]) & SMMUV3_STE_0_V;
}

static inline enum smmuv3_config smmuv3_ste_config(const struct smmuv3_ste *ste)
{
	return (enum smmuv3_config)FIELD_GET(SMMUV3_STE_0_CONFIG, le64_to_cpu(ste->data[0]));
}

static inline u16 smmuv3_ste_vmid(const struct smmuv3_ste *ste)
{
	return FIELD_GET(SMMUV3_STE_2_S2VMID, le64_to_cpu(ste->data[2]));
}

/* Config 0b000: requests are terminated, and no event is recorded. */
static inline void smmuv3_make_abort_ste(struct smmuv3_ste *ste)
{
	*ste = (struct smmuv3_ste){ .data = {
		cpu_to_le64(FIELD_PREP(SMMUV3_STE_0_CONFIG, SMMUV3_CONFIG_ABORT) |
			    SMMUV3_STE_0_V),
	} };
}

/* Config 0b100: requests pass as they are. @attr_ovr: IDR1.ATTR_TYPES_OVR. */
static inline void smmuv3_make_bypass_ste(struct smmuv3_ste *ste, bool attr_ovr)
{
	*ste = (struct smmuv3_ste){ .data = {
		cpu_to_le64(FIELD_PREP(SMMUV3_STE_0_CONFIG, SMMUV3_CONFIG_BYPASS) |
			    SMMUV3_STE_0_V),
		cpu_to_le64(attr_ovr ? FIELD_PREP(SMMUV3_STE_1_SHCFG,
						  SMMUV3_SHCFG_INCOMING) : 0),
	} };
}

/*
 * Config 0b110: requests go through stage-2 tables. MEV: the device is a user's,
 * who must not flood the event queue. S2PTW: stage-1 tables that a guest put
 * into device memory fault. S2R: faults are recorded.
 */
static inline void smmuv3_make_s2_ste(struct smmuv3_ste *ste,
				      const struct smmuv3_s2_cfg *s2)
{
	*ste = (struct smmuv3_ste){ .data = {
		cpu_to_le64(FIELD_PREP(SMMUV3_STE_0_CONFIG, SMMUV3_CONFIG_S2) |
			    SMMUV3_STE_0_V),

		cpu_to_le64(FIELD_PREP(SMMUV3_STE_1_SHCFG,
				       s2->attr_ovr ? SMMUV3_SHCFG_INCOMING : 0) |
			    (s2->fwb ? SMMUV3_STE_1_S2FWB : 0) |
			    SMMUV3_STE_1_MEV),

		cpu_to_le64(SMMUV3_STE_2_S2R |
			    SMMUV3_STE_2_S2PTW |
			    (s2->endi ? SMMUV3_STE_2_S2ENDI : 0) |
			    SMMUV3_STE_2_S2AA64 |
			    FIELD_PREP(SMMUV3_STE_2_S2PS, s2->ps) |
			    FIELD_PREP(SMMUV3_STE_2_S2TG, s2->tg) |
			    FIELD_PREP(SMMUV3_STE_2_S2SH0, s2->sh) |
			    FIELD_PREP(SMMUV3_STE_2_S2OR0, s2->orgn) |
			    FIELD_PREP(SMMUV3_STE_2_S2IR0, s2->irgn) |
			    FIELD_PREP(SMMUV3_STE_2_S2SL0, s2->sl0) |
			    FIELD_PREP(SMMUV3_STE_2_S2T0SZ, s2->t0sz) |
			    FIELD_PREP(SMMUV3_STE_2_S2VMID, s2->vmid)),

		cpu_to_le64(s2->vttbr & SMMUV3_STE_3_S2TTB),
	} };
}

/* What of its own entry a guest decides where its stage 1 translates. */
#define SMMUV3_STE_0_GUEST	(SMMUV3_STE_0_S1FMT | SMMUV3_STE_0_S1CONTEXTPTR | \
				 SMMUV3_STE_0_S1CDMAX)
#define SMMUV3_STE_1_GUEST	(SMMUV3_STE_1_S1DSS | SMMUV3_STE_1_S1CIR | \
				 SMMUV3_STE_1_S1COR | SMMUV3_STE_1_S1CSH | \
				 SMMUV3_STE_1_S1STALLD)

/*
 * What a guest's entry (its first two words, @guest) comes to on top of stage 2: stage 1
 * becomes Config 0b111, bypass becomes stage 2 alone, and anything else, V clear too,
 * aborts. STRW is 0 (NS-EL1), the world that a VMID confines. What the host says of the
 * device is smmuv3_set_host()'s.
 */
static inline void smmuv3_make_nested_ste(struct smmuv3_ste *ste,
					  const struct smmuv3_s2_cfg *s2,
					  const __le64 guest[2])
{
	u64 qw0 = le64_to_cpu(guest[0]);
	u64 qw1 = le64_to_cpu(guest[1]);
	enum smmuv3_config config = SMMUV3_CONFIG_ABORT;

	if (qw0 & SMMUV3_STE_0_V)
		config = (enum smmuv3_config)FIELD_GET(SMMUV3_STE_0_CONFIG, qw0);
	switch (config) {
	case SMMUV3_CONFIG_S1:
		smmuv3_make_s2_ste(ste, s2);
		ste->data[0] = cpu_to_le64((qw0 & SMMUV3_STE_0_GUEST) |
					   FIELD_PREP(SMMUV3_STE_0_CONFIG,
						      SMMUV3_CONFIG_NESTED) |
					   SMMUV3_STE_0_V);
		ste->data[1] |= cpu_to_le64(qw1 & SMMUV3_STE_1_GUEST);
		break;
	case SMMUV3_CONFIG_BYPASS:
		smmuv3_make_s2_ste(ste, s2);
		break;
	default:
		smmuv3_make_abort_ste(ste);
		break;
	}
}

/**
 * struct smmuv3_host - what the host says of a device, whatever tables it goes through
 * @eats: EATS, enum smmuv3_eats
 * @ppar: PPAR: answers that the unit gives to page requests by itself have their PASID
 * @stall: what faults may stall: where a guest's context descriptors say so; all of it
 *	where there is stage 2 alone (S2S). Not with EATS, which is ILLEGAL then
 * @stall_choice: IDR0.STALL_MODEL is 0b00: there is a choice, and S1STALLD
 */
struct smmuv3_host {
	enum smmuv3_eats eats;
	bool ppar;
	bool stall;
	bool stall_choice;
};

/*
 * @host in an entry that was made, if it has tables: elsewhere nothing of that means
 * anything (5.2). A fault of stage 2 below a guest's stage 1 never stalls: what is not
 * where a guest's tables lead is no page that the guest could bring.
 */
static inline void smmuv3_set_host(struct smmuv3_ste *ste, const struct smmuv3_host *host)
{
	enum smmuv3_config config = smmuv3_ste_config(ste);

	if (config != SMMUV3_CONFIG_S2 && config != SMMUV3_CONFIG_NESTED)
		return;
	ste->data[1] |= cpu_to_le64(FIELD_PREP(SMMUV3_STE_1_EATS, host->eats) |
				    (host->ppar ? SMMUV3_STE_1_PPAR : 0));
	if (config == SMMUV3_CONFIG_S2 && host->stall)
		ste->data[2] |= cpu_to_le64(SMMUV3_STE_2_S2S);
	if (config == SMMUV3_CONFIG_NESTED && host->stall_choice && !host->stall)
		ste->data[1] |= cpu_to_le64(SMMUV3_STE_1_S1STALLD);
}

/**
 * enum smmuv3_ste_step - what comes next on the way from one entry to another
 * @SMMUV3_STE_DONE: nothing, it is there
 * @SMMUV3_STE_HITLESS: a write after which the hardware does as before or as it
 *	will in the end, whatever it has read when
 * @SMMUV3_STE_BREAKS: a write that makes it terminate requests for now
 */
enum smmuv3_ste_step {
	SMMUV3_STE_DONE,
	SMMUV3_STE_HITLESS,
	SMMUV3_STE_BREAKS,
};

void smmuv3_ste_used(const struct smmuv3_ste *ste, struct smmuv3_ste *used);
enum smmuv3_ste_step smmuv3_ste_next(const struct smmuv3_ste *cur,
				     const struct smmuv3_ste *target,
				     struct smmuv3_ste *next);
bool smmuv3_write_ste(struct smmuv3_ste *const *stes, unsigned int num,
		      const struct smmuv3_ste *target,
		      void (*sync)(void *arg), void *arg);

#endif
