// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stage-2 address spaces.
 *
 * The tables are the core library's. A domain has one VMID on each unit where it
 * is used, however many devices use it there: an unmap costs one submission per
 * unit. A device that joins finds the tables as they stand.
 *
 * What goes through a guest's stage 1 and then through a domain is cached under
 * VMIDs of its own, by guest address: an unmap flushes all of those. What devices have
 * cached themselves goes after what the unit has (ats.c).
 */
#include <linux/dma-mapping.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include "smmuv3.h"

/* VMSAv8-64 with a 4K granule: bits of an address, in and out. */
#define SMMU_MAX_BITS		48U
/* More pages than this one by one cost more than filling the TLB again. */
#define SMMU_MAX_IPA_CMDS	64

/**
 * struct smmu_limits - what a domain can be on a unit
 * @bits: of an address, in and out
 * @coherent: table walks snoop the CPU's caches
 * @fwb: memory types are forced (IDR3.FWB)
 */
struct smmu_limits {
	unsigned int bits;
	bool coherent;
	bool fwb;
};

static struct smmu_limits smmu_unit_limits(struct smmu_unit *unit)
{
	return (struct smmu_limits){
		.bits = min(unit->oas, SMMU_MAX_BITS),
		.coherent = unit->coherent,
		.fwb = unit->idr[3] & SMMUV3_IDR3_FWB,
	};
}

/* What every unit of ours can. */
static int smmu_common_limits(struct smmu_limits *limits)
{
	struct smmu_unit *unit;
	struct smmu_limits one;
	bool first = true;

	mutex_lock(&smmu_units_lock);
	list_for_each_entry(unit, &smmu_units, node) {
		one = smmu_unit_limits(unit);
		if (first)
			*limits = one;
		limits->bits = min(limits->bits, one.bits);
		limits->coherent &= one.coherent;
		limits->fwb &= one.fwb;
		first = false;
	}
	mutex_unlock(&smmu_units_lock);
	return first ? -ENODEV : 0;
}

static bool smmu_domain_fits(struct smmu_domain *domain, struct smmu_unit *unit)
{
	struct smmu_limits limits = smmu_unit_limits(unit);
	const struct iommufd_sva_pt_cfg *cfg = &domain->pt.cfg;

	return cfg->ias <= limits.bits && cfg->oas <= limits.bits &&
	       (!cfg->coherent || limits.coherent) && (!cfg->snoop || limits.fwb);
}

static struct smmu_tag *smmu_domain_find(struct smmu_domain *domain,
					 struct smmu_unit *unit)
{
	struct smmu_tag *tag;

	list_for_each_entry(tag, &domain->units, node)
		if (tag->unit == unit)
			return tag;
	return NULL;
}

static struct smmu_tag *smmu_domain_add(struct smmu_domain *domain,
					struct smmu_unit *unit)
{
	struct smmu_tag *tag;
	int vmid;

	if (!smmu_domain_fits(domain, unit))
		return ERR_PTR(-EINVAL);
	tag = kzalloc(sizeof(*tag), IOMMUFD_SVA_GFP_USER);
	if (!tag)
		return ERR_PTR(-ENOMEM);
	vmid = smmu_unit_alloc_vmid(unit);
	if (vmid < 0) {
		kfree(tag);
		return ERR_PTR(vmid);
	}
	tag->unit = unit;
	tag->vmid = vmid;
	INIT_LIST_HEAD(&tag->nested);
	INIT_LIST_HEAD(&tag->atcs);
	list_add(&tag->node, &domain->units);
	return tag;
}

static struct smmu_tag *smmu_domain_get_tag(struct smmu_domain *domain,
					    struct smmu_unit *unit)
{
	struct smmu_tag *tag;

	lockdep_assert_held_write(&domain->units_rwsem);
	tag = smmu_domain_find(domain, unit) ?: smmu_domain_add(domain, unit);
	if (!IS_ERR(tag))
		tag->users++;
	return tag;
}

/* With the last user goes what is cached under the VMID, then the VMID. */
static void smmu_domain_put_tag(struct smmu_tag *tag)
{
	struct smmuv3_cmd flush = smmuv3_make_tlbi_s12_vmall(tag->vmid);

	if (--tag->users)
		return;
	if (smmu_cmdq_submit(tag->unit, &flush, 1))
		smmu_err(tag->unit, "VMID %u not invalidated: it is not used again\n",
			 tag->vmid);
	else
		smmu_unit_free_vmid(tag->unit, tag->vmid);
	list_del(&tag->node);
	kfree(tag);
}

/**
 * smmu_domain_join - a device's requests are going to go through @domain
 * @domain: the domain
 * @sm: the device
 * @vmid: out: the VMID on its unit
 *
 * From here on unmaps reach the unit, and the device.
 *
 * Return: 0; -EINVAL when the tables do not fit the unit; -ENOSPC when it has no
 * VMID left; -ENOMEM.
 */
int smmu_domain_join(struct smmu_domain *domain, struct smmu_master *sm, u16 *vmid)
{
	struct smmu_tag *tag;

	down_write(&domain->units_rwsem);
	tag = smmu_domain_get_tag(domain, sm->unit);
	if (!IS_ERR(tag)) {
		smmu_atc_join(sm, &tag->atcs);
		*vmid = tag->vmid;
	}
	up_write(&domain->units_rwsem);
	return PTR_ERR_OR_ZERO(tag);
}

/* They do not any more, and nothing of the hardware refers to it, nor the device's ATC. */
void smmu_domain_leave(struct smmu_domain *domain, struct smmu_master *sm)
{
	struct smmu_tag *tag;

	down_write(&domain->units_rwsem);
	tag = smmu_domain_find(domain, sm->unit);
	smmu_atc_leave(sm, &tag->atcs);
	smmu_domain_put_tag(tag);
	up_write(&domain->units_rwsem);
}

/**
 * smmu_domain_join_nested - a VMID is going to cache what goes through @domain
 * @domain: the domain
 * @unit: the unit
 * @nested: the VMID
 *
 * From here on every unmap flushes all of it.
 *
 * Return: as smmu_domain_join().
 */
int smmu_domain_join_nested(struct smmu_domain *domain, struct smmu_unit *unit,
			    struct smmu_nested_tag *nested)
{
	struct smmu_tag *tag;

	INIT_LIST_HEAD(&nested->atcs);
	down_write(&domain->units_rwsem);
	tag = smmu_domain_get_tag(domain, unit);
	if (!IS_ERR(tag))
		list_add(&nested->node, &tag->nested);
	up_write(&domain->units_rwsem);
	return PTR_ERR_OR_ZERO(tag);
}

/* What is cached under the VMID is the caller's to flush. */
void smmu_domain_leave_nested(struct smmu_domain *domain, struct smmu_unit *unit,
			      struct smmu_nested_tag *nested)
{
	down_write(&domain->units_rwsem);
	list_del(&nested->node);
	smmu_domain_put_tag(smmu_domain_find(domain, unit));
	up_write(&domain->units_rwsem);
}

void smmu_domain_join_atc(struct smmu_domain *domain, struct smmu_nested_tag *nested,
			  struct smmu_master *sm)
{
	down_write(&domain->units_rwsem);
	smmu_atc_join(sm, &nested->atcs);
	up_write(&domain->units_rwsem);
}

void smmu_domain_leave_atc(struct smmu_domain *domain, struct smmu_nested_tag *nested,
			   struct smmu_master *sm)
{
	down_write(&domain->units_rwsem);
	smmu_atc_leave(sm, &nested->atcs);
	up_write(&domain->units_rwsem);
}

/**
 * smmu_domain_s2_cfg - stage 2 of an entry that goes through @domain
 * @domain: the domain, on @unit
 * @unit: the unit
 * @vmid: what the unit caches under
 */
struct smmuv3_s2_cfg smmu_domain_s2_cfg(struct smmu_domain *domain,
					struct smmu_unit *unit, u16 vmid)
{
	const struct iommufd_sva_pt_cfg *cfg = &domain->pt.cfg;
	struct smmuv3_s2_cfg s2;

	s2 = smmuv3_make_s2_cfg(iommufd_sva_pt_root(&domain->pt), cfg->ias, cfg->oas,
				iommufd_sva_pt_levels(&domain->pt), cfg->coherent);
	s2.vmid = vmid;
	s2.fwb = cfg->snoop;
	s2.attr_ovr = unit->idr[1] & SMMUV3_IDR1_ATTR_TYPES_OVR;
	return s2;
}

/* Of the unit's own caches. @leaf: no table went, what is cached of tables may stay. */
static void smmu_tag_add_tlb(struct smmu_tag *tag, u64 start, u64 last, bool leaf,
			     struct smmu_cmdq_batch *batch)
{
	bool ril = tag->unit->idr[3] & SMMUV3_IDR3_RIL;
	u64 pages = (last >> 12) - (start >> 12) + 1, num;
	struct smmuv3_tlbi_range range;
	struct smmu_nested_tag *nested;

	if (!ril && pages > SMMU_MAX_IPA_CMDS) {
		smmu_cmdq_batch_add(batch, smmuv3_make_tlbi_s12_vmall(tag->vmid));
		pages = 0;
	}
	while (pages) {
		num = smmuv3_tlbi_cover(pages, ril, &range);
		smmu_cmdq_batch_add(batch, smmuv3_make_tlbi_s2_ipa(tag->vmid, start, leaf,
								   &range));
		start += num << 12;
		pages -= num;
	}
	/*
	 * What nests is cached under VMIDs of its own, the parts of it too: whatever is
	 * filled again comes from the tables (4.4.4).
	 */
	list_for_each_entry(nested, &tag->nested, node)
		smmu_cmdq_batch_add(batch, smmuv3_make_tlbi_s12_vmall(nested->vmid));
}

/* Of devices: what nests knows other addresses, and all of it goes. */
static void smmu_tag_add_atcs(struct smmu_tag *tag, u64 start, u64 last,
			      struct smmu_cmdq_batch *batch)
{
	struct smmu_nested_tag *nested;

	smmu_atc_add_range(batch, &tag->atcs, start, last);
	list_for_each_entry(nested, &tag->nested, node)
		smmu_atc_add_list(batch, &nested->atcs);
}

static int smmu_tag_find_silent(struct smmu_tag *tag)
{
	int rc = smmu_atc_find_silent(&tag->atcs);
	struct smmu_nested_tag *nested;

	list_for_each_entry(nested, &tag->nested, node)
		rc = smmu_atc_find_silent(&nested->atcs) ?: rc;
	return rc;
}

static bool smmu_tag_any_silent(struct smmu_tag *tag)
{
	struct smmu_nested_tag *nested;

	if (smmu_atc_any_silent(&tag->atcs))
		return true;
	list_for_each_entry(nested, &tag->nested, node)
		if (smmu_atc_any_silent(&nested->atcs))
			return true;
	return false;
}

static int smmu_tag_invalidate(struct smmu_tag *tag, u64 start, u64 last, bool leaf)
{
	struct smmu_unit *unit = tag->unit;
	struct smmu_cmdq_batch batch;
	int rc;

	smmu_cmdq_batch_init(&batch, unit);
	down_read(&unit->ats_rwsem);
	smmu_tag_add_tlb(tag, start, last, leaf, &batch);
	smmu_tag_add_atcs(tag, start, last, &batch);
	rc = smmu_cmdq_batch_submit(&batch);
	if (rc == -ETIMEDOUT)
		rc = smmu_tag_find_silent(tag);
	up_read(&unit->ats_rwsem);
	return rc;
}

/* A unit where a device of @domain is to be cut off, NULL: none is. */
static struct smmu_unit *smmu_domain_silent_unit(struct smmu_domain *domain)
{
	struct smmu_unit *unit = NULL;
	struct smmu_tag *tag;

	down_read(&domain->units_rwsem);
	list_for_each_entry(tag, &domain->units, node)
		if (smmu_tag_any_silent(tag))
			unit = tag->unit;
	up_read(&domain->units_rwsem);
	return unit;
}

/*
 * unit->lock is outside units_rwsem. Units stay for as long as a domain does. Whoever
 * comes here after somebody else waits until that one is done.
 */
static int smmu_domain_cut_off(struct smmu_domain *domain)
{
	struct smmu_unit *unit;
	int rc = 0;

	while (!rc && (unit = smmu_domain_silent_unit(domain)))
		rc = smmu_atc_cut_off(unit);
	return rc;
}

static void smmu_domain_invalidate(struct smmu_domain *domain, u64 start, u64 last,
				   bool leaf)
{
	struct smmu_tag *tag;

	/* Entries are gone before what is cached of them goes. */
	wmb();
	down_read(&domain->units_rwsem);
	list_for_each_entry(tag, &domain->units, node)
		if (smmu_tag_invalidate(tag, start, last, leaf))
			smmu_err(tag->unit, "VMID %u not invalidated from %#llx to %#llx: devices may reach memory that was unmapped, reboot\n",
				 tag->vmid, start, last);
	up_read(&domain->units_rwsem);
	if (smmu_domain_cut_off(domain))
		pr_err("smmuv3_nested: a device that does not answer may reach memory that was unmapped: reboot\n");
}

static void smmu_pt_flush_iotlb(struct iommufd_sva_pt *pt, u64 start, u64 last)
{
	smmu_domain_invalidate(container_of(pt, struct smmu_domain, pt), start, last, false);
}

/*
 * For walkers that do not snoop. What is written back is the same for whichever
 * device; the DMA API wants one that does not snoop.
 */
static void smmu_pt_sync_cache(void *addr, size_t len)
{
	struct device *dev = READ_ONCE(smmu_noncoherent_dev);

	if (dev)
		dma_sync_single_for_device(dev, virt_to_phys(addr), len, DMA_TO_DEVICE);
}

static const struct iommufd_sva_pt_ops smmu_pt_ops = {
	.flush_iotlb = smmu_pt_flush_iotlb,
	.sync_cache = smmu_pt_sync_cache,
};

static int smmu_domain_map(struct iommufd_sva_domain *domain, u64 iova,
			   phys_addr_t paddr, size_t len, unsigned int prot, gfp_t gfp)
{
	return iommufd_sva_pt_map(&to_smmu_domain(domain)->pt, iova, paddr, len, prot,
				  gfp, NULL);
}

/* Nothing is cached of what is not there (3.21.1). */
static void smmu_domain_sync_map(struct iommufd_sva_domain *domain, u64 iova, size_t len)
{
	/* New entries are in memory before somebody tells a device about them. */
	wmb();
}

static size_t smmu_domain_unmap(struct iommufd_sva_domain *domain, u64 iova, size_t len,
				struct iommufd_sva_gather *gather)
{
	return iommufd_sva_pt_unmap(&to_smmu_domain(domain)->pt, iova, len, gather);
}

static void smmu_domain_sync(struct iommufd_sva_domain *domain,
			     struct iommufd_sva_gather *gather)
{
	struct smmu_domain *sd = to_smmu_domain(domain);

	if (!iommufd_sva_gather_empty(gather))
		smmu_domain_invalidate(sd, gather->start, gather->last,
				       list_empty(&gather->tables));
	iommufd_sva_pt_free_gathered(&sd->pt, gather);
	iommufd_sva_gather_init(gather);
}

static bool smmu_domain_lookup(struct iommufd_sva_domain *domain, u64 iova,
			       phys_addr_t *paddr, size_t *len)
{
	return iommufd_sva_pt_lookup_run(&to_smmu_domain(domain)->pt, iova, paddr, len);
}

/* Where every unit of the domain can force memory types its tables do so. */
static bool smmu_domain_enforce_snoop(struct iommufd_sva_domain *domain)
{
	return to_smmu_domain(domain)->pt.cfg.snoop;
}

static void smmu_domain_clear(struct iommufd_sva_domain *domain)
{
	iommufd_sva_pt_clear(&to_smmu_domain(domain)->pt);
}

static void smmu_domain_free(struct iommufd_sva_domain *domain)
{
	struct smmu_domain *sd = to_smmu_domain(domain);

	WARN_ON(!list_empty(&sd->units));
	iommufd_sva_pt_destroy(&sd->pt);
	kfree(sd);
}

static const struct iommufd_sva_domain_ops smmu_domain_ops = {
	.map = smmu_domain_map,
	.sync_map = smmu_domain_sync_map,
	.unmap = smmu_domain_unmap,
	.sync = smmu_domain_sync,
	.lookup = smmu_domain_lookup,
	.enforce_snoop = smmu_domain_enforce_snoop,
	.clear = smmu_domain_clear,
	.free = smmu_domain_free,
};

static int smmu_domain_init(struct smmu_domain *sd, const struct smmu_limits *limits)
{
	init_rwsem(&sd->units_rwsem);
	INIT_LIST_HEAD(&sd->units);
	return iommufd_sva_pt_init(&sd->pt, &(struct iommufd_sva_pt_cfg){
		.fmt = &iommufd_sva_pt_armv8s2,
		.ops = &smmu_pt_ops,
		.ias = limits->bits,
		.oas = limits->bits,
		.pgsize_bitmap = SZ_4K | SZ_2M | SZ_1G,
		.coherent = limits->coherent,
		.snoop = limits->fwb,
		.nid = NUMA_NO_NODE,
	}, IOMMUFD_SVA_GFP_USER);
}

/**
 * smmu_domain_alloc - see iommufd_sva_backend_ops
 * @backend: this one
 * @unit: the unit that it has to fit, NULL: all of them
 * @flags: IOMMUFD_SVA_DOMAIN_NEST_PARENT or nothing
 *
 * Return: the domain; -EOPNOTSUPP for other flags, and for a nesting parent where
 * IDR0.S1P is clear; -ENOMEM.
 */
struct iommufd_sva_domain *smmu_domain_alloc(struct iommufd_sva_backend *backend,
					     struct iommufd_sva_unit *unit, u32 flags)
{
	struct smmu_limits limits;
	struct smmu_domain *sd;
	int rc = 0;

	if (flags & ~IOMMUFD_SVA_DOMAIN_NEST_PARENT)
		return ERR_PTR(-EOPNOTSUPP);
	if ((flags & IOMMUFD_SVA_DOMAIN_NEST_PARENT) &&
	    (!unit || !(to_smmu_unit(unit)->idr[0] & SMMUV3_IDR0_S1P)))
		return ERR_PTR(-EOPNOTSUPP);
	if (unit)
		limits = smmu_unit_limits(to_smmu_unit(unit));
	else
		rc = smmu_common_limits(&limits);
	if (rc)
		return ERR_PTR(rc);

	sd = kzalloc(sizeof(*sd), IOMMUFD_SVA_GFP_USER);
	if (!sd)
		return ERR_PTR(-ENOMEM);
	rc = smmu_domain_init(sd, &limits);
	if (rc) {
		kfree(sd);
		return ERR_PTR(rc);
	}
	sd->nest_parent = flags & IOMMUFD_SVA_DOMAIN_NEST_PARENT;
	sd->base.ops = &smmu_domain_ops;
	sd->base.backend = backend;
	sd->base.iommu.pgsize_bitmap = SZ_4K | SZ_2M | SZ_1G;
	sd->base.iommu.geometry.aperture_end = (1ULL << limits.bits) - 1;
	sd->base.iommu.geometry.force_aperture = true;
	return &sd->base;
}
