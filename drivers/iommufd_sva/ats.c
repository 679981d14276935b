// SPDX-License-Identifier: GPL-2.0-only
/*
 * ATS: devices that keep translations of their own (PCIe 10).
 *
 * It is on in a device for as long as requests of it go through anything of a
 * user's, and nobody has to ask for it: whatever is taken from the device's cache
 * when a translation goes is taken by us. At identity and while blocked it is off.
 *
 * A device that is told of PASIDs must not have those switched meanwhile
 * (10.5.1.3): they are on before and after (master.c).
 */
#define pr_fmt(fmt) "iommufd_sva: " fmt

#include <linux/moduleparam.h>
#include <linux/pci-ats.h>
#include <linux/pci.h>

#include "host.h"

/*
 * STU (10.5.1.3), as a shift: the smallest page that a device can be told of. Those
 * of guests have 4 KiB, whatever the host's.
 */
#define ATS_STU			12
/* 10.5.1.2: Global Invalidate Supported */
#define ATS_CAP_GLOBAL		BIT(6)

static bool ats = true;
module_param(ats, bool, 0444);
MODULE_PARM_DESC(ats, "Let devices that users have keep translations of their own, with ATS (default: on)");

/*
 * A virtual function has its physical function's STU (10.5.1.3), which is not to
 * change once ATS is on in one of them. The PCI core knows one that it has written.
 */
static bool has_stu(struct iommufd_sva_master *master)
{
	struct pci_dev *pf = master->pf->pdev;

	if (pf->ats_stu == ATS_STU)
		return true;
	if (!pf->ats_cap)
		return false;
	if (iommufd_sva_pf_has_ats(pf)) {
		dev_info(master->dev,
			 "iommufd_sva: goes without ATS: it is on in %s, with pages that may be larger than 4 KiB; take that from its driver, then make its virtual functions anew\n",
			 pci_name(pf));
		return false;
	}
	pci_write_config_word(pf, pf->ats_cap + PCI_ATS_CTRL,
			      PCI_ATS_CTRL_STU(ATS_STU - PCI_ATS_MIN_STU));
	pf->ats_stu = ATS_STU;
	return true;
}

/*
 * Cached translations are for one requester ID, so it has to be the device's alone;
 * and all of them, whatever their PASID, can be taken with one command.
 */
static bool device_can(struct iommufd_sva_master *master, u16 cap)
{
	struct pci_dev *pdev = to_pci_dev(master->dev);

	return master->num_rids == 1 && !pdev->ats_enabled &&
	       (cap & PCI_ATS_CAP_PAGE_ALIGNED) &&
	       (!master->pasid_bits || (cap & ATS_CAP_GLOBAL)) &&
	       (!pdev->is_virtfn || has_stu(master));
}

/**
 * iommufd_sva_ats_init - find out whether a device that joins may have ATS
 * @master: the device; its requester IDs and PASIDs are known
 *
 * Fills @master->ats.
 */
void iommufd_sva_ats_init(struct iommufd_sva_master *master)
{
	const struct iommufd_sva_backend_ops *ops = master->unit->backend->ops;
	struct pci_dev *pdev = to_pci_dev(master->dev), *pf = pci_physfn(pdev);
	u16 cap, own;

	master->ats.pf = (struct iommufd_sva_rid){
		.bus = pf->bus->number,
		.devfn = pf->devfn,
	};
	if (!ats || !pci_ats_supported(pdev) || !ops->ats_capable ||
	    !ops->ats_capable(master))
		return;
	/* The queue is the physical function's, the rest a function's own. */
	if (pci_read_config_word(pdev, pdev->ats_cap + PCI_ATS_CAP, &own) ||
	    pci_read_config_word(pf, pf->ats_cap + PCI_ATS_CAP, &cap))
		return;
	master->ats.qdep = PCI_ATS_CAP_QDEP(cap) ?: PCI_ATS_MAX_QDEP;
	master->ats.supported = device_can(master, own);
}

/**
 * iommufd_sva_ats_set - switch ATS on or off in a device
 * @master: the device; its lock is held
 * @on: its requests go through something of a user's; else they are blocked
 *
 * Without it the device works too: failing to switch it on is no failure.
 */
void iommufd_sva_ats_set(struct iommufd_sva_master *master, bool on)
{
	int rc;

	lockdep_assert_held(&master->lock);
	if (on == master->ats.on || !master->ats.supported)
		return;
	rc = master->unit->backend->ops->ats_set(master, on);
	if (rc)
		dev_info_ratelimited(master->dev,
				     "iommufd_sva: ATS cannot be switched on (%d): goes without\n",
				     rc);
}

/*
 * New kernels attach what was attached before a reset once the device is reset, and
 * before they restore its configuration space. PASIDs are on again by then, or they
 * would come on while ATS is (10.5.1.3); written once more they do not change.
 */
static void restore_pasids(struct pci_dev *pdev)
{
	int where = pdev->pasid_cap + PCI_PASID_CTRL;
	u16 control;

	if (pdev->is_virtfn || !pdev->pasid_enabled ||
	    pci_read_config_word(pdev, where, &control) || (control & PCI_PASID_CTRL_ENABLE))
		return;
	pci_write_config_word(pdev, where, PCI_PASID_CTRL_ENABLE | pdev->pasid_features);
}

/**
 * iommufd_sva_ats_enable - the backend is ready: ATS on in the device
 * @master: the device
 *
 * From ats_set() alone, under the lock of the backend's that keeps
 * @master->ats.on.
 *
 * Return: 0, and the device may cache translations; or an errno
 */
int iommufd_sva_ats_enable(struct iommufd_sva_master *master)
{
	int rc;

	if (iommufd_sva_master_is_gone(master))
		return -ENODEV;
	restore_pasids(to_pci_dev(master->dev));
	rc = pci_enable_ats(to_pci_dev(master->dev), ATS_STU);
	if (!rc)
		master->ats.on = true;
	return rc;
}
EXPORT_SYMBOL_GPL(iommufd_sva_ats_enable);

/**
 * iommufd_sva_ats_disable - ATS off in the device
 * @master: the device, where it is on
 *
 * As iommufd_sva_ats_enable(). Afterwards nothing is cached in the device (10.5.1.3)
 * and nothing may be sent to it.
 */
void iommufd_sva_ats_disable(struct iommufd_sva_master *master)
{
	pci_disable_ats(to_pci_dev(master->dev));
	master->ats.on = false;
}
EXPORT_SYMBOL_GPL(iommufd_sva_ats_disable);
