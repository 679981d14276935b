/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * The ioctls of /dev/iommufd_sva: everything a VMM needs to know about the
 * kernel side. Linux's <linux/iommufd.h> may be included beside this header.
 */
#ifndef _UAPI_IOMMUFD_SVA_H
#define _UAPI_IOMMUFD_SVA_H

#include <linux/ioctl.h>
#include <linux/types.h>

/**
 * DOC: Objects, sizes and errors
 *
 * One open file of /dev/iommufd_sva is one context. Objects live in a context
 * and are named by 32-bit ids, never 0; an id of one context means nothing in
 * another. An id can be reused once its object is destroyed. Closing the last
 * descriptor of the file destroys everything in the context, devices included.
 *
 * Each ioctl takes a pointer to its struct, whose first member @size is the
 * size in bytes that the caller compiled with. The kernel takes any size from
 * the minimum in the table below on: members the caller does not have count as
 * 0, and bytes the kernel does not know must be 0. Members named ``out_`` are
 * written when the call succeeds, and only as far as @size reaches. Fields are
 * in the byte order of the CPU unless their type says otherwise; lengths and
 * addresses are in bytes. All calls may sleep, and may be made from any thread,
 * concurrently. A call that fails has changed nothing, except where its text
 * says so.
 *
 * Numbers below 0xC0 are Linux's iommufd ioctls: same number, same layout, same
 * flag values, same errno for the same mistake, other names. Values inside
 * those structs that only this interface has start at 0x80000000 (enumerators)
 * and bit 31 (flags). Numbers from 0xC0 on are this interface's own.
 *
 * ====  =======================  ========  ==============================
 * nr    ioctl                    min size  state
 * ====  =======================  ========  ==============================
 * 0x80  DESTROY                         8  built
 * 0x81  IOAS_ALLOC                     12  built
 * 0x82  IOAS_ALLOW_IOVAS               24  built
 * 0x83  IOAS_COPY                      40  built
 * 0x84  IOAS_IOVA_RANGES               32  built
 * 0x85  IOAS_MAP                       40  built
 * 0x86  IOAS_UNMAP                     24  built
 * 0x87  OPTION                         24  built
 * 0x88  (iommufd: VFIO_IOAS)            -  out of scope: -ENOTTY
 * 0x89  HWPT_ALLOC                     24  built; DIRTY_TRACKING:
 *                                          -EOPNOTSUPP
 * 0x8a  GET_HW_INFO                    32  built
 * 0x8b  HWPT_SET_DIRTY_TRACKING        16  not yet: -ENOTTY
 * 0x8c  HWPT_GET_DIRTY_BITMAP          48  not yet: -ENOTTY
 * 0x8d  HWPT_INVALIDATE                32  built
 * 0x8e  FAULT_QUEUE_ALLOC              16  built
 * 0x8f  IOAS_MAP_FILE                  40  built
 * 0x90  VIOMMU_ALLOC                   24  built
 * 0x91  VDEVICE_ALLOC                  24  built
 * 0x92  IOAS_CHANGE_PROCESS             8  built
 * 0x93  VEVENTQ_ALLOC                  28  built
 * 0x94  (iommufd: HW_QUEUE_ALLOC)       -  out of scope: -ENOTTY
 * 0x95  (iommufd: NOIOMMU_GET_PA)       -  out of scope: -ENOTTY
 * 0xc0  DEVICE_BIND                    24  built
 * 0xc1  DEVICE_ATTACH                  24  built
 * 0xc2  DEVICE_DETACH                  16  built
 * 0xc3  VSID_MAP                       32  built
 * 0xc4  PASID_TABLE_ALLOC              40  built
 * 0xc5  FAULT_RING                     32  built
 * 0xc6  HWPT_IMPORT                    16  built
 * 0xc7  MM_BIND                        16  not yet: -ENOTTY
 * 0xc8  PASID_GRANT                    24  not yet: -ENOTTY
 * ====  =======================  ========  ==============================
 *
 * What a "not yet" ioctl will do is documented all the same, so that a VMM can
 * be written against it.
 *
 * Errors every ioctl can give, not repeated below:
 *
 * -ENOTTY
 *	the number is unknown or not built yet
 * -EFAULT
 *	the struct, or an array or buffer it points to, cannot be read or
 *	written
 * -EINVAL
 *	@size is below the minimum
 * -E2BIG
 *	@size is above what the kernel knows and the surplus is not all 0
 * -EOPNOTSUPP
 *	an unknown flag is set, or a field named ``__reserved`` is not 0 (save
 *	where it says "not looked at")
 * -ENOMEM
 *	no memory, or the memory cgroup's limit is reached
 * -ENOENT
 *	an id names no object of the kind that the field asks for
 */

/** define IOMMUFD_SVA_TYPE - ioctl type, shared with Linux's iommufd */
#define IOMMUFD_SVA_TYPE (';')

/** define IOMMUFD_SVA_NO_PASID - a request without a PASID, where a PASID goes */
#define IOMMUFD_SVA_NO_PASID (~0U)

enum {
	IOMMUFD_SVA_CMD_BASE = 0x80,
	IOMMUFD_SVA_CMD_DESTROY = IOMMUFD_SVA_CMD_BASE,
	IOMMUFD_SVA_CMD_IOAS_ALLOC = 0x81,
	IOMMUFD_SVA_CMD_IOAS_ALLOW_IOVAS = 0x82,
	IOMMUFD_SVA_CMD_IOAS_COPY = 0x83,
	IOMMUFD_SVA_CMD_IOAS_IOVA_RANGES = 0x84,
	IOMMUFD_SVA_CMD_IOAS_MAP = 0x85,
	IOMMUFD_SVA_CMD_IOAS_UNMAP = 0x86,
	IOMMUFD_SVA_CMD_OPTION = 0x87,
	IOMMUFD_SVA_CMD_HWPT_ALLOC = 0x89,
	IOMMUFD_SVA_CMD_GET_HW_INFO = 0x8a,
	IOMMUFD_SVA_CMD_HWPT_SET_DIRTY_TRACKING = 0x8b,
	IOMMUFD_SVA_CMD_HWPT_GET_DIRTY_BITMAP = 0x8c,
	IOMMUFD_SVA_CMD_HWPT_INVALIDATE = 0x8d,
	IOMMUFD_SVA_CMD_FAULT_QUEUE_ALLOC = 0x8e,
	IOMMUFD_SVA_CMD_IOAS_MAP_FILE = 0x8f,
	IOMMUFD_SVA_CMD_VIOMMU_ALLOC = 0x90,
	IOMMUFD_SVA_CMD_VDEVICE_ALLOC = 0x91,
	IOMMUFD_SVA_CMD_IOAS_CHANGE_PROCESS = 0x92,
	IOMMUFD_SVA_CMD_VEVENTQ_ALLOC = 0x93,

	IOMMUFD_SVA_CMD_OWN_BASE = 0xc0,
	IOMMUFD_SVA_CMD_DEVICE_BIND = IOMMUFD_SVA_CMD_OWN_BASE,
	IOMMUFD_SVA_CMD_DEVICE_ATTACH = 0xc1,
	IOMMUFD_SVA_CMD_DEVICE_DETACH = 0xc2,
	IOMMUFD_SVA_CMD_VSID_MAP = 0xc3,
	IOMMUFD_SVA_CMD_PASID_TABLE_ALLOC = 0xc4,
	IOMMUFD_SVA_CMD_FAULT_RING = 0xc5,
	IOMMUFD_SVA_CMD_HWPT_IMPORT = 0xc6,
	IOMMUFD_SVA_CMD_MM_BIND = 0xc7,
	IOMMUFD_SVA_CMD_PASID_GRANT = 0xc8,
};

/**
 * struct iommufd_sva_destroy - ioctl(IOMMUFD_SVA_DESTROY)
 * @size: sizeof(struct iommufd_sva_destroy)
 * @id: the object, of any kind
 *
 * Destroys an object that nothing else refers to. Destroying a device gives it
 * back: DMA is blocked, a raw device is reset and then passes through again, a
 * VFIO device goes back to VFIO's own translation.
 *
 * -ENOENT
 *	no such object
 * -EBUSY
 *	another object refers to it (an HWPT to its IOAS, a nested HWPT to its
 *	parent), a device is attached to it, or it is a device with an
 *	attachment or with a name in a vIOMMU; or it is an event queue or fault
 *	queue whose file is open. Detach, destroy, remove or close that first
 */
struct iommufd_sva_destroy {
	__u32 size;
	__u32 id;
};

#define IOMMUFD_SVA_DESTROY _IO(IOMMUFD_SVA_TYPE, IOMMUFD_SVA_CMD_DESTROY)

/**
 * struct iommufd_sva_ioas_alloc - ioctl(IOMMUFD_SVA_IOAS_ALLOC)
 * @size: sizeof(struct iommufd_sva_ioas_alloc)
 * @flags: 0
 * @out_ioas_id: the new I/O address space
 *
 * An I/O address space (IOAS) is the map from I/O virtual addresses (IOVA) to
 * memory. It is software only; the HWPTs made from it carry its mappings into
 * the tables that hardware walks, and follow every change.
 */
struct iommufd_sva_ioas_alloc {
	__u32 size;
	__u32 flags;
	__u32 out_ioas_id;
};

#define IOMMUFD_SVA_IOAS_ALLOC _IO(IOMMUFD_SVA_TYPE, IOMMUFD_SVA_CMD_IOAS_ALLOC)

/**
 * struct iommufd_sva_iova_range - a range of I/O virtual addresses
 * @start: first address
 * @last: last address, itself in the range
 */
struct iommufd_sva_iova_range {
	__aligned_u64 start;
	__aligned_u64 last;
};

/**
 * struct iommufd_sva_ioas_iova_ranges - ioctl(IOMMUFD_SVA_IOAS_IOVA_RANGES)
 * @size: sizeof(struct iommufd_sva_ioas_iova_ranges)
 * @ioas_id: the IOAS
 * @num_iovas: in: elements that @allowed_iovas has room for, may be 0; out: how
 *             many ranges there are
 * @__reserved: 0
 * @allowed_iovas: user pointer to an array of struct iommufd_sva_iova_range,
 *                 filled in ascending order as far as it has room
 * @out_iova_alignment: bytes that an IOVA, a length and the memory behind must
 *                      be a multiple of: a power of two from 1 (nothing walks
 *                      this IOAS yet) to the page size
 *
 * Lists where mappings may be placed: everything but what the attached devices
 * and their HWPTs cannot address or reserve (MSI windows, for one). Attaching
 * narrows the list and detaching widens it, so ask again after either.
 *
 * -EMSGSIZE
 *	there are more ranges than room; @num_iovas says how many, and the
 *	array holds the first ones
 */
struct iommufd_sva_ioas_iova_ranges {
	__u32 size;
	__u32 ioas_id;
	__u32 num_iovas;
	__u32 __reserved;
	__aligned_u64 allowed_iovas;
	__aligned_u64 out_iova_alignment;
};

#define IOMMUFD_SVA_IOAS_IOVA_RANGES _IO(IOMMUFD_SVA_TYPE, IOMMUFD_SVA_CMD_IOAS_IOVA_RANGES)

/**
 * struct iommufd_sva_ioas_allow_iovas - ioctl(IOMMUFD_SVA_IOAS_ALLOW_IOVAS)
 * @size: sizeof(struct iommufd_sva_ioas_allow_iovas)
 * @ioas_id: the IOAS
 * @num_iovas: elements in @allowed_iovas; 0 takes every promise back
 * @__reserved: 0
 * @allowed_iovas: user pointer to an array of struct iommufd_sva_iova_range
 *
 * Replaces the list of ranges that must stay usable. From then on an attach
 * that would reserve any of it is refused, and IOVAs that the kernel chooses
 * come from this list alone. Mappings at a fixed IOVA are not confined to it.
 *
 * -EINVAL
 *	a range has @start at or above @last, or two ranges overlap
 * -EADDRINUSE
 *	a range meets one that an attached device or an HWPT reserves already
 */
struct iommufd_sva_ioas_allow_iovas {
	__u32 size;
	__u32 ioas_id;
	__u32 num_iovas;
	__u32 __reserved;
	__aligned_u64 allowed_iovas;
};

#define IOMMUFD_SVA_IOAS_ALLOW_IOVAS _IO(IOMMUFD_SVA_TYPE, IOMMUFD_SVA_CMD_IOAS_ALLOW_IOVAS)

/**
 * enum iommufd_sva_ioas_map_flags - how to place a mapping and what it permits
 * @IOMMUFD_SVA_IOAS_MAP_FIXED_IOVA: place it at the IOVA given; without this
 *                                   the kernel chooses one
 * @IOMMUFD_SVA_IOAS_MAP_WRITEABLE: devices may write
 * @IOMMUFD_SVA_IOAS_MAP_READABLE: devices may read
 */
enum iommufd_sva_ioas_map_flags {
	IOMMUFD_SVA_IOAS_MAP_FIXED_IOVA = 1 << 0,
	IOMMUFD_SVA_IOAS_MAP_WRITEABLE = 1 << 1,
	IOMMUFD_SVA_IOAS_MAP_READABLE = 1 << 2,
};

/**
 * struct iommufd_sva_ioas_map - ioctl(IOMMUFD_SVA_IOAS_MAP)
 * @size: sizeof(struct iommufd_sva_ioas_map)
 * @flags: enum iommufd_sva_ioas_map_flags; READABLE, WRITEABLE or both
 * @ioas_id: the IOAS
 * @__reserved: 0
 * @user_va: first byte of the calling process's memory to map
 * @length: bytes, at least 1
 * @iova: in, with FIXED_IOVA: where to place it; out: where it is. A chosen
 *        IOVA is never 0 and is aligned like @user_va, up to a huge page, so
 *        that the tables can use large leaves
 *
 * Maps memory of the calling process. The pages are pinned while an HWPT of the
 * IOAS exists and charged to the user (see enum iommufd_sva_option_id), unless
 * the caller has CAP_IPC_LOCK. Without an HWPT the memory is first looked at
 * when one appears, and the errors that concern it come from there. @iova,
 * @length and @user_va must be multiples of the alignment that
 * IOMMUFD_SVA_IOAS_IOVA_RANGES reports. A mapping is never replaced in place.
 * Calls on different ranges run concurrently.
 *
 * -EINVAL
 *	neither READABLE nor WRITEABLE; @length is 0; a misaligned @iova,
 *	@length or @user_va; or the range meets a reserved one
 * -EOVERFLOW
 *	@iova or @length is 2^64 - 1, @iova + @length - 1 or @user_va + @length
 *	exceeds 2^64 - 1, or @length is 2^63 - 1 or more where the kernel is to
 *	choose
 * -EEXIST
 *	FIXED_IOVA, and something in the range is mapped already
 * -ENOSPC
 *	the kernel is to choose and no free allowed range is long enough
 * -EFAULT
 *	memory at @user_va is absent, or read-only and WRITEABLE was asked for
 * -ENOMEM
 *	also: RLIMIT_MEMLOCK would be exceeded
 */
struct iommufd_sva_ioas_map {
	__u32 size;
	__u32 flags;
	__u32 ioas_id;
	__u32 __reserved;
	__aligned_u64 user_va;
	__aligned_u64 length;
	__aligned_u64 iova;
};

#define IOMMUFD_SVA_IOAS_MAP _IO(IOMMUFD_SVA_TYPE, IOMMUFD_SVA_CMD_IOAS_MAP)

/**
 * struct iommufd_sva_ioas_map_file - ioctl(IOMMUFD_SVA_IOAS_MAP_FILE)
 * @size: sizeof(struct iommufd_sva_ioas_map_file)
 * @flags: as in struct iommufd_sva_ioas_map
 * @ioas_id: the IOAS
 * @fd: a memfd, of ordinary or huge pages
 * @start: first byte of the file to map
 * @length: bytes, at least 1
 * @iova: as in struct iommufd_sva_ioas_map
 *
 * Maps part of a file instead of process memory: what the VMM shares with
 * another process, or keeps across an exec(), is mapped without any process
 * having it in its page tables. dma-buf files are not taken.
 *
 * As IOMMUFD_SVA_IOAS_MAP, with @start in the place of @user_va, and:
 *
 * -EBADF
 *	@fd is not an open file
 * -EINVAL
 *	also: @fd is not a memfd, or the range lies beyond its end
 * -EPERM
 *	the file is not open for reading, or WRITEABLE is asked for and it is
 *	not open for writing or sealed against it. While such a mapping stands
 *	the file cannot be sealed against writing.
 * -EOVERFLOW
 *	also: @start + @length - 1 exceeds 2^64 - 1
 */
struct iommufd_sva_ioas_map_file {
	__u32 size;
	__u32 flags;
	__u32 ioas_id;
	__s32 fd;
	__aligned_u64 start;
	__aligned_u64 length;
	__aligned_u64 iova;
};

#define IOMMUFD_SVA_IOAS_MAP_FILE _IO(IOMMUFD_SVA_TYPE, IOMMUFD_SVA_CMD_IOAS_MAP_FILE)

/**
 * struct iommufd_sva_ioas_copy - ioctl(IOMMUFD_SVA_IOAS_COPY)
 * @size: sizeof(struct iommufd_sva_ioas_copy)
 * @flags: as in struct iommufd_sva_ioas_map, for the destination
 * @dst_ioas_id: the IOAS that gets the mapping
 * @src_ioas_id: the IOAS that has it; may be the same one
 * @length: bytes, at least 1
 * @dst_iova: in, with FIXED_IOVA: where to place it; out: where it is
 * @src_iova: first IOVA to copy
 *
 * Gives one IOAS what another has at a range, sharing the pins: the memory is
 * pinned and charged once however often it is copied. The source range may be a
 * part of a mapping or span several without a gap. The copy stands on its own
 * afterwards; unmapping the source does not touch it.
 *
 * As IOMMUFD_SVA_IOAS_MAP for the destination, and:
 *
 * -ENOENT
 *	also: some of the source range is not mapped
 * -EPERM
 *	WRITEABLE is asked for and the source was mapped without it
 * -EOVERFLOW
 *	also: @src_iova is 2^64 - 1, or @src_iova + @length - 1 exceeds it
 */
struct iommufd_sva_ioas_copy {
	__u32 size;
	__u32 flags;
	__u32 dst_ioas_id;
	__u32 src_ioas_id;
	__aligned_u64 length;
	__aligned_u64 dst_iova;
	__aligned_u64 src_iova;
};

#define IOMMUFD_SVA_IOAS_COPY _IO(IOMMUFD_SVA_TYPE, IOMMUFD_SVA_CMD_IOAS_COPY)

/**
 * struct iommufd_sva_ioas_unmap - ioctl(IOMMUFD_SVA_IOAS_UNMAP)
 * @size: sizeof(struct iommufd_sva_ioas_unmap)
 * @ioas_id: the IOAS
 * @iova: first IOVA
 * @length: in: bytes, at least 1; out: bytes that were mapped in the range
 *
 * Removes every mapping that lies in the range. A mapping comes off as it went
 * on, whole: the range may hold many of them and gaps, but must not cut one.
 * @iova 0 with @length 2^64 - 1 removes everything, and succeeds on an empty
 * IOAS too. When the call returns no device reaches the memory any more and it
 * is unpinned, unless a copy holds it.
 *
 * -EINVAL
 *	@length is 0
 * -EOVERFLOW
 *	@iova or (except for everything) @length is 2^64 - 1, or
 *	@iova + @length - 1 exceeds it
 * -ENOENT
 *	nothing in the range is mapped, or an end of the range cuts a mapping
 * -EBUSY
 *	another thread is mapping or unmapping in the range
 */
struct iommufd_sva_ioas_unmap {
	__u32 size;
	__u32 ioas_id;
	__aligned_u64 iova;
	__aligned_u64 length;
};

#define IOMMUFD_SVA_IOAS_UNMAP _IO(IOMMUFD_SVA_TYPE, IOMMUFD_SVA_CMD_IOAS_UNMAP)

/**
 * enum iommufd_sva_option_id - what IOMMUFD_SVA_OPTION sets
 * @IOMMUFD_SVA_OPTION_RLIMIT_MODE: of the context (object_id 0): where pinned
 *	pages count against RLIMIT_MEMLOCK. 0, the default: in one sum for the
 *	user; 1: in the process, as VFIO does. Setting it needs
 *	CAP_SYS_RESOURCE and a context without objects.
 * @IOMMUFD_SVA_OPTION_HUGE_PAGES: of an IOAS: 1, the default: neighbouring
 *	pages become one large leaf where they fit; 0: every leaf is one page of
 *	the smallest size. For measuring and for debugging.
 *
 * iommufd calls this enum iommufd_option; here that tag is the struct's.
 */
enum iommufd_sva_option_id {
	IOMMUFD_SVA_OPTION_RLIMIT_MODE = 0,
	IOMMUFD_SVA_OPTION_HUGE_PAGES = 1,
};

/**
 * define IOMMUFD_SVA_OPTION_PAGE_RESPONSE_TIMEOUT - of a fault queue: milliseconds that a
 *	page request group may wait for an answer, 1 to 3600000, before it is answered
 *	Invalid Request; at first what the module parameter page_response_timeout_ms
 *	says. What waits already is measured by the new value.
 */
#define IOMMUFD_SVA_OPTION_PAGE_RESPONSE_TIMEOUT	0x80000000U

/**
 * enum iommufd_sva_option_ops - what to do with an option
 * @IOMMUFD_SVA_OPTION_OP_SET: set it from val64
 * @IOMMUFD_SVA_OPTION_OP_GET: read it into val64
 */
enum iommufd_sva_option_ops {
	IOMMUFD_SVA_OPTION_OP_SET = 0,
	IOMMUFD_SVA_OPTION_OP_GET = 1,
};

/**
 * struct iommufd_sva_option - ioctl(IOMMUFD_SVA_OPTION)
 * @size: sizeof(struct iommufd_sva_option)
 * @option_id: enum iommufd_sva_option_id
 * @op: enum iommufd_sva_option_ops
 * @__reserved: 0
 * @object_id: the object that has the option, 0 for an option of the context
 * @val64: the value
 *
 * Reads or sets one option.
 *
 * -EOPNOTSUPP
 *	also: unknown @option_id or @op; RLIMIT_MODE with an @object_id
 * -EINVAL
 *	a value out of range; HUGE_PAGES set to 0 on an IOAS that has both
 *	mappings and an HWPT
 * -EADDRINUSE
 *	HUGE_PAGES set to 0 on an IOAS with a mapping that is not page-aligned
 * -EPERM
 *	RLIMIT_MODE is set without CAP_SYS_RESOURCE
 * -EBUSY
 *	RLIMIT_MODE is set in a context that has objects
 */
struct iommufd_sva_option {
	__u32 size;
	__u32 option_id;
	__u16 op;
	__u16 __reserved;
	__u32 object_id;
	__aligned_u64 val64;
};

#define IOMMUFD_SVA_OPTION _IO(IOMMUFD_SVA_TYPE, IOMMUFD_SVA_CMD_OPTION)

/**
 * enum iommufd_sva_hwpt_alloc_flags - what a new HWPT is to be good for
 * @IOMMUFD_SVA_HWPT_ALLOC_NEST_PARENT: a stage 2 that nested HWPTs, vIOMMUs and
 *	PASID tables can be put on
 * @IOMMUFD_SVA_HWPT_ALLOC_DIRTY_TRACKING: only devices whose IOMMU can track
 *	written pages may be attached
 * @IOMMUFD_SVA_HWPT_FAULT_ID_VALID: fault_id names a fault queue, which gets
 *	the page requests of what is attached here. Not with NEST_PARENT
 * @IOMMUFD_SVA_HWPT_ALLOC_PASID: may be attached to a PASID, and may be what
 *	requests without a PASID use on a device that has PASIDs attached. Asks
 *	whether the device has PASIDs that can be attached one by one
 *	(-EOPNOTSUPP): every HWPT with a stage 2 is good for that where they can
 *	be, with this flag or without
 */
enum iommufd_sva_hwpt_alloc_flags {
	IOMMUFD_SVA_HWPT_ALLOC_NEST_PARENT = 1 << 0,
	IOMMUFD_SVA_HWPT_ALLOC_DIRTY_TRACKING = 1 << 1,
	IOMMUFD_SVA_HWPT_FAULT_ID_VALID = 1 << 2,
	IOMMUFD_SVA_HWPT_ALLOC_PASID = 1 << 3,
};

/**
 * enum iommufd_sva_hwpt_vtd_s1_flags - attributes of a VT-d first stage
 * @IOMMUFD_SVA_VTD_S1_SRE: requests in supervisor mode are served
 *	(PASID-table entry field SRE)
 * @IOMMUFD_SVA_VTD_S1_EAFE: the extended-accessed bit is kept (EAFE)
 * @IOMMUFD_SVA_VTD_S1_WPE: read-only pages bind supervisor writes too (WPE)
 */
enum iommufd_sva_hwpt_vtd_s1_flags {
	IOMMUFD_SVA_VTD_S1_SRE = 1 << 0,
	IOMMUFD_SVA_VTD_S1_EAFE = 1 << 1,
	IOMMUFD_SVA_VTD_S1_WPE = 1 << 2,
};

/**
 * struct iommufd_sva_hwpt_vtd_s1 - IOMMUFD_SVA_HWPT_DATA_VTD_S1
 * @flags: enum iommufd_sva_hwpt_vtd_s1_flags
 * @pgtbl_addr: guest-physical address of the guest's top-level table
 *              (PASID-table entry field FSPTPTR), 4 KiB aligned and within what
 *              the parent can map
 * @addr_width: input address width in bits: 48 (4 levels) or 57 (5 levels)
 * @__reserved: 0
 */
struct iommufd_sva_hwpt_vtd_s1 {
	__aligned_u64 flags;
	__aligned_u64 pgtbl_addr;
	__u32 addr_width;
	__u32 __reserved;
};

/**
 * struct iommufd_sva_hwpt_arm_smmuv3 - IOMMUFD_SVA_HWPT_DATA_ARM_SMMUV3
 * @ste: the first 128 bits of the guest's stream table entry (Arm IHI 0070,
 *       5.2). Looked at: V, Config, S1Fmt, S1ContextPtr, S1CDMax in the first
 *       word; S1DSS, S1CIR, S1COR, S1CSH, S1STALLD, EATS in the second; any
 *       other bit set is -EIO, as is an entry the architecture calls ILLEGAL,
 *       one that asks for more substreams than the unit has, and one whose
 *       context descriptor table ends beyond the guest's physical addresses
 *
 * Config chooses: stage 1 through the guest's context descriptor table, bypass
 * (as the parent stage 2), or abort. EATS 1 lets a device that has ATS cache what
 * stage 1 translates; without, its ATS is off. On a unit where stalls can be configured
 * S1STALLD counts as set: the devices are PCI devices, which must not stall.
 */
struct iommufd_sva_hwpt_arm_smmuv3 {
	__aligned_le64 ste[2];
};

/**
 * enum iommufd_sva_hwpt_data_type - what data_uptr of an HWPT_ALLOC points to
 * @IOMMUFD_SVA_HWPT_DATA_NONE: nothing: a paging HWPT, filled from an IOAS
 * @IOMMUFD_SVA_HWPT_DATA_VTD_S1: struct iommufd_sva_hwpt_vtd_s1
 * @IOMMUFD_SVA_HWPT_DATA_ARM_SMMUV3: struct iommufd_sva_hwpt_arm_smmuv3
 * @IOMMUFD_SVA_HWPT_DATA_AMD_GUEST: iommufd's number; -EOPNOTSUPP here
 */
enum iommufd_sva_hwpt_data_type {
	IOMMUFD_SVA_HWPT_DATA_NONE = 0,
	IOMMUFD_SVA_HWPT_DATA_VTD_S1 = 1,
	IOMMUFD_SVA_HWPT_DATA_ARM_SMMUV3 = 2,
	IOMMUFD_SVA_HWPT_DATA_AMD_GUEST = 3,
};

/**
 * struct iommufd_sva_hwpt_alloc - ioctl(IOMMUFD_SVA_HWPT_ALLOC)
 * @size: sizeof(struct iommufd_sva_hwpt_alloc)
 * @flags: enum iommufd_sva_hwpt_alloc_flags
 * @dev_id: a bound device; the HWPT is made for the IOMMU unit in front of it
 * @pt_id: what to build on: an IOAS (a paging HWPT), a NEST_PARENT HWPT or a
 *         vIOMMU (a nested HWPT)
 * @out_hwpt_id: the new hardware page table
 * @__reserved: 0
 * @data_type: enum iommufd_sva_hwpt_data_type; NONE for a paging HWPT
 * @data_len: bytes at @data_uptr; 0 exactly when @data_type is NONE
 * @data_uptr: user pointer to the struct that @data_type names
 * @fault_id: with FAULT_ID_VALID: the fault queue; else not looked at
 * @__reserved2: 0, though not looked at
 *
 * Makes a hardware page table (HWPT): tables in the format of one IOMMU unit. A
 * paging HWPT holds from the start what its IOAS holds, and from then on
 * whatever is mapped there. A nested HWPT points at tables in guest memory,
 * walked through its parent. Attaching an IOAS makes a paging HWPT by itself;
 * allocate one in order to give it a flag, or to keep it while nothing is
 * attached.
 *
 * -ENOENT
 *	no such @dev_id, or @fault_id
 * -ENODEV
 *	the device has been removed; or the parent was made by HWPT_IMPORT and
 *	VFIO has freed its mappings
 * -EINVAL
 *	no such @pt_id, or it is none of the three kinds; the parent is no
 *	NEST_PARENT or belongs to another unit; @data_type and @data_len
 *	disagree; @data_len is none the type has; a first stage that the unit
 *	does not have (VTD_S1). With IOMMUFD_SVA_HW_INFO_VTD_ERRATA_772415_SPR17:
 *	NEST_PARENT, and the IOAS has a mapping that is not writeable
 * -EOPNOTSUPP
 *	also: the unit cannot do what a flag or @data_type asks for;
 *	FAULT_ID_VALID together with NEST_PARENT; an unknown flag or a reserved
 *	field of the data (VTD_S1)
 * -EADDRINUSE
 *	a mapping or an allowed range of the IOAS lies outside the addresses
 *	that the unit can translate, or is misaligned for its smallest page
 * -EFAULT
 *	also: memory mapped in the IOAS is absent or not writable
 * -ENOMEM
 *	also: RLIMIT_MEMLOCK would be exceeded by what the IOAS holds
 * -EIO
 *	an @ste that is not legal (see struct iommufd_sva_hwpt_arm_smmuv3)
 */
struct iommufd_sva_hwpt_alloc {
	__u32 size;
	__u32 flags;
	__u32 dev_id;
	__u32 pt_id;
	__u32 out_hwpt_id;
	__u32 __reserved;
	__u32 data_type;
	__u32 data_len;
	__aligned_u64 data_uptr;
	__u32 fault_id;
	__u32 __reserved2;
};

#define IOMMUFD_SVA_HWPT_ALLOC _IO(IOMMUFD_SVA_TYPE, IOMMUFD_SVA_CMD_HWPT_ALLOC)

/**
 * enum iommufd_sva_hw_info_vtd_flags - what registers do not say about VT-d
 * @IOMMUFD_SVA_HW_INFO_VTD_ERRATA_772415_SPR17: Intel's erratum SPR17 (document
 *	772415): a nesting parent must hold no read-only mapping, or DMA through
 *	it may write there. One for this unit takes none (-EINVAL)
 */
enum iommufd_sva_hw_info_vtd_flags {
	IOMMUFD_SVA_HW_INFO_VTD_ERRATA_772415_SPR17 = 1 << 0,
};

/**
 * struct iommufd_sva_hw_info_vtd - IOMMUFD_SVA_HW_INFO_TYPE_INTEL_VTD
 * @flags: enum iommufd_sva_hw_info_vtd_flags
 * @__reserved: 0
 * @cap_reg: Capability Register of the unit (VT-d, 11.4.2)
 * @ecap_reg: Extended Capability Register of the unit (VT-d, 11.4.3)
 *
 * Registers as the hardware has them, not limited to what can be used here.
 */
struct iommufd_sva_hw_info_vtd {
	__u32 flags;
	__u32 __reserved;
	__aligned_u64 cap_reg;
	__aligned_u64 ecap_reg;
};

/**
 * enum iommufd_sva_hw_info_arm_smmuv3_flags - what registers do not say
 * @IOMMUFD_SVA_HW_INFO_ARM_SMMUV3_ERRATA_REPEAT_TLBI_CFGI: erratum T264-SMMU-3:
 *	every batch of TLBI and CFGI commands has to be sent, with its SYNC,
 *	twice
 */
enum iommufd_sva_hw_info_arm_smmuv3_flags {
	IOMMUFD_SVA_HW_INFO_ARM_SMMUV3_ERRATA_REPEAT_TLBI_CFGI = 1 << 0,
};

/**
 * struct iommufd_sva_hw_info_arm_smmuv3 - IOMMUFD_SVA_HW_INFO_TYPE_ARM_SMMUV3
 * @flags: enum iommufd_sva_hw_info_arm_smmuv3_flags
 * @__reserved: 0
 * @idr: SMMU_IDR0 to SMMU_IDR5 (Arm IHI 0070, 6.3)
 * @iidr: SMMU_IIDR
 * @aidr: SMMU_AIDR
 *
 * Registers as the hardware has them. What a VMM may rely on: in IDR0 TTF,
 * TTENDIAN, CD2L, ASID16, STALL_MODEL, TERM_MODEL, ST_LEVEL; in IDR1 SIDSIZE,
 * SSIDSIZE; in IDR3 BBML, RIL; in IDR5 VAX, DS and the granules.
 */
struct iommufd_sva_hw_info_arm_smmuv3 {
	__u32 flags;
	__u32 __reserved;
	__u32 idr[6];
	__u32 iidr;
	__u32 aidr;
};

/**
 * enum iommufd_sva_hw_info_type - which struct GET_HW_INFO fills
 * @IOMMUFD_SVA_HW_INFO_TYPE_NONE: out: none; the unit has nothing to tell
 * @IOMMUFD_SVA_HW_INFO_TYPE_DEFAULT: in: the one that fits the unit
 * @IOMMUFD_SVA_HW_INFO_TYPE_INTEL_VTD: struct iommufd_sva_hw_info_vtd
 * @IOMMUFD_SVA_HW_INFO_TYPE_ARM_SMMUV3: struct iommufd_sva_hw_info_arm_smmuv3
 * @IOMMUFD_SVA_HW_INFO_TYPE_TEGRA241_CMDQV: iommufd's number; not given here
 * @IOMMUFD_SVA_HW_INFO_TYPE_AMD: iommufd's number; not given here
 */
enum iommufd_sva_hw_info_type {
	IOMMUFD_SVA_HW_INFO_TYPE_NONE = 0,
	IOMMUFD_SVA_HW_INFO_TYPE_DEFAULT = 0,
	IOMMUFD_SVA_HW_INFO_TYPE_INTEL_VTD = 1,
	IOMMUFD_SVA_HW_INFO_TYPE_ARM_SMMUV3 = 2,
	IOMMUFD_SVA_HW_INFO_TYPE_TEGRA241_CMDQV = 3,
	IOMMUFD_SVA_HW_INFO_TYPE_AMD = 4,
};

/**
 * enum iommufd_sva_hw_capabilities - what a device can have behind its unit
 * @IOMMUFD_SVA_HW_CAP_DIRTY_TRACKING: HWPT_SET_DIRTY_TRACKING and
 *	HWPT_GET_DIRTY_BITMAP work
 * @IOMMUFD_SVA_HW_CAP_PCI_PASID_EXEC: requests with a PASID may ask for execute
 *	permission; without meaning when out_max_pasid_log2 is 0
 * @IOMMUFD_SVA_HW_CAP_PCI_PASID_PRIV: requests with a PASID may be privileged;
 *	without meaning when out_max_pasid_log2 is 0
 * @IOMMUFD_SVA_HW_CAP_PCI_ATS_NOT_SUPPORTED: the device has no device-TLB that
 *	could be used here; when clear it may have one in use
 */
enum iommufd_sva_hw_capabilities {
	IOMMUFD_SVA_HW_CAP_DIRTY_TRACKING = 1 << 0,
	IOMMUFD_SVA_HW_CAP_PCI_PASID_EXEC = 1 << 1,
	IOMMUFD_SVA_HW_CAP_PCI_PASID_PRIV = 1 << 2,
	IOMMUFD_SVA_HW_CAP_PCI_ATS_NOT_SUPPORTED = 1 << 3,
};

/**
 * define IOMMUFD_SVA_HW_CAP_PAGE_REQUESTS - a capability: the device's page requests can be
 *	had, or, of one without ATS, its transactions that stall; when clear it is -ENODEV to
 *	attach anything with a fault queue to it
 */
#define IOMMUFD_SVA_HW_CAP_PAGE_REQUESTS 0x80000000U

/**
 * enum iommufd_sva_hw_info_flags - flags of GET_HW_INFO
 * @IOMMUFD_SVA_HW_INFO_FLAG_INPUT_TYPE: in_data_type says which struct is
 *	wanted; without this it is ignored and DEFAULT is meant
 */
enum iommufd_sva_hw_info_flags {
	IOMMUFD_SVA_HW_INFO_FLAG_INPUT_TYPE = 1 << 0,
};

/**
 * struct iommufd_sva_hw_info - ioctl(IOMMUFD_SVA_GET_HW_INFO)
 * @size: sizeof(struct iommufd_sva_hw_info)
 * @flags: enum iommufd_sva_hw_info_flags
 * @dev_id: a bound device
 * @data_len: in: bytes at @data_uptr, may be 0; out: bytes the kernel has to
 *            tell, which can be more than there was room for
 * @data_uptr: user pointer to the buffer; what the kernel has no data for is
 *             zeroed
 * @in_data_type: with INPUT_TYPE: enum iommufd_sva_hw_info_type wanted
 * @out_data_type: enum iommufd_sva_hw_info_type that @data_uptr now holds
 * @out_max_pasid_log2: bits that a PASID of this device has, 0 to 20; 0: the
 *                      device cannot use PASIDs, or its unit has none
 * @__reserved: 0
 * @out_capabilities: enum iommufd_sva_hw_capabilities, and
 *                    IOMMUFD_SVA_HW_CAP_PAGE_REQUESTS
 *
 * Tells what the IOMMU in front of a device can do, for building the guest's.
 *
 * -EOPNOTSUPP
 *	also: the unit cannot describe itself as @in_data_type
 * -ENODEV
 *	the device has been removed
 */
struct iommufd_sva_hw_info {
	__u32 size;
	__u32 flags;
	__u32 dev_id;
	__u32 data_len;
	__aligned_u64 data_uptr;
	/* private: C99 has no unnamed unions */
	__extension__
	/* public: */
	union {
		__u32 in_data_type;
		__u32 out_data_type;
	};
	__u8 out_max_pasid_log2;
	__u8 __reserved[3];
	__aligned_u64 out_capabilities;
};

#define IOMMUFD_SVA_GET_HW_INFO _IO(IOMMUFD_SVA_TYPE, IOMMUFD_SVA_CMD_GET_HW_INFO)

/**
 * enum iommufd_sva_hwpt_set_dirty_tracking_flags - dirty tracking on or off
 * @IOMMUFD_SVA_HWPT_DIRTY_TRACKING_ENABLE: on; without this, off
 */
enum iommufd_sva_hwpt_set_dirty_tracking_flags {
	IOMMUFD_SVA_HWPT_DIRTY_TRACKING_ENABLE = 1,
};

/**
 * struct iommufd_sva_hwpt_set_dirty_tracking - ioctl(IOMMUFD_SVA_HWPT_SET_DIRTY_TRACKING)
 * @size: sizeof(struct iommufd_sva_hwpt_set_dirty_tracking)
 * @flags: enum iommufd_sva_hwpt_set_dirty_tracking_flags
 * @hwpt_id: a paging HWPT
 * @__reserved: 0, though not looked at
 *
 * Starts or stops recording which pages devices write. Starting forgets what
 * was recorded before.
 *
 * -EOPNOTSUPP
 *	also: the unit cannot, or the HWPT was made without
 *	IOMMUFD_SVA_HWPT_ALLOC_DIRTY_TRACKING
 */
struct iommufd_sva_hwpt_set_dirty_tracking {
	__u32 size;
	__u32 flags;
	__u32 hwpt_id;
	__u32 __reserved;
};

#define IOMMUFD_SVA_HWPT_SET_DIRTY_TRACKING \
	_IO(IOMMUFD_SVA_TYPE, IOMMUFD_SVA_CMD_HWPT_SET_DIRTY_TRACKING)

/**
 * enum iommufd_sva_hwpt_get_dirty_bitmap_flags - how to read dirty bits
 * @IOMMUFD_SVA_HWPT_GET_DIRTY_BITMAP_NO_CLEAR: leave them set, and save the
 *	invalidation that clearing needs: right when the range is unmapped next
 */
enum iommufd_sva_hwpt_get_dirty_bitmap_flags {
	IOMMUFD_SVA_HWPT_GET_DIRTY_BITMAP_NO_CLEAR = 1,
};

/**
 * struct iommufd_sva_hwpt_get_dirty_bitmap - ioctl(IOMMUFD_SVA_HWPT_GET_DIRTY_BITMAP)
 * @size: sizeof(struct iommufd_sva_hwpt_get_dirty_bitmap)
 * @hwpt_id: a paging HWPT
 * @flags: enum iommufd_sva_hwpt_get_dirty_bitmap_flags
 * @__reserved: 0
 * @iova: first IOVA, a multiple of @page_size; bit 0 of the bitmap
 * @length: bytes, a multiple of @page_size, at least one page
 * @page_size: bytes per bit, a power of two
 * @data: user pointer to the bitmap, an array of 64-bit words, bit n in word
 *        n / 64; @length / @page_size bits. Bits of written pages are set, the
 *        others are left as they are
 *
 * Reads, and unless NO_CLEAR is given clears, which pages devices have written.
 *
 * -EINVAL
 *	@length or @page_size is 0; @iova or the end of the range is not a
 *	multiple of @page_size or of the IOAS's alignment
 * -EOVERFLOW
 *	@iova + @length - 1 exceeds 2^64 - 1
 * -EOPNOTSUPP
 *	also: the unit cannot track written pages
 */
struct iommufd_sva_hwpt_get_dirty_bitmap {
	__u32 size;
	__u32 hwpt_id;
	__u32 flags;
	__u32 __reserved;
	__aligned_u64 iova;
	__aligned_u64 length;
	__aligned_u64 page_size;
	__aligned_u64 data;
};

#define IOMMUFD_SVA_HWPT_GET_DIRTY_BITMAP \
	_IO(IOMMUFD_SVA_TYPE, IOMMUFD_SVA_CMD_HWPT_GET_DIRTY_BITMAP)

/**
 * enum iommufd_sva_hwpt_invalidate_data_type - what HWPT_INVALIDATE is given
 * @IOMMUFD_SVA_HWPT_INVALIDATE_DATA_VTD_S1: for a nested HWPT:
 *	struct iommufd_sva_hwpt_vtd_s1_invalidate
 * @IOMMUFD_SVA_VIOMMU_INVALIDATE_DATA_ARM_SMMUV3: for an SMMUv3 vIOMMU:
 *	struct iommufd_sva_viommu_arm_smmuv3_invalidate
 *
 * One more is this interface's own: IOMMUFD_SVA_INVALIDATE_VTD_QI.
 */
enum iommufd_sva_hwpt_invalidate_data_type {
	IOMMUFD_SVA_HWPT_INVALIDATE_DATA_VTD_S1 = 0,
	IOMMUFD_SVA_VIOMMU_INVALIDATE_DATA_ARM_SMMUV3 = 1,
};

/**
 * define IOMMUFD_SVA_INVALIDATE_VTD_QI - raw VT-d invalidation descriptors
 *
 * A data type of HWPT_INVALIDATE, for a VT-d vIOMMU, or a PASID table without
 * one: the descriptors of the guest's invalidation queue as the guest wrote them,
 * entry_len 16 for 128-bit (struct iommufd_sva_vtd_qi_128) or 32 for 256-bit ones
 * (struct iommufd_sva_vtd_qi_256), as IQA_REG.DW of the guest's unit says.
 * data_uptr may point straight into the guest's memory: each descriptor is read
 * once and none is written. (Not an enumerator: ISO C has no room above
 * INT_MAX there.)
 *
 * The kernel checks every field (VT-d, 6.5.2), puts the physical source and
 * domain IDs in the place of the guest's, and submits the batch as a whole.
 * When the call returns, everything that it counts as consumed has completed in
 * the hardware. By type of descriptor:
 *
 * - context-cache: consumed and left out. Context entries are the VMM's to
 *   follow: it attaches the PASID table that they lead to;
 * - PASID-cache: what it names is read again from the guest's PASID tables, all
 *   those of this vIOMMU;
 * - IOTLB, PASID-based IOTLB: those of the guest's PASID tables, by the domain IDs
 *   in them; "global" means every domain ID of this vIOMMU. Nested HWPTs are
 *   invalidated by themselves;
 * - device-TLB, PASID-based device-TLB: the device that the source ID names
 *   in this vIOMMU; PFSID and MIP are the kernel's to fill in. Left out for a
 *   device that has no ATS on. A guest that does not use ATS need not send any:
 *   what the two above name goes from device-TLBs too. A device that does not
 *   answer in time goes on without ATS, and has nothing cached then: -ETIMEDOUT
 *   and ITE for the first one that a descriptor names. Those behind it have
 *   taken effect all the same, and may be sent again;
 * - page-group response: answers a group of page requests of the device that the
 *   source ID names in this vIOMMU, which went to a fault queue and has no answer yet,
 *   in place of a response written to the fault file. It reaches the device behind the
 *   invalidations ahead of it. Every code but success is "invalid request". One that
 *   no group waits for is consumed, counted and left out, as the device would do;
 * - interrupt-entry-cache: consumed and left out;
 * - wait: consumed and left out. The VMM completes it, by status write and
 *   interrupt, after the call and in the order of the queue.
 */
#define IOMMUFD_SVA_INVALIDATE_VTD_QI 0x80000000U

/**
 * struct iommufd_sva_vtd_qi_128 - a 128-bit VT-d invalidation descriptor
 * @qw: as in the guest's queue
 */
struct iommufd_sva_vtd_qi_128 {
	__aligned_le64 qw[2];
};

/**
 * struct iommufd_sva_vtd_qi_256 - a 256-bit VT-d invalidation descriptor
 * @qw: as in the guest's queue
 */
struct iommufd_sva_vtd_qi_256 {
	__aligned_le64 qw[4];
};

/**
 * enum iommufd_sva_vtd_qi_error - out_error of IOMMUFD_SVA_INVALIDATE_VTD_QI
 * @IOMMUFD_SVA_VTD_QI_IQEI: mask: with IQE, why, as in IQERCD_REG.IQEI: 2 the
 *	descriptor could not be read, 3 its type is none of this width, 4 a
 *	reserved bit is set; 0 another reason (an ID that is not the guest's)
 * @IOMMUFD_SVA_VTD_QI_IQE: invalidation queue error: the descriptor is bad
 * @IOMMUFD_SVA_VTD_QI_ICE: the device completed an invalidation wrongly
 * @IOMMUFD_SVA_VTD_QI_ITE: the device did not complete an invalidation in time
 * @IOMMUFD_SVA_VTD_QI_SID_SHIFT: with ICE and ITE bits 31:16 hold the guest's
 *	source ID of the device
 *
 * Every field sits where the guest's registers have it: bits 6:4 go into
 * FSTS_REG, bits 3:0 into IQERCD_REG, and the source ID into IQERCD_REG.ICESID
 * or ITESID. Zero after a failed call: the mistake was the VMM's, and the guest
 * need not hear of it.
 */
enum iommufd_sva_vtd_qi_error {
	IOMMUFD_SVA_VTD_QI_IQEI = 0xf,
	IOMMUFD_SVA_VTD_QI_IQE = 1 << 4,
	IOMMUFD_SVA_VTD_QI_ICE = 1 << 5,
	IOMMUFD_SVA_VTD_QI_ITE = 1 << 6,
	IOMMUFD_SVA_VTD_QI_SID_SHIFT = 16,
};

/**
 * enum iommufd_sva_hwpt_vtd_s1_invalidate_flags - how much of the caches
 * @IOMMUFD_SVA_VTD_INV_FLAGS_LEAF: only leaf entries changed (IH, the
 *	invalidation hint): paging-structure caches may be kept
 */
enum iommufd_sva_hwpt_vtd_s1_invalidate_flags {
	IOMMUFD_SVA_VTD_INV_FLAGS_LEAF = 1 << 0,
};

/**
 * struct iommufd_sva_hwpt_vtd_s1_invalidate - IOMMUFD_SVA_HWPT_INVALIDATE_DATA_VTD_S1
 * @addr: first input address of the first stage, 4 KiB aligned
 * @npages: 4 KiB pages; 2^64 - 1, with @addr 0: everything
 * @flags: enum iommufd_sva_hwpt_vtd_s1_invalidate_flags
 * @__reserved: 0
 *
 * Sent after the guest changed its first-stage tables. The device-TLBs of the
 * devices attached are included where ATS is on.
 */
struct iommufd_sva_hwpt_vtd_s1_invalidate {
	__aligned_u64 addr;
	__aligned_u64 npages;
	__u32 flags;
	__u32 __reserved;
};

/**
 * struct iommufd_sva_viommu_arm_smmuv3_invalidate - IOMMUFD_SVA_VIOMMU_INVALIDATE_DATA_ARM_SMMUV3
 * @cmd: a command of the guest's command queue as it stands there (Arm IHI
 *       0070, chapter 4): CMD_TLBI_NSNH_ALL, CMD_TLBI_NH_ALL, _ASID, _VA, _VAA,
 *       CMD_CFGI_CD, CMD_CFGI_CD_ALL, CMD_ATC_INV. VMID and StreamID are the
 *       kernel's to replace. CMD_ATC_INV has an effect after all before it has
 *       completed, and is left out for a device whose ATS is off
 */
struct iommufd_sva_viommu_arm_smmuv3_invalidate {
	__aligned_le64 cmd[2];
};

/**
 * struct iommufd_sva_hwpt_invalidate - ioctl(IOMMUFD_SVA_HWPT_INVALIDATE)
 * @size: sizeof(struct iommufd_sva_hwpt_invalidate)
 * @hwpt_id: a nested HWPT, a PASID table or a vIOMMU
 * @data_uptr: user pointer to an array of entries
 * @data_type: what an entry is: enum iommufd_sva_hwpt_invalidate_data_type or
 *             IOMMUFD_SVA_INVALIDATE_VTD_QI
 * @entry_len: bytes per entry, 1 to the page size and as @data_type has it
 * @entry_num: in: entries, 0 to 2^19; 0 only asks whether @data_type is known;
 *             out, whether the call succeeds or fails: entries consumed, from
 *             the first on, so that on failure it is the index of the entry at
 *             fault
 * @__reserved: in: 0
 * @out_error: out, for IOMMUFD_SVA_INVALIDATE_VTD_QI alone: 0, or on failure
 *             enum iommufd_sva_vtd_qi_error. Set it to 0 again before the next
 *             call. For iommufd's data types it is left 0, as iommufd leaves it
 *
 * Passes the guest's invalidations on. Processing stops at the first entry that
 * fails; entries before it have taken effect.
 *
 * -EINVAL
 *	@data_type is none for this object; @hwpt_id is none of the three; a
 *	null @data_uptr or an @entry_len or @entry_num out of range; a
 *	misaligned address, or a page count that does not go with it
 * -EOPNOTSUPP
 *	also: an entry has an unknown flag or a reserved field set (VTD_S1); what
 *	@hwpt_id names is invalidated through its vIOMMU only
 * -EIO
 *	an entry that the guest may not send, or that the hardware rejected.
 *	SMMUv3: the guest sees CERROR_ILL. VT-d: IQE or ICE, see @out_error
 * -EFAULT
 *	an entry cannot be read. SMMUv3: CERROR_ABT. VT-d: IQE with IQEI 2
 * -ETIMEDOUT
 *	the device did not answer an ATC or device-TLB invalidation. SMMUv3: what
 *	was consumed has taken effect but for that, and the guest's next CMD_SYNC
 *	ends in CERROR_ATC_INV_SYNC. VT-d: ITE, see @out_error
 */
struct iommufd_sva_hwpt_invalidate {
	__u32 size;
	__u32 hwpt_id;
	__aligned_u64 data_uptr;
	__u32 data_type;
	__u32 entry_len;
	__u32 entry_num;
	/* private: C99 has no unnamed unions */
	__extension__
	/* public: */
	union {
		__u32 __reserved;
		__u32 out_error;
	};
};

#define IOMMUFD_SVA_HWPT_INVALIDATE _IO(IOMMUFD_SVA_TYPE, IOMMUFD_SVA_CMD_HWPT_INVALIDATE)

/**
 * enum iommufd_sva_hwpt_pgfault_flags - flags of a page request
 * @IOMMUFD_SVA_PGFAULT_FLAGS_PASID_VALID: the request has a PASID
 * @IOMMUFD_SVA_PGFAULT_FLAGS_LAST_PAGE: the last one of its group
 */
enum iommufd_sva_hwpt_pgfault_flags {
	IOMMUFD_SVA_PGFAULT_FLAGS_PASID_VALID = 1 << 0,
	IOMMUFD_SVA_PGFAULT_FLAGS_LAST_PAGE = 1 << 1,
};

/**
 * enum iommufd_sva_hwpt_pgfault_perm - what a page request asks for
 * @IOMMUFD_SVA_PGFAULT_PERM_READ: to read
 * @IOMMUFD_SVA_PGFAULT_PERM_WRITE: to write
 * @IOMMUFD_SVA_PGFAULT_PERM_EXEC: to execute (PCIe, Execute Requested)
 * @IOMMUFD_SVA_PGFAULT_PERM_PRIV: all that in privileged mode (PCIe, Privileged
 *	Mode Requested)
 */
enum iommufd_sva_hwpt_pgfault_perm {
	IOMMUFD_SVA_PGFAULT_PERM_READ = 1 << 0,
	IOMMUFD_SVA_PGFAULT_PERM_WRITE = 1 << 1,
	IOMMUFD_SVA_PGFAULT_PERM_EXEC = 1 << 2,
	IOMMUFD_SVA_PGFAULT_PERM_PRIV = 1 << 3,
};

/**
 * struct iommufd_sva_hwpt_pgfault - one page request, read from a fault file
 * @flags: enum iommufd_sva_hwpt_pgfault_flags
 * @dev_id: the device
 * @pasid: the PASID, 0 to 2^20 - 1, when PASID_VALID is set
 * @grpid: page request group index, as the device numbers its groups
 * @perm: enum iommufd_sva_hwpt_pgfault_perm
 * @__reserved: 0
 * @addr: faulting address, in the address space of (@dev_id, @pasid)
 * @length: bytes the device is likely to need from @addr on; 0: unknown
 * @cookie: names the group in the response; the same in all requests of a group
 */
struct iommufd_sva_hwpt_pgfault {
	__u32 flags;
	__u32 dev_id;
	__u32 pasid;
	__u32 grpid;
	__u32 perm;
	__u32 __reserved;
	__aligned_u64 addr;
	__u32 length;
	__u32 cookie;
};

/**
 * enum iommufd_sva_page_response_code - how a group of page requests ended
 * @IOMMUFD_SVA_PAGE_RESP_SUCCESS: the pages are there, try again (PCIe,
 *	10.4.2.1, "Success")
 * @IOMMUFD_SVA_PAGE_RESP_INVALID: they will not be, give up (PCIe, 10.4.2.1,
 *	"Invalid Request")
 */
enum iommufd_sva_page_response_code {
	IOMMUFD_SVA_PAGE_RESP_SUCCESS = 0,
	IOMMUFD_SVA_PAGE_RESP_INVALID = 1,
};

/**
 * struct iommufd_sva_hwpt_page_response - an answer, written to a fault file
 * @cookie: from the group's requests
 * @code: enum iommufd_sva_page_response_code
 */
struct iommufd_sva_hwpt_page_response {
	__u32 cookie;
	__u32 code;
};

/**
 * struct iommufd_sva_fault_alloc - ioctl(IOMMUFD_SVA_FAULT_QUEUE_ALLOC)
 * @size: sizeof(struct iommufd_sva_fault_alloc)
 * @flags: 0
 * @out_fault_id: the new fault queue
 * @out_fault_fd: a new file descriptor on it
 *
 * Makes a queue for page requests. poll() on the file says when there are any.
 * read() takes whole groups of struct iommufd_sva_hwpt_pgfault, in the order in which
 * they were complete, and returns 0 when there is none: -ESPIPE for a length that is no
 * multiple of the struct or a file position, -EINVAL when the first group does not fit.
 * write() takes struct iommufd_sva_hwpt_page_response, in any order: -ESPIPE likewise,
 * -EINVAL for a cookie that has not been read or is not waiting for an answer any more,
 * and for an unknown code. Both return what they did before an error. The object lives
 * until the descriptor is closed and IOMMUFD_SVA_DESTROY is called; the descriptor keeps
 * the context, and what is attached in it, as long as it is open.
 *
 * Each group gets one answer. One that nobody has answered in time
 * (IOMMUFD_SVA_OPTION_PAGE_RESPONSE_TIMEOUT) is answered Invalid Request, and so is one
 * whose device is detached (see IOMMUFD_SVA_DEVICE_ATTACH) or removed. Its cookie is
 * refused then. A group whose requests are more than the device may have outstanding, or
 * that breaks the rules of PCIe otherwise, is answered Invalid Request and not seen here.
 * Where a device uses the index of a group again that waits, it has forgotten that group: it
 * was reset (6.1 and 6.12 do not tell of a reset by VFIO), or breaks a rule. That cookie is
 * refused from then on, and the group that is new has another.
 *
 * /proc/PID/fdinfo of the descriptor tells, a line for each:
 *
 * ``fault-id``, ``timeout-ms``
 *	the object; how long groups may wait
 * ``groups``, ``requests``, ``waiting``
 *	how many groups and page requests there were; groups without an answer
 * ``answered-success``, ``answered-invalid``, ``answered-by-guest``
 *	groups that were answered by write(), or through the guest's own queue
 * ``timed-out``, ``detached``
 *	groups that the kernel has answered Invalid Request
 * ``device-broke-rules``
 *	groups that their device has forgotten
 * ``too-large``
 *	groups that were, for the queue's ring: the same, and not among ``groups``
 * ``refused-code``, ``refused-cookie``
 *	answers that were refused
 *
 * -EMFILE, -ENFILE
 *	too many open files
 */
struct iommufd_sva_fault_alloc {
	__u32 size;
	__u32 flags;
	__u32 out_fault_id;
	__u32 out_fault_fd;
};

#define IOMMUFD_SVA_FAULT_QUEUE_ALLOC _IO(IOMMUFD_SVA_TYPE, IOMMUFD_SVA_CMD_FAULT_QUEUE_ALLOC)

/**
 * enum iommufd_sva_viommu_type - what kind of unit a vIOMMU is a part of
 * @IOMMUFD_SVA_VIOMMU_TYPE_DEFAULT: not to be used
 * @IOMMUFD_SVA_VIOMMU_TYPE_ARM_SMMUV3: an SMMUv3; no type-specific data
 * @IOMMUFD_SVA_VIOMMU_TYPE_TEGRA241_CMDQV: iommufd's number; -EOPNOTSUPP here
 *
 * One more is this interface's own: IOMMUFD_SVA_VIOMMU_VTD.
 */
enum iommufd_sva_viommu_type {
	IOMMUFD_SVA_VIOMMU_TYPE_DEFAULT = 0,
	IOMMUFD_SVA_VIOMMU_TYPE_ARM_SMMUV3 = 1,
	IOMMUFD_SVA_VIOMMU_TYPE_TEGRA241_CMDQV = 2,
};

/**
 * define IOMMUFD_SVA_VIOMMU_VTD - a vIOMMU type: VT-d; no type-specific data
 *
 * Domain IDs of the guest are mapped to physical ones of this vIOMMU's own, 128 of
 * them at most; what has others shares one for each PASID table.
 */
#define IOMMUFD_SVA_VIOMMU_VTD 0x80000000U

/**
 * struct iommufd_sva_viommu_alloc - ioctl(IOMMUFD_SVA_VIOMMU_ALLOC)
 * @size: sizeof(struct iommufd_sva_viommu_alloc)
 * @flags: 0
 * @type: enum iommufd_sva_viommu_type or IOMMUFD_SVA_VIOMMU_VTD
 * @dev_id: a bound device: the vIOMMU is a part of the unit in front of it
 * @hwpt_id: the NEST_PARENT HWPT that holds guest-physical memory
 * @out_viommu_id: the new vIOMMU
 * @data_len: bytes at @data_uptr; 0 for a type without data
 * @__reserved: 0, though not looked at
 * @data_uptr: user pointer to type-specific data
 *
 * Makes a guest's share of one physical IOMMU: where its cache tags, stream or
 * source IDs and command queue have a meaning.
 *
 * -EOPNOTSUPP
 *	also: the unit is not of this @type, or cannot nest
 * -EINVAL
 *	@hwpt_id is no NEST_PARENT or belongs to another unit; a wrong @data_len
 * -ENODEV
 *	the device has been removed; or @hwpt_id was made by HWPT_IMPORT and
 *	VFIO has freed its mappings
 * -ENOSPC
 *	the unit has no tag (VMID, domain ID) left
 */
struct iommufd_sva_viommu_alloc {
	__u32 size;
	__u32 flags;
	__u32 type;
	__u32 dev_id;
	__u32 hwpt_id;
	__u32 out_viommu_id;
	__u32 data_len;
	__u32 __reserved;
	__aligned_u64 data_uptr;
};

#define IOMMUFD_SVA_VIOMMU_ALLOC _IO(IOMMUFD_SVA_TYPE, IOMMUFD_SVA_CMD_VIOMMU_ALLOC)

/**
 * struct iommufd_sva_vdevice_alloc - ioctl(IOMMUFD_SVA_VDEVICE_ALLOC)
 * @size: sizeof(struct iommufd_sva_vdevice_alloc)
 * @viommu_id: the vIOMMU
 * @dev_id: the bound device
 * @out_vdevice_id: the new virtual device
 * @virt_id: what the guest's IOMMU calls it: the guest's source ID (bus << 8 |
 *           devfn, 16 bits) on VT-d, the guest's StreamID (32 bits) on SMMUv3
 *
 * Gives a device its name in a guest. Destroy it before the device.
 *
 * -EINVAL
 *	the device is behind another unit than the vIOMMU's, or @virt_id is
 *	out of range
 * -EEXIST
 *	@virt_id is taken in this vIOMMU, or the device has a virtual device
 * -EBUSY
 *	the device has names in another vIOMMU, from VSID_MAP
 * -ENODEV
 *	the device has been removed
 */
struct iommufd_sva_vdevice_alloc {
	__u32 size;
	__u32 viommu_id;
	__u32 dev_id;
	__u32 out_vdevice_id;
	__aligned_u64 virt_id;
};

#define IOMMUFD_SVA_VDEVICE_ALLOC _IO(IOMMUFD_SVA_TYPE, IOMMUFD_SVA_CMD_VDEVICE_ALLOC)

/**
 * struct iommufd_sva_ioas_change_process - ioctl(IOMMUFD_SVA_IOAS_CHANGE_PROCESS)
 * @size: sizeof(struct iommufd_sva_ioas_change_process)
 * @__reserved: 0
 *
 * Moves the charge for all pinned pages of the context to the calling process
 * and its user: the last step of handing the file to a successor, as in a live
 * update of the VMM.
 *
 * -EINVAL
 *	some mapping was not made by IOMMUFD_SVA_IOAS_MAP_FILE (memory of the
 *	old process cannot follow)
 * -EBUSY
 *	another thread is mapping or unmapping
 * -ENOMEM
 *	also: the caller's RLIMIT_MEMLOCK would be exceeded
 */
struct iommufd_sva_ioas_change_process {
	__u32 size;
	__u32 __reserved;
};

#define IOMMUFD_SVA_IOAS_CHANGE_PROCESS \
	_IO(IOMMUFD_SVA_TYPE, IOMMUFD_SVA_CMD_IOAS_CHANGE_PROCESS)

/**
 * enum iommufd_sva_veventq_flag - flags of an event header
 * @IOMMUFD_SVA_VEVENTQ_FLAG_LOST_EVENTS: events were lost here for want of
 *	room; no event data follows this header
 */
enum iommufd_sva_veventq_flag {
	IOMMUFD_SVA_VEVENTQ_FLAG_LOST_EVENTS = 1 << 0,
};

/**
 * struct iommufd_sva_vevent_header - stands before every event of a queue
 * @flags: enum iommufd_sva_veventq_flag
 * @sequence: number of the event, 0 to 2^31 - 1 and then 0 again. A step of
 *            more than 1 from one header to the next tells how many were lost
 *            between; a loss with no event after it yet is told by a header
 *            with LOST_EVENTS
 */
struct iommufd_sva_vevent_header {
	__u32 flags;
	__u32 sequence;
};

/**
 * enum iommufd_sva_veventq_type - which events a queue gets
 * @IOMMUFD_SVA_VEVENTQ_TYPE_DEFAULT: not to be used
 * @IOMMUFD_SVA_VEVENTQ_TYPE_ARM_SMMUV3: struct iommufd_sva_vevent_arm_smmuv3
 * @IOMMUFD_SVA_VEVENTQ_TYPE_TEGRA241_CMDQV: iommufd's number; -EOPNOTSUPP here
 *
 * One more is this interface's own: IOMMUFD_SVA_VEVENTQ_VTD.
 */
enum iommufd_sva_veventq_type {
	IOMMUFD_SVA_VEVENTQ_TYPE_DEFAULT = 0,
	IOMMUFD_SVA_VEVENTQ_TYPE_ARM_SMMUV3 = 1,
	IOMMUFD_SVA_VEVENTQ_TYPE_TEGRA241_CMDQV = 2,
};

/**
 * define IOMMUFD_SVA_VEVENTQ_VTD - an event queue type: VT-d faults, each a
 *	struct iommufd_sva_vevent_vtd
 */
#define IOMMUFD_SVA_VEVENTQ_VTD 0x80000000U

/**
 * struct iommufd_sva_vevent_arm_smmuv3 - IOMMUFD_SVA_VEVENTQ_TYPE_ARM_SMMUV3
 * @evt: an event record (Arm IHI 0070, 7.3) with the guest's StreamID in it:
 *       C_BAD_STE, C_BAD_SUBSTREAMID, C_BAD_CD, F_STREAM_DISABLED,
 *       F_TRANSLATION, F_ADDR_SIZE, F_ACCESS, F_PERMISSION, as iommufd has them;
 *       and what a guest's own SMMU would say of context descriptors and tables
 *       that are not in the guest's memory: F_CD_FETCH, F_WALK_EABT, with the
 *       page of the guest's in FetchAddr
 */
struct iommufd_sva_vevent_arm_smmuv3 {
	__aligned_le64 evt[4];
};

/**
 * struct iommufd_sva_vevent_vtd - IOMMUFD_SVA_VEVENTQ_VTD
 * @frcd: a fault recording register of VT-d (FRCD_REG), low half first, with
 *        the guest's source ID in SID and F set: what a guest reads from its
 *        own. The reason is one that a unit with first stage alone has: what is
 *        not in the guest's memory is a table that cannot be read (70h, 73h)
 */
struct iommufd_sva_vevent_vtd {
	__aligned_le64 frcd[2];
};

/**
 * struct iommufd_sva_veventq_alloc - ioctl(IOMMUFD_SVA_VEVENTQ_ALLOC)
 * @size: sizeof(struct iommufd_sva_veventq_alloc)
 * @flags: 0
 * @viommu_id: the vIOMMU
 * @type: enum iommufd_sva_veventq_type or IOMMUFD_SVA_VEVENTQ_VTD
 * @veventq_depth: events the queue holds, 1 to 2^19; when full it loses new ones
 * @out_veventq_id: the new event queue
 * @out_veventq_fd: a new file descriptor on it
 * @__reserved: 0
 *
 * Makes a queue for what the IOMMU reports about the guest's devices. poll()
 * says when there is something; read() returns whole events, each a struct
 * iommufd_sva_vevent_header and the data that @type names, 0 when there is
 * none, -EINVAL when the buffer is too small for one, -ESPIPE at a file
 * position other than 0.
 *
 * -EOPNOTSUPP
 *	also: the vIOMMU has no events of this @type
 * -EINVAL
 *	@veventq_depth out of range
 * -EEXIST
 *	the vIOMMU has a queue of this @type
 * -EMFILE, -ENFILE
 *	too many open files
 */
struct iommufd_sva_veventq_alloc {
	__u32 size;
	__u32 flags;
	__u32 viommu_id;
	__u32 type;
	__u32 veventq_depth;
	__u32 out_veventq_id;
	__u32 out_veventq_fd;
	__u32 __reserved;
};

#define IOMMUFD_SVA_VEVENTQ_ALLOC _IO(IOMMUFD_SVA_TYPE, IOMMUFD_SVA_CMD_VEVENTQ_ALLOC)

/* From here on: what Linux's iommufd does not have. */

/**
 * enum iommufd_sva_device_bind_flags - how to take a device
 * @IOMMUFD_SVA_BIND_VFIO: VFIO keeps the device, its registers and interrupts;
 *	what is attached here lies over VFIO's own translation until detached
 */
enum iommufd_sva_device_bind_flags {
	IOMMUFD_SVA_BIND_VFIO = 1 << 0,
};

/**
 * struct iommufd_sva_device_bind - ioctl(IOMMUFD_SVA_DEVICE_BIND)
 * @size: sizeof(struct iommufd_sva_device_bind)
 * @flags: enum iommufd_sva_device_bind_flags
 * @bdf: PCI segment << 16 | bus << 8 | device << 3 | function
 * @fd: with BIND_VFIO: the VFIO group file of the device's group, in a
 *      container; without: -1
 * @out_device_id: the device in this context
 * @__reserved: 0
 *
 * Takes a device. Raw, without a flag: the device must have no driver, and its
 * whole isolation group is kept from host drivers and other users while it is
 * bound; DMA is blocked until something is attached. The caller needs
 * CAP_SYS_RAWIO. With BIND_VFIO the right to the device is proved by @fd; DMA
 * keeps going through VFIO's mappings until something is attached.
 *
 * -EPERM
 *	raw without CAP_SYS_RAWIO; with BIND_VFIO: @fd is no VFIO group file, is
 *	that of another group, or its group has no container
 * -EBADF
 *	BIND_VFIO and @fd is not an open file
 * -EINVAL
 *	raw and @fd is not -1; or firmware requires an identity mapping for the
 *	device (RMRR), which takes it from every user
 * -ENODEV
 *	no device at @bdf, it is being removed, or no unit of ours is in front
 *	of it
 * -EBUSY
 *	the device or one of its group has a driver (raw), is bound by a context
 *	already, or its DMA belongs to somebody else
 * -EOPNOTSUPP
 *	also: raw and the device has no way to be reset (module parameter
 *	allow_no_reset)
 */
struct iommufd_sva_device_bind {
	__u32 size;
	__u32 flags;
	__u32 bdf;
	__s32 fd;
	__u32 out_device_id;
	__u32 __reserved;
};

#define IOMMUFD_SVA_DEVICE_BIND _IO(IOMMUFD_SVA_TYPE, IOMMUFD_SVA_CMD_DEVICE_BIND)

/**
 * struct iommufd_sva_device_attach - ioctl(IOMMUFD_SVA_DEVICE_ATTACH)
 * @size: sizeof(struct iommufd_sva_device_attach)
 * @flags: 0
 * @device_id: the device
 * @pasid: 1 to 2^20 - 1, of no more bits than GET_HW_INFO reports; or
 *         IOMMUFD_SVA_NO_PASID: requests without one
 * @pt_id: in: an IOAS, an HWPT or, without a PASID, a PASID table; out: the HWPT
 *         in use when an IOAS was given, else as given
 * @__reserved: 0
 *
 * Sets what translates the requests of (device, PASID). What was attached there
 * before is replaced in one step: requests in flight see the old or the new,
 * nothing in between and no gap. Given an IOAS, a fitting HWPT of that IOAS is
 * used, or one is made, which goes away by itself with its last device.
 *
 * What has a fault queue takes page requests: while it is attached they are on in the
 * device. What waits for an answer when it is detached, or replaced by something else
 * or around a reset, is answered Invalid Request then, also if what takes its place has
 * the same fault queue; the same HWPT once more changes nothing. What is on its way
 * meanwhile goes to what takes its place. Of devices of a group those make page requests
 * that were bound when something was attached, until they are detached themselves.
 *
 * Without a PASID an isolation group translates as one: its devices are
 * attached to the same thing, and replacing that for one replaces it for all. A
 * PASID is its device's own: work queues of one device can each have an address
 * space, while requests without a PASID have another, or VFIO's mappings, or are
 * blocked. Requests with a PASID to which nothing is attached are blocked. Where
 * VFIO gives the device to somebody else, or takes its mappings away, its PASIDs
 * are blocked too; around a reset by VFIO they are, and come back after it.
 *
 * PASID 0 is not to be had, as with Linux's own drivers: a unit uses it for
 * requests without a PASID, and a request of the device's that carries it is
 * translated as these are.
 *
 * On SMMUv3 a device has one stage 2 for all its requests, and what a PASID has of
 * its own is stage 1: a PASID is -EOPNOTSUPP there, a PASID table is what to attach.
 *
 * -ENOENT
 *	no such @device_id or @pt_id; or a nested HWPT that translates, on a
 *	vIOMMU in which the device has no name (VDEVICE_ALLOC, VSID_MAP)
 * -EINVAL
 *	@pt_id is of another kind, or an HWPT that does not fit the unit in front
 *	of the device; it is, or is nested on, an HWPT of HWPT_IMPORT that is not
 *	of the device's own VFIO container; another device of its group is
 *	attached to something else; @pasid is 0 or out of range; a PASID table
 *	for a PASID
 * -EOPNOTSUPP
 *	also: a PASID, a nested HWPT or a PASID table for a device that shares
 *	its requester ID with others; a PASID for a device that has none, or
 *	behind a unit that has none, a line in the log says which
 * -EADDRINUSE
 *	the device reserves addresses (MSI) that the IOAS has mapped or allowed
 * -EFAULT, -ENOMEM
 *	as in HWPT_ALLOC, when an HWPT has to be made
 * -ENODEV
 *	the device has been removed; VFIO has given it back, or has freed the
 *	mappings that HWPT_IMPORT made @pt_id of; @pt_id has a fault queue, and the
 *	device's page requests cannot be had (GET_HW_INFO), a line in the log says so
 * -EBUSY
 *	a PASID table, and something is attached to a PASID of the group's, or
 *	the other way round; @pt_id has a fault queue, and the device's physical function
 *	makes page requests for somebody else, a line in the log says so
 * -EIO
 *	@pt_id has a fault queue, and page requests that the device has made before do
 *	not stop, or those of its physical function have ended by a Response Failure, a
 *	line in the log says which; the hardware does not answer
 * -ENOSPC
 *	the unit has no domain ID left; or the fault queue serves more devices than it
 *	can tell page requests of apart (2^20)
 */
struct iommufd_sva_device_attach {
	__u32 size;
	__u32 flags;
	__u32 device_id;
	__u32 pasid;
	__u32 pt_id;
	__u32 __reserved;
};

#define IOMMUFD_SVA_DEVICE_ATTACH _IO(IOMMUFD_SVA_TYPE, IOMMUFD_SVA_CMD_DEVICE_ATTACH)

/**
 * struct iommufd_sva_device_detach - ioctl(IOMMUFD_SVA_DEVICE_DETACH)
 * @size: sizeof(struct iommufd_sva_device_detach)
 * @flags: 0
 * @device_id: the device
 * @pasid: as in struct iommufd_sva_device_attach
 *
 * Ends what is attached to (device, PASID). Requests are blocked then; without
 * a PASID on a BIND_VFIO device they go through VFIO's mappings again.
 *
 * -ENOENT
 *	no such @device_id, or nothing is attached
 * -EINVAL
 *	@pasid is 0 or out of range
 * -EOPNOTSUPP
 *	also: a PASID for a device that can have none
 * -ENODEV
 *	the device has been removed, and with it what was attached
 */
struct iommufd_sva_device_detach {
	__u32 size;
	__u32 flags;
	__u32 device_id;
	__u32 pasid;
};

#define IOMMUFD_SVA_DEVICE_DETACH _IO(IOMMUFD_SVA_TYPE, IOMMUFD_SVA_CMD_DEVICE_DETACH)

/**
 * enum iommufd_sva_vsid_map_flags - what to do with the entries
 * @IOMMUFD_SVA_VSID_ADD: put them into the map
 * @IOMMUFD_SVA_VSID_REMOVE: take them out of the map
 */
enum iommufd_sva_vsid_map_flags {
	IOMMUFD_SVA_VSID_ADD = 1 << 0,
	IOMMUFD_SVA_VSID_REMOVE = 1 << 1,
};

/**
 * struct iommufd_sva_vsid - an entry of a vIOMMU's map of guest IDs
 * @vsid: the guest's source ID or StreamID, as virt_id of
 *        struct iommufd_sva_vdevice_alloc
 * @device_id: the bound device
 * @__reserved: 0
 */
struct iommufd_sva_vsid {
	__aligned_u64 vsid;
	__u32 device_id;
	__u32 __reserved;
};

/**
 * struct iommufd_sva_vsid_map - ioctl(IOMMUFD_SVA_VSID_MAP)
 * @size: sizeof(struct iommufd_sva_vsid_map)
 * @flags: enum iommufd_sva_vsid_map_flags, exactly one
 * @viommu_id: the vIOMMU
 * @entry_num: entries, 0 to 2^19
 * @entry_len: sizeof(struct iommufd_sva_vsid)
 * @out_bad_entry: out, on failure: index of the entry at fault
 * @entries: user pointer to an array of struct iommufd_sva_vsid
 *
 * Loads or unloads many entries of the map that VDEVICE_ALLOC adds to one by
 * one; all of them or none, also for who looks at the map meanwhile. A device
 * may have several guest IDs, in one vIOMMU at a time. Destroying the vIOMMU
 * removes them; a device cannot be destroyed before its entries are gone.
 *
 * -EINVAL
 *	no flag or both; @entry_len is wrong; too many entries; an entry's vsid
 *	is out of range or its device is behind another unit than the vIOMMU's
 * -EEXIST
 *	ADD, and an entry's vsid is taken or appears twice
 * -EBUSY
 *	ADD, and an entry's device has guest IDs in another vIOMMU; REMOVE, and
 *	the entry is a virtual device's
 * -ENODEV
 *	ADD, and an entry's device has been removed
 * -ENOENT
 *	also: an entry's device_id; REMOVE, and the map has no such entry
 */
struct iommufd_sva_vsid_map {
	__u32 size;
	__u32 flags;
	__u32 viommu_id;
	__u32 entry_num;
	__u32 entry_len;
	__u32 out_bad_entry;
	__aligned_u64 entries;
};

#define IOMMUFD_SVA_VSID_MAP _IO(IOMMUFD_SVA_TYPE, IOMMUFD_SVA_CMD_VSID_MAP)

/**
 * enum iommufd_sva_pasid_table_type - what data_uptr points to
 * @IOMMUFD_SVA_PASID_TABLE_VTD: struct iommufd_sva_pasid_table_vtd
 * @IOMMUFD_SVA_PASID_TABLE_SMMUV3: struct iommufd_sva_pasid_table_smmuv3
 */
enum iommufd_sva_pasid_table_type {
	IOMMUFD_SVA_PASID_TABLE_VTD = 1,
	IOMMUFD_SVA_PASID_TABLE_SMMUV3 = 2,
};

/**
 * struct iommufd_sva_pasid_table_vtd - IOMMUFD_SVA_PASID_TABLE_VTD
 * @dir_gpa: guest-physical address of the guest's PASID directory (scalable-mode
 *           context entry field PASIDDIRPTR), 4 KiB aligned
 * @pasid_bits: bits of a PASID that the directory covers, 13 to 20: what a context
 *              entry says (PDTS) plus 13
 * @rid_pasid: PASID of requests without one (RID_PASID): 0
 */
struct iommufd_sva_pasid_table_vtd {
	__aligned_u64 dir_gpa;
	__u32 pasid_bits;
	__u32 rid_pasid;
};

/**
 * struct iommufd_sva_pasid_table_smmuv3 - IOMMUFD_SVA_PASID_TABLE_SMMUV3
 * @ste: as in struct iommufd_sva_hwpt_arm_smmuv3
 */
struct iommufd_sva_pasid_table_smmuv3 {
	__aligned_le64 ste[2];
};

/**
 * struct iommufd_sva_pasid_table_alloc - ioctl(IOMMUFD_SVA_PASID_TABLE_ALLOC)
 * @size: sizeof(struct iommufd_sva_pasid_table_alloc)
 * @flags: 0
 * @pt_id: a vIOMMU, or a NEST_PARENT HWPT
 * @fault_id: the fault queue for the page requests of all its PASIDs; 0: none
 * @data_type: enum iommufd_sva_pasid_table_type
 * @data_len: bytes at @data_uptr
 * @data_uptr: user pointer to the struct that @data_type names
 * @out_pasid_table_id: the new PASID table
 * @__reserved: 0
 *
 * Makes an object of a guest's whole PASID table, which any number of devices
 * can be attached to. On SMMUv3 the hardware walks the guest's own.
 *
 * On VT-d the kernel reads the guest's tables and keeps a physical copy, brought up to
 * date by the PASID-cache invalidations that the vIOMMU is given. One that was made
 * on a HWPT is on the unit of the devices that are attached to it, is given the
 * guest's invalidations itself (IOMMUFD_SVA_INVALIDATE_VTD_QI), and has no faults to
 * tell a guest of. The guest's unit is one with first stage (FSTS) and pass-through
 * (PT) and without second stage, nesting and memory types (MTS), and says so; with
 * caching mode (CM), so that it is told of what becomes present. Entries that such
 * a unit does not take are not present; a request that comes to one is the guest's
 * fault, with the reason that its own unit would give. Nor are those present that no
 * domain ID is left for, as if the guest had them so: the unit has some for each
 * context, and 128 for each vIOMMU.
 *
 * -EINVAL
 *	@pt_id is neither, or no NEST_PARENT; @data_len, or a field of the data,
 *	is out of range
 * -EOPNOTSUPP
 *	also: the unit is not of @data_type's kind or cannot nest
 * -ENODEV
 *	the parent was made by HWPT_IMPORT and VFIO has freed its mappings
 * -ENOSPC
 *	the unit has no domain ID left (VT-d)
 * -EIO
 *	an @ste that is not legal
 */
struct iommufd_sva_pasid_table_alloc {
	__u32 size;
	__u32 flags;
	__u32 pt_id;
	__u32 fault_id;
	__u32 data_type;
	__u32 data_len;
	__aligned_u64 data_uptr;
	__u32 out_pasid_table_id;
	__u32 __reserved;
};

#define IOMMUFD_SVA_PASID_TABLE_ALLOC _IO(IOMMUFD_SVA_TYPE, IOMMUFD_SVA_CMD_PASID_TABLE_ALLOC)

/**
 * define IOMMUFD_SVA_FAULT_RING_MAX - the most page requests that a ring holds
 */
#define IOMMUFD_SVA_FAULT_RING_MAX 0x10000

/**
 * enum iommufd_sva_fault_ring_state - @state of a ring
 * @IOMMUFD_SVA_FAULT_RING_NEED_KICK: the kernel does not look at the ring by itself: it
 *	has to be told of what has changed, by a write() of 0 bytes to the fault file
 */
enum iommufd_sva_fault_ring_state {
	IOMMUFD_SVA_FAULT_RING_NEED_KICK = 1 << 0,
};

/**
 * struct iommufd_sva_fault_ring_header - what a fault ring begins with
 * @fault_head: page requests that have been put in
 * @response_tail: responses that have been taken out
 * @state: enum iommufd_sva_fault_ring_state
 * @refused: responses that have been taken out and were none: no group of that cookie
 *	waited for an answer, or an unknown code
 * @entries: as asked for
 * @faults_offset: where the page requests are, in bytes from here on: @entries of struct
 *	iommufd_sva_hwpt_pgfault
 * @responses_offset: where the responses are: @entries of struct
 *	iommufd_sva_hwpt_page_response
 * @__reserved: 0. What is above is the kernel's to write
 * @fault_tail: page requests that have been taken out
 * @response_head: responses that have been put in
 * @__reserved2: 0. These are the VMM's to write, in a cache line of its own
 *
 * Heads and tails count from 0 and wrap after 2^32; what has the number n is entry
 * n % @entries of its array. The kernel has its own copies of what it writes here, and
 * reads what the VMM writes once each time: a VMM that writes anything else loses page
 * requests of its own, or has them answered Invalid Request when their time is over.
 *
 * Page requests come as read() would give them, whole groups, in order: a group is put
 * in when there is room for all of it, until then it waits, and those after it. (What
 * waits can be had by read(), too.) A group of more than @entries is answered Invalid
 * Request.
 *
 * To take page requests out:
 *
 * 1. load @fault_head with acquire semantics; from @fault_tail up to there they are valid;
 * 2. read them;
 * 3. store @fault_tail with release semantics: the kernel may write there again.
 *
 * When there are none left (@fault_tail as stored is what @fault_head was): a full
 * barrier, then load @fault_head again. Still none: the eventfd is signalled with the next
 * one. It is signalled when a group is put in and the kernel, after a full barrier of its
 * own, finds @fault_tail where the group begins: whoever of the two looks second sees what
 * the other has stored.
 *
 * To put responses in:
 *
 * 1. load @response_tail with acquire semantics; there is room for @entries more than that;
 * 2. write them;
 * 3. store @response_head with release semantics.
 *
 * After @fault_tail or @response_head, or both, have been stored: a full barrier, then
 * load @state. With NEED_KICK: write() 0 bytes. Otherwise the kernel looks at the ring again
 * before it stops: it sets NEED_KICK, then, after a full barrier, takes out what is there. It
 * does not say so while a group is without an answer and the VMM has given one not long
 * ago. Responses that are refused count for none: they are taken out, slowly, and do not keep
 * the kernel looking. A group that nobody kicks for is answered when its time is over.
 */
struct iommufd_sva_fault_ring_header {
	__u32 fault_head;
	__u32 response_tail;
	__u32 state;
	__u32 refused;
	__u32 entries;
	__u32 faults_offset;
	__u32 responses_offset;
	__u32 __reserved[9];
	__u32 fault_tail;
	__u32 response_head;
	__u32 __reserved2[14];
};

/**
 * struct iommufd_sva_fault_ring - ioctl(IOMMUFD_SVA_FAULT_RING)
 * @size: sizeof(struct iommufd_sva_fault_ring)
 * @flags: 0
 * @fault_id: the fault queue
 * @eventfd: an eventfd to signal when page requests arrive; -1: none
 * @entries: page requests that the ring holds, a power of two, up to
 *	IOMMUFD_SVA_FAULT_RING_MAX; 0: no ring
 * @__reserved: 0
 * @out_mmap_length: bytes to mmap() of the fault file, from offset 0; 0: no ring
 *
 * Gives a fault queue an eventfd, and a ring in memory shared with the VMM, so that
 * neither a page request nor its answer costs a system call. mmap() takes exactly
 * @out_mmap_length bytes from offset 0, MAP_SHARED, and is -EINVAL for anything else;
 * what is mapped begins with struct iommufd_sva_fault_ring_header and stays as long as
 * it is mapped. write() of responses goes on to work. Without a ring the eventfd is
 * signalled when a group arrives and none was there to be read.
 *
 * -EINVAL
 *	@entries is no power of two or too many; @eventfd is no eventfd; neither a ring
 *	nor an eventfd is asked for; or a group waits already that has more requests
 *	than @entries
 * -EBADF
 *	@eventfd is neither -1 nor an open file
 * -EBUSY
 *	the fault queue has a ring or an eventfd
 */
struct iommufd_sva_fault_ring {
	__u32 size;
	__u32 flags;
	__u32 fault_id;
	__s32 eventfd;
	__u32 entries;
	__u32 __reserved;
	__aligned_u64 out_mmap_length;
};

#define IOMMUFD_SVA_FAULT_RING _IO(IOMMUFD_SVA_TYPE, IOMMUFD_SVA_CMD_FAULT_RING)

/**
 * struct iommufd_sva_hwpt_import - ioctl(IOMMUFD_SVA_HWPT_IMPORT)
 * @size: sizeof(struct iommufd_sva_hwpt_import)
 * @flags: 0
 * @device_id: a device bound with BIND_VFIO
 * @out_hwpt_id: the new HWPT, a nesting parent
 *
 * Makes the mappings that the device's VFIO container holds usable as a nesting
 * parent, for the devices of that container that are bound here. They stay
 * VFIO's: when VFIO frees them, what is nested on them ends and the HWPT is good
 * for nothing but DESTROY.
 *
 * -EINVAL
 *	the device was not bound with BIND_VFIO
 * -ENODEV
 *	VFIO has freed its mappings, here or in a later use of the HWPT; or the
 *	device has been removed
 * -EOPNOTSUPP
 *	also: the unit cannot nest; or it has the erratum
 *	IOMMUFD_SVA_HW_INFO_VTD_ERRATA_772415_SPR17, and VFIO has mapped
 *	something read-only
 */
struct iommufd_sva_hwpt_import {
	__u32 size;
	__u32 flags;
	__u32 device_id;
	__u32 out_hwpt_id;
};

#define IOMMUFD_SVA_HWPT_IMPORT _IO(IOMMUFD_SVA_TYPE, IOMMUFD_SVA_CMD_HWPT_IMPORT)

/**
 * struct iommufd_sva_mm_bind - ioctl(IOMMUFD_SVA_MM_BIND)
 * @size: sizeof(struct iommufd_sva_mm_bind)
 * @flags: 0
 * @device_id: the device
 * @pasid: 0 to 2^20 - 1, below what GET_HW_INFO reports
 *
 * Lets (device, PASID) use the calling process's own address space: pages are
 * brought in as the device asks for them and leave when the process loses them.
 *
 * -EINVAL
 *	@pasid out of range
 * -EBUSY
 *	something is attached to @pasid
 * -EOPNOTSUPP
 *	also: the device has no PASIDs or no page requests
 */
struct iommufd_sva_mm_bind {
	__u32 size;
	__u32 flags;
	__u32 device_id;
	__u32 pasid;
};

#define IOMMUFD_SVA_MM_BIND _IO(IOMMUFD_SVA_TYPE, IOMMUFD_SVA_CMD_MM_BIND)

/**
 * struct iommufd_sva_pasid_grant - ioctl(IOMMUFD_SVA_PASID_GRANT)
 * @size: sizeof(struct iommufd_sva_pasid_grant)
 * @flags: 0
 * @device_id: the device
 * @first_pasid: first PASID granted
 * @count: how many, at least 1
 * @out_fd: a file descriptor to pass to another process
 *
 * Makes a file that lets its holder bind these PASIDs of the device, and these
 * only: work queues of one device for several VMMs.
 *
 * -EINVAL
 *	@count is 0, or the range exceeds the device's PASIDs
 * -EBUSY
 *	a PASID of the range is attached or granted already
 * -EMFILE, -ENFILE
 *	too many open files
 */
struct iommufd_sva_pasid_grant {
	__u32 size;
	__u32 flags;
	__u32 device_id;
	__u32 first_pasid;
	__u32 count;
	__s32 out_fd;
};

#define IOMMUFD_SVA_PASID_GRANT _IO(IOMMUFD_SVA_TYPE, IOMMUFD_SVA_CMD_PASID_GRANT)

#endif /* _UAPI_IOMMUFD_SVA_H */
