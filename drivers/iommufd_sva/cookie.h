/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Cookies: numbers of 32 bits that name what waits for an answer.
 *
 * A cookie is looked up by its low bits, which are a slot of a table, and is good
 * only while it is the one that the slot has. A slot gives the next one of its own
 * each time it is used, and the slot that was free longest is used first: a cookie
 * comes again after 2^32 others, or as many as slots that are always free give.
 *
 * Nothing here allocates but who makes a larger table, and nothing locks.
 */
#ifndef __IOMMUFD_SVA_COOKIE_H
#define __IOMMUFD_SVA_COOKIE_H

#include <linux/bits.h>
#include <linux/types.h>

/* More make no sense, with what is left of 32 bits to tell uses of a slot apart. */
#define IOMMUFD_SVA_COOKIES_MAX		BIT(20)

/**
 * struct iommufd_sva_cookie_slot - what a cookie stands for
 * @item: it; NULL: the slot is free
 * @cookie: what it has, or had last
 * @next: the slot that is used after this one, while both are free
 */
struct iommufd_sva_cookie_slot {
	void *item;
	u32 cookie;
	u32 next;
};

/**
 * struct iommufd_sva_cookies - a table of cookies
 * @slots: @size of them
 * @size: a power of two; 0: none yet
 * @num_free: how many are free
 * @first_free: the one that is used next, if there is one
 * @last_free: the one that is used last
 */
struct iommufd_sva_cookies {
	struct iommufd_sva_cookie_slot *slots;
	u32 size;
	u32 num_free;
	u32 first_free;
	u32 last_free;
};

static inline struct iommufd_sva_cookie_slot *
iommufd_sva_cookie_slot(struct iommufd_sva_cookies *cookies, u32 cookie)
{
	return &cookies->slots[cookie & (cookies->size - 1)];
}

static inline void iommufd_sva_cookie_slot_free(struct iommufd_sva_cookies *cookies,
						u32 index)
{
	if (cookies->num_free++)
		cookies->slots[cookies->last_free].next = index;
	else
		cookies->first_free = index;
	cookies->last_free = index;
	cookies->slots[index].item = NULL;
}

/* What @cookie stands for, or NULL. Any number may be asked for. */
static inline void *iommufd_sva_cookie_find(struct iommufd_sva_cookies *cookies, u32 cookie)
{
	struct iommufd_sva_cookie_slot *slot;

	if (!cookies->size)
		return NULL;
	slot = iommufd_sva_cookie_slot(cookies, cookie);
	return slot->cookie == cookie ? slot->item : NULL;
}

/* A cookie, never 0, for @item, which is not NULL. False: no slot is free. */
static inline bool iommufd_sva_cookie_get(struct iommufd_sva_cookies *cookies, void *item,
					  u32 *cookie)
{
	struct iommufd_sva_cookie_slot *slot;

	if (!cookies->num_free)
		return false;
	slot = &cookies->slots[cookies->first_free];
	cookies->first_free = slot->next;
	cookies->num_free--;
	slot->cookie += cookies->size;
	if (!slot->cookie)
		slot->cookie = cookies->size;
	slot->item = item;
	*cookie = slot->cookie;
	return true;
}

/* @cookie, which stands for something, does not any more. */
static inline void iommufd_sva_cookie_put(struct iommufd_sva_cookies *cookies, u32 cookie)
{
	iommufd_sva_cookie_slot_free(cookies, cookie & (cookies->size - 1));
}

/*
 * Go on with @slots, of which there are @size, more than now and a power of two.
 * Cookies that stand for something still do, and none comes again any sooner.
 * The caller frees what @cookies had before.
 */
static inline void iommufd_sva_cookies_grow(struct iommufd_sva_cookies *cookies,
					    struct iommufd_sva_cookie_slot *slots, u32 size)
{
	struct iommufd_sva_cookies old = *cookies;
	struct iommufd_sva_cookie_slot *slot;
	u32 i;

	*cookies = (struct iommufd_sva_cookies){ .slots = slots, .size = size };
	for (i = 0; i < size; i++) {
		slots[i].cookie = i;
		if (old.size) {
			slot = iommufd_sva_cookie_slot(&old, i);
			/* The last of this slot's that is not beyond what it came from had. */
			slots[i].cookie = slot->cookie - ((slot->cookie - i) & (size - 1));
			if (slot->item && slot->cookie == slots[i].cookie) {
				slots[i].item = slot->item;
				continue;
			}
		}
		iommufd_sva_cookie_slot_free(cookies, i);
	}
}

#endif
