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
 * 7.4.1: no room. What was not the last of its group is dropped, the last is
 * answered with Success, so that the device asks for translations again.
 */
static enum sim_status vsim_prq_overflow(struct vsim_unit *u, const struct sim_request *req,
					 u16 group, bool last)
{
	vsim_count(u, VSIM_N_PAGE_REQUESTS_LOST);
	vsim_prq_event(u, VSIM_PRS_PRO);
	if (last)
		u->ops->page_response(u->priv, req->rid, req->pasid, group, SIM_OK);
	return SIM_OK;
}

/* 7.4.1.1 page_req_dsc */
static void vsim_prq_compose(const struct sim_request *req, u16 group, bool last, u64 *qw)
{
	bool pasid = req->pasid != SIM_NO_PASID;

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

/* The answer of the unit itself (7.1.3, last column; 7.4.1). */
static enum sim_status vsim_prq_refuse(struct vsim_walk *w, int reason)
{
	if (!w->fpd)
		vsim_fault_record(w->u, w->req, true, reason);
	else
		vsim_count(w->u, VSIM_N_FAULTS_DISABLED);
	return reason == VSIM_SRT_1 || reason == VSIM_SCT_1 ? SIM_FAILURE : SIM_DENIED;
}

static int vsim_prq_check(struct vsim_walk *w)
{
	int reason;

	if (w->u->ttm == VSIM_TTM_LEGACY)
		return VSIM_RTA_4;
	if (w->u->ttm != VSIM_TTM_SCALABLE)
		return VSIM_RTA_2;
	reason = vsim_walk_context(w);
	if (reason)
		return reason;
	if (!(w->ctx[0] & VSIM_CTX_PRE))
		return VSIM_SCT_8;
	if (w->req->pasid != SIM_NO_PASID && !(w->ctx[0] & VSIM_CTX_PASIDE))
		return VSIM_SCT_6;
	if (w->pasid >> (vsim_get(w->ctx[0], 11, 9) + 13))
		return VSIM_SCT_7;
	return 0;
}

/* A page request message arrives: SIM_OK, or what the unit answers at once. */
enum sim_status vsim_page_request(struct vsim_unit *u, const struct sim_request *req,
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
		return vsim_prq_refuse(&w, reason);
	if (!base) {
		vsim_count(u, VSIM_N_BAD_NO_PRQ);
		return vsim_prq_overflow(u, req, group, last);
	}
	if ((*vsim_reg(u, VSIM_PRS) & VSIM_PRS_PRO) || vsim_inject(u, SIM_FAULT_PRQ_FULL) ||
	    (tail + 32) % bytes == (u32)vsim_reg64(u, VSIM_PQH))
		return vsim_prq_overflow(u, req, group, last);

	vsim_prq_compose(req, group, last, qw);
	if (u->ops->write(u->priv, base + tail, qw, sizeof(qw)))
		return vsim_prq_overflow(u, req, group, last);
	vsim_set_reg64(u, VSIM_PQT, (tail + 32) % bytes);
	vsim_prq_event(u, VSIM_PRS_PPR);
	return SIM_OK;
}
