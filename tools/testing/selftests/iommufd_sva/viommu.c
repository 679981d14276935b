// SPDX-License-Identifier: GPL-2.0-only
/*
 * The objects of nesting: what they refuse, what they hold, and how they end.
 * What a guest's tables then do is nested.c's. Needs a unit of ours with a DMA
 * engine behind it; most tests need one that can nest.
 */
#include <poll.h>

#include <linux/vfio.h>

#include "guest.h"
#include "nest.h"
#include "selftest.h"

#define ADD IOMMUFD_SVA_VSID_ADD
#define REMOVE IOMMUFD_SVA_VSID_REMOVE

#define IPA 0x40000000UL
#define VSID 0x4455
#define MANY 65536
#define SOME 1000
/* HWPT_INVALIDATE and VSID_MAP take as many at once, an event queue holds them. */
#define ENTRIES_MAX (1U << 19)

/* --- what is refused everywhere ----------------------------------------- */

FIXTURE(refused)
{
	char name[PCI_NAME_LEN];
	int fd;
	uint32_t ioas, device, hwpt;
};

FIXTURE_SETUP(refused)
{
	NEED_ENGINE(0, self->name);
	self->fd = sva_open();
	ASSERT_LE(0, self->fd) TH_LOG("cannot open " SVA_DEV);
	ASSERT_EQ(0, sva_ioas_alloc(self->fd, &self->ioas));
	ASSERT_EQ(0, pci_unbind(self->name));
	ASSERT_EQ(0, sva_bind(self->fd, pci_bdf(self->name), &self->device));
	ASSERT_EQ(0, sva_hwpt_alloc(self->fd, self->device, self->ioas, 0, &self->hwpt));
}

FIXTURE_TEARDOWN(refused)
{
	close(self->fd);
}

/* A unit that cannot nest, or whose backend does not let it, says so of everything. */
TEST_F(refused, where_nothing_nests)
{
	uint64_t data[2] = {};
	uint32_t out;

	if (has_viommu(self->fd, self->device))
		SKIP(return, "the unit can nest");
	if (backend()->has_viommu && can_nest(self->fd, self->device))
		SKIP(return, "it could, but must not");
	EXPECT_EQ(can_nest(self->fd, self->device) ? 0 : -EOPNOTSUPP,
		  sva_hwpt_alloc(self->fd, self->device, self->ioas, NEST_PARENT, &out));
	EXPECT_EQ(-EOPNOTSUPP, sva_viommu_alloc(self->fd, kind()->viommu, self->device,
						self->hwpt, &out));
	EXPECT_EQ(-EOPNOTSUPP, nest(self->fd, self->device, self->hwpt, &out));
	EXPECT_EQ(-EINVAL, sva_pasid_table_alloc(self->fd, self->hwpt, kind()->table, data,
						 sizeof(data), &out));
}

/* Guests could read around the CPU's caches, and the administrator has not allowed it. */
TEST_F(refused, where_nobody_allows_it)
{
	uint64_t data[2] = {};
	uint32_t parent, out;

	if (!getenv("NEST_NOT_ALLOWED"))
		SKIP(return, "NEST_NOT_ALLOWED is not set");
	ASSERT_TRUE(can_nest(self->fd, self->device));
	ASSERT_FALSE(has_viommu(self->fd, self->device));
	ASSERT_EQ(0, sva_hwpt_alloc(self->fd, self->device, self->ioas, NEST_PARENT, &parent));
	EXPECT_EQ(-EOPNOTSUPP, sva_viommu_alloc(self->fd, kind()->viommu, self->device, parent,
						&out));
	EXPECT_EQ(-EOPNOTSUPP, nest(self->fd, self->device, parent, &out));
	EXPECT_EQ(-EOPNOTSUPP, sva_pasid_table_alloc(self->fd, parent, kind()->table, data,
						     sizeof(data), &out));
}

TEST_F(refused, ids_of_the_wrong_kind)
{
	uint32_t out, num = 1, ids[] = { self->ioas, self->device, self->hwpt };
	struct iommufd_sva_vsid entry = { VSID, self->device };
	uint64_t data[2] = {};
	int efd;

	for (int i = 0; i < 3; i++) {
		uint32_t id = ids[i];

		EXPECT_EQ(-ENOENT, sva_vdevice_alloc(self->fd, id, self->device, VSID, &out));
		EXPECT_EQ(-ENOENT, sva_vsid_map(self->fd, id, ADD, &entry, 1, NULL));
		EXPECT_EQ(-ENOENT, sva_veventq_alloc(self->fd, id, kind()->event, 1, &out, &efd));
		num = 1;
		EXPECT_EQ(-EINVAL, sva_invalidate(self->fd, id, kind()->inv, data,
						  kind()->inv_len, &num));
		EXPECT_EQ(0, num);
		EXPECT_EQ(-EINVAL, sva_pasid_table_alloc(self->fd, id, kind()->table, data,
							 sizeof(data), &out));
		if (id != self->device) {
			EXPECT_EQ(-ENOENT, sva_viommu_alloc(self->fd, kind()->viommu, id,
							    self->hwpt, &out));
			EXPECT_EQ(-ENOENT, nest(self->fd, id, self->hwpt, &out));
			EXPECT_EQ(-ENOENT, sva_hwpt_import(self->fd, id, &out));
		}
	}
	EXPECT_EQ(-EINVAL, nest(self->fd, self->device, self->device, &out));
	EXPECT_EQ(-EINVAL, nest(self->fd, self->device, 0xdead, &out));
	EXPECT_EQ(-EINVAL, sva_hwpt_import(self->fd, self->device, &out))
		TH_LOG("not VFIO's device");
}

TEST_F(refused, numbers_out_of_range)
{
	uint32_t out, num;
	uint64_t data[2] = {};
	int efd;

	EXPECT_EQ(-EOPNOTSUPP, sva_viommu_alloc(self->fd, IOMMUFD_SVA_VIOMMU_TYPE_DEFAULT,
						self->device, self->hwpt, &out));
	EXPECT_EQ(-EOPNOTSUPP, sva_veventq_alloc(self->fd, 1, IOMMUFD_SVA_VEVENTQ_TYPE_DEFAULT,
						 1, &out, &efd));
	EXPECT_EQ(-EINVAL, sva_veventq_alloc(self->fd, 1, kind()->event, 0, &out, &efd));
	EXPECT_EQ(-EINVAL, sva_veventq_alloc(self->fd, 1, kind()->event, ENTRIES_MAX + 1,
					     &out, &efd));
	EXPECT_EQ(-EINVAL, sva_vsid_map(self->fd, 1, 0, NULL, 0, NULL));
	EXPECT_EQ(-EINVAL, sva_vsid_map(self->fd, 1, ADD | REMOVE, NULL, 0, NULL));
	EXPECT_EQ(-EINVAL, sva_vsid_map(self->fd, 1, ADD, NULL, ENTRIES_MAX + 1, NULL));
	EXPECT_EQ(-EINVAL, sva_pasid_table_alloc(self->fd, self->hwpt, kind()->table, data, 0,
						 &out));
	num = 1;
	EXPECT_EQ(-EINVAL, sva_invalidate(self->fd, 1, kind()->inv, NULL, 16, &num));
	EXPECT_EQ(0, num);
	num = 1;
	EXPECT_EQ(-EINVAL, sva_invalidate(self->fd, 1, kind()->inv, data, 0, &num));
	EXPECT_EQ(0, num);
	num = 1;
	EXPECT_EQ(-EINVAL, sva_invalidate(self->fd, 1, kind()->inv, data, SZ_64K + 1, &num));
	EXPECT_EQ(0, num);
	num = ENTRIES_MAX + 1;
	EXPECT_EQ(-EINVAL, sva_invalidate(self->fd, 1, kind()->inv, data, 16, &num));
	EXPECT_EQ(0, num);
}

/* --- where it nests ------------------------------------------------------ */

FIXTURE(viommu)
{
	char name[PCI_NAME_LEN];
	struct engine engine;
	int fd;
	uint32_t ioas, device, parent, viommu;
	char *mem;
};

FIXTURE_SETUP(viommu)
{
	NEED_ENGINE(0, self->name);
	self->fd = sva_open();
	ASSERT_LE(0, self->fd) TH_LOG("cannot open " SVA_DEV);
	ASSERT_EQ(0, sva_ioas_alloc(self->fd, &self->ioas));
	ASSERT_EQ(0, pci_unbind(self->name));
	ASSERT_EQ(0, sva_bind(self->fd, pci_bdf(self->name), &self->device));
	if (!has_viommu(self->fd, self->device))
		SKIP(return, "the unit cannot nest");
	self->mem = mem_alloc(SZ_2M, SZ_2M);
	ASSERT_NE(NULL, self->mem);
	ASSERT_EQ(0, sva_map(self->fd, self->ioas, self->mem, SZ_2M, IPA, SVA_RW));
	ASSERT_EQ(0, sva_hwpt_alloc(self->fd, self->device, self->ioas, NEST_PARENT,
				    &self->parent));
	ASSERT_EQ(0, sva_viommu_alloc(self->fd, kind()->viommu, self->device, self->parent,
				      &self->viommu));
	ASSERT_EQ(0, engine_open(&self->engine, self->name));
}

FIXTURE_TEARDOWN(viommu)
{
	engine_close(&self->engine);
	close(self->fd);
}

static int vdevice(FIXTURE_DATA(viommu) *self, uint64_t vsid, uint32_t *out)
{
	return sva_vdevice_alloc(self->fd, self->viommu, self->device, vsid, out);
}

static int map_vsids(FIXTURE_DATA(viommu) *self, uint32_t flags,
		     const struct iommufd_sva_vsid *entries, uint32_t num, uint32_t *bad)
{
	return sva_vsid_map(self->fd, self->viommu, flags, entries, num, bad);
}

/* A second device, behind the same unit. */
static int second_device(FIXTURE_DATA(viommu) *self, char *name, uint32_t *device)
{
	if (!engine_find(1, name) || pci_unbind(name))
		return -ENODEV;
	return sva_bind(self->fd, pci_bdf(name), device);
}

static long round_trip(FIXTURE_DATA(viommu) *self, unsigned int seed)
{
	mem_fill(self->mem, SZ_4K, seed);
	memset(self->mem + SZ_4K, 0, SZ_4K);
	if (engine_fetch(&self->engine, IPA, SZ_4K) || engine_store(&self->engine, IPA + SZ_4K, SZ_4K))
		return -2;
	return mem_check(self->mem + SZ_4K, SZ_4K, seed);
}

/* A guest has its tags of the unit's for as long as its vIOMMU is there. */
TEST_F(viommu, tags_come_back)
{
	long before = backend_tags_used();
	uint32_t viommu;

	ASSERT_LT(0, before);
	for (int i = 0; i < 20; i++) {
		ASSERT_EQ(0, sva_viommu_alloc(self->fd, kind()->viommu, self->device,
					      self->parent, &viommu));
		EXPECT_EQ(before + kind()->viommu_tags, backend_tags_used());
		ASSERT_EQ(0, sva_destroy(self->fd, viommu));
		EXPECT_EQ(before, backend_tags_used());
	}
}

TEST_F(viommu, not_on_any_hwpt)
{
	uint32_t plain, out;

	ASSERT_EQ(0, sva_hwpt_alloc(self->fd, self->device, self->ioas, 0, &plain));
	EXPECT_EQ(-EINVAL, sva_viommu_alloc(self->fd, kind()->viommu, self->device, plain, &out));
	EXPECT_EQ(-EINVAL, nest(self->fd, self->device, plain, &out));
	EXPECT_EQ(-ENOENT, sva_viommu_alloc(self->fd, kind()->viommu, self->device,
					    self->ioas, &out));
	EXPECT_EQ(-EOPNOTSUPP, sva_viommu_alloc(self->fd, 0x7fffffff, self->device,
						self->parent, &out));
	EXPECT_EQ(-EOPNOTSUPP, sva_viommu_alloc(self->fd,
						IOMMUFD_SVA_VIOMMU_TYPE_TEGRA241_CMDQV,
						self->device, self->parent, &out));
}

/* Every one holds what it stands on. */
TEST_F(viommu, destroyed_from_the_top)
{
	uint32_t nested, vdev, veventq;
	int efd;

	ASSERT_EQ(0, nest(self->fd, self->device, self->viommu, &nested));
	ASSERT_EQ(0, vdevice(self, VSID, &vdev));
	ASSERT_EQ(0, sva_veventq_alloc(self->fd, self->viommu, kind()->event, 4, &veventq, &efd));
	ASSERT_EQ(0, sva_attach(self->fd, self->device, nested, NULL));

	EXPECT_EQ(-EBUSY, sva_destroy(self->fd, self->ioas));
	EXPECT_EQ(-EBUSY, sva_destroy(self->fd, self->parent));
	EXPECT_EQ(-EBUSY, sva_destroy(self->fd, self->viommu));
	EXPECT_EQ(-EBUSY, sva_destroy(self->fd, nested));
	EXPECT_EQ(-EBUSY, sva_destroy(self->fd, veventq)) TH_LOG("its file is open");
	EXPECT_EQ(-EBUSY, sva_destroy(self->fd, self->device));

	ASSERT_EQ(0, sva_detach(self->fd, self->device));
	EXPECT_EQ(-EBUSY, sva_destroy(self->fd, self->device)) TH_LOG("it has a name");
	EXPECT_EQ(0, sva_destroy(self->fd, vdev));
	EXPECT_EQ(0, sva_destroy(self->fd, self->device));
	EXPECT_EQ(-EBUSY, sva_destroy(self->fd, self->viommu));
	EXPECT_EQ(0, sva_destroy(self->fd, nested));
	EXPECT_EQ(-EBUSY, sva_destroy(self->fd, self->viommu));
	close(efd);
	EXPECT_EQ(0, sva_destroy(self->fd, veventq));
	EXPECT_EQ(-EBUSY, sva_destroy(self->fd, self->parent));
	EXPECT_EQ(0, sva_destroy(self->fd, self->viommu));
	EXPECT_EQ(0, sva_destroy(self->fd, self->parent));
	EXPECT_EQ(0, sva_destroy(self->fd, self->ioas));
}

TEST_F(viommu, on_the_parent_alone)
{
	uint32_t nested;
	int rc = nest(self->fd, self->device, self->parent, &nested);

	if (rc == -EOPNOTSUPP)
		SKIP(return, "the unit nests on a vIOMMU only");
	ASSERT_EQ(0, rc);
	EXPECT_EQ(0, sva_destroy(self->fd, self->viommu));
	EXPECT_EQ(-EBUSY, sva_destroy(self->fd, self->parent));
	EXPECT_EQ(0, sva_destroy(self->fd, nested));
	EXPECT_EQ(0, sva_destroy(self->fd, self->parent));
}

/* Everything is there when the file goes. */
TEST_F(viommu, closed_with_everything)
{
	struct iommufd_sva_vsid entry = { VSID + 1, self->device };
	uint32_t nested, vdev, veventq, device;
	int efd, again;
	char buf[64];

	ASSERT_EQ(0, nest(self->fd, self->device, self->viommu, &nested));
	ASSERT_EQ(0, vdevice(self, VSID, &vdev));
	ASSERT_EQ(0, map_vsids(self, ADD, &entry, 1, NULL));
	ASSERT_EQ(0, sva_veventq_alloc(self->fd, self->viommu, kind()->event, 4, &veventq, &efd));
	ASSERT_EQ(0, sva_attach(self->fd, self->device, nested, NULL));
	close(self->fd);
	self->fd = -1;
	/* The events' file keeps the context, and the device bound in it. */
	EXPECT_EQ(0, read(efd, buf, sizeof(buf)));
	again = sva_open();
	EXPECT_EQ(-EBUSY, sva_bind(again, pci_bdf(self->name), &device));
	close(efd);
	EXPECT_EQ(0, sva_bind(again, pci_bdf(self->name), &device));
	close(again);
}

TEST_F(viommu, attach_and_replace)
{
	uint32_t nested, other, plain;

	if (!kind()->bypass)
		SKIP(return, "a guest's tables are nested.c's");
	ASSERT_EQ(0, vdevice(self, VSID, &other));
	ASSERT_EQ(0, nest(self->fd, self->device, self->viommu, &nested));
	ASSERT_EQ(0, nest(self->fd, self->device, self->viommu, &other));
	ASSERT_EQ(0, sva_hwpt_alloc(self->fd, self->device, self->ioas, 0, &plain));
	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(0, sva_attach(self->fd, self->device, nested, NULL));
		EXPECT_EQ(-1, round_trip(self, 4 * i));
		ASSERT_EQ(0, sva_attach(self->fd, self->device, other, NULL));
		EXPECT_EQ(-1, round_trip(self, 4 * i + 1));
		EXPECT_EQ(-EBUSY, sva_destroy(self->fd, other));
		ASSERT_EQ(0, sva_attach(self->fd, self->device, plain, NULL));
		EXPECT_EQ(-1, round_trip(self, 4 * i + 2));
		ASSERT_EQ(0, sva_attach(self->fd, self->device, self->parent, NULL));
		EXPECT_EQ(-1, round_trip(self, 4 * i + 3));
	}
	EXPECT_EQ(0, sva_destroy(self->fd, nested));
	EXPECT_EQ(0, sva_destroy(self->fd, other));
	ASSERT_EQ(0, sva_detach(self->fd, self->device));
}

/* What the device reserves is reserved in the parent's IOAS. */
TEST_F(viommu, reserves_in_the_parent)
{
	uint32_t nested, vdev;

	ASSERT_EQ(0, vdevice(self, VSID, &vdev));
	ASSERT_EQ(0, nest(self->fd, self->device, self->viommu, &nested));
	ASSERT_EQ(0, sva_attach(self->fd, self->device, nested, NULL));
	EXPECT_EQ(-EINVAL, sva_map(self->fd, self->ioas, self->mem, SZ_4K,
				   backend()->msi_start, SVA_RW));
	ASSERT_EQ(0, sva_detach(self->fd, self->device));
	ASSERT_EQ(0, sva_map(self->fd, self->ioas, self->mem, SZ_4K, backend()->msi_start,
			     SVA_RW));
	EXPECT_EQ(-EADDRINUSE, sva_attach(self->fd, self->device, nested, NULL));
	ASSERT_EQ(0, sva_unmap(self->fd, self->ioas, backend()->msi_start, SZ_4K, NULL));
	EXPECT_EQ(0, sva_attach(self->fd, self->device, nested, NULL));
}

/* --- names --------------------------------------------------------------- */

TEST_F(viommu, vdevices)
{
	uint32_t vdev, out, device, viommu;
	char name[PCI_NAME_LEN];

	EXPECT_EQ(-EINVAL, vdevice(self, 1ULL << kind()->vsid_bits, &out));
	EXPECT_EQ(-EINVAL, vdevice(self, ~0ULL, &out));
	ASSERT_EQ(0, vdevice(self, (1ULL << kind()->vsid_bits) - 1, &vdev));
	EXPECT_EQ(-EEXIST, vdevice(self, VSID, &out)) TH_LOG("the device has one");
	ASSERT_EQ(0, sva_viommu_alloc(self->fd, kind()->viommu, self->device, self->parent,
				      &viommu));
	EXPECT_EQ(-EEXIST, sva_vdevice_alloc(self->fd, viommu, self->device, VSID, &out));
	ASSERT_EQ(0, sva_destroy(self->fd, vdev));
	ASSERT_EQ(0, sva_vdevice_alloc(self->fd, viommu, self->device, VSID, &vdev));
	ASSERT_EQ(0, sva_destroy(self->fd, vdev));
	ASSERT_EQ(0, vdevice(self, VSID, &vdev));

	ASSERT_EQ(0, second_device(self, name, &device));
	EXPECT_EQ(-EEXIST, sva_vdevice_alloc(self->fd, self->viommu, device, VSID, &out))
		TH_LOG("the name is taken");
	EXPECT_EQ(0, sva_vdevice_alloc(self->fd, self->viommu, device, VSID + 1, &out));
}

/* @num different ones, in no order. */
static void fill(struct iommufd_sva_vsid *entries, uint32_t num, uint32_t device)
{
	for (uint32_t i = 0; i < num; i++)
		entries[i] = (struct iommufd_sva_vsid){ (i * 40503U) % MANY, device };
}

/* Every name that a 16-bit source ID can be, in one call each way. */
TEST_F_TIMEOUT(viommu, vsid_map_64k, 300)
{
	static struct iommufd_sva_vsid entries[MANY];
	uint64_t start, added, removed;
	uint32_t out;

	fill(entries, MANY, self->device);
	start = now_ns();
	ASSERT_EQ(0, map_vsids(self, ADD, entries, MANY, NULL));
	added = now_ns();
	EXPECT_EQ(-EEXIST, vdevice(self, 0, &out));
	EXPECT_EQ(-EEXIST, vdevice(self, MANY - 1, &out));
	EXPECT_EQ(-EBUSY, sva_destroy(self->fd, self->device));
	removed = now_ns();
	ASSERT_EQ(0, map_vsids(self, REMOVE, entries, MANY, NULL));
	TH_LOG("64K names: %lu us to add, %lu us to remove",
	       (unsigned long)(added - start) / 1000,
	       (unsigned long)(now_ns() - removed) / 1000);
	EXPECT_EQ(0, vdevice(self, MANY - 1, &out));
}

TEST_F(viommu, vsid_map_is_all_or_nothing)
{
	static struct iommufd_sva_vsid entries[SOME];
	struct iommufd_sva_vsid one;
	uint32_t bad, device, out;
	char name[PCI_NAME_LEN];

	ASSERT_EQ(0, second_device(self, name, &device));
	fill(entries, SOME, self->device);

	/* The last one, so that all others are to be taken back. */
	one = entries[SOME - 1];
	entries[SOME - 1] = entries[0];
	EXPECT_EQ(-EEXIST, map_vsids(self, ADD, entries, SOME, &bad));
	EXPECT_EQ(SOME - 1, bad) TH_LOG("twice in the batch");
	entries[SOME - 1].vsid = 1ULL << kind()->vsid_bits;
	EXPECT_EQ(-EINVAL, map_vsids(self, ADD, entries, SOME, &bad));
	EXPECT_EQ(SOME - 1, bad) TH_LOG("out of range");
	entries[SOME - 1] = one;
	entries[SOME - 1].device_id = self->ioas;
	EXPECT_EQ(-ENOENT, map_vsids(self, ADD, entries, SOME, &bad));
	EXPECT_EQ(SOME - 1, bad) TH_LOG("no device");
	entries[SOME - 1] = one;
	entries[7].__reserved = 1;
	EXPECT_EQ(-EOPNOTSUPP, map_vsids(self, ADD, entries, SOME, &bad));
	EXPECT_EQ(7, bad);
	entries[7].__reserved = 0;
	ASSERT_EQ(0, vdevice(self, one.vsid, &out));
	EXPECT_EQ(-EEXIST, map_vsids(self, ADD, entries, SOME, &bad));
	EXPECT_EQ(SOME - 1, bad) TH_LOG("a virtual device's");
	EXPECT_EQ(-EBUSY, map_vsids(self, REMOVE, &one, 1, &bad));
	EXPECT_EQ(0, bad);
	ASSERT_EQ(0, sva_destroy(self->fd, out));
	/* Nothing of all that is in the map. */
	ASSERT_EQ(0, map_vsids(self, ADD, entries, SOME - 1, NULL));

	EXPECT_EQ(-ENOENT, map_vsids(self, REMOVE, entries, SOME, &bad));
	EXPECT_EQ(SOME - 1, bad) TH_LOG("not there");
	entries[SOME - 1] = entries[3];
	EXPECT_EQ(-ENOENT, map_vsids(self, REMOVE, entries, SOME, &bad));
	EXPECT_EQ(SOME - 1, bad) TH_LOG("removed twice");
	entries[3].device_id = device;
	EXPECT_EQ(-ENOENT, map_vsids(self, REMOVE, entries, SOME - 1, &bad));
	EXPECT_EQ(3, bad) TH_LOG("of another device");
	entries[3].device_id = self->device;
	/* And nothing is out of it. */
	EXPECT_EQ(0, map_vsids(self, REMOVE, entries, SOME - 1, NULL));
	EXPECT_EQ(0, sva_destroy(self->fd, self->device));
}

TEST_F(viommu, vsid_map_arguments)
{
	struct iommufd_sva_vsid entry = { VSID, self->device };
	struct iommufd_sva_vsid_map cmd = {
		.size = sizeof(cmd), .flags = ADD, .viommu_id = self->viommu, .entry_num = 1,
		.entry_len = sizeof(entry), .entries = (uintptr_t)&entry,
	};
	struct iommufd_sva_vsid *edge;
	uint32_t bad = 77;
	char *two;

	cmd.entry_len = sizeof(entry) - 8;
	EXPECT_EQ(-EINVAL, sva_ioctl(self->fd, IOMMUFD_SVA_VSID_MAP, &cmd));
	cmd.entry_len = sizeof(entry) + 8;
	EXPECT_EQ(-EINVAL, sva_ioctl(self->fd, IOMMUFD_SVA_VSID_MAP, &cmd));
	EXPECT_EQ(0, map_vsids(self, ADD, NULL, 0, NULL));
	EXPECT_EQ(0, map_vsids(self, REMOVE, NULL, 0, NULL));

	two = mem_alloc(2 * SZ_4K, SZ_4K);
	ASSERT_EQ(0, mprotect(two + SZ_4K, SZ_4K, PROT_NONE));
	edge = (void *)(two + SZ_4K);
	edge[-2] = entry;
	edge[-1] = entry;
	edge[-1].vsid++;
	EXPECT_EQ(-EFAULT, map_vsids(self, ADD, edge - 2, 3, &bad));
	EXPECT_EQ(2, bad);
	EXPECT_EQ(0, map_vsids(self, ADD, edge - 2, 2, &bad));
}

/* One vIOMMU at a time, and with it the names go. */
TEST_F(viommu, names_in_two_viommus)
{
	struct iommufd_sva_vsid entries[2] = { { VSID, self->device }, { VSID + 1, self->device } };
	uint32_t viommu, bad, out;

	ASSERT_EQ(0, sva_viommu_alloc(self->fd, kind()->viommu, self->device, self->parent,
				      &viommu));
	ASSERT_EQ(0, map_vsids(self, ADD, entries, 1, NULL));
	EXPECT_EQ(-EBUSY, sva_vsid_map(self->fd, viommu, ADD, entries + 1, 1, &bad));
	EXPECT_EQ(0, bad);
	EXPECT_EQ(-EBUSY, sva_vdevice_alloc(self->fd, viommu, self->device, VSID + 1, &out));
	EXPECT_EQ(-ENOENT, sva_vsid_map(self->fd, viommu, REMOVE, entries, 1, &bad));
	ASSERT_EQ(0, vdevice(self, VSID + 1, &out)) TH_LOG("a virtual device beside it");
	ASSERT_EQ(0, sva_destroy(self->fd, out));
	ASSERT_EQ(0, sva_destroy(self->fd, self->viommu));
	EXPECT_EQ(0, sva_vsid_map(self->fd, viommu, ADD, entries, 2, &bad));
	ASSERT_EQ(0, sva_destroy(self->fd, viommu));
	EXPECT_EQ(0, sva_destroy(self->fd, self->device));
}

/* The device leaves the machine, with names, nested: the objects stay. */
TEST_F(viommu, device_removed)
{
	struct iommufd_sva_vsid entry = { VSID + 1, self->device };
	uint32_t nested, vdev, device, bad;

	ASSERT_EQ(0, vdevice(self, VSID, &vdev));
	ASSERT_EQ(0, map_vsids(self, ADD, &entry, 1, NULL));
	ASSERT_EQ(0, nest(self->fd, self->device, self->viommu, &nested));
	ASSERT_EQ(0, sva_attach(self->fd, self->device, nested, NULL));
	engine_close(&self->engine);
	ASSERT_EQ(0, pci_remove(self->name));
	EXPECT_EQ(-ENODEV, sva_attach(self->fd, self->device, nested, NULL));
	EXPECT_EQ(-ENODEV, nest(self->fd, self->device, self->viommu, &device));
	entry.vsid = VSID + 2;
	EXPECT_EQ(-ENODEV, map_vsids(self, ADD, &entry, 1, &bad));
	EXPECT_EQ(0, bad);
	entry.vsid = VSID + 1;
	EXPECT_EQ(-EBUSY, sva_destroy(self->fd, self->device)) TH_LOG("its names stay");

	ASSERT_EQ(0, pci_rescan());
	ASSERT_TRUE(pci_present(self->name));
	ASSERT_EQ(0, pci_unbind(self->name));
	ASSERT_EQ(0, sva_bind(self->fd, pci_bdf(self->name), &device));
	EXPECT_EQ(-EEXIST, sva_vdevice_alloc(self->fd, self->viommu, device, VSID, &bad));
	EXPECT_EQ(0, map_vsids(self, REMOVE, &entry, 1, NULL));
	EXPECT_EQ(0, sva_destroy(self->fd, vdev));
	EXPECT_EQ(0, sva_destroy(self->fd, self->device));
	EXPECT_EQ(0, sva_vdevice_alloc(self->fd, self->viommu, device, VSID, &vdev));
	EXPECT_EQ(0, sva_attach(self->fd, device, nested, NULL));
	ASSERT_EQ(0, engine_open(&self->engine, self->name));
	if (kind()->bypass) {
		EXPECT_EQ(-1, round_trip(self, 1));
	}
}

/* --- events ---------------------------------------------------------------- */

TEST_F(viommu, empty_event_queue)
{
	struct pollfd poll_fd = { .events = POLLIN };
	uint32_t veventq, out;
	char buf[64];
	int other;

	ASSERT_EQ(0, sva_veventq_alloc(self->fd, self->viommu, kind()->event, ENTRIES_MAX,
				       &veventq, &poll_fd.fd));
	EXPECT_EQ(-EEXIST, sva_veventq_alloc(self->fd, self->viommu, kind()->event, 1, &out,
					     &other));
	EXPECT_EQ(-EOPNOTSUPP, sva_veventq_alloc(self->fd, self->viommu, 0x7fffffff, 1, &out,
						 &other));
	EXPECT_EQ(0, poll(&poll_fd, 1, 0));
	EXPECT_EQ(0, read(poll_fd.fd, buf, sizeof(buf)));
	EXPECT_EQ(-1, read(poll_fd.fd, buf, sizeof(struct iommufd_sva_vevent_header) - 1));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, pread(poll_fd.fd, buf, sizeof(buf), 8));
	EXPECT_EQ(ESPIPE, errno);
	close(poll_fd.fd);
	EXPECT_EQ(0, sva_destroy(self->fd, veventq));
	EXPECT_EQ(0, sva_veventq_alloc(self->fd, self->viommu, kind()->event, 1, &veventq,
				       &poll_fd.fd));
	close(poll_fd.fd);
}

struct event {
	struct iommufd_sva_vevent_header header;
	struct iommufd_sva_vevent_arm_smmuv3 smmuv3;
};

/* Faults that the unit has told of. */
static long events(void)
{
	return backend_tells("faults", "total", "events");
}

/* There are @num, and there has been time to pass the last one on. */
static void await_events(long num)
{
	for (int ms = 0; ms < 10000 && events() < num; ms++)
		usleep(1000);
	usleep(200000);
}

/* More than the queue holds: it says how many are missing, and where. */
TEST_F(viommu, events_lost)
{
	struct event first[2] = {}, lost = {}, next = {};
	uint32_t veventq, vdev, hwpt, sequence;
	uint64_t ste[2];
	struct guest g;
	struct s1 s1;
	long before;
	int efd;

	if (kind()->viommu != IOMMUFD_SVA_VIOMMU_TYPE_ARM_SMMUV3)
		SKIP(return, "the tables of this test are an SMMUv3's");
	ASSERT_EQ(0, guest_init(&g, 4 * IPA, SZ_2M));
	ASSERT_EQ(0, sva_map(self->fd, self->ioas, g.mem, SZ_2M, g.ipa, SVA_RW));
	ASSERT_EQ(0, vdevice(self, VSID, &vdev));
	ASSERT_EQ(0, sva_veventq_alloc(self->fd, self->viommu, kind()->event, 1, &veventq, &efd));
	/* A guest's address space with nothing in it. */
	s1_init(&s1, &g, 12, 1);
	guest_ste(ste, guest_cd(&s1));
	ASSERT_EQ(0, sva_hwpt_nested(self->fd, self->device, self->viommu, kind()->nested, ste,
				     sizeof(ste), &hwpt));
	ASSERT_EQ(0, sva_attach(self->fd, self->device, hwpt, NULL));
	before = events();
	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(0, engine_store(&self->engine, (10 + i) * SZ_1G, 16));
	}
	await_events(before + 3);

	EXPECT_EQ(-1, read(efd, first, sizeof(*first) - 1));
	EXPECT_EQ(EINVAL, errno);
	/* One whole event, no room for the header behind it. */
	ASSERT_EQ(sizeof(*first), read(efd, first, sizeof(*first) + 4));
	EXPECT_EQ(0, first->header.flags);
	EXPECT_EQ(0, first->header.sequence);
	EXPECT_EQ(10 * SZ_1G, first->smmuv3.evt[2]);
	ASSERT_EQ(sizeof(lost.header), read(efd, &lost, sizeof(lost)));
	EXPECT_EQ(IOMMUFD_SVA_VEVENTQ_FLAG_LOST_EVENTS, lost.header.flags);
	EXPECT_LE(2, lost.header.sequence);
	EXPECT_EQ(0, read(efd, &next, sizeof(next)));
	sequence = lost.header.sequence;

	before = events();
	ASSERT_EQ(0, engine_store(&self->engine, 20 * SZ_1G, 16));
	await_events(before + 1);
	ASSERT_EQ(sizeof(next), read(efd, &next, sizeof(next)));
	EXPECT_EQ(sequence + 1, next.header.sequence);
	EXPECT_EQ(20 * SZ_1G, next.smmuv3.evt[2]);
	close(efd);
	ASSERT_EQ(0, sva_detach(self->fd, self->device));
	guest_free(&g);
}

/* What cannot be told has not been made. */
TEST_F(viommu, read_only_struct)
{
	struct iommufd_sva_veventq_alloc *cmd;
	uint32_t veventq;
	int efd;

	cmd = mem_alloc(SZ_4K, SZ_4K);
	*cmd = (struct iommufd_sva_veventq_alloc){
		.size = sizeof(*cmd), .viommu_id = self->viommu, .type = kind()->event,
		.veventq_depth = 16,
	};
	ASSERT_EQ(0, mprotect(cmd, SZ_4K, PROT_READ));
	EXPECT_EQ(-EFAULT, sva_ioctl(self->fd, IOMMUFD_SVA_VEVENTQ_ALLOC, cmd));
	ASSERT_EQ(0, sva_veventq_alloc(self->fd, self->viommu, kind()->event, 16, &veventq, &efd))
		TH_LOG("nothing was made");
	close(efd);
}

/* --- VFIO's mappings --------------------------------------------------------- */

FIXTURE(imported)
{
	char name[PCI_NAME_LEN];
	struct vfio vfio;
	int fd;
	uint32_t device, parent;
	char *mem;
};

FIXTURE_SETUP(imported)
{
	int rc;

	NEED_ENGINE(0, self->name);
	ASSERT_EQ(0, pci_bind_driver(self->name, "vfio-pci"));
	ASSERT_EQ(0, vfio_open(&self->vfio, self->name));
	self->mem = mem_alloc(SZ_2M, SZ_2M);
	ASSERT_NE(NULL, self->mem);
	ASSERT_EQ(0, vfio_map(&self->vfio, self->mem, SZ_2M, IPA,
			      VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE));
	self->fd = sva_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, sva_bind_vfio(self->fd, pci_bdf(self->name), self->vfio.group,
				   &self->device));
	rc = sva_hwpt_import(self->fd, self->device, &self->parent);
	EXPECT_EQ(can_nest(self->fd, self->device) ? 0 : -EOPNOTSUPP, rc);
	if (!has_viommu(self->fd, self->device))
		SKIP(return, "the unit cannot nest");
	ASSERT_EQ(0, rc);
}

FIXTURE_TEARDOWN(imported)
{
	close(self->fd);
	vfio_close(&self->vfio);
	pci_unbind(self->name);
}

/* As a guest without tables has it, and what stands on it. */
TEST_F(imported, objects)
{
	uint32_t again, viommu, nested;

	ASSERT_EQ(0, sva_hwpt_import(self->fd, self->device, &again));
	EXPECT_EQ(0, sva_attach(self->fd, self->device, again, NULL));
	EXPECT_EQ(-EBUSY, sva_destroy(self->fd, again));
	ASSERT_EQ(0, sva_viommu_alloc(self->fd, kind()->viommu, self->device, self->parent,
				      &viommu));
	ASSERT_EQ(0, nest(self->fd, self->device, viommu, &nested));
	EXPECT_EQ(-EBUSY, sva_destroy(self->fd, self->parent));
	EXPECT_EQ(0, sva_destroy(self->fd, nested));
	EXPECT_EQ(0, sva_destroy(self->fd, viommu));
	EXPECT_EQ(0, sva_destroy(self->fd, self->parent));
	EXPECT_EQ(0, sva_detach(self->fd, self->device));
	EXPECT_EQ(0, sva_destroy(self->fd, again));
}

/* Not for a device of somebody else's container. */
TEST_F(imported, for_its_own_devices)
{
	char name[PCI_NAME_LEN];
	uint32_t raw;

	NEED_ENGINE(1, name);
	ASSERT_EQ(0, pci_unbind(name));
	ASSERT_EQ(0, sva_bind(self->fd, pci_bdf(name), &raw));
	EXPECT_EQ(-EINVAL, sva_attach(self->fd, raw, self->parent, NULL));
	EXPECT_EQ(0, sva_destroy(self->fd, raw));
}

/* VFIO frees it under everything that stands on it. */
TEST_F(imported, vfio_closes_first)
{
	uint32_t viommu, nested, out;

	ASSERT_EQ(0, sva_viommu_alloc(self->fd, kind()->viommu, self->device, self->parent,
				      &viommu));
	ASSERT_EQ(0, nest(self->fd, self->device, viommu, &nested));
	ASSERT_EQ(0, sva_attach(self->fd, self->device, self->parent, NULL));
	vfio_close(&self->vfio);
	EXPECT_EQ(-ENODEV, sva_attach(self->fd, self->device, self->parent, NULL));
	EXPECT_EQ(-ENODEV, sva_attach(self->fd, self->device, nested, NULL));
	EXPECT_EQ(-ENODEV, nest(self->fd, self->device, viommu, &out));
	EXPECT_EQ(-ENODEV, nest(self->fd, self->device, self->parent, &out));
	EXPECT_EQ(-ENODEV, sva_viommu_alloc(self->fd, kind()->viommu, self->device,
					    self->parent, &out));
	EXPECT_EQ(-ENODEV, sva_hwpt_import(self->fd, self->device, &out));
	EXPECT_EQ(0, sva_detach(self->fd, self->device));
	EXPECT_EQ(0, sva_destroy(self->fd, nested));
	EXPECT_EQ(0, sva_destroy(self->fd, viommu));
	EXPECT_EQ(0, sva_destroy(self->fd, self->parent));
	/* And everything can begin anew. */
	ASSERT_EQ(0, vfio_open(&self->vfio, self->name));
}

TEST_F(imported, closed_over_it)
{
	uint32_t viommu, nested;

	ASSERT_EQ(0, sva_viommu_alloc(self->fd, kind()->viommu, self->device, self->parent,
				      &viommu));
	ASSERT_EQ(0, nest(self->fd, self->device, viommu, &nested));
	ASSERT_EQ(0, sva_attach(self->fd, self->device, self->parent, NULL));
	close(self->fd);
	self->fd = sva_open();
	ASSERT_EQ(0, sva_bind_vfio(self->fd, pci_bdf(self->name), self->vfio.group,
				   &self->device));
	EXPECT_EQ(0, sva_hwpt_import(self->fd, self->device, &self->parent));
}

TEST_HARNESS_MAIN
