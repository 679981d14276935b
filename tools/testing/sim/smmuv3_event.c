// SPDX-License-Identifier: GPL-2.0-only
/*
 * The event queue (7.2 to 7.4) and stalled transactions (3.12.2).
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include "smmuv3_sim.h"

/* 3.5.1: the index and one bit more, which says how often it has gone round. */
static u32 queue_mask(const struct ssim_queue *q)
{
	return (2U << FIELD_GET(Q_BASE_LOG2SIZE, q->base)) - 1;
}

static u32 queue_wrap(const struct ssim_queue *q)
{
	return 1U << FIELD_GET(Q_BASE_LOG2SIZE, q->base);
}

bool ssim_queue_full(const struct ssim_queue *q)
{
	return ((q->prod ^ q->cons) & queue_mask(q)) == queue_wrap(q);
}

static bool queue_empty(const struct ssim_queue *q)
{
	return !((q->prod ^ q->cons) & queue_mask(q));
}

/* The index after @index; what is above the index and its wrap bit stays. */
u32 ssim_queue_next(const struct ssim_queue *q, u32 index)
{
	return (index & ~queue_mask(q)) | ((index + 1) & queue_mask(q));
}

u64 ssim_queue_slot(const struct ssim_queue *q, u32 index, size_t entry)
{
	return (q->base & Q_BASE_ADDR) + (u64)(index & (queue_wrap(q) - 1)) * entry;
}

static bool writable(struct ssim *u)
{
	return (u->cr0ack & CR0_EVENTQEN) && !ssim_queue_full(&u->eventq) &&
	       !((u->gerror ^ u->gerrorn) & GERROR_EVENTQ_ABT);
}

/* False: it could not be written. */
static bool put(struct ssim *u, const u64 *event)
{
	struct ssim_queue *q = &u->eventq;
	bool was_empty = queue_empty(q);
	__le64 record[4];
	unsigned int i;

	for (i = 0; i < 4; i++)
		record[i] = cpu_to_le64(event[i]);
	if (u->ops->write(u, ssim_queue_slot(q, q->prod, sizeof(record)), record,
			  sizeof(record))) {
		ssim_gerror(u, GERROR_EVENTQ_ABT);
		return false;
	}
	q->prod = ssim_queue_next(q, q->prod);
	/* 3.18: when it becomes non-empty, and not for each record. */
	if (was_empty)
		ssim_irq(u, SSIM_IRQ_EVENTQ);
	return true;
}

static void make(const struct ssim_access *a, const struct ssim_fault *fault, u64 *event)
{
	bool translation = fault->id >= F_TRANSLATION && fault->id <= F_PERMISSION;

	memset(event, 0, 4 * sizeof(*event));
	event[0] = FIELD_PREP(EVENT_0_ID, fault->id) | FIELD_PREP(EVENT_0_SID, a->sid);
	/* 7.3.9 has a substream and no SSV, 7.3.7 and 7.3.8 have neither. */
	if (fault->id == C_BAD_SUBSTREAMID)
		event[0] |= FIELD_PREP(EVENT_0_SSID, a->ssid == SIM_NO_PASID ? 0 : a->ssid);
	else if (a->ssid != SIM_NO_PASID && fault->id != F_STREAM_DISABLED &&
		 fault->id != F_TRANSL_FORBIDDEN)
		event[0] |= EVENT_0_SSV | FIELD_PREP(EVENT_0_SSID, a->ssid);
	if (translation || fault->id == F_WALK_EABT || fault->id == F_BAD_ATS_TREQ ||
	    fault->id == F_TRANSL_FORBIDDEN) {
		event[1] = (a->write ? 0 : EVENT_1_RNW) | (a->priv ? EVENT_1_PNU : 0) |
			   (a->exec ? EVENT_1_IND : 0);
		event[2] = a->req->addr;
	}
	if (translation || fault->id == F_WALK_EABT)
		event[1] |= (fault->s2 ? EVENT_1_S2 : 0) |
			    FIELD_PREP(EVENT_1_CLASS, fault->class);
	if (fault->id == F_PERMISSION && fault->class == CLASS_TT && !fault->tt_write)
		event[1] |= EVENT_1_TTRNW;
	if (translation && fault->s2)
		event[3] = fault->ipa & EVENT_3_IPA;
	if (fault->id == F_STE_FETCH || fault->id == F_CD_FETCH || fault->id == F_WALK_EABT)
		event[3] = fault->fetch & EVENT_3_FETCHADDR;
}

static const char *event_name(u8 id)
{
	switch (id) {
	case F_UUT: return "F_UUT";
	case C_BAD_STREAMID: return "C_BAD_STREAMID";
	case F_STE_FETCH: return "F_STE_FETCH";
	case C_BAD_STE: return "C_BAD_STE";
	case F_BAD_ATS_TREQ: return "F_BAD_ATS_TREQ";
	case F_STREAM_DISABLED: return "F_STREAM_DISABLED";
	case F_TRANSL_FORBIDDEN: return "F_TRANSL_FORBIDDEN";
	case C_BAD_SUBSTREAMID: return "C_BAD_SUBSTREAMID";
	case F_CD_FETCH: return "F_CD_FETCH";
	case C_BAD_CD: return "C_BAD_CD";
	case F_WALK_EABT: return "F_WALK_EABT";
	case F_TRANSLATION: return "F_TRANSLATION";
	case F_ADDR_SIZE: return "F_ADDR_SIZE";
	case F_ACCESS: return "F_ACCESS";
	default: return "F_PERMISSION";
	}
}

/* Record what happened to a request that was terminated. */
void ssim_event(struct ssim *u, const struct ssim_access *a, const struct ssim_fault *fault)
{
	u64 event[4];

	if (!fault->id)
		return;
	ssim_count(u, event_name(fault->id));
	if (!(u->cr0ack & CR0_EVENTQEN))
		return;
	make(a, fault, event);
	if (!ssim_queue_full(&u->eventq) && !ssim_take_fault(u, SIM_FAULT_EVENTS_FULL)) {
		if (writable(u))
			put(u, event);
		return;
	}
	/* 7.4: lost, and said once until it is acknowledged. */
	ssim_count(u, "events_lost");
	if (!((u->eventq.prod ^ u->eventq.cons) & Q_OVF))
		u->eventq.prod ^= Q_OVF;
}

/*
 * Let a request wait for CMD_RESUME. Returns the number under which it does, 0: there
 * are as many already as the unit can hold, and the request was terminated.
 */
u64 ssim_stall(struct ssim *u, const struct ssim_access *a, const struct ssim_fault *fault)
{
	struct ssim_stall *stall = u->stalls;
	unsigned int i;

	for (i = 0; i < SSIM_STALLS && stall->used; i++)
		stall++;
	if (i == SSIM_STALLS)
		return 0;
	ssim_count(u, "stalls");
	stall->used = true;
	stall->recorded = false;
	stall->answer = SIM_TIMEOUT;
	stall->sid = a->sid;
	stall->generation++;
	make(a, fault, stall->event);
	/* Never 0, and not the number of the slot: nobody is to guess it. */
	stall->event[1] |= EVENT_1_STALL | FIELD_PREP(EVENT_1_STAG, 0x5a00 + i);
	ssim_events_flush(u);
	return ((u64)stall->generation << 16) | (i + 1);
}

/* 7.2.1: records of stalled transactions wait until there is room. */
void ssim_events_flush(struct ssim *u)
{
	unsigned int i;

	for (i = 0; i < SSIM_STALLS; i++) {
		struct ssim_stall *stall = &u->stalls[i];

		if (!stall->used || stall->recorded || !writable(u))
			continue;
		if (put(u, stall->event))
			stall->recorded = true;
	}
}

static struct ssim_stall *find_stall(struct ssim *u, u64 number)
{
	unsigned int i = (number & 0xffff) - 1;

	if (i >= SSIM_STALLS || !u->stalls[i].used ||
	    u->stalls[i].generation != number >> 16)
		return NULL;
	return &u->stalls[i];
}

/* SIM_TIMEOUT: none yet; SIM_OK: try again; SIM_UR: terminated. It takes the answer. */
enum sim_status ssim_stall_answer(struct ssim *u, u64 number)
{
	struct ssim_stall *stall = find_stall(u, number);
	enum sim_status answer;

	if (!stall)
		return SIM_UR;
	answer = stall->answer;
	if (answer != SIM_TIMEOUT)
		stall->used = false;
	return answer;
}

/* The device does not wait any longer; its STAG may still be answered, to no effect. */
void ssim_stall_forget(struct ssim *u, u64 number)
{
	struct ssim_stall *stall = find_stall(u, number);

	if (stall)
		stall->used = false;
}

/* CMD_RESUME. One that names nothing has no effect (4.7.1). */
void ssim_resume(struct ssim *u, u32 sid, u16 stag, enum sim_status answer)
{
	unsigned int i = stag - 0x5a00;

	if (i >= SSIM_STALLS || !u->stalls[i].used || !u->stalls[i].recorded ||
	    u->stalls[i].sid != sid || u->stalls[i].answer != SIM_TIMEOUT) {
		ssim_count(u, "resume_nothing");
		return;
	}
	u->stalls[i].answer = answer;
	u->ops->wake(u);
}

/*
 * What stalls of these streams and is not recorded yet is tried again with their new
 * configuration (4.7.3): its record would be of one that is not any more.
 */
void ssim_stalls_retry(struct ssim *u, u32 first, u32 last)
{
	unsigned int i;

	for (i = 0; i < SSIM_STALLS; i++) {
		struct ssim_stall *stall = &u->stalls[i];

		if (!stall->used || stall->recorded || stall->answer != SIM_TIMEOUT ||
		    stall->sid < first || stall->sid > last)
			continue;
		stall->recorded = true;
		stall->answer = SIM_OK;
		u->ops->wake(u);
	}
}

/* CMD_STALL_TERM; @all: SMMUEN goes to 0 (6.3.9.6). */
void ssim_stall_terminate(struct ssim *u, u32 sid, bool all)
{
	unsigned int i;

	for (i = 0; i < SSIM_STALLS; i++) {
		if (!u->stalls[i].used || u->stalls[i].answer != SIM_TIMEOUT ||
		    (!all && u->stalls[i].sid != sid))
			continue;
		u->stalls[i].recorded = true;
		u->stalls[i].answer = SIM_UR;
		u->ops->wake(u);
	}
}
