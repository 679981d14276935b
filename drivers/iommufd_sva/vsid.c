// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest's names for devices: the map from vSID to device of a vIOMMU, filled by
 * VDEVICE_ALLOC one by one and by VSID_MAP in batches.
 *
 * vunit->vsids_lock is held for writing while names come and go, so that who
 * looks one up sees all of a batch or nothing of it. A device has names in one
 * vIOMMU at a time, which is what lets that lock protect the device's list of
 * them. A name keeps its device object from being destroyed; when the device is
 * removed from the machine the name stays, of nobody.
 *
 * What reports an event of a device cannot wait for all that: the first of its names is
 * kept at the device, under a lock of its own. It may be one of a batch that comes to
 * nothing.
 */
#include <linux/export.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "iommufd_sva_private.h"

/* As many as one HWPT_INVALIDATE can have. */
#define ENTRY_NUM_MAX	BIT(19)

struct iommufd_sva_master *
iommufd_sva_vunit_find(struct iommufd_sva_vunit *vunit, u64 vsid)
{
	struct iommufd_sva_vsid_entry *entry;

	lockdep_assert_held(&vunit->vsids_lock);
	entry = xa_load(&vunit->vsids, vsid);
	return entry ? entry->master : NULL;
}
EXPORT_SYMBOL_GPL(iommufd_sva_vunit_find);

bool iommufd_sva_vunit_name(struct iommufd_sva_vunit *vunit,
			    struct iommufd_sva_master *master, u64 *vsid)
{
	bool found;

	spin_lock(&master->name_lock);
	found = master->vunit == vunit;
	*vsid = master->name;
	spin_unlock(&master->name_lock);
	return found;
}
EXPORT_SYMBOL_GPL(iommufd_sva_vunit_name);

/* The names of @master have changed, in @vunit. */
static void vsid_set_name(struct iommufd_sva_master *master, struct iommufd_sva_vunit *vunit)
{
	struct iommufd_sva_vsid_entry *first =
		list_first_entry_or_null(&master->vsids, struct iommufd_sva_vsid_entry, node);

	lockdep_assert_held_write(&vunit->vsids_lock);
	spin_lock(&master->name_lock);
	WRITE_ONCE(master->vunit, first ? vunit : NULL);
	master->name = first ? first->vsid : 0;
	spin_unlock(&master->name_lock);
}

/* A name that is not in the map; vsids_lock is not held. */
static struct iommufd_sva_vsid_entry *
vsid_alloc(struct iommufd_sva_vunit *vunit, u64 vsid,
	   struct iommufd_sva_device *idev, bool is_vdevice)
{
	struct iommufd_sva_vsid_entry *entry;
	int rc;

	entry = kzalloc(sizeof(*entry), IOMMUFD_SVA_GFP_USER);
	if (!entry)
		return ERR_PTR(-ENOMEM);
	rc = iommufd_sva_device_name_get(idev, vunit, is_vdevice);
	if (rc) {
		kfree(entry);
		return ERR_PTR(rc);
	}
	entry->vsid = vsid;
	entry->vunit = vunit;
	entry->device = idev;
	entry->is_vdevice = is_vdevice;
	INIT_LIST_HEAD(&entry->node);
	return entry;
}

static void vsid_free(struct iommufd_sva_vsid_entry *entry)
{
	iommufd_sva_device_name_put(entry->device, entry->is_vdevice);
	kfree(entry);
}

static void vsids_free(struct list_head *entries)
{
	struct iommufd_sva_vsid_entry *entry, *next;

	list_for_each_entry_safe(entry, next, entries, node) {
		vsid_free(entry);
		cond_resched();
	}
}

/* Into the map and the device's list, or nowhere. */
static int vsid_insert(struct iommufd_sva_vsid_entry *entry)
{
	struct iommufd_sva_vunit *vunit = entry->vunit;
	struct iommufd_sva_device *idev = entry->device;
	int rc;

	lockdep_assert_held_write(&vunit->vsids_lock);

	/* If not, it stays until who removes it has got vsids_lock. */
	if (READ_ONCE(idev->dead))
		return -ENODEV;
	rc = vunit->ops->vsid_check(vunit, entry->vsid, idev->master);
	if (rc)
		return rc;
	rc = xa_insert(&vunit->vsids, entry->vsid, entry, IOMMUFD_SVA_GFP_USER);
	if (rc)
		return rc == -EBUSY ? -EEXIST : rc;
	entry->master = idev->master;
	list_move_tail(&entry->node, &idev->master->vsids);
	vsid_set_name(idev->master, vunit);
	return 0;
}

/* Out of the map, and from the device's list to @removed. */
static void vsid_erase(struct iommufd_sva_vsid_entry *entry,
		       struct list_head *removed)
{
	struct iommufd_sva_vunit *vunit = entry->vunit;
	struct iommufd_sva_master *master = entry->master;

	lockdep_assert_held_write(&vunit->vsids_lock);
	xa_erase(&vunit->vsids, entry->vsid);
	entry->master = NULL;
	list_move_tail(&entry->node, removed);
	if (master)
		vsid_set_name(master, vunit);
	/* There may be many, and the lock is one to sleep under. */
	cond_resched();
}

struct iommufd_sva_vsid_entry *
iommufd_sva_vsid_add(struct iommufd_sva_vunit *vunit, u64 vsid,
		     struct iommufd_sva_device *idev)
{
	struct iommufd_sva_vsid_entry *entry;
	int rc;

	entry = vsid_alloc(vunit, vsid, idev, true);
	if (IS_ERR(entry))
		return entry;
	down_write(&vunit->vsids_lock);
	rc = vsid_insert(entry);
	up_write(&vunit->vsids_lock);
	if (rc) {
		vsid_free(entry);
		return ERR_PTR(rc);
	}
	return entry;
}

void iommufd_sva_vsid_remove(struct iommufd_sva_vsid_entry *entry)
{
	struct iommufd_sva_vunit *vunit = entry->vunit;
	LIST_HEAD(removed);

	down_write(&vunit->vsids_lock);
	vsid_erase(entry, &removed);
	up_write(&vunit->vsids_lock);
	vsids_free(&removed);
}

void iommufd_sva_vsids_remove_all(struct iommufd_sva_vunit *vunit)
{
	struct iommufd_sva_vsid_entry *entry;
	unsigned long vsid;
	LIST_HEAD(removed);

	down_write(&vunit->vsids_lock);
	xa_for_each(&vunit->vsids, vsid, entry)
		vsid_erase(entry, &removed);
	up_write(&vunit->vsids_lock);
	vsids_free(&removed);
}

void iommufd_sva_vsids_forget(struct iommufd_sva_vunit *vunit,
			      struct iommufd_sva_master *master)
{
	struct iommufd_sva_vsid_entry *entry, *next;

	down_write(&vunit->vsids_lock);
	list_for_each_entry_safe(entry, next, &master->vsids, node) {
		entry->master = NULL;
		list_del_init(&entry->node);
	}
	vsid_set_name(master, vunit);
	up_write(&vunit->vsids_lock);
}

/* --- VSID_MAP ---------------------------------------------------------- */

static struct iommufd_sva_vsid_entry *
vsid_alloc_user(struct iommufd_sva_ucmd *ucmd, struct iommufd_sva_vunit *vunit,
		const struct iommufd_sva_vsid *user)
{
	struct iommufd_sva_vsid_entry *entry;
	struct iommufd_sva_object *obj;

	if (user->__reserved)
		return ERR_PTR(-EOPNOTSUPP);
	obj = iommufd_sva_get_object(ucmd->ictx, user->device_id,
				     IOMMUFD_SVA_OBJ_DEVICE);
	if (IS_ERR(obj))
		return ERR_CAST(obj);
	entry = vsid_alloc(vunit, user->vsid,
			   container_of(obj, struct iommufd_sva_device, obj),
			   false);
	iommufd_sva_put_object(obj);
	return entry;
}

/* Put @batch into the map; *@bad: which one could not, and then none is. */
static int insert_batch(struct iommufd_sva_vunit *vunit, struct list_head *batch,
			const struct iommufd_sva_vsid *user, u32 *bad)
{
	struct iommufd_sva_vsid_entry *entry, *next;
	u32 i = 0;
	int rc = 0;

	down_write(&vunit->vsids_lock);
	list_for_each_entry_safe(entry, next, batch, node) {
		rc = vsid_insert(entry);
		if (rc)
			break;
		i++;
		cond_resched();
	}
	if (rc) {
		*bad = i;
		while (i--)
			vsid_erase(xa_load(&vunit->vsids, user[i].vsid), batch);
	}
	up_write(&vunit->vsids_lock);
	return rc;
}

static int add_entries(struct iommufd_sva_ucmd *ucmd,
		       struct iommufd_sva_vunit *vunit,
		       const struct iommufd_sva_vsid *user, u32 num, u32 *bad)
{
	struct iommufd_sva_vsid_entry *entry;
	LIST_HEAD(batch);
	int rc = 0;
	u32 i;

	for (i = 0; i < num; i++) {
		entry = vsid_alloc_user(ucmd, vunit, &user[i]);
		if (IS_ERR(entry)) {
			rc = PTR_ERR(entry);
			*bad = i;
			break;
		}
		list_add_tail(&entry->node, &batch);
		cond_resched();
	}
	if (!rc)
		rc = insert_batch(vunit, &batch, user, bad);
	vsids_free(&batch);
	return rc;
}

/* What REMOVE has looked at already and will take out. */
#define VSID_LEAVES	XA_MARK_0

static int mark_entry(struct iommufd_sva_vunit *vunit,
		      const struct iommufd_sva_vsid *user)
{
	struct iommufd_sva_vsid_entry *entry = xa_load(&vunit->vsids, user->vsid);

	if (user->__reserved)
		return -EOPNOTSUPP;
	if (!entry || entry->device->obj.id != user->device_id ||
	    xa_get_mark(&vunit->vsids, user->vsid, VSID_LEAVES))
		return -ENOENT;
	if (entry->is_vdevice)
		return -EBUSY;
	xa_set_mark(&vunit->vsids, user->vsid, VSID_LEAVES);
	return 0;
}

static int remove_entries(struct iommufd_sva_vunit *vunit,
			  const struct iommufd_sva_vsid *user, u32 num, u32 *bad)
{
	LIST_HEAD(removed);
	int rc = 0;
	u32 i;

	down_write(&vunit->vsids_lock);
	for (i = 0; i < num; i++) {
		rc = mark_entry(vunit, &user[i]);
		if (rc)
			break;
		cond_resched();
	}
	if (rc) {
		*bad = i;
		while (i--) {
			xa_clear_mark(&vunit->vsids, user[i].vsid, VSID_LEAVES);
			cond_resched();
		}
	} else {
		for (i = 0; i < num; i++)
			vsid_erase(xa_load(&vunit->vsids, user[i].vsid), &removed);
	}
	up_write(&vunit->vsids_lock);
	vsids_free(&removed);
	return rc;
}

/* The user's entries, read once. */
static struct iommufd_sva_vsid *copy_entries(struct iommufd_sva_vsid_map *cmd)
{
	size_t len = (size_t)cmd->entry_num * sizeof(struct iommufd_sva_vsid);
	struct iommufd_sva_vsid *entries;
	unsigned long left;

	entries = kvmalloc(max_t(size_t, len, 1), IOMMUFD_SVA_GFP_USER);
	if (!entries)
		return ERR_PTR(-ENOMEM);
	left = copy_from_user(entries, u64_to_user_ptr(cmd->entries), len);
	if (left) {
		cmd->out_bad_entry = (len - left) / sizeof(*entries);
		kvfree(entries);
		return ERR_PTR(-EFAULT);
	}
	return entries;
}

static int vsid_map(struct iommufd_sva_ucmd *ucmd,
		    struct iommufd_sva_vunit *vunit)
{
	struct iommufd_sva_vsid_map *cmd = ucmd->cmd;
	struct iommufd_sva_vsid *entries;
	int rc;

	entries = copy_entries(cmd);
	if (IS_ERR(entries))
		return PTR_ERR(entries);
	if (cmd->flags == IOMMUFD_SVA_VSID_ADD)
		rc = add_entries(ucmd, vunit, entries, cmd->entry_num,
				 &cmd->out_bad_entry);
	else
		rc = remove_entries(vunit, entries, cmd->entry_num,
				    &cmd->out_bad_entry);
	kvfree(entries);
	return rc;
}

int iommufd_sva_vsid_map(struct iommufd_sva_ucmd *ucmd)
{
	struct iommufd_sva_vsid_map *cmd = ucmd->cmd;
	struct iommufd_sva_object *obj;
	int rc;

	if (cmd->flags & ~(IOMMUFD_SVA_VSID_ADD | IOMMUFD_SVA_VSID_REMOVE))
		return -EOPNOTSUPP;
	if (hweight32(cmd->flags) != 1 ||
	    cmd->entry_len != sizeof(struct iommufd_sva_vsid) ||
	    cmd->entry_num > ENTRY_NUM_MAX)
		return -EINVAL;
	obj = iommufd_sva_get_object(ucmd->ictx, cmd->viommu_id,
				     IOMMUFD_SVA_OBJ_VIOMMU);
	if (IS_ERR(obj))
		return PTR_ERR(obj);
	rc = vsid_map(ucmd, container_of(obj, struct iommufd_sva_viommu, obj)->vunit);
	iommufd_sva_put_object(obj);
	/* Which entry is at fault, if one is. Nothing to tell of success. */
	if (rc && iommufd_sva_ucmd_respond(ucmd, sizeof(*cmd)))
		rc = -EFAULT;
	return rc;
}
