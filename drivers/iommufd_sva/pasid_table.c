// SPDX-License-Identifier: GPL-2.0-only
/*
 * PASID tables: a guest's whole table as one object, for any number of devices.
 * To a device it is a translation of its requests with and without a PASID; its
 * life is a nested HWPT's.
 */
#include "iommufd_sva_private.h"

static int pasid_table_alloc(struct iommufd_sva_ucmd *ucmd,
			     struct iommufd_sva_object *pt)
{
	struct iommufd_sva_pasid_table_alloc *cmd = ucmd->cmd;
	const struct iommufd_sva_user_data data = {
		.type = cmd->data_type,
		.len = cmd->data_len,
		.uptr = u64_to_user_ptr(cmd->data_uptr),
	};
	const struct iommufd_sva_backend_ops *ops;
	struct iommufd_sva_hwpt_nested *hwpt;
	struct iommufd_sva_domain *parent;
	struct iommufd_sva_nested *nested;
	struct iommufd_sva_vunit *vunit;
	int rc;

	hwpt = iommufd_sva_hwpt_nested_new(ucmd, pt, IOMMUFD_SVA_OBJ_PASID_TABLE);
	if (IS_ERR(hwpt))
		return PTR_ERR(hwpt);
	parent = hwpt->common.trans.domain;
	ops = parent->backend->ops;
	if (!ops->pasid_table_alloc)
		return -EOPNOTSUPP;
	vunit = hwpt->viommu ? hwpt->viommu->vunit : NULL;
	nested = ops->pasid_table_alloc(parent, vunit, &data);
	rc = iommufd_sva_hwpt_nested_set(ucmd, hwpt, nested);
	if (!rc && cmd->fault_id)
		rc = iommufd_sva_hwpt_set_fault(ucmd->ictx, &hwpt->common, cmd->fault_id);
	if (rc)
		return rc;
	hwpt->common.trans.all_pasids = true;
	cmd->out_pasid_table_id = hwpt->common.obj.id;
	return iommufd_sva_ucmd_respond(ucmd, sizeof(*cmd));
}

int iommufd_sva_pasid_table_alloc(struct iommufd_sva_ucmd *ucmd)
{
	struct iommufd_sva_pasid_table_alloc *cmd = ucmd->cmd;
	struct iommufd_sva_object *pt;
	int rc;

	if (cmd->flags || cmd->__reserved)
		return -EOPNOTSUPP;
	if (!cmd->data_len)
		return -EINVAL;
	pt = iommufd_sva_get_object(ucmd->ictx, cmd->pt_id, IOMMUFD_SVA_OBJ_ANY);
	if (IS_ERR(pt))
		return PTR_ERR(pt);
	rc = pasid_table_alloc(ucmd, pt);
	iommufd_sva_put_object(pt);
	return rc;
}
