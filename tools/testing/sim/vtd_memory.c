// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory as a unit's table walks see it.
 *
 * A walk that does not snoop (ECAP.C, ECAP.SMPWC and PWSNP) sees what was written
 * back from the CPU's caches and nothing else. How long ago a line was written
 * back by chance nobody knows: the model takes the worst, and shows what software
 * flushed last; a line that was never flushed is all zeros.
 *
 * A unit with CAP.RWBF sees a write when it left the write buffer (6.8). The model
 * keeps each line that it looked at as it was, until the buffer is flushed.
 */
#include <linux/errno.h>
#include <linux/string.h>
#include "vtd_sim.h"

static struct vsim_page *vsim_shadow_find(struct vsim_shadow *shadow, u64 pfn)
{
	struct vsim_page *page = shadow->hash[pfn % VSIM_HASH];

	while (page && page->pfn != pfn)
		page = page->next;
	return page;
}

void vsim_shadow_give(struct vsim_shadow *shadow, struct vsim_page *page)
{
	page->next = shadow->free;
	shadow->free = page;
}

struct vsim_page *vsim_shadow_take(struct vsim_shadow *shadow)
{
	struct vsim_page *page = shadow->free;

	if (page)
		shadow->free = page->next;
	return page;
}

/* Keep a line of memory; without room it is forgotten. */
void vsim_shadow_store(struct vsim_shadow *shadow, u64 phys, const void *line)
{
	u64 pfn = phys >> 12;
	struct vsim_page *page = vsim_shadow_find(shadow, pfn);
	unsigned int offset = phys & 0xfff & ~(VSIM_LINE - 1);

	if (!page) {
		page = vsim_shadow_take(shadow);
		if (!page)
			return;
		page->pfn = pfn;
		page->valid = 0;
		page->next = shadow->hash[pfn % VSIM_HASH];
		shadow->hash[pfn % VSIM_HASH] = page;
	}
	memcpy(page->data + offset, line, VSIM_LINE);
	page->valid |= BIT_ULL(offset / VSIM_LINE);
}

/* Look at a line anew next time. */
void vsim_shadow_forget(struct vsim_shadow *shadow, u64 phys)
{
	struct vsim_page *page = vsim_shadow_find(shadow, phys >> 12);

	if (page)
		page->valid &= ~BIT_ULL((phys & 0xfff) / VSIM_LINE);
}

/* Everything is forgotten. */
void vsim_shadow_clear(struct vsim_shadow *shadow)
{
	struct vsim_page *page;
	unsigned int i;

	for (i = 0; i < VSIM_HASH; i++) {
		while ((page = shadow->hash[i])) {
			shadow->hash[i] = page->next;
			vsim_shadow_give(shadow, page);
		}
	}
}

static const u8 *vsim_shadow_line(struct vsim_shadow *shadow, u64 phys)
{
	struct vsim_page *page = vsim_shadow_find(shadow, phys >> 12);
	unsigned int offset = phys & 0xfff & ~(VSIM_LINE - 1);

	if (!page || !(page->valid & BIT_ULL(offset / VSIM_LINE)))
		return NULL;
	return page->data + offset;
}

static bool vsim_is_zero(const u8 *buf, size_t len)
{
	while (len--)
		if (*buf++)
			return false;
	return true;
}

/* @buf, of one line, as it is in memory rather than in a cache. */
static void vsim_not_snooped(struct vsim_unit *u, u64 phys, void *buf, size_t len)
{
	const u8 *line = vsim_shadow_line(u->shadow, phys);

	if (!line) {
		if (!vsim_is_zero(buf, len))
			vsim_count(u, VSIM_N_BAD_UNFLUSHED);
		memset(buf, 0, len);
		return;
	}
	line += phys % VSIM_LINE;
	if (memcmp(buf, line, len))
		vsim_count(u, VSIM_N_STALE_READS);
	memcpy(buf, line, len);
}

/* @buf, of one line, as it was before what is in the write buffer. */
static void vsim_not_drained(struct vsim_unit *u, u64 phys, void *buf, size_t len)
{
	const u8 *line = vsim_shadow_line(&u->write_buffer, phys);
	u8 now[VSIM_LINE];

	if (line) {
		line += phys % VSIM_LINE;
		if (memcmp(buf, line, len))
			vsim_count(u, VSIM_N_STALE_READS);
		memcpy(buf, line, len);
		return;
	}
	if (!u->ops->read(u->priv, phys & ~(u64)(VSIM_LINE - 1), now, VSIM_LINE))
		vsim_shadow_store(&u->write_buffer, phys, now);
}

/*
 * Read a piece of a table, at most 16 bytes of one line: larger entries are
 * fetched in pieces, and may be seen half changed.
 */
int vsim_fetch(struct vsim_unit *u, u64 phys, void *buf, size_t len, bool snoop)
{
	int rc = u->ops->read(u->priv, phys, buf, len);

	if (rc)
		return rc;
	if (!snoop && u->shadow)
		vsim_not_snooped(u, phys, buf, len);
	if (u->cfg.cap & VSIM_CAP_RWBF)
		vsim_not_drained(u, phys, buf, len);
	return 0;
}
