// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where units come from: the firmware's DMAR table, or a hardware model.
 *
 * A model is the platform device "vtd_sim". Its platform data is a DMAR table,
 * which takes the place of the firmware's: all units are the model's, or are not
 * there. It has a regmap for each unit, named by the unit's base address.
 *
 * The device is held from the first look until the last unit was handed back. The
 * model itself sees to it that its registers stay while translation is on.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/acpi.h>
#include <linux/platform_device.h>
#include <linux/regmap.h>
#include "vtd.h"

#define VTD_MODEL	"vtd_sim"

/* From vtd_firmware_read() to vtd_firmware_put(); NULL: the hardware is real. */
static struct device *vtd_model;

static int vtd_firmware_parse(void)
{
	struct acpi_table_header *table;
	int rc;

	if (vtd_model) {
		table = dev_get_platdata(vtd_model);
		return table ? vtd_dmar_parse(table) : -ENODEV;
	}
	if (ACPI_FAILURE(acpi_get_table(ACPI_SIG_DMAR, 0, &table)))
		return -ENXIO;
	rc = vtd_dmar_parse(table);
	acpi_put_table(table);
	return rc;
}

/**
 * vtd_firmware_read - read the DMAR table of this machine, or of a model
 *
 * Return: 0, and vtd_firmware_put() undoes it; -ENODEV when there is no table or
 * it names no unit; -EINVAL when it contradicts itself; -ENOMEM.
 */
int vtd_firmware_read(void)
{
	int rc;

	vtd_model = bus_find_device_by_name(&platform_bus_type, NULL, VTD_MODEL);
	if (vtd_model)
		pr_info("the units are the hardware model's (%s), this machine's are left alone\n",
			VTD_MODEL);
	rc = vtd_firmware_parse();
	if (!rc)
		return 0;

	if (rc == -ENXIO) {
		pr_err("no DMAR table: the machine has no VT-d, or firmware has it switched off\n");
		rc = -ENODEV;
	} else if (rc == -EINVAL) {
		pr_err("the DMAR table contradicts itself: ask for a firmware update\n");
	} else if (rc == -ENODEV) {
		pr_err("the DMAR table names no unit: ask for a firmware update\n");
	}
	vtd_firmware_put();
	return rc;
}

/* No unit is left. */
void vtd_firmware_put(void)
{
	vtd_dmar_free();
	put_device(vtd_model);
	vtd_model = NULL;
}

/* Are the units a hardware model's? */
bool vtd_firmware_is_model(void)
{
	return vtd_model;
}

/* How the registers at @base are reached; NULL: by MMIO. */
struct regmap *vtd_firmware_regmap(u64 base)
{
	char name[2 * sizeof(base) + 1];

	if (!vtd_model)
		return NULL;
	snprintf(name, sizeof(name), "%llx", base);
	return dev_get_regmap(vtd_model, name);
}
