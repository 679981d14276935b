// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the requests of a device are set to.
 *
 * A device that was never taken has nothing of its own in the tables. From the
 * first translation that is not identity on, the context entries of all its
 * requester IDs lead to its own PASID table, until the device leaves us. Requests
 * without a PASID find the entry of RID_PASID there, those with one the entry of
 * theirs; only a device that is alone with its requester ID has such.
 *
 * Requester IDs are things of their own: an alias (a bridge's) is shared by the
 * devices of an isolation set. It shows the PASID table of whichever was set
 * last. When that one is blocked or leaves it goes over to another one's that is
 * not blocked: what joins a set or goes from it blocks nobody else.
 *
 * Invalidations are those of 6.5.3.3, "Guidance to Software for Invalidations":
 *  - a context entry changed: context cache, device-selective; PASID cache and
 *    IOTLB of the domains that PASID entries behind the old one had;
 *  - a PASID directory entry changed (a leaf was replaced, or went): PASID cache,
 *    global. A walk that hardware may have cached on the way through the directory
 *    is under no domain, and the old leaf is used again. That is the wide side:
 *    revision 5.10 asks for the PASID and its domain only;
 *  - a PASID table entry changed in place: PASID cache, PASID-selective within
 *    the domain that the old one had;
 *  - for the IOTLB, an entry that was PGTT 100b (pass-through): PASID-selective
 *    through the PASID-based-IOTLB descriptor; 010b (second stage):
 *    domain-selective through the IOTLB descriptor, whoever else is in the
 *    domain: it is what drains requests that are on their way; 011b (nested) like
 *    the former where it became something else and like the latter where it went;
 *  - a guest's PASID table was shown, or is no more: as for a context entry, with
 *    all domain IDs that its entries may have had;
 *  - for the device-TLB of a device with ATS, last of all: everything of a PASID
 *    whose entry changed, or of requests without; where another table is shown all;
 *  - nothing was present before: nothing, but with CAP.CM, where hardware may
 *    cache that nothing was there (6.1), and a write-buffer flush with CAP.RWBF.
 */
#include <linux/slab.h>
#include "nested.h"

struct vtd_master;

/**
 * struct vtd_rid - a requester ID that some device of ours uses
 * @sid: the ID
 * @users: struct vtd_rid_user, the one that was set last at the front
 * @shown: whose PASID table its context entry leads to, NULL: identity's, or
 * @quarantined: that of a device that is gone, blocked, until the unit is handed
 *	back
 *
 * From the first user on until the unit is handed back.
 */
struct vtd_rid {
	u16 sid;
	struct list_head users;
	struct vtd_master *shown;
	bool quarantined;
};

/**
 * struct vtd_rid_user - a device that uses a requester ID
 * @node: in vtd_rid.users
 * @rid: the ID
 * @vm: the device
 */
struct vtd_rid_user {
	struct list_head node;
	struct vtd_rid *rid;
	struct vtd_master *vm;
};

/**
 * struct vtd_master - a device
 * @base: what the core has of it
 * @unit: the unit that it is behind
 * @table: its PASID table
 * @taken: @table says what it does; else it was identity all along
 * @shadow: a guest's PASID table that is shown in place of @table, NULL: none
 * @ats: its ATS
 * @pre: its context entry lets page requests through, as long as it does ATS
 * @nested: struct iommufd_sva_nested by PASID (RID_PASID: without), what is nested
 *	in @table
 * @num_users: how many
 * @users: its requester IDs
 *
 * Protected by unit->lock.
 */
struct vtd_master {
	struct iommufd_sva_master *base;
	struct vtd_unit *unit;
	struct vtd_pasid_table *table;
	bool taken;
	struct vtd_shadow *shadow;
	struct vtd_ats ats;
	bool pre;
	struct xarray nested;
	unsigned int num_users;
	struct vtd_rid_user users[IOMMUFD_SVA_MAX_RIDS];
};

/* What one requester ID's change comes to at most, and more: of several more go. */
#define VTD_FLUSH_DESCS		16

/**
 * struct vtd_flush - invalidations that a change of tables asks for
 * @batch: they
 * @pasid_cache_all: a directory changed: the whole PASID cache, which is in @batch
 * @descs: of @batch
 */
struct vtd_flush {
	struct vtd_batch batch;
	bool pasid_cache_all;
	struct vtd_desc descs[VTD_FLUSH_DESCS];
};

/* The tables have been changed. A full batch goes by itself: no memory is needed. */
static void vtd_flush_init(struct vtd_flush *flush, struct vtd_unit *unit)
{
	vtd_unit_flush_write_buffer(unit);
	vtd_batch_init(&flush->batch, unit, flush->descs, ARRAY_SIZE(flush->descs));
	flush->pasid_cache_all = false;
}

/* Once is enough: what it is about has changed before, and not in between. */
static void vtd_flush_add(struct vtd_flush *flush, struct vtd_desc desc)
{
	unsigned int i;

	for (i = 0; i < flush->batch.num; i++)
		if (!memcmp(&flush->descs[i], &desc, sizeof(desc)))
			return;
	vtd_batch_add(&flush->batch, desc);
}

/* What is cached of PASID table entries that held @did: that of @pasid, or all. */
static void vtd_flush_add_pasid_cache(struct vtd_flush *flush, u16 did, u32 pasid,
				      bool all)
{
	if (!flush->pasid_cache_all)
		vtd_flush_add(flush, all ? vtd_make_pasid_cache_domain(did) :
					   vtd_make_pasid_cache_pasid(did, pasid));
}

/* Table 28: is the IOTLB invalidated by PASID where @old, present, became @new? */
static bool vtd_by_pasid(const struct vtd_pasid_entry *old, const struct vtd_pasid_entry *new,
			 bool other)
{
	switch (vtd_pasid_entry_pgtt(old)) {
	case VTD_PGTT_PASS_THROUGH:
		return true;
	case VTD_PGTT_NESTED:
		return !other && vtd_pasid_entry_present(new);
	default:
		return false;
	}
}

/*
 * Requests with @pasid that @old applied to have @new instead. @other: that is an
 * entry of another table; else the same one has changed.
 */
static void vtd_flush_add_entry(struct vtd_flush *flush, u32 pasid,
				const struct vtd_pasid_entry *old,
				const struct vtd_pasid_entry *new, bool other)
{
	u64 cap = flush->batch.unit->cap;
	u16 did = vtd_pasid_entry_did(old);

	if (!vtd_pasid_entry_present(old)) {
		if (!(cap & VTD_CAP_CM) || !vtd_pasid_entry_present(new))
			return;
		/* That it was absent is cached under domain ID 0 (6.1). */
		vtd_flush_add_pasid_cache(flush, 0, pasid, other);
		did = vtd_pasid_entry_did(new);
	}
	vtd_flush_add_pasid_cache(flush, did, pasid, other);
	if (vtd_pasid_entry_present(old) && vtd_by_pasid(old, new, other))
		vtd_flush_add(flush, vtd_make_pasid_iotlb_all(did, pasid));
	else
		vtd_flush_add(flush, vtd_make_iotlb_domain(did, cap & VTD_CAP_DRD,
							   cap & VTD_CAP_DWD));
}

/* An entry of a table that the hardware looks at was set. */
static void vtd_flush_add_change(struct vtd_flush *flush,
				 const struct vtd_pasid_change *change)
{
	if (change->directory) {
		vtd_flush_add(flush, vtd_make_pasid_cache_global());
		flush->pasid_cache_all = true;
	}
	vtd_flush_add_entry(flush, change->pasid, &change->old, &change->new, false);
}

/*
 * 6.5.3.3 wants the context cache first, then the PASID cache, then the IOTLB:
 * a later one could be filled again from what an earlier one still holds. The
 * queue works in order, so the order of descriptors is enough. @all: the root
 * changed: the whole context cache.
 */
static void vtd_flush_add_contexts(struct vtd_flush *flush, const u16 *sids,
				   unsigned int num, bool all)
{
	unsigned int i;

	if (all) {
		vtd_flush_add(flush, vtd_make_context_global());
		return;
	}
	for (i = 0; i < num; i++)
		vtd_flush_add(flush, vtd_make_context_device(sids[i]));
}

static void vtd_flush_add_rids(struct vtd_flush *flush, struct vtd_rid **rids,
			       unsigned int num, bool all)
{
	u16 sids[IOMMUFD_SVA_MAX_RIDS];
	unsigned int i;

	for (i = 0; i < num; i++)
		sids[i] = rids[i]->sid;
	vtd_flush_add_contexts(flush, sids, num, all);
}

/* What @vm may have cached with @pasid when its entry was @old. Last of all. */
static void vtd_flush_add_dev_tlb(struct vtd_flush *flush, struct vtd_master *vm, u32 pasid,
				  const struct vtd_pasid_entry *old)
{
	if (!vtd_pasid_entry_present(old))
		return;
	if (pasid == VTD_RID_PASID)
		vtd_ats_add_rid(&flush->batch, vm->base, 0, VTD_ATS_EVERYTHING);
	else
		vtd_ats_add_pasid(&flush->batch, vm->base, pasid, 0, VTD_ATS_EVERYTHING);
}

/* A device that does not answer has nothing of what it had: that is as good. */
static int vtd_flush_submit(struct vtd_flush *flush)
{
	int rc = vtd_batch_submit(&flush->batch);

	return rc == -ETIMEDOUT ? vtd_ats_cut_off(flush->batch.unit) : rc;
}

static const struct vtd_pasid_entry *vtd_rid_entry(struct vtd_unit *unit,
						   struct vtd_master *shown)
{
	return vtd_pasid_table_rid_entry(shown ? shown->table : unit->identity);
}

/*
 * Requests of the requester IDs in @rids go through the table of @vm, or pass
 * (NULL) from now on. @change: what the caller has changed in @vm's table, which
 * was shown already; NULL: nothing.
 */
static int vtd_show(struct vtd_unit *unit, struct vtd_rid **rids, unsigned int num,
		    struct vtd_master *vm, const struct vtd_pasid_change *change)
{
	struct vtd_context_entry context = vtd_context_for(vm ? vm->table : unit->identity,
							    vm && vm->ats.dte, vm && vm->pre);
	const struct vtd_pasid_entry *now = vtd_rid_entry(unit, vm);
	struct vtd_pasid_entry old[IOMMUFD_SVA_MAX_RIDS];
	u16 sids[IOMMUFD_SVA_MAX_RIDS];
	unsigned int changed = 0, i;
	struct vtd_flush flush;
	bool all = false;

	lockdep_assert_held(&unit->lock);
	for (i = 0; i < num; i++) {
		if (rids[i]->shown == vm || rids[i]->quarantined)
			continue;
		old[changed] = *vtd_rid_entry(unit, rids[i]->shown);
		sids[changed++] = rids[i]->sid;
		all |= vtd_context_replace(unit, rids[i]->sid, &context);
		rids[i]->shown = vm;
	}
	vtd_flush_init(&flush, unit);
	vtd_flush_add_contexts(&flush, sids, changed, all);
	/* PASIDs that the table before did not have are cached under domain ID 0 (6.1). */
	if (changed && unit->cap & VTD_CAP_CM)
		vtd_flush_add(&flush, vtd_make_pasid_cache_domain(0));
	if (change)
		vtd_flush_add_change(&flush, change);
	/*
	 * QEMU (11.1) lets a device pass until its context entry is invalidated. That
	 * entry has not changed, so it need not come before the others.
	 */
	if (change && vtd_pasid_entry_present(&change->old) &&
	    vtd_pasid_entry_pgtt(&change->old) == VTD_PGTT_PASS_THROUGH)
		vtd_flush_add_rids(&flush, rids, num, all);
	for (i = 0; i < changed; i++)
		vtd_flush_add_entry(&flush, VTD_RID_PASID, &old[i], now, true);
	if (change)
		vtd_flush_add_dev_tlb(&flush, vm, VTD_RID_PASID, &change->old);
	return vtd_flush_submit(&flush);
}

static unsigned int vtd_master_rids(struct vtd_master *vm, struct vtd_rid **rids)
{
	unsigned int i;

	for (i = 0; i < vm->num_users; i++)
		rids[i] = vm->users[i].rid;
	return vm->num_users;
}

static bool vtd_master_is_open(struct vtd_master *vm)
{
	return vm->taken && vtd_pasid_entry_present(vtd_pasid_table_rid_entry(vm->table));
}

/*
 * Who shows at @rid once @vm does not: another device that is taken, one that is
 * not blocked before one that is; or nobody.
 */
static struct vtd_master *vtd_rid_heir(struct vtd_rid *rid, struct vtd_master *vm)
{
	struct vtd_master *heir = NULL;
	struct vtd_rid_user *user;

	list_for_each_entry(user, &rid->users, node) {
		if (user->vm == vm || !user->vm->taken)
			continue;
		if (vtd_master_is_open(user->vm))
			return user->vm;
		heir = heir ?: user->vm;
	}
	return heir;
}

/*
 * @vm is about to be blocked: what it shares goes to those that are not. @rids: in
 * and out: the requester IDs that are left to it.
 */
static int vtd_master_hand_over(struct vtd_master *vm, struct vtd_rid **rids,
				unsigned int *num)
{
	struct vtd_master *heir;
	unsigned int left = 0, i;
	int rc = 0;

	for (i = 0; i < *num; i++) {
		heir = vtd_rid_heir(rids[i], vm);
		if (heir && vtd_master_is_open(heir))
			rc = vtd_show(vm->unit, &rids[i], 1, heir, NULL) ?: rc;
		else
			rids[left++] = rids[i];
	}
	*num = left;
	return rc;
}

/* Requests of @vm without a PASID have @entry from now on. */
static int vtd_master_set_rid(struct vtd_master *vm, const struct vtd_pasid_entry *entry,
			      struct vtd_pasid_change *change)
{
	struct vtd_rid *rids[IOMMUFD_SVA_MAX_RIDS];
	unsigned int num = vtd_master_rids(vm, rids), i;
	bool was_taken = vm->taken;
	int rc = 0;

	if (!vtd_pasid_entry_present(entry))
		rc = vtd_master_hand_over(vm, rids, &num);
	vtd_pasid_table_set(vm->unit, vm->table, VTD_RID_PASID, entry, change);
	vm->taken = true;
	for (i = 0; i < vm->num_users; i++)
		list_move(&vm->users[i].node, &vm->users[i].rid->users);
	return vtd_show(vm->unit, rids, num, vm, was_taken ? change : NULL) ?: rc;
}

/* Requests of @vm with @pasid, which is prepared, have @entry from now on. */
static int vtd_master_set_pasid(struct vtd_master *vm, u32 pasid,
				const struct vtd_pasid_entry *entry,
				struct vtd_pasid_change *change)
{
	struct vtd_flush flush;

	vtd_pasid_table_set(vm->unit, vm->table, pasid, entry, change);
	vtd_flush_init(&flush, vm->unit);
	vtd_flush_add_change(&flush, change);
	vtd_flush_add_dev_tlb(&flush, vm, pasid, &change->old);
	return vtd_flush_submit(&flush);
}

static int vtd_master_set(struct vtd_master *vm, u32 pasid,
			  const struct vtd_pasid_entry *entry,
			  struct vtd_pasid_entry *old)
{
	struct vtd_pasid_change change;
	int rc;

	if (pasid == IOMMUFD_SVA_NO_PASID)
		rc = vtd_master_set_rid(vm, entry, &change);
	else
		rc = vtd_master_set_pasid(vm, pasid, entry, &change);
	vtd_pasid_table_settle(vm->table, &change, !rc);
	*old = change.old;
	return rc;
}

/*
 * What is to be looked up for @pasid becomes @entry. When this fails the hardware
 * does not answer; what it had before is put back as far as that is possible.
 */
static int vtd_master_show(struct vtd_master *vm, u32 pasid,
			   const struct vtd_pasid_entry *entry)
{
	struct vtd_pasid_entry old, ignored;
	int rc;

	rc = vtd_master_set(vm, pasid, entry, &old);
	/* Better blocked than half changed, when it was nobody's business before. */
	if (rc && vtd_pasid_entry_present(entry))
		vtd_master_set(vm, pasid, &old, &ignored);
	return rc;
}

/*
 * The context entries of @vm, which shares them with nobody, lead to @table now.
 * @old: what requests without a PASID had, to be invalidated; NULL: somebody else
 * sees to that, for all PASIDs.
 */
static int vtd_master_lead(struct vtd_master *vm, struct vtd_pasid_table *table,
			   const struct vtd_pasid_entry *old)
{
	struct vtd_context_entry context = vtd_context_for(table, vm->ats.dte, vm->pre);
	const struct vtd_pasid_entry *now = vtd_pasid_table_rid_entry(table);
	struct vtd_rid *rids[IOMMUFD_SVA_MAX_RIDS];
	unsigned int num = vtd_master_rids(vm, rids), i;
	struct vtd_flush flush;
	bool all = false;

	for (i = 0; i < num; i++) {
		all |= vtd_context_replace(vm->unit, rids[i]->sid, &context);
		rids[i]->shown = vm;
	}
	vtd_flush_init(&flush, vm->unit);
	vtd_flush_add_rids(&flush, rids, num, all);
	if (vm->unit->cap & VTD_CAP_CM)
		vtd_flush_add(&flush, vtd_make_pasid_cache_domain(0));
	if (old)
		vtd_flush_add_entry(&flush, VTD_RID_PASID, old, now, true);
	return vtd_flush_submit(&flush);
}

/* All that @vm has cached goes. */
static int vtd_master_flush_dev_tlb(struct vtd_master *vm)
{
	struct vtd_flush flush;

	vtd_flush_init(&flush, vm->unit);
	vtd_ats_add_all(&flush.batch, vm->base);
	return vtd_flush_submit(&flush);
}

/*
 * A guest's PASID table is shown from now on (@to), or @vm's own with @entry for
 * requests without a PASID. @vm has nothing attached to PASIDs. When this fails the
 * hardware does not answer; what it had before is put back as far as that is possible.
 */
static int vtd_master_switch(struct vtd_master *vm, struct vtd_shadow *to,
			     const struct vtd_pasid_entry *entry)
{
	struct vtd_pasid_entry old = *vtd_rid_entry(vm->unit, vm->taken ? vm : NULL);
	struct vtd_shadow *from = vm->shadow;
	int rc;

	/* Nobody looks at the own table while a guest's is shown. */
	if (to)
		vtd_shadow_show(to);
	else
		vtd_pasid_table_init(vm->unit, vm->table, entry);
	rc = vtd_master_lead(vm, to ? vtd_shadow_table(to) : vm->table, from ? NULL : &old);
	if (from)
		rc = vtd_shadow_forget(from) ?: rc;
	rc = vtd_master_flush_dev_tlb(vm) ?: rc;
	if (rc && (to || vtd_pasid_entry_present(entry))) {
		if (from)
			vtd_shadow_show(from);
		vtd_master_lead(vm, from ? vtd_shadow_table(from) : vm->table, NULL);
		if (to) {
			vtd_shadow_keep(to);
			vtd_shadow_forget(to);
		}
		return rc;
	}
	if (rc && from)
		vtd_shadow_keep(from);
	vm->shadow = to;
	vm->taken = true;
	return rc;
}

static enum vtd_ats_kind vtd_ats_kind(u32 pasid)
{
	return pasid == VTD_RID_PASID ? VTD_ATS_RID : VTD_ATS_PASID;
}

static int vtd_stage2_join(struct vtd_master *vm, u32 pasid, struct vtd_domain *domain,
			   struct vtd_pasid_entry *entry)
{
	u16 did;
	int rc;

	rc = vtd_domain_join(domain, vm->unit, &did);
	if (rc)
		return rc;
	rc = vtd_domain_add_device(domain, vm->base, vtd_ats_kind(pasid));
	if (rc)
		vtd_domain_leave(domain, vm->unit, false);
	else
		*entry = vtd_domain_entry(domain, vm->unit, did);
	return rc;
}

/* Make the PASID entry of @trans, joining its domain. */
static int vtd_translation_join(struct vtd_master *vm, u32 pasid,
				const struct iommufd_sva_translation *trans,
				struct vtd_pasid_entry *entry)
{
	switch (trans->type) {
	case IOMMUFD_SVA_TRANS_BLOCKED:
		*entry = vtd_make_pasid_blocked();
		return 0;
	case IOMMUFD_SVA_TRANS_IDENTITY:
		*entry = *vtd_pasid_table_rid_entry(vm->unit->identity);
		return 0;
	case IOMMUFD_SVA_TRANS_STAGE2:
		return vtd_stage2_join(vm, pasid, to_vtd_domain(trans->domain), entry);
	case IOMMUFD_SVA_TRANS_NESTED:
		/* A PASID table has joined by itself, and is no entry. */
		if (!vtd_shadow_of(trans))
			return vtd_nested_join(vm->base, trans->nested, pasid, entry);
		*entry = vtd_make_pasid_blocked();
		return 0;
	}
	return -EOPNOTSUPP;
}

/* @lost: the hardware did not answer: it may have something cached of it still. */
static void vtd_translation_leave(struct vtd_master *vm, u32 pasid,
				  const struct iommufd_sva_translation *trans, bool lost)
{
	struct vtd_domain *domain;

	if (trans->type == IOMMUFD_SVA_TRANS_STAGE2) {
		domain = to_vtd_domain(trans->domain);
		vtd_domain_remove_device(domain, vm->base, vtd_ats_kind(pasid));
		vtd_domain_leave(domain, vm->unit, lost);
	} else if (trans->type == IOMMUFD_SVA_TRANS_NESTED && !vtd_shadow_of(trans)) {
		vtd_nested_leave(vm->base, trans->nested, pasid);
	}
}

/* Memory for what @pasid is going to be set to. */
static int vtd_master_prepare(struct vtd_master *vm, u32 pasid,
			      const struct iommufd_sva_translation *new)
{
	int rc = 0;

	if (new->type == IOMMUFD_SVA_TRANS_BLOCKED)
		return 0;
	if (new->type == IOMMUFD_SVA_TRANS_NESTED && !xa_load(&vm->nested, pasid))
		rc = xa_reserve(&vm->nested, pasid, IOMMUFD_SVA_GFP_USER);
	return rc ?: vtd_pasid_table_prepare(vm->table, pasid);
}

/* What goes through a guest's address space is found there when it faults. */
static void vtd_master_note(struct vtd_master *vm, u32 pasid,
			    const struct iommufd_sva_translation *now)
{
	if (now->type == IOMMUFD_SVA_TRANS_NESTED && !vtd_shadow_of(now))
		xa_store(&vm->nested, pasid, now->nested, GFP_KERNEL);
	else
		xa_erase(&vm->nested, pasid);
}

struct iommufd_sva_master *vtd_find_nested(struct vtd_unit *unit, u16 sid, u32 pasid,
					   struct iommufd_sva_nested **nested)
{
	struct vtd_rid *rid = xa_load(&unit->rids, sid);
	struct vtd_master *vm = rid ? rid->shown : NULL;

	lockdep_assert_held(&unit->lock);
	if (!vm)
		return NULL;
	*nested = vm->shadow ? vtd_shadow_nested(vm->shadow) : xa_load(&vm->nested, pasid);
	return *nested ? vm->base : NULL;
}

/* @master is going to go through the guest's PASID table @shadow; not under unit->lock. */
static int vtd_shadow_enter(struct vtd_shadow *shadow, u32 pasid,
			    struct iommufd_sva_master *master)
{
	int rc;

	if (!shadow)
		return 0;
	/* It is no PASID's. */
	if (pasid != VTD_RID_PASID)
		return -EINVAL;
	rc = vtd_shadow_bind(shadow, to_vtd_unit(master->unit));
	if (rc)
		return rc;
	rc = vtd_shadow_add_device(shadow, master);
	if (rc)
		vtd_shadow_put(shadow);
	return rc;
}

static int vtd_master_set_translation(struct vtd_master *vm, u32 pasid, u32 index,
				      const struct iommufd_sva_translation *new,
				      const struct iommufd_sva_translation *old)
{
	struct vtd_shadow *shadow = vtd_shadow_of(new);
	struct vtd_pasid_entry entry;
	bool lost;
	int rc;

	lockdep_assert_held(&vm->unit->lock);
	rc = vtd_master_prepare(vm, index, new);
	if (!rc)
		rc = vtd_translation_join(vm, index, new, &entry);
	if (rc)
		return rc;
	if (index == VTD_RID_PASID && (shadow || vm->shadow))
		rc = vtd_master_switch(vm, shadow, &entry);
	else if (new->type != IOMMUFD_SVA_TRANS_IDENTITY || vm->taken)
		rc = vtd_master_show(vm, pasid, &entry);
	lost = rc;
	if (rc && new->type == IOMMUFD_SVA_TRANS_BLOCKED) {
		vtd_err(vm->unit, "device %s is blocked, but the hardware has not confirmed it: it may go on where it was; reboot\n",
			dev_name(vm->base->dev));
		rc = 0;
	}
	vtd_translation_leave(vm, index, rc ? new : old, lost);
	return rc;
}

/**
 * vtd_set_translation - see iommufd_sva_backend_ops
 * @master: the device
 * @pasid: IOMMUFD_SVA_NO_PASID, or a PASID of those that the core gave it
 * @new: from now on
 * @old: until now
 *
 * Blocking always succeeds: the tables say so, whether the hardware answers or not.
 * What it may have cached under the domain ID of @old keeps that from being used again.
 *
 * Context: under master->lock; may sleep.
 * Return: 0; -EINVAL when the domain does not fit the unit; -ENOSPC when the unit
 * has no domain ID left; -ENOMEM; -EIO when the hardware does not answer.
 */
int vtd_set_translation(struct iommufd_sva_master *master, u32 pasid,
			const struct iommufd_sva_translation *new,
			const struct iommufd_sva_translation *old)
{
	u32 index = pasid == IOMMUFD_SVA_NO_PASID ? VTD_RID_PASID : pasid;
	struct vtd_shadow *shadow = vtd_shadow_of(new), *left;
	struct vtd_master *vm = master->priv;
	int rc;

	rc = vtd_shadow_enter(shadow, index, master);
	if (rc)
		return rc;
	mutex_lock(&vm->unit->lock);
	rc = vtd_master_set_translation(vm, pasid, index, new, old);
	vtd_master_note(vm, index, rc ? old : new);
	mutex_unlock(&vm->unit->lock);
	left = rc ? shadow : vtd_shadow_of(old);
	if (left) {
		vtd_shadow_remove_device(left, master);
		vtd_shadow_put(left);
	}
	return rc;
}

/* --- ATS ------------------------------------------------------------------- */

/*
 * What the context entry of @vm, whose requester ID is its own, lets through from now on.
 * No PASID is looked up differently for that, so that only what is cached of the entry
 * goes. @drain: and translated requests that got through before are waited for.
 */
static int vtd_master_set_context(struct vtd_master *vm, bool dte, bool pre, bool drain)
{
	struct vtd_pasid_table *table = vm->shadow ? vtd_shadow_table(vm->shadow) : vm->table;
	struct vtd_context_entry context = vtd_context_for(table, dte, pre);
	struct vtd_rid *rid = vm->users[0].rid;
	u64 cap = vm->unit->cap;
	struct vtd_flush flush;
	bool all;

	lockdep_assert_held(&vm->unit->lock);
	all = vtd_context_replace(vm->unit, rid->sid, &context);
	vtd_flush_init(&flush, vm->unit);
	vtd_flush_add_rids(&flush, &rid, 1, all);
	if (drain)
		vtd_flush_add(&flush, vtd_make_iotlb_global(cap & VTD_CAP_DRD,
							    cap & VTD_CAP_DWD));
	return vtd_batch_submit(&flush.batch);
}

/* Whether the context entry lets ATS through (4.5): 0, or the hardware does not answer. */
int vtd_ats_set_dte(struct vtd_ats *ats, bool dte)
{
	struct vtd_master *vm = container_of(ats, struct vtd_master, ats);
	int rc;

	if (dte)
		WRITE_ONCE(ats->dte, true);
	rc = vtd_master_set_context(vm, dte, vm->pre, !dte && READ_ONCE(ats->silent));
	/* Who needs no answer of the device any more relies on this. */
	if (!dte)
		WRITE_ONCE(ats->dte, false);
	return rc;
}

/* Its requester ID is its own, and its own table is shown there. */
static bool vtd_master_is_alone(struct vtd_master *vm)
{
	return vm->num_users == 1 && list_is_singular(&vm->users[0].rid->users) &&
	       vm->users[0].rid->shown == vm;
}

/**
 * vtd_ats_set - see iommufd_sva_backend_ops
 * @master: the device
 * @on: its requests go through something of a user's; else they are blocked
 *
 * In the order of 4.5. What 4.5.2 has between ATS off and DTE off, to invalidate and
 * drain once more, has been done: since then every translation request was refused.
 *
 * Return: 0; -EOPNOTSUPP where somebody else shares the requester ID; an errno.
 */
int vtd_ats_set(struct iommufd_sva_master *master, bool on)
{
	struct vtd_master *vm = master->priv;
	int rc = 0;

	mutex_lock(&vm->unit->lock);
	if (!on)
		vtd_ats_disable(&vm->ats);
	else if (vtd_master_is_alone(vm))
		rc = vtd_ats_set_dte(&vm->ats, true) ?: vtd_ats_enable(&vm->ats);
	else
		rc = -EOPNOTSUPP;
	if ((!on || rc) && vm->ats.dte)
		vtd_ats_set_dte(&vm->ats, false);
	mutex_unlock(&vm->unit->lock);
	return rc;
}

/* --- page requests ---------------------------------------------------------- */

/* The unit refuses them from now on. The ring may still have some. */
static void vtd_pri_close(struct vtd_master *vm)
{
	vm->pre = false;
	if (vtd_master_set_context(vm, vm->ats.dte, false, false))
		vtd_err(vm->unit, "device %s: its page requests are off, but the hardware has not confirmed it\n",
			dev_name(vm->base->dev));
}

static int vtd_pri_open(struct vtd_master *vm)
{
	int rc;

	/* A device that does not answer goes on without ATS, so without these (SCT.4). */
	if (!vm->ats.dte)
		return -EOPNOTSUPP;
	vm->pre = true;
	rc = vtd_master_set_context(vm, true, true, false);
	if (rc)
		vtd_pri_close(vm);
	return rc;
}

/**
 * vtd_pri_set - see iommufd_sva_backend_ops
 * @master: the device, whose ATS is on; or it has been cut off
 * @on: its page requests are taken
 *
 * A virtual function goes on asking while another one has them on. What got through
 * before the unit refuses them is drained: the next who has the device hears nothing of it.
 *
 * Return: 0; -EOPNOTSUPP for a device that was cut off; an errno.
 */
int vtd_pri_set(struct iommufd_sva_master *master, bool on)
{
	struct vtd_master *vm = master->priv;
	int rc = 0;

	if (on)
		rc = vtd_prq_add(vm->unit, master);
	if (rc)
		return rc;
	mutex_lock(&vm->unit->lock);
	if (on)
		rc = vtd_pri_open(vm);
	else
		vtd_pri_close(vm);
	mutex_unlock(&vm->unit->lock);
	if (on && !rc)
		return 0;
	vtd_pri_drain(master);
	vtd_prq_remove(vm->unit, master);
	return rc;
}

/* --- joining and leaving -------------------------------------------------- */

static struct vtd_rid *vtd_rid_get(struct vtd_unit *unit, u16 sid)
{
	struct vtd_rid *rid = xa_load(&unit->rids, sid);
	int rc;

	if (rid)
		return rid;
	rid = kzalloc(sizeof(*rid), GFP_KERNEL);
	if (!rid)
		return ERR_PTR(-ENOMEM);
	rid->sid = sid;
	INIT_LIST_HEAD(&rid->users);
	rc = xa_err(xa_store(&unit->rids, sid, rid, GFP_KERNEL));
	if (rc) {
		kfree(rid);
		return ERR_PTR(rc);
	}
	return rid;
}

static int vtd_master_add_rid(struct vtd_master *vm, struct iommufd_sva_rid id)
{
	u16 sid = PCI_DEVID(id.bus, id.devfn);
	struct vtd_rid_user *user;
	struct vtd_rid *rid;
	int rc;

	rid = vtd_rid_get(vm->unit, sid);
	if (IS_ERR(rid))
		return PTR_ERR(rid);
	if (rid->quarantined) {
		vtd_err(vm->unit, "requester %04x:%02x:%02x.%x stays blocked after a reset that failed: reload vtd_nested to use it again\n",
			vm->unit->drhd->segment, id.bus, PCI_SLOT(id.devfn),
			PCI_FUNC(id.devfn));
		return -EBUSY;
	}
	rc = vtd_context_reserve(vm->unit, sid);
	if (rc)
		return rc;
	user = &vm->users[vm->num_users++];
	user->vm = vm;
	user->rid = rid;
	list_add_tail(&user->node, &rid->users);
	return 0;
}

static void vtd_master_free(struct vtd_master *vm)
{
	unsigned int i;

	for (i = 0; i < vm->num_users; i++)
		list_del(&vm->users[i].node);
	vtd_pasid_table_free(vm->table);
	xa_destroy(&vm->nested);
	kfree(vm);
}

/**
 * vtd_master_init - a device joins, at identity
 * @master: the device
 *
 * Everything that translations of it need is allocated here; the hardware's
 * tables stay as they are.
 *
 * Return: 0; -EBUSY when one of its requester IDs is in quarantine; -ENOMEM.
 */
int vtd_master_init(struct iommufd_sva_master *master)
{
	struct vtd_unit *unit = to_vtd_unit(master->unit);
	struct vtd_master *vm;
	unsigned int i;
	int rc = 0;

	vm = kzalloc(sizeof(*vm), GFP_KERNEL);
	if (!vm)
		return -ENOMEM;
	vm->base = master;
	vm->unit = unit;
	vm->ats.master = master;
	xa_init(&vm->nested);
	vm->table = vtd_pasid_table_alloc(master->pasid_bits, GFP_KERNEL_ACCOUNT);
	if (!vm->table) {
		kfree(vm);
		return -ENOMEM;
	}

	mutex_lock(&unit->lock);
	vtd_pasid_table_init(unit, vm->table, vtd_pasid_table_rid_entry(unit->identity));
	for (i = 0; i < master->num_rids && !rc; i++)
		rc = vtd_master_add_rid(vm, master->rids[i]);
	if (rc)
		vtd_master_free(vm);
	else
		master->priv = vm;
	mutex_unlock(&unit->lock);
	return rc;
}

/*
 * Whatever @vm shows at goes to an heir or to identity. Returns an error when the
 * hardware may still hold on to its table.
 */
static int vtd_master_withdraw(struct vtd_master *vm)
{
	unsigned int i;
	int rc = 0;

	for (i = 0; i < vm->num_users; i++) {
		struct vtd_rid *rid = vm->users[i].rid;

		if (rid->shown == vm)
			rc = vtd_show(vm->unit, &rid, 1, vtd_rid_heir(rid, vm), NULL) ?: rc;
	}
	return rc;
}

/*
 * The requester IDs that show @vm's table, blocked, do so until the unit is
 * handed back; the table is the unit's now.
 */
static void vtd_master_quarantine(struct vtd_master *vm)
{
	unsigned int i;

	for (i = 0; i < vm->num_users; i++) {
		struct vtd_rid *rid = vm->users[i].rid;

		if (rid->shown != vm)
			continue;
		rid->shown = NULL;
		rid->quarantined = true;
	}
	list_add(&vm->table->quarantine, &vm->unit->quarantine);
	vm->table = NULL;
}

/**
 * vtd_master_release - a device goes
 * @master: at identity, or blocked with @quarantine
 * @quarantine: its requester IDs stay blocked until the unit is handed back
 */
void vtd_master_release(struct iommufd_sva_master *master, bool quarantine)
{
	struct vtd_master *vm = master->priv;
	struct vtd_unit *unit = vm->unit;

	mutex_lock(&unit->lock);
	if (quarantine) {
		vtd_master_quarantine(vm);
	} else if (vtd_master_withdraw(vm)) {
		/* The hardware may look at it still: it has to stay. */
		list_add(&vm->table->quarantine, &unit->quarantine);
		vm->table = NULL;
	}
	vtd_master_free(vm);
	master->priv = NULL;
	mutex_unlock(&unit->lock);
}

/* The hardware looks at nothing any more; no device is left. */
void vtd_rids_free(struct vtd_unit *unit)
{
	struct vtd_rid *rid;
	unsigned long sid;

	xa_for_each(&unit->rids, sid, rid) {
		xa_erase(&unit->rids, sid);
		WARN_ON(!list_empty(&rid->users));
		kfree(rid);
	}
}
