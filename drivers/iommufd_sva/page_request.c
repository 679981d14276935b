// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page requests of a device, from the backend's interrupt thread to a fault queue,
 * and their answers back.
 *
 * A device that something with a fault queue is attached to has a table, with room for
 * as many requests and groups as it has credits: nothing is allocated when one arrives.
 * A group has a place in it from its first request until it is answered. What the
 * device asks for beyond that, or against the rules, is refused and counted.
 *
 * A route leads from requests without a PASID, or those with one PASID, to a fault
 * queue. The one for those without is that of every PASID if what is attached there is
 * a guest's whole PASID table. It is looked up when a group is whole. While what is
 * attached changes, whole groups are held: they go where it leads afterwards. What the
 * old one led to is answered Invalid Request then, as iommufd does, even when it leads
 * to the same fault queue: it was asked of what is not attached any more, and a VMM that
 * knows iommufd will not answer it.
 *
 * A device that is reset has forgotten what it asked for. Kernels that attach "blocked"
 * around a reset by VFIO tell of it that way; others do not. Then answers come to a device
 * that discards them (PCIe 10.4.2.2, Unexpected Page Request Group Index); until it uses an
 * index again that waits for an answer, which no device does that keeps the rules: what waits
 * is forgotten here too then, and the answer is to what it asks for now.
 */
#define pr_fmt(fmt) "iommufd_sva: " fmt

#include <linux/export.h>
#include <linux/hash.h>
#include <linux/log2.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "fault.h"
#include "page_request.h"
#include "trace.h"

/* No request. */
#define NONE	(~0U)

/**
 * struct slot - room for a request
 * @addr: the page
 * @perm: what for
 * @next: of its group, or free; or NONE
 */
struct slot {
	u64 addr;
	u32 perm;
	u32 next;
};

/**
 * struct iommufd_sva_page_requests - what a device has asked for
 * @master: the device
 * @rcu: to free it
 * @routes: how many lead from here, or are going to; under master->lock. While there is
 *	one, and while page requests are on, the table stays
 * @num: requests that there is room for, and as many groups
 * @idle: for @answering to be 0
 * @answering: groups that somebody has taken to answer, and that the hardware does not
 *	yet have the answer of. Grows under the fault queue's lock, or @lock; shrinks
 *	under @lock
 * @lock: protects everything below
 * @dev_id: the device's name in its user's context
 * @stopped: no route leads anywhere: around a reset
 * @held: groups that are whole wait in @held_groups
 * @rid: where the route of requests without a PASID leads, NULL: nowhere
 * @rid_all: it is that of all others, too
 * @pasids: struct iommufd_sva_fault_share by PASID; changes under master->lock
 * @held_groups: see @held
 * @free_groups: those of @groups that are free
 * @free_slot: the first of @slots that is free, linked by next
 * @hash_bits: of @hash
 * @hash: groups by what names them
 * @slots: requests
 * @groups: groups
 */
struct iommufd_sva_page_requests {
	struct iommufd_sva_master *master;
	struct rcu_head rcu;
	unsigned int routes;
	unsigned int num;
	wait_queue_head_t idle;
	atomic_t answering;
	spinlock_t lock;
	u32 dev_id;
	bool stopped;
	bool held;
	struct iommufd_sva_fault_share *rid;
	bool rid_all;
	struct xarray pasids;
	struct list_head held_groups;
	struct list_head free_groups;
	u32 free_slot;
	unsigned int hash_bits;
	struct hlist_head *hash;
	struct slot *slots;
	struct iommufd_sva_page_group *groups;
};

/* --- the table --------------------------------------------------------- */

static struct iommufd_sva_page_requests *requests_of(struct iommufd_sva_master *master)
{
	return rcu_dereference_protected(master->requests, lockdep_is_held(&master->lock));
}

static void requests_free(struct iommufd_sva_page_requests *requests)
{
	kvfree(requests->hash);
	kvfree(requests->slots);
	kvfree(requests->groups);
	kfree(requests);
}

static struct iommufd_sva_page_requests *requests_alloc(struct iommufd_sva_master *master)
{
	unsigned int num = master->pri.credits, i;
	struct iommufd_sva_page_requests *requests;

	requests = kzalloc(sizeof(*requests), IOMMUFD_SVA_GFP_USER);
	if (!requests)
		return NULL;
	requests->master = master;
	requests->dev_id = master->dev_id;
	requests->stopped = master->suspended || master->quarantined;
	requests->num = num;
	init_waitqueue_head(&requests->idle);
	spin_lock_init(&requests->lock);
	xa_init_flags(&requests->pasids, XA_FLAGS_ACCOUNT);
	INIT_LIST_HEAD(&requests->held_groups);
	INIT_LIST_HEAD(&requests->free_groups);
	requests->hash_bits = order_base_2(max(num, 2U));
	requests->hash = kvcalloc(BIT(requests->hash_bits), sizeof(*requests->hash),
				  IOMMUFD_SVA_GFP_USER);
	requests->slots = kvcalloc(num, sizeof(*requests->slots), IOMMUFD_SVA_GFP_USER);
	requests->groups = kvcalloc(num, sizeof(*requests->groups), IOMMUFD_SVA_GFP_USER);
	if (!requests->hash || !requests->slots || !requests->groups) {
		requests_free(requests);
		return NULL;
	}
	for (i = 0; i < num; i++) {
		requests->slots[i].next = i + 1 < num ? i + 1 : NONE;
		requests->groups[i].requests = requests;
		list_add_tail(&requests->groups[i].node, &requests->free_groups);
	}
	return requests;
}

/*
 * A device that does not want PASIDs in answers could not tell two groups of one index
 * apart, and has only one.
 */
static bool has_pasid_in_name(struct iommufd_sva_page_requests *requests)
{
	return requests->master->pri.response_pasid && !requests->master->pri.stall;
}

static struct hlist_head *bucket(struct iommufd_sva_page_requests *requests, u32 pasid,
				 u32 grpid)
{
	if (has_pasid_in_name(requests))
		grpid ^= hash_32(pasid, 32);
	return &requests->hash[hash_32(grpid, requests->hash_bits)];
}

static struct iommufd_sva_page_group *
find_group(struct iommufd_sva_page_requests *requests, u32 pasid, u32 grpid)
{
	struct iommufd_sva_page_group *group;

	lockdep_assert_held(&requests->lock);
	hlist_for_each_entry(group, bucket(requests, pasid, grpid), hash)
		if (group->grpid == grpid &&
		    (group->pasid == pasid || !has_pasid_in_name(requests)))
			return group;
	return NULL;
}

/* Give the requests of @group back. */
static void free_slots(struct iommufd_sva_page_group *group)
{
	struct iommufd_sva_page_requests *requests = group->requests;

	lockdep_assert_held(&requests->lock);
	if (!group->num)
		return;
	requests->slots[group->last].next = requests->free_slot;
	requests->free_slot = group->first;
	group->num = 0;
}

/* @group, which is in no list, is no more. */
static void free_group(struct iommufd_sva_page_group *group)
{
	free_slots(group);
	hlist_del(&group->hash);
	group->state = IOMMUFD_SVA_GROUP_FREE;
	list_add(&group->node, &group->requests->free_groups);
}

/* Where does the route of requests with @pasid lead, and by which name? */
static struct iommufd_sva_fault_share *find_route(struct iommufd_sva_page_requests *requests,
						  u32 pasid, u32 *via)
{
	struct iommufd_sva_fault_share *share = NULL;

	lockdep_assert_held(&requests->lock);
	if (requests->stopped)
		return NULL;
	*via = pasid;
	if (pasid != IOMMUFD_SVA_NO_PASID)
		share = xa_load(&requests->pasids, pasid);
	if (share || (pasid != IOMMUFD_SVA_NO_PASID && !requests->rid_all))
		return share;
	*via = IOMMUFD_SVA_NO_PASID;
	return requests->rid;
}

/* --- requests ---------------------------------------------------------- */

static struct iommufd_sva_page_group *
open_group(struct iommufd_sva_page_requests *requests,
	   const struct iommufd_sva_page_request *request)
{
	struct iommufd_sva_page_group *group;
	u32 via;

	group = list_first_entry_or_null(&requests->free_groups,
					 struct iommufd_sva_page_group, node);
	if (!group)
		return NULL;
	list_del_init(&group->node);
	/* One that begins before somebody is there to answer is nobody's. */
	group->state = find_route(requests, request->pasid, &via) ?
		       IOMMUFD_SVA_GROUP_OPEN : IOMMUFD_SVA_GROUP_ORPHAN;
	group->pasid = request->pasid;
	group->grpid = request->grpid;
	group->stall = request->stall;
	group->num = 0;
	hlist_add_head(&group->hash, bucket(requests, request->pasid, request->grpid));
	return group;
}

static void orphan(struct iommufd_sva_page_group *group)
{
	group->state = IOMMUFD_SVA_GROUP_ORPHAN;
	free_slots(group);
}

static bool take_slot(struct iommufd_sva_page_group *group,
		      const struct iommufd_sva_page_request *request)
{
	struct iommufd_sva_page_requests *requests = group->requests;
	u32 index = requests->free_slot;
	struct slot *slot;

	if (index == NONE)
		return false;
	slot = &requests->slots[index];
	requests->free_slot = slot->next;
	*slot = (struct slot){
		.addr = request->addr,
		.perm = request->perm,
		.next = NONE,
	};
	if (group->num++)
		requests->slots[group->last].next = index;
	else
		group->first = index;
	group->last = index;
	return true;
}

static bool is_unfinished(const struct iommufd_sva_page_group *group)
{
	enum iommufd_sva_page_group_state state = READ_ONCE(group->state);

	return state == IOMMUFD_SVA_GROUP_OPEN || state == IOMMUFD_SVA_GROUP_ORPHAN;
}

/* One more for @group, or it is refused as a whole. */
static void add_request(struct iommufd_sva_page_group *group,
			const struct iommufd_sva_page_request *request)
{
	struct iommufd_sva_page_requests *requests = group->requests;

	if (group->state == IOMMUFD_SVA_GROUP_ORPHAN)
		return;
	if (request->pasid != group->pasid) {
		requests->master->pri.counts.broken++;
		orphan(group);
	} else if (!take_slot(group, request)) {
		requests->master->pri.counts.no_room++;
		orphan(group);
	}
}

/* @group, which was held, is not any more, and whoever asks for this refuses it. */
static void unhold(struct iommufd_sva_page_group *group, enum iommufd_sva_answered how)
{
	struct iommufd_sva_page_requests *requests = group->requests;

	lockdep_assert_held(&requests->lock);
	list_del_init(&group->node);
	/* It had no name in a queue. */
	group->dev_id = requests->dev_id;
	group->cookie = 0;
	trace_response(requests->master, group, how);
}

/*
 * The last request of a group has come, and there is one by its index that is whole. The
 * device has forgotten that, or breaks a rule: the one answer that it takes is for what it
 * asks for now. Who has the other is too late from here on. False: somebody answers that
 * already.
 */
static bool forget_whole(struct iommufd_sva_page_group *group)
{
	if (READ_ONCE(group->state) == IOMMUFD_SVA_GROUP_HELD)
		unhold(group, IOMMUFD_SVA_ANSWERED_BROKEN);
	else if (iommufd_sva_fault_withdraw(group, false, IOMMUFD_SVA_ANSWERED_BROKEN))
		atomic_dec(&group->requests->answering);
	else
		return false;
	free_group(group);
	return true;
}

static bool deliver(struct iommufd_sva_page_group *group, struct iommufd_sva_fault_share *share)
{
	group->dev_id = group->requests->dev_id;
	return iommufd_sva_fault_deliver(share->fault, group);
}

/* @group is whole: false if nobody is there for it. */
static bool end_group(struct iommufd_sva_page_group *group)
{
	struct iommufd_sva_page_requests *requests = group->requests;
	struct iommufd_sva_fault_share *share = NULL;

	requests->master->pri.counts.groups++;
	if (group->state == IOMMUFD_SVA_GROUP_OPEN)
		share = find_route(requests, group->pasid, &group->via);
	if (share && requests->held) {
		group->state = IOMMUFD_SVA_GROUP_HELD;
		list_add_tail(&group->node, &requests->held_groups);
		return true;
	}
	if (share && deliver(group, share))
		return true;
	requests->master->pri.counts.refused++;
	free_group(group);
	return false;
}

static bool take_request(struct iommufd_sva_page_requests *requests,
			 const struct iommufd_sva_page_request *request)
{
	struct iommufd_sva_page_group *group;

	lockdep_assert_held(&requests->lock);
	requests->master->pri.counts.requests++;
	group = find_group(requests, request->pasid, request->grpid);
	if (group && !is_unfinished(group)) {
		requests->master->pri.counts.broken++;
		if (!request->last || !forget_whole(group))
			return false;
		group = NULL;
	}
	if (!group)
		group = open_group(requests, request);
	/* More at once than it has credits for. */
	if (!group) {
		requests->master->pri.counts.no_room++;
		return false;
	}
	add_request(group, request);
	if (request->last)
		return end_group(group);
	return group->state == IOMMUFD_SVA_GROUP_OPEN;
}

/**
 * iommufd_sva_report_page_request - a page request has arrived
 * @master: the device that makes it; the backend keeps it there meanwhile
 * @request: what it asks for
 *
 * In the order of the hardware's queue. Allocates nothing and does not sleep.
 *
 * Return: false when nobody is there who could answer it: if it is the last of its group
 * the backend refuses the group
 */
bool iommufd_sva_report_page_request(struct iommufd_sva_master *master,
				     const struct iommufd_sva_page_request *request)
{
	struct iommufd_sva_page_requests *requests;
	bool taken = false;

	rcu_read_lock();
	requests = rcu_dereference(master->requests);
	if (requests) {
		spin_lock(&requests->lock);
		taken = take_request(requests, request);
		spin_unlock(&requests->lock);
	}
	rcu_read_unlock();
	trace_fault(master, request, taken);
	return taken;
}
EXPORT_SYMBOL_GPL(iommufd_sva_report_page_request);

static unsigned int forget_unfinished(struct iommufd_sva_page_requests *requests)
{
	unsigned int i, num = 0;

	lockdep_assert_held(&requests->lock);
	for (i = 0; i < requests->num; i++) {
		if (!is_unfinished(&requests->groups[i]))
			continue;
		free_group(&requests->groups[i]);
		num++;
	}
	return num;
}

/**
 * iommufd_sva_page_requests_lost - page requests may have been lost
 * @master: the device whose requests they were
 *
 * If they ended groups the hardware has answered those. What has arrived of groups without
 * a last one is forgotten: it will have no answer, and its indices are used anew. In the
 * order of the hardware's queue. Allocates nothing and does not sleep.
 */
void iommufd_sva_page_requests_lost(struct iommufd_sva_master *master)
{
	struct iommufd_sva_page_requests *requests;

	rcu_read_lock();
	requests = rcu_dereference(master->requests);
	if (requests) {
		spin_lock(&requests->lock);
		master->pri.counts.overflows++;
		master->pri.counts.lost += forget_unfinished(requests);
		spin_unlock(&requests->lock);
	}
	rcu_read_unlock();
}
EXPORT_SYMBOL_GPL(iommufd_sva_page_requests_lost);

void iommufd_sva_page_requests_forget(struct iommufd_sva_master *master)
{
	struct iommufd_sva_page_requests *requests = requests_of(master);

	if (!requests)
		return;
	spin_lock(&requests->lock);
	master->pri.counts.lost += forget_unfinished(requests);
	spin_unlock(&requests->lock);
}

void iommufd_sva_page_group_compose(struct iommufd_sva_page_group *group, u32 *slot,
				    struct iommufd_sva_hwpt_pgfault *to, u32 num)
{
	bool has_pasid = group->pasid != IOMMUFD_SVA_NO_PASID;
	u32 flags = has_pasid ? IOMMUFD_SVA_PGFAULT_FLAGS_PASID_VALID : 0;
	u32 last = IOMMUFD_SVA_PGFAULT_FLAGS_LAST_PAGE;
	const struct slot *from;

	for (; num; num--, to++) {
		from = &group->requests->slots[*slot];
		*to = (struct iommufd_sva_hwpt_pgfault){
			.flags = flags | (*slot == group->last ? last : 0),
			.dev_id = group->dev_id,
			.pasid = has_pasid ? group->pasid : 0,
			.grpid = group->grpid,
			.perm = from->perm,
			.addr = from->addr,
			.cookie = group->cookie,
		};
		*slot = from->next;
	}
}

/* --- answers ----------------------------------------------------------- */

struct iommufd_sva_master *iommufd_sva_page_group_master(struct iommufd_sva_page_group *group)
{
	return group->requests->master;
}

void iommufd_sva_page_group_taken(struct iommufd_sva_page_group *group)
{
	atomic_inc(&group->requests->answering);
	WRITE_ONCE(group->state, IOMMUFD_SVA_GROUP_TAKEN);
}

static void answer_locked(struct iommufd_sva_page_group *group, u32 code,
			  struct iommufd_sva_answers *answers)
{
	answers->list[answers->num++] = (struct iommufd_sva_page_response){
		.master = group->requests->master,
		.pasid = group->pasid,
		.grpid = group->grpid,
		.stall = group->stall,
		.code = code,
	};
	free_group(group);
}

void iommufd_sva_page_group_answer(struct iommufd_sva_page_group *group, u32 code,
				   struct iommufd_sva_answers *answers)
{
	struct iommufd_sva_page_requests *requests = group->requests;

	spin_lock(&requests->lock);
	answer_locked(group, code, answers);
	spin_unlock(&requests->lock);
}

/*
 * The hardware has the answer to a group of @master's. Until then the table is there:
 * whoever takes the last route away waits, and may free it after this.
 */
static void answered(struct iommufd_sva_master *master)
{
	struct iommufd_sva_page_requests *requests =
		rcu_dereference_protected(master->requests, true);

	spin_lock(&requests->lock);
	if (atomic_dec_and_test(&requests->answering))
		wake_up(&requests->idle);
	spin_unlock(&requests->lock);
}

static bool is_idle(struct iommufd_sva_page_requests *requests)
{
	bool idle;

	spin_lock(&requests->lock);
	idle = !atomic_read(&requests->answering);
	spin_unlock(&requests->lock);
	return idle;
}

void iommufd_sva_answers_send(struct iommufd_sva_answers *answers)
{
	struct iommufd_sva_page_response *list = answers->list;
	unsigned int first, next, i;
	struct iommufd_sva_unit *unit;

	/* One submission for each unit: bring together those that are behind it. */
	for (first = 0; first < answers->num; first = next) {
		unit = list[first].master->unit;
		next = first + 1;
		for (i = next; i < answers->num; i++) {
			if (list[i].master->unit != unit)
				continue;
			/* It looks at what it is given twice. */
			swap(list[i], list[next]);
			next++;
		}
		unit->backend->ops->page_respond(unit, list + first, next - first);
	}
	for (i = 0; i < answers->num; i++)
		answered(list[i].master);
	answers->num = 0;
}

static bool take_for_guest(struct iommufd_sva_page_requests *requests,
			   struct iommufd_sva_page_response *answer)
{
	struct iommufd_sva_page_group *group;
	bool taken;

	spin_lock(&requests->lock);
	group = find_group(requests, answer->pasid, answer->grpid);
	taken = group && iommufd_sva_fault_withdraw(group, true, IOMMUFD_SVA_ANSWERED_GUEST);
	if (taken) {
		answer->pasid = group->pasid;
		answer->stall = group->stall;
		free_group(group);
	}
	spin_unlock(&requests->lock);
	return taken;
}

/**
 * iommufd_sva_page_group_take - a guest answers a group itself, through its own queue
 * @answer: in: the device, @pasid (of a device that wants none in answers it is not looked
 *	at), @grpid; out: what else there is but the code
 *
 * Does not sleep. The caller sees to it that the hardware gets the answer to a group that
 * it has taken, and says so with iommufd_sva_page_group_done(); until then nothing that the
 * group was sent through is taken away.
 *
 * Return: true when it is one that the VMM has and that waits for an answer: it is the
 * caller's then
 */
bool iommufd_sva_page_group_take(struct iommufd_sva_page_response *answer)
{
	struct iommufd_sva_page_requests *requests;
	bool taken;

	rcu_read_lock();
	requests = rcu_dereference(answer->master->requests);
	taken = requests && take_for_guest(requests, answer);
	rcu_read_unlock();
	return taken;
}
EXPORT_SYMBOL_GPL(iommufd_sva_page_group_take);

/**
 * iommufd_sva_page_group_done - the hardware has the answer to a group that was taken
 * @master: the device whose group it was
 */
void iommufd_sva_page_group_done(struct iommufd_sva_master *master)
{
	answered(master);
}
EXPORT_SYMBOL_GPL(iommufd_sva_page_group_done);

/* --- routes ------------------------------------------------------------ */

/* Which groups that are whole are to be refused. */
enum refuse {
	REFUSE_VIA,	/* what came by a route */
	REFUSE_HELD,	/* what has been held */
	REFUSE_ALL,
};

static bool take_refused(struct iommufd_sva_page_group *group, enum refuse which, u32 via)
{
	switch (READ_ONCE(group->state)) {
	case IOMMUFD_SVA_GROUP_HELD:
		if (which == REFUSE_VIA)
			return false;
		group->requests->master->pri.counts.refused++;
		unhold(group, IOMMUFD_SVA_ANSWERED_REFUSED);
		iommufd_sva_page_group_taken(group);
		return true;
	case IOMMUFD_SVA_GROUP_QUEUED:
	case IOMMUFD_SVA_GROUP_READ:
	/* After the queue's lock @answering tells of it. */
	case IOMMUFD_SVA_GROUP_TAKEN:
		if (which == REFUSE_HELD || (which == REFUSE_VIA && group->via != via))
			return false;
		return iommufd_sva_fault_withdraw(group, false, IOMMUFD_SVA_ANSWERED_DETACHED);
	default:
		return false;
	}
}

/* Answer what is whole Invalid Request, as far as @which and @via say. */
static void refuse_groups(struct iommufd_sva_page_requests *requests, enum refuse which, u32 via)
{
	struct iommufd_sva_page_response list[IOMMUFD_SVA_ANSWERS_FEW];
	struct iommufd_sva_answers answers = { .max = ARRAY_SIZE(list), .list = list };
	unsigned int i = 0;

	while (i < requests->num) {
		spin_lock(&requests->lock);
		for (; i < requests->num && answers.num < answers.max; i++)
			if (take_refused(&requests->groups[i], which, via))
				answer_locked(&requests->groups[i],
					      IOMMUFD_SVA_PAGE_RESP_INVALID, &answers);
		spin_unlock(&requests->lock);
		iommufd_sva_answers_send(&answers);
	}
}

/* What has begun and would come by @via, or @all, is refused with its last request. */
static void orphan_groups(struct iommufd_sva_page_requests *requests, bool all, u32 via)
{
	struct iommufd_sva_page_group *group;
	unsigned int i;
	u32 now;

	lockdep_assert_held(&requests->lock);
	for (i = 0; i < requests->num; i++) {
		group = &requests->groups[i];
		if (group->state == IOMMUFD_SVA_GROUP_OPEN &&
		    (all || (find_route(requests, group->pasid, &now) && now == via)))
			orphan(group);
	}
}

static struct iommufd_sva_fault_share *route_at(struct iommufd_sva_page_requests *requests,
						u32 pasid)
{
	return pasid == IOMMUFD_SVA_NO_PASID ? requests->rid :
					       xa_load(&requests->pasids, pasid);
}

/**
 * iommufd_sva_route_prepare - a route is going to lead from a device to a fault queue
 * @master: the device; its lock is held
 * @pasid: from requests with this one, or NO_PASID
 * @trans: what is going to be attached there, NULL: nothing
 * @route: filled, for iommufd_sva_route_set() or iommufd_sva_route_cancel()
 *
 * Return: 0, or -ENOMEM, -ENOSPC
 */
int iommufd_sva_route_prepare(struct iommufd_sva_master *master, u32 pasid,
			      const struct iommufd_sva_translation *trans,
			      struct iommufd_sva_route *route)
{
	struct iommufd_sva_page_requests *requests = requests_of(master);
	struct iommufd_sva_fault_share *share;
	int rc = 0;

	*route = (struct iommufd_sva_route){ .pasid = pasid };
	if (!trans || !trans->fault || !master->dev_id || !master->pri.supported)
		return 0;
	if (!requests) {
		requests = requests_alloc(master);
		if (!requests)
			return -ENOMEM;
		rcu_assign_pointer(master->requests, requests);
	}
	share = iommufd_sva_fault_share_get(trans->fault, requests, requests->num);
	if (IS_ERR(share))
		return PTR_ERR(share);
	if (pasid != IOMMUFD_SVA_NO_PASID && !xa_load(&requests->pasids, pasid))
		rc = xa_reserve(&requests->pasids, pasid, IOMMUFD_SVA_GFP_USER);
	if (rc) {
		iommufd_sva_fault_share_put(share);
		return rc;
	}
	route->all = trans->all_pasids;
	route->share = share;
	requests->routes++;
	return 0;
}

/* It is not going to. */
void iommufd_sva_route_cancel(struct iommufd_sva_master *master,
			      struct iommufd_sva_route *route)
{
	struct iommufd_sva_page_requests *requests = requests_of(master);

	if (!route->share)
		return;
	if (route->pasid != IOMMUFD_SVA_NO_PASID)
		xa_release(&requests->pasids, route->pasid);
	iommufd_sva_fault_share_put(route->share);
	requests->routes--;
}

/**
 * iommufd_sva_route_set - a route leads from a device to another fault queue, or none
 * @master: the device; its lock is held
 * @route: from where and to where
 *
 * What has come by the one that was there is answered Invalid Request; if there is
 * none any more, the hardware has all answers when this returns.
 */
void iommufd_sva_route_set(struct iommufd_sva_master *master, struct iommufd_sva_route *route)
{
	struct iommufd_sva_page_requests *requests = requests_of(master);
	struct iommufd_sva_fault_share *old;

	if (!requests)
		return;
	spin_lock(&requests->lock);
	old = route_at(requests, route->pasid);
	if (old && !route->share)
		orphan_groups(requests, false, route->pasid);
	if (route->pasid == IOMMUFD_SVA_NO_PASID) {
		requests->rid = route->share;
		requests->rid_all = route->all;
	} else if (route->share) {
		/* There is room: see above. */
		xa_store(&requests->pasids, route->pasid, route->share, GFP_NOWAIT);
	} else {
		xa_erase(&requests->pasids, route->pasid);
	}
	spin_unlock(&requests->lock);
	if (!old)
		return;
	refuse_groups(requests, REFUSE_VIA, route->pasid);
	if (!route->share)
		wait_event(requests->idle, is_idle(requests));
	iommufd_sva_fault_share_put(old);
	requests->routes--;
}

bool iommufd_sva_has_route(struct iommufd_sva_master *master, u32 pasid)
{
	struct iommufd_sva_page_requests *requests = requests_of(master);

	return requests && route_at(requests, pasid);
}

/* Does any route of @master lead anywhere? */
bool iommufd_sva_has_routes(struct iommufd_sva_master *master)
{
	struct iommufd_sva_page_requests *requests = requests_of(master);

	return requests && (requests->rid || !xa_empty(&requests->pasids));
}

/* What is attached to @master is changing: groups that are whole wait. */
void iommufd_sva_page_requests_hold(struct iommufd_sva_master *master)
{
	struct iommufd_sva_page_requests *requests = requests_of(master);

	if (!requests)
		return;
	spin_lock(&requests->lock);
	requests->held = true;
	spin_unlock(&requests->lock);
}

/* No route of @master leads anywhere until iommufd_sva_page_requests_go(). */
void iommufd_sva_page_requests_stop(struct iommufd_sva_master *master)
{
	struct iommufd_sva_page_requests *requests = requests_of(master);

	if (!requests)
		return;
	spin_lock(&requests->lock);
	orphan_groups(requests, true, 0);
	requests->stopped = true;
	spin_unlock(&requests->lock);
	refuse_groups(requests, REFUSE_ALL, 0);
	wait_event(requests->idle, is_idle(requests));
}

/* Groups that have been held go where routes lead now. */
void iommufd_sva_page_requests_go(struct iommufd_sva_master *master)
{
	struct iommufd_sva_page_requests *requests = requests_of(master);
	struct iommufd_sva_page_group *group, *next;
	struct iommufd_sva_fault_share *share;

	if (!requests)
		return;
	spin_lock(&requests->lock);
	requests->stopped = false;
	requests->held = false;
	list_for_each_entry_safe(group, next, &requests->held_groups, node) {
		share = find_route(requests, group->pasid, &group->via);
		if (!share)
			continue;
		list_del_init(&group->node);
		if (!deliver(group, share))
			list_add(&group->node, &requests->held_groups);
	}
	spin_unlock(&requests->lock);
	refuse_groups(requests, REFUSE_HELD, 0);
}

/* @master has another name, or one again: no route leads anywhere. */
void iommufd_sva_page_requests_rename(struct iommufd_sva_master *master)
{
	struct iommufd_sva_page_requests *requests = requests_of(master);

	if (!requests)
		return;
	spin_lock(&requests->lock);
	requests->dev_id = master->dev_id;
	spin_unlock(&requests->lock);
}

static void requests_free_rcu(struct rcu_head *rcu)
{
	requests_free(container_of(rcu, struct iommufd_sva_page_requests, rcu));
}

void iommufd_sva_page_requests_trim(struct iommufd_sva_master *master)
{
	struct iommufd_sva_page_requests *requests = requests_of(master);

	if (!requests || requests->routes || master->pri.on)
		return;
	RCU_INIT_POINTER(master->requests, NULL);
	/* Nothing is in it. Not later: its lock is not for softirqs. */
	xa_destroy(&requests->pasids);
	call_rcu(&requests->rcu, requests_free_rcu);
}
