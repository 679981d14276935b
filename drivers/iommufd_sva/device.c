// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices of a context: bind, attach, replace, detach, release.
 *
 * A raw device is a driverless one that the user drives by himself: its group's
 * DMA is claimed from the kernel, as VFIO does, and is blocked until something
 * is attached. A device bound with BIND_VFIO stays VFIO's; what is attached is
 * an overlay on VFIO's own domain. Either way the whole group translates as one,
 * but for requests with a PASID: those are a device's own.
 *
 * A bound device holds its igroup, an igroup its set, the set's claim on the
 * IOMMU core's group (raw), and the backend's module.
 */
#define pr_fmt(fmt) "iommufd_sva: " fmt

#include <linux/cdev.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/iommu.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/pm_runtime.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vfio.h>

#include "host.h"
#include "reset.h"

/* PASIDs have 20 bits (PCIe 6.20). */
#define PASID_MAX	BIT(20)

static struct iommufd_sva_device *to_device(struct iommufd_sva_object *obj)
{
	return container_of(obj, struct iommufd_sva_device, obj);
}

static struct iommufd_sva_device *get_device_obj(struct iommufd_sva_ucmd *ucmd,
						 u32 id)
{
	struct iommufd_sva_object *obj;

	obj = iommufd_sva_get_object(ucmd->ictx, id, IOMMUFD_SVA_OBJ_DEVICE);
	return IS_ERR(obj) ? ERR_CAST(obj) : to_device(obj);
}

struct iommufd_sva_unit *iommufd_sva_device_unit(struct iommufd_sva_device *idev)
{
	/* The igroup holds the backend, and so its units. */
	return READ_ONCE(idev->dead) ? NULL : idev->igroup->set->unit;
}

/* --- groups ------------------------------------------------------------ */

static void igroup_free(struct kref *ref)
{
	struct iommufd_sva_igroup *igroup =
		container_of(ref, struct iommufd_sva_igroup, ref);
	struct module *owner = igroup->set->unit->backend->owner;

	iommufd_sva_set_put(igroup->set);
	module_put(owner);
	mutex_destroy(&igroup->lock);
	kfree(igroup);
}

static void igroup_put(struct iommufd_sva_igroup *igroup)
{
	kref_put(&igroup->ref, igroup_free);
}

static struct iommufd_sva_igroup *igroup_get_user(struct iommufd_sva_set *set)
{
	struct iommufd_sva_igroup *igroup;

	mutex_lock(&set->lock);
	igroup = set->user;
	if (igroup)
		kref_get(&igroup->ref);
	mutex_unlock(&set->lock);
	return igroup;
}

static int set_use(struct iommufd_sva_set *set, struct iommufd_sva_igroup *igroup)
{
	int rc = 0;

	mutex_lock(&set->lock);
	/* Claimed without a user: would not reset after the last one. */
	if (set->user || set->claimed)
		rc = -EBUSY;
	else
		set->user = igroup;
	mutex_unlock(&set->lock);
	return rc;
}

static void set_unuse(struct iommufd_sva_set *set)
{
	mutex_lock(&set->lock);
	set->user = NULL;
	mutex_unlock(&set->lock);
}

static void set_release(struct iommufd_sva_set *set)
{
	bool claimed;

	mutex_lock(&set->lock);
	claimed = set->claimed;
	set->claimed = false;
	mutex_unlock(&set->lock);
	if (claimed)
		iommu_group_release_dma_owner(set->group);
}

static int has_driver(struct device *dev, void *data)
{
	return READ_ONCE(dev->driver) ? -EBUSY : 0;
}

/*
 * Is @members exactly what @set has? Not while a device that was plugged in
 * could not join: a host driver might take that one.
 */
static int check_whole(struct iommufd_sva_set *set,
		       struct iommufd_sva_members *members)
{
	struct iommufd_sva_set *other;
	unsigned int i;

	for (i = 0; i < members->num; i++) {
		other = iommufd_sva_set_get(&members->pdev[i]->dev);
		if (other)
			iommufd_sva_set_put(other);
		if (other != set)
			return -EBUSY;
	}
	return 0;
}

/* From here on no host driver binds to any device of @set. */
static int set_claim(struct iommufd_sva_set *set,
		     struct iommufd_sva_members *members)
{
	int rc;

	rc = iommu_group_claim_dma_owner(set->group, set);
	/* A driver or VFIO has it. */
	if (rc == -EPERM)
		rc = -EBUSY;
	if (rc)
		return rc;
	mutex_lock(&set->lock);
	set->claimed = true;
	mutex_unlock(&set->lock);

	/* Drivers that manage DMA themselves (vfio-pci) are not counted. */
	rc = iommu_group_for_each_dev(set->group, NULL, has_driver);
	if (!rc)
		rc = check_whole(set, members);
	if (rc)
		set_release(set);
	return rc;
}

static struct iommufd_sva_members *live_members(struct iommufd_sva_set *set)
{
	struct iommufd_sva_members *members;
	struct iommufd_sva_master *master;
	unsigned int num = 0;

	mutex_lock(&set->lock);
	list_for_each_entry(master, &set->masters, set_item)
		num++;
	members = kvzalloc(struct_size(members, pdev, num),
			   GFP_KERNEL | __GFP_NOFAIL);
	list_for_each_entry(master, &set->masters, set_item)
		if (!READ_ONCE(master->going))
			members->pdev[members->num++] =
				pci_dev_get(to_pci_dev(master->dev));
	mutex_unlock(&set->lock);
	return members;
}

/* The last device of @igroup goes: the host gets its group back. */
static void igroup_leave(struct iommufd_sva_igroup *igroup)
{
	struct iommufd_sva_set *set = igroup->set;
	struct iommufd_sva_members *members;

	lockdep_assert_held(&igroup->lock);

	if (!igroup->vfio && set->claimed) {
		members = live_members(set);
		if (iommufd_sva_reset(members) && !set->unreset)
			set_release(set);
		else
			iommufd_sva_set_quarantine(set, NULL);
		iommufd_sva_members_free(members);
	}
	set_unuse(set);
}

static struct iommufd_sva_igroup *igroup_alloc(struct iommufd_sva_ctx *ictx,
					       struct iommufd_sva_set *set,
					       bool vfio)
{
	struct iommufd_sva_igroup *igroup;

	igroup = kzalloc(sizeof(*igroup), IOMMUFD_SVA_GFP_USER);
	if (!igroup)
		return ERR_PTR(-ENOMEM);
	/* The caller has one of its own. */
	__module_get(set->unit->backend->owner);
	kref_init(&igroup->ref);
	mutex_init(&igroup->lock);
	INIT_LIST_HEAD(&igroup->device_list);
	kref_get(&set->ref);
	igroup->set = set;
	igroup->ictx = ictx;
	igroup->vfio = vfio;
	return igroup;
}

/* --- bind -------------------------------------------------------------- */

/*
 * Does @file prove the right to @set? VFIO's own functions are reached by
 * symbol_get(): without VFIO there is no such file, and we do not need it.
 */
static int check_vfio_file(struct iommufd_sva_set *set, int fd)
{
	bool (*is_group)(struct file *file);
	struct kobject *parent;
	struct file *file;
	char name[16];
	int rc = -EPERM;

	file = fget(fd);
	if (!file)
		return -EBADF;
	is_group = symbol_get(vfio_file_is_group);
	if (!is_group)
		goto out_fput;
	if (!is_group(file))
		goto out_symbol;

	/* The character device is the group's, named by the group's number. */
	snprintf(name, sizeof(name), "%d", iommu_group_id(set->group));
	parent = file_inode(file)->i_cdev ? file_inode(file)->i_cdev->kobj.parent :
					    NULL;
	if (parent && !strcmp(kobject_name(parent), name))
		rc = 0;
out_symbol:
	symbol_put(vfio_file_is_group);
out_fput:
	fput(file);
	return rc;
}

/*
 * Take the group for @igroup. With VFIO the epoch is read first: should VFIO let
 * go of it between the proof and the first attach, that shows.
 */
static int igroup_take(struct iommufd_sva_igroup *igroup,
		       struct iommufd_sva_members *members, int fd)
{
	struct iommufd_sva_set *set = igroup->set;
	int rc;

	lockdep_assert_held(&igroup->lock);

	if (!igroup->vfio) {
		rc = set_claim(set, members);
		igroup->epoch = atomic_read(&set->epoch);
		return rc;
	}
	igroup->epoch = atomic_read(&set->epoch);
	rc = check_vfio_file(set, fd);
	if (rc)
		return rc;
	/* A group without a container proves nothing. */
	return iommufd_sva_set_in_stage2(set) ? 0 : -EPERM;
}

static struct iommufd_sva_device *find_bound(struct iommufd_sva_igroup *igroup,
					     struct device *dev)
{
	struct iommufd_sva_device *idev;

	lockdep_assert_held(&igroup->lock);
	list_for_each_entry(idev, &igroup->device_list, igroup_item)
		if (idev->dev == dev && !idev->dead)
			return idev;
	return NULL;
}

static bool is_going(struct device *dev)
{
	struct iommufd_sva_set *set = iommufd_sva_set_get(dev);

	if (set)
		iommufd_sva_set_put(set);
	return !set;
}

/* Add @idev to the igroup of @set in its context, made if there is none. */
static int igroup_add(struct iommufd_sva_device *idev,
		      struct iommufd_sva_set *set,
		      struct iommufd_sva_members *members, bool vfio, int fd)
{
	struct iommufd_sva_ctx *ictx = idev->ictx;
	int id = iommu_group_id(set->group);
	struct iommufd_sva_igroup *igroup;
	bool new = false;
	int rc;

	lockdep_assert_held(&ictx->groups_lock);

	igroup = xa_load(&ictx->groups, id);
	if (igroup) {
		if (igroup->vfio != vfio || igroup->set != set)
			return -EBUSY;
		kref_get(&igroup->ref);
	} else {
		igroup = igroup_alloc(ictx, set, vfio);
		if (IS_ERR(igroup))
			return PTR_ERR(igroup);
		new = true;
	}

	/* Before anybody can find it: a removal waits for the outcome. */
	mutex_lock(&igroup->lock);
	if (new) {
		rc = set_use(set, igroup);
		if (rc)
			goto err_unlock;
	}
	/*
	 * Its removal, if it begins from here on, finds the user and waits. So the
	 * group that is claimed has a device, and still has it afterwards.
	 */
	rc = -ENODEV;
	if (is_going(idev->dev))
		goto err_unuse;
	/* A VFIO group is proved anew for each of its devices. */
	if (new || (vfio && !igroup->attached)) {
		rc = igroup_take(igroup, members, fd);
		if (rc)
			goto err_unuse;
	} else if (vfio) {
		rc = check_vfio_file(set, fd);
		if (rc)
			goto err_unuse;
	}
	rc = -EBUSY;
	if (find_bound(igroup, idev->dev))
		goto err_leave;
	if (new) {
		rc = xa_err(xa_store(&ictx->groups, id, igroup,
				     IOMMUFD_SVA_GFP_USER));
		if (rc)
			goto err_leave;
	}
	idev->igroup = igroup;
	idev->master = iommufd_sva_set_find_master(set, idev->dev);
	idev->pasid_bits = idev->master->pasid_bits;
	idev->ats_supported = idev->master->ats.supported;
	iommufd_sva_master_set_dev_id(idev->master, idev->obj.id);
	idev->pri_supported = idev->master->pri.supported;
	list_add_tail(&idev->igroup_item, &igroup->device_list);
	mutex_unlock(&igroup->lock);
	return 0;

err_leave:
	/* Nobody has touched it: no reset. */
	if (new && !vfio)
		set_release(set);
err_unuse:
	if (new)
		set_unuse(set);
err_unlock:
	mutex_unlock(&igroup->lock);
	igroup_put(igroup);
	return rc;
}

/*
 * So that its registers can be used. It cannot be bus master before something is
 * attached.
 */
static int enable_device(struct iommufd_sva_device *idev)
{
	struct pci_dev *pdev = to_pci_dev(idev->dev);
	int rc;

	rc = pm_runtime_resume_and_get(idev->dev);
	if (rc < 0)
		/* Switched off: it is being removed. */
		return rc == -EACCES ? -ENODEV : rc;
	rc = pci_enable_device(pdev);
	if (rc) {
		pm_runtime_put(idev->dev);
		return rc;
	}
	idev->enabled = true;
	return 0;
}

static void disable_device(struct iommufd_sva_device *idev)
{
	if (!idev->enabled)
		return;
	idev->enabled = false;
	pci_disable_device(to_pci_dev(idev->dev));
	pm_runtime_put(idev->dev);
}

/* What can be said about @pdev before anything is taken. */
static int check_bindable(struct pci_dev *pdev, struct iommufd_sva_set *set,
			  struct iommufd_sva_members *members, bool vfio)
{
	const char *keep = READ_ONCE(set->keep_identity);

	if (keep) {
		pci_info_ratelimited(pdev, "iommufd_sva: cannot be bound: %s\n",
				     keep);
		return -EINVAL;
	}
	if (!vfio && !iommufd_sva_can_reset(members))
		return -EOPNOTSUPP;
	return 0;
}

static int bind_pdev(struct iommufd_sva_ucmd *ucmd, struct pci_dev *pdev)
{
	struct iommufd_sva_device_bind *cmd = ucmd->cmd;
	bool vfio = cmd->flags & IOMMUFD_SVA_BIND_VFIO;
	struct iommufd_sva_members *members;
	struct iommufd_sva_device *idev;
	struct iommufd_sva_set *set;
	int rc;

	set = iommufd_sva_set_get_live(&pdev->dev);
	if (!set) {
		if (!iommufd_sva_is_endpoint(pdev) || !iommufd_sva_is_ours(pdev))
			return -ENODEV;
		pci_info_ratelimited(pdev,
				     "iommufd_sva: a host driver has it, or a device that it cannot be isolated from\n");
		return -EBUSY;
	}
	members = iommufd_sva_isolation_set(pdev);
	if (IS_ERR(members)) {
		rc = PTR_ERR(members);
		goto out_set;
	}
	rc = check_bindable(pdev, set, members, vfio);
	if (rc)
		goto out_members;

	idev = iommufd_sva_object_alloc(ucmd->ictx, idev, IOMMUFD_SVA_OBJ_DEVICE);
	if (IS_ERR(idev)) {
		rc = PTR_ERR(idev);
		goto out_members;
	}
	idev->ictx = ucmd->ictx;
	idev->dev = &pdev->dev;
	INIT_LIST_HEAD(&idev->igroup_item);
	xa_init(&idev->pasids);

	mutex_lock(&ucmd->ictx->groups_lock);
	rc = igroup_add(idev, set, members, vfio, cmd->fd);
	mutex_unlock(&ucmd->ictx->groups_lock);
	if (rc) {
		iommufd_sva_object_abort(ucmd->ictx, &idev->obj);
		goto out_members;
	}
	get_device(idev->dev);
	/* From here on destroying the object undoes everything. */
	ucmd->new_obj = &idev->obj;
	idev->enforce_snoop = !device_iommu_capable(idev->dev,
						    IOMMU_CAP_CACHE_COHERENCY);
	if (!vfio) {
		rc = enable_device(idev);
		if (rc)
			goto out_members;
		pci_info(pdev, "iommufd_sva: bound to a user, group %d\n",
			 iommu_group_id(set->group));
	}
	cmd->out_device_id = idev->obj.id;
	rc = iommufd_sva_ucmd_respond(ucmd, sizeof(*cmd));
out_members:
	iommufd_sva_members_free(members);
out_set:
	iommufd_sva_set_put_live(set);
	return rc;
}

int iommufd_sva_device_bind(struct iommufd_sva_ucmd *ucmd)
{
	struct iommufd_sva_device_bind *cmd = ucmd->cmd;
	struct pci_dev *pdev;
	int rc;

	if (cmd->flags & ~IOMMUFD_SVA_BIND_VFIO || cmd->__reserved)
		return -EOPNOTSUPP;
	if (!(cmd->flags & IOMMUFD_SVA_BIND_VFIO)) {
		if (cmd->fd != -1)
			return -EINVAL;
		if (!capable(CAP_SYS_RAWIO))
			return -EPERM;
	}

	pdev = pci_get_domain_bus_and_slot(cmd->bdf >> 16,
					   PCI_BUS_NUM(cmd->bdf),
					   cmd->bdf & 0xff);
	if (!pdev)
		return -ENODEV;
	/* Not before it has its resources. */
	rc = iommufd_sva_pci_is_added(pdev) ? bind_pdev(ucmd, pdev) : -ENODEV;
	pci_dev_put(pdev);
	return rc;
}

/* --- attach and detach ------------------------------------------------- */

/* What the group was attached to is not needed any more; no lock is held. */
static void put_hwpt(struct iommufd_sva_ctx *ictx,
		     struct iommufd_sva_hwpt *hwpt)
{
	if (!hwpt)
		return;
	/* Nothing nests on an automatic one: it is @hwpt itself. */
	if (hwpt->stage2->auto_domain)
		iommufd_sva_object_put_and_try_destroy(ictx, &hwpt->obj);
	else
		iommufd_sva_put_object(&hwpt->obj);
}

/* In use: it cannot be destroyed before it is detached. */
static void use_device(struct iommufd_sva_device *idev)
{
	refcount_inc(&idev->obj.users);
	if (!idev->igroup->vfio)
		pci_set_master(to_pci_dev(idev->dev));
}

static void unuse_device(struct iommufd_sva_device *idev)
{
	refcount_dec(&idev->obj.users);
	if (!idev->attached && xa_empty(&idev->pasids) && !idev->igroup->vfio &&
	    !idev->dead)
		pci_clear_master(to_pci_dev(idev->dev));
}

static void mark_attached(struct iommufd_sva_device *idev)
{
	if (idev->attached)
		return;
	idev->attached = true;
	idev->igroup->attached++;
	use_device(idev);
}

/* Does @hwpt fit @idev's group? As far as can be said without the backend. */
static int check_fits(struct iommufd_sva_hwpt *hwpt, struct iommufd_sva_device *idev)
{
	struct iommufd_sva_set *set = idev->igroup->set;

	if (hwpt->trans.domain->backend != set->unit->backend)
		return -EINVAL;
	/* What VFIO has attached to its own device is good enough for VFIO. */
	if (idev->enforce_snoop && !hwpt->stage2->enforce_snoop &&
	    hwpt->stage2->ioas)
		return -EINVAL;
	return 0;
}

/* The same of a guest's tables. */
static int check_fits_nested(struct iommufd_sva_hwpt *hwpt,
			     struct iommufd_sva_device *idev)
{
	struct iommufd_sva_nested *nested = hwpt->trans.nested;
	struct iommufd_sva_set *set = idev->igroup->set;

	if (!nested)
		return 0;
	if (nested->vunit && nested->vunit->unit != set->unit)
		return -EINVAL;
	if (nested->by_name && idev->vunit != nested->vunit)
		return -ENOENT;
	if (iommufd_sva_set_has_aliases(set)) {
		dev_info_ratelimited(idev->dev,
				     "iommufd_sva: cannot use a guest's tables: it shares a requester ID with other devices (a PCIe-to-PCI bridge above it, or an alias of its own)\n");
		return -EOPNOTSUPP;
	}
	return 0;
}

/* Can something be attached to a PASID of @idev? */
bool iommufd_sva_device_has_pasids(struct iommufd_sva_device *idev)
{
	return idev->pasid_bits && !idev->igroup->set->unit->pasids_by_table;
}

/*
 * The same, and if not why. PASIDs of a device that shares its requester ID would be
 * found in whatever table that ID shows.
 */
static int check_has_pasids(struct iommufd_sva_device *idev)
{
	const struct iommufd_sva_unit *unit = idev->igroup->set->unit;
	const char *why;

	if (iommufd_sva_device_has_pasids(idev))
		return 0;
	if (iommufd_sva_set_has_aliases(idev->igroup->set))
		why = "it shares a requester ID with other devices";
	else if (!unit->pasid_bits)
		why = "the unit in front of it has none";
	else if (unit->pasids_by_table)
		why = "they have one stage 2, the device's: attach a guest's PASID table";
	else
		why = "it has none, or a port above or its physical function lacks them";
	dev_info_ratelimited(idev->dev, "iommufd_sva: cannot use PASIDs: %s\n", why);
	return -EOPNOTSUPP;
}

/*
 * Reserve in @hwpt's IOAS what @igroup's devices cannot use, unless @now has done
 * it. VFIO sees to its own mappings.
 */
static int reserve_iova(struct iommufd_sva_igroup *igroup, void *owner,
			struct iommufd_sva_hwpt *hwpt,
			struct iommufd_sva_hwpt *now)
{
	struct iommufd_sva_ioas *ioas = hwpt->stage2->ioas;
	phys_addr_t sw_msi_start;

	if (!ioas || (now && now->stage2->ioas == ioas))
		return 0;
	return iopt_table_enforce_group_resv_regions(&ioas->iopt,
						     igroup->set->group, owner,
						     &sw_msi_start);
}

/* Undo that for @hwpt, unless @stays needs it. */
static void unreserve_iova(void *owner, struct iommufd_sva_hwpt *hwpt,
			   struct iommufd_sva_hwpt *stays)
{
	struct iommufd_sva_ioas *ioas = hwpt->stage2->ioas;

	if (ioas && (!stays || stays->stage2->ioas != ioas))
		iopt_remove_reserved_iova(&ioas->iopt, owner);
}

/* Is something attached to a PASID of a device of @igroup? */
static bool has_pasids(struct iommufd_sva_igroup *igroup)
{
	struct iommufd_sva_device *idev;

	lockdep_assert_held(&igroup->lock);
	list_for_each_entry(idev, &igroup->device_list, igroup_item)
		if (!xa_empty(&idev->pasids))
			return true;
	return false;
}

/*
 * Make the whole group of @idev translate through @hwpt. *@old: what it was
 * attached to and is not any more, for put_hwpt().
 */
static int attach_group(struct iommufd_sva_hwpt *hwpt,
			struct iommufd_sva_device *idev,
			struct iommufd_sva_hwpt **old)
{
	struct iommufd_sva_igroup *igroup = idev->igroup;
	struct iommufd_sva_hwpt *now = igroup->hwpt;
	int rc;

	/* A whole PASID table takes the place of what PASIDs have one by one. */
	if (hwpt->obj.type == IOMMUFD_SVA_OBJ_PASID_TABLE && has_pasids(igroup))
		return -EBUSY;
	/* A group translates as one; who is attached may move all of it. */
	if (now && now != hwpt && !idev->attached)
		return -EINVAL;
	rc = check_fits(hwpt, idev);
	if (!rc)
		rc = check_fits_nested(hwpt, idev);
	if (rc)
		return rc;

	rc = reserve_iova(igroup, igroup, hwpt, now);
	if (rc)
		return rc;
	/* The same again, too: VFIO may have taken the last one off. */
	rc = iommufd_sva_set_overlay(igroup->set, igroup->epoch, &hwpt->trans);
	if (rc) {
		unreserve_iova(igroup, hwpt, now);
		return rc;
	}

	if (now != hwpt) {
		refcount_inc(&hwpt->obj.users);
		igroup->hwpt = hwpt;
		if (now)
			unreserve_iova(igroup, now, hwpt);
		*old = now;
	}
	mark_attached(idev);
	return 0;
}

/* What is attached to @pasid of @idev, or a place for it. */
static struct iommufd_sva_pasid *get_pasid(struct iommufd_sva_device *idev, u32 pasid)
{
	struct iommufd_sva_pasid *attached = xa_load(&idev->pasids, pasid);
	int rc;

	if (attached)
		return attached;
	attached = kzalloc(sizeof(*attached), IOMMUFD_SVA_GFP_USER);
	if (!attached)
		return ERR_PTR(-ENOMEM);
	rc = xa_insert(&idev->pasids, pasid, attached, IOMMUFD_SVA_GFP_USER);
	if (rc) {
		kfree(attached);
		return ERR_PTR(rc);
	}
	return attached;
}

/* Give it back, if nothing is attached. */
static void put_pasid(struct iommufd_sva_device *idev, u32 pasid,
		      struct iommufd_sva_pasid *attached)
{
	if (attached->hwpt)
		return;
	xa_erase(&idev->pasids, pasid);
	kfree(attached);
}

/* Make @attached, which is @pasid of @idev, translate through @hwpt. */
static int replace_pasid(struct iommufd_sva_device *idev, u32 pasid,
			 struct iommufd_sva_pasid *attached,
			 struct iommufd_sva_hwpt *hwpt)
{
	struct iommufd_sva_igroup *igroup = idev->igroup;
	struct iommufd_sva_hwpt *now = attached->hwpt;
	int rc;

	rc = reserve_iova(igroup, attached, hwpt, now);
	if (rc)
		return rc;
	/* The same again, too: VFIO may have taken the last one off. */
	rc = iommufd_sva_master_set_pasid(idev->master, igroup->epoch, pasid, &hwpt->trans);
	if (rc) {
		unreserve_iova(attached, hwpt, now);
		return rc;
	}
	if (now != hwpt) {
		refcount_inc(&hwpt->obj.users);
		attached->hwpt = hwpt;
		if (now)
			unreserve_iova(attached, now, hwpt);
	}
	return 0;
}

/* Make @pasid of @idev translate through @hwpt; *@old as above. */
static int attach_pasid(struct iommufd_sva_hwpt *hwpt,
			struct iommufd_sva_device *idev, u32 pasid,
			struct iommufd_sva_hwpt **old)
{
	struct iommufd_sva_pasid *attached;
	struct iommufd_sva_hwpt *now;
	int rc;

	/* A whole PASID table is no PASID's. */
	if (hwpt->obj.type == IOMMUFD_SVA_OBJ_PASID_TABLE)
		return -EINVAL;
	now = idev->igroup->hwpt;
	if (now && now->obj.type == IOMMUFD_SVA_OBJ_PASID_TABLE)
		return -EBUSY;
	rc = check_fits(hwpt, idev);
	if (!rc)
		rc = check_fits_nested(hwpt, idev);
	if (rc)
		return rc;

	attached = get_pasid(idev, pasid);
	if (IS_ERR(attached))
		return PTR_ERR(attached);
	now = attached->hwpt;
	rc = replace_pasid(idev, pasid, attached, hwpt);
	if (rc) {
		put_pasid(idev, pasid, attached);
		return rc;
	}
	if (!now)
		use_device(idev);
	*old = now == hwpt ? NULL : now;
	return 0;
}

int iommufd_sva_hwpt_attach_device(struct iommufd_sva_hwpt *hwpt,
				   struct iommufd_sva_device *idev, u32 pasid,
				   struct iommufd_sva_hwpt **old)
{
	lockdep_assert_held(&idev->igroup->lock);
	*old = NULL;

	if (idev->dead)
		return -ENODEV;
	return pasid == IOMMUFD_SVA_NO_PASID ?
	       attach_group(hwpt, idev, old) :
	       attach_pasid(hwpt, idev, pasid, old);
}

/* An automatic HWPT of @ioas that fits, or a new one. */
static int attach_ioas(struct iommufd_sva_ioas *ioas,
		       struct iommufd_sva_device *idev, u32 pasid, u32 *pt_id,
		       struct iommufd_sva_hwpt **old)
{
	struct iommufd_sva_hwpt_paging *hwpt;
	int rc;

	lockdep_assert_held(&idev->igroup->lock);
	*old = NULL;

	mutex_lock(&ioas->mutex);
	list_for_each_entry(hwpt, &ioas->hwpt_list, hwpt_item) {
		if (!hwpt->auto_domain)
			continue;
		/* It may be on its way out, waiting for the mutex. */
		if (!refcount_inc_not_zero(&hwpt->common.obj.users))
			continue;
		rc = iommufd_sva_hwpt_attach_device(&hwpt->common, idev, pasid, old);
		*pt_id = hwpt->common.obj.id;
		iommufd_sva_put_object(&hwpt->common.obj);
		/* -EINVAL: does not fit. */
		if (rc != -EINVAL)
			goto out_unlock;
	}

	hwpt = iommufd_sva_hwpt_paging_alloc(idev->ictx, ioas, idev, pasid, 0,
					     true, old);
	rc = PTR_ERR_OR_ZERO(hwpt);
	if (rc)
		goto out_unlock;
	hwpt->auto_domain = true;
	*pt_id = hwpt->common.obj.id;
	iommufd_sva_object_finalize(idev->ictx, &hwpt->common.obj);
out_unlock:
	mutex_unlock(&ioas->mutex);
	return rc;
}

static int attach_object(struct iommufd_sva_object *pt,
			 struct iommufd_sva_device *idev, u32 pasid, u32 *pt_id)
{
	struct iommufd_sva_hwpt *old = NULL;
	int rc;

	mutex_lock(&idev->igroup->lock);
	switch (pt->type) {
	case IOMMUFD_SVA_OBJ_IOAS:
		rc = attach_ioas(container_of(pt, struct iommufd_sva_ioas, obj),
				 idev, pasid, pt_id, &old);
		break;
	case IOMMUFD_SVA_OBJ_HWPT_PAGING:
	case IOMMUFD_SVA_OBJ_HWPT_NESTED:
	case IOMMUFD_SVA_OBJ_PASID_TABLE:
		rc = iommufd_sva_hwpt_attach_device(container_of(pt, struct iommufd_sva_hwpt,
								 obj),
						    idev, pasid, &old);
		break;
	default:
		rc = -EINVAL;
	}
	mutex_unlock(&idev->igroup->lock);
	put_hwpt(idev->ictx, old);
	return rc;
}

/*
 * 0 is no PASID to attach to, as everywhere in the kernel: it is under this one that
 * units look up requests without.
 */
static int check_pasid(struct iommufd_sva_device *idev, u32 pasid)
{
	int rc;

	if (pasid == IOMMUFD_SVA_NO_PASID)
		return 0;
	if (!pasid || pasid >= PASID_MAX)
		return -EINVAL;
	rc = check_has_pasids(idev);
	if (rc)
		return rc;
	return pasid >> idev->pasid_bits ? -EINVAL : 0;
}

int iommufd_sva_device_attach(struct iommufd_sva_ucmd *ucmd)
{
	struct iommufd_sva_device_attach *cmd = ucmd->cmd;
	struct iommufd_sva_device *idev;
	struct iommufd_sva_object *pt;
	int rc;

	if (cmd->flags || cmd->__reserved)
		return -EOPNOTSUPP;
	idev = get_device_obj(ucmd, cmd->device_id);
	if (IS_ERR(idev))
		return PTR_ERR(idev);
	rc = check_pasid(idev, cmd->pasid);
	if (rc)
		goto out_put_device;
	pt = iommufd_sva_get_object(ucmd->ictx, cmd->pt_id, IOMMUFD_SVA_OBJ_ANY);
	if (IS_ERR(pt)) {
		rc = PTR_ERR(pt);
		goto out_put_device;
	}
	/* Nothing may fail once it is attached: can the answer be written? */
	rc = iommufd_sva_ucmd_respond(ucmd, sizeof(*cmd));
	if (!rc)
		rc = attach_object(pt, idev, cmd->pasid, &cmd->pt_id);
	if (!rc)
		iommufd_sva_ucmd_respond_done(ucmd, sizeof(*cmd));
	iommufd_sva_put_object(pt);
out_put_device:
	iommufd_sva_put_object(&idev->obj);
	return rc;
}

/*
 * Detach @idev, and the group with its last device: back to blocked, or to
 * VFIO's domain. Returns what put_hwpt() is for.
 */
static struct iommufd_sva_hwpt *detach_device(struct iommufd_sva_device *idev)
{
	struct iommufd_sva_igroup *igroup = idev->igroup;
	struct iommufd_sva_hwpt *hwpt = igroup->hwpt;

	lockdep_assert_held(&igroup->lock);

	if (!idev->attached)
		return NULL;
	idev->attached = false;
	if (!--igroup->attached) {
		iommufd_sva_clear_overlay(igroup->set);
	} else {
		hwpt = NULL;
		if (!idev->dead)
			iommufd_sva_master_end_page_requests(idev->master);
	}
	unuse_device(idev);
	if (hwpt) {
		igroup->hwpt = NULL;
		unreserve_iova(igroup, hwpt, NULL);
	}
	return hwpt;
}

/* Detach @pasid of @idev: blocked. Adds to @detached what put_detached() is for. */
static int detach_pasid(struct iommufd_sva_device *idev, u32 pasid,
			struct list_head *detached)
{
	struct iommufd_sva_pasid *attached = xa_load(&idev->pasids, pasid);

	lockdep_assert_held(&idev->igroup->lock);
	if (!attached)
		return -ENOENT;
	iommufd_sva_master_clear_pasid(idev->master, pasid);
	xa_erase(&idev->pasids, pasid);
	unuse_device(idev);
	unreserve_iova(attached, attached->hwpt, NULL);
	list_add_tail(&attached->item, detached);
	return 0;
}

static void detach_pasids(struct iommufd_sva_device *idev, struct list_head *detached)
{
	struct iommufd_sva_pasid *attached;
	unsigned long pasid;

	xa_for_each(&idev->pasids, pasid, attached)
		detach_pasid(idev, pasid, detached);
}

/* What PASIDs were attached to is not needed any more; no lock is held. */
static void put_detached(struct iommufd_sva_ctx *ictx, struct list_head *detached)
{
	struct iommufd_sva_pasid *attached, *next;

	list_for_each_entry_safe(attached, next, detached, item) {
		put_hwpt(ictx, attached->hwpt);
		kfree(attached);
	}
}

int iommufd_sva_device_detach(struct iommufd_sva_ucmd *ucmd)
{
	struct iommufd_sva_device_detach *cmd = ucmd->cmd;
	struct iommufd_sva_hwpt *hwpt = NULL;
	struct iommufd_sva_device *idev;
	LIST_HEAD(detached);
	int rc;

	if (cmd->flags)
		return -EOPNOTSUPP;
	idev = get_device_obj(ucmd, cmd->device_id);
	if (IS_ERR(idev))
		return PTR_ERR(idev);
	rc = check_pasid(idev, cmd->pasid);
	if (rc)
		goto out_put_device;

	mutex_lock(&idev->igroup->lock);
	if (cmd->pasid != IOMMUFD_SVA_NO_PASID)
		rc = detach_pasid(idev, cmd->pasid, &detached);
	else if (idev->attached)
		hwpt = detach_device(idev);
	else
		rc = -ENOENT;
	if (rc && idev->dead)
		rc = -ENODEV;
	mutex_unlock(&idev->igroup->lock);
	put_hwpt(idev->ictx, hwpt);
	put_detached(idev->ictx, &detached);
out_put_device:
	iommufd_sva_put_object(&idev->obj);
	return rc;
}

void iommufd_sva_devices_detach_all(struct iommufd_sva_ctx *ictx)
{
	struct iommufd_sva_hwpt *hwpt;
	struct iommufd_sva_device *idev;
	struct iommufd_sva_object *obj;
	unsigned long index;
	LIST_HEAD(detached);

	xa_for_each(&ictx->objects, index, obj) {
		if (obj->type != IOMMUFD_SVA_OBJ_DEVICE)
			continue;
		idev = to_device(obj);
		mutex_lock(&idev->igroup->lock);
		detach_pasids(idev, &detached);
		hwpt = detach_device(idev);
		mutex_unlock(&idev->igroup->lock);
		put_hwpt(ictx, hwpt);
	}
	put_detached(ictx, &detached);
}

/* --- for a guest ------------------------------------------------------- */

int iommufd_sva_device_name_get(struct iommufd_sva_device *idev,
				struct iommufd_sva_vunit *vunit, bool is_vdevice)
{
	struct iommufd_sva_igroup *igroup = idev->igroup;
	int rc = 0;

	mutex_lock(&igroup->lock);
	if (idev->dead) {
		rc = -ENODEV;
	} else if (igroup->set->unit != vunit->unit) {
		rc = -EINVAL;
	} else if (is_vdevice && idev->has_vdevice) {
		rc = -EEXIST;
	} else if (idev->vunit && idev->vunit != vunit) {
		rc = -EBUSY;
	} else {
		idev->vunit = vunit;
		idev->has_vdevice |= is_vdevice;
		/* It cannot be destroyed before its names are gone. */
		if (!idev->names++)
			refcount_inc(&idev->obj.users);
	}
	mutex_unlock(&igroup->lock);
	return rc;
}

void iommufd_sva_device_name_put(struct iommufd_sva_device *idev, bool is_vdevice)
{
	struct iommufd_sva_igroup *igroup = idev->igroup;
	bool last;

	mutex_lock(&igroup->lock);
	if (is_vdevice)
		idev->has_vdevice = false;
	last = !--idev->names;
	if (last)
		idev->vunit = NULL;
	mutex_unlock(&igroup->lock);
	/* After that the device, and with it the igroup, may go. */
	if (last)
		iommufd_sva_put_object(&idev->obj);
}

struct iommufd_sva_domain *
iommufd_sva_device_vfio_domain(struct iommufd_sva_device *idev)
{
	struct iommufd_sva_igroup *igroup = idev->igroup;

	if (!igroup->vfio)
		return ERR_PTR(-EINVAL);
	if (READ_ONCE(idev->dead))
		return ERR_PTR(-ENODEV);
	return iommufd_sva_set_get_base_domain(igroup->set, igroup->epoch);
}

/* --- release ----------------------------------------------------------- */

void iommufd_sva_device_destroy(struct iommufd_sva_object *obj)
{
	struct iommufd_sva_device *idev = to_device(obj);
	struct iommufd_sva_igroup *igroup = idev->igroup;
	struct iommufd_sva_ctx *ictx = idev->ictx;

	mutex_lock(&ictx->groups_lock);
	mutex_lock(&igroup->lock);
	list_del(&idev->igroup_item);
	if (!idev->dead)
		iommufd_sva_master_set_dev_id(idev->master, 0);
	if (list_empty(&igroup->device_list)) {
		igroup_leave(igroup);
		xa_erase(&ictx->groups, iommu_group_id(igroup->set->group));
	}
	if (!idev->dead) {
		disable_device(idev);
		if (!igroup->vfio)
			dev_info(idev->dev, "iommufd_sva: released by its user\n");
	}
	mutex_unlock(&igroup->lock);
	mutex_unlock(&ictx->groups_lock);
	put_device(idev->dev);
	igroup_put(igroup);
}

/*
 * A raw device leaves the machine, or at least the kernel's sight. What it shares
 * with those that stay is theirs, so is their user; but nobody's after him.
 */
static void quiesce_removed(struct iommufd_sva_set *set, struct device *dev, bool last)
{
	if (iommufd_sva_reset_leaving(to_pci_dev(dev)) && !(last && set->unreset))
		return;
	if (!last && iommufd_sva_set_has_aliases(set))
		set->unreset = true;
	iommufd_sva_set_quarantine(set, dev);
	dev_warn(dev,
		 "iommufd_sva: was not reset after its user: its requests stay blocked; power it off, or reload its IOMMU's driver (iommufd_sva.allow_no_reset=1 lets such devices go)\n");
}

/**
 * iommufd_sva_device_removed - a device of a set is being removed
 * @set: the set
 * @dev: the device; still there, marked as going: nobody can bind it any more
 * @last: no other device of @set stays: its group must be nobody's
 *
 * Called from the PCI bus's notifier, without a device_lock of @set held. The
 * object stays in its context and answers -ENODEV.
 */
void iommufd_sva_device_removed(struct iommufd_sva_set *set, struct device *dev,
				bool last)
{
	struct iommufd_sva_igroup *igroup = igroup_get_user(set);
	struct iommufd_sva_hwpt *hwpt = NULL;
	struct iommufd_sva_device *idev;
	LIST_HEAD(detached);

	if (!igroup) {
		/* One that would not reset after its last user. */
		if (last)
			set_release(set);
		return;
	}

	mutex_lock(&igroup->lock);
	idev = find_bound(igroup, dev);
	if (idev) {
		detach_pasids(idev, &detached);
		hwpt = detach_device(idev);
	}
	iommufd_sva_master_clear(set, dev);
	if (!igroup->vfio && set->claimed)
		quiesce_removed(set, dev, last);
	if (idev) {
		disable_device(idev);
		WRITE_ONCE(idev->dead, true);
		/* Who adds a name from here on sees that it is dead. */
		if (idev->vunit)
			iommufd_sva_vsids_forget(idev->vunit, idev->master);
		dev_info(dev, "iommufd_sva: removed while bound to a user\n");
	}
	if (last && !igroup->vfio)
		set_release(set);
	mutex_unlock(&igroup->lock);
	put_hwpt(igroup->ictx, hwpt);
	put_detached(igroup->ictx, &detached);
	igroup_put(igroup);
}

/* --- what a unit can do ------------------------------------------------ */

static u64 capabilities(struct iommufd_sva_device *idev)
{
	return (idev->ats_supported ? 0 : IOMMUFD_SVA_HW_CAP_PCI_ATS_NOT_SUPPORTED) |
	       (idev->pri_supported ? IOMMUFD_SVA_HW_CAP_PAGE_REQUESTS : 0);
}

static int report_hw_info(struct iommufd_sva_unit *unit, struct iommufd_sva_device *idev,
			  struct iommufd_sva_hw_info *cmd)
{
	void __user *uptr = u64_to_user_ptr(cmd->data_uptr);
	u32 wanted = cmd->in_data_type, type = 0;
	size_t len, copy;
	void *data;
	int rc = 0;

	len = unit->backend->ops->hw_info(unit, NULL, 0, &type);
	if (wanted != IOMMUFD_SVA_HW_INFO_TYPE_DEFAULT && wanted != type)
		return -EOPNOTSUPP;
	data = kzalloc(len, IOMMUFD_SVA_GFP_USER);
	if (!data)
		return -ENOMEM;
	unit->backend->ops->hw_info(unit, data, len, &type);

	copy = min_t(size_t, cmd->data_len, len);
	if (copy_to_user(uptr, data, copy) ||
	    clear_user(uptr + copy, cmd->data_len - copy))
		rc = -EFAULT;
	kfree(data);
	if (rc)
		return rc;

	cmd->data_len = len;
	cmd->out_data_type = type;
	/* PASIDs without execute permission and privilege. */
	cmd->out_max_pasid_log2 = idev->pasid_bits;
	cmd->out_capabilities = capabilities(idev);
	return 0;
}

int iommufd_sva_get_hw_info(struct iommufd_sva_ucmd *ucmd)
{
	struct iommufd_sva_hw_info *cmd = ucmd->cmd;
	struct iommufd_sva_device *idev;
	struct iommufd_sva_unit *unit;
	int rc = -ENODEV;

	if (cmd->flags & ~IOMMUFD_SVA_HW_INFO_FLAG_INPUT_TYPE)
		return -EOPNOTSUPP;
	if (memchr_inv(cmd->__reserved, 0, sizeof(cmd->__reserved)))
		return -EOPNOTSUPP;
	if (!(cmd->flags & IOMMUFD_SVA_HW_INFO_FLAG_INPUT_TYPE))
		cmd->in_data_type = IOMMUFD_SVA_HW_INFO_TYPE_DEFAULT;

	idev = get_device_obj(ucmd, cmd->dev_id);
	if (IS_ERR(idev))
		return PTR_ERR(idev);
	unit = iommufd_sva_device_unit(idev);
	if (unit)
		rc = report_hw_info(unit, idev, cmd);
	if (!rc)
		rc = iommufd_sva_ucmd_respond(ucmd, sizeof(*cmd));
	iommufd_sva_put_object(&idev->obj);
	return rc;
}
