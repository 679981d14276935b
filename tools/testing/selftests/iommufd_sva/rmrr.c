// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices that firmware reserves memory for (RMRR): they stay with the host, at
 * identity, together with what cannot be isolated from them.
 *
 * The machine is told by the environment:
 *   RMRR_PORTS="0000:00:05.0 ..."	root ports with such a device
 *   RMRR_SIBLING=0000:00:06.0		of those, the one with two functions, of
 *					which the second has the RMRR
 *   RMRR_START, RMRR_SIZE		the memory of the first of them
 */
#include "selftest.h"

#define IOVA 0x40000000UL

static bool has_rmrr(const char *name)
{
	const char *list = getenv("RMRR_PORTS");
	char port[PCI_NAME_LEN];

	return list && strstr(list, pci_top(name, port));
}

static bool find_engine(bool with, int index, char *name)
{
	for (int i = 0; engine_find(i, name); i++)
		if (has_rmrr(name) == with && !index--)
			return true;
	return false;
}

static uint64_t number(const char *variable)
{
	return strtoull(getenv(variable) ?: "0", NULL, 0);
}

/*
 * Out to the reserved memory and back to another page, with the device's buffer
 * overwritten in between.
 */
static bool reaches(const char *name, uint64_t reserved, char *mem)
{
	struct engine engine;
	bool reached;

	mem_fill(mem, SZ_4K, 7);
	memset(mem + SZ_4K, 0, SZ_4K);
	if (engine_open(&engine, name))
		return false;
	reached = !engine_fetch(&engine, mem_phys(mem), SZ_4K) &&
		  !engine_store(&engine, reserved, SZ_4K) &&
		  !engine_fetch(&engine, mem_phys(mem + SZ_4K), SZ_4K) &&
		  !engine_fetch(&engine, reserved, SZ_4K) &&
		  !engine_store(&engine, mem_phys(mem + SZ_4K), SZ_4K) &&
		  mem_check(mem + SZ_4K, SZ_4K, 7) == -1;
	engine_close(&engine);
	return reached;
}

static void expect_identity(struct __test_metadata *_metadata, const char *name)
{
	char text[2048], status[32];

	ASSERT_EQ(0, walk(name, number("RMRR_START"), text, sizeof(text)));
	walk_get(text, "result", "status", status, sizeof(status));
	EXPECT_STREQ("passes", status) TH_LOG("%s: %s", name, text);
}

static bool reserved_for(const char *name, uint64_t start)
{
	unsigned long long first = start, last = start + number("RMRR_SIZE") - 1;

	return !sh("grep -q '^0x%016llx 0x%016llx direct' /sys/kernel/iommu_groups/%d/reserved_regions",
		   first, last, pci_group(name));
}

FIXTURE(rmrr)
{
	char with[PCI_NAME_LEN], without[PCI_NAME_LEN];
	int fd;
	char *mem;
};

FIXTURE_SETUP(rmrr)
{
	self->fd = sva_open();
	ASSERT_LE(0, self->fd);
	ASSERT_TRUE(find_engine(true, 0, self->with));
	ASSERT_TRUE(find_engine(false, 0, self->without));
	self->mem = mem_alloc(4 * SZ_4K, 0);
	ASSERT_NE(NULL, self->mem);
}

FIXTURE_TEARDOWN(rmrr)
{
	char name[PCI_NAME_LEN];

	close(self->fd);
	for (int i = 0; engine_find(i, name); i++)
		pci_unbind(name);
}

TEST_F(rmrr, cannot_be_bound)
{
	char name[PCI_NAME_LEN];
	uint32_t device;
	int i;

	for (i = 0; find_engine(true, i, name); i++) {
		int log = kmsg_mark();

		EXPECT_LE(0, pci_group(name));
		EXPECT_EQ(-EINVAL, sva_bind(self->fd, pci_bdf(name), &device))
			TH_LOG("%s", name);
		EXPECT_TRUE(kmsg_wait(log, 1000, NULL, 0, KMSG_WORDS(name, "RMRR")));
		expect_identity(_metadata, name);
		close(log);
	}
	EXPECT_EQ(4, i);
	EXPECT_EQ(0, sva_bind(self->fd, pci_bdf(self->without), &device));
}

/* VFIO takes the device but gets no translation for it. */
TEST_F(rmrr, cannot_be_had_through_vfio)
{
	char name[PCI_NAME_LEN];
	struct vfio vfio;

	for (int i = 0; find_engine(true, i, name); i++) {
		pci_bind_driver(name, "vfio-pci");
		EXPECT_NE(0, vfio_open(&vfio, name)) TH_LOG("%s", name);
		vfio_close(&vfio);
		expect_identity(_metadata, name);
		EXPECT_EQ(0, pci_unbind(name));
		expect_identity(_metadata, name);
	}
	ASSERT_EQ(0, pci_bind_driver(self->without, "vfio-pci"));
	EXPECT_EQ(0, vfio_open(&vfio, self->without));
	vfio_close(&vfio);
}

/* Its memory is reached as ever, with a user beside it or without. */
TEST_F(rmrr, reaches_its_memory)
{
	uint64_t start = number("RMRR_START");
	uint32_t ioas, device;

	EXPECT_TRUE(reaches(self->with, start, self->mem));
	ASSERT_EQ(0, pci_bind_driver(self->with, HOST_DRIVER));
	ASSERT_EQ(0, sva_bind(self->fd, pci_bdf(self->without), &device));
	ASSERT_EQ(0, sva_ioas_alloc(self->fd, &ioas));
	ASSERT_EQ(0, sva_attach(self->fd, device, ioas, NULL));
	EXPECT_TRUE(reaches(self->with, start + number("RMRR_SIZE") - SZ_4K, self->mem));
	EXPECT_FALSE(reaches(self->without, start, self->mem + 2 * SZ_4K));
}

TEST_F(rmrr, reserved_regions)
{
	uint64_t start = number("RMRR_START");
	struct iommufd_sva_iova_range ranges[16];
	uint32_t num = ARRAY_SIZE(ranges), ioas, device;
	char name[PCI_NAME_LEN];

	EXPECT_TRUE(reserved_for(self->with, start));
	EXPECT_FALSE(reserved_for(self->without, start));
	/* Those of the others are elsewhere. */
	for (int i = 1; find_engine(true, i, name); i++)
		EXPECT_FALSE(reserved_for(name, start)) TH_LOG("%s", name);

	/* An address that firmware has nothing to do with for this device. */
	ASSERT_EQ(0, sva_bind(self->fd, pci_bdf(self->without), &device));
	ASSERT_EQ(0, sva_ioas_alloc(self->fd, &ioas));
	ASSERT_EQ(0, sva_attach(self->fd, device, ioas, NULL));
	ASSERT_EQ(0, sva_ranges(self->fd, ioas, ranges, &num, NULL));
	EXPECT_EQ(2, num);
	EXPECT_EQ(0, sva_map(self->fd, ioas, self->mem, SZ_4K, start, SVA_RW));
}

/* What cannot be isolated from it shares its group, and its fate. */
TEST_F(rmrr, siblings)
{
	char name[PCI_NAME_LEN], sibling[PCI_NAME_LEN] = "", other[PCI_NAME_LEN] = "";
	char port[PCI_NAME_LEN];

	for (int i = 0; find_engine(true, i, name); i++)
		if (!strcmp(pci_top(name, port), getenv("RMRR_SIBLING")))
			strcpy(sibling[0] ? other : sibling, name);
	ASSERT_NE(0, other[0]);
	EXPECT_EQ(pci_group(sibling), pci_group(other));
	EXPECT_NE(pci_group(sibling), pci_group(self->without));

	/* The one without it comes back first, and has the group to itself. */
	for (int round = 0; round < 2; round++) {
		uint32_t device;

		ASSERT_EQ(0, pci_remove(other));
		ASSERT_EQ(0, pci_remove(sibling));
		ASSERT_EQ(0, pci_rescan());
		ASSERT_TRUE(pci_wait(sibling, true, 2000));
		ASSERT_TRUE(pci_wait(other, true, 2000));
		for (int i = 0; i < 1000 && pci_group(other) < 0; i++)
			usleep(20000);
		EXPECT_LE(0, pci_group(other));
		EXPECT_EQ(pci_group(sibling), pci_group(other));
		EXPECT_EQ(-EINVAL, sva_bind(self->fd, pci_bdf(sibling), &device));
		EXPECT_EQ(-EINVAL, sva_bind(self->fd, pci_bdf(other), &device));
	}
}

TEST_HARNESS_MAIN
