// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest's PASID tables (PASID_TABLE_ALLOC).
 *
 * Hardware takes a PASID table in the host's memory (9.4, 9.5), so there is a physical
 * one for each of a guest's, shared by all devices that are attached to it: what the
 * guest's entry says is read through second stage, checked (guest.c) and made into a
 * nested entry, or one of second stage alone where the guest's passes through. What a
 * guest may not have is not present.
 *
 * What was read stands until the guest invalidates it, as in a cache of the
 * hardware's: a PASID-cache invalidation reads again what it names. An entry takes the
 * place of another in the way that table.c has for it, a page of them at a time.
 * Leaves are made where the guest has something present, and stay: a guest that comes
 * and goes with its PASIDs need not have more of the PASID cache invalidated for it. So
 * an invalidation may have to allocate memory, which is charged to who asks for it: for
 * a leaf, or a domain ID, that is new. Without memory what goes still does.
 *
 * One that was made on the nesting parent alone is a vIOMMU of its own, on the unit of
 * the devices that are attached to it, and is invalidated by itself.
 *
 * The IOTLB is the guest's to invalidate, under the domain IDs that it knows. What
 * passed through is under the parent's, which it does not: that is invalidated here.
 */
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include "nested.h"

/* Entries of a guest's directory that are read together. */
#define VTD_DIR_CHUNK	64U

/**
 * struct vtd_shadow_leaf - what is not in the leaf of the hardware's
 * @did: the guest's domain ID of each entry that is present
 * @changed: entries that were present and have changed since vunit->batch took effect,
 * @epoch: for the epoch'th time; the hardware may still be reading them as they were
 */
struct vtd_shadow_leaf {
	u16 did[VTD_PASID_LEAF_ENTRIES];
	u64 changed;
	u32 epoch;
};

/**
 * struct vtd_shadow - a guest's PASID table
 * @base: what the core sees of it
 * @parent: the guest's memory
 * @bind_lock: where it is: protects @vv and @read, which stay while @users are there,
 *	and from 0 on those; inside master->lock, outside vunit->lock
 * @vv: whose; NULL: it was made on the parent alone and is on no unit yet
 * @alone: @vv is its own
 * @read: @table has been filled
 * @users: who needs it where it is: devices that are attached to it, or are being
 * @node: in vunit->tables; this and what follows under vunit->tables_lock
 * @ats: struct vtd_ats_user, devices attached to it that may have cached anything
 * @dir: address of the guest's directory
 * @pasid_bits: of the PASIDs in it
 * @dir_entries: how many it has
 * @table: the physical one. Its entries under unit->lock too
 * @parent_did: the domain ID of the parent
 * @leaves: struct vtd_shadow_leaf by number of the leaf
 * @own: a domain ID for all that there are none left for
 * @has_own: @own is there
 * @own_users: entries that have it
 * @unsettled: the old leaf is not to be touched before vunit->batch has taken effect
 * @devices: context entries that lead to @table; without any the hardware has nothing
 *	of it. This and what follows under unit->lock
 * @keep: the hardware may look at @table still
 */
struct vtd_shadow {
	struct iommufd_sva_nested base;
	struct vtd_domain *parent;
	struct mutex bind_lock;
	struct vtd_vunit *vv;
	bool alone;
	bool read;
	atomic_t users;
	struct list_head node;
	struct list_head ats;
	u64 dir;
	unsigned int pasid_bits;
	unsigned int dir_entries;
	struct vtd_pasid_table *table;
	u16 parent_did;
	struct xarray leaves;
	struct vtd_tag own;
	bool has_own;
	unsigned int own_users;
	bool unsettled;
	unsigned int devices;
	bool keep;
};

struct vtd_pasid_table *vtd_shadow_table(struct vtd_shadow *shadow)
{
	return shadow->table;
}

struct iommufd_sva_nested *vtd_shadow_nested(struct vtd_shadow *shadow)
{
	return &shadow->base;
}

/* --- domain IDs -------------------------------------------------------- */

static int vtd_shadow_get_own(struct vtd_shadow *shadow, u16 *did)
{
	int rc;

	if (!shadow->has_own) {
		rc = vtd_tag_init(&shadow->own, shadow->vv->unit, shadow->vv->parent,
				  shadow->vv->base.tags);
		if (rc)
			return rc;
		shadow->has_own = true;
	}
	shadow->own_users++;
	*did = shadow->own.did;
	return 0;
}

static void vtd_shadow_free_own(struct vtd_shadow *shadow)
{
	if (shadow->has_own)
		vtd_tag_fini(&shadow->own);
	shadow->has_own = false;
}

/* The physical domain ID for the guest's @gdid: one of the vIOMMU's, or the table's. */
static int vtd_shadow_get_did(struct vtd_shadow *shadow, u16 gdid, u16 *did)
{
	int rc = vtd_vunit_get_did(shadow->vv, gdid, did);

	return rc == -ENOSPC ? vtd_shadow_get_own(shadow, did) : rc;
}

/* The entry of the hardware's that had @did for @gdid is no more. */
static void vtd_shadow_put_did(struct vtd_shadow *shadow, u16 gdid, u16 did)
{
	if (did == shadow->parent_did)
		return;
	if (shadow->has_own && did == shadow->own.did)
		shadow->own_users--;
	else
		vtd_vunit_put_did(shadow->vv, gdid);
}

/* --- reading ----------------------------------------------------------- */

/* The table that entry @dir of the directory leads to, into vunit->guest. */
static enum vtd_guest_reason vtd_shadow_read_leaf(struct vtd_shadow *shadow, u64 dir)
{
	struct vtd_vunit *vv = shadow->vv;
	enum vtd_guest_reason reason;

	reason = vtd_guest_dir(vtd_domain_gpa_bits(vv->parent), dir);
	if (!reason && vtd_domain_read(vv->parent, dir & VTD_PTR_MASK, vv->guest, PAGE_SIZE))
		reason = VTD_GUEST_ENTRY_UNREADABLE;
	return reason;
}

static bool vtd_shadow_names_did(const struct vtd_shadow_names *names, u16 did)
{
	return names->dids ? test_bit(did, names->dids) : did == names->did;
}

static bool vtd_shadow_named(const struct vtd_shadow_names *names, u32 pasid, bool was,
			     u16 was_did, bool is, u16 is_did)
{
	if (names->pasid != ~0U && names->pasid != pasid)
		return false;
	return names->any_did || (was && vtd_shadow_names_did(names, was_did)) ||
	       (is && vtd_shadow_names_did(names, is_did));
}

/* The entry for the hardware that @pasid comes to, which has a user of its domain ID. */
static int vtd_shadow_make(struct vtd_shadow *shadow, const struct vtd_guest_pasid *pasid,
			   struct vtd_pasid_entry *next)
{
	struct vtd_vunit *vv = shadow->vv;
	u16 did;
	int rc;

	if (pasid->nested) {
		rc = vtd_shadow_get_did(shadow, pasid->did, &did);
		if (rc)
			return rc;
		*next = vtd_domain_nested_entry(vv->parent, vv->unit, did, pasid->first);
	} else {
		*next = vtd_domain_entry(vv->parent, vv->unit, shadow->parent_did);
	}
	if (pasid->muted)
		*next = vtd_pasid_entry_mute(*next);
	return 0;
}

/**
 * struct vtd_shadow_change - a leaf on its way from what it is to what it is to be
 * @pasid: its first PASID
 * @reason: why the guest has nothing there, for all of them; 0: it may have
 * @muted: faults of all of them are not to be reported
 * @names: which to look at
 * @error: of an entry that stays as it is, and should not
 * @changed: which entries change
 * @gdid: the guest's domain IDs afterwards
 *
 * What they become is in vunit->next.
 */
struct vtd_shadow_change {
	u32 pasid;
	enum vtd_guest_reason reason;
	bool muted;
	const struct vtd_shadow_names *names;
	int error;
	u64 changed;
	u16 gdid[VTD_PASID_LEAF_ENTRIES];
};

/*
 * What the guest has taken out goes, whatever becomes of the others. What there is no
 * domain ID for is not present: requests fault, as if the guest had nothing there.
 */
static void vtd_shadow_plan_entry(struct vtd_shadow *shadow, struct vtd_shadow_change *change,
				  unsigned int i)
{
	struct vtd_vunit *vv = shadow->vv;
	struct vtd_pasid_entry now = vv->next[i], next = vtd_make_pasid_blocked();
	bool was = vtd_pasid_entry_present(&now), is;
	struct vtd_guest_pasid pasid = { };
	int rc = 0;

	is = !change->reason &&
	     !vtd_guest_pasid(&vv->caps, vtd_domain_gpa_bits(vv->parent), &vv->guest[i],
			      &pasid);
	if (!vtd_shadow_named(change->names, change->pasid + i, was, change->gdid[i], is,
			      pasid.did))
		return;
	pasid.muted |= change->muted;
	if (is)
		rc = vtd_shadow_make(shadow, &pasid, &next);
	if (rc == -ENOSPC) {
		vtd_warn_ratelimited(vv->unit, "no domain ID is left for PASID %u of a guest, it is blocked: have fewer vIOMMUs and nested HWPTs\n",
				     change->pasid + i);
		is = false;
	} else if (rc) {
		change->error = rc;
		return;
	}
	if (!was && !is)
		return;
	if (was && is && !memcmp(&now, &next, sizeof(now)) &&
	    change->gdid[i] == pasid.did) {
		vtd_shadow_put_did(shadow, pasid.did, vtd_pasid_entry_did(&next));
		return;
	}
	vv->next[i] = next;
	change->gdid[i] = pasid.did;
	change->changed |= BIT_ULL(i);
}

/* Give the domain IDs back that were got for entries of @change. */
static void vtd_shadow_unplan(struct vtd_shadow *shadow, struct vtd_shadow_change *change)
{
	const struct vtd_pasid_entry *next = shadow->vv->next;
	unsigned int i;

	for (i = 0; i < VTD_PASID_LEAF_ENTRIES; i++)
		if ((change->changed & BIT_ULL(i)) && vtd_pasid_entry_present(&next[i]))
			vtd_shadow_put_did(shadow, change->gdid[i],
					   vtd_pasid_entry_did(&next[i]));
}

/* vunit->next and @change say what the leaf is to be. */
static void vtd_shadow_plan(struct vtd_shadow *shadow, struct vtd_shadow_change *change,
			    const struct vtd_pasid_entry *leaf,
			    const struct vtd_shadow_leaf *notes)
{
	struct vtd_vunit *vv = shadow->vv;
	unsigned int i;

	if (leaf)
		memcpy(vv->next, leaf, PAGE_SIZE);
	else
		memset(vv->next, 0, PAGE_SIZE);
	if (notes)
		memcpy(change->gdid, notes->did, sizeof(change->gdid));
	for (i = 0; i < VTD_PASID_LEAF_ENTRIES; i++)
		vtd_shadow_plan_entry(shadow, change, i);
}

/* --- writing ----------------------------------------------------------- */

/* Memory for the leaf of @pasid and what goes with it. */
static int vtd_shadow_prepare(struct vtd_shadow *shadow, u32 pasid,
			      struct vtd_shadow_leaf **notes)
{
	unsigned long index = pasid / VTD_PASID_LEAF_ENTRIES;
	int rc = vtd_pasid_table_prepare(shadow->table, pasid);

	if (rc || *notes)
		return rc;
	*notes = kzalloc(sizeof(**notes), IOMMUFD_SVA_GFP_USER);
	if (!*notes)
		return -ENOMEM;
	rc = xa_err(xa_store(&shadow->leaves, index, *notes, IOMMUFD_SVA_GFP_USER));
	if (rc)
		kfree(*notes);
	return rc;
}

/* Does one of the first @num entries of @leaf have @did? */
static bool vtd_leaf_has_did(const struct vtd_pasid_entry *leaf, unsigned int num, u16 did)
{
	unsigned int i;

	for (i = 0; i < num; i++)
		if (vtd_pasid_entry_present(&leaf[i]) && vtd_pasid_entry_did(&leaf[i]) == did)
			return true;
	return false;
}

/*
 * Into the batch what a leaf that is out of the directory asks for (table 28): whatever
 * the PASID cache has of the domains that entries of it had. All of the cache would do
 * too, but the guest can have it go as often as it likes, and it is everybody's.
 */
static void vtd_shadow_flush_leaf(struct vtd_vunit *vv, const struct vtd_pasid_entry *old)
{
	unsigned int i;
	u16 did;

	for (i = 0; i < VTD_PASID_LEAF_ENTRIES; i++) {
		did = vtd_pasid_entry_did(&old[i]);
		if (vtd_pasid_entry_present(&old[i]) && !vtd_leaf_has_did(old, i, did))
			vtd_batch_add(&vv->batch, vtd_make_pasid_cache_domain(did));
	}
}

/*
 * Device-TLBs of the devices attached to @shadow drop all of @pasid; where many change,
 * everything, once all of them have.
 */
static void vtd_shadow_flush_dev_tlb(struct vtd_shadow *shadow, u32 pasid)
{
	struct vtd_vunit *vv = shadow->vv;

	if (list_empty(&shadow->ats) || vv->flush_dev_tlbs)
		return;
	if (vv->num_flushed++ < VTD_GUEST_PASIDS)
		vtd_ats_add_of_pasid(&vv->batch, &shadow->ats, pasid, 0, VTD_ATS_EVERYTHING);
	else
		vv->flush_dev_tlbs = true;
}

/*
 * Into the batch what an entry that was @old, and is @now, asks for. @replaced: its leaf
 * went, and what the PASID cache has of that.
 *
 * Table 28 wants all of the domain's IOTLB where an entry of second stage, or a nested
 * one, goes. That is for what is cached of second stage by itself, which does not change
 * here. What is cached of the PASID goes with a PASID-selective invalidation (table 24),
 * which drains too (6.5.2.4): the guest's own for what is nested.
 */
static void vtd_shadow_flush_entry(struct vtd_shadow *shadow, u32 pasid,
				   const struct vtd_pasid_entry *old,
				   const struct vtd_pasid_entry *now, bool replaced)
{
	struct vtd_vunit *vv = shadow->vv;
	u16 did = vtd_pasid_entry_did(old);

	if (vtd_pasid_entry_present(old)) {
		if (!replaced)
			vtd_batch_add(&vv->batch, vtd_make_pasid_cache_pasid(did, pasid));
		/*
		 * The guest does not know the parent's domain ID; and a device-TLB must
		 * not be filled again with what the IOTLB still has.
		 */
		if (vtd_pasid_entry_pgtt(old) != VTD_PGTT_NESTED || !list_empty(&shadow->ats))
			vtd_batch_add(&vv->batch, vtd_make_pasid_iotlb_all(did, pasid));
		vtd_shadow_flush_dev_tlb(shadow, pasid);
	} else if (vv->unit->cap & VTD_CAP_CM) {
		/* That it was absent is cached under domain ID 0 (6.1). */
		did = vtd_pasid_entry_did(now);
		vtd_batch_add(&vv->batch, vtd_make_pasid_cache_pasid(0, pasid));
		vtd_batch_add(&vv->batch, vtd_make_pasid_cache_pasid(did, pasid));
		vtd_batch_add(&vv->batch, vtd_make_pasid_iotlb_all(did, pasid));
	}
}

/* Entries that the hardware may still be reading as they were. */
static u64 vtd_shadow_unsettled(struct vtd_shadow *shadow, const struct vtd_shadow_leaf *notes)
{
	return notes->epoch == shadow->vv->epoch ? notes->changed : 0;
}

static void vtd_shadow_write(struct vtd_shadow *shadow, const struct vtd_shadow_change *change,
			     struct vtd_shadow_leaf *notes)
{
	const struct vtd_pasid_entry *leaf = vtd_pasid_leaf(shadow->table->dir, change->pasid);
	struct vtd_vunit *vv = shadow->vv;
	struct vtd_pasid_entry *old = vv->guest;
	bool replaced, seen;
	unsigned int i;

	/* What the guest has was read and is not needed any more. */
	if (leaf)
		memcpy(old, leaf, PAGE_SIZE);
	else
		memset(old, 0, PAGE_SIZE);
	mutex_lock(&vv->unit->lock);
	replaced = vtd_pasid_table_set_leaf(vv->unit, shadow->table, change->pasid, vv->next);
	seen = shadow->devices || shadow->keep;
	mutex_unlock(&vv->unit->lock);

	if (seen)
		vtd_unit_flush_write_buffer(vv->unit);
	if (seen && replaced) {
		shadow->unsettled = true;
		vtd_shadow_flush_leaf(vv, old);
	}
	notes->changed = vtd_shadow_unsettled(shadow, notes);
	notes->epoch = vv->epoch;
	for (i = 0; i < VTD_PASID_LEAF_ENTRIES; i++) {
		if (!(change->changed & BIT_ULL(i)))
			continue;
		if (seen)
			vtd_shadow_flush_entry(shadow, change->pasid + i, &old[i],
					       &vv->next[i], replaced);
		if (seen && vtd_pasid_entry_present(&old[i]))
			notes->changed |= BIT_ULL(i);
		if (vtd_pasid_entry_present(&old[i]))
			vtd_shadow_put_did(shadow, notes->did[i], vtd_pasid_entry_did(&old[i]));
		notes->did[i] = change->gdid[i];
	}
}

/*
 * The leaf of @pasid, behind entry @dir of the guest's directory (if @reason is 0), is
 * made anew as far as @names has it.
 */
static int vtd_shadow_reread_leaf(struct vtd_shadow *shadow, u32 pasid, u64 dir,
				  enum vtd_guest_reason reason,
				  const struct vtd_shadow_names *names)
{
	struct vtd_shadow_change change = { .pasid = pasid, .names = names };
	const struct vtd_pasid_entry *leaf = vtd_pasid_leaf(shadow->table->dir, pasid);
	struct vtd_shadow_leaf *notes = xa_load(&shadow->leaves,
						pasid / VTD_PASID_LEAF_ENTRIES);
	int rc;

	change.reason = reason ?: vtd_shadow_read_leaf(shadow, dir);
	change.muted = dir & VTD_FPD;
	/* Nothing there, nothing was. */
	if (change.reason && !notes)
		return 0;
	vtd_shadow_plan(shadow, &change, leaf, notes);
	if (!change.changed)
		return change.error;
	rc = vtd_shadow_prepare(shadow, pasid, &notes);
	/*
	 * The old leaf of the change before has to be free. And an entry changes once at a
	 * time: of two the hardware could have a part from before the first and another
	 * from after the second, which fit no more.
	 */
	if (!rc && (shadow->unsettled ||
		    (change.changed & vtd_shadow_unsettled(shadow, notes))))
		rc = vtd_vunit_submit(shadow->vv);
	if (rc)
		vtd_shadow_unplan(shadow, &change);
	else
		vtd_shadow_write(shadow, &change, notes);
	return rc ?: change.error;
}

/* Entries @first and so on of the directory, @num of them within a page. */
static int vtd_shadow_reread_dir(struct vtd_shadow *shadow, unsigned int first,
				 unsigned int num, const struct vtd_shadow_names *names)
{
	enum vtd_guest_reason reason = VTD_GUEST_OK;
	u64 dir[VTD_DIR_CHUNK];
	unsigned int i;
	int rc = 0;

	if (vtd_domain_read(shadow->vv->parent, shadow->dir + first * sizeof(u64), dir,
			    num * sizeof(u64)))
		reason = VTD_GUEST_DIR_UNREADABLE;
	for (i = 0; i < num && !rc; i++)
		rc = vtd_shadow_reread_leaf(shadow, (first + i) * VTD_PASID_LEAF_ENTRIES,
					    reason ? 0 : dir[i], reason, names);
	return rc;
}

static int vtd_shadow_reread_all(struct vtd_shadow *shadow,
				 const struct vtd_shadow_names *names)
{
	unsigned int first, num;
	int rc = 0;

	for (first = 0; first < shadow->dir_entries && !rc; first += num) {
		num = min(shadow->dir_entries - first, VTD_DIR_CHUNK);
		rc = vtd_shadow_reread_dir(shadow, first, num, names);
		cond_resched();
		if (fatal_signal_pending(current))
			rc = -EINTR;
	}
	return rc;
}

static int vtd_shadow_reread_one(struct vtd_shadow *shadow,
				 const struct vtd_shadow_names *names)
{
	unsigned int index = names->pasid / VTD_PASID_LEAF_ENTRIES;

	if (names->pasid == ~0U)
		return vtd_shadow_reread_all(shadow, names);
	if (index >= shadow->dir_entries)
		return 0;
	return vtd_shadow_reread_dir(shadow, index, 1, names);
}

/**
 * vtd_shadow_reread - read again what a guest says has changed
 * @vv: whose; tables_lock is held
 * @names: which entries, of all its tables
 *
 * What the hardware is to invalidate goes into @vv->batch.
 *
 * Return: 0; -ENOMEM; -EINTR; what else stops it before its end.
 */
int vtd_shadow_reread(struct vtd_vunit *vv, const struct vtd_shadow_names *names)
{
	struct vtd_shadow *shadow;
	int rc = 0;

	lockdep_assert_held(&vv->tables_lock);
	list_for_each_entry(shadow, &vv->tables, node) {
		rc = vtd_shadow_reread_one(shadow, names);
		if (rc)
			break;
	}
	return rc;
}

/* The batch has taken effect. */
void vtd_shadow_settle(struct vtd_vunit *vv)
{
	struct vtd_shadow *shadow;

	lockdep_assert_held(&vv->tables_lock);
	list_for_each_entry(shadow, &vv->tables, node) {
		shadow->unsettled = false;
		/* Nothing has it any more: the guest's invalidations need not go there too. */
		if (shadow->has_own && !shadow->own_users)
			vtd_shadow_free_own(shadow);
	}
}

/* What @make makes of the domain IDs that tables have for themselves, into the batch. */
void vtd_shadow_add_own(struct vtd_vunit *vv, struct vtd_desc (*make)(u16 did, void *arg),
			void *arg)
{
	struct vtd_shadow *shadow;

	lockdep_assert_held(&vv->tables_lock);
	list_for_each_entry(shadow, &vv->tables, node)
		if (shadow->has_own)
			vtd_batch_add(&vv->batch, make(shadow->own.did, arg));
}

/* Has the entry of @pasid what the guest calls domain @gdid? */
static bool vtd_shadow_has(struct vtd_shadow *shadow, u32 pasid, u16 gdid)
{
	const struct vtd_shadow_leaf *notes;
	const struct vtd_pasid_entry *leaf;

	if (pasid / VTD_PASID_LEAF_ENTRIES >= shadow->dir_entries)
		return false;
	leaf = vtd_pasid_leaf(shadow->table->dir, pasid);
	notes = xa_load(&shadow->leaves, pasid / VTD_PASID_LEAF_ENTRIES);
	return leaf && notes &&
	       vtd_pasid_entry_present(&leaf[pasid % VTD_PASID_LEAF_ENTRIES]) &&
	       notes->did[pasid % VTD_PASID_LEAF_ENTRIES] == gdid;
}

/**
 * vtd_shadow_add_dev_tlb - what a guest invalidates in the IOTLB, in device-TLBs too
 * @vv: whose; tables_lock is held
 * @guest: its descriptor by PASID, after what it comes to for the IOTLB
 *
 * A guest need not know that ATS is on in its devices, and then says nothing of their
 * device-TLBs. What it says itself comes on top of this.
 */
void vtd_shadow_add_dev_tlb(struct vtd_vunit *vv, const struct vtd_guest_desc *guest)
{
	bool pages = guest->g == VTD_PASID_IOTLB_PAGES;
	struct vtd_shadow *shadow;

	lockdep_assert_held(&vv->tables_lock);
	list_for_each_entry(shadow, &vv->tables, node)
		if (vtd_shadow_has(shadow, guest->pasid, guest->did))
			vtd_ats_add_of_pasid(&vv->batch, &shadow->ats, guest->pasid,
					     pages ? guest->addr : 0,
					     pages ? guest->am : VTD_ATS_EVERYTHING);
}

/* Everything that devices attached to its tables have cached. */
void vtd_shadow_add_dev_tlbs(struct vtd_vunit *vv)
{
	struct vtd_shadow *shadow;

	lockdep_assert_held(&vv->tables_lock);
	list_for_each_entry(shadow, &vv->tables, node)
		vtd_ats_add(&vv->batch, &shadow->ats, 0, ~0ULL);
}

/* --- for devices ------------------------------------------------------- */

/* @master is going to be able to cache what comes of it: 0 or -ENOMEM. */
int vtd_shadow_add_device(struct vtd_shadow *shadow, struct iommufd_sva_master *master)
{
	struct vtd_vunit *vv = shadow->vv;
	int rc;

	if (!master->ats.supported)
		return 0;
	mutex_lock(&vv->tables_lock);
	rc = vtd_ats_join(&shadow->ats, master, VTD_ATS_ALL);
	if (!rc) {
		rc = vtd_domain_add_device(vv->parent, master, VTD_ATS_ALL);
		if (rc)
			vtd_ats_leave(&shadow->ats, master, VTD_ATS_ALL);
	}
	mutex_unlock(&vv->tables_lock);
	return rc;
}

/* It has nothing of it any more. */
void vtd_shadow_remove_device(struct vtd_shadow *shadow, struct iommufd_sva_master *master)
{
	struct vtd_vunit *vv = shadow->vv;

	if (!master->ats.supported)
		return;
	mutex_lock(&vv->tables_lock);
	vtd_domain_remove_device(vv->parent, master, VTD_ATS_ALL);
	vtd_ats_leave(&shadow->ats, master, VTD_ATS_ALL);
	mutex_unlock(&vv->tables_lock);
}

/* A context entry is going to lead to it. */
void vtd_shadow_show(struct vtd_shadow *shadow)
{
	lockdep_assert_held(&shadow->vv->unit->lock);
	shadow->devices++;
}

/* It does not any more. */
int vtd_shadow_forget(struct vtd_shadow *shadow)
{
	lockdep_assert_held(&shadow->vv->unit->lock);
	shadow->devices--;
	return vtd_domain_flush_unit(shadow->vv->parent, shadow->vv->unit);
}

/* The hardware did not answer, and may look at it for as long as the unit is ours. */
void vtd_shadow_keep(struct vtd_shadow *shadow)
{
	lockdep_assert_held(&shadow->vv->unit->lock);
	shadow->keep = true;
}

/**
 * vtd_shadow_reason - why a guest's own unit would fault a request
 * @shadow: its PASID table
 * @pasid: the request's
 *
 * The hardware only says that nothing is present. Allocates nothing.
 *
 * Return: a fault reason: SPT.2 when by now there is nothing wrong; VTD_GUEST_MUTED where
 * the guest does not want to hear of it: it can say so of what is absent too (9.5, 9.6),
 * but not of what cannot be read (table 30).
 */
u8 vtd_shadow_reason(struct vtd_shadow *shadow, u32 pasid)
{
	struct vtd_vunit *vv = shadow->vv;
	unsigned int gpa_bits = vtd_domain_gpa_bits(vv->parent);
	unsigned int index = pasid / VTD_PASID_LEAF_ENTRIES;
	enum vtd_guest_reason reason;
	struct vtd_pasid_entry entry;
	struct vtd_guest_pasid checked;
	u64 dir;

	if (index >= shadow->dir_entries)
		return VTD_GUEST_DIR_ABSENT;
	if (vtd_domain_read(vv->parent, shadow->dir + index * sizeof(u64), &dir, sizeof(dir)))
		return VTD_GUEST_DIR_UNREADABLE;
	reason = vtd_guest_dir(gpa_bits, dir);
	if (reason)
		return dir & VTD_FPD ? VTD_GUEST_MUTED : reason;
	if (vtd_domain_read(vv->parent, (dir & VTD_PTR_MASK) +
			    pasid % VTD_PASID_LEAF_ENTRIES * sizeof(entry), &entry,
			    sizeof(entry)))
		return VTD_GUEST_ENTRY_UNREADABLE;
	reason = vtd_guest_pasid(&vv->caps, gpa_bits, &entry, &checked);
	if (checked.muted || (dir & VTD_FPD))
		return VTD_GUEST_MUTED;
	return reason ?: VTD_GUEST_ENTRY_ABSENT;
}

/* Does what a guest does with @pasid pass through, to its memory? Under unit->lock. */
bool vtd_shadow_passes(struct vtd_shadow *shadow, u32 pasid)
{
	const struct vtd_pasid_entry *leaf;

	if (pasid / VTD_PASID_LEAF_ENTRIES >= shadow->dir_entries)
		return false;
	leaf = vtd_pasid_leaf(shadow->table->dir, pasid);
	return leaf && vtd_pasid_entry_pgtt(&leaf[pasid % VTD_PASID_LEAF_ENTRIES]) ==
		       VTD_PGTT_SECOND_STAGE;
}

/* --- the object -------------------------------------------------------- */

static void vtd_shadow_free_leaves(struct vtd_shadow *shadow)
{
	struct vtd_shadow_leaf *notes;
	unsigned long index;

	xa_for_each(&shadow->leaves, index, notes)
		kfree(notes);
	xa_destroy(&shadow->leaves);
}

static void vtd_shadow_destroy(struct vtd_shadow *shadow)
{
	vtd_shadow_free_leaves(shadow);
	vtd_pasid_table_free(shadow->table);
	mutex_destroy(&shadow->bind_lock);
	kfree(shadow);
}

/* Nothing is attached to it: entries of it are nobody's, and give back what they have. */
static void vtd_shadow_put_dids(struct vtd_shadow *shadow)
{
	const struct vtd_pasid_entry *leaf;
	struct vtd_shadow_leaf *notes;
	unsigned long index;
	unsigned int i;

	xa_for_each(&shadow->leaves, index, notes) {
		leaf = vtd_pasid_leaf(shadow->table->dir, index * VTD_PASID_LEAF_ENTRIES);
		for (i = 0; leaf && i < VTD_PASID_LEAF_ENTRIES; i++)
			if (vtd_pasid_entry_present(&leaf[i]))
				vtd_shadow_put_did(shadow, notes->did[i],
						   vtd_pasid_entry_did(&leaf[i]));
		cond_resched();
	}
}

/*
 * It leaves its unit, on which nothing is attached to it. If the hardware may look at it
 * still, that finds nothing any more, before what it led to can become something else.
 */
static void vtd_shadow_unbind(struct vtd_shadow *shadow)
{
	struct vtd_vunit *vv = shadow->vv;

	mutex_lock(&vv->tables_lock);
	list_del(&shadow->node);
	vtd_shadow_put_dids(shadow);
	mutex_lock(&vv->unit->lock);
	if (shadow->keep) {
		vtd_pasid_table_blank(vv->unit, shadow->table);
		list_add(&shadow->table->quarantine, &vv->unit->quarantine);
		shadow->table = NULL;
		vv->stale = true;
	}
	mutex_unlock(&vv->unit->lock);
	mutex_unlock(&vv->tables_lock);
	vtd_shadow_free_own(shadow);
	vtd_domain_leave(vv->parent, vv->unit, shadow->keep);
	if (shadow->alone) {
		iommufd_sva_tag_put(vv->base.tags);
		vtd_vunit_free(&vv->base);
	}
	shadow->vv = NULL;
	shadow->read = false;
	shadow->keep = false;
}

/* It leaves its unit with an empty table, for another one. */
static int vtd_shadow_take_along(struct vtd_shadow *shadow)
{
	struct vtd_pasid_table *empty;

	empty = vtd_pasid_table_alloc(shadow->pasid_bits, IOMMUFD_SVA_GFP_USER);
	if (!empty)
		return -ENOMEM;
	vtd_shadow_unbind(shadow);
	vtd_shadow_free_leaves(shadow);
	vtd_pasid_table_free(shadow->table);
	shadow->table = empty;
	return 0;
}

static void vtd_shadow_free(struct iommufd_sva_nested *nested)
{
	struct vtd_shadow *shadow = container_of(nested, struct vtd_shadow, base);

	if (shadow->vv)
		vtd_shadow_unbind(shadow);
	vtd_shadow_destroy(shadow);
}

/* See iommufd_sva_nested_ops: of one that was made on the parent alone. */
static int vtd_shadow_invalidate(struct iommufd_sva_nested *nested,
				 struct iommufd_sva_user_array *array)
{
	struct vtd_shadow *shadow = container_of(nested, struct vtd_shadow, base);
	struct vtd_vunit *vv;
	int rc;

	rc = vtd_queue_check(array);
	if (rc)
		return rc;
	mutex_lock(&shadow->bind_lock);
	vv = shadow->vv;
	if (vv)
		atomic_inc(&shadow->users);
	mutex_unlock(&shadow->bind_lock);
	if (!vv) {
		/* Nothing of it has been read. */
		array->consumed = array->entry_num;
		return 0;
	}
	rc = vtd_vunit_invalidate(&vv->base, array);
	vtd_shadow_put(shadow);
	return rc;
}

/* The guest's invalidations name domain IDs: they go through the vIOMMU. */
static const struct iommufd_sva_nested_ops vtd_shadow_ops = {
	.free = vtd_shadow_free,
};

static const struct iommufd_sva_nested_ops vtd_shadow_alone_ops = {
	.invalidate = vtd_shadow_invalidate,
	.free = vtd_shadow_free,
};

struct vtd_shadow *vtd_nested_shadow(struct iommufd_sva_nested *nested)
{
	return nested && (nested->ops == &vtd_shadow_ops ||
			  nested->ops == &vtd_shadow_alone_ops) ?
	       container_of(nested, struct vtd_shadow, base) : NULL;
}

/* The PASID table that @trans is, NULL: it is something else. */
struct vtd_shadow *vtd_shadow_of(const struct iommufd_sva_translation *trans)
{
	return vtd_nested_shadow(trans->nested);
}

static struct vtd_shadow *vtd_shadow_new(struct vtd_domain *parent, struct vtd_vunit *vv,
					 const struct iommufd_sva_pasid_table_vtd *arg)
{
	struct vtd_shadow *shadow = kzalloc(sizeof(*shadow), IOMMUFD_SVA_GFP_USER);

	if (!shadow)
		return NULL;
	shadow->table = vtd_pasid_table_alloc(arg->pasid_bits, IOMMUFD_SVA_GFP_USER);
	if (!shadow->table) {
		kfree(shadow);
		return NULL;
	}
	shadow->base.ops = vv ? &vtd_shadow_ops : &vtd_shadow_alone_ops;
	shadow->parent = parent;
	mutex_init(&shadow->bind_lock);
	INIT_LIST_HEAD(&shadow->ats);
	shadow->alone = !vv;
	shadow->dir = arg->dir_gpa;
	shadow->pasid_bits = arg->pasid_bits;
	shadow->dir_entries = (1U << arg->pasid_bits) / VTD_PASID_LEAF_ENTRIES;
	xa_init_flags(&shadow->leaves, XA_FLAGS_ACCOUNT);
	return shadow;
}

/* Read all of it. The hardware does not know it yet. */
static int vtd_shadow_build(struct vtd_shadow *shadow)
{
	const struct vtd_shadow_names all = { .pasid = ~0U, .any_did = true };
	struct vtd_vunit *vv = shadow->vv;
	int rc;

	mutex_lock(&vv->tables_lock);
	rc = vtd_vunit_begin(vv);
	if (!rc) {
		rc = vtd_shadow_reread_one(shadow, &all);
		rc = vtd_vunit_submit(vv) ?: rc;
	}
	mutex_unlock(&vv->tables_lock);
	shadow->read = !rc;
	return rc;
}

/* From here on it is a part of @vv. */
static int vtd_shadow_join(struct vtd_shadow *shadow, struct vtd_vunit *vv)
{
	const struct vtd_pasid_entry blocked = vtd_make_pasid_blocked();
	int rc = vtd_domain_join(vv->parent, vv->unit, &shadow->parent_did);

	if (rc)
		return rc;
	/* What is absent and stays so is to be seen as such too. */
	vtd_pasid_table_init(vv->unit, shadow->table, &blocked);
	/* A device may have fewer PASIDs, or none, and sends no others. */
	shadow->table->pasid_enable = vv->unit->base.pasid_bits;
	shadow->vv = vv;
	mutex_lock(&vv->tables_lock);
	list_add_tail(&shadow->node, &vv->tables);
	mutex_unlock(&vv->tables_lock);
	return 0;
}

/* The same of a vIOMMU that nobody else has. */
static int vtd_shadow_join_alone(struct vtd_shadow *shadow, struct vtd_unit *unit)
{
	struct vtd_vunit *vv = vtd_vunit_make(unit, shadow->parent);
	int rc;

	if (IS_ERR(vv))
		return PTR_ERR(vv);
	vv->alone = true;
	vv->base.unit = &unit->base;
	vv->base.parent = &shadow->parent->base;
	vv->base.tags = shadow->base.tags;
	rc = iommufd_sva_tag_get(vv->base.tags, &unit->base);
	if (rc)
		goto out_free;
	rc = vtd_shadow_join(shadow, vv);
	if (!rc)
		return 0;
	iommufd_sva_tag_put(vv->base.tags);
out_free:
	vtd_vunit_free(&vv->base);
	return rc;
}

static int vtd_shadow_bind_to(struct vtd_shadow *shadow, struct vtd_unit *unit)
{
	int rc = 0;

	lockdep_assert_held(&shadow->bind_lock);
	if (shadow->alone && shadow->vv && shadow->vv->unit != unit &&
	    !atomic_read(&shadow->users))
		rc = vtd_shadow_take_along(shadow);
	if (!rc && !shadow->vv)
		rc = vtd_shadow_join_alone(shadow, unit);
	if (!rc && shadow->vv->unit != unit)
		rc = -EINVAL;
	if (!rc && !shadow->read)
		rc = vtd_shadow_build(shadow);
	return rc;
}

/**
 * vtd_shadow_bind - a device is going to be attached to a PASID table
 * @shadow: the table
 * @unit: of the device
 *
 * Until vtd_shadow_put() it stays on @unit.
 *
 * Context: under master->lock, not under unit->lock: all of the table may be read.
 * Return: 0; -EINVAL when the table is another unit's, or the parent does not fit;
 * -ENOSPC; -ENOMEM; -EINTR; -EIO.
 */
int vtd_shadow_bind(struct vtd_shadow *shadow, struct vtd_unit *unit)
{
	int rc;

	mutex_lock(&shadow->bind_lock);
	rc = vtd_shadow_bind_to(shadow, unit);
	if (!rc)
		atomic_inc(&shadow->users);
	mutex_unlock(&shadow->bind_lock);
	return rc;
}

/* That device is not attached to it, or not any more. */
void vtd_shadow_put(struct vtd_shadow *shadow)
{
	atomic_dec(&shadow->users);
}

/* 9.4: PASIDDIRPTR, PDTS. Requests without a PASID are those of PASID 0. */
static int vtd_shadow_check(struct vtd_domain *parent,
			    const struct iommufd_sva_pasid_table_vtd *arg)
{
	/* A directory has 2^(PDTS + 7) entries for 64 PASIDs each. */
	if (arg->pasid_bits < 13 || arg->pasid_bits > VTD_PASID_BITS ||
	    arg->rid_pasid != VTD_RID_PASID)
		return -EINVAL;
	if ((arg->dir_gpa & ~VTD_PTR_MASK) ||
	    arg->dir_gpa >> vtd_domain_gpa_bits(parent))
		return -EINVAL;
	return 0;
}

/**
 * vtd_pasid_table_object - see iommufd_sva_backend_ops, pasid_table_alloc
 * @parent: the nesting parent
 * @vunit: the vIOMMU, or NULL: which unit it will be on is not known yet
 * @data: struct iommufd_sva_pasid_table_vtd
 *
 * Return: the table; -EOPNOTSUPP for another type; -EINVAL for what a context entry
 * cannot say; -ENOSPC; -ENOMEM.
 */
struct iommufd_sva_nested *
vtd_pasid_table_object(struct iommufd_sva_domain *parent, struct iommufd_sva_vunit *vunit,
		       const struct iommufd_sva_user_data *data)
{
	struct vtd_vunit *vv = vunit ? to_vtd_vunit(vunit) : NULL;
	struct iommufd_sva_pasid_table_vtd arg;
	struct vtd_shadow *shadow;
	int rc;

	if (data->type != IOMMUFD_SVA_PASID_TABLE_VTD)
		return ERR_PTR(-EOPNOTSUPP);
	rc = iommufd_sva_copy_user_data(&arg, sizeof(arg), sizeof(arg), data);
	if (!rc)
		rc = vtd_shadow_check(to_vtd_domain(parent), &arg);
	if (rc)
		return ERR_PTR(rc);
	shadow = vtd_shadow_new(to_vtd_domain(parent), vv, &arg);
	if (!shadow)
		return ERR_PTR(-ENOMEM);
	if (vv)
		rc = vtd_shadow_join(shadow, vv) ?: vtd_shadow_build(shadow);
	if (rc) {
		vtd_shadow_free(&shadow->base);
		return ERR_PTR(rc);
	}
	return &shadow->base;
}
