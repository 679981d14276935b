// SPDX-License-Identifier: GPL-2.0-only
/*
 * sim_bad NAME: prints, as a test of its own, whether every modelled unit says that
 * NAME, which has just run, did nothing that software must not do. Counts from zero
 * again.
 */
#include <stdio.h>

#include "sim.h"

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "sim", *bad;
	unsigned int units = sim_units(), wrong = !units;

	if (!units)
		printf("# there is no modelled unit\n");
	for (unsigned int unit = 0; unit < units; unit++) {
		bad = sim_bad(unit);
		if (*bad)
			printf("# unit %u: %s\n", unit, bad);
		wrong += !!*bad;
		sim_reset_counters(unit);
	}
	printf("TAP version 13\n1..1\n%sok 1 %s.nothing_bad\n", wrong ? "not " : "", name);
	return !!wrong;
}
