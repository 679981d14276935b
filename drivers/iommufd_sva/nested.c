// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest's tables on a nesting parent: nested HWPTs, and what PASID tables have
 * in common with them.
 *
 * Made on a vIOMMU it holds a user on that, which holds its parent; made on the
 * parent alone it holds a user on the parent.
 */
#include "iommufd_sva_private.h"

static struct iommufd_sva_hwpt_nested *to_hwpt_nested(struct iommufd_sva_object *obj)
{
	return container_of(obj, struct iommufd_sva_hwpt_nested, common.obj);
}

void iommufd_sva_hwpt_nested_destroy(struct iommufd_sva_object *obj)
{
	struct iommufd_sva_hwpt_nested *hwpt = to_hwpt_nested(obj);
	struct iommufd_sva_nested *nested = hwpt->common.trans.nested;

	if (nested)
		nested->ops->free(nested);
	iommufd_sva_hwpt_put_fault(&hwpt->common);
	if (hwpt->viommu)
		iommufd_sva_put_object(&hwpt->viommu->obj);
	else
		iommufd_sva_put_object(&hwpt->common.stage2->common.obj);
}

/**
 * iommufd_sva_hwpt_nested_new - an object for a guest's tables
 * @ucmd: the command, which gets it as its new object
 * @pt: what the user wants it on
 * @type: what it is
 *
 * Return: the object, to be completed by iommufd_sva_hwpt_nested_set(); an
 * ERR_PTR: -EINVAL when @pt is neither a vIOMMU nor a nesting parent; -ENODEV
 * when the parent was VFIO's and is gone; -ENOMEM
 */
struct iommufd_sva_hwpt_nested *
iommufd_sva_hwpt_nested_new(struct iommufd_sva_ucmd *ucmd,
			    struct iommufd_sva_object *pt,
			    enum iommufd_sva_object_type type)
{
	struct iommufd_sva_viommu *viommu = NULL;
	struct iommufd_sva_hwpt_paging *parent;
	struct iommufd_sva_hwpt_nested *hwpt;

	if (pt->type == IOMMUFD_SVA_OBJ_VIOMMU) {
		viommu = container_of(pt, struct iommufd_sva_viommu, obj);
		parent = iommufd_sva_nesting_parent(&viommu->hwpt->common.obj);
	} else {
		parent = iommufd_sva_nesting_parent(pt);
	}
	if (IS_ERR(parent))
		return ERR_CAST(parent);

	hwpt = __iommufd_sva_object_alloc(ucmd->ictx, hwpt, type, common.obj);
	if (IS_ERR(hwpt))
		return hwpt;
	refcount_inc(&pt->users);
	hwpt->viommu = viommu;
	hwpt->common.stage2 = parent;
	hwpt->common.trans.type = IOMMUFD_SVA_TRANS_NESTED;
	hwpt->common.trans.domain = parent->common.trans.domain;
	ucmd->new_obj = &hwpt->common.obj;
	return hwpt;
}

int iommufd_sva_hwpt_nested_set(struct iommufd_sva_ucmd *ucmd,
				struct iommufd_sva_hwpt_nested *hwpt,
				struct iommufd_sva_nested *nested)
{
	struct iommufd_sva_domain *parent = hwpt->common.trans.domain;

	if (IS_ERR(nested))
		return PTR_ERR(nested);
	nested->backend = parent->backend;
	nested->parent = parent;
	nested->vunit = hwpt->viommu ? hwpt->viommu->vunit : NULL;
	nested->tags = &ucmd->ictx->tags;
	hwpt->common.trans.nested = nested;
	return 0;
}

/* HWPT_ALLOC on something else than an IOAS. */
int iommufd_sva_hwpt_nested_alloc(struct iommufd_sva_ucmd *ucmd,
				  struct iommufd_sva_device *idev,
				  struct iommufd_sva_object *pt)
{
	struct iommufd_sva_unit *unit = iommufd_sva_device_unit(idev);
	struct iommufd_sva_hwpt_alloc *cmd = ucmd->cmd;
	const struct iommufd_sva_user_data data = {
		.type = cmd->data_type,
		.len = cmd->data_len,
		.uptr = u64_to_user_ptr(cmd->data_uptr),
	};
	struct iommufd_sva_hwpt_nested *hwpt;
	struct iommufd_sva_domain *parent;
	struct iommufd_sva_nested *nested;
	struct iommufd_sva_vunit *vunit;
	int rc;

	if (pt->type != IOMMUFD_SVA_OBJ_VIOMMU &&
	    pt->type != IOMMUFD_SVA_OBJ_HWPT_PAGING)
		return -EINVAL;
	if (!unit)
		return -ENODEV;
	/* As of a paging HWPT: it is good for a PASID where there are any. */
	if ((cmd->flags & ~(IOMMUFD_SVA_HWPT_FAULT_ID_VALID | IOMMUFD_SVA_HWPT_ALLOC_PASID)) ||
	    ((cmd->flags & IOMMUFD_SVA_HWPT_ALLOC_PASID) &&
	     !iommufd_sva_device_has_pasids(idev)))
		return -EOPNOTSUPP;
	if (!data.len || !unit->backend->ops->nested_alloc)
		return -EOPNOTSUPP;
	rc = iommufd_sva_unit_can_nest(unit);
	if (rc)
		return rc;

	hwpt = iommufd_sva_hwpt_nested_new(ucmd, pt, IOMMUFD_SVA_OBJ_HWPT_NESTED);
	if (IS_ERR(hwpt))
		return PTR_ERR(hwpt);
	vunit = hwpt->viommu ? hwpt->viommu->vunit : NULL;
	parent = hwpt->common.trans.domain;
	if (parent->backend != unit->backend || (vunit && vunit->unit != unit))
		return -EINVAL;
	nested = unit->backend->ops->nested_alloc(unit, parent, vunit, &data);
	rc = iommufd_sva_hwpt_nested_set(ucmd, hwpt, nested);
	if (!rc && (cmd->flags & IOMMUFD_SVA_HWPT_FAULT_ID_VALID))
		rc = iommufd_sva_hwpt_set_fault(ucmd->ictx, &hwpt->common, cmd->fault_id);
	if (rc)
		return rc;
	/* Where PASIDs cannot be had one by one it is a guest's whole table of them. */
	hwpt->common.trans.all_pasids = unit->pasids_by_table;
	cmd->out_hwpt_id = hwpt->common.obj.id;
	return iommufd_sva_ucmd_respond(ucmd, sizeof(*cmd));
}
