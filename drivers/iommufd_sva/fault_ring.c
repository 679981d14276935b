// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fault rings: page requests and answers in memory that is shared with the VMM, so that
 * neither costs a system call. The layout is the uAPI's.
 *
 * The VMM may write anything there at any time. So the kernel keeps its own copies of the
 * indices that it writes, reads those of the VMM once and holds them against its own, and
 * reads each answer once. What comes of nonsense is that nothing fits, or nothing is there.
 *
 * Groups are put in where they come from, in the backend's interrupt thread, and when there
 * may be room again; answers are taken out where it is allowed to sleep, since the
 * hardware is waited for: whenever the VMM calls, when a group is late, and by a worker. That
 * looks at the ring again and again while a group waits for an answer, at intervals that
 * grow, until nothing has come for a while. Then the VMM has to kick (NEED_KICK).
 *
 * No answer is forgotten by that. The VMM stores its index, then, after a full barrier, looks
 * for NEED_KICK; the worker stores NEED_KICK, then, after a full barrier, looks at the
 * VMM's indices: one of the two sees what the other has stored. If it is the VMM it kicks.
 * If it is the worker it takes out what is there by then. And a group that is put in has
 * the worker look again, in any case.
 *
 * What costs the VMM nothing costs the kernel little: answers that name no group that waits
 * keep nobody looking. Who finds a batch of nothing else takes the next one only when he
 * looks again, unless it is the VMM's own call.
 */
#define pr_fmt(fmt) "iommufd_sva: " fmt

#include <linux/delay.h>
#include <linux/eventfd.h>
#include <linux/jiffies.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "compat.h"
#include "fault.h"

/* The worker looks at the ring at least this far apart, and at most that, in us. */
#define LOOK_MIN_US		20U
#define LOOK_MAX_US		200U
/* The same while it only waits for who writes, as long as that takes him. */
#define STOP_MAX_US		20000U
/* After so long with neither a group nor an answer that was one it does not look any more. */
#define LOOK_MS			50

/* Before others: a device waits, and whoever answers it may be as busy as he likes. */
static struct workqueue_struct *look_wq;

/**
 * struct iommufd_sva_ring - a fault ring, or an eventfd alone
 * @fault: the fault queue that it is of
 * @eventfd: what is signalled; NULL: none
 * @entries: page requests that it holds, and answers; 0: no ring
 * @len: bytes at @header
 * @header: the shared memory
 * @faults: page requests in it
 * @responses: answers in it
 * @work: the worker
 * @response_tail: ours; under fault->write_mutex, as @refused
 * @refused: ours
 * @fault_head: ours; under fault->lock, as what follows
 * @looking: @work is under way, or is going to be
 * @stopping: and NEED_KICK is set: it goes on only until all answers before @stop_at are out
 * @stop_at: see there
 * @more: a group has come since it looked
 */
struct iommufd_sva_ring {
	struct iommufd_sva_fault *fault;
	struct eventfd_ctx *eventfd;
	u32 entries;
	size_t len;
	struct iommufd_sva_fault_ring_header *header;
	struct iommufd_sva_hwpt_pgfault *faults;
	struct iommufd_sva_hwpt_page_response *responses;
	struct work_struct work;
	u32 response_tail;
	u32 refused;
	u32 fault_head;
	bool looking;
	bool stopping;
	u32 stop_at;
	bool more;
};

static void signal(struct iommufd_sva_ring *ring)
{
	if (ring->eventfd)
		iommufd_sva_eventfd_signal(ring->eventfd);
}

/* --- page requests ----------------------------------------------------- */

static struct iommufd_sva_page_group *first_unread(struct iommufd_sva_fault *fault)
{
	return list_first_entry_or_null(&fault->unread, struct iommufd_sva_page_group, node);
}

/* Entries that the VMM has taken out; of what it cannot have taken none are free. */
static u32 room(struct iommufd_sva_ring *ring)
{
	/* The VMM has read what it says before we write there. */
	u32 tail = smp_load_acquire(&ring->header->fault_tail), used = ring->fault_head - tail;

	return used <= ring->entries ? ring->entries - used : 0;
}

/* @group, around the end of the ring if need be. */
static void put_in(struct iommufd_sva_ring *ring, struct iommufd_sva_page_group *group, u32 head)
{
	u32 at = head & (ring->entries - 1), slot = group->first;
	u32 num = min(group->num, ring->entries - at);

	iommufd_sva_page_group_compose(group, &slot, &ring->faults[at], num);
	iommufd_sva_page_group_compose(group, &slot, ring->faults, group->num - num);
}

/* Put in what fits, whole groups in order. */
static void fill(struct iommufd_sva_ring *ring)
{
	struct iommufd_sva_fault *fault = ring->fault;
	struct iommufd_sva_page_group *group;
	u32 head = ring->fault_head, left = room(ring);

	lockdep_assert_held(&fault->lock);
	while ((group = first_unread(fault)) && group->num <= left) {
		put_in(ring, group, head);
		iommufd_sva_fault_mark_read(group);
		head += group->num;
		left -= group->num;
	}
	if (head == ring->fault_head)
		return;
	/* The records first. */
	smp_store_release(&ring->header->fault_head, head);
	/* Before the VMM's index is looked at: it stores that, then looks at ours. */
	smp_mb();
	if (READ_ONCE(ring->header->fault_tail) == ring->fault_head)
		signal(ring);
	ring->fault_head = head;
}

static void go_on_looking(struct iommufd_sva_ring *ring)
{
	lockdep_assert_held(&ring->fault->lock);
	ring->stopping = false;
	WRITE_ONCE(ring->header->state, 0);
}

static void look(struct iommufd_sva_ring *ring)
{
	lockdep_assert_held(&ring->fault->lock);
	ring->more = true;
	if (ring->looking)
		return;
	ring->looking = true;
	go_on_looking(ring);
	queue_work(look_wq, &ring->work);
}

bool iommufd_sva_ring_can_hold(struct iommufd_sva_fault *fault, u32 num)
{
	lockdep_assert_held(&fault->lock);
	return !fault->ring || !fault->ring->entries || num <= fault->ring->entries;
}

void iommufd_sva_ring_deliver(struct iommufd_sva_fault *fault)
{
	struct iommufd_sva_ring *ring = fault->ring;

	lockdep_assert_held(&fault->lock);
	if (!ring)
		return;
	if (!ring->entries) {
		if (list_is_singular(&fault->unread))
			signal(ring);
		return;
	}
	fill(ring);
	look(ring);
}

/* --- answers ----------------------------------------------------------- */

/* Where the answers end that the VMM has put in; more than there can be are none. */
static u32 responses_end(struct iommufd_sva_ring *ring)
{
	/* The answers were written before. */
	u32 head = smp_load_acquire(&ring->header->response_head);
	/* After that: what was taken out meanwhile does not look like too many. */
	u32 tail = READ_ONCE(ring->response_tail);

	return head - tail <= ring->entries ? head : tail;
}

static struct iommufd_sva_hwpt_page_response
read_response(const struct iommufd_sva_hwpt_page_response *from)
{
	/* As one word, so that what is looked at is what is used. */
	union {
		u64 word;
		struct iommufd_sva_hwpt_page_response response;
	} copy = { .word = READ_ONCE(*(const u64 *)from) };

	BUILD_BUG_ON(sizeof(copy.word) != sizeof(copy.response));
	return copy.response;
}

/*
 * Take a batch of answers out of @ring: whether any of them was one. What is refused is
 * the VMM's to find out.
 */
static bool take_batch(struct iommufd_sva_ring *ring, u32 num)
{
	struct iommufd_sva_fault *fault = ring->fault;
	u32 tail = ring->response_tail, mask = ring->entries - 1, i, bad;

	num = min_t(u32, num, fault->answers.max);
	for (i = 0; i < num; i++)
		fault->responses[i] = read_response(&ring->responses[(tail + i) & mask]);
	bad = iommufd_sva_fault_answer_all(fault, num);
	ring->refused += bad;
	WRITE_ONCE(ring->response_tail, tail + num);
	WRITE_ONCE(ring->header->refused, ring->refused);
	/* They have been read. */
	smp_store_release(&ring->header->response_tail, tail + num);
	return bad < num;
}

/* @all, or until a batch was for nothing: whether any of them was an answer. */
static bool take_answers(struct iommufd_sva_ring *ring, bool all)
{
	struct iommufd_sva_fault *fault = ring->fault;
	bool any = false, good = true;
	u32 num, done;

	lockdep_assert_held(&fault->write_mutex);
	/* What is put in meanwhile is left for the next time. */
	num = responses_end(ring) - ring->response_tail;
	for (; num && (good || all); num -= done) {
		done = min_t(u32, num, fault->answers.max);
		good = take_batch(ring, done);
		any |= good;
		cond_resched();
	}
	return any;
}

/*
 * Whoever writes may be stopped by a page of his own for as long as he likes, with the
 * mutex held: nobody but himself waits for that.
 */
static bool try_answers(struct iommufd_sva_ring *ring)
{
	bool any;

	if (!mutex_trylock(&ring->fault->write_mutex))
		return false;
	any = take_answers(ring, false);
	mutex_unlock(&ring->fault->write_mutex);
	return any;
}

/* The ring of @fault, if it has one that is more than an eventfd. */
static struct iommufd_sva_ring *ring_of(struct iommufd_sva_fault *fault)
{
	/* Who sees it sees all of it. */
	struct iommufd_sva_ring *ring = smp_load_acquire(&fault->ring);

	return ring && ring->entries ? ring : NULL;
}

void iommufd_sva_ring_try_answers(struct iommufd_sva_fault *fault)
{
	struct iommufd_sva_ring *ring = ring_of(fault);

	if (ring)
		try_answers(ring);
}

/* --- who looks --------------------------------------------------------- */

/*
 * Say NEED_KICK, and stop once what had been put in before that is out. (That waits for
 * whoever writes, if somebody does.)
 */
static bool stop_looking(struct iommufd_sva_ring *ring)
{
	u32 tail;

	lockdep_assert_held(&ring->fault->lock);
	if (!ring->stopping) {
		ring->stopping = true;
		WRITE_ONCE(ring->header->state, IOMMUFD_SVA_FAULT_RING_NEED_KICK);
		/* See above. */
		smp_mb();
		ring->stop_at = responses_end(ring);
		fill(ring);
	}
	tail = READ_ONCE(ring->response_tail);
	/* Nothing is there either if the VMM has taken it back. */
	if ((s32)(ring->stop_at - tail) > 0 && responses_end(ring) != tail)
		return false;
	ring->stopping = false;
	ring->looking = false;
	return true;
}

/* Do what there is to do. False: nothing more is to come soon, and the VMM kicks. */
static bool look_once(struct iommufd_sva_ring *ring, unsigned long *until, unsigned int *us)
{
	struct iommufd_sva_fault *fault = ring->fault;
	u32 tail = READ_ONCE(ring->response_tail);
	bool go_on, stuck, any = try_answers(ring);

	spin_lock(&fault->lock);
	fill(ring);
	stuck = ring->stopping && READ_ONCE(ring->response_tail) == tail;
	if (any || ring->more) {
		go_on_looking(ring);
		*until = jiffies + msecs_to_jiffies(LOOK_MS);
		*us = LOOK_MIN_US;
	} else {
		*us = min(*us * 2, stuck ? STOP_MAX_US : LOOK_MAX_US);
	}
	ring->more = false;
	/* With nothing to wait for not quite at once, there may be more. */
	go_on = fault->num_waiting ? time_before(jiffies, *until) : *us < LOOK_MAX_US;
	if (!go_on)
		go_on = !stop_looking(ring);
	spin_unlock(&fault->lock);
	return go_on;
}

static void look_work(struct work_struct *work)
{
	struct iommufd_sva_ring *ring = container_of(work, struct iommufd_sva_ring, work);
	unsigned long until = jiffies + msecs_to_jiffies(LOOK_MS);
	unsigned int us = LOOK_MIN_US;

	while (look_once(ring, &until, &us))
		usleep_range(us, us + us / 4);
}

void iommufd_sva_ring_kick(struct iommufd_sva_fault *fault)
{
	struct iommufd_sva_ring *ring = ring_of(fault);

	if (!ring)
		return;
	mutex_lock(&fault->write_mutex);
	take_answers(ring, true);
	mutex_unlock(&fault->write_mutex);
	spin_lock(&fault->lock);
	fill(ring);
	if (fault->num_waiting)
		look(ring);
	spin_unlock(&fault->lock);
}

/* --- life -------------------------------------------------------------- */

int iommufd_sva_ring_mmap(struct iommufd_sva_fault *fault, struct vm_area_struct *vma)
{
	struct iommufd_sva_ring *ring = ring_of(fault);
	unsigned long at;
	int rc = 0;

	if (!ring || vma->vm_pgoff ||
	    vma->vm_end - vma->vm_start != ring->len || !(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	iommufd_sva_vm_flags_set(vma, VM_DONTEXPAND | VM_DONTDUMP);
	/* The mapping holds a reference on each page, and on the file. */
	for (at = 0; at < ring->len && !rc; at += PAGE_SIZE)
		rc = vm_insert_page(vma, vma->vm_start + at,
				    vmalloc_to_page((void *)ring->header + at));
	return rc;
}

static void ring_put(struct iommufd_sva_ring *ring)
{
	if (ring->eventfd)
		eventfd_ctx_put(ring->eventfd);
	vfree(ring->header);
	kfree(ring);
}

/* Nobody uses @fault any more. */
void iommufd_sva_ring_free(struct iommufd_sva_fault *fault)
{
	struct iommufd_sva_ring *ring = fault->ring;

	if (!ring)
		return;
	cancel_work_sync(&ring->work);
	ring_put(ring);
}

static int alloc_memory(struct iommufd_sva_ring *ring, u32 entries)
{
	size_t responses = sizeof(*ring->header) + entries * sizeof(*ring->faults);

	BUILD_BUG_ON(sizeof(*ring->header) % sizeof(u64) || sizeof(*ring->faults) % sizeof(u64));
	ring->len = PAGE_ALIGN(responses + entries * sizeof(*ring->responses));
	ring->header = __vmalloc(ring->len, IOMMUFD_SVA_GFP_USER | __GFP_ZERO);
	if (!ring->header)
		return -ENOMEM;
	ring->entries = entries;
	ring->faults = (void *)ring->header + sizeof(*ring->header);
	ring->responses = (void *)ring->header + responses;
	*ring->header = (struct iommufd_sva_fault_ring_header){
		.state = IOMMUFD_SVA_FAULT_RING_NEED_KICK,
		.entries = entries,
		.faults_offset = sizeof(*ring->header),
		.responses_offset = responses,
	};
	return 0;
}

static struct iommufd_sva_ring *ring_new(struct iommufd_sva_fault *fault,
					 const struct iommufd_sva_fault_ring *cmd)
{
	struct iommufd_sva_ring *ring = kzalloc(sizeof(*ring), IOMMUFD_SVA_GFP_USER);
	struct eventfd_ctx *eventfd;
	int rc = 0;

	if (!ring)
		return ERR_PTR(-ENOMEM);
	ring->fault = fault;
	INIT_WORK(&ring->work, look_work);
	if (cmd->eventfd != -1) {
		eventfd = eventfd_ctx_fdget(cmd->eventfd);
		rc = PTR_ERR_OR_ZERO(eventfd);
		if (!rc)
			ring->eventfd = eventfd;
	}
	if (!rc && cmd->entries)
		rc = alloc_memory(ring, cmd->entries);
	if (!rc)
		return ring;
	ring_put(ring);
	return ERR_PTR(rc);
}

/* From here on @ring has what comes, and what has come. */
static int ring_set(struct iommufd_sva_fault *fault, struct iommufd_sva_ring *ring)
{
	struct iommufd_sva_page_group *group;
	int rc = 0;

	spin_lock(&fault->lock);
	if (fault->ring)
		rc = -EBUSY;
	list_for_each_entry(group, &fault->unread, node)
		if (ring->entries && group->num > ring->entries)
			rc = rc ?: -EINVAL;
	if (rc) {
		spin_unlock(&fault->lock);
		return rc;
	}
	/* With all that is in it, for ring_of(). */
	smp_store_release(&fault->ring, ring);
	if (!list_empty(&fault->unread)) {
		if (!ring->entries)
			signal(ring);
		else
			fill(ring);
	}
	if (ring->entries && fault->num_waiting)
		look(ring);
	spin_unlock(&fault->lock);
	return 0;
}

static int check_args(const struct iommufd_sva_fault_ring *cmd)
{
	if (cmd->flags || cmd->__reserved)
		return -EOPNOTSUPP;
	if (cmd->entries > IOMMUFD_SVA_FAULT_RING_MAX ||
	    (cmd->entries && !is_power_of_2(cmd->entries)) ||
	    (!cmd->entries && cmd->eventfd == -1))
		return -EINVAL;
	return 0;
}

static int fault_ring(struct iommufd_sva_ucmd *ucmd, struct iommufd_sva_fault *fault)
{
	struct iommufd_sva_fault_ring *cmd = ucmd->cmd;
	struct iommufd_sva_ring *ring;
	int rc;

	ring = ring_new(fault, cmd);
	if (IS_ERR(ring))
		return PTR_ERR(ring);
	cmd->out_mmap_length = ring->len;
	rc = iommufd_sva_ucmd_respond(ucmd, sizeof(*cmd));
	if (!rc)
		rc = ring_set(fault, ring);
	if (rc)
		ring_put(ring);
	return rc;
}

int iommufd_sva_fault_ring(struct iommufd_sva_ucmd *ucmd)
{
	struct iommufd_sva_fault_ring *cmd = ucmd->cmd;
	struct iommufd_sva_fault *fault;
	int rc;

	rc = check_args(cmd);
	if (rc)
		return rc;
	fault = iommufd_sva_get_fault(ucmd->ictx, cmd->fault_id);
	if (IS_ERR(fault))
		return PTR_ERR(fault);
	rc = fault_ring(ucmd, fault);
	iommufd_sva_put_object(&fault->obj);
	return rc;
}

int iommufd_sva_ring_init(void)
{
	look_wq = alloc_workqueue("iommufd_sva_ring", WQ_UNBOUND | WQ_HIGHPRI, 0);
	return look_wq ? 0 : -ENOMEM;
}

void iommufd_sva_ring_exit(void)
{
	destroy_workqueue(look_wq);
}
