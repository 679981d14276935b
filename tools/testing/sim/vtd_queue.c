// SPDX-License-Identifier: GPL-2.0-only
/*
 * The invalidation queue (6.5.2).
 */
#include <linux/types.h>
#include <linux/string.h>
#include "vtd_sim.h"

static bool vsim_wide_descs(const struct vsim_unit *u)
{
	return vsim_reg64(u, VSIM_IQA) & VSIM_IQA_DW;
}

static u32 vsim_desc_bytes(const struct vsim_unit *u)
{
	return vsim_wide_descs(u) ? 32 : 16;
}

/* 11.4.9.3: 2^QS pages */
static u32 vsim_queue_bytes(const struct vsim_unit *u)
{
	return 4096U << vsim_get(vsim_reg64(u, VSIM_IQA), 2, 0);
}

/* 11.4.9.1: IQH_REG is 0 while the queue is disabled. */
void vsim_queue_enable(struct vsim_unit *u, bool on)
{
	u->iqh = 0;
	u->waiting = false;
	u->resumed = false;
	u->lost_dev_tlb = false;
	u->slow = (struct vsim_slow){ };
	if (!on)
		return;
	/* 6.5.2: software sets the tail to 0 before. */
	if (vsim_reg64(u, VSIM_IQT))
		vsim_count(u, VSIM_N_BAD_IQT_ENABLE);
	vsim_queue_run(u);
}

/* 6.5.2.11: the queue stands still until software cleared @bit in FSTS_REG. */
static void vsim_queue_fault(struct vsim_unit *u, u32 bit, u64 iqercd, u64 mask)
{
	u64 old = vsim_reg64(u, VSIM_IQERCD);

	vsim_set_reg64(u, VSIM_IQERCD, (old & ~mask) | (iqercd & mask));
	vsim_fault_event(u, bit);
}

static bool vsim_queue_error(struct vsim_unit *u, enum vsim_iqei iqei)
{
	vsim_queue_fault(u, VSIM_FSTS_IQE, iqei, vsim_mask(3, 0));
	return false;
}

/* 11.4.9.9: ITESID, ICESID */
static void vsim_queue_timeout(struct vsim_unit *u)
{
	u->lost_dev_tlb = false;
	/* 6.5.2.12: no wait that is pending is completed. */
	u->slow.held = false;
	vsim_queue_fault(u, VSIM_FSTS_ITE, vsim_put(u->lost_sid, 47, 32), vsim_mask(47, 32));
}

/* 6.5.2.11: a completion that nobody waits for. The queue goes on. */
static void vsim_queue_stray(struct vsim_unit *u)
{
	vsim_queue_fault(u, VSIM_FSTS_ICE, 0, vsim_mask(63, 48));
}

/* What of each descriptor's quad words is reserved (6.5.2, 7.6.1). */
static void vsim_desc_reserved(struct vsim_unit *u, unsigned int type, u64 *qw0, u64 *qw1)
{
	/* PFSID without ECAP.DIT; PD without ECAP.PDS */
	u64 pfsid = u->cfg.ecap & VSIM_ECAP_DIT ? 0 : vsim_mask(63, 52) | vsim_mask(15, 12);
	u64 pd = u->cfg.ecap & VSIM_ECAP_PDS ? 0 : VSIM_WAIT_PD;

	*qw1 = ~0ULL;
	switch (type) {
	case VSIM_DESC_CONTEXT:
		*qw0 = vsim_mask(63, 50) | vsim_mask(15, 12) | vsim_mask(8, 6);
		break;
	case VSIM_DESC_PASID_CACHE:
		*qw0 = vsim_mask(63, 52) | vsim_mask(15, 12) | vsim_mask(8, 6);
		break;
	case VSIM_DESC_IOTLB:
		*qw0 = vsim_mask(63, 32) | vsim_mask(15, 12) | vsim_mask(8, 8);
		*qw1 = vsim_mask(11, 7);
		break;
	case VSIM_DESC_PASID_IOTLB:
		*qw0 = vsim_mask(63, 52) | vsim_mask(15, 12) | vsim_mask(8, 6);
		*qw1 = vsim_mask(11, 7);
		break;
	case VSIM_DESC_DEV_TLB:
		*qw0 = vsim_mask(51, 48) | vsim_mask(31, 21) | vsim_mask(8, 4) | pfsid;
		*qw1 = vsim_mask(11, 1);
		break;
	case VSIM_DESC_PASID_DEV_TLB:
		*qw0 = pfsid;
		*qw1 = vsim_mask(10, 1);
		break;
	case VSIM_DESC_IEC:
		*qw0 = vsim_mask(63, 48) | vsim_mask(26, 12) | vsim_mask(8, 5);
		break;
	case VSIM_DESC_WAIT:
		*qw0 = vsim_mask(31, 12) | vsim_mask(8, 8) | pd;
		*qw1 = vsim_mask(1, 0);
		break;
	case VSIM_DESC_PAGE_RESPONSE:
		*qw0 = vsim_mask(63, 52) | vsim_mask(8, 5);
		*qw1 = ~vsim_mask(11, 2);
		break;
	}
}

/* Table 26, and what the unit supports */
static bool vsim_desc_known(struct vsim_unit *u, unsigned int type)
{
	switch (type) {
	case VSIM_DESC_DEV_TLB:
		return u->cfg.ecap & VSIM_ECAP_DT;
	case VSIM_DESC_PASID_DEV_TLB:
		return (u->cfg.ecap & VSIM_ECAP_DT) && u->ttm != VSIM_TTM_LEGACY;
	case VSIM_DESC_PAGE_RESPONSE:
		return (u->cfg.ecap & VSIM_ECAP_PRS) && u->ttm != VSIM_TTM_LEGACY;
	case VSIM_DESC_PASID_IOTLB:
	case VSIM_DESC_PASID_CACHE:
		return u->ttm != VSIM_TTM_LEGACY;
	default:
		return type && type <= VSIM_DESC_WAIT;
	}
}

static bool vsim_desc_check(struct vsim_unit *u, unsigned int type, const u64 *qw)
{
	u64 qw0, qw1;

	if (!vsim_desc_known(u, type)) {
		vsim_count(u, VSIM_N_BAD_DESC_TYPE);
		return vsim_queue_error(u, VSIM_IQEI_TYPE);
	}
	vsim_desc_reserved(u, type, &qw0, &qw1);
	if ((qw[0] & qw0) || (qw[1] & qw1) || qw[2] || qw[3]) {
		vsim_count(u, VSIM_N_BAD_DESC_RESERVED);
		return vsim_queue_error(u, VSIM_IQEI_RESERVED);
	}
	return true;
}

static void vsim_check_did(struct vsim_unit *u, u16 did)
{
	/* 11.4.2, ND */
	unsigned int bits = 4 + 2 * vsim_cap(u, 2, 0);

	if (bits < 16 && did >> bits)
		vsim_count(u, VSIM_N_BAD_DID);
}

/* 6.5.2.3, 6.5.2.4: AM, IH and ADDR are the same in both. */
static bool vsim_pages(struct vsim_unit *u, const u64 *qw, struct vsim_inv *inv)
{
	inv->addr = qw[1] & ~0xfffULL;
	inv->ih = qw[1] & BIT_ULL(6);
	inv->am = vsim_get(qw[1], 5, 0);
	if (inv->am <= vsim_cap(u, 53, 48))
		return true;
	vsim_count(u, VSIM_N_BAD_AM);
	return vsim_queue_error(u, VSIM_IQEI_RESERVED);
}

static bool vsim_desc_context(struct vsim_unit *u, const u64 *qw)
{
	struct vsim_inv inv = {
		.type = VSIM_DESC_CONTEXT,
		.g = vsim_get(qw[0], 5, 4),
		.did = vsim_get(qw[0], 31, 16),
		.sid = vsim_get(qw[0], 47, 32),
		.fm = vsim_get(qw[0], 49, 48),
	};

	if (!inv.g)
		return vsim_queue_error(u, VSIM_IQEI_RESERVED);
	vsim_count(u, VSIM_N_CONTEXT_GLOBAL + inv.g - 1);
	vsim_invalidate(u, &inv);
	return true;
}

static bool vsim_desc_pasid_cache(struct vsim_unit *u, const u64 *qw)
{
	static const enum vsim_counter counters[] = {
		[VSIM_PC_DOMAIN] = VSIM_N_PASID_DOMAIN,
		[VSIM_PC_PASID] = VSIM_N_PASID_PASID,
		[VSIM_PC_GLOBAL] = VSIM_N_PASID_GLOBAL,
	};
	struct vsim_inv inv = {
		.type = VSIM_DESC_PASID_CACHE,
		.g = vsim_get(qw[0], 5, 4),
		.did = vsim_get(qw[0], 31, 16),
		.pasid = vsim_get(qw[0], 51, 32),
	};

	if (inv.g == 2)
		return vsim_queue_error(u, VSIM_IQEI_RESERVED);
	vsim_check_did(u, inv.did);
	vsim_count(u, counters[inv.g]);
	vsim_invalidate(u, &inv);
	return true;
}

static bool vsim_desc_iotlb(struct vsim_unit *u, const u64 *qw)
{
	struct vsim_inv inv = {
		.type = VSIM_DESC_IOTLB,
		.g = vsim_get(qw[0], 5, 4),
		.did = vsim_get(qw[0], 31, 16),
	};

	/* Without CAP.PSI there are no pages. */
	if (!inv.g || (inv.g == VSIM_IOTLB_PAGE && !(u->cfg.cap & VSIM_CAP_PSI)))
		return vsim_queue_error(u, VSIM_IQEI_RESERVED);
	if (inv.g == VSIM_IOTLB_PAGE && !vsim_pages(u, qw, &inv))
		return false;
	vsim_check_did(u, inv.did);
	/* Drains: what the capabilities report software is to ask for. */
	if (((u->cfg.cap & VSIM_CAP_DRD) && !(qw[0] & BIT_ULL(7))) ||
	    ((u->cfg.cap & VSIM_CAP_DWD) && !(qw[0] & BIT_ULL(6))))
		vsim_count(u, VSIM_N_BAD_NO_DRAIN);
	vsim_count(u, VSIM_N_IOTLB_GLOBAL + inv.g - 1);
	vsim_invalidate(u, &inv);
	return true;
}

static bool vsim_desc_pasid_iotlb(struct vsim_unit *u, const u64 *qw)
{
	struct vsim_inv inv = {
		.type = VSIM_DESC_PASID_IOTLB,
		.g = vsim_get(qw[0], 5, 4),
		.did = vsim_get(qw[0], 31, 16),
		.pasid = vsim_get(qw[0], 51, 32),
	};

	if (inv.g < VSIM_PIOTLB_PASID)
		return vsim_queue_error(u, VSIM_IQEI_RESERVED);
	if (inv.g == VSIM_PIOTLB_PAGE && !vsim_pages(u, qw, &inv))
		return false;
	vsim_check_did(u, inv.did);
	vsim_count(u, VSIM_N_PIOTLB_PASID + inv.g - VSIM_PIOTLB_PASID);
	vsim_invalidate(u, &inv);
	u->piotlb_before = true;
	return true;
}

/* PCIe 10.3.1: with S, the lowest clear bit of the address tells the size. */
static u64 vsim_ats_length(u64 *addr, bool s)
{
	unsigned int bit = 12;

	*addr &= ~0xfffULL;
	if (!s)
		return 4096;
	while (bit < 63 && (*addr & BIT_ULL(bit)))
		bit++;
	if (bit == 63) {
		*addr = 0;
		return ~0ULL;
	}
	*addr &= ~vsim_mask(bit, 0);
	return BIT_ULL(bit + 1);
}

static void vsim_send_dev_tlb(struct vsim_unit *u, u16 sid, u32 pasid, u64 addr, bool s,
			      bool global)
{
	u64 length = vsim_ats_length(&addr, s);

	if (!u->slow.pending && vsim_inject(u, SIM_FAULT_ATC_LATE)) {
		u->slow = (struct vsim_slow){
			.pending = true, .sid = sid, .pasid = pasid, .addr = addr,
			.length = length, .global = global,
		};
		u->ops->later(u->priv, u->inject[SIM_FAULT_ATC_LATE].arg);
		return;
	}
	if (vsim_inject(u, SIM_FAULT_ATC) ||
	    !u->ops->dev_tlb(u->priv, sid, pasid, addr, length, global)) {
		u->lost_dev_tlb = true;
		u->lost_sid = sid;
	}
}

static bool vsim_desc_dev_tlb(struct vsim_unit *u, const u64 *qw)
{
	vsim_count(u, VSIM_N_DEV_TLB);
	/* 6.5.2.12: nobody has it wait for invalidations by PASID. */
	if (u->piotlb_before)
		vsim_count(u, VSIM_N_BAD_ORDER);
	vsim_send_dev_tlb(u, vsim_get(qw[0], 47, 32), SIM_NO_PASID, qw[1], qw[1] & 1, false);
	return true;
}

static bool vsim_desc_pasid_dev_tlb(struct vsim_unit *u, const u64 *qw)
{
	vsim_count(u, VSIM_N_PASID_DEV_TLB);
	vsim_send_dev_tlb(u, vsim_get(qw[0], 31, 16), vsim_get(qw[0], 51, 32), qw[1],
			  qw[1] & BIT_ULL(11), qw[1] & 1);
	return true;
}

/* 7.6.1 page_grp_resp_dsc */
static bool vsim_desc_page_response(struct vsim_unit *u, const u64 *qw)
{
	unsigned int code = vsim_get(qw[0], 15, 12);
	enum sim_status status = code == VSIM_PRG_SUCCESS ? SIM_OK :
				 code == VSIM_PRG_INVALID ? SIM_DENIED : SIM_FAILURE;

	vsim_count(u, VSIM_N_PAGE_RESPONSE);
	if (code != VSIM_PRG_SUCCESS && code != VSIM_PRG_INVALID &&
	    code != VSIM_PRG_FAILURE)
		vsim_count(u, VSIM_N_BAD_RESPONSE);
	if (vsim_inject(u, SIM_FAULT_RESPONSE))
		status = SIM_FAILURE;
	u->ops->page_response(u->priv, vsim_get(qw[0], 31, 16),
			      qw[0] & BIT_ULL(4) ? vsim_get(qw[0], 51, 32) : SIM_NO_PASID,
			      vsim_get(qw[1], 11, 3), status);
	return true;
}

/* 6.5.2.9: it is complete. */
static void vsim_wait_complete(struct vsim_unit *u, const u64 *qw)
{
	u32 data = vsim_get(qw[0], 63, 32);

	if ((qw[0] & VSIM_WAIT_SW) &&
	    u->ops->write(u->priv, qw[1] & vsim_mask(u->cfg.haw - 1, 2), &data, sizeof(data)))
		vsim_count(u, VSIM_N_BAD_WAIT);
	if (qw[0] & VSIM_WAIT_PD)
		vsim_prq_drained(u);
	if ((qw[0] & VSIM_WAIT_IF) && !(*vsim_reg(u, VSIM_ICS) & VSIM_ICS_IWC)) {
		*vsim_reg(u, VSIM_ICS) |= VSIM_ICS_IWC;
		vsim_event(u, VSIM_IECTL);
	}
}

/*
 * 6.5.2.9. All before it is done by now, since the model works in order, but for a
 * device that is slow. Returns whether the queue goes on.
 */
static bool vsim_desc_wait(struct vsim_unit *u, const u64 *qw)
{
	vsim_count(u, VSIM_N_WAIT);
	if (!(qw[0] & (VSIM_WAIT_SW | VSIM_WAIT_IF | VSIM_WAIT_FN)))
		vsim_count(u, VSIM_N_BAD_WAIT);
	/* Without FN too: who writes what comes next has waited, or it is somebody else. */
	u->piotlb_before = false;
	if (u->lost_dev_tlb) {
		/* Fetched and never executed: its time-out comes first. */
		vsim_queue_timeout(u);
		return true;
	}
	if (vsim_inject(u, SIM_FAULT_LOST))
		return true;
	if (u->slow.pending && !u->slow.held) {
		u->slow.held = true;
		memcpy(u->slow.wait, qw, sizeof(u->slow.wait));
		/* FN: nothing goes on before it is complete. */
		u->waiting = qw[0] & VSIM_WAIT_FN;
		return true;
	}
	vsim_wait_complete(u, qw);
	return true;
}

/* Returns false when the queue is to stand at this descriptor. */
static bool vsim_desc_run(struct vsim_unit *u, const u64 *qw)
{
	/* 6.5.2: type, 11:9 and 3:0 */
	unsigned int type = vsim_get(qw[0], 3, 0) | vsim_get(qw[0], 11, 9) << 4;

	if (!vsim_desc_check(u, type, qw))
		return false;
	switch (type) {
	case VSIM_DESC_CONTEXT:
		return vsim_desc_context(u, qw);
	case VSIM_DESC_PASID_CACHE:
		return vsim_desc_pasid_cache(u, qw);
	case VSIM_DESC_IOTLB:
		return vsim_desc_iotlb(u, qw);
	case VSIM_DESC_PASID_IOTLB:
		return vsim_desc_pasid_iotlb(u, qw);
	case VSIM_DESC_DEV_TLB:
		return vsim_desc_dev_tlb(u, qw);
	case VSIM_DESC_PASID_DEV_TLB:
		return vsim_desc_pasid_dev_tlb(u, qw);
	case VSIM_DESC_IEC:
		vsim_count(u, VSIM_N_IEC);
		vsim_shadow_clear(&u->write_buffer);
		return true;
	case VSIM_DESC_PAGE_RESPONSE:
		return vsim_desc_page_response(u, qw);
	default:
		return vsim_desc_wait(u, qw);
	}
}

/* SIM_FAULT_LATE: a wait takes its time. */
static bool vsim_queue_late(struct vsim_unit *u, const u64 *qw)
{
	if (vsim_get(qw[0], 3, 0) != VSIM_DESC_WAIT)
		return false;
	if (u->resumed) {
		u->resumed = false;
		return false;
	}
	/* One thing at a time is late. */
	if (u->slow.pending || !vsim_inject(u, SIM_FAULT_LATE))
		return false;
	u->waiting = true;
	u->ops->later(u->priv, u->inject[SIM_FAULT_LATE].arg);
	return true;
}

/* One descriptor; false: the queue stands or rests. */
static bool vsim_queue_step(struct vsim_unit *u)
{
	u64 base = vsim_reg64(u, VSIM_IQA) & vsim_addr_mask(u);
	u32 bytes = vsim_desc_bytes(u);
	u64 qw[4] = { };

	/* The queue is always read coherently (11.4.3, C). */
	if (u->ops->read(u->priv, base + u->iqh, qw, bytes))
		return vsim_queue_error(u, VSIM_IQEI_FETCH);
	if (vsim_inject(u, SIM_FAULT_ABORT))
		vsim_queue_stray(u);
	if (vsim_inject(u, SIM_FAULT_COMMAND))
		return vsim_queue_error(u, VSIM_IQEI_TYPE);
	if (vsim_queue_late(u, qw))
		return false;
	if (!vsim_desc_run(u, qw))
		return false;
	u->iqh = (u->iqh + bytes) % vsim_queue_bytes(u);
	return true;
}

static bool vsim_queue_stands(struct vsim_unit *u)
{
	return !(*vsim_reg(u, VSIM_GSTS) & VSIM_GCMD_QIE) || u->waiting ||
	       (*vsim_reg(u, VSIM_FSTS) & VSIM_FSTS_QUEUE);
}

static bool vsim_queue_check(struct vsim_unit *u)
{
	u32 tail = vsim_reg64(u, VSIM_IQT);

	if (tail >= vsim_queue_bytes(u)) {
		vsim_count(u, VSIM_N_BAD_IQT);
		return vsim_queue_error(u, VSIM_IQEI_TAIL);
	}
	if (tail % vsim_desc_bytes(u)) {
		vsim_count(u, VSIM_N_BAD_IQT);
		return vsim_queue_error(u, VSIM_IQEI_ALIGN);
	}
	if (vsim_wide_descs(u) ? !(u->cfg.ecap & VSIM_ECAP_SMTS) : u->ttm != VSIM_TTM_LEGACY) {
		vsim_count(u, VSIM_N_BAD_DESC_WIDTH);
		return vsim_queue_error(u, VSIM_IQEI_WIDTH);
	}
	if (u->ttm == VSIM_TTM_RESERVED)
		return vsim_queue_error(u, VSIM_IQEI_TTM);
	return true;
}

/* Work until the queue is empty or stands. */
void vsim_queue_run(struct vsim_unit *u)
{
	if (vsim_queue_stands(u) || u->iqh == (u32)vsim_reg64(u, VSIM_IQT) ||
	    !vsim_queue_check(u))
		return;
	vsim_prq_late(u, false);
	while (!vsim_queue_stands(u) && u->iqh != (u32)vsim_reg64(u, VSIM_IQT))
		if (!vsim_queue_step(u))
			return;
	/* Nobody waits for it, it comes all the same. */
	if (u->lost_dev_tlb && u->iqh == (u32)vsim_reg64(u, VSIM_IQT))
		vsim_queue_timeout(u);
}

/* The device answers at last. */
static void vsim_slow_answer(struct vsim_unit *u)
{
	struct vsim_slow slow = u->slow;

	u->slow = (struct vsim_slow){ };
	if (!u->ops->dev_tlb(u->priv, slow.sid, slow.pasid, slow.addr, slow.length,
			     slow.global)) {
		u->lost_dev_tlb = true;
		u->lost_sid = slow.sid;
		vsim_queue_timeout(u);
		return;
	}
	if (slow.held)
		vsim_wait_complete(u, slow.wait);
}

/* What ops->later() asked for. */
void vsim_resume(struct vsim_unit *u)
{
	bool slow = u->slow.pending;

	if (slow)
		vsim_slow_answer(u);
	else if (!u->waiting)
		return;
	u->waiting = false;
	u->resumed = !slow;
	vsim_queue_run(u);
}
