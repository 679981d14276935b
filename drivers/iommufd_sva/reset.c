// SPDX-License-Identifier: GPL-2.0-only
/*
 * Getting a user's work out of devices before the host has them back.
 *
 * The devices of a set are blocked when they come here. They are told to be
 * silent, what is in flight is waited for, and each of them is reset: a user of
 * one can have reached all of them.
 */
#define pr_fmt(fmt) "iommufd_sva: " fmt

#include <linux/moduleparam.h>
#include <linux/pci.h>

#include "host.h"
#include "reset.h"

static bool allow_no_reset;
module_param(allow_no_reset, bool, 0644);
MODULE_PARM_DESC(allow_no_reset,
		 "Let devices be bound raw that cannot be reset, or not alone when they are removed: they go back to the host as the user left them (default: off)");

struct bus_check {
	struct iommufd_sva_members *members;
	bool all_ours;
};

static int check_bus_member(struct pci_dev *pdev, void *data)
{
	struct bus_check *check = data;
	unsigned int i;

	for (i = 0; i < check->members->num; i++)
		if (check->members->pdev[i] == pdev)
			return 0;
	check->all_ours = false;
	return 1;
}

/* Can the bus of @pdev be reset, and does that reset nobody else? */
static bool bus_can_reset(struct iommufd_sva_members *members,
			  struct pci_dev *pdev)
{
	struct bus_check check = { .members = members, .all_ours = true };

	if (pci_is_root_bus(pdev->bus) || pdev->is_virtfn)
		return false;
	if (pci_probe_reset_slot(pdev->slot) && pci_probe_reset_bus(pdev->bus))
		return false;
	pci_walk_bus(pdev->bus, check_bus_member, &check);
	return check.all_ours;
}

static bool can_reset(struct iommufd_sva_members *members, struct pci_dev *pdev)
{
	return pdev->reset_methods[0] || bus_can_reset(members, pdev);
}

/**
 * iommufd_sva_can_reset - may a user have these devices?
 * @members: the devices
 *
 * Return: true if each can be reset, or the administrator does not care
 */
bool iommufd_sva_can_reset(struct iommufd_sva_members *members)
{
	unsigned int i;

	for (i = 0; i < members->num; i++) {
		if (can_reset(members, members->pdev[i]))
			continue;
		if (!allow_no_reset) {
			pci_info_ratelimited(members->pdev[i],
					     "iommufd_sva: has no way to be reset after a user: refused (iommufd_sva.allow_no_reset=1 allows it)\n");
			return false;
		}
		pci_warn(members->pdev[i],
			 "iommufd_sva: has no way to be reset: goes to a user all the same, as allow_no_reset says\n");
	}
	return true;
}

/* No new requests, and those under way have arrived: where they are blocked. */
void iommufd_sva_quiesce(struct pci_dev *pdev)
{
	pci_clear_master(pdev);
	if (!pci_wait_for_pending_transaction(pdev))
		pci_warn(pdev, "iommufd_sva: requests are still pending\n");
}

/* A reset puts back what config space said before. */
static void after_reset(struct pci_dev *pdev)
{
	pci_clear_master(pdev);
	iommufd_sva_acs_reassert(pdev);
}

static bool reset_one(struct iommufd_sva_members *members, struct pci_dev *pdev)
{
	bool had_way = can_reset(members, pdev);
	int rc;

	rc = pci_reset_function(pdev);
	/* Functions on one bus have no reset of their own, but one together. */
	if (rc && bus_can_reset(members, pdev))
		rc = pci_reset_bus(pdev);
	after_reset(pdev);
	if (!rc)
		return true;
	if (!had_way && allow_no_reset) {
		pci_warn(pdev, "iommufd_sva: goes back to the host without a reset\n");
		return true;
	}
	pci_err(pdev,
		"iommufd_sva: cannot be reset (%d): its DMA stays blocked and nobody can bind it; remove it (echo 1 > /sys/bus/pci/devices/%s/remove) and power it off\n",
		rc, pci_name(pdev));
	return false;
}

/**
 * iommufd_sva_reset - bring devices that a user had into a known state
 * @members: the devices, blocked
 *
 * Waits for hardware, up to seconds; takes the device_lock of each device and
 * of its bridge.
 *
 * Return: false if one of them would not reset
 */
bool iommufd_sva_reset(struct iommufd_sva_members *members)
{
	bool all = true;
	unsigned int i;

	for (i = 0; i < members->num; i++)
		iommufd_sva_quiesce(members->pdev[i]);
	for (i = 0; i < members->num; i++)
		all &= reset_one(members, members->pdev[i]);
	return all;
}

/**
 * iommufd_sva_reset_leaving - the same for one that is being removed
 * @pdev: the device, blocked; its removal holds locks, so none is waited for
 *
 * Functions that only their bus resets are not: the others on it are in use.
 *
 * Return: false if it may still hold what a user told it to do
 */
bool iommufd_sva_reset_leaving(struct pci_dev *pdev)
{
	int rc;

	if (!pci_device_is_present(pdev))
		return true;
	iommufd_sva_quiesce(pdev);
	rc = pci_try_reset_function(pdev);
	pci_clear_master(pdev);
	if (rc && allow_no_reset) {
		pci_warn(pdev, "iommufd_sva: leaves without a reset, as allow_no_reset says\n");
		return true;
	}
	return !rc;
}
