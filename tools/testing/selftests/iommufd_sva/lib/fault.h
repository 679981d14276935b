/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Faults as a backend logs them, one line each:
 *
 *   MODULE UNIT: device 0000:01:00.0 DMA write to 0x1000 faulted: reason 0x10 "...": ...
 */
#ifndef SELFTEST_FAULT_H
#define SELFTEST_FAULT_H

#include <stdbool.h>
#include <stdint.h>

/*
 * A mark in the log, as kmsg_mark(). Backends log no more than 20 faults in 5 s: it
 * waits until some of these are left.
 */
int fault_mark(void);

/*
 * Was device @name's "read" or "write" at @iova reported since the mark @log? As
 * a line that names the device, the page and why.
 */
bool fault_logged(int log, const char *name, const char *direction,
		  uint64_t iova);
/* The same of a device to which nothing is attached. */
bool block_logged(int log, const char *name, const char *direction,
		  uint64_t iova);
/* Some fault of device @name, which is to come; it may take a while. */
bool some_fault_logged(int log, const char *name);
/* Any fault of device @name, where none is to come: that is not waited for long. */
bool any_fault_logged(int log, const char *name);

#endif
