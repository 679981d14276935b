// SPDX-License-Identifier: GPL-2.0-only
/*
 * Taking a device, attaching address spaces to it, giving it back. No DMA:
 * that is dma.c's. Needs a unit of ours with a DMA engine behind it.
 */
#include <sys/resource.h>

#include "selftest.h"

FIXTURE(device)
{
	char name[PCI_NAME_LEN];
	uint32_t bdf;
	int fd;
	uint32_t ioas;
	uint32_t device;
	char *mem;
};

FIXTURE_SETUP(device)
{
	NEED_ENGINE(0, self->name);
	self->bdf = pci_bdf(self->name);
	self->fd = sva_open();
	ASSERT_LE(0, self->fd) TH_LOG("cannot open " SVA_DEV);
	ASSERT_EQ(0, sva_ioas_alloc(self->fd, &self->ioas));
	self->mem = mem_alloc(SZ_2M, SZ_2M);
	ASSERT_NE(NULL, self->mem);
	ASSERT_EQ(0, pci_unbind(self->name));
	ASSERT_EQ(0, sva_bind(self->fd, self->bdf, &self->device));
}

FIXTURE_TEARDOWN(device)
{
	close(self->fd);
}

static int get_hw_info(int fd, uint32_t device, void *data, uint32_t len,
		       struct iommufd_sva_hw_info *info)
{
	uint32_t flags = info->flags, type = info->in_data_type;

	*info = (struct iommufd_sva_hw_info){
		.size = sizeof(*info),
		.flags = flags,
		.dev_id = device,
		.data_len = len,
		.data_uptr = (uintptr_t)data,
		.in_data_type = type,
	};
	return sva_ioctl(fd, IOMMUFD_SVA_GET_HW_INFO, info);
}

TEST_F(device, is_in_a_group)
{
	EXPECT_LE(0, pci_group(self->name));
}

TEST_F(device, bind_twice)
{
	uint32_t again;
	int other = sva_open();

	EXPECT_EQ(-EBUSY, sva_bind(self->fd, self->bdf, &again));
	EXPECT_EQ(-EBUSY, sva_bind(other, self->bdf, &again));
	/* Once given back anybody can have it, many times. */
	for (int i = 0; i < 5; i++) {
		ASSERT_EQ(0, sva_destroy(self->fd, self->device));
		EXPECT_EQ(0, sva_bind(other, self->bdf, &again));
		EXPECT_EQ(-EBUSY, sva_bind(self->fd, self->bdf, &self->device));
		close(other);
		other = sva_open();
		ASSERT_EQ(0, sva_bind(self->fd, self->bdf, &self->device));
	}
	close(other);
}

TEST_F(device, bind_nothing)
{
	struct iommufd_sva_device_bind cmd = {
		.size = sizeof(cmd), .bdf = self->bdf, .fd = 0,
	};
	uint32_t out;

	EXPECT_EQ(-ENODEV, sva_bind(self->fd, 0xff << 8 | 0x1f << 3 | 7, &out));
	EXPECT_EQ(-ENODEV, sva_bind(self->fd, 0x7fff0000 | self->bdf, &out));
	ASSERT_EQ(0, sva_destroy(self->fd, self->device));
	EXPECT_EQ(-EINVAL, sva_ioctl(self->fd, IOMMUFD_SVA_DEVICE_BIND, &cmd))
		TH_LOG("raw with a file");
	EXPECT_EQ(0, sva_bind(self->fd, self->bdf, &out));
}

/* The disk's driver goes on, and the device keeps passing through. */
TEST_F(device, bind_with_host_driver)
{
	char name[PCI_NAME_LEN], driver[32];
	uint32_t out;

	NEED_DEVICE(ID_NVME, 0, name);
	ASSERT_STREQ("nvme", pci_driver(name, driver, sizeof(driver)));
	EXPECT_EQ(-EBUSY, sva_bind(self->fd, pci_bdf(name), &out));
	EXPECT_STREQ("nvme", pci_driver(name, driver, sizeof(driver)));
}

TEST_F(device, bind_a_bridge)
{
	char bridge[PCI_NAME_LEN];
	uint32_t out;
	int rc;

	if (!pci_parent(self->name, bridge)[0])
		SKIP(return, "%s is on a root bus", self->name);
	rc = sva_bind(self->fd, pci_bdf(bridge), &out);
	EXPECT_TRUE(rc == -EBUSY || rc == -ENODEV) TH_LOG("%d", rc);
}

TEST_F(device, raw_needs_a_capability)
{
	uint32_t out;
	int status;
	pid_t pid;

	ASSERT_EQ(0, sva_destroy(self->fd, self->device));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		_exit(setuid(65534) ||
		      sva_bind(self->fd, self->bdf, &out) != -EPERM);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status) TH_LOG("bound without CAP_SYS_RAWIO");
	EXPECT_EQ(0, sva_bind(self->fd, self->bdf, &out));
}

TEST_F(device, no_driver_while_taken)
{
	char driver[32];

	EXPECT_NE(0, pci_bind_driver(self->name, HOST_DRIVER));
	EXPECT_STREQ("", pci_driver(self->name, driver, sizeof(driver)));
	ASSERT_EQ(0, sva_destroy(self->fd, self->device));
	EXPECT_EQ(0, pci_bind_driver(self->name, HOST_DRIVER));
	EXPECT_EQ(-EBUSY, sva_bind(self->fd, self->bdf, &self->device));
	EXPECT_EQ(0, pci_unbind(self->name));
	EXPECT_EQ(0, sva_bind(self->fd, self->bdf, &self->device));
}

TEST_F(device, hw_info)
{
	struct iommufd_sva_hw_info info = {};
	size_t len = backend()->hw_info_len;
	uint64_t data[16];
	uint8_t *bytes = (uint8_t *)data;

	ASSERT_LE(len + 64, sizeof(data));
	/* How much is there? */
	ASSERT_EQ(0, get_hw_info(self->fd, self->device, NULL, 0, &info));
	EXPECT_EQ(len, info.data_len);
	EXPECT_EQ(backend()->hw_info_type, info.out_data_type);

	/* More room than there is data is zeroed. */
	memset(data, 0xff, sizeof(data));
	info = (struct iommufd_sva_hw_info){};
	ASSERT_EQ(0, get_hw_info(self->fd, self->device, data, sizeof(data), &info));
	EXPECT_EQ(len, info.data_len);
	EXPECT_TRUE(backend_hw_info_valid(data));
	for (size_t i = len; i < sizeof(data); i++) {
		ASSERT_EQ(0, bytes[i]);
	}

	/* Less room: what fits, and not a byte more. */
	memset(data, 0xff, sizeof(data));
	info = (struct iommufd_sva_hw_info){};
	ASSERT_EQ(0, get_hw_info(self->fd, self->device, data, 8, &info));
	EXPECT_EQ(len, info.data_len);
	/* flags, and a reserved word */
	EXPECT_EQ(0, data[0] >> 32);
	for (size_t i = 1; i < ARRAY_SIZE(data); i++) {
		ASSERT_EQ(UINT64_MAX, data[i]);
	}

	/* Of another kind of unit. */
	info = (struct iommufd_sva_hw_info){
		.flags = IOMMUFD_SVA_HW_INFO_FLAG_INPUT_TYPE,
		.in_data_type = IOMMUFD_SVA_HW_INFO_TYPE_AMD,
	};
	EXPECT_EQ(-EOPNOTSUPP, get_hw_info(self->fd, self->device, data,
					   sizeof(data), &info));
	info = (struct iommufd_sva_hw_info){};
	EXPECT_EQ(-EFAULT, get_hw_info(self->fd, self->device, NULL, 8, &info));
}

TEST_F(device, attach_and_detach)
{
	uint32_t hwpt, again, other;

	ASSERT_EQ(0, sva_ioas_alloc(self->fd, &other));
	EXPECT_EQ(-ENOENT, sva_detach(self->fd, self->device));
	ASSERT_EQ(0, sva_attach(self->fd, self->device, self->ioas, &hwpt));
	EXPECT_NE(self->ioas, hwpt);
	/* The same again is the same. */
	EXPECT_EQ(0, sva_attach(self->fd, self->device, self->ioas, &again));
	EXPECT_EQ(hwpt, again);
	EXPECT_EQ(-EBUSY, sva_destroy(self->fd, self->device));
	EXPECT_EQ(-EBUSY, sva_destroy(self->fd, self->ioas));
	EXPECT_EQ(-EBUSY, sva_destroy(self->fd, hwpt));
	/* Replaced: the old HWPT went by itself. */
	EXPECT_EQ(0, sva_attach(self->fd, self->device, other, &again));
	EXPECT_EQ(-ENOENT, sva_destroy(self->fd, hwpt));
	EXPECT_EQ(0, sva_destroy(self->fd, self->ioas));
	EXPECT_EQ(0, sva_detach(self->fd, self->device));
	EXPECT_EQ(-ENOENT, sva_detach(self->fd, self->device));
	EXPECT_EQ(0, sva_destroy(self->fd, other));
	EXPECT_EQ(0, sva_destroy(self->fd, self->device));
}

TEST_F(device, attach_bad_arguments)
{
	struct iommufd_sva_device_attach attach = {
		.size = sizeof(attach),
		.device_id = self->device,
		.pasid = 1,
		.pt_id = self->ioas,
	};
	struct iommufd_sva_device_detach detach = {
		.size = sizeof(detach),
		.device_id = self->device,
		.pasid = 1,
	};
	struct iommufd_sva_hw_info info = {};
	int rc = -EOPNOTSUPP;

	EXPECT_EQ(-ENOENT, sva_attach(self->fd, self->device, 0xdead, NULL));
	EXPECT_EQ(-EINVAL, sva_attach(self->fd, self->device, self->device, NULL));
	EXPECT_EQ(-ENOENT, sva_attach(self->fd, self->ioas, self->ioas, NULL));
	/* A PASID of a device that has none, and one that no device has. */
	ASSERT_EQ(0, get_hw_info(self->fd, self->device, NULL, 0, &info));
	if (info.out_max_pasid_log2) {
		attach.pasid = detach.pasid = 1U << info.out_max_pasid_log2;
		rc = -EINVAL;
	}
	EXPECT_EQ(rc, sva_ioctl(self->fd, IOMMUFD_SVA_DEVICE_ATTACH, &attach));
	EXPECT_EQ(rc, sva_ioctl(self->fd, IOMMUFD_SVA_DEVICE_DETACH, &detach));
	EXPECT_EQ(-ENOENT, sva_detach(self->fd, self->device)) TH_LOG("attached after all");
}

static bool can_nest(int fd, uint32_t device)
{
	struct iommufd_sva_hw_info info = {};
	uint64_t data[16] = {};

	get_hw_info(fd, device, data, sizeof(data), &info);
	return backend_can_nest(data);
}

TEST_F(device, hwpt)
{
	uint32_t plain, parent, auto_hwpt, out, flags = 0;

	ASSERT_EQ(0, sva_map(self->fd, self->ioas, self->mem, SZ_2M, SZ_2M, SVA_RW));
	ASSERT_EQ(0, sva_hwpt_alloc(self->fd, self->device, self->ioas, 0, &plain));
	if (can_nest(self->fd, self->device))
		flags = IOMMUFD_SVA_HWPT_ALLOC_NEST_PARENT;
	else
		EXPECT_EQ(-EOPNOTSUPP,
			  sva_hwpt_alloc(self->fd, self->device, self->ioas,
					 IOMMUFD_SVA_HWPT_ALLOC_NEST_PARENT, &parent));
	ASSERT_EQ(0, sva_hwpt_alloc(self->fd, self->device, self->ioas, flags, &parent));
	EXPECT_EQ(0, sva_attach(self->fd, self->device, plain, &out));
	EXPECT_EQ(plain, out);
	EXPECT_EQ(-EBUSY, sva_destroy(self->fd, plain));
	EXPECT_EQ(0, sva_attach(self->fd, self->device, parent, &out));
	EXPECT_EQ(0, sva_destroy(self->fd, plain)) TH_LOG("replaced");
	EXPECT_EQ(-EBUSY, sva_destroy(self->fd, self->ioas));
	/* Mapping goes on into an HWPT that is attached. */
	EXPECT_EQ(0, sva_map(self->fd, self->ioas, self->mem, SZ_4K, SZ_1G, SVA_READ));
	EXPECT_EQ(0, sva_attach(self->fd, self->device, self->ioas, &auto_hwpt));
	EXPECT_EQ(0, sva_detach(self->fd, self->device));
	EXPECT_EQ(0, sva_destroy(self->fd, parent));
	EXPECT_EQ(0, sva_destroy(self->fd, self->ioas));
}

TEST_F(device, hwpt_bad_arguments)
{
	struct iommufd_sva_hwpt_alloc cmd = {
		.size = sizeof(cmd),
		.dev_id = self->device,
		.pt_id = self->ioas,
		.data_type = IOMMUFD_SVA_HWPT_DATA_NONE,
		.data_len = 8,
	};
	uint32_t out;

	EXPECT_EQ(-EINVAL, sva_ioctl(self->fd, IOMMUFD_SVA_HWPT_ALLOC, &cmd))
		TH_LOG("data for no type");
	EXPECT_EQ(-ENOENT, sva_hwpt_alloc(self->fd, 0xdead, self->ioas, 0, &out));
	EXPECT_EQ(-EINVAL, sva_hwpt_alloc(self->fd, self->device, 0xdead, 0, &out));
	EXPECT_EQ(-EINVAL, sva_hwpt_alloc(self->fd, self->device, self->device, 0, &out));
	EXPECT_EQ(-EOPNOTSUPP, sva_hwpt_alloc(self->fd, self->device, self->ioas,
					      IOMMUFD_SVA_HWPT_ALLOC_DIRTY_TRACKING, &out));
	EXPECT_EQ(0, sva_destroy(self->fd, self->ioas)) TH_LOG("an HWPT was made after all");
}

TEST_F(device, msi_window_is_reserved)
{
	struct iommufd_sva_iova_range ranges[16], window = {
		backend()->msi_start, backend()->msi_last
	};
	uint32_t num = ARRAY_SIZE(ranges);
	uint64_t align;

	ASSERT_EQ(0, sva_map(self->fd, self->ioas, self->mem, SZ_4K, window.start, SVA_RW));
	EXPECT_EQ(-EADDRINUSE, sva_attach(self->fd, self->device, self->ioas, NULL));
	ASSERT_EQ(0, sva_unmap(self->fd, self->ioas, window.start, SZ_4K, NULL));
	ASSERT_EQ(0, sva_allow(self->fd, self->ioas, &window, 1));
	EXPECT_EQ(-EADDRINUSE, sva_attach(self->fd, self->device, self->ioas, NULL));
	ASSERT_EQ(0, sva_allow(self->fd, self->ioas, NULL, 0));

	ASSERT_EQ(0, sva_attach(self->fd, self->device, self->ioas, NULL));
	EXPECT_EQ(-EINVAL, sva_map(self->fd, self->ioas, self->mem, SZ_4K, window.start, SVA_RW));
	EXPECT_EQ(-EADDRINUSE, sva_allow(self->fd, self->ioas, &window, 1));
	ASSERT_EQ(0, sva_ranges(self->fd, self->ioas, ranges, &num, &align));
	EXPECT_EQ(SZ_4K, align);
	ASSERT_LE(2, num);
	for (uint32_t i = 0; i < num; i++) {
		EXPECT_TRUE(ranges[i].last < window.start ||
			    ranges[i].start > window.last)
			TH_LOG("%#llx to %#llx", ranges[i].start, ranges[i].last);
		if (i)
			EXPECT_LT(ranges[i - 1].last, ranges[i].start);
	}
	/* 39 bits at least, 57 at most. */
	EXPECT_LE(1ULL << 39, ranges[num - 1].last + 1);
	EXPECT_GE(1ULL << 57, ranges[num - 1].last + 1);
	/* Detaching widens it again. */
	ASSERT_EQ(0, sva_detach(self->fd, self->device));
	num = 1;
	ASSERT_EQ(0, sva_ranges(self->fd, self->ioas, ranges, &num, NULL));
	EXPECT_EQ(UINT64_MAX, ranges[0].last);
}

TEST_F(device, beyond_the_address_width)
{
	struct iommufd_sva_iova_range ranges[16];
	uint32_t num = ARRAY_SIZE(ranges);
	uint64_t end;

	ASSERT_EQ(0, sva_attach(self->fd, self->device, self->ioas, NULL));
	ASSERT_EQ(0, sva_ranges(self->fd, self->ioas, ranges, &num, NULL));
	end = ranges[num - 1].last + 1;
	EXPECT_EQ(-EINVAL, sva_map(self->fd, self->ioas, self->mem, SZ_4K, end, SVA_RW));
	EXPECT_EQ(-EINVAL, sva_map(self->fd, self->ioas, self->mem, 2 * SZ_4K,
				   end - SZ_4K, SVA_RW));
	EXPECT_EQ(0, sva_map(self->fd, self->ioas, self->mem, SZ_4K, end - SZ_4K, SVA_RW));
	ASSERT_EQ(0, sva_detach(self->fd, self->device));
	ASSERT_EQ(0, sva_map(self->fd, self->ioas, self->mem, SZ_4K, end, SVA_RW));
	EXPECT_EQ(-EADDRINUSE, sva_attach(self->fd, self->device, self->ioas, NULL));
	EXPECT_EQ(-ENOENT, sva_detach(self->fd, self->device));
}

TEST_F(device, misaligned)
{
	uint64_t iova;

	/* Without a device bytes will do; a device cannot follow then. */
	ASSERT_EQ(0, sva_map(self->fd, self->ioas, self->mem + 16, SZ_4K, 16, SVA_RW));
	EXPECT_EQ(-EADDRINUSE, sva_attach(self->fd, self->device, self->ioas, NULL));
	ASSERT_EQ(0, sva_unmap(self->fd, self->ioas, 16, SZ_4K, NULL));
	ASSERT_EQ(0, sva_attach(self->fd, self->device, self->ioas, NULL));
	EXPECT_EQ(-EINVAL, sva_map(self->fd, self->ioas, self->mem, SZ_4K, 16, SVA_RW));
	EXPECT_EQ(-EINVAL, sva_map(self->fd, self->ioas, self->mem, SZ_4K + 16, 0, SVA_RW));
	EXPECT_EQ(-EINVAL, sva_map(self->fd, self->ioas, self->mem + 16, SZ_4K, 0, SVA_RW));
	EXPECT_EQ(-EINVAL, sva_map_any(self->fd, self->ioas, self->mem, 16, &iova, SVA_RW));
}

TEST_F(device, unreadable_memory)
{
	char *mem = mmap(NULL, 4 * SZ_4K, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t unmapped;

	ASSERT_NE(MAP_FAILED, mem);
	memset(mem, 0, 4 * SZ_4K);
	ASSERT_EQ(0, munmap(mem + 2 * SZ_4K, SZ_4K));
	ASSERT_EQ(0, mprotect(mem + 3 * SZ_4K, SZ_4K, PROT_READ));

	/* Not looked at before there are tables to fill. */
	ASSERT_EQ(0, sva_map(self->fd, self->ioas, mem, 4 * SZ_4K, 0, SVA_RW));
	EXPECT_EQ(-EFAULT, sva_attach(self->fd, self->device, self->ioas, NULL));
	EXPECT_EQ(-ENOENT, sva_detach(self->fd, self->device));
	ASSERT_EQ(0, sva_unmap(self->fd, self->ioas, 0, 4 * SZ_4K, NULL));

	ASSERT_EQ(0, sva_attach(self->fd, self->device, self->ioas, NULL));
	EXPECT_EQ(-EFAULT, sva_map(self->fd, self->ioas, mem, 4 * SZ_4K, 0, SVA_RW));
	EXPECT_EQ(-EFAULT, sva_map(self->fd, self->ioas, mem + 3 * SZ_4K, SZ_4K, 0, SVA_RW));
	EXPECT_EQ(-EFAULT, sva_map(self->fd, self->ioas, NULL, SZ_4K, 0, SVA_RW));
	EXPECT_EQ(0, sva_map(self->fd, self->ioas, mem + 3 * SZ_4K, SZ_4K, 0, SVA_READ));
	EXPECT_EQ(0, sva_map(self->fd, self->ioas, mem, 2 * SZ_4K, SZ_2M, SVA_RW));
	EXPECT_EQ(0, sva_unmap(self->fd, self->ioas, 0, UINT64_MAX, &unmapped));
	EXPECT_EQ(3 * SZ_4K, unmapped);
}

/*
 * Runs in a process of its own, whose only user on this machine it is. Returns
 * the line of what went wrong, 0 for nothing.
 */
static int memlock(int fd, uint32_t ioas, char *mem)
{
	struct rlimit limit = { 64 * SZ_4K, 64 * SZ_4K };

	if (setrlimit(RLIMIT_MEMLOCK, &limit) || setgid(12345) || setuid(12345))
		return __LINE__;
	if (sva_map(fd, ioas, mem, 65 * SZ_4K, 0, SVA_RW) != -ENOMEM)
		return __LINE__;
	/* What failed is not charged, what is unmapped no longer. */
	for (int i = 0; i < 3; i++) {
		if (sva_map(fd, ioas, mem, 64 * SZ_4K, 0, SVA_RW))
			return __LINE__;
		if (sva_map(fd, ioas, mem, SZ_4K, SZ_2M, SVA_RW) != -ENOMEM)
			return __LINE__;
		if (sva_unmap(fd, ioas, 0, 64 * SZ_4K, NULL))
			return __LINE__;
	}
	/* A copy shares the pins. */
	if (sva_map(fd, ioas, mem, 64 * SZ_4K, 0, SVA_RW) ||
	    sva_copy(fd, ioas, SZ_2M, ioas, 0, 64 * SZ_4K, SVA_RW))
		return __LINE__;
	return 0;
}

TEST_F(device, memory_limit)
{
	pid_t pid;
	int status;

	ASSERT_EQ(0, sva_attach(self->fd, self->device, self->ioas, NULL));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		int line = memlock(self->fd, self->ioas, self->mem);

		if (line)
			fprintf(stderr, "# device.c:%d: wrong\n", line);
		_exit(!!line);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

TEST_F(device, memory_is_charged)
{
	unsigned long pinned = status_kb("VmPin:"), locked;
	struct rlimit limit = { 8 * SZ_2M, 8 * SZ_2M };
	uint64_t mode = 1;
	uint32_t ioas, device;
	int fd;

	ASSERT_EQ(0, sva_attach(self->fd, self->device, self->ioas, NULL));
	ASSERT_EQ(0, sva_map(self->fd, self->ioas, self->mem, SZ_2M, 0, SVA_RW));
	EXPECT_EQ(pinned + 2048, status_kb("VmPin:"));
	ASSERT_EQ(0, sva_unmap(self->fd, self->ioas, 0, SZ_2M, NULL));
	EXPECT_EQ(pinned, status_kb("VmPin:"));
	close(self->fd);

	/* As VFIO does. */
	fd = self->fd = sva_open();
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, sva_option(fd, IOMMUFD_SVA_OPTION_RLIMIT_MODE,
				IOMMUFD_SVA_OPTION_OP_SET, 0, &mode));
	ASSERT_EQ(0, sva_ioas_alloc(fd, &ioas));
	ASSERT_EQ(0, sva_bind(fd, self->bdf, &device));
	ASSERT_EQ(0, sva_attach(fd, device, ioas, NULL));
	locked = status_kb("VmLck:");
	ASSERT_EQ(0, setrlimit(RLIMIT_MEMLOCK, &limit));
	ASSERT_EQ(0, drop_ipc_lock());
	ASSERT_EQ(0, sva_map(fd, ioas, self->mem, SZ_2M, 0, SVA_RW));
	EXPECT_EQ(locked + 2048, status_kb("VmLck:"));
	ASSERT_EQ(0, sva_unmap(fd, ioas, 0, SZ_2M, NULL));
	EXPECT_EQ(locked, status_kb("VmLck:"));
}

/* Many IOASes, one after the other, then all gone at once. */
TEST_F(device, replace_many)
{
	uint32_t ioas[16];

	for (int i = 0; i < 16; i++) {
		ASSERT_EQ(0, sva_ioas_alloc(self->fd, &ioas[i]));
		ASSERT_EQ(0, sva_map(self->fd, ioas[i], self->mem, SZ_2M, i * SZ_2M, SVA_RW));
	}
	for (int i = 0; i < 200; i++) {
		ASSERT_EQ(0, sva_attach(self->fd, self->device, ioas[i % 16], NULL));
	}
	for (int i = 0; i < 15; i++) {
		EXPECT_EQ(i == 199 % 16 ? -EBUSY : 0, sva_destroy(self->fd, ioas[i]));
	}
}

/* An address space has a tag of the unit's for as long as a device is attached to it. */
TEST_F(device, tags_come_back)
{
	long before = backend_tags_used();
	uint32_t ioas;

	ASSERT_LE(0, before);
	for (int i = 0; i < 20; i++) {
		ASSERT_EQ(0, sva_ioas_alloc(self->fd, &ioas));
		ASSERT_EQ(0, sva_attach(self->fd, self->device, ioas, NULL));
		EXPECT_EQ(before + 1, backend_tags_used());
		ASSERT_EQ(0, sva_attach(self->fd, self->device, self->ioas, NULL));
		EXPECT_EQ(before + 1, backend_tags_used());
		ASSERT_EQ(0, sva_destroy(self->fd, ioas));
	}
	ASSERT_EQ(0, sva_detach(self->fd, self->device));
	EXPECT_EQ(before, backend_tags_used());
}

/* Whatever its last user told it to do, a device that comes back has forgotten. */
TEST_F(device, given_back_is_reset)
{
	/* Receive Descriptor Base Address Low of queue 0 (82576, 8.10.5) */
	const unsigned int rdbal = 0xc000 / 4;
	volatile uint32_t *regs;
	char name[PCI_NAME_LEN];
	uint32_t device;
	size_t len;

	NEED_DEVICE(ID_IGB, 0, name);
	ASSERT_EQ(0, pci_unbind(name));
	ASSERT_EQ(0, sva_bind(self->fd, pci_bdf(name), &device));
	ASSERT_EQ(0, pci_set_command(name, PCI_CMD_MEMORY, 0));
	regs = pci_map(name, 0, &len);
	ASSERT_NE(NULL, regs);
	regs[rdbal] = 0x12345000;
	ASSERT_EQ(0x12345000, regs[rdbal]);
	ASSERT_EQ(0, sva_destroy(self->fd, device));
	ASSERT_EQ(0, pci_set_command(name, PCI_CMD_MEMORY, 0));
	EXPECT_EQ(0, regs[rdbal]) TH_LOG("where it received to is still there");
	munmap((void *)regs, len);
}

TEST_F(device, killed_user)
{
	int status, pipefd[2];
	pid_t pid;
	char c;

	ASSERT_EQ(0, sva_destroy(self->fd, self->device));
	for (int i = 0; i < 5; i++) {
		uint32_t out;

		ASSERT_EQ(0, pipe(pipefd));
		pid = fork();
		ASSERT_LE(0, pid);
		if (!pid) {
			int fd = sva_open();
			uint32_t ioas, device;

			if (fd >= 0 && !sva_ioas_alloc(fd, &ioas) &&
			    !sva_bind(fd, self->bdf, &device) &&
			    !sva_attach(fd, device, ioas, NULL) &&
			    !sva_map(fd, ioas, self->mem, SZ_2M, 0, SVA_RW) &&
			    write(pipefd[1], "r", 1) == 1)
				pause();
			_exit(1);
		}
		close(pipefd[1]);
		ASSERT_EQ(1, read(pipefd[0], &c, 1));
		close(pipefd[0]);
		EXPECT_EQ(-EBUSY, sva_bind(self->fd, self->bdf, &out));
		ASSERT_EQ(0, kill(pid, SIGKILL));
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_EQ(0, sva_bind(self->fd, self->bdf, &out))
			TH_LOG("a killed user's device is not free");
		EXPECT_EQ(0, sva_destroy(self->fd, out));
	}
}

TEST_HARNESS_MAIN
