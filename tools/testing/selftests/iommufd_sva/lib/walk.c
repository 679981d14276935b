// SPDX-License-Identifier: GPL-2.0-only
/* The tables that the unit walks for a request, as the backend's debugfs tells. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "walk.h"

/* A unit's walk file, that takes no device but its own; or a negative errno. */
static int walk_open(const char *path, const char *request)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (write(fd, request, strlen(request)) < 0) {
		int rc = -errno;

		close(fd);
		return rc;
	}
	return fd;
}

static int walk_request(const char *request, char *buf, size_t len)
{
	size_t used = 0;
	ssize_t n;
	glob_t g;
	int fd = -ENOENT;

	buf[0] = 0;
	if (glob("/sys/kernel/debug/iommufd_sva/*/walk", 0, NULL, &g))
		return -ENOENT;
	for (size_t i = 0; i < g.gl_pathc && fd < 0; i++)
		fd = walk_open(g.gl_pathv[i], request);
	globfree(&g);
	if (fd < 0)
		return fd;
	while (used < len - 1 && (n = read(fd, buf + used, len - 1 - used)) > 0)
		used += n;
	close(fd);
	buf[used] = 0;
	return used ? 0 : -EIO;
}

int walk(const char *name, uint64_t iova, char *buf, size_t len)
{
	char request[64];

	snprintf(request, sizeof(request), "%s %#llx", name, (unsigned long long)iova);
	return walk_request(request, buf, len);
}

int walk_pasid(const char *name, uint64_t iova, uint32_t pasid, char *buf, size_t len)
{
	char request[64];

	snprintf(request, sizeof(request), "%s %#llx %u", name, (unsigned long long)iova, pasid);
	return walk_request(request, buf, len);
}

bool walk_get(const char *text, const char *table, const char *key, char *val,
	      size_t len)
{
	size_t table_len = strlen(table), key_len = strlen(key);
	const char *word, *end;

	for (; text && *text; text = strchr(text, '\n'), text += !!text) {
		if (strncmp(text, table, table_len) || text[table_len] != ' ')
			continue;
		end = text + strcspn(text, "\n");
		for (word = text; word < end; word += strcspn(word, " \n") + 1)
			if (!strncmp(word, key, key_len) && word[key_len] == '=') {
				word += key_len + 1;
				snprintf(val, len, "%.*s",
					 (int)strcspn(word, " \n"), word);
				return true;
			}
	}
	val[0] = 0;
	return false;
}

uint64_t walk_number(const char *text, const char *table, const char *key)
{
	char val[32];

	walk_get(text, table, key, val, sizeof(val));
	return strtoull(val, NULL, 0);
}
