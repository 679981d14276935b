// SPDX-License-Identifier: GPL-2.0-only
/*
 * Physical functions: what a device has in common with others of the same one.
 *
 * Virtual functions have no switches of their own for PASIDs and page requests (PCIe
 * 7.8.9, 10.5.2), they use their physical function's. That may be the host's, with a
 * driver or without: it is configured all the same, through its configuration space and
 * so that the PCI core knows and has it on again after a reset. A device without virtual
 * functions is the only one of its own.
 *
 * PASIDs must not be switched while ATS is on (10.5.1.3), neither the physical function's
 * nor a virtual one's. So it is decided once, when the first of these devices is adopted
 * that could have PASIDs, and before any of them has ATS; and they stay as they are until
 * the last is let go.
 */
#define pr_fmt(fmt) "iommufd_sva: " fmt

#include <linux/log2.h>
#include <linux/pci-ats.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include "host.h"

/* Protects the list and pf->masters. Outside pf->lock. */
static DEFINE_MUTEX(pfs_lock);
static LIST_HEAD(pfs);

static struct iommufd_sva_pf *find_pf(struct pci_dev *pdev)
{
	struct iommufd_sva_pf *pf;

	lockdep_assert_held(&pfs_lock);
	list_for_each_entry(pf, &pfs, node)
		if (pf->pdev == pdev)
			return pf;
	return NULL;
}

static struct iommufd_sva_pf *pf_new(struct pci_dev *pdev)
{
	struct iommufd_sva_pf *pf = kzalloc(sizeof(*pf), GFP_KERNEL);

	if (!pf)
		return NULL;
	pf->pdev = pci_dev_get(pdev);
	mutex_init(&pf->lock);
	list_add(&pf->node, &pfs);
	return pf;
}

/**
 * iommufd_sva_pf_get - a device joins
 * @master: the device
 *
 * Sets @master->pf.
 *
 * Return: 0 or -ENOMEM
 */
int iommufd_sva_pf_get(struct iommufd_sva_master *master)
{
	struct pci_dev *pdev = pci_physfn(to_pci_dev(master->dev));

	mutex_lock(&pfs_lock);
	master->pf = find_pf(pdev) ?: pf_new(pdev);
	if (master->pf)
		master->pf->masters++;
	mutex_unlock(&pfs_lock);
	return master->pf ? 0 : -ENOMEM;
}

/**
 * iommufd_sva_pf_put - a device goes; it uses nothing of @master->pf any more
 * @master: the device
 *
 * With the last one PASIDs are off again, if it was us who switched them on.
 */
void iommufd_sva_pf_put(struct iommufd_sva_master *master)
{
	struct iommufd_sva_pf *pf = master->pf;

	master->pf = NULL;
	mutex_lock(&pfs_lock);
	if (--pf->masters) {
		mutex_unlock(&pfs_lock);
		return;
	}
	list_del(&pf->node);
	if (pf->pasid_enabled)
		pci_disable_pasid(pf->pdev);
	mutex_unlock(&pfs_lock);
	WARN_ON(pf->pri_masters || pf->pri_on);
	pci_dev_put(pf->pdev);
	mutex_destroy(&pf->lock);
	kfree(pf);
}

/**
 * iommufd_sva_pf_has_ats - is ATS on in a physical function?
 * @pdev: the physical function
 *
 * Somebody else's doing then: of one that is adopted and gets ATS from us PASIDs have been
 * decided on already.
 */
bool iommufd_sva_pf_has_ats(struct pci_dev *pdev)
{
	u16 control;

	if (pdev->ats_enabled)
		return true;
	return pdev->ats_cap &&
	       !pci_read_config_word(pdev, pdev->ats_cap + PCI_ATS_CTRL, &control) &&
	       (control & PCI_ATS_CTRL_ENABLE);
}

/* For @master, the first of @pf that could have PASIDs. */
static void switch_pasids_on(struct iommufd_sva_pf *pf, struct iommufd_sva_master *master)
{
	bool is_virtual = to_pci_dev(master->dev) != pf->pdev;
	int rc;

	lockdep_assert_held(&pf->lock);
	if (pf->pdev->pasid_enabled)
		return;
	if (iommufd_sva_pf_has_ats(pf->pdev)) {
		dev_info(master->dev,
			 "iommufd_sva: goes without PASIDs: ATS is on in %s, without PASIDs; take that from its driver, then make its virtual functions anew\n",
			 pci_name(pf->pdev));
		return;
	}
	/* The PCI core wants ACS on above it, as it is by now (adopt.c). */
	rc = pci_enable_pasid(pf->pdev, 0);
	pf->pasid_enabled = !rc;
	if (rc && is_virtual)
		dev_info(master->dev,
			 "iommufd_sva: goes without PASIDs: they cannot be switched on in its physical function %s (%d): is ACS on, and do all bridges pass prefixes on?\n",
			 pci_name(pf->pdev), rc);
}

/**
 * iommufd_sva_pf_pasids - PASIDs for a device that joins, if it can have any
 * @master: the device; its requester IDs are known, ATS is off
 *
 * They are on for as long as it is adopted, whether somebody uses them or not: all that
 * are not attached are blocked. Sets @master->pasid_bits, 0 where they cannot be had.
 */
void iommufd_sva_pf_pasids(struct iommufd_sva_master *master)
{
	struct iommufd_sva_pf *pf = master->pf;
	int max;

	if (!master->unit->pasid_bits || master->num_rids > 1)
		return;
	max = pci_max_pasids(pf->pdev);
	if (max < 2)
		return;
	mutex_lock(&pf->lock);
	if (!pf->pasid_decided)
		switch_pasids_on(pf, master);
	pf->pasid_decided = true;
	if (pf->pdev->pasid_enabled)
		master->pasid_bits = min_t(unsigned int, ilog2(max), master->unit->pasid_bits);
	mutex_unlock(&pf->lock);
}
