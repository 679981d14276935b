// SPDX-License-Identifier: GPL-2.0-only
/*
 * The page request interface of a function and its VFs (PCI Express 10.4, 10.5.2).
 *
 * A group is what the device has asked for under one index, until it is answered.
 * Its memory is given back where it is allowed to sleep; an answer, or a reset,
 * comes in any context.
 */
#include <linux/delay.h>
#include <linux/export.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>

#include "pci.h"

/**
 * struct group - a page request group without an answer
 * @node: in pri->groups, then in pri->answered unless somebody waits
 * @fn: who asks, the function or one of its VFs; only compared
 * @index: page request group index
 * @pasid: of its requests
 * @pages: how many
 * @last: the last one was sent
 * @waiting: whoever sent it waits for @done and frees it
 * @ended: @status is the answer
 * @status: with @ended
 * @done: the answer is there
 */
struct group {
	struct list_head node;
	struct sim_function *fn;
	u16 index;
	u32 pasid;
	u32 pages;
	bool last;
	bool waiting;
	bool ended;
	enum sim_status status;
	struct completion done;
};

void sim_pri_init(struct sim_function *fn)
{
	INIT_LIST_HEAD(&fn->pri.groups);
	INIT_LIST_HEAD(&fn->pri.answered);
}

static void set_status(struct sim_function *fn, u16 set, u16 clear)
{
	u8 *at = &fn->config.value[fn->pri_cap + PCI_PRI_STATUS];
	u16 status = (at[0] | at[1] << 8 | set) & ~clear;

	WRITE_ONCE(at[0], status);
	WRITE_ONCE(at[1], status >> 8);
}

static bool is_enabled(struct sim_function *fn)
{
	return sim_config_get(fn, fn->pri_cap + PCI_PRI_CTRL, 2) & PCI_PRI_CTRL_ENABLE;
}

/* 10.5.2.4 Stopped: off, and nothing is outstanding. */
static void update_stopped(struct sim_function *fn)
{
	if (!is_enabled(fn) && !fn->pri.outstanding && !(fn->caps & SIM_CAP_PRI_STUCK))
		set_status(fn, PCI_PRI_STATUS_STOPPED, 0);
}

/* Under the physical function's lock, as all that takes a group. */
static void end_group(struct sim_function *fn, struct group *group, enum sim_status status)
{
	fn->pri.outstanding -= group->pages;
	group->status = status;
	group->ended = true;
	if (group->waiting) {
		list_del_init(&group->node);
		complete(&group->done);
	} else {
		list_move(&group->node, &fn->pri.answered);
	}
	update_stopped(fn);
}

static void end_all(struct sim_function *fn)
{
	struct group *group, *next;

	list_for_each_entry_safe(group, next, &fn->pri.groups, node)
		end_group(fn, group, SIM_NO_MASTER);
}

void sim_pri_reset(struct sim_function *fn)
{
	end_all(fn);
	fn->pri.failed = false;
}

/* The control register was @old and is @new. Reset is a bit that reads 0. */
void sim_pri_control(struct sim_function *fn, u16 old, u16 new)
{
	u8 *at = &fn->config.value[fn->pri_cap + PCI_PRI_CTRL];

	WRITE_ONCE(*at, *at & ~PCI_PRI_CTRL_RESET);
	if (new & PCI_PRI_CTRL_ENABLE && !(old & PCI_PRI_CTRL_ENABLE)) {
		/* 10.5.2.3: what it does then is indeterminate. */
		if (fn->pri.outstanding)
			sim_count(fn, SIM_COUNT_BAD_PRI_NOT_STOPPED);
		fn->pri.failed = false;
		set_status(fn, 0, PCI_PRI_STATUS_STOPPED | PCI_PRI_STATUS_RF |
				  PCI_PRI_STATUS_UPRGI);
	}
	if (new & PCI_PRI_CTRL_ENABLE)
		return;
	/* It leaves the flags in Status alone. */
	if (new & PCI_PRI_CTRL_RESET)
		sim_pri_reset(fn);
	update_stopped(fn);
}

void sim_pri_forget(struct sim_function *vf)
{
	struct sim_function *fn = sim_physical(vf);
	struct group *group, *next;
	unsigned long flags;

	raw_spin_lock_irqsave(&fn->lock, flags);
	list_for_each_entry_safe(group, next, &fn->pri.groups, node)
		if (group->fn == vf)
			end_group(fn, group, SIM_NO_MASTER);
	raw_spin_unlock_irqrestore(&fn->lock, flags);
}

static void free_answered(struct sim_function *fn)
{
	struct group *group, *next;
	unsigned long flags;
	LIST_HEAD(answered);

	raw_spin_lock_irqsave(&fn->lock, flags);
	list_splice_init(&fn->pri.answered, &answered);
	raw_spin_unlock_irqrestore(&fn->lock, flags);
	list_for_each_entry_safe(group, next, &answered, node)
		kfree(group);
}

/* Nobody else has @fn any more. */
void sim_pri_free(struct sim_function *fn)
{
	end_all(fn);
	free_answered(fn);
}

/* --- asking -------------------------------------------------------------------- */

static struct group *find_group(struct sim_function *fn, struct sim_function *who, u16 index)
{
	struct group *group;

	list_for_each_entry(group, &fn->pri.groups, node)
		if (group->fn == who && group->index == index)
			return group;
	return NULL;
}

static int free_index(struct sim_function *fn, struct sim_function *who)
{
	int index;

	for (index = 0; index < SIM_PRI_GROUPS; index++)
		if (!find_group(fn, who, index))
			return index;
	return -1;
}

/* 10.5.2.5, 10.5.2.6: how many may be outstanding */
static u32 credits(struct sim_function *fn)
{
	return min(sim_config_get(fn, fn->pri_cap + PCI_PRI_MAX_REQ, 4),
		   sim_config_get(fn, fn->pri_cap + PCI_PRI_ALLOC_REQ, 4));
}

enum taken {
	TAKEN,
	NO_CREDIT,
	NOT_ALLOWED,
};

/* It is sent all the same. An answer to it is one to the group that has its index. */
static enum taken take_surplus(struct sim_function *fn, struct group **waiting)
{
	sim_count(fn, SIM_COUNT_PAGE_REQUESTS);
	*waiting = NULL;
	return TAKEN;
}

/*
 * Put one more request into a group: *@index, or with -1 one of its own. @fresh
 * becomes the group if there is none yet. *@waiting: what to wait for, if anything.
 */
static enum taken take(struct sim_function *who, const struct sim_request *req, int *index,
		       bool last, bool wait, struct group **fresh, struct group **waiting)
{
	struct sim_function *fn = sim_physical(who);
	int number = *index < 0 ? free_index(fn, who) : *index;
	bool unruly = req->flags & SIM_PR_UNRULY;
	struct group *group;

	/* Looked at under the lock: what is gone was reset after that. */
	if (!sim_present(who) || !is_enabled(fn) || fn->pri.failed)
		return NOT_ALLOWED;
	if (fn->pri.outstanding >= credits(fn) && !unruly)
		return NO_CREDIT;
	if (number < 0)
		return NO_CREDIT;
	group = find_group(fn, who, number);
	/* 10.4.1: after its last request an index rests until it is answered. */
	if (group && (group->last || group->pasid != req->pasid))
		return unruly ? take_surplus(fn, waiting) : NOT_ALLOWED;
	if (!group) {
		group = *fresh;
		*fresh = NULL;
		group->fn = who;
		group->index = number;
		group->pasid = req->pasid;
		list_add_tail(&group->node, &fn->pri.groups);
	}
	group->pages++;
	group->last = last;
	group->waiting = last && wait;
	fn->pri.outstanding++;
	sim_count(fn, SIM_COUNT_PAGE_REQUESTS);
	*index = group->index;
	*waiting = group->waiting ? group : NULL;
	return TAKEN;
}

static struct group *group_alloc(void)
{
	struct group *group = kzalloc(sizeof(*group), GFP_KERNEL);

	if (group)
		init_completion(&group->done);
	return group;
}

/* Take, and when there is no credit wait for one until @deadline. */
static enum sim_status take_until(struct sim_function *who, const struct sim_request *req,
				  int *index, bool last, u64 deadline,
				  struct group **waiting)
{
	struct sim_function *fn = sim_physical(who);
	struct group *fresh = group_alloc();
	bool wait = deadline > ktime_get_ns();
	unsigned long flags;
	enum taken taken;

	if (!fresh)
		return SIM_TIMEOUT;
	for (;;) {
		raw_spin_lock_irqsave(&fn->lock, flags);
		taken = take(who, req, index, last, wait, &fresh, waiting);
		raw_spin_unlock_irqrestore(&fn->lock, flags);
		if (taken != NO_CREDIT || *index >= 0 || ktime_get_ns() >= deadline ||
		    fatal_signal_pending(current))
			break;
		usleep_range(100, 1000);
	}
	kfree(fresh);
	return taken == TAKEN ? SIM_OK : SIM_NO_MASTER;
}

/* The unit has said something else than that it will ask software. */
static void end_unasked(struct sim_function *who, u16 index, enum sim_status status)
{
	struct sim_function *fn = sim_physical(who);
	struct group *group;
	unsigned long flags;

	raw_spin_lock_irqsave(&fn->lock, flags);
	group = find_group(fn, who, index);
	if (group)
		end_group(fn, group, status);
	raw_spin_unlock_irqrestore(&fn->lock, flags);
}

/* Wait for the answer to @group, which is the caller's to free then. */
static enum sim_status wait_for_answer(struct sim_function *fn, struct group *group,
				       u64 deadline)
{
	enum sim_status status = SIM_TIMEOUT;
	u64 now = ktime_get_ns();
	unsigned long flags;

	if (now < deadline)
		wait_for_completion_killable_timeout(&group->done,
						     nsecs_to_jiffies(deadline - now) + 1);
	raw_spin_lock_irqsave(&fn->lock, flags);
	if (group->ended) {
		status = group->status;
	} else {
		/* It stays outstanding, and belongs to whoever ends it. */
		group->waiting = false;
		group = NULL;
	}
	raw_spin_unlock_irqrestore(&fn->lock, flags);
	kfree(group);
	return status;
}

/*
 * Send a page request of @group, with -1 of a group of its own (which then waits
 * for credit), and after the last one wait for the answer until @deadline. A
 * deadline that is over: do not wait.
 */
enum sim_status sim_pri_ask(struct sim_function *who, const struct sim_request *req,
			    int index, bool last, u64 deadline)
{
	struct sim_function *fn = sim_physical(who);
	struct group *waiting;
	enum sim_status status;

	if (!fn->pri_cap)
		return SIM_NO_MASTER;
	free_answered(fn);
	status = sim_may_message(who, req);
	if (status == SIM_OK)
		status = take_until(who, req, &index, last, deadline, &waiting);
	if (status != SIM_OK)
		return status;
	status = sim_upstream_page_request(req, index, last);
	if (status != SIM_OK)
		end_unasked(who, index, status);
	if (waiting)
		return wait_for_answer(fn, waiting, deadline);
	return status;
}

/* --- answers --------------------------------------------------------------------- */

/* 10.4.2.2: with the PASID of the group when the function wants that, else without */
static bool is_pasid_right(struct sim_function *who, const struct group *group, u32 pasid)
{
	return pasid == (who->caps & SIM_CAP_PRG_PASID ? group->pasid : SIM_NO_PASID);
}

static void answer(struct sim_function *who, u32 pasid, u16 index, enum sim_status code)
{
	struct sim_function *fn = sim_physical(who);
	struct group *group = find_group(fn, who, index);

	sim_count(fn, SIM_COUNT_PAGE_RESPONSES);
	/* 10.5.2.4 Response Failure: any that is received is ignored. */
	if (fn->pri.failed)
		return;
	if (group && !is_pasid_right(who, group, pasid)) {
		sim_count(fn, SIM_COUNT_BAD_PAGE_RESPONSE_PASID);
		group = NULL;
	} else if (!group || !group->last) {
		sim_count(fn, SIM_COUNT_BAD_PAGE_RESPONSE);
		group = NULL;
	}
	if (!group) {
		set_status(fn, PCI_PRI_STATUS_UPRGI, 0);
		return;
	}
	end_group(fn, group, code);
	/* 10.4.2.1: nothing is expected, or asked for, until software switches it on anew. */
	if (code == SIM_FAILURE) {
		fn->pri.failed = true;
		set_status(fn, PCI_PRI_STATUS_RF, 0);
		end_all(fn);
	}
}

/**
 * sim_page_response - a page group response arrives at a function
 * @segment: its segment
 * @rid: its bus, device and function number
 * @pasid: PASID, or SIM_NO_PASID
 * @group: page request group index
 * @code: SIM_OK, SIM_DENIED or SIM_FAILURE
 */
void sim_page_response(u16 segment, u16 rid, u32 pasid, u16 group, enum sim_status code)
{
	struct sim_segment *seg = sim_segment(segment);
	struct sim_function *who, *fn;
	unsigned long flags;

	if (!seg)
		return;
	rcu_read_lock();
	who = sim_function_find(seg, rid);
	if (who && sim_present(who) && sim_physical(who)->pri_cap) {
		fn = sim_physical(who);
		raw_spin_lock_irqsave(&fn->lock, flags);
		answer(who, pasid, group, code);
		raw_spin_unlock_irqrestore(&fn->lock, flags);
	}
	rcu_read_unlock();
}
EXPORT_SYMBOL_GPL(sim_page_response);
