// SPDX-License-Identifier: GPL-2.0-only
/*
 * A PCI segment that exists in software only, with devices that do DMA: for tests
 * of IOMMU drivers. See README.md.
 */
#define pr_fmt(fmt) "sim_pci: " fmt

#include <linux/module.h>

#include "pci.h"

static unsigned int num_segments = 1;
module_param_named(segments, num_segments, uint, 0444);
MODULE_PARM_DESC(segments, "PCI segments, from 0x100 on (1 to 4, default 1)");

static int __init sim_pci_init(void)
{
	int rc;

	if (!num_segments || num_segments > SIM_MAX_SEGMENTS)
		return -EINVAL;
	rc = sim_memory_init();
	if (rc)
		return rc;
	rc = sim_segments_create(num_segments);
	if (rc)
		goto err_memory;
	rc = sim_pf_init();
	if (rc)
		goto err_segments;
	rc = sim_control_init();
	if (rc)
		goto err_pf;
	return 0;

err_pf:
	sim_pf_exit();
err_segments:
	sim_segments_destroy();
err_memory:
	sim_memory_exit();
	return rc;
}

static void __exit sim_pci_exit(void)
{
	sim_control_exit();
	sim_segments_destroy();
	sim_pf_exit();
	sim_memory_exit();
	/* Functions are freed when a grace period is over; their code is the kernel's. */
}

module_init(sim_pci_init);
module_exit(sim_pci_exit);
MODULE_DESCRIPTION("PCI segments in software, for tests of IOMMU drivers");
MODULE_LICENSE("GPL");
