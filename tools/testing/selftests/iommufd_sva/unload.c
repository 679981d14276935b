// SPDX-License-Identifier: GPL-2.0-only
/*
 * Going: in every state rmmod either refuses or leaves no trace. The modules
 * are loaded when this starts, and when it ends.
 */
#include "selftest.h"
#include "sim.h"

#define CORE "iommufd_sva"

static bool loaded(const char *module)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/module/%s/initstate", module);
	return !access(path, F_OK);
}

/* Both; non-zero if one of them would not go. */
static int unload(void)
{
	return backend_unload() || sh("rmmod " CORE " 2>/dev/null");
}

FIXTURE(unload)
{
	char name[PCI_NAME_LEN];
	struct vfio vfio;
	int fd;
};

FIXTURE_SETUP(unload)
{
	self->vfio = (struct vfio){ .container = -1, .group = -1, .device = -1 };
	NEED_ENGINE(0, self->name);
	ASSERT_EQ(0, backend_load());
	/* A host driver that came after us holds the backend: see below. */
	ASSERT_EQ(0, pci_unbind_adopted());
	ASSERT_EQ(0, pci_unbind(self->name));
	self->fd = sva_open();
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(unload)
{
	vfio_close(&self->vfio);
	if (self->fd >= 0)
		close(self->fd);
	pci_unbind(self->name);
	backend_load();
}

static void close_file(FIXTURE_DATA(unload) *self)
{
	close(self->fd);
	self->fd = -1;
}

/* Refused, and everything works as before. */
static void expect_refused(struct __test_metadata *_metadata)
{
	EXPECT_NE(0, backend_unload());
	EXPECT_TRUE(loaded(backend()->module));
	EXPECT_TRUE(loaded(CORE));
	EXPECT_EQ(0, access(SVA_DEV, F_OK));
}

/* Gone without a trace: no node, no group, the rescan finds nobody to call. */
static void expect_gone(struct __test_metadata *_metadata,
			FIXTURE_DATA(unload) *self)
{
	EXPECT_EQ(0, unload());
	EXPECT_FALSE(loaded(backend()->module));
	EXPECT_FALSE(loaded(CORE));
	EXPECT_NE(0, access(SVA_DEV, F_OK));
	EXPECT_EQ(-1, pci_group(self->name));
	EXPECT_EQ(0, sh("[ -z \"$(ls /sys/class/iommu 2>/dev/null)\" ]"))
		TH_LOG("a unit is still in /sys/class/iommu");
	EXPECT_EQ(0, pci_rescan());
}

/* Device node and group are there again and a device can be had. */
static void expect_works(struct __test_metadata *_metadata,
			 FIXTURE_DATA(unload) *self)
{
	uint32_t ioas, device;
	int fd;

	ASSERT_EQ(0, backend_load());
	fd = sva_open();
	ASSERT_LE(0, fd);
	EXPECT_LE(0, pci_group(self->name));
	EXPECT_EQ(0, sva_ioas_alloc(fd, &ioas));
	EXPECT_EQ(0, sva_bind(fd, pci_bdf(self->name), &device));
	EXPECT_EQ(0, sva_attach(fd, device, ioas, NULL));
	close(fd);
}

TEST_F(unload, idle)
{
	close_file(self);
	expect_gone(_metadata, self);
	expect_works(_metadata, self);
}

/*
 * The unit looks at nothing of ours any more: physical addresses are what they are
 * for a device that has been through the module's tables.
 */
TEST_F(unload, left_as_found)
{
	char *mem = mem_alloc(SZ_4K, 0);
	struct engine engine;
	uint64_t phys;

	ASSERT_NE(NULL, mem);
	phys = mem_phys(mem);
	ASSERT_NE(0, phys);
	expect_works(_metadata, self);
	close_file(self);
	expect_gone(_metadata, self);
	ASSERT_EQ(0, engine_open(&engine, self->name));
	for (int i = 0; i < 2; i++) {
		mem_fill(mem, SZ_4K, i);
		EXPECT_EQ(0, engine_fetch(&engine, phys, SZ_4K));
		memset(mem, 0, SZ_4K);
		EXPECT_EQ(0, engine_store(&engine, phys, SZ_4K));
		EXPECT_EQ(-1, mem_check(mem, SZ_4K, i));
	}
	engine_close(&engine);
	pci_set_command(self->name, 0, PCI_CMD_MASTER);
}

/*
 * A device that a host driver had when the unit came: it has been through the
 * unit, and what is cached of it is not how it is found once a user has it.
 */
TEST_F(unload, taken_after_it_passed)
{
	char *mem = mem_alloc(2 * SZ_4K, 0), *page = mem + SZ_4K;
	struct engine engine;
	uint32_t ioas, device;

	if (backend()->hosts_wait && !sim_present())
		SKIP(return, "this kernel lets host drivers wait for the unit's");
	ASSERT_NE(NULL, mem);
	close_file(self);
	ASSERT_EQ(0, unload());
	if (pci_bind_driver(self->name, HOST_DRIVER))
		SKIP(return, "no host driver for it");
	ASSERT_EQ(0, backend_load());
	EXPECT_EQ(-1, pci_group(self->name));
	ASSERT_EQ(0, engine_open(&engine, self->name));
	mem_fill(mem, SZ_4K, 1);
	ASSERT_EQ(0, engine_fetch(&engine, mem_phys(mem), SZ_4K));
	ASSERT_EQ(0, engine_store(&engine, mem_phys(page), SZ_4K));
	EXPECT_EQ(-1, mem_check(page, SZ_4K, 1)) TH_LOG("a host's device passes");

	ASSERT_EQ(0, pci_unbind(self->name));
	self->fd = sva_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, sva_ioas_alloc(self->fd, &ioas));
	ASSERT_EQ(0, sva_bind(self->fd, pci_bdf(self->name), &device));
	ASSERT_EQ(0, sva_map(self->fd, ioas, mem, SZ_4K, SZ_2M, SVA_RW));
	ASSERT_EQ(0, sva_attach(self->fd, device, ioas, NULL));
	mem_fill(mem, SZ_4K, 2);
	ASSERT_EQ(0, engine_fetch(&engine, SZ_2M, SZ_4K));
	ASSERT_EQ(0, engine_store(&engine, mem_phys(page), SZ_4K));
	EXPECT_EQ(-1, mem_check(page, SZ_4K, 1)) TH_LOG("a user's device passes");
	memset(mem, 0, SZ_4K);
	ASSERT_EQ(0, engine_store(&engine, SZ_2M, SZ_4K));
	EXPECT_EQ(-1, mem_check(mem, SZ_4K, 2));
	engine_close(&engine);
}

/* An open file pins the core; the backend has nothing to do with it. */
TEST_F(unload, file_open)
{
	EXPECT_NE(0, sh("rmmod " CORE " 2>/dev/null"));
	EXPECT_NE(0, unload()) TH_LOG("the core went under an open file");
	EXPECT_TRUE(loaded(CORE));
	ASSERT_EQ(0, backend_load());
	close_file(self);
	expect_gone(_metadata, self);
}

TEST_F(unload, device_bound_and_attached)
{
	uint32_t ioas, device, out;

	ASSERT_EQ(0, sva_ioas_alloc(self->fd, &ioas));
	ASSERT_EQ(0, sva_bind(self->fd, pci_bdf(self->name), &device));
	expect_refused(_metadata);
	ASSERT_EQ(0, sva_attach(self->fd, device, ioas, &out));
	expect_refused(_metadata);
	ASSERT_EQ(0, sva_detach(self->fd, device));
	expect_refused(_metadata);
	close_file(self);
	expect_gone(_metadata, self);
	expect_works(_metadata, self);
}

TEST_F(unload, vfio)
{
	close_file(self);
	ASSERT_EQ(0, pci_bind_driver(self->name, "vfio-pci"));
	expect_refused(_metadata);
	ASSERT_EQ(0, vfio_open(&self->vfio, self->name));
	expect_refused(_metadata);
	/* Closed, but vfio-pci is still there. */
	vfio_close(&self->vfio);
	expect_refused(_metadata);
	ASSERT_EQ(0, pci_unbind(self->name));
	expect_gone(_metadata, self);
	expect_works(_metadata, self);
}

TEST_F(unload, vfio_device_unbound_while_container_is_open)
{
	close_file(self);
	ASSERT_EQ(0, pci_bind_driver(self->name, "vfio-pci"));
	ASSERT_EQ(0, vfio_open_container(&self->vfio, self->name));
	expect_refused(_metadata);
	vfio_close(&self->vfio);
	ASSERT_EQ(0, pci_unbind(self->name));
	expect_gone(_metadata, self);
}

/* The driver takes a moment to find it. */
static bool disk_works(void)
{
	for (int i = 0; i < 50 && sh("[ -b /dev/nvme0n1 ]"); i++)
		usleep(100000);
	return !sh("dd if=/dev/nvme0n1 of=/dev/null bs=4k count=64 2>/dev/null");
}

/* The disk's driver, there before us as since boot, does not notice. */
TEST_F(unload, host_driver_beside)
{
	char nvme[PCI_NAME_LEN];
	int rc;

	NEED_DEVICE(ID_NVME, 0, nvme);
	close_file(self);
	ASSERT_EQ(0, unload());
	rc = pci_default_driver(nvme);
	if (rc && backend()->hosts_wait)
		SKIP(return, "this kernel lets host drivers wait for the unit's (%d)", rc);
	ASSERT_EQ(0, rc);
	ASSERT_TRUE(disk_works());
	ASSERT_EQ(0, backend_load());
	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(0, sh("head -c 1048576 /dev/urandom > /tmp/a && "
				"dd if=/tmp/a of=/dev/nvme0n1 bs=64k conv=fsync 2>/dev/null"));
		expect_gone(_metadata, self);
		EXPECT_EQ(0, sh("echo 3 > /proc/sys/vm/drop_caches; "
				"dd if=/dev/nvme0n1 bs=64k count=16 2>/dev/null | cmp -s - /tmp/a"));
		ASSERT_EQ(0, backend_load());
		EXPECT_EQ(0, sh("echo 3 > /proc/sys/vm/drop_caches; "
				"dd if=/dev/nvme0n1 bs=64k count=16 2>/dev/null | cmp -s - /tmp/a"));
	}
}

/* A host driver that came to a device after we had adopted it. */
TEST_F(unload, host_driver_on_adopted_device)
{
	char nvme[PCI_NAME_LEN], driver[32];

	NEED_DEVICE(ID_NVME, 0, nvme);
	close_file(self);
	ASSERT_EQ(0, pci_unbind(nvme));
	EXPECT_LE(0, pci_group(nvme)) TH_LOG("not adopted");
	ASSERT_EQ(0, pci_default_driver(nvme));
	ASSERT_STREQ("nvme", pci_driver(nvme, driver, sizeof(driver)));
	EXPECT_TRUE(disk_works());
	expect_refused(_metadata);
	ASSERT_EQ(0, pci_unbind(nvme));
	expect_gone(_metadata, self);
	/* With nobody to drive the unit the kernel may let the driver wait. */
	if (backend()->hosts_wait)
		ASSERT_EQ(0, backend_load());
	ASSERT_EQ(0, pci_default_driver(nvme));
	EXPECT_TRUE(disk_works());
}

/* The core stays: host drivers find their devices as if we had never been. */
TEST_F(unload, backend_alone)
{
	char nvme[PCI_NAME_LEN];

	NEED_DEVICE(ID_NVME, 0, nvme);
	close_file(self);
	ASSERT_EQ(0, pci_unbind(nvme));
	ASSERT_EQ(0, backend_unload());
	EXPECT_TRUE(loaded(CORE));
	EXPECT_EQ(0, pci_default_driver(nvme));
	EXPECT_TRUE(disk_works());
	expect_works(_metadata, self);
}

#define MAX_DEVICES 64
#define ACS_SV 0x01
#define ACS_RR 0x04

/* ACS is as it was found, where it was off and where some of it was on. */
TEST_F(unload, acs_is_restored)
{
	int before[MAX_DEVICES], changed = 0, num, found, port_nr = -1;
	char name[PCI_NAME_LEN], port[PCI_NAME_LEN];

	close_file(self);
	ASSERT_EQ(0, unload());
	pci_top(self->name, port);
	found = pci_acs(port);
	if (found < 0)
		SKIP(return, "%s has no root port with ACS", self->name);
	/* Off, or on where the kernel has read of an IOMMU (IORT). */
	ASSERT_EQ(0, pci_set_acs(port, ACS_SV));
	for (num = 0; num < MAX_DEVICES && pci_nth(num, name); num++) {
		before[num] = pci_acs(name);
		if (!strcmp(name, port))
			port_nr = num;
	}
	ASSERT_LE(0, port_nr);
	ASSERT_EQ(ACS_SV, before[port_nr]);

	ASSERT_EQ(0, backend_load());
	for (int i = 0; i < num && pci_nth(i, name); i++)
		changed += pci_acs(name) != before[i];
	EXPECT_LT(0, changed) TH_LOG("ACS was not switched on");
	EXPECT_EQ(ACS_SV | ACS_RR, pci_acs(port) & (ACS_SV | ACS_RR));

	ASSERT_EQ(0, unload());
	for (int i = 0; i < num && pci_nth(i, name); i++)
		EXPECT_EQ(before[i], pci_acs(name)) TH_LOG("%s", name);
	EXPECT_EQ(0, pci_set_acs(port, found));
}

/* What a process that binds and unbinds a driver is at. */
enum binder { BINDER_BUSY, BINDER_BOUND };

/* It does not look: a driver that was taken off for a moment is none of its business. */
static void binder(const char *name, volatile int *at)
{
	for (unsigned int i = 0; ; i++) {
		pci_bind_driver(name, HOST_DRIVER);
		*at = BINDER_BOUND;
		usleep(i % 7 * 300);
		*at = BINDER_BUSY;
		pci_unbind(name);
		usleep(i % 5 * 300);
	}
}

/*
 * A driver that comes at the very moment that rmmod has looked: it is taken off
 * and bound again once the group is gone. Whoever bound it finds it bound.
 */
TEST_F_TIMEOUT(unload, host_driver_that_comes_meanwhile, 600)
{
	volatile int *at = mmap(NULL, SZ_4K, PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t end = now_ns() + 60 * 1000000000ULL, last = end + 300 * 1000000000ULL;
	int unloads = 0, bound = 0, anew = 0, log = kmsg_mark();
	char driver[64];
	pid_t pid;

	if (backend()->hosts_wait)
		SKIP(return, "this kernel lets host drivers wait for the unit's");
	ASSERT_NE(MAP_FAILED, (void *)at);
	close_file(self);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		binder(self->name, at);
	/*
	 * It takes luck to be that quick: about once in ten times, for which there may not be
	 * the time on a busy machine. Once it has to be.
	 */
	while (((unloads < 20 || anew < 2) && now_ns() < end) || (!anew && now_ns() < last)) {
		int status;

		if (backend_unload())
			continue;
		unloads++;
		kill(pid, SIGSTOP);
		waitpid(pid, &status, WUNTRACED);
		if (*at == BINDER_BOUND) {
			bound++;
			EXPECT_STREQ(HOST_DRIVER, pci_driver(self->name, driver, sizeof(driver)));
		}
		EXPECT_EQ(-1, pci_group(self->name));
		while (kmsg_wait(log, 0, NULL, 0, KMSG_WORDS(self->name, "bound anew")))
			anew++;
		kill(pid, SIGCONT);
		ASSERT_EQ(0, backend_load());
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(log);
	fprintf(stderr, "# %d unloads, %d with a driver bound after, %d bound anew\n",
		unloads, bound, anew);
	EXPECT_LE(1, anew);
	ASSERT_EQ(0, backend_load());
	ASSERT_EQ(0, pci_unbind(self->name));
	EXPECT_LE(0, pci_group(self->name));
	expect_gone(_metadata, self);
	expect_works(_metadata, self);
}

/*
 * The checkers of a debug kernel make each round many times as long: up to ten
 * seconds of the 600.
 */
TEST_F_TIMEOUT(unload, a_hundred_times, 600)
{
	bool debug = on_debug_kernel();
	int rounds = debug ? 10 : sim_present() ? 30 : 100;

	if (rounds < 100)
		fprintf(stderr, "# only %d rounds: %s\n", rounds,
			debug ? "a debug kernel" : "a model, which takes its time");
	close_file(self);
	for (int i = 0; i < rounds; i++) {
		uint32_t ioas, device;
		int fd;

		ASSERT_EQ(0, unload()) TH_LOG("round %d", i);
		/* Whoever is probed now must not be asked of code that is gone. */
		ASSERT_EQ(0, pci_remove(self->name));
		ASSERT_EQ(0, pci_rescan());
		ASSERT_TRUE(pci_present(self->name));
		ASSERT_EQ(-1, pci_group(self->name));
		ASSERT_EQ(0, backend_load());
		fd = sva_open();
		ASSERT_LE(0, fd);
		ASSERT_EQ(0, sva_ioas_alloc(fd, &ioas));
		ASSERT_EQ(0, sva_bind(fd, pci_bdf(self->name), &device)) TH_LOG("round %d", i);
		ASSERT_EQ(0, sva_attach(fd, device, ioas, NULL));
		close(fd);
	}
}

TEST_HARNESS_MAIN
