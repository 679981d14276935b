// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a device's DMA reaches, and what it does not. Needs a unit of ours with
 * a DMA engine behind it, and for DMA at full speed a fast one.
 */
#include <sys/prctl.h>

#include "selftest.h"

#define IOVA 0x7654000000UL

FIXTURE(dma)
{
	char name[PCI_NAME_LEN];
	int fd;
	uint32_t ioas;
	uint32_t device;
	struct engine engine;
	char *mem;
	int log;
};

FIXTURE_SETUP(dma)
{
	NEED_ENGINE(0, self->name);
	self->fd = sva_open();
	ASSERT_LE(0, self->fd) TH_LOG("cannot open " SVA_DEV);
	ASSERT_EQ(0, sva_ioas_alloc(self->fd, &self->ioas));
	ASSERT_EQ(0, pci_unbind(self->name));
	ASSERT_EQ(0, sva_bind(self->fd, pci_bdf(self->name), &self->device));
	ASSERT_EQ(0, engine_open(&self->engine, self->name));
	ASSERT_TRUE(engine_alive(&self->engine));
	self->mem = mem_alloc(SZ_2M, SZ_2M);
	ASSERT_NE(NULL, self->mem);
	self->log = fault_mark();
	ASSERT_LE(0, self->log);
}

FIXTURE_TEARDOWN(dma)
{
	engine_close(&self->engine);
	close(self->fd);
}

static int map(FIXTURE_DATA(dma) *self, void *mem, size_t len, uint64_t iova,
	       uint32_t prot)
{
	return sva_map(self->fd, self->ioas, mem, len, iova, prot);
}

/* The device's buffer, seen through a mapped page: where it differs, or -1. */
static long buffer_check(FIXTURE_DATA(dma) *self, char *page, uint64_t iova,
			 unsigned int seed)
{
	memset(page, 0, SZ_4K);
	if (engine_store(&self->engine, iova, SZ_4K))
		return -2;
	return mem_check(page, SZ_4K, seed);
}

TEST_F(dma, both_directions)
{
	char *from = self->mem, *to = self->mem + SZ_64K;

	ASSERT_EQ(0, sva_attach(self->fd, self->device, self->ioas, NULL));
	ASSERT_EQ(0, map(self, from, SZ_64K, IOVA, SVA_READ));
	ASSERT_EQ(0, map(self, to, SZ_64K, IOVA + SZ_1G, SVA_RW));
	/* Each of the pages is another one. */
	for (int i = 0; i < 4; i++)
		mem_fill(from + i * SZ_4K, SZ_4K, i);
	for (int i = 0; i < 4; i++) {
		ASSERT_EQ(0, engine_fetch(&self->engine, IOVA + i * SZ_4K, SZ_4K));
		ASSERT_EQ(0, engine_store(&self->engine, IOVA + SZ_1G + (3 - i) * SZ_4K, SZ_4K));
	}
	for (int i = 0; i < 4; i++) {
		EXPECT_EQ(-1, mem_check(to + (3 - i) * SZ_4K, SZ_4K, i));
	}
	/* Nothing but these pages. */
	for (size_t i = 4 * SZ_4K; i < SZ_64K; i++) {
		ASSERT_EQ(0, to[i]);
	}
	EXPECT_FALSE(any_fault_logged(self->log, self->name));
}

/* A range of bytes that crosses from one page into another, far away, one. */
TEST_F(dma, across_pages)
{
	char *a = self->mem, *b = self->mem + 33 * SZ_4K;

	ASSERT_EQ(0, map(self, a, SZ_4K, IOVA, SVA_RW));
	ASSERT_EQ(0, map(self, b, SZ_4K, IOVA + SZ_4K, SVA_RW));
	ASSERT_EQ(0, sva_attach(self->fd, self->device, self->ioas, NULL));
	memset(a, 0x11, SZ_4K);
	memset(b, 0x22, SZ_4K);
	ASSERT_EQ(0, engine_fetch(&self->engine, IOVA + SZ_4K / 2, SZ_4K));
	memset(a, 0, SZ_4K);
	memset(b, 0, SZ_4K);
	ASSERT_EQ(0, engine_store(&self->engine, IOVA + SZ_4K / 2, SZ_4K));
	EXPECT_EQ(0x00, a[SZ_4K / 2 - 1]);
	EXPECT_EQ(0x11, a[SZ_4K / 2]);
	EXPECT_EQ(0x11, a[SZ_4K - 1]);
	EXPECT_EQ(0x22, b[0]);
	EXPECT_EQ(0x22, b[SZ_4K / 2 - 1]);
	EXPECT_EQ(0x00, b[SZ_4K / 2]);
}

TEST_F(dma, bound_is_blocked)
{
	uint64_t phys = mem_phys(self->mem);

	ASSERT_NE(0, phys);
	mem_fill(self->mem, SZ_4K, 1);
	/* Neither an IOVA nor, as passing through would, a physical address. */
	ASSERT_EQ(0, engine_store(&self->engine, phys, SZ_4K));
	EXPECT_TRUE(block_logged(self->log, self->name, "write", phys));
	EXPECT_EQ(-1, mem_check(self->mem, SZ_4K, 1)) TH_LOG("host memory was written");
}

TEST_F(dma, unmapped)
{
	char *page = self->mem;
	uint64_t hole = IOVA + SZ_2M, phys;

	mem_fill(page, SZ_4K, 1);
	phys = mem_phys(page);
	ASSERT_NE(0, phys);
	ASSERT_EQ(0, map(self, page, SZ_4K, IOVA, SVA_RW));
	ASSERT_EQ(0, sva_attach(self->fd, self->device, self->ioas, NULL));

	ASSERT_EQ(0, engine_store(&self->engine, hole, SZ_4K));
	EXPECT_TRUE(fault_logged(self->log, self->name, "write", hole));
	ASSERT_EQ(0, engine_fetch(&self->engine, hole, SZ_4K));
	EXPECT_TRUE(fault_logged(self->log, self->name, "read", hole));
	ASSERT_EQ(0, engine_store(&self->engine, phys, SZ_4K));
	EXPECT_TRUE(fault_logged(self->log, self->name, "write", phys));
	EXPECT_EQ(-1, mem_check(page, SZ_4K, 1));
}

TEST_F(dma, read_only)
{
	char *ro = self->mem, *rw = self->mem + SZ_4K;

	ASSERT_EQ(0, map(self, ro, SZ_4K, IOVA, SVA_READ));
	ASSERT_EQ(0, map(self, rw, SZ_4K, IOVA + SZ_4K, SVA_RW));
	ASSERT_EQ(0, sva_attach(self->fd, self->device, self->ioas, NULL));
	mem_fill(rw, SZ_4K, 2);
	ASSERT_EQ(0, engine_fetch(&self->engine, IOVA + SZ_4K, SZ_4K));
	mem_fill(ro, SZ_4K, 1);
	ASSERT_EQ(0, engine_store(&self->engine, IOVA, SZ_4K));
	EXPECT_TRUE(fault_logged(self->log, self->name, "write", IOVA));
	EXPECT_EQ(-1, mem_check(ro, SZ_4K, 1)) TH_LOG("a read-only page was written");
	/* Reading it is fine. */
	ASSERT_EQ(0, engine_fetch(&self->engine, IOVA, SZ_4K));
	EXPECT_EQ(-1, buffer_check(self, rw, IOVA + SZ_4K, 1));
}

/* A page that the device may only write must not be read. */
TEST_F(dma, write_only)
{
	char *wo = self->mem, *rw = self->mem + SZ_4K;

	ASSERT_EQ(0, map(self, wo, SZ_4K, IOVA, SVA_WRITE));
	ASSERT_EQ(0, map(self, rw, SZ_4K, IOVA + SZ_4K, SVA_RW));
	ASSERT_EQ(0, sva_attach(self->fd, self->device, self->ioas, NULL));
	mem_fill(wo, SZ_4K, 1);
	ASSERT_EQ(0, engine_fetch(&self->engine, IOVA, SZ_4K));
	EXPECT_TRUE(fault_logged(self->log, self->name, "read", IOVA));
	EXPECT_NE(-1, buffer_check(self, rw, IOVA + SZ_4K, 1))
		TH_LOG("a write-only page was read");
	ASSERT_EQ(0, engine_fetch(&self->engine, IOVA + SZ_4K, SZ_4K));
	memset(rw, 0, SZ_4K);
	mem_fill(rw, SZ_4K, 3);
	ASSERT_EQ(0, engine_fetch(&self->engine, IOVA + SZ_4K, SZ_4K));
	ASSERT_EQ(0, engine_store(&self->engine, IOVA, SZ_4K));
	EXPECT_EQ(-1, mem_check(wo, SZ_4K, 3));
}

/* The device has used the mapping, so its translation is in the unit's caches. */
TEST_F(dma, just_unmapped)
{
	char *page = self->mem, *rw = self->mem + SZ_4K;

	ASSERT_EQ(0, sva_attach(self->fd, self->device, self->ioas, NULL));
	ASSERT_EQ(0, map(self, rw, SZ_4K, IOVA + SZ_4K, SVA_RW));
	mem_fill(rw, SZ_4K, 9);
	for (int i = 0; i < 3; i++) {
		/* The same again right after it would not be another fault. */
		usleep(i ? 100000 : 0);
		ASSERT_EQ(0, map(self, page, SZ_4K, IOVA, SVA_RW));
		mem_fill(page, SZ_4K, i);
		ASSERT_EQ(0, engine_fetch(&self->engine, IOVA, SZ_4K));
		ASSERT_EQ(0, engine_store(&self->engine, IOVA, SZ_4K));
		ASSERT_EQ(0, engine_fetch(&self->engine, IOVA + SZ_4K, SZ_4K));
		ASSERT_EQ(0, sva_unmap(self->fd, self->ioas, IOVA, SZ_4K, NULL));
		ASSERT_EQ(0, engine_store(&self->engine, IOVA, SZ_4K));
		EXPECT_TRUE(fault_logged(self->log, self->name, "write", IOVA));
		EXPECT_EQ(-1, mem_check(page, SZ_4K, i))
			TH_LOG("written after it was unmapped");
	}
}

/* An IOVA that comes back with other memory behind it. */
TEST_F(dma, mapped_anew)
{
	char *old = self->mem, *new = self->mem + SZ_4K;

	ASSERT_EQ(0, sva_attach(self->fd, self->device, self->ioas, NULL));
	ASSERT_EQ(0, map(self, old, SZ_4K, IOVA, SVA_RW));
	mem_fill(old, SZ_4K, 1);
	ASSERT_EQ(0, engine_fetch(&self->engine, IOVA, SZ_4K));
	ASSERT_EQ(0, sva_unmap(self->fd, self->ioas, IOVA, SZ_4K, NULL));
	memset(old, 0, SZ_4K);
	ASSERT_EQ(0, map(self, new, SZ_4K, IOVA, SVA_RW));
	ASSERT_EQ(0, engine_store(&self->engine, IOVA, SZ_4K));
	EXPECT_EQ(-1, mem_check(new, SZ_4K, 1));
	EXPECT_EQ(0, old[0]);
	EXPECT_FALSE(any_fault_logged(self->log, self->name));
}

/* Nothing was there, the unit may remember that, then something is. */
TEST_F(dma, mapped_after_a_fault)
{
	ASSERT_EQ(0, sva_attach(self->fd, self->device, self->ioas, NULL));
	ASSERT_EQ(0, engine_fetch(&self->engine, IOVA, SZ_4K));
	EXPECT_TRUE(fault_logged(self->log, self->name, "read", IOVA));
	mem_fill(self->mem, SZ_4K, 1);
	ASSERT_EQ(0, map(self, self->mem, SZ_4K, IOVA, SVA_RW));
	ASSERT_EQ(0, engine_fetch(&self->engine, IOVA, SZ_4K));
	EXPECT_EQ(-1, buffer_check(self, self->mem, IOVA, 1));
	EXPECT_FALSE(any_fault_logged(self->log, self->name));
}

TEST_F(dma, detached_is_blocked)
{
	uint64_t phys;

	ASSERT_EQ(0, map(self, self->mem, SZ_4K, IOVA, SVA_RW));
	ASSERT_EQ(0, sva_attach(self->fd, self->device, self->ioas, NULL));
	mem_fill(self->mem, SZ_4K, 1);
	ASSERT_EQ(0, engine_fetch(&self->engine, IOVA, SZ_4K));
	ASSERT_EQ(0, sva_detach(self->fd, self->device));
	/* It is no bus master now. Somebody who can make it one gains nothing. */
	EXPECT_EQ(0, pci_command(self->name) & PCI_CMD_MASTER);
	ASSERT_EQ(0, pci_set_command(self->name, PCI_CMD_MASTER, 0));
	mem_fill(self->mem, SZ_4K, 2);
	ASSERT_EQ(0, engine_store(&self->engine, IOVA, SZ_4K));
	EXPECT_TRUE(block_logged(self->log, self->name, "write", IOVA));
	EXPECT_EQ(-1, mem_check(self->mem, SZ_4K, 2));
	/* Nor does it pass through. */
	phys = mem_phys(self->mem);
	ASSERT_NE(0, phys);
	ASSERT_EQ(0, engine_store(&self->engine, phys, SZ_4K));
	EXPECT_TRUE(block_logged(self->log, self->name, "write", phys));
	EXPECT_EQ(-1, mem_check(self->mem, SZ_4K, 2)) TH_LOG("host memory was written");
	/* And back. */
	ASSERT_EQ(0, sva_attach(self->fd, self->device, self->ioas, NULL));
	ASSERT_EQ(0, engine_fetch(&self->engine, IOVA, SZ_4K));
	EXPECT_EQ(-1, buffer_check(self, self->mem, IOVA, 2));
}

/*
 * The same IOVA in address spaces that follow one another. Tags are given out
 * again as soon as they can be: the third space has the first one's.
 */
TEST_F(dma, replace)
{
	uint32_t ioas[3] = { self->ioas };
	char *page[3];

	for (int i = 0; i < 3; i++) {
		page[i] = self->mem + i * SZ_4K;
		if (i)
			ASSERT_EQ(0, sva_ioas_alloc(self->fd, &ioas[i]));
		ASSERT_EQ(0, sva_map(self->fd, ioas[i], page[i], SZ_4K, IOVA, SVA_RW));
	}
	for (int i = 0; i < 9; i++) {
		for (int k = 0; k < 3; k++)
			mem_fill(page[k], SZ_4K, 10 * k + i);
		ASSERT_EQ(0, sva_attach(self->fd, self->device, ioas[i % 3], NULL));
		ASSERT_EQ(0, engine_fetch(&self->engine, IOVA, SZ_4K));
		ASSERT_EQ(0, sva_attach(self->fd, self->device, ioas[(i + 1) % 3], NULL));
		ASSERT_EQ(0, engine_store(&self->engine, IOVA, SZ_4K));
		for (int k = 0; k < 3; k++) {
			int seed = k == (i + 1) % 3 ? i % 3 : k;

			EXPECT_EQ(-1, mem_check(page[k], SZ_4K, 10 * seed + i))
				TH_LOG("round %d, page %d", i, k);
		}
	}
	/* With nothing between them that is blocked, and with it. */
	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(0, sva_detach(self->fd, self->device));
		ASSERT_EQ(0, sva_attach(self->fd, self->device, ioas[i], NULL));
		mem_fill(page[i], SZ_4K, 50 + i);
		ASSERT_EQ(0, engine_fetch(&self->engine, IOVA, SZ_4K));
		memset(page[i], 0, SZ_4K);
		ASSERT_EQ(0, engine_store(&self->engine, IOVA, SZ_4K));
		EXPECT_EQ(-1, mem_check(page[i], SZ_4K, 50 + i));
	}
	EXPECT_FALSE(any_fault_logged(self->log, self->name));
}

/* Two devices, the same IOVA, and each has its own behind it. */
TEST_F(dma, two_address_spaces)
{
	char name[PCI_NAME_LEN], *page[2] = { self->mem, self->mem + SZ_4K };
	struct engine engine[2] = { self->engine };
	uint32_t device[2] = { self->device }, ioas[2] = { self->ioas };

	NEED_ENGINE(1, name);
	ASSERT_EQ(0, pci_unbind(name));
	ASSERT_EQ(0, sva_bind(self->fd, pci_bdf(name), &device[1]));
	ASSERT_EQ(0, engine_open(&engine[1], name));
	ASSERT_EQ(0, sva_ioas_alloc(self->fd, &ioas[1]));
	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(0, sva_map(self->fd, ioas[i], page[i], SZ_4K, IOVA, SVA_RW));
		ASSERT_EQ(0, sva_attach(self->fd, device[i], ioas[i], NULL));
	}
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 2; i++) {
			mem_fill(page[i], SZ_4K, 1 + i);
			ASSERT_EQ(0, engine_fetch(&engine[i], IOVA, SZ_4K));
			memset(page[i], 0, SZ_4K);
		}
		for (int i = 0; i < 2; i++) {
			ASSERT_EQ(0, engine_store(&engine[i], IOVA, SZ_4K));
		}
		for (int i = 0; i < 2; i++) {
			EXPECT_EQ(-1, mem_check(page[i], SZ_4K, 1 + i)) TH_LOG("device %d", i);
		}
	}
	EXPECT_FALSE(any_fault_logged(self->log, self->name));
	EXPECT_FALSE(any_fault_logged(self->log, name));
	engine_close(&engine[1]);
}

/* One address space of two devices, which may be behind different units. */
TEST_F(dma, two_devices)
{
	char *mem = self->mem, name[PCI_NAME_LEN];
	struct engine *first = &self->engine, second;
	uint32_t device;

	NEED_ENGINE(1, name);
	ASSERT_EQ(0, pci_unbind(name));
	ASSERT_EQ(0, sva_bind(self->fd, pci_bdf(name), &device));
	ASSERT_EQ(0, engine_open(&second, name));
	ASSERT_EQ(0, map(self, mem, SZ_64K, IOVA, SVA_RW));
	ASSERT_EQ(0, sva_attach(self->fd, self->device, self->ioas, NULL));
	ASSERT_EQ(0, sva_attach(self->fd, device, self->ioas, NULL));
	/* Mapped before, and while, both are attached. */
	ASSERT_EQ(0, map(self, mem + SZ_64K, SZ_64K, IOVA + SZ_1G, SVA_RW));

	mem_fill(mem, SZ_4K, 1);
	ASSERT_EQ(0, engine_fetch(first, IOVA, SZ_4K));
	ASSERT_EQ(0, engine_store(first, IOVA + SZ_1G, SZ_4K));
	EXPECT_EQ(-1, mem_check(mem + SZ_64K, SZ_4K, 1));
	mem_fill(mem, SZ_4K, 2);
	ASSERT_EQ(0, engine_fetch(&second, IOVA, SZ_4K));
	ASSERT_EQ(0, engine_store(&second, IOVA + SZ_1G, SZ_4K));
	EXPECT_EQ(-1, mem_check(mem + SZ_64K, SZ_4K, 2));

	/* Unmapped for both, and gone from the caches of both. */
	ASSERT_EQ(0, sva_unmap(self->fd, self->ioas, IOVA + SZ_1G, SZ_64K, NULL));
	mem_fill(mem + SZ_64K, SZ_4K, 3);
	ASSERT_EQ(0, engine_store(first, IOVA + SZ_1G, SZ_4K));
	EXPECT_TRUE(fault_logged(self->log, self->name, "write", IOVA + SZ_1G));
	ASSERT_EQ(0, engine_store(&second, IOVA + SZ_1G, SZ_4K));
	EXPECT_TRUE(fault_logged(self->log, name, "write", IOVA + SZ_1G));
	EXPECT_EQ(-1, mem_check(mem + SZ_64K, SZ_4K, 3));

	/* One goes, the other does not notice. */
	ASSERT_EQ(0, sva_detach(self->fd, self->device));
	ASSERT_EQ(0, engine_store(&second, IOVA + SZ_4K, SZ_4K));
	EXPECT_EQ(-1, mem_check(mem + SZ_4K, SZ_4K, 2));
	EXPECT_FALSE(any_fault_logged(self->log, name));
	engine_close(&second);
}

TEST_F(dma, hwpt_holds_what_its_ioas_holds)
{
	uint32_t hwpt;

	ASSERT_EQ(0, map(self, self->mem, SZ_4K, IOVA, SVA_RW));
	ASSERT_EQ(0, sva_hwpt_alloc(self->fd, self->device, self->ioas, 0, &hwpt));
	ASSERT_EQ(0, map(self, self->mem + SZ_4K, SZ_4K, IOVA + SZ_2M, SVA_RW));
	ASSERT_EQ(0, sva_attach(self->fd, self->device, hwpt, NULL));
	mem_fill(self->mem, SZ_4K, 1);
	ASSERT_EQ(0, engine_fetch(&self->engine, IOVA, SZ_4K));
	EXPECT_EQ(-1, buffer_check(self, self->mem + SZ_4K, IOVA + SZ_2M, 1));
}

TEST_F(dma, file)
{
	int memfd = memfd_create("dma", 0);
	char *mem;

	ASSERT_LE(0, memfd);
	ASSERT_EQ(0, ftruncate(memfd, 4 * SZ_4K));
	mem = mmap(NULL, 4 * SZ_4K, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
	ASSERT_NE(MAP_FAILED, mem);
	ASSERT_EQ(0, sva_attach(self->fd, self->device, self->ioas, NULL));
	ASSERT_EQ(0, sva_map_file(self->fd, self->ioas, memfd, SZ_4K, 2 * SZ_4K, IOVA, SVA_RW));
	mem_fill(mem + SZ_4K, SZ_4K, 1);
	ASSERT_EQ(0, engine_fetch(&self->engine, IOVA, SZ_4K));
	ASSERT_EQ(0, engine_store(&self->engine, IOVA + SZ_4K, SZ_4K));
	EXPECT_EQ(-1, mem_check(mem + 2 * SZ_4K, SZ_4K, 1));
	EXPECT_EQ(0, mem[0]);
	EXPECT_EQ(0, mem[3 * SZ_4K]);
}

/* The size of the leaf that translates @iova, 0 if none does. */
static uint64_t leaf_size(FIXTURE_DATA(dma) *self, uint64_t iova)
{
	char text[2048];

	if (walk(self->name, iova, text, sizeof(text)))
		return 0;
	return walk_number(text, "result", "page");
}

static void huge(struct __test_metadata *_metadata, FIXTURE_DATA(dma) *self,
		 size_t page, int pages)
{
	size_t len = page * pages;
	uint64_t iova = 8 * SZ_1G;
	char *mem = mem_alloc_huge(len, page);
	/* First and last page of each leaf, and the borders between them. */
	size_t at[] = { 0, page - SZ_4K, len - SZ_4K, (pages - 1) * page };

	if (!mem)
		SKIP(return, "no huge pages of %zu KiB", page / 1024);
	ASSERT_EQ(0, sva_attach(self->fd, self->device, self->ioas, NULL));
	ASSERT_EQ(0, map(self, mem, len, iova, SVA_RW));
	ASSERT_EQ(0, map(self, self->mem, SZ_4K, IOVA, SVA_RW));
	for (unsigned int i = 0; i < ARRAY_SIZE(at); i++) {
		mem_fill(mem + at[i], SZ_4K, i);
		ASSERT_EQ(0, engine_fetch(&self->engine, iova + at[i], SZ_4K));
		EXPECT_EQ(-1, buffer_check(self, self->mem, IOVA, i));
		EXPECT_EQ(-1, buffer_check(self, mem + at[i], iova + at[i], i));
		EXPECT_EQ(page, leaf_size(self, iova + at[i]));
	}
	EXPECT_FALSE(any_fault_logged(self->log, self->name));
	ASSERT_EQ(0, sva_unmap(self->fd, self->ioas, iova, len, NULL));
	for (unsigned int i = 0; i < ARRAY_SIZE(at); i++) {
		/* Of one leaf: again right after it would not be another fault. */
		if (i && at[i] == at[i - 1])
			continue;
		ASSERT_EQ(0, engine_fetch(&self->engine, iova + at[i], SZ_4K));
		EXPECT_TRUE(fault_logged(self->log, self->name, "read", iova + at[i]));
	}
	munmap(mem, len);
}

TEST_F(dma, huge_2m)
{
	huge(_metadata, self, SZ_2M, 3);
}

TEST_F(dma, huge_1g)
{
	huge(_metadata, self, SZ_1G, 1);
}

/* A part of a huge page, so that large leaves must not be used at its ends. */
TEST_F(dma, part_of_a_huge_page)
{
	char *mem = mem_alloc_huge(2 * SZ_2M, SZ_2M);
	uint64_t iova = 8 * SZ_1G;

	if (!mem)
		SKIP(return, "no huge pages");
	ASSERT_EQ(0, sva_attach(self->fd, self->device, self->ioas, NULL));
	ASSERT_EQ(0, map(self, mem + SZ_4K, 2 * SZ_2M - 2 * SZ_4K, iova + SZ_4K, SVA_RW));
	ASSERT_EQ(0, engine_fetch(&self->engine, iova, SZ_4K));
	EXPECT_TRUE(fault_logged(self->log, self->name, "read", iova));
	ASSERT_EQ(0, engine_fetch(&self->engine, iova + 2 * SZ_2M - SZ_4K, SZ_4K));
	EXPECT_TRUE(fault_logged(self->log, self->name, "read", iova + 2 * SZ_2M - SZ_4K));
	EXPECT_EQ(SZ_4K, leaf_size(self, iova + SZ_4K));
	EXPECT_EQ(SZ_4K, leaf_size(self, iova + SZ_2M));
	EXPECT_EQ(0, leaf_size(self, iova));
	mem_fill(mem + SZ_2M, SZ_4K, 1);
	ASSERT_EQ(0, engine_fetch(&self->engine, iova + SZ_2M, SZ_4K));
	EXPECT_EQ(-1, buffer_check(self, mem + SZ_4K, iova + SZ_4K, 1));
	munmap(mem, 2 * SZ_2M);
}

/*
 * A process dies while its device is about to write to an IOVA that, taken for
 * a physical address, is memory of this process. The device starts about
 * 100 ms after it was told to: by then it has changed hands.
 */
static void killed_user(struct __test_metadata *_metadata,
			FIXTURE_DATA(dma) *self, bool kill_it)
{
	uint64_t phys;
	int pipefd[2], status;
	char c;

	engine_close(&self->engine);
	ASSERT_EQ(0, sva_destroy(self->fd, self->device));
	/* Of a model that is a process, which comes to us when its user has died. */
	ASSERT_EQ(0, prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
	mem_fill(self->mem, SZ_2M, 1);
	phys = mem_phys(self->mem);
	ASSERT_NE(0, phys);

	for (int i = 0; i < 4; i++) {
		pid_t pid;

		ASSERT_EQ(0, pipe(pipefd));
		pid = fork();
		ASSERT_LE(0, pid);
		if (!pid) {
			int fd = sva_open();
			char *mem = mem_alloc(SZ_4K, 0);
			uint32_t ioas, device;
			struct engine engine;

			memset(mem, 0x66, SZ_4K);
			if (fd < 0 || sva_ioas_alloc(fd, &ioas) ||
			    sva_bind(fd, pci_bdf(self->name), &device) ||
			    sva_attach(fd, device, ioas, NULL) ||
			    sva_map(fd, ioas, mem, SZ_4K, phys, SVA_RW) ||
			    engine_open(&engine, self->name) ||
			    engine_fetch(&engine, phys, SZ_4K))
				_exit(1);
			engine_start_store(&engine, phys, SZ_4K);
			if (write(pipefd[1], "r", 1) != 1)
				_exit(1);
			if (kill_it)
				pause();
			_exit(0);
		}
		close(pipefd[1]);
		ASSERT_EQ(1, read(pipefd[0], &c, 1)) TH_LOG("the user failed");
		close(pipefd[0]);
		if (kill_it)
			ASSERT_EQ(0, kill(pid, SIGKILL));
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		usleep(300000);
		while (wait(NULL) > 0)
			;
		ASSERT_EQ(-1, mem_check(self->mem, SZ_2M, 1))
			TH_LOG("a dead user's device has written to host memory");
		EXPECT_EQ(0, pci_command(self->name) & PCI_CMD_MASTER)
			TH_LOG("the device can still be bus master");
	}
}

TEST_F(dma, killed_user)
{
	killed_user(_metadata, self, true);
}

TEST_F(dma, exiting_user)
{
	killed_user(_metadata, self, false);
}

/*
 * A device whose requests pass, before and after somebody has it. The unit may
 * remember each time what it did the time before.
 */
FIXTURE(passing)
{
	char name[PCI_NAME_LEN];
	int fd;
	struct engine engine;
	char *mem;
	uint64_t phys;
	int log;
};

FIXTURE_SETUP(passing)
{
	NEED_ENGINE(0, self->name);
	self->fd = sva_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, pci_unbind(self->name));
	ASSERT_EQ(0, engine_open(&self->engine, self->name));
	self->mem = mem_alloc(SZ_4K, 0);
	ASSERT_NE(NULL, self->mem);
	self->phys = mem_phys(self->mem);
	ASSERT_NE(0, self->phys);
	self->log = fault_mark();
}

FIXTURE_TEARDOWN(passing)
{
	pci_set_command(self->name, 0, PCI_CMD_MASTER);
	engine_close(&self->engine);
	close(self->fd);
}

/* Physical memory through the device and back: does it arrive? */
static bool passes(FIXTURE_DATA(passing) *self, unsigned int seed)
{
	mem_fill(self->mem, SZ_4K, seed);
	if (pci_set_command(self->name, PCI_CMD_MASTER, 0) ||
	    engine_fetch(&self->engine, self->phys, SZ_4K))
		return false;
	memset(self->mem, 0, SZ_4K);
	return !engine_store(&self->engine, self->phys, SZ_4K) &&
	       mem_check(self->mem, SZ_4K, seed) == -1;
}

TEST_F(passing, between_users)
{
	uint32_t device, ioas;

	for (int i = 0; i < 3; i++) {
		ASSERT_TRUE(passes(self, i));
		EXPECT_FALSE(any_fault_logged(self->log, self->name));
		ASSERT_EQ(0, sva_bind(self->fd, pci_bdf(self->name), &device));
		EXPECT_FALSE(passes(self, i)) TH_LOG("a user's device passes through");
		EXPECT_TRUE(block_logged(self->log, self->name, "read", self->phys));

		/* An address space in which everything is, but elsewhere. */
		ASSERT_EQ(0, sva_ioas_alloc(self->fd, &ioas));
		ASSERT_EQ(0, sva_map(self->fd, ioas, self->mem, SZ_4K, IOVA, SVA_RW));
		ASSERT_EQ(0, sva_attach(self->fd, device, ioas, NULL));
		EXPECT_FALSE(passes(self, i)) TH_LOG("a user's device passes through");
		mem_fill(self->mem, SZ_4K, i);
		EXPECT_EQ(0, engine_store(&self->engine, IOVA, SZ_4K));
		ASSERT_EQ(0, sva_detach(self->fd, device));
		ASSERT_EQ(0, sva_destroy(self->fd, device));
		ASSERT_EQ(0, sva_destroy(self->fd, ioas));
		self->log = fault_mark();
	}
}

/*
 * DMA at full speed from another thread.
 */
FIXTURE(storm)
{
	char name[PCI_NAME_LEN];
	int fd;
	uint32_t ioas[2];
	uint32_t device;
	struct storm storm;
	char *page[2];
	uint64_t phys[2];
	int log;
};

FIXTURE_SETUP(storm)
{
	NEED_FAST_ENGINE(self->name);
	self->fd = sva_open();
	ASSERT_LE(0, self->fd) TH_LOG("cannot open " SVA_DEV);
	ASSERT_EQ(0, pci_unbind(self->name));
	ASSERT_EQ(0, sva_bind(self->fd, pci_bdf(self->name), &self->device));
	ASSERT_EQ(0, engine_open(&self->storm.dev, self->name));
	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(0, sva_ioas_alloc(self->fd, &self->ioas[i]));
		self->page[i] = mem_alloc(SZ_4K, 0);
		ASSERT_NE(NULL, self->page[i]);
		ASSERT_EQ(0, sva_map(self->fd, self->ioas[i], self->page[i], SZ_4K, IOVA, SVA_RW));
		self->phys[i] = mem_phys(self->page[i]);
		ASSERT_NE(0, self->phys[i]);
	}
	self->storm.iova = IOVA;
	self->storm.phys = self->phys[0];
	ASSERT_EQ(0, sva_attach(self->fd, self->device, self->ioas[0], NULL));
	self->log = fault_mark();
}

FIXTURE_TEARDOWN(storm)
{
	engine_close(&self->storm.dev);
	close(self->fd);
}

/* The device itself: that it tells a fault from a success. */
TEST_F(storm, one)
{
	uint32_t *word = (uint32_t *)self->page[0];

	EXPECT_EQ(ENGINE_WROTE, engine_write(&self->storm.dev, IOVA, self->phys[0], 64));
	EXPECT_EQ(ENGINE_PATTERN, word[0]);
	EXPECT_EQ(ENGINE_PATTERN, word[15]);
	EXPECT_EQ(0, word[16]);
	ASSERT_EQ(0, sva_attach(self->fd, self->device, self->ioas[1], NULL));
	*word = 0;
	EXPECT_EQ(ENGINE_WROTE_ELSEWHERE, engine_write(&self->storm.dev, IOVA, self->phys[0], 64));
	EXPECT_EQ(ENGINE_PATTERN, *(uint32_t *)self->page[1]);
	EXPECT_EQ(ENGINE_WROTE_NOTHING,
		  engine_write(&self->storm.dev, IOVA + SZ_4K, self->phys[0], 64));
	EXPECT_TRUE(fault_logged(self->log, self->name, "write", IOVA + SZ_4K));
}

TEST_F_TIMEOUT(storm, replace_never_faults, 120)
{
	int replaced = 0;
	uint64_t end;

	ASSERT_EQ(0, storm_start(&self->storm));
	end = now_ns() + 5000000000ULL;
	while (now_ns() < end) {
		*(volatile uint32_t *)self->page[0] = 0;
		ASSERT_EQ(0, sva_attach(self->fd, self->device,
					self->ioas[++replaced & 1], NULL));
	}
	storm_stop(&self->storm);
	fprintf(stderr, "# %d replacements, %lu writes, %lu of them to the second page\n",
	       replaced, self->storm.count, self->storm.elsewhere);
	EXPECT_EQ(0, self->storm.failed);
	EXPECT_LT(100, self->storm.count);
	EXPECT_LT(100, replaced);
	EXPECT_FALSE(any_fault_logged(self->log, self->name));
}

/* Mapping and unmapping beside it disturbs nobody. */
TEST_F_TIMEOUT(storm, map_and_unmap_beside, 120)
{
	char *mem = mem_alloc(SZ_2M, SZ_2M);
	uint64_t end;
	int rounds = 0;

	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, storm_start(&self->storm));
	end = now_ns() + 3000000000ULL;
	while (now_ns() < end) {
		/* In the same leaf table, beside it, and far away. */
		uint64_t iova = rounds++ & 1 ? IOVA + SZ_4K : IOVA + SZ_1G;

		ASSERT_EQ(0, sva_map(self->fd, self->ioas[0], mem, SZ_64K, iova, SVA_RW));
		ASSERT_EQ(0, sva_unmap(self->fd, self->ioas[0], iova, SZ_64K, NULL));
	}
	storm_stop(&self->storm);
	fprintf(stderr, "# %d rounds, %lu writes\n", rounds, self->storm.count);
	EXPECT_EQ(0, self->storm.failed);
	EXPECT_EQ(0, self->storm.elsewhere);
	EXPECT_LT(100, self->storm.count);
	EXPECT_FALSE(any_fault_logged(self->log, self->name));
}

/* After an unmap has returned, not one write arrives. */
TEST_F_TIMEOUT(storm, unmap_is_final, 120)
{
	volatile uint32_t *word = (uint32_t *)self->page[0];

	ASSERT_EQ(0, storm_start(&self->storm));
	for (int i = 0; i < 100; i++) {
		ASSERT_EQ(0, sva_unmap(self->fd, self->ioas[0], IOVA, SZ_4K, NULL));
		*word = 0;
		usleep(2000);
		ASSERT_EQ(0, *word) TH_LOG("written after it was unmapped");
		ASSERT_EQ(0, sva_map(self->fd, self->ioas[0], self->page[0], SZ_4K, IOVA, SVA_RW));
		for (int j = 0; j < 10000 && !*word; j++)
			usleep(1000);
		ASSERT_EQ(ENGINE_PATTERN, *word) TH_LOG("not written once mapped");
	}
	storm_stop(&self->storm);
	EXPECT_LT(0, self->storm.failed);
}

TEST_HARNESS_MAIN
