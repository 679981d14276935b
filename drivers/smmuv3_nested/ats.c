// SPDX-License-Identifier: GPL-2.0-only
/*
 * ATS: translations that devices cache themselves (3.9.1), in their ATCs, and that
 * CMD_ATC_INV takes from there (4.5).
 *
 * Who invalidates knows from a list which devices may have cached anything of what has
 * changed, whether their ATS is on or not: a device is in it from before its streams
 * lead there until nothing of that can be in its ATC. Lists are of tags, under the
 * units_rwsem of their domain. Which of the devices a command is sent to is decided
 * by whether ATS is on, which unit->ats_rwsem protects: whoever invalidates holds it
 * from before he does so in the unit itself until the hardware has answered. So either
 * a device that gets ATS finds nothing that was there before, or it is told.
 *
 * What the unit has cached goes first, with a CMD_SYNC of its own: an ATC that is
 * empty may be filled from there at once.
 *
 * EATS is set in the entry of a device from before ATS is switched on in it until after
 * it is off. A device that does not answer may go on with what it has; so its entry
 * loses EATS, which has the unit refuse what claims to be translated already
 * (CR0.ATSCHK), and it is told of nothing before ATS is switched on anew.
 */
#include "firmware.h"
#include "nested.h"

/* See iommufd_sva_backend_ops. */
bool smmu_ats_capable(struct iommufd_sva_master *master)
{
	struct smmu_unit *unit = to_smmu_unit(master->unit);

	return (unit->idr[0] & SMMUV3_IDR0_ATS) &&
	       smmuv3_fw_ats(unit, to_pci_dev(master->dev));
}

/* --- lists ---------------------------------------------------------------- */

void smmu_atc_init(struct smmu_master *sm)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sm->atcs); i++) {
		sm->atcs[i].sm = sm;
		INIT_LIST_HEAD(&sm->atcs[i].node);
	}
}

/* @sm is going to be able to cache what the devices in @list do. */
void smmu_atc_join(struct smmu_master *sm, struct list_head *list)
{
	struct smmu_atc *atc = &sm->atcs[0];

	if (!sm->base->ats.supported)
		return;
	/* One is what it goes to, the other what it comes from. */
	if (!list_empty(&atc->node))
		atc = &sm->atcs[1];
	WARN_ON(!list_empty(&atc->node));
	list_add_tail(&atc->node, list);
}

/* Nothing of that can be in its ATC any more. */
void smmu_atc_leave(struct smmu_master *sm, struct list_head *list)
{
	struct smmu_atc *atc;

	list_for_each_entry(atc, list, node) {
		if (atc->sm != sm)
			continue;
		list_del_init(&atc->node);
		return;
	}
}

/* --- commands ------------------------------------------------------------- */

/* Is @sm to be sent what it may have cached? unit->ats_rwsem is held. */
bool smmu_atc_is_on(struct smmu_master *sm)
{
	lockdep_assert_held(&sm->unit->ats_rwsem);
	return sm->base->ats.on && !READ_ONCE(sm->silent) &&
	       !iommufd_sva_master_is_gone(sm->base);
}

/* After what was added before has completed, @cmd for each of @sm's streams. */
static void smmu_atc_add(struct smmu_cmdq_batch *batch, struct smmu_master *sm,
			 struct smmuv3_cmd cmd)
{
	unsigned int i;

	smmu_cmdq_batch_order(batch);
	for (i = 0; i < sm->num_sids; i++) {
		smmuv3_cmd_set_sid(&cmd, sm->sids[i]);
		smmu_cmdq_batch_add(batch, cmd);
	}
}

/*
 * Everything that @sm has cached. A command without a substream may go for those
 * translations alone that were asked for without one (PCIe 10.3.8).
 */
static void smmu_atc_add_all(struct smmu_cmdq_batch *batch, struct smmu_master *sm)
{
	smmu_atc_add(batch, sm, smmuv3_make_atc_inv(0, SMMUV3_NO_SSID, 0,
						    SMMUV3_ATC_SIZE_ALL));
	if (sm->base->pasid_bits)
		smmu_atc_add(batch, sm, smmuv3_make_atc_inv_global(0, 0,
								   SMMUV3_ATC_SIZE_ALL));
}

/**
 * smmu_atc_add_range - invalidate what devices may have cached of some addresses
 * @batch: where to, after what invalidates the unit's own caches
 * @list: the devices, which know these addresses and have no substreams
 * @start: the first
 * @last: the last
 */
void smmu_atc_add_range(struct smmu_cmdq_batch *batch, const struct list_head *list,
			u64 start, u64 last)
{
	unsigned int size = smmuv3_atc_size(&start, last);
	struct smmu_atc *atc;

	list_for_each_entry(atc, list, node)
		if (smmu_atc_is_on(atc->sm))
			smmu_atc_add(batch, atc->sm,
				     smmuv3_make_atc_inv(0, SMMUV3_NO_SSID, start, size));
}

/* All that the devices of @list have: they know other addresses, a guest's. */
void smmu_atc_add_list(struct smmu_cmdq_batch *batch, const struct list_head *list)
{
	struct smmu_atc *atc;

	list_for_each_entry(atc, list, node)
		if (smmu_atc_is_on(atc->sm))
			smmu_atc_add_all(batch, atc->sm);
}

/* --- who does not answer -------------------------------------------------- */

static int smmu_atc_flush_one(struct smmu_master *sm)
{
	struct smmu_cmdq_batch batch;
	int rc;

	smmu_cmdq_batch_init(&batch, sm->unit);
	smmu_atc_add_all(&batch, sm);
	rc = smmu_cmdq_batch_submit(&batch);
	if (rc == -ETIMEDOUT)
		WRITE_ONCE(sm->silent, true);
	return rc;
}

/*
 * Of a batch for several devices nobody knows whom the CMD_SYNC that ended in an error
 * had waited for: ask each of @list again. Whoever was asked is silent now or has
 * nothing left.
 */
int smmu_atc_find_silent(const struct list_head *list)
{
	struct smmu_atc *atc;
	int rc = 0, one;

	list_for_each_entry(atc, list, node) {
		if (!smmu_atc_is_on(atc->sm))
			continue;
		one = smmu_atc_flush_one(atc->sm);
		if (one != -ETIMEDOUT)
			rc = one ?: rc;
	}
	return rc;
}

/* Has a device of @list something cached that it uses, and does not answer? */
bool smmu_atc_any_silent(const struct list_head *list)
{
	struct smmu_atc *atc;

	list_for_each_entry(atc, list, node)
		/* Pairs with smmu_atc_cut_off_one(): what follows does after the cut. */
		if (READ_ONCE(atc->sm->silent) && !smp_load_acquire(&atc->sm->cut_off))
			return true;
	return false;
}

/* EATS of the entry of @sm. Under unit->lock. */
static int smmu_set_eats(struct smmu_master *sm, enum smmuv3_eats eats)
{
	struct smmuv3_host host = sm->host;

	host.eats = eats;
	return smmu_master_set_host(sm, &host);
}

static int smmu_atc_cut_off_one(struct smmu_master *sm)
{
	int rc;

	if (!READ_ONCE(sm->silent) || sm->cut_off)
		return 0;
	dev_err(sm->base->dev,
		"smmuv3_nested: does not answer invalidations of its ATC: it goes on without ATS; reset it\n");
	rc = smmu_set_eats(sm, SMMUV3_EATS_ABORT);
	if (rc)
		return rc;
	/* Pairs with smmu_atc_any_silent(). */
	smp_store_release(&sm->cut_off, true);
	return 0;
}

/**
 * smmu_atc_cut_off - devices that do not answer use no translation of theirs any more
 * @unit: of the devices
 *
 * Before what was to be invalidated may be anything else.
 *
 * Return: 0 or an errno: the unit does not answer either.
 */
int smmu_atc_cut_off(struct smmu_unit *unit)
{
	struct smmu_stream_user *user;
	struct smmu_stream *stream;
	unsigned long sid;
	int rc = 0;

	mutex_lock(&unit->lock);
	xa_for_each(&unit->streams, sid, stream)
		list_for_each_entry(user, &stream->users, node)
			rc = smmu_atc_cut_off_one(user->sm) ?: rc;
	mutex_unlock(&unit->lock);
	return rc;
}

/*
 * The streams of @sm show something else than they did: nothing of that is in its ATC
 * from now on, or is of any use there. Its answer comes after what it has sent before.
 * Under unit->lock.
 */
int smmu_atc_flush(struct smmu_master *sm)
{
	int rc = 0;

	lockdep_assert_held(&sm->unit->lock);
	down_read(&sm->unit->ats_rwsem);
	if (smmu_atc_is_on(sm))
		rc = smmu_atc_flush_one(sm);
	up_read(&sm->unit->ats_rwsem);
	return rc == -ETIMEDOUT ? smmu_atc_cut_off_one(sm) : rc;
}

/* --- on and off ----------------------------------------------------------- */

static int smmu_ats_on(struct smmu_master *sm)
{
	int rc;

	rc = smmu_set_eats(sm, SMMUV3_EATS_FULL);
	if (rc)
		goto err;
	down_write(&sm->unit->ats_rwsem);
	rc = iommufd_sva_ats_enable(sm->base);
	up_write(&sm->unit->ats_rwsem);
	if (rc)
		goto err;
	return 0;

err:
	smmu_set_eats(sm, SMMUV3_EATS_ABORT);
	return rc;
}

static void smmu_ats_off(struct smmu_master *sm)
{
	down_write(&sm->unit->ats_rwsem);
	iommufd_sva_ats_disable(sm->base);
	sm->silent = false;
	sm->cut_off = false;
	up_write(&sm->unit->ats_rwsem);
	smmu_set_eats(sm, SMMUV3_EATS_ABORT);
}

/**
 * smmu_ats_set - see iommufd_sva_backend_ops
 * @master: the device
 * @on: switch its ATS on, else off, which does not fail
 *
 * Return: 0; -EIO when the hardware does not answer; what the PCI core says.
 */
int smmu_ats_set(struct iommufd_sva_master *master, bool on)
{
	struct smmu_master *sm = to_smmu_master(master);
	int rc = 0;

	mutex_lock(&sm->unit->lock);
	if (on)
		rc = smmu_ats_on(sm);
	else
		smmu_ats_off(sm);
	mutex_unlock(&sm->unit->lock);
	return rc;
}
