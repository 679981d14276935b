/* SPDX-License-Identifier: GPL-2.0-only */
/* How kernels differ, for the hardware models. */
#ifndef SIM_COMPAT_H
#define SIM_COMPAT_H

#include <linux/device.h>
#include <linux/version.h>

/* Before a driver sees @dev. */
static inline void sim_set_dma_coherent(struct device *dev, bool coherent)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 1, 0)
	dev_assign_dma_coherent(dev, coherent);
#else
	dev->dma_coherent = coherent;
#endif
}

#endif
