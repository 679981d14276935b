// SPDX-License-Identifier: GPL-2.0-only
/*
 * vIOMMUs, a guest's share of an IOMMU unit, and virtual devices, a guest's name
 * for a device there.
 *
 * A vIOMMU holds a user on its nesting parent; nested HWPTs, virtual devices and
 * event queues hold one on the vIOMMU. Names that VSID_MAP gave go with it.
 */
#include <linux/export.h>

#include "iommufd_sva_private.h"

/**
 * struct iommufd_sva_vdevice - a virtual device
 * @obj: object
 * @viommu: the vIOMMU; holds a user on it
 * @entry: the name in it, which holds the device
 */
struct iommufd_sva_vdevice {
	struct iommufd_sva_object obj;
	struct iommufd_sva_viommu *viommu;
	struct iommufd_sva_vsid_entry *entry;
};

/**
 * iommufd_sva_tag_get - something nested is going to have a tag of its own on a unit
 * @tags: what its context has, on all units
 * @unit: the unit
 *
 * Guests make address spaces as they like, and a unit tells only so many apart. One
 * context has no more for what it nests than a quarter, so that others find some.
 *
 * Return: 0; -ENOSPC.
 */
int iommufd_sva_tag_get(atomic_t *tags, struct iommufd_sva_unit *unit)
{
	if (atomic_inc_return(tags) <= unit->num_tags / 4 || !unit->num_tags)
		return 0;
	atomic_dec(tags);
	return -ENOSPC;
}
EXPORT_SYMBOL_GPL(iommufd_sva_tag_get);

void iommufd_sva_tag_put(atomic_t *tags)
{
	atomic_dec(tags);
}
EXPORT_SYMBOL_GPL(iommufd_sva_tag_put);

void iommufd_sva_viommu_destroy(struct iommufd_sva_object *obj)
{
	struct iommufd_sva_viommu *viommu =
		container_of(obj, struct iommufd_sva_viommu, obj);
	struct iommufd_sva_vunit *vunit = viommu->vunit;

	if (vunit) {
		iommufd_sva_vsids_remove_all(vunit);
		xa_destroy(&vunit->vsids);
		iommufd_sva_tag_put(vunit->tags);
		vunit->ops->free(vunit);
	}
	iommufd_sva_put_object(&viommu->hwpt->common.obj);
}

static int viommu_make_vunit(struct iommufd_sva_viommu *viommu,
			     struct iommufd_sva_unit *unit, atomic_t *tags,
			     const struct iommufd_sva_user_data *data)
{
	struct iommufd_sva_domain *parent = viommu->hwpt->common.trans.domain;
	struct iommufd_sva_vunit *vunit;
	int rc;

	rc = iommufd_sva_tag_get(tags, unit);
	if (rc)
		return rc;
	vunit = unit->backend->ops->vunit_alloc(unit, parent, data->type,
						data->len ? data : NULL);
	if (IS_ERR(vunit)) {
		iommufd_sva_tag_put(tags);
		return PTR_ERR(vunit);
	}
	vunit->unit = unit;
	vunit->parent = parent;
	vunit->tags = tags;
	vunit->type = data->type;
	xa_init_flags(&vunit->vsids, XA_FLAGS_ACCOUNT);
	init_rwsem(&vunit->vsids_lock);
	vunit->owner = viommu;
	viommu->vunit = vunit;
	return 0;
}

static int viommu_alloc(struct iommufd_sva_ucmd *ucmd,
			struct iommufd_sva_unit *unit,
			struct iommufd_sva_object *pt)
{
	struct iommufd_sva_viommu_alloc *cmd = ucmd->cmd;
	const struct iommufd_sva_user_data data = {
		.type = cmd->type,
		.len = cmd->data_len,
		.uptr = u64_to_user_ptr(cmd->data_uptr),
	};
	struct iommufd_sva_hwpt_paging *parent;
	struct iommufd_sva_viommu *viommu;
	int rc;

	parent = iommufd_sva_nesting_parent(pt);
	if (IS_ERR(parent))
		return PTR_ERR(parent);
	if (parent->common.trans.domain->backend != unit->backend)
		return -EINVAL;

	viommu = iommufd_sva_object_alloc(ucmd->ictx, viommu,
					  IOMMUFD_SVA_OBJ_VIOMMU);
	if (IS_ERR(viommu))
		return PTR_ERR(viommu);
	spin_lock_init(&viommu->veventqs_lock);
	INIT_LIST_HEAD(&viommu->veventqs);
	refcount_inc(&pt->users);
	viommu->hwpt = parent;
	ucmd->new_obj = &viommu->obj;

	rc = viommu_make_vunit(viommu, unit, &ucmd->ictx->tags, &data);
	if (rc)
		return rc;
	cmd->out_viommu_id = viommu->obj.id;
	return iommufd_sva_ucmd_respond(ucmd, sizeof(*cmd));
}

int iommufd_sva_viommu_alloc(struct iommufd_sva_ucmd *ucmd)
{
	struct iommufd_sva_viommu_alloc *cmd = ucmd->cmd;
	struct iommufd_sva_object *dev_obj, *pt;
	struct iommufd_sva_unit *unit;
	int rc;

	if (cmd->flags || cmd->type == IOMMUFD_SVA_VIOMMU_TYPE_DEFAULT)
		return -EOPNOTSUPP;

	dev_obj = iommufd_sva_get_object(ucmd->ictx, cmd->dev_id,
					 IOMMUFD_SVA_OBJ_DEVICE);
	if (IS_ERR(dev_obj))
		return PTR_ERR(dev_obj);
	unit = iommufd_sva_device_unit(container_of(dev_obj,
						    struct iommufd_sva_device,
						    obj));
	if (!unit) {
		rc = -ENODEV;
		goto out_put_dev;
	}
	rc = unit->backend->ops->vunit_alloc ? iommufd_sva_unit_can_nest(unit) : -EOPNOTSUPP;
	if (rc)
		goto out_put_dev;
	pt = iommufd_sva_get_object(ucmd->ictx, cmd->hwpt_id,
				    IOMMUFD_SVA_OBJ_HWPT_PAGING);
	if (IS_ERR(pt)) {
		rc = PTR_ERR(pt);
		goto out_put_dev;
	}
	rc = viommu_alloc(ucmd, unit, pt);
	iommufd_sva_put_object(pt);
out_put_dev:
	iommufd_sva_put_object(dev_obj);
	return rc;
}

/* --- virtual devices --------------------------------------------------- */

void iommufd_sva_vdevice_destroy(struct iommufd_sva_object *obj)
{
	struct iommufd_sva_vdevice *vdevice =
		container_of(obj, struct iommufd_sva_vdevice, obj);

	if (vdevice->entry)
		iommufd_sva_vsid_remove(vdevice->entry);
	iommufd_sva_put_object(&vdevice->viommu->obj);
}

static int vdevice_alloc(struct iommufd_sva_ucmd *ucmd,
			 struct iommufd_sva_viommu *viommu,
			 struct iommufd_sva_device *idev)
{
	struct iommufd_sva_vdevice_alloc *cmd = ucmd->cmd;
	struct iommufd_sva_vsid_entry *entry;
	struct iommufd_sva_vdevice *vdevice;

	vdevice = iommufd_sva_object_alloc(ucmd->ictx, vdevice,
					   IOMMUFD_SVA_OBJ_VDEVICE);
	if (IS_ERR(vdevice))
		return PTR_ERR(vdevice);
	refcount_inc(&viommu->obj.users);
	vdevice->viommu = viommu;
	ucmd->new_obj = &vdevice->obj;

	entry = iommufd_sva_vsid_add(viommu->vunit, cmd->virt_id, idev);
	if (IS_ERR(entry))
		return PTR_ERR(entry);
	vdevice->entry = entry;
	cmd->out_vdevice_id = vdevice->obj.id;
	return iommufd_sva_ucmd_respond(ucmd, sizeof(*cmd));
}

int iommufd_sva_vdevice_alloc(struct iommufd_sva_ucmd *ucmd)
{
	struct iommufd_sva_vdevice_alloc *cmd = ucmd->cmd;
	struct iommufd_sva_object *viommu_obj, *dev_obj;
	int rc;

	viommu_obj = iommufd_sva_get_object(ucmd->ictx, cmd->viommu_id,
					    IOMMUFD_SVA_OBJ_VIOMMU);
	if (IS_ERR(viommu_obj))
		return PTR_ERR(viommu_obj);
	dev_obj = iommufd_sva_get_object(ucmd->ictx, cmd->dev_id,
					 IOMMUFD_SVA_OBJ_DEVICE);
	if (IS_ERR(dev_obj)) {
		rc = PTR_ERR(dev_obj);
		goto out_put_viommu;
	}
	rc = vdevice_alloc(ucmd,
			   container_of(viommu_obj, struct iommufd_sva_viommu, obj),
			   container_of(dev_obj, struct iommufd_sva_device, obj));
	iommufd_sva_put_object(dev_obj);
out_put_viommu:
	iommufd_sva_put_object(viommu_obj);
	return rc;
}
