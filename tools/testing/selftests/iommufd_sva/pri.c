// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page requests in configuration space (PCIe 10.5.2): when they are on, how many there
 * may be, what becomes of those that nobody will answer. Needs a hardware model, which
 * counts what software must not do as bad.NAME. Plugs its own devices in.
 */
#include "pr.h"
#include "selftest.h"
#include "sim.h"

#define SLOT 24
#define CAPS (SIM_CAP_FLR | SIM_CAP_ATS | SIM_CAP_PRI | SIM_CAP_PASID | SIM_CAP_PRG_PASID)
#define IOVA 0x10000000UL
#define PASID 7
#define SOON_MS 5000
/* What a device may have outstanding: the module's default. */
#define DEFAULT 32

#define EXT_PRI 0x13
#define PRI_RESET 2
#define EXT_ATS 0x0f
#define ATS_CTRL 6
#define ATS_ON 0x8000

FIXTURE(pri)
{
	int fd, fault_fd, bdf, log;
	uint32_t ioas, fault, hwpt, device;
	struct vfio vfio;
};

static void __attribute__((constructor)) skip_all(void)
{
	if (sim_present())
		return;
	printf("TAP version 13\n1..1\nok 1 pri # SKIP no hardware model\n");
	exit(KSFT_SKIP);
}

/* A device that can have @outstanding page requests. */
static int plug(unsigned int slot, unsigned int outstanding)
{
	struct sim_add add = {
		.caps = CAPS, .pasid_bits = 20, .ats_depth = 32, .pri_outstanding = outstanding,
	};

	return sim_add_endpoint_as(slot, &add);
}

static void take(struct __test_metadata *_metadata, FIXTURE_DATA(pri) *self,
		 unsigned int outstanding)
{
	self->bdf = plug(SLOT, outstanding);
	ASSERT_LT(0, self->bdf);
	ASSERT_EQ(0, sva_bind(self->fd, self->bdf, &self->device));
	ASSERT_EQ(0, sim_set_master(self->bdf, true));
	ASSERT_EQ(0, sva_hwpt_fault(self->fd, self->device, self->ioas, self->fault,
				    &self->hwpt));
}

FIXTURE_SETUP(pri)
{
	self->vfio = (struct vfio){ .container = -1, .group = -1, .device = -1 };
	self->fd = sva_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, sva_ioas_alloc(self->fd, &self->ioas));
	ASSERT_EQ(0, sva_fault_alloc(self->fd, &self->fault, &self->fault_fd));
	self->log = kmsg_mark();
}

FIXTURE_TEARDOWN(pri)
{
	static const char *const bad[] = {
		"bad.pasid_while_ats", "bad.stu_while_ats", "bad.allocation_while_pri",
		"bad.pri_not_stopped", "bad.page_response_pasid",
	};

	if (self->fault_fd >= 0)
		close(self->fault_fd);
	if (self->fd >= 0)
		close(self->fd);
	vfio_close(&self->vfio);
	for (int i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(0, sim_device_counter(self->bdf, bad[i]))
			TH_LOG("%s", bad[i]);
	}
	sim_remove_slot(SLOT);
	close(self->log);
	EXPECT_STREQ("", sim_bad(0));
}

static uint32_t ats_control(int bdf)
{
	return sim_config(bdf, sim_ext_cap(bdf, EXT_ATS) + ATS_CTRL, 2);
}

/* On, with @num to be outstanding. */
static bool is_on(FIXTURE_DATA(pri) *self, uint32_t num)
{
	return pri_register(self->bdf, PRI_CTRL, 2) == PRI_ON &&
	       pri_register(self->bdf, PRI_ALLOC, 4) == num && ats_control(self->bdf) & ATS_ON;
}

static int ask(FIXTURE_DATA(pri) *self, uint32_t pasid, unsigned int group, bool last)
{
	return sim_page_request(self->bdf, pasid, IOVA, group,
				SIM_PR_READ | (last ? SIM_PR_LAST : 0), 0);
}

/* Does GET_HW_INFO say that they can be had? */
static bool is_capable(FIXTURE_DATA(pri) *self, uint32_t device)
{
	return sva_capabilities(self->fd, device) & IOMMUFD_SVA_HW_CAP_PAGE_REQUESTS;
}

/* --- who -------------------------------------------------------------------- */

/* What GET_HW_INFO says is what can be attached. */
TEST_F(pri, capability)
{
	static const struct { uint32_t caps; bool capable; } rows[] = {
		{ CAPS, true },
		{ SIM_CAP_FLR | SIM_CAP_ATS | SIM_CAP_PRI, true },
		{ SIM_CAP_FLR | SIM_CAP_ATS | SIM_CAP_PASID, false },
		{ SIM_CAP_FLR, false },
	};

	for (int i = 0; i < ARRAY_SIZE(rows); i++) {
		self->bdf = sim_add_endpoint(SLOT, rows[i].caps);
		ASSERT_LT(0, self->bdf);
		ASSERT_EQ(0, sva_bind(self->fd, self->bdf, &self->device));
		ASSERT_EQ(0, sva_hwpt_fault(self->fd, self->device, self->ioas, self->fault,
					    &self->hwpt));
		EXPECT_EQ(rows[i].capable, is_capable(self, self->device)) TH_LOG("row %d", i);
		EXPECT_EQ(rows[i].capable ? 0 : -ENODEV,
			  sva_attach(self->fd, self->device, self->hwpt, NULL))
			TH_LOG("row %d", i);
	}
}

/* --- when ------------------------------------------------------------------- */

TEST_F(pri, on_while_attached)
{
	uint32_t plain;

	take(_metadata, self, 64);
	EXPECT_TRUE(pri_is_off(self->bdf));
	ASSERT_EQ(0, sva_attach(self->fd, self->device, self->hwpt, NULL));
	EXPECT_TRUE(is_on(self, DEFAULT));
	/* Nobody is there who would answer. */
	ASSERT_EQ(0, sva_hwpt_alloc(self->fd, self->device, self->ioas, 0, &plain));
	ASSERT_EQ(0, sva_attach(self->fd, self->device, plain, NULL));
	EXPECT_TRUE(pri_is_off(self->bdf));
	EXPECT_TRUE(ats_control(self->bdf) & ATS_ON);
	EXPECT_EQ(SIM_NO_MASTER, ask(self, SIM_NO_PASID, 1, true));
	ASSERT_EQ(0, sva_attach(self->fd, self->device, self->hwpt, NULL));
	EXPECT_TRUE(is_on(self, DEFAULT));
	ASSERT_EQ(0, sva_detach(self->fd, self->device));
	EXPECT_TRUE(pri_is_off(self->bdf));
	EXPECT_FALSE(ats_control(self->bdf) & ATS_ON);
	ASSERT_EQ(0, sva_attach(self->fd, self->device, self->hwpt, NULL));
	EXPECT_TRUE(is_on(self, DEFAULT));
	/* The queue's file is the last that has the context. */
	close(self->fd);
	self->fd = -1;
	EXPECT_TRUE(is_on(self, DEFAULT));
	close(self->fault_fd);
	self->fault_fd = -1;
	EXPECT_TRUE(pri_is_off(self->bdf));
	EXPECT_EQ(0, sim_device_counter(self->bdf, "bad.page_response"));
}

/* Until the last one that somebody answers for goes. */
TEST_F(pri, on_for_a_pasid)
{
	take(_metadata, self, 64);
	if (sva_attach_pasid(self->fd, self->device, PASID, self->hwpt, NULL) == -EOPNOTSUPP)
		SKIP(return, "nothing is attached to PASIDs here");
	EXPECT_TRUE(is_on(self, DEFAULT));
	ASSERT_EQ(0, sva_attach(self->fd, self->device, self->hwpt, NULL));
	ASSERT_EQ(0, sva_detach(self->fd, self->device));
	EXPECT_TRUE(is_on(self, DEFAULT));
	EXPECT_EQ(SIM_OK, ask(self, PASID, 1, true));
	EXPECT_EQ(0, pr_answer_next(self->fault_fd, IOMMUFD_SVA_PAGE_RESP_SUCCESS));
	EXPECT_TRUE(pr_has_answers(self->bdf, 1));
	ASSERT_EQ(0, sva_detach_pasid(self->fd, self->device, PASID));
	EXPECT_TRUE(pri_is_off(self->bdf));
	EXPECT_EQ(0, sim_device_counter(self->bdf, "bad.page_response"));
}

/* --- how many --------------------------------------------------------------- */

TEST_F(pri, credits)
{
	take(_metadata, self, 8);
	ASSERT_EQ(0, sva_attach(self->fd, self->device, self->hwpt, NULL));
	EXPECT_TRUE(is_on(self, 8));
	for (int i = 0; i < 8; i++)
		EXPECT_EQ(SIM_OK, ask(self, SIM_NO_PASID, i, true));
	EXPECT_EQ(SIM_NO_MASTER, ask(self, SIM_NO_PASID, 8, true));
	/* None is too many, and each that is answered is free. */
	for (int i = 0; i < 8; i++)
		EXPECT_EQ(0, pr_answer_next(self->fault_fd, IOMMUFD_SVA_PAGE_RESP_SUCCESS));
	EXPECT_TRUE(pr_has_answers(self->bdf, 8));
	EXPECT_EQ(SIM_OK, ask(self, SIM_NO_PASID, 1, true));
	EXPECT_EQ(0, pr_answer_next(self->fault_fd, IOMMUFD_SVA_PAGE_RESP_SUCCESS));
	EXPECT_TRUE(pr_has_answers(self->bdf, 9));
	EXPECT_EQ(0, sim_device_counter(self->bdf, "bad.page_response"));
}

/* --- what nobody will answer --------------------------------------------------- */

/* Half a group is outstanding for ever: the device is told to forget it. */
TEST_F(pri, half_a_group)
{
	take(_metadata, self, 64);
	for (int round = 0; round < 3; round++) {
		ASSERT_EQ(0, sva_attach(self->fd, self->device, self->hwpt, NULL));
		EXPECT_EQ(SIM_OK, ask(self, SIM_NO_PASID, 3, false));
		EXPECT_EQ(SIM_OK, ask(self, SIM_NO_PASID, 3, false));
		EXPECT_EQ(SIM_OK, ask(self, SIM_NO_PASID, 4, true));
		ASSERT_EQ(0, sva_detach(self->fd, self->device));
		EXPECT_TRUE(pri_is_off(self->bdf));
		EXPECT_TRUE(pr_has_answers(self->bdf, 2 * round + 1));
		/* And nothing of it is there when they are on again. */
		ASSERT_EQ(0, sva_attach(self->fd, self->device, self->hwpt, NULL));
		EXPECT_EQ(SIM_OK, ask(self, SIM_NO_PASID, 3, true));
		EXPECT_EQ(0, pr_answer_next(self->fault_fd, IOMMUFD_SVA_PAGE_RESP_SUCCESS));
		EXPECT_TRUE(pr_has_answers(self->bdf, 2 * round + 2));
		ASSERT_EQ(0, sva_detach(self->fd, self->device));
	}
	EXPECT_TRUE(kmsg_wait(self->log, 2000, NULL, 0,
			      KMSG_WORDS("page requests do not stop", sim_name(self->bdf))));
	EXPECT_EQ(0, sim_device_counter(self->bdf, "bad.page_response"));
}

/* As many as it can have, whole ones: all are answered before it stops. */
TEST_F(pri, full)
{
	take(_metadata, self, 64);
	ASSERT_EQ(0, sva_attach(self->fd, self->device, self->hwpt, NULL));
	for (int i = 0; i < DEFAULT; i++)
		EXPECT_EQ(SIM_OK, ask(self, SIM_NO_PASID, i, true));
	ASSERT_EQ(0, sva_detach(self->fd, self->device));
	EXPECT_TRUE(pri_is_off(self->bdf));
	EXPECT_EQ(DEFAULT, sim_device_counter(self->bdf, "page_responses"));
	EXPECT_EQ(0, sim_device_counter(self->bdf, "bad.page_response"));
}

/* It was left on by somebody who has gone: a device without a driver is nobody's. */
TEST_F(pri, left_on)
{
	take(_metadata, self, 64);
	ASSERT_EQ(0, sim_set_pri(self->bdf, 3));
	ASSERT_EQ(0, sva_attach(self->fd, self->device, self->hwpt, NULL));
	EXPECT_TRUE(is_on(self, DEFAULT));
	EXPECT_EQ(SIM_OK, ask(self, SIM_NO_PASID, 1, true));
	EXPECT_EQ(0, pr_answer_next(self->fault_fd, IOMMUFD_SVA_PAGE_RESP_SUCCESS));
	EXPECT_TRUE(pr_has_answers(self->bdf, 1));
}

/* --- failures -------------------------------------------------------------------- */

static uint32_t flags(FIXTURE_DATA(pri) *self)
{
	return pri_register(self->bdf, PRI_STATUS, 2) & (PRI_FAILURE | PRI_UNEXPECTED);
}

/* It asks for nothing more, until it is attached anew. */
TEST_F(pri, response_failure)
{
	take(_metadata, self, 64);
	for (int round = 0; round < 2; round++) {
		ASSERT_EQ(0, sva_attach(self->fd, self->device, self->hwpt, NULL));
		EXPECT_TRUE(is_on(self, DEFAULT));
		EXPECT_EQ(0, flags(self));
		EXPECT_EQ(SIM_OK, ask(self, SIM_NO_PASID, 1, true));
		EXPECT_EQ(0, pr_answer_next(self->fault_fd, IOMMUFD_SVA_PAGE_RESP_SUCCESS));
		EXPECT_EQ(SIM_OK, ask(self, SIM_NO_PASID, 1, true));
		EXPECT_EQ(SIM_OK, ask(self, SIM_NO_PASID, 2, true));
		ASSERT_EQ(0, sim_inject(0, SIM_FAULT_RESPONSE, 1, 0));
		EXPECT_EQ(0, pr_answer_next(self->fault_fd, IOMMUFD_SVA_PAGE_RESP_SUCCESS));
		for (int i = 0; i < SOON_MS && !flags(self); i++)
			usleep(1000);
		EXPECT_EQ(PRI_FAILURE, flags(self));
		EXPECT_EQ(SIM_NO_MASTER, ask(self, SIM_NO_PASID, 3, true));
		/* What waits besides has an answer, which the device ignores. */
		EXPECT_EQ(0, pr_answer_next(self->fault_fd, IOMMUFD_SVA_PAGE_RESP_SUCCESS));
		ASSERT_EQ(0, sva_detach(self->fd, self->device));
		EXPECT_TRUE(pri_is_off(self->bdf));
		EXPECT_TRUE(kmsg_wait(self->log, 2000, NULL, 0,
				      KMSG_WORDS("ended by a Response Failure",
						 sim_name(self->bdf))));
	}
	EXPECT_EQ(0, sim_device_counter(self->bdf, "bad.page_response"));
}

/* As by a reset that we are not told of: it has forgotten all, and goes on with its registers. */
static int forget(FIXTURE_DATA(pri) *self)
{
	unsigned int control = sim_ext_cap(self->bdf, EXT_PRI) + PRI_CTRL;

	return sim_set_config(self->bdf, control, 2, PRI_RESET) ?:
	       sim_set_config(self->bdf, control, 2, PRI_ON);
}

/*
 * A reset that we are not told of: the answer reaches a device that does not wait for it, and
 * says so. Nothing comes of it but that.
 */
TEST_F(pri, unexpected_answer)
{
	take(_metadata, self, 64);
	ASSERT_EQ(0, sva_attach(self->fd, self->device, self->hwpt, NULL));
	EXPECT_EQ(SIM_OK, ask(self, SIM_NO_PASID, 1, true));
	usleep(100000);
	ASSERT_EQ(0, forget(self));
	EXPECT_EQ(0, pr_answer_next(self->fault_fd, IOMMUFD_SVA_PAGE_RESP_SUCCESS));
	for (int i = 0; i < SOON_MS && !flags(self); i++)
		usleep(1000);
	EXPECT_EQ(PRI_UNEXPECTED, flags(self));
	EXPECT_EQ(1, sim_device_counter(self->bdf, "bad.page_response"));
	EXPECT_EQ(SIM_OK, ask(self, SIM_NO_PASID, 1, true));
	EXPECT_EQ(0, pr_answer_next(self->fault_fd, IOMMUFD_SVA_PAGE_RESP_SUCCESS));
	EXPECT_TRUE(pr_has_answers(self->bdf, 2));
	ASSERT_EQ(0, sva_detach(self->fd, self->device));
	ASSERT_EQ(0, sva_attach(self->fd, self->device, self->hwpt, NULL));
	EXPECT_EQ(0, flags(self));
	EXPECT_EQ(1, sim_device_counter(self->bdf, "bad.page_response"));
}

/* It asks by the same index as before: what it hears is the answer to that. */
TEST_F(pri, asks_anew)
{
	struct iommufd_sva_hwpt_pgfault fault[2];
	uint8_t *page = mem_alloc(SZ_4K, 0);
	struct pr_dma d;

	take(_metadata, self, 64);
	ASSERT_EQ(0, sva_attach(self->fd, self->device, self->hwpt, NULL));
	/* Half of one as well. */
	EXPECT_EQ(SIM_OK, ask(self, SIM_NO_PASID, 0, true));
	EXPECT_EQ(SIM_OK, ask(self, SIM_NO_PASID, 1, false));
	ASSERT_EQ(1, pr_await(self->fault_fd, fault, 1));
	ASSERT_EQ(0, forget(self));
	/* Nothing is mapped there: it asks, by the first index that is free. */
	pr_dma_start(&d, self->bdf, SIM_NO_PASID, IOVA, PR_ASKS);
	ASSERT_EQ(1, pr_await(self->fault_fd, fault + 1, 1));
	EXPECT_EQ(fault[0].grpid, fault[1].grpid);
	EXPECT_NE(fault[0].cookie, fault[1].cookie);
	/* Too late. */
	EXPECT_EQ(-EINVAL, pr_answer(self->fault_fd, fault[0].cookie, IOMMUFD_SVA_PAGE_RESP_INVALID));
	ASSERT_EQ(0, sva_map(self->fd, self->ioas, page, SZ_4K, IOVA, SVA_RW));
	EXPECT_EQ(0, pr_answer(self->fault_fd, fault[1].cookie, IOMMUFD_SVA_PAGE_RESP_SUCCESS));
	EXPECT_EQ(SIM_OK, pr_dma_wait(&d));
	EXPECT_EQ(1, sim_device_counter(self->bdf, "page_responses"));
	EXPECT_EQ(0, flags(self));
	EXPECT_EQ(1, pr_told(self->fault_fd, "device-broke-rules"));
	EXPECT_EQ(0, sim_device_counter(self->bdf, "bad.page_response"));
	mem_free(page, SZ_4K);
}

/* --- devices that do not obey -------------------------------------------------- */

#define SEED 5

static void plug_stuck(struct __test_metadata *_metadata, FIXTURE_DATA(pri) *self, uint8_t *page)
{
	self->bdf = sim_add_endpoint(SLOT, CAPS | SIM_CAP_PRI_STUCK);
	ASSERT_LT(0, self->bdf);
	ASSERT_EQ(0, sva_bind(self->fd, self->bdf, &self->device));
	ASSERT_EQ(0, sva_hwpt_fault(self->fd, self->device, self->ioas, self->fault,
				    &self->hwpt));
	mem_fill(page, SZ_4K, SEED);
	ASSERT_EQ(0, sva_map(self->fd, self->ioas, page, SZ_4K, IOVA, SVA_RW));
}

/* Page requests cannot be switched on: what was attached is, or nothing, as if never tried. */
TEST_F(pri, stuck)
{
	uint8_t *page = mem_alloc(SZ_4K, 0);
	uint32_t plain;

	plug_stuck(_metadata, self, page);
	EXPECT_TRUE(is_capable(self, self->device));
	EXPECT_EQ(-EIO, sva_attach(self->fd, self->device, self->hwpt, NULL));
	EXPECT_TRUE(kmsg_wait(self->log, 2000, NULL, 0,
			      KMSG_WORDS("do not stop; reset it", sim_name(self->bdf))));
	EXPECT_EQ(0, pri_register(self->bdf, PRI_CTRL, 2));
	EXPECT_FALSE(ats_control(self->bdf) & ATS_ON);
	EXPECT_EQ(-ENOENT, sva_detach(self->fd, self->device));
	sim_set_master(self->bdf, true);
	EXPECT_NE(SEED, sim_sees(self->bdf, SIM_NO_PASID, IOVA, 0));

	ASSERT_EQ(0, sva_hwpt_alloc(self->fd, self->device, self->ioas, 0, &plain));
	ASSERT_EQ(0, sva_attach(self->fd, self->device, plain, NULL));
	EXPECT_EQ(SEED, sim_sees(self->bdf, SIM_NO_PASID, IOVA, SIM_DMA_ATS));
	EXPECT_EQ(-EIO, sva_attach(self->fd, self->device, self->hwpt, NULL));
	EXPECT_EQ(SEED, sim_sees(self->bdf, SIM_NO_PASID, IOVA, SIM_DMA_ATS));
	EXPECT_EQ(-EBUSY, sva_destroy(self->fd, plain));
	EXPECT_EQ(0, sva_detach(self->fd, self->device));
	EXPECT_EQ(0, sva_destroy(self->fd, plain));
	/* Nobody uses it, and through that nobody the queue. */
	EXPECT_EQ(0, sva_destroy(self->fd, self->hwpt));
	close(self->fault_fd);
	self->fault_fd = -1;
	EXPECT_EQ(0, sva_destroy(self->fd, self->fault));
	EXPECT_EQ(0, sva_destroy(self->fd, self->device));
	EXPECT_EQ(0, sim_device_counter(self->bdf, "page_requests"));
	mem_free(page, SZ_4K);
}

TEST_F(pri, stuck_with_a_pasid)
{
	uint8_t *page = mem_alloc(2 * SZ_4K, 0);
	uint32_t other;
	int rc;

	plug_stuck(_metadata, self, page);
	mem_fill(page + SZ_4K, SZ_4K, SEED + 1);
	ASSERT_EQ(0, sva_ioas_alloc(self->fd, &other));
	ASSERT_EQ(0, sva_map(self->fd, other, page + SZ_4K, SZ_4K, IOVA, SVA_RW));
	rc = sva_attach_pasid(self->fd, self->device, PASID, other, NULL);
	if (rc == -EOPNOTSUPP)
		SKIP(return, "nothing is attached to PASIDs here");
	ASSERT_EQ(0, rc);
	sim_set_master(self->bdf, true);
	EXPECT_EQ(SEED + 1, sim_sees(self->bdf, PASID, IOVA, SIM_DMA_ATS));
	for (int round = 0; round < 2; round++) {
		EXPECT_EQ(-EIO, sva_attach_pasid(self->fd, self->device, PASID, self->hwpt, NULL));
		EXPECT_EQ(SEED + 1, sim_sees(self->bdf, PASID, IOVA, SIM_DMA_ATS));
		EXPECT_EQ(-EIO, sva_attach_pasid(self->fd, self->device, PASID + 1, self->hwpt,
						 NULL));
		EXPECT_EQ(-ENOENT, sva_detach_pasid(self->fd, self->device, PASID + 1));
		EXPECT_NE(SEED, sim_sees(self->bdf, PASID + 1, IOVA, 0));
	}
	EXPECT_EQ(0, pri_register(self->bdf, PRI_CTRL, 2));
	EXPECT_EQ(0, sva_detach_pasid(self->fd, self->device, PASID));
	EXPECT_EQ(0, sva_destroy(self->fd, self->hwpt));
	mem_free(page, 2 * SZ_4K);
}

/* --- resets -------------------------------------------------------------------- */

/*
 * VFIO resets a device under what lies over its own. They are on as before, by us where the
 * kernel blocks a device meanwhile, by the PCI core elsewhere; what was asked for is
 * forgotten.
 */
TEST_F(pri, reset_by_vfio)
{
	uint64_t before;

	self->bdf = plug(SLOT, 64);
	ASSERT_LT(0, self->bdf);
	ASSERT_EQ(0, pci_bind_driver(sim_name(self->bdf), "vfio-pci"));
	ASSERT_EQ(0, vfio_open(&self->vfio, sim_name(self->bdf)));
	EXPECT_TRUE(pri_is_off(self->bdf));
	ASSERT_EQ(0, vfio_enable(&self->vfio));
	ASSERT_EQ(0, sva_bind_vfio(self->fd, self->bdf, self->vfio.group, &self->device));
	ASSERT_EQ(0, sva_hwpt_fault(self->fd, self->device, self->ioas, self->fault,
				    &self->hwpt));
	ASSERT_EQ(0, sva_attach(self->fd, self->device, self->hwpt, NULL));
	EXPECT_TRUE(is_on(self, DEFAULT));
	for (int round = 0; round < 3; round++) {
		ASSERT_EQ(0, vfio_reset(&self->vfio));
		ASSERT_EQ(0, vfio_enable(&self->vfio));
		EXPECT_TRUE(is_on(self, DEFAULT))
			TH_LOG("round %d", round);
		before = sim_device_counter(self->bdf, "page_responses");
		EXPECT_EQ(SIM_OK, ask(self, SIM_NO_PASID, round, true));
		EXPECT_EQ(0, pr_answer_next(self->fault_fd, IOMMUFD_SVA_PAGE_RESP_SUCCESS));
		EXPECT_TRUE(pr_has_answers(self->bdf, before + 1));
	}
	EXPECT_EQ(0, sim_device_counter(self->bdf, "bad.page_response"));
	ASSERT_EQ(0, sva_detach(self->fd, self->device));
	EXPECT_TRUE(pri_is_off(self->bdf));
	/* Nothing has it on that is not ours. */
	ASSERT_EQ(0, vfio_reset(&self->vfio));
	EXPECT_TRUE(pri_is_off(self->bdf));
	ASSERT_EQ(0, sva_destroy(self->fd, self->device));
	vfio_close(&self->vfio);
	self->vfio = (struct vfio){ .container = -1, .group = -1, .device = -1 };
	EXPECT_EQ(0, pci_unbind(sim_name(self->bdf)));
}

/* --- what all devices have together --------------------------------------------- */

#define CORE "iommufd_sva"

static int reload(const char *parameters)
{
	return backend_unload() || sh("rmmod " CORE " && modprobe " CORE " %s", parameters) ||
	       backend_load();
}

/* The first has all that the unit's queue holds; what it gives back others can have. */
TEST_F(pri, shares)
{
	int hungry, other;
	uint32_t device, hwpt;

	close(self->fault_fd);
	close(self->fd);
	self->fault_fd = -1;
	ASSERT_EQ(0, pci_unbind_adopted());
	for (int slot = 0; slot < 32; slot++)
		if (slot != SLOT)
			sim_remove_slot(slot);
	ASSERT_EQ(0, reload("page_requests=4000000000"));
	hungry = plug(SLOT + 1, ~0U - 1);
	ASSERT_LT(0, hungry);
	self->bdf = plug(SLOT, 8);
	other = self->bdf;
	EXPECT_TRUE(kmsg_wait(self->log, 2000, NULL, 0,
			      KMSG_WORDS("makes no page requests", sim_name(other))));
	self->fd = sva_open();
	ASSERT_EQ(0, sva_ioas_alloc(self->fd, &self->ioas));
	ASSERT_EQ(0, sva_fault_alloc(self->fd, &self->fault, &self->fault_fd));
	ASSERT_EQ(0, sva_bind(self->fd, hungry, &device));
	ASSERT_EQ(0, sva_hwpt_fault(self->fd, device, self->ioas, self->fault, &hwpt));
	ASSERT_EQ(0, sva_attach(self->fd, device, hwpt, NULL));
	/* As much as fits the queue, whatever that is. */
	EXPECT_LT(DEFAULT, pri_register(hungry, PRI_ALLOC, 4));
	EXPECT_GT(1 << 20, pri_register(hungry, PRI_ALLOC, 4));
	EXPECT_TRUE(is_capable(self, device));
	ASSERT_EQ(0, sva_bind(self->fd, other, &device));
	EXPECT_FALSE(is_capable(self, device));
	EXPECT_EQ(-ENODEV, sva_attach(self->fd, device, hwpt, NULL));
	close(self->fd);
	sim_remove_slot(SLOT + 1);
	self->fd = sva_open();
	self->bdf = plug(SLOT, 8);
	ASSERT_EQ(0, sva_ioas_alloc(self->fd, &self->ioas));
	close(self->fault_fd);
	ASSERT_EQ(0, sva_fault_alloc(self->fd, &self->fault, &self->fault_fd));
	ASSERT_EQ(0, sva_bind(self->fd, self->bdf, &device));
	ASSERT_EQ(0, sva_hwpt_fault(self->fd, device, self->ioas, self->fault, &hwpt));
	ASSERT_EQ(0, sva_attach(self->fd, device, hwpt, NULL));
	EXPECT_TRUE(is_on(self, 8));
	close(self->fault_fd);
	close(self->fd);
	self->fd = -1;
	self->fault_fd = -1;
	EXPECT_EQ(0, reload(""));
	/* Those that were there before, for the programs that follow. */
	EXPECT_EQ(0, sh("sim_topology basic > /dev/null"));
}

TEST_HARNESS_MAIN
