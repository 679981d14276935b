/* SPDX-License-Identifier: GPL-2.0-only */
/* What memory holds for a unit that does not snoop the CPU's caches. */
#ifndef SMMUV3_SHADOW_H
#define SMMUV3_SHADOW_H

#include <linux/types.h>

/* A line that nobody ever cleaned: read as it is, and counted. */
#define SHADOW_UNKNOWN	1

int shadow_start(void);
void shadow_stop(void);
int shadow_read(u64 phys, void *buf, size_t len);
void shadow_write(u64 phys, const void *buf, size_t len);

#endif
