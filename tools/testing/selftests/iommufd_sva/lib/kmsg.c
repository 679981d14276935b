// SPDX-License-Identifier: GPL-2.0-only
/* The kernel's log, from a mark on. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kmsg.h"

int kmsg_mark(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	lseek(fd, 0, SEEK_END);
	return fd;
}

static bool has_all(const char *text, const char *const words[])
{
	for (; *words; words++)
		if (!strstr(text, *words))
			return false;
	return true;
}

bool kmsg_wait(int fd, unsigned int ms, char *line, size_t len,
	       const char *const words[])
{
	char record[2048], *text;
	ssize_t n;

	for (;;) {
		n = read(fd, record, sizeof(record) - 1);
		/* EPIPE: records were overwritten before we came; go on. */
		if (n < 0 && errno == EPIPE)
			continue;
		if (n <= 0) {
			if (ms < 10)
				return false;
			ms -= 10;
			usleep(10000);
			continue;
		}
		record[n] = 0;
		/* "level,number,time,flags;text\n KEY=value\n" */
		text = strchr(record, ';');
		text = text ? text + 1 : record;
		text[strcspn(text, "\n")] = 0;
		if (!has_all(text, words))
			continue;
		if (line)
			snprintf(line, len, "%s", text);
		return true;
	}
}
