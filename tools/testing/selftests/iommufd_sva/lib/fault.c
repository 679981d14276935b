// SPDX-License-Identifier: GPL-2.0-only
/* Faults as a backend logs them. */
#include <stdio.h>

#include "backend.h"
#include "fault.h"
#include "kmsg.h"
#include "sva.h"

#define FAULT_MS 2000
/* For one that must not come. */
#define NO_FAULT_MS 300

bool fault_logged(int log, const char *name, const char *direction,
		  uint64_t iova)
{
	char addr[32], line[512];

	snprintf(addr, sizeof(addr), "%#lx", iova & ~(SZ_4K - 1));
	if (!kmsg_wait(log, FAULT_MS, line, sizeof(line),
		       KMSG_WORDS(name, direction, addr, "faulted", "reason")))
		return false;
	fprintf(stderr, "# %s\n", line);
	return true;
}

bool block_logged(int log, const char *name, const char *direction,
		  uint64_t iova)
{
	return backend()->blocks_silently ||
	       fault_logged(log, name, direction, iova);
}

bool any_fault_logged(int log, const char *name)
{
	char line[512];

	if (!kmsg_wait(log, NO_FAULT_MS, line, sizeof(line),
		       KMSG_WORDS(name, "faulted")))
		return false;
	fprintf(stderr, "# %s\n", line);
	return true;
}
