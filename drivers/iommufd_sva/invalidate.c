// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest's invalidations on their way to the backend, and how a backend reads
 * what a user gave for it.
 */
#include <linux/export.h>
#include <linux/uaccess.h>

#include "iommufd_sva_private.h"
#include "trace.h"

/* More than any guest's queue holds, so that one call comes to an end. */
#define ENTRY_NUM_MAX	BIT(19)

int iommufd_sva_copy_user_data(void *dst, size_t len, size_t min_len,
			       const struct iommufd_sva_user_data *data)
{
	if (data->len < min_len)
		return -EINVAL;
	return copy_struct_from_user(dst, len, data->uptr, data->len);
}
EXPORT_SYMBOL_GPL(iommufd_sva_copy_user_data);

int iommufd_sva_copy_array_entry(void *dst, size_t len, size_t min_len,
				 const struct iommufd_sva_user_array *array,
				 u32 index)
{
	const struct iommufd_sva_user_data data = {
		.len = array->entry_len,
		.uptr = array->uptr + (size_t)index * array->entry_len,
	};

	return iommufd_sva_copy_user_data(dst, len, min_len, &data);
}
EXPORT_SYMBOL_GPL(iommufd_sva_copy_array_entry);

static int invalidate_nested(struct iommufd_sva_object *obj,
			     struct iommufd_sva_user_array *array)
{
	struct iommufd_sva_nested *nested =
		container_of(obj, struct iommufd_sva_hwpt, obj)->trans.nested;

	if (!nested->ops->invalidate)
		return -EOPNOTSUPP;
	return nested->ops->invalidate(nested, array);
}

static int invalidate_viommu(struct iommufd_sva_object *obj,
			     struct iommufd_sva_user_array *array)
{
	struct iommufd_sva_vunit *vunit =
		container_of(obj, struct iommufd_sva_viommu, obj)->vunit;

	if (!vunit->ops->invalidate)
		return -EOPNOTSUPP;
	return vunit->ops->invalidate(vunit, array);
}

static int invalidate(struct iommufd_sva_ucmd *ucmd,
		      struct iommufd_sva_user_array *array)
{
	struct iommufd_sva_hwpt_invalidate *cmd = ucmd->cmd;
	struct iommufd_sva_object *obj;
	int rc;

	if (cmd->__reserved)
		return -EOPNOTSUPP;
	if (array->entry_num &&
	    (!cmd->data_uptr || !array->entry_len ||
	     array->entry_len > PAGE_SIZE || array->entry_num > ENTRY_NUM_MAX))
		return -EINVAL;

	obj = iommufd_sva_get_object(ucmd->ictx, cmd->hwpt_id,
				     IOMMUFD_SVA_OBJ_ANY);
	if (IS_ERR(obj))
		return PTR_ERR(obj);
	switch (obj->type) {
	case IOMMUFD_SVA_OBJ_HWPT_NESTED:
	case IOMMUFD_SVA_OBJ_PASID_TABLE:
		rc = invalidate_nested(obj, array);
		break;
	case IOMMUFD_SVA_OBJ_VIOMMU:
		rc = invalidate_viommu(obj, array);
		break;
	default:
		rc = -EINVAL;
	}
	iommufd_sva_put_object(obj);
	return rc;
}

/* Tells how far it got, also when it failed. */
int iommufd_sva_hwpt_invalidate(struct iommufd_sva_ucmd *ucmd)
{
	struct iommufd_sva_hwpt_invalidate *cmd = ucmd->cmd;
	struct iommufd_sva_user_array array = {
		.type = cmd->data_type,
		.entry_len = cmd->entry_len,
		.entry_num = cmd->entry_num,
		.uptr = u64_to_user_ptr(cmd->data_uptr),
	};
	int rc;

	rc = invalidate(ucmd, &array);
	trace_invalidate(cmd->hwpt_id, &array, rc);
	cmd->entry_num = array.consumed;
	if (array.error)
		cmd->out_error = array.error;
	return iommufd_sva_ucmd_respond(ucmd, sizeof(*cmd)) ?: rc;
}
