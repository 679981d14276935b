// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stream IDs from firmware: of devices that the IOMMU core has not told us about,
 * and before it does. A device tree has them in "iommu-map" of host bridges and
 * "iommus" of other devices, ACPI in the IORT table, and a hardware model, whatever
 * the firmware, in an IORT table of its own.
 */
#include <linux/acpi.h>
#include <linux/of.h>
#include <linux/of_address.h>
#include "firmware.h"
#include "iort.h"
#include "smmuv3.h"

/* The machine's table, from smmuv3_fw_init() to smmuv3_fw_exit(); empty without ACPI. */
static struct smmuv3_iort iort;
static struct acpi_table_header *iort_table;

/**
 * smmuv3_fw_init - read what there is only once
 *
 * Return: 0, also where there is no IORT; -EINVAL when it contradicts itself
 */
int smmuv3_fw_init(void)
{
	int rc;

	if (acpi_disabled ||
	    ACPI_FAILURE(acpi_get_table(ACPI_SIG_IORT, 0, &iort_table)))
		return 0;
	rc = smmuv3_iort_init(&iort, iort_table, iort_table->length);
	if (rc) {
		pr_err("smmuv3_nested: the IORT table contradicts itself: ask for a firmware update\n");
		smmuv3_fw_exit();
	}
	return rc;
}

void smmuv3_fw_exit(void)
{
	memset(&iort, 0, sizeof(iort));
	if (iort_table)
		acpi_put_table(iort_table);
	iort_table = NULL;
}

/**
 * smmuv3_fw_init_unit - the table that a unit is in
 * @unit: the unit
 *
 * Stays valid until the unit's device or this module goes.
 */
void smmuv3_fw_init_unit(struct smmu_unit *unit)
{
	unit->iort = iort;
}

/**
 * smmuv3_fw_init_model - the table that a hardware model is in
 * @unit: the unit
 * @table: an IORT table of this unit alone; stays as long as its device
 *
 * Also says where the unit's registers would be.
 *
 * Return: 0; -EINVAL when the table contradicts itself
 */
int smmuv3_fw_init_model(struct smmu_unit *unit, const struct acpi_table_header *table)
{
	u64 base;
	int rc;

	rc = smmuv3_iort_init(&unit->iort, table, table->length);
	if (!rc)
		rc = smmuv3_iort_only_smmu(&unit->iort, &base);
	if (!rc)
		unit->phys = base;
	return rc;
}

static u32 iort_smmu(struct smmu_unit *unit)
{
	return smmuv3_iort_find_smmu(&unit->iort, unit->phys);
}

/**
 * smmuv3_fw_coherent - are table walks and queues of a unit coherent?
 * @unit: the unit
 * @cohacc: its IDR0.COHACC, on which firmware has the last word
 */
bool smmuv3_fw_coherent(struct smmu_unit *unit, bool cohacc)
{
	if (unit->dev->of_node)
		return of_dma_is_coherent(unit->dev->of_node);
	return cohacc || smmuv3_iort_overrides_cohacc(&unit->iort, iort_smmu(unit));
}

/**
 * smmuv3_fw_canwbs - do all PCI devices behind a unit snoop caches, no matter what
 *	memory types a guest's tables ask for?
 * @unit: the unit
 *
 * Only ACPI can tell.
 */
bool smmuv3_fw_canwbs(struct smmu_unit *unit)
{
	return !unit->dev->of_node && smmuv3_iort_canwbs(&unit->iort, iort_smmu(unit));
}

/* --- device tree ------------------------------------------------------- */

/* An entry of "iommu-map", for an IOMMU with one cell, as every SMMUv3 has. */
struct iommu_map_entry {
	__be32 rid;
	__be32 phandle;
	__be32 sid;
	__be32 num;
};

/* The entries of @np, NULL if there are none or they are not understood. */
static const struct iommu_map_entry *of_iommu_map(const struct device_node *np,
						  unsigned int *num)
{
	const struct iommu_map_entry *map;
	int len;

	map = of_get_property(np, "iommu-map", &len);
	if (!map || len < 0 || len % sizeof(*map))
		return NULL;
	*num = len / sizeof(*map);
	return map;
}

static bool is_of_unit(struct smmu_unit *unit, u32 phandle)
{
	return phandle && phandle == unit->dev->of_node->phandle;
}

/* Stream IDs of @entry from @first on, if they are @unit's. */
static bool entry_range(struct smmu_unit *unit, const struct iommu_map_entry *entry,
			u32 *first, u32 *num)
{
	*first = be32_to_cpu(entry->sid);
	*num = be32_to_cpu(entry->num);
	return is_of_unit(unit, be32_to_cpu(entry->phandle)) && *num &&
	       *num - 1 <= U32_MAX - *first;
}

static int of_map_rid(struct smmu_unit *unit, const struct device_node *np, u16 rid,
		      u32 *sid)
{
	const struct iommu_map_entry *map;
	u32 mask = U32_MAX, offset, num;
	unsigned int entries, i;

	map = of_iommu_map(np, &entries);
	if (!map)
		return -ENODEV;
	of_property_read_u32(np, "iommu-map-mask", &mask);
	for (i = 0; i < entries; i++) {
		/* The first one that has it counts, whatever unit it names. */
		offset = (rid & mask) - be32_to_cpu(map[i].rid);
		if ((rid & mask) < be32_to_cpu(map[i].rid) ||
		    offset >= be32_to_cpu(map[i].num))
			continue;
		if (!entry_range(unit, &map[i], sid, &num))
			return -ENODEV;
		*sid += offset;
		return 0;
	}
	return -ENODEV;
}

static int of_pci_ranges(struct smmu_unit *unit, smmuv3_fw_range_fn fn, void *arg)
{
	const struct iommu_map_entry *map;
	unsigned int entries, i;
	struct device_node *np;
	u32 first, num;
	int rc;

	for_each_node_with_property(np, "iommu-map") {
		map = of_iommu_map(np, &entries);
		for (i = 0; map && i < entries; i++) {
			if (!entry_range(unit, &map[i], &first, &num))
				continue;
			rc = fn(arg, first, num);
			if (rc) {
				of_node_put(np);
				return rc;
			}
		}
	}
	return 0;
}

/* The stream ID of @np's @index-th "iommus" if it is @unit's, else -ENODEV. */
static int of_iommus_stream(struct smmu_unit *unit, const struct device_node *np,
			    int index, u32 *sid)
{
	struct of_phandle_args args;
	bool found;

	if (of_parse_phandle_with_args(np, "iommus", "#iommu-cells", index, &args))
		return -EINVAL;
	found = args.np == unit->dev->of_node && args.args_count == 1;
	*sid = args.args[0];
	of_node_put(args.np);
	return found ? 0 : -ENODEV;
}

static int of_platform_ranges(struct smmu_unit *unit, smmuv3_fw_range_fn fn,
			      void *arg)
{
	struct device_node *np;
	int index, rc;
	u32 sid;

	for_each_node_with_property(np, "iommus") {
		for (index = 0; ; index++) {
			rc = of_iommus_stream(unit, np, index, &sid);
			if (rc == -EINVAL)
				break;
			rc = rc ? 0 : fn(arg, sid, 1);
			if (rc) {
				of_node_put(np);
				return rc;
			}
		}
	}
	return 0;
}

/* --- either ------------------------------------------------------------ */

/* What a host bridge is made from, where that is a node of a device tree. */
static struct device_node *host_bridge_node(struct pci_dev *pdev)
{
	struct pci_host_bridge *bridge = pci_find_host_bridge(pdev->bus);

	return bridge->dev.parent ? bridge->dev.parent->of_node : NULL;
}

static int map_rid(struct smmu_unit *unit, struct pci_dev *pdev, u16 rid, u32 *sid)
{
	struct device_node *np;

	if (!unit->dev->of_node)
		return smmuv3_iort_map_rid(&unit->iort, iort_smmu(unit),
					   pci_domain_nr(pdev->bus), rid, sid);
	np = host_bridge_node(pdev);
	return np ? of_map_rid(unit, np, rid, sid) : -ENODEV;
}

bool smmuv3_fw_ats(struct smmu_unit *unit, struct pci_dev *pdev)
{
	struct device_node *np;

	if (!unit->dev->of_node)
		return smmuv3_iort_ats(&unit->iort, iort_smmu(unit),
				       pci_domain_nr(pdev->bus), pci_dev_id(pdev));
	np = host_bridge_node(pdev);
	return np && of_property_read_bool(np, "ats-supported");
}

/**
 * smmuv3_fw_stream - the stream ID of a device's own requester ID
 * @unit: the unit
 * @pdev: the device
 * @sid: out: the stream ID
 *
 * Return: 0; -ENODEV when it is not behind @unit
 */
int smmuv3_fw_stream(struct smmu_unit *unit, struct pci_dev *pdev, u32 *sid)
{
	return map_rid(unit, pdev, pci_dev_id(pdev), sid);
}

/**
 * smmuv3_fw_streams - every stream ID that requests of a device may have
 * @unit: the unit
 * @pdev: the device
 * @sids: room for @max of them; the first is of its own requester ID
 * @max: IOMMUFD_SVA_MAX_RIDS are always enough
 *
 * Return: how many, none of them twice; -ENODEV when the device is not behind
 * @unit; -EINVAL when some of its requests would pass beside @unit; -E2BIG when
 * there are more than @max
 */
int smmuv3_fw_streams(struct smmu_unit *unit, struct pci_dev *pdev, u32 *sids,
		      unsigned int max)
{
	struct iommufd_sva_rid rids[IOMMUFD_SVA_MAX_RIDS];
	unsigned int num = 0, j;
	int num_rids, i;
	u32 sid;

	if (smmuv3_fw_stream(unit, pdev, &sid))
		return -ENODEV;
	num_rids = iommufd_sva_rids(pdev, rids);
	if (num_rids < 0)
		return num_rids;
	for (i = 0; i < num_rids; i++) {
		if (map_rid(unit, pdev, PCI_DEVID(rids[i].bus, rids[i].devfn), &sid))
			return -EINVAL;
		for (j = 0; j < num && sids[j] != sid; j++)
			;
		if (j < num)
			continue;
		if (num == max)
			return -E2BIG;
		sids[num++] = sid;
	}
	return num;
}

struct each_range {
	smmuv3_fw_range_fn fn;
	void *arg;
};

static int iort_range(void *arg, enum smmuv3_iort_range what, u32 first, u32 count)
{
	struct each_range *each = arg;

	return each->fn(each->arg, first, count);
}

/**
 * smmuv3_fw_for_each_stream_range - every stream ID that may arrive at a unit
 * @unit: the unit
 * @fn: called with ranges of them, that may overlap and may be wider than what
 *	there can be
 * @arg: for @fn
 *
 * Return: 0, or what @fn returned
 */
int smmuv3_fw_for_each_stream_range(struct smmu_unit *unit, smmuv3_fw_range_fn fn,
				    void *arg)
{
	struct each_range each = { .fn = fn, .arg = arg };
	int rc;

	if (!unit->dev->of_node)
		return smmuv3_iort_for_each_range(&unit->iort, iort_smmu(unit), iort_range,
						  &each);
	rc = of_pci_ranges(unit, fn, arg);
	return rc ?: of_platform_ranges(unit, fn, arg);
}

/* --- streams that are not a user's to have ----------------------------- */

struct sid_check {
	const u32 *sids;
	unsigned int num;
	bool hit;
};

static int check_range(void *arg, u32 first, u32 count)
{
	struct sid_check *check = arg;
	unsigned int i;

	for (i = 0; i < check->num; i++)
		if (check->sids[i] >= first && check->sids[i] - first < count)
			check->hit = true;
	return 0;
}

static int check_named(void *arg, enum smmuv3_iort_range what, u32 first, u32 count)
{
	return what == SMMUV3_IORT_RANGE_NAMED ? check_range(arg, first, count) : 0;
}

static int check_rmr(void *arg, const struct smmuv3_iort_rmr *rmr)
{
	if (rmr->flags & SMMUV3_IORT_RMR_REMAP)
		return 0;
	return check_range(arg, rmr->sid, rmr->num_sids);
}

/* Has a device that is not of PCI one of the stream IDs too? */
static bool is_shared_with_platform(struct smmu_unit *unit, struct sid_check check)
{
	if (unit->dev->of_node)
		of_platform_ranges(unit, check_range, &check);
	else
		smmuv3_iort_for_each_range(&unit->iort, iort_smmu(unit), check_named,
					   &check);
	return check.hit;
}

static bool has_rmr(struct smmu_unit *unit, struct sid_check check)
{
	if (!unit->dev->of_node)
		smmuv3_iort_for_each_rmr(&unit->iort, iort_smmu(unit), check_rmr, &check);
	return check.hit;
}

/**
 * smmuv3_fw_must_stay_identity - see iommufd_sva_backend_ops
 * @unit: the unit
 * @pdev: a device behind it
 *
 * Return: why it can never be given to a user, NULL when it can
 */
const char *smmuv3_fw_must_stay_identity(struct smmu_unit *unit,
					 struct pci_dev *pdev)
{
	u32 sids[IOMMUFD_SVA_MAX_RIDS];
	struct sid_check check = { .sids = sids };
	int num;

	num = smmuv3_fw_streams(unit, pdev, sids, ARRAY_SIZE(sids));
	if (num < 0)
		return "firmware does not say which stream IDs it has";
	check.num = num;
	if (is_shared_with_platform(unit, check))
		return "it shares a stream ID with a platform device";
	if (has_rmr(unit, check))
		return "firmware reserves memory for it (RMR)";
	return NULL;
}

struct resv_arg {
	struct sid_check streams;
	struct list_head *head;
};

static int add_rmr(void *arg, const struct smmuv3_iort_rmr *rmr)
{
	bool remap = rmr->flags & SMMUV3_IORT_RMR_REMAP;
	struct sid_check check = ((struct resv_arg *)arg)->streams;
	u64 start, end;
	int prot;

	check_range(&check, rmr->sid, rmr->num_sids);
	if (!check.hit)
		return 0;
	/* What it is mapped with are pages. */
	start = ALIGN_DOWN(rmr->base, SZ_4K);
	end = rmr->base + (rmr->length - 1);
	prot = IOMMU_READ | IOMMU_WRITE;
	if (rmr->flags & SMMUV3_IORT_RMR_PRIVILEGED)
		prot |= IOMMU_PRIV;
	smmu_add_resv_region(((struct resv_arg *)arg)->head, start,
			     (end | (SZ_4K - 1)) - start + 1, prot,
			     remap ? IOMMU_RESV_DIRECT_RELAXABLE : IOMMU_RESV_DIRECT);
	return 0;
}

/**
 * smmuv3_fw_get_resv_regions - memory that firmware has streams reach
 * @unit: the unit
 * @sids: the streams of a device
 * @num: how many
 * @head: where to append struct iommu_resv_region
 */
void smmuv3_fw_get_resv_regions(struct smmu_unit *unit, const u32 *sids,
				unsigned int num, struct list_head *head)
{
	struct resv_arg arg = {
		.streams = { .sids = sids, .num = num },
		.head = head,
	};

	if (!unit->dev->of_node)
		smmuv3_iort_for_each_rmr(&unit->iort, iort_smmu(unit), add_rmr, &arg);
}
