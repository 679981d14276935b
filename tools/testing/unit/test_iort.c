// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading of the IORT table: tables put together by hand from the figures of
 * DEN 0049, and such tables with bytes in them that firmware never meant.
 */
#include <linux/types.h>
#include <smmuv3_nested/iort.h>

#include "tap.h"

/* --- a table under construction ---------------------------------------- */

struct table {
	u8 bytes[4096];
	u32 length;
	u32 node;	/* the one that is being built */
};

static void put(struct table *t, u32 at, u64 value, unsigned int size)
{
	for (; size--; value >>= 8)
		t->bytes[at++] = value;
}

static u64 get(const struct table *t, u32 at, unsigned int size)
{
	u64 value = 0;

	while (size--)
		value = value << 8 | t->bytes[at + size];
	return value;
}

/* 3: header, number of nodes, offset of the first. */
static void begin(struct table *t, u8 revision)
{
	memset(t, 0, sizeof(*t));
	memcpy(t->bytes, "IORT", 4);
	t->bytes[8] = revision;
	t->length = 48;
	put(t, 40, 48, 4);
	put(t, 4, t->length, 4);
}

/* 3.1: type, length, revision, identifier, mappings and where they are. */
static u32 add_node(struct table *t, u8 type, u32 size)
{
	t->node = t->length;
	t->length += size;
	t->bytes[t->node] = type;
	put(t, t->node + 1, size, 2);
	put(t, t->node + 12, size, 4);
	put(t, 36, get(t, 36, 4) + 1, 4);
	put(t, 4, t->length, 4);
	return t->node;
}

static void add_mapping(struct table *t, u32 input, u32 count, u32 output,
			u32 reference, u32 flags)
{
	u32 at = t->length;

	put(t, at, input, 4);
	put(t, at + 4, count, 4);
	put(t, at + 8, output, 4);
	put(t, at + 12, reference, 4);
	put(t, at + 16, flags, 4);
	t->length += 20;
	put(t, t->node + 1, t->length - t->node, 2);
	put(t, t->node + 8, get(t, t->node + 8, 4) + 1, 4);
	put(t, 4, t->length, 4);
}

static u32 add_smmu(struct table *t, u64 base, u32 flags)
{
	u32 node = add_node(t, 4, 68);

	put(t, node + 16, base, 8);
	put(t, node + 24, flags, 4);
	return node;
}

static void add_root_complex(struct table *t, u32 segment)
{
	put(t, add_node(t, 2, 36) + 28, segment, 4);
}

static void add_named(struct table *t)
{
	memcpy(t->bytes + add_node(t, 1, 40) + 29, "\\_SB.DEV0", 9);
}

/* Two ranges of memory come right after the fixed part. */
static void add_rmr(struct table *t, u32 flags)
{
	u32 node = add_node(t, 6, 28 + 40);

	put(t, node + 16, flags, 4);
	put(t, node + 20, 2, 4);
	put(t, node + 24, 28, 4);
	put(t, node + 28, 0x80001000, 8);
	put(t, node + 36, 0x2000, 8);
	put(t, node + 48, 0xfffffffffffff000ULL, 8);
	put(t, node + 56, 0x1000, 8);
}

#define SINGLE	1
#define BASE_A	0x09050000ULL
#define BASE_B	0x1234509060000ULL

/* A machine with an ITS, two SMMUs, three segments, a platform device and an RMR. */
struct machine {
	struct table t;
	u32 its, a, b;
};

static void build(struct machine *m, u8 revision)
{
	struct table *t = &m->t;

	begin(t, revision);
	m->its = add_node(t, 0, 24);
	m->a = add_smmu(t, BASE_A, 1);
	add_mapping(t, 0, 0xffff, 0, m->its, 0);
	m->b = add_smmu(t, BASE_B, 0);

	/* Buses 0 to 0x3f at A, 0x40 to 0x7f at B from 0x10000 on, the rest free. */
	add_root_complex(t, 0);
	add_mapping(t, 0x0000, 0x3fff, 0x0000, m->a, 0);
	add_mapping(t, 0x4000, 0x3fff, 0x10000, m->b, 0);
	add_mapping(t, 0x8000, 0x7fff, 0x8000, m->its, 0);
	/* Counted wrongly: 0x100 and 0x101 where 0x100 alone is meant. */
	add_root_complex(t, 1);
	add_mapping(t, 0x100, 1, 0x500, m->a, 0);
	add_mapping(t, 0x101, 1, 0x900, m->b, 0);
	add_mapping(t, 0x102, 0, 0x700, m->a, 0);
	/* One stream ID for all that there is. */
	add_root_complex(t, 2);
	add_mapping(t, 0x7777, 0xdead, 0x4444, m->b, SINGLE);

	add_named(t);
	add_mapping(t, 0, 0, 0x20000, m->a, SINGLE);
	add_mapping(t, 0, 0, 0x20001, m->b, SINGLE);
	add_mapping(t, 0, 0, 0x20002, m->its, SINGLE);
	add_rmr(t, SMMUV3_IORT_RMR_REMAP | SMMUV3_IORT_RMR_PRIVILEGED);
	add_mapping(t, 0, 3, 0x100, m->a, 0);
	add_mapping(t, 0, 0, 0x20000, m->b, SINGLE);
}

/* Exactly as long as it is, so that a look behind its end is seen. */
static int load(struct smmuv3_iort *iort, const struct table *t)
{
	void *copy = malloc(t->length ?: 1);
	int rc;

	memcpy(copy, t->bytes, t->length);
	memset(iort, 0, sizeof(*iort));
	rc = smmuv3_iort_init(iort, copy, t->length);
	if (rc)
		free(copy);
	CHECK(rc ? !iort->table : iort->table == copy);
	return rc;
}

static void unload(struct smmuv3_iort *iort)
{
	free((void *)iort->table);
}

static void machine(struct machine *m, struct smmuv3_iort *iort)
{
	build(m, 6);
	CHECK_EQ(load(iort, &m->t), 0);
}

/* --- what is read ------------------------------------------------------ */

TEST(find_smmu)
{
	struct smmuv3_iort iort;
	struct machine m;

	machine(&m, &iort);
	CHECK_EQ(smmuv3_iort_find_smmu(&iort, BASE_A), m.a);
	CHECK_EQ(smmuv3_iort_find_smmu(&iort, BASE_B), m.b);
	CHECK_EQ(smmuv3_iort_find_smmu(&iort, 0), 0);
	CHECK_EQ(smmuv3_iort_find_smmu(&iort, BASE_A + 1), 0);
	CHECK(smmuv3_iort_overrides_cohacc(&iort, m.a));
	CHECK(!smmuv3_iort_overrides_cohacc(&iort, m.b));
	CHECK(!smmuv3_iort_overrides_cohacc(&iort, 0));
	unload(&iort);
}

/* What is in the table of one unit alone. */
TEST(only_smmu)
{
	struct smmuv3_iort iort;
	struct machine m;
	struct table t;
	u64 base = 1;

	begin(&t, 6);
	add_root_complex(&t, 0);
	CHECK_EQ(load(&iort, &t), 0);
	CHECK_EQ(smmuv3_iort_only_smmu(&iort, &base), -EINVAL);
	unload(&iort);
	add_smmu(&t, BASE_B, 0);
	CHECK_EQ(load(&iort, &t), 0);
	CHECK_EQ(smmuv3_iort_only_smmu(&iort, &base), 0);
	CHECK_EQ(base, BASE_B);
	unload(&iort);

	machine(&m, &iort);
	CHECK_EQ(smmuv3_iort_only_smmu(&iort, &base), -EINVAL);
	unload(&iort);
	memset(&iort, 0, sizeof(iort));
	CHECK_EQ(smmuv3_iort_only_smmu(&iort, &base), -EINVAL);
}

/* Every root complex behind an SMMU has to say so; the third is behind B alone. */
TEST(canwbs)
{
	struct smmuv3_iort iort;
	struct machine m;
	u32 rc[3], at = 48, found = 0;

	build(&m, 6);
	for (; found < 3; at += get(&m.t, at + 1, 2))
		if (get(&m.t, at, 1) == 2)
			rc[found++] = at;
	for (found = 0; found < 3; found++) {
		/* CPM and DACS are something else. */
		put(&m.t, rc[found] + 23, 3, 1);
	}
	CHECK_EQ(load(&iort, &m.t), 0);
	CHECK(!smmuv3_iort_canwbs(&iort, m.a));
	CHECK(!smmuv3_iort_canwbs(&iort, m.b));
	unload(&iort);

	put(&m.t, rc[0] + 23, 7, 1);
	put(&m.t, rc[1] + 23, 7, 1);
	CHECK_EQ(load(&iort, &m.t), 0);
	CHECK(smmuv3_iort_canwbs(&iort, m.a));
	CHECK(!smmuv3_iort_canwbs(&iort, m.b));
	CHECK(!smmuv3_iort_canwbs(&iort, 0));
	unload(&iort);

	put(&m.t, rc[0] + 23, 3, 1);
	put(&m.t, rc[2] + 23, 7, 1);
	CHECK_EQ(load(&iort, &m.t), 0);
	CHECK(!smmuv3_iort_canwbs(&iort, m.a));
	CHECK(!smmuv3_iort_canwbs(&iort, m.b));
	/* Nothing is behind an ITS that is not an SMMU's business. */
	CHECK(!smmuv3_iort_canwbs(&iort, m.its));
	unload(&iort);
}

#define CHECK_SID(iort, smmu, segment, rid, want) ({			\
	u32 __sid = ~0;							\
	CHECK_EQ(smmuv3_iort_map_rid(iort, smmu, segment, rid, &__sid), 0); \
	CHECK_EQ(__sid, want);						\
})

#define CHECK_NOT_BEHIND(iort, smmu, segment, rid) ({			\
	u32 __sid = 0x5a5a;						\
	CHECK_EQ(smmuv3_iort_map_rid(iort, smmu, segment, rid, &__sid), -ENODEV); \
	CHECK_EQ(__sid, 0x5a5a);					\
})

TEST(map_rid)
{
	struct smmuv3_iort iort;
	struct machine m;

	machine(&m, &iort);
	CHECK_SID(&iort, m.a, 0, 0, 0);
	CHECK_SID(&iort, m.a, 0, 0x3fff, 0x3fff);
	CHECK_NOT_BEHIND(&iort, m.b, 0, 0x3fff);
	CHECK_SID(&iort, m.b, 0, 0x4000, 0x10000);
	CHECK_SID(&iort, m.b, 0, 0x7fff, 0x13fff);
	CHECK_NOT_BEHIND(&iort, m.a, 0, 0x4000);
	CHECK_NOT_BEHIND(&iort, m.a, 0, 0x8000);
	CHECK_NOT_BEHIND(&iort, m.b, 0, 0xffff);
	CHECK_NOT_BEHIND(&iort, m.a, 3, 0);
	/* Nobody's: not those of mappings to nothing either. */
	CHECK_NOT_BEHIND(&iort, 0, 0, 0);
	unload(&iort);
}

/* ATS Attribute: bit 0, of the root complex that sends to the SMMU. */
TEST(ats)
{
	struct smmuv3_iort iort;
	struct machine m;
	u32 at = 48;

	build(&m, 6);
	while (get(&m.t, at, 1) != 2)
		at += get(&m.t, at + 1, 2);
	put(&m.t, at + 24, 0xfffffffe, 4);
	CHECK_EQ(load(&iort, &m.t), 0);
	CHECK(!smmuv3_iort_ats(&iort, m.a, 0, 0));
	unload(&iort);
	put(&m.t, at + 24, 1, 4);
	CHECK_EQ(load(&iort, &m.t), 0);
	CHECK(smmuv3_iort_ats(&iort, m.a, 0, 0));
	CHECK(!smmuv3_iort_ats(&iort, m.b, 0, 0));
	CHECK(!smmuv3_iort_ats(&iort, 0, 0, 0));
	CHECK(smmuv3_iort_ats(&iort, m.b, 0, 0x4000));
	CHECK(!smmuv3_iort_ats(&iort, m.a, 3, 0));
	unload(&iort);
}

TEST(count_is_minus_one)
{
	struct smmuv3_iort iort;
	struct machine m;

	machine(&m, &iort);
	CHECK_SID(&iort, m.a, 1, 0x100, 0x500);
	CHECK_SID(&iort, m.b, 1, 0x101, 0x900);
	CHECK_NOT_BEHIND(&iort, m.a, 1, 0x101);
	CHECK_SID(&iort, m.a, 1, 0x102, 0x700);
	CHECK_NOT_BEHIND(&iort, m.a, 1, 0x103);
	CHECK_NOT_BEHIND(&iort, m.a, 1, 0xff);
	unload(&iort);
}

/* 0x101 is in the middle of another range then, which is no reason to go there. */
TEST(end_of_range_is_not_middle_of_next)
{
	struct smmuv3_iort iort;
	struct table t;
	u32 smmu;

	begin(&t, 6);
	smmu = add_smmu(&t, BASE_A, 0);
	add_root_complex(&t, 0);
	add_mapping(&t, 0x100, 1, 0x500, smmu, 0);
	add_mapping(&t, 0x0f0, 0x40, 0x900, smmu, 0);
	CHECK_EQ(load(&iort, &t), 0);
	CHECK_SID(&iort, smmu, 0, 0x101, 0x501);
	CHECK_SID(&iort, smmu, 0, 0x100, 0x500);
	CHECK_SID(&iort, smmu, 0, 0x102, 0x912);
	unload(&iort);
}

TEST(single_mapping)
{
	struct smmuv3_iort iort;
	struct machine m;

	machine(&m, &iort);
	CHECK_SID(&iort, m.b, 2, 0, 0x4444);
	CHECK_SID(&iort, m.b, 2, 0xffff, 0x4444);
	CHECK_NOT_BEHIND(&iort, m.a, 2, 0);
	unload(&iort);
}

struct seen {
	char text[512];
	unsigned int num;
	unsigned int stop_at;
};

static int see_range(void *arg, enum smmuv3_iort_range what, u32 first, u32 count)
{
	struct seen *seen = arg;
	size_t len = strlen(seen->text);

	snprintf(seen->text + len, sizeof(seen->text) - len, "%c%x+%x ",
		 what == SMMUV3_IORT_RANGE_PCI ? 'p' :
		 what == SMMUV3_IORT_RANGE_RMR ? 'r' : 'n', first, count);
	CHECK(count && count - 1 <= U32_MAX - first);
	return ++seen->num == seen->stop_at ? -EBUSY : 0;
}

static int see_rmr(void *arg, const struct smmuv3_iort_rmr *rmr)
{
	struct seen *seen = arg;
	size_t len = strlen(seen->text);

	snprintf(seen->text + len, sizeof(seen->text) - len, "%x+%x:%x:%llx+%llx ",
		 rmr->sid, rmr->num_sids, rmr->flags, rmr->base, rmr->length);
	CHECK(rmr->num_sids && rmr->num_sids - 1 <= U32_MAX - rmr->sid);
	CHECK(rmr->length && rmr->length - 1 <= U64_MAX - rmr->base);
	return ++seen->num == seen->stop_at ? -EBUSY : 0;
}

#define CHECK_TEXT(seen, want) ({					\
	if (!CHECK(!strcmp((seen).text, want)))				\
		printf("# %s\n# instead of\n# %s\n", (seen).text, want); \
})

TEST(ranges)
{
	struct smmuv3_iort iort;
	struct seen seen = {};
	struct machine m;

	machine(&m, &iort);
	CHECK_EQ(smmuv3_iort_for_each_range(&iort, m.a, see_range, &seen), 0);
	CHECK_TEXT(seen, "p0+4000 p500+2 p700+1 n20000+1 r100+4 ");
	seen = (struct seen){};
	CHECK_EQ(smmuv3_iort_for_each_range(&iort, m.b, see_range, &seen), 0);
	CHECK_TEXT(seen, "p10000+4000 p900+2 p4444+1 n20001+1 r20000+1 ");
	seen = (struct seen){};
	CHECK_EQ(smmuv3_iort_for_each_range(&iort, 0, see_range, &seen), 0);
	CHECK_TEXT(seen, "");
	seen = (struct seen){ .stop_at = 2 };
	CHECK_EQ(smmuv3_iort_for_each_range(&iort, m.a, see_range, &seen), -EBUSY);
	CHECK_EQ(seen.num, 2);
	unload(&iort);
}

TEST(rmrs)
{
	struct smmuv3_iort iort;
	struct seen seen = {};
	struct machine m;

	machine(&m, &iort);
	CHECK_EQ(smmuv3_iort_for_each_rmr(&iort, m.a, see_rmr, &seen), 0);
	CHECK_TEXT(seen, "100+4:3:80001000+2000 100+4:3:fffffffffffff000+1000 ");
	seen = (struct seen){};
	CHECK_EQ(smmuv3_iort_for_each_rmr(&iort, m.b, see_rmr, &seen), 0);
	CHECK_TEXT(seen, "20000+1:3:80001000+2000 20000+1:3:fffffffffffff000+1000 ");
	seen = (struct seen){ .stop_at = 1 };
	CHECK_EQ(smmuv3_iort_for_each_rmr(&iort, m.b, see_rmr, &seen), -EBUSY);
	unload(&iort);

	/* An old table does not say that memory may be remapped. */
	build(&m, 3);
	CHECK_EQ(load(&iort, &m.t), 0);
	seen = (struct seen){ .stop_at = 1 };
	CHECK_EQ(smmuv3_iort_for_each_rmr(&iort, m.a, see_rmr, &seen), -EBUSY);
	CHECK_TEXT(seen, "100+4:0:80001000+2000 ");
	unload(&iort);
}

TEST(no_table)
{
	struct smmuv3_iort none = {};
	struct seen seen = {};

	CHECK_EQ(smmuv3_iort_find_smmu(&none, BASE_A), 0);
	CHECK_NOT_BEHIND(&none, 0, 0, 0);
	CHECK_EQ(smmuv3_iort_for_each_range(&none, 0, see_range, &seen), 0);
	CHECK_EQ(smmuv3_iort_for_each_rmr(&none, 0, see_rmr, &seen), 0);
	CHECK_EQ(seen.num, 0);
}

/* --- what is refused --------------------------------------------------- */

static int load_with(u32 at, u64 value, unsigned int size, const struct machine *m)
{
	struct table t = m->t;
	struct smmuv3_iort iort;
	int rc;

	put(&t, at, value, size);
	rc = load(&iort, &t);
	if (!rc)
		unload(&iort);
	return rc;
}

#define CHECK_REFUSED(at, value, size) \
	CHECK_EQ(load_with(at, value, size, &m), -EINVAL)
#define CHECK_TAKEN(at, value, size) \
	CHECK_EQ(load_with(at, value, size, &m), 0)

TEST(refused)
{
	u32 rc0, rmr, map, range;
	struct machine m;

	build(&m, 6);
	rc0 = m.b + 68;
	CHECK_EQ(get(&m.t, rc0, 1), 2);
	map = rc0 + 36;
	rmr = m.t.length - (28 + 2 * 20 + 2 * 20);
	CHECK_EQ(get(&m.t, rmr, 1), 6);
	range = rmr + 28;

	CHECK_TAKEN(0, 'I', 1);
	/* The list of nodes */
	CHECK_REFUSED(40, 47, 4);
	CHECK_REFUSED(40, 0, 4);
	CHECK_REFUSED(40, m.t.length, 4);
	CHECK_REFUSED(40, ~0U, 4);
	CHECK_REFUSED(36, get(&m.t, 36, 4) + 1, 4);
	CHECK_REFUSED(36, ~0U, 4);
	CHECK_TAKEN(36, 0, 4);
	/* The length of a node */
	CHECK_REFUSED(m.its + 1, 0, 2);
	CHECK_REFUSED(m.its + 1, 15, 2);
	CHECK_REFUSED(m.a + 1, 27, 2);
	CHECK_REFUSED(rc0 + 1, 31, 2);
	CHECK_REFUSED(rmr + 1, 27, 2);
	CHECK_REFUSED(rmr + 1, m.t.length - rmr + 1, 2);
	/* Its mappings */
	CHECK_REFUSED(rc0 + 8, 4, 4);
	CHECK_REFUSED(rc0 + 8, ~0U, 4);
	CHECK_REFUSED(rc0 + 8, 0x10000000, 4);
	CHECK_REFUSED(rc0 + 12, 37, 4);
	CHECK_REFUSED(rc0 + 12, ~0U, 4);
	CHECK_REFUSED(map + 4, ~0U, 4);
	CHECK_REFUSED(map + 8, ~0U - 0x3ffe, 4);
	CHECK_TAKEN(map + 8, ~0U - 0x3fff, 4);
	CHECK_REFUSED(map, ~0U - 0x3ffe, 4);
	CHECK_TAKEN(map, ~0U - 0x3fff, 4);
	/* Ranges of memory */
	CHECK_REFUSED(rmr + 20, 5, 4);
	CHECK_REFUSED(rmr + 20, ~0U, 4);
	CHECK_REFUSED(rmr + 24, 69, 4);
	CHECK_REFUSED(rmr + 24, ~0U, 4);
	CHECK_REFUSED(range + 8, 0, 8);
	CHECK_REFUSED(range + 20 + 8, 0x1001, 8);
}

TEST(too_short)
{
	struct smmuv3_iort iort;
	struct machine m;
	u32 length;

	build(&m, 6);
	for (length = m.t.length; length--; ) {
		m.t.length = length;
		CHECK_EQ(load(&iort, &m.t), -EINVAL);
	}
}

/* What it says does not matter, as long as nothing beyond its end is touched. */
static void use(struct smmuv3_iort *iort)
{
	struct seen seen = {};
	u32 smmu, sid, rid;
	u64 base;

	smmu = smmuv3_iort_find_smmu(iort, BASE_A);
	if (!smmu)
		smmu = smmuv3_iort_find_smmu(iort, BASE_B);
	smmuv3_iort_only_smmu(iort, &base);
	smmuv3_iort_overrides_cohacc(iort, smmu);
	for (rid = 0; rid < 0x10000; rid += 0x3ff)
		smmuv3_iort_map_rid(iort, smmu, rid % 3, rid, &sid);
	smmuv3_iort_for_each_range(iort, smmu, see_range, &seen);
	smmuv3_iort_for_each_rmr(iort, smmu, see_rmr, &seen);
}

static void corrupt(struct table *t)
{
	static const u64 values[] = { 0, 1, 15, 16, 47, 0xff, 0xffff, 0x7fffffff,
				      0x80000000, 0xffffffff };
	unsigned int times = 1 + random() % 4;
	u64 value;

	while (times--) {
		value = random() % 2 ? values[random() % ARRAY_SIZE(values)] : random();
		put(t, random() % (t->length - 8), value, 1 << random() % 4);
	}
	if (random() % 8 == 0)
		t->length -= random() % t->length;
}

TEST(corrupted)
{
	unsigned int taken = 0, refused = 0, i;
	struct smmuv3_iort iort;
	struct machine m;

	srandom(1);
	for (i = 0; i < 200000; i++) {
		build(&m, i % 8);
		corrupt(&m.t);
		if (load(&iort, &m.t)) {
			refused++;
			continue;
		}
		taken++;
		use(&iort);
		unload(&iort);
	}
	/* Both ways were gone. */
	CHECK(taken > 1000);
	CHECK(refused > 1000);
}

TAP_MAIN
