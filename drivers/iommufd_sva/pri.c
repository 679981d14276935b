// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page requests of devices: the switches for them (PCIe 10.5.2).
 *
 * A device can ask for so many pages at a time as it has been allotted (10.5.2.6). What
 * all devices behind a unit have been allotted fits its queue, so that it overflows only
 * when one of them breaks the rules. A device has its share for as long as it is adopted.
 *
 * Virtual functions have page requests by their physical function's interface (pf.c):
 * one share, one switch. It is on while one of them uses it.
 *
 * A device whose transactions stall in the unit instead has no switch: that is the
 * backend's.
 *
 * A Response Failure ends the interface (10.5.2.4). We send none, and if one arrives all the
 * same the device asks for nothing more, until it is off and on again, which clears the flags
 * of Status. That it had an answer to what it did not ask for (Unexpected Page Request Group
 * Index), as after a reset that nobody tells us of, changes nothing.
 *
 * The PCI core has the interface on again after a reset by pri_enabled and
 * pri_reqs_alloc of the function: these are set and cleared with it.
 */
#define pr_fmt(fmt) "iommufd_sva: " fmt

#include <linux/iopoll.h>
#include <linux/moduleparam.h>
#include <linux/pci-ats.h>
#include <linux/pci.h>

#include "host.h"

/*
 * How long requests under way may take until they are all answered: they have been
 * refused by then, so it is the time of two messages on their way. A device that was
 * told to send half a group never stops.
 */
#define STOP_TIMEOUT_MS		100
/* A device whose transactions stall can have no more outstanding, whatever the unit can. */
#define STALLS_MAX		1024

static unsigned int page_requests = 32;
module_param(page_requests, uint, 0444);
MODULE_PARM_DESC(page_requests, "Page requests that a device may have outstanding, if it and its IOMMU can (default: 32; 0: devices make none)");

/* Protects page_requests_left of all units. Innermost. */
static DEFINE_SPINLOCK(budget_lock);

static u32 budget_take(struct iommufd_sva_unit *unit, u32 wish)
{
	spin_lock(&budget_lock);
	wish = min(wish, unit->page_requests_left);
	unit->page_requests_left -= wish;
	spin_unlock(&budget_lock);
	return wish;
}

static void budget_give_back(struct iommufd_sva_unit *unit, u32 num)
{
	spin_lock(&budget_lock);
	unit->page_requests_left += num;
	spin_unlock(&budget_lock);
}

/* --- the interface of a physical function -------------------------------- */

/* 10.5.2.5 Outstanding Page Request Capacity */
static u32 capacity(struct pci_dev *pdev)
{
	u32 max;

	if (pci_read_config_dword(pdev, pdev->pri_cap + PCI_PRI_MAX_REQ, &max) ||
	    PCI_POSSIBLE_ERROR(max))
		return 0;
	return max;
}

static u16 read_status(struct pci_dev *pdev)
{
	u16 status = 0;

	pci_read_config_word(pdev, pdev->pri_cap + PCI_PRI_STATUS, &status);
	return status;
}

static u16 read_control(struct pci_dev *pdev)
{
	u16 control = 0;

	pci_read_config_word(pdev, pdev->pri_cap + PCI_PRI_CTRL, &control);
	return control;
}

static void write_control(struct pci_dev *pdev, u16 control)
{
	pci_write_config_word(pdev, pdev->pri_cap + PCI_PRI_CTRL, control);
}

/* Off, has it nothing outstanding (10.5.2.4)? A device that is gone has not. */
static bool wait_stopped(struct pci_dev *pdev)
{
	u16 status;

	/* Looks once more when the time is over: it may be us who were held up. */
	return !read_poll_timeout(read_status, status, status & PCI_PRI_STATUS_STOPPED, 1000,
				  STOP_TIMEOUT_MS * 1000, false, pdev);
}

/*
 * Off, forget what was asked for (10.5.2.3). Switched on with something outstanding it
 * does anything.
 */
static bool reset_interface(struct pci_dev *pdev)
{
	write_control(pdev, PCI_PRI_CTRL_RESET);
	return wait_stopped(pdev);
}

static int switch_on(struct iommufd_sva_pf *pf, struct iommufd_sva_master *master)
{
	struct pci_dev *pdev = pf->pdev;
	bool is_virtual = to_pci_dev(master->dev) != pdev;

	/* A device without a driver is as somebody left it, who is not there any more. */
	if (pdev->pri_enabled || (is_virtual && (read_control(pdev) & PCI_PRI_CTRL_ENABLE))) {
		dev_info_ratelimited(master->dev,
				     "iommufd_sva: cannot make page requests: %s does already, for somebody else; take that from its driver\n",
				     pci_name(pdev));
		return -EBUSY;
	}
	if (!reset_interface(pdev)) {
		dev_info_ratelimited(master->dev,
				     "iommufd_sva: cannot make page requests: those of %s do not stop; reset it\n",
				     pci_name(pdev));
		return -EIO;
	}
	pci_write_config_dword(pdev, pdev->pri_cap + PCI_PRI_ALLOC_REQ, pf->page_requests);
	pdev->pri_reqs_alloc = pf->page_requests;
	pdev->pri_enabled = 1;
	write_control(pdev, PCI_PRI_CTRL_ENABLE);
	return 0;
}

static void switch_off(struct iommufd_sva_pf *pf, struct iommufd_sva_master *master)
{
	const struct iommufd_sva_backend_ops *ops = master->unit->backend->ops;
	struct pci_dev *pdev = pf->pdev;

	pci_disable_pri(pdev);
	/* What is under way is refused, without which it does not stop. */
	ops->pri_drain(master);
	if (!wait_stopped(pdev)) {
		dev_info_ratelimited(master->dev,
				     "iommufd_sva: page requests do not stop: groups of them were not completed\n");
		reset_interface(pdev);
		ops->pri_drain(master);
	}
	if (!iommufd_sva_master_is_gone(master) && (read_status(pdev) & PCI_PRI_STATUS_RF))
		dev_info_ratelimited(master->dev,
				     "iommufd_sva: page requests had ended by a Response Failure; attach again to have them\n");
}

/* Others have it on: have they had a failure (10.5.2.4), which ends it until it is off? */
static int check_goes_on(struct iommufd_sva_pf *pf, struct iommufd_sva_master *master)
{
	if (!(read_status(pf->pdev) & PCI_PRI_STATUS_RF))
		return 0;
	dev_info_ratelimited(master->dev,
			     "iommufd_sva: cannot make page requests: those of %s had ended by a Response Failure; detach what has a fault queue from its other functions\n",
			     pci_name(pf->pdev));
	return -EIO;
}

/* For one more function. */
static int interface_get(struct iommufd_sva_master *master)
{
	struct iommufd_sva_pf *pf = master->pf;
	int rc;

	mutex_lock(&pf->lock);
	rc = pf->pri_on ? check_goes_on(pf, master) : switch_on(pf, master);
	if (!rc)
		pf->pri_on++;
	mutex_unlock(&pf->lock);
	return rc;
}

static void interface_put(struct iommufd_sva_master *master)
{
	struct iommufd_sva_pf *pf = master->pf;

	mutex_lock(&pf->lock);
	if (--pf->pri_on)
		master->unit->backend->ops->pri_drain(master);
	else
		switch_off(pf, master);
	mutex_unlock(&pf->lock);
}

/* --- what a device may have ----------------------------------------------- */

/* Its share, or that of its physical function, of what the unit's queue holds. */
static u32 share_get(struct iommufd_sva_master *master)
{
	struct iommufd_sva_pf *pf = master->pf;
	u32 share;

	mutex_lock(&pf->lock);
	if (!pf->pri_masters)
		pf->page_requests = budget_take(master->unit,
						min(capacity(pf->pdev), page_requests));
	share = pf->page_requests;
	if (share)
		pf->pri_masters++;
	mutex_unlock(&pf->lock);
	if (!share && page_requests)
		dev_info_ratelimited(master->dev,
				     "iommufd_sva: makes no page requests: other devices have what %s can hold; a smaller page_requests= leaves more for it\n",
				     master->unit->name);
	return share;
}

static void share_put(struct iommufd_sva_master *master)
{
	struct iommufd_sva_pf *pf = master->pf;

	mutex_lock(&pf->lock);
	if (!--pf->pri_masters)
		budget_give_back(master->unit, pf->page_requests);
	mutex_unlock(&pf->lock);
}

/**
 * iommufd_sva_pri_find - find out whether a device may make page requests
 * @master: the device; its physical function, PASIDs and ATS are known
 *
 * When it joins, and if it may not, when somebody takes it: others may have given back
 * what they had by then; and that a device may stall is said of some by quirks of the PCI
 * core's that run only after it was told of to everybody (on kernels 6.1 and 6.12, for
 * devices that come later, as virtual functions do).
 *
 * Fills @master->pri.
 */
void iommufd_sva_pri_find(struct iommufd_sva_master *master)
{
	const struct iommufd_sva_backend_ops *ops = master->unit->backend->ops;
	struct iommufd_sva_pri *pri = &master->pri;

	if (pri->supported)
		return;
	pri->response_pasid = master->pf->pdev->pasid_required;
	if (!page_requests || !ops->pri_capable || !ops->pri_capable(master))
		return;
	if (pri->stall)
		pri->credits = min_t(unsigned int, master->unit->stalls, STALLS_MAX);
	else if (master->ats.supported && pci_pri_supported(to_pci_dev(master->dev)))
		pri->credits = share_get(master);
	pri->supported = pri->credits;
}

/**
 * iommufd_sva_pri_release - a device goes that makes no page requests any more
 * @master: the device
 */
void iommufd_sva_pri_release(struct iommufd_sva_master *master)
{
	if (master->pri.supported && !master->pri.stall)
		share_put(master);
	master->pri.supported = false;
}

/* --- on and off ------------------------------------------------------------ */

static int start(struct iommufd_sva_master *master)
{
	const struct iommufd_sva_backend_ops *ops = master->unit->backend->ops;
	int rc;

	if (!master->pri.supported || iommufd_sva_master_is_gone(master) ||
	    (!master->pri.stall && !master->ats.on))
		return -ENODEV;
	rc = ops->pri_set(master, true);
	if (rc)
		return rc;
	if (!master->pri.stall)
		rc = interface_get(master);
	if (rc)
		ops->pri_set(master, false);
	else
		master->pri.on = true;
	return rc;
}

static void stop(struct iommufd_sva_master *master)
{
	const struct iommufd_sva_backend_ops *ops = master->unit->backend->ops;

	if (master->pri.stall)
		ops->pri_drain(master);
	else
		interface_put(master);
	ops->pri_set(master, false);
	master->pri.on = false;
}

/**
 * iommufd_sva_pri_set - switch page requests on or off in a device
 * @master: the device; its lock is held. Its ATS is on, but for one that stalls
 * @on: something with a fault queue is shown. Off: nothing leads to one any more
 *
 * Afterwards, off, nothing of the device's is under way.
 *
 * Return: 0, and to switch off always so; -ENODEV when it cannot have any, -EBUSY when its
 * physical function makes them for somebody else, -EIO when its interface is stuck or has
 * ended by a failure; what the backend says
 */
int iommufd_sva_pri_set(struct iommufd_sva_master *master, bool on)
{
	lockdep_assert_held(&master->lock);
	if (on == master->pri.on)
		return 0;
	if (on)
		return master->pri.error = start(master);
	stop(master);
	return 0;
}
