// SPDX-License-Identifier: GPL-2.0-only
/*
 * The invalidation queue (6.5.2): everything that the hardware caches is
 * invalidated through it, a batch at a time.
 *
 * A batch is written into the ring, then the tail once, and ends in one wait
 * descriptor, which writes the batch's number to a status word of its own.
 *
 * Slots that the hardware has fetched (IQH) are free, but what was in them need not be
 * done: it goes on behind a wait that is not, and a later batch may be complete before
 * (6.5.2.12). A device may have it wait for as long as its answers take. So a status
 * word is a batch's and not a slot's, and nobody else has it until the batch is
 * complete, or lost. Numbers grow: who has not seen yet that his is complete sees it in
 * a later one, too, so he keeps nothing from others while he sleeps.
 *
 * The hardware's accesses to the ring and its status writes are always coherent
 * (11.4.3, ECAP.C).
 *
 * Whoever waits also watches the error bits of FSTS_REG, and repairs the queue
 * for all (6.5.2.10):
 *  - IQE, a descriptor that the hardware does not take: the queue stands at it.
 *    The rest of its batch is overwritten with waits of nobody's, its owner gets
 *    -EIO, everybody else's batches run.
 *  - ITE, a device did not answer a device-TLB invalidation in time: waits that
 *    were fetched before are lost, and so may be whatever is behind the oldest
 *    invalidation that is not answered. All that was lost is submitted again, but for
 *    what is for that device: who has that gets -ETIMEDOUT in the end (ats.c).
 *  - ICE, a stray completion: cleared and logged.
 *  - no answer in VTD_QI_TIMEOUT: the queue is switched off and on again and
 *    everybody submits again; if that does not help the unit is given up.
 *
 * Invalidations of device-TLBs are sent to devices that have ATS on, and left out for
 * all others.
 *
 * Answers to page requests (7.6.1) come last in a batch, behind a fence: nothing else
 * says that they come after the invalidations before them (6.5.2.12). Each is given to
 * the hardware once, since the device may use the index anew as soon as it has one, and
 * is given to it, since the device may wait for it for ever:
 *  - where a batch is submitted again, they are not if the fence was done. After ITE they
 *    have been executed then, for no device-TLB invalidation is pending before them
 *    (6.5.2.11), and else they have not. A queue that hung and was restarted does not tell:
 *    what it had fetched behind the fence may be lost for good, and the device has to be
 *    reset; rather that than two answers to a group;
 *  - where the hardware refuses something else of the batch, they go all the same. One
 *    that it refuses is offered once more.
 */
#include <linux/delay.h>
#include <linux/slab.h>
#include "vtd.h"

/* Longer than the completion time-outs that hardware uses for ATS in practice. */
#define VTD_QI_TIMEOUT		msecs_to_jiffies(2000)
#define VTD_QI_ATTEMPTS		3
/* Attempts that other batches' devices may cost. */
#define VTD_QI_ITES		64
/* Reads of the status word before a waiter sleeps and looks at FSTS_REG. */
#define VTD_QI_SPINS		1000

/**
 * struct vtd_qi_batch - somebody who waits, on his stack
 * @node: in vtd_qi.waiting
 * @seq: number of the batch
 * @status: index of what its waits write, in vtd_qi.status
 * @has_status: that is its own; else it is complete or lost. This, and @refused and
 *	what is behind it, under qi->lock
 * @left_out: something is not in it that is for a device which does not answer
 * @fence: there is one before answers to page requests
 * @refused: the hardware did not take something of it
 * @lost: nothing more comes of it: -EAGAIN, or -ETIMEDOUT: a device did not answer
 * @silent: with -ETIMEDOUT: which, as far as is known
 * @answered: it is lost, but its answers to page requests have been executed
 */
struct vtd_qi_batch {
	struct list_head node;
	u32 seq;
	unsigned int status;
	bool has_status;
	bool left_out;
	bool fence;
	bool refused;
	int lost;
	u16 silent;
	bool answered;
};

int vtd_qi_init(struct vtd_unit *unit)
{
	struct vtd_qi *qi = &unit->qi;

	spin_lock_init(&qi->lock);
	INIT_LIST_HEAD(&qi->waiting);
	qi->ring = (void *)__get_free_pages(GFP_KERNEL | __GFP_ZERO, VTD_QI_ORDER);
	qi->status = (void *)get_zeroed_page(GFP_KERNEL);
	mutex_init(&unit->descs_lock);
	unit->descs = kcalloc(VTD_QI_SLOTS / 2, sizeof(*unit->descs), GFP_KERNEL);
	if (!qi->ring || !qi->status || !unit->descs) {
		vtd_qi_free(unit);
		return -ENOMEM;
	}
	return 0;
}

void vtd_qi_free(struct vtd_unit *unit)
{
	struct vtd_qi *qi = &unit->qi;

	free_pages((unsigned long)qi->ring, VTD_QI_ORDER);
	free_page((unsigned long)qi->status);
	kfree(unit->descs);
	unit->descs = NULL;
	qi->ring = NULL;
	qi->status = NULL;
}

/* Queue off, empty, on. */
static int vtd_qi_enable(struct vtd_unit *unit)
{
	struct vtd_qi *qi = &unit->qi;
	int rc;

	rc = vtd_unit_command(unit, VTD_GCMD_QIE, false);
	if (rc)
		return rc;
	memset(qi->slot_seq, 0, sizeof(qi->slot_seq));
	qi->head = 0;
	qi->tail = 0;
	vtd_write32(unit, VTD_FSTS_REG, VTD_FSTS_QI_ERRORS);
	vtd_write64(unit, VTD_IQT_REG, 0);
	/* 256-bit descriptors: scalable mode takes no others (11.4.9.3, DW). */
	vtd_write64(unit, VTD_IQA_REG, virt_to_phys(qi->ring) | VTD_IQA_DW |
				       FIELD_PREP(VTD_IQA_QS, VTD_QI_ORDER));
	return vtd_unit_command(unit, VTD_GCMD_QIE, true);
}

int vtd_qi_start(struct vtd_unit *unit)
{
	int rc = vtd_qi_enable(unit);

	unit->qi.dead = rc;
	return rc;
}

void vtd_qi_stop(struct vtd_unit *unit)
{
	if (vtd_unit_command(unit, VTD_GCMD_QIE, false))
		vtd_err(unit, "invalidation queue does not switch off\n");
	vtd_write64(unit, VTD_IQT_REG, 0);
}

/* Wrapping numbers of batches. */
static bool vtd_qi_reached(u32 status, u32 seq)
{
	return (s32)(status - seq) >= 0;
}

static unsigned int vtd_qi_head(struct vtd_unit *unit)
{
	return (vtd_read64(unit, VTD_IQH_REG) >> VTD_IQ_SHIFT) % VTD_QI_SLOTS;
}

/* The hardware has seen all of @batch to its end. */
static bool vtd_qi_is_complete(struct vtd_qi *qi, const struct vtd_qi_batch *batch)
{
	return vtd_qi_reached(READ_ONCE(qi->status[batch->status].all), batch->seq);
}

/* Was the fence before the answers in @batch done? What the hardware did is seen then. */
static bool vtd_qi_has_answered(struct vtd_qi *qi, const struct vtd_qi_batch *batch)
{
	return batch->fence &&
	       vtd_qi_reached(READ_ONCE(qi->status[batch->status].fence), batch->seq);
}

/* The batch of that number, if somebody waits for it. */
static struct vtd_qi_batch *vtd_qi_find(struct vtd_qi *qi, u32 seq)
{
	struct vtd_qi_batch *batch;

	lockdep_assert_held(&qi->lock);
	list_for_each_entry(batch, &qi->waiting, node)
		if (batch->seq == seq)
			return batch;
	return NULL;
}

/* Nothing more comes of batch @seq and those before it; @silent: see vtd_qi_batch. */
static void vtd_qi_lose(struct vtd_qi *qi, u32 seq, int error, u16 silent)
{
	struct vtd_qi_batch *batch;

	lockdep_assert_held(&qi->lock);
	list_for_each_entry(batch, &qi->waiting, node) {
		if (batch->lost || !vtd_qi_reached(seq, batch->seq))
			continue;
		batch->answered = vtd_qi_has_answered(qi, batch);
		batch->silent = silent;
		WRITE_ONCE(batch->lost, error);
	}
}

/* A wait that neither writes nor interrupts is not taken by all. */
static struct vtd_desc vtd_qi_nop(struct vtd_qi *qi)
{
	return vtd_make_wait(virt_to_phys(&qi->status[VTD_QI_WAITERS]), 0);
}

/* The first slot from @slot on that has the wait of a batch; the tail: there is none. */
static unsigned int vtd_qi_end_of_batch(struct vtd_qi *qi, unsigned int slot)
{
	while (slot != qi->tail && !qi->slot_seq[slot])
		slot = (slot + 1) % VTD_QI_SLOTS;
	return slot;
}

/* What of @slot to @end is an answer to page requests, or is not, does nothing. */
static void vtd_qi_blank(struct vtd_qi *qi, unsigned int slot, unsigned int end, bool answers)
{
	const struct vtd_desc nop = vtd_qi_nop(qi);

	for (; slot != end; slot = (slot + 1) % VTD_QI_SLOTS)
		if (vtd_desc_is_page_response(&qi->ring[slot]) == answers)
			qi->ring[slot] = nop;
}

/* Is what was refused at @slot, of batch @seq, to be offered once more? */
static bool vtd_qi_offer_again(struct vtd_qi *qi, unsigned int slot, u32 seq)
{
	enum vtd_desc_type type = vtd_desc_type(&qi->ring[slot]);

	/* Answers, and the fence before them: nobody can ask for those anew. */
	if ((type != VTD_DESC_PAGE_RESPONSE && type != VTD_DESC_WAIT) ||
	    (qi->offered_slot == slot && qi->offered_seq == seq))
		return false;
	qi->offered_slot = slot;
	qi->offered_seq = seq;
	return true;
}

static void vtd_qi_repair_iqe(struct vtd_unit *unit)
{
	struct vtd_qi *qi = &unit->qi;
	unsigned int slot = vtd_qi_head(unit), end = vtd_qi_end_of_batch(qi, slot);
	u32 seq = end == qi->tail ? 0 : qi->slot_seq[end];
	struct vtd_qi_batch *batch = seq ? vtd_qi_find(qi, seq) : NULL;
	const struct vtd_desc *bad = &qi->ring[slot];
	bool again = vtd_qi_offer_again(qi, slot, seq);

	vtd_err_ratelimited(unit, "invalidation queue error %llu: descriptor %llx %llx %s; please report this\n",
			    FIELD_GET(VTD_IQERCD_IQEI, vtd_read64(unit, VTD_IQERCD_REG)),
			    bad->qw[0], bad->qw[1], again ? "offered again" : "dropped");

	if (!again) {
		if (slot != end)
			qi->ring[slot] = vtd_qi_nop(qi);
		vtd_qi_blank(qi, slot, end, false);
		if (batch)
			batch->refused = true;
	}
	dma_wmb();
	vtd_write32(unit, VTD_FSTS_REG, VTD_FSTS_IQE);
}

static void vtd_qi_repair_ite(struct vtd_unit *unit)
{
	struct vtd_qi *qi = &unit->qi;
	unsigned int slot = vtd_qi_head(unit), end;
	u16 sid = FIELD_GET(VTD_IQERCD_ITESID, vtd_read64(unit, VTD_IQERCD_REG));
	struct vtd_qi_batch *batch;
	u32 seq;

	vtd_warn_ratelimited(unit, "device %04x:%02x:%02x.%x did not answer a device-TLB invalidation in time: reset it\n",
			     unit->drhd->segment, sid >> 8, PCI_SLOT(sid), PCI_FUNC(sid));

	/* Waits before the head are lost, and so is the batch that the head is in. */
	seq = qi->slot_seq[(slot + VTD_QI_SLOTS - 1) % VTD_QI_SLOTS];
	if (!seq && slot != qi->tail) {
		end = vtd_qi_end_of_batch(qi, slot);
		seq = end == qi->tail ? 0 : qi->slot_seq[end];
		batch = seq ? vtd_qi_find(qi, seq) : NULL;
		/* It is submitted again, as a whole. */
		if (!batch || !vtd_qi_has_answered(qi, batch))
			vtd_qi_blank(qi, slot, end, true);
	}
	vtd_qi_lose(qi, seq, -ETIMEDOUT, sid);
	dma_wmb();
	vtd_write32(unit, VTD_FSTS_REG, VTD_FSTS_ITE);
}

/* Clear what stops the queue, or is an error of it that does not. */
void vtd_qi_repair(struct vtd_unit *unit)
{
	struct vtd_qi *qi = &unit->qi;
	u32 fsts;

	spin_lock(&qi->lock);
	fsts = vtd_read32(unit, VTD_FSTS_REG);
	if (fsts & VTD_FSTS_QI_ERRORS)
		qi->recoveries++;
	if (fsts & VTD_FSTS_IQE)
		vtd_qi_repair_iqe(unit);
	if (fsts & VTD_FSTS_ITE)
		vtd_qi_repair_ite(unit);
	if (fsts & VTD_FSTS_ICE) {
		vtd_warn_ratelimited(unit, "stray completion of a device-TLB invalidation\n");
		vtd_write32(unit, VTD_FSTS_REG, VTD_FSTS_ICE);
	}
	spin_unlock(&qi->lock);
}

/* Nobody answers @batch: start over. */
static void vtd_qi_restart(struct vtd_unit *unit, struct vtd_qi_batch *batch)
{
	struct vtd_qi *qi = &unit->qi;

	spin_lock(&qi->lock);
	/* Somebody else who waited as long may have been faster. */
	if (!qi->dead && !batch->lost) {
		vtd_err(unit, "invalidation queue does not answer (FSTS %x, head %u, tail %u), restarting it\n",
			vtd_read32(unit, VTD_FSTS_REG), vtd_qi_head(unit), qi->tail);
		qi->recoveries++;
		if (vtd_qi_enable(unit)) {
			vtd_err(unit, "invalidation queue is dead; devices cannot be reassigned safely before a reboot\n");
			qi->dead = true;
		}
		vtd_qi_lose(qi, qi->seq, -EAGAIN, 0);
	}
	spin_unlock(&qi->lock);
}

/* @batch needs what its waits write no longer. */
static void vtd_qi_put_status(struct vtd_qi *qi, struct vtd_qi_batch *batch)
{
	lockdep_assert_held(&qi->lock);
	if (batch->has_status)
		__clear_bit(batch->status, qi->taken);
	batch->has_status = false;
}

/* Somewhere for the waits of a batch to write to. */
static bool vtd_qi_has_status(struct vtd_qi *qi)
{
	struct vtd_qi_batch *batch;

	if (!bitmap_full(qi->taken, VTD_QI_WAITERS))
		return true;
	list_for_each_entry(batch, &qi->waiting, node)
		if (batch->lost || vtd_qi_is_complete(qi, batch))
			vtd_qi_put_status(qi, batch);
	return !bitmap_full(qi->taken, VTD_QI_WAITERS);
}

/* @batch, the last one, has it now. */
static void vtd_qi_get_status(struct vtd_qi *qi, struct vtd_qi_batch *batch)
{
	batch->status = find_first_zero_bit(qi->taken, VTD_QI_WAITERS);
	batch->has_status = true;
	__set_bit(batch->status, qi->taken);
	/* As new as can be without being ours: whoever had it before is complete. */
	WRITE_ONCE(qi->status[batch->status].all, batch->seq - 1);
	WRITE_ONCE(qi->status[batch->status].fence, batch->seq - 1);
}

/* Reading a register is slow: the hardware is asked only when room seems short. */
static bool vtd_qi_has_room(struct vtd_unit *unit, unsigned int slots)
{
	struct vtd_qi *qi = &unit->qi;

	if ((qi->tail + VTD_QI_SLOTS - qi->head) % VTD_QI_SLOTS + slots < VTD_QI_SLOTS)
		return true;
	qi->head = vtd_qi_head(unit);
	return (qi->tail + VTD_QI_SLOTS - qi->head) % VTD_QI_SLOTS + slots < VTD_QI_SLOTS;
}

/* Is @desc to be sent? *@silent: not, for its device does not answer. */
static bool vtd_qi_is_for_hardware(struct vtd_unit *unit, const struct vtd_desc *desc,
				   bool *silent)
{
	struct vtd_ats *ats;

	if (!vtd_desc_is_dev_tlb(desc))
		return true;
	lockdep_assert_held(&unit->ats_rwsem);
	ats = vtd_ats_of(unit, desc);
	if (!ats)
		return false;
	if (!READ_ONCE(ats->silent))
		return true;
	/* What it may use nothing of it need not drop. */
	*silent |= READ_ONCE(ats->dte);
	return false;
}

/*
 * 6.5.2.12: hardware has a device-TLB invalidation wait for IOTLB invalidations that
 * are ahead of it; but one for requests without a PASID not for those by PASID, and
 * answers to page requests (@answers: one was before) for none.
 */
static bool vtd_qi_needs_fence(const struct vtd_desc *desc, bool *by_pasid, bool *answers)
{
	bool answer = vtd_desc_is_page_response(desc);
	bool needs = (answer && !*answers) ||
		     (*by_pasid && vtd_desc_type(desc) == VTD_DESC_DEV_TLB);

	*by_pasid = (*by_pasid && !needs) || vtd_desc_type(desc) == VTD_DESC_PASID_IOTLB;
	*answers = answer;
	return needs;
}

static void vtd_qi_put(struct vtd_qi *qi, const struct vtd_desc *desc)
{
	qi->slot_seq[qi->tail] = 0;
	qi->ring[qi->tail] = *desc;
	qi->tail = (qi->tail + 1) % VTD_QI_SLOTS;
}

/* Before answers it says when it is done. */
static void vtd_qi_put_fence(struct vtd_unit *unit, struct vtd_qi_batch *batch, bool answers)
{
	struct vtd_desc fence = vtd_qi_fence(unit);
	struct vtd_qi *qi = &unit->qi;

	if (answers) {
		batch->fence = true;
		fence = vtd_make_fence(virt_to_phys(&qi->status[batch->status].fence),
				       batch->seq);
	}
	vtd_qi_put(qi, &fence);
}

/* What of @descs is for the hardware: how many slots, and with @put into the ring. */
static unsigned int vtd_qi_put_all(struct vtd_unit *unit, const struct vtd_desc *descs,
				   unsigned int count, bool put, struct vtd_qi_batch *batch)
{
	bool by_pasid = false, answers = false;
	struct vtd_qi *qi = &unit->qi;
	unsigned int num = 0;

	for (; count; count--, descs++) {
		if (!vtd_qi_is_for_hardware(unit, descs, &batch->left_out))
			continue;
		if (vtd_qi_needs_fence(descs, &by_pasid, &answers)) {
			num++;
			if (put)
				vtd_qi_put_fence(unit, batch, answers);
		}
		num++;
		if (put)
			vtd_qi_put(qi, descs);
	}
	return num;
}

/*
 * Write a batch and its wait, which drains page requests if @drain, and the tail. -EAGAIN
 * while there is no room; 0: @batch is waiting; -ENODATA: nothing of it is for the
 * hardware.
 */
static int vtd_qi_write(struct vtd_unit *unit, const struct vtd_desc *descs,
			unsigned int count, bool drain, struct vtd_qi_batch *batch)
{
	struct vtd_qi *qi = &unit->qi;
	unsigned int slots, slot;
	struct vtd_desc wait;
	u64 status;
	int rc = 0;

	spin_lock(&qi->lock);
	*batch = (struct vtd_qi_batch){ };
	slots = vtd_qi_put_all(unit, descs, count, false, batch);
	if (!slots)
		rc = -ENODATA;
	else if (qi->dead)
		rc = -EIO;
	else if (!vtd_qi_has_room(unit, slots + 1) || !vtd_qi_has_status(qi))
		rc = -EAGAIN;
	if (rc) {
		spin_unlock(&qi->lock);
		return rc;
	}

	/* 0 marks a slot without a wait. */
	if (!++qi->seq)
		qi->seq++;
	batch->seq = qi->seq;
	vtd_qi_get_status(qi, batch);
	vtd_qi_put_all(unit, descs, count, true, batch);
	list_add(&batch->node, &qi->waiting);
	status = virt_to_phys(&qi->status[batch->status].all);
	wait = drain ? vtd_make_drain(status, qi->seq) : vtd_make_wait(status, qi->seq);
	slot = qi->tail;
	vtd_qi_put(qi, &wait);
	qi->slot_seq[slot] = qi->seq;
	qi->batches++;
	qi->descs += slots;

	/* The descriptors are in memory before the hardware is told. */
	dma_wmb();
	vtd_write64(unit, VTD_IQT_REG, (u64)qi->tail << VTD_IQ_SHIFT);
	spin_unlock(&qi->lock);
	return 0;
}

/* Until the hardware is done with @batch, or somebody knows that it will not be. */
static void vtd_qi_poll(struct vtd_unit *unit, struct vtd_qi_batch *batch)
{
	unsigned long deadline = jiffies + VTD_QI_TIMEOUT;
	unsigned int i;
	bool last;

	for (;;) {
		last = time_after(jiffies, deadline);
		for (i = 0; i < VTD_QI_SPINS; i++) {
			if (vtd_qi_is_complete(&unit->qi, batch))
				return;
			cpu_relax();
		}
		if (READ_ONCE(batch->lost))
			return;
		if (last)
			vtd_qi_restart(unit, batch);
		else if (vtd_read32(unit, VTD_FSTS_REG) & VTD_FSTS_QI_ERRORS)
			vtd_qi_repair(unit);
		else
			usleep_range(10, 50);
	}
}

/*
 * 0: complete; -EIO: refused; -EAGAIN: lost, to be submitted again; -ETIMEDOUT: the
 * same, for a device did not answer.
 */
static int vtd_qi_wait(struct vtd_unit *unit, struct vtd_qi_batch *batch)
{
	vtd_qi_poll(unit, batch);
	/* What the hardware did is seen by all that follows. */
	dma_rmb();
	spin_lock(&unit->qi.lock);
	list_del(&batch->node);
	vtd_qi_put_status(&unit->qi, batch);
	spin_unlock(&unit->qi.lock);
	if (batch->lost && !batch->answered)
		return batch->lost;
	return batch->refused ? -EIO : 0;
}

static bool vtd_has_dev_tlb(const struct vtd_desc *descs, unsigned int count)
{
	for (; count; count--, descs++)
		if (vtd_desc_is_dev_tlb(descs))
			return true;
	return false;
}

/*
 * @sid did not answer: if @descs ask it, it is not asked again. @all: nobody is who the
 * hardware says it was: all that they ask.
 */
static void vtd_qi_silence(struct vtd_unit *unit, const struct vtd_desc *descs,
			   unsigned int count, u16 sid, bool all)
{
	struct vtd_ats *ats;

	for (; count; count--, descs++) {
		if (!vtd_desc_is_dev_tlb(descs))
			continue;
		ats = vtd_ats_of(unit, descs);
		if (ats && (all || vtd_desc_dev_tlb_sid(descs) == sid))
			vtd_ats_silence(unit, ats);
	}
}

static int vtd_qi_submit_one(struct vtd_unit *unit, const struct vtd_desc *descs,
			     unsigned int count, bool drain)
{
	unsigned long deadline = jiffies + 2 * VTD_QI_TIMEOUT;
	unsigned int attempt = 0, ites = 0;
	struct vtd_qi_batch batch;
	int rc;

	for (;;) {
		rc = vtd_qi_write(unit, descs, count, drain, &batch);
		if (rc == -EAGAIN) {
			/* Full, and maybe stopped by somebody else's error. */
			if (time_after(jiffies, deadline))
				return -EIO;
			vtd_qi_repair(unit);
			usleep_range(10, 50);
			continue;
		}
		if (rc && rc != -ENODATA)
			return rc;
		if (!rc)
			rc = vtd_qi_wait(unit, &batch);
		if (!rc || rc == -ENODATA)
			return batch.left_out ? -ETIMEDOUT : 0;
		if (rc == -ETIMEDOUT) {
			/* Not every unit says who it was (11.4.9.9). */
			vtd_qi_silence(unit, descs, count, batch.silent,
				       ++ites == VTD_QI_ATTEMPTS &&
				       !xa_load(&unit->ats, batch.silent));
			if (ites == VTD_QI_ITES)
				return -EIO;
		} else if (rc != -EAGAIN || ++attempt == VTD_QI_ATTEMPTS) {
			return -EIO;
		}
	}
}

static int vtd_qi_submit_all(struct vtd_unit *unit, const struct vtd_desc *descs,
			     unsigned int count, bool drain)
{
	unsigned int chunk;
	int rc = 0, one;

	while (count && (!rc || rc == -ETIMEDOUT)) {
		chunk = min_t(unsigned int, count, VTD_QI_SLOTS / 2);
		one = vtd_qi_submit_one(unit, descs, chunk, drain);
		rc = one ?: rc;
		descs += chunk;
		count -= chunk;
	}
	return rc;
}

static int vtd_qi_submit_locked(struct vtd_unit *unit, const struct vtd_desc *descs,
				unsigned int count, bool drain)
{
	bool dev_tlb = vtd_has_dev_tlb(descs, count);
	int rc;

	if (dev_tlb)
		down_read(&unit->ats_rwsem);
	rc = vtd_qi_submit_all(unit, descs, count, drain);
	if (dev_tlb)
		up_read(&unit->ats_rwsem);
	return rc;
}

/**
 * vtd_qi_submit - have the hardware invalidate, and wait until it has
 * @unit: the unit
 * @descs: invalidation descriptors, none of them a wait; of device-TLBs after what
 *	could fill them again; answers to page requests last
 * @count: how many; 0 is fine
 *
 * Context: may sleep; any number of callers at once.
 * Return: 0 when all is invalidated, and drained where the descriptors ask for
 * it; -ETIMEDOUT when that is so but for devices that do not answer, which
 * vtd_ats_cut_off() is for; -EIO when the hardware refused a descriptor or stopped
 * answering.
 */
int vtd_qi_submit(struct vtd_unit *unit, const struct vtd_desc *descs,
		  unsigned int count)
{
	return vtd_qi_submit_locked(unit, descs, count, false);
}

/**
 * vtd_qi_drain - the same; and the page requests that have been received by then, those
 * of a device whose device-TLB is invalidated among them, are in the queue (7.7)
 * @unit: the unit, with ECAP.PDS
 * @descs: at most half a queue
 * @count: how many
 *
 * Return: as vtd_qi_submit().
 */
int vtd_qi_drain(struct vtd_unit *unit, const struct vtd_desc *descs, unsigned int count)
{
	return vtd_qi_submit_locked(unit, descs, count, true);
}

/* What comes behind it, in the same submission, waits for all that is before it. */
struct vtd_desc vtd_qi_fence(struct vtd_unit *unit)
{
	/* One that writes nothing is not taken by all. */
	return vtd_make_fence(virt_to_phys(&unit->qi.status[VTD_QI_WAITERS]), 0);
}

/* An empty batch, with room for @room descriptors at @descs. */
void vtd_batch_init(struct vtd_batch *batch, struct vtd_unit *unit, struct vtd_desc *descs,
		    unsigned int room)
{
	*batch = (struct vtd_batch){ .unit = unit, .descs = descs, .room = room };
}

/**
 * vtd_batch_init_for - the same where it is known how many there will be
 * @batch: the batch; ends with vtd_batch_finish()
 * @unit: where
 * @descs: room for a few
 * @room: how many
 * @num: how many there will be: what is more than @room goes through memory of the
 *	unit's, one batch at a time, so that it is one submission and none is allocated
 */
void vtd_batch_init_for(struct vtd_batch *batch, struct vtd_unit *unit,
			struct vtd_desc *descs, unsigned int room, unsigned int num)
{
	if (num <= room) {
		vtd_batch_init(batch, unit, descs, room);
		return;
	}
	mutex_lock(&unit->descs_lock);
	vtd_batch_init(batch, unit, unit->descs, VTD_QI_SLOTS / 2);
}

/* As vtd_batch_submit(), and @batch is no more. */
int vtd_batch_finish(struct vtd_batch *batch)
{
	int rc = vtd_batch_submit(batch);

	if (batch->descs == batch->unit->descs)
		mutex_unlock(&batch->unit->descs_lock);
	return rc;
}

/*
 * What has been added takes effect, if nothing but a device failed before; and answers to
 * page requests, which are behind it, in any case.
 */
int vtd_batch_submit(struct vtd_batch *batch)
{
	unsigned int first = 0;
	int rc;

	if (batch->error && batch->error != -ETIMEDOUT)
		while (first < batch->num && !vtd_desc_is_page_response(&batch->descs[first]))
			first++;
	if (batch->num > first) {
		rc = vtd_qi_submit(batch->unit, batch->descs + first, batch->num - first);
		batch->error = rc ?: batch->error;
	}
	batch->num = 0;
	return batch->error;
}

/*
 * In the order in which they are added. Twice the same in a row is once: nothing is
 * looked at before they are submitted. A full batch goes by itself, and one with answers
 * to page requests before anything else is added.
 */
void vtd_batch_add(struct vtd_batch *batch, struct vtd_desc desc)
{
	const struct vtd_desc *last = batch->num ? &batch->descs[batch->num - 1] : NULL;

	if (last && !memcmp(last, &desc, sizeof(desc)))
		return;
	if (batch->num == batch->room ||
	    (last && vtd_desc_is_page_response(last) && !vtd_desc_is_page_response(&desc)))
		vtd_batch_submit(batch);
	batch->descs[batch->num++] = desc;
}
