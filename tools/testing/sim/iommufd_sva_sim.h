/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * /dev/iommufd_sva_sim: what a test asks of the hardware models.
 *
 * The models are modules for tests only: sim_pci (a PCI segment with devices that
 * can do DMA), vtd_sim and smmuv3_sim (IOMMUs in front of them). This device is
 * sim_pci's. Each ioctl takes one struct; it returns 0 or a negative errno when
 * the model could not do what was asked. What the modelled hardware says to a
 * request is no error of the ioctl: it is in @status.
 *
 * Needs CAP_SYS_ADMIN: a modelled device reaches memory as a real one does.
 */
#ifndef IOMMUFD_SVA_SIM_H
#define IOMMUFD_SVA_SIM_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define SIM_DEV		"/dev/iommufd_sva_sim"

/* Every modelled function says so; the device ID is its enum sim_type. */
#define SIM_VENDOR	0x1de5

/* The number of the first segment; module parameter segments= of sim_pci: how many. */
#define SIM_SEGMENT	0x100

/* No PASID. */
#define SIM_NO_PASID	(~0U)

/**
 * enum sim_type - what a modelled function is
 * @SIM_ENDPOINT: PCI Express endpoint with a DMA engine
 * @SIM_ROOT_PORT: on the root bus only
 * @SIM_UPSTREAM: upstream port of a switch
 * @SIM_DOWNSTREAM: downstream port of a switch
 * @SIM_PCI_BRIDGE: PCIe-to-PCI bridge, which takes ownership of requests (its
 *	secondary bus number, function 0) of what is behind it
 * @SIM_PCI_DEVICE: conventional PCI function with a DMA engine
 * @SIM_VF: virtual function; made by writing sriov_numvfs, never by SIM_ADD
 */
enum sim_type {
	SIM_ENDPOINT = 1,
	SIM_ROOT_PORT,
	SIM_UPSTREAM,
	SIM_DOWNSTREAM,
	SIM_PCI_BRIDGE,
	SIM_PCI_DEVICE,
	SIM_VF,
};

/* What a function can do. */
#define SIM_CAP_FLR		(1U << 0)	/* function level reset */
#define SIM_CAP_ATS		(1U << 1)
#define SIM_CAP_PRI		(1U << 2)
#define SIM_CAP_PASID		(1U << 3)
#define SIM_CAP_ACS		(1U << 4)
#define SIM_CAP_SRIOV		(1U << 5)
#define SIM_CAP_MULTI		(1U << 6)	/* header: multi-function */
#define SIM_CAP_PRG_PASID	(1U << 7)	/* page-group responses need a PASID */
#define SIM_CAP_PASID_EXEC	(1U << 8)
#define SIM_CAP_PASID_PRIV	(1U << 9)
#define SIM_CAP_HOTPLUG		(1U << 10)	/* ports: slot with surprise removal */
#define SIM_CAP_STALL		(1U << 11)	/* its properties say "dma-can-stall" */
#define SIM_CAP_PRI_STUCK	(1U << 12)	/* never says that its page requests have stopped */

/**
 * struct sim_add - SIM_ADD: plug a function in
 * @size: of this struct
 * @type: enum sim_type
 * @parent: bridge above: segment << 16 | bus << 8 | devfn; SIM_ROOT_BUS(segment);
 *	~0: the root bus of the first segment
 * @devfn: device and function number on that bus
 * @caps: SIM_CAP_...
 * @pasid_bits: with SIM_CAP_PASID
 * @ats_depth: with SIM_CAP_ATS: outstanding invalidations (1 to 32)
 * @pri_outstanding: with SIM_CAP_PRI: outstanding page requests
 * @total_vfs: with SIM_CAP_SRIOV, up to 31, behind a port
 * @out_bdf: the function, once it was enumerated
 * @buses: bus numbers that a bridge keeps for what comes behind it; 0: 8 for a root
 *	port, all that are left for an upstream port, 1 for another
 * @__reserved: 0
 *
 * Function 0 of a slot last: it is what makes the slot enumerate.
 */
struct sim_add {
	__u32 size;
	__u32 type;
	__u32 parent;
	__u32 devfn;
	__u32 caps;
	__u32 pasid_bits;
	__u32 ats_depth;
	__u32 pri_outstanding;
	__u32 total_vfs;
	__u32 out_bdf;
	__u32 buses;
	__u32 __reserved;
};
#define SIM_ROOT_BUS(segment)	((segment) << 16 | 0xffffU)

/**
 * struct sim_remove - SIM_REMOVE: take a function out, with all behind it
 * @size: of this struct
 * @bdf: the function
 * @flags: SIM_REMOVE_SURPRISE: it is gone first, the kernel is told afterwards;
 *	SIM_REMOVE_SILENT: it is gone, and the kernel is told by another SIM_REMOVE
 */
struct sim_remove {
	__u32 size;
	__u32 bdf;
	__u32 flags;
	__u32 __reserved;
};
#define SIM_REMOVE_SURPRISE	(1U << 0)
#define SIM_REMOVE_SILENT	(1U << 1)

/* What the hardware says to a request of a device. */
enum sim_status {
	SIM_OK,
	SIM_UR,			/* unsupported request: blocked or not translated */
	SIM_CA,			/* completer abort */
	SIM_NO_MASTER,		/* the function may not (bus master, ATS, PASID off) */
	SIM_NO_MEMORY,		/* it went through, to where no memory is */
	SIM_TIMEOUT,		/* no answer (a stall or a page request nobody answered) */
	SIM_DENIED,		/* page request: answered Invalid Request */
	SIM_FAILURE,		/* page request: answered Response Failure */
};

/**
 * struct sim_dma - SIM_DMA: move bytes between a device and memory
 * @size: of this struct
 * @bdf: the device
 * @pasid: PASID, or SIM_NO_PASID
 * @flags: SIM_DMA_...
 * @addr: the address that the device uses
 * @len: bytes, up to 1 MiB
 * @buf: user memory: what is written, or where to put what is read
 * @timeout_ms: how long to wait for answers to stalls and page requests
 * @status: enum sim_status
 * @done: bytes moved before it stopped
 * @phys: where the first byte is in physical memory, if it was moved
 */
struct sim_dma {
	__u32 size;
	__u32 bdf;
	__u32 pasid;
	__u32 flags;
	__u64 addr;
	__u64 len;
	__u64 buf;
	__u32 timeout_ms;
	__u32 status;
	__u64 done;
	__u64 phys;
};
#define SIM_DMA_WRITE	(1U << 0)
#define SIM_DMA_EXEC	(1U << 1)
#define SIM_DMA_PRIV	(1U << 2)
#define SIM_DMA_ATS	(1U << 3)	/* through the device's own TLB */
#define SIM_DMA_PRI	(1U << 4)	/* with ATS: ask for a page that is not there */
#define SIM_DMA_NO_SNOOP (1U << 5)

/**
 * struct sim_ats - SIM_ATS: one translation request; fills the device's TLB
 * @size: of this struct
 * @bdf: the device
 * @pasid: PASID, or SIM_NO_PASID
 * @flags: SIM_DMA_WRITE, SIM_DMA_EXEC, SIM_DMA_PRIV
 * @addr: untranslated
 * @status: enum sim_status
 * @perms: out: SIM_ATS_...
 * @phys: out: translated
 * @length: out: bytes of the range, a power of two
 */
struct sim_ats {
	__u32 size;
	__u32 bdf;
	__u32 pasid;
	__u32 flags;
	__u64 addr;
	__u32 status;
	__u32 perms;
	__u64 phys;
	__u64 length;
};
#define SIM_ATS_READ	(1U << 0)
#define SIM_ATS_WRITE	(1U << 1)
#define SIM_ATS_EXEC	(1U << 2)
#define SIM_ATS_PRIV	(1U << 3)
#define SIM_ATS_GLOBAL	(1U << 4)
#define SIM_ATS_UNTRANSLATED (1U << 5)	/* only untranslated requests */

/**
 * struct sim_page_request - SIM_PAGE_REQUEST: one page request message
 * @size: of this struct
 * @bdf: the device
 * @pasid: PASID, or SIM_NO_PASID
 * @flags: SIM_DMA_WRITE, SIM_DMA_EXEC, SIM_DMA_PRIV, SIM_PR_...
 * @addr: the page
 * @group: page request group index, 9 bits
 * @timeout_ms: with SIM_PR_LAST: wait for the answer; 0: do not
 * @status: enum sim_status
 */
struct sim_page_request {
	__u32 size;
	__u32 bdf;
	__u32 pasid;
	__u32 flags;
	__u64 addr;
	__u32 group;
	__u32 timeout_ms;
	__u32 status;
	__u32 __reserved;
};
#define SIM_PR_LAST	(1U << 8)
#define SIM_PR_READ	(1U << 9)
/* Of a device that asks for more than it may, and by an index that is not answered yet. */
#define SIM_PR_UNRULY	(1U << 10)

/**
 * struct sim_inject - SIM_INJECT: have a unit misbehave
 * @size: of this struct
 * @unit: which IOMMU, in the order in which they came
 * @fault: enum sim_fault
 * @count: how many times, 0: stop
 * @arg: milliseconds for SIM_FAULT_LATE and SIM_FAULT_ATC_LATE; drains for SIM_FAULT_PRQ_LATE
 */
struct sim_inject {
	__u32 size;
	__u32 unit;
	__u32 fault;
	__u32 count;
	__u64 arg;
};

/**
 * enum sim_fault - how a unit can misbehave
 * @SIM_FAULT_LATE: completions (wait descriptor, CMD_SYNC) come late
 * @SIM_FAULT_LOST: completions do not come
 * @SIM_FAULT_COMMAND: the next command is an error of the queue (VT-d: IQE,
 *	SMMUv3: CERROR_ILL)
 * @SIM_FAULT_ABORT: reading the queue fails (VT-d: ICE, SMMUv3: CERROR_ABT)
 * @SIM_FAULT_ATC: device-TLB invalidations get no answer (ITE, CERROR_ATC_INV)
 * @SIM_FAULT_EVENTS_FULL: the fault or event queue has no room
 * @SIM_FAULT_PRQ_FULL: neither has the page request queue
 * @SIM_FAULT_IRQ_LOST: interrupts are lost
 * @SIM_FAULT_STUCK: handshakes (GSTS, CR0ACK) do not answer
 * @SIM_FAULT_RESPONSE: answers to page requests reach the device as Response Failure
 * @SIM_FAULT_ATC_LATE: VT-d: a device-TLB invalidation is answered late, and the queue goes
 *	on meanwhile
 * @SIM_FAULT_PRQ_LATE: SMMUv3: page requests are on their way until the device has answered an
 *	invalidation of its ATC, which does not pass them, or until count is set to 0; VT-d:
 *	one is made only when arg drains are over, or when count is set to 0
 * @SIM_FAULT_PRQ_ABORT: SMMUv3: writing the page request queue fails (PRIQ_ABT_ERR)
 */
enum sim_fault {
	SIM_FAULT_LATE,
	SIM_FAULT_LOST,
	SIM_FAULT_COMMAND,
	SIM_FAULT_ABORT,
	SIM_FAULT_ATC,
	SIM_FAULT_EVENTS_FULL,
	SIM_FAULT_PRQ_FULL,
	SIM_FAULT_IRQ_LOST,
	SIM_FAULT_STUCK,
	SIM_FAULT_RESPONSE,
	SIM_FAULT_ATC_LATE,
	SIM_FAULT_PRQ_LATE,
	SIM_FAULT_PRQ_ABORT,
	SIM_FAULTS,
};

/**
 * struct sim_counters - SIM_COUNTERS: what a unit or a device counted
 * @size: of this struct
 * @unit: which IOMMU; ~0: the device @bdf
 * @bdf: with @unit ~0
 * @flags: SIM_COUNTERS_RESET: from zero afterwards
 * @len: in: room; out: bytes of text, without the 0 at its end
 * @buf: user memory for lines "NAME VALUE\n"
 *
 * Names: commands by kind as the specification names them ("iotlb_domain",
 * "TLBI_S12_VMALL"...), "batches" (tail writes), "wide.NAME" (an invalidation
 * that took more than what had changed), "bad.NAME" (something that software must
 * not do: a test fails when any of these is not 0).
 */
struct sim_counters {
	__u32 size;
	__u32 unit;
	__u32 bdf;
	__u32 flags;
	__u32 len;
	__u32 __reserved;
	__u64 buf;
};
#define SIM_COUNTERS_RESET	(1U << 0)

#define SIM_ADD			_IOWR('S', 0, struct sim_add)
#define SIM_REMOVE		_IOW('S', 1, struct sim_remove)
#define SIM_DMA			_IOWR('S', 2, struct sim_dma)
#define SIM_ATS			_IOWR('S', 3, struct sim_ats)
#define SIM_PAGE_REQUEST	_IOWR('S', 4, struct sim_page_request)
#define SIM_INJECT		_IOW('S', 5, struct sim_inject)
#define SIM_COUNTERS		_IOWR('S', 6, struct sim_counters)

#endif
