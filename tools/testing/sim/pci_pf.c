// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host's driver of a physical function, which switches its virtual functions
 * on and off (sriov_numvfs). Functions without SR-IOV stay without a driver.
 */
#include <linux/module.h>
#include <linux/pci.h>

#include "pci.h"

static int sim_pf_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	return pci_find_ext_capability(pdev, PCI_EXT_CAP_ID_SRIOV) ? 0 : -ENODEV;
}

static void sim_pf_remove(struct pci_dev *pdev)
{
	pci_disable_sriov(pdev);
}

static int sim_pf_sriov(struct pci_dev *pdev, int num)
{
	int rc;

	if (!num) {
		if (pci_vfs_assigned(pdev))
			return -EBUSY;
		pci_disable_sriov(pdev);
		return 0;
	}
	rc = pci_enable_sriov(pdev, num);
	return rc ?: num;
}

static const struct pci_device_id sim_pf_ids[] = {
	{ PCI_DEVICE(SIM_VENDOR, SIM_ENDPOINT) },
	{ }
};

static struct pci_driver sim_pf_driver = {
	.name = "sim_pf",
	.id_table = sim_pf_ids,
	.probe = sim_pf_probe,
	.remove = sim_pf_remove,
	.sriov_configure = sim_pf_sriov,
};

int sim_pf_init(void)
{
	return pci_register_driver(&sim_pf_driver);
}

void sim_pf_exit(void)
{
	pci_unregister_driver(&sim_pf_driver);
}
