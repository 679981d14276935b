// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hardware page tables (HWPT): a stage-2 domain that shows an IOAS, or the one
 * that VFIO has attached to a device.
 *
 * A HWPT holds a user on its IOAS. Its domain holds everything the IOAS maps
 * from before the first device is attached until after the last has gone.
 *
 * An imported HWPT holds a reference on VFIO's domain, which VFIO fills, empties
 * and frees as it likes. Once freed nothing is attached to it any more (master.c)
 * and only its memory stays, for as long as the HWPT does.
 */
#include "iommufd_sva_private.h"

/* Take the domain from the IOAS. */
static void hwpt_paging_unlink(struct iommufd_sva_hwpt_paging *hwpt)
{
	lockdep_assert_held(&hwpt->ioas->mutex);

	if (list_empty(&hwpt->hwpt_item))
		return;
	list_del_init(&hwpt->hwpt_item);
	iopt_table_remove_domain(&hwpt->ioas->iopt, hwpt->common.trans.domain);
}

static void hwpt_paging_release(struct iommufd_sva_hwpt_paging *hwpt)
{
	if (hwpt->common.trans.domain)
		iommufd_sva_domain_put(hwpt->common.trans.domain);
	if (hwpt->ioas)
		iommufd_sva_put_object(&hwpt->ioas->obj);
	iommufd_sva_hwpt_put_fault(&hwpt->common);
}

static struct iommufd_sva_hwpt_paging *to_hwpt_paging(struct iommufd_sva_object *obj)
{
	return container_of(obj, struct iommufd_sva_hwpt_paging, common.obj);
}

void iommufd_sva_hwpt_paging_destroy(struct iommufd_sva_object *obj)
{
	struct iommufd_sva_hwpt_paging *hwpt = to_hwpt_paging(obj);

	if (hwpt->ioas) {
		mutex_lock(&hwpt->ioas->mutex);
		hwpt_paging_unlink(hwpt);
		mutex_unlock(&hwpt->ioas->mutex);
	}
	hwpt_paging_release(hwpt);
}

/* The maker holds ioas->mutex until it has finalized the HWPT or aborts. */
void iommufd_sva_hwpt_paging_abort(struct iommufd_sva_object *obj)
{
	struct iommufd_sva_hwpt_paging *hwpt = to_hwpt_paging(obj);

	if (hwpt->ioas)
		hwpt_paging_unlink(hwpt);
	hwpt_paging_release(hwpt);
}

static void hwpt_paging_set_domain(struct iommufd_sva_hwpt_paging *hwpt,
				   struct iommufd_sva_domain *domain)
{
	hwpt->common.stage2 = hwpt;
	hwpt->common.trans = (struct iommufd_sva_translation){
		.type = IOMMUFD_SVA_TRANS_STAGE2,
		.domain = domain,
	};
}

static int hwpt_paging_make_domain(struct iommufd_sva_hwpt_paging *hwpt,
				   struct iommufd_sva_device *idev)
{
	struct iommufd_sva_unit *unit = iommufd_sva_device_unit(idev);
	struct iommufd_sva_domain *domain;

	if (!unit)
		return -ENODEV;
	domain = iommufd_sva_domain_alloc(unit, hwpt->nest_parent ?
					  IOMMUFD_SVA_DOMAIN_NEST_PARENT : 0);
	if (IS_ERR(domain))
		return PTR_ERR(domain);
	hwpt_paging_set_domain(hwpt, domain);

	/* Before anything is mapped: some tables say it in each entry. */
	if (idev->enforce_snoop) {
		if (!domain->ops->enforce_snoop(domain))
			return -EINVAL;
		hwpt->enforce_snoop = true;
	}
	return 0;
}

/**
 * iommufd_sva_hwpt_paging_alloc - a HWPT that shows an IOAS
 * @ictx: the context
 * @ioas: the IOAS; its mutex is held until the HWPT is finalized or aborted
 * @idev: a device whose unit it must fit
 * @pasid: with @immediate_attach: see there
 * @flags: the user's IOMMUFD_SVA_HWPT_ALLOC_*
 * @immediate_attach: attach @idev's group, or @pasid of @idev, to it as well;
 *	igroup->lock is held
 * @old: with @immediate_attach: what was attached there
 *
 * The domain is filled before the device sees it, so that a device that comes
 * from another domain finds its mappings in this one.
 *
 * Return: the HWPT, or an ERR_PTR and nothing has changed
 */
struct iommufd_sva_hwpt_paging *
iommufd_sva_hwpt_paging_alloc(struct iommufd_sva_ctx *ictx,
			      struct iommufd_sva_ioas *ioas,
			      struct iommufd_sva_device *idev, u32 pasid,
			      u32 flags, bool immediate_attach,
			      struct iommufd_sva_hwpt **old)
{
	struct iommufd_sva_hwpt_paging *hwpt;
	int rc;

	lockdep_assert_held(&ioas->mutex);

	hwpt = __iommufd_sva_object_alloc(ictx, hwpt, IOMMUFD_SVA_OBJ_HWPT_PAGING,
					  common.obj);
	if (IS_ERR(hwpt))
		return hwpt;
	INIT_LIST_HEAD(&hwpt->hwpt_item);
	refcount_inc(&ioas->obj.users);
	hwpt->ioas = ioas;
	hwpt->nest_parent = flags & IOMMUFD_SVA_HWPT_ALLOC_NEST_PARENT;

	rc = hwpt_paging_make_domain(hwpt, idev);
	if (rc)
		goto err_abort;
	rc = iopt_table_add_domain(&ioas->iopt, hwpt->common.trans.domain);
	if (rc)
		goto err_abort;
	list_add_tail(&hwpt->hwpt_item, &ioas->hwpt_list);

	if (immediate_attach) {
		rc = iommufd_sva_hwpt_attach_device(&hwpt->common, idev, pasid, old);
		if (rc)
			goto err_abort;
	}
	return hwpt;

err_abort:
	iommufd_sva_object_abort_and_destroy(ictx, &hwpt->common.obj);
	return ERR_PTR(rc);
}

static int hwpt_alloc_for_ioas(struct iommufd_sva_ucmd *ucmd,
			       struct iommufd_sva_device *idev,
			       struct iommufd_sva_ioas *ioas)
{
	struct iommufd_sva_hwpt_alloc *cmd = ucmd->cmd;
	struct iommufd_sva_hwpt_paging *hwpt;
	int rc;

	/* A paging HWPT has nothing to be told by data. */
	if (cmd->data_len)
		return -EOPNOTSUPP;
	/* Every stage 2 is good for a PASID where there are any. */
	if ((cmd->flags & IOMMUFD_SVA_HWPT_ALLOC_PASID) &&
	    !iommufd_sva_device_has_pasids(idev))
		return -EOPNOTSUPP;
	if ((cmd->flags & IOMMUFD_SVA_HWPT_FAULT_ID_VALID) &&
	    (cmd->flags & IOMMUFD_SVA_HWPT_ALLOC_NEST_PARENT))
		return -EOPNOTSUPP;

	mutex_lock(&ioas->mutex);
	hwpt = iommufd_sva_hwpt_paging_alloc(ucmd->ictx, ioas, idev,
					     IOMMUFD_SVA_NO_PASID, cmd->flags,
					     false, NULL);
	if (IS_ERR(hwpt)) {
		rc = PTR_ERR(hwpt);
		goto out_unlock;
	}
	cmd->out_hwpt_id = hwpt->common.obj.id;
	rc = cmd->flags & IOMMUFD_SVA_HWPT_FAULT_ID_VALID ?
	     iommufd_sva_hwpt_set_fault(ucmd->ictx, &hwpt->common, cmd->fault_id) : 0;
	if (!rc)
		rc = iommufd_sva_ucmd_respond(ucmd, sizeof(*cmd));
	if (rc)
		iommufd_sva_object_abort_and_destroy(ucmd->ictx,
						     &hwpt->common.obj);
	else
		iommufd_sva_object_finalize(ucmd->ictx, &hwpt->common.obj);
out_unlock:
	mutex_unlock(&ioas->mutex);
	return rc;
}

int iommufd_sva_hwpt_alloc(struct iommufd_sva_ucmd *ucmd)
{
	struct iommufd_sva_hwpt_alloc *cmd = ucmd->cmd;
	struct iommufd_sva_object *dev_obj, *pt_obj;
	struct iommufd_sva_device *idev;
	int rc;

	if ((cmd->flags & ~(IOMMUFD_SVA_HWPT_ALLOC_NEST_PARENT |
			    IOMMUFD_SVA_HWPT_FAULT_ID_VALID |
			    IOMMUFD_SVA_HWPT_ALLOC_PASID)) || cmd->__reserved)
		return -EOPNOTSUPP;
	if (!cmd->data_len != (cmd->data_type == IOMMUFD_SVA_HWPT_DATA_NONE))
		return -EINVAL;

	dev_obj = iommufd_sva_get_object(ucmd->ictx, cmd->dev_id,
					 IOMMUFD_SVA_OBJ_DEVICE);
	if (IS_ERR(dev_obj))
		return PTR_ERR(dev_obj);
	pt_obj = iommufd_sva_get_object(ucmd->ictx, cmd->pt_id,
					IOMMUFD_SVA_OBJ_ANY);
	if (IS_ERR(pt_obj)) {
		rc = -EINVAL;
		goto out_put_dev;
	}

	idev = container_of(dev_obj, struct iommufd_sva_device, obj);
	if (pt_obj->type == IOMMUFD_SVA_OBJ_IOAS)
		rc = hwpt_alloc_for_ioas(ucmd, idev,
					 container_of(pt_obj,
						      struct iommufd_sva_ioas,
						      obj));
	else
		rc = iommufd_sva_hwpt_nested_alloc(ucmd, idev, pt_obj);

	iommufd_sva_put_object(pt_obj);
out_put_dev:
	iommufd_sva_put_object(dev_obj);
	return rc;
}

/* --- VFIO's domain ----------------------------------------------------- */

struct iommufd_sva_hwpt_paging *
iommufd_sva_nesting_parent(struct iommufd_sva_object *obj)
{
	struct iommufd_sva_hwpt_paging *hwpt;

	if (obj->type != IOMMUFD_SVA_OBJ_HWPT_PAGING)
		return ERR_PTR(-EINVAL);
	hwpt = to_hwpt_paging(obj);
	if (!hwpt->nest_parent)
		return ERR_PTR(-EINVAL);
	/* Early, to tell: attaching is where it is made sure. */
	if (READ_ONCE(hwpt->common.trans.domain->gone))
		return ERR_PTR(-ENODEV);
	return hwpt;
}

static int check_can_nest(struct iommufd_sva_device *idev,
			  struct iommufd_sva_domain *domain)
{
	struct iommufd_sva_unit *unit = iommufd_sva_device_unit(idev);

	if (!unit)
		return -ENODEV;
	if (!unit->backend->ops->nest_parent)
		return -EOPNOTSUPP;
	return unit->backend->ops->nest_parent(unit, domain);
}

static int hwpt_import(struct iommufd_sva_ucmd *ucmd,
		       struct iommufd_sva_device *idev)
{
	struct iommufd_sva_hwpt_import *cmd = ucmd->cmd;
	struct iommufd_sva_hwpt_paging *hwpt;
	struct iommufd_sva_domain *domain;
	int rc;

	domain = iommufd_sva_device_vfio_domain(idev);
	if (IS_ERR(domain))
		return PTR_ERR(domain);
	rc = check_can_nest(idev, domain);
	if (rc)
		goto err_put;
	hwpt = __iommufd_sva_object_alloc(ucmd->ictx, hwpt,
					  IOMMUFD_SVA_OBJ_HWPT_PAGING,
					  common.obj);
	if (IS_ERR(hwpt)) {
		rc = PTR_ERR(hwpt);
		goto err_put;
	}
	INIT_LIST_HEAD(&hwpt->hwpt_item);
	hwpt->nest_parent = true;
	hwpt_paging_set_domain(hwpt, domain);
	ucmd->new_obj = &hwpt->common.obj;

	cmd->out_hwpt_id = hwpt->common.obj.id;
	return iommufd_sva_ucmd_respond(ucmd, sizeof(*cmd));

err_put:
	iommufd_sva_domain_put(domain);
	return rc;
}

int iommufd_sva_hwpt_import(struct iommufd_sva_ucmd *ucmd)
{
	struct iommufd_sva_hwpt_import *cmd = ucmd->cmd;
	struct iommufd_sva_object *obj;
	int rc;

	if (cmd->flags)
		return -EOPNOTSUPP;
	obj = iommufd_sva_get_object(ucmd->ictx, cmd->device_id,
				     IOMMUFD_SVA_OBJ_DEVICE);
	if (IS_ERR(obj))
		return PTR_ERR(obj);
	rc = hwpt_import(ucmd, container_of(obj, struct iommufd_sva_device, obj));
	iommufd_sva_put_object(obj);
	return rc;
}
