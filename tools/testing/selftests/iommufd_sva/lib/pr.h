/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Page requests, from both ends: modelled devices that ask and wait in threads of their
 * own, and the VMM's fault file.
 */
#ifndef SELFTEST_PR_H
#define SELFTEST_PR_H

#include <pthread.h>
#include <stdint.h>

#include "sim.h"
#include "sva.h"

/* Longer than any answer takes, on any machine. */
#define PR_PATIENCE_MS 20000

/**
 * struct pr_dma - DMA that asks for the pages that are not there
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

/* @flags: more SIM_DMA_... */
void pr_dma_start(struct pr_dma *d, int bdf, uint32_t pasid, uint64_t addr, uint32_t flags);
/* Waits for it: an enum sim_status, or a negative errno. */
int pr_dma_wait(struct pr_dma *d);

/* What is in a fault file, once there is something: how many requests, or a negative errno. */
int pr_await(int file, struct iommufd_sva_hwpt_pgfault *requests, int room);
/* How many are there within @ms. */
int pr_await_for(int file, struct iommufd_sva_hwpt_pgfault *requests, int room, int ms);
int pr_answer(int file, uint32_t cookie, uint32_t code);
/* What a fault file says of @key in its fdinfo; -1: nothing. */
long pr_told(int file, const char *key);

#endif
