/* SPDX-License-Identifier: GPL-2.0-only */
/* What differs between kernels 6.1 and 7.3, told once, for the hardware models. */
#ifndef SIM_COMPAT_H
#define SIM_COMPAT_H

#include <linux/device.h>
#include <linux/pci.h>
#include <linux/version.h>

#ifdef CONFIG_ARM64
/* 7.1: a function of its own. Before a driver sees @dev. */
static inline void sim_set_dma_coherent(struct device *dev, bool coherent)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 1, 0)
	dev_assign_dma_coherent(dev, coherent);
#else
	dev->dma_coherent = coherent;
#endif
}
#endif

/*
 * 6.19: the kernel keeps account of segments that no firmware describes, and takes
 * the number back when the host bridge is freed. 0, or a negative errno when
 * somebody has it.
 */
static inline int sim_reserve_segment(unsigned int number)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 19, 0)
	return 0;
#else
	int rc = pci_bus_find_emul_domain_nr(number, number, number);

	return rc < 0 ? rc : 0;
#endif
}

#endif
