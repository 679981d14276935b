// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is known of a function besides what its configuration space says: here, as
 * properties of the device. Firmware's are there before anybody hears of the device. These
 * come as those of the kernel's quirks may: once IOMMU drivers have heard of it, and before
 * any driver is tried.
 */
#include <linux/pci.h>
#include <linux/property.h>

#include "pci.h"

static const struct property_entry stall_properties[] = {
	PROPERTY_ENTRY_BOOL("dma-can-stall"),
	{ }
};

static bool can_stall(struct pci_dev *pdev)
{
	struct sim_function *fn;
	bool can;

	rcu_read_lock();
	fn = sim_function_find(sim_segment_of_bus(pdev->bus), pci_dev_id(pdev));
	can = fn && fn->caps & SIM_CAP_STALL;
	rcu_read_unlock();
	return can;
}

/* Those on @bus that are new. */
void sim_add_properties(struct pci_bus *bus)
{
	struct pci_dev *pdev;

	list_for_each_entry(pdev, &bus->devices, bus_list)
		if (can_stall(pdev) &&
		    !device_property_read_bool(&pdev->dev, stall_properties->name) &&
		    device_create_managed_software_node(&pdev->dev, stall_properties, NULL))
			pci_err(pdev, "sim_pci: has no properties\n");
}
