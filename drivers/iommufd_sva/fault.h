/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Page requests between a device and a fault queue.
 *
 * A device has a table of the requests and groups that it has outstanding
 * (page_request.c): as many as it has credits, allocated when something with a fault
 * queue is first attached to it. A group that is whole goes to the fault queue that
 * its route leads to (fault.c), and leaves it when somebody answers it: the VMM, the
 * clock, who takes the route away, or the guest through its own queue. Whoever takes
 * it from the queue, under the queue's lock, is the only one to answer it; its place
 * in the table is free before the hardware has the answer, since the device may use
 * the index at once.
 *
 * Locks, both spinlocks and innermost but for those of wait queues, an eventfd's too
 * with who waits there (KVM, VFIO), of timers and of workqueues:
 *   requests->lock	of a device's table; inside a lock of the backend's interrupt
 *			thread
 *   fault->lock	of a fault queue; inside the above
 * Neither is held while the hardware is waited for or user memory is touched.
 */
#ifndef __IOMMUFD_SVA_FAULT_H
#define __IOMMUFD_SVA_FAULT_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "cookie.h"
#include "iommufd_sva_private.h"

/**
 * enum iommufd_sva_page_group_state - where a group is
 * @IOMMUFD_SVA_GROUP_FREE: it is none
 * @IOMMUFD_SVA_GROUP_OPEN: its last request is still to come
 * @IOMMUFD_SVA_GROUP_ORPHAN: the same, and then it is refused
 * @IOMMUFD_SVA_GROUP_HELD: it is whole, and it is not yet clear who answers it
 * @IOMMUFD_SVA_GROUP_QUEUED: it is in a fault queue
 * @IOMMUFD_SVA_GROUP_READ: and the VMM has it
 * @IOMMUFD_SVA_GROUP_TAKEN: somebody answers it
 *
 * Changes under the table's lock, and from QUEUED and READ under the fault queue's.
 */
enum iommufd_sva_page_group_state {
	IOMMUFD_SVA_GROUP_FREE,
	IOMMUFD_SVA_GROUP_OPEN,
	IOMMUFD_SVA_GROUP_ORPHAN,
	IOMMUFD_SVA_GROUP_HELD,
	IOMMUFD_SVA_GROUP_QUEUED,
	IOMMUFD_SVA_GROUP_READ,
	IOMMUFD_SVA_GROUP_TAKEN,
};

/**
 * struct iommufd_sva_page_group - a page request group that waits for an answer
 * @requests: the table it is in
 * @state: where it is
 * @hash: in requests->hash
 * @node: in requests->free_groups, requests->held_groups or fault->unread, as @state says
 * @age: in fault->waiting
 * @fault: the fault queue it is in
 * @arrived: when it got there, in jiffies
 * @cookie: its name there
 * @dev_id: the device's name there
 * @via: the route that led there: a PASID, or NO_PASID
 * @pasid: of its requests
 * @grpid: its index
 * @stall: it is a transaction that stalls
 * @num: how many requests it has
 * @first: the first one, index of requests->slots
 * @last: the last one
 */
struct iommufd_sva_page_group {
	struct iommufd_sva_page_requests *requests;
	enum iommufd_sva_page_group_state state;
	struct hlist_node hash;
	struct list_head node;
	struct list_head age;
	struct iommufd_sva_fault *fault;
	unsigned long arrived;
	u32 cookie;
	u32 dev_id;
	u32 via;
	u32 pasid;
	u32 grpid;
	bool stall;
	u32 num;
	u32 first;
	u32 last;
};

/**
 * struct iommufd_sva_answers - answers on their way to the hardware
 * @num: how many there are
 * @max: how many there is room for
 * @list: they
 */
struct iommufd_sva_answers {
	unsigned int num;
	unsigned int max;
	struct iommufd_sva_page_response *list;
};

/* For whom it does not pay to have more room. */
#define IOMMUFD_SVA_ANSWERS_FEW		16

/**
 * enum iommufd_sva_answered - how a group that was whole came to its answer
 * @IOMMUFD_SVA_ANSWERED_SUCCESS: the VMM said Success
 * @IOMMUFD_SVA_ANSWERED_INVALID: the VMM said Invalid Request
 * @IOMMUFD_SVA_ANSWERED_GUEST: the guest answered through its own queue
 * @IOMMUFD_SVA_ANSWERED_TIMEOUT: Invalid Request, since nobody answered in time
 * @IOMMUFD_SVA_ANSWERED_DETACHED: Invalid Request, since the route was taken away
 * @IOMMUFD_SVA_ANSWERED_BROKEN: not at all: the device has used its index again, since it
 *	was reset or breaks the rules
 * @IOMMUFD_SVA_ANSWERED_NUM: those above are of groups in a fault queue
 * @IOMMUFD_SVA_ANSWERED_REFUSED: Invalid Request to one that was held, and then nobody was
 *	there for it
 */
enum iommufd_sva_answered {
	IOMMUFD_SVA_ANSWERED_SUCCESS,
	IOMMUFD_SVA_ANSWERED_INVALID,
	IOMMUFD_SVA_ANSWERED_GUEST,
	IOMMUFD_SVA_ANSWERED_TIMEOUT,
	IOMMUFD_SVA_ANSWERED_DETACHED,
	IOMMUFD_SVA_ANSWERED_BROKEN,
	IOMMUFD_SVA_ANSWERED_NUM,
	IOMMUFD_SVA_ANSWERED_REFUSED = IOMMUFD_SVA_ANSWERED_NUM,
};

/**
 * struct iommufd_sva_fault_counts - what a fault queue has seen
 * @groups: page request groups
 * @requests: page requests in them
 * @answered: groups that have left it, by enum iommufd_sva_answered
 * @too_large: groups that have more requests than the ring has room for, and were
 *	answered Invalid Request
 * @bad_code: answers of the VMM that were refused for their code
 * @bad_cookie: that were refused since nothing of that name waits with the VMM: forged,
 *	late, or given twice
 */
struct iommufd_sva_fault_counts {
	u64 groups;
	u64 requests;
	u64 answered[IOMMUFD_SVA_ANSWERED_NUM];
	u64 too_large;
	u64 bad_code;
	u64 bad_cookie;
};

/**
 * struct iommufd_sva_fault - a fault queue
 * @obj: object
 * @ictx: the context
 * @read_mutex: one reader at a time; outside @lock. Protects @buf
 * @buf: page requests on their way to the reader, some at a time
 * @write_mutex: one writer at a time; outside @lock. Protects @responses and @answers
 * @responses: what the VMM writes, a batch at a time
 * @answers: what is made of it
 * @shares_lock: protects @shares and @reserved and that @cookies grow; inside
 *	master->lock, outside @lock
 * @shares: struct iommufd_sva_fault_share of the devices it serves
 * @reserved: groups that all of them may have outstanding
 * @timeout_work: answers those that nobody answers
 * @ring: its ring or eventfd, or NULL; set once, under @lock
 * @lock: protects everything below
 * @wait: who polls
 * @cookies: the groups in it, by cookie
 * @unread: those that are QUEUED, in order
 * @waiting: all of them, the oldest first
 * @num_waiting: how many
 * @timeout_ms: how long they may wait
 * @counts: see there
 */
struct iommufd_sva_fault {
	struct iommufd_sva_object obj;
	struct iommufd_sva_ctx *ictx;
	struct mutex read_mutex;
	struct iommufd_sva_hwpt_pgfault *buf;
	struct mutex write_mutex;
	struct iommufd_sva_hwpt_page_response *responses;
	struct iommufd_sva_answers answers;
	struct mutex shares_lock;
	struct list_head shares;
	unsigned int reserved;
	struct delayed_work timeout_work;
	struct iommufd_sva_ring *ring;
	spinlock_t lock;
	wait_queue_head_t wait;
	struct iommufd_sva_cookies cookies;
	struct list_head unread;
	struct list_head waiting;
	unsigned int num_waiting;
	unsigned int timeout_ms;
	struct iommufd_sva_fault_counts counts;
};

/**
 * struct iommufd_sva_fault_share - what a device may have outstanding at a fault queue
 * @node: in fault->shares
 * @fault: the queue
 * @requests: the device's table; only compared
 * @num: groups
 * @routes: of the device's that lead there; under shares_lock, as all of this
 */
struct iommufd_sva_fault_share {
	struct list_head node;
	struct iommufd_sva_fault *fault;
	struct iommufd_sva_page_requests *requests;
	unsigned int num;
	unsigned int routes;
};

/* fault.c */
/* One more route of a device with a table of @num groups leads to @fault. */
struct iommufd_sva_fault_share *
iommufd_sva_fault_share_get(struct iommufd_sva_fault *fault,
			    struct iommufd_sva_page_requests *requests, unsigned int num);
void iommufd_sva_fault_share_put(struct iommufd_sva_fault_share *share);
/* @group is whole: false if there is no room. The table's lock is held. */
bool iommufd_sva_fault_deliver(struct iommufd_sva_fault *fault,
			       struct iommufd_sva_page_group *group);
/*
 * Take @group, which is in a fault queue, to answer it, or if @read only if the VMM
 * has it: false: somebody else has, or it has not. The table's lock is held.
 */
bool iommufd_sva_fault_withdraw(struct iommufd_sva_page_group *group, bool read,
				enum iommufd_sva_answered how);

/* @group, which is QUEUED, is READ. The queue's lock is held. */
void iommufd_sva_fault_mark_read(struct iommufd_sva_page_group *group);
/*
 * Answer what the first @num of fault->responses name, no more than fault->answers.max:
 * how many of them were not right.
 */
unsigned int iommufd_sva_fault_answer_all(struct iommufd_sva_fault *fault, unsigned int num);

/* fault_ring.c; without a ring these do nothing. */
/* Could a group of @num requests be put into the ring? fault->lock is held. */
bool iommufd_sva_ring_can_hold(struct iommufd_sva_fault *fault, u32 num);
/* A group has been added to fault->unread, whose lock is held. */
void iommufd_sva_ring_deliver(struct iommufd_sva_fault *fault);
/* Take the answers out that are there, unless somebody writes: he has them taken out. */
void iommufd_sva_ring_try_answers(struct iommufd_sva_fault *fault);
/* Take answers out, and put groups in for which there is room now. */
void iommufd_sva_ring_kick(struct iommufd_sva_fault *fault);
int iommufd_sva_ring_mmap(struct iommufd_sva_fault *fault, struct vm_area_struct *vma);
void iommufd_sva_ring_free(struct iommufd_sva_fault *fault);

/* page_request.c */
/*
 * Compose @num requests of @group from @slot on, which is group->first at first; either
 * lock of it is held.
 */
void iommufd_sva_page_group_compose(struct iommufd_sva_page_group *group, u32 *slot,
				    struct iommufd_sva_hwpt_pgfault *to, u32 num);
struct iommufd_sva_master *iommufd_sva_page_group_master(struct iommufd_sva_page_group *group);
/* From here on @group, which is in a queue whose lock is held, is the caller's. */
void iommufd_sva_page_group_taken(struct iommufd_sva_page_group *group);
/* @group, which is the caller's, is answered with @code; there is room in @answers. */
void iommufd_sva_page_group_answer(struct iommufd_sva_page_group *group, u32 code,
				   struct iommufd_sva_answers *answers);
/* @answers to the hardware: none is left. */
void iommufd_sva_answers_send(struct iommufd_sva_answers *answers);

#endif
