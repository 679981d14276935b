// SPDX-License-Identifier: GPL-2.0-only
/*
 * bench sva|vfio: what mapping and unmapping costs, through /dev/iommufd_sva or
 * through VFIO's type1 container. Prints one line per measurement:
 *
 *	OPERATION NANOSECONDS UNITS
 *
 * the median of several rounds, for so many pages (of 4 KiB) or calls. In a
 * machine whose clock counts instructions, nanoseconds are instructions.
 *
 * One device is attached all the while, so that there are tables to fill
 * and caches to invalidate.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <linux/vfio.h>

#include "engine.h"
#include "pci.h"
#include "report.h"
#include "sva.h"
#include "vfio.h"

#define BULK (128UL << 20)
#define IOVA (64UL << 30)
#define ROUNDS 5
#define SINGLE_ROUNDS 200

/* A way to map memory for a device. */
struct way {
	const char *name;
	int (*open)(const char *device);
	int (*map)(void *mem, size_t len, uint64_t iova);
	int (*unmap)(uint64_t iova, size_t len);
};

static int sva_fd;
static uint32_t sva_ioas;

static int sva_way_open(const char *device)
{
	uint32_t id;
	int rc;

	sva_fd = sva_open();
	if (sva_fd < 0)
		return sva_fd;
	rc = sva_ioas_alloc(sva_fd, &sva_ioas);
	if (!rc)
		rc = sva_bind(sva_fd, pci_bdf(device), &id);
	if (!rc)
		rc = sva_attach(sva_fd, id, sva_ioas, NULL);
	return rc;
}

static int sva_way_map(void *mem, size_t len, uint64_t iova)
{
	return sva_map(sva_fd, sva_ioas, mem, len, iova, SVA_RW);
}

static int sva_way_unmap(uint64_t iova, size_t len)
{
	return sva_unmap(sva_fd, sva_ioas, iova, len, NULL);
}

static struct vfio vfio;

static int vfio_way_open(const char *device)
{
	int rc;

	sh("modprobe vfio-pci; modprobe vfio_iommu_type1 allow_unsafe_interrupts=1");
	rc = pci_bind_driver(device, "vfio-pci");
	return rc ? rc : vfio_open(&vfio, device);
}

static int vfio_way_map(void *mem, size_t len, uint64_t iova)
{
	return vfio_map(&vfio, mem, len, iova,
			VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE);
}

static int vfio_way_unmap(uint64_t iova, size_t len)
{
	return vfio_unmap(&vfio, iova, len);
}

static const struct way ways[] = {
	{ "sva", sva_way_open, sva_way_map, sva_way_unmap },
	{ "vfio", vfio_way_open, vfio_way_map, vfio_way_unmap },
};

static void measure(const struct way *way, const char *what, char *mem,
		    size_t len, int rounds, unsigned long units)
{
	uint64_t map[SINGLE_ROUNDS], unmap[SINGLE_ROUNDS], t0, t1, t2, t3;

	/* The first time tables are allocated and code is cold. */
	for (int i = -1; i < rounds; i++) {
		int rc;

		t0 = now_ns();
		rc = way->map(mem, len, IOVA);
		t1 = now_ns();
		if (rc)
			die("map", rc);
		t2 = now_ns();
		rc = way->unmap(IOVA, len);
		t3 = now_ns();
		if (rc)
			die("unmap", rc);
		if (i >= 0) {
			map[i] = t1 - t0;
			unmap[i] = t3 - t2;
		}
	}
	report(what, "map", map, rounds, units);
	report(what, "unmap", unmap, rounds, units);
}

/* Memory of 4 KiB pages, touched for the first time @stride pages apart. */
static char *small_pages(unsigned long stride)
{
	unsigned long page = 0;
	char *mem = mmap(NULL, BULK, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (mem == MAP_FAILED)
		die("memory", -errno);
	madvise(mem, BULK, MADV_NOHUGEPAGE);
	for (unsigned long i = 0; i < BULK / SZ_4K; i++) {
		mem[page * SZ_4K] = 1;
		page = (page + stride) % (BULK / SZ_4K);
	}
	return mem;
}

int main(int argc, char **argv)
{
	const struct way *way = NULL;
	char device[PCI_NAME_LEN], *mem;
	int rc;

	for (unsigned int i = 0; argc == 2 && i < sizeof(ways) / sizeof(*ways); i++)
		if (!strcmp(argv[1], ways[i].name))
			way = &ways[i];
	if (!way) {
		fprintf(stderr, "usage: bench sva|vfio\n");
		return 2;
	}
	if (!engine_find(0, device)) {
		fprintf(stderr, "bench: no DMA engine\n");
		return 1;
	}
	rc = pci_unbind(device);
	if (!rc)
		rc = way->open(device);
	if (rc)
		die(device, rc);

	/* Largely contiguous: a young machine gives its pages away in order. */
	mem = small_pages(1);
	measure(way, "4k", mem, BULK, ROUNDS, BULK / SZ_4K);
	/* Alone in its tables, which come and go with it; and beside another. */
	measure(way, "one", mem, SZ_4K, SINGLE_ROUNDS, 1);
	rc = way->map(mem + SZ_4K, SZ_4K, IOVA + SZ_4K);
	if (rc)
		die("map", rc);
	measure(way, "beside", mem, SZ_4K, SINGLE_ROUNDS, 1);
	rc = way->unmap(IOVA + SZ_4K, SZ_4K);
	if (rc)
		die("unmap", rc);
	munmap(mem, BULK);

	/* No two neighbours. The stride is odd, so it meets every page. */
	mem = small_pages(12347);
	measure(way, "4k-scattered", mem, BULK, ROUNDS, BULK / SZ_4K);
	munmap(mem, BULK);

	mem = mem_alloc_huge(BULK, SZ_2M);
	if (!mem)
		die("huge pages", -ENOMEM);
	measure(way, "2m", mem, BULK, ROUNDS, BULK / SZ_4K);
	return 0;
}
