// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a VT-d unit can do, and what becomes of it.
 *
 * The machine is told by the environment:
 *   ADDRESS_BITS=39		width of an address, if not 48
 *   UNIT="cap.7=1 ecap.7=0"	bits of its capability registers
 */
#include <linux/vfio.h>

#include "selftest.h"

#define IOVA 0x40000000UL

FIXTURE(vtd)
{
	char name[PCI_NAME_LEN];
	int fd;
	uint32_t ioas, device;
	struct iommufd_sva_hw_info_vtd vtd;
	struct vfio vfio;
};

FIXTURE_SETUP(vtd)
{
	struct iommufd_sva_hw_info info = {
		.size = sizeof(info),
		.data_len = sizeof(self->vtd),
		.data_uptr = (uintptr_t)&self->vtd,
	};

	self->vfio = (struct vfio){ .container = -1, .group = -1, .device = -1 };
	NEED_ENGINE(0, self->name);
	ASSERT_EQ(0, pci_unbind(self->name));
	self->fd = sva_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, sva_ioas_alloc(self->fd, &self->ioas));
	ASSERT_EQ(0, sva_bind(self->fd, pci_bdf(self->name), &self->device));
	info.dev_id = self->device;
	ASSERT_EQ(0, sva_ioctl(self->fd, IOMMUFD_SVA_GET_HW_INFO, &info));
	ASSERT_EQ(IOMMUFD_SVA_HW_INFO_TYPE_INTEL_VTD, info.out_data_type);
}

FIXTURE_TEARDOWN(vtd)
{
	vfio_close(&self->vfio);
	close(self->fd);
	pci_unbind(self->name);
}

TEST_F(vtd, is_the_machine_it_should_be)
{
	char *list = strdup(getenv("UNIT") ?: ""), *word, reg[8];
	unsigned int bit, value;

	for (word = strtok(list, " "); word; word = strtok(NULL, " ")) {
		ASSERT_EQ(3, sscanf(word, "%7[^.].%u=%u", reg, &bit, &value)) TH_LOG("%s", word);
		EXPECT_EQ(value, (strcmp(reg, "cap") ? self->vtd.ecap_reg :
						       self->vtd.cap_reg) >> bit & 1)
			TH_LOG("%s", word);
	}
	free(list);
}

/* CAP.SAGAW (bits 12:8): four levels where the unit can, else five, else three. */
static unsigned int reach_of_tables(uint64_t cap)
{
	return cap >> 10 & 1 ? 48 : cap >> 11 & 1 ? 57 : 39;
}

/* CAP.MGAW (bits 21:16, less one), as far as the tables reach. */
TEST_F(vtd, all_addresses)
{
	struct iommufd_sva_iova_range ranges[16];
	const char *told = getenv("ADDRESS_BITS");
	uint32_t num = ARRAY_SIZE(ranges);
	unsigned int bits = (self->vtd.cap_reg >> 16 & 0x3f) + 1;
	char text[2048], entry[32], root[8], above[8];
	unsigned int levels;
	uint64_t last;

	if (bits > reach_of_tables(self->vtd.cap_reg))
		bits = reach_of_tables(self->vtd.cap_reg);
	EXPECT_EQ(told ? atoi(told) : 48, bits);
	ASSERT_EQ(0, sva_attach(self->fd, self->device, self->ioas, NULL));
	ASSERT_EQ(0, sva_ranges(self->fd, self->ioas, ranges, &num, NULL));
	last = ranges[num - 1].last;
	EXPECT_EQ((1ULL << bits) - 1, last);

	/* Tables of no more levels than that takes. */
	ASSERT_EQ(0, walk(self->name, last, text, sizeof(text)));
	levels = bits > 48 ? 5 : bits > 39 ? 4 : 3;
	snprintf(root, sizeof(root), "ss%u", levels);
	snprintf(above, sizeof(above), "ss%u", levels + 1);
	EXPECT_TRUE(walk_get(text, root, "entry", entry, sizeof(entry)));
	EXPECT_FALSE(walk_get(text, above, "entry", entry, sizeof(entry)));
}

/*
 * With snoop control VFIO hears that a device cannot get round the CPU's caches,
 * and what makes it so is in the device's PASID entry: PGSNP, bit 88 (9.6).
 */
TEST_F(vtd, snoop_control)
{
	bool can = self->vtd.ecap_reg >> 7 & 1;
	char text[2048], type[32];

	ASSERT_EQ(0, sva_destroy(self->fd, self->device));
	ASSERT_EQ(0, pci_bind_driver(self->name, "vfio-pci"));
	ASSERT_EQ(0, vfio_open(&self->vfio, self->name));
	EXPECT_EQ(can, ioctl(self->vfio.container, VFIO_CHECK_EXTENSION,
			     VFIO_DMA_CC_IOMMU));
	ASSERT_EQ(0, walk(self->name, IOVA, text, sizeof(text)));
	walk_get(text, "pasid", "type", type, sizeof(type));
	EXPECT_STREQ("second-stage", type);
	EXPECT_EQ(can, walk_number(text, "pasid", "entry1") >> 24 & 1)
		TH_LOG("%s", text);
}

TEST_HARNESS_MAIN
