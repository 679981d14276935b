// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page requests and stalls on an SMMUv3: a device asks for a page that its guest has not
 * mapped, its VMM hears of it through a fault queue, maps the page, answers, and the DMA
 * goes on. And what becomes of those that nobody answers. Needs the hardware model: units
 * and devices with PRI, transactions that stall. Plugs its own devices in.
 */
#include <poll.h>
#include <pthread.h>
#include <sys/prctl.h>

#include "guest.h"
#include "pr.h"
#include "selftest.h"
#include "sim.h"

#define GPA 0x40000000UL
#define GUEST_SIZE (8 * SZ_2M)
#define VA 0x7f1234560000UL
#define PASID 100

#define FIRST_SLOT 24
#define CAPS (SIM_CAP_FLR | SIM_CAP_PASID | SIM_CAP_PASID_PRIV | SIM_CAP_PASID_EXEC)
#define VSID(i) (0x55001 + (i))

/* Who asks: with its PASID in answers and without; and whose transactions stall. */
enum { ASKS_PASID, ASKS, STALLS, NDEVICES };
static const uint32_t caps[NDEVICES] = {
	[ASKS_PASID] = CAPS | SIM_CAP_ATS | SIM_CAP_PRI | SIM_CAP_PRG_PASID,
	[ASKS] = CAPS | SIM_CAP_ATS | SIM_CAP_PRI,
	[STALLS] = CAPS | SIM_CAP_STALL,
};

/* CD: stall; with record and abort, which s1_cd() sets, what does not (5.4). */
#define CD_S (1ULL << 44)
#define STE_S1STALLD (1ULL << 27)
#define STE_EATS_FULL (1ULL << 28)
#define C_BAD_CD 0x0a
#define F_TRANSLATION 0x10

#define READ IOMMUFD_SVA_PGFAULT_PERM_READ
#define WRITE IOMMUFD_SVA_PGFAULT_PERM_WRITE
#define EXEC IOMMUFD_SVA_PGFAULT_PERM_EXEC
#define PRIV IOMMUFD_SVA_PGFAULT_PERM_PRIV
#define SUCCESS IOMMUFD_SVA_PAGE_RESP_SUCCESS
#define INVALID IOMMUFD_SVA_PAGE_RESP_INVALID

#define SOON_MS 5000

FIXTURE(smmu_faults)
{
	int fd, events, faults;
	uint32_t ioas, parent, viommu, fault;
	struct guest g;
	struct cds cds;
	struct s1 s1;
	int bdf[NDEVICES];
	uint32_t device[NDEVICES];
};

static void __attribute__((constructor)) skip_all(void)
{
	if (sim_present() && backend_is("smmuv3_nested"))
		return;
	printf("TAP version 13\n1..1\nok 1 smmu_faults # SKIP no model of SMMUv3\n");
	exit(KSFT_SKIP);
}

FIXTURE_SETUP(smmu_faults)
{
	uint32_t veventq, vdevice;

	self->fd = sva_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, guest_begin(&self->g, GPA, GUEST_SIZE, self->fd, &self->ioas));
	for (int i = 0; i < NDEVICES; i++) {
		self->bdf[i] = sim_add_endpoint(FIRST_SLOT + i, caps[i]);
		ASSERT_LT(0, self->bdf[i]);
		ASSERT_EQ(0, sva_bind(self->fd, self->bdf[i], &self->device[i]));
	}
	ASSERT_EQ(0, sva_hwpt_alloc(self->fd, self->device[0], self->ioas,
				    IOMMUFD_SVA_HWPT_ALLOC_NEST_PARENT, &self->parent));
	ASSERT_EQ(0, sva_viommu_alloc(self->fd, IOMMUFD_SVA_VIOMMU_TYPE_ARM_SMMUV3,
				      self->device[0], self->parent, &self->viommu));
	for (int i = 0; i < NDEVICES; i++) {
		ASSERT_EQ(0, sva_vdevice_alloc(self->fd, self->viommu, self->device[i], VSID(i),
					       &vdevice));
	}
	ASSERT_EQ(0, sva_veventq_alloc(self->fd, self->viommu,
				       IOMMUFD_SVA_VEVENTQ_TYPE_ARM_SMMUV3, 64, &veventq,
				       &self->events));
	ASSERT_EQ(0, sva_fault_alloc(self->fd, &self->fault, &self->faults));
	/* A process with nothing in it yet, which may stall where that is allowed. */
	s1_init(&self->s1, &self->g, 12, 1);
	cds_init(&self->cds, &self->g, CDS_LINEAR, 8);
	sim_reset_counters(0);
}

FIXTURE_TEARDOWN(smmu_faults)
{
	close(self->faults);
	close(self->events);
	close(self->fd);
	for (int i = 0; i < NDEVICES; i++) {
		EXPECT_EQ(0, sim_device_counter(self->bdf[i], "bad.page_response"));
		EXPECT_EQ(0, sim_device_counter(self->bdf[i], "bad.page_response_pasid"));
		EXPECT_EQ(0, sim_device_counter(self->bdf[i], "atc_while_off"));
		sim_remove_slot(FIRST_SLOT + i);
	}
	guest_free(&self->g);
	EXPECT_STREQ("", sim_bad(0));
}

/* --- what a guest and its VMM do -------------------------------------------- */

/* A CD table as the guest's, with a fault queue or without (0). */
static int table(FIXTURE_DATA(smmu_faults) *self, uint64_t ste1, uint32_t fault, uint32_t *id)
{
	uint64_t ste[2];

	cds_ste(&self->cds, S1DSS_TERMINATE, ste);
	/* Its devices have ATS: it invalidates what they cache. */
	ste[1] |= ste1 | STE_EATS_FULL;
	return sva_pasid_table_fault(self->fd, self->viommu, fault,
				     IOMMUFD_SVA_PASID_TABLE_SMMUV3, ste, sizeof(ste), id);
}

/* The guest's process is at PASID; @cd0: besides, in the first word of its descriptor. */
static void set_process(FIXTURE_DATA(smmu_faults) *self, uint64_t cd0)
{
	volatile uint64_t *to = cds_cd(&self->cds, PASID);
	uint64_t cd[8];

	s1_cd(&self->s1, cd);
	for (int i = 7; i >= 0; i--)
		to[i] = cd[i] | (i ? 0 : cd0);
}

/* All that a device needs to ask its VMM for pages. */
static int attach(FIXTURE_DATA(smmu_faults) *self, int i)
{
	uint32_t id;
	int rc;

	set_process(self, i == STALLS ? CD_S : 0);
	rc = table(self, 0, self->fault, &id);
	rc = rc ?: sva_attach(self->fd, self->device[i], id, NULL);
	sim_set_master(self->bdf[i], true);
	return rc;
}

static uint64_t map_page(FIXTURE_DATA(smmu_faults) *self, uint64_t va, int access)
{
	uint64_t gpa = guest_alloc(&self->g, SZ_4K, SZ_4K);

	s1_map(&self->s1, va, gpa, access);
	return gpa;
}

/* The next group that waits, if it is one request; its cookie. */
static void next_fault(struct __test_metadata *_metadata, FIXTURE_DATA(smmu_faults) *self,
		       struct iommufd_sva_hwpt_pgfault *fault)
{
	ASSERT_EQ(1, pr_await(self->faults, fault, 1)) TH_LOG("nobody asks");
}

static bool nobody_asks(FIXTURE_DATA(smmu_faults) *self)
{
	struct pollfd wait = { .fd = self->faults, .events = POLLIN };

	return !poll(&wait, 1, 50);
}

static bool no_event(FIXTURE_DATA(smmu_faults) *self)
{
	struct guest_event event;

	return read(self->events, &event, sizeof(event)) <= 0;
}

/* What the core tells of device @i's requests. */
static long told(FIXTURE_DATA(smmu_faults) *self, int i, const char *key)
{
	return backend_tells("../page_requests", sim_name(self->bdf[i]), key);
}

/* The same is @num, once the interrupt thread has had time for that. */
static bool comes_to(FIXTURE_DATA(smmu_faults) *self, int i, const char *key, long num)
{
	for (int ms = 0; ms < PR_PATIENCE_MS / 2 && told(self, i, key) < num; ms++)
		usleep(1000);
	return told(self, i, key) == num;
}

/* How device @i asks for what is not there. */
static uint32_t asks(int i)
{
	return i == STALLS ? 0 : PR_ASKS;
}

/* --- who ---------------------------------------------------------------------- */

/* GET_HW_INFO says so of who asks and of whose transactions stall, and which it is. */
TEST_F(smmu_faults, capability)
{
	const uint64_t both = IOMMUFD_SVA_HW_CAP_PAGE_REQUESTS |
			      IOMMUFD_SVA_HW_CAP_PCI_ATS_NOT_SUPPORTED;

	for (int i = 0; i < NDEVICES; i++) {
		EXPECT_EQ(i == STALLS ? both : IOMMUFD_SVA_HW_CAP_PAGE_REQUESTS,
			  sva_capabilities(self->fd, self->device[i]) & both)
			TH_LOG("device %d", i);
	}
}

/* --- the story --------------------------------------------------------------- */

/* @perm: READ or WRITE; the VMM maps the page and answers. */
static void ask_once(struct __test_metadata *_metadata, FIXTURE_DATA(smmu_faults) *self, int i,
		     uint64_t va, uint32_t perm)
{
	struct iommufd_sva_hwpt_pgfault fault;
	struct pr_dma job;
	uint8_t *page;

	pr_dma_start(&job, self->bdf[i], PASID, va + 0x80,
		  (perm == WRITE ? SIM_DMA_WRITE : 0) | asks(i));
	next_fault(_metadata, self, &fault);
	EXPECT_EQ(IOMMUFD_SVA_PGFAULT_FLAGS_PASID_VALID | IOMMUFD_SVA_PGFAULT_FLAGS_LAST_PAGE,
		  fault.flags);
	EXPECT_EQ(self->device[i], fault.dev_id);
	EXPECT_EQ(PASID, fault.pasid);
	EXPECT_EQ(va, fault.addr);
	EXPECT_EQ(perm, fault.perm);
	page = guest_ptr(&self->g, map_page(self, va, S1_RW));
	mem_fill(page, SZ_4K, 1);
	EXPECT_EQ(0, pr_answer(self->faults, fault.cookie, SUCCESS));
	EXPECT_EQ(SIM_OK, pr_dma_wait(&job));
	EXPECT_EQ(0, memcmp(job.buf, page + 0x80, sizeof(job.buf)));
	/* A second time it is nobody's. */
	EXPECT_EQ(-EINVAL, pr_answer(self->faults, fault.cookie, SUCCESS));
}

static void story(struct __test_metadata *_metadata, FIXTURE_DATA(smmu_faults) *self, int i)
{
	ASSERT_EQ(0, attach(self, i));
	for (int round = 0; round < 3; round++) {
		ask_once(_metadata, self, i, VA + 2 * round * SZ_4K, WRITE);
		ask_once(_metadata, self, i, VA + (2 * round + 1) * SZ_4K, READ);
	}
	EXPECT_TRUE(nobody_asks(self));
	/* It is no event of the guest's as well. */
	EXPECT_TRUE(no_event(self));
	EXPECT_EQ(0, sva_detach(self->fd, self->device[i]));
}

TEST_F(smmu_faults, page_request)
{
	story(_metadata, self, ASKS);
	EXPECT_EQ(6, sim_counter(0, "PRI_RESP"));
}

TEST_F(smmu_faults, page_request_with_pasid)
{
	story(_metadata, self, ASKS_PASID);
	EXPECT_EQ(6, sim_counter(0, "PRI_RESP"));
}

TEST_F(smmu_faults, stall)
{
	story(_metadata, self, STALLS);
	EXPECT_EQ(6, sim_counter(0, "RESUME"));
	EXPECT_EQ(0, sim_counter(0, "resume_nothing"));
}

/* The VMM says no, and the device sees an error: no zeros, no lost writes. */
TEST_F(smmu_faults, invalid)
{
	struct iommufd_sva_hwpt_pgfault fault;
	struct pr_dma job;

	for (int i = 0; i < NDEVICES; i++) {
		ASSERT_EQ(0, attach(self, i));
		pr_dma_start(&job, self->bdf[i], PASID, VA, asks(i));
		next_fault(_metadata, self, &fault);
		EXPECT_EQ(0, pr_answer(self->faults, fault.cookie, INVALID));
		EXPECT_EQ(i == STALLS ? SIM_UR : SIM_DENIED, pr_dma_wait(&job));
		/* It can ask anew. */
		ask_once(_metadata, self, i, VA + (i + 1) * SZ_4K, WRITE);
		ASSERT_EQ(0, sva_detach(self->fd, self->device[i]));
	}
}

/* A stage 2 of the VMM's own: what is not mapped there stalls, too. */
TEST_F(smmu_faults, stall_of_stage_2)
{
	struct iommufd_sva_hwpt_pgfault fault;
	uint32_t ioas, hwpt;
	struct pr_dma job;

	ASSERT_EQ(0, sva_ioas_alloc(self->fd, &ioas));
	ASSERT_EQ(0, sva_hwpt_fault(self->fd, self->device[STALLS], ioas, self->fault, &hwpt));
	ASSERT_EQ(0, sva_attach(self->fd, self->device[STALLS], hwpt, NULL));
	sim_set_master(self->bdf[STALLS], true);
	pr_dma_start(&job, self->bdf[STALLS], SIM_NO_PASID, GPA + 0x1080, SIM_DMA_WRITE);
	next_fault(_metadata, self, &fault);
	EXPECT_EQ(IOMMUFD_SVA_PGFAULT_FLAGS_LAST_PAGE, fault.flags);
	EXPECT_EQ(self->device[STALLS], fault.dev_id);
	EXPECT_EQ(GPA + 0x1000, fault.addr);
	EXPECT_EQ(WRITE, fault.perm);
	ASSERT_EQ(0, sva_map(self->fd, ioas, self->g.mem, SZ_2M, GPA, SVA_RW));
	EXPECT_EQ(0, pr_answer(self->faults, fault.cookie, SUCCESS));
	EXPECT_EQ(SIM_OK, pr_dma_wait(&job));
	EXPECT_EQ(0, memcmp(job.buf, self->g.mem + 0x1080, sizeof(job.buf)));
	ASSERT_EQ(0, sva_detach(self->fd, self->device[STALLS]));
}

/* --- many ------------------------------------------------------------------- */

/* More than the batches have room for that commands are collected in elsewhere. */
#define MANY 40

static int read_many(FIXTURE_DATA(smmu_faults) *self, struct iommufd_sva_hwpt_pgfault *faults)
{
	int num = 0, n;

	while (num < MANY) {
		n = pr_await(self->faults, faults + num, MANY - num);
		if (n <= 0)
			break;
		num += n;
	}
	return num;
}

/* What is answered with one write() goes to the unit at once. */
static void answer_many(struct __test_metadata *_metadata, FIXTURE_DATA(smmu_faults) *self,
			const char *command)
{
	struct iommufd_sva_hwpt_page_response responses[MANY];
	struct iommufd_sva_hwpt_pgfault faults[MANY];

	ASSERT_EQ(MANY, read_many(self, faults));
	for (int i = 0; i < MANY; i++)
		responses[i] = (struct iommufd_sva_hwpt_page_response){
			.cookie = faults[i].cookie,
			.code = INVALID,
		};
	sim_reset_counters(0);
	EXPECT_EQ(sizeof(responses), write(self->faults, responses, sizeof(responses)));
	EXPECT_EQ(MANY, sim_counter(0, command));
	EXPECT_EQ(1, sim_counter(0, "batches"));
	EXPECT_EQ(1, sim_counter(0, "SYNC"));
}

/* A device may not have so many outstanding: of two. */
TEST_F(smmu_faults, many_page_requests)
{
	for (int i = ASKS_PASID; i <= ASKS; i++)
		ASSERT_EQ(0, attach(self, i));
	for (int i = 0; i < MANY; i++) {
		EXPECT_EQ(SIM_OK, sim_page_request(self->bdf[i % 2 ? ASKS : ASKS_PASID], PASID,
						   VA + i * SZ_4K, i, SIM_PR_READ | SIM_PR_LAST,
						   0));
	}
	answer_many(_metadata, self, "PRI_RESP");
	for (int i = ASKS_PASID; i <= ASKS; i++)
		EXPECT_EQ(MANY / 2, sim_device_counter(self->bdf[i], "page_responses"));
}

TEST_F(smmu_faults, many_stalls)
{
	struct pr_dma jobs[MANY];

	ASSERT_EQ(0, attach(self, STALLS));
	for (int i = 0; i < MANY; i++)
		pr_dma_start(&jobs[i], self->bdf[STALLS], PASID, VA + i * SZ_4K, 0);
	answer_many(_metadata, self, "RESUME");
	for (int i = 0; i < MANY; i++)
		EXPECT_EQ(SIM_UR, pr_dma_wait(&jobs[i]));
}

/* Several pages in a group: one record each, all of a group together. */
TEST_F(smmu_faults, groups)
{
	struct iommufd_sva_hwpt_pgfault faults[4];
	int bdf = self->bdf[ASKS];

	ASSERT_EQ(0, attach(self, ASKS));
	/* Two that come in turns. */
	EXPECT_EQ(SIM_OK, sim_page_request(bdf, PASID, VA, 5, SIM_PR_READ, 0));
	EXPECT_EQ(SIM_OK, sim_page_request(bdf, PASID, VA + SZ_4K, 300, SIM_DMA_WRITE, 0));
	EXPECT_TRUE(nobody_asks(self));
	EXPECT_EQ(SIM_OK, sim_page_request(bdf, PASID, VA + 2 * SZ_4K, 5,
					   SIM_PR_READ | SIM_DMA_WRITE | SIM_PR_LAST, 0));
	ASSERT_EQ(2, pr_await(self->faults, faults, 4));
	EXPECT_EQ(5, faults[0].grpid);
	EXPECT_EQ(5, faults[1].grpid);
	EXPECT_EQ(faults[0].cookie, faults[1].cookie);
	EXPECT_EQ(VA, faults[0].addr);
	EXPECT_EQ(VA + 2 * SZ_4K, faults[1].addr);
	EXPECT_EQ(READ, faults[0].perm);
	EXPECT_EQ(READ | WRITE, faults[1].perm);
	EXPECT_EQ(IOMMUFD_SVA_PGFAULT_FLAGS_PASID_VALID, faults[0].flags);
	EXPECT_EQ(0, pr_answer(self->faults, faults[0].cookie, SUCCESS));
	EXPECT_EQ(1, sim_device_counter(bdf, "page_responses"));
	EXPECT_EQ(SIM_OK, sim_page_request(bdf, PASID, VA, 300, SIM_DMA_WRITE | SIM_PR_LAST, 0));
	ASSERT_EQ(2, pr_await(self->faults, faults, 4));
	EXPECT_EQ(300, faults[1].grpid);
	EXPECT_EQ(0, pr_answer(self->faults, faults[1].cookie, SUCCESS));
	EXPECT_EQ(2, sim_device_counter(bdf, "page_responses"));
}

/* A group that is never ended is read all the same: it must not fill the unit's queue. */
TEST_F(smmu_faults, no_last_one)
{
	long before = told(self, ASKS, "requests");

	ASSERT_EQ(0, attach(self, ASKS));
	sim_reset_counters(0);
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(SIM_OK, sim_page_request(self->bdf[ASKS], PASID, VA, i, SIM_PR_READ, 0));
		/* Then the unit's queue is empty again, and the next one has an interrupt. */
		ASSERT_TRUE(comes_to(self, ASKS, "requests", before + i + 1));
		EXPECT_EQ(i + 1, sim_counter(0, "irqs"));
	}
	EXPECT_TRUE(nobody_asks(self));
}

/* 8: a message of a PASID that asks for nothing says that this was all, and has no answer. */
TEST_F(smmu_faults, stop_marker)
{
	struct iommufd_sva_hwpt_pgfault fault;
	int bdf = self->bdf[ASKS_PASID];

	ASSERT_EQ(0, attach(self, ASKS_PASID));
	EXPECT_EQ(SIM_OK, sim_page_request(bdf, PASID, 0, 7, SIM_PR_LAST, 0));
	EXPECT_TRUE(nobody_asks(self));
	EXPECT_EQ(0, sim_device_counter(bdf, "page_responses"));
	EXPECT_EQ(0, sim_counter(0, "PRI_RESP"));
	/* Without a PASID it is a request like others. */
	EXPECT_EQ(SIM_OK, sim_page_request(bdf, SIM_NO_PASID, VA, 8, SIM_PR_LAST, 0));
	next_fault(_metadata, self, &fault);
	EXPECT_EQ(IOMMUFD_SVA_PGFAULT_FLAGS_LAST_PAGE, fault.flags);
	EXPECT_EQ(8, fault.grpid);
	EXPECT_EQ(0, fault.perm);
	EXPECT_EQ(0, pr_answer(self->faults, fault.cookie, INVALID));
	EXPECT_EQ(1, sim_device_counter(bdf, "page_responses"));
}

/* --- a queue that is full ---------------------------------------------------- */

/*
 * The last request of a group is lost, and the unit answers it: the device asks anew, by the
 * same index, for something else. What had come before is forgotten.
 */
static void overflow(struct __test_metadata *_metadata, FIXTURE_DATA(smmu_faults) *self, int i)
{
	long before = told(self, i, "overflows");
	struct iommufd_sva_hwpt_pgfault faults[4];
	int bdf = self->bdf[i];

	ASSERT_EQ(0, attach(self, i));
	EXPECT_EQ(SIM_OK, sim_page_request(bdf, PASID, VA, 3, SIM_PR_READ, 0));
	EXPECT_TRUE(nobody_asks(self));
	ASSERT_EQ(0, sim_inject(0, SIM_FAULT_PRQ_FULL, 1, 0));
	EXPECT_EQ(SIM_OK, sim_page_request(bdf, PASID, VA + SZ_4K, 3, SIM_PR_READ | SIM_PR_LAST,
					   SOON_MS));
	EXPECT_EQ(1, sim_counter(0, "page_requests_lost"));
	EXPECT_EQ(0, sim_counter(0, "PRI_RESP"));
	/* Until it is told that we know, the unit loses whatever comes. */
	EXPECT_TRUE(comes_to(self, i, "overflows", before + 1));
	EXPECT_EQ(SIM_OK, sim_page_request(bdf, PASID, VA + 2 * SZ_4K, 3,
					   SIM_PR_READ | SIM_PR_LAST, 0));
	ASSERT_EQ(1, pr_await(self->faults, faults, 4));
	EXPECT_EQ(VA + 2 * SZ_4K, faults[0].addr);
	EXPECT_EQ(0, pr_answer(self->faults, faults[0].cookie, SUCCESS));
	ask_once(_metadata, self, i, VA + 3 * SZ_4K, WRITE);
	ASSERT_EQ(0, sva_detach(self->fd, self->device[i]));
}

/*
 * The unit cannot write its queue, and answers Response Failure, after which the device has to
 * be allowed anew. What had come before of the group is forgotten here, too.
 */
TEST_F(smmu_faults, queue_aborted)
{
	struct iommufd_sva_hwpt_pgfault faults[4];
	int bdf = self->bdf[ASKS], log = kmsg_mark(), status = SIM_FAILURE;

	ASSERT_EQ(0, attach(self, ASKS));
	EXPECT_EQ(SIM_OK, sim_page_request(bdf, PASID, VA, 3, SIM_PR_READ, 0));
	EXPECT_TRUE(nobody_asks(self));
	ASSERT_EQ(0, sim_inject(0, SIM_FAULT_PRQ_ABORT, 1, 0));
	EXPECT_EQ(SIM_FAILURE, sim_page_request(bdf, PASID, VA + SZ_4K, 3,
						SIM_PR_READ | SIM_PR_LAST, SOON_MS));
	EXPECT_TRUE(kmsg_wait(log, SOON_MS, NULL, 0,
			      KMSG_WORDS("smmuv3_nested", "could not be written")));
	close(log);
	ASSERT_EQ(0, sim_set_pri(bdf, 32));
	/* The error is acknowledged a moment after it was logged: until then nothing arrives. */
	for (int ms = 0; ms < SOON_MS && status == SIM_FAILURE; ms++) {
		usleep(1000);
		status = sim_page_request(bdf, PASID, VA + 2 * SZ_4K, 3,
					  SIM_PR_READ | SIM_PR_LAST, 0);
	}
	EXPECT_EQ(SIM_OK, status);
	ASSERT_EQ(1, pr_await(self->faults, faults, 4));
	EXPECT_EQ(VA + 2 * SZ_4K, faults[0].addr);
	EXPECT_EQ(0, pr_answer(self->faults, faults[0].cookie, SUCCESS));
	ask_once(_metadata, self, ASKS, VA + 3 * SZ_4K, WRITE);
	ASSERT_EQ(0, sva_detach(self->fd, self->device[ASKS]));
}

/* IDR3.PPS: the unit's own answers have PASIDs, whatever the device wants (8.1). */
static bool answers_have_pasids(FIXTURE_DATA(smmu_faults) *self)
{
	struct iommufd_sva_hw_info_arm_smmuv3 unit = {};
	struct iommufd_sva_hw_info info = {
		.size = sizeof(info),
		.dev_id = self->device[0],
		.data_len = sizeof(unit),
		.data_uptr = (uintptr_t)&unit,
	};

	return sva_ioctl(self->fd, IOMMUFD_SVA_GET_HW_INFO, &info) || (unit.idr[3] >> 6 & 1);
}

TEST_F(smmu_faults, overflow)
{
	if (answers_have_pasids(self))
		SKIP(return, "the unit has IDR3.PPS");
	overflow(_metadata, self, ASKS);
}

TEST_F(smmu_faults, overflow_with_pasid)
{
	overflow(_metadata, self, ASKS_PASID);
}

/* --- nobody is there ---------------------------------------------------------- */

/* Without a fault queue a device has no page requests, and cannot stall. */
TEST_F(smmu_faults, without_a_queue)
{
	struct guest_event event;
	uint32_t id;

	set_process(self, 0);
	ASSERT_EQ(0, table(self, 0, 0, &id));
	ASSERT_EQ(0, sva_attach(self->fd, self->device[ASKS], id, NULL));
	sim_set_master(self->bdf[ASKS], true);
	EXPECT_EQ(-SIM_NO_MASTER, sim_sees(self->bdf[ASKS], PASID, VA, asks(ASKS)));
	ASSERT_EQ(0, sva_detach(self->fd, self->device[ASKS]));

	/* CD.S is illegal under S1STALLD (5.5). */
	set_process(self, CD_S);
	ASSERT_EQ(0, sva_attach(self->fd, self->device[STALLS], id, NULL));
	sim_set_master(self->bdf[STALLS], true);
	EXPECT_EQ(-SIM_UR, sim_sees(self->bdf[STALLS], PASID, VA, 0));
	ASSERT_TRUE(guest_next_event(self->events, &event));
	EXPECT_EQ(C_BAD_CD, event.smmuv3.evt[0] & 0xff);
	EXPECT_EQ(0, sim_counter(0, "stalls"));
}

struct looker {
	int bdf;
	bool stop;
	unsigned long looks;
	int worst;
};

static void *look(void *arg)
{
	struct looker *looker = arg;
	int seen;

	while (!__atomic_load_n(&looker->stop, __ATOMIC_RELAXED)) {
		seen = sim_sees(looker->bdf, PASID, VA, 0);
		if (seen != 1)
			looker->worst = seen;
		__atomic_add_fetch(&looker->looks, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

/* Descriptors that let stall come and go under DMA: at no moment are they illegal. */
TEST_F(smmu_faults, stalls_come_and_go)
{
	struct looker looker = { .bdf = self->bdf[STALLS], .worst = 1 };
	uint32_t with, without;
	pthread_t thread;
	uint64_t end;

	mem_fill(guest_ptr(&self->g, map_page(self, VA, S1_RW)), SZ_4K, 1);
	set_process(self, 0);
	ASSERT_EQ(0, table(self, 0, 0, &without));
	cds_init(&self->cds, &self->g, CDS_LINEAR, 8);
	set_process(self, CD_S);
	ASSERT_EQ(0, table(self, 0, self->fault, &with));
	ASSERT_EQ(0, sva_attach(self->fd, self->device[STALLS], without, NULL));
	sim_set_master(self->bdf[STALLS], true);
	ASSERT_EQ(0, pthread_create(&thread, NULL, look, &looker));
	/* Also until it has looked often enough, if it is held up. */
	end = now_ns() + PR_PATIENCE_MS * 1000000ULL;
	for (int i = 0; i < 50 || (__atomic_load_n(&looker.looks, __ATOMIC_RELAXED) <= 20 &&
				   now_ns() < end); i++) {
		ASSERT_EQ(0, sva_attach(self->fd, self->device[STALLS], with, NULL));
		ASSERT_EQ(0, sva_attach(self->fd, self->device[STALLS], without, NULL));
	}
	__atomic_store_n(&looker.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	EXPECT_EQ(1, looker.worst);
	EXPECT_LT(20, looker.looks);
	EXPECT_TRUE(no_event(self));
	EXPECT_TRUE(nobody_asks(self));
}

/* A guest that does not want its device to stall says so; its faults are events. */
TEST_F(smmu_faults, the_guest_says_whether)
{
	struct guest_event event;
	uint32_t id;

	set_process(self, 0);
	ASSERT_EQ(0, table(self, 0, self->fault, &id));
	ASSERT_EQ(0, sva_attach(self->fd, self->device[STALLS], id, NULL));
	sim_set_master(self->bdf[STALLS], true);
	EXPECT_EQ(-SIM_UR, sim_sees(self->bdf[STALLS], PASID, VA, 0));
	ASSERT_TRUE(guest_next_event(self->events, &event));
	EXPECT_EQ(F_TRANSLATION, event.smmuv3.evt[0] & 0xff);
	EXPECT_EQ(VSID(STALLS), event.smmuv3.evt[0] >> 32);
	ASSERT_EQ(0, sva_detach(self->fd, self->device[STALLS]));

	set_process(self, CD_S);
	ASSERT_EQ(0, table(self, STE_S1STALLD, self->fault, &id));
	ASSERT_EQ(0, sva_attach(self->fd, self->device[STALLS], id, NULL));
	sim_set_master(self->bdf[STALLS], true);
	EXPECT_EQ(-SIM_UR, sim_sees(self->bdf[STALLS], PASID, VA, 0));
	ASSERT_TRUE(guest_next_event(self->events, &event));
	EXPECT_EQ(C_BAD_CD, event.smmuv3.evt[0] & 0xff);
	EXPECT_EQ(0, sim_counter(0, "stalls"));
	EXPECT_TRUE(nobody_asks(self));
}

/* A device that asks all the same is refused, with the PASID that it wants to see. */
TEST_F(smmu_faults, not_allowed)
{
	uint32_t id;

	set_process(self, 0);
	ASSERT_EQ(0, table(self, 0, 0, &id));
	for (int i = ASKS_PASID; i <= ASKS; i++) {
		ASSERT_EQ(0, sva_attach(self->fd, self->device[i], id, NULL));
		ASSERT_EQ(0, sim_set_pri(self->bdf[i], 32));
		EXPECT_EQ(SIM_OK, sim_page_request(self->bdf[i], PASID, VA, 9, SIM_PR_READ, 0));
		EXPECT_EQ(SIM_DENIED, sim_page_request(self->bdf[i], PASID, VA, 9,
						       SIM_PR_READ | SIM_PR_LAST, SOON_MS));
		EXPECT_EQ(SIM_DENIED, sim_page_request(self->bdf[i], SIM_NO_PASID, VA, 10,
						       SIM_PR_READ | SIM_PR_LAST, SOON_MS));
		EXPECT_EQ(0, sim_set_pri(self->bdf[i], 0));
		ASSERT_EQ(0, sva_detach(self->fd, self->device[i]));
	}
	EXPECT_EQ(4, sim_counter(0, "PRI_RESP"));
	EXPECT_TRUE(nobody_asks(self));
}

/*
 * What was asked for before there was a fault queue is not for who has that, even if nothing
 * has told of it.
 */
TEST_F(smmu_faults, asked_before)
{
	int bdf = self->bdf[ASKS_PASID];
	uint32_t id;

	set_process(self, 0);
	ASSERT_EQ(0, table(self, 0, 0, &id));
	ASSERT_EQ(0, sva_attach(self->fd, self->device[ASKS_PASID], id, NULL));
	ASSERT_EQ(0, sim_set_pri(bdf, 32));
	ASSERT_EQ(0, sim_inject(0, SIM_FAULT_IRQ_LOST, 1, 0));
	EXPECT_EQ(SIM_OK, sim_page_request(bdf, PASID, VA, 5, SIM_PR_READ | SIM_PR_LAST, 0));
	EXPECT_EQ(0, sim_device_counter(bdf, "page_responses"));
	ASSERT_EQ(0, attach(self, ASKS_PASID));
	EXPECT_EQ(1, sim_device_counter(bdf, "page_responses"));
	EXPECT_TRUE(nobody_asks(self));
	ask_once(_metadata, self, ASKS_PASID, VA, WRITE);
	ASSERT_EQ(0, sva_detach(self->fd, self->device[ASKS_PASID]));
}

/* The same of what has not even arrived: the device is asked, too, and not only the queue. */
TEST_F(smmu_faults, on_its_way)
{
	int bdf = self->bdf[ASKS_PASID];

	ASSERT_EQ(0, sim_set_pri(bdf, 32));
	sim_set_master(bdf, true);
	ASSERT_EQ(0, sim_inject(0, SIM_FAULT_PRQ_LATE, 1, 0));
	EXPECT_EQ(SIM_OK, sim_page_request(bdf, PASID, VA, 5, SIM_PR_READ | SIM_PR_LAST, 0));
	EXPECT_TRUE(nobody_asks(self));
	EXPECT_EQ(0, sim_device_counter(bdf, "page_responses"));
	ASSERT_EQ(0, attach(self, ASKS_PASID));
	EXPECT_EQ(1, sim_device_counter(bdf, "page_responses"));
	ASSERT_EQ(0, sim_inject(0, SIM_FAULT_PRQ_LATE, 0, 0));
	EXPECT_TRUE(nobody_asks(self));
	ask_once(_metadata, self, ASKS_PASID, VA, WRITE);
	ASSERT_EQ(0, sva_detach(self->fd, self->device[ASKS_PASID]));
}

/* --- a command queue that does not work ---------------------------------------- */

/* An answer that the unit does not take is lost, which somebody has to know. */
TEST_F(smmu_faults, answer_refused)
{
	struct iommufd_sva_hwpt_pgfault fault;
	int log = kmsg_mark();

	ASSERT_EQ(0, attach(self, ASKS));
	EXPECT_EQ(SIM_OK, sim_page_request(self->bdf[ASKS], PASID, VA, 3,
					   SIM_PR_READ | SIM_PR_LAST, 0));
	next_fault(_metadata, self, &fault);
	ASSERT_EQ(0, sim_inject(0, SIM_FAULT_COMMAND, 1, 0));
	EXPECT_EQ(0, pr_answer(self->faults, fault.cookie, SUCCESS));
	EXPECT_EQ(0, sim_device_counter(self->bdf[ASKS], "page_responses"));
	EXPECT_TRUE(kmsg_wait(log, SOON_MS, NULL, 0,
			      KMSG_WORDS("smmuv3_nested", "have no answer")));
	close(log);
	ASSERT_EQ(0, sva_detach(self->fd, self->device[ASKS]));
}

/*
 * The queue hangs behind an answer, and is started anew. The device may have asked for something
 * else by the same name since: nothing is answered twice.
 */
TEST_F(smmu_faults, answered_once)
{
	struct iommufd_sva_hwpt_pgfault fault;
	struct pr_dma job;

	ASSERT_EQ(0, attach(self, ASKS));
	EXPECT_EQ(SIM_OK, sim_page_request(self->bdf[ASKS], PASID, VA, 3,
					   SIM_PR_READ | SIM_PR_LAST, 0));
	next_fault(_metadata, self, &fault);
	ASSERT_EQ(0, sim_inject(0, SIM_FAULT_LOST, 1, 0));
	EXPECT_EQ(0, pr_answer(self->faults, fault.cookie, SUCCESS));
	EXPECT_EQ(1, sim_device_counter(self->bdf[ASKS], "page_responses"));
	EXPECT_EQ(1, sim_counter(0, "PRI_RESP"));
	ASSERT_EQ(0, sva_detach(self->fd, self->device[ASKS]));

	ASSERT_EQ(0, attach(self, STALLS));
	pr_dma_start(&job, self->bdf[STALLS], PASID, VA, 0);
	next_fault(_metadata, self, &fault);
	ASSERT_EQ(0, sim_inject(0, SIM_FAULT_LOST, 1, 0));
	EXPECT_EQ(0, pr_answer(self->faults, fault.cookie, INVALID));
	EXPECT_EQ(SIM_UR, pr_dma_wait(&job));
	EXPECT_EQ(1, sim_counter(0, "RESUME"));
	EXPECT_EQ(0, sim_counter(0, "resume_nothing"));
	ASSERT_EQ(0, sva_detach(self->fd, self->device[STALLS]));
}

/* --- the end, with requests and stalls that wait ------------------------------- */

/* How each of them can end. */
enum ending { DETACH, REPLACE, CLOSE_QUEUE, UNPLUG, PULL_OUT, NENDINGS };

static void end(struct __test_metadata *_metadata, FIXTURE_DATA(smmu_faults) *self, int i,
		enum ending how)
{
	uint32_t id;

	switch (how) {
	case DETACH:
		ASSERT_EQ(0, sva_detach(self->fd, self->device[i]));
		break;
	case REPLACE:
		ASSERT_EQ(0, table(self, 0, 0, &id));
		ASSERT_EQ(0, sva_attach(self->fd, self->device[i], id, NULL));
		break;
	case CLOSE_QUEUE:
		/* Each of the files keeps the rest. */
		close(self->faults);
		close(self->events);
		close(self->fd);
		self->faults = -1;
		self->events = -1;
		self->fd = -1;
		break;
	case UNPLUG:
		ASSERT_EQ(0, sim_remove(self->bdf[i]));
		break;
	case PULL_OUT:
		ASSERT_EQ(0, sim_pull_out(self->bdf[i]));
		break;
	default:
		break;
	}
}

/* Some that the VMM has read and some that it has not: none is left without an answer. */
static void ends(struct __test_metadata *_metadata, FIXTURE_DATA(smmu_faults) *self, int i,
		 enum ending how)
{
	struct iommufd_sva_hwpt_pgfault fault;
	struct pr_dma jobs[4];
	int status;

	ASSERT_EQ(0, attach(self, i));
	for (int k = 0; k < 4; k++)
		pr_dma_start(&jobs[k], self->bdf[i], PASID, VA + k * SZ_4K, asks(i));
	for (int k = 0; k < 2; k++) {
		next_fault(_metadata, self, &fault);
		EXPECT_EQ(self->device[i], fault.dev_id);
	}
	end(_metadata, self, i, how);
	for (int k = 0; k < 4; k++) {
		status = pr_dma_wait(&jobs[k]);
		EXPECT_NE(SIM_OK, status);
		EXPECT_NE(SIM_TIMEOUT, status);
	}
	if (how != CLOSE_QUEUE) {
		EXPECT_EQ(-EINVAL, pr_answer(self->faults, fault.cookie, SUCCESS));
		EXPECT_TRUE(nobody_asks(self));
	}
}

TEST_F(smmu_faults, detached)
{
	for (int i = 0; i < NDEVICES; i++)
		ends(_metadata, self, i, DETACH);
	/* What was stalled is terminated, once the stream lets nothing through. */
	EXPECT_EQ(1, sim_counter(0, "STALL_TERM"));
}

TEST_F(smmu_faults, replaced)
{
	for (int i = 0; i < NDEVICES; i++)
		ends(_metadata, self, i, REPLACE);
}

TEST_F(smmu_faults, closed_asking)
{
	ends(_metadata, self, ASKS, CLOSE_QUEUE);
}

TEST_F(smmu_faults, closed_stalling)
{
	ends(_metadata, self, STALLS, CLOSE_QUEUE);
}

TEST_F(smmu_faults, unplugged)
{
	for (int i = 0; i < NDEVICES; i++)
		ends(_metadata, self, i, UNPLUG);
}

TEST_F(smmu_faults, pulled_out)
{
	for (int i = 0; i < NDEVICES; i++)
		ends(_metadata, self, i, PULL_OUT);
}

/* No interrupt tells of them: who takes the queue away looks into the unit's himself. */
static void unheard(struct __test_metadata *_metadata, FIXTURE_DATA(smmu_faults) *self,
		    enum ending how)
{
	struct pr_dma job;

	for (int i = 0; i < NDEVICES; i++) {
		ASSERT_EQ(0, attach(self, i));
		ASSERT_EQ(0, sim_inject(0, SIM_FAULT_IRQ_LOST, 1, 0));
		pr_dma_start(&job, self->bdf[i], PASID, VA, asks(i));
		/* It is in the unit's queue. */
		for (int ms = 0; ms < SOON_MS && sim_counter(0, "irqs_lost") <= i; ms++)
			usleep(1000);
		EXPECT_TRUE(nobody_asks(self));
		end(_metadata, self, i, how);
		EXPECT_EQ(i == STALLS ? SIM_UR : SIM_DENIED, pr_dma_wait(&job));
		EXPECT_TRUE(nobody_asks(self));
	}
	EXPECT_EQ(3, sim_counter(0, "irqs_lost"));
}

TEST_F(smmu_faults, unheard_and_detached)
{
	unheard(_metadata, self, DETACH);
	/* It is answered before CMD_STALL_TERM takes its name away. */
	EXPECT_EQ(0, sim_counter(0, "resume_nothing"));
	EXPECT_EQ(1, sim_counter(0, "STALL_TERM"));
}

TEST_F(smmu_faults, unheard_and_replaced)
{
	unheard(_metadata, self, REPLACE);
	EXPECT_EQ(0, sim_counter(0, "STALL_TERM"));
}

/* --- the end, while they come all the while --------------------------------------- */

#define NJOBS 4

/* DMA of a device to a page that is never there, over and over; or the VMM that answers. */
struct traffic {
	pthread_t job[NJOBS];
	int bdf, file;
	uint32_t flags;
	bool stop;
	unsigned int done, bad;
};

static bool goes_on(struct traffic *t)
{
	return !__atomic_load_n(&t->stop, __ATOMIC_ACQUIRE);
}

static void *dma_on(void *arg)
{
	struct traffic *t = arg;
	uint8_t buf[64];
	int status;

	while (goes_on(t)) {
		struct sim_dma dma = {
			.bdf = t->bdf,
			.pasid = PASID,
			.flags = t->flags,
			.addr = VA,
			.len = sizeof(buf),
			.buf = (uintptr_t)buf,
			.timeout_ms = PR_PATIENCE_MS,
		};

		status = sim_dma(&dma);
		if (status == SIM_OK || status == SIM_TIMEOUT)
			__atomic_add_fetch(&t->bad, 1, __ATOMIC_RELAXED);
		__atomic_add_fetch(&t->done, 1, __ATOMIC_RELEASE);
		usleep(500);
	}
	return NULL;
}

/* "Success" has it ask or stall again. */
static void *answer_on(void *arg)
{
	struct iommufd_sva_hwpt_pgfault r[16];
	struct traffic *t = arg;
	int num = 0;

	for (unsigned int n = 0; num >= 0 && goes_on(t); ) {
		num = pr_await_for(t->file, r, ARRAY_SIZE(r), 10);
		for (int i = 0; i < num; i++)
			pr_answer(t->file, r[i].cookie, n++ % 2 ? SUCCESS : INVALID);
	}
	return NULL;
}

static void traffic_start(struct __test_metadata *_metadata, struct traffic *t, int bdf, int i)
{
	*t = (struct traffic){ .bdf = bdf, .flags = asks(i) };
	for (int k = 0; k < NJOBS; k++)
		ASSERT_EQ(0, pthread_create(&t->job[k], NULL, dma_on, t));
	for (int n = 0; n < PR_PATIENCE_MS && __atomic_load_n(&t->done, __ATOMIC_ACQUIRE) < 20; n++)
		usleep(1000);
	EXPECT_LE(20, t->done);
}

/* All DMA has come to an end, and to none that is wrong. */
static void traffic_stop(struct __test_metadata *_metadata, struct traffic *t)
{
	__atomic_store_n(&t->stop, true, __ATOMIC_RELEASE);
	for (int k = 0; k < NJOBS; k++)
		pthread_join(t->job[k], NULL);
	EXPECT_EQ(0, t->bad);
}

/* The VMM answers, or the clock does for it. */
static void ends_under_way(struct __test_metadata *_metadata, FIXTURE_DATA(smmu_faults) *self,
			   int i, enum ending how, bool answered)
{
	struct traffic traffic, vmm = { .file = self->faults };
	uint64_t ms = answered ? 3600000 : 5;
	pthread_t thread;

	ASSERT_EQ(0, attach(self, i));
	ASSERT_EQ(0, sva_option(self->fd, IOMMUFD_SVA_OPTION_PAGE_RESPONSE_TIMEOUT,
				IOMMUFD_SVA_OPTION_OP_SET, self->fault, &ms));
	if (answered)
		ASSERT_EQ(0, pthread_create(&thread, NULL, answer_on, &vmm));
	traffic_start(_metadata, &traffic, self->bdf[i], i);
	end(_metadata, self, i, how);
	traffic_stop(_metadata, &traffic);
	__atomic_store_n(&vmm.stop, true, __ATOMIC_RELEASE);
	if (answered)
		pthread_join(thread, NULL);
	if (how == CLOSE_QUEUE)
		return;
	EXPECT_TRUE(nobody_asks(self));
	EXPECT_EQ(0, pr_told(self->faults, "waiting"));
	if (how == UNPLUG || how == PULL_OUT)
		return;
	/* And again, from the beginning. */
	ms = 3600000;
	ASSERT_EQ(0, sva_option(self->fd, IOMMUFD_SVA_OPTION_PAGE_RESPONSE_TIMEOUT,
				IOMMUFD_SVA_OPTION_OP_SET, self->fault, &ms));
	ASSERT_EQ(0, attach(self, i));
	ask_once(_metadata, self, i, VA + (2 * i + answered + 1) * SZ_2M, WRITE);
	ASSERT_EQ(0, sva_detach(self->fd, self->device[i]));
}

TEST_F(smmu_faults, detached_under_way)
{
	for (int i = 0; i < NDEVICES; i++) {
		ends_under_way(_metadata, self, i, DETACH, true);
		ends_under_way(_metadata, self, i, DETACH, false);
	}
}

TEST_F(smmu_faults, replaced_under_way)
{
	for (int i = 0; i < NDEVICES; i++)
		ends_under_way(_metadata, self, i, REPLACE, true);
}

TEST_F(smmu_faults, unplugged_under_way)
{
	for (int i = 0; i < NDEVICES; i++)
		ends_under_way(_metadata, self, i, UNPLUG, true);
}

TEST_F(smmu_faults, pulled_out_under_way)
{
	for (int i = 0; i < NDEVICES; i++)
		ends_under_way(_metadata, self, i, PULL_OUT, true);
}

TEST_F(smmu_faults, closed_under_way)
{
	ends_under_way(_metadata, self, STALLS, CLOSE_QUEUE, true);
}

/* The guest's process ends while its DMA stalls: what is answered "retry" ends as well. */
TEST_F(smmu_faults, process_ends)
{
	struct iommufd_sva_hwpt_pgfault fault;
	struct guest_cmd cfgi_cd = cmd_cfgi_cd(VSID(STALLS), PASID);
	struct guest_event event;
	struct pr_dma job;
	uint32_t num = 1;

	ASSERT_EQ(0, attach(self, STALLS));
	pr_dma_start(&job, self->bdf[STALLS], PASID, VA, 0);
	next_fault(_metadata, self, &fault);
	cds_cd(&self->cds, PASID)[0] = 0;
	ASSERT_EQ(0, sva_invalidate(self->fd, self->viommu,
				    IOMMUFD_SVA_VIOMMU_INVALIDATE_DATA_ARM_SMMUV3, &cfgi_cd,
				    sizeof(cfgi_cd), &num));
	EXPECT_EQ(0, pr_answer(self->faults, fault.cookie, SUCCESS));
	EXPECT_EQ(SIM_UR, pr_dma_wait(&job));
	ASSERT_TRUE(guest_next_event(self->events, &event));
	EXPECT_EQ(C_BAD_CD, event.smmuv3.evt[0] & 0xff);
	EXPECT_TRUE(nobody_asks(self));
}

/* A VMM in a process of its own, which answers, or reads nothing. Its exit status. */
static int vmm_live(const int *bdf, bool answers, int ready)
{
	FIXTURE_DATA(smmu_faults) its = { .bdf = { 0 } };
	struct traffic traffic = {};

	memcpy(its.bdf, bdf, sizeof(its.bdf));
	its.fd = sva_open();
	if (its.fd < 0 || guest_begin(&its.g, GPA, GUEST_SIZE, its.fd, &its.ioas))
		return 1;
	for (int i = 0; i < NDEVICES; i++)
		if (sva_bind(its.fd, its.bdf[i], &its.device[i]))
			return 2;
	/* A table on the parent alone has no need of names. */
	if (sva_hwpt_alloc(its.fd, its.device[0], its.ioas, IOMMUFD_SVA_HWPT_ALLOC_NEST_PARENT,
			   &its.viommu) ||
	    sva_fault_alloc(its.fd, &its.fault, &its.faults))
		return 3;
	s1_init(&its.s1, &its.g, 12, 1);
	/* Each with a table of descriptors of its own. */
	for (int i = 0; i < NDEVICES; i++) {
		cds_init(&its.cds, &its.g, CDS_LINEAR, 8);
		if (attach(&its, i))
			return 4;
	}
	if (write(ready, "", 1) != 1)
		return 5;
	traffic.file = its.faults;
	if (answers)
		answer_on(&traffic);
	for (;;)
		pause();
}

static int start_vmm(struct __test_metadata *_metadata, FIXTURE_DATA(smmu_faults) *self,
		     bool answers)
{
	int child, ready[2];
	uint8_t byte;

	/* All that belongs to it goes with it. */
	close(self->faults);
	close(self->events);
	close(self->fd);
	self->faults = -1;
	self->events = -1;
	self->fd = -1;
	ASSERT_EQ(0, pipe(ready));
	child = fork();
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(vmm_live(self->bdf, answers, ready[1]));
	}
	ASSERT_LT(0, child);
	close(ready[1]);
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	close(ready[0]);
	return child;
}

static void kill_vmm(struct __test_metadata *_metadata, int child)
{
	int status;

	kill(child, SIGKILL);
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status));
}

/* The process is killed while requests of its devices wait. */
TEST_F(smmu_faults, killed)
{
	int status, child = start_vmm(_metadata, self, false);
	struct pr_dma jobs[NDEVICES];

	for (int i = 0; i < NDEVICES; i++)
		pr_dma_start(&jobs[i], self->bdf[i], PASID, VA, asks(i));
	usleep(200000);
	kill_vmm(_metadata, child);
	for (int i = 0; i < NDEVICES; i++) {
		status = pr_dma_wait(&jobs[i]);
		EXPECT_NE(SIM_OK, status);
		EXPECT_NE(SIM_TIMEOUT, status);
		/* It is left to nobody. */
		sim_set_master(self->bdf[i], true);
	}
}

/* The same while they come, and are answered, all the while. */
TEST_F(smmu_faults, killed_under_way)
{
	int child = start_vmm(_metadata, self, true);
	struct traffic traffic[NDEVICES];

	for (int i = 0; i < NDEVICES; i++)
		traffic_start(_metadata, &traffic[i], self->bdf[i], i);
	kill_vmm(_metadata, child);
	for (int i = 0; i < NDEVICES; i++) {
		traffic_stop(_metadata, &traffic[i]);
		sim_set_master(self->bdf[i], true);
	}
}

TEST_HARNESS_MAIN
