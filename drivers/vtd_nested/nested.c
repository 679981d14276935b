// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest's address spaces: nested HWPTs, first-stage tables in a guest's memory that
 * the hardware walks through the nesting parent (3.8).
 *
 * One has a domain ID of its own on each unit where it is attached, to however many
 * devices and PASIDs: what a guest changed in it costs one command there.
 */
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include "nested.h"

/* Invalidations that are looked at, and submitted, together. */
#define VTD_S1_BATCH		16U

/**
 * struct vtd_nested_user - a PASID that goes through a nested HWPT on a unit
 * @node: in vtd_nested_unit.pasids
 * @pasid: it; RID_PASID for requests without
 * @users: devices
 */
struct vtd_nested_user {
	struct list_head node;
	u32 pasid;
	unsigned int users;
};

/**
 * struct vtd_nested_unit - a nested HWPT on a unit
 * @node: in vtd_nested.units
 * @unit: the unit
 * @tag: its domain ID there
 * @pasids: struct vtd_nested_user, not empty
 * @devices: struct vtd_ats_user, which may have cached something of it
 */
struct vtd_nested_unit {
	struct list_head node;
	struct vtd_unit *unit;
	struct vtd_tag tag;
	struct list_head pasids;
	struct list_head devices;
};

/**
 * struct vtd_nested - a nested HWPT
 * @base: what the core sees of it
 * @parent: the nesting parent
 * @first: of its PASID table entries, as vtd_make_first_stage() has it
 * @lock: protects @units; see vtd.h
 * @units: struct vtd_nested_unit
 */
struct vtd_nested {
	struct iommufd_sva_nested base;
	struct vtd_domain *parent;
	u64 first;
	struct mutex lock;
	struct list_head units;
};

static struct vtd_nested *to_vtd_nested(struct iommufd_sva_nested *nested)
{
	return container_of(nested, struct vtd_nested, base);
}

static struct vtd_nested_unit *vtd_nested_find_unit(struct vtd_nested *vn,
						    struct vtd_unit *unit)
{
	struct vtd_nested_unit *nu;

	lockdep_assert_held(&vn->lock);
	list_for_each_entry(nu, &vn->units, node)
		if (nu->unit == unit)
			return nu;
	return NULL;
}

static struct vtd_nested_user *vtd_nested_find_user(struct vtd_nested_unit *nu, u32 pasid)
{
	struct vtd_nested_user *user;

	list_for_each_entry(user, &nu->pasids, node)
		if (user->pasid == pasid)
			return user;
	return NULL;
}

static struct vtd_nested_unit *vtd_nested_add_unit(struct vtd_nested *vn, struct vtd_unit *unit)
{
	const struct vtd_guest_caps caps = vtd_guest_caps_of(unit->cap, unit->ecap);
	struct vtd_nested_unit *nu;
	int rc;

	/* It was looked at when it was made, maybe for another unit. */
	if (vtd_nest_parent(&unit->base, &vn->parent->base) ||
	    !vtd_first_stage_fits(&caps, vn->first))
		return ERR_PTR(-EINVAL);
	nu = kzalloc(sizeof(*nu), IOMMUFD_SVA_GFP_USER);
	if (!nu)
		return ERR_PTR(-ENOMEM);
	nu->unit = unit;
	INIT_LIST_HEAD(&nu->pasids);
	INIT_LIST_HEAD(&nu->devices);
	rc = vtd_tag_init(&nu->tag, unit, vn->parent, vn->base.tags);
	if (rc) {
		kfree(nu);
		return ERR_PTR(rc);
	}
	list_add(&nu->node, &vn->units);
	return nu;
}

/* With the last PASID the domain ID goes. */
static void vtd_nested_put_unit(struct vtd_nested_unit *nu)
{
	if (!list_empty(&nu->pasids))
		return;
	vtd_tag_fini(&nu->tag);
	list_del(&nu->node);
	kfree(nu);
}

static int vtd_nested_add_user(struct vtd_nested_unit *nu, u32 pasid)
{
	struct vtd_nested_user *user = vtd_nested_find_user(nu, pasid);

	if (!user) {
		user = kzalloc(sizeof(*user), IOMMUFD_SVA_GFP_USER);
		if (!user)
			return -ENOMEM;
		user->pasid = pasid;
		list_add(&user->node, &nu->pasids);
	}
	user->users++;
	return 0;
}

static void vtd_nested_remove_user(struct vtd_nested_unit *nu, u32 pasid)
{
	struct vtd_nested_user *user = vtd_nested_find_user(nu, pasid);

	if (--user->users)
		return;
	list_del(&user->node);
	kfree(user);
}

static enum vtd_ats_kind vtd_nested_kind(u32 pasid)
{
	return pasid == VTD_RID_PASID ? VTD_ATS_RID : VTD_ATS_PASID;
}

/* @master may cache what comes of its tables, and of the parent's. */
static int vtd_nested_add_device(struct vtd_nested_unit *nu, struct iommufd_sva_master *master,
				 u32 pasid)
{
	struct vtd_domain *parent = nu->tag.parent;
	int rc;

	rc = vtd_ats_join(&nu->devices, master, vtd_nested_kind(pasid));
	if (rc)
		return rc;
	rc = vtd_domain_add_device(parent, master, VTD_ATS_ALL);
	if (rc)
		vtd_ats_leave(&nu->devices, master, vtd_nested_kind(pasid));
	return rc;
}

static void vtd_nested_remove_device(struct vtd_nested_unit *nu,
				     struct iommufd_sva_master *master, u32 pasid)
{
	vtd_domain_remove_device(nu->tag.parent, master, VTD_ATS_ALL);
	vtd_ats_leave(&nu->devices, master, vtd_nested_kind(pasid));
}

int vtd_nested_join(struct iommufd_sva_master *master, struct iommufd_sva_nested *nested,
		    u32 pasid, struct vtd_pasid_entry *entry)
{
	struct vtd_unit *unit = to_vtd_unit(master->unit);
	struct vtd_nested *vn = to_vtd_nested(nested);
	struct vtd_nested_unit *nu;
	int rc;

	lockdep_assert_held(&unit->lock);
	mutex_lock(&vn->lock);
	nu = vtd_nested_find_unit(vn, unit) ?: vtd_nested_add_unit(vn, unit);
	rc = PTR_ERR_OR_ZERO(nu);
	if (!rc) {
		rc = vtd_nested_add_user(nu, pasid);
		if (!rc) {
			rc = vtd_nested_add_device(nu, master, pasid);
			if (rc)
				vtd_nested_remove_user(nu, pasid);
		}
		*entry = vtd_domain_nested_entry(vn->parent, unit, nu->tag.did, vn->first);
		vtd_nested_put_unit(nu);
	}
	mutex_unlock(&vn->lock);
	return rc;
}

void vtd_nested_leave(struct iommufd_sva_master *master, struct iommufd_sva_nested *nested,
		      u32 pasid)
{
	struct vtd_unit *unit = to_vtd_unit(master->unit);
	struct vtd_nested *vn = to_vtd_nested(nested);
	struct vtd_nested_unit *nu;

	lockdep_assert_held(&unit->lock);
	mutex_lock(&vn->lock);
	nu = vtd_nested_find_unit(vn, unit);
	vtd_nested_remove_device(nu, master, pasid);
	vtd_nested_remove_user(nu, pasid);
	vtd_nested_put_unit(nu);
	mutex_unlock(&vn->lock);
}

/* The last address of @inv; ~0: everything is meant. */
static u64 vtd_nested_last(const struct iommufd_sva_hwpt_vtd_s1_invalidate *inv)
{
	u64 last;

	if (check_shl_overflow(inv->npages, 12, &last) ||
	    check_add_overflow(inv->addr, last - 1, &last))
		return ~0ULL;
	return last;
}

/*
 * What takes @inv to @nu: pages, or all of a PASID, where there is one (6.5.2.4).
 * Where there are several the domain ID stands for all of them and for nothing else.
 */
static struct vtd_desc vtd_nested_desc(struct vtd_nested_unit *nu,
				       const struct iommufd_sva_hwpt_vtd_s1_invalidate *inv)
{
	bool leaf = inv->flags & IOMMUFD_SVA_VTD_INV_FLAGS_LEAF;
	u64 cap = nu->unit->cap, last = vtd_nested_last(inv);
	struct vtd_nested_user *user;
	unsigned int am;

	if (!list_is_singular(&nu->pasids))
		return vtd_make_iotlb_domain(nu->tag.did, cap & VTD_CAP_DRD, cap & VTD_CAP_DWD);
	user = list_first_entry(&nu->pasids, struct vtd_nested_user, node);
	am = vtd_address_mask(inv->addr, last);
	if (last == ~0ULL || am > FIELD_GET(VTD_CAP_MAMV, cap))
		return vtd_make_pasid_iotlb_all(nu->tag.did, user->pasid);
	return vtd_make_pasid_iotlb_pages(nu->tag.did, user->pasid,
					  vtd_address_start(inv->addr, am), am, leaf);
}

static int vtd_nested_pass(struct vtd_nested_unit *nu,
			   const struct iommufd_sva_hwpt_vtd_s1_invalidate *invs,
			   unsigned int num)
{
	struct vtd_desc descs[VTD_S1_BATCH];
	struct vtd_batch batch;
	unsigned int i;

	vtd_unit_flush_write_buffer(nu->unit);
	vtd_batch_init_for(&batch, nu->unit, descs, ARRAY_SIZE(descs),
			   num * (1 + vtd_ats_count(&nu->devices)));
	for (i = 0; i < num; i++)
		if (invs[i].npages)
			vtd_batch_add(&batch, vtd_nested_desc(nu, &invs[i]));
	for (i = 0; i < num; i++)
		if (invs[i].npages)
			vtd_ats_add(&batch, &nu->devices, invs[i].addr,
				    vtd_nested_last(&invs[i]));
	return vtd_batch_finish(&batch);
}

static int vtd_nested_copy(const struct iommufd_sva_user_array *array, u32 index,
			   struct iommufd_sva_hwpt_vtd_s1_invalidate *inv)
{
	int rc;

	rc = iommufd_sva_copy_array_entry(inv, sizeof(*inv), sizeof(*inv), array, index);
	if (rc)
		return rc;
	if ((inv->flags & ~IOMMUFD_SVA_VTD_INV_FLAGS_LEAF) || inv->__reserved)
		return -EOPNOTSUPP;
	if ((inv->addr & ~VTD_PTR_MASK) || (inv->npages == U64_MAX && inv->addr))
		return -EINVAL;
	return 0;
}

/* Some of @array; consumes as many as have taken effect. */
static int vtd_nested_invalidate_some(struct vtd_nested *vn,
				      struct iommufd_sva_user_array *array)
{
	struct iommufd_sva_hwpt_vtd_s1_invalidate invs[VTD_S1_BATCH];
	unsigned int num = min(array->entry_num - array->consumed, VTD_S1_BATCH), i;
	struct vtd_nested_unit *nu;
	int rc = 0, error = 0, one;
	bool silent = false;

	for (i = 0; i < num; i++) {
		error = vtd_nested_copy(array, array->consumed + i, &invs[i]);
		if (error)
			break;
	}
	mutex_lock(&vn->lock);
	list_for_each_entry(nu, &vn->units, node) {
		one = vtd_nested_pass(nu, invs, i);
		silent |= one == -ETIMEDOUT;
		if (one && one != -ETIMEDOUT)
			rc = one;
	}
	mutex_unlock(&vn->lock);
	if (silent)
		rc = vtd_ats_cut_off_all() ?: rc;
	if (rc)
		return rc;
	array->consumed += i;
	return error;
}

/* See iommufd_sva_nested_ops: struct iommufd_sva_hwpt_vtd_s1_invalidate. */
static int vtd_nested_invalidate(struct iommufd_sva_nested *nested,
				 struct iommufd_sva_user_array *array)
{
	int rc = 0;

	if (array->type != IOMMUFD_SVA_HWPT_INVALIDATE_DATA_VTD_S1)
		return -EINVAL;
	while (array->consumed < array->entry_num && !rc)
		rc = fatal_signal_pending(current) ? -EINTR :
		     vtd_nested_invalidate_some(to_vtd_nested(nested), array);
	return rc;
}

static void vtd_nested_free(struct iommufd_sva_nested *nested)
{
	struct vtd_nested *vn = to_vtd_nested(nested);

	WARN_ON(!list_empty(&vn->units));
	vtd_domain_nest_put(vn->parent);
	mutex_destroy(&vn->lock);
	kfree(vn);
}

static const struct iommufd_sva_nested_ops vtd_nested_ops = {
	.invalidate = vtd_nested_invalidate,
	.free = vtd_nested_free,
};

/* First stage of an entry as @s1 has it: 0 or an errno, see vtd_nested_alloc(). */
static int vtd_s1_first(struct vtd_unit *unit, struct vtd_domain *parent,
			const struct iommufd_sva_hwpt_vtd_s1 *s1, u64 *first)
{
	const struct vtd_guest_caps caps = vtd_guest_caps_of(unit->cap, unit->ecap);
	const u64 known = IOMMUFD_SVA_VTD_S1_SRE | IOMMUFD_SVA_VTD_S1_EAFE |
			  IOMMUFD_SVA_VTD_S1_WPE;

	if ((s1->flags & ~known) || s1->__reserved)
		return -EOPNOTSUPP;
	if (s1->addr_width != 48 && s1->addr_width != 57)
		return -EINVAL;
	if ((s1->pgtbl_addr & ~VTD_PTR_MASK) ||
	    s1->pgtbl_addr >> vtd_domain_gpa_bits(parent))
		return -EINVAL;
	*first = vtd_make_first_stage(s1->pgtbl_addr, s1->addr_width == 57,
				      s1->flags & IOMMUFD_SVA_VTD_S1_SRE,
				      s1->flags & IOMMUFD_SVA_VTD_S1_WPE, true,
				      s1->flags & IOMMUFD_SVA_VTD_S1_EAFE);
	return vtd_first_stage_fits(&caps, *first) ? 0 : -EINVAL;
}

/**
 * vtd_nested_alloc - see iommufd_sva_backend_ops
 * @unit: the unit
 * @parent: the nesting parent
 * @vunit: the vIOMMU or NULL, it makes no difference
 * @data: struct iommufd_sva_hwpt_vtd_s1
 *
 * Return: the nested translation; -EOPNOTSUPP for another type, unknown flags, and a
 * unit that does not nest, or may not on @parent; -EINVAL for a first stage that the
 * unit does not have, or that is beyond the guest's memory; -ENOMEM. Whether @parent
 * fits the unit is seen when it is attached.
 */
struct iommufd_sva_nested *vtd_nested_alloc(struct iommufd_sva_unit *unit,
					    struct iommufd_sva_domain *parent,
					    struct iommufd_sva_vunit *vunit,
					    const struct iommufd_sva_user_data *data)
{
	struct iommufd_sva_hwpt_vtd_s1 s1;
	struct vtd_nested *vn;
	u64 first;
	int rc;

	if (data->type != IOMMUFD_SVA_HWPT_DATA_VTD_S1)
		return ERR_PTR(-EOPNOTSUPP);
	rc = vtd_nest_parent(unit, parent);
	if (!rc)
		rc = iommufd_sva_copy_user_data(&s1, sizeof(s1), sizeof(s1), data);
	if (!rc)
		rc = vtd_s1_first(to_vtd_unit(unit), to_vtd_domain(parent), &s1, &first);
	if (rc)
		return ERR_PTR(rc);

	vn = kzalloc(sizeof(*vn), IOMMUFD_SVA_GFP_USER);
	if (!vn)
		return ERR_PTR(-ENOMEM);
	rc = vtd_domain_nest_get(to_vtd_domain(parent));
	if (rc) {
		kfree(vn);
		return ERR_PTR(rc);
	}
	vn->base.ops = &vtd_nested_ops;
	vn->parent = to_vtd_domain(parent);
	vn->first = first;
	mutex_init(&vn->lock);
	INIT_LIST_HEAD(&vn->units);
	return &vn->base;
}
