// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fault queues: page requests on their way to the VMM, and its answers on their way to
 * the device. What the file does needs the core alone; the rest needs the hardware
 * models: devices of theirs, which ask for what they are told to. Plugs its own in.
 */
#include <poll.h>
#include <pthread.h>
#include <sys/resource.h>

#include "selftest.h"
#include "nest.h"
#include "pr.h"
#include "sim.h"

#define FAULT_ID_VALID IOMMUFD_SVA_HWPT_FAULT_ID_VALID
#define TIMEOUT_OPTION IOMMUFD_SVA_OPTION_PAGE_RESPONSE_TIMEOUT
#define TIMEOUT_PARAM "/sys/module/iommufd_sva/parameters/page_response_timeout_ms"
#define SET IOMMUFD_SVA_OPTION_OP_SET
#define GET IOMMUFD_SVA_OPTION_OP_GET
#define SUCCESS IOMMUFD_SVA_PAGE_RESP_SUCCESS
#define INVALID IOMMUFD_SVA_PAGE_RESP_INVALID
#define LAST IOMMUFD_SVA_PGFAULT_FLAGS_LAST_PAGE
#define WITH_PASID IOMMUFD_SVA_PGFAULT_FLAGS_PASID_VALID

#define REQUEST_LEN sizeof(struct iommufd_sva_hwpt_pgfault)
#define RESPONSE_LEN sizeof(struct iommufd_sva_hwpt_page_response)

#define FIRST_SLOT 16
#define NDEVICES 3
/* The last one makes no page requests. */
#define SILENT 2
#define CAPS (SIM_CAP_FLR | SIM_CAP_ATS | SIM_CAP_PASID)
#define ADDR 0x7f1200000000UL
#define IOVA 0x10000000UL
#define PASID 5

/* --- a queue and what it says of itself ----------------------------------- */

/* Where no memory is. */
static void *nowhere(void)
{
	static void *volatile at = (void *)8;

	return at;
}

static short polls(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT | POLLRDNORM };

	/* It is always writable: wait for the rest. */
	for (int waited = 0; ; waited++) {
		if (poll(&p, 1, 0) < 0)
			return -1;
		if ((p.revents & POLLIN) || waited >= ms)
			return p.revents;
		usleep(1000);
	}
}

static bool has_requests(int fd)
{
	return polls(fd, 0) & POLLIN;
}

FIXTURE(queue)
{
	int fd, file;
	uint32_t id;
};

FIXTURE_SETUP(queue)
{
	self->fd = sva_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, sva_fault_alloc(self->fd, &self->id, &self->file));
}

FIXTURE_TEARDOWN(queue)
{
	close(self->file);
	close(self->fd);
}

TEST_F(queue, empty)
{
	struct iommufd_sva_hwpt_pgfault requests[4];

	EXPECT_EQ(POLLOUT, polls(self->file, 0));
	EXPECT_EQ(0, pr_take(self->file, requests, 4));
	EXPECT_EQ(0, pr_take(self->file, requests, 0));
	EXPECT_EQ(0, write(self->file, requests, 0));
	EXPECT_EQ(0, pr_told(self->file, "groups"));
	EXPECT_EQ(0, pr_told(self->file, "waiting"));
	EXPECT_EQ(self->id, pr_told(self->file, "fault-id"));
}

TEST_F(queue, lengths_and_positions)
{
	char buf[2 * REQUEST_LEN] = {};

	EXPECT_EQ(-1, read(self->file, buf, REQUEST_LEN - 1));
	EXPECT_EQ(ESPIPE, errno);
	EXPECT_EQ(-1, read(self->file, buf, REQUEST_LEN + 8));
	EXPECT_EQ(ESPIPE, errno);
	EXPECT_EQ(-1, write(self->file, buf, RESPONSE_LEN - 1));
	EXPECT_EQ(ESPIPE, errno);
	EXPECT_EQ(-1, pread(self->file, buf, REQUEST_LEN, 8));
	EXPECT_EQ(ESPIPE, errno);
	EXPECT_EQ(-1, pwrite(self->file, buf, RESPONSE_LEN, 8));
	EXPECT_EQ(ESPIPE, errno);
	EXPECT_EQ(-1, lseek(self->file, 0, SEEK_SET));
	EXPECT_EQ(ESPIPE, errno);
}

TEST_F(queue, answers_to_nothing)
{
	EXPECT_EQ(-EINVAL, pr_answer(self->file, 0, SUCCESS));
	EXPECT_EQ(-EINVAL, pr_answer(self->file, 1, SUCCESS));
	EXPECT_EQ(-EINVAL, pr_answer(self->file, ~0U, INVALID));
	EXPECT_EQ(3, pr_told(self->file, "refused-cookie"));
	EXPECT_EQ(-EINVAL, pr_answer(self->file, 1, 2));
	EXPECT_EQ(-EINVAL, pr_answer(self->file, 1, 15));
	EXPECT_EQ(2, pr_told(self->file, "refused-code"));
	EXPECT_EQ(3, pr_told(self->file, "refused-cookie"));
	EXPECT_EQ(-1, write(self->file, nowhere(), RESPONSE_LEN));
	EXPECT_EQ(EFAULT, errno);
}

TEST_F(queue, lives_until_both_have_gone)
{
	uint32_t id;
	int file;

	EXPECT_EQ(-EBUSY, sva_destroy(self->fd, self->id));
	close(self->file);
	EXPECT_EQ(0, sva_destroy(self->fd, self->id));
	EXPECT_EQ(-ENOENT, sva_destroy(self->fd, self->id));

	/* The file keeps the context. */
	ASSERT_EQ(0, sva_fault_alloc(self->fd, &id, &file));
	close(self->fd);
	EXPECT_EQ(POLLOUT, polls(file, 0));
	EXPECT_EQ(-EINVAL, pr_answer(file, 1, SUCCESS));
	close(file);
	self->fd = self->file = -1;
}

TEST_F(queue, nothing_is_left_of_a_failure)
{
	struct iommufd_sva_fault_alloc cmd = { .size = sizeof(cmd) }, *edge;
	struct rlimit limit, none;
	int next = dup(self->fd);

	close(next);
	edge = mmap(NULL, SZ_4K, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, edge);
	*edge = cmd;
	ASSERT_EQ(0, mprotect(edge, SZ_4K, PROT_READ));
	EXPECT_EQ(-EFAULT, sva_ioctl(self->fd, IOMMUFD_SVA_FAULT_QUEUE_ALLOC, edge));
	/* No descriptor is taken. */
	EXPECT_EQ(next, dup(self->fd));
	close(next);

	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &limit));
	none = limit;
	none.rlim_cur = next;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &none));
	EXPECT_EQ(-EMFILE, sva_ioctl(self->fd, IOMMUFD_SVA_FAULT_QUEUE_ALLOC, &cmd));
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));

	/* The id that comes next is the one that came to nothing. */
	ASSERT_EQ(0, sva_ioctl(self->fd, IOMMUFD_SVA_FAULT_QUEUE_ALLOC, &cmd));
	EXPECT_EQ(self->id + 1, cmd.out_fault_id);
	EXPECT_EQ(next, cmd.out_fault_fd);
	close(next);
	munmap(edge, SZ_4K);
}

TEST_F(queue, timeout_option)
{
	uint64_t value = 0;
	uint32_t ioas;
	char was[32], now[32];

	ASSERT_EQ(0, sva_option(self->fd, TIMEOUT_OPTION, GET, self->id, &value));
	file_line(TIMEOUT_PARAM, was, sizeof(was));
	EXPECT_EQ(atoi(was), value);
	value = 1;
	EXPECT_EQ(0, sva_option(self->fd, TIMEOUT_OPTION, SET, self->id, &value));
	EXPECT_EQ(1, pr_told(self->file, "timeout-ms"));
	value = 3600000;
	EXPECT_EQ(0, sva_option(self->fd, TIMEOUT_OPTION, SET, self->id, &value));
	value = 0;
	EXPECT_EQ(-EINVAL, sva_option(self->fd, TIMEOUT_OPTION, SET, self->id, &value));
	value = 3600001;
	EXPECT_EQ(-EINVAL, sva_option(self->fd, TIMEOUT_OPTION, SET, self->id, &value));
	value = 1UL << 32 | 1000;
	EXPECT_EQ(-EINVAL, sva_option(self->fd, TIMEOUT_OPTION, SET, self->id, &value));
	EXPECT_EQ(0, sva_option(self->fd, TIMEOUT_OPTION, GET, self->id, &value));
	EXPECT_EQ(3600000, value);
	EXPECT_EQ(-EOPNOTSUPP, sva_option(self->fd, TIMEOUT_OPTION, 2, self->id, &value));
	EXPECT_EQ(-EOPNOTSUPP, sva_option(self->fd, TIMEOUT_OPTION + 1, GET, self->id, &value));
	EXPECT_EQ(-ENOENT, sva_option(self->fd, TIMEOUT_OPTION, GET, 0, &value));
	ASSERT_EQ(0, sva_ioas_alloc(self->fd, &ioas));
	EXPECT_EQ(-ENOENT, sva_option(self->fd, TIMEOUT_OPTION, GET, ioas, &value));

	/* The parameter has the same range, and is that of queues to come. */
	EXPECT_NE(0, file_write(TIMEOUT_PARAM, "0"));
	EXPECT_NE(0, file_write(TIMEOUT_PARAM, "3600001"));
	EXPECT_STREQ(was, file_line(TIMEOUT_PARAM, now, sizeof(now)));
	ASSERT_EQ(0, file_write(TIMEOUT_PARAM, "1234"));
	EXPECT_EQ(3600000, pr_told(self->file, "timeout-ms"));
	close(self->file);
	ASSERT_EQ(0, sva_fault_alloc(self->fd, &self->id, &self->file));
	EXPECT_EQ(1234, pr_told(self->file, "timeout-ms"));
	EXPECT_EQ(0, file_write(TIMEOUT_PARAM, was));
}

/* --- devices -------------------------------------------------------------- */

FIXTURE(faults)
{
	int fd, log;
	uint32_t ioas;
	uint8_t *mem;
	int bdf[NDEVICES];
	uint32_t device[NDEVICES];
	uint32_t id, hwpt;
	int file;
};

FIXTURE_SETUP(faults)
{
	self->fd = -1;
	if (!sim_present())
		SKIP(return, "needs the hardware models");
	self->fd = sva_open();
	ASSERT_LE(0, self->fd);
	self->mem = mem_alloc(SZ_4K, 0);
	ASSERT_EQ(0, sva_ioas_alloc(self->fd, &self->ioas));
	ASSERT_EQ(0, sva_map(self->fd, self->ioas, self->mem, SZ_4K, IOVA, SVA_RW));
	for (int i = 0; i < NDEVICES; i++) {
		self->bdf[i] = sim_add_endpoint(FIRST_SLOT + i,
						CAPS | (i == SILENT ? 0 : SIM_CAP_PRI |
						SIM_CAP_PRG_PASID));
		ASSERT_LT(0, self->bdf[i]);
		ASSERT_EQ(0, sva_bind(self->fd, self->bdf[i], &self->device[i]));
	}
	ASSERT_EQ(0, sva_fault_alloc(self->fd, &self->id, &self->file));
	ASSERT_EQ(0, sva_hwpt_fault(self->fd, self->device[0], self->ioas, self->id,
				    &self->hwpt));
	self->log = kmsg_mark();
}

FIXTURE_TEARDOWN(faults)
{
	if (!sim_present())
		return;
	close(self->file);
	close(self->fd);
	close(self->log);
	for (int i = 0; i < NDEVICES; i++) {
		EXPECT_EQ(0, sim_device_counter(self->bdf[i], "bad.page_response"));
		EXPECT_EQ(0, sim_device_counter(self->bdf[i], "bad.page_response_pasid"));
		EXPECT_EQ(0, sim_device_counter(self->bdf[i], "bad.pri_not_stopped"));
		sim_remove_slot(FIRST_SLOT + i);
	}
	mem_free(self->mem, SZ_4K);
	EXPECT_STREQ("", sim_bad(0));
}

/* A request that is not the last of its group. */
static int begin(int bdf, uint32_t pasid, uint32_t group, uint64_t addr)
{
	return sim_page_request(bdf, pasid, addr, group, SIM_PR_READ, 0);
}

static int attach(FIXTURE_DATA(faults) *self, int i, uint32_t hwpt)
{
	int rc = sva_attach(self->fd, self->device[i], hwpt, NULL);

	if (!rc)
		rc = sim_set_master(self->bdf[i], true);
	return rc;
}

TEST_F(faults, fault_id)
{
	struct iommufd_sva_hwpt_alloc cmd = {
		.size = sizeof(cmd),
		.flags = FAULT_ID_VALID,
		.dev_id = self->device[0],
		.pt_id = self->ioas,
		.fault_id = self->ioas,
	};

	/* The one of the fixture has the queue. */
	close(self->file);
	EXPECT_EQ(-EBUSY, sva_destroy(self->fd, self->id));
	EXPECT_EQ(0, sva_destroy(self->fd, self->hwpt));
	EXPECT_EQ(0, sva_destroy(self->fd, self->id));
	ASSERT_EQ(0, sva_fault_alloc(self->fd, &self->id, &self->file));

	EXPECT_EQ(-ENOENT, sva_ioctl(self->fd, IOMMUFD_SVA_HWPT_ALLOC, &cmd));
	cmd.fault_id = 0;
	EXPECT_EQ(-ENOENT, sva_ioctl(self->fd, IOMMUFD_SVA_HWPT_ALLOC, &cmd));
	cmd.fault_id = self->id;
	cmd.flags |= IOMMUFD_SVA_HWPT_ALLOC_NEST_PARENT;
	EXPECT_EQ(-EOPNOTSUPP, sva_ioctl(self->fd, IOMMUFD_SVA_HWPT_ALLOC, &cmd));
	/* Not looked at without the flag. */
	cmd.flags = 0;
	cmd.fault_id = 4711;
	EXPECT_EQ(0, sva_ioctl(self->fd, IOMMUFD_SVA_HWPT_ALLOC, &cmd));
	EXPECT_EQ(0, sva_destroy(self->fd, cmd.out_hwpt_id));
}

TEST_F(faults, without_page_requests)
{
	ASSERT_EQ(0, attach(self, 0, self->hwpt));
	EXPECT_EQ(-ENODEV, attach(self, SILENT, self->hwpt));
	EXPECT_TRUE(kmsg_wait(self->log, 1000, NULL, 0,
			      KMSG_WORDS(sim_name(self->bdf[SILENT]), "page requests")));
	/* Nothing of it is attached. */
	EXPECT_EQ(-ENOENT, sva_detach(self->fd, self->device[SILENT]));
	EXPECT_EQ(0, attach(self, SILENT, self->ioas));
}

TEST_F(faults, there_and_back)
{
	struct iommufd_sva_hwpt_pgfault r;
	struct pr_group a;

	ASSERT_EQ(0, attach(self, 0, self->hwpt));
	for (int code = SUCCESS; code <= INVALID; code++) {
		pr_group_start(&a, self->bdf[0], SIM_NO_PASID, ADDR, 7);
		ASSERT_EQ(1, pr_await(self->file, &r, 1));
		EXPECT_EQ(LAST, r.flags);
		EXPECT_EQ(self->device[0], r.dev_id);
		EXPECT_EQ(0, r.pasid);
		EXPECT_EQ(7, r.grpid);
		EXPECT_EQ(IOMMUFD_SVA_PGFAULT_PERM_READ, r.perm);
		EXPECT_EQ(0, r.__reserved);
		EXPECT_EQ(ADDR, r.addr);
		EXPECT_EQ(0, r.length);
		EXPECT_NE(0, r.cookie);
		EXPECT_FALSE(has_requests(self->file));
		EXPECT_EQ(1, pr_told(self->file, "waiting"));
		EXPECT_EQ(0, pr_answer(self->file, r.cookie, code));
		EXPECT_EQ(code == SUCCESS ? SIM_OK : SIM_DENIED, pr_group_wait(&a));
		/* Once. */
		EXPECT_EQ(-EINVAL, pr_answer(self->file, r.cookie, code));
	}
	EXPECT_EQ(2, pr_told(self->file, "groups"));
	EXPECT_EQ(0, pr_told(self->file, "waiting"));
	EXPECT_EQ(1, pr_told(self->file, "answered-success"));
	EXPECT_EQ(1, pr_told(self->file, "answered-invalid"));
	EXPECT_EQ(2, pr_told(self->file, "refused-cookie"));
}

/* A group comes as a whole and in order, or not at all. */
TEST_F(faults, group)
{
	const int num = 5;
	struct iommufd_sva_hwpt_pgfault r[8];
	struct pr_group a;

	ASSERT_EQ(0, attach(self, 0, self->hwpt));
	for (int i = 0; i < num - 1; i++) {
		ASSERT_EQ(SIM_OK, begin(self->bdf[0], SIM_NO_PASID, 3, ADDR + i * SZ_4K));
	}
	EXPECT_EQ(POLLOUT, polls(self->file, 200));
	EXPECT_EQ(0, pr_take(self->file, r, 8));
	pr_group_start(&a, self->bdf[0], SIM_NO_PASID, ADDR + (num - 1) * SZ_4K, 3);
	EXPECT_TRUE(polls(self->file, 10000) & POLLIN);
	EXPECT_EQ(-EINVAL, pr_take(self->file, r, num - 1));
	EXPECT_EQ(-EINVAL, pr_take(self->file, r, 0));
	EXPECT_TRUE(has_requests(self->file));
	ASSERT_EQ(num, pr_take(self->file, r, 8));
	for (int i = 0; i < num; i++) {
		EXPECT_EQ(ADDR + i * SZ_4K, r[i].addr);
		EXPECT_EQ(i == num - 1 ? LAST : 0, r[i].flags);
		EXPECT_EQ(r[0].cookie, r[i].cookie);
		EXPECT_EQ(3, r[i].grpid);
	}
	EXPECT_EQ(1, pr_told(self->file, "groups"));
	EXPECT_EQ(num, pr_told(self->file, "requests"));
	EXPECT_EQ(0, pr_answer(self->file, r[0].cookie, SUCCESS));
	EXPECT_EQ(SIM_OK, pr_group_wait(&a));
}

/* Groups in the order in which their last requests came; answers in any. */
TEST_F(faults, order)
{
	enum { NUM = 6 };
	struct iommufd_sva_hwpt_pgfault r[NUM];
	struct iommufd_sva_hwpt_page_response answers[NUM];
	struct pr_group a[NUM];

	ASSERT_EQ(0, attach(self, 0, self->hwpt));
	ASSERT_EQ(0, attach(self, 1, self->hwpt));
	for (int i = 0; i < NUM; i++) {
		pr_group_start(&a[i], self->bdf[i % 2], SIM_NO_PASID, ADDR + i * SZ_4K, 20 - i);
		for (int ms = 0; pr_told(self->file, "groups") <= i && ms < 10000; ms++)
			usleep(1000);
	}
	/* Two, and then all that there are. */
	ASSERT_EQ(2, pr_take(self->file, r, 2));
	ASSERT_EQ(NUM - 2, pr_take(self->file, r + 2, NUM - 2));
	for (int i = 0; i < NUM; i++) {
		EXPECT_EQ(self->device[i % 2], r[i].dev_id);
		EXPECT_EQ(20 - i, r[i].grpid);
		EXPECT_EQ(ADDR + i * SZ_4K, r[i].addr);
		for (int k = 0; k < i; k++) {
			EXPECT_NE(r[k].cookie, r[i].cookie);
		}
		answers[NUM - 1 - i] = (struct iommufd_sva_hwpt_page_response){
			.cookie = r[i].cookie,
			.code = i % 3 ? SUCCESS : INVALID,
		};
	}
	EXPECT_EQ(sizeof(answers), write(self->file, answers, sizeof(answers)));
	for (int i = 0; i < NUM; i++) {
		EXPECT_EQ(i % 3 ? SIM_OK : SIM_DENIED, pr_group_wait(&a[i]));
	}
}

/* A bad one ends a batch; those before it have been given, those after it have not. */
TEST_F(faults, batch_with_a_bad_answer)
{
	struct iommufd_sva_hwpt_page_response answers[3] = {};
	struct iommufd_sva_hwpt_pgfault r[2];
	struct pr_group a[2];

	ASSERT_EQ(0, attach(self, 0, self->hwpt));
	for (int i = 0; i < 2; i++) {
		pr_group_start(&a[i], self->bdf[0], SIM_NO_PASID, ADDR, i);
		ASSERT_EQ(1, pr_await(self->file, &r[i], 1));
	}
	answers[0].cookie = r[0].cookie;
	answers[1].cookie = r[0].cookie;
	answers[2].cookie = r[1].cookie;
	EXPECT_EQ(RESPONSE_LEN, write(self->file, answers, sizeof(answers)));
	EXPECT_EQ(SIM_OK, pr_group_wait(&a[0]));
	EXPECT_EQ(1, pr_told(self->file, "waiting"));
	EXPECT_EQ(1, pr_told(self->file, "refused-cookie"));
	/* Of a code that is none nothing is taken. */
	EXPECT_EQ(-EINVAL, pr_answer(self->file, r[1].cookie, 15));
	EXPECT_EQ(1, pr_told(self->file, "waiting"));
	EXPECT_EQ(1, pr_told(self->file, "refused-code"));
	EXPECT_EQ(0, pr_answer(self->file, r[1].cookie, SUCCESS));
	EXPECT_EQ(SIM_OK, pr_group_wait(&a[1]));
}

/* Who guesses what the next cookie is has to have read it. */
TEST_F(faults, answer_before_it_is_read)
{
	struct iommufd_sva_hwpt_pgfault r;
	struct pr_group a;

	ASSERT_EQ(0, attach(self, 0, self->hwpt));
	pr_group_start(&a, self->bdf[0], SIM_NO_PASID, ADDR, 1);
	EXPECT_TRUE(polls(self->file, 10000) & POLLIN);
	for (uint32_t cookie = 0; cookie < 4096; cookie++) {
		ASSERT_EQ(-EINVAL, pr_answer(self->file, cookie, SUCCESS));
	}
	ASSERT_EQ(1, pr_take(self->file, &r, 1));
	EXPECT_GT(4096, r.cookie);
	EXPECT_EQ(0, pr_answer(self->file, r.cookie, SUCCESS));
	EXPECT_EQ(SIM_OK, pr_group_wait(&a));
}

/* What cannot be copied stays where it is. */
TEST_F(faults, read_to_nowhere)
{
	struct iommufd_sva_hwpt_pgfault r[2];
	struct pr_group a;

	ASSERT_EQ(0, attach(self, 0, self->hwpt));
	pr_group_start(&a, self->bdf[0], SIM_NO_PASID, ADDR, 1);
	EXPECT_TRUE(polls(self->file, 10000) & POLLIN);
	EXPECT_EQ(-EFAULT, pr_take(self->file, nowhere(), 1));
	EXPECT_TRUE(has_requests(self->file));
	ASSERT_EQ(1, pr_take(self->file, r, 2));
	EXPECT_EQ(0, pr_answer(self->file, r[0].cookie, SUCCESS));
	EXPECT_EQ(SIM_OK, pr_group_wait(&a));
}

TEST_F(faults, nobody_answers)
{
	struct iommufd_sva_hwpt_pgfault r;
	uint64_t ms = 300, before;
	struct pr_group a;
	int late = 0, num;

	ASSERT_EQ(0, sva_option(self->fd, TIMEOUT_OPTION, SET, self->id, &ms));
	ASSERT_EQ(0, attach(self, 0, self->hwpt));
	before = now_ns();
	/*
	 * One that the VMM has not, and one that it has. On a busy machine the time may be over
	 * before that is read, too: then the next one.
	 */
	for (int has = 0; has <= 1;) {
		num = 0;
		pr_group_start(&a, self->bdf[0], SIM_NO_PASID, ADDR, 9);
		if (has) {
			num = pr_await_for(self->file, &r, 1, 2000);
			ASSERT_LE(0, num);
		}
		EXPECT_EQ(SIM_DENIED, pr_group_wait(&a));
		late++;
		EXPECT_EQ(late, pr_told(self->file, "timed-out"));
		EXPECT_FALSE(has_requests(self->file));
		EXPECT_EQ(0, pr_told(self->file, "waiting"));
		ASSERT_GT(20, late);
		if (num == has)
			has++;
	}
	EXPECT_LT(550, (now_ns() - before) / 1000000);
	EXPECT_EQ(-EINVAL, pr_answer(self->file, r.cookie, SUCCESS));
	EXPECT_EQ(1, pr_told(self->file, "refused-cookie"));
	EXPECT_TRUE(kmsg_wait(self->log, 1000, NULL, 0,
			      KMSG_WORDS(sim_name(self->bdf[0]), "nobody answered")));

	/* A shorter time is good for what waits already. */
	ms = 3600000;
	ASSERT_EQ(0, sva_option(self->fd, TIMEOUT_OPTION, SET, self->id, &ms));
	pr_group_start(&a, self->bdf[0], SIM_NO_PASID, ADDR, 10);
	ASSERT_EQ(1, pr_await(self->file, &r, 1));
	ms = 50;
	ASSERT_EQ(0, sva_option(self->fd, TIMEOUT_OPTION, SET, self->id, &ms));
	EXPECT_EQ(SIM_DENIED, pr_group_wait(&a));
	EXPECT_EQ(late + 1, pr_told(self->file, "timed-out"));
}

/* --- what goes while something waits -------------------------------------- */

/* One group that the VMM has, and one that it has not. */
static void ask_two(struct __test_metadata *_metadata, FIXTURE_DATA(faults) *self,
		    struct pr_group *a, struct iommufd_sva_hwpt_pgfault *r)
{
	pr_group_start(&a[0], self->bdf[0], SIM_NO_PASID, ADDR, 1);
	ASSERT_EQ(1, pr_await(self->file, r, 1));
	pr_group_start(&a[1], self->bdf[0], SIM_NO_PASID, ADDR, 2);
	EXPECT_TRUE(polls(self->file, 10000) & POLLIN);
}

static void expect_denied(struct __test_metadata *_metadata, struct pr_group *a, int num)
{
	for (int i = 0; i < num; i++) {
		EXPECT_EQ(SIM_DENIED, pr_group_wait(&a[i]));
	}
}

TEST_F(faults, detach)
{
	struct iommufd_sva_hwpt_pgfault r;
	struct pr_group a[2];

	ASSERT_EQ(0, attach(self, 0, self->hwpt));
	ask_two(_metadata, self, a, &r);
	ASSERT_EQ(0, sva_detach(self->fd, self->device[0]));
	expect_denied(_metadata, a, 2);
	EXPECT_EQ(2, pr_told(self->file, "detached"));
	EXPECT_FALSE(has_requests(self->file));
	EXPECT_EQ(-EINVAL, pr_answer(self->file, r.cookie, SUCCESS));
	/* It asks for nothing any more. */
	sim_set_master(self->bdf[0], true);
	EXPECT_EQ(SIM_NO_MASTER, begin(self->bdf[0], SIM_NO_PASID, 3, ADDR));

	/* And again, from the beginning. */
	ASSERT_EQ(0, attach(self, 0, self->hwpt));
	pr_group_start(&a[0], self->bdf[0], SIM_NO_PASID, ADDR, 1);
	ASSERT_EQ(1, pr_await(self->file, &r, 1));
	EXPECT_EQ(0, pr_answer(self->file, r.cookie, SUCCESS));
	EXPECT_EQ(SIM_OK, pr_group_wait(&a[0]));
}

/* As with iommufd: what was asked of the old one is over, and new requests are the new one's. */
TEST_F(faults, replace)
{
	struct iommufd_sva_hwpt_pgfault r;
	uint32_t id, hwpt;
	struct pr_group a[2];
	int file;

	ASSERT_EQ(0, sva_fault_alloc(self->fd, &id, &file));
	ASSERT_EQ(0, sva_hwpt_fault(self->fd, self->device[0], self->ioas, id, &hwpt));
	ASSERT_EQ(0, attach(self, 0, self->hwpt));
	ask_two(_metadata, self, a, &r);
	ASSERT_EQ(0, attach(self, 0, hwpt));
	expect_denied(_metadata, a, 2);
	EXPECT_EQ(-EINVAL, pr_answer(self->file, r.cookie, SUCCESS));
	EXPECT_FALSE(has_requests(self->file));

	pr_group_start(&a[0], self->bdf[0], SIM_NO_PASID, ADDR, 1);
	ASSERT_EQ(1, pr_await(file, &r, 1));
	/* A name of the other queue's. */
	EXPECT_EQ(-EINVAL, pr_answer(self->file, r.cookie, SUCCESS));
	/* The same once more: nothing changes. */
	ASSERT_EQ(0, attach(self, 0, hwpt));
	EXPECT_EQ(1, pr_told(file, "waiting"));
	EXPECT_EQ(0, pr_answer(file, r.cookie, SUCCESS));
	EXPECT_EQ(SIM_OK, pr_group_wait(&a[0]));

	/* What has no queue has no page requests. */
	pr_group_start(&a[0], self->bdf[0], SIM_NO_PASID, ADDR, 1);
	ASSERT_EQ(1, pr_await(file, &r, 1));
	ASSERT_EQ(0, attach(self, 0, self->ioas));
	expect_denied(_metadata, a, 1);
	EXPECT_EQ(SIM_NO_MASTER, begin(self->bdf[0], SIM_NO_PASID, 3, ADDR));
	close(file);
	EXPECT_EQ(0, sva_destroy(self->fd, hwpt));
	EXPECT_EQ(0, sva_destroy(self->fd, id));
}

/* In a thread of its own: replace what is attached to a device. */
struct replacer {
	pthread_t thread;
	int fd, rc;
	uint32_t device, pt;
};

static void *replace(void *arg)
{
	struct replacer *r = arg;

	r->rc = sva_attach(r->fd, r->device, r->pt, NULL);
	return NULL;
}

/*
 * Replace what is attached to the first device by @pt, with a unit that takes its time, and
 * have the device ask meanwhile: what it was told.
 */
static int ask_while_replaced(struct __test_metadata *_metadata, FIXTURE_DATA(faults) *self,
			      uint32_t pt, int answerer)
{
	struct replacer replacer = { .fd = self->fd, .device = self->device[0], .pt = pt };
	struct iommufd_sva_hwpt_pgfault r;
	struct pr_group group;

	EXPECT_EQ(0, sim_inject(0, SIM_FAULT_LATE, ~0U, 400));
	if (pthread_create(&replacer.thread, NULL, replace, &replacer))
		abort();
	usleep(100000);
	pr_group_start(&group, self->bdf[0], SIM_NO_PASID, ADDR, 1);
	pthread_join(replacer.thread, NULL);
	EXPECT_EQ(0, sim_inject(0, SIM_FAULT_LATE, 0, 0));
	EXPECT_EQ(0, replacer.rc);
	if (pr_await_for(answerer, &r, 1, 500) == 1)
		EXPECT_EQ(0, pr_answer(answerer, r.cookie, SUCCESS));
	return pr_group_wait(&group);
}

/*
 * A group that is whole while what is attached is replaced waits, and is then for who is
 * there: nobody, who refuses it, or the new queue. (On a busy machine it may come earlier, or
 * not at all: so late that the device does not ask any more.)
 */
TEST_F(faults, held)
{
	const char *name = sim_name(self->bdf[0]);
	int file, status = SIM_DENIED, told;
	bool refused = false;
	uint32_t id, hwpt;
	uint64_t asked;

	ASSERT_EQ(0, sva_fault_alloc(self->fd, &id, &file));
	ASSERT_EQ(0, sva_hwpt_fault(self->fd, self->device[0], self->ioas, id, &hwpt));
	for (int i = 0; i < 5 && !refused; i++) {
		long before = backend_tells("../page_requests", name, "refused");

		ASSERT_EQ(0, attach(self, 0, self->hwpt));
		asked = sim_device_counter(self->bdf[0], "page_requests");
		told = ask_while_replaced(_metadata, self, self->ioas, file);
		asked = sim_device_counter(self->bdf[0], "page_requests") - asked;
		EXPECT_EQ(asked ? SIM_DENIED : SIM_NO_MASTER, told)
			TH_LOG("%s", sim_status_name(told));
		refused = backend_tells("../page_requests", name, "refused") > before;
	}
	EXPECT_TRUE(refused);
	for (int i = 0; i < 5 && status == SIM_DENIED; i++) {
		ASSERT_EQ(0, attach(self, 0, self->hwpt));
		status = ask_while_replaced(_metadata, self, hwpt, file);
	}
	EXPECT_EQ(SIM_OK, status);
	close(file);
}

/* Two devices have one queue: of the one that goes everything goes, of the other nothing. */
TEST_F(faults, detach_one_of_two)
{
	struct iommufd_sva_hwpt_pgfault r[3];
	struct pr_group a[3];

	ASSERT_EQ(0, attach(self, 0, self->hwpt));
	ASSERT_EQ(0, attach(self, 1, self->hwpt));
	ask_two(_metadata, self, a, r);
	pr_group_start(&a[2], self->bdf[1], SIM_NO_PASID, ADDR, 1);
	for (int ms = 0; pr_told(self->file, "groups") < 3 && ms < 10000; ms++)
		usleep(1000);
	ASSERT_EQ(0, sva_detach(self->fd, self->device[0]));
	expect_denied(_metadata, a, 2);
	ASSERT_EQ(1, pr_take(self->file, &r[2], 1));
	EXPECT_EQ(self->device[1], r[2].dev_id);
	EXPECT_EQ(-EINVAL, pr_answer(self->file, r[0].cookie, SUCCESS));
	EXPECT_EQ(0, pr_answer(self->file, r[2].cookie, SUCCESS));
	EXPECT_EQ(SIM_OK, pr_group_wait(&a[2]));
}

/*
 * A group is attached as one, but the page requests of a device in it are that device's: its
 * user's, from the time that it is attached itself, or bound before another was.
 */
TEST_F(faults, group_of_two)
{
	uint32_t caps = CAPS | SIM_CAP_PRI | SIM_CAP_PRG_PASID, device[2];
	struct iommufd_sva_hwpt_pgfault r;
	int port, bdf[2];
	struct pr_group a;

	port = sim_add(SIM_ROOT_PORT, SIM_ROOT, (FIRST_SLOT + NDEVICES) << 3, SIM_CAP_ACS);
	ASSERT_LT(0, port);
	/* With function 0 the kernel finds all. */
	for (int i = 1; i >= 0; i--) {
		bdf[i] = sim_add(SIM_ENDPOINT, port, i, caps | (i ? 0 : SIM_CAP_MULTI));
		ASSERT_LT(0, bdf[i]);
	}
	ASSERT_EQ(0, sva_bind(self->fd, bdf[0], &device[0]));
	ASSERT_EQ(0, sva_attach(self->fd, device[0], self->hwpt, NULL));
	ASSERT_EQ(0, sva_bind(self->fd, bdf[1], &device[1]));
	for (int i = 0; i < 2; i++)
		ASSERT_EQ(0, sim_set_master(bdf[i], true));
	EXPECT_EQ(SIM_NO_MASTER, begin(bdf[1], SIM_NO_PASID, 0, ADDR));
	/* A reset changes nothing of that. */
	ASSERT_EQ(0, sim_flr(bdf[1]));
	ASSERT_EQ(0, sim_set_master(bdf[1], true));
	EXPECT_EQ(SIM_NO_MASTER, begin(bdf[1], SIM_NO_PASID, 0, ADDR));
	for (int again = 0; again < 2; again++) {
		ASSERT_EQ(0, sva_attach(self->fd, device[1], self->hwpt, NULL));
		ASSERT_EQ(0, sim_set_master(bdf[1], true));
		for (int i = 0; i < 2; i++) {
			pr_group_start(&a, bdf[i], SIM_NO_PASID, ADDR, 1);
			ASSERT_EQ(1, pr_await(self->file, &r, 1));
			EXPECT_EQ(device[i], r.dev_id);
			EXPECT_EQ(0, pr_answer(self->file, r.cookie, SUCCESS));
			EXPECT_EQ(SIM_OK, pr_group_wait(&a));
		}
		pr_group_start(&a, bdf[1], SIM_NO_PASID, ADDR, 1);
		ASSERT_EQ(1, pr_await(self->file, &r, 1));
		ASSERT_EQ(0, sva_detach(self->fd, device[1]));
		EXPECT_EQ(SIM_DENIED, pr_group_wait(&a));
		EXPECT_EQ(-EINVAL, pr_answer(self->file, r.cookie, SUCCESS));
		sim_set_master(bdf[1], true);
		EXPECT_EQ(SIM_NO_MASTER, begin(bdf[1], SIM_NO_PASID, 0, ADDR));
	}
	EXPECT_EQ(0, sva_detach(self->fd, device[0]));
	EXPECT_EQ(0, sim_device_counter(bdf[1], "bad.page_response"));
	EXPECT_EQ(0, sim_device_counter(bdf[1], "bad.pri_not_stopped"));
	sim_remove(port);
}

TEST_F(faults, closed)
{
	struct iommufd_sva_hwpt_pgfault r;
	struct pr_group a[2];

	ASSERT_EQ(0, attach(self, 0, self->hwpt));
	ask_two(_metadata, self, a, &r);
	/* The queue's file keeps the context, and what is attached there. */
	close(self->fd);
	EXPECT_EQ(2, pr_told(self->file, "waiting"));
	EXPECT_EQ(0, pr_answer(self->file, r.cookie, SUCCESS));
	EXPECT_EQ(SIM_OK, pr_group_wait(&a[0]));
	close(self->file);
	expect_denied(_metadata, a + 1, 1);
	self->fd = self->file = -1;
}

TEST_F(faults, unplugged)
{
	struct iommufd_sva_hwpt_pgfault r;
	struct pr_group a[2];

	ASSERT_EQ(0, attach(self, 0, self->hwpt));
	ask_two(_metadata, self, a, &r);
	ASSERT_EQ(0, sim_remove(self->bdf[0]));
	expect_denied(_metadata, a, 2);
	EXPECT_FALSE(has_requests(self->file));
	EXPECT_EQ(0, pr_told(self->file, "waiting"));
	EXPECT_EQ(-EINVAL, pr_answer(self->file, r.cookie, SUCCESS));
	EXPECT_EQ(-ENODEV, attach(self, 0, self->hwpt));
}

/* Nobody is told anything any more, and everything ends. */
TEST_F(faults, pulled_out)
{
	struct iommufd_sva_hwpt_pgfault r;
	struct pr_group a[2];

	ASSERT_EQ(0, attach(self, 0, self->hwpt));
	ask_two(_metadata, self, a, &r);
	ASSERT_EQ(0, sim_kill(self->bdf[0]));
	for (int i = 0; i < 2; i++) {
		EXPECT_EQ(SIM_NO_MASTER, pr_group_wait(&a[i]));
	}
	/* An answer to what is not there. */
	EXPECT_EQ(0, pr_answer(self->file, r.cookie, SUCCESS));
	ASSERT_EQ(0, sim_remove(self->bdf[0]));
	EXPECT_EQ(0, pr_told(self->file, "waiting"));
	EXPECT_FALSE(has_requests(self->file));
}

/* What began before somebody else came is not for him, and does not keep him from anything. */
TEST_F(faults, half_a_group)
{
	struct iommufd_sva_hwpt_pgfault r;
	struct pr_group a;

	ASSERT_EQ(0, attach(self, 0, self->hwpt));
	ASSERT_EQ(SIM_OK, begin(self->bdf[0], SIM_NO_PASID, 4, ADDR));
	ASSERT_EQ(SIM_OK, begin(self->bdf[0], SIM_NO_PASID, 4, ADDR + SZ_4K));
	ASSERT_EQ(0, sva_detach(self->fd, self->device[0]));
	EXPECT_EQ(0, pr_told(self->file, "groups"));
	ASSERT_EQ(0, attach(self, 0, self->hwpt));
	pr_group_start(&a, self->bdf[0], SIM_NO_PASID, ADDR + 2 * SZ_4K, 4);
	ASSERT_EQ(1, pr_await(self->file, &r, 1));
	EXPECT_EQ(ADDR + 2 * SZ_4K, r.addr);
	EXPECT_EQ(0, pr_answer(self->file, r.cookie, SUCCESS));
	EXPECT_EQ(SIM_OK, pr_group_wait(&a));
}

/* A page that is not there, asked for by DMA: the VMM maps it, and the DMA goes on. */
TEST_F(faults, dma_waits_for_its_page)
{
	struct iommufd_sva_hwpt_pgfault r;
	uint8_t *page = mem_alloc(SZ_4K, 0);
	struct pr_dma d;

	mem_fill(page, SZ_4K, 3);
	ASSERT_EQ(0, attach(self, 0, self->hwpt));
	pr_dma_start(&d, self->bdf[0], SIM_NO_PASID, ADDR + 64, PR_ASKS);
	ASSERT_EQ(1, pr_await(self->file, &r, 1));
	EXPECT_EQ(ADDR, r.addr & ~(SZ_4K - 1));
	ASSERT_EQ(0, sva_map(self->fd, self->ioas, page, SZ_4K, ADDR, SVA_RW));
	EXPECT_EQ(0, pr_answer(self->file, r.cookie, SUCCESS));
	EXPECT_EQ(SIM_OK, pr_dma_wait(&d));
	EXPECT_EQ(0, memcmp(d.buf, page + 64, sizeof(d.buf)));
	EXPECT_EQ(0, sva_unmap(self->fd, self->ioas, ADDR, SZ_4K, NULL));
	mem_free(page, SZ_4K);
}

/* --- VFIO's device ---------------------------------------------------------- */

/* Make @device of the fixture VFIO's, and attach what has the queue over it. */
static void attach_over_vfio(struct __test_metadata *_metadata, FIXTURE_DATA(faults) *self,
			     struct vfio *vfio)
{
	const char *name = sim_name(self->bdf[0]);

	ASSERT_EQ(0, sva_destroy(self->fd, self->device[0]));
	ASSERT_EQ(0, pci_bind_driver(name, "vfio-pci"));
	ASSERT_EQ(0, vfio_open(vfio, name));
	ASSERT_EQ(0, vfio_enable(vfio));
	ASSERT_EQ(0, vfio_map(vfio, self->mem, SZ_4K, IOVA, VFIO_RW));
	ASSERT_EQ(0, sva_bind_vfio(self->fd, pci_bdf(name), vfio->group, &self->device[0]));
	ASSERT_EQ(0, sva_attach(self->fd, self->device[0], self->hwpt, NULL));
}

static void end_vfio(FIXTURE_DATA(faults) *self, struct vfio *vfio)
{
	close(self->file);
	close(self->fd);
	self->file = self->fd = -1;
	vfio_close(vfio);
	pci_unbind(sim_name(self->bdf[0]));
}

/* Answers to what the device had forgotten. */
static uint64_t late_answers(FIXTURE_DATA(faults) *self)
{
	return sim_device_counter(self->bdf[0], "bad.page_response");
}

/* What the device has asked for before it is reset it does not know of afterwards. */
TEST_F(faults, reset_by_vfio)
{
	struct iommufd_sva_hwpt_pgfault r;
	/* Nothing times out before all of it has been looked at. */
	uint64_t ms = 3600000;
	struct pr_group a[2];
	struct vfio vfio;
	uint64_t late;

	ASSERT_EQ(0, sva_option(self->fd, TIMEOUT_OPTION, SET, self->id, &ms));
	attach_over_vfio(_metadata, self, &vfio);
	ask_two(_metadata, self, a, &r);
	ASSERT_EQ(0, vfio_reset(&vfio));
	for (int i = 0; i < 2; i++) {
		int status = pr_group_wait(&a[i]);

		EXPECT_TRUE(status == SIM_DENIED || status == SIM_NO_MASTER)
			TH_LOG("%s", sim_status_name(status));
	}
	/*
	 * Kernels that tell us of it: nothing waits any more. Others: as long as it may,
	 * and the device discards the answers (10.4.2.2, Unexpected PRG Index).
	 */
	EXPECT_EQ(2, pr_told(self->file, "detached") + pr_told(self->file, "waiting"));
	EXPECT_EQ(0, pr_told(self->file, "timed-out"));
	ms = 500;
	ASSERT_EQ(0, sva_option(self->fd, TIMEOUT_OPTION, SET, self->id, &ms));
	while (pr_told(self->file, "waiting"))
		usleep(10000);
	EXPECT_FALSE(has_requests(self->file));
	late = pr_told(self->file, "timed-out");
	for (int i = 0; i < 10000 && late_answers(self) < late; i++)
		usleep(1000);
	EXPECT_EQ(late, late_answers(self));
	sim_reset_device_counters(self->bdf[0]);
	ms = 10000;
	ASSERT_EQ(0, sva_option(self->fd, TIMEOUT_OPTION, SET, self->id, &ms));
	ASSERT_EQ(0, vfio_enable(&vfio));
	pr_group_start(&a[0], self->bdf[0], SIM_NO_PASID, ADDR, 5);
	ASSERT_EQ(1, pr_await(self->file, &r, 1));
	EXPECT_EQ(5, r.grpid);
	EXPECT_EQ(0, pr_answer(self->file, r.cookie, SUCCESS));
	EXPECT_EQ(SIM_OK, pr_group_wait(&a[0]));
	end_vfio(self, &vfio);
}

/* VFIO's user goes first. */
TEST_F(faults, closed_by_vfio)
{
	struct iommufd_sva_hwpt_pgfault r;
	struct pr_group a[2];
	struct vfio vfio;

	attach_over_vfio(_metadata, self, &vfio);
	ask_two(_metadata, self, a, &r);
	vfio_close(&vfio);
	for (int i = 0; i < 2; i++) {
		int status = pr_group_wait(&a[i]);

		EXPECT_TRUE(status == SIM_DENIED || status == SIM_NO_MASTER)
			TH_LOG("%s", sim_status_name(status));
		/* Reset before we were told: it discards the answer. */
		if (status == SIM_NO_MASTER)
			sim_reset_device_counters(self->bdf[0]);
	}
	EXPECT_EQ(0, pr_told(self->file, "waiting"));
	EXPECT_EQ(-EINVAL, pr_answer(self->file, r.cookie, SUCCESS));
	EXPECT_FALSE(has_requests(self->file));
	close(self->file);
	close(self->fd);
	self->file = self->fd = -1;
	pci_unbind(sim_name(self->bdf[0]));
}

/* --- PASIDs ---------------------------------------------------------------- */

TEST_F(faults, pasids)
{
	struct iommufd_sva_hwpt_pgfault r, other;
	uint32_t id, hwpt;
	struct pr_group a[2];
	int file;

	if (!backend_is("vtd_nested"))
		SKIP(return, "PASIDs are not attached one by one");
	ASSERT_EQ(0, sva_fault_alloc(self->fd, &id, &file));
	ASSERT_EQ(0, sva_hwpt_fault(self->fd, self->device[0], self->ioas, id, &hwpt));
	/* One without a queue, two with the same, one with another; nothing without a PASID. */
	ASSERT_EQ(0, sva_attach_pasid(self->fd, self->device[0], 1, self->ioas, NULL));
	ASSERT_EQ(0, sva_attach_pasid(self->fd, self->device[0], PASID, self->hwpt, NULL));
	ASSERT_EQ(0, sva_attach_pasid(self->fd, self->device[0], 6, self->hwpt, NULL));
	ASSERT_EQ(0, sva_attach_pasid(self->fd, self->device[0], 7, hwpt, NULL));
	ASSERT_EQ(0, sim_set_master(self->bdf[0], true));

	/* One index for two PASIDs: the device wants them in answers. */
	pr_group_start(&a[0], self->bdf[0], PASID, ADDR, 1);
	ASSERT_EQ(1, pr_await(self->file, &r, 1));
	EXPECT_EQ(LAST | WITH_PASID, r.flags);
	EXPECT_EQ(PASID, r.pasid);
	pr_group_start(&a[1], self->bdf[0], 7, ADDR, 2);
	ASSERT_EQ(1, pr_await(file, &other, 1));
	EXPECT_EQ(7, other.pasid);
	EXPECT_EQ(0, pr_answer(file, other.cookie, SUCCESS));
	EXPECT_EQ(SIM_OK, pr_group_wait(&a[1]));
	EXPECT_EQ(0, pr_answer(self->file, r.cookie, INVALID));
	EXPECT_EQ(SIM_DENIED, pr_group_wait(&a[0]));

	/* Nobody is there for these. */
	pr_group_start(&a[0], self->bdf[0], 1, ADDR, 3);
	EXPECT_EQ(SIM_DENIED, pr_group_wait(&a[0]));
	pr_group_start(&a[0], self->bdf[0], 8, ADDR, 3);
	EXPECT_EQ(SIM_DENIED, pr_group_wait(&a[0]));

	/* One PASID goes; others stay as they are. */
	pr_group_start(&a[0], self->bdf[0], PASID, ADDR, 1);
	ASSERT_EQ(1, pr_await(self->file, &r, 1));
	pr_group_start(&a[1], self->bdf[0], 6, ADDR, 2);
	ASSERT_EQ(1, pr_await(self->file, &other, 1));
	ASSERT_EQ(0, sva_detach_pasid(self->fd, self->device[0], PASID));
	EXPECT_EQ(SIM_DENIED, pr_group_wait(&a[0]));
	EXPECT_EQ(-EINVAL, pr_answer(self->file, r.cookie, SUCCESS));
	EXPECT_EQ(1, pr_told(self->file, "waiting"));
	EXPECT_EQ(0, pr_answer(self->file, other.cookie, SUCCESS));
	EXPECT_EQ(SIM_OK, pr_group_wait(&a[1]));

	/* Replaced by what has another queue, and by what has none. */
	pr_group_start(&a[1], self->bdf[0], 6, ADDR, 2);
	ASSERT_EQ(1, pr_await(self->file, &other, 1));
	ASSERT_EQ(0, sva_attach_pasid(self->fd, self->device[0], 6, hwpt, NULL));
	EXPECT_EQ(SIM_DENIED, pr_group_wait(&a[1]));
	pr_group_start(&a[1], self->bdf[0], 6, ADDR, 2);
	ASSERT_EQ(1, pr_await(file, &other, 1));
	ASSERT_EQ(0, sva_attach_pasid(self->fd, self->device[0], 6, self->ioas, NULL));
	EXPECT_EQ(SIM_DENIED, pr_group_wait(&a[1]));

	ASSERT_EQ(0, sva_detach_pasid(self->fd, self->device[0], 7));
	EXPECT_EQ(SIM_NO_MASTER, begin(self->bdf[0], 1, 3, ADDR));
	close(file);
	EXPECT_EQ(0, sva_destroy(self->fd, hwpt));
	EXPECT_EQ(0, sva_destroy(self->fd, id));
}

/* --- two units -------------------------------------------------------------- */

/* Half of the devices are behind each. */
#define NUNITS 2
#define PER_UNIT 2
#define NASKERS (NUNITS * PER_UNIT)
/* Of each device. */
#define NGROUPS 3

FIXTURE(units)
{
	int fd, file;
	uint32_t ioas, id;
	int bdf[NASKERS];
	uint32_t device[NASKERS];
};

static int unit_of(int i)
{
	return i / PER_UNIT;
}

FIXTURE_SETUP(units)
{
	const uint32_t caps = CAPS | SIM_CAP_PRI | SIM_CAP_PRG_PASID;
	uint32_t hwpt;

	self->fd = -1;
	if (!sim_present() || sim_units() < NUNITS)
		SKIP(return, "needs hardware models of two units");
	self->fd = sva_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, sva_ioas_alloc(self->fd, &self->ioas));
	ASSERT_EQ(0, sva_fault_alloc(self->fd, &self->id, &self->file));
	for (int i = 0; i < NASKERS; i++) {
		unsigned int segment = SIM_SEGMENT + unit_of(i);
		unsigned int slot = FIRST_SLOT + i % PER_UNIT;

		/* What a test left that was ended half-way. */
		sim_remove(segment << 16 | slot << 3);
		self->bdf[i] = sim_add_elsewhere(segment, slot, caps);
		ASSERT_LT(0, self->bdf[i]);
		ASSERT_EQ(0, sva_bind(self->fd, self->bdf[i], &self->device[i]));
		ASSERT_EQ(0, sva_hwpt_fault(self->fd, self->device[i], self->ioas, self->id,
					    &hwpt));
		ASSERT_EQ(0, sva_attach(self->fd, self->device[i], hwpt, NULL));
		ASSERT_EQ(0, sim_set_master(self->bdf[i], true));
	}
}

FIXTURE_TEARDOWN(units)
{
	if (self->fd < 0)
		return;
	close(self->file);
	close(self->fd);
	for (int i = 0; i < NASKERS; i++) {
		EXPECT_EQ(0, sim_device_counter(self->bdf[i], "bad.page_response"));
		EXPECT_EQ(0, sim_device_counter(self->bdf[i], "bad.page_response_pasid"));
		sim_remove((SIM_SEGMENT + unit_of(i)) << 16 | (FIRST_SLOT + i % PER_UNIT) << 3);
	}
	for (int unit = 0; unit < NUNITS; unit++) {
		EXPECT_STREQ("", sim_bad(unit));
	}
}

/* What device @i hears of @group: behind the other unit it is another answer. */
static uint32_t code_for(int i, unsigned int group)
{
	return (unit_of(i) + group) % 2 ? INVALID : SUCCESS;
}

static int asker_of(FIXTURE_DATA(units) *self, uint32_t device)
{
	for (int i = 0; i < NASKERS; i++)
		if (self->device[i] == device)
			return i;
	return -1;
}

/* Has one of this unit's a requester ID that one of that unit's has too? */
static bool have_namesakes(FIXTURE_DATA(units) *self)
{
	for (int i = 0; i < PER_UNIT; i++)
		for (int k = PER_UNIT; k < NASKERS; k++)
			if ((self->bdf[i] & 0xffff) == (self->bdf[k] & 0xffff))
				return true;
	return false;
}

/* Answers of one write() find their way, and each unit gets its own at once. */
TEST_F(units, answers_of_one_write)
{
	enum { NUM = NASKERS * NGROUPS };
	const char *answer = backend_is("vtd_nested") ? "page_response" : "PRI_RESP";
	struct iommufd_sva_hwpt_page_response answers[NUM];
	struct iommufd_sva_hwpt_pgfault r[NUM];
	struct pr_group a[NUM];

	EXPECT_TRUE(have_namesakes(self));
	/* In turn one of this unit's and one of that. */
	for (int n = 0; n < NUM; n++) {
		int i = n % NUNITS * PER_UNIT + n / NUNITS % PER_UNIT;

		pr_group_start(&a[n], self->bdf[i], SIM_NO_PASID, ADDR + n * SZ_4K, n / NASKERS);
		for (int ms = 0; pr_told(self->file, "groups") <= n && ms < 10000; ms++)
			usleep(1000);
	}
	ASSERT_EQ(NUM, pr_take(self->file, r, NUM));
	for (int n = 0; n < NUM; n++) {
		int i = asker_of(self, r[n].dev_id);

		ASSERT_LE(0, i);
		EXPECT_EQ(a[n].bdf, self->bdf[i]);
		answers[n] = (struct iommufd_sva_hwpt_page_response){
			.cookie = r[n].cookie,
			.code = code_for(i, r[n].grpid),
		};
	}
	for (int unit = 0; unit < NUNITS; unit++)
		sim_reset_counters(unit);
	EXPECT_EQ(sizeof(answers), write(self->file, answers, sizeof(answers)));
	for (int n = 0; n < NUM; n++) {
		uint32_t code = answers[n].code;

		EXPECT_EQ(code == SUCCESS ? SIM_OK : SIM_DENIED, pr_group_wait(&a[n]))
			TH_LOG("%d", n);
	}
	for (int i = 0; i < NASKERS; i++) {
		EXPECT_EQ(NGROUPS, pr_answers(self->bdf[i]));
	}
	for (int unit = 0; unit < NUNITS; unit++) {
		EXPECT_EQ(1, sim_counter(unit, "batches"));
		EXPECT_EQ(PER_UNIT * NGROUPS, sim_counter(unit, answer));
	}
	EXPECT_EQ(NUM, pr_told(self->file, "answered-success") +
		       pr_told(self->file, "answered-invalid"));
}

TEST_HARNESS_MAIN
