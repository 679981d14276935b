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

#include <linux/gfp.h>
#include <linux/iommu.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/xarray.h>

#include <iommufd_sva.h>
#include <iommufd_sva/gather.h>

struct iommufd_sva_backend;
struct iommufd_sva_device;
struct iommufd_sva_domain;
struct iommufd_sva_fault;
struct iommufd_sva_master;
struct iommufd_sva_nested;
struct iommufd_sva_page_requests;
struct iommufd_sva_pf;
struct iommufd_sva_set;
struct iommufd_sva_unit;
struct iommufd_sva_vunit;

/*
 * For whatever a user can have as much of as he likes: charged to his memory
 * cgroup, and at its limit, or when memory is short, his call fails (-ENOMEM),
 * quietly. GFP_KERNEL_ACCOUNT by itself has the OOM killer take a process then.
 */
#define IOMMUFD_SVA_GFP_USER                                                   \
	(GFP_KERNEL_ACCOUNT | __GFP_RETRY_MAYFAIL | __GFP_NOWARN)

/**
 * enum iommufd_sva_translation_type - what a (device, PASID) is set to
 * @IOMMUFD_SVA_TRANS_BLOCKED: every request faults; all zero on purpose, so
 *	that a translation nobody filled in lets nothing through
 * @IOMMUFD_SVA_TRANS_IDENTITY: requests pass untranslated
 * @IOMMUFD_SVA_TRANS_STAGE2: requests go through a domain's stage-2 tables
 * @IOMMUFD_SVA_TRANS_NESTED: requests go as a guest has it, through tables of
 *	its own (one address space, or a PASID table) and then through the
 *	stage-2 tables of a nesting parent
 */
enum iommufd_sva_translation_type {
	IOMMUFD_SVA_TRANS_BLOCKED = 0,
	IOMMUFD_SVA_TRANS_IDENTITY,
	IOMMUFD_SVA_TRANS_STAGE2,
	IOMMUFD_SVA_TRANS_NESTED,
};

/**
 * struct iommufd_sva_translation - one value a (device, PASID) can take
 * @type: which kind
 * @domain: the stage-2 address space, for STAGE2; for NESTED the parent's, which
 *	is @nested->parent; else NULL
 * @nested: for NESTED; else NULL
 * @fault: who answers page requests, NULL: nobody. A backend only looks whether there is
 *	one; this and the next are the core's
 * @all_pasids: requests with a PASID to which nothing is attached go through it, too
 *
 * Whoever stores a translation sees to it that what it points to outlives it.
 */
struct iommufd_sva_translation {
	enum iommufd_sva_translation_type type;
	struct iommufd_sva_domain *domain;
	struct iommufd_sva_nested *nested;
	struct iommufd_sva_fault *fault;
	bool all_pasids;
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
 * @clear: nothing is attached and nobody maps any more: take everything out. Who
 *	calls it flushes with @sync.
 * @free: the same, and it goes.
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
	void (*clear)(struct iommufd_sva_domain *domain);
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
 * @ref: one of who allocated it, one of each HWPT that imported it; this and
 *	what follows is the core's
 * @host: the IOMMU core allocated it, for VFIO
 * @gone: the IOMMU core has freed it: nothing is attached any more, nor will be
 *
 * Embedded first in the backend's own structure.
 */
struct iommufd_sva_domain {
	struct iommu_domain iommu;
	const struct iommufd_sva_domain_ops *ops;
	struct iommufd_sva_backend *backend;
	struct kref ref;
	bool host;
	bool gone;
};

/* Flags of domain_alloc(). */
#define IOMMUFD_SVA_DOMAIN_NEST_PARENT	BIT(0)

/**
 * struct iommufd_sva_user_data - a structure of the user's for a backend
 * @type: what it is, as the uAPI numbers it
 * @len: its length as the user knows it, not zero
 * @uptr: where it is
 *
 * Read with iommufd_sva_copy_user_data(): once, and never again.
 */
struct iommufd_sva_user_data {
	u32 type;
	u32 len;
	void __user *uptr;
};

/**
 * struct iommufd_sva_user_array - the entries of one HWPT_INVALIDATE
 * @type: what an entry is, as the uAPI numbers it
 * @entry_len: bytes from one entry to the next, 1 to PAGE_SIZE
 * @entry_num: how many; 0 asks only whether @type is known
 * @uptr: the first
 * @consumed: out: how many have taken effect, on failure too
 * @error: out: the type's own account of a failure (out_error of the uAPI)
 */
struct iommufd_sva_user_array {
	u32 type;
	u32 entry_len;
	u32 entry_num;
	void __user *uptr;
	u32 consumed;
	u32 error;
};

/**
 * struct iommufd_sva_vsid_entry - a device under one of its guest's names
 * @vsid: the guest's source ID or StreamID; the key in vunit->vsids
 * @master: the device; NULL once it has been removed
 * @vunit: the vIOMMU's
 * @node: in master->vsids, in the order in which they were added. All of them are
 *	of one vIOMMU, and under its vsids_lock.
 * @device: the core's object for it
 * @is_vdevice: a VDEVICE_ALLOC made it, not a VSID_MAP; this and @device are the
 *	core's
 */
struct iommufd_sva_vsid_entry {
	u64 vsid;
	struct iommufd_sva_master *master;
	struct iommufd_sva_vunit *vunit;
	struct list_head node;
	struct iommufd_sva_device *device;
	bool is_vdevice;
};

/**
 * struct iommufd_sva_vunit_ops - the verbs of a guest's share of a unit
 * @vsid_check: may @master be called @vsid here? -EINVAL: out of range, or the
 *	device is behind another unit. vsids_lock is held for writing.
 * @invalidate: pass a guest's invalidations on (HWPT_INVALIDATE on the vIOMMU).
 *	Stops at the first bad entry; the ones before it have taken effect, and
 *	have completed in the hardware when this returns. Holds vsids_lock for
 *	reading as long as it uses what it looked up. Errors as in the uAPI.
 * @free: no nested translation is left on it.
 */
struct iommufd_sva_vunit_ops {
	int (*vsid_check)(struct iommufd_sva_vunit *vunit, u64 vsid,
			  struct iommufd_sva_master *master);
	int (*invalidate)(struct iommufd_sva_vunit *vunit,
			  struct iommufd_sva_user_array *array);
	void (*free)(struct iommufd_sva_vunit *vunit);
};

/**
 * struct iommufd_sva_vunit - a guest's share of a unit: what a vIOMMU object is
 *	to the backend
 * @ops: the verbs
 * @unit: the unit
 * @parent: the guest's physical memory; outlives this
 * @tags: for iommufd_sva_tag_get(), where this one is counted already
 * @type: IOMMUFD_SVA_VIOMMU_TYPE_* of the uAPI
 * @vsids: struct iommufd_sva_vsid_entry by vsid; filled by the core
 * @vsids_lock: protects @vsids and master->vsids of the devices in it. Inside
 *	igroup->lock. The core takes none of its own inside it, so a backend may take
 *	it under what it holds in set_translation(); a backend has its own order.
 * @owner: the core's vIOMMU object
 *
 * Embedded first in the backend's own structure. The core fills everything but
 * @ops before it is used.
 */
struct iommufd_sva_vunit {
	const struct iommufd_sva_vunit_ops *ops;
	struct iommufd_sva_unit *unit;
	struct iommufd_sva_domain *parent;
	atomic_t *tags;
	u32 type;
	struct xarray vsids;
	struct rw_semaphore vsids_lock;
	void *owner;
};

/**
 * struct iommufd_sva_nested_ops - the verbs of a nested translation
 * @invalidate: pass a guest's invalidations on (HWPT_INVALIDATE on a nested
 *	HWPT, or on a PASID table, where they mean every device attached to it).
 *	As vunit_ops.invalidate; NULL: only through the vIOMMU.
 * @free: nothing is attached to it.
 */
struct iommufd_sva_nested_ops {
	int (*invalidate)(struct iommufd_sva_nested *nested,
			  struct iommufd_sva_user_array *array);
	void (*free)(struct iommufd_sva_nested *nested);
};

/**
 * struct iommufd_sva_nested - a guest's tables on a nesting parent: what a
 *	nested HWPT or a PASID table object is to the backend
 * @ops: the verbs
 * @backend: whose it is
 * @parent: the guest's physical memory; outlives this
 * @vunit: the vIOMMU whose tags it uses, outlives this; NULL when it was made on
 *	the parent alone
 * @tags: for iommufd_sva_tag_get()
 * @by_name: the guest's invalidations for a device that uses it name the device:
 *	one that has no name in @vunit cannot
 * @no_ats: the guest has ATS off in the devices that use it, and does not ask for
 *	anything to be taken from their caches: it stays off (see ats_set())
 *
 * Embedded first in the backend's own structure. The core fills @backend,
 * @parent, @vunit and @tags.
 */
struct iommufd_sva_nested {
	const struct iommufd_sva_nested_ops *ops;
	struct iommufd_sva_backend *backend;
	struct iommufd_sva_domain *parent;
	struct iommufd_sva_vunit *vunit;
	atomic_t *tags;
	bool by_name;
	bool no_ats;
};

/**
 * struct iommufd_sva_page_request - what a device asks for: a page request message,
 *	or a transaction that stalls in its unit
 * @addr: the page
 * @pasid: PASID, or IOMMUFD_SVA_NO_PASID
 * @grpid: its Page Request Group Index (PCIe 10.4.1); of a stall what names it to
 *	the unit
 * @perm: enum iommufd_sva_hwpt_pgfault_perm of the uAPI
 * @last: the last of its group
 * @stall: a transaction that stalls: a group of its own, @last is set
 */
struct iommufd_sva_page_request {
	u64 addr;
	u32 pasid;
	u32 grpid;
	u32 perm;
	bool last;
	bool stall;
};

/**
 * struct iommufd_sva_page_response - the answer to a group of page requests
 * @master: the device
 * @pasid: as in its requests; in the answer itself only when the device wants that
 *	(@master->pri.response_pasid)
 * @grpid: as in its requests
 * @stall: as in its requests
 * @code: enum iommufd_sva_page_response_code of the uAPI
 */
struct iommufd_sva_page_response {
	struct iommufd_sva_master *master;
	u32 pasid;
	u32 grpid;
	bool stall;
	u32 code;
};

/**
 * struct iommufd_sva_backend_ops - the verbs of a backend
 * @unit_of: the unit that translates requests of @dev, NULL if none of ours.
 * @source_ids: the IDs under which @unit sees the requests of @pdev, which is
 *	behind it, where these are not its requester IDs: at most
 *	IOMMUFD_SVA_MAX_RIDS into @ids. Devices that share one are kept together.
 *	Returns how many, or an errno. NULL: they are the requester IDs.
 * @master_init: @master (dev, unit, rids, pasid_bits are set) joins: allocate what
 *	its translations will need so that blocking it can never fail. The hardware
 *	keeps passing its requests through, and those with a PASID are blocked.
 * @master_release: @master goes; it is at identity, or blocked for good if
 *	@quarantine (a device that would not reset): then its entries stay
 *	blocked in the hardware until the unit is handed back, even though the
 *	structure goes.
 * @set_translation: requests of @master with @pasid (or
 *	IOMMUFD_SVA_NO_PASID) go from @old to @new. Blocked to X is attach, X
 *	to blocked is detach, X to Y is replace and hitless where the hardware
 *	allows. To BLOCKED and, from BLOCKED, to IDENTITY never fails. When it
 *	returns 0 no request is translated through @old any more, its caches are
 *	invalidated and drained. On failure @old stands. -EINVAL for a domain
 *	that does not fit the unit (iommufd's "incompatible"). -EOPNOTSUPP for
 *	NESTED where this device cannot have it. A PASID is not 0 and has no more
 *	than @master->pasid_bits bits; it is only ever off BLOCKED while requests
 *	without one have been off identity since @master_init.
 * @domain_alloc: a domain that fits @unit, or every unit of the backend if
 *	@unit is NULL. -EOPNOTSUPP for flags the unit cannot do.
 * @get_resv_regions: append struct iommu_resv_region (iommu_alloc_resv_region)
 *	for @master: the platform's MSI window, RMRRs, ...
 * @must_stay_identity: why @dev can never be given to a user ("has an RMRR"),
 *	NULL when it can.
 * @hw_info: fill @data (at most @len bytes) with the unit's hw_info structure
 *	of the uAPI, return its full length, its type in @type.
 * @cache_coherency: DMA of @master snoops caches without further ado.
 * @nest_parent: may @domain, of this backend and made by domain_alloc() without
 *	IOMMUFD_SVA_DOMAIN_NEST_PARENT (VFIO's), be a nesting parent on @unit all
 *	the same? 0, or -EOPNOTSUPP: the unit cannot nest. @domain NULL: may any?
 *	NULL: no unit can.
 * @vunit_alloc: a guest's share of @unit, with a tag of its own, on @parent, which
 *	is a nesting parent of this backend. @data is NULL when the user gave
 *	none. -EOPNOTSUPP: the unit is not of @type or cannot nest; -EINVAL: data
 *	that the type does not have, or @parent does not fit @unit; -ENOSPC: no
 *	tag left. NULL: nothing nests here.
 * @nested_alloc: a guest's address space (HWPT_ALLOC) on @parent, a nesting parent
 *	of this backend; with the tags of @vunit, or NULL when the user named the
 *	parent alone. -EOPNOTSUPP: not this type, or not without a vIOMMU;
 *	-EINVAL: @parent does not fit @unit. Errors as in the uAPI. @unit is
 *	@vunit's when there is one. NULL: nothing nests here.
 * @pasid_table_alloc: the same of a guest's whole PASID table. Without a @vunit it
 *	is not yet known which units it will be attached behind.
 * @ats_capable: can translation requests of @master be answered: by its unit, and
 *	does what is between them let them through? Before master_init(). NULL: none
 *	can.
 * @ats_set: switch ATS of @master on or off, which has it supported. See "ATS"
 *	below. Off never fails. NULL without ats_capable().
 * @pri_capable: can page requests of @master be taken by its unit? Or do its
 *	transactions stall there instead? Then @master->pri.stall is set by this. Before
 *	master_init(), and after ATS is known; where it was not so, again when somebody
 *	takes the device. NULL: none can.
 * @pri_set: have the unit take page requests of @master, or let its transactions
 *	stall, or not any more. See "Page requests" below. Off never fails. NULL
 *	without pri_capable().
 * @pri_drain: what @master has asked for before this was called has been given to
 *	iommufd_sva_report_page_request(), which has returned. The unit itself is asked,
 *	and no other device has to be silent. NULL without pri_capable().
 * @page_respond: @num answers to devices behind @unit, in one submission where the
 *	hardware allows. Returns when the hardware has taken them; one that is not
 *	there any more gets none. NULL without pri_capable().
 *
 * set_translation, ats_set, pri_set and pri_drain are called under the master's lock.
 * Devices reach a @vunit's translations only behind its own unit; the core sees to
 * that. All may sleep.
 *
 * ATS. A device where it is on may keep any translation that it was ever given
 * since, until it is told to drop it. So:
 *  - The core calls ats_set(on) after set_translation() has shown the first thing of
 *    a user's, and ats_set(off) after all of @master is BLOCKED, or shows what has
 *    @no_ats set. It is never on at IDENTITY: on the way there from a user's the
 *    device is BLOCKED, loses ATS, and only then passes.
 *  - Whoever invalidates what @master may have cached looks at @master->ats.on under
 *    a lock of the backend's, and keeps that until the hardware has answered.
 *    ats_set() takes the same lock for writing (or one that excludes it) around
 *    iommufd_sva_ats_enable() and iommufd_sva_ats_disable(), which alone change it.
 *    So either the invalidation is complete, in the unit's own caches too, before
 *    the device can ask for anything, or the device gets one of its own. By the time
 *    of ats_set(on) the device is in whatever lists the backend finds it by, for all
 *    that it shows; and set_translation() puts it in those of @new before it shows
 *    @new, and takes it from those of @old once nothing of @old is in its cache.
 *  - ats_set(on) lets the unit answer the device first, then has ATS switched on.
 *    ats_set(off) has it switched off first, then lets the unit answer no more: the
 *    device is not given an error that ends its ATS for good (10.2.3). Nothing that
 *    is BLOCKED is left in the cache by then, since set_translation() has seen to
 *    that; what has @no_ats set may be, and goes with ATS (10.5.1.3).
 *  - Invalidations are sent to a device only while @master->ats.on, and not when
 *    iommufd_sva_master_is_gone().
 *  - A reset empties the cache and the PCI core switches ATS on again after it.
 *  - All that is cached in a device, for all of its PASIDs and without, can be taken
 *    at once: one that has PASIDs has Global Invalidate Supported.
 *
 * Page requests. They are on in a device while something of a user's with a fault
 * queue is shown (and, but for stalls, ATS is on). So:
 *  - The core calls pri_set(on) first, then switches them on in the device; off in the
 *    device first, then pri_drain(), then pri_set(off), and only then ats_set(off).
 *    A virtual function may send some while they are off, as long as another function of
 *    its physical one has them on: the backend sees to it that they reach nobody to
 *    whom the device is given later.
 *  - The backend's interrupt thread gives each request to
 *    iommufd_sva_report_page_request(), in the order of the queue, under a lock of
 *    its own that keeps the device there (a leaf for everything but the core's locks
 *    of page requests; never one that set_translation(), pri_drain() or page_respond()
 *    waits for the hardware with). Where that says that nobody is there, or where there
 *    is no such device, the backend answers the last one of the group Invalid Request
 *    itself, many with one submission; the others have no answer.
 *  - The core takes what leads to a user's queue away before set_translation() takes the
 *    translation away, answers what is pending, and calls pri_drain() afterwards:
 *    what was under way finds nobody. So nothing of what was attached before reaches who
 *    comes after. Where the same user replaces one thing by another there is no such
 *    wait: what is under way goes to the new one's queue, and asks it, at worst, for a
 *    page that only the old one lacked.
 *  - No more than @unit->page_requests are outstanding at a unit: the core gives devices
 *    no more credits than that. A queue that has as many entries overflows only when a
 *    device breaks the rules. The hardware then answers those that it has to drop by
 *    itself, some of them the last ones of groups of which others had arrived before:
 *    the backend says iommufd_sva_page_requests_lost() of each device that may be
 *    concerned, after the last request that arrived before and ahead of the first after.
 *  - What stalls (@master->pri.stall) has no credits: as many as @unit->stalls at once
 *    may wait, of all devices together or of one.
 */
struct iommufd_sva_backend_ops {
	struct iommufd_sva_unit *(*unit_of)(struct iommufd_sva_backend *backend,
					    struct device *dev);
	int (*source_ids)(struct iommufd_sva_unit *unit, struct pci_dev *pdev,
			  u32 *ids);
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
	int (*nest_parent)(struct iommufd_sva_unit *unit,
			   struct iommufd_sva_domain *domain);
	struct iommufd_sva_vunit *(*vunit_alloc)(struct iommufd_sva_unit *unit,
						 struct iommufd_sva_domain *parent,
						 u32 type,
						 const struct iommufd_sva_user_data *data);
	struct iommufd_sva_nested *(*nested_alloc)(struct iommufd_sva_unit *unit,
						   struct iommufd_sva_domain *parent,
						   struct iommufd_sva_vunit *vunit,
						   const struct iommufd_sva_user_data *data);
	struct iommufd_sva_nested *(*pasid_table_alloc)(struct iommufd_sva_domain *parent,
							struct iommufd_sva_vunit *vunit,
							const struct iommufd_sva_user_data *data);
	bool (*ats_capable)(struct iommufd_sva_master *master);
	int (*ats_set)(struct iommufd_sva_master *master, bool on);
	bool (*pri_capable)(struct iommufd_sva_master *master);
	int (*pri_set)(struct iommufd_sva_master *master, bool on);
	void (*pri_drain)(struct iommufd_sva_master *master);
	void (*page_respond)(struct iommufd_sva_unit *unit,
			     const struct iommufd_sva_page_response *responses,
			     unsigned int num);
};

/**
 * struct iommufd_sva_backend - one backend module
 * @name: as in the log
 * @owner: the module; the core takes references on it (see host.c)
 * @ops: the verbs
 * @sw_msi_start: where the window for MSIs that get_resv_regions() reports as
 *	IOMMU_RESV_SW_MSI starts. VFIO's domains have the doorbells of interrupt
 *	controllers mapped in it; the core sees to it that what lies over such a
 *	domain has them too (msi.c).
 * @sw_msi_len: its length; 0: none, MSIs are not translated
 * @node: in the core's list
 */
struct iommufd_sva_backend {
	const char *name;
	struct module *owner;
	const struct iommufd_sva_backend_ops *ops;
	u64 sw_msi_start;
	u64 sw_msi_len;
	struct list_head node;
};

/**
 * struct iommufd_sva_unit - one IOMMU
 * @backend: who drives it
 * @name: as in the log and in sysfs ("dmar0")
 * @groups: sysfs attributes that tell its capabilities; may be NULL
 * @hwdev: its own struct device where it has one (Arm), else NULL
 * @pasid_bits: bits of the PASIDs that it tells apart, up to 20; 0: it has none
 * @pasids_by_table: only a guest's PASID table says what they have: nothing can be
 *	attached to one
 * @page_requests: how many page requests of its devices its queue holds; 0: it takes none
 * @stalls: how many transactions it can have wait; 0: none
 * @num_tags: how many address spaces it tells apart (domain IDs, VMIDs); 0: nobody
 *	counts them
 * @page_requests_left: of @page_requests, what no device has been allotted. This and
 *	what follows is the core's
 * @iommu: its registration with the IOMMU core
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
	unsigned int pasid_bits;
	bool pasids_by_table;
	unsigned int page_requests;
	unsigned int stalls;
	unsigned int num_tags;
	unsigned int page_requests_left;
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
 * struct iommufd_sva_ats - ATS of a device
 * @pf: the requester ID of its physical function; its own unless it is a virtual one
 * @qdep: how many invalidations it can queue, 1 to 32; of a virtual function: all of
 *	the physical function together. 0 unless @supported
 * @supported: it may be switched on; this and the above are constant
 * @on: it is: see struct iommufd_sva_backend_ops
 */
struct iommufd_sva_ats {
	struct iommufd_sva_rid pf;
	u8 qdep;
	bool supported;
	bool on;
};

/**
 * struct iommufd_sva_page_request_counts - what a device has asked for, while something
 *	with a fault queue was attached
 * @requests: page requests that have arrived
 * @groups: groups that were whole
 * @refused: groups for which nobody was there
 * @broken: requests against the rules: for a group that was whole and had no answer yet,
 *	or with another PASID than its group
 * @no_room: requests beyond the device's credits
 * @overflows: times that the unit's queue was full
 * @lost: groups that had begun and will not end: the hardware has answered them when the
 *	queue was full, or page requests were switched off
 */
struct iommufd_sva_page_request_counts {
	u64 requests;
	u64 groups;
	u64 refused;
	u64 broken;
	u64 no_room;
	u64 overflows;
	u64 lost;
};

/**
 * struct iommufd_sva_pri - page requests of a device
 * @supported: they may be switched on; once it is set this and what follows up to @on
 *	is constant
 * @response_pasid: an answer carries the PASID of the group (PCIe 10.5.2.3, PRG
 *	Response PASID Required)
 * @stall: it sends none: its transactions stall. It has no ATS and the property
 *	"dma-can-stall", as Linux knows it
 * @credits: how many it may have outstanding, out of @unit->page_requests, or
 *	@unit->stalls if it stalls; not 0 if @supported. Those of a virtual function are
 *	shared by all functions of its physical one
 * @on: they are: see struct iommufd_sva_backend_ops
 * @error: why they are not, when they were last to be switched on; the core's
 * @counts: what came of them; the core's
 */
struct iommufd_sva_pri {
	bool supported;
	bool response_pasid;
	bool stall;
	unsigned int credits;
	bool on;
	int error;
	struct iommufd_sva_page_request_counts counts;
};

/**
 * struct iommufd_sva_master - a device behind one of our units that is adopted
 * @dev: the device
 * @unit: the unit it is behind
 * @rids: every requester ID its requests may carry. @rids[0] is its own, the
 *	others are aliases that other devices of its isolation set may share: an
 *	alias follows whoever was set last, and a set is only set as a whole.
 * @num_rids: how many
 * @pasid_bits: bits of its PASIDs, which are switched on in the device then; 0: it
 *	has none, or shares a requester ID, or its unit has none
 * @ats: what its ATS is
 * @pri: what its page requests are
 * @lock: protects @base, @overlay, @pasids, @suspended, @pri.on and orders
 *	set_translation(), ats_set(), pri_set() and pri_drain() of this device. Inside
 *	the IOMMU core's group mutex and the context's igroup lock, outside every lock
 *	of a backend.
 * @base: what the IOMMU core attached
 * @overlay: what a user attached through /dev/iommufd_sva, if @has_overlay
 * @has_overlay: the hardware shows @overlay rather than @base
 * @pasids: what a user attached to PASIDs, pointers to struct
 *	iommufd_sva_translation that whoever attached them keeps; the others are
 *	blocked, and all are while @suspended
 * @suspended: the IOMMU core attached "blocked" over a stage-2 @base (a reset),
 *	and the same base again is expected: the hardware shows blocked
 * @quarantined: would not reset after a user had it: blocked for good
 * @joined: the IOMMU core has attached something
 * @pf: what it has in common with others of its physical function; the core's
 * @pinned: off identity: holds a reference on the backend's module
 * @dev_id: what its user calls it, 0: nobody has it; under @lock
 * @requests: what it has asked for, NULL: nothing with a fault queue is attached. Under
 *	@lock, and read under RCU. This and @dev_id are the core's.
 * @priv: the backend's
 * @name_lock: spinlock, innermost: protects @vunit and @name
 * @vunit: the vIOMMU that it has names in, NULL: none. Who holds the vsids_lock of
 *	a vIOMMU can tell whether it is that one, which says nothing of others
 * @name: the first one there
 * @vsids: its names there, struct iommufd_sva_vsid_entry. Under @vunit's vsids_lock:
 *	a device may go through tables of one vIOMMU and have names in another
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
	unsigned int pasid_bits;
	struct iommufd_sva_ats ats;
	struct iommufd_sva_pri pri;
	struct mutex lock;
	struct iommufd_sva_translation base;
	struct iommufd_sva_translation overlay;
	bool has_overlay;
	struct xarray pasids;
	bool suspended;
	bool quarantined;
	bool joined;
	struct iommufd_sva_pf *pf;
	bool pinned;
	u32 dev_id;
	struct iommufd_sva_page_requests __rcu *requests;
	void *priv;
	spinlock_t name_lock;
	struct iommufd_sva_vunit *vunit;
	u64 name;
	struct list_head vsids;

	struct iommufd_sva_set *set;
	struct list_head set_item;
	struct list_head node;
	bool pending;
	bool probed;
	bool going;
	bool has_driver;
};

/*
 * Has @master been pulled out, as far as the kernel knows? It answers nothing then,
 * and holds nothing that it could use.
 */
static inline bool iommufd_sva_master_is_gone(struct iommufd_sva_master *master)
{
	return READ_ONCE(to_pci_dev(master->dev)->error_state) ==
	       pci_channel_io_perm_failure;
}

int iommufd_sva_ats_enable(struct iommufd_sva_master *master);
void iommufd_sva_ats_disable(struct iommufd_sva_master *master);

int iommufd_sva_backend_register(struct iommufd_sva_backend *backend);
void iommufd_sva_backend_unregister(struct iommufd_sva_backend *backend);
int iommufd_sva_unit_register(struct iommufd_sva_unit *unit);
void iommufd_sva_unit_unregister(struct iommufd_sva_unit *unit);

/*
 * Every requester ID that requests of @pdev may carry into @rids, which has room
 * for IOMMUFD_SVA_MAX_RIDS; its own is first. How many, or -E2BIG.
 */
int iommufd_sva_rids(struct pci_dev *pdev, struct iommufd_sva_rid *rids);

/*
 * Read @data into the @len bytes at @dst, of which the first version of the
 * structure had @min_len: -EINVAL when it is shorter than that, -E2BIG when it is
 * longer than @len and the surplus not zero, -EFAULT. The caller has looked at
 * @data->type.
 */
int iommufd_sva_copy_user_data(void *dst, size_t len, size_t min_len,
			       const struct iommufd_sva_user_data *data);

/*
 * The same of entry @index of @array: its entry_len takes the place of the
 * structure's length.
 */
int iommufd_sva_copy_array_entry(void *dst, size_t len, size_t min_len,
				 const struct iommufd_sva_user_array *array,
				 u32 index);

/*
 * The device called @vsid; vunit->vsids_lock is held. NULL: there is none, or it
 * has been removed.
 */
struct iommufd_sva_master *
iommufd_sva_vunit_find(struct iommufd_sva_vunit *vunit, u64 vsid);

/*
 * What the guest calls @master in @vunit: the name that it got first. False: it has none
 * there. Waits for nobody.
 */
bool iommufd_sva_vunit_name(struct iommufd_sva_vunit *vunit,
			    struct iommufd_sva_master *master, u64 *vsid);

/*
 * Something nested is going to have a tag of @unit's, out of what its context may have,
 * @tags: 0 or -ENOSPC. And it has not any more.
 */
int iommufd_sva_tag_get(atomic_t *tags, struct iommufd_sva_unit *unit);
void iommufd_sva_tag_put(atomic_t *tags);

/*
 * An event of the hardware for the guest that has a device: from the backend's
 * interrupt thread, under a lock of its own that keeps @vunit and the device
 * there; allocates nothing and does not sleep. @type is a
 * IOMMUFD_SVA_VEVENTQ_TYPE_*. Lost when nobody asked for such events (-EOPNOTSUPP)
 * or the queue is full (-ENOSPC).
 */
int iommufd_sva_vunit_report_event(struct iommufd_sva_vunit *vunit, u32 type,
				   const void *event, size_t len);

/* Page requests: see there above. */
bool iommufd_sva_report_page_request(struct iommufd_sva_master *master,
				     const struct iommufd_sva_page_request *request);
void iommufd_sva_page_requests_lost(struct iommufd_sva_master *master);
bool iommufd_sva_page_group_take(struct iommufd_sva_page_response *answer);
void iommufd_sva_page_group_done(struct iommufd_sva_master *master);

#endif
