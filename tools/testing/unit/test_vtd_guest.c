// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a guest may ask of a VT-d unit: every field of its PASID table entries and its
 * invalidation descriptors, against what the specification (6.5.2, 9.5, 9.6) and the
 * uAPI say, and any bits at all against what must never come of them.
 */
#include <linux/types.h>
#include <vtd_nested/guest.h>

#include "tap.h"

#define GPA_BITS	48
#define TABLE		0x00001234567890ULL << 8	/* 0x123456789000 */

static const struct vtd_guest_caps all_caps = {
	.fs5lp = true, .srs = true, .eafs = true, .mamv = 18,
};

static const struct vtd_guest_caps no_caps = { };

static u64 random_state = 0x9e3779b97f4a7c15ULL;

static u64 random64(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

/* 11.4.2: 53:48 MAMV, 60 FS5LP; 11.4.3: 31 SRS, 34 EAFS. */
TEST(caps)
{
	struct vtd_guest_caps caps = vtd_guest_caps_of(0, 0);

	CHECK(!caps.fs5lp && !caps.srs && !caps.eafs);
	CHECK_EQ(caps.mamv, 0);
	caps = vtd_guest_caps_of(1ULL << 60 | 0x12ULL << 48, 1ULL << 31 | 1ULL << 34);
	CHECK(caps.fs5lp && caps.srs && caps.eafs);
	CHECK_EQ(caps.mamv, 18);
	caps = vtd_guest_caps_of(~(1ULL << 60), ~(1ULL << 31 | 1ULL << 34));
	CHECK(!caps.fs5lp && !caps.srs && !caps.eafs);
	CHECK_EQ(caps.mamv, 63);
}

TEST(first_stage_fits)
{
	CHECK(vtd_first_stage_fits(&no_caps, TABLE | 0x30));
	CHECK(!vtd_first_stage_fits(&no_caps, TABLE | 0x04));
	CHECK(!vtd_first_stage_fits(&no_caps, TABLE | 0x01));
	CHECK(!vtd_first_stage_fits(&no_caps, TABLE | 0x80));
	CHECK(vtd_first_stage_fits(&all_caps, TABLE | 0xb5));
}

/* 9.5: 0 P, 1 FPD, 11:2 reserved, 63:12 SMPTBLPTR. */
TEST(directory_entry)
{
	unsigned int bit;

	CHECK_EQ(vtd_guest_dir(GPA_BITS, 0), VTD_GUEST_DIR_ABSENT);
	CHECK_EQ(vtd_guest_dir(GPA_BITS, ~1ULL), VTD_GUEST_DIR_ABSENT);
	CHECK_EQ(vtd_guest_dir(GPA_BITS, TABLE | 1), VTD_GUEST_OK);
	CHECK_EQ(vtd_guest_dir(GPA_BITS, TABLE | 3), VTD_GUEST_OK);
	for (bit = 2; bit < 12; bit++)
		CHECK_EQ(vtd_guest_dir(GPA_BITS, TABLE | 1 | 1ULL << bit),
			 VTD_GUEST_DIR_RESERVED);
	for (bit = GPA_BITS; bit < 64; bit++)
		CHECK_EQ(vtd_guest_dir(GPA_BITS, TABLE | 1 | 1ULL << bit),
			 VTD_GUEST_DIR_RESERVED);
}

/* 9.6: a first-stage entry, PGTT 001b, AW and PWSNP as a driver has them. */
static struct vtd_pasid_entry first_stage(void)
{
	return (struct vtd_pasid_entry){ .qw = { 0x49, 0x00801234, TABLE } };
}

static enum vtd_guest_reason check(struct vtd_pasid_entry entry)
{
	struct vtd_guest_pasid out;

	return vtd_guest_pasid(&all_caps, GPA_BITS, &entry, &out);
}

TEST(pasid_first_stage)
{
	struct vtd_pasid_entry entry = first_stage();
	struct vtd_guest_pasid out;

	CHECK_EQ(vtd_guest_pasid(&no_caps, GPA_BITS, &entry, &out), VTD_GUEST_OK);
	CHECK(out.nested && !out.muted);
	CHECK_EQ(out.did, 0x1234);
	CHECK_EQ(out.first, TABLE);
	/* FPD; SRE, FSPM 01b, WPE, NXE, EAFE; SMEP is left out. */
	entry.qw[0] |= 2;
	entry.qw[2] |= 0xf5;
	CHECK_EQ(vtd_guest_pasid(&all_caps, GPA_BITS, &entry, &out), VTD_GUEST_OK);
	CHECK(out.muted);
	CHECK_EQ(out.first, TABLE | 0xb5);
	/* What the unit lacks. */
	entry = first_stage();
	entry.qw[2] |= 0x01;
	CHECK_EQ(vtd_guest_pasid(&no_caps, GPA_BITS, &entry, &out), VTD_GUEST_ENTRY_RESERVED);
	entry = first_stage();
	entry.qw[2] |= 0x80;
	CHECK_EQ(vtd_guest_pasid(&no_caps, GPA_BITS, &entry, &out), VTD_GUEST_ENTRY_RESERVED);
	entry = first_stage();
	entry.qw[2] |= 0x04;
	CHECK_EQ(vtd_guest_pasid(&no_caps, GPA_BITS, &entry, &out), VTD_GUEST_ENTRY_INVALID);
	entry.qw[2] |= 0x08;
	CHECK_EQ(vtd_guest_pasid(&all_caps, GPA_BITS, &entry, &out), VTD_GUEST_ENTRY_INVALID);
	/* Second stage of the guest's is ignored: SSPTPTR, SSADE, AW. */
	entry = first_stage();
	entry.qw[0] |= 0xfffffffffffff21cULL;
	CHECK_EQ(check(entry), VTD_GUEST_OK);
}

/* Bits of each quad word that an entry may have set without being reserved. */
TEST(pasid_reserved)
{
	static const u64 may[8] = {
		/* 63:12 SSPTPTR, 9 SSADE, 4:2 AW, 1 FPD; PGTT and P make it another one */
		~0xfffULL | 0x200 | 0x1c0 | 0x1c | 0x3,
		/* 24 PGSNP, 23 PWSNP, 15:0 DID */
		0x0180ffff,
		/* FSPTPTR within GPA_BITS, 7 EAFE, 6:0 but for 1 */
		(((1ULL << GPA_BITS) - 1) & ~0xfffULL) | 0xfd,
	};
	unsigned int i, bit;

	for (i = 0; i < 8; i++) {
		for (bit = 0; bit < 64; bit++) {
			struct vtd_pasid_entry entry = first_stage();

			if (may[i] & 1ULL << bit)
				continue;
			entry.qw[i] |= 1ULL << bit;
			CHECK_EQ(check(entry), VTD_GUEST_ENTRY_RESERVED);
		}
	}
}

TEST(pasid_types)
{
	struct vtd_pasid_entry entry = first_stage();
	struct vtd_guest_pasid out;
	unsigned int pgtt;

	for (pgtt = 0; pgtt < 8; pgtt++) {
		entry.qw[0] = pgtt << 6 | 0x9;
		CHECK_EQ(vtd_guest_pasid(&all_caps, GPA_BITS, &entry, &out),
			 pgtt == 1 || pgtt == 4 ? VTD_GUEST_OK : VTD_GUEST_ENTRY_INVALID);
		CHECK_EQ(out.nested, pgtt == 1);
		entry.qw[0] = pgtt << 6 | 0x8;
		CHECK_EQ(vtd_guest_pasid(&all_caps, GPA_BITS, &entry, &out),
			 VTD_GUEST_ENTRY_ABSENT);
	}
}

/* Whatever a guest has: a first stage that the unit takes, within the guest's memory. */
TEST(pasid_any)
{
	struct vtd_guest_pasid out;
	struct vtd_pasid_entry entry;
	unsigned int i, k;

	for (i = 0; i < 200000; i++) {
		for (k = 0; k < 8; k++)
			entry.qw[k] = k < 3 ? random64() & random64() : 0;
		entry.qw[0] = (entry.qw[0] & ~0xc20ULL) | 1;
		entry.qw[1] &= 0x0180ffff;
		entry.qw[2] &= ~0xf00ULL;
		if (i & 1)
			entry.qw[2] &= (1ULL << GPA_BITS) - 1;
		if (vtd_guest_pasid(i & 2 ? &all_caps : &no_caps, GPA_BITS, &entry, &out))
			continue;
		CHECK_EQ(out.did, (u16)entry.qw[1]);
		if (!out.nested)
			continue;
		CHECK(!(out.first >> GPA_BITS));
		CHECK(!(out.first & (i & 2 ? 0xf4aULL & ~0x4ULL : 0xf4aULL | 0x85)));
	}
}

static enum vtd_guest_iqei desc_check(bool wide, u64 qw0, u64 qw1, struct vtd_guest_desc *out)
{
	const struct vtd_desc desc = { .qw = { qw0, qw1 } };

	return vtd_guest_desc(&all_caps, wide, &desc, out);
}

/* Every type, and what it may have set: 6.5.2.1 to 6.5.2.9, 7.6.1. */
static const struct {
	u64 qw0;		/* something good */
	u64 may0, may1;		/* what else may be set */
	bool narrow;
} types[] = {
	{ 0x11, 0x0003ffffffff0030ULL, 0, true },
	{ 0x12, 0x00000000ffff00f0ULL, ~0xf80ULL, true },
	{ 0x03, 0xfff0ffff001ff000ULL, ~0xffeULL, true },
	{ 0x04, 0x0000fffff8000010ULL, 0, true },
	{ 0x25, 0xffffffff000000f0ULL, ~0x3ULL, true },
	{ 0x26, 0x000fffffffff0030ULL, ~0xf80ULL, false },
	{ 0x37, 0x000fffffffff0030ULL, 0, false },
	{ 0x08, 0xfffffffffffff1f0ULL, ~0x7feULL, false },
	{ 0x09, 0x000ffffffffff010ULL, 0xffc, false },
};

TEST(descriptor_reserved)
{
	unsigned int i, bit;
	struct vtd_guest_desc out;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		CHECK_EQ(desc_check(true, types[i].qw0, 0, &out), 0);
		CHECK_EQ(out.type, i + 1);
		CHECK_EQ(desc_check(false, types[i].qw0, 0, &out), types[i].narrow ? 0 : 3);
		for (bit = 4; bit < 64; bit++) {
			if (bit >= 9 && bit <= 11)	/* the type's */
				CHECK_EQ(desc_check(true, types[i].qw0 | 1ULL << bit, 0, &out), 3);
			else if (!(types[i].may0 & 1ULL << bit))
				CHECK_EQ(desc_check(true, types[i].qw0 | 1ULL << bit, 0, &out), 4);
		}
		for (bit = 0; bit < 64; bit++)
			CHECK_EQ(desc_check(true, types[i].qw0, 1ULL << bit, &out),
				 types[i].may1 & 1ULL << bit ? 0 : 4);
		for (bit = 0; bit < 128; bit++) {
			struct vtd_desc desc = { .qw = { types[i].qw0 } };

			desc.qw[2 + bit / 64] = 1ULL << bit % 64;
			CHECK_EQ(vtd_guest_desc(&all_caps, true, &desc, &out), 4);
		}
	}
	CHECK_EQ(desc_check(true, 0, 0, &out), 3);
	for (i = 0xa; i < 0x10; i++)
		CHECK_EQ(desc_check(true, i | 0x10, 0, &out), 3);
}

TEST(descriptor_fields)
{
	struct vtd_guest_desc out;

	/* 6.5.2.1: 5:4 G, 47:32 SID */
	CHECK_EQ(desc_check(true, 0x0000abcd00050031ULL, 0, &out), 0);
	CHECK_EQ(out.g, VTD_CONTEXT_DEVICE);
	CHECK_EQ(out.sid, 0xabcd);
	CHECK_EQ(desc_check(true, 0x01, 0, &out), 4);
	/* 6.5.2.2: 5:4 G, 31:16 DID, 51:32 PASID */
	CHECK_EQ(desc_check(true, 0x000fedcbabcd0017ULL, 0, &out), 0);
	CHECK_EQ(out.g, VTD_PASID_CACHE_PASID);
	CHECK_EQ(out.did, 0xabcd);
	CHECK_EQ(out.pasid, 0xfedcb);
	CHECK_EQ(desc_check(true, 0x07, 0, &out), 0);
	CHECK_EQ(out.g, VTD_PASID_CACHE_DOMAIN);
	CHECK_EQ(desc_check(true, 0x27, 0, &out), 4);
	/* 6.5.2.3: 5:4 G, 6 DW, 7 DR, 31:16 DID, 69:64 AM, 70 IH, 127:76 ADDR */
	CHECK_EQ(desc_check(false, 0x123400f2, 0xabcdef049ULL, &out), 0);
	CHECK_EQ(out.g, VTD_IOTLB_PAGES);
	CHECK_EQ(out.did, 0x1234);
	CHECK_EQ(out.am, 9);
	CHECK(out.ih);
	CHECK_EQ(out.addr, 0xabcc00000ULL);
	CHECK_EQ(desc_check(true, 0x02, 0, &out), 4);
	CHECK_EQ(desc_check(true, 0x32, 18, &out), 0);
	CHECK_EQ(desc_check(true, 0x32, 19, &out), 4);
	CHECK_EQ(desc_check(true, 0x22, 19, &out), 0);
	/* 6.5.2.4: the same and 51:32 PASID */
	CHECK_EQ(desc_check(true, 0x000fedcb12340036ULL, 0xffffffffffffe000ULL, &out), 0);
	CHECK_EQ(out.g, VTD_PASID_IOTLB_PAGES);
	CHECK_EQ(out.pasid, 0xfedcb);
	CHECK_EQ(out.addr, 0xffffffffffffe000ULL);
	CHECK_EQ(out.am, 0);
	CHECK(!out.ih);
	CHECK_EQ(desc_check(true, 0x06, 0, &out), 4);
	CHECK_EQ(desc_check(true, 0x16, 0, &out), 4);
	CHECK_EQ(desc_check(true, 0x36, 19, &out), 4);
	/* 6.5.2.5: 47:32 SID; 6.5.2.6: 31:16 SID */
	CHECK_EQ(desc_check(true, 0xfff0abcd0000f003ULL, 0, &out), 0);
	CHECK_EQ(out.sid, 0xabcd);
	CHECK_EQ(desc_check(true, 0xfff00001abcdf008ULL, 0, &out), 0);
	CHECK_EQ(out.sid, 0xabcd);
	CHECK_EQ(out.pasid, 1);
	CHECK_EQ(out.g, 0);
	/* 7.6.1: 4 PP, 15:12 RC, 31:16 RID, 51:32 PASID, 66 ignored, 75:67 PRGI */
	CHECK_EQ(desc_check(true, 0x000fedcbabcdf019ULL, 0xffc, &out), 0);
	CHECK_EQ(out.sid, 0xabcd);
	CHECK(out.pp);
	CHECK_EQ(out.pasid, 0xfedcb);
	CHECK_EQ(out.prgi, 0x1ff);
	CHECK_EQ(out.rc, VTD_RESPONSE_FAILURE);
	CHECK_EQ(desc_check(true, 0x0000000100021009ULL, 0x8, &out), 0);
	CHECK_EQ(out.sid, 2);
	CHECK(!out.pp);
	CHECK_EQ(out.prgi, 1);
	CHECK_EQ(out.rc, VTD_RESPONSE_INVALID);
}

/* PCIe 10.3.1: with S (64, and 75) the lowest clear bit from 12 on tells how many pages. */
TEST(descriptor_device_tlb_pages)
{
	struct vtd_guest_desc out;

	CHECK_EQ(desc_check(true, 0x0000123400000003ULL, 0x7000, &out), 0);
	CHECK_EQ(out.addr, 0x7000);
	CHECK_EQ(out.am, 0);
	CHECK_EQ(desc_check(true, 0x0000123400000003ULL, 0x6001, &out), 0);
	CHECK_EQ(out.addr, 0x6000);
	CHECK_EQ(out.am, 1);
	CHECK_EQ(desc_check(true, 0x0000123400000003ULL, 0x402ff001, &out), 0);
	CHECK_EQ(out.addr, 0x40200000);
	CHECK_EQ(out.am, 9);
	CHECK_EQ(desc_check(true, 0x0000123400000003ULL, 0x3ffffffffffff001ULL, &out), 0);
	CHECK_EQ(out.addr, 0);
	CHECK_EQ(out.am, 51);
	/* Everything, and what has no clear bit at all. */
	CHECK_EQ(desc_check(true, 0x0000123400000003ULL, 0x7ffffffffffff001ULL, &out), 0);
	CHECK_EQ(out.am, VTD_ATS_EVERYTHING);
	CHECK_EQ(desc_check(true, 0x0000123400000003ULL, 0xfffffffffffff001ULL, &out), 0);
	CHECK_EQ(out.am, VTD_ATS_EVERYTHING);
	CHECK_EQ(desc_check(true, 0x0000000512340008ULL, 0x402ff801, &out), 0);
	CHECK_EQ(out.addr, 0x40200000);
	CHECK_EQ(out.am, 9);
	CHECK_EQ(out.g, 1);
	CHECK_EQ(desc_check(true, 0x0000000512340008ULL, 0x402ff000, &out), 0);
	CHECK_EQ(out.addr, 0x402ff000);
	CHECK_EQ(out.am, 0);
	CHECK_EQ(out.g, 0);
}

/* Whatever a guest writes: what is accepted is within what the makers can take. */
TEST(descriptor_any)
{
	struct vtd_guest_desc out;
	unsigned int i;

	for (i = 0; i < 300000; i++) {
		u64 qw0 = random64() & random64() & random64(), qw1 = random64() & random64();

		qw0 = (qw0 & ~0xfULL & ~0xe00ULL) | i % 16;
		if (i & 16)
			qw1 &= ~0xf80ULL;
		if (i & 32)
			qw1 = 0;
		if (desc_check(i & 64, qw0, qw1, &out))
			continue;
		CHECK(out.type >= 1 && out.type <= 9);
		CHECK(!(out.pasid >> 20));
		CHECK(!(out.prgi >> 9) && !(out.rc >> 4));
		if (out.type == VTD_DESC_DEV_TLB || out.type == VTD_DESC_PASID_DEV_TLB)
			CHECK(out.am <= VTD_ATS_EVERYTHING);
		else
			CHECK(out.am <= all_caps.mamv);
		if (out.am == VTD_ATS_EVERYTHING)
			CHECK(!out.addr);
		else
			CHECK(!(out.addr & ((1ULL << (12 + out.am)) - 1)));
	}
}

TAP_MAIN
