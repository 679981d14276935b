// SPDX-License-Identifier: GPL-2.0-only
/*
 * The DMAR table as firmware may have written it: put together here byte by byte
 * from the figures of chapter 8 of the VT-d specification, whole and broken.
 *
 * Tables are given to the parser in allocations of just their size: a look
 * behind the end is the address sanitizer's to find.
 */
#include <vtd_nested/dmar.h>

#include "tap.h"

/* A table while it is put together. */
struct table {
	u8 bytes[2048];
	size_t len;
	size_t structure;	/* where the last one begins */
};

static void put(struct table *t, u64 value, unsigned int bytes)
{
	while (bytes--) {
		t->bytes[t->len++] = value;
		value >>= 8;
	}
}

static void patch16(struct table *t, size_t at, u16 value)
{
	t->bytes[at] = value;
	t->bytes[at + 1] = value >> 8;
}

/* 8.1: 36 bytes of header, host address width, flags, 10 bytes reserved. */
static void begin(struct table *t)
{
	memset(t, 0, sizeof(*t));
	memcpy(t->bytes, "DMAR", 4);
	t->len = 36;
	put(t, 48 - 1, 1);
	put(t, 1, 1);
	t->len += 10;
}

/* 8.2: type and length, which every scope that follows adds to. */
static void structure(struct table *t, u16 type)
{
	t->structure = t->len;
	put(t, type, 2);
	put(t, 0, 2);
}

static void finish(struct table *t)
{
	patch16(t, t->structure + 2, t->len - t->structure);
}

/* 8.3 */
static void drhd(struct table *t, u8 flags, u16 segment, u64 base)
{
	structure(t, 0);
	put(t, flags, 1);
	put(t, 0, 1);
	put(t, segment, 2);
	put(t, base, 8);
	finish(t);
}

/* 8.4 */
static void rmrr(struct table *t, u16 segment, u64 base, u64 last)
{
	structure(t, 1);
	put(t, 0, 2);
	put(t, segment, 2);
	put(t, base, 8);
	put(t, last, 8);
	finish(t);
}

/* 8.5, 8.8 */
static void flags_and_segment(struct table *t, u16 type, u8 flags, u16 segment)
{
	structure(t, type);
	put(t, flags, 1);
	put(t, 0, 1);
	put(t, segment, 2);
	finish(t);
}

/* 8.3.1: @path is @depth pairs of device and function. */
static void scope(struct table *t, u8 type, u8 bus, unsigned int depth, const u8 *path)
{
	put(t, type, 1);
	put(t, 6 + 2 * depth, 1);
	put(t, 0, 2);
	put(t, 0, 1);
	put(t, bus, 1);
	memcpy(t->bytes + t->len, path, 2 * depth);
	t->len += 2 * depth;
	finish(t);
}

#define PATH(...)	sizeof((u8[]){ __VA_ARGS__ }) / 2, (const u8[]){ __VA_ARGS__ }
#define ENDPOINT	1
#define BRIDGE		2
#define IOAPIC		3

static int parse_bytes(const u8 *bytes, size_t len)
{
	u8 *exact = malloc(len);
	int rc;

	memcpy(exact, bytes, len);
	exact[4] = len;
	exact[5] = len >> 8;
	exact[6] = 0;
	exact[7] = 0;
	rc = vtd_dmar_parse((struct acpi_table_header *)exact);
	free(exact);
	return rc;
}

static int parse(struct table *t)
{
	return parse_bytes(t->bytes, t->len);
}

static struct vtd_remapping *nth(unsigned int n)
{
	struct vtd_remapping *remapping;

	list_for_each_entry(remapping, &vtd_dmar.structures, node)
		if (!n--)
			return remapping;
	return NULL;
}

static void check_nothing_kept(void)
{
	CHECK(list_empty(&vtd_dmar.structures));
	vtd_dmar_free();
	INIT_LIST_HEAD(&vtd_dmar.structures);
}

#define CHECK_REFUSED(t, error)	do {					\
	CHECK_EQ(parse(t), (error));					\
	check_nothing_kept();						\
} while (0)

/* A machine: root bus 0, root ports 1 and 2, a switch and its port under 2. */
static struct pci_bus root = { .number = 0 }, bus1 = { .parent = &root, .number = 1 },
	bus2 = { .parent = &root, .number = 2 }, bus3 = { .parent = &bus2, .number = 3 },
	bus4 = { .parent = &bus3, .number = 4 }, other = { .number = 1, .domain = 1 };
static struct pci_dev port1 = { .bus = &root, .devfn = PCI_DEVFN(1, 0) },
	port2 = { .bus = &root, .devfn = PCI_DEVFN(2, 3) },
	upstream = { .bus = &bus2, .devfn = PCI_DEVFN(0, 0) },
	downstream = { .bus = &bus3, .devfn = PCI_DEVFN(4, 0) },
	integrated = { .bus = &root, .devfn = PCI_DEVFN(9, 1) },
	dev1 = { .bus = &bus1, .devfn = PCI_DEVFN(0, 0) },
	dev4 = { .bus = &bus4, .devfn = PCI_DEVFN(0, 0) },
	vf1 = { .bus = &bus1, .devfn = PCI_DEVFN(16, 0), .physfn = &dev1 },
	elsewhere = { .bus = &other, .devfn = PCI_DEVFN(0, 0) };

static void __attribute__((constructor)) make_machine(void)
{
	bus1.self = &port1;
	bus2.self = &port2;
	bus3.self = &upstream;
	bus4.self = &downstream;
}

TEST(reads_every_structure)
{
	struct table t;

	begin(&t);
	drhd(&t, 0, 3, 0xfed90000);
	scope(&t, ENDPOINT, 0x40, PATH(1, 2, 3, 4));
	scope(&t, IOAPIC, 0, PATH(0x1e, 0));
	scope(&t, BRIDGE, 0, PATH(0x1f, 7));
	rmrr(&t, 2, 0x1000, 0x2fff);
	flags_and_segment(&t, 2, 1, 4);
	flags_and_segment(&t, 5, 1, 5);
	scope(&t, ENDPOINT, 0, PATH(2, 0));
	CHECK_EQ(parse(&t), 0);
	CHECK_EQ(vtd_dmar.haw, 48);

	CHECK_EQ(nth(0)->type, ACPI_DMAR_TYPE_HARDWARE_UNIT);
	CHECK_EQ(nth(0)->flags, 0);
	CHECK_EQ(nth(0)->segment, 3);
	CHECK_EQ(nth(0)->base, 0xfed90000);
	CHECK_EQ(nth(0)->num_scopes, 2);
	CHECK_EQ(nth(0)->scopes[0].type, ENDPOINT);
	CHECK_EQ(nth(0)->scopes[0].bus, 0x40);
	CHECK_EQ(nth(0)->scopes[0].depth, 2);
	CHECK_EQ(nth(0)->scopes[0].path[0], PCI_DEVFN(1, 2));
	CHECK_EQ(nth(0)->scopes[0].path[1], PCI_DEVFN(3, 4));
	CHECK_EQ(nth(0)->scopes[1].type, BRIDGE);
	CHECK_EQ(nth(0)->scopes[1].path[0], PCI_DEVFN(0x1f, 7));
	CHECK_EQ(nth(1)->type, ACPI_DMAR_TYPE_RESERVED_MEMORY);
	CHECK_EQ(nth(1)->segment, 2);
	CHECK_EQ(nth(1)->base, 0x1000);
	CHECK_EQ(nth(1)->last, 0x2fff);
	CHECK_EQ(nth(2)->type, ACPI_DMAR_TYPE_ROOT_ATS);
	CHECK_EQ(nth(2)->flags, 1);
	CHECK_EQ(nth(2)->segment, 4);
	CHECK_EQ(nth(3)->type, ACPI_DMAR_TYPE_SATC);
	CHECK_EQ(nth(3)->segment, 5);
	CHECK_EQ(nth(3)->num_scopes, 1);
	CHECK(!nth(4));
	vtd_dmar_free();
}

/* What a later specification adds, and what is of no use here, is passed over. */
TEST(passes_over_others)
{
	struct table t;

	begin(&t);
	structure(&t, 3);
	put(&t, 0, 16);
	finish(&t);
	structure(&t, 4);
	put(&t, 0x01000000, 4);
	memcpy(t.bytes + t.len, "\\_SB.X", 7);
	t.len += 7;
	finish(&t);
	structure(&t, 0x7fff);
	finish(&t);
	drhd(&t, 1, 0, 0xfed90000);
	scope(&t, 0xff, 0, 0, (u8[1]){});
	CHECK_EQ(parse(&t), 0);
	CHECK_EQ(nth(0)->base, 0xfed90000);
	CHECK_EQ(nth(0)->num_scopes, 0);
	CHECK(!nth(1));
	vtd_dmar_free();
}

TEST(header)
{
	struct table t;
	size_t len;

	begin(&t);
	CHECK_REFUSED(&t, -ENODEV);
	drhd(&t, 1, 0, 0xfed90000);
	for (len = 36; len < 48; len++) {
		CHECK_EQ(parse_bytes(t.bytes, len), -EINVAL);
		check_nothing_kept();
	}
	t.bytes[36] = 10;	/* no room for a page */
	CHECK_REFUSED(&t, -EINVAL);
	t.bytes[36] = 0xff;
	CHECK_EQ(parse(&t), 0);
	CHECK_EQ(vtd_dmar.haw, 256);
	vtd_dmar_free();
}

TEST(no_unit)
{
	struct table t;

	begin(&t);
	rmrr(&t, 0, 0x1000, 0x1fff);
	CHECK_REFUSED(&t, -ENODEV);
}

/* However little is missing at the end, and wherever it is cut. */
TEST(cut_short)
{
	size_t whole[3], len, i;
	struct table t;
	bool at_an_end;

	begin(&t);
	drhd(&t, 0, 0, 0xfed90000);
	scope(&t, ENDPOINT, 0, PATH(1, 0, 0, 0));
	scope(&t, BRIDGE, 0, PATH(2, 0));
	whole[0] = t.len;
	rmrr(&t, 0, 0x1000, 0x1fff);
	scope(&t, ENDPOINT, 0, PATH(1, 0));
	whole[1] = t.len;
	drhd(&t, 1, 0, 0xfed91000);
	whole[2] = t.len;
	for (len = 49; len <= t.len; len++) {
		for (at_an_end = false, i = 0; i < ARRAY_SIZE(whole); i++)
			at_an_end |= len == whole[i];
		CHECK_EQ(parse_bytes(t.bytes, len), at_an_end ? 0 : -EINVAL);
		vtd_dmar_free();
	}
}

TEST(lengths_of_structures)
{
	struct table t;
	u16 len;

	begin(&t);
	drhd(&t, 1, 0, 0xfed90000);
	for (len = 0; len < 16; len++) {
		patch16(&t, t.structure + 2, len);
		CHECK_REFUSED(&t, -EINVAL);
	}
	patch16(&t, t.structure + 2, 17);
	CHECK_REFUSED(&t, -EINVAL);
	patch16(&t, t.structure + 2, 0xffff);
	CHECK_REFUSED(&t, -EINVAL);
	/* The same of one that is passed over. */
	begin(&t);
	drhd(&t, 1, 0, 0xfed90000);
	structure(&t, 9);
	CHECK_REFUSED(&t, -EINVAL);
}

TEST(lengths_of_scopes)
{
	struct table t;
	size_t at;
	u8 len;

	begin(&t);
	drhd(&t, 1, 0, 0xfed90000);
	at = t.len;
	scope(&t, ENDPOINT, 0, PATH(1, 0));
	for (len = 0; len < 8; len++) {
		t.bytes[at + 1] = len;
		CHECK_REFUSED(&t, -EINVAL);
	}
	for (len = 9; len; len++) {
		t.bytes[at + 1] = len;
		CHECK_REFUSED(&t, -EINVAL);
	}
	t.bytes[at + 1] = 8;
	CHECK_EQ(parse(&t), 0);
	vtd_dmar_free();

	/* No path at all. */
	begin(&t);
	drhd(&t, 1, 0, 0xfed90000);
	scope(&t, ENDPOINT, 0, 0, (u8[1]){});
	CHECK_REFUSED(&t, -EINVAL);

	/* Deeper than any path that is kept. */
	begin(&t);
	drhd(&t, 1, 0, 0xfed90000);
	at = t.len;
	scope(&t, ENDPOINT, 0, 16, (u8[32]){});
	CHECK_EQ(parse(&t), 0);
	CHECK_EQ(nth(0)->scopes[0].depth, 16);
	vtd_dmar_free();
	begin(&t);
	drhd(&t, 1, 0, 0xfed90000);
	scope(&t, ENDPOINT, 0, 17, (u8[34]){});
	CHECK_REFUSED(&t, -EINVAL);
}

TEST(contradictions)
{
	struct table t;

	begin(&t);
	drhd(&t, 1, 0, 0xfed90000);
	drhd(&t, 1, 0, 0xfed91000);
	CHECK_REFUSED(&t, -EINVAL);
	/* Each segment has one. */
	begin(&t);
	drhd(&t, 1, 0, 0xfed90000);
	drhd(&t, 1, 1, 0xfed91000);
	drhd(&t, 0, 1, 0xfed92000);
	CHECK_EQ(parse(&t), 0);
	vtd_dmar_free();
	/* The same unit twice, with an RMRR at its address, which is another thing. */
	begin(&t);
	rmrr(&t, 0, 0xfed90000, 0xfed90fff);
	drhd(&t, 0, 0, 0xfed90000);
	CHECK_EQ(parse(&t), 0);
	vtd_dmar_free();
	drhd(&t, 1, 0, 0xfed90000);
	CHECK_REFUSED(&t, -EINVAL);
}

TEST(scope_of_an_endpoint)
{
	struct table t;

	begin(&t);
	drhd(&t, 0, 0, 0xfed90000);
	scope(&t, ENDPOINT, 0, PATH(1, 0, 0, 0));
	scope(&t, ENDPOINT, 0, PATH(9, 1));
	scope(&t, ENDPOINT, 0, PATH(2, 3, 0, 0, 4, 0, 0, 0));
	CHECK_EQ(parse(&t), 0);
	CHECK(vtd_dmar_scope_has(nth(0), &dev1));
	CHECK(vtd_dmar_scope_has(nth(0), &vf1));
	CHECK(vtd_dmar_scope_has(nth(0), &dev4));
	CHECK(vtd_dmar_scope_has(nth(0), &integrated));
	/* The way to an endpoint is not in it, nor is another segment. */
	CHECK(!vtd_dmar_scope_has(nth(0), &port1));
	CHECK(!vtd_dmar_scope_has(nth(0), &port2));
	CHECK(!vtd_dmar_scope_has(nth(0), &downstream));
	CHECK(!vtd_dmar_scope_has(nth(0), &elsewhere));
	CHECK(!vtd_dmar_drhd_of(&port1));
	vtd_dmar_free();

	/* An endpoint's path that ends at a bridge names the bridge alone. */
	begin(&t);
	drhd(&t, 0, 0, 0xfed90000);
	scope(&t, ENDPOINT, 0, PATH(1, 0));
	CHECK_EQ(parse(&t), 0);
	CHECK(vtd_dmar_scope_has(nth(0), &port1));
	CHECK(!vtd_dmar_scope_has(nth(0), &dev1));
	vtd_dmar_free();
}

TEST(scope_of_a_bridge)
{
	struct table t;

	begin(&t);
	drhd(&t, 0, 0, 0xfed90000);
	scope(&t, BRIDGE, 0, PATH(2, 3, 0, 0));
	CHECK_EQ(parse(&t), 0);
	CHECK(vtd_dmar_scope_has(nth(0), &upstream));
	CHECK(vtd_dmar_scope_has(nth(0), &downstream));
	CHECK(vtd_dmar_scope_has(nth(0), &dev4));
	CHECK(!vtd_dmar_scope_has(nth(0), &port2));
	CHECK(!vtd_dmar_scope_has(nth(0), &port1));
	CHECK(!vtd_dmar_scope_has(nth(0), &dev1));
	vtd_dmar_free();

	/* Another function of the same slot is another bridge. */
	begin(&t);
	drhd(&t, 0, 0, 0xfed90000);
	scope(&t, BRIDGE, 0, PATH(2, 2));
	CHECK_EQ(parse(&t), 0);
	CHECK(!vtd_dmar_scope_has(nth(0), &dev4));
	vtd_dmar_free();
}

/* Firmware that names a bus below: the path goes from there. */
TEST(scope_from_a_lower_bus)
{
	struct table t;

	begin(&t);
	drhd(&t, 0, 0, 0xfed90000);
	scope(&t, ENDPOINT, 1, PATH(0, 0));
	scope(&t, BRIDGE, 3, PATH(4, 0));
	CHECK_EQ(parse(&t), 0);
	CHECK(vtd_dmar_scope_has(nth(0), &dev1));
	CHECK(vtd_dmar_scope_has(nth(0), &dev4));
	CHECK(!vtd_dmar_scope_has(nth(0), &upstream));
	CHECK(!vtd_dmar_scope_has(nth(0), &elsewhere));
	vtd_dmar_free();
}

/* Whatever the order, a unit that names a device goes before the rest's. */
TEST(which_unit)
{
	struct table t;
	int order;

	for (order = 0; order < 2; order++) {
		begin(&t);
		if (order)
			drhd(&t, 1, 0, 0xfed91000);
		drhd(&t, 0, 0, 0xfed90000);
		scope(&t, BRIDGE, 0, PATH(1, 0));
		if (!order)
			drhd(&t, 1, 0, 0xfed91000);
		CHECK_EQ(parse(&t), 0);
		CHECK_EQ(vtd_dmar_drhd_of(&dev1)->base, 0xfed90000);
		CHECK_EQ(vtd_dmar_drhd_of(&vf1)->base, 0xfed90000);
		CHECK_EQ(vtd_dmar_drhd_of(&dev4)->base, 0xfed91000);
		CHECK(!vtd_dmar_drhd_of(&elsewhere));
		vtd_dmar_free();
	}
}

static u32 random_state = 1;

static u32 random32(void)
{
	random_state = random_state * 1664525 + 1013904223;
	return random_state >> 8;
}

/* What was kept is whole, and every question about a device has an answer. */
static void check_kept(void)
{
	struct vtd_remapping *remapping;
	unsigned int i, units = 0;

	list_for_each_entry(remapping, &vtd_dmar.structures, node) {
		units += remapping->type == ACPI_DMAR_TYPE_HARDWARE_UNIT;
		for (i = 0; i < remapping->num_scopes; i++) {
			CHECK(remapping->scopes[i].depth > 0);
			CHECK(remapping->scopes[i].depth <= 16);
		}
		vtd_dmar_scope_has(remapping, &dev4);
		vtd_dmar_scope_has(remapping, &vf1);
	}
	CHECK(units);
	vtd_dmar_drhd_of(&dev1);
}

/* A good table with bytes changed and its end moved, for the sanitizers. */
TEST(any_bytes)
{
	unsigned int round, accepted = 0, changes;
	struct table good, t;
	size_t len;

	begin(&good);
	drhd(&good, 0, 0, 0xfed90000);
	scope(&good, BRIDGE, 0, PATH(1, 0));
	scope(&good, IOAPIC, 0, PATH(0x1e, 0));
	rmrr(&good, 0, 0x1000, 0x1fff);
	scope(&good, ENDPOINT, 0, PATH(2, 3, 0, 0, 4, 0, 0, 0));
	flags_and_segment(&good, 2, 1, 0);
	flags_and_segment(&good, 5, 0, 0);
	scope(&good, ENDPOINT, 0, PATH(9, 1));
	drhd(&good, 1, 0, 0xfed91000);

	for (round = 0; round < 300000; round++) {
		t = good;
		for (changes = random32() % 4; changes; changes--)
			t.bytes[36 + random32() % (t.len - 36)] =
				random32() % 2 ? random32() : random32() % 16;
		len = random32() % 4 ? t.len : 36 + random32() % (t.len - 35);
		if (!parse_bytes(t.bytes, len)) {
			check_kept();
			accepted++;
			vtd_dmar_free();
		}
		check_nothing_kept();
	}
	/* It would prove little if all were refused, or none. */
	CHECK(accepted > 30000);
	CHECK(accepted < 270000);
}

TAP_MAIN
