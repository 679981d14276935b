// SPDX-License-Identifier: GPL-2.0-only
/* What a benchmark prints: see bench.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

void report(const char *what, const char *operation, uint64_t *ns,
		   int rounds, unsigned long units)
{
	qsort(ns, rounds, sizeof(*ns), by_value);
	printf("%s-%s %llu %lu\n", operation, what,
	       (unsigned long long)ns[rounds / 2], units);
}

void die(const char *what, int rc)
{
	fprintf(stderr, "%s: %s\n", what, strerror(-rc));
	exit(1);
}
