// SPDX-License-Identifier: GPL-2.0-only
/*
 * I/O address spaces on their own: mapping, unmapping, copying, the ranges.
 * Needs the core module, no IOMMU and no device.
 */
#include <pthread.h>
#include <sys/resource.h>

#include "selftest.h"

#define EVERYTHING UINT64_MAX

FIXTURE(ioas)
{
	int fd;
	uint32_t ioas;
	char *mem;
	size_t len;
};

FIXTURE_SETUP(ioas)
{
	self->fd = sva_open();
	ASSERT_LE(0, self->fd) TH_LOG("cannot open " SVA_DEV);
	ASSERT_EQ(0, sva_ioas_alloc(self->fd, &self->ioas));
	self->len = 16 * SZ_4K;
	self->mem = mem_alloc(self->len, SZ_2M);
	ASSERT_NE(NULL, self->mem);
}

FIXTURE_TEARDOWN(ioas)
{
	close(self->fd);
}

static int map(FIXTURE_DATA(ioas) *self, uint64_t iova, uint64_t length)
{
	return sva_map(self->fd, self->ioas, self->mem, length, iova, SVA_RW);
}

static int unmap(FIXTURE_DATA(ioas) *self, uint64_t iova, uint64_t length)
{
	return sva_unmap(self->fd, self->ioas, iova, length, NULL);
}

TEST_F(ioas, everything_is_allowed_without_a_device)
{
	struct iommufd_sva_iova_range range = {};
	uint64_t align = 0;
	uint32_t num = 1;

	ASSERT_EQ(0, sva_ranges(self->fd, self->ioas, &range, &num, &align));
	EXPECT_EQ(1, num);
	EXPECT_EQ(0, range.start);
	EXPECT_EQ(UINT64_MAX, range.last);
	EXPECT_EQ(1, align);

	num = 0;
	EXPECT_EQ(-EMSGSIZE, sva_ranges(self->fd, self->ioas, NULL, &num, NULL));
	EXPECT_EQ(1, num);

	num = 1;
	EXPECT_EQ(-EFAULT, sva_ranges(self->fd, self->ioas, NULL, &num, NULL));
}

TEST_F(ioas, map_fixed)
{
	uint64_t unmapped;

	ASSERT_EQ(0, map(self, 0x100000, 4 * SZ_4K));
	EXPECT_EQ(-EEXIST, map(self, 0x100000, 4 * SZ_4K));
	EXPECT_EQ(-EEXIST, map(self, 0x100000 - SZ_4K, 2 * SZ_4K));
	EXPECT_EQ(-EEXIST, map(self, 0x103000, SZ_4K));
	EXPECT_EQ(0, map(self, 0x104000, SZ_4K));
	EXPECT_EQ(0, map(self, 0x100000 - SZ_4K, SZ_4K));
	EXPECT_EQ(0, sva_unmap(self->fd, self->ioas, 0x100000, 4 * SZ_4K, &unmapped));
	EXPECT_EQ(4 * SZ_4K, unmapped);
	EXPECT_EQ(0, map(self, 0x100000, 4 * SZ_4K));
}

TEST_F(ioas, map_at_both_ends)
{
	EXPECT_EQ(0, map(self, 0, SZ_4K));
	EXPECT_EQ(0, map(self, UINT64_MAX - SZ_4K + 1, SZ_4K));
	EXPECT_EQ(0, unmap(self, UINT64_MAX - SZ_4K + 1, SZ_4K));
	EXPECT_EQ(0, unmap(self, 0, SZ_4K));
}

TEST_F(ioas, map_bad_arguments)
{
	int fd = self->fd;
	uint32_t ioas = self->ioas;
	uint64_t iova;

	EXPECT_EQ(-EINVAL, sva_map(fd, ioas, self->mem, SZ_4K, 0, 0))
		TH_LOG("neither readable nor writeable");
	EXPECT_EQ(-EINVAL, map(self, 0, 0));
	EXPECT_EQ(-EOVERFLOW, map(self, 0, UINT64_MAX));
	EXPECT_EQ(-EOVERFLOW, map(self, UINT64_MAX, SZ_4K));
	EXPECT_EQ(-EOVERFLOW, map(self, UINT64_MAX - SZ_4K + 1, 2 * SZ_4K));
	EXPECT_EQ(-EOVERFLOW, sva_map(fd, ioas, (void *)(UINT64_MAX - SZ_4K + 1),
				      2 * SZ_4K, 0, SVA_RW));
	EXPECT_EQ(-EOVERFLOW, sva_map_any(fd, ioas, self->mem,
					  UINT64_MAX / 2, &iova, SVA_RW));
	/* Nothing came of it. */
	EXPECT_EQ(-ENOENT, unmap(self, 0, UINT64_MAX - 1));
}

TEST_F(ioas, map_any)
{
	uint64_t iova[8], unmapped;

	for (int i = 0; i < 8; i++) {
		ASSERT_EQ(0, sva_map_any(self->fd, self->ioas, self->mem,
					 self->len, &iova[i], SVA_RW));
		EXPECT_NE(0, iova[i]);
		EXPECT_EQ(0, iova[i] % SZ_4K);
		for (int j = 0; j < i; j++) {
			EXPECT_TRUE(iova[i] + self->len <= iova[j] ||
				    iova[j] + self->len <= iova[i]);
		}
	}
	for (int i = 0; i < 8; i++) {
		EXPECT_EQ(0, sva_unmap(self->fd, self->ioas, iova[i], self->len,
				       &unmapped));
		EXPECT_EQ(self->len, unmapped);
	}
}

/* So that huge leaves are possible. */
TEST_F(ioas, map_any_is_aligned_like_the_memory)
{
	char *mem = mem_alloc(2 * SZ_2M, SZ_2M);
	uint64_t iova;

	ASSERT_NE(NULL, mem);
	/* Something small before it, so that the next free IOVA is odd. */
	ASSERT_EQ(0, sva_map_any(self->fd, self->ioas, self->mem, SZ_4K, &iova,
				 SVA_RW));
	ASSERT_EQ(0, sva_map_any(self->fd, self->ioas, mem, 2 * SZ_2M, &iova,
				 SVA_RW));
	EXPECT_EQ(0, iova % SZ_2M);
}

TEST_F(ioas, unmap_takes_whole_mappings)
{
	uint64_t unmapped;

	ASSERT_EQ(0, map(self, 0x10000, 4 * SZ_4K));
	EXPECT_EQ(-ENOENT, unmap(self, 0x10000, SZ_4K));
	EXPECT_EQ(-ENOENT, unmap(self, 0x11000, SZ_4K));
	EXPECT_EQ(-ENOENT, unmap(self, 0x11000, 4 * SZ_4K));
	EXPECT_EQ(-ENOENT, unmap(self, 0xf000, 2 * SZ_4K));
	EXPECT_EQ(-ENOENT, unmap(self, 0x20000, SZ_4K));
	EXPECT_EQ(-EEXIST, map(self, 0x10000, 4 * SZ_4K))
		TH_LOG("a failed unmap has taken something");

	/* Many of them, with gaps. */
	ASSERT_EQ(0, map(self, 0x20000, SZ_4K));
	ASSERT_EQ(0, map(self, 0x30000, 2 * SZ_4K));
	EXPECT_EQ(0, sva_unmap(self->fd, self->ioas, 0x8000, 0x30000, &unmapped));
	EXPECT_EQ(7 * SZ_4K, unmapped);
	EXPECT_EQ(-ENOENT, unmap(self, 0x8000, 0x30000));
}

TEST_F(ioas, unmap_everything)
{
	uint64_t unmapped;

	EXPECT_EQ(0, sva_unmap(self->fd, self->ioas, 0, EVERYTHING, &unmapped));
	EXPECT_EQ(0, unmapped);
	for (int i = 0; i < 100; i++) {
		ASSERT_EQ(0, map(self, i * 0x100000ULL, SZ_4K));
	}
	EXPECT_EQ(0, sva_unmap(self->fd, self->ioas, 0, EVERYTHING, &unmapped));
	EXPECT_EQ(100 * SZ_4K, unmapped);
}

TEST_F(ioas, unmap_bad_arguments)
{
	ASSERT_EQ(0, map(self, 0, SZ_4K));
	EXPECT_EQ(-EINVAL, unmap(self, 0, 0));
	EXPECT_EQ(-EOVERFLOW, unmap(self, UINT64_MAX, SZ_4K));
	EXPECT_EQ(-EOVERFLOW, unmap(self, SZ_4K, EVERYTHING));
	EXPECT_EQ(-EOVERFLOW, unmap(self, UINT64_MAX - SZ_4K + 1, 2 * SZ_4K));
	EXPECT_EQ(0, unmap(self, 0, SZ_4K));
}

TEST_F(ioas, copy)
{
	uint32_t dst;
	int fd = self->fd;

	ASSERT_EQ(0, sva_ioas_alloc(fd, &dst));
	ASSERT_EQ(0, map(self, 0x10000, 4 * SZ_4K));
	/* All, a part, into the same IOAS. */
	EXPECT_EQ(0, sva_copy(fd, dst, 0x10000, self->ioas, 0x10000, 4 * SZ_4K, SVA_RW));
	EXPECT_EQ(0, sva_copy(fd, dst, 0x20000, self->ioas, 0x11000, SZ_4K, SVA_READ));
	EXPECT_EQ(0, sva_copy(fd, self->ioas, 0x20000, self->ioas, 0x10000, SZ_4K, SVA_RW));
	EXPECT_EQ(-EEXIST, sva_copy(fd, dst, 0x10000, self->ioas, 0x10000, SZ_4K, SVA_RW));
	/* The copy outlives its source. */
	EXPECT_EQ(0, unmap(self, 0x10000, 4 * SZ_4K));
	EXPECT_EQ(0, sva_copy(fd, self->ioas, 0x10000, dst, 0x10000, 4 * SZ_4K, SVA_RW));
	EXPECT_EQ(0, sva_destroy(fd, self->ioas));
	EXPECT_EQ(0, sva_unmap(fd, dst, 0x10000, 4 * SZ_4K, NULL));
	EXPECT_EQ(0, sva_destroy(fd, dst));
}

TEST_F(ioas, copy_across_mappings)
{
	uint32_t dst;
	uint64_t unmapped;

	ASSERT_EQ(0, sva_ioas_alloc(self->fd, &dst));
	ASSERT_EQ(0, map(self, 0x10000, SZ_4K));
	ASSERT_EQ(0, map(self, 0x11000, SZ_4K));
	ASSERT_EQ(0, map(self, 0x13000, SZ_4K));
	EXPECT_EQ(0, sva_copy(self->fd, dst, 0, self->ioas, 0x10000, 2 * SZ_4K, SVA_RW));
	EXPECT_EQ(-ENOENT, sva_copy(self->fd, dst, 0x10000, self->ioas, 0x10000,
				    4 * SZ_4K, SVA_RW))
		TH_LOG("across a gap");
	EXPECT_EQ(-ENOENT, sva_copy(self->fd, dst, 0x10000, self->ioas, 0xf000,
				    2 * SZ_4K, SVA_RW));
	EXPECT_EQ(0, sva_unmap(self->fd, dst, 0, EVERYTHING, &unmapped));
	EXPECT_EQ(2 * SZ_4K, unmapped);
}

TEST_F(ioas, copy_grants_no_more_than_there_is)
{
	uint32_t dst;

	ASSERT_EQ(0, sva_ioas_alloc(self->fd, &dst));
	ASSERT_EQ(0, sva_map(self->fd, self->ioas, self->mem, SZ_4K, 0x10000, SVA_READ));
	EXPECT_EQ(-EPERM, sva_copy(self->fd, dst, 0, self->ioas, 0x10000, SZ_4K, SVA_RW));
	EXPECT_EQ(-EPERM, sva_copy(self->fd, dst, 0, self->ioas, 0x10000, SZ_4K, SVA_WRITE));
	EXPECT_EQ(0, sva_copy(self->fd, dst, 0, self->ioas, 0x10000, SZ_4K, SVA_READ));
}

TEST_F(ioas, copy_bad_arguments)
{
	ASSERT_EQ(0, map(self, 0x10000, SZ_4K));
	EXPECT_EQ(-EINVAL, sva_copy(self->fd, self->ioas, 0, self->ioas, 0x10000, 0, SVA_RW));
	EXPECT_EQ(-EINVAL, sva_copy(self->fd, self->ioas, 0, self->ioas, 0x10000, SZ_4K, 0));
	EXPECT_EQ(-EOVERFLOW, sva_copy(self->fd, self->ioas, 0, self->ioas, UINT64_MAX,
				       SZ_4K, SVA_RW));
	EXPECT_EQ(-EOVERFLOW, sva_copy(self->fd, self->ioas, 0, self->ioas,
				       UINT64_MAX - SZ_4K + 1, 2 * SZ_4K, SVA_RW));
}

TEST_F(ioas, map_file)
{
	int memfd = memfd_create("ioas", 0);
	int plain = open("/proc/version", O_RDONLY);

	ASSERT_LE(0, memfd);
	ASSERT_EQ(0, ftruncate(memfd, 8 * SZ_4K));
	EXPECT_EQ(0, sva_map_file(self->fd, self->ioas, memfd, 0, 8 * SZ_4K, 0x10000, SVA_RW));
	EXPECT_EQ(0, sva_map_file(self->fd, self->ioas, memfd, SZ_4K, SZ_4K, 0x20000, SVA_READ));
	EXPECT_EQ(-EEXIST, sva_map_file(self->fd, self->ioas, memfd, 0, SZ_4K, 0x10000, SVA_RW));
	EXPECT_EQ(-EBADF, sva_map_file(self->fd, self->ioas, -1, 0, SZ_4K, 0x30000, SVA_RW));
	EXPECT_EQ(-EBADF, sva_map_file(self->fd, self->ioas, 1000, 0, SZ_4K, 0x30000, SVA_RW));
	EXPECT_EQ(-EINVAL, sva_map_file(self->fd, self->ioas, plain, 0, SZ_4K, 0x30000, SVA_READ));
	EXPECT_EQ(-EINVAL, sva_map_file(self->fd, self->ioas, memfd, 0, 0, 0x30000, SVA_RW));
	EXPECT_EQ(-EOVERFLOW, sva_map_file(self->fd, self->ioas, memfd, UINT64_MAX - SZ_4K + 1,
					   2 * SZ_4K, 0x30000, SVA_RW));
	/* The mapping holds the file. */
	close(memfd);
	close(plain);
	EXPECT_EQ(0, unmap(self, 0x10000, 8 * SZ_4K));
	EXPECT_EQ(0, unmap(self, 0x20000, SZ_4K));
}

/* Devices get no more of a file than the process could have mapped itself. */
TEST_F(ioas, map_file_permissions)
{
	int memfd = memfd_create("ioas", MFD_ALLOW_SEALING), ro;
	char path[64];

	ASSERT_LE(0, memfd);
	ASSERT_EQ(0, ftruncate(memfd, SZ_4K));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", memfd);
	ro = open(path, O_RDONLY);
	ASSERT_LE(0, ro);
	EXPECT_EQ(0, sva_map_file(self->fd, self->ioas, ro, 0, SZ_4K, 0, SVA_READ));
	EXPECT_EQ(-EPERM, sva_map_file(self->fd, self->ioas, ro, 0, SZ_4K, SZ_4K, SVA_RW));
	EXPECT_EQ(-EPERM, sva_map_file(self->fd, self->ioas, ro, 0, SZ_4K, SZ_4K, SVA_WRITE));
	EXPECT_EQ(-ENOENT, unmap(self, SZ_4K, SZ_4K));
	/* A seal against writing and a device that writes exclude each other. */
	ASSERT_EQ(0, sva_map_file(self->fd, self->ioas, memfd, 0, SZ_4K, SZ_4K, SVA_RW));
	EXPECT_NE(0, fcntl(memfd, F_ADD_SEALS, F_SEAL_WRITE));
	ASSERT_EQ(0, unmap(self, SZ_4K, SZ_4K));
	EXPECT_EQ(0, fcntl(memfd, F_ADD_SEALS, F_SEAL_WRITE));
	EXPECT_EQ(-EPERM, sva_map_file(self->fd, self->ioas, memfd, 0, SZ_4K, SZ_4K, SVA_RW));
	EXPECT_EQ(0, sva_map_file(self->fd, self->ioas, memfd, 0, SZ_4K, SZ_4K, SVA_READ));
}

TEST_F(ioas, allowed_iovas_bind_the_kernels_choice)
{
	struct iommufd_sva_iova_range allowed[] = {
		{ 0x100000, 0x103fff },
		{ 0x200000, 0x201fff },
	};
	uint64_t iova;

	ASSERT_EQ(0, sva_allow(self->fd, self->ioas, allowed, 2));
	ASSERT_EQ(0, sva_map_any(self->fd, self->ioas, self->mem, 4 * SZ_4K, &iova, SVA_RW));
	EXPECT_EQ(0x100000, iova);
	ASSERT_EQ(0, sva_map_any(self->fd, self->ioas, self->mem, 2 * SZ_4K, &iova, SVA_RW));
	EXPECT_EQ(0x200000, iova);
	EXPECT_EQ(-ENOSPC, sva_map_any(self->fd, self->ioas, self->mem, SZ_4K, &iova, SVA_RW));
	/* A fixed one goes anywhere. */
	EXPECT_EQ(0, map(self, 0x300000, SZ_4K));
	/* And the promise can be taken back. */
	ASSERT_EQ(0, sva_allow(self->fd, self->ioas, NULL, 0));
	EXPECT_EQ(0, sva_map_any(self->fd, self->ioas, self->mem, SZ_4K, &iova, SVA_RW));
}

TEST_F(ioas, allowed_iovas_bad_arguments)
{
	struct iommufd_sva_iova_range backwards = { 0x2000, 0x1fff };
	struct iommufd_sva_iova_range single = { 0x2000, 0x2000 };
	struct iommufd_sva_iova_range overlap[] = {
		{ 0x1000, 0x2fff }, { 0x2000, 0x3fff },
	};
	struct iommufd_sva_iova_range good = { 0x100000, 0x100fff };
	uint64_t iova;

	ASSERT_EQ(0, sva_allow(self->fd, self->ioas, &good, 1));
	EXPECT_EQ(-EINVAL, sva_allow(self->fd, self->ioas, &backwards, 1));
	EXPECT_EQ(-EINVAL, sva_allow(self->fd, self->ioas, &single, 1));
	EXPECT_EQ(-EINVAL, sva_allow(self->fd, self->ioas, overlap, 2));
	EXPECT_EQ(-EFAULT, sva_allow(self->fd, self->ioas, NULL, 1));
	/* What failed has not replaced what stood. */
	ASSERT_EQ(0, sva_map_any(self->fd, self->ioas, self->mem, SZ_4K, &iova, SVA_RW));
	EXPECT_EQ(0x100000, iova);
	EXPECT_EQ(-ENOSPC, sva_map_any(self->fd, self->ioas, self->mem, SZ_4K, &iova, SVA_RW));
}

TEST_F(ioas, option_huge_pages)
{
	const uint32_t id = IOMMUFD_SVA_OPTION_HUGE_PAGES;
	uint64_t val = 7;

	EXPECT_EQ(0, sva_option(self->fd, id, IOMMUFD_SVA_OPTION_OP_GET, self->ioas, &val));
	EXPECT_EQ(1, val);
	val = 2;
	EXPECT_EQ(-EINVAL, sva_option(self->fd, id, IOMMUFD_SVA_OPTION_OP_SET, self->ioas, &val));
	val = 0;
	EXPECT_EQ(0, sva_option(self->fd, id, IOMMUFD_SVA_OPTION_OP_SET, self->ioas, &val));
	val = 7;
	EXPECT_EQ(0, sva_option(self->fd, id, IOMMUFD_SVA_OPTION_OP_GET, self->ioas, &val));
	EXPECT_EQ(0, val);
	/* Whole pages only from now on. */
	EXPECT_EQ(-EINVAL, sva_map(self->fd, self->ioas, self->mem + 1, SZ_4K, 0, SVA_RW));
	val = 1;
	EXPECT_EQ(0, sva_option(self->fd, id, IOMMUFD_SVA_OPTION_OP_SET, self->ioas, &val));
	EXPECT_EQ(-EOPNOTSUPP, sva_option(self->fd, id, 2, self->ioas, &val));
	EXPECT_EQ(-ENOENT, sva_option(self->fd, id, IOMMUFD_SVA_OPTION_OP_GET, 0, &val));
	EXPECT_EQ(-EOPNOTSUPP, sva_option(self->fd, 99, IOMMUFD_SVA_OPTION_OP_GET, 0, &val));
}

TEST_F(ioas, option_huge_pages_with_an_odd_mapping)
{
	uint64_t val = 0;

	ASSERT_EQ(0, sva_map(self->fd, self->ioas, self->mem + 16, SZ_4K, 16, SVA_RW));
	EXPECT_EQ(-EADDRINUSE, sva_option(self->fd, IOMMUFD_SVA_OPTION_HUGE_PAGES,
					  IOMMUFD_SVA_OPTION_OP_SET, self->ioas, &val));
	val = 7;
	EXPECT_EQ(0, sva_option(self->fd, IOMMUFD_SVA_OPTION_HUGE_PAGES,
				IOMMUFD_SVA_OPTION_OP_GET, self->ioas, &val));
	EXPECT_EQ(1, val);
}

TEST_F(ioas, option_rlimit_mode)
{
	const uint32_t id = IOMMUFD_SVA_OPTION_RLIMIT_MODE;
	uint64_t val = 7;
	int status;
	pid_t pid;

	EXPECT_EQ(0, sva_option(self->fd, id, IOMMUFD_SVA_OPTION_OP_GET, 0, &val));
	EXPECT_EQ(0, val);
	EXPECT_EQ(-EOPNOTSUPP, sva_option(self->fd, id, IOMMUFD_SVA_OPTION_OP_GET,
					  self->ioas, &val));
	val = 1;
	EXPECT_EQ(-EBUSY, sva_option(self->fd, id, IOMMUFD_SVA_OPTION_OP_SET, 0, &val))
		TH_LOG("there is an object");
	ASSERT_EQ(0, sva_destroy(self->fd, self->ioas));
	val = 2;
	EXPECT_EQ(-EINVAL, sva_option(self->fd, id, IOMMUFD_SVA_OPTION_OP_SET, 0, &val));
	val = 1;
	EXPECT_EQ(0, sva_option(self->fd, id, IOMMUFD_SVA_OPTION_OP_SET, 0, &val));
	val = 7;
	EXPECT_EQ(0, sva_option(self->fd, id, IOMMUFD_SVA_OPTION_OP_GET, 0, &val));
	EXPECT_EQ(1, val);

	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		val = 0;
		_exit(setuid(65534) ||
		      sva_option(self->fd, id, IOMMUFD_SVA_OPTION_OP_SET, 0, &val) != -EPERM);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status) TH_LOG("set without CAP_SYS_RESOURCE");
}

TEST_F(ioas, change_process)
{
	struct iommufd_sva_ioas_change_process cmd = { .size = sizeof(cmd) };
	int memfd = memfd_create("ioas", 0);

	ASSERT_LE(0, memfd);
	ASSERT_EQ(0, ftruncate(memfd, SZ_4K));
	ASSERT_EQ(0, sva_map_file(self->fd, self->ioas, memfd, 0, SZ_4K, 0x10000, SVA_RW));
	EXPECT_EQ(0, sva_ioctl(self->fd, IOMMUFD_SVA_IOAS_CHANGE_PROCESS, &cmd));
	/* Memory of a process cannot go to another one. */
	ASSERT_EQ(0, map(self, 0x20000, SZ_4K));
	EXPECT_EQ(-EINVAL, sva_ioctl(self->fd, IOMMUFD_SVA_IOAS_CHANGE_PROCESS, &cmd));
	cmd.__reserved = 1;
	EXPECT_EQ(-EOPNOTSUPP, sva_ioctl(self->fd, IOMMUFD_SVA_IOAS_CHANGE_PROCESS, &cmd));
}

TEST_F(ioas, destroy_with_mappings)
{
	ASSERT_EQ(0, map(self, 0, SZ_4K));
	EXPECT_EQ(0, sva_destroy(self->fd, self->ioas));
	EXPECT_EQ(-ENOENT, map(self, 0, SZ_4K));
}

/* Threads on ranges of their own do not see each other. */
struct worker {
	int fd;
	uint32_t ioas;
	char *mem;
	uint64_t base;
	int rc;
};

static void *work(void *arg)
{
	struct worker *w = arg;

	for (int i = 0; i < 300 && !w->rc; i++) {
		uint64_t iova = w->base + (i % 16) * SZ_64K;

		w->rc = sva_map(w->fd, w->ioas, w->mem, SZ_64K, iova, SVA_RW);
		if (!w->rc)
			w->rc = sva_copy(w->fd, w->ioas, iova + SZ_1G, w->ioas,
					 iova, SZ_64K, SVA_READ);
		if (!w->rc)
			w->rc = sva_unmap(w->fd, w->ioas, iova, SZ_64K, NULL);
		if (!w->rc)
			w->rc = sva_unmap(w->fd, w->ioas, iova + SZ_1G, SZ_64K, NULL);
	}
	return NULL;
}

TEST_F(ioas, concurrent)
{
	struct worker w[4];
	pthread_t t[4];

	for (int i = 0; i < 4; i++) {
		w[i] = (struct worker){ self->fd, self->ioas, self->mem,
					(i + 1) * 16 * SZ_1G, 0 };
		ASSERT_EQ(0, pthread_create(&t[i], NULL, work, &w[i]));
	}
	for (int i = 0; i < 4; i++) {
		pthread_join(t[i], NULL);
		EXPECT_EQ(0, w[i].rc) TH_LOG("thread %d", i);
	}
	EXPECT_EQ(-ENOENT, unmap(self, 0, UINT64_MAX - 1));
}

TEST_HARNESS_MAIN
