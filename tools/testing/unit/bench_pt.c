// SPDX-License-Identifier: GPL-2.0-only
/*
 * bench_pt SIZE CHUNK: map and unmap 1 GiB REPEAT times with pages of SIZE
 * bytes, CHUNK bytes with each call. bench.sh counts what that costs.
 */
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/sizes.h>
#include <iommufd_sva/pt.h>

#define REPEAT	2

static void no_flush(struct iommufd_sva_pt *pt, u64 start, u64 last)
{
	(void)pt;
	(void)start;
	(void)last;
}

static const struct iommufd_sva_pt_ops ops = { .flush_iotlb = no_flush };

int main(int argc, char **argv)
{
	struct iommufd_sva_pt_cfg cfg = {
		.fmt = &iommufd_sva_pt_vtdss, .ops = &ops, .ias = 48, .oas = 46,
		.pgsize_bitmap = SZ_4K, .coherent = true, .nid = NUMA_NO_NODE,
	};
	struct iommufd_sva_gather gather;
	struct iommufd_sva_pt pt;
	size_t size, chunk, at;
	int i;

	if (argc != 3)
		return 2;
	size = strtoul(argv[1], NULL, 0);
	chunk = strtoul(argv[2], NULL, 0);
	cfg.pgsize_bitmap |= size;
	iommufd_sva_gather_init(&gather);
	for (i = 0; i < REPEAT; i++) {
		if (iommufd_sva_pt_init(&pt, &cfg, GFP_KERNEL))
			return 1;
		for (at = 0; at < SZ_1G; at += chunk)
			if (iommufd_sva_pt_map(&pt, SZ_1G + at, SZ_1G + at, chunk,
					       IOMMU_READ, GFP_KERNEL, NULL))
				return 1;
		for (at = 0; at < SZ_1G; at += chunk) {
			if (iommufd_sva_pt_unmap(&pt, SZ_1G + at, chunk, &gather) != chunk)
				return 1;
			iommufd_sva_pt_free_gathered(&pt, &gather);
		}
		iommufd_sva_pt_destroy(&pt);
	}
	return 0;
}
