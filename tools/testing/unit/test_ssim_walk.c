// SPDX-License-Identifier: GPL-2.0-only
/*
 * The model of SMMUv3: stream table, CD tables, walks of both stages and of one
 * through the other, and the events of everything that can be wrong with them.
 */
#include "ssim.h"
#include "tap.h"

#define SID	5
#define VA	0x123456789000ULL

static void check_event(u8 id, bool s2, u8 class, u64 addr, u64 ipa)
{
	u64 e[4];

	if (!CHECK(next_event(e)))
		return;
	CHECK_EQ(event_id(e), id);
	CHECK_EQ(FIELD_GET(EVENT_0_SID, e[0]), SID);
	CHECK_EQ(!!(e[1] & EVENT_1_S2), s2);
	CHECK_EQ(FIELD_GET(EVENT_1_CLASS, e[1]), class);
	CHECK_EQ(e[2], addr);
	CHECK_EQ(e[3], ipa);
	CHECK(!next_event(e));
}

static void check_config_event(u8 id, u64 fetch)
{
	u64 e[4];

	if (!CHECK(next_event(e)))
		return;
	CHECK_EQ(event_id(e), id);
	CHECK_EQ(FIELD_GET(EVENT_0_SID, e[0]), SID);
	CHECK_EQ(e[1], 0);
	CHECK_EQ(e[2], 0);
	CHECK_EQ(e[3], fetch);
	CHECK(!next_event(e));
}

/* --- streams --------------------------------------------------------------------- */

TEST(disabled_unit_bypasses_or_aborts)
{
	u64 value = 0, e[4];

	bench_init("");
	put64(DATA, 77);
	CHECK_EQ(dma_read(SID, DATA, &value), SIM_OK);
	CHECK_EQ(value, 77);
	CHECK_EQ(dma(SID, NO_SSID, 1ULL << 48, 0), SIM_UR);
	CHECK_EQ(dma(SID, NO_SSID, 0x1000, 0), SIM_NO_MEMORY);
	set_reg(R_GBPA, GBPA_UPDATE | GBPA_ABORT);
	CHECK_EQ(dma_read(SID, DATA, &value), SIM_OK);
	CHECK_EQ(reg(R_GBPA), GBPA_ABORT);
	CHECK_EQ(dma_read(SID, DATA, &value), SIM_UR);
	CHECK(!next_event(e));
	bench_init("gbpa_abort");
	CHECK_EQ(dma_read(SID, DATA, &value), SIM_UR);
}

TEST(stream_abort_and_bypass)
{
	u64 e[4];

	bench_start("");
	put_ste(SID, STE_ABORT, 0, 0, 0);
	CHECK_EQ(dma(SID, NO_SSID, DATA, 0), SIM_UR);
	CHECK(!next_event(e));
	put_ste(SID + 1, STE_BYPASS, 0, 0, 0);
	CHECK_EQ(dma(SID + 1, NO_SSID, DATA, 0), SIM_OK);
	CHECK_EQ(reply.phys, DATA);
	/* A substream where stage 1 is off. */
	CHECK_EQ(dma(SID + 1, 3, DATA, 0), SIM_UR);
	CHECK(next_event(e));
	CHECK_EQ(event_id(e), C_BAD_SUBSTREAMID);
	CHECK_EQ(FIELD_GET(EVENT_0_SSID, e[0]), 3);
	/* Beyond OAS: a fault of stage 1. */
	CHECK_EQ(dma(SID + 1, NO_SSID, 1ULL << 48, 0), SIM_UR);
	CHECK(next_event(e));
	CHECK_EQ(event_id(e), F_ADDR_SIZE);
	CHECK(!(e[1] & EVENT_1_S2));
	CHECK_EQ(e[2], 1ULL << 48);
}

TEST(stream_invalid)
{
	bench_start("");
	CHECK_EQ(dma(SID, NO_SSID, DATA, 0), SIM_UR);
	check_config_event(C_BAD_STE, 0);
}

TEST(stream_out_of_range)
{
	u64 e[4];

	bench_start("");
	CHECK_EQ(dma(64, NO_SSID, DATA, 0), SIM_UR);
	CHECK(next_event(e));
	CHECK_EQ(event_id(e), C_BAD_STREAMID);
	CHECK_EQ(FIELD_GET(EVENT_0_SID, e[0]), 64);
	/* Recorded only where software wants it. */
	set_reg(R_CR0, CR0_CMDQEN | CR0_EVENTQEN);
	reg(R_CR0ACK);
	set_reg(R_CR2, 0);
	set_reg(R_CR0, CR0_CMDQEN | CR0_EVENTQEN | CR0_SMMUEN);
	reg(R_CR0ACK);
	CHECK_EQ(dma(64, NO_SSID, DATA, 0), SIM_UR);
	CHECK(!next_event(e));
}

TEST(stream_fetch_aborts)
{
	bench_start("");
	b.abort = STRTAB;
	CHECK_EQ(dma(SID, NO_SSID, DATA, 0), SIM_UR);
	check_config_event(F_STE_FETCH, STRTAB + SID * 64);
	/* That is not cached. */
	b.abort = 0;
	put_ste(SID, STE_BYPASS, 0, 0, 0);
	CHECK_EQ(dma(SID, NO_SSID, DATA, 0), SIM_OK);
}

static void start_2level(unsigned int split, unsigned int log2)
{
	bench_start("");
	set_reg(R_CR0, CR0_CMDQEN | CR0_EVENTQEN);
	reg(R_CR0ACK);
	set_reg(R_STRTAB_BASE_CFG, 1 << 16 | split << 6 | log2);
	set_reg(R_CR0, CR0_CMDQEN | CR0_EVENTQEN | CR0_SMMUEN);
	reg(R_CR0ACK);
}

TEST(stream_table_of_two_levels)
{
	static const u8 splits[] = { 6, 8, 10 };
	unsigned int i;
	u64 e[4], l2;
	u32 sid;

	for (i = 0; i < ARRAY_SIZE(splits); i++) {
		start_2level(splits[i], 14);
		l2 = new_pages(16);
		sid = (2 << splits[i]) + 5;
		/* Eight streams behind the third descriptor. */
		put64(STRTAB + 2 * 8, l2 | 4);
		put64(l2 + 5 * 64, STE_BYPASS);
		CHECK_EQ(dma(sid, NO_SSID, DATA, 0), SIM_OK);
		CHECK_EQ(dma(sid + 3, NO_SSID, DATA, 0), SIM_UR);
		CHECK(next_event(e) && event_id(e) == C_BAD_STREAMID);
		/* Span 0, and spans that are too large. */
		CHECK_EQ(dma(0, NO_SSID, DATA, 0), SIM_UR);
		CHECK(next_event(e) && event_id(e) == C_BAD_STREAMID);
		put64(STRTAB + 3 * 8, l2 | (splits[i] + 2));
		CHECK_EQ(dma(3 << splits[i], NO_SSID, DATA, 0), SIM_UR);
		CHECK(next_event(e) && event_id(e) == C_BAD_STREAMID);
		CHECK_EQ(dma(1 << 14, NO_SSID, DATA, 0), SIM_UR);
		CHECK(next_event(e) && event_id(e) == C_BAD_STREAMID);
	}
}

TEST(ste_illegal)
{
	struct { const char *words; u64 w[4]; } bad[] = {
		{ "-S1P", { STE_S1(DATA) } },
		{ "-S2P", { STE_S2, 0, S2_WORD(1), RAM } },
		{ "", { STE_S1(DATA) | FIELD_PREP(STE_0_S1CDMAX, 21) } },
		{ "-CD2L", { STE_S1(DATA) | FIELD_PREP(STE_0_S1CDMAX, 8) | FIELD_PREP(STE_0_S1FMT, 1) } },
		{ "stall_model=1", { STE_S1(DATA), STE_1_S1STALLD } },
		{ "", { STE_S2, 0, S2_WORD(1) & ~STE_2_S2AA64, RAM } },
		{ "", { STE_S2, 0, S2_WORD(1) | STE_2_S2ENDI, RAM } },
		{ "", { STE_S2, 0, S2_WORD(1) | STE_2_S2TG, RAM } },
		{ "-16K", { STE_S2, 0, S2_WORD(1) | FIELD_PREP(STE_2_S2TG, 2), RAM } },
		{ "", { STE_S2, 0, S2_WORD(1) | FIELD_PREP(STE_2_S2SL0, 3), RAM } },
		/* 25 bits are not enough for level 0, 48 too many for level 1. */
		{ "", { STE_S2, 0, (S2_WORD(1) & ~STE_2_S2T0SZ) | FIELD_PREP(STE_2_S2T0SZ, 39), RAM } },
		{ "", { STE_S2, 0, (S2_WORD(1) & ~STE_2_S2SL0) | FIELD_PREP(STE_2_S2SL0, 1), RAM } },
		{ "", { STE_S2, 0, (S2_WORD(1) & ~STE_2_S2T0SZ) | FIELD_PREP(STE_2_S2T0SZ, 15), RAM } },
		{ "oas=40", { STE_S2, 0, S2_WORD(1), RAM } },
		/* Level 0 is for more than 42 bits of physical address. */
		{ "oas=40", { STE_S2, 0, (S2_WORD(1) & ~STE_2_S2T0SZ) | FIELD_PREP(STE_2_S2T0SZ, 24), RAM } },
		{ "", { STE_S2, 0, S2_WORD(1) & ~STE_2_S2PS, 1ULL << 40 } },
		{ "httu=0", { STE_S2, 0, S2_WORD(1) | STE_2_S2HA, RAM } },
		{ "httu=1", { STE_S2, 0, S2_WORD(1) | STE_2_S2HD, RAM } },
		{ "stall_model=1", { STE_S2, 0, S2_WORD(1) | STE_2_S2S, RAM } },
		{ "stall_model=2", { STE_S2, 0, S2_WORD(1), RAM } },
		{ "vmid8", { STE_S2, 0, S2_WORD(0x100), RAM } },
		{ "", { STE_S2, FIELD_PREP(STE_1_EATS, 1), S2_WORD(1) | STE_2_S2S, RAM } },
		{ "", { STE_S2, FIELD_PREP(STE_1_EATS, 2), S2_WORD(1), RAM } },
		{ "NS1ATS", { STE_NESTED(DATA), FIELD_PREP(STE_1_EATS, 2), S2_WORD(1), RAM } },
		{ "HYP", { STE_S1(DATA), FIELD_PREP(STE_1_STRW, 1) } },
		{ "", { STE_BYPASS & ~STE_0_V } },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		bench_start(bad[i].words);
		put_ste(SID, bad[i].w[0], bad[i].w[1], bad[i].w[2], bad[i].w[3]);
		if (!CHECK_EQ(dma(SID, NO_SSID, DATA, 0), SIM_UR))
			printf("# case %u\n", i);
		check_config_event(C_BAD_STE, 0);
	}
}

/* --- stage 2 ------------------------------------------------------------------------ */

static struct table start_s2(const char *words)
{
	struct table t;

	bench_start(words);
	t = new_table(12, 0, 48, 0);
	put_ste(SID, STE_S2, 0, S2_WORD(9), t.root);
	return t;
}

TEST(s2_pages_and_blocks)
{
	struct table t = start_s2("");
	u64 value;

	map(&t, VA, 3, DATA + 0x3000, S2_RW);
	map(&t, 0x40000000, 2, DATA, S2_RW);
	map(&t, 0x80000000, 1, 0x40000000, S2_RW);
	put64(DATA + 0x3008, 0xabcd);
	CHECK_EQ(dma_read(SID, VA + 8, &value), SIM_OK);
	CHECK_EQ(value, 0xabcd);
	CHECK_EQ(reply.phys, DATA + 0x3008);
	CHECK_EQ(reply.length, 0x1000 - 8);
	CHECK_EQ(dma_write(SID, 0x40003010, 55), SIM_OK);
	CHECK_EQ(get64(DATA + 0x3010), 55);
	CHECK_EQ(reply.length, 0x200000 - 0x3010);
	CHECK_EQ(dma_read(SID, 0x80000000 + (DATA - RAM) + 0x3010, &value), SIM_OK);
	CHECK_EQ(value, 55);
}

TEST(s2_granules_and_start_levels)
{
	static const struct { u8 tg, code, start, sl0, in; } shapes[] = {
		{ 12, 0, 0, 2, 48 }, { 12, 0, 1, 1, 39 }, { 12, 0, 1, 1, 40 }, { 12, 0, 1, 1, 43 },
		{ 12, 0, 2, 0, 30 }, { 12, 0, 2, 0, 34 }, { 14, 2, 1, 2, 40 }, { 14, 2, 1, 2, 48 },
		{ 14, 2, 2, 1, 36 }, { 14, 2, 2, 1, 40 }, { 14, 2, 3, 0, 26 }, { 16, 1, 1, 2, 48 },
		{ 16, 1, 2, 1, 42 }, { 16, 1, 2, 1, 46 }, { 16, 1, 3, 0, 29 }, { 16, 1, 3, 0, 33 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(shapes); i++) {
		u64 top = (1ULL << shapes[i].in) - (1ULL << shapes[i].tg);
		struct table t;
		u64 e[4];

		bench_start("");
		t = new_table(shapes[i].tg, shapes[i].start, shapes[i].in, 0);
		put_ste(SID, STE_S2, 0,
			9 | FIELD_PREP(STE_2_S2T0SZ, 64 - shapes[i].in) |
			FIELD_PREP(STE_2_S2SL0, shapes[i].sl0) |
			FIELD_PREP(STE_2_S2TG, shapes[i].code) |
			FIELD_PREP(STE_2_S2PS, 5) | STE_2_S2AA64 | STE_2_S2R, t.root);
		map(&t, top, 3, DATA + 0x10000, S2_RW);
		map(&t, 0, 3, DATA, S2_RW);
		CHECK_EQ(dma(SID, NO_SSID, top + 8, 0), SIM_OK);
		if (!CHECK_EQ(reply.phys, DATA + 0x10008))
			printf("# shape %u\n", i);
		CHECK_EQ(dma(SID, NO_SSID, 8, 0), SIM_OK);
		CHECK_EQ(reply.phys, DATA + 8);
		CHECK_EQ(reply.length, (1ULL << shapes[i].tg) - 8);
		if (shapes[i].in == 48)
			continue;
		/* Beyond what T0SZ allows: stage 2's own fault. */
		CHECK_EQ(dma(SID, NO_SSID, 1ULL << shapes[i].in, 0), SIM_UR);
		CHECK(next_event(e) && event_id(e) == F_TRANSLATION);
		CHECK(e[1] & EVENT_1_S2);
		CHECK_EQ(e[3], 1ULL << shapes[i].in);
	}
}

TEST(s2_52_bits)
{
	struct table t;

	bench_start("oas=52");
	t = new_table(16, 1, 52, 0);
	put_ste(SID, STE_S2, 0, 9 | FIELD_PREP(STE_2_S2T0SZ, 12) | FIELD_PREP(STE_2_S2SL0, 2) |
		FIELD_PREP(STE_2_S2TG, 1) | FIELD_PREP(STE_2_S2PS, 6) | STE_2_S2AA64 | STE_2_S2R,
		t.root);
	/* Bits 51:48 of an address are 15:12 of its descriptor. */
	map(&t, 0xfffffffff0000, 3, 0x40010000 | 0xa000, S2_RW);
	CHECK_EQ(dma(SID, NO_SSID, 0xfffffffff0008, 0), SIM_NO_MEMORY);
	CHECK_EQ(reply.phys, 0xa000040010008ULL);
}

TEST(s2_faults)
{
	struct table t = start_s2("");

	CHECK_EQ(dma(SID, NO_SSID, VA + 0x10, 0), SIM_UR);
	check_event(F_TRANSLATION, true, CLASS_IN, VA + 0x10, VA);
	map(&t, VA, 3, DATA, S2_RO);
	CHECK_EQ(dma(SID, NO_SSID, VA, 0), SIM_OK);
	CHECK_EQ(dma(SID, NO_SSID, VA, SIM_DMA_WRITE), SIM_UR);
	check_event(F_PERMISSION, true, CLASS_IN, VA, VA);
	map(&t, VA + 0x1000, 3, DATA, S2_RW & ~TT_AF);
	CHECK_EQ(dma(SID, NO_SSID, VA + 0x1000, 0), SIM_UR);
	check_event(F_ACCESS, true, CLASS_IN, VA + 0x1000, VA + 0x1000);
	map(&t, VA + 0x2000, 3, DATA, TT_AF | TT_S2AP_W);
	CHECK_EQ(dma(SID, NO_SSID, VA + 0x2000, SIM_DMA_WRITE), SIM_OK);
	CHECK_EQ(dma(SID, NO_SSID, VA + 0x2000, 0), SIM_UR);
	check_event(F_PERMISSION, true, CLASS_IN, VA + 0x2000, VA + 0x2000);
	/* Level 3 with the form of a block, a block at level 0. */
	put64(descriptor(&t, VA + 0x3000, 3), DATA | S2_RW | 1);
	CHECK_EQ(dma(SID, NO_SSID, VA + 0x3000, 0), SIM_UR);
	check_event(F_TRANSLATION, true, CLASS_IN, VA + 0x3000, VA + 0x3000);
	put64(descriptor(&t, 0, 0), S2_RW | 1);
	CHECK_EQ(dma(SID, NO_SSID, 0, 0), SIM_UR);
	check_event(F_TRANSLATION, true, CLASS_IN, 0, 0);
}

TEST(s2_records_only_if_it_may)
{
	struct table t = start_s2("");
	u64 e[4];

	put_ste(SID, STE_S2, 0, S2_WORD(9) & ~STE_2_S2R, t.root);
	CHECK_EQ(dma(SID, NO_SSID, VA, 0), SIM_UR);
	CHECK(!next_event(e));
}

TEST(s2_output_size)
{
	struct table t = start_s2("");
	u64 w2 = (S2_WORD(9) & ~STE_2_S2PS) | FIELD_PREP(STE_2_S2PS, 1);

	put_ste(SID, STE_S2, 0, w2, t.root);
	map(&t, VA, 3, 1ULL << 36, S2_RW);
	CHECK_EQ(dma(SID, NO_SSID, VA, 0), SIM_UR);
	check_event(F_ADDR_SIZE, true, CLASS_IN, VA, VA);
	/* Of a table, too. */
	put64(descriptor(&t, 0, 1), (1ULL << 40) | 3);
	CHECK_EQ(dma(SID, NO_SSID, 0, 0), SIM_UR);
	check_event(F_ADDR_SIZE, true, CLASS_IN, 0, 0);
	/* What bypasses stage 1 is checked against OAS, before stage 2 sees it. */
	CHECK_EQ(dma(SID, NO_SSID, 1ULL << 48, 0), SIM_UR);
	check_event(F_ADDR_SIZE, false, CLASS_IN, 1ULL << 48, 0);
}

TEST(s2_walk_aborts)
{
	struct table t = start_s2("");
	u64 e[4];

	put64(descriptor(&t, VA, 1), 0x1000 | 3);
	CHECK_EQ(dma(SID, NO_SSID, VA, 0), SIM_UR);
	CHECK(next_event(e));
	CHECK_EQ(event_id(e), F_WALK_EABT);
	CHECK(e[1] & EVENT_1_S2);
	CHECK_EQ(e[2], VA);
	CHECK_EQ(e[3], 0x1000 + 8 * ((VA >> 21) & 511));
}

TEST(s2_access_and_dirty)
{
	struct table t = start_s2("");
	u64 at;

	put_ste(SID, STE_S2, 0, S2_WORD(9) | STE_2_S2HA | STE_2_S2HD, t.root);
	map(&t, VA, 3, DATA, (S2_RO & ~TT_AF) | TT_DBM);
	at = descriptor(&t, VA, 3);
	CHECK_EQ(dma(SID, NO_SSID, VA, 0), SIM_OK);
	CHECK(get64(at) & TT_AF);
	CHECK(!(get64(at) & TT_S2AP_W));
	CHECK_EQ(dma(SID, NO_SSID, VA, SIM_DMA_WRITE), SIM_OK);
	CHECK(get64(at) & TT_S2AP_W);
	/* Without DBM read-only is read-only. */
	map(&t, VA + 0x1000, 3, DATA, S2_RO & ~TT_AF);
	CHECK_EQ(dma(SID, NO_SSID, VA + 0x1000, SIM_DMA_WRITE), SIM_UR);
	check_event(F_PERMISSION, true, CLASS_IN, VA + 0x1000, VA + 0x1000);
}

TEST(s2_access_flag_ignored)
{
	struct table t = start_s2("");

	put_ste(SID, STE_S2, 0, S2_WORD(9) | STE_2_S2AFFD, t.root);
	map(&t, VA, 3, DATA, S2_RW & ~TT_AF);
	CHECK_EQ(dma(SID, NO_SSID, VA, 0), SIM_OK);
	CHECK(!(get64(descriptor(&t, VA, 3)) & TT_AF));
}

/* --- stage 1 --------------------------------------------------------------------------- */

static u64 cd_at;

static struct table start_s1(const char *words)
{
	struct table t;

	bench_start(words);
	t = new_table(12, 0, 48, 0);
	cd_at = new_pages(1);
	put_ste(SID, STE_S1(cd_at), 0, 0, 0);
	put_cd(cd_at, CD_WORD(7), t.root, 0);
	return t;
}

TEST(s1_pages_and_blocks)
{
	struct table t = start_s1("");
	u64 value;

	map(&t, VA, 3, DATA + 0x3000, S1_RW);
	map(&t, 0x40000000, 2, DATA, S1_RW);
	put64(DATA + 0x3008, 0xabcd);
	CHECK_EQ(dma_read(SID, VA + 8, &value), SIM_OK);
	CHECK_EQ(value, 0xabcd);
	CHECK_EQ(dma_write(SID, 0x40003010, 55), SIM_OK);
	CHECK_EQ(get64(DATA + 0x3010), 55);
	CHECK_EQ(reply.length, 0x200000 - 0x3010);
}

TEST(s1_granules_and_sizes)
{
	static const struct { u8 tg, tg0, tg1, start, in; } shapes[] = {
		{ 12, 0, 2, 0, 48 }, { 12, 0, 2, 1, 39 }, { 12, 0, 2, 1, 33 }, { 12, 0, 2, 2, 30 },
		{ 12, 0, 2, 2, 25 }, { 14, 2, 1, 0, 48 }, { 14, 2, 1, 1, 47 }, { 14, 2, 1, 2, 36 },
		{ 14, 2, 1, 3, 25 }, { 16, 1, 3, 1, 48 }, { 16, 1, 3, 2, 42 }, { 16, 1, 3, 3, 29 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(shapes); i++) {
		u64 size = 1ULL << shapes[i].in, page = 1ULL << shapes[i].tg, e[4];
		struct table low, high;

		bench_start("");
		low = new_table(shapes[i].tg, shapes[i].start, shapes[i].in, 0);
		high = new_table(shapes[i].tg, shapes[i].start, shapes[i].in, 0);
		cd_at = new_pages(1);
		put_ste(SID, STE_S1(cd_at), 0, 0, 0);
		put_cd(cd_at, (CD_WORD(7) & ~(CD_0_T0SZ | CD_0_EPD1)) |
		       FIELD_PREP(CD_0_T0SZ, 64 - shapes[i].in) | FIELD_PREP(CD_0_TG0, shapes[i].tg0) |
		       FIELD_PREP(CD_0_T1SZ, 64 - shapes[i].in) | FIELD_PREP(CD_0_TG1, shapes[i].tg1),
		       low.root, high.root);
		map(&low, size - page, 3, DATA + 0x10000, S1_RW);
		map(&high, 0, 3, DATA + 0x20000, S1_RW);
		CHECK_EQ(dma(SID, NO_SSID, size - page, 0), SIM_OK);
		if (!CHECK_EQ(reply.phys, DATA + 0x10000))
			printf("# shape %u\n", i);
		CHECK_EQ(dma(SID, NO_SSID, -size + 8, 0), SIM_OK);
		CHECK_EQ(reply.phys, DATA + 0x20008);
		/* One beyond either. */
		CHECK_EQ(dma(SID, NO_SSID, size, 0), SIM_UR);
		CHECK(next_event(e) && event_id(e) == F_TRANSLATION && !(e[1] & EVENT_1_S2));
		CHECK_EQ(dma(SID, NO_SSID, -size - page, 0), SIM_UR);
		CHECK(next_event(e) && event_id(e) == F_TRANSLATION && !(e[1] & EVENT_1_S2));
	}
}

TEST(s1_top_byte)
{
	struct table t = start_s1("");

	map(&t, VA, 3, DATA, S1_RW);
	CHECK_EQ(dma(SID, NO_SSID, VA | 0x1200000000000000ULL, 0), SIM_UR);
	check_event(F_TRANSLATION, false, CLASS_IN, VA | 0x1200000000000000ULL, 0);
	put_cd(cd_at, CD_WORD(7) | CD_0_TBI0, t.root, 0);
	command(CMD_CFGI_CD | (u64)SID << 32, 1);
	CHECK_EQ(dma(SID, NO_SSID, VA | 0x1200000000000000ULL, 0), SIM_OK);
	CHECK_EQ(reply.phys, DATA);
	/* The other half is off. */
	CHECK_EQ(dma(SID, NO_SSID, 0xffff000000000000ULL, 0), SIM_UR);
	check_event(F_TRANSLATION, false, CLASS_IN, 0xffff000000000000ULL, 0);
}

TEST(s1_permissions)
{
	struct table t = start_s1("");
	static const struct { u64 attrs; u32 flags; bool ok; } cases[] = {
		{ S1_RW, 0, true }, { S1_RW, SIM_DMA_WRITE, true },
		{ S1_RO, 0, true }, { S1_RO, SIM_DMA_WRITE, false },
		{ S1_RW & ~TT_AP_USER, 0, false }, { S1_RW & ~TT_AP_USER, SIM_DMA_PRIV, true },
		{ S1_RW & ~TT_AP_USER, SIM_DMA_PRIV | SIM_DMA_WRITE, true },
		{ S1_RO & ~TT_AP_USER, SIM_DMA_PRIV | SIM_DMA_WRITE, false },
		{ S1_RW, SIM_DMA_EXEC, false }, { S1_RW & ~TT_XN, SIM_DMA_EXEC, true },
		{ S1_RO & ~TT_XN, SIM_DMA_EXEC | SIM_DMA_PRIV, false },
		{ S1_RO & ~TT_PXN, SIM_DMA_EXEC | SIM_DMA_PRIV, true },
		/* What users may write is not executed with privilege. */
		{ S1_RW & ~TT_PXN, SIM_DMA_EXEC | SIM_DMA_PRIV, false },
	};
	unsigned int i;
	u64 va, e[4];

	/* Privilege and instructions come with a PASID only. */
	put_ste(SID, STE_S1(cd_at) | FIELD_PREP(STE_0_S1CDMAX, 2), 0, 0, 0);
	put_cd(cd_at + 64, CD_WORD(7), t.root, 0);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		va = VA + i * 0x1000;
		map(&t, va, 3, DATA, cases[i].attrs);
		if (!CHECK_EQ(dma(SID, 1, va, cases[i].flags) == SIM_OK, cases[i].ok))
			printf("# case %u\n", i);
		if (cases[i].ok)
			continue;
		CHECK(next_event(e));
		CHECK_EQ(event_id(e), F_PERMISSION);
		CHECK_EQ(!!(e[1] & EVENT_1_RNW), !(cases[i].flags & SIM_DMA_WRITE));
		CHECK_EQ(!!(e[1] & EVENT_1_PNU), !!(cases[i].flags & SIM_DMA_PRIV));
		CHECK_EQ(!!(e[1] & EVENT_1_IND), !!(cases[i].flags & SIM_DMA_EXEC));
		CHECK(e[0] & EVENT_0_SSV);
		CHECK_EQ(FIELD_GET(EVENT_0_SSID, e[0]), 1);
	}
}

TEST(s1_permissions_of_the_cd)
{
	struct table t = start_s1("");

	put_ste(SID, STE_S1(cd_at) | FIELD_PREP(STE_0_S1CDMAX, 2), 0, 0, 0);
	put_cd(cd_at + 64, CD_WORD(7) | CD_0_PAN | CD_0_WXN, t.root, 0);
	map(&t, VA, 3, DATA, S1_RW & ~TT_XN);
	CHECK_EQ(dma(SID, 1, VA, 0), SIM_OK);
	CHECK_EQ(dma(SID, 1, VA, SIM_DMA_PRIV), SIM_UR);
	CHECK_EQ(dma(SID, 1, VA, SIM_DMA_EXEC), SIM_UR);
}

TEST(s1_permissions_of_tables)
{
	struct table t = start_s1("");
	u64 at;

	map(&t, VA, 3, DATA, S1_RW);
	at = descriptor(&t, VA, 1);
	put64(at, get64(at) | TT_TABLE_RO);
	CHECK_EQ(dma(SID, NO_SSID, VA, 0), SIM_OK);
	CHECK_EQ(dma(SID, NO_SSID, VA, SIM_DMA_WRITE), SIM_UR);
	check_event(F_PERMISSION, false, CLASS_IN, VA, 0);
	/* What a walk took from a cached table it still knows. */
	map(&t, VA + 0x1000, 3, DATA, S1_RW);
	CHECK_EQ(dma(SID, NO_SSID, VA + 0x1000, SIM_DMA_WRITE), SIM_UR);
	check_event(F_PERMISSION, false, CLASS_IN, VA + 0x1000, 0);
	map(&t, 0, 3, DATA, S1_RW);
	at = descriptor(&t, 0, 2);
	put64(at, get64(at) | TT_TABLE_NOUSER);
	CHECK_EQ(dma(SID, NO_SSID, 0, 0), SIM_UR);
	check_event(F_PERMISSION, false, CLASS_IN, 0, 0);
	/* Hierarchical attributes switched off. */
	put_cd(cd_at, CD_WORD(8), t.root | CD_1_HAD, 0);
	command(CMD_CFGI_CD | (u64)SID << 32, 1);
	CHECK_EQ(dma(SID, NO_SSID, 0, 0), SIM_OK);
	CHECK_EQ(dma(SID, NO_SSID, VA, SIM_DMA_WRITE), SIM_OK);
}

TEST(s1_faults)
{
	struct table t = start_s1("");

	CHECK_EQ(dma(SID, NO_SSID, VA, 0), SIM_UR);
	check_event(F_TRANSLATION, false, CLASS_IN, VA, 0);
	map(&t, VA, 3, DATA, S1_RW & ~TT_AF);
	CHECK_EQ(dma(SID, NO_SSID, VA, 0), SIM_UR);
	check_event(F_ACCESS, false, CLASS_IN, VA, 0);
	put_cd(cd_at, (CD_WORD(7) & ~CD_0_IPS) | FIELD_PREP(CD_0_IPS, 0), t.root, 0);
	command(CMD_CFGI_CD | (u64)SID << 32, 1);
	map(&t, VA + 0x1000, 3, 1ULL << 32, S1_RW);
	CHECK_EQ(dma(SID, NO_SSID, VA + 0x1000, 0), SIM_UR);
	check_event(F_ADDR_SIZE, false, CLASS_IN, VA + 0x1000, 0);
}

TEST(s1_walk_aborts)
{
	struct table t = start_s1("");
	u64 e[4];

	put64(descriptor(&t, VA, 2), 0x2000 | 3);
	CHECK_EQ(dma(SID, NO_SSID, VA, 0), SIM_UR);
	CHECK(next_event(e));
	CHECK_EQ(event_id(e), F_WALK_EABT);
	CHECK(!(e[1] & EVENT_1_S2));
	CHECK_EQ(FIELD_GET(EVENT_1_CLASS, e[1]), CLASS_TT);
	CHECK_EQ(e[3], 0x2000 + 8 * ((VA >> 12) & 511));
}

TEST(s1_access_and_dirty)
{
	struct table t = start_s1("");
	u64 at;

	put_cd(cd_at, CD_WORD(7) | CD_0_HA | CD_0_HD, t.root, 0);
	map(&t, VA, 3, DATA, (S1_RO & ~TT_AF) | TT_DBM);
	at = descriptor(&t, VA, 3);
	CHECK_EQ(dma(SID, NO_SSID, VA, 0), SIM_OK);
	CHECK(get64(at) & TT_AF);
	CHECK(get64(at) & TT_AP_RO);
	CHECK_EQ(dma(SID, NO_SSID, VA, SIM_DMA_WRITE), SIM_OK);
	CHECK(!(get64(at) & TT_AP_RO));
}

TEST(s1_pretends_without_abort)
{
	u64 value = 99, e[4];
	struct table t = start_s1("");

	put_cd(cd_at, CD_WORD(7) & ~(CD_0_A | CD_0_R), t.root, 0);
	CHECK_EQ(dma_read(SID, VA, &value), SIM_OK);
	CHECK_EQ(value, 0);
	CHECK_EQ(dma_write(SID, VA, 1), SIM_OK);
	CHECK(!next_event(e));
}

/* --- substreams ------------------------------------------------------------------------ */

TEST(cd_invalid_and_illegal)
{
	struct { const char *words; u64 w0, set; } bad[] = {
		{ "", CD_WORD(7), CD_0_V }, { "", CD_WORD(7), CD_0_AA64 },
		{ "", CD_WORD(7) | CD_0_ENDI, 0 }, { "", CD_WORD(7) | CD_0_TG0, 0 },
		{ "-64K", CD_WORD(7) | FIELD_PREP(CD_0_TG0, 1), 0 },
		{ "", CD_WORD(7) | FIELD_PREP(CD_0_T0SZ, 40), 0 },
		{ "", CD_WORD(7), 16 },
		{ "httu=0", CD_WORD(7) | CD_0_HA, 0 }, { "httu=1", CD_WORD(7) | CD_0_HD, 0 },
		{ "asid8", CD_WORD(0x100), 0 }, { "stall_model=1", CD_WORD(7) | CD_0_S, 0 },
		{ "stall_model=2", CD_WORD(7), 0 }, { "TERM_MODEL", CD_WORD(7), CD_0_A },
		/* TTB1 is looked at once EPD1 is clear. */
		{ "", CD_WORD(7), CD_0_EPD1 },
	};
	struct table t;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		t = start_s1(bad[i].words);
		put_cd(cd_at, bad[i].w0 & ~bad[i].set, t.root, 0);
		if (!CHECK_EQ(dma(SID, NO_SSID, VA, 0), SIM_UR))
			printf("# case %u\n", i);
		check_config_event(C_BAD_CD, 0);
	}
	/* TTB0 beyond what IPS can name. */
	t = start_s1("");
	put_cd(cd_at, CD_WORD(7) & ~CD_0_IPS, 1ULL << 32, 0);
	CHECK_EQ(dma(SID, NO_SSID, VA, 0), SIM_UR);
	check_config_event(C_BAD_CD, 0);
	/* S1STALLD: CD.S is illegal. */
	t = start_s1("");
	put_ste(SID, STE_S1(cd_at), STE_1_S1STALLD, 0, 0);
	put_cd(cd_at, CD_WORD(7) | CD_0_S, t.root, 0);
	CHECK_EQ(dma(SID, NO_SSID, VA, 0), SIM_UR);
	check_config_event(C_BAD_CD, 0);
}

TEST(cd_fetch_aborts)
{
	start_s1("");
	b.abort = cd_at;
	CHECK_EQ(dma(SID, NO_SSID, VA, 0), SIM_UR);
	check_config_event(F_CD_FETCH, cd_at);
}

TEST(cd_tables)
{
	static const struct { u8 fmt, cdmax; u32 ssid; } shapes[] = {
		{ 0, 1, 1 }, { 0, 8, 200 }, { 1, 4, 9 }, { 1, 6, 63 }, { 1, 12, 0xabc },
		{ 2, 5, 17 }, { 2, 10, 1023 }, { 2, 15, 0x7abc }, { 3, 8, 200 },
	};
	unsigned int i, split;
	u64 cds, l2, e[4];
	struct table t;

	for (i = 0; i < ARRAY_SIZE(shapes); i++) {
		bench_start("");
		t = new_table(12, 0, 48, 0);
		map(&t, VA, 3, DATA + 0x1000 * i, S1_RW);
		cds = new_pages(16);
		put_ste(SID, STE_S1(cds) | FIELD_PREP(STE_0_S1FMT, shapes[i].fmt) |
			FIELD_PREP(STE_0_S1CDMAX, shapes[i].cdmax), 0, 0, 0);
		split = shapes[i].fmt == 1 ? 6 : 10;
		if (shapes[i].fmt == 0 || shapes[i].fmt == 3) {
			put_cd(cds + 64 * shapes[i].ssid, CD_WORD(3), t.root, 0);
		} else {
			l2 = new_pages(16);
			put64(cds + 8 * (shapes[i].ssid >> split), l2 | 1);
			put_cd(l2 + 64 * (shapes[i].ssid & ((1 << split) - 1)), CD_WORD(3),
			       t.root, 0);
		}
		if (!CHECK_EQ(dma(SID, shapes[i].ssid, VA, 0), SIM_OK))
			printf("# shape %u\n", i);
		CHECK_EQ(reply.phys, DATA + 0x1000 * i);
		/* One too far. */
		CHECK_EQ(dma(SID, 1 << shapes[i].cdmax, VA, 0), SIM_UR);
		CHECK(next_event(e) && event_id(e) == C_BAD_SUBSTREAMID);
		CHECK_EQ(FIELD_GET(EVENT_0_SSID, e[0]), 1 << shapes[i].cdmax);
		/* No level-2 table. */
		if (shapes[i].fmt == 3 || !shapes[i].fmt || shapes[i].ssid >> split == 0)
			continue;
		CHECK_EQ(dma(SID, 1, VA, 0), SIM_UR);
		CHECK(next_event(e) && event_id(e) == C_BAD_SUBSTREAMID);
	}
}

TEST(default_substream)
{
	struct table t = start_s1("");
	u64 e[4];

	map(&t, VA, 3, DATA, S1_RW);
	/* One CD: no substreams. */
	CHECK_EQ(dma(SID, NO_SSID, VA, 0), SIM_OK);
	CHECK_EQ(dma(SID, 0, VA, 0), SIM_UR);
	CHECK(next_event(e) && event_id(e) == C_BAD_SUBSTREAMID);
	/* 0: terminate */
	put_ste(SID + 1, STE_S1(cd_at) | FIELD_PREP(STE_0_S1CDMAX, 2), S1DSS_TERMINATE, 0, 0);
	CHECK_EQ(dma(SID + 1, NO_SSID, VA, 0), SIM_UR);
	CHECK(next_event(e) && event_id(e) == F_STREAM_DISABLED);
	CHECK_EQ(dma(SID + 1, 0, VA, 0), SIM_OK);
	/* 1: bypass */
	put_ste(SID + 2, STE_S1(cd_at) | FIELD_PREP(STE_0_S1CDMAX, 2), S1DSS_BYPASS, 0, 0);
	CHECK_EQ(dma(SID + 2, NO_SSID, DATA + 0x100, 0), SIM_OK);
	CHECK_EQ(reply.phys, DATA + 0x100);
	CHECK_EQ(dma(SID + 2, 0, VA, 0), SIM_OK);
	CHECK_EQ(reply.phys, DATA);
	/* 2: substream 0's CD, which substream 0 has not then */
	put_ste(SID + 3, STE_S1(cd_at) | FIELD_PREP(STE_0_S1CDMAX, 2), S1DSS_SSID0, 0, 0);
	CHECK_EQ(dma(SID + 3, NO_SSID, VA, 0), SIM_OK);
	CHECK_EQ(reply.phys, DATA);
	CHECK_EQ(dma(SID + 3, 0, VA, 0), SIM_UR);
	CHECK(next_event(e) && event_id(e) == F_STREAM_DISABLED);
}

TEST(privilege_and_instructions_overridden)
{
	struct table t = start_s1("");

	map(&t, VA, 3, DATA, S1_RW & ~TT_AP_USER);
	CHECK_EQ(dma(SID, NO_SSID, VA, 0), SIM_UR);
	put_ste(SID + 1, STE_S1(cd_at), FIELD_PREP(STE_1_PRIVCFG, 3), 0, 0);
	CHECK_EQ(dma(SID + 1, NO_SSID, VA, 0), SIM_OK);
	put_ste(SID + 2, STE_S1(cd_at), FIELD_PREP(STE_1_PRIVCFG, 3) | FIELD_PREP(STE_1_INSTCFG, 3),
		0, 0);
	CHECK_EQ(dma(SID + 2, NO_SSID, VA, 0), SIM_UR);
}

/* --- stage 1 through stage 2 ---------------------------------------------------------------- */

static struct table nest_s1, nest_s2;
static u64 nest_cd;

static void start_nested(const char *words)
{
	bench_start(words);
	nest_s2 = new_s2();
	nest_s1 = new_table(12, 0, 48, IPA_OFFSET);
	nest_cd = new_pages(1);
	put_ste(SID, STE_NESTED(nest_cd - IPA_OFFSET), 0, S2_WORD(9) | STE_2_S2PTW, nest_s2.root);
	put_cd(nest_cd, CD_WORD(7), nest_s1.root, 0);
}

TEST(nested)
{
	u64 value;

	start_nested("");
	map(&nest_s1, VA, 3, DATA - IPA_OFFSET + 0x5000, S1_RW);
	map(&nest_s1, 0x40000000, 1, 0, S1_RW);
	put64(DATA + 0x5008, 1234);
	CHECK_EQ(dma_read(SID, VA + 8, &value), SIM_OK);
	CHECK_EQ(value, 1234);
	CHECK_EQ(reply.phys, DATA + 0x5008);
	CHECK_EQ(reply.length, 0x1000 - 8);
	/* A gigabyte of stage 1 over 2M of stage 2: the smaller counts. */
	CHECK_EQ(dma_read(SID, 0x40000000 + (DATA - IPA_OFFSET) + 0x5008, &value), SIM_OK);
	CHECK_EQ(value, 1234);
	CHECK_EQ(reply.length, 0x200000 - 0x5008);
}

TEST(nested_granules_differ)
{
	struct table s1;

	start_nested("");
	/* 64K pages over 4K ones. */
	s1 = new_table(16, 1, 48, IPA_OFFSET);
	put_cd(nest_cd, CD_WORD(7) | FIELD_PREP(CD_0_TG0, 1), s1.root, 0);
	put64(descriptor(&nest_s2, DATA - IPA_OFFSET, 2), 0);
	map(&nest_s2, DATA - IPA_OFFSET + 0x3000, 3, DATA + 0x8000, S2_RW);
	map(&s1, 0x10000, 3, DATA - IPA_OFFSET, S1_RW);
	CHECK_EQ(dma(SID, NO_SSID, 0x13010, 0), SIM_OK);
	CHECK_EQ(reply.phys, DATA + 0x8010);
	CHECK_EQ(reply.length, 0xff0);
	CHECK_EQ(dma(SID, NO_SSID, 0x14010, 0), SIM_UR);
	check_event(F_TRANSLATION, true, CLASS_IN, 0x14010, DATA - IPA_OFFSET + 0x4000);
}

TEST(nested_faults_say_whose_they_are)
{
	start_nested("");
	/* Stage 1's. */
	CHECK_EQ(dma(SID, NO_SSID, VA, 0), SIM_UR);
	check_event(F_TRANSLATION, false, CLASS_IN, VA, 0);
	/* Stage 2's, of the address itself. */
	map(&nest_s1, VA, 3, 0x700000000000ULL, S1_RW);
	CHECK_EQ(dma(SID, NO_SSID, VA + 0x18, 0), SIM_UR);
	check_event(F_TRANSLATION, true, CLASS_IN, VA + 0x18, 0x700000000000ULL);
	/* Of a table of stage 1. */
	put64(descriptor(&nest_s1, 0, 1), 0x600000000000ULL | 3);
	CHECK_EQ(dma(SID, NO_SSID, 0x5000, 0), SIM_UR);
	check_event(F_TRANSLATION, true, CLASS_TT, 0x5000, 0x600000000000ULL);
	/* Of a CD. */
	put_ste(SID, STE_NESTED(0x500000000000ULL), 0, S2_WORD(9), nest_s2.root);
	command(CMD_CFGI_STE | (u64)SID << 32, 1);
	CHECK_EQ(dma(SID, NO_SSID, VA, 0), SIM_UR);
	check_event(F_TRANSLATION, true, CLASS_CD, VA, 0x500000000000ULL);
}

TEST(nested_permissions)
{
	u64 ipa = DATA - IPA_OFFSET;

	start_nested("");
	put64(descriptor(&nest_s2, ipa, 2), DATA | S2_RO | 1);
	map(&nest_s1, VA, 3, ipa, S1_RW);
	map(&nest_s1, VA + 0x1000, 3, ipa + SZ_2M, S1_RO);
	CHECK_EQ(dma(SID, NO_SSID, VA, SIM_DMA_WRITE), SIM_UR);
	check_event(F_PERMISSION, true, CLASS_IN, VA, ipa);
	CHECK_EQ(dma(SID, NO_SSID, VA + 0x1000, SIM_DMA_WRITE), SIM_UR);
	check_event(F_PERMISSION, false, CLASS_IN, VA + 0x1000, 0);
	/* From the cache the same. */
	CHECK_EQ(dma(SID, NO_SSID, VA, 0), SIM_OK);
	CHECK_EQ(dma(SID, NO_SSID, VA + 8, SIM_DMA_WRITE), SIM_UR);
	check_event(F_PERMISSION, true, CLASS_IN, VA + 8, ipa);
}

TEST(nested_tables_in_device_memory)
{
	u64 ipa = nest_cd;

	start_nested("");
	map(&nest_s1, VA, 3, DATA - IPA_OFFSET, S1_RW);
	ipa = nest_cd - IPA_OFFSET;
	put64(descriptor(&nest_s2, ipa, 2), (nest_cd & ~(SZ_2M - 1)) | TT_AF | TT_S2AP_R | TT_S2AP_W | 1);
	CHECK_EQ(dma(SID, NO_SSID, VA, 0), SIM_UR);
	check_event(F_PERMISSION, true, CLASS_CD, VA, ipa);
}

TEST(nested_access_flag_needs_a_writable_table)
{
	u64 at;

	start_nested("");
	put_cd(nest_cd, CD_WORD(7) | CD_0_HA, nest_s1.root, 0);
	map(&nest_s1, VA, 3, DATA - IPA_OFFSET, S1_RW & ~TT_AF);
	at = descriptor(&nest_s1, VA, 3);
	CHECK_EQ(dma(SID, NO_SSID, VA, 0), SIM_OK);
	CHECK(get64(at) & TT_AF);
	start_nested("");
	put_cd(nest_cd, CD_WORD(7) | CD_0_HA, nest_s1.root, 0);
	map(&nest_s1, VA, 3, DATA - IPA_OFFSET, S1_RW & ~TT_AF);
	at = descriptor(&nest_s1, VA, 3);
	put64(descriptor(&nest_s2, at - IPA_OFFSET, 2), (at & ~(SZ_2M - 1)) | S2_RO | 1);
	CHECK_EQ(dma(SID, NO_SSID, VA, 0), SIM_UR);
	check_event(F_PERMISSION, true, CLASS_TT, VA, (at - IPA_OFFSET) & ~0xfffULL);
	CHECK(!(get64(at) & TT_AF));
}

TEST(nested_cd_table)
{
	u64 l1, l2;

	start_nested("");
	l1 = new_pages(1);
	l2 = new_pages(1);
	put_ste(SID, STE_NESTED(l1 - IPA_OFFSET) | FIELD_PREP(STE_0_S1FMT, 1) |
		FIELD_PREP(STE_0_S1CDMAX, 8), 0, S2_WORD(9), nest_s2.root);
	put64(l1 + 8 * 2, (l2 - IPA_OFFSET) | 1);
	put_cd(l2 + 64 * 3, CD_WORD(7), nest_s1.root, 0);
	map(&nest_s1, VA, 3, DATA - IPA_OFFSET, S1_RW);
	CHECK_EQ(dma(SID, 2 * 64 + 3, VA, 0), SIM_OK);
	CHECK_EQ(reply.phys, DATA);
}

TAP_MAIN
