// SPDX-License-Identifier: GPL-2.0-only
/*
 * sim_topology NAME: plugs devices into the first modelled segment (sim_pci; units:
 * two of them), and prints the address of each. Names are those of the machines of
 * ./run.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

/* Plug in or die. */
static int add_as(struct sim_add *add, const char *what)
{
	int bdf = sim_add_as(add);

	if (bdf < 0) {
		fprintf(stderr, "sim_topology: %s %02x.%x: %s\n", what, add->devfn >> 3,
			add->devfn & 7, strerror(-bdf));
		exit(1);
	}
	printf("%s %s\n", sim_name(bdf), what);
	return bdf;
}

static int endpoint(int parent, unsigned int devfn, uint32_t caps)
{
	struct sim_add add = {
		.type = SIM_ENDPOINT,
		.parent = parent,
		.devfn = devfn,
		.caps = SIM_ALL_CAPS | caps,
		.pasid_bits = 20,
		.ats_depth = 32,
		.pri_outstanding = 32,
		.total_vfs = caps & SIM_CAP_SRIOV ? 7 : 0,
	};

	return add_as(&add, "endpoint");
}

static int bridge(enum sim_type type, int parent, unsigned int devfn, uint32_t caps,
		  uint32_t buses)
{
	static const char *const names[] = {
		[SIM_ROOT_PORT] = "root port",
		[SIM_UPSTREAM] = "upstream port",
		[SIM_DOWNSTREAM] = "downstream port",
		[SIM_PCI_BRIDGE] = "PCIe-to-PCI bridge",
	};
	struct sim_add add = {
		.type = type,
		.parent = parent,
		.devfn = devfn,
		.caps = caps,
		.buses = buses,
	};

	return add_as(&add, names[type]);
}

static int root_port(unsigned int slot, uint32_t caps)
{
	return bridge(SIM_ROOT_PORT, SIM_ROOT, slot << 3, SIM_CAP_ACS | caps, 0);
}

static int pci_device(int parent, unsigned int devfn, uint32_t caps)
{
	struct sim_add add = {
		.type = SIM_PCI_DEVICE,
		.parent = parent,
		.devfn = devfn,
		.caps = caps,
	};

	return add_as(&add, "PCI device");
}

static void basic(void)
{
	for (int slot = 0; slot < 3; slot++)
		endpoint(root_port(slot, 0), 0, 0);
}

/* Two devices behind a switch without ACS, and one beside it. */
static void switch_(void)
{
	int up = bridge(SIM_UPSTREAM, root_port(0, 0), 0, 0, 0);

	for (int slot = 0; slot < 2; slot++)
		endpoint(bridge(SIM_DOWNSTREAM, up, slot << 3, 0, 0), 0, 0);
	endpoint(root_port(1, 0), 0, 0);
}

/* Two conventional devices. */
static void bridge_(void)
{
	int br = bridge(SIM_PCI_BRIDGE, root_port(0, 0), 0, 0, 0);

	pci_device(br, 2 << 3, SIM_CAP_FLR);
	pci_device(br, 1 << 3, SIM_CAP_FLR);
	endpoint(root_port(1, 0), 0, 0);
}

/* Two functions of one, the second is reset with its bus only. */
static void unreset(void)
{
	int br = bridge(SIM_PCI_BRIDGE, root_port(0, 0), 0, 0, 0);

	pci_device(br, 1 << 3 | 1, 0);
	pci_device(br, 1 << 3, SIM_CAP_FLR | SIM_CAP_MULTI);
}

/* Two functions of a device without ACS. */
static void functions(void)
{
	int port = root_port(0, 0);

	endpoint(port, 1, 0);
	endpoint(port, 0, SIM_CAP_MULTI);
	endpoint(root_port(1, 0), 0, 0);
}

static void sriov(void)
{
	endpoint(root_port(0, 0), 0, SIM_CAP_SRIOV);
	endpoint(root_port(1, 0), 0, 0);
}

static void hotplug(void)
{
	endpoint(root_port(0, SIM_CAP_HOTPLUG), 0, 0);
	endpoint(root_port(1, 0), 0, 0);
}

/* One endpoint in the first segment, two in the second. */
static void units(void)
{
	endpoint(root_port(0, 0), 0, 0);
	for (int slot = 0; slot < 2; slot++)
		endpoint(bridge(SIM_ROOT_PORT, SIM_ROOT_BUS(SIM_SEGMENT + 1), slot << 3,
				SIM_CAP_ACS, 0), 0, 0);
}

/* 64 endpoints, each behind a root port that is one of eight functions. */
static void many(void)
{
	for (int slot = 0; slot < 8; slot++)
		for (int fn = 7; fn >= 0; fn--)
			bridge(SIM_ROOT_PORT, SIM_ROOT, slot << 3 | fn,
			       SIM_CAP_ACS | (fn ? 0 : SIM_CAP_MULTI), 1);
	for (int devfn = 0; devfn < 64; devfn++)
		endpoint(SIM_SEGMENT << 16 | devfn, 0, 0);
}

static const struct {
	const char *name;
	void (*build)(void);
} topologies[] = {
	{ "basic", basic },
	{ "switch", switch_ },
	{ "bridge", bridge_ },
	{ "unreset", unreset },
	{ "functions", functions },
	{ "sriov", sriov },
	{ "hotplug", hotplug },
	{ "units", units },
	{ "many", many },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof(topologies) / sizeof(*topologies); i++) {
		if (argc == 2 && !strcmp(argv[1], topologies[i].name)) {
			topologies[i].build();
			return 0;
		}
	}
	fprintf(stderr, "usage: sim_topology basic|switch|bridge|unreset|functions|sriov|hotplug|units|many\n");
	return 2;
}
