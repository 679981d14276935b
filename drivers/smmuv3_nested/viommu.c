// SPDX-License-Identifier: GPL-2.0-only
/*
 * vIOMMUs: a guest's share of a unit. It has a VMID of its own there, so that its
 * ASIDs are nobody else's and everything it asks to be invalidated is its own.
 *
 * A guest's commands are read once, checked one by one (guest.c), and go to the
 * hardware as many at a time as fit into the queue.
 */
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include "firmware.h"
#include "nested.h"

/* A small queue is filled several times, a large one does not need all at once. */
#define SMMU_GUEST_MIN_ROOM	64U
#define SMMU_GUEST_MAX_ROOM	2048U

static bool smmu_has_both_stages(struct smmu_unit *unit)
{
	return (unit->idr[0] & SMMUV3_IDR0_S1P) && (unit->idr[0] & SMMUV3_IDR0_S2P);
}

/*
 * With stage-2 tables that force memory types (S2FWB) a guest's own types have no
 * effect, nor have they where all requests snoop anyway (CANWBS). Without it can
 * have its devices read memory around the CPU's caches.
 */
int smmu_can_nest(struct smmu_unit *unit, struct smmu_domain *parent)
{
	if (!smmu_has_both_stages(unit))
		return -EOPNOTSUPP;
	if (parent->pt.cfg.snoop || smmuv3_fw_canwbs(unit))
		return 0;
	if (!smmu_allow_noncoherent_nesting)
		return -EOPNOTSUPP;
	if (!xchg(&unit->warned_noncoherent, 1))
		smmu_warn(unit, "lets guests nest without S2FWB and CANWBS: they can bypass the CPU's caches; unset allow_noncoherent_nesting where guests are not trusted\n");
	return 0;
}

int smmu_nest_parent(struct iommufd_sva_unit *unit, struct iommufd_sva_domain *domain)
{
	if (!domain)
		return smmu_has_both_stages(to_smmu_unit(unit)) ? 0 : -EOPNOTSUPP;
	return smmu_can_nest(to_smmu_unit(unit), to_smmu_domain(domain));
}

/* 32 bits, and the device is behind this unit. */
static int smmu_vsid_check(struct iommufd_sva_vunit *vunit, u64 vsid,
			   struct iommufd_sva_master *master)
{
	return vsid > U32_MAX ? -EINVAL : 0;
}

/**
 * smmu_copy_guest_cmds - read commands that a user gives
 * @array: all of them
 * @first: the first one wanted
 * @num: how many
 * @raw: where to
 * @error: out: why it ended early, else 0
 *
 * Return: how many were read.
 */
unsigned int smmu_copy_guest_cmds(const struct iommufd_sva_user_array *array, u32 first,
				  unsigned int num,
				  struct iommufd_sva_viommu_arm_smmuv3_invalidate *raw,
				  int *error)
{
	unsigned int i;

	*error = 0;
	for (i = 0; i < num; i++) {
		*error = iommufd_sva_copy_array_entry(&raw[i], sizeof(raw[i]), sizeof(raw[i]),
						      array, first + i);
		if (*error)
			break;
	}
	return i;
}

/**
 * struct smmu_guest_fill - commands of a guest on their way into the queue
 * @sv: whose
 * @num: how many there are in @sv->cmds
 * @done: how many of the guest's have taken effect
 * @error: of the hardware; nothing follows it
 */
struct smmu_guest_fill {
	struct smmu_vunit *sv;
	unsigned int num;
	unsigned int done;
	int error;
};

/* All that came before number @next of the guest's takes effect. */
static int smmu_guest_submit(struct smmu_guest_fill *fill, unsigned int next)
{
	fill->error = smmu_cmdq_submit(fill->sv->unit, fill->sv->cmds, fill->num);
	fill->num = 0;
	/* A device that does not answer keeps nothing else from taking effect. */
	if (!fill->error || fill->error == -ETIMEDOUT)
		fill->done = next;
	return fill->error;
}

/*
 * An ATC must not be filled again from what the unit has cached still: what is before
 * completes first. The guest had a CMD_SYNC there, which its VMM took.
 */
static void smmu_guest_order(struct smmu_guest_fill *fill)
{
	struct smmuv3_cmd *cmds = fill->sv->cmds;

	if (fill->num && smmuv3_cmd_opcode(&cmds[fill->num - 1]) != SMMUV3_CMD_ATC_INV)
		cmds[fill->num++] = smmuv3_make_sync(SMMUV3_SYNC_NONE, 0, 0);
}

/* For each of a device's streams the same. */
static int smmu_guest_add_streams(struct smmu_guest_fill *fill, unsigned int index,
				  struct smmuv3_guest_cmd *guest)
{
	bool atc = smmuv3_cmd_opcode(&guest->cmd) == SMMUV3_CMD_ATC_INV;
	struct iommufd_sva_master *master;
	struct smmu_master *sm;
	unsigned int i;
	int rc = 0;

	master = iommufd_sva_vunit_find(&fill->sv->base, guest->vsid);
	if (!master)
		return -EIO;
	sm = to_smmu_master(master);
	if (atc && !smmu_atc_is_on(sm))
		return 0;
	/* Before the one there may be a CMD_SYNC. */
	if (fill->num + sm->num_sids + atc > fill->sv->room)
		rc = smmu_guest_submit(fill, index);
	if (!rc && atc)
		smmu_guest_order(fill);
	for (i = 0; i < sm->num_sids && !rc; i++) {
		smmuv3_cmd_set_sid(&guest->cmd, sm->sids[i]);
		fill->sv->cmds[fill->num++] = guest->cmd;
	}
	return rc;
}

static int smmu_guest_add(struct smmu_guest_fill *fill, unsigned int index)
{
	struct smmu_vunit *sv = fill->sv;
	struct smmuv3_guest_cmd guest;
	int rc;

	rc = smmuv3_guest_cmd(&sv->caps, sv->tag.base.vmid, sv->raw[index].cmd, &guest);
	if (rc)
		return rc;
	if (guest.by_sid)
		return smmu_guest_add_streams(fill, index, &guest);
	if (fill->num == sv->room)
		rc = smmu_guest_submit(fill, index);
	if (!rc)
		sv->cmds[fill->num++] = guest.cmd;
	return rc;
}

/*
 * The first @num of @sv->raw take effect, or those before a bad one. *@done: how
 * many have.
 */
static int smmu_guest_pass(struct smmu_vunit *sv, unsigned int num, unsigned int *done)
{
	struct smmu_guest_fill fill = { .sv = sv };
	unsigned int i;
	int rc = 0;

	down_read(&sv->base.vsids_lock);
	down_read(&sv->unit->ats_rwsem);
	for (i = 0; i < num; i++) {
		rc = smmu_guest_add(&fill, i);
		if (rc)
			break;
	}
	if (!fill.error)
		smmu_guest_submit(&fill, i);
	up_read(&sv->unit->ats_rwsem);
	up_read(&sv->base.vsids_lock);
	*done = fill.done;
	return fill.error ?: rc;
}

/**
 * smmu_vunit_invalidate - see iommufd_sva_vunit_ops
 * @vunit: whose guest's
 * @array: commands of its queue
 *
 * Every guest has one queue: its invalidations come one after the other.
 *
 * Return: 0; -EINVAL when they are of another type; -EFAULT, -E2BIG, -EINVAL when
 * one cannot be read; -EIO when one is not a guest's to send or the hardware stopped
 * at it; -ETIMEDOUT when a device did not answer, what was consumed has taken effect
 * but for that; -EINTR when the caller is being killed.
 */
static int smmu_vunit_invalidate(struct iommufd_sva_vunit *vunit,
				 struct iommufd_sva_user_array *array)
{
	struct smmu_vunit *sv = to_smmu_vunit(vunit);
	unsigned int num, done;
	int rc = 0, error = 0;

	if (array->type != IOMMUFD_SVA_VIOMMU_INVALIDATE_DATA_ARM_SMMUV3)
		return -EINVAL;
	mutex_lock(&sv->lock);
	while (array->consumed < array->entry_num && !rc) {
		if (fatal_signal_pending(current)) {
			rc = -EINTR;
			break;
		}
		/* Read without vsids_lock: memory may be slow in coming. */
		num = min(array->entry_num - array->consumed, sv->room);
		num = smmu_copy_guest_cmds(array, array->consumed, num, sv->raw, &error);
		rc = smmu_guest_pass(sv, num, &done) ?: error;
		array->consumed += done;
	}
	mutex_unlock(&sv->lock);
	return rc;
}

static void smmu_vunit_destroy(struct smmu_vunit *sv)
{
	mutex_destroy(&sv->lock);
	kvfree(sv->cmds);
	kvfree(sv->raw);
	kfree(sv);
}

static void smmu_vunit_free(struct iommufd_sva_vunit *vunit)
{
	struct smmu_vunit *sv = to_smmu_vunit(vunit);

	smmu_guest_tag_fini(&sv->tag);
	smmu_vunit_destroy(sv);
}

static const struct iommufd_sva_vunit_ops smmu_vunit_ops = {
	.vsid_check = smmu_vsid_check,
	.invalidate = smmu_vunit_invalidate,
	.free = smmu_vunit_free,
};

static struct smmu_vunit *smmu_vunit_new(struct smmu_unit *unit)
{
	struct smmu_vunit *sv = kzalloc(sizeof(*sv), IOMMUFD_SVA_GFP_USER);

	if (!sv)
		return NULL;
	sv->base.ops = &smmu_vunit_ops;
	sv->unit = unit;
	sv->caps = smmuv3_guest_caps_of(unit->idr);
	mutex_init(&sv->lock);
	sv->room = clamp((1U << unit->cmdq.log2) / 2, SMMU_GUEST_MIN_ROOM, SMMU_GUEST_MAX_ROOM);
	sv->raw = kvmalloc_array(sv->room, sizeof(*sv->raw), IOMMUFD_SVA_GFP_USER);
	sv->cmds = kvmalloc_array(sv->room, sizeof(*sv->cmds), IOMMUFD_SVA_GFP_USER);
	if (sv->raw && sv->cmds)
		return sv;
	smmu_vunit_destroy(sv);
	return NULL;
}

/**
 * smmu_vunit_alloc - see iommufd_sva_backend_ops
 * @unit: the unit
 * @parent: the guest's memory
 * @type: IOMMUFD_SVA_VIOMMU_TYPE_ARM_SMMUV3
 * @data: NULL
 *
 * Return: the guest's share; -EOPNOTSUPP for another type and where guests may not
 * nest; -EINVAL with data, and when @parent does not fit; -ENOSPC; -ENOMEM.
 */
struct iommufd_sva_vunit *smmu_vunit_alloc(struct iommufd_sva_unit *unit,
					   struct iommufd_sva_domain *parent, u32 type,
					   const struct iommufd_sva_user_data *data)
{
	struct smmu_vunit *sv;
	int rc;

	if (type != IOMMUFD_SVA_VIOMMU_TYPE_ARM_SMMUV3)
		return ERR_PTR(-EOPNOTSUPP);
	if (data)
		return ERR_PTR(-EINVAL);
	rc = smmu_can_nest(to_smmu_unit(unit), to_smmu_domain(parent));
	if (rc)
		return ERR_PTR(rc);
	sv = smmu_vunit_new(to_smmu_unit(unit));
	if (!sv)
		return ERR_PTR(-ENOMEM);
	rc = smmu_guest_tag_init(&sv->tag, sv->unit, to_smmu_domain(parent));
	if (rc) {
		smmu_vunit_destroy(sv);
		return ERR_PTR(rc);
	}
	return &sv->base;
}

static bool smmu_report_event(struct iommufd_sva_vunit *vunit, u32 vsid,
			      struct iommufd_sva_vevent_arm_smmuv3 vevent)
{
	int rc;

	vevent.evt[0] |= cpu_to_le64(FIELD_PREP(SMMUV3_EVENT_0_SID, vsid));
	rc = iommufd_sva_vunit_report_event(vunit, IOMMUFD_SVA_VEVENTQ_TYPE_ARM_SMMUV3,
					    &vevent, sizeof(vevent));
	/* What is lost in a full queue is counted there. */
	return !rc || rc == -ENOSPC;
}

/* At a glance, so that faults of other devices wait for nobody. */
static bool smmu_is_nested(struct smmu_unit *unit, u32 sid)
{
	struct smmu_master *sm;
	bool nested;

	spin_lock(&unit->streams_lock);
	sm = smmu_find_master(unit, sid);
	nested = sm && READ_ONCE(sm->nested);
	spin_unlock(&unit->streams_lock);
	return nested;
}

/* unit->lock keeps the vIOMMU and the device here. */
static bool smmu_try_report(struct smmu_unit *unit, u32 sid,
			    const struct iommufd_sva_vevent_arm_smmuv3 *vevent)
{
	struct iommufd_sva_vunit *vunit;
	struct smmu_master *sm;
	u64 vsid;

	lockdep_assert_held(&unit->lock);
	spin_lock(&unit->streams_lock);
	sm = smmu_find_master(unit, sid);
	spin_unlock(&unit->streams_lock);
	vunit = sm && sm->nested ? sm->nested->vunit : NULL;
	return vunit && iommufd_sva_vunit_name(vunit, sm->base, &vsid) &&
	       smmu_report_event(vunit, vsid, *vevent);
}

/**
 * smmu_guest_event - a fault that may concern a guest
 * @unit: the unit
 * @event: the fault
 * @record: the same as it came
 *
 * Context: the interrupt thread.
 * Return: whether the guest's VMM has it now. If not it is the host's.
 */
bool smmu_guest_event(struct smmu_unit *unit, const struct smmuv3_event *event,
		      const u64 *record)
{
	struct iommufd_sva_vevent_arm_smmuv3 vevent;
	bool told;

	if (!smmuv3_guest_event(record, vevent.evt) || !smmu_is_nested(unit, event->sid))
		return false;
	mutex_lock(&unit->lock);
	told = smmu_try_report(unit, event->sid, &vevent);
	mutex_unlock(&unit->lock);
	return told;
}
