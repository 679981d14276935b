// SPDX-License-Identifier: GPL-2.0-only
/*
 * The modelled devices by themselves: what they are to the kernel, how their
 * configuration space behaves, and what they may send. Where an IOMMU is needed it
 * is sim_toy, which does what the address says.
 */
#include <pthread.h>

#include "selftest.h"
#include "sim.h"
#include "sim_toy.h"

#define PF_DRIVER "sim_pf"

/* Configuration space */
#define VENDOR		0x00
#define DEVICE		0x02
#define COMMAND		0x04
#define CACHE_LINE	0x0c
#define HEADER_TYPE	0x0e
#define BAR0		0x10
#define BUSES		0x18
#define BRIDGE_CONTROL	0x3e
#define CAP_EXP		0x10
#define CAP_AF		0x13
#define EXT_ACS		0x0d
#define EXT_ARI		0x0e
#define EXT_ATS		0x0f
#define EXT_SRIOV	0x10
#define EXT_PRI		0x13
#define EXT_PASID	0x1b

/* With nothing plugged in, whatever a test before has left. */
static int load(void)
{
	sh("modprobe -q " HOST_DRIVER);
	sim_remove_all();
	return sim_present() ? 0 : sh("modprobe sim_pci");
}

/* Memory whose physical addresses follow each other: a huge page. */
static char *contiguous(void)
{
	return mem_alloc_huge(SZ_2M, SZ_2M);
}

/* What is plugged in and configured, and gone again. */
static unsigned int modelled(void)
{
	char name[PCI_NAME_LEN];
	unsigned int n = 0;

	for (int i = 0; pci_nth(i, name); i++)
		n += pci_bdf(name) >> 16 == SIM_SEGMENT;
	return n;
}

/* --- plugging in ----------------------------------------------------------- */

FIXTURE(plug)
{
};

FIXTURE_SETUP(plug)
{
	ASSERT_EQ(0, load());
	ASSERT_EQ(0, modelled());
}

FIXTURE_TEARDOWN(plug)
{
	sim_remove_all();
	EXPECT_EQ(0, modelled());
}

static int express_type(int bdf)
{
	return sim_config(bdf, sim_cap(bdf, CAP_EXP) + 2, 2) >> 4 & 0xf;
}

TEST_F(plug, endpoint)
{
	int port = sim_add(SIM_ROOT_PORT, SIM_ROOT, 3 << 3, SIM_CAP_ACS);
	int dev = sim_add(SIM_ENDPOINT, port, 0, SIM_ALL_CAPS | SIM_CAP_ACS);
	char driver[32];

	ASSERT_LE(0, port);
	ASSERT_LE(0, dev);
	EXPECT_EQ(SIM_SEGMENT << 16 | 3 << 3, port);
	EXPECT_TRUE(pci_present(sim_name(dev)));
	EXPECT_EQ(SIM_VENDOR, sim_config(dev, VENDOR, 2));
	EXPECT_EQ(SIM_ENDPOINT, sim_config(dev, DEVICE, 2));
	EXPECT_EQ(4, express_type(port));
	EXPECT_EQ(0, express_type(dev));
	for (int id = 0; id < 0x30; id++) {
		bool there = id == EXT_ACS || id == EXT_ATS || id == EXT_PRI || id == EXT_PASID;

		if (id && id != 0xb)
			EXPECT_EQ(there, !!sim_ext_cap(dev, id)) TH_LOG("%x", id);
	}
	EXPECT_STREQ("pcieport", pci_driver(sim_name(port), driver, sizeof(driver)));
	EXPECT_STREQ("", pci_driver(sim_name(dev), driver, sizeof(driver)));
	EXPECT_EQ(0, pci_bind_driver(sim_name(dev), HOST_DRIVER));
	EXPECT_EQ(0, pci_unbind(sim_name(dev)));
}

TEST_F(plug, integrated_endpoint)
{
	int dev = sim_add(SIM_ENDPOINT, SIM_ROOT, 4 << 3, SIM_ALL_CAPS);

	ASSERT_LE(0, dev);
	EXPECT_EQ(9, express_type(dev));
	EXPECT_EQ(0, sim_remove(dev));
	EXPECT_FALSE(pci_present(sim_name(dev)));
	EXPECT_EQ(-ENODEV, sim_remove(dev));
}

TEST_F(plug, switch)
{
	int port = sim_add(SIM_ROOT_PORT, SIM_ROOT, 0, SIM_CAP_ACS);
	int up = sim_add(SIM_UPSTREAM, port, 0, 0), down, dev;
	char above[PCI_NAME_LEN];

	ASSERT_LE(0, up);
	EXPECT_EQ(5, express_type(up));
	for (int slot = 0; slot < 4; slot++) {
		down = sim_add(SIM_DOWNSTREAM, up, slot << 3, SIM_CAP_ACS);
		ASSERT_LE(0, down) TH_LOG("%s", strerror(-down));
		EXPECT_EQ(6, express_type(down));
		dev = sim_add(SIM_ENDPOINT, down, 0, SIM_ALL_CAPS);
		ASSERT_LE(0, dev);
		EXPECT_STREQ(sim_name(down), pci_parent(sim_name(dev), above));
		EXPECT_STREQ(sim_name(port), pci_top(sim_name(dev), above));
	}
	EXPECT_EQ(10, modelled());
	/* With all behind it. */
	EXPECT_EQ(0, sim_remove(up));
	EXPECT_EQ(1, modelled());
}

/* Function 0 is what makes the kernel look, however many were there before. */
TEST_F(plug, functions)
{
	int port = sim_add(SIM_ROOT_PORT, SIM_ROOT, 0, SIM_CAP_ACS), dev;

	for (int fn = 5; fn > 0; fn--) {
		dev = sim_add(SIM_ENDPOINT, port, fn, SIM_ALL_CAPS);
		ASSERT_LE(0, dev);
		EXPECT_FALSE(pci_present(sim_name(dev)));
	}
	dev = sim_add(SIM_ENDPOINT, port, 0, SIM_ALL_CAPS | SIM_CAP_MULTI);
	EXPECT_EQ(7, modelled());
	EXPECT_EQ(0x80, sim_config(dev, HEADER_TYPE, 1));
	EXPECT_LE(0, sim_add(SIM_ENDPOINT, port, 7, SIM_ALL_CAPS));
	EXPECT_EQ(8, modelled());
	EXPECT_EQ(0, sim_remove(dev + 2));
	EXPECT_EQ(7, modelled());
}

TEST_F(plug, bridge)
{
	int port = sim_add(SIM_ROOT_PORT, SIM_ROOT, 0, SIM_CAP_ACS);
	int bridge = sim_add(SIM_PCI_BRIDGE, port, 0, 0), dev;

	ASSERT_LE(0, bridge);
	EXPECT_EQ(7, express_type(bridge));
	dev = sim_add(SIM_PCI_DEVICE, bridge, 5 << 3, SIM_CAP_FLR);
	ASSERT_LE(0, dev);
	EXPECT_TRUE(pci_present(sim_name(dev)));
	EXPECT_EQ(0, sim_cap(dev, CAP_EXP));
	EXPECT_NE(0, sim_cap(dev, CAP_AF));
	/* Conventional configuration space has 256 bytes. */
	EXPECT_EQ(~0U, sim_config(dev, 0x100, 4));
}

/* The numbers of buses, and that none is given twice. */
TEST_F(plug, bus_numbers)
{
	struct sim_add add = { .type = SIM_ROOT_PORT, .parent = SIM_ROOT, .buses = 85 };
	int port;

	for (int i = 0; i < 3; i++) {
		add.devfn = i << 3;
		port = sim_add_as(&add);
		ASSERT_LE(0, port);
		EXPECT_EQ((1 + i * 85) << 8 | (85 + i * 85) << 16, sim_config(port, BUSES, 3))
			TH_LOG("%x", sim_config(port, BUSES, 3));
	}
	add.devfn = 3 << 3;
	add.buses = 1;
	EXPECT_EQ(-ENOSPC, sim_add_as(&add));
	/* Free again. */
	EXPECT_EQ(0, sim_remove(SIM_SEGMENT << 16 | 1 << 3));
	EXPECT_LE(0, sim_add_as(&add));
	EXPECT_EQ(86 << 8 | 86 << 16, sim_config(add.out_bdf, BUSES, 3));
}

static int try_add(enum sim_type type, int parent, unsigned int devfn, uint32_t caps)
{
	int bdf = sim_add(type, parent, devfn, caps);

	if (bdf >= 0)
		sim_remove(bdf);
	return bdf < 0 ? bdf : 0;
}

TEST_F(plug, nonsense)
{
	struct sim_add add = { .type = SIM_ENDPOINT, .parent = SIM_ROOT, .devfn = 1 << 3 };
	int port = sim_add(SIM_ROOT_PORT, SIM_ROOT, 0, SIM_CAP_ACS);
	int fd = open(SIM_DEV, O_RDWR);
	uint32_t text;

	ASSERT_LE(0, fd);
	EXPECT_EQ(-EEXIST, try_add(SIM_ROOT_PORT, SIM_ROOT, 0, 0));
	EXPECT_EQ(-EINVAL, try_add(SIM_DOWNSTREAM, port, 0, 0));
	EXPECT_EQ(-EINVAL, try_add(SIM_PCI_DEVICE, port, 0, 0));
	EXPECT_EQ(-EINVAL, try_add(SIM_ROOT_PORT, port, 0, 0));
	EXPECT_EQ(-EINVAL, try_add(SIM_UPSTREAM, SIM_ROOT, 1 << 3, 0));
	EXPECT_EQ(-EINVAL, try_add(SIM_VF, port, 0, 0));
	EXPECT_EQ(-EINVAL, try_add(0, port, 0, 0));
	EXPECT_EQ(-EINVAL, try_add(SIM_VF + 1, port, 0, 0));
	/* One device on a link. */
	EXPECT_EQ(-EINVAL, try_add(SIM_ENDPOINT, port, 1 << 3, 0));
	EXPECT_EQ(-EINVAL, try_add(SIM_ENDPOINT, SIM_ROOT, 256, 0));
	EXPECT_EQ(-ENODEV, try_add(SIM_ENDPOINT, port + 8, 0, 0));
	EXPECT_EQ(-ENODEV, try_add(SIM_ENDPOINT, 8 << 3, 0, 0));
	EXPECT_EQ(-EINVAL, try_add(SIM_ROOT_PORT, SIM_ROOT, 1 << 3, SIM_CAP_ATS));
	EXPECT_EQ(-EINVAL, try_add(SIM_ENDPOINT, port, 0, SIM_CAP_PRI));
	EXPECT_EQ(-EINVAL, try_add(SIM_ENDPOINT, port, 0, SIM_CAP_PASID_EXEC));
	EXPECT_EQ(-EINVAL, try_add(SIM_ENDPOINT, SIM_ROOT, 1 << 3, SIM_CAP_SRIOV));
	EXPECT_EQ(-EOPNOTSUPP, try_add(SIM_ENDPOINT, port, 0, 1U << 31));

	add.caps = SIM_CAP_PASID;
	add.pasid_bits = 21;
	EXPECT_EQ(-EINVAL, sim_add_as(&add));
	add.caps = SIM_CAP_ATS;
	add.pasid_bits = 0;
	add.ats_depth = 33;
	EXPECT_EQ(-EINVAL, sim_add_as(&add));
	add.ats_depth = 32;
	add.buses = 1;
	EXPECT_EQ(-EINVAL, sim_add_as(&add));
	add.buses = 0;
	add.__reserved = 1;
	EXPECT_EQ(-EOPNOTSUPP, sim_add_as(&add));
	EXPECT_EQ(1, modelled());

	add.__reserved = 0;
	add.size = 8;
	EXPECT_EQ(-1, ioctl(fd, SIM_ADD, &add));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, ioctl(fd, _IO('S', 77), &add));
	EXPECT_EQ(ENOTTY, errno);
	EXPECT_EQ(-1, ioctl(fd, SIM_ADD, NULL));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-EINVAL, sim_inject(0, SIM_FAULTS, 1, 0));
	EXPECT_EQ(-ENODEV, sim_inject(99, SIM_FAULT_LATE, 1, 0));
	text = 0;
	EXPECT_EQ(-ENODEV, sim_read(SIM_SEGMENT << 16 | 0xff00, 0, &text, 4));
	close(fd);
}

/* Newer programs may know more, as long as they do not ask for it. */
TEST_F(plug, sizes)
{
	struct {
		struct sim_add add;
		uint32_t more[2];
	} big = { .add = { .size = sizeof(big), .type = SIM_ROOT_PORT, .parent = SIM_ROOT } };
	int fd = open(SIM_DEV, O_RDWR);

	ASSERT_LE(0, fd);
	EXPECT_EQ(0, ioctl(fd, SIM_ADD, &big));
	EXPECT_EQ(sizeof(big), big.add.size);
	big.more[1] = 1;
	big.add.devfn = 1 << 3;
	EXPECT_EQ(-1, ioctl(fd, SIM_ADD, &big));
	EXPECT_EQ(E2BIG, errno);
	/* As it was before "buses". */
	big.add.size = 40;
	EXPECT_EQ(0, ioctl(fd, SIM_ADD, &big));
	EXPECT_EQ(2, modelled());
	close(fd);
}

TEST_F(plug, not_for_everyone)
{
	struct sim_remove remove = { .size = sizeof(remove) };
	int fd = open(SIM_DEV, O_RDWR), status;
	pid_t pid;

	ASSERT_LE(0, fd);
	pid = fork();
	if (!pid) {
		if (setuid(1000))
			_exit(1);
		_exit(ioctl(fd, SIM_REMOVE, &remove) != -1 || errno != EPERM);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	close(fd);
}

TEST_F(plug, slot_status)
{
	int port = sim_add(SIM_ROOT_PORT, SIM_ROOT, 0, SIM_CAP_ACS | SIM_CAP_HOTPLUG), dev;
	unsigned int at = sim_cap(port, CAP_EXP);

	/* Presence detect state, presence and link changed, link active. */
	EXPECT_EQ(0, sim_config(port, at + 0x1a, 2) & 0x148);
	EXPECT_EQ(0, sim_config(port, at + 0x12, 2) & 0x2000);
	for (int i = 0; i < 3; i++) {
		dev = sim_add(SIM_ENDPOINT, port, 0, SIM_ALL_CAPS);
		ASSERT_LE(0, dev);
		EXPECT_EQ(0x148, sim_config(port, at + 0x1a, 2) & 0x148);
		EXPECT_EQ(0x2000, sim_config(port, at + 0x12, 2) & 0x2000);
		/* Changes are cleared by writing ones, what is there is not. */
		EXPECT_EQ(0, sim_set_config(port, at + 0x1a, 2, 0xffff));
		EXPECT_EQ(0x40, sim_config(port, at + 0x1a, 2) & 0x148);
		EXPECT_EQ(0, i & 1 ? sim_remove(dev) : sim_pull_out(dev));
		EXPECT_FALSE(pci_present(sim_name(dev)));
		EXPECT_EQ(0x108, sim_config(port, at + 0x1a, 2) & 0x148);
		EXPECT_EQ(0, sim_config(port, at + 0x12, 2) & 0x2000);
		EXPECT_EQ(0, sim_set_config(port, at + 0x1a, 2, 0x108));
	}
}

/* What is gone is all ones to a kernel that does not know yet, and does no DMA. */
TEST_F(plug, dies_in_silence)
{
	char *mem = mem_alloc(SZ_4K, SZ_4K);
	int up, dev, word;

	up = sim_add(SIM_UPSTREAM, sim_add(SIM_ROOT_PORT, SIM_ROOT, 0, SIM_CAP_ACS), 0, 0);
	dev = sim_add(SIM_ENDPOINT, sim_add(SIM_DOWNSTREAM, up, 0, SIM_CAP_ACS), 0, SIM_ALL_CAPS);
	ASSERT_LE(0, dev);
	ASSERT_EQ(0, sim_set_master(dev, true));
	EXPECT_EQ(SIM_OK, sim_read(dev, mem_phys(mem), &word, 4));
	EXPECT_EQ(0, sim_kill(up));
	EXPECT_TRUE(pci_present(sim_name(dev)));
	EXPECT_EQ(~0U, sim_config(dev, VENDOR, 4));
	EXPECT_EQ(~0U, sim_config(up, VENDOR, 4));
	EXPECT_EQ(-ENODEV, sim_read(dev, mem_phys(mem), &word, 4));
	EXPECT_EQ(-ENODEV, sim_kill(up));
	EXPECT_EQ(0, sim_remove(up));
	EXPECT_FALSE(pci_present(sim_name(dev)));
	EXPECT_EQ(1, modelled());
	mem_free(mem, SZ_4K);
}

/* The kernel forgets, and finds what is still plugged in. */
TEST_F(plug, rescan)
{
	int dev = sim_add_endpoint(0, SIM_ALL_CAPS), port = SIM_SEGMENT << 16;

	ASSERT_LE(0, dev);
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(0, pci_remove(sim_name(i & 1 ? dev : port)));
		EXPECT_FALSE(pci_present(sim_name(dev)));
		EXPECT_EQ(0, pci_rescan());
		EXPECT_TRUE(pci_present(sim_name(dev)));
	}
	EXPECT_EQ(0, pci_remove(sim_name(dev)));
	EXPECT_EQ(0, sim_remove(dev));
	EXPECT_EQ(0, pci_rescan());
	EXPECT_FALSE(pci_present(sim_name(dev)));
}

/* --- one endpoint ------------------------------------------------------------ */

FIXTURE(one)
{
	int port;
	int dev;
	char *mem;
	uint64_t phys;
};

FIXTURE_SETUP(one)
{
	ASSERT_EQ(0, load());
	self->dev = sim_add_endpoint(0, SIM_ALL_CAPS | SIM_CAP_SRIOV);
	ASSERT_LE(0, self->dev);
	self->port = SIM_SEGMENT << 16;
	ASSERT_EQ(0, sim_set_master(self->dev, true));
	self->mem = contiguous();
	ASSERT_NE(NULL, self->mem);
	self->phys = mem_phys(self->mem);
	ASSERT_NE(0, self->phys);
}

FIXTURE_TEARDOWN(one)
{
	mem_free(self->mem, SZ_2M);
	sim_remove_all();
	EXPECT_EQ(0, modelled());
}

/* Write all ones, then zeroes: only the bits of @writable follow. */
static void expect_writable(struct __test_metadata *_metadata, int bdf, unsigned int at,
			    int size, uint32_t writable)
{
	uint32_t old = sim_config(bdf, at, size), all = size == 4 ? ~0U : (1U << 8 * size) - 1;

	EXPECT_EQ(0, sim_set_config(bdf, at, size, all));
	EXPECT_EQ(old | writable, sim_config(bdf, at, size)) TH_LOG("register %x", at);
	EXPECT_EQ(0, sim_set_config(bdf, at, size, 0));
	EXPECT_EQ(old & ~writable, sim_config(bdf, at, size)) TH_LOG("register %x", at);
	EXPECT_EQ(0, sim_set_config(bdf, at, size, old));
}

TEST_F(one, config_bits)
{
	int dev = self->dev;

	expect_writable(_metadata, dev, VENDOR, 4, 0);
	expect_writable(_metadata, dev, COMMAND, 2, 0x0544);
	expect_writable(_metadata, dev, 0x06, 2, 0);
	expect_writable(_metadata, dev, 0x08, 4, 0);
	expect_writable(_metadata, dev, CACHE_LINE, 4, 0xff);
	for (int bar = 0; bar < 6; bar++)
		expect_writable(_metadata, dev, BAR0 + 4 * bar, 4, 0);
	expect_writable(_metadata, dev, 0x2c, 4, 0);
	expect_writable(_metadata, dev, 0x30, 4, 0);
	expect_writable(_metadata, dev, 0x34, 4, 0);
	expect_writable(_metadata, dev, 0x3c, 4, 0xff);
	expect_writable(_metadata, dev, 0x200, 4, 0);
	expect_writable(_metadata, dev, 0xffc, 4, 0);

	expect_writable(_metadata, dev, sim_ext_cap(dev, EXT_ATS) + 4, 2, 0);
	expect_writable(_metadata, dev, sim_ext_cap(dev, EXT_ATS) + 6, 2, 0x801f);
	expect_writable(_metadata, dev, sim_ext_cap(dev, EXT_PASID) + 4, 2, 0);
	expect_writable(_metadata, dev, sim_ext_cap(dev, EXT_PASID) + 6, 2, 7);
	expect_writable(_metadata, dev, sim_ext_cap(dev, EXT_PRI) + 8, 4, 0);
	expect_writable(_metadata, dev, sim_ext_cap(dev, EXT_PRI) + 12, 4, ~0U);
	/* Function level reset is never seen set. */
	expect_writable(_metadata, dev, sim_cap(dev, CAP_EXP) + 4, 4, 0);

	expect_writable(_metadata, self->port, sim_ext_cap(self->port, EXT_ACS) + 4, 2, 0);
	expect_writable(_metadata, self->port, sim_ext_cap(self->port, EXT_ACS) + 6, 2, 0x5f);
	expect_writable(_metadata, self->port, 0x1c, 2, 0xf0f0);
	expect_writable(_metadata, self->port, 0x20, 4, 0xfff0fff0);
	expect_writable(_metadata, self->port, BAR0, 4, 0);
	expect_writable(_metadata, self->port, 0x14, 4, 0);
}

/* One byte, two, four, anywhere. */
TEST_F(one, config_sizes)
{
	unsigned int at = sim_ext_cap(self->dev, EXT_PRI) + 12;

	ASSERT_EQ(0, sim_set_config(self->dev, at, 4, 0x11223344));
	EXPECT_EQ(0x44, sim_config(self->dev, at, 1));
	EXPECT_EQ(0x11, sim_config(self->dev, at + 3, 1));
	EXPECT_EQ(0x1122, sim_config(self->dev, at + 2, 2));
	ASSERT_EQ(0, sim_set_config(self->dev, at + 1, 1, 0x99));
	ASSERT_EQ(0, sim_set_config(self->dev, at + 2, 2, 0xaabb));
	EXPECT_EQ(0xaabb9944, sim_config(self->dev, at, 4));
}

/* Bridges pass configuration requests by their bus numbers. */
TEST_F(one, config_routing)
{
	uint32_t buses = sim_config(self->port, BUSES, 4);

	EXPECT_EQ(SIM_VENDOR, sim_config(self->dev, VENDOR, 2));
	ASSERT_EQ(0, sim_set_config(self->port, BUSES, 3, 0));
	EXPECT_EQ(0xffff, sim_config(self->dev, VENDOR, 2));
	ASSERT_EQ(0, sim_set_config(self->port, BUSES, 4, buses));
	EXPECT_EQ(SIM_VENDOR, sim_config(self->dev, VENDOR, 2));
}

TEST_F(one, dma)
{
	char *copy = malloc(SZ_4K);
	struct sim_dma dma = {
		.bdf = self->dev,
		.pasid = SIM_NO_PASID,
		.addr = self->phys + 5,
		.len = 77,
		.buf = (uintptr_t)copy,
	};

	mem_fill(self->mem, SZ_4K, 1);
	EXPECT_EQ(SIM_OK, sim_read(self->dev, self->phys, copy, SZ_4K));
	EXPECT_EQ(-1, mem_check(copy, SZ_4K, 1));
	mem_fill(copy, SZ_4K, 2);
	EXPECT_EQ(SIM_OK, sim_write(self->dev, self->phys, copy, SZ_4K));
	EXPECT_EQ(-1, mem_check(self->mem, SZ_4K, 2));

	memset(copy, 0, SZ_4K);
	EXPECT_EQ(SIM_OK, sim_dma(&dma));
	EXPECT_EQ(77, dma.done);
	EXPECT_EQ(self->phys + 5, dma.phys);
	EXPECT_EQ(0, memcmp(copy, self->mem + 5, 77));
	EXPECT_EQ(0, copy[77]);
	EXPECT_EQ(2, sim_device_counter(self->dev, "reads"));
	EXPECT_EQ(1, sim_device_counter(self->dev, "writes"));
	free(copy);
}

/* Where no memory is, where the address space ends, and too much at once. */
/* Registers, where the other architecture may have memory. */
#ifdef __x86_64__
#define INTERRUPT_CONTROLLER 0xfee00000
#else
#define INTERRUPT_CONTROLLER 0x08000000 /* of QEMU's virt machine */
#endif

TEST_F(one, dma_elsewhere)
{
	static char big[0x100001];
	uint64_t word = 0;
	struct sim_dma dma = {
		.bdf = self->dev,
		.pasid = SIM_NO_PASID,
		.len = sizeof(big),
		.addr = self->phys,
		.buf = (uintptr_t)big,
	};

	EXPECT_EQ(SIM_NO_MEMORY, sim_read(self->dev, 1ULL << 51, &word, 8));
	EXPECT_EQ(SIM_NO_MEMORY, sim_write(self->dev, 1ULL << 60, &word, 8));
	EXPECT_EQ(SIM_NO_MEMORY, sim_write(self->dev, INTERRUPT_CONTROLLER, &word, 8));
	EXPECT_EQ(SIM_NO_MEMORY, sim_read(self->dev, INTERRUPT_CONTROLLER, &word, 8));
	EXPECT_EQ(-EINVAL, sim_read(self->dev, ~0ULL - 3, &word, 8));
	EXPECT_EQ(-EINVAL, sim_read(self->dev, self->phys, &word, 0));
	EXPECT_EQ(-EINVAL, sim_dma(&dma));
	dma.len = 8;
	dma.buf = 0x10;
	EXPECT_EQ(-EFAULT, sim_dma(&dma));
	dma.flags = SIM_DMA_WRITE;
	EXPECT_EQ(-EFAULT, sim_dma(&dma));
	dma.flags = 1U << 30;
	EXPECT_EQ(-EFAULT, sim_write(self->dev, self->phys, (void *)0x10, 8));
	dma.buf = (uintptr_t)&word;
	EXPECT_EQ(-EOPNOTSUPP, sim_dma(&dma));
	dma.flags = SIM_DMA_PRI;
	EXPECT_EQ(-EINVAL, sim_dma(&dma));
}

TEST_F(one, needs_bus_master)
{
	int word;

	ASSERT_EQ(0, sim_set_master(self->dev, false));
	EXPECT_EQ(SIM_NO_MASTER, sim_read(self->dev, self->phys, &word, 4));
	ASSERT_EQ(0, sim_set_master(self->dev, true));
	EXPECT_EQ(SIM_OK, sim_read(self->dev, self->phys, &word, 4));
	/* So does the port above. */
	ASSERT_EQ(0, sim_set_master(self->port, false));
	EXPECT_EQ(SIM_UR, sim_read(self->dev, self->phys, &word, 4));
	ASSERT_EQ(0, sim_set_master(self->port, true));
	EXPECT_EQ(SIM_OK, sim_read(self->dev, self->phys, &word, 4));
}

TEST_F(one, no_snoop)
{
	unsigned int at = sim_cap(self->dev, CAP_EXP) + 8;
	uint16_t control = sim_config(self->dev, at, 2);
	int word;

	EXPECT_EQ(SIM_OK, sim_read_pasid(self->dev, SIM_NO_PASID, self->phys, &word, 4,
					 SIM_DMA_NO_SNOOP));
	ASSERT_EQ(0, sim_set_config(self->dev, at, 2, control & ~0x800));
	EXPECT_EQ(SIM_NO_MASTER, sim_read_pasid(self->dev, SIM_NO_PASID, self->phys, &word, 4,
						SIM_DMA_NO_SNOOP));
	EXPECT_EQ(SIM_OK, sim_read(self->dev, self->phys, &word, 4));
}

/* A root complex without an IOMMU takes no PASIDs and translates nothing. */
TEST_F(one, without_iommu)
{
	struct sim_ats ats = { .bdf = self->dev, .pasid = SIM_NO_PASID, .addr = self->phys };
	int word;

	EXPECT_EQ(SIM_NO_MASTER, sim_read_pasid(self->dev, 5, self->phys, &word, 4, 0));
	ASSERT_EQ(0, sim_set_pasid(self->dev, true));
	EXPECT_EQ(SIM_UR, sim_read_pasid(self->dev, 5, self->phys, &word, 4, 0));
	EXPECT_EQ(SIM_NO_MASTER, sim_ats(&ats));
	ASSERT_EQ(0, sim_set_ats(self->dev, true));
	EXPECT_EQ(SIM_UR, sim_ats(&ats));
	EXPECT_EQ(SIM_UR, sim_read_pasid(self->dev, SIM_NO_PASID, self->phys, &word, 4,
					 SIM_DMA_ATS));
	EXPECT_EQ(SIM_NO_MASTER, sim_page_request(self->dev, 5, self->phys, 1, SIM_PR_LAST, 10));
	ASSERT_EQ(0, sim_set_pri(self->dev, 1));
	/* The credit comes back each time. */
	for (int i = 0; i < 5; i++)
		EXPECT_EQ(SIM_UR, sim_page_request(self->dev, 5, self->phys, 1, SIM_PR_LAST, 10));
	EXPECT_EQ(SIM_OK, sim_read(self->dev, self->phys, &word, 4));
}

static bool reset_through_kernel(int bdf, const char *method)
{
	char path[96];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/reset_method", sim_name(bdf));
	if (file_write(path, method))
		return false;
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/reset", sim_name(bdf));
	return !file_write(path, "1");
}

/* Registers back to where they begin; the kernel puts them back as they were. */
TEST_F(one, function_level_reset)
{
	unsigned int pri = sim_ext_cap(self->dev, EXT_PRI);
	int word;

	ASSERT_EQ(0, sim_set_pasid(self->dev, true));
	ASSERT_EQ(0, sim_set_ats(self->dev, true));
	ASSERT_EQ(0, sim_set_pri(self->dev, 7));
	EXPECT_EQ(0, sim_config(self->dev, pri + 6, 2) & 0x100);
	ASSERT_EQ(0, sim_flr(self->dev));
	EXPECT_EQ(0, sim_config(self->dev, COMMAND, 2));
	EXPECT_EQ(0, sim_config(self->dev, sim_ext_cap(self->dev, EXT_PASID) + 6, 2));
	EXPECT_EQ(0, sim_config(self->dev, sim_ext_cap(self->dev, EXT_ATS) + 6, 2));
	EXPECT_EQ(0, sim_config(self->dev, pri + 4, 2));
	EXPECT_EQ(0x100, sim_config(self->dev, pri + 6, 2) & 0x100);
	EXPECT_EQ(0, sim_config(self->dev, pri + 12, 4));
	EXPECT_EQ(1, sim_device_counter(self->dev, "resets"));
	EXPECT_EQ(SIM_NO_MASTER, sim_read(self->dev, self->phys, &word, 4));

	ASSERT_EQ(0, sim_set_master(self->dev, true));
	ASSERT_TRUE(reset_through_kernel(self->dev, "flr"));
	EXPECT_EQ(2, sim_device_counter(self->dev, "resets"));
	EXPECT_EQ(SIM_OK, sim_read(self->dev, self->phys, &word, 4));
}

TEST_F(one, secondary_bus_reset)
{
	uint16_t control = sim_config(self->port, BRIDGE_CONTROL, 2);
	int word;

	ASSERT_EQ(0, sim_set_config(self->port, BRIDGE_CONTROL, 2, control | 0x40));
	ASSERT_EQ(0, sim_set_config(self->port, BRIDGE_CONTROL, 2, control));
	EXPECT_EQ(1, sim_device_counter(self->dev, "resets"));
	EXPECT_EQ(SIM_NO_MASTER, sim_read(self->dev, self->phys, &word, 4));
	EXPECT_NE(0, sim_config(self->port, COMMAND, 2) & 4);
	ASSERT_EQ(0, sim_set_master(self->dev, true));
	ASSERT_TRUE(reset_through_kernel(self->dev, "bus"));
	EXPECT_LT(1, sim_device_counter(self->dev, "resets"));
	EXPECT_EQ(SIM_OK, sim_read(self->dev, self->phys, &word, 4));
}

/* Undefined by the specification: a driver that does it is wrong. */
TEST_F(one, forbidden_changes)
{
	unsigned int pri = sim_ext_cap(self->dev, EXT_PRI);

	ASSERT_EQ(0, sim_set_ats(self->dev, true));
	EXPECT_EQ(0, sim_device_counter(self->dev, "bad.pasid_while_ats"));
	ASSERT_EQ(0, sim_set_pasid(self->dev, true));
	EXPECT_EQ(1, sim_device_counter(self->dev, "bad.pasid_while_ats"));
	ASSERT_EQ(0, sim_set_config(self->dev, sim_ext_cap(self->dev, EXT_ATS) + 6, 2, 0x8004));
	EXPECT_EQ(1, sim_device_counter(self->dev, "bad.stu_while_ats"));
	ASSERT_EQ(0, sim_set_pri(self->dev, 4));
	ASSERT_EQ(0, sim_set_config(self->dev, pri + 12, 4, 5));
	EXPECT_EQ(1, sim_device_counter(self->dev, "bad.allocation_while_pri"));
	sim_reset_device_counters(self->dev);
	EXPECT_EQ(0, sim_device_counter(self->dev, "bad.pasid_while_ats"));
}

/* --- virtual functions ------------------------------------------------------- */

TEST_F(one, virtual_functions)
{
	int vf = sim_vf(self->dev, 0), last = sim_vf(self->dev, 6), word;
	unsigned int sriov = sim_ext_cap(self->dev, EXT_SRIOV);
	char driver[32];

	EXPECT_STREQ(PF_DRIVER, pci_driver(sim_name(self->dev), driver, sizeof(driver)));
	EXPECT_EQ(-ENODEV, sim_read(vf, self->phys, &word, 4));
	ASSERT_EQ(0, sim_set_vfs(self->dev, 3));
	EXPECT_EQ(5, modelled());
	EXPECT_TRUE(pci_present(sim_name(vf)));
	EXPECT_FALSE(pci_present(sim_name(last)));
	EXPECT_EQ(-ENODEV, sim_read(last, self->phys, &word, 4));
	/* The number is fixed while they are on. */
	EXPECT_EQ(0, sim_set_config(self->dev, sriov + 0x10, 2, 7));
	EXPECT_EQ(3, sim_config(self->dev, sriov + 0x10, 2));

	/* No IDs, bus mastering of their own, nothing else in Command. */
	EXPECT_EQ(~0U, sim_config(vf, VENDOR, 4));
	expect_writable(_metadata, vf, COMMAND, 2, 4);
	EXPECT_EQ(SIM_NO_MASTER, sim_read(vf, self->phys, &word, 4));
	ASSERT_EQ(0, sim_set_master(vf, true));
	EXPECT_EQ(SIM_OK, sim_read(vf, self->phys, &word, 4));
	EXPECT_EQ(0, sim_ext_cap(vf, EXT_PASID));
	EXPECT_EQ(0, sim_ext_cap(vf, EXT_PRI));
	expect_writable(_metadata, vf, sim_ext_cap(vf, EXT_ATS) + 6, 2, 0x8000);

	/* PASIDs are for the physical function to allow. */
	EXPECT_EQ(SIM_NO_MASTER, sim_read_pasid(vf, 1, self->phys, &word, 4, 0));
	ASSERT_EQ(0, sim_set_pasid(self->dev, true));
	EXPECT_EQ(SIM_UR, sim_read_pasid(vf, 1, self->phys, &word, 4, 0));

	/* Each is reset by itself, and all with the physical function. */
	ASSERT_EQ(0, sim_set_master(vf + 1, true));
	ASSERT_EQ(0, sim_flr(vf));
	EXPECT_EQ(SIM_NO_MASTER, sim_read(vf, self->phys, &word, 4));
	EXPECT_EQ(SIM_OK, sim_read(vf + 1, self->phys, &word, 4));

	ASSERT_EQ(0, sim_set_vfs(self->dev, 0));
	EXPECT_EQ(2, modelled());
	EXPECT_EQ(-ENODEV, sim_read(vf + 1, self->phys, &word, 4));
	ASSERT_EQ(0, sim_set_vfs(self->dev, 7));
	EXPECT_EQ(9, modelled());
	EXPECT_EQ(SIM_NO_MASTER, sim_read(vf + 1, self->phys, &word, 4));
	ASSERT_EQ(0, sim_set_vfs(self->dev, 0));
}

/* They go with the device, also when it is just pulled out. */
TEST_F(one, virtual_functions_go)
{
	ASSERT_EQ(0, sim_set_vfs(self->dev, 7));
	EXPECT_EQ(9, modelled());
	EXPECT_EQ(-EINVAL, sim_remove(sim_vf(self->dev, 2)));
	EXPECT_EQ(0, sim_pull_out(self->dev));
	EXPECT_EQ(1, modelled());
}

/* --- behind the toy IOMMU ------------------------------------------------------ */

FIXTURE(toy)
{
	int dev;
	/* Sends commands to the toy. */
	int clerk;
	char *mem;
	uint64_t phys;
};

FIXTURE_SETUP(toy)
{
	ASSERT_EQ(0, load());
	ASSERT_EQ(0, sh("modprobe sim_toy"));
	self->dev = sim_add_endpoint(0, SIM_ALL_CAPS);
	ASSERT_LE(0, self->dev);
	self->clerk = sim_add_endpoint(1, 0);
	ASSERT_LE(0, self->clerk);
	ASSERT_EQ(0, sim_set_master(self->dev, true));
	ASSERT_EQ(0, sim_set_master(self->clerk, true));
	ASSERT_EQ(0, sim_set_pasid(self->dev, true));
	ASSERT_EQ(0, sim_set_ats(self->dev, true));
	ASSERT_EQ(0, sim_set_pri(self->dev, 4));
	self->mem = contiguous();
	ASSERT_NE(NULL, self->mem);
	self->phys = mem_phys(self->mem);
	ASSERT_NE(0, self->phys);
}

FIXTURE_TEARDOWN(toy)
{
	mem_free(self->mem, SZ_2M);
	sim_remove_all();
	EXPECT_EQ(0, sh("rmmod sim_toy"));
}

static void command(struct __test_metadata *_metadata, FIXTURE_DATA(toy) *self,
		    struct toy_command cmd)
{
	ASSERT_EQ(SIM_OK, sim_write(self->clerk, TOY_MAPPED | TOY_COMMAND, &cmd, sizeof(cmd)));
}

static void invalidate(struct __test_metadata *_metadata, FIXTURE_DATA(toy) *self,
		       uint32_t pasid, uint64_t addr, uint64_t length, bool global)
{
	command(_metadata, self, (struct toy_command){
		.op = TOY_INVALIDATE,
		.rid = self->dev & 0xffff,
		.pasid = pasid,
		.addr = addr,
		.length = length,
		.global = global,
	});
}

static void who(struct __test_metadata *_metadata, int dev, uint32_t pasid, uint32_t flags,
		uint16_t rid)
{
	struct toy_request req = {};

	ASSERT_EQ(SIM_OK, sim_read_pasid(dev, pasid, TOY_MAPPED | TOY_WHO, &req, sizeof(req),
					 flags));
	EXPECT_EQ(SIM_SEGMENT, req.segment);
	EXPECT_EQ(rid, req.rid);
	EXPECT_EQ(pasid, req.pasid);
	EXPECT_EQ(flags, req.flags);
}

TEST_F(toy, requester_ids)
{
	int port = sim_add(SIM_ROOT_PORT, SIM_ROOT, 2 << 3, SIM_CAP_ACS);
	int bridge = sim_add(SIM_PCI_BRIDGE, port, 0, 0);
	int dev, vf, pf = sim_add_endpoint(3, SIM_ALL_CAPS | SIM_CAP_SRIOV);

	who(_metadata, self->dev, SIM_NO_PASID, 0, self->dev);
	who(_metadata, self->dev, SIM_NO_PASID, SIM_DMA_NO_SNOOP, self->dev);
	who(_metadata, self->dev, 0xabcde, SIM_DMA_EXEC | SIM_DMA_PRIV, self->dev);
	/* Behind the bridge both have its secondary bus number, function 0. */
	for (int slot = 0; slot < 2; slot++) {
		dev = sim_add(SIM_PCI_DEVICE, bridge, slot << 3 | 0, 0);
		ASSERT_LE(0, dev);
		ASSERT_EQ(0, sim_set_master(dev, true));
		who(_metadata, dev, SIM_NO_PASID, 0, dev & 0xff00);
		EXPECT_NE(bridge & 0xff00, dev & 0xff00);
	}
	ASSERT_LE(0, pf);
	ASSERT_EQ(0, sim_set_vfs(pf, 2));
	vf = sim_vf(pf, 1);
	ASSERT_EQ(0, sim_set_master(vf, true));
	who(_metadata, vf, SIM_NO_PASID, 0, vf);
	ASSERT_EQ(0, sim_set_vfs(pf, 0));
}

/* PASIDs, and what is said with them, only where it is switched on. */
TEST_F(toy, pasids)
{
	unsigned int at = sim_ext_cap(self->dev, EXT_PASID) + 6;
	uint64_t addr = TOY_MAPPED | self->phys;
	int word;

	ASSERT_EQ(0, sim_set_ats(self->dev, false));
	EXPECT_EQ(SIM_OK, sim_read_pasid(self->dev, 0, addr, &word, 4, 0));
	EXPECT_EQ(SIM_OK, sim_read_pasid(self->dev, 0xfffff, addr, &word, 4, SIM_DMA_PRIV));
	EXPECT_EQ(SIM_NO_MASTER, sim_read_pasid(self->dev, 0x100000, addr, &word, 4, 0));
	EXPECT_EQ(SIM_NO_MASTER, sim_read_pasid(self->dev, SIM_NO_PASID, addr, &word, 4,
						SIM_DMA_EXEC));
	ASSERT_EQ(0, sim_set_config(self->dev, at, 2, 1));
	EXPECT_EQ(SIM_OK, sim_read_pasid(self->dev, 1, addr, &word, 4, 0));
	EXPECT_EQ(SIM_NO_MASTER, sim_read_pasid(self->dev, 1, addr, &word, 4, SIM_DMA_EXEC));
	EXPECT_EQ(SIM_NO_MASTER, sim_read_pasid(self->dev, 1, addr, &word, 4, SIM_DMA_PRIV));
	ASSERT_EQ(0, sim_set_config(self->dev, at, 2, 6));
	EXPECT_EQ(SIM_NO_MASTER, sim_read_pasid(self->dev, 1, addr, &word, 4, 0));
	EXPECT_EQ(SIM_NO_MASTER, sim_read_pasid(self->clerk, 1, addr, &word, 4, 0));
	EXPECT_EQ(SIM_OK, sim_read(self->clerk, addr, &word, 4));
}

/* What ports are told to keep back. */
TEST_F(toy, ports_block)
{
	int port = SIM_SEGMENT << 16;
	unsigned int acs = sim_ext_cap(port, EXT_ACS) + 6, ctl = sim_cap(port, CAP_EXP) + 0x28;
	struct sim_ats ats = { .bdf = self->dev, .pasid = SIM_NO_PASID };
	uint64_t addr = TOY_MAPPED | self->phys;
	int word;

	ats.addr = addr;
	EXPECT_EQ(SIM_OK, sim_ats(&ats));
	/* ACS Translation Blocking */
	ASSERT_EQ(0, sim_set_config(port, acs, 2, 2));
	EXPECT_EQ(SIM_UR, sim_ats(&ats));
	EXPECT_EQ(SIM_UR, sim_read_pasid(self->dev, SIM_NO_PASID, addr, &word, 4, SIM_DMA_ATS));
	EXPECT_EQ(SIM_OK, sim_read(self->dev, addr, &word, 4));
	ASSERT_EQ(0, sim_set_config(port, acs, 2, 0));
	EXPECT_EQ(SIM_OK, sim_read_pasid(self->dev, SIM_NO_PASID, addr, &word, 4, SIM_DMA_ATS));
	/* End-End TLP Prefix Blocking */
	EXPECT_EQ(SIM_OK, sim_read_pasid(self->dev, 1, addr, &word, 4, 0));
	ASSERT_EQ(0, sim_set_config(port, ctl, 2, 0x8000));
	EXPECT_EQ(SIM_UR, sim_read_pasid(self->dev, 1, addr, &word, 4, 0));
	EXPECT_EQ(SIM_OK, sim_read(self->dev, addr, &word, 4));
}

TEST_F(toy, translation)
{
	uint64_t addr = TOY_MAPPED | TOY_READ_ONLY | (self->phys + 0x123);
	struct sim_ats ats = { .bdf = self->dev, .pasid = 3, .addr = addr };

	EXPECT_EQ(SIM_OK, sim_ats(&ats));
	EXPECT_EQ(self->phys + 0x123, ats.phys);
	EXPECT_EQ(SZ_4K, ats.length);
	EXPECT_EQ(SIM_ATS_READ | SIM_ATS_EXEC, ats.perms);
	ats.addr = TOY_MAPPED | TOY_HUGE | self->phys;
	EXPECT_EQ(SIM_OK, sim_ats(&ats));
	EXPECT_EQ(SZ_2M, ats.length);
	ats.addr = self->phys;
	EXPECT_EQ(SIM_UR, sim_ats(&ats));
	ats.flags = SIM_DMA_ATS;
	EXPECT_EQ(-EOPNOTSUPP, sim_ats(&ats));
	EXPECT_EQ(3, sim_device_counter(self->dev, "translations"));
}

/* DMA through the device's own TLB: one translation per page, however often. */
TEST_F(toy, cached)
{
	uint64_t addr = TOY_MAPPED | self->phys;
	char copy[64];

	mem_fill(copy, sizeof(copy), 1);
	for (int i = 0; i < 5; i++)
		ASSERT_EQ(SIM_OK, sim_write_pasid(self->dev, 3, addr + SZ_4K - 32, copy, 64,
						  SIM_DMA_ATS));
	EXPECT_EQ(-1, mem_check(self->mem + SZ_4K - 32, sizeof(copy), 1));
	EXPECT_EQ(2, sim_device_counter(self->dev, "translations"));
	EXPECT_EQ(8, sim_device_counter(self->dev, "atc_hits"));
	/* Of another PASID, of none, and in privileged mode it is another translation. */
	ASSERT_EQ(SIM_OK, sim_read_pasid(self->dev, 4, addr, copy, 4, SIM_DMA_ATS));
	ASSERT_EQ(SIM_OK, sim_read_pasid(self->dev, SIM_NO_PASID, addr, copy, 4, SIM_DMA_ATS));
	ASSERT_EQ(SIM_OK, sim_read_pasid(self->dev, 4, addr, copy, 4, SIM_DMA_ATS | SIM_DMA_PRIV));
	EXPECT_EQ(5, sim_device_counter(self->dev, "translations"));
	/* One that is not enough is asked for anew, and refused. */
	addr |= TOY_READ_ONLY;
	ASSERT_EQ(SIM_OK, sim_read_pasid(self->dev, 4, addr, copy, 4, SIM_DMA_ATS));
	EXPECT_EQ(SIM_UR, sim_write_pasid(self->dev, 4, addr, copy, 4, SIM_DMA_ATS));
	EXPECT_EQ(7, sim_device_counter(self->dev, "translations"));
	/* Some may be used only by untranslated requests. */
	addr = TOY_MAPPED | TOY_UNTRANSLATED | self->phys;
	ASSERT_EQ(SIM_OK, sim_read_pasid(self->dev, 4, addr, copy, 4, SIM_DMA_ATS));
}

static bool is_cached(FIXTURE_DATA(toy) *self, uint32_t pasid, uint64_t addr)
{
	uint64_t before = sim_device_counter(self->dev, "translations");
	int word;

	sim_read_pasid(self->dev, pasid, addr, &word, 4, SIM_DMA_ATS);
	return sim_device_counter(self->dev, "translations") == before;
}

/* Pages of PASIDs 1 and 2 and of none, and a global one. */
static void fill_cache(struct __test_metadata *_metadata, FIXTURE_DATA(toy) *self)
{
	uint64_t addr = TOY_MAPPED | self->phys;

	invalidate(_metadata, self, SIM_NO_PASID, 0, ~0ULL, false);
	invalidate(_metadata, self, 1, 0, ~0ULL, true);
	for (int i = 0; i < 4; i++) {
		is_cached(self, 1, addr + i * SZ_4K);
		is_cached(self, 2, addr + i * SZ_4K);
		is_cached(self, SIM_NO_PASID, addr + i * SZ_4K);
	}
	is_cached(self, 1, addr | TOY_GLOBAL);
	ASSERT_TRUE(is_cached(self, 1, addr) && is_cached(self, SIM_NO_PASID, addr));
	/* A global one is everybody's who has a PASID. */
	ASSERT_TRUE(is_cached(self, 2, addr | TOY_GLOBAL));
	ASSERT_FALSE(is_cached(self, SIM_NO_PASID, addr | TOY_GLOBAL));
}

TEST_F(toy, invalidation)
{
	uint64_t addr = TOY_MAPPED | self->phys;

	/* One page of one PASID. */
	fill_cache(_metadata, self);
	invalidate(_metadata, self, 1, addr + SZ_4K, SZ_4K, false);
	EXPECT_FALSE(is_cached(self, 1, addr + SZ_4K));
	EXPECT_TRUE(is_cached(self, 1, addr));
	EXPECT_TRUE(is_cached(self, 1, addr + 2 * SZ_4K));
	EXPECT_TRUE(is_cached(self, 2, addr + SZ_4K));
	EXPECT_TRUE(is_cached(self, SIM_NO_PASID, addr + SZ_4K));

	/* A range; its address is rounded down to its length. */
	fill_cache(_metadata, self);
	invalidate(_metadata, self, 1, addr + SZ_4K, 2 * SZ_4K, false);
	EXPECT_FALSE(is_cached(self, 1, addr));
	EXPECT_FALSE(is_cached(self, 1, addr + SZ_4K));
	EXPECT_TRUE(is_cached(self, 1, addr + 2 * SZ_4K));

	/* Without a PASID: what has none. */
	fill_cache(_metadata, self);
	invalidate(_metadata, self, SIM_NO_PASID, 0, ~0ULL, false);
	EXPECT_FALSE(is_cached(self, SIM_NO_PASID, addr));
	EXPECT_TRUE(is_cached(self, 1, addr));
	EXPECT_TRUE(is_cached(self, 1, addr | TOY_GLOBAL));

	/* With one, all of it: not what is global, nor others. */
	fill_cache(_metadata, self);
	invalidate(_metadata, self, 1, 0, ~0ULL, false);
	EXPECT_FALSE(is_cached(self, 1, addr));
	EXPECT_TRUE(is_cached(self, 1, addr | TOY_GLOBAL));
	EXPECT_TRUE(is_cached(self, 2, addr));
	EXPECT_TRUE(is_cached(self, SIM_NO_PASID, addr));

	/* Global: every PASID. */
	fill_cache(_metadata, self);
	invalidate(_metadata, self, 1, 0, ~0ULL, true);
	EXPECT_FALSE(is_cached(self, 1, addr | TOY_GLOBAL));
	EXPECT_FALSE(is_cached(self, 1, addr));
	EXPECT_FALSE(is_cached(self, 2, addr));
	EXPECT_TRUE(is_cached(self, SIM_NO_PASID, addr));

	/* Part of a big range takes all of it. */
	is_cached(self, 1, addr | TOY_HUGE);
	EXPECT_TRUE(is_cached(self, 1, addr | TOY_HUGE));
	invalidate(_metadata, self, 1, addr | TOY_HUGE, SZ_4K, false);
	EXPECT_FALSE(is_cached(self, 1, addr | TOY_HUGE));
	EXPECT_EQ(0, sim_counter(0, "unanswered"));
}

/* Who does not answer. */
TEST_F(toy, invalidation_unanswered)
{
	struct toy_command cmd = {
		.op = TOY_INVALIDATE,
		.pasid = SIM_NO_PASID,
		.length = SZ_4K,
		.rid = self->clerk & 0xffff,
	};

	sim_reset_counters(0);
	/* Without ATS; what is not there; what has died. */
	command(_metadata, self, cmd);
	EXPECT_EQ(1, sim_counter(0, "unanswered"));
	cmd.rid = 0xff00;
	command(_metadata, self, cmd);
	EXPECT_EQ(2, sim_counter(0, "unanswered"));
	cmd.rid = self->dev & 0xffff;
	command(_metadata, self, cmd);
	EXPECT_EQ(2, sim_counter(0, "unanswered"));
	EXPECT_EQ(0, sim_kill(self->dev));
	command(_metadata, self, cmd);
	EXPECT_EQ(3, sim_counter(0, "unanswered"));
	EXPECT_EQ(4, sim_counter(0, "invalidations"));
}

/* Entries do not outlive ATS, or a reset. */
TEST_F(toy, cache_ends)
{
	uint64_t addr = TOY_MAPPED | self->phys;

	is_cached(self, SIM_NO_PASID, addr);
	EXPECT_TRUE(is_cached(self, SIM_NO_PASID, addr));
	ASSERT_EQ(0, sim_set_ats(self->dev, false));
	ASSERT_EQ(0, sim_set_ats(self->dev, true));
	EXPECT_FALSE(is_cached(self, SIM_NO_PASID, addr));
	EXPECT_TRUE(is_cached(self, SIM_NO_PASID, addr));
	ASSERT_EQ(0, sim_flr(self->dev));
	ASSERT_EQ(0, sim_set_master(self->dev, true));
	ASSERT_EQ(0, sim_set_ats(self->dev, true));
	EXPECT_FALSE(is_cached(self, SIM_NO_PASID, addr));
}

TEST_F(toy, stalls)
{
	uint64_t addr = TOY_MAPPED | TOY_STALL | self->phys;
	struct sim_dma dma = {
		.bdf = self->dev,
		.pasid = SIM_NO_PASID,
		.flags = SIM_DMA_WRITE,
		.addr = addr | TOY_SILENT,
		.len = 4,
		.buf = (uintptr_t)"abc",
		.timeout_ms = 100,
	};
	uint64_t begin;

	EXPECT_EQ(SIM_OK, sim_write(self->dev, addr, "xyz", 4));
	EXPECT_STREQ("xyz", self->mem);
	EXPECT_EQ(SIM_UR, sim_write(self->dev, addr | TOY_DENIED, "abc", 4));
	begin = now_ns();
	EXPECT_EQ(SIM_TIMEOUT, sim_dma(&dma));
	/* By the kernel's ticks, which may come late and many at once. */
	EXPECT_LE(50, (now_ns() - begin) / 1000000);
	EXPECT_STREQ("xyz", self->mem);
}

/* Until a request waits in the IOMMU. */
static void await_stall(void)
{
	while (!sim_counter(0, "stalls"))
		usleep(1000);
}

static void release(struct __test_metadata *_metadata, FIXTURE_DATA(toy) *self)
{
	command(_metadata, self, (struct toy_command){ .op = TOY_RELEASE });
}

/* A reset while a write waits in the IOMMU: it is not written any more. */
static void *write_slowly(void *arg)
{
	FIXTURE_DATA(toy) *self = arg;

	return (void *)(long)sim_write(self->dev, TOY_MAPPED | TOY_STALL | TOY_HELD | self->phys,
				       "bad", 4);
}

TEST_F(toy, reset_in_a_stall)
{
	pthread_t thread;
	void *status;

	ASSERT_EQ(0, pthread_create(&thread, NULL, write_slowly, self));
	await_stall();
	ASSERT_EQ(0, sim_flr(self->dev));
	ASSERT_EQ(0, sim_set_master(self->dev, true));
	release(_metadata, self);
	ASSERT_EQ(0, pthread_join(thread, &status));
	EXPECT_EQ(SIM_NO_MASTER, (long)status);
	EXPECT_STREQ("", self->mem);
	/* A read is a transaction that is pending. */
	EXPECT_EQ(0, sim_config(self->dev, sim_cap(self->dev, CAP_EXP) + 10, 2) & 0x20);
}

static void *read_slowly(void *arg)
{
	FIXTURE_DATA(toy) *self = arg;
	int word;

	return (void *)(long)sim_read(self->dev, TOY_MAPPED | TOY_STALL | TOY_HELD | self->phys,
				      &word, 4);
}

TEST_F(toy, transactions_pending)
{
	unsigned int status = sim_cap(self->dev, CAP_EXP) + 10;
	pthread_t thread;
	void *rc;

	ASSERT_EQ(0, pthread_create(&thread, NULL, read_slowly, self));
	await_stall();
	EXPECT_EQ(0x20, sim_config(self->dev, status, 2) & 0x20);
	release(_metadata, self);
	ASSERT_EQ(0, pthread_join(thread, &rc));
	EXPECT_EQ(SIM_OK, (long)rc);
	EXPECT_EQ(0, sim_config(self->dev, status, 2) & 0x20);
}

TEST_F(toy, page_requests)
{
	uint64_t addr = TOY_MAPPED | TOY_PAGED | self->phys;
	int word;

	/* DMA that asks for what is not there, and does not have to ask again. */
	EXPECT_EQ(SIM_UR, sim_write_pasid(self->dev, 3, addr, "abc", 4, SIM_DMA_ATS));
	EXPECT_EQ(SIM_OK, sim_write_pasid(self->dev, 3, addr, "abc", 4, SIM_DMA_ATS | SIM_DMA_PRI));
	EXPECT_STREQ("abc", self->mem);
	EXPECT_EQ(1, sim_device_counter(self->dev, "page_requests"));
	EXPECT_EQ(SIM_OK, sim_read_pasid(self->dev, 3, addr, &word, 4, SIM_DMA_ATS | SIM_DMA_PRI));
	EXPECT_EQ(1, sim_device_counter(self->dev, "page_requests"));
	EXPECT_EQ(1, sim_device_counter(self->dev, "page_responses"));
	addr += SZ_4K;
	EXPECT_EQ(SIM_DENIED, sim_read_pasid(self->dev, 3, addr | TOY_DENIED, &word, 4,
					     SIM_DMA_ATS | SIM_DMA_PRI));
	/* Messages by hand. */
	EXPECT_EQ(SIM_OK, sim_page_request(self->dev, 3, addr, 7, SIM_PR_READ, 0));
	EXPECT_EQ(SIM_OK, sim_page_request(self->dev, 3, addr, 7, SIM_PR_READ | SIM_PR_LAST, 5000));
	EXPECT_EQ(SIM_DENIED, sim_page_request(self->dev, 3, addr | TOY_DENIED, 7,
					       SIM_PR_READ | SIM_PR_LAST, 5000));
	EXPECT_EQ(-EINVAL, sim_page_request(self->dev, 3, addr, 512, SIM_PR_READ, 0));
	EXPECT_EQ(-EINVAL, sim_page_request(self->dev, 3, addr + 4, 1, SIM_PR_READ, 0));
	EXPECT_EQ(SIM_NO_MASTER, sim_page_request(self->clerk, SIM_NO_PASID, addr, 1,
						  SIM_PR_READ, 0));
	/* They are no memory requests. */
	ASSERT_EQ(0, sim_set_master(self->dev, false));
	EXPECT_EQ(SIM_OK, sim_page_request(self->dev, 3, addr, 7, SIM_PR_READ | SIM_PR_LAST, 5000));
	EXPECT_EQ(0, sim_device_counter(self->dev, "bad.page_response"));
}

/* No more than software allows are on their way. */
TEST_F(toy, credit)
{
	uint64_t addr = TOY_MAPPED | TOY_PAGED | TOY_SILENT | self->phys;
	struct toy_command respond = {
		.op = TOY_RESPOND,
		.rid = self->dev & 0xffff,
		.pasid = 3,
		.code = SIM_OK,
	};
	unsigned int pri = sim_ext_cap(self->dev, EXT_PRI);
	int word;

	for (unsigned int group = 0; group < 4; group++)
		EXPECT_EQ(SIM_OK, sim_page_request(self->dev, 3, addr, group,
						   SIM_PR_READ | SIM_PR_LAST, 0));
	EXPECT_EQ(SIM_NO_MASTER, sim_page_request(self->dev, 3, addr, 4, SIM_PR_READ, 0));
	respond.group = 2;
	command(_metadata, self, respond);
	EXPECT_EQ(SIM_OK, sim_page_request(self->dev, 3, addr, 4, SIM_PR_READ, 0));
	EXPECT_EQ(SIM_NO_MASTER, sim_page_request(self->dev, 3, addr, 5, SIM_PR_READ, 0));
	/* A group that was closed waits for its answer. */
	respond.group = 0;
	command(_metadata, self, respond);
	EXPECT_EQ(SIM_NO_MASTER, sim_page_request(self->dev, 3, addr, 1, SIM_PR_READ, 0));
	/* A device off: stopped once the last answer came. */
	ASSERT_EQ(0, sim_set_config(self->dev, pri + 4, 2, 0));
	EXPECT_EQ(0, sim_config(self->dev, pri + 6, 2) & 0x100);
	EXPECT_EQ(SIM_NO_MASTER, sim_page_request(self->dev, 3, addr, 6, SIM_PR_READ, 0));
	respond.group = 1;
	command(_metadata, self, respond);
	respond.group = 3;
	command(_metadata, self, respond);
	EXPECT_EQ(0, sim_config(self->dev, pri + 6, 2) & 0x100);
	/* Group 4 was never closed: only a reset ends it. */
	ASSERT_EQ(0, sim_set_config(self->dev, pri + 4, 2, 2));
	EXPECT_EQ(0x100, sim_config(self->dev, pri + 6, 2) & 0x103);
	ASSERT_EQ(0, sim_set_pri(self->dev, 1));
	/* Long enough that it is not over before it begins. */
	EXPECT_EQ(SIM_TIMEOUT, sim_page_request(self->dev, 3, addr, 6, SIM_PR_LAST, 500));
	EXPECT_EQ(0, sim_flr(self->dev));
	EXPECT_EQ(0, sim_device_counter(self->dev, "bad.page_response"));
	EXPECT_EQ(SIM_NO_MASTER, sim_read(self->dev, addr, &word, 4));
}

TEST_F(toy, bad_responses)
{
	uint64_t addr = TOY_MAPPED | TOY_PAGED | TOY_SILENT | self->phys;
	struct toy_command respond = {
		.op = TOY_RESPOND,
		.rid = self->dev & 0xffff,
		.pasid = 3,
		.group = 9,
		.code = SIM_OK,
	};
	unsigned int status = sim_ext_cap(self->dev, EXT_PRI) + 6;

	/* Not asked for. */
	command(_metadata, self, respond);
	EXPECT_EQ(1, sim_device_counter(self->dev, "bad.page_response"));
	EXPECT_EQ(2, sim_config(self->dev, status, 2) & 3);
	ASSERT_EQ(0, sim_set_config(self->dev, status, 2, 3));
	EXPECT_EQ(0, sim_config(self->dev, status, 2) & 3);
	/* The last one was not sent yet. */
	EXPECT_EQ(SIM_OK, sim_page_request(self->dev, 3, addr, 9, SIM_PR_READ, 0));
	command(_metadata, self, respond);
	EXPECT_EQ(2, sim_device_counter(self->dev, "bad.page_response"));
	EXPECT_EQ(SIM_OK, sim_page_request(self->dev, 3, addr, 9, SIM_PR_READ | SIM_PR_LAST, 0));
	/* This function wants the PASID. */
	respond.pasid = SIM_NO_PASID;
	command(_metadata, self, respond);
	EXPECT_EQ(1, sim_device_counter(self->dev, "bad.page_response_pasid"));
	respond.pasid = 4;
	command(_metadata, self, respond);
	EXPECT_EQ(2, sim_device_counter(self->dev, "bad.page_response_pasid"));
	respond.pasid = 3;
	command(_metadata, self, respond);
	EXPECT_EQ(2, sim_device_counter(self->dev, "bad.page_response"));
	EXPECT_EQ(5, sim_device_counter(self->dev, "page_responses"));
}

/* Response Failure ends page requests until they are switched on anew. */
TEST_F(toy, response_failure)
{
	uint64_t addr = TOY_MAPPED | TOY_PAGED | self->phys;
	unsigned int pri = sim_ext_cap(self->dev, EXT_PRI);
	int word;

	EXPECT_EQ(SIM_FAILURE, sim_read_pasid(self->dev, 3, addr | TOY_FAILURE, &word, 4,
					      SIM_DMA_ATS | SIM_DMA_PRI));
	EXPECT_EQ(1, sim_config(self->dev, pri + 6, 2) & 3);
	EXPECT_EQ(SIM_NO_MASTER, sim_read_pasid(self->dev, 3, addr, &word, 4,
						SIM_DMA_ATS | SIM_DMA_PRI));
	ASSERT_EQ(0, sim_set_pri(self->dev, 4));
	EXPECT_EQ(0, sim_config(self->dev, pri + 6, 2) & 3);
	EXPECT_EQ(SIM_OK, sim_read_pasid(self->dev, 3, addr, &word, 4, SIM_DMA_ATS | SIM_DMA_PRI));
}

/* A device that wants no PASID in responses. */
TEST_F(toy, responses_without_pasid)
{
	int dev = sim_add_endpoint(2, SIM_ALL_CAPS & ~SIM_CAP_PRG_PASID);
	uint64_t addr = TOY_MAPPED | TOY_PAGED | TOY_SILENT | self->phys;
	struct toy_command respond = {
		.op = TOY_RESPOND,
		.rid = dev & 0xffff,
		.pasid = 3,
		.group = 1,
		.code = SIM_OK,
	};

	ASSERT_LE(0, dev);
	EXPECT_EQ(0, sim_config(dev, sim_ext_cap(dev, EXT_PRI) + 6, 2) & 0x8000);
	EXPECT_EQ(0x8000, sim_config(self->dev, sim_ext_cap(self->dev, EXT_PRI) + 6, 2) & 0x8000);
	ASSERT_EQ(0, sim_set_pasid(dev, true));
	ASSERT_EQ(0, sim_set_pri(dev, 1));
	EXPECT_EQ(SIM_OK, sim_page_request(dev, 3, addr, 1, SIM_PR_READ | SIM_PR_LAST, 0));
	command(_metadata, self, respond);
	EXPECT_EQ(1, sim_device_counter(dev, "bad.page_response_pasid"));
	EXPECT_EQ(SIM_NO_MASTER, sim_page_request(dev, 3, addr, 1, SIM_PR_READ | SIM_PR_LAST, 0));
	respond.pasid = SIM_NO_PASID;
	command(_metadata, self, respond);
	EXPECT_EQ(SIM_OK, sim_page_request(dev, 3, addr, 1, SIM_PR_READ | SIM_PR_LAST, 0));
}

/* The page requests of VFs go by their physical function's controls. */
TEST_F(toy, page_requests_of_vfs)
{
	int pf = sim_add_endpoint(2, SIM_ALL_CAPS | SIM_CAP_SRIOV), vf = sim_vf(pf, 0);
	uint64_t addr = TOY_MAPPED | TOY_PAGED | self->phys;

	ASSERT_LE(0, pf);
	ASSERT_EQ(0, sim_set_pasid(pf, true));
	ASSERT_EQ(0, sim_set_vfs(pf, 2));
	EXPECT_EQ(SIM_NO_MASTER, sim_page_request(vf, 1, addr, 0, SIM_PR_LAST, 1000));
	ASSERT_EQ(0, sim_set_pri(pf, 2));
	/* One index each. */
	EXPECT_EQ(SIM_OK, sim_page_request(vf, 1, addr | TOY_SILENT, 0, SIM_PR_LAST, 0));
	EXPECT_EQ(SIM_OK, sim_page_request(vf + 1, 1, addr, 0, SIM_PR_LAST, 20000));
	EXPECT_EQ(SIM_OK, sim_page_request(vf + 1, 1, addr | TOY_SILENT, 0, SIM_PR_LAST, 0));
	EXPECT_EQ(SIM_NO_MASTER, sim_page_request(pf, 1, addr, 0, SIM_PR_LAST, 1000));
	/* What a VF asked for goes with it. */
	ASSERT_EQ(0, sim_flr(vf));
	EXPECT_EQ(SIM_OK, sim_page_request(pf, 1, addr, 0, SIM_PR_LAST, 20000));
	ASSERT_EQ(0, sim_set_vfs(pf, 0));
}

/* --- all at once --------------------------------------------------------------- */

struct crowd {
	int dev;
	uint64_t phys;
	uint32_t flags;
	volatile bool *stop;
	volatile unsigned long moved, other;
};

static void *keep_writing(void *arg)
{
	struct crowd *c = arg;
	char byte[64];
	int status;

	memset(byte, 0xff, sizeof(byte));
	while (!*c->stop) {
		status = sim_write_pasid(c->dev, SIM_NO_PASID, c->phys, byte, 64, c->flags);
		if (status == SIM_OK)
			c->moved++;
		else
			c->other++;
	}
	return NULL;
}

#define CROWD 6

/* Has every one of them moved something, and been refused? On a busy machine that takes time. */
static bool all_did_both(const struct crowd *crowd)
{
	for (int i = 0; i < CROWD; i++)
		if (!crowd[i].moved || !crowd[i].other)
			return false;
	return true;
}

static void start_crowd(struct __test_metadata *_metadata, struct crowd *crowd,
			pthread_t *threads, volatile bool *stop, const int *devs, int num,
			uint64_t addr, size_t stride, uint32_t flags)
{
	for (int i = 0; i < CROWD; i++) {
		crowd[i] = (struct crowd){
			.dev = devs[i % num],
			.phys = addr + i * stride,
			.flags = flags,
			.stop = stop,
		};
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, keep_writing, &crowd[i]));
	}
}

static void stop_crowd(pthread_t *threads, volatile bool *stop)
{
	*stop = true;
	for (int i = 0; i < CROWD; i++)
		pthread_join(threads[i], NULL);
}

/* An IOMMU that comes and goes under DMA. */
TEST_F_TIMEOUT(one, iommu_comes_and_goes, 120)
{
	volatile bool stop = false;
	struct crowd crowd[CROWD];
	pthread_t threads[CROWD];

	/* Mapped or not mapped: with and without the toy these are other addresses. */
	ASSERT_EQ(0, sim_set_ats(self->dev, true));
	start_crowd(_metadata, crowd, threads, &stop, &self->dev, 1, TOY_MAPPED | self->phys,
		    SZ_4K, SIM_DMA_ATS);
	for (int i = 0; i < 8 || (i < 200 && !all_did_both(crowd)); i++) {
		EXPECT_EQ(0, sh("modprobe sim_toy"));
		usleep(20000);
		EXPECT_EQ(0, sh("rmmod sim_toy"));
	}
	stop_crowd(threads, &stop);
	for (int i = 0; i < CROWD; i++) {
		EXPECT_NE(0, crowd[i].moved) TH_LOG("thread %d", i);
		EXPECT_NE(0, crowd[i].other) TH_LOG("thread %d", i);
	}
}

/*
 * Once an invalidation is answered nothing uses what was translated before: pages are
 * exchanged under DMA, and the old one stays as it is.
 */
TEST_F_TIMEOUT(toy, invalidation_under_load, 120)
{
	volatile bool stop = false;
	struct crowd crowd[CROWD];
	pthread_t threads[CROWD];
	int late = 0;

	start_crowd(_metadata, crowd, threads, &stop, &self->dev, 1,
		    TOY_MAPPED | TOY_SWAPPED | self->phys, 0, SIM_DMA_ATS);
	for (int i = 1; i <= 1000; i++) {
		volatile char *old = self->mem + (i & 1 ? 0 : SZ_4K);

		command(_metadata, self, (struct toy_command){
			.op = TOY_SWAP,
			.rid = self->dev & 0xffff,
			.pasid = SIM_NO_PASID,
			.length = ~0ULL,
		});
		*old = 0;
		usleep(i % 8 * 50);
		late += *old != 0;
	}
	stop_crowd(threads, &stop);
	EXPECT_EQ(0, late);
	for (int i = 0; i < CROWD; i++) {
		EXPECT_NE(0, crowd[i].moved);
		EXPECT_EQ(0, crowd[i].other);
	}
}

/* Devices pulled out and plugged in, reset and rescanned, under DMA. */
TEST_F_TIMEOUT(toy, hotplug_under_load, 180)
{
	int devs[] = { self->dev, self->clerk }, port = SIM_SEGMENT << 16, dev;
	volatile bool stop = false;
	struct crowd crowd[CROWD];
	pthread_t threads[CROWD];

	start_crowd(_metadata, crowd, threads, &stop, devs, 2, TOY_MAPPED | self->phys, SZ_4K,
		    0);
	for (int i = 0; i < 20 || (i < 500 && !(crowd[0].moved && crowd[0].other)); i++) {
		EXPECT_EQ(0, i & 1 ? sim_remove(self->dev) : sim_pull_out(self->dev));
		dev = sim_add(SIM_ENDPOINT, port, 0, SIM_ALL_CAPS);
		ASSERT_EQ(self->dev, dev);
		ASSERT_EQ(0, sim_set_master(dev, true));
		usleep(5000);
		ASSERT_EQ(0, sim_flr(dev));
		ASSERT_EQ(0, sim_set_master(dev, true));
	}
	stop_crowd(threads, &stop);
	EXPECT_NE(0, crowd[0].moved);
	EXPECT_NE(0, crowd[0].other);
	EXPECT_EQ(0, crowd[1].other) TH_LOG("a device nobody touched was refused");
}

/* --- going ----------------------------------------------------------------------- */

static void *keep_reading(void *arg)
{
	volatile bool *stop = arg;
	char name[PCI_NAME_LEN];

	while (!*stop)
		for (int i = 0; pci_nth(i, name) && !*stop; i++)
			sim_config(pci_bdf(name), VENDOR, 4);
	return NULL;
}

static void *keep_rescanning(void *arg)
{
	volatile bool *stop = arg;

	while (!*stop)
		pci_rescan();
	return NULL;
}

static void populate(struct __test_metadata *_metadata)
{
	int up, bridge, pf;

	up = sim_add(SIM_UPSTREAM, sim_add(SIM_ROOT_PORT, SIM_ROOT, 0, SIM_CAP_ACS), 0, 0);
	for (int slot = 0; slot < 3; slot++)
		ASSERT_LE(0, sim_add(SIM_ENDPOINT, sim_add(SIM_DOWNSTREAM, up, slot << 3, 0), 0,
				     SIM_ALL_CAPS));
	bridge = sim_add(SIM_PCI_BRIDGE, sim_add(SIM_ROOT_PORT, SIM_ROOT, 1 << 3, 0), 0, 0);
	for (int slot = 0; slot < 3; slot++)
		ASSERT_LE(0, sim_add(SIM_PCI_DEVICE, bridge, slot << 3, SIM_CAP_FLR));
	pf = sim_add_endpoint(2, SIM_ALL_CAPS | SIM_CAP_SRIOV);
	ASSERT_LE(0, pf);
	ASSERT_EQ(0, sim_set_vfs(pf, 4));
	ASSERT_EQ(0, pci_bind_driver(sim_name(sim_vf(pf, 1)), HOST_DRIVER));
}

/*
 * With everything plugged in and all looking at it. The crowd comes afterwards: where
 * the kernel numbers buses anew at each rescan, what is behind a bridge is out of
 * reach for that moment.
 */
TEST_F_TIMEOUT(plug, unload, 180)
{
	pthread_t readers[2], rescanner;
	volatile bool stop;
	int fd;

	for (int i = 0; i < 4; i++) {
		populate(_metadata);
		EXPECT_LE(16, modelled());
		fd = open(SIM_DEV, O_RDWR);
		ASSERT_LE(0, fd);
		EXPECT_NE(0, sh("rmmod sim_pci 2>/dev/null")) TH_LOG("it is in use");
		close(fd);

		stop = false;
		for (int j = 0; j < 2; j++)
			ASSERT_EQ(0, pthread_create(&readers[j], NULL, keep_reading,
						    (void *)&stop));
		ASSERT_EQ(0, pthread_create(&rescanner, NULL, keep_rescanning, (void *)&stop));
		usleep(100000);
		EXPECT_EQ(0, sh("rmmod sim_pci"));
		stop = true;
		for (int j = 0; j < 2; j++)
			pthread_join(readers[j], NULL);
		pthread_join(rescanner, NULL);
		EXPECT_EQ(0, modelled());
		ASSERT_EQ(0, sh("modprobe sim_pci"));
	}
}

/* Every one of several segments has devices of its own. */
TEST_F(plug, segments)
{
	struct sim_add add = { .type = SIM_ROOT_PORT, .parent = SIM_ROOT_BUS(SIM_SEGMENT + 3) };
	char *mem = mem_alloc(SZ_4K, SZ_4K);
	int port, dev, word;

	EXPECT_EQ(-ENODEV, sim_add_as(&add));
	EXPECT_EQ(0, sh("rmmod sim_pci"));
	EXPECT_NE(0, sh("modprobe sim_pci segments=5 2>/dev/null"));
	ASSERT_EQ(0, sh("modprobe sim_pci segments=4"));
	port = sim_add_as(&add);
	EXPECT_EQ((SIM_SEGMENT + 3) << 16, port);
	dev = sim_add(SIM_ENDPOINT, port, 0, SIM_ALL_CAPS);
	ASSERT_LE(0, dev);
	EXPECT_TRUE(pci_present(sim_name(dev)));
	EXPECT_EQ(0, modelled());
	EXPECT_EQ(dev & 0xffff, sim_add_endpoint(0, 0) & 0xffff);
	ASSERT_EQ(0, sim_set_master(dev, true));
	EXPECT_EQ(SIM_OK, sim_read(dev, mem_phys(mem), &word, 4));
	EXPECT_EQ(0, sh("rmmod sim_pci"));
	EXPECT_FALSE(pci_present(sim_name(dev)));
	ASSERT_EQ(0, sh("modprobe sim_pci"));
	mem_free(mem, SZ_4K);
}

TEST_HARNESS_MAIN
