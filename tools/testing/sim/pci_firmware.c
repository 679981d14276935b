// SPDX-License-Identifier: GPL-2.0-only
/*
 * What firmware says of a function besides what its configuration space does: here, as
 * properties of the device. They are there before anybody else hears of it.
 */
#include <linux/limits.h>
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

static int bus_event(struct notifier_block *nb, unsigned long event, void *data)
{
	struct pci_dev *pdev = to_pci_dev(data);

	if (event != BUS_NOTIFY_ADD_DEVICE || pdev->bus->ops != &sim_config_ops)
		return NOTIFY_DONE;
	if (can_stall(pdev) &&
	    device_create_managed_software_node(&pdev->dev, stall_properties, NULL))
		pci_err(pdev, "sim_pci: has no properties\n");
	return NOTIFY_OK;
}

/* Before IOMMU drivers look at it. */
static struct notifier_block bus_nb = {
	.notifier_call = bus_event,
	.priority = INT_MAX,
};

int sim_firmware_init(void)
{
	return bus_register_notifier(&pci_bus_type, &bus_nb);
}

void sim_firmware_exit(void)
{
	bus_unregister_notifier(&pci_bus_type, &bus_nb);
}
