/* SPDX-License-Identifier: GPL-2.0-only */
/* Tests that print TAP: TEST(name) { ... CHECK(...); } and, last, TAP_MAIN. */
/* PROGRAM [PREFIX] runs all, or those whose names start with PREFIX. */
#ifndef __UNIT_TAP_H
#define __UNIT_TAP_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tap_test {
	const char *name;
	void (*fn)(void);
	struct tap_test *next;
};

static struct tap_test *tap_first, **tap_end = &tap_first;
static int tap_failures;	/* of the test that runs */

#define TEST(id)							\
	static void test_##id(void);					\
	static struct tap_test tap_##id = { #id, test_##id, NULL };	\
	static void __attribute__((constructor)) tap_add_##id(void)	\
	{								\
		*tap_end = &tap_##id;					\
		tap_end = &tap_##id.next;				\
	}								\
	static void test_##id(void)

#define CHECK(cond) ({							\
	bool __ok = !!(cond);						\
	if (!__ok && __atomic_fetch_add(&tap_failures, 1, __ATOMIC_RELAXED) < 10) \
		printf("# %s:%d: %s\n", __FILE__, __LINE__, #cond);	\
	__ok;								\
})

#define CHECK_EQ(a, b) ({						\
	unsigned long long __a = (a), __b = (b);			\
	bool __ok = __a == __b;						\
	if (!__ok && __atomic_fetch_add(&tap_failures, 1, __ATOMIC_RELAXED) < 10) \
		printf("# %s:%d: %s is %#llx, %s is %#llx\n", __FILE__,	\
		       __LINE__, #a, __a, #b, __b);			\
	__ok;								\
})

/* Runs the tests whose name starts with @prefix. */
static int tap_run(const char *prefix)
{
	struct tap_test *t;
	int n = 0, failed = 0;

	for (t = tap_first; t; t = t->next)
		n += !strncmp(t->name, prefix, strlen(prefix));
	printf("TAP version 13\n1..%d\n", n);
	for (n = 0, t = tap_first; t; t = t->next) {
		if (strncmp(t->name, prefix, strlen(prefix)))
			continue;
		tap_failures = 0;
		t->fn();
		printf("%sok %d %s\n", tap_failures ? "not " : "", ++n, t->name);
		fflush(stdout);
		failed += !!tap_failures;
	}
	return failed || !n ? EXIT_FAILURE : EXIT_SUCCESS;
}

#define TAP_MAIN							\
	int main(int argc, char **argv)					\
	{								\
		return tap_run(argc > 1 ? argv[1] : "");		\
	}

#endif
