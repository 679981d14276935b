// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a unit caches (6.2), and what each invalidation takes out (6.5.2).
 *
 * Nothing ever leaves by itself. An invalidation takes what the specification says
 * that it takes, and no more: what hardware may keep, this one keeps.
 */
#include <linux/string.h>
#include <linux/types.h>
#include "vtd_sim.h"

static bool vsim_is_first(unsigned int kind)
{
	return kind == VSIM_TABLE_FIRST || kind == VSIM_IOTLB_FIRST;
}

static bool vsim_is_second(unsigned int kind)
{
	return kind == VSIM_TABLE_SECOND || kind == VSIM_IOTLB_SECOND;
}

static bool vsim_is_table(unsigned int kind)
{
	return kind == VSIM_TABLE_FIRST || kind == VSIM_TABLE_SECOND;
}

static bool vsim_is_iotlb(unsigned int kind)
{
	return kind == VSIM_IOTLB_FIRST || kind == VSIM_IOTLB_SECOND;
}

static unsigned int vsim_hash(const struct vsim_entry *tag)
{
	u64 h = tag->kind;

	switch (tag->kind) {
	case VSIM_CONTEXT:
		h += tag->sid * 8ULL;
		break;
	case VSIM_PASID_DIR:
		h += tag->sid * 64ULL + tag->key;
		break;
	case VSIM_PASID:
		h += tag->sid * 64ULL + tag->pasid * 8ULL;
		break;
	default:
		h += (tag->key >> tag->shift) * 8 + tag->did * 512ULL;
		break;
	}
	return (h ^ h >> 10 ^ h >> 20 ^ h >> 30) % VSIM_HASH;
}

static bool vsim_same_tag(const struct vsim_entry *a, const struct vsim_entry *b)
{
	if (a->kind != b->kind)
		return false;
	switch (a->kind) {
	case VSIM_CONTEXT:
		return a->sid == b->sid;
	case VSIM_PASID_DIR:
		return a->sid == b->sid && a->key == b->key;
	case VSIM_PASID:
		return a->sid == b->sid && a->pasid == b->pasid;
	default:
		if (vsim_is_first(a->kind) && a->pasid != b->pasid)
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
	struct vsim_result r = { };
	int reason;

	if (vsim_walk_entry(w) || vsim_pe_did(w->pe) != e->did)
		return false;
	if (vsim_is_second(e->kind)) {
		if (vsim_pe_pgtt(w->pe) != VSIM_PGTT_SECOND &&
		    vsim_pe_pgtt(w->pe) != VSIM_PGTT_NESTED)
			return false;
		reason = vsim_second_stage(w, e->key, false, &r);
	} else {
		if (vsim_pe_pgtt(w->pe) != e->pgtt)
			return false;
		reason = vsim_translate(w, &r);
	}
	return vsim_is_table(e->kind) ? vsim_unchanged_table(w, e) :
					vsim_same_page(e, reason, &r);
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
	case VSIM_PASID_DIR:
		vsim_walk_entry(&w);
		return w.dir == e->key && w.dir_entry == e->qw[0];
	case VSIM_PASID:
		reason = vsim_walk_entry(&w);
		return reason == e->reason &&
		       (reason || !memcmp(w.pe, e->qw, sizeof(w.pe)));
	default:
		return vsim_unchanged_paging(&w, e);
	}
}

/* 6.5.2.1: FM masks the low bits of the function number. */
static bool vsim_hit_context(const struct vsim_inv *inv, const struct vsim_entry *e)
{
	static const u16 masks[] = { 0, 4, 6, 7 };

	if (e->kind != VSIM_CONTEXT && e->kind != VSIM_PASID_DIR)
		return false;
	/* Entries of scalable mode have no domain ID: by domain is global. */
	if (inv->g != VSIM_CC_DEVICE)
		return true;
	return !((e->sid ^ inv->sid) & ~masks[inv->fm]);
}

/*
 * 6.5.2.2. The way through the directory (6.2.2.1) has no domain ID: only a global
 * invalidation takes it, or one of the context entry that leads to it.
 */
static bool vsim_hit_pasid(const struct vsim_inv *inv, const struct vsim_entry *e)
{
	if (inv->g == VSIM_PC_GLOBAL)
		return e->kind == VSIM_PASID || e->kind == VSIM_PASID_DIR;
	return e->kind == VSIM_PASID && e->did == inv->did &&
	       (inv->g == VSIM_PC_DOMAIN || e->pasid == inv->pasid);
}

static bool vsim_overlap(const struct vsim_inv *inv, const struct vsim_entry *e)
{
	u64 big = e->shift > inv->am + 12 ? e->shift : inv->am + 12;

	return big > 63 || !((e->key ^ inv->addr) >> big);
}

/*
 * 6.5.2.3. By domain: all. By page: second-stage and pass-through mappings of the
 * pages, but first-stage and nested ones of the whole domain: what is cached of
 * them, and of the tables that lead there, does not tell a guest-physical page.
 */
static bool vsim_hit_iotlb(struct vsim_unit *u, const struct vsim_inv *inv,
			   const struct vsim_entry *e)
{
	if (!vsim_is_table(e->kind) && !vsim_is_iotlb(e->kind))
		return false;
	if (inv->g == VSIM_IOTLB_GLOBAL)
		return true;
	if (e->did != inv->did)
		return false;
	/* A unit without CAP.PSI takes the domain. */
	if (inv->g == VSIM_IOTLB_DOMAIN || !(u->cfg.cap & VSIM_CAP_PSI))
		return true;
	if (vsim_is_first(e->kind) && e->pgtt != VSIM_PGTT_PASS)
		return true;
	if (e->kind == VSIM_TABLE_SECOND && inv->ih)
		return false;
	return vsim_overlap(inv, e);
}

/*
 * 6.5.2.4: first-stage, nested and pass-through mappings of a PASID, by page not
 * those of pass-through.
 */
static bool vsim_hit_piotlb(const struct vsim_inv *inv, const struct vsim_entry *e)
{
	if (!vsim_is_first(e->kind) || e->did != inv->did || e->pasid != inv->pasid)
		return false;
	if (inv->g == VSIM_PIOTLB_PASID)
		return true;
	if ((e->kind == VSIM_TABLE_FIRST && inv->ih) || e->pgtt == VSIM_PGTT_PASS)
		return false;
	return vsim_overlap(inv, e);
}

static bool vsim_hit(struct vsim_unit *u, const struct vsim_inv *inv,
		     const struct vsim_entry *e)
{
	switch (inv->type) {
	case VSIM_DESC_CONTEXT:
		return vsim_hit_context(inv, e);
	case VSIM_DESC_PASID_CACHE:
		return vsim_hit_pasid(inv, e);
	case VSIM_DESC_IOTLB:
		return vsim_hit_iotlb(u, inv, e);
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
		if (!vsim_is_iotlb(e->kind))
			return -1;
		if (inv->g == VSIM_IOTLB_GLOBAL)
			return VSIM_N_WIDE_IOTLB_GLOBAL;
		/* Of nested mappings no guest-physical page can be named. */
		if ((vsim_is_first(e->kind) && e->pgtt == VSIM_PGTT_NESTED) ||
		    !(u->cfg.cap & VSIM_CAP_PSI))
			return -1;
		if (inv->g == VSIM_IOTLB_DOMAIN)
			return VSIM_N_WIDE_IOTLB_DOMAIN;
		/* Those of first stage have a descriptor of their own. */
		if (vsim_is_first(e->kind) && e->pgtt == VSIM_PGTT_FIRST)
			return VSIM_N_WIDE_IOTLB_PAGE;
		return inv->am + 12 > e->shift ? VSIM_N_WIDE_IOTLB_PAGE : -1;
	default:
		if (!vsim_is_iotlb(e->kind) || e->pgtt == VSIM_PGTT_PASS)
			return -1;
		if (inv->g == VSIM_PIOTLB_PASID)
			return VSIM_N_WIDE_PIOTLB_PASID;
		return inv->am + 12 > e->shift ? VSIM_N_WIDE_PIOTLB_PAGE : -1;
	}
}

/*
 * Is something on the way to @e another one now? Then nothing but a global
 * invalidation will do, whatever became of the entry itself.
 */
static bool vsim_moved(struct vsim_unit *u, const struct vsim_entry *e)
{
	struct vsim_walk w;

	if (e->kind > VSIM_PASID)
		return false;
	vsim_walk_again(&w, u, e);
	w.probe = true;
	vsim_walk_entry(&w);
	switch (e->kind) {
	case VSIM_CONTEXT:
		return w.ctx_at != e->key;
	case VSIM_PASID_DIR:
		return w.dir != e->key || w.dir_entry != e->qw[0];
	default:
		return w.pe_at != e->key;
	}
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
			if (!vsim_hit(u, inv, e)) {
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

	if (!u->cfg.prefetch || e->reason || !vsim_is_iotlb(e->kind) ||
	    !(*vsim_reg(u, VSIM_GSTS) & VSIM_GCMD_TE))
		return;
	vsim_walk_again(&w, u, e);
	w.prefetch = true;
	if (vsim_walk_entry(&w))
		return;
	if (e->kind == VSIM_IOTLB_FIRST)
		vsim_translate(&w, &r);
	else if (vsim_pe_pgtt(w.pe) == VSIM_PGTT_SECOND ||
		 vsim_pe_pgtt(w.pe) == VSIM_PGTT_NESTED)
		vsim_second_stage(&w, e->key, false, &r);
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
		    !vsim_any_moved(u, taken);
	int counter;

	vsim_not_stale(u, inv);
	while ((e = taken)) {
		taken = e->next;
		counter = live ? vsim_wide_counter(u, inv, e) : -1;
		if (counter >= 0 && vsim_unchanged(u, e))
			vsim_count(u, (enum vsim_counter)counter);
		copy = *e;
		vsim_cache_give(u, e);
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

	if (e->kind <= VSIM_PASID)
		return false;
	for (i = 0; i < VSIM_HASH; i++) {
		for (other = u->hash[i]; other; other = other->next) {
			if (other->kind != VSIM_PASID || other->did != e->did)
				continue;
			there.sid = other->sid;
			if (vsim_is_second(e->kind))
				there.pasid = other->pasid;
			if (vsim_unchanged(u, &there))
				return true;
		}
	}
	return false;
}

/*
 * What is cached and no longer true: some invalidation was left out, or is still
 * to come.
 */
void vsim_cache_stale(struct vsim_unit *u)
{
	static const enum vsim_counter counters[] = {
		[VSIM_CONTEXT] = VSIM_N_STALE_CONTEXT_ENTRIES,
		[VSIM_PASID_DIR] = VSIM_N_STALE_PASID_DIR,
		[VSIM_PASID] = VSIM_N_STALE_PASID,
		[VSIM_TABLE_FIRST] = VSIM_N_STALE_TABLE,
		[VSIM_TABLE_SECOND] = VSIM_N_STALE_TABLE,
		[VSIM_IOTLB_FIRST] = VSIM_N_STALE_IOTLB,
		[VSIM_IOTLB_SECOND] = VSIM_N_STALE_IOTLB,
	};
	struct vsim_entry *e;
	unsigned int i;

	for (i = 0; i < sizeof(counters) / sizeof(counters[0]); i++)
		u->counters[counters[i]] = 0;
	if (!(*vsim_reg(u, VSIM_GSTS) & VSIM_GCMD_TE))
		return;
	for (i = 0; i < VSIM_HASH; i++)
		for (e = u->hash[i]; e; e = e->next)
			if (!vsim_unchanged(u, e) && !vsim_true_elsewhere(u, e))
				vsim_count(u, counters[e->kind]);
}
