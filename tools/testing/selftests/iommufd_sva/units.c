// SPDX-License-Identifier: GPL-2.0-only
/*
 * A DMAR table with several units, of which one is ours: the others are left
 * alone, and so is whatever is behind them.
 *
 * The machine is told by the environment:
 *   LEFT_ALONE="dmar0:nothing answers,..."	units, and why they are not ours
 *   NOT_OURS="0000:00:05.0 ..."		root ports with a device that such
 *						a unit has, or with one that cannot
 *						be isolated from it
 *   SPANS="0000:00:06.0"			of those, with devices of both
 * QEMU has one unit, and that is where requests of all devices go: those that
 * are not ours pass through it.
 */
#include "selftest.h"

#define IOVA 0x40000000UL

static bool listed(const char *variable, const char *name)
{
	const char *list = getenv(variable);
	char port[PCI_NAME_LEN];

	return list && strstr(list, pci_top(name, port));
}

/* The @index'th engine that is ours, or not. */
static bool find_engine(bool ours, int index, char *name)
{
	for (int i = 0; engine_find(i, name); i++)
		if (listed("NOT_OURS", name) != ours && !index--)
			return true;
	return false;
}

/* Through memory at @from and @to and back: does it get what is there? */
static bool moves(const char *name, uint64_t from, uint64_t to, char *src, char *dst)
{
	struct engine engine;
	bool moved;

	mem_fill(src, SZ_4K, 5);
	memset(dst, 0, SZ_4K);
	if (engine_open(&engine, name))
		return false;
	moved = !engine_fetch(&engine, from, SZ_4K) && !engine_store(&engine, to, SZ_4K) &&
		mem_check(dst, SZ_4K, 5) == -1;
	engine_close(&engine);
	return moved;
}

static bool passes(const char *name, char *mem)
{
	return moves(name, mem_phys(mem), mem_phys(mem + SZ_4K), mem, mem + SZ_4K);
}

/* Lines of the log since @log that begin like @unit's, and one that says @why. */
static int lines_of(int log, const char *unit, const char *why, bool *said)
{
	char prefix[64], line[512];
	int n = 0;

	snprintf(prefix, sizeof(prefix), "vtd_nested %s:", unit);
	while (kmsg_wait(log, 0, line, sizeof(line), KMSG_WORDS(prefix))) {
		*said |= !!strstr(line, why);
		fprintf(stderr, "# %s\n", line);
		n++;
	}
	return n;
}

TEST(one_line_for_each)
{
	char *list = strdup(getenv("LEFT_ALONE") ?: ""), *unit, *why;

	ASSERT_NE(0, *list);
	for (unit = strtok(list, ","); unit; unit = strtok(NULL, ",")) {
		bool said = false;
		int log;

		why = strchr(unit, ':');
		ASSERT_NE(NULL, why);
		*why++ = 0;
		ASSERT_EQ(0, sh("rmmod vtd_nested"));
		log = kmsg_mark();
		ASSERT_LE(0, log);
		ASSERT_EQ(0, sh("modprobe vtd_nested"));
		EXPECT_EQ(1, lines_of(log, unit, why, &said));
		EXPECT_TRUE(said) TH_LOG("no line of %s says \"%s\"", unit, why);
		EXPECT_NE(0, sh("[ -e /sys/class/iommu/%s ]", unit));
		close(log);
	}
	free(list);
}

TEST(one_is_ours)
{
	EXPECT_EQ(0, sh("[ $(ls /sys/class/iommu | wc -l) = 1 ]"));
}

TEST(others_are_nobodys)
{
	char name[PCI_NAME_LEN], port[PCI_NAME_LEN];
	char *mem = mem_alloc(2 * SZ_4K, 0);
	int fd = sva_open(), i;
	uint32_t device;

	ASSERT_LE(0, fd);
	for (i = 0; find_engine(false, i, name); i++) {
		int rc = sva_bind(fd, pci_bdf(name), &device);

		EXPECT_EQ(-1, pci_group(name)) TH_LOG("%s", name);
		/* Half of a set is ours, but cannot be had without the rest. */
		EXPECT_TRUE(rc == -ENODEV || (rc == -EBUSY && listed("SPANS", name)))
			TH_LOG("%s: %d", name, rc);
		EXPECT_NE(0, pci_bind_driver(name, "vfio-pci")) TH_LOG("%s", name);
		EXPECT_TRUE(passes(name, mem)) TH_LOG("%s", name);
		if (!listed("SPANS", name)) {
			EXPECT_EQ(0, pci_acs(pci_top(name, port)))
				TH_LOG("%s: ACS was switched on", port);
		}
	}
	EXPECT_LT(0, i);
	close(fd);
}

/*
 * A driver that leaves such a device leaves it to nobody, and so does a rescan.
 * While one half of a set is away the other is a set of its own; that ends when
 * it has to do with its neighbour again.
 */
TEST(others_stay_nobodys)
{
	char name[PCI_NAME_LEN];
	uint32_t device;
	int fd = sva_open(), i;

	ASSERT_LE(0, fd);
	for (i = 0; find_engine(false, i, name); i++) {
		ASSERT_EQ(0, pci_bind_driver(name, HOST_DRIVER));
		ASSERT_EQ(0, pci_unbind(name));
		EXPECT_EQ(-1, pci_group(name));
	}
	for (i = 0; find_engine(false, i, name); i++) {
		ASSERT_EQ(0, pci_remove(name));
		ASSERT_EQ(0, pci_rescan());
		ASSERT_TRUE(pci_wait(name, true, 2000));
		for (int j = 0; find_engine(false, j, name); j++)
			EXPECT_NE(0, sva_bind(fd, pci_bdf(name), &device)) TH_LOG("%s", name);
	}
	for (i = 0; find_engine(false, i, name); i++)
		EXPECT_EQ(-1, pci_group(name)) TH_LOG("%s", name);
	close(fd);
}

TEST(ours_work_beside_them)
{
	char ours[PCI_NAME_LEN], theirs[PCI_NAME_LEN], port[PCI_NAME_LEN];
	char *mem = mem_alloc(4 * SZ_4K, 0);
	uint32_t ioas, device;
	int fd = sva_open();

	ASSERT_LE(0, fd);
	ASSERT_TRUE(find_engine(true, 0, ours));
	ASSERT_TRUE(find_engine(false, 0, theirs));
	EXPECT_LE(0, pci_group(ours));
	EXPECT_LT(0, pci_acs(pci_top(ours, port)));
	ASSERT_EQ(0, pci_bind_driver(theirs, HOST_DRIVER));
	ASSERT_EQ(0, sva_ioas_alloc(fd, &ioas));
	ASSERT_EQ(0, sva_bind(fd, pci_bdf(ours), &device));
	EXPECT_FALSE(passes(ours, mem)) TH_LOG("bound, it is blocked");
	ASSERT_EQ(0, sva_map(fd, ioas, mem, 2 * SZ_4K, IOVA, SVA_RW));
	ASSERT_EQ(0, sva_attach(fd, device, ioas, NULL));
	EXPECT_TRUE(moves(ours, IOVA, IOVA + SZ_4K, mem, mem + SZ_4K));
	EXPECT_TRUE(passes(theirs, mem + 2 * SZ_4K));
	EXPECT_FALSE(passes(ours, mem + 2 * SZ_4K));
	close(fd);
	ASSERT_EQ(0, pci_unbind(theirs));
}

TEST_HARNESS_MAIN
