// SPDX-License-Identifier: GPL-2.0-only
/*
 * Cookies: what is asked for is found by its own one and by no other, and no cookie comes
 * again soon, also when the table grows.
 */
#include <linux/types.h>
#include <iommufd_sva/cookie.h>

#include "tap.h"

static int items[64];

static void init(struct iommufd_sva_cookies *cookies, u32 size)
{
	*cookies = (struct iommufd_sva_cookies){};
	iommufd_sva_cookies_grow(cookies, calloc(size, sizeof(*cookies->slots)), size);
}

static void grow(struct iommufd_sva_cookies *cookies, u32 size)
{
	struct iommufd_sva_cookie_slot *old = cookies->slots;

	iommufd_sva_cookies_grow(cookies, calloc(size, sizeof(*cookies->slots)), size);
	free(old);
}

TEST(none_yet)
{
	struct iommufd_sva_cookies cookies = {};
	u32 cookie;

	CHECK(!iommufd_sva_cookie_find(&cookies, 0));
	CHECK(!iommufd_sva_cookie_find(&cookies, ~0U));
	CHECK(!iommufd_sva_cookie_get(&cookies, &items[0], &cookie));
}

TEST(as_many_as_slots)
{
	struct iommufd_sva_cookies cookies;
	u32 cookie[8], more, i, k;

	init(&cookies, 8);
	for (i = 0; i < 8; i++) {
		CHECK(iommufd_sva_cookie_get(&cookies, &items[i], &cookie[i]));
		CHECK(cookie[i]);
		for (k = 0; k < i; k++)
			CHECK(cookie[k] != cookie[i]);
	}
	CHECK(!iommufd_sva_cookie_get(&cookies, &items[8], &more));
	for (i = 0; i < 8; i++)
		CHECK(iommufd_sva_cookie_find(&cookies, cookie[i]) == &items[i]);
	iommufd_sva_cookie_put(&cookies, cookie[3]);
	CHECK(!iommufd_sva_cookie_find(&cookies, cookie[3]));
	CHECK(iommufd_sva_cookie_get(&cookies, &items[8], &more));
	CHECK(iommufd_sva_cookie_find(&cookies, more) == &items[8]);
	CHECK(!iommufd_sva_cookie_find(&cookies, cookie[3]));
	free(cookies.slots);
}

/* Nothing is found by any other number. */
TEST(forged)
{
	struct iommufd_sva_cookies cookies;
	u32 cookie, i, found = 0;

	init(&cookies, 16);
	CHECK(iommufd_sva_cookie_get(&cookies, &items[0], &cookie));
	for (i = 0; i < 1 << 20; i++)
		found += !!iommufd_sva_cookie_find(&cookies, i);
	CHECK_EQ(found, 1);
	CHECK(!iommufd_sva_cookie_find(&cookies, cookie | 1U << 31));
	free(cookies.slots);
}

/* The slot that was free longest is used first. */
TEST(late_answers_find_nothing)
{
	struct iommufd_sva_cookies cookies;
	u32 seen[200], i, k;

	init(&cookies, 4);
	for (i = 0; i < 200; i++) {
		CHECK(iommufd_sva_cookie_get(&cookies, &items[0], &seen[i]));
		for (k = 0; k < i; k++) {
			CHECK(seen[k] != seen[i]);
			CHECK(!iommufd_sva_cookie_find(&cookies, seen[k]));
		}
		iommufd_sva_cookie_put(&cookies, seen[i]);
	}
	for (i = 0; i < 196; i++)
		CHECK((seen[i] & 3) != (seen[i + 1] & 3));
	free(cookies.slots);
}

TEST(never_zero)
{
	struct iommufd_sva_cookies cookies;
	u32 cookie, i;

	init(&cookies, 2);
	for (i = 0; i < 2; i++)
		cookies.slots[i].cookie = 0xfffffffcU + i;
	for (i = 0; i < 8; i++) {
		CHECK(iommufd_sva_cookie_get(&cookies, &items[0], &cookie));
		CHECK(cookie);
		CHECK(iommufd_sva_cookie_find(&cookies, cookie) == &items[0]);
		iommufd_sva_cookie_put(&cookies, cookie);
	}
	free(cookies.slots);
}

static u64 state = 88172645463325252ULL;

static u32 any(u32 below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (u32)(state >> 11) % below;
}

/* What was given before is good for what it was given for, and comes again for nothing. */
static void grow_at(u32 start)
{
	static u8 used[1 << 20];
	struct iommufd_sva_cookies cookies;
	u32 cookie[64] = {}, size = 2, i, at;

	memset(used, 0, sizeof(used));
	init(&cookies, size);
	for (i = 0; i < size; i++)
		cookies.slots[i].cookie = start + i;
	for (i = 0; i < 20000; i++) {
		at = any(64);
		if (cookie[at]) {
			CHECK(iommufd_sva_cookie_find(&cookies, cookie[at]) == &items[at]);
			iommufd_sva_cookie_put(&cookies, cookie[at]);
			CHECK(!iommufd_sva_cookie_find(&cookies, cookie[at]));
			cookie[at] = 0;
		} else if (iommufd_sva_cookie_get(&cookies, &items[at], &cookie[at])) {
			/* No further than its slot's number of uses from where it began. */
			CHECK(cookie[at] - start < sizeof(used));
			CHECK(!used[(cookie[at] - start) % sizeof(used)]++);
		} else if (size < 64) {
			size *= any(2) ? 2 : size < 32 ? 4 : 2;
			grow(&cookies, size);
			CHECK_EQ(cookies.size, size);
		}
	}
	CHECK_EQ(size, 64);
	free(cookies.slots);
}

TEST(grows)
{
	grow_at(0);
	grow_at(0x12345678 & ~1U);
	/* Past the end of 32 bits. */
	grow_at(0xffff0000U);
}

TAP_MAIN
