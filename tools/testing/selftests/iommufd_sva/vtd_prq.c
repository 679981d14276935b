// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page requests of a guest's devices behind a VT-d unit: through a fault file and answered
 * there, or by the guest itself through its invalidation queue; and what becomes of them
 * when the unit's queues go wrong. Needs the hardware model. Plugs its own devices in.
 */
#include <glob.h>

#include "selftest.h"
#include "pr.h"
#include "sim.h"
#include "vguest.h"

#define GPA 0x40000000UL
#define GUEST_SIZE (8 * SZ_2M)
#define VA 0x7f1234560000UL
/* Where the guest has nothing mapped at first. */
#define HOLE (VA + 16 * SZ_4K)

#define NDEVICES 2
#define FIRST_SLOT 24
#define CAPS (SIM_CAP_FLR | SIM_CAP_ATS | SIM_CAP_PASID | SIM_CAP_PRI | SIM_CAP_PRG_PASID | \
	      SIM_CAP_PASID_EXEC | SIM_CAP_PASID_PRIV)
#define VSID(i) (0x1000 + (i))
#define DID 5
#define PASID 11
#define SEED 7

#define SUCCESS IOMMUFD_SVA_PAGE_RESP_SUCCESS
#define INVALID IOMMUFD_SVA_PAGE_RESP_INVALID
#define LAST IOMMUFD_SVA_PGFAULT_FLAGS_LAST_PAGE
#define WITH_PASID IOMMUFD_SVA_PGFAULT_FLAGS_PASID_VALID

/* PRI Control: Enable; PRI Status: Response Failure, Unexpected PRG Index. */

FIXTURE(vtd_prq)
{
	int fd, file, log;
	int bdf[NDEVICES];
	uint32_t device[NDEVICES];
	uint32_t ioas, parent, viommu, fault, table;
	struct guest g;
	struct fs fs;
	struct pasids p;
	/* A page that the guest has not mapped yet. */
	uint64_t page;
};

/* One line for the whole program, not one for each test. */
static void __attribute__((constructor)) skip_all(void)
{
	if (sim_present() && backend_is("vtd_nested"))
		return;
	printf("TAP version 13\n1..1\nok 1 vtd_prq # SKIP no model of VT-d\n");
	exit(KSFT_SKIP);
}

static int table_of(FIXTURE_DATA(vtd_prq) *self, uint32_t fault, uint32_t *table)
{
	struct iommufd_sva_pasid_table_vtd vtd = {
		.dir_gpa = self->p.dir,
		.pasid_bits = self->p.bits,
	};

	return sva_pasid_table_fault(self->fd, self->viommu, fault, IOMMUFD_SVA_PASID_TABLE_VTD,
				     &vtd, sizeof(vtd), table);
}

FIXTURE_SETUP(vtd_prq)
{
	uint32_t vdevice;
	uint64_t gpa;

	self->fd = sva_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, guest_begin(&self->g, GPA, GUEST_SIZE, self->fd, &self->ioas));
	for (int i = 0; i < NDEVICES; i++) {
		self->bdf[i] = sim_add_endpoint(FIRST_SLOT + i, CAPS);
		ASSERT_LT(0, self->bdf[i]);
		ASSERT_EQ(0, sva_bind(self->fd, self->bdf[i], &self->device[i]));
		ASSERT_EQ(0, sim_set_master(self->bdf[i], true));
	}
	ASSERT_EQ(0, sva_hwpt_alloc(self->fd, self->device[0], self->ioas,
				    IOMMUFD_SVA_HWPT_ALLOC_NEST_PARENT, &self->parent));
	ASSERT_EQ(0, sva_viommu_alloc(self->fd, IOMMUFD_SVA_VIOMMU_VTD, self->device[0],
				      self->parent, &self->viommu));
	for (int i = 0; i < NDEVICES; i++)
		ASSERT_EQ(0, sva_vdevice_alloc(self->fd, self->viommu, self->device[i], VSID(i),
					       &vdevice));
	fs_init(&self->fs, &self->g);
	gpa = guest_alloc(&self->g, SZ_4K, SZ_4K);
	mem_fill(guest_ptr(&self->g, gpa), SZ_4K, SEED);
	fs_map(&self->fs, VA, gpa, FS_RW);
	self->page = guest_alloc(&self->g, SZ_4K, SZ_4K);
	mem_fill(guest_ptr(&self->g, self->page), SZ_4K, SEED + 1);
	pasids_init(&self->p, &self->g, 20);
	pasids_set(&self->p, 0, &self->fs, DID);
	pasids_set(&self->p, PASID, &self->fs, DID);
	ASSERT_EQ(0, sva_fault_alloc(self->fd, &self->fault, &self->file));
	ASSERT_EQ(0, table_of(self, self->fault, &self->table));
	for (int i = 0; i < NDEVICES; i++)
		ASSERT_EQ(0, sva_attach(self->fd, self->device[i], self->table, NULL));
	self->log = kmsg_mark();
	sim_reset_counters(0);
}

FIXTURE_TEARDOWN(vtd_prq)
{
	for (int fault = 0; fault < SIM_FAULTS; fault++)
		sim_inject(0, fault, 0, 0);
	if (self->fd >= 0) {
		close(self->file);
		close(self->fd);
	}
	close(self->log);
	EXPECT_EQ(0, backend_load());
	for (int i = 0; i < NDEVICES; i++) {
		EXPECT_EQ(0, sim_device_counter(self->bdf[i], "bad.page_response"));
		EXPECT_EQ(0, sim_device_counter(self->bdf[i], "bad.page_response_pasid"));
		sim_remove_slot(FIRST_SLOT + i);
	}
	guest_free(&self->g);
	EXPECT_STREQ("", sim_bad(0));
}

/* --- what is asked --------------------------------------------------------- */

/* What debugfs counts. */
static long counted(const char *what)
{
	return backend_tells("page_requests", "room=", what);
}

/* Does it come to count @num? The unit's thread takes its time. */
static bool counts_to(const char *what, long num)
{
	for (int ms = 0; ms < PR_PATIENCE_MS / 2 && counted(what) != num; ms++)
		usleep(1000);
	return counted(what) == num;
}

/* Do the threads of all interrupts sleep, now? */
static bool threads_sleep(void)
{
	bool sleep = true;
	char line[512], *end;
	glob_t found;
	FILE *f;

	if (glob("/proc/[0-9]*/stat", 0, NULL, &found))
		return false;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		f = fopen(found.gl_pathv[i], "r");
		end = f && fgets(line, sizeof(line), f) ? strrchr(line, ')') : NULL;
		if (f)
			fclose(f);
		/* "PID (irq/NUMBER-NAME) STATE ..." */
		if (end && strstr(line, " (irq/") && strncmp(end, ") S", 3))
			sleep = false;
	}
	globfree(&found);
	return sleep;
}

/*
 * Who drains has the unit's thread look, and does not wait where there is nothing to read.
 * Until it has, twice, since one that goes round again may seem to sleep for a moment.
 */
static void settle(void)
{
	for (int asleep = 0, ms = 0; asleep < 2 && ms < PR_PATIENCE_MS; ms += 10) {
		asleep = threads_sleep() ? asleep + 1 : 0;
		usleep(10000);
	}
}

/* Has who looks once a second found since @self->log that nobody had heard? */
static bool was_looked_after(FIXTURE_DATA(vtd_prq) *self)
{
	return kmsg_wait(self->log, 0, NULL, 0,
			 KMSG_WORDS("vtd_nested", "interrupt for them was lost"));
}

static void mark_log(FIXTURE_DATA(vtd_prq) *self)
{
	close(self->log);
	self->log = kmsg_mark();
}

/* Page requests are on still, and the device has not seen anything that it did not expect. */
static bool goes_on(int bdf)
{
	return pri_register(bdf, PRI_CTRL, 2) & PRI_ON &&
	       !(pri_register(bdf, PRI_STATUS, 2) & (PRI_FAILURE | PRI_UNEXPECTED));
}

/* A page at HOLE. */
static void mend(FIXTURE_DATA(vtd_prq) *self)
{
	fs_map(&self->fs, HOLE, self->page, FS_RW);
}

static int queue(FIXTURE_DATA(vtd_prq) *self, const struct qi *descs, uint32_t num)
{
	uint32_t done = num;
	int rc = sva_invalidate(self->fd, self->viommu, IOMMUFD_SVA_INVALIDATE_VTD_QI, descs,
				sizeof(*descs), &done);

	return rc ?: done != num;
}

/* A page-group response, as any code. */
static struct qi response(int i, const struct iommufd_sva_hwpt_pgfault *r, unsigned int code)
{
	struct qi desc = qi_page_response(VSID(i), r->pasid, r->grpid);

	if (!(r->flags & WITH_PASID))
		desc.qw[0] &= ~(1ULL << 4);
	desc.qw[0] |= (uint64_t)code << 12;
	return desc;
}

static int respond(FIXTURE_DATA(vtd_prq) *self, int i, const struct iommufd_sva_hwpt_pgfault *r,
		   unsigned int code)
{
	struct qi desc = response(i, r, code);

	return queue(self, &desc, 1);
}

/* DMA to HOLE has asked for its page. */
static void ask(struct __test_metadata *_metadata, FIXTURE_DATA(vtd_prq) *self, int i,
		uint32_t pasid, struct pr_dma *d, struct iommufd_sva_hwpt_pgfault *r)
{
	pr_dma_start(d, self->bdf[i], pasid, HOLE, PR_ASKS);
	ASSERT_EQ(1, pr_await(self->file, r, 1));
	EXPECT_EQ(HOLE, r->addr);
	EXPECT_EQ(self->device[i], r->dev_id);
}

static void expect_page(struct __test_metadata *_metadata, struct pr_dma *d)
{
	EXPECT_EQ(SIM_OK, pr_dma_wait(d));
	EXPECT_EQ(-1, mem_check(d->buf, sizeof(d->buf), SEED + 1));
}

/* --- there and back -------------------------------------------------------- */

TEST_F(vtd_prq, story)
{
	struct iommufd_sva_hwpt_pgfault r;
	struct pr_dma d;

	ask(_metadata, self, 0, PASID, &d, &r);
	EXPECT_EQ(LAST | WITH_PASID, r.flags);
	EXPECT_EQ(PASID, r.pasid);
	EXPECT_EQ(IOMMUFD_SVA_PGFAULT_PERM_READ, r.perm);
	mend(self);
	EXPECT_EQ(0, pr_answer(self->file, r.cookie, SUCCESS));
	expect_page(_metadata, &d);
	EXPECT_EQ(1, pr_answers(self->bdf[0]));
	EXPECT_TRUE(goes_on(self->bdf[0]));
}

TEST_F(vtd_prq, without_a_pasid)
{
	struct iommufd_sva_hwpt_pgfault r;
	struct pr_dma d;

	ask(_metadata, self, 0, SIM_NO_PASID, &d, &r);
	EXPECT_EQ(LAST, r.flags);
	mend(self);
	EXPECT_EQ(0, pr_answer(self->file, r.cookie, SUCCESS));
	expect_page(_metadata, &d);
}

/*
 * The unit gives answers the PASID of their requests (7.6.1). A device that has PASIDs and
 * takes none in answers (PCIe 10.5.2.3) has no page requests; one without PASIDs has.
 */
TEST_F(vtd_prq, answers_need_pasids)
{
	const uint32_t caps = SIM_CAP_FLR | SIM_CAP_ATS | SIM_CAP_PRI;
	unsigned int slot = FIRST_SLOT + NDEVICES;
	struct iommufd_sva_hwpt_pgfault r;
	uint32_t device, hwpt;
	int bdf;

	for (int pasids = 1; pasids >= 0; pasids--) {
		bdf = sim_add_endpoint(slot, caps | (pasids ? SIM_CAP_PASID : 0));
		ASSERT_LT(0, bdf);
		ASSERT_EQ(0, sva_bind(self->fd, bdf, &device));
		ASSERT_EQ(0, sim_set_master(bdf, true));
		ASSERT_EQ(0, sva_hwpt_fault(self->fd, device, self->ioas, self->fault, &hwpt));
		if (!pasids)
			break;
		EXPECT_TRUE(kmsg_wait(self->log, 2000, NULL, 0,
				      KMSG_WORDS("makes no page requests",
						 "no answers with PASIDs")));
		EXPECT_EQ(-ENODEV, sva_attach(self->fd, device, hwpt, NULL));
		EXPECT_EQ(-ENODEV, sva_attach_pasid(self->fd, device, 3, hwpt, NULL));
		EXPECT_EQ(0, sva_attach(self->fd, device, self->ioas, NULL));
		sim_remove(bdf);
	}
	ASSERT_EQ(0, sva_attach(self->fd, device, hwpt, NULL));
	EXPECT_EQ(SIM_OK, sim_page_request(bdf, SIM_NO_PASID, HOLE, 1, SIM_PR_READ | SIM_PR_LAST,
					   0));
	ASSERT_EQ(1, pr_await(self->file, &r, 1));
	EXPECT_EQ(LAST, r.flags);
	EXPECT_EQ(0, pr_answer(self->file, r.cookie, SUCCESS));
	EXPECT_EQ(1, sim_device_counter(bdf, "page_responses"));
	EXPECT_EQ(0, sim_device_counter(bdf, "bad.page_response_pasid"));
	EXPECT_TRUE(goes_on(bdf));
	sim_remove(bdf);
}

/* What it is asked for: execute and privileged mode say something of requests with a PASID. */
TEST_F(vtd_prq, permissions)
{
	static const struct { uint32_t pasid, flags, perm; } rows[] = {
		{ PASID, SIM_PR_READ, IOMMUFD_SVA_PGFAULT_PERM_READ },
		{ PASID, SIM_DMA_WRITE, IOMMUFD_SVA_PGFAULT_PERM_WRITE },
		{ PASID, SIM_PR_READ | SIM_DMA_WRITE,
		  IOMMUFD_SVA_PGFAULT_PERM_READ | IOMMUFD_SVA_PGFAULT_PERM_WRITE },
		{ SIM_NO_PASID, SIM_PR_READ, IOMMUFD_SVA_PGFAULT_PERM_READ },
	};
	struct iommufd_sva_hwpt_pgfault r;

	for (int i = 0; i < ARRAY_SIZE(rows); i++) {
		EXPECT_EQ(SIM_OK, sim_page_request(self->bdf[0], rows[i].pasid, HOLE, i,
						   rows[i].flags | SIM_PR_LAST, 0));
		ASSERT_EQ(1, pr_await(self->file, &r, 1));
		EXPECT_EQ(rows[i].perm, r.perm);
		EXPECT_EQ(i, r.grpid);
		EXPECT_EQ(0, pr_answer(self->file, r.cookie, SUCCESS));
	}
	EXPECT_EQ(ARRAY_SIZE(rows), pr_answers(self->bdf[0]));
}

/* The device has stopped to use a PASID: nobody is asked, and nobody answers. */
TEST_F(vtd_prq, stop_marker)
{
	long before = counted("stop_markers");
	struct iommufd_sva_hwpt_pgfault r;
	struct pr_dma d;

	EXPECT_EQ(SIM_OK, sim_page_request(self->bdf[0], PASID, 0, 0, SIM_PR_LAST, 0));
	ask(_metadata, self, 0, PASID, &d, &r);
	EXPECT_EQ(before + 1, counted("stop_markers"));
	mend(self);
	EXPECT_EQ(0, pr_answer(self->file, r.cookie, SUCCESS));
	expect_page(_metadata, &d);
	EXPECT_EQ(1, pr_answers(self->bdf[0]));
}

/*
 * What asks for nothing is of no group (7.4.1.1; the model says the one with all bits the
 * other way round): one that waits for its last request goes on waiting, and nobody answers.
 */
TEST_F(vtd_prq, asks_nothing)
{
	enum { GROUP = 3, OTHER = 0x1ff - GROUP };
	struct iommufd_sva_hwpt_pgfault r[4];
	long before = counted("stop_markers");

	EXPECT_EQ(SIM_OK, sim_page_request(self->bdf[0], SIM_NO_PASID, HOLE, GROUP, SIM_PR_READ,
					   0));
	EXPECT_EQ(SIM_OK, sim_page_request(self->bdf[0], SIM_NO_PASID, 0, OTHER, SIM_PR_LAST, 0));
	EXPECT_TRUE(counts_to("stop_markers", before + 1));
	EXPECT_EQ(0, pr_await_for(self->file, r, 4, 200));
	EXPECT_EQ(SIM_OK, sim_page_request(self->bdf[0], SIM_NO_PASID, HOLE + SZ_4K, GROUP,
					   SIM_PR_READ | SIM_PR_LAST, 0));
	ASSERT_EQ(2, pr_await(self->file, r, 4));
	EXPECT_EQ(HOLE, r[0].addr);
	EXPECT_EQ(HOLE + SZ_4K, r[1].addr);
	EXPECT_EQ(0, pr_answer(self->file, r[1].cookie, SUCCESS));
	EXPECT_EQ(1, pr_answers(self->bdf[0]));
}

/* What nobody is there to answer the unit's thread refuses, with one submission for all. */
TEST_F(vtd_prq, refused)
{
	enum { GROUPS = 16 };
	bool early = true;
	long before, read;
	uint32_t hwpt;

	/* One PASID has somebody, so that the device may ask; the other one has nobody. */
	ASSERT_EQ(0, sva_detach(self->fd, self->device[1]));
	ASSERT_EQ(0, sva_hwpt_fault(self->fd, self->device[1], self->ioas, self->fault, &hwpt));
	ASSERT_EQ(0, sva_attach_pasid(self->fd, self->device[1], 3, hwpt, NULL));
	ASSERT_EQ(0, sva_attach_pasid(self->fd, self->device[1], 4, self->ioas, NULL));
	EXPECT_TRUE(pri_register(self->bdf[1], PRI_CTRL, 2) & PRI_ON);
	ASSERT_EQ(0, sim_set_master(self->bdf[1], true));
	/* Again if somebody has looked while they were still coming. */
	for (int tries = 0; early; tries++) {
		ASSERT_GT(10, tries);
		settle();
		before = counted("invalid");
		read = counted("requests");
		/* The thread does not hear of the first, and finds all of them later. */
		ASSERT_EQ(0, sim_inject(0, SIM_FAULT_IRQ_LOST, 1, 0));
		sim_reset_counters(0);
		sim_reset_device_counters(self->bdf[1]);
		for (int i = 0; i < GROUPS; i++)
			EXPECT_EQ(SIM_OK, sim_page_request(self->bdf[1], 4, HOLE, i,
							   SIM_PR_READ | (i ? SIM_PR_LAST : 0),
							   0));
		early = counted("requests") != read;
		for (int i = 0; i < 10000 && pr_answers(self->bdf[1]) < GROUPS - 1; i++)
			usleep(1000);
		/* Not one that is no last one. */
		EXPECT_EQ(GROUPS - 1, pr_answers(self->bdf[1]));
		EXPECT_EQ(before + GROUPS - 1, counted("invalid"));
	}
	EXPECT_EQ(1, sim_counter(0, "batches"));
	EXPECT_TRUE(goes_on(self->bdf[1]));
	EXPECT_EQ(SIM_DENIED, sim_page_request(self->bdf[1], 4, HOLE, GROUPS,
					       SIM_PR_READ | SIM_PR_LAST, PR_PATIENCE_MS));
}

/* --- answered through the guest's queue ------------------------------------- */

TEST_F(vtd_prq, answered_by_the_guest)
{
	struct iommufd_sva_hwpt_pgfault r;
	long before = counted("unmatched");
	struct pr_dma d;

	ask(_metadata, self, 0, PASID, &d, &r);
	mend(self);
	EXPECT_EQ(0, respond(self, 0, &r, 0));
	expect_page(_metadata, &d);
	EXPECT_EQ(1, pr_answers(self->bdf[0]));
	/* It has its answer: neither the VMM nor the guest can give another. */
	EXPECT_EQ(-EINVAL, pr_answer(self->file, r.cookie, SUCCESS));
	EXPECT_EQ(0, respond(self, 0, &r, 0));
	EXPECT_EQ(1, pr_answers(self->bdf[0]));
	EXPECT_EQ(before + 1, counted("unmatched"));
	EXPECT_TRUE(goes_on(self->bdf[0]));
}

TEST_F(vtd_prq, answered_without_a_pasid)
{
	struct iommufd_sva_hwpt_pgfault r;
	struct pr_dma d;

	ask(_metadata, self, 1, SIM_NO_PASID, &d, &r);
	mend(self);
	EXPECT_EQ(0, respond(self, 1, &r, 0));
	expect_page(_metadata, &d);
}

/* Behind what is asked for before it, in one submission. */
TEST_F(vtd_prq, order)
{
	struct iommufd_sva_hwpt_pgfault r;
	struct qi descs[3];
	struct pr_dma d;

	ask(_metadata, self, 0, PASID, &d, &r);
	mend(self);
	descs[0] = qi_piotlb_pages(DID, PASID, HOLE, 0);
	descs[1] = qi_pasid_dev_tlb(VSID(0), PASID, HOLE);
	descs[2] = response(0, &r, 0);
	sim_reset_counters(0);
	EXPECT_EQ(0, queue(self, descs, 3));
	EXPECT_EQ(1, sim_counter(0, "batches"));
	EXPECT_EQ(1, sim_counter(0, "page_response"));
	/* The fence before it, and the batch's own. */
	EXPECT_EQ(2, sim_counter(0, "wait"));
	expect_page(_metadata, &d);
}

/* Many, and what they are of: one submission. */
TEST_F(vtd_prq, many_at_once)
{
	struct iommufd_sva_hwpt_pgfault r[NDEVICES * 8];
	struct qi descs[NDEVICES * 8];
	int n = 0;

	for (int i = 0; i < NDEVICES * 8; i++)
		EXPECT_EQ(SIM_OK, sim_page_request(self->bdf[i % NDEVICES], PASID, HOLE, i,
						   SIM_PR_READ | SIM_PR_LAST, 0));
	while (n < NDEVICES * 8) {
		int rc = pr_await(self->file, r + n, NDEVICES * 8 - n);

		ASSERT_LT(0, rc);
		n += rc;
	}
	for (int i = 0; i < n; i++)
		descs[i] = response(r[i].dev_id == self->device[0] ? 0 : 1, &r[i], 0);
	sim_reset_counters(0);
	EXPECT_EQ(0, queue(self, descs, n));
	EXPECT_EQ(1, sim_counter(0, "batches"));
	EXPECT_EQ(n, sim_counter(0, "page_response"));
	EXPECT_EQ(8, pr_answers(self->bdf[0]));
	EXPECT_EQ(8, pr_answers(self->bdf[1]));
}

/*
 * A guest must not switch the page requests of a device off for good, which is what a
 * device does that is told of a failure, or something that it does not know.
 */
TEST_F(vtd_prq, codes)
{
	static const unsigned int codes[] = { 1, 2, 0xe, 0xf };
	struct iommufd_sva_hwpt_pgfault r;
	struct pr_dma d;

	for (int i = 0; i < ARRAY_SIZE(codes); i++) {
		ask(_metadata, self, 0, PASID, &d, &r);
		EXPECT_EQ(0, respond(self, 0, &r, codes[i]));
		EXPECT_EQ(SIM_DENIED, pr_dma_wait(&d));
		EXPECT_TRUE(goes_on(self->bdf[0]));
	}
	EXPECT_EQ(0, sim_counter(0, "bad.page_response"));
}

/* Of what is not the group that waits nothing is passed on. */
TEST_F(vtd_prq, unmatched)
{
	struct iommufd_sva_hwpt_pgfault r, other;
	long before = counted("unmatched");
	struct qi desc;
	struct pr_dma d;

	ask(_metadata, self, 0, PASID, &d, &r);
	/* Another device's, group, PASID, and none. */
	EXPECT_EQ(0, respond(self, 1, &r, 0));
	other = r;
	other.grpid ^= 1;
	EXPECT_EQ(0, respond(self, 0, &other, 0));
	other = r;
	other.pasid++;
	EXPECT_EQ(0, respond(self, 0, &other, 0));
	other = r;
	other.flags &= ~WITH_PASID;
	EXPECT_EQ(0, respond(self, 0, &other, 0));
	EXPECT_EQ(before + 4, counted("unmatched"));
	/* None of the guest's devices. */
	desc = qi_page_response(0x77, PASID, r.grpid);
	EXPECT_EQ(-EIO, queue(self, &desc, 1));
	EXPECT_EQ(0, pr_answers(self->bdf[0]));
	EXPECT_EQ(0, pr_answers(self->bdf[1]));
	mend(self);
	EXPECT_EQ(0, respond(self, 0, &r, 0));
	expect_page(_metadata, &d);
}

/* Of half a group, too, which nobody has to answer yet, whose place in the table had another. */
TEST_F(vtd_prq, answer_to_half_a_group)
{
	long unmatched = counted("unmatched"), read = counted("requests");
	struct iommufd_sva_hwpt_pgfault r[2] = {
		{ .pasid = PASID, .grpid = 3, .flags = WITH_PASID },
	};

	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(SIM_OK, sim_page_request(self->bdf[0], PASID, HOLE, 3, SIM_PR_READ, 0));
		for (int ms = 0; counted("requests") == read && ms < 10000; ms++)
			usleep(1000);
		EXPECT_EQ(0, respond(self, 0, &r[0], 0));
		EXPECT_EQ(unmatched + 1, counted("unmatched"));
		EXPECT_EQ(i, pr_answers(self->bdf[0]));
		EXPECT_EQ(SIM_OK, sim_page_request(self->bdf[0], PASID, HOLE + SZ_4K, 3,
						   SIM_PR_READ | SIM_PR_LAST, 0));
		ASSERT_EQ(2, pr_await(self->file, r, 2));
		EXPECT_EQ(0, respond(self, 0, &r[0], 0));
		EXPECT_EQ(i + 1, pr_answers(self->bdf[0]));
		unmatched = counted("unmatched");
		read = counted("requests");
	}
	EXPECT_TRUE(goes_on(self->bdf[0]));
}

/* --- queues that go wrong ---------------------------------------------------- */

/* The unit refuses an invalidation: what answers a group behind it goes all the same. */
TEST_F(vtd_prq, refused_before_an_answer)
{
	struct iommufd_sva_hwpt_pgfault r;
	struct qi descs[2];
	struct pr_dma d;

	ask(_metadata, self, 0, PASID, &d, &r);
	mend(self);
	descs[0] = qi_piotlb_pages(DID, PASID, HOLE, 0);
	descs[1] = response(0, &r, 0);
	ASSERT_EQ(0, sim_inject(0, SIM_FAULT_COMMAND, 1, 0));
	EXPECT_EQ(-EIO, queue(self, descs, 2));
	expect_page(_metadata, &d);
	EXPECT_EQ(1, pr_answers(self->bdf[0]));
}

/* It refuses an answer, or the fence before it: they are offered again. */
TEST_F(vtd_prq, refused_answer)
{
	struct iommufd_sva_hwpt_pgfault r;
	struct pr_dma d;

	for (int refuse = 1; refuse <= 2; refuse++) {
		ask(_metadata, self, 0, PASID, &d, &r);
		ASSERT_EQ(0, sim_inject(0, SIM_FAULT_COMMAND, refuse, 0));
		EXPECT_EQ(0, pr_answer(self->file, r.cookie, INVALID));
		EXPECT_EQ(SIM_DENIED, pr_dma_wait(&d));
		EXPECT_EQ(refuse, pr_answers(self->bdf[0]));
	}
	EXPECT_TRUE(kmsg_wait(self->log, 0, NULL, 0, KMSG_WORDS("vtd_nested", "offered again")));
}

/* Another device does not answer an invalidation that is ahead: one answer, not two. */
TEST_F(vtd_prq, behind_a_silent_device)
{
	struct iommufd_sva_hwpt_pgfault r;
	struct qi descs[2];
	struct pr_dma d;

	EXPECT_EQ(SEED, sim_sees(self->bdf[1], PASID, VA, SIM_DMA_ATS));
	ask(_metadata, self, 0, PASID, &d, &r);
	mend(self);
	descs[0] = qi_pasid_dev_tlb(VSID(1), PASID, VA);
	descs[1] = response(0, &r, 0);
	ASSERT_EQ(0, sim_inject(0, SIM_FAULT_ATC, 1, 0));
	EXPECT_EQ(-ETIMEDOUT, queue(self, descs, 2));
	expect_page(_metadata, &d);
	EXPECT_EQ(1, pr_answers(self->bdf[0]));
	/* The VMM sends once more what was behind it. */
	EXPECT_EQ(0, queue(self, descs + 1, 1));
	EXPECT_EQ(1, pr_answers(self->bdf[0]));
}

/* A completion that is lost. */
TEST_F(vtd_prq, lost_completion)
{
	struct iommufd_sva_hwpt_pgfault r;
	struct pr_dma d;

	ask(_metadata, self, 0, PASID, &d, &r);
	mend(self);
	ASSERT_EQ(0, sim_inject(0, SIM_FAULT_LOST, 1, 0));
	EXPECT_EQ(0, pr_answer(self->file, r.cookie, SUCCESS));
	expect_page(_metadata, &d);
	EXPECT_EQ(1, pr_answers(self->bdf[0]));
}

/* No room: the unit has the device ask again. */
TEST_F(vtd_prq, overflow)
{
	long before = counted("overflows");
	struct iommufd_sva_hwpt_pgfault r;
	struct pr_dma d;

	ASSERT_EQ(0, sim_inject(0, SIM_FAULT_PRQ_FULL, 1, 0));
	ask(_metadata, self, 0, PASID, &d, &r);
	EXPECT_EQ(before + 1, counted("overflows"));
	EXPECT_LT(0, sim_counter(0, "page_requests_lost"));
	mend(self);
	EXPECT_EQ(0, pr_answer(self->file, r.cookie, SUCCESS));
	expect_page(_metadata, &d);
	EXPECT_TRUE(kmsg_wait(self->log, 0, NULL, 0, KMSG_WORDS("vtd_nested", "queue was full")));
	EXPECT_TRUE(goes_on(self->bdf[0]));
}

/* Of a group whose last request was lost nothing comes up in the next of that index. */
TEST_F(vtd_prq, overflow_in_a_group)
{
	long before = counted("overflows");
	struct iommufd_sva_hwpt_pgfault r[4];

	EXPECT_EQ(SIM_OK, sim_page_request(self->bdf[0], PASID, HOLE, 3, SIM_PR_READ, 0));
	EXPECT_EQ(0, pr_await_for(self->file, r, 4, 100));
	ASSERT_EQ(0, sim_inject(0, SIM_FAULT_PRQ_FULL, 1, 0));
	EXPECT_EQ(SIM_OK, sim_page_request(self->bdf[0], PASID, HOLE + SZ_4K, 3,
					   SIM_PR_READ | SIM_PR_LAST, PR_PATIENCE_MS));
	/* What is said comes after the unit takes page requests again, the count before. */
	EXPECT_TRUE(kmsg_wait(self->log, PR_PATIENCE_MS / 2, NULL, 0,
			      KMSG_WORDS("vtd_nested", "queue was full")));
	EXPECT_EQ(before + 1, counted("overflows"));
	EXPECT_EQ(SIM_OK, sim_page_request(self->bdf[0], PASID, HOLE + 2 * SZ_4K, 3,
					   SIM_PR_READ | SIM_PR_LAST, 0));
	ASSERT_EQ(1, pr_await(self->file, r, 4));
	EXPECT_EQ(HOLE + 2 * SZ_4K, r[0].addr);
	EXPECT_EQ(0, pr_answer(self->file, r[0].cookie, SUCCESS));
	EXPECT_EQ(2, pr_answers(self->bdf[0]));
}

/* An interrupt that is lost is made up for. */
TEST_F(vtd_prq, lost_interrupt)
{
	struct iommufd_sva_hwpt_pgfault r;
	struct pr_dma d;

	settle();
	ASSERT_EQ(0, sim_inject(0, SIM_FAULT_IRQ_LOST, 1, 0));
	ask(_metadata, self, 0, PASID, &d, &r);
	EXPECT_TRUE(was_looked_after(self));
	mend(self);
	EXPECT_EQ(0, pr_answer(self->file, r.cookie, SUCCESS));
	expect_page(_metadata, &d);
}

/* What is under way when a device is detached is refused, and the next hears nothing of it. */
TEST_F(vtd_prq, detached_with_an_unread_request)
{
	struct iommufd_sva_hwpt_pgfault r;
	struct pr_dma d;

	/* Whoever detaches does not wait until it is looked after; unless it was before that. */
	for (int tries = 0; !tries || was_looked_after(self); tries++) {
		ASSERT_GT(5, tries);
		settle();
		mark_log(self);
		sim_reset_counters(0);
		ASSERT_EQ(0, sim_inject(0, SIM_FAULT_IRQ_LOST, 1, 0));
		pr_dma_start(&d, self->bdf[0], PASID, HOLE, PR_ASKS);
		while (!sim_counter(0, "page_requests"))
			usleep(1000);
		ASSERT_EQ(0, sva_detach(self->fd, self->device[0]));
		EXPECT_NE(SIM_OK, pr_dma_wait(&d));
		ASSERT_EQ(0, sva_attach(self->fd, self->device[0], self->table, NULL));
	}
	EXPECT_EQ(0, pr_await_for(self->file, &r, 1, 200));
	ask(_metadata, self, 0, PASID, &d, &r);
	mend(self);
	EXPECT_EQ(0, pr_answer(self->file, r.cookie, SUCCESS));
	expect_page(_metadata, &d);
}

/* How often are page requests of the device drained while it is detached? */
static uint64_t drains(FIXTURE_DATA(vtd_prq) *self)
{
	sim_reset_counters(0);
	if (sva_detach(self->fd, self->device[0]))
		return 0;
	return sim_counter(0, "piotlb_page");
}

/*
 * The ring is full, of which nobody has heard yet: the hardware answers by itself until
 * somebody has, so that the device is drained once more after that (7.10, d.).
 */
TEST_F(vtd_prq, drained_while_full)
{
	uint64_t least = drains(self), num = 0;

	EXPECT_LT(0, least);
	/* Again if somebody has heard of it before it is detached. */
	for (int tries = 0; !tries || was_looked_after(self); tries++) {
		ASSERT_GT(5, tries);
		settle();
		mark_log(self);
		ASSERT_EQ(0, sva_attach(self->fd, self->device[0], self->table, NULL));
		ASSERT_EQ(0, sim_inject(0, SIM_FAULT_IRQ_LOST, 1, 0));
		ASSERT_EQ(0, sim_inject(0, SIM_FAULT_PRQ_FULL, 1, 0));
		EXPECT_EQ(SIM_OK, sim_page_request(self->bdf[0], PASID, HOLE, 1,
						   SIM_PR_READ | SIM_PR_LAST, 0));
		num = drains(self);
	}
	EXPECT_LT(least, num);
}

/* A device that does not answer goes on without ATS, and without page requests. */
TEST_F(vtd_prq, cut_off)
{
	struct qi desc = qi_pasid_dev_tlb(VSID(0), PASID, VA);
	struct iommufd_sva_hwpt_pgfault r;
	struct pr_dma d;

	ASSERT_EQ(0, sim_inject(0, SIM_FAULT_ATC, 1, 0));
	EXPECT_EQ(-ETIMEDOUT, queue(self, &desc, 1));
	/* The unit refuses, nobody is asked. */
	EXPECT_EQ(SIM_DENIED, sim_page_request(self->bdf[0], PASID, HOLE, 1,
					       SIM_PR_READ | SIM_PR_LAST, PR_PATIENCE_MS));
	EXPECT_EQ(0, pr_await_for(self->file, &r, 1, 100));
	/* Attached anew it has another chance. */
	ASSERT_EQ(0, sva_detach(self->fd, self->device[0]));
	ASSERT_EQ(0, sva_attach(self->fd, self->device[0], self->table, NULL));
	ask(_metadata, self, 0, PASID, &d, &r);
	mend(self);
	EXPECT_EQ(0, pr_answer(self->file, r.cookie, SUCCESS));
	expect_page(_metadata, &d);
}

/* More than there is room for in the unit's ring: it is used over and over. */
TEST_F(vtd_prq, storm)
{
	enum { ROUNDS = 300, EACH = 16 };
	struct iommufd_sva_hwpt_pgfault r[EACH];
	int n;

	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < EACH; i++)
			ASSERT_EQ(SIM_OK, sim_page_request(self->bdf[i % NDEVICES], PASID,
							   HOLE + i * SZ_4K, i,
							   SIM_PR_READ | SIM_PR_LAST, 0));
		for (n = 0; n < EACH; ) {
			int rc = pr_await(self->file, r, EACH);

			ASSERT_LT(0, rc);
			for (int i = 0; i < rc; i++)
				ASSERT_EQ(0, pr_answer(self->file, r[i].cookie,
						       i % 2 ? INVALID : SUCCESS));
			n += rc;
		}
	}
	EXPECT_EQ(ROUNDS * EACH, pr_answers(self->bdf[0]) + pr_answers(self->bdf[1]));
	EXPECT_EQ(0, sim_counter(0, "page_requests_lost"));
	for (int i = 0; i < NDEVICES; i++)
		EXPECT_TRUE(goes_on(self->bdf[i]));
	/* Nothing is left to be read, and who looks after interrupts once a second sees it. */
	mark_log(self);
	EXPECT_FALSE(kmsg_wait(self->log, 3000, NULL, 0,
			       KMSG_WORDS("vtd_nested", "page requests wait")));
}

/* --- unloading ------------------------------------------------------------------- */

/* Registers of the unit from here on, and their place (11.4). */
#define NUM_REGS 64
#define GSTS 0x1c
#define PQA 0xd0
#define PECTL 0xe0
#define FECTL 0x38
#define IM (1U << 31)

/* As the first model shows them in debugfs: false if it does not. */
static bool read_registers(uint32_t regs[NUM_REGS])
{
	unsigned int where, value, num = 0;
	glob_t found;
	FILE *f;

	if (glob("/sys/kernel/debug/regmap/*-fd800000/registers", 0, NULL, &found))
		return false;
	f = fopen(found.gl_pathv[0], "r");
	globfree(&found);
	while (f && num < NUM_REGS && fscanf(f, "%x: %x", &where, &value) == 2 &&
	       where == 4 * num)
		regs[num++] = value;
	if (f)
		fclose(f);
	return num == NUM_REGS;
}

/* The unit is as it was found, and looks at no memory of ours. */
TEST_F(vtd_prq, unloaded)
{
	uint32_t found[NUM_REGS], taken[NUM_REGS], left[NUM_REGS], hwpt;
	struct pr_dma d;

	close(self->file);
	close(self->fd);
	self->fd = -1;
	ASSERT_EQ(0, backend_unload());
	ASSERT_TRUE(read_registers(found));
	EXPECT_TRUE(found[PECTL / 4] & IM);
	/* As the model comes, and not as we left it before. */
	EXPECT_EQ(0, found[PQA / 4]);
	for (int i = 1; i < 4; i++) {
		EXPECT_EQ(0, found[PECTL / 4 + i]);
		EXPECT_EQ(0, found[FECTL / 4 + i]);
	}
	ASSERT_EQ(0, backend_load());
	ASSERT_TRUE(read_registers(taken));
	EXPECT_NE(found[GSTS / 4], taken[GSTS / 4]);
	EXPECT_NE(found[PQA / 4], taken[PQA / 4]);
	EXPECT_FALSE(taken[PECTL / 4] & IM);

	/* It asks, and the unit's thread does not hear of it until its user has gone. */
	self->fd = sva_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, sva_ioas_alloc(self->fd, &self->ioas));
	ASSERT_EQ(0, sva_fault_alloc(self->fd, &self->fault, &self->file));
	ASSERT_EQ(0, sva_bind(self->fd, self->bdf[0], &self->device[0]));
	ASSERT_EQ(0, sva_hwpt_fault(self->fd, self->device[0], self->ioas, self->fault, &hwpt));
	ASSERT_EQ(0, sva_attach(self->fd, self->device[0], hwpt, NULL));
	settle();
	sim_reset_counters(0);
	ASSERT_EQ(0, sim_inject(0, SIM_FAULT_IRQ_LOST, 1, 0));
	pr_dma_start(&d, self->bdf[0], SIM_NO_PASID, HOLE, PR_ASKS);
	while (!sim_counter(0, "page_requests"))
		usleep(1000);
	close(self->file);
	close(self->fd);
	self->fd = -1;
	ASSERT_EQ(0, backend_unload());
	EXPECT_NE(SIM_OK, pr_dma_wait(&d));
	ASSERT_TRUE(read_registers(left));
	for (int i = 0; i < NUM_REGS; i++) {
		EXPECT_EQ(found[i], left[i]) TH_LOG("register %#x", 4 * i);
	}
}

TEST_HARNESS_MAIN
