/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Page requests, from both ends: modelled devices that ask and wait in threads of their
 * own, and the VMM's fault file.
 */
#ifndef SELFTEST_PR_H
#define SELFTEST_PR_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "sim.h"
#include "sva.h"

/* Longer than any answer takes, on any machine. */
#define PR_PATIENCE_MS 20000
/* DMA whose device asks for what is not there. */
#define PR_ASKS (SIM_DMA_ATS | SIM_DMA_PRI)

/* The capability in configuration space (PCIe 10.5.2). */
#define PRI_CTRL 4
#define PRI_ON 1
#define PRI_STATUS 6
#define PRI_FAILURE 0x1
#define PRI_UNEXPECTED 0x2
#define PRI_STOPPED 0x100
#define PRI_ALLOC 12

uint32_t pri_register(int bdf, unsigned int at, int size);
/* Off, and with nothing under way. */
bool pri_is_off(int bdf);

/**
 * struct pr_dma - DMA that may wait for pages that are not there
 * @thread: that waits for it
 * @dma: what is asked for, and the answer
 * @buf: what it moves
 * @rc: of the ioctl
 */
struct pr_dma {
	pthread_t thread;
	struct sim_dma dma;
	uint8_t buf[256];
	int rc;
};

/* @flags: SIM_DMA_... */
void pr_dma_start(struct pr_dma *d, int bdf, uint32_t pasid, uint64_t addr, uint32_t flags);
/* Waits for it: an enum sim_status, or a negative errno. */
int pr_dma_wait(struct pr_dma *d);

/**
 * struct pr_group - the last request of a group, whose device waits for the answer
 * @thread: that waits for it
 * @bdf: the device
 * @pasid: PASID, or SIM_NO_PASID
 * @addr: the page
 * @group: its index
 * @status: the answer
 */
struct pr_group {
	pthread_t thread;
	int bdf;
	uint32_t pasid;
	uint64_t addr;
	uint32_t group;
	int status;
};

void pr_group_start(struct pr_group *g, int bdf, uint32_t pasid, uint64_t addr, uint32_t group);
/* Waits for it: an enum sim_status. */
int pr_group_wait(struct pr_group *g);

/* How many answers a device has had. */
uint64_t pr_answers(int bdf);
/* Has it had @num, and no more, once there has been time for that? */
bool pr_has_answers(int bdf, uint64_t num);

/* What is in a fault file, as far as there is room: how many requests, or a negative errno. */
int pr_take(int file, struct iommufd_sva_hwpt_pgfault *requests, int room);
/* What is in a fault file, once there is something: how many requests, or a negative errno. */
int pr_await(int file, struct iommufd_sva_hwpt_pgfault *requests, int room);
/* How many are there within @ms. */
int pr_await_for(int file, struct iommufd_sva_hwpt_pgfault *requests, int room, int ms);
int pr_answer(int file, uint32_t cookie, uint32_t code);
/* Answer the next group, of one request, once it is there. */
int pr_answer_next(int file, uint32_t code);
/* What a fault file says of @key in its fdinfo; -1: nothing. */
long pr_told(int file, const char *key);

#endif
