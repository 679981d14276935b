// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fault recording and the fault event (7.2, 7.3, 11.4.7).
 */
#include <linux/types.h>
#include "vtd_sim.h"

unsigned int vsim_num_frcd(const struct vsim_unit *u)
{
	return vsim_cap(u, 47, 40) + 1;
}

/* 11.4.7.6: offset of a fault recording register */
unsigned int vsim_frcd(const struct vsim_unit *u, unsigned int index)
{
	return 16 * (vsim_cap(u, 33, 24) + index);
}

static bool vsim_frcd_used(struct vsim_unit *u, unsigned int index)
{
	return vsim_reg64(u, vsim_frcd(u, index) + 8) & VSIM_FRCD_F;
}

/*
 * 11.4.7.2, IP: a status bit is an interrupt condition when it gets set and no
 * other one was.
 */
void vsim_fault_event(struct vsim_unit *u, u32 bits)
{
	u32 *fsts = vsim_reg(u, VSIM_FSTS);
	bool pending = *fsts & (VSIM_FSTS_PPF | VSIM_FSTS_RW1C);

	*fsts |= bits;
	if (!pending)
		vsim_event(u, VSIM_FECTL);
}

static void vsim_fault_served(struct vsim_unit *u)
{
	if (!(*vsim_reg(u, VSIM_FSTS) & (VSIM_FSTS_PPF | VSIM_FSTS_RW1C)))
		vsim_event_served(u, VSIM_FECTL);
}

void vsim_fault_status_clear(struct vsim_unit *u, u32 bits)
{
	*vsim_reg(u, VSIM_FSTS) &= ~(bits & VSIM_FSTS_RW1C);
	vsim_fault_served(u);
}

/* F was written as 1. PPF is the OR of all F (11.4.7.1). */
void vsim_fault_record_clear(struct vsim_unit *u, unsigned int index)
{
	unsigned int i;

	vsim_set_reg64(u, vsim_frcd(u, index) + 8,
		       vsim_reg64(u, vsim_frcd(u, index) + 8) & ~VSIM_FRCD_F);
	for (i = 0; i < vsim_num_frcd(u); i++)
		if (vsim_frcd_used(u, i))
			return;
	*vsim_reg(u, VSIM_FSTS) &= ~(VSIM_FSTS_PPF | (u32)vsim_mask(15, 8));
	vsim_fault_served(u);
}

static u64 vsim_fault_high(const struct sim_request *req, bool page_request,
			   enum vsim_reason reason)
{
	u64 high = VSIM_FRCD_F | req->rid | (u64)reason << VSIM_FRCD_FR_SHIFT |
		   (u64)req->at << VSIM_FRCD_AT_SHIFT;

	if (page_request)
		high |= VSIM_FRCD_T2;
	else if (!(req->flags & SIM_DMA_WRITE))
		high |= VSIM_FRCD_T1;
	if (req->pasid != SIM_NO_PASID) {
		high |= VSIM_FRCD_PP | (u64)req->pasid << VSIM_FRCD_PV_SHIFT;
		if (req->flags & SIM_DMA_EXEC)
			high |= VSIM_FRCD_EXE;
		if (req->flags & SIM_DMA_PRIV)
			high |= VSIM_FRCD_PRIV;
	}
	return high;
}

/* 7.1.1, table 30: faults that FPD does not keep from being reported */
static bool vsim_fault_unqualified(enum vsim_reason reason)
{
	return reason <= VSIM_SCT_1 || reason == VSIM_SPD_1 || reason == VSIM_SPT_1;
}

void vsim_fault_report(const struct vsim_walk *w, bool page_request, enum vsim_reason reason)
{
	if (w->fpd && !vsim_fault_unqualified(reason))
		vsim_count(w->u, VSIM_N_FAULTS_DISABLED);
	else
		vsim_fault_record(w->u, w->req, page_request, reason);
}

/* 7.2.1 primary fault logging */
void vsim_fault_record(struct vsim_unit *u, const struct sim_request *req, bool page_request,
		       enum vsim_reason reason)
{
	unsigned int index = u->frcd_next;
	u32 *fsts = vsim_reg(u, VSIM_FSTS);
	bool injected = vsim_inject(u, SIM_FAULT_EVENTS_FULL);

	/* With PFO set nothing is recorded, room or not. */
	if (*fsts & VSIM_FSTS_PFO) {
		vsim_count(u, VSIM_N_FAULTS_LOST);
		return;
	}
	if (injected || vsim_frcd_used(u, index)) {
		vsim_count(u, VSIM_N_FAULTS_LOST);
		/*
		 * PFO interrupts nobody: records that are full have done so. An
		 * injected overflow has none, and interrupts in their stead.
		 */
		if (injected && !(*fsts & VSIM_FSTS_PPF))
			vsim_event(u, VSIM_FECTL);
		*fsts |= VSIM_FSTS_PFO;
		return;
	}
	vsim_count(u, VSIM_N_FAULTS);
	vsim_set_reg64(u, vsim_frcd(u, index), req->addr & ~0xfffULL);
	vsim_set_reg64(u, vsim_frcd(u, index) + 8,
		       vsim_fault_high(req, page_request, reason));
	u->frcd_next = (index + 1) % vsim_num_frcd(u);
	/* FRI: where the first pending one is. */
	if (!(*fsts & VSIM_FSTS_PPF))
		vsim_fault_event(u, VSIM_FSTS_PPF | index << 8);
}
