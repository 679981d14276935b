/* SPDX-License-Identifier: GPL-2.0-only */
/* The tables that the unit walks for a request, as the backend's debugfs tells. */
#ifndef SELFTEST_WALK_H
#define SELFTEST_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Lines "TABLE KEY=VALUE ..." into @buf; 0 or a negative errno. */
int walk(const char *name, uint64_t iova, char *buf, size_t len);
/* The same of a request with a PASID; VT-d only. */
int walk_pasid(const char *name, uint64_t iova, uint32_t pasid, char *buf, size_t len);
/*
 * The value of @key in the line of @table, copied to @val; false when there is
 * no such line or key.
 */
bool walk_get(const char *text, const char *table, const char *key, char *val,
	      size_t len);
uint64_t walk_number(const char *text, const char *table, const char *key);

#endif
