// SPDX-License-Identifier: GPL-2.0-only
/*
 * The address translation cache of a function (PCI Express 10.2, 10.3). It holds
 * every translation until an invalidation, a reset or the end of ATS takes it.
 */
#include <linux/export.h>
#include <linux/log2.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>

#include "pci.h"

struct atc_entry {
	struct list_head node;
	struct sim_translation is;
};

void sim_atc_init(struct sim_function *fn)
{
	INIT_LIST_HEAD(&fn->atc.entries);
	INIT_LIST_HEAD(&fn->atc.unused);
}

/* Memory is not given back here: an invalidation comes in any context. */
void sim_atc_flush(struct sim_function *fn)
{
	list_splice_init(&fn->atc.entries, &fn->atc.unused);
	fn->atc.sequence++;
}

/* Nobody else has @fn any more. */
void sim_atc_free(struct sim_function *fn)
{
	struct atc_entry *entry, *next;

	sim_atc_flush(fn);
	list_for_each_entry_safe(entry, next, &fn->atc.unused, node)
		kfree(entry);
}

/* 10.2.3.5: an entry serves requests of its PASID, a global one those of any. */
static bool serves(const struct sim_translation *is, const struct sim_request *req)
{
	if (req->addr < is->addr || req->addr - is->addr >= is->length ||
	    is->priv != !!(req->flags & SIM_DMA_PRIV))
		return false;
	if (is->pasid == req->pasid)
		return true;
	return is->perms & SIM_ATS_GLOBAL && is->pasid != SIM_NO_PASID &&
	       req->pasid != SIM_NO_PASID;
}

static u32 perms_for(const struct sim_request *req)
{
	u32 perms = req->flags & SIM_DMA_WRITE ? SIM_ATS_WRITE : SIM_ATS_READ;

	return req->flags & SIM_DMA_EXEC ? perms | SIM_ATS_EXEC : perms;
}

/* Is it enough for what @req wants to do? */
bool sim_translation_allows(const struct sim_translation *is, const struct sim_request *req)
{
	u32 perms = perms_for(req);

	return (is->perms & perms) == perms;
}

/*
 * Is there an entry for @req? *@sequence: of the cache at that moment, for whoever
 * wants to know later whether it may still be used.
 */
bool sim_atc_lookup(struct sim_function *fn, const struct sim_request *req,
		    struct sim_translation *out, u32 *sequence)
{
	struct atc_entry *entry;
	unsigned long flags;
	bool found = false;

	raw_spin_lock_irqsave(&fn->lock, flags);
	*sequence = fn->atc.sequence;
	list_for_each_entry(entry, &fn->atc.entries, node) {
		if (!serves(&entry->is, req) || !sim_translation_allows(&entry->is, req))
			continue;
		*out = entry->is;
		found = true;
		sim_count(fn, SIM_COUNT_ATC_HITS);
		break;
	}
	raw_spin_unlock_irqrestore(&fn->lock, flags);
	return found;
}

static struct atc_entry *same_entry(struct sim_function *fn, const struct sim_translation *is)
{
	struct atc_entry *entry;

	list_for_each_entry(entry, &fn->atc.entries, node)
		if (entry->is.pasid == is->pasid && entry->is.addr == is->addr &&
		    entry->is.length == is->length && entry->is.priv == is->priv)
			return entry;
	return NULL;
}

static struct atc_entry *entry_alloc(struct sim_function *fn)
{
	struct atc_entry *entry;
	unsigned long flags;

	raw_spin_lock_irqsave(&fn->lock, flags);
	entry = list_first_entry_or_null(&fn->atc.unused, struct atc_entry, node);
	if (entry)
		list_del(&entry->node);
	raw_spin_unlock_irqrestore(&fn->lock, flags);
	return entry ?: kmalloc(sizeof(*entry), GFP_KERNEL);
}

/* False when an invalidation came after @sequence: the completion is discarded. */
static bool insert(struct sim_function *fn, const struct sim_translation *is,
		   struct atc_entry *fresh, u32 sequence)
{
	struct atc_entry *entry;
	unsigned long flags;
	bool valid;

	raw_spin_lock_irqsave(&fn->lock, flags);
	valid = fn->atc.sequence == sequence;
	entry = valid ? same_entry(fn, is) : NULL;
	/* 10.2.3: no access is no translation, and is not kept. */
	if (entry) {
		entry->is = *is;
	} else if (valid && is->perms & (SIM_ATS_READ | SIM_ATS_WRITE)) {
		fresh->is = *is;
		list_add_tail(&fresh->node, &fn->atc.entries);
		fresh = NULL;
	}
	if (fresh)
		list_add(&fresh->node, &fn->atc.unused);
	raw_spin_unlock_irqrestore(&fn->lock, flags);
	return valid;
}

static u32 begin_translation(struct sim_function *fn)
{
	unsigned long flags;
	u32 sequence;

	raw_spin_lock_irqsave(&fn->lock, flags);
	sequence = fn->atc.sequence;
	fn->reads++;
	sim_count(fn, SIM_COUNT_TRANSLATIONS);
	raw_spin_unlock_irqrestore(&fn->lock, flags);
	return sequence;
}

static void end_translation(struct sim_function *fn)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&fn->lock, flags);
	fn->reads--;
	raw_spin_unlock_irqrestore(&fn->lock, flags);
}

/* The range that @reply to @req is for; false when there can be no such range. */
static bool understand(const struct sim_request *req, const struct sim_reply *reply,
		       struct sim_translation *out)
{
	u64 length = reply->length;

	if (!(reply->perms & (SIM_ATS_READ | SIM_ATS_WRITE)) && !length)
		length = SZ_4K;
	if (length < SZ_4K || !is_power_of_2(length))
		return false;
	out->pasid = req->pasid;
	out->priv = req->flags & SIM_DMA_PRIV;
	out->addr = req->addr & ~(length - 1);
	out->phys = reply->phys & ~(length - 1);
	out->length = length;
	out->perms = reply->perms;
	return true;
}

/* One attempt; *@again: to be made anew. */
static enum sim_status translate_once(struct sim_function *fn, const struct sim_request *req,
				      struct sim_translation *out, u32 *sequence, u64 deadline,
				      bool *again)
{
	struct atc_entry *fresh = entry_alloc(fn);
	enum sim_status status;
	struct sim_reply reply;

	if (!fresh)
		return SIM_TIMEOUT;
	*sequence = begin_translation(fn);
	status = sim_upstream(req, NULL, 0, &reply, deadline, again);
	end_translation(fn);
	if (status == SIM_OK && !*again && !understand(req, &reply, out))
		status = SIM_CA;
	if (status == SIM_OK && !*again)
		*again = !insert(fn, out, fresh, *sequence);
	else
		kfree(fresh);
	return status;
}

/*
 * One translation request for the page of @asked, whose answer is kept. An
 * invalidation that comes while it is under way makes the device ask again: what
 * the IOMMU said before must not be used after. *@sequence: as sim_atc_lookup().
 */
enum sim_status sim_translate(struct sim_function *fn, const struct sim_request *asked,
			      struct sim_translation *out, u32 *sequence, u64 deadline)
{
	struct sim_request req = *asked;
	enum sim_status status;
	bool again = true;

	req.at = SIM_AT_TRANSLATION;
	while (again) {
		status = sim_may(fn, &req);
		if (status == SIM_OK)
			status = translate_once(fn, &req, out, sequence, deadline, &again);
		if (status != SIM_OK)
			return status;
		if (again && fatal_signal_pending(current))
			return SIM_TIMEOUT;
	}
	return SIM_OK;
}

/* 10.3.8: whom an invalidation is for */
static bool is_hit(const struct sim_translation *is, u32 pasid, u64 addr, u64 length,
		   bool global)
{
	u64 first = addr & ~(length - 1);

	if (pasid == SIM_NO_PASID ? is->pasid != SIM_NO_PASID :
	    global ? is->pasid == SIM_NO_PASID :
		     is->pasid != pasid || is->perms & SIM_ATS_GLOBAL)
		return false;
	if (length == ~0ULL)
		return true;
	return first <= is->addr + (is->length - 1) && is->addr <= first + (length - 1);
}

/**
 * sim_atc_invalidate - an invalidation request arrives at a function
 * @segment: its segment
 * @rid: its bus, device and function number
 * @pasid: PASID, or SIM_NO_PASID
 * @addr: untranslated
 * @length: a power of two, or ~0: everything
 * @global: for all PASIDs
 *
 * Return: whether there is an answer
 */
bool sim_atc_invalidate(u16 segment, u16 rid, u32 pasid, u64 addr, u64 length, bool global)
{
	struct sim_segment *seg = sim_segment(segment);
	struct atc_entry *entry, *next;
	struct sim_function *fn;
	unsigned long flags;
	bool nothing = true;

	if (!seg)
		return false;
	rcu_read_lock();
	fn = sim_function_find(seg, rid);
	if (!fn || !sim_present(fn) || !fn->ats) {
		rcu_read_unlock();
		return false;
	}
	raw_spin_lock_irqsave(&fn->lock, flags);
	fn->atc.sequence++;
	sim_count(fn, SIM_COUNT_ATC_INVALIDATIONS);
	list_for_each_entry_safe(entry, next, &fn->atc.entries, node) {
		if (!is_hit(&entry->is, pasid, addr, length, global))
			continue;
		list_move(&entry->node, &fn->atc.unused);
		sim_count(fn, SIM_COUNT_ATC_DROPPED);
		nothing = false;
	}
	if (nothing)
		sim_count(fn, SIM_COUNT_ATC_FOR_NOTHING);
	if (!(sim_config_get(fn, fn->ats + PCI_ATS_CTRL, 2) & PCI_ATS_CTRL_ENABLE))
		sim_count(fn, SIM_COUNT_ATC_WHILE_OFF);
	raw_spin_unlock_irqrestore(&fn->lock, flags);
	rcu_read_unlock();
	return true;
}
EXPORT_SYMBOL_GPL(sim_atc_invalidate);
