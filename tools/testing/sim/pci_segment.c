// SPDX-License-Identifier: GPL-2.0-only
/* PCI segments of our own, and how the kernel learns what is plugged in there. */
#define pr_fmt(fmt) "sim_pci: " fmt

#include <linux/delay.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include "compat.h"
#include "pci.h"

static struct sim_segment *segments[SIM_MAX_SEGMENTS];

struct sim_segment *sim_segment(unsigned int number)
{
	if (number < SIM_SEGMENT || number >= SIM_SEGMENT + SIM_MAX_SEGMENTS)
		return NULL;
	return segments[number - SIM_SEGMENT];
}

struct sim_segment *sim_segment_of_bus(struct pci_bus *bus)
{
	return container_of(bus->sysdata, struct sim_segment, sysdata);
}

static void segment_released(struct pci_host_bridge *bridge)
{
	struct sim_segment *segment = bridge->release_data;

	complete(&segment->released);
}

/* What the kernel must know before it looks at the bus. */
static void segment_prepare(struct sim_segment *segment, struct pci_host_bridge *bridge)
{
#ifdef CONFIG_X86
	segment->sysdata.domain = segment->number;
	segment->sysdata.node = NUMA_NO_NODE;
#endif
	bridge->sysdata = &segment->sysdata;
	bridge->domain_nr = segment->number;
	bridge->busnr = 0;
	bridge->ops = &sim_config_ops;
	/* No port has an interrupt: its services are firmware's, which is us. */
	bridge->native_aer = 0;
	bridge->native_pcie_hotplug = 0;
	bridge->native_shpc_hotplug = 0;
	bridge->native_pme = 0;
	bridge->native_ltr = 0;
	bridge->native_dpc = 0;
	bridge->release_fn = segment_released;
	bridge->release_data = segment;
}

static struct sim_segment *segment_create(u16 number)
{
	struct sim_segment *segment = kzalloc(sizeof(*segment), GFP_KERNEL);
	struct pci_host_bridge *bridge = pci_alloc_host_bridge(0);
	int rc = -ENOMEM;

	if (!segment || !bridge)
		goto err;
	segment->number = number;
	segment->buses.name = "PCI bus numbers";
	segment->buses.flags = IORESOURCE_BUS;
	segment->buses.end = 255;
	INIT_LIST_HEAD(&segment->functions);
	init_completion(&segment->released);
	rc = sim_reserve_segment(number);
	if (rc)
		goto err;
	segment_prepare(segment, bridge);
	pci_add_resource(&bridge->windows, &segment->buses);

	pci_lock_rescan_remove();
	rc = pci_scan_root_bus_bridge(bridge);
	if (!rc) {
		segment->bridge = bridge;
		segment->bus = bridge->bus;
		pci_bus_add_devices(segment->bus);
	}
	pci_unlock_rescan_remove();
	if (rc)
		goto err;
	return segment;

err:
	if (bridge) {
		bridge->release_fn = NULL;
		pci_free_host_bridge(bridge);
	}
	kfree(segment);
	return ERR_PTR(rc);
}

/*
 * Whoever still holds a device, or a bus, may ask for its configuration space:
 * wait until nobody does.
 */
static void segment_destroy(struct sim_segment *segment)
{
	pci_lock_rescan_remove();
	pci_stop_root_bus(segment->bus);
	pci_remove_root_bus(segment->bus);
	pci_unlock_rescan_remove();
	pci_free_host_bridge(segment->bridge);
	while (!wait_for_completion_timeout(&segment->released, 10 * HZ))
		pr_warn("a device of segment %04x is still held by someone: waiting for its end\n",
			segment->number);

	pci_lock_rescan_remove();
	sim_functions_free(segment);
	pci_unlock_rescan_remove();
	kfree(segment);
}

int sim_segments_create(unsigned int num)
{
	struct sim_segment *segment;
	unsigned int i;

	for (i = 0; i < num; i++) {
		segment = segment_create(SIM_SEGMENT + i);
		if (IS_ERR(segment)) {
			sim_segments_destroy();
			return PTR_ERR(segment);
		}
		segments[i] = segment;
	}
	return 0;
}

void sim_segments_destroy(void)
{
	unsigned int i;

	for (i = 0; i < SIM_MAX_SEGMENTS; i++) {
		if (segments[i])
			segment_destroy(segments[i]);
		segments[i] = NULL;
	}
}

/* --- what the kernel is told, under its rescan lock ---------------------- */

static struct pci_dev *to_pci_dev_of(struct sim_function *fn)
{
	return pci_get_domain_bus_and_slot(fn->segment->number, fn->rid >> 8, fn->rid & 0xff);
}

static struct pci_bus *to_bus_of(struct sim_function *fn)
{
	return pci_find_bus(fn->segment->number, fn->rid >> 8);
}

/* Bridges of @bus that have no bus behind them yet get it, and the power to forward. */
static void add_bridges(struct pci_bus *bus)
{
	struct pci_dev *pdev;
	int max = bus->busn_res.start;

	for_each_pci_bridge(pdev, bus) {
		if (pdev->subordinate)
			continue;
		max = pci_scan_bridge(bus, pdev, max, 0);
		if (!pdev->subordinate)
			pci_scan_bridge(bus, pdev, max, 1);
	}
}

static void enable_bridges(struct pci_bus *bus)
{
	struct pci_dev *pdev;

	for_each_pci_bridge(pdev, bus)
		if (!pdev->is_busmaster)
			pci_set_master(pdev);
}

/*
 * Have the kernel enumerate the slot of @fn, which it does when function 0 is
 * there; 0, or -EIO when it did and does not see @fn.
 */
int sim_enumerate(struct sim_function *fn)
{
	u8 devfn = fn->rid & 0xff;
	struct pci_dev *pdev;
	struct pci_bus *bus;

	bus = to_bus_of(fn);
	if (!bus)
		return -EIO;
	pci_scan_slot(bus, PCI_DEVFN(PCI_SLOT(devfn), 0));
	add_bridges(bus);
	sim_add_properties(bus);
	pci_bus_add_devices(bus);
	enable_bridges(bus);

	pdev = to_pci_dev_of(fn);
	pci_dev_put(pdev);
	if (!pdev && !PCI_FUNC(devfn))
		return -EIO;
	return 0;
}

static int set_disconnected(struct pci_dev *pdev, void *unused)
{
	pdev->error_state = pci_channel_io_perm_failure;
	return 0;
}

/* The kernel takes @fn out, with all behind it. */
void sim_tell_gone(struct sim_function *fn, bool surprise)
{
	struct pci_dev *pdev = to_pci_dev_of(fn);

	if (!pdev)
		return;
	if (surprise) {
		/* As a hotplug driver does when a card is not there any more. */
		set_disconnected(pdev, NULL);
		if (pdev->subordinate)
			pci_walk_bus(pdev->subordinate, set_disconnected, NULL);
	}
	pci_stop_and_remove_bus_device(pdev);
	pci_dev_put(pdev);
}
