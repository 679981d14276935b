/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's log, from a mark on. */
#ifndef SELFTEST_KMSG_H
#define SELFTEST_KMSG_H

#include <stdbool.h>
#include <stddef.h>

/* Reads what is logged from now on; a file descriptor or a negative errno. */
int kmsg_mark(void);
/*
 * Wait for a line that holds all of @words (a NULL-terminated list), which is
 * copied to @line when that is not NULL. Lines before it are consumed.
 */
bool kmsg_wait(int fd, unsigned int ms, char *line, size_t len,
	       const char *const words[]);
#define KMSG_WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

#endif
