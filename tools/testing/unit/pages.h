/* SPDX-License-Identifier: GPL-2.0-only */
/* The page allocator of the unit tests, as a test sees it. */
#ifndef __UNIT_PAGES_H
#define __UNIT_PAGES_H

#include <linux/types.h>

/* Pages that are allocated now, those that wait for a grace period included. */
long pages_in_use(void);

/* The @nth allocation from now on fails, once; 0: none does. */
void pages_fail(long nth);
/* Every so many allocations of a thread one fails; 0: none does. */
void pages_fail_every(unsigned int n);

/* Whether the page at @paddr is allocated. */
bool page_in_use(phys_addr_t paddr);

/*
 * What a device sees that does not snoop the CPU's caches. New pages show it
 * all ones, until they are written back.
 */
u64 pages_shadow_read(phys_addr_t paddr);
void pages_shadow_sync(void *addr, size_t len);

#endif
