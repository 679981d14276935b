// SPDX-License-Identifier: GPL-2.0-only
/*
 * Backends, units, and adoption: how devices come to us and leave again.
 *
 * A set is adopted when all of its endpoints are driverless: when its unit
 * appears, when a device appears, and when a driver leaves the last of them. An
 * iommu_device per set makes the IOMMU core probe what has no group, and lets
 * the set go again by itself, with the device locks held in both cases, so that
 * the IOMMU core never sees a driver come or go half-way.
 */
#define pr_fmt(fmt) "iommufd_sva: " fmt

#include <linux/delay.h>
#include <linux/device.h>
#include <linux/iommu.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/property.h>
#include <linux/slab.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "host.h"

/*
 * Protects the lists below and the list of ACS that was switched on. While it
 * is held no device_lock is waited for. See host.h for its place.
 */
static DEFINE_MUTEX(adopt_lock);
static LIST_HEAD(backends);
static LIST_HEAD(units);
static LIST_HEAD(sets);
static LIST_HEAD(places);
/* Devices, by address, between DEL_DEVICE and REMOVED_DEVICE. */
static DEFINE_XARRAY(dying);

static void adopt_work_fn(struct work_struct *work);
/* What could not be adopted because somebody held a device_lock. */
static DECLARE_DELAYED_WORK(adopt_work, adopt_work_fn);
#define ADOPT_RETRY	(HZ / 2)

static struct iommufd_sva_unit *unit_of(struct pci_dev *pdev)
{
	struct iommufd_sva_backend *backend;
	struct iommufd_sva_unit *unit;

	lockdep_assert_held(&adopt_lock);
	list_for_each_entry(backend, &backends, node) {
		unit = backend->ops->unit_of(backend, &pdev->dev);
		/* Only once it is registered, and until it begins to go. */
		if (unit && unit->live)
			return unit;
	}
	return NULL;
}

bool iommufd_sva_is_ours(struct pci_dev *pdev)
{
	bool ours;

	mutex_lock(&adopt_lock);
	/* One that is being removed is nobody's any more. */
	ours = !xa_load(&dying, (unsigned long)pdev) && unit_of(pdev);
	mutex_unlock(&adopt_lock);
	return ours;
}

/**
 * iommufd_sva_source_ids - the IDs under which a unit sees a device's requests
 * @pdev: the device
 * @ids: room for IOMMUFD_SVA_MAX_RIDS of them
 * @unit: out: the unit, to be compared only: it may be gone; NULL if none
 *
 * Return: how many; 0 where they are the requester IDs, or cannot be told: then
 * the backend does not let it be adopted either
 */
int iommufd_sva_source_ids(struct pci_dev *pdev, u32 *ids,
			   struct iommufd_sva_unit **unit)
{
	int num = 0;

	mutex_lock(&adopt_lock);
	*unit = unit_of(pdev);
	if (*unit && (*unit)->backend->ops->source_ids)
		num = (*unit)->backend->ops->source_ids(*unit, pdev, ids);
	mutex_unlock(&adopt_lock);
	return max(num, 0);
}

/* With a reference on its module. */
struct iommufd_sva_backend *iommufd_sva_get_first_backend(void)
{
	struct iommufd_sva_backend *backend;

	mutex_lock(&adopt_lock);
	backend = list_first_entry_or_null(&backends, struct iommufd_sva_backend,
					   node);
	if (backend && !try_module_get(backend->owner))
		backend = NULL;
	mutex_unlock(&adopt_lock);
	return backend;
}

/* --- device locks ------------------------------------------------------ */

static void unlock_members(struct iommufd_sva_members *members, unsigned int num,
			   struct pci_dev *held)
{
	while (num--)
		if (members->pdev[num] != held)
			device_unlock(&members->pdev[num]->dev);
}

/* Lock all of @members but @held, which the caller has locked; or none. */
static bool trylock_members(struct iommufd_sva_members *members,
			    struct pci_dev *held)
{
	unsigned int i;

	for (i = 0; i < members->num; i++) {
		if (members->pdev[i] == held)
			continue;
		if (!device_trylock(&members->pdev[i]->dev)) {
			unlock_members(members, i, held);
			return false;
		}
	}
	return true;
}

/* --- adopting ---------------------------------------------------------- */

static struct iommufd_sva_set *set_create(struct iommufd_sva_unit *unit)
{
	struct iommufd_sva_set *set;
	struct iommu_group *group;

	set = kzalloc(sizeof(*set), GFP_KERNEL);
	if (!set)
		return ERR_PTR(-ENOMEM);
	group = iommu_group_alloc();
	if (IS_ERR(group)) {
		kfree(set);
		return ERR_CAST(group);
	}
	kref_init(&set->ref);
	set->group = group;
	set->unit = unit;
	/* Its devices are linked to the unit in sysfs. */
	set->iommu.dev = unit->iommu.dev;
	mutex_init(&set->lock);
	INIT_LIST_HEAD(&set->masters);
	return set;
}

static bool has_masters(struct iommufd_sva_set *set)
{
	bool empty;

	mutex_lock(&set->lock);
	empty = list_empty(&set->masters);
	mutex_unlock(&set->lock);
	return !empty;
}

/* The set that the adopted ones of @members are in; NULL if there are none. */
static struct iommufd_sva_set *set_of(struct iommufd_sva_members *members)
{
	struct iommufd_sva_set *found = NULL, *set;
	unsigned int i;

	for (i = 0; i < members->num; i++) {
		set = iommufd_sva_set_get(&members->pdev[i]->dev);
		if (!set)
			continue;
		iommufd_sva_set_put(set);
		if (found && found != set) {
			pci_err(members->pdev[0],
				"iommufd_sva: joins two groups, %d and %d: remove the devices of one of them\n",
				iommu_group_id(found->group),
				iommu_group_id(set->group));
			return ERR_PTR(-EBUSY);
		}
		/* On the list, which adopt_lock holds together. */
		found = set;
	}
	return found;
}

static bool is_adopted(struct pci_dev *pdev)
{
	struct iommufd_sva_set *set = iommufd_sva_set_get(&pdev->dev);

	if (set)
		iommufd_sva_set_put(set);
	return set;
}

/*
 * Can what is left of @members be adopted? Their device locks are held: a driver
 * that is there is bound, and none is about to be. @newcomer: as for adopt().
 */
static struct iommufd_sva_unit *adoptable(struct iommufd_sva_members *members,
					  struct pci_dev *newcomer)
{
	struct iommufd_sva_unit *unit = NULL;
	struct pci_dev *pdev;
	unsigned int i;

	for (i = 0; i < members->num; i++) {
		pdev = members->pdev[i];
		/* The IOMMU core forces it off identity. */
		if (pdev->untrusted)
			return NULL;
		/* Its users have been told already; it must not get new ones. */
		if (xa_load(&dying, (unsigned long)pdev))
			return NULL;
		if (!i)
			unit = unit_of(pdev);
		if (!unit || unit_of(pdev) != unit)
			return NULL;
		if (is_adopted(pdev))
			continue;
		if (pdev->dev.driver || pdev->dev.iommu_group)
			return NULL;
		/*
		 * Being added: the IOMMU core of 6.1 has still to look at it, and
		 * would not see that it has been. Its own ADD_DEVICE comes.
		 */
		if (!iommufd_sva_pci_is_added(pdev) && pdev != newcomer) {
			schedule_delayed_work(&adopt_work, ADOPT_RETRY);
			return NULL;
		}
	}
	return unit;
}

static const char *keep_identity(struct iommufd_sva_unit *unit,
				 struct iommufd_sva_members *members)
{
	const char *why = NULL;
	unsigned int i;

	for (i = 0; i < members->num && !why; i++)
		why = unit->backend->ops->must_stay_identity(unit,
							     &members->pdev[i]->dev);
	return why;
}

/*
 * Make the IOMMU core probe everything that has no group. It asks the IOMMU that
 * has no firmware node about a device of which it has not read what firmware
 * says, and of a driverless device it has not: until 7.0 it reads that when a
 * driver is about to bind. So a set never has a node, its unit's is host_place's.
 */
static int probe_ungrouped(struct iommufd_sva_set *set, bool new)
{
	struct iommu_device transient = { .dev = set->iommu.dev };
	int rc;

	if (new)
		return iommu_device_register(&set->iommu, &iommufd_sva_iommu_ops,
					     NULL);
	rc = iommu_device_register(&transient, &iommufd_sva_iommu_ops, NULL);
	if (!rc)
		iommu_device_unregister(&transient);
	return rc;
}

static void set_destroy(struct iommufd_sva_set *set)
{
	list_del(&set->node);
	iommu_device_unregister(&set->iommu);
	iommufd_sva_set_put(set);
}

/* Masters for what is not adopted yet. Returns how many, or an errno. */
static int create_masters(struct iommufd_sva_set *set,
			  struct iommufd_sva_members *members,
			  struct iommufd_sva_master **masters)
{
	struct iommufd_sva_master *master;
	unsigned int i;
	int num = 0;

	for (i = 0; i < members->num; i++) {
		if (is_adopted(members->pdev[i]))
			continue;
		master = iommufd_sva_master_create(set, &members->pdev[i]->dev);
		if (IS_ERR(master)) {
			pci_err(members->pdev[i],
				"iommufd_sva: cannot be adopted (%ld), it stays with the host\n",
				PTR_ERR(master));
			while (num)
				iommufd_sva_master_discard(masters[--num]);
			return PTR_ERR(master);
		}
		masters[num++] = master;
	}
	return num;
}

static void adopt_locked(struct iommufd_sva_members *members,
			 struct pci_dev *newcomer)
{
	struct iommufd_sva_master **masters;
	struct iommufd_sva_unit *unit;
	struct iommufd_sva_set *set;
	const char *why;
	bool new;
	int num, rc, i;

	lockdep_assert_held(&adopt_lock);

	unit = adoptable(members, newcomer);
	if (!unit)
		return;
	set = set_of(members);
	if (IS_ERR(set))
		return;
	new = !set;
	if (new) {
		set = set_create(unit);
		if (IS_ERR(set))
			return;
	}
	why = keep_identity(unit, members);
	if (why && iommufd_sva_set_keep_identity(set, why)) {
		pci_err(members->pdev[0],
			"iommufd_sva: %s, but its group is with a user: left to the host\n",
			why);
		return;
	}

	masters = kvcalloc(members->num, sizeof(*masters), GFP_KERNEL);
	num = masters ? create_masters(set, members, masters) : -ENOMEM;
	if (num <= 0) {
		if (new)
			iommufd_sva_set_put(set);
		goto out_free;
	}

	rc = probe_ungrouped(set, new);
	for (i = 0; i < num; i++)
		iommufd_sva_master_discard(masters[i]);
	if (new) {
		if (!rc)
			list_add_tail(&set->node, &sets);
		if (!rc && !has_masters(set))
			set_destroy(set);
		else if (rc)
			iommufd_sva_set_put(set);
	}
	if (rc)
		pci_err(members->pdev[0],
			"iommufd_sva: the IOMMU core refuses its group (%d)\n", rc);
out_free:
	kvfree(masters);
}

enum adopt_why {
	ADOPT_FOUND,
	ADOPT_ADDED,		/* the IOMMU core has just seen it appear */
	ADOPT_UNBOUND,		/* our caller holds its device_lock */
};

/*
 * Adopt the set of @pdev if all of it is driverless. @why: what has happened to
 * @pdev. Returns false if somebody held a lock: try again later.
 */
static bool adopt(struct pci_dev *pdev, enum adopt_why why)
{
	struct iommufd_sva_members *members = iommufd_sva_isolation_set(pdev);
	struct pci_dev *locked = why == ADOPT_UNBOUND ? pdev : NULL;
	struct pci_dev *newcomer = why == ADOPT_ADDED ? pdev : NULL;
	bool done;

	/* Gone again; or no memory: the next event of the bus is another try. */
	if (IS_ERR(members))
		return true;
	done = trylock_members(members, locked);
	if (done) {
		mutex_lock(&adopt_lock);
		adopt_locked(members, newcomer);
		mutex_unlock(&adopt_lock);
		unlock_members(members, members->num, locked);
	}
	iommufd_sva_members_free(members);
	return done;
}

/*
 * Has @pdev a driver that is bound, not one that is only being tried? A try is
 * made under the device's lock, and may end without a word on the bus.
 */
static bool is_in_use(struct pci_dev *pdev)
{
	bool in_use = false;

	if (device_trylock(&pdev->dev)) {
		in_use = pdev->dev.driver;
		device_unlock(&pdev->dev);
	}
	return in_use;
}

/* Adopt everything that can be. */
static bool adopt_all(void)
{
	struct pci_dev *pdev = NULL;
	bool done = true;

	for_each_pci_dev(pdev) {
		/* A look in advance, to save work: adopt() decides. */
		if (!iommufd_sva_is_endpoint(pdev) || is_in_use(pdev) ||
		    is_adopted(pdev) || !iommufd_sva_is_ours(pdev))
			continue;
		done &= adopt(pdev, ADOPT_FOUND);
	}
	return done;
}

static void adopt_work_fn(struct work_struct *work)
{
	if (!adopt_all())
		schedule_delayed_work(&adopt_work, ADOPT_RETRY);
}

static void enable_acs(struct pci_dev *pdev)
{
	struct iommufd_sva_unit *unit = unit_of(pdev);

	if (unit && iommufd_sva_acs_enable(pdev, unit))
		pci_err(pdev, "iommufd_sva: no memory to switch ACS on\n");
}

/* --- what happens on the bus ------------------------------------------- */

static void device_added(struct pci_dev *pdev)
{
	mutex_lock(&adopt_lock);
	enable_acs(pdev);
	mutex_unlock(&adopt_lock);

	if (iommufd_sva_is_endpoint(pdev) && !adopt(pdev, ADOPT_ADDED))
		schedule_delayed_work(&adopt_work, ADOPT_RETRY);
}

/* Before anything of it is taken apart. */
static void device_going(struct pci_dev *pdev)
{
	struct iommufd_sva_set *set;
	bool last;

	mutex_lock(&adopt_lock);
	xa_store(&dying, (unsigned long)pdev, xa_mk_value(1),
		 GFP_KERNEL | __GFP_NOFAIL);
	mutex_unlock(&adopt_lock);

	last = iommufd_sva_master_going(&pdev->dev, &set);
	if (!set)
		return;
	iommufd_sva_device_removed(set, &pdev->dev, last);
	iommufd_sva_set_put(set);
}

/* The IOMMU core, which was called before us, has released it. */
static void device_gone(struct pci_dev *pdev)
{
	struct iommufd_sva_set *set, *next;

	mutex_lock(&adopt_lock);
	xa_erase(&dying, (unsigned long)pdev);
	iommufd_sva_acs_forget(pdev);
	list_for_each_entry_safe(set, next, &sets, node)
		if (!has_masters(set))
			set_destroy(set);
	mutex_unlock(&adopt_lock);
}

static int bus_event(struct notifier_block *nb, unsigned long action, void *data)
{
	struct device *dev = data;
	struct pci_dev *pdev = to_pci_dev(dev);

	switch (action) {
	case BUS_NOTIFY_ADD_DEVICE:
		device_added(pdev);
		break;
	case BUS_NOTIFY_DEL_DEVICE:
		device_going(pdev);
		break;
	case BUS_NOTIFY_REMOVED_DEVICE:
		device_gone(pdev);
		break;
	case BUS_NOTIFY_BIND_DRIVER:
		iommufd_sva_master_driver(dev, true);
		break;
	case BUS_NOTIFY_UNBOUND_DRIVER:
		iommufd_sva_master_driver(dev, false);
		/* Synchronously: whoever unbound it may want it for a user. */
		if (iommufd_sva_is_endpoint(pdev) && !is_adopted(pdev) &&
		    !adopt(pdev, ADOPT_UNBOUND))
			schedule_delayed_work(&adopt_work, ADOPT_RETRY);
		break;
	case BUS_NOTIFY_DRIVER_NOT_BOUND:
		iommufd_sva_master_driver(dev, false);
		/*
		 * Not here: the driver core has still to undo what it did to the
		 * group, and must not find one that was not there before.
		 */
		schedule_delayed_work(&adopt_work, 0);
		break;
	}
	return NOTIFY_DONE;
}

static struct notifier_block bus_nb = { .notifier_call = bus_event };

/* --- letting go -------------------------------------------------------- */

/* The devices of @set now, with references. */
static struct iommufd_sva_members *set_members(struct iommufd_sva_set *set)
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
		members->pdev[members->num++] =
			pci_dev_get(to_pci_dev(master->dev));
	mutex_unlock(&set->lock);
	return members;
}

static struct pci_dev *find_bound(struct iommufd_sva_members *members)
{
	unsigned int i;

	for (i = 0; i < members->num; i++)
		if (members->pdev[i]->dev.driver)
			return members->pdev[i];
	return NULL;
}

/*
 * Take @set out of its group. No driver is bound, or the backend's module could
 * not be unloaded; but one may have come since that began. It has to leave
 * before the group goes: the IOMMU core counts it there. *@evicted: that one,
 * with a reference, to be bound again by the caller. Returns false if it is to
 * be tried again.
 */
static bool release_set(struct iommufd_sva_set *set, struct pci_dev **evicted)
{
	struct iommufd_sva_members *members = set_members(set);
	struct pci_dev *bound = NULL;
	bool done = false;

	if (trylock_members(members, NULL)) {
		bound = find_bound(members);
		if (!bound) {
			mutex_lock(&adopt_lock);
			set_destroy(set);
			mutex_unlock(&adopt_lock);
			done = true;
		}
		unlock_members(members, members->num, NULL);
	}
	/*
	 * A device that is off its bus but not yet REMOVED_DEVICE was not found:
	 * its removal releases it in a moment, and needs the unit for that.
	 */
	while (done && has_masters(set))
		msleep(20);
	if (bound) {
		pci_info(bound,
			 "iommufd_sva: bound while its IOMMU's driver was unloaded: is bound anew\n");
		device_release_driver(&bound->dev);
		pci_dev_put(*evicted);
		*evicted = pci_dev_get(bound);
	} else if (!done) {
		msleep(20);
	}
	iommufd_sva_members_free(members);
	return done;
}

static struct iommufd_sva_set *first_set(struct iommufd_sva_unit *unit)
{
	struct iommufd_sva_set *set, *found = NULL;

	mutex_lock(&adopt_lock);
	list_for_each_entry(set, &sets, node) {
		if (set->unit == unit) {
			kref_get(&set->ref);
			found = set;
			break;
		}
	}
	mutex_unlock(&adopt_lock);
	return found;
}

/* --- the places of units in firmware ----------------------------------- */

/*
 * Where firmware says which unit a device is behind, the kernel looks for that
 * unit's iommu_device whenever a driver is about to bind. Without one the bind
 * is put off, on some kernels for ever. So the first unit in a place leaves one
 * there that stays until the core goes, whatever its backend does; the devices
 * that it is asked about bind without an IOMMU unless they are adopted.
 */
struct host_place {
	struct list_head node;
	struct iommu_device iommu;
};

static int place_add(struct device *hwdev)
{
	struct host_place *place;
	int rc;

	lockdep_assert_held(&adopt_lock);
	list_for_each_entry(place, &places, node)
		if (place->iommu.fwnode == dev_fwnode(hwdev))
			return 0;

	place = kzalloc(sizeof(*place), GFP_KERNEL);
	if (!place)
		return -ENOMEM;
	/* Nothing is prepared: this adopts nothing. */
	rc = iommu_device_register(&place->iommu, &iommufd_sva_iommu_ops, hwdev);
	if (rc) {
		kfree(place);
		return rc;
	}
	fwnode_handle_get(dev_fwnode(hwdev));
	list_add_tail(&place->node, &places);
	return 0;
}

static void places_free(void)
{
	struct host_place *place, *next;

	list_for_each_entry_safe(place, next, &places, node) {
		list_del(&place->node);
		iommu_device_unregister(&place->iommu);
		fwnode_handle_put(place->iommu.fwnode);
		kfree(place);
	}
}

/* --- backends and units ------------------------------------------------ */

/**
 * iommufd_sva_backend_register - a backend is there
 * @backend: the backend; stays until iommufd_sva_backend_unregister()
 *
 * Return: 0
 */
int iommufd_sva_backend_register(struct iommufd_sva_backend *backend)
{
	mutex_lock(&adopt_lock);
	list_add_tail(&backend->node, &backends);
	mutex_unlock(&adopt_lock);
	return 0;
}
EXPORT_SYMBOL_GPL(iommufd_sva_backend_register);

/**
 * iommufd_sva_backend_unregister - a backend goes
 * @backend: the backend; its units are unregistered already
 */
void iommufd_sva_backend_unregister(struct iommufd_sva_backend *backend)
{
	mutex_lock(&adopt_lock);
	list_del(&backend->node);
	mutex_unlock(&adopt_lock);
}
EXPORT_SYMBOL_GPL(iommufd_sva_backend_unregister);

/**
 * iommufd_sva_unit_register - a unit is ready: adopt what is behind it
 * @unit: the unit, its backend registered; everything behind it passes through
 *
 * Switches ACS on behind it, and puts each isolation set that no host driver
 * uses into a group. Devices in use are adopted when their driver leaves.
 *
 * Return: 0; -EBUSY when another IOMMU driver is in charge (6.1 allows only
 * one); -ENOMEM
 */
int iommufd_sva_unit_register(struct iommufd_sva_unit *unit)
{
	struct pci_dev *pdev = NULL;
	int rc;

	unit->page_requests_left = unit->page_requests;
	rc = iommu_device_sysfs_add(&unit->iommu, unit->hwdev, unit->groups, "%s",
				    unit->name);
	if (rc)
		return rc;
	/* Nothing is prepared yet: this adopts nothing. */
	rc = iommu_device_register(&unit->iommu, &iommufd_sva_iommu_ops, NULL);
	if (!rc && unit->hwdev && dev_fwnode(unit->hwdev)) {
		mutex_lock(&adopt_lock);
		rc = place_add(unit->hwdev);
		mutex_unlock(&adopt_lock);
		if (rc)
			iommu_device_unregister(&unit->iommu);
	}
	if (rc) {
		iommu_device_sysfs_remove(&unit->iommu);
		if (rc == -EBUSY)
			pr_err("%s: another IOMMU driver is in charge of this machine; boot without it\n",
			       unit->name);
		return rc;
	}

	mutex_lock(&adopt_lock);
	list_add_tail(&unit->node, &units);
	unit->live = true;
	for_each_pci_dev(pdev)
		enable_acs(pdev);
	mutex_unlock(&adopt_lock);

	if (!adopt_all())
		schedule_delayed_work(&adopt_work, ADOPT_RETRY);
	return 0;
}
EXPORT_SYMBOL_GPL(iommufd_sva_unit_register);

/**
 * iommufd_sva_unit_unregister - a unit goes: let go of what is behind it
 * @unit: the unit
 *
 * Afterwards nothing of the core refers to it, and every device behind it is at
 * identity but those that would not reset. From the backend's exit, or from its
 * init when that fails: nobody uses a device then.
 */
void iommufd_sva_unit_unregister(struct iommufd_sva_unit *unit)
{
	struct pci_dev *evicted = NULL;
	struct iommufd_sva_set *set;

	mutex_lock(&adopt_lock);
	unit->live = false;
	mutex_unlock(&adopt_lock);

	while ((set = first_set(unit))) {
		if (release_set(set, &evicted) && evicted) {
			if (device_attach(&evicted->dev) < 0)
				pci_err(evicted, "iommufd_sva: bind its driver again by hand\n");
			pci_dev_put(evicted);
			evicted = NULL;
		}
		iommufd_sva_set_put(set);
	}

	mutex_lock(&adopt_lock);
	iommufd_sva_acs_restore(unit);
	list_del(&unit->node);
	mutex_unlock(&adopt_lock);
	iommu_device_unregister(&unit->iommu);
	iommu_device_sysfs_remove(&unit->iommu);
}
EXPORT_SYMBOL_GPL(iommufd_sva_unit_unregister);

int iommufd_sva_adopt_init(void)
{
	return bus_register_notifier(&pci_bus_type, &bus_nb);
}

void iommufd_sva_adopt_exit(void)
{
	bus_unregister_notifier(&pci_bus_type, &bus_nb);
	cancel_delayed_work_sync(&adopt_work);
	places_free();
	xa_destroy(&dying);
}
