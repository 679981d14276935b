// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ACPI DMAR table: which units there are and which devices are behind each
 * (chapter 8 of the specification).
 */
#include <linux/slab.h>
#include "dmar.h"

struct vtd_dmar vtd_dmar = {
	.structures = LIST_HEAD_INIT(vtd_dmar.structures),
};

/* Bytes before the device scopes of a structure that has any; 0: not kept. */
static size_t vtd_dmar_fixed_size(u16 type)
{
	switch (type) {
	case ACPI_DMAR_TYPE_HARDWARE_UNIT:
		return sizeof(struct acpi_dmar_hardware_unit);
	case ACPI_DMAR_TYPE_RESERVED_MEMORY:
		return sizeof(struct acpi_dmar_reserved_memory);
	case ACPI_DMAR_TYPE_ROOT_ATS:
		return sizeof(struct acpi_dmar_atsr);
	case ACPI_DMAR_TYPE_SATC:
		return sizeof(struct acpi_dmar_satc);
	default:
		return 0;
	}
}

/*
 * The scopes between @pos and @end, into @scopes unless NULL. Returns how many
 * are endpoints or bridges, or -EINVAL. I/O APICs and HPETs emit interrupts
 * only, and devices of the ACPI namespace are never ours to give away: both
 * pass through like everything else and need no entry here.
 */
static int vtd_dmar_parse_scopes(const void *pos, const void *end,
				 struct vtd_scope *scopes)
{
	int num = 0;

	while (pos < end) {
		const struct acpi_dmar_device_scope *raw = pos;
		const struct acpi_dmar_pci_path *path = pos + sizeof(*raw);
		unsigned int depth, i;

		if (end - pos < sizeof(*raw) || raw->length < sizeof(*raw) ||
		    raw->length > end - pos)
			return -EINVAL;
		pos += raw->length;
		if (raw->entry_type != ACPI_DMAR_SCOPE_TYPE_ENDPOINT &&
		    raw->entry_type != ACPI_DMAR_SCOPE_TYPE_BRIDGE)
			continue;

		depth = (raw->length - sizeof(*raw)) / sizeof(*path);
		if (!depth || depth > sizeof(scopes->path))
			return -EINVAL;
		if (scopes) {
			scopes[num].type = raw->entry_type;
			scopes[num].bus = raw->bus;
			scopes[num].depth = depth;
			for (i = 0; i < depth; i++)
				scopes[num].path[i] = PCI_DEVFN(path[i].device,
								path[i].function);
		}
		num++;
	}
	return num;
}

static void vtd_dmar_parse_fixed(struct vtd_remapping *remapping, const void *raw)
{
	const struct acpi_dmar_reserved_memory *rmrr = raw;
	const struct acpi_dmar_hardware_unit *drhd = raw;
	const struct acpi_dmar_atsr *atsr = raw;
	const struct acpi_dmar_satc *satc = raw;

	switch (remapping->type) {
	case ACPI_DMAR_TYPE_HARDWARE_UNIT:
		remapping->flags = drhd->flags;
		remapping->segment = drhd->segment;
		remapping->base = drhd->address;
		break;
	case ACPI_DMAR_TYPE_RESERVED_MEMORY:
		remapping->segment = rmrr->segment;
		remapping->base = rmrr->base_address;
		remapping->last = rmrr->end_address;
		break;
	case ACPI_DMAR_TYPE_ROOT_ATS:
		remapping->flags = atsr->flags;
		remapping->segment = atsr->segment;
		break;
	case ACPI_DMAR_TYPE_SATC:
		remapping->flags = satc->flags;
		remapping->segment = satc->segment;
		break;
	}
}

static int vtd_dmar_parse_one(const struct acpi_dmar_header *header)
{
	size_t fixed = vtd_dmar_fixed_size(header->type);
	const void *end = (const void *)header + header->length;
	struct vtd_remapping *remapping;
	int num;

	if (!fixed)
		return 0;
	if (header->length < fixed)
		return -EINVAL;
	num = vtd_dmar_parse_scopes((const void *)header + fixed, end, NULL);
	if (num < 0)
		return num;

	remapping = kzalloc(struct_size(remapping, scopes, num), GFP_KERNEL);
	if (!remapping)
		return -ENOMEM;
	remapping->type = header->type;
	remapping->num_scopes = num;
	vtd_dmar_parse_fixed(remapping, header);
	vtd_dmar_parse_scopes((const void *)header + fixed, end, remapping->scopes);
	list_add_tail(&remapping->node, &vtd_dmar.structures);
	return 0;
}

static int vtd_dmar_parse_all(const void *pos, const void *end)
{
	const struct acpi_dmar_header *header;
	int rc;

	for (; pos < end; pos += header->length) {
		header = pos;
		if (end - pos < sizeof(*header) || header->length < sizeof(*header) ||
		    header->length > end - pos)
			return -EINVAL;
		rc = vtd_dmar_parse_one(header);
		if (rc)
			return rc;
	}
	return 0;
}

/*
 * 8.3: a unit is named once, and at most one of a segment has all that no other
 * one names. Where firmware says else, nobody knows which unit a device is
 * behind.
 */
static bool vtd_dmar_contradicts(const struct vtd_remapping *a,
				 const struct vtd_remapping *b)
{
	return a->base == b->base ||
	       (a->segment == b->segment &&
		(a->flags & b->flags & ACPI_DMAR_INCLUDE_ALL));
}

static int vtd_dmar_check_units(void)
{
	struct vtd_remapping *a, *b;
	int rc = -ENODEV;

	list_for_each_entry(a, &vtd_dmar.structures, node) {
		if (a->type != ACPI_DMAR_TYPE_HARDWARE_UNIT)
			continue;
		rc = 0;
		list_for_each_entry(b, &vtd_dmar.structures, node) {
			if (a == b)
				break;
			if (b->type == ACPI_DMAR_TYPE_HARDWARE_UNIT &&
			    vtd_dmar_contradicts(a, b))
				return -EINVAL;
		}
	}
	return rc;
}

/**
 * vtd_dmar_parse - read the DMAR table into vtd_dmar
 * @table: the table as ACPI has it, @table->length bytes
 *
 * Context: once, when the module is loaded.
 * Return: 0; -EINVAL when the table contradicts itself; -ENODEV when it names no
 * unit; -ENOMEM. Nothing is kept on failure.
 */
int vtd_dmar_parse(const struct acpi_table_header *table)
{
	const struct acpi_table_dmar *dmar = container_of(table, struct acpi_table_dmar,
							  header);
	int rc;

	if (table->length < sizeof(*dmar) || dmar->width + 1 < PAGE_SHIFT)
		return -EINVAL;
	vtd_dmar.haw = dmar->width + 1;
	rc = vtd_dmar_parse_all(dmar + 1, (const void *)table + table->length);
	if (!rc)
		rc = vtd_dmar_check_units();
	if (rc)
		vtd_dmar_free();
	return rc;
}

void vtd_dmar_free(void)
{
	struct vtd_remapping *remapping, *next;

	list_for_each_entry_safe(remapping, next, &vtd_dmar.structures, node) {
		list_del(&remapping->node);
		kfree(remapping);
	}
}

/*
 * Does @scope name @pdev: itself, or for a bridge, it or a bridge above it?
 * 8.3.1 wants paths to start at a host bridge's bus. Some firmware names the bus
 * that the device is on, and has to be understood all the same: an RMRR missed
 * is a device given away that firmware uses.
 */
static bool vtd_scope_has(const struct vtd_scope *scope, struct pci_dev *pdev)
{
	u8 path[sizeof(scope->path)];
	unsigned int depth = 0, i;
	struct pci_bus *bus;

	/* From the device up to the bus where the path starts. */
	for (bus = pdev->bus; ; bus = pdev->bus) {
		if (depth == sizeof(path))
			return false;
		path[depth++] = pdev->devfn;
		if (bus->number == scope->bus)
			break;
		if (pci_is_root_bus(bus))
			return false;
		pdev = bus->self;
		if (!pdev)
			return false;
	}
	if (depth < scope->depth)
		return false;
	if (scope->type == ACPI_DMAR_SCOPE_TYPE_ENDPOINT && depth != scope->depth)
		return false;
	for (i = 0; i < scope->depth; i++)
		if (path[depth - 1 - i] != scope->path[i])
			return false;
	return true;
}

/* Is @pdev, or the physical function that it is a virtual one of, in a scope? */
bool vtd_dmar_scope_has(const struct vtd_remapping *remapping, struct pci_dev *pdev)
{
	unsigned int i;

	pdev = pci_physfn(pdev);
	if (remapping->segment != pci_domain_nr(pdev->bus))
		return false;
	for (i = 0; i < remapping->num_scopes; i++)
		if (vtd_scope_has(&remapping->scopes[i], pdev))
			return true;
	return false;
}

struct vtd_remapping *vtd_dmar_drhd_of(struct pci_dev *pdev)
{
	struct vtd_remapping *remapping, *all = NULL;

	list_for_each_entry(remapping, &vtd_dmar.structures, node) {
		if (remapping->type != ACPI_DMAR_TYPE_HARDWARE_UNIT)
			continue;
		if (vtd_dmar_scope_has(remapping, pdev))
			return remapping;
		if ((remapping->flags & ACPI_DMAR_INCLUDE_ALL) &&
		    remapping->segment == pci_domain_nr(pdev->bus))
			all = remapping;
	}
	return all;
}
