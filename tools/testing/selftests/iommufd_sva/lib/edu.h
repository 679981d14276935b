/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * DMA engines of QEMU that a test can drive from user space.
 *
 * edu (docs/specs/edu.rst): moves bytes between memory and a 4 KiB buffer of
 * its own, about 100 ms after it is told to.
 * iommu-testdev (docs/specs/iommu-testdev.rst): writes a known pattern at an
 * IOVA at once, and compares it with what is at a physical address.
 */
#ifndef SELFTEST_EDU_H
#define SELFTEST_EDU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EDU_BUF_LEN 4096

struct edu {
	volatile uint8_t *bar;
	size_t len;
};

/* Map the registers and switch memory decoding and bus mastering on. */
int edu_open(struct edu *edu, const char *name);
/* Over registers that somebody else has mapped (VFIO). */
void edu_init(struct edu *edu, volatile void *bar);
void edu_close(struct edu *edu);

/* The liveness register answers with the complement of what was written. */
bool edu_alive(struct edu *edu);

/* Start without waiting. */
void edu_start_fetch(struct edu *edu, uint64_t iova, size_t length);
void edu_start_store(struct edu *edu, uint64_t iova, size_t length);
/* 0, or -ETIMEDOUT after some seconds. */
int edu_wait(struct edu *edu);

/* Memory at @iova into the device's buffer. */
int edu_fetch(struct edu *edu, uint64_t iova, size_t length);
/* The device's buffer to memory at @iova. */
int edu_store(struct edu *edu, uint64_t iova, size_t length);

/* Raise its interrupt, and take it back so that it can be raised again. */
void edu_interrupt(struct edu *edu);

#define TESTDEV_PATTERN 0x12345678u
#define TESTDEV_OK 0
#define TESTDEV_WRITE_FAILED 0xdead0002u
#define TESTDEV_MISMATCH 0xdead0004u

struct testdev {
	volatile uint32_t *bar;
	size_t len;
	uint16_t rid;
};

int testdev_open(struct testdev *dev, const char *name);
/* Over registers that somebody else has mapped (VFIO). */
void testdev_init(struct testdev *dev, volatile void *bar, const char *name);
void testdev_close(struct testdev *dev);
/* Write the pattern at @iova, compare it with physical memory at @phys. */
uint32_t testdev_write(struct testdev *dev, uint64_t iova, uint64_t phys,
		       uint32_t length);

#endif
