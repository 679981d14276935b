// SPDX-License-Identifier: GPL-2.0-only
/*
 * Commands, event records and page requests of SMMUv3 against values that were
 * put together by hand from the figures of the specification (chapters 4, 7, 8).
 */
#include <linux/kernel.h>
#include <linux/types.h>
#include <smmuv3_nested/smmuv3_cmd.h>
#include <smmuv3_nested/smmuv3_event.h>

#include "tap.h"

#define VA	0xfedcba9876543000ULL
/* What a caller might leave in the low bits must not leak into fields. */
#define DIRTY	(VA | 0xfff)

#define CHECK_CMD(cmd, want0, want1) ({					\
	const struct smmuv3_cmd __cmd = (cmd);				\
	CHECK_EQ(__cmd.data[0], want0);					\
	CHECK_EQ(__cmd.data[1], want1);					\
})

TEST(size)
{
	CHECK_EQ(sizeof(struct smmuv3_cmd), 16);
}

/* 7:0 opcode, 31:12 SSID, 63:32 StreamID, 64 Leaf, 68:64 Range. */
TEST(cfgi)
{
	struct smmuv3_cmd cmd;

	CHECK_CMD(smmuv3_make_cfgi_ste(0xdeadbeef, true), 0xdeadbeef00000003ULL, 1);
	CHECK_CMD(smmuv3_make_cfgi_ste(0x12, false), 0x0000001200000003ULL, 0);
	CHECK_CMD(smmuv3_make_cfgi_ste_range(0x100, 8), 0x0000010000000004ULL, 7);
	CHECK_CMD(smmuv3_make_cfgi_ste_range(0x100, 1), 0x0000010000000004ULL, 0);
	CHECK_CMD(smmuv3_make_cfgi_all(), 0x4, 31);
	CHECK_CMD(smmuv3_make_cfgi_cd(0xdeadbeef, 0xfffff, true), 0xdeadbeeffffff005ULL, 1);
	CHECK_CMD(smmuv3_make_cfgi_cd(1, 2, false), 0x0000000100002005ULL, 0);
	/* A SubstreamID has 20 bits; more must not reach the StreamID. */
	CHECK_CMD(smmuv3_make_cfgi_cd(0, ~0U, false), 0x00000000fffff005ULL, 0);
	CHECK_CMD(smmuv3_make_cfgi_cd_all(0xdeadbeef), 0xdeadbeef00000006ULL, 0);

	cmd = smmuv3_make_cfgi_cd(0xdeadbeef, 0xfffff, true);
	CHECK_EQ(smmuv3_cmd_opcode(&cmd), SMMUV3_CMD_CFGI_CD);
	CHECK_EQ(smmuv3_cmd_sid(&cmd), 0xdeadbeef);
	smmuv3_cmd_set_sid(&cmd, 0x01020304);
	CHECK_CMD(cmd, 0x01020304fffff005ULL, 1);
}

/*
 * 16:12 NUM, 25:20 SCALE, 47:32 VMID, 63:48 ASID, 64 Leaf, 73:72 TTL, 75:74 TG,
 * 127:76 Address (115:76 for an IPA).
 */
TEST(tlbi)
{
	const struct smmuv3_tlbi_range none = { };
	const struct smmuv3_tlbi_range all = { .tg = 3, .num = 31, .scale = 63, .ttl = 3 };
	const struct smmuv3_tlbi_range too_large = { .tg = 0xff, .num = 0xff, .scale = 0xff,
						     .ttl = 0xff };
	const struct smmuv3_tlbi_range some = { .tg = 1, .num = 1, .scale = 9, .ttl = 2 };

	CHECK_CMD(smmuv3_make_tlbi_nh_all(0xabcd), 0x0000abcd00000010ULL, 0);
	CHECK_CMD(smmuv3_make_tlbi_nh_asid(0xabcd, 0x1234), 0x1234abcd00000011ULL, 0);
	CHECK_CMD(smmuv3_make_tlbi_nh_va(0xabcd, 0x1234, DIRTY, true, &none),
		  0x1234abcd00000012ULL, VA | 1);
	CHECK_CMD(smmuv3_make_tlbi_nh_va(1, 2, VA, false, &all),
		  0x0002000103f1f012ULL, VA | 0xf00);
	CHECK_CMD(smmuv3_make_tlbi_nh_va(1, 2, VA, false, &too_large),
		  0x0002000103f1f012ULL, VA | 0xf00);
	CHECK_CMD(smmuv3_make_tlbi_nh_vaa(0xabcd, VA, true, &some),
		  0x0000abcd00901013ULL, VA | 0x601);
	CHECK_CMD(smmuv3_make_tlbi_s12_vmall(0xabcd), 0x0000abcd00000028ULL, 0);
	CHECK_CMD(smmuv3_make_tlbi_s2_ipa(0xabcd, DIRTY, false, &none),
		  0x0000abcd0000002aULL, 0x000cba9876543000ULL);
	CHECK_CMD(smmuv3_make_tlbi_s2_ipa(0xabcd, 0x1000, true, &some),
		  0x0000abcd0090102aULL, 0x1601);
	CHECK_CMD(smmuv3_make_tlbi_nsnh_all(), 0x30, 0);
	CHECK_CMD(smmuv3_make_tlbi_el2_all(), 0x20, 0);
}

/* 4.4.1.1: (NUM + 1) * 2^SCALE granules, and what is reserved is never made. */
static void cover(u64 pages, bool ril, unsigned int most)
{
	struct smmuv3_tlbi_range range;
	unsigned int cmds = 0;
	u64 left = pages, n;

	while (left && cmds < 100) {
		n = smmuv3_tlbi_cover(left, ril, &range);
		CHECK(n >= 1 && n <= left);
		if (range.tg) {
			CHECK(ril);
			CHECK_EQ(range.tg, 1);
			CHECK_EQ((u64)(range.num + 1) << range.scale, n);
			CHECK(range.num <= 31 && range.scale <= 31);
			CHECK(range.num || range.scale || range.ttl);
		} else {
			CHECK_EQ(n, 1);
			CHECK(!range.num && !range.scale && !range.ttl);
		}
		left -= min(n, left);
		cmds++;
	}
	CHECK_EQ(left, 0);
	CHECK(cmds <= most);
}

TEST(tlbi_cover)
{
	u64 pages;

	for (pages = 1; pages < 5000; pages++) {
		/* Five bits of the number per command. */
		cover(pages, true, pages < 32 ? 1 : pages < 1024 ? 2 : 3);
		if (pages < 100)
			cover(pages, false, pages);
	}
	cover(32, true, 1);
	cover(512, true, 1);
	cover(512 * 512, true, 1);
	cover(1ULL << 36, true, 2);	/* 48 bits of address */
	cover((1ULL << 36) - 1, true, 8);
	cover(31ULL << 31, true, 1);
}

/*
 * 9 Global, 11 SSV, 31:12 SSID, 63:32 StreamID, 69:64 Size, 127:76 Address.
 * 72:64 PRGIndex, 77:76 Resp.
 */
TEST(ats)
{
	u64 start;

	CHECK_CMD(smmuv3_make_atc_inv(0xdeadbeef, SMMUV3_NO_SSID, DIRTY, 9),
		  0xdeadbeef00000040ULL, VA | 9);
	CHECK_CMD(smmuv3_make_atc_inv(1, 0, 0, SMMUV3_ATC_SIZE_ALL), 0x0000000100000840ULL, 52);
	CHECK_CMD(smmuv3_make_atc_inv(1, 0xfffff, VA, 0), 0x00000001fffff840ULL, VA);
	/* 9 Global, with SSV */
	CHECK_CMD(smmuv3_make_atc_inv_global(0xdeadbeef, DIRTY, 9), 0xdeadbeef00000a40ULL,
		  VA | 9);
	CHECK_CMD(smmuv3_make_pri_resp(0xdeadbeef, SMMUV3_NO_SSID, 0x1ff, SMMUV3_PRI_DENY),
		  0xdeadbeef00000041ULL, 0x01ff);
	CHECK_CMD(smmuv3_make_pri_resp(1, 2, 3, SMMUV3_PRI_FAIL), 0x0000000100002841ULL, 0x1003);
	CHECK_CMD(smmuv3_make_pri_resp(1, 2, 0xffff, SMMUV3_PRI_SUCCESS),
		  0x0000000100002841ULL, 0x21ff);

	start = 0x7000;
	CHECK_EQ(smmuv3_atc_size(&start, 0x7fff), 0);
	CHECK_EQ(start, 0x7000);
	CHECK_EQ(smmuv3_atc_size(&start, 0x8fff), 4);	/* crosses 0x8000 */
	CHECK_EQ(start, 0);
	start = 0x8123;
	CHECK_EQ(smmuv3_atc_size(&start, 0xbfff), 2);
	CHECK_EQ(start, 0x8000);
	start = 0;
	CHECK_EQ(smmuv3_atc_size(&start, ~0ULL), 52);
	CHECK_EQ(start, 0);
	start = 1ULL << 62;
	CHECK_EQ(smmuv3_atc_size(&start, ~0ULL), 52);
	CHECK_EQ(start, 0);
}

/* 12 Ac, 13 Ab, 79:64 STAG. */
TEST(resume)
{
	CHECK_CMD(smmuv3_make_resume(0xdeadbeef, 0xffff, SMMUV3_RESUME_TERMINATE),
		  0xdeadbeef00000044ULL, 0xffff);
	CHECK_CMD(smmuv3_make_resume(1, 2, SMMUV3_RESUME_RETRY), 0x0000000100001044ULL, 2);
	CHECK_CMD(smmuv3_make_resume(1, 2, SMMUV3_RESUME_ABORT), 0x0000000100002044ULL, 2);
}

/* 63:32 StreamID; no STAG. */
TEST(stall_term)
{
	CHECK_CMD(smmuv3_make_stall_term(0), 0x45, 0);
	CHECK_CMD(smmuv3_make_stall_term(0xdeadbeef), 0xdeadbeef00000045ULL, 0);
}

/* 13:12 CS, 23:22 MSH, 27:24 MSIAttr, 63:32 MSIData, 115:66 MSIAddress. */
TEST(sync)
{
	CHECK_CMD(smmuv3_make_sync(SMMUV3_SYNC_NONE, DIRTY, ~0U), 0x46, 0);
	CHECK_CMD(smmuv3_make_sync(SMMUV3_SYNC_SEV, 0, 0), 0x2046, 0);
	CHECK_CMD(smmuv3_make_sync(SMMUV3_SYNC_IRQ, 0, 0), 0x1046, 0);
	CHECK_CMD(smmuv3_make_sync(SMMUV3_SYNC_IRQ, DIRTY, 0xdeadbeef),
		  0xdeadbeef0fc01046ULL, 0x000cba9876543ffcULL);
}

TEST(is_answer)
{
	struct smmuv3_cmd pri = smmuv3_make_pri_resp(1, 2, 3, SMMUV3_PRI_SUCCESS);
	struct smmuv3_cmd resume = smmuv3_make_resume(1, 2, SMMUV3_RESUME_RETRY);
	struct smmuv3_cmd others[] = {
		smmuv3_make_stall_term(1), smmuv3_make_atc_inv(1, 2, 0, 0),
		smmuv3_make_sync(SMMUV3_SYNC_NONE, 0, 0), smmuv3_make_cfgi_all(),
		smmuv3_make_tlbi_nsnh_all(),
	};
	unsigned int i;

	CHECK(smmuv3_cmd_is_answer(&pri));
	CHECK(smmuv3_cmd_is_answer(&resume));
	for (i = 0; i < ARRAY_SIZE(others); i++)
		CHECK(!smmuv3_cmd_is_answer(&others[i]));
}

/* Each field of an event alone, with all others the other way round. */
TEST(event_fields)
{
	static const u8 faults[] = { 0x10, 0x11, 0x12, 0x13 };
	static const u8 fetches[] = { 0x03, 0x09, 0x0b, 0x25 };
	struct smmuv3_event e;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(faults); i++) {
		u64 none[4] = { faults[i] }, ones[4] = { ~0xffULL | faults[i], ~0ULL, ~0ULL, ~0ULL };

		e = smmuv3_decode_event(none);
		CHECK_EQ(e.id, faults[i]);
		CHECK(e.translated && !e.stall && !e.privileged && !e.instruction);
		CHECK(!e.read && !e.s2 && !e.class && !e.address && !e.ipa && !e.stag);
		CHECK_EQ(e.ssid, SMMUV3_NO_SSID);
		CHECK_EQ(e.sid, 0);

		e = smmuv3_decode_event(ones);
		CHECK_EQ(e.sid, 0xffffffff);
		CHECK_EQ(e.ssid, 0xfffff);
		CHECK(e.translated && e.stall && e.privileged && e.instruction && e.read && e.s2);
		CHECK_EQ(e.stag, 0xffff);
		CHECK_EQ(e.class, 3);
		CHECK_EQ(e.address, ~0ULL);
		CHECK_EQ(e.ipa, 0x000ffffffffff000ULL);
		CHECK_EQ(e.fetch_addr, 0);
	}

	for (i = 0; i < ARRAY_SIZE(fetches); i++) {
		u64 ones[4] = { ~0xffULL | fetches[i], ~0ULL, ~0ULL, ~0ULL };

		e = smmuv3_decode_event(ones);
		CHECK(!e.translated && !e.s2 && !e.stall && !e.address);
		CHECK_EQ(e.fetch_addr, 0x000ffffffffffff8ULL);
	}
}

TEST(event_bits)
{
	struct smmuv3_event e;
	u64 record[4] = { 0x10 };

	record[0] = 0xdeadbeef12345810ULL;	/* SSV: bit 11 */
	e = smmuv3_decode_event(record);
	CHECK_EQ(e.sid, 0xdeadbeef);
	CHECK_EQ(e.ssid, 0x12345);
	record[0] = 0xdeadbeef12345010ULL;
	e = smmuv3_decode_event(record);
	CHECK_EQ(e.ssid, SMMUV3_NO_SSID);
	/* 7.3.9: no SSV */
	record[0] = 0xdeadbeef12345008ULL;
	e = smmuv3_decode_event(record);
	CHECK_EQ(e.ssid, 0x12345);
	record[0] = 0x10;

	record[1] = 1ULL << 31 | 0x1234;
	e = smmuv3_decode_event(record);
	CHECK(e.stall);
	CHECK_EQ(e.stag, 0x1234);
	record[1] = 1ULL << 33;
	e = smmuv3_decode_event(record);
	CHECK(e.privileged && !e.instruction && !e.read && !e.s2 && !e.stall);
	record[1] = 1ULL << 34;
	e = smmuv3_decode_event(record);
	CHECK(!e.privileged && e.instruction && !e.read && !e.s2);
	record[1] = 1ULL << 35;
	e = smmuv3_decode_event(record);
	CHECK(!e.privileged && !e.instruction && e.read && !e.s2);
	record[1] = 1ULL << 39;
	record[3] = 0x5000;
	e = smmuv3_decode_event(record);
	CHECK(!e.privileged && !e.instruction && !e.read && e.s2);
	CHECK_EQ(e.ipa, 0x5000);
	record[1] = 2ULL << 40;
	e = smmuv3_decode_event(record);
	CHECK_EQ(e.class, SMMUV3_CLASS_IN);
	CHECK_EQ(e.ipa, 0);
}

/* Whatever the pages of the CPUs are. */
TEST(event_page)
{
	struct smmuv3_event e = { .address = 0xfedcba9876543fffULL };

	CHECK_EQ(smmuv3_event_page(&e), 0xfedcba9876543000ULL);
	e.address = 0x3000;
	CHECK_EQ(smmuv3_event_page(&e), 0x3000);
}

TEST(event_names)
{
	static const struct { u8 id; const char *name; } names[] = {
		{ 0x01, "F_UUT" }, { 0x02, "C_BAD_STREAMID" }, { 0x03, "F_STE_FETCH" },
		{ 0x04, "C_BAD_STE" }, { 0x05, "F_BAD_ATS_TREQ" },
		{ 0x06, "F_STREAM_DISABLED" }, { 0x07, "F_TRANSL_FORBIDDEN" },
		{ 0x08, "C_BAD_SUBSTREAMID" }, { 0x09, "F_CD_FETCH" }, { 0x0a, "C_BAD_CD" },
		{ 0x0b, "F_WALK_EABT" }, { 0x10, "F_TRANSLATION" }, { 0x11, "F_ADDR_SIZE" },
		{ 0x12, "F_ACCESS" }, { 0x13, "F_PERMISSION" }, { 0x20, "F_TLB_CONFLICT" },
		{ 0x21, "F_CFG_CONFLICT" }, { 0x24, "E_PAGE_REQUEST" },
		{ 0x25, "F_VMS_FETCH" },
	};
	unsigned int i, id, known = 0;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		CHECK(!strcmp(smmuv3_event_name(names[i].id), names[i].name));
	for (id = 0; id < 256; id++) {
		bool unknown = !strcmp(smmuv3_event_name(id), "unknown");

		CHECK_EQ(unknown, !strcmp(smmuv3_event_reason(id), "unknown event"));
		known += !unknown;
	}
	CHECK_EQ(known, ARRAY_SIZE(names));
}

/*
 * 31:0 StreamID, 51:32 SubstreamID, 58 Priv, 59 X, 60 R, 61 W, 62 Last, 63 SSV,
 * 72:64 PRGIndex, 127:76 address.
 */
TEST(pri)
{
	u64 record[2] = { 0x800123450000beefULL, DIRTY };
	struct smmuv3_pri pri;
	unsigned int bit;

	pri = smmuv3_decode_pri(record);
	CHECK_EQ(pri.sid, 0xbeef);
	CHECK_EQ(pri.ssid, 0x12345);
	CHECK_EQ(pri.address, VA);
	CHECK_EQ(pri.prgindex, 0x1ff);
	record[0] = 0x00012345ffffffffULL;
	record[1] = VA | 0xe05;
	pri = smmuv3_decode_pri(record);
	CHECK_EQ(pri.sid, 0xffffffff);
	CHECK_EQ(pri.ssid, SMMUV3_NO_SSID);
	CHECK_EQ(pri.prgindex, 5);
	for (bit = 57; bit < 63; bit++) {
		record[0] = 1ULL << bit;
		pri = smmuv3_decode_pri(record);
		CHECK_EQ(pri.privileged, bit == 58);
		CHECK_EQ(pri.execute, bit == 59);
		CHECK_EQ(pri.read, bit == 60);
		CHECK_EQ(pri.write, bit == 61);
		CHECK_EQ(pri.last, bit == 62);
	}
}

/* 8: LWR 0b100 with a PASID; whatever else is set. */
TEST(stop_marker)
{
	u64 record[2] = { 0, DIRTY };
	struct smmuv3_pri pri;
	unsigned int i;

	for (i = 0; i < 64; i++) {
		/* 63 SSV, 62 Last, 61 W, 60 R, 59 X, 58 Priv */
		record[0] = 0x000123450000beefULL | (u64)i << 58;
		pri = smmuv3_decode_pri(record);
		CHECK_EQ(smmuv3_pri_is_stop_marker(&pri), (i & 0x3c) == 0x30);
	}
}

TAP_MAIN
