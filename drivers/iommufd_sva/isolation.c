// SPDX-License-Identifier: GPL-2.0-only
/*
 * Isolation sets: which endpoints the IOMMU cannot keep apart.
 *
 * Two endpoints are in one set when a request of one can reach the other
 * without passing the IOMMU (PCI Express Base Specification 6.12, Access
 * Control Services), or can carry a requester ID of the other. The sets follow
 * from configuration space alone: unlike pci_device_group() nothing here asks
 * whether a bridge, which is bound to its port driver, has a group.
 *
 * A port that isolates by means that only a kernel quirk knows counts as one
 * that does not: the set comes out larger, never smaller.
 */
#define pr_fmt(fmt) "iommufd_sva: " fmt

#include <linux/export.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include "host.h"

/*
 * Source validation, and peer-to-peer requests, completions and upstream
 * forwarding all go up to the IOMMU. (6.12.1; PASIDs need RR and UF too.)
 */
#define ACS_ISOLATION	(PCI_ACS_SV | PCI_ACS_RR | PCI_ACS_CR | PCI_ACS_UF)

/* --- access control services ------------------------------------------- */

struct acs_saved {
	struct list_head node;
	struct pci_dev *pdev;
	struct iommufd_sva_unit *unit;
	u16 ctrl;
};

/* What ACS_ISOLATION was before, under adopt_lock. */
static LIST_HEAD(acs_saved_list);

/* The bits this function should have set; *@ctrl: what is set. */
static u16 acs_wanted(struct pci_dev *pdev, u16 *ctrl)
{
	u16 cap;

	pci_read_config_word(pdev, pdev->acs_cap + PCI_ACS_CAP, &cap);
	pci_read_config_word(pdev, pdev->acs_cap + PCI_ACS_CTRL, ctrl);
	return cap & ACS_ISOLATION;
}

/**
 * iommufd_sva_acs_enable - make a port or function send everything upstream
 * @pdev: the port or function
 * @unit: the unit it is behind, for iommufd_sva_acs_restore()
 *
 * Return: 0, also if there is nothing to do; -ENOMEM
 */
int iommufd_sva_acs_enable(struct pci_dev *pdev, struct iommufd_sva_unit *unit)
{
	struct acs_saved *saved;
	u16 wanted, ctrl;

	if (!pdev->acs_cap)
		return 0;
	wanted = acs_wanted(pdev, &ctrl);
	if ((ctrl & wanted) == wanted)
		return 0;

	list_for_each_entry(saved, &acs_saved_list, node)
		if (saved->pdev == pdev)
			goto write;
	saved = kzalloc(sizeof(*saved), GFP_KERNEL);
	if (!saved)
		return -ENOMEM;
	saved->pdev = pci_dev_get(pdev);
	saved->unit = unit;
	saved->ctrl = ctrl;
	list_add(&saved->node, &acs_saved_list);
write:
	pci_write_config_word(pdev, pdev->acs_cap + PCI_ACS_CTRL,
			      ctrl | wanted);
	return 0;
}

/* A reset of an adopted function clears its ACS: set it again. */
void iommufd_sva_acs_reassert(struct pci_dev *pdev)
{
	u16 wanted, ctrl;

	if (!pdev->acs_cap)
		return;
	wanted = acs_wanted(pdev, &ctrl);
	if ((ctrl & wanted) != wanted)
		pci_write_config_word(pdev, pdev->acs_cap + PCI_ACS_CTRL,
				      ctrl | wanted);
}

static void acs_saved_free(struct acs_saved *saved)
{
	list_del(&saved->node);
	pci_dev_put(saved->pdev);
	kfree(saved);
}

/* @pdev is gone. */
void iommufd_sva_acs_forget(struct pci_dev *pdev)
{
	struct acs_saved *saved, *next;

	list_for_each_entry_safe(saved, next, &acs_saved_list, node)
		if (saved->pdev == pdev)
			acs_saved_free(saved);
}

/* Leave everything behind @unit as it was found. */
void iommufd_sva_acs_restore(struct iommufd_sva_unit *unit)
{
	struct acs_saved *saved, *next;
	struct pci_dev *pdev;
	u16 ctrl;

	list_for_each_entry_safe(saved, next, &acs_saved_list, node) {
		if (saved->unit != unit)
			continue;
		pdev = saved->pdev;
		pci_read_config_word(pdev, pdev->acs_cap + PCI_ACS_CTRL, &ctrl);
		ctrl = (ctrl & ~ACS_ISOLATION) | (saved->ctrl & ACS_ISOLATION);
		pci_write_config_word(pdev, pdev->acs_cap + PCI_ACS_CTRL, ctrl);
		acs_saved_free(saved);
	}
}

static bool acs_on(struct pci_dev *pdev)
{
	u16 wanted, ctrl;

	if (!pdev->acs_cap)
		return false;
	wanted = acs_wanted(pdev, &ctrl);
	return (ctrl & wanted) == wanted;
}

/*
 * Can requests turn round between @a and @b, both on one bus, unless ACS is on?
 * The bus inside a switch joins its downstream ports; a link has one device on
 * it, whatever its functions' numbers (ARI); a root bus has slots.
 */
static bool are_neighbours(struct pci_dev *a, struct pci_dev *b)
{
	if (b->is_virtfn)
		return false;
	if (pci_is_root_bus(a->bus))
		return PCI_SLOT(a->devfn) == PCI_SLOT(b->devfn);
	return true;
}

struct neighbour_check {
	struct pci_dev *pdev;
	bool all_on;
};

static int check_neighbour(struct pci_dev *pdev, void *data)
{
	struct neighbour_check *check = data;

	if (pdev->bus == check->pdev->bus &&
	    are_neighbours(check->pdev, pdev) && !acs_on(pdev))
		check->all_on = false;
	return 0;
}

/* ACS is on in @pdev, and in those that could reach it from beside. */
static bool acs_on_beside(struct pci_dev *pdev)
{
	struct neighbour_check check = { .pdev = pdev, .all_on = true };

	pci_walk_bus(pdev->bus, check_neighbour, &check);
	return check.all_on;
}

/*
 * Are there functions beside @pdev? The bus hears of a function other than the
 * first before the kernel has marked it as one of many, and its own header need
 * not say so. On a link all of devfn is the function's number (ARI).
 */
static bool is_one_of_many(struct pci_dev *pdev)
{
	if (pdev->multifunction || PCI_FUNC(pdev->devfn))
		return true;
	return pdev->devfn && pci_is_pcie(pdev) && !pci_is_root_bus(pdev->bus);
}

/* Does all that enters or leaves @pdev from below or beside pass above it? */
static bool acs_isolates(struct pci_dev *pdev)
{
	if (!pci_is_pcie(pdev))
		return false;

	switch (pci_pcie_type(pdev)) {
	case PCI_EXP_TYPE_ROOT_PORT:
		return acs_on(pdev);
	case PCI_EXP_TYPE_DOWNSTREAM:
		return acs_on_beside(pdev);
	case PCI_EXP_TYPE_ENDPOINT:
	case PCI_EXP_TYPE_LEG_END:
	case PCI_EXP_TYPE_RC_END:
	case PCI_EXP_TYPE_UPSTREAM:
		/* A single function has nothing beside it on its link. */
		return !is_one_of_many(pdev) || acs_on_beside(pdev);
	default:
		/* Bridges to conventional PCI: a bus where all see all. */
		return false;
	}
}

static bool acs_isolates_path(struct pci_dev *bridge)
{
	while (acs_isolates(bridge)) {
		if (pci_is_root_bus(bridge->bus))
			return true;
		bridge = bridge->bus->self;
		if (!bridge)
			return false;
	}
	return false;
}

/* --- requester IDs ----------------------------------------------------- */

static int add_rid(struct iommufd_sva_rid *rids, int num, u8 bus, u8 devfn)
{
	int i;

	if (num < 0)
		return num;
	for (i = 0; i < num; i++)
		if (rids[i].bus == bus && rids[i].devfn == devfn)
			return num;
	if (num == IOMMUFD_SVA_MAX_RIDS)
		return -E2BIG;
	rids[num].bus = bus;
	rids[num].devfn = devfn;
	return num + 1;
}

/* The ID that @bridge puts on requests from below, if it replaces theirs. */
static int add_bridge_rid(struct iommufd_sva_rid *rids, int num,
			  struct pci_dev *bridge)
{
	bool secondary;

	if (!pci_is_pcie(bridge)) {
		secondary = bridge->dev_flags & PCI_DEV_FLAG_PCIE_BRIDGE_ALIAS;
	} else {
		switch (pci_pcie_type(bridge)) {
		case PCI_EXP_TYPE_PCI_BRIDGE:
			secondary = true;
			break;
		case PCI_EXP_TYPE_PCIE_BRIDGE:
			secondary = false;
			break;
		default:
			/* Ports and switches leave IDs alone. */
			return num;
		}
	}
	/* PCI Express to PCI Bridge Specification 2.3 */
	if (secondary)
		return add_rid(rids, num, bridge->subordinate->number, 0);
	return add_rid(rids, num, bridge->bus->number, bridge->devfn);
}

/**
 * iommufd_sva_rids - every requester ID that requests of a device may carry
 * @pdev: the device
 * @rids: room for IOMMUFD_SVA_MAX_RIDS; the first is its own
 *
 * Return: how many, or -E2BIG
 */
int iommufd_sva_rids(struct pci_dev *pdev, struct iommufd_sva_rid *rids)
{
	struct pci_bus *bus;
	unsigned int devfn;
	int num;

	num = add_rid(rids, 0, pdev->bus->number, pdev->devfn);
	/* Devices known to use IDs of functions that they may not even have. */
	if (pdev->dma_alias_mask)
		for_each_set_bit(devfn, pdev->dma_alias_mask, 256)
			num = add_rid(rids, num, pdev->bus->number, devfn);

	for (bus = pdev->bus; !pci_is_root_bus(bus); bus = bus->parent) {
		if (!bus->self)
			continue;
		/* Above here the IOMMU has seen the request already. */
		if (bus->self->dev_flags & PCI_DEV_FLAGS_BRIDGE_XLATE_ROOT)
			break;
		num = add_bridge_rid(rids, num, bus->self);
	}
	return num;
}
EXPORT_SYMBOL_GPL(iommufd_sva_rids);

/* --- sets -------------------------------------------------------------- */

/* Endpoints with the same spot cannot be kept apart. */
struct spot {
	struct pci_bus *bus;
	unsigned int where;
};

#define SPOT_SLOT	0x100	/* | device number: all functions of a slot */
#define SPOT_BUS	0x200	/* everything on the bus: a link, or a switch's */

/* The spot of @top, up to which requests can turn round, but no higher. */
static struct spot spot_at(struct pci_dev *top)
{
	struct spot spot = { .bus = top->bus, .where = top->devfn };
	bool in_switch = pci_is_pcie(top) &&
			 pci_pcie_type(top) == PCI_EXP_TYPE_DOWNSTREAM;

	if (acs_isolates(top) || !(is_one_of_many(top) || in_switch))
		return spot;
	if (pci_is_root_bus(top->bus) || !pci_is_pcie(top))
		spot.where = SPOT_SLOT | PCI_SLOT(top->devfn);
	else
		spot.where = SPOT_BUS;
	return spot;
}

/* A virtual function is as isolated as its physical function. */
static struct spot spot_of(struct pci_dev *endpoint)
{
	struct pci_dev *physfn = pci_physfn(endpoint);
	struct pci_dev *top = physfn;
	struct spot spot;
	struct pci_bus *bus;

	for (bus = top->bus; !pci_is_root_bus(bus); bus = bus->parent) {
		if (!bus->self)
			continue;
		if (acs_isolates_path(bus->self))
			break;
		top = bus->self;
	}

	spot = spot_at(top);
	if (top == physfn && spot.where == physfn->devfn) {
		spot.bus = endpoint->bus;
		spot.where = endpoint->devfn;
	}
	return spot;
}

struct candidate {
	struct pci_dev *pdev;
	struct spot spot;
	struct iommufd_sva_rid rids[IOMMUFD_SVA_MAX_RIDS];
	int num_rids;
	struct iommufd_sva_unit *unit;
	u32 source_ids[IOMMUFD_SVA_MAX_RIDS];
	int num_source_ids;
	bool in_set;
};

/* Firmware may give two devices, even of two segments, one ID at their unit. */
static bool share_source_id(const struct candidate *a, const struct candidate *b)
{
	int i, j;

	if (a->unit != b->unit)
		return false;
	for (i = 0; i < a->num_source_ids; i++)
		for (j = 0; j < b->num_source_ids; j++)
			if (a->source_ids[i] == b->source_ids[j])
				return true;
	return false;
}

static bool related(const struct candidate *a, const struct candidate *b)
{
	int i, j;

	if (a->spot.bus == b->spot.bus && a->spot.where == b->spot.where)
		return true;
	if (share_source_id(a, b))
		return true;
	if (pci_domain_nr(a->pdev->bus) != pci_domain_nr(b->pdev->bus))
		return false;
	for (i = 0; i < a->num_rids; i++)
		for (j = 0; j < b->num_rids; j++)
			if (a->rids[i].bus == b->rids[j].bus &&
			    a->rids[i].devfn == b->rids[j].devfn)
				return true;
	return false;
}

/* Grow the set of @cand[@first] until nothing is related to it any more. */
static unsigned int close_set(struct candidate *cand, unsigned int num,
			      unsigned int first, unsigned int *queue)
{
	unsigned int head = 0, tail = 0, i;

	cand[first].in_set = true;
	queue[tail++] = first;
	while (head < tail) {
		struct candidate *member = &cand[queue[head++]];

		for (i = 0; i < num; i++) {
			if (cand[i].in_set || !related(member, &cand[i]))
				continue;
			cand[i].in_set = true;
			queue[tail++] = i;
		}
	}
	return tail;
}

/* All endpoints, with a reference on each. */
static struct candidate *list_candidates(unsigned int *num)
{
	struct candidate *cand = NULL, *grown;
	struct pci_dev *pdev = NULL;
	unsigned int room = 0, n = 0;

	for_each_pci_dev(pdev) {
		if (!iommufd_sva_is_endpoint(pdev))
			continue;
		if (n == room) {
			room = room ? room * 2 : 32;
			grown = kvcalloc(room, sizeof(*cand), GFP_KERNEL);
			if (!grown) {
				pci_dev_put(pdev);
				goto err_put;
			}
			if (n)
				memcpy(grown, cand, n * sizeof(*cand));
			kvfree(cand);
			cand = grown;
		}
		cand[n].pdev = pci_dev_get(pdev);
		cand[n].spot = spot_of(pdev);
		cand[n].num_rids = iommufd_sva_rids(pdev, cand[n].rids);
		cand[n].num_source_ids = iommufd_sva_source_ids(pdev,
								cand[n].source_ids,
								&cand[n].unit);
		n++;
	}
	*num = n;
	return cand ?: ERR_PTR(-ENODEV);

err_put:
	while (n)
		pci_dev_put(cand[--n].pdev);
	kvfree(cand);
	return ERR_PTR(-ENOMEM);
}

/**
 * iommufd_sva_isolation_set - the endpoints that @pdev cannot be kept apart from
 * @pdev: an endpoint
 *
 * Return: the set, @pdev first; ERR_PTR(-ENODEV) when it is not there any more,
 * ERR_PTR(-ENOMEM)
 */
struct iommufd_sva_members *iommufd_sva_isolation_set(struct pci_dev *pdev)
{
	struct iommufd_sva_members *members = ERR_PTR(-ENOMEM);
	struct candidate *cand;
	unsigned int num, first, size, i;
	unsigned int *queue;

	cand = list_candidates(&num);
	if (IS_ERR(cand))
		return ERR_CAST(cand);
	for (first = 0; first < num && cand[first].pdev != pdev; first++)
		;
	queue = kvcalloc(num, sizeof(*queue), GFP_KERNEL);
	if (!queue)
		goto out;
	if (first == num) {
		members = ERR_PTR(-ENODEV);
		goto out;
	}

	size = close_set(cand, num, first, queue);
	members = kvzalloc(struct_size(members, pdev, size), GFP_KERNEL);
	if (!members) {
		members = ERR_PTR(-ENOMEM);
		goto out;
	}
	for (i = 0; i < size; i++)
		members->pdev[i] = pci_dev_get(cand[queue[i]].pdev);
	members->num = size;
out:
	for (i = 0; i < num; i++)
		pci_dev_put(cand[i].pdev);
	kvfree(queue);
	kvfree(cand);
	return members;
}

void iommufd_sva_members_free(struct iommufd_sva_members *members)
{
	unsigned int i;

	for (i = 0; i < members->num; i++)
		pci_dev_put(members->pdev[i]);
	kvfree(members);
}
