// SPDX-License-Identifier: GPL-2.0-only
/*
 * The page request queue (7.4, 11.4.11).
 */
#include <linux/types.h>
#include "vtd_sim.h"

/* 11.4.11.3: 2^PQS pages of descriptors of 32 bytes */
static u32 vsim_prq_bytes(struct vsim_unit *u)
{
	return 4096U << vsim_get(vsim_reg64(u, VSIM_PQA), 2, 0);
}

static void vsim_prq_event(struct vsim_unit *u, u32 bit)
{
	u32 *prs = vsim_reg(u, VSIM_PRS);
	bool pending = *prs & (VSIM_PRS_PPR | VSIM_PRS_PRO);

	*prs |= bit;
	if (!pending)
		vsim_event(u, VSIM_PECTL);
}

/*
 * PCIe 10.4.1.2.1. With ECAP.SMS one that cannot be written is dropped (11.4.3); without, what
 * happens is undefined, and the same happens.
 */
static bool vsim_is_stop_marker(const struct sim_request *req, bool last)
{
	return last && req->pasid != SIM_NO_PASID &&
	       !(req->flags & (SIM_DMA_WRITE | SIM_PR_READ));
}

/*
 * 7.4.1: no room. What was not the last of its group is dropped, the last is
 * answered with Success, so that the device asks for translations again.
 */
static enum sim_status vsim_prq_overflow(struct vsim_unit *u, const struct sim_request *req,
					 u16 group, bool last)
{
	vsim_count(u, VSIM_N_PAGE_REQUESTS_LOST);
	vsim_prq_event(u, VSIM_PRS_PRO);
	if (last && !vsim_is_stop_marker(req, last))
		u->ops->page_response(u->priv, req->rid, req->pasid, group, SIM_OK);
	return SIM_OK;
}

/* 7.4.1.1 page_req_dsc */
static void vsim_prq_compose(const struct sim_request *req, u16 group, bool last, u64 *qw)
{
	bool pasid = req->pasid != SIM_NO_PASID;

	/* PRGI is undefined where neither is requested. */
	if (!(req->flags & (SIM_DMA_WRITE | SIM_PR_READ)))
		group = ~group;
	qw[0] = 1 | (u64)req->rid << 16;
	if (pasid) {
		qw[0] |= vsim_put(1, 8, 8) | vsim_put(req->pasid, 51, 32);
		if (req->flags & SIM_DMA_EXEC)
			qw[0] |= vsim_put(1, 52, 52);
		if (req->flags & SIM_DMA_PRIV)
			qw[0] |= vsim_put(1, 53, 53);
	}
	qw[1] = (req->addr & ~0xfffULL) | vsim_put(group, 11, 3) | vsim_put(last, 2, 2);
	if (req->flags & SIM_DMA_WRITE)
		qw[1] |= vsim_put(1, 1, 1);
	if (req->flags & SIM_PR_READ)
		qw[1] |= vsim_put(1, 0, 0);
	qw[2] = 0;
	qw[3] = 0;
}

/*
 * Table 31: tables that do not lead to a PASID table entry. The last of a group is
 * answered with Invalid Request, others are dropped.
 */
static enum sim_status vsim_prq_refuse(struct vsim_walk *w, int reason, bool last)
{
	vsim_fault_report(w, true, reason);
	return last && !vsim_is_stop_marker(w->req, last) ? SIM_DENIED : SIM_OK;
}

static int vsim_prq_check(struct vsim_walk *w)
{
	int reason;

	switch (w->u->ttm) {
	case VSIM_TTM_LEGACY:
		return VSIM_RTA_3;
	case VSIM_TTM_SCALABLE:
		break;
	default:
		return vsim_check_mode(w);
	}
	reason = vsim_walk_context(w);
	if (reason)
		return reason;
	if (!(w->ctx[0] & VSIM_CTX_PRE))
		return VSIM_SCT_8;
	reason = vsim_check_request(w);
	return reason ?: vsim_walk_entry(w);
}

/*
 * 6.5.3.1, table 27: what is cached of the page is forgotten, so that the device
 * need not see once more what software has mended without an invalidation.
 */
static void vsim_prq_invalidate(struct vsim_walk *w)
{
	struct vsim_inv inv = {
		.type = VSIM_DESC_IOTLB,
		.g = VSIM_IOTLB_PAGE,
		.did = vsim_pe_did(w->pe),
		.pasid = w->pasid,
		.addr = w->req->addr & ~0xfffULL,
	};

	switch (vsim_pe_pgtt(w->pe)) {
	case VSIM_PGTT_FIRST:
		inv.type = VSIM_DESC_PASID_IOTLB;
		inv.g = VSIM_PIOTLB_PAGE;
		break;
	case VSIM_PGTT_NESTED:
		inv.g = VSIM_IOTLB_DOMAIN;
		break;
	default:
		break;
	}
	inv.implicit = true;
	vsim_invalidate(w->u, &inv);
}

static enum sim_status vsim_prq_arrive(struct vsim_unit *u, const struct sim_request *req,
				       u16 group, bool last)
{
	u32 bytes = vsim_prq_bytes(u), tail = vsim_reg64(u, VSIM_PQT);
	u64 base = vsim_reg64(u, VSIM_PQA) & vsim_addr_mask(u);
	struct vsim_walk w;
	u64 qw[4];
	int reason;

	vsim_count(u, VSIM_N_PAGE_REQUESTS);
	if (!(*vsim_reg(u, VSIM_GSTS) & VSIM_GCMD_TE) || !(u->cfg.ecap & VSIM_ECAP_PRS))
		return SIM_DENIED;
	vsim_walk_init(&w, u, req);
	reason = vsim_prq_check(&w);
	if (reason)
		return vsim_prq_refuse(&w, reason, last);
	if (!base) {
		vsim_count(u, VSIM_N_BAD_NO_PRQ);
		return vsim_prq_overflow(u, req, group, last);
	}
	if ((*vsim_reg(u, VSIM_PRS) & VSIM_PRS_PRO) || vsim_inject(u, SIM_FAULT_PRQ_FULL) ||
	    (tail + 32) % bytes == (u32)vsim_reg64(u, VSIM_PQH))
		return vsim_prq_overflow(u, req, group, last);

	vsim_prq_invalidate(&w);
	vsim_prq_compose(req, group, last, qw);
	if (u->ops->write(u->priv, base + tail, qw, sizeof(qw)))
		return vsim_prq_overflow(u, req, group, last);
	vsim_set_reg64(u, VSIM_PQT, (tail + 32) % bytes);
	vsim_prq_event(u, VSIM_PRS_PPR);
	return SIM_OK;
}

/*
 * A page request message arrives: SIM_OK, or what the unit answers at once. Or it is to be
 * late: SIM_OK.
 */
enum sim_status vsim_page_request(struct vsim_unit *u, const struct sim_request *req,
				  u16 group, bool last)
{
	if (u->late.pending || !vsim_inject(u, SIM_FAULT_PRQ_LATE))
		return vsim_prq_arrive(u, req, group, last);
	u->late = (struct vsim_late){
		.pending = true,
		.drains = u->inject[SIM_FAULT_PRQ_LATE].arg,
		.req = *req,
		.group = group,
		.last = last,
	};
	return SIM_OK;
}

/* The one that is late comes, now that the drains that it was to miss are over; or @now. */
void vsim_prq_late(struct vsim_unit *u, bool now)
{
	struct vsim_late late = u->late;
	enum sim_status status;

	if (!late.pending || (late.drains && !now))
		return;
	u->late.pending = false;
	status = vsim_prq_arrive(u, &late.req, late.group, late.last);
	if (status != SIM_OK)
		u->ops->page_response(u->priv, late.req.rid, late.req.pasid, late.group, status);
}

/* 7.10: a wait descriptor with PD is complete. */
void vsim_prq_drained(struct vsim_unit *u)
{
	if (u->late.pending && u->late.drains)
		u->late.drains--;
}
