// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page requests of very many, of those that break the rules, and with the VMM or a device
 * that goes while they are under way. Needs a hardware model. Plugs its own devices in.
 *
 * What is counted: a device counts the answers it gets, and those to nothing it asked
 * for; the kernel what arrived and what became of it. No time is measured.
 */
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/prctl.h>

#include "guest.h"
#include "pr.h"
#include "ring.h"
#include "selftest.h"
#include "sim.h"

#define CAPS (SIM_CAP_FLR | SIM_CAP_ATS | SIM_CAP_PRI | SIM_CAP_PASID | SIM_CAP_PRG_PASID)
#define IOVA 0x10000000UL
#define HOLE 0x7f1200000000UL
#define OK IOMMUFD_SVA_PAGE_RESP_SUCCESS
#define INVALID IOMMUFD_SVA_PAGE_RESP_INVALID
#define LAST IOMMUFD_SVA_PGFAULT_FLAGS_LAST_PAGE
#define TIMEOUT_OPTION IOMMUFD_SVA_OPTION_PAGE_RESPONSE_TIMEOUT
/* Page request group indices of a device. */
#define GROUPS 512
/* How long an answer may take on a busy machine. */
#define SOON_MS 20000

static void __attribute__((constructor)) skip_all(void)
{
	if (sim_present())
		return;
	printf("TAP version 13\n1..1\nok 1 storm # SKIP no hardware model\n");
	exit(KSFT_SKIP);
}

/* --- a device that asks ---------------------------------------------------- */

/**
 * struct asker - a device, and what it has asked for
 * @bdf: where it is
 * @id: its object, as the VMM knows it
 * @pasid: of what it asks for
 * @flags: more of SIM_PR_...
 * @index: of the group that it asks for now
 * @begun: requests of that
 * @endless: no request is the last of its group
 * @twice: it uses one index over and over
 * @asked: requests sent
 * @groups: last ones among them
 */
struct asker {
	int bdf;
	uint32_t id;
	uint32_t pasid;
	uint32_t flags;
	uint32_t index;
	uint32_t begun;
	bool endless;
	bool twice;
	uint64_t asked;
	uint64_t groups;
};

static bool keeps_rules(const struct asker *a)
{
	return !(a->flags & SIM_PR_UNRULY);
}

/* How many requests a group has: its index says. */
static uint32_t size_of(const struct asker *a, uint32_t index)
{
	return keeps_rules(a) ? index % 4 + 1 : 1;
}

/* One more request, of the group that is begun or the next: what the hardware says. */
static int ask(int sim, struct asker *a)
{
	bool last = a->begun + 1 == size_of(a, a->index);
	struct sim_page_request pr = {
		.bdf = a->bdf,
		.pasid = a->pasid,
		.addr = HOLE + a->begun * SZ_4K,
		.group = a->index,
		.flags = SIM_PR_READ | a->flags | (last && !a->endless ? SIM_PR_LAST : 0),
	};
	int status = sim_page_request_by(sim, &pr);

	if (status != SIM_OK)
		return status;
	a->asked++;
	a->begun++;
	if (!last)
		return SIM_OK;
	a->groups += !a->endless;
	a->begun = 0;
	if (!a->twice)
		a->index = (a->index + 1) % GROUPS;
	return SIM_OK;
}

/* What the core tells of a device's requests. */
static long told(const struct asker *a, const char *key)
{
	return backend_tells("../page_requests", sim_name(a->bdf), key);
}

static void expect_nothing_bad(struct __test_metadata *_metadata, const struct asker *a)
{
	EXPECT_EQ(0, sim_device_counter(a->bdf, "bad.page_response_pasid"));
	EXPECT_EQ(0, sim_device_counter(a->bdf, "bad.pri_not_stopped"));
	/* What breaks the rules has itself to blame for an answer too many. */
	if (keeps_rules(a)) {
		EXPECT_EQ(0, sim_device_counter(a->bdf, "bad.page_response"));
	}
}

/* --- a crowd ------------------------------------------------------------------ */

#define NUM 64
/* The last one asks now and then. */
#define QUIET (NUM - 1)
#define FIRST_PORT (24 << 3)
/* What a device is allotted by default; each unit's queue holds that for all of them. */
#define CREDITS 32
/*
 * Page requests of a storm, and of shorter ones: what the emulated machine does in about a
 * minute.
 */
#ifdef __x86_64__
#define MANY 1000000
#define SOME 50000
#else
#define MANY 150000
#define SOME 20000
#endif
/* On a debug kernel, whose checkers make each of them many times as long. */
#define MANY_DEBUG 40000
#define SOME_DEBUG 25000
/* What the kernel may have more of after a storm than in it, KiB. */
#define GROWTH_KB 1024
/* More groups than that the quiet one is to have asked for, and overflows there are to be. */
#define QUIET_GROUPS 10
#define OVERFLOWS 5

FIXTURE(storm)
{
	int fd, file, log, sim;
	uint32_t ioas, fault, hwpt;
	struct asker a[NUM];
	struct ring ring;

	/* The VMM, in a thread of its own. */
	pthread_t thread;
	bool stop;
	/* It has nothing to do before this grows. */
	unsigned long full;
	/* Groups of the crowd's that it took; those that it should not have got. */
	uint64_t served, bad;
	bool in_order;
	uint32_t next[NUM];

	/* Groups of others when the quiet one asked: sent, and taken by the VMM. */
	uint64_t sent_before, served_before;
	uint64_t quiet_served;
	/* The most of others that were ahead of it, and that came before it though sent later. */
	int64_t ahead, overtook;

	/* What the backend told of the unit's queue before: requests read, overflows. */
	long read_before, overflows_before;
};

/* What the backend tells of the unit's queue. */
static long unit_tells(const char *key)
{
	long num = backend_tells("page_requests", "room=", key);

	return num < 0 ? backend_tells("requests", "room=", key) : num;
}

static int plug_port(unsigned int devfn)
{
	struct sim_add port = {
		.type = SIM_ROOT_PORT,
		.parent = SIM_ROOT,
		.devfn = devfn,
		.caps = SIM_CAP_ACS | (devfn & 7 ? 0 : SIM_CAP_MULTI),
		.buses = 1,
	};

	return sim_add_as(&port);
}

static int plug(unsigned int port)
{
	struct sim_add endpoint = {
		.type = SIM_ENDPOINT,
		.parent = SIM_SEGMENT << 16 | port,
		.caps = CAPS,
		.pasid_bits = 20,
		.ats_depth = 32,
		.pri_outstanding = CREDITS,
	};

	return sim_add_as(&endpoint);
}

static void unplug_all(void)
{
	for (int i = NUM - 1; i >= 0; i--)
		sim_remove(SIM_SEGMENT << 16 | (FIRST_PORT + i));
}

FIXTURE_SETUP(storm)
{
	self->fd = sva_open();
	ASSERT_LE(0, self->fd);
	self->sim = sim_open();
	ASSERT_LE(0, self->sim);
	ASSERT_EQ(0, sva_ioas_alloc(self->fd, &self->ioas));
	ASSERT_EQ(0, sva_fault_alloc(self->fd, &self->fault, &self->file));
	unplug_all();
	/* Function 0 tells of the others. */
	for (int i = 0; i < NUM; i++) {
		ASSERT_LT(0, plug_port(FIRST_PORT + (i ^ 7)));
	}
	for (int i = 0; i < NUM; i++) {
		struct asker *a = &self->a[i];

		a->pasid = SIM_NO_PASID;
		a->bdf = plug(FIRST_PORT + i);
		ASSERT_LT(0, a->bdf);
		ASSERT_EQ(0, sva_bind(self->fd, a->bdf, &a->id));
		if (!i) {
			ASSERT_EQ(0, sva_hwpt_fault(self->fd, a->id, self->ioas, self->fault,
						    &self->hwpt));
		}
		ASSERT_EQ(0, sva_attach(self->fd, a->id, self->hwpt, NULL));
		ASSERT_EQ(0, sim_set_master(a->bdf, true));
		ASSERT_EQ(CREDITS, told(a, "credits"));
	}
	sim_reset_counters(0);
	self->read_before = unit_tells("requests");
	self->overflows_before = unit_tells("overflows");
	self->in_order = true;
	self->log = kmsg_mark();
}

FIXTURE_TEARDOWN(storm)
{
	ring_close(&self->ring);
	close(self->file);
	close(self->fd);
	close(self->log);
	close(self->sim);
	for (int i = 0; i < NUM; i++)
		expect_nothing_bad(_metadata, &self->a[i]);
	unplug_all();
	EXPECT_STREQ("", sim_bad(0));
}

/* --- the VMM of the crowd ------------------------------------------------------ */

static int device_of(FIXTURE_DATA(storm) *self, uint32_t id)
{
	for (int i = 0; i < NUM; i++)
		if (self->a[i].id == id)
			return i;
	return -1;
}

static void serve_quiet(FIXTURE_DATA(storm) *self)
{
	int64_t ahead = self->sent_before - self->served_before;
	int64_t overtook = self->served - self->sent_before;

	self->ahead = ahead > self->ahead ? ahead : self->ahead;
	self->overtook = overtook > self->overtook ? overtook : self->overtook;
	__atomic_add_fetch(&self->quiet_served, 1, __ATOMIC_RELEASE);
}

/* The last request of group @r has been taken, which had @num. */
static void serve(FIXTURE_DATA(storm) *self, const struct iommufd_sva_hwpt_pgfault *r,
		  uint32_t num)
{
	int i = device_of(self, r->dev_id);

	if (i < 0 || (self->in_order && (r->grpid != self->next[i] ||
					 num != size_of(&self->a[i], r->grpid))))
		self->bad++;
	else
		self->next[i] = (r->grpid + 1) % GROUPS;
	if (i == QUIET)
		serve_quiet(self);
	else if (i >= 0 && keeps_rules(&self->a[i]))
		__atomic_add_fetch(&self->served, 1, __ATOMIC_RELEASE);
}

/* Take and answer all that there is. */
static void serve_all(FIXTURE_DATA(storm) *self)
{
	const struct iommufd_sva_hwpt_pgfault *r;
	uint32_t num = 0;

	while ((r = ring_next(&self->ring))) {
		num++;
		if (r->flags & LAST) {
			serve(self, r, num);
			/* The kernel takes out what there is with a kick. */
			while (!ring_respond(&self->ring, r->cookie, r->grpid % 3 ? OK : INVALID)) {
				ring_publish(&self->ring);
				ring_kick(&self->ring);
			}
			num = 0;
		}
		ring_taken(&self->ring, 1);
	}
	ring_send(&self->ring);
}

/* It waits until all queues are full. */
static void *vmm(void *arg)
{
	FIXTURE_DATA(storm) *self = arg;
	unsigned long seen = 0, full;

	while (!__atomic_load_n(&self->stop, __ATOMIC_ACQUIRE)) {
		full = __atomic_load_n(&self->full, __ATOMIC_ACQUIRE);
		if (full != seen)
			serve_all(self);
		else
			usleep(100);
		seen = full;
	}
	return NULL;
}

static void start_vmm(struct __test_metadata *_metadata, FIXTURE_DATA(storm) *self)
{
	uint64_t ms = 3600000;

	/* However long it is held up, the clock does not answer for it. */
	ASSERT_EQ(0, sva_option(self->fd, TIMEOUT_OPTION, IOMMUFD_SVA_OPTION_OP_SET, self->fault,
				&ms));
	ASSERT_EQ(0, ring_open(&self->ring, self->fd, self->fault, self->file, -1, 4096));
	ASSERT_EQ(0, pthread_create(&self->thread, NULL, vmm, self));
}

static void stop_vmm(FIXTURE_DATA(storm) *self)
{
	__atomic_store_n(&self->stop, true, __ATOMIC_RELEASE);
	pthread_join(self->thread, NULL);
}

/* --- the crowd asks --------------------------------------------------------------- */

/* What the kernel has that it cannot give back, KiB. */
static long kernel_kb(void)
{
	long kb, sum = 0;
	char line[128];
	FILE *f;

	/* KASAN holds back what was freed, until then. */
	sh("for cache in /sys/kernel/slab/*/shrink; do echo 1 > $cache; done 2> /dev/null");
	f = fopen("/proc/meminfo", "r");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "SUnreclaim: %ld", &kb) == 1 ||
		    sscanf(line, "VmallocUsed: %ld", &kb) == 1 ||
		    sscanf(line, "Percpu: %ld", &kb) == 1)
			sum += kb;
	if (f)
		fclose(f);
	return sum;
}

/* How many it is to be on this kernel. */
static uint64_t as_many(uint64_t num, uint64_t num_debug)
{
	if (!on_debug_kernel())
		return num;
	printf("# a debug kernel: %llu page requests instead of %llu\n",
	       (unsigned long long)num_debug, (unsigned long long)num);
	return num_debug;
}

static uint64_t asked(FIXTURE_DATA(storm) *self)
{
	uint64_t sum = 0;

	for (int i = 0; i < NUM; i++)
		sum += self->a[i].asked;
	return sum;
}

/* One group, when the one before has been served. */
static void ask_quietly(struct __test_metadata *_metadata, FIXTURE_DATA(storm) *self)
{
	struct asker *quiet = &self->a[QUIET];

	if (__atomic_load_n(&self->quiet_served, __ATOMIC_ACQUIRE) != quiet->groups)
		return;
	self->served_before = __atomic_load_n(&self->served, __ATOMIC_ACQUIRE);
	self->sent_before = 0;
	for (int i = 0; i < QUIET; i++)
		self->sent_before += keeps_rules(&self->a[i]) ? self->a[i].groups : 0;
	for (uint64_t groups = quiet->groups; quiet->groups == groups;) {
		int status = ask(self->sim, quiet);

		/* Answers are under way. */
		if (status == SIM_NO_MASTER && !quiet->begun)
			return;
		ASSERT_TRUE(status == SIM_OK || status == SIM_NO_MASTER);
	}
}

/* Every device of the crowd asks once. Returns how many that keep the rules may. */
static unsigned int sweep(struct __test_metadata *_metadata, FIXTURE_DATA(storm) *self,
			  bool finish)
{
	unsigned int num = 0;
	int status;

	for (int i = 0; i < QUIET; i++) {
		struct asker *a = &self->a[i];

		if (finish && !a->begun)
			continue;
		status = ask(self->sim, a);
		/* It waits for credit, or for an answer to the index that is next. */
		if (status == SIM_NO_MASTER)
			continue;
		ASSERT_EQ(SIM_OK, status) TH_LOG("device %d: %s", i, sim_status_name(status));
		num += keeps_rules(a);
	}
	return num;
}

static void tell_vmm(FIXTURE_DATA(storm) *self)
{
	__atomic_add_fetch(&self->full, 1, __ATOMIC_RELEASE);
	usleep(100);
}

/* Those that break the rules must not fill the unit's queue while its reader is held up. */
static void wait_until_read(FIXTURE_DATA(storm) *self)
{
	uint64_t sent = asked(self) - sim_counter(0, "page_requests_lost");

	for (uint64_t end = now_ns() + SOON_MS * 1000000ULL; now_ns() < end; usleep(100))
		if (unit_tells("requests") - self->read_before >= (long)sent)
			break;
}

/* What comes now and then has come often enough; how often that is depends on who is held up. */
static bool has_enough(FIXTURE_DATA(storm) *self, bool overflow)
{
	if (overflow)
		return unit_tells("overflows") > self->overflows_before + OVERFLOWS;
	return __atomic_load_n(&self->quiet_served, __ATOMIC_ACQUIRE) > QUIET_GROUPS;
}

/* What has begun ends. */
static void end_begun(FIXTURE_DATA(storm) *self)
{
	for (int i = 0; i < QUIET; i++)
		while (self->a[i].begun && !self->a[i].endless)
			if (ask(self->sim, &self->a[i]) != SIM_OK)
				tell_vmm(self);
}

/*
 * Until @num requests have been sent, and more if they were not enough. Returns how often
 * all queues were full.
 */
static unsigned long ask_all(struct __test_metadata *_metadata, FIXTURE_DATA(storm) *self,
			     uint64_t num, unsigned int overflow_every)
{
	unsigned long full = 0, sweeps = 0;
	bool finish = false, filling = true;
	uint64_t end = 0;

	while (!finish) {
		if (asked(self) >= num) {
			end = end ?: now_ns() + SOON_MS * 1000000ULL;
			finish = has_enough(self, overflow_every) || now_ns() > end;
		}
		ask_quietly(_metadata, self);
		sweeps++;
		if (overflow_every && !(sweeps % overflow_every)) {
			ASSERT_EQ(0, sim_inject(0, SIM_FAULT_PRQ_FULL, 1, 0));
		}
		if (!keeps_rules(&self->a[0]) && !(sweeps % 100))
			wait_until_read(self);
		if (sweep(_metadata, self, finish)) {
			filling = true;
			continue;
		}
		full += filling;
		filling = false;
		tell_vmm(self);
	}
	end_begun(self);
	return full;
}

/*
 * The last overflow is known: something that was sent after the last one that was lost has
 * not been lost, and the backend counts overflows before it reads that.
 */
static void end_overflow(struct __test_metadata *_metadata, FIXTURE_DATA(storm) *self)
{
	uint64_t end = now_ns() + SOON_MS * 1000000ULL, lost;
	unsigned int num;

	ASSERT_EQ(0, sim_inject(0, SIM_FAULT_PRQ_FULL, 0, 0));
	do {
		lost = sim_counter(0, "page_requests_lost");
		num = sweep(_metadata, self, false);
		if (!num)
			tell_vmm(self);
	} while ((!num || sim_counter(0, "page_requests_lost") != lost) && now_ns() < end);
	end_begun(self);
}

/* Answers that the first @num devices have had. */
static uint64_t had_answers(FIXTURE_DATA(storm) *self, int num)
{
	uint64_t had = 0;

	for (int i = 0; i < num; i++)
		had += pr_answers(self->a[i].bdf);
	return had;
}

/*
 * What has arrived is what was sent, and nothing waits for an answer; nor does the device:
 * the fault queue is empty before the hardware has the last answers.
 */
static bool is_settled(FIXTURE_DATA(storm) *self)
{
	uint64_t arrived = sim_counter(0, "page_requests_lost"), groups = 0;
	uint64_t had = pr_told(self->file, "device-broke-rules") + had_answers(self, NUM);

	for (int i = 0; i < NUM; i++) {
		arrived += told(&self->a[i], "requests");
		groups += self->a[i].groups;
	}
	return arrived == asked(self) && had == groups && !pr_told(self->file, "waiting");
}

static void settle(struct __test_metadata *_metadata, FIXTURE_DATA(storm) *self)
{
	for (uint64_t end = now_ns() + SOON_MS * 1000000ULL; now_ns() < end; tell_vmm(self))
		if (is_settled(self))
			break;
	EXPECT_TRUE(is_settled(self));
	stop_vmm(self);
}

static uint64_t answered(FIXTURE_DATA(storm) *self)
{
	return pr_told(self->file, "answered-success") +
	       pr_told(self->file, "answered-invalid");
}

/* What @a asked for has been answered, each group once, by the VMM. */
static void expect_served(struct __test_metadata *_metadata, const struct asker *a)
{
	static const char *const refused[] = {
		"refused", "broken", "no_room", "overflows", "lost",
	};

	EXPECT_EQ(a->groups, pr_answers(a->bdf)) TH_LOG("%s", sim_name(a->bdf));
	EXPECT_EQ(a->asked, sim_device_counter(a->bdf, "page_requests"));
	EXPECT_EQ(a->asked, told(a, "requests"));
	EXPECT_EQ(a->groups, told(a, "groups"));
	for (int i = 0; i < ARRAY_SIZE(refused); i++) {
		EXPECT_EQ(0, told(a, refused[i])) TH_LOG("%s", refused[i]);
	}
}

/* The quiet device has waited for no more than what others may have outstanding. */
static void expect_fair(struct __test_metadata *_metadata, FIXTURE_DATA(storm) *self)
{
	EXPECT_GE(QUIET * CREDITS, self->ahead);
	EXPECT_GE(0, self->overtook);
	EXPECT_LT(QUIET_GROUPS, self->quiet_served);
	EXPECT_EQ(self->a[QUIET].groups, pr_answers(self->a[QUIET].bdf));
}

TEST_F_TIMEOUT(storm, full_queues, 600)
{
	uint64_t groups = 0, start = now_ns(), many = as_many(MANY, MANY_DEBUG);
	unsigned long full;
	long before, after;

	start_vmm(_metadata, self);
	full = ask_all(_metadata, self, many / 4, 0);
	before = kernel_kb();
	full += ask_all(_metadata, self, many, 0);
	after = kernel_kb();
	settle(_metadata, self);
	printf("# %llu requests, queues full %lu times, in %llu ms; %ld KiB, then %ld KiB\n",
	       (unsigned long long)asked(self), full,
	       (unsigned long long)(now_ns() - start) / 1000000, before, after);
	EXPECT_LE(many, asked(self));
	EXPECT_LT(many / (NUM * CREDITS) / 4, full);
	EXPECT_GT(before + GROWTH_KB, after);
	EXPECT_EQ(0, self->bad);
	for (int i = 0; i < NUM; i++) {
		expect_served(_metadata, &self->a[i]);
		groups += self->a[i].groups;
	}
	EXPECT_EQ(groups, pr_told(self->file, "groups"));
	EXPECT_EQ(asked(self), pr_told(self->file, "requests"));
	EXPECT_EQ(groups, answered(self));
	EXPECT_EQ(groups, self->served + self->quiet_served);
	EXPECT_EQ(0, self->ring.header->refused);
	expect_fair(_metadata, self);
}

/*
 * Some break the rules: one asks for more than it may, one begins what it never ends, one
 * uses an index again that has no answer. Whatever was the last of a group has one answer,
 * but for a group that was taken from the VMM since another last one came with its index.
 */
TEST_F_TIMEOUT(storm, unruly, 600)
{
	struct asker *greedy = &self->a[0], *endless = &self->a[1], *twice = &self->a[2];
	uint64_t groups = 0;

	for (int i = 0; i < 3; i++)
		self->a[i].flags = SIM_PR_UNRULY;
	endless->endless = true;
	twice->twice = true;
	self->in_order = false;
	start_vmm(_metadata, self);
	ask_all(_metadata, self, as_many(SOME, SOME_DEBUG), 0);
	settle(_metadata, self);
	EXPECT_EQ(0, sim_counter(0, "page_requests_lost"));
	for (int i = 3; i < NUM; i++)
		expect_served(_metadata, &self->a[i]);
	for (int i = 0; i < 3; i++) {
		groups += self->a[i].groups;
		EXPECT_EQ(self->a[i].asked, told(&self->a[i], "requests"));
	}
	EXPECT_EQ(groups, had_answers(self, 3) + pr_told(self->file, "device-broke-rules"));
	EXPECT_LT(0, told(greedy, "no_room"));
	EXPECT_LT(0, told(endless, "no_room"));
	EXPECT_EQ(0, pr_answers(endless->bdf));
	EXPECT_LT(0, told(twice, "broken"));
	EXPECT_LT(0, pr_told(self->file, "device-broke-rules"));
	EXPECT_EQ(0, self->bad);
	expect_fair(_metadata, self);
}

/* The unit's queue has no room now and then: what it drops is counted, by it and by us. */
TEST_F_TIMEOUT(storm, overflows, 600)
{
	long before = self->overflows_before, after;
	uint64_t groups = 0;

	self->in_order = false;
	start_vmm(_metadata, self);
	ask_all(_metadata, self, as_many(SOME, SOME_DEBUG), 25);
	end_overflow(_metadata, self);
	settle(_metadata, self);
	after = unit_tells("overflows");
	EXPECT_LE(0, before);
	EXPECT_LT(before + OVERFLOWS, after);
	EXPECT_LT(OVERFLOWS, sim_counter(0, "page_requests_lost"));
	for (int i = 0; i < NUM; i++) {
		groups += self->a[i].groups;
		EXPECT_EQ(self->a[i].groups, pr_answers(self->a[i].bdf));
		EXPECT_EQ(after - before, told(&self->a[i], "overflows"));
		EXPECT_EQ(0, told(&self->a[i], "refused"));
	}
	EXPECT_EQ(groups, had_answers(self, NUM));
	EXPECT_EQ(pr_told(self->file, "groups"), answered(self));
	EXPECT_TRUE(kmsg_wait(self->log, 0, NULL, 0, KMSG_WORDS("queue was full")));
}

/* A VMM that does not answer keeps nobody else from anything. */
TEST_F_TIMEOUT(storm, silent_vmm, 600)
{
	struct asker *quiet = &self->a[QUIET];
	struct iommufd_sva_hwpt_pgfault r[4];
	uint32_t ioas, fault, hwpt;
	uint64_t ms = 3600000, groups = 0;
	int fd = sva_open(), file, num;

	ASSERT_EQ(0, sva_option(self->fd, TIMEOUT_OPTION, IOMMUFD_SVA_OPTION_OP_SET, self->fault,
				&ms));
	ASSERT_EQ(0, sva_detach(self->fd, quiet->id));
	ASSERT_EQ(0, sva_destroy(self->fd, quiet->id));
	ASSERT_EQ(0, sva_ioas_alloc(fd, &ioas));
	ASSERT_EQ(0, sva_fault_alloc(fd, &fault, &file));
	ASSERT_EQ(0, sva_bind(fd, quiet->bdf, &quiet->id));
	ASSERT_EQ(0, sva_hwpt_fault(fd, quiet->id, ioas, fault, &hwpt));
	ASSERT_EQ(0, sva_attach(fd, quiet->id, hwpt, NULL));
	ASSERT_EQ(0, sim_set_master(quiet->bdf, true));

	while (sweep(_metadata, self, false))
		;
	for (int i = 0; i < QUIET; i++)
		groups += self->a[i].groups;
	for (int round = 0; round < 200; round++) {
		for (uint64_t have = quiet->groups; quiet->groups == have;) {
			ASSERT_EQ(SIM_OK, ask(self->sim, quiet));
		}
		num = pr_await(file, r, 4);
		ASSERT_EQ(size_of(quiet, round), num);
		ASSERT_EQ(0, pr_answer(file, r[0].cookie, OK));
	}
	EXPECT_EQ(200, pr_answers(quiet->bdf));
	EXPECT_EQ(groups, pr_told(self->file, "waiting"));
	EXPECT_EQ(0, sweep(_metadata, self, false));

	/* The clock answers for it. */
	ms = 1;
	ASSERT_EQ(0, sva_option(self->fd, TIMEOUT_OPTION, IOMMUFD_SVA_OPTION_OP_SET, self->fault,
				&ms));
	/* The queue says that nothing waits before the hardware has the last answers. */
	for (uint64_t end = now_ns() + SOON_MS * 1000000ULL; now_ns() < end; usleep(1000))
		if (!pr_told(self->file, "waiting") && had_answers(self, QUIET) >= groups)
			break;
	EXPECT_EQ(groups, pr_told(self->file, "timed-out"));
	for (int i = 0; i < QUIET; i++) {
		EXPECT_EQ(self->a[i].groups, pr_answers(self->a[i].bdf));
	}
	EXPECT_TRUE(kmsg_wait(self->log, 0, NULL, 0, KMSG_WORDS("nobody answered")));
	close(file);
	close(fd);
}

/* --- the end, at every step of the protocol ------------------------------------------ */

/* How far what devices ask for has come. */
enum step {
	UNREAD,		/* the VMM has not read it */
	READ,		/* it has not answered it */
	HALF,		/* the last one of the group was not sent */
	ANSWERING,	/* it comes, and is answered, all the while */
	RING,		/* it lies in the ring */
	TIMING_OUT,	/* it comes, and the clock answers it, all the while */
	NSTEPS,
};

static const char *const steps[] = {
	"unread", "read", "half", "answering", "ring", "timing out",
};

/* What comes to an end then. */
enum way { KILL, UNPLUG, PULL_OUT, DETACH, REPLACE, PASIDS, CLOSE };

#define FIRST_SLOT 16
#define DEVICES 3
#define PASID 5
/* A guest's memory, and STE.EATS: it looks after what its devices cache. */
#define GPA 0x40000000UL
#define GUEST_SIZE SZ_2M
#define STE_EATS_FULL (1ULL << 28)

FIXTURE(death)
{
	int sim, child, to, from;
	char refs[16];
	struct asker a[DEVICES];
	pthread_t thread;
	bool stop;
};

static char *module_refs(char *buf, size_t len)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/module/%s/refcnt", backend()->module);
	return file_line(path, buf, len);
}

FIXTURE_SETUP(death)
{
	self->sim = sim_open();
	ASSERT_LE(0, self->sim);
	for (int i = 0; i < DEVICES; i++) {
		self->a[i].bdf = sim_add_endpoint(FIRST_SLOT + i, CAPS);
		ASSERT_LT(0, self->a[i].bdf);
		self->a[i].pasid = SIM_NO_PASID;
	}
	module_refs(self->refs, sizeof(self->refs));
}

FIXTURE_TEARDOWN(death)
{
	close(self->sim);
	for (int i = 0; i < DEVICES; i++)
		sim_remove_slot(FIRST_SLOT + i);
	EXPECT_STREQ("", sim_bad(0));
}

/* --- a VMM with some devices -------------------------------------------------------- */

struct vmm {
	int fd, file;
	uint32_t ioas, fault, hwpt, device[DEVICES];
	void *mem;
	struct guest guest;
	struct ring ring;
	enum step step;
	pthread_t thread;
	bool stop;
};

/* A guest's table of PASIDs, which an SMMU takes as a whole; PASID reaches IOVA. */
static int vmm_make_table(struct vmm *v)
{
	uint32_t parent;
	struct cds cds;
	struct s1 s1;
	uint64_t ste[2];
	int rc;

	rc = guest_init(&v->guest, GPA, GUEST_SIZE) ?:
	     sva_map(v->fd, v->ioas, v->guest.mem, GUEST_SIZE, GPA, SVA_RW) ?:
	     sva_hwpt_alloc(v->fd, v->device[0], v->ioas, IOMMUFD_SVA_HWPT_ALLOC_NEST_PARENT,
			    &parent);
	if (rc)
		return rc;
	s1_init(&s1, &v->guest, 12, 1);
	s1_map(&s1, IOVA, guest_alloc(&v->guest, SZ_4K, SZ_4K), S1_RW);
	cds_init(&cds, &v->guest, CDS_LINEAR, 8);
	cds_set(&cds, PASID, &s1);
	cds_ste(&cds, S1DSS_TERMINATE, ste);
	ste[1] |= STE_EATS_FULL;
	return sva_pasid_table_fault(v->fd, parent, v->fault, IOMMUFD_SVA_PASID_TABLE_SMMUV3,
				     ste, sizeof(ste), &v->hwpt);
}

/* What its devices are attached to. */
static int vmm_make_hwpt(struct vmm *v, bool pasid)
{
	if (pasid && !backend_is("vtd_nested"))
		return vmm_make_table(v);
	return sva_hwpt_fault(v->fd, v->device[0], v->ioas, v->fault, &v->hwpt);
}

static int vmm_attach(struct vmm *v, int i, bool pasid)
{
	if (pasid && backend_is("vtd_nested"))
		return sva_attach_pasid(v->fd, v->device[i], PASID, v->hwpt, NULL);
	return sva_attach(v->fd, v->device[i], v->hwpt, NULL);
}

static int vmm_detach(struct vmm *v, int i, bool pasid)
{
	if (pasid && backend_is("vtd_nested"))
		return sva_detach_pasid(v->fd, v->device[i], PASID);
	return sva_detach(v->fd, v->device[i]);
}

/* Its devices are attached, by a PASID or as a whole. */
static int vmm_begin(struct vmm *v, const struct asker *a, bool pasid)
{
	int rc;

	v->fd = sva_open();
	v->mem = mem_alloc(SZ_4K, 0);
	rc = sva_ioas_alloc(v->fd, &v->ioas) ?:
	     sva_map(v->fd, v->ioas, v->mem, SZ_4K, IOVA, SVA_RW) ?:
	     sva_fault_alloc(v->fd, &v->fault, &v->file);
	for (int i = 0; !rc && i < DEVICES; i++)
		rc = sva_bind(v->fd, a[i].bdf, &v->device[i]);
	rc = rc ?: vmm_make_hwpt(v, pasid);
	for (int i = 0; !rc && i < DEVICES; i++)
		rc = vmm_attach(v, i, pasid) ?: sim_set_master(a[i].bdf, true);
	return rc;
}

static int vmm_prepare(struct vmm *v)
{
	uint64_t ms = 5;

	if (v->step == TIMING_OUT)
		return sva_option(v->fd, TIMEOUT_OPTION, IOMMUFD_SVA_OPTION_OP_SET, v->fault,
				  &ms);
	return v->step == RING ? ring_open(&v->ring, v->fd, v->fault, v->file, -1, 256) : 0;
}

/* Reads, or reads and answers, until it is stopped or has no file any more. */
static void *vmm_serve(void *arg)
{
	struct iommufd_sva_hwpt_pgfault r[64];
	struct vmm *v = arg;
	int num = 0;

	while (num >= 0 && !__atomic_load_n(&v->stop, __ATOMIC_ACQUIRE)) {
		num = pr_await_for(v->file, r, ARRAY_SIZE(r), 10);
		for (int i = 0; i < num && v->step == ANSWERING; i++)
			if (r[i].flags & LAST)
				pr_answer(v->file, r[i].cookie, r[i].grpid % 2 ? OK : INVALID);
	}
	return NULL;
}

static bool vmm_reads(enum step step)
{
	return step == READ || step == ANSWERING || step == TIMING_OUT;
}

static void vmm_stop(struct vmm *v)
{
	__atomic_store_n(&v->stop, true, __ATOMIC_RELEASE);
	if (vmm_reads(v->step))
		pthread_join(v->thread, NULL);
}

/* It goes on reading meanwhile. */
static int vmm_end(struct vmm *v, enum way way)
{
	int rc = 0;

	for (int i = 0; !rc && i < DEVICES; i++) {
		if (way == DETACH || way == PASIDS)
			rc = vmm_detach(v, i, way == PASIDS);
		else if (way == REPLACE)
			rc = sva_attach(v->fd, v->device[i], v->ioas, NULL);
	}
	if (way == CLOSE) {
		ring_close(&v->ring);
		close(v->file);
		close(v->fd);
		/* Whoever still reads has the file until he is done. */
		vmm_stop(v);
	}
	return rc;
}

/* Nothing is left in its queue: 0, or a line of this file. */
static int vmm_drained(struct vmm *v, enum way way)
{
	struct pollfd pfd = { .fd = v->file, .events = POLLIN };

	if (way == CLOSE)
		return 0;
	if (pr_told(v->file, "waiting"))
		return __LINE__;
	if (poll(&pfd, 1, 0) < 0 || pfd.revents & POLLIN)
		return __LINE__;
	if (pr_told(v->file, "groups") !=
	    pr_told(v->file, "answered-success") + pr_told(v->file, "answered-invalid") +
	    pr_told(v->file, "detached") + pr_told(v->file, "timed-out"))
		return __LINE__;
	return 0;
}

static bool hears(int from)
{
	char byte;

	return read(from, &byte, 1) == 1;
}

static void says(int to, int rc)
{
	if (write(to, &rc, sizeof(rc)) != sizeof(rc))
		_exit(1);
}

/* The process: begins, ends, looks, exits, each when it is told to. */
static void vmm_live(const struct asker *a, enum step step, enum way way, int from, int to)
{
	struct vmm v = { .step = step };
	int rc;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	rc = vmm_begin(&v, a, way == PASIDS);
	says(to, rc ?: vmm_prepare(&v));
	if (vmm_reads(step) && pthread_create(&v.thread, NULL, vmm_serve, &v))
		_exit(1);
	if (hears(from))
		says(to, vmm_end(&v, way));
	if (hears(from)) {
		if (way != CLOSE)
			vmm_stop(&v);
		says(to, vmm_drained(&v, way));
	}
	hears(from);
	_exit(0);
}

static int heard(FIXTURE_DATA(death) *self)
{
	int rc;

	return read(self->from, &rc, sizeof(rc)) == sizeof(rc) ? rc : -EPIPE;
}

static int tell(FIXTURE_DATA(death) *self)
{
	return write(self->to, "", 1) == 1 ? heard(self) : -EPIPE;
}

static void start_child(struct __test_metadata *_metadata, FIXTURE_DATA(death) *self,
			enum step step, enum way way)
{
	int to[2], from[2];

	ASSERT_EQ(0, pipe2(to, O_CLOEXEC));
	ASSERT_EQ(0, pipe2(from, O_CLOEXEC));
	self->child = fork();
	ASSERT_LE(0, self->child);
	if (!self->child) {
		close(to[1]);
		close(from[0]);
		vmm_live(self->a, step, way, to[0], from[1]);
	}
	close(to[0]);
	close(from[1]);
	self->to = to[1];
	self->from = from[0];
	ASSERT_EQ(0, heard(self));
}

/* --- what its devices do meanwhile ------------------------------------------------------ */

static void *ask_on(void *arg)
{
	FIXTURE_DATA(death) *self = arg;
	int sent;

	while (!__atomic_load_n(&self->stop, __ATOMIC_ACQUIRE)) {
		sent = 0;
		for (int i = 0; i < DEVICES; i++)
			sent += ask(self->sim, &self->a[i]) == SIM_OK;
		if (!sent)
			usleep(200);
	}
	return NULL;
}

static void stop_asking(FIXTURE_DATA(death) *self)
{
	__atomic_store_n(&self->stop, true, __ATOMIC_RELEASE);
	pthread_join(self->thread, NULL);
}

static bool asks_on(enum step step)
{
	return step == ANSWERING || step == TIMING_OUT;
}

/* All that was asked for has arrived. */
static bool arrived(FIXTURE_DATA(death) *self, const long *before)
{
	for (int i = 0; i < DEVICES; i++)
		if (told(&self->a[i], "requests") - before[i] != self->a[i].asked)
			return false;
	return true;
}

/* Of each some groups are over. */
static bool all_ask(FIXTURE_DATA(death) *self)
{
	for (int i = 0; i < DEVICES; i++)
		if (__atomic_load_n(&self->a[i].groups, __ATOMIC_RELAXED) < 20)
			return false;
	return true;
}

/* Bring what the devices ask for to @step. */
static void ask_to(struct __test_metadata *_metadata, FIXTURE_DATA(death) *self, enum step step,
		   const long *before)
{
	uint64_t end = now_ns() + SOON_MS * 1000000ULL;

	if (asks_on(step)) {
		self->stop = false;
		ASSERT_EQ(0, pthread_create(&self->thread, NULL, ask_on, self));
		while (now_ns() < end && !all_ask(self))
			usleep(1000);
		ASSERT_TRUE(all_ask(self));
		return;
	}
	for (int i = 0; i < DEVICES; i++) {
		/* A group of three and some smaller ones, or the one without its end. */
		self->a[i].index = 2;
		for (int n = 0; n < (step == HALF ? 2 : 12); n++) {
			ASSERT_EQ(SIM_OK, ask(self->sim, &self->a[i]));
		}
	}
	for (; now_ns() < end; usleep(1000))
		if (arrived(self, before))
			break;
	ASSERT_TRUE(arrived(self, before));
	/* And for the VMM to read it. */
	if (step == READ)
		usleep(50000);
}

static void end(struct __test_metadata *_metadata, FIXTURE_DATA(death) *self, enum way way)
{
	int status;

	switch (way) {
	case KILL:
		kill(self->child, SIGKILL);
		ASSERT_EQ(self->child, waitpid(self->child, &status, 0));
		EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		break;
	case UNPLUG:
		for (int i = 0; i < DEVICES; i++) {
			EXPECT_EQ(0, sim_remove(self->a[i].bdf));
		}
		break;
	case PULL_OUT:
		for (int i = 0; i < DEVICES; i++) {
			EXPECT_EQ(0, sim_pull_out(self->a[i].bdf));
		}
		break;
	default:
		EXPECT_EQ(0, tell(self));
	}
}

static int writes(const struct asker *a)
{
	char buf[64] = {};

	return sim_write_pasid(a->bdf, a->pasid, IOVA, buf, sizeof(buf), 0);
}

/* Each whole group has one answer, and @a neither asks nor reaches anything. */
static void expect_ended(struct __test_metadata *_metadata, const struct asker *a, enum way way)
{
	for (uint64_t end = now_ns() + SOON_MS * 1000000ULL; now_ns() < end; usleep(1000))
		if (pr_answers(a->bdf) == a->groups)
			break;
	EXPECT_EQ(a->groups, pr_answers(a->bdf));
	expect_nothing_bad(_metadata, a);
	EXPECT_TRUE(pri_is_off(a->bdf));
	/* Nobody's device is the host's again: it was reset, and is no bus master. */
	if (way == KILL || way == CLOSE) {
		EXPECT_LT(0, sim_device_counter(a->bdf, "resets"));
		EXPECT_EQ(SIM_NO_MASTER, writes(a));
		return;
	}
	ASSERT_EQ(0, sim_set_master(a->bdf, true));
	/* What has replaced it lets it through. */
	EXPECT_EQ(way == REPLACE, writes(a) == SIM_OK);
	EXPECT_NE(SIM_OK, sim_page_request(a->bdf, a->pasid, HOLE, 500, SIM_PR_READ, 0));
}

/* Whoever has the devices next hears of what they ask for from then on, and no more. */
static void expect_new_life(struct __test_metadata *_metadata, FIXTURE_DATA(death) *self,
			    bool pasid)
{
	struct iommufd_sva_hwpt_pgfault r[4];
	struct vmm v = {};

	ASSERT_EQ(0, vmm_begin(&v, self->a, pasid));
	for (int i = 0; i < DEVICES; i++) {
		uint64_t before = pr_answers(self->a[i].bdf);

		EXPECT_EQ(SIM_OK, writes(&self->a[i]));
		ASSERT_EQ(SIM_OK, sim_page_request(self->a[i].bdf, self->a[i].pasid, HOLE, 2,
						   SIM_PR_READ | SIM_PR_LAST, 0));
		ASSERT_EQ(1, pr_await(v.file, r, 4));
		EXPECT_EQ(v.device[i], r[0].dev_id);
		EXPECT_EQ(0, pr_answer(v.file, r[0].cookie, OK));
		EXPECT_EQ(before + 1, pr_answers(self->a[i].bdf));
		expect_nothing_bad(_metadata, &self->a[i]);
	}
	close(v.file);
	close(v.fd);
	mem_free(v.mem, SZ_4K);
	guest_free(&v.guest);
}

static bool is_gone(enum way way)
{
	return way == UNPLUG || way == PULL_OUT;
}

static void die(struct __test_metadata *_metadata, FIXTURE_DATA(death) *self, enum step step,
		enum way way)
{
	long before[DEVICES];
	char refs[16];
	int status;

	for (int i = 0; i < DEVICES; i++) {
		struct asker *a = &self->a[i];

		*a = (struct asker){
			.bdf = a->bdf,
			.pasid = way == PASIDS ? PASID : SIM_NO_PASID,
		};
		sim_reset_device_counters(a->bdf);
		before[i] = told(a, "requests");
	}
	start_child(_metadata, self, step, way);
	ask_to(_metadata, self, step, before);
	end(_metadata, self, way);
	if (asks_on(step))
		stop_asking(self);
	for (int i = 0; i < DEVICES && !is_gone(way); i++)
		expect_ended(_metadata, &self->a[i], way);
	if (way != KILL) {
		if (is_gone(way)) {
			EXPECT_EQ(0, tell(self));
		}
		EXPECT_EQ(0, tell(self));
	}
	close(self->to);
	close(self->from);
	if (way != KILL) {
		ASSERT_EQ(self->child, waitpid(self->child, &status, 0));
		EXPECT_EQ(0, status);
	}
	EXPECT_STREQ(self->refs, module_refs(refs, sizeof(refs)));
	for (int i = 0; i < DEVICES && is_gone(way); i++) {
		int bdf = sim_add(SIM_ENDPOINT, SIM_SEGMENT << 16 | (FIRST_SLOT + i) << 3, 0,
				  CAPS);

		ASSERT_EQ(self->a[i].bdf, bdf);
	}
	expect_new_life(_metadata, self, way == PASIDS);
	EXPECT_STREQ("", sim_bad(0));
}

static void die_at_every_step(struct __test_metadata *_metadata, FIXTURE_DATA(death) *self,
			      enum way way)
{
	for (enum step step = UNREAD; step < NSTEPS; step++) {
		die(_metadata, self, step, way);
		if (!__test_passed(_metadata)) {
			TH_LOG("step: %s", steps[step]);
			break;
		}
	}
}

TEST_F(death, killed)
{
	die_at_every_step(_metadata, self, KILL);
}

TEST_F(death, unplugged)
{
	die_at_every_step(_metadata, self, UNPLUG);
}

TEST_F(death, pulled_out)
{
	die_at_every_step(_metadata, self, PULL_OUT);
}

TEST_F(death, detached)
{
	die_at_every_step(_metadata, self, DETACH);
}

TEST_F(death, replaced)
{
	die_at_every_step(_metadata, self, REPLACE);
}

/* One PASID, or all of a guest's with their table, as an SMMU has them. */
TEST_F(death, pasids_detached)
{
	die_at_every_step(_metadata, self, PASIDS);
}

TEST_F(death, closed)
{
	die_at_every_step(_metadata, self, CLOSE);
}

/* Killed with requests under way, nothing of it keeps the backend from being unloaded. */
TEST_F(death, unloaded)
{
	int rc = -1;

	ASSERT_EQ(0, pci_unbind_adopted());
	start_child(_metadata, self, ANSWERING, KILL);
	ask_to(_metadata, self, ANSWERING, NULL);
	end(_metadata, self, KILL);
	for (int i = 0; rc && i < 50; i++, usleep(100000))
		rc = backend_unload();
	EXPECT_EQ(0, rc);
	stop_asking(self);
	close(self->to);
	close(self->from);
	for (int i = 0; i < DEVICES; i++)
		expect_nothing_bad(_metadata, &self->a[i]);
	ASSERT_EQ(0, backend_load());
	expect_new_life(_metadata, self, false);
}

TEST_HARNESS_MAIN
