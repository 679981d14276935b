// SPDX-License-Identifier: GPL-2.0-only
/*
 * The modelled VT-d unit: what is cached stays until the right invalidation comes,
 * and no invalidation takes more than it should.
 */
#include "tap.h"
#include "vtd_machine.h"

#define NP	SIM_NO_PASID
#define A	0x10000000ULL
#define B	(A + 0x1000)
#define FAR	(A + SZ_1G)

/* 6.5.2.1 to 6.5.2.4 */
#define CC(g, sid, fm)		(VSIM_DESC_CONTEXT | (g) << 4 | (u64)(sid) << 32 | (u64)(fm) << 48)
#define PC(g, did, pasid)	(VSIM_DESC_PASID_CACHE | (g) << 4 | (did) << 16 | (u64)(pasid) << 32)
#define IOTLB(g, did)		(VSIM_DESC_IOTLB | (g) << 4 | 0xc0 | (did) << 16)
#define PIOTLB(g, did, pasid)	(VSIM_DESC_PASID_IOTLB | (g) << 4 | (did) << 16 | (u64)(pasid) << 32)
#define IH			BIT(6)

/* Where a request ends up; 0: it faults. */
static u64 at(struct machine *m, u16 sid, u32 pasid, u64 addr)
{
	struct sim_reply reply = m_access(m, sid, pasid, addr, 0);

	while (m_fault(m))
		;
	return reply.status == SIM_UR ? 0 : reply.phys;
}

static void inv(struct machine *m, u64 qw0, u64 qw1)
{
	CHECK(m_submit(m, qw0, qw1));
}

TEST(context_cache)
{
	struct machine *m = m_start("-PREFETCH");
	u64 ctx = m_context_at(m, SID), ctx2 = m_context_at(m, SID2);

	m_pe_pass(m, m_pasid(m, m_context(m, SID, 0), 0), 1);
	m_pe_pass(m, m_pasid(m, m_context(m, SID2, 0), 0), 1);
	CHECK_EQ(at(m, SID, NP, A), A);
	CHECK_EQ(at(m, SID2, NP, A), A);
	m_set(m, ctx, 0);
	m_set(m, ctx2, 0);
	CHECK_EQ(at(m, SID, NP, A), A);
	CHECK_EQ(m_counter(m, "stale.context"), 2);
	/* Nothing else takes it. */
	inv(m, PC(VSIM_PC_GLOBAL, 0, 0), 0);
	inv(m, IOTLB(VSIM_IOTLB_GLOBAL, 0), 0);
	inv(m, CC(VSIM_CC_DEVICE, SID2, 0), 0);
	CHECK_EQ(at(m, SID2, NP, A), 0);
	CHECK_EQ(at(m, SID, NP, A), A);
	inv(m, CC(VSIM_CC_DEVICE, SID, 0), 0);
	CHECK_EQ(at(m, SID, NP, A), 0);
	CHECK_EQ(m_counter(m, "stale.context"), 0);
	CHECK_EQ(m_counter(m, "wide.context_global"), 0);
	CHECK_EQ(m_bad(m), 0);
	m_free(m);
}

/* FM: function bits that do not count. */
TEST(context_function_mask)
{
	static const u8 taken[4] = { 1, 2, 4, 8 };	/* functions out of eight */
	unsigned int fm, fn, left;

	for (fm = 0; fm < 4; fm++) {
		struct machine *m = m_start("-PREFETCH");

		for (fn = 0; fn < 8; fn++) {
			m_pe_pass(m, m_pasid(m, m_context(m, SID + fn, 0), 0), 1);
			CHECK_EQ(at(m, SID + fn, NP, A), A);
			m_set(m, m_context_at(m, SID + fn), 0);
		}
		inv(m, CC(VSIM_CC_DEVICE, SID, fm), 0);
		for (fn = left = 0; fn < 8; fn++)
			left += at(m, SID + fn, NP, A) == A;
		CHECK_EQ(left, 8 - taken[fm]);
		/* By domain is global in scalable mode. */
		inv(m, CC(VSIM_CC_DOMAIN, 0, 0) | 99 << 16, 0);
		CHECK_EQ(at(m, SID + 7, NP, A), 0);
		m_free(m);
	}
}

TEST(context_absent_is_not_cached)
{
	struct machine *m = m_start("");

	CHECK_EQ(at(m, SID, NP, A), 0);
	m_context(m, SID, 0);
	CHECK_EQ(at(m, SID, NP, A), 0);
	m_pe_pass(m, m_pasid(m, m_get(m, m_context_at(m, SID)) & ~0xfffULL, 0), 1);
	CHECK_EQ(at(m, SID, NP, A), A);
	m_free(m);
}

/* Where a request ends up that was never made before: B plus a page for each. */
static u64 at_new(struct machine *m, u16 sid, u32 pasid)
{
	static u64 next = B;

	next += 4096;
	return at(m, sid, pasid, next) ? A : 0;
}

/* SID with PASIDs 1, 2 (domain 5), 3 (domain 6), all in one leaf, pass-through. */
static struct machine *pasids(u64 *dir)
{
	struct machine *m = m_start("-PREFETCH");
	unsigned int i;

	*dir = m_context(m, SID, VSIM_CTX_PASIDE);
	for (i = 1; i <= 3; i++) {
		m_pe_pass(m, m_pasid(m, *dir, i), i < 3 ? 5 : 6);
		CHECK_EQ(at(m, SID, i, A), A);
	}
	return m;
}

TEST(pasid_cache)
{
	static const struct {
		u64 desc;
		u8 gone;	/* one bit per PASID */
	} kinds[] = {
		{ PC(VSIM_PC_PASID, 5, 1), 1 << 1 },
		{ PC(VSIM_PC_PASID, 5, 3), 0 },
		{ PC(VSIM_PC_PASID, 6, 3), 1 << 3 },
		{ PC(VSIM_PC_DOMAIN, 5, 3), 1 << 1 | 1 << 2 },
		{ PC(VSIM_PC_DOMAIN, 6, 0), 1 << 3 },
		{ PC(VSIM_PC_GLOBAL, 9, 9), 1 << 1 | 1 << 2 | 1 << 3 },
		{ CC(VSIM_CC_GLOBAL, 0, 0), 0 },
		{ IOTLB(VSIM_IOTLB_GLOBAL, 0), 0 },
		{ PIOTLB(VSIM_PIOTLB_PASID, 5, 1), 0 },
	};
	unsigned int i, p;
	u64 dir;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct machine *m = pasids(&dir);

		for (p = 1; p <= 3; p++)
			m_set(m, m_pasid(m, dir, p), 0);
		CHECK_EQ(m_counter(m, "stale.pasid"), 3);
		inv(m, kinds[i].desc, 0);
		for (p = 1; p <= 3; p++)
			CHECK_EQ(at_new(m, SID, p), kinds[i].gone & 1 << p ? 0 : A);
		CHECK_EQ(m_bad(m), 0);
		m_free(m);
	}
}

/* Another leaf in the directory: the entries that it leads to are invalidated. */
TEST(pasid_directory)
{
	static const struct {
		u64 desc;
		bool seen;
	} kinds[] = {
		{ PC(VSIM_PC_DOMAIN, 6, 0), false },
		{ PC(VSIM_PC_PASID, 5, 2), false },
		{ CC(VSIM_CC_DEVICE, SID, 0), false },
		{ PC(VSIM_PC_PASID, 5, 1), true },
		{ PC(VSIM_PC_DOMAIN, 5, 0), true },
		{ PC(VSIM_PC_GLOBAL, 0, 0), true },
	};
	unsigned int i;
	u64 dir;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct machine *m = pasids(&dir);

		m_set(m, dir, m_page(m) | VSIM_P);
		CHECK_EQ(m_counter(m, "stale.pasid"), 3);
		inv(m, kinds[i].desc, 0);
		CHECK_EQ(at_new(m, SID, 1), kinds[i].seen ? 0 : A);
		m_free(m);
	}
}

/*
 * The IOTLB is looked up by who asks: what was cached is used whatever the PASID
 * table says, and other requests of the same address space do not share it.
 */
TEST(iotlb_is_by_requester)
{
	struct machine *m = m_start("-PREFETCH");
	u64 dir = m_context(m, SID, VSIM_CTX_PASIDE), table = m_page(m);
	u64 page = m_page(m), other = m_page(m), leaf, pe;

	leaf = m_entry(m, table, 4, 1, A, 0, SS_RW);
	m_set(m, leaf, page | SS_RW);
	pe = m_pasid(m, dir, 0);
	m_pe_second(m, pe, table, 1);
	m_pe_second(m, m_pasid(m, dir, 5), table, 1);
	m_pe_second(m, m_pasid(m, m_context(m, SID2, 0), 0), table, 1);
	CHECK_EQ(at(m, SID, NP, A), page);
	m_set(m, leaf, other | SS_RW);
	CHECK_EQ(at(m, SID, 5, A), other);
	CHECK_EQ(at(m, SID2, NP, A), other);
	CHECK_EQ(at(m, SID, NP, A), page);
	m_set(m, pe, 0);
	inv(m, PC(VSIM_PC_GLOBAL, 0, 0), 0);
	CHECK_EQ(at(m, SID, NP, A), page);
	CHECK_EQ(at(m, SID, NP, B), 0);
	/* Without PASID it is invalidated as RID_PASID. */
	inv(m, PIOTLB(VSIM_PIOTLB_PASID, 1, 5), 0);
	CHECK_EQ(at(m, SID, NP, A), page);
	inv(m, PIOTLB(VSIM_PIOTLB_PASID, 1, 0), 0);
	CHECK_EQ(at(m, SID, NP, A), 0);
	CHECK_EQ(m_bad(m), 0);
	m_free(m);
}

/* Domain 1 in both devices, second stage: A, B, and FAR in another table. */
struct space {
	struct machine *m;
	u64 table;
	u64 page;
	u64 other;
	u64 pe;
};

static struct space space(const char *text)
{
	struct space s = { .m = m_start(text) };
	static const u64 addrs[] = { A, B, FAR };
	unsigned int i;

	s.table = m_page(s.m);
	s.page = m_page(s.m);
	s.other = m_page(s.m);
	s.pe = m_pasid(s.m, m_context(s.m, SID, 0), 0);
	m_pe_second(s.m, s.pe, s.table, 1);
	m_pe_second(s.m, m_pasid(s.m, m_context(s.m, SID2, 0), 0), s.table, 2);
	for (i = 0; i < 3; i++) {
		m_set(s.m, m_entry(s.m, s.table, 4, 1, addrs[i], 0, SS_RW), s.page | SS_RW);
		CHECK_EQ(at(s.m, SID, NP, addrs[i]), s.page);
		CHECK_EQ(at(s.m, SID2, NP, addrs[i]), s.page);
	}
	return s;
}

TEST(second_stage)
{
	static const u64 addrs[] = { A, B, FAR };
	static const struct {
		const char *text;
		u64 qw0;
		u64 qw1;
		u8 gone;	/* bits 0 to 2: SID's; 4 to 6: SID2's */
	} kinds[] = {
		{ "", IOTLB(VSIM_IOTLB_PAGE, 1), A, 0x01 },
		{ "", IOTLB(VSIM_IOTLB_PAGE, 1), A | IH, 0x01 },
		{ "", IOTLB(VSIM_IOTLB_PAGE, 1), B, 0x02 },
		{ "", IOTLB(VSIM_IOTLB_PAGE, 1), B | 1, 0x03 },
		{ "", IOTLB(VSIM_IOTLB_PAGE, 1), B | 18, 0x03 },
		{ "", IOTLB(VSIM_IOTLB_PAGE, 2), FAR, 0x40 },
		{ "", IOTLB(VSIM_IOTLB_PAGE, 3), A, 0 },
		{ "", IOTLB(VSIM_IOTLB_DOMAIN, 1), 0, 0x07 },
		{ "", IOTLB(VSIM_IOTLB_DOMAIN, 2), 0, 0x70 },
		{ "", IOTLB(VSIM_IOTLB_GLOBAL, 0), 0, 0x77 },
		{ "", PIOTLB(VSIM_PIOTLB_PASID, 1, 0), 0, 0x07 },
		{ "", PIOTLB(VSIM_PIOTLB_PASID, 1, 1), 0, 0 },
		{ "", PIOTLB(VSIM_PIOTLB_PAGE, 1, 0), A, 0 },
		{ "", CC(VSIM_CC_GLOBAL, 0, 0), 0, 0 },
		{ "", PC(VSIM_PC_GLOBAL, 0, 0), 0, 0 },
	};
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct space s = space(kinds[i].text);

		for (j = 0; j < 3; j++)
			m_set(s.m, m_entry(s.m, s.table, 4, 1, addrs[j], 0, 0), s.other | SS_RW);
		CHECK_EQ(m_counter(s.m, "stale.iotlb"), 6);
		inv(s.m, kinds[i].qw0, kinds[i].qw1);
		for (j = 0; j < 3; j++) {
			if (!CHECK_EQ(at(s.m, SID, NP, addrs[j]),
				      kinds[i].gone & 1 << j ? s.other : s.page))
				printf("# %u\n", i);
			CHECK_EQ(at(s.m, SID2, NP, addrs[j]),
				 kinds[i].gone & 0x10 << j ? s.other : s.page);
		}
		CHECK_EQ(m_bad(s.m), 0);
		m_free(s.m);
	}
}

/* Tables of all levels are cached, and IH keeps them. */
TEST(second_stage_tables)
{
	unsigned int level, ih;
	u64 entry, old, copy;

	for (level = 2; level <= 4; level++) {
		for (ih = 0; ih < 2; ih++) {
			struct space s = space("");

			/* A table with the same, but where A is. */
			entry = m_entry(s.m, s.table, 4, level, A, 0, 0);
			old = m_get(s.m, entry) & ~0xfffULL;
			copy = m_page(s.m);
			memcpy(s.m->mem + copy, s.m->mem + old, 4096);
			m_set(s.m, entry, copy | SS_RW);
			if (level == 2)
				m_set(s.m, m_entry(s.m, s.table, 4, 1, A, 0, 0),
				      s.other | SS_RW);
			else
				m_set(s.m, copy + (m_entry(s.m, old, level - 1, level - 1, A,
							   0, 0) - old), 0);
			inv(s.m, IOTLB(VSIM_IOTLB_PAGE, 1), A | (ih ? IH : 0));
			CHECK_EQ(at(s.m, SID, NP, A), ih ? s.page : level == 2 ? s.other : 0);
			CHECK_EQ(!m_counter(s.m, "stale.paging_structure"), false);
			m_free(s.m);
		}
	}
}

/* Those of other pages stay. */
TEST(second_stage_tables_of_other_pages)
{
	struct space s = space("");
	u64 entry = m_entry(s.m, s.table, 4, 2, A, 0, 0), copy = m_page(s.m);

	m_set(s.m, entry, copy | SS_RW);
	m_set(s.m, copy + (m_entry(s.m, 0x1000, 1, 1, A + 0x7000, 0, 0) & 0xfff),
	      s.other | SS_RW);
	inv(s.m, IOTLB(VSIM_IOTLB_PAGE, 1), FAR);
	CHECK_EQ(at(s.m, SID, NP, A + 0x7000), 0);
	inv(s.m, IOTLB(VSIM_IOTLB_PAGE, 1), A + 0x7000);
	CHECK_EQ(at(s.m, SID, NP, A + 0x7000), s.other);
	m_free(s.m);
}

TEST(large_pages)
{
	struct machine *m = m_start("");
	u64 table = m_page(m), entry;

	m_pe_second(m, m_pasid(m, m_context(m, SID, 0), 0), table, 1);
	entry = m_entry(m, table, 4, 2, A, 0, SS_RW);
	m_set(m, entry, 0x400000 | SS_RW | VSIM_SS_PS);
	CHECK_EQ(at(m, SID, NP, A + 0x5000), 0x405000);
	m_set(m, entry, 0x600000 | SS_RW | VSIM_SS_PS);
	/* One translation for all of it, and any page of it takes it. */
	CHECK_EQ(at(m, SID, NP, A + 0x123000), 0x523000);
	inv(m, IOTLB(VSIM_IOTLB_PAGE, 1), A + SZ_2M);
	CHECK_EQ(at(m, SID, NP, A), 0x400000);
	inv(m, IOTLB(VSIM_IOTLB_PAGE, 1), A + 0x77000);
	CHECK_EQ(at(m, SID, NP, A), 0x600000);
	m_free(m);
}

/* First stage or nested, PASIDs 1 and 2 of one domain: A, B and FAR. */
static struct space stages(bool nested)
{
	struct space s = { .m = m_start("-PREFETCH") };
	static const u64 addrs[] = { A, B, FAR };
	u64 dir = m_context(s.m, SID, VSIM_CTX_PASIDE), gpa = nested ? M_GPA : 0, second = 0;
	unsigned int i, p;

	s.table = m_page(s.m);
	s.page = m_page(s.m);
	s.other = m_page(s.m);
	if (nested)
		second = m_second_all(s.m);
	for (p = 1; p <= 2; p++) {
		if (nested)
			m_pe_nested(s.m, m_pasid(s.m, dir, p), s.table + gpa, second, 1);
		else
			m_pe_first(s.m, m_pasid(s.m, dir, p), s.table, 1);
	}
	s.pe = m_pasid(s.m, dir, 1);
	for (i = 0; i < 3; i++) {
		m_set(s.m, m_entry(s.m, s.table, 4, 1, addrs[i], gpa, FS_ALL),
		      (s.page + gpa) | FS_ALL);
		for (p = 1; p <= 2; p++)
			CHECK_EQ(at(s.m, SID, p, addrs[i]), s.page);
	}
	return s;
}

TEST(first_stage_and_nested)
{
	static const u64 addrs[] = { A, B, FAR };
	static const struct {
		u64 qw0;
		u64 qw1;
		u8 first;	/* gone: bits 0 to 2: of PASID 1; 4 to 6: of PASID 2 */
		u8 nested;
	} kinds[] = {
		{ PIOTLB(VSIM_PIOTLB_PASID, 1, 1), 0, 0x07, 0x07 },
		{ PIOTLB(VSIM_PIOTLB_PASID, 1, 2), 0, 0x70, 0x70 },
		{ PIOTLB(VSIM_PIOTLB_PASID, 2, 1), 0, 0, 0 },
		{ PIOTLB(VSIM_PIOTLB_PAGE, 1, 1), A, 0x01, 0x01 },
		{ PIOTLB(VSIM_PIOTLB_PAGE, 1, 1), A | IH, 0x01, 0x01 },
		{ PIOTLB(VSIM_PIOTLB_PAGE, 1, 2), B | 1, 0x30, 0x30 },
		{ PIOTLB(VSIM_PIOTLB_PAGE, 2, 1), A, 0, 0 },
		{ IOTLB(VSIM_IOTLB_DOMAIN, 1), 0, 0x77, 0x77 },
		{ IOTLB(VSIM_IOTLB_DOMAIN, 2), 0, 0, 0 },
		{ IOTLB(VSIM_IOTLB_PAGE, 1), 0x7000, 0x77, 0x77 },
		{ IOTLB(VSIM_IOTLB_PAGE, 2), A, 0, 0 },
		{ IOTLB(VSIM_IOTLB_GLOBAL, 0), 0, 0x77, 0x77 },
	};
	unsigned int i, j, p, nested;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		for (nested = 0; nested < 2; nested++) {
			struct space s = stages(nested);
			u64 gpa = nested ? M_GPA : 0;
			u8 gone = nested ? kinds[i].nested : kinds[i].first;

			for (j = 0; j < 3; j++)
				m_set(s.m, m_entry(s.m, s.table, 4, 1, addrs[j], gpa, 0),
				      (s.other + gpa) | FS_ALL);
			CHECK_EQ(m_counter(s.m, "stale.iotlb"), 6);
			inv(s.m, kinds[i].qw0, kinds[i].qw1);
			for (j = 0; j < 3; j++)
				for (p = 1; p <= 2; p++)
					CHECK_EQ(at(s.m, SID, p, addrs[j]),
						 gone & (p == 2 ? 0x10 : 1) << j ?
						 s.other : s.page);
			CHECK_EQ(m_bad(s.m), 0);
			m_free(s.m);
		}
	}
}

/* The way down first stage is cached; IH, and nothing of another PASID, keeps it. */
TEST(first_stage_tables)
{
	static const struct {
		u64 qw0;
		u64 qw1;
		bool first;
		bool nested;
	} kinds[] = {
		{ PIOTLB(VSIM_PIOTLB_PASID, 1, 1), 0, true, true },
		{ PIOTLB(VSIM_PIOTLB_PAGE, 1, 1), A, true, true },
		{ PIOTLB(VSIM_PIOTLB_PAGE, 1, 1), A | IH, false, false },
		{ PIOTLB(VSIM_PIOTLB_PASID, 1, 2), 0, false, false },
		{ PIOTLB(VSIM_PIOTLB_PASID, 2, 1), 0, false, false },
		{ IOTLB(VSIM_IOTLB_DOMAIN, 1), 0, true, true },
		{ IOTLB(VSIM_IOTLB_DOMAIN, 2), 0, false, false },
		{ IOTLB(VSIM_IOTLB_PAGE, 1), 0x7000 | IH, true, true },
		{ IOTLB(VSIM_IOTLB_PAGE, 2), A, false, false },
	};
	unsigned int i, nested;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		for (nested = 0; nested < 2; nested++) {
			struct space s = stages(nested);
			u64 gpa = nested ? M_GPA : 0, table = m_page(s.m);
			bool seen = nested ? kinds[i].nested : kinds[i].first;

			m_set(s.m, m_entry(s.m, s.table, 4, 2, A, gpa, 0),
			      (table + gpa) | FS_ALL);
			inv(s.m, kinds[i].qw0, kinds[i].qw1);
			m_set(s.m, m_entry(s.m, s.table, 4, 1, A + 0x5000, gpa, 0),
			      (s.other + gpa) | FS_ALL);
			/* Not cached yet, in the same table as A. */
			if (!CHECK_EQ(at(s.m, SID, 1, A + 0x5000), seen ? s.other : 0))
				printf("# %u %u\n", i, nested);
			m_free(s.m);
		}
	}
}

/* Where second stage has a page of data, or of first stage, is in what is cached. */
TEST(nested_second_stage)
{
	static const struct {
		u64 qw0;
		bool seen;
	} kinds[] = {
		{ IOTLB(VSIM_IOTLB_PAGE, 1), true },
		{ IOTLB(VSIM_IOTLB_DOMAIN, 1), true },
		{ IOTLB(VSIM_IOTLB_DOMAIN, 2), false },
		{ PIOTLB(VSIM_PIOTLB_PASID, 1, 2), false },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct space s = stages(true);
		u64 second = m_get(s.m, s.pe) & ~0xfffULL, copy = m_page(s.m), old;

		m_set(s.m, m_entry(s.m, second, 4, 1, s.page + M_GPA, 0, 0), s.other | SS_RW);
		inv(s.m, kinds[i].qw0, s.page + M_GPA);
		CHECK_EQ(at(s.m, SID, 1, A), kinds[i].seen ? s.other : s.page);
		m_free(s.m);

		/* The table that A is in. */
		s = stages(true);
		second = m_get(s.m, s.pe) & ~0xfffULL;
		old = m_entry(s.m, s.table, 4, 1, A, M_GPA, 0);
		m_set(s.m, m_entry(s.m, second, 4, 1, old + M_GPA, 0, 0), copy | SS_RW);
		m_set(s.m, copy + (old & 0xfff) + 8 * 8, (s.other + M_GPA) | FS_ALL);
		inv(s.m, kinds[i].qw0, old + M_GPA);
		CHECK_EQ(at(s.m, SID, 1, A + 8 * 0x1000), kinds[i].seen ? s.other : 0);
		m_free(s.m);
	}
}

TEST(pass_through)
{
	static const struct {
		u64 qw0;
		u64 qw1;
		bool gone;
	} kinds[] = {
		{ PIOTLB(VSIM_PIOTLB_PASID, 5, 1), 0, true },
		{ PIOTLB(VSIM_PIOTLB_PAGE, 5, 1), A, false },
		{ PIOTLB(VSIM_PIOTLB_PASID, 5, 2), 0, false },
		{ IOTLB(VSIM_IOTLB_DOMAIN, 5), 0, true },
		{ IOTLB(VSIM_IOTLB_DOMAIN, 6), 0, false },
		{ IOTLB(VSIM_IOTLB_PAGE, 5), A, true },
		{ IOTLB(VSIM_IOTLB_PAGE, 5), B, false },
		{ IOTLB(VSIM_IOTLB_GLOBAL, 5), 0, true },
	};
	unsigned int i;
	u64 dir;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct machine *m = pasids(&dir);
		u64 pe = m_pasid(m, dir, 1), table = m_page(m), page = m_page(m);

		/* It is first stage now. */
		m_set(m, m_entry(m, table, 4, 1, A, 0, FS_ALL), page | FS_ALL);
		m_pe_first(m, pe, table, 9);
		inv(m, PC(VSIM_PC_PASID, 5, 1), 0);
		inv(m, kinds[i].qw0, kinds[i].qw1);
		CHECK_EQ(at(m, SID, 1, A), kinds[i].gone ? page : A);
		m_free(m);
	}
}

/* 6.1: with CAP.CM what was not there stays so. */
TEST(caching_mode)
{
	struct machine *m = m_start("+CM");
	u64 table = m_page(m), page = m_page(m), dir, pe;

	CHECK_EQ(at(m, SID, NP, A), 0);
	dir = m_context(m, SID, 0);
	CHECK_EQ(at(m, SID, NP, A), 0);
	inv(m, CC(VSIM_CC_DEVICE, SID, 0), 0);
	pe = m_pasid(m, dir, 0);
	CHECK_EQ(at(m, SID, NP, A), 0);
	m_pe_second(m, pe, table, 1);
	CHECK_EQ(at(m, SID, NP, A), 0);
	CHECK_EQ(m_counter(m, "stale.pasid"), 1);
	/* Under domain ID 0. */
	inv(m, PC(VSIM_PC_DOMAIN, 1, 0), 0);
	CHECK_EQ(at(m, SID, NP, A), 0);
	inv(m, PC(VSIM_PC_DOMAIN, 0, 0), 0);
	m_access(m, SID, NP, A, 0);
	CHECK_EQ(m_fault(m), VSIM_SSS_2);
	m_set(m, m_entry(m, table, 4, 1, A, 0, SS_RW), page | SS_RW);
	CHECK_EQ(at(m, SID, NP, A), 0);
	CHECK_EQ(m_counter(m, "stale.iotlb"), 1);
	inv(m, IOTLB(VSIM_IOTLB_PAGE, 1), B);
	CHECK_EQ(at(m, SID, NP, A), 0);
	inv(m, IOTLB(VSIM_IOTLB_PAGE, 1), A);
	CHECK_EQ(at(m, SID, NP, A), page);
	CHECK_EQ(m_bad(m), 0);
	/* Faults of first stage are not. */
	pe = m_pasid(m, m_context(m, SID + 2, 0), 0);
	m_pe_first(m, pe, table = m_page(m), 8);
	CHECK_EQ(at(m, SID + 2, NP, A), 0);
	m_set(m, m_entry(m, table, 4, 1, A, 0, FS_ALL), page | FS_ALL);
	CHECK_EQ(at(m, SID + 2, NP, A), page);
	/* An entry that is wrong is one that is not there. */
	pe = m_pasid(m, m_context(m, SID + 1, 0), 0);
	m_pe_pass(m, pe, 7);
	m_set(m, pe + 24, 1);
	CHECK_EQ(at(m, SID + 1, NP, A), 0);
	m_set(m, pe + 24, 0);
	inv(m, PC(VSIM_PC_DOMAIN, 7, 0), 0);
	CHECK_EQ(at(m, SID + 1, NP, A), 0);
	inv(m, PC(VSIM_PC_DOMAIN, 0, 0), 0);
	CHECK_EQ(at(m, SID + 1, NP, A), A);
	m_pe_pass(m, m_pasid(m, m_context(m, SID2, 0), 0), 0);
	CHECK_EQ(at(m, SID2, NP, A), A);
	CHECK_EQ(m_counter(m, "bad.domain_id_zero"), 1);
	m_free(m);
}

TEST(absent_pages_are_not_cached)
{
	struct space s = space("");

	CHECK_EQ(at(s.m, SID, NP, A + 0x9000), 0);
	m_set(s.m, m_entry(s.m, s.table, 4, 1, A + 0x9000, 0, 0), s.other | SS_RW);
	CHECK_EQ(at(s.m, SID, NP, A + 0x9000), s.other);
	m_free(s.m);
}

/* Second stage that grants more is not believed before an invalidation. */
TEST(second_stage_grants_after_invalidation)
{
	struct space s = space("");
	u64 leaf = m_entry(s.m, s.table, 4, 1, A + 0x9000, 0, 0);

	m_set(s.m, leaf, s.page | VSIM_SS_R);
	CHECK_EQ(at(s.m, SID, NP, A + 0x9000), s.page);
	m_set(s.m, leaf, s.page | SS_RW);
	CHECK_EQ(m_access(s.m, SID, NP, A + 0x9000, SIM_DMA_WRITE).status, SIM_UR);
	inv(s.m, IOTLB(VSIM_IOTLB_PAGE, 1), A + 0x9000);
	CHECK_EQ(m_access(s.m, SID, NP, A + 0x9000, SIM_DMA_WRITE).status, SIM_OK);
	m_free(s.m);
}

/* SRTP takes nothing by itself, but with CAP.ESRTPS. */
TEST(root_pointer)
{
	unsigned int esrtps;

	for (esrtps = 0; esrtps < 2; esrtps++) {
		struct machine *m = m_start(esrtps ? "+ESRTPS" : "");

		m_pe_pass(m, m_pasid(m, m_context(m, SID, 0), 0), 1);
		CHECK_EQ(at(m, SID, NP, A), A);
		m_set_root(m, m_page(m) | VSIM_TTM_SCALABLE << 10);
		CHECK_EQ(at(m, SID, NP, A), esrtps ? 0 : A);
		inv(m, CC(VSIM_CC_GLOBAL, 0, 0), 0);
		CHECK_EQ(at(m, SID, NP, A), 0);
		m_free(m);
	}
}

/* An invalidation that spares nothing although one could: counted per entry. */
TEST(wide_invalidations)
{
	static const struct {
		u64 qw0;
		u64 qw1;
		const char *name;
		unsigned int changed;	/* how many of SID's pages */
		unsigned int count;
	} kinds[] = {
		{ CC(VSIM_CC_GLOBAL, 0, 0), 0, "wide.context_global", 0, 2 },
		{ PC(VSIM_PC_GLOBAL, 0, 0), 0, "wide.pasid_global", 0, 2 },
		{ PC(VSIM_PC_DOMAIN, 1, 0), 0, "wide.pasid_domain", 0, 1 },
		{ PC(VSIM_PC_PASID, 1, 0), 0, "wide.pasid_domain", 0, 0 },
		{ IOTLB(VSIM_IOTLB_GLOBAL, 0), 0, "wide.iotlb_global", 0, 6 },
		{ IOTLB(VSIM_IOTLB_GLOBAL, 0), 0, "wide.iotlb_global", 3, 0 },
		{ IOTLB(VSIM_IOTLB_DOMAIN, 1), 0, "wide.iotlb_domain", 0, 3 },
		{ IOTLB(VSIM_IOTLB_DOMAIN, 1), 0, "wide.iotlb_domain", 1, 2 },
		{ IOTLB(VSIM_IOTLB_DOMAIN, 1), 0, "wide.iotlb_domain", 3, 0 },
		{ IOTLB(VSIM_IOTLB_PAGE, 1), A | 1, "wide.iotlb_page", 1, 1 },
		{ IOTLB(VSIM_IOTLB_PAGE, 1), A | 1, "wide.iotlb_page", 2, 0 },
		{ IOTLB(VSIM_IOTLB_PAGE, 1), A, "wide.iotlb_page", 0, 0 },
	};
	static const u64 addrs[] = { A, B, FAR };
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct space s = space("-PREFETCH");

		for (j = 0; j < kinds[i].changed; j++)
			m_set(s.m, m_entry(s.m, s.table, 4, 1, addrs[j], 0, 0), 0);
		if (!CHECK_EQ(m_counter(s.m, kinds[i].name), 0))
			printf("# %u\n", i);
		inv(s.m, kinds[i].qw0, kinds[i].qw1);
		if (!CHECK_EQ(m_counter(s.m, kinds[i].name), kinds[i].count))
			printf("# %u\n", i);
		m_free(s.m);
	}
}

TEST(wide_first_stage)
{
	struct space s = stages(false);

	inv(s.m, PIOTLB(VSIM_PIOTLB_PASID, 1, 1), 0);
	CHECK_EQ(m_counter(s.m, "wide.piotlb_pasid"), 3);
	inv(s.m, PIOTLB(VSIM_PIOTLB_PAGE, 1, 2), A | 1);
	CHECK_EQ(m_counter(s.m, "wide.piotlb_page"), 2);
	/* FAR is what is left of PASID 2: by another descriptor than its own. */
	inv(s.m, IOTLB(VSIM_IOTLB_PAGE, 1), 0x7000);
	CHECK_EQ(m_counter(s.m, "wide.iotlb_page"), 1);
	m_free(s.m);
	/* Of nested mappings a guest-physical page takes all: no other way. */
	s = stages(true);
	inv(s.m, IOTLB(VSIM_IOTLB_PAGE, 1), s.page + M_GPA);
	CHECK_EQ(m_counter(s.m, "wide.iotlb_page"), 0);
	m_free(s.m);
	s = stages(true);
	inv(s.m, IOTLB(VSIM_IOTLB_DOMAIN, 1), 0);
	CHECK_EQ(m_counter(s.m, "wide.iotlb_domain"), 0);
	m_free(s.m);
	s = stages(true);
	inv(s.m, PIOTLB(VSIM_PIOTLB_PASID, 1, 1), 0);
	inv(s.m, PIOTLB(VSIM_PIOTLB_PASID, 1, 2), 0);
	CHECK_EQ(m_counter(s.m, "wide.piotlb_pasid"), 6);
	m_free(s.m);
}

/*
 * A request may come in between two descriptors: an IOTLB invalidation that comes
 * before that of the PASID cache is worth nothing.
 */
TEST(order_of_invalidations)
{
	unsigned int right;

	for (right = 0; right < 2; right++) {
		struct machine *m = m_start("");
		u64 one = m_page(m), two = m_page(m), page = m_page(m), other = m_page(m), pe;

		pe = m_pasid(m, m_context(m, SID, 0), 0);
		m_set(m, m_entry(m, one, 4, 1, A, 0, SS_RW), page | SS_RW);
		m_set(m, m_entry(m, two, 4, 1, A, 0, SS_RW), other | SS_RW);
		m_pe_second(m, pe, one, 1);
		CHECK_EQ(at(m, SID, NP, A), page);
		m_pe_second(m, pe, two, 1);
		inv(m, right ? PC(VSIM_PC_DOMAIN, 1, 0) : IOTLB(VSIM_IOTLB_DOMAIN, 1), 0);
		inv(m, right ? IOTLB(VSIM_IOTLB_DOMAIN, 1) : PC(VSIM_PC_DOMAIN, 1, 0), 0);
		CHECK_EQ(at(m, SID, NP, A), right ? other : page);
		CHECK_EQ(!m_counter(m, "stale.iotlb"), right);
		m_free(m);
	}
}

/* Looking ahead sets no bit in tables, and keeps nothing that needs one. */
TEST(prefetch_sets_nothing)
{
	struct space s = stages(false);
	u64 leaf = m_entry(s.m, s.table, 4, 1, A, 0, 0);

	s.m->u.cfg.prefetch = true;
	m_set(s.m, leaf, s.other | (FS_ALL & ~VSIM_FS_A));
	inv(s.m, PIOTLB(VSIM_PIOTLB_PAGE, 1, 1), A);
	CHECK_EQ(m_get(s.m, leaf), s.other | (FS_ALL & ~VSIM_FS_A));
	CHECK_EQ(at(s.m, SID, 1, A), s.other);
	m_free(s.m);

	s = space("");
	m_set(s.m, s.pe, m_get(s.m, s.pe) | VSIM_PE0_SSADE);
	inv(s.m, PC(VSIM_PC_GLOBAL, 0, 0), 0);
	leaf = m_entry(s.m, s.table, 4, 1, A, 0, 0);
	m_set(s.m, leaf, s.other | SS_RW);
	inv(s.m, IOTLB(VSIM_IOTLB_PAGE, 1), A);
	CHECK_EQ(m_get(s.m, leaf), s.other | SS_RW);
	CHECK_EQ(at(s.m, SID, NP, A), s.other);
	CHECK_EQ(m_get(s.m, leaf), s.other | SS_RW | VSIM_SS_A);
	m_free(s.m);
}

/* A root half leads to another table: global it must be. */
TEST(global_where_nothing_else_does)
{
	struct space s = space("-PREFETCH");
	u64 half = s.m->root + 8 * (SID >> 7), copy = m_page(s.m);

	memcpy(s.m->mem + copy, s.m->mem + (m_get(s.m, half) & ~0xfffULL), 4096);
	m_set(s.m, half, copy | VSIM_P);
	CHECK_EQ(m_counter(s.m, "stale.context"), 0);
	inv(s.m, CC(VSIM_CC_GLOBAL, 0, 0), 0);
	CHECK_EQ(m_counter(s.m, "wide.context_global"), 0);
	CHECK_EQ(at(s.m, SID, NP, A), s.page);
	m_free(s.m);
}

/* Tables of a domain that another device still uses may stay, translations not. */
TEST(true_elsewhere)
{
	struct space s = space("-PREFETCH");
	u64 pe2 = m_pasid(s.m, m_get(s.m, m_context_at(s.m, SID2)) & ~0xfffULL, 0);

	m_set(s.m, pe2 + 8, m_get(s.m, s.pe + 8));
	inv(s.m, PC(VSIM_PC_GLOBAL, 0, 0), 0);
	inv(s.m, IOTLB(VSIM_IOTLB_GLOBAL, 0), 0);
	CHECK_EQ(at(s.m, SID, NP, A), s.page);
	CHECK_EQ(at(s.m, SID2, NP, A), s.page);
	CHECK_EQ(at(s.m, SID2, NP, B), s.page);
	m_set(s.m, s.pe, 0);
	CHECK_EQ(m_counter(s.m, "stale.pasid"), 1);
	CHECK_EQ(m_counter(s.m, "stale.iotlb"), 1);
	CHECK_EQ(m_counter(s.m, "stale.paging_structure"), 0);
	m_set(s.m, pe2, 0);
	CHECK_EQ(m_counter(s.m, "stale.pasid"), 2);
	CHECK_EQ(m_counter(s.m, "stale.iotlb"), 3);
	CHECK(m_counter(s.m, "stale.paging_structure"));
	m_free(s.m);
}

/* While the entry is read its upper part changes: what is seen is half of each. */
static void rewrite(struct machine *m)
{
	m_set(m, m->pe + 8, 2 | VSIM_PE1_PWSNP);
	m_set(m, m->pe + 16, m_page(m) | VSIM_PE2_NXE);
	m_set(m, m->pe, VSIM_PGTT_FIRST << 6 | VSIM_P);
}

TEST(entries_are_read_in_pieces)
{
	struct space s = space("+REREAD -PREFETCH");

	m_pe_pass(s.m, s.pe, 3);
	CHECK_EQ(at(s.m, SID, NP, 0x5000), 0x5000);
	/* Nothing of it is kept. */
	m_pe_pass(s.m, s.pe, 4);
	CHECK_EQ(m_counter(s.m, "stale.pasid"), 0);
	inv(s.m, IOTLB(VSIM_IOTLB_GLOBAL, 0), 0);
	m_pe_second(s.m, s.pe, s.table, 9);
	s.m->pe = s.pe;
	s.m->pause = rewrite;
	m_set(s.m, s.pe + 24, 1);
	CHECK_EQ(at(s.m, SID, NP, A), 0);
	CHECK_EQ(m_counter(s.m, "bad.pasid_entry"), 1);
	m_free(s.m);
}

/* What the test of not snooping and of the write buffer is to say of the memory. */
TEST(snooping)
{
	struct space s = space("-PREFETCH");
	u64 leaf = m_entry(s.m, s.table, 4, 1, A, 0, 0);

	CHECK_EQ(m_access(s.m, SID, NP, A, SIM_DMA_NO_SNOOP).status, SIM_OK);
	CHECK_EQ(m_counter(s.m, "not_snooped"), 1);
	m_set(s.m, leaf, s.page | SS_RW | VSIM_SS_SNP);
	inv(s.m, IOTLB(VSIM_IOTLB_GLOBAL, 0), 0);
	CHECK_EQ(m_access(s.m, SID, NP, A, SIM_DMA_NO_SNOOP).status, SIM_OK);
	CHECK_EQ(m_counter(s.m, "not_snooped"), 1);
	m_set(s.m, leaf, s.page | SS_RW);
	m_set(s.m, s.pe + 8, m_get(s.m, s.pe + 8) | VSIM_PE1_PGSNP);
	inv(s.m, PC(VSIM_PC_GLOBAL, 0, 0), 0);
	inv(s.m, IOTLB(VSIM_IOTLB_GLOBAL, 0), 0);
	CHECK_EQ(m_access(s.m, SID, NP, A, SIM_DMA_NO_SNOOP).status, SIM_OK);
	CHECK_EQ(m_counter(s.m, "not_snooped"), 1);
	m_free(s.m);
}

/* Entries in one hash chain are told apart by all of their tags. */
TEST(tags)
{
	static const u8 kinds[] = { VSIM_CONTEXT, VSIM_PASID, VSIM_TABLE_FIRST,
				    VSIM_TABLE_SECOND, VSIM_IOTLB };
	unsigned int i, k;

	for (k = 0; k < ARRAY_SIZE(kinds); k++) {
		struct machine *m = m_new("");
		const struct vsim_entry e = { .kind = kinds[k], .shift = 12, .did = 1,
					      .sid = 1, .pasid = 1, .key = A };
		unsigned int sid = 0, pasid = 0, did = 0, key = 0;
		struct vsim_entry t;

		vsim_cache_add(&m->u, &e);
		for (i = 2; i < 65536; i++) {
			t = e;
			t.sid = i;
			sid += !!vsim_cache_find(&m->u, &t);
			t = e;
			t.pasid = i;
			pasid += !!vsim_cache_find(&m->u, &t);
			t = e;
			t.did = i;
			did += !!vsim_cache_find(&m->u, &t);
			t = e;
			t.key += 4096ULL * i;
			key += !!vsim_cache_find(&m->u, &t);
		}
		/* What is no tag does not matter. */
		CHECK_EQ(!!sid, kinds[k] == VSIM_TABLE_FIRST || kinds[k] == VSIM_TABLE_SECOND);
		CHECK_EQ(!!pasid, kinds[k] == VSIM_CONTEXT || kinds[k] == VSIM_TABLE_SECOND);
		CHECK_EQ(!!did, kinds[k] == VSIM_CONTEXT || kinds[k] == VSIM_PASID ||
				kinds[k] == VSIM_IOTLB);
		CHECK_EQ(!!key, kinds[k] == VSIM_CONTEXT || kinds[k] == VSIM_PASID);
		m_free(m);
	}
}

/* Without memory for it nothing is cached, and all is right. */
TEST(no_room)
{
	struct machine *m = m_start("");
	u64 table = m_page(m), page = m_page(m);

	while (vsim_cache_take(&m->u))
		;
	m_pe_second(m, m_pasid(m, m_context(m, SID, 0), 0), table, 1);
	m_set(m, m_entry(m, table, 4, 1, A, 0, SS_RW), page | SS_RW);
	CHECK_EQ(at(m, SID, NP, A), page);
	CHECK(m_counter(m, "not_cached"));
	m_set(m, m_entry(m, table, 4, 1, A, 0, SS_RW), 0);
	CHECK_EQ(at(m, SID, NP, A), 0);
	m_free(m);
}

TAP_MAIN
