// SPDX-License-Identifier: GPL-2.0-only
/* The ioctls of /dev/iommufd_sva, and the little things every test needs. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sva.h"

#ifndef MAP_HUGE_SHIFT
#define MAP_HUGE_SHIFT 26
#endif

int sva_open(void)
{
	int fd = open(SVA_DEV, O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int sva_ioctl(int fd, unsigned long cmd, void *arg)
{
	return ioctl(fd, cmd, arg) < 0 ? -errno : 0;
}

int sva_destroy(int fd, uint32_t id)
{
	struct iommufd_sva_destroy cmd = { .size = sizeof(cmd), .id = id };

	return sva_ioctl(fd, IOMMUFD_SVA_DESTROY, &cmd);
}

int sva_ioas_alloc(int fd, uint32_t *ioas)
{
	struct iommufd_sva_ioas_alloc cmd = { .size = sizeof(cmd) };
	int rc = sva_ioctl(fd, IOMMUFD_SVA_IOAS_ALLOC, &cmd);

	*ioas = cmd.out_ioas_id;
	return rc;
}

int sva_map(int fd, uint32_t ioas, const void *va, uint64_t length,
	    uint64_t iova, uint32_t prot)
{
	struct iommufd_sva_ioas_map cmd = {
		.size = sizeof(cmd),
		.flags = prot | IOMMUFD_SVA_IOAS_MAP_FIXED_IOVA,
		.ioas_id = ioas,
		.user_va = (uintptr_t)va,
		.length = length,
		.iova = iova,
	};

	return sva_ioctl(fd, IOMMUFD_SVA_IOAS_MAP, &cmd);
}

int sva_map_any(int fd, uint32_t ioas, const void *va, uint64_t length,
		uint64_t *iova, uint32_t prot)
{
	struct iommufd_sva_ioas_map cmd = {
		.size = sizeof(cmd),
		.flags = prot,
		.ioas_id = ioas,
		.user_va = (uintptr_t)va,
		.length = length,
	};
	int rc = sva_ioctl(fd, IOMMUFD_SVA_IOAS_MAP, &cmd);

	*iova = cmd.iova;
	return rc;
}

int sva_map_file(int fd, uint32_t ioas, int memfd, uint64_t start,
		 uint64_t length, uint64_t iova, uint32_t prot)
{
	struct iommufd_sva_ioas_map_file cmd = {
		.size = sizeof(cmd),
		.flags = prot | IOMMUFD_SVA_IOAS_MAP_FIXED_IOVA,
		.ioas_id = ioas,
		.fd = memfd,
		.start = start,
		.length = length,
		.iova = iova,
	};

	return sva_ioctl(fd, IOMMUFD_SVA_IOAS_MAP_FILE, &cmd);
}

int sva_copy(int fd, uint32_t dst, uint64_t dst_iova, uint32_t src,
	     uint64_t src_iova, uint64_t length, uint32_t prot)
{
	struct iommufd_sva_ioas_copy cmd = {
		.size = sizeof(cmd),
		.flags = prot | IOMMUFD_SVA_IOAS_MAP_FIXED_IOVA,
		.dst_ioas_id = dst,
		.src_ioas_id = src,
		.length = length,
		.dst_iova = dst_iova,
		.src_iova = src_iova,
	};

	return sva_ioctl(fd, IOMMUFD_SVA_IOAS_COPY, &cmd);
}

int sva_unmap(int fd, uint32_t ioas, uint64_t iova, uint64_t length,
	      uint64_t *unmapped)
{
	struct iommufd_sva_ioas_unmap cmd = {
		.size = sizeof(cmd),
		.ioas_id = ioas,
		.iova = iova,
		.length = length,
	};
	int rc = sva_ioctl(fd, IOMMUFD_SVA_IOAS_UNMAP, &cmd);

	if (unmapped)
		*unmapped = cmd.length;
	return rc;
}

int sva_ranges(int fd, uint32_t ioas, struct iommufd_sva_iova_range *ranges,
	       uint32_t *num, uint64_t *align)
{
	struct iommufd_sva_ioas_iova_ranges cmd = {
		.size = sizeof(cmd),
		.ioas_id = ioas,
		.num_iovas = *num,
		.allowed_iovas = (uintptr_t)ranges,
	};
	int rc = sva_ioctl(fd, IOMMUFD_SVA_IOAS_IOVA_RANGES, &cmd);

	*num = cmd.num_iovas;
	if (align)
		*align = cmd.out_iova_alignment;
	return rc;
}

int sva_allow(int fd, uint32_t ioas,
	      const struct iommufd_sva_iova_range *ranges, uint32_t num)
{
	struct iommufd_sva_ioas_allow_iovas cmd = {
		.size = sizeof(cmd),
		.ioas_id = ioas,
		.num_iovas = num,
		.allowed_iovas = (uintptr_t)ranges,
	};

	return sva_ioctl(fd, IOMMUFD_SVA_IOAS_ALLOW_IOVAS, &cmd);
}

int sva_option(int fd, uint32_t option, uint16_t op, uint32_t object,
	       uint64_t *val)
{
	struct iommufd_sva_option cmd = {
		.size = sizeof(cmd),
		.option_id = option,
		.op = op,
		.object_id = object,
		.val64 = *val,
	};
	int rc = sva_ioctl(fd, IOMMUFD_SVA_OPTION, &cmd);

	*val = cmd.val64;
	return rc;
}

static int bind_fd(int fd, uint32_t flags, uint32_t bdf, int group_fd,
		   uint32_t *device)
{
	struct iommufd_sva_device_bind cmd = {
		.size = sizeof(cmd),
		.flags = flags,
		.bdf = bdf,
		.fd = group_fd,
	};
	int rc = sva_ioctl(fd, IOMMUFD_SVA_DEVICE_BIND, &cmd);

	*device = cmd.out_device_id;
	return rc;
}

int sva_bind(int fd, uint32_t bdf, uint32_t *device)
{
	return bind_fd(fd, 0, bdf, -1, device);
}

int sva_bind_vfio(int fd, uint32_t bdf, int group_fd, uint32_t *device)
{
	return bind_fd(fd, IOMMUFD_SVA_BIND_VFIO, bdf, group_fd, device);
}

uint64_t sva_capabilities(int fd, uint32_t device)
{
	struct iommufd_sva_hw_info cmd = { .size = sizeof(cmd), .dev_id = device };

	return sva_ioctl(fd, IOMMUFD_SVA_GET_HW_INFO, &cmd) ? ~0ULL : cmd.out_capabilities;
}

int sva_attach(int fd, uint32_t device, uint32_t pt, uint32_t *hwpt)
{
	return sva_attach_pasid(fd, device, IOMMUFD_SVA_NO_PASID, pt, hwpt);
}

int sva_attach_pasid(int fd, uint32_t device, uint32_t pasid, uint32_t pt, uint32_t *hwpt)
{
	struct iommufd_sva_device_attach cmd = {
		.size = sizeof(cmd),
		.device_id = device,
		.pasid = pasid,
		.pt_id = pt,
	};
	int rc = sva_ioctl(fd, IOMMUFD_SVA_DEVICE_ATTACH, &cmd);

	if (hwpt)
		*hwpt = cmd.pt_id;
	return rc;
}

int sva_detach(int fd, uint32_t device)
{
	return sva_detach_pasid(fd, device, IOMMUFD_SVA_NO_PASID);
}

int sva_detach_pasid(int fd, uint32_t device, uint32_t pasid)
{
	struct iommufd_sva_device_detach cmd = {
		.size = sizeof(cmd),
		.device_id = device,
		.pasid = pasid,
	};

	return sva_ioctl(fd, IOMMUFD_SVA_DEVICE_DETACH, &cmd);
}

int sva_hwpt_alloc(int fd, uint32_t device, uint32_t pt, uint32_t flags,
		   uint32_t *hwpt)
{
	struct iommufd_sva_hwpt_alloc cmd = {
		.size = sizeof(cmd),
		.flags = flags,
		.dev_id = device,
		.pt_id = pt,
	};
	int rc = sva_ioctl(fd, IOMMUFD_SVA_HWPT_ALLOC, &cmd);

	*hwpt = cmd.out_hwpt_id;
	return rc;
}

int sva_fault_alloc(int fd, uint32_t *fault, int *fault_fd)
{
	struct iommufd_sva_fault_alloc cmd = { .size = sizeof(cmd) };
	int rc = sva_ioctl(fd, IOMMUFD_SVA_FAULT_QUEUE_ALLOC, &cmd);

	*fault = cmd.out_fault_id;
	*fault_fd = rc ? -1 : (int)cmd.out_fault_fd;
	return rc;
}

int sva_hwpt_fault(int fd, uint32_t device, uint32_t ioas, uint32_t fault, uint32_t *hwpt)
{
	struct iommufd_sva_hwpt_alloc cmd = {
		.size = sizeof(cmd),
		.flags = IOMMUFD_SVA_HWPT_FAULT_ID_VALID,
		.dev_id = device,
		.pt_id = ioas,
		.fault_id = fault,
	};
	int rc = sva_ioctl(fd, IOMMUFD_SVA_HWPT_ALLOC, &cmd);

	*hwpt = cmd.out_hwpt_id;
	return rc;
}

/* An aligned piece is cut out of a larger mapping, so that munmap() is exact. */
int sva_viommu_alloc(int fd, uint32_t type, uint32_t device, uint32_t parent,
		     uint32_t *viommu)
{
	struct iommufd_sva_viommu_alloc cmd = {
		.size = sizeof(cmd),
		.type = type,
		.dev_id = device,
		.hwpt_id = parent,
	};
	int rc = sva_ioctl(fd, IOMMUFD_SVA_VIOMMU_ALLOC, &cmd);

	*viommu = cmd.out_viommu_id;
	return rc;
}

int sva_vdevice_alloc(int fd, uint32_t viommu, uint32_t device, uint64_t virt_id,
		      uint32_t *vdevice)
{
	struct iommufd_sva_vdevice_alloc cmd = {
		.size = sizeof(cmd),
		.viommu_id = viommu,
		.dev_id = device,
		.virt_id = virt_id,
	};
	int rc = sva_ioctl(fd, IOMMUFD_SVA_VDEVICE_ALLOC, &cmd);

	*vdevice = cmd.out_vdevice_id;
	return rc;
}

int sva_vsid_map(int fd, uint32_t viommu, uint32_t flags,
		 const struct iommufd_sva_vsid *entries, uint32_t num, uint32_t *bad)
{
	struct iommufd_sva_vsid_map cmd = {
		.size = sizeof(cmd),
		.flags = flags,
		.viommu_id = viommu,
		.entry_num = num,
		.entry_len = sizeof(*entries),
		.entries = (uintptr_t)entries,
	};
	int rc = sva_ioctl(fd, IOMMUFD_SVA_VSID_MAP, &cmd);

	if (bad)
		*bad = cmd.out_bad_entry;
	return rc;
}

int sva_hwpt_nested(int fd, uint32_t device, uint32_t pt, uint32_t data_type,
		    const void *data, uint32_t len, uint32_t *hwpt)
{
	struct iommufd_sva_hwpt_alloc cmd = {
		.size = sizeof(cmd),
		.dev_id = device,
		.pt_id = pt,
		.data_type = data_type,
		.data_len = len,
		.data_uptr = (uintptr_t)data,
	};
	int rc = sva_ioctl(fd, IOMMUFD_SVA_HWPT_ALLOC, &cmd);

	*hwpt = cmd.out_hwpt_id;
	return rc;
}

int sva_pasid_table_alloc(int fd, uint32_t pt, uint32_t data_type,
			  const void *data, uint32_t len, uint32_t *table)
{
	return sva_pasid_table_fault(fd, pt, 0, data_type, data, len, table);
}

int sva_pasid_table_fault(int fd, uint32_t pt, uint32_t fault, uint32_t data_type,
			  const void *data, uint32_t len, uint32_t *table)
{
	struct iommufd_sva_pasid_table_alloc cmd = {
		.size = sizeof(cmd),
		.pt_id = pt,
		.fault_id = fault,
		.data_type = data_type,
		.data_len = len,
		.data_uptr = (uintptr_t)data,
	};
	int rc = sva_ioctl(fd, IOMMUFD_SVA_PASID_TABLE_ALLOC, &cmd);

	*table = cmd.out_pasid_table_id;
	return rc;
}

int sva_invalidate(int fd, uint32_t pt, uint32_t data_type, const void *entries,
		   uint32_t entry_len, uint32_t *num)
{
	struct iommufd_sva_hwpt_invalidate cmd = {
		.size = sizeof(cmd),
		.hwpt_id = pt,
		.data_uptr = (uintptr_t)entries,
		.data_type = data_type,
		.entry_len = entry_len,
		.entry_num = *num,
	};
	int rc = sva_ioctl(fd, IOMMUFD_SVA_HWPT_INVALIDATE, &cmd);

	*num = cmd.entry_num;
	return rc;
}

int sva_veventq_alloc(int fd, uint32_t viommu, uint32_t type, uint32_t depth,
		      uint32_t *veventq, int *event_fd)
{
	struct iommufd_sva_veventq_alloc cmd = {
		.size = sizeof(cmd),
		.viommu_id = viommu,
		.type = type,
		.veventq_depth = depth,
	};
	int rc = sva_ioctl(fd, IOMMUFD_SVA_VEVENTQ_ALLOC, &cmd);

	*veventq = cmd.out_veventq_id;
	*event_fd = rc ? -1 : (int)cmd.out_veventq_fd;
	return rc;
}

int sva_hwpt_import(int fd, uint32_t device, uint32_t *hwpt)
{
	struct iommufd_sva_hwpt_import cmd = {
		.size = sizeof(cmd),
		.device_id = device,
	};
	int rc = sva_ioctl(fd, IOMMUFD_SVA_HWPT_IMPORT, &cmd);

	*hwpt = cmd.out_hwpt_id;
	return rc;
}

void *mem_alloc(size_t length, size_t align)
{
	char *raw, *mem;

	if (align < SZ_4K)
		align = SZ_4K;
	raw = mmap(NULL, length + align, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (raw == MAP_FAILED)
		return NULL;
	mem = (char *)(((uintptr_t)raw + align - 1) & ~(align - 1));
	if (mem != raw)
		munmap(raw, mem - raw);
	munmap(mem + length, raw + align - mem);
	memset(mem, 0, length);
	return mem;
}

void mem_free(void *mem, size_t length)
{
	munmap(mem, length);
}

void *mem_alloc_huge(size_t length, size_t page)
{
	int log2 = __builtin_ctzl(page);
	unsigned long want = length / page, have, total;
	char path[96], buf[32];
	void *mem;

	/* The pool may be too small: add to it. mmap() tells if that failed. */
	snprintf(path, sizeof(path),
		 "/sys/kernel/mm/hugepages/hugepages-%lukB/free_hugepages",
		 page / 1024);
	have = strtoul(file_line(path, buf, sizeof(buf)), NULL, 0);
	if (have < want) {
		snprintf(path, sizeof(path),
			 "/sys/kernel/mm/hugepages/hugepages-%lukB/nr_hugepages",
			 page / 1024);
		total = strtoul(file_line(path, buf, sizeof(buf)), NULL, 0);
		snprintf(buf, sizeof(buf), "%lu", total + want - have);
		file_write(path, buf);
	}
	mem = mmap(NULL, length, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB |
		   (log2 << MAP_HUGE_SHIFT), -1, 0);
	if (mem == MAP_FAILED)
		return NULL;
	memset(mem, 0, length);
	return mem;
}

static uint8_t pattern(size_t i, unsigned int seed)
{
	uint32_t x = (uint32_t)(i / 4 + 1) * 2654435761u ^ seed * 40503u;

	return (uint8_t)(x >> (i % 4 * 8)) ^ (uint8_t)(x >> 13);
}

void mem_fill(void *mem, size_t length, unsigned int seed)
{
	uint8_t *p = mem;

	for (size_t i = 0; i < length; i++)
		p[i] = pattern(i, seed);
}

long mem_check(const void *mem, size_t length, unsigned int seed)
{
	const uint8_t *p = mem;

	for (size_t i = 0; i < length; i++)
		if (p[i] != pattern(i, seed))
			return (long)i;
	return -1;
}

uint64_t mem_phys(const void *va)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t entry = 0;

	if (fd < 0)
		return 0;
	if (pread(fd, &entry, sizeof(entry), (uintptr_t)va / SZ_4K * 8) !=
	    sizeof(entry))
		entry = 0;
	close(fd);
	if (!(entry >> 63))
		return 0;
	return (entry & ((1ULL << 55) - 1)) * SZ_4K + (uintptr_t)va % SZ_4K;
}

unsigned long status_kb(const char *field)
{
	char line[128];
	unsigned long kb = 0;
	FILE *f = fopen("/proc/self/status", "r");

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, field, strlen(field)))
			kb = strtoul(line + strlen(field) + 1, NULL, 0);
	if (f)
		fclose(f);
	return kb;
}

int drop_ipc_lock(void)
{
	struct __user_cap_header_struct hdr = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct caps[2];

	if (syscall(SYS_capget, &hdr, caps))
		return -errno;
	caps[0].effective &= ~(1U << CAP_IPC_LOCK);
	return syscall(SYS_capset, &hdr, caps) ? -errno : 0;
}

long mem_pins(void)
{
	long value, acquired = 0, released = 0;
	char line[128];
	FILE *f;

	/* The counters are per CPU until somebody asks for them. */
	file_write("/proc/sys/vm/stat_refresh", "1");
	f = fopen("/proc/vmstat", "r");
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "nr_foll_pin_acquired %ld", &value) == 1)
			acquired = value;
		if (sscanf(line, "nr_foll_pin_released %ld", &value) == 1)
			released = value;
	}
	if (f)
		fclose(f);
	return acquired - released;
}

char *file_line(const char *path, char *buf, size_t len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = -1;

	if (fd >= 0) {
		n = read(fd, buf, len - 1);
		close(fd);
	}
	buf[n > 0 ? n : 0] = 0;
	buf[strcspn(buf, "\n")] = 0;
	return buf;
}

int file_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int rc = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		rc = -errno;
	close(fd);
	return rc;
}

int sh(const char *fmt, ...)
{
	char cmd[1024];
	va_list ap;
	int status;

	va_start(ap, fmt);
	vsnprintf(cmd, sizeof(cmd), fmt, ap);
	va_end(ap);
	fflush(NULL);
	status = system(cmd);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}
