// SPDX-License-Identifier: GPL-2.0-only
/*
 * What virtual functions have by their physical one, which the host has a driver for:
 * PASIDs, and pages that devices may cache. It is configured in the right order, or the
 * virtual functions go without and the log says why. Needs the model of VT-d; plugs its
 * own devices in.
 */
#include "pr.h"
#include "selftest.h"
#include "sim.h"

#define SLOT 28
#define CAPS (SIM_CAP_FLR | SIM_CAP_ATS | SIM_CAP_PASID | SIM_CAP_PRI | SIM_CAP_PRG_PASID | \
	      SIM_CAP_SRIOV)
#define IOVA 0x10000000UL
#define PASID 3
#define SEED 9

#define EXT_ATS 0x0f
#define EXT_PASID 0x1b
/* Both controls are at this offset. */
#define CONTROL 6
#define ATS_ON 0x8000
#define PASID_ON 1

FIXTURE(pf)
{
	int pf, vf, log, fd;
	uint32_t ioas;
	uint8_t *mem;
};

static void __attribute__((constructor)) skip_all(void)
{
	if (sim_present() && backend_is("vtd_nested"))
		return;
	printf("TAP version 13\n1..1\nok 1 pf # SKIP no model of VT-d\n");
	exit(KSFT_SKIP);
}

/* The physical function is the host's before the modules come: it is not adopted. */
FIXTURE_SETUP(pf)
{
	char driver[32];

	sim_remove_slot(SLOT);
	ASSERT_EQ(0, pci_unbind_adopted());
	ASSERT_EQ(0, backend_unload());
	self->pf = sim_add_endpoint(SLOT, CAPS);
	ASSERT_LT(0, self->pf);
	ASSERT_STREQ("sim_pf", pci_driver(sim_name(self->pf), driver, sizeof(driver)));
	self->vf = sim_vf(self->pf, 1);
	self->mem = mem_alloc(SZ_4K, 0);
	mem_fill(self->mem, SZ_4K, SEED);
	self->fd = -1;
	self->log = kmsg_mark();
}

FIXTURE_TEARDOWN(pf)
{
	if (self->fd >= 0)
		close(self->fd);
	EXPECT_EQ(0, sim_device_counter(self->pf, "bad.pasid_while_ats"));
	EXPECT_EQ(0, sim_device_counter(self->pf, "bad.stu_while_ats"));
	sim_set_vfs(self->pf, 0);
	sim_remove_slot(SLOT);
	EXPECT_EQ(0, backend_load());
	mem_free(self->mem, SZ_4K);
	close(self->log);
	EXPECT_STREQ("", sim_bad(0));
}

static uint32_t pasid_control(int bdf)
{
	return sim_config(bdf, sim_ext_cap(bdf, EXT_PASID) + CONTROL, 2);
}

static uint32_t ats_control(int bdf)
{
	return sim_config(bdf, sim_ext_cap(bdf, EXT_ATS) + CONTROL, 2);
}

static void take(struct __test_metadata *_metadata, FIXTURE_DATA(pf) *self, int bdf,
		 uint32_t *device)
{
	if (self->fd < 0) {
		self->fd = sva_open();
		ASSERT_LE(0, self->fd);
		ASSERT_EQ(0, sva_ioas_alloc(self->fd, &self->ioas));
		ASSERT_EQ(0, sva_map(self->fd, self->ioas, self->mem, SZ_4K, IOVA, SVA_RW));
	}
	ASSERT_EQ(0, sva_bind(self->fd, bdf, device));
	ASSERT_EQ(0, sim_set_master(bdf, true));
}

/* They come with the first virtual function and go with the last. */
TEST_F(pf, pasids_of_virtual_functions)
{
	uint32_t device, other;

	ASSERT_EQ(0, backend_load());
	EXPECT_EQ(-1, pci_group(sim_name(self->pf)));
	EXPECT_EQ(0, pasid_control(self->pf));
	ASSERT_EQ(0, sim_set_vfs(self->pf, 2));
	EXPECT_EQ(PASID_ON, pasid_control(self->pf));
	EXPECT_EQ(0, ats_control(self->pf) & ATS_ON);
	take(_metadata, self, self->vf, &device);
	take(_metadata, self, sim_vf(self->pf, 0), &other);
	ASSERT_EQ(0, sva_attach_pasid(self->fd, device, PASID, self->ioas, NULL));
	EXPECT_EQ(SEED, sim_sees(self->vf, PASID, IOVA, SIM_DMA_ATS));
	EXPECT_EQ(ATS_ON, ats_control(self->vf) & ATS_ON);
	ASSERT_EQ(0, sva_attach_pasid(self->fd, other, PASID, self->ioas, NULL));
	ASSERT_EQ(0, sva_detach_pasid(self->fd, device, PASID));
	EXPECT_EQ(SEED, sim_sees(sim_vf(self->pf, 0), PASID, IOVA, SIM_DMA_ATS));
	close(self->fd);
	self->fd = -1;
	EXPECT_EQ(PASID_ON, pasid_control(self->pf));
	ASSERT_EQ(0, sim_set_vfs(self->pf, 0));
	EXPECT_EQ(0, pasid_control(self->pf));
}

/* So does the module's going; and what was on before us is on after us. */
TEST_F(pf, left_as_found)
{
	ASSERT_EQ(0, backend_load());
	ASSERT_EQ(0, sim_set_vfs(self->pf, 2));
	EXPECT_EQ(PASID_ON, pasid_control(self->pf));
	ASSERT_EQ(0, backend_unload());
	EXPECT_EQ(0, pasid_control(self->pf));
	ASSERT_EQ(0, backend_load());
	EXPECT_EQ(PASID_ON, pasid_control(self->pf));
}

/* A reset of a physical function's leaves them as they were. */
TEST_F(pf, reset_by_the_host)
{
	uint32_t device;
	char path[96];

	ASSERT_EQ(0, backend_load());
	ASSERT_EQ(0, sim_set_vfs(self->pf, 2));
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/reset", sim_name(self->pf));
	ASSERT_EQ(0, file_write(path, "1"));
	EXPECT_EQ(PASID_ON, pasid_control(self->pf));
	ASSERT_EQ(0, sim_set_vfs(self->pf, 0));
	ASSERT_EQ(0, sim_set_vfs(self->pf, 2));
	take(_metadata, self, self->vf, &device);
	ASSERT_EQ(0, sva_attach_pasid(self->fd, device, PASID, self->ioas, NULL));
	EXPECT_EQ(SEED, sim_sees(self->vf, PASID, IOVA, SIM_DMA_ATS));
}

/* ATS is on where PASIDs are not: they cannot be had any more, and neither is touched. */
TEST_F(pf, ats_before_pasids)
{
	uint32_t device;

	ASSERT_EQ(0, sim_set_ats(self->pf, true));
	ASSERT_EQ(0, backend_load());
	ASSERT_EQ(0, sim_set_vfs(self->pf, 2));
	EXPECT_TRUE(kmsg_wait(self->log, 2000, NULL, 0,
			      KMSG_WORDS("without PASIDs", sim_name(self->pf))));
	EXPECT_TRUE(kmsg_wait(self->log, 2000, NULL, 0,
			      KMSG_WORDS("without ATS", sim_name(self->pf))));
	EXPECT_EQ(0, pasid_control(self->pf));
	EXPECT_EQ(ATS_ON, ats_control(self->pf));
	/* What needs neither it can have. */
	take(_metadata, self, self->vf, &device);
	EXPECT_EQ(-EOPNOTSUPP, sva_attach_pasid(self->fd, device, PASID, self->ioas, NULL));
	ASSERT_EQ(0, sva_attach(self->fd, device, self->ioas, NULL));
	EXPECT_EQ(0, ats_control(self->vf) & ATS_ON);
	EXPECT_EQ(SEED, sim_sees(self->vf, SIM_NO_PASID, IOVA, 0));
	/* Anew, as the log says. */
	close(self->fd);
	self->fd = -1;
	ASSERT_EQ(0, sim_set_vfs(self->pf, 0));
	ASSERT_EQ(0, sim_set_ats(self->pf, false));
	ASSERT_EQ(0, sim_set_vfs(self->pf, 2));
	take(_metadata, self, self->vf, &device);
	EXPECT_EQ(0, sva_attach_pasid(self->fd, device, PASID, self->ioas, NULL));
	EXPECT_EQ(SEED, sim_sees(self->vf, PASID, IOVA, SIM_DMA_ATS));
}

/* --- page requests ------------------------------------------------------------- */


/* @bdf asks, and has an answer. */
static bool asks_and_is_answered(int bdf, int fault_fd)
{
	return !sim_page_request(bdf, PASID, IOVA, 1, SIM_PR_READ | SIM_PR_LAST, 0) &&
	       !pr_answer_next(fault_fd, IOMMUFD_SVA_PAGE_RESP_SUCCESS);
}

/* One interface for all of them, on while one needs it. */
TEST_F(pf, page_requests_of_virtual_functions)
{
	uint32_t device[2], fault, hwpt;
	int vf[2] = { sim_vf(self->pf, 0), sim_vf(self->pf, 1) }, fault_fd;

	ASSERT_EQ(0, backend_load());
	ASSERT_EQ(0, sim_set_vfs(self->pf, 2));
	for (int i = 0; i < 2; i++)
		take(_metadata, self, vf[i], &device[i]);
	ASSERT_EQ(0, sva_fault_alloc(self->fd, &fault, &fault_fd));
	ASSERT_EQ(0, sva_hwpt_fault(self->fd, device[0], self->ioas, fault, &hwpt));
	EXPECT_EQ(0, pri_register(self->pf, PRI_CTRL, 2));
	for (int round = 0; round < 2; round++) {
		ASSERT_EQ(0, sva_attach_pasid(self->fd, device[0], PASID, hwpt, NULL));
		EXPECT_EQ(1, pri_register(self->pf, PRI_CTRL, 2));
		EXPECT_EQ(32, pri_register(self->pf, PRI_ALLOC, 4));
		EXPECT_TRUE(asks_and_is_answered(vf[0], fault_fd));
		ASSERT_EQ(0, sva_attach_pasid(self->fd, device[1], PASID, hwpt, NULL));
		EXPECT_TRUE(asks_and_is_answered(vf[1], fault_fd));
		/* Whoever goes first takes nothing from the other. */
		ASSERT_EQ(0, sva_detach_pasid(self->fd, device[round], PASID));
		EXPECT_EQ(1, pri_register(self->pf, PRI_CTRL, 2));
		EXPECT_TRUE(asks_and_is_answered(vf[!round], fault_fd));
		ASSERT_EQ(0, sva_detach_pasid(self->fd, device[!round], PASID));
		EXPECT_EQ(0, pri_register(self->pf, PRI_CTRL, 2));
		EXPECT_EQ(PRI_STOPPED, pri_register(self->pf, PRI_STATUS, 2) & PRI_STOPPED);
	}
	/* The host resets the physical function under it. */
	ASSERT_EQ(0, sva_attach_pasid(self->fd, device[0], PASID, hwpt, NULL));
	EXPECT_EQ(0, sh("echo 1 > /sys/bus/pci/devices/%s/reset", sim_name(self->pf)));
	EXPECT_EQ(1, pri_register(self->pf, PRI_CTRL, 2));
	EXPECT_EQ(32, pri_register(self->pf, PRI_ALLOC, 4));
	close(fault_fd);
	close(self->fd);
	self->fd = -1;
	EXPECT_EQ(0, pri_register(self->pf, PRI_CTRL, 2));
	EXPECT_EQ(0, ats_control(vf[0]) & ATS_ON);
	EXPECT_EQ(0, sim_device_counter(self->pf, "bad.allocation_while_pri"));
	EXPECT_EQ(0, sim_device_counter(self->pf, "bad.pri_not_stopped"));
	EXPECT_EQ(0, sim_device_counter(self->pf, "bad.page_response"));
	EXPECT_EQ(0, sim_device_counter(self->pf, "bad.page_response_pasid"));
}

/* A failure ends page requests of all of them, and whoever comes is told, until it is off. */
TEST_F(pf, page_requests_after_a_failure)
{
	int vf[3], fault_fd;
	uint32_t device[3], fault, hwpt;

	ASSERT_EQ(0, backend_load());
	ASSERT_EQ(0, sim_set_vfs(self->pf, 3));
	for (int i = 0; i < 3; i++) {
		vf[i] = sim_vf(self->pf, i);
		take(_metadata, self, vf[i], &device[i]);
	}
	ASSERT_EQ(0, sva_fault_alloc(self->fd, &fault, &fault_fd));
	ASSERT_EQ(0, sva_hwpt_fault(self->fd, device[0], self->ioas, fault, &hwpt));
	for (int i = 0; i < 2; i++)
		ASSERT_EQ(0, sva_attach_pasid(self->fd, device[i], PASID, hwpt, NULL));
	ASSERT_EQ(0, sim_inject(0, SIM_FAULT_RESPONSE, 1, 0));
	EXPECT_TRUE(asks_and_is_answered(vf[0], fault_fd));
	for (int i = 0; i < 5000 && !(pri_register(self->pf, PRI_STATUS, 2) & PRI_FAILURE);
	     i++)
		usleep(1000);
	EXPECT_EQ(SIM_NO_MASTER, sim_page_request(vf[1], PASID, IOVA, 1, SIM_PR_LAST, 0));
	EXPECT_EQ(-EIO, sva_attach_pasid(self->fd, device[2], PASID, hwpt, NULL));
	EXPECT_TRUE(kmsg_wait(self->log, 2000, NULL, 0,
			      KMSG_WORDS("cannot make page requests", "Response Failure",
					 sim_name(self->pf))));
	EXPECT_EQ(-ENOENT, sva_detach_pasid(self->fd, device[2], PASID));
	/* As the log says. */
	ASSERT_EQ(0, sva_detach_pasid(self->fd, device[0], PASID));
	EXPECT_EQ(-EIO, sva_attach_pasid(self->fd, device[2], PASID, hwpt, NULL));
	ASSERT_EQ(0, sva_detach_pasid(self->fd, device[1], PASID));
	EXPECT_EQ(0, pri_register(self->pf, PRI_CTRL, 2));
	ASSERT_EQ(0, sva_attach_pasid(self->fd, device[2], PASID, hwpt, NULL));
	EXPECT_TRUE(asks_and_is_answered(vf[2], fault_fd));
	EXPECT_EQ(0, pri_register(self->pf, PRI_STATUS, 2) & 3);
	EXPECT_EQ(0, sim_device_counter(self->pf, "bad.page_response"));
	close(fault_fd);
}

/*
 * One asks while its page requests are taken from it, between any two drains of that; the
 * other one has its own on. Who takes them next hears nothing of that, though nobody has
 * read it yet.
 */
TEST_F(pf, asks_while_detached)
{
	enum { DRAINS = 6 };
	const uint32_t flags = SIM_PR_READ | SIM_PR_LAST | SIM_PR_UNRULY;
	int vf[2] = { sim_vf(self->pf, 0), sim_vf(self->pf, 1) };
	uint32_t device[2], fault[2], hwpt[2];
	struct iommufd_sva_hwpt_pgfault r;
	int file[2], heard = 0, between = 0;
	uint64_t before;

	ASSERT_EQ(0, backend_load());
	ASSERT_EQ(0, sim_set_vfs(self->pf, 2));
	for (int i = 0; i < 2; i++) {
		take(_metadata, self, vf[i], &device[i]);
		ASSERT_EQ(0, sva_fault_alloc(self->fd, &fault[i], &file[i]));
		ASSERT_EQ(0, sva_hwpt_fault(self->fd, device[0], self->ioas, fault[i], &hwpt[i]));
	}
	ASSERT_EQ(0, sva_attach(self->fd, device[1], hwpt[1], NULL));
	for (int drains = 0; drains <= DRAINS; drains++) {
		ASSERT_EQ(0, sva_attach(self->fd, device[0], hwpt[0], NULL));
		/* The unit remembers that this one may ask, until it is told. */
		EXPECT_EQ(SIM_OK, sim_page_request(vf[0], SIM_NO_PASID, IOVA, 1, flags, 0));
		/* The thread hears of what there is only from who drains. */
		ASSERT_EQ(0, sim_inject(0, SIM_FAULT_IRQ_LOST, 1000000, 0));
		ASSERT_EQ(0, sim_inject(0, SIM_FAULT_PRQ_LATE, 1, drains));
		EXPECT_EQ(SIM_OK, sim_page_request(vf[0], SIM_NO_PASID, IOVA, 2, flags, 0));
		before = sim_counter(0, "page_requests");
		ASSERT_EQ(0, sva_attach(self->fd, device[0], self->ioas, NULL));
		between += sim_counter(0, "page_requests") - before;
		ASSERT_EQ(0, sim_inject(0, SIM_FAULT_PRQ_LATE, 0, 0));
		/* Somebody else has it, and now what there is is read. */
		ASSERT_EQ(0, sva_attach(self->fd, device[0], hwpt[1], NULL));
		ASSERT_EQ(0, sva_detach(self->fd, device[1]));
		while (read(file[1], &r, sizeof(r)) == sizeof(r))
			heard++;
		ASSERT_EQ(0, sva_attach(self->fd, device[1], hwpt[1], NULL));
		ASSERT_EQ(0, sva_detach(self->fd, device[0]));
		ASSERT_EQ(0, sim_inject(0, SIM_FAULT_IRQ_LOST, 0, 0));
	}
	EXPECT_EQ(0, heard);
	/* Before the first drain, and after it. */
	EXPECT_LE(2, between);
	for (int i = 0; i < 2; i++)
		close(file[i]);
}

/* Its driver makes page requests itself: they are left alone. */
TEST_F(pf, page_requests_of_the_host)
{
	uint32_t device, fault, hwpt;
	int fault_fd;

	ASSERT_EQ(0, backend_load());
	ASSERT_EQ(0, sim_set_pri(self->pf, 3));
	ASSERT_EQ(0, sim_set_vfs(self->pf, 2));
	take(_metadata, self, self->vf, &device);
	ASSERT_EQ(0, sva_fault_alloc(self->fd, &fault, &fault_fd));
	ASSERT_EQ(0, sva_hwpt_fault(self->fd, device, self->ioas, fault, &hwpt));
	EXPECT_EQ(-EBUSY, sva_attach(self->fd, device, hwpt, NULL));
	EXPECT_TRUE(kmsg_wait(self->log, 2000, NULL, 0,
			      KMSG_WORDS("cannot make page requests", sim_name(self->pf))));
	EXPECT_EQ(1, pri_register(self->pf, PRI_CTRL, 2));
	EXPECT_EQ(3, pri_register(self->pf, PRI_ALLOC, 4));
	ASSERT_EQ(0, sva_attach(self->fd, device, self->ioas, NULL));
	/* They are taken from it, as the log says. */
	ASSERT_EQ(0, sim_set_pri(self->pf, 0));
	ASSERT_EQ(0, sva_attach(self->fd, device, hwpt, NULL));
	EXPECT_EQ(32, pri_register(self->pf, PRI_ALLOC, 4));
	close(fault_fd);
}

TEST_HARNESS_MAIN
