/* SPDX-License-Identifier: GPL-2.0-only */
/* PCI devices, as far as where they hang. */
#ifndef __UNIT_PCI_H
#define __UNIT_PCI_H

#include "../shim.h"

#define PCI_DEVFN(slot, func)	((((slot) & 0x1f) << 3) | ((func) & 0x07))
#define PCI_SLOT(devfn)		(((devfn) >> 3) & 0x1f)
#define PCI_FUNC(devfn)		((devfn) & 0x07)

struct pci_dev;

struct pci_bus {
	struct pci_bus *parent;
	struct pci_dev *self;
	int domain;
	u8 number;
};

struct pci_dev {
	struct pci_bus *bus;
	u8 devfn;
	struct pci_dev *physfn;
};

static inline bool pci_is_root_bus(const struct pci_bus *bus)
{
	return !bus->parent;
}

static inline int pci_domain_nr(const struct pci_bus *bus)
{
	return bus->domain;
}

static inline struct pci_dev *pci_physfn(struct pci_dev *pdev)
{
	return pdev->physfn ?: pdev;
}

#endif
