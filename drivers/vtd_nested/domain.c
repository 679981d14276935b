// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stage-2 address spaces.
 *
 * The tables are the core library's. A domain has one domain ID on each unit
 * where it is used, however many devices use it there: an unmap costs one
 * submission per unit. A device that joins finds the tables as they stand.
 */
#include <linux/bitfield.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include "vtd.h"

/* 9.8: an entry holds address bits 51:12. */
#define VTD_MAX_OAS	52U

/**
 * struct vtd_limits - what a domain can be on a unit
 * @levels: levels of the tables
 * @ias: bits of an address
 * @pgsize_bitmap: page sizes
 * @coherent: table walks snoop the CPU's caches
 */
struct vtd_limits {
	unsigned int levels;
	unsigned int ias;
	unsigned long pgsize_bitmap;
	bool coherent;
};

/* SAGAW: bit 1 for 3 levels (39 bits), 2 for 4 (48), 3 for 5 (57). */
static bool vtd_unit_has_levels(struct vtd_unit *unit, unsigned int levels)
{
	return FIELD_GET(VTD_CAP_SAGAW, unit->cap) & BIT(levels - 2);
}

static unsigned int vtd_levels_bits(unsigned int levels)
{
	return 12 + 9 * levels;
}

static unsigned int vtd_unit_mgaw(struct vtd_unit *unit)
{
	return FIELD_GET(VTD_CAP_MGAW, unit->cap) + 1;
}

static unsigned long vtd_unit_pgsizes(struct vtd_unit *unit)
{
	unsigned long sizes = SZ_4K;

	if (unit->cap & VTD_CAP_SSLPS_2M)
		sizes |= SZ_2M;
	if (unit->cap & VTD_CAP_SSLPS_1G)
		sizes |= SZ_1G;
	return sizes;
}

/* Four levels are enough for most, and shorter to walk than five. */
static int vtd_unit_limits(struct vtd_unit *unit, struct vtd_limits *limits)
{
	static const unsigned int preferred[] = { 4, 5, 3 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(preferred); i++) {
		if (!vtd_unit_has_levels(unit, preferred[i]))
			continue;
		limits->levels = preferred[i];
		limits->ias = min(vtd_levels_bits(preferred[i]), vtd_unit_mgaw(unit));
		limits->pgsize_bitmap = vtd_unit_pgsizes(unit);
		limits->coherent = unit->ecap & VTD_ECAP_SMPWC;
		return 0;
	}
	return -EOPNOTSUPP;
}

/* What every unit of ours can. */
static int vtd_common_limits(struct vtd_limits *limits)
{
	struct vtd_remapping *remapping;
	struct vtd_limits one;
	bool first = true;
	int rc;

	list_for_each_entry(remapping, &vtd_dmar.structures, node) {
		if (!remapping->unit)
			continue;
		rc = vtd_unit_limits(remapping->unit, &one);
		if (rc)
			return rc;
		if (first) {
			*limits = one;
			first = false;
			continue;
		}
		if (one.levels != limits->levels)
			return -EOPNOTSUPP;
		limits->ias = min(limits->ias, one.ias);
		limits->pgsize_bitmap &= one.pgsize_bitmap;
		limits->coherent &= one.coherent;
	}
	return first ? -ENODEV : 0;
}

static bool vtd_domain_fits(struct vtd_domain *domain, struct vtd_unit *unit)
{
	const struct iommufd_sva_pt_cfg *cfg = &domain->pt.cfg;

	return vtd_unit_has_levels(unit, cfg->levels) &&
	       vtd_unit_mgaw(unit) >= cfg->ias &&
	       !(cfg->pgsize_bitmap & ~vtd_unit_pgsizes(unit)) &&
	       (!cfg->coherent || (unit->ecap & VTD_ECAP_SMPWC)) &&
	       (!domain->enforce_snoop || (unit->ecap & VTD_ECAP_SC));
}

static struct vtd_domain_unit *vtd_domain_find(struct vtd_domain *domain,
					       struct vtd_unit *unit)
{
	struct vtd_domain_unit *du;

	list_for_each_entry(du, &domain->units, node)
		if (du->unit == unit)
			return du;
	return NULL;
}

static struct vtd_domain_unit *vtd_domain_add(struct vtd_domain *domain,
					      struct vtd_unit *unit)
{
	struct vtd_domain_unit *du;
	int did;

	if (!vtd_domain_fits(domain, unit))
		return ERR_PTR(-EINVAL);
	du = kzalloc(sizeof(*du), IOMMUFD_SVA_GFP_USER);
	if (!du)
		return ERR_PTR(-ENOMEM);
	did = vtd_unit_alloc_did(unit);
	if (did < 0) {
		kfree(du);
		return ERR_PTR(did);
	}
	du->unit = unit;
	du->did = did;
	list_add(&du->node, &domain->units);
	return du;
}

/**
 * vtd_domain_join - a translation of a device of @unit is going to need @domain
 * @domain: the domain
 * @unit: the unit
 * @did: out: its domain ID there
 *
 * From here on unmaps reach the unit.
 *
 * Return: 0; -EINVAL when the tables do not fit the unit; -ENOSPC when it has no
 * domain ID left; -ENOMEM.
 */
int vtd_domain_join(struct vtd_domain *domain, struct vtd_unit *unit, u16 *did)
{
	struct vtd_domain_unit *du;
	int rc = 0;

	down_write(&domain->units_rwsem);
	du = vtd_domain_find(domain, unit) ?: vtd_domain_add(domain, unit);
	if (IS_ERR(du)) {
		rc = PTR_ERR(du);
	} else {
		du->users++;
		*did = du->did;
	}
	up_write(&domain->units_rwsem);
	return rc;
}

/* That translation is gone, and so is what the hardware cached of it. */
void vtd_domain_leave(struct vtd_domain *domain, struct vtd_unit *unit)
{
	struct vtd_domain_unit *du;

	down_write(&domain->units_rwsem);
	du = vtd_domain_find(domain, unit);
	if (!--du->users) {
		list_del(&du->node);
		vtd_unit_free_did(unit, du->did);
		kfree(du);
	}
	up_write(&domain->units_rwsem);
}

/*
 * 6.5.2.3: pages if the range is not more than the unit can select, else all of
 * the domain. @ih: no table went, so what is cached of tables may stay.
 */
static struct vtd_desc vtd_iotlb_desc(struct vtd_domain_unit *du, u64 start, u64 last,
				      bool ih)
{
	u64 cap = du->unit->cap;
	bool dr = cap & VTD_CAP_DRD, dw = cap & VTD_CAP_DWD;
	unsigned int am = vtd_address_mask(start, last);

	if (!(cap & VTD_CAP_PSI) || am > FIELD_GET(VTD_CAP_MAMV, cap))
		return vtd_make_iotlb_domain(du->did, dr, dw);
	return vtd_make_iotlb_pages(du->did, start & (~0ULL << (12 + am)), am, ih, dr, dw);
}

static void vtd_domain_invalidate(struct vtd_domain *domain, u64 start, u64 last, bool ih)
{
	struct vtd_domain_unit *du;
	struct vtd_desc desc;

	down_read(&domain->units_rwsem);
	/* An invalidation flushes the write buffer first (RWBF, 6.8). */
	list_for_each_entry(du, &domain->units, node) {
		desc = vtd_iotlb_desc(du, start, last, ih);
		if (vtd_qi_submit(du->unit, &desc, 1))
			vtd_err(du->unit, "domain %u not invalidated from %#llx to %#llx: devices may reach memory that was unmapped, reboot\n",
				du->did, start, last);
	}
	up_read(&domain->units_rwsem);
}

static void vtd_pt_flush_iotlb(struct iommufd_sva_pt *pt, u64 start, u64 last)
{
	vtd_domain_invalidate(container_of(pt, struct vtd_domain, pt), start, last, false);
}

static void vtd_pt_sync_cache(void *addr, size_t len)
{
	clflush_cache_range(addr, len);
}

static const struct iommufd_sva_pt_ops vtd_pt_ops = {
	.flush_iotlb = vtd_pt_flush_iotlb,
	.sync_cache = vtd_pt_sync_cache,
};

static int vtd_domain_map(struct iommufd_sva_domain *domain, u64 iova,
			  phys_addr_t paddr, size_t len, unsigned int prot, gfp_t gfp)
{
	return iommufd_sva_pt_map(&to_vtd_domain(domain)->pt, iova, paddr, len, prot,
				  gfp, NULL);
}

/*
 * Hardware that does not cache absent entries sees new ones by itself; with
 * CAP.CM it is to be told, with CAP.RWBF the write buffer is to be flushed.
 */
static void vtd_domain_sync_map(struct iommufd_sva_domain *domain, u64 iova, size_t len)
{
	struct vtd_domain *vd = to_vtd_domain(domain);
	struct vtd_domain_unit *du;
	struct vtd_desc desc;

	if (!len)
		return;
	down_read(&vd->units_rwsem);
	list_for_each_entry(du, &vd->units, node) {
		vtd_unit_flush_write_buffer(du->unit);
		if (!(du->unit->cap & VTD_CAP_CM))
			continue;
		desc = vtd_iotlb_desc(du, iova, iova + len - 1, false);
		if (vtd_qi_submit(du->unit, &desc, 1))
			vtd_err(du->unit, "domain %u: new mappings at %#llx not announced, devices may fault there\n",
				du->did, iova);
	}
	up_read(&vd->units_rwsem);
}

static size_t vtd_domain_unmap(struct iommufd_sva_domain *domain, u64 iova, size_t len,
			       struct iommufd_sva_gather *gather)
{
	return iommufd_sva_pt_unmap(&to_vtd_domain(domain)->pt, iova, len, gather);
}

static void vtd_domain_sync(struct iommufd_sva_domain *domain,
			    struct iommufd_sva_gather *gather)
{
	struct vtd_domain *vd = to_vtd_domain(domain);

	if (gather->start <= gather->last)
		vtd_domain_invalidate(vd, gather->start, gather->last,
				      list_empty(&gather->tables));
	iommufd_sva_pt_free_gathered(&vd->pt, gather);
	iommufd_sva_gather_init(gather);
}

static bool vtd_domain_lookup(struct iommufd_sva_domain *domain, u64 iova,
			      phys_addr_t *paddr, size_t *len)
{
	return iommufd_sva_pt_lookup_run(&to_vtd_domain(domain)->pt, iova, paddr, len);
}

/* PGSNP is set on every unit that has it: only where it is used can fail. */
static bool vtd_domain_enforce_snoop(struct iommufd_sva_domain *domain)
{
	struct vtd_domain *vd = to_vtd_domain(domain);
	struct vtd_domain_unit *du;
	bool can = true;

	down_write(&vd->units_rwsem);
	list_for_each_entry(du, &vd->units, node)
		can &= !!(du->unit->ecap & VTD_ECAP_SC);
	vd->enforce_snoop |= can;
	up_write(&vd->units_rwsem);
	return can;
}

static void vtd_domain_clear(struct iommufd_sva_domain *domain)
{
	iommufd_sva_pt_clear(&to_vtd_domain(domain)->pt);
}

static void vtd_domain_free(struct iommufd_sva_domain *domain)
{
	struct vtd_domain *vd = to_vtd_domain(domain);

	WARN_ON(!list_empty(&vd->units));
	iommufd_sva_pt_destroy(&vd->pt);
	kfree(vd);
}

static const struct iommufd_sva_domain_ops vtd_domain_ops = {
	.map = vtd_domain_map,
	.sync_map = vtd_domain_sync_map,
	.unmap = vtd_domain_unmap,
	.sync = vtd_domain_sync,
	.lookup = vtd_domain_lookup,
	.enforce_snoop = vtd_domain_enforce_snoop,
	.clear = vtd_domain_clear,
	.free = vtd_domain_free,
};

/**
 * vtd_nest_parent - see iommufd_sva_backend_ops
 * @unit: the unit
 * @domain: any of ours: its tables are the same with something nested on them
 *
 * Return: 0; -EOPNOTSUPP where ECAP.NEST is clear.
 */
int vtd_nest_parent(struct iommufd_sva_unit *unit, struct iommufd_sva_domain *domain)
{
	return to_vtd_unit(unit)->ecap & VTD_ECAP_NEST ? 0 : -EOPNOTSUPP;
}

/**
 * vtd_domain_alloc - see iommufd_sva_backend_ops
 * @backend: this one
 * @unit: the unit that it has to fit, NULL: all of them
 * @flags: IOMMUFD_SVA_DOMAIN_NEST_PARENT or nothing
 *
 * Return: the domain; -EOPNOTSUPP for other flags, for a nesting parent where
 * ECAP.NEST is clear, or when units have no tables in common; -ENOMEM.
 */
struct iommufd_sva_domain *vtd_domain_alloc(struct iommufd_sva_backend *backend,
					    struct iommufd_sva_unit *unit, u32 flags)
{
	struct vtd_limits limits;
	struct vtd_domain *vd;
	int rc;

	if (flags & ~IOMMUFD_SVA_DOMAIN_NEST_PARENT)
		return ERR_PTR(-EOPNOTSUPP);
	if ((flags & IOMMUFD_SVA_DOMAIN_NEST_PARENT) &&
	    (!unit || vtd_nest_parent(unit, NULL)))
		return ERR_PTR(-EOPNOTSUPP);
	rc = unit ? vtd_unit_limits(to_vtd_unit(unit), &limits) :
		    vtd_common_limits(&limits);
	if (rc)
		return ERR_PTR(rc);

	vd = kzalloc(sizeof(*vd), IOMMUFD_SVA_GFP_USER);
	if (!vd)
		return ERR_PTR(-ENOMEM);
	init_rwsem(&vd->units_rwsem);
	INIT_LIST_HEAD(&vd->units);
	rc = iommufd_sva_pt_init(&vd->pt, &(struct iommufd_sva_pt_cfg){
		.fmt = &iommufd_sva_pt_vtdss,
		.ops = &vtd_pt_ops,
		.ias = limits.ias,
		.oas = min(vtd_dmar.haw, VTD_MAX_OAS),
		.levels = limits.levels,
		.pgsize_bitmap = limits.pgsize_bitmap,
		.coherent = limits.coherent,
		.nid = NUMA_NO_NODE,
	}, IOMMUFD_SVA_GFP_USER);
	if (rc) {
		kfree(vd);
		return ERR_PTR(rc);
	}
	vd->base.ops = &vtd_domain_ops;
	vd->base.backend = backend;
	vd->base.iommu.pgsize_bitmap = limits.pgsize_bitmap;
	vd->base.iommu.geometry.aperture_end = (1ULL << limits.ias) - 1;
	vd->base.iommu.geometry.force_aperture = true;
	return &vd->base;
}
