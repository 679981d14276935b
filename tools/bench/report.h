/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include <stdint.h>

/* The median of @rounds measurements @ns, which are sorted, for @units of something. */
void report(const char *what, const char *operation, uint64_t *ns, int rounds,
	    unsigned long units);
/* It cannot be measured. */
void die(const char *what, int rc);

#endif
