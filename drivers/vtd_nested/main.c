// SPDX-License-Identifier: GPL-2.0-only
/*
 * vtd_nested: Intel VT-d in scalable mode as a backend of iommufd_sva.
 *
 * Loading takes over every unit of the DMAR table that nobody else drives and
 * lets everything pass; unloading hands them back as they were found.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/dma-mapping.h>
#include <linux/module.h>
#include <linux/suspend.h>
#include <iommufd_sva.h>
#include "nested.h"

/* 3.14: writes here are interrupts, whatever the tables say. */
#define VTD_MSI_START	0xfee00000ULL
#define VTD_MSI_SIZE	0x100000

static struct iommufd_sva_unit *vtd_unit_of(struct iommufd_sva_backend *backend,
					    struct device *dev)
{
	struct vtd_remapping *drhd;

	if (!dev_is_pci(dev))
		return NULL;
	drhd = vtd_dmar_drhd_of(to_pci_dev(dev));
	return drhd && drhd->unit ? &drhd->unit->base : NULL;
}

/* Nobody would hear of one that is missing: it is not given up for memory. */
static void vtd_add_resv_region(struct list_head *head, u64 start, size_t len, int prot,
				enum iommu_resv_type type)
{
	struct iommu_resv_region *region;

	region = iommu_alloc_resv_region(start, len, prot, type, GFP_KERNEL | __GFP_NOFAIL);
	list_add_tail(&region->list, head);
}

static void vtd_get_resv_regions(struct iommufd_sva_master *master,
				 struct list_head *head)
{
	struct pci_dev *pdev = to_pci_dev(master->dev);
	struct vtd_remapping *rmrr;

	list_for_each_entry(rmrr, &vtd_dmar.structures, node)
		if (rmrr->type == ACPI_DMAR_TYPE_RESERVED_MEMORY &&
		    rmrr->last >= rmrr->base && vtd_dmar_scope_has(rmrr, pdev))
			vtd_add_resv_region(head, rmrr->base, rmrr->last - rmrr->base + 1,
					    IOMMU_READ | IOMMU_WRITE, IOMMU_RESV_DIRECT);
	vtd_add_resv_region(head, VTD_MSI_START, VTD_MSI_SIZE, 0, IOMMU_RESV_MSI);
}

/*
 * Firmware wants a device to reach an RMRR (8.4) at any time, behind the back of
 * whoever has it: no user can be given such a device.
 */
static const char *vtd_must_stay_identity(struct iommufd_sva_unit *unit,
					  struct device *dev)
{
	struct vtd_remapping *rmrr;

	list_for_each_entry(rmrr, &vtd_dmar.structures, node)
		if (rmrr->type == ACPI_DMAR_TYPE_RESERVED_MEMORY &&
		    vtd_dmar_scope_has(rmrr, to_pci_dev(dev)))
			return "firmware reserves memory for it (RMRR)";
	return NULL;
}

static size_t vtd_hw_info(struct iommufd_sva_unit *unit, void *data, size_t len,
			  u32 *type)
{
	struct vtd_unit *vu = to_vtd_unit(unit);
	struct iommufd_sva_hw_info_vtd info = {
		.flags = vtd_has_spr17() ? IOMMUFD_SVA_HW_INFO_VTD_ERRATA_772415_SPR17 : 0,
		.cap_reg = vu->cap,
		.ecap_reg = vu->ecap,
	};

	*type = IOMMUFD_SVA_HW_INFO_TYPE_INTEL_VTD;
	memcpy(data, &info, min(len, sizeof(info)));
	return sizeof(info);
}

/* Memory accesses of PCI devices snoop on x86 unless they ask not to. */
static bool vtd_cache_coherency(struct iommufd_sva_master *master)
{
	return true;
}

static const struct iommufd_sva_backend_ops vtd_backend_ops = {
	.unit_of = vtd_unit_of,
	.master_init = vtd_master_init,
	.master_release = vtd_master_release,
	.set_translation = vtd_set_translation,
	.domain_alloc = vtd_domain_alloc,
	.nest_parent = vtd_nest_parent,
	.vunit_alloc = vtd_vunit_alloc,
	.nested_alloc = vtd_nested_alloc,
	.pasid_table_alloc = vtd_pasid_table_object,
	.get_resv_regions = vtd_get_resv_regions,
	.must_stay_identity = vtd_must_stay_identity,
	.hw_info = vtd_hw_info,
	.cache_coherency = vtd_cache_coherency,
	.ats_capable = vtd_ats_capable,
	.ats_set = vtd_ats_set,
	.pri_capable = vtd_pri_capable,
	.pri_set = vtd_pri_set,
	.pri_drain = vtd_pri_drain,
	.page_respond = vtd_page_respond,
};

static struct iommufd_sva_backend vtd_backend = {
	.name = KBUILD_MODNAME,
	.owner = THIS_MODULE,
	.ops = &vtd_backend_ops,
};

/*
 * Units lose their registers in deep sleep, and we do not write them again.
 * Nothing is done for kexec: it takes bus mastering from every PCI device, and
 * the next kernel switches off a translation that it finds on.
 */
static int vtd_pm_notify(struct notifier_block *nb, unsigned long action, void *data)
{
	if (action != PM_SUSPEND_PREPARE && action != PM_HIBERNATION_PREPARE)
		return NOTIFY_DONE;
	pr_warn("no suspend while units are taken over: unload vtd_nested first\n");
	return notifier_from_errno(-EBUSY);
}

static struct notifier_block vtd_pm_notifier = {
	.notifier_call = vtd_pm_notify,
};

static void vtd_put_units(void)
{
	struct vtd_remapping *drhd;

	list_for_each_entry_reverse(drhd, &vtd_dmar.structures, node) {
		if (!drhd->unit)
			continue;
		vtd_debugfs_remove(drhd->unit);
		vtd_unit_hand_back(drhd->unit);
		vtd_unit_destroy(drhd->unit);
		drhd->unit = NULL;
	}
}

static int vtd_take_unit(struct vtd_remapping *drhd, unsigned int index)
{
	struct vtd_unit *unit;
	int rc;

	rc = vtd_unit_create(drhd, index, &unit);
	if (rc)
		return rc;
	rc = vtd_unit_take(unit);
	if (rc) {
		vtd_unit_destroy(unit);
		return rc;
	}
	unit->base.backend = &vtd_backend;
	drhd->unit = unit;
	vtd_debugfs_add(unit);
	return 0;
}

/* All units that can be had. An error only when that is none. */
static int vtd_take_units(void)
{
	struct vtd_remapping *drhd;
	unsigned int index = 0, taken = 0;
	int rc = -ENODEV, one;

	list_for_each_entry(drhd, &vtd_dmar.structures, node) {
		if (drhd->type != ACPI_DMAR_TYPE_HARDWARE_UNIT)
			continue;
		one = vtd_take_unit(drhd, index++);
		if (!one)
			taken++;
		else if (rc == -ENODEV)
			rc = one;
	}
	return taken ? 0 : rc;
}

static void vtd_unregister_units(struct vtd_remapping *until)
{
	struct vtd_remapping *drhd;

	list_for_each_entry(drhd, &vtd_dmar.structures, node) {
		if (drhd == until)
			break;
		if (drhd->unit)
			iommufd_sva_unit_unregister(&drhd->unit->base);
	}
}

static int vtd_register_units(void)
{
	struct vtd_remapping *drhd;
	int rc;

	list_for_each_entry(drhd, &vtd_dmar.structures, node) {
		if (!drhd->unit)
			continue;
		rc = iommufd_sva_unit_register(&drhd->unit->base);
		if (rc) {
			vtd_err(drhd->unit, "not registered (%d)\n", rc);
			vtd_unregister_units(drhd);
			return rc;
		}
	}
	return 0;
}

static int __init vtd_init(void)
{
	int rc;

	rc = vtd_firmware_read();
	if (rc)
		return rc;
	vtd_debugfs_init();
	rc = vtd_take_units();
	if (rc)
		goto err_firmware;
	rc = register_pm_notifier(&vtd_pm_notifier);
	if (rc)
		goto err_units;
	rc = iommufd_sva_backend_register(&vtd_backend);
	if (rc)
		goto err_pm;
	rc = vtd_register_units();
	if (rc)
		goto err_backend;
	return 0;

err_backend:
	iommufd_sva_backend_unregister(&vtd_backend);
err_pm:
	unregister_pm_notifier(&vtd_pm_notifier);
err_units:
	vtd_put_units();
err_firmware:
	vtd_debugfs_exit();
	vtd_firmware_put();
	return rc;
}
module_init(vtd_init);

static void __exit vtd_exit(void)
{
	vtd_unregister_units(NULL);
	iommufd_sva_backend_unregister(&vtd_backend);
	unregister_pm_notifier(&vtd_pm_notifier);
	vtd_put_units();
	vtd_debugfs_exit();
	vtd_firmware_put();
}
module_exit(vtd_exit);

MODULE_DESCRIPTION("Intel VT-d, scalable mode, as a backend of iommufd_sva");
MODULE_LICENSE("GPL");
