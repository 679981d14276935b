/* SPDX-License-Identifier: GPL-2.0-only */
/* DMA as fast as an engine can, from a thread of its own. */
#ifndef SELFTEST_STORM_H
#define SELFTEST_STORM_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine.h"

/**
 * struct storm - writes to one address, again and again
 * @dev: the device; opened and closed by whoever uses this
 * @iova: where it writes
 * @phys: the physical address that it compares with what it wrote
 * @count: writes so far
 * @failed: those that were refused
 * @elsewhere: those that went through, but not to @phys
 */
struct storm {
	struct engine dev;
	uint64_t iova;
	uint64_t phys;
	volatile unsigned long count, failed, elsewhere;
	volatile bool stop;
	pthread_t thread;
};

/* 0, or an error of pthread_create(). */
int storm_start(struct storm *s);
void storm_stop(struct storm *s);

#endif
