// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each main flow with its first allocation failing, then its second, and so on
 * until there is none left to fail; and the same with accesses to user memory.
 * A call that fails says why and has changed nothing; one that must not fail
 * (what takes things away) does its work all the same. What is leaked by it is
 * found by kmemleak when the machine stops, and by what is observed here.
 *
 * Needs a kernel with fault injection (CONFIG_FAILSLAB, CONFIG_FAIL_PAGE_ALLOC,
 * CONFIG_FAULT_INJECTION_USERCOPY), a unit of ours and a DMA engine behind it.
 */
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>

#include "guest.h"
#include "nest.h"
#include "pr.h"
#include "ring.h"
#include "selftest.h"
#include "sim.h"
#include "vguest.h"

#define IOVA 0x40000000UL
/* More runs of pages than an unmap notes without memory. */
#define NPAGES 80
#define LEN (NPAGES * SZ_4K)
/* Where an area is, one after the other, each behind page tables of its own. */
#define AREA(n) (IOVA + (n) * SZ_1G)
#define NAREAS 4
#define MAX_NTH 5000
/* A guest's names for the device: one by one and as a batch. */
#define VSID 0x4455
#define NVSIDS 3
#define PASID 5
/* Of a fault ring: some pages of them. */
#define ENTRIES 256
/* Where that is mapped, if it is. */
#define RING_AT ((void *)0x2000000000UL)
/* Page requests of a group. */
#define NREQUESTS 3

/* What is made to fail. */
enum victim { MEMORY, USERCOPY };

/* What can be seen of a context and of its device. */
struct state {
	long pins, charged, locked;
	int next_fd;
	uint32_t next_id, num_ranges;
	struct iommufd_sva_iova_range ranges[4];
	int mapped[2][NAREAS];
	bool translated[NAREAS], nested;
	uint64_t physical[NAREAS], vmid;
	int named[NVSIDS];
	bool asks, unread, ring, ring_seen;
	long waiting;
};

FIXTURE(fail_nth)
{
	char name[PCI_NAME_LEN];
	int control, memfd;
	int fd, second;
	uint32_t ioas[2], device, out;
	uint32_t parent, viommu, hwpt, fault;
	int events, eventfd;
	uint32_t cookie;
	uint64_t ring_len;
	char *mem[2];
	struct guest guest;
	struct pasids pasids;
	struct fs space;
	uint32_t leaf;
};

/* One line for the whole program, not one for each test. */
static void __attribute__((constructor)) skip_all(void)
{
	if (!access("/proc/self/fail-nth", F_OK))
		return;
	printf("TAP version 13\n1..1\nok 1 fail_nth # SKIP no fault injection in this kernel\n");
	exit(KSFT_SKIP);
}

static int fault_attr(const char *attr, const char *file, const char *value)
{
	char path[96];

	snprintf(path, sizeof(path), "/sys/kernel/debug/%s/%s", attr, file);
	return file_write(path, value);
}

/* A call stack that an attribute requires and nobody has switches it off. */
static int fault_enable(const char *attr, bool enable)
{
	return fault_attr(attr, "require-end",
			  enable ? "18446744073709551615" : "0") ?:
	       fault_attr(attr, "stacktrace-depth", enable ? "32" : "0");
}

static int fault_choose(enum victim victim)
{
	return fault_enable("failslab", victim == MEMORY) ?:
	       fault_enable("fail_page_alloc", victim == MEMORY) ?:
	       fault_enable("fail_usercopy", victim == USERCOPY);
}

/* Quietly, whatever may sleep too, single pages too. */
static int fault_init(void)
{
	return fault_attr("failslab", "verbose", "0") ?:
	       fault_attr("failslab", "ignore-gfp-wait", "N") ?:
	       fault_attr("fail_page_alloc", "verbose", "0") ?:
	       fault_attr("fail_page_alloc", "ignore-gfp-wait", "N") ?:
	       fault_attr("fail_page_alloc", "ignore-gfp-highmem", "N") ?:
	       fault_attr("fail_page_alloc", "min-order", "0") ?:
	       fault_attr("fail_usercopy", "verbose", "0") ?:
	       fault_choose(MEMORY);
}

/* The file is read and written with accesses to user memory that can fail too. */
static void fail_nth_set(int control, unsigned int nth)
{
	char buf[16];
	int len = snprintf(buf, sizeof(buf), "%u", nth);

	while (pwrite(control, buf, len, 0) < 0)
		;
}

/* Has it failed? */
static bool fail_nth_end(int control)
{
	char buf[16] = "";
	bool failed = pread(control, buf, sizeof(buf) - 1, 0) > 0 && !atoi(buf);

	fail_nth_set(control, 0);
	return failed;
}

/* @npages neighbours to us, no two of which are neighbours in memory. */
static char *mem_scattered(int npages)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS;
	char *from = mmap(NULL, 2 * npages * SZ_4K, PROT_READ | PROT_WRITE, flags, -1, 0);
	char *to = mmap(NULL, npages * SZ_4K, PROT_NONE, flags, -1, 0);

	if (from == MAP_FAILED || to == MAP_FAILED)
		return NULL;
	madvise(from, 2 * npages * SZ_4K, MADV_NOHUGEPAGE);
	memset(from, 1, 2 * npages * SZ_4K);
	for (int i = 0; i < npages; i++)
		if (mremap(from + 2 * i * SZ_4K, SZ_4K, SZ_4K, MREMAP_MAYMOVE | MREMAP_FIXED,
			   to + i * SZ_4K) == MAP_FAILED)
			return NULL;
	return to;
}

static int map(FIXTURE_DATA(fail_nth) *self, int ioas, int area)
{
	return sva_map(self->fd, self->ioas[ioas], self->mem[ioas], LEN, AREA(area), SVA_RW);
}

static int unmap(FIXTURE_DATA(fail_nth) *self, int ioas, int area)
{
	return sva_unmap(self->fd, self->ioas[ioas], AREA(area), LEN, NULL);
}

static int attach(FIXTURE_DATA(fail_nth) *self, int ioas)
{
	return sva_attach(self->fd, self->device, self->ioas[ioas], NULL);
}

static int bind(FIXTURE_DATA(fail_nth) *self)
{
	return sva_bind(self->fd, pci_bdf(self->name), &self->device);
}

/* A context with the device and two address spaces, charged as VFIO does. */
static int context(FIXTURE_DATA(fail_nth) *self)
{
	uint64_t mode = 1;

	self->fd = sva_open();
	if (self->fd < 0)
		return self->fd;
	return sva_option(self->fd, IOMMUFD_SVA_OPTION_RLIMIT_MODE,
			  IOMMUFD_SVA_OPTION_OP_SET, 0, &mode) ?:
	       sva_ioas_alloc(self->fd, &self->ioas[0]) ?:
	       sva_ioas_alloc(self->fd, &self->ioas[1]) ?: bind(self);
}

FIXTURE_SETUP(fail_nth)
{
	struct rlimit limit = { 16 * SZ_2M, 16 * SZ_2M };

	self->fd = -1;
	self->second = -1;
	NEED_ENGINE(0, self->name);
	self->control = open("/proc/self/fail-nth", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->control);
	ASSERT_EQ(0, fault_init()) TH_LOG("fault injection lacks an attribute");
	for (int i = 0; i < 2; i++) {
		self->mem[i] = mem_scattered(NPAGES);
		ASSERT_NE(NULL, self->mem[i]);
	}
	self->memfd = memfd_create("fail_nth", MFD_ALLOW_SEALING);
	ASSERT_LE(0, self->memfd);
	ASSERT_EQ(0, ftruncate(self->memfd, LEN));
	ASSERT_EQ(0, fallocate(self->memfd, 0, 0, LEN));
	/* Who has the capability is not charged. */
	ASSERT_EQ(0, setrlimit(RLIMIT_MEMLOCK, &limit));
	ASSERT_EQ(0, drop_ipc_lock());
	ASSERT_EQ(0, pci_unbind(self->name));
	ASSERT_EQ(0, context(self));
}

FIXTURE_TEARDOWN(fail_nth)
{
	/* A fault queue's file keeps the context, too. */
	if (self->fault)
		close(self->second);
	if (self->fd >= 0)
		close(self->fd);
	EXPECT_EQ(0, status_kb("VmPin:"));
	EXPECT_EQ(0, status_kb("VmLck:"));
}

/* Both address spaces, seen through a third that is gone afterwards. */
static void observe_context(FIXTURE_DATA(fail_nth) *self, struct state *state)
{
	uint32_t scratch;

	state->num_ranges = ARRAY_SIZE(state->ranges);
	sva_ranges(self->fd, self->ioas[0], state->ranges, &state->num_ranges, NULL);
	if (sva_ioas_alloc(self->fd, &scratch))
		return;
	state->next_id = scratch;
	for (int i = 0; i < 2; i++)
		for (int area = 0; area < NAREAS; area++)
			state->mapped[i][area] = sva_copy(self->fd, scratch, AREA(area) + i * LEN,
							  self->ioas[i], AREA(area), LEN, SVA_READ);
	sva_destroy(self->fd, scratch);
}

/* A name that is there cannot be given. */
static void observe_names(FIXTURE_DATA(fail_nth) *self, struct state *state)
{
	for (int i = 0; i < NVSIDS; i++) {
		struct iommufd_sva_vsid name = { VSID + i, self->device };

		state->named[i] = sva_vsid_map(self->fd, self->viommu, IOMMUFD_SVA_VSID_ADD, &name,
					       1, NULL);
		if (!state->named[i])
			sva_vsid_map(self->fd, self->viommu, IOMMUFD_SVA_VSID_REMOVE, &name, 1,
				     NULL);
	}
}

/* Are page requests on? */
static bool asks(FIXTURE_DATA(fail_nth) *self)
{
	int bdf = pci_bdf(self->name);

	return sim_ext_cap(bdf, 0x13) && pri_register(bdf, PRI_CTRL, 2) == PRI_ON;
}

static void observe_fault_queue(FIXTURE_DATA(fail_nth) *self, struct state *state)
{
	struct pollfd pfd = { .fd = self->second, .events = POLLIN };
	unsigned char pages[16];
	void *map;

	state->waiting = pr_told(self->second, "waiting");
	if (state->waiting < 0) {
		state->waiting = 0;
		return;
	}
	state->unread = poll(&pfd, 1, 0) > 0 && pfd.revents & POLLIN;
	if (!self->ring_len)
		return;
	map = mmap(NULL, self->ring_len, PROT_READ, MAP_SHARED, self->second, 0);
	state->ring = map != MAP_FAILED;
	if (state->ring)
		munmap(map, self->ring_len);
	state->ring_seen = !mincore(RING_AT, self->ring_len, pages);
}

static void observe(FIXTURE_DATA(fail_nth) *self, struct state *state)
{
	char text[2048];

	memset(state, 0, sizeof(*state));
	if (self->fd >= 0)
		observe_context(self, state);
	if (self->fd >= 0 && self->viommu)
		observe_names(self, state);
	if (self->fault)
		observe_fault_queue(self, state);
	state->asks = asks(self);
	for (int area = 0; area < NAREAS; area++) {
		uint64_t last_page = AREA(area) + LEN - SZ_4K;

		if (walk(self->name, last_page, text, sizeof(text)))
			continue;
		state->translated[area] = strstr(text, "status=mapped");
		state->physical[area] = walk_number(text, "result", "physical");
		state->nested = strstr(text, "status=nested");
		state->vmid = walk_number(text, "ste", "vmid");
	}
	state->next_fd = dup(0);
	close(state->next_fd);
	state->pins = mem_pins();
	state->charged = status_kb("VmPin:");
	state->locked = status_kb("VmLck:");
}

static void state_print(const char *what, const struct state *s)
{
	fprintf(stderr, "# %s: pins %ld charged %ld locked %ld next id %u fd %d ranges", what,
		s->pins, s->charged, s->locked, s->next_id, s->next_fd);
	for (int i = 0; i < s->num_ranges && i < ARRAY_SIZE(s->ranges); i++)
		fprintf(stderr, " %#llx-%#llx", s->ranges[i].start, s->ranges[i].last);
	for (int area = 0; area < NAREAS; area++)
		fprintf(stderr, " [%d %d %#lx]", s->mapped[0][area], s->mapped[1][area],
			s->physical[area]);
	fprintf(stderr, " nested %d vmid %lu names", s->nested, s->vmid);
	for (int i = 0; i < NVSIDS; i++)
		fprintf(stderr, " %d", s->named[i]);
	fprintf(stderr, " asks %d unread %d waiting %ld ring %d seen %d\n", s->asks, s->unread,
		s->waiting, s->ring, s->ring_seen);
}

static bool state_is(FIXTURE_DATA(fail_nth) *self, const struct state *expected)
{
	struct state state;

	observe(self, &state);
	if (!memcmp(&state, expected, sizeof(state)))
		return true;
	state_print("expected", expected);
	state_print("observed", &state);
	return false;
}

/* What can be said of a call when something in it fails. */
enum may { MUST_WORK, MAY_FAIL };

typedef int (*step)(FIXTURE_DATA(fail_nth) *self);

static void fail_each(struct __test_metadata *_metadata, FIXTURE_DATA(fail_nth) *self, step call,
		      step undo, enum victim victim, enum may may, const struct state *before,
		      const struct state *after)
{
	int nth, rc, refused = 0;
	bool failed;

	ASSERT_EQ(0, fault_choose(victim));
	for (nth = 1; nth < MAX_NTH; nth++) {
		fail_nth_set(self->control, nth);
		rc = call(self);
		failed = fail_nth_end(self->control);
		if (rc) {
			ASSERT_TRUE(failed) TH_LOG("%d, and nothing has failed", rc);
			ASSERT_EQ(MAY_FAIL, may) TH_LOG("failure %d: %d", nth, rc);
			ASSERT_EQ(victim == MEMORY ? -ENOMEM : -EFAULT, rc)
				TH_LOG("failure %d", nth);
			ASSERT_TRUE(state_is(self, before))
				TH_LOG("failure %d: something has changed", nth);
			refused++;
			continue;
		}
		ASSERT_TRUE(state_is(self, after)) TH_LOG("failure %d: not done", nth);
		ASSERT_EQ(0, undo(self));
		ASSERT_TRUE(state_is(self, before)) TH_LOG("failure %d: not undone", nth);
		if (!failed)
			break;
	}
	ASSERT_GT(MAX_NTH, nth) TH_LOG("there is no end of failures");
	fprintf(stderr, "# %d failures of %s, of which %d failed the call\n", nth - 1,
		victim == MEMORY ? "allocations" : "accesses to user memory", refused);
	if (may == MAY_FAIL)
		EXPECT_LT(0, refused);
}

/* @call from one state to another, and @undo back. */
static void fail(struct __test_metadata *_metadata, FIXTURE_DATA(fail_nth) *self, step call,
		 step undo, enum may memory)
{
	struct state before, after;

	observe(self, &before);
	ASSERT_EQ(0, call(self));
	observe(self, &after);
	ASSERT_NE(0, memcmp(&before, &after, sizeof(before)))
		TH_LOG("what it does cannot be seen");
	ASSERT_EQ(0, undo(self));
	ASSERT_TRUE(state_is(self, &before));

	fail_each(_metadata, self, call, undo, MEMORY, memory, &before, &after);
	fail_each(_metadata, self, call, undo, USERCOPY, MAY_FAIL, &before, &after);
}

static int nothing(FIXTURE_DATA(fail_nth) *self)
{
	return 0;
}

/* --- contexts and address spaces --------------------------------------- */

static int call_open(FIXTURE_DATA(fail_nth) *self)
{
	self->second = sva_open();
	return self->second < 0 ? self->second : 0;
}

static int undo_open(FIXTURE_DATA(fail_nth) *self)
{
	return close(self->second);
}

TEST_F_TIMEOUT(fail_nth, open, 300)
{
	fail(_metadata, self, call_open, undo_open, MAY_FAIL);
}

static int call_ioas_alloc(FIXTURE_DATA(fail_nth) *self)
{
	return sva_ioas_alloc(self->fd, &self->out);
}

static int destroy_out(FIXTURE_DATA(fail_nth) *self)
{
	return sva_destroy(self->fd, self->out);
}

TEST_F_TIMEOUT(fail_nth, ioas_alloc, 300)
{
	fail(_metadata, self, call_ioas_alloc, destroy_out, MAY_FAIL);
}

/* So many ids that the array of them has to grow for the next. */
TEST_F_TIMEOUT(fail_nth, ioas_alloc_64th, 300)
{
	for (uint32_t id = 0; id < 63; )
		ASSERT_EQ(0, sva_ioas_alloc(self->fd, &id));
	fail(_metadata, self, call_ioas_alloc, destroy_out, MAY_FAIL);
}

static int call_destroy_ioas(FIXTURE_DATA(fail_nth) *self)
{
	return sva_destroy(self->fd, self->ioas[1]);
}

static int undo_destroy_ioas(FIXTURE_DATA(fail_nth) *self)
{
	return sva_ioas_alloc(self->fd, &self->ioas[1]) ?: map(self, 1, 0) ?: map(self, 1, 1);
}

TEST_F_TIMEOUT(fail_nth, destroy_ioas, 300)
{
	ASSERT_EQ(0, map(self, 1, 0));
	ASSERT_EQ(0, map(self, 1, 1));
	fail(_metadata, self, call_destroy_ioas, undo_destroy_ioas, MUST_WORK);
}

/* --- mapping ----------------------------------------------------------- */

static int call_map(FIXTURE_DATA(fail_nth) *self)
{
	return map(self, 0, 1);
}

static int undo_map(FIXTURE_DATA(fail_nth) *self)
{
	return unmap(self, 0, 1);
}

TEST_F_TIMEOUT(fail_nth, map_without_tables, 300)
{
	fail(_metadata, self, call_map, undo_map, MAY_FAIL);
}

TEST_F_TIMEOUT(fail_nth, map, 300)
{
	ASSERT_EQ(0, attach(self, 0));
	fail(_metadata, self, call_map, undo_map, MAY_FAIL);
}

/* What the first tables hold already has to come out again. */
TEST_F_TIMEOUT(fail_nth, map_into_two_tables, 300)
{
	uint32_t hwpt;

	ASSERT_EQ(0, attach(self, 0));
	ASSERT_EQ(0, sva_hwpt_alloc(self->fd, self->device, self->ioas[0], 0, &hwpt));
	fail(_metadata, self, call_map, undo_map, MAY_FAIL);
}

static int call_map_file(FIXTURE_DATA(fail_nth) *self)
{
	return sva_map_file(self->fd, self->ioas[0], self->memfd, 0, LEN, AREA(1), SVA_RW);
}

TEST_F_TIMEOUT(fail_nth, map_file, 300)
{
	ASSERT_EQ(0, attach(self, 0));
	fail(_metadata, self, call_map_file, undo_map, MAY_FAIL);
	EXPECT_EQ(0, fcntl(self->memfd, F_ADD_SEALS, F_SEAL_WRITE))
		TH_LOG("somebody may still write to the file");
}

/* Two mappings that touch, in one go. */
static int call_copy(FIXTURE_DATA(fail_nth) *self)
{
	return sva_copy(self->fd, self->ioas[1], AREA(1), self->ioas[0], AREA(0), 2 * LEN, SVA_RW);
}

static int undo_copy(FIXTURE_DATA(fail_nth) *self)
{
	return sva_unmap(self->fd, self->ioas[1], AREA(1), 2 * LEN, NULL);
}

TEST_F_TIMEOUT(fail_nth, copy, 300)
{
	uint32_t hwpt;

	ASSERT_EQ(0, attach(self, 1));
	ASSERT_EQ(0, sva_hwpt_alloc(self->fd, self->device, self->ioas[0], 0, &hwpt));
	ASSERT_EQ(0, map(self, 0, 0));
	ASSERT_EQ(0, sva_map(self->fd, self->ioas[0], self->mem[1], LEN, AREA(0) + LEN, SVA_RW));
	fail(_metadata, self, call_copy, undo_copy, MAY_FAIL);
}

static int call_unmap(FIXTURE_DATA(fail_nth) *self)
{
	return unmap(self, 0, 1);
}

/* Unmapping goes on without memory, in smaller pieces. */
TEST_F_TIMEOUT(fail_nth, unmap_one_of_three, 300)
{
	ASSERT_EQ(0, attach(self, 0));
	for (int area = 0; area < 3; area++)
		ASSERT_EQ(0, map(self, 0, area));
	fail(_metadata, self, call_unmap, call_map, MUST_WORK);
}

static int call_allow(FIXTURE_DATA(fail_nth) *self)
{
	struct iommufd_sva_iova_range ranges[] = {
		{ SZ_2M, 2 * SZ_2M - 1 }, { 4 * SZ_2M, 5 * SZ_2M - 1 },
	};

	return sva_allow(self->fd, self->ioas[0], ranges, 2);
}

static int undo_allow(FIXTURE_DATA(fail_nth) *self)
{
	return sva_allow(self->fd, self->ioas[0], NULL, 0);
}

/* Whether ranges are allowed shows in what the kernel chooses. */
static int call_map_any(FIXTURE_DATA(fail_nth) *self)
{
	uint64_t iova;
	int rc = call_allow(self);

	if (!rc)
		rc = sva_map_any(self->fd, self->ioas[0], self->mem[0], LEN, &iova, SVA_RW);
	if (!rc && (iova < SZ_2M || iova >= 2 * SZ_2M))
		rc = -ERANGE;
	return rc;
}

static int undo_map_any(FIXTURE_DATA(fail_nth) *self)
{
	return sva_unmap(self->fd, self->ioas[0], SZ_2M, SZ_2M, NULL) ?: undo_allow(self);
}

TEST_F_TIMEOUT(fail_nth, map_where_allowed, 300)
{
	ASSERT_EQ(0, attach(self, 0));
	fail(_metadata, self, call_map_any, undo_map_any, MAY_FAIL);
}

/* --- tables and devices ------------------------------------------------ */

static int call_hwpt_alloc(FIXTURE_DATA(fail_nth) *self)
{
	return sva_hwpt_alloc(self->fd, self->device, self->ioas[0], 0, &self->out);
}

TEST_F_TIMEOUT(fail_nth, hwpt_alloc, 300)
{
	for (int area = 0; area < 3; area++)
		ASSERT_EQ(0, map(self, 0, area));
	fail(_metadata, self, call_hwpt_alloc, destroy_out, MAY_FAIL);
}

TEST_F_TIMEOUT(fail_nth, hwpt_alloc_second, 300)
{
	for (int area = 0; area < 3; area++)
		ASSERT_EQ(0, map(self, 0, area));
	ASSERT_EQ(0, attach(self, 0));
	fail(_metadata, self, call_hwpt_alloc, destroy_out, MAY_FAIL);
}

TEST_F_TIMEOUT(fail_nth, destroy_hwpt, 300)
{
	for (int area = 0; area < 3; area++)
		ASSERT_EQ(0, map(self, 0, area));
	ASSERT_EQ(0, call_hwpt_alloc(self));
	fail(_metadata, self, destroy_out, call_hwpt_alloc, MUST_WORK);
}

static int call_attach(FIXTURE_DATA(fail_nth) *self)
{
	return attach(self, 0);
}

static int call_detach(FIXTURE_DATA(fail_nth) *self)
{
	return sva_detach(self->fd, self->device);
}

TEST_F_TIMEOUT(fail_nth, attach, 300)
{
	ASSERT_EQ(0, map(self, 0, 0));
	ASSERT_EQ(0, map(self, 0, 2));
	fail(_metadata, self, call_attach, call_detach, MAY_FAIL);
}

TEST_F_TIMEOUT(fail_nth, detach, 300)
{
	ASSERT_EQ(0, map(self, 0, 0));
	ASSERT_EQ(0, attach(self, 0));
	fail(_metadata, self, call_detach, call_attach, MUST_WORK);
}

static int call_attach_hwpt(FIXTURE_DATA(fail_nth) *self)
{
	return sva_attach(self->fd, self->device, self->out, NULL);
}

TEST_F_TIMEOUT(fail_nth, attach_hwpt, 300)
{
	ASSERT_EQ(0, map(self, 0, 0));
	ASSERT_EQ(0, call_hwpt_alloc(self));
	fail(_metadata, self, call_attach_hwpt, call_detach, MAY_FAIL);
}

static int call_replace(FIXTURE_DATA(fail_nth) *self)
{
	return attach(self, 1);
}

/* The same IOVA with other memory behind it. */
TEST_F_TIMEOUT(fail_nth, replace, 300)
{
	ASSERT_EQ(0, map(self, 0, 0));
	ASSERT_EQ(0, map(self, 1, 0));
	ASSERT_EQ(0, map(self, 1, 1));
	ASSERT_EQ(0, attach(self, 0));
	fail(_metadata, self, call_replace, call_attach, MAY_FAIL);
}

/* --- fault queues ------------------------------------------------------ */

static int call_fault_queue(FIXTURE_DATA(fail_nth) *self)
{
	return sva_fault_alloc(self->fd, &self->fault, &self->second);
}

static int undo_fault_queue(FIXTURE_DATA(fail_nth) *self)
{
	close(self->second);
	return sva_destroy(self->fd, self->fault);
}

TEST_F_TIMEOUT(fail_nth, fault_queue_alloc, 300)
{
	fail(_metadata, self, call_fault_queue, undo_fault_queue, MAY_FAIL);
}

static int call_hwpt_fault(FIXTURE_DATA(fail_nth) *self)
{
	return sva_hwpt_fault(self->fd, self->device, self->ioas[0], self->fault, &self->out);
}

TEST_F_TIMEOUT(fail_nth, hwpt_alloc_with_fault_queue, 300)
{
	ASSERT_EQ(0, call_fault_queue(self));
	fail(_metadata, self, call_hwpt_fault, destroy_out, MAY_FAIL);
	ASSERT_EQ(0, undo_fault_queue(self));
}

#define NEED_PAGE_REQUESTS()                                                          \
	do {                                                                          \
		int rc;                                                               \
									              \
		ASSERT_EQ(0, map(self, 0, 0));                                        \
		ASSERT_EQ(0, call_fault_queue(self));                                 \
		ASSERT_EQ(0, call_hwpt_fault(self));                                  \
		rc = call_attach_hwpt(self);                                          \
		if (rc == -ENODEV)                                                    \
			SKIP(return, "the device makes no page requests");            \
		ASSERT_EQ(0, rc);                                                     \
		ASSERT_EQ(0, call_detach(self));                                      \
	} while (0)

TEST_F_TIMEOUT(fail_nth, attach_with_fault_queue, 300)
{
	NEED_PAGE_REQUESTS();
	fail(_metadata, self, call_attach_hwpt, call_detach, MAY_FAIL);
}

TEST_F_TIMEOUT(fail_nth, detach_with_fault_queue, 300)
{
	NEED_PAGE_REQUESTS();
	ASSERT_EQ(0, call_attach_hwpt(self));
	fail(_metadata, self, call_detach, call_attach_hwpt, MUST_WORK);
}

/* To what has no fault queue and back. */
TEST_F_TIMEOUT(fail_nth, replace_with_fault_queue, 300)
{
	NEED_PAGE_REQUESTS();
	ASSERT_EQ(0, map(self, 1, 1));
	ASSERT_EQ(0, call_replace(self));
	fail(_metadata, self, call_attach_hwpt, call_replace, MAY_FAIL);
}

static int call_attach_pasid_fault(FIXTURE_DATA(fail_nth) *self)
{
	return sva_attach_pasid(self->fd, self->device, PASID, self->out, NULL);
}

static int call_detach_pasid(FIXTURE_DATA(fail_nth) *self)
{
	return sva_detach_pasid(self->fd, self->device, PASID);
}

TEST_F_TIMEOUT(fail_nth, attach_pasid_with_fault_queue, 300)
{
	int rc;

	NEED_PAGE_REQUESTS();
	rc = call_attach_pasid_fault(self);
	if (rc == -EOPNOTSUPP)
		SKIP(return, "nothing is attached to PASIDs here");
	ASSERT_EQ(0, rc);
	ASSERT_EQ(0, call_detach_pasid(self));
	fail(_metadata, self, call_attach_pasid_fault, call_detach_pasid, MAY_FAIL);
	ASSERT_EQ(0, call_attach_pasid_fault(self));
	fail(_metadata, self, call_detach_pasid, call_attach_pasid_fault, MUST_WORK);
}

/* A queue has one ring all its life. */
static int call_fault_ring(FIXTURE_DATA(fail_nth) *self)
{
	return sva_fault_ring(self->fd, self->fault, self->eventfd, ENTRIES, NULL);
}

static int undo_fault_ring(FIXTURE_DATA(fail_nth) *self)
{
	return undo_fault_queue(self) ?: call_fault_queue(self);
}

/* What is to be mapped, as a ring that comes and goes again says. */
static int learn_ring(FIXTURE_DATA(fail_nth) *self)
{
	self->eventfd = eventfd(0, EFD_CLOEXEC);
	return call_fault_queue(self) ?:
	       sva_fault_ring(self->fd, self->fault, self->eventfd, ENTRIES, &self->ring_len) ?:
	       undo_fault_ring(self);
}

TEST_F_TIMEOUT(fail_nth, fault_ring, 300)
{
	ASSERT_EQ(0, learn_ring(self));
	fail(_metadata, self, call_fault_ring, undo_fault_ring, MAY_FAIL);
}

static int call_map_ring(FIXTURE_DATA(fail_nth) *self)
{
	void *map = mmap(RING_AT, self->ring_len, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_FIXED_NOREPLACE, self->second, 0);

	return map == RING_AT ? 0 : -errno;
}

static int call_unmap_ring(FIXTURE_DATA(fail_nth) *self)
{
	return munmap(RING_AT, self->ring_len) ? -errno : 0;
}

TEST_F_TIMEOUT(fail_nth, map_fault_ring, 300)
{
	struct state before, after;

	ASSERT_EQ(0, learn_ring(self));
	ASSERT_EQ(0, call_fault_ring(self));
	observe(self, &before);
	ASSERT_EQ(0, call_map_ring(self));
	observe(self, &after);
	ASSERT_TRUE(after.ring_seen && !before.ring_seen);
	ASSERT_EQ(0, call_unmap_ring(self));
	fail_each(_metadata, self, call_map_ring, call_unmap_ring, MEMORY, MAY_FAIL, &before,
		  &after);
}

/* A group that its VMM has not read; nothing of the hardware's is made to fail. */
static int ask(FIXTURE_DATA(fail_nth) *self)
{
	struct pollfd pfd = { .fd = self->second, .events = POLLIN };
	int status = SIM_OK;

	for (int i = 0; status == SIM_OK && i < NREQUESTS; i++)
		status = sim_page_request(pci_bdf(self->name), SIM_NO_PASID, AREA(3) + i * SZ_4K,
					  7, SIM_PR_READ | (i + 1 == NREQUESTS ? SIM_PR_LAST : 0),
					  0);
	if (status != SIM_OK)
		return -EIO;
	return poll(&pfd, 1, PR_PATIENCE_MS) == 1 ? 0 : -ETIMEDOUT;
}

static int call_read_faults(FIXTURE_DATA(fail_nth) *self)
{
	struct iommufd_sva_hwpt_pgfault requests[NREQUESTS];
	ssize_t len = read(self->second, requests, sizeof(requests));

	if (len < 0)
		return -errno;
	self->cookie = requests[0].cookie;
	return len == sizeof(requests) ? 0 : -EIO;
}

static int call_answer(FIXTURE_DATA(fail_nth) *self)
{
	return pr_answer(self->second, self->cookie, IOMMUFD_SVA_PAGE_RESP_SUCCESS);
}

static int undo_read_faults(FIXTURE_DATA(fail_nth) *self)
{
	return call_answer(self) ?: ask(self);
}

static int undo_answer(FIXTURE_DATA(fail_nth) *self)
{
	return ask(self) ?: call_read_faults(self);
}

/* What waits does so for some failures, each of which is looked at: it is not to be late. */
static int wait_long(FIXTURE_DATA(fail_nth) *self)
{
	uint64_t ms = 3600000;

	return sva_option(self->fd, IOMMUFD_SVA_OPTION_PAGE_RESPONSE_TIMEOUT,
			  IOMMUFD_SVA_OPTION_OP_SET, self->fault, &ms);
}

#define NEED_ASKING()                                                                 \
	do {                                                                          \
		if (!sim_present())                                                   \
			SKIP(return, "needs the hardware models");                    \
		NEED_PAGE_REQUESTS();                                                 \
		ASSERT_EQ(0, wait_long(self));                                        \
		ASSERT_EQ(0, call_attach_hwpt(self));                                 \
		ASSERT_EQ(0, sim_set_master(pci_bdf(self->name), true));              \
		ASSERT_EQ(0, ask(self));                                              \
	} while (0)

/* That allocates nothing, and an answer neither. */
TEST_F_TIMEOUT(fail_nth, read_faults, 300)
{
	NEED_ASKING();
	fail(_metadata, self, call_read_faults, undo_read_faults, MUST_WORK);
}

TEST_F_TIMEOUT(fail_nth, answer_faults, 300)
{
	NEED_ASKING();
	ASSERT_EQ(0, call_read_faults(self));
	fail(_metadata, self, call_answer, undo_answer, MUST_WORK);
}

static int call_unbind(FIXTURE_DATA(fail_nth) *self)
{
	return sva_destroy(self->fd, self->device);
}

TEST_F_TIMEOUT(fail_nth, bind, 600)
{
	ASSERT_EQ(0, call_unbind(self));
	fail(_metadata, self, bind, call_unbind, MAY_FAIL);
}

TEST_F_TIMEOUT(fail_nth, unbind, 600)
{
	fail(_metadata, self, call_unbind, bind, MUST_WORK);
}

static int call_close(FIXTURE_DATA(fail_nth) *self)
{
	int fd = self->fd;

	self->fd = -1;
	return close(fd);
}

static int undo_close(FIXTURE_DATA(fail_nth) *self)
{
	return context(self) ?: map(self, 0, 0) ?: map(self, 0, 1) ?: map(self, 1, 2) ?:
	       attach(self, 0);
}

/* Everything at once; it takes nothing from and gives nothing to the user. */
TEST_F_TIMEOUT(fail_nth, close, 600)
{
	struct state before, after;

	ASSERT_EQ(0, call_close(self));
	observe(self, &after);
	ASSERT_EQ(0, undo_close(self));
	observe(self, &before);
	fail_each(_metadata, self, call_close, undo_close, MEMORY, MUST_WORK, &before, &after);
}

/* --- nesting ----------------------------------------------------------- */

#define NEED_NESTING()                                                                \
	do {                                                                          \
		if (!has_viommu(self->fd, self->device))                              \
			SKIP(return, "the unit does not nest");                       \
		ASSERT_EQ(0, map(self, 0, 0));                                        \
		ASSERT_EQ(0, sva_hwpt_alloc(self->fd, self->device, self->ioas[0],    \
					    NEST_PARENT, &self->parent));             \
		ASSERT_EQ(0, viommu(self, &self->viommu));                            \
	} while (0)

static int viommu(FIXTURE_DATA(fail_nth) *self, uint32_t *out)
{
	return sva_viommu_alloc(self->fd, kind()->viommu, self->device, self->parent, out);
}

static int call_viommu(FIXTURE_DATA(fail_nth) *self)
{
	return viommu(self, &self->out);
}

TEST_F_TIMEOUT(fail_nth, viommu_alloc, 300)
{
	NEED_NESTING();
	fail(_metadata, self, call_viommu, destroy_out, MAY_FAIL);
}

TEST_F_TIMEOUT(fail_nth, destroy_viommu, 300)
{
	NEED_NESTING();
	ASSERT_EQ(0, call_viommu(self));
	fail(_metadata, self, destroy_out, call_viommu, MUST_WORK);
}

static int call_vdevice(FIXTURE_DATA(fail_nth) *self)
{
	return sva_vdevice_alloc(self->fd, self->viommu, self->device, VSID, &self->out);
}

TEST_F_TIMEOUT(fail_nth, vdevice_alloc, 300)
{
	NEED_NESTING();
	fail(_metadata, self, call_vdevice, destroy_out, MAY_FAIL);
}

TEST_F_TIMEOUT(fail_nth, destroy_vdevice, 300)
{
	NEED_NESTING();
	ASSERT_EQ(0, call_vdevice(self));
	fail(_metadata, self, destroy_out, call_vdevice, MUST_WORK);
}

static int vsid_map(FIXTURE_DATA(fail_nth) *self, uint32_t flags)
{
	struct iommufd_sva_vsid names[NVSIDS];

	for (int i = 0; i < NVSIDS; i++)
		names[i] = (struct iommufd_sva_vsid){ VSID + i, self->device };
	return sva_vsid_map(self->fd, self->viommu, flags, names, NVSIDS, NULL);
}

static int call_vsid_add(FIXTURE_DATA(fail_nth) *self)
{
	return vsid_map(self, IOMMUFD_SVA_VSID_ADD);
}

static int call_vsid_remove(FIXTURE_DATA(fail_nth) *self)
{
	return vsid_map(self, IOMMUFD_SVA_VSID_REMOVE);
}

TEST_F_TIMEOUT(fail_nth, vsid_add, 300)
{
	NEED_NESTING();
	fail(_metadata, self, call_vsid_add, call_vsid_remove, MAY_FAIL);
}

/* That, too, may fail: the list of what goes is as long as the user wants. */
TEST_F_TIMEOUT(fail_nth, vsid_remove, 300)
{
	NEED_NESTING();
	ASSERT_EQ(0, call_vsid_add(self));
	fail(_metadata, self, call_vsid_remove, call_vsid_add, MAY_FAIL);
}

static int call_nest(FIXTURE_DATA(fail_nth) *self)
{
	return nest(self->fd, self->device, self->viommu, &self->out);
}

TEST_F_TIMEOUT(fail_nth, nested_hwpt_alloc, 300)
{
	NEED_NESTING();
	fail(_metadata, self, call_nest, destroy_out, MAY_FAIL);
}

TEST_F_TIMEOUT(fail_nth, destroy_nested_hwpt, 300)
{
	NEED_NESTING();
	ASSERT_EQ(0, call_nest(self));
	fail(_metadata, self, destroy_out, call_nest, MUST_WORK);
}

static int call_attach_nested(FIXTURE_DATA(fail_nth) *self)
{
	return sva_attach(self->fd, self->device, self->hwpt, NULL);
}

TEST_F_TIMEOUT(fail_nth, attach_nested, 300)
{
	NEED_NESTING();
	ASSERT_EQ(0, nest(self->fd, self->device, self->viommu, &self->hwpt));
	fail(_metadata, self, call_attach_nested, call_detach, MAY_FAIL);
}

TEST_F_TIMEOUT(fail_nth, detach_nested, 300)
{
	NEED_NESTING();
	ASSERT_EQ(0, nest(self->fd, self->device, self->viommu, &self->hwpt));
	ASSERT_EQ(0, call_attach_nested(self));
	fail(_metadata, self, call_detach, call_attach_nested, MUST_WORK);
}

/* From the guest's tables to the host's and back. */
TEST_F_TIMEOUT(fail_nth, replace_nested, 300)
{
	NEED_NESTING();
	ASSERT_EQ(0, nest(self->fd, self->device, self->viommu, &self->hwpt));
	ASSERT_EQ(0, call_attach_nested(self));
	fail(_metadata, self, call_replace, call_attach_nested, MAY_FAIL);
	ASSERT_EQ(0, call_replace(self));
	fail(_metadata, self, call_attach_nested, call_replace, MAY_FAIL);
}

static bool is_vtd(void)
{
	return kind()->viommu == IOMMUFD_SVA_VIOMMU_VTD;
}

/* In the guest's memory a VT-d PASID table with one of each in it, in two leaves. */
static void make_pasids(FIXTURE_DATA(fail_nth) *self)
{
	memset(self->mem[0], 0, LEN);
	self->guest = (struct guest){ (uint8_t *)self->mem[0], AREA(0), LEN, 0 };
	pasids_init(&self->pasids, &self->guest, 13);
	fs_init(&self->space, &self->guest);
	pasids_set(&self->pasids, 0, &self->space, 1);
	pasids_set(&self->pasids, 5, &self->space, 2);
	pasids_pass(&self->pasids, 64, 3);
}

static int pasid_table(FIXTURE_DATA(fail_nth) *self, uint32_t pt, uint32_t *table)
{
	struct iommufd_sva_pasid_table_vtd arg = { .pasid_bits = 13 };
	uint64_t ste[2];

	if (is_vtd()) {
		make_pasids(self);
		arg.dir_gpa = self->pasids.dir;
		return sva_pasid_table_alloc(self->fd, pt, kind()->table, &arg, sizeof(arg),
					     table);
	}
	guest_ste_bypass(ste);
	return sva_pasid_table_alloc(self->fd, pt, kind()->table, ste, sizeof(ste), table);
}

/* On the parent: it has an identity of its own on each unit. */
static int call_pasid_table(FIXTURE_DATA(fail_nth) *self)
{
	return pasid_table(self, self->parent, &self->out);
}

TEST_F_TIMEOUT(fail_nth, pasid_table_alloc, 300)
{
	NEED_NESTING();
	fail(_metadata, self, call_pasid_table, destroy_out, MAY_FAIL);
}

static int call_viommu_table(FIXTURE_DATA(fail_nth) *self)
{
	return pasid_table(self, self->viommu, &self->out);
}

TEST_F_TIMEOUT(fail_nth, pasid_table_of_viommu, 300)
{
	NEED_NESTING();
	fail(_metadata, self, call_viommu_table, destroy_out, MAY_FAIL);
	ASSERT_EQ(0, call_viommu_table(self));
	fail(_metadata, self, destroy_out, call_viommu_table, MUST_WORK);
}

TEST_F_TIMEOUT(fail_nth, attach_pasid_table, 300)
{
	NEED_NESTING();
	ASSERT_EQ(0, pasid_table(self, self->parent, &self->hwpt));
	fail(_metadata, self, call_attach_nested, call_detach, MAY_FAIL);
	ASSERT_EQ(0, call_attach_nested(self));
	fail(_metadata, self, call_detach, call_attach_nested, MUST_WORK);
}

/* Nested HWPTs and PASID tables that have a fault queue. */
static int nest_with_queue(FIXTURE_DATA(fail_nth) *self, uint32_t *hwpt)
{
	struct iommufd_sva_hwpt_vtd_s1 s1 = { .pgtbl_addr = AREA(0), .addr_width = 48 };
	uint64_t ste[2];
	struct iommufd_sva_hwpt_alloc cmd = {
		.size = sizeof(cmd),
		.flags = IOMMUFD_SVA_HWPT_FAULT_ID_VALID,
		.dev_id = self->device,
		.pt_id = self->viommu,
		.data_type = kind()->nested,
		.data_len = is_vtd() ? sizeof(s1) : sizeof(ste),
		.data_uptr = is_vtd() ? (uintptr_t)&s1 : (uintptr_t)ste,
		.fault_id = self->fault,
	};
	int rc;

	guest_ste_bypass(ste);
	rc = sva_ioctl(self->fd, IOMMUFD_SVA_HWPT_ALLOC, &cmd);
	*hwpt = cmd.out_hwpt_id;
	return rc;
}

static int table_with_queue(FIXTURE_DATA(fail_nth) *self, uint32_t *table)
{
	struct iommufd_sva_pasid_table_vtd vtd = { .pasid_bits = 13 };
	uint64_t ste[2];
	struct iommufd_sva_pasid_table_alloc cmd = {
		.size = sizeof(cmd),
		.pt_id = self->viommu,
		.fault_id = self->fault,
		.data_type = kind()->table,
		.data_len = is_vtd() ? sizeof(vtd) : sizeof(ste),
		.data_uptr = is_vtd() ? (uintptr_t)&vtd : (uintptr_t)ste,
	};
	int rc;

	guest_ste_bypass(ste);
	if (is_vtd()) {
		make_pasids(self);
		vtd.dir_gpa = self->pasids.dir;
	}
	rc = sva_ioctl(self->fd, IOMMUFD_SVA_PASID_TABLE_ALLOC, &cmd);
	*table = cmd.out_pasid_table_id;
	return rc;
}

static int call_nest_with_queue(FIXTURE_DATA(fail_nth) *self)
{
	return nest_with_queue(self, &self->out);
}

static int call_table_with_queue(FIXTURE_DATA(fail_nth) *self)
{
	return table_with_queue(self, &self->out);
}

TEST_F_TIMEOUT(fail_nth, nested_hwpt_alloc_with_fault_queue, 300)
{
	NEED_NESTING();
	ASSERT_EQ(0, call_fault_queue(self));
	fail(_metadata, self, call_nest_with_queue, destroy_out, MAY_FAIL);
	/* Nothing that failed holds it. */
	ASSERT_EQ(0, undo_fault_queue(self));
}

TEST_F_TIMEOUT(fail_nth, pasid_table_alloc_with_fault_queue, 300)
{
	NEED_NESTING();
	ASSERT_EQ(0, call_fault_queue(self));
	fail(_metadata, self, call_table_with_queue, destroy_out, MAY_FAIL);
	ASSERT_EQ(0, undo_fault_queue(self));
}

/* From what has no queue to what has one, with page requests then, and back. */
static void replace_with_queue(struct __test_metadata *_metadata, FIXTURE_DATA(fail_nth) *self)
{
	int rc = call_attach_nested(self);

	if (rc == -ENODEV)
		SKIP(return, "the device makes no page requests");
	ASSERT_EQ(0, rc);
	ASSERT_EQ(0, call_detach(self));
	fail(_metadata, self, call_attach_nested, call_detach, MAY_FAIL);
	ASSERT_EQ(0, call_attach_nested(self));
	fail(_metadata, self, call_detach, call_attach_nested, MUST_WORK);
	ASSERT_EQ(0, call_replace(self));
	fail(_metadata, self, call_attach_nested, call_replace, MAY_FAIL);
}

TEST_F_TIMEOUT(fail_nth, attach_nested_with_fault_queue, 300)
{
	NEED_NESTING();
	ASSERT_EQ(0, call_fault_queue(self));
	ASSERT_EQ(0, nest_with_queue(self, &self->hwpt));
	replace_with_queue(_metadata, self);
}

TEST_F_TIMEOUT(fail_nth, attach_pasid_table_with_fault_queue, 300)
{
	NEED_NESTING();
	ASSERT_EQ(0, call_fault_queue(self));
	ASSERT_EQ(0, table_with_queue(self, &self->hwpt));
	replace_with_queue(_metadata, self);
}

static int call_veventq(FIXTURE_DATA(fail_nth) *self)
{
	return sva_veventq_alloc(self->fd, self->viommu, kind()->event, 64, &self->out,
				 &self->events);
}

static int undo_veventq(FIXTURE_DATA(fail_nth) *self)
{
	return close(self->events) ?: destroy_out(self);
}

TEST_F_TIMEOUT(fail_nth, veventq_alloc, 300)
{
	NEED_NESTING();
	fail(_metadata, self, call_veventq, undo_veventq, MAY_FAIL);
}

static int call_invalidate(FIXTURE_DATA(fail_nth) *self)
{
	struct guest_cmd cmds[NVSIDS];
	uint32_t num = NVSIDS;

	for (int i = 0; i < NVSIDS; i++)
		cmds[i] = cmd_cfgi_cd(VSID + i, 0);
	return sva_invalidate(self->fd, self->viommu, kind()->inv, cmds, sizeof(cmds[0]), &num);
}

/* It allocates nothing. */
TEST_F_TIMEOUT(fail_nth, invalidate, 300)
{
	struct state same;

	if (kind()->inv != IOMMUFD_SVA_VIOMMU_INVALIDATE_DATA_ARM_SMMUV3)
		SKIP(return, "commands of an SMMUv3");
	NEED_NESTING();
	ASSERT_EQ(0, call_vsid_add(self));
	observe(self, &same);
	fail_each(_metadata, self, call_invalidate, nothing, MEMORY, MUST_WORK, &same, &same);
	fail_each(_metadata, self, call_invalidate, nothing, USERCOPY, MAY_FAIL, &same, &same);
}

/* A guest has something new in a page of its table where it had nothing, and says so. */
static int call_new_leaf(FIXTURE_DATA(fail_nth) *self)
{
	const struct qi descs[] = { qi_iotlb_domain(2), qi_pasid_global(), qi_iotlb_global() };
	uint32_t num = ARRAY_SIZE(descs);

	pasids_set(&self->pasids, 64 * self->leaf, &self->space, self->leaf);
	return sva_invalidate(self->fd, self->viommu, kind()->inv, descs, sizeof(descs[0]), &num);
}

/* Pages stay: the next time it is another one. */
static int undo_new_leaf(FIXTURE_DATA(fail_nth) *self)
{
	struct qi desc = qi_pasid_global();
	uint32_t num = 1;

	pasids_clear(&self->pasids, 64 * self->leaf++);
	return sva_invalidate(self->fd, self->viommu, kind()->inv, &desc, sizeof(desc), &num);
}

/* A guest's queue allocates what its PASID table grows by. */
TEST_F_TIMEOUT(fail_nth, queue, 300)
{
	struct state same;

	if (!is_vtd())
		SKIP(return, "descriptors of VT-d");
	NEED_NESTING();
	ASSERT_EQ(0, pasid_table(self, self->viommu, &self->hwpt));
	ASSERT_EQ(0, call_attach_nested(self));
	self->leaf = 2;
	observe(self, &same);
	fail_each(_metadata, self, call_new_leaf, undo_new_leaf, MEMORY, MAY_FAIL, &same, &same);
	fail_each(_metadata, self, call_new_leaf, undo_new_leaf, USERCOPY, MAY_FAIL, &same, &same);
}

static int call_invalidate_hwpt(FIXTURE_DATA(fail_nth) *self)
{
	struct iommufd_sva_hwpt_vtd_s1_invalidate inv = { .addr = AREA(0), .npages = 1 };
	uint32_t num = 1;

	return sva_invalidate(self->fd, self->hwpt, IOMMUFD_SVA_HWPT_INVALIDATE_DATA_VTD_S1,
			      &inv, sizeof(inv), &num);
}

/* It allocates nothing. */
TEST_F_TIMEOUT(fail_nth, invalidate_hwpt, 300)
{
	struct state same;

	if (!is_vtd())
		SKIP(return, "invalidations of VT-d");
	NEED_NESTING();
	ASSERT_EQ(0, nest(self->fd, self->device, self->viommu, &self->hwpt));
	ASSERT_EQ(0, call_attach_nested(self));
	observe(self, &same);
	fail_each(_metadata, self, call_invalidate_hwpt, nothing, MEMORY, MUST_WORK, &same, &same);
	fail_each(_metadata, self, call_invalidate_hwpt, nothing, USERCOPY, MAY_FAIL, &same,
		  &same);
}

/* --- the rest ---------------------------------------------------------- */

static int call_hw_info(FIXTURE_DATA(fail_nth) *self)
{
	char data[64];
	struct iommufd_sva_hw_info cmd = {
		.size = sizeof(cmd),
		.dev_id = self->device,
		.data_len = sizeof(data),
		.data_uptr = (uintptr_t)data,
	};

	return sva_ioctl(self->fd, IOMMUFD_SVA_GET_HW_INFO, &cmd);
}

TEST_F_TIMEOUT(fail_nth, get_hw_info, 300)
{
	struct state same;

	observe(self, &same);
	fail_each(_metadata, self, call_hw_info, nothing, MEMORY, MAY_FAIL, &same, &same);
	fail_each(_metadata, self, call_hw_info, nothing, USERCOPY, MAY_FAIL, &same, &same);
}

TEST_HARNESS_MAIN
