// SPDX-License-Identifier: GPL-2.0-only
/*
 * VFIO on our groups: an unmodified type1 program, and BIND_VFIO, which lays
 * our translation over VFIO's. Needs vfio-pci and vfio_iommu_type1 (with
 * allow_unsafe_interrupts: interrupt remapping is off).
 */
#include <linux/vfio.h>
#include <sys/eventfd.h>

#include "selftest.h"

#define IOVA 0x40000000UL

FIXTURE(type1)
{
	char name[PCI_NAME_LEN];
	struct vfio vfio;
	struct engine engine;
	char *mem;
	int log;
};

FIXTURE_SETUP(type1)
{
	NEED_ENGINE(0, self->name);
	ASSERT_EQ(0, pci_bind_driver(self->name, "vfio-pci"));
	ASSERT_EQ(0, vfio_open(&self->vfio, self->name));
	ASSERT_EQ(0, vfio_enable(&self->vfio));
	ASSERT_EQ(0, engine_open_vfio(&self->engine, self->name, &self->vfio));
	ASSERT_TRUE(engine_alive(&self->engine));
	self->mem = mem_alloc(SZ_2M, SZ_2M);
	ASSERT_NE(NULL, self->mem);
	self->log = fault_mark();
}

FIXTURE_TEARDOWN(type1)
{
	vfio_close(&self->vfio);
}

/* A page there and back through [@iova, @iova + 8K) which is @mem. */
static long round_trip(FIXTURE_DATA(type1) *self, char *mem, uint64_t iova,
		       unsigned int seed)
{
	mem_fill(mem, SZ_4K, seed);
	memset(mem + SZ_4K, 0, SZ_4K);
	if (engine_fetch(&self->engine, iova, SZ_4K) ||
	    engine_store(&self->engine, iova + SZ_4K, SZ_4K))
		return -2;
	return mem_check(mem + SZ_4K, SZ_4K, seed);
}

TEST_F(type1, dma)
{
	ASSERT_EQ(0, vfio_map(&self->vfio, self->mem, SZ_2M, IOVA, VFIO_RW));
	EXPECT_EQ(-1, round_trip(self, self->mem, IOVA, 1));
	EXPECT_EQ(-1, round_trip(self, self->mem + SZ_2M - 2 * SZ_4K,
				 IOVA + SZ_2M - 2 * SZ_4K, 2));
	ASSERT_EQ(0, vfio_unmap(&self->vfio, IOVA, SZ_2M));
	mem_fill(self->mem, SZ_4K, 3);
	ASSERT_EQ(0, engine_store(&self->engine, IOVA, SZ_4K));
	EXPECT_TRUE(fault_logged(self->log, self->name, "write", IOVA));
	EXPECT_EQ(-1, mem_check(self->mem, SZ_4K, 3));
}

/* Two groups in one container, which may be behind different units. */
TEST_F(type1, two_devices)
{
	struct vfio other = { .container = -1, .group = -1, .device = -1 };
	uint64_t phys = mem_phys(self->mem);
	char name[PCI_NAME_LEN];
	struct engine dev;

	NEED_FAST_ENGINE(name);
	ASSERT_NE(0, phys);
	ASSERT_EQ(0, vfio_map(&self->vfio, self->mem, SZ_4K, IOVA, VFIO_RW));
	ASSERT_EQ(0, pci_bind_driver(name, "vfio-pci"));
	other.group = vfio_group_open(pci_group(name));
	ASSERT_LE(0, other.group);
	ASSERT_EQ(0, ioctl(other.group, VFIO_GROUP_SET_CONTAINER, &self->vfio.container));
	ASSERT_EQ(0, vfio_get_device(&other, name));
	ASSERT_EQ(0, vfio_enable(&other));
	ASSERT_EQ(0, engine_open_vfio(&dev, name, &other));
	ASSERT_EQ(0, vfio_map(&self->vfio, self->mem + SZ_4K, SZ_4K, IOVA + SZ_4K, VFIO_RW));

	EXPECT_EQ(ENGINE_WROTE, engine_write(&dev, IOVA, phys, 64));
	EXPECT_EQ(ENGINE_PATTERN, *(uint32_t *)self->mem);
	EXPECT_EQ(-1, round_trip(self, self->mem, IOVA, 1));
	ASSERT_EQ(0, vfio_unmap(&self->vfio, IOVA, SZ_4K));
	EXPECT_EQ(ENGINE_WROTE_NOTHING, engine_write(&dev, IOVA, phys, 64));
	EXPECT_TRUE(fault_logged(self->log, name, "write", IOVA));
	EXPECT_EQ(-1, mem_check(self->mem, SZ_4K, 1));
	ASSERT_EQ(0, engine_store(&self->engine, IOVA, SZ_4K));
	EXPECT_TRUE(fault_logged(self->log, self->name, "write", IOVA));
	EXPECT_EQ(-1, mem_check(self->mem, SZ_4K, 1));
	vfio_close(&other);
	EXPECT_EQ(0, pci_unbind(name));
}

TEST_F(type1, read_only)
{
	ASSERT_EQ(0, vfio_map(&self->vfio, self->mem, SZ_4K, IOVA, VFIO_DMA_MAP_FLAG_READ));
	/* Before it reads: QEMU reports no fault of what its IOTLB refuses. */
	mem_fill(self->mem, SZ_4K, 1);
	ASSERT_EQ(0, engine_store(&self->engine, IOVA, SZ_4K));
	EXPECT_TRUE(fault_logged(self->log, self->name, "write", IOVA));
	EXPECT_EQ(-1, mem_check(self->mem, SZ_4K, 1));
	ASSERT_EQ(0, engine_fetch(&self->engine, IOVA, SZ_4K));
	mem_fill(self->mem, SZ_4K, 2);
	ASSERT_EQ(0, engine_store(&self->engine, IOVA, SZ_4K));
	EXPECT_EQ(-1, mem_check(self->mem, SZ_4K, 2));
}

/* New kernels attach "blocked" and then the domain again around a reset. */
TEST_F(type1, reset)
{
	ASSERT_EQ(0, vfio_map(&self->vfio, self->mem, SZ_2M, IOVA, VFIO_RW));
	EXPECT_EQ(-1, round_trip(self, self->mem, IOVA, 1));
	for (int i = 0; i < 3; i++) {
		int rc = vfio_reset(&self->vfio);

		if (rc == -ENOTTY || rc == -EINVAL)
			SKIP(return, "VFIO cannot reset this device (%d)", rc);
		ASSERT_EQ(0, rc);
		ASSERT_EQ(0, vfio_enable(&self->vfio));
		EXPECT_EQ(-1, round_trip(self, self->mem, IOVA, 2 + i));
	}
}

TEST_F(type1, open_and_close)
{
	for (int i = 0; i < 5; i++) {
		vfio_close(&self->vfio);
		ASSERT_EQ(0, vfio_open(&self->vfio, self->name));
		ASSERT_EQ(0, vfio_map(&self->vfio, self->mem, SZ_2M, IOVA, VFIO_RW));
	}
}

/* A device that VFIO has is nobody else's, raw. */
TEST_F(type1, raw_bind_is_refused)
{
	int fd = sva_open();
	uint32_t device;

	ASSERT_LE(0, fd);
	EXPECT_EQ(-EBUSY, sva_bind(fd, pci_bdf(self->name), &device));
	vfio_close(&self->vfio);
	EXPECT_EQ(-EBUSY, sva_bind(fd, pci_bdf(self->name), &device))
		TH_LOG("vfio-pci is still bound");
	close(fd);
}

/*
 * And the other way round. vfio-pci promises the kernel not to do DMA by itself,
 * so it may bind; its user gets no group.
 */
TEST_F(type1, raw_user_keeps_vfio_out)
{
	int fd = sva_open();
	uint32_t device;

	ASSERT_LE(0, fd);
	vfio_close(&self->vfio);
	ASSERT_EQ(0, pci_unbind(self->name));
	ASSERT_EQ(0, sva_bind(fd, pci_bdf(self->name), &device));
	pci_bind_driver(self->name, "vfio-pci");
	EXPECT_NE(0, vfio_open(&self->vfio, self->name));
	ASSERT_EQ(0, pci_unbind(self->name));
	close(fd);
	EXPECT_EQ(0, pci_bind_driver(self->name, "vfio-pci"));
	EXPECT_EQ(0, vfio_open(&self->vfio, self->name));
}

FIXTURE(overlay)
{
	FIXTURE_DATA(type1) v;
	int fd;
	uint32_t ioas, device;
	char *mem;
};

FIXTURE_SETUP(overlay)
{
	FIXTURE_DATA(type1) *v = &self->v;

	NEED_ENGINE(0, v->name);
	ASSERT_EQ(0, pci_bind_driver(v->name, "vfio-pci"));
	ASSERT_EQ(0, vfio_open(&v->vfio, v->name));
	ASSERT_EQ(0, vfio_enable(&v->vfio));
	ASSERT_EQ(0, engine_open_vfio(&v->engine, v->name, &v->vfio));
	v->mem = mem_alloc(SZ_2M, SZ_2M);
	ASSERT_NE(NULL, v->mem);
	ASSERT_EQ(0, vfio_map(&v->vfio, v->mem, SZ_2M, IOVA, VFIO_RW));
	v->log = fault_mark();

	self->mem = mem_alloc(SZ_2M, SZ_2M);
	ASSERT_NE(NULL, self->mem);
	self->fd = sva_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, sva_ioas_alloc(self->fd, &self->ioas));
	ASSERT_EQ(0, sva_map(self->fd, self->ioas, self->mem, SZ_2M, IOVA, SVA_RW));
	ASSERT_EQ(0, sva_bind_vfio(self->fd, pci_bdf(v->name), v->vfio.group, &self->device));
}

FIXTURE_TEARDOWN(overlay)
{
	close(self->fd);
	vfio_close(&self->v.vfio);
}

TEST_F(overlay, over_vfios_own)
{
	FIXTURE_DATA(type1) *v = &self->v;

	EXPECT_EQ(-1, round_trip(v, v->mem, IOVA, 1)) TH_LOG("bound changes nothing");
	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(0, sva_attach(self->fd, self->device, self->ioas, NULL));
		EXPECT_EQ(-1, round_trip(v, self->mem, IOVA, 2 + i));
		ASSERT_EQ(0, sva_detach(self->fd, self->device));
		EXPECT_EQ(-1, round_trip(v, v->mem, IOVA, 12 + i)) TH_LOG("back at VFIO's");
	}
	ASSERT_EQ(0, sva_attach(self->fd, self->device, self->ioas, NULL));
	close(self->fd);
	self->fd = -1;
	EXPECT_EQ(-1, round_trip(v, v->mem, IOVA, 30)) TH_LOG("our user closed");
}

/* VFIO's mappings go on underneath. */
TEST_F(overlay, vfio_maps_underneath)
{
	FIXTURE_DATA(type1) *v = &self->v;

	ASSERT_EQ(0, sva_attach(self->fd, self->device, self->ioas, NULL));
	ASSERT_EQ(0, vfio_unmap(&v->vfio, IOVA, SZ_2M));
	EXPECT_EQ(-1, round_trip(v, self->mem, IOVA, 1));
	ASSERT_EQ(0, vfio_map(&v->vfio, v->mem, SZ_2M, 2 * IOVA, VFIO_RW));
	ASSERT_EQ(0, sva_detach(self->fd, self->device));
	EXPECT_EQ(-1, round_trip(v, v->mem, 2 * IOVA, 2));
}

TEST_F(overlay, survives_a_reset)
{
	FIXTURE_DATA(type1) *v = &self->v;
	int rc;

	ASSERT_EQ(0, sva_attach(self->fd, self->device, self->ioas, NULL));
	rc = vfio_reset(&v->vfio);
	if (rc == -ENOTTY || rc == -EINVAL)
		SKIP(return, "VFIO cannot reset this device (%d)", rc);
	ASSERT_EQ(0, rc);
	ASSERT_EQ(0, vfio_enable(&v->vfio));
	EXPECT_EQ(-1, round_trip(v, self->mem, IOVA, 1));
}

/* The device's interrupt comes to VFIO's user. */
static bool interrupted(FIXTURE_DATA(type1) *v, int event)
{
	uint64_t count;

	engine_interrupt(&v->engine);
	for (int i = 0; i < 1000; i++) {
		if (read(event, &count, sizeof(count)) == sizeof(count))
			return true;
		usleep(10000);
	}
	return false;
}

/*
 * VFIO's interrupts go through what lies over VFIO's mappings, whether they were
 * set up before it or under it. (Where MSIs are not translated that is no art.)
 */
static void interrupts(struct __test_metadata *_metadata, FIXTURE_DATA(overlay) *self,
		       bool before)
{
	int event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	FIXTURE_DATA(type1) *v = &self->v;
	uint32_t other;

	if (!engine_has_interrupt(&v->engine))
		SKIP(return, "the device has no interrupt");
	ASSERT_LE(0, event);
	if (before) {
		ASSERT_EQ(0, vfio_msi(&v->vfio, event));
		ASSERT_TRUE(interrupted(v, event)) TH_LOG("VFIO's own");
	}
	ASSERT_EQ(0, sva_attach(self->fd, self->device, self->ioas, NULL));
	if (!before) {
		ASSERT_EQ(0, vfio_msi(&v->vfio, event));
	}
	EXPECT_TRUE(interrupted(v, event)) TH_LOG("under ours");
	ASSERT_EQ(0, sva_ioas_alloc(self->fd, &other));
	ASSERT_EQ(0, sva_attach(self->fd, self->device, other, NULL));
	EXPECT_TRUE(interrupted(v, event)) TH_LOG("under another one");
	ASSERT_EQ(0, sva_detach(self->fd, self->device));
	EXPECT_TRUE(interrupted(v, event)) TH_LOG("back at VFIO's");
	EXPECT_FALSE(any_fault_logged(v->log, v->name));
	/* Nothing of it is left behind in ours. */
	EXPECT_EQ(0, sva_map(self->fd, self->ioas, self->mem, SZ_4K, backend()->msi_start,
			     SVA_RW));
	EXPECT_EQ(-EADDRINUSE, sva_attach(self->fd, self->device, self->ioas, NULL));
	EXPECT_EQ(0, sva_hwpt_alloc(self->fd, self->device, self->ioas, 0, &other));
	close(event);
}

TEST_F(overlay, interrupt_set_up_before)
{
	interrupts(_metadata, self, true);
}

TEST_F(overlay, interrupt_set_up_under_it)
{
	interrupts(_metadata, self, false);
}

TEST_F(overlay, proof_of_the_right)
{
	FIXTURE_DATA(type1) *v = &self->v;
	uint32_t bdf = pci_bdf(v->name), out;
	char other[PCI_NAME_LEN];
	struct vfio bare;
	int plain = open("/dev/null", O_RDWR), second = sva_open();

	EXPECT_EQ(-EBUSY, sva_bind_vfio(self->fd, bdf, v->vfio.group, &out));
	EXPECT_EQ(-EBUSY, sva_bind_vfio(second, bdf, v->vfio.group, &out))
		TH_LOG("two users have it");
	close(second);
	ASSERT_EQ(0, sva_destroy(self->fd, self->device));
	EXPECT_EQ(-EBADF, sva_bind_vfio(self->fd, bdf, -1, &out));
	EXPECT_EQ(-EPERM, sva_bind_vfio(self->fd, bdf, plain, &out));
	EXPECT_EQ(-EPERM, sva_bind_vfio(self->fd, bdf, v->vfio.container, &out));
	EXPECT_EQ(-EPERM, sva_bind_vfio(self->fd, bdf, v->vfio.device, &out));
	EXPECT_EQ(0, sva_bind_vfio(self->fd, bdf, v->vfio.group, &out));
	EXPECT_EQ(0, sva_destroy(self->fd, out));

	/* Another device's group, in the same container. */
	if (engine_find(1, other) && pci_group(other) != pci_group(v->name)) {
		int group;

		ASSERT_EQ(0, pci_bind_driver(other, "vfio-pci"));
		group = vfio_group_open(pci_group(other));
		ASSERT_LE(0, group);
		EXPECT_EQ(-EPERM, sva_bind_vfio(self->fd, pci_bdf(other), group, &out))
			TH_LOG("a group without a container proves nothing");
		ASSERT_EQ(0, ioctl(group, VFIO_GROUP_SET_CONTAINER, &v->vfio.container));
		EXPECT_EQ(-EPERM, sva_bind_vfio(self->fd, bdf, group, &out));
		EXPECT_EQ(-EPERM, sva_bind_vfio(self->fd, pci_bdf(other), v->vfio.group, &out));
		close(group);
		ASSERT_EQ(0, pci_unbind(other));
	}

	vfio_close(&v->vfio);
	bare = (struct vfio){ .container = -1, .device = -1 };
	bare.group = vfio_group_open(pci_group(v->name));
	ASSERT_LE(0, bare.group);
	EXPECT_EQ(-EPERM, sva_bind_vfio(self->fd, bdf, bare.group, &out));
	vfio_close(&bare);
	close(plain);
}

/* VFIO lets go first: our overlay ends, and its owner is told. */
TEST_F(overlay, vfio_closes_first)
{
	FIXTURE_DATA(type1) *v = &self->v;

	ASSERT_EQ(0, sva_attach(self->fd, self->device, self->ioas, NULL));
	vfio_close(&v->vfio);
	EXPECT_NE(0, sva_attach(self->fd, self->device, self->ioas, NULL));
	/* Nor when somebody opens it again: that is another user's. */
	ASSERT_EQ(0, vfio_open(&v->vfio, v->name));
	ASSERT_EQ(0, vfio_map(&v->vfio, v->mem, SZ_2M, IOVA, VFIO_RW));
	EXPECT_EQ(-ENODEV, sva_attach(self->fd, self->device, self->ioas, NULL));
	close(self->fd);
	self->fd = -1;
	/* And everything can begin anew. */
	vfio_close(&v->vfio);
	ASSERT_EQ(0, vfio_open(&v->vfio, v->name));
	ASSERT_EQ(0, vfio_map(&v->vfio, v->mem, SZ_2M, IOVA, VFIO_RW));
}

TEST_HARNESS_MAIN
