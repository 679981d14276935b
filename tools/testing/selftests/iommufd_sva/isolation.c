// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices that can reach one another, or that the IOMMU cannot tell apart, go
 * to a user as a whole or not at all.
 *
 * The machine is told by the environment:
 *   ISOLATION_ID=8086:10d3	the devices that form one set, all there are
 *   ISOLATION_DRIVER=e1000e	the host's driver for them, if it has one
 *   ISOLATION_ALIAS=1		they share a requester ID
 *   ISOLATION_UNRESET=1	... and the second is reset with the first only (unreset alone)
 * A fast engine, alone behind a root port, is there to compare with.
 */
#include "guest.h"
#include "nest.h"
#include "selftest.h"
#include "sim.h"

FIXTURE(isolation)
{
	char a[PCI_NAME_LEN], b[PCI_NAME_LEN];
	const char *driver;
	int fd;
	uint32_t ioas;
};

FIXTURE_SETUP(isolation)
{
	const char *id = getenv("ISOLATION_ID");
	unsigned int vendor, device;

	if (!id || sscanf(id, "%x:%x", &vendor, &device) != 2)
		SKIP(return, "ISOLATION_ID says no set of devices");
	ASSERT_TRUE(pci_find(vendor << 16 | device, 0, self->a));
	ASSERT_TRUE(pci_find(vendor << 16 | device, 1, self->b));
	self->driver = getenv("ISOLATION_DRIVER");
	if (!self->driver)
		self->driver = HOST_DRIVER;
	ASSERT_EQ(0, pci_unbind(self->a));
	ASSERT_EQ(0, pci_unbind(self->b));
	self->fd = sva_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, sva_ioas_alloc(self->fd, &self->ioas));
}

FIXTURE_TEARDOWN(isolation)
{
	close(self->fd);
}

/* Devices that come back come one by one. */
TEST_F(isolation, one_group_after_a_rescan)
{
	uint32_t device;

	ASSERT_EQ(0, pci_remove(self->b));
	ASSERT_EQ(0, pci_remove(self->a));
	ASSERT_EQ(0, pci_rescan());
	ASSERT_TRUE(pci_wait(self->a, true, 2000));
	ASSERT_TRUE(pci_wait(self->b, true, 2000));
	ASSERT_EQ(0, pci_unbind(self->a));
	ASSERT_EQ(0, pci_unbind(self->b));
	EXPECT_EQ(0, sva_bind(self->fd, pci_bdf(self->a), &device));
	EXPECT_LE(0, pci_group(self->a));
	EXPECT_EQ(pci_group(self->a), pci_group(self->b));
}

static bool has_driver(const char *name)
{
	char driver[64];

	return pci_driver(name, driver, sizeof(driver))[0];
}

TEST_F(isolation, one_group)
{
	EXPECT_LE(0, pci_group(self->a));
	EXPECT_EQ(pci_group(self->a), pci_group(self->b));
}

TEST_F(isolation, no_host_driver_beside_a_user)
{
	uint32_t device;

	ASSERT_EQ(0, sva_bind(self->fd, pci_bdf(self->a), &device));
	EXPECT_NE(0, pci_bind_driver(self->b, self->driver));
	EXPECT_FALSE(has_driver(self->b));
	ASSERT_EQ(0, sva_attach(self->fd, device, self->ioas, NULL));
	EXPECT_NE(0, pci_bind_driver(self->b, self->driver));
	EXPECT_FALSE(has_driver(self->b));
	ASSERT_EQ(0, sva_detach(self->fd, device));
	ASSERT_EQ(0, sva_destroy(self->fd, device));
	EXPECT_EQ(0, pci_bind_driver(self->b, self->driver))
		TH_LOG("once the user has gone the driver can come");
	ASSERT_EQ(0, pci_unbind(self->b));
}

TEST_F(isolation, no_user_beside_a_host_driver)
{
	uint32_t device;

	ASSERT_EQ(0, pci_bind_driver(self->b, self->driver));
	EXPECT_EQ(-EBUSY, sva_bind(self->fd, pci_bdf(self->a), &device));
	EXPECT_EQ(-EBUSY, sva_bind(self->fd, pci_bdf(self->b), &device));
	ASSERT_EQ(0, pci_unbind(self->b));
	EXPECT_EQ(0, sva_bind(self->fd, pci_bdf(self->a), &device));
}

/* Nor is any of it taken as long as a driver that was there first has some of it. */
TEST_F(isolation, not_taken_beside_a_host_driver)
{
	if (backend()->hosts_wait && !sim_present())
		SKIP(return, "this kernel lets host drivers wait for the unit's");
	close(self->fd);
	self->fd = -1;
	ASSERT_EQ(0, backend_unload());
	ASSERT_EQ(0, pci_bind_driver(self->b, self->driver));
	ASSERT_EQ(0, backend_load());
	EXPECT_EQ(-1, pci_group(self->a));
	EXPECT_EQ(-1, pci_group(self->b));
	ASSERT_EQ(0, pci_unbind(self->b));
	EXPECT_LE(0, pci_group(self->a));
	EXPECT_EQ(pci_group(self->a), pci_group(self->b));
}

/*
 * Neither through VFIO: vfio-pci on one, the host's driver on the other. The
 * kernel's group code refuses one of the two, whichever comes second.
 */
TEST_F(isolation, no_vfio_beside_a_host_driver)
{
	int group;

	ASSERT_EQ(0, pci_bind_driver(self->b, self->driver));
	pci_bind_driver(self->a, "vfio-pci");
	group = vfio_group_open(pci_group(self->a));
	EXPECT_GT(0, group) TH_LOG("VFIO opens half of a set");
	ASSERT_EQ(0, pci_unbind(self->a));
	ASSERT_EQ(0, pci_unbind(self->b));

	ASSERT_EQ(0, pci_bind_driver(self->a, "vfio-pci"));
	group = vfio_group_open(pci_group(self->a));
	ASSERT_LE(0, group);
	close(group);
	ASSERT_EQ(0, pci_bind_driver(self->b, "vfio-pci"));
	{
		struct vfio vfio;

		ASSERT_EQ(0, vfio_open(&vfio, self->a));
		ASSERT_EQ(0, pci_unbind(self->b));
		EXPECT_NE(0, pci_bind_driver(self->b, self->driver))
			TH_LOG("a host driver beside an open group");
		vfio_close(&vfio);
	}
	ASSERT_EQ(0, pci_unbind(self->a));
	ASSERT_EQ(0, pci_unbind(self->b));
}

TEST_F(isolation, one_user)
{
	int other = sva_open();
	uint32_t a, b, theirs;

	ASSERT_LE(0, other);
	ASSERT_EQ(0, sva_bind(self->fd, pci_bdf(self->a), &a));
	EXPECT_EQ(-EBUSY, sva_bind(other, pci_bdf(self->b), &theirs))
		TH_LOG("another user got the other half");
	EXPECT_EQ(0, sva_bind(self->fd, pci_bdf(self->b), &b));
	ASSERT_EQ(0, sva_destroy(self->fd, a));
	EXPECT_EQ(-EBUSY, sva_bind(other, pci_bdf(self->a), &theirs));
	ASSERT_EQ(0, sva_destroy(self->fd, b));
	EXPECT_EQ(0, sva_bind(other, pci_bdf(self->b), &theirs));
	close(other);
}

TEST_F(isolation, one_address_space)
{
	uint32_t a, b, other;

	ASSERT_EQ(0, sva_ioas_alloc(self->fd, &other));
	ASSERT_EQ(0, sva_bind(self->fd, pci_bdf(self->a), &a));
	ASSERT_EQ(0, sva_bind(self->fd, pci_bdf(self->b), &b));
	ASSERT_EQ(0, sva_attach(self->fd, a, self->ioas, NULL));
	EXPECT_EQ(-EINVAL, sva_attach(self->fd, b, other, NULL));
	EXPECT_EQ(0, sva_attach(self->fd, b, self->ioas, NULL));
	/* Replacing it for one replaces it for both. */
	EXPECT_EQ(0, sva_attach(self->fd, a, other, NULL));
	EXPECT_EQ(0, sva_detach(self->fd, b));
	EXPECT_EQ(0, sva_detach(self->fd, a));
}

static bool is_engine(const char *name)
{
	char engine[PCI_NAME_LEN];

	for (int i = 0; engine_find(i, engine); i++)
		if (!strcmp(engine, name))
			return true;
	return false;
}

/* DMA of the one that is bound but not attached goes the group's way too. */
TEST_F(isolation, dma_of_both)
{
	char *mem = mem_alloc(2 * SZ_4K, 0), *page;
	uint32_t a, b;

	if (!is_engine(self->a))
		SKIP(return, "these devices have no engine that a test can drive");
	ASSERT_NE(NULL, mem);
	page = mem + SZ_4K;
	ASSERT_EQ(0, sva_bind(self->fd, pci_bdf(self->a), &a));
	ASSERT_EQ(0, sva_bind(self->fd, pci_bdf(self->b), &b));
	ASSERT_EQ(0, sva_map(self->fd, self->ioas, mem, 2 * SZ_4K, SZ_2M, SVA_RW));
	ASSERT_EQ(0, sva_attach(self->fd, a, self->ioas, NULL));
	ASSERT_EQ(0, sva_attach(self->fd, b, self->ioas, NULL));
	for (int i = 0; i < 2; i++) {
		struct engine engine;

		ASSERT_EQ(0, engine_open(&engine, i ? self->b : self->a));
		mem_fill(mem, SZ_4K, i);
		memset(page, 0, SZ_4K);
		ASSERT_EQ(0, engine_fetch(&engine, SZ_2M, SZ_4K));
		ASSERT_EQ(0, engine_store(&engine, SZ_2M + SZ_4K, SZ_4K));
		EXPECT_EQ(-1, mem_check(page, SZ_4K, i)) TH_LOG("device %d", i);
		engine_close(&engine);
	}
	/* Detached for both, nothing moves. */
	ASSERT_EQ(0, sva_detach(self->fd, a));
	ASSERT_EQ(0, sva_detach(self->fd, b));
	for (int i = 0; i < 2; i++) {
		struct engine engine;

		ASSERT_EQ(0, engine_open(&engine, i ? self->b : self->a));
		memset(page, 0, SZ_4K);
		ASSERT_EQ(0, engine_store(&engine, SZ_2M + SZ_4K, SZ_4K));
		for (size_t j = 0; j < SZ_4K; j++) {
			ASSERT_EQ(0, page[j]);
		}
		engine_close(&engine);
	}
}

/* Both ways through what @self->a is attached to at SZ_2M. */
static void move(struct __test_metadata *_metadata, FIXTURE_DATA(isolation) *self, char *mem)
{
	char *page = mem + SZ_4K;
	struct engine engine;

	ASSERT_EQ(0, engine_open(&engine, self->a));
	mem_fill(mem, SZ_4K, 1);
	memset(page, 0, SZ_4K);
	EXPECT_EQ(0, engine_fetch(&engine, SZ_2M, SZ_4K));
	EXPECT_EQ(0, engine_store(&engine, SZ_2M + SZ_4K, SZ_4K));
	EXPECT_EQ(-1, mem_check(page, SZ_4K, 1));
	engine_close(&engine);
}

/*
 * What goes takes nothing with it that the others use, a requester ID that they
 * share; what comes back is in their group, and takes nothing either.
 */
TEST_F(isolation, one_is_removed)
{
	char *mem = mem_alloc(2 * SZ_4K, 0);
	int other = sva_open();
	uint32_t a, b, theirs;

	if (!is_engine(self->a))
		SKIP(return, "these devices have no engine that a test can drive");
	ASSERT_NE(NULL, mem);
	ASSERT_LE(0, other);
	ASSERT_EQ(0, sva_bind(self->fd, pci_bdf(self->a), &a));
	ASSERT_EQ(0, sva_bind(self->fd, pci_bdf(self->b), &b));
	ASSERT_EQ(0, sva_map(self->fd, self->ioas, mem, 2 * SZ_4K, SZ_2M, SVA_RW));
	ASSERT_EQ(0, sva_attach(self->fd, a, self->ioas, NULL));
	ASSERT_EQ(0, sva_attach(self->fd, b, self->ioas, NULL));
	ASSERT_EQ(0, pci_remove(self->b));
	move(_metadata, self, mem);
	ASSERT_EQ(0, pci_rescan());
	ASSERT_TRUE(pci_wait(self->b, true, 2000));
	EXPECT_EQ(pci_group(self->a), pci_group(self->b));
	move(_metadata, self, mem);
	EXPECT_EQ(-EBUSY, sva_bind(other, pci_bdf(self->b), &theirs));
	ASSERT_EQ(0, sva_bind(self->fd, pci_bdf(self->b), &b));
	ASSERT_EQ(0, sva_attach(self->fd, b, self->ioas, NULL));
	move(_metadata, self, mem);
	ASSERT_EQ(0, sva_detach(self->fd, b));
	move(_metadata, self, mem);
	close(other);
}

/* A guest's tables are for one device's requests, which have to be told from others'. */
TEST_F(isolation, nests_without_aliases_only)
{
	uint32_t device, parent, viommu, vdevice, hwpt;

	ASSERT_EQ(0, sva_bind(self->fd, pci_bdf(self->a), &device));
	if (!has_viommu(self->fd, device))
		SKIP(return, "the unit cannot nest");
	ASSERT_EQ(0, sva_hwpt_alloc(self->fd, device, self->ioas, NEST_PARENT, &parent));
	ASSERT_EQ(0, sva_viommu_alloc(self->fd, kind()->viommu, device, parent, &viommu));
	ASSERT_EQ(0, sva_vdevice_alloc(self->fd, viommu, device, 1, &vdevice));
	ASSERT_EQ(0, nest(self->fd, device, viommu, &hwpt));
	EXPECT_EQ(getenv("ISOLATION_ALIAS") ? -EOPNOTSUPP : 0,
		  sva_attach(self->fd, device, hwpt, NULL));
}

/*
 * A guest's command for a name is one for each stream that is behind it: they may
 * be more than are sent at once.
 */
TEST_F(isolation, commands_for_all_its_streams)
{
	static struct guest_cmd cmds[2048];
	uint32_t device, parent, viommu, vdevice, num = 2048;
	long commands;

	if (!getenv("ISOLATION_ALIAS"))
		SKIP(return, "they share no requester ID");
	if (kind()->viommu != IOMMUFD_SVA_VIOMMU_TYPE_ARM_SMMUV3)
		SKIP(return, "not an SMMU");
	ASSERT_EQ(0, sva_bind(self->fd, pci_bdf(self->a), &device));
	ASSERT_EQ(0, sva_hwpt_alloc(self->fd, device, self->ioas, NEST_PARENT, &parent));
	ASSERT_EQ(0, sva_viommu_alloc(self->fd, kind()->viommu, device, parent, &viommu));
	ASSERT_EQ(0, sva_vdevice_alloc(self->fd, viommu, device, 1, &vdevice));
	for (int i = 0; i < 2048; i++)
		cmds[i] = i < 1024 ? cmd_cfgi_cd(1, 0) : cmd_tlbi_nh_asid(i & 0xff);
	commands = backend_tells("queue", NULL, "commands");
	ASSERT_LE(0, commands);
	ASSERT_EQ(0, sva_invalidate(self->fd, viommu, kind()->inv, cmds, sizeof(cmds[0]), &num));
	EXPECT_EQ(2048, num);
	EXPECT_EQ(2 * 1024 + 1024, backend_tells("queue", NULL, "commands") - commands);
}

/* What is alone is alone: the tests above would pass if all were one set. */
TEST_F(isolation, others_are_apart)
{
	char apart[PCI_NAME_LEN];
	int other = sva_open();
	uint32_t a, theirs;

	if (!engine_find_fast(apart) || !strcmp(apart, self->a) || !strcmp(apart, self->b))
		SKIP(return, "no device to compare with");
	ASSERT_LE(0, other);
	ASSERT_EQ(0, pci_unbind(apart));
	EXPECT_LE(0, pci_group(apart));
	EXPECT_NE(pci_group(apart), pci_group(self->a));
	ASSERT_EQ(0, sva_bind(self->fd, pci_bdf(self->a), &a));
	EXPECT_EQ(0, sva_bind(other, pci_bdf(apart), &theirs));
	close(other);
}

/*
 * What is removed unreset may still do what its user told it. With a requester ID
 * that another one shares it goes on in that user's address space, and nowhere
 * else: nobody has that ID after him. The last test on its machine.
 */
FIXTURE(unreset)
{
	char a[PCI_NAME_LEN], b[PCI_NAME_LEN];
	char *mem;
	uint64_t phys;
};

FIXTURE_SETUP(unreset)
{
	unsigned int vendor, device;

	if (!getenv("ISOLATION_UNRESET"))
		SKIP(return, "ISOLATION_UNRESET is not set");
	ASSERT_EQ(2, sscanf(getenv("ISOLATION_ID"), "%x:%x", &vendor, &device));
	ASSERT_TRUE(pci_find(vendor << 16 | device, 0, self->a));
	ASSERT_TRUE(pci_find(vendor << 16 | device, 1, self->b));
	self->mem = mem_alloc(SZ_4K, 0);
	ASSERT_NE(NULL, self->mem);
	mem_fill(self->mem, SZ_4K, 0);
	self->phys = mem_phys(self->mem);
	ASSERT_NE(0, self->phys);
}

FIXTURE_TEARDOWN(unreset)
{
	pci_remove(self->b);
	pci_remove(self->a);
}

/* Does a write of @name's, master on, arrive at @iova, which is @self->mem? */
static bool arrives(FIXTURE_DATA(unreset) *self, const char *name, uint64_t iova)
{
	struct engine engine;
	bool arrived;

	if (engine_open(&engine, name))
		return false;
	memset(self->mem, 0x55, SZ_4K);
	engine_fetch(&engine, iova, 8);
	memset(self->mem, 0xaa, SZ_4K);
	engine_store(&engine, iova, 8);
	arrived = self->mem[0] == 0x55;
	engine_close(&engine);
	return arrived;
}

TEST_F(unreset, nobody_after_its_user)
{
	int fd = sva_open(), other = sva_open();
	uint32_t a, b, ioas;

	ASSERT_LE(0, fd);
	ASSERT_LE(0, other);
	ASSERT_EQ(0, sva_ioas_alloc(fd, &ioas));
	ASSERT_EQ(0, sva_map(fd, ioas, self->mem, SZ_4K, SZ_2M, SVA_RW));
	ASSERT_EQ(0, sva_bind(fd, pci_bdf(self->a), &a));
	ASSERT_EQ(0, sva_bind(fd, pci_bdf(self->b), &b));
	ASSERT_EQ(0, sva_attach(fd, a, ioas, NULL));
	ASSERT_EQ(0, sva_attach(fd, b, ioas, NULL));
	ASSERT_TRUE(arrives(self, self->b, SZ_2M));

	ASSERT_EQ(0, pci_remove(self->b));
	EXPECT_TRUE(arrives(self, self->a, SZ_2M));
	ASSERT_EQ(0, pci_rescan());
	ASSERT_TRUE(pci_wait(self->b, true, 2000));
	EXPECT_TRUE(arrives(self, self->a, SZ_2M));
	EXPECT_EQ(-EBUSY, sva_bind(fd, pci_bdf(self->b), &b));

	close(fd);
	EXPECT_EQ(-EBUSY, sva_bind(other, pci_bdf(self->a), &a));
	EXPECT_NE(0, pci_bind_driver(self->a, HOST_DRIVER));
	for (int i = 0; i < 2; i++) {
		const char *name = i ? self->b : self->a;

		ASSERT_EQ(0, pci_set_command(name, PCI_CMD_MASTER | PCI_CMD_MEMORY, 0));
		EXPECT_FALSE(arrives(self, name, SZ_2M));
		EXPECT_FALSE(arrives(self, name, self->phys));
	}
	close(other);
}

TEST_HARNESS_MAIN
