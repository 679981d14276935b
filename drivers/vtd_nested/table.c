// SPDX-License-Identifier: GPL-2.0-only
/*
 * Root, context and PASID tables.
 *
 * At first every half of every bus leads to one context table, all its entries
 * to one PASID directory, and that to one pass-through entry for RID_PASID:
 * five pages let every function pass that can emit behind the unit, whether it
 * was enumerated, is plugged in later, or is no PCI function at all. A half bus
 * gets a context table of its own when one of its functions is taken, and that
 * function a PASID directory of its own.
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
 *  - a PASID table entry's 512 bits do change in many places (SSPTPTR, AW, PGTT
 *    in the first, DID and PGSNP in the second quad word). So the 4 KiB leaf is
 *    copied, the copy changed while nobody sees it, and the directory's 64-bit
 *    pointer to it stored at once. A fetch reads the pointer once and then one
 *    leaf: it sees all of the old entry or all of the new one. The old leaf is
 *    not touched again before the invalidations for the change have completed.
 *
 * So replacing is hitless from every translation to every other; nothing goes
 * through blocked.
 */
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

struct vtd_pasid_table *vtd_pasid_table_alloc(void)
{
	struct vtd_pasid_table *table = kzalloc(sizeof(*table), GFP_KERNEL_ACCOUNT);

	if (!table)
		return NULL;
	INIT_LIST_HEAD(&table->quarantine);
	table->dir = vtd_alloc_table();
	table->leaf = vtd_alloc_table();
	table->spare = vtd_alloc_table();
	if (!table->dir || !table->leaf || !table->spare) {
		vtd_pasid_table_free(table);
		return NULL;
	}
	return table;
}

/* No context entry leads to @table, and no cache remembers one that did. */
void vtd_pasid_table_free(struct vtd_pasid_table *table)
{
	if (!table)
		return;
	vtd_free_table(table->dir);
	vtd_free_table(table->leaf);
	vtd_free_table(table->spare);
	kfree(table);
}

/* Fill @table while no context entry leads to it. */
void vtd_pasid_table_init(struct vtd_unit *unit, struct vtd_pasid_table *table,
			  const struct vtd_pasid_entry *rid_entry)
{
	table->leaf[VTD_RID_PASID] = *rid_entry;
	table->dir[0] = vtd_make_pasid_dir_entry(virt_to_phys(table->leaf));
	vtd_publish(unit, table->leaf, PAGE_SIZE);
	vtd_publish(unit, table->dir, PAGE_SIZE);
}

/*
 * Replace an entry of @table while requests go through it; see the top. The
 * caller invalidates what was cached of the old one before it replaces again.
 */
void vtd_pasid_table_replace(struct vtd_unit *unit, struct vtd_pasid_table *table,
			     u32 pasid, const struct vtd_pasid_entry *entry)
{
	lockdep_assert_held(&unit->lock);
	memcpy(table->spare, table->leaf, PAGE_SIZE);
	table->spare[pasid] = *entry;
	vtd_publish(unit, table->spare, PAGE_SIZE);
	WRITE_ONCE(table->dir[0],
		   vtd_make_pasid_dir_entry(virt_to_phys(table->spare)));
	vtd_publish(unit, table->dir, sizeof(table->dir[0]));
	swap(table->leaf, table->spare);
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

/* The context entry that leads to @table. */
struct vtd_context_entry vtd_context_for(struct vtd_pasid_table *table)
{
	return vtd_make_context_entry(virt_to_phys(table->dir), 0, false, false);
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
	unit->identity = vtd_pasid_table_alloc();
	if (!unit->root || !unit->identity_context || !unit->identity) {
		vtd_tables_free(unit);
		return -ENOMEM;
	}

	/* AW of a pass-through entry is the widest that the unit has (9.6). */
	pass = vtd_make_pasid_pass_through(unit->identity_did, vtd_unit_max_aw(unit),
					   unit->ecap & VTD_ECAP_SMPWC);
	vtd_pasid_table_init(unit, unit->identity, &pass);

	context = vtd_context_for(unit->identity);
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
