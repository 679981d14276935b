// SPDX-License-Identifier: GPL-2.0-only
/* The modelled VT-d unit: registers, handshakes, events, fault records, page requests. */
#include "tap.h"
#include "vtd_machine.h"

#define NP	SIM_NO_PASID

TEST(reset)
{
	struct machine *m = m_new("");

	CHECK_EQ(m_read(m, VSIM_VER), 0x60);
	CHECK_EQ(m_read64(m, VSIM_CAP), m->setup.cfg.cap);
	CHECK_EQ(m_read64(m, VSIM_ECAP), m->setup.cfg.ecap);
	CHECK_EQ(m_read(m, VSIM_GSTS), 0);
	CHECK_EQ(m_read(m, VSIM_FECTL), VSIM_ECTL_IM);
	CHECK_EQ(m_read(m, VSIM_IECTL), VSIM_ECTL_IM);
	CHECK_EQ(m_read(m, VSIM_PECTL), VSIM_ECTL_IM);
	CHECK(!vsim_in_use(&m->u));
	CHECK_EQ(m_bad(m), 0);
	m_free(m);
}

TEST(read_only)
{
	static const unsigned int regs[] = { VSIM_VER, VSIM_CAP, VSIM_CAP + 4, VSIM_ECAP,
		VSIM_ECAP + 4, VSIM_GSTS, VSIM_IQH, VSIM_IQERCD };
	struct machine *m = m_new("");
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(regs); i++) {
		u32 before = m_read(m, regs[i]);

		m_write(m, regs[i], ~before);
		CHECK_EQ(m_read(m, regs[i]), before);
		CHECK_EQ(m_counter(m, "bad.write_to_read_only"), i + 1);
	}
	CHECK_EQ(m_read(m, VSIM_GCMD), 0);
	m_write(m, 0x500, 1);
	m_write(m, VSIM_REGS, 1);
	m_write(m, 0x41, 1);
	CHECK_EQ(m_read(m, VSIM_REGS), 0);
	CHECK_EQ(m_counter(m, "bad.register"), 4);
	m_free(m);
}

/* A lasting command shows first that it is not done. */
TEST(handshake)
{
	struct machine *m = m_new("");

	m_write64(m, VSIM_IQA, m_page(m) | VSIM_IQA_DW);
	m_write(m, VSIM_GCMD, VSIM_GCMD_QIE);
	CHECK(vsim_in_use(&m->u));
	CHECK_EQ(m_read(m, VSIM_GSTS), 0);
	CHECK_EQ(m_read(m, VSIM_GSTS), VSIM_GCMD_QIE);
	m_write(m, VSIM_GCMD, 0);
	CHECK_EQ(m_read(m, VSIM_GSTS), VSIM_GCMD_QIE);
	CHECK_EQ(m_read(m, VSIM_GSTS), 0);
	CHECK(!vsim_in_use(&m->u));
	CHECK_EQ(m_bad(m), 0);
	/* A new one before that. */
	m_write(m, VSIM_GCMD, VSIM_GCMD_QIE);
	m_write(m, VSIM_GCMD, 0);
	CHECK_EQ(m_counter(m, "bad.gcmd_before_done"), 1);
	m_read(m, VSIM_GSTS);
	/* Two at once: one is done. */
	m_write(m, VSIM_GCMD, VSIM_GCMD_QIE | VSIM_GCMD_SRTP);
	CHECK_EQ(m_counter(m, "bad.gcmd_two_commands"), 1);
	m_read(m, VSIM_GSTS);
	CHECK_EQ(m_read(m, VSIM_GSTS), VSIM_GCMD_QIE);
	m_free(m);
}

TEST(commands_that_are_not_there)
{
	static const u32 bits[] = { VSIM_GCMD_IRE, VSIM_GCMD_EAFL, VSIM_GCMD_SFL,
				    VSIM_GCMD_CFI, 1 };
	struct machine *m = m_new("");
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bits); i++) {
		m_write(m, VSIM_GCMD, bits[i]);
		m_read(m, VSIM_GSTS);
		CHECK_EQ(m_read(m, VSIM_GSTS), 0);
		CHECK_EQ(m_counter(m, "bad.register_reserved"), i + 1);
	}
	m_free(m);
	m = m_new("-QI");
	m_command(m, VSIM_GCMD_QIE, true);
	CHECK_EQ(m_read(m, VSIM_GSTS), 0);
	m_free(m);
}

/* RTADDR_REG is nothing before SRTP. */
TEST(root_is_latched)
{
	struct machine *m = m_start("");
	u64 other = m_page(m);

	m_write64(m, VSIM_RTADDR, other | VSIM_TTM_SCALABLE << 10);
	CHECK_EQ(m->u.root, m->root);
	m_write(m, VSIM_GCMD, VSIM_GCMD_TE | VSIM_GCMD_QIE | VSIM_GCMD_SRTP);
	CHECK_EQ(m_read(m, VSIM_GSTS) & VSIM_GCMD_SRTP, 0);
	CHECK_EQ(m_read(m, VSIM_GSTS), VSIM_GCMD_TE | VSIM_GCMD_QIE | VSIM_GCMD_SRTP);
	CHECK_EQ(m->u.root, other);
	CHECK_EQ(m_bad(m), 0);
	m_set_root(m, other);
	CHECK_EQ(m_counter(m, "bad.root_mode_changed_live"), 1);
	m_set_root(m, other | 1);
	CHECK_EQ(m_counter(m, "bad.register_reserved"), 1);
	m_free(m);
	m = m_start("+ESRTPS");
	m_set_root(m, m_page(m));
	CHECK_EQ(m_bad(m), 0);
	m_free(m);
}

TEST(translation_needs_a_root_and_empty_caches)
{
	struct machine *m = m_new("");

	m_command(m, VSIM_GCMD_TE, true);
	CHECK_EQ(m_counter(m, "bad.te_without_root"), 1);
	m_command(m, VSIM_GCMD_TE, false);
	m_set_root(m, m_page(m) | VSIM_TTM_SCALABLE << 10);
	m_command(m, VSIM_GCMD_TE, true);
	CHECK_EQ(m_counter(m, "bad.te_with_old_caches"), 1);
	m_free(m);
	m = m_new("+ESRTPS");
	m_set_root(m, m_page(m) | VSIM_TTM_SCALABLE << 10);
	m_command(m, VSIM_GCMD_TE, true);
	CHECK_EQ(m_bad(m), 0);
	m_free(m);
}

TEST(stuck)
{
	struct machine *m = m_new("");

	m->u.inject[SIM_FAULT_STUCK].count = 1;
	m_command(m, VSIM_GCMD_QIE, true);
	CHECK_EQ(m_read(m, VSIM_GSTS), 0);
	m_command(m, VSIM_GCMD_QIE, true);
	CHECK_EQ(m_read(m, VSIM_GSTS), VSIM_GCMD_QIE);
	m_free(m);
}

static unsigned int fault(struct machine *m, u64 addr, u32 flags)
{
	return m_access(m, SID, NP, addr, flags).status;
}

TEST(fault_record)
{
	struct machine *m = m_start("");
	unsigned int frcd = vsim_frcd(&m->u, 0);
	u64 high;

	CHECK_EQ(fault(m, 0x12345678, SIM_DMA_WRITE), SIM_UR);
	CHECK_EQ(m_read(m, VSIM_FSTS), VSIM_FSTS_PPF);
	CHECK_EQ(m_read64(m, frcd), 0x12345000);
	high = m_read64(m, frcd + 8);
	CHECK_EQ(high, VSIM_FRCD_F | (u64)VSIM_SRT_2 << 32 | SID);
	/* All but F is read-only, and PPF is F's. */
	m_write64(m, frcd, ~0ULL);
	m_write(m, frcd + 8, ~0U);
	m_write(m, VSIM_FSTS, VSIM_FSTS_PPF);
	CHECK_EQ(m_read64(m, frcd), 0x12345000);
	CHECK_EQ(m_read64(m, frcd + 8), high);
	CHECK_EQ(m_read(m, VSIM_FSTS), VSIM_FSTS_PPF);
	m_write(m, frcd + 12, 0);
	CHECK_EQ(m_read64(m, frcd + 8), high);
	m_write(m, frcd + 12, BIT(31));
	CHECK_EQ(m_read64(m, frcd + 8), high & ~VSIM_FRCD_F);
	CHECK_EQ(m_read(m, VSIM_FSTS), 0);

	/* PASID, execute, privileged, read; the next record. */
	m_access(m, SID2, 0xabcde, 0x777000, SIM_DMA_EXEC | SIM_DMA_PRIV);
	CHECK_EQ(m_read(m, VSIM_FSTS), VSIM_FSTS_PPF | 1 << 8);
	CHECK_EQ(m_read64(m, frcd + 24),
		 VSIM_FRCD_F | VSIM_FRCD_T1 | 0xabcdeULL << 40 | (u64)VSIM_SRT_2 << 32 |
		 VSIM_FRCD_PP | VSIM_FRCD_EXE | VSIM_FRCD_PRIV | SID2);
	m_ats(m, SID, NP, 0x1000, 0);
	CHECK_EQ(vsim_get(m_read64(m, frcd + 40), 61, 60), 1);
	CHECK_EQ(m_bad(m), 0);
	m_free(m);
}

/* Records fill up, wrap, and with PFO nothing is recorded, room or not. */
TEST(fault_overflow)
{
	struct machine *m = m_start("nfr=2");
	unsigned int frcd = vsim_frcd(&m->u, 0);

	fault(m, 0x1000, 0);
	fault(m, 0x2000, 0);
	CHECK_EQ(m_read(m, VSIM_FSTS), VSIM_FSTS_PPF);
	fault(m, 0x3000, 0);
	CHECK_EQ(m_read(m, VSIM_FSTS), VSIM_FSTS_PPF | VSIM_FSTS_PFO);
	m_write(m, frcd + 12, BIT(31));
	fault(m, 0x4000, 0);
	CHECK_EQ(m_read64(m, frcd), 0x1000);
	CHECK_EQ(m_counter(m, "faults_lost"), 2);
	m_write(m, VSIM_FSTS, VSIM_FSTS_PFO);
	fault(m, 0x5000, 0);
	CHECK_EQ(m_read64(m, frcd), 0x5000);
	m_write(m, frcd + 28, BIT(31));
	m_write(m, frcd + 12, BIT(31));
	CHECK_EQ(m_read(m, VSIM_FSTS), 0);
	fault(m, 0x6000, 0);
	CHECK_EQ(m_read(m, VSIM_FSTS), VSIM_FSTS_PPF | 1 << 8);
	m_free(m);
}

TEST(fault_event)
{
	struct machine *m = m_start("nfr=4");
	unsigned int frcd = vsim_frcd(&m->u, 0);

	m_write(m, VSIM_FEDATA, 0x4022);
	m_write(m, VSIM_FEADDR, 0xfee01000);
	m_write(m, VSIM_FEUADDR, 5);
	fault(m, 0x1000, 0);
	CHECK_EQ(m->num_msi, 0);
	CHECK_EQ(m_read(m, VSIM_FECTL), VSIM_ECTL_IM | VSIM_ECTL_IP);
	m_write(m, VSIM_FECTL, 0);
	CHECK_EQ(m->num_msi, 1);
	CHECK_EQ(m->msi[0].addr, 0x5fee01000);
	CHECK_EQ(m->msi[0].data, 0x4022);
	CHECK_EQ(m_read(m, VSIM_FECTL), 0);
	/* A second fault while the first is pending is no new event. */
	fault(m, 0x2000, 0);
	CHECK_EQ(m->num_msi, 1);
	m_write(m, frcd + 12, BIT(31));
	m_write(m, frcd + 28, BIT(31));
	fault(m, 0x3000, 0);
	CHECK_EQ(m->num_msi, 2);
	/* What is served while it is masked is told no more. */
	m_write(m, frcd + 44, BIT(31));
	m_write(m, VSIM_FECTL, VSIM_ECTL_IM);
	fault(m, 0x4000, 0);
	CHECK_EQ(m_read(m, VSIM_FECTL), VSIM_ECTL_IM | VSIM_ECTL_IP);
	m_write(m, frcd + 60, BIT(31));
	CHECK_EQ(m_read(m, VSIM_FECTL), VSIM_ECTL_IM);
	m_write(m, VSIM_FECTL, 0);
	CHECK_EQ(m->num_msi, 2);
	m->u.inject[SIM_FAULT_IRQ_LOST].count = 1;
	fault(m, 0x5000, 0);
	CHECK_EQ(m->num_msi, 2);
	CHECK_EQ(m_bad(m), 0);
	m_write(m, VSIM_FECTL, 1);
	CHECK_EQ(m_counter(m, "bad.register_reserved"), 1);
	m_free(m);
}

/* 7.2.1: the first record is the next one again once translation was off. */
TEST(fault_record_index)
{
	struct machine *m = m_start("");

	fault(m, 0x1000, 0);
	m_write(m, vsim_frcd(&m->u, 0) + 12, BIT(31));
	m_command(m, VSIM_GCMD_TE, false);
	m_command(m, VSIM_GCMD_TE, true);
	fault(m, 0x2000, 0);
	CHECK_EQ(m_read(m, VSIM_FSTS), VSIM_FSTS_PPF);
	m_free(m);
}

TEST(events_full)
{
	struct machine *m = m_start("");

	m->u.inject[SIM_FAULT_EVENTS_FULL].count = 1;
	fault(m, 0x1000, 0);
	CHECK_EQ(m_read(m, VSIM_FSTS), VSIM_FSTS_PFO);
	m_free(m);
}

TEST(invalidation_queue_address)
{
	struct machine *m = m_start("");

	m_write64(m, VSIM_IQA, 0x5000 | VSIM_IQA_DW);
	CHECK_EQ(m_read64(m, VSIM_IQA), m->queue | VSIM_IQA_DW);
	CHECK_EQ(m_counter(m, "bad.iqa_while_enabled"), 2);
	m_command(m, VSIM_GCMD_QIE, false);
	CHECK_EQ(m_read64(m, VSIM_IQH), 0);
	m_write64(m, VSIM_IQA, 0x5000 | VSIM_IQA_DW | 8);
	CHECK_EQ(m_counter(m, "bad.register_reserved"), 1);
	/* The tail is to be 0 before the queue is enabled. */
	CHECK(m_read64(m, VSIM_IQT));
	m_command(m, VSIM_GCMD_QIE, true);
	CHECK_EQ(m_counter(m, "bad.iqt_at_enable"), 1);
	m_command(m, VSIM_GCMD_QIE, false);
	m_write64(m, VSIM_IQT, 32);
	CHECK_EQ(m_counter(m, "bad.iqt_while_disabled"), 1);
	m_free(m);
}

/* 6.5: new units, and those with the queue enabled, have no other way. */
TEST(invalidation_through_registers)
{
	struct machine *m = m_new("ver=0x50");

	m_write64(m, VSIM_CCMD, BIT_ULL(63) | 1ULL << 61);
	CHECK_EQ(m_read64(m, VSIM_CCMD), 1ULL << 61 | 1ULL << 59);
	m_write64(m, 0x208, BIT_ULL(63) | 1ULL << 60);
	CHECK_EQ(m_read64(m, 0x208), 1ULL << 60 | 1ULL << 57);
	CHECK_EQ(m_bad(m), 0);
	m_free(m);
	m = m_new("");
	m_write64(m, VSIM_CCMD, BIT_ULL(63) | 1ULL << 61);
	CHECK_EQ(m_read64(m, VSIM_CCMD), 1ULL << 61);
	m_write64(m, 0x208, BIT_ULL(63) | 1ULL << 60);
	CHECK_EQ(m_read64(m, 0x208), 1ULL << 60);
	CHECK_EQ(m_counter(m, "bad.register_invalidation"), 2);
	m_free(m);
	m = m_start("ver=0x50");
	m_write64(m, VSIM_CCMD, BIT_ULL(63) | 1ULL << 61);
	CHECK_EQ(m_read64(m, VSIM_CCMD), 1ULL << 61);
	CHECK_EQ(m_counter(m, "bad.register_invalidation"), 1);
	m_write64(m, 0x208, BIT_ULL(63) | 1ULL << 60);
	CHECK_EQ(m_counter(m, "bad.register_invalidation"), 2);
	m_free(m);
}

/* A page request queue of one page: 128 entries. */
static u64 prq(struct machine *m)
{
	u64 queue = m_page(m);

	m_write64(m, VSIM_PQA, queue);
	m_write64(m, VSIM_PQH, 0);
	m_write64(m, VSIM_PQT, 0);
	m_write(m, VSIM_PEDATA, 0x55);
	m_write(m, VSIM_PEADDR, 0xfee02000);
	m_write(m, VSIM_PECTL, 0);
	return queue;
}

static enum sim_status ask(struct machine *m, u32 pasid, u64 addr, u32 flags, u16 group,
			   bool last)
{
	const struct sim_request req = { .segment = 0x100, .rid = SID, .pasid = pasid,
					 .flags = flags, .addr = addr };

	return vsim_page_request(&m->u, &req, group, last);
}

#define PRI	(VSIM_CTX_DTE | VSIM_CTX_PRE | VSIM_CTX_PASIDE)

/* SID may ask for pages, without PASID and with PASID 5. */
static void may_ask(struct machine *m)
{
	u64 dir = m_context(m, SID, PRI);

	m_pe_pass(m, m_pasid(m, dir, 0), 1);
	m_pe_pass(m, m_pasid(m, dir, 5), 1);
}

TEST(page_request)
{
	struct machine *m = m_start("");
	u64 queue = prq(m);

	may_ask(m);
	CHECK_EQ(ask(m, 5, 0x123456789000, SIM_DMA_WRITE | SIM_PR_READ, 0x1ab, true), SIM_OK);
	CHECK_EQ(m_get(m, queue), 1 | BIT(8) | SID << 16 | 5ULL << 32);
	CHECK_EQ(m_get(m, queue + 8), 0x123456789000ULL | 0x1ab << 3 | BIT(2) | BIT(1) | BIT(0));
	CHECK_EQ(m_read64(m, VSIM_PQT), 32);
	CHECK_EQ(m_read(m, VSIM_PRS), VSIM_PRS_PPR);
	CHECK_EQ(m->num_msi, 1);
	CHECK_EQ(m->msi[0].data, 0x55);
	/* Without a PASID, and while PPR is set: no second event. */
	CHECK_EQ(ask(m, NP, 0x5000, SIM_PR_READ | SIM_DMA_EXEC, 1, false), SIM_OK);
	CHECK_EQ(m_get(m, queue + 32), 1 | SID << 16);
	CHECK_EQ(m_get(m, queue + 40), 0x5000 | 1 << 3 | BIT(0));
	CHECK_EQ(m->num_msi, 1);
	CHECK_EQ(ask(m, 5, 0, SIM_DMA_EXEC | SIM_DMA_PRIV, 0, false), SIM_OK);
	CHECK_EQ(m_get(m, queue + 64), 1 | BIT(8) | SID << 16 | 5ULL << 32 | 3ULL << 52);
	m_write(m, VSIM_PRS, VSIM_PRS_PPR);
	CHECK_EQ(m_read(m, VSIM_PRS), 0);
	/* What asks for nothing is of no group. */
	CHECK_EQ(ask(m, 5, 0, 0, 0, true), SIM_OK);
	CHECK_EQ(m_get(m, queue + 104), 0x1ff << 3 | BIT(2));
	CHECK_EQ(m->num_msi, 2);
	CHECK_EQ(m_bad(m), 0);
	m_free(m);
}

/* 6.5.3.1: what is cached of the page goes, and nothing of others. */
TEST(page_request_invalidates)
{
	static const u64 a = 0x10000000, b = 0x10001000;
	unsigned int pgtt;

	for (pgtt = VSIM_PGTT_FIRST; pgtt <= VSIM_PGTT_NESTED; pgtt++) {
		struct machine *m = m_start("");
		u64 pe = m_pasid(m, m_context(m, SID, PRI), 5), table = m_page(m);
		u64 page = m_page(m), other = m_page(m), gpa = 0, flags = FS_ALL;

		prq(m);
		if (pgtt == VSIM_PGTT_FIRST) {
			m_pe_first(m, pe, table, 1);
		} else if (pgtt == VSIM_PGTT_SECOND) {
			m_pe_second(m, pe, table, 1);
			flags = SS_RW;
		} else {
			gpa = M_GPA;
			m_pe_nested(m, pe, table + gpa, m_second_all(m), 1);
		}
		m_set(m, m_entry(m, table, 4, 1, a, gpa, flags), (page + gpa) | flags);
		m_set(m, m_entry(m, table, 4, 1, b, gpa, flags), (page + gpa) | flags);
		CHECK_EQ(m_access(m, SID, 5, a, 0).phys, page);
		CHECK_EQ(m_access(m, SID, 5, b, 0).phys, page);
		m_set(m, m_entry(m, table, 4, 1, a, gpa, flags), (other + gpa) | flags);
		m_set(m, m_entry(m, table, 4, 1, b, gpa, flags), (other + gpa) | flags);
		CHECK_EQ(ask(m, 5, a, SIM_PR_READ, 0, true), SIM_OK);
		CHECK_EQ(m_access(m, SID, 5, a, 0).phys, other);
		CHECK_EQ(m_access(m, SID, 5, b, 0).phys,
			 pgtt == VSIM_PGTT_NESTED ? other : page);
		m_free(m);
	}
}

TEST(page_request_overflow)
{
	struct machine *m = m_start("");
	unsigned int i;

	prq(m);
	may_ask(m);
	for (i = 0; i < 127; i++)
		CHECK_EQ(ask(m, 5, 0, SIM_PR_READ, 0, false), SIM_OK);
	CHECK_EQ(m_read64(m, VSIM_PQT), 127 * 32);
	CHECK_EQ(m_counter(m, "page_requests_lost"), 0);
	CHECK_EQ(ask(m, 5, 0, SIM_PR_READ, 3, false), SIM_OK);
	CHECK_EQ(m_counter(m, "page_requests_lost"), 1);
	CHECK_EQ(m_read(m, VSIM_PRS), VSIM_PRS_PPR | VSIM_PRS_PRO);
	CHECK_EQ(m->num_responses, 0);
	/* The last of a group is answered, and with PRO also when there is room. */
	m_write64(m, VSIM_PQH, 64);
	CHECK_EQ(ask(m, 5, 0, SIM_PR_READ, 3, true), SIM_OK);
	CHECK_EQ(m->num_responses, 1);
	CHECK_EQ(m->responses[0].group, 3);
	CHECK_EQ(m->responses[0].code, SIM_OK);
	/* A Stop Marker is not. */
	CHECK_EQ(ask(m, 5, 0, 0, 3, true), SIM_OK);
	CHECK_EQ(m->num_responses, 1);
	m_write(m, VSIM_PRS, VSIM_PRS_PRO | VSIM_PRS_PPR);
	CHECK_EQ(ask(m, 5, 0, SIM_PR_READ, 4, true), SIM_OK);
	CHECK_EQ(m_read64(m, VSIM_PQT), 0);
	m->u.inject[SIM_FAULT_PRQ_FULL].count = 1;
	CHECK_EQ(ask(m, 5, 0, SIM_PR_READ, 4, false), SIM_OK);
	CHECK_EQ(m_read(m, VSIM_PRS), VSIM_PRS_PPR | VSIM_PRS_PRO);
	CHECK_EQ(m_bad(m), 0);
	m_free(m);
}

TEST(page_request_refused)
{
	struct machine *m = m_start("");

	prq(m);
	CHECK_EQ(ask(m, NP, 0, SIM_PR_READ, 0, true), SIM_DENIED);
	CHECK_EQ(m_fault(m), VSIM_SRT_2);
	m_context(m, SID, VSIM_CTX_DTE);
	CHECK_EQ(ask(m, NP, 0x9000, SIM_PR_READ, 0, true), SIM_DENIED);
	CHECK_EQ(vsim_get(m_read64(m, vsim_frcd(&m->u, 1) + 8), 28, 28), 1);
	CHECK_EQ(m_fault(m), VSIM_SCT_8);
	CHECK(m_submit(m, VSIM_DESC_CONTEXT | VSIM_CC_GLOBAL << 4, 0));
	m_context(m, SID, VSIM_CTX_DTE | VSIM_CTX_PRE);
	CHECK_EQ(ask(m, 5, 0, SIM_PR_READ, 0, true), SIM_DENIED);
	CHECK_EQ(m_fault(m), VSIM_SCT_6);
	CHECK(m_submit(m, VSIM_DESC_CONTEXT | VSIM_CC_GLOBAL << 4, 0));
	m_context(m, SID, PRI);
	CHECK_EQ(ask(m, 0x8000, 0, SIM_PR_READ, 0, true), SIM_DENIED);
	CHECK_EQ(m_fault(m), VSIM_SCT_7);
	CHECK_EQ(ask(m, 5, 0, SIM_PR_READ, 0, true), SIM_DENIED);
	CHECK_EQ(m_fault(m), VSIM_SPD_2);
	/* What needs no answer gets none. */
	CHECK_EQ(ask(m, 5, 0, SIM_PR_READ, 0, false), SIM_OK);
	CHECK_EQ(m_fault(m), VSIM_SPD_2);
	m->bad = m->root;
	CHECK(m_submit(m, VSIM_DESC_CONTEXT | VSIM_CC_GLOBAL << 4, 0));
	CHECK_EQ(ask(m, NP, 0, SIM_PR_READ, 0, true), SIM_DENIED);
	CHECK_EQ(m_fault(m), VSIM_SRT_1);
	m->bad = 0;
	CHECK_EQ(m_read(m, VSIM_PRS), 0);
	CHECK_EQ(m_bad(m), 0);
	m_command(m, VSIM_GCMD_TE, false);
	m_set_root(m, m->root);
	CHECK_EQ(ask(m, NP, 0, SIM_PR_READ, 0, true), SIM_DENIED);
	CHECK_EQ(m_fault(m), 0);
	m_command(m, VSIM_GCMD_TE, true);
	CHECK_EQ(ask(m, NP, 0, SIM_PR_READ, 0, true), SIM_DENIED);
	CHECK_EQ(m_fault(m), VSIM_RTA_3);
	m_free(m);
}

TEST(page_request_registers)
{
	struct machine *m = m_start("");

	may_ask(m);
	CHECK_EQ(ask(m, 5, 0, 0, 0, true), SIM_OK);
	CHECK_EQ(m_counter(m, "bad.page_request_queue_unset"), 1);
	m_write(m, VSIM_PRS, VSIM_PRS_PRO);
	prq(m);
	ask(m, 5, 0, 0, 0, true);
	m_write(m, VSIM_PQH, 4096);
	CHECK_EQ(m_counter(m, "bad.pqh"), 1);
	m_write(m, VSIM_PQH, 0);
	m_write(m, VSIM_PQA, 0x7000);
	CHECK_EQ(m_counter(m, "bad.pqa_while_in_use"), 1);
	m_free(m);
}

TAP_MAIN
