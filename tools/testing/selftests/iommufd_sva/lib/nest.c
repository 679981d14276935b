// SPDX-License-Identifier: GPL-2.0-only
/* What nesting is called on a kind of unit. */
#include "backend.h"
#include "guest.h"
#include "nest.h"
#include "sva.h"

/* Where a guest's memory is that has its tables there. */
#define TABLES 0x40000000UL

const struct kind *kind(void)
{
	static const struct kind vtd = {
		.viommu = IOMMUFD_SVA_VIOMMU_VTD,
		.nested = IOMMUFD_SVA_HWPT_DATA_VTD_S1,
		.table = IOMMUFD_SVA_PASID_TABLE_VTD,
		.inv = IOMMUFD_SVA_INVALIDATE_VTD_QI,
		.inv_len = 16,
		.event = IOMMUFD_SVA_VEVENTQ_VTD,
		.vsid_bits = 16,
	};
	static const struct kind smmuv3 = {
		.viommu = IOMMUFD_SVA_VIOMMU_TYPE_ARM_SMMUV3,
		.nested = IOMMUFD_SVA_HWPT_DATA_ARM_SMMUV3,
		.table = IOMMUFD_SVA_PASID_TABLE_SMMUV3,
		.inv = IOMMUFD_SVA_VIOMMU_INVALIDATE_DATA_ARM_SMMUV3,
		.inv_len = 16,
		.event = IOMMUFD_SVA_VEVENTQ_TYPE_ARM_SMMUV3,
		.vsid_bits = 32,
		.viommu_tags = 1,
		.bypass = true,
	};

	return backend()->hw_info_type == IOMMUFD_SVA_HW_INFO_TYPE_INTEL_VTD ? &vtd : &smmuv3;
}

int nest(int fd, uint32_t device, uint32_t pt, uint32_t *hwpt)
{
	struct iommufd_sva_hwpt_vtd_s1 s1 = { .pgtbl_addr = TABLES, .addr_width = 48 };
	uint64_t ste[2];

	if (kind()->nested == IOMMUFD_SVA_HWPT_DATA_VTD_S1)
		return sva_hwpt_nested(fd, device, pt, kind()->nested, &s1, sizeof(s1), hwpt);
	guest_ste_bypass(ste);
	return sva_hwpt_nested(fd, device, pt, kind()->nested, ste, sizeof(ste), hwpt);
}

static bool ask(int fd, uint32_t device, bool (*what)(const void *data))
{
	struct iommufd_sva_hw_info_arm_smmuv3 data = {};
	struct iommufd_sva_hw_info info = {
		.size = sizeof(info),
		.dev_id = device,
		.data_len = sizeof(data),
		.data_uptr = (uintptr_t)&data,
	};

	return !sva_ioctl(fd, IOMMUFD_SVA_GET_HW_INFO, &info) && what(&data);
}

bool can_nest(int fd, uint32_t device)
{
	return ask(fd, device, backend_can_nest);
}

bool has_viommu(int fd, uint32_t device)
{
	return backend()->has_viommu && can_nest(fd, device) &&
	       ask(fd, device, backend_may_nest);
}
