// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices that come and go, also under a user.
 *
 * Removal through sysfs works on any machine. From a slot (lib/slot.h) devices
 * are really unplugged.
 */
#include "selftest.h"
#include "slot.h"

FIXTURE(hotplug)
{
	char name[PCI_NAME_LEN];
	int fd;
	uint32_t ioas, device;
	char *mem;
};

FIXTURE_SETUP(hotplug)
{
	NEED_ENGINE(0, self->name);
	self->fd = sva_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, sva_ioas_alloc(self->fd, &self->ioas));
	self->mem = mem_alloc(SZ_2M, SZ_2M);
	ASSERT_NE(NULL, self->mem);
	ASSERT_EQ(0, sva_map(self->fd, self->ioas, self->mem, SZ_2M, SZ_2M, SVA_RW));
	ASSERT_EQ(0, pci_unbind(self->name));
	ASSERT_EQ(0, sva_bind(self->fd, pci_bdf(self->name), &self->device));
}

FIXTURE_TEARDOWN(hotplug)
{
	close(self->fd);
	/* Whatever a test left out is back for the next one. */
	pci_rescan();
}

/* The object stays, good for nothing but to be destroyed. */
static void expect_dead(struct __test_metadata *_metadata,
			FIXTURE_DATA(hotplug) *self)
{
	struct iommufd_sva_hw_info info = {
		.size = sizeof(info),
		.dev_id = self->device,
	};
	uint32_t out;

	EXPECT_EQ(-ENODEV, sva_attach(self->fd, self->device, self->ioas, NULL));
	EXPECT_EQ(-ENODEV, sva_ioctl(self->fd, IOMMUFD_SVA_GET_HW_INFO, &info));
	EXPECT_EQ(-ENODEV, sva_bind(self->fd, pci_bdf(self->name), &out));
	/* The address space is as it was. */
	EXPECT_EQ(0, sva_map(self->fd, self->ioas, self->mem, SZ_4K, SZ_1G, SVA_RW));
	EXPECT_EQ(0, sva_unmap(self->fd, self->ioas, SZ_1G, SZ_4K, NULL));
}

static void works(struct __test_metadata *_metadata,
		  FIXTURE_DATA(hotplug) *self, unsigned int seed)
{
	uint32_t device;
	struct engine engine;

	ASSERT_EQ(0, sva_bind(self->fd, pci_bdf(self->name), &device));
	ASSERT_EQ(0, sva_attach(self->fd, device, self->ioas, NULL));
	ASSERT_EQ(0, engine_open(&engine, self->name));
	mem_fill(self->mem, SZ_4K, seed);
	memset(self->mem + SZ_4K, 0, SZ_4K);
	ASSERT_EQ(0, engine_fetch(&engine, SZ_2M, SZ_4K));
	ASSERT_EQ(0, engine_store(&engine, SZ_2M + SZ_4K, SZ_4K));
	EXPECT_EQ(-1, mem_check(self->mem + SZ_4K, SZ_4K, seed));
	engine_close(&engine);
	ASSERT_EQ(0, sva_detach(self->fd, device));
	ASSERT_EQ(0, sva_destroy(self->fd, device));
}

TEST_F(hotplug, remove_bound)
{
	ASSERT_EQ(0, pci_remove(self->name));
	ASSERT_FALSE(pci_present(self->name));
	expect_dead(_metadata, self);
	EXPECT_EQ(0, sva_destroy(self->fd, self->device));
	ASSERT_EQ(0, pci_rescan());
	ASSERT_TRUE(pci_present(self->name));
	works(_metadata, self, 1);
}

TEST_F(hotplug, remove_attached)
{
	for (int i = 0; i < 5; i++) {
		ASSERT_EQ(0, sva_attach(self->fd, self->device, self->ioas, NULL));
		ASSERT_EQ(0, pci_remove(self->name));
		expect_dead(_metadata, self);
		sva_detach(self->fd, self->device);
		EXPECT_EQ(0, sva_destroy(self->fd, self->device));
		ASSERT_EQ(0, pci_rescan());
		works(_metadata, self, i);
		ASSERT_EQ(0, sva_bind(self->fd, pci_bdf(self->name), &self->device));
	}
}

/* The user does nothing but close, before or after the device is back. */
TEST_F(hotplug, close_after_removal)
{
	ASSERT_EQ(0, sva_attach(self->fd, self->device, self->ioas, NULL));
	ASSERT_EQ(0, pci_remove(self->name));
	close(self->fd);
	ASSERT_EQ(0, pci_rescan());
	self->fd = sva_open();
	ASSERT_EQ(0, sva_ioas_alloc(self->fd, &self->ioas));
	ASSERT_EQ(0, sva_map(self->fd, self->ioas, self->mem, SZ_2M, SZ_2M, SVA_RW));
	works(_metadata, self, 1);
}

TEST_F(hotplug, stale_device_beside_its_successor)
{
	uint32_t stale = self->device, device;

	ASSERT_EQ(0, sva_attach(self->fd, stale, self->ioas, NULL));
	ASSERT_EQ(0, pci_remove(self->name));
	ASSERT_EQ(0, pci_rescan());
	ASSERT_TRUE(pci_present(self->name));
	EXPECT_EQ(-ENODEV, sva_attach(self->fd, stale, self->ioas, NULL));
	ASSERT_EQ(0, sva_bind(self->fd, pci_bdf(self->name), &device));
	ASSERT_EQ(0, sva_attach(self->fd, device, self->ioas, NULL));
	sva_detach(self->fd, stale);
	EXPECT_EQ(0, sva_destroy(self->fd, stale));
	EXPECT_EQ(0, sva_detach(self->fd, device));
	EXPECT_EQ(0, sva_destroy(self->fd, device));
}

/* Out of its slot under a user and in again; @pull: without a word before. */
static void swap(struct __test_metadata *_metadata, FIXTURE_DATA(hotplug) *self,
		 struct slot *slot, bool pull)
{
	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(0, sva_attach(self->fd, self->device, self->ioas, NULL));
		ASSERT_TRUE(pull ? slot_pull(slot) : slot_unplug(slot)) TH_LOG("still there");
		expect_dead(_metadata, self);
		sva_detach(self->fd, self->device);
		EXPECT_EQ(0, sva_destroy(self->fd, self->device));
		ASSERT_TRUE(slot_plug(slot)) TH_LOG("does not come");
		works(_metadata, self, i);
		ASSERT_EQ(0, sva_bind(self->fd, pci_bdf(self->name), &self->device));
	}
	slot_close(slot);
}

TEST_F_TIMEOUT(hotplug, unplug_and_plug, 120)
{
	struct slot slot;

	if (!slot_open(&slot, self->name))
		SKIP(return, "QEMU's monitor is not to be reached");
	swap(_metadata, self, &slot, false);
}

TEST_F_TIMEOUT(hotplug, pull_and_plug, 120)
{
	struct slot slot;

	if (!slot_open(&slot, self->name) || !slot_can_surprise(&slot))
		SKIP(return, "nobody can pull the device out");
	swap(_metadata, self, &slot, true);
}

TEST_HARNESS_MAIN
