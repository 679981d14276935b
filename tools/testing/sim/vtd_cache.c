// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a unit caches (6.2), and what each invalidation takes out (6.5.2).
 *
 * Nothing ever leaves by itself. An invalidation takes what the specification says
 * that it takes, and no more: what hardware may keep, this one keeps.
 */
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/types.h>
#include "vtd_sim.h"

static bool vsim_is_table(unsigned int kind)
{
	return kind == VSIM_TABLE_FIRST || kind == VSIM_TABLE_SECOND;
}

static unsigned int vsim_hash(const struct vsim_entry *tag)
{
	u64 h = tag->kind;

	switch (tag->kind) {
	case VSIM_CONTEXT:
		h += tag->sid * 8ULL;
		break;
	case VSIM_PASID:
		h += tag->sid * 64ULL + tag->pasid * 8ULL;
		break;
	case VSIM_IOTLB:
		h += (tag->key >> tag->shift) * 8 + tag->sid * 64ULL;
		break;
	default:
		h += (tag->key >> tag->shift) * 8 + tag->did * 512ULL;
		break;
	}
	return (h ^ h >> 10 ^ h >> 20 ^ h >> 30) % VSIM_HASH;
}

/* Table 17, lookup */
static bool vsim_same_tag(const struct vsim_entry *a, const struct vsim_entry *b)
{
	if (a->kind != b->kind)
		return false;
	switch (a->kind) {
	case VSIM_CONTEXT:
		return a->sid == b->sid;
	case VSIM_PASID:
		return a->sid == b->sid && a->pasid == b->pasid;
	case VSIM_IOTLB:
		return a->sid == b->sid && a->rid == b->rid &&
		       (a->rid || a->pasid == b->pasid) &&
		       a->shift == b->shift && a->key == b->key;
	default:
		if (a->kind == VSIM_TABLE_FIRST && a->pasid != b->pasid)
			return false;
		return a->did == b->did && a->shift == b->shift && a->key == b->key;
	}
}

struct vsim_entry *vsim_cache_find(struct vsim_unit *u, const struct vsim_entry *tag)
{
	struct vsim_entry *e = u->hash[vsim_hash(tag)];

	while (e && !vsim_same_tag(e, tag))
		e = e->next;
	return e;
}

void vsim_cache_give(struct vsim_unit *u, struct vsim_entry *entry)
{
	entry->next = u->free;
	u->free = entry;
	u->num_free++;
}

struct vsim_entry *vsim_cache_take(struct vsim_unit *u)
{
	struct vsim_entry *e = u->free;

	if (e) {
		u->free = e->next;
		u->num_free--;
	}
	return e;
}

/* Keep @entry, in place of one with the same tag. */
void vsim_cache_add(struct vsim_unit *u, const struct vsim_entry *entry)
{
	struct vsim_entry *e = vsim_cache_find(u, entry), *next;
	unsigned int h = vsim_hash(entry);

	if (e) {
		next = e->next;
		*e = *entry;
		e->next = next;
		return;
	}
	e = vsim_cache_take(u);
	if (!e) {
		vsim_count(u, VSIM_N_NOT_CACHED);
		return;
	}
	*e = *entry;
	e->next = u->hash[h];
	u->hash[h] = e;
}

void vsim_cache_clear(struct vsim_unit *u)
{
	struct vsim_entry *e;
	unsigned int i;

	for (i = 0; i < VSIM_HASH; i++) {
		while ((e = u->hash[i])) {
			u->hash[i] = e->next;
			vsim_cache_give(u, e);
		}
	}
}

/* What tables in memory say now of what @e is of. */
static bool vsim_same_page(const struct vsim_entry *e, int reason,
			   const struct vsim_result *r)
{
	if (e->reason || reason)
		return e->reason == reason;
	return r->phys == e->qw[0] && r->shift == e->shift && r->perms == e->perms &&
	       r->user == e->user;
}

static bool vsim_unchanged_table(struct vsim_walk *w, const struct vsim_entry *e)
{
	unsigned int level = (e->shift - 12) / 9;

	if (e->kind == VSIM_TABLE_FIRST)
		return w->tables_first[level] == e->qw[0];
	return w->tables_second[level] == e->qw[0];
}

/* Does the address space that @w leads to say what @e says? */
static bool vsim_unchanged_paging(struct vsim_walk *w, const struct vsim_entry *e)
{
	enum vsim_pgtt pgtt;
	struct vsim_result r = { };
	int reason;

	if (vsim_walk_entry(w) || vsim_pe_did(w->pe) != e->did)
		return false;
	pgtt = vsim_pe_pgtt(w->pe);
	switch (e->kind) {
	case VSIM_TABLE_SECOND:
		if (pgtt != VSIM_PGTT_SECOND && pgtt != VSIM_PGTT_NESTED)
			return false;
		vsim_second_stage(w, e->key, false, &r);
		return vsim_unchanged_table(w, e);
	case VSIM_TABLE_FIRST:
		if (pgtt != e->pgtt)
			return false;
		vsim_first_stage(w, e->key, &r);
		return vsim_unchanged_table(w, e);
	default:
		reason = vsim_translate(w, &r);
		return pgtt == e->pgtt && vsim_same_page(e, reason, &r);
	}
}

/* Do tables in memory still say what @e says? */
static bool vsim_unchanged(struct vsim_unit *u, const struct vsim_entry *e)
{
	struct vsim_walk w;
	int reason;

	vsim_walk_again(&w, u, e);
	w.probe = true;
	switch (e->kind) {
	case VSIM_CONTEXT:
		reason = vsim_walk_context(&w);
		return reason == e->reason &&
		       (reason || !memcmp(w.ctx, e->qw, sizeof(w.ctx)));
	case VSIM_PASID:
		reason = vsim_walk_entry(&w);
		return reason == e->reason &&
		       (reason || !memcmp(w.pe, e->qw, sizeof(w.pe)));
	default:
		return vsim_unchanged_paging(&w, e);
	}
}

/* 6.5.2.1, table 21: FM masks low bits of the function number. */
static bool vsim_hit_context(const struct vsim_inv *inv, const struct vsim_entry *e)
{
	static const u16 masks[] = { 0, 4, 6, 7 };

	if (e->kind != VSIM_CONTEXT)
		return false;
	/* Entries of scalable mode have no domain ID: by domain is global. */
	if (inv->g != VSIM_CC_DEVICE)
		return true;
	return !((e->sid ^ inv->sid) & ~masks[inv->fm]);
}

/* 6.5.2.2 */
static bool vsim_hit_pasid(const struct vsim_inv *inv, const struct vsim_entry *e)
{
	if (e->kind != VSIM_PASID)
		return false;
	if (inv->g == VSIM_PC_GLOBAL)
		return true;
	return e->did == inv->did &&
	       (inv->g == VSIM_PC_DOMAIN || e->pasid == inv->pasid);
}

static bool vsim_overlap(const struct vsim_inv *inv, const struct vsim_entry *e)
{
	u64 big = e->shift > inv->am + 12 ? e->shift : inv->am + 12;

	return big > 63 || !((e->key ^ inv->addr) >> big);
}

static bool vsim_has_first(const struct vsim_entry *e)
{
	return e->pgtt == VSIM_PGTT_FIRST || e->pgtt == VSIM_PGTT_NESTED;
}

/* 6.5.2.3, table 23 */
static bool vsim_hit_iotlb(const struct vsim_inv *inv, const struct vsim_entry *e)
{
	if (e->kind != VSIM_IOTLB && !vsim_is_table(e->kind))
		return false;
	if (inv->g == VSIM_IOTLB_GLOBAL)
		return true;
	if (e->did != inv->did)
		return false;
	if (inv->g == VSIM_IOTLB_DOMAIN)
		return true;
	switch (e->kind) {
	case VSIM_TABLE_FIRST:
		return true;
	case VSIM_TABLE_SECOND:
		return !inv->ih && vsim_overlap(inv, e);
	default:
		/* Nothing tells which page of second stage these went through. */
		return vsim_has_first(e) || vsim_overlap(inv, e);
	}
}

/* 6.5.2.4, table 24 */
static bool vsim_hit_piotlb(const struct vsim_inv *inv, const struct vsim_entry *e)
{
	if ((e->kind != VSIM_IOTLB && e->kind != VSIM_TABLE_FIRST) ||
	    e->did != inv->did || e->pasid != inv->pasid)
		return false;
	if (inv->g == VSIM_PIOTLB_PASID)
		return true;
	if (e->kind == VSIM_TABLE_FIRST)
		return !inv->ih && vsim_overlap(inv, e);
	return vsim_has_first(e) && vsim_overlap(inv, e);
}

static bool vsim_hit(const struct vsim_inv *inv, const struct vsim_entry *e)
{
	switch (inv->type) {
	case VSIM_DESC_CONTEXT:
		return vsim_hit_context(inv, e);
	case VSIM_DESC_PASID_CACHE:
		return vsim_hit_pasid(inv, e);
	case VSIM_DESC_IOTLB:
		return vsim_hit_iotlb(inv, e);
	default:
		return vsim_hit_piotlb(inv, e);
	}
}

/* The counter for an unchanged @e that @inv takes; -1: nothing narrower spares it. */
static int vsim_wide_counter(struct vsim_unit *u, const struct vsim_inv *inv,
			     const struct vsim_entry *e)
{
	switch (inv->type) {
	case VSIM_DESC_CONTEXT:
		return e->kind == VSIM_CONTEXT && inv->g == VSIM_CC_GLOBAL ?
			VSIM_N_WIDE_CONTEXT_GLOBAL : -1;
	case VSIM_DESC_PASID_CACHE:
		if (e->kind != VSIM_PASID || inv->g == VSIM_PC_PASID)
			return -1;
		return inv->g == VSIM_PC_GLOBAL ? VSIM_N_WIDE_PASID_GLOBAL :
						  VSIM_N_WIDE_PASID_DOMAIN;
	case VSIM_DESC_IOTLB:
		if (e->kind != VSIM_IOTLB)
			return -1;
		if (inv->g == VSIM_IOTLB_GLOBAL)
			return VSIM_N_WIDE_IOTLB_GLOBAL;
		/* Of nested mappings no guest-physical page can be named. */
		if (e->pgtt == VSIM_PGTT_NESTED || !(u->cfg.cap & VSIM_CAP_PSI))
			return -1;
		if (inv->g == VSIM_IOTLB_DOMAIN)
			return VSIM_N_WIDE_IOTLB_DOMAIN;
		/* Those of first stage have a descriptor of their own. */
		return e->pgtt == VSIM_PGTT_FIRST || inv->am + 12 > e->shift ?
			VSIM_N_WIDE_IOTLB_PAGE : -1;
	default:
		if (e->kind != VSIM_IOTLB || !vsim_has_first(e))
			return -1;
		if (inv->g == VSIM_PIOTLB_PASID)
			return VSIM_N_WIDE_PIOTLB_PASID;
		return inv->am + 12 > e->shift ? VSIM_N_WIDE_PIOTLB_PAGE : -1;
	}
}

/*
 * Is the context entry somewhere else now? Then the root table changed, and nothing
 * but a global invalidation will do (table 28), whatever became of the entry.
 */
static bool vsim_moved(struct vsim_unit *u, const struct vsim_entry *e)
{
	struct vsim_walk w;

	if (e->kind != VSIM_CONTEXT)
		return false;
	vsim_walk_again(&w, u, e);
	w.probe = true;
	vsim_walk_context(&w);
	return w.ctx_at != e->key;
}

static bool vsim_any_moved(struct vsim_unit *u, const struct vsim_entry *e)
{
	for (; e; e = e->next)
		if (vsim_moved(u, e))
			return true;
	return false;
}

/* Out of the cache, onto a list. */
static struct vsim_entry *vsim_take_hits(struct vsim_unit *u, const struct vsim_inv *inv)
{
	struct vsim_entry **link, *e, *taken = NULL;
	unsigned int i;

	for (i = 0; i < VSIM_HASH; i++) {
		for (link = &u->hash[i]; (e = *link); ) {
			if (!vsim_hit(inv, e)) {
				link = &e->next;
				continue;
			}
			*link = e->next;
			e->next = taken;
			taken = e;
		}
	}
	return taken;
}

/*
 * A request for what was just invalidated, that came in at once: with what the
 * context and PASID caches still hold, and with the tables as they are.
 */
static void vsim_prefetch(struct vsim_unit *u, const struct vsim_entry *e)
{
	struct vsim_result r;
	struct vsim_walk w;

	if (!u->cfg.prefetch || e->reason || e->kind != VSIM_IOTLB ||
	    !(*vsim_reg(u, VSIM_GSTS) & VSIM_GCMD_TE))
		return;
	vsim_walk_again(&w, u, e);
	w.prefetch = true;
	if (!vsim_walk_context(&w))
		vsim_translate(&w, &r);
}

/* 6.5.3.3: what has to follow a new root table pointer. */
static void vsim_not_stale(struct vsim_unit *u, const struct vsim_inv *inv)
{
	if (inv->type == VSIM_DESC_CONTEXT && inv->g == VSIM_CC_GLOBAL)
		u->stale &= ~VSIM_STALE_CONTEXT;
	if (inv->type == VSIM_DESC_PASID_CACHE && inv->g == VSIM_PC_GLOBAL)
		u->stale &= ~VSIM_STALE_PASID_CACHE;
	if (inv->type == VSIM_DESC_IOTLB && inv->g == VSIM_IOTLB_GLOBAL)
		u->stale &= ~VSIM_STALE_PAGES;
}

/* Do what one descriptor asks for. */
void vsim_invalidate(struct vsim_unit *u, const struct vsim_inv *inv)
{
	struct vsim_entry *taken = vsim_take_hits(u, inv), *e, copy;
	bool live = (*vsim_reg(u, VSIM_GSTS) & VSIM_GCMD_TE) && !u->stale &&
		    !inv->implicit && !vsim_any_moved(u, taken);
	int counter;

	/* 6.8: an invalidation flushes the write buffer first. */
	vsim_shadow_clear(&u->write_buffer);
	vsim_not_stale(u, inv);
	while ((e = taken)) {
		taken = e->next;
		counter = live ? vsim_wide_counter(u, inv, e) : -1;
		if (counter >= 0 && vsim_unchanged(u, e))
			vsim_count(u, (enum vsim_counter)counter);
		copy = *e;
		vsim_cache_give(u, e);
		if (!inv->implicit)
			vsim_prefetch(u, &copy);
	}
}

/*
 * The address space of @e may be in use elsewhere too: then it does not matter who
 * @e came through.
 */
static bool vsim_true_elsewhere(struct vsim_unit *u, const struct vsim_entry *e)
{
	const struct vsim_entry *other;
	struct vsim_entry there = *e;
	unsigned int i;

	if (!vsim_is_table(e->kind))
		return false;
	for (i = 0; i < VSIM_HASH; i++) {
		for (other = u->hash[i]; other; other = other->next) {
			if (other->kind != VSIM_PASID || other->did != e->did)
				continue;
			there.sid = other->sid;
			if (e->kind == VSIM_TABLE_SECOND)
				there.pasid = other->pasid;
			if (vsim_unchanged(u, &there))
				return true;
		}
	}
	return false;
}

/*
 * 6.2.3.1: a domain ID stands for one address space. @tag is of a PASID table entry
 * that is about to be cached.
 */
void vsim_check_domain(struct vsim_unit *u, const struct vsim_entry *tag)
{
	const struct vsim_entry *e;
	unsigned int i;

	for (i = 0; i < VSIM_HASH; i++) {
		for (e = u->hash[i]; e; e = e->next) {
			if (e->kind == VSIM_PASID && !e->reason && e->did == tag->did &&
			    !vsim_shares_domain(e->qw, e->pasid, tag->qw, tag->pasid) &&
			    vsim_unchanged(u, e)) {
				vsim_count(u, VSIM_N_BAD_DID_SHARED);
				return;
			}
		}
	}
}

/*
 * What is cached and no longer true: some invalidation was left out, or is still
 * to come.
 */
void vsim_cache_stale(struct vsim_unit *u)
{
	static const enum vsim_counter counters[] = {
		[VSIM_CONTEXT] = VSIM_N_STALE_CONTEXT_ENTRIES,
		[VSIM_PASID] = VSIM_N_STALE_PASID,
		[VSIM_TABLE_FIRST] = VSIM_N_STALE_TABLE,
		[VSIM_TABLE_SECOND] = VSIM_N_STALE_TABLE,
		[VSIM_IOTLB] = VSIM_N_STALE_IOTLB,
	};
	struct vsim_entry *e;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(counters); i++)
		u->counters[counters[i]] = 0;
	if (!(*vsim_reg(u, VSIM_GSTS) & VSIM_GCMD_TE))
		return;
	for (i = 0; i < VSIM_HASH; i++)
		for (e = u->hash[i]; e; e = e->next)
			if (!vsim_unchanged(u, e) && !vsim_true_elsewhere(u, e))
				vsim_count(u, counters[e->kind]);
}
