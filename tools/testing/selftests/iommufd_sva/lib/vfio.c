// SPDX-License-Identifier: GPL-2.0-only
/* A plain VFIO type1 user: nothing in here knows of /dev/iommufd_sva. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <linux/vfio.h>

#include "pci.h"
#include "vfio.h"

static int err(int rc)
{
	return rc < 0 ? -errno : rc;
}

int vfio_group_open(int group)
{
	struct vfio_group_status status = { .argsz = sizeof(status) };
	char path[32];
	int fd, rc;

	if (group < 0)
		return -ENODEV;
	snprintf(path, sizeof(path), "/dev/vfio/%d", group);
	fd = err(open(path, O_RDWR | O_CLOEXEC));
	if (fd < 0)
		return fd;
	rc = err(ioctl(fd, VFIO_GROUP_GET_STATUS, &status));
	if (!rc && !(status.flags & VFIO_GROUP_FLAGS_VIABLE))
		rc = -EPERM;
	if (rc) {
		close(fd);
		return rc;
	}
	return fd;
}

int vfio_open_container(struct vfio *vfio, const char *name)
{
	int rc;

	*vfio = (struct vfio){ .device = -1, .group = -1 };
	vfio->container = err(open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC));
	if (vfio->container < 0)
		return vfio->container;
	rc = vfio->group = vfio_group_open(pci_group(name));
	if (rc >= 0)
		rc = err(ioctl(vfio->group, VFIO_GROUP_SET_CONTAINER,
			       &vfio->container));
	if (rc >= 0)
		rc = err(ioctl(vfio->container, VFIO_SET_IOMMU,
			       VFIO_TYPE1v2_IOMMU));
	if (rc < 0) {
		vfio_close(vfio);
		return rc;
	}
	return 0;
}

int vfio_get_device(struct vfio *vfio, const char *name)
{
	vfio->device = err(ioctl(vfio->group, VFIO_GROUP_GET_DEVICE_FD, name));
	return vfio->device < 0 ? vfio->device : 0;
}

int vfio_open(struct vfio *vfio, const char *name)
{
	int rc = vfio_open_container(vfio, name);

	if (rc)
		return rc;
	rc = vfio_get_device(vfio, name);
	if (rc)
		vfio_close(vfio);
	return rc;
}

void vfio_close(struct vfio *vfio)
{
	if (vfio->bar)
		munmap(vfio->bar, vfio->bar_len);
	vfio->bar = NULL;
	if (vfio->device >= 0)
		close(vfio->device);
	if (vfio->group >= 0)
		close(vfio->group);
	if (vfio->container >= 0)
		close(vfio->container);
	vfio->device = vfio->group = vfio->container = -1;
}

static int region(struct vfio *vfio, int index, struct vfio_region_info *info)
{
	*info = (struct vfio_region_info){ .argsz = sizeof(*info), .index = index };
	return err(ioctl(vfio->device, VFIO_DEVICE_GET_REGION_INFO, info));
}

volatile void *vfio_map_bar(struct vfio *vfio, int bar)
{
	struct vfio_region_info info;
	void *mem;

	if (region(vfio, bar, &info) < 0)
		return NULL;
	mem = mmap(NULL, info.size, PROT_READ | PROT_WRITE, MAP_SHARED,
		   vfio->device, info.offset);
	if (mem == MAP_FAILED)
		return NULL;
	vfio->bar = mem;
	vfio->bar_len = info.size;
	return mem;
}

int vfio_enable(struct vfio *vfio)
{
	struct vfio_region_info info;
	uint16_t cmd;
	int rc = region(vfio, VFIO_PCI_CONFIG_REGION_INDEX, &info);

	if (rc < 0)
		return rc;
	if (pread(vfio->device, &cmd, sizeof(cmd), info.offset + 4) != sizeof(cmd))
		return -EIO;
	cmd |= PCI_CMD_MEMORY | PCI_CMD_MASTER;
	if (pwrite(vfio->device, &cmd, sizeof(cmd), info.offset + 4) != sizeof(cmd))
		return -EIO;
	return 0;
}

int vfio_reset(struct vfio *vfio)
{
	return err(ioctl(vfio->device, VFIO_DEVICE_RESET));
}

int vfio_msi(struct vfio *vfio, int eventfd)
{
	struct {
		struct vfio_irq_set set;
		int32_t fd;
	} irq = {
		.set = {
			.argsz = sizeof(irq),
			.flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
			.index = VFIO_PCI_MSI_IRQ_INDEX,
			.count = 1,
		},
		.fd = eventfd,
	};

	return err(ioctl(vfio->device, VFIO_DEVICE_SET_IRQS, &irq));
}

int vfio_map(struct vfio *vfio, void *va, uint64_t length, uint64_t iova,
	     uint32_t flags)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = flags,
		.vaddr = (uintptr_t)va,
		.iova = iova,
		.size = length,
	};

	return err(ioctl(vfio->container, VFIO_IOMMU_MAP_DMA, &map));
}

int vfio_unmap(struct vfio *vfio, uint64_t iova, uint64_t length)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.iova = iova,
		.size = length,
	};

	return err(ioctl(vfio->container, VFIO_IOMMU_UNMAP_DMA, &unmap));
}
