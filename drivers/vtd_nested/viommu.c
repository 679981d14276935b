// SPDX-License-Identifier: GPL-2.0-only
/*
 * vIOMMUs: a guest's share of a unit. Its domain IDs are its own: each that its PASID
 * tables use is another one on the unit, so that everything it asks to be invalidated
 * is its own, and what it has under one ID on many devices costs one command.
 *
 * A guest's descriptors are read once, checked one by one (guest.c), and go to the
 * hardware as many at a time as fit: one write of the tail and one wait for all.
 */
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include "nested.h"

/* 16 bits, and the device is behind this unit. */
static int vtd_vsid_check(struct iommufd_sva_vunit *vunit, u64 vsid,
			  struct iommufd_sva_master *master)
{
	if (vsid > U16_MAX || master->unit != vunit->unit)
		return -EINVAL;
	return 0;
}

/* --- domain IDs -------------------------------------------------------- */

static struct vtd_desc vtd_make_pasid_cache(u16 did, void *arg)
{
	return vtd_make_pasid_cache_domain(did);
}

static struct vtd_desc vtd_make_domain(u16 did, void *arg)
{
	struct vtd_vunit *vv = arg;

	return vtd_make_iotlb_domain(did, vv->unit->cap & VTD_CAP_DRD,
				     vv->unit->cap & VTD_CAP_DWD);
}

/* What @make makes of the domain IDs that nothing uses, into the batch: how many. */
static unsigned int vtd_vunit_add_idle(struct vtd_vunit *vv,
				       struct vtd_desc (*make)(u16 did, void *arg))
{
	struct vtd_guest_did *gd;
	unsigned int num = 0;
	unsigned long gdid;

	xa_for_each(&vv->dids, gdid, gd) {
		if (gd->users)
			continue;
		vtd_batch_add(&vv->batch, make(gd->tag.did, vv));
		num++;
	}
	return num;
}

/*
 * Take those that nothing uses from the guest, with nothing cached under them (table 28,
 * re-use). All of them for one wait: a guest may want others all the time.
 */
static int vtd_vunit_reclaim_dids(struct vtd_vunit *vv)
{
	struct vtd_guest_did *gd;
	unsigned long gdid;
	int rc;

	/* Behind what tells the hardware of entries that no longer have them. */
	if (!vtd_vunit_add_idle(vv, vtd_make_pasid_cache))
		return -ENOSPC;
	vtd_vunit_add_idle(vv, vtd_make_domain);
	rc = vtd_vunit_submit(vv);
	if (rc)
		return rc;
	xa_for_each(&vv->dids, gdid, gd) {
		if (gd->users)
			continue;
		xa_erase(&vv->dids, gdid);
		list_add(&gd->node, &vv->free_dids);
	}
	return 0;
}

/* One more, if the guest may have it. */
static int vtd_vunit_add_did(struct vtd_vunit *vv)
{
	struct vtd_guest_did *gd;
	int rc;

	if (vv->num_dids == min(VTD_GUEST_DIDS, vtd_unit_max_did(vv->unit) / 8))
		return -ENOSPC;
	gd = kzalloc(sizeof(*gd), IOMMUFD_SVA_GFP_USER);
	if (!gd)
		return -ENOMEM;
	rc = vtd_tag_init(&gd->tag, vv->unit, vv->parent, vv->base.tags);
	if (rc) {
		kfree(gd);
		return rc;
	}
	list_add(&gd->node, &vv->free_dids);
	vv->num_dids++;
	return 0;
}

static struct vtd_guest_did *vtd_vunit_new_did(struct vtd_vunit *vv)
{
	struct vtd_guest_did *gd;
	int rc = 0;

	if (list_empty(&vv->free_dids))
		rc = vtd_vunit_add_did(vv);
	if (rc == -ENOSPC)
		rc = vtd_vunit_reclaim_dids(vv);
	if (rc)
		return ERR_PTR(rc);
	gd = list_first_entry(&vv->free_dids, struct vtd_guest_did, node);
	list_del(&gd->node);
	return gd;
}

static void vtd_vunit_free_did(struct vtd_vunit *vv, struct vtd_guest_did *gd)
{
	vtd_tag_fini(&gd->tag);
	vv->num_dids--;
	kfree(gd);
}

static void vtd_vunit_free_dids(struct vtd_vunit *vv)
{
	struct vtd_guest_did *gd, *next;
	unsigned long gdid;

	xa_for_each(&vv->dids, gdid, gd) {
		xa_erase(&vv->dids, gdid);
		vtd_vunit_free_did(vv, gd);
	}
	list_for_each_entry_safe(gd, next, &vv->free_dids, node) {
		list_del(&gd->node);
		vtd_vunit_free_did(vv, gd);
	}
}

/**
 * vtd_vunit_get_did - another entry is going to have a domain ID of the guest's
 * @vv: the guest; tables_lock is held
 * @gdid: the ID
 * @did: out: what it is on the unit
 *
 * Return: 0; -ENOSPC when the guest or the unit has none left; -ENOMEM; -EIO.
 */
int vtd_vunit_get_did(struct vtd_vunit *vv, u16 gdid, u16 *did)
{
	struct vtd_guest_did *gd = xa_load(&vv->dids, gdid);
	int rc;

	lockdep_assert_held(&vv->tables_lock);
	if (!gd) {
		gd = vtd_vunit_new_did(vv);
		if (IS_ERR(gd))
			return PTR_ERR(gd);
		gd->gdid = gdid;
		rc = xa_err(xa_store(&vv->dids, gdid, gd, IOMMUFD_SVA_GFP_USER));
		if (rc) {
			list_add(&gd->node, &vv->free_dids);
			return rc;
		}
	}
	gd->users++;
	*did = gd->tag.did;
	return 0;
}

/* That entry is no more. */
void vtd_vunit_put_did(struct vtd_vunit *vv, u16 gdid)
{
	struct vtd_guest_did *gd = xa_load(&vv->dids, gdid);

	lockdep_assert_held(&vv->tables_lock);
	if (!WARN_ON_ONCE(!gd || !gd->users))
		gd->users--;
}

/* --- invalidations ----------------------------------------------------- */

/* The hardware has forgotten what the tables said before what they say now. */
static void vtd_vunit_settle(struct vtd_vunit *vv)
{
	vv->stale = false;
	vv->epoch++;
	vtd_shadow_settle(vv);
}

static bool vtd_guest_is_silent(struct vtd_vunit *vv, const struct vtd_guest_desc *guest)
{
	struct iommufd_sva_vsid_entry *name;
	bool silent;

	if (guest->type != VTD_DESC_DEV_TLB && guest->type != VTD_DESC_PASID_DEV_TLB)
		return false;
	down_read(&vv->base.vsids_lock);
	name = xa_load(&vv->base.vsids, guest->sid);
	silent = name && name->master && vtd_ats_is_silent(name->master);
	up_read(&vv->base.vsids_lock);
	return silent;
}

/* Some device did not answer: the guest hears of it if it asked that one itself. */
static void vtd_guest_find_silent(struct vtd_vunit *vv)
{
	unsigned int i;

	for (i = 0; i < vv->num_passed && vv->silent == ~0U; i++)
		if (vtd_guest_is_silent(vv, &vv->descs[i]))
			vv->silent = i;
}

/* What has been collected goes to the hardware, device-TLBs last. */
static int vtd_vunit_flush(struct vtd_vunit *vv)
{
	int rc;

	if (vv->flush_dev_tlbs)
		vtd_shadow_add_dev_tlbs(vv);
	vv->flush_dev_tlbs = false;
	rc = vtd_batch_submit(&vv->batch);
	if (rc != -ETIMEDOUT)
		return rc;
	vtd_guest_find_silent(vv);
	mutex_lock(&vv->unit->lock);
	rc = vtd_ats_cut_off(vv->unit);
	mutex_unlock(&vv->unit->lock);
	vv->batch.error = rc;
	return rc;
}

/**
 * vtd_vunit_begin - a guest's tables are going to be changed, or its caches invalidated
 * @vv: the guest; tables_lock is held
 *
 * Nobody knows any more what an invalidation that failed was about, so all of the
 * guest's is invalidated before anything else is.
 *
 * Return: 0; -EIO, and nothing may be changed.
 */
int vtd_vunit_begin(struct vtd_vunit *vv)
{
	int rc;

	lockdep_assert_held(&vv->tables_lock);
	vtd_unit_flush_write_buffer(vv->unit);
	vv->batch.error = 0;
	vv->num_flushed = 0;
	vv->num_passed = 0;
	vv->silent = ~0U;
	if (!vv->stale)
		return 0;
	/* That entries were absent is cached under domain ID 0 (6.1). */
	if (vv->unit->cap & VTD_CAP_CM)
		vtd_batch_add(&vv->batch, vtd_make_pasid_cache_domain(0));
	rc = vtd_batch_submit(&vv->batch) ?: vtd_domain_flush_unit(vv->parent, vv->unit);
	vv->flush_dev_tlbs = true;
	rc = vtd_vunit_flush(vv) ?: rc;
	if (!rc)
		vtd_vunit_settle(vv);
	return rc;
}

/* What has been collected takes effect. */
int vtd_vunit_submit(struct vtd_vunit *vv)
{
	int rc;

	lockdep_assert_held(&vv->tables_lock);
	rc = vtd_vunit_flush(vv);
	if (rc)
		vv->stale = true;
	else
		vtd_vunit_settle(vv);
	return rc;
}

static struct vtd_desc vtd_make_pasid_iotlb(u16 did, void *arg)
{
	const struct vtd_guest_desc *guest = arg;

	if (guest->g == VTD_PASID_IOTLB_ALL)
		return vtd_make_pasid_iotlb_all(did, guest->pasid);
	return vtd_make_pasid_iotlb_pages(did, guest->pasid, guest->addr, guest->am, guest->ih);
}

/*
 * One command for each domain ID that the guest's stands for: the vIOMMU's, and those
 * of tables that had to have their own.
 */
static void vtd_guest_add(struct vtd_vunit *vv, u16 gdid,
			  struct vtd_desc (*make)(u16 did, void *arg), void *arg)
{
	struct vtd_guest_did *gd = xa_load(&vv->dids, gdid);

	if (vv->flushed)
		return;
	if (gd)
		vtd_batch_add(&vv->batch, make(gd->tag.did, arg));
	vtd_shadow_add_own(vv, make, arg);
}

/*
 * 6.5.2.3. By page is all of the domain too: what the guest has under its domain IDs
 * is first stage (table 23).
 */
static void vtd_guest_iotlb(struct vtd_vunit *vv, const struct vtd_guest_desc *guest)
{
	struct vtd_guest_did *gd;
	unsigned long gdid;

	if (guest->g != VTD_IOTLB_GLOBAL) {
		vtd_guest_add(vv, guest->did, vtd_make_domain, vv);
		return;
	}
	if (vv->flushed)
		return;
	xa_for_each(&vv->dids, gdid, gd)
		vtd_batch_add(&vv->batch, vtd_make_domain(gd->tag.did, vv));
	vtd_shadow_add_own(vv, vtd_make_domain, vv);
	vv->flushed = true;
}

/* What is named by PASID, one by one. */
static int vtd_guest_reread_pasids(struct vtd_vunit *vv, unsigned int num)
{
	struct vtd_shadow_names names = { };
	unsigned int i;
	int rc = 0;

	for (i = 0; i < num && !rc; i++) {
		if (vv->descs[i].type != VTD_DESC_PASID_CACHE ||
		    vv->descs[i].g != VTD_PASID_CACHE_PASID)
			continue;
		names.pasid = vv->descs[i].pasid;
		names.did = vv->descs[i].did;
		rc = vtd_shadow_reread(vv, &names);
	}
	return rc;
}

/*
 * What the first @num of vunit->descs say of the PASID cache. It comes before what they
 * say of other caches, as it has to (6.2.3.1), and what several of them name is read
 * once: the guest had written all of them, after the entries that they are about, when
 * it told its VMM. For the same reason all of the tables is read at most twice in one
 * HWPT_INVALIDATE, the second time whatever it names: after that nothing is left.
 */
static int vtd_guest_reread(struct vtd_vunit *vv, unsigned int num)
{
	struct vtd_shadow_names names = { .pasid = ~0U, .dids = vv->named };
	bool named = false;
	unsigned int i;
	int rc;

	if (vv->read_all)
		return 0;
	bitmap_zero(vv->named, VTD_DIDS);
	for (i = 0; i < num; i++) {
		if (vv->descs[i].type != VTD_DESC_PASID_CACHE)
			continue;
		names.any_did |= vv->descs[i].g == VTD_PASID_CACHE_GLOBAL;
		if (vv->descs[i].g != VTD_PASID_CACHE_DOMAIN)
			continue;
		__set_bit(vv->descs[i].did, vv->named);
		named = true;
	}
	names.any_did |= named && vv->read_named;
	if (named || names.any_did) {
		rc = vtd_shadow_reread(vv, &names);
		if (rc)
			return rc;
		vv->read_named = true;
		vv->read_all = names.any_did;
	}
	return vv->read_all ? 0 : vtd_guest_reread_pasids(vv, num);
}

/* What @guest comes to for the device-TLB of @master, which it names. */
static void vtd_guest_add_dev_tlb(struct vtd_batch *batch, struct iommufd_sva_master *master,
				  const struct vtd_guest_desc *guest)
{
	if (guest->type == VTD_DESC_DEV_TLB)
		vtd_ats_add_rid(batch, master, guest->addr, guest->am);
	else if (guest->g)
		vtd_ats_add_pasids(batch, master, guest->addr, guest->am);
	else
		vtd_ats_add_pasid(batch, master, guest->pasid, guest->addr, guest->am);
}

/*
 * A device-TLB. The lock is held no longer than it takes to find out whose: who removes
 * a device waits for it, and the hardware may take its time.
 */
static int vtd_guest_dev_tlb(struct vtd_vunit *vv, const struct vtd_guest_desc *guest)
{
	struct iommufd_sva_vsid_entry *name;
	struct vtd_batch one;
	struct vtd_desc desc;

	if (vv->alone)
		return 0;
	vtd_batch_init(&one, vv->unit, &desc, 1);
	down_read(&vv->base.vsids_lock);
	name = xa_load(&vv->base.vsids, guest->sid);
	/* A guest may be taking its leave of one that was pulled out. */
	if (name && name->master)
		vtd_guest_add_dev_tlb(&one, name->master, guest);
	up_read(&vv->base.vsids_lock);
	if (one.num)
		vtd_batch_add(&vv->batch, desc);
	return name ? 0 : -EIO;
}

/*
 * A group of page requests that waits for an answer: is it one of @master, and is it the
 * caller's to answer now? What the guest takes for a failure is an invalid request:
 * Response Failure would switch off the page requests of the whole device, its physical
 * function's and those of all others, and only its host can switch them on again
 * (PCIe 10.4.2.1). Codes that are reserved a device takes for that as well.
 */
static bool vtd_guest_take(struct iommufd_sva_master *master,
			   const struct vtd_guest_desc *guest,
			   struct iommufd_sva_page_response *answer)
{
	*answer = (struct iommufd_sva_page_response){
		.master = master,
		.pasid = guest->pp ? guest->pasid : IOMMUFD_SVA_NO_PASID,
		.grpid = guest->prgi,
	};
	if (!iommufd_sva_page_group_take(answer))
		return false;
	answer->code = guest->rc == VTD_RESPONSE_SUCCESS ? IOMMUFD_SVA_PAGE_RESP_SUCCESS :
							   IOMMUFD_SVA_PAGE_RESP_INVALID;
	return true;
}

/*
 * A page-group response. One that nobody waits for (the VMM has answered, or nobody did
 * in time) a device would discard (7.9), so it does no harm; but the index may be
 * another group's by now, so it is not passed on.
 */
static int vtd_guest_page_response(struct vtd_vunit *vv, const struct vtd_guest_desc *guest)
{
	struct iommufd_sva_page_response answer;
	struct iommufd_sva_vsid_entry *name;
	bool taken;

	/* Behind what was asked for before it. */
	if (vv->flush_dev_tlbs)
		vtd_shadow_add_dev_tlbs(vv);
	vv->flush_dev_tlbs = false;
	down_read(&vv->base.vsids_lock);
	name = xa_load(&vv->base.vsids, guest->sid);
	taken = name && name->master && vtd_guest_take(name->master, guest, &answer);
	up_read(&vv->base.vsids_lock);
	if (!taken) {
		atomic64_inc(&vv->unit->prq.unmatched);
		return name || vv->alone ? 0 : -EIO;
	}
	vv->answered[vv->num_answered++] = answer.master;
	if (!iommufd_sva_master_is_gone(answer.master)) {
		vtd_batch_add(&vv->batch, vtd_page_response(&answer));
		atomic64_inc(&vv->unit->prq.responses);
	}
	return 0;
}

/* Whatever became of the rest, answers have gone to the hardware. */
static void vtd_guest_answers_done(struct vtd_vunit *vv)
{
	while (vv->num_answered)
		iommufd_sva_page_group_done(vv->answered[--vv->num_answered]);
}

/* What @guest asks for, into the batch. -EIO: it is not the guest's to ask. */
static int vtd_guest_pass(struct vtd_vunit *vv, struct vtd_guest_desc *guest)
{
	switch (guest->type) {
	case VTD_DESC_PASID_CACHE:
		/* See vtd_guest_reread(). */
		return 0;
	case VTD_DESC_IOTLB:
		vtd_guest_iotlb(vv, guest);
		vv->flush_dev_tlbs = true;
		return 0;
	case VTD_DESC_PASID_IOTLB:
		vtd_guest_add(vv, guest->did, vtd_make_pasid_iotlb, guest);
		if (!vv->flush_dev_tlbs)
			vtd_shadow_add_dev_tlb(vv, guest);
		return 0;
	case VTD_DESC_DEV_TLB:
	case VTD_DESC_PASID_DEV_TLB:
		return vtd_guest_dev_tlb(vv, guest);
	case VTD_DESC_IEC:
		atomic64_inc(&vv->unit->skipped);
		return 0;
	case VTD_DESC_CONTEXT:
		/* Context entries are the VMM's: it attaches what they lead to. */
	case VTD_DESC_WAIT:
		/* The VMM completes it. */
		return 0;
	case VTD_DESC_PAGE_RESPONSE:
		return vtd_guest_page_response(vv, guest);
	}
	return -EIO;
}

/*
 * The first @num of vunit->descs, or those before a bad one: *@done have taken effect.
 * Where a device did not answer all others have done so too, and so have those behind.
 */
static int vtd_guest_pass_some(struct vtd_vunit *vv, unsigned int num, unsigned int *done,
			       u32 *error)
{
	int rc = 0, failed;

	*done = 0;
	mutex_lock(&vv->tables_lock);
	failed = vtd_vunit_begin(vv);
	if (!failed) {
		rc = vtd_guest_reread(vv, num);
		vv->flushed = false;
		while (!rc && vv->num_passed < num) {
			rc = vtd_guest_pass(vv, &vv->descs[vv->num_passed]);
			vv->num_passed += !rc;
		}
		failed = vtd_vunit_submit(vv);
		vtd_guest_answers_done(vv);
	}
	if (!failed)
		*done = min(vv->num_passed, vv->silent);
	if (failed || rc == -EIO)
		*error = IOMMUFD_SVA_VTD_QI_IQE;
	if (!failed && vv->silent != ~0U) {
		*error = IOMMUFD_SVA_VTD_QI_ITE |
			 (u32)vv->descs[vv->silent].sid << IOMMUFD_SVA_VTD_QI_SID_SHIFT;
		rc = -ETIMEDOUT;
	}
	mutex_unlock(&vv->tables_lock);
	return failed ?: rc;
}

/*
 * At most @num of @array into vunit->descs: how many are good. *@rc, *@error: what is
 * wrong with the one behind them.
 */
static unsigned int vtd_guest_fetch(struct vtd_vunit *vv,
				    const struct iommufd_sva_user_array *array,
				    unsigned int num, int *rc, u32 *error)
{
	bool wide = array->entry_len == sizeof(struct iommufd_sva_vtd_qi_256);
	enum vtd_guest_iqei iqei;
	struct vtd_desc raw;
	unsigned int i;

	*rc = 0;
	for (i = 0; i < num; i++) {
		raw = (struct vtd_desc){ };
		*rc = iommufd_sva_copy_array_entry(&raw, array->entry_len, array->entry_len,
						   array, array->consumed + i);
		iqei = *rc ? VTD_GUEST_IQEI_FETCH :
			     vtd_guest_desc(&vv->caps, wide, &raw, &vv->descs[i]);
		if (iqei) {
			*rc = *rc ?: -EIO;
			*error = IOMMUFD_SVA_VTD_QI_IQE | iqei;
			break;
		}
	}
	return i;
}

/* Some of @array. */
static int vtd_vunit_invalidate_some(struct vtd_vunit *vv, struct iommufd_sva_user_array *array)
{
	unsigned int num = min(array->entry_num - array->consumed, VTD_GUEST_ROOM), done;
	int rc, bad;
	u32 error;

	/* Read without other locks: memory may be slow in coming. */
	num = vtd_guest_fetch(vv, array, num, &bad, &error);
	rc = vtd_guest_pass_some(vv, num, &done, &array->error);
	array->consumed += done;
	if (!rc && bad)
		array->error = error;
	return rc ?: bad;
}

/* Descriptors of a guest's queue, in one of their two lengths: 0 or -EINVAL. */
int vtd_queue_check(const struct iommufd_sva_user_array *array)
{
	if (array->type != IOMMUFD_SVA_INVALIDATE_VTD_QI)
		return -EINVAL;
	if (array->entry_num && array->entry_len != sizeof(struct iommufd_sva_vtd_qi_128) &&
	    array->entry_len != sizeof(struct iommufd_sva_vtd_qi_256))
		return -EINVAL;
	return 0;
}

/**
 * vtd_vunit_invalidate - see iommufd_sva_vunit_ops
 * @vunit: whose guest's
 * @array: descriptors of its queue
 *
 * Every guest has one queue: its invalidations come one after the other.
 *
 * Return: 0; -EINVAL when they are of another type or length; -EFAULT when one cannot
 * be read; -EIO when one is not a guest's to send, or the hardware does not answer;
 * -ETIMEDOUT when the device of one did not, which goes on without ATS; -ENOMEM, and
 * some of what is named was read again; -EINTR when the caller is being killed.
 */
int vtd_vunit_invalidate(struct iommufd_sva_vunit *vunit,
			 struct iommufd_sva_user_array *array)
{
	struct vtd_vunit *vv = to_vtd_vunit(vunit);
	int rc = vtd_queue_check(array);

	if (rc)
		return rc;
	mutex_lock(&vv->lock);
	vv->read_named = false;
	vv->read_all = false;
	while (array->consumed < array->entry_num && !rc)
		rc = fatal_signal_pending(current) ? -EINTR :
						     vtd_vunit_invalidate_some(vv, array);
	mutex_unlock(&vv->lock);
	return rc;
}

/* --- its life ---------------------------------------------------------- */

static void vtd_vunit_destroy(struct vtd_vunit *vv)
{
	xa_destroy(&vv->dids);
	mutex_destroy(&vv->tables_lock);
	mutex_destroy(&vv->lock);
	free_page((unsigned long)vv->next);
	free_page((unsigned long)vv->guest);
	kfree(vv->batch.descs);
	bitmap_free(vv->named);
	kfree(vv->descs);
	kfree(vv);
}

void vtd_vunit_free(struct iommufd_sva_vunit *vunit)
{
	struct vtd_vunit *vv = to_vtd_vunit(vunit);

	WARN_ON(!list_empty(&vv->tables));
	vtd_vunit_free_dids(vv);
	vtd_domain_leave(vv->parent, vv->unit, vv->stale);
	vtd_domain_nest_put(vv->parent);
	vtd_vunit_destroy(vv);
}

static const struct iommufd_sva_vunit_ops vtd_vunit_ops = {
	.vsid_check = vtd_vsid_check,
	.invalidate = vtd_vunit_invalidate,
	.free = vtd_vunit_free,
};

static struct vtd_vunit *vtd_vunit_new(struct vtd_unit *unit, struct vtd_domain *parent)
{
	struct vtd_vunit *vv = kzalloc(sizeof(*vv), IOMMUFD_SVA_GFP_USER);

	if (!vv)
		return NULL;
	vv->base.ops = &vtd_vunit_ops;
	vv->unit = unit;
	vv->parent = parent;
	vv->caps = vtd_guest_caps_of(unit->cap, unit->ecap);
	mutex_init(&vv->lock);
	mutex_init(&vv->tables_lock);
	INIT_LIST_HEAD(&vv->tables);
	xa_init_flags(&vv->dids, XA_FLAGS_ACCOUNT);
	INIT_LIST_HEAD(&vv->free_dids);
	vv->descs = kcalloc(VTD_GUEST_ROOM, sizeof(*vv->descs), IOMMUFD_SVA_GFP_USER);
	vv->named = bitmap_zalloc(VTD_DIDS, IOMMUFD_SVA_GFP_USER);
	vtd_batch_init(&vv->batch, unit,
		       kcalloc(VTD_GUEST_ROOM, sizeof(struct vtd_desc), IOMMUFD_SVA_GFP_USER),
		       VTD_GUEST_ROOM);
	vv->guest = (void *)get_zeroed_page(IOMMUFD_SVA_GFP_USER);
	vv->next = (void *)get_zeroed_page(IOMMUFD_SVA_GFP_USER);
	if (vv->descs && vv->named && vv->batch.descs && vv->guest && vv->next)
		return vv;
	vtd_vunit_destroy(vv);
	return NULL;
}

/**
 * vtd_vunit_make - a guest's share of a unit
 * @unit: the unit
 * @parent: the guest's memory
 *
 * Return: the guest's share; -EOPNOTSUPP where ECAP.NEST is clear; -EINVAL when
 * @parent does not fit; -ENOSPC; -ENOMEM.
 */
struct vtd_vunit *vtd_vunit_make(struct vtd_unit *unit, struct vtd_domain *parent)
{
	struct vtd_vunit *vv;
	u16 ignored;
	int rc;

	rc = vtd_nest_parent(&unit->base, &parent->base);
	if (rc)
		return ERR_PTR(rc);
	vv = vtd_vunit_new(unit, parent);
	if (!vv)
		return ERR_PTR(-ENOMEM);
	rc = vtd_domain_nest_get(parent);
	if (rc)
		goto err_destroy;
	/* What a guest passes through has the parent's. */
	rc = vtd_domain_join(parent, unit, &ignored);
	if (rc)
		goto err_nest_put;
	return vv;

err_nest_put:
	vtd_domain_nest_put(parent);
err_destroy:
	vtd_vunit_destroy(vv);
	return ERR_PTR(rc);
}

/**
 * vtd_vunit_alloc - see iommufd_sva_backend_ops
 * @unit: the unit
 * @parent: the guest's memory
 * @type: IOMMUFD_SVA_VIOMMU_VTD
 * @data: NULL
 *
 * Return: the guest's share; -EOPNOTSUPP for another type and where ECAP.NEST is
 * clear; -EINVAL with data, and when @parent does not fit; -ENOSPC; -ENOMEM.
 */
struct iommufd_sva_vunit *vtd_vunit_alloc(struct iommufd_sva_unit *unit,
					  struct iommufd_sva_domain *parent, u32 type,
					  const struct iommufd_sva_user_data *data)
{
	struct vtd_vunit *vv;

	if (type != IOMMUFD_SVA_VIOMMU_VTD)
		return ERR_PTR(-EOPNOTSUPP);
	if (data)
		return ERR_PTR(-EINVAL);
	vv = vtd_vunit_make(to_vtd_unit(unit), to_vtd_domain(parent));
	return IS_ERR(vv) ? ERR_CAST(vv) : &vv->base;
}

/* --- faults ------------------------------------------------------------ */

/*
 * 7.1.3: what @fault is to the guest whose device it is of: a reason that a unit with
 * first stage alone has; 0: not the guest's affair. @shadow: its PASID table, NULL:
 * the VMM has attached an address space.
 */
static u8 vtd_guest_reason(struct vtd_shadow *shadow, const struct vtd_fault *fault)
{
	u32 pasid = fault->has_pasid ? fault->pasid : VTD_RID_PASID;
	/* Where memory is, and how it can be accessed, is not what its unit looks at then. */
	bool passes = shadow && vtd_shadow_passes(shadow, pasid);

	switch (fault->reason) {
	case 0x45:	/* SCT.6: PASIDs are off */
	case 0x46:	/* SCT.7: PASID beyond the directory */
	case 0x48:	/* SCT.9: PASID that stands for none */
	case 0x5c:	/* SPT.5: execute requests are off */
	case 0x5d:	/* SPT.6: supervisor requests are off */
	case 0x70:	/* SFS.1 to SFS.4: first stage */
	case 0x71:
	case 0x72:
	case 0x73:
	case 0x80:	/* SGN.1: not canonical */
	case 0x81:	/* SGN.2: user request, supervisor page */
	case 0x82:	/* SGN.3: no execute permission */
	case 0x87:	/* SGN.8: interrupt address range */
	case 0x89:	/* SGN.10: PASID of too many bits */
	case 0x90:	/* SFS.9, SFS.10: accessed and dirty bits */
	case 0x91:
		return fault->reason;
	case 0x51:	/* SPD.2, SPT.2: we have nothing there because the guest has not */
	case 0x59:
		return shadow ? vtd_shadow_reason(shadow, pasid) : 0;
	case 0x85:	/* SGN.6, SGN.7: no permission */
	case 0x86:
		return passes ? 0 : fault->reason;
	case 0x75:	/* SFS.6: its root table is not in its memory: SFS.4 */
		return 0x73;
	case 0x74:	/* SFS.5, SFS.7: nor is another table, or a page: SFS.1 */
	case 0x76:
		return 0x70;
	case 0x79:	/* SSS.2 */
		return passes ? 0 : 0x70;
	case 0x84:	/* SGN.5: wider than its memory; without first stage SGN.4 */
		return passes ? 0x83 : 0x70;
	case 0x77:	/* SFS.8: is, but is not to be written: SFS.10 */
		return 0x91;
	default:
		return 0;
	}
}

static bool vtd_report_fault(struct iommufd_sva_vunit *vunit, u16 vsid, u8 reason,
			     const u64 frcd[2])
{
	u64 high = frcd[1] & ~(VTD_FRCD_SID | VTD_FRCD_FR);
	const struct iommufd_sva_vevent_vtd vevent = { .frcd = {
		cpu_to_le64(frcd[0]),
		cpu_to_le64(high | FIELD_PREP(VTD_FRCD_SID, vsid) |
			    FIELD_PREP(VTD_FRCD_FR, reason)),
	} };
	int rc;

	rc = iommufd_sva_vunit_report_event(vunit, IOMMUFD_SVA_VEVENTQ_VTD, &vevent,
					    sizeof(vevent));
	/* What is lost in a full queue is counted there. */
	return !rc || rc == -ENOSPC;
}

/* unit->lock keeps the vIOMMU and the device here. */
static bool vtd_try_report(struct vtd_unit *unit, const struct vtd_fault *fault,
			   const u64 frcd[2])
{
	u32 pasid = fault->has_pasid ? fault->pasid : VTD_RID_PASID;
	struct iommufd_sva_nested *nested;
	struct iommufd_sva_master *master;
	struct iommufd_sva_vunit *vunit;
	u64 vsid;
	u8 reason;

	lockdep_assert_held(&unit->lock);
	master = vtd_find_nested(unit, fault->sid, pasid, &nested);
	vunit = master ? nested->vunit : NULL;
	if (!vunit || !iommufd_sva_vunit_name(vunit, master, &vsid))
		return false;
	reason = vtd_guest_reason(vtd_nested_shadow(nested), fault);
	if (reason == VTD_GUEST_MUTED)
		return true;
	return reason && vtd_report_fault(vunit, vsid, reason, frcd);
}

/**
 * vtd_guest_fault - a fault that may concern a guest
 * @unit: the unit
 * @fault: the fault
 * @frcd: the same as it came
 *
 * Context: the interrupt thread.
 * Return: whether the guest's VMM has it now, or the guest wants nobody to. If not it is
 * the host's.
 */
bool vtd_guest_fault(struct vtd_unit *unit, const struct vtd_fault *fault, const u64 frcd[2])
{
	bool told;

	mutex_lock(&unit->lock);
	told = vtd_try_report(unit, fault, frcd);
	mutex_unlock(&unit->lock);
	return told;
}
