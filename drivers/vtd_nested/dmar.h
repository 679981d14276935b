/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ACPI DMAR table as the driver keeps it. Nothing here touches hardware:
 * dmar.c also compiles as a user-space program (tools/testing/unit).
 */
#ifndef __VTD_DMAR_H
#define __VTD_DMAR_H

#include <linux/acpi.h>
#include <linux/list.h>
#include <linux/pci.h>

struct vtd_unit;

/**
 * struct vtd_scope - one device scope of a remapping structure (8.3.1)
 * @type: ACPI_DMAR_SCOPE_TYPE_ENDPOINT or _BRIDGE; others are not kept
 * @bus: start bus number
 * @depth: steps of @path
 * @path: devfn at each step down from @bus
 */
struct vtd_scope {
	u8 type;
	u8 bus;
	u8 depth;
	u8 path[16];
};

/**
 * struct vtd_remapping - a remapping structure of the DMAR table (8.2)
 * @node: in vtd_dmar.structures, in the order of the table
 * @type: ACPI_DMAR_TYPE_HARDWARE_UNIT (DRHD), _RESERVED_MEMORY (RMRR),
 *	_ROOT_ATS (ATSR) or _SATC; others are not kept
 * @flags: INCLUDE_PCI_ALL of a DRHD, ALL_PORTS of an ATSR
 * @segment: PCI segment
 * @base: registers of a DRHD, first byte of an RMRR
 * @last: last byte of an RMRR
 * @unit: of a DRHD, once it is driven; NULL if it is not
 * @num_scopes: how many
 * @scopes: the device scopes
 */
struct vtd_remapping {
	struct list_head node;
	u16 type;
	u8 flags;
	u16 segment;
	u64 base;
	u64 last;
	struct vtd_unit *unit;
	unsigned int num_scopes;
	struct vtd_scope scopes[];
};

/**
 * struct vtd_dmar - the DMAR table, as far as it matters here
 * @structures: struct vtd_remapping
 * @haw: host address width
 *
 * Read once when the module is loaded, constant from then on.
 */
struct vtd_dmar {
	struct list_head structures;
	unsigned int haw;
};

extern struct vtd_dmar vtd_dmar;

int vtd_dmar_parse(const struct acpi_table_header *table);
void vtd_dmar_free(void);
/* The DRHD that has @pdev in its scope, NULL if none has. */
struct vtd_remapping *vtd_dmar_drhd_of(struct pci_dev *pdev);
bool vtd_dmar_scope_has(const struct vtd_remapping *remapping, struct pci_dev *pdev);

#endif
