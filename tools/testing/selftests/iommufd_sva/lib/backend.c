// SPDX-License-Identifier: GPL-2.0-only
/* What differs from backend to backend, as far as a test can see it. */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend.h"
#include "sva.h"

#ifdef __aarch64__
#define DEFAULT_BACKEND "smmuv3_nested allow_noncoherent_nesting=1"
#else
#define DEFAULT_BACKEND "vtd_nested"
#endif

static const struct backend backends[] = {
	{
		.module = "vtd_nested",
		.unreadable = "stray completion",
		.hw_info_type = IOMMUFD_SVA_HW_INFO_TYPE_INTEL_VTD,
		.hw_info_len = sizeof(struct iommufd_sva_hw_info_vtd),
		.msi_start = 0xfee00000,
		.msi_last = 0xfeefffff,
		.has_viommu = true,
	},
	{
		.module = "smmuv3_nested",
		.unreadable = "trying again",
		.hw_info_type = IOMMUFD_SVA_HW_INFO_TYPE_ARM_SMMUV3,
		.hw_info_len = sizeof(struct iommufd_sva_hw_info_arm_smmuv3),
		.msi_start = 0x8000000,
		.msi_last = 0x80fffff,
		.blocks_silently = true,
		.has_viommu = true,
		.hosts_wait = true,
	},
};

static const char *command(void)
{
	const char *env = getenv("BACKEND");

	return env && *env ? env : DEFAULT_BACKEND;
}

const struct backend *backend(void)
{
	size_t len = strcspn(command(), " ");

	for (size_t i = 0; i < sizeof(backends) / sizeof(backends[0]); i++)
		if (strlen(backends[i].module) == len &&
		    !strncmp(command(), backends[i].module, len))
			return &backends[i];
	fprintf(stderr, "Bail out! BACKEND=%s: no such backend\n", command());
	exit(1);
}

bool backend_is(const char *module)
{
	return !strcmp(backend()->module, module);
}

int backend_load(void)
{
	return sh("modprobe %s 2>/dev/null", command());
}

int backend_unload(void)
{
	return sh("rmmod %s 2>/dev/null", backend()->module);
}

long backend_tags_used(void)
{
	long sum = 0, one;
	glob_t g;
	FILE *f;

	if (glob("/sys/class/iommu/*/*/*s_used", 0, NULL, &g))
		return -1;
	for (size_t i = 0; i < g.gl_pathc; i++) {
		f = fopen(g.gl_pathv[i], "r");
		if (f && fscanf(f, "%ld", &one) == 1)
			sum += one;
		if (f)
			fclose(f);
	}
	globfree(&g);
	return sum;
}

bool backend_hw_info_valid(const void *data)
{
	const struct iommufd_sva_hw_info_arm_smmuv3 *smmu = data;
	const struct iommufd_sva_hw_info_vtd *vtd = data;

	if (backend()->hw_info_type == IOMMUFD_SVA_HW_INFO_TYPE_INTEL_VTD)
		/* ECAP.SMTS, ECAP.SLTS */
		return !vtd->__reserved && vtd->cap_reg &&
		       vtd->ecap_reg >> 43 & 1 && vtd->ecap_reg >> 46 & 1;
	/* IDR0.S2P; IDR5.GRAN4K */
	return !smmu->__reserved && smmu->idr[0] & 1 && smmu->idr[5] >> 4 & 1;
}

/* Is the module's parameter @name on? */
static bool module_flag(const char *name)
{
	char path[96];
	int value = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/module/%s/parameters/%s", backend()->module, name);
	f = fopen(path, "r");
	if (f) {
		value = fgetc(f);
		fclose(f);
	}
	return value == 'Y';
}

bool backend_can_nest(const void *data)
{
	const struct iommufd_sva_hw_info_arm_smmuv3 *smmu = data;
	const struct iommufd_sva_hw_info_vtd *vtd = data;

	if (backend()->hw_info_type == IOMMUFD_SVA_HW_INFO_TYPE_INTEL_VTD)
		/* ECAP.NEST */
		return vtd->ecap_reg >> 26 & 1;
	/* IDR0.S1P and IDR0.S2P */
	return (smmu->idr[0] & 3) == 3;
}

bool backend_may_nest(const void *data)
{
	const struct iommufd_sva_hw_info_arm_smmuv3 *smmu = data;

	if (backend()->hw_info_type == IOMMUFD_SVA_HW_INFO_TYPE_INTEL_VTD)
		return true;
	/* IDR3.FWB */
	return smmu->idr[3] >> 8 & 1 || module_flag("allow_noncoherent_nesting");
}

long backend_tells(const char *file, const char *name, const char *key)
{
	char path[128], line[512], want[64], *at;
	long value = -1;
	glob_t g;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/kernel/debug/iommufd_sva/*/%s", file);
	if (glob(path, 0, NULL, &g))
		return -1;
	snprintf(want, sizeof(want), "%s=", key);
	for (size_t i = 0; i < g.gl_pathc && value < 0; i++) {
		f = fopen(g.gl_pathv[i], "r");
		while (f && fgets(line, sizeof(line), f)) {
			at = strstr(line, want);
			if (at && (!name || strstr(line, name)))
				value = strtol(at + strlen(want), NULL, 0);
		}
		if (f)
			fclose(f);
	}
	globfree(&g);
	return value;
}
