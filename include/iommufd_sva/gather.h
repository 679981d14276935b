/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef __IOMMUFD_SVA_GATHER_H
#define __IOMMUFD_SVA_GATHER_H

#include <linux/list.h>
#include <linux/types.h>

/**
 * struct iommufd_sva_gather - what an unmap took out and nobody flushed yet
 * @start: first address taken out; above @last while there is none
 * @last: last address taken out
 * @tables: page-table pages unlinked on the way, through page->lru. The
 *	hardware may still walk them: they are freed after the invalidation.
 *
 * On the caller's stack, for one domain. sync() empties it.
 */
struct iommufd_sva_gather {
	u64 start;
	u64 last;
	struct list_head tables;
};

static inline void iommufd_sva_gather_init(struct iommufd_sva_gather *gather)
{
	gather->start = ~0ULL;
	gather->last = 0;
	INIT_LIST_HEAD(&gather->tables);
}

static inline bool iommufd_sva_gather_empty(const struct iommufd_sva_gather *gather)
{
	return gather->start > gather->last;
}

static inline void iommufd_sva_gather_add(struct iommufd_sva_gather *gather,
					  u64 start, u64 last)
{
	if (start < gather->start)
		gather->start = start;
	if (last > gather->last)
		gather->last = last;
}

#endif
