// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nested translation on an SMMUv3: the guest's stage 1 over the host's stage 2,
 * both walked by hardware. Needs a unit of ours that nests, with a DMA
 * engine behind it, and for DMA at full speed a fast one.
 */
#include <linux/vfio.h>
#include <pthread.h>
#include <sys/eventfd.h>

#include "guest.h"
#include "selftest.h"

#define SMMUV3_VIOMMU IOMMUFD_SVA_VIOMMU_TYPE_ARM_SMMUV3
#define SMMUV3_STE IOMMUFD_SVA_HWPT_DATA_ARM_SMMUV3
#define SMMUV3_CMD IOMMUFD_SVA_VIOMMU_INVALIDATE_DATA_ARM_SMMUV3
#define SMMUV3_EVENT IOMMUFD_SVA_VEVENTQ_TYPE_ARM_SMMUV3
#define NEST_PARENT IOMMUFD_SVA_HWPT_ALLOC_NEST_PARENT

#define IPA 0x40000000UL
#define GUEST_SIZE (16 * SZ_2M)
/* Another piece of guest memory, mapped and unmapped on its own. */
#define IPA2 0x80000000UL
/* Where a guest's memory is not. */
#define NOWHERE 0x700000000UL
#define VA 0x7f1234560000UL
#define VSID 0x4455
/* How long anything may take on a busy machine. */
#define SOON_MS 20000

/* A device in a guest. */
struct vdev {
	char name[PCI_NAME_LEN];
	uint32_t device;
	uint32_t vdevice;
};

FIXTURE(nested)
{
	struct vdev dev;
	int fd;
	uint32_t ioas;
	uint32_t parent;
	uint32_t viommu;
	struct guest g;
	struct engine engine;
	int log;
};

FIXTURE_SETUP(nested)
{
	NEED_ENGINE(0, self->dev.name);
	self->fd = sva_open();
	ASSERT_LE(0, self->fd) TH_LOG("cannot open " SVA_DEV);
	ASSERT_EQ(0, pci_unbind(self->dev.name));
	ASSERT_EQ(0, sva_bind(self->fd, pci_bdf(self->dev.name), &self->dev.device));
	ASSERT_EQ(0, sva_ioas_alloc(self->fd, &self->ioas));
	ASSERT_EQ(0, guest_init(&self->g, IPA, GUEST_SIZE));
	ASSERT_EQ(0, sva_map(self->fd, self->ioas, self->g.mem, GUEST_SIZE, IPA, SVA_RW));
	ASSERT_EQ(0, sva_hwpt_alloc(self->fd, self->dev.device, self->ioas, NEST_PARENT,
				    &self->parent));
	ASSERT_EQ(0, sva_viommu_alloc(self->fd, SMMUV3_VIOMMU, self->dev.device,
				      self->parent, &self->viommu));
	ASSERT_EQ(0, sva_vdevice_alloc(self->fd, self->viommu, self->dev.device, VSID,
				       &self->dev.vdevice));
	ASSERT_EQ(0, engine_open(&self->engine, self->dev.name));
	self->log = fault_mark();
	ASSERT_LE(0, self->log);
}

FIXTURE_TEARDOWN(nested)
{
	engine_close(&self->engine);
	close(self->fd);
	guest_free(&self->g);
}

static int nest(int fd, uint32_t device, uint32_t pt, const uint64_t ste[2], uint32_t *hwpt)
{
	return sva_hwpt_nested(fd, device, pt, SMMUV3_STE, ste, 16, hwpt);
}

/* Make an address space of the guest's the device's. */
static int attach_s1(FIXTURE_DATA(nested) *self, struct s1 *s1, uint32_t *hwpt)
{
	uint64_t ste[2];
	int rc;

	guest_ste(ste, guest_cd(s1));
	rc = nest(self->fd, self->dev.device, self->viommu, ste, hwpt);
	return rc ? rc : sva_attach(self->fd, self->dev.device, *hwpt, NULL);
}

static int invalidate(FIXTURE_DATA(nested) *self, struct guest_cmd cmd)
{
	uint32_t num = 1;
	int rc = sva_invalidate(self->fd, self->viommu, SMMUV3_CMD, &cmd, sizeof(cmd), &num);

	return rc ? rc : num != 1;
}

/* The device writes a page of @seed's bytes to @iova. */
static int store(struct engine *engine, struct guest *g, uint64_t iova, uint64_t from,
		 uint64_t from_va, unsigned int seed)
{
	mem_fill(guest_ptr(g, from), SZ_4K, seed);
	if (engine_fetch(engine, from_va, SZ_4K))
		return -1;
	return engine_store(engine, iova, SZ_4K);
}

/* The registers of the device's unit that say what it can. */
static struct iommufd_sva_hw_info_arm_smmuv3 unit_of(FIXTURE_DATA(nested) *self)
{
	struct iommufd_sva_hw_info_arm_smmuv3 smmu = {};
	struct iommufd_sva_hw_info info = {
		.size = sizeof(info),
		.dev_id = self->dev.device,
		.data_len = sizeof(smmu),
		.data_uptr = (uintptr_t)&smmu,
	};

	sva_ioctl(self->fd, IOMMUFD_SVA_GET_HW_INFO, &info);
	return smmu;
}

/* --- what a guest's tables do ------------------------------------------ */

static void both_stages(struct __test_metadata *_metadata, FIXTURE_DATA(nested) *self,
			unsigned int granule)
{
	size_t page = 1UL << granule;
	uint64_t from = guest_alloc(&self->g, page, page);
	uint64_t to = guest_alloc(&self->g, page, page);
	struct s1 s1;
	uint32_t hwpt;

	s1_init(&s1, &self->g, granule, 5);
	/* Neighbours for the guest, apart and the other way round in its memory. */
	s1_map(&s1, VA, to, S1_RW);
	s1_map(&s1, VA + page, from, S1_RO);
	ASSERT_EQ(0, attach_s1(self, &s1, &hwpt));
	ASSERT_EQ(0, store(&self->engine, &self->g, VA, from, VA + page, 1));
	EXPECT_EQ(-1, mem_check(guest_ptr(&self->g, to), SZ_4K, 1));
	/* The last 4K of a larger page. */
	ASSERT_EQ(0, engine_store(&self->engine, VA + page - SZ_4K, SZ_4K));
	EXPECT_EQ(-1, mem_check(guest_ptr(&self->g, to + page - SZ_4K), SZ_4K, 1));
	EXPECT_FALSE(any_fault_logged(self->log, self->dev.name));
}

TEST_F(nested, both_stages_4k)
{
	both_stages(_metadata, self, 12);
}

TEST_F(nested, both_stages_64k)
{
	/* IDR5.GRAN64K */
	if (!(unit_of(self).idr[5] & 0x40))
		SKIP(return, "the unit has no pages of 64K");
	both_stages(_metadata, self, 16);
}

/* A page that moves: until the guest says so the device may go to the old place. */
static void moved(struct __test_metadata *_metadata, FIXTURE_DATA(nested) *self,
		  struct guest_cmd cmd)
{
	uint64_t from = guest_alloc(&self->g, SZ_4K, SZ_4K);
	uint64_t old = guest_alloc(&self->g, SZ_4K, SZ_4K);
	uint64_t new = guest_alloc(&self->g, SZ_4K, SZ_4K);
	struct s1 s1;
	uint32_t hwpt;

	s1_init(&s1, &self->g, 12, 7);
	s1_map(&s1, VA, old, S1_RW);
	s1_map(&s1, VA + SZ_4K, from, S1_RO);
	ASSERT_EQ(0, attach_s1(self, &s1, &hwpt));
	ASSERT_EQ(0, store(&self->engine, &self->g, VA, from, VA + SZ_4K, 1));
	ASSERT_EQ(-1, mem_check(guest_ptr(&self->g, old), SZ_4K, 1));

	s1_map(&s1, VA, new, S1_RW);
	ASSERT_EQ(0, engine_store(&self->engine, VA, SZ_4K));
	/* QEMU remembers, as hardware may; this test proves nothing otherwise. */
	if (mem_check(guest_ptr(&self->g, new), SZ_4K, 1) == -1)
		SKIP(return, "the unit does not remember translations");
	ASSERT_EQ(0, invalidate(self, cmd));
	mem_fill(guest_ptr(&self->g, old), SZ_4K, 2);
	ASSERT_EQ(0, engine_store(&self->engine, VA, SZ_4K));
	EXPECT_EQ(-1, mem_check(guest_ptr(&self->g, new), SZ_4K, 1));
	EXPECT_EQ(-1, mem_check(guest_ptr(&self->g, old), SZ_4K, 2));
	EXPECT_FALSE(any_fault_logged(self->log, self->dev.name));
}

TEST_F(nested, tlbi_nh_va)
{
	moved(_metadata, self, cmd_tlbi_nh_va(7, VA, 1));
}

TEST_F(nested, tlbi_nh_va_all_levels)
{
	moved(_metadata, self, cmd_tlbi_nh_va(7, VA, 0));
}

TEST_F(nested, tlbi_nh_vaa)
{
	moved(_metadata, self, cmd_tlbi_nh_vaa(VA));
}

TEST_F(nested, tlbi_nh_asid)
{
	moved(_metadata, self, cmd_tlbi_nh_asid(7));
}

TEST_F(nested, tlbi_nh_all)
{
	moved(_metadata, self, cmd_tlbi_nh_all());
}

TEST_F(nested, tlbi_nsnh_all)
{
	moved(_metadata, self, cmd_tlbi_nsnh_all());
}

/* A context descriptor that changes in place. */
TEST_F(nested, cfgi_cd)
{
	uint64_t from = guest_alloc(&self->g, SZ_4K, SZ_4K);
	uint64_t page[2], cd[2], ste[2], *new;
	volatile uint64_t *now;
	struct s1 s1[2];
	uint32_t hwpt;

	for (int i = 0; i < 2; i++) {
		page[i] = guest_alloc(&self->g, SZ_4K, SZ_4K);
		s1_init(&s1[i], &self->g, 12, 10 + i);
		s1_map(&s1[i], VA, page[i], S1_RW);
		s1_map(&s1[i], VA + SZ_4K, from, S1_RO);
		cd[i] = guest_cd(&s1[i]);
	}
	guest_ste(ste, cd[0]);
	ASSERT_EQ(0, nest(self->fd, self->dev.device, self->viommu, ste, &hwpt));
	ASSERT_EQ(0, sva_attach(self->fd, self->dev.device, hwpt, NULL));
	ASSERT_EQ(0, store(&self->engine, &self->g, VA, from, VA + SZ_4K, 1));
	ASSERT_EQ(-1, mem_check(guest_ptr(&self->g, page[0]), SZ_4K, 1));

	/*
	 * By way of an invalid one: it does not fit into the 64 bits that are fetched
	 * at once (3.21.3).
	 */
	now = guest_ptr(&self->g, cd[0]);
	new = guest_ptr(&self->g, cd[1]);
	now[0] = 0;
	ASSERT_EQ(0, invalidate(self, cmd_cfgi_cd(VSID, 0)));
	memcpy((void *)&now[1], &new[1], 64 - 8);
	ASSERT_EQ(0, invalidate(self, cmd_cfgi_cd(VSID, 0)));
	now[0] = new[0];
	ASSERT_EQ(0, invalidate(self, cmd_cfgi_cd(VSID, 0)));
	ASSERT_EQ(0, engine_store(&self->engine, VA, SZ_4K));
	EXPECT_EQ(-1, mem_check(guest_ptr(&self->g, page[1]), SZ_4K, 1));
}

TEST_F(nested, bypass_and_abort)
{
	uint64_t from = guest_alloc(&self->g, SZ_4K, SZ_4K);
	uint64_t to = guest_alloc(&self->g, SZ_4K, SZ_4K);
	uint32_t bypass, abort;
	uint64_t ste[2];

	guest_ste_bypass(ste);
	ASSERT_EQ(0, nest(self->fd, self->dev.device, self->viommu, ste, &bypass));
	guest_ste_abort(ste);
	ASSERT_EQ(0, nest(self->fd, self->dev.device, self->viommu, ste, &abort));
	/* Guest-physical addresses, through stage 2 alone. */
	ASSERT_EQ(0, sva_attach(self->fd, self->dev.device, bypass, NULL));
	ASSERT_EQ(0, store(&self->engine, &self->g, to, from, from, 1));
	EXPECT_EQ(-1, mem_check(guest_ptr(&self->g, to), SZ_4K, 1));
	ASSERT_EQ(0, sva_attach(self->fd, self->dev.device, abort, NULL));
	mem_fill(guest_ptr(&self->g, to), SZ_4K, 2);
	ASSERT_EQ(0, engine_store(&self->engine, to, SZ_4K));
	EXPECT_EQ(-1, mem_check(guest_ptr(&self->g, to), SZ_4K, 2));
}

/* The guest's commands for a device name it: it has to have a name. */
TEST_F(nested, a_device_without_a_name)
{
	uint32_t bypass, hwpt;
	uint64_t ste[2];
	struct s1 s1;

	s1_init(&s1, &self->g, 12, 1);
	guest_ste_bypass(ste);
	ASSERT_EQ(0, nest(self->fd, self->dev.device, self->viommu, ste, &bypass));
	ASSERT_EQ(0, sva_destroy(self->fd, self->dev.vdevice));
	EXPECT_EQ(-ENOENT, attach_s1(self, &s1, &hwpt));
	EXPECT_EQ(0, sva_attach(self->fd, self->dev.device, bypass, NULL));
	EXPECT_EQ(-ENOENT, sva_attach(self->fd, self->dev.device, hwpt, NULL));
	ASSERT_EQ(0, sva_vdevice_alloc(self->fd, self->viommu, self->dev.device, VSID,
				       &self->dev.vdevice));
	EXPECT_EQ(0, sva_attach(self->fd, self->dev.device, hwpt, NULL));
}

/* --- what they cannot do ----------------------------------------------- */

/* Neither what the guest means to reach nor anything else of the guest's moves. */
static void reaches_nothing(struct __test_metadata *_metadata, FIXTURE_DATA(nested) *self,
			    uint64_t va)
{
	char *before = mem_alloc(GUEST_SIZE, 0);

	memcpy(before, self->g.mem, GUEST_SIZE);
	ASSERT_EQ(0, engine_store(&self->engine, va, SZ_4K));
	EXPECT_EQ(0, memcmp(before, self->g.mem, GUEST_SIZE));
	EXPECT_TRUE(some_fault_logged(self->log, self->dev.name));
	mem_free(before, GUEST_SIZE);
}

/* A physical page of the host that is no part of the guest. */
static uint64_t host_page(struct __test_metadata *_metadata, char **mem)
{
	uint64_t phys;

	*mem = mem_alloc(SZ_4K, 0);
	mem_fill(*mem, SZ_4K, 99);
	phys = mem_phys(*mem);
	ASSERT_NE(0, phys);
	return phys;
}

TEST_F(nested, page_outside)
{
	uint64_t phys;
	struct s1 s1;
	uint32_t hwpt;
	char *host;

	phys = host_page(_metadata, &host);
	s1_init(&s1, &self->g, 12, 1);
	/* Where nothing is, and what would be the host's if stage 2 were left out. */
	s1_map(&s1, VA, NOWHERE, S1_RW);
	s1_map(&s1, VA + SZ_4K, phys < IPA || phys >= IPA + GUEST_SIZE ? phys : NOWHERE, S1_RW);
	ASSERT_EQ(0, attach_s1(self, &s1, &hwpt));
	reaches_nothing(_metadata, self, VA);
	reaches_nothing(_metadata, self, VA + SZ_4K);
	EXPECT_EQ(-1, mem_check(host, SZ_4K, 99));
}

TEST_F(nested, table_outside)
{
	uint64_t to = guest_alloc(&self->g, SZ_4K, SZ_4K);
	struct s1 s1;
	uint32_t hwpt;

	s1_init(&s1, &self->g, 12, 1);
	s1_map(&s1, VA, to, S1_RW);
	/* The first entry that is there leads out. */
	for (int i = 0; i < 512; i++) {
		uint64_t *entry = (uint64_t *)guest_ptr(&self->g, s1.root) + i;

		if (*entry)
			*entry = NOWHERE | 3;
	}
	ASSERT_EQ(0, attach_s1(self, &s1, &hwpt));
	reaches_nothing(_metadata, self, VA);
}

TEST_F(nested, root_outside)
{
	struct s1 s1 = { .guest = &self->g, .granule = 12, .asid = 1, .root = NOWHERE };
	uint32_t hwpt;

	ASSERT_EQ(0, attach_s1(self, &s1, &hwpt));
	reaches_nothing(_metadata, self, VA);
}

TEST_F(nested, cd_outside)
{
	uint64_t ste[2];
	uint32_t hwpt;

	guest_ste(ste, NOWHERE);
	ASSERT_EQ(0, nest(self->fd, self->dev.device, self->viommu, ste, &hwpt));
	ASSERT_EQ(0, sva_attach(self->fd, self->dev.device, hwpt, NULL));
	reaches_nothing(_metadata, self, VA);
}

/* What stage 2 loses is lost to the guest at once, whatever it does not say. */
TEST_F(nested, parent_unmapped)
{
	uint64_t from = guest_alloc(&self->g, SZ_4K, SZ_4K);
	char *mem = mem_alloc(SZ_2M, SZ_2M);
	struct s1 s1;
	uint32_t hwpt;

	ASSERT_EQ(0, sva_map(self->fd, self->ioas, mem, SZ_2M, IPA2, SVA_RW));
	s1_init(&s1, &self->g, 12, 1);
	s1_map(&s1, VA, IPA2 + SZ_64K, S1_RW);
	s1_map(&s1, VA + SZ_4K, from, S1_RO);
	ASSERT_EQ(0, attach_s1(self, &s1, &hwpt));
	ASSERT_EQ(0, store(&self->engine, &self->g, VA, from, VA + SZ_4K, 1));
	ASSERT_EQ(-1, mem_check(mem + SZ_64K, SZ_4K, 1));
	ASSERT_EQ(0, sva_unmap(self->fd, self->ioas, IPA2, SZ_2M, NULL));
	mem_fill(mem + SZ_64K, SZ_4K, 2);
	reaches_nothing(_metadata, self, VA);
	EXPECT_EQ(-1, mem_check(mem + SZ_64K, SZ_4K, 2));
}

/* --- replace ------------------------------------------------------------ */

TEST_F(nested, replace_under_dma)
{
	struct storm s = { .iova = VA };
	uint32_t device, vdevice, viommu, hwpt[3];
	char name[PCI_NAME_LEN];
	unsigned int replaced = 0;
	uint64_t page[2], ste[2], end, last;

	NEED_FAST_ENGINE(name);
	ASSERT_EQ(0, pci_unbind(name));
	ASSERT_EQ(0, sva_bind(self->fd, pci_bdf(name), &device));
	ASSERT_EQ(0, engine_open(&s.dev, name));
	/* Maybe behind another unit than the first device. */
	ASSERT_EQ(0, sva_viommu_alloc(self->fd, SMMUV3_VIOMMU, device, self->parent, &viommu));
	ASSERT_EQ(0, sva_vdevice_alloc(self->fd, viommu, device, VSID + 1, &vdevice));
	for (int i = 0; i < 2; i++) {
		struct s1 s1;

		page[i] = guest_alloc(&self->g, SZ_4K, SZ_4K);
		s1_init(&s1, &self->g, 12, 20 + i);
		s1_map(&s1, VA, page[i], S1_RW);
		guest_ste(ste, guest_cd(&s1));
		ASSERT_EQ(0, nest(self->fd, device, viommu, ste, &hwpt[i]));
	}
	s.phys = mem_phys(guest_ptr(&self->g, page[0]));
	ASSERT_EQ(0, sva_attach(self->fd, device, hwpt[0], NULL));
	ASSERT_EQ(0, storm_start(&s));
	end = now_ns() + 2000000000ULL;
	last = now_ns() + SOON_MS * 1000000ULL;
	/* And until there were enough of both, if one is held up. */
	while (now_ns() < end ||
	       ((replaced <= 100 || s.count <= 100 || !s.elsewhere) && now_ns() < last)) {
		*(volatile uint32_t *)guest_ptr(&self->g, page[0]) = 0;
		if (sva_attach(self->fd, device, hwpt[++replaced & 1], NULL))
			break;
	}
	storm_stop(&s);
	TH_LOG("%u replacements, %lu writes, %lu of them to the second page", replaced,
	       s.count, s.elsewhere);
	EXPECT_LT(100, replaced);
	EXPECT_LT(100, s.count);
	EXPECT_LT(0, s.elsewhere);
	EXPECT_EQ(0, s.failed);
	EXPECT_FALSE(any_fault_logged(self->log, name));
	engine_close(&s.dev);
}

/* --- commands ----------------------------------------------------------- */

static int submit(FIXTURE_DATA(nested) *self, const struct guest_cmd *cmds, uint32_t *num)
{
	return sva_invalidate(self->fd, self->viommu, SMMUV3_CMD, cmds, sizeof(*cmds), num);
}

TEST_F(nested, long_batch)
{
	static struct guest_cmd cmds[10000];
	uint32_t num = 10000;

	for (int i = 0; i < 10000; i++)
		cmds[i] = cmd_tlbi_nh_va(i & 0xff, VA + i * SZ_4K, 1);
	ASSERT_EQ(0, submit(self, cmds, &num));
	EXPECT_EQ(10000, num);
	num = 0;
	EXPECT_EQ(0, submit(self, cmds, &num));
}

/* What comes before a bad command has taken effect, the rest has not. */
TEST_F(nested, bad_command_in_long_batch)
{
	static struct guest_cmd cmds[10000];
	static const uint32_t at[] = { 0, 1, 63, 64, 2047, 2048, 2049, 5000, 9999 };
	long commands = backend_tells("queue", NULL, "commands"), now;
	uint32_t num;

	ASSERT_LE(0, commands);
	for (int i = 0; i < 10000; i++)
		cmds[i] = cmd_tlbi_nh_va(i & 0xff, VA + i * SZ_4K, 1);
	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		struct guest_cmd good = cmds[at[i]];

		cmds[at[i]].word[0] |= 1 << 10;
		num = 10000;
		EXPECT_EQ(-EIO, submit(self, cmds, &num));
		EXPECT_EQ(at[i], num);
		cmds[at[i]] = good;
		now = backend_tells("queue", NULL, "commands");
		EXPECT_EQ(at[i], now - commands);
		commands = now;
	}
}

/* One doorbell and one CMD_SYNC for as many as go into the queue at once. */
TEST_F(nested, batches)
{
	static struct guest_cmd cmds[10000];
	static const uint32_t nums[] = { 1, 2, 256, 1024, 10000 };
	long batches;
	uint32_t num;

	for (int i = 0; i < 10000; i++)
		cmds[i] = i & 1 ? cmd_cfgi_cd(VSID, 0) : cmd_tlbi_nh_asid(i & 0xff);
	for (size_t i = 0; i < sizeof(nums) / sizeof(nums[0]); i++) {
		batches = backend_tells("queue", NULL, "batches");
		num = nums[i];
		ASSERT_EQ(0, submit(self, cmds, &num));
		EXPECT_EQ(nums[i], num);
		EXPECT_EQ((nums[i] + 2047) / 2048,
			  backend_tells("queue", NULL, "batches") - batches);
	}
}

TEST_F(nested, bad_commands)
{
	const struct guest_cmd good = cmd_tlbi_nh_asid(1);
	const struct {
		const char *what;
		struct guest_cmd cmd;
	} bad[] = {
		{ "no such opcode", { { 0xff } } },
		{ "CMD_CFGI_STE", { { 0x03 | (uint64_t)VSID << 32, 1 } } },
		{ "CMD_CFGI_ALL", { { 0x04, 31 } } },
		{ "CMD_TLBI_S2_IPA", { { 0x2a, VA } } },
		{ "CMD_TLBI_S12_VMALL", { { 0x28 } } },
		{ "CMD_TLBI_EL2_ALL", { { 0x20 } } },
		{ "CMD_SYNC", { { 0x46 } } },
		{ "CMD_PREFETCH_CONFIG", { { 0x01 | (uint64_t)VSID << 32 } } },
		{ "CMD_RESUME", { { 0x44 | (uint64_t)VSID << 32 } } },
		{ "secure CFGI_CD", { { 0x05 | 1 << 10 | (uint64_t)VSID << 32, 1 } } },
		{ "a StreamID that is not the guest's", { { 0x05 | (uint64_t)(VSID + 77) << 32, 1 } } },
		{ "the physical StreamID", { { 0x05 | (uint64_t)(pci_bdf(self->dev.name) & 0xffff) << 32, 1 } } },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct guest_cmd batch[3] = { good, bad[i].cmd, good };
		uint32_t num = 3;

		EXPECT_EQ(-EIO, submit(self, batch, &num)) TH_LOG("%s", bad[i].what);
		EXPECT_EQ(1, num) TH_LOG("%s", bad[i].what);
		/* The queue goes on. */
		num = 1;
		EXPECT_EQ(0, submit(self, batch, &num)) TH_LOG("after %s", bad[i].what);
	}
}

TEST_F(nested, commands_that_cannot_be_read)
{
	struct guest_cmd *page = mem_alloc(2 * SZ_4K, SZ_4K);
	struct guest_cmd *last = page + SZ_4K / sizeof(*page) - 1;
	uint32_t num = 3;

	*last = cmd_tlbi_nh_all();
	ASSERT_EQ(0, mprotect((char *)page + SZ_4K, SZ_4K, PROT_NONE));
	EXPECT_EQ(-EFAULT, submit(self, last, &num));
	EXPECT_GE(1, num);
}

/* --- one guest and another ---------------------------------------------- */

/* The same ASID on another vIOMMU: its entries stay when this one's go. */
TEST_F(nested, neighbours_keep_their_entries)
{
	uint32_t device, vdevice, viommu, hwpt;
	uint64_t page[2], ste[2];
	char name[PCI_NAME_LEN];
	struct engine dev;
	struct s1 s1;

	NEED_FAST_ENGINE(name);
	ASSERT_EQ(0, pci_unbind(name));
	ASSERT_EQ(0, sva_bind(self->fd, pci_bdf(name), &device));
	ASSERT_EQ(0, engine_open(&dev, name));
	ASSERT_EQ(0, sva_viommu_alloc(self->fd, SMMUV3_VIOMMU, device, self->parent, &viommu));
	ASSERT_EQ(0, sva_vdevice_alloc(self->fd, viommu, device, VSID, &vdevice));
	for (int i = 0; i < 2; i++)
		page[i] = guest_alloc(&self->g, SZ_4K, SZ_4K);
	s1_init(&s1, &self->g, 12, 7);
	s1_map(&s1, VA, page[0], S1_RW);
	guest_ste(ste, guest_cd(&s1));
	ASSERT_EQ(0, nest(self->fd, device, viommu, ste, &hwpt));
	ASSERT_EQ(0, sva_attach(self->fd, device, hwpt, NULL));
	ASSERT_EQ(ENGINE_WROTE, engine_write(&dev, VA, mem_phys(guest_ptr(&self->g, page[0])), 64));

	s1_map(&s1, VA, page[1], S1_RW);
	if (engine_write(&dev, VA, mem_phys(guest_ptr(&self->g, page[0])), 64) != ENGINE_WROTE)
		SKIP(return, "the unit does not remember translations");
	/* The first guest empties its caches of all it has. */
	ASSERT_EQ(0, invalidate(self, cmd_tlbi_nsnh_all()));
	ASSERT_EQ(0, invalidate(self, cmd_tlbi_nh_all()));
	ASSERT_EQ(0, invalidate(self, cmd_tlbi_nh_va(7, VA, 1)));
	EXPECT_EQ(ENGINE_WROTE,
		  engine_write(&dev, VA, mem_phys(guest_ptr(&self->g, page[0])), 64));
	/* And its own invalidation is what it takes. */
	self->viommu = viommu;
	ASSERT_EQ(0, invalidate(self, cmd_tlbi_nh_va(7, VA, 1)));
	EXPECT_EQ(ENGINE_WROTE,
		  engine_write(&dev, VA, mem_phys(guest_ptr(&self->g, page[1])), 64));
	engine_close(&dev);
}

/* --- events -------------------------------------------------------------- */

TEST_F(nested, events)
{
	uint64_t ro = guest_alloc(&self->g, SZ_4K, SZ_4K);
	uint32_t hwpt, veventq;
	struct guest_event event;
	struct s1 s1;
	int fd;

	ASSERT_EQ(0, sva_veventq_alloc(self->fd, self->viommu, SMMUV3_EVENT, 8, &veventq, &fd));
	s1_init(&s1, &self->g, 12, 1);
	s1_map(&s1, VA, ro, S1_RO);
	ASSERT_EQ(0, attach_s1(self, &s1, &hwpt));
	ASSERT_EQ(0, engine_store(&self->engine, VA, 64));
	ASSERT_TRUE(guest_next_event(fd, &event));
	EXPECT_EQ(0x13, event.smmuv3.evt[0] & 0xff) TH_LOG("not F_PERMISSION");
	EXPECT_EQ(VSID, event.smmuv3.evt[0] >> 32);
	EXPECT_EQ(VA, event.smmuv3.evt[2] & ~0xfffULL);
	EXPECT_EQ(0, event.header.flags);
	ASSERT_EQ(0, engine_store(&self->engine, VA + SZ_2M, 64));
	while (guest_next_event(fd, &event) && (event.smmuv3.evt[2] & ~0xfffULL) == VA)
		;
	EXPECT_EQ(0x10, event.smmuv3.evt[0] & 0xff) TH_LOG("not F_TRANSLATION");
	EXPECT_EQ(VSID, event.smmuv3.evt[0] >> 32);
	EXPECT_EQ(VA + SZ_2M, event.smmuv3.evt[2] & ~0xfffULL);
	close(fd);
}

/* What stage 2 lacks is the VMM's affair: the guest hears of nothing. */
TEST_F(nested, events_of_stage_2)
{
	uint32_t hwpt, veventq;
	struct guest_event event;
	struct s1 s1;
	int fd;

	ASSERT_EQ(0, sva_veventq_alloc(self->fd, self->viommu, SMMUV3_EVENT, 8, &veventq, &fd));
	s1_init(&s1, &self->g, 12, 1);
	s1_map(&s1, VA, NOWHERE, S1_RW);
	ASSERT_EQ(0, attach_s1(self, &s1, &hwpt));
	ASSERT_EQ(0, engine_store(&self->engine, VA, 64));
	EXPECT_TRUE(some_fault_logged(self->log, self->dev.name));
	EXPECT_FALSE(guest_next_event(fd, &event));
	close(fd);
}

/* What the guest has where its memory is not: an abort, as its own unit would say. */
TEST_F(nested, events_of_tables_outside)
{
	struct s1 s1 = { .guest = &self->g, .granule = 12, .asid = 1, .root = NOWHERE };
	uint32_t hwpt, veventq;
	struct guest_event event;
	uint64_t ste[2];
	int fd;

	ASSERT_EQ(0, sva_veventq_alloc(self->fd, self->viommu, SMMUV3_EVENT, 8, &veventq, &fd));
	guest_ste(ste, NOWHERE + 0x40);
	ASSERT_EQ(0, nest(self->fd, self->dev.device, self->viommu, ste, &hwpt));
	ASSERT_EQ(0, sva_attach(self->fd, self->dev.device, hwpt, NULL));
	ASSERT_EQ(0, engine_store(&self->engine, VA, 64));
	ASSERT_TRUE(guest_next_event(fd, &event));
	EXPECT_EQ((uint64_t)VSID << 32 | 0x09, event.smmuv3.evt[0]) TH_LOG("not F_CD_FETCH");
	EXPECT_EQ(0, event.smmuv3.evt[1]);
	EXPECT_EQ(0, event.smmuv3.evt[2]);
	EXPECT_EQ(NOWHERE, event.smmuv3.evt[3] & ~0xfffULL);

	ASSERT_EQ(0, attach_s1(self, &s1, &hwpt));
	ASSERT_EQ(0, engine_store(&self->engine, VA, 64));
	while (guest_next_event(fd, &event) && (event.smmuv3.evt[0] & 0xff) == 0x09)
		;
	EXPECT_EQ((uint64_t)VSID << 32 | 0x0b, event.smmuv3.evt[0]) TH_LOG("not F_WALK_EABT");
	/* CLASS: a table; stage 1 */
	EXPECT_EQ(1ULL << 40, event.smmuv3.evt[1] & 0x00000380ffffffffULL);
	EXPECT_EQ(VA, event.smmuv3.evt[2] & ~0xfffULL);
	EXPECT_EQ(NOWHERE, event.smmuv3.evt[3] & ~0xfffULL);
	EXPECT_FALSE(any_fault_logged(self->log, self->dev.name));
	close(fd);
}

/* A device's names in another vIOMMU than its tables, which come and go meanwhile. */
struct names {
	int fd;
	uint32_t viommu, device;
	bool stop;
	unsigned long count;
	int rc;
};

static void *names_come_and_go(void *arg)
{
	struct names *names = arg;
	struct iommufd_sva_vsid name = { VSID, names->device };

	while (!names->rc && !__atomic_load_n(&names->stop, __ATOMIC_RELAXED)) {
		names->rc = sva_vsid_map(names->fd, names->viommu, IOMMUFD_SVA_VSID_ADD, &name,
					 1, NULL) ?:
			    sva_vsid_map(names->fd, names->viommu, IOMMUFD_SVA_VSID_REMOVE,
					 &name, 1, NULL);
		__atomic_add_fetch(&names->count, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

TEST_F(nested, events_of_a_device_named_elsewhere)
{
	struct names names = { .fd = self->fd };
	uint32_t veventq, hwpt, viommu, vdevice;
	char name[PCI_NAME_LEN];
	uint64_t ste[2], va = VA;
	struct engine dev;
	pthread_t thread;
	struct s1 s1;
	struct guest_event event;
	int fd[2];

	NEED_FAST_ENGINE(name);
	ASSERT_EQ(0, pci_unbind(name));
	ASSERT_EQ(0, sva_bind(self->fd, pci_bdf(name), &names.device));
	ASSERT_EQ(0, engine_open(&dev, name));
	/* Of its own unit, which may be another one than the first one's. */
	ASSERT_EQ(0, sva_viommu_alloc(self->fd, SMMUV3_VIOMMU, names.device, self->parent,
				      &viommu));
	ASSERT_EQ(0, sva_viommu_alloc(self->fd, SMMUV3_VIOMMU, names.device, self->parent,
				      &names.viommu));
	ASSERT_EQ(0, sva_veventq_alloc(self->fd, viommu, SMMUV3_EVENT, 64, &veventq, &fd[0]));
	ASSERT_EQ(0, sva_veventq_alloc(self->fd, names.viommu, SMMUV3_EVENT, 64, &veventq, &fd[1]));
	s1_init(&s1, &self->g, 12, 1);
	guest_ste(ste, guest_cd(&s1));
	ASSERT_EQ(0, nest(self->fd, names.device, viommu, ste, &hwpt));
	/* Attaching takes a name; afterwards it may go. */
	ASSERT_EQ(0, sva_vdevice_alloc(self->fd, viommu, names.device, VSID + 5, &vdevice));
	ASSERT_EQ(0, sva_attach(self->fd, names.device, hwpt, NULL));
	ASSERT_EQ(0, sva_destroy(self->fd, vdevice));
	ASSERT_EQ(0, pthread_create(&thread, NULL, names_come_and_go, &names));
	/* Another page each time, or they are one fault; few, for the log is for others too. */
	for (; va < VA + 8 * SZ_4K; va += SZ_4K) {
		engine_write(&dev, va, mem_phys(self->g.mem), 64);
		usleep(100000);
	}
	for (int ms = 0; ms < SOON_MS; ms++, usleep(1000))
		if (__atomic_load_n(&names.count, __ATOMIC_RELAXED) > 1)
			break;
	__atomic_store_n(&names.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	EXPECT_EQ(0, names.rc);
	EXPECT_LT(1, names.count);
	EXPECT_TRUE(some_fault_logged(self->log, name));
	for (int i = 0; i < 2; i++) {
		EXPECT_EQ(0, read(fd[i], &event, sizeof(event))) TH_LOG("vIOMMU %d", i);
		close(fd[i]);
	}
	engine_close(&dev);
}

/* --- a PASID table -------------------------------------------------------- */

TEST_F(nested, pasid_table)
{
	uint64_t from = guest_alloc(&self->g, SZ_4K, SZ_4K);
	uint64_t to = guest_alloc(&self->g, SZ_4K, SZ_4K), to2;
	struct guest_cmd cmd = cmd_tlbi_nh_va(3, VA, 1);
	uint32_t pt[] = { self->viommu, self->parent, self->parent };
	struct s1 s1;
	uint64_t ste[2];

	s1_init(&s1, &self->g, 12, 3);
	s1_map(&s1, VA, to, S1_RW);
	s1_map(&s1, VA + SZ_4K, from, S1_RO);
	guest_ste(ste, guest_cd(&s1));
	for (int i = 0; i < 3; i++) {
		uint32_t table, num = 1;

		ASSERT_EQ(0, sva_pasid_table_alloc(self->fd, pt[i],
						   IOMMUFD_SVA_PASID_TABLE_SMMUV3, ste, 16,
						   &table));
		ASSERT_EQ(0, sva_attach(self->fd, self->dev.device, table, NULL));
		EXPECT_EQ(-EBUSY, sva_destroy(self->fd, table));
		ASSERT_EQ(0, store(&self->engine, &self->g, VA, from, VA + SZ_4K, i));
		EXPECT_EQ(-1, mem_check(guest_ptr(&self->g, to), SZ_4K, i));
		/* One place to invalidate: the vIOMMU's, or the table's own. */
		to2 = guest_alloc(&self->g, SZ_4K, SZ_4K);
		s1_map(&s1, VA, to2, S1_RW);
		ASSERT_EQ(0, sva_invalidate(self->fd, i ? table : self->viommu, SMMUV3_CMD,
					    &cmd, sizeof(cmd), &num));
		ASSERT_EQ(0, engine_store(&self->engine, VA, SZ_4K));
		EXPECT_EQ(-1, mem_check(guest_ptr(&self->g, to2), SZ_4K, i));
		s1_map(&s1, VA, to, S1_RW);
		/* What is cached of a table's own goes with it. */
		num = 1;
		if (!i)
			ASSERT_EQ(0, sva_invalidate(self->fd, self->viommu, SMMUV3_CMD,
						    &cmd, sizeof(cmd), &num));
		ASSERT_EQ(0, sva_detach(self->fd, self->dev.device));
		EXPECT_EQ(0, sva_destroy(self->fd, table));
	}
}

/* Are the two behind the same unit? */
static bool same_unit(const char *a, const char *b)
{
	char path[2][96], unit[2][256] = { "", "" };

	snprintf(path[0], sizeof(path[0]), "/sys/bus/pci/devices/%s/iommu", a);
	snprintf(path[1], sizeof(path[1]), "/sys/bus/pci/devices/%s/iommu", b);
	for (int i = 0; i < 2; i++)
		if (readlink(path[i], unit[i], sizeof(unit[i]) - 1) < 0)
			return false;
	return !strcmp(strrchr(unit[0], '/') ?: unit[0], strrchr(unit[1], '/') ?: unit[1]);
}

/*
 * Two objects that say the same, for two devices: one VMID per unit, one
 * invalidation for all.
 */
TEST_F(nested, pasid_table_of_two_devices)
{
	uint64_t from = guest_alloc(&self->g, SZ_4K, SZ_4K);
	struct guest_cmd cmd[2] = { cmd_cfgi_cd(0, 0), cmd_tlbi_nh_asid(3) };
	uint32_t device, table[3], num;
	uint64_t page[2], cd[2], ste[2], other[2];
	char name[PCI_NAME_LEN];
	struct engine dev;
	struct s1 s1[2];
	long vmid;

	NEED_FAST_ENGINE(name);
	ASSERT_EQ(0, pci_unbind(name));
	ASSERT_EQ(0, sva_bind(self->fd, pci_bdf(name), &device));
	ASSERT_EQ(0, engine_open(&dev, name));
	for (int i = 0; i < 2; i++) {
		page[i] = guest_alloc(&self->g, SZ_4K, SZ_4K);
		s1_init(&s1[i], &self->g, 12, 3);
		s1_map(&s1[i], VA, page[i], S1_RW);
		s1_map(&s1[i], VA + SZ_4K, from, S1_RO);
		cd[i] = guest_cd(&s1[i]);
	}
	guest_ste(ste, cd[0]);
	guest_ste(other, cd[1]);
	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(0, sva_pasid_table_alloc(self->fd, self->parent,
						   IOMMUFD_SVA_PASID_TABLE_SMMUV3,
						   i < 2 ? ste : other, 16, &table[i]));
	}
	ASSERT_EQ(0, sva_attach(self->fd, self->dev.device, table[0], NULL));
	ASSERT_EQ(0, sva_attach(self->fd, device, table[2], NULL));
	vmid = backend_tells("devices", self->dev.name, "vmid");
	EXPECT_LT(0, vmid);
	if (same_unit(name, self->dev.name))
		EXPECT_NE(vmid, backend_tells("devices", name, "vmid")) TH_LOG("another table");
	ASSERT_EQ(0, sva_attach(self->fd, device, table[1], NULL));
	if (same_unit(name, self->dev.name))
		EXPECT_EQ(vmid, backend_tells("devices", name, "vmid"));

	ASSERT_EQ(0, store(&self->engine, &self->g, VA, from, VA + SZ_4K, 1));
	ASSERT_EQ(-1, mem_check(guest_ptr(&self->g, page[0]), SZ_4K, 1));
	ASSERT_EQ(ENGINE_WROTE, engine_write(&dev, VA, mem_phys(guest_ptr(&self->g, page[0])), 64));

	/* The descriptor changes; told of on the one, both devices see it. */
	memcpy(guest_ptr(&self->g, cd[0]), guest_ptr(&self->g, cd[1]), 64);
	num = 2;
	ASSERT_EQ(0, sva_invalidate(self->fd, table[1], SMMUV3_CMD, cmd, sizeof(cmd[0]), &num));
	EXPECT_EQ(2, num);
	EXPECT_EQ(ENGINE_WROTE, engine_write(&dev, VA, mem_phys(guest_ptr(&self->g, page[1])), 64));
	/* Translations are of the ASID: the one must not find those of the other. */
	num = 1;
	ASSERT_EQ(0, sva_invalidate(self->fd, table[1], SMMUV3_CMD, &cmd[1], sizeof(cmd[1]), &num));
	ASSERT_EQ(0, engine_store(&self->engine, VA, SZ_4K));
	EXPECT_EQ(-1, mem_check(guest_ptr(&self->g, page[1]), SZ_4K, 1));

	/* A bad command stops it there. */
	cmd[1].word[0] = 0x46;
	num = 2;
	EXPECT_EQ(-EIO, sva_invalidate(self->fd, table[0], SMMUV3_CMD, cmd, sizeof(cmd[0]), &num));
	EXPECT_EQ(1, num);
	ASSERT_EQ(0, sva_detach(self->fd, device));
	ASSERT_EQ(0, sva_detach(self->fd, self->dev.device));
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(0, sva_destroy(self->fd, table[i]));
	}
	engine_close(&dev);
}

/* A vIOMMU is a share of one unit: nothing of it is for devices behind another. */
TEST_F(nested, other_unit)
{
	const struct iommufd_sva_vsid entry = { .vsid = VSID + 1 };
	struct iommufd_sva_vsid entries[1] = { entry };
	uint32_t device, vdevice, hwpt, bad = ~0U;
	char name[PCI_NAME_LEN];
	uint64_t ste[2];

	NEED_FAST_ENGINE(name);
	if (same_unit(name, self->dev.name))
		SKIP(return, "all devices are behind one unit");
	ASSERT_EQ(0, pci_unbind(name));
	ASSERT_EQ(0, sva_bind(self->fd, pci_bdf(name), &device));
	EXPECT_EQ(-EINVAL, sva_vdevice_alloc(self->fd, self->viommu, device, VSID + 1, &vdevice));
	entries[0].device_id = device;
	EXPECT_EQ(-EINVAL, sva_vsid_map(self->fd, self->viommu, IOMMUFD_SVA_VSID_ADD, entries, 1,
					&bad));
	EXPECT_EQ(0, bad);
	guest_ste_bypass(ste);
	EXPECT_EQ(-EINVAL, nest(self->fd, device, self->viommu, ste, &hwpt));
	ASSERT_EQ(0, nest(self->fd, self->dev.device, self->viommu, ste, &hwpt));
	EXPECT_EQ(-EINVAL, sva_attach(self->fd, device, hwpt, NULL));
	ASSERT_EQ(0, sva_attach(self->fd, self->dev.device, hwpt, NULL));
}

/* --- bad stream table entries --------------------------------------------- */

/* V, Config, S1Fmt, S1ContextPtr, S1CDMax; S1DSS to S1CSH, S1STALLD, EATS. */
static bool guests_bit(int bit)
{
	return bit < 56 || (bit >= 59 && bit < 64 + 8) ||
	       (bit >= 64 + 27 && bit < 64 + 30);
}

TEST_F(nested, bad_stes)
{
	struct s1 s1;
	uint64_t cd;
	uint32_t hwpt;

	s1_init(&s1, &self->g, 12, 1);
	cd = guest_cd(&s1);
	for (int bit = 0; bit < 128; bit++) {
		uint64_t ste[2];

		if (guests_bit(bit))
			continue;
		guest_ste(ste, cd);
		ste[bit / 64] |= 1ULL << (bit % 64);
		EXPECT_EQ(-EIO, nest(self->fd, self->dev.device, self->viommu, ste, &hwpt))
			TH_LOG("bit %d", bit);
	}
	for (uint64_t config = 1; config < 8; config++) {
		uint64_t ste[2] = { 1 | config << 1 | cd, 0 };

		/* 4: bypass, 5: stage 1; stage 2 is not the guest's */
		if (config == 4 || config == 5)
			continue;
		EXPECT_EQ(-EIO, nest(self->fd, self->dev.device, self->viommu, ste, &hwpt))
			TH_LOG("Config %llu", (unsigned long long)config);
	}
}

/* What the architecture calls illegal, or the unit lacks, or is not the guest's. */
TEST_F(nested, illegal_stes)
{
	struct iommufd_sva_hw_info_arm_smmuv3 unit = unit_of(self);
	/* IDR1.SSIDSIZE; IDR0.STALL_MODEL: 0, software may choose */
	const uint64_t substreams = (unit.idr[1] >> 6 & 0x1f) + 1;
	const bool stalls = !(unit.idr[0] >> 24 & 3);
	const struct {
		const char *what;
		uint64_t qw[2];
		bool fine;
	} bad[] = {
		{ "more substreams than the unit has", { substreams << 59 } },
		{ "EATS 2", { 0, 2ULL << 28 } },
		{ "EATS 3", { 0, 3ULL << 28 } },
		{ "a descriptor beyond the guest's addresses", { 1ULL << 48 } },
		{ "stalls where none can be chosen", { 0, 1ULL << 27 }, stalls },
	};
	struct s1 s1;
	uint64_t cd, ste[2];
	uint32_t hwpt, table;

	s1_init(&s1, &self->g, 12, 1);
	cd = guest_cd(&s1);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (bad[i].fine)
			continue;
		guest_ste(ste, cd);
		ste[0] |= bad[i].qw[0];
		ste[1] |= bad[i].qw[1];
		EXPECT_EQ(-EIO, nest(self->fd, self->dev.device, self->viommu, ste, &hwpt))
			TH_LOG("%s", bad[i].what);
		EXPECT_EQ(-EIO, sva_pasid_table_alloc(self->fd, self->parent,
						      IOMMUFD_SVA_PASID_TABLE_SMMUV3, ste, 16,
						      &table))
			TH_LOG("%s", bad[i].what);
	}
	/* On the parent alone it is a PASID table only, as iommufd has no other. */
	guest_ste(ste, cd);
	EXPECT_EQ(-EOPNOTSUPP, nest(self->fd, self->dev.device, self->parent, ste, &hwpt));
}

/* --- on VFIO's own mappings ------------------------------------------------ */

FIXTURE(import)
{
	char name[PCI_NAME_LEN];
	struct vfio vfio;
	struct engine engine;
	struct guest g;
	int fd;
	uint32_t device;
	uint32_t parent;
	uint32_t viommu;
	uint32_t vdevice;
	int log;
};

FIXTURE_SETUP(import)
{
	NEED_ENGINE(0, self->name);
	ASSERT_EQ(0, pci_bind_driver(self->name, "vfio-pci"));
	ASSERT_EQ(0, vfio_open(&self->vfio, self->name));
	ASSERT_EQ(0, vfio_enable(&self->vfio));
	ASSERT_EQ(0, engine_open_vfio(&self->engine, self->name, &self->vfio));
	ASSERT_EQ(0, guest_init(&self->g, IPA, GUEST_SIZE));
	ASSERT_EQ(0, vfio_map(&self->vfio, self->g.mem, GUEST_SIZE, IPA,
			      VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE));
	self->fd = sva_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, sva_bind_vfio(self->fd, pci_bdf(self->name), self->vfio.group,
				   &self->device));
	ASSERT_EQ(0, sva_hwpt_import(self->fd, self->device, &self->parent));
	ASSERT_EQ(0, sva_viommu_alloc(self->fd, SMMUV3_VIOMMU, self->device, self->parent,
				      &self->viommu));
	ASSERT_EQ(0, sva_vdevice_alloc(self->fd, self->viommu, self->device, VSID,
				       &self->vdevice));
	self->log = fault_mark();
}

FIXTURE_TEARDOWN(import)
{
	vfio_close(&self->vfio);
	close(self->fd);
	guest_free(&self->g);
	pci_unbind(self->name);
}

static int import_s1(FIXTURE_DATA(import) *self, struct s1 *s1, uint32_t *hwpt)
{
	uint64_t ste[2];
	int rc;

	guest_ste(ste, guest_cd(s1));
	rc = nest(self->fd, self->device, self->viommu, ste, hwpt);
	return rc ? rc : sva_attach(self->fd, self->device, *hwpt, NULL);
}

TEST_F(import, nested_on_vfio)
{
	uint64_t from = guest_alloc(&self->g, SZ_4K, SZ_4K);
	uint64_t to = guest_alloc(&self->g, SZ_4K, SZ_4K);
	struct s1 s1;
	uint32_t hwpt;

	s1_init(&s1, &self->g, 12, 1);
	s1_map(&s1, VA, to, S1_RW);
	s1_map(&s1, VA + SZ_4K, from, S1_RO);
	ASSERT_EQ(0, import_s1(self, &s1, &hwpt));
	ASSERT_EQ(0, store(&self->engine, &self->g, VA, from, VA + SZ_4K, 1));
	EXPECT_EQ(-1, mem_check(guest_ptr(&self->g, to), SZ_4K, 1));

	/* A reset in the middle: the overlay is there again after it. */
	ASSERT_EQ(0, vfio_reset(&self->vfio));
	ASSERT_EQ(0, vfio_enable(&self->vfio));
	ASSERT_EQ(0, store(&self->engine, &self->g, VA, from, VA + SZ_4K, 2));
	EXPECT_EQ(-1, mem_check(guest_ptr(&self->g, to), SZ_4K, 2));

	/* What VFIO unmaps is out of the guest's reach. */
	ASSERT_EQ(0, vfio_unmap(&self->vfio, IPA, GUEST_SIZE));
	mem_fill(guest_ptr(&self->g, to), SZ_4K, 3);
	ASSERT_EQ(0, engine_store(&self->engine, VA, SZ_4K));
	EXPECT_EQ(-1, mem_check(guest_ptr(&self->g, to), SZ_4K, 3));
	EXPECT_TRUE(some_fault_logged(self->log, self->name));
}

/* VFIO's program is gone: nothing is left to nest on. */
TEST_F(import, vfio_lets_go)
{
	uint64_t to = guest_alloc(&self->g, SZ_4K, SZ_4K);
	struct s1 s1;
	uint32_t hwpt;

	s1_init(&s1, &self->g, 12, 1);
	s1_map(&s1, VA, to, S1_RW);
	ASSERT_EQ(0, import_s1(self, &s1, &hwpt));
	vfio_close(&self->vfio);
	EXPECT_EQ(-ENODEV, sva_attach(self->fd, self->device, hwpt, NULL));
	EXPECT_EQ(-ENODEV, import_s1(self, &s1, &hwpt));
}

/* The device's own interrupt, which is a write through both stages as well. */
static bool interrupted(FIXTURE_DATA(import) *self, int event)
{
	uint64_t count;

	engine_interrupt(&self->engine);
	for (int i = 0; i < 1000; i++) {
		if (read(event, &count, sizeof(count)) == sizeof(count))
			return true;
		usleep(10000);
	}
	return false;
}

TEST_F(import, interrupt)
{
	int event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	const uint64_t start = backend()->msi_start;
	struct s1 s1;
	uint32_t hwpt;

	if (!engine_has_interrupt(&self->engine))
		SKIP(return, "the device has no interrupt");
	ASSERT_LE(0, event);
	ASSERT_EQ(0, vfio_msi(&self->vfio, event));
	ASSERT_TRUE(interrupted(self, event)) TH_LOG("before anything is nested");
	/* The guest maps the window where it was told that it is, as it is. */
	s1_init(&s1, &self->g, 12, 1);
	for (int i = 0; i < 16; i++)
		s1_map(&s1, start + i * SZ_4K, start + i * SZ_4K, S1_RW);
	ASSERT_EQ(0, import_s1(self, &s1, &hwpt));
	EXPECT_TRUE(interrupted(self, event));
	EXPECT_FALSE(any_fault_logged(self->log, self->name));
	ASSERT_EQ(0, sva_detach(self->fd, self->device));
	EXPECT_TRUE(interrupted(self, event));
	close(event);
}

TEST_HARNESS_MAIN
