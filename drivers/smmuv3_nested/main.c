// SPDX-License-Identifier: GPL-2.0-only
/*
 * smmuv3_nested: Arm SMMUv3 as a backend of iommufd_sva.
 *
 * Loading takes over every unit that the kernel's own driver does not drive and
 * lets everything pass; unloading hands them back as they were found.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/of_device.h>
#include <linux/platform_device.h>
#include <linux/suspend.h>
#include <iommufd_sva.h>
#include "../iommufd_sva/compat.h"
#include "firmware.h"
#include "nested.h"
#include "smmuv3.h"

/* Where interrupts of devices that have a stage 2 can be mapped: as Linux has it. */
#define SMMU_SW_MSI_START	0x8000000
#define SMMU_SW_MSI_SIZE	0x100000

bool smmu_allow_noncoherent_nesting;
module_param_named(allow_noncoherent_nesting, smmu_allow_noncoherent_nesting, bool, 0444);
MODULE_PARM_DESC(allow_noncoherent_nesting,
		 "Let guests nest on units without S2FWB: a guest could then bypass the CPU's caches");

LIST_HEAD(smmu_units);
DEFINE_MUTEX(smmu_units_lock);
struct device *smmu_noncoherent_dev;

static struct iommufd_sva_unit *smmu_unit_of(struct iommufd_sva_backend *backend,
					     struct device *dev)
{
	struct iommufd_sva_unit *found = NULL;
	struct smmu_unit *unit;
	u32 sid;

	if (!dev_is_pci(dev))
		return NULL;
	mutex_lock(&smmu_units_lock);
	list_for_each_entry(unit, &smmu_units, node) {
		if (!smmuv3_fw_stream(unit, to_pci_dev(dev), &sid)) {
			found = &unit->base;
			break;
		}
	}
	mutex_unlock(&smmu_units_lock);
	return found;
}

static int smmu_source_ids(struct iommufd_sva_unit *unit, struct pci_dev *pdev, u32 *ids)
{
	return smmuv3_fw_streams(to_smmu_unit(unit), pdev, ids, IOMMUFD_SVA_MAX_RIDS);
}

/* Nobody would hear of one that is missing: it is not given up for memory. */
void smmu_add_resv_region(struct list_head *head, u64 start, size_t len, int prot,
			  enum iommu_resv_type type)
{
	struct iommu_resv_region *region;

	region = iommu_alloc_resv_region(start, len, prot, type, GFP_KERNEL | __GFP_NOFAIL);
	list_add_tail(&region->list, head);
}

static void smmu_get_resv_regions(struct iommufd_sva_master *master,
				  struct list_head *head)
{
	struct smmu_master *sm = to_smmu_master(master);

	smmuv3_fw_get_resv_regions(sm->unit, sm->sids, sm->num_sids, head);
	smmu_add_resv_region(head, SMMU_SW_MSI_START, SMMU_SW_MSI_SIZE,
			     IOMMU_WRITE | IOMMU_NOEXEC | IOMMU_MMIO, IOMMU_RESV_SW_MSI);
}

static const char *smmu_must_stay_identity(struct iommufd_sva_unit *unit,
					   struct device *dev)
{
	return smmuv3_fw_must_stay_identity(to_smmu_unit(unit), to_pci_dev(dev));
}

static size_t smmu_hw_info(struct iommufd_sva_unit *unit, void *data, size_t len,
			   u32 *type)
{
	struct smmu_unit *su = to_smmu_unit(unit);
	struct iommufd_sva_hw_info_arm_smmuv3 info = {
		.iidr = su->iidr,
		.aidr = su->aidr,
	};

	memcpy(info.idr, su->idr, sizeof(info.idr));
	*type = IOMMUFD_SVA_HW_INFO_TYPE_ARM_SMMUV3;
	memcpy(data, &info, min(len, sizeof(info)));
	return sizeof(info);
}

/* Where the unit's own accesses snoop, those that it passes on do. */
static bool smmu_cache_coherency(struct iommufd_sva_master *master)
{
	return to_smmu_unit(master->unit)->coherent;
}

static const struct iommufd_sva_backend_ops smmu_backend_ops = {
	.unit_of = smmu_unit_of,
	.source_ids = smmu_source_ids,
	.master_init = smmu_master_init,
	.master_release = smmu_master_release,
	.set_translation = smmu_set_translation,
	.domain_alloc = smmu_domain_alloc,
	.get_resv_regions = smmu_get_resv_regions,
	.must_stay_identity = smmu_must_stay_identity,
	.hw_info = smmu_hw_info,
	.cache_coherency = smmu_cache_coherency,
	.nest_parent = smmu_nest_parent,
	.vunit_alloc = smmu_vunit_alloc,
	.nested_alloc = smmu_nested_alloc,
	.pasid_table_alloc = smmu_pasid_table_alloc,
	.ats_capable = smmu_ats_capable,
	.ats_set = smmu_ats_set,
	.pri_capable = smmu_pri_capable,
	.pri_set = smmu_pri_set,
	.pri_drain = smmu_pri_drain,
	.page_respond = smmu_page_respond,
};

static struct iommufd_sva_backend smmu_backend = {
	.name = KBUILD_MODNAME,
	.owner = THIS_MODULE,
	.ops = &smmu_backend_ops,
	.sw_msi_start = SMMU_SW_MSI_START,
	.sw_msi_len = SMMU_SW_MSI_SIZE,
};

static void smmu_list_add(struct smmu_unit *unit)
{
	mutex_lock(&smmu_units_lock);
	list_add_tail(&unit->node, &smmu_units);
	if (!unit->coherent)
		WRITE_ONCE(smmu_noncoherent_dev, unit->dev);
	mutex_unlock(&smmu_units_lock);
}

static void smmu_list_del(struct smmu_unit *unit)
{
	mutex_lock(&smmu_units_lock);
	list_del(&unit->node);
	mutex_unlock(&smmu_units_lock);
}

static int smmu_probe(struct platform_device *pdev)
{
	struct smmu_unit *unit;
	int rc;

	unit = smmu_unit_create(pdev);
	if (IS_ERR(unit))
		return PTR_ERR(unit);
	platform_set_drvdata(pdev, unit);
	unit->base.backend = &smmu_backend;
	rc = smmu_unit_take(unit);
	if (rc)
		goto err_destroy;
	smmu_debugfs_add(unit);
	smmu_list_add(unit);
	rc = iommufd_sva_unit_register(&unit->base);
	if (rc)
		goto err_hand_back;
	return 0;

err_hand_back:
	smmu_err(unit, "not registered (%d)\n", rc);
	smmu_list_del(unit);
	smmu_debugfs_remove(unit);
	smmu_unit_hand_back(unit);
err_destroy:
	smmu_unit_destroy(unit);
	return rc;
}

/* Only when the module goes: nobody uses a device then. */
static void smmu_remove(struct platform_device *pdev)
{
	struct smmu_unit *unit = platform_get_drvdata(pdev);

	iommufd_sva_unit_unregister(&unit->base);
	smmu_list_del(unit);
	smmu_debugfs_remove(unit);
	smmu_unit_hand_back(unit);
	smmu_unit_destroy(unit);
}

IOMMUFD_SVA_PLATFORM_REMOVE_INT(smmu_remove)

static const struct of_device_id smmu_of_match[] = {
	{ .compatible = "arm,smmu-v3" },
	{ }
};
MODULE_DEVICE_TABLE(of, smmu_of_match);

/* What the kernel calls those of the IORT table. */
static const struct platform_device_id smmu_id_table[] = {
	{ .name = "arm-smmu-v3" },
	{ }
};
MODULE_DEVICE_TABLE(platform, smmu_id_table);

static struct platform_driver smmu_driver = {
	.probe = smmu_probe,
	.remove = IOMMUFD_SVA_PLATFORM_REMOVE(smmu_remove),
	.id_table = smmu_id_table,
	.driver = {
		.name = KBUILD_MODNAME,
		.of_match_table = smmu_of_match,
		/* The references that keep users' units are the module's. */
		.suppress_bind_attrs = true,
		.probe_type = PROBE_FORCE_SYNCHRONOUS,
	},
};

/*
 * Units lose their registers in deep sleep, and we do not write them again.
 * Nothing is done for kexec: it takes bus mastering from every PCI device, and a
 * kernel with the usual driver resets a unit that it finds on.
 */
static int smmu_pm_notify(struct notifier_block *nb, unsigned long action, void *data)
{
	if (action != PM_SUSPEND_PREPARE && action != PM_HIBERNATION_PREPARE)
		return NOTIFY_DONE;
	pr_warn("no suspend while units are taken over: unload smmuv3_nested first\n");
	return notifier_from_errno(-EBUSY);
}

static struct notifier_block smmu_pm_notifier = {
	.notifier_call = smmu_pm_notify,
};

static bool smmu_is_unit(struct device *dev)
{
	return of_match_device(smmu_of_match, dev) ||
	       !strcmp(to_platform_device(dev)->name, smmu_id_table[0].name);
}

/* Why there is nothing for us: a driver has it, or there is none. */
static int smmu_find_busy(struct device *dev, void *data)
{
	int *rc = data;

	if (!smmu_is_unit(dev))
		return 0;
	if (dev->driver) {
		pr_err("%s is in use by %s; boot with initcall_blacklist=arm_smmu_driver_init\n",
		       dev_name(dev), dev_driver_string(dev));
		*rc = -EBUSY;
	} else if (*rc == -ENODEV) {
		/* It was looked at, and said why. */
		*rc = -EOPNOTSUPP;
	}
	return 0;
}

/* All units that can be had. An error only when that is none. */
static int smmu_take_units(void)
{
	int rc;

	rc = platform_driver_register(&smmu_driver);
	if (rc || !list_empty(&smmu_units))
		return rc;
	platform_driver_unregister(&smmu_driver);
	rc = -ENODEV;
	bus_for_each_dev(&platform_bus_type, NULL, &rc, smmu_find_busy);
	if (rc == -ENODEV)
		pr_err("firmware names no SMMUv3\n");
	return rc;
}

static int __init smmu_init(void)
{
	int rc;

	rc = smmuv3_fw_init();
	if (rc)
		return rc;
	smmu_debugfs_init();
	rc = register_pm_notifier(&smmu_pm_notifier);
	if (rc)
		goto err_fw;
	rc = iommufd_sva_backend_register(&smmu_backend);
	if (rc)
		goto err_pm;
	rc = smmu_take_units();
	if (rc)
		goto err_backend;
	if (smmu_allow_noncoherent_nesting)
		pr_warn("allow_noncoherent_nesting: guests that nest can bypass the CPU's caches and see what was in memory before it was cleared\n");
	return 0;

err_backend:
	iommufd_sva_backend_unregister(&smmu_backend);
err_pm:
	unregister_pm_notifier(&smmu_pm_notifier);
err_fw:
	smmu_debugfs_exit();
	smmuv3_fw_exit();
	return rc;
}
module_init(smmu_init);

static void __exit smmu_exit(void)
{
	platform_driver_unregister(&smmu_driver);
	iommufd_sva_backend_unregister(&smmu_backend);
	unregister_pm_notifier(&smmu_pm_notifier);
	smmu_debugfs_exit();
	smmuv3_fw_exit();
}
module_exit(smmu_exit);

MODULE_DESCRIPTION("Arm SMMUv3 as a backend of iommufd_sva");
MODULE_LICENSE("GPL");
