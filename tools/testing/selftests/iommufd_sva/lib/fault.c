// SPDX-License-Identifier: GPL-2.0-only
/* Faults as a backend logs them. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "backend.h"
#include "fault.h"
#include "kmsg.h"
#include "sva.h"

/* Of the backends' rate limit, and what a test may need of it. */
#define INTERVAL_US 5000000
#define FAULTS_MOST 20
#define FAULTS_LEFT 6
#define FAULT_MS 20000
/* For one that must not come. */
#define NO_FAULT_MS 300

/* How many lines with a fault are younger than the backends' interval. */
static int recent_faults(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC), n = 0;
	uint64_t now = now_ns() / 1000, usec;
	char record[2048];
	ssize_t len;

	while ((len = read(fd, record, sizeof(record) - 1)) > 0 || (len < 0 && errno == EPIPE)) {
		record[len > 0 ? len : 0] = 0;
		/* "level,number,time,flags;text" */
		if (sscanf(record, "%*u,%*u,%lu", &usec) == 1 && usec + INTERVAL_US > now &&
		    strstr(record, " faulted: "))
			n++;
	}
	close(fd);
	return n;
}

int fault_mark(void)
{
	for (int i = 0; i < 60 && recent_faults() > FAULTS_MOST - FAULTS_LEFT; i++)
		usleep(100000);
	return kmsg_mark();
}

bool fault_logged(int log, const char *name, const char *direction,
		  uint64_t iova)
{
	char access[32], addr[32], line[512];

	/* The reason that follows may speak of reading and writing as well. */
	snprintf(access, sizeof(access), "DMA %s ", direction);
	snprintf(addr, sizeof(addr), "%#lx", iova & ~(SZ_4K - 1));
	if (!kmsg_wait(log, FAULT_MS, line, sizeof(line),
		       KMSG_WORDS(name, access, addr, "faulted", "reason")))
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

static bool logged_within(int ms, int log, const char *name)
{
	char line[512];

	if (!kmsg_wait(log, ms, line, sizeof(line), KMSG_WORDS(name, "faulted")))
		return false;
	fprintf(stderr, "# %s\n", line);
	return true;
}

bool some_fault_logged(int log, const char *name)
{
	return logged_within(FAULT_MS, log, name);
}

bool any_fault_logged(int log, const char *name)
{
	return logged_within(NO_FAULT_MS, log, name);
}
