// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guests' tables: what nested HWPTs and PASID tables are to the hardware, which
 * walks them itself, through the nesting parent.
 *
 * A table is what a guest's stream table entry says. Objects that say the same on
 * the same nesting parent (and vIOMMU) share one: it has one VMID per unit, the
 * vIOMMU's or one of its own, and an invalidation on any of the objects reaches
 * every device that uses it.
 */
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include "nested.h"

/* Commands that are looked at together when a PASID table is invalidated. */
#define SMMU_TABLE_CMDS		32U

static LIST_HEAD(smmu_tables);
static DEFINE_MUTEX(smmu_tables_lock);

/**
 * struct smmu_table - a guest's table
 * @node: in smmu_tables; this, and @users, under smmu_tables_lock
 * @users: objects that are it
 * @parent: the nesting parent; the objects keep it
 * @sv: the vIOMMU, or NULL; the objects keep it
 * @ste: the guest's entry, as smmuv3_guest_ste() takes it
 * @lock: see nested.h; protects what follows
 * @units: struct smmu_table_unit
 */
struct smmu_table {
	struct list_head node;
	unsigned int users;
	struct smmu_domain *parent;
	struct smmu_vunit *sv;
	__le64 ste[2];
	struct mutex lock;
	struct list_head units;
};

/**
 * struct smmu_table_unit - a table on a unit where devices use it
 * @node: in smmu_table.units
 * @unit: the unit
 * @caps: what a guest may use of it
 * @ste: the guest's entry, for this unit
 * @tag: its VMID: the vIOMMU's or
 * @own: one that it has for itself
 * @devices: struct smmu_table_device, not empty
 */
struct smmu_table_unit {
	struct list_head node;
	struct smmu_unit *unit;
	struct smmuv3_guest_caps caps;
	__le64 ste[2];
	struct smmu_guest_tag *tag;
	struct smmu_guest_tag own;
	struct list_head devices;
};

/**
 * struct smmu_table_device - a translation of a device that goes through a table
 * @node: in smmu_table_unit.devices
 * @sm: the device; twice while it goes from one object to another of the same table
 */
struct smmu_table_device {
	struct list_head node;
	struct smmu_master *sm;
};

/**
 * struct smmu_nested - a nested HWPT or a PASID table
 * @base: what the core sees of it
 * @table: what it is
 */
struct smmu_nested {
	struct iommufd_sva_nested base;
	struct smmu_table *table;
};

static struct smmu_nested *to_smmu_nested(struct iommufd_sva_nested *nested)
{
	return container_of(nested, struct smmu_nested, base);
}

/**
 * smmu_guest_tag_init - a VMID for a guest
 * @tag: it
 * @unit: where
 * @parent: the nesting parent
 *
 * Return: 0; -EINVAL when @parent does not fit @unit; -ENOSPC; -ENOMEM.
 */
int smmu_guest_tag_init(struct smmu_guest_tag *tag, struct smmu_unit *unit,
			struct smmu_domain *parent)
{
	int vmid, rc;

	vmid = smmu_unit_alloc_vmid(unit);
	if (vmid < 0)
		return vmid;
	tag->base.vmid = vmid;
	tag->unit = unit;
	tag->parent = parent;
	rc = smmu_domain_join_nested(parent, unit, &tag->base);
	if (rc)
		smmu_unit_free_vmid(unit, vmid);
	return rc;
}

/* No entry has it any more. */
void smmu_guest_tag_fini(struct smmu_guest_tag *tag)
{
	struct smmuv3_cmd flush = smmuv3_make_tlbi_s12_vmall(tag->base.vmid);
	int rc;

	rc = smmu_cmdq_submit(tag->unit, &flush, 1);
	smmu_domain_leave_nested(tag->parent, tag->unit, &tag->base);
	if (rc)
		smmu_err(tag->unit, "VMID %u of a guest not invalidated: it is not used again\n",
			 tag->base.vmid);
	else
		smmu_unit_free_vmid(tag->unit, tag->base.vmid);
}

static int smmu_check_ste(struct smmu_unit *unit, struct smmu_domain *parent, __le64 ste[2])
{
	const struct smmuv3_guest_caps caps = smmuv3_guest_caps_of(unit->idr);

	return smmuv3_guest_ste(&caps, parent->pt.cfg.ias, ste);
}

/* Does any unit allow nesting on @parent, and take @ste? 0 if one does. */
static int smmu_check_ste_anywhere(struct smmu_domain *parent, const __le64 ste[2])
{
	int rc = -EOPNOTSUPP, one;
	struct smmu_unit *unit;
	__le64 copy[2];

	mutex_lock(&smmu_units_lock);
	list_for_each_entry(unit, &smmu_units, node) {
		if (smmu_can_nest(unit, parent))
			continue;
		memcpy(copy, ste, sizeof(copy));
		one = smmu_check_ste(unit, parent, copy);
		if (rc)
			rc = one;
	}
	mutex_unlock(&smmu_units_lock);
	return rc;
}

static struct smmu_table *smmu_table_find(struct smmu_domain *parent, struct smmu_vunit *sv,
					  const __le64 ste[2])
{
	struct smmu_table *table;

	lockdep_assert_held(&smmu_tables_lock);
	list_for_each_entry(table, &smmu_tables, node)
		if (table->parent == parent && table->sv == sv &&
		    !memcmp(table->ste, ste, sizeof(table->ste)))
			return table;
	return NULL;
}

static struct smmu_table *smmu_table_add(struct smmu_domain *parent, struct smmu_vunit *sv,
					 const __le64 ste[2])
{
	struct smmu_table *table = kzalloc(sizeof(*table), IOMMUFD_SVA_GFP_USER);

	if (!table)
		return NULL;
	table->parent = parent;
	table->sv = sv;
	memcpy(table->ste, ste, sizeof(table->ste));
	mutex_init(&table->lock);
	INIT_LIST_HEAD(&table->units);
	list_add(&table->node, &smmu_tables);
	return table;
}

static struct smmu_table *smmu_table_get(struct smmu_domain *parent, struct smmu_vunit *sv,
					 const __le64 ste[2])
{
	struct smmu_table *table;

	mutex_lock(&smmu_tables_lock);
	table = smmu_table_find(parent, sv, ste) ?: smmu_table_add(parent, sv, ste);
	if (table)
		table->users++;
	mutex_unlock(&smmu_tables_lock);
	return table;
}

static void smmu_table_put(struct smmu_table *table)
{
	mutex_lock(&smmu_tables_lock);
	if (--table->users) {
		mutex_unlock(&smmu_tables_lock);
		return;
	}
	list_del(&table->node);
	mutex_unlock(&smmu_tables_lock);
	WARN_ON(!list_empty(&table->units));
	mutex_destroy(&table->lock);
	kfree(table);
}

static struct smmu_table_unit *smmu_table_find_unit(struct smmu_table *table,
						    struct smmu_unit *unit)
{
	struct smmu_table_unit *tu;

	lockdep_assert_held(&table->lock);
	list_for_each_entry(tu, &table->units, node)
		if (tu->unit == unit)
			return tu;
	return NULL;
}

static int smmu_table_unit_init(struct smmu_table_unit *tu, struct smmu_table *table,
				struct smmu_unit *unit)
{
	int rc;

	tu->unit = unit;
	tu->caps = smmuv3_guest_caps_of(unit->idr);
	INIT_LIST_HEAD(&tu->devices);
	memcpy(tu->ste, table->ste, sizeof(tu->ste));
	/* It was looked at when it was made, maybe for another unit. */
	if (smmu_check_ste(unit, table->parent, tu->ste))
		return -EINVAL;
	if (table->sv) {
		tu->tag = &table->sv->tag;
		return 0;
	}
	rc = smmu_can_nest(unit, table->parent);
	if (rc)
		return rc;
	tu->tag = &tu->own;
	return smmu_guest_tag_init(&tu->own, unit, table->parent);
}

static struct smmu_table_unit *smmu_table_add_unit(struct smmu_table *table,
						   struct smmu_unit *unit)
{
	struct smmu_table_unit *tu;
	int rc;

	tu = kzalloc(sizeof(*tu), IOMMUFD_SVA_GFP_USER);
	if (!tu)
		return ERR_PTR(-ENOMEM);
	rc = smmu_table_unit_init(tu, table, unit);
	if (rc) {
		kfree(tu);
		return ERR_PTR(rc);
	}
	list_add(&tu->node, &table->units);
	return tu;
}

/* With the last device the VMID goes. */
static void smmu_table_put_unit(struct smmu_table_unit *tu)
{
	if (!list_empty(&tu->devices))
		return;
	if (tu->tag == &tu->own)
		smmu_guest_tag_fini(&tu->own);
	list_del(&tu->node);
	kfree(tu);
}

static int smmu_table_join(struct smmu_table *table, struct smmu_master *sm,
			   struct smmuv3_ste *ste)
{
	struct smmu_table_device *device;
	struct smmu_table_unit *tu;
	struct smmuv3_s2_cfg s2;

	lockdep_assert_held(&table->lock);
	device = kzalloc(sizeof(*device), IOMMUFD_SVA_GFP_USER);
	if (!device)
		return -ENOMEM;
	tu = smmu_table_find_unit(table, sm->unit) ?: smmu_table_add_unit(table, sm->unit);
	if (IS_ERR(tu)) {
		kfree(device);
		return PTR_ERR(tu);
	}
	device->sm = sm;
	list_add(&device->node, &tu->devices);
	smmu_domain_join_atc(table->parent, &tu->tag->base, sm);
	s2 = smmu_domain_s2_cfg(table->parent, sm->unit, tu->tag->base.vmid);
	smmuv3_make_nested_ste(ste, &s2, tu->ste);
	return 0;
}

int smmu_nested_join(struct smmu_master *sm, struct iommufd_sva_nested *nested,
		     struct smmuv3_ste *ste)
{
	struct smmu_table *table = to_smmu_nested(nested)->table;
	int rc;

	lockdep_assert_held(&sm->unit->lock);
	mutex_lock(&table->lock);
	rc = smmu_table_join(table, sm, ste);
	mutex_unlock(&table->lock);
	return rc;
}

void smmu_nested_leave(struct smmu_master *sm, struct iommufd_sva_nested *nested)
{
	struct smmu_table *table = to_smmu_nested(nested)->table;
	struct smmu_table_device *device;
	struct smmu_table_unit *tu;

	lockdep_assert_held(&sm->unit->lock);
	mutex_lock(&table->lock);
	tu = smmu_table_find_unit(table, sm->unit);
	smmu_domain_leave_atc(table->parent, &tu->tag->base, sm);
	list_for_each_entry(device, &tu->devices, node) {
		if (device->sm != sm)
			continue;
		list_del(&device->node);
		kfree(device);
		break;
	}
	smmu_table_put_unit(tu);
	mutex_unlock(&table->lock);
}

/* How many of @raw are legal wherever the table is. */
static unsigned int
smmu_table_check(struct smmu_table *table,
		 const struct iommufd_sva_viommu_arm_smmuv3_invalidate *raw, unsigned int num)
{
	struct smmuv3_guest_cmd guest;
	struct smmu_table_unit *tu;
	unsigned int i;

	list_for_each_entry(tu, &table->units, node) {
		for (i = 0; i < num; i++)
			if (smmuv3_guest_cmd(&tu->caps, tu->tag->base.vmid, raw[i].cmd, &guest))
				break;
		num = i;
	}
	return num;
}

static void smmu_table_add_streams(struct smmu_table_unit *tu, struct smmuv3_cmd cmd,
				   struct smmu_cmdq_batch *batch)
{
	bool atc = smmuv3_cmd_opcode(&cmd) == SMMUV3_CMD_ATC_INV;
	struct smmu_table_device *device;
	unsigned int i;

	list_for_each_entry(device, &tu->devices, node) {
		if (atc && !smmu_atc_is_on(device->sm))
			continue;
		if (atc)
			smmu_cmdq_batch_order(batch);
		for (i = 0; i < device->sm->num_sids; i++) {
			smmuv3_cmd_set_sid(&cmd, device->sm->sids[i]);
			smmu_cmdq_batch_add(batch, cmd);
		}
	}
}

/* @raw, which are legal, on one unit. */
static int smmu_table_pass(struct smmu_table_unit *tu,
			   const struct iommufd_sva_viommu_arm_smmuv3_invalidate *raw,
			   unsigned int num)
{
	struct smmu_cmdq_batch batch;
	struct smmuv3_guest_cmd guest;
	unsigned int i;
	int rc;

	smmu_cmdq_batch_init(&batch, tu->unit);
	down_read(&tu->unit->ats_rwsem);
	for (i = 0; i < num; i++) {
		smmuv3_guest_cmd(&tu->caps, tu->tag->base.vmid, raw[i].cmd, &guest);
		if (guest.by_sid)
			smmu_table_add_streams(tu, guest.cmd, &batch);
		else
			smmu_cmdq_batch_add(&batch, guest.cmd);
	}
	rc = smmu_cmdq_batch_submit(&batch);
	up_read(&tu->unit->ats_rwsem);
	return rc;
}

/* Some commands of @array; consumes as many as have taken effect. */
static int smmu_table_invalidate_some(struct smmu_table *table,
				      struct iommufd_sva_user_array *array)
{
	struct iommufd_sva_viommu_arm_smmuv3_invalidate raw[SMMU_TABLE_CMDS];
	struct smmu_table_unit *tu;
	unsigned int num, legal;
	int rc = 0, error;

	num = min(array->entry_num - array->consumed, SMMU_TABLE_CMDS);
	num = smmu_copy_guest_cmds(array, array->consumed, num, raw, &error);

	mutex_lock(&table->lock);
	legal = smmu_table_check(table, raw, num);
	list_for_each_entry(tu, &table->units, node)
		rc = smmu_table_pass(tu, raw, legal) ?: rc;
	mutex_unlock(&table->lock);
	/* A device that does not answer keeps nothing else from taking effect. */
	if (rc && rc != -ETIMEDOUT)
		return rc;
	array->consumed += legal;
	return rc ?: legal < num ? -EIO : error;
}

/* See iommufd_sva_nested_ops: of a PASID table, for every device that uses it. */
static int smmu_pasid_table_invalidate(struct iommufd_sva_nested *nested,
				       struct iommufd_sva_user_array *array)
{
	struct smmu_table *table = to_smmu_nested(nested)->table;
	int rc = 0;

	if (array->type != IOMMUFD_SVA_VIOMMU_INVALIDATE_DATA_ARM_SMMUV3)
		return -EINVAL;
	while (array->consumed < array->entry_num && !rc)
		rc = fatal_signal_pending(current) ? -EINTR :
						     smmu_table_invalidate_some(table, array);
	return rc;
}

static void smmu_nested_free(struct iommufd_sva_nested *nested)
{
	struct smmu_nested *sn = to_smmu_nested(nested);

	smmu_table_put(sn->table);
	kfree(sn);
}

/* Invalidations of a nested HWPT go through its vIOMMU, as with iommufd. */
static const struct iommufd_sva_nested_ops smmu_nested_ops = {
	.free = smmu_nested_free,
};

static const struct iommufd_sva_nested_ops smmu_pasid_table_ops = {
	.invalidate = smmu_pasid_table_invalidate,
	.free = smmu_nested_free,
};

/* @ste was checked. */
static struct iommufd_sva_nested *
smmu_nested_new(struct smmu_domain *parent, struct smmu_vunit *sv, const __le64 ste[2],
		const struct iommufd_sva_nested_ops *ops)
{
	struct smmu_nested *sn = kzalloc(sizeof(*sn), IOMMUFD_SVA_GFP_USER);

	if (!sn)
		return ERR_PTR(-ENOMEM);
	sn->base.ops = ops;
	sn->base.no_ats = !smmuv3_guest_ats(ste);
	sn->table = smmu_table_get(parent, sv, ste);
	if (!sn->table) {
		kfree(sn);
		return ERR_PTR(-ENOMEM);
	}
	return &sn->base;
}

/**
 * smmu_nested_alloc - see iommufd_sva_backend_ops
 * @unit: @vunit's
 * @parent: the nesting parent
 * @vunit: the vIOMMU
 * @data: struct iommufd_sva_hwpt_arm_smmuv3
 *
 * Return: the nested translation; -EOPNOTSUPP without a vIOMMU; -EINVAL for another
 * type, as iommufd has it; -EIO for an entry that is not legal; -ENOMEM.
 */
struct iommufd_sva_nested *smmu_nested_alloc(struct iommufd_sva_unit *unit,
					     struct iommufd_sva_domain *parent,
					     struct iommufd_sva_vunit *vunit,
					     const struct iommufd_sva_user_data *data)
{
	struct iommufd_sva_hwpt_arm_smmuv3 arg;
	struct iommufd_sva_nested *nested;
	int rc;

	if (!vunit)
		return ERR_PTR(-EOPNOTSUPP);
	if (data->type != IOMMUFD_SVA_HWPT_DATA_ARM_SMMUV3)
		return ERR_PTR(-EINVAL);
	rc = iommufd_sva_copy_user_data(&arg, sizeof(arg), sizeof(arg), data);
	if (!rc)
		rc = smmu_check_ste(to_smmu_unit(unit), to_smmu_domain(parent), arg.ste);
	if (rc)
		return ERR_PTR(rc);
	nested = smmu_nested_new(to_smmu_domain(parent), to_smmu_vunit(vunit), arg.ste,
				 &smmu_nested_ops);
	/* As iommufd: an entry that bypasses or aborts has nothing to invalidate. */
	if (!IS_ERR(nested))
		nested->by_name = smmuv3_guest_translates(arg.ste);
	return nested;
}

/**
 * smmu_pasid_table_alloc - see iommufd_sva_backend_ops
 * @parent: the nesting parent
 * @vunit: the vIOMMU, or NULL: which units it will be on is not known yet
 * @data: struct iommufd_sva_pasid_table_smmuv3
 *
 * Return: the table; -EOPNOTSUPP for another type, and where guests may not nest;
 * -EIO for an entry that is legal nowhere; -ENOMEM.
 */
struct iommufd_sva_nested *
smmu_pasid_table_alloc(struct iommufd_sva_domain *parent, struct iommufd_sva_vunit *vunit,
		       const struct iommufd_sva_user_data *data)
{
	struct iommufd_sva_pasid_table_smmuv3 arg;
	int rc;

	if (data->type != IOMMUFD_SVA_PASID_TABLE_SMMUV3)
		return ERR_PTR(-EOPNOTSUPP);
	rc = iommufd_sva_copy_user_data(&arg, sizeof(arg), sizeof(arg), data);
	if (rc)
		return ERR_PTR(rc);
	if (vunit)
		rc = smmu_check_ste(to_smmu_vunit(vunit)->unit, to_smmu_domain(parent), arg.ste);
	else
		rc = smmu_check_ste_anywhere(to_smmu_domain(parent), arg.ste);
	if (rc)
		return ERR_PTR(rc);
	return smmu_nested_new(to_smmu_domain(parent), vunit ? to_smmu_vunit(vunit) : NULL,
			       arg.ste, &smmu_pasid_table_ops);
}
