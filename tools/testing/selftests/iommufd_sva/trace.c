// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a person sees who looks on: tracepoints iommufd_sva:* and page_requests in debugfs,
 * each line as it is, held against what was done. Needs a hardware model. Plugs its own
 * devices in.
 */
#include <stdarg.h>

#include "guest.h"
#include "nest.h"
#include "pr.h"
#include "selftest.h"
#include "sim.h"
#include "vguest.h"

#define TRACEFS "/sys/kernel/tracing"
#define OURS TRACEFS "/events/iommufd_sva"

#define SUCCESS IOMMUFD_SVA_PAGE_RESP_SUCCESS
#define INVALID IOMMUFD_SVA_PAGE_RESP_INVALID

#define GPA 0x40000000UL
#define GUEST_SIZE (8 * SZ_2M)
#define HOLE 0x7f1234560000UL
/* Nothing is mapped there, either, and any stage 2 could. */
#define STALLS_AT 0x60000000UL
#define PASID 11
#define DID 5
#define VSID 0x1000
/* STE.EATS: the guest's devices have ATS. */
#define STE_EATS_FULL (1ULL << 28)

#define FIRST_SLOT 24
#define CREDITS 8
#define CAPS (SIM_CAP_FLR | SIM_CAP_ATS | SIM_CAP_PASID)
/* Longer than a line takes to be there, on any machine. */
#define SOON_MS 10000

/* Who asks; who does not; whose transactions stall, where that is known. */
enum { ASKS, SILENT, STALLS, NDEVICES };
static const uint32_t caps[NDEVICES] = {
	[ASKS] = CAPS | SIM_CAP_PRI | SIM_CAP_PRG_PASID,
	[SILENT] = CAPS,
	[STALLS] = SIM_CAP_FLR | SIM_CAP_STALL,
};

static void skip(const char *why)
{
	printf("TAP version 13\n1..1\nok 1 trace # SKIP %s\n", why);
	exit(KSFT_SKIP);
}

static void __attribute__((constructor)) skip_all(void)
{
	if (!sim_present())
		skip("no hardware model");
	if (access(TRACEFS "/events", F_OK))
		skip("no tracepoints in this kernel's tracefs (CONFIG_EVENT_TRACING)");
}

static bool is_vtd(void)
{
	return backend_is("vtd_nested");
}

/* --- the trace ---------------------------------------------------------------- */

/* How often @event was traced with @text, and nothing else, to say. */
static int count(const char *event, const char *text, bool whole)
{
	FILE *f = fopen(TRACEFS "/trace", "r");
	char line[512], name[64], *at;
	int num = 0;

	snprintf(name, sizeof(name), ": %s: ", event);
	while (f && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = 0;
		at = strstr(line, name);
		if (at)
			at += strlen(name);
		if (at && (whole ? !strcmp(at, text) : !strncmp(at, text, strlen(text))))
			num++;
	}
	if (f)
		fclose(f);
	return num;
}

/* How often, once it is @times. Some are traced a little after what they tell of can be seen. */
static int __attribute__((format(printf, 3, 4)))
traced_times(int times, const char *event, const char *fmt, ...)
{
	char text[256];
	int num = 0;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (uint64_t end = now_ns() + SOON_MS * 1000000ULL; now_ns() < end; usleep(1000)) {
		num = count(event, text, true);
		if (num >= times)
			return num;
	}
	fprintf(stderr, "# traced %d times: %s: %s\n", num, event, text);
	sh("grep -F ': %s: ' " TRACEFS "/trace >&2", event);
	return num;
}

#define traced(...) traced_times(1, __VA_ARGS__)

/* All that was traced of @event with a device, or whatever else is its first word. */
static int __attribute__((format(printf, 2, 3))) lines(const char *event, const char *fmt, ...)
{
	char text[64];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return count(event, text, false);
}

FIXTURE(trace)
{
	int fd, file;
	uint32_t ioas, parent, fault, hwpt;
	struct guest g;
	int bdf[NDEVICES];
	uint32_t device[NDEVICES];
	/* As the kernel names it. */
	char name[32];
};

static int plug(int i)
{
	struct sim_add endpoint = {
		.caps = caps[i],
		.pasid_bits = caps[i] & SIM_CAP_PASID ? 20 : 0,
		.ats_depth = caps[i] & SIM_CAP_ATS ? 32 : 0,
		.pri_outstanding = caps[i] & SIM_CAP_PRI ? CREDITS : 0,
	};

	return sim_add_endpoint_as(FIRST_SLOT + i, &endpoint);
}

FIXTURE_SETUP(trace)
{
	self->fd = sva_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, guest_begin(&self->g, GPA, GUEST_SIZE, self->fd, &self->ioas));
	for (int i = 0; i < NDEVICES; i++) {
		self->bdf[i] = plug(i);
		ASSERT_LT(0, self->bdf[i]);
		ASSERT_EQ(0, sva_bind(self->fd, self->bdf[i], &self->device[i]));
	}
	strcpy(self->name, sim_name(self->bdf[ASKS]));
	ASSERT_EQ(0, sva_hwpt_alloc(self->fd, self->device[ASKS], self->ioas, NEST_PARENT,
				    &self->parent));
	ASSERT_EQ(0, sva_fault_alloc(self->fd, &self->fault, &self->file));
	ASSERT_EQ(0, sva_hwpt_fault(self->fd, self->device[ASKS], self->ioas, self->fault,
				    &self->hwpt));
	/* Opened like that it is emptied. */
	ASSERT_EQ(0, close(open(TRACEFS "/trace", O_WRONLY | O_TRUNC | O_CLOEXEC)));
	ASSERT_EQ(0, file_write(TRACEFS "/tracing_on", "1"));
	ASSERT_EQ(0, file_write(OURS "/enable", "1"));
}

FIXTURE_TEARDOWN(trace)
{
	EXPECT_EQ(0, file_write(OURS "/enable", "0"));
	close(self->file);
	close(self->fd);
	for (int i = 0; i < NDEVICES; i++)
		sim_remove_slot(FIRST_SLOT + i);
	guest_free(&self->g);
	EXPECT_STREQ("", sim_bad(0));
}

static void attach(struct __test_metadata *_metadata, FIXTURE_DATA(trace) *self, int i,
		   uint32_t pt)
{
	ASSERT_EQ(0, sva_attach(self->fd, self->device[i], pt, NULL));
	ASSERT_EQ(0, sim_set_master(self->bdf[i], true));
}

/* A request that nobody waits for. */
static int ask(FIXTURE_DATA(trace) *self, uint32_t pasid, uint32_t group, uint32_t flags)
{
	return sim_page_request(self->bdf[ASKS], pasid, HOLE, group, flags, 0);
}

/* --- attach and invalidate ------------------------------------------------------- */

TEST_F(trace, attach)
{
	const char *name = self->name;
	uint32_t id = self->device[ASKS], viommu, nested;

	ASSERT_EQ(0, sva_viommu_alloc(self->fd, kind()->viommu, id, self->parent, &viommu));
	ASSERT_EQ(0, sva_attach(self->fd, id, self->hwpt, NULL));
	EXPECT_EQ(1, traced("attach", "dev=%s dev_id=%u pasid=-1 blocked -> stage2 rc=0", name,
			    id));
	ASSERT_EQ(0, nest(self->fd, id, viommu, &nested));
	ASSERT_EQ(0, sva_attach(self->fd, id, nested, NULL));
	EXPECT_EQ(1, traced("attach", "dev=%s dev_id=%u pasid=-1 stage2 -> nested rc=0", name,
			    id));
	ASSERT_EQ(0, sva_detach(self->fd, id));
	EXPECT_EQ(1, traced("attach", "dev=%s dev_id=%u pasid=-1 nested -> blocked rc=0", name,
			    id));
	EXPECT_EQ(3, lines("attach", "dev=%s ", name));
	EXPECT_EQ(0, lines("attach", "dev=%s ", sim_name(self->bdf[SILENT])));
}

TEST_F(trace, attach_pasid)
{
	uint32_t id = self->device[ASKS];

	if (!is_vtd())
		SKIP(return, "PASIDs are not attached one by one");
	ASSERT_EQ(0, sva_attach_pasid(self->fd, id, PASID, self->hwpt, NULL));
	EXPECT_EQ(1, traced("attach", "dev=%s dev_id=%u pasid=%d blocked -> stage2 rc=0",
			    self->name, id, PASID));
	ASSERT_EQ(0, sva_detach_pasid(self->fd, id, PASID));
	EXPECT_EQ(1, traced("attach", "dev=%s dev_id=%u pasid=%d stage2 -> blocked rc=0",
			    self->name, id, PASID));
	EXPECT_EQ(2, lines("attach", "dev=%s ", self->name));
}

TEST_F(trace, invalidate)
{
	struct guest_cmd cmds[2] = { cmd_tlbi_nh_all(), { { 0xff, 0 } } };
	struct qi descs[2] = { qi_iotlb_global(), { { 0xf, 0 } } };
	const void *entries = is_vtd() ? (void *)descs : cmds;
	size_t len = is_vtd() ? sizeof(*descs) : sizeof(*cmds);
	uint32_t viommu, num = 1;
	int rc;

	ASSERT_EQ(0, sva_viommu_alloc(self->fd, kind()->viommu, self->device[ASKS], self->parent,
				      &viommu));
	ASSERT_EQ(0, sva_invalidate(self->fd, viommu, kind()->inv, entries, len, &num));
	EXPECT_EQ(1, traced("invalidate",
			    "hwpt_id=%u type=%#x entries=1 consumed=1 error=0x0 rc=0", viommu,
			    kind()->inv));
	/* The second one is none. */
	num = 2;
	rc = sva_invalidate(self->fd, viommu, kind()->inv, entries, len, &num);
	ASSERT_GT(0, rc);
	EXPECT_EQ(1, num);
	EXPECT_EQ(1, lines("invalidate", "hwpt_id=%u type=%#x entries=2 consumed=1 error=",
			   viommu, kind()->inv));
	/* VT-d has more to say of it. */
	EXPECT_EQ(!is_vtd(), lines("invalidate",
				   "hwpt_id=%u type=%#x entries=2 consumed=1 error=0x0 rc=%d",
				   viommu, kind()->inv, rc));
	num = 2;
	rc = sva_invalidate(self->fd, self->ioas, kind()->inv, entries, len, &num);
	ASSERT_EQ(-EINVAL, rc);
	EXPECT_EQ(1, traced("invalidate",
			    "hwpt_id=%u type=%#x entries=2 consumed=0 error=0x0 rc=%d", self->ioas,
			    kind()->inv, rc));
}

/* --- page requests ---------------------------------------------------------------- */

/* A group is in the queue as @r, and has left it as @code, by @who. */
static void expect_group(struct __test_metadata *_metadata, FIXTURE_DATA(trace) *self,
			 const struct iommufd_sva_hwpt_pgfault *r, int num, const char *code,
			 const char *who)
{
	int pasid = r->flags & IOMMUFD_SVA_PGFAULT_FLAGS_PASID_VALID ? (int)r->pasid : -1;

	EXPECT_EQ(1, traced("fault_group",
			    "dev=%s dev_id=%u pasid=%d grpid=%u fault_id=%u cookie=%#x requests=%d",
			    self->name, self->device[ASKS], pasid, r->grpid, self->fault,
			    r->cookie, num));
	EXPECT_EQ(1, traced("response",
			    "dev=%s dev_id=%u pasid=%d grpid=%u cookie=%#x code=%s by=%s",
			    self->name, self->device[ASKS], pasid, r->grpid, r->cookie, code, who));
}

TEST_F(trace, fault)
{
	struct iommufd_sva_hwpt_pgfault r[2];
	const char *name = self->name;

	attach(_metadata, self, ASKS, self->hwpt);
	ASSERT_EQ(SIM_OK, ask(self, SIM_NO_PASID, 7, SIM_PR_READ));
	ASSERT_EQ(SIM_OK, ask(self, SIM_NO_PASID, 7, SIM_PR_READ | SIM_DMA_WRITE | SIM_PR_LAST));
	ASSERT_EQ(2, pr_await(self->file, r, 2));
	EXPECT_EQ(1, traced("fault", "dev=%s pasid=-1 grpid=7 addr=%#lx perm=r", name, HOLE));
	EXPECT_EQ(1, traced("fault", "dev=%s pasid=-1 grpid=7 addr=%#lx perm=rw last", name,
			    HOLE));
	EXPECT_EQ(0, lines("response", "dev=%s ", name));
	EXPECT_EQ(0, pr_answer(self->file, r[0].cookie, SUCCESS));
	expect_group(_metadata, self, r, 2, "success", "vmm");

	ASSERT_EQ(SIM_OK, ask(self, SIM_NO_PASID, 8, SIM_DMA_WRITE | SIM_PR_LAST));
	ASSERT_EQ(1, pr_await(self->file, r, 2));
	EXPECT_EQ(0, pr_answer(self->file, r[0].cookie, INVALID));
	expect_group(_metadata, self, r, 1, "invalid", "vmm");
	EXPECT_EQ(1, traced("fault", "dev=%s pasid=-1 grpid=8 addr=%#lx perm=w last", name,
			    HOLE));
	/* And no more than that. */
	EXPECT_EQ(3, lines("fault", "dev=%s ", name));
	EXPECT_EQ(2, lines("fault_group", "dev=%s ", name));
	EXPECT_EQ(2, lines("response", "dev=%s ", name));
	EXPECT_EQ(0, lines("timeout", "dev=%s ", name));
}

/* An answer that is refused is none. */
TEST_F(trace, no_response)
{
	attach(_metadata, self, ASKS, self->hwpt);
	EXPECT_EQ(-EINVAL, pr_answer(self->file, 1, SUCCESS));
	EXPECT_EQ(0, lines("response", "dev="));
}

TEST_F(trace, timeout)
{
	struct iommufd_sva_hwpt_pgfault r[2];
	uint64_t ms = 200;

	attach(_metadata, self, ASKS, self->hwpt);
	ASSERT_EQ(SIM_OK, ask(self, SIM_NO_PASID, 3, SIM_PR_READ | SIM_PR_LAST));
	ASSERT_EQ(1, pr_await(self->file, r, 2));
	/* Not before it has been read. */
	ASSERT_EQ(0, sva_option(self->fd, IOMMUFD_SVA_OPTION_PAGE_RESPONSE_TIMEOUT,
				IOMMUFD_SVA_OPTION_OP_SET, self->fault, &ms));
	EXPECT_EQ(1, traced("timeout",
			    "dev=%s dev_id=%u pasid=-1 grpid=3 fault_id=%u cookie=%#x requests=1",
			    self->name, self->device[ASKS], self->fault, r[0].cookie));
	expect_group(_metadata, self, r, 1, "invalid", "timeout");
}

TEST_F(trace, detached)
{
	struct iommufd_sva_hwpt_pgfault r[2];

	attach(_metadata, self, ASKS, self->hwpt);
	ASSERT_EQ(SIM_OK, ask(self, SIM_NO_PASID, 3, SIM_PR_READ | SIM_PR_LAST));
	ASSERT_EQ(1, pr_await(self->file, r, 2));
	ASSERT_EQ(0, sva_detach(self->fd, self->device[ASKS]));
	expect_group(_metadata, self, r, 1, "invalid", "detached");
	EXPECT_EQ(0, lines("timeout", "dev=%s ", self->name));
}

/* It asks again by the index of a group that has no answer yet. */
TEST_F(trace, broken)
{
	const uint32_t flags = SIM_PR_READ | SIM_PR_LAST | SIM_PR_UNRULY;
	struct iommufd_sva_hwpt_pgfault r[2];

	attach(_metadata, self, ASKS, self->hwpt);
	ASSERT_EQ(SIM_OK, ask(self, SIM_NO_PASID, 3, flags));
	ASSERT_EQ(1, pr_await(self->file, r, 2));
	ASSERT_EQ(SIM_OK, ask(self, SIM_NO_PASID, 3, flags));
	ASSERT_EQ(1, pr_await(self->file, r + 1, 1));
	expect_group(_metadata, self, r, 1, "none", "device broke rules");
	EXPECT_EQ(0, pr_answer(self->file, r[1].cookie, SUCCESS));
	expect_group(_metadata, self, r + 1, 1, "success", "vmm");
	EXPECT_EQ(2, traced_times(2, "fault", "dev=%s pasid=-1 grpid=3 addr=%#lx perm=r last",
				  self->name, HOLE));
}

static uint32_t guest_table(FIXTURE_DATA(trace) *self, uint32_t viommu)
{
	struct iommufd_sva_pasid_table_vtd vtd = {};
	struct iommufd_sva_pasid_table_alloc cmd = {
		.size = sizeof(cmd),
		.pt_id = viommu,
		.fault_id = self->fault,
		.data_type = kind()->table,
	};
	struct pasids pasids;
	uint64_t ste[2];
	struct cds cds;
	struct fs fs;
	struct s1 s1;

	if (is_vtd()) {
		fs_init(&fs, &self->g);
		pasids_init(&pasids, &self->g, 20);
		pasids_set(&pasids, PASID, &fs, DID);
		vtd.dir_gpa = pasids.dir;
		vtd.pasid_bits = pasids.bits;
		cmd.data_len = sizeof(vtd);
		cmd.data_uptr = (uintptr_t)&vtd;
	} else {
		s1_init(&s1, &self->g, 12, 1);
		cds_init(&cds, &self->g, CDS_LINEAR, 8);
		cds_set(&cds, PASID, &s1);
		cds_ste(&cds, S1DSS_TERMINATE, ste);
		ste[1] |= STE_EATS_FULL;
		cmd.data_len = sizeof(ste);
		cmd.data_uptr = (uintptr_t)ste;
	}
	sva_ioctl(self->fd, IOMMUFD_SVA_PASID_TABLE_ALLOC, &cmd);
	return cmd.out_pasid_table_id;
}

/* By a PASID of a guest's table; on VT-d the guest can answer through its own queue. */
TEST_F(trace, guest)
{
	struct iommufd_sva_hwpt_pgfault r[2];
	uint32_t viommu, vdevice, num = 1;
	struct qi desc;

	ASSERT_EQ(0, sva_viommu_alloc(self->fd, kind()->viommu, self->device[ASKS], self->parent,
				      &viommu));
	ASSERT_EQ(0, sva_vdevice_alloc(self->fd, viommu, self->device[ASKS], VSID, &vdevice));
	attach(_metadata, self, ASKS, guest_table(self, viommu));
	EXPECT_EQ(1, traced("attach", "dev=%s dev_id=%u pasid=-1 blocked -> nested rc=0",
			    self->name, self->device[ASKS]));
	ASSERT_EQ(SIM_OK, ask(self, PASID, 9, SIM_PR_READ | SIM_PR_LAST));
	ASSERT_EQ(1, pr_await(self->file, r, 2));
	EXPECT_EQ(1, traced("fault", "dev=%s pasid=%d grpid=9 addr=%#lx perm=r last", self->name,
			    PASID, HOLE));
	EXPECT_EQ(0, pr_answer(self->file, r[0].cookie, SUCCESS));
	expect_group(_metadata, self, r, 1, "success", "vmm");
	if (!is_vtd())
		return;
	ASSERT_EQ(SIM_OK, ask(self, PASID, 10, SIM_PR_READ | SIM_PR_LAST));
	ASSERT_EQ(1, pr_await(self->file, r, 2));
	desc = qi_page_response(VSID, PASID, 10);
	ASSERT_EQ(0, sva_invalidate(self->fd, viommu, kind()->inv, &desc, sizeof(desc), &num));
	expect_group(_metadata, self, r, 1, "guest's", "guest");
}

/* A transaction that stalls is a group of one. */
TEST_F(trace, stall)
{
	const char *name = sim_name(self->bdf[STALLS]);
	struct iommufd_sva_hwpt_pgfault r;
	struct pr_dma d;

	if (is_vtd())
		SKIP(return, "nothing stalls on VT-d");
	attach(_metadata, self, STALLS, self->hwpt);
	pr_dma_start(&d, self->bdf[STALLS], SIM_NO_PASID, STALLS_AT, SIM_DMA_WRITE);
	ASSERT_EQ(1, pr_await(self->file, &r, 1));
	EXPECT_EQ(0, pr_answer(self->file, r.cookie, INVALID));
	EXPECT_EQ(SIM_UR, pr_dma_wait(&d));
	EXPECT_EQ(1, traced("fault", "dev=%s pasid=-1 grpid=%u addr=%#lx perm=w last stall", name,
			    r.grpid, STALLS_AT));
	EXPECT_EQ(1, traced("response",
			    "dev=%s dev_id=%u pasid=-1 grpid=%u cookie=%#x code=invalid by=vmm",
			    name, self->device[STALLS], r.grpid, r.cookie));
}

/* --- debugfs ------------------------------------------------------------------------ */

/* What page_requests has of a device behind its name; "": no line. */
static char *told(int bdf, char *line, size_t len)
{
	FILE *f = fopen("/sys/kernel/debug/iommufd_sva/page_requests", "r");
	const char *name = sim_name(bdf);

	while (f && fgets(line, len, f)) {
		line[strcspn(line, "\n")] = 0;
		if (!strncmp(line, name, strlen(name))) {
			fclose(f);
			return line + strlen(name);
		}
	}
	if (f)
		fclose(f);
	*line = 0;
	return line;
}

/* Once they have come so far. */
static void __attribute__((format(printf, 4, 5)))
expect_told(struct __test_metadata *_metadata, int bdf, int at, const char *fmt, ...)
{
	char text[256], line[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (uint64_t end = now_ns() + SOON_MS * 1000000ULL; now_ns() < end; usleep(1000))
		if (!strcmp(text, told(bdf, line, sizeof(line))))
			return;
	EXPECT_STREQ(text, told(bdf, line, sizeof(line))) TH_LOG("line %d", at);
}

#define EXPECT_TOLD(i, ...) expect_told(_metadata, self->bdf[i], __LINE__, __VA_ARGS__)

TEST_F(trace, page_requests)
{
	const uint32_t unruly = SIM_PR_READ | SIM_PR_UNRULY;
	struct iommufd_sva_hwpt_pgfault r[4];

	EXPECT_TOLD(ASKS, " pri off credits=8 requests=0 groups=0 refused=0 broken=0 no_room=0 overflows=0 lost=0");
	EXPECT_TOLD(SILENT, "%s", "");
	attach(_metadata, self, ASKS, self->hwpt);
	attach(_metadata, self, SILENT, self->ioas);
	EXPECT_TOLD(ASKS, " pri on credits=8 requests=0 groups=0 refused=0 broken=0 no_room=0 overflows=0 lost=0");
	EXPECT_TOLD(SILENT, "%s", "");

	/* Three requests in two groups, of which one is answered. */
	ASSERT_EQ(SIM_OK, ask(self, SIM_NO_PASID, 1, SIM_PR_READ));
	ASSERT_EQ(SIM_OK, ask(self, SIM_NO_PASID, 1, SIM_PR_READ | SIM_PR_LAST));
	ASSERT_EQ(SIM_OK, ask(self, SIM_NO_PASID, 2, SIM_PR_READ | SIM_PR_LAST));
	EXPECT_TOLD(ASKS, " pri on credits=8 requests=3 groups=2 refused=0 broken=0 no_room=0 overflows=0 lost=0");
	ASSERT_EQ(2, pr_await(self->file, r, 2));
	EXPECT_EQ(0, pr_answer(self->file, r[0].cookie, SUCCESS));

	/* The other one's index again. */
	ASSERT_EQ(SIM_OK, ask(self, SIM_NO_PASID, 2, unruly | SIM_PR_LAST));
	EXPECT_TOLD(ASKS, " pri on credits=8 requests=4 groups=3 refused=0 broken=1 no_room=0 overflows=0 lost=0");
	ASSERT_EQ(1, pr_await(self->file, r, 1));
	EXPECT_EQ(0, pr_answer(self->file, r[0].cookie, SUCCESS));

	/* More than it may: of its groups one has no room. */
	for (int i = 0; i <= CREDITS; i++)
		ASSERT_EQ(SIM_OK, ask(self, SIM_NO_PASID, 10 + i, unruly));
	EXPECT_TOLD(ASKS, " pri on credits=8 requests=13 groups=3 refused=0 broken=1 no_room=1 overflows=0 lost=0");

	/* The unit drops one, and nobody can tell of which group it was. */
	ASSERT_EQ(0, sim_inject(0, SIM_FAULT_PRQ_FULL, 1, 0));
	ask(self, SIM_NO_PASID, 30, unruly | SIM_PR_LAST);
	ASSERT_EQ(0, sim_inject(0, SIM_FAULT_PRQ_FULL, 0, 0));
	EXPECT_TOLD(ASKS, " pri on credits=8 requests=13 groups=3 refused=0 broken=1 no_room=1 overflows=1 lost=8");

	/* Half a group when its VMM leaves it. */
	ASSERT_EQ(SIM_OK, ask(self, SIM_NO_PASID, 40, unruly));
	EXPECT_TOLD(ASKS, " pri on credits=8 requests=14 groups=3 refused=0 broken=1 no_room=1 overflows=1 lost=8");
	ASSERT_EQ(0, sva_detach(self->fd, self->device[ASKS]));
	EXPECT_TOLD(ASKS, " pri off credits=8 requests=14 groups=3 refused=0 broken=1 no_room=1 overflows=1 lost=9");
}

/* Nobody is there for a PASID to which something without a fault queue is attached. */
TEST_F(trace, page_requests_refused)
{
	if (!is_vtd())
		SKIP(return, "PASIDs are not attached one by one");
	ASSERT_EQ(0, sva_attach_pasid(self->fd, self->device[ASKS], PASID, self->hwpt, NULL));
	ASSERT_EQ(0, sva_attach_pasid(self->fd, self->device[ASKS], PASID + 1, self->ioas, NULL));
	ASSERT_EQ(0, sim_set_master(self->bdf[ASKS], true));
	ASSERT_EQ(SIM_OK, ask(self, PASID + 1, 5, SIM_PR_READ | SIM_PR_LAST));
	EXPECT_TOLD(ASKS, " pri on credits=8 requests=1 groups=1 refused=1 broken=0 no_room=0 overflows=0 lost=0");
	EXPECT_EQ(1, traced("fault", "dev=%s pasid=%d grpid=5 addr=%#lx perm=r last refused",
			    self->name, PASID + 1, HOLE));
	EXPECT_EQ(0, lines("fault_group", "dev=%s ", self->name));
}

TEST_F(trace, stalls)
{
	char line[256];

	if (is_vtd())
		SKIP(return, "nothing stalls on VT-d");
	EXPECT_EQ(0, strncmp(told(self->bdf[STALLS], line, sizeof(line)), " stalls off ", 12));
	attach(_metadata, self, STALLS, self->hwpt);
	EXPECT_EQ(0, strncmp(told(self->bdf[STALLS], line, sizeof(line)), " stalls on ", 11));
}

TEST_HARNESS_MAIN
