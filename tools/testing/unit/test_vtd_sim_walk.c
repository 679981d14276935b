// SPDX-License-Identifier: GPL-2.0-only
/* The modelled VT-d unit: every table format, every walk, every fault reason. */
#include "tap.h"
#include "vtd_machine.h"

#define IOVA	0x12345678000ULL
#define RW	SIM_DMA_WRITE
#define NP	SIM_NO_PASID

/* A request faults for one reason, which is recorded once. */
#define CHECK_FAULT(m, reply, why) do {					\
	struct sim_reply __r = (reply);					\
	CHECK_EQ(__r.status, SIM_UR);					\
	CHECK_EQ(m_fault(m), why);					\
	CHECK_EQ(m_fault(m), 0);					\
} while (0)

#define CHECK_OK(m, reply, where) do {					\
	struct sim_reply __r = (reply);					\
	CHECK_EQ(__r.status, SIM_OK);					\
	CHECK_EQ(__r.phys, where);					\
	CHECK_EQ(m_fault(m), 0);					\
} while (0)

/* Forget everything cached. */
static void flush(struct machine *m)
{
	CHECK(m_submit(m, VSIM_DESC_CONTEXT | VSIM_CC_GLOBAL << 4, 0));
	CHECK(m_submit(m, VSIM_DESC_PASID_CACHE | VSIM_PC_GLOBAL << 4, 0));
	CHECK(m_submit(m, VSIM_DESC_IOTLB | VSIM_IOTLB_GLOBAL << 4 | 0xc0, 0));
}

static void set(struct machine *m, u64 phys, u64 value)
{
	m_set(m, phys, value);
	flush(m);
}

TEST(translation_off_passes)
{
	struct machine *m = m_new("");
	u64 page = m_page(m);

	CHECK_OK(m, m_access(m, SID, NP, page + 8, RW), page + 8);
	CHECK_EQ(m_get(m, page + 8), 0x37363534333231ULL);
	CHECK_EQ(m_ats(m, SID, NP, page, 0).status, SIM_UR);
	CHECK_EQ(m_access(m, SID, NP, M_BYTES, RW).status, SIM_NO_MEMORY);
	m_free(m);
}

TEST(root_entry)
{
	struct machine *m = m_start("");
	u64 half = m->root + 8 * (SID >> 7), good;

	CHECK_FAULT(m, m_access(m, SID, NP, IOVA, 0), VSIM_SRT_2);
	m_pe_pass(m, m_pasid(m, m_context(m, SID, 0), 0), 1);
	good = m_get(m, half);
	CHECK_OK(m, m_access(m, SID, NP, 0x1000, 0), 0x1000);
	flush(m);
	CHECK_EQ(m_bad(m), 0);
	set(m, half, good | BIT(1));
	CHECK_FAULT(m, m_access(m, SID, NP, IOVA, 0), VSIM_SRT_3);
	set(m, half, good | BIT_ULL(46));
	CHECK_FAULT(m, m_access(m, SID, NP, IOVA, 0), VSIM_SRT_3);
	CHECK_EQ(m_counter(m, "bad.root_entry"), 2);
	set(m, half, good);
	m->bad = m->root;
	CHECK_FAULT(m, m_access(m, SID, NP, IOVA, 0), VSIM_SRT_1);
	m_free(m);
}

/* Bus, upper or lower half, device and function each find their own entry. */
TEST(source_ids)
{
	static const u16 sids[] = { 0x0000, 0x0007, 0x007f, 0x0080, 0x00ff, 0x0100, 0xff80,
				    0xffff };
	struct machine *m = m_start("");
	u64 pages[8];
	unsigned int i;

	for (i = 0; i < 8; i++) {
		u64 table = m_page(m);

		pages[i] = m_page(m);
		m_set(m, m_entry(m, table, 4, 1, IOVA, 0, SS_RW), pages[i] | SS_RW);
		m_pe_second(m, m_pasid(m, m_context(m, sids[i], 0), 0), table, 10 + i);
	}
	for (i = 0; i < 8; i++)
		CHECK_OK(m, m_access(m, sids[i], NP, IOVA + 16, RW), pages[i] + 16);
	CHECK_FAULT(m, m_access(m, 0x0101, NP, IOVA, 0), VSIM_SCT_2);
	CHECK_EQ(m_bad(m), 0);
	m_free(m);
}

static void context_reserved(const char *text, unsigned int word, u64 bits, unsigned int why)
{
	struct machine *m = m_start(text);
	u64 ctx;

	m_pe_pass(m, m_pasid(m, m_context(m, SID, 0), 0), 1);
	ctx = m_context_at(m, SID) + 8 * word;
	set(m, ctx, m_get(m, ctx) | bits);
	if (why)
		CHECK_FAULT(m, m_access(m, SID, NP, 0x1000, 0), why);
	else
		CHECK_OK(m, m_access(m, SID, NP, 0x1000, 0), 0x1000);
	CHECK_EQ(m_bad(m), why ? 1 : 0);
	m_free(m);
}

TEST(context_entry)
{
	struct machine *m = m_start("");
	u64 ctx, good;

	m_pe_pass(m, m_pasid(m, m_context(m, SID, 0), 0), 1);
	ctx = m_context_at(m, SID);
	good = m_get(m, ctx);
	m_set(m, ctx, good & ~VSIM_P);
	CHECK_FAULT(m, m_access(m, SID, NP, 0x1000, 0), VSIM_SCT_2);
	m_set(m, ctx, good);
	m->bad = ctx;
	CHECK_FAULT(m, m_access(m, SID, NP, 0x1000, 0), VSIM_SCT_1);
	CHECK_EQ(m_bad(m), 0);
	m_free(m);

	context_reserved("", 0, BIT(5), VSIM_SCT_3);
	context_reserved("", 0, BIT(8), VSIM_SCT_3);
	context_reserved("", 0, BIT_ULL(46), VSIM_SCT_3);
	context_reserved("", 1, BIT(21), VSIM_SCT_3);
	context_reserved("", 2, 1, VSIM_SCT_3);
	context_reserved("", 3, BIT_ULL(63), VSIM_SCT_3);
	context_reserved("", 1, 1, VSIM_SCT_3);			/* RID_PASID without RPS */
	context_reserved("", 1, BIT(20), VSIM_SCT_3);		/* RID_PRIV */
	context_reserved("-DT", 0, VSIM_CTX_DTE, VSIM_SCT_3);
	context_reserved("", 0, VSIM_CTX_DTE, 0);
	context_reserved("-PASID", 0, VSIM_CTX_PASIDE, VSIM_SCT_3);
	context_reserved("", 0, VSIM_CTX_PASIDE, 0);
	context_reserved("-PRS", 0, VSIM_CTX_DTE | VSIM_CTX_PRE, VSIM_SCT_3);
	context_reserved("", 0, VSIM_CTX_DTE | VSIM_CTX_PRE, 0);
	context_reserved("", 0, VSIM_CTX_PRE, VSIM_SCT_4);
	context_reserved("+RPS", 1, 1 << 15, VSIM_SCT_4);	/* beyond 2^15 PASIDs */
}

TEST(context_says_what_a_device_may)
{
	struct machine *m = m_start("");
	u64 dir = m_context(m, SID, 0), ctx = m_context_at(m, SID), good = m_get(m, ctx);

	m_pe_pass(m, m_pasid(m, dir, 0), 1);
	m_pe_pass(m, m_pasid(m, dir, 0x7fff), 1);
	CHECK_FAULT(m, m_access(m, SID, 0x7fff, 0x1000, 0), VSIM_SCT_6);
	CHECK_FAULT(m, m_ats(m, SID, NP, 0x1000, 0), VSIM_SCT_5);
	set(m, ctx, good | VSIM_CTX_PASIDE | VSIM_CTX_DTE);
	CHECK_OK(m, m_access(m, SID, 0x7fff, 0x1000, 0), 0x1000);
	CHECK_FAULT(m, m_access(m, SID, 0x8000, 0x1000, 0), VSIM_SCT_7);
	CHECK_OK(m, m_ats(m, SID, NP, 0x1000, 0), 0x1000);
	/* PDTS 0: 128 entries */
	set(m, ctx, (good & ~vsim_mask(11, 9)) | VSIM_CTX_PASIDE);
	CHECK_FAULT(m, m_access(m, SID, 0x2000, 0x1000, 0), VSIM_SCT_7);
	/* The PASID that stands in for none is not for others. */
	CHECK_FAULT(m, m_access(m, SID, 0, 0x1000, 0), VSIM_SCT_9);
	CHECK_EQ(m_bad(m), 0);
	m_free(m);
	m = m_start("pss=10");
	m_context(m, SID, VSIM_CTX_PASIDE);
	CHECK_FAULT(m, m_access(m, SID, 1023, 0x1000, 0), VSIM_SPD_2);
	CHECK_FAULT(m, m_access(m, SID, 1024, 0x1000, 0), VSIM_SGN_10);
	m_free(m);
}

TEST(translated_requests)
{
	struct machine *m = m_start("");
	struct sim_request req = { .rid = SID, .pasid = NP, .at = SIM_AT_TRANSLATED,
				   .addr = 0x3000 };
	u64 ctx, good;
	struct sim_reply reply;

	m_pe_pass(m, m_pasid(m, m_context(m, SID, VSIM_CTX_DTE), 0), 1);
	ctx = m_context_at(m, SID);
	good = m_get(m, ctx);
	vsim_access(&m->u, &req, NULL, 0, &reply);
	CHECK_OK(m, reply, 0x3000);
	req.addr = 0xfee00000;
	vsim_access(&m->u, &req, NULL, 0, &reply);
	CHECK_FAULT(m, reply, VSIM_SGN_8);
	req.addr = BIT_ULL(46);
	vsim_access(&m->u, &req, NULL, 0, &reply);
	CHECK_FAULT(m, reply, VSIM_SGN_4);
	set(m, ctx, good & ~VSIM_CTX_DTE);
	req.addr = 0x3000;
	vsim_access(&m->u, &req, NULL, 0, &reply);
	CHECK_FAULT(m, reply, VSIM_SCT_5);
	m_free(m);
}

TEST(pasid_directory)
{
	struct machine *m = m_start("");
	u64 dir = m_context(m, SID, VSIM_CTX_PASIDE), entry = dir + 8 * 5;

	CHECK_FAULT(m, m_access(m, SID, 5 << 6, 0x1000, 0), VSIM_SPD_2);
	m_pe_pass(m, m_pasid(m, dir, 5 << 6 | 63), 1);
	CHECK_OK(m, m_access(m, SID, 5 << 6 | 63, 0x1000, 0), 0x1000);
	CHECK_EQ(m_bad(m), 0);
	set(m, entry, m_get(m, entry) | BIT(2));
	CHECK_FAULT(m, m_access(m, SID, 5 << 6 | 63, 0x1000, 0), VSIM_SPD_3);
	CHECK_EQ(m_counter(m, "bad.pasid_directory_entry"), 1);
	m->bad = dir;
	CHECK_FAULT(m, m_access(m, SID, 5 << 6 | 63, 0x1000, 0), VSIM_SPD_1);
	m_free(m);
}

static void pasid_bits(const char *text, unsigned int word, u64 clear, u64 bits,
		       unsigned int why)
{
	struct machine *m = m_start(text);
	u64 table = m_page(m), pe, page = m_page(m);

	pe = m_pasid(m, m_context(m, SID, 0), 0);
	m_set(m, m_entry(m, table, 4, 1, IOVA, 0, SS_RW), page | SS_RW);
	m_pe_second(m, pe, table, 1);
	if (!(m->setup.cfg.ecap & VSIM_ECAP_SMPWC))
		m_set(m, pe + 8, 1);
	pe += 8 * word;
	m_set(m, pe, (m_get(m, pe) & ~clear) | bits);
	if (why)
		CHECK_FAULT(m, m_access(m, SID, NP, IOVA, 0), why);
	else
		CHECK_OK(m, m_access(m, SID, NP, IOVA, 0), page);
	CHECK_EQ(m_bad(m), why == VSIM_SPT_3 || why == VSIM_SPT_4);
	m_free(m);
}

TEST(pasid_entry)
{
	struct machine *m = m_start("");
	u64 pe = m_pasid(m, m_context(m, SID, 0), 0);
	unsigned int i;

	CHECK_FAULT(m, m_access(m, SID, NP, IOVA, 0), VSIM_SPT_2);
	m->bad = pe;
	CHECK_FAULT(m, m_access(m, SID, NP, IOVA, 0), VSIM_SPT_1);
	m_free(m);

	pasid_bits("", 0, 0, 0, 0);
	pasid_bits("", 0, 0, BIT(5), VSIM_SPT_3);
	pasid_bits("", 0, 0, BIT(11), VSIM_SPT_3);
	pasid_bits("", 0, 0, BIT_ULL(47), VSIM_SPT_3);
	pasid_bits("", 1, 0, BIT(16), VSIM_SPT_3);
	pasid_bits("did=8", 1, 0, BIT(8), VSIM_SPT_3);
	pasid_bits("did=8", 1, 0, BIT(7), 0);
	pasid_bits("-SMPWC", 1, 0, VSIM_PE1_PWSNP, VSIM_SPT_3);
	pasid_bits("", 1, 0, VSIM_PE1_PGSNP, 0);
	pasid_bits("-SC", 1, 0, VSIM_PE1_PGSNP, VSIM_SPT_3);
	pasid_bits("-SRS", 2, 0, VSIM_PE2_SRE, VSIM_SPT_3);
	pasid_bits("-ERS", 2, 0, VSIM_PE2_ERE, VSIM_SPT_3);
	pasid_bits("-EAFS", 2, 0, VSIM_PE2_EAFE, VSIM_SPT_3);
	pasid_bits("-SSADS", 0, 0, VSIM_PE0_SSADE, VSIM_SPT_3);
	pasid_bits("", 2, 0, BIT(8), VSIM_SPT_3);
	for (i = 3; i < 8; i++)
		pasid_bits("", i, 0, BIT_ULL(9 * i), VSIM_SPT_3);
	/* AW, PGTT */
	pasid_bits("", 0, vsim_mask(4, 2), 1 << 2, VSIM_SPT_4);
	pasid_bits("", 0, vsim_mask(4, 2), 3 << 2, VSIM_SPT_4);
	pasid_bits("", 0, vsim_mask(4, 2), 7 << 2, VSIM_SPT_4);
	pasid_bits("", 0, vsim_mask(8, 6), 0, VSIM_SPT_4);
	pasid_bits("", 0, vsim_mask(8, 6), 5 << 6, VSIM_SPT_4);
	pasid_bits("-PT", 0, vsim_mask(8, 6), 4 << 6, VSIM_SPT_4);
	pasid_bits("-FSTS", 0, vsim_mask(8, 6), 1 << 6, VSIM_SPT_4);
	pasid_bits("-NEST", 0, vsim_mask(8, 6), 3 << 6, VSIM_SPT_4);
	pasid_bits("-SSTS", 0, 0, 0, VSIM_SPT_4);
}

/* 6.2.3.1: what one domain ID may not stand for. */
TEST(shared_domain_ids)
{
	static const struct {
		unsigned int pgtt[2];
		bool same_second, same_pasid, same_first, bad;
	} kinds[] = {
		{ { 2, 2 }, true, false, false, false },
		{ { 2, 2 }, false, false, false, true },
		{ { 2, 3 }, true, false, false, false },
		{ { 2, 3 }, true, true, false, true },
		{ { 1, 2 }, true, false, false, true },
		{ { 4, 2 }, true, false, false, true },
		{ { 4, 4 }, true, true, false, false },
		{ { 1, 4 }, true, false, false, false },
		{ { 1, 4 }, true, true, false, true },
		{ { 1, 1 }, true, false, false, false },
		{ { 1, 1 }, true, true, false, true },
		{ { 1, 1 }, true, true, true, false },
	};
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct machine *m = m_start("");
		u64 tables[4] = { m_page(m), m_page(m), m_page(m), m_page(m) };

		for (j = 0; j < 2; j++) {
			u64 dir = m_context(m, j ? SID2 : SID, VSIM_CTX_PASIDE);
			u32 pasid = j && !kinds[i].same_pasid ? 2 : 1;
			u64 pe = m_pasid(m, dir, pasid);
			u64 second = tables[j && !kinds[i].same_second];
			u64 first = tables[2 + (j && !kinds[i].same_first)];

			switch (kinds[i].pgtt[j]) {
			case 1:
				m_pe_first(m, pe, first, 1);
				break;
			case 2:
				m_pe_second(m, pe, second, 1);
				break;
			case 3:
				m_pe_nested(m, pe, first, second, 1);
				break;
			default:
				m_pe_pass(m, pe, 1);
			}
			m_access(m, j ? SID2 : SID, pasid, IOVA, 0);
		}
		if (!CHECK_EQ(m_counter(m, "bad.domain_id_shared"), kinds[i].bad))
			printf("# %u\n", i);
		m_free(m);
	}
}

/* Requests with PASIDs of one device, and without: each its own address space. */
TEST(pasids_are_apart)
{
	static const u32 pasids[] = { NP, 1, 63, 64, 0x7fff };
	struct machine *m = m_start("");
	u64 dir = m_context(m, SID, VSIM_CTX_PASIDE), pages[5];
	unsigned int i;

	for (i = 0; i < 5; i++) {
		u64 table = m_page(m);

		pages[i] = m_page(m);
		m_set(m, m_entry(m, table, 4, 1, IOVA, 0, SS_RW), pages[i] | SS_RW);
		m_pe_second(m, m_pasid(m, dir, i ? pasids[i] : 0), table, i + 1);
	}
	for (i = 0; i < 5; i++)
		CHECK_OK(m, m_access(m, SID, pasids[i], IOVA, RW), pages[i]);
	CHECK_EQ(m_bad(m), 0);
	m_free(m);
}

/* Nothing but the domain ID tells these translations apart. */
TEST(domains_are_apart)
{
	struct machine *m = m_start("");
	u64 dir = m_context(m, SID, VSIM_CTX_PASIDE), pages[200];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(pages); i++) {
		u64 table = m_page(m);

		pages[i] = m_page(m);
		m_set(m, m_entry(m, table, 4, 1, IOVA, 0, SS_RW), pages[i] | SS_RW);
		m_pe_second(m, m_pasid(m, dir, i), table, i);
	}
	for (i = 2; i < 2 * ARRAY_SIZE(pages); i++)
		CHECK_OK(m, m_access(m, SID, i / 2, IOVA, RW), pages[i / 2]);
	m_free(m);
}

TEST(rid_pasid)
{
	struct machine *m = m_start("+RPS");
	u64 dir = m_context(m, SID, VSIM_CTX_PASIDE);

	m_set(m, m_context_at(m, SID) + 8, 77);
	m_pe_pass(m, m_pasid(m, dir, 77), 1);
	CHECK_OK(m, m_access(m, SID, NP, 0x5000, 0), 0x5000);
	CHECK_FAULT(m, m_access(m, SID, 77, 0x5000, 0), VSIM_SCT_9);
	CHECK_FAULT(m, m_access(m, SID, 0, 0x5000, 0), VSIM_SPD_2);
	m_free(m);
}

/* FPD anywhere on the way keeps a fault from being reported. */
TEST(fault_processing_disable)
{
	struct machine *m = m_start("");
	u64 dir = m_context(m, SID, 0), ctx = m_context_at(m, SID);
	u64 pe = m_pasid(m, dir, 0), where[3] = { ctx, dir, pe };
	unsigned int i;

	m_set(m, pe, VSIM_FPD);
	for (i = 0; i < 3; i++) {
		m_set(m, pe, 0);
		set(m, where[i], m_get(m, where[i]) | VSIM_FPD);
		CHECK_EQ(m_access(m, SID, NP, IOVA, 0).status, SIM_UR);
		CHECK_EQ(m_fault(m), 0);
		CHECK_EQ(m_counter(m, "faults_disabled"), i + 1);
		set(m, where[i], m_get(m, where[i]) & ~VSIM_FPD);
	}
	CHECK_FAULT(m, m_access(m, SID, NP, IOVA, 0), VSIM_SPT_2);
	/* What is no matter of the entry is reported all the same. */
	set(m, ctx, m_get(m, ctx) | VSIM_FPD);
	m->bad = dir;
	CHECK_FAULT(m, m_access(m, SID, NP, IOVA, 0), VSIM_SPD_1);
	m->bad = pe;
	CHECK_FAULT(m, m_access(m, SID, NP, IOVA, 0), VSIM_SPT_1);
	m->bad = 0;
	/* Also in a context entry that is not present. */
	set(m, ctx, VSIM_FPD);
	CHECK_EQ(m_access(m, SID, NP, IOVA, 0).status, SIM_UR);
	CHECK_EQ(m_fault(m), 0);
	CHECK_EQ(m_bad(m), 0);
	m_free(m);
}

TEST(pass_through)
{
	struct machine *m = m_start("");

	m_pe_pass(m, m_pasid(m, m_context(m, SID, 0), 0), 1);
	CHECK_OK(m, m_access(m, SID, NP, 0x7008, RW), 0x7008);
	CHECK_EQ(m_get(m, 0x7008), 0x37363534333231ULL);
	CHECK_FAULT(m, m_access(m, SID, NP, BIT_ULL(46), RW), VSIM_SGN_4);
	CHECK_EQ(m_bad(m), 0);
	m_free(m);
}

TEST(interrupt_range)
{
	struct machine *m = m_start("");
	u64 dir = m_context(m, SID, VSIM_CTX_PASIDE | VSIM_CTX_DTE), table = m_page(m);
	struct sim_reply reply;

	m_pe_pass(m, m_pasid(m, dir, 0), 1);
	m_pe_second(m, m_pasid(m, dir, 9), table, 9);
	m_set(m, m_entry(m, table, 4, 1, IOVA, 0, SS_RW), 0xfee01000 | SS_RW);
	CHECK_EQ(m_access(m, SID, NP, 0xfee00000, RW).status, SIM_OK);
	CHECK_EQ(m_access(m, SID, NP, 0xfeefffff, RW).status, SIM_OK);
	CHECK_EQ(m_counter(m, "msi_writes"), 2);
	CHECK_EQ(m_fault(m), 0);
	CHECK_FAULT(m, m_access(m, SID, NP, 0xfee00000, 0), VSIM_SGN_8);
	/* With a PASID it is an address like another. */
	CHECK_FAULT(m, m_access(m, SID, 9, 0xfee00000, RW), VSIM_SSS_2);
	m_pe_pass(m, m_pasid(m, dir, 10), 10);
	CHECK_FAULT(m, m_access(m, SID, 10, 0xfee00000, RW), VSIM_SGN_8);
	/* Neither may tables lead there. */
	CHECK_FAULT(m, m_access(m, SID, 9, IOVA, RW), VSIM_SGN_8);
	CHECK_EQ(m_access(m, SID, NP, 0xfef00000, RW).status, SIM_NO_MEMORY);
	CHECK_EQ(m_access(m, SID, NP, 0xfedffff8, RW).status, SIM_NO_MEMORY);
	reply = m_ats(m, SID, NP, 0xfee01234, RW);
	CHECK_EQ(reply.status, SIM_OK);
	CHECK_EQ(reply.perms, SIM_ATS_WRITE | SIM_ATS_UNTRANSLATED);
	m_free(m);
}

/* One device, one address space of second stage; returns its PASID table entry. */
static u64 second(struct machine *m, unsigned int aw, u64 table)
{
	u64 pe = m_pasid(m, m_context(m, SID, VSIM_CTX_DTE), 0);

	m_pe_second(m, pe, table, 1);
	m_set(m, pe, (m_get(m, pe) & ~vsim_mask(4, 2)) | aw << 2);
	return pe;
}

TEST(second_stage_levels)
{
	static const struct {
		const char *text;
		unsigned int levels;
		u64 last;
	} kinds[] = {
		{ "levels=3 aw=39", 3, BIT_ULL(39) - 4096 },
		{ "levels=4 aw=48", 4, BIT_ULL(48) - 4096 },
		{ "levels=5 aw=57", 5, BIT_ULL(57) - 4096 },
		{ "levels=45 aw=40", 4, BIT_ULL(40) - 4096 },	/* MGAW is less */
		{ "levels=35 aw=57", 3, BIT_ULL(39) - 4096 },	/* AW is less */
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct machine *m = m_start(kinds[i].text);
		u64 table = m_page(m), page = m_page(m);

		second(m, kinds[i].levels - 2, table);
		m_set(m, m_entry(m, table, kinds[i].levels, 1, kinds[i].last, 0, SS_RW),
		      page | SS_RW);
		CHECK_OK(m, m_access(m, SID, NP, kinds[i].last + 0xff8, RW), page + 0xff8);
		CHECK_FAULT(m, m_access(m, SID, NP, kinds[i].last + 4096, 0), VSIM_SGN_5);
		CHECK_FAULT(m, m_access(m, SID, NP, 0, 0), VSIM_SSS_2);
		CHECK_EQ(m_bad(m), 0);
		m_free(m);
	}
}

/* Of all entries on the way the least counts. */
TEST(second_stage_permissions)
{
	unsigned int level;

	for (level = 1; level <= 4; level++) {
		struct machine *m = m_start("");
		u64 table = m_page(m), page = m_page(m), entry, good;

		second(m, 2, table);
		m_set(m, m_entry(m, table, 4, 1, IOVA, 0, SS_RW), page | SS_RW);
		entry = m_entry(m, table, 4, level, IOVA, 0, SS_RW);
		good = m_get(m, entry);
		CHECK_OK(m, m_access(m, SID, NP, IOVA, RW), page);
		set(m, entry, good & ~VSIM_SS_W);
		CHECK_OK(m, m_access(m, SID, NP, IOVA, 0), page);
		CHECK_FAULT(m, m_access(m, SID, NP, IOVA, RW), VSIM_SGN_6);
		set(m, entry, good & ~VSIM_SS_R);
		CHECK_OK(m, m_access(m, SID, NP, IOVA, RW), page);
		CHECK_FAULT(m, m_access(m, SID, NP, IOVA, 0), VSIM_SGN_7);
		set(m, entry, good & ~SS_RW);
		CHECK_FAULT(m, m_access(m, SID, NP, IOVA, 0), VSIM_SSS_2);
		/* Nothing is left of both together. */
		set(m, entry, good & ~VSIM_SS_R);
		if (level > 1) {
			u64 leaf = m_entry(m, table, 4, 1, IOVA, 0, SS_RW);

			set(m, leaf, page | VSIM_SS_R);
			CHECK_FAULT(m, m_access(m, SID, NP, IOVA, 0), VSIM_SSS_2);
		}
		CHECK_EQ(m_bad(m), 0);
		m_free(m);
	}
}

static void second_entry(const char *text, unsigned int level, u64 value, unsigned int why)
{
	struct machine *m = m_start(text);
	u64 table = m_page(m);
	struct sim_reply reply;

	second(m, 2, table);
	m_set(m, m_entry(m, table, 4, level, IOVA, 0, SS_RW), value);
	reply = m_access(m, SID, NP, IOVA, 0);
	CHECK_EQ(m_fault(m), why);
	if (!why)
		CHECK_EQ(reply.phys, (value & vsim_mask(45, 3 + 9 * level)) +
				     (IOVA & vsim_mask(2 + 9 * level, 0)));
	CHECK_EQ(m_counter(m, "bad.paging_entry"), why == VSIM_SSS_3);
	m_free(m);
}

TEST(second_stage_entries)
{
	/* Large pages. */
	second_entry("", 2, 0x600000 | SS_RW | VSIM_SS_PS, 0);
	second_entry("", 3, 0x40000000 | SS_RW | VSIM_SS_PS, 0);
	second_entry("-2M", 2, 0x600000 | SS_RW | VSIM_SS_PS, VSIM_SSS_3);
	second_entry("-1G", 3, 0x40000000 | SS_RW | VSIM_SS_PS, VSIM_SSS_3);
	second_entry("", 4, SS_RW | VSIM_SS_PS, VSIM_SSS_3);
	second_entry("", 2, 0x601000 | SS_RW | VSIM_SS_PS, VSIM_SSS_3);
	second_entry("", 2, 0x700000 | SS_RW | VSIM_SS_PS, VSIM_SSS_3);
	second_entry("", 3, 0x60000000 | SS_RW | VSIM_SS_PS, VSIM_SSS_3);
	/* Addresses beyond HAW; bits that are ignored; SNP. */
	second_entry("", 1, 0x600000 | SS_RW | BIT_ULL(46), VSIM_SSS_3);
	second_entry("", 1, 0x600000 | SS_RW | BIT_ULL(51), VSIM_SSS_3);
	second_entry("", 2, 0x600000 | SS_RW | BIT_ULL(46), VSIM_SSS_3);
	second_entry("", 1, 0x600000 | SS_RW | vsim_mask(63, 52), 0);
	second_entry("", 1, 0x600000 | SS_RW | vsim_mask(6, 2) | VSIM_SS_PS | BIT(10), 0);
	second_entry("", 1, 0x600000 | SS_RW | VSIM_SS_SNP, 0);
	second_entry("-SC", 1, 0x600000 | SS_RW | VSIM_SS_SNP, VSIM_SSS_3);
	/* A table where no memory is. */
	second_entry("", 2, (M_BYTES + 4096) | SS_RW, VSIM_SSS_1);
	second_entry("", 4, BIT_ULL(45) | SS_RW, VSIM_SSS_1);
}

TEST(second_stage_root_unreadable)
{
	struct machine *m = m_start("");

	second(m, 2, M_BYTES);
	CHECK_FAULT(m, m_access(m, SID, NP, IOVA, 0), VSIM_SSS_4);
	m_free(m);
}

TEST(second_stage_accessed_dirty)
{
	struct machine *m = m_start("");
	u64 table = m_page(m), page = m_page(m), leaf, pe;
	unsigned int level;

	pe = second(m, 2, table);
	leaf = m_entry(m, table, 4, 1, IOVA, 0, SS_RW);
	m_set(m, leaf, page | SS_RW);
	CHECK_OK(m, m_access(m, SID, NP, IOVA, RW), page);
	CHECK_EQ(m_get(m, leaf), page | SS_RW);		/* not without SSADE */
	set(m, pe, m_get(m, pe) | VSIM_PE0_SSADE);
	CHECK_OK(m, m_access(m, SID, NP, IOVA, 0), page);
	for (level = 2; level <= 4; level++)
		CHECK(m_get(m, m_entry(m, table, 4, level, IOVA, 0, SS_RW)) & VSIM_SS_A);
	CHECK_EQ(m_get(m, leaf), page | SS_RW | VSIM_SS_A);
	/* What was read first is cached, and gets dirty all the same. */
	CHECK_OK(m, m_access(m, SID, NP, IOVA, RW), page);
	CHECK_EQ(m_get(m, leaf), page | SS_RW | VSIM_SS_A | VSIM_SS_D);
	/* Cleared without an invalidation: the cached translation is dirty. */
	m_set(m, leaf, page | SS_RW);
	CHECK_OK(m, m_access(m, SID, NP, IOVA, RW), page);
	CHECK_EQ(m_get(m, leaf), page | SS_RW);
	flush(m);
	CHECK_OK(m, m_access(m, SID, NP, IOVA, RW), page);
	CHECK_EQ(m_get(m, leaf), page | SS_RW | VSIM_SS_A | VSIM_SS_D);
	/* A write that is not allowed makes nothing dirty. */
	set(m, leaf, page | VSIM_SS_R);
	CHECK_FAULT(m, m_access(m, SID, NP, IOVA, RW), VSIM_SGN_6);
	CHECK_EQ(m_get(m, leaf) & VSIM_SS_D, 0);
	CHECK_EQ(m_bad(m), 0);
	/* Walks that do not snoop cannot set them. */
	m_set(m, pe + 8, 1);
	set(m, leaf, page | SS_RW);
	CHECK_FAULT(m, m_access(m, SID, NP, IOVA, 0), VSIM_SSS_5);
	set(m, leaf, page | SS_RW | VSIM_SS_A);
	CHECK_OK(m, m_access(m, SID, NP, IOVA, 0), page);
	CHECK_FAULT(m, m_access(m, SID, NP, IOVA, RW), VSIM_SSS_5);
	/* Memory that cannot be changed. */
	m_set(m, pe + 8, 1 | VSIM_PE1_PWSNP);
	m->fixed = leaf;
	flush(m);
	CHECK_FAULT(m, m_access(m, SID, NP, IOVA, RW), VSIM_SSS_6);
	m_free(m);
}

/* A first-stage address space: table, and PASID 7 of SID uses it. */
struct first {
	struct machine *m;
	unsigned int levels;
	u64 pe;
	u64 table;
	u64 leaf;
	u64 page;
};

static struct first first(const char *text, unsigned int levels, u64 addr)
{
	struct first f = { .m = m_start(text), .levels = levels };

	f.table = m_page(f.m);
	f.page = m_page(f.m);
	f.pe = m_pasid(f.m, m_context(f.m, SID, VSIM_CTX_PASIDE | VSIM_CTX_DTE), 7);
	m_pe_first(f.m, f.pe, f.table, 3);
	if (levels == 5)
		m_set(f.m, f.pe + 16, m_get(f.m, f.pe + 16) | 1 << 2);
	f.leaf = m_entry(f.m, f.table, levels, 1, addr, 0, FS_ALL & ~VSIM_FS_D);
	m_set(f.m, f.leaf, f.page | FS_ALL);
	return f;
}

static void pe2(struct first *f, u64 bits)
{
	set(f->m, f->pe + 16, m_get(f->m, f->pe + 16) | bits);
}

TEST(first_stage_levels)
{
	const u64 low = BIT_ULL(47) - 4096, high = ~0ULL << 47;
	struct first f = first("", 4, low);

	CHECK_OK(f.m, m_access(f.m, SID, 7, low, RW), f.page);
	CHECK_FAULT(f.m, m_access(f.m, SID, 7, BIT_ULL(47), 0), VSIM_SGN_1);
	CHECK_FAULT(f.m, m_access(f.m, SID, 7, high - 1, 0), VSIM_SGN_1);
	CHECK_FAULT(f.m, m_access(f.m, SID, 7, high, 0), VSIM_SFS_2);
	m_set(f.m, m_entry(f.m, f.table, 4, 1, high, 0, FS_ALL), f.page | FS_ALL);
	CHECK_OK(f.m, m_access(f.m, SID, 7, high + 8, 0), f.page + 8);
	CHECK_EQ(m_bad(f.m), 0);
	m_free(f.m);

	f = first("+FS5LP", 5, BIT_ULL(56) - 4096);
	CHECK_OK(f.m, m_access(f.m, SID, 7, BIT_ULL(56) - 4096, RW), f.page);
	CHECK_FAULT(f.m, m_access(f.m, SID, 7, BIT_ULL(56), 0), VSIM_SGN_1);
	CHECK_EQ(m_bad(f.m), 0);
	m_free(f.m);

	f = first("", 5, IOVA);
	CHECK_FAULT(f.m, m_access(f.m, SID, 7, IOVA, 0), VSIM_SPT_4);
	m_free(f.m);
}

static void first_entry(const char *text, unsigned int level, u64 bits, u64 clear_pe2,
			unsigned int why)
{
	struct first f = first(text, 4, IOVA);
	u64 entry = m_entry(f.m, f.table, 4, level, IOVA, 0, 0);

	m_set(f.m, f.pe + 16, m_get(f.m, f.pe + 16) & ~clear_pe2);
	m_set(f.m, entry, bits & VSIM_FS_PS ? bits | FS_ALL : m_get(f.m, entry) | bits);
	m_access(f.m, SID, 7, IOVA, 0);
	CHECK_EQ(m_fault(f.m), why);
	m_free(f.m);
}

TEST(first_stage_entries)
{
	struct first f;
	unsigned int level;

	first_entry("", 1, 0, 0, 0);
	first_entry("", 1, BIT_ULL(46), 0, VSIM_SFS_3);
	first_entry("", 3, BIT_ULL(51), 0, VSIM_SFS_3);
	first_entry("", 1, vsim_mask(62, 52) | BIT(9) | BIT(11), 0, 0);
	first_entry("", 1, VSIM_FS_XD, 0, 0);
	first_entry("", 1, VSIM_FS_XD, VSIM_PE2_NXE, VSIM_SFS_3);
	first_entry("", 2, 0x600000 | VSIM_FS_PS, 0, 0);
	first_entry("", 2, 0x600000 | VSIM_FS_PS | BIT(12), 0, 0);	/* PAT */
	first_entry("", 2, 0x602000 | VSIM_FS_PS, 0, VSIM_SFS_3);
	first_entry("", 3, 0x40000000 | VSIM_FS_PS, 0, 0);
	first_entry("", 3, 0x60000000 | VSIM_FS_PS, 0, VSIM_SFS_3);
	first_entry("-FS1GP", 3, 0x40000000 | VSIM_FS_PS, 0, VSIM_SFS_3);
	first_entry("", 4, VSIM_FS_PS, 0, VSIM_SFS_3);

	for (level = 1; level <= 4; level++) {
		f = first("", 4, IOVA);
		m_set(f.m, m_entry(f.m, f.table, 4, level, IOVA, 0, 0), ~0ULL << 13 & ~VSIM_FS_P);
		CHECK_FAULT(f.m, m_access(f.m, SID, 7, IOVA, 0), VSIM_SFS_2);
		m_free(f.m);
	}
	f = first("", 4, IOVA);
	m_set(f.m, m_entry(f.m, f.table, 4, 2, IOVA, 0, 0), M_BYTES | FS_ALL);
	CHECK_FAULT(f.m, m_access(f.m, SID, 7, IOVA, 0), VSIM_SFS_1);
	set(f.m, f.pe + 16, M_BYTES | VSIM_PE2_NXE);
	CHECK_FAULT(f.m, m_access(f.m, SID, 7, IOVA, 0), VSIM_SFS_4);
	CHECK_EQ(m_bad(f.m), 0);
	set(f.m, f.pe + 16, BIT_ULL(46));
	CHECK_FAULT(f.m, m_access(f.m, SID, 7, IOVA, 0), VSIM_SPT_3);
	m_free(f.m);
}

/* 3.6.1: user and supervisor, read and write, WPE. */
TEST(first_stage_permissions)
{
	unsigned int level;

	for (level = 1; level <= 4; level++) {
		struct first f = first("", 4, IOVA);
		u64 entry = m_entry(f.m, f.table, 4, level, IOVA, 0, 0);
		u64 good = m_get(f.m, entry);

		CHECK_FAULT(f.m, m_access(f.m, SID, 7, IOVA, SIM_DMA_PRIV), VSIM_SPT_6);
		pe2(&f, VSIM_PE2_SRE);
		CHECK_OK(f.m, m_access(f.m, SID, 7, IOVA, SIM_DMA_PRIV), f.page);
		set(f.m, entry, good & ~VSIM_FS_RW);
		CHECK_OK(f.m, m_access(f.m, SID, 7, IOVA, 0), f.page);
		CHECK_FAULT(f.m, m_access(f.m, SID, 7, IOVA, RW), VSIM_SGN_6);
		CHECK_OK(f.m, m_access(f.m, SID, 7, IOVA, RW | SIM_DMA_PRIV), f.page);
		pe2(&f, VSIM_PE2_WPE);
		CHECK_FAULT(f.m, m_access(f.m, SID, 7, IOVA, RW | SIM_DMA_PRIV), VSIM_SGN_6);
		set(f.m, entry, good & ~VSIM_FS_US);
		CHECK_FAULT(f.m, m_access(f.m, SID, 7, IOVA, 0), VSIM_SGN_2);
		CHECK_OK(f.m, m_access(f.m, SID, 7, IOVA, RW | SIM_DMA_PRIV), f.page);
		CHECK_EQ(m_bad(f.m), 0);
		m_free(f.m);
	}
}

/* 3.6.3: ERE, XD, SMEP. */
TEST(first_stage_execute)
{
	struct first f = first("", 4, IOVA);

	CHECK_FAULT(f.m, m_access(f.m, SID, 7, IOVA, SIM_DMA_EXEC), VSIM_SPT_5);
	pe2(&f, VSIM_PE2_ERE | VSIM_PE2_SRE);
	CHECK_OK(f.m, m_access(f.m, SID, 7, IOVA, SIM_DMA_EXEC), f.page);
	CHECK_OK(f.m, m_access(f.m, SID, 7, IOVA, SIM_DMA_EXEC | SIM_DMA_PRIV), f.page);
	pe2(&f, VSIM_PE2_SMEP);
	CHECK_OK(f.m, m_access(f.m, SID, 7, IOVA, SIM_DMA_EXEC), f.page);
	CHECK_FAULT(f.m, m_access(f.m, SID, 7, IOVA, SIM_DMA_EXEC | SIM_DMA_PRIV), VSIM_SGN_3);
	CHECK_OK(f.m, m_access(f.m, SID, 7, IOVA, SIM_DMA_PRIV), f.page);
	set(f.m, f.leaf, m_get(f.m, f.leaf) | VSIM_FS_XD);
	CHECK_FAULT(f.m, m_access(f.m, SID, 7, IOVA, SIM_DMA_EXEC), VSIM_SGN_3);
	CHECK_OK(f.m, m_access(f.m, SID, 7, IOVA, 0), f.page);
	CHECK_EQ(m_bad(f.m), 0);
	m_free(f.m);
}

TEST(first_stage_accessed_dirty)
{
	struct first f = first("", 4, IOVA);
	unsigned int level;
	u64 entry;

	for (level = 1; level <= 4; level++) {
		entry = m_entry(f.m, f.table, 4, level, IOVA, 0, 0);
		m_set(f.m, entry, m_get(f.m, entry) & ~(VSIM_FS_A | VSIM_FS_D));
	}
	CHECK_OK(f.m, m_access(f.m, SID, 7, IOVA, 0), f.page);
	for (level = 1; level <= 4; level++) {
		entry = m_get(f.m, m_entry(f.m, f.table, 4, level, IOVA, 0, 0));
		CHECK(entry & VSIM_FS_A);
		CHECK(!(entry & (VSIM_FS_D | VSIM_FS_EA)));
	}
	CHECK_OK(f.m, m_access(f.m, SID, 7, IOVA, RW), f.page);
	CHECK(m_get(f.m, f.leaf) & VSIM_FS_D);
	/* A write that is not allowed makes nothing dirty. */
	pe2(&f, VSIM_PE2_SRE | VSIM_PE2_WPE);
	set(f.m, f.leaf, f.page | (FS_ALL & ~(VSIM_FS_D | VSIM_FS_RW)));
	CHECK_FAULT(f.m, m_access(f.m, SID, 7, IOVA, RW), VSIM_SGN_6);
	CHECK_FAULT(f.m, m_access(f.m, SID, 7, IOVA, RW | SIM_DMA_PRIV), VSIM_SGN_6);
	CHECK(!(m_get(f.m, f.leaf) & VSIM_FS_D));
	set(f.m, f.leaf, f.page | FS_ALL);
	/* EA, with EAFE. */
	pe2(&f, VSIM_PE2_EAFE);
	CHECK_OK(f.m, m_access(f.m, SID, 7, IOVA, 0), f.page);
	for (level = 1; level <= 4; level++)
		CHECK(m_get(f.m, m_entry(f.m, f.table, 4, level, IOVA, 0, 0)) & VSIM_FS_EA);
	/* Not without snooping walks. */
	m_set(f.m, f.pe + 8, 3);
	set(f.m, f.leaf, f.page | (FS_ALL & ~VSIM_FS_D) | VSIM_FS_EA);
	CHECK_OK(f.m, m_access(f.m, SID, 7, IOVA, 0), f.page);
	CHECK_FAULT(f.m, m_access(f.m, SID, 7, IOVA, RW), VSIM_SFS_9);
	set(f.m, f.leaf, f.page | (FS_ALL & ~VSIM_FS_A) | VSIM_FS_EA);
	CHECK_FAULT(f.m, m_access(f.m, SID, 7, IOVA, 0), VSIM_SFS_9);
	set(f.m, f.leaf, f.page | FS_ALL);
	CHECK_FAULT(f.m, m_access(f.m, SID, 7, IOVA, 0), VSIM_SFS_9);
	m_set(f.m, f.pe + 8, 3 | VSIM_PE1_PWSNP);
	/* Somebody else writes at the same time: once more. */
	f.m->races = 2;
	flush(f.m);
	CHECK_OK(f.m, m_access(f.m, SID, 7, IOVA, 0), f.page);
	CHECK_EQ(f.m->races, 0);
	m_set(f.m, f.leaf, f.page | FS_ALL);
	f.m->fixed = f.leaf;
	flush(f.m);
	CHECK_FAULT(f.m, m_access(f.m, SID, 7, IOVA, 0), VSIM_SFS_10);
	/* Also told to a translation request. */
	CHECK_EQ(m_ats(f.m, SID, 7, IOVA, 0).status, SIM_OK);
	CHECK_EQ(m_fault(f.m), VSIM_SFS_10);
	m_free(f.m);
}

/* More permission in first stage needs no invalidation, as for a CPU. */
TEST(first_stage_grants_without_invalidation)
{
	struct first f = first("", 4, IOVA);

	m_set(f.m, f.leaf, f.page | (FS_ALL & ~VSIM_FS_RW));
	CHECK_OK(f.m, m_access(f.m, SID, 7, IOVA, 0), f.page);
	CHECK_FAULT(f.m, m_access(f.m, SID, 7, IOVA, RW), VSIM_SGN_6);
	m_set(f.m, f.leaf, f.page | FS_ALL);
	CHECK_OK(f.m, m_access(f.m, SID, 7, IOVA, RW), f.page);
	m_free(f.m);
}

/* Nested: first stage in guest-physical memory. */
struct nest {
	struct machine *m;
	u64 pe;
	u64 first;	/* host-physical */
	u64 second;
	u64 leaf;
	u64 page;	/* host-physical, of what IOVA leads to */
};

static struct nest nest(const char *text)
{
	struct nest n = { .m = m_start(text) };

	n.first = m_page(n.m);
	n.page = m_page(n.m);
	n.second = m_second_all(n.m);
	n.pe = m_pasid(n.m, m_context(n.m, SID, VSIM_CTX_PASIDE | VSIM_CTX_DTE), 7);
	m_pe_nested(n.m, n.pe, n.first + M_GPA, n.second, 4);
	n.leaf = m_entry(n.m, n.first, 4, 1, IOVA, M_GPA, FS_ALL & ~VSIM_FS_D);
	m_set(n.m, n.leaf, (n.page + M_GPA) | FS_ALL);
	return n;
}

/* The second-stage entry of what is at @phys. */
static u64 under(struct nest *n, u64 phys)
{
	return m_entry(n->m, n->second, 4, 1, phys + M_GPA, 0, 0);
}

TEST(nested)
{
	struct nest n = nest("");

	CHECK_OK(n.m, m_access(n.m, SID, 7, IOVA + 24, RW), n.page + 24);
	CHECK_FAULT(n.m, m_access(n.m, SID, 7, IOVA + 4096, RW), VSIM_SFS_2);
	CHECK_FAULT(n.m, m_access(n.m, SID, 7, BIT_ULL(50), RW), VSIM_SGN_1);
	CHECK_EQ(m_bad(n.m), 0);
	m_free(n.m);
}

TEST(nested_second_stage_denies_the_page)
{
	struct nest n = nest("");
	u64 ss = under(&n, n.page);

	set(n.m, ss, n.page | VSIM_SS_R);
	CHECK_OK(n.m, m_access(n.m, SID, 7, IOVA, 0), n.page);
	m_set(n.m, n.leaf, (n.page + M_GPA) | (FS_ALL & ~VSIM_FS_D));
	CHECK_FAULT(n.m, m_access(n.m, SID, 7, IOVA, RW), VSIM_SGN_6);
	CHECK(!(m_get(n.m, n.leaf) & VSIM_FS_D));
	set(n.m, ss, n.page | VSIM_SS_W);
	CHECK_FAULT(n.m, m_access(n.m, SID, 7, IOVA, 0), VSIM_SGN_7);
	set(n.m, ss, 0);
	CHECK_FAULT(n.m, m_access(n.m, SID, 7, IOVA, 0), VSIM_SSS_2);
	set(n.m, ss, n.page | SS_RW | BIT_ULL(46));
	CHECK_FAULT(n.m, m_access(n.m, SID, 7, IOVA, 0), VSIM_SSS_3);
	set(n.m, ss, n.page | SS_RW);
	/* Beyond what second stage translates. */
	set(n.m, n.leaf, (BIT_ULL(45) + 4096) | FS_ALL);
	CHECK_FAULT(n.m, m_access(n.m, SID, 7, IOVA, 0), VSIM_SSS_2);
	m_free(n.m);

	n = nest("aw=40");
	set(n.m, n.leaf, BIT_ULL(41) | FS_ALL);
	CHECK_FAULT(n.m, m_access(n.m, SID, 7, IOVA, 0), VSIM_SFS_5);
	m_free(n.m);
}

TEST(nested_second_stage_denies_a_table)
{
	unsigned int level;

	for (level = 1; level <= 4; level++) {
		struct nest n = nest("");
		u64 table = m_entry(n.m, n.first, 4, level, IOVA, M_GPA, 0) & ~0xfffULL;
		u64 ss = under(&n, table);

		set(n.m, ss, table | VSIM_SS_R);
		CHECK_OK(n.m, m_access(n.m, SID, 7, IOVA, 0), n.page);
		set(n.m, ss, table | VSIM_SS_W);
		CHECK_FAULT(n.m, m_access(n.m, SID, 7, IOVA, 0),
			    level == 4 ? VSIM_SFS_6 : VSIM_SFS_7);
		set(n.m, ss, 0);
		CHECK_FAULT(n.m, m_access(n.m, SID, 7, IOVA, 0), VSIM_SSS_2);
		/* A is to be set in a table that is not writable. */
		set(n.m, ss, table | VSIM_SS_R);
		m_set(n.m, m_entry(n.m, n.first, 4, level, IOVA, M_GPA, 0),
		      m_get(n.m, m_entry(n.m, n.first, 4, level, IOVA, M_GPA, 0)) & ~VSIM_FS_A);
		CHECK_FAULT(n.m, m_access(n.m, SID, 7, IOVA, 0), VSIM_SFS_8);
		CHECK_EQ(m_bad(n.m), 0);
		m_free(n.m);
	}
}

TEST(nested_tables_beyond_second_stage)
{
	struct nest n = nest("aw=40");
	u64 entry = m_entry(n.m, n.first, 4, 2, IOVA, M_GPA, 0);

	set(n.m, entry, BIT_ULL(41) | FS_ALL);
	CHECK_FAULT(n.m, m_access(n.m, SID, 7, IOVA, 0), VSIM_SFS_5);
	set(n.m, n.pe + 16, BIT_ULL(41) | VSIM_PE2_NXE);
	CHECK_EQ(m_bad(n.m), 0);
	CHECK_FAULT(n.m, m_access(n.m, SID, 7, IOVA, 0), VSIM_SPT_4);
	m_free(n.m);
}

/* The smaller of both pages is what is cached and told. */
TEST(nested_page_sizes)
{
	struct nest n = nest("");
	u64 big = m_entry(n.m, n.second, 4, 2, M_GPA + 0x1000000, 0, 0);
	u64 fs = m_entry(n.m, n.first, 4, 2, IOVA + SZ_1G, M_GPA, FS_ALL);
	u64 addr = (IOVA + SZ_1G) & ~(u64)(SZ_2M - 1);
	struct sim_reply reply;

	m_set(n.m, fs, (M_GPA + 0x1000000) | FS_ALL | VSIM_FS_PS);
	reply = m_ats(n.m, SID, 7, addr + 0x5123, 0);
	CHECK_EQ(reply.status, SIM_OK);
	CHECK_EQ(reply.length, 4096);
	CHECK_EQ(reply.phys, 0x1005000);
	set(n.m, big, 0x1000000 | SS_RW | VSIM_SS_PS);
	reply = m_ats(n.m, SID, 7, addr + 0x5123, 0);
	CHECK_EQ(reply.length, SZ_2M);
	CHECK_EQ(reply.phys, 0x1000000);
	m_free(n.m);
}

/* What a translation request is told. */
TEST(translation_requests)
{
	struct first f = first("", 4, IOVA);
	struct sim_reply reply;

	reply = m_ats(f.m, SID, 7, IOVA + 0x10, RW);
	CHECK_EQ(reply.status, SIM_OK);
	CHECK_EQ(reply.phys, f.page);
	CHECK_EQ(reply.length, 4096);
	CHECK_EQ(reply.perms, SIM_ATS_READ | SIM_ATS_WRITE);
	/* Not there: success without permissions, and no fault. */
	reply = m_ats(f.m, SID, 7, IOVA + 4096, 0);
	CHECK_EQ(reply.status, SIM_OK);
	CHECK_EQ(reply.perms, 0);
	CHECK_EQ(m_fault(f.m), 0);
	/* Not dirty and nobody asked to write: read only. */
	set(f.m, f.leaf, f.page | (FS_ALL & ~VSIM_FS_D));
	reply = m_ats(f.m, SID, 7, IOVA, 0);
	CHECK_EQ(reply.perms, SIM_ATS_READ);
	CHECK(!(m_get(f.m, f.leaf) & VSIM_FS_D));
	reply = m_ats(f.m, SID, 7, IOVA, RW);
	CHECK_EQ(reply.perms, SIM_ATS_READ | SIM_ATS_WRITE);
	CHECK(m_get(f.m, f.leaf) & VSIM_FS_D);
	/* So it is with broken tables of first stage, and with a PASID that is not there. */
	set(f.m, f.leaf, f.page | FS_ALL | BIT_ULL(46));
	reply = m_ats(f.m, SID, 7, IOVA, 0);
	CHECK_EQ(reply.status, SIM_OK);
	CHECK_EQ(reply.perms, 0);
	CHECK_EQ(m_ats(f.m, SID, 8, IOVA, 0).status, SIM_OK);
	CHECK_EQ(m_ats(f.m, SID, 70, IOVA, 0).status, SIM_OK);
	CHECK_EQ(m_ats(f.m, SID, 7, BIT_ULL(50), 0).status, SIM_OK);
	CHECK_EQ(m_ats(f.m, SID, 7, IOVA, SIM_DMA_PRIV).status, SIM_OK);
	CHECK_EQ(m_fault(f.m), 0);
	/* Broken tables of the host are an abort, a device without any is unsupported. */
	CHECK_EQ(m_ats(f.m, SID2, 7, IOVA, 0).status, SIM_UR);
	CHECK_EQ(m_fault(f.m), VSIM_SRT_2);
	CHECK_EQ(m_ats(f.m, SID, 0x8000, IOVA, 0).status, SIM_UR);
	CHECK_EQ(m_fault(f.m), VSIM_SCT_7);
	CHECK_EQ(m_bad(f.m), 0);
	set(f.m, f.pe + 24, 1);
	CHECK_EQ(m_ats(f.m, SID, 7, IOVA, 0).status, SIM_CA);
	CHECK_EQ(m_fault(f.m), VSIM_SPT_3);
	m_free(f.m);
}

TEST(table_modes)
{
	struct machine *m = m_start("");

	m_command(m, VSIM_GCMD_TE, false);
	m_set_root(m, m->root);
	m_command(m, VSIM_GCMD_TE, true);
	CHECK_FAULT(m, m_access(m, SID, 7, IOVA, 0), VSIM_RTA_2);
	m_command(m, VSIM_GCMD_TE, false);
	m_set_root(m, m->root | VSIM_TTM_RESERVED << 10);
	m_command(m, VSIM_GCMD_TE, true);
	CHECK_FAULT(m, m_access(m, SID, 7, IOVA, 0), VSIM_RTA_1);
	m_command(m, VSIM_GCMD_TE, false);
	m_set_root(m, m->root | VSIM_TTM_ABORT << 10);
	m_command(m, VSIM_GCMD_TE, true);
	CHECK_FAULT(m, m_access(m, SID, 7, IOVA, 0), VSIM_RTA_1);
	m->u.cfg.ecap |= VSIM_ECAP_ADMS;
	CHECK_FAULT(m, m_access(m, SID, 7, IOVA, 0), VSIM_RTA_4);
	m_free(m);
}

TEST(protected_memory)
{
	struct machine *m = m_new("+PLMR +PHMR");
	u64 page = m_page(m);

	m_write(m, VSIM_PLMBASE, page);
	m_write(m, VSIM_PLMLIMIT, page + 0xfff);
	CHECK_OK(m, m_access(m, SID, NP, page, RW), page);
	m_write(m, VSIM_PMEN, VSIM_PMEN_EPM);
	CHECK(m_read(m, VSIM_PMEN) & VSIM_PMEN_PRS);
	CHECK_EQ(m_access(m, SID, NP, page, RW).status, SIM_UR);
	CHECK_OK(m, m_access(m, SID, NP, page + 4096, RW), page + 4096);
	m_write(m, VSIM_PMEN, 0);
	CHECK_EQ(m_read(m, VSIM_PMEN), 0);
	CHECK_OK(m, m_access(m, SID, NP, page, RW), page);
	m_free(m);
}

TAP_MAIN
