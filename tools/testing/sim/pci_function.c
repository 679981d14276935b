// SPDX-License-Identifier: GPL-2.0-only
/* Functions: what can be plugged in where, and under which numbers. */
#include <linux/pci.h>
#include <linux/rculist.h>
#include <linux/slab.h>

#include "pci.h"

#define KNOWN_CAPS	(SIM_CAP_PRI_STUCK * 2 - 1)

static const u32 caps_of_type[] = {
	[SIM_ENDPOINT] = SIM_CAP_FLR | SIM_CAP_ATS | SIM_CAP_PRI | SIM_CAP_PASID | SIM_CAP_ACS |
			 SIM_CAP_SRIOV | SIM_CAP_MULTI | SIM_CAP_PRG_PASID |
			 SIM_CAP_PASID_EXEC | SIM_CAP_PASID_PRIV | SIM_CAP_STALL |
			 SIM_CAP_PRI_STUCK,
	[SIM_ROOT_PORT] = SIM_CAP_ACS | SIM_CAP_MULTI | SIM_CAP_HOTPLUG,
	[SIM_UPSTREAM] = SIM_CAP_MULTI,
	[SIM_DOWNSTREAM] = SIM_CAP_ACS | SIM_CAP_MULTI | SIM_CAP_HOTPLUG,
	[SIM_PCI_BRIDGE] = SIM_CAP_MULTI,
	[SIM_PCI_DEVICE] = SIM_CAP_FLR | SIM_CAP_MULTI,
};

/* May a function of @type be behind @above (NULL: on a root bus)? */
static bool fits(enum sim_type type, const struct sim_function *above)
{
	if (!above)
		return type == SIM_ROOT_PORT || type == SIM_ENDPOINT || type == SIM_PCI_DEVICE;
	switch (above->type) {
	case SIM_ROOT_PORT:
	case SIM_DOWNSTREAM:
		return type == SIM_ENDPOINT || type == SIM_UPSTREAM || type == SIM_PCI_BRIDGE;
	case SIM_UPSTREAM:
		return type == SIM_DOWNSTREAM;
	case SIM_PCI_BRIDGE:
		return type == SIM_PCI_DEVICE;
	default:
		return false;
	}
}

/* Is it a link, on which there is one device? */
static bool is_link(const struct sim_function *above)
{
	return above && (above->type == SIM_ROOT_PORT || above->type == SIM_DOWNSTREAM);
}

/* What needs something else. */
static const struct {
	u32 cap;
	u32 needs;
} needs[] = {
	{ SIM_CAP_PRI, SIM_CAP_ATS },
	{ SIM_CAP_PASID_EXEC, SIM_CAP_PASID },
	{ SIM_CAP_PASID_PRIV, SIM_CAP_PASID },
	{ SIM_CAP_PRG_PASID, SIM_CAP_PASID | SIM_CAP_PRI },
	{ SIM_CAP_PRI_STUCK, SIM_CAP_PRI },
};

static bool is_complete(u32 caps)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(needs); i++)
		if (caps & needs[i].cap && (caps & needs[i].needs) != needs[i].needs)
			return false;
	return true;
}

/* A number is from 1 to @max with the capability that it is for, 0 without. */
static bool is_number_of(const struct sim_add *add, u32 cap, u32 number, u32 max)
{
	return add->caps & cap ? number && number <= max : !number;
}

static int check(const struct sim_add *add, const struct sim_function *above)
{
	if (add->__reserved || add->caps & ~KNOWN_CAPS)
		return -EOPNOTSUPP;
	if (add->type < SIM_ENDPOINT || add->type >= SIM_VF || add->devfn > 0xff ||
	    add->caps & ~caps_of_type[add->type] || !fits(add->type, above))
		return -EINVAL;
	if (is_link(above) && PCI_SLOT(add->devfn))
		return -EINVAL;
	if (!is_complete(add->caps) ||
	    !is_number_of(add, SIM_CAP_PASID, add->pasid_bits, 20) ||
	    !is_number_of(add, SIM_CAP_ATS, add->ats_depth, 32) ||
	    !is_number_of(add, SIM_CAP_PRI, add->pri_outstanding, U32_MAX) ||
	    !is_number_of(add, SIM_CAP_SRIOV, add->total_vfs, SIM_MAX_VFS))
		return -EINVAL;
	/* The VFs of function N are devfn 32 * (N + 1) and up, on the same bus. */
	if (add->caps & SIM_CAP_SRIOV && (!is_link(above) || add->devfn > 6))
		return -EINVAL;
	return 0;
}

/* --- numbers -------------------------------------------------------------- */

/* First number of @num buses in @first to @last that no bridge has, or 0. */
static unsigned int free_buses(struct sim_segment *segment, const struct sim_function *above,
			       unsigned int first, unsigned int last, unsigned int num)
{
	struct sim_function *fn;
	bool taken;

	do {
		if (first + num - 1 > last)
			return 0;
		taken = false;
		list_for_each_entry(fn, &segment->functions, node) {
			if (fn->above != above || !sim_is_bridge(fn) ||
			    fn->secondary > first + num - 1 || fn->subordinate < first)
				continue;
			taken = true;
			first = fn->subordinate + 1;
		}
	} while (taken);
	return first;
}

/* A bridge keeps its bus numbers, and those for what comes behind it, for life. */
static int number_buses(struct sim_function *fn, u32 buses)
{
	struct sim_function *above = fn->above;
	unsigned int first = above ? above->secondary + 1 : 1;
	unsigned int last = above ? above->subordinate : 0xff;

	if (fn->type == SIM_ENDPOINT || fn->type == SIM_PCI_DEVICE)
		return buses ? -EINVAL : 0;
	if (!buses) {
		buses = 1;
		if (fn->type == SIM_ROOT_PORT)
			buses = 8;
		if (fn->type == SIM_UPSTREAM)
			buses = last - above->secondary;
	}
	if (!buses || buses > 0xff)
		return -ENOSPC;
	first = free_buses(fn->segment, above, first, last, buses);
	if (!first)
		return -ENOSPC;
	fn->secondary = first;
	fn->subordinate = first + buses - 1;
	return 0;
}

/* --- life ------------------------------------------------------------------ */

static struct sim_function *function_alloc(struct sim_segment *segment,
					   struct sim_function *above)
{
	struct sim_function *fn = kzalloc(sizeof(*fn), GFP_KERNEL);

	if (!fn)
		return NULL;
	kref_init(&fn->ref);
	raw_spin_lock_init(&fn->lock);
	fn->segment = segment;
	fn->above = above;
	if (above)
		kref_get(&above->ref);
	sim_atc_init(fn);
	sim_pri_init(fn);
	return fn;
}

static void function_release(struct kref *ref)
{
	struct sim_function *fn = container_of(ref, struct sim_function, ref);

	sim_atc_free(fn);
	sim_pri_free(fn);
	if (fn->above)
		sim_function_put(fn->above);
	if (fn->pf)
		sim_function_put(fn->pf);
	kfree_rcu(fn, rcu);
}

void sim_function_put(struct sim_function *fn)
{
	kref_put(&fn->ref, function_release);
}

struct sim_function *sim_function_find(struct sim_segment *segment, u16 rid)
{
	struct sim_function *fn;

	list_for_each_entry_rcu(fn, &segment->functions, node, true)
		if (fn->rid == rid)
			return fn;
	return NULL;
}

/* The function with a reference; NULL when it is not there, or a VF that is off. */
struct sim_function *sim_function_get(u32 bdf)
{
	struct sim_segment *segment = sim_segment(bdf >> 16);
	struct sim_function *fn = NULL;

	if (!segment)
		return NULL;
	rcu_read_lock();
	fn = sim_function_find(segment, bdf & 0xffff);
	if (fn && (!sim_present(fn) || !kref_get_unless_zero(&fn->ref)))
		fn = NULL;
	rcu_read_unlock();
	return fn;
}

bool sim_present(struct sim_function *fn)
{
	struct sim_function *pf = fn->pf;

	if (READ_ONCE(fn->gone))
		return false;
	if (!pf)
		return true;
	return !READ_ONCE(pf->gone) &&
	       sim_config_get(pf, pf->sriov + PCI_SRIOV_CTRL, 2) & PCI_SRIOV_CTRL_VFE &&
	       fn->vf_index < sim_config_get(pf, pf->sriov + PCI_SRIOV_NUM_VF, 2);
}

static struct sim_function *vf_create(struct sim_function *pf, const struct sim_add *add,
				      unsigned int index)
{
	struct sim_function *fn = function_alloc(pf->segment, pf->above);

	if (!fn)
		return NULL;
	fn->type = SIM_VF;
	fn->caps = pf->caps;
	fn->pasid_bits = pf->pasid_bits;
	fn->pf = pf;
	kref_get(&pf->ref);
	fn->vf_index = index;
	fn->rid = pf->rid - PCI_FUNC(pf->rid) + 32 * (PCI_FUNC(pf->rid) + 1) + index;
	sim_config_init(fn, add);
	return fn;
}

static struct sim_function *function_create(struct sim_segment *segment,
					    struct sim_function *above,
					    const struct sim_add *add)
{
	struct sim_function *fn = function_alloc(segment, above);
	int rc;

	if (!fn)
		return ERR_PTR(-ENOMEM);
	fn->type = add->type;
	fn->caps = add->caps;
	fn->pasid_bits = add->pasid_bits;
	fn->total_vfs = add->total_vfs;
	fn->rid = (above ? above->secondary << 8 : 0) | add->devfn;
	rc = number_buses(fn, add->buses);
	if (rc) {
		sim_function_put(fn);
		return ERR_PTR(rc);
	}
	sim_config_init(fn, add);
	return fn;
}

/* Those with ARI say which function of the device is next (PCI Express 7.8.7). */
static void chain_functions(struct sim_segment *segment, u16 rid)
{
	struct sim_function *fn, *other;
	u16 next;

	list_for_each_entry(fn, &segment->functions, node) {
		if (fn->rid >> 8 != rid >> 8 || !fn->ari || fn->pf)
			continue;
		next = 0;
		list_for_each_entry(other, &segment->functions, node)
			if (!other->pf && other->rid >> 8 == rid >> 8 && other->rid > fn->rid &&
			    (!next || other->rid < next))
				next = other->rid;
		sim_config_next_function(fn, next & 0xff);
	}
}

/* The link of the port above is up when something is on it. */
static void update_slot(struct sim_segment *segment, struct sim_function *above)
{
	struct sim_function *fn;
	bool up = false;

	if (!is_link(above))
		return;
	list_for_each_entry(fn, &segment->functions, node)
		if (fn->above == above && !fn->gone)
			up = true;
	sim_config_link(above, up);
}

static void link_all(struct list_head *functions)
{
	struct sim_function *fn, *next;

	list_for_each_entry_safe(fn, next, functions, node) {
		list_del(&fn->node);
		list_add_tail_rcu(&fn->node, &fn->segment->functions);
	}
}

static int create_all(struct sim_segment *segment, struct sim_function *above,
		      const struct sim_add *add, struct list_head *functions)
{
	struct sim_function *fn, *vf;
	unsigned int i;

	fn = function_create(segment, above, add);
	if (IS_ERR(fn))
		return PTR_ERR(fn);
	list_add_tail(&fn->node, functions);
	for (i = 0; i < add->total_vfs; i++) {
		vf = vf_create(fn, add, i);
		if (!vf)
			return -ENOMEM;
		list_add_tail(&vf->node, functions);
	}
	return 0;
}

static struct sim_segment *parent_of(u32 parent, struct sim_function **above)
{
	struct sim_segment *segment;

	*above = NULL;
	if (parent == ~0U)
		return sim_segment(SIM_SEGMENT);
	segment = sim_segment(parent >> 16);
	if (!segment || (parent & 0xffff) == 0xffff)
		return segment;
	*above = sim_function_find(segment, parent & 0xffff);
	return *above && sim_is_bridge(*above) ? segment : NULL;
}

/*
 * Plug a function in, and its VFs with it, which stay off. The kernel is not told
 * yet. Under the kernel's rescan lock.
 */
int sim_function_add(const struct sim_add *add, struct sim_function **out)
{
	struct sim_function *above, *fn, *next;
	struct sim_segment *segment = parent_of(add->parent, &above);
	LIST_HEAD(functions);
	u16 rid;
	int rc;

	if (!segment)
		return -ENODEV;
	rc = check(add, above);
	if (rc)
		return rc;
	rid = (above ? above->secondary << 8 : 0) | add->devfn;
	if (sim_function_find(segment, rid))
		return -EEXIST;
	rc = create_all(segment, above, add, &functions);
	if (rc) {
		list_for_each_entry_safe(fn, next, &functions, node)
			sim_function_put(fn);
		return rc;
	}
	*out = list_first_entry(&functions, struct sim_function, node);
	link_all(&functions);
	chain_functions(segment, rid);
	update_slot(segment, above);
	return 0;
}

static bool is_behind(struct sim_function *fn, struct sim_function *top)
{
	struct sim_function *f;

	for (f = fn; f; f = f->above)
		if (f == top || f->pf == top)
			return true;
	return false;
}

/*
 * Nothing of a function and of what is behind it answers or sends any more. Under
 * the kernel's rescan lock.
 */
void sim_function_kill(struct sim_function *top)
{
	struct sim_function *fn;

	list_for_each_entry(fn, &top->segment->functions, node) {
		if (!is_behind(fn, top))
			continue;
		WRITE_ONCE(fn->gone, true);
		sim_reset(fn, false);
	}
	update_slot(top->segment, top->above);
}

/* Forget it, with all behind it. Under the kernel's rescan lock; nobody has it enumerated. */
void sim_function_unplug(struct sim_function *top)
{
	struct sim_segment *segment = top->segment;
	struct sim_function *fn, *next;

	kref_get(&top->ref);
	list_for_each_entry_safe(fn, next, &segment->functions, node) {
		if (!is_behind(fn, top))
			continue;
		list_del_rcu(&fn->node);
		sim_function_put(fn);
	}
	chain_functions(segment, top->rid);
	sim_function_put(top);
}

/* All that is still plugged in, when nobody looks any more. */
void sim_functions_free(struct sim_segment *segment)
{
	struct sim_function *fn, *next;

	list_for_each_entry_safe(fn, next, &segment->functions, node) {
		list_del_rcu(&fn->node);
		sim_function_put(fn);
	}
}
