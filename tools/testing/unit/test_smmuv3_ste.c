// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stream table entries of SMMUv3: the fields against values that were put
 * together by hand from the figures of the specification (5.2), and the writer
 * against a model of the hardware that may read any word at any moment.
 */
#include <linux/kernel.h>
#include <linux/types.h>
#include <smmuv3_nested/smmuv3_ste.h>

#include "tap.h"

/* An address with both ends of the 51:6 field in use, and one of 51:12. */
#define CTXPTR	0x000fedcba9876540ULL
#define TABLE	0x000fedcba9876000ULL

#define CHECK_STE(ste, ...) ({						\
	const u64 __want[] = { __VA_ARGS__ };				\
	unsigned int __i;						\
	for (__i = 0; __i < SMMUV3_STE_QWORDS; __i++)			\
		CHECK_EQ((ste).data[__i], __i < ARRAY_SIZE(__want) ? __want[__i] : 0); \
})

static struct smmuv3_s2_cfg cfg_of(u64 root, u16 vmid)
{
	struct smmuv3_s2_cfg s2 = smmuv3_make_s2_cfg(root, 40, 44, 3, true);

	s2.vmid = vmid;
	return s2;
}

TEST(size)
{
	CHECK_EQ(sizeof(struct smmuv3_ste), 64);
}

/*
 * The golden tables: what each maker makes of its parameters' extremes, and of each
 * parameter by itself, double word by double word. The literals are put together from
 * the figure at the head of the section that is named and the bits below it; what a row
 * leaves out is 0. A maker that has no row fails the build of these tests.
 */
#define PA_MAX	0x000ffffffffff000ULL	/* of 52 bits */

/*
 * 5.1, Level 1 Stream Table Descriptor: 4:0 Span, the logarithm of the number of entries
 * and one, 11 at most; 51:6 L2Ptr.
 */
TEST(l1_desc)
{
	static const struct { u64 l2; unsigned int log2; u64 desc; } golden[] = {
		{ 0,		0,	0x0000000000000001ULL },	/* one entry */
		{ 0x40,		0,	0x0000000000000041ULL },	/* 6, the lowest of L2Ptr */
		{ 0x4000,	8,	0x0000000000004009ULL },
		{ 0,		10,	0x000000000000000bULL },	/* 2^10 entries */
		{ PA_MAX,	8,	0x000ffffffffff009ULL },
		{ ~0ULL,	8,	0x000fffffffffffc9ULL },	/* nothing beside the field */
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(golden); i++)
		CHECK_EQ(smmuv3_make_l1_desc(golden[i].l2, golden[i].log2), golden[i].desc);
}

/* 5.2: 0 V, 3:1 Config (000b aborts). */
TEST(abort)
{
	struct smmuv3_ste ste;

	memset(&ste, 0xff, sizeof(ste));
	smmuv3_make_abort_ste(&ste);
	CHECK_STE(ste, 0x1);
	CHECK(smmuv3_ste_valid(&ste));
	CHECK_EQ(smmuv3_ste_config(&ste), SMMUV3_CONFIG_ABORT);
}

/*
 * 5.2: 3:1 Config (100b passes: 0x8); 109:108 SHCFG: bits 45:44 of the second double
 * word, 01b is "use incoming".
 */
TEST(bypass)
{
	struct smmuv3_ste ste;

	memset(&ste, 0xff, sizeof(ste));
	smmuv3_make_bypass_ste(&ste, false);
	CHECK_STE(ste, 0x9);
	memset(&ste, 0xff, sizeof(ste));
	smmuv3_make_bypass_ste(&ste, true);
	CHECK_STE(ste, 0x9, 0x0000100000000000ULL);
	CHECK_EQ(smmuv3_ste_config(&ste), SMMUV3_CONFIG_BYPASS);
}

/* What a caller's geometry comes to: S2T0SZ, S2SL0, S2PS. */
TEST(s2_cfg)
{
	static const struct { unsigned int bits, code; } sizes[] = {
		{ 32, 0 }, { 36, 1 }, { 40, 2 }, { 42, 3 }, { 44, 4 }, { 48, 5 }, { 52, 6 },
	};
	struct smmuv3_s2_cfg s2;
	unsigned int i;

	s2 = smmuv3_make_s2_cfg(TABLE, 48, 48, 4, true);
	CHECK_EQ(s2.vttbr, TABLE);
	CHECK_EQ(s2.t0sz, 16);
	CHECK_EQ(s2.sl0, 2);
	CHECK_EQ(s2.ps, 5);
	CHECK_EQ(s2.irgn, 1);
	CHECK_EQ(s2.orgn, 1);
	CHECK_EQ(s2.sh, 3);
	CHECK_EQ(s2.tg, 0);
	s2 = smmuv3_make_s2_cfg(TABLE, 32, 32, 2, false);
	CHECK_EQ(s2.t0sz, 32);
	CHECK_EQ(s2.sl0, 0);
	CHECK_EQ(s2.ps, 0);
	CHECK_EQ(s2.irgn, 0);
	CHECK_EQ(s2.orgn, 0);
	CHECK_EQ(s2.sh, 2);

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		CHECK_EQ(smmuv3_address_size(sizes[i].bits), sizes[i].code);
		CHECK_EQ(smmuv3_address_bits(sizes[i].code), sizes[i].bits);
	}
	CHECK_EQ(smmuv3_address_size(39), 2);
	CHECK_EQ(smmuv3_address_size(33), 1);
}

/*
 * 5.2: Config 110b is 0xc, with V 0xd. Of the second double word 82 PPAR 0x40000,
 * 83 MEV 0x80000, 89
 * S2FWB 0x02000000, 93:92 EATS (01b 0x10000000), 109:108 SHCFG (01b 1 << 44). Of the
 * third 143:128 S2VMID, 165:160 S2T0SZ, 167:166 S2SL0, 169:168 S2IR0, 171:170 S2OR0,
 * 173:172 S2SH0, 175:174 S2TG, 178:176 S2PS, 179 S2AA64, 180 S2ENDI, 182 S2PTW, 185 S2S,
 * 186 S2R; of the fourth 243:196 S2TTB, with the bits where they are in the address.
 * S2AA64, S2PTW and S2R together are 0x0448 in the upper 16 bits of the third.
 */
static const struct {
	const char *what;
	struct smmuv3_s2_cfg s2;
	struct smmuv3_host host;
	u64 qw[4];
} golden_s2[] = {
	{ "nothing", {}, {},
	  { 0xd, 0x80000, 0x0448000000000000ULL, 0 } },
	{ "EATS", {}, { .eats = SMMUV3_EATS_FULL },
	  { 0xd, 0x10080000, 0x0448000000000000ULL, 0 } },
	{ "S2FWB", { .fwb = true }, {},
	  { 0xd, 0x02080000, 0x0448000000000000ULL, 0 } },
	{ "SHCFG", { .attr_ovr = true }, {},
	  { 0xd, 0x0000100000080000ULL, 0x0448000000000000ULL, 0 } },
	{ "S2VMID 1", { .vmid = 1 }, {},
	  { 0xd, 0x80000, 0x0448000000000001ULL, 0 } },
	{ "S2VMID FFFFh", { .vmid = 0xffff }, {},
	  { 0xd, 0x80000, 0x044800000000ffffULL, 0 } },
	{ "S2T0SZ 1", { .t0sz = 1 }, {},
	  { 0xd, 0x80000, 0x0448000100000000ULL, 0 } },
	{ "S2T0SZ 3Fh", { .t0sz = 0x3f }, {},
	  { 0xd, 0x80000, 0x0448003f00000000ULL, 0 } },
	{ "S2SL0 1", { .sl0 = 1 }, {},
	  { 0xd, 0x80000, 0x0448004000000000ULL, 0 } },
	{ "S2SL0 2", { .sl0 = 2 }, {},
	  { 0xd, 0x80000, 0x0448008000000000ULL, 0 } },
	{ "S2IR0 1", { .irgn = SMMUV3_WALK_WBRAWA }, {},
	  { 0xd, 0x80000, 0x0448010000000000ULL, 0 } },
	{ "S2OR0 1", { .orgn = SMMUV3_WALK_WBRAWA }, {},
	  { 0xd, 0x80000, 0x0448040000000000ULL, 0 } },
	{ "S2SH0 2", { .sh = SMMUV3_WALK_OSH }, {},
	  { 0xd, 0x80000, 0x0448200000000000ULL, 0 } },
	{ "S2SH0 3", { .sh = SMMUV3_WALK_ISH }, {},
	  { 0xd, 0x80000, 0x0448300000000000ULL, 0 } },
	{ "S2TG 1", { .tg = 1 }, {},
	  { 0xd, 0x80000, 0x0448400000000000ULL, 0 } },
	{ "S2TG 2", { .tg = 2 }, {},
	  { 0xd, 0x80000, 0x0448800000000000ULL, 0 } },
	{ "S2PS 1", { .ps = 1 }, {},
	  { 0xd, 0x80000, 0x0449000000000000ULL, 0 } },
	{ "S2PS 6", { .ps = 6 }, {},
	  { 0xd, 0x80000, 0x044e000000000000ULL, 0 } },
	{ "S2ENDI", { .endi = true }, {},
	  { 0xd, 0x80000, 0x0458000000000000ULL, 0 } },
	{ "S2S", {}, { .stall = true },
	  { 0xd, 0x80000, 0x0648000000000000ULL, 0 } },
	{ "S2S, where there is a choice", {}, { .stall = true, .stall_choice = true },
	  { 0xd, 0x80000, 0x0648000000000000ULL, 0 } },
	{ "a choice, and none made", {}, { .stall_choice = true },
	  { 0xd, 0x80000, 0x0448000000000000ULL, 0 } },
	{ "PPAR", {}, { .ppar = true },
	  { 0xd, 0xc0000, 0x0448000000000000ULL, 0 } },
	{ "S2TTB 10h", { .vttbr = 0x10 }, {},
	  { 0xd, 0x80000, 0x0448000000000000ULL, 0x10 } },
	{ "S2TTB of 52 bits", { .vttbr = PA_MAX }, {},
	  { 0xd, 0x80000, 0x0448000000000000ULL, PA_MAX } },
	{ "S2TTB, nothing beside it", { .vttbr = ~0ULL }, {},
	  { 0xd, 0x80000, 0x0448000000000000ULL, 0x000ffffffffffff0ULL } },
	{ "all of them", { .vttbr = PA_MAX, .vmid = 0xffff, .t0sz = 0x3f, .sl0 = 3,
	  .irgn = 3, .orgn = 3, .sh = 3, .tg = 3, .ps = 7, .endi = true, .fwb = true,
	  .attr_ovr = true }, { SMMUV3_EATS_FULL, true, true, true },
	  { 0xd, 0x00001000120c0000ULL, 0x065fffff0000ffffULL, PA_MAX } },
	{ "too much of some", { .sl0 = 0xff, .orgn = 0xff, .tg = 0xff }, {},
	  { 0xd, 0x80000, 0x0448ccc000000000ULL, 0 } },
	{ "too much of others", { .t0sz = 0xff, .irgn = 0xff, .sh = 0xff, .ps = 0xff },
	  {},
	  { 0xd, 0x80000, 0x044f333f00000000ULL, 0 } },
};

TEST(stage2)
{
	struct smmuv3_ste ste;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(golden_s2); i++) {
		memset(&ste, 0xff, sizeof(ste));
		smmuv3_make_s2_ste(&ste, &golden_s2[i].s2);
		smmuv3_set_host(&ste, &golden_s2[i].host);
		if (memcmp(ste.data, golden_s2[i].qw, sizeof(golden_s2[i].qw)))
			printf("# %s\n", golden_s2[i].what);
		CHECK_STE(ste, golden_s2[i].qw[0], golden_s2[i].qw[1], golden_s2[i].qw[2],
			  golden_s2[i].qw[3]);
		CHECK_EQ(smmuv3_ste_config(&ste), SMMUV3_CONFIG_S2);
		CHECK_EQ(smmuv3_ste_vmid(&ste), golden_s2[i].s2.vmid);
	}
}

/*
 * The same of what the tables of a domain are: 5.2 and, for S2T0SZ (64 less the bits of
 * an address), S2SL0 (4K: level 2 down is 0, level 1 is 1, level 0 is 2) and S2PS (the
 * codes of IDR5.OAS), 3.4.
 */
static const struct {
	u64 root;
	unsigned int ias, oas, levels;
	bool coherent;
	u64 qw[4];
} golden_tables[] = {
	/* S2T0SZ 32, S2SL0 0, S2PS 0; walks snoop: S2IR0, S2OR0 01b, S2SH0 11b */
	{ 0, 32, 32, 2, true, { 0xd, 0x80000, 0x0448352000000000ULL, 0 } },
	/* ... or do not: 00b, 00b, 10b */
	{ 0, 32, 32, 2, false, { 0xd, 0x80000, 0x0448202000000000ULL, 0 } },
	/* S2T0SZ 24 (18h), S2SL0 1 (40h), S2PS 4 */
	{ 0x1000, 40, 44, 3, true, { 0xd, 0x80000, 0x044c355800000000ULL, 0x1000 } },
	/* S2T0SZ 16 (10h), S2SL0 2 (80h), S2PS 5 */
	{ PA_MAX, 48, 48, 4, true, { 0xd, 0x80000, 0x044d359000000000ULL, PA_MAX } },
	/* S2PS 6 */
	{ PA_MAX, 48, 52, 4, false, { 0xd, 0x80000, 0x044e209000000000ULL, PA_MAX } },
};

TEST(stage2_tables)
{
	struct smmuv3_s2_cfg s2;
	struct smmuv3_ste ste;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(golden_tables); i++) {
		s2 = smmuv3_make_s2_cfg(golden_tables[i].root, golden_tables[i].ias,
					golden_tables[i].oas, golden_tables[i].levels,
					golden_tables[i].coherent);
		memset(&ste, 0xff, sizeof(ste));
		smmuv3_make_s2_ste(&ste, &s2);
		CHECK_STE(ste, golden_tables[i].qw[0], golden_tables[i].qw[1],
			  golden_tables[i].qw[2], golden_tables[i].qw[3]);
	}
}

/*
 * 5.2, what of a guest's entry there is on top of that. In the first double word 5:4
 * S1Fmt, 51:6 S1ContextPtr, 63:59 S1CDMax, and Config becomes 111b (0xe); in the second
 * 65:64 S1DSS, 67:66 S1CIR, 69:68 S1COR, 71:70 S1CSH, 91 S1STALLD (0x08000000). What
 * else the guest has there (MEV, S2FWB, EATS, STRW, SHCFG and all that is not of stage
 * 1) is not its to say. Stage 2 is that of 40 bits above, with S2VMID 7 and EATS 01b.
 */
#define S2_QW1	0x10080000ULL
#define S2_QW2	0x044c355800000007ULL

static const struct {
	const char *what;
	u64 guest[2];
	u64 qw[4];
} golden_nested[] = {
	{ "stage 1", { 0xb, 0 }, { 0xf, S2_QW1, S2_QW2, PA_MAX } },
	{ "S1Fmt 01b", { 0x1b, 0 }, { 0x1f, S2_QW1, S2_QW2, PA_MAX } },
	{ "S1Fmt 10b", { 0x2b, 0 }, { 0x2f, S2_QW1, S2_QW2, PA_MAX } },
	{ "S1ContextPtr, bit 6", { 0x4b, 0 }, { 0x4f, S2_QW1, S2_QW2, PA_MAX } },
	{ "S1ContextPtr, all", { 0x000fffffffffffcbULL, 0 },
	  { 0x000fffffffffffcfULL, S2_QW1, S2_QW2, PA_MAX } },
	{ "S1CDMax 1", { 0x080000000000000bULL, 0 },
	  { 0x080000000000000fULL, S2_QW1, S2_QW2, PA_MAX } },
	{ "S1CDMax 20", { 0xa00000000000000bULL, 0 },
	  { 0xa00000000000000fULL, S2_QW1, S2_QW2, PA_MAX } },
	{ "S1DSS 01b", { 0xb, 0x1 }, { 0xf, S2_QW1 | 0x1, S2_QW2, PA_MAX } },
	{ "S1DSS 10b", { 0xb, 0x2 }, { 0xf, S2_QW1 | 0x2, S2_QW2, PA_MAX } },
	{ "S1CIR 11b", { 0xb, 0xc }, { 0xf, S2_QW1 | 0xc, S2_QW2, PA_MAX } },
	{ "S1COR 11b", { 0xb, 0x30 }, { 0xf, S2_QW1 | 0x30, S2_QW2, PA_MAX } },
	{ "S1CSH 11b", { 0xb, 0xc0 }, { 0xf, S2_QW1 | 0xc0, S2_QW2, PA_MAX } },
	{ "S1STALLD", { 0xb, 0x08000000 }, { 0xf, S2_QW1 | 0x08000000, S2_QW2, PA_MAX } },
	{ "all that is the guest's", { 0xf80ffffffffffffbULL, 0x080000ff },
	  { 0xf80fffffffffffffULL, 0x180800ffULL, S2_QW2, PA_MAX } },
	{ "and all that is not", { 0xfffffffffffffffbULL, ~0ULL },
	  { 0xf80fffffffffffffULL, 0x180800ffULL, S2_QW2, PA_MAX } },
	/* 100b: stage 2 alone, whatever else is there; QW1 as it is without a guest */
	{ "bypass", { 0x9, 0 }, { 0xd, S2_QW1, S2_QW2, PA_MAX } },
	{ "bypass, all set", { 0xfffffffffffffff9ULL, ~0ULL }, { 0xd, S2_QW1, S2_QW2, PA_MAX } },
	/* All others abort: 000b to 011b, stage 2 that a guest cannot have, V clear. */
	{ "abort", { 0xfffffffffffffff1ULL, ~0ULL }, { 0x1 } },
	{ "Config 001b", { 0xfffffffffffffff3ULL, ~0ULL }, { 0x1 } },
	{ "Config 010b", { 0xfffffffffffffff5ULL, ~0ULL }, { 0x1 } },
	{ "Config 011b", { 0xfffffffffffffff7ULL, ~0ULL }, { 0x1 } },
	{ "Config 110b", { 0xfffffffffffffffdULL, ~0ULL }, { 0x1 } },
	{ "Config 111b", { ~0ULL, ~0ULL }, { 0x1 } },
	{ "not valid, stage 1", { 0xfffffffffffffffaULL, ~0ULL }, { 0x1 } },
	{ "not valid, bypass", { 0xfffffffffffffff8ULL, ~0ULL }, { 0x1 } },
	{ "nothing", { 0, 0 }, { 0x1 } },
};

static void s2_ste(struct smmuv3_ste *ste, const struct smmuv3_s2_cfg *s2,
		   enum smmuv3_eats eats)
{
	const struct smmuv3_host host = { .eats = eats };

	smmuv3_make_s2_ste(ste, s2);
	smmuv3_set_host(ste, &host);
}

static void nested_ste(struct smmuv3_ste *ste, const struct smmuv3_s2_cfg *s2,
		       const __le64 guest[2], enum smmuv3_eats eats)
{
	const struct smmuv3_host host = { .eats = eats };

	smmuv3_make_nested_ste(ste, s2, guest);
	smmuv3_set_host(ste, &host);
}

TEST(nested)
{
	struct smmuv3_s2_cfg s2 = cfg_of(PA_MAX, 7);
	struct smmuv3_ste ste;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(golden_nested); i++) {
		memset(&ste, 0xff, sizeof(ste));
		nested_ste(&ste, &s2, golden_nested[i].guest, SMMUV3_EATS_FULL);
		if (memcmp(ste.data, golden_nested[i].qw, sizeof(golden_nested[i].qw)))
			printf("# %s\n", golden_nested[i].what);
		CHECK_STE(ste, golden_nested[i].qw[0], golden_nested[i].qw[1],
			  golden_nested[i].qw[2], golden_nested[i].qw[3]);
	}
	/* EATS is the host's. */
	nested_ste(&ste, &s2, golden_nested[0].guest, SMMUV3_EATS_ABORT);
	CHECK_STE(ste, 0xf, 0x80000, S2_QW2, PA_MAX);
	CHECK_EQ(smmuv3_ste_config(&ste), SMMUV3_CONFIG_NESTED);
	CHECK_EQ(smmuv3_ste_vmid(&ste), 7);
}

/*
 * What is the host's to say of a device, of Config 0b11x alone: 82 PPAR, 93:92 EATS, and
 * what stalls. 91 S1STALLD is the guest's, too: only the host can take it away, and only
 * where IDR0.STALL_MODEL leaves a choice is it not ILLEGAL. 185 S2S: not below stage 1.
 */
TEST(host)
{
	static const struct {
		const char *what;
		u64 guest[2];
		struct smmuv3_host host;
		u64 qw1, qw2;
	} rows[] = {
		{ "nothing", { 0xb, 0 }, {}, 0x80000, 0 },
		{ "EATS", { 0xb, 0 }, { .eats = SMMUV3_EATS_FULL }, 0x10080000, 0 },
		{ "PPAR", { 0xb, 0 }, { .ppar = true }, 0xc0000, 0 },
		{ "PPAR, EATS", { 0xb, 0 }, { .eats = SMMUV3_EATS_FULL, .ppar = true },
		  0x100c0000, 0 },
		{ "S1STALLD", { 0xb, 0 }, { .stall_choice = true }, 0x08080000, 0 },
		{ "S1STALLD of both", { 0xb, 0x08000000 }, { .stall_choice = true },
		  0x08080000, 0 },
		{ "stalls", { 0xb, 0 }, { .stall = true, .stall_choice = true }, 0x80000, 0 },
		{ "S1STALLD of the guest", { 0xb, 0x08000000 },
		  { .stall = true, .stall_choice = true }, 0x08080000, 0 },
		{ "bypass stalls", { 0x9, 0 }, { .stall = true, .stall_choice = true },
		  0x80000, 1ULL << 57 },
		{ "bypass does not", { 0x9, 0 }, { .stall_choice = true }, 0x80000, 0 },
		{ "bypass, all else", { 0x9, 0 },
		  { .eats = SMMUV3_EATS_FULL, .ppar = true, .stall_choice = true },
		  0x100c0000, 0 },
	};
	const struct smmuv3_host all = { SMMUV3_EATS_FULL, true, true, true };
	struct smmuv3_s2_cfg s2 = cfg_of(PA_MAX, 7);
	struct smmuv3_ste ste;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		smmuv3_make_nested_ste(&ste, &s2, rows[i].guest);
		smmuv3_set_host(&ste, &rows[i].host);
		if (ste.data[1] != rows[i].qw1)
			printf("# %s\n", rows[i].what);
		CHECK_EQ(ste.data[1], rows[i].qw1);
		CHECK_EQ(ste.data[2], (S2_QW2 | rows[i].qw2));
	}

	smmuv3_make_abort_ste(&ste);
	smmuv3_set_host(&ste, &all);
	CHECK_STE(ste, 0x1);
	smmuv3_make_bypass_ste(&ste, false);
	smmuv3_set_host(&ste, &all);
	CHECK_STE(ste, 0x9);
}

/*
 * What the model of the hardware does with an entry: a value that is the same
 * for two entries exactly if it treats requests the same.
 */
struct act {
	unsigned int config;	/* 0 abort, 8: V=0 */
	u64 qw[4];
};

#define EATS	0x0000000030000000ULL
#define S2S	0x0200000000000000ULL

/* @ats_off: nobody makes ATS requests, EATS tells nothing unless it is illegal. */
static struct act model(const u64 *qw, bool ats_off)
{
	struct act act = { };

	act.config = qw[0] & 1 ? qw[0] >> 1 & 7 : 8;
	switch (act.config) {
	case 1: case 2: case 3:
		act.config = 0;
		break;
	case 4:
		act.qw[1] = qw[1] & 0x0000300000000000ULL;
		break;
	case 5:
	case 7:
		act.qw[0] = qw[0] & 0xf80ffffffffffff0ULL;
		act.qw[1] = qw[1] & 0x00003000f80c00ffULL;
		act.qw[2] = qw[2] & 0xffff;
		if (act.config == 5)
			break;
		/* fall through */
	case 6:
		act.qw[1] |= qw[1] & 0x00003000320c0000ULL;
		act.qw[2] = qw[2] & 0x07ffffff0000ffffULL;
		act.qw[3] = qw[3] & 0x000ffffffffffff0ULL;
		if ((qw[1] & EATS) && (qw[2] & S2S))
			act.config = 8;		/* illegal is as V=0 */
		break;
	}
	if (act.config == 8)
		memset(act.qw, 0, sizeof(act.qw));
	if (ats_off)
		act.qw[1] &= ~EATS;
	return act;
}

static bool same(const struct act *a, const struct act *b)
{
	return !memcmp(a, b, sizeof(*a));
}

/* Everything the hardware may have read while @before became @after. */
enum seen {
	SEEN_OLD_NEW,	/* old or new */
	SEEN_BREAK,	/* also: nothing passes */
	SEEN_TORN,	/* also: something that neither is */
};

static struct act old_act, new_act;
static bool ats_off;

static enum seen act_seen(const u64 *qw)
{
	struct act act = model(qw, ats_off);

	if (same(&act, &old_act) || same(&act, &new_act))
		return SEEN_OLD_NEW;
	return act.config == 0 || act.config == 8 ? SEEN_BREAK : SEEN_TORN;
}

static enum seen window_seen(const u64 *before, const u64 *after)
{
	enum seen worst = SEEN_OLD_NEW, seen;
	unsigned int mix, i;
	u64 qw[SMMUV3_STE_QWORDS];

	for (mix = 0; mix < 1 << SMMUV3_STE_QWORDS; mix++) {
		for (i = 0; i < SMMUV3_STE_QWORDS; i++) {
			if ((mix >> i & 1) && before[i] == after[i])
				break;
			qw[i] = mix >> i & 1 ? after[i] : before[i];
		}
		if (i < SMMUV3_STE_QWORDS)
			continue;
		seen = act_seen(qw);
		worst = max(worst, seen);
	}
	return worst;
}

/*
 * The fewest syncs that any way of writing needs, by trying all that go through
 * these values of each word. @worst: what may be seen on the way. 0: no way.
 */
#define MAX_VALUES	5
#define MAX_STATES	(MAX_VALUES * MAX_VALUES * MAX_VALUES * MAX_VALUES)

static unsigned int fewest_syncs(const u64 *old, const u64 *new, enum seen worst)
{
	static u64 state[MAX_STATES][SMMUV3_STE_QWORDS];
	static enum seen seen[MAX_STATES];
	static unsigned char dist[MAX_STATES];
	static unsigned int digit[MAX_STATES][4];
	u64 value[4][MAX_VALUES];
	unsigned int values[4], weight[4], states = 1, i, k, n, d, from, to, mix;

	for (i = 0; i < 4; i++) {
		const u64 try[MAX_VALUES] = { old[i], new[i], old[i] | new[i],
					      old[i] & new[i], i ? 0 : 1 };

		values[i] = 0;
		for (k = 0; k < (old[i] == new[i] && i ? 1 : MAX_VALUES); k++) {
			for (n = 0; n < values[i] && value[i][n] != try[k]; n++)
				;
			if (n == values[i])
				value[i][values[i]++] = try[k];
		}
		weight[i] = states;
		states *= values[i];
	}
	for (n = 0; n < states; n++) {
		memset(state[n], 0, sizeof(state[n]));
		for (i = 0; i < 4; i++) {
			digit[n][i] = n / weight[i] % values[i];
			state[n][i] = value[i][digit[n][i]];
		}
		seen[n] = act_seen(state[n]);
		dist[n] = 255;
	}

	/* State 0 has old everywhere. */
	dist[0] = 0;
	for (d = 0; d < 4; d++) {
		for (from = 0; from < states; from++) {
			if (dist[from] != d)
				continue;
			if (!memcmp(state[from], new, sizeof(state[from])))
				return d;
			for (to = 0; to < states; to++) {
				if (dist[to] != 255)
					continue;
				for (mix = 0; mix < 16; mix++) {
					for (i = 0, n = 0; i < 4; i++)
						n += digit[mix >> i & 1 ? to : from][i] * weight[i];
					if (seen[n] > worst)
						break;
				}
				if (mix == 16)
					dist[to] = d + 1;
			}
		}
	}
	return 0;
}

/* The hardware beside the writer: told of every sync, looks at what may be read. */
struct watch {
	struct smmuv3_ste *live;
	unsigned int num;
	struct smmuv3_ste before[3];
	unsigned int syncs;
	enum seen worst;
};

static void watch_sync(void *arg)
{
	struct watch *watch = arg;
	enum seen seen;
	unsigned int i;

	watch->syncs++;
	for (i = 0; i < watch->num; i++) {
		seen = window_seen(watch->before[i].data, watch->live[i].data);
		watch->worst = max(watch->worst, seen);
		watch->before[i] = watch->live[i];
	}
}

#define MAX_ENTRIES	40
static struct smmuv3_ste entries[MAX_ENTRIES];
static unsigned int num_entries;

static struct smmuv3_ste *add(void)
{
	CHECK(num_entries < MAX_ENTRIES);
	return &entries[num_entries++];
}

static void add_nested(const struct smmuv3_s2_cfg *s2, u64 qw0, u64 qw1,
		       enum smmuv3_eats eats)
{
	const __le64 guest[2] = { qw0, qw1 };

	nested_ste(add(), s2, guest, eats);
}

static void make_entries(void)
{
	struct smmuv3_s2_cfg a = cfg_of(TABLE, 7), b = cfg_of(0x1000, 8), fwb;
	const struct smmuv3_host stalls = { .stall = true }, ppar = { .ppar = true };
	const u64 s1 = SMMUV3_STE_0_V | SMMUV3_CONFIG_S1 << 1;
	const __le64 one[2] = { s1 | CTXPTR, 0xd4 };
	struct smmuv3_ste *ste;

	if (num_entries)
		return;
	a.attr_ovr = true;
	b.attr_ovr = true;
	fwb = a;
	fwb.fwb = true;

	memset(add(), 0, sizeof(*ste));
	smmuv3_make_abort_ste(add());
	smmuv3_make_bypass_ste(add(), true);
	smmuv3_make_bypass_ste(add(), false);
	s2_ste(add(), &a, SMMUV3_EATS_ABORT);
	s2_ste(add(), &a, SMMUV3_EATS_FULL);
	s2_ste(add(), &b, SMMUV3_EATS_ABORT);
	s2_ste(add(), &b, SMMUV3_EATS_FULL);
	s2_ste(add(), &fwb, SMMUV3_EATS_ABORT);
	ste = add();
	smmuv3_make_s2_ste(ste, &a);
	smmuv3_set_host(ste, &stalls);
	/* One CD; another; a table of them, three ways; walks that do not snoop. */
	add_nested(&a, s1 | CTXPTR, 0xd4, SMMUV3_EATS_ABORT);
	add_nested(&a, s1 | CTXPTR, 0xd4, SMMUV3_EATS_FULL);
	add_nested(&a, s1 | 0x40, 0xd4, SMMUV3_EATS_ABORT);
	add_nested(&a, s1 | 0x40, 0, SMMUV3_EATS_ABORT);
	add_nested(&a, s1 | 0xa8000000d5550020ULL, 0xd4, SMMUV3_EATS_ABORT);
	add_nested(&a, s1 | 0xa8000000d5550020ULL, 0xd5, SMMUV3_EATS_ABORT);
	add_nested(&a, s1 | 0xa8000000d5550020ULL, 0x080000d6, SMMUV3_EATS_FULL);
	add_nested(&b, s1 | CTXPTR, 0xd4, SMMUV3_EATS_ABORT);
	add_nested(&fwb, s1 | CTXPTR, 0xd4, SMMUV3_EATS_ABORT);
	/* Stalls are on, and off; answers have PASIDs. */
	add_nested(&a, s1 | CTXPTR, 0x080000d4, SMMUV3_EATS_ABORT);
	ste = add();
	nested_ste(ste, &a, one, SMMUV3_EATS_FULL);
	smmuv3_set_host(ste, &ppar);
	add_nested(&a, SMMUV3_STE_0_V | SMMUV3_CONFIG_BYPASS << 1, 0, SMMUV3_EATS_ABORT);
	/* Stage 1 alone: not used here, but the writer knows it. */
	ste = add();
	*ste = (struct smmuv3_ste){ .data = { s1 | CTXPTR, 0xd4, 7 } };
	/* What others may have left in words that are not looked at. */
	ste = add();
	s2_ste(ste, &b, SMMUV3_EATS_FULL);
	ste->data[0] = SMMUV3_STE_0_V;
	ste = add();
	memset(ste, 0xa5, sizeof(*ste));
	ste->data[0] = 0xa4;
	ste = add();
	s2_ste(ste, &a, SMMUV3_EATS_FULL);
	ste->data[4] = 0x123456789;
	ste->data[7] = ~0ULL;
}

static void transition(const struct smmuv3_ste *old, const struct smmuv3_ste *new)
{
	struct smmuv3_ste live = *old, *ptr = &live;
	struct watch watch = { .live = &live, .num = 1, .before = { *old } };
	unsigned int fewest;
	bool hitless;

	ats_off = (old->data[1] ^ new->data[1]) & EATS;
	old_act = model(old->data, ats_off);
	new_act = model(new->data, ats_off);

	hitless = smmuv3_write_ste(&ptr, 1, new, watch_sync, &watch);
	CHECK(!memcmp(&live, new, sizeof(live)));
	CHECK(!memcmp(&watch.before[0], new, sizeof(live)));	/* synced last */
	CHECK_EQ(hitless, watch.worst == SEEN_OLD_NEW);
	CHECK(watch.worst != SEEN_TORN);

	/* Words that nothing looks at are no part of the search. */
	if (memcmp(&old->data[4], &new->data[4], 4 * sizeof(u64)))
		return;
	/* Nor is ATS on a unit that makes faults stall: the writer breaks, and may. */
	if (((old->data[1] | new->data[1]) & EATS) && ((old->data[2] | new->data[2]) & S2S))
		return;
	fewest = fewest_syncs(old->data, new->data, SEEN_OLD_NEW);
	if (!memcmp(old, new, sizeof(*old))) {
		CHECK_EQ(watch.syncs, 0);
	} else if (fewest) {
		CHECK(hitless);
		/* EATS has one of its own, if it has to be where ATS may be on. */
		CHECK(watch.syncs == fewest ||
		      (watch.syncs == fewest + 1 && (old->data[1] ^ new->data[1]) & EATS));
	} else {
		CHECK(!hitless);
		CHECK_EQ(watch.syncs, fewest_syncs(old->data, new->data, SEEN_BREAK));
	}
	if (tap_failures)
		printf("# ... from %llx %llx %llx %llx to %llx %llx %llx %llx\n",
		       old->data[0], old->data[1], old->data[2], old->data[3],
		       new->data[0], new->data[1], new->data[2], new->data[3]);
}

TEST(every_pair)
{
	unsigned int i, k;

	make_entries();
	for (i = 0; i < num_entries; i++)
		for (k = 0; k < num_entries && !tap_failures; k++)
			transition(&entries[i], &entries[k]);
}

static bool is_hitless(const struct smmuv3_ste *old, const struct smmuv3_ste *new,
		       unsigned int *syncs)
{
	struct smmuv3_ste live = *old, *ptr = &live;
	struct watch watch = { .live = &live, .num = 1, .before = { *old } };
	bool hitless;

	ats_off = false;
	old_act = model(old->data, ats_off);
	new_act = model(new->data, ats_off);
	hitless = smmuv3_write_ste(&ptr, 1, new, watch_sync, &watch);
	*syncs = watch.syncs;
	return hitless;
}

/* The transitions that matter, by name. */
TEST(known_pairs)
{
	struct smmuv3_s2_cfg a = cfg_of(TABLE, 7), b = cfg_of(0x1000, 8);
	const u64 s1 = SMMUV3_STE_0_V | SMMUV3_CONFIG_S1 << 1 | CTXPTR;
	const __le64 guest[2] = { s1, 0xd4 }, guest2[2] = { s1 + 0x40, 0xd4 };
	const __le64 through[2] = { SMMUV3_STE_0_V | SMMUV3_CONFIG_BYPASS << 1, 0 };
	struct smmuv3_ste abort, bypass, s2, other, nested, nested2, pass;
	unsigned int syncs;

	smmuv3_make_abort_ste(&abort);
	smmuv3_make_bypass_ste(&bypass, false);
	s2_ste(&s2, &a, SMMUV3_EATS_ABORT);
	s2_ste(&other, &b, SMMUV3_EATS_ABORT);
	nested_ste(&nested, &a, guest, SMMUV3_EATS_ABORT);
	nested_ste(&nested2, &a, guest2, SMMUV3_EATS_ABORT);
	nested_ste(&pass, &a, through, SMMUV3_EATS_ABORT);

	CHECK(is_hitless(&abort, &bypass, &syncs));
	CHECK_EQ(syncs, 1);
	CHECK(is_hitless(&abort, &s2, &syncs));
	CHECK_EQ(syncs, 2);
	CHECK(is_hitless(&s2, &abort, &syncs));
	CHECK_EQ(syncs, 2);
	CHECK(is_hitless(&bypass, &s2, &syncs));
	CHECK_EQ(syncs, 2);
	/* A guest that switches its stage 1 on, replaces it, switches it off. */
	CHECK(is_hitless(&pass, &nested, &syncs));
	CHECK_EQ(syncs, 2);
	CHECK(is_hitless(&nested, &nested2, &syncs));
	CHECK_EQ(syncs, 1);
	CHECK(is_hitless(&nested, &pass, &syncs));
	CHECK_EQ(syncs, 2);
	/* Another VMID and other tables are in different words. */
	CHECK(!is_hitless(&s2, &other, &syncs));
	CHECK_EQ(syncs, 3);
	CHECK(is_hitless(&s2, &s2, &syncs));
	CHECK_EQ(syncs, 0);
}

/* The break records no event; with ATS on it does not tell the device to stop. */
TEST(break_kind)
{
	struct smmuv3_s2_cfg a = cfg_of(TABLE, 7), b = cfg_of(0x1000, 8);
	struct smmuv3_ste old, new, next;

	s2_ste(&old, &a, SMMUV3_EATS_ABORT);
	s2_ste(&new, &b, SMMUV3_EATS_ABORT);
	CHECK_EQ(smmuv3_ste_next(&old, &new, &next), SMMUV3_STE_BREAKS);
	CHECK_EQ(next.data[0], 0x1);
	s2_ste(&old, &a, SMMUV3_EATS_FULL);
	CHECK_EQ(smmuv3_ste_next(&old, &new, &next), SMMUV3_STE_BREAKS);
	CHECK_EQ(next.data[0], 0);
}

/* A device with several StreamIDs: one sync per step for all of them. */
TEST(several_streams)
{
	struct smmuv3_s2_cfg a = cfg_of(TABLE, 7);
	struct smmuv3_ste live[3], *ptr[3] = { &live[0], &live[1], &live[2] }, target;
	struct watch watch = { .live = live, .num = 3 };
	unsigned int i;

	a.attr_ovr = true;
	s2_ste(&target, &a, SMMUV3_EATS_ABORT);
	smmuv3_make_bypass_ste(&live[0], true);
	smmuv3_make_bypass_ste(&live[1], true);
	live[2] = target;
	for (i = 0; i < 3; i++)
		watch.before[i] = live[i];
	ats_off = false;
	old_act = model(live[0].data, false);
	new_act = model(target.data, false);
	CHECK(smmuv3_write_ste(ptr, 3, &target, watch_sync, &watch));
	CHECK_EQ(watch.syncs, 2);
	CHECK_EQ(watch.worst, SEEN_OLD_NEW);
	for (i = 0; i < 3; i++)
		CHECK(!memcmp(&live[i], &target, sizeof(target)));
}

TAP_MAIN
