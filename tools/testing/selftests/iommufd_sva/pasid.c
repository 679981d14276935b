// SPDX-License-Identifier: GPL-2.0-only
/*
 * Work queues: PASIDs of a device with address spaces of their own. Needs the
 * hardware models: a device of theirs, which sends any request that it is told to,
 * behind a VT-d unit of ours. It plugs its own devices in.
 */
#include <pthread.h>

#include "selftest.h"
#include "sim.h"

#define IOVA 0x7654000000UL
#define CAPS (SIM_CAP_FLR | SIM_CAP_PASID)
#define LAST ((1U << 20) - 1)

/* Address spaces, all with a page at IOVA and each with another one. */
#define NSPACES 6
#define SEED(space) (0x50 + (space))
/* Instead of the number of a space: the unit did not let the request through. */
#define BLOCKED (-SIM_UR)
#define GARBAGE (-100)

/* In slots where no topology has anything (see sim_topology). */
#define NDEVICES 2
#define FIRST_SLOT 28

FIXTURE(pasid)
{
	int fd, log;
	uint32_t ioas[NSPACES];
	char *mem;
	int bdf[NDEVICES];
	uint32_t device[NDEVICES];
};

/* One line for the whole program, not one for each test. */
static void __attribute__((constructor)) skip_all(void)
{
	if (sim_present() && backend_is("vtd_nested"))
		return;
	printf("TAP version 13\n1..1\nok 1 pasid # SKIP no model of VT-d\n");
	exit(KSFT_SKIP);
}

static char *page_of(FIXTURE_DATA(pasid) *self, int space)
{
	return self->mem + space * SZ_4K;
}

static int map_space(FIXTURE_DATA(pasid) *self, int space)
{
	return sva_map(self->fd, self->ioas[space], page_of(self, space), SZ_4K, IOVA, SVA_RW);
}

static void make_spaces(struct __test_metadata *_metadata, FIXTURE_DATA(pasid) *self)
{
	self->fd = sva_open();
	ASSERT_LE(0, self->fd);
	for (int i = 0; i < NSPACES; i++) {
		mem_fill(page_of(self, i), SZ_4K, SEED(i));
		ASSERT_EQ(0, sva_ioas_alloc(self->fd, &self->ioas[i]));
		ASSERT_EQ(0, map_space(self, i));
	}
}

static void take_devices(struct __test_metadata *_metadata, FIXTURE_DATA(pasid) *self)
{
	for (int i = 0; i < NDEVICES; i++) {
		ASSERT_EQ(0, sva_bind(self->fd, self->bdf[i], &self->device[i]));
	}
}

FIXTURE_SETUP(pasid)
{
	self->mem = mem_alloc(SZ_2M, SZ_2M);
	ASSERT_NE(NULL, self->mem);
	for (int i = 0; i < NDEVICES; i++) {
		self->bdf[i] = sim_add_endpoint(FIRST_SLOT + i, CAPS);
		ASSERT_LT(0, self->bdf[i]);
		ASSERT_LE(0, pci_group(sim_name(self->bdf[i]))) TH_LOG("not adopted");
	}
	make_spaces(_metadata, self);
	take_devices(_metadata, self);
	self->log = kmsg_mark();
	ASSERT_LE(0, self->log);
}

FIXTURE_TEARDOWN(pasid)
{
	close(self->fd);
	for (int i = 0; i < NDEVICES; i++)
		sim_remove_slot(FIRST_SLOT + i);
	EXPECT_STREQ("", sim_bad(0));
}

/*
 * Which space does device @i see with @pasid? Or BLOCKED, or what it was told. A
 * device to which nothing is attached is no bus master; this one does not care.
 */
static int sees(FIXTURE_DATA(pasid) *self, int i, uint32_t pasid)
{
	char buf[256];
	int status = sim_read_pasid(self->bdf[i], pasid, IOVA, buf, sizeof(buf), 0);

	if (status == SIM_NO_MASTER) {
		sim_set_master(self->bdf[i], true);
		status = sim_read_pasid(self->bdf[i], pasid, IOVA, buf, sizeof(buf), 0);
		sim_set_master(self->bdf[i], false);
	}
	if (status)
		return -status;
	for (int space = 0; space < NSPACES; space++)
		if (mem_check(buf, sizeof(buf), SEED(space)) < 0)
			return space;
	return GARBAGE;
}

static int attach(FIXTURE_DATA(pasid) *self, int i, uint32_t pasid, int space)
{
	return sva_attach_pasid(self->fd, self->device[i], pasid, self->ioas[space], NULL);
}

static int detach(FIXTURE_DATA(pasid) *self, int i, uint32_t pasid)
{
	return sva_detach_pasid(self->fd, self->device[i], pasid);
}

static uint32_t max_pasid_log2(int fd, uint32_t device)
{
	struct iommufd_sva_hw_info info = { .size = sizeof(info), .dev_id = device };

	return sva_ioctl(fd, IOMMUFD_SVA_GET_HW_INFO, &info) ? ~0U : info.out_max_pasid_log2;
}

/* --- who sees what -------------------------------------------------------- */

TEST_F(pasid, spaces_of_their_own)
{
	EXPECT_EQ(20, max_pasid_log2(self->fd, self->device[0]));
	for (uint32_t pasid = 1; pasid <= 3; pasid++) {
		ASSERT_EQ(0, attach(self, 0, pasid, pasid));
	}
	/* Without a PASID nothing is attached. */
	EXPECT_EQ(BLOCKED, sees(self, 0, SIM_NO_PASID));
	ASSERT_EQ(0, sva_attach(self->fd, self->device[0], self->ioas[0], NULL));
	EXPECT_EQ(0, sees(self, 0, SIM_NO_PASID));
	for (uint32_t pasid = 1; pasid <= 3; pasid++) {
		EXPECT_EQ(pasid, sees(self, 0, pasid));
	}
	EXPECT_EQ(BLOCKED, sees(self, 0, 4));
	/* The other device has the same numbers, and nothing behind them. */
	ASSERT_EQ(0, attach(self, 1, 2, 4));
	EXPECT_EQ(4, sees(self, 1, 2));
	EXPECT_EQ(BLOCKED, sees(self, 1, 1));
	EXPECT_EQ(BLOCKED, sees(self, 1, SIM_NO_PASID));
	EXPECT_EQ(2, sees(self, 0, 2));
	/* What has no PASID goes, PASIDs stay. */
	ASSERT_EQ(0, sva_detach(self->fd, self->device[0]));
	EXPECT_EQ(BLOCKED, sees(self, 0, SIM_NO_PASID));
	EXPECT_EQ(3, sees(self, 0, 3));
}

TEST_F(pasid, writes)
{
	char text[64];

	memset(text, 0x77, sizeof(text));
	ASSERT_EQ(0, sva_attach(self->fd, self->device[0], self->ioas[0], NULL));
	ASSERT_EQ(0, attach(self, 0, 1, 1));
	ASSERT_EQ(0, attach(self, 0, 2, 2));
	EXPECT_EQ(SIM_OK, sim_write_pasid(self->bdf[0], 2, IOVA + 128, text, sizeof(text), 0));
	EXPECT_EQ(-1, mem_check(page_of(self, 0), SZ_4K, SEED(0)));
	EXPECT_EQ(-1, mem_check(page_of(self, 1), SZ_4K, SEED(1)));
	EXPECT_EQ(0, memcmp(page_of(self, 2) + 128, text, sizeof(text)));
	/* Read-only is read-only. */
	ASSERT_EQ(0, sva_map(self->fd, self->ioas[2], page_of(self, 5), SZ_4K, IOVA + SZ_4K,
			     SVA_READ));
	EXPECT_EQ(SIM_UR, sim_write_pasid(self->bdf[0], 2, IOVA + SZ_4K, text, 64, 0));
	EXPECT_EQ(-1, mem_check(page_of(self, 5), SZ_4K, SEED(5)));
}

/* Leaves of 64 PASIDs, in a directory of the largest size. */
TEST_F(pasid, sparse)
{
	static const uint32_t pasids[] = { 1, 63, 64, 65535, 65536, LAST };
	const int num = ARRAY_SIZE(pasids);

	for (int i = 0; i < num; i++) {
		ASSERT_EQ(0, attach(self, 0, pasids[i], i % NSPACES));
	}
	for (int i = 0; i < num; i++) {
		EXPECT_EQ(i % NSPACES, sees(self, 0, pasids[i])) TH_LOG("PASID %u", pasids[i]);
	}
	EXPECT_EQ(BLOCKED, sees(self, 0, 2));
	EXPECT_EQ(BLOCKED, sees(self, 0, 62));
	EXPECT_EQ(BLOCKED, sees(self, 0, 65));
	EXPECT_EQ(BLOCKED, sees(self, 0, 128));
	EXPECT_EQ(BLOCKED, sees(self, 0, LAST - 1));
	EXPECT_EQ(BLOCKED, sees(self, 0, LAST - 64));
	/* One by one, and back in another order and another space. */
	for (int i = 0; i < num; i++) {
		ASSERT_EQ(0, detach(self, 0, pasids[i]));
		for (int k = 0; k < num; k++) {
			EXPECT_EQ(k <= i ? BLOCKED : k % NSPACES, sees(self, 0, pasids[k]))
				TH_LOG("PASID %u after %u went", pasids[k], pasids[i]);
		}
	}
	for (int i = num - 1; i >= 0; i--) {
		ASSERT_EQ(0, attach(self, 0, pasids[i], (i + 1) % NSPACES));
		EXPECT_EQ((i + 1) % NSPACES, sees(self, 0, pasids[i]));
	}
}

/* A leaf goes with the last of its PASIDs, and not before. */
TEST_F(pasid, leaves_come_and_go)
{
	const char *name = sim_name(self->bdf[0]);
	char text[2048];

	ASSERT_EQ(0, attach(self, 0, 1000, 1));
	ASSERT_EQ(0, attach(self, 0, 1001, 2));
	ASSERT_EQ(0, walk_pasid(name, IOVA, 1000, text, sizeof(text)));
	EXPECT_EQ(1000 / 64, walk_number(text, "pasid_dir", "index"));
	EXPECT_NE(0, walk_number(text, "pasid_dir", "entry"));
	ASSERT_EQ(0, detach(self, 0, 1000));
	ASSERT_EQ(0, walk_pasid(name, IOVA, 1001, text, sizeof(text)));
	EXPECT_NE(0, walk_number(text, "pasid_dir", "entry"));
	EXPECT_EQ(mem_phys(page_of(self, 2)), walk_number(text, "result", "physical"));
	EXPECT_EQ(BLOCKED, sees(self, 0, 1000));
	EXPECT_EQ(2, sees(self, 0, 1001));
	ASSERT_EQ(0, detach(self, 0, 1001));
	ASSERT_EQ(0, walk_pasid(name, IOVA, 1001, text, sizeof(text)));
	EXPECT_EQ(0, walk_number(text, "pasid_dir", "entry"));
	EXPECT_EQ(BLOCKED, sees(self, 0, 1001));
}

TEST_F(pasid, many)
{
	for (uint32_t pasid = 1; pasid <= 1000; pasid++) {
		ASSERT_EQ(0, attach(self, 0, pasid * 37, pasid % NSPACES)) TH_LOG("%u", pasid);
	}
	for (uint32_t pasid = 1; pasid <= 1000; pasid += 7) {
		EXPECT_EQ(pasid % NSPACES, sees(self, 0, pasid * 37));
	}
	for (uint32_t pasid = 1; pasid <= 1000; pasid += 2) {
		ASSERT_EQ(0, detach(self, 0, pasid * 37));
	}
	for (uint32_t pasid = 1; pasid <= 1000; pasid += 7) {
		EXPECT_EQ(pasid % 2 ? BLOCKED : (int)(pasid % NSPACES),
			  sees(self, 0, pasid * 37));
	}
}

/* --- replacing ------------------------------------------------------------ */

/**
 * struct reader - reads with a PASID as fast as it can
 * @self: the fixture
 * @pasid: which
 * @allowed: bit mask of the spaces that it may see
 * @count: reads
 * @failed: those that saw something else
 * @last: what one of those saw
 */
struct reader {
	FIXTURE_DATA(pasid) *self;
	uint32_t pasid;
	unsigned int allowed;
	volatile unsigned long count, failed;
	volatile int last;
	volatile bool stop;
	pthread_t thread;
};

static void *read_on(void *arg)
{
	struct reader *r = arg;

	while (!r->stop) {
		int seen = sees(r->self, 0, r->pasid);

		r->count++;
		if (seen >= 0 && (r->allowed & 1U << seen))
			continue;
		r->failed++;
		r->last = seen;
	}
	return NULL;
}

/* At no moment blocked, torn or mixed; neighbours of its leaf do not notice. */
TEST_F(pasid, replace_is_hitless)
{
	struct reader readers[] = {
		{ .self = self, .pasid = 5, .allowed = 1 << 1 | 1 << 2 },
		{ .self = self, .pasid = 6, .allowed = 1 << 3 },
		{ .self = self, .pasid = SIM_NO_PASID, .allowed = 1 << 0 },
	};
	/* The checkers of a debug kernel make each round many times as long. */
	uint64_t end = now_ns() + 40 * 1000000000ULL;
	int rounds = 0;

	ASSERT_EQ(0, sva_attach(self->fd, self->device[0], self->ioas[0], NULL));
	ASSERT_EQ(0, attach(self, 0, 5, 1));
	ASSERT_EQ(0, attach(self, 0, 6, 3));
	for (int i = 0; i < ARRAY_SIZE(readers); i++) {
		ASSERT_EQ(0, pthread_create(&readers[i].thread, NULL, read_on, &readers[i]));
	}
	for (int i = 0; i < 2000 && (i < 50 || now_ns() < end); i++, rounds++) {
		ASSERT_EQ(0, attach(self, 0, 5, 2 - i % 2));
		/* What was there before is not seen any more. */
		if (i % 50 == 0) {
			EXPECT_EQ(2 - i % 2, sees(self, 0, 5));
		}
		/* A neighbour that comes and goes, and is first of another leaf. */
		if (i % 7 == 0) {
			ASSERT_EQ(0, attach(self, 0, 7, 4));
			ASSERT_EQ(0, attach(self, 0, 200, 4));
			ASSERT_EQ(0, detach(self, 0, 7));
			ASSERT_EQ(0, detach(self, 0, 200));
		}
	}
	fprintf(stderr, "# %d rounds\n", rounds);
	for (int i = 0; i < ARRAY_SIZE(readers); i++) {
		readers[i].stop = true;
		pthread_join(readers[i].thread, NULL);
		fprintf(stderr, "# PASID %d: %lu reads\n", (int)readers[i].pasid,
			readers[i].count);
		EXPECT_LT(20, readers[i].count);
		EXPECT_EQ(0, readers[i].failed)
			TH_LOG("PASID %d saw %d", (int)readers[i].pasid, readers[i].last);
	}
}

/* What a request without a PASID has is replaced; PASIDs do not notice. */
TEST_F(pasid, replace_without_a_pasid)
{
	struct reader r = { .self = self, .pasid = 5, .allowed = 1 << 1 };

	ASSERT_EQ(0, attach(self, 0, 5, 1));
	ASSERT_EQ(0, pthread_create(&r.thread, NULL, read_on, &r));
	for (int i = 0; i < 300; i++) {
		ASSERT_EQ(0, sva_attach(self->fd, self->device[0], self->ioas[2 + i % 2], NULL));
		EXPECT_EQ(2 + i % 2, sees(self, 0, SIM_NO_PASID));
		if (i % 3)
			continue;
		ASSERT_EQ(0, sva_detach(self->fd, self->device[0]));
		EXPECT_EQ(BLOCKED, sees(self, 0, SIM_NO_PASID));
	}
	r.stop = true;
	pthread_join(r.thread, NULL);
	EXPECT_LT(10, r.count);
	EXPECT_EQ(0, r.failed) TH_LOG("saw %d", r.last);
}

/* Has the unit recorded a fault of a read of device @i with @pasid? */
static bool fault_recorded(FIXTURE_DATA(pasid) *self, int i, uint32_t pasid)
{
	for (int tries = 0; tries < 50; tries++) {
		if (!sh("grep -q '^%s access=read address=%#lx pasid=%#x ' "
			"/sys/kernel/debug/iommufd_sva/*/faults", sim_name(self->bdf[i]), IOVA,
			pasid))
			return true;
		usleep(100000);
	}
	return false;
}

TEST_F(pasid, detached_is_blocked)
{
	/* In the unit's caches by then. */
	ASSERT_EQ(0, attach(self, 0, 0x123, 1));
	ASSERT_EQ(0, attach(self, 0, 0x124, 1));
	EXPECT_EQ(1, sees(self, 0, 0x123));
	EXPECT_EQ(1, sees(self, 0, 0x124));
	ASSERT_EQ(0, detach(self, 0, 0x123));
	EXPECT_EQ(BLOCKED, sees(self, 0, 0x123));
	EXPECT_EQ(1, sees(self, 0, 0x124));
	EXPECT_TRUE(fault_recorded(self, 0, 0x123));
	EXPECT_EQ(-ENOENT, detach(self, 0, 0x123));
	/* The last in the leaf. */
	ASSERT_EQ(0, detach(self, 0, 0x124));
	EXPECT_EQ(BLOCKED, sees(self, 0, 0x124));
	/* The same domain ID may be another space's by now. */
	ASSERT_EQ(0, attach(self, 0, 0x123, 2));
	EXPECT_EQ(2, sees(self, 0, 0x123));
}

/* --- one address space in many places ------------------------------------- */

static uint64_t iotlb_commands(unsigned int unit)
{
	return sim_counter(unit, "iotlb_global") + sim_counter(unit, "iotlb_domain") +
	       sim_counter(unit, "iotlb_page") + sim_counter(unit, "piotlb_pasid") +
	       sim_counter(unit, "piotlb_page");
}

/* On a unit it has one tag: unmapping costs one command, whoever uses it. */
TEST_F(pasid, unmap_reaches_all_with_one_command)
{
	static const uint32_t pasids[] = { SIM_NO_PASID, 1, 2, 77, 65535, LAST };
	uint64_t before, batches;

	for (int i = 0; i < NDEVICES; i++) {
		for (int k = 0; k < ARRAY_SIZE(pasids); k++) {
			ASSERT_EQ(0, attach(self, i, pasids[k], 1));
		}
	}
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < NDEVICES; i++) {
			for (int k = 0; k < ARRAY_SIZE(pasids); k++) {
				EXPECT_EQ(1, sees(self, i, pasids[k]));
			}
		}
		before = iotlb_commands(0);
		batches = sim_counter(0, "batches");
		ASSERT_EQ(0, sva_unmap(self->fd, self->ioas[1], IOVA, SZ_4K, NULL));
		EXPECT_EQ(before + 1, iotlb_commands(0));
		EXPECT_EQ(batches + 1, sim_counter(0, "batches"));
		for (int i = 0; i < NDEVICES; i++) {
			for (int k = 0; k < ARRAY_SIZE(pasids); k++) {
				EXPECT_EQ(BLOCKED, sees(self, i, pasids[k]));
			}
		}
		ASSERT_EQ(0, map_space(self, 1));
	}
}

/* Attached to nothing but PASIDs, or to nothing any more. */
TEST_F(pasid, maps_and_unmaps_reach_pasids)
{
	ASSERT_EQ(0, attach(self, 0, 9, 1));
	ASSERT_EQ(0, sva_unmap(self->fd, self->ioas[1], IOVA, SZ_4K, NULL));
	EXPECT_EQ(BLOCKED, sees(self, 0, 9));
	ASSERT_EQ(0, sva_map(self->fd, self->ioas[1], page_of(self, 2), SZ_4K, IOVA, SVA_RW));
	EXPECT_EQ(2, sees(self, 0, 9));
	ASSERT_EQ(0, detach(self, 0, 9));
	ASSERT_EQ(0, sva_unmap(self->fd, self->ioas[1], IOVA, SZ_4K, NULL));
	ASSERT_EQ(0, map_space(self, 1));
	ASSERT_EQ(0, attach(self, 0, 9, 1));
	EXPECT_EQ(1, sees(self, 0, 9));
}

/* --- limits --------------------------------------------------------------- */

TEST_F(pasid, bad_arguments)
{
	uint32_t hwpt;

	EXPECT_EQ(-EINVAL, attach(self, 0, 0, 1));
	EXPECT_EQ(-EINVAL, attach(self, 0, LAST + 1, 1));
	EXPECT_EQ(-EINVAL, attach(self, 0, ~1U, 1));
	EXPECT_EQ(-EINVAL, detach(self, 0, 0));
	EXPECT_EQ(-EINVAL, detach(self, 0, LAST + 1));
	EXPECT_EQ(-ENOENT, detach(self, 0, 1));
	EXPECT_EQ(-ENOENT, sva_attach_pasid(self->fd, self->device[0], 1, 0xdead, NULL));
	EXPECT_EQ(-ENOENT, sva_attach_pasid(self->fd, self->ioas[0], 1, self->ioas[0], NULL));
	EXPECT_EQ(-EINVAL, sva_attach_pasid(self->fd, self->device[0], 1, self->device[0], NULL));
	/* A request that carries PASID 0 is as one without: RID_PASID. */
	EXPECT_EQ(BLOCKED, sees(self, 0, 0));
	/* An HWPT of one's own, with iommufd's flag and without. */
	ASSERT_EQ(0, sva_hwpt_alloc(self->fd, self->device[0], self->ioas[1],
				    IOMMUFD_SVA_HWPT_ALLOC_PASID, &hwpt));
	EXPECT_EQ(0, sva_attach_pasid(self->fd, self->device[0], 1, hwpt, NULL));
	EXPECT_EQ(1, sees(self, 0, 1));
	ASSERT_EQ(0, sva_hwpt_alloc(self->fd, self->device[0], self->ioas[2], 0, &hwpt));
	EXPECT_EQ(0, sva_attach_pasid(self->fd, self->device[0], 1, hwpt, NULL));
	EXPECT_EQ(2, sees(self, 0, 1));
}

/* Take one's own device in place of the first: it goes with the fixture's. */
static int plug_instead(FIXTURE_DATA(pasid) *self, struct sim_add *add)
{
	int port = SIM_SEGMENT << 16 | FIRST_SLOT << 3;

	if (sva_destroy(self->fd, self->device[0]) || sim_remove(self->bdf[0]))
		return -EBUSY;
	add->parent = port;
	self->bdf[0] = sim_add_as(add);
	if (self->bdf[0] < 0)
		return self->bdf[0];
	return sva_bind(self->fd, self->bdf[0], &self->device[0]);
}

TEST_F(pasid, fewer_bits)
{
	static const unsigned int bits[] = { 1, 6, 8, 13, 14, 16 };

	for (int i = 0; i < ARRAY_SIZE(bits); i++) {
		struct sim_add add = {
			.type = SIM_ENDPOINT, .caps = CAPS, .pasid_bits = bits[i],
		};

		ASSERT_EQ(0, plug_instead(self, &add)) TH_LOG("%u bits", bits[i]);
		EXPECT_EQ(bits[i], max_pasid_log2(self->fd, self->device[0]));
		EXPECT_EQ(0, attach(self, 0, (1U << bits[i]) - 1, 3));
		EXPECT_EQ(3, sees(self, 0, (1U << bits[i]) - 1));
		EXPECT_EQ(-EINVAL, attach(self, 0, 1U << bits[i], 3));
		EXPECT_EQ(-EINVAL, detach(self, 0, 1U << bits[i]));
		ASSERT_EQ(0, detach(self, 0, (1U << bits[i]) - 1));
	}
}

/*
 * Take a device of another segment in place of the second, behind the unit there:
 * -ENODEV when there is none.
 */
static int plug_elsewhere(FIXTURE_DATA(pasid) *self, unsigned int segment)
{
	int bdf = sim_add_elsewhere(segment, FIRST_SLOT + 1, CAPS);

	if (bdf < 0)
		return -ENODEV;
	if (pci_group(sim_name(bdf)) < 0)
		return -ENODEV;
	self->bdf[1] = bdf;
	return sva_bind(self->fd, bdf, &self->device[1]);
}

static void unplug_elsewhere(unsigned int segment)
{
	sim_remove(segment << 16 | (FIRST_SLOT + 1) << 3);
}

/* A unit with PASIDs of 8 bits; one command for each unit. */
TEST_F(pasid, two_units)
{
	const unsigned int segment = SIM_SEGMENT + 1;
	uint64_t before[2];
	int rc = plug_elsewhere(self, segment);

	if (rc == -ENODEV)
		SKIP(goto out, "no unit for segment %#x", segment);
	EXPECT_EQ(0, rc);
	EXPECT_EQ(8, max_pasid_log2(self->fd, self->device[1]));
	EXPECT_EQ(-EINVAL, attach(self, 1, 256, 1));
	for (int i = 0; i < NDEVICES; i++) {
		EXPECT_EQ(0, attach(self, i, SIM_NO_PASID, 1));
		EXPECT_EQ(0, attach(self, i, 3, 1));
		EXPECT_EQ(0, attach(self, i, 255, 1));
		EXPECT_EQ(1, sees(self, i, SIM_NO_PASID));
		EXPECT_EQ(1, sees(self, i, 3));
		EXPECT_EQ(1, sees(self, i, 255));
		before[i] = iotlb_commands(i);
	}
	EXPECT_EQ(0, sva_unmap(self->fd, self->ioas[1], IOVA, SZ_4K, NULL));
	for (int i = 0; i < NDEVICES; i++) {
		EXPECT_EQ(before[i] + 1, iotlb_commands(i));
		EXPECT_EQ(BLOCKED, sees(self, i, SIM_NO_PASID));
		EXPECT_EQ(BLOCKED, sees(self, i, 3));
		EXPECT_EQ(BLOCKED, sees(self, i, 255));
	}
	EXPECT_TRUE(fault_recorded(self, 1, 255));
	EXPECT_STREQ("", sim_bad(1));
out:
	unplug_elsewhere(segment);
}

TEST_F(pasid, unit_without)
{
	const unsigned int segment = SIM_SEGMENT + 2;
	int rc = plug_elsewhere(self, segment);

	if (rc == -ENODEV)
		SKIP(goto out, "no unit for segment %#x", segment);
	EXPECT_EQ(0, rc);
	EXPECT_EQ(0, max_pasid_log2(self->fd, self->device[1]));
	EXPECT_EQ(-EOPNOTSUPP, attach(self, 1, 1, 1));
	EXPECT_TRUE(kmsg_wait(self->log, 3000, NULL, 0,
			      KMSG_WORDS(sim_name(self->bdf[1]), "cannot use PASIDs",
					 "the unit in front of it")));
	EXPECT_EQ(0, sva_attach(self->fd, self->device[1], self->ioas[2], NULL));
	EXPECT_EQ(2, sees(self, 1, SIM_NO_PASID));
	/* A device that sends them all the same. */
	EXPECT_EQ(0, sim_set_pasid(self->bdf[1], true));
	EXPECT_EQ(BLOCKED, sees(self, 1, 1));
	EXPECT_STREQ("", sim_bad(2));
out:
	unplug_elsewhere(segment);
}

TEST_F(pasid, device_without)
{
	struct sim_add add = { .type = SIM_ENDPOINT, .caps = SIM_CAP_FLR };
	uint32_t hwpt;

	ASSERT_EQ(0, plug_instead(self, &add));
	EXPECT_EQ(0, max_pasid_log2(self->fd, self->device[0]));
	EXPECT_EQ(-EOPNOTSUPP, attach(self, 0, 1, 1));
	EXPECT_EQ(-EOPNOTSUPP, detach(self, 0, 1));
	EXPECT_TRUE(kmsg_wait(self->log, 3000, NULL, 0,
			      KMSG_WORDS(sim_name(self->bdf[0]), "cannot use PASIDs",
					 "it has none")));
	EXPECT_EQ(-EOPNOTSUPP, sva_hwpt_alloc(self->fd, self->device[0], self->ioas[1],
					      IOMMUFD_SVA_HWPT_ALLOC_PASID, &hwpt));
	EXPECT_EQ(0, sva_attach(self->fd, self->device[0], self->ioas[1], NULL));
	EXPECT_EQ(1, sees(self, 0, SIM_NO_PASID));
}

/* What is behind a PCIe-to-PCI bridge carries the bridge's ID. */
TEST_F(pasid, shared_requester_id)
{
	struct sim_add bridge = { .type = SIM_PCI_BRIDGE };
	int bdf;

	ASSERT_EQ(0, sva_destroy(self->fd, self->device[0]));
	ASSERT_EQ(0, sim_remove(self->bdf[0]));
	bridge.parent = SIM_SEGMENT << 16 | FIRST_SLOT << 3;
	bdf = sim_add_as(&bridge);
	ASSERT_LT(0, bdf);
	self->bdf[0] = sim_add(SIM_PCI_DEVICE, bdf, 1 << 3, SIM_CAP_FLR);
	ASSERT_LT(0, self->bdf[0]);
	ASSERT_EQ(0, sva_bind(self->fd, self->bdf[0], &self->device[0]));
	EXPECT_EQ(-EOPNOTSUPP, attach(self, 0, 1, 1));
	EXPECT_TRUE(kmsg_wait(self->log, 3000, NULL, 0,
			      KMSG_WORDS(sim_name(self->bdf[0]), "cannot use PASIDs",
					 "shares a requester ID")));
	EXPECT_EQ(0, sva_attach(self->fd, self->device[0], self->ioas[1], NULL));
}

TEST_F(pasid, msi_window_is_reserved)
{
	uint64_t msi = backend()->msi_start;

	ASSERT_EQ(0, sva_map(self->fd, self->ioas[1], self->mem, SZ_4K, msi, SVA_RW));
	EXPECT_EQ(-EADDRINUSE, attach(self, 0, 1, 1));
	EXPECT_EQ(BLOCKED, sees(self, 0, 1));
	ASSERT_EQ(0, sva_unmap(self->fd, self->ioas[1], msi, SZ_4K, NULL));
	ASSERT_EQ(0, attach(self, 0, 1, 1));
	ASSERT_EQ(0, attach(self, 0, 2, 1));
	ASSERT_EQ(0, detach(self, 0, 1));
	/* One of them is still there. */
	EXPECT_EQ(-EINVAL, sva_map(self->fd, self->ioas[1], self->mem, SZ_4K, msi, SVA_RW));
	/* Replaced: it is the other space that has it reserved. */
	ASSERT_EQ(0, attach(self, 0, 2, 2));
	EXPECT_EQ(-EINVAL, sva_map(self->fd, self->ioas[2], self->mem, SZ_4K, msi, SVA_RW));
	EXPECT_EQ(0, sva_map(self->fd, self->ioas[1], self->mem, SZ_4K, msi, SVA_RW));
	/* A replacement that cannot be changes nothing. */
	EXPECT_EQ(-EADDRINUSE, attach(self, 0, 2, 1));
	EXPECT_EQ(2, sees(self, 0, 2));
}

/* --- lifetimes ------------------------------------------------------------ */

TEST_F(pasid, in_use)
{
	uint32_t hwpt, other;

	ASSERT_EQ(0, sva_attach_pasid(self->fd, self->device[0], 1, self->ioas[1], &hwpt));
	EXPECT_EQ(-EBUSY, sva_destroy(self->fd, hwpt));
	EXPECT_EQ(-EBUSY, sva_destroy(self->fd, self->ioas[1]));
	EXPECT_EQ(-EBUSY, sva_destroy(self->fd, self->device[0]));
	/* The same for all that fit. */
	ASSERT_EQ(0, sva_attach_pasid(self->fd, self->device[0], 2, self->ioas[1], &other));
	EXPECT_EQ(hwpt, other);
	ASSERT_EQ(0, sva_attach(self->fd, self->device[1], self->ioas[1], &other));
	EXPECT_EQ(hwpt, other);
	ASSERT_EQ(0, detach(self, 0, 1));
	ASSERT_EQ(0, sva_detach(self->fd, self->device[1]));
	EXPECT_EQ(-EBUSY, sva_destroy(self->fd, hwpt));
	EXPECT_EQ(-EBUSY, sva_destroy(self->fd, self->device[0]));
	/* It goes by itself with the last of them. */
	ASSERT_EQ(0, sva_attach_pasid(self->fd, self->device[0], 2, self->ioas[2], &other));
	EXPECT_EQ(-ENOENT, sva_destroy(self->fd, hwpt));
	EXPECT_EQ(0, sva_destroy(self->fd, self->ioas[1]));
	ASSERT_EQ(0, detach(self, 0, 2));
	EXPECT_EQ(-ENOENT, sva_destroy(self->fd, other));
	EXPECT_EQ(0, sva_destroy(self->fd, self->device[0]));
}

/* Bus master while something is attached, whatever it is. */
TEST_F(pasid, bus_master)
{
	const char *name = sim_name(self->bdf[0]);

	ASSERT_EQ(0, sva_attach(self->fd, self->device[0], self->ioas[0], NULL));
	ASSERT_EQ(0, attach(self, 0, 1, 1));
	ASSERT_EQ(0, attach(self, 0, 2, 1));
	ASSERT_EQ(0, sva_detach(self->fd, self->device[0]));
	ASSERT_EQ(0, detach(self, 0, 1));
	EXPECT_EQ(PCI_CMD_MASTER, pci_command(name) & PCI_CMD_MASTER);
	ASSERT_EQ(0, detach(self, 0, 2));
	EXPECT_EQ(0, pci_command(name) & PCI_CMD_MASTER);
}

/* The file is closed, or its process killed: nothing of it is left. */
static void expect_let_go(struct __test_metadata *_metadata, FIXTURE_DATA(pasid) *self)
{
	EXPECT_EQ(BLOCKED, sees(self, 0, 1));
	EXPECT_EQ(BLOCKED, sees(self, 0, LAST));
	make_spaces(_metadata, self);
	take_devices(_metadata, self);
	ASSERT_EQ(0, attach(self, 0, 2, 3));
	EXPECT_EQ(3, sees(self, 0, 2));
	EXPECT_EQ(BLOCKED, sees(self, 0, 1));
	EXPECT_EQ(BLOCKED, sees(self, 0, LAST));
}

TEST_F(pasid, file_closed)
{
	ASSERT_EQ(0, attach(self, 0, 1, 1));
	ASSERT_EQ(0, attach(self, 0, LAST, 2));
	ASSERT_EQ(0, attach(self, 1, 1, 2));
	EXPECT_EQ(1, sees(self, 0, 1));
	close(self->fd);
	expect_let_go(_metadata, self);
}

TEST_F(pasid, process_killed)
{
	int ready[2], status;
	pid_t pid;
	char c;

	close(self->fd);
	ASSERT_EQ(0, pipe(ready));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		make_spaces(_metadata, self);
		take_devices(_metadata, self);
		if (attach(self, 0, 1, 1) || attach(self, 0, LAST, 2) || sees(self, 0, 1) != 1)
			_exit(1);
		if (write(ready[1], "", 1) == 1)
			pause();
		_exit(1);
	}
	ASSERT_EQ(1, read(ready[0], &c, 1));
	kill(pid, SIGKILL);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_TRUE(WIFSIGNALED(status));
	expect_let_go(_metadata, self);
}

static void expect_unplugged(struct __test_metadata *_metadata, FIXTURE_DATA(pasid) *self)
{
	int port = SIM_SEGMENT << 16 | FIRST_SLOT << 3;

	EXPECT_EQ(-ENODEV, attach(self, 0, 1, 1));
	EXPECT_EQ(-ENODEV, detach(self, 0, 1));
	EXPECT_EQ(0, sva_destroy(self->fd, self->device[0]));
	/* Nothing refers to what was attached. */
	EXPECT_EQ(0, sva_destroy(self->fd, self->ioas[1]));
	self->bdf[0] = sim_add(SIM_ENDPOINT, port, 0, CAPS);
	ASSERT_LT(0, self->bdf[0]);
	ASSERT_EQ(0, sva_bind(self->fd, self->bdf[0], &self->device[0]));
	ASSERT_EQ(0, attach(self, 0, 2, 2));
	EXPECT_EQ(2, sees(self, 0, 2));
	EXPECT_EQ(BLOCKED, sees(self, 0, 1));
}

TEST_F(pasid, unplugged)
{
	ASSERT_EQ(0, attach(self, 0, 1, 1));
	ASSERT_EQ(0, attach(self, 0, 65536, 1));
	ASSERT_EQ(0, sva_attach(self->fd, self->device[0], self->ioas[0], NULL));
	EXPECT_EQ(1, sees(self, 0, 65536));
	ASSERT_EQ(0, sim_remove(self->bdf[0]));
	expect_unplugged(_metadata, self);
}

TEST_F(pasid, pulled_out)
{
	ASSERT_EQ(0, attach(self, 0, 1, 1));
	ASSERT_EQ(0, attach(self, 0, 65536, 1));
	ASSERT_EQ(0, sim_pull_out(self->bdf[0]));
	expect_unplugged(_metadata, self);
}

TEST_F(pasid, backend_stays)
{
	ASSERT_EQ(0, attach(self, 0, 1, 1));
	EXPECT_NE(0, backend_unload());
	EXPECT_EQ(1, sees(self, 0, 1));
	ASSERT_EQ(0, detach(self, 0, 1));
	EXPECT_NE(0, backend_unload());
}

/* PCIe 7.8.9.3: PASID Enable */
#define PASID_CONTROL 6
#define PASID_ENABLE 0x1

static int pasid_enabled(int bdf)
{
	unsigned int at = sim_ext_cap(bdf, 0x1b);

	return at ? sim_config(bdf, at + PASID_CONTROL, 2) & PASID_ENABLE : -1;
}

/* On while it is adopted, through resets; off when the backend has gone. */
TEST_F(pasid, switched_on_and_off)
{
	EXPECT_EQ(1, pasid_enabled(self->bdf[0]));
	/* Leaving resets it. */
	ASSERT_EQ(0, sva_destroy(self->fd, self->device[0]));
	EXPECT_EQ(1, pasid_enabled(self->bdf[0]));
	close(self->fd);
	/* Other programs' drivers, each of which keeps the backend. */
	ASSERT_EQ(0, pci_unbind_adopted());
	ASSERT_EQ(0, backend_unload());
	EXPECT_EQ(0, pasid_enabled(self->bdf[0]));
	EXPECT_EQ(0, pasid_enabled(self->bdf[1]));
	ASSERT_EQ(0, backend_load());
	EXPECT_EQ(1, pasid_enabled(self->bdf[0]));
	make_spaces(_metadata, self);
	take_devices(_metadata, self);
	ASSERT_EQ(0, attach(self, 0, 1, 1));
	EXPECT_EQ(1, sees(self, 0, 1));
}

/* --- memory that is short --------------------------------------------------- */

/* Has the call that was to fail at its @nth allocation? -1: it has fewer. */
static int attach_failing(FIXTURE_DATA(pasid) *self, int control, unsigned int nth,
			  uint32_t pasid, int space)
{
	struct iommufd_sva_device_attach cmd = {
		.size = sizeof(cmd),
		.device_id = self->device[0],
		.pasid = pasid,
		.pt_id = self->ioas[space],
	};
	char text[16] = "";
	int rc;

	snprintf(text, sizeof(text), "%u", nth);
	while (pwrite(control, text, strlen(text), 0) < 0)
		;
	rc = sva_ioctl(self->fd, IOMMUFD_SVA_DEVICE_ATTACH, &cmd);
	memset(text, 0, sizeof(text));
	if (pread(control, text, sizeof(text) - 1, 0) <= 0 || atoi(text)) {
		while (pwrite(control, "0", 1, 0) < 0)
			;
		return rc ? -100 : -1;
	}
	return rc;
}

/* What fails has changed nothing: blocked as before, or as it was. */
static void fail_attaching(struct __test_metadata *_metadata, FIXTURE_DATA(pasid) *self,
			   int control, uint32_t pasid, int space, int before)
{
	unsigned int nth;
	int rc = 0;

	for (nth = 1; nth < 500 && rc != -1; nth++) {
		rc = attach_failing(self, control, nth, pasid, space);
		if (rc == -1)
			break;
		ASSERT_TRUE(!rc || rc == -ENOMEM) TH_LOG("allocation %u: %d", nth, rc);
		EXPECT_EQ(rc ? before : space, sees(self, 0, pasid));
		EXPECT_EQ(0, sees(self, 0, SIM_NO_PASID));
		/* One that it could do without. */
		if (!rc) {
			ASSERT_EQ(0, before < 0 ? detach(self, 0, pasid) :
						  attach(self, 0, pasid, before));
		}
	}
	EXPECT_EQ(-1, rc);
	EXPECT_LT(1, nth);
	EXPECT_EQ(space, sees(self, 0, pasid));
	fprintf(stderr, "# %u allocations\n", nth - 1);
}

static int fault_attr(const char *file, const char *value)
{
	char path[96];

	snprintf(path, sizeof(path), "/sys/kernel/debug/%s", file);
	return file_write(path, value);
}

TEST_F(pasid, failing_allocations)
{
	int control = open("/proc/self/fail-nth", O_RDWR);

	if (control < 0)
		SKIP(return, "no fault injection in this kernel");
	ASSERT_EQ(0, fault_attr("failslab/verbose", "0"));
	ASSERT_EQ(0, fault_attr("failslab/ignore-gfp-wait", "N"));
	ASSERT_EQ(0, fault_attr("fail_page_alloc/verbose", "0"));
	ASSERT_EQ(0, fault_attr("fail_page_alloc/ignore-gfp-wait", "N"));
	ASSERT_EQ(0, fault_attr("fail_page_alloc/min-order", "0"));
	/* A call stack that is required and that nobody has: user copies do not fail. */
	ASSERT_EQ(0, fault_attr("fail_usercopy/require-end", "0"));
	ASSERT_EQ(0, fault_attr("fail_usercopy/stacktrace-depth", "0"));
	ASSERT_EQ(0, sva_attach(self->fd, self->device[0], self->ioas[0], NULL));
	/* First of a leaf, one more of it, another space in its place. */
	fail_attaching(_metadata, self, control, 1000, 1, BLOCKED);
	fail_attaching(_metadata, self, control, 1001, 2, BLOCKED);
	fail_attaching(_metadata, self, control, 1000, 3, 1);
	close(control);
}

/* --- beside VFIO ------------------------------------------------------------ */

FIXTURE(beside_vfio)
{
	FIXTURE_DATA(pasid) base;
	struct vfio vfio;
};

FIXTURE_SETUP(beside_vfio)
{
	FIXTURE_DATA(pasid) *base = &self->base;
	char name[PCI_NAME_LEN];

	self->vfio = (struct vfio){ .container = -1, .group = -1, .device = -1 };
	base->mem = mem_alloc(SZ_2M, SZ_2M);
	ASSERT_NE(NULL, base->mem);
	base->bdf[0] = sim_add_endpoint(FIRST_SLOT, CAPS);
	ASSERT_LT(0, base->bdf[0]);
	make_spaces(_metadata, base);
	snprintf(name, sizeof(name), "%s", sim_name(base->bdf[0]));
	ASSERT_EQ(0, pci_bind_driver(name, "vfio-pci"));
	ASSERT_EQ(0, vfio_open(&self->vfio, name));
	ASSERT_EQ(0, vfio_enable(&self->vfio));
	ASSERT_EQ(0, vfio_map(&self->vfio, page_of(base, 0), SZ_4K, IOVA, 3));
	ASSERT_EQ(0, sva_bind_vfio(base->fd, base->bdf[0], self->vfio.group, &base->device[0]));
	base->log = kmsg_mark();
}

FIXTURE_TEARDOWN(beside_vfio)
{
	vfio_close(&self->vfio);
	close(self->base.fd);
	pci_unbind(sim_name(self->base.bdf[0]));
	sim_remove_slot(FIRST_SLOT);
	EXPECT_STREQ("", sim_bad(0));
}

/* Without a PASID it is VFIO's own mapping. */
TEST_F(beside_vfio, spaces_of_their_own)
{
	FIXTURE_DATA(pasid) *base = &self->base;

	ASSERT_EQ(0, attach(base, 0, 1, 1));
	EXPECT_EQ(0, sees(base, 0, SIM_NO_PASID));
	EXPECT_EQ(1, sees(base, 0, 1));
	ASSERT_EQ(0, sva_attach(base->fd, base->device[0], base->ioas[2], NULL));
	EXPECT_EQ(2, sees(base, 0, SIM_NO_PASID));
	EXPECT_EQ(1, sees(base, 0, 1));
	ASSERT_EQ(0, sva_detach(base->fd, base->device[0]));
	EXPECT_EQ(0, sees(base, 0, SIM_NO_PASID));
	ASSERT_EQ(0, detach(base, 0, 1));
	EXPECT_EQ(BLOCKED, sees(base, 0, 1));
	/* Not ours to take: VFIO's device is master as VFIO says. */
	EXPECT_EQ(0, sees(base, 0, SIM_NO_PASID));
}

TEST_F(beside_vfio, survives_a_reset)
{
	FIXTURE_DATA(pasid) *base = &self->base;

	ASSERT_EQ(0, attach(base, 0, 1, 1));
	ASSERT_EQ(0, attach(base, 0, LAST, 2));
	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(0, vfio_reset(&self->vfio));
		ASSERT_EQ(0, vfio_enable(&self->vfio));
		EXPECT_EQ(1, sees(base, 0, 1));
		EXPECT_EQ(2, sees(base, 0, LAST));
		EXPECT_EQ(BLOCKED, sees(base, 0, 2));
		EXPECT_EQ(0, sees(base, 0, SIM_NO_PASID));
	}
}

/* VFIO gives the device up: PASIDs are off, and nothing can be attached any more. */
TEST_F(beside_vfio, ends_with_vfio)
{
	FIXTURE_DATA(pasid) *base = &self->base;

	ASSERT_EQ(0, attach(base, 0, 1, 1));
	EXPECT_EQ(1, sees(base, 0, 1));
	vfio_close(&self->vfio);
	EXPECT_TRUE(kmsg_wait(base->log, 5000, NULL, 0,
			      KMSG_WORDS(sim_name(base->bdf[0]), "is off")));
	EXPECT_EQ(BLOCKED, sees(base, 0, 1));
	EXPECT_EQ(-ENODEV, attach(base, 0, 1, 2));
	EXPECT_EQ(-ENODEV, attach(base, 0, 2, 2));
	/* The user's own account of it is still to be closed. */
	EXPECT_EQ(-EBUSY, sva_destroy(base->fd, base->ioas[1]));
	EXPECT_EQ(0, detach(base, 0, 1));
	EXPECT_EQ(0, sva_destroy(base->fd, base->ioas[1]));
}

TEST_HARNESS_MAIN
