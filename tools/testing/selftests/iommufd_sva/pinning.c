// SPDX-License-Identifier: GPL-2.0-only
/*
 * What memory is pinned, when, and how often. VmPin of the process is what it
 * is charged with; the kernel's own count of pins (nr_foll_pin_acquired less
 * nr_foll_pin_released) is what really happened. Needs a unit of ours with
 * a DMA engine behind it.
 */
#include <linux/memfd.h>

#include "selftest.h"

#define IOVA 0x10000000UL
#define PAGES(n) ((n) * SZ_4K)

FIXTURE(pinning)
{
	char name[PCI_NAME_LEN];
	int fd;
	uint32_t ioas;
	uint32_t device;
	char *mem;
	size_t len;
	long charged;
	long pins;
};

/* In pages. */
static long charged(void)
{
	return status_kb("VmPin:") / 4;
}

FIXTURE_SETUP(pinning)
{
	NEED_ENGINE(0, self->name);
	self->fd = sva_open();
	ASSERT_LE(0, self->fd) TH_LOG("cannot open " SVA_DEV);
	ASSERT_EQ(0, sva_ioas_alloc(self->fd, &self->ioas));
	ASSERT_EQ(0, pci_unbind(self->name));
	ASSERT_EQ(0, sva_bind(self->fd, pci_bdf(self->name), &self->device));
	self->len = SZ_2M;
	self->mem = mem_alloc(self->len, SZ_2M);
	ASSERT_NE(NULL, self->mem);
	self->charged = charged();
	self->pins = mem_pins();
}

FIXTURE_TEARDOWN(pinning)
{
	if (self->fd >= 0)
		close(self->fd);
	EXPECT_EQ(self->charged, charged());
	EXPECT_EQ(self->pins, mem_pins());
}

/* Both counts stand at so many pages more than at the start. */
#define EXPECT_PINNED(npages)                                                  \
	do {                                                                   \
		EXPECT_EQ(self->charged + (long)(npages), charged());          \
		EXPECT_EQ(self->pins + (long)(npages), mem_pins());                \
	} while (0)

static int map(FIXTURE_DATA(pinning) *self, size_t offset, size_t length,
	       uint64_t iova)
{
	return sva_map(self->fd, self->ioas, self->mem + offset, length, iova,
		       SVA_RW);
}

/* A second set of tables for an IOAS, without a second device. */
static int hwpt(FIXTURE_DATA(pinning) *self, uint32_t ioas, uint32_t *out)
{
	return sva_hwpt_alloc(self->fd, self->device, ioas, 0, out);
}

TEST_F(pinning, only_while_there_are_tables)
{
	uint32_t first, second;

	ASSERT_EQ(0, map(self, 0, PAGES(16), IOVA));
	EXPECT_PINNED(0);
	ASSERT_EQ(0, hwpt(self, self->ioas, &first));
	EXPECT_PINNED(16);
	ASSERT_EQ(0, hwpt(self, self->ioas, &second));
	EXPECT_PINNED(16);
	ASSERT_EQ(0, map(self, PAGES(16), PAGES(4), IOVA + PAGES(16)));
	EXPECT_PINNED(20);
	/* The one that the addresses were read back from goes first. */
	ASSERT_EQ(0, sva_destroy(self->fd, first));
	EXPECT_PINNED(20);
	ASSERT_EQ(0, sva_unmap(self->fd, self->ioas, IOVA, PAGES(16), NULL));
	EXPECT_PINNED(4);
	ASSERT_EQ(0, sva_destroy(self->fd, second));
	EXPECT_PINNED(0);
	ASSERT_EQ(0, hwpt(self, self->ioas, &first));
	EXPECT_PINNED(4);
}

TEST_F(pinning, copies_share)
{
	uint32_t copy, first, second;

	ASSERT_EQ(0, sva_ioas_alloc(self->fd, &copy));
	ASSERT_EQ(0, hwpt(self, self->ioas, &first));
	ASSERT_EQ(0, hwpt(self, copy, &second));
	ASSERT_EQ(0, map(self, 0, PAGES(16), IOVA));
	ASSERT_EQ(0, sva_copy(self->fd, copy, IOVA, self->ioas, IOVA + PAGES(4), PAGES(4), SVA_RW));
	ASSERT_EQ(0, sva_copy(self->fd, copy, 2 * IOVA, self->ioas, IOVA + PAGES(6), PAGES(4),
			      SVA_READ));
	ASSERT_EQ(0, sva_copy(self->fd, self->ioas, 3 * IOVA, self->ioas, IOVA, PAGES(16), SVA_RW));
	EXPECT_PINNED(16);
	/* The originals go, what a copy shows stays: pages 4 to 9. */
	ASSERT_EQ(0, sva_unmap(self->fd, self->ioas, 0, UINT64_MAX, NULL));
	EXPECT_PINNED(6);
	ASSERT_EQ(0, sva_unmap(self->fd, copy, IOVA, PAGES(4), NULL));
	EXPECT_PINNED(4);
	ASSERT_EQ(0, sva_destroy(self->fd, second));
	EXPECT_PINNED(0);
}

/* Tables that join late take what copies hold, and pin what nobody does. */
TEST_F(pinning, copies_first)
{
	uint32_t copy, first, second;

	ASSERT_EQ(0, sva_ioas_alloc(self->fd, &copy));
	ASSERT_EQ(0, map(self, 0, PAGES(16), IOVA));
	ASSERT_EQ(0, sva_copy(self->fd, copy, IOVA, self->ioas, IOVA + PAGES(4), PAGES(4), SVA_RW));
	ASSERT_EQ(0, hwpt(self, copy, &second));
	EXPECT_PINNED(4);
	ASSERT_EQ(0, hwpt(self, self->ioas, &first));
	EXPECT_PINNED(16);
	ASSERT_EQ(0, sva_destroy(self->fd, second));
	EXPECT_PINNED(16);
	ASSERT_EQ(0, sva_destroy(self->fd, first));
	EXPECT_PINNED(0);
}

/* What a copy shows is the same memory, whoever has pinned it. */
TEST_F(pinning, copies_show_the_same_memory)
{
	uint32_t copy, first;
	struct engine engine;

	ASSERT_EQ(0, engine_open(&engine, self->name));
	ASSERT_EQ(0, sva_ioas_alloc(self->fd, &copy));
	ASSERT_EQ(0, hwpt(self, self->ioas, &first));
	ASSERT_EQ(0, map(self, 0, PAGES(16), IOVA));
	ASSERT_EQ(0, sva_copy(self->fd, copy, IOVA, self->ioas, IOVA + PAGES(4), PAGES(4), SVA_RW));
	ASSERT_EQ(0, sva_attach(self->fd, self->device, copy, NULL));
	ASSERT_EQ(0, sva_unmap(self->fd, self->ioas, IOVA, PAGES(16), NULL));

	for (int i = 0; i < 4; i++)
		mem_fill(self->mem + PAGES(4 + i), SZ_4K, i);
	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(0, engine_fetch(&engine, IOVA + PAGES(i), SZ_4K));
		ASSERT_EQ(0, engine_store(&engine, IOVA + PAGES(i + 2), SZ_4K));
	}
	for (int i = 0; i < 4; i++)
		EXPECT_EQ(-1, mem_check(self->mem + PAGES(4 + i), SZ_4K, i % 2));
	engine_close(&engine);
}

TEST_F(pinning, failure_leaves_nothing)
{
	uint32_t out;

	/* A hole in the middle of the memory. */
	ASSERT_EQ(0, munmap(self->mem + PAGES(20), SZ_4K));
	ASSERT_EQ(0, map(self, 0, PAGES(8), IOVA));
	ASSERT_EQ(0, map(self, PAGES(16), PAGES(8), 2 * IOVA));
	EXPECT_EQ(-EFAULT, hwpt(self, self->ioas, &out));
	EXPECT_PINNED(0);
	ASSERT_EQ(0, sva_unmap(self->fd, self->ioas, 2 * IOVA, PAGES(8), NULL));

	ASSERT_EQ(0, hwpt(self, self->ioas, &out));
	EXPECT_PINNED(8);
	EXPECT_EQ(-EFAULT, map(self, PAGES(16), PAGES(8), 2 * IOVA));
	EXPECT_PINNED(8);
	/* Its place is free again. */
	EXPECT_EQ(0, map(self, PAGES(8), PAGES(8), 2 * IOVA));
	EXPECT_PINNED(16);
}

TEST_F(pinning, many_mappings_at_once)
{
	uint32_t out;
	uint64_t unmapped;

	ASSERT_EQ(0, hwpt(self, self->ioas, &out));
	for (int i = 0; i < 200; i++)
		ASSERT_EQ(0, map(self, PAGES(2 * i), SZ_4K, IOVA + i * SZ_2M));
	EXPECT_PINNED(200);
	/* Cuts the last one: all stay. */
	ASSERT_EQ(0, map(self, 0, PAGES(2), IOVA + 200 * SZ_2M));
	EXPECT_EQ(-ENOENT, sva_unmap(self->fd, self->ioas, IOVA, 200 * SZ_2M + SZ_4K, NULL));
	EXPECT_PINNED(202);
	ASSERT_EQ(0, sva_unmap(self->fd, self->ioas, IOVA, 201 * SZ_2M, &unmapped));
	EXPECT_EQ(PAGES(202), unmapped);
	EXPECT_PINNED(0);
}

TEST_F(pinning, file)
{
	int memfd = memfd_create("pinning", MFD_ALLOW_SEALING), readonly;
	char path[64];
	uint32_t out;

	ASSERT_LE(0, memfd);
	ASSERT_EQ(0, ftruncate(memfd, PAGES(64)));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", memfd);
	readonly = open(path, O_RDONLY);
	ASSERT_LE(0, readonly);
	ASSERT_EQ(0, hwpt(self, self->ioas, &out));

	ASSERT_EQ(0, sva_map_file(self->fd, self->ioas, memfd, 0, PAGES(64), IOVA, SVA_RW));
	EXPECT_PINNED(64);
	EXPECT_EQ(-1, fcntl(memfd, F_ADD_SEALS, F_SEAL_WRITE));
	EXPECT_EQ(-EINVAL, sva_map_file(self->fd, self->ioas, memfd, PAGES(63), PAGES(2), 2 * IOVA,
					SVA_RW)) TH_LOG("beyond its end");
	EXPECT_PINNED(64);
	ASSERT_EQ(0, sva_unmap(self->fd, self->ioas, IOVA, PAGES(64), NULL));
	EXPECT_PINNED(0);

	EXPECT_EQ(-EPERM, sva_map_file(self->fd, self->ioas, readonly, 0, SZ_4K, IOVA, SVA_RW));
	EXPECT_EQ(0, fcntl(memfd, F_ADD_SEALS, F_SEAL_WRITE));
	EXPECT_EQ(-EPERM, sva_map_file(self->fd, self->ioas, memfd, 0, SZ_4K, IOVA, SVA_RW));
	EXPECT_EQ(0, sva_map_file(self->fd, self->ioas, readonly, 0, SZ_4K, IOVA, SVA_READ));
	EXPECT_PINNED(1);
	close(readonly);
	close(memfd);
}

TEST_F(pinning, file_of_huge_pages)
{
	int memfd = memfd_create("pinning", MFD_HUGETLB | MFD_HUGE_2MB);
	uint32_t out;

	if (memfd < 0 || file_write("/proc/sys/vm/nr_hugepages", "4") ||
	    ftruncate(memfd, 2 * SZ_2M) || fallocate(memfd, 0, 0, 2 * SZ_2M))
		SKIP(return, "no huge pages");
	self->pins = mem_pins();
	ASSERT_EQ(0, hwpt(self, self->ioas, &out));
	/* Not at the start of one, and across two; and a part of that again. */
	ASSERT_EQ(0, sva_map_file(self->fd, self->ioas, memfd, SZ_4K, SZ_2M, IOVA + SZ_4K, SVA_RW));
	EXPECT_PINNED(512);
	ASSERT_EQ(0, sva_copy(self->fd, self->ioas, 2 * IOVA, self->ioas, IOVA + SZ_2M - SZ_4K,
			      PAGES(2), SVA_RW));
	ASSERT_EQ(0, sva_unmap(self->fd, self->ioas, IOVA, 2 * SZ_2M, NULL));
	EXPECT_PINNED(2);
	ASSERT_EQ(0, sva_unmap(self->fd, self->ioas, 2 * IOVA, PAGES(2), NULL));
	EXPECT_PINNED(0);
	close(memfd);
	file_write("/proc/sys/vm/nr_hugepages", "0");
}

static int change_process(int fd)
{
	struct iommufd_sva_ioas_change_process cmd = { .size = sizeof(cmd) };

	return sva_ioctl(fd, IOMMUFD_SVA_IOAS_CHANGE_PROCESS, &cmd);
}

TEST_F(pinning, change_process)
{
	int memfd = memfd_create("pinning", 0), status;
	uint32_t out;
	pid_t pid;

	ASSERT_EQ(0, ftruncate(memfd, PAGES(64)));
	ASSERT_EQ(0, hwpt(self, self->ioas, &out));
	ASSERT_EQ(0, sva_map_file(self->fd, self->ioas, memfd, 0, PAGES(64), IOVA, SVA_RW));
	/* The same pages twice are charged once. */
	ASSERT_EQ(0, sva_copy(self->fd, self->ioas, 2 * IOVA, self->ioas, IOVA, PAGES(64), SVA_RW));
	EXPECT_PINNED(64);

	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		_exit(change_process(self->fd) || charged() != 64);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(self->charged, charged());
	EXPECT_EQ(self->pins + 64, mem_pins());

	/* Back from a process that is gone. */
	EXPECT_EQ(0, change_process(self->fd));
	EXPECT_PINNED(64);
	/* Memory of a process cannot follow. */
	ASSERT_EQ(0, map(self, 0, SZ_4K, 4 * IOVA));
	EXPECT_EQ(-EINVAL, change_process(self->fd));
	EXPECT_PINNED(65);
}

/* The memory of whoever mapped it, not of whoever attaches. */
TEST_F(pinning, another_process)
{
	int status;
	pid_t pid;
	uint32_t out;

	ASSERT_EQ(0, map(self, 0, PAGES(16), IOVA));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		_exit(munmap(self->mem, self->len) || hwpt(self, self->ioas, &out) ||
		      charged() != 0);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_PINNED(16);
	ASSERT_EQ(0, sva_unmap(self->fd, self->ioas, IOVA, PAGES(16), NULL));
	EXPECT_PINNED(0);

	/* Pinned memory outlives its process; unpinned memory does not. */
	pid = fork();
	if (!pid)
		_exit(!!map(self, 0, PAGES(16), IOVA));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_EQ(0, status);
	EXPECT_EQ(self->pins + 16, mem_pins());
	ASSERT_EQ(0, sva_unmap(self->fd, self->ioas, IOVA, PAGES(16), NULL));
	EXPECT_EQ(self->pins, mem_pins());
}

TEST_F(pinning, killed_in_the_middle)
{
	int status;
	pid_t pid;

	close(self->fd);
	self->fd = -1;
	for (int i = 0; i < 5; i++) {
		pid = fork();
		ASSERT_LE(0, pid);
		if (!pid) {
			int fd = sva_open();
			uint32_t ioas, device;

			sva_ioas_alloc(fd, &ioas);
			sva_bind(fd, pci_bdf(self->name), &device);
			sva_attach(fd, device, ioas, NULL);
			for (;;) {
				sva_map(fd, ioas, self->mem, self->len, IOVA, SVA_RW);
				sva_unmap(fd, ioas, IOVA, self->len, NULL);
			}
		}
		usleep(100000 + 37000 * i);
		kill(pid, SIGKILL);
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		/* The file goes with the process, and the pins with the file. */
		EXPECT_PINNED(0);
	}
}

TEST_HARNESS_MAIN
