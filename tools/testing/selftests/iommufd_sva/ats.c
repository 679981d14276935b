// SPDX-License-Identifier: GPL-2.0-only
/*
 * ATS: devices that keep translations of their own. It is on while a device goes
 * through something of a user's; whatever is taken from a user is taken from the
 * devices too; and nothing is sent to a device where it is off. Needs the hardware
 * model: a device's cache there keeps everything until it is told to drop it. Plugs its
 * own devices in, every other of which has ATS.
 */
#include <pthread.h>

#include "selftest.h"
#include "sim.h"
#include "vguest.h"

#define GPA 0x40000000UL
#define GUEST_SIZE (8 * SZ_2M)
#define VA 0x7f1234560000UL
#define IOVA 0x10000000UL

#define NDEVICES 8
#define FIRST_SLOT 20
#define CAPS (SIM_CAP_FLR | SIM_CAP_PASID)
#define VSID(i) (0x1000 + (i))
#define DID 5
/* A page of a guest's has this seed, unless something else is said. */
#define SEED 7
/* Instead of a seed: the unit did not let the request through. */
#define BLOCKED (-SIM_UR)

/* ATS Control: Enable; STU is below it. */
#define ATS_CTRL 6
#define ATS_ON 0x8000

FIXTURE(ats)
{
	int fd;
	uint32_t ioas;
	uint8_t *mem;
	int bdf[NDEVICES];
	uint32_t device[NDEVICES];
	/* Of nested tests: the guest's. */
	uint32_t parent, viommu;
	struct guest g;
};

/* One line for the whole program, not one for each test. */
static void __attribute__((constructor)) skip_all(void)
{
	if (sim_present() && backend_is("vtd_nested"))
		return;
	printf("TAP version 13\n1..1\nok 1 ats # SKIP no model of VT-d\n");
	exit(KSFT_SKIP);
}

static bool has_ats(int i)
{
	return !(i % 2);
}

FIXTURE_SETUP(ats)
{
	self->mem = mem_alloc(SZ_2M, SZ_2M);
	mem_fill(self->mem, SZ_4K, 1);
	mem_fill(self->mem + SZ_4K, SZ_4K, 2);
	self->fd = sva_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, sva_ioas_alloc(self->fd, &self->ioas));
	ASSERT_EQ(0, sva_map(self->fd, self->ioas, self->mem, SZ_4K, IOVA, SVA_RW));
	ASSERT_EQ(0, sva_map(self->fd, self->ioas, self->mem + SZ_4K, SZ_4K, IOVA + SZ_4K,
			     SVA_RW));
	for (int i = 0; i < NDEVICES; i++) {
		self->bdf[i] = sim_add_endpoint(FIRST_SLOT + i,
						CAPS | (has_ats(i) ? SIM_CAP_ATS : 0));
		ASSERT_LT(0, self->bdf[i]);
		ASSERT_EQ(0, sva_bind(self->fd, self->bdf[i], &self->device[i]));
		ASSERT_EQ(0, sim_set_master(self->bdf[i], true));
	}
}

FIXTURE_TEARDOWN(ats)
{
	if (self->fd >= 0)
		close(self->fd);
	for (int i = 0; i < NDEVICES; i++) {
		EXPECT_EQ(0, sim_device_counter(self->bdf[i], "bad.pasid_while_ats"));
		EXPECT_EQ(0, sim_device_counter(self->bdf[i], "bad.stu_while_ats"));
		EXPECT_EQ(0, sim_device_counter(self->bdf[i], "atc_while_off"));
		sim_remove_slot(FIRST_SLOT + i);
	}
	if (self->g.mem)
		guest_free(&self->g);
	mem_free(self->mem, SZ_2M);
	EXPECT_STREQ("", sim_bad(0));
}

/* --- what is asked ------------------------------------------------------- */

static uint32_t ats_control(int bdf)
{
	unsigned int cap = sim_ext_cap(bdf, 0x0f);

	return cap ? sim_config(bdf, cap + ATS_CTRL, 2) : 0;
}

static bool is_on(FIXTURE_DATA(ats) *self, int i)
{
	return ats_control(self->bdf[i]) & ATS_ON;
}

/* Whose page does the device see at @addr with ATS? Or BLOCKED, or what it was told. */
static int bdf_sees(int bdf, uint32_t pasid, uint64_t addr)
{
	char buf[256];
	int status = sim_read_pasid(bdf, pasid, addr, buf, sizeof(buf), SIM_DMA_ATS);

	if (status)
		return -status;
	for (int seed = 1; seed < 40; seed++)
		if (mem_check(buf, sizeof(buf), seed) < 0)
			return seed;
	return -100;
}

static int sees(FIXTURE_DATA(ats) *self, int i, uint64_t addr)
{
	return bdf_sees(self->bdf[i], SIM_NO_PASID, addr);
}

static int pasid_sees(FIXTURE_DATA(ats) *self, int i, uint32_t pasid, uint64_t addr)
{
	return bdf_sees(self->bdf[i], pasid, addr);
}

static uint64_t invalidations(FIXTURE_DATA(ats) *self, int i)
{
	return sim_device_counter(self->bdf[i], "atc_invalidations");
}

static void reset_counters(FIXTURE_DATA(ats) *self)
{
	sim_reset_counters(0);
	for (int i = 0; i < NDEVICES; i++)
		sim_reset_device_counters(self->bdf[i]);
}

static uint64_t sent(void)
{
	return sim_counter(0, "dev_tlb") + sim_counter(0, "pasid_dev_tlb");
}

static int unmap(FIXTURE_DATA(ats) *self, uint64_t iova)
{
	return sva_unmap(self->fd, self->ioas, iova, SZ_4K, NULL);
}

/* GET_HW_INFO says who has none. */
static uint64_t capabilities(FIXTURE_DATA(ats) *self, int i)
{
	return sva_capabilities(self->fd, self->device[i]);
}

/* --- on and off ----------------------------------------------------------- */

TEST_F(ats, on_while_attached)
{
	uint32_t other, hwpt;

	EXPECT_EQ(0, capabilities(self, 0));
	EXPECT_EQ(IOMMUFD_SVA_HW_CAP_PCI_ATS_NOT_SUPPORTED, capabilities(self, 1));
	EXPECT_FALSE(is_on(self, 0));
	ASSERT_EQ(0, sva_attach(self->fd, self->device[0], self->ioas, NULL));
	EXPECT_EQ(ATS_ON, ats_control(self->bdf[0]));
	ASSERT_EQ(0, sva_ioas_alloc(self->fd, &other));
	ASSERT_EQ(0, sva_attach(self->fd, self->device[0], other, &hwpt));
	EXPECT_TRUE(is_on(self, 0));
	ASSERT_EQ(0, sva_detach(self->fd, self->device[0]));
	EXPECT_FALSE(is_on(self, 0));
	ASSERT_EQ(0, sva_attach(self->fd, self->device[0], self->ioas, NULL));
	EXPECT_TRUE(is_on(self, 0));
	/* One that has none. */
	ASSERT_EQ(0, sva_attach(self->fd, self->device[1], self->ioas, NULL));
	EXPECT_FALSE(is_on(self, 1));
	close(self->fd);
	self->fd = -1;
	EXPECT_FALSE(is_on(self, 0));
}

/* Until the last of what is attached goes. */
TEST_F(ats, on_for_a_pasid)
{
	ASSERT_EQ(0, sva_attach(self->fd, self->device[0], self->ioas, NULL));
	ASSERT_EQ(0, sva_attach_pasid(self->fd, self->device[0], 3, self->ioas, NULL));
	EXPECT_EQ(1, pasid_sees(self, 0, 3, IOVA));
	EXPECT_EQ(1, sees(self, 0, IOVA));
	ASSERT_EQ(0, sva_detach(self->fd, self->device[0]));
	EXPECT_TRUE(is_on(self, 0));
	EXPECT_EQ(1, pasid_sees(self, 0, 3, IOVA));
	EXPECT_EQ(BLOCKED, sees(self, 0, IOVA));
	ASSERT_EQ(0, sva_detach_pasid(self->fd, self->device[0], 3));
	EXPECT_FALSE(is_on(self, 0));
}

TEST_F(ats, on_while_vfio_has_it)
{
	struct vfio vfio;

	ASSERT_EQ(0, sva_destroy(self->fd, self->device[0]));
	ASSERT_EQ(0, pci_bind_driver(sim_name(self->bdf[0]), "vfio-pci"));
	ASSERT_EQ(0, vfio_open(&vfio, sim_name(self->bdf[0])));
	EXPECT_TRUE(is_on(self, 0));
	ASSERT_EQ(0, vfio_enable(&vfio));
	ASSERT_EQ(0, vfio_map(&vfio, self->mem, SZ_4K, IOVA, VFIO_RW));
	EXPECT_EQ(1, sees(self, 0, IOVA));
	/* The PCI core has it on again, and nothing is left. */
	ASSERT_EQ(0, vfio_reset(&vfio));
	ASSERT_EQ(0, vfio_enable(&vfio));
	EXPECT_TRUE(is_on(self, 0));
	EXPECT_EQ(1, sees(self, 0, IOVA));
	ASSERT_EQ(0, vfio_unmap(&vfio, IOVA, SZ_4K));
	EXPECT_EQ(BLOCKED, sees(self, 0, IOVA));
	vfio_close(&vfio);
	EXPECT_FALSE(is_on(self, 0));
	pci_unbind(sim_name(self->bdf[0]));
}

/* A physical function has the queue and the STU, a virtual one a cache of its own. */
TEST_F(ats, virtual_function)
{
	int slot = FIRST_SLOT + NDEVICES, pf, vf;
	uint32_t device;

	pf = sim_add_endpoint(slot, SIM_CAP_FLR | SIM_CAP_ATS | SIM_CAP_SRIOV);
	ASSERT_LT(0, pf);
	ASSERT_EQ(0, sim_set_vfs(pf, 2));
	vf = sim_vf(pf, 1);
	ASSERT_LT(0, vf);
	ASSERT_EQ(0, sva_bind(self->fd, vf, &device));
	ASSERT_EQ(0, sim_set_master(vf, true));
	ASSERT_EQ(0, sva_attach(self->fd, device, self->ioas, NULL));
	EXPECT_EQ(ATS_ON, ats_control(vf));
	EXPECT_EQ(0, ats_control(pf));
	EXPECT_EQ(1, bdf_sees(vf, SIM_NO_PASID, IOVA));
	ASSERT_EQ(0, unmap(self, IOVA));
	EXPECT_EQ(BLOCKED, bdf_sees(vf, SIM_NO_PASID, IOVA));
	EXPECT_EQ(0, sim_device_counter(pf, "atc_invalidations"));
	ASSERT_EQ(0, sva_detach(self->fd, device));
	ASSERT_EQ(0, sva_destroy(self->fd, device));
	EXPECT_EQ(0, ats_control(vf));
	EXPECT_EQ(0, sim_device_counter(vf, "atc_while_off"));
	ASSERT_EQ(0, sim_set_vfs(pf, 0));
	sim_remove_slot(slot);
}

/* --- stage 2 -------------------------------------------------------------- */

TEST_F(ats, unmap)
{
	uint64_t hits;

	ASSERT_EQ(0, sva_attach(self->fd, self->device[0], self->ioas, NULL));
	EXPECT_EQ(1, sees(self, 0, IOVA));
	EXPECT_EQ(2, sees(self, 0, IOVA + SZ_4K));
	ASSERT_EQ(0, unmap(self, IOVA));
	EXPECT_EQ(BLOCKED, sees(self, 0, IOVA));
	/* What is still mapped it may keep. */
	hits = sim_device_counter(self->bdf[0], "atc_hits");
	EXPECT_EQ(2, sees(self, 0, IOVA + SZ_4K));
	EXPECT_EQ(hits + 1, sim_device_counter(self->bdf[0], "atc_hits"));
}

TEST_F(ats, unmap_of_pasids)
{
	static const uint32_t pasids[] = { 1, 64, 4000 };

	ASSERT_EQ(0, sva_attach(self->fd, self->device[0], self->ioas, NULL));
	for (int i = 0; i < ARRAY_SIZE(pasids); i++) {
		ASSERT_EQ(0, sva_attach_pasid(self->fd, self->device[0], pasids[i], self->ioas,
					      NULL));
		EXPECT_EQ(1, pasid_sees(self, 0, pasids[i], IOVA));
	}
	EXPECT_EQ(1, sees(self, 0, IOVA));
	ASSERT_EQ(0, unmap(self, IOVA));
	for (int i = 0; i < ARRAY_SIZE(pasids); i++)
		EXPECT_EQ(BLOCKED, pasid_sees(self, 0, pasids[i], IOVA));
	EXPECT_EQ(BLOCKED, sees(self, 0, IOVA));
}

TEST_F(ats, replace)
{
	uint32_t other;

	ASSERT_EQ(0, sva_ioas_alloc(self->fd, &other));
	ASSERT_EQ(0, sva_map(self->fd, other, self->mem + SZ_4K, SZ_4K, IOVA, SVA_RW));
	ASSERT_EQ(0, sva_attach(self->fd, self->device[0], self->ioas, NULL));
	ASSERT_EQ(0, sva_attach_pasid(self->fd, self->device[0], 5, self->ioas, NULL));
	EXPECT_EQ(1, sees(self, 0, IOVA));
	EXPECT_EQ(1, pasid_sees(self, 0, 5, IOVA));
	ASSERT_EQ(0, sva_attach(self->fd, self->device[0], other, NULL));
	EXPECT_EQ(2, sees(self, 0, IOVA));
	EXPECT_EQ(1, pasid_sees(self, 0, 5, IOVA));
	ASSERT_EQ(0, sva_attach_pasid(self->fd, self->device[0], 5, other, NULL));
	EXPECT_EQ(2, pasid_sees(self, 0, 5, IOVA));
	/* It is nobody's any more, but the PASID keeps ATS on. */
	ASSERT_EQ(0, sva_detach(self->fd, self->device[0]));
	EXPECT_EQ(BLOCKED, sees(self, 0, IOVA));
	EXPECT_EQ(2, pasid_sees(self, 0, 5, IOVA));
	ASSERT_EQ(0, sva_attach(self->fd, self->device[0], other, NULL));
	ASSERT_EQ(0, sva_detach_pasid(self->fd, self->device[0], 5));
	EXPECT_EQ(BLOCKED, pasid_sees(self, 0, 5, IOVA));
}

/* One submission, and in it a command for each device that has ATS on. */
static void unmap_counted(struct __test_metadata *_metadata, FIXTURE_DATA(ats) *self, int num)
{
	for (int i = 0; i < num; i++) {
		ASSERT_EQ(0, sva_attach(self->fd, self->device[i], self->ioas, NULL));
		EXPECT_EQ(has_ats(i), is_on(self, i));
		EXPECT_EQ(has_ats(i) ? 1 : -SIM_NO_MASTER, sees(self, i, IOVA));
	}
	reset_counters(self);
	ASSERT_EQ(0, unmap(self, IOVA));
	EXPECT_EQ(1, sim_counter(0, "batches"));
	EXPECT_EQ(1, sim_counter(0, "wait"));
	EXPECT_EQ(1, sim_counter(0, "iotlb_page"));
	EXPECT_EQ((num + 1) / 2, sent());
	for (int i = 0; i < num; i++) {
		EXPECT_EQ(has_ats(i), invalidations(self, i));
		if (has_ats(i))
			EXPECT_EQ(BLOCKED, sees(self, i, IOVA));
	}
}

TEST_F(ats, unmap_counted_1)
{
	unmap_counted(_metadata, self, 1);
}

TEST_F(ats, unmap_counted_8)
{
	unmap_counted(_metadata, self, NDEVICES);
}

/* --- a guest's tables ----------------------------------------------------- */

/* The guest, of whom all devices are: its address space, a page with SEED at VA. */
static void start_guest(struct __test_metadata *_metadata, FIXTURE_DATA(ats) *self,
			struct fs *fs)
{
	uint32_t ioas, vdevice;
	uint64_t gpa;

	ASSERT_EQ(0, guest_begin(&self->g, GPA, GUEST_SIZE, self->fd, &ioas));
	ASSERT_EQ(0, sva_hwpt_alloc(self->fd, self->device[0], ioas,
				    IOMMUFD_SVA_HWPT_ALLOC_NEST_PARENT, &self->parent));
	ASSERT_EQ(0, sva_viommu_alloc(self->fd, IOMMUFD_SVA_VIOMMU_VTD, self->device[0],
				      self->parent, &self->viommu));
	for (int i = 0; i < NDEVICES; i++)
		ASSERT_EQ(0, sva_vdevice_alloc(self->fd, self->viommu, self->device[i], VSID(i),
					       &vdevice));
	self->ioas = ioas;
	fs_init(fs, &self->g);
	gpa = guest_alloc(&self->g, SZ_4K, SZ_4K);
	mem_fill(guest_ptr(&self->g, gpa), SZ_4K, SEED);
	fs_map(fs, VA, gpa, FS_RW);
}

static int space_of(FIXTURE_DATA(ats) *self, const struct fs *fs, uint32_t *hwpt)
{
	struct iommufd_sva_hwpt_vtd_s1 s1 = { .pgtbl_addr = fs->root, .addr_width = 48 };

	return sva_hwpt_nested(self->fd, self->device[0], self->viommu,
			       IOMMUFD_SVA_HWPT_DATA_VTD_S1, &s1, sizeof(s1), hwpt);
}

static int table_of(FIXTURE_DATA(ats) *self, const struct pasids *p, uint32_t *table)
{
	struct iommufd_sva_pasid_table_vtd arg = { .dir_gpa = p->dir, .pasid_bits = p->bits };

	return sva_pasid_table_alloc(self->fd, self->viommu, IOMMUFD_SVA_PASID_TABLE_VTD, &arg,
				     sizeof(arg), table);
}

static int queue(FIXTURE_DATA(ats) *self, const struct qi *descs, uint32_t num)
{
	uint32_t done = num;
	int rc = sva_invalidate(self->fd, self->viommu, IOMMUFD_SVA_INVALIDATE_VTD_QI, descs,
				sizeof(*descs), &done);

	return rc ?: done != num;
}

static int queue_one(FIXTURE_DATA(ats) *self, struct qi desc)
{
	return queue(self, &desc, 1);
}

static void space(struct __test_metadata *_metadata, FIXTURE_DATA(ats) *self, uint32_t pasid)
{
	struct iommufd_sva_hwpt_vtd_s1_invalidate inv = { .addr = VA, .npages = 1 };
	uint32_t hwpt, num = 1;
	struct fs fs;

	start_guest(_metadata, self, &fs);
	ASSERT_EQ(0, space_of(self, &fs, &hwpt));
	ASSERT_EQ(0, sva_attach(self->fd, self->device[0], self->parent, NULL));
	ASSERT_EQ(0, sva_attach_pasid(self->fd, self->device[0], pasid, hwpt, NULL));
	EXPECT_EQ(SEED, pasid_sees(self, 0, pasid, VA));
	fs_unmap(&fs, VA);
	EXPECT_EQ(SEED, pasid_sees(self, 0, pasid, VA));
	ASSERT_EQ(0, sva_invalidate(self->fd, hwpt, IOMMUFD_SVA_HWPT_INVALIDATE_DATA_VTD_S1,
				    &inv, sizeof(inv), &num));
	EXPECT_EQ(BLOCKED, pasid_sees(self, 0, pasid, VA));
	ASSERT_EQ(0, sva_detach_pasid(self->fd, self->device[0], pasid));
}

TEST_F(ats, space_of_a_device)
{
	space(_metadata, self, SIM_NO_PASID);
}

TEST_F(ats, space_of_a_pasid)
{
	space(_metadata, self, 9);
}

/* No address tells which of a guest's pages go with its memory: all do. */
TEST_F(ats, unmap_of_a_parent)
{
	uint32_t hwpt, table;
	struct pasids p;
	struct fs fs;

	start_guest(_metadata, self, &fs);
	ASSERT_EQ(0, space_of(self, &fs, &hwpt));
	pasids_init(&p, &self->g, 20);
	pasids_set(&p, 0, &fs, DID);
	pasids_set(&p, 11, &fs, DID);
	ASSERT_EQ(0, table_of(self, &p, &table));
	ASSERT_EQ(0, sva_attach(self->fd, self->device[0], hwpt, NULL));
	ASSERT_EQ(0, sva_attach(self->fd, self->device[2], table, NULL));
	EXPECT_TRUE(is_on(self, 2));
	/* More than a few at once: each has a domain ID of its own. */
	ASSERT_EQ(0, sva_attach(self->fd, self->device[4], self->parent, NULL));
	for (int pasid = 1; pasid <= 20; pasid++) {
		ASSERT_EQ(0, space_of(self, &fs, &hwpt));
		ASSERT_EQ(0, sva_attach_pasid(self->fd, self->device[4], pasid, hwpt, NULL));
		EXPECT_EQ(SEED, pasid_sees(self, 4, pasid, VA));
	}
	EXPECT_EQ(SEED, sees(self, 0, VA));
	EXPECT_EQ(SEED, sees(self, 2, VA));
	EXPECT_EQ(SEED, pasid_sees(self, 2, 11, VA));
	reset_counters(self);
	ASSERT_EQ(0, sva_unmap(self->fd, self->ioas, GPA, GUEST_SIZE, NULL));
	EXPECT_EQ(1, sim_counter(0, "batches"));
	EXPECT_EQ(BLOCKED, sees(self, 0, VA));
	EXPECT_EQ(BLOCKED, sees(self, 2, VA));
	EXPECT_EQ(BLOCKED, pasid_sees(self, 2, 11, VA));
	for (int pasid = 1; pasid <= 20; pasid++)
		EXPECT_EQ(BLOCKED, pasid_sees(self, 4, pasid, VA));
}

/* A guest's PASID table, on all devices. */
static void start_table(struct __test_metadata *_metadata, FIXTURE_DATA(ats) *self,
			struct fs *fs, struct pasids *p)
{
	uint32_t table;

	start_guest(_metadata, self, fs);
	pasids_init(p, &self->g, 20);
	pasids_set(p, 0, fs, DID);
	pasids_set(p, 11, fs, DID);
	ASSERT_EQ(0, table_of(self, p, &table));
	for (int i = 0; i < NDEVICES; i++) {
		ASSERT_EQ(0, sva_attach(self->fd, self->device[i], table, NULL));
		if (!has_ats(i))
			continue;
		EXPECT_EQ(SEED, pasid_sees(self, i, 11, VA));
		EXPECT_EQ(SEED, sees(self, i, VA));
	}
	reset_counters(self);
}

TEST_F(ats, entry_of_a_table)
{
	struct pasids p;
	struct fs fs;

	start_table(_metadata, self, &fs, &p);
	pasids_clear(&p, 11);
	ASSERT_EQ(0, queue_one(self, qi_pasid(DID, 11)));
	EXPECT_EQ(1, sim_counter(0, "batches"));
	EXPECT_EQ(NDEVICES / 2, sim_counter(0, "pasid_dev_tlb"));
	EXPECT_EQ(0, sim_counter(0, "dev_tlb"));
	for (int i = 0; i < NDEVICES; i += 2) {
		EXPECT_EQ(BLOCKED, pasid_sees(self, i, 11, VA));
		EXPECT_EQ(SEED, sees(self, i, VA));
	}
	/* That of requests without a PASID. */
	pasids_clear(&p, 0);
	ASSERT_EQ(0, queue_one(self, qi_pasid(DID, 0)));
	for (int i = 0; i < NDEVICES; i += 2)
		EXPECT_EQ(BLOCKED, sees(self, i, VA));
}

/* A guest that does not know of ATS says nothing of device-TLBs. */
TEST_F(ats, guest_without_ats)
{
	struct pasids p;
	struct fs fs;

	start_table(_metadata, self, &fs, &p);
	fs_unmap(&fs, VA);
	for (int i = 0; i < NDEVICES; i += 2)
		EXPECT_EQ(SEED, pasid_sees(self, i, 11, VA));
	ASSERT_EQ(0, queue_one(self, qi_piotlb_pages(DID, 11, VA, 0)));
	EXPECT_EQ(1, sim_counter(0, "batches"));
	EXPECT_EQ(1, sim_counter(0, "piotlb_page"));
	EXPECT_EQ(NDEVICES / 2, sim_counter(0, "pasid_dev_tlb"));
	for (int i = 0; i < NDEVICES; i += 2)
		EXPECT_EQ(BLOCKED, pasid_sees(self, i, 11, VA));
	ASSERT_EQ(0, queue_one(self, qi_piotlb_pasid(DID, 0)));
	for (int i = 0; i < NDEVICES; i += 2)
		EXPECT_EQ(BLOCKED, sees(self, i, VA));
}

/* Of another domain than the entry's: nothing. */
TEST_F(ats, guest_of_another_domain)
{
	struct pasids p;
	struct fs fs;

	start_table(_metadata, self, &fs, &p);
	ASSERT_EQ(0, queue_one(self, qi_piotlb_pasid(DID + 1, 11)));
	EXPECT_EQ(0, sent());
	ASSERT_EQ(0, queue_one(self, qi_iotlb_domain(DID)));
	for (int i = 0; i < NDEVICES; i++)
		EXPECT_EQ(has_ats(i) ? 2 : 0, invalidations(self, i));
}

/* The guest's own commands, for the device that they name and nobody else. */
TEST_F(ats, commands_of_a_guest)
{
	struct pasids p;
	struct fs fs;

	start_table(_metadata, self, &fs, &p);
	ASSERT_EQ(0, queue_one(self, qi_pasid_dev_tlb(VSID(2), 11, VA)));
	EXPECT_EQ(1, sent());
	EXPECT_EQ(1, invalidations(self, 2));
	EXPECT_EQ(1, sim_device_counter(self->bdf[2], "atc_dropped"));
	ASSERT_EQ(0, queue_one(self, qi_dev_tlb(VSID(2), VA)));
	EXPECT_EQ(2, sim_device_counter(self->bdf[2], "atc_dropped"));
	EXPECT_EQ(0, invalidations(self, 0));
	/* For one without ATS there is nothing to be done. */
	reset_counters(self);
	ASSERT_EQ(0, queue_one(self, qi_dev_tlb(VSID(1), VA)));
	ASSERT_EQ(0, queue_one(self, qi_pasid_dev_tlb(VSID(3), 11, VA)));
	EXPECT_EQ(0, sent());
	EXPECT_EQ(0, sim_counter(0, "batches"));
	/* A PASID that it has not, and a device that is none of the guest's. */
	EXPECT_EQ(-EIO, queue_one(self, qi_dev_tlb(VSID(NDEVICES), VA)));
	EXPECT_EQ(0, sent());
}

/* A whole batch is one submission. */
TEST_F(ats, batch_of_a_guest)
{
	struct qi descs[2 + NDEVICES];
	struct pasids p;
	struct fs fs;
	int n = 0;

	start_table(_metadata, self, &fs, &p);
	fs_unmap(&fs, VA);
	descs[n++] = qi_piotlb_pages(DID, 11, VA, 0);
	descs[n++] = qi_piotlb_pages(DID, 0, VA, 0);
	for (int i = 0; i < NDEVICES; i++)
		descs[n++] = qi_dev_tlb(VSID(i), VA);
	ASSERT_EQ(0, queue(self, descs, n));
	EXPECT_EQ(1, sim_counter(0, "batches"));
	EXPECT_EQ(2, sim_counter(0, "piotlb_page"));
	for (int i = 0; i < NDEVICES; i++) {
		EXPECT_EQ(has_ats(i) ? 3 : 0, invalidations(self, i));
		if (has_ats(i)) {
			EXPECT_EQ(BLOCKED, pasid_sees(self, i, 11, VA));
			EXPECT_EQ(BLOCKED, sees(self, i, VA));
		}
	}
}

/* --- devices that do not answer ------------------------------------------- */

/* Nothing is sent to one that the kernel knows is gone. */
TEST_F(ats, pulled_out)
{
	ASSERT_EQ(0, sva_attach(self->fd, self->device[0], self->ioas, NULL));
	ASSERT_EQ(0, sva_attach(self->fd, self->device[2], self->ioas, NULL));
	EXPECT_EQ(1, sees(self, 2, IOVA));
	reset_counters(self);
	ASSERT_EQ(0, sim_pull_out(self->bdf[0]));
	EXPECT_EQ(0, sent());
	ASSERT_EQ(0, unmap(self, IOVA));
	EXPECT_EQ(1, sent());
	EXPECT_EQ(BLOCKED, sees(self, 2, IOVA));
}

/*
 * One that has gone and the kernel has not heard of it, or that does not answer: what
 * it has is worth nothing from then on, and the others are as they were.
 */
TEST_F(ats, does_not_answer)
{
	for (int i = 0; i < NDEVICES; i++)
		ASSERT_EQ(0, sva_attach(self->fd, self->device[i], self->ioas, NULL));
	for (int i = 0; i < NDEVICES; i += 2)
		EXPECT_EQ(1, sees(self, i, IOVA));
	reset_counters(self);
	/* The first two that are asked, of whom one is asked again before it is given up. */
	ASSERT_EQ(0, sim_inject(0, SIM_FAULT_ATC, 2, 0));
	ASSERT_EQ(0, unmap(self, IOVA));
	ASSERT_EQ(0, sim_inject(0, SIM_FAULT_ATC, 0, 0));
	for (int i = 0; i < NDEVICES; i += 2)
		EXPECT_EQ(BLOCKED, sees(self, i, IOVA));
	/* It is not asked again, the others are. */
	reset_counters(self);
	ASSERT_EQ(0, unmap(self, IOVA + SZ_4K));
	EXPECT_EQ(NDEVICES / 2 - 1, sent());
	EXPECT_EQ(1, sim_counter(0, "batches"));
	/* Attached anew it has another chance. */
	ASSERT_EQ(0, sva_map(self->fd, self->ioas, self->mem, SZ_4K, IOVA, SVA_RW));
	for (int i = 0; i < NDEVICES; i += 2) {
		ASSERT_EQ(0, sva_detach(self->fd, self->device[i]));
		ASSERT_EQ(0, sva_attach(self->fd, self->device[i], self->ioas, NULL));
		EXPECT_EQ(1, sees(self, i, IOVA));
	}
	reset_counters(self);
	ASSERT_EQ(0, unmap(self, IOVA));
	EXPECT_EQ(NDEVICES / 2, sent());
}

struct slow_unmap {
	FIXTURE_DATA(ats) *self;
	pthread_t thread;
	int rc, seen;
};

/* Take a page away, and look at once whether the device has it still. */
static void *slow_unmap(void *arg)
{
	struct slow_unmap *slow = arg;

	slow->rc = unmap(slow->self, IOVA);
	slow->seen = sees(slow->self, 0, IOVA);
	return NULL;
}

/*
 * One that takes its time: whoever waits for it waits, though the queue goes round with what
 * others ask for meanwhile, and they do not.
 */
TEST_F(ats, answers_late)
{
	enum { ROUNDS = 300, LATE_MS = 1500 };
	struct slow_unmap slow = { .self = self };
	bool in_time = false;
	uint32_t other;
	int log;

	ASSERT_EQ(0, sva_ioas_alloc(self->fd, &other));
	ASSERT_EQ(0, sva_attach(self->fd, self->device[0], self->ioas, NULL));
	ASSERT_EQ(0, sva_attach(self->fd, self->device[1], other, NULL));
	/* A machine that is busy may need more than one try. */
	for (int tries = 0; tries < 10 && !in_time; tries++) {
		if (tries)
			ASSERT_EQ(0, sva_map(self->fd, self->ioas, self->mem, SZ_4K, IOVA, SVA_RW));
		EXPECT_EQ(1, sees(self, 0, IOVA));
		reset_counters(self);
		log = kmsg_mark();
		ASSERT_EQ(0, sim_inject(0, SIM_FAULT_ATC_LATE, 1, LATE_MS));
		ASSERT_EQ(0, pthread_create(&slow.thread, NULL, slow_unmap, &slow));
		while (!sent())
			usleep(1000);
		for (int i = 0; i < ROUNDS; i++) {
			ASSERT_EQ(0, sva_map(self->fd, other, self->mem, SZ_4K, IOVA, SVA_RW));
			ASSERT_EQ(0, sva_unmap(self->fd, other, IOVA, SZ_4K, NULL));
		}
		/* They were done before it answered, or nothing is shown by this. */
		in_time = !invalidations(self, 0);
		EXPECT_LE(ROUNDS, sim_counter(0, "batches"));
		ASSERT_EQ(0, pthread_join(slow.thread, NULL));
		EXPECT_EQ(0, slow.rc);
		EXPECT_EQ(BLOCKED, slow.seen);
		/* And it answered before it was given up. */
		if (kmsg_wait(log, 0, NULL, 0, KMSG_WORDS("vtd_nested", "queue does not answer")))
			in_time = false;
		close(log);
	}
	EXPECT_TRUE(in_time);
}

/* A guest whose own command is not answered hears which, and of what device. */
TEST_F(ats, does_not_answer_a_guest)
{
	const struct qi descs[] = {
		qi_iec(), qi_dev_tlb(VSID(0), VA), qi_pasid_dev_tlb(VSID(2), 11, VA),
	};
	struct iommufd_sva_hwpt_invalidate cmd = {
		.size = sizeof(cmd), .hwpt_id = 0, .data_uptr = (uintptr_t)descs,
		.data_type = IOMMUFD_SVA_INVALIDATE_VTD_QI, .entry_len = sizeof(descs[0]),
		.entry_num = ARRAY_SIZE(descs),
	};
	struct pasids p;
	struct fs fs;

	start_table(_metadata, self, &fs, &p);
	cmd.hwpt_id = self->viommu;
	ASSERT_EQ(0, sim_inject(0, SIM_FAULT_ATC, 1, 0));
	EXPECT_EQ(-ETIMEDOUT, sva_ioctl(self->fd, IOMMUFD_SVA_HWPT_INVALIDATE, &cmd));
	EXPECT_EQ(1, cmd.entry_num);
	EXPECT_EQ(IOMMUFD_SVA_VTD_QI_ITE | VSID(0) << IOMMUFD_SVA_VTD_QI_SID_SHIFT,
		  cmd.out_error);
	/* Once more if the first was lost. */
	EXPECT_LT(0, invalidations(self, 2));
	/* What it has is worth nothing any more, and it is not asked again. */
	fs_unmap(&fs, VA);
	ASSERT_EQ(0, queue_one(self, qi_piotlb_pages(DID, 11, VA, 0)));
	for (int i = 0; i < NDEVICES; i += 2)
		EXPECT_EQ(BLOCKED, pasid_sees(self, i, 11, VA));
	reset_counters(self);
	EXPECT_EQ(0, queue(self, descs, ARRAY_SIZE(descs)));
	EXPECT_EQ(1, sent());
	/* One that says nothing of device-TLBs does not hear of them. */
	ASSERT_EQ(0, sim_inject(0, SIM_FAULT_ATC, 1, 0));
	EXPECT_EQ(0, queue_one(self, qi_piotlb_pages(DID, 11, VA, 0)));
	ASSERT_EQ(0, sim_inject(0, SIM_FAULT_ATC, 0, 0));
}

TEST_F(ats, gone_unheard)
{
	ASSERT_EQ(0, sva_attach(self->fd, self->device[0], self->ioas, NULL));
	ASSERT_EQ(0, sva_attach(self->fd, self->device[2], self->ioas, NULL));
	EXPECT_EQ(1, sees(self, 0, IOVA));
	EXPECT_EQ(1, sees(self, 2, IOVA));
	ASSERT_EQ(0, sim_kill(self->bdf[0]));
	ASSERT_EQ(0, unmap(self, IOVA));
	EXPECT_EQ(BLOCKED, sees(self, 2, IOVA));
	sim_remove(self->bdf[0]);
	ASSERT_EQ(0, unmap(self, IOVA + SZ_4K));
}

TEST_HARNESS_MAIN
