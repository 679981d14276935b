// SPDX-License-Identifier: GPL-2.0-only
/*
 * Event queues of vIOMMUs: what the hardware reports about a guest's devices, on
 * its way to the VMM.
 *
 * A queue is a ring of its full depth from the start, so that reporting allocates
 * nothing and a guest cannot make it grow. What does not fit is lost and counted:
 * the sequence numbers of the events around it tell, and when no event follows a
 * header without one does.
 *
 * The file holds a user on the queue and a reference on the context's file: both
 * outlive it.
 */
#include <linux/anon_inodes.h>
#include <linux/export.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "iommufd_sva_private.h"

#define DEPTH_MAX	BIT(19)
/* Sequence numbers have 31 bits. */
#define SEQUENCE_MASK	((u32)INT_MAX)
/* The longest event there is. */
#define EVENT_LEN_MAX	sizeof(struct iommufd_sva_vevent_arm_smmuv3)

/* Which events a vIOMMU has. */
static const struct event_kind {
	u32 viommu_type;
	u32 type;
	size_t len;
} event_kinds[] = {
	{
		.viommu_type = IOMMUFD_SVA_VIOMMU_TYPE_ARM_SMMUV3,
		.type = IOMMUFD_SVA_VEVENTQ_TYPE_ARM_SMMUV3,
		.len = sizeof(struct iommufd_sva_vevent_arm_smmuv3),
	},
	{
		.viommu_type = IOMMUFD_SVA_VIOMMU_VTD,
		.type = IOMMUFD_SVA_VEVENTQ_VTD,
		.len = sizeof(struct iommufd_sva_vevent_vtd),
	},
};

/* One event as read() gives it. */
struct vevent {
	struct iommufd_sva_vevent_header header;
	u8 data[EVENT_LEN_MAX];
};

/**
 * struct iommufd_sva_veventq - an event queue
 * @obj: object
 * @ictx: the context
 * @viommu: the vIOMMU; holds a user on it
 * @node: in viommu->veventqs
 * @kind: what it gets
 * @read_mutex: one reader at a time; outside @lock
 * @lock: protects everything below
 * @wait: who polls
 * @depth: events that @ring holds
 * @head: where the next event goes
 * @num: events in it; the oldest is @num before @head
 * @sequence: the next event's
 * @lost: the last event was lost, and there is none after it to tell
 * @lost_sequence: its number
 * @ring: slots of the sequence number and the data
 */
struct iommufd_sva_veventq {
	struct iommufd_sva_object obj;
	struct iommufd_sva_ctx *ictx;
	struct iommufd_sva_viommu *viommu;
	struct list_head node;
	const struct event_kind *kind;
	struct mutex read_mutex;
	spinlock_t lock;
	wait_queue_head_t wait;
	u32 depth;
	u32 head;
	u32 num;
	u32 sequence;
	bool lost;
	u32 lost_sequence;
	void *ring;
};

static size_t slot_len(const struct event_kind *kind)
{
	return sizeof(u32) + kind->len;
}

static void *slot(struct iommufd_sva_veventq *veventq, u32 index)
{
	return veventq->ring + (size_t)index * slot_len(veventq->kind);
}

static const struct event_kind *find_kind(u32 viommu_type, u32 type)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(event_kinds); i++)
		if (event_kinds[i].viommu_type == viommu_type &&
		    event_kinds[i].type == type)
			return &event_kinds[i];
	return NULL;
}

/* --- in ---------------------------------------------------------------- */

static struct iommufd_sva_veventq *find_veventq(struct iommufd_sva_viommu *viommu,
						u32 type)
{
	struct iommufd_sva_veventq *veventq;

	lockdep_assert_held(&viommu->veventqs_lock);
	list_for_each_entry(veventq, &viommu->veventqs, node)
		if (veventq->kind->type == type)
			return veventq;
	return NULL;
}

static int push(struct iommufd_sva_veventq *veventq, const void *event)
{
	u32 sequence;
	int rc = 0;
	void *at;

	spin_lock(&veventq->lock);
	sequence = veventq->sequence;
	veventq->sequence = (sequence + 1) & SEQUENCE_MASK;
	veventq->lost = veventq->num == veventq->depth;
	if (veventq->lost) {
		veventq->lost_sequence = sequence;
		rc = -ENOSPC;
	} else {
		at = slot(veventq, veventq->head);
		memcpy(at, &sequence, sizeof(sequence));
		memcpy(at + sizeof(sequence), event, veventq->kind->len);
		if (++veventq->head == veventq->depth)
			veventq->head = 0;
		veventq->num++;
	}
	spin_unlock(&veventq->lock);
	wake_up_interruptible(&veventq->wait);
	return rc;
}

int iommufd_sva_vunit_report_event(struct iommufd_sva_vunit *vunit, u32 type,
				   const void *event, size_t len)
{
	struct iommufd_sva_viommu *viommu = vunit->owner;
	struct iommufd_sva_veventq *veventq;
	int rc = -EOPNOTSUPP;

	/* A queue that is still listed is not freed before we are done. */
	spin_lock(&viommu->veventqs_lock);
	veventq = find_veventq(viommu, type);
	if (veventq && !WARN_ON_ONCE(len != veventq->kind->len))
		rc = push(veventq, event);
	spin_unlock(&viommu->veventqs_lock);
	return rc;
}
EXPORT_SYMBOL_GPL(iommufd_sva_vunit_report_event);

/* --- out --------------------------------------------------------------- */

static bool has_events(struct iommufd_sva_veventq *veventq)
{
	lockdep_assert_held(&veventq->lock);
	return veventq->num || veventq->lost;
}

/* Copy the oldest to @event and return its length with the header; 0: none. */
static size_t peek(struct iommufd_sva_veventq *veventq, struct vevent *event)
{
	const struct event_kind *kind = veventq->kind;
	size_t len = 0;
	u32 tail;
	void *at;

	spin_lock(&veventq->lock);
	if (veventq->num) {
		tail = veventq->head >= veventq->num ?
			       veventq->head - veventq->num :
			       veventq->head + veventq->depth - veventq->num;
		at = slot(veventq, tail);
		event->header.flags = 0;
		memcpy(&event->header.sequence, at, sizeof(u32));
		memcpy(event->data, at + sizeof(u32), kind->len);
		len = sizeof(event->header) + kind->len;
	} else if (veventq->lost) {
		event->header.flags = IOMMUFD_SVA_VEVENTQ_FLAG_LOST_EVENTS;
		event->header.sequence = veventq->lost_sequence;
		len = sizeof(event->header);
	}
	spin_unlock(&veventq->lock);
	return len;
}

/* @event has been read. Only readers take out, and there is one at a time. */
static void pop(struct iommufd_sva_veventq *veventq, const struct vevent *event)
{
	lockdep_assert_held(&veventq->read_mutex);

	spin_lock(&veventq->lock);
	if (!event->header.flags)
		veventq->num--;
	else if (veventq->lost_sequence == event->header.sequence)
		veventq->lost = false;
	spin_unlock(&veventq->lock);
}

static ssize_t veventq_read(struct file *file, char __user *buf, size_t count,
			    loff_t *ppos)
{
	struct iommufd_sva_veventq *veventq = file->private_data;
	struct vevent event;
	size_t done = 0, len;
	int rc = 0;

	if (*ppos)
		return -ESPIPE;
	if (count < sizeof(event.header))
		return -EINVAL;

	mutex_lock(&veventq->read_mutex);
	while ((len = peek(veventq, &event))) {
		if (len > count - done) {
			rc = -EINVAL;
			break;
		}
		if (copy_to_user(buf + done, &event, len)) {
			rc = -EFAULT;
			break;
		}
		pop(veventq, &event);
		done += len;
	}
	mutex_unlock(&veventq->read_mutex);
	return done ?: rc;
}

static __poll_t veventq_poll(struct file *file, struct poll_table_struct *wait)
{
	struct iommufd_sva_veventq *veventq = file->private_data;
	__poll_t events = 0;

	poll_wait(file, &veventq->wait, wait);
	spin_lock(&veventq->lock);
	if (has_events(veventq))
		events = EPOLLIN | EPOLLRDNORM;
	spin_unlock(&veventq->lock);
	return events;
}

static int veventq_release(struct inode *inode, struct file *file)
{
	struct iommufd_sva_veventq *veventq = file->private_data;
	struct iommufd_sva_ctx *ictx;

	/* A file that never reached its user. */
	if (!veventq)
		return 0;
	ictx = veventq->ictx;
	/* From here on it may be destroyed. */
	iommufd_sva_put_object(&veventq->obj);
	fput(ictx->file);
	return 0;
}

static const struct file_operations veventq_fops = {
	.owner = THIS_MODULE,
	.open = nonseekable_open,
	.read = veventq_read,
	.poll = veventq_poll,
	.release = veventq_release,
};

/* --- life -------------------------------------------------------------- */

void iommufd_sva_veventq_destroy(struct iommufd_sva_object *obj)
{
	struct iommufd_sva_veventq *veventq =
		container_of(obj, struct iommufd_sva_veventq, obj);
	struct iommufd_sva_viommu *viommu = veventq->viommu;

	spin_lock(&viommu->veventqs_lock);
	list_del_init(&veventq->node);
	spin_unlock(&viommu->veventqs_lock);
	mutex_destroy(&veventq->read_mutex);
	kvfree(veventq->ring);
	iommufd_sva_put_object(&viommu->obj);
}

/* From here on @veventq gets events, if it is the only one of its kind. */
static int veventq_add(struct iommufd_sva_veventq *veventq)
{
	struct iommufd_sva_viommu *viommu = veventq->viommu;
	int rc = -EEXIST;

	spin_lock(&viommu->veventqs_lock);
	if (!find_veventq(viommu, veventq->kind->type)) {
		list_add_tail(&veventq->node, &viommu->veventqs);
		rc = 0;
	}
	spin_unlock(&viommu->veventqs_lock);
	return rc;
}

static struct iommufd_sva_veventq *
veventq_new(struct iommufd_sva_ucmd *ucmd, struct iommufd_sva_viommu *viommu,
	    const struct event_kind *kind, u32 depth)
{
	struct iommufd_sva_veventq *veventq;

	veventq = iommufd_sva_object_alloc(ucmd->ictx, veventq,
					   IOMMUFD_SVA_OBJ_VEVENTQ);
	if (IS_ERR(veventq))
		return veventq;
	veventq->ictx = ucmd->ictx;
	refcount_inc(&viommu->obj.users);
	veventq->viommu = viommu;
	INIT_LIST_HEAD(&veventq->node);
	veventq->kind = kind;
	mutex_init(&veventq->read_mutex);
	spin_lock_init(&veventq->lock);
	init_waitqueue_head(&veventq->wait);
	veventq->depth = depth;
	ucmd->new_obj = &veventq->obj;

	veventq->ring = kvcalloc(depth, slot_len(kind), IOMMUFD_SVA_GFP_USER);
	return veventq->ring ? veventq : ERR_PTR(-ENOMEM);
}

/* Give @veventq its file and tell the user, or leave all as it is. */
static int veventq_open(struct iommufd_sva_ucmd *ucmd,
			struct iommufd_sva_veventq *veventq)
{
	struct iommufd_sva_veventq_alloc *cmd = ucmd->cmd;
	struct file *file;
	int fd, rc;

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	file = anon_inode_getfile("[iommufd_sva-viommu-event]", &veventq_fops,
				  NULL, O_RDONLY);
	if (IS_ERR(file)) {
		rc = PTR_ERR(file);
		goto err_fd;
	}
	cmd->out_veventq_id = veventq->obj.id;
	cmd->out_veventq_fd = fd;
	rc = iommufd_sva_ucmd_respond(ucmd, sizeof(*cmd));
	if (rc)
		goto err_file;

	file->private_data = veventq;
	refcount_inc(&veventq->obj.users);
	get_file(ucmd->ictx->file);
	fd_install(fd, file);
	return 0;

err_file:
	fput(file);
err_fd:
	put_unused_fd(fd);
	return rc;
}

static int veventq_alloc(struct iommufd_sva_ucmd *ucmd,
			 struct iommufd_sva_viommu *viommu)
{
	struct iommufd_sva_veventq_alloc *cmd = ucmd->cmd;
	struct iommufd_sva_veventq *veventq;
	const struct event_kind *kind;
	int rc;

	kind = find_kind(viommu->vunit->type, cmd->type);
	if (!kind)
		return -EOPNOTSUPP;
	veventq = veventq_new(ucmd, viommu, kind, cmd->veventq_depth);
	if (IS_ERR(veventq))
		return PTR_ERR(veventq);
	rc = veventq_add(veventq);
	if (rc)
		return rc;
	return veventq_open(ucmd, veventq);
}

int iommufd_sva_veventq_alloc(struct iommufd_sva_ucmd *ucmd)
{
	struct iommufd_sva_veventq_alloc *cmd = ucmd->cmd;
	struct iommufd_sva_object *obj;
	int rc;

	if (cmd->flags || cmd->__reserved ||
	    cmd->type == IOMMUFD_SVA_VEVENTQ_TYPE_DEFAULT)
		return -EOPNOTSUPP;
	if (!cmd->veventq_depth || cmd->veventq_depth > DEPTH_MAX)
		return -EINVAL;
	obj = iommufd_sva_get_object(ucmd->ictx, cmd->viommu_id,
				     IOMMUFD_SVA_OBJ_VIOMMU);
	if (IS_ERR(obj))
		return PTR_ERR(obj);
	rc = veventq_alloc(ucmd, container_of(obj, struct iommufd_sva_viommu, obj));
	iommufd_sva_put_object(obj);
	return rc;
}
