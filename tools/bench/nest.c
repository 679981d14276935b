// SPDX-License-Identifier: GPL-2.0-only
/*
 * bench_nest: what a guest's PASID tables and its invalidations cost on VT-d. No
 * emulator nests there: the unit is a hardware model, and what it does for an
 * invalidation is counted with it. Prints lines as bench does, and lines
 *
 *	count OPERATION NUMBER
 *
 * of what the unit was given.
 */
#include <stdio.h>
#include <string.h>

#include "report.h"
#include "sim.h"
#include "sva.h"
#include "vguest.h"

#define GPA 0x40000000UL
#define GUEST_SIZE (256UL << 20)
#define VA 0x7f1234560000UL
#define ROUNDS 5
#define BATCH 100

static int fd;
static uint32_t device, viommu;

static void must(int rc, const char *what)
{
	if (rc)
		die(what, rc);
}

/* 2^@bits present PASIDs, all of one address space. */
static void bind(struct guest *g, const struct fs *fs, unsigned int bits)
{
	/* A directory is one of 13 bits at least. */
	struct iommufd_sva_pasid_table_vtd arg = { .pasid_bits = bits < 13 ? 13 : bits };
	uint64_t bound[ROUNDS], t0;
	char what[32];
	struct pasids p;
	uint32_t table;

	pasids_init(&p, g, arg.pasid_bits);
	for (uint32_t i = 0; i < 1U << bits; i++)
		pasids_set(&p, i, fs, 1);
	arg.dir_gpa = p.dir;
	snprintf(what, sizeof(what), "2^%u", bits);
	/* The first time code is cold. */
	for (int i = -1; i < ROUNDS; i++) {
		t0 = now_ns();
		must(sva_pasid_table_alloc(fd, viommu, IOMMUFD_SVA_PASID_TABLE_VTD, &arg,
					   sizeof(arg), &table), "PASID_TABLE_ALLOC");
		if (i >= 0)
			bound[i] = now_ns() - t0;
		must(sva_destroy(fd, table), "DESTROY");
	}
	report(what, "bind", bound, ROUNDS, 1UL << bits);
}

static void invalidate(const struct qi *descs, uint32_t num)
{
	must(sva_invalidate(fd, viommu, IOMMUFD_SVA_INVALIDATE_VTD_QI, descs, sizeof(*descs),
			    &num), "HWPT_INVALIDATE");
}

static void batch(const char *what, const struct qi *descs, uint32_t num)
{
	uint64_t ns[ROUNDS], t0, tails, waits;

	for (int i = -1; i < ROUNDS; i++) {
		tails = sim_counter(0, "batches");
		waits = sim_counter(0, "wait");
		t0 = now_ns();
		invalidate(descs, num);
		if (i >= 0)
			ns[i] = now_ns() - t0;
	}
	report(what, "invalidate", ns, ROUNDS, num);
	printf("count tails-%s %lu\n", what, (unsigned long)(sim_counter(0, "batches") - tails));
	printf("count waits-%s %lu\n", what, (unsigned long)(sim_counter(0, "wait") - waits));
}

/* A process in use, and its pages invalidated one by one. */
static void invalidations(struct guest *g, const struct fs *fs, int bdf)
{
	struct iommufd_sva_pasid_table_vtd arg = { .pasid_bits = 20 };
	struct qi descs[BATCH];
	struct pasids p;
	uint32_t table;
	char byte[8];

	pasids_init(&p, g, 20);
	pasids_set(&p, 7, fs, 1);
	arg.dir_gpa = p.dir;
	must(sva_pasid_table_alloc(fd, viommu, IOMMUFD_SVA_PASID_TABLE_VTD, &arg, sizeof(arg),
				   &table), "PASID_TABLE_ALLOC");
	must(sva_attach(fd, device, table, NULL), "DEVICE_ATTACH");
	must(sim_read_pasid(bdf, 7, VA, byte, sizeof(byte), 0), "DMA");
	for (uint32_t i = 0; i < BATCH; i++)
		descs[i] = qi_piotlb_pages(1, 7, VA + i * SZ_4K, 0);
	batch("1", descs, 1);
	batch("100", descs, BATCH);
	/* Left out: what is ours of the cost. */
	for (uint32_t i = 0; i < BATCH; i++)
		descs[i] = qi_iec();
	batch("left-out", descs, BATCH);
}

int main(void)
{
	int bdf = sim_add_endpoint(20, SIM_CAP_FLR | SIM_CAP_PASID);
	uint32_t ioas, parent, vdevice;
	struct guest g;
	struct fs fs;

	if (bdf < 0)
		die("a modelled device", bdf);
	must(guest_init(&g, GPA, GUEST_SIZE), "memory");
	fd = sva_open();
	if (fd < 0)
		die(SVA_DEV, fd);
	must(sva_bind(fd, bdf, &device), "DEVICE_BIND");
	must(sva_ioas_alloc(fd, &ioas), "IOAS_ALLOC");
	must(sva_map(fd, ioas, g.mem, GUEST_SIZE, GPA, SVA_RW), "IOAS_MAP");
	must(sva_hwpt_alloc(fd, device, ioas, IOMMUFD_SVA_HWPT_ALLOC_NEST_PARENT, &parent),
	     "HWPT_ALLOC");
	must(sva_viommu_alloc(fd, IOMMUFD_SVA_VIOMMU_VTD, device, parent, &viommu),
	     "VIOMMU_ALLOC");
	must(sva_vdevice_alloc(fd, viommu, device, 0x80, &vdevice), "VDEVICE_ALLOC");
	fs_init(&fs, &g);
	fs_map(&fs, VA, guest_alloc(&g, SZ_4K, SZ_4K), FS_RW);

	bind(&g, &fs, 10);
	bind(&g, &fs, 16);
	bind(&g, &fs, 20);
	invalidations(&g, &fs, bdf);
	return 0;
}
