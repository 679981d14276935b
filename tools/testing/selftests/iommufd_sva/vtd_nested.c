// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nested translation on VT-d: a guest's address spaces on devices and on PASIDs, its
 * PASID tables, and its invalidation queue as it wrote it. Needs the hardware model: a
 * unit whose caches keep everything until the right invalidation comes, and devices
 * that send any request that they are told to. Plugs its own devices in.
 */
#include <poll.h>
#include <pthread.h>

#include "selftest.h"
#include "sim.h"
#include "vguest.h"

#define GPA 0x40000000UL
#define GUEST_SIZE (16 * SZ_2M)
/* Where a guest's memory is not. */
#define NOWHERE 0x700000000UL
#define VA 0x7f1234560000UL
#define LAST ((1U << 20) - 1)

#define NDEVICES 3
#define MAX_DEVICES 64
#define FIRST_SLOT 20
#define CAPS (SIM_CAP_FLR | SIM_CAP_PASID | SIM_CAP_PASID_PRIV)
#define VSID(i) (0x1000 + (i))
/* The guest's domain IDs. */
#define DID 5
#define OTHER_DID 6
/* Instead of a seed: the unit did not let the request through. */
#define BLOCKED (-SIM_UR)
#define GARBAGE (-100)

FIXTURE(vtd_nested)
{
	int fd;
	uint32_t ioas, parent, viommu;
	struct guest g;
	int port, bdf[NDEVICES];
	uint32_t device[NDEVICES], vdevice[NDEVICES];
};

/* One line for the whole program, not one for each test. */
static void __attribute__((constructor)) skip_all(void)
{
	if (sim_present() && backend_is("vtd_nested"))
		return;
	printf("TAP version 13\n1..1\nok 1 vtd_nested # SKIP no model of VT-d\n");
	exit(KSFT_SKIP);
}

FIXTURE_SETUP(vtd_nested)
{
	self->fd = sva_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, guest_begin(&self->g, GPA, GUEST_SIZE, self->fd, &self->ioas));
	for (int i = 0; i < NDEVICES; i++) {
		self->bdf[i] = sim_add_endpoint(FIRST_SLOT + i, CAPS);
		ASSERT_LT(0, self->bdf[i]);
		ASSERT_EQ(0, sva_bind(self->fd, self->bdf[i], &self->device[i]));
	}
	ASSERT_EQ(0, sva_hwpt_alloc(self->fd, self->device[0], self->ioas,
				    IOMMUFD_SVA_HWPT_ALLOC_NEST_PARENT, &self->parent));
	ASSERT_EQ(0, sva_viommu_alloc(self->fd, IOMMUFD_SVA_VIOMMU_VTD, self->device[0],
				      self->parent, &self->viommu));
	for (int i = 0; i < NDEVICES; i++) {
		ASSERT_EQ(0, sva_vdevice_alloc(self->fd, self->viommu, self->device[i], VSID(i),
					       &self->vdevice[i]));
	}
}

FIXTURE_TEARDOWN(vtd_nested)
{
	close(self->fd);
	for (int i = 0; i < NDEVICES; i++)
		sim_remove_slot(FIRST_SLOT + i);
	guest_free(&self->g);
	EXPECT_STREQ("", sim_bad(0));
}

/* --- what a guest does --------------------------------------------------- */

/* A page of the guest's, full of @seed's bytes: its address. */
static uint64_t page(FIXTURE_DATA(vtd_nested) *self, int seed)
{
	uint64_t gpa = guest_alloc(&self->g, SZ_4K, SZ_4K);

	mem_fill(guest_ptr(&self->g, gpa), SZ_4K, seed);
	return gpa;
}

/* An address space with such a page at VA. */
static struct fs space(FIXTURE_DATA(vtd_nested) *self, int seed)
{
	struct fs fs;

	fs_init(&fs, &self->g);
	fs_map(&fs, VA, page(self, seed), FS_RW);
	return fs;
}

/* Whose page does device @bdf see? Or BLOCKED, or what it was told. */
static int bdf_sees(int bdf, uint32_t pasid, uint64_t addr)
{
	char buf[256];
	int status = sim_read_pasid(bdf, pasid, addr, buf, sizeof(buf), 0);

	if (status)
		return -status;
	for (int seed = 1; seed < 40; seed++)
		if (mem_check(buf, sizeof(buf), seed) < 0)
			return seed;
	return GARBAGE;
}

static int sees(FIXTURE_DATA(vtd_nested) *self, int i, uint32_t pasid)
{
	return bdf_sees(self->bdf[i], pasid, VA);
}

static int hwpt_on(FIXTURE_DATA(vtd_nested) *self, uint32_t pt, const struct fs *fs,
		   uint32_t *hwpt)
{
	struct iommufd_sva_hwpt_vtd_s1 s1 = { .pgtbl_addr = fs->root, .addr_width = 48 };

	return sva_hwpt_nested(self->fd, self->device[0], pt, IOMMUFD_SVA_HWPT_DATA_VTD_S1, &s1,
			       sizeof(s1), hwpt);
}

static int invalidate_hwpt(FIXTURE_DATA(vtd_nested) *self, uint32_t hwpt, uint64_t addr,
			   uint64_t npages)
{
	struct iommufd_sva_hwpt_vtd_s1_invalidate inv = { .addr = addr, .npages = npages };
	uint32_t num = 1;
	int rc = sva_invalidate(self->fd, hwpt, IOMMUFD_SVA_HWPT_INVALIDATE_DATA_VTD_S1, &inv,
				sizeof(inv), &num);

	return rc ?: num != 1;
}

static int table_on(FIXTURE_DATA(vtd_nested) *self, uint32_t pt, const struct pasids *p,
		    uint32_t *table)
{
	struct iommufd_sva_pasid_table_vtd arg = { .dir_gpa = p->dir, .pasid_bits = p->bits };

	return sva_pasid_table_alloc(self->fd, pt, IOMMUFD_SVA_PASID_TABLE_VTD, &arg, sizeof(arg),
				     table);
}

static int table(FIXTURE_DATA(vtd_nested) *self, const struct pasids *p, uint32_t *table)
{
	return table_on(self, self->viommu, p, table);
}

/* The guest's queue: 0, a negative errno, or 1 if not all was consumed. */
static int queue_as(FIXTURE_DATA(vtd_nested) *self, const void *descs, uint32_t len,
		    uint32_t num, uint32_t *consumed, uint32_t *error)
{
	struct iommufd_sva_hwpt_invalidate cmd = {
		.size = sizeof(cmd), .hwpt_id = self->viommu, .data_uptr = (uintptr_t)descs,
		.data_type = IOMMUFD_SVA_INVALIDATE_VTD_QI, .entry_len = len, .entry_num = num,
	};
	int rc = sva_ioctl(self->fd, IOMMUFD_SVA_HWPT_INVALIDATE, &cmd);

	*consumed = cmd.entry_num;
	*error = cmd.out_error;
	return rc;
}

static int queue_many(FIXTURE_DATA(vtd_nested) *self, const struct qi *descs, uint32_t num)
{
	uint32_t consumed, error;
	int rc = queue_as(self, descs, sizeof(*descs), num, &consumed, &error);

	return rc ?: consumed != num || error;
}

static int queue(FIXTURE_DATA(vtd_nested) *self, struct qi desc)
{
	return queue_many(self, &desc, 1);
}

static uint64_t unit_commands(unsigned int unit)
{
	return sim_counter(unit, "iotlb_global") + sim_counter(unit, "iotlb_domain") +
	       sim_counter(unit, "iotlb_page") + sim_counter(unit, "piotlb_pasid") +
	       sim_counter(unit, "piotlb_page");
}

static uint64_t iotlb_commands(void)
{
	return unit_commands(0);
}

/* --- address spaces ------------------------------------------------------ */

static void one_space(struct __test_metadata *_metadata, FIXTURE_DATA(vtd_nested) *self,
		      uint32_t pt, uint32_t pasid)
{
	struct fs fs = space(self, 1);
	char text[64];
	uint32_t hwpt;

	fs_map(&fs, VA + SZ_4K, page(self, 2), FS_RO);
	ASSERT_EQ(0, hwpt_on(self, pt, &fs, &hwpt));
	ASSERT_EQ(0, sva_attach_pasid(self->fd, self->device[0], pasid, hwpt, NULL));
	EXPECT_EQ(1, sees(self, 0, pasid));
	memset(text, 0x5a, sizeof(text));
	EXPECT_EQ(SIM_OK, sim_write_pasid(self->bdf[0], pasid, VA + 128, text, 64, 0));
	EXPECT_EQ(0, memcmp(text, guest_ptr(&self->g, GPA + SZ_4K) + 128, 64));
	EXPECT_EQ(SIM_UR, sim_write_pasid(self->bdf[0], pasid, VA + SZ_4K, text, 64, 0));
	EXPECT_EQ(2, bdf_sees(self->bdf[0], pasid, VA + SZ_4K));
	/* Its own addresses, not physical ones. */
	EXPECT_EQ(BLOCKED, bdf_sees(self->bdf[0], pasid, GPA + SZ_4K));

	/* What the guest changes is seen once it says so, and not before. */
	fs_map(&fs, VA, page(self, 3), FS_RW);
	fs_map(&fs, VA + SZ_4K, page(self, 4), FS_RW);
	EXPECT_NE(3, sees(self, 0, pasid));
	EXPECT_EQ(0, invalidate_hwpt(self, hwpt, VA, 1));
	EXPECT_EQ(3, sees(self, 0, pasid));
	EXPECT_EQ(2, bdf_sees(self->bdf[0], pasid, VA + SZ_4K));
	EXPECT_EQ(0, invalidate_hwpt(self, hwpt, 0, ~0ULL));
	EXPECT_EQ(4, bdf_sees(self->bdf[0], pasid, VA + SZ_4K));
	fs_unmap(&fs, VA);
	EXPECT_EQ(0, invalidate_hwpt(self, hwpt, VA, 1));
	EXPECT_EQ(BLOCKED, sees(self, 0, pasid));
	ASSERT_EQ(0, sva_detach_pasid(self->fd, self->device[0], pasid));
	EXPECT_EQ(0, sva_destroy(self->fd, hwpt));
}

TEST_F(vtd_nested, space_of_a_device)
{
	one_space(_metadata, self, self->parent, SIM_NO_PASID);
}

TEST_F(vtd_nested, space_of_a_device_on_a_viommu)
{
	one_space(_metadata, self, self->viommu, SIM_NO_PASID);
}

/* No other test has requests without a PASID be blocked meanwhile. */
TEST_F(vtd_nested, space_of_a_pasid)
{
	ASSERT_EQ(0, sva_attach(self->fd, self->device[0], self->parent, NULL));
	one_space(_metadata, self, self->parent, 77);
	EXPECT_EQ(GARBAGE, bdf_sees(self->bdf[0], SIM_NO_PASID, GPA));
}

TEST_F(vtd_nested, several_pasids)
{
	static const uint32_t pasids[] = { 1, 63, 64, 4000, LAST };
	const int num = ARRAY_SIZE(pasids);
	uint32_t hwpt[ARRAY_SIZE(pasids)];
	struct fs fs;

	for (int i = 0; i < num; i++) {
		fs = space(self, i + 1);
		ASSERT_EQ(0, hwpt_on(self, self->parent, &fs, &hwpt[i]));
		for (int d = 0; d < 2; d++) {
			ASSERT_EQ(0, sva_attach_pasid(self->fd, self->device[d], pasids[i],
						      hwpt[i], NULL));
		}
	}
	for (int i = 0; i < num; i++) {
		EXPECT_EQ(i + 1, sees(self, 0, pasids[i]));
		EXPECT_EQ(i + 1, sees(self, 1, pasids[i]));
	}
	sim_set_master(self->bdf[2], true);
	EXPECT_EQ(BLOCKED, sees(self, 2, 1));
	EXPECT_EQ(BLOCKED, sees(self, 0, 2));
	/* Each becomes the next one's. */
	for (int i = 0; i < num; i++) {
		ASSERT_EQ(0, sva_attach_pasid(self->fd, self->device[0], pasids[i],
					      hwpt[(i + 1) % num], NULL));
		for (int k = 0; k < num; k++) {
			EXPECT_EQ(k <= i ? (k + 1) % num + 1 : k + 1, sees(self, 0, pasids[k]));
			EXPECT_EQ(k + 1, sees(self, 1, pasids[k]));
		}
	}
	EXPECT_EQ(-EBUSY, sva_destroy(self->fd, hwpt[0]));
}

/* One address space at several PASIDs of several devices is one command. */
TEST_F(vtd_nested, one_command)
{
	struct fs fs = space(self, 1);
	uint64_t before;
	uint32_t hwpt;

	ASSERT_EQ(0, hwpt_on(self, self->parent, &fs, &hwpt));
	for (int d = 0; d < NDEVICES; d++) {
		ASSERT_EQ(0, sva_attach_pasid(self->fd, self->device[d], 9, hwpt, NULL));
		EXPECT_EQ(1, sees(self, d, 9));
	}
	fs_map(&fs, VA, page(self, 2), FS_RW);
	before = iotlb_commands();
	ASSERT_EQ(0, invalidate_hwpt(self, hwpt, VA, 1));
	EXPECT_EQ(before + 1, iotlb_commands());
	for (int d = 0; d < NDEVICES; d++) {
		EXPECT_EQ(2, sees(self, d, 9));
		ASSERT_EQ(0, sva_attach_pasid(self->fd, self->device[d], 10 + d, hwpt, NULL));
		EXPECT_EQ(2, sees(self, d, 10 + d));
	}
	fs_map(&fs, VA, page(self, 3), FS_RW);
	before = iotlb_commands();
	ASSERT_EQ(0, invalidate_hwpt(self, hwpt, VA, 1));
	EXPECT_EQ(before + 1, iotlb_commands());
	for (int d = 0; d < NDEVICES; d++) {
		EXPECT_EQ(3, sees(self, d, 9));
		EXPECT_EQ(3, sees(self, d, 10 + d));
	}
	/* Nowhere: nothing to do. */
	for (int d = 0; d < NDEVICES; d++) {
		ASSERT_EQ(0, sva_detach_pasid(self->fd, self->device[d], 9));
		ASSERT_EQ(0, sva_detach_pasid(self->fd, self->device[d], 10 + d));
	}
	before = iotlb_commands();
	ASSERT_EQ(0, invalidate_hwpt(self, hwpt, VA, 1));
	EXPECT_EQ(before, iotlb_commands());
}

/* An address space on devices of two units is one command for each; a vIOMMU is one's. */
TEST_F(vtd_nested, two_units)
{
	const unsigned int segment = SIM_SEGMENT + 1;
	int bdf = sim_add_elsewhere(segment, FIRST_SLOT, CAPS);
	uint32_t far, vdevice, hwpt, mine, theirs;
	struct fs fs = space(self, 1);
	uint64_t before[2];
	struct pasids p;

	if (bdf < 0 || pci_group(sim_name(bdf)) < 0)
		SKIP(goto out, "one unit");
	ASSERT_EQ(0, sva_bind(self->fd, bdf, &far));
	ASSERT_EQ(0, hwpt_on(self, self->parent, &fs, &hwpt));
	ASSERT_EQ(0, sva_attach_pasid(self->fd, self->device[0], 9, hwpt, NULL));
	ASSERT_EQ(0, sva_attach_pasid(self->fd, far, 9, hwpt, NULL));
	EXPECT_EQ(1, sees(self, 0, 9));
	EXPECT_EQ(1, bdf_sees(bdf, 9, VA));
	fs_map(&fs, VA, page(self, 2), FS_RW);
	for (int i = 0; i < 2; i++)
		before[i] = unit_commands(i);
	ASSERT_EQ(0, invalidate_hwpt(self, hwpt, VA, 1));
	for (int i = 0; i < 2; i++)
		EXPECT_EQ(before[i] + 1, unit_commands(i));
	EXPECT_EQ(2, sees(self, 0, 9));
	EXPECT_EQ(2, bdf_sees(bdf, 9, VA));
	/* Only where it is still. */
	ASSERT_EQ(0, sva_detach_pasid(self->fd, self->device[0], 9));
	fs_map(&fs, VA, page(self, 3), FS_RW);
	for (int i = 0; i < 2; i++)
		before[i] = unit_commands(i);
	ASSERT_EQ(0, invalidate_hwpt(self, hwpt, VA, 1));
	EXPECT_EQ(before[0], unit_commands(0));
	EXPECT_EQ(before[1] + 1, unit_commands(1));
	EXPECT_EQ(3, bdf_sees(bdf, 9, VA));
	ASSERT_EQ(0, sva_detach_pasid(self->fd, far, 9));

	/* A table of the vIOMMU's is on its unit; one on the parent is on its devices'. */
	EXPECT_EQ(-EINVAL, sva_vdevice_alloc(self->fd, self->viommu, far, 0x2000, &vdevice));
	pasids_init(&p, &self->g, 13);
	pasids_set(&p, 4, &fs, DID);
	ASSERT_EQ(0, table(self, &p, &mine));
	EXPECT_EQ(-EINVAL, sva_attach(self->fd, far, mine, NULL));
	ASSERT_EQ(0, table_on(self, self->parent, &p, &theirs));
	ASSERT_EQ(0, sva_attach(self->fd, far, theirs, NULL));
	EXPECT_EQ(-EINVAL, sva_attach(self->fd, self->device[0], theirs, NULL));
	ASSERT_EQ(0, sva_attach(self->fd, self->device[0], mine, NULL));
	EXPECT_EQ(3, sees(self, 0, 4));
	EXPECT_EQ(3, bdf_sees(bdf, 4, VA));
	/* Where nobody needs it any more it goes elsewhere, and back. */
	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(0, sva_detach(self->fd, far));
		ASSERT_EQ(0, sva_attach(self->fd, self->device[1], theirs, NULL));
		EXPECT_EQ(3, sees(self, 1, 4));
		EXPECT_EQ(-EINVAL, sva_attach(self->fd, far, theirs, NULL));
		ASSERT_EQ(0, sva_detach(self->fd, self->device[1]));
		ASSERT_EQ(0, sva_attach(self->fd, far, theirs, NULL));
		EXPECT_EQ(3, bdf_sees(bdf, 4, VA));
	}
	/* The memory that is under both. */
	ASSERT_EQ(0, sva_unmap(self->fd, self->ioas, GPA, GUEST_SIZE, NULL));
	EXPECT_EQ(BLOCKED, sees(self, 0, 4));
	EXPECT_EQ(BLOCKED, bdf_sees(bdf, 4, VA));
	EXPECT_STREQ("", sim_bad(1));
out:
	sim_remove(segment << 16 | FIRST_SLOT << 3);
}

TEST_F(vtd_nested, bad_spaces)
{
	struct iommufd_sva_hwpt_vtd_s1 good = { .pgtbl_addr = GPA, .addr_width = 48 }, s1;
	uint32_t hwpt, fd = self->fd, dev = self->device[0];
	const uint32_t type = IOMMUFD_SVA_HWPT_DATA_VTD_S1;
	struct iommufd_sva_hwpt_vtd_s1_invalidate inv = { .npages = 1 };
	uint32_t num;

#define REFUSED(rc, field, value)                                                      \
	do {                                                                           \
		s1 = good;                                                             \
		s1.field = value;                                                      \
		EXPECT_EQ(rc, sva_hwpt_nested(fd, dev, self->parent, type, &s1,        \
					      sizeof(s1), &hwpt));                     \
	} while (0)
	REFUSED(-EOPNOTSUPP, flags, 8);
	REFUSED(-EOPNOTSUPP, __reserved, 1);
	REFUSED(-EINVAL, addr_width, 0);
	REFUSED(-EINVAL, addr_width, 39);
	REFUSED(-EINVAL, addr_width, 57);
	REFUSED(-EINVAL, pgtbl_addr, GPA + 8);
	REFUSED(-EINVAL, pgtbl_addr, 1ULL << 48);
	REFUSED(-EINVAL, pgtbl_addr, ~0xfffULL);
	EXPECT_EQ(-EINVAL, sva_hwpt_nested(fd, dev, self->parent, type, &good,
					   sizeof(good) - 8, &hwpt));
	EXPECT_EQ(-EOPNOTSUPP, sva_hwpt_nested(fd, dev, self->parent,
					       IOMMUFD_SVA_HWPT_DATA_ARM_SMMUV3, &good,
					       sizeof(good), &hwpt));
	good.flags = IOMMUFD_SVA_VTD_S1_SRE | IOMMUFD_SVA_VTD_S1_EAFE | IOMMUFD_SVA_VTD_S1_WPE;
	ASSERT_EQ(0, sva_hwpt_nested(fd, dev, self->parent, type, &good, sizeof(good), &hwpt));

	inv.flags = 2;
	num = 1;
	EXPECT_EQ(-EOPNOTSUPP, sva_invalidate(fd, hwpt, 0, &inv, sizeof(inv), &num));
	EXPECT_EQ(0, num);
	inv.flags = 0;
	inv.addr = 8;
	num = 1;
	EXPECT_EQ(-EINVAL, sva_invalidate(fd, hwpt, 0, &inv, sizeof(inv), &num));
	inv.addr = SZ_4K;
	inv.npages = ~0ULL;
	num = 1;
	EXPECT_EQ(-EINVAL, sva_invalidate(fd, hwpt, 0, &inv, sizeof(inv), &num));
	num = 0;
	EXPECT_EQ(-EINVAL, sva_invalidate(fd, hwpt, 1, &inv, sizeof(inv), &num));
	EXPECT_EQ(-EINVAL, sva_invalidate(fd, hwpt, IOMMUFD_SVA_INVALIDATE_VTD_QI, &inv, 32, &num));
	EXPECT_EQ(0, sva_invalidate(fd, hwpt, 0, &inv, sizeof(inv), &num));
}

/* Memory that the VMM takes back is gone from every address space of the guest's. */
TEST_F(vtd_nested, parent_unmapped)
{
	struct pasids p;
	struct fs fs, far;
	uint32_t hwpt, t;
	char *mem = mem_alloc(SZ_4K, SZ_4K);

	mem_fill(mem, SZ_4K, 30);
	ASSERT_EQ(0, sva_map(self->fd, self->ioas, mem, SZ_4K, 4 * GPA, SVA_RW));
	fs = space(self, 1);
	fs_map(&fs, VA, 4 * GPA, FS_RW);
	fs_init(&far, &self->g);
	fs_map(&far, VA, 4 * GPA, FS_RW);
	ASSERT_EQ(0, hwpt_on(self, self->parent, &fs, &hwpt));
	ASSERT_EQ(0, sva_attach_pasid(self->fd, self->device[0], 1, hwpt, NULL));
	pasids_init(&p, &self->g, 20);
	pasids_set(&p, 1, &far, DID);
	pasids_pass(&p, 2, DID);
	ASSERT_EQ(0, table(self, &p, &t));
	ASSERT_EQ(0, sva_attach(self->fd, self->device[1], t, NULL));
	EXPECT_EQ(30, sees(self, 0, 1));
	EXPECT_EQ(30, sees(self, 1, 1));
	EXPECT_EQ(30, bdf_sees(self->bdf[1], 2, 4 * GPA));
	ASSERT_EQ(0, sva_unmap(self->fd, self->ioas, 4 * GPA, SZ_4K, NULL));
	EXPECT_EQ(BLOCKED, sees(self, 0, 1));
	EXPECT_EQ(BLOCKED, sees(self, 1, 1));
	EXPECT_EQ(BLOCKED, bdf_sees(self->bdf[1], 2, 4 * GPA));
	mem_free(mem, SZ_4K);
}

/* --- a guest's PASID table ----------------------------------------------- */

/* Two processes on one device, and one that has three. */
TEST_F(vtd_nested, processes)
{
	struct fs a = space(self, 1), b = space(self, 2);
	struct pasids p;
	uint32_t t;

	pasids_init(&p, &self->g, 20);
	pasids_pass(&p, 0, 1);
	pasids_set(&p, 100, &a, DID);
	pasids_set(&p, 200, &b, DID);
	ASSERT_EQ(0, table(self, &p, &t));
	for (int i = 0; i < NDEVICES; i++) {
		ASSERT_EQ(0, sva_attach(self->fd, self->device[i], t, NULL));
	}
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < NDEVICES; i++) {
			EXPECT_EQ(1 + 2 * round, sees(self, i, 100));
			EXPECT_EQ(2 + 2 * round, sees(self, i, 200));
			EXPECT_EQ(BLOCKED, sees(self, i, 101));
			EXPECT_EQ(BLOCKED, sees(self, i, SIM_NO_PASID));
			EXPECT_EQ(GARBAGE, bdf_sees(self->bdf[i], SIM_NO_PASID, GPA));
		}
		fs_map(&a, VA, page(self, 3 + 2 * round), FS_RW);
		fs_map(&b, VA, page(self, 4 + 2 * round), FS_RW);
		EXPECT_EQ(2 + 2 * round, sees(self, 0, 200)) TH_LOG("not invalidated yet");
		ASSERT_EQ(0, queue(self, qi_piotlb_pages(DID, 100, VA, 0)));
		EXPECT_EQ(2 + 2 * round, sees(self, 0, 200)) TH_LOG("another PASID was");
		ASSERT_EQ(0, queue(self, qi_piotlb_pasid(DID, 200)));
	}
	for (int i = 0; i < NDEVICES; i++) {
		ASSERT_EQ(0, sva_detach(self->fd, self->device[i]));
	}
	EXPECT_EQ(0, sva_destroy(self->fd, t));
}

/* The guest changes its PASID table: what it names is read again, and nothing else. */
TEST_F(vtd_nested, table_changes)
{
	struct fs fs[6];
	struct pasids p;
	uint32_t t;

	for (int i = 0; i < 6; i++)
		fs[i] = space(self, i + 1);
	pasids_init(&p, &self->g, 20);
	pasids_set(&p, 1, &fs[0], DID);
	pasids_set(&p, 2, &fs[1], DID);
	pasids_set(&p, 3, &fs[2], OTHER_DID);
	ASSERT_EQ(0, table(self, &p, &t));
	ASSERT_EQ(0, sva_attach(self->fd, self->device[0], t, NULL));
	EXPECT_EQ(1, sees(self, 0, 1));
	EXPECT_EQ(2, sees(self, 0, 2));
	EXPECT_EQ(3, sees(self, 0, 3));

	/* All change; one is named. */
	pasids_set(&p, 1, &fs[3], DID);
	pasids_set(&p, 2, &fs[4], DID);
	pasids_set(&p, 3, &fs[5], OTHER_DID);
	pasids_set(&p, 4, &fs[0], DID);
	ASSERT_EQ(0, queue(self, qi_pasid(DID, 1)));
	ASSERT_EQ(0, queue(self, qi_piotlb_pasid(DID, 1)));
	EXPECT_EQ(4, sees(self, 0, 1));
	EXPECT_EQ(2, sees(self, 0, 2));
	EXPECT_EQ(3, sees(self, 0, 3));
	EXPECT_EQ(BLOCKED, sees(self, 0, 4));
	/* Under another domain ID it is not the one that is meant. */
	ASSERT_EQ(0, queue(self, qi_pasid(OTHER_DID, 2)));
	ASSERT_EQ(0, queue(self, qi_iotlb_global()));
	EXPECT_EQ(2, sees(self, 0, 2));
	/* A domain. */
	ASSERT_EQ(0, queue(self, qi_pasid_domain(DID)));
	ASSERT_EQ(0, queue(self, qi_iotlb_domain(DID)));
	EXPECT_EQ(4, sees(self, 0, 1));
	EXPECT_EQ(5, sees(self, 0, 2));
	EXPECT_EQ(3, sees(self, 0, 3));
	EXPECT_EQ(1, sees(self, 0, 4));
	/* Everything. */
	ASSERT_EQ(0, queue(self, qi_pasid_global()));
	ASSERT_EQ(0, queue(self, qi_iotlb_global()));
	EXPECT_EQ(6, sees(self, 0, 3));

	/* Away, passing through, another domain ID, in a new leaf. */
	pasids_clear(&p, 1);
	ASSERT_EQ(0, queue(self, qi_pasid(DID, 1)));
	ASSERT_EQ(0, queue(self, qi_piotlb_pasid(DID, 1)));
	EXPECT_EQ(BLOCKED, sees(self, 0, 1));
	pasids_pass(&p, 2, OTHER_DID);
	ASSERT_EQ(0, queue(self, qi_pasid(DID, 2)));
	ASSERT_EQ(0, queue(self, qi_piotlb_pasid(DID, 2)));
	EXPECT_EQ(BLOCKED, sees(self, 0, 2));
	EXPECT_EQ(GARBAGE, bdf_sees(self->bdf[0], 2, GPA));
	pasids_set(&p, 2, &fs[0], OTHER_DID);
	ASSERT_EQ(0, queue(self, qi_pasid(OTHER_DID, 2)));
	ASSERT_EQ(0, queue(self, qi_piotlb_pasid(OTHER_DID, 2)));
	EXPECT_EQ(1, sees(self, 0, 2));
	EXPECT_EQ(BLOCKED, bdf_sees(self->bdf[0], 2, GPA));
	pasids_set(&p, LAST, &fs[1], DID);
	EXPECT_EQ(BLOCKED, sees(self, 0, LAST));
	ASSERT_EQ(0, queue(self, qi_pasid(DID, LAST)));
	EXPECT_EQ(2, sees(self, 0, LAST));
}

/*
 * The unit does not take an invalidation, of an entry that changes in place or with its
 * leaf: nothing is consumed, and when the guest asks again it is as if nothing had been.
 */
TEST_F(vtd_nested, refused_invalidation)
{
	struct fs fs[2] = { space(self, 1), space(self, 2) };
	uint32_t t, consumed, error;
	struct qi descs[2];
	struct pasids p;

	pasids_init(&p, &self->g, 20);
	pasids_set(&p, 1, &fs[0], DID);
	pasids_set(&p, 2, &fs[0], DID);
	pasids_pass(&p, 3, DID);
	ASSERT_EQ(0, table(self, &p, &t));
	ASSERT_EQ(0, sva_attach(self->fd, self->device[0], t, NULL));
	for (int i = 1; i <= 8; i++) {
		struct fs *now = &fs[i % 2];
		int did = DID + i / 2 % 2;

		/* Every entry is cached, and one that passes through becomes another. */
		sees(self, 0, 1);
		sees(self, 0, 2);
		EXPECT_EQ(GARBAGE, bdf_sees(self->bdf[0], 3, GPA));
		pasids_set(&p, 1, now, DID);
		pasids_set(&p, 2, now, did);
		pasids_set(&p, 3, now, DID);
		descs[0] = qi_pasid_global();
		descs[1] = qi_iotlb_global();
		ASSERT_EQ(0, sim_inject(0, SIM_FAULT_COMMAND, 1, 0));
		EXPECT_EQ(-EIO, queue_as(self, descs, 32, 2, &consumed, &error));
		EXPECT_EQ(0, consumed);
		EXPECT_EQ(IOMMUFD_SVA_VTD_QI_IQE, error);
		ASSERT_EQ(0, queue_many(self, descs, 2));
		EXPECT_EQ(1 + i % 2, sees(self, 0, 1));
		EXPECT_EQ(1 + i % 2, sees(self, 0, 2));
		EXPECT_EQ(1 + i % 2, sees(self, 0, 3));
		EXPECT_EQ(BLOCKED, bdf_sees(self->bdf[0], 3, GPA));
		pasids_pass(&p, 3, DID);
		ASSERT_EQ(0, queue_many(self, descs, 2));
	}
}

/*
 * The unit does not hear of a guest's table that goes: what it still looks at leads
 * nowhere, and what it remembers is under domain IDs that nobody else gets with that.
 */
TEST_F(vtd_nested, refused_detach)
{
	struct fs fs[2] = { space(self, 1), space(self, 2) };
	struct pasids p;
	uint32_t t;

	pasids_init(&p, &self->g, 20);
	pasids_pass(&p, 0, DID);
	pasids_set(&p, 1, &fs[0], DID);
	pasids_set(&p, 2, &fs[1], DID);
	pasids_pass(&p, 3, DID);
	pasids_set(&p, 777, &fs[1], OTHER_DID);
	ASSERT_EQ(0, table(self, &p, &t));
	ASSERT_EQ(0, sva_attach(self->fd, self->device[0], t, NULL));
	/* It knows the way to the table from this one. */
	EXPECT_EQ(1, sees(self, 0, 1));
	ASSERT_EQ(0, sim_inject(0, SIM_FAULT_COMMAND, 1000, 0));
	EXPECT_EQ(0, sva_detach(self->fd, self->device[0]));
	ASSERT_EQ(0, sim_inject(0, SIM_FAULT_COMMAND, 0, 0));
	ASSERT_EQ(0, sva_destroy(self->fd, t));
	sim_set_master(self->bdf[0], true);
	EXPECT_EQ(BLOCKED, sees(self, 0, 2));
	EXPECT_EQ(BLOCKED, bdf_sees(self->bdf[0], SIM_NO_PASID, GPA));
	EXPECT_EQ(BLOCKED, bdf_sees(self->bdf[0], 3, GPA));
	EXPECT_EQ(BLOCKED, sees(self, 0, 777));
	/* Whatever the guest says next comes after all that. */
	ASSERT_EQ(0, queue(self, qi_iec()));
	EXPECT_EQ(BLOCKED, sees(self, 0, 1));
	/* And others go on. */
	ASSERT_EQ(0, table(self, &p, &t));
	ASSERT_EQ(0, sva_attach(self->fd, self->device[1], t, NULL));
	EXPECT_EQ(1, sees(self, 1, 1));
	EXPECT_EQ(2, sees(self, 1, 777));
}

/* From a table to another, to an address space, to the guest's memory, and back. */
TEST_F(vtd_nested, table_replaced)
{
	struct fs fs[3];
	struct pasids p[2];
	uint32_t t[2], hwpt;

	for (int i = 0; i < 3; i++)
		fs[i] = space(self, i + 1);
	for (int i = 0; i < 2; i++) {
		pasids_init(&p[i], &self->g, 14 + 6 * i);
		pasids_set(&p[i], 0, &fs[i], DID + i);
		pasids_set(&p[i], 8000, &fs[1 - i], DID + i);
		ASSERT_EQ(0, table(self, &p[i], &t[i]));
	}
	ASSERT_EQ(0, hwpt_on(self, self->viommu, &fs[2], &hwpt));
	for (int round = 0; round < 3; round++) {
		ASSERT_EQ(0, sva_attach(self->fd, self->device[0], t[0], NULL));
		EXPECT_EQ(1, sees(self, 0, SIM_NO_PASID));
		EXPECT_EQ(2, sees(self, 0, 8000));
		ASSERT_EQ(0, sva_attach(self->fd, self->device[0], t[1], NULL));
		EXPECT_EQ(2, sees(self, 0, SIM_NO_PASID));
		EXPECT_EQ(1, sees(self, 0, 8000));
		ASSERT_EQ(0, sva_attach(self->fd, self->device[0], hwpt, NULL));
		EXPECT_EQ(3, sees(self, 0, SIM_NO_PASID));
		EXPECT_EQ(BLOCKED, sees(self, 0, 8000));
		ASSERT_EQ(0, sva_attach(self->fd, self->device[0], t[1], NULL));
		EXPECT_EQ(2, sees(self, 0, SIM_NO_PASID));
		ASSERT_EQ(0, sva_attach(self->fd, self->device[0], self->parent, NULL));
		EXPECT_EQ(BLOCKED, sees(self, 0, SIM_NO_PASID));
		EXPECT_EQ(GARBAGE, bdf_sees(self->bdf[0], SIM_NO_PASID, GPA));
		EXPECT_EQ(BLOCKED, sees(self, 0, 8000));
		if (round == 1) {
			ASSERT_EQ(0, sva_attach(self->fd, self->device[0], t[0], NULL));
			ASSERT_EQ(0, sva_detach(self->fd, self->device[0]));
			sim_set_master(self->bdf[0], true);
			EXPECT_EQ(BLOCKED, sees(self, 0, SIM_NO_PASID));
			EXPECT_EQ(BLOCKED, sees(self, 0, 8000));
		}
	}
	/* What PASIDs have one by one and a whole table exclude each other. */
	ASSERT_EQ(0, sva_attach_pasid(self->fd, self->device[0], 7, hwpt, NULL));
	EXPECT_EQ(-EBUSY, sva_attach(self->fd, self->device[0], t[0], NULL));
	ASSERT_EQ(0, sva_detach_pasid(self->fd, self->device[0], 7));
	ASSERT_EQ(0, sva_attach(self->fd, self->device[0], t[0], NULL));
	EXPECT_EQ(-EBUSY, sva_attach_pasid(self->fd, self->device[0], 7, hwpt, NULL));
	EXPECT_EQ(-EINVAL, sva_attach_pasid(self->fd, self->device[1], 7, t[0], NULL));
	EXPECT_EQ(-EBUSY, sva_destroy(self->fd, t[0]));
	EXPECT_EQ(0, sva_destroy(self->fd, t[1]));
}

TEST_F(vtd_nested, bad_tables)
{
	struct iommufd_sva_pasid_table_vtd good = { .dir_gpa = GPA, .pasid_bits = 20 }, arg;
	uint32_t t, plain;

#define TABLE_REFUSED(rc, field, value)                                                \
	do {                                                                           \
		arg = good;                                                            \
		arg.field = value;                                                     \
		EXPECT_EQ(rc, sva_pasid_table_alloc(self->fd, self->viommu,            \
						    IOMMUFD_SVA_PASID_TABLE_VTD, &arg, \
						    sizeof(arg), &t));                 \
	} while (0)
	TABLE_REFUSED(-EINVAL, pasid_bits, 12);
	TABLE_REFUSED(-EINVAL, pasid_bits, 21);
	TABLE_REFUSED(-EINVAL, rid_pasid, 1);
	TABLE_REFUSED(-EINVAL, dir_gpa, GPA + 8);
	TABLE_REFUSED(-EINVAL, dir_gpa, 1ULL << 48);
	EXPECT_EQ(-EOPNOTSUPP, sva_pasid_table_alloc(self->fd, self->viommu,
						     IOMMUFD_SVA_PASID_TABLE_SMMUV3, &good,
						     sizeof(good), &t));
	ASSERT_EQ(0, sva_hwpt_alloc(self->fd, self->device[0], self->ioas, 0, &plain));
	EXPECT_EQ(-EINVAL, sva_pasid_table_alloc(self->fd, plain, IOMMUFD_SVA_PASID_TABLE_VTD,
						 &good, sizeof(good), &t));
}

/* Without a vIOMMU: it is invalidated by itself. */
TEST_F(vtd_nested, table_on_the_parent)
{
	struct fs a = space(self, 1), b = space(self, 2);
	uint32_t t, num = 2, viommu = self->viommu, consumed, error;
	struct qi descs[2] = { };
	struct pasids p;

	pasids_init(&p, &self->g, 20);
	pasids_set(&p, 5, &a, DID);
	ASSERT_EQ(0, table_on(self, self->parent, &p, &t));
	EXPECT_EQ(-EBUSY, sva_destroy(self->fd, self->parent));
	/* Nothing of it was read yet. */
	self->viommu = t;
	EXPECT_EQ(0, queue(self, qi_pasid_global()));
	EXPECT_EQ(-EINVAL, queue_as(self, descs, 24, 1, &consumed, &error));
	for (int i = 0; i < NDEVICES; i++) {
		ASSERT_EQ(0, sva_attach(self->fd, self->device[i], t, NULL));
		EXPECT_EQ(1, sees(self, i, 5));
	}
	pasids_set(&p, 5, &b, DID);
	descs[0] = qi_pasid(DID, 5);
	descs[1] = qi_piotlb_pasid(DID, 5);
	EXPECT_EQ(-EINVAL, sva_invalidate(self->fd, t, IOMMUFD_SVA_HWPT_INVALIDATE_DATA_VTD_S1,
					  descs, sizeof(descs[0]), &num));
	EXPECT_EQ(1, sees(self, 0, 5));
	ASSERT_EQ(0, queue_many(self, descs, 2));
	EXPECT_EQ(0, queue(self, qi_dev_tlb(0x77, 0)));
	for (int i = 0; i < NDEVICES; i++) {
		EXPECT_EQ(2, sees(self, i, 5));
		ASSERT_EQ(0, sva_detach(self->fd, self->device[i]));
	}
	self->viommu = viommu;
	/* One that has a vIOMMU is invalidated there alone. */
	ASSERT_EQ(0, sva_destroy(self->fd, t));
	ASSERT_EQ(0, table(self, &p, &t));
	num = 1;
	EXPECT_EQ(-EOPNOTSUPP, sva_invalidate(self->fd, t, IOMMUFD_SVA_INVALIDATE_VTD_QI, descs,
					      sizeof(descs[0]), &num));
}

/* --- what it costs ------------------------------------------------------- */

static int plug_many(FIXTURE_DATA(vtd_nested) *self, int num, int *bdf, uint32_t *device)
{
	int rc, port = -1;

	for (int i = 0; i < num; i++) {
		if (!(i % 8)) {
			port = sim_add(SIM_ROOT_PORT, SIM_ROOT, (4 + i / 8) << 3, SIM_CAP_ACS);
			if (port < 0)
				return port;
		}
		bdf[i] = -1;
	}
	/* One slot, eight functions: function 0 last. */
	for (int i = 0; i < num; i++) {
		int slot = 4 + i / 8, in_slot = num - i / 8 * 8 < 8 ? num - i / 8 * 8 : 8;
		int fn = in_slot - 1 - i % 8;

		port = SIM_SEGMENT << 16 | slot << 3;
		bdf[i] = sim_add(SIM_ENDPOINT, port, fn, CAPS | SIM_CAP_ACS | SIM_CAP_MULTI);
		if (bdf[i] < 0)
			return bdf[i];
	}
	for (int i = 0; i < num; i++) {
		rc = sva_bind(self->fd, bdf[i], &device[i]);
		if (rc)
			return rc;
	}
	return 0;
}

static void unplug_many(int num)
{
	for (int i = 0; i < num; i += 8)
		sim_remove_slot(4 + i / 8);
}

/*
 * One process on @num devices, that have one PASID table or each its own, as Linux has
 * it: what the guest invalidates is one command.
 */
static void count(struct __test_metadata *_metadata, FIXTURE_DATA(vtd_nested) *self, int num,
		  bool shared)
{
	int bdf[MAX_DEVICES];
	uint32_t device[MAX_DEVICES], t[MAX_DEVICES];
	struct fs fs = space(self, 1);
	struct pasids p[MAX_DEVICES];
	uint64_t before, batches;

	ASSERT_EQ(0, plug_many(self, num, bdf, device));
	for (int i = 0; i < num; i++) {
		if (i && shared) {
			t[i] = t[0];
		} else {
			pasids_init(&p[i], &self->g, 13);
			pasids_set(&p[i], 50, &fs, DID);
			ASSERT_EQ(0, table(self, &p[i], &t[i]));
		}
		ASSERT_EQ(0, sva_attach(self->fd, device[i], t[i], NULL));
		EXPECT_EQ(1, bdf_sees(bdf[i], 50, VA));
	}
	fs_map(&fs, VA, page(self, 2), FS_RW);
	before = iotlb_commands();
	batches = sim_counter(0, "batches");
	ASSERT_EQ(0, queue(self, qi_piotlb_pages(DID, 50, VA, 0)));
	EXPECT_EQ(before + 1, iotlb_commands()) TH_LOG("%d devices", num);
	EXPECT_EQ(batches + 1, sim_counter(0, "batches"));
	EXPECT_EQ(0, sim_counter(0, "dev_tlb") + sim_counter(0, "pasid_dev_tlb"));
	for (int i = 0; i < num; i++) {
		EXPECT_EQ(2, bdf_sees(bdf[i], 50, VA));
	}
	for (int i = 0; i < num; i++) {
		ASSERT_EQ(0, sva_detach(self->fd, device[i]));
		ASSERT_EQ(0, sva_destroy(self->fd, device[i]));
	}
	unplug_many(num);
}

TEST_F(vtd_nested, one_command_for_1)
{
	count(_metadata, self, 1, true);
}

TEST_F(vtd_nested, one_command_for_8)
{
	count(_metadata, self, 8, true);
}

TEST_F(vtd_nested, one_command_for_8_tables)
{
	count(_metadata, self, 8, false);
}

TEST_F_TIMEOUT(vtd_nested, one_command_for_64, 400)
{
	count(_metadata, self, 64, true);
}

TEST_F_TIMEOUT(vtd_nested, one_command_for_64_tables, 400)
{
	count(_metadata, self, 64, false);
}

/* A batch is written as a whole: one tail write, one wait. */
TEST_F(vtd_nested, one_batch)
{
	struct qi descs[100];
	struct pasids p;
	struct fs fs[50];
	uint64_t before, waits;
	uint32_t t;

	pasids_init(&p, &self->g, 13);
	for (int i = 0; i < 50; i++) {
		fs[i] = space(self, i % 30 + 1);
		pasids_set(&p, i, &fs[i], DID);
	}
	ASSERT_EQ(0, table(self, &p, &t));
	ASSERT_EQ(0, sva_attach(self->fd, self->device[0], t, NULL));
	for (int i = 0; i < 50; i++) {
		EXPECT_EQ(i % 30 + 1, sees(self, 0, i ?: SIM_NO_PASID));
		pasids_set(&p, i, &fs[49 - i], DID);
		descs[2 * i] = qi_pasid(DID, i);
		descs[2 * i + 1] = qi_piotlb_pasid(DID, i);
	}
	before = sim_counter(0, "batches");
	waits = sim_counter(0, "wait");
	ASSERT_EQ(0, queue_many(self, descs, ARRAY_SIZE(descs)));
	EXPECT_EQ(before + 1, sim_counter(0, "batches"));
	EXPECT_EQ(waits + 1, sim_counter(0, "wait"));
	for (int i = 0; i < 50; i++) {
		EXPECT_EQ((49 - i) % 30 + 1, sees(self, 0, i ?: SIM_NO_PASID));
	}
}

struct changer {
	volatile bool stop;
	struct pasid_entry *entry;
	uint64_t first[2];
};

static void *come_and_go(void *arg)
{
	struct changer *c = arg;
	volatile uint64_t *qw = c->entry->qw;
	const uint64_t present = qw[0];

	for (unsigned int i = 0; !c->stop; i++) {
		qw[0] = 0;
		qw[2] = c->first[i & 1];
		qw[0] = present;
	}
	return NULL;
}

/*
 * An entry that goes and comes back as another between two descriptors of one batch: the
 * hardware hears of the one before it may see the other.
 */
TEST_F_TIMEOUT(vtd_nested, changes_twice, 120)
{
	struct fs a = space(self, 1), b = space(self, 2);
	struct changer changer = { .first = { a.root | 1 << 5, b.root | 1 << 5 } };
	struct qi descs[100];
	uint64_t before, now;
	struct pasids p;
	pthread_t thread;
	uint32_t t;
	int i;

	pasids_init(&p, &self->g, 13);
	pasids_set(&p, 1, &a, DID);
	changer.entry = pasids_entry(&p, 1);
	ASSERT_EQ(0, table(self, &p, &t));
	ASSERT_EQ(0, sva_attach(self->fd, self->device[0], t, NULL));
	for (i = 0; i < 100; i++)
		descs[i] = qi_pasid(DID, 1);
	ASSERT_EQ(0, pthread_create(&thread, NULL, come_and_go, &changer));
	for (i = 0; i < 5000; i++) {
		before = sim_counter(0, "batches");
		EXPECT_EQ(0, queue_many(self, descs, ARRAY_SIZE(descs)));
		now = sim_counter(0, "batches");
		if (now > before + 1)
			break;
	}
	changer.stop = true;
	pthread_join(thread, NULL);
	EXPECT_LT(before + 1, now);
	TH_LOG("%d times", i);
}

/* --- the guest's queue --------------------------------------------------- */

/* Interrupt-entry-cache invalidations that were left out; -1: nobody says. */
static long skipped_by_unit(void)
{
	char line[200], *at;

	file_line("/sys/kernel/debug/iommufd_sva/dmar0/queue", line, sizeof(line));
	at = strstr(line, "skipped=");
	return at ? strtol(at + 8, NULL, 10) : -1;
}

TEST_F(vtd_nested, queue_errors)
{
	const struct qi good = qi_piotlb_pasid(DID, 1);
	uint32_t consumed, error;
	struct qi descs[3];
	long skipped;

#define BAD(desc, iqei)                                                                \
	do {                                                                           \
		descs[0] = good;                                                       \
		descs[1] = desc;                                                       \
		descs[2] = good;                                                       \
		EXPECT_EQ(-EIO, queue_as(self, descs, 32, 3, &consumed, &error));      \
		EXPECT_EQ(1, consumed);                                                \
		EXPECT_EQ(IOMMUFD_SVA_VTD_QI_IQE | (iqei), error);                     \
	} while (0)
	BAD(((struct qi){ { 0 } }), 3);
	BAD(((struct qi){ { 0xa | 1ULL << 4 } }), 3);
	BAD(((struct qi){ { 0x206 | 2ULL << 4 } }), 3);
	BAD(((struct qi){ { 1 } }), 4);				/* G */
	BAD(((struct qi){ { 7 | 2ULL << 4 } }), 4);
	BAD(((struct qi){ { 2 } }), 4);
	BAD(((struct qi){ { 6 | 1ULL << 4 } }), 4);
	BAD(((struct qi){ { 6 | 2ULL << 4, 0, 1 } }), 4);	/* beyond 128 bits */
	BAD(((struct qi){ { 6 | 2ULL << 4 | 1ULL << 63 } }), 4);
	BAD(((struct qi){ { 6 | 3ULL << 4, 63 } }), 4);		/* AM */
	BAD(((struct qi){ { 1 | 1ULL << 4, 1 } }), 4);
	BAD(((struct qi){ { 4, 1 } }), 4);
	BAD(((struct qi){ { 5 | 1ULL << 5, 1 } }), 4);
	/* Not its device. */
	BAD(qi_dev_tlb(0x77, 0), 0);
	BAD(qi_pasid_dev_tlb(0x77, 1, 0), 0);
	BAD(qi_page_response(0x77, 1, 2), 0);

	/* What has nothing to do is consumed. */
	skipped = skipped_by_unit();
	descs[0] = qi_iec();
	descs[1] = qi_wait(GPA, 5);
	descs[2] = qi_context_device(0x77);
	EXPECT_EQ(0, queue_many(self, descs, 3));
	EXPECT_EQ(skipped + 1, skipped_by_unit());
	descs[0] = qi_dev_tlb(VSID(0), VA);
	descs[1] = qi_pasid_dev_tlb(VSID(1), 5, VA);
	descs[2] = qi_context_global();
	EXPECT_EQ(0, queue_many(self, descs, 3));
	EXPECT_EQ(0, *(uint32_t *)guest_ptr(&self->g, GPA)) TH_LOG("a wait is the VMM's");

	/* 128 bits have no PASIDs. */
	descs[0] = qi_iotlb_domain(DID);
	EXPECT_EQ(0, queue_as(self, descs, 16, 1, &consumed, &error));
	EXPECT_EQ(1, consumed);
	descs[0] = good;
	EXPECT_EQ(-EIO, queue_as(self, descs, 16, 1, &consumed, &error));
	EXPECT_EQ(IOMMUFD_SVA_VTD_QI_IQE | 3, error);
	EXPECT_EQ(-EINVAL, queue_as(self, descs, 24, 1, &consumed, &error));
	EXPECT_EQ(0, error);
	EXPECT_EQ(-EFAULT, queue_as(self, (void *)8, 32, 1, &consumed, &error));
	EXPECT_EQ(IOMMUFD_SVA_VTD_QI_IQE | 2, error);
	EXPECT_EQ(0, queue_as(self, NULL, 32, 0, &consumed, &error));
}

/* More domain IDs than a guest can have: its tables do with one each. */
TEST_F(vtd_nested, many_domain_ids)
{
	struct pasids p[2];
	struct fs a = space(self, 1), b = space(self, 2);
	uint64_t commands;
	uint32_t t[2];
	long before = backend_tags_used();

	for (int i = 0; i < 2; i++) {
		pasids_init(&p[i], &self->g, 13);
		for (int n = 0; n < 300; n++)
			pasids_set(&p[i], n, n % 2 ? &a : &b, n);
		ASSERT_EQ(0, table(self, &p[i], &t[i]));
		ASSERT_EQ(0, sva_attach(self->fd, self->device[i], t[i], NULL));
	}
	EXPECT_GE(before + 130, backend_tags_used());
	for (int n = 1; n < 300; n++) {
		EXPECT_EQ(n % 2 ? 1 : 2, sees(self, 0, n));
		EXPECT_EQ(n % 2 ? 1 : 2, sees(self, 1, n));
	}
	fs_map(&a, VA, page(self, 3), FS_RW);
	for (int n = 1; n < 300; n += 2) {
		ASSERT_EQ(0, queue(self, qi_piotlb_pages(n, n, VA, 0)));
		EXPECT_EQ(3, sees(self, 0, n));
		EXPECT_EQ(3, sees(self, 1, n));
	}
	/* Others take the place of those that nothing has any more. */
	for (int i = 0; i < 2; i++)
		for (int n = 0; n < 300; n++)
			pasids_set(&p[i], n, n % 2 ? &a : &b, 1000 + n % 100);
	ASSERT_EQ(0, queue(self, qi_pasid_global()));
	ASSERT_EQ(0, queue(self, qi_iotlb_global()));
	fs_map(&b, VA, page(self, 4), FS_RW);
	for (int n = 2; n < 300; n += 2) {
		ASSERT_EQ(0, queue(self, qi_piotlb_pages(1000 + n % 100, n, VA, 0)));
		EXPECT_EQ(4, sees(self, 0, n));
		EXPECT_EQ(3, sees(self, 1, n + 1 < 300 ? n + 1 : 1));
	}
	/* There is room again: the tables' own are not needed any more, and cost nothing. */
	ASSERT_EQ(0, queue(self, qi_pasid_global()));
	ASSERT_EQ(0, queue(self, qi_iotlb_global()));
	commands = iotlb_commands();
	ASSERT_EQ(0, queue(self, qi_piotlb_pages(1002, 2, VA, 0)));
	EXPECT_EQ(commands + 1, iotlb_commands());
	EXPECT_EQ(4, sees(self, 0, 2));
	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(0, sva_detach(self->fd, self->device[i]));
		ASSERT_EQ(0, sva_destroy(self->fd, t[i]));
	}
	for (int i = 0; i < NDEVICES; i++) {
		ASSERT_EQ(0, sva_destroy(self->fd, self->vdevice[i]));
	}
	ASSERT_EQ(0, sva_destroy(self->fd, self->viommu));
	EXPECT_EQ(before - 1, backend_tags_used());
}

/* A guest that has other domain IDs all the time: those that it left go together. */
TEST_F(vtd_nested, other_domain_ids)
{
	const struct qi descs[] = { qi_pasid_global(), qi_iotlb_global() };
	struct fs fs[2] = { space(self, 1), space(self, 2) };
	uint64_t batches;
	struct pasids p;
	uint32_t t;

	pasids_init(&p, &self->g, 13);
	ASSERT_EQ(0, table(self, &p, &t));
	ASSERT_EQ(0, sva_attach(self->fd, self->device[0], t, NULL));
	for (int round = 0; round < 8; round++) {
		for (int n = 1; n < 60; n++)
			pasids_set(&p, n, &fs[round % 2], 100 * round + n);
		batches = sim_counter(0, "batches");
		ASSERT_EQ(0, queue_many(self, descs, 2));
		EXPECT_GE(batches + 8, sim_counter(0, "batches")) TH_LOG("round %d", round);
		for (int n = 1; n < 60; n++) {
			EXPECT_EQ(1 + round % 2, sees(self, 0, n));
		}
	}
	/* And with what the guest forgot to invalidate: another may have them. */
	pasids_set(&p, 1, &fs[0], 900);
	ASSERT_EQ(0, queue_many(self, descs, 2));
	EXPECT_EQ(1, sees(self, 0, 1));
	pasids_set(&p, 1, &fs[1], 901);
	ASSERT_EQ(0, queue(self, descs[0]));
	EXPECT_EQ(1, sees(self, 0, 1));
	for (int round = 0; round < 3; round++) {
		for (int n = 2; n < 60; n++)
			pasids_set(&p, n, &fs[0], 1000 + 100 * round + n);
		ASSERT_EQ(0, queue(self, descs[0]));
	}
	EXPECT_EQ(2, sees(self, 0, 1));
}

/* What is said again and again is done once. */
TEST_F(vtd_nested, same_descriptors)
{
	uint64_t before, once;
	struct qi descs[100];
	struct pasids p;
	struct fs fs = space(self, 1);
	uint32_t t;

	pasids_init(&p, &self->g, 13);
	for (int n = 1; n < 60; n++)
		pasids_set(&p, n, &fs, n);
	ASSERT_EQ(0, table(self, &p, &t));
	ASSERT_EQ(0, sva_attach(self->fd, self->device[0], t, NULL));
	EXPECT_EQ(1, sees(self, 0, 1));
	EXPECT_EQ(1, sees(self, 0, 2));
	before = iotlb_commands();
	ASSERT_EQ(0, queue(self, qi_iotlb_global()));
	once = iotlb_commands() - before;
	EXPECT_LE(59, once);
	/* What comes behind it is a part of it. */
	fs_map(&fs, VA, page(self, 2), FS_RW);
	for (int i = 0; i < 100; i++)
		descs[i] = i % 3 ? qi_iotlb_global() : i % 2 ? qi_iotlb_domain(2) :
							     qi_piotlb_pages(1, 1, VA, 0);
	before = iotlb_commands();
	ASSERT_EQ(0, queue_many(self, descs, ARRAY_SIZE(descs)));
	EXPECT_EQ(before + once + 1, iotlb_commands());
	EXPECT_EQ(2, sees(self, 0, 1));
	EXPECT_EQ(2, sees(self, 0, 2));
	/* And in the next batch it is not forgotten. */
	fs_map(&fs, VA, page(self, 3), FS_RW);
	ASSERT_EQ(0, queue(self, qi_piotlb_pages(1, 1, VA, 0)));
	EXPECT_EQ(3, sees(self, 0, 1));
	EXPECT_EQ(2, sees(self, 0, 2));
}

/* --- faults -------------------------------------------------------------- */

struct event {
	struct iommufd_sva_vevent_header header;
	struct iommufd_sva_vevent_vtd vtd;
};

#define FAULT_MS 20000
/* For one that must not come. */
#define NO_FAULT_MS 3000

/* The next fault of the guest's within @ms: its reason, or -1. */
static int next_fault(int fd, struct event *event, int ms)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	memset(event, 0, sizeof(*event));
	if (poll(&poll_fd, 1, ms) != 1 || read(fd, event, sizeof(*event)) != sizeof(*event))
		return -1;
	return event->vtd.frcd[1] >> 32 & 0xff;
}

/* A request of device @i that faults, as the guest reads of it. */
static int fault_of(FIXTURE_DATA(vtd_nested) *self, int efd, int i, uint32_t pasid,
		    uint64_t addr)
{
	struct event event;
	uint64_t high;
	int reason;

	if (bdf_sees(self->bdf[i], pasid, addr) != BLOCKED)
		return -2;
	reason = next_fault(efd, &event, FAULT_MS);
	if (reason < 0)
		return reason;
	high = event.vtd.frcd[1];
	/* F, T1: a read; SID; PP and PV */
	if (!(high >> 63) || !(high >> 62 & 1) || (high & 0xffff) != VSID(i) ||
	    event.vtd.frcd[0] != (addr & ~0xfffULL))
		return -3;
	if (pasid == SIM_NO_PASID ? high >> 31 & 1 :
	    !(high >> 31 & 1) || (high >> 40 & LAST) != pasid)
		return -4;
	return reason;
}

TEST_F(vtd_nested, faults)
{
	struct fs fs = space(self, 1), nowhere = { &self->g, NOWHERE };
	struct pasid_entry *entry;
	uint32_t t, veventq, hwpt;
	struct event event;
	struct pasids p;
	int efd;

	ASSERT_EQ(0, sva_veventq_alloc(self->fd, self->viommu, IOMMUFD_SVA_VEVENTQ_VTD, 100,
				       &veventq, &efd));
	pasids_init(&p, &self->g, 20);
	pasids_set(&p, 1, &fs, DID);
	pasids_set(&p, 2, &nowhere, DID);
	entry = pasids_entry(&p, 3);
	entry->qw[0] = 2ULL << 6 | 1;			/* second stage */
	entry = pasids_entry(&p, 4);
	*entry = *pasids_entry(&p, 1);
	entry->qw[3] = 1;				/* reserved */
	pasids_pass(&p, 6, DID);
	/* FPD, of what is absent, bad, and leads to something absent. */
	entry = pasids_entry(&p, 7);
	entry->qw[0] = 2;
	entry = pasids_entry(&p, 8);
	entry->qw[0] = 2ULL << 6 | 3;
	*(uint64_t *)(guest_ptr(&self->g, p.dir) + 8 * 14) = 2;
	pasids_set(&p, 13 * 64 + 1, &fs, DID);
	*(uint64_t *)(guest_ptr(&self->g, p.dir) + 8 * 13) |= 2;
	*(uint64_t *)(guest_ptr(&self->g, p.dir) + 8 * 10) = NOWHERE | 1;
	*(uint64_t *)(guest_ptr(&self->g, p.dir) + 8 * 11) = GPA | 1 << 5 | 1;
	ASSERT_EQ(0, table(self, &p, &t));
	ASSERT_EQ(0, sva_attach(self->fd, self->device[0], t, NULL));
	ASSERT_EQ(0, sva_attach(self->fd, self->device[2], t, NULL));

	EXPECT_EQ(0x71, fault_of(self, efd, 0, 1, VA + SZ_4K));
	EXPECT_EQ(0x71, fault_of(self, efd, 2, 1, VA + SZ_4K));
	EXPECT_EQ(0x80, fault_of(self, efd, 0, 1, 1ULL << 50));
	EXPECT_EQ(0x59, fault_of(self, efd, 0, 5, VA));
	EXPECT_EQ(0x59, fault_of(self, efd, 0, SIM_NO_PASID, VA));
	EXPECT_EQ(0x51, fault_of(self, efd, 0, 777, VA));
	EXPECT_EQ(0x5b, fault_of(self, efd, 0, 3, VA));
	EXPECT_EQ(0x5a, fault_of(self, efd, 0, 4, VA));
	EXPECT_EQ(0x58, fault_of(self, efd, 0, 10 * 64 + 1, VA));
	EXPECT_EQ(0x52, fault_of(self, efd, 0, 11 * 64 + 1, VA));
	EXPECT_EQ(0x48, fault_of(self, efd, 0, 0, VA));
	/* What passes through has no first stage, and nobody checks where memory is. */
	EXPECT_EQ(0x83, fault_of(self, efd, 0, 6, 1ULL << 50));
	EXPECT_EQ(BLOCKED, bdf_sees(self->bdf[0], 6, NOWHERE));
	/* What it does not want to hear of. */
	EXPECT_EQ(BLOCKED, sees(self, 0, 7));
	EXPECT_EQ(BLOCKED, sees(self, 0, 8));
	EXPECT_EQ(BLOCKED, sees(self, 0, 14 * 64 + 1));
	EXPECT_EQ(BLOCKED, sees(self, 0, 13 * 64 + 2));
	EXPECT_EQ(1, sees(self, 0, 13 * 64 + 1));
	EXPECT_EQ(BLOCKED, bdf_sees(self->bdf[0], 13 * 64 + 1, VA + SZ_4K));
	/* Tables and pages outside of its memory. */
	EXPECT_EQ(0x70, fault_of(self, efd, 0, 2, VA));
	fs_map(&fs, VA + 2 * SZ_4K, NOWHERE, FS_RW);
	/* Hardware may have the line of the fault before still (CAP.RWBF). */
	ASSERT_EQ(0, queue(self, qi_piotlb_pages(DID, 1, VA + 2 * SZ_4K, 0)));
	EXPECT_EQ(0x70, fault_of(self, efd, 0, 1, VA + 2 * SZ_4K));

	/* Through an address space that the VMM attached. */
	ASSERT_EQ(0, hwpt_on(self, self->viommu, &fs, &hwpt));
	ASSERT_EQ(0, sva_attach_pasid(self->fd, self->device[1], 6, hwpt, NULL));
	EXPECT_EQ(0x71, fault_of(self, efd, 1, 6, VA + 5 * SZ_4K));
	/* What is blocked there is nothing of the guest's. */
	EXPECT_EQ(BLOCKED, sees(self, 1, 7));
	EXPECT_EQ(-1, next_fault(efd, &event, NO_FAULT_MS));
	close(efd);
}

/* --- hardware that fails ------------------------------------------------- */

/* @pt is taken off while the unit refuses what is asked of it: nothing of it stays. */
static void let_go(struct __test_metadata *_metadata, FIXTURE_DATA(vtd_nested) *self,
		   uint32_t pt, uint32_t pasid)
{
	ASSERT_EQ(0, sva_attach_pasid(self->fd, self->device[0], pasid, pt, NULL));
	EXPECT_LT(0, sees(self, 0, pasid));
	ASSERT_EQ(0, sim_inject(0, SIM_FAULT_COMMAND, 1, 0));
	EXPECT_EQ(0, sva_detach_pasid(self->fd, self->device[0], pasid));
	/* It can be had again at once, and left in peace. */
	ASSERT_EQ(0, sva_attach_pasid(self->fd, self->device[0], pasid, pt, NULL));
	EXPECT_LT(0, sees(self, 0, pasid));
	ASSERT_EQ(0, sva_detach_pasid(self->fd, self->device[0], pasid));
	EXPECT_EQ(BLOCKED, sees(self, 0, pasid));
	ASSERT_EQ(0, sim_inject(0, SIM_FAULT_COMMAND, 0, 0));
}

/* Blocking is done when the call is, whatever the unit says; what was there is let go. */
TEST_F(vtd_nested, blocked_without_an_answer)
{
	struct fs fs = space(self, 1);
	uint32_t hwpt, other;
	long tags;

	/* With something attached a device may send what it likes. */
	ASSERT_EQ(0, sva_attach_pasid(self->fd, self->device[0], 9, self->parent, NULL));
	tags = backend_tags_used();
	ASSERT_EQ(0, hwpt_on(self, self->viommu, &fs, &hwpt));
	let_go(_metadata, self, hwpt, 5);
	let_go(_metadata, self, hwpt, IOMMUFD_SVA_NO_PASID);
	ASSERT_EQ(0, sva_destroy(self->fd, hwpt));
	/* Its fault is looked up among what is attached. */
	EXPECT_EQ(BLOCKED, sees(self, 0, 5));
	EXPECT_EQ(BLOCKED, sees(self, 0, IOMMUFD_SVA_NO_PASID));
	EXPECT_EQ(tags, backend_tags_used());

	/* The same of second stage alone, which has a user in that domain. */
	ASSERT_EQ(0, sva_hwpt_alloc(self->fd, self->device[0], self->ioas, 0, &other));
	for (int i = 0; i < 2; i++) {
		uint32_t pasid = i ? IOMMUFD_SVA_NO_PASID : 5;

		ASSERT_EQ(0, sva_attach_pasid(self->fd, self->device[0], pasid, other, NULL));
		EXPECT_NE(BLOCKED, bdf_sees(self->bdf[0], pasid, GPA));
		ASSERT_EQ(0, sim_inject(0, SIM_FAULT_COMMAND, 1, 0));
		EXPECT_EQ(0, sva_detach_pasid(self->fd, self->device[0], pasid));
		ASSERT_EQ(0, sim_inject(0, SIM_FAULT_COMMAND, 0, 0));
	}
	ASSERT_EQ(0, sva_destroy(self->fd, other));
	EXPECT_EQ(BLOCKED, bdf_sees(self->bdf[0], 5, GPA));
	EXPECT_EQ(tags, backend_tags_used());
}

/* A fault comes under the first name that the device has when it comes; without one not. */
TEST_F(vtd_nested, named_again)
{
	struct iommufd_sva_vsid more[2] = { { .vsid = 0x2000 }, { .vsid = 0x2001 } };
	struct event event;
	struct pasids p;
	uint32_t t, veventq;
	int efd;

	more[0].device_id = self->device[0];
	more[1].device_id = self->device[0];
	ASSERT_EQ(0, sva_veventq_alloc(self->fd, self->viommu, IOMMUFD_SVA_VEVENTQ_VTD, 100,
				       &veventq, &efd));
	pasids_init(&p, &self->g, 13);
	ASSERT_EQ(0, table(self, &p, &t));
	ASSERT_EQ(0, sva_attach(self->fd, self->device[0], t, NULL));
	EXPECT_EQ(0x51, fault_of(self, efd, 0, 100, VA));
	ASSERT_EQ(0, sva_vsid_map(self->fd, self->viommu, IOMMUFD_SVA_VSID_ADD, more, 2, NULL));
	EXPECT_EQ(0x51, fault_of(self, efd, 0, 100, VA));
	ASSERT_EQ(0, sva_destroy(self->fd, self->vdevice[0]));
	EXPECT_EQ(BLOCKED, sees(self, 0, 100));
	EXPECT_EQ(0x51, next_fault(efd, &event, FAULT_MS));
	EXPECT_EQ(0x2000, event.vtd.frcd[1] & 0xffff);
	ASSERT_EQ(0, sva_vsid_map(self->fd, self->viommu, IOMMUFD_SVA_VSID_REMOVE, more, 2, NULL));
	EXPECT_EQ(BLOCKED, sees(self, 0, 100));
	EXPECT_EQ(-1, next_fault(efd, &event, NO_FAULT_MS));
	ASSERT_EQ(0, sva_vdevice_alloc(self->fd, self->viommu, self->device[0], VSID(0),
				       &self->vdevice[0]));
	EXPECT_EQ(0x51, fault_of(self, efd, 0, 100, VA));
	close(efd);
}

/* --- a hostile guest ----------------------------------------------------- */

/* What an fd sees that has one device, and an address space of a guest's on it. */
static int other_user(FIXTURE_DATA(vtd_nested) *self, int bdf)
{
	struct iommufd_sva_hwpt_vtd_s1 s1 = { .addr_width = 48 };
	struct fs fs = space(self, 5);
	uint32_t device, ioas, parent, hwpt;
	int fd = sva_open(), seen = GARBAGE;

	s1.pgtbl_addr = fs.root;
	if (!sva_bind(fd, bdf, &device) && !sva_ioas_alloc(fd, &ioas) &&
	    !sva_map(fd, ioas, self->g.mem, GUEST_SIZE, GPA, SVA_RW) &&
	    !sva_hwpt_alloc(fd, device, ioas, IOMMUFD_SVA_HWPT_ALLOC_NEST_PARENT, &parent) &&
	    !sva_hwpt_nested(fd, device, parent, IOMMUFD_SVA_HWPT_DATA_VTD_S1, &s1, sizeof(s1),
			     &hwpt) &&
	    !sva_attach_pasid(fd, device, 3, hwpt, NULL))
		seen = bdf_sees(bdf, 3, VA);
	close(fd);
	return seen;
}

/*
 * A VMM that takes all domain IDs that it can get: what goes does go, what has none is
 * blocked, and others have theirs.
 */
TEST_F_TIMEOUT(vtd_nested, no_domain_id_left, 300)
{
	struct fs a = space(self, 1), b = space(self, 2);
	uint32_t t, viommu[600], tables[600], hwpt;
	struct pasids p, many;
	int num, efd;

	pasids_init(&p, &self->g, 13);
	pasids_set(&p, 1, &a, DID);
	pasids_set(&p, 2, &a, OTHER_DID);
	ASSERT_EQ(0, sva_veventq_alloc(self->fd, self->viommu, IOMMUFD_SVA_VEVENTQ_VTD, 100,
				       &hwpt, &efd));
	ASSERT_EQ(0, table(self, &p, &t));
	ASSERT_EQ(0, sva_attach(self->fd, self->device[0], t, NULL));
	EXPECT_EQ(1, sees(self, 0, 1));
	EXPECT_EQ(1, sees(self, 0, 2));
	pasids_init(&many, &self->g, 13);
	for (int n = 0; n < 200; n++)
		pasids_set(&many, n, &a, n);
	for (num = 0; num < 600; num++) {
		if (sva_viommu_alloc(self->fd, IOMMUFD_SVA_VIOMMU_VTD, self->device[0],
				     self->parent, &viommu[num]))
			break;
		ASSERT_EQ(0, table_on(self, viommu[num], &many, &tables[num]));
	}
	TH_LOG("%d vIOMMUs, %ld domain IDs", num, backend_tags_used());
	EXPECT_LT(10, num);
	/* A quarter of all, of which each has 128. */
	EXPECT_GE((1 << 16) / 4 / 128, num);
	EXPECT_EQ(-ENOSPC, sva_viommu_alloc(self->fd, IOMMUFD_SVA_VIOMMU_VTD, self->device[0],
					    self->parent, &viommu[num]));
	ASSERT_EQ(0, hwpt_on(self, self->parent, &a, &hwpt));
	EXPECT_EQ(-ENOSPC, sva_attach_pasid(self->fd, self->device[1], 9, hwpt, NULL));
	/* Two change, one of which goes; three have an ID that would be new. */
	pasids_clear(&p, 1);
	pasids_set(&p, 2, &b, OTHER_DID);
	for (int n = 3; n < 6; n++)
		pasids_set(&p, n, &b, 100 + n);
	ASSERT_EQ(0, queue(self, qi_pasid_global()));
	ASSERT_EQ(0, queue(self, qi_iotlb_global()));
	EXPECT_EQ(0x59, fault_of(self, efd, 0, 1, VA));
	EXPECT_EQ(2, sees(self, 0, 2));
	for (int n = 3; n < 6; n++) {
		EXPECT_EQ(0x59, fault_of(self, efd, 0, n, VA));
	}
	/* Another has a device, and all that it needs. */
	ASSERT_EQ(0, sva_destroy(self->fd, self->vdevice[2]));
	ASSERT_EQ(0, sva_destroy(self->fd, self->device[2]));
	EXPECT_EQ(5, other_user(self, self->bdf[2]));
	/* There is room again. */
	ASSERT_EQ(0, sva_destroy(self->fd, tables[0]));
	ASSERT_EQ(0, sva_destroy(self->fd, viommu[0]));
	ASSERT_EQ(0, queue(self, qi_pasid_global()));
	for (int n = 3; n < 6; n++) {
		EXPECT_EQ(2, sees(self, 0, n));
	}
	close(efd);
}

/* Everything points at itself. */
TEST_F(vtd_nested, hostile_loops)
{
	uint64_t dir = guest_alloc(&self->g, 128 * 1024, SZ_4K);
	struct pasids p = { &self->g, dir, 20 };
	uint64_t *words = guest_ptr(&self->g, dir), before;
	uint32_t t;

	for (int i = 0; i < 1 << 14; i++)
		words[i] = dir | 1;
	before = now_ns();
	ASSERT_EQ(0, table(self, &p, &t));
	TH_LOG("directory of itself: %lu ms", (unsigned long)(now_ns() - before) / 1000000);
	ASSERT_EQ(0, sva_attach(self->fd, self->device[0], t, NULL));
	for (uint32_t pasid = 1; pasid <= LAST; pasid = pasid * 2 + 1) {
		EXPECT_EQ(BLOCKED, sees(self, 0, pasid));
	}
	ASSERT_EQ(0, queue(self, qi_pasid_global()));
}

/* A million PASIDs, all of one page: what they cost is what the hardware's table does. */
TEST_F_TIMEOUT(vtd_nested, hostile_million, 400)
{
	struct fs fs = space(self, 1), other = space(self, 2);
	uint64_t *dir, start, once, all;
	static struct qi descs[3000];
	struct pasids p;
	uint32_t t, leaf;
	long tags = backend_tags_used();

	pasids_init(&p, &self->g, 20);
	for (int i = 0; i < 64; i++)
		pasids_set(&p, i, &fs, DID + i);
	dir = guest_ptr(&self->g, p.dir);
	leaf = 1 << 14;
	for (uint32_t i = 1; i < leaf; i++)
		dir[i] = dir[0];
	start = now_ns();
	ASSERT_EQ(0, table(self, &p, &t));
	TH_LOG("2^20 present PASIDs: %lu ms", (unsigned long)(now_ns() - start) / 1000000);
	EXPECT_EQ(tags + 64, backend_tags_used());
	ASSERT_EQ(0, sva_attach(self->fd, self->device[0], t, NULL));
	EXPECT_EQ(1, sees(self, 0, LAST));
	EXPECT_EQ(1, sees(self, 0, 64 * 5000 + 3));
	/* Gone with one word. */
	dir[5000] = 0;
	ASSERT_EQ(0, queue(self, qi_pasid_global()));
	ASSERT_EQ(0, queue(self, qi_iotlb_global()));
	EXPECT_EQ(BLOCKED, sees(self, 0, 64 * 5000 + 3));
	EXPECT_EQ(1, sees(self, 0, 64 * 5001 + 3));
	/* However often and with however many names: all of it is read twice at most. */
	for (int i = 0; i < 3000; i++)
		descs[i] = i < 1000 ? qi_pasid_domain(1000 + i) : i % 2 ? qi_pasid_domain(DID + 3) :
									 qi_pasid_global();
	/* Others may have had the processor meanwhile, but not every time, nor for so long. */
	for (int tries = 0; tries < 5; tries++) {
		pasids_set(&p, 3, &fs, DID + 3);
		ASSERT_EQ(0, queue(self, qi_pasid_global()));
		start = now_ns();
		ASSERT_EQ(0, queue(self, qi_pasid_global()));
		once = now_ns() - start;
		pasids_set(&p, 3, &other, DID + 3);
		start = now_ns();
		ASSERT_EQ(0, queue_many(self, descs, ARRAY_SIZE(descs)));
		all = now_ns() - start;
		TH_LOG("once %lu ms, 3000 times %lu ms", (unsigned long)once / 1000000,
		       (unsigned long)all / 1000000);
		if (all < 8 * once || all > 100 * once)
			break;
	}
	EXPECT_GT(8 * once, all);
	ASSERT_EQ(0, queue(self, qi_iotlb_global()));
	EXPECT_EQ(2, sees(self, 0, 3));
	EXPECT_EQ(2, sees(self, 0, 64 * 5001 + 3));
	ASSERT_EQ(0, sva_detach(self->fd, self->device[0]));
	ASSERT_EQ(0, sva_destroy(self->fd, t));
}

/* An entry that is never the same, and half of the time nonsense. */
static void *change(void *arg)
{
	struct changer *c = arg;
	volatile uint64_t *qw = c->entry->qw;

	for (unsigned int i = 0; !c->stop; i++) {
		qw[2] = c->first[i & 1];
		qw[0] = i % 7 == 3 ? ~0ULL : 2ULL << 2 | 1ULL << 6 | 1;
		qw[1] = i % 5 == 2 ? ~0ULL : 1ULL << 23 | (DID + i % 3);
		qw[3] = i % 11 == 4;
	}
	return NULL;
}

/* What is read while it changes is one thing or another, and never the host's. */
TEST_F_TIMEOUT(vtd_nested, hostile_changes, 300)
{
	struct fs a = space(self, 1), b = space(self, 2);
	struct changer changer = { .first = { a.root | 1 << 5, b.root | 1 << 5 } };
	struct pasids p;
	int seen[3] = {};
	pthread_t thread;
	uint32_t t;

	pasids_init(&p, &self->g, 13);
	pasids_set(&p, 1, &a, DID);
	changer.entry = pasids_entry(&p, 1);
	ASSERT_EQ(0, table(self, &p, &t));
	ASSERT_EQ(0, sva_attach(self->fd, self->device[0], t, NULL));
	ASSERT_EQ(0, pthread_create(&thread, NULL, change, &changer));
	for (int i = 0; i < 1000; i++) {
		int sees_now;

		/* So that it goes on with one processor too. */
		usleep(100);
		EXPECT_EQ(0, queue(self, qi_pasid_global()));
		EXPECT_EQ(0, queue(self, qi_iotlb_global()));
		sees_now = sees(self, 0, 1);
		if (sees_now == BLOCKED)
			seen[0]++;
		else if (sees_now == 1 || sees_now == 2)
			seen[sees_now]++;
		else
			ASSERT_EQ(1, sees_now);
	}
	changer.stop = true;
	pthread_join(thread, NULL);
	TH_LOG("blocked %d, one %d, other %d", seen[0], seen[1], seen[2]);
	EXPECT_LT(0, seen[0]);
	EXPECT_LT(0, seen[1] + seen[2]);
}

/* Memory that goes while tables in it are read. */
TEST_F(vtd_nested, hostile_memory)
{
	char *mem = mem_alloc(SZ_2M, SZ_2M);
	struct pasids p = { &self->g, 4 * GPA, 13 };
	struct fs fs = space(self, 1);
	uint64_t *words = (uint64_t *)mem;
	uint32_t t;

	/* A directory, and its first table in the page behind it. */
	words[0] = (4 * GPA + SZ_4K) | 1;
	ASSERT_EQ(0, sva_map(self->fd, self->ioas, mem, SZ_2M, 4 * GPA, SVA_RW));
	words[512 + 8] = 2ULL << 2 | 1ULL << 6 | 1;
	words[512 + 9] = DID;
	words[512 + 10] = fs.root | 1ULL << 5;
	ASSERT_EQ(0, table(self, &p, &t));
	ASSERT_EQ(0, sva_attach(self->fd, self->device[0], t, NULL));
	EXPECT_EQ(1, sees(self, 0, 1));
	ASSERT_EQ(0, sva_unmap(self->fd, self->ioas, 4 * GPA, SZ_2M, NULL));
	EXPECT_EQ(1, sees(self, 0, 1)) TH_LOG("it was read and stands");
	ASSERT_EQ(0, queue(self, qi_pasid(DID, 1)));
	ASSERT_EQ(0, queue(self, qi_piotlb_pasid(DID, 1)));
	EXPECT_EQ(BLOCKED, sees(self, 0, 1));
	ASSERT_EQ(0, sva_map(self->fd, self->ioas, mem, SZ_2M, 4 * GPA, SVA_RW));
	ASSERT_EQ(0, queue(self, qi_pasid_global()));
	EXPECT_EQ(1, sees(self, 0, 1));
	ASSERT_EQ(0, sva_detach(self->fd, self->device[0]));
	mem_free(mem, SZ_2M);
}

/* Memory that the unit may write and not read: nothing is read there for it. */
TEST_F(vtd_nested, hostile_write_only)
{
	char *mem = mem_alloc(SZ_4K, SZ_4K);
	struct pasids p = { &self->g, 4 * GPA, 13 };
	struct fs fs = space(self, 1);
	struct pasids real;
	uint32_t t;

	/* The directory alone is there. */
	pasids_init(&real, &self->g, 13);
	pasids_set(&real, 1, &fs, DID);
	memcpy(mem, guest_ptr(&self->g, real.dir), SZ_4K);
	ASSERT_EQ(0, sva_map(self->fd, self->ioas, mem, SZ_4K, 4 * GPA,
			     SVA_WRITE));
	ASSERT_EQ(0, table(self, &p, &t));
	ASSERT_EQ(0, sva_attach(self->fd, self->device[0], t, NULL));
	EXPECT_EQ(BLOCKED, sees(self, 0, 1));
	ASSERT_EQ(0, sva_unmap(self->fd, self->ioas, 4 * GPA, SZ_4K, NULL));
	ASSERT_EQ(0, sva_map(self->fd, self->ioas, mem, SZ_4K, 4 * GPA, SVA_READ));
	ASSERT_EQ(0, queue(self, qi_pasid_global()));
	EXPECT_EQ(1, sees(self, 0, 1));
	ASSERT_EQ(0, sva_detach(self->fd, self->device[0]));
	mem_free(mem, SZ_4K);
}

/* --- replacing under requests --------------------------------------------- */

struct requests {
	volatile bool stop;
	int bdf;
	uint32_t pasid;
	uint64_t addr;
	volatile int seen[40];
	volatile int other;
};

/* Of several pages, so that few are in the IOTLB and entries are read for the others. */
#define NPAGES 64

/* Requests came between replacements, on a busy machine too. */
static bool enough(struct requests *r, int i)
{
	return i >= 2000 && (i >= 100000 || (r->seen[1] >= 20 && r->seen[2] >= 20));
}

static void *request(void *arg)
{
	struct requests *r = arg;

	for (unsigned int i = 0; !r->stop; i++) {
		int seed = bdf_sees(r->bdf, r->pasid, r->addr + i % NPAGES * SZ_4K);

		if (seed > 0)
			r->seen[seed]++;
		else
			r->other++;
	}
	return NULL;
}

/* An address space with a page of @seed's at @addr and in all pages behind it. */
static struct fs wide_space(FIXTURE_DATA(vtd_nested) *self, uint64_t addr, int seed)
{
	uint64_t gpa = page(self, seed);
	struct fs fs;

	fs_init(&fs, &self->g);
	for (int i = 0; i < NPAGES; i++)
		fs_map(&fs, addr + i * SZ_4K, gpa, FS_RW);
	return fs;
}

/* While a device works its address space becomes another, again and again: no gap. */
static void replace(struct __test_metadata *_metadata, FIXTURE_DATA(vtd_nested) *self,
		    uint32_t pasid, uint64_t addr, const uint32_t *pts)
{
	struct requests r = { .bdf = self->bdf[0], .pasid = pasid, .addr = addr };
	pthread_t thread;

	ASSERT_EQ(0, sva_attach_pasid(self->fd, self->device[0], pasid, pts[0], NULL));
	ASSERT_EQ(0, pthread_create(&thread, NULL, request, &r));
	for (int i = 0; !enough(&r, i); i++) {
		EXPECT_EQ(0, sva_attach_pasid(self->fd, self->device[0], pasid, pts[i % 2], NULL));
	}
	r.stop = true;
	pthread_join(thread, NULL);
	EXPECT_EQ(0, r.other);
	EXPECT_LT(0, r.seen[1]);
	EXPECT_LT(0, r.seen[2]);
}

TEST_F_TIMEOUT(vtd_nested, replace_pasid, 300)
{
	struct fs a = wide_space(self, VA, 1), b = wide_space(self, VA, 2);
	uint32_t pts[2];

	ASSERT_EQ(0, hwpt_on(self, self->parent, &a, &pts[0]));
	ASSERT_EQ(0, hwpt_on(self, self->viommu, &b, &pts[1]));
	replace(_metadata, self, 12, VA, pts);
}

TEST_F_TIMEOUT(vtd_nested, replace_device, 300)
{
	struct fs a = wide_space(self, VA, 1), b = wide_space(self, VA, 2);
	struct pasids p;
	uint32_t pts[2];

	pasids_init(&p, &self->g, 13);
	pasids_set(&p, 0, &b, DID);
	ASSERT_EQ(0, hwpt_on(self, self->parent, &a, &pts[0]));
	ASSERT_EQ(0, table(self, &p, &pts[1]));
	replace(_metadata, self, SIM_NO_PASID, VA, pts);
}

/* What differs in every part of an entry: a guest's address space and its memory. */
TEST_F_TIMEOUT(vtd_nested, replace_stages, 300)
{
	uint64_t addr = page(self, 2);
	uint32_t pts[2];
	struct fs fs;

	for (int i = 1; i < NPAGES; i++) {
		ASSERT_EQ(addr + i * SZ_4K, page(self, 2));
	}
	fs = wide_space(self, addr, 1);
	ASSERT_EQ(0, hwpt_on(self, self->parent, &fs, &pts[0]));
	pts[1] = self->parent;
	replace(_metadata, self, 12, addr, pts);
	replace(_metadata, self, SIM_NO_PASID, addr, pts);
}

/* The same by the guest, in its PASID table. */
TEST_F_TIMEOUT(vtd_nested, replace_by_guest, 300)
{
	struct fs a = wide_space(self, VA, 1), b = wide_space(self, VA, 2);
	struct requests r = { .bdf = self->bdf[0], .pasid = 3, .addr = VA };
	uint64_t before = sim_counter(0, "pasid_global");
	pthread_t thread;
	struct pasids p;
	uint32_t t;

	pasids_init(&p, &self->g, 13);
	pasids_set(&p, 3, &a, DID);
	ASSERT_EQ(0, table(self, &p, &t));
	ASSERT_EQ(0, sva_attach(self->fd, self->device[0], t, NULL));
	ASSERT_EQ(0, pthread_create(&thread, NULL, request, &r));
	for (int i = 0; !enough(&r, i); i++) {
		/* Also under another domain ID, in every second round of four. */
		pasids_set(&p, 3, i % 2 ? &a : &b, DID + i / 2 % 2);
		EXPECT_EQ(0, queue(self, qi_pasid_global()));
		EXPECT_EQ(0, queue(self, qi_iotlb_global()));
	}
	r.stop = true;
	pthread_join(thread, NULL);
	EXPECT_EQ(before, sim_counter(0, "pasid_global")) TH_LOG("others' PASID cache went");
	EXPECT_EQ(0, r.other);
	EXPECT_LT(0, r.seen[1]);
	EXPECT_LT(0, r.seen[2]);
}

/* --- on VFIO's own mappings ------------------------------------------------ */

/* Each is mapped by a table of its own. */
#define WINDOWS 1024
#define WINDOW(i) (4 * GPA + (i) * SZ_2M)

FIXTURE(import)
{
	/* One whose domain is imported, and one that keeps VFIO's mappings alive. */
	char name[2][PCI_NAME_LEN];
	struct vfio vfio[2];
	struct guest g;
	struct pasids p;
	int fd;
	uint32_t device, parent, viommu;
};

/* A container with both groups, of which each may have a domain of its own. */
FIXTURE_SETUP(import)
{
	for (int i = 0; i < 2; i++) {
		NEED_ENGINE(i, self->name[i]);
		ASSERT_EQ(0, pci_bind_driver(self->name[i], "vfio-pci"));
	}
	self->fd = sva_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, guest_init(&self->g, GPA, SZ_2M));
	pasids_init(&self->p, &self->g, 16);
	for (int i = 0; i < 2; i++)
		self->vfio[i] = (struct vfio){ .container = -1, .group = -1, .device = -1 };
	ASSERT_EQ(0, vfio_open(&self->vfio[0], self->name[0]));
	self->vfio[1].group = vfio_group_open(pci_group(self->name[1]));
	ASSERT_LE(0, self->vfio[1].group);
	ASSERT_EQ(0, ioctl(self->vfio[1].group, VFIO_GROUP_SET_CONTAINER,
			   &self->vfio[0].container));
	ASSERT_EQ(0, vfio_map(&self->vfio[0], self->g.mem, SZ_2M, GPA, VFIO_RW));
	ASSERT_EQ(0, sva_bind_vfio(self->fd, pci_bdf(self->name[0]), self->vfio[0].group,
				   &self->device));
	ASSERT_EQ(0, sva_hwpt_import(self->fd, self->device, &self->parent));
	ASSERT_EQ(0, sva_viommu_alloc(self->fd, IOMMUFD_SVA_VIOMMU_VTD, self->device,
				      self->parent, &self->viommu));
}

FIXTURE_TEARDOWN(import)
{
	for (int i = 0; i < 2; i++) {
		vfio_close(&self->vfio[i]);
		pci_unbind(self->name[i]);
	}
	close(self->fd);
	guest_free(&self->g);
	EXPECT_STREQ("", sim_bad(0));
	EXPECT_STREQ("", sim_bad(1));
}

struct reader {
	int fd;
	uint32_t viommu;
	volatile bool stop;
	volatile int rounds, failed;
};

/* A guest that has its PASID table read again and again. */
static void *reread(void *arg)
{
	struct reader *r = arg;
	struct qi desc = qi_pasid_global();

	for (; !r->stop; r->rounds++) {
		uint32_t num = 1;

		if (sva_invalidate(r->fd, r->viommu, IOMMUFD_SVA_INVALIDATE_VTD_QI, &desc,
				   sizeof(desc), &num))
			r->failed++;
	}
	return NULL;
}

/* VFIO gives the domain up, with all its mappings, while tables in it are read. */
TEST_F_TIMEOUT(import, tables_are_read, 400)
{
	struct reader r = { .fd = self->fd, .viommu = self->viommu };
	struct iommufd_sva_pasid_table_vtd arg = { .dir_gpa = self->p.dir, .pasid_bits = 16 };
	uint64_t *dir = guest_ptr(&self->g, self->p.dir);
	uint64_t leaf = guest_alloc(&self->g, SZ_4K, SZ_4K);
	pthread_t thread;
	uint32_t table;

	/* One empty leaf of the guest's in as many places as there are. */
	for (int i = 0; i < WINDOWS; i++) {
		dir[i] = WINDOW(i) | 1;
		ASSERT_EQ(0, vfio_map(&self->vfio[0], guest_ptr(&self->g, leaf), SZ_4K, WINDOW(i),
				      VFIO_RW));
	}
	ASSERT_EQ(0, sva_pasid_table_alloc(self->fd, self->viommu, IOMMUFD_SVA_PASID_TABLE_VTD,
					   &arg, sizeof(arg), &table));
	ASSERT_EQ(0, pthread_create(&thread, NULL, reread, &r));
	while (r.rounds < 3)
		usleep(1000);
	/* The device first: a group that is in use stays. */
	close(self->vfio[0].device);
	self->vfio[0].device = -1;
	ASSERT_EQ(0, ioctl(self->vfio[0].group, VFIO_GROUP_UNSET_CONTAINER));
	for (int seen = r.rounds; r.rounds < seen + 3;)
		usleep(1000);
	r.stop = true;
	pthread_join(thread, NULL);
	EXPECT_EQ(0, r.failed);
}

/* --- the erratum ----------------------------------------------------------- */

FIXTURE(errata)
{
	int fd, bdf;
	uint32_t ioas, device;
	char *mem;
	bool spr17;
};

FIXTURE_SETUP(errata)
{
	struct iommufd_sva_hw_info_vtd data = {};
	struct iommufd_sva_hw_info info = {
		.size = sizeof(info), .data_len = sizeof(data), .data_uptr = (uintptr_t)&data,
	};

	self->fd = sva_open();
	ASSERT_LE(0, self->fd);
	self->mem = mem_alloc(SZ_2M, SZ_2M);
	self->bdf = sim_add_endpoint(FIRST_SLOT, CAPS);
	ASSERT_LT(0, self->bdf);
	ASSERT_EQ(0, sva_bind(self->fd, self->bdf, &self->device));
	ASSERT_EQ(0, sva_ioas_alloc(self->fd, &self->ioas));
	info.dev_id = self->device;
	ASSERT_EQ(0, sva_ioctl(self->fd, IOMMUFD_SVA_GET_HW_INFO, &info));
	/* ECAP.NEST */
	EXPECT_TRUE(data.ecap_reg >> 26 & 1);
	self->spr17 = data.flags & IOMMUFD_SVA_HW_INFO_VTD_ERRATA_772415_SPR17;
	EXPECT_EQ(self->spr17, getenv("BACKEND") && strstr(getenv("BACKEND"), "errata_spr17=1"));
}

FIXTURE_TEARDOWN(errata)
{
	close(self->fd);
	sim_remove_slot(FIRST_SLOT);
	EXPECT_STREQ("", sim_bad(0));
}

TEST_F(errata, read_only_parents)
{
	const uint32_t nest_parent = IOMMUFD_SVA_HWPT_ALLOC_NEST_PARENT;
	int refused = self->spr17 ? -EINVAL : 0;
	uint32_t parent, plain, viommu;

	ASSERT_EQ(0, sva_hwpt_alloc(self->fd, self->device, self->ioas, nest_parent, &parent));
	ASSERT_EQ(0, sva_map(self->fd, self->ioas, self->mem, SZ_4K, GPA, SVA_RW));
	EXPECT_EQ(refused, sva_map(self->fd, self->ioas, self->mem, SZ_4K, 2 * GPA, SVA_READ));
	EXPECT_EQ(0, sva_viommu_alloc(self->fd, IOMMUFD_SVA_VIOMMU_VTD, self->device, parent,
				      &viommu));
	ASSERT_EQ(0, sva_destroy(self->fd, viommu));
	ASSERT_EQ(0, sva_destroy(self->fd, parent));
	/* What nothing is nested on may be read-only; and then nothing may be. */
	ASSERT_EQ(0, sva_hwpt_alloc(self->fd, self->device, self->ioas, 0, &plain));
	ASSERT_EQ(0, sva_map(self->fd, self->ioas, self->mem, SZ_4K, 3 * GPA, SVA_READ));
	EXPECT_EQ(refused, sva_hwpt_alloc(self->fd, self->device, self->ioas, nest_parent,
					  &parent));
}

/* On VFIO's mappings, which come and go: the two keep each other out, and nobody for good. */
TEST_F(errata, read_only_imports)
{
	const uint32_t ro = VFIO_DMA_MAP_FLAG_READ;
	int map = self->spr17 ? -EINVAL : 0, nest = self->spr17 ? -EOPNOTSUPP : 0;
	uint32_t device, parent, viommu;
	char name[PCI_NAME_LEN];
	struct vfio vfio;

	NEED_ENGINE(0, name);
	ASSERT_EQ(0, pci_bind_driver(name, "vfio-pci"));
	ASSERT_EQ(0, vfio_open(&vfio, name));
	ASSERT_EQ(0, vfio_map(&vfio, self->mem, SZ_4K, GPA, VFIO_RW));
	ASSERT_EQ(0, sva_bind_vfio(self->fd, pci_bdf(name), vfio.group, &device));
	ASSERT_EQ(0, sva_hwpt_import(self->fd, device, &parent));

	/* While there is a vIOMMU nothing is read-only; what was refused has done nothing. */
	ASSERT_EQ(0, sva_viommu_alloc(self->fd, IOMMUFD_SVA_VIOMMU_VTD, device, parent, &viommu));
	EXPECT_EQ(map, vfio_map(&vfio, self->mem, SZ_4K, 2 * GPA, ro));
	ASSERT_EQ(0, sva_destroy(self->fd, viommu));
	if (!map)
		ASSERT_EQ(0, vfio_unmap(&vfio, 2 * GPA, SZ_4K));
	ASSERT_EQ(0, sva_viommu_alloc(self->fd, IOMMUFD_SVA_VIOMMU_VTD, device, parent, &viommu));
	ASSERT_EQ(0, sva_destroy(self->fd, viommu));

	/* It was nested on and is not: read-only, and then nothing nests on it. */
	ASSERT_EQ(0, vfio_map(&vfio, self->mem, SZ_4K, 2 * GPA, ro));
	EXPECT_EQ(nest, sva_viommu_alloc(self->fd, IOMMUFD_SVA_VIOMMU_VTD, device, parent, &viommu));
	EXPECT_EQ(nest, sva_hwpt_import(self->fd, device, &viommu));
	vfio_close(&vfio);
	EXPECT_EQ(0, pci_unbind(name));
}

TEST_HARNESS_MAIN
