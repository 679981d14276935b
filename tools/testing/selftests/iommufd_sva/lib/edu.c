// SPDX-License-Identifier: GPL-2.0-only
/* DMA engines of QEMU that a test can drive from user space. */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "edu.h"
#include "pci.h"
#include "sva.h"

#define EDU_LIVENESS 0x04
#define EDU_IRQ_RAISE 0x60
#define EDU_IRQ_ACK 0x64
#define EDU_DMA_SRC 0x80
#define EDU_DMA_DST 0x88
#define EDU_DMA_COUNT 0x90
#define EDU_DMA_CMD 0x98
#define EDU_DMA_RUN 0x1
#define EDU_DMA_TO_MEMORY 0x2
#define EDU_BUF 0x40000

static void edu_write64(struct edu *edu, unsigned int reg, uint64_t val)
{
	*(volatile uint64_t *)(edu->bar + reg) = val;
}

static uint64_t edu_read64(struct edu *edu, unsigned int reg)
{
	return *(volatile uint64_t *)(edu->bar + reg);
}

void edu_init(struct edu *edu, volatile void *bar)
{
	edu->bar = bar;
	edu->len = 0;
}

int edu_open(struct edu *edu, const char *name)
{
	int rc = pci_set_command(name, PCI_CMD_MEMORY | PCI_CMD_MASTER, 0);

	if (rc)
		return rc;
	edu->bar = pci_map(name, 0, &edu->len);
	return edu->bar ? 0 : -EIO;
}

void edu_close(struct edu *edu)
{
	if (edu->bar && edu->len)
		munmap((void *)edu->bar, edu->len);
	edu->bar = NULL;
}

bool edu_alive(struct edu *edu)
{
	volatile uint32_t *reg = (volatile uint32_t *)(edu->bar + EDU_LIVENESS);

	*reg = 0x5aa51234;
	return *reg == (uint32_t)~0x5aa51234;
}

void edu_interrupt(struct edu *edu)
{
	*(volatile uint32_t *)(edu->bar + EDU_IRQ_RAISE) = 1;
	*(volatile uint32_t *)(edu->bar + EDU_IRQ_ACK) = 1;
}

static void edu_start(struct edu *edu, uint64_t src, uint64_t dst, size_t length,
		      uint64_t cmd)
{
	edu_write64(edu, EDU_DMA_SRC, src);
	edu_write64(edu, EDU_DMA_DST, dst);
	edu_write64(edu, EDU_DMA_COUNT, length);
	edu_write64(edu, EDU_DMA_CMD, cmd | EDU_DMA_RUN);
}

void edu_start_fetch(struct edu *edu, uint64_t iova, size_t length)
{
	edu_start(edu, iova, EDU_BUF, length, 0);
}

void edu_start_store(struct edu *edu, uint64_t iova, size_t length)
{
	edu_start(edu, EDU_BUF, iova, length, EDU_DMA_TO_MEMORY);
}

int edu_wait(struct edu *edu)
{
	for (int i = 0; i < 5000; i++) {
		if (!(edu_read64(edu, EDU_DMA_CMD) & EDU_DMA_RUN))
			return 0;
		usleep(1000);
	}
	return -ETIMEDOUT;
}

int edu_fetch(struct edu *edu, uint64_t iova, size_t length)
{
	edu_start_fetch(edu, iova, length);
	return edu_wait(edu);
}

int edu_store(struct edu *edu, uint64_t iova, size_t length)
{
	edu_start_store(edu, iova, length);
	return edu_wait(edu);
}

/* Registers of iommu-testdev, in 32-bit words. */
#define TESTDEV_TRIGGER (0x00 / 4)
#define TESTDEV_IOVA_LO (0x04 / 4)
#define TESTDEV_IOVA_HI (0x08 / 4)
#define TESTDEV_LEN (0x0c / 4)
#define TESTDEV_RESULT (0x10 / 4)
#define TESTDEV_DOORBELL (0x14 / 4)
#define TESTDEV_ATTRS (0x18 / 4)
#define TESTDEV_PHYS_LO (0x1c / 4)
#define TESTDEV_PHYS_HI (0x20 / 4)
/* Non-secure space; the requester ID goes into bits 23:8. */
#define TESTDEV_ATTRS_NONSECURE (0x1 << 1)

void testdev_init(struct testdev *dev, volatile void *bar, const char *name)
{
	dev->bar = bar;
	dev->len = 0;
	dev->rid = pci_bdf(name);
}

int testdev_open(struct testdev *dev, const char *name)
{
	int rc = pci_set_command(name, PCI_CMD_MEMORY | PCI_CMD_MASTER, 0);

	if (rc)
		return rc;
	dev->rid = pci_bdf(name);
	dev->bar = pci_map(name, 0, &dev->len);
	return dev->bar ? 0 : -EIO;
}

void testdev_close(struct testdev *dev)
{
	if (dev->bar && dev->len)
		munmap((void *)dev->bar, dev->len);
	dev->bar = NULL;
}

uint32_t testdev_write(struct testdev *dev, uint64_t iova, uint64_t phys,
		       uint32_t length)
{
	volatile uint32_t *r = dev->bar;

	r[TESTDEV_IOVA_LO] = iova;
	r[TESTDEV_IOVA_HI] = iova >> 32;
	r[TESTDEV_PHYS_LO] = phys;
	r[TESTDEV_PHYS_HI] = phys >> 32;
	r[TESTDEV_LEN] = length;
	r[TESTDEV_ATTRS] = TESTDEV_ATTRS_NONSECURE | dev->rid << 8;
	r[TESTDEV_DOORBELL] = 1;
	(void)r[TESTDEV_TRIGGER];
	return r[TESTDEV_RESULT];
}
