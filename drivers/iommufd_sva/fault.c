// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fault queues: page requests on their way to the VMM, and its answers.
 *
 * A queue has room for all that the devices it serves may have outstanding: that grows
 * when something with the queue is attached, so that delivering allocates nothing. A
 * group stays in it until somebody answers; one that nobody answers in time is answered
 * Invalid Request. (Response Failure would have the device stop asking for good.) All
 * groups of a queue may wait as long as each other, so the oldest one is the next that
 * is late, and one timer for it does for all.
 *
 * The file holds a user on the queue and a reference on the context's file: both
 * outlive it.
 */
#define pr_fmt(fmt) "iommufd_sva: " fmt

#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/jiffies.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/poll.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "fault.h"
#include "trace.h"

#define TIMEOUT_MIN_MS		1U
#define TIMEOUT_MAX_MS		(3600U * 1000)
/* Answers of one write() that go to the hardware together. */
#define ANSWERS_MAX		128
/* Page requests that are copied to the VMM at a time. */
#define BUF_LEN			64

static unsigned int page_response_timeout_ms = 10000;

static int set_timeout(const char *value, const struct kernel_param *param)
{
	return param_set_uint_minmax(value, param, TIMEOUT_MIN_MS, TIMEOUT_MAX_MS);
}

static const struct kernel_param_ops timeout_ops = {
	.set = set_timeout,
	.get = param_get_uint,
};
module_param_cb(page_response_timeout_ms, &timeout_ops, &page_response_timeout_ms, 0644);
MODULE_PARM_DESC(page_response_timeout_ms, "Milliseconds until page requests that a user does not answer are answered Invalid Request, for fault queues made from then on (default: 10000)");

/* --- who is served ----------------------------------------------------- */

static struct iommufd_sva_fault_share *
find_share(struct iommufd_sva_fault *fault, struct iommufd_sva_page_requests *requests)
{
	struct iommufd_sva_fault_share *share;

	lockdep_assert_held(&fault->shares_lock);
	/* No more than there are devices. */
	list_for_each_entry(share, &fault->shares, node)
		if (share->requests == requests)
			return share;
	return NULL;
}

/* Room for @num groups at once in all. */
static int grow_cookies(struct iommufd_sva_fault *fault, unsigned int num)
{
	u32 size = roundup_pow_of_two(num);
	struct iommufd_sva_cookie_slot *slots, *old;

	lockdep_assert_held(&fault->shares_lock);
	if (num <= fault->cookies.size)
		return 0;
	if (num > IOMMUFD_SVA_COOKIES_MAX)
		return -ENOSPC;
	slots = kvcalloc(size, sizeof(*slots), IOMMUFD_SVA_GFP_USER);
	if (!slots)
		return -ENOMEM;
	spin_lock(&fault->lock);
	old = fault->cookies.slots;
	iommufd_sva_cookies_grow(&fault->cookies, slots, size);
	spin_unlock(&fault->lock);
	kvfree(old);
	return 0;
}

static struct iommufd_sva_fault_share *
add_share(struct iommufd_sva_fault *fault, struct iommufd_sva_page_requests *requests,
	  unsigned int num)
{
	struct iommufd_sva_fault_share *share;
	int rc;

	rc = grow_cookies(fault, fault->reserved + num);
	if (rc)
		return ERR_PTR(rc);
	share = kzalloc(sizeof(*share), IOMMUFD_SVA_GFP_USER);
	if (!share)
		return ERR_PTR(-ENOMEM);
	share->fault = fault;
	share->requests = requests;
	share->num = num;
	fault->reserved += num;
	list_add_tail(&share->node, &fault->shares);
	return share;
}

struct iommufd_sva_fault_share *
iommufd_sva_fault_share_get(struct iommufd_sva_fault *fault,
			    struct iommufd_sva_page_requests *requests, unsigned int num)
{
	struct iommufd_sva_fault_share *share;

	mutex_lock(&fault->shares_lock);
	share = find_share(fault, requests) ?: add_share(fault, requests, num);
	if (!IS_ERR(share))
		share->routes++;
	mutex_unlock(&fault->shares_lock);
	return share;
}

void iommufd_sva_fault_share_put(struct iommufd_sva_fault_share *share)
{
	struct iommufd_sva_fault *fault = share->fault;

	mutex_lock(&fault->shares_lock);
	if (!--share->routes) {
		fault->reserved -= share->num;
		list_del(&share->node);
		kfree(share);
	}
	mutex_unlock(&fault->shares_lock);
}

/* --- in and out -------------------------------------------------------- */

bool iommufd_sva_fault_deliver(struct iommufd_sva_fault *fault,
			       struct iommufd_sva_page_group *group)
{
	bool room;

	spin_lock(&fault->lock);
	room = iommufd_sva_ring_can_hold(fault, group->num);
	fault->counts.too_large += !room;
	room = room && iommufd_sva_cookie_get(&fault->cookies, group, &group->cookie);
	if (room) {
		group->fault = fault;
		group->state = IOMMUFD_SVA_GROUP_QUEUED;
		group->arrived = jiffies;
		list_add_tail(&group->node, &fault->unread);
		list_add_tail(&group->age, &fault->waiting);
		fault->num_waiting++;
		fault->counts.groups++;
		fault->counts.requests += group->num;
		/* Runs already if an older one waits. */
		schedule_delayed_work(&fault->timeout_work,
				      msecs_to_jiffies(fault->timeout_ms));
		trace_fault_group(iommufd_sva_page_group_master(group), group, fault->obj.id);
		iommufd_sva_ring_deliver(fault);
	}
	spin_unlock(&fault->lock);
	if (room)
		wake_up_interruptible(&fault->wait);
	return room;
}

/* @group leaves @fault, and is the caller's to answer. */
static void take(struct iommufd_sva_fault *fault, struct iommufd_sva_page_group *group,
		 enum iommufd_sva_answered how)
{
	lockdep_assert_held(&fault->lock);
	if (group->state == IOMMUFD_SVA_GROUP_QUEUED)
		list_del_init(&group->node);
	list_del_init(&group->age);
	fault->num_waiting--;
	iommufd_sva_cookie_put(&fault->cookies, group->cookie);
	fault->counts.answered[how]++;
	trace_response(iommufd_sva_page_group_master(group), group, how);
	iommufd_sva_page_group_taken(group);
}

static bool is_in_queue(struct iommufd_sva_page_group *group, bool read)
{
	return group->state == IOMMUFD_SVA_GROUP_READ ||
	       (!read && group->state == IOMMUFD_SVA_GROUP_QUEUED);
}

bool iommufd_sva_fault_withdraw(struct iommufd_sva_page_group *group, bool read,
				enum iommufd_sva_answered how)
{
	struct iommufd_sva_fault *fault = group->fault;
	bool in_queue;

	/* It has been in none, or in one that is no more. */
	if (READ_ONCE(group->state) < IOMMUFD_SVA_GROUP_QUEUED)
		return false;
	spin_lock(&fault->lock);
	in_queue = is_in_queue(group, read);
	if (in_queue)
		take(fault, group, how);
	spin_unlock(&fault->lock);
	return in_queue;
}

/* Take the group that the VMM calls @cookie, to answer @code; NULL: it has none. */
static struct iommufd_sva_page_group *take_by_cookie(struct iommufd_sva_fault *fault,
						     u32 cookie, u32 code)
{
	struct iommufd_sva_page_group *group;

	spin_lock(&fault->lock);
	group = iommufd_sva_cookie_find(&fault->cookies, cookie);
	if (group && is_in_queue(group, true)) {
		take(fault, group, code == IOMMUFD_SVA_PAGE_RESP_SUCCESS ?
				   IOMMUFD_SVA_ANSWERED_SUCCESS :
				   IOMMUFD_SVA_ANSWERED_INVALID);
	} else {
		fault->counts.bad_cookie++;
		group = NULL;
	}
	spin_unlock(&fault->lock);
	return group;
}

/* --- time-outs --------------------------------------------------------- */

/* Take the oldest group if it is late; else say when it will be. */
static struct iommufd_sva_page_group *take_late(struct iommufd_sva_fault *fault)
{
	unsigned long timeout = msecs_to_jiffies(fault->timeout_ms);
	struct iommufd_sva_page_group *group;
	unsigned long now = jiffies;

	lockdep_assert_held(&fault->lock);
	group = list_first_entry_or_null(&fault->waiting, struct iommufd_sva_page_group, age);
	if (!group)
		return NULL;
	if (time_before(now, group->arrived + timeout)) {
		schedule_delayed_work(&fault->timeout_work, group->arrived + timeout - now);
		return NULL;
	}
	take(fault, group, IOMMUFD_SVA_ANSWERED_TIMEOUT);
	return group;
}

static void answer_late(struct iommufd_sva_fault *fault, struct iommufd_sva_page_group *group,
			struct iommufd_sva_answers *answers)
{
	struct iommufd_sva_master *master = iommufd_sva_page_group_master(group);

	trace_timeout(master, group, fault->obj.id);
	dev_warn_ratelimited(master->dev,
			     "iommufd_sva: nobody answered its page requests in %u ms (PASID %d, group %u, fault queue %u): Invalid Request; its VMM or guest hangs\n",
			     READ_ONCE(fault->timeout_ms), (int)group->pasid, group->grpid,
			     fault->obj.id);
	iommufd_sva_page_group_answer(group, IOMMUFD_SVA_PAGE_RESP_INVALID, answers);
}

static void timeout_work(struct work_struct *work)
{
	struct iommufd_sva_fault *fault =
		container_of(to_delayed_work(work), struct iommufd_sva_fault, timeout_work);
	struct iommufd_sva_page_response list[IOMMUFD_SVA_ANSWERS_FEW];
	struct iommufd_sva_answers answers = { .max = ARRAY_SIZE(list), .list = list };
	struct iommufd_sva_page_group *group;

	iommufd_sva_ring_try_answers(fault);
	do {
		spin_lock(&fault->lock);
		group = take_late(fault);
		spin_unlock(&fault->lock);
		if (group)
			answer_late(fault, group, &answers);
		if (!group || answers.num == answers.max)
			iommufd_sva_answers_send(&answers);
	} while (group);
}

/* IOMMUFD_SVA_OPTION_PAGE_RESPONSE_TIMEOUT */
int iommufd_sva_option_page_response_timeout(struct iommufd_sva_ctx *ictx,
					     struct iommufd_sva_option *cmd)
{
	struct iommufd_sva_fault *fault;
	int rc = 0;

	fault = iommufd_sva_get_fault(ictx, cmd->object_id);
	if (IS_ERR(fault))
		return PTR_ERR(fault);
	switch (cmd->op) {
	case IOMMUFD_SVA_OPTION_OP_GET:
		cmd->val64 = READ_ONCE(fault->timeout_ms);
		break;
	case IOMMUFD_SVA_OPTION_OP_SET:
		rc = -EINVAL;
		if (cmd->val64 < TIMEOUT_MIN_MS || cmd->val64 > TIMEOUT_MAX_MS)
			break;
		spin_lock(&fault->lock);
		WRITE_ONCE(fault->timeout_ms, cmd->val64);
		/* What waits already may be late by now. */
		cancel_delayed_work(&fault->timeout_work);
		schedule_delayed_work(&fault->timeout_work, 0);
		spin_unlock(&fault->lock);
		rc = 0;
		break;
	default:
		rc = -EOPNOTSUPP;
	}
	iommufd_sva_put_object(&fault->obj);
	return rc;
}

/* --- the file ---------------------------------------------------------- */

/* The group that is read next; if @cookie is not 0, only if it is that one. */
static struct iommufd_sva_page_group *next_unread(struct iommufd_sva_fault *fault, u32 cookie)
{
	struct iommufd_sva_page_group *group;

	lockdep_assert_held(&fault->lock);
	group = list_first_entry_or_null(&fault->unread, struct iommufd_sva_page_group, node);
	return group && (!cookie || group->cookie == cookie) ? group : NULL;
}

/* Compose @num requests of group @cookie from @slot on; false: it has gone. */
static bool compose(struct iommufd_sva_fault *fault, u32 cookie, u32 *slot, u32 num)
{
	struct iommufd_sva_page_group *group;

	spin_lock(&fault->lock);
	group = next_unread(fault, cookie);
	if (group)
		iommufd_sva_page_group_compose(group, slot, fault->buf, num);
	spin_unlock(&fault->lock);
	return group;
}

void iommufd_sva_fault_mark_read(struct iommufd_sva_page_group *group)
{
	lockdep_assert_held(&group->fault->lock);
	list_del_init(&group->node);
	WRITE_ONCE(group->state, IOMMUFD_SVA_GROUP_READ);
}

/* The VMM has group @cookie; false: it has gone. */
static bool mark_read(struct iommufd_sva_fault *fault, u32 cookie)
{
	struct iommufd_sva_page_group *group;

	spin_lock(&fault->lock);
	group = next_unread(fault, cookie);
	if (group)
		iommufd_sva_fault_mark_read(group);
	spin_unlock(&fault->lock);
	return group;
}

/*
 * Copy the next group, if @room is enough for it. It is in the queue until the VMM has
 * all of it: until then whoever has to may answer it. Returns the length; 0: there is
 * none; -EAGAIN: it has gone; -EINVAL: no room; -EFAULT.
 */
static ssize_t read_group(struct iommufd_sva_fault *fault, char __user *to, size_t room)
{
	const size_t size = sizeof(*fault->buf);
	u32 cookie = 0, num = 0, slot = 0, done, n;
	struct iommufd_sva_page_group *group;

	lockdep_assert_held(&fault->read_mutex);
	spin_lock(&fault->lock);
	group = next_unread(fault, 0);
	if (group) {
		cookie = group->cookie;
		num = group->num;
		slot = group->first;
	}
	spin_unlock(&fault->lock);
	if (num > room / size)
		return -EINVAL;

	for (done = 0; done < num; done += n) {
		n = min_t(u32, num - done, BUF_LEN);
		if (!compose(fault, cookie, &slot, n))
			return -EAGAIN;
		if (copy_to_user(to + done * size, fault->buf, n * size))
			return -EFAULT;
	}
	if (num && !mark_read(fault, cookie))
		return -EAGAIN;
	return num * size;
}

static ssize_t fault_read(struct file *file, char __user *buf, size_t count, loff_t *ppos)
{
	struct iommufd_sva_fault *fault = file->private_data;
	size_t done = 0;
	ssize_t len;

	if (*ppos || count % sizeof(*fault->buf))
		return -ESPIPE;
	mutex_lock(&fault->read_mutex);
	do {
		len = read_group(fault, buf + done, count - done);
		if (len > 0)
			done += len;
	} while (len > 0 || len == -EAGAIN);
	mutex_unlock(&fault->read_mutex);
	return done ?: len;
}

/* Take what @num responses from @first on name to answer it, up to one that is not right. */
static unsigned int take_answered(struct iommufd_sva_fault *fault, unsigned int first,
				  unsigned int num)
{
	const struct iommufd_sva_hwpt_page_response *response = &fault->responses[first];
	struct iommufd_sva_page_group *group;
	unsigned int i;

	for (i = 0; i < num; i++, response++) {
		if (response->code != IOMMUFD_SVA_PAGE_RESP_SUCCESS &&
		    response->code != IOMMUFD_SVA_PAGE_RESP_INVALID) {
			spin_lock(&fault->lock);
			fault->counts.bad_code++;
			spin_unlock(&fault->lock);
			break;
		}
		group = take_by_cookie(fault, response->cookie, response->code);
		if (!group)
			break;
		iommufd_sva_page_group_answer(group, response->code, &fault->answers);
	}
	return i;
}

unsigned int iommufd_sva_fault_answer_all(struct iommufd_sva_fault *fault, unsigned int num)
{
	unsigned int done, bad = 0;

	lockdep_assert_held(&fault->write_mutex);
	for (done = 0; done < num; done++) {
		done += take_answered(fault, done, num - done);
		bad += done < num;
	}
	iommufd_sva_answers_send(&fault->answers);
	return bad;
}

/* Responses that go to the hardware at once: how much of them was right, or an errno. */
static ssize_t write_some(struct iommufd_sva_fault *fault, const char __user *from, size_t len)
{
	const size_t size = sizeof(*fault->responses);
	unsigned int num = len / size, taken;

	lockdep_assert_held(&fault->write_mutex);
	if (copy_from_user(fault->responses, from, num * size))
		return -EFAULT;
	taken = take_answered(fault, 0, num);
	iommufd_sva_answers_send(&fault->answers);
	return taken ? taken * size : -EINVAL;
}

static ssize_t fault_write(struct file *file, const char __user *buf, size_t count,
			   loff_t *ppos)
{
	struct iommufd_sva_fault *fault = file->private_data;
	size_t done = 0, some = 0;
	ssize_t len = 0;

	if (*ppos || count % sizeof(*fault->responses))
		return -ESPIPE;
	/* Any write() says that there may be something in the ring, one of 0 bytes only that. */
	iommufd_sva_ring_kick(fault);
	mutex_lock(&fault->write_mutex);
	/* The first that is not right ends it. */
	while (done < count && len == some) {
		some = min(count - done, fault->answers.max * sizeof(*fault->responses));
		len = write_some(fault, buf + done, some);
		if (len > 0)
			done += len;
	}
	mutex_unlock(&fault->write_mutex);
	return done ?: len;
}

static int fault_mmap(struct file *file, struct vm_area_struct *vma)
{
	return iommufd_sva_ring_mmap(file->private_data, vma);
}

static __poll_t fault_poll(struct file *file, struct poll_table_struct *wait)
{
	struct iommufd_sva_fault *fault = file->private_data;
	__poll_t events = EPOLLOUT;

	poll_wait(file, &fault->wait, wait);
	spin_lock(&fault->lock);
	if (!list_empty(&fault->unread))
		events |= EPOLLIN | EPOLLRDNORM;
	spin_unlock(&fault->lock);
	return events;
}

static int fault_release(struct inode *inode, struct file *file)
{
	struct iommufd_sva_fault *fault = file->private_data;
	struct iommufd_sva_ctx *ictx;

	/* A file that never reached its user. */
	if (!fault)
		return 0;
	ictx = fault->ictx;
	/* From here on it may be destroyed. */
	iommufd_sva_put_object(&fault->obj);
	fput(ictx->file);
	return 0;
}

static void fault_show_fdinfo(struct seq_file *m, struct file *file)
{
	static const char * const answered[] = {
		[IOMMUFD_SVA_ANSWERED_SUCCESS] = "answered-success",
		[IOMMUFD_SVA_ANSWERED_INVALID] = "answered-invalid",
		[IOMMUFD_SVA_ANSWERED_GUEST] = "answered-by-guest",
		[IOMMUFD_SVA_ANSWERED_TIMEOUT] = "timed-out",
		[IOMMUFD_SVA_ANSWERED_DETACHED] = "detached",
		[IOMMUFD_SVA_ANSWERED_BROKEN] = "device-broke-rules",
	};
	struct iommufd_sva_fault *fault = file->private_data;
	struct iommufd_sva_fault_counts counts;
	unsigned int waiting, timeout_ms, i;

	spin_lock(&fault->lock);
	counts = fault->counts;
	waiting = fault->num_waiting;
	timeout_ms = fault->timeout_ms;
	spin_unlock(&fault->lock);

	seq_printf(m, "fault-id:\t%u\n", fault->obj.id);
	seq_printf(m, "timeout-ms:\t%u\n", timeout_ms);
	seq_printf(m, "groups:\t%llu\n", counts.groups);
	seq_printf(m, "requests:\t%llu\n", counts.requests);
	seq_printf(m, "waiting:\t%u\n", waiting);
	for (i = 0; i < IOMMUFD_SVA_ANSWERED_NUM; i++)
		seq_printf(m, "%s:\t%llu\n", answered[i], counts.answered[i]);
	seq_printf(m, "too-large:\t%llu\n", counts.too_large);
	seq_printf(m, "refused-code:\t%llu\n", counts.bad_code);
	seq_printf(m, "refused-cookie:\t%llu\n", counts.bad_cookie);
}

static const struct file_operations fault_fops = {
	.owner = THIS_MODULE,
	.read = fault_read,
	.write = fault_write,
	.poll = fault_poll,
	.mmap = fault_mmap,
	.release = fault_release,
	.show_fdinfo = fault_show_fdinfo,
};

/* --- life -------------------------------------------------------------- */

struct iommufd_sva_fault *iommufd_sva_get_fault(struct iommufd_sva_ctx *ictx, u32 id)
{
	struct iommufd_sva_object *obj;

	obj = iommufd_sva_get_object(ictx, id, IOMMUFD_SVA_OBJ_FAULT);
	return IS_ERR(obj) ? ERR_CAST(obj) : container_of(obj, struct iommufd_sva_fault, obj);
}

int iommufd_sva_hwpt_set_fault(struct iommufd_sva_ctx *ictx, struct iommufd_sva_hwpt *hwpt,
			       u32 fault_id)
{
	struct iommufd_sva_fault *fault = iommufd_sva_get_fault(ictx, fault_id);

	if (IS_ERR(fault))
		return PTR_ERR(fault);
	hwpt->trans.fault = fault;
	return 0;
}

void iommufd_sva_hwpt_put_fault(struct iommufd_sva_hwpt *hwpt)
{
	if (hwpt->trans.fault)
		iommufd_sva_put_object(&hwpt->trans.fault->obj);
}

/* Nothing with it is attached any more, so it serves nobody and nothing is in it. */
void iommufd_sva_fault_destroy(struct iommufd_sva_object *obj)
{
	struct iommufd_sva_fault *fault = container_of(obj, struct iommufd_sva_fault, obj);

	cancel_delayed_work_sync(&fault->timeout_work);
	iommufd_sva_ring_free(fault);
	WARN_ON(!list_empty(&fault->shares) || !list_empty(&fault->waiting));
	kvfree(fault->cookies.slots);
	kfree(fault->buf);
	kfree(fault->responses);
	kfree(fault->answers.list);
	mutex_destroy(&fault->shares_lock);
	mutex_destroy(&fault->write_mutex);
	mutex_destroy(&fault->read_mutex);
}

static struct iommufd_sva_fault *fault_new(struct iommufd_sva_ucmd *ucmd)
{
	struct iommufd_sva_fault *fault;

	fault = iommufd_sva_object_alloc(ucmd->ictx, fault, IOMMUFD_SVA_OBJ_FAULT);
	if (IS_ERR(fault))
		return fault;
	fault->ictx = ucmd->ictx;
	mutex_init(&fault->read_mutex);
	mutex_init(&fault->write_mutex);
	mutex_init(&fault->shares_lock);
	INIT_LIST_HEAD(&fault->shares);
	INIT_DELAYED_WORK(&fault->timeout_work, timeout_work);
	spin_lock_init(&fault->lock);
	init_waitqueue_head(&fault->wait);
	INIT_LIST_HEAD(&fault->unread);
	INIT_LIST_HEAD(&fault->waiting);
	fault->timeout_ms = READ_ONCE(page_response_timeout_ms);
	ucmd->new_obj = &fault->obj;

	fault->buf = kcalloc(BUF_LEN, sizeof(*fault->buf), IOMMUFD_SVA_GFP_USER);
	fault->responses = kcalloc(ANSWERS_MAX, sizeof(*fault->responses),
				   IOMMUFD_SVA_GFP_USER);
	fault->answers.list = kcalloc(ANSWERS_MAX, sizeof(*fault->answers.list),
				      IOMMUFD_SVA_GFP_USER);
	fault->answers.max = ANSWERS_MAX;
	if (!fault->buf || !fault->responses || !fault->answers.list)
		return ERR_PTR(-ENOMEM);
	return fault;
}

/* Give @fault its file and tell the user, or leave all as it is. */
static int fault_open(struct iommufd_sva_ucmd *ucmd, struct iommufd_sva_fault *fault)
{
	struct iommufd_sva_fault_alloc *cmd = ucmd->cmd;
	struct file *file;
	int fd, rc;

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	file = anon_inode_getfile("[iommufd_sva-pgfault]", &fault_fops, NULL, O_RDWR);
	if (IS_ERR(file)) {
		rc = PTR_ERR(file);
		goto err_fd;
	}
	cmd->out_fault_id = fault->obj.id;
	cmd->out_fault_fd = fd;
	rc = iommufd_sva_ucmd_respond(ucmd, sizeof(*cmd));
	if (rc)
		goto err_file;

	file->private_data = fault;
	refcount_inc(&fault->obj.users);
	get_file(ucmd->ictx->file);
	fd_install(fd, file);
	return 0;

err_file:
	fput(file);
err_fd:
	put_unused_fd(fd);
	return rc;
}

int iommufd_sva_fault_queue_alloc(struct iommufd_sva_ucmd *ucmd)
{
	struct iommufd_sva_fault_alloc *cmd = ucmd->cmd;
	struct iommufd_sva_fault *fault;

	if (cmd->flags)
		return -EOPNOTSUPP;
	fault = fault_new(ucmd);
	if (IS_ERR(fault))
		return PTR_ERR(fault);
	return fault_open(ucmd, fault);
}
