// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a user makes the kernel allocate is charged to the user's memory cgroup,
 * and limited by it. Needs the memory controller of cgroup v2, and for page
 * tables a unit of ours with a DMA engine behind it.
 */
#include <sys/mount.h>
#include <sys/stat.h>

#include "nest.h"
#include "selftest.h"
#include "vguest.h"

#define ROOT "/sys/fs/cgroup"
#define GROUP ROOT "/iommufd_sva"

#define IOVA SZ_1G
#define MIB(n) ((n) << 20)

FIXTURE(memcg)
{
	char name[PCI_NAME_LEN];
	int fd;
	uint32_t ioas, device;
	char *mem;
	size_t far_len;
	/* memory.max, open: at the limit there may be no memory to open it. */
	int limit;
};

/* The root directory of the machine may be small: whatever is missing is made. */
static int group_make(void)
{
	int rc;

	if (access(ROOT "/cgroup.procs", F_OK) && mount("cgroup2", ROOT, "cgroup2", 0, NULL))
		return -errno;
	rc = file_write(ROOT "/cgroup.subtree_control", "+memory");
	if (rc)
		return rc;
	return mkdir(GROUP, 0755) && errno != EEXIST ? -errno : 0;
}

/* Bytes that the kernel holds on the group's account. */
static long kernel_memory(void)
{
	char line[128];
	long bytes = -1;
	FILE *f = fopen(GROUP "/memory.stat", "r");

	while (f && fgets(line, sizeof(line), f))
		sscanf(line, "kernel %ld", &bytes);
	if (f)
		fclose(f);
	return bytes;
}

static long event(const char *name)
{
	char line[128], key[32];
	long value, count = -1;
	FILE *f = fopen(GROUP "/memory.events", "r");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%31s %ld", key, &value) == 2 && !strcmp(key, name))
			count = value;
	if (f)
		fclose(f);
	return count;
}

static int limit(FIXTURE_DATA(memcg) *self, const char *value)
{
	return pwrite(self->limit, value, strlen(value), 0) < 0 ? -errno : 0;
}

FIXTURE_SETUP(memcg)
{
	int rc;

	self->fd = -1;
	self->limit = -1;
	self->far_len = SZ_4K;
	rc = group_make();
	if (rc)
		SKIP(return, "no memory controller of cgroup v2: %s", strerror(-rc));
	self->limit = open(GROUP "/memory.max", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->limit);
	ASSERT_EQ(0, limit(self, "max"));
	self->mem = mem_alloc(SZ_64K, 0);
	ASSERT_NE(NULL, self->mem);
	ASSERT_EQ(0, file_write(GROUP "/cgroup.procs", "0"));
	/* All that this program needs, before there is a limit. */
	ASSERT_EQ(0, mlockall(MCL_CURRENT));
	self->fd = sva_open();
	ASSERT_LE(0, self->fd) TH_LOG("cannot open " SVA_DEV);
	ASSERT_EQ(0, sva_ioas_alloc(self->fd, &self->ioas));
}

FIXTURE_TEARDOWN(memcg)
{
	if (self->limit >= 0) {
		limit(self, "max");
		close(self->limit);
	}
	if (self->fd >= 0)
		close(self->fd);
	file_write(ROOT "/cgroup.procs", "0");
	rmdir(GROUP);
}

/* The kernel's memory once it is @least; or what it is after 10 s. */
static long grown_to(long least)
{
	for (int i = 0; i < 100 && kernel_memory() < least; i++)
		usleep(100000);
	return kernel_memory();
}

/* The same once it is less than @most. */
static long shrunk_to(long most)
{
	for (int i = 0; i < 100 && kernel_memory() >= most; i++)
		usleep(100000);
	return kernel_memory();
}

/*
 * The statistics are some pages per CPU behind, and some seconds if somebody else is adding
 * them up (6.1).
 */
#define EXPECT_GROWN(before, least)                                            \
	do {                                                                   \
		long _now = grown_to((before) + (long)(least) - (long)MIB(1)); \
									       \
		EXPECT_LE((before) + (long)(least) - (long)MIB(1), _now)       \
			TH_LOG("%ld KiB were charged, of at least %ld",        \
			       (_now - (before)) / 1024, (long)(least) / 1024);\
	} while (0)

/* An IOAS is in the 256 bytes that hold it, and its id costs something too. */
TEST_F_TIMEOUT(memcg, objects, 300)
{
	long before = kernel_memory();
	uint32_t id;

	ASSERT_LT(0, before);
	for (int i = 0; i < 8192; i++)
		ASSERT_EQ(0, sva_ioas_alloc(self->fd, &id));
	EXPECT_GROWN(before, MIB(2));
}

/* An area and what it knows of its pages. */
TEST_F_TIMEOUT(memcg, areas, 300)
{
	long before = kernel_memory();

	for (int i = 0; i < 8192; i++)
		ASSERT_EQ(0, sva_map(self->fd, self->ioas, self->mem, SZ_4K, IOVA + i * SZ_64K,
				     SVA_RW));
	EXPECT_GROWN(before, MIB(2));
}

static int take_device(FIXTURE_DATA(memcg) *self)
{
	return pci_unbind(self->name) ?:
	       sva_bind(self->fd, pci_bdf(self->name), &self->device) ?:
	       sva_attach(self->fd, self->device, self->ioas, NULL);
}

/* A page or two, each time behind two tables that nothing else is in. */
static int map_far(FIXTURE_DATA(memcg) *self, int i)
{
	return sva_map(self->fd, self->ioas, self->mem, self->far_len, IOVA + i * SZ_1G,
		       SVA_RW);
}

static int unmap_far(FIXTURE_DATA(memcg) *self, int i)
{
	return sva_unmap(self->fd, self->ioas, IOVA + i * SZ_1G, self->far_len, NULL);
}

/* A unit has 39 bits of address at least. */
#define FAR_MAX 500

TEST_F_TIMEOUT(memcg, tables, 300)
{
	long before, full;

	NEED_ENGINE(0, self->name);
	ASSERT_EQ(0, take_device(self));
	before = kernel_memory();
	for (int i = 0; i < FAR_MAX; i++)
		ASSERT_EQ(0, map_far(self, i));
	EXPECT_GROWN(before, FAR_MAX * 2 * SZ_4K);
	full = kernel_memory();
	ASSERT_EQ(0, sva_unmap(self->fd, self->ioas, 0, UINT64_MAX, NULL));
	/* They are freed a grace period later. */
	EXPECT_GT(before + (full - before) / 2, shrunk_to(before + (full - before) / 2))
		TH_LOG("still charged");
}

static bool mapped(FIXTURE_DATA(memcg) *self, int i)
{
	char text[2048];

	return !walk(self->name, IOVA + i * SZ_1G, text, sizeof(text)) &&
	       walk_number(text, "result", "physical") == mem_phys(self->mem);
}

/* The first two pages of @mem the other way round, if they follow one another. */
static int part_pages(char *mem)
{
	char *aside = mem_alloc(SZ_4K, 0);

	if (mem_phys(mem) + SZ_4K != mem_phys(mem + SZ_4K))
		return 0;
	if (mremap(mem, SZ_4K, SZ_4K, MREMAP_MAYMOVE | MREMAP_FIXED, aside) == MAP_FAILED ||
	    mremap(mem + SZ_4K, SZ_4K, SZ_4K, MREMAP_MAYMOVE | MREMAP_FIXED, mem) == MAP_FAILED ||
	    mremap(aside, SZ_4K, SZ_4K, MREMAP_MAYMOVE | MREMAP_FIXED, mem + SZ_4K) == MAP_FAILED)
		return -errno;
	return 0;
}

/*
 * At the limit it is -ENOMEM for the caller, not death for some process. Two pages
 * that are apart, so that it is met between them.
 */
TEST_F_TIMEOUT(memcg, limit, 300)
{
	int n = 1, refused = 0;
	char value[32];
	long pins;

	NEED_ENGINE(0, self->name);
	ASSERT_EQ(0, part_pages(self->mem));
	self->far_len = 2 * SZ_4K;
	ASSERT_EQ(0, take_device(self));
	ASSERT_EQ(0, map_far(self, 0));
	pins = mem_pins();

	file_line(GROUP "/memory.current", value, sizeof(value));
	snprintf(value, sizeof(value), "%ld", strtol(value, NULL, 0) + (long)MIB(2));
	ASSERT_EQ(0, limit(self, value));
	/*
	 * Nothing is left of it, and it is so again: unless another CPU has given back meanwhile
	 * what it had been charged for in advance.
	 */
	while (n < FAR_MAX && refused < 2) {
		int rc = map_far(self, n);

		if (!rc) {
			n++;
			refused = 0;
			continue;
		}
		ASSERT_EQ(-ENOMEM, rc);
		ASSERT_EQ(-ENOENT, unmap_far(self, n));
		refused++;
	}
	ASSERT_EQ(0, limit(self, "max"));
	fprintf(stderr, "# %d mappings within the limit\n", n);
	ASSERT_GT(FAR_MAX, n) TH_LOG("there is no limit");
	EXPECT_LT(50, n);
	EXPECT_EQ(0, event("oom_kill"));
	EXPECT_LT(0, event("max"));
	EXPECT_EQ(pins + 2 * (n - 1), mem_pins());
	EXPECT_TRUE(mapped(self, 0));
	EXPECT_TRUE(mapped(self, n - 1));
	EXPECT_FALSE(mapped(self, n));
	EXPECT_EQ(0, map_far(self, n));
	EXPECT_TRUE(mapped(self, n));
	ASSERT_EQ(0, sva_unmap(self->fd, self->ioas, 0, UINT64_MAX, NULL));
	EXPECT_EQ(pins - 2, mem_pins());
}

/* VT-d: the physical copy of a guest's PASID table, and what is kept beside it. */
#define PASIDS 65536

TEST_F_TIMEOUT(memcg, guest_pasid_table, 300)
{
	struct iommufd_sva_pasid_table_vtd arg = { .pasid_bits = 16 };
	const long hardware = PASIDS / 64 * SZ_4K;
	uint32_t parent, viommu, table;
	struct pasids p;
	struct guest g;
	struct fs fs;
	long before;

	NEED_ENGINE(0, self->name);
	ASSERT_EQ(0, take_device(self));
	if (kind()->table != IOMMUFD_SVA_PASID_TABLE_VTD || !has_viommu(self->fd, self->device))
		SKIP(return, "no unit that takes PASID tables in the host's memory");
	ASSERT_EQ(0, guest_init(&g, IOVA, 4 * SZ_2M));
	ASSERT_EQ(0, sva_map(self->fd, self->ioas, g.mem, g.size, g.ipa, SVA_RW));
	ASSERT_EQ(0, sva_hwpt_alloc(self->fd, self->device, self->ioas, NEST_PARENT, &parent));
	ASSERT_EQ(0, sva_viommu_alloc(self->fd, kind()->viommu, self->device, parent, &viommu));
	fs_init(&fs, &g);
	pasids_init(&p, &g, 16);
	for (int i = 0; i < PASIDS; i++)
		pasids_set(&p, i, &fs, i % 7);
	arg.dir_gpa = p.dir;

	before = kernel_memory();
	ASSERT_EQ(0, sva_pasid_table_alloc(self->fd, viommu, kind()->table, &arg, sizeof(arg),
					   &table));
	EXPECT_GROWN(before, hardware);
	fprintf(stderr, "# %ld bytes beside each PASID's entry\n",
		(kernel_memory() - before - hardware) / PASIDS);
	EXPECT_GT(before + hardware + 64L * PASIDS, kernel_memory());
	EXPECT_EQ(0, sva_attach(self->fd, self->device, table, NULL));
	EXPECT_EQ(0, sva_detach(self->fd, self->device));
	EXPECT_EQ(0, sva_destroy(self->fd, table));
	EXPECT_GT(before + hardware / 2, shrunk_to(before + hardware / 2))
		TH_LOG("still charged");
	sva_destroy(self->fd, viommu);
	sva_destroy(self->fd, parent);
	guest_free(&g);
}

TEST_HARNESS_MAIN
