// SPDX-License-Identifier: GPL-2.0-only
/*
 * Substreams on an SMMUv3: a guest's tables of context descriptors, which the hardware
 * walks itself, its address spaces on PASIDs, and its commands about them; and what its
 * devices cache of these with ATS. Needs the
 * hardware model: a unit whose caches keep everything until the right command comes,
 * and devices that send any request that they are told to. Plugs its own devices in.
 */
#include <pthread.h>

#include "guest.h"
#include "selftest.h"
#include "sim.h"

#define GPA 0x40000000UL
#define GUEST_SIZE (16 * SZ_2M)
/* Where a guest's memory is not. */
#define NOWHERE 0x700000000UL
#define VA 0x7f1234560000UL

#define NDEVICES 3
#define MAX_DEVICES 64
#define FIRST_SLOT 20
#define CAPS (SIM_CAP_FLR | SIM_CAP_PASID | SIM_CAP_PASID_PRIV)
/* The second one has no ATS. */
#define ATS_CAPS(i) (CAPS | ((i) == 1 ? 0 : SIM_CAP_ATS))
#define VSID(i) (0x77001 + (i))
/* Instead of a seed: the unit did not let the request through. */
#define BLOCKED (-SIM_UR)
/* How long anything may take on a busy machine. */
#define SOON_MS 20000

/* Events (7.3). */
#define F_STREAM_DISABLED 0x06
#define C_BAD_SUBSTREAMID 0x08
#define F_CD_FETCH 0x09
#define C_BAD_CD 0x0a
#define F_WALK_EABT 0x0b
#define F_TRANSLATION 0x10

FIXTURE(smmu_nested)
{
	int fd, log, events;
	uint32_t ioas, parent, viommu;
	struct guest g;
	int bdf[NDEVICES];
	uint32_t device[NDEVICES], vdevice[NDEVICES];
	struct iommufd_sva_hw_info_arm_smmuv3 unit;
};

/* One line for the whole program, not one for each test. */
static void __attribute__((constructor)) skip_all(void)
{
	if (sim_present() && backend_is("smmuv3_nested"))
		return;
	printf("TAP version 13\n1..1\nok 1 smmu_nested # SKIP no model of SMMUv3\n");
	exit(KSFT_SKIP);
}

/* What GET_HW_INFO says of a device's PASIDs; and of its unit, if asked. */
static uint32_t pasid_bits(int fd, uint32_t device, struct iommufd_sva_hw_info_arm_smmuv3 *unit)
{
	struct iommufd_sva_hw_info info = {
		.size = sizeof(info),
		.dev_id = device,
		.data_len = unit ? sizeof(*unit) : 0,
		.data_uptr = (uintptr_t)unit,
	};

	return sva_ioctl(fd, IOMMUFD_SVA_GET_HW_INFO, &info) ? ~0U : info.out_max_pasid_log2;
}

/* A vIOMMU of the guest's, with the names of its devices, and its events. */
static void make_viommu(struct __test_metadata *_metadata, FIXTURE_DATA(smmu_nested) *self)
{
	uint32_t veventq;

	ASSERT_EQ(0, sva_viommu_alloc(self->fd, IOMMUFD_SVA_VIOMMU_TYPE_ARM_SMMUV3,
				      self->device[0], self->parent, &self->viommu));
	for (int i = 0; i < NDEVICES; i++) {
		ASSERT_EQ(0, sva_vdevice_alloc(self->fd, self->viommu, self->device[i], VSID(i),
					       &self->vdevice[i]));
	}
	ASSERT_EQ(0, sva_veventq_alloc(self->fd, self->viommu,
				       IOMMUFD_SVA_VEVENTQ_TYPE_ARM_SMMUV3, 64, &veventq,
				       &self->events));
}

FIXTURE_SETUP(smmu_nested)
{
	self->fd = sva_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, guest_begin(&self->g, GPA, GUEST_SIZE, self->fd, &self->ioas));
	for (int i = 0; i < NDEVICES; i++) {
		self->bdf[i] = sim_add_endpoint(FIRST_SLOT + i, ATS_CAPS(i));
		ASSERT_LT(0, self->bdf[i]);
		ASSERT_EQ(0, sva_bind(self->fd, self->bdf[i], &self->device[i]));
	}
	ASSERT_EQ(0, sva_hwpt_alloc(self->fd, self->device[0], self->ioas,
				    IOMMUFD_SVA_HWPT_ALLOC_NEST_PARENT, &self->parent));
	make_viommu(_metadata, self);
	pasid_bits(self->fd, self->device[0], &self->unit);
	self->log = fault_mark();
	ASSERT_LE(0, self->log);
}

FIXTURE_TEARDOWN(smmu_nested)
{
	close(self->events);
	close(self->fd);
	for (int i = 0; i < NDEVICES; i++) {
		/* What it would not answer, and somebody waited for. */
		EXPECT_EQ(0, sim_device_counter(self->bdf[i], "atc_while_off"));
		sim_remove_slot(FIRST_SLOT + i);
	}
	guest_free(&self->g);
	EXPECT_STREQ("", sim_bad(0));
}

/* IDR1.SSIDSIZE */
static unsigned int unit_bits(FIXTURE_DATA(smmu_nested) *self)
{
	return self->unit.idr[1] >> 6 & 31;
}

#define NEED_SUBSTREAMS()                                                              \
	do {                                                                           \
		if (!unit_bits(self))                                                  \
			SKIP(return, "the unit has no substreams (IDR1.SSIDSIZE)");    \
	} while (0)

/* IDR0.CD2L */
#define NEED_FORMAT(format)                                                            \
	do {                                                                           \
		NEED_SUBSTREAMS();                                                     \
		if ((format) != CDS_LINEAR && !(self->unit.idr[0] >> 19 & 1))          \
			SKIP(return, "the unit has no tables of two levels (IDR0.CD2L)"); \
	} while (0)

/* --- what a guest does --------------------------------------------------- */

/* Bits of a SubstreamID in a table of the guest's: one of one level is to fit into it. */
static unsigned int table_bits(FIXTURE_DATA(smmu_nested) *self, enum cds_format format)
{
	return format == CDS_LINEAR && unit_bits(self) > 10 ? 10 : unit_bits(self);
}

/* A page of the guest's, full of @seed's bytes: its address. */
static uint64_t page(FIXTURE_DATA(smmu_nested) *self, int seed)
{
	uint64_t gpa = guest_alloc(&self->g, SZ_4K, SZ_4K);

	mem_fill(guest_ptr(&self->g, gpa), SZ_4K, seed);
	return gpa;
}

/* An address space with such a page at VA. */
static struct s1 space(FIXTURE_DATA(smmu_nested) *self, uint16_t asid, int seed)
{
	struct s1 s1;

	s1_init(&s1, &self->g, 12, asid);
	s1_map(&s1, VA, page(self, seed), S1_RW);
	return s1;
}

/* Whose page does device @i see? Or BLOCKED, or what it was told. */
static int sees(FIXTURE_DATA(smmu_nested) *self, int i, uint32_t pasid)
{
	return sim_sees(self->bdf[i], pasid, VA, 0);
}

static int ste_on(FIXTURE_DATA(smmu_nested) *self, uint32_t pt, const uint64_t ste[2],
		  uint32_t *table)
{
	return sva_pasid_table_alloc(self->fd, pt, IOMMUFD_SVA_PASID_TABLE_SMMUV3, ste, 16, table);
}

static int table_on(FIXTURE_DATA(smmu_nested) *self, uint32_t pt, const struct cds *cds,
		    unsigned int s1dss, uint32_t *table)
{
	uint64_t ste[2];

	cds_ste(cds, s1dss, ste);
	return ste_on(self, pt, ste, table);
}

/* The table becomes device @i's. */
static int attach(FIXTURE_DATA(smmu_nested) *self, int i, const struct cds *cds,
		  unsigned int s1dss)
{
	uint32_t table;
	int rc = table_on(self, self->viommu, cds, s1dss, &table);

	return rc ?: sva_attach(self->fd, self->device[i], table, NULL);
}

/* The guest's queue: 0, a negative errno, or 1 if not all was consumed. */
static int queue_on(FIXTURE_DATA(smmu_nested) *self, uint32_t pt, const struct guest_cmd *cmds,
		    uint32_t num)
{
	uint32_t consumed = num;
	int rc = sva_invalidate(self->fd, pt, IOMMUFD_SVA_VIOMMU_INVALIDATE_DATA_ARM_SMMUV3, cmds,
				sizeof(*cmds), &consumed);

	return rc ?: consumed != num;
}

static int queue(FIXTURE_DATA(smmu_nested) *self, struct guest_cmd cmd)
{
	return queue_on(self, self->viommu, &cmd, 1);
}

/*
 * Put another address space where one has been used: the unit reads 64 bits at once and
 * keeps them, so it goes by way of an invalid descriptor (3.21.3).
 */
static int write_cd(FIXTURE_DATA(smmu_nested) *self, struct cds *cds, uint32_t ssid,
		    const struct s1 *s1)
{
	volatile uint64_t *to = cds_cd(cds, ssid);
	uint64_t cd[8];
	int rc = 0;

	s1_cd(s1, cd);
	for (int step = 0; step < 2; step++) {
		if (step == 0)
			to[0] = 0;
		for (int i = 1; i < 8 && step == 1; i++)
			to[i] = cd[i];
		for (int i = 0; i < NDEVICES; i++)
			rc = queue(self, cmd_cfgi_cd(VSID(i), ssid)) ?: rc;
	}
	/* What makes it valid is not told of yet. */
	to[0] = cd[0];
	return rc;
}

static int replace_cd(FIXTURE_DATA(smmu_nested) *self, struct cds *cds, uint32_t ssid,
		      const struct s1 *s1)
{
	int rc = write_cd(self, cds, ssid, s1);

	for (int i = 0; i < NDEVICES; i++)
		rc = queue(self, cmd_cfgi_cd(VSID(i), ssid)) ?: rc;
	return rc;
}

/* The next event is @id, of device @i with @ssid (SIM_NO_PASID: none is told). */
static void expect_event(struct __test_metadata *_metadata, FIXTURE_DATA(smmu_nested) *self,
			 uint8_t id, int i, uint32_t ssid, uint64_t fetched)
{
	struct guest_event event;

	ASSERT_TRUE(guest_next_event(self->events, &event)) TH_LOG("no event %#x", id);
	EXPECT_EQ(id, event.smmuv3.evt[0] & 0xff);
	EXPECT_EQ(VSID(i), event.smmuv3.evt[0] >> 32);
	if (ssid != SIM_NO_PASID)
		EXPECT_EQ(ssid, event.smmuv3.evt[0] >> 12 & 0xfffff);
	EXPECT_EQ(fetched, event.smmuv3.evt[3]);
	EXPECT_EQ(0, event.header.flags);
	/* The same once more is told of only after a pause. */
	usleep(60000);
}

/* No event has come that was not read. */
static void expect_silence(struct __test_metadata *_metadata, FIXTURE_DATA(smmu_nested) *self)
{
	struct guest_event event;

	EXPECT_GE(0, read(self->events, &event, sizeof(event)))
		TH_LOG("event %#llx", (unsigned long long)event.smmuv3.evt[0]);
}

static uint64_t tlb_commands(void)
{
	return sim_counter(0, "TLBI_NH_ALL") + sim_counter(0, "TLBI_NH_ASID") +
	       sim_counter(0, "TLBI_NH_VA") + sim_counter(0, "TLBI_NH_VAA") +
	       sim_counter(0, "TLBI_S12_VMALL") + sim_counter(0, "TLBI_S2_IPA") +
	       sim_counter(0, "TLBI_NSNH_ALL");
}

/* --- processes ------------------------------------------------------------ */

/* Two on one device, and one that has three. */
static void processes(struct __test_metadata *_metadata, FIXTURE_DATA(smmu_nested) *self,
		      enum cds_format format, bool on_parent)
{
	struct s1 a = space(self, 1, 1), b = space(self, 2, 2);
	uint32_t last = (1U << table_bits(self, format)) - 1, table, pt;
	struct guest_cmd cmd;
	uint64_t to;
	struct cds cds;
	char text[64];

	cds_init(&cds, &self->g, format, table_bits(self, format));
	cds_set(&cds, 100, &a);
	cds_set(&cds, last, &b);
	ASSERT_EQ(0, table_on(self, on_parent ? self->parent : self->viommu, &cds,
			      S1DSS_TERMINATE, &table));
	/* What is on a vIOMMU is invalidated there. */
	pt = on_parent ? table : self->viommu;
	for (int i = 0; i < NDEVICES; i++) {
		ASSERT_EQ(0, sva_attach(self->fd, self->device[i], table, NULL));
	}
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < NDEVICES; i++) {
			EXPECT_EQ(1 + 2 * round, sees(self, i, 100));
			EXPECT_EQ(2 + 2 * round, sees(self, i, last));
			EXPECT_EQ(BLOCKED, sees(self, i, 101));
			EXPECT_EQ(BLOCKED, sees(self, i, SIM_NO_PASID));
			/* Its own addresses, not physical ones. */
			EXPECT_EQ(BLOCKED, sim_sees(self->bdf[i], 100, GPA, 0));
		}
		to = page(self, 3 + 2 * round);
		s1_map(&a, VA, to, S1_RW);
		s1_map(&b, VA, page(self, 4 + 2 * round), S1_RW);
		for (int i = 0; i < NDEVICES; i++) {
			EXPECT_EQ(1 + 2 * round, sees(self, i, 100)) TH_LOG("not invalidated yet");
		}
		cmd = cmd_tlbi_nh_va(1, VA, 1);
		ASSERT_EQ(0, queue_on(self, pt, &cmd, 1));
		EXPECT_EQ(2 + 2 * round, sees(self, 0, last)) TH_LOG("another ASID was");
		cmd = cmd_tlbi_nh_asid(2);
		ASSERT_EQ(0, queue_on(self, pt, &cmd, 1));

		memset(text, 0x40 + round, sizeof(text));
		EXPECT_EQ(SIM_OK, sim_write_pasid(self->bdf[round], 100, VA + 1024, text, 64, 0));
		EXPECT_EQ(0, memcmp(text, guest_ptr(&self->g, to + 1024), 64));
	}
	for (int i = 0; i < NDEVICES; i++) {
		ASSERT_EQ(0, sva_detach(self->fd, self->device[i]));
		sim_set_master(self->bdf[i], true);
		EXPECT_EQ(BLOCKED, sees(self, i, 100));
	}
	EXPECT_EQ(0, sva_destroy(self->fd, table));
}

TEST_F(smmu_nested, processes_linear)
{
	NEED_FORMAT(CDS_LINEAR);
	processes(_metadata, self, CDS_LINEAR, false);
}

TEST_F(smmu_nested, processes_4k)
{
	NEED_FORMAT(CDS_4K);
	processes(_metadata, self, CDS_4K, false);
}

TEST_F(smmu_nested, processes_64k)
{
	NEED_FORMAT(CDS_64K);
	processes(_metadata, self, CDS_64K, false);
}

/* Without a vIOMMU: one VMID for all devices, and the table is told itself. */
TEST_F(smmu_nested, processes_on_the_parent)
{
	NEED_FORMAT(CDS_LINEAR);
	processes(_metadata, self, CDS_LINEAR, true);
}

/* As Linux has it: each device has its own table, a process one ASID in all of them. */
TEST_F(smmu_nested, tables_of_their_own)
{
	struct s1 all, own[NDEVICES];
	struct cds cds[NDEVICES];

	NEED_SUBSTREAMS();
	all = space(self, 1, 1);
	for (int i = 0; i < NDEVICES; i++) {
		own[i] = space(self, 2 + i, 2 + i);
		cds_init(&cds[i], &self->g, CDS_LINEAR, 8);
		cds_set(&cds[i], 7, &all);
		cds_set(&cds[i], 9, &own[i]);
		ASSERT_EQ(0, attach(self, i, &cds[i], S1DSS_TERMINATE));
	}
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < NDEVICES; i++) {
			EXPECT_EQ(1 + 10 * round, sees(self, i, 7));
			EXPECT_EQ(2 + i, sees(self, i, 9));
		}
		s1_map(&all, VA, page(self, 11), S1_RW);
		ASSERT_EQ(0, queue(self, cmd_tlbi_nh_va(1, VA, 1)));
	}
	/* The process leaves one device and stays in the others. */
	cds_cd(&cds[1], 7)[0] = 0;
	EXPECT_EQ(11, sees(self, 1, 7)) TH_LOG("not invalidated yet");
	ASSERT_EQ(0, queue(self, cmd_cfgi_cd(VSID(0), 7)));
	EXPECT_EQ(11, sees(self, 1, 7)) TH_LOG("another device's was");
	ASSERT_EQ(0, queue(self, cmd_cfgi_cd(VSID(1), 7)));
	EXPECT_EQ(BLOCKED, sees(self, 1, 7));
	EXPECT_EQ(3, sees(self, 1, 9));
	EXPECT_EQ(11, sees(self, 0, 7));
	EXPECT_EQ(11, sees(self, 2, 7));
}

/* --- what changes --------------------------------------------------------- */

TEST_F(smmu_nested, descriptors)
{
	struct s1 a, b, c;
	struct cds cds;

	NEED_SUBSTREAMS();
	a = space(self, 1, 1);
	b = space(self, 2, 2);
	c = space(self, 3, 3);
	cds_init(&cds, &self->g, CDS_LINEAR, 8);
	cds_set(&cds, 5, &a);
	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(0, attach(self, i, &cds, S1DSS_TERMINATE));
		EXPECT_EQ(1, sees(self, i, 5));
	}
	/* One that is new; a unit may remember that there was none. */
	EXPECT_EQ(BLOCKED, sees(self, 0, 6));
	ASSERT_EQ(0, write_cd(self, &cds, 6, &b));
	cds_cd(&cds, 6)[0] = 0;
	EXPECT_EQ(BLOCKED, sees(self, 0, 6));
	cds_set(&cds, 6, &b);
	EXPECT_EQ(BLOCKED, sees(self, 0, 6)) TH_LOG("not invalidated yet");
	EXPECT_EQ(2, sees(self, 1, 6));
	ASSERT_EQ(0, queue(self, cmd_cfgi_cd(VSID(0), 6)));
	EXPECT_EQ(2, sees(self, 0, 6));
	/* One that changes. */
	ASSERT_EQ(0, replace_cd(self, &cds, 5, &c));
	for (int i = 0; i < 2; i++) {
		EXPECT_EQ(3, sees(self, i, 5));
		EXPECT_EQ(2, sees(self, i, 6));
	}
	/* All of a device's at once, and no other's. */
	cds_cd(&cds, 5)[0] = 0;
	cds_cd(&cds, 6)[0] = 0;
	ASSERT_EQ(0, queue(self, cmd_cfgi_cd_all(VSID(1))));
	EXPECT_EQ(BLOCKED, sees(self, 1, 5));
	EXPECT_EQ(BLOCKED, sees(self, 1, 6));
	EXPECT_EQ(3, sees(self, 0, 5)) TH_LOG("another device's were");
	EXPECT_EQ(2, sees(self, 0, 6));
	ASSERT_EQ(0, queue(self, cmd_cfgi_cd_all(VSID(0))));
	EXPECT_EQ(BLOCKED, sees(self, 0, 5));
}

static void level_1(struct __test_metadata *_metadata, FIXTURE_DATA(smmu_nested) *self,
		    enum cds_format format)
{
	struct s1 a = space(self, 1, 1), b = space(self, 2, 2);
	const uint32_t far = (1U << unit_bits(self)) - 3;
	struct cds cds;

	cds_init(&cds, &self->g, format, unit_bits(self));
	cds_set(&cds, 5, &a);
	ASSERT_EQ(0, attach(self, 0, &cds, S1DSS_TERMINATE));
	EXPECT_EQ(1, sees(self, 0, 5));
	EXPECT_EQ(BLOCKED, sees(self, 0, far));
	expect_event(_metadata, self, C_BAD_SUBSTREAMID, 0, far, 0);
	/* The way there is remembered, that it is none too. */
	cds_set(&cds, far, &b);
	ASSERT_EQ(0, queue(self, cmd_cfgi_cd(VSID(0), far)));
	EXPECT_EQ(BLOCKED, sees(self, 0, far)) TH_LOG("with Leaf");
	expect_event(_metadata, self, C_BAD_SUBSTREAMID, 0, far, 0);
	ASSERT_EQ(0, queue(self, cmd_cfgi_cd_path(VSID(0), far)));
	EXPECT_EQ(2, sees(self, 0, far));
	/* It goes again. */
	*cds_l1(&cds, far) = 0;
	EXPECT_EQ(2, sees(self, 0, far)) TH_LOG("not invalidated yet");
	ASSERT_EQ(0, queue(self, cmd_cfgi_cd_all(VSID(0))));
	EXPECT_EQ(BLOCKED, sees(self, 0, far));
	EXPECT_EQ(1, sees(self, 0, 5));
}

TEST_F(smmu_nested, level_1_4k)
{
	NEED_FORMAT(CDS_4K);
	level_1(_metadata, self, CDS_4K);
}

TEST_F(smmu_nested, level_1_64k)
{
	NEED_FORMAT(CDS_64K);
	if (unit_bits(self) <= 10)
		SKIP(return, "the unit's substreams are all of one descriptor");
	level_1(_metadata, self, CDS_64K);
}

/* One table for another, as a guest that writes its stream table entry has it. */
TEST_F(smmu_nested, replaced)
{
	uint32_t t[2], hwpt, bypass;
	struct s1 a[2], one;
	struct cds cds[2];
	uint64_t ste[2];

	NEED_SUBSTREAMS();
	one = space(self, 3, 3);
	for (int k = 0; k < 2; k++) {
		a[k] = space(self, 1 + k, 1 + k);
		cds_init(&cds[k], &self->g, CDS_LINEAR, 8 - k);
		cds_set(&cds[k], 5, &a[k]);
		cds_set(&cds[k], 100 + 100 * k, &a[k]);
		ASSERT_EQ(0, table_on(self, self->viommu, &cds[k], S1DSS_TERMINATE, &t[k]));
	}
	guest_ste(ste, guest_cd(&one));
	ASSERT_EQ(0, sva_hwpt_nested(self->fd, self->device[0], self->viommu,
				     IOMMUFD_SVA_HWPT_DATA_ARM_SMMUV3, ste, 16, &hwpt));
	guest_ste_bypass(ste);
	ASSERT_EQ(0, sva_hwpt_nested(self->fd, self->device[0], self->viommu,
				     IOMMUFD_SVA_HWPT_DATA_ARM_SMMUV3, ste, 16, &bypass));
	for (int round = 0; round < 3; round++) {
		ASSERT_EQ(0, sva_attach(self->fd, self->device[0], t[0], NULL));
		EXPECT_EQ(1, sees(self, 0, 5));
		EXPECT_EQ(1, sees(self, 0, 100));
		ASSERT_EQ(0, sva_attach(self->fd, self->device[0], t[1], NULL));
		EXPECT_EQ(2, sees(self, 0, 5));
		/* Two bits fewer. */
		EXPECT_EQ(BLOCKED, sees(self, 0, 200));
		/* One address space, no substreams. */
		ASSERT_EQ(0, sva_attach(self->fd, self->device[0], hwpt, NULL));
		EXPECT_EQ(3, sees(self, 0, SIM_NO_PASID));
		EXPECT_EQ(BLOCKED, sees(self, 0, 5));
		EXPECT_EQ(BLOCKED, sees(self, 0, 0));
		ASSERT_EQ(0, sva_attach(self->fd, self->device[0], bypass, NULL));
		EXPECT_EQ(BLOCKED, sees(self, 0, 5));
		EXPECT_EQ(SIM_GARBAGE, sim_sees(self->bdf[0], SIM_NO_PASID, GPA, 0));
		ASSERT_EQ(0, sva_attach(self->fd, self->device[0], self->parent, NULL));
		EXPECT_EQ(BLOCKED, sees(self, 0, 5));
		EXPECT_EQ(SIM_GARBAGE, sim_sees(self->bdf[0], SIM_NO_PASID, GPA, 0));
		/* One line for each would be more than the log has room for. */
		self->log = fault_mark();
	}
	EXPECT_EQ(-EBUSY, sva_destroy(self->fd, self->parent));
	EXPECT_EQ(0, sva_destroy(self->fd, t[0]));
}

struct reader {
	int bdf;
	bool stop;
	unsigned long seen[3], other;
};

static void *read_on(void *arg)
{
	struct reader *r = arg;

	while (!__atomic_load_n(&r->stop, __ATOMIC_RELAXED)) {
		int seed = sim_sees(r->bdf, 5, VA, 0);

		if (seed == 1 || seed == 2)
			__atomic_add_fetch(&r->seen[seed], 1, __ATOMIC_RELAXED);
		else
			r->other++;
	}
	return NULL;
}

static bool has_seen(struct reader *r, int seed)
{
	return __atomic_load_n(&r->seen[seed], __ATOMIC_RELAXED) > 10;
}

TEST_F(smmu_nested, replaced_under_dma)
{
	struct reader r = { .bdf = self->bdf[0] };
	unsigned int replaced = 0;
	struct cds cds[2];
	pthread_t thread;
	uint32_t t[2];
	uint64_t end, last;

	NEED_SUBSTREAMS();
	/* IDR0.ST_LEVEL */
	if (!(self->unit.idr[0] >> 27 & 3))
		SKIP(return, "the unit has a linear stream table: replacing cuts DMA off");
	for (int k = 0; k < 2; k++) {
		struct s1 a = space(self, 1 + k, 1 + k);

		cds_init(&cds[k], &self->g, CDS_LINEAR, 8 - k);
		cds_set(&cds[k], 5, &a);
		/* Of VMIDs of their own. */
		ASSERT_EQ(0, table_on(self, self->parent, &cds[k], S1DSS_TERMINATE, &t[k]));
	}
	ASSERT_EQ(0, sva_attach(self->fd, self->device[0], t[0], NULL));
	ASSERT_EQ(0, pthread_create(&thread, NULL, read_on, &r));
	end = now_ns() + 1500000000ULL;
	last = now_ns() + SOON_MS * 1000000ULL;
	/* And until there were enough of both, if one is held up. */
	while (now_ns() < end ||
	       ((replaced <= 50 || !has_seen(&r, 1) || !has_seen(&r, 2)) && now_ns() < last)) {
		if (sva_attach(self->fd, self->device[0], t[++replaced & 1], NULL))
			break;
		usleep(1000);
	}
	__atomic_store_n(&r.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	TH_LOG("%u replacements, %lu reads of the one, %lu of the other", replaced, r.seen[1],
	       r.seen[2]);
	EXPECT_LT(50, replaced);
	EXPECT_LT(10, r.seen[1]);
	EXPECT_LT(10, r.seen[2]);
	EXPECT_EQ(0, r.other);
}

/* Memory that the VMM takes back is gone from every address space of the guest's. */
TEST_F(smmu_nested, parent_unmapped)
{
	char *mem = mem_alloc(SZ_4K, SZ_4K);
	struct s1 a, b;
	struct cds cds;

	NEED_SUBSTREAMS();
	mem_fill(mem, SZ_4K, 30);
	ASSERT_EQ(0, sva_map(self->fd, self->ioas, mem, SZ_4K, 4 * GPA, SVA_RW));
	a = space(self, 1, 1);
	b = space(self, 2, 2);
	s1_map(&a, VA, 4 * GPA, S1_RW);
	cds_init(&cds, &self->g, CDS_LINEAR, 8);
	cds_set(&cds, 1, &a);
	cds_set(&cds, 2, &b);
	for (int i = 0; i < NDEVICES; i++) {
		ASSERT_EQ(0, attach(self, i, &cds, S1DSS_TERMINATE));
		EXPECT_EQ(30, sees(self, i, 1));
		EXPECT_EQ(2, sees(self, i, 2));
	}
	ASSERT_EQ(0, sva_unmap(self->fd, self->ioas, 4 * GPA, SZ_4K, NULL));
	for (int i = 0; i < NDEVICES; i++) {
		EXPECT_EQ(BLOCKED, sees(self, i, 1));
		EXPECT_EQ(2, sees(self, i, 2));
	}
	mem_free(mem, SZ_4K);
}

/* --- S1DSS: requests without a substream ----------------------------------- */

TEST_F(smmu_nested, s1dss_terminate)
{
	struct s1 a;
	struct cds cds;

	NEED_SUBSTREAMS();
	a = space(self, 1, 1);
	cds_init(&cds, &self->g, CDS_LINEAR, 8);
	cds_set(&cds, 0, &a);
	ASSERT_EQ(0, attach(self, 0, &cds, S1DSS_TERMINATE));
	EXPECT_EQ(1, sees(self, 0, 0)) TH_LOG("substream 0 is one as any other");
	EXPECT_EQ(BLOCKED, sees(self, 0, SIM_NO_PASID));
	expect_event(_metadata, self, F_STREAM_DISABLED, 0, SIM_NO_PASID, 0);
	expect_silence(_metadata, self);
}

TEST_F(smmu_nested, s1dss_bypass)
{
	uint64_t plain;
	struct s1 a;
	struct cds cds;

	NEED_SUBSTREAMS();
	a = space(self, 1, 1);
	plain = page(self, 2);
	cds_init(&cds, &self->g, CDS_LINEAR, 8);
	cds_set(&cds, 0, &a);
	ASSERT_EQ(0, attach(self, 0, &cds, S1DSS_BYPASS));
	EXPECT_EQ(1, sees(self, 0, 0));
	/* Guest-physical addresses, through stage 2 all the same. */
	EXPECT_EQ(2, sim_sees(self->bdf[0], SIM_NO_PASID, plain, 0));
	expect_silence(_metadata, self);
	EXPECT_EQ(BLOCKED, sim_sees(self->bdf[0], SIM_NO_PASID, NOWHERE, 0));
	EXPECT_TRUE(some_fault_logged(self->log, sim_name(self->bdf[0])));
	expect_silence(_metadata, self);
}

TEST_F(smmu_nested, s1dss_ssid0)
{
	struct s1 a, b;
	struct cds cds;

	NEED_SUBSTREAMS();
	a = space(self, 1, 1);
	b = space(self, 2, 2);
	cds_init(&cds, &self->g, CDS_LINEAR, 8);
	cds_set(&cds, 0, &a);
	cds_set(&cds, 3, &b);
	ASSERT_EQ(0, attach(self, 0, &cds, S1DSS_SSID0));
	EXPECT_EQ(1, sees(self, 0, SIM_NO_PASID));
	EXPECT_EQ(2, sees(self, 0, 3));
	expect_silence(_metadata, self);
	EXPECT_EQ(BLOCKED, sees(self, 0, 0)) TH_LOG("substream 0 is taken");
	expect_event(_metadata, self, F_STREAM_DISABLED, 0, SIM_NO_PASID, 0);
	/* Its descriptor changes as any other does. */
	ASSERT_EQ(0, replace_cd(self, &cds, 0, &b));
	EXPECT_EQ(2, sees(self, 0, SIM_NO_PASID));
}

/* --- what a guest hears ----------------------------------------------------- */

static void beyond(struct __test_metadata *_metadata, FIXTURE_DATA(smmu_nested) *self,
		   enum cds_format format)
{
	struct s1 out = { .guest = &self->g, .granule = 12, .asid = 9, .root = NOWHERE };
	struct s1 a = space(self, 1, 1);
	struct cds cds;

	cds_init(&cds, &self->g, format, 8);
	cds_set(&cds, 5, &a);
	cds_set(&cds, 70, &out);
	ASSERT_EQ(0, attach(self, 1, &cds, S1DSS_TERMINATE));
	EXPECT_EQ(1, sees(self, 1, 5));
	EXPECT_EQ(BLOCKED, sees(self, 1, 256));
	expect_event(_metadata, self, C_BAD_SUBSTREAMID, 1, 256, 0);
	EXPECT_EQ(BLOCKED, sees(self, 1, 6));
	expect_event(_metadata, self, C_BAD_CD, 1, 6, 0);
	EXPECT_EQ(BLOCKED, sim_sees(self->bdf[1], 5, VA + SZ_4K, 0));
	expect_event(_metadata, self, F_TRANSLATION, 1, 5, 0);
	EXPECT_EQ(BLOCKED, sees(self, 1, 70));
	expect_event(_metadata, self, F_WALK_EABT, 1, 70, NOWHERE);
	if (format != CDS_LINEAR) {
		*cds_l1(&cds, 130) = NOWHERE | 1;
		EXPECT_EQ(BLOCKED, sees(self, 1, 130));
		expect_event(_metadata, self, F_CD_FETCH, 1, 130, NOWHERE);
		EXPECT_EQ(BLOCKED, sees(self, 1, 200));
		expect_event(_metadata, self, C_BAD_SUBSTREAMID, 1, 200, 0);
	}
	/* The whole table is nowhere. */
	cds.table = NOWHERE;
	ASSERT_EQ(0, attach(self, 1, &cds, S1DSS_TERMINATE));
	EXPECT_EQ(BLOCKED, sees(self, 1, 5));
	expect_event(_metadata, self, F_CD_FETCH, 1, 5, NOWHERE);
	expect_silence(_metadata, self);
	EXPECT_FALSE(any_fault_logged(self->log, sim_name(self->bdf[1])));
}

TEST_F(smmu_nested, beyond_linear)
{
	NEED_FORMAT(CDS_LINEAR);
	beyond(_metadata, self, CDS_LINEAR);
}

TEST_F(smmu_nested, beyond_4k)
{
	NEED_FORMAT(CDS_4K);
	beyond(_metadata, self, CDS_4K);
}

/* --- who has PASIDs ---------------------------------------------------------- */

TEST_F(smmu_nested, switched_on_at_adoption)
{
	unsigned int at = sim_ext_cap(self->bdf[0], 0x1b);
	struct s1 a;
	struct cds cds;
	uint64_t ste[2];
	uint32_t hwpt;

	EXPECT_EQ(unit_bits(self), pasid_bits(self->fd, self->device[0], NULL));
	EXPECT_EQ(unit_bits(self) ? 1 : 0, sim_config(self->bdf[0], at + 6, 2) & 1);
	/* One more than the unit has. */
	a = space(self, 1, 1);
	cds_init(&cds, &self->g, CDS_LINEAR, 0);
	cds.bits = unit_bits(self) + 1;
	EXPECT_EQ(-EIO, table_on(self, self->viommu, &cds, S1DSS_SSID0, &hwpt));
	EXPECT_EQ(-EIO, table_on(self, self->parent, &cds, S1DSS_SSID0, &hwpt));
	/* A device that sends them all the same, where nothing is said of any. */
	sim_set_pasid(self->bdf[0], true);
	guest_ste(ste, guest_cd(&a));
	ASSERT_EQ(0, ste_on(self, self->viommu, ste, &hwpt));
	ASSERT_EQ(0, sva_attach(self->fd, self->device[0], hwpt, NULL));
	EXPECT_EQ(1, sees(self, 0, SIM_NO_PASID));
	EXPECT_EQ(BLOCKED, sees(self, 0, 1));
	expect_event(_metadata, self, C_BAD_SUBSTREAMID, 0, 1, 0);
	EXPECT_EQ(BLOCKED, sees(self, 0, 0));
}

/* In the place of the first device. */
static int plug_instead(FIXTURE_DATA(smmu_nested) *self, struct sim_add *add)
{
	int rc;

	close(self->events);
	close(self->fd);
	self->fd = sva_open();
	rc = sim_remove(self->bdf[0]);
	if (rc)
		return rc;
	add->parent = SIM_SEGMENT << 16 | FIRST_SLOT << 3;
	self->bdf[0] = sim_add_as(add);
	if (self->bdf[0] < 0)
		return self->bdf[0];
	for (int i = 0; i < NDEVICES && !rc; i++)
		rc = sva_bind(self->fd, self->bdf[i], &self->device[i]);
	rc = rc ?: sva_ioas_alloc(self->fd, &self->ioas);
	rc = rc ?: sva_map(self->fd, self->ioas, self->g.mem, GUEST_SIZE, GPA, SVA_RW);
	return rc ?: sva_hwpt_alloc(self->fd, self->device[0], self->ioas,
				    IOMMUFD_SVA_HWPT_ALLOC_NEST_PARENT, &self->parent);
}

/* A guest may have a table of substreams for it all the same: there come none. */
TEST_F(smmu_nested, device_without)
{
	struct sim_add add = { .type = SIM_ENDPOINT, .caps = SIM_CAP_FLR };
	struct s1 a;
	struct cds cds;

	NEED_SUBSTREAMS();
	ASSERT_EQ(0, plug_instead(self, &add));
	make_viommu(_metadata, self);
	EXPECT_EQ(0, pasid_bits(self->fd, self->device[0], NULL));
	a = space(self, 1, 1);
	cds_init(&cds, &self->g, CDS_LINEAR, 8);
	cds_set(&cds, 0, &a);
	cds_set(&cds, 1, &a);
	ASSERT_EQ(0, attach(self, 0, &cds, S1DSS_SSID0));
	EXPECT_EQ(1, sees(self, 0, SIM_NO_PASID));
	EXPECT_EQ(-SIM_NO_MASTER, sees(self, 0, 1));
	ASSERT_EQ(0, attach(self, 0, &cds, S1DSS_TERMINATE));
	EXPECT_EQ(BLOCKED, sees(self, 0, SIM_NO_PASID));
	expect_event(_metadata, self, F_STREAM_DISABLED, 0, SIM_NO_PASID, 0);
}

TEST_F(smmu_nested, device_with_fewer)
{
	struct sim_add add = { .type = SIM_ENDPOINT, .caps = CAPS, .pasid_bits = 4 };
	struct s1 a;
	struct cds cds;

	NEED_SUBSTREAMS();
	ASSERT_EQ(0, plug_instead(self, &add));
	make_viommu(_metadata, self);
	EXPECT_EQ(4, pasid_bits(self->fd, self->device[0], NULL));
	a = space(self, 1, 1);
	cds_init(&cds, &self->g, CDS_LINEAR, 8);
	cds_set(&cds, 15, &a);
	cds_set(&cds, 16, &a);
	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(0, attach(self, i, &cds, S1DSS_TERMINATE));
		EXPECT_EQ(1, sees(self, i, 15));
	}
	EXPECT_EQ(1, sees(self, 1, 16));
}

/* Stage 2 is one for all of a device's requests: a PASID has none of its own. */
TEST_F(smmu_nested, nothing_for_a_pasid)
{
	uint32_t hwpt, table, plain;
	uint64_t ste[2];
	struct s1 a;

	a = space(self, 1, 1);
	guest_ste(ste, guest_cd(&a));
	ASSERT_EQ(0, ste_on(self, self->viommu, ste, &table));
	ASSERT_EQ(0, sva_hwpt_nested(self->fd, self->device[0], self->viommu,
				     IOMMUFD_SVA_HWPT_DATA_ARM_SMMUV3, ste, 16, &hwpt));
	ASSERT_EQ(0, sva_hwpt_alloc(self->fd, self->device[0], self->ioas, 0, &plain));
	const uint32_t what[] = { self->ioas, self->parent, plain, hwpt, table };

	for (size_t i = 0; i < sizeof(what) / sizeof(what[0]); i++) {
		EXPECT_EQ(-EOPNOTSUPP, sva_attach_pasid(self->fd, self->device[0], 1, what[i],
							NULL));
	}
	EXPECT_EQ(-EOPNOTSUPP, sva_detach_pasid(self->fd, self->device[0], 1));
	EXPECT_TRUE(kmsg_wait(self->log, 3000, NULL, 0,
			      KMSG_WORDS(sim_name(self->bdf[0]), "cannot use PASIDs",
					 unit_bits(self) ? "one stage 2" : "has none")));
	EXPECT_EQ(-EOPNOTSUPP, sva_hwpt_alloc(self->fd, self->device[0], self->ioas,
					      IOMMUFD_SVA_HWPT_ALLOC_PASID, &plain));
	/* Nothing has changed by it. */
	ASSERT_EQ(0, sva_attach(self->fd, self->device[0], self->parent, NULL));
	EXPECT_EQ(BLOCKED, sees(self, 0, 1) == -SIM_NO_MASTER ? BLOCKED : sees(self, 0, 1));
	EXPECT_EQ(0, sva_destroy(self->fd, hwpt));
	EXPECT_EQ(0, sva_destroy(self->fd, table));
}

/* --- what it costs ------------------------------------------------------------ */

/* Behind root ports in slots that no topology uses, eight functions to one. */
static int plug_many(int fd, int num, int *bdf, uint32_t *device)
{
	int rc;

	for (int i = 0; i < num; i += 8) {
		rc = sim_add(SIM_ROOT_PORT, SIM_ROOT, (4 + i / 8) << 3, SIM_CAP_ACS);
		if (rc < 0)
			return rc;
	}
	/* Function 0 last: it is what makes the others appear. */
	for (int i = 0; i < num; i++) {
		int in_slot = num - i / 8 * 8 < 8 ? num - i / 8 * 8 : 8;

		bdf[i] = sim_add(SIM_ENDPOINT, SIM_SEGMENT << 16 | (4 + i / 8) << 3,
				 in_slot - 1 - i % 8, CAPS | SIM_CAP_ACS | SIM_CAP_MULTI);
		if (bdf[i] < 0)
			return bdf[i];
	}
	for (int i = 0; i < num; i++) {
		rc = sva_bind(fd, bdf[i], &device[i]);
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
 * One process on @num devices, that have one table or each its own, as Linux has it:
 * what the guest invalidates is one command.
 */
static void count(struct __test_metadata *_metadata, FIXTURE_DATA(smmu_nested) *self, int num,
		  bool shared)
{
	struct s1 a = space(self, 1, 1);
	uint32_t device[MAX_DEVICES], t[MAX_DEVICES], name;
	int bdf[MAX_DEVICES];
	struct cds cds[MAX_DEVICES];
	uint64_t before, batches, sent = sim_counter(0, "ATC_INV");

	ASSERT_EQ(0, plug_many(self->fd, num, bdf, device));
	for (int i = 0; i < num; i++) {
		ASSERT_EQ(0, sva_vdevice_alloc(self->fd, self->viommu, device[i], VSID(100 + i),
					       &name));
		t[i] = t[0];
		if (!i || !shared) {
			cds_init(&cds[i], &self->g, CDS_LINEAR, 6);
			cds_set(&cds[i], 50, &a);
			ASSERT_EQ(0, table_on(self, self->viommu, &cds[i], S1DSS_TERMINATE,
					      &t[i]));
		}
		ASSERT_EQ(0, sva_attach(self->fd, device[i], t[i], NULL));
		EXPECT_EQ(1, sim_sees(bdf[i], 50, VA, 0));
	}
	s1_map(&a, VA, page(self, 2), S1_RW);
	before = tlb_commands();
	batches = sim_counter(0, "batches");
	ASSERT_EQ(0, queue(self, cmd_tlbi_nh_va(1, VA, 1)));
	EXPECT_EQ(before + 1, tlb_commands()) TH_LOG("%d devices", num);
	EXPECT_EQ(batches + 1, sim_counter(0, "batches"));
	EXPECT_EQ(sent, sim_counter(0, "ATC_INV"));
	for (int i = 0; i < num; i++) {
		EXPECT_EQ(2, sim_sees(bdf[i], 50, VA, 0));
	}
	unplug_many(num);
}

TEST_F(smmu_nested, one_command_8)
{
	NEED_SUBSTREAMS();
	count(_metadata, self, 8, true);
}

TEST_F(smmu_nested, one_command_64)
{
	NEED_SUBSTREAMS();
	count(_metadata, self, 64, true);
}

TEST_F(smmu_nested, one_command_64_tables)
{
	NEED_SUBSTREAMS();
	count(_metadata, self, 64, false);
}

/* A batch is one doorbell and one CMD_SYNC, whatever is in it. */
TEST_F(smmu_nested, one_batch)
{
	struct guest_cmd cmds[300];
	uint64_t batches, cds;

	NEED_SUBSTREAMS();
	for (int i = 0; i < 300; i++)
		cmds[i] = i % 3 == 0 ? cmd_cfgi_cd(VSID(i % 2), i) :
			  i % 3 == 1 ? cmd_tlbi_nh_asid(i & 255) : cmd_tlbi_nh_va(i & 255, VA, 1);
	batches = sim_counter(0, "batches");
	cds = sim_counter(0, "CFGI_CD");
	ASSERT_EQ(0, queue_on(self, self->viommu, cmds, 300));
	EXPECT_EQ(batches + 1, sim_counter(0, "batches"));
	EXPECT_EQ(cds + 100, sim_counter(0, "CFGI_CD"));
}

/* --- ATS ---------------------------------------------------------------------- */

/* IDR0.ATS */
#define NEED_ATS()                                                                     \
	do {                                                                           \
		NEED_SUBSTREAMS();                                                     \
		if (!(self->unit.idr[0] >> 10 & 1))                                    \
			SKIP(return, "the unit has no ATS (IDR0.ATS)");                \
	} while (0)

static bool ats_is_on(FIXTURE_DATA(smmu_nested) *self, int i)
{
	unsigned int at = sim_ext_cap(self->bdf[i], 0x0f);

	return at && sim_config(self->bdf[i], at + 6, 2) >> 15;
}

/* The same as sees(), by what the device has cached if it has. */
static int ats_sees(FIXTURE_DATA(smmu_nested) *self, int i, uint32_t pasid)
{
	return sim_sees(self->bdf[i], pasid, VA, SIM_DMA_ATS);
}

/* The table becomes device @i's, and the guest has ATS on in it: EATS 1. */
static int attach_ats(FIXTURE_DATA(smmu_nested) *self, int i, uint32_t pt,
		      const struct cds *cds, unsigned int s1dss)
{
	uint64_t ste[2];
	uint32_t table;

	cds_ste(cds, s1dss, ste);
	ste[1] |= 1ULL << 28;
	return ste_on(self, pt, ste, &table) ?:
	       sva_attach(self->fd, self->device[i], table, NULL);
}

/* How many invalidations of its ATC a device has had. */
static uint64_t told(FIXTURE_DATA(smmu_nested) *self, int i)
{
	return sim_device_counter(self->bdf[i], "atc_invalidations");
}

/* Substreams 5 to 7, one more each, and what has none is as 0. */
static void fill_table(FIXTURE_DATA(smmu_nested) *self, struct cds *cds, struct s1 *s1)
{
	cds_init(cds, &self->g, CDS_LINEAR, 8);
	for (int k = 0; k < 4; k++) {
		s1[k] = space(self, 1 + k, 1 + k);
		cds_set(cds, k ? 4 + k : 0, &s1[k]);
	}
}

/* Of requests through a guest's stage 1 the guest decides. */
TEST_F(smmu_nested, ats_as_the_guest_says)
{
	uint32_t bypass, abort;
	struct s1 s1[4];
	struct cds cds;
	uint64_t ste[2];

	NEED_ATS();
	fill_table(self, &cds, s1);
	guest_ste_bypass(ste);
	ASSERT_EQ(0, ste_on(self, self->viommu, ste, &bypass));
	guest_ste_abort(ste);
	ASSERT_EQ(0, ste_on(self, self->viommu, ste, &abort));
	EXPECT_FALSE(ats_is_on(self, 0));
	for (int round = 0; round < 2; round++) {
		ASSERT_EQ(0, attach(self, 0, &cds, S1DSS_SSID0));
		EXPECT_FALSE(ats_is_on(self, 0));
		EXPECT_EQ(2, sees(self, 0, 5));
		EXPECT_EQ(-SIM_NO_MASTER, ats_sees(self, 0, 5));
		for (int i = 0; i < NDEVICES; i++) {
			ASSERT_EQ(0, attach_ats(self, i, self->viommu, &cds, S1DSS_SSID0));
			EXPECT_EQ(i != 1, ats_is_on(self, i));
			EXPECT_EQ(2, sees(self, i, 5));
		}
		EXPECT_EQ(2, ats_sees(self, 0, 5));
		EXPECT_EQ(1, ats_sees(self, 0, SIM_NO_PASID));
		/* Where it bypasses what is cached is the host's. */
		ASSERT_EQ(0, sva_attach(self->fd, self->device[0], bypass, NULL));
		EXPECT_TRUE(ats_is_on(self, 0));
		EXPECT_EQ(-SIM_CA, ats_sees(self, 0, 5)) TH_LOG("it is cached still");
		EXPECT_EQ(SIM_GARBAGE, sim_sees(self->bdf[0], SIM_NO_PASID, GPA, SIM_DMA_ATS));
		ASSERT_EQ(0, sva_attach(self->fd, self->device[0], abort, NULL));
		EXPECT_FALSE(ats_is_on(self, 0));
		ASSERT_EQ(0, sva_attach(self->fd, self->device[0], self->parent, NULL));
		EXPECT_TRUE(ats_is_on(self, 0));
		ASSERT_EQ(0, sva_detach(self->fd, self->device[0]));
		EXPECT_FALSE(ats_is_on(self, 0));
	}
}

/* What a device has cached goes by the guest's CMD_ATC_INV for it, and by nothing else. */
TEST_F(smmu_nested, ats_commands)
{
	struct s1 s1[4];
	struct cds cds;
	uint64_t sent;

	NEED_ATS();
	fill_table(self, &cds, s1);
	for (int i = 0; i < NDEVICES; i++) {
		ASSERT_EQ(0, attach_ats(self, i, self->viommu, &cds, S1DSS_SSID0));
		if (i == 1)
			continue;
		EXPECT_EQ(1, ats_sees(self, i, SIM_NO_PASID));
		for (int k = 1; k < 4; k++)
			EXPECT_EQ(1 + k, ats_sees(self, i, 4 + k));
	}
	for (int k = 0; k < 4; k++)
		s1_map(&s1[k], VA, page(self, 11 + k), S1_RW);
	ASSERT_EQ(0, queue(self, cmd_tlbi_nh_all()));
	EXPECT_EQ(12, sees(self, 0, 5));
	EXPECT_EQ(2, ats_sees(self, 0, 5)) TH_LOG("not invalidated yet");
	sent = sim_counter(0, "ATC_INV");
	/* One substream's page of one device. */
	ASSERT_EQ(0, queue(self, cmd_atc_inv_ssid(VSID(0), 5, VA + SZ_4K, 0)));
	EXPECT_EQ(2, ats_sees(self, 0, 5)) TH_LOG("another page was");
	ASSERT_EQ(0, queue(self, cmd_atc_inv_ssid(VSID(0), 5, VA, 0)));
	EXPECT_EQ(12, ats_sees(self, 0, 5));
	EXPECT_EQ(3, ats_sees(self, 0, 6)) TH_LOG("another substream's was");
	EXPECT_EQ(2, ats_sees(self, 2, 5)) TH_LOG("another device's was");
	/* All of its substreams; what has none is not one. */
	ASSERT_EQ(0, queue(self, cmd_atc_inv_global(VSID(0), VA, 0)));
	EXPECT_EQ(13, ats_sees(self, 0, 6));
	EXPECT_EQ(14, ats_sees(self, 0, 7));
	EXPECT_EQ(1, ats_sees(self, 0, SIM_NO_PASID));
	ASSERT_EQ(0, queue(self, cmd_atc_inv(VSID(0), 0, 52)));
	EXPECT_EQ(11, ats_sees(self, 0, SIM_NO_PASID));
	EXPECT_EQ(sent + 4, sim_counter(0, "ATC_INV"));
	EXPECT_EQ(2, ats_sees(self, 2, 5));
	/* One without ATS has nothing. */
	ASSERT_EQ(0, queue(self, cmd_atc_inv(VSID(1), 0, 52)));
	EXPECT_EQ(sent + 4, sim_counter(0, "ATC_INV"));
	EXPECT_EQ(-EIO, queue(self, cmd_atc_inv(VSID(7), 0, 52)));
	EXPECT_EQ(-EIO, queue(self, cmd_atc_inv(VSID(2), 0, 53)));
}

/* Without a vIOMMU one command is for every device of the table that has ATS. */
TEST_F(smmu_nested, ats_commands_on_the_parent)
{
	struct guest_cmd cmds[2] = { cmd_tlbi_nh_asid(2), cmd_atc_inv_ssid(0, 5, VA, 0) };
	uint32_t table;
	struct s1 s1[4];
	struct cds cds;
	uint64_t sent, ste[2];

	NEED_ATS();
	fill_table(self, &cds, s1);
	cds_ste(&cds, S1DSS_SSID0, ste);
	ste[1] |= 1ULL << 28;
	ASSERT_EQ(0, ste_on(self, self->parent, ste, &table));
	for (int i = 0; i < NDEVICES; i++) {
		ASSERT_EQ(0, sva_attach(self->fd, self->device[i], table, NULL));
		EXPECT_EQ(i == 1 ? -SIM_NO_MASTER : 2, ats_sees(self, i, 5));
		EXPECT_EQ(2, sees(self, i, 5));
	}
	s1_map(&s1[1], VA, page(self, 12), S1_RW);
	sent = sim_counter(0, "ATC_INV");
	ASSERT_EQ(0, queue_on(self, table, cmds, 2));
	EXPECT_EQ(sent + 2, sim_counter(0, "ATC_INV"));
	for (int i = 0; i < NDEVICES; i++) {
		EXPECT_EQ(12, i == 1 ? sees(self, i, 5) : ats_sees(self, i, 5));
	}
}

/*
 * A VMM that passes on what is between two CMD_SYNCs and more: the unit's own caches
 * are done before a device is told, else it asks, and gets the same again. The model
 * sees to that (bad.ATC_INV_before_SYNC).
 */
TEST_F(smmu_nested, ats_after_the_tlb)
{
	struct guest_cmd cmds[300];
	uint64_t syncs, batches;
	struct s1 s1[4];
	struct cds cds;

	NEED_ATS();
	fill_table(self, &cds, s1);
	ASSERT_EQ(0, attach_ats(self, 0, self->viommu, &cds, S1DSS_TERMINATE));
	EXPECT_EQ(2, ats_sees(self, 0, 5));
	s1_map(&s1[1], VA, page(self, 12), S1_RW);
	/* Two of each in turn. */
	for (int i = 0; i < 300; i++)
		cmds[i] = i % 4 < 2 ? cmd_tlbi_nh_asid(2) : cmd_atc_inv_ssid(VSID(0), 5, VA, 0);
	syncs = sim_counter(0, "SYNC");
	batches = sim_counter(0, "batches");
	ASSERT_EQ(0, queue_on(self, self->viommu, cmds, 300));
	EXPECT_EQ(12, ats_sees(self, 0, 5));
	EXPECT_EQ(syncs + 76, sim_counter(0, "SYNC"));
	EXPECT_EQ(batches + 1, sim_counter(0, "batches"));
	EXPECT_STREQ("", sim_bad(0));
}

/* Stage 2 alone: what is unmapped is gone from the devices, and nothing else. */
TEST_F(smmu_nested, ats_unmap)
{
	char *mem = mem_alloc(2 * SZ_4K, SZ_4K);
	uint64_t sent;

	NEED_ATS();
	mem_fill(mem, SZ_4K, 30);
	mem_fill(mem + SZ_4K, SZ_4K, 31);
	for (int k = 0; k < 2; k++)
		ASSERT_EQ(0, sva_map(self->fd, self->ioas, mem + k * SZ_4K, SZ_4K,
				     VA + k * SZ_4K, SVA_RW));
	for (int i = 0; i < NDEVICES; i++) {
		ASSERT_EQ(0, sva_attach(self->fd, self->device[i], self->parent, NULL));
		EXPECT_EQ(i != 1, ats_is_on(self, i));
		EXPECT_EQ(30, sees(self, i, SIM_NO_PASID));
	}
	EXPECT_EQ(30, ats_sees(self, 0, SIM_NO_PASID));
	EXPECT_EQ(31, sim_sees(self->bdf[0], SIM_NO_PASID, VA + SZ_4K, SIM_DMA_ATS));
	sent = sim_counter(0, "ATC_INV");
	sim_reset_device_counters(self->bdf[0]);
	ASSERT_EQ(0, sva_unmap(self->fd, self->ioas, VA, SZ_4K, NULL));
	/* One for each device that has ATS, and of that page. */
	EXPECT_EQ(sent + 2, sim_counter(0, "ATC_INV"));
	EXPECT_EQ(1, sim_device_counter(self->bdf[0], "atc_dropped"));
	EXPECT_EQ(BLOCKED, ats_sees(self, 0, SIM_NO_PASID));
	EXPECT_EQ(31, sim_sees(self->bdf[0], SIM_NO_PASID, VA + SZ_4K, SIM_DMA_ATS));
	/* Off where it was: nothing is sent any more. */
	for (int i = 0; i < NDEVICES; i++) {
		ASSERT_EQ(0, sva_detach(self->fd, self->device[i]));
	}
	ASSERT_EQ(0, sva_attach(self->fd, self->device[1], self->parent, NULL));
	sent = sim_counter(0, "ATC_INV");
	ASSERT_EQ(0, sva_unmap(self->fd, self->ioas, VA + SZ_4K, SZ_4K, NULL));
	EXPECT_EQ(sent, sim_counter(0, "ATC_INV"));
	mem_free(mem, 2 * SZ_4K);
}

/* Memory that the VMM takes back is gone from what devices know under guests' addresses. */
TEST_F(smmu_nested, ats_parent_unmapped)
{
	char *mem = mem_alloc(SZ_4K, SZ_4K);
	const uint32_t pt[] = { self->viommu, self->parent };
	struct s1 s1[4];
	struct cds cds;

	NEED_ATS();
	for (int how = 0; how < 2; how++) {
		mem_fill(mem, SZ_4K, 30);
		ASSERT_EQ(0, sva_map(self->fd, self->ioas, mem, SZ_4K, 4 * GPA, SVA_RW));
		fill_table(self, &cds, s1);
		s1_map(&s1[0], VA, 4 * GPA, S1_RW);
		s1_map(&s1[2], VA, 4 * GPA, S1_RW);
		ASSERT_EQ(0, attach_ats(self, 0, pt[how], &cds, S1DSS_SSID0));
		EXPECT_EQ(30, ats_sees(self, 0, SIM_NO_PASID));
		EXPECT_EQ(30, ats_sees(self, 0, 6));
		EXPECT_EQ(2, ats_sees(self, 0, 5));
		ASSERT_EQ(0, sva_unmap(self->fd, self->ioas, 4 * GPA, SZ_4K, NULL));
		EXPECT_EQ(BLOCKED, ats_sees(self, 0, SIM_NO_PASID));
		EXPECT_EQ(BLOCKED, ats_sees(self, 0, 6));
		EXPECT_EQ(2, ats_sees(self, 0, 5));
		ASSERT_EQ(0, sva_detach(self->fd, self->device[0]));
	}
	mem_free(mem, SZ_4K);
}

/* Another table, another VMID: nothing of the old one is in the device. */
TEST_F(smmu_nested, ats_replaced)
{
	struct s1 s1[4], other[4];
	struct cds cds[2];

	NEED_ATS();
	fill_table(self, &cds[0], s1);
	fill_table(self, &cds[1], other);
	for (int k = 0; k < 4; k++)
		s1_map(&other[k], VA, page(self, 21 + k), S1_RW);
	for (int round = 0; round < 3; round++) {
		ASSERT_EQ(0, attach_ats(self, 0, self->parent, &cds[0], S1DSS_SSID0));
		EXPECT_EQ(1, ats_sees(self, 0, SIM_NO_PASID));
		EXPECT_EQ(3, ats_sees(self, 0, 6));
		ASSERT_EQ(0, attach_ats(self, 0, self->parent, &cds[1], S1DSS_SSID0));
		EXPECT_TRUE(ats_is_on(self, 0));
		EXPECT_EQ(21, ats_sees(self, 0, SIM_NO_PASID));
		EXPECT_EQ(23, ats_sees(self, 0, 6));
	}
}

/*
 * A device that does not answer must not reach what was unmapped, nor keep another from
 * anything.
 */
TEST_F(smmu_nested, ats_no_answer)
{
	char *mem = mem_alloc(2 * SZ_4K, SZ_4K);

	NEED_ATS();
	mem_fill(mem, SZ_4K, 30);
	mem_fill(mem + SZ_4K, SZ_4K, 31);
	for (int k = 0; k < 2; k++)
		ASSERT_EQ(0, sva_map(self->fd, self->ioas, mem + k * SZ_4K, SZ_4K,
				     VA + k * SZ_4K, SVA_RW));
	for (int i = 0; i < NDEVICES; i += 2) {
		ASSERT_EQ(0, sva_attach(self->fd, self->device[i], self->parent, NULL));
		EXPECT_EQ(30, ats_sees(self, i, SIM_NO_PASID));
		EXPECT_EQ(31, sim_sees(self->bdf[i], SIM_NO_PASID, VA + SZ_4K, SIM_DMA_ATS));
	}
	/* Both once, and the first one once more when they are asked one by one. */
	ASSERT_EQ(0, sim_inject(0, SIM_FAULT_ATC, 3, 0));
	ASSERT_EQ(0, sva_unmap(self->fd, self->ioas, VA, SZ_4K, NULL));
	EXPECT_TRUE(kmsg_wait(self->log, 3000, NULL, 0,
			      KMSG_WORDS(sim_name(self->bdf[0]), "does not answer")));
	/* It has the other page cached still, and that is of no use to it. */
	EXPECT_EQ(BLOCKED, ats_sees(self, 0, SIM_NO_PASID));
	EXPECT_EQ(BLOCKED, sim_sees(self->bdf[0], SIM_NO_PASID, VA + SZ_4K, SIM_DMA_ATS));
	EXPECT_EQ(31, sim_sees(self->bdf[0], SIM_NO_PASID, VA + SZ_4K, 0));
	EXPECT_EQ(BLOCKED, ats_sees(self, 2, SIM_NO_PASID));
	EXPECT_EQ(31, sim_sees(self->bdf[2], SIM_NO_PASID, VA + SZ_4K, SIM_DMA_ATS));
	/* It is not asked again, until it has ATS anew. */
	sim_reset_device_counters(self->bdf[0]);
	ASSERT_EQ(0, sva_unmap(self->fd, self->ioas, VA + SZ_4K, SZ_4K, NULL));
	EXPECT_EQ(0, told(self, 0));
	EXPECT_EQ(BLOCKED, sim_sees(self->bdf[2], SIM_NO_PASID, VA + SZ_4K, SIM_DMA_ATS));
	ASSERT_EQ(0, sva_detach(self->fd, self->device[0]));
	ASSERT_EQ(0, sva_map(self->fd, self->ioas, mem, SZ_4K, VA, SVA_RW));
	ASSERT_EQ(0, sva_attach(self->fd, self->device[0], self->parent, NULL));
	EXPECT_EQ(30, ats_sees(self, 0, SIM_NO_PASID));
	ASSERT_EQ(0, sva_unmap(self->fd, self->ioas, VA, SZ_4K, NULL));
	EXPECT_EQ(BLOCKED, ats_sees(self, 0, SIM_NO_PASID));
	mem_free(mem, 2 * SZ_4K);
}

/* On the way from one table to another, too. */
TEST_F(smmu_nested, ats_no_answer_when_replaced)
{
	struct s1 s1[4];
	struct cds cds;

	NEED_ATS();
	fill_table(self, &cds, s1);
	ASSERT_EQ(0, attach_ats(self, 0, self->viommu, &cds, S1DSS_SSID0));
	EXPECT_EQ(2, ats_sees(self, 0, 5));
	ASSERT_EQ(0, sim_inject(0, SIM_FAULT_ATC, 2, 0));
	ASSERT_EQ(0, attach_ats(self, 0, self->parent, &cds, S1DSS_SSID0));
	EXPECT_EQ(BLOCKED, ats_sees(self, 0, 5));
	EXPECT_EQ(2, sees(self, 0, 5));
	ASSERT_EQ(0, sim_inject(0, SIM_FAULT_ATC, 0, 0));
}

/* The guest's own command: it is the guest's who hears of it. */
TEST_F(smmu_nested, ats_no_answer_to_the_guest)
{
	struct guest_cmd cmds[3];
	uint32_t num = 3;
	struct s1 s1[4];
	struct cds cds;

	NEED_ATS();
	fill_table(self, &cds, s1);
	for (int i = 0; i < NDEVICES; i += 2) {
		ASSERT_EQ(0, attach_ats(self, i, self->viommu, &cds, S1DSS_SSID0));
		EXPECT_EQ(2, ats_sees(self, i, 5));
	}
	s1_map(&s1[1], VA, page(self, 12), S1_RW);
	cmds[0] = cmd_tlbi_nh_asid(2);
	cmds[1] = cmd_atc_inv_ssid(VSID(0), 5, VA, 0);
	cmds[2] = cmd_atc_inv_ssid(VSID(2), 5, VA, 0);
	ASSERT_EQ(0, sim_inject(0, SIM_FAULT_ATC, 1, 0));
	EXPECT_EQ(-ETIMEDOUT,
		  sva_invalidate(self->fd, self->viommu,
				 IOMMUFD_SVA_VIOMMU_INVALIDATE_DATA_ARM_SMMUV3, cmds,
				 sizeof(cmds[0]), &num));
	EXPECT_EQ(3, num) TH_LOG("all but that has taken effect");
	EXPECT_EQ(2, ats_sees(self, 0, 5));
	EXPECT_EQ(12, ats_sees(self, 2, 5));
	ASSERT_EQ(0, queue(self, cmds[1]));
	EXPECT_EQ(12, ats_sees(self, 0, 5));
	/* The same without a vIOMMU. */
	EXPECT_TRUE(ats_is_on(self, 0));
}

/* A guest may say so where there is no ATS: nothing comes of it. */
TEST_F(smmu_nested, unit_without_ats)
{
	uint64_t ste[2];
	uint32_t table;
	struct s1 a;

	if (self->unit.idr[0] >> 10 & 1)
		SKIP(return, "the unit has ATS");
	a = space(self, 1, 1);
	guest_ste(ste, guest_cd(&a));
	ste[1] |= 1ULL << 28;
	ASSERT_EQ(0, ste_on(self, self->viommu, ste, &table));
	ASSERT_EQ(0, sva_attach(self->fd, self->device[0], table, NULL));
	EXPECT_FALSE(ats_is_on(self, 0));
	EXPECT_EQ(1, sees(self, 0, SIM_NO_PASID));
	EXPECT_EQ(-EIO, queue(self, cmd_atc_inv(VSID(0), 0, 52)));
	ASSERT_EQ(0, sva_attach(self->fd, self->device[0], self->parent, NULL));
	EXPECT_FALSE(ats_is_on(self, 0));
}

/* --- one guest and another ------------------------------------------------------ */

/* A guest of another VMM's: the first device is its, under the same name. */
struct other {
	int fd;
	struct guest g;
	uint32_t ioas, parent, viommu, device, vdevice, table;
};

static int other_init(struct other *o, int bdf, uint32_t vsid)
{
	int rc;

	*o = (struct other){ .fd = sva_open() };
	rc = guest_begin(&o->g, GPA, SZ_2M, o->fd, &o->ioas) ?:
	     sva_bind(o->fd, bdf, &o->device) ?:
	     sva_hwpt_alloc(o->fd, o->device, o->ioas, IOMMUFD_SVA_HWPT_ALLOC_NEST_PARENT,
			    &o->parent) ?:
	     sva_viommu_alloc(o->fd, IOMMUFD_SVA_VIOMMU_TYPE_ARM_SMMUV3, o->device, o->parent,
			      &o->viommu);
	return rc ?: sva_vdevice_alloc(o->fd, o->viommu, o->device, vsid, &o->vdevice);
}

static void other_free(struct other *o)
{
	close(o->fd);
	guest_free(&o->g);
}

/* The same names, PASIDs, ASIDs and addresses in both: neither notices the other. */
TEST_F(smmu_nested, neighbours)
{
	const struct guest_cmd all[] = {
		cmd_tlbi_nsnh_all(), cmd_tlbi_nh_all(), cmd_tlbi_nh_asid(1),
		cmd_tlbi_nh_va(1, VA, 0), cmd_tlbi_nh_vaa(VA), cmd_cfgi_cd_all(VSID(1)),
		cmd_cfgi_cd(VSID(1), 5), cmd_cfgi_cd_path(VSID(1), 5),
	};
	struct s1 mine, its;
	struct cds cds[2];
	struct other o;
	uint64_t gpa, ste[2];

	NEED_SUBSTREAMS();
	mine = space(self, 1, 1);
	cds_init(&cds[0], &self->g, CDS_LINEAR, 8);
	cds_set(&cds[0], 5, &mine);
	ASSERT_EQ(0, attach(self, 1, &cds[0], S1DSS_TERMINATE));

	ASSERT_EQ(0, sva_destroy(self->fd, self->vdevice[0]));
	ASSERT_EQ(0, sva_destroy(self->fd, self->device[0]));
	ASSERT_EQ(0, other_init(&o, self->bdf[0], VSID(1)));
	s1_init(&its, &o.g, 12, 1);
	gpa = guest_alloc(&o.g, SZ_4K, SZ_4K);
	mem_fill(guest_ptr(&o.g, gpa), SZ_4K, 2);
	s1_map(&its, VA, gpa, S1_RW);
	cds_init(&cds[1], &o.g, CDS_LINEAR, 8);
	cds_set(&cds[1], 5, &its);
	cds_ste(&cds[1], S1DSS_TERMINATE, ste);
	ASSERT_EQ(0, sva_pasid_table_alloc(o.fd, o.viommu, IOMMUFD_SVA_PASID_TABLE_SMMUV3, ste,
					   16, &o.table));
	ASSERT_EQ(0, sva_attach(o.fd, o.device, o.table, NULL));
	EXPECT_EQ(1, sees(self, 1, 5));
	EXPECT_EQ(2, sees(self, 0, 5));

	/* What the unit remembers of the one stays, whatever the other has invalidated. */
	cds_cd(&cds[1], 5)[0] = 0;
	s1_unmap(&its, VA);
	ASSERT_EQ(0, queue_on(self, self->viommu, all, sizeof(all) / sizeof(all[0])));
	EXPECT_EQ(2, sees(self, 0, 5)) TH_LOG("another guest's were invalidated");
	/* A name that is not its. */
	EXPECT_EQ(-EIO, queue(self, cmd_cfgi_cd(VSID(0), 5)));
	EXPECT_EQ(-EIO, queue(self, cmd_cfgi_cd(self->bdf[0] & 0xffff, 5)));
	EXPECT_EQ(2, sees(self, 0, 5));
	/* Nor is what happens to the other its affair. */
	self->viommu = o.viommu;
	close(self->fd);
	self->fd = o.fd;
	ASSERT_EQ(0, queue(self, cmd_cfgi_cd_all(VSID(1))));
	EXPECT_EQ(BLOCKED, sees(self, 0, 5));
	expect_silence(_metadata, self);
	self->fd = -1;
	other_free(&o);
}

/* --- a hostile guest -------------------------------------------------------------- */

static uint64_t random_state = 0x9e3779b97f4a7c15ULL;

static uint64_t random64(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

/**
 * struct hostile - a guest that writes whatever it likes into its tables
 * @g: its memory
 * @host: a physical page of the host's that it knows of
 * @cds: its tables
 * @s1: its address spaces
 * @stop: enough
 */
struct hostile {
	struct guest *g;
	uint64_t host;
	struct cds cds;
	struct s1 s1[4];
	bool stop;
};

/* An address: its own, the host's, nobody's. */
static uint64_t hostile_address(struct hostile *h)
{
	switch (random64() % 6) {
	case 0:
		return h->host;
	case 1:
		return NOWHERE;
	case 2:
		return random64() & 0x000ffffffffff000ULL;
	default:
		return GPA + (random64() % GUEST_SIZE & ~0xfffULL);
	}
}

/* Something that is wrong for a moment, or for good. */
static void hostile_write(struct hostile *h)
{
	struct s1 *s1 = &h->s1[random64() % 4];
	volatile uint64_t *at = cds_cd(&h->cds, random64() % 64), old;

	switch (random64() % 4) {
	case 0:
		at += random64() % 4;
		old = *at;
		*at = random64();
		break;
	case 1:
		at += 1;
		old = *at;
		*at = hostile_address(h);
		break;
	case 2:
		if (h->cds.format == CDS_LINEAR)
			return;
		/* Also its own table as a table of descriptors. */
		at = cds_l1(&h->cds, random64() % 256);
		old = *at;
		*at = hostile_address(h) | (random64() & 1);
		break;
	default:
		at = (volatile uint64_t *)guest_ptr(h->g, s1->root) + (VA >> 39 & 511);
		old = *at;
		*at = hostile_address(h) | (random64() & 0xfff);
		break;
	}
	usleep(random64() % 200);
	if (random64() % 64)
		*at = old;
}

static void *hostile_writes(void *arg)
{
	struct hostile *h = arg;

	while (!__atomic_load_n(&h->stop, __ATOMIC_RELAXED))
		hostile_write(h);
	return NULL;
}

/* Does every byte that the device moved belong to the guest? */
static bool is_guests(const uint64_t *pages, size_t num, uint64_t phys)
{
	for (size_t i = 0; i < num; i++)
		if (pages[i] == (phys & ~0xfffULL))
			return true;
	return false;
}

static void hostile(struct __test_metadata *_metadata, FIXTURE_DATA(smmu_nested) *self,
		    enum cds_format format)
{
	const size_t num = GUEST_SIZE / SZ_4K;
	uint64_t *pages = malloc(num * sizeof(*pages));
	struct hostile h = { .g = &self->g };
	unsigned int through = 0;
	char *host = mem_alloc(SZ_4K, SZ_4K);
	pthread_t thread;

	for (size_t i = 0; i < num; i++)
		pages[i] = mem_phys(self->g.mem + i * SZ_4K);
	mem_fill(host, SZ_4K, 99);
	h.host = mem_phys(host);
	ASSERT_NE(0, h.host);
	cds_init(&h.cds, &self->g, format, 8);
	for (int k = 0; k < 4; k++)
		h.s1[k] = space(self, k, k + 1);
	for (int ssid = 0; ssid < 64; ssid++)
		cds_set(&h.cds, ssid, &h.s1[ssid % 4]);
	ASSERT_EQ(0, pthread_create(&thread, NULL, hostile_writes, &h));
	for (int i = 0; i < 400; i++) {
		struct sim_dma dma = {
			.bdf = self->bdf[0],
			.pasid = random64() % 70,
			.flags = random64() & 1 ? SIM_DMA_WRITE : 0,
			.addr = random64() % 3 ? VA : random64() & 0xffffffffffff,
			.len = 64,
		};
		char buf[64] = "written by the device";

		/* Another entry each time: nothing of the last one is remembered. */
		if (i % 4 == 0)
			ASSERT_EQ(0, attach(self, 0, &h.cds, random64() % 3));
		if (dma.pasid == 64)
			dma.pasid = SIM_NO_PASID;
		dma.buf = (uintptr_t)buf;
		/* Without CD.A what faults reads as 0, and nothing is written. */
		if (sim_dma(&dma) != SIM_OK || !dma.phys)
			continue;
		through++;
		EXPECT_TRUE(is_guests(pages, num, dma.phys)) TH_LOG("%#llx", dma.phys);
	}
	__atomic_store_n(&h.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	TH_LOG("%u of 400 requests went through", through);
	EXPECT_LT(0, through);
	EXPECT_EQ(-1, mem_check(host, SZ_4K, 99));
	/* Another device, and the unit, have not noticed. */
	struct s1 a = space(self, 9, 40);

	cds_init(&h.cds, &self->g, CDS_LINEAR, 8);
	cds_set(&h.cds, 5, &a);
	ASSERT_EQ(0, attach(self, 1, &h.cds, S1DSS_TERMINATE));
	EXPECT_EQ(40, sees(self, 1, 5));
	free(pages);
}

TEST_F(smmu_nested, hostile_linear)
{
	NEED_FORMAT(CDS_LINEAR);
	hostile(_metadata, self, CDS_LINEAR);
}

TEST_F(smmu_nested, hostile_4k)
{
	NEED_FORMAT(CDS_4K);
	hostile(_metadata, self, CDS_4K);
}

TEST_HARNESS_MAIN
