/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the core share.
 *
 * Objects have iommufd's lifetimes: an id names an object of one context; a
 * handler holds a reference while it works; an object that is in use by
 * another one (users > 1) cannot be destroyed (-EBUSY).
 *
 * Locks, outermost first:
 *   ctx->process_rwsem	main.c: whom pinned pages are charged to
 *   ctx->groups_lock	device.c: the groups of a context
 *   igroup->lock	device.c: attach, replace, detach of a group
 *   ioas->mutex	hw_pagetable.c: the automatic HWPTs of an IOAS
 *   iopt->domains_rwsem	io_pagetable.c: which domains an IOAS fills
 *   iopt->iova_rwsem	io_pagetable.c: the areas
 *   pages->mutex	pages.c: what of a piece of user memory is pinned; one at
 *			a time, and outside mmap_lock
 *   vunit->vsids_lock	vsid.c: a guest's names for devices; inside igroup->lock
 *   set->lock, master->lock	master.c; see host.h for those of the kernel's side
 *   a backend's own
 *   fault->shares_lock	fault.c: the devices that a fault queue serves
 *   requests->lock, fault->lock	page requests; see fault.h
 *   viommu->veventqs_lock, veventq->lock	eventq.c: spinlocks, in this order; a
 *			backend reports events under locks of its own
 */
#ifndef __IOMMUFD_SVA_PRIVATE_H
#define __IOMMUFD_SVA_PRIVATE_H

#include <linux/interval_tree.h>
#include <linux/refcount.h>
#include <linux/rwsem.h>
#include <linux/xarray.h>
#include <iommufd_sva.h>
#include <iommufd_sva/backend.h>
#include "compat.h"

struct iommu_group;
struct iommufd_sva_igroup;
struct iommufd_sva_set;

/**
 * struct iommufd_sva_ctx - one open file of /dev/iommufd_sva
 * @file: the file
 * @objects: id to object
 * @groups: iommu_group_id() to struct iommufd_sva_igroup
 * @groups_lock: protects @groups
 * @process_rwsem: held for reading by every ioctl but IOAS_CHANGE_PROCESS, which
 *	holds it for writing: it protects the process and the user that pinned
 *	pages are charged to (struct iopt_source). Outermost.
 * @account_mode: OPTION_RLIMIT_MODE: charge pinned pages to the mm (1, as VFIO
 *	does) instead of the user (0)
 * @tags: of all units, how many what it nests has; see iommufd_sva_tag_get()
 */
struct iommufd_sva_ctx {
	struct file *file;
	struct xarray objects;
	struct xarray groups;
	struct mutex groups_lock;
	struct rw_semaphore process_rwsem;
	u8 account_mode;
	atomic_t tags;
};

/**
 * struct iommufd_sva_ucmd - one ioctl on its way through a handler
 * @ictx: the context
 * @ubuffer: the user's structure
 * @user_size: the size that the user gave
 * @cmd: the kernel's copy of it
 * @new_obj: an object that becomes visible under its id once the handler has
 *	succeeded, and is destroyed when it has not; NULL when none is made
 */
struct iommufd_sva_ucmd {
	struct iommufd_sva_ctx *ictx;
	void __user *ubuffer;
	u32 user_size;
	void *cmd;
	struct iommufd_sva_object *new_obj;
};

/* main.c: copy @cmd->cmd back, as much of it as the user knows. */
int iommufd_sva_ucmd_respond(struct iommufd_sva_ucmd *ucmd, size_t cmd_len);
void iommufd_sva_ucmd_respond_done(struct iommufd_sva_ucmd *ucmd, size_t cmd_len);

enum iommufd_sva_object_type {
	IOMMUFD_SVA_OBJ_NONE,
	IOMMUFD_SVA_OBJ_ANY = IOMMUFD_SVA_OBJ_NONE,
	IOMMUFD_SVA_OBJ_DEVICE,
	IOMMUFD_SVA_OBJ_FAULT,
	IOMMUFD_SVA_OBJ_HWPT_NESTED,
	IOMMUFD_SVA_OBJ_HWPT_PAGING,
	IOMMUFD_SVA_OBJ_IOAS,
	IOMMUFD_SVA_OBJ_PASID_TABLE,
	IOMMUFD_SVA_OBJ_VDEVICE,
	IOMMUFD_SVA_OBJ_VEVENTQ,
	IOMMUFD_SVA_OBJ_VIOMMU,
	IOMMUFD_SVA_OBJ_MAX,
};

/**
 * struct iommufd_sva_object - the head of everything with an id
 * @users: one while the id stands, one per object that needs this one, one per
 *	handler that works on it
 * @type: what it is
 * @id: its id
 *
 * First member of each object.
 */
struct iommufd_sva_object {
	refcount_t users;
	enum iommufd_sva_object_type type;
	u32 id;
};

/* object.c */
struct iommufd_sva_object *
_iommufd_sva_object_alloc(struct iommufd_sva_ctx *ictx, size_t size,
			  enum iommufd_sva_object_type type);
struct iommufd_sva_object *
iommufd_sva_get_object(struct iommufd_sva_ctx *ictx, u32 id,
		       enum iommufd_sva_object_type type);
void iommufd_sva_object_finalize(struct iommufd_sva_ctx *ictx,
				 struct iommufd_sva_object *obj);
void iommufd_sva_object_abort(struct iommufd_sva_ctx *ictx,
			      struct iommufd_sva_object *obj);
void iommufd_sva_object_abort_and_destroy(struct iommufd_sva_ctx *ictx,
					  struct iommufd_sva_object *obj);
/* Remove the id and destroy, if @obj has no users but the id: else -EBUSY. */
int iommufd_sva_object_remove(struct iommufd_sva_ctx *ictx, u32 id);
/* The same for an object that the kernel made itself (an automatic HWPT). */
void iommufd_sva_object_put_and_try_destroy(struct iommufd_sva_ctx *ictx,
					    struct iommufd_sva_object *obj);
void iommufd_sva_objects_destroy_all(struct iommufd_sva_ctx *ictx);

static inline void iommufd_sva_put_object(struct iommufd_sva_object *obj)
{
	refcount_dec(&obj->users);
}

/* @obj: the member of @ptr that is the object: its first. */
#define __iommufd_sva_object_alloc(ictx, ptr, type, obj)                       \
	container_of(_iommufd_sva_object_alloc(                                \
			     ictx,                                             \
			     sizeof(*(ptr)) + BUILD_BUG_ON_ZERO(               \
					offsetof(typeof(*(ptr)), obj) != 0),   \
			     type),                                            \
		     typeof(*(ptr)), obj)
#define iommufd_sva_object_alloc(ictx, ptr, type)                              \
	__iommufd_sva_object_alloc(ictx, ptr, type, obj)

/**
 * struct iommufd_sva_io_pagetable - the map from IOVA to user memory
 * @domains_rwsem: protects @domains: read to fill them, write to add or remove
 * @domains: the domains that hold this map. An array: they are few, and each run
 *	of pages that is mapped goes over them.
 * @nr_domains: number of @domains
 * @iova_rwsem: protects the interval trees
 * @area_itree: what is mapped, struct iopt_area
 * @allowed_itree: what the user promised to use (IOAS_ALLOW_IOVAS)
 * @reserved_itree: what the attached devices cannot use
 * @disable_large_pages: OPTION_HUGE_PAGES is off
 * @iova_alignment: every mapping is aligned to it
 */
struct iommufd_sva_io_pagetable {
	struct rw_semaphore domains_rwsem;
	struct iommufd_sva_domain **domains;
	unsigned int nr_domains;
	struct rw_semaphore iova_rwsem;
	struct rb_root_cached area_itree;
	struct rb_root_cached allowed_itree;
	struct rb_root_cached reserved_itree;
	u8 disable_large_pages;
	unsigned long iova_alignment;
};

/**
 * struct iommufd_sva_ioas - an I/O address space
 * @obj: object
 * @iopt: its map
 * @mutex: protects @hwpt_list, and that an automatic HWPT is made once
 * @hwpt_list: HWPTs that map it
 */
struct iommufd_sva_ioas {
	struct iommufd_sva_object obj;
	struct iommufd_sva_io_pagetable iopt;
	struct mutex mutex;
	struct list_head hwpt_list;
};

/**
 * struct iommufd_sva_hwpt - what a device can be attached to
 * @obj: object: HWPT_PAGING, HWPT_NESTED or PASID_TABLE
 * @trans: what it is to the hardware; holds a user on its fault queue
 * @stage2: the HWPT with its stage 2: itself, or the nesting parent
 */
struct iommufd_sva_hwpt {
	struct iommufd_sva_object obj;
	struct iommufd_sva_translation trans;
	struct iommufd_sva_hwpt_paging *stage2;
};

/**
 * struct iommufd_sva_hwpt_paging - a hardware page table of an IOAS, or of VFIO
 * @common: @common.trans.domain is the stage-2 address space
 * @ioas: what it maps; holds a user on it. NULL: VFIO's container fills it
 *	(HWPT_IMPORT)
 * @auto_domain: made by attaching an IOAS; goes with its last device
 * @enforce_snoop: every mapping snoops caches (see @enforce_snoop of domain ops)
 * @nest_parent: may be a nesting parent
 * @hwpt_item: in ioas->hwpt_list
 */
struct iommufd_sva_hwpt_paging {
	struct iommufd_sva_hwpt common;
	struct iommufd_sva_ioas *ioas;
	bool auto_domain : 1;
	bool enforce_snoop : 1;
	bool nest_parent : 1;
	struct list_head hwpt_item;
};

/**
 * struct iommufd_sva_viommu - a guest's share of an IOMMU unit
 * @obj: object
 * @hwpt: the guest's physical memory; holds a user on it
 * @vunit: what it is to the backend
 * @veventqs_lock: protects @veventqs
 * @veventqs: its event queues, one of a type at most
 */
struct iommufd_sva_viommu {
	struct iommufd_sva_object obj;
	struct iommufd_sva_hwpt_paging *hwpt;
	struct iommufd_sva_vunit *vunit;
	spinlock_t veventqs_lock;
	struct list_head veventqs;
};

/**
 * struct iommufd_sva_hwpt_nested - a guest's tables: a nested HWPT, a PASID table
 * @common: @common.trans.nested is what it is to the backend
 * @viommu: holds a user on it; NULL: made on the parent alone, which has that user
 */
struct iommufd_sva_hwpt_nested {
	struct iommufd_sva_hwpt common;
	struct iommufd_sva_viommu *viommu;
};

/**
 * struct iommufd_sva_device - a device bound to a context
 * @obj: object
 * @ictx: the context
 * @igroup: its group in this context; holds a reference
 * @dev: the device; holds a reference
 * @master: what it is to the backend; not there any more once @dead
 * @igroup_item: in igroup->device_list
 * @enforce_snoop: its DMA must be made to snoop (a domain of a device without
 *	it does)
 * @vunit: the vIOMMU that has names for it, NULL: none. This and what follows
 *	under igroup->lock.
 * @names: how many; while there is one @obj has a user more
 * @has_vdevice: one of them is a virtual device's
 * @attached: igroup->hwpt is attached for it; @obj has a user more then
 * @pasids: struct iommufd_sva_pasid by PASID; @obj has a user more for each
 * @pasid_bits: bits of its PASIDs, 0: none; constant
 * @ats_supported: it may have ATS on; constant
 * @pri_supported: its page requests can be had; constant
 * @enabled: pci_enable_device() was done for it
 * @dead: it was unplugged. The object stays; its ioctls answer -ENODEV.
 */
struct iommufd_sva_device {
	struct iommufd_sva_object obj;
	struct iommufd_sva_ctx *ictx;
	struct iommufd_sva_igroup *igroup;
	struct device *dev;
	struct iommufd_sva_master *master;
	struct list_head igroup_item;
	bool enforce_snoop;
	struct iommufd_sva_vunit *vunit;
	unsigned long names;
	bool has_vdevice;
	bool attached;
	struct xarray pasids;
	unsigned int pasid_bits;
	bool ats_supported;
	bool pri_supported;
	bool enabled;
	bool dead;
};

/**
 * struct iommufd_sva_pasid - what is attached to a PASID of a device
 * @hwpt: a HWPT with a stage 2 of its own; holds a user
 * @item: in a list of what is to be put, once it is detached
 *
 * In its IOAS it owns the addresses that are reserved for it.
 */
struct iommufd_sva_pasid {
	struct iommufd_sva_hwpt *hwpt;
	struct list_head item;
};

/**
 * struct iommufd_sva_igroup - an IOMMU group some devices of which are bound
 * @ref: one per device object, one while a notifier works on it
 * @ictx: the context
 * @set: the isolation set that the group is; holds a reference
 * @vfio: bound with BIND_VFIO: the group's DMA is VFIO's, not ours
 * @epoch: of @set when it was taken: it has changed hands when it differs
 * @lock: protects everything below and orders attach against detach
 * @hwpt: what the whole group is attached to without a PASID; holds a user
 * @device_list: bound devices
 * @attached: number of bound devices that are attached to @hwpt
 */
struct iommufd_sva_igroup {
	struct kref ref;
	struct iommufd_sva_ctx *ictx;
	struct iommufd_sva_set *set;
	bool vfio;
	int epoch;
	struct mutex lock;
	struct iommufd_sva_hwpt *hwpt;
	struct list_head device_list;
	unsigned int attached;
};

/* ioas.c: the ioctls. */
int iommufd_sva_ioas_alloc_ioctl(struct iommufd_sva_ucmd *ucmd);
int iommufd_sva_ioas_iova_ranges(struct iommufd_sva_ucmd *ucmd);
int iommufd_sva_ioas_allow_iovas(struct iommufd_sva_ucmd *ucmd);
int iommufd_sva_ioas_map(struct iommufd_sva_ucmd *ucmd);
int iommufd_sva_ioas_map_file(struct iommufd_sva_ucmd *ucmd);
int iommufd_sva_ioas_copy(struct iommufd_sva_ucmd *ucmd);
int iommufd_sva_ioas_unmap(struct iommufd_sva_ucmd *ucmd);
int iommufd_sva_ioas_change_process(struct iommufd_sva_ucmd *ucmd);
int iommufd_sva_option(struct iommufd_sva_ucmd *ucmd);
void iommufd_sva_ioas_destroy(struct iommufd_sva_object *obj);

/* io_pagetable.c: what hw_pagetable.c and device.c need of an IOAS's map. */
int iopt_table_add_domain(struct iommufd_sva_io_pagetable *iopt,
			  struct iommufd_sva_domain *domain);
void iopt_table_remove_domain(struct iommufd_sva_io_pagetable *iopt,
			      struct iommufd_sva_domain *domain);
/*
 * Reserve what @group's devices cannot use (iommu_get_group_resv_regions(), all
 * but IOMMU_RESV_DIRECT_RELAXABLE) under @owner; -EADDRINUSE when something is
 * mapped there. *@sw_msi_start: the SW_MSI window or PHYS_ADDR_MAX.
 */
int iopt_table_enforce_group_resv_regions(struct iommufd_sva_io_pagetable *iopt,
					  struct iommu_group *group, void *owner,
					  phys_addr_t *sw_msi_start);
void iopt_remove_reserved_iova(struct iommufd_sva_io_pagetable *iopt, void *owner);

/* hw_pagetable.c */
int iommufd_sva_hwpt_alloc(struct iommufd_sva_ucmd *ucmd);
void iommufd_sva_hwpt_paging_destroy(struct iommufd_sva_object *obj);
void iommufd_sva_hwpt_paging_abort(struct iommufd_sva_object *obj);
/*
 * A HWPT of @ioas whose domain fits @idev: ioas->mutex is held. @immediate_attach
 * is iommufd's: an automatic domain is tried out by attaching the device, at
 * @pasid.
 */
struct iommufd_sva_hwpt_paging *
iommufd_sva_hwpt_paging_alloc(struct iommufd_sva_ctx *ictx,
			      struct iommufd_sva_ioas *ioas,
			      struct iommufd_sva_device *idev, u32 pasid,
			      u32 flags, bool immediate_attach,
			      struct iommufd_sva_hwpt **old);
int iommufd_sva_hwpt_import(struct iommufd_sva_ucmd *ucmd);
/*
 * @obj, from the user, as a nesting parent: -EINVAL when it is none, -ENODEV when
 * VFIO has freed it.
 */
struct iommufd_sva_hwpt_paging *
iommufd_sva_nesting_parent(struct iommufd_sva_object *obj);

/* May a guest's tables be nested on anything at all there? 0 or -EOPNOTSUPP. */
static inline int iommufd_sva_unit_can_nest(struct iommufd_sva_unit *unit)
{
	if (!unit->backend->ops->nest_parent)
		return -EOPNOTSUPP;
	return unit->backend->ops->nest_parent(unit, NULL);
}

/* nested.c: @ucmd->new_obj of @type on @pt, without what it is to the backend. */
struct iommufd_sva_hwpt_nested *
iommufd_sva_hwpt_nested_new(struct iommufd_sva_ucmd *ucmd,
			    struct iommufd_sva_object *pt,
			    enum iommufd_sva_object_type type);
/* Complete it by what the backend made, which may be an ERR_PTR. */
int iommufd_sva_hwpt_nested_set(struct iommufd_sva_ucmd *ucmd,
				struct iommufd_sva_hwpt_nested *hwpt,
				struct iommufd_sva_nested *nested);
void iommufd_sva_hwpt_nested_destroy(struct iommufd_sva_object *obj);
int iommufd_sva_hwpt_nested_alloc(struct iommufd_sva_ucmd *ucmd,
				  struct iommufd_sva_device *idev,
				  struct iommufd_sva_object *pt);

/* invalidate.c */
int iommufd_sva_hwpt_invalidate(struct iommufd_sva_ucmd *ucmd);

/* pasid_table.c */
int iommufd_sva_pasid_table_alloc(struct iommufd_sva_ucmd *ucmd);

/* viommu.c */
int iommufd_sva_viommu_alloc(struct iommufd_sva_ucmd *ucmd);
void iommufd_sva_viommu_destroy(struct iommufd_sva_object *obj);
int iommufd_sva_vdevice_alloc(struct iommufd_sva_ucmd *ucmd);
void iommufd_sva_vdevice_destroy(struct iommufd_sva_object *obj);

/* vsid.c: a guest's names for devices. */
int iommufd_sva_vsid_map(struct iommufd_sva_ucmd *ucmd);
/* One name, as VDEVICE_ALLOC makes it. */
struct iommufd_sva_vsid_entry *
iommufd_sva_vsid_add(struct iommufd_sva_vunit *vunit, u64 vsid,
		     struct iommufd_sva_device *idev);
void iommufd_sva_vsid_remove(struct iommufd_sva_vsid_entry *entry);
void iommufd_sva_vsids_remove_all(struct iommufd_sva_vunit *vunit);
/* @master is going, and keeps no name in @vunit. */
void iommufd_sva_vsids_forget(struct iommufd_sva_vunit *vunit,
			      struct iommufd_sva_master *master);

/* eventq.c */
int iommufd_sva_veventq_alloc(struct iommufd_sva_ucmd *ucmd);
void iommufd_sva_veventq_destroy(struct iommufd_sva_object *obj);

/* fault_ring.c */
int iommufd_sva_fault_ring(struct iommufd_sva_ucmd *ucmd);
int iommufd_sva_ring_init(void);
void iommufd_sva_ring_exit(void);

/* fault.c */
int iommufd_sva_fault_queue_alloc(struct iommufd_sva_ucmd *ucmd);
void iommufd_sva_fault_destroy(struct iommufd_sva_object *obj);
int iommufd_sva_option_page_response_timeout(struct iommufd_sva_ctx *ictx,
					     struct iommufd_sva_option *cmd);
/* The fault queue @id, with a user more; or ERR_PTR(-ENOENT). */
struct iommufd_sva_fault *iommufd_sva_get_fault(struct iommufd_sva_ctx *ictx, u32 id);
/* It gets the page requests of what is attached to @hwpt. */
int iommufd_sva_hwpt_set_fault(struct iommufd_sva_ctx *ictx, struct iommufd_sva_hwpt *hwpt,
			       u32 fault_id);
void iommufd_sva_hwpt_put_fault(struct iommufd_sva_hwpt *hwpt);

/* device.c */
int iommufd_sva_device_bind(struct iommufd_sva_ucmd *ucmd);
int iommufd_sva_device_attach(struct iommufd_sva_ucmd *ucmd);
int iommufd_sva_device_detach(struct iommufd_sva_ucmd *ucmd);
int iommufd_sva_get_hw_info(struct iommufd_sva_ucmd *ucmd);
void iommufd_sva_device_destroy(struct iommufd_sva_object *obj);
/* The unit @idev is behind; NULL once the device is gone. */
struct iommufd_sva_unit *iommufd_sva_device_unit(struct iommufd_sva_device *idev);
/* Can something be attached to a PASID of @idev? */
bool iommufd_sva_device_has_pasids(struct iommufd_sva_device *idev);
/*
 * Attach the whole of @idev's group, or a PASID of @idev, to @hwpt; igroup->lock
 * is held. *@old: what was attached there, for the caller to put when that is
 * dropped; or NULL.
 */
int iommufd_sva_hwpt_attach_device(struct iommufd_sva_hwpt *hwpt,
				   struct iommufd_sva_device *idev, u32 pasid,
				   struct iommufd_sva_hwpt **old);
/*
 * @idev gets one more name in @vunit, which is to be its only vIOMMU: -ENODEV,
 * -EINVAL behind another unit, -EBUSY with names in another vIOMMU, -EEXIST for a
 * second virtual device.
 */
int iommufd_sva_device_name_get(struct iommufd_sva_device *idev,
				struct iommufd_sva_vunit *vunit, bool is_vdevice);
void iommufd_sva_device_name_put(struct iommufd_sva_device *idev,
				 bool is_vdevice);
/* The domain that VFIO has attached to @idev, with a reference. */
struct iommufd_sva_domain *
iommufd_sva_device_vfio_domain(struct iommufd_sva_device *idev);
/* The file was closed: detach every device, so that all can be destroyed. */
void iommufd_sva_devices_detach_all(struct iommufd_sva_ctx *ictx);

/* host.c */
int iommufd_sva_host_init(void);
void iommufd_sva_host_exit(void);
/*
 * A domain for @unit outside the IOMMU core's sight (a HWPT's), with a
 * reference on the backend; host.c keeps one way for both kinds.
 */
struct iommufd_sva_domain *iommufd_sva_domain_alloc(struct iommufd_sva_unit *unit,
						    u32 flags);
void iommufd_sva_domain_put(struct iommufd_sva_domain *domain);

#endif
