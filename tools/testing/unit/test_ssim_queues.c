// SPDX-License-Identifier: GPL-2.0-only
/*
 * The model of SMMUv3: registers and their handshakes, queues, interrupts, stalls,
 * and what tests can make it do wrong.
 */
#include "ssim.h"
#include "tap.h"

#define SID	5
#define VA	0x123456789000ULL

/* --- identification ------------------------------------------------------------------- */

TEST(default_features)
{
	bench_init("");
	CHECK_EQ(reg(R_IDR0), IDR0_S2P | IDR0_S1P | IDR0_TTF_AARCH64 | IDR0_COHACC | 2 << 6 |
		 IDR0_ATS | IDR0_ASID16 | IDR0_PRI | IDR0_VMID16 | IDR0_CD2L | 2 << 21 | 1 << 27);
	CHECK_EQ(reg(R_IDR1) & 0x3ffffff, 17 | 20 << 6 | 19 << 11 | 19 << 16 | 19 << 21);
	CHECK(reg(R_IDR3) & IDR3_RIL && reg(R_IDR3) & IDR3_FWB);
	CHECK_EQ(reg(R_IDR5), 5 | 7 << 4 | SSIM_STALLS << 16);
	CHECK_EQ(reg(R_AIDR), 2);
	CHECK_EQ(reg(R_CR0ACK), 0);
}

TEST(features_parsed)
{
	struct ssim_features f;

	bench_init("segment=0x102 sid_base=0x10000 -S2FWB -RIL linear oas=44 sidsize=16 vmid8 asid8 "
		   "stall_model=2 ssidsize=0 httu=1 canwbs combined -rc_ats MSI SEV HYP -64K");
	CHECK_EQ(b.u.f.segment, 0x102);
	CHECK_EQ(b.u.f.sid_base, 0x10000);
	CHECK(b.u.f.canwbs && b.u.f.combined && b.u.f.noats);
	CHECK(!(reg(R_IDR3) & (IDR3_FWB | IDR3_RIL)));
	CHECK(!(reg(R_IDR0) & (IDR0_ST_LEVEL_2LVL | IDR0_VMID16 | IDR0_ASID16)));
	CHECK_EQ(FIELD_GET(IDR0_STALL_MODEL, reg(R_IDR0)), 2);
	CHECK_EQ(FIELD_GET(IDR0_HTTU, reg(R_IDR0)), 1);
	CHECK(reg(R_IDR0) & IDR0_MSI && reg(R_IDR0) & IDR0_SEV && reg(R_IDR0) & IDR0_HYP);
	CHECK_EQ(FIELD_GET(IDR1_SIDSIZE, reg(R_IDR1)), 16);
	CHECK_EQ(FIELD_GET(IDR1_SSIDSIZE, reg(R_IDR1)), 0);
	CHECK_EQ(reg(R_IDR5), 4 | 3 << 4 | SSIM_STALLS << 16);
	ssim_features_default(&f);
	CHECK_EQ(ssim_features_parse(&f, "nonsense"), -EINVAL);
	CHECK_EQ(ssim_features_parse(&f, "oas=41"), -EINVAL);
	CHECK_EQ(ssim_features_parse(&f, "sidsize=33"), -EINVAL);
	CHECK_EQ(ssim_features_parse(&f, "sidsize="), -EINVAL);
	CHECK_EQ(ssim_features_parse(&f, "sidsize=1x"), -EINVAL);
	CHECK_EQ(ssim_features_parse(&f, "segment=0x100000000"), -EINVAL);
}

/* --- handshakes -------------------------------------------------------------------------- */

TEST(cr0_takes_effect_when_it_is_acknowledged)
{
	u64 value;

	bench_init("gbpa_abort");
	put_ste(SID, STE_BYPASS, 0, 0, 0);
	set_reg64(R_STRTAB_BASE, STRTAB);
	set_reg(R_STRTAB_BASE_CFG, 6);
	set_reg(R_CR0, CR0_SMMUEN);
	CHECK_EQ(reg(R_CR0), CR0_SMMUEN);
	CHECK_EQ(dma_read(SID, DATA, &value), SIM_UR);
	CHECK_EQ(b.kicks, 1);
	CHECK_EQ(reg(R_CR0ACK), CR0_SMMUEN);
	CHECK_EQ(dma_read(SID, DATA, &value), SIM_OK);
	/* Or by itself. */
	set_reg(R_CR0, 0);
	CHECK_EQ(dma_read(SID, DATA, &value), SIM_OK);
	ssim_tick(&b.u);
	CHECK_EQ(dma_read(SID, DATA, &value), SIM_UR);
	CHECK_EQ(counter("bad.CR0"), 0);
	/* What was not acknowledged is not to be changed back. */
	set_reg(R_CR0, CR0_SMMUEN);
	set_reg(R_CR0, CR0_SMMUEN | CR0_CMDQEN);
	CHECK_EQ(counter("bad.CR0"), 0);
	set_reg(R_CR0, CR0_CMDQEN);
	CHECK_EQ(counter("bad.CR0"), 1);
	/* Reserved bits, and those of what is not there. */
	set_reg(R_CR0, ~0U);
	CHECK_EQ(reg(R_CR0), 0x1f);
	bench_init("-ATS -PRI");
	set_reg(R_CR0, ~0U);
	CHECK_EQ(reg(R_CR0), CR0_SMMUEN | CR0_CMDQEN | CR0_EVENTQEN);
}

TEST(gbpa_update)
{
	bench_init("");
	set_reg(R_GBPA, GBPA_ABORT);
	CHECK_EQ(counter("bad.GBPA"), 1);
	CHECK_EQ(reg(R_GBPA), 0);
	set_reg(R_GBPA, GBPA_ABORT | GBPA_UPDATE);
	set_reg(R_GBPA, GBPA_UPDATE);
	CHECK_EQ(counter("bad.GBPA"), 2);
	CHECK_EQ(reg(R_GBPA), GBPA_ABORT);
}

TEST(irq_ctrl)
{
	bench_init("-PRI");
	set_reg(R_IRQ_CTRL, 7);
	CHECK_EQ(reg(R_IRQ_CTRL), IRQ_GERROR | IRQ_EVENTQ);
	set_reg(R_IRQ_CTRL, 0);
	CHECK_EQ(counter("bad.IRQ_CTRL"), 1);
	CHECK_EQ(reg(R_IRQ_CTRLACK), 0);
}

TEST(stuck)
{
	bench_init("");
	CHECK_EQ(ssim_inject(&b.u, SIM_FAULT_STUCK, 1, 0), 0);
	set_reg(R_CR0, CR0_CMDQEN);
	CHECK_EQ(reg(R_CR0ACK), 0);
	ssim_tick(&b.u);
	CHECK_EQ(reg(R_CR0ACK), 0);
	/* The next one answers. */
	set_reg(R_CR0, CR0_CMDQEN | CR0_EVENTQEN);
	CHECK_EQ(reg(R_CR0ACK), CR0_CMDQEN | CR0_EVENTQEN);
	CHECK_EQ(ssim_inject(&b.u, SIM_FAULT_STUCK, 1, 0), 0);
	set_reg(R_CR0, 0);
	CHECK_EQ(ssim_inject(&b.u, SIM_FAULT_STUCK, 0, 0), 0);
	CHECK_EQ(reg(R_CR0ACK), 0);
	CHECK_EQ(ssim_inject(&b.u, SIM_FAULTS, 1, 0), -EINVAL);
}

TEST(guarded_registers)
{
	static const struct { u32 reg; const char *bad; bool wide; } guarded[] = {
		{ R_CR2, "bad.CR2", false }, { R_STRTAB_BASE, "bad.STRTAB_BASE", true },
		{ R_STRTAB_BASE_CFG, "bad.STRTAB_BASE_CFG", false },
		{ R_CMDQ_BASE, "bad.CMDQ_BASE", true }, { R_CMDQ_CONS, "bad.CMDQ_CONS", false },
		{ R_EVENTQ_BASE, "bad.EVENTQ_BASE", true }, { R_EVENTQ_PROD, "bad.EVENTQ_PROD", false },
		{ R_PRIQ_BASE, "bad.PRIQ_BASE", true }, { R_PRIQ_PROD, "bad.PRIQ_PROD", false },
		{ R_CR1, "bad.CR1", false },
		{ R_EVENTQ_IRQ_CFG1, "bad.EVENTQ_IRQ_CFG", false },
		{ R_GERROR_IRQ_CFG1, "bad.GERROR_IRQ_CFG", false },
		{ R_PRIQ_IRQ_CFG1, "bad.PRIQ_IRQ_CFG", false },
	};
	unsigned int i;
	u32 before;

	bench_start("MSI");
	for (i = 0; i < ARRAY_SIZE(guarded); i++) {
		before = reg(guarded[i].reg);
		set_reg(guarded[i].reg, 0x155);
		CHECK_EQ(reg(guarded[i].reg), before);
		if (!CHECK_EQ(counter(guarded[i].bad), 1))
			printf("# %s\n", guarded[i].bad);
	}
	set_reg(R_IDR0, 1);
	set_reg(R_EVENTQ_CONS_0, 0);
	CHECK_EQ(counter("bad.write"), 2);
	/* Guarded from the write of CR0 on, and until CR0ACK has followed it. */
	bench_init("");
	set_reg(R_CR0, CR0_SMMUEN);
	set_reg(R_STRTAB_BASE_CFG, 7);
	CHECK_EQ(counter("bad.STRTAB_BASE_CFG"), 1);
	reg(R_CR0ACK);
	set_reg(R_CR0, 0);
	set_reg(R_STRTAB_BASE_CFG, 7);
	CHECK_EQ(counter("bad.STRTAB_BASE_CFG"), 2);
	reg(R_CR0ACK);
	set_reg(R_STRTAB_BASE_CFG, 7);
	CHECK_EQ(counter("bad.STRTAB_BASE_CFG"), 2);
	CHECK_EQ(reg(R_STRTAB_BASE_CFG), 7);
}

TEST(queue_size_is_capped)
{
	bench_init("cmdqs=5");
	set_reg64(R_CMDQ_BASE, CMDQ | 9);
	CHECK_EQ(reg(R_CMDQ_BASE), (u32)CMDQ | 5);
}

/* --- commands ------------------------------------------------------------------------------ */

static void queue(u64 w0, u64 w1)
{
	u32 prod = reg(R_CMDQ_PROD);

	put64(CMDQ + 16 * (prod & 15), w0);
	put64(CMDQ + 16 * (prod & 15) + 8, w1);
	set_reg(R_CMDQ_PROD, (prod + 1) & 31);
}

/* The first one at once: what PROD says is there has to be. */
TEST(commands_run_when_somebody_looks)
{
	unsigned int i;

	bench_start("");
	for (i = 0; i < 3; i++)
		put64(CMDQ + 16 * i, CMD_SYNC);
	set_reg(R_CMDQ_PROD, 3);
	CHECK_EQ(counter("SYNC"), 1);
	CHECK_EQ(reg(R_CMDQ_CONS), 3);
	CHECK_EQ(counter("SYNC"), 3);
	CHECK_EQ(counter("batches"), 1);
	put64(CMDQ + 16 * 3, CMD_SYNC);
	put64(CMDQ + 16 * 4, CMD_SYNC);
	set_reg(R_CMDQ_PROD, 5);
	CHECK_EQ(counter("SYNC"), 4);
	ssim_tick(&b.u);
	CHECK_EQ(counter("SYNC"), 5);
}

TEST(command_queue_goes_round)
{
	unsigned int i;

	bench_start("");
	for (i = 0; i < 100; i++)
		CHECK_EQ(do_sync(), CERROR_NONE);
	CHECK_EQ(reg(R_CMDQ_CONS), 100 % 32);
	CHECK_EQ(counter("SYNC"), 100);
	/* Full is not empty. */
	for (i = 0; i < 16; i++)
		put64(CMDQ + 16 * i, CMD_SYNC);
	set_reg(R_CMDQ_PROD, (100 + 16) % 32);
	CHECK_EQ(reg(R_CMDQ_CONS), 116 % 32);
	CHECK_EQ(counter("SYNC"), 116);
	CHECK_EQ(counter("bad.CMDQ_PROD"), 0);
	set_reg(R_CMDQ_PROD, (116 + 17) % 32);
	CHECK_EQ(counter("bad.CMDQ_PROD"), 1);
}

TEST(command_queue_stops_at_an_error)
{
	u32 cons;

	bench_start("");
	queue(CMD_SYNC, 0);
	queue(0xff, 0);
	queue(CMD_SYNC, 0);
	cons = reg(R_CMDQ_CONS);
	CHECK_EQ(cons & 31, 1);
	CHECK_EQ(FIELD_GET(CMDQ_CONS_ERR, cons), CERROR_ILL);
	CHECK_EQ(reg(R_GERROR) ^ reg(R_GERRORN), GERROR_CMDQ);
	CHECK_EQ(b.irqs[SSIM_IRQ_GERROR], 1);
	ssim_tick(&b.u);
	CHECK_EQ(reg(R_CMDQ_CONS) & 31, 1);
	/* Mended, it goes on, without PROD. */
	put64(CMDQ + 16, CMD_SYNC);
	set_reg(R_GERRORN, GERROR_CMDQ);
	ssim_tick(&b.u);
	CHECK_EQ(reg(R_CMDQ_CONS) & 31, 3);
	CHECK_EQ(counter("SYNC"), 3);
	/* Acknowledging what is not active. */
	CHECK_EQ(counter("bad.GERRORN"), 0);
	set_reg(R_GERRORN, 0);
	CHECK_EQ(counter("bad.GERRORN"), 1);
}

TEST(command_queue_cannot_be_read)
{
	bench_start("");
	b.abort = CMDQ;
	queue(CMD_SYNC, 0);
	CHECK_EQ(FIELD_GET(CMDQ_CONS_ERR, reg(R_CMDQ_CONS)), CERROR_ABT);
	b.abort = 0;
	set_reg(R_GERRORN, GERROR_CMDQ);
	CHECK_EQ(reg(R_CMDQ_CONS) & 31, 1);
}

TEST(command_queue_off)
{
	bench_start("");
	set_reg(R_CR0, CR0_EVENTQEN | CR0_SMMUEN);
	reg(R_CR0ACK);
	queue(CMD_SYNC, 0);
	CHECK_EQ(reg(R_CMDQ_CONS), 0);
	set_reg(R_CR0, CR0_EVENTQEN | CR0_SMMUEN | CR0_CMDQEN);
	reg(R_CR0ACK);
	CHECK_EQ(reg(R_CMDQ_CONS), 1);
}

TEST(sync_signals)
{
	bench_start("MSI SEV");
	CHECK_EQ(command(CMD_SYNC | FIELD_PREP(SYNC_0_CS, SYNC_CS_SEV), 0), CERROR_NONE);
	CHECK_EQ(b.irqs[SSIM_IRQ_SYNC], 0);
	CHECK_EQ(command(CMD_SYNC | FIELD_PREP(SYNC_0_CS, SYNC_CS_IRQ), 0), CERROR_NONE);
	CHECK_EQ(b.irqs[SSIM_IRQ_SYNC], 1);
	CHECK_EQ(command(CMD_SYNC | FIELD_PREP(SYNC_0_CS, SYNC_CS_IRQ) |
			 FIELD_PREP(SYNC_0_MSIDATA, 0x1234), DATA + 0x10), CERROR_NONE);
	CHECK_EQ(get64(DATA + 0x10) & 0xffffffff, 0x1234);
	CHECK_EQ(command(CMD_SYNC | FIELD_PREP(SYNC_0_CS, 3), 0), CERROR_ILL);
	/* Where no memory is. */
	CHECK_EQ(command(CMD_SYNC | FIELD_PREP(SYNC_0_CS, SYNC_CS_IRQ), 0x1000), CERROR_NONE);
	CHECK((reg(R_GERROR) ^ reg(R_GERRORN)) & GERROR_MSI_CMDQ_ABT);
}

TEST(sync_late)
{
	bench_start("");
	CHECK_EQ(ssim_inject(&b.u, SIM_FAULT_LATE, 1, 100), 0);
	queue(CMD_CFGI_STE_RANGE, 31);
	queue(CMD_SYNC, 0);
	CHECK_EQ(reg(R_CMDQ_CONS), 1);
	b.now = 99;
	ssim_tick(&b.u);
	CHECK_EQ(reg(R_CMDQ_CONS), 1);
	b.now = 100;
	CHECK_EQ(reg(R_CMDQ_CONS), 2);
	CHECK_EQ(do_sync(), CERROR_NONE);
	CHECK_EQ(reg(R_CMDQ_CONS), 3);
}

TEST(sync_lost)
{
	bench_start("");
	CHECK_EQ(ssim_inject(&b.u, SIM_FAULT_LOST, 1, 0), 0);
	queue(CMD_SYNC, 0);
	b.now = 1000000;
	CHECK_EQ(reg(R_CMDQ_CONS), 0);
	queue(CMD_SYNC, 0);
	CHECK_EQ(reg(R_CMDQ_CONS), 0);
	/* Off and on again. */
	set_reg(R_CR0, CR0_EVENTQEN | CR0_SMMUEN | CR0_PRIQEN);
	reg(R_CR0ACK);
	set_reg(R_CMDQ_PROD, 0);
	set_reg(R_CMDQ_CONS, 0);
	set_reg(R_CR0, CR0_EVENTQEN | CR0_SMMUEN | CR0_PRIQEN | CR0_CMDQEN);
	reg(R_CR0ACK);
	CHECK_EQ(do_sync(), CERROR_NONE);
	CHECK_EQ(reg(R_CMDQ_CONS), 1);
}

TEST(command_errors_on_demand)
{
	bench_start("");
	CHECK_EQ(ssim_inject(&b.u, SIM_FAULT_COMMAND, 1, 0), 0);
	CHECK_EQ(do_sync(), CERROR_ILL);
	CHECK_EQ(do_sync(), CERROR_NONE);
	CHECK_EQ(ssim_inject(&b.u, SIM_FAULT_ABORT, 2, 0), 0);
	CHECK_EQ(do_sync(), CERROR_ABT);
	CHECK_EQ(ssim_inject(&b.u, SIM_FAULT_ABORT, 0, 0), 0);
	/* Only what software got wrong is bad. */
	CHECK_EQ(counter("bad.CERROR_ILL"), 0);
}

/* --- events and interrupts --------------------------------------------------------------------- */

TEST(event_interrupt_when_it_becomes_non_empty)
{
	u64 e[4];

	bench_start("");
	dma(SID, NO_SSID, VA, 0);
	CHECK_EQ(b.irqs[SSIM_IRQ_EVENTQ], 1);
	dma(SID, NO_SSID, VA, 0);
	CHECK_EQ(b.irqs[SSIM_IRQ_EVENTQ], 1);
	CHECK(next_event(e));
	/* One is still there. */
	dma(SID, NO_SSID, VA, 0);
	CHECK_EQ(b.irqs[SSIM_IRQ_EVENTQ], 1);
	CHECK(next_event(e) && next_event(e) && !next_event(e));
	dma(SID, NO_SSID, VA, 0);
	CHECK_EQ(b.irqs[SSIM_IRQ_EVENTQ], 2);
	/* Switched off it is lost. */
	CHECK(next_event(e));
	set_reg(R_IRQ_CTRL, 0);
	reg(R_IRQ_CTRLACK);
	dma(SID, NO_SSID, VA, 0);
	set_reg(R_IRQ_CTRL, 7);
	reg(R_IRQ_CTRLACK);
	CHECK_EQ(b.irqs[SSIM_IRQ_EVENTQ], 2);
	CHECK(next_event(e));
	CHECK_EQ(ssim_inject(&b.u, SIM_FAULT_IRQ_LOST, 1, 0), 0);
	dma(SID, NO_SSID, VA, 0);
	CHECK_EQ(b.irqs[SSIM_IRQ_EVENTQ], 2);
	CHECK_EQ(counter("irqs_lost"), 1);
}

TEST(event_msi)
{
	bench_start("MSI");
	set_reg(R_IRQ_CTRL, 0);
	reg(R_IRQ_CTRLACK);
	set_reg64(R_EVENTQ_IRQ_CFG0, DATA + 0x20);
	set_reg(R_EVENTQ_IRQ_CFG1, 77);
	set_reg64(R_GERROR_IRQ_CFG0, 0x1000);
	set_reg(R_IRQ_CTRL, 7);
	reg(R_IRQ_CTRLACK);
	dma(SID, NO_SSID, VA, 0);
	CHECK_EQ(get64(DATA + 0x20) & 0xffffffff, 77);
	CHECK_EQ(b.irqs[SSIM_IRQ_EVENTQ], 0);
	/* That of GERROR goes nowhere. */
	command(0xff, 0);
	CHECK((reg(R_GERROR) ^ reg(R_GERRORN)) & GERROR_MSI_GERROR_ABT);
}

TEST(event_queue_overflow)
{
	unsigned int i;

	bench_start("");
	for (i = 0; i < 8; i++)
		dma(SID, NO_SSID, VA, 0);
	CHECK_EQ(reg(R_EVENTQ_PROD), 8);
	dma(SID, NO_SSID, VA, 0);
	CHECK_EQ(reg(R_EVENTQ_PROD), 8 | Q_OVF);
	/* Said once, until it is acknowledged. */
	dma(SID, NO_SSID, VA, 0);
	CHECK_EQ(reg(R_EVENTQ_PROD), 8 | Q_OVF);
	CHECK_EQ(counter("events_lost"), 2);
	/* Room is used although nobody has acknowledged it. */
	set_reg(R_EVENTQ_CONS, 1);
	dma(SID, NO_SSID, VA, 0);
	CHECK_EQ(reg(R_EVENTQ_PROD), 9 | Q_OVF);
	set_reg(R_EVENTQ_CONS, 9 | Q_OVF);
	CHECK_EQ(ssim_inject(&b.u, SIM_FAULT_EVENTS_FULL, 1, 0), 0);
	dma(SID, NO_SSID, VA, 0);
	CHECK_EQ(reg(R_EVENTQ_PROD), 9);
	CHECK_EQ(counter("bad.EVENTQ_CONS"), 0);
	/* Further than there are records. */
	set_reg(R_EVENTQ_CONS, 11);
	CHECK_EQ(counter("bad.EVENTQ_CONS"), 1);
}

TEST(event_queue_cannot_be_written)
{
	u64 e[4];

	bench_start("");
	b.abort = EVENTQ;
	dma(SID, NO_SSID, VA, 0);
	CHECK((reg(R_GERROR) ^ reg(R_GERRORN)) & GERROR_EVENTQ_ABT);
	CHECK_EQ(reg(R_EVENTQ_PROD), 0);
	b.abort = 0;
	/* Until that is acknowledged nothing is written. */
	dma(SID, NO_SSID, VA, 0);
	CHECK_EQ(reg(R_EVENTQ_PROD), 0);
	set_reg(R_GERRORN, reg(R_GERROR));
	dma(SID, NO_SSID, VA, 0);
	CHECK(next_event(e));
}

TEST(memory_that_nobody_cleaned)
{
	bench_start("");
	b.dirty = STRTAB;
	dma(SID, NO_SSID, VA, 0);
	CHECK_EQ(counter("bad.unflushed"), 0);
	bench_start("-COHACC");
	do_sync();
	CHECK_EQ(counter("bad.unflushed"), 0);
	b.dirty = STRTAB;
	dma(SID, NO_SSID, VA, 0);
	CHECK_EQ(counter("bad.unflushed"), 8);
	b.dirty = CMDQ;
	do_sync();
	CHECK_EQ(counter("bad.unflushed"), 9);
}

TEST(event_queue_off)
{
	bench_start("");
	set_reg(R_CR0, CR0_SMMUEN | CR0_CMDQEN);
	reg(R_CR0ACK);
	dma(SID, NO_SSID, VA, 0);
	CHECK_EQ(reg(R_EVENTQ_PROD), 0);
	CHECK_EQ(counter("events_lost"), 0);
	CHECK_EQ(counter("C_BAD_STE"), 1);
}

/* --- stalls -------------------------------------------------------------------------------------- */

static struct table s1;

static void start_stalling(const char *words)
{
	u64 cd;

	bench_start(words);
	s1 = new_table(12, 0, 48, 0);
	cd = new_pages(1);
	put_ste(SID, STE_S1(cd), 0, 0, 0);
	put_cd(cd, CD_WORD(7) | CD_0_S, s1.root, 0);
}

static u64 cmd_resume(u32 sid, bool retry, bool abort)
{
	return CMD_RESUME | (u64)sid << 32 | (retry ? RESUME_0_AC : 0) | (abort ? RESUME_0_AB : 0);
}

TEST(stall_and_retry)
{
	u64 e[4], stall;

	start_stalling("");
	CHECK_EQ(dma(SID, NO_SSID, VA + 8, SIM_DMA_WRITE), SIM_TIMEOUT);
	stall = reply.stall;
	CHECK(stall);
	CHECK_EQ(ssim_stall_answer(&b.u, stall), SIM_TIMEOUT);
	CHECK(next_event(e));
	CHECK_EQ(event_id(e), F_TRANSLATION);
	CHECK(e[1] & EVENT_1_STALL);
	CHECK_EQ(e[2], VA + 8);
	/* Another stream's, another number: nothing. */
	command(cmd_resume(SID + 1, true, false), e[1] & EVENT_1_STAG);
	command(cmd_resume(SID, true, false), (e[1] & EVENT_1_STAG) + 1);
	CHECK_EQ(counter("resume_nothing"), 2);
	CHECK_EQ(ssim_stall_answer(&b.u, stall), SIM_TIMEOUT);
	map(&s1, VA, 3, DATA, S1_RW);
	command(cmd_resume(SID, true, false), e[1] & EVENT_1_STAG);
	CHECK_EQ(b.wakes, 1);
	CHECK_EQ(ssim_stall_answer(&b.u, stall), SIM_OK);
	/* Taken once; whoever asks later has been ended. */
	CHECK_EQ(ssim_stall_answer(&b.u, stall), SIM_UR);
	CHECK_EQ(dma(SID, NO_SSID, VA + 8, SIM_DMA_WRITE), SIM_OK);
}

TEST(stall_and_terminate)
{
	u64 e[4], stall[3];

	start_stalling("");
	dma(SID, NO_SSID, VA, 0);
	stall[0] = reply.stall;
	dma(SID, NO_SSID, VA + 0x1000, 0);
	stall[1] = reply.stall;
	CHECK(next_event(e));
	command(cmd_resume(SID, false, true), e[1] & EVENT_1_STAG);
	CHECK_EQ(ssim_stall_answer(&b.u, stall[0]), SIM_UR);
	CHECK_EQ(ssim_stall_answer(&b.u, stall[1]), SIM_TIMEOUT);
	command(CMD_STALL_TERM | (u64)(SID + 1) << 32, 0);
	CHECK_EQ(ssim_stall_answer(&b.u, stall[1]), SIM_TIMEOUT);
	CHECK_EQ(counter("bad.STALL_TERM"), 0);
	/* It is for streams that terminate what comes. */
	command(CMD_STALL_TERM | (u64)SID << 32, 0);
	CHECK_EQ(ssim_stall_answer(&b.u, stall[1]), SIM_UR);
	CHECK_EQ(counter("bad.STALL_TERM"), 1);
	put_ste(SID, STE_0_V, 0, 0, 0);
	command(CMD_CFGI_STE | (u64)SID << 32, 0);
	command(CMD_STALL_TERM | (u64)SID << 32, 0);
	CHECK_EQ(counter("bad.STALL_TERM"), 1);
}

TEST(stalls_of_a_unit_that_goes_off)
{
	u64 stall[3];

	start_stalling("");
	/* A unit that is switched off holds nobody back. */
	dma(SID, NO_SSID, VA, 0);
	stall[2] = reply.stall;
	set_reg(R_CR0, 0);
	reg(R_CR0ACK);
	CHECK_EQ(ssim_stall_answer(&b.u, stall[2]), SIM_UR);
}

TEST(stall_records_are_not_lost)
{
	unsigned int i;
	u64 e[4], last;

	start_stalling("");
	for (i = 0; i < 10; i++)
		CHECK_EQ(dma(SID, NO_SSID, VA + i * 0x1000, 0), SIM_TIMEOUT);
	last = reply.stall;
	CHECK_EQ(reg(R_EVENTQ_PROD), 8);
	CHECK_EQ(counter("events_lost"), 0);
	/* As soon as there is room. */
	for (i = 0; i < 10; i++) {
		CHECK(next_event(e));
		CHECK_EQ(e[2], VA + i * 0x1000);
		command(cmd_resume(SID, true, false), e[1] & EVENT_1_STAG);
	}
	CHECK(!next_event(e));
	CHECK_EQ(ssim_stall_answer(&b.u, last), SIM_OK);
}

/* 4.7.3: what was not recorded before is tried again, with what is configured then. */
TEST(stall_records_are_not_stale)
{
	u64 e[4], stall[10];
	unsigned int i;

	start_stalling("");
	for (i = 0; i < 10; i++) {
		CHECK_EQ(dma(SID, NO_SSID, VA + i * 0x1000, 0), SIM_TIMEOUT);
		stall[i] = reply.stall;
	}
	command(CMD_CFGI_STE | (u64)(SID + 1) << 32, 0);
	CHECK_EQ(ssim_stall_answer(&b.u, stall[9]), SIM_TIMEOUT);
	command(CMD_CFGI_STE | (u64)SID << 32, 0);
	CHECK_EQ(ssim_stall_answer(&b.u, stall[7]), SIM_TIMEOUT);
	CHECK_EQ(ssim_stall_answer(&b.u, stall[8]), SIM_OK);
	CHECK_EQ(ssim_stall_answer(&b.u, stall[9]), SIM_OK);
	for (i = 0; i < 8; i++)
		CHECK(next_event(e));
	CHECK(!next_event(e));
}

TEST(stall_records_wait_for_the_queue)
{
	u64 e[4];

	start_stalling("");
	b.abort = EVENTQ;
	CHECK_EQ(dma(SID, NO_SSID, VA, 0), SIM_TIMEOUT);
	CHECK_EQ(reg(R_EVENTQ_PROD), 0);
	b.abort = 0;
	set_reg(R_GERRORN, reg(R_GERROR));
	CHECK(next_event(e));
	CHECK(e[1] & EVENT_1_STALL);
}

TEST(stalls_run_out)
{
	unsigned int i;
	u64 first = 0;

	start_stalling("");
	for (i = 0; i < SSIM_STALLS; i++) {
		CHECK_EQ(dma(SID, NO_SSID, VA, 0), SIM_TIMEOUT);
		first = i ? first : reply.stall;
	}
	CHECK_EQ(dma(SID, NO_SSID, VA, 0), SIM_UR);
	CHECK_EQ(counter("stalls_refused"), 1);
	ssim_stall_forget(&b.u, first);
	CHECK_EQ(dma(SID, NO_SSID, VA, 0), SIM_TIMEOUT);
	/* The place is another's now. */
	CHECK(reply.stall != first);
	CHECK_EQ(ssim_stall_answer(&b.u, first), SIM_UR);
	CHECK_EQ(ssim_stall_answer(&b.u, reply.stall), SIM_TIMEOUT);
}

TEST(stall_of_stage2)
{
	struct table t;
	u64 e[4];

	bench_start("");
	t = new_table(12, 0, 48, 0);
	put_ste(SID, STE_S2, 0, S2_WORD(9) | STE_2_S2S, t.root);
	CHECK_EQ(dma(SID, NO_SSID, VA, 0), SIM_TIMEOUT);
	CHECK(next_event(e));
	CHECK(e[1] & EVENT_1_STALL && e[1] & EVENT_1_S2);
	map(&t, VA, 3, DATA, S2_RW);
	CHECK_EQ(dma(SID, NO_SSID, VA, 0), SIM_OK);
}

TEST(stall_commands_without_the_model)
{
	bench_start("stall_model=1");
	CHECK_EQ(command(cmd_resume(SID, true, false), 0), CERROR_ILL);
	CHECK_EQ(command(CMD_STALL_TERM, 0), CERROR_ILL);
}

static void ignore(void *arg, const char *name, u64 value)
{
	(void)arg;
	(void)name;
	(void)value;
}

TEST(counters_reset)
{
	bench_start("");
	do_sync();
	do_sync();
	CHECK_EQ(counter("SYNC"), 2);
	ssim_count_each(&b.u, true, ignore, NULL);
	CHECK_EQ(counter("SYNC"), 0);
	do_sync();
	CHECK_EQ(counter("SYNC"), 1);
}

TAP_MAIN
