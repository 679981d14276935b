// SPDX-License-Identifier: GPL-2.0-only
/*
 * Machines whose unit is not for us: loading fails, changes nothing, and the
 * log says what to do. REFUSED_BECAUSE is a piece of the line that must be
 * there, such as the boot parameter to add.
 */
#include "selftest.h"

TEST(refused)
{
	const char *why = getenv("REFUSED_BECAUSE");
	char line[512];
	int log;

	if (!why)
		SKIP(return, "REFUSED_BECAUSE says no reason");
	backend_unload();
	log = kmsg_mark();
	ASSERT_LE(0, log);
	EXPECT_NE(0, backend_load());
	EXPECT_TRUE(kmsg_wait(log, 1000, line, sizeof(line),
			      KMSG_WORDS(backend()->module, why)))
		TH_LOG("no line says \"%s\"", why);
	EXPECT_NE(0, sh("[ -e /sys/module/%s ]", backend()->module));
	fprintf(stderr, "# %s\n", line);
}

TEST_HARNESS_MAIN
