/* SPDX-License-Identifier: GPL-2.0-only */
/* PCI devices as sysfs shows them. Names are SSSS:BB:DD.F. */
#ifndef SELFTEST_PCI_H
#define SELFTEST_PCI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PCI_NAME_LEN 16

/* What QEMU offers. */
#define ID_EDU 0x123411e8u
#define ID_TESTDEV 0x1b360005u
#define ID_E1000E 0x808610d3u
#define ID_IGB 0x808610c9u
#define ID_IGBVF 0x808610cau
#define ID_NVME 0x1b360010u
#define ID_VIRTIO_BLK 0x1af41042u

/* The @index'th device, in order of address, with vendor << 16 | device. */
bool pci_find(uint32_t id, int index, char *name);
int pci_count(uint32_t id);
/* vendor << 16 | device, 0 when it is not there. */
uint32_t pci_id(const char *name);
bool pci_present(const char *name);
/* As in struct iommufd_sva_device_bind. */
uint32_t pci_bdf(const char *name);

/* The driver's name, "" for none. */
char *pci_driver(const char *name, char *buf, size_t len);
/* 0 or a negative errno; unbinding what has no driver is 0. */
int pci_unbind(const char *name);
/*
 * Unbinds every device that has both a driver and an IOMMU group, but for
 * bridges; 0 or a negative errno.
 */
int pci_unbind_adopted(void);
/* Through driver_override, so that a driver takes a device it does not know. */
int pci_bind_driver(const char *name, const char *driver);
/* Back to the driver that the kernel would choose. */
int pci_default_driver(const char *name);

/* The IOMMU group's number, -1 for none. */
int pci_group(const char *name);

/* Memory decoding and bus mastering, through configuration space. */
int pci_set_command(const char *name, uint16_t set, uint16_t clear);
#define PCI_CMD_MEMORY 0x2
#define PCI_CMD_MASTER 0x4
int pci_command(const char *name);

/* Map BAR @bar; NULL on error. */
volatile void *pci_map(const char *name, int bar, size_t *len);

int pci_remove(const char *name);
int pci_rescan(void);

/* The name of the bridge above, "" at a root bus. */
char *pci_parent(const char *name, char *buf);

/* The root port above @name, its own name on a root bus. */
char *pci_top(const char *name, char *buf);

/* The name of the @index'th device of all, in order of address. */
bool pci_nth(int index, char *name);

/* ACS control, -ENOENT without the capability. */
int pci_acs(const char *name);
int pci_set_acs(const char *name, uint16_t ctrl);

/* Wait until a device is there, or gone. */
bool pci_wait(const char *name, bool present, unsigned int ms);

#endif
