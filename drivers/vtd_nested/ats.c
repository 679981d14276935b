// SPDX-License-Identifier: GPL-2.0-only
/*
 * Device-TLBs (chapter 4): what devices with ATS have cached is invalidated through
 * the same queue, after what the unit has cached (6.5.2.5, 6.5.2.6).
 *
 * Who invalidates knows from a list which devices may have cached anything of what has
 * changed, whether their ATS is on or not: a device is in it from before its tables
 * lead there until nothing of that can be in its device-TLB. Which of them a
 * descriptor is sent to is decided where it is submitted (qi.c), by unit->ats. That is
 * changed under unit->ats_rwsem, which whoever submits such descriptors holds until
 * the hardware has answered, and the list is protected by a lock that is held as long:
 * either a device that joins caches nothing that was there before, or it is asked.
 *
 * The context entry lets translation requests through (DTE) from before ATS is
 * switched on in the device until after it is off (4.5). A device that does not answer
 * may go on with what it has: its context entry no longer does then (DTE clear blocks
 * translated requests as well), and it is not asked again before ATS is switched on
 * anew.
 */
#include <linux/pci.h>
#include <linux/slab.h>
#include "vtd.h"

/**
 * struct vtd_ats_user - a device that may have cached something
 * @node: in the list
 * @master: the device
 * @users: how much of it goes there, by enum vtd_ats_kind
 */
struct vtd_ats_user {
	struct list_head node;
	struct iommufd_sva_master *master;
	unsigned int users[VTD_ATS_KINDS];
};

/* --- who may -------------------------------------------------------------- */

/* 8.5: does the root port above @pdev let ATS through? */
static bool vtd_dmar_has_ats(struct pci_dev *pdev)
{
	struct pci_dev *port = pcie_find_root_port(pci_physfn(pdev));
	struct vtd_remapping *atsr;

	/* What is integrated in the root complex is behind none. */
	if (!port)
		return true;
	list_for_each_entry(atsr, &vtd_dmar.structures, node) {
		if (atsr->type != ACPI_DMAR_TYPE_ROOT_ATS ||
		    atsr->segment != pci_domain_nr(pdev->bus))
			continue;
		if (atsr->flags & ACPI_DMAR_ALL_PORTS || vtd_dmar_scope_has(atsr, port))
			return true;
	}
	return false;
}

/* See iommufd_sva_backend_ops. */
bool vtd_ats_capable(struct iommufd_sva_master *master)
{
	return to_vtd_unit(master->unit)->ecap & VTD_ECAP_DT &&
	       vtd_dmar_has_ats(to_pci_dev(master->dev));
}

/* --- lists ---------------------------------------------------------------- */

static struct vtd_ats_user *vtd_ats_find(struct list_head *users,
					 struct iommufd_sva_master *master)
{
	struct vtd_ats_user *user;

	list_for_each_entry(user, users, node)
		if (user->master == master)
			return user;
	return NULL;
}

/**
 * vtd_ats_join - a device is going to be able to cache something
 * @users: struct vtd_ats_user of those that may
 * @master: the device; nothing is done for one that has no ATS
 * @kind: by which of its requests
 *
 * Return: 0 or -ENOMEM.
 */
int vtd_ats_join(struct list_head *users, struct iommufd_sva_master *master,
		 enum vtd_ats_kind kind)
{
	struct vtd_ats_user *user;

	if (!master->ats.supported)
		return 0;
	user = vtd_ats_find(users, master);
	if (!user) {
		user = kzalloc(sizeof(*user), IOMMUFD_SVA_GFP_USER);
		if (!user)
			return -ENOMEM;
		user->master = master;
		list_add_tail(&user->node, users);
	}
	user->users[kind]++;
	return 0;
}

/* Nothing of it can be in the device-TLB any more. */
void vtd_ats_leave(struct list_head *users, struct iommufd_sva_master *master,
		   enum vtd_ats_kind kind)
{
	struct vtd_ats_user *user;
	unsigned int i;

	if (!master->ats.supported)
		return;
	user = vtd_ats_find(users, master);
	user->users[kind]--;
	for (i = 0; i < VTD_ATS_KINDS; i++)
		if (user->users[i])
			return;
	list_del(&user->node);
	kfree(user);
}

/* --- descriptors ---------------------------------------------------------- */

/* 6.5.2.5: PFSID is reserved without ECAP.DIT. */
static u16 vtd_ats_pfsid(struct iommufd_sva_master *master)
{
	if (!(to_vtd_unit(master->unit)->ecap & VTD_ECAP_DIT))
		return 0;
	return PCI_DEVID(master->ats.pf.bus, master->ats.pf.devfn);
}

static u16 vtd_ats_sid(struct iommufd_sva_master *master)
{
	return PCI_DEVID(master->rids[0].bus, master->rids[0].devfn);
}

/* Requests without a PASID. 0 is 32 (MIP), and the field has no more bits. */
void vtd_ats_add_rid(struct vtd_batch *batch, struct iommufd_sva_master *master, u64 addr,
		     unsigned int order)
{
	if (master->ats.supported)
		vtd_batch_add(batch, vtd_make_dev_tlb(vtd_ats_sid(master),
						      vtd_ats_pfsid(master),
						      master->ats.qdep, addr, order));
}

/* Requests with @pasid. A device that has no such PASID sends none. */
void vtd_ats_add_pasid(struct vtd_batch *batch, struct iommufd_sva_master *master, u32 pasid,
		       u64 addr, unsigned int order)
{
	if (master->ats.supported && !(pasid >> master->pasid_bits))
		vtd_batch_add(batch, vtd_make_pasid_dev_tlb(vtd_ats_sid(master),
							    vtd_ats_pfsid(master),
							    master->ats.qdep, pasid, addr,
							    order));
}

/* Requests with whatever PASID. */
void vtd_ats_add_pasids(struct vtd_batch *batch, struct iommufd_sva_master *master, u64 addr,
			unsigned int order)
{
	if (master->ats.supported && master->pasid_bits)
		vtd_batch_add(batch, vtd_make_pasid_dev_tlb_global(vtd_ats_sid(master),
								   vtd_ats_pfsid(master),
								   master->ats.qdep, addr,
								   order));
}

/* Everything that @master has cached. */
void vtd_ats_add_all(struct vtd_batch *batch, struct iommufd_sva_master *master)
{
	vtd_ats_add_rid(batch, master, 0, VTD_ATS_EVERYTHING);
	vtd_ats_add_pasids(batch, master, 0, VTD_ATS_EVERYTHING);
}

/* How many descriptors vtd_ats_add() makes at most. */
unsigned int vtd_ats_count(const struct list_head *users)
{
	const struct list_head *at;
	unsigned int num = 0;

	list_for_each(at, users)
		num += 2;
	return num;
}

/**
 * vtd_ats_add - invalidate what the devices of a list have cached
 * @batch: where to, after what invalidates the unit's own caches
 * @users: the list
 * @start: first address
 * @last: last
 *
 * Those addresses, of whatever PASID; and everything where they say nothing of what
 * the device knows, because they are those of a nesting parent.
 */
void vtd_ats_add(struct vtd_batch *batch, const struct list_head *users, u64 start, u64 last)
{
	unsigned int order = vtd_address_mask(start, last);
	struct vtd_ats_user *user;

	list_for_each_entry(user, users, node) {
		if (user->users[VTD_ATS_ALL]) {
			vtd_ats_add_all(batch, user->master);
			continue;
		}
		if (user->users[VTD_ATS_RID])
			vtd_ats_add_rid(batch, user->master, start, order);
		if (user->users[VTD_ATS_PASID])
			vtd_ats_add_pasids(batch, user->master, start, order);
	}
}

/* The same for one PASID; RID_PASID: without. */
void vtd_ats_add_of_pasid(struct vtd_batch *batch, const struct list_head *users, u32 pasid,
			  u64 addr, unsigned int order)
{
	struct vtd_ats_user *user;

	list_for_each_entry(user, users, node) {
		if (pasid == VTD_RID_PASID)
			vtd_ats_add_rid(batch, user->master, addr, order);
		else
			vtd_ats_add_pasid(batch, user->master, pasid, addr, order);
	}
}

/* --- on and off ----------------------------------------------------------- */

/*
 * Whom @desc, which invalidates a device-TLB, is for if it is to be sent. NULL: to
 * nobody: ATS is off in the device, or it is gone. unit->ats_rwsem is held.
 */
struct vtd_ats *vtd_ats_of(struct vtd_unit *unit, const struct vtd_desc *desc)
{
	struct vtd_ats *ats = xa_load(&unit->ats, vtd_desc_dev_tlb_sid(desc));

	if (!ats || iommufd_sva_master_is_gone(ats->master))
		return NULL;
	return ats;
}

/**
 * vtd_ats_enable - the context entry of a device lets ATS through
 * @ats: its ATS
 *
 * Context: under unit->lock.
 * Return: 0, and it is on in the device; or an errno.
 */
int vtd_ats_enable(struct vtd_ats *ats)
{
	struct vtd_unit *unit = to_vtd_unit(ats->master->unit);
	u16 sid = vtd_ats_sid(ats->master);
	int rc;

	lockdep_assert_held(&unit->lock);
	rc = xa_reserve(&unit->ats, sid, GFP_KERNEL);
	if (rc)
		return rc;
	down_write(&unit->ats_rwsem);
	rc = iommufd_sva_ats_enable(ats->master);
	if (!rc) {
		WRITE_ONCE(ats->silent, false);
		xa_store(&unit->ats, sid, ats, GFP_KERNEL);
	}
	up_write(&unit->ats_rwsem);
	if (rc)
		xa_release(&unit->ats, sid);
	return rc;
}

/* It did not answer. unit->ats_rwsem is held. */
void vtd_ats_silence(struct vtd_unit *unit, struct vtd_ats *ats)
{
	WRITE_ONCE(ats->silent, true);
	WRITE_ONCE(unit->ats_silent, true);
}

/* Did @master not answer, and is it to be cut off for that? */
bool vtd_ats_is_silent(struct iommufd_sva_master *master)
{
	struct vtd_unit *unit = to_vtd_unit(master->unit);
	struct vtd_ats *ats;
	bool silent;

	down_read(&unit->ats_rwsem);
	ats = xa_load(&unit->ats, vtd_ats_sid(master));
	silent = ats && READ_ONCE(ats->silent) && READ_ONCE(ats->dte);
	up_read(&unit->ats_rwsem);
	return silent;
}

/**
 * vtd_ats_cut_off - devices that do not answer use no translation of theirs any more
 * @unit: of the devices
 *
 * Whoever had an invalidation end with -ETIMEDOUT calls this before what was to be
 * invalidated may be anything else.
 *
 * Context: under unit->lock.
 * Return: 0 or an errno: the unit does not answer either.
 */
int vtd_ats_cut_off(struct vtd_unit *unit)
{
	struct vtd_ats *ats;
	unsigned long sid;
	int rc = 0;

	lockdep_assert_held(&unit->lock);
	if (!READ_ONCE(unit->ats_silent))
		return 0;
	WRITE_ONCE(unit->ats_silent, false);
	/* Under unit->lock nothing is added, and nothing goes. */
	xa_for_each(&unit->ats, sid, ats) {
		if (!READ_ONCE(ats->silent) || !ats->dte)
			continue;
		dev_err(ats->master->dev,
			"vtd_nested: does not answer invalidations of its ATC: it goes on without ATS; reset it\n");
		rc = vtd_ats_set_dte(ats, false) ?: rc;
	}
	return rc;
}

/* The same for all units. Not under any lock that is inside unit->lock. */
int vtd_ats_cut_off_all(void)
{
	struct vtd_remapping *drhd;
	int rc = 0;

	list_for_each_entry(drhd, &vtd_dmar.structures, node) {
		if (!drhd->unit)
			continue;
		mutex_lock(&drhd->unit->lock);
		rc = vtd_ats_cut_off(drhd->unit) ?: rc;
		mutex_unlock(&drhd->unit->lock);
	}
	return rc;
}

/* Off in the device; its context entry lets ATS through still. */
void vtd_ats_disable(struct vtd_ats *ats)
{
	struct vtd_unit *unit = to_vtd_unit(ats->master->unit);

	lockdep_assert_held(&unit->lock);
	down_write(&unit->ats_rwsem);
	xa_erase(&unit->ats, vtd_ats_sid(ats->master));
	iommufd_sva_ats_disable(ats->master);
	up_write(&unit->ats_rwsem);
}
