// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fault rings: page requests and answers in shared memory. What arrives, in which order,
 * who is woken when; a VMM that never makes a system call; one that writes nonsense.
 * Needs a hardware model. Plugs its own devices in.
 */
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "pr.h"
#include "ring.h"
#include "selftest.h"
#include "sim.h"

#define SLOT 20
#define NDEVICES 2
#define CAPS (SIM_CAP_FLR | SIM_CAP_ATS | SIM_CAP_PRI | SIM_CAP_PASID | SIM_CAP_PRG_PASID)
#define IOVA 0x10000000UL
#define OK IOMMUFD_SVA_PAGE_RESP_SUCCESS
#define INVALID IOMMUFD_SVA_PAGE_RESP_INVALID
/* The kernel has stopped looking at the ring long before. */
#define IDLE_MS 400
/* How long an answer may take on a busy machine. */
#define SOON_MS 5000

FIXTURE(fault_ring)
{
	int fd, fault_fd, event;
	uint32_t ioas, fault, hwpt;
	int bdf[NDEVICES];
	uint32_t device[NDEVICES];
	struct ring ring;
};

static void __attribute__((constructor)) skip_all(void)
{
	if (sim_present())
		return;
	printf("TAP version 13\n1..1\nok 1 fault_ring # SKIP no hardware model\n");
	exit(KSFT_SKIP);
}

FIXTURE_SETUP(fault_ring)
{
	self->fd = sva_open();
	ASSERT_LE(0, self->fd);
	self->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ASSERT_LE(0, self->event);
	ASSERT_EQ(0, sva_ioas_alloc(self->fd, &self->ioas));
	ASSERT_EQ(0, sva_fault_alloc(self->fd, &self->fault, &self->fault_fd));
	for (int i = 0; i < NDEVICES; i++) {
		self->bdf[i] = sim_add_endpoint(SLOT + i, CAPS);
		ASSERT_LT(0, self->bdf[i]);
		ASSERT_EQ(0, sva_bind(self->fd, self->bdf[i], &self->device[i]));
		ASSERT_EQ(0, sim_set_master(self->bdf[i], true));
		if (!i)
			ASSERT_EQ(0, sva_hwpt_fault(self->fd, self->device[i], self->ioas,
						    self->fault, &self->hwpt));
		ASSERT_EQ(0, sva_attach(self->fd, self->device[i], self->hwpt, NULL));
	}
}

FIXTURE_TEARDOWN(fault_ring)
{
	ring_close(&self->ring);
	close(self->event);
	if (self->fault_fd >= 0)
		close(self->fault_fd);
	close(self->fd);
	for (int i = 0; i < NDEVICES; i++) {
		EXPECT_EQ(0, sim_device_counter(self->bdf[i], "bad.page_response"));
		EXPECT_EQ(0, sim_device_counter(self->bdf[i], "bad.page_response_pasid"));
		EXPECT_EQ(0, sim_device_counter(self->bdf[i], "bad.pri_not_stopped"));
		sim_remove_slot(SLOT + i);
	}
	EXPECT_STREQ("", sim_bad(0));
}

/* --- what is asked ------------------------------------------------------- */

static void open_ring(struct __test_metadata *_metadata, FIXTURE_DATA(fault_ring) *self,
		      uint32_t entries)
{
	ASSERT_EQ(0, ring_open(&self->ring, self->fd, self->fault, self->fault_fd, self->event,
			       entries));
}

/* Ask for @num pages, group @group of device @i, and do not wait. */
static int ask(FIXTURE_DATA(fault_ring) *self, int i, unsigned int group, unsigned int num)
{
	for (unsigned int n = 1; n <= num; n++) {
		int status = sim_page_request(self->bdf[i], SIM_NO_PASID, IOVA + n * SZ_4K, group,
					      SIM_PR_READ | (n == num ? SIM_PR_LAST : 0), 0);

		if (status)
			return status;
	}
	return 0;
}

/* How often it was signalled since it was last asked. */
static uint64_t signals(FIXTURE_DATA(fault_ring) *self)
{
	uint64_t num;

	return read(self->event, &num, sizeof(num)) == sizeof(num) ? num : 0;
}

static bool signalled(FIXTURE_DATA(fault_ring) *self)
{
	struct pollfd pfd = { .fd = self->event, .events = POLLIN };

	return poll(&pfd, 1, SOON_MS) == 1;
}

static bool needs_kick(FIXTURE_DATA(fault_ring) *self)
{
	return __atomic_load_n(&self->ring.header->state, __ATOMIC_RELAXED) &
	       IOMMUFD_SVA_FAULT_RING_NEED_KICK;
}

/*
 * Whoever puts a group in has the queue's lock until the eventfd is signalled and the kernel
 * looks; whoever stops looking has it, too. Under that lock the file says what is in it: after
 * this nobody is half-way.
 */
static long groups(FIXTURE_DATA(fault_ring) *self)
{
	return pr_told(self->fault_fd, "groups");
}

/* Wait until the fault queue has had @num groups. */
static bool has_groups(FIXTURE_DATA(fault_ring) *self, long num)
{
	for (uint64_t end = now_ns() + SOON_MS * 1000000ULL; now_ns() < end; usleep(1000))
		if (groups(self) >= num)
			break;
	return groups(self) == num;
}

/*
 * Wait until the kernel does not look any more: not taking what it said before the last group
 * came for that. With no answers there it has stopped then.
 */
static bool goes_idle(FIXTURE_DATA(fault_ring) *self)
{
	bool idle = false;

	groups(self);
	for (uint64_t end = now_ns() + SOON_MS * 1000000ULL; now_ns() < end && !idle; usleep(1000))
		idle = needs_kick(self);
	groups(self);
	return idle;
}

static uint32_t refused(FIXTURE_DATA(fault_ring) *self)
{
	return __atomic_load_n(&self->ring.header->refused, __ATOMIC_ACQUIRE);
}

/* The kernel has taken all answers out. */
static bool answers_taken(FIXTURE_DATA(fault_ring) *self)
{
	for (uint64_t end = now_ns() + SOON_MS * 1000000ULL; now_ns() < end; usleep(1000))
		if (!ring_unanswered(&self->ring))
			return true;
	return false;
}

/* The next group in the ring is @grpid of device @i with @num requests; its cookie. */
static uint32_t next_group(struct __test_metadata *_metadata, FIXTURE_DATA(fault_ring) *self,
			   int i, uint32_t grpid, uint32_t num)
{
	const struct iommufd_sva_hwpt_pgfault *fault;
	uint32_t cookie = 0;

	for (uint32_t n = 1; n <= num; n++) {
		fault = ring_wait(&self->ring, SOON_MS);
		ASSERT_NE(NULL, fault);
		EXPECT_EQ(n == num ? IOMMUFD_SVA_PGFAULT_FLAGS_LAST_PAGE : 0, fault->flags);
		EXPECT_EQ(self->device[i], fault->dev_id);
		EXPECT_EQ(grpid, fault->grpid);
		EXPECT_EQ(IOVA + n * SZ_4K, fault->addr);
		EXPECT_EQ(IOMMUFD_SVA_PGFAULT_PERM_READ, fault->perm);
		if (n > 1)
			EXPECT_EQ(cookie, fault->cookie);
		cookie = fault->cookie;
		ring_taken(&self->ring, 1);
	}
	return cookie;
}

static int set_timeout(FIXTURE_DATA(fault_ring) *self, uint64_t ms)
{
	return sva_option(self->fd, IOMMUFD_SVA_OPTION_PAGE_RESPONSE_TIMEOUT,
			  IOMMUFD_SVA_OPTION_OP_SET, self->fault, &ms);
}

/* --- the ioctl, and mmap() -------------------------------------------------- */

TEST_F(fault_ring, arguments)
{
	struct iommufd_sva_fault_ring cmd = {
		.size = sizeof(cmd), .fault_id = self->fault, .eventfd = -1, .entries = 8,
	};
	int file = open("/dev/zero", O_RDONLY);

	cmd.flags = 1;
	EXPECT_EQ(-EOPNOTSUPP, sva_ioctl(self->fd, IOMMUFD_SVA_FAULT_RING, &cmd));
	cmd.flags = 0;
	cmd.__reserved = 1;
	EXPECT_EQ(-EOPNOTSUPP, sva_ioctl(self->fd, IOMMUFD_SVA_FAULT_RING, &cmd));
	EXPECT_EQ(-ENOENT, sva_fault_ring(self->fd, self->ioas, -1, 8, NULL));
	EXPECT_EQ(-ENOENT, sva_fault_ring(self->fd, 0x7fffffff, -1, 8, NULL));
	EXPECT_EQ(-EINVAL, sva_fault_ring(self->fd, self->fault, -1, 3, NULL));
	EXPECT_EQ(-EINVAL, sva_fault_ring(self->fd, self->fault, -1,
					  2 * IOMMUFD_SVA_FAULT_RING_MAX, NULL));
	EXPECT_EQ(-EINVAL, sva_fault_ring(self->fd, self->fault, -1, 0, NULL));
	EXPECT_EQ(-EINVAL, sva_fault_ring(self->fd, self->fault, file, 8, NULL));
	EXPECT_EQ(-EBADF, sva_fault_ring(self->fd, self->fault, 1000, 8, NULL));
	EXPECT_EQ(-EBADF, sva_fault_ring(self->fd, self->fault, -2, 8, NULL));
	/* None of these has left anything. */
	ASSERT_EQ(0, sva_fault_ring(self->fd, self->fault, -1, 8, NULL));
	EXPECT_EQ(-EBUSY, sva_fault_ring(self->fd, self->fault, -1, 8, NULL));
	EXPECT_EQ(-EBUSY, sva_fault_ring(self->fd, self->fault, self->event, 0, NULL));
	close(file);
}

static bool maps(FIXTURE_DATA(fault_ring) *self, size_t len, int flags, off_t offset)
{
	void *map = mmap(NULL, len, PROT_READ | PROT_WRITE, flags, self->fault_fd, offset);

	if (map == MAP_FAILED)
		return false;
	munmap(map, len);
	return true;
}

TEST_F(fault_ring, mapping)
{
	uint64_t len;

	EXPECT_FALSE(maps(self, SZ_4K, MAP_SHARED, 0));
	ASSERT_EQ(0, sva_fault_ring(self->fd, self->fault, -1, 1024, &len));
	EXPECT_LT(SZ_4K, len);
	EXPECT_EQ(0, len % SZ_4K);
	EXPECT_TRUE(maps(self, len, MAP_SHARED, 0));
	EXPECT_FALSE(maps(self, len, MAP_PRIVATE, 0));
	EXPECT_FALSE(maps(self, len, MAP_SHARED, SZ_4K));
	EXPECT_FALSE(maps(self, len + SZ_4K, MAP_SHARED, 0));
	EXPECT_FALSE(maps(self, len - SZ_4K, MAP_SHARED, 0));
}

/* Neither the file nor the context has to be open any longer, nor can it grow. */
TEST_F(fault_ring, mapped_longer_than_open)
{
	volatile uint8_t *bytes;

	open_ring(_metadata, self, 64);
	bytes = (void *)self->ring.header;
	close(self->fault_fd);
	self->fault_fd = -1;
	close(self->fd);
	self->fd = -1;
	EXPECT_EQ(MAP_FAILED, mremap(self->ring.header, self->ring.len, 2 * self->ring.len,
				     MREMAP_MAYMOVE));
	for (size_t at = 0; at < self->ring.len; at++)
		bytes[at] = at;
	EXPECT_EQ((self->ring.len - 1) & 0xff, bytes[self->ring.len - 1]);
}

/* --- in order, and answered -------------------------------------------------- */

TEST_F(fault_ring, there_and_back)
{
	uint32_t cookie;

	open_ring(_metadata, self, 8);
	EXPECT_EQ(8, self->ring.entries);
	EXPECT_EQ(0, signals(self));
	EXPECT_EQ(0, ring_pending(&self->ring));
	ASSERT_EQ(0, ask(self, 0, 5, 1));
	EXPECT_TRUE(signalled(self));
	cookie = next_group(_metadata, self, 0, 5, 1);
	EXPECT_EQ(0, pr_answers(self->bdf[0]));
	ASSERT_TRUE(ring_respond(&self->ring, cookie, OK));
	ring_send(&self->ring);
	EXPECT_TRUE(pr_has_answers(self->bdf[0], 1));
	/* The device hears of it first. */
	EXPECT_TRUE(answers_taken(self));
	EXPECT_EQ(0, refused(self));
}

/* The device hears what the VMM said. */
TEST_F(fault_ring, codes)
{
	struct pr_group group;

	open_ring(_metadata, self, 2);
	for (int i = 0; i < 2; i++) {
		pr_group_start(&group, self->bdf[i], SIM_NO_PASID, IOVA + SZ_4K, i + 1);
		ASSERT_TRUE(ring_respond(&self->ring,
					 next_group(_metadata, self, i, i + 1, 1),
					 i ? INVALID : OK));
		ring_send(&self->ring);
		EXPECT_EQ(i ? SIM_DENIED : SIM_OK, pr_group_wait(&group));
	}
}

/* Groups of all sizes around the end of the ring, of two devices in turn. */
TEST_F(fault_ring, around_and_around)
{
	uint64_t num[NDEVICES] = {};

	open_ring(_metadata, self, 8);
	for (uint32_t round = 0; round < 60; round++) {
		uint32_t i = round % NDEVICES, size = round % 7 + 1;

		ASSERT_EQ(0, ask(self, i, round, size));
		ASSERT_TRUE(ring_respond(&self->ring,
					 next_group(_metadata, self, i, round, size), OK));
		ring_send(&self->ring);
		ASSERT_TRUE(pr_has_answers(self->bdf[i], ++num[i]));
	}
	EXPECT_EQ(0, refused(self));
}

/* Only when there was nothing: once for many. */
TEST_F(fault_ring, signalled_when_it_was_empty)
{
	uint32_t cookie[3];

	open_ring(_metadata, self, 8);
	ASSERT_EQ(0, ask(self, 0, 0, 1));
	EXPECT_TRUE(signalled(self));
	ASSERT_EQ(0, ask(self, 0, 1, 1));
	ASSERT_EQ(0, ask(self, 0, 2, 1));
	for (int i = 0; i < 3; i++)
		cookie[i] = next_group(_metadata, self, 0, i, 1);
	EXPECT_EQ(1, signals(self));
	/* The kernel has not been told that they were taken. */
	ASSERT_EQ(0, ask(self, 0, 3, 1));
	next_group(_metadata, self, 0, 3, 1);
	EXPECT_EQ(0, signals(self));
	for (int i = 0; i < 3; i++)
		ASSERT_TRUE(ring_respond(&self->ring, cookie[i], OK));
	ring_send(&self->ring);
	EXPECT_TRUE(pr_has_answers(self->bdf[0], 3));
	ASSERT_EQ(0, ask(self, 0, 4, 1));
	EXPECT_TRUE(signalled(self));
}

TEST_F(fault_ring, eventfd_alone)
{
	struct iommufd_sva_hwpt_pgfault faults[4];

	ASSERT_EQ(0, sva_fault_ring(self->fd, self->fault, self->event, 0, NULL));
	EXPECT_FALSE(maps(self, SZ_4K, MAP_SHARED, 0));
	ASSERT_EQ(0, ask(self, 0, 0, 2));
	EXPECT_TRUE(signalled(self));
	ASSERT_EQ(0, ask(self, 0, 1, 1));
	EXPECT_TRUE(has_groups(self, 2));
	usleep(IDLE_MS * 1000);
	EXPECT_EQ(1, signals(self));
	EXPECT_EQ(3 * sizeof(faults[0]), read(self->fault_fd, faults, sizeof(faults)));
	ASSERT_EQ(0, ask(self, 0, 2, 1));
	EXPECT_TRUE(signalled(self));
}

/* What came before there was a ring comes into it. */
TEST_F(fault_ring, late_ring)
{
	ASSERT_EQ(0, ask(self, 0, 0, 3));
	ASSERT_EQ(0, ask(self, 1, 1, 2));
	EXPECT_TRUE(has_groups(self, 2));
	EXPECT_EQ(-EINVAL, sva_fault_ring(self->fd, self->fault, self->event, 2, NULL));
	open_ring(_metadata, self, 4);
	EXPECT_TRUE(signalled(self));
	ASSERT_TRUE(ring_respond(&self->ring, next_group(_metadata, self, 0, 0, 3), OK));
	ring_send(&self->ring);
	ASSERT_TRUE(ring_respond(&self->ring, next_group(_metadata, self, 1, 1, 2), OK));
	ring_send(&self->ring);
	EXPECT_TRUE(pr_has_answers(self->bdf[0], 1));
	EXPECT_TRUE(pr_has_answers(self->bdf[1], 1));
}

/* --- full -------------------------------------------------------------------- */

/* What does not fit waits, whole, and is not overtaken. */
TEST_F(fault_ring, full)
{
	uint32_t cookie[4];

	open_ring(_metadata, self, 4);
	ASSERT_EQ(0, ask(self, 0, 0, 3));
	ASSERT_EQ(0, ask(self, 0, 1, 2));
	ASSERT_EQ(0, ask(self, 1, 2, 1));
	ASSERT_EQ(0, ask(self, 1, 3, 4));
	cookie[0] = next_group(_metadata, self, 0, 0, 3);
	usleep(IDLE_MS * 1000);
	EXPECT_EQ(0, ring_pending(&self->ring));
	/* Room without an answer. */
	ring_send(&self->ring);
	cookie[1] = next_group(_metadata, self, 0, 1, 2);
	cookie[2] = next_group(_metadata, self, 1, 2, 1);
	usleep(IDLE_MS * 1000);
	EXPECT_EQ(0, ring_pending(&self->ring));
	ring_send(&self->ring);
	cookie[3] = next_group(_metadata, self, 1, 3, 4);
	for (int i = 0; i < 4; i++)
		ASSERT_TRUE(ring_respond(&self->ring, cookie[i], OK));
	EXPECT_FALSE(ring_respond(&self->ring, 0, OK));
	ring_send(&self->ring);
	EXPECT_TRUE(pr_has_answers(self->bdf[0], 2));
	EXPECT_TRUE(pr_has_answers(self->bdf[1], 2));
	EXPECT_EQ(0, refused(self));
}

/* That can be had by read(), and answered by write() all the same. */
TEST_F(fault_ring, read_what_does_not_fit)
{
	struct iommufd_sva_hwpt_pgfault fault;

	open_ring(_metadata, self, 1);
	ASSERT_EQ(0, ask(self, 0, 0, 1));
	ASSERT_EQ(0, ask(self, 0, 1, 1));
	ASSERT_EQ(1, pr_await(self->fault_fd, &fault, 1));
	EXPECT_EQ(1, fault.grpid);
	EXPECT_EQ(0, pr_take(self->fault_fd, &fault, 1));
	EXPECT_EQ(0, pr_answer(self->fault_fd, fault.cookie, OK));
	EXPECT_TRUE(pr_has_answers(self->bdf[0], 1));
	EXPECT_EQ(0, pr_answer(self->fault_fd, next_group(_metadata, self, 0, 0, 1), OK));
	EXPECT_TRUE(pr_has_answers(self->bdf[0], 2));
}

/* It could never be put in: it is refused, and is in nobody's way. */
TEST_F(fault_ring, larger_than_the_ring)
{
	open_ring(_metadata, self, 4);
	ASSERT_EQ(0, ask(self, 0, 0, 5));
	EXPECT_TRUE(pr_has_answers(self->bdf[0], 1));
	EXPECT_EQ(0, ring_pending(&self->ring));
	EXPECT_EQ(1, pr_told(self->fault_fd, "too-large"));
	ASSERT_EQ(0, ask(self, 0, 1, 4));
	ASSERT_TRUE(ring_respond(&self->ring, next_group(_metadata, self, 0, 1, 4), OK));
	ring_send(&self->ring);
	EXPECT_TRUE(pr_has_answers(self->bdf[0], 2));
}

/* --- kicks ------------------------------------------------------------------- */

TEST_F(fault_ring, kick)
{
	uint32_t cookie;

	open_ring(_metadata, self, 8);
	EXPECT_TRUE(needs_kick(self));
	ASSERT_EQ(0, ask(self, 0, 0, 1));
	cookie = next_group(_metadata, self, 0, 0, 1);
	/* It looked for a while. */
	EXPECT_TRUE(goes_idle(self));
	ASSERT_TRUE(ring_respond(&self->ring, cookie, OK));
	EXPECT_TRUE(ring_publish(&self->ring));
	usleep(IDLE_MS * 1000);
	EXPECT_EQ(1, ring_unanswered(&self->ring));
	EXPECT_EQ(0, pr_answers(self->bdf[0]));
	EXPECT_EQ(0, ring_kick(&self->ring));
	EXPECT_EQ(0, ring_unanswered(&self->ring));
	EXPECT_EQ(1, pr_answers(self->bdf[0]));
}

/* The next page request is a kick, too. */
TEST_F(fault_ring, request_as_a_kick)
{
	uint32_t cookie;

	open_ring(_metadata, self, 8);
	ASSERT_EQ(0, ask(self, 0, 0, 1));
	cookie = next_group(_metadata, self, 0, 0, 1);
	EXPECT_TRUE(goes_idle(self));
	ASSERT_TRUE(ring_respond(&self->ring, cookie, OK));
	EXPECT_TRUE(ring_publish(&self->ring));
	ASSERT_EQ(0, ask(self, 1, 0, 1));
	EXPECT_TRUE(pr_has_answers(self->bdf[0], 1));
}

/*
 * Nobody kicks: what stands in the ring when the time is over is taken for an answer. On a busy
 * machine we may come too late with that: then once more.
 */
TEST_F(fault_ring, answered_but_not_kicked)
{
	const uint64_t ms = 1500;
	struct pr_group group;
	uint64_t start, took;
	int status;

	ASSERT_EQ(0, set_timeout(self, ms));
	open_ring(_metadata, self, 8);
	for (int i = 0; i < 10; i++) {
		start = now_ns();
		pr_group_start(&group, self->bdf[0], SIM_NO_PASID, IOVA + SZ_4K, 1);
		ASSERT_TRUE(ring_respond(&self->ring, next_group(_metadata, self, 0, 1, 1), OK));
		EXPECT_TRUE(goes_idle(self));
		ring_publish(&self->ring);
		took = (now_ns() - start) / 1000000;
		status = pr_group_wait(&group);
		/* The clock that the group is late by ticks. */
		if (took < ms - 100)
			break;
		EXPECT_EQ(0, ring_kick(&self->ring));
	}
	EXPECT_GT(ms - 100, took) TH_LOG("too slow to tell");
	EXPECT_EQ(SIM_OK, status);
}

/* --- a busy VMM ---------------------------------------------------------------- */

#define BUSY_GROUPS 3000

/* A child, which does not outlive a test that fails. */
static int start_child(void)
{
	int child = fork();

	if (!child)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return child;
}

/* Any system call but to exit is the end of it. */
static void no_system_calls(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	struct sock_fprog prog = { .len = ARRAY_SIZE(filter), .filter = filter };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog))
		_exit(2);
}

/* Takes and answers groups of one and does nothing else, @stop or not. */
static void busy_vmm(struct ring *ring, volatile uint32_t *stop)
{
	const struct iommufd_sva_hwpt_pgfault *fault;

	no_system_calls();
	while (!*stop) {
		while ((fault = ring_next(ring)) && ring_respond(ring, fault->cookie, OK))
			ring_taken(ring, 1);
		ring_publish(ring);
	}
	_exit(0);
}

/*
 * On a machine with much else to do the child may not run for so long that the kernel looks
 * at the ring no more. Somebody else kicks for it then.
 */
struct kicker {
	struct ring *ring;
	volatile bool stop;
	unsigned int kicks;
};

static void *kick_for_it(void *arg)
{
	struct kicker *kicker = arg;
	struct iommufd_sva_fault_ring_header *header = kicker->ring->header;

	for (; !kicker->stop; usleep(10000)) {
		if (!(__atomic_load_n(&header->state, __ATOMIC_SEQ_CST) &
		      IOMMUFD_SVA_FAULT_RING_NEED_KICK) ||
		    __atomic_load_n(&header->response_head, __ATOMIC_SEQ_CST) ==
		    __atomic_load_n(&header->response_tail, __ATOMIC_SEQ_CST))
			continue;
		ring_kick(kicker->ring);
		kicker->kicks++;
	}
	return NULL;
}

TEST_F(fault_ring, no_system_calls)
{
	struct kicker kicker = { .ring = &self->ring };
	pthread_t thread;
	uint32_t *stop = mmap(NULL, SZ_4K, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
			      0);
	int status, child;

	ASSERT_NE(MAP_FAILED, stop);
	open_ring(_metadata, self, 16);
	child = start_child();
	ASSERT_LE(0, child);
	if (!child)
		busy_vmm(&self->ring, stop);
	ASSERT_EQ(0, pthread_create(&thread, NULL, kick_for_it, &kicker));
	for (int i = 0; i < BUSY_GROUPS; i++) {
		status = sim_page_request(self->bdf[i % NDEVICES], SIM_NO_PASID, IOVA, i % 512,
					  SIM_PR_READ | SIM_PR_LAST, i % 3 ? 0 : SOON_MS);
		/* With all credits out there for answers it waits for one. */
		for (int waited = 0; status == SIM_NO_MASTER && waited < SOON_MS; waited++) {
			usleep(1000);
			status = sim_page_request(self->bdf[i % NDEVICES], SIM_NO_PASID, IOVA,
						  i % 512, SIM_PR_READ | SIM_PR_LAST, 0);
		}
		ASSERT_EQ(SIM_OK, status) TH_LOG("group %d", i);
	}
	EXPECT_TRUE(pr_has_answers(self->bdf[0], BUSY_GROUPS / 2));
	EXPECT_TRUE(pr_has_answers(self->bdf[1], BUSY_GROUPS / 2));
	*stop = 1;
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_TRUE(WIFEXITED(status) && !WEXITSTATUS(status)) TH_LOG("status %#x", status);
	kicker.stop = true;
	ASSERT_EQ(0, pthread_join(thread, NULL));
	/* Rarely: the kernel does look. */
	EXPECT_GT(BUSY_GROUPS / 20, kicker.kicks);
	EXPECT_EQ(0, refused(self));
	munmap(stop, SZ_4K);
}

/* --- a VMM that does not do what it should ------------------------------------ */

TEST_F(fault_ring, forged_responses)
{
	uint32_t cookie[2], num = 0;

	open_ring(_metadata, self, 8);
	ASSERT_EQ(0, ask(self, 0, 0, 1));
	ASSERT_EQ(0, ask(self, 1, 1, 2));
	cookie[0] = next_group(_metadata, self, 0, 0, 1);
	cookie[1] = next_group(_metadata, self, 1, 1, 2);
	/* Of nothing, of next time, with a code that does not exist. */
	ASSERT_TRUE(ring_respond(&self->ring, 0, OK));
	ASSERT_TRUE(ring_respond(&self->ring, cookie[0] ^ 0x80000000, OK));
	ASSERT_TRUE(ring_respond(&self->ring, cookie[0] ^ 1 << 12, INVALID));
	ASSERT_TRUE(ring_respond(&self->ring, cookie[0], 2));
	ASSERT_TRUE(ring_respond(&self->ring, cookie[0], 15));
	num += 5;
	ring_send(&self->ring);
	EXPECT_TRUE(answers_taken(self));
	EXPECT_EQ(num, refused(self));
	EXPECT_EQ(0, pr_answers(self->bdf[0]));
	/* Twice, and what is good among them. */
	ASSERT_TRUE(ring_respond(&self->ring, cookie[0], OK));
	ASSERT_TRUE(ring_respond(&self->ring, cookie[0], OK));
	ASSERT_TRUE(ring_respond(&self->ring, cookie[1], OK));
	num += 1;
	ring_send(&self->ring);
	EXPECT_TRUE(pr_has_answers(self->bdf[0], 1));
	EXPECT_TRUE(pr_has_answers(self->bdf[1], 1));
	EXPECT_TRUE(answers_taken(self));
	EXPECT_EQ(num, refused(self));
	/* Late. */
	ASSERT_TRUE(ring_respond(&self->ring, cookie[1], OK));
	ring_publish(&self->ring);
	EXPECT_EQ(0, ring_kick(&self->ring));
	EXPECT_EQ(num + 1, refused(self));
	EXPECT_EQ(1, pr_answers(self->bdf[1]));
}

/* An answer comes after the time was over. */
TEST_F(fault_ring, late_response)
{
	uint32_t cookie;

	ASSERT_EQ(0, set_timeout(self, 100));
	open_ring(_metadata, self, 8);
	ASSERT_EQ(0, ask(self, 0, 0, 1));
	cookie = next_group(_metadata, self, 0, 0, 1);
	EXPECT_TRUE(pr_has_answers(self->bdf[0], 1));
	ASSERT_TRUE(ring_respond(&self->ring, cookie, OK));
	ring_publish(&self->ring);
	EXPECT_EQ(0, ring_kick(&self->ring));
	EXPECT_EQ(1, refused(self));
	EXPECT_EQ(1, pr_answers(self->bdf[0]));
}

/* Indices that cannot be: no room, no answers; and all is well when they are mended. */
TEST_F(fault_ring, impossible_indices)
{
	struct iommufd_sva_fault_ring_header *header;
	uint32_t cookie;

	open_ring(_metadata, self, 4);
	header = self->ring.header;
	ASSERT_EQ(0, ask(self, 0, 0, 1));
	cookie = next_group(_metadata, self, 0, 0, 1);
	header->fault_tail = 2;
	header->response_head = 5;
	ASSERT_EQ(0, ring_kick(&self->ring));
	header->response_head = ~0U;
	ASSERT_EQ(0, ring_kick(&self->ring));
	EXPECT_EQ(0, header->response_tail);
	EXPECT_EQ(0, refused(self));
	/* It is not there for who has taken what was not. */
	ASSERT_EQ(0, ask(self, 0, 1, 1));
	usleep(IDLE_MS * 1000);
	EXPECT_EQ(0, ring_pending(&self->ring));
	header->response_head = 0;
	ring_send(&self->ring);
	ASSERT_TRUE(ring_respond(&self->ring, cookie, OK));
	ASSERT_TRUE(ring_respond(&self->ring, next_group(_metadata, self, 0, 1, 1), OK));
	ring_send(&self->ring);
	EXPECT_TRUE(pr_has_answers(self->bdf[0], 2));
}

/* What the kernel has written there means nothing to the kernel. */
TEST_F(fault_ring, kernels_indices)
{
	struct iommufd_sva_fault_ring_header *header;

	open_ring(_metadata, self, 4);
	header = self->ring.header;
	header->fault_head = 77;
	header->response_tail = 99;
	header->entries = 1 << 30;
	header->faults_offset = ~0U;
	header->responses_offset = ~0U;
	ASSERT_EQ(0, ask(self, 0, 0, 3));
	ASSERT_TRUE(signalled(self));
	EXPECT_EQ(3, header->fault_head);
	ASSERT_TRUE(ring_respond(&self->ring, next_group(_metadata, self, 0, 0, 3), OK));
	ring_publish(&self->ring);
	ASSERT_EQ(0, ring_kick(&self->ring));
	EXPECT_EQ(1, header->response_tail);
	EXPECT_TRUE(pr_has_answers(self->bdf[0], 1));
}

/* Writes anything anywhere until it is killed. */
static void scribble(struct ring *ring)
{
	uint64_t *words = (void *)ring->header, num = ring->len / sizeof(*words), x = 88172645463325252;

	for (;;) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		/* Half of it into the header, and small numbers that might be believed. */
		__atomic_store_n(&words[x & 1 ? (x >> 8) % 16 : (x >> 8) % num],
				 x & 2 ? (x >> 40) & 0x3f0000003f : x, __ATOMIC_RELAXED);
	}
}

/*
 * Whoever scribbles has his page requests answered by the clock, if not by a number that
 * he hit upon. Another one is served all the while.
 */
TEST_F(fault_ring, scribble)
{
	uint32_t fault, hwpt, asked = 0, served = 0;
	struct ring other = {};
	int status, child, fault_fd;

	ASSERT_EQ(0, set_timeout(self, 100));
	open_ring(_metadata, self, 64);
	ASSERT_EQ(0, sva_fault_alloc(self->fd, &fault, &fault_fd));
	ASSERT_EQ(0, sva_hwpt_fault(self->fd, self->device[1], self->ioas, fault, &hwpt));
	ASSERT_EQ(0, sva_attach(self->fd, self->device[1], hwpt, NULL));
	ASSERT_EQ(0, ring_open(&other, self->fd, fault, fault_fd, -1, 8));
	child = start_child();
	ASSERT_LE(0, child);
	if (!child)
		scribble(&self->ring);
	for (uint64_t end = now_ns() + 3000000000ULL; now_ns() < end;) {
		asked += !sim_page_request(self->bdf[0], SIM_NO_PASID, IOVA, asked % 512,
					   SIM_PR_READ | SIM_PR_LAST, 0);
		ASSERT_EQ(0, sim_page_request(self->bdf[1], SIM_NO_PASID, IOVA, served % 512,
					      SIM_PR_READ | SIM_PR_LAST, 0));
		ASSERT_NE(NULL, ring_wait(&other, SOON_MS));
		ASSERT_TRUE(ring_respond(&other, ring_next(&other)->cookie, OK));
		ring_taken(&other, 1);
		ring_send(&other);
		ASSERT_TRUE(pr_has_answers(self->bdf[1], ++served));
		if (served % 16 == 0)
			ASSERT_EQ(0, ring_kick(&self->ring));
	}
	kill(child, SIGKILL);
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	EXPECT_TRUE(pr_has_answers(self->bdf[0], asked)) TH_LOG("%u were asked for", asked);
	EXPECT_LT(0, asked);
	ring_close(&other);
	close(fault_fd);
}

/* Fills the ring with what names no group, again and again; nobody has to look at it. */
static void forge(struct ring *ring)
{
	struct iommufd_sva_fault_ring_header *header = ring->header;

	no_system_calls();
	for (uint32_t i = 0; i < ring->entries; i++)
		ring->responses[i] = (struct iommufd_sva_hwpt_page_response){ .cookie = 0 };
	for (;;)
		__atomic_store_n(&header->response_head,
				 __atomic_load_n(&header->response_tail, __ATOMIC_ACQUIRE) +
				 ring->entries, __ATOMIC_SEQ_CST);
}

/* More than are taken out while the kernel looks: a batch every 200 us for 50 ms. */
#define FORGED_MAX 60000

/* How many are refused once it has been the same number for a while. */
static uint32_t refused_at_last(FIXTURE_DATA(fault_ring) *self)
{
	uint32_t num = refused(self), before;
	uint64_t end = now_ns() + SOON_MS * 1000000ULL;

	do {
		before = num;
		usleep(IDLE_MS * 1000);
		num = refused(self);
	} while (num != before && now_ns() < end);
	return num;
}

/*
 * A VMM that forges answers without end keeps no worker of the kernel's busy: few are taken
 * at a time, and it stops as if there were none.
 */
TEST_F(fault_ring, forged_for_ever)
{
	uint32_t cookie[2], before, num;
	int status, child;

	ASSERT_EQ(0, set_timeout(self, 600000));
	open_ring(_metadata, self, 1024);
	child = start_child();
	ASSERT_LE(0, child);
	if (!child)
		forge(&self->ring);
	while (!__atomic_load_n(&self->ring.header->response_head, __ATOMIC_RELAXED))
		usleep(1000);
	EXPECT_EQ(0, refused(self));
	for (int i = 0; i < 2; i++) {
		before = refused(self);
		ASSERT_EQ(0, ask(self, i, i, 1));
		cookie[i] = next_group(_metadata, self, i, i, 1);
		EXPECT_TRUE(goes_idle(self));
		/* What was there when it said so it takes out yet. */
		num = refused_at_last(self);
		EXPECT_LE(self->ring.entries, num - before);
		EXPECT_GT(FORGED_MAX, num - before);
		usleep(IDLE_MS * 1000);
		EXPECT_TRUE(needs_kick(self));
		EXPECT_EQ(num, refused(self));
	}
	kill(child, SIGKILL);
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	/* Whoever calls has all of it taken out, and is served as anybody. */
	EXPECT_EQ(0, ring_kick(&self->ring));
	self->ring.response_head = self->ring.header->response_head;
	EXPECT_EQ(0, ring_unanswered(&self->ring));
	for (int i = 0; i < 2; i++)
		ASSERT_TRUE(ring_respond(&self->ring, cookie[i], OK));
	ring_send(&self->ring);
	for (int i = 0; i < 2; i++)
		EXPECT_TRUE(pr_has_answers(self->bdf[i], 1));
}

/* One behind many that are none, and nobody had to kick: it is taken out all the same. */
TEST_F(fault_ring, behind_forged_ones)
{
	const uint32_t entries = IOMMUFD_SVA_FAULT_RING_MAX;
	uint32_t cookie;

	open_ring(_metadata, self, entries);
	for (uint32_t round = 0; round < 4; round++) {
		for (uint32_t i = 1; i < entries; i++)
			ASSERT_TRUE(ring_respond(&self->ring, 0, OK));
		ASSERT_EQ(0, ask(self, 0, round, 1));
		cookie = next_group(_metadata, self, 0, round, 1);
		ASSERT_TRUE(ring_respond(&self->ring, cookie, OK));
		ring_send(&self->ring);
		EXPECT_TRUE(pr_has_answers(self->bdf[0], round + 1));
		EXPECT_TRUE(answers_taken(self));
		EXPECT_EQ((round + 1) * (entries - 1), refused(self));
	}
}

/* --- ends -------------------------------------------------------------------- */

/* What is in the ring when its device goes is answered, and nothing else comes. */
TEST_F(fault_ring, detached)
{
	uint32_t cookie;

	open_ring(_metadata, self, 8);
	ASSERT_EQ(0, ask(self, 0, 0, 2));
	ASSERT_EQ(0, ask(self, 1, 1, 1));
	cookie = next_group(_metadata, self, 0, 0, 2);
	ASSERT_EQ(0, sva_detach(self->fd, self->device[0]));
	EXPECT_EQ(1, pr_answers(self->bdf[0]));
	ASSERT_TRUE(ring_respond(&self->ring, cookie, OK));
	ASSERT_TRUE(ring_respond(&self->ring, next_group(_metadata, self, 1, 1, 1), OK));
	ring_send(&self->ring);
	EXPECT_TRUE(pr_has_answers(self->bdf[1], 1));
	EXPECT_TRUE(answers_taken(self));
	EXPECT_EQ(1, refused(self));
	EXPECT_EQ(1, pr_answers(self->bdf[0]));
}

/* The VMM dies with all of it in flight. */
TEST_F(fault_ring, killed)
{
	ASSERT_EQ(0, sva_detach(self->fd, self->device[0]));
	ASSERT_EQ(0, sva_destroy(self->fd, self->device[0]));
	for (int round = 0; round < 10; round++) {
		int ready[2], child, status;
		char byte;

		ASSERT_EQ(0, pipe(ready));
		child = start_child();
		ASSERT_LE(0, child);
		if (!child) {
			struct ring ring;
			uint32_t ioas, device, fault, hwpt;
			int fd = sva_open(), fault_fd;

			if (sva_ioas_alloc(fd, &ioas) ||
			    sva_fault_alloc(fd, &fault, &fault_fd) ||
			    sva_bind(fd, self->bdf[0], &device) ||
			    sim_set_master(self->bdf[0], true) ||
			    sva_hwpt_fault(fd, device, ioas, fault, &hwpt) ||
			    sva_attach(fd, device, hwpt, NULL) ||
			    ring_open(&ring, fd, fault, fault_fd, -1, 4) ||
			    write(ready[1], "", 1) != 1)
				_exit(1);
			for (;;) {
				const struct iommufd_sva_hwpt_pgfault *next = ring_wait(&ring, 1);

				if (next && next->grpid % 2 &&
				    ring_respond(&ring, next->cookie, OK))
					ring_send(&ring);
				if (next)
					ring_taken(&ring, 1);
			}
		}
		close(ready[1]);
		status = read(ready[0], &byte, 1);
		close(ready[0]);
		ASSERT_EQ(1, status);
		for (int i = 0; i < 10 + round; i++)
			ask(self, 0, i, 1 + i % 3);
		usleep(round * 1000);
		kill(child, SIGKILL);
		ASSERT_EQ(child, waitpid(child, &status, 0));
		EXPECT_TRUE(WIFSIGNALED(status));
		EXPECT_EQ(0, sim_device_counter(self->bdf[0], "bad.page_response"));
	}
}

TEST_HARNESS_MAIN
