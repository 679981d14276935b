/* SPDX-License-Identifier: GPL-2.0-only */
/* What every test program includes. */
#ifndef SELFTEST_H
#define SELFTEST_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backend.h"
#include "engine.h"
#include "fault.h"
#include "kmsg.h"
#include "pci.h"
#include "sim.h"
#include "storm.h"
#include "sva.h"
#include "vfio.h"
#include "walk.h"

#include "kselftest_harness.h"

/*
 * Seconds for a test that names no other time. The harness's 30 are too few for
 * some resets of a device on a debug kernel in an emulator on a busy machine.
 */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT 180

/* Takes whatever device it is told to, and does nothing with it. */
#define HOST_DRIVER "pci-pf-stub"

/* A device that this machine must have for the test to mean anything. */
#define NEED_DEVICE(id, index, name)                                           \
	do {                                                                   \
		if (!pci_find(id, index, name))                                \
			SKIP(return, "no device %04x:%04x number %d",          \
			     (id) >> 16, (id) & 0xffff, index);                \
	} while (0)

/* Modelled machines have some: one that has lost them is not one that never had any. */
#define NEED_ENGINE(index, name)                                               \
	do {                                                                   \
		if (engine_find(index, name))                                  \
			break;                                                 \
		ASSERT_TRUE((index) || !sim_present());                        \
		SKIP(return, "no DMA engine number %d", index);                \
	} while (0)

#define NEED_FAST_ENGINE(name)                                                 \
	do {                                                                   \
		if (!engine_find_fast(name))                                   \
			SKIP(return, "no fast DMA engine");                    \
	} while (0)

#endif
