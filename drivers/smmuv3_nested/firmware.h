/* SPDX-License-Identifier: GPL-2.0-only */
/* What firmware, a device tree or ACPI, says about an SMMUv3. */
#ifndef __SMMUV3_FIRMWARE_H
#define __SMMUV3_FIRMWARE_H

#include <linux/types.h>

struct acpi_table_header;
struct list_head;
struct pci_dev;
struct smmu_unit;

/* Around all other uses: when the module is loaded, and unloaded. */
int smmuv3_fw_init(void);
void smmuv3_fw_exit(void);
/* First for each unit: one or the other. */
void smmuv3_fw_init_unit(struct smmu_unit *unit);
int smmuv3_fw_init_model(struct smmu_unit *unit, const struct acpi_table_header *table);

bool smmuv3_fw_coherent(struct smmu_unit *unit, bool cohacc);
bool smmuv3_fw_canwbs(struct smmu_unit *unit);
/* Does what is between @pdev and the unit let ATS through? */
bool smmuv3_fw_ats(struct smmu_unit *unit, struct pci_dev *pdev);
int smmuv3_fw_stream(struct smmu_unit *unit, struct pci_dev *pdev, u32 *sid);
int smmuv3_fw_streams(struct smmu_unit *unit, struct pci_dev *pdev, u32 *sids,
		      unsigned int max);

/* Gets @count stream IDs from @first on; an errno ends it. */
typedef int (*smmuv3_fw_range_fn)(void *arg, u32 first, u32 count);

int smmuv3_fw_for_each_stream_range(struct smmu_unit *unit, smmuv3_fw_range_fn fn,
				    void *arg);
const char *smmuv3_fw_must_stay_identity(struct smmu_unit *unit,
					 struct pci_dev *pdev);
void smmuv3_fw_get_resv_regions(struct smmu_unit *unit, const u32 *sids,
				unsigned int num, struct list_head *head);

#endif
