// SPDX-License-Identifier: GPL-2.0-only
/*
 * The model of SMMUv3: what it caches stays until the right command drops it, and
 * each command drops what it must and nothing else.
 */
#include "ssim.h"
#include "tap.h"

#define SID	5
#define VA	0x123456789000ULL
#define IPA(x)	((x) - IPA_OFFSET)

static u64 cmd_sid(u64 op, u32 sid)
{
	return op | (u64)sid << 32;
}

static u64 cmd_tlbi(u64 op, u16 vmid, u16 asid)
{
	return op | FIELD_PREP(TLBI_0_VMID, vmid) | FIELD_PREP(TLBI_0_ASID, asid);
}

/* Does a read at @addr lead to @phys? 0: to a fault. */
static bool leads(u32 sid, u64 addr, u64 phys)
{
	enum sim_status status = dma(sid, NO_SSID, addr, 0);

	return phys ? status == SIM_OK && reply.phys == phys : status == SIM_UR;
}

/* --- configuration ------------------------------------------------------------------- */

TEST(ste_stays_until_cfgi_ste)
{
	bench_start("");
	put_ste(SID, STE_BYPASS, 0, 0, 0);
	put_ste(SID + 1, STE_BYPASS, 0, 0, 0);
	CHECK(leads(SID, DATA, DATA));
	CHECK(leads(SID + 1, DATA, DATA));
	put_ste(SID, STE_ABORT, 0, 0, 0);
	put_ste(SID + 1, STE_ABORT, 0, 0, 0);
	CHECK(leads(SID, DATA, DATA));
	do_sync();
	CHECK(leads(SID, DATA, DATA));
	CHECK_EQ(command(cmd_sid(CMD_CFGI_STE, SID), 1), CERROR_NONE);
	CHECK(leads(SID, DATA, 0));
	CHECK(leads(SID + 1, DATA, DATA));
	CHECK_EQ(counter("CFGI_STE"), 1);
	CHECK_EQ(counter("wide.CFGI_STE"), 0);
}

TEST(invalid_ste_stays_too)
{
	bench_start("");
	CHECK(leads(SID, DATA, 0));
	put_ste(SID, STE_BYPASS, 0, 0, 0);
	CHECK(leads(SID, DATA, 0));
	command(cmd_sid(CMD_CFGI_STE, SID), 1);
	CHECK(leads(SID, DATA, DATA));
}

TEST(caches_outlive_smmuen)
{
	bench_start("");
	put_ste(SID, STE_ABORT, 0, 0, 0);
	CHECK(leads(SID, DATA, 0));
	put_ste(SID, STE_BYPASS, 0, 0, 0);
	set_reg(R_CR0, CR0_CMDQEN | CR0_EVENTQEN);
	reg(R_CR0ACK);
	set_reg(R_CR0, CR0_CMDQEN | CR0_EVENTQEN | CR0_SMMUEN);
	reg(R_CR0ACK);
	CHECK(leads(SID, DATA, 0));
}

TEST(cfgi_ste_range_and_all)
{
	unsigned int i;

	bench_start("");
	for (i = 0; i < 16; i++) {
		put_ste(i, STE_BYPASS, 0, 0, 0);
		CHECK(leads(i, DATA, DATA));
		put_ste(i, STE_ABORT, 0, 0, 0);
	}
	/* 4 to 7, however the StreamID is aligned. */
	CHECK_EQ(command(cmd_sid(CMD_CFGI_STE_RANGE, 6), 1), CERROR_NONE);
	for (i = 0; i < 16; i++)
		CHECK(leads(i, DATA, i >= 4 && i < 8 ? 0 : DATA));
	CHECK_EQ(counter("wide.CFGI_STE_RANGE"), 0);
	CHECK_EQ(command(CMD_CFGI_STE_RANGE, 31), CERROR_NONE);
	for (i = 0; i < 16; i++)
		CHECK(leads(i, DATA, 0));
	CHECK_EQ(counter("CFGI_ALL"), 1);
	/* Of four changed and twelve that had not, all went: ... */
	CHECK_EQ(counter("wide.CFGI_ALL"), 1);
}

TEST(l1std_stays_without_leaf_clear)
{
	u64 l2;

	bench_start("");
	set_reg(R_CR0, CR0_CMDQEN | CR0_EVENTQEN);
	reg(R_CR0ACK);
	set_reg(R_STRTAB_BASE_CFG, 1 << 16 | 8 << 6 | 14);
	set_reg(R_CR0, CR0_CMDQEN | CR0_EVENTQEN | CR0_SMMUEN);
	reg(R_CR0ACK);
	l2 = new_pages(4);
	put64(l2 + 64 * 3, STE_BYPASS);
	CHECK(leads(0x203, DATA, 0));
	put64(STRTAB + 8 * 2, l2 | 9);
	command(cmd_sid(CMD_CFGI_STE, 0x203), 1);
	CHECK(leads(0x203, DATA, 0));
	command(cmd_sid(CMD_CFGI_STE, 0x303), 0);
	CHECK(leads(0x203, DATA, 0));
	/* Of any stream of the span. */
	command(cmd_sid(CMD_CFGI_STE, 0x2ff), 0);
	CHECK(leads(0x203, DATA, DATA));
}

static struct table cds_s1[4];
static u64 cds;

/* Substreams 1 to 3 have each their own ASID and page for VA. */
static void start_substreams(unsigned int fmt)
{
	unsigned int i;
	u64 l2;

	bench_start("");
	cds = new_pages(1);
	l2 = fmt ? new_pages(1) : cds;
	if (fmt)
		put64(cds, l2 | 1);
	put_ste(SID, STE_S1(cds) | FIELD_PREP(STE_0_S1FMT, fmt) | FIELD_PREP(STE_0_S1CDMAX, 6),
		0, 0, 0);
	for (i = 1; i < 4; i++) {
		cds_s1[i] = new_table(12, 0, 48, 0);
		map(&cds_s1[i], VA, 3, DATA + 0x1000 * i, S1_RW);
		put_cd(l2 + 64 * i, CD_WORD(i), cds_s1[i].root, 0);
	}
	cds = l2;
}

static bool ss_leads(u32 ssid, u64 addr, u64 phys)
{
	enum sim_status status = dma(SID, ssid, addr, 0);

	return phys ? status == SIM_OK && reply.phys == phys : status == SIM_UR;
}

TEST(cd_stays_until_cfgi_cd)
{
	start_substreams(0);
	CHECK(ss_leads(1, VA, DATA + 0x1000));
	CHECK(ss_leads(2, VA, DATA + 0x2000));
	put_cd(cds + 64, CD_WORD(3), cds_s1[3].root, 0);
	put_cd(cds + 128, CD_WORD(3), cds_s1[3].root, 0);
	CHECK(ss_leads(1, VA, DATA + 0x1000));
	CHECK_EQ(command(cmd_sid(CMD_CFGI_CD, SID) | 1 << 12, 1), CERROR_NONE);
	CHECK(ss_leads(1, VA, DATA + 0x3000));
	CHECK(ss_leads(2, VA, DATA + 0x2000));
	CHECK_EQ(command(cmd_sid(CMD_CFGI_CD_ALL, SID + 1), 0), CERROR_NONE);
	CHECK(ss_leads(2, VA, DATA + 0x2000));
	CHECK_EQ(command(cmd_sid(CMD_CFGI_CD_ALL, SID), 0), CERROR_NONE);
	CHECK(ss_leads(2, VA, DATA + 0x3000));
	CHECK_EQ(counter("wide.CFGI_CD_ALL"), 1);
}

TEST(cd_goes_with_its_ste)
{
	start_substreams(0);
	CHECK(ss_leads(1, VA, DATA + 0x1000));
	CHECK(ss_leads(2, VA, DATA + 0x2000));
	put_cd(cds + 64, CD_WORD(3), cds_s1[3].root, 0);
	command(cmd_sid(CMD_CFGI_STE, SID), 1);
	CHECK(ss_leads(1, VA, DATA + 0x3000));
	CHECK_EQ(counter("wide.CFGI_STE"), 0);
}

TEST(l1cd_stays_without_leaf_clear)
{
	u64 l1, l2;

	start_substreams(1);
	l1 = get64(STRTAB + 64 * SID) & STE_0_S1CONTEXTPTR;
	CHECK(ss_leads(1, VA, DATA + 0x1000));
	l2 = new_pages(1);
	put_cd(l2 + 64, CD_WORD(3), cds_s1[3].root, 0);
	put64(l1, l2 | 1);
	command(cmd_sid(CMD_CFGI_CD, SID) | 1 << 12, 1);
	CHECK(ss_leads(1, VA, DATA + 0x1000));
	command(cmd_sid(CMD_CFGI_CD, SID) | 1 << 12, 0);
	CHECK(ss_leads(1, VA, DATA + 0x3000));
}

TEST(cfgi_without_stage1)
{
	bench_start("-S1P");
	CHECK_EQ(command(cmd_sid(CMD_CFGI_CD, SID), 1), CERROR_ILL);
	CHECK_EQ(command(cmd_sid(CMD_CFGI_CD_ALL, SID), 1), CERROR_ILL);
	CHECK_EQ(command(cmd_sid(CMD_CFGI_STE, SID) | CMD_0_SSEC, 1), CERROR_ILL);
	CHECK_EQ(counter("bad.CERROR_ILL"), 3);
}

/* --- changes of structures --------------------------------------------------------------- */

TEST(torn_ste)
{
	bench_start("");
	put_ste(SID, STE_ABORT, 0, 0, 0);
	CHECK(leads(SID, DATA, 0));
	/* All at once: the unit may see Config 0b110 with the rest of before. */
	put_ste(SID, STE_S2, 0, S2_WORD(1), RAM);
	command(cmd_sid(CMD_CFGI_STE, SID), 1);
	CHECK_EQ(counter("bad.torn_STE"), 1);
	/* What counts for neither first, then one word, then the rest. */
	put_ste(SID, STE_ABORT, 0, S2_WORD(1), RAM);
	command(cmd_sid(CMD_CFGI_STE, SID), 1);
	put_ste(SID, STE_ABORT, 0, S2_WORD(2), RAM + 0x1000);
	command(cmd_sid(CMD_CFGI_STE, SID), 1);
	put_ste(SID, STE_S2, 0, S2_WORD(2), RAM + 0x1000);
	command(cmd_sid(CMD_CFGI_STE, SID), 1);
	CHECK_EQ(counter("bad.torn_STE"), 1);
	/* From V = 0 to V = 1 likewise. */
	put_ste(SID, 0, 0, 0, 0);
	command(cmd_sid(CMD_CFGI_STE, SID), 1);
	CHECK_EQ(counter("bad.torn_STE"), 2);
	put_ste(SID, STE_BYPASS, 0, 0, 0);
	command(cmd_sid(CMD_CFGI_STE, SID), 1);
	CHECK_EQ(counter("bad.torn_STE"), 2);
}

TEST(torn_ste_in_a_table_nobody_saw)
{
	bench_start("");
	/* Nobody fetched it: it may be written as one likes. */
	put_ste(SID, STE_S2, 0, S2_WORD(1), RAM);
	command(cmd_sid(CMD_CFGI_STE, SID), 1);
	CHECK_EQ(counter("bad.torn_STE"), 0);
}

TEST(torn_cd)
{
	start_substreams(0);
	CHECK(ss_leads(1, VA, DATA + 0x1000));
	/* One word: fine. */
	put_cd(cds + 64, CD_WORD(9), cds_s1[1].root, 0);
	command(cmd_sid(CMD_CFGI_CD, SID) | 1 << 12, 1);
	CHECK_EQ(counter("bad.torn_CD"), 0);
	put_cd(cds + 64, CD_WORD(1), cds_s1[2].root, 0);
	command(cmd_sid(CMD_CFGI_CD, SID) | 1 << 12, 1);
	CHECK_EQ(counter("bad.torn_CD"), 1);
	/* Through V = 0: TTB0 changes while nobody looks. */
	put_cd(cds + 64, 0, cds_s1[2].root, 0);
	command(cmd_sid(CMD_CFGI_CD, SID) | 1 << 12, 1);
	put_cd(cds + 64, 0, cds_s1[3].root, 0);
	command(cmd_sid(CMD_CFGI_CD, SID) | 1 << 12, 1);
	put_cd(cds + 64, CD_WORD(3), cds_s1[3].root, 0);
	command(cmd_sid(CMD_CFGI_CD, SID) | 1 << 12, 1);
	CHECK_EQ(counter("bad.torn_CD"), 1);
}

/* --- stage 2 alone -------------------------------------------------------------------------- */

static struct table s2a, s2b;

/* Streams 5 (VMID 1) and 6 (VMID 2), each with four pages from VA on. */
static void start_two_vmids(const char *words)
{
	unsigned int i;

	bench_start(words);
	s2a = new_table(12, 0, 48, 0);
	s2b = new_table(12, 0, 48, 0);
	put_ste(SID, STE_S2, 0, S2_WORD(1), s2a.root);
	put_ste(SID + 1, STE_S2, 0, S2_WORD(2), s2b.root);
	for (i = 0; i < 4; i++) {
		map(&s2a, VA + i * 0x1000, 3, DATA + i * 0x1000, S2_RW);
		map(&s2b, VA + i * 0x1000, 3, DATA + 0x10000 + i * 0x1000, S2_RW);
		CHECK(leads(SID, VA + i * 0x1000, DATA + i * 0x1000));
		CHECK(leads(SID + 1, VA + i * 0x1000, DATA + 0x10000 + i * 0x1000));
	}
	for (i = 0; i < 4; i++) {
		put64(descriptor(&s2a, VA + i * 0x1000, 3), 0);
		put64(descriptor(&s2b, VA + i * 0x1000, 3), 0);
	}
}

/* Which of the eight translations are still cached, as bits. */
static u8 cached(void)
{
	u8 bits = 0;
	unsigned int i;
	u64 e[4];

	for (i = 0; i < 4; i++) {
		bits |= (dma(SID, NO_SSID, VA + i * 0x1000, 0) == SIM_OK) << i;
		bits |= (dma(SID + 1, NO_SSID, VA + i * 0x1000, 0) == SIM_OK) << (i + 4);
		while (next_event(e))
			;
	}
	return bits;
}

TEST(s2_ipa)
{
	start_two_vmids("");
	CHECK_EQ(cached(), 0xff);
	CHECK_EQ(command(cmd_tlbi(CMD_TLBI_S2_IPA, 1, 0), VA + 0x1000 + 1), CERROR_NONE);
	CHECK_EQ(cached(), 0xfd);
	CHECK_EQ(command(cmd_tlbi(CMD_TLBI_S2_IPA, 2, 0), VA + 0x3000 + 1), CERROR_NONE);
	CHECK_EQ(cached(), 0x7d);
	/* Those of stage 1 have no business here. */
	CHECK_EQ(command(cmd_tlbi(CMD_TLBI_NH_ALL, 1, 0), 0), CERROR_NONE);
	CHECK_EQ(cached(), 0x7d);
	CHECK_EQ(counter("wide.TLBI_S2_IPA"), 0);
}

TEST(s2_vmall)
{
	start_two_vmids("");
	CHECK_EQ(command(cmd_tlbi(CMD_TLBI_S12_VMALL, 2, 0), 0), CERROR_NONE);
	CHECK_EQ(cached(), 0x0f);
	start_two_vmids("");
	CHECK_EQ(command(CMD_TLBI_NSNH_ALL, 0), CERROR_NONE);
	CHECK_EQ(cached(), 0);
}

TEST(s2_ranges)
{
	u64 range = FIELD_PREP(TLBI_0_NUM, 1), tg = FIELD_PREP(TLBI_1_TG, 1);

	start_two_vmids("");
	/* Two pages. */
	CHECK_EQ(command(cmd_tlbi(CMD_TLBI_S2_IPA, 1, 0) | range, (VA + 0x1000) | tg | 1), CERROR_NONE);
	CHECK_EQ(cached(), 0xf9);
	/* One, by its level. */
	CHECK_EQ(command(cmd_tlbi(CMD_TLBI_S2_IPA, 2, 0), VA | tg | FIELD_PREP(TLBI_1_TTL, 3) | 1),
		 CERROR_NONE);
	CHECK_EQ(cached(), 0xe9);
	/* Another level, another granule: nothing. */
	CHECK_EQ(command(cmd_tlbi(CMD_TLBI_S2_IPA, 2, 0) | FIELD_PREP(TLBI_0_SCALE, 5),
			 (VA & ~0x1fffffULL) | tg | FIELD_PREP(TLBI_1_TTL, 2) | 1), CERROR_NONE);
	CHECK_EQ(command(cmd_tlbi(CMD_TLBI_S2_IPA, 2, 0) | FIELD_PREP(TLBI_0_SCALE, 5),
			 (VA & ~0xffffULL) | FIELD_PREP(TLBI_1_TG, 3) | 1), CERROR_NONE);
	CHECK_EQ(cached(), 0xe9);
	/* 4.4.1.1: reserved. */
	CHECK_EQ(command(cmd_tlbi(CMD_TLBI_S2_IPA, 2, 0), VA | tg | 1), CERROR_ILL);
	CHECK_EQ(cached(), 0xe9);
	/* Not aligned to the level: unpredictable. */
	CHECK_EQ(command(cmd_tlbi(CMD_TLBI_S2_IPA, 2, 0) | range,
			 VA | tg | FIELD_PREP(TLBI_1_TTL, 2) | 1), CERROR_NONE);
	CHECK_EQ(counter("bad.TLBI_alignment"), 1);
	/* 2 * 2^2 pages. */
	CHECK_EQ(command(cmd_tlbi(CMD_TLBI_S2_IPA, 2, 0) | range | FIELD_PREP(TLBI_0_SCALE, 2),
			 VA | tg | 1), CERROR_NONE);
	CHECK_EQ(cached(), 0x09);
}

TEST(s2_ranges_without_ril)
{
	start_two_vmids("-RIL");
	CHECK_EQ(command(cmd_tlbi(CMD_TLBI_S2_IPA, 1, 0) | FIELD_PREP(TLBI_0_NUM, 3),
			 VA | FIELD_PREP(TLBI_1_TG, 1) | 1), CERROR_NONE);
	CHECK_EQ(cached(), 0xfe);
	CHECK_EQ(counter("bad.TLBI_range_without_RIL"), 1);
}

TEST(s2_block_by_any_address_of_it)
{
	struct table t;

	bench_start("");
	t = new_table(12, 0, 48, 0);
	put_ste(SID, STE_S2, 0, S2_WORD(1), t.root);
	map(&t, 0x40000000, 2, DATA, S2_RW);
	CHECK(leads(SID, 0x40000000, DATA));
	put64(descriptor(&t, 0x40000000, 2), 0);
	CHECK(leads(SID, 0x40123000, DATA + 0x123000));
	command(cmd_tlbi(CMD_TLBI_S2_IPA, 1, 0), 0x40200000 | 1);
	CHECK(leads(SID, 0x40123000, DATA + 0x123000));
	command(cmd_tlbi(CMD_TLBI_S2_IPA, 1, 0), 0x401ff000 | 1);
	CHECK(leads(SID, 0x40123000, 0));
}

TEST(s2_tables_stay_with_leaf)
{
	struct table t;
	u64 other;

	bench_start("");
	t = new_table(12, 0, 48, 0);
	put_ste(SID, STE_S2, 0, S2_WORD(1), t.root);
	map(&t, VA, 3, DATA, S2_RW);
	CHECK(leads(SID, VA, DATA));
	/* Another table takes the place of the last one. */
	other = new_pages(1);
	put64(other + 8 * ((VA >> 12) & 511), (DATA + 0x5000) | S2_RW | 3);
	put64(descriptor(&t, VA, 2), other | 3);
	command(cmd_tlbi(CMD_TLBI_S2_IPA, 1, 0), VA | 1);
	CHECK(leads(SID, VA, DATA));
	command(cmd_tlbi(CMD_TLBI_S2_IPA, 1, 0), VA);
	CHECK(leads(SID, VA, DATA + 0x5000));
}

TEST(s2_wide)
{
	struct table t;
	unsigned int i;

	bench_start("");
	t = new_table(12, 0, 48, 0);
	put_ste(SID, STE_S2, 0, S2_WORD(1), t.root);
	for (i = 0; i < 4; i++) {
		map(&t, VA + i * 0x1000, 3, DATA, S2_RW);
		CHECK(leads(SID, VA + i * 0x1000, DATA));
	}
	/* Nothing changed: an end of the address space, not too wide. */
	command(cmd_tlbi(CMD_TLBI_S12_VMALL, 1, 0), 0);
	CHECK_EQ(counter("wide.TLBI_S12_VMALL"), 0);
	for (i = 0; i < 4; i++)
		CHECK(leads(SID, VA + i * 0x1000, DATA));
	put64(descriptor(&t, VA, 3), 0);
	command(cmd_tlbi(CMD_TLBI_S12_VMALL, 1, 0), 0);
	CHECK_EQ(counter("wide.TLBI_S12_VMALL"), 1);
	for (i = 1; i < 4; i++)
		CHECK(leads(SID, VA + i * 0x1000, DATA));
	/* One page changed, two went. */
	put64(descriptor(&t, VA + 0x1000, 3), 0);
	command(cmd_tlbi(CMD_TLBI_S2_IPA, 1, 0) | FIELD_PREP(TLBI_0_NUM, 1),
		(VA + 0x1000) | FIELD_PREP(TLBI_1_TG, 1) | 1);
	CHECK_EQ(counter("wide.TLBI_S2_IPA"), 1);
	/* No table changed, but tables went. */
	put64(descriptor(&t, VA + 0x3000, 3), 0);
	command(cmd_tlbi(CMD_TLBI_S2_IPA, 1, 0), VA + 0x3000);
	CHECK_EQ(counter("wide.TLBI_S2_IPA"), 2);
	/* A table went: what was below it did, whatever is written there. */
	CHECK(leads(SID, VA + 0x2000, DATA));
	map(&t, VA + 0x1000, 3, DATA, S2_RW);
	CHECK(leads(SID, VA + 0x1000, DATA));
	put64(descriptor(&t, VA + 0x1000, 3), 0);
	put64(descriptor(&t, VA, 2), 0);
	command(cmd_tlbi(CMD_TLBI_S2_IPA, 1, 0) | FIELD_PREP(TLBI_0_NUM, 3),
		(VA & ~0x3fffULL) | FIELD_PREP(TLBI_1_TG, 1));
	CHECK_EQ(counter("wide.TLBI_S2_IPA"), 2);
}

/* --- stage 1 ------------------------------------------------------------------------------------ */

#define GLOBAL_VA	0x40000000ULL

/* Substreams 1 and 2, ASIDs 1 and 2, and a page that is global, of substream 1. */
static void start_asids(void)
{
	start_substreams(0);
	map(&cds_s1[1], GLOBAL_VA, 3, DATA + 0x8000, S1_RW & ~TT_NG);
	map(&cds_s1[1], VA + 0x1000, 3, DATA + 0x9000, S1_RW);
	CHECK(ss_leads(1, VA, DATA + 0x1000));
	CHECK(ss_leads(2, VA, DATA + 0x2000));
	CHECK(ss_leads(1, GLOBAL_VA, DATA + 0x8000));
	CHECK(ss_leads(1, VA + 0x1000, DATA + 0x9000));
	put64(descriptor(&cds_s1[1], VA, 3), 0);
	put64(descriptor(&cds_s1[2], VA, 3), 0);
	put64(descriptor(&cds_s1[1], GLOBAL_VA, 3), 0);
	put64(descriptor(&cds_s1[1], VA + 0x1000, 3), 0);
}

/* 1: VA of ASID 1, 2: VA of ASID 2, 4: the global one, 8: VA + 4K of ASID 1 */
static u8 s1_cached(void)
{
	u8 bits = ss_leads(1, VA, DATA + 0x1000) | ss_leads(2, VA, DATA + 0x2000) << 1 |
		  ss_leads(1, GLOBAL_VA, DATA + 0x8000) << 2 |
		  ss_leads(1, VA + 0x1000, DATA + 0x9000) << 3;
	u64 e[4];

	while (next_event(e))
		;
	return bits;
}

TEST(global_entry_is_for_all_asids)
{
	start_asids();
	CHECK_EQ(s1_cached(), 15);
	/* Substream 2 has nothing there. */
	CHECK(ss_leads(2, GLOBAL_VA, DATA + 0x8000));
}

TEST(nh_commands)
{
	static const struct { u64 op; u16 vmid, asid; u64 addr; u8 left; } cases[] = {
		{ CMD_TLBI_NH_ASID, 0, 1, 0, 6 },
		{ CMD_TLBI_NH_ASID, 0, 3, 0, 15 },
		{ CMD_TLBI_NH_ASID, 1, 1, 0, 15 },
		{ CMD_TLBI_NH_VA, 0, 1, VA | 1, 14 },
		{ CMD_TLBI_NH_VA, 0, 2, VA | 1, 13 },
		{ CMD_TLBI_NH_VA, 0, 2, GLOBAL_VA | 1, 11 },
		{ CMD_TLBI_NH_VA, 1, 1, VA | 1, 15 },
		{ CMD_TLBI_NH_VAA, 0, 9, VA | 1, 12 },
		{ CMD_TLBI_NH_VAA, 0, 9, GLOBAL_VA | 1, 11 },
		{ CMD_TLBI_NH_ALL, 0, 9, 0, 0 },
		{ CMD_TLBI_NH_ALL, 1, 9, 0, 15 },
		{ CMD_TLBI_S12_VMALL, 0, 0, 0, 0 },
		{ CMD_TLBI_S12_VMALL, 1, 0, 0, 15 },
		{ CMD_TLBI_S2_IPA, 0, 0, VA | 1, 15 },
		{ CMD_TLBI_NSNH_ALL, 0, 0, 0, 0 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		start_asids();
		CHECK_EQ(command(cmd_tlbi(cases[i].op, cases[i].vmid, cases[i].asid),
				 cases[i].addr), CERROR_NONE);
		if (!CHECK_EQ(s1_cached(), cases[i].left))
			printf("# case %u\n", i);
	}
}

TEST(nh_range)
{
	start_asids();
	CHECK_EQ(command(cmd_tlbi(CMD_TLBI_NH_VA, 0, 1) | FIELD_PREP(TLBI_0_NUM, 1),
			 VA | FIELD_PREP(TLBI_1_TG, 1) | 1), CERROR_NONE);
	CHECK_EQ(s1_cached(), 6);
}

TEST(s1_tables_stay_with_leaf)
{
	u64 other;

	start_substreams(0);
	CHECK(ss_leads(1, VA, DATA + 0x1000));
	other = new_pages(1);
	put64(other + 8 * ((VA >> 12) & 511), (DATA + 0x5000) | S1_RW | 3);
	put64(descriptor(&cds_s1[1], VA, 2), other | 3);
	command(cmd_tlbi(CMD_TLBI_NH_VA, 0, 1), VA | 1);
	CHECK(ss_leads(1, VA, DATA + 0x1000));
	command(cmd_tlbi(CMD_TLBI_NH_VA, 0, 2), VA);
	CHECK(ss_leads(1, VA, DATA + 0x1000));
	command(cmd_tlbi(CMD_TLBI_NH_VA, 0, 1), VA);
	CHECK(ss_leads(1, VA, DATA + 0x5000));
}

TEST(s1_without_stage2_commands)
{
	bench_start("-S2P");
	CHECK_EQ(command(CMD_TLBI_S2_IPA, VA), CERROR_ILL);
	CHECK_EQ(command(CMD_TLBI_S12_VMALL, 0), CERROR_ILL);
	CHECK_EQ(command(CMD_TLBI_NSNH_ALL, 0), CERROR_NONE);
	CHECK_EQ(command(CMD_TLBI_EL2_ALL, 0), CERROR_ILL);
	CHECK_EQ(command(CMD_TLBI_EL2_VA, 0), CERROR_ILL);
	/* EL3, secure, reserved. */
	CHECK_EQ(command(0x18, 0), CERROR_ILL);
	CHECK_EQ(command(0x1a, 0), CERROR_ILL);
	CHECK_EQ(command(0x50, 0), CERROR_ILL);
	CHECK_EQ(command(0x60, 0), CERROR_ILL);
	CHECK_EQ(command(0x07, 0), CERROR_ILL);
	CHECK_EQ(command(0, 0), CERROR_ILL);
	bench_start("-S1P");
	CHECK_EQ(command(CMD_TLBI_NH_ALL, 0), CERROR_ILL);
	CHECK_EQ(command(CMD_TLBI_NH_VA, 0), CERROR_ILL);
}

/* A stream of EL2, with ASIDs or without. */
static struct table start_el2(u32 cr2)
{
	struct table t;
	u64 cd;

	bench_start("HYP");
	set_reg(R_CR0, CR0_CMDQEN | CR0_EVENTQEN);
	reg(R_CR0ACK);
	set_reg(R_CR2, cr2);
	set_reg(R_CR0, CR0_CMDQEN | CR0_EVENTQEN | CR0_SMMUEN);
	reg(R_CR0ACK);
	t = new_table(12, 0, 48, 0);
	cd = new_pages(1);
	put_ste(SID, STE_S1(cd), FIELD_PREP(STE_1_STRW, STRW_EL2), 0, 0);
	put_cd(cd, CD_WORD(4), t.root, 0);
	map(&t, VA, 3, DATA, S1_RW & ~TT_AP_USER);
	put_ste(SID + 1, STE_BYPASS, 0, 0, 0);
	return t;
}

TEST(el2)
{
	static const struct { u64 op; u16 asid; u64 addr; u32 cr2; bool left; } cases[] = {
		{ CMD_TLBI_NH_ALL, 0, 0, 0, true },
		{ CMD_TLBI_NSNH_ALL, 0, 0, 0, true },
		{ CMD_TLBI_EL2_ALL, 0, 0, 0, false },
		{ CMD_TLBI_EL2_ALL, 0, 0, CR2_E2H, false },
		{ CMD_TLBI_EL2_VA, 9, VA | 1, 0, false },
		{ CMD_TLBI_EL2_VA, 9, VA | 1, CR2_E2H, true },
		{ CMD_TLBI_EL2_VA, 4, VA | 1, CR2_E2H, false },
		{ CMD_TLBI_EL2_VAA, 9, VA | 1, CR2_E2H, false },
		{ CMD_TLBI_EL2_ASID, 4, 0, 0, true },
		{ CMD_TLBI_EL2_ASID, 9, 0, CR2_E2H, true },
		{ CMD_TLBI_EL2_ASID, 4, 0, CR2_E2H, false },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct table t = start_el2(cases[i].cr2);
		u64 priv = cases[i].cr2 ? FIELD_PREP(STE_1_PRIVCFG, 3) : 0;

		/* EL2 has one privilege; EL2-E2H has two, like EL1. */
		put64(STRTAB + 64 * SID + 8, get64(STRTAB + 64 * SID + 8) | priv);
		CHECK(leads(SID, VA, DATA));
		put64(descriptor(&t, VA, 3), 0);
		CHECK_EQ(command(cmd_tlbi(cases[i].op, 0, cases[i].asid), cases[i].addr),
			 CERROR_NONE);
		if (!CHECK_EQ(leads(SID, VA, DATA), cases[i].left))
			printf("# case %u\n", i);
	}
}

/* --- both ------------------------------------------------------------------------------------------- */

static struct table nest_s1, nest_s2;
static u64 nest_cd;

static void start_nested(void)
{
	bench_start("");
	nest_s2 = new_s2();
	nest_s1 = new_table(12, 0, 48, IPA_OFFSET);
	nest_cd = new_pages(1);
	put_ste(SID, STE_NESTED(IPA(nest_cd)), 0, S2_WORD(9), nest_s2.root);
	put_cd(nest_cd, CD_WORD(7), nest_s1.root, 0);
	map(&nest_s1, VA, 3, IPA(DATA) + 0x3000, S1_RW);
}

TEST(nested_translation_outlives_s2_ipa)
{
	start_nested();
	CHECK(leads(SID, VA, DATA + 0x3000));
	/* Stage 2 leads elsewhere. */
	put64(descriptor(&nest_s2, IPA(DATA), 2), (DATA + SZ_2M) | S2_RW | 1);
	command(cmd_tlbi(CMD_TLBI_S2_IPA, 9, 0), IPA(DATA) | 1);
	CHECK(leads(SID, VA, DATA + 0x3000));
	CHECK_EQ(command(cmd_tlbi(CMD_TLBI_NH_ALL, 8, 0), 0), CERROR_NONE);
	CHECK(leads(SID, VA, DATA + 0x3000));
	command(cmd_tlbi(CMD_TLBI_NH_ALL, 9, 0), 0);
	CHECK(leads(SID, VA, DATA + SZ_2M + 0x3000));
	CHECK_EQ(counter("wide.TLBI_NH_ALL"), 0);
	/* The other way round: what stage 2 has cached is used again. */
	put64(descriptor(&nest_s2, IPA(DATA), 2), DATA | S2_RW | 1);
	command(cmd_tlbi(CMD_TLBI_NH_ALL, 9, 0), 0);
	CHECK(leads(SID, VA, DATA + SZ_2M + 0x3000));
	command(cmd_tlbi(CMD_TLBI_S12_VMALL, 9, 0), 0);
	CHECK(leads(SID, VA, DATA + 0x3000));
}

TEST(nested_table_moves)
{
	u64 old, new, ipa;

	start_nested();
	CHECK(leads(SID, VA, DATA + 0x3000));
	/* The page of the last table is another one now. */
	old = descriptor(&nest_s1, VA, 3) & ~0xfffULL;
	new = DATA + 0x100000;
	ipa = IPA(old);
	put64(new + ((VA >> 12) & 511) * 8, (IPA(DATA) + 0x7000) | S1_RW | 3);
	put64(descriptor(&nest_s2, ipa, 2), 0);
	map(&nest_s2, ipa, 3, new, S2_RW);
	command(cmd_tlbi(CMD_TLBI_NH_ALL, 9, 0), 0);
	CHECK(leads(SID, VA, DATA + 0x3000));
	command(cmd_tlbi(CMD_TLBI_S2_IPA, 9, 0), ipa);
	command(cmd_tlbi(CMD_TLBI_NH_ALL, 9, 0), 0);
	/* The tables above it were in that block, too. */
	CHECK(leads(SID, VA, 0));
}

TEST(block_of_stage1_in_pieces)
{
	start_nested();
	map(&nest_s1, 0x40000000, 1, 0, S1_RW);
	CHECK(leads(SID, 0x40000000 + IPA(DATA), DATA));
	CHECK(leads(SID, 0x40000000 + IPA(DATA) + SZ_2M, DATA + SZ_2M));
	put64(descriptor(&nest_s1, 0x40000000, 1), 0);
	/* Any address of the block takes all that was made of it. */
	command(cmd_tlbi(CMD_TLBI_NH_VA, 9, 7), 0x40000000 | 1);
	CHECK(leads(SID, 0x40000000 + IPA(DATA), 0));
	CHECK(leads(SID, 0x40000000 + IPA(DATA) + SZ_2M, 0));
}

TEST(prefetch)
{
	u64 e[4];

	start_nested();
	CHECK_EQ(command(cmd_sid(CMD_PREFETCH_CONFIG, SID), 0), CERROR_NONE);
	/* Cached: a change is not seen. */
	put64(STRTAB + 64 * SID, STE_ABORT);
	put64(nest_cd, 0);
	CHECK(leads(SID, VA, DATA + 0x3000));
	start_nested();
	CHECK_EQ(command(cmd_sid(CMD_PREFETCH_ADDR, SID), VA), CERROR_NONE);
	put64(descriptor(&nest_s1, VA, 3), 0);
	CHECK(leads(SID, VA, DATA + 0x3000));
	/* Whatever is wrong, nobody is told. */
	CHECK_EQ(command(cmd_sid(CMD_PREFETCH_ADDR, SID), VA + 0x1000), CERROR_NONE);
	CHECK_EQ(command(cmd_sid(CMD_PREFETCH_CONFIG, SID + 1), 0), CERROR_NONE);
	CHECK_EQ(command(cmd_sid(CMD_PREFETCH_CONFIG, 9999), 0), CERROR_NONE);
	CHECK(!next_event(e));
}

TEST(cache_runs_full)
{
	struct table t;
	unsigned int i;

	bench_start("");
	t = new_table(12, 0, 48, 0);
	put_ste(SID, STE_S2, 0, S2_WORD(1), t.root);
	for (i = 0; i < 5000; i++) {
		map(&t, i * 0x1000, 3, DATA, S2_RW);
		dma(SID, NO_SSID, i * 0x1000, 0);
	}
	CHECK(counter("cache_full"));
	/* What fitted is there, what did not still works. */
	put64(descriptor(&t, 0, 3), 0);
	CHECK(leads(SID, 0, DATA));
	CHECK(leads(SID, 4999 * 0x1000, DATA));
}

TAP_MAIN
