/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The DMAR table (chapter 8 of the VT-d specification), as far as files that
 * also compile as user-space programs look at it.
 */
#ifndef __UNIT_ACPI_H
#define __UNIT_ACPI_H

#include "../shim.h"

#define ACPI_SIG_DMAR		"DMAR"

struct acpi_table_header {
	char signature[4];
	u32 length;
	u8 revision;
	u8 checksum;
	char oem_id[6];
	char oem_table_id[8];
	u32 oem_revision;
	char asl_compiler_id[4];
	u32 asl_compiler_revision;
} __packed;

struct acpi_table_dmar {
	struct acpi_table_header header;
	u8 width;
	u8 flags;
	u8 reserved[10];
} __packed;
static_assert(sizeof(struct acpi_table_dmar) == 48, "8.1");

enum {
	ACPI_DMAR_TYPE_HARDWARE_UNIT,
	ACPI_DMAR_TYPE_RESERVED_MEMORY,
	ACPI_DMAR_TYPE_ROOT_ATS,
	ACPI_DMAR_TYPE_HARDWARE_AFFINITY,
	ACPI_DMAR_TYPE_NAMESPACE,
	ACPI_DMAR_TYPE_SATC,
};

struct acpi_dmar_header {
	u16 type;
	u16 length;
} __packed;

#define ACPI_DMAR_INCLUDE_ALL	1
#define ACPI_DMAR_ALL_PORTS	1

struct acpi_dmar_hardware_unit {
	struct acpi_dmar_header header;
	u8 flags;
	u8 size;
	u16 segment;
	u64 address;
} __packed;
static_assert(sizeof(struct acpi_dmar_hardware_unit) == 16, "8.3");

struct acpi_dmar_reserved_memory {
	struct acpi_dmar_header header;
	u16 reserved;
	u16 segment;
	u64 base_address;
	u64 end_address;
} __packed;
static_assert(sizeof(struct acpi_dmar_reserved_memory) == 24, "8.4");

struct acpi_dmar_atsr {
	struct acpi_dmar_header header;
	u8 flags;
	u8 reserved;
	u16 segment;
} __packed;
static_assert(sizeof(struct acpi_dmar_atsr) == 8, "8.5");

struct acpi_dmar_satc {
	struct acpi_dmar_header header;
	u8 flags;
	u8 reserved;
	u16 segment;
} __packed;
static_assert(sizeof(struct acpi_dmar_satc) == 8, "8.8");

enum {
	ACPI_DMAR_SCOPE_TYPE_ENDPOINT = 1,
	ACPI_DMAR_SCOPE_TYPE_BRIDGE,
	ACPI_DMAR_SCOPE_TYPE_IOAPIC,
	ACPI_DMAR_SCOPE_TYPE_HPET,
	ACPI_DMAR_SCOPE_TYPE_NAMESPACE,
};

struct acpi_dmar_device_scope {
	u8 entry_type;
	u8 length;
	u16 reserved;
	u8 enumeration_id;
	u8 bus;
} __packed;
static_assert(sizeof(struct acpi_dmar_device_scope) == 6, "8.3.1");

struct acpi_dmar_pci_path {
	u8 device;
	u8 function;
} __packed;

#endif
