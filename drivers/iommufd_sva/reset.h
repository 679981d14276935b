/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef __IOMMUFD_SVA_RESET_H
#define __IOMMUFD_SVA_RESET_H

struct iommufd_sva_members;
struct pci_dev;

bool iommufd_sva_can_reset(struct iommufd_sva_members *members);
void iommufd_sva_quiesce(struct pci_dev *pdev);
bool iommufd_sva_reset(struct iommufd_sva_members *members);
bool iommufd_sva_reset_leaving(struct pci_dev *pdev);

#endif
