// SPDX-License-Identifier: GPL-2.0-only
/*
 * Table entries and invalidation descriptors of VT-d against values that were
 * put together by hand from the figures of the specification (chapters 6 and 9).
 */
#include <linux/types.h>
#include <vtd_nested/vtd_entry.h>

#include "tap.h"

/* A page address with many bits of the 63:12 field in use. */
#define PAGE	0x0000fedcba987000ULL
/* What a caller might leave in the low bits must not leak into flags. */
#define DIRTY	(PAGE | 0xfff)

#define CHECK_QW(entry, ...) ({						\
	const u64 __want[] = { __VA_ARGS__ };				\
	unsigned int __i;						\
	for (__i = 0; __i < sizeof(entry) / 8; __i++)			\
		CHECK_EQ((entry).qw[__i], __i < sizeof(__want) / 8 ? __want[__i] : 0); \
})

TEST(entry_sizes)
{
	CHECK_EQ(sizeof(struct vtd_root_entry) * VTD_ROOT_ENTRIES, 4096);
	CHECK_EQ(sizeof(struct vtd_context_entry) * VTD_CONTEXT_ENTRIES, 4096);
	CHECK_EQ(sizeof(struct vtd_pasid_entry) * VTD_PASID_LEAF_ENTRIES, 4096);
	CHECK_EQ(sizeof(struct vtd_desc), 32);
}

/*
 * The golden tables: what each maker makes of its parameters' extremes, and of each
 * parameter by itself, quad word by quad word. The literals are put together from the
 * figure and the table below it of the section that is named (revision 5.10); what a
 * row leaves out is 0. A maker that has no row fails the build of these tests.
 */
#define GOLDEN(made, ...) ({						\
	const typeof(made) __made = (made);				\
	CHECK_QW(__made, __VA_ARGS__);					\
})

/* Of 52 bits, the widest that a host has (HAW): bits 51:12. */
#define PA_MAX	0x000ffffffffff000ULL
/* Of a guest's 57 bits: bits 56:12. */
#define GPA_MAX	0x01fffffffffff000ULL

/*
 * 9.2, figure 9-2: 0 LP, 11:1 reserved, 63:12 LCTP; 64 UP, 75:65 reserved, 127:76
 * UCTP. Each half is made by itself.
 */
TEST(root_entry)
{
	static const struct { u64 table, half; } golden[] = {
		{ 0,			0x0000000000000001ULL },	/* LP alone */
		{ 0x1000,		0x0000000000001001ULL },	/* 12, the lowest of LCTP */
		{ PA_MAX,		0x000ffffffffff001ULL },
		{ 0xfff,		0x0000000000000001ULL },	/* 11:1 stay 0 */
		{ PA_MAX | 0xffe,	0x000ffffffffff001ULL },
	};
	struct vtd_root_entry entry;
	unsigned int i;

	for (i = 0; i < sizeof(golden) / sizeof(*golden); i++) {
		CHECK_EQ(vtd_make_root_half(golden[i].table), golden[i].half);
		entry = (struct vtd_root_entry){ { [0] = vtd_make_root_half(golden[i].table) } };
		CHECK_EQ(((u64 *)&entry)[0], golden[i].half);
		CHECK_EQ(((u64 *)&entry)[1], 0);
		entry = (struct vtd_root_entry){ { [1] = vtd_make_root_half(golden[i].table) } };
		CHECK_EQ(((u64 *)&entry)[0], 0);
		CHECK_EQ(((u64 *)&entry)[1], golden[i].half);
	}
}

/*
 * 9.4, figure 9-4: 0 P, 1 FPD, 2 DTE, 3 PASIDE, 4 PRE, 5 HPTE, 6 EPTR, 8:7 reserved,
 * 11:9 PDTS, 63:12 PASIDDIRPTR; 83:64 RID_PASID, 84 RID_PRIV; 255:85 reserved.
 */
TEST(context_entry)
{
	/* (PASIDDIRPTR, PDTS, PASIDE, DTE, PRE) */
	GOLDEN(vtd_make_context_entry(0, 0, false, false, false),	0x001);	/* P */
	GOLDEN(vtd_make_context_entry(0x1000, 0, false, false, false),	0x1001);
	GOLDEN(vtd_make_context_entry(PA_MAX, 0, false, false, false),	0x000ffffffffff001ULL);
	GOLDEN(vtd_make_context_entry(0, 1, false, false, false),	0x201);	/* 9 */
	GOLDEN(vtd_make_context_entry(0, 4, false, false, false),	0x801);	/* 11 */
	GOLDEN(vtd_make_context_entry(0, 7, false, false, false),	0xe01);	/* 11:9 */
	GOLDEN(vtd_make_context_entry(0, 0, true, false, false),	0x009);	/* 3 */
	GOLDEN(vtd_make_context_entry(0, 0, false, true, false),	0x005);	/* 2 */
	GOLDEN(vtd_make_context_entry(0, 0, false, true, true),		0x015);	/* 4 */
	/* PRE without DTE is an illegal combination (table 30, SCT.4.1). */
	GOLDEN(vtd_make_context_entry(0, 0, false, false, true),	0x001);
	GOLDEN(vtd_make_context_entry(PA_MAX, 7, true, true, true),	0x000ffffffffffe1dULL);
	/* What does not fit stays in its field. */
	GOLDEN(vtd_make_context_entry(PA_MAX | 0xfff, 8, false, false, false),
	       0x000ffffffffff001ULL);
}

/* 9.4: what a context entry says of its directory. */
TEST(context_entry_read)
{
	struct vtd_context_entry entry = { .qw = { PAGE | 0xa09, 0xfffff } };

	CHECK_EQ(vtd_context_pdts(&entry), 5);
	CHECK(vtd_context_pasid_enabled(&entry));
	entry.qw[0] = ~(u64)0x8;
	CHECK_EQ(vtd_context_pdts(&entry), 7);
	CHECK(!vtd_context_pasid_enabled(&entry));
	entry.qw[0] = PAGE | 0x1ff;
	CHECK_EQ(vtd_context_pdts(&entry), 0);
	CHECK(vtd_context_pasid_enabled(&entry));
}

/*
 * 9.4, PDTS: 000b is a directory of 2^7 entries, 111b one of 2^14. An entry is 64
 * PASIDs (9.5: PASID bits 19:6 index the directory). The smallest that does.
 */
TEST(pasid_directory_size)
{
	unsigned int bits;

	CHECK_EQ(vtd_pdts(0), 0);
	CHECK_EQ(vtd_pdts(1), 0);
	CHECK_EQ(vtd_pdts(13), 0);
	CHECK_EQ(vtd_pdts(14), 1);
	CHECK_EQ(vtd_pdts(16), 3);
	CHECK_EQ(vtd_pdts(20), 7);
	CHECK_EQ(vtd_pasid_dir_entries(0), 128);
	CHECK_EQ(vtd_pasid_dir_entries(7), 16384);
	for (bits = 1; bits <= VTD_PASID_BITS; bits++) {
		CHECK(vtd_pasid_dir_entries(vtd_pdts(bits)) * 64 >= 1U << bits);
		CHECK(!vtd_pdts(bits) ||
		      vtd_pasid_dir_entries(vtd_pdts(bits) - 1) * 64 < 1U << bits);
	}
}

/* 9.5, figure 9-5: 0 P, 1 FPD, 11:2 reserved, 63:12 SMPTBLPTR. */
TEST(pasid_dir_entry)
{
	static const struct { u64 leaf, entry; } golden[] = {
		{ 0,			0x0000000000000001ULL },	/* P */
		{ 0x1000,		0x0000000000001001ULL },	/* 12 */
		{ PA_MAX,		0x000ffffffffff001ULL },
		{ PA_MAX | 0xfff,	0x000ffffffffff001ULL },	/* 1 FPD, 11:2 stay 0 */
	};
	unsigned int i;

	for (i = 0; i < sizeof(golden) / sizeof(*golden); i++)
		CHECK_EQ(vtd_make_pasid_dir_entry(golden[i].leaf), golden[i].entry);
}

/*
 * 9.6, figure 9-6, the first and the second quad word: 0 P, 1 FPD, 4:2 AW, 5 reserved,
 * 8:6 PGTT, 9 SSADE, 11:10 reserved, 63:12 SSPTPTR; 79:64 DID, 86:80 reserved, 87
 * PWSNP, 88 PGSNP, 89 CD, 90 EMTE, 95:91 reserved, 127:96 PAT. So in the second quad
 * word PWSNP is 0x00800000 and PGSNP 0x01000000. The fourth and all that follow are of
 * host permission tables, or reserved.
 *
 * AW: 001b 3 levels (0x004), 010b 4 (0x008), 011b 5 (0x00c). PGTT: 001b first stage,
 * 010b second stage (0x080), 011b nested (0x0c0), 100b pass-through (0x100).
 */
TEST(pasid_blocked)
{
	struct vtd_pasid_entry entry = vtd_make_pasid_blocked();

	GOLDEN(vtd_make_pasid_blocked(), 0);
	CHECK(!vtd_pasid_entry_present(&entry));
}

TEST(pasid_pass_through)
{
	struct vtd_pasid_entry entry;

	/* (DID, AW, PWSNP) */
	GOLDEN(vtd_make_pasid_pass_through(0, 1, false),	0x105, 0);
	GOLDEN(vtd_make_pasid_pass_through(0, 2, false),	0x109, 0);
	GOLDEN(vtd_make_pasid_pass_through(0, 3, false),	0x10d, 0);
	GOLDEN(vtd_make_pasid_pass_through(1, 2, false),	0x109, 0x0001);
	GOLDEN(vtd_make_pasid_pass_through(0xffff, 2, false),	0x109, 0xffff);
	GOLDEN(vtd_make_pasid_pass_through(0, 2, true),		0x109, 0x00800000);
	GOLDEN(vtd_make_pasid_pass_through(0xffff, 3, true),	0x10d, 0x0080ffff);
	/* What does not fit stays in its field: AW is 3 bits. */
	GOLDEN(vtd_make_pasid_pass_through(0, 8, false),	0x101, 0);

	entry = vtd_make_pasid_pass_through(0xffff, 3, true);
	CHECK(vtd_pasid_entry_present(&entry));
	CHECK_EQ(vtd_pasid_entry_pgtt(&entry), VTD_PGTT_PASS_THROUGH);
	CHECK_EQ(vtd_pasid_entry_did(&entry), 0xffff);
}

TEST(pasid_second_stage)
{
	struct vtd_pasid_entry entry;

	/* (SSPTPTR, AW, DID, PWSNP, PGSNP) */
	GOLDEN(vtd_make_pasid_second_stage(0, 1, 0, false, false),	0x085, 0);
	GOLDEN(vtd_make_pasid_second_stage(0, 2, 0, false, false),	0x089, 0);
	GOLDEN(vtd_make_pasid_second_stage(0, 3, 0, false, false),	0x08d, 0);
	GOLDEN(vtd_make_pasid_second_stage(0x1000, 2, 0, false, false),	0x1089, 0);
	GOLDEN(vtd_make_pasid_second_stage(PA_MAX, 2, 0, false, false),
	       0x000ffffffffff089ULL, 0);
	GOLDEN(vtd_make_pasid_second_stage(0, 2, 1, false, false),	0x089, 0x0001);
	GOLDEN(vtd_make_pasid_second_stage(0, 2, 0xffff, false, false),	0x089, 0xffff);
	GOLDEN(vtd_make_pasid_second_stage(0, 2, 0, true, false),	0x089, 0x00800000);
	GOLDEN(vtd_make_pasid_second_stage(0, 2, 0, false, true),	0x089, 0x01000000);
	GOLDEN(vtd_make_pasid_second_stage(PA_MAX, 3, 0xffff, true, true),
	       0x000ffffffffff08dULL, 0x0180ffff);
	/* What does not fit stays in its field. */
	GOLDEN(vtd_make_pasid_second_stage(PA_MAX | 0xfff, 8, 0, false, false),
	       0x000ffffffffff081ULL, 0);

	entry = vtd_make_pasid_second_stage(PAGE, 2, 7, true, true);
	CHECK(vtd_pasid_entry_present(&entry));
	CHECK_EQ(vtd_pasid_entry_pgtt(&entry), VTD_PGTT_SECOND_STAGE);
	CHECK_EQ(vtd_pasid_entry_did(&entry), 7);
}

/*
 * 9.6, figure 9-6, the third quad word (191:128): 128 SRE, 129 reserved, 131:130 FSPM
 * (01b: 5 levels), 132 WPE, 134:133 ignored (133 was NXE in revision 4.1), 135 EAFE,
 * 139:136 reserved, 191:140 FSPTPTR.
 */
TEST(first_stage)
{
	/* FSPTPTR, and what goes with it: 5 levels, SRE, WPE, NXE, EAFE */
	static const struct { u64 pgd; bool five, sre, wpe, nxe, eafe; u64 qw; } golden[] = {
		{ 0,		0, 0, 0, 0, 0, 0x0000000000000000ULL },
		{ 0x1000,	0, 0, 0, 0, 0, 0x0000000000001000ULL },	/* 140 */
		{ GPA_MAX,	0, 0, 0, 0, 0, 0x01fffffffffff000ULL },
		{ 0,		1, 0, 0, 0, 0, 0x0000000000000004ULL },	/* 130 */
		{ 0,		0, 1, 0, 0, 0, 0x0000000000000001ULL },	/* 128 */
		{ 0,		0, 0, 1, 0, 0, 0x0000000000000010ULL },	/* 132 */
		{ 0,		0, 0, 0, 1, 0, 0x0000000000000020ULL },	/* 133 */
		{ 0,		0, 0, 0, 0, 1, 0x0000000000000080ULL },	/* 135 */
		{ GPA_MAX,	1, 1, 1, 1, 1, 0x01fffffffffff0b5ULL },
		{ ~0ULL,	0, 0, 0, 0, 0, 0xfffffffffffff000ULL },	/* flags stay 0 */
	};
	unsigned int i;

	for (i = 0; i < sizeof(golden) / sizeof(*golden); i++)
		CHECK_EQ(vtd_make_first_stage(golden[i].pgd, golden[i].five, golden[i].sre,
					      golden[i].wpe, golden[i].nxe, golden[i].eafe),
			 golden[i].qw);
}

TEST(pasid_nested)
{
	const u64 first = 0x01fffffffffff0b5ULL;
	struct vtd_pasid_entry entry;

	/* (191:128, SSPTPTR, AW, DID, PWSNP, PGSNP) */
	GOLDEN(vtd_make_pasid_nested(0, 0, 1, 0, false, false),		0x0c5, 0, 0);
	GOLDEN(vtd_make_pasid_nested(0, 0, 2, 0, false, false),		0x0c9, 0, 0);
	GOLDEN(vtd_make_pasid_nested(0, 0, 3, 0, false, false),		0x0cd, 0, 0);
	GOLDEN(vtd_make_pasid_nested(0x1000, 0, 2, 0, false, false),	0x0c9, 0, 0x1000);
	GOLDEN(vtd_make_pasid_nested(first, 0, 2, 0, false, false),	0x0c9, 0, first);
	GOLDEN(vtd_make_pasid_nested(0, 0x1000, 2, 0, false, false),	0x10c9, 0, 0);
	GOLDEN(vtd_make_pasid_nested(0, PA_MAX, 2, 0, false, false),
	       0x000ffffffffff0c9ULL, 0, 0);
	GOLDEN(vtd_make_pasid_nested(0, 0, 2, 1, false, false),		0x0c9, 0x0001, 0);
	GOLDEN(vtd_make_pasid_nested(0, 0, 2, 0xffff, false, false),	0x0c9, 0xffff, 0);
	GOLDEN(vtd_make_pasid_nested(0, 0, 2, 0, true, false),		0x0c9, 0x00800000, 0);
	GOLDEN(vtd_make_pasid_nested(0, 0, 2, 0, false, true),		0x0c9, 0x01000000, 0);
	GOLDEN(vtd_make_pasid_nested(first, PA_MAX, 3, 0xffff, true, true),
	       0x000ffffffffff0cdULL, 0x0180ffff, 0x01fffffffffff0b5ULL);
	/* What does not fit stays in its field. */
	GOLDEN(vtd_make_pasid_nested(0, PA_MAX | 0xfff, 8, 0, false, false),
	       0x000ffffffffff0c1ULL, 0, 0);

	entry = vtd_make_pasid_nested(first, PAGE, 2, 7, false, true);
	CHECK(vtd_pasid_entry_present(&entry));
	CHECK_EQ(vtd_pasid_entry_pgtt(&entry), VTD_PGTT_NESTED);
	CHECK_EQ(vtd_pasid_entry_did(&entry), 7);
}

/* 1 FPD, and nothing else. */
TEST(pasid_muted)
{
	GOLDEN(vtd_pasid_entry_mute(vtd_make_pasid_nested(0, PA_MAX, 2, 7, true, true)),
	       0x000ffffffffff0cbULL, 0x01800007, 0);
	GOLDEN(vtd_pasid_entry_mute(vtd_make_pasid_second_stage(PA_MAX, 2, 7, true, true)),
	       0x000ffffffffff08bULL, 0x01800007);
	GOLDEN(vtd_pasid_entry_mute(vtd_make_pasid_blocked()), 0x002);
}

/* 6.5.2.1: 3:0 type 1, 5:4 G, 31:16 DID, 47:32 SID, 49:48 FM. */
TEST(context_cache)
{
	struct vtd_desc desc;

	desc = vtd_make_context_global();
	CHECK_QW(desc, 0x11);
	desc = vtd_make_context_device(0xbeef);
	CHECK_QW(desc, 0x0000beef00000031ULL);
	CHECK_EQ(vtd_desc_type(&desc), VTD_DESC_CONTEXT);
}

/* 6.5.2.2: 3:0 type 7, 5:4 G, 31:16 DID, 51:32 PASID. */
TEST(pasid_cache)
{
	struct vtd_desc desc;

	desc = vtd_make_pasid_cache_global();
	CHECK_QW(desc, 0x37);
	desc = vtd_make_pasid_cache_domain(0x8001);
	CHECK_QW(desc, 0x80010007);
	desc = vtd_make_pasid_cache_pasid(0x0042, 0xfffff);
	CHECK_QW(desc, 0x000fffff00420017ULL);
	/* A PASID has 20 bits; more must not reach the reserved ones. */
	desc = vtd_make_pasid_cache_pasid(0x0042, ~0U);
	CHECK_QW(desc, 0x000fffff00420017ULL);
	CHECK_EQ(vtd_desc_type(&desc), VTD_DESC_PASID_CACHE);
}

/*
 * 6.5.2.3: 3:0 type 2, 5:4 G, 6 DW, 7 DR, 31:16 DID, 69:64 AM, 70 IH,
 * 127:76 ADDR.
 */
TEST(iotlb)
{
	struct vtd_desc desc;

	desc = vtd_make_iotlb_global(false, false);
	CHECK_QW(desc, 0x12);
	desc = vtd_make_iotlb_global(true, false);
	CHECK_QW(desc, 0x92);
	desc = vtd_make_iotlb_global(false, true);
	CHECK_QW(desc, 0x52);
	desc = vtd_make_iotlb_domain(1, true, false);
	CHECK_QW(desc, 0x000100a2);
	desc = vtd_make_iotlb_domain(0xffff, false, true);
	CHECK_QW(desc, 0xffff0062);
	desc = vtd_make_iotlb_pages(3, PAGE, 0, false, true, true);
	CHECK_QW(desc, 0x000300f2, PAGE);
	desc = vtd_make_iotlb_pages(3, DIRTY, 18, true, false, false);
	CHECK_QW(desc, 0x00030032, PAGE | 0x52);
	CHECK_EQ(vtd_desc_type(&desc), VTD_DESC_IOTLB);
}

/* 6.5.2.4: 3:0 type 6, 5:4 G, 31:16 DID, 51:32 PASID, 127:64 as above. */
TEST(pasid_iotlb)
{
	struct vtd_desc desc;

	desc = vtd_make_pasid_iotlb_all(9, 0x12345);
	CHECK_QW(desc, 0x0001234500090026ULL);
	desc = vtd_make_pasid_iotlb_pages(9, 1, DIRTY, 9, true);
	CHECK_QW(desc, 0x0000000100090036ULL, PAGE | 0x49);
	CHECK_EQ(vtd_desc_type(&desc), VTD_DESC_PASID_IOTLB);
}

/*
 * 6.5.2.5: 3:0 type 3, 15:12 PFSID[3:0], 20:16 MIP, 47:32 SID, 63:52 PFSID[15:4],
 * 64 S, 127:76 ADDR.
 */
TEST(device_tlb)
{
	struct vtd_desc desc;

	desc = vtd_make_dev_tlb(0x1234, 0xabcd, 0x1f, PAGE, 0);
	CHECK_QW(desc, 0xabc01234001fd003ULL, PAGE);
	/* Two pages: S, and bit 12 clear. */
	desc = vtd_make_dev_tlb(0, 0, 0, 0x5000, 1);
	CHECK_QW(desc, 3, 0x4001);
	/* 2 MiB: S, bit 20 clear, 19:12 set. */
	desc = vtd_make_dev_tlb(0, 0, 0, 0x40200000, 9);
	CHECK_QW(desc, 3, 0x402ff001);
	/* Everything (6.5.2.5): S, and 7FFFFFFF_FFFFFh in 63:12. */
	desc = vtd_make_dev_tlb(0, 0, 0, 0, 52);
	CHECK_QW(desc, 3, 0x7ffffffffffff001ULL);
	CHECK_EQ(vtd_desc_type(&desc), VTD_DESC_DEV_TLB);
}

/*
 * 6.5.2.6: 3:0 type 8, 8:4 MIP, 15:12 PFSID[3:0], 31:16 SID, 51:32 PASID,
 * 63:52 PFSID[15:4], 64 G, 75 S, 127:76 ADDR.
 */
TEST(pasid_device_tlb)
{
	struct vtd_desc desc;

	desc = vtd_make_pasid_dev_tlb(0x1234, 0xabcd, 0x1f, 0x98765, PAGE, 0);
	CHECK_QW(desc, 0xabc987651234d1f8ULL, PAGE);
	desc = vtd_make_pasid_dev_tlb_global(0x1234, 0xabcd, 0x1f, PAGE, 0);
	CHECK_QW(desc, 0xabc000001234d1f8ULL, PAGE | 1);
	desc = vtd_make_pasid_dev_tlb(0x1234, 0x1234, 0, 1, 0, 52);
	CHECK_QW(desc, 0x1230000112344008ULL, 0x7ffffffffffff800ULL);
	CHECK_EQ(vtd_desc_type(&desc), VTD_DESC_PASID_DEV_TLB);
	/* Of whatever PASID: GI. */
	desc = vtd_make_pasid_dev_tlb_global(0x1234, 0xabcd, 4, 0x40200000, 9);
	CHECK_QW(desc, 0xabc000001234d048ULL, 0x402ff801);
}

/* Whom it is for: 47:32 of the one, 31:16 of the other. */
TEST(device_of_a_device_tlb)
{
	struct vtd_desc desc;

	desc = vtd_make_dev_tlb(0x1234, 0xabcd, 0x1f, PAGE, 0);
	CHECK(vtd_desc_is_dev_tlb(&desc));
	CHECK_EQ(vtd_desc_dev_tlb_sid(&desc), 0x1234);
	desc = vtd_make_pasid_dev_tlb(0x1234, 0xabcd, 0x1f, 0x98765, PAGE, 0);
	CHECK(vtd_desc_is_dev_tlb(&desc));
	CHECK_EQ(vtd_desc_dev_tlb_sid(&desc), 0x1234);
	desc = vtd_make_pasid_iotlb_all(1, 2);
	CHECK(!vtd_desc_is_dev_tlb(&desc));
	desc = vtd_make_wait(PAGE, 1);
	CHECK(!vtd_desc_is_dev_tlb(&desc));
}

/* 6.5.2.9: 3:0 type 5, 4 IF, 5 SW, 6 FN, 7 PD, 63:32 data, 127:66 address. */
TEST(wait)
{
	struct vtd_desc desc;

	desc = vtd_make_wait(PAGE | 0x13c, 0xdeadbeef);
	CHECK_QW(desc, 0xdeadbeef00000025ULL, PAGE | 0x13c);
	desc = vtd_make_wait(3, 0);
	CHECK_QW(desc, 0x25, 0);
	/* FN is 0x40. */
	desc = vtd_make_fence(PAGE | 0x13c, 0xdeadbeef);
	CHECK_QW(desc, 0xdeadbeef00000065ULL, PAGE | 0x13c);
	/* PD is 0x80. */
	desc = vtd_make_drain(PAGE | 0x13c, 0xdeadbeef);
	CHECK_QW(desc, 0xdeadbeef000000a5ULL, PAGE | 0x13c);
}

/*
 * 7.6.1, figure 7-2: 3:0 type 9, 4 PP, 15:12 RC, 31:16 RID, 51:32 PASID; 65:64 reserved,
 * 66 ignored, 75:67 PRGI.
 */
TEST(page_response)
{
	struct vtd_desc desc;

	/* (RID, PP, PASID, PRGI, RC) */
	GOLDEN(vtd_make_page_response(0, false, 0, 0, VTD_RESPONSE_SUCCESS),	0x0009, 0);
	GOLDEN(vtd_make_page_response(0, false, 0, 0, VTD_RESPONSE_INVALID),	0x1009, 0);
	GOLDEN(vtd_make_page_response(0, false, 0, 0, VTD_RESPONSE_FAILURE),	0xf009, 0);
	GOLDEN(vtd_make_page_response(1, false, 0, 0, VTD_RESPONSE_SUCCESS),	0x10009, 0);
	GOLDEN(vtd_make_page_response(0xffff, false, 0, 0, VTD_RESPONSE_SUCCESS), 0xffff0009, 0);
	GOLDEN(vtd_make_page_response(0, true, 0, 0, VTD_RESPONSE_SUCCESS),	0x0019, 0);
	GOLDEN(vtd_make_page_response(0, true, 0xfffff, 0, VTD_RESPONSE_SUCCESS),
	       0x000fffff00000019ULL, 0);
	GOLDEN(vtd_make_page_response(0, false, 0, 1, VTD_RESPONSE_SUCCESS),	0x0009, 0x8);
	GOLDEN(vtd_make_page_response(0, false, 0, 0x1ff, VTD_RESPONSE_SUCCESS), 0x0009, 0xff8);
	GOLDEN(vtd_make_page_response(0x1234, true, 0x56789, 0x155, VTD_RESPONSE_INVALID),
	       0x0005678912341019ULL, 0xaa8);
	/* What does not fit stays in its field; a PASID that is not there is 0. */
	GOLDEN(vtd_make_page_response(0, true, ~0U, 0xfe00, VTD_RESPONSE_SUCCESS),
	       0x000fffff00000019ULL, 0);
	GOLDEN(vtd_make_page_response(0, false, ~0U, 0, VTD_RESPONSE_SUCCESS),	0x0009, 0);

	desc = vtd_make_page_response(0x1234, true, 1, 2, VTD_RESPONSE_SUCCESS);
	CHECK_EQ(vtd_desc_type(&desc), VTD_DESC_PAGE_RESPONSE);
	CHECK(vtd_desc_is_page_response(&desc));
	CHECK(!vtd_desc_is_dev_tlb(&desc));
	desc = vtd_make_pasid_dev_tlb(0x1234, 0xabcd, 0x1f, 0x98765, PAGE, 0);
	CHECK(!vtd_desc_is_page_response(&desc));
}

/*
 * 7.4.1.1, figure 7-1: 7:0 type 1, 8 PP, 31:16 RID, 51:32 PASID, 52 EXR, 53 PMR; 64 RDR,
 * 65 WRR, 66 LPIG, 75:67 PRGI, 127:76 address.
 */
TEST(page_request)
{
	struct vtd_page_req_dsc dsc = { { 0x0035678912340101ULL, PAGE | 0xaad } };
	struct vtd_page_req req = vtd_page_req_of(&dsc);

	CHECK_EQ(sizeof(dsc), 32);
	CHECK_EQ(req.type, VTD_PAGE_REQ_DSC);
	CHECK_EQ(req.rid, 0x1234);
	CHECK(req.pp);
	CHECK_EQ(req.pasid, 0x56789);
	CHECK(req.exr);
	CHECK(req.pmr);
	CHECK_EQ(req.addr, PAGE);
	CHECK_EQ(req.prgi, 0x155);
	CHECK(req.lpig);
	CHECK(!req.wrr);
	CHECK(req.rdr);

	/* Each bit by itself. */
	dsc = (struct vtd_page_req_dsc){ { 1, 2 } };
	req = vtd_page_req_of(&dsc);
	CHECK(!req.pp && !req.exr && !req.pmr && !req.lpig && req.wrr && !req.rdr);
	CHECK(!req.rid && !req.pasid && !req.addr && !req.prgi);
	dsc = (struct vtd_page_req_dsc){ { 1, 4 } };
	req = vtd_page_req_of(&dsc);
	CHECK(req.lpig && !req.wrr && !req.rdr && !req.prgi);
	dsc = (struct vtd_page_req_dsc){ { 1, 0xff8 } };
	req = vtd_page_req_of(&dsc);
	CHECK(!req.lpig && !req.wrr && !req.rdr && !req.addr);
	CHECK_EQ(req.prgi, 0x1ff);
	dsc = (struct vtd_page_req_dsc){ { 0xff, ~0xfffULL } };
	req = vtd_page_req_of(&dsc);
	CHECK_EQ(req.type, 0xff);
	CHECK_EQ(req.addr, ~0xfffULL);
	CHECK(!req.prgi && !req.rid);
}

/* What other fields make undefined is not there. */
TEST(page_request_undefined)
{
	struct vtd_page_req_dsc dsc = { { ~0x100ULL, ~0ULL } };
	struct vtd_page_req req = vtd_page_req_of(&dsc);

	/* Without a PASID none of PASID, EXR, PMR. */
	CHECK(!req.pp && !req.pasid && !req.exr && !req.pmr);
	CHECK(req.rdr && req.wrr && req.lpig);
	/* EXR says something only of reads. */
	dsc.qw[0] = 0x0010000000000101ULL;
	dsc.qw[1] = ~1ULL;
	req = vtd_page_req_of(&dsc);
	CHECK(req.pp && req.wrr && !req.rdr && !req.exr && !req.pmr);
	dsc.qw[1] = ~0ULL;
	CHECK(vtd_page_req_of(&dsc).exr);
	dsc.qw[0] = 0x0020000000000101ULL;
	CHECK(vtd_page_req_of(&dsc).pmr);
	CHECK(!vtd_page_req_of(&dsc).exr);
}

/* 7.4.1.1: neither R nor W: what is left of it is undefined. */
TEST(asks_nothing)
{
	static const struct { u64 qw0, qw1; bool is; } rows[] = {
		{ 0x101, 4, true },
		{ 0x000fffff00000101ULL, 0xffc, true },
		{ 0x101, 5, false },
		{ 0x101, 6, false },
		{ 0x101, 0, true },
		{ 0x001, 4, true },
		{ 0x001, 7, false },
	};
	struct vtd_page_req req;
	unsigned int i;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		req = vtd_page_req_of(&(struct vtd_page_req_dsc){ { rows[i].qw0, rows[i].qw1 } });
		CHECK_EQ(vtd_page_req_asks_nothing(&req), rows[i].is);
	}
}

/* 11.4.11.1 to 11.4.11.3: bits 18:5 of PQH and PQT; 2^(PQS + 7) descriptors. */
TEST(page_request_queue)
{
	unsigned int pqs;
	u32 last;

	CHECK_EQ(vtd_prq_entries(0), 128);
	CHECK_EQ(vtd_prq_entries(7), 16384);
	CHECK_EQ(vtd_prq_offset(1), 0x20);
	CHECK_EQ(vtd_prq_offset(16383), 0x7ffe0);
	CHECK_EQ(vtd_prq_index(0x20, 0), 1);
	CHECK_EQ(vtd_prq_index(~0ULL, 7), 16383);
	CHECK_EQ(vtd_prq_index(0x1f, 7), 0);
	for (pqs = 0; pqs <= 7; pqs++) {
		last = vtd_prq_entries(pqs) - 1;
		/* It is as large as the hardware is told that the memory is. */
		CHECK_EQ((last + 1) * sizeof(struct vtd_page_req_dsc), 4096ULL << pqs);
		CHECK_EQ(vtd_prq_index(vtd_prq_offset(last), pqs), last);
		CHECK_EQ(vtd_prq_index(vtd_prq_offset(last) + 0x20, pqs), 0);
		CHECK_EQ(vtd_prq_pending(0, 0, pqs), 0);
		CHECK_EQ(vtd_prq_pending(last, last, pqs), 0);
		CHECK_EQ(vtd_prq_pending(0, last, pqs), last);
		CHECK_EQ(vtd_prq_pending(last, 0, pqs), 1);
		CHECK_EQ(vtd_prq_pending(1, 0, pqs), last);
	}
}

/* 6.5.2.3: where 2^AM aligned pages start; 2^52 are all there are. */
TEST(address_start)
{
	CHECK_EQ(vtd_address_start(0x12345678, 0), 0x12345000);
	CHECK_EQ(vtd_address_start(0x12345678, 9), 0x12200000);
	CHECK_EQ(vtd_address_start(~0ULL, 51), 1ULL << 63);
	CHECK_EQ(vtd_address_start(~0ULL, 52), 0);
	CHECK_EQ(vtd_address_start(~0ULL, 63), 0);
}

/* 6.5.2.3: 2^AM pages, aligned to as much, hold the range, and no fewer do. */
TEST(address_mask)
{
	static const u64 starts[] = { 0, 0x1000, 0x7000, 0x1ff000, 0x200000,
				      0x3ffff000, 0xfffffffff000ULL };
	static const u64 pages[] = { 1, 2, 3, 8, 511, 512, 513, 0x40000 };
	unsigned int i, k, am;

	CHECK_EQ(vtd_address_mask(0, 0xfff), 0);
	CHECK_EQ(vtd_address_mask(0x1000, 0x2fff), 2);	/* crosses 0x2000 */
	CHECK_EQ(vtd_address_mask(0, 0x1fffff), 9);
	CHECK_EQ(vtd_address_mask(0, ~0ULL), 52);
	for (i = 0; i < sizeof(starts) / sizeof(*starts); i++) {
		for (k = 0; k < sizeof(pages) / sizeof(*pages); k++) {
			u64 last = starts[i] + (pages[k] << 12) - 1;

			am = vtd_address_mask(starts[i], last);
			CHECK_EQ(starts[i] >> (12 + am), last >> (12 + am));
			CHECK(!am || starts[i] >> (11 + am) != last >> (11 + am));
		}
	}
}

TAP_MAIN
