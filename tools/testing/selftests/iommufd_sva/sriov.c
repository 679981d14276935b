// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual functions, each given away on its own while the host's driver has the
 * physical one. Needs QEMU's igb and the igb driver, or a modelled card.
 */
#include "selftest.h"

#define VFS 2
#define IOVA 0x40000000UL

/* A card: its functions, and the host's drivers for them. */
static const struct card {
	uint32_t pf, vf;
	const char *pf_driver, *vf_driver;
} cards[] = {
	{ ID_IGB, ID_IGBVF, "igb", "igbvf" },
	{ ID_SIM(SIM_ENDPOINT), ID_SIM(SIM_VF), "sim_pf", HOST_DRIVER },
};

FIXTURE(sriov)
{
	const struct card *card;
	char pf[PCI_NAME_LEN];
	char vf[VFS][PCI_NAME_LEN];
	char path[128];
	int fd;
	uint32_t ioas;
};

static int set_vfs(FIXTURE_DATA(sriov) *self, int n)
{
	char text[8];

	snprintf(text, sizeof(text), "%d", n);
	return file_write(self->path, text);
}

/* The first card there is. */
static bool find_card(FIXTURE_DATA(sriov) *self)
{
	for (size_t c = 0; c < ARRAY_SIZE(cards); c++) {
		self->card = &cards[c];
		for (int i = 0; pci_find(self->card->pf, i, self->pf); i++) {
			snprintf(self->path, sizeof(self->path),
				 "/sys/bus/pci/devices/%s/sriov_numvfs", self->pf);
			if (!access(self->path, F_OK))
				return true;
		}
	}
	return false;
}

FIXTURE_SETUP(sriov)
{
	char autoprobe[128], driver[32];

	if (!find_card(self))
		SKIP(return, "no card with virtual functions");
	snprintf(autoprobe, sizeof(autoprobe),
		 "/sys/bus/pci/devices/%s/sriov_drivers_autoprobe", self->pf);
	if (!pci_driver(self->pf, driver, sizeof(driver))[0])
		ASSERT_EQ(0, pci_bind_driver(self->pf, self->card->pf_driver));
	ASSERT_STREQ(self->card->pf_driver, pci_driver(self->pf, driver, sizeof(driver)));
	ASSERT_EQ(0, file_write(autoprobe, "0"));
	ASSERT_EQ(0, set_vfs(self, 0));
	ASSERT_EQ(0, set_vfs(self, VFS));
	for (int i = 0; i < VFS; i++) {
		ASSERT_TRUE(pci_find(self->card->vf, i, self->vf[i]));
	}
	self->fd = sva_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, sva_ioas_alloc(self->fd, &self->ioas));
}

FIXTURE_TEARDOWN(sriov)
{
	close(self->fd);
	set_vfs(self, 0);
}

TEST_F(sriov, groups_of_their_own)
{
	EXPECT_LE(0, pci_group(self->vf[0]));
	EXPECT_LE(0, pci_group(self->vf[1]));
	EXPECT_NE(pci_group(self->vf[0]), pci_group(self->vf[1]));
}

TEST_F(sriov, each_to_another_user)
{
	int other = sva_open();
	uint32_t mine, theirs, ioas;
	char driver[32];

	ASSERT_LE(0, other);
	ASSERT_EQ(0, sva_ioas_alloc(other, &ioas));
	ASSERT_EQ(0, sva_bind(self->fd, pci_bdf(self->vf[0]), &mine));
	ASSERT_EQ(0, sva_bind(other, pci_bdf(self->vf[1]), &theirs));
	EXPECT_EQ(0, sva_attach(self->fd, mine, self->ioas, NULL));
	EXPECT_EQ(0, sva_attach(other, theirs, ioas, NULL));
	EXPECT_STREQ(self->card->pf_driver, pci_driver(self->pf, driver, sizeof(driver)));
	EXPECT_EQ(-EBUSY, sva_bind(self->fd, pci_bdf(self->pf), &mine))
		TH_LOG("the physical function has a driver");
	close(other);
}

/* Physical memory through the device and back: does it arrive? */
static bool passes(const char *name, char *mem, unsigned int seed)
{
	uint64_t phys = mem_phys(mem);
	struct engine engine;
	bool arrives;

	mem_fill(mem, SZ_4K, seed);
	if (engine_open(&engine, name))
		return false;
	arrives = !engine_fetch(&engine, phys, SZ_4K);
	memset(mem, 0, SZ_4K);
	arrives &= !engine_store(&engine, phys, SZ_4K) && mem_check(mem, SZ_4K, seed) == -1;
	engine_close(&engine);
	return arrives;
}

/* One on the same bus that is nobody's passes on, until it is somebody's, too. */
TEST_F(sriov, taken_one_by_one)
{
	char *mem = mem_alloc(SZ_4K, 0);
	uint32_t device[VFS];
	struct engine engine;

	ASSERT_NE(NULL, mem);
	if (engine_open(&engine, self->vf[0]))
		SKIP(return, "these functions have no engine that a test can drive");
	engine_close(&engine);
	for (int taken = 0; taken <= VFS; taken++) {
		for (int i = 0; i < VFS; i++) {
			EXPECT_EQ(i >= taken, passes(self->vf[i], mem, i + 1))
				TH_LOG("function %d when %d are taken", i, taken);
		}
		if (taken < VFS)
			ASSERT_EQ(0, sva_bind(self->fd, pci_bdf(self->vf[taken]), &device[taken]));
	}
	/* And given back one by one. */
	for (int free = 1; free <= VFS; free++) {
		ASSERT_EQ(0, sva_destroy(self->fd, device[free - 1]));
		for (int i = 0; i < VFS; i++) {
			EXPECT_EQ(i < free, passes(self->vf[i], mem, i + 3))
				TH_LOG("function %d when %d are free", i, free);
		}
	}
}

/* The guest's VF and the host's VF of one card side by side. */
TEST_F(sriov, host_driver_on_another)
{
	uint32_t device;

	ASSERT_EQ(0, sva_bind(self->fd, pci_bdf(self->vf[0]), &device));
	ASSERT_EQ(0, sva_attach(self->fd, device, self->ioas, NULL));
	EXPECT_EQ(0, pci_bind_driver(self->vf[1], self->card->vf_driver));
	EXPECT_EQ(0, pci_unbind(self->vf[1]));
	EXPECT_EQ(0, sva_attach(self->fd, device, self->ioas, NULL));
}

TEST_F(sriov, vfio)
{
	struct vfio vfio;

	ASSERT_EQ(0, pci_bind_driver(self->vf[0], "vfio-pci"));
	EXPECT_EQ(0, vfio_open(&vfio, self->vf[0]));
	EXPECT_EQ(0, vfio_reset(&vfio));
	vfio_close(&vfio);
	EXPECT_EQ(0, pci_unbind(self->vf[0]));
}

/* One address, two functions of one card, two address spaces. */
TEST_F(sriov, each_in_its_own_address_space)
{
	struct engine engine[VFS];
	char *mem[VFS];

	for (int i = 0; i < VFS; i++) {
		uint32_t device, ioas;

		ASSERT_EQ(0, sva_bind(self->fd, pci_bdf(self->vf[i]), &device));
		if (engine_open(&engine[i], self->vf[i]))
			SKIP(return, "these functions have no engine that a test can drive");
		mem[i] = mem_alloc(2 * SZ_4K, 0);
		ASSERT_EQ(0, sva_ioas_alloc(self->fd, &ioas));
		ASSERT_EQ(0, sva_map(self->fd, ioas, mem[i], 2 * SZ_4K, IOVA, SVA_RW));
		ASSERT_EQ(0, sva_attach(self->fd, device, ioas, NULL));
	}
	for (int i = 0; i < VFS; i++) {
		mem_fill(mem[i], SZ_4K, i);
		ASSERT_EQ(0, engine_fetch(&engine[i], IOVA, SZ_4K));
		ASSERT_EQ(0, engine_store(&engine[i], IOVA + SZ_4K, SZ_4K));
	}
	for (int i = 0; i < VFS; i++) {
		EXPECT_EQ(-1, mem_check(mem[i] + SZ_4K, SZ_4K, i));
		engine_close(&engine[i]);
	}
}

/* One function's address space is replaced again and again; the other's stays as it is. */
TEST_F(sriov, one_of_two_is_replaced)
{
	uint32_t device[VFS], ioas[VFS + 1];
	struct engine engine[VFS];
	char *mem[VFS + 1];

	for (int i = 0; i <= VFS; i++) {
		mem[i] = mem_alloc(2 * SZ_4K, 0);
		ASSERT_NE(NULL, mem[i]);
		ASSERT_EQ(0, sva_ioas_alloc(self->fd, &ioas[i]));
		ASSERT_EQ(0, sva_map(self->fd, ioas[i], mem[i], 2 * SZ_4K, IOVA, SVA_RW));
	}
	for (int i = 0; i < VFS; i++) {
		if (engine_open(&engine[i], self->vf[i]))
			SKIP(return, "these functions have no engine that a test can drive");
		ASSERT_EQ(0, sva_bind(self->fd, pci_bdf(self->vf[i]), &device[i]));
		ASSERT_EQ(0, sva_attach(self->fd, device[i], ioas[i], NULL));
	}
	for (int round = 0; round < 6; round++) {
		ASSERT_EQ(0, sva_attach(self->fd, device[0], ioas[round & 1 ? 0 : VFS], NULL));
		for (int i = 0; i < VFS; i++) {
			char *there = i || round & 1 ? mem[i] : mem[VFS];

			mem_fill(there, SZ_4K, round + i);
			memset(there + SZ_4K, 0, SZ_4K);
			ASSERT_EQ(0, engine_fetch(&engine[i], IOVA, SZ_4K));
			ASSERT_EQ(0, engine_store(&engine[i], IOVA + SZ_4K, SZ_4K));
			EXPECT_EQ(-1, mem_check(there + SZ_4K, SZ_4K, round + i))
				TH_LOG("function %d, round %d", i, round);
		}
	}
	for (int i = 0; i < VFS; i++)
		engine_close(&engine[i]);
}

/* The host takes the functions away under their users. */
TEST_F(sriov, disabled_under_a_user)
{
	uint32_t device;

	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(0, sva_bind(self->fd, pci_bdf(self->vf[0]), &device));
		ASSERT_EQ(0, sva_attach(self->fd, device, self->ioas, NULL));
		ASSERT_EQ(0, set_vfs(self, 0));
		EXPECT_EQ(-ENODEV, sva_attach(self->fd, device, self->ioas, NULL));
		sva_detach(self->fd, device);
		EXPECT_EQ(0, sva_destroy(self->fd, device));
		ASSERT_EQ(0, set_vfs(self, VFS));
	}
}

TEST_HARNESS_MAIN
