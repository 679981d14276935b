/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Between the modelled devices (sim_pci) and the modelled IOMMUs.
 *
 * Nothing in here, and in no file of this directory, comes from the drivers that
 * are tested: a model and a driver meet only through what the kernel has. The
 * registers of a unit are a regmap (32-bit registers, no cache, no lock) that
 * belongs to the unit's platform device; the firmware table that describes it
 * (DMAR, IORT) is that device's platform data. See README.md.
 *
 * Locks, outermost first:
 *   a device's engine lock (mutex)
 *   a unit's lock (raw spinlock, interrupts off): a register access can come from
 *	anywhere. Whoever holds it calls nothing of sim_pci but sim_atc_invalidate()
 *	and sim_page_response(), which take
 *   a device's ATC lock (raw spinlock)
 */
#ifndef SIM_H
#define SIM_H

#include <linux/list.h>
#include <linux/types.h>
#include "iommufd_sva_sim.h"

/**
 * struct sim_request - what a device sends upstream
 * @segment: PCI segment
 * @rid: requester ID, as it arrives (a bridge may have put its own)
 * @pasid: PASID TLP prefix, or SIM_NO_PASID
 * @flags: SIM_DMA_WRITE, SIM_DMA_EXEC, SIM_DMA_PRIV, SIM_DMA_NO_SNOOP
 * @at: address type
 * @addr: address
 */
struct sim_request {
	u16 segment;
	u16 rid;
	u32 pasid;
	u32 flags;
	enum sim_at {
		SIM_AT_UNTRANSLATED,
		SIM_AT_TRANSLATION,
		SIM_AT_TRANSLATED,
	} at;
	u64 addr;
};

/**
 * struct sim_reply - what an IOMMU answers
 * @status: enum sim_status
 * @phys: translated address of the first byte
 * @length: bytes from @phys to the end of what was translated by one entry; for
 *	SIM_AT_TRANSLATION of the whole range, a power of two
 * @perms: SIM_ATS_...
 * @stall: status is SIM_TIMEOUT and this is not 0: the request waits under this
 *	number until the unit calls sim_resume()
 */
struct sim_reply {
	enum sim_status status;
	u64 phys;
	u64 length;
	u32 perms;
	u64 stall;
};

struct sim_iommu;

/**
 * struct sim_iommu_ops - what a modelled IOMMU does for devices and tests
 * @access: translate one request (it does not cross a 4 KiB page) and, when it is
 *	allowed and not SIM_AT_TRANSLATION, move its bytes: @buf, @len. One step as
 *	far as invalidations are concerned: none completes between the two.
 *	Any context that may be interrupted; does not sleep. @len is 0 for a
 *	SIM_AT_TRANSLATED request: only the check, the device moves the bytes itself
 *	unless an invalidation has come in between.
 * @stall_wait: wait up to @ms until the stalled request @stall is to be tried
 *	again (SIM_OK), ended (SIM_UR), or given up (SIM_TIMEOUT). Sleeps. May be NULL.
 * @page_request: put a page request message into the unit's queue: SIM_OK, or what
 *	the unit answers by itself. Does not sleep.
 * @inject: struct sim_inject; 0 or a negative errno
 * @count: call @emit for each counter; with @reset, from zero afterwards
 */
struct sim_iommu_ops {
	void (*access)(struct sim_iommu *iommu, const struct sim_request *req, void *buf,
		       size_t len, struct sim_reply *reply);
	enum sim_status (*stall_wait)(struct sim_iommu *iommu, u64 stall, unsigned int ms);
	enum sim_status (*page_request)(struct sim_iommu *iommu, const struct sim_request *req,
					u16 group, bool last);
	int (*inject)(struct sim_iommu *iommu, enum sim_fault fault, u32 count, u64 arg);
	void (*count)(struct sim_iommu *iommu, bool reset,
		      void (*emit)(void *arg, const char *name, u64 value), void *arg);
};

/**
 * struct sim_iommu - a modelled IOMMU
 * @node: sim_pci's list
 * @name: for counters and logs
 * @owner: of the code
 * @ops: what it does
 * @handles: is a request its to translate? (segment and requester ID)
 */
struct sim_iommu {
	struct list_head node;
	const char *name;
	struct module *owner;
	const struct sim_iommu_ops *ops;
	bool (*handles)(struct sim_iommu *iommu, u16 segment, u16 rid);
};

/*
 * Exported by sim_pci. Until a unit is there, and after it went, requests pass
 * untranslated as on a machine without an IOMMU. sim_iommu_unregister() returns
 * when no device is in the unit any more: have its stalls end first.
 */
int sim_iommu_register(struct sim_iommu *iommu);
void sim_iommu_unregister(struct sim_iommu *iommu);

/*
 * A device-TLB invalidation arrives at a function. @length: a power of two, ~0:
 * everything. Without a PASID it is for entries that have none; with one for those
 * of that PASID that are not global; with @global for all that have any PASID.
 * Returns whether the function answers (false: it is gone, or does not: the unit's
 * time-out).
 */
bool sim_atc_invalidate(u16 segment, u16 rid, u32 pasid, u64 addr, u64 length, bool global);

/* A page-group response arrives. @code: SIM_OK, SIM_DENIED or SIM_FAILURE. */
void sim_page_response(u16 segment, u16 rid, u32 pasid, u16 group, enum sim_status code);

/*
 * Memory as a device sees it: copies to or from RAM at a physical address, 0 or
 * -EFAULT where there is none. Any context.
 */
int sim_mem_read(u64 phys, void *buf, size_t len);
int sim_mem_write(u64 phys, const void *buf, size_t len);
/*
 * Compare and exchange at an address that is a multiple of 8, as for accessed and
 * dirty bits: 0, -EAGAIN when there was something else than *@old, which is there
 * afterwards, or -EFAULT.
 */
int sim_mem_cmpxchg64(u64 phys, u64 *old, u64 new);

#endif
