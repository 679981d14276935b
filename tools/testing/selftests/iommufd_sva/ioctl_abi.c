// SPDX-License-Identifier: GPL-2.0-only
/*
 * What holds for every ioctl of /dev/iommufd_sva whatever it does: struct
 * sizes, unknown flags, reserved fields, ids of nothing, numbers not built.
 * Needs the core module, no IOMMU.
 */
#include "selftest.h"

/* The largest struct of the interface, with room for bytes after it. */
#define BUF_LEN 256
#define NONE 0xffffu

/*
 * @min: the smallest size that is taken
 * @flags, @reserved: offsets, NONE if the struct has no such field
 * @id: offset of an id that must exist for the call to get anywhere
 */
struct ioctl_case {
	const char *name;
	unsigned int nr;
	unsigned int size, min;
	unsigned int flags, reserved;
	unsigned int id;
};

#define CASE(NAME, type, _min, _flags, _reserved, _id)                         \
	{ #NAME, IOMMUFD_SVA_CMD_##NAME, sizeof(struct type), _min, _flags,    \
	  _reserved, _id }
#define OFF(type, field) offsetof(struct type, field)

static const struct ioctl_case built[] = {
	CASE(DESTROY, iommufd_sva_destroy, 8, NONE, NONE,
	     OFF(iommufd_sva_destroy, id)),
	CASE(IOAS_ALLOC, iommufd_sva_ioas_alloc, 12,
	     OFF(iommufd_sva_ioas_alloc, flags), NONE, NONE),
	CASE(IOAS_ALLOW_IOVAS, iommufd_sva_ioas_allow_iovas, 24, NONE,
	     OFF(iommufd_sva_ioas_allow_iovas, __reserved),
	     OFF(iommufd_sva_ioas_allow_iovas, ioas_id)),
	CASE(IOAS_COPY, iommufd_sva_ioas_copy, 40,
	     OFF(iommufd_sva_ioas_copy, flags), NONE,
	     OFF(iommufd_sva_ioas_copy, src_ioas_id)),
	CASE(IOAS_IOVA_RANGES, iommufd_sva_ioas_iova_ranges, 32, NONE,
	     OFF(iommufd_sva_ioas_iova_ranges, __reserved),
	     OFF(iommufd_sva_ioas_iova_ranges, ioas_id)),
	CASE(IOAS_MAP, iommufd_sva_ioas_map, 40,
	     OFF(iommufd_sva_ioas_map, flags),
	     OFF(iommufd_sva_ioas_map, __reserved),
	     OFF(iommufd_sva_ioas_map, ioas_id)),
	CASE(IOAS_MAP_FILE, iommufd_sva_ioas_map_file, 40,
	     OFF(iommufd_sva_ioas_map_file, flags), NONE,
	     OFF(iommufd_sva_ioas_map_file, ioas_id)),
	CASE(IOAS_UNMAP, iommufd_sva_ioas_unmap, 24, NONE, NONE,
	     OFF(iommufd_sva_ioas_unmap, ioas_id)),
	CASE(IOAS_CHANGE_PROCESS, iommufd_sva_ioas_change_process, 8, NONE,
	     OFF(iommufd_sva_ioas_change_process, __reserved), NONE),
	CASE(OPTION, iommufd_sva_option, 24, NONE,
	     OFF(iommufd_sva_option, __reserved), NONE),
	CASE(HWPT_ALLOC, iommufd_sva_hwpt_alloc, 24,
	     OFF(iommufd_sva_hwpt_alloc, flags),
	     OFF(iommufd_sva_hwpt_alloc, __reserved),
	     OFF(iommufd_sva_hwpt_alloc, dev_id)),
	CASE(GET_HW_INFO, iommufd_sva_hw_info, 32,
	     OFF(iommufd_sva_hw_info, flags), NONE,
	     OFF(iommufd_sva_hw_info, dev_id)),
	CASE(DEVICE_BIND, iommufd_sva_device_bind, 24,
	     OFF(iommufd_sva_device_bind, flags),
	     OFF(iommufd_sva_device_bind, __reserved), NONE),
	CASE(DEVICE_ATTACH, iommufd_sva_device_attach, 24,
	     OFF(iommufd_sva_device_attach, flags),
	     OFF(iommufd_sva_device_attach, __reserved),
	     OFF(iommufd_sva_device_attach, device_id)),
	CASE(DEVICE_DETACH, iommufd_sva_device_detach, 16,
	     OFF(iommufd_sva_device_detach, flags), NONE,
	     OFF(iommufd_sva_device_detach, device_id)),
	CASE(HWPT_INVALIDATE, iommufd_sva_hwpt_invalidate, 32, NONE,
	     OFF(iommufd_sva_hwpt_invalidate, __reserved),
	     OFF(iommufd_sva_hwpt_invalidate, hwpt_id)),
	CASE(VIOMMU_ALLOC, iommufd_sva_viommu_alloc, 24,
	     OFF(iommufd_sva_viommu_alloc, flags), NONE,
	     OFF(iommufd_sva_viommu_alloc, dev_id)),
	CASE(VDEVICE_ALLOC, iommufd_sva_vdevice_alloc, 24, NONE, NONE,
	     OFF(iommufd_sva_vdevice_alloc, viommu_id)),
	CASE(VEVENTQ_ALLOC, iommufd_sva_veventq_alloc, 28,
	     OFF(iommufd_sva_veventq_alloc, flags),
	     OFF(iommufd_sva_veventq_alloc, __reserved),
	     OFF(iommufd_sva_veventq_alloc, viommu_id)),
	CASE(FAULT_QUEUE_ALLOC, iommufd_sva_fault_alloc, 16,
	     OFF(iommufd_sva_fault_alloc, flags), NONE, NONE),
	CASE(VSID_MAP, iommufd_sva_vsid_map, 32,
	     OFF(iommufd_sva_vsid_map, flags), NONE,
	     OFF(iommufd_sva_vsid_map, viommu_id)),
	CASE(PASID_TABLE_ALLOC, iommufd_sva_pasid_table_alloc, 40,
	     OFF(iommufd_sva_pasid_table_alloc, flags),
	     OFF(iommufd_sva_pasid_table_alloc, __reserved),
	     OFF(iommufd_sva_pasid_table_alloc, pt_id)),
	CASE(FAULT_RING, iommufd_sva_fault_ring, 32,
	     OFF(iommufd_sva_fault_ring, flags), OFF(iommufd_sva_fault_ring, __reserved),
	     OFF(iommufd_sva_fault_ring, fault_id)),
	CASE(HWPT_IMPORT, iommufd_sva_hwpt_import, 16,
	     OFF(iommufd_sva_hwpt_import, flags), NONE,
	     OFF(iommufd_sva_hwpt_import, device_id)),
};

static const unsigned int not_built[] = {
	0x00, 0x7f,
	0x88, /* iommufd's VFIO_IOAS */
	IOMMUFD_SVA_CMD_HWPT_SET_DIRTY_TRACKING,
	IOMMUFD_SVA_CMD_HWPT_GET_DIRTY_BITMAP,
	0x94, 0x95, 0x96, 0xbf,
	IOMMUFD_SVA_CMD_MM_BIND,
	IOMMUFD_SVA_CMD_PASID_GRANT,
	0xc9, 0xff,
};

#define for_each_case(c) \
	for (c = built; c < built + ARRAY_SIZE(built); c++)

FIXTURE(ioctl_abi)
{
	int fd;
	uint32_t ioas;
	/* Ends at the end of a page, behind which nothing is mapped. */
	uint8_t *edge;
	uint8_t buf[BUF_LEN];
};

FIXTURE_SETUP(ioctl_abi)
{
	char *two;

	self->fd = sva_open();
	ASSERT_LE(0, self->fd) TH_LOG("cannot open " SVA_DEV);
	ASSERT_EQ(0, sva_ioas_alloc(self->fd, &self->ioas));
	two = mmap(NULL, 2 * SZ_4K, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, two);
	ASSERT_EQ(0, mprotect(two + SZ_4K, SZ_4K, PROT_NONE));
	self->edge = (uint8_t *)two + SZ_4K;
}

FIXTURE_TEARDOWN(ioctl_abi)
{
	close(self->fd);
}

static uint32_t *field(uint8_t *buf, unsigned int offset)
{
	return (uint32_t *)(buf + offset);
}

/* The struct with nothing in it but its size, and an id of nothing. */
static uint8_t *empty(FIXTURE_DATA(ioctl_abi) *self, const struct ioctl_case *c)
{
	memset(self->buf, 0, sizeof(self->buf));
	*field(self->buf, 0) = c->size;
	if (c->id != NONE)
		*field(self->buf, c->id) = 0xdead;
	return self->buf;
}

static int call(FIXTURE_DATA(ioctl_abi) *self, const struct ioctl_case *c,
		void *arg)
{
	return sva_ioctl(self->fd, _IO(IOMMUFD_SVA_TYPE, c->nr), arg);
}

TEST_F(ioctl_abi, too_small)
{
	const struct ioctl_case *c;

	for_each_case(c) {
		for (unsigned int size = 0; size < c->min; size++) {
			empty(self, c);
			*field(self->buf, 0) = size;
			EXPECT_EQ(-EINVAL, call(self, c, self->buf))
				TH_LOG("%s size %u", c->name, size);
		}
	}
}

/* What the kernel does not know must be 0, and is then no matter. */
TEST_F(ioctl_abi, trailing_bytes)
{
	const struct ioctl_case *c;
	int plain;

	for_each_case(c) {
		plain = call(self, c, empty(self, c));

		empty(self, c);
		*field(self->buf, 0) = c->size + 16;
		EXPECT_EQ(plain, call(self, c, self->buf))
			TH_LOG("%s with zeroes behind", c->name);

		empty(self, c);
		*field(self->buf, 0) = c->size + 16;
		self->buf[c->size + 15] = 1;
		EXPECT_EQ(-E2BIG, call(self, c, self->buf))
			TH_LOG("%s with a 1 behind", c->name);
	}
}

/* Not a byte beyond @size is looked at. */
TEST_F(ioctl_abi, ends_at_unmapped)
{
	const struct ioctl_case *c;

	for_each_case(c) {
		uint8_t *at = self->edge - c->size;
		int plain = call(self, c, empty(self, c));

		memcpy(at, empty(self, c), c->size);
		EXPECT_EQ(plain, call(self, c, at)) TH_LOG("%s", c->name);

		/* One byte short of what it says it has. */
		*field(self->buf, 0) = c->size + 8;
		memcpy(at, self->buf, c->size);
		EXPECT_EQ(-EFAULT, call(self, c, at)) TH_LOG("%s", c->name);
	}
}

TEST_F(ioctl_abi, unreadable)
{
	const struct ioctl_case *c;

	for_each_case(c) {
		EXPECT_EQ(-EFAULT, call(self, c, NULL)) TH_LOG("%s", c->name);
		EXPECT_EQ(-EFAULT, call(self, c, self->edge))
			TH_LOG("%s", c->name);
	}
}

TEST_F(ioctl_abi, unknown_flags)
{
	const struct ioctl_case *c;

	for_each_case(c) {
		if (c->flags == NONE)
			continue;
		for (int bit = 8; bit < 32; bit++) {
			empty(self, c);
			*field(self->buf, c->flags) = 1U << bit;
			EXPECT_EQ(-EOPNOTSUPP, call(self, c, self->buf))
				TH_LOG("%s flag %d", c->name, bit);
		}
	}
}

TEST_F(ioctl_abi, reserved)
{
	const struct ioctl_case *c;

	for_each_case(c) {
		if (c->reserved == NONE)
			continue;
		empty(self, c);
		self->buf[c->reserved] = 1;
		EXPECT_EQ(-EOPNOTSUPP, call(self, c, self->buf))
			TH_LOG("%s", c->name);
	}
}

static void not_built_is_enotty(struct __test_metadata *_metadata,
				FIXTURE_DATA(ioctl_abi) *self)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(not_built); i++) {
		unsigned long cmd = _IO(IOMMUFD_SVA_TYPE, not_built[i]);

		memset(self->buf, 0, sizeof(self->buf));
		EXPECT_EQ(-ENOTTY, sva_ioctl(self->fd, cmd, self->buf))
			TH_LOG("0x%x", not_built[i]);
		EXPECT_EQ(-ENOTTY, sva_ioctl(self->fd, cmd, NULL))
			TH_LOG("0x%x without a struct", not_built[i]);
		memset(self->buf, 0xff, sizeof(self->buf));
		EXPECT_EQ(-ENOTTY, sva_ioctl(self->fd, cmd, self->buf))
			TH_LOG("0x%x full of ones", not_built[i]);
	}
}

TEST_F(ioctl_abi, not_built)
{
	not_built_is_enotty(_metadata, self);
}

TEST_F(ioctl_abi, wrong_ioctl_type)
{
	empty(self, &built[1]);
	EXPECT_EQ(-ENOTTY, sva_ioctl(self->fd, _IO('V', built[1].nr), self->buf));
	EXPECT_EQ(-ENOTTY, sva_ioctl(self->fd,
				     _IOW(IOMMUFD_SVA_TYPE, built[1].nr, int),
				     self->buf));
}

/* The calls that need an id, given other ones, and still good afterwards. */
static void expect_no_object(struct __test_metadata *_metadata,
			     FIXTURE_DATA(ioctl_abi) *self, uint32_t id)
{
	struct iommufd_sva_iova_range range = { 0x1000, 0x1fff };
	uint32_t num = 1, out;
	uint64_t val = 0;

	EXPECT_EQ(-ENOENT, sva_map(self->fd, id, self, SZ_4K, 0, SVA_RW));
	EXPECT_EQ(-ENOENT, sva_unmap(self->fd, id, 0, SZ_4K, NULL));
	EXPECT_EQ(-ENOENT, sva_copy(self->fd, id, 0, self->ioas, 0, SZ_4K, SVA_RW));
	EXPECT_EQ(-ENOENT, sva_copy(self->fd, self->ioas, 0, id, 0, SZ_4K, SVA_RW));
	EXPECT_EQ(-ENOENT, sva_ranges(self->fd, id, &range, &num, NULL));
	EXPECT_EQ(-ENOENT, sva_allow(self->fd, id, &range, 1));
	EXPECT_EQ(-ENOENT, sva_option(self->fd, IOMMUFD_SVA_OPTION_HUGE_PAGES,
				      IOMMUFD_SVA_OPTION_OP_GET, id, &val));
	EXPECT_EQ(-ENOENT, sva_attach(self->fd, id, self->ioas, NULL));
	EXPECT_EQ(-ENOENT, sva_detach(self->fd, id));
	EXPECT_EQ(-ENOENT, sva_hwpt_alloc(self->fd, id, self->ioas, 0, &out));
}

TEST_F(ioctl_abi, id_of_nothing)
{
	expect_no_object(_metadata, self, 0);
	expect_no_object(_metadata, self, 0xffffffff);
	expect_no_object(_metadata, self, self->ioas + 1);
	EXPECT_EQ(-ENOENT, sva_destroy(self->fd, 0));
	EXPECT_EQ(-ENOENT, sva_destroy(self->fd, self->ioas + 1));
}

TEST_F(ioctl_abi, stale_id)
{
	uint32_t gone;

	ASSERT_EQ(0, sva_ioas_alloc(self->fd, &gone));
	ASSERT_EQ(0, sva_destroy(self->fd, gone));
	expect_no_object(_metadata, self, gone);
	EXPECT_EQ(-ENOENT, sva_destroy(self->fd, gone));
}

TEST_F(ioctl_abi, foreign_id)
{
	int other = sva_open();
	uint32_t theirs[3], num = 0;

	ASSERT_LE(0, other);
	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(0, sva_ioas_alloc(other, &theirs[i]));
	}
	expect_no_object(_metadata, self, theirs[2]);
	EXPECT_EQ(-ENOENT, sva_destroy(self->fd, theirs[2]));
	EXPECT_EQ(-EMSGSIZE, sva_ranges(other, theirs[2], NULL, &num, NULL));
	close(other);
}

TEST_F(ioctl_abi, wrong_kind)
{
	struct iommufd_sva_hw_info info = {
		.size = sizeof(info),
		.dev_id = self->ioas,
	};
	uint32_t hwpt;

	EXPECT_EQ(-ENOENT, sva_ioctl(self->fd, IOMMUFD_SVA_GET_HW_INFO, &info));
	EXPECT_EQ(-ENOENT, sva_attach(self->fd, self->ioas, self->ioas, NULL));
	EXPECT_EQ(-ENOENT, sva_detach(self->fd, self->ioas));
	EXPECT_EQ(-ENOENT,
		  sva_hwpt_alloc(self->fd, self->ioas, self->ioas, 0, &hwpt));
}

/* A failed call has not made anything: the ids go on where they were. */
TEST_F(ioctl_abi, failed_call_makes_nothing)
{
	const struct ioctl_case *c;
	uint32_t before, after;

	ASSERT_EQ(0, sva_ioas_alloc(self->fd, &before));
	ASSERT_EQ(0, sva_destroy(self->fd, before));
	for_each_case(c) {
		empty(self, c);
		*field(self->buf, 0) = c->size + 16;
		self->buf[c->size] = 1;
		EXPECT_EQ(-E2BIG, call(self, c, self->buf));
	}
	ASSERT_EQ(0, sva_ioas_alloc(self->fd, &after));
	EXPECT_EQ(0, sva_destroy(self->fd, after));
	EXPECT_EQ(0, sva_destroy(self->fd, self->ioas));
}

/* What cannot be copied out has not been made. */
TEST_F(ioctl_abi, read_only_struct)
{
	struct iommufd_sva_ioas_alloc *alloc;
	int num = 0;

	alloc = mmap(NULL, SZ_4K, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, alloc);
	alloc->size = sizeof(*alloc);
	ASSERT_EQ(0, mprotect(alloc, SZ_4K, PROT_READ));
	EXPECT_EQ(-EFAULT, sva_ioctl(self->fd, IOMMUFD_SVA_IOAS_ALLOC, alloc));
	for (uint32_t id = 0; id < 64; id++)
		if (!sva_destroy(self->fd, id))
			num++;
	EXPECT_EQ(1, num) TH_LOG("only the fixture's own IOAS is there");
}

TEST_F(ioctl_abi, open_and_close)
{
	for (int i = 0; i < 200; i++) {
		int fd = sva_open();
		uint32_t ioas;

		ASSERT_LE(0, fd);
		for (int j = 0; j < 20; j++) {
			ASSERT_EQ(0, sva_ioas_alloc(fd, &ioas));
		}
		close(fd);
	}
}

TEST_HARNESS_MAIN
