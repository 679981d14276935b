// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/class/iommu/dmarN/intel-iommu: what a unit can do, under the names that
 * the kernel's own driver has for it.
 */
#include <linux/device.h>
#include <linux/sysfs.h>
#include "vtd.h"

static struct vtd_unit *dev_to_vtd_unit(struct device *dev)
{
	struct iommu_device *iommu = dev_to_iommu_device(dev);

	return to_vtd_unit(container_of(iommu, struct iommufd_sva_unit, iommu));
}

static ssize_t version_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	u32 ver = dev_to_vtd_unit(dev)->ver;

	return sysfs_emit(buf, "%u:%u\n", ver >> 4 & 0xf, ver & 0xf);
}
static DEVICE_ATTR_RO(version);

static ssize_t address_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%llx\n", dev_to_vtd_unit(dev)->drhd->base);
}
static DEVICE_ATTR_RO(address);

static ssize_t cap_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%llx\n", dev_to_vtd_unit(dev)->cap);
}
static DEVICE_ATTR_RO(cap);

static ssize_t ecap_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%llx\n", dev_to_vtd_unit(dev)->ecap);
}
static DEVICE_ATTR_RO(ecap);

static ssize_t domains_supported_show(struct device *dev, struct device_attribute *attr,
				      char *buf)
{
	return sysfs_emit(buf, "%u\n", vtd_unit_max_did(dev_to_vtd_unit(dev)) + 1);
}
static DEVICE_ATTR_RO(domains_supported);

static ssize_t domains_used_show(struct device *dev, struct device_attribute *attr,
				 char *buf)
{
	return sysfs_emit(buf, "%d\n", atomic_read(&dev_to_vtd_unit(dev)->num_dids));
}
static DEVICE_ATTR_RO(domains_used);

static struct attribute *vtd_unit_attrs[] = {
	&dev_attr_version.attr,
	&dev_attr_address.attr,
	&dev_attr_cap.attr,
	&dev_attr_ecap.attr,
	&dev_attr_domains_supported.attr,
	&dev_attr_domains_used.attr,
	NULL,
};

static const struct attribute_group vtd_unit_group = {
	.name = "intel-iommu",
	.attrs = vtd_unit_attrs,
};

const struct attribute_group *vtd_unit_groups[] = {
	&vtd_unit_group,
	NULL,
};
