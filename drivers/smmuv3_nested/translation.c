// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the requests of a device are set to.
 *
 * A device that was never taken has the entries that everybody has: its streams
 * pass. From the first translation that is not identity on, the entries of all its
 * streams are its own, until the device leaves us.
 *
 * Streams are things of their own: that of an alias (a bridge's) is shared by the
 * devices of an isolation set. It shows the entry of whichever was set last. When
 * that one is blocked or leaves it goes over to another one's that is not blocked:
 * what joins a set or goes from it blocks nobody else.
 *
 * What is cached is tagged with the VMID of the domain, not with the stream. A
 * device that leaves an address space that others go on using leaves nothing
 * behind; with the last one the VMID goes, and what is cached under it with that
 * (domain.c).
 */
#include <linux/slab.h>
#include "firmware.h"
#include "nested.h"
#include "smmuv3.h"

struct smmu_master *smmu_find_master(struct smmu_unit *unit, u32 sid)
{
	struct smmu_stream *stream = xa_load(&unit->streams, sid);
	struct smmu_stream_user *user;

	lockdep_assert_held(&unit->streams_lock);
	if (!stream)
		return NULL;
	if (stream->shown)
		return stream->shown;
	user = list_first_entry_or_null(&stream->users, struct smmu_stream_user, node);
	return user ? user->sm : NULL;
}

/* Streams in @streams have the entry of @sm, or pass (NULL) from now on. */
static int smmu_show(struct smmu_unit *unit, struct smmu_stream **streams,
		     unsigned int num, struct smmu_master *sm)
{
	u32 sids[IOMMUFD_SVA_MAX_RIDS];
	unsigned int changed = 0, i;
	struct smmuv3_ste ste;

	lockdep_assert_held(&unit->lock);
	if (sm)
		ste = sm->ste;
	else
		smmu_strtab_bypass(unit, &ste);

	spin_lock(&unit->streams_lock);
	for (i = 0; i < num; i++) {
		if (streams[i]->quarantined)
			continue;
		streams[i]->shown = sm;
		sids[changed++] = streams[i]->sid;
	}
	spin_unlock(&unit->streams_lock);
	return changed ? smmu_strtab_write(unit, sids, changed, &ste) : 0;
}

static unsigned int smmu_master_streams(struct smmu_master *sm, struct smmu_stream **streams)
{
	unsigned int i;

	for (i = 0; i < sm->num_sids; i++)
		streams[i] = sm->users[i].stream;
	return sm->num_sids;
}

/*
 * The hardware does not answer. To block a device and to let a blocked one pass
 * must not fail all the same: the first is brought about in the device then.
 */
static bool smmu_master_give_up(struct smmu_master *sm, enum smmuv3_config from,
				enum smmuv3_config to)
{
	if (to == SMMUV3_CONFIG_ABORT) {
		pci_clear_master(to_pci_dev(sm->base->dev));
		smmu_err(sm->unit, "device %s may not be blocked: bus mastering is switched off; reboot before anybody uses it\n",
			 dev_name(sm->base->dev));
		return true;
	}
	if (to == SMMUV3_CONFIG_BYPASS && from == SMMUV3_CONFIG_ABORT) {
		smmu_err(sm->unit, "device %s may stay blocked; reboot before anybody uses it\n",
			 dev_name(sm->base->dev));
		return true;
	}
	return false;
}

static bool smmu_master_is_open(struct smmu_master *sm)
{
	return sm->taken && smmuv3_ste_config(&sm->ste) != SMMUV3_CONFIG_ABORT;
}

/*
 * Who shows at @stream once @sm does not: another device that is taken, one that
 * is not blocked before one that is; or nobody.
 */
static struct smmu_master *smmu_stream_heir(struct smmu_stream *stream,
					    struct smmu_master *sm)
{
	struct smmu_master *heir = NULL;
	struct smmu_stream_user *user;

	list_for_each_entry(user, &stream->users, node) {
		if (user->sm == sm || !user->sm->taken)
			continue;
		if (smmu_master_is_open(user->sm))
			return user->sm;
		heir = heir ?: user->sm;
	}
	return heir;
}

/*
 * @sm is about to be blocked: what it shares goes to those that are not. @streams:
 * in and out: those that are left to it.
 */
static int smmu_master_hand_over(struct smmu_master *sm, struct smmu_stream **streams,
				 unsigned int *num)
{
	struct smmu_master *heir;
	unsigned int left = 0, i;
	int rc = 0;

	for (i = 0; i < *num; i++) {
		heir = smmu_stream_heir(streams[i], sm);
		if (heir && smmu_master_is_open(heir))
			rc = smmu_show(sm->unit, &streams[i], 1, heir) ?: rc;
		else
			streams[left++] = streams[i];
	}
	*num = left;
	return rc;
}

/*
 * Requests of @sm have @ste from now on. When this fails the hardware does not
 * answer; what it had before is put back as far as that is possible.
 */
static int smmu_master_show(struct smmu_master *sm, const struct smmuv3_ste *ste)
{
	struct smmu_stream *streams[IOMMUFD_SVA_MAX_RIDS];
	unsigned int num = smmu_master_streams(sm, streams), i;
	struct smmu_unit *unit = sm->unit;
	struct smmuv3_ste old = sm->ste;
	int rc = 0;

	if (smmuv3_ste_config(ste) == SMMUV3_CONFIG_ABORT)
		rc = smmu_master_hand_over(sm, streams, &num);
	sm->ste = *ste;
	sm->taken = true;
	spin_lock(&unit->streams_lock);
	for (i = 0; i < sm->num_sids; i++)
		list_move(&sm->users[i].node, &sm->users[i].stream->users);
	spin_unlock(&unit->streams_lock);
	rc = smmu_show(unit, streams, num, sm) ?: rc;
	if (!rc || smmu_master_give_up(sm, smmuv3_ste_config(&old), smmuv3_ste_config(ste)))
		return 0;

	sm->ste = old;
	smmu_show(unit, streams, num, sm);
	return rc;
}

/*
 * What the entry is that @plain comes to. A device that does not answer invalidations may
 * have something in its ATC that it must not use, although nobody has cut it off yet.
 */
static struct smmuv3_ste smmu_master_ste(struct smmu_master *sm,
					 const struct smmuv3_ste *plain)
{
	struct smmuv3_host host = sm->host;
	struct smmuv3_ste ste = *plain;

	if (READ_ONCE(sm->silent))
		host.eats = SMMUV3_EATS_ABORT;
	smmuv3_set_host(&ste, &host);
	return ste;
}

int smmu_master_set_host(struct smmu_master *sm, const struct smmuv3_host *host)
{
	struct smmuv3_ste ste;

	lockdep_assert_held(&sm->unit->lock);
	sm->host = *host;
	ste = smmu_master_ste(sm, &sm->plain);
	return memcmp(&ste, &sm->ste, sizeof(ste)) ? smmu_master_show(sm, &ste) : 0;
}

/* Make the entry of @trans, but for what the host says of the device, joining its domain. */
static int smmu_translation_join(struct smmu_master *sm,
				 const struct iommufd_sva_translation *trans,
				 struct smmuv3_ste *ste)
{
	struct smmu_unit *unit = sm->unit;
	struct smmuv3_s2_cfg s2;
	u16 vmid;
	int rc;

	switch (trans->type) {
	case IOMMUFD_SVA_TRANS_BLOCKED:
		smmuv3_make_abort_ste(ste);
		return 0;
	case IOMMUFD_SVA_TRANS_IDENTITY:
		smmu_strtab_bypass(unit, ste);
		return 0;
	case IOMMUFD_SVA_TRANS_STAGE2:
		rc = smmu_domain_join(to_smmu_domain(trans->domain), sm, &vmid);
		if (rc)
			return rc;
		s2 = smmu_domain_s2_cfg(to_smmu_domain(trans->domain), unit, vmid);
		smmuv3_make_s2_ste(ste, &s2);
		return 0;
	case IOMMUFD_SVA_TRANS_NESTED:
		return smmu_nested_join(sm, trans->nested, ste);
	}
	return -EOPNOTSUPP;
}

static void smmu_translation_leave(struct smmu_master *sm,
				   const struct iommufd_sva_translation *trans)
{
	if (trans->type == IOMMUFD_SVA_TRANS_STAGE2)
		smmu_domain_leave(to_smmu_domain(trans->domain), sm);
	if (trans->type == IOMMUFD_SVA_TRANS_NESTED)
		smmu_nested_leave(sm, trans->nested);
}

/* Nothing of what the device went through until now is in its ATC any more. */
static void smmu_master_forget_old(struct smmu_master *sm)
{
	if (!smmu_atc_flush(sm))
		return;
	pci_clear_master(to_pci_dev(sm->base->dev));
	smmu_err(sm->unit, "device %s may use what its ATC holds: bus mastering is switched off; reboot before anybody uses it\n",
		 dev_name(sm->base->dev));
}

/*
 * What can stall does from the first moment on that something with a fault queue is shown,
 * which is before pri_set(): a context descriptor of the guest's that says so is illegal
 * until it may (5.5).
 */
static void smmu_master_let_stall(struct smmu_master *sm,
				  const struct iommufd_sva_translation *new)
{
	sm->host.stall = sm->base->pri.stall && (new->fault || sm->base->pri.on);
	sm->stalls |= sm->host.stall;
}

/**
 * smmu_set_translation - see iommufd_sva_backend_ops
 * @master: the device
 * @pasid: IOMMUFD_SVA_NO_PASID
 * @new: from now on
 * @old: until now
 *
 * Context: under master->lock; may sleep.
 * Return: 0; -EOPNOTSUPP with a PASID; -EINVAL when the domain does not fit the
 * unit; -ENOSPC when the unit has no VMID left; -ENOMEM; -EIO when the hardware
 * does not answer.
 */
int smmu_set_translation(struct iommufd_sva_master *master, u32 pasid,
			 const struct iommufd_sva_translation *new,
			 const struct iommufd_sva_translation *old)
{
	struct smmu_master *sm = to_smmu_master(master);
	struct smmu_unit *unit = sm->unit;
	struct smmuv3_host host = sm->host;
	struct smmuv3_ste plain, ste;
	int rc;

	if (pasid != IOMMUFD_SVA_NO_PASID)
		return -EOPNOTSUPP;

	mutex_lock(&unit->lock);
	rc = smmu_translation_join(sm, new, &plain);
	if (rc)
		goto out;
	smmu_master_let_stall(sm, new);
	ste = smmu_master_ste(sm, &plain);
	if (new->type != IOMMUFD_SVA_TRANS_IDENTITY || sm->taken)
		rc = smmu_master_show(sm, &ste);
	if (!rc) {
		sm->plain = plain;
		WRITE_ONCE(sm->nested, new->nested);
		smmu_master_forget_old(sm);
	} else {
		sm->host = host;
	}
	smmu_translation_leave(sm, rc ? new : old);
out:
	mutex_unlock(&unit->lock);
	if (!rc && new->type == IOMMUFD_SVA_TRANS_BLOCKED)
		smmu_stall_term(sm);
	return rc;
}

static struct smmu_stream *smmu_stream_get(struct smmu_unit *unit, u32 sid)
{
	struct smmu_stream *stream = xa_load(&unit->streams, sid);
	int rc;

	if (stream)
		return stream;
	stream = kzalloc(sizeof(*stream), GFP_KERNEL);
	if (!stream)
		return ERR_PTR(-ENOMEM);
	stream->sid = sid;
	INIT_LIST_HEAD(&stream->users);
	rc = xa_err(xa_store(&unit->streams, sid, stream, GFP_KERNEL));
	if (rc) {
		kfree(stream);
		return ERR_PTR(rc);
	}
	return stream;
}

static int smmu_master_add_stream(struct smmu_master *sm, u32 sid)
{
	struct smmu_unit *unit = sm->unit;
	struct smmu_stream_user *user;
	struct smmu_stream *stream;
	int rc;

	rc = smmu_strtab_reserve(unit, sid);
	if (rc == -ERANGE)
		smmu_err(unit, "device %s has stream ID %#x by firmware, more than the stream table holds: its DMA does not get through\n",
			 dev_name(sm->base->dev), sid);
	if (rc)
		return rc;
	stream = smmu_stream_get(unit, sid);
	if (IS_ERR(stream))
		return PTR_ERR(stream);
	if (stream->quarantined) {
		smmu_err(unit, "stream %#x of device %s stays blocked after a reset that failed: reload smmuv3_nested to use it again\n",
			 sid, dev_name(sm->base->dev));
		return -EBUSY;
	}
	user = &sm->users[sm->num_sids];
	sm->sids[sm->num_sids++] = sid;
	user->sm = sm;
	user->stream = stream;
	spin_lock(&unit->streams_lock);
	list_add_tail(&user->node, &stream->users);
	spin_unlock(&unit->streams_lock);
	return 0;
}

static void smmu_master_free(struct smmu_master *sm)
{
	unsigned int i;

	spin_lock(&sm->unit->streams_lock);
	for (i = 0; i < sm->num_sids; i++)
		list_del(&sm->users[i].node);
	spin_unlock(&sm->unit->streams_lock);
	kfree(sm);
}

/**
 * smmu_master_init - a device joins, at identity
 * @master: the device
 *
 * Everything that translations of it need is allocated here; its streams go on
 * passing.
 *
 * Return: 0; -EBUSY when one of its streams is in quarantine; -ERANGE when one is
 * not in the stream table; -ENODEV when firmware knows none; -ENOMEM.
 */
int smmu_master_init(struct iommufd_sva_master *master)
{
	struct smmu_unit *unit = to_smmu_unit(master->unit);
	u32 sids[IOMMUFD_SVA_MAX_RIDS];
	struct smmu_master *sm;
	int num, i, rc = 0;

	num = smmuv3_fw_streams(unit, to_pci_dev(master->dev), sids, ARRAY_SIZE(sids));
	if (num <= 0)
		return num ?: -ENODEV;
	sm = kzalloc(sizeof(*sm), GFP_KERNEL);
	if (!sm)
		return -ENOMEM;
	sm->base = master;
	sm->unit = unit;
	sm->host.stall_choice = smmu_stall_choice(unit);
	smmu_atc_init(sm);
	smmu_strtab_bypass(unit, &sm->plain);
	sm->ste = sm->plain;

	mutex_lock(&unit->lock);
	for (i = 0; i < num && !rc; i++)
		rc = smmu_master_add_stream(sm, sids[i]);
	if (rc)
		smmu_master_free(sm);
	else
		master->priv = sm;
	mutex_unlock(&unit->lock);
	return rc;
}

/* Whatever @sm shows at goes to an heir or passes. */
static void smmu_master_withdraw(struct smmu_master *sm)
{
	unsigned int i;

	for (i = 0; i < sm->num_sids; i++) {
		struct smmu_stream *stream = sm->users[i].stream;

		if (stream->shown == sm)
			smmu_show(sm->unit, &stream, 1, smmu_stream_heir(stream, sm));
	}
}

/* The streams that show @sm, blocked, do so until the unit is handed back. */
static void smmu_master_quarantine(struct smmu_master *sm)
{
	unsigned int i;

	spin_lock(&sm->unit->streams_lock);
	for (i = 0; i < sm->num_sids; i++) {
		struct smmu_stream *stream = sm->users[i].stream;

		if (stream->shown != sm)
			continue;
		stream->shown = NULL;
		stream->quarantined = true;
	}
	spin_unlock(&sm->unit->streams_lock);
}

/**
 * smmu_master_release - a device goes
 * @master: at identity, or blocked with @quarantine
 * @quarantine: its streams stay blocked until the unit is handed back
 */
void smmu_master_release(struct iommufd_sva_master *master, bool quarantine)
{
	struct smmu_master *sm = to_smmu_master(master);
	struct smmu_unit *unit = sm->unit;

	mutex_lock(&unit->lock);
	if (quarantine)
		smmu_master_quarantine(sm);
	else
		smmu_master_withdraw(sm);
	smmu_master_free(sm);
	master->priv = NULL;
	mutex_unlock(&unit->lock);
}

/* The hardware looks at nothing any more; no device is left. */
void smmu_streams_free(struct smmu_unit *unit)
{
	struct smmu_stream *stream;
	unsigned long sid;

	xa_for_each(&unit->streams, sid, stream) {
		xa_erase(&unit->streams, sid);
		WARN_ON(!list_empty(&stream->users));
		kfree(stream);
	}
}
