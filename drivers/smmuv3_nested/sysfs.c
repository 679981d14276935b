// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/class/iommu/smmu3.0x…/arm-smmu-v3: what a unit can do. The kernel's own
 * driver has no such directory; registers have the specification's names.
 */
#include <linux/device.h>
#include <linux/sysfs.h>
#include "smmuv3.h"

static struct smmu_unit *dev_to_smmu_unit(struct device *dev)
{
	struct iommu_device *iommu = dev_to_iommu_device(dev);

	return to_smmu_unit(container_of(iommu, struct iommufd_sva_unit, iommu));
}

static ssize_t address_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%llx\n", (u64)dev_to_smmu_unit(dev)->phys);
}
static DEVICE_ATTR_RO(address);

/* IDR0 to IDR5, a line each. */
static ssize_t idr_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	const u32 *idr = dev_to_smmu_unit(dev)->idr;

	return sysfs_emit(buf, "%08x\n%08x\n%08x\n%08x\n%08x\n%08x\n", idr[0], idr[1],
			  idr[2], idr[3], idr[4], idr[5]);
}
static DEVICE_ATTR_RO(idr);

static ssize_t iidr_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%08x\n", dev_to_smmu_unit(dev)->iidr);
}
static DEVICE_ATTR_RO(iidr);

static ssize_t aidr_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%08x\n", dev_to_smmu_unit(dev)->aidr);
}
static DEVICE_ATTR_RO(aidr);

static ssize_t vmids_supported_show(struct device *dev, struct device_attribute *attr,
				    char *buf)
{
	return sysfs_emit(buf, "%lu\n", BIT(dev_to_smmu_unit(dev)->vmid_bits) - 1);
}
static DEVICE_ATTR_RO(vmids_supported);

static ssize_t vmids_used_show(struct device *dev, struct device_attribute *attr,
			       char *buf)
{
	return sysfs_emit(buf, "%d\n", atomic_read(&dev_to_smmu_unit(dev)->num_vmids));
}
static DEVICE_ATTR_RO(vmids_used);

static struct attribute *smmu_unit_attrs[] = {
	&dev_attr_address.attr,
	&dev_attr_idr.attr,
	&dev_attr_iidr.attr,
	&dev_attr_aidr.attr,
	&dev_attr_vmids_supported.attr,
	&dev_attr_vmids_used.attr,
	NULL,
};

static const struct attribute_group smmu_unit_group = {
	.name = "arm-smmu-v3",
	.attrs = smmu_unit_attrs,
};

const struct attribute_group *smmu_unit_groups[] = {
	&smmu_unit_group,
	NULL,
};
