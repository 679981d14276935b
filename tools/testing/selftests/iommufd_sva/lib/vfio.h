/* SPDX-License-Identifier: GPL-2.0-only */
/* A plain VFIO type1 user: nothing in here knows of /dev/iommufd_sva. */
#ifndef SELFTEST_VFIO_H
#define SELFTEST_VFIO_H

#include <stddef.h>
#include <stdint.h>
#include <linux/vfio.h>

#define VFIO_RW (VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE)

struct vfio {
	int container;
	int group;
	int device;
	/* What vfio_map_bar() mapped: a mapping keeps the device open. */
	void *bar;
	size_t bar_len;
};

/* Open /dev/vfio/@group, -EPERM when the group is not viable. */
int vfio_group_open(int group);
/* Container, type1v2, the group of PCI device @name, the device. */
int vfio_open(struct vfio *vfio, const char *name);
/* Only the container and the group, no device yet. */
int vfio_open_container(struct vfio *vfio, const char *name);
int vfio_get_device(struct vfio *vfio, const char *name);
void vfio_close(struct vfio *vfio);
/* One at a time; until vfio_close(). */
volatile void *vfio_map_bar(struct vfio *vfio, int bar);
/* Bus mastering, by the device's configuration space. */
int vfio_enable(struct vfio *vfio);
int vfio_reset(struct vfio *vfio);
/* The device's first MSI to @eventfd. */
int vfio_msi(struct vfio *vfio, int eventfd);

int vfio_map(struct vfio *vfio, void *va, uint64_t length, uint64_t iova,
	     uint32_t flags);
int vfio_unmap(struct vfio *vfio, uint64_t iova, uint64_t length);

#endif
