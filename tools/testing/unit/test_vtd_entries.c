// SPDX-License-Identifier: GPL-2.0-only
/*
 * Table entries and invalidation descriptors of VT-d against values that were
 * put together by hand from the figures of the specification (chapters 6 and 9).
 */
#include <linux/types.h>
#include <vtd_nested/vtd_entry.h>

#include "tap.h"

/* A page address with both ends of the 63:12 field in use. */
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

/* 9.2: bit 0 present, 11:1 reserved, 63:12 table. */
TEST(root_entry)
{
	CHECK_EQ(vtd_make_root_half(PAGE), PAGE | 1);
	CHECK_EQ(vtd_make_root_half(DIRTY), PAGE | 1);
}

/*
 * 9.4: 0 P, 1 FPD, 2 DTE, 3 PASIDE, 4 PRE, 11:9 PDTS, 63:12 PASIDDIRPTR,
 * 83:64 RID_PASID, 84 RID_PRIV.
 */
TEST(context_entry)
{
	struct vtd_context_entry entry;

	entry = vtd_make_context_entry(PAGE, 0, false, false);
	CHECK_QW(entry, PAGE | 0x001);
	entry = vtd_make_context_entry(DIRTY, 7, false, false);
	CHECK_QW(entry, PAGE | 0xe01);
	entry = vtd_make_context_entry(PAGE, 5, true, false);
	CHECK_QW(entry, PAGE | 0xa09);
	entry = vtd_make_context_entry(PAGE, 0, false, true);
	CHECK_QW(entry, PAGE | 0x005);
	/* A directory of 2^15 entries would not fit the field: it stays in it. */
	entry = vtd_make_context_entry(PAGE, 8, false, false);
	CHECK_QW(entry, PAGE | 0x001);
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

/* 9.5: 0 P, 1 FPD, 63:12 SMPTBLPTR. */
TEST(pasid_dir_entry)
{
	CHECK_EQ(vtd_make_pasid_dir_entry(PAGE), PAGE | 1);
	CHECK_EQ(vtd_make_pasid_dir_entry(DIRTY), PAGE | 1);
}

/*
 * 9.6: 0 P, 1 FPD, 4:2 AW, 8:6 PGTT, 9 SSADE, 63:12 SSPTPTR, 79:64 DID,
 * 87 PWSNP, 88 PGSNP, 140:.. first stage.
 */
TEST(pasid_blocked)
{
	struct vtd_pasid_entry entry = vtd_make_pasid_blocked();

	CHECK_QW(entry, 0);
	CHECK(!vtd_pasid_entry_present(&entry));
}

TEST(pasid_pass_through)
{
	struct vtd_pasid_entry entry;

	/* PGTT 100b is 0x100, AW 010b (4 levels) 0x008. */
	entry = vtd_make_pasid_pass_through(0x1234, 2, false);
	CHECK_QW(entry, 0x109, 0x1234);
	entry = vtd_make_pasid_pass_through(0xffff, 3, true);
	CHECK_QW(entry, 0x10d, 0x0080ffff);
	CHECK(vtd_pasid_entry_present(&entry));
	CHECK_EQ(vtd_pasid_entry_pgtt(&entry), VTD_PGTT_PASS_THROUGH);
	CHECK_EQ(vtd_pasid_entry_did(&entry), 0xffff);
}

TEST(pasid_second_stage)
{
	struct vtd_pasid_entry entry;

	/* PGTT 010b is 0x080; AW 001b, 010b, 011b for 3, 4, 5 levels. */
	entry = vtd_make_pasid_second_stage(PAGE, 1, 1, false, false);
	CHECK_QW(entry, PAGE | 0x085, 0x1);
	entry = vtd_make_pasid_second_stage(PAGE, 2, 0xabcd, false, false);
	CHECK_QW(entry, PAGE | 0x089, 0xabcd);
	entry = vtd_make_pasid_second_stage(DIRTY, 3, 0, true, false);
	CHECK_QW(entry, PAGE | 0x08d, 0x00800000);
	entry = vtd_make_pasid_second_stage(PAGE, 2, 7, true, true);
	CHECK_QW(entry, PAGE | 0x089, 0x01800007);
	CHECK_EQ(vtd_pasid_entry_pgtt(&entry), VTD_PGTT_SECOND_STAGE);
	CHECK_EQ(vtd_pasid_entry_did(&entry), 7);
}

/*
 * 9.6, 191:128: 128 SRE, 131:130 FSPM, 132 WPE, 133 NXE (4.1), 135 EAFE, 191:140
 * FSPTPTR. One bit each, and all of them.
 */
TEST(first_stage)
{
	CHECK_EQ(vtd_make_first_stage(PAGE, false, false, false, false, false), PAGE);
	CHECK_EQ(vtd_make_first_stage(DIRTY, false, false, false, false, false), PAGE);
	CHECK_EQ(vtd_make_first_stage(PAGE, true, false, false, false, false), PAGE | 0x04);
	CHECK_EQ(vtd_make_first_stage(PAGE, false, true, false, false, false), PAGE | 0x01);
	CHECK_EQ(vtd_make_first_stage(PAGE, false, false, true, false, false), PAGE | 0x10);
	CHECK_EQ(vtd_make_first_stage(PAGE, false, false, false, true, false), PAGE | 0x20);
	CHECK_EQ(vtd_make_first_stage(PAGE, false, false, false, false, true), PAGE | 0x80);
	CHECK_EQ(vtd_make_first_stage(~0ULL, true, true, true, true, true),
		 0xfffffffffffff0b5ULL);
}

/* The same and 0 P, 4:2 AW, 8:6 PGTT, 63:12 SSPTPTR, 79:64 DID, 87, 88 as above. */
TEST(pasid_nested)
{
	const u64 first = 0x00001234567890b5ULL;
	struct vtd_pasid_entry entry;

	/* PGTT 011b is 0x0c0. */
	entry = vtd_make_pasid_nested(first, PAGE, 1, 1, false, false);
	CHECK_QW(entry, PAGE | 0x0c5, 0x1, first);
	entry = vtd_make_pasid_nested(0, DIRTY, 2, 0xabcd, false, false);
	CHECK_QW(entry, PAGE | 0x0c9, 0xabcd);
	entry = vtd_make_pasid_nested(first, PAGE, 3, 0xffff, true, false);
	CHECK_QW(entry, PAGE | 0x0cd, 0x0080ffff, first);
	entry = vtd_make_pasid_nested(first, PAGE, 2, 7, false, true);
	CHECK_QW(entry, PAGE | 0x0c9, 0x01000007, first);
	CHECK(vtd_pasid_entry_present(&entry));
	CHECK_EQ(vtd_pasid_entry_pgtt(&entry), VTD_PGTT_NESTED);
	CHECK_EQ(vtd_pasid_entry_did(&entry), 7);
}

/* 1 FPD, and nothing else. */
TEST(pasid_muted)
{
	struct vtd_pasid_entry entry;

	entry = vtd_pasid_entry_mute(vtd_make_pasid_nested(0, PAGE, 2, 7, true, true));
	CHECK_QW(entry, PAGE | 0x0cb, 0x01800007);
	entry = vtd_pasid_entry_mute(vtd_make_pasid_second_stage(PAGE, 2, 7, true, true));
	CHECK_QW(entry, PAGE | 0x08b, 0x01800007);
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
	desc = vtd_make_pasid_dev_tlb(0x1234, 0x1234, 0, 1, 0, 52);
	CHECK_QW(desc, 0x1230000112344008ULL, 0x7ffffffffffff800ULL);
	CHECK_EQ(vtd_desc_type(&desc), VTD_DESC_PASID_DEV_TLB);
}

/* 6.5.2.8: 3:0 type 5, 4 IF, 5 SW, 6 FN, 7 PD, 63:32 data, 127:66 address. */
TEST(wait)
{
	struct vtd_desc desc;

	desc = vtd_make_wait(PAGE | 0x13c, 0xdeadbeef);
	CHECK_QW(desc, 0xdeadbeef00000025ULL, PAGE | 0x13c);
	desc = vtd_make_wait(3, 0);
	CHECK_QW(desc, 0x25, 0);
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
