/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The contract between the core (iommufd_sva.ko) and its backends.
 *
 * A backend drives whole IOMMU units that the kernel's own driver leaves
 * alone. The core is one struct iommu_ops to the kernel, the objects behind
 * /dev/iommufd_sva to user space, and reaches hardware through the verbs below
 * only. Nothing here says how a domain keeps its tables.
 */
#ifndef __IOMMUFD_SVA_BACKEND_H
#define __IOMMUFD_SVA_BACKEND_H

#include <linux/iommu.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/types.h>

#include <iommufd_sva/gather.h>

struct iommufd_sva_backend;
struct iommufd_sva_domain;
struct iommufd_sva_master;
struct iommufd_sva_set;
struct iommufd_sva_unit;
struct pci_dev;

/* Requests that carry no PASID. The value is the uAPI's. */
#define IOMMUFD_SVA_PASID_NONE	(~0U)

/**
 * enum iommufd_sva_translation_type - what a (device, PASID) is set to
 * @IOMMUFD_SVA_TRANS_BLOCKED: every request faults; all zero on purpose, so
 *	that a translation nobody filled in lets nothing through
 * @IOMMUFD_SVA_TRANS_IDENTITY: requests pass untranslated
 * @IOMMUFD_SVA_TRANS_STAGE2: requests go through a domain's stage-2 tables
 */
enum iommufd_sva_translation_type {
	IOMMUFD_SVA_TRANS_BLOCKED = 0,
	IOMMUFD_SVA_TRANS_IDENTITY,
	IOMMUFD_SVA_TRANS_STAGE2,
};

/**
 * struct iommufd_sva_translation - one value a (device, PASID) can take
 * @type: which kind
 * @domain: the stage-2 address space, for STAGE2; else NULL. Whoever stores a
 *	translation sees to it that the domain outlives it.
 */
struct iommufd_sva_translation {
	enum iommufd_sva_translation_type type;
	struct iommufd_sva_domain *domain;
};

/**
 * struct iommufd_sva_domain_ops - the verbs of a stage-2 address space
 * @map: map [@iova, @iova + @len) to the contiguous [@paddr, @paddr + @len)
 *	with the largest pages that fit. All multiples of the smallest page of
 *	the domain. @prot is IOMMU_READ | IOMMU_WRITE | IOMMU_CACHE |
 *	IOMMU_MMIO. All or nothing. -EADDRINUSE when something is mapped there,
 *	-ERANGE beyond the geometry or the output size, -ENOMEM. May sleep.
 * @sync_map: once after a batch of @map, before a device may use it: write
 *	buffers and caching mode. Cheap where the hardware needs nothing.
 * @unmap: take [@iova, @iova + @len) out; never touches anything outside.
 *	Returns the bytes taken out (holes end it). Collects in @gather; no
 *	page under the range may be reused before @sync. May sleep.
 * @sync: one invalidation submission per unit for all of @gather, waits until
 *	the hardware has drained, then frees @gather->tables and empties it.
 * @lookup: the physical address behind @iova, and in @len (in: most bytes of
 *	interest, out: how far memory stays contiguous from there, across
 *	leaves). False when nothing is mapped at @iova. Not against a concurrent
 *	unmap of the same range.
 * @enforce_snoop: make every mapping, past and to come, snoop caches no matter
 *	what the device asks; false if some unit cannot.
 * @free: nothing is attached and nobody maps any more.
 *
 * map and unmap run concurrently as long as their ranges are disjoint; the
 * caller sees to that.
 */
struct iommufd_sva_domain_ops {
	int (*map)(struct iommufd_sva_domain *domain, u64 iova,
		   phys_addr_t paddr, size_t len, unsigned int prot, gfp_t gfp);
	void (*sync_map)(struct iommufd_sva_domain *domain, u64 iova, size_t len);
	size_t (*unmap)(struct iommufd_sva_domain *domain, u64 iova, size_t len,
			struct iommufd_sva_gather *gather);
	void (*sync)(struct iommufd_sva_domain *domain,
		     struct iommufd_sva_gather *gather);
	bool (*lookup)(struct iommufd_sva_domain *domain, u64 iova,
		       phys_addr_t *paddr, size_t *len);
	bool (*enforce_snoop)(struct iommufd_sva_domain *domain);
	void (*free)(struct iommufd_sva_domain *domain);
};

/**
 * struct iommufd_sva_domain - a stage-2 address space
 * @iommu: what the IOMMU core sees of it when VFIO allocated it. The backend
 *	fills @iommu.geometry and @iommu.pgsize_bitmap, the core the rest. A
 *	domain of a HWPT is never shown to the IOMMU core.
 * @ops: the verbs
 * @backend: whose it is; a reference on the backend's module is held for as
 *	long as the domain lives
 *
 * Embedded first in the backend's own structure.
 */
struct iommufd_sva_domain {
	struct iommu_domain iommu;
	const struct iommufd_sva_domain_ops *ops;
	struct iommufd_sva_backend *backend;
};

/* Flags of domain_alloc(). */
#define IOMMUFD_SVA_DOMAIN_NEST_PARENT	BIT(0)

/**
 * struct iommufd_sva_backend_ops - the verbs of a backend
 * @unit_of: the unit that translates requests of @dev, NULL if none of ours.
 * @master_init: @master (dev, unit, rids are set) joins: allocate what its
 *	translations will need so that blocking it can never fail. The hardware
 *	keeps passing its requests through.
 * @master_release: @master goes; it is at identity, or blocked for good if
 *	@quarantine (a device that would not reset): then its entries stay
 *	blocked in the hardware until the unit is handed back, even though the
 *	structure goes.
 * @set_translation: requests of @master with @pasid (or
 *	IOMMUFD_SVA_PASID_NONE) go from @old to @new. Blocked to X is attach, X
 *	to blocked is detach, X to Y is replace and hitless where the hardware
 *	allows. To BLOCKED and, from BLOCKED, to IDENTITY never fails. When it
 *	returns 0 no request is translated through @old any more, its caches are
 *	invalidated and drained. On failure @old stands. -EINVAL for a domain
 *	that does not fit the unit (iommufd's "incompatible").
 * @domain_alloc: a domain that fits @unit, or every unit of the backend if
 *	@unit is NULL. -EOPNOTSUPP for flags the unit cannot do.
 * @get_resv_regions: append struct iommu_resv_region (iommu_alloc_resv_region)
 *	for @master: the platform's MSI window, RMRRs, ...
 * @must_stay_identity: why @dev can never be given to a user ("has an RMRR"),
 *	NULL when it can.
 * @hw_info: fill @data (at most @len bytes) with the unit's hw_info structure
 *	of the uAPI, return its full length, its type in @type.
 * @cache_coherency: DMA of @master snoops caches without further ado.
 *
 * set_translation is called under the master's lock. All may sleep.
 */
struct iommufd_sva_backend_ops {
	struct iommufd_sva_unit *(*unit_of)(struct iommufd_sva_backend *backend,
					    struct device *dev);
	int (*master_init)(struct iommufd_sva_master *master);
	void (*master_release)(struct iommufd_sva_master *master, bool quarantine);
	int (*set_translation)(struct iommufd_sva_master *master, u32 pasid,
			       const struct iommufd_sva_translation *new,
			       const struct iommufd_sva_translation *old);
	struct iommufd_sva_domain *(*domain_alloc)(struct iommufd_sva_backend *backend,
						   struct iommufd_sva_unit *unit,
						   u32 flags);
	void (*get_resv_regions)(struct iommufd_sva_master *master,
				 struct list_head *head);
	const char *(*must_stay_identity)(struct iommufd_sva_unit *unit,
					  struct device *dev);
	size_t (*hw_info)(struct iommufd_sva_unit *unit, void *data, size_t len,
			  u32 *type);
	bool (*cache_coherency)(struct iommufd_sva_master *master);
};

/**
 * struct iommufd_sva_backend - one backend module
 * @name: as in the log
 * @owner: the module; the core takes references on it (see host.c)
 * @ops: the verbs
 * @node: in the core's list
 */
struct iommufd_sva_backend {
	const char *name;
	struct module *owner;
	const struct iommufd_sva_backend_ops *ops;
	struct list_head node;
};

/**
 * struct iommufd_sva_unit - one IOMMU
 * @backend: who drives it
 * @name: as in the log and in sysfs ("dmar0")
 * @groups: sysfs attributes that tell its capabilities; may be NULL
 * @hwdev: its own struct device where it has one (Arm), else NULL
 * @iommu: its registration with the IOMMU core; the core's
 * @node: in the core's list
 * @live: is registered, and not on its way out: adopts
 *
 * Embedded in the backend's own structure.
 */
struct iommufd_sva_unit {
	struct iommufd_sva_backend *backend;
	const char *name;
	const struct attribute_group **groups;
	struct device *hwdev;
	struct iommu_device iommu;
	struct list_head node;
	bool live;
};

/**
 * struct iommufd_sva_rid - a requester ID that a device's requests may carry
 * @bus: bus number
 * @devfn: device and function
 */
struct iommufd_sva_rid {
	u8 bus;
	u8 devfn;
};

/* A device's own ID, the aliases of two bridges on its way, and quirks. */
#define IOMMUFD_SVA_MAX_RIDS	8

/**
 * struct iommufd_sva_master - a device behind one of our units that is adopted
 * @dev: the device
 * @unit: the unit it is behind
 * @rids: every requester ID its requests may carry. @rids[0] is its own, the
 *	others are aliases that other devices of its isolation set may share: an
 *	alias follows whoever was set last, and a set is only set as a whole.
 * @num_rids: how many
 * @lock: protects @base, @overlay, @suspended and orders set_translation() of
 *	this device. Inside the IOMMU core's group mutex and the context's igroup
 *	lock, outside every lock of a backend.
 * @base: what the IOMMU core attached
 * @overlay: what a user attached through /dev/iommufd_sva, if @has_overlay
 * @has_overlay: the hardware shows @overlay rather than @base
 * @suspended: the IOMMU core attached "blocked" over a stage-2 @base (a reset),
 *	and the same base again is expected: the hardware shows blocked
 * @quarantined: would not reset after a user had it: blocked for good
 * @joined: the IOMMU core has attached something
 * @pinned: off identity: holds a reference on the backend's module
 * @priv: the backend's
 * @set: its isolation set; holds a reference. This and what follows is the
 *	core's.
 * @set_item: in set->masters, under set->lock
 * @node: in the core's list of masters; this and the rest under its lock
 * @pending: being adopted, not yet of any group
 * @probed: the IOMMU core has taken it
 * @going: is being removed
 * @has_driver: a driver is bound: holds a reference on the backend's module
 */
struct iommufd_sva_master {
	struct device *dev;
	struct iommufd_sva_unit *unit;
	struct iommufd_sva_rid rids[IOMMUFD_SVA_MAX_RIDS];
	unsigned int num_rids;
	struct mutex lock;
	struct iommufd_sva_translation base;
	struct iommufd_sva_translation overlay;
	bool has_overlay;
	bool suspended;
	bool quarantined;
	bool joined;
	bool pinned;
	void *priv;

	struct iommufd_sva_set *set;
	struct list_head set_item;
	struct list_head node;
	bool pending;
	bool probed;
	bool going;
	bool has_driver;
};

int iommufd_sva_backend_register(struct iommufd_sva_backend *backend);
void iommufd_sva_backend_unregister(struct iommufd_sva_backend *backend);
int iommufd_sva_unit_register(struct iommufd_sva_unit *unit);
void iommufd_sva_unit_unregister(struct iommufd_sva_unit *unit);

#endif
