// SPDX-License-Identifier: GPL-2.0-only
/* The modelled VT-d unit: the invalidation queue, its errors and its waits. */
#include "tap.h"
#include "vtd_machine.h"

#define CC_GLOBAL	(VSIM_DESC_CONTEXT | VSIM_CC_GLOBAL << 4)

static u32 fsts(struct machine *m)
{
	return m_read(m, VSIM_FSTS) & VSIM_FSTS_QUEUE;
}

static u64 head(struct machine *m)
{
	return m_read64(m, VSIM_IQH);
}

TEST(wait_writes_status)
{
	struct machine *m = m_start("");
	u32 at = m->tail;

	m_put(m, VSIM_DESC_WAIT | VSIM_WAIT_SW | 0x12345678ULL << 32, m->status + 8);
	CHECK_EQ(head(m), at);
	m_kick(m);
	CHECK_EQ(head(m), m->tail);
	CHECK_EQ(m_get(m, m->status + 8), 0x12345678);
	CHECK_EQ(m_bad(m), 0);
	m_put(m, VSIM_DESC_WAIT, m->status);
	m_kick(m);
	CHECK_EQ(m_counter(m, "bad.wait"), 1);
	m_free(m);
}

TEST(queue_wraps)
{
	struct machine *m = m_start("");
	unsigned int i;

	for (i = 0; i < 300; i++)
		CHECK(m_submit(m, CC_GLOBAL, 0));
	CHECK_EQ(m_counter(m, "context_global"), 301);
	CHECK_EQ(m_counter(m, "batches"), 303);
	CHECK_EQ(m_bad(m), 0);
	m_free(m);
}

TEST(completion_event)
{
	struct machine *m = m_start("");

	m_write(m, VSIM_IEDATA, 0x66);
	m_write(m, VSIM_IEADDR, 0xfee03000);
	m_write(m, VSIM_IECTL, 0);
	m_put(m, VSIM_DESC_WAIT | VSIM_WAIT_IF, 0);
	m_kick(m);
	CHECK_EQ(m_read(m, VSIM_ICS), VSIM_ICS_IWC);
	CHECK_EQ(m->num_msi, 1);
	CHECK_EQ(m->msi[0].addr, 0xfee03000);
	CHECK_EQ(m->msi[0].data, 0x66);
	m_put(m, VSIM_DESC_WAIT | VSIM_WAIT_IF, 0);
	m_kick(m);
	CHECK_EQ(m->num_msi, 1);
	m_write(m, VSIM_ICS, VSIM_ICS_IWC);
	CHECK_EQ(m_read(m, VSIM_ICS), 0);
	m_write(m, VSIM_IECTL, VSIM_ECTL_IM);
	m_put(m, VSIM_DESC_WAIT | VSIM_WAIT_IF, 0);
	m_kick(m);
	CHECK_EQ(m_read(m, VSIM_IECTL), VSIM_ECTL_IM | VSIM_ECTL_IP);
	m_write(m, VSIM_ICS, VSIM_ICS_IWC);
	CHECK_EQ(m_read(m, VSIM_IECTL), VSIM_ECTL_IM);
	m_free(m);
}

/* 128-bit descriptors are for legacy mode. */
TEST(narrow_descriptors)
{
	struct machine *m = m_new("");
	u64 status = m_page(m);

	m->queue = m_page(m);
	m_write64(m, VSIM_IQA, m->queue);
	m_command(m, VSIM_GCMD_QIE, true);
	m_set(m, m->queue, CC_GLOBAL);
	m_set(m, m->queue + 16, VSIM_DESC_WAIT | VSIM_WAIT_SW | 7ULL << 32);
	m_set(m, m->queue + 24, status);
	m_write64(m, VSIM_IQT, 32);
	CHECK_EQ(m_get(m, status), 7);
	CHECK_EQ(head(m), 32);
	CHECK_EQ(m_bad(m), 0);
	m_set_root(m, m_page(m) | VSIM_TTM_SCALABLE << 10);
	m_write64(m, VSIM_IQT, 48);
	CHECK_EQ(fsts(m), VSIM_FSTS_IQE);
	CHECK_EQ(m_read64(m, VSIM_IQERCD), VSIM_IQEI_WIDTH);
	CHECK_EQ(head(m), 32);
	m_free(m);
}

/* A descriptor that is not taken: the queue stands at it until IQE is cleared. */
static void refused(const char *text, u64 qw0, u64 qw1, unsigned int iqei)
{
	struct machine *m = m_start(text);
	u32 at = m->tail;

	m_write(m, VSIM_FECTL, 0);
	CHECK(!m_submit(m, qw0, qw1));
	CHECK_EQ(fsts(m), VSIM_FSTS_IQE);
	CHECK_EQ(m_read64(m, VSIM_IQERCD), iqei);
	CHECK_EQ(head(m), at);
	CHECK_EQ(m->num_msi, 1);
	/* More of it changes nothing, nor does clearing another bit. */
	CHECK(!m_submit(m, CC_GLOBAL, 0));
	m_write(m, VSIM_FSTS, VSIM_FSTS_ITE | VSIM_FSTS_ICE);
	CHECK_EQ(head(m), at);
	/* Cleared with the descriptor as it was: again. */
	m_write(m, VSIM_FSTS, VSIM_FSTS_IQE);
	CHECK_EQ(fsts(m), VSIM_FSTS_IQE);
	/* With another in its place all goes on. */
	m_set(m, m->queue + at, CC_GLOBAL);
	m_set(m, m->queue + at + 8, 0);
	m_set(m, m->queue + at + 16, 0);
	m_write(m, VSIM_FSTS, VSIM_FSTS_IQE);
	CHECK_EQ(fsts(m), 0);
	CHECK_EQ(head(m), m->tail);
	CHECK_EQ((u32)m_get(m, m->status), m->seq);
	m_free(m);
}

TEST(refused_descriptors)
{
	refused("", 0, 0, VSIM_IQEI_TYPE);
	refused("", 10, 0, VSIM_IQEI_TYPE);
	refused("", 15, 0, VSIM_IQEI_TYPE);
	refused("", CC_GLOBAL | BIT(9), 0, VSIM_IQEI_TYPE);
	refused("", CC_GLOBAL | BIT_ULL(50), 0, VSIM_IQEI_RESERVED);
	refused("", CC_GLOBAL, 1, VSIM_IQEI_RESERVED);
	refused("", VSIM_DESC_CONTEXT, 0, VSIM_IQEI_RESERVED);
	refused("", VSIM_DESC_PASID_CACHE | 2 << 4, 0, VSIM_IQEI_RESERVED);
	refused("", VSIM_DESC_PASID_CACHE | 3 << 4 | BIT(12), 0, VSIM_IQEI_RESERVED);
	refused("", VSIM_DESC_IOTLB | 0xc0, 0, VSIM_IQEI_RESERVED);
	refused("", VSIM_DESC_IOTLB | 0xd0 | BIT_ULL(32), 0, VSIM_IQEI_RESERVED);
	refused("", VSIM_DESC_IOTLB | 0xf0, 19, VSIM_IQEI_RESERVED);
	refused("", VSIM_DESC_IOTLB | 0xf0, BIT(7), VSIM_IQEI_RESERVED);
	refused("", VSIM_DESC_PASID_IOTLB, 0, VSIM_IQEI_RESERVED);
	refused("", VSIM_DESC_PASID_IOTLB | 1 << 4, 0, VSIM_IQEI_RESERVED);
	refused("", VSIM_DESC_PASID_IOTLB | 2 << 4 | BIT(6), 0, VSIM_IQEI_RESERVED);
	refused("", VSIM_DESC_DEV_TLB | BIT(4), 0, VSIM_IQEI_RESERVED);
	refused("", VSIM_DESC_DEV_TLB, 2, VSIM_IQEI_RESERVED);
	refused("", VSIM_DESC_PASID_DEV_TLB, 2, VSIM_IQEI_RESERVED);
	refused("", VSIM_DESC_IEC | BIT(5), 0, VSIM_IQEI_RESERVED);
	refused("", VSIM_DESC_WAIT | VSIM_WAIT_SW | BIT(8), 0, VSIM_IQEI_RESERVED);
	refused("", VSIM_DESC_WAIT | VSIM_WAIT_SW, 2, VSIM_IQEI_RESERVED);
	refused("", VSIM_DESC_PAGE_RESPONSE | BIT(5), 0, VSIM_IQEI_RESERVED);
	refused("", VSIM_DESC_PAGE_RESPONSE, BIT(12), VSIM_IQEI_RESERVED);
	refused("-DT", VSIM_DESC_DEV_TLB, 0, VSIM_IQEI_TYPE);
	refused("-DT", VSIM_DESC_PASID_DEV_TLB, 0, VSIM_IQEI_TYPE);
	refused("-PRS", VSIM_DESC_PAGE_RESPONSE, 0, VSIM_IQEI_TYPE);
	refused("-PSI", VSIM_DESC_IOTLB | 0xf0, 0, VSIM_IQEI_RESERVED);
	refused("-DIT", VSIM_DESC_DEV_TLB | BIT(12), 0, VSIM_IQEI_RESERVED);
	refused("-DIT", VSIM_DESC_PASID_DEV_TLB | BIT_ULL(63), 0, VSIM_IQEI_RESERVED);
	refused("-PDS", VSIM_DESC_WAIT | VSIM_WAIT_SW | VSIM_WAIT_PD, 0, VSIM_IQEI_RESERVED);
}

TEST(upper_half_is_reserved)
{
	struct machine *m = m_start("");

	m_put(m, CC_GLOBAL, 0);
	m_set(m, m->queue + m->tail - 8, 1);
	m_kick(m);
	CHECK_EQ(m_read64(m, VSIM_IQERCD), VSIM_IQEI_RESERVED);
	CHECK_EQ(m_counter(m, "bad.descriptor_reserved"), 1);
	m_free(m);
}

TEST(descriptors_of_scalable_mode)
{
	struct machine *m = m_start("");

	m_command(m, VSIM_GCMD_TE, false);
	m_set_root(m, m->root);
	CHECK(!m_submit(m, VSIM_DESC_PASID_CACHE | VSIM_PC_GLOBAL << 4, 0));
	CHECK_EQ(m_read64(m, VSIM_IQERCD), VSIM_IQEI_TYPE);
	m_set_root(m, m->root | VSIM_TTM_RESERVED << 10);
	m_write(m, VSIM_FSTS, VSIM_FSTS_IQE);
	CHECK_EQ(m_read64(m, VSIM_IQERCD), VSIM_IQEI_TTM);
	m_free(m);
	m = m_new("-SMTS");
	m_write64(m, VSIM_IQA, m_page(m) | VSIM_IQA_DW);
	m_command(m, VSIM_GCMD_QIE, true);
	m_write64(m, VSIM_IQT, 32);
	CHECK_EQ(m_read64(m, VSIM_IQERCD), VSIM_IQEI_WIDTH);
	m_free(m);
}

TEST(tail)
{
	struct machine *m = m_start("");

	m_write64(m, VSIM_IQT, 4096);
	CHECK_EQ(m_read64(m, VSIM_IQERCD), VSIM_IQEI_TAIL);
	m_write64(m, VSIM_IQT, 16);
	m_write(m, VSIM_FSTS, VSIM_FSTS_IQE);
	CHECK_EQ(m_read64(m, VSIM_IQERCD), VSIM_IQEI_ALIGN);
	CHECK_EQ(m_counter(m, "bad.iqt"), 2);
	m_write64(m, VSIM_IQT, BIT(19));
	CHECK_EQ(m_counter(m, "bad.register_reserved"), 1);
	m_free(m);
}

TEST(queue_unreadable)
{
	struct machine *m = m_start("");

	m->bad = m->queue;
	CHECK(!m_submit(m, CC_GLOBAL, 0));
	CHECK_EQ(m_read64(m, VSIM_IQERCD), VSIM_IQEI_FETCH);
	m->bad = 0;
	m_write(m, VSIM_FSTS, VSIM_FSTS_IQE);
	CHECK_EQ((u32)m_get(m, m->status), m->seq);
	CHECK_EQ(m_bad(m), 0);
	m_free(m);
}

/* A new queue event is told only when none was pending. */
TEST(queue_event)
{
	struct machine *m = m_start("");

	m_write(m, VSIM_FECTL, 0);
	m_access(m, SID, SIM_NO_PASID, 0, 0);
	CHECK_EQ(m->num_msi, 1);
	m_submit(m, 0, 0);
	CHECK_EQ(fsts(m), VSIM_FSTS_IQE);
	CHECK_EQ(m->num_msi, 1);
	m_free(m);
}

TEST(device_tlb)
{
	struct machine *m = m_start("");

	CHECK(m_submit(m, VSIM_DESC_DEV_TLB | (u64)SID << 32 | 5 << 16, 0x123000));
	CHECK_EQ(m->dev_tlb[0].rid, SID);
	CHECK_EQ(m->dev_tlb[0].pasid, SIM_NO_PASID);
	CHECK_EQ(m->dev_tlb[0].addr, 0x123000);
	CHECK_EQ(m->dev_tlb[0].length, 4096);
	/* S: the lowest clear bit is at 14, so 32 KiB */
	CHECK(m_submit(m, VSIM_DESC_DEV_TLB | (u64)SID << 32, 0x123000 | 1));
	CHECK_EQ(m->dev_tlb[1].addr, 0x120000);
	CHECK_EQ(m->dev_tlb[1].length, 0x8000);
	CHECK(m_submit(m, VSIM_DESC_DEV_TLB | (u64)SID << 32, 0x124000 | 1));
	CHECK_EQ(m->dev_tlb[2].addr, 0x124000);
	CHECK_EQ(m->dev_tlb[2].length, 0x2000);
	CHECK(m_submit(m, VSIM_DESC_DEV_TLB | (u64)SID << 32, (~0ULL >> 1 & ~0xfffULL) | 1));
	CHECK_EQ(m->dev_tlb[3].length, ~0ULL);
	/* With PASID; G; S is bit 11 */
	CHECK(m_submit(m, VSIM_DESC_PASID_DEV_TLB | 0x1f0 | SID2 << 16 | 0xabcdeULL << 32 |
		       0xfffULL << 52, 0x123000 | BIT(11) | 1));
	CHECK_EQ(m->dev_tlb[4].rid, SID2);
	CHECK_EQ(m->dev_tlb[4].pasid, 0xabcde);
	CHECK_EQ(m->dev_tlb[4].addr, 0x120000);
	CHECK_EQ(m->dev_tlb[4].length, 0x8000);
	CHECK(m->dev_tlb[4].global);
	CHECK(m_submit(m, VSIM_DESC_PASID_DEV_TLB | SID << 16, 0x123000 | BIT(11)));
	CHECK_EQ(m->dev_tlb[5].length, 0x8000);
	CHECK(!m->dev_tlb[5].global);
	CHECK(m_submit(m, VSIM_DESC_PASID_DEV_TLB | SID << 16, 0x123000 | 1));
	CHECK_EQ(m->dev_tlb[6].length, 4096);
	CHECK(m->dev_tlb[6].global);
	CHECK_EQ(m_counter(m, "dev_tlb"), 4);
	CHECK_EQ(m_counter(m, "pasid_dev_tlb"), 3);
	CHECK_EQ(m_bad(m), 0);
	m_free(m);
}

/* No answer: the next wait is fetched and lost, the queue stands behind it. */
TEST(device_tlb_timeout)
{
	struct machine *m = m_start("");
	u32 at;

	m->deaf = true;
	CHECK(!m_submit(m, VSIM_DESC_DEV_TLB | (u64)SID << 32, 0));
	CHECK_EQ(fsts(m), VSIM_FSTS_ITE);
	CHECK_EQ(m_read64(m, VSIM_IQERCD), (u64)SID << 32);
	at = m->tail;
	CHECK_EQ(head(m), at);
	CHECK(!m_submit(m, CC_GLOBAL, 0));
	CHECK_EQ(head(m), at);
	m_write(m, VSIM_FSTS, VSIM_FSTS_ITE);
	CHECK_EQ((u32)m_get(m, m->status), m->seq);
	/* The same without anybody who waits. */
	m_put(m, VSIM_DESC_DEV_TLB | (u64)SID2 << 32, 0);
	m_kick(m);
	CHECK_EQ(fsts(m), VSIM_FSTS_ITE);
	CHECK_EQ(m_read64(m, VSIM_IQERCD), (u64)SID2 << 32);
	m_write(m, VSIM_FSTS, VSIM_FSTS_ITE);
	m->deaf = false;
	m->u.inject[SIM_FAULT_ATC].count = 1;
	CHECK(!m_submit(m, VSIM_DESC_DEV_TLB | (u64)SID << 32, 0));
	m_write(m, VSIM_FSTS, VSIM_FSTS_ITE);
	CHECK(m_submit(m, VSIM_DESC_DEV_TLB | (u64)SID << 32, 0));
	CHECK_EQ(m_bad(m), 0);
	m_free(m);
}

TEST(page_responses)
{
	struct machine *m = m_start("");

	CHECK(m_submit(m, VSIM_DESC_PAGE_RESPONSE | SID << 16, 0x1ff << 3 | BIT(2)));
	CHECK(m_submit(m, VSIM_DESC_PAGE_RESPONSE | BIT(4) | 1 << 12 | SID2 << 16 |
		       0xfffffULL << 32, 5 << 3));
	CHECK(m_submit(m, VSIM_DESC_PAGE_RESPONSE | 15 << 12 | SID << 16, 0));
	CHECK_EQ(m->num_responses, 3);
	CHECK_EQ(m->responses[0].rid, SID);
	CHECK_EQ(m->responses[0].pasid, SIM_NO_PASID);
	CHECK_EQ(m->responses[0].group, 0x1ff);
	CHECK_EQ(m->responses[0].code, SIM_OK);
	CHECK_EQ(m->responses[1].rid, SID2);
	CHECK_EQ(m->responses[1].pasid, 0xfffff);
	CHECK_EQ(m->responses[1].group, 5);
	CHECK_EQ(m->responses[1].code, SIM_DENIED);
	CHECK_EQ(m->responses[2].code, SIM_FAILURE);
	CHECK_EQ(m_bad(m), 0);
	CHECK(m_submit(m, VSIM_DESC_PAGE_RESPONSE | 7 << 12, 0));
	CHECK_EQ(m_counter(m, "bad.page_response"), 1);
	m_free(m);
}

TEST(drains)
{
	struct machine *m = m_start("");

	CHECK(m_submit(m, VSIM_DESC_IOTLB | 0xd0, 0));
	CHECK_EQ(m_bad(m), 0);
	CHECK(m_submit(m, VSIM_DESC_IOTLB | 0x50, 0));
	CHECK(m_submit(m, VSIM_DESC_IOTLB | 0x90, 0));
	CHECK_EQ(m_counter(m, "bad.no_drain"), 2);
	m_free(m);
	m = m_start("-DRD -DWD");
	CHECK(m_submit(m, VSIM_DESC_IOTLB | 0x10, 0));
	CHECK_EQ(m_bad(m), 0);
	m_free(m);
}

TEST(domain_ids)
{
	struct machine *m = m_start("did=8");

	CHECK(m_submit(m, VSIM_DESC_IOTLB | 0xe0 | 0xff << 16, 0));
	CHECK_EQ(m_bad(m), 0);
	CHECK(m_submit(m, VSIM_DESC_IOTLB | 0xe0 | 0x100 << 16, 0));
	CHECK(m_submit(m, VSIM_DESC_PASID_CACHE | 0x100 << 16, 0));
	CHECK(m_submit(m, VSIM_DESC_PASID_IOTLB | 2 << 4 | 0x100 << 16, 0));
	CHECK_EQ(m_counter(m, "bad.domain_id"), 3);
	m_free(m);
}

TEST(interrupt_entry_cache)
{
	struct machine *m = m_start("");

	CHECK(m_submit(m, VSIM_DESC_IEC | BIT(4) | 31ULL << 27 | 0xffffULL << 32, 0));
	CHECK_EQ(m_counter(m, "iec"), 1);
	CHECK_EQ(m_bad(m), 0);
	m_free(m);
}

TEST(injected_error)
{
	struct machine *m = m_start("");
	u32 at = m->tail;

	m->u.inject[SIM_FAULT_COMMAND].count = 1;
	CHECK(!m_submit(m, CC_GLOBAL, 0));
	CHECK_EQ(fsts(m), VSIM_FSTS_IQE);
	CHECK_EQ(head(m), at);
	m_write(m, VSIM_FSTS, VSIM_FSTS_IQE);
	CHECK_EQ((u32)m_get(m, m->status), m->seq);
	/* A stray completion stops nothing. */
	m->u.inject[SIM_FAULT_ABORT].count = 1;
	CHECK(m_submit(m, CC_GLOBAL, 0));
	CHECK_EQ(m_read(m, VSIM_FSTS), VSIM_FSTS_ICE);
	CHECK(m_submit(m, CC_GLOBAL, 0));
	m_write(m, VSIM_FSTS, VSIM_FSTS_ICE);
	CHECK_EQ(m_read(m, VSIM_FSTS), 0);
	CHECK_EQ(m_bad(m), 0);
	m_free(m);
}

TEST(late_and_lost)
{
	struct machine *m = m_start("");

	m->u.inject[SIM_FAULT_LATE].count = 1;
	m->u.inject[SIM_FAULT_LATE].arg = 30;
	CHECK(!m_submit(m, CC_GLOBAL, 0));
	CHECK_EQ(m->later, 30);
	CHECK(!m_submit(m, CC_GLOBAL, 0));
	vsim_resume(&m->u);
	CHECK_EQ((u32)m_get(m, m->status), m->seq);
	CHECK_EQ(head(m), m->tail);
	vsim_resume(&m->u);
	m->u.inject[SIM_FAULT_LOST].count = 1;
	CHECK(!m_submit(m, CC_GLOBAL, 0));
	CHECK_EQ(head(m), m->tail);
	CHECK_EQ(fsts(m), 0);
	CHECK(m_submit(m, CC_GLOBAL, 0));
	/* Switched off while it rests: that is over. */
	m->u.inject[SIM_FAULT_LATE].count = 1;
	CHECK(!m_submit(m, CC_GLOBAL, 0));
	m_command(m, VSIM_GCMD_QIE, false);
	vsim_resume(&m->u);
	CHECK_EQ(head(m), 0);
	m->tail = 0;
	m_write64(m, VSIM_IQT, 0);
	m_command(m, VSIM_GCMD_QIE, true);
	CHECK(m_submit(m, CC_GLOBAL, 0));
	CHECK_EQ(m_bad(m), 0);
	m_free(m);
}

/* 6.5.2.12: what is behind the wait that a slow device holds up is done before it. */
TEST(slow_device)
{
	struct machine *m = m_start("");
	u64 late = m->status + 16, fence = m->status + 24;

	m->u.inject[SIM_FAULT_ATC_LATE].count = 1;
	m->u.inject[SIM_FAULT_ATC_LATE].arg = 40;
	m_put(m, VSIM_DESC_DEV_TLB | (u64)SID << 32, 0x123000);
	m_put(m, VSIM_DESC_WAIT | VSIM_WAIT_SW | 7ULL << 32, late);
	m_kick(m);
	CHECK_EQ(m->later, 40);
	CHECK_EQ(head(m), m->tail);
	CHECK(m_submit(m, CC_GLOBAL, 0));
	CHECK_EQ(m->num_dev_tlb, 0);
	CHECK_EQ((u32)m_get(m, late), 0);
	vsim_resume(&m->u);
	CHECK_EQ(m->num_dev_tlb, 1);
	CHECK_EQ(m->dev_tlb[0].addr, 0x123000);
	CHECK_EQ((u32)m_get(m, late), 7);
	/* But nothing behind a fence. */
	m->u.inject[SIM_FAULT_ATC_LATE].count = 1;
	m_put(m, VSIM_DESC_DEV_TLB | (u64)SID << 32, 0);
	m_put(m, VSIM_DESC_WAIT | VSIM_WAIT_SW | VSIM_WAIT_FN | 8ULL << 32, fence);
	CHECK(!m_submit(m, CC_GLOBAL, 0));
	CHECK_EQ((u32)m_get(m, fence), 0);
	vsim_resume(&m->u);
	CHECK_EQ((u32)m_get(m, fence), 8);
	CHECK_EQ((u32)m_get(m, m->status), m->seq);
	/* It does not answer in the end: the wait is lost. */
	m->u.inject[SIM_FAULT_ATC_LATE].count = 1;
	CHECK(!m_submit(m, VSIM_DESC_DEV_TLB | (u64)SID << 32, 0));
	m->deaf = true;
	vsim_resume(&m->u);
	CHECK_EQ(fsts(m), VSIM_FSTS_ITE);
	CHECK_EQ((u32)m_get(m, m->status), m->seq - 1);
	m_write(m, VSIM_FSTS, VSIM_FSTS_ITE);
	CHECK_EQ(m_bad(m), 0);
	m_free(m);
}

/* 6.8: tables are as the unit saw them until the write buffer is flushed. */
TEST(write_buffer)
{
	struct machine *m = m_start("+RWBF");
	u64 table = m_page(m), page = m_page(m), other = m_page(m), leaf;

	m_pe_second(m, m_pasid(m, m_context(m, SID, 0), 0), table, 1);
	leaf = m_entry(m, table, 4, 1, 0x5000, 0, SS_RW);
	m_set(m, leaf, page | SS_RW);
	m_command(m, VSIM_GCMD_WBF, true);
	CHECK_EQ(m_access(m, SID, SIM_NO_PASID, 0x5000, 0).phys, page);
	m_set(m, leaf + 8, other | SS_RW);
	CHECK_EQ(m_access(m, SID, SIM_NO_PASID, 0x6000, 0).status, SIM_UR);
	CHECK_EQ(m_counter(m, "stale_reads"), 1);
	/* WBF shows itself under way first. */
	m_write(m, VSIM_GCMD, VSIM_GCMD_TE | VSIM_GCMD_QIE | VSIM_GCMD_WBF);
	CHECK(m_read(m, VSIM_GSTS) & VSIM_GCMD_WBF);
	CHECK(!(m_read(m, VSIM_GSTS) & VSIM_GCMD_WBF));
	CHECK_EQ(m_access(m, SID, SIM_NO_PASID, 0x6000, 0).phys, other);
	CHECK_EQ(m_counter(m, "write_buffer_flush"), 2);
	/* An invalidation does it too. */
	m_set(m, leaf + 16, page | SS_RW);
	CHECK_EQ(m_access(m, SID, SIM_NO_PASID, 0x7000, 0).status, SIM_UR);
	CHECK(m_submit(m, VSIM_DESC_IOTLB | 0xe0 | 77 << 16, 0));
	CHECK_EQ(m_access(m, SID, SIM_NO_PASID, 0x7000, 0).phys, page);
	m_set(m, leaf - 8, page | SS_RW);
	CHECK_EQ(m_access(m, SID, SIM_NO_PASID, 0x4000, 0).status, SIM_UR);
	CHECK(m_submit(m, VSIM_DESC_IEC, 0));
	CHECK_EQ(m_access(m, SID, SIM_NO_PASID, 0x4000, 0).phys, page);
	CHECK_EQ(m_bad(m), 0);
	m_free(m);
}

static void flush_line(struct machine *m, u64 phys)
{
	vsim_shadow_store(&m->shadow, phys, m->mem + (phys & ~63ULL));
}

/* What was never flushed from the CPU's caches is all zeros, or older. */
TEST(walks_that_do_not_snoop)
{
	struct machine *m = m_start("-SMPWC");
	u64 table = m_page(m), page = m_page(m), other = m_page(m), leaf, pe;
	unsigned int level;

	m->u.shadow = &m->shadow;
	pe = m_pasid(m, m_context(m, SID, 0), 0);
	m_pe_second(m, pe, table, 1);
	m_set(m, pe + 8, 1);
	leaf = m_entry(m, table, 4, 1, 0x5000, 0, SS_RW);
	m_set(m, leaf, page | SS_RW);
	for (level = 2; level <= 4; level++)
		flush_line(m, m_entry(m, table, 4, level, 0x5000, 0, 0));
	CHECK_EQ(m_access(m, SID, SIM_NO_PASID, 0x5000, 0).status, SIM_UR);
	CHECK_EQ(m_fault(m), VSIM_SSS_2);
	CHECK_EQ(m_counter(m, "bad.unflushed"), 1);
	flush_line(m, leaf);
	CHECK_EQ(m_access(m, SID, SIM_NO_PASID, 0x5000, 0).phys, page);
	/* Changed and not flushed: what was flushed last. */
	m_set(m, leaf, other | SS_RW);
	CHECK(m_submit(m, VSIM_DESC_IOTLB | 0xd0, 0));
	CHECK_EQ(m_access(m, SID, SIM_NO_PASID, 0x5000, 0).phys, page);
	flush_line(m, leaf);
	CHECK(m_submit(m, VSIM_DESC_IOTLB | 0xd0, 0));
	CHECK_EQ(m_access(m, SID, SIM_NO_PASID, 0x5000, 0).phys, other);
	m_free(m);

	/* Root, context and PASID tables go by ECAP.C; zeros unflushed are zeros. */
	m = m_start("-C");
	m->u.shadow = &m->shadow;
	CHECK_EQ(m_access(m, SID, SIM_NO_PASID, 0x5000, 0).status, SIM_UR);
	CHECK_EQ(m_fault(m), VSIM_SRT_2);
	CHECK_EQ(m_counter(m, "bad.unflushed"), 0);
	m_pe_pass(m, m_pasid(m, m_context(m, SID, 0), 0), 1);
	CHECK_EQ(m_access(m, SID, SIM_NO_PASID, 0x5000, 0).status, SIM_UR);
	CHECK_EQ(m_fault(m), VSIM_SRT_2);
	CHECK_EQ(m_counter(m, "bad.unflushed"), 1);
	m_free(m);
}

TAP_MAIN
