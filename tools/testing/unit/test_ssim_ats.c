// SPDX-License-Identifier: GPL-2.0-only
/*
 * The model of SMMUv3: translation requests, translated requests, invalidation of
 * devices' TLBs, page requests and their answers.
 */
#include "ssim.h"
#include "tap.h"

#define SID	5
#define VA	0x123456789000ULL
#define IPA(x)	((x) - IPA_OFFSET)

static struct table t, s2;
static u64 cd;

static void start_s1(const char *words, u64 w1)
{
	bench_start(words);
	t = new_table(12, 0, 48, 0);
	cd = new_pages(1);
	put_ste(SID, STE_S1(cd) | FIELD_PREP(STE_0_S1CDMAX, 2),
		w1 | FIELD_PREP(STE_1_S1DSS, S1DSS_SSID0), 0, 0);
	put_cd(cd, CD_WORD(7), t.root, 0);
	put_cd(cd + 64, CD_WORD(8), t.root, 0);
}

static void start_nested(u64 eats, u32 cr0)
{
	bench_start("");
	s2 = new_s2();
	t = new_table(12, 0, 48, IPA_OFFSET);
	cd = new_pages(1);
	put_ste(SID, STE_NESTED(IPA(cd)), FIELD_PREP(STE_1_EATS, eats), S2_WORD(9), s2.root);
	put_cd(cd, CD_WORD(7), t.root, 0);
	map(&t, VA, 3, IPA(DATA) + 0x5000, S1_RW);
	set_reg(R_CR0, reg(R_CR0) | cr0);
	reg(R_CR0ACK);
}

static void set_cr2(u32 cr2)
{
	u32 cr0 = reg(R_CR0);

	set_reg(R_CR0, cr0 & ~CR0_SMMUEN);
	reg(R_CR0ACK);
	set_reg(R_CR2, cr2);
	set_reg(R_CR0, cr0);
	reg(R_CR0ACK);
}

TEST(ats_full)
{
	start_s1("", FIELD_PREP(STE_1_EATS, EATS_FULL));
	map(&t, VA, 3, DATA, S1_RW);
	map(&t, 0x40000000, 2, DATA + SZ_2M, S1_RO);
	CHECK_EQ(ats(SID, NO_SSID, VA, SIM_DMA_WRITE), SIM_OK);
	CHECK_EQ(reply.phys, DATA);
	CHECK_EQ(reply.length, 0x1000);
	CHECK_EQ(reply.perms, SIM_ATS_READ | SIM_ATS_WRITE);
	/* Write is granted to who asked for it. */
	CHECK_EQ(ats(SID, NO_SSID, VA, 0), SIM_OK);
	CHECK_EQ(reply.perms, SIM_ATS_READ);
	CHECK_EQ(ats(SID, NO_SSID, 0x40000000, SIM_DMA_WRITE), SIM_OK);
	CHECK_EQ(reply.length, 0x200000);
	CHECK_EQ(reply.perms, SIM_ATS_READ);
}

TEST(ats_without_translation)
{
	u64 e[4];

	start_s1("", FIELD_PREP(STE_1_EATS, EATS_FULL));
	CHECK_EQ(ats(SID, NO_SSID, VA, 0), SIM_OK);
	CHECK_EQ(reply.perms, 0);
	CHECK_EQ(reply.length, 0x1000);
	map(&t, VA, 3, DATA, S1_RW & ~TT_AF);
	CHECK_EQ(ats(SID, NO_SSID, VA, 0), SIM_OK);
	CHECK_EQ(reply.perms, 0);
	/* Nothing for users; and no record of any of it. */
	map(&t, VA + 0x1000, 3, DATA, S1_RW & ~TT_AP_USER);
	CHECK_EQ(ats(SID, 1, VA + 0x1000, 0), SIM_OK);
	CHECK_EQ(reply.perms, 0);
	CHECK_EQ(ats(SID, 1, VA + 0x1000, SIM_DMA_PRIV | SIM_DMA_WRITE), SIM_OK);
	CHECK_EQ(reply.perms, SIM_ATS_READ | SIM_ATS_WRITE | SIM_ATS_PRIV);
	CHECK(!next_event(e));
}

TEST(ats_execute)
{
	start_s1("", FIELD_PREP(STE_1_EATS, EATS_FULL));
	map(&t, VA, 3, DATA, S1_RO & ~TT_XN);
	CHECK_EQ(ats(SID, 1, VA, SIM_DMA_EXEC), SIM_OK);
	CHECK_EQ(reply.perms, SIM_ATS_READ | SIM_ATS_EXEC);
	CHECK_EQ(ats(SID, 1, VA, 0), SIM_OK);
	CHECK_EQ(reply.perms, SIM_ATS_READ);
	/* Execute-only cannot be said: nothing. */
	map(&t, VA + 0x1000, 3, DATA, (S1_RO & ~TT_XN) & ~TT_AP_USER);
	CHECK_EQ(ats(SID, 1, VA + 0x1000, SIM_DMA_EXEC), SIM_OK);
	CHECK_EQ(reply.perms, 0);
	CHECK_EQ(dma(SID, 1, VA + 0x1000, SIM_DMA_EXEC), SIM_OK);
}

TEST(ats_dirty)
{
	u64 at;

	start_s1("", FIELD_PREP(STE_1_EATS, EATS_FULL));
	put_cd(cd, CD_WORD(7) | CD_0_HA | CD_0_HD, t.root, 0);
	map(&t, VA, 3, DATA, (S1_RO & ~TT_AF) | TT_DBM);
	at = descriptor(&t, VA, 3);
	CHECK_EQ(ats(SID, NO_SSID, VA, 0), SIM_OK);
	CHECK_EQ(reply.perms, SIM_ATS_READ);
	CHECK(get64(at) & TT_AF && get64(at) & TT_AP_RO);
	CHECK_EQ(ats(SID, NO_SSID, VA, SIM_DMA_WRITE), SIM_OK);
	CHECK_EQ(reply.perms, SIM_ATS_READ | SIM_ATS_WRITE);
	CHECK(!(get64(at) & TT_AP_RO));
	/* Not of a page that is not the user's to write. */
	map(&t, VA + 0x1000, 3, DATA, (S1_RO & ~TT_AP_USER) | TT_DBM);
	CHECK_EQ(ats(SID, NO_SSID, VA + 0x1000, SIM_DMA_WRITE), SIM_OK);
	CHECK_EQ(reply.perms, 0);
	CHECK(get64(descriptor(&t, VA + 0x1000, 3)) & TT_AP_RO);
}

TEST(ats_refused)
{
	u64 e[4];

	/* EATS 0, bypass, and a unit that is off: UR, and an event. */
	start_s1("", 0);
	CHECK_EQ(ats(SID, NO_SSID, VA, 0), SIM_UR);
	CHECK(next_event(e) && event_id(e) == F_BAD_ATS_TREQ && e[2] == VA);
	put_ste(SID + 1, STE_BYPASS, FIELD_PREP(STE_1_EATS, EATS_FULL), 0, 0);
	CHECK_EQ(ats(SID + 1, NO_SSID, VA, 0), SIM_UR);
	CHECK(next_event(e) && event_id(e) == F_BAD_ATS_TREQ);
	/* 3 is reserved, without DPT. */
	put_ste(SID + 5, STE_S1(cd), FIELD_PREP(STE_1_EATS, 3), 0, 0);
	CHECK_EQ(ats(SID + 5, NO_SSID, VA, 0), SIM_UR);
	CHECK(next_event(e) && event_id(e) == F_BAD_ATS_TREQ);
	/* Abort: UR, silently. */
	put_ste(SID + 2, STE_ABORT, FIELD_PREP(STE_1_EATS, EATS_FULL), 0, 0);
	CHECK_EQ(ats(SID + 2, NO_SSID, VA, 0), SIM_UR);
	CHECK(!next_event(e));
	/* What is wrong with the configuration: CA, silently. */
	CHECK_EQ(ats(SID + 3, NO_SSID, VA, 0), SIM_CA);
	CHECK_EQ(ats(1000, NO_SSID, VA, 0), SIM_CA);
	put_ste(SID + 4, STE_S1(0x1000), FIELD_PREP(STE_1_EATS, EATS_FULL), 0, 0);
	CHECK_EQ(ats(SID + 4, NO_SSID, VA, 0), SIM_CA);
	CHECK(!next_event(e));
	set_cr2(CR2_REC_CFG_ATS);
	CHECK_EQ(ats(SID + 3, NO_SSID, VA, 0), SIM_CA);
	CHECK(next_event(e) && event_id(e) == C_BAD_STE);
	CHECK_EQ(ats(1000, NO_SSID, VA, 0), SIM_CA);
	CHECK(!next_event(e));
	set_cr2(CR2_REC_CFG_ATS | CR2_RECINVSID);
	CHECK_EQ(ats(1000, NO_SSID, VA, 0), SIM_CA);
	CHECK(next_event(e) && event_id(e) == C_BAD_STREAMID);
	set_reg(R_CR0, CR0_EVENTQEN);
	reg(R_CR0ACK);
	CHECK_EQ(ats(SID, NO_SSID, VA, 0), SIM_UR);
	CHECK(next_event(e) && event_id(e) == F_BAD_ATS_TREQ);
}

TEST(ats_default_substream_bypasses)
{
	start_s1("", 0);
	put_ste(SID, STE_S1(cd) | FIELD_PREP(STE_0_S1CDMAX, 2),
		FIELD_PREP(STE_1_EATS, EATS_FULL) | FIELD_PREP(STE_1_S1DSS, S1DSS_BYPASS), 0, 0);
	CHECK_EQ(ats(SID, NO_SSID, DATA, 0), SIM_OK);
	CHECK_EQ(reply.phys, DATA);
	CHECK_EQ(reply.perms, SIM_ATS_READ | SIM_ATS_WRITE);
}

TEST(ats_nested)
{
	start_nested(EATS_FULL, 0);
	CHECK_EQ(ats(SID, NO_SSID, VA, SIM_DMA_WRITE), SIM_OK);
	CHECK_EQ(reply.phys, DATA + 0x5000);
	CHECK_EQ(reply.length, 0x1000);
	CHECK_EQ(reply.perms, SIM_ATS_READ | SIM_ATS_WRITE);
	/* Both stages grant. */
	put64(descriptor(&s2, IPA(DATA) + SZ_2M, 2), (DATA + SZ_2M) | S2_RO | 1);
	map(&t, VA + 0x1000, 3, IPA(DATA) + SZ_2M, S1_RW);
	CHECK_EQ(ats(SID, NO_SSID, VA + 0x1000, SIM_DMA_WRITE), SIM_OK);
	CHECK_EQ(reply.perms, SIM_ATS_READ);
}

TEST(ats_split)
{
	u64 e[4];

	/* Without ATSCHK as if ATS were off. */
	start_nested(EATS_SPLIT, 0);
	CHECK_EQ(ats(SID, NO_SSID, VA, 0), SIM_UR);
	start_nested(EATS_SPLIT, CR0_ATSCHK);
	CHECK_EQ(ats(SID, NO_SSID, VA, SIM_DMA_WRITE), SIM_OK);
	CHECK_EQ(reply.phys, IPA(DATA) + 0x5000);
	CHECK_EQ(reply.perms, SIM_ATS_READ | SIM_ATS_WRITE);
	/* What the device has is for stage 2 to translate. */
	put64(DATA + 0x5000, 99);
	CHECK_EQ(dma_translated(SID, IPA(DATA) + 0x5000, 0), SIM_OK);
	CHECK_EQ(reply.phys, DATA + 0x5000);
	CHECK_EQ(dma_translated(SID, 0x5000, 0), SIM_UR);
	CHECK(next_event(e) && event_id(e) == F_TRANSLATION && e[1] & EVENT_1_S2);
}

TEST(translated)
{
	u64 e[4];

	start_s1("", 0);
	/* Without ATSCHK nobody looks. */
	CHECK_EQ(dma_translated(SID, DATA, 0), SIM_OK);
	CHECK_EQ(dma_translated(1000, DATA, 0), SIM_OK);
	CHECK_EQ(dma_translated(SID, 1ULL << 48, 0), SIM_UR);
	set_reg(R_CR0, reg(R_CR0) | CR0_ATSCHK);
	reg(R_CR0ACK);
	CHECK_EQ(dma_translated(SID, DATA, 0), SIM_UR);
	CHECK(next_event(e) && event_id(e) == F_TRANSL_FORBIDDEN);
	CHECK_EQ(dma_translated(1000, DATA, 0), SIM_UR);
	CHECK(!next_event(e));
	put_ste(SID + 1, STE_BYPASS, FIELD_PREP(STE_1_EATS, EATS_FULL), 0, 0);
	CHECK_EQ(dma_translated(SID + 1, DATA, 0), SIM_UR);
	CHECK(next_event(e) && event_id(e) == F_TRANSL_FORBIDDEN);
	put_ste(SID + 2, STE_ABORT, 0, 0, 0);
	CHECK_EQ(dma_translated(SID + 2, DATA, 0), SIM_UR);
	CHECK(!next_event(e));
	put_ste(SID + 3, STE_S1(cd), FIELD_PREP(STE_1_EATS, EATS_FULL), 0, 0);
	CHECK_EQ(dma_translated(SID + 3, DATA, SIM_DMA_WRITE), SIM_OK);
	set_reg(R_CR0, CR0_EVENTQEN);
	reg(R_CR0ACK);
	CHECK_EQ(dma_translated(SID + 3, DATA, 0), SIM_UR);
	CHECK(next_event(e) && event_id(e) == F_TRANSL_FORBIDDEN);
}

/* --- devices' TLBs ------------------------------------------------------------------------ */

TEST(atc_inv)
{
	u64 sid = (u64)SID << 32;

	bench_start("");
	CHECK_EQ(command(CMD_ATC_INV | sid | CMD_0_SSV | 3 << 12 | ATC_0_GLOBAL, (VA & ~0x7fffULL) | 3),
		 CERROR_NONE);
	CHECK_EQ(b.atc_invs, 1);
	CHECK_EQ(b.atc_sid, SID);
	CHECK_EQ(b.atc_ssid, 3);
	CHECK_EQ(b.atc_addr, VA & ~0x7fffULL);
	CHECK_EQ(b.atc_length, 0x8000);
	CHECK(b.atc_global);
	/* Global only with a substream, and the address as its size has it. */
	CHECK_EQ(command(CMD_ATC_INV | sid | ATC_0_GLOBAL, 0x7000 | 2), CERROR_NONE);
	CHECK_EQ(b.atc_ssid, NO_SSID);
	CHECK(!b.atc_global);
	CHECK_EQ(b.atc_addr, 0x4000);
	CHECK_EQ(command(CMD_ATC_INV | sid, 52), CERROR_NONE);
	CHECK_EQ(b.atc_length, ~0ULL);
	CHECK_EQ(command(CMD_ATC_INV | sid, 53), CERROR_ILL);
	CHECK_EQ(b.atc_invs, 3);
	set_reg(R_CR0, CR0_CMDQEN);
	reg(R_CR0ACK);
	CHECK_EQ(command(CMD_ATC_INV | sid, 0), CERROR_NONE);
	CHECK_EQ(b.atc_invs, 3);
	bench_start("-ATS -PRI");
	CHECK_EQ(command(CMD_ATC_INV | sid, 0), CERROR_ILL);
}

TEST(atc_inv_unanswered)
{
	u32 cons;

	bench_start("");
	b.atc_silent = true;
	CHECK_EQ(command(CMD_ATC_INV, 0), CERROR_NONE);
	put64(CMDQ + 16, CMD_SYNC);
	put64(CMDQ + 24, 0);
	set_reg(R_CMDQ_PROD, 2);
	cons = reg(R_CMDQ_CONS);
	CHECK_EQ(cons & 31, 1);
	CHECK_EQ(FIELD_GET(CMDQ_CONS_ERR, cons), CERROR_ATC_INV_SYNC);
	/* The same CMD_SYNC again is fine. */
	set_reg(R_GERRORN, GERROR_CMDQ);
	CHECK_EQ(reg(R_CMDQ_CONS) & 31, 2);
	CHECK_EQ(do_sync(), CERROR_NONE);
	/* On demand. */
	b.atc_silent = false;
	CHECK_EQ(ssim_inject(&b.u, SIM_FAULT_ATC, 1, 0), 0);
	CHECK_EQ(command(CMD_ATC_INV, 0), CERROR_NONE);
	CHECK_EQ(b.atc_invs, 1);
	CHECK_EQ(do_sync(), CERROR_ATC_INV_SYNC);
}

/* --- page requests -------------------------------------------------------------------------- */

static enum sim_status ppr(u32 ssid, u64 addr, u32 flags, u16 group, bool last)
{
	struct sim_request req = { .pasid = ssid, .addr = addr, .flags = flags };

	return ssim_page_request(&b.u, SID, &req, group, last);
}

TEST(page_request)
{
	bench_start("");
	CHECK_EQ(ppr(0xabcde, VA, SIM_PR_READ | SIM_DMA_WRITE | SIM_DMA_EXEC | SIM_DMA_PRIV, 0x123,
		     true), SIM_OK);
	CHECK_EQ(get64(PRIQ), PPR_0_SSV | PPR_0_LAST | PPR_0_R | PPR_0_W | PPR_0_X | PPR_0_PRIV |
		 0xabcdeULL << 32 | SID);
	CHECK_EQ(get64(PRIQ + 8), VA | 0x123);
	CHECK_EQ(reg(R_PRIQ_PROD), 1);
	CHECK_EQ(b.irqs[SSIM_IRQ_PRIQ], 1);
	CHECK_EQ(ppr(NO_SSID, VA + 0x1000, SIM_PR_READ | SIM_DMA_EXEC, 1, false), SIM_OK);
	CHECK_EQ(get64(PRIQ + 16), PPR_0_R | SID);
	/* It was not empty. */
	CHECK_EQ(b.irqs[SSIM_IRQ_PRIQ], 1);
	CHECK_EQ(b.responses, 0);
}

TEST(page_request_interrupt_for_the_last)
{
	bench_init("");
	CHECK_EQ(reg(R_PRIQ_IRQ_CFG2), PRIQ_CFG2_LO);
	bench_start("");
	CHECK_EQ(reg(R_PRIQ_IRQ_CFG2), 0);
	set_reg(R_IRQ_CTRL, 0);
	reg(R_IRQ_CTRLACK);
	set_reg(R_PRIQ_IRQ_CFG2, PRIQ_CFG2_LO);
	set_reg(R_IRQ_CTRL, 7);
	reg(R_IRQ_CTRLACK);
	ppr(1, VA, SIM_PR_READ, 1, false);
	CHECK_EQ(b.irqs[SSIM_IRQ_PRIQ], 0);
	ppr(1, VA, SIM_PR_READ, 1, true);
	CHECK_EQ(b.irqs[SSIM_IRQ_PRIQ], 1);
	/* Of one that is lost, too. */
	ppr(1, VA, SIM_PR_READ, 2, false);
	ppr(1, VA, SIM_PR_READ, 2, false);
	ppr(1, VA, SIM_PR_READ, 2, false);
	CHECK_EQ(b.irqs[SSIM_IRQ_PRIQ], 1);
	ppr(1, VA, SIM_PR_READ, 2, true);
	CHECK_EQ(b.irqs[SSIM_IRQ_PRIQ], 2);
	CHECK_EQ(b.responses, 1);
}

TEST(page_request_on_its_way)
{
	bench_start("");
	CHECK_EQ(ssim_inject(&b.u, SIM_FAULT_PRQ_LATE, 2, 0), 0);
	CHECK_EQ(ppr(1, VA, SIM_PR_READ, 1, false), SIM_OK);
	CHECK_EQ(ppr(1, VA, SIM_PR_READ, 1, true), SIM_OK);
	CHECK_EQ(reg(R_PRIQ_PROD), 0);
	CHECK_EQ(do_sync(), CERROR_NONE);
	CHECK_EQ(reg(R_PRIQ_PROD), 0);
	/* Another device's answer does not push it. */
	CHECK_EQ(command(CMD_ATC_INV | (u64)(SID + 1) << 32, 0), CERROR_NONE);
	CHECK_EQ(reg(R_PRIQ_PROD), 0);
	CHECK_EQ(command(CMD_ATC_INV | (u64)SID << 32, 0), CERROR_NONE);
	CHECK_EQ(reg(R_PRIQ_PROD), 2);
	CHECK_EQ(ssim_inject(&b.u, SIM_FAULT_PRQ_LATE, 1, 0), 0);
	CHECK_EQ(ppr(1, VA, SIM_PR_READ, 2, true), SIM_OK);
	CHECK_EQ(reg(R_PRIQ_PROD), 2);
	CHECK_EQ(ssim_inject(&b.u, SIM_FAULT_PRQ_LATE, 0, 0), 0);
	CHECK_EQ(reg(R_PRIQ_PROD), 3);
}

TEST(page_request_queue_off)
{
	bench_start("");
	set_reg(R_CR0, CR0_CMDQEN | CR0_EVENTQEN | CR0_SMMUEN);
	reg(R_CR0ACK);
	CHECK_EQ(ppr(1, VA, SIM_PR_READ, 1, true), SIM_FAILURE);
	/* PRIQEN without SMMUEN is none. */
	set_reg(R_CR0, CR0_CMDQEN | CR0_EVENTQEN | CR0_PRIQEN);
	reg(R_CR0ACK);
	CHECK_EQ(ppr(1, VA, SIM_PR_READ, 1, true), SIM_FAILURE);
	CHECK_EQ(reg(R_PRIQ_PROD), 0);
	bench_start("");
	CHECK_EQ(ssim_inject(&b.u, SIM_FAULT_PRQ_ABORT, 1, 0), 0);
	CHECK_EQ(ppr(1, VA, SIM_PR_READ, 1, true), SIM_FAILURE);
	CHECK_EQ(reg(R_GERROR), GERROR_PRIQ_ABT);
	bench_start("");
	b.abort = PRIQ;
	CHECK_EQ(ppr(1, VA, SIM_PR_READ, 1, true), SIM_FAILURE);
	CHECK((reg(R_GERROR) ^ reg(R_GERRORN)) & GERROR_PRIQ_ABT);
}

TEST(page_request_overflow)
{
	unsigned int i;

	bench_start("");
	for (i = 0; i < 4; i++)
		CHECK_EQ(ppr(1, VA, SIM_PR_READ, i, false), SIM_OK);
	CHECK_EQ(ppr(1, VA, SIM_PR_READ, 8, false), SIM_OK);
	CHECK_EQ(b.responses, 0);
	CHECK_EQ(reg(R_PRIQ_PROD), 4 | Q_OVF);
	CHECK_EQ(ppr(1, VA, SIM_PR_READ, 9, true), SIM_OK);
	CHECK_EQ(b.responses, 1);
	CHECK_EQ(b.resp_code, SIM_OK);
	CHECK_EQ(b.resp_group, 9);
	CHECK_EQ(b.resp_ssid, 1);
	/* Room is not enough: it is to be acknowledged. */
	set_reg(R_PRIQ_CONS, 4);
	CHECK_EQ(ppr(1, VA, SIM_PR_READ, 10, true), SIM_OK);
	CHECK_EQ(b.responses, 2);
	CHECK_EQ(reg(R_PRIQ_PROD), 4 | Q_OVF);
	set_reg(R_PRIQ_CONS, 4 | Q_OVF);
	CHECK_EQ(ppr(1, VA, SIM_PR_READ, 11, true), SIM_OK);
	CHECK_EQ(b.responses, 2);
	CHECK_EQ(reg(R_PRIQ_PROD), 5 | Q_OVF);
	CHECK_EQ(ssim_inject(&b.u, SIM_FAULT_PRQ_FULL, 1, 0), 0);
	CHECK_EQ(ppr(1, VA, SIM_PR_READ, 12, true), SIM_OK);
	CHECK_EQ(b.responses, 3);
	CHECK_EQ(reg(R_PRIQ_PROD), 5);
}

/* 8.1: without IDR3.PPS an answer of the unit's own has a PASID if PPAR says so. */
TEST(page_request_overflow_ppar)
{
	unsigned int i;

	bench_start("-PPS");
	put_ste(SID, STE_S2, STE_1_PPAR, S2_WORD(9), 0);
	CHECK_EQ(command(CMD_CFGI_STE | (u64)SID << 32, 0), CERROR_NONE);
	for (i = 0; i < 4; i++)
		CHECK_EQ(ppr(1, VA, SIM_PR_READ, i, false), SIM_OK);
	CHECK_EQ(ppr(1, VA, SIM_PR_READ, 8, true), SIM_OK);
	CHECK_EQ(b.resp_ssid, 1);
	CHECK_EQ(b.resp_code, SIM_OK);
	CHECK_EQ(ppr(NO_SSID, VA, SIM_PR_READ, 8, true), SIM_OK);
	CHECK_EQ(b.resp_ssid, NO_SSID);
	CHECK_EQ(b.resp_code, SIM_OK);
	put_ste(SID, STE_S2, 0, S2_WORD(9), 0);
	CHECK_EQ(command(CMD_CFGI_STE | (u64)SID << 32, 0), CERROR_NONE);
	CHECK_EQ(ppr(1, VA, SIM_PR_READ, 8, true), SIM_OK);
	CHECK_EQ(b.resp_ssid, NO_SSID);
	CHECK_EQ(b.resp_code, SIM_OK);
	put_ste(SID, 0, 0, 0, 0);
	CHECK_EQ(command(CMD_CFGI_STE | (u64)SID << 32, 0), CERROR_NONE);
	CHECK_EQ(ppr(1, VA, SIM_PR_READ, 8, true), SIM_OK);
	CHECK_EQ(b.resp_ssid, NO_SSID);
	CHECK_EQ(b.resp_code, SIM_FAILURE);
	CHECK_EQ(b.responses, 4);
}

TEST(page_response)
{
	static const enum sim_status codes[] = { SIM_FAILURE, SIM_DENIED, SIM_OK };
	unsigned int i;

	bench_start("");
	for (i = 0; i < 3; i++) {
		CHECK_EQ(command(CMD_PRI_RESP | CMD_0_SSV | 7 << 12 | (u64)SID << 32, i << 12 | 0x155),
			 CERROR_NONE);
		CHECK_EQ(b.resp_code, codes[i]);
	}
	CHECK_EQ(b.responses, 3);
	CHECK_EQ(b.resp_sid, SID);
	CHECK_EQ(b.resp_ssid, 7);
	CHECK_EQ(b.resp_group, 0x155);
	CHECK_EQ(command(CMD_PRI_RESP | (u64)SID << 32, 2 << 12), CERROR_NONE);
	CHECK_EQ(b.resp_ssid, NO_SSID);
	CHECK_EQ(command(CMD_PRI_RESP | (u64)SID << 32, 3 << 12), CERROR_ILL);
	bench_start("-PRI");
	CHECK_EQ(command(CMD_PRI_RESP, 0), CERROR_ILL);
}

TAP_MAIN
