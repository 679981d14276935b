// SPDX-License-Identifier: GPL-2.0-only
/*
 * The page request queue (8), and what the unit answers by itself.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include "smmuv3_sim.h"

static bool queue_empty(const struct ssim_queue *q)
{
	u32 mask = (2U << FIELD_GET(Q_BASE_LOG2SIZE, q->base)) - 1;

	return !((q->prod ^ q->cons) & mask);
}

/* 8.1: the PASID in an answer of the unit's own, SIM_NO_PASID for none. False: failure. */
static bool response_pasid(struct ssim *u, u32 sid, const struct sim_request *req, u32 *pasid)
{
	struct ssim_access a = { .sid = sid, .ssid = req->pasid, .req = req, .quiet = true };
	struct ssim_fault fault;

	*pasid = req->pasid;
	if (req->pasid == SIM_NO_PASID || (u->f.idr[3] & IDR3_PPS))
		return true;
	*pasid = SIM_NO_PASID;
	if (!ssim_find_ste(u, &a, &fault))
		return false;
	if (a.ste[1] & STE_1_PPAR)
		*pasid = req->pasid;
	return true;
}

/*
 * 8.1: what there is no room for is lost; the last of a group is answered with
 * success, so that the device asks again.
 */
static enum sim_status overflow(struct ssim *u, u32 sid, const struct sim_request *req,
				u16 group, bool last)
{
	bool found;
	u32 pasid;

	ssim_count(u, "page_requests_lost");
	if (!((u->priq.prod ^ u->priq.cons) & Q_OVF))
		u->priq.prod ^= Q_OVF;
	if (!last)
		return SIM_OK;
	/* 6.3.36: of what is lost, too. */
	if (u->msi[SSIM_IRQ_PRIQ].attr & PRIQ_CFG2_LO)
		ssim_irq(u, SSIM_IRQ_PRIQ);
	found = response_pasid(u, sid, req, &pasid);
	u->ops->page_response(u, sid, pasid, group, found ? SIM_OK : SIM_FAILURE);
	return SIM_OK;
}

static enum sim_status arrive(struct ssim *u, u32 sid, const struct sim_request *req,
			      u16 group, bool last)
{
	struct ssim_queue *q = &u->priq;
	bool was_empty = queue_empty(q);
	bool ssv = req->pasid != SIM_NO_PASID;
	__le64 record[2];
	u64 word;

	ssim_count(u, "page_requests");
	/* 8.2 */
	if (!(u->cr0ack & CR0_SMMUEN) || !(u->cr0ack & CR0_PRIQEN) ||
	    ((u->gerror ^ u->gerrorn) & GERROR_PRIQ_ABT))
		return SIM_FAILURE;
	/* Unlike events, page requests stay away until an overflow is acknowledged. */
	if (((q->prod ^ q->cons) & Q_OVF) || ssim_queue_full(q))
		return overflow(u, sid, req, group, last);
	/* One that were full would have an interrupt under way. */
	if (ssim_take_fault(u, SIM_FAULT_PRQ_FULL)) {
		ssim_irq(u, SSIM_IRQ_PRIQ);
		return overflow(u, sid, req, group, last);
	}

	word = FIELD_PREP(PPR_0_SID, sid) | (last ? PPR_0_LAST : 0) |
	       (req->flags & SIM_DMA_WRITE ? PPR_0_W : 0) |
	       (req->flags & SIM_PR_READ ? PPR_0_R : 0);
	if (ssv)
		word |= PPR_0_SSV | FIELD_PREP(PPR_0_SSID, req->pasid) |
			(req->flags & SIM_DMA_EXEC ? PPR_0_X : 0) |
			(req->flags & SIM_DMA_PRIV ? PPR_0_PRIV : 0);
	record[0] = cpu_to_le64(word);
	record[1] = cpu_to_le64((req->addr & PPR_1_ADDR) | FIELD_PREP(PPR_1_INDEX, group));
	if (ssim_take_fault(u, SIM_FAULT_PRQ_ABORT) ||
	    u->ops->write(u, ssim_queue_slot(q, q->prod, sizeof(record)), record,
			  sizeof(record))) {
		ssim_gerror(u, GERROR_PRIQ_ABT);
		return SIM_FAILURE;
	}
	q->prod = ssim_queue_next(q, q->prod);
	/* 3.18: when it becomes non-empty; with PRIQ_IRQ_CFG2.LO, for the last of a group. */
	if (u->msi[SSIM_IRQ_PRIQ].attr & PRIQ_CFG2_LO ? last : was_empty)
		ssim_irq(u, SSIM_IRQ_PRIQ);
	return SIM_OK;
}

/**
 * ssim_page_request - a device sends a page request message
 * @u: the unit
 * @sid: the stream
 * @req: the request; SIM_DMA_WRITE, SIM_PR_READ, SIM_DMA_EXEC and SIM_DMA_PRIV are what
 *	it asks for
 * @group: PRGIndex
 * @last: the last one of the group
 *
 * Return: SIM_OK when it was taken, or answered by sim_page_response(), or is on its way;
 * SIM_FAILURE: the unit answers Response Failure
 */
enum sim_status ssim_page_request(struct ssim *u, u32 sid, const struct sim_request *req,
				  u16 group, bool last)
{
	struct ssim_late *late = u->late;

	while (late < u->late + SSIM_LATE && late->used)
		late++;
	if (late == u->late + SSIM_LATE || !ssim_take_fault(u, SIM_FAULT_PRQ_LATE))
		return arrive(u, sid, req, group, last);
	*late = (struct ssim_late){
		.used = true,
		.sid = sid,
		.req = *req,
		.group = group,
		.last = last,
	};
	return SIM_OK;
}

/* PCIe 2.4.1: what is posted does not pass what was posted before. @all: whoever sent it. */
void ssim_page_requests_arrive(struct ssim *u, u32 sid, bool all)
{
	unsigned int i;

	for (i = 0; i < SSIM_LATE; i++) {
		struct ssim_late *late = &u->late[i];

		if (!late->used || (!all && late->sid != sid))
			continue;
		late->used = false;
		if (arrive(u, late->sid, &late->req, late->group, late->last) != SIM_OK &&
		    late->last)
			u->ops->page_response(u, late->sid, SIM_NO_PASID, late->group, SIM_FAILURE);
	}
}
