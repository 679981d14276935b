/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The core's side towards the kernel: units, isolation sets, masters.
 *
 * An isolation set is every endpoint that could reach, or pass for, another one
 * of it without the IOMMU seeing the difference. Each set is one iommu_group. A
 * set is adopted, that is put into its group, while every endpoint of it is
 * driverless; until then its devices are in no group, and their requests pass
 * through. Once adopted the IOMMU core counts every driver that binds.
 *
 * Locks, outermost first. "Held" is what calls us holds already.
 *
 *   device_lock	of every endpoint of a set while it is adopted or let go,
 *			so that no driver binds meanwhile. The driver core holds
 *			one of them in UNBOUND_DRIVER; the others are only tried,
 *			never waited for, so two adoptions cannot meet crosswise.
 *   igroup->lock	device.c; never with a device_lock taken inside it by us
 *			but through a reset, which takes that of the device and
 *			of its bridge. A notifier that is called with a
 *			device_lock held therefore never takes igroup->lock:
 *			BIND, UNBOUND and NOT_BOUND do not, DEL_DEVICE does and
 *			is called without the device's.
 *   adopt_lock		adopt.c: units and their places in firmware, sets, ACS
 *			that was switched on
 *   (IOMMU core)	iommu_probe_device_lock, group->mutex; held in
 *			probe_device, device_group, attach_dev, release_device:
 *			none of those takes anything above
 *   masters_lock	master.c: which masters there are
 *   set->lock		the masters of a set, its user
 *   master->lock	what a device is set to
 *   pfs_lock		pf.c: which physical functions there are; also inside adopt_lock
 *			alone
 *   pf->lock		PASIDs and page requests of one; held while its interface stops
 *   msi_lock		msi.c: MSI windows of domains that lie over others; also
 *			under locks of the kernel's MSI code
 */
#ifndef __IOMMUFD_SVA_HOST_H
#define __IOMMUFD_SVA_HOST_H

#include <linux/pci.h>
#include "iommufd_sva_private.h"

/**
 * struct iommufd_sva_set - an isolation set that is adopted
 * @ref: one per master, one while @node is on adopt.c's list, one per igroup
 * @iommu: makes the IOMMU core probe the set, and release it, as a whole
 * @group: its group; holds a reference
 * @unit: the unit all of it is behind
 * @keep_identity: why it can never be given to a user; NULL when it can. Written
 *	under @lock
 * @node: in adopt.c's list
 * @epoch: grows whenever the IOMMU core gives the set another translation, a
 *	reset's "blocked and back" apart: an overlay of an older epoch was meant
 *	for somebody else's device
 * @lock: protects what follows
 * @masters: its devices
 * @user: who holds it through /dev/iommufd_sva
 * @claimed: the group's DMA is ours; stays after @user has gone when a device
 *	would not reset
 * @unreset: a device was removed without a reset that the others cannot be told
 *	from; under the igroup's lock
 */
struct iommufd_sva_set {
	struct kref ref;
	struct iommu_device iommu;
	struct iommu_group *group;
	struct iommufd_sva_unit *unit;
	const char *keep_identity;
	struct list_head node;
	atomic_t epoch;
	struct mutex lock;
	struct list_head masters;
	struct iommufd_sva_igroup *user;
	bool claimed;
	bool unreset;
};

/**
 * struct iommufd_sva_members - the endpoints of an isolation set
 * @num: how many
 * @pdev: the endpoints; a reference on each is held
 */
struct iommufd_sva_members {
	unsigned int num;
	struct pci_dev *pdev[];
};

/**
 * struct iommufd_sva_pf - what devices of one physical function have in common
 * @node: in pf.c's list
 * @pdev: the physical function; holds a reference
 * @masters: how many of these devices are adopted; under pfs_lock
 * @lock: protects what follows, and its PASIDs and page requests in configuration space
 * @pasid_decided: whether it has PASIDs
 * @pasid_enabled: we have switched them on
 * @pri_masters: how many of the devices may make page requests
 * @page_requests: if any: how many may be outstanding, of all of them together
 * @pri_on: how many of the devices have them on
 */
struct iommufd_sva_pf {
	struct list_head node;
	struct pci_dev *pdev;
	unsigned int masters;
	struct mutex lock;
	bool pasid_decided;
	bool pasid_enabled;
	unsigned int pri_masters;
	u32 page_requests;
	unsigned int pri_on;
};

/* host.c */
extern const struct iommu_ops iommufd_sva_iommu_ops;
/* What the IOMMU core's domain is to a device. */
struct iommufd_sva_translation
iommufd_sva_translation_of(struct iommu_domain *domain);

/* isolation.c */
static inline bool iommufd_sva_is_endpoint(struct pci_dev *pdev)
{
	return pdev->hdr_type == PCI_HEADER_TYPE_NORMAL;
}

struct iommufd_sva_members *iommufd_sva_isolation_set(struct pci_dev *pdev);
void iommufd_sva_members_free(struct iommufd_sva_members *members);
int iommufd_sva_acs_enable(struct pci_dev *pdev, struct iommufd_sva_unit *unit);
void iommufd_sva_acs_reassert(struct pci_dev *pdev);
void iommufd_sva_acs_forget(struct pci_dev *pdev);
void iommufd_sva_acs_restore(struct iommufd_sva_unit *unit);

/* adopt.c */
int iommufd_sva_adopt_init(void);
void iommufd_sva_adopt_exit(void);
struct iommufd_sva_backend *iommufd_sva_get_first_backend(void);
/* Is @pdev behind a unit of ours, adopted or not? */
bool iommufd_sva_is_ours(struct pci_dev *pdev);
int iommufd_sva_source_ids(struct pci_dev *pdev, u32 *ids,
			   struct iommufd_sva_unit **unit);

/* master.c */
void iommufd_sva_set_free(struct kref *ref);

static inline void iommufd_sva_set_put(struct iommufd_sva_set *set)
{
	kref_put(&set->ref, iommufd_sva_set_free);
}

struct iommufd_sva_master *
iommufd_sva_master_create(struct iommufd_sva_set *set, struct device *dev);
void iommufd_sva_master_discard(struct iommufd_sva_master *master);
struct iommufd_sva_master *iommufd_sva_lock_master(struct device *dev);
void iommufd_sva_unlock_master(void);
/* The set @dev is in, with a reference, or NULL. */
struct iommufd_sva_set *iommufd_sva_set_get(struct device *dev);
/*
 * The same with a reference on the backend's module: without that the set's unit
 * can go at any time.
 */
struct iommufd_sva_set *iommufd_sva_set_get_live(struct device *dev);
void iommufd_sva_set_put_live(struct iommufd_sva_set *set);
void iommufd_sva_master_driver(struct device *dev, bool bound);
int iommufd_sva_master_attach(struct iommufd_sva_master *master,
			      struct iommu_domain *domain);
int iommufd_sva_set_keep_identity(struct iommufd_sva_set *set, const char *why);
void iommufd_sva_masters_forget_domain(struct iommufd_sva_domain *domain);
int iommufd_sva_set_overlay(struct iommufd_sva_set *set, int epoch,
			    const struct iommufd_sva_translation *overlay);
void iommufd_sva_clear_overlay(struct iommufd_sva_set *set);
int iommufd_sva_master_set_pasid(struct iommufd_sva_master *master, int epoch, u32 pasid,
				 const struct iommufd_sva_translation *trans);
void iommufd_sva_master_clear_pasid(struct iommufd_sva_master *master, u32 pasid);
void iommufd_sva_master_set_dev_id(struct iommufd_sva_master *master, u32 id);
void iommufd_sva_master_end_page_requests(struct iommufd_sva_master *master);
void iommufd_sva_master_clear(struct iommufd_sva_set *set, struct device *dev);
bool iommufd_sva_set_in_stage2(struct iommufd_sva_set *set);
struct iommufd_sva_domain *
iommufd_sva_set_get_base_domain(struct iommufd_sva_set *set, int epoch);
struct iommufd_sva_master *
iommufd_sva_set_find_master(struct iommufd_sva_set *set, struct device *dev);
bool iommufd_sva_set_has_aliases(struct iommufd_sva_set *set);
void iommufd_sva_set_quarantine(struct iommufd_sva_set *set, struct device *dev);

struct iommu_device *iommufd_sva_probe_device(struct device *dev);
void iommufd_sva_release_device(struct device *dev);
struct iommu_group *iommufd_sva_device_group(struct device *dev);
/* @dev is being removed: no use of it begins any more. */
bool iommufd_sva_master_going(struct device *dev,
			      struct iommufd_sva_set **set);

/* pf.c */
int iommufd_sva_pf_get(struct iommufd_sva_master *master);
void iommufd_sva_pf_put(struct iommufd_sva_master *master);
void iommufd_sva_pf_pasids(struct iommufd_sva_master *master);
bool iommufd_sva_pf_has_ats(struct pci_dev *pdev);

typedef void (*iommufd_sva_master_fn)(struct iommufd_sva_master *master, void *data);

void iommufd_sva_visit_masters(iommufd_sva_master_fn fn, void *data);

/* debugfs.c */
void iommufd_sva_debugfs_init(void);
void iommufd_sva_debugfs_exit(void);

/* ats.c */
void iommufd_sva_ats_init(struct iommufd_sva_master *master);
void iommufd_sva_ats_set(struct iommufd_sva_master *master, bool on);

/* pri.c */
void iommufd_sva_pri_find(struct iommufd_sva_master *master);
void iommufd_sva_pri_release(struct iommufd_sva_master *master);
int iommufd_sva_pri_set(struct iommufd_sva_master *master, bool on);

/* msi.c: MSI doorbells of VFIO's domains in what lies over them. */
int iommufd_sva_msi_link(struct iommufd_sva_domain *base,
			 struct iommufd_sva_domain *over);
void iommufd_sva_msi_unlink(struct iommufd_sva_domain *base,
			    struct iommufd_sva_domain *over);
int iommufd_sva_msi_mapped(struct iommufd_sva_domain *base, u64 iova, size_t len);
void iommufd_sva_msi_unmapped(struct iommufd_sva_domain *base, u64 iova,
			      size_t len);

/* device.c: @dev, of @set, is being removed: end every use of it. */
void iommufd_sva_device_removed(struct iommufd_sva_set *set, struct device *dev,
				bool last);

#endif
