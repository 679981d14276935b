// SPDX-License-Identifier: GPL-2.0-only
/*
 * Root, context and PASID tables.
 *
 * At first every half of every bus leads to one context table, all its entries
 * to one PASID directory, and that to one pass-through entry for RID_PASID:
 * five pages let every function pass that can emit behind the unit, whether it
 * was enumerated, is plugged in later, or is no PCI function at all. A half bus
 * gets a context table of its own when one of its functions is taken, and that
 * function a PASID directory of its own: as large as its PASIDs need, with a leaf
 * for each 64 PASIDs of which one is present.
 *
 * How an entry is replaced while requests go through it (6.2.1, 9.2 to 9.6):
 *
 * The hardware fetches an entry in pieces that are atomic only up to 128 bits
 * (64 for a directory entry), so a reader can see an old and a new half of
 * anything larger that is rewritten in place. Nothing larger is:
 *
 *  - a root entry's halves are 64 bits each, each with its own present bit, and
 *    the table that a half starts to show has the contents of the one before;
 *  - a context entry's 256 bits are, but for the lowest 64, the same zeros in
 *    every entry that we write (RID_PASID is always 0), and the lowest are
 *    stored at once: the present bit and the directory change together;
 *  - a PASID table entry that is not present becomes so with the store of its
 *    lowest quad word, the others being there already; and ceases to be so with
 *    that of the same one, the others staying until they are needed;
 *  - one that differs in one quad word only (another first stage under the same
 *    domain ID) changes with the store of that one: 64 bits are atomic, and it is
 *    consistent before and after (6.2.3.1);
 *  - one that goes from one translation to another changes in many places
 *    (SSPTPTR, AW, PGTT in the first, DID and PGSNP in the second quad word). So
 *    the 4 KiB leaf is copied, the copy changed while nobody sees it, and the
 *    directory's 64-bit pointer to it stored at once. A fetch reads the pointer
 *    once and then one leaf: it sees all of the old entry or all of the new one.
 *    The old leaf is not touched again before the invalidations for the change
 *    have completed.
 *
 * So replacing is hitless from every translation to every other; nothing goes
 * through blocked.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include "vtd.h"

void *vtd_alloc_table(void)
{
	return (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
}

void vtd_free_table(void *table)
{
	free_page((unsigned long)table);
}

static unsigned int vtd_pasid_dir_order(struct vtd_pasid_table *table)
{
	return get_order(vtd_pasid_dir_entries(table->pdts) * sizeof(*table->dir));
}

/**
 * vtd_pasid_table_alloc - a PASID table, to be filled by vtd_pasid_table_init()
 * @pasid_bits: of the PASIDs that it is for; 0: for requests without a PASID
 * @gfp: for the allocation
 *
 * Return: the table; NULL: no memory.
 */
struct vtd_pasid_table *vtd_pasid_table_alloc(unsigned int pasid_bits, gfp_t gfp)
{
	struct vtd_pasid_table *table = kzalloc(sizeof(*table), gfp);
	struct vtd_pasid_entry *leaf;

	if (!table)
		return NULL;
	INIT_LIST_HEAD(&table->stale);
	INIT_LIST_HEAD(&table->quarantine);
	table->pdts = vtd_pdts(pasid_bits);
	table->pasid_enable = pasid_bits;
	table->dir = (void *)__get_free_pages(gfp | __GFP_ZERO,
					      vtd_pasid_dir_order(table));
	leaf = (void *)get_zeroed_page(gfp);
	table->spare = (void *)get_zeroed_page(gfp);
	if (table->dir && leaf)
		table->dir[0] = vtd_make_pasid_dir_entry(virt_to_phys(leaf));
	else
		vtd_free_table(leaf);
	if (!table->dir || !leaf || !table->spare) {
		vtd_pasid_table_free(table);
		return NULL;
	}
	return table;
}

/* No context entry leads to @table, and no cache remembers one that did. */
void vtd_pasid_table_free(struct vtd_pasid_table *table)
{
	unsigned int num, i;
	struct page *page, *next;

	if (!table)
		return;
	num = table->dir ? vtd_pasid_dir_entries(table->pdts) : 0;
	for (i = 0; i < num; i++)
		vtd_free_table(vtd_pasid_leaf(table->dir, i * VTD_PASID_LEAF_ENTRIES));
	list_for_each_entry_safe(page, next, &table->stale, lru) {
		list_del(&page->lru);
		__free_page(page);
	}
	free_pages((unsigned long)table->dir, vtd_pasid_dir_order(table));
	vtd_free_table(table->spare);
	vtd_free_table(table->fresh);
	kfree(table);
}

/* The leaf that has the entry of @pasid, NULL: there is none, it is blocked. */
struct vtd_pasid_entry *vtd_pasid_leaf(const u64 *dir, u32 pasid)
{
	u64 pointer = dir[pasid / VTD_PASID_LEAF_ENTRIES];

	return pointer & VTD_PRESENT ? phys_to_virt(pointer & VTD_PTR_MASK) : NULL;
}

const struct vtd_pasid_entry *vtd_pasid_table_rid_entry(struct vtd_pasid_table *table)
{
	return &vtd_pasid_leaf(table->dir, VTD_RID_PASID)[VTD_RID_PASID];
}

/* Fill @table while no context entry leads to it. */
void vtd_pasid_table_init(struct vtd_unit *unit, struct vtd_pasid_table *table,
			  const struct vtd_pasid_entry *rid_entry)
{
	struct vtd_pasid_entry *leaf = vtd_pasid_leaf(table->dir, VTD_RID_PASID);

	leaf[VTD_RID_PASID] = *rid_entry;
	vtd_publish(unit, leaf, PAGE_SIZE);
	vtd_publish(unit, table->dir, PAGE_SIZE << vtd_pasid_dir_order(table));
}

/* What vtd_pasid_table_set() may need for @pasid: 0 or -ENOMEM. */
int vtd_pasid_table_prepare(struct vtd_pasid_table *table, u32 pasid)
{
	if (table->fresh || vtd_pasid_leaf(table->dir, pasid))
		return 0;
	table->fresh = (void *)get_zeroed_page(IOMMUFD_SVA_GFP_USER);
	return table->fresh ? 0 : -ENOMEM;
}

static void vtd_pasid_dir_set(struct vtd_unit *unit, struct vtd_pasid_table *table,
			      u32 pasid, u64 pointer)
{
	u64 *slot = &table->dir[pasid / VTD_PASID_LEAF_ENTRIES];

	WRITE_ONCE(*slot, pointer);
	vtd_publish(unit, slot, sizeof(*slot));
}

/* A copy of @leaf, in which the entry of @pasid is @entry, takes its place. */
static void vtd_pasid_leaf_replace(struct vtd_unit *unit, struct vtd_pasid_table *table,
				   struct vtd_pasid_entry *leaf, u32 pasid,
				   const struct vtd_pasid_entry *entry)
{
	struct vtd_pasid_entry *copy = table->spare;

	memcpy(copy, leaf, PAGE_SIZE);
	copy[pasid % VTD_PASID_LEAF_ENTRIES] = *entry;
	vtd_publish(unit, copy, PAGE_SIZE);
	vtd_pasid_dir_set(unit, table, pasid,
			  vtd_make_pasid_dir_entry(virt_to_phys(copy)));
	table->spare = leaf;
}

/* @to, which is not present, becomes @entry, which is. */
static void vtd_pasid_entry_enable(struct vtd_unit *unit, struct vtd_pasid_entry *to,
				   const struct vtd_pasid_entry *entry)
{
	unsigned int i;

	for (i = 1; i < ARRAY_SIZE(to->qw); i++)
		to->qw[i] = entry->qw[i];
	vtd_publish(unit, to, sizeof(*to));
	WRITE_ONCE(to->qw[0], entry->qw[0]);
	vtd_publish(unit, to, sizeof(*to));
}

/* How many quad words differ. */
static unsigned int vtd_pasid_entry_distance(const struct vtd_pasid_entry *a,
					     const struct vtd_pasid_entry *b)
{
	unsigned int i, num = 0;

	for (i = 0; i < ARRAY_SIZE(a->qw); i++)
		num += a->qw[i] != b->qw[i];
	return num;
}

/* Can @now become @entry where it is? See the top. */
static bool vtd_pasid_entry_fits(const struct vtd_pasid_entry *now,
				 const struct vtd_pasid_entry *entry)
{
	return !vtd_pasid_entry_present(now) || !vtd_pasid_entry_present(entry) ||
	       vtd_pasid_entry_distance(now, entry) <= 1;
}

/* @to becomes @entry, both present, and at most one quad word differs. */
static void vtd_pasid_entry_modify(struct vtd_unit *unit, struct vtd_pasid_entry *to,
				   const struct vtd_pasid_entry *entry)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(to->qw); i++)
		if (to->qw[i] != entry->qw[i])
			WRITE_ONCE(to->qw[i], entry->qw[i]);
	vtd_publish(unit, to, sizeof(*to));
}

/* One entry of a leaf, where it is, which fits. */
static void vtd_pasid_entry_set(struct vtd_unit *unit, struct vtd_pasid_entry *to,
				const struct vtd_pasid_entry *entry)
{
	if (!vtd_pasid_entry_present(entry)) {
		/* All of the quad word: QEMU may look at PGTT alone. */
		WRITE_ONCE(to->qw[0], vtd_make_pasid_blocked().qw[0]);
		vtd_publish(unit, to, sizeof(*to));
	} else if (vtd_pasid_entry_present(to)) {
		vtd_pasid_entry_modify(unit, to, entry);
	} else {
		vtd_pasid_entry_enable(unit, to, entry);
	}
}

static bool vtd_pasid_leaf_is_empty(const struct vtd_pasid_entry *leaf)
{
	unsigned int i;

	for (i = 0; i < VTD_PASID_LEAF_ENTRIES; i++)
		if (vtd_pasid_entry_present(&leaf[i]))
			return false;
	return true;
}

/*
 * The entry of @pasid in @leaf is blocked. Returns @leaf if nothing is left in it
 * and it is out of the directory: not that of RID_PASID, which must be there.
 */
static struct vtd_pasid_entry *vtd_pasid_entry_disable(struct vtd_unit *unit,
						       struct vtd_pasid_table *table,
						       struct vtd_pasid_entry *leaf,
						       u32 pasid)
{
	const struct vtd_pasid_entry blocked = vtd_make_pasid_blocked();

	vtd_pasid_entry_set(unit, &leaf[pasid % VTD_PASID_LEAF_ENTRIES], &blocked);
	if (leaf == vtd_pasid_leaf(table->dir, VTD_RID_PASID) ||
	    !vtd_pasid_leaf_is_empty(leaf))
		return NULL;
	vtd_pasid_dir_set(unit, table, pasid, 0);
	return leaf;
}

/**
 * vtd_pasid_table_set - set an entry while requests go through it; see the top
 * @unit: the unit
 * @table: the table
 * @pasid: whose entry
 * @entry: what it becomes; if present, after vtd_pasid_table_prepare()
 * @change: out: what has changed. The caller invalidates what was cached, and
 *	then calls vtd_pasid_table_settle(), before anything else is set.
 */
void vtd_pasid_table_set(struct vtd_unit *unit, struct vtd_pasid_table *table, u32 pasid,
			 const struct vtd_pasid_entry *entry,
			 struct vtd_pasid_change *change)
{
	struct vtd_pasid_entry *leaf = vtd_pasid_leaf(table->dir, pasid), *now;
	bool fresh = !leaf;

	lockdep_assert_held(&unit->lock);
	*change = (struct vtd_pasid_change){ .pasid = pasid, .new = *entry };
	if (!leaf) {
		if (!vtd_pasid_entry_present(entry))
			return;
		leaf = table->fresh;
		table->fresh = NULL;
	}
	now = &leaf[pasid % VTD_PASID_LEAF_ENTRIES];
	change->old = *now;

	if (!vtd_pasid_entry_present(entry)) {
		change->leaf = vtd_pasid_entry_disable(unit, table, leaf, pasid);
		change->directory = change->leaf;
	} else if (!vtd_pasid_entry_fits(now, entry)) {
		vtd_pasid_leaf_replace(unit, table, leaf, pasid, entry);
		change->directory = true;
	} else {
		vtd_pasid_entry_set(unit, now, entry);
		if (!fresh)
			return;
		vtd_publish(unit, leaf, PAGE_SIZE);
		vtd_pasid_dir_set(unit, table, pasid,
				  vtd_make_pasid_dir_entry(virt_to_phys(leaf)));
	}
}

/* @forgotten: what was cached is invalidated; else the hardware did not answer. */
void vtd_pasid_table_settle(struct vtd_pasid_table *table,
			    struct vtd_pasid_change *change, bool forgotten)
{
	if (!change->leaf)
		return;
	if (forgotten)
		vtd_free_table(change->leaf);
	else
		list_add(&virt_to_page(change->leaf)->lru, &table->stale);
}

/**
 * vtd_pasid_table_set_leaf - set all entries of a leaf while requests go through it
 * @unit: the unit
 * @table: the table; @table->fresh is there if the leaf is not
 * @pasid: one of the leaf's
 * @next: what they become
 *
 * A leaf stays, also with nothing left in it.
 *
 * Return: whether the leaf was replaced: then @table is not to be set again before
 * what was cached of the old one is invalidated, for all domain IDs in it.
 */
bool vtd_pasid_table_set_leaf(struct vtd_unit *unit, struct vtd_pasid_table *table,
			      u32 pasid, const struct vtd_pasid_entry *next)
{
	struct vtd_pasid_entry *leaf = vtd_pasid_leaf(table->dir, pasid), *to;
	bool fits = true;
	unsigned int i;

	for (i = 0; leaf && i < VTD_PASID_LEAF_ENTRIES; i++)
		fits &= vtd_pasid_entry_fits(&leaf[i], &next[i]);
	if (leaf && fits) {
		for (i = 0; i < VTD_PASID_LEAF_ENTRIES; i++)
			if (vtd_pasid_entry_present(&leaf[i]) ||
			    vtd_pasid_entry_present(&next[i]))
				vtd_pasid_entry_set(unit, &leaf[i], &next[i]);
		return false;
	}
	to = leaf ? table->spare : table->fresh;
	memcpy(to, next, PAGE_SIZE);
	vtd_publish(unit, to, PAGE_SIZE);
	vtd_pasid_dir_set(unit, table, pasid, vtd_make_pasid_dir_entry(virt_to_phys(to)));
	if (leaf)
		table->spare = leaf;
	else
		table->fresh = NULL;
	return leaf;
}

static void vtd_pasid_leaf_blank(struct vtd_unit *unit, struct vtd_pasid_entry *leaf)
{
	unsigned int i;

	for (i = 0; i < VTD_PASID_LEAF_ENTRIES; i++)
		if (vtd_pasid_entry_present(&leaf[i]))
			WRITE_ONCE(leaf[i].qw[0], vtd_make_pasid_blocked().qw[0]);
	vtd_publish(unit, leaf, PAGE_SIZE);
}

/**
 * vtd_pasid_table_blank - all entries become blocked, for good
 * @unit: the unit
 * @table: the table
 *
 * What entries led to goes, and the hardware may look at @table still, and at the leaf
 * that was replaced last. So all leaves stay.
 */
void vtd_pasid_table_blank(struct vtd_unit *unit, struct vtd_pasid_table *table)
{
	unsigned int num = vtd_pasid_dir_entries(table->pdts), i;
	struct vtd_pasid_entry *leaf;

	lockdep_assert_held(&unit->lock);
	for (i = 0; i < num; i++) {
		leaf = vtd_pasid_leaf(table->dir, i * VTD_PASID_LEAF_ENTRIES);
		if (leaf)
			vtd_pasid_leaf_blank(unit, leaf);
	}
	vtd_pasid_leaf_blank(unit, table->spare);
}

static unsigned int vtd_half_bus(u16 sid)
{
	return sid / VTD_CONTEXT_ENTRIES;
}

/* What requests of @sid are looked up with now. */
struct vtd_context_entry *vtd_context_entry(struct vtd_unit *unit, u16 sid)
{
	struct vtd_context_entry *context = unit->contexts[vtd_half_bus(sid)];

	return (context ?: unit->identity_context) + sid % VTD_CONTEXT_ENTRIES;
}

/*
 * Own context tables are made here and kept until the unit is handed back, so
 * that vtd_context_replace() needs no memory. The root does not show the new
 * one yet: @unit->contexts holds it with a half of the root that does not.
 */
int vtd_context_reserve(struct vtd_unit *unit, u16 sid)
{
	unsigned int half = vtd_half_bus(sid);
	struct vtd_context_entry *context;

	lockdep_assert_held(&unit->lock);
	if (unit->contexts[half])
		return 0;
	context = vtd_alloc_table();
	if (!context)
		return -ENOMEM;
	memcpy(context, unit->identity_context, PAGE_SIZE);
	vtd_publish(unit, context, PAGE_SIZE);
	unit->contexts[half] = context;
	return 0;
}

/* The context entry that leads to @table; @dev_tlb: and lets ATS through. */
struct vtd_context_entry vtd_context_for(struct vtd_pasid_table *table, bool dev_tlb,
					 bool page_requests)
{
	return vtd_make_context_entry(virt_to_phys(table->dir), table->pdts,
				      table->pasid_enable, dev_tlb, page_requests);
}

/*
 * Replace the context entry of @sid, after vtd_context_reserve(), while requests
 * go through it; see the top. Returns whether the root changed too: then the
 * context cache is to be invalidated as a whole, else for @sid alone.
 */
bool vtd_context_replace(struct vtd_unit *unit, u16 sid,
			 const struct vtd_context_entry *entry)
{
	unsigned int half = vtd_half_bus(sid);
	u64 *root_half = &unit->root[half / 2].half[half % 2];
	u64 shown = vtd_make_root_half(virt_to_phys(unit->contexts[half]));
	struct vtd_context_entry *context = vtd_context_entry(unit, sid);

	lockdep_assert_held(&unit->lock);
	WRITE_ONCE(context->qw[0], entry->qw[0]);
	vtd_publish(unit, context, sizeof(*context));
	if (*root_half == shown)
		return false;
	WRITE_ONCE(*root_half, shown);
	vtd_publish(unit, root_half, sizeof(*root_half));
	return true;
}

/* Tables that let everything pass. The hardware does not know them yet. */
int vtd_tables_init(struct vtd_unit *unit)
{
	struct vtd_pasid_entry pass;
	struct vtd_context_entry context;
	unsigned int i;

	unit->root = vtd_alloc_table();
	unit->identity_context = vtd_alloc_table();
	unit->identity = vtd_pasid_table_alloc(0, GFP_KERNEL_ACCOUNT);
	if (!unit->root || !unit->identity_context || !unit->identity) {
		vtd_tables_free(unit);
		return -ENOMEM;
	}

	/* AW of a pass-through entry is the widest that the unit has (9.6). */
	pass = vtd_make_pasid_pass_through(unit->identity_did, vtd_unit_max_aw(unit),
					   unit->ecap & VTD_ECAP_SMPWC);
	vtd_pasid_table_init(unit, unit->identity, &pass);

	context = vtd_context_for(unit->identity, false, false);
	for (i = 0; i < VTD_CONTEXT_ENTRIES; i++)
		unit->identity_context[i] = context;
	vtd_publish(unit, unit->identity_context, PAGE_SIZE);

	for (i = 0; i < VTD_ROOT_ENTRIES; i++) {
		unit->root[i].half[0] =
			vtd_make_root_half(virt_to_phys(unit->identity_context));
		unit->root[i].half[1] = unit->root[i].half[0];
	}
	vtd_publish(unit, unit->root, PAGE_SIZE);
	return 0;
}

/* The hardware has forgotten them. */
void vtd_tables_free(struct vtd_unit *unit)
{
	struct vtd_pasid_table *table, *next;
	unsigned int i;

	list_for_each_entry_safe(table, next, &unit->quarantine, quarantine)
		vtd_pasid_table_free(table);
	INIT_LIST_HEAD(&unit->quarantine);
	for (i = 0; i < ARRAY_SIZE(unit->contexts); i++) {
		vtd_free_table(unit->contexts[i]);
		unit->contexts[i] = NULL;
	}
	vtd_pasid_table_free(unit->identity);
	vtd_free_table(unit->identity_context);
	vtd_free_table(unit->root);
	unit->identity = NULL;
	unit->identity_context = NULL;
	unit->root = NULL;
}
