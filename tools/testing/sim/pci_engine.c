// SPDX-License-Identifier: GPL-2.0-only
/* The DMA engine of a function: what it may send, and how bytes move. */
#include <linux/pci.h>
#include <linux/sched/signal.h>
#include <linux/timekeeping.h>

#include "pci.h"

/* A request does not cross a boundary of this; PCI Express 2.2.7. */
#define PAGE	4096u

/* --- what may be sent ---------------------------------------------------------- */

static bool is_on(struct sim_function *fn, u16 capability, u16 control, u16 bit)
{
	return capability && sim_config_get(fn, capability + control, 2) & bit;
}

/* 7.8.8.3: PASIDs, and what is said with them, are for the physical function to allow. */
static bool may_pasid(struct sim_function *fn, const struct sim_request *req)
{
	struct sim_function *pf = sim_physical(fn);

	if (req->pasid == SIM_NO_PASID)
		return !(req->flags & (SIM_DMA_EXEC | SIM_DMA_PRIV));
	if (!is_on(pf, pf->pasid, PCI_PASID_CTRL, PCI_PASID_CTRL_ENABLE) ||
	    req->pasid >> pf->pasid_bits)
		return false;
	if (req->flags & SIM_DMA_EXEC &&
	    !is_on(pf, pf->pasid, PCI_PASID_CTRL, PCI_PASID_CTRL_EXEC))
		return false;
	return !(req->flags & SIM_DMA_PRIV) ||
	       is_on(pf, pf->pasid, PCI_PASID_CTRL, PCI_PASID_CTRL_PRIV);
}

static bool may_no_snoop(struct sim_function *fn)
{
	struct sim_function *pf = sim_physical(fn);

	return !pf->pcie || is_on(pf, pf->pcie, PCI_EXP_DEVCTL, PCI_EXP_DEVCTL_NOSNOOP_EN);
}

/*
 * Does it get through the bridges above? They may block PASIDs (7.5.3.16) and
 * translated requests (7.7.11.3).
 */
static enum sim_status path(struct sim_function *fn, const struct sim_request *req)
{
	struct sim_function *f;

	for (f = fn->above; f; f = f->above) {
		if (READ_ONCE(f->gone))
			return SIM_UR;
		if (req->pasid != SIM_NO_PASID &&
		    is_on(f, f->pcie, PCI_EXP_DEVCTL2, SIM_DEVCTL2_PREFIX_BLOCK))
			return SIM_UR;
		if (req->at != SIM_AT_UNTRANSLATED && is_on(f, f->acs, PCI_ACS_CTRL, PCI_ACS_TB))
			return SIM_UR;
	}
	return SIM_OK;
}

static bool is_master(struct sim_function *fn)
{
	return sim_config_get(fn, PCI_COMMAND, 2) & PCI_COMMAND_MASTER;
}

/*
 * May @fn send this page request, and does it get through? A message is nothing
 * that bus mastering is for (7.5.1.1.3).
 */
enum sim_status sim_may_message(struct sim_function *fn, const struct sim_request *req)
{
	if (!sim_present(fn) || !may_pasid(fn, req))
		return SIM_NO_MASTER;
	return path(fn, req);
}

/* May it send this memory request? All bridges above must be masters, too. */
enum sim_status sim_may(struct sim_function *fn, const struct sim_request *req)
{
	struct sim_function *f;

	if (req->flags & SIM_DMA_NO_SNOOP && !may_no_snoop(fn))
		return SIM_NO_MASTER;
	if (req->at != SIM_AT_UNTRANSLATED &&
	    !is_on(fn, fn->ats, PCI_ATS_CTRL, PCI_ATS_CTRL_ENABLE))
		return SIM_NO_MASTER;
	if (!is_master(fn))
		return SIM_NO_MASTER;
	for (f = fn->above; f; f = f->above)
		if (!is_master(f))
			return SIM_UR;
	return sim_may_message(fn, req);
}

/* A bridge to conventional PCI takes what comes from behind it as its own. */
static u16 requester(struct sim_function *fn)
{
	struct sim_function *f;

	for (f = fn->above; f; f = f->above)
		if (f->type == SIM_PCI_BRIDGE)
			return f->secondary << 8;
	return fn->rid;
}

struct sim_request sim_request(struct sim_function *fn, u32 pasid, u32 flags, u64 addr)
{
	return (struct sim_request){
		.segment = fn->segment->number,
		.rid = requester(fn),
		.pasid = pasid,
		.flags = flags,
		.at = SIM_AT_UNTRANSLATED,
		.addr = addr,
	};
}

static u64 deadline_in(u32 ms)
{
	return ktime_get_ns() + ms * (u64)NSEC_PER_MSEC;
}

/* --- moving bytes ---------------------------------------------------------------- */

/**
 * struct move - one DMA operation under way
 * @fn: whose
 * @flags: SIM_DMA_...
 * @deadline: when to stop waiting
 * @epoch: of the function when it began: a reset ends it
 */
struct move {
	struct sim_function *fn;
	u32 flags;
	u64 deadline;
	u32 epoch;
};

static void begin(struct sim_function *fn, u32 flags)
{
	unsigned long irq;

	raw_spin_lock_irqsave(&fn->lock, irq);
	if (!(flags & SIM_DMA_WRITE))
		fn->reads++;
	sim_count(fn, flags & SIM_DMA_WRITE ? SIM_COUNT_WRITES : SIM_COUNT_READS);
	raw_spin_unlock_irqrestore(&fn->lock, irq);
}

static void end(struct sim_function *fn, u32 flags)
{
	unsigned long irq;

	raw_spin_lock_irqsave(&fn->lock, irq);
	if (!(flags & SIM_DMA_WRITE))
		fn->reads--;
	raw_spin_unlock_irqrestore(&fn->lock, irq);
}

/* May the operation go on? */
static enum sim_status may_move(struct move *move, const struct sim_request *req)
{
	if (READ_ONCE(move->fn->epoch) != move->epoch)
		return SIM_NO_MASTER;
	return sim_may(move->fn, req);
}

static enum sim_status untranslated(struct move *move, const struct sim_request *req,
				    void *buf, size_t len, u64 *phys)
{
	struct sim_reply reply;
	enum sim_status status;
	bool again;

	do {
		status = may_move(move, req);
		if (status != SIM_OK)
			return status;
		begin(move->fn, req->flags);
		status = sim_upstream(req, buf, len, &reply, move->deadline, &again);
		end(move->fn, req->flags);
	} while (again);
	*phys = reply.phys;
	return status;
}

enum translated {
	MOVED,
	REFUSED,
	STALE,
};

/* The bytes of a translated request, unless an invalidation came after @sequence. */
static enum translated move_translated(struct sim_function *fn, const struct sim_request *req,
				       void *buf, size_t len, u32 sequence)
{
	enum translated result = STALE;
	unsigned long flags;
	int rc;

	raw_spin_lock_irqsave(&fn->lock, flags);
	if (fn->atc.sequence == sequence) {
		rc = req->flags & SIM_DMA_WRITE ? sim_mem_write(req->addr, buf, len) :
						  sim_mem_read(req->addr, buf, len);
		result = rc ? REFUSED : MOVED;
		sim_count(fn, req->flags & SIM_DMA_WRITE ? SIM_COUNT_WRITES : SIM_COUNT_READS);
	}
	raw_spin_unlock_irqrestore(&fn->lock, flags);
	return result;
}

/* Ask software for the page of @req, which the IOMMU does not let through. */
static enum sim_status ask_for_page(struct move *move, const struct sim_request *req)
{
	struct sim_request ask = *req;

	ask.flags &= SIM_DMA_WRITE | SIM_DMA_EXEC | SIM_DMA_PRIV;
	ask.flags |= SIM_PR_LAST | (ask.flags & SIM_DMA_WRITE ? 0 : SIM_PR_READ);
	ask.addr &= ~(u64)(PAGE - 1);
	return sim_pri_ask(move->fn, &ask, -1, true, move->deadline);
}

/* A translation that allows @req: from the cache, from the IOMMU, or from software. */
static enum sim_status find_translation(struct move *move, const struct sim_request *req,
					struct sim_translation *is, u32 *sequence)
{
	enum sim_status status;

	for (;;) {
		if (sim_atc_lookup(move->fn, req, is, sequence))
			return SIM_OK;
		status = sim_translate(move->fn, req, is, sequence, move->deadline);
		if (status != SIM_OK || sim_translation_allows(is, req))
			return status;
		if (!(move->flags & SIM_DMA_PRI))
			return SIM_UR;
		status = ask_for_page(move, req);
		if (status != SIM_OK)
			return status;
		if (ktime_get_ns() > move->deadline || fatal_signal_pending(current))
			return SIM_TIMEOUT;
		/* A unit that answers by itself may do so again and again. */
		cond_resched();
	}
}

/* The unit's word first; the bytes move only if the entry still stands then. */
static enum sim_status translated(struct move *move, const struct sim_request *req, void *buf,
				  size_t len, u32 sequence, bool *again)
{
	struct sim_reply reply;
	enum sim_status status = may_move(move, req);

	*again = false;
	if (status == SIM_OK)
		status = sim_upstream(req, buf, 0, &reply, move->deadline, again);
	if (status != SIM_OK || *again)
		return status;
	switch (move_translated(move->fn, req, buf, len, sequence)) {
	case MOVED:
		return SIM_OK;
	case STALE:
		*again = true;
		return SIM_OK;
	default:
		return SIM_NO_MEMORY;
	}
}

static enum sim_status through_atc(struct move *move, const struct sim_request *req, void *buf,
				   size_t len, u64 *phys)
{
	struct sim_request to = *req;
	struct sim_translation is;
	enum sim_status status;
	bool again;
	u32 sequence;

	do {
		status = find_translation(move, req, &is, &sequence);
		if (status != SIM_OK)
			return status;
		if (is.perms & SIM_ATS_UNTRANSLATED)
			return untranslated(move, req, buf, len, phys);
		to.at = SIM_AT_TRANSLATED;
		to.addr = is.phys + (req->addr - is.addr);
		*phys = to.addr;
		status = translated(move, &to, buf, len, sequence, &again);
	} while (again && !fatal_signal_pending(current));
	return again ? SIM_TIMEOUT : status;
}

static enum sim_status move_page(struct move *move, const struct sim_request *req, void *buf,
				 size_t len, u64 *phys)
{
	if (move->flags & SIM_DMA_ATS)
		return through_atc(move, req, buf, len, phys);
	return untranslated(move, req, buf, len, phys);
}

#define KNOWN_DMA	(SIM_DMA_NO_SNOOP * 2 - 1)
#define KNOWN_ATS	(SIM_DMA_WRITE | SIM_DMA_EXEC | SIM_DMA_PRIV)
#define KNOWN_PR	(KNOWN_ATS | SIM_PR_LAST | SIM_PR_READ | SIM_PR_UNRULY)

/* SIM_DMA; @buf: @dma->len bytes. 0 or a negative errno. */
int sim_dma(struct sim_function *fn, struct sim_dma *dma, void *buf)
{
	u32 flags = dma->flags & ~(SIM_DMA_ATS | SIM_DMA_PRI);
	struct sim_request req = sim_request(fn, dma->pasid, flags, dma->addr);
	struct move move = {
		.fn = fn,
		.flags = dma->flags,
		.deadline = deadline_in(dma->timeout_ms),
		.epoch = READ_ONCE(fn->epoch),
	};
	u64 phys;
	u32 len;

	if (dma->flags & ~KNOWN_DMA)
		return -EOPNOTSUPP;
	if (dma->flags & SIM_DMA_PRI && !(dma->flags & SIM_DMA_ATS))
		return -EINVAL;
	dma->status = SIM_OK;
	dma->done = 0;
	dma->phys = 0;
	while (dma->done < dma->len) {
		req.addr = dma->addr + dma->done;
		len = min_t(u64, dma->len - dma->done, PAGE - (req.addr & (PAGE - 1)));
		phys = 0;
		dma->status = move_page(&move, &req, buf + dma->done, len, &phys);
		if (dma->status != SIM_OK)
			return 0;
		if (!dma->done)
			dma->phys = phys;
		dma->done += len;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
}

/* SIM_ATS; how long a translation may stall is not the device's to say. */
int sim_ats(struct sim_function *fn, struct sim_ats *ats)
{
	struct sim_request req = sim_request(fn, ats->pasid, ats->flags, ats->addr);
	struct sim_translation is = {};
	u32 sequence;

	if (ats->flags & ~KNOWN_ATS)
		return -EOPNOTSUPP;
	ats->status = sim_translate(fn, &req, &is, &sequence, 0);
	ats->perms = is.perms;
	ats->phys = ats->status == SIM_OK ? is.phys + (ats->addr - is.addr) : 0;
	ats->length = is.length;
	return 0;
}

/* SIM_PAGE_REQUEST */
int sim_page_request(struct sim_function *fn, struct sim_page_request *pr)
{
	struct sim_request req = sim_request(fn, pr->pasid, pr->flags, pr->addr);

	if (pr->flags & ~KNOWN_PR || pr->__reserved)
		return -EOPNOTSUPP;
	if (pr->group >= SIM_PRI_GROUPS || pr->addr & (PAGE - 1))
		return -EINVAL;
	pr->status = sim_pri_ask(fn, &req, pr->group, pr->flags & SIM_PR_LAST,
				 pr->timeout_ms ? deadline_in(pr->timeout_ms) : 0);
	return 0;
}

static const char *const counter_names[SIM_COUNTERS_NUM] = {
	[SIM_COUNT_READS] = "reads",
	[SIM_COUNT_WRITES] = "writes",
	[SIM_COUNT_TRANSLATIONS] = "translations",
	[SIM_COUNT_ATC_HITS] = "atc_hits",
	[SIM_COUNT_ATC_INVALIDATIONS] = "atc_invalidations",
	[SIM_COUNT_ATC_DROPPED] = "atc_dropped",
	[SIM_COUNT_ATC_FOR_NOTHING] = "atc_for_nothing",
	[SIM_COUNT_ATC_WHILE_OFF] = "atc_while_off",
	[SIM_COUNT_PAGE_REQUESTS] = "page_requests",
	[SIM_COUNT_PAGE_RESPONSES] = "page_responses",
	[SIM_COUNT_RESETS] = "resets",
	[SIM_COUNT_BAD_PASID_WHILE_ATS] = "bad.pasid_while_ats",
	[SIM_COUNT_BAD_STU_WHILE_ATS] = "bad.stu_while_ats",
	[SIM_COUNT_BAD_ALLOCATION_WHILE_PRI] = "bad.allocation_while_pri",
	[SIM_COUNT_BAD_PRI_NOT_STOPPED] = "bad.pri_not_stopped",
	[SIM_COUNT_BAD_PAGE_RESPONSE] = "bad.page_response",
	[SIM_COUNT_BAD_PAGE_RESPONSE_PASID] = "bad.page_response_pasid",
};

/* SIM_COUNTERS of a device */
int sim_device_counters(struct sim_function *fn, bool reset,
			void (*emit)(void *arg, const char *name, u64 value), void *arg)
{
	u64 counters[SIM_COUNTERS_NUM];
	unsigned long flags;
	unsigned int i;

	raw_spin_lock_irqsave(&fn->lock, flags);
	memcpy(counters, fn->counters, sizeof(counters));
	if (reset)
		memset(fn->counters, 0, sizeof(fn->counters));
	raw_spin_unlock_irqrestore(&fn->lock, flags);
	for (i = 0; i < SIM_COUNTERS_NUM; i++)
		emit(arg, counter_names[i], counters[i]);
	return 0;
}
