/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ioctls of /dev/iommufd_sva, one function each. All return 0 or a
 * negative errno, so that a test says in one line what it expects.
 */
#ifndef SELFTEST_SVA_H
#define SELFTEST_SVA_H

#include <stddef.h>
#include <stdint.h>
#include <iommufd_sva.h>

#define SVA_DEV "/dev/iommufd_sva"

#define SVA_READ IOMMUFD_SVA_IOAS_MAP_READABLE
#define SVA_WRITE IOMMUFD_SVA_IOAS_MAP_WRITEABLE
#define SVA_RW (SVA_READ | SVA_WRITE)

#define SZ_4K 0x1000UL
#define SZ_64K 0x10000UL
#define SZ_2M 0x200000UL
#define SZ_1G 0x40000000UL

/* A new context: a file descriptor. */
int sva_open(void);
int sva_ioctl(int fd, unsigned long cmd, void *arg);
int sva_destroy(int fd, uint32_t id);

int sva_ioas_alloc(int fd, uint32_t *ioas);
int sva_map(int fd, uint32_t ioas, const void *va, uint64_t length,
	    uint64_t iova, uint32_t prot);
/* The kernel chooses the IOVA. */
int sva_map_any(int fd, uint32_t ioas, const void *va, uint64_t length,
		uint64_t *iova, uint32_t prot);
int sva_map_file(int fd, uint32_t ioas, int memfd, uint64_t start,
		 uint64_t length, uint64_t iova, uint32_t prot);
int sva_copy(int fd, uint32_t dst, uint64_t dst_iova, uint32_t src,
	     uint64_t src_iova, uint64_t length, uint32_t prot);
/* @unmapped: may be NULL */
int sva_unmap(int fd, uint32_t ioas, uint64_t iova, uint64_t length,
	      uint64_t *unmapped);
/* @num: in: room in @ranges, out: how many there are. @align: may be NULL */
int sva_ranges(int fd, uint32_t ioas, struct iommufd_sva_iova_range *ranges,
	       uint32_t *num, uint64_t *align);
int sva_allow(int fd, uint32_t ioas,
	      const struct iommufd_sva_iova_range *ranges, uint32_t num);
int sva_option(int fd, uint32_t option, uint16_t op, uint32_t object,
	       uint64_t *val);

int sva_bind(int fd, uint32_t bdf, uint32_t *device);
int sva_bind_vfio(int fd, uint32_t bdf, int group_fd, uint32_t *device);
/* What GET_HW_INFO says it can have; ~0: nothing is said. */
uint64_t sva_capabilities(int fd, uint32_t device);
/* @hwpt: may be NULL */
int sva_attach(int fd, uint32_t device, uint32_t pt, uint32_t *hwpt);
int sva_detach(int fd, uint32_t device);
int sva_attach_pasid(int fd, uint32_t device, uint32_t pasid, uint32_t pt, uint32_t *hwpt);
int sva_detach_pasid(int fd, uint32_t device, uint32_t pasid);
int sva_hwpt_alloc(int fd, uint32_t device, uint32_t pt, uint32_t flags,
		   uint32_t *hwpt);

/* A fault queue and its file; a HWPT on an IOAS that has it. */
int sva_fault_alloc(int fd, uint32_t *fault, int *fault_fd);
int sva_hwpt_fault(int fd, uint32_t device, uint32_t ioas, uint32_t fault, uint32_t *hwpt);

/* Nesting; @type and @data_type as the uAPI numbers them. */
int sva_viommu_alloc(int fd, uint32_t type, uint32_t device, uint32_t parent,
		     uint32_t *viommu);
int sva_vdevice_alloc(int fd, uint32_t viommu, uint32_t device, uint64_t virt_id,
		      uint32_t *vdevice);
int sva_vsid_map(int fd, uint32_t viommu, uint32_t flags,
		 const struct iommufd_sva_vsid *entries, uint32_t num, uint32_t *bad);
int sva_hwpt_nested(int fd, uint32_t device, uint32_t pt, uint32_t data_type,
		    const void *data, uint32_t len, uint32_t *hwpt);
int sva_pasid_table_alloc(int fd, uint32_t pt, uint32_t data_type,
			  const void *data, uint32_t len, uint32_t *table);
/* With a fault queue, or without (0). */
int sva_pasid_table_fault(int fd, uint32_t pt, uint32_t fault, uint32_t data_type,
			  const void *data, uint32_t len, uint32_t *table);
/* @num: in: entries; out, also on failure: how many were consumed */
int sva_invalidate(int fd, uint32_t pt, uint32_t data_type, const void *entries,
		   uint32_t entry_len, uint32_t *num);
int sva_veventq_alloc(int fd, uint32_t viommu, uint32_t type, uint32_t depth,
		      uint32_t *veventq, int *event_fd);
int sva_hwpt_import(int fd, uint32_t device, uint32_t *hwpt);

/* Zeroed memory of the process, aligned to @align, every page present. */
void *mem_alloc(size_t length, size_t align);
void mem_free(void *mem, size_t length);
/* The same of huge pages of @page bytes; NULL when the machine has none to give. */
void *mem_alloc_huge(size_t length, size_t page);
/* Bytes that follow from @seed; the check returns where they first differ, or -1. */
void mem_fill(void *mem, size_t length, unsigned int seed);
long mem_check(const void *mem, size_t length, unsigned int seed);
/* Physical address behind @va, 0 when not told. */
uint64_t mem_phys(const void *va);

/* A number of kB in /proc/self/status, 0 when it is not there. */
unsigned long status_kb(const char *field);
/* Pinned pages of who has CAP_IPC_LOCK are counted but not charged: lose it. */
int drop_ipc_lock(void);
/* How many pages are pinned, by anybody, as the kernel counts them. */
long mem_pins(void);

/* One line of a file without its end, "" when it cannot be read. */
char *file_line(const char *path, char *buf, size_t len);
int file_write(const char *path, const char *text);
/* Run a shell command; its exit status. */
int sh(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
uint64_t now_ns(void);

#endif
