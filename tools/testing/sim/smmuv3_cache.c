// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the unit caches: configuration and translations. Nothing goes before a command
 * makes it go. There is room for a number of entries that no test comes near; when it
 * is used up, what does not fit is not cached ("cache_full" counts).
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include "smmuv3_sim.h"

void ssim_cache_init(struct ssim *u, struct ssim_entry *entries, unsigned int num)
{
	unsigned int i;

	u->entries = entries;
	u->num_entries = num;
	INIT_LIST_HEAD(&u->free);
	for (i = 0; i < SSIM_KINDS; i++)
		INIT_LIST_HEAD(&u->kinds[i]);
	for (i = 0; i < ARRAY_SIZE(u->hash); i++)
		INIT_LIST_HEAD(&u->hash[i]);
	for (i = 0; i < num; i++)
		list_add_tail(&entries[i].kind_node, &u->free);
}

/* Tags that not all entries of a kind have are no part of it. */
static unsigned int bucket(const struct ssim_entry *key)
{
	u64 h = key->addr + key->sid;

	h = (h + key->kind + ((u64)key->ssid << 20) + key->vmid) * 0x9e3779b97f4a7c15ULL;
	return h >> (64 - SSIM_HASH_BITS);
}

static bool is_config(u8 kind)
{
	return kind < SSIM_S1 || kind > SSIM_S2_TABLE;
}

static bool matches(const struct ssim_entry *e, const struct ssim_entry *key)
{
	if (e->kind != key->kind || e->addr != key->addr || e->shift != key->shift)
		return false;
	if (is_config(e->kind))
		return e->sid == key->sid && e->ssid == key->ssid;
	if (e->kind == SSIM_S2 || e->kind == SSIM_S2_TABLE)
		return e->vmid == key->vmid && e->tg == key->tg;
	return e->world == key->world && e->vmid == key->vmid && e->tg == key->tg &&
	       (e->global || e->asid == key->asid);
}

/* The entry of @key's kind and tags for @key->addr, of exactly @key->shift. */
static struct ssim_entry *find_shift(struct ssim *u, struct ssim_entry *key)
{
	struct ssim_entry *e;

	list_for_each_entry(e, &u->hash[bucket(key)], hash_node)
		if (matches(e, key))
			return e;
	return NULL;
}

/**
 * ssim_cache_find - what is cached for an address
 * @u: the unit
 * @want: kind, addr and tags
 *
 * Return: the smallest one, NULL: none
 */
struct ssim_entry *ssim_cache_find(struct ssim *u, const struct ssim_entry *want)
{
	struct ssim_entry key = *want, *e;

	for (key.shift = 0; key.shift < 64; key.shift++) {
		if (!u->shifts[key.kind][key.shift])
			continue;
		key.addr = want->addr & ~((1ULL << key.shift) - 1);
		e = find_shift(u, &key);
		if (e)
			return e;
	}
	return NULL;
}

struct ssim_entry *ssim_cache_find_config(struct ssim *u, enum ssim_kind kind, u32 sid,
					  u32 ssid)
{
	struct ssim_entry key = { .kind = kind, .sid = sid, .ssid = ssid };

	return find_shift(u, &key);
}

/**
 * ssim_cache_add - cache something
 * @u: the unit
 * @entry: what; its links are not looked at
 *
 * Return: the cached one; NULL: there is no room
 */
struct ssim_entry *ssim_cache_add(struct ssim *u, const struct ssim_entry *entry)
{
	struct ssim_entry *e;

	if (list_empty(&u->free)) {
		ssim_count(u, "cache_full");
		return NULL;
	}
	e = list_entry(u->free.next, struct ssim_entry, kind_node);
	list_del(&e->kind_node);
	*e = *entry;
	list_add_tail(&e->kind_node, &u->kinds[e->kind]);
	list_add_tail(&e->hash_node, &u->hash[bucket(e)]);
	u->shifts[e->kind][e->shift]++;
	return e;
}

void ssim_cache_drop(struct ssim *u, struct ssim_entry *e)
{
	u->shifts[e->kind][e->shift]--;
	list_del(&e->kind_node);
	list_del(&e->hash_node);
	list_add_tail(&e->kind_node, &u->free);
}

/* Is what was cached no more what memory says? */
bool ssim_cache_changed(struct ssim *u, const struct ssim_entry *e)
{
	unsigned int i, words = e->kind == SSIM_STE || e->kind == SSIM_CD ? 8 : 1;
	__le64 now;

	for (i = 0; i < words; i++)
		if (u->ops->read(u, e->at + 8 * i, &now, sizeof(now)) ||
		    le64_to_cpu(now) != e->word[i])
			return true;
	return false;
}
