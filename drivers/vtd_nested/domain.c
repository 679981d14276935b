// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stage-2 address spaces.
 *
 * The tables are the core library's. A domain has one domain ID on each unit
 * where it is used, however many devices use it there: an unmap costs one
 * submission per unit. A device that joins finds the tables as they stand.
 */
#include <linux/bitfield.h>
#include <linux/ioport.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
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
	INIT_LIST_HEAD(&du->tags);
	INIT_LIST_HEAD(&du->devices);
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

/* No entry has @did: nothing is cached of those that had (table 28, re-use). */
static int vtd_did_flush(struct vtd_unit *unit, u16 did)
{
	u64 cap = unit->cap;
	const struct vtd_desc descs[] = {
		vtd_make_pasid_cache_domain(did),
		vtd_make_iotlb_domain(did, cap & VTD_CAP_DRD, cap & VTD_CAP_DWD),
	};

	return vtd_qi_submit(unit, descs, ARRAY_SIZE(descs));
}

/* No entry has @did any more. It is not used again while something is cached under it. */
static void vtd_did_retire(struct vtd_unit *unit, u16 did)
{
	if (vtd_did_flush(unit, did))
		vtd_err(unit, "domain %u not invalidated: it is not used again\n", did);
	else
		vtd_unit_free_did(unit, did);
}

/*
 * One user less; @lost: the hardware may have something cached of it. The last one
 * takes it away; domain->units_rwsem is held for writing, and is not while the
 * hardware is waited for.
 */
static struct vtd_domain_unit *vtd_domain_put_unit(struct vtd_domain_unit *du, bool lost)
{
	du->lost |= lost;
	if (--du->users)
		return NULL;
	list_del(&du->node);
	return du;
}

static void vtd_domain_free_unit(struct vtd_domain_unit *du)
{
	if (!du)
		return;
	if (du->lost)
		vtd_did_retire(du->unit, du->did);
	else
		vtd_unit_free_did(du->unit, du->did);
	kfree(du);
}

/**
 * vtd_domain_leave - that translation is gone
 * @domain: the domain
 * @unit: where
 * @lost: the hardware did not answer: it may have something cached of it still
 */
void vtd_domain_leave(struct vtd_domain *domain, struct vtd_unit *unit, bool lost)
{
	struct vtd_domain_unit *du;

	down_write(&domain->units_rwsem);
	du = vtd_domain_put_unit(vtd_domain_find(domain, unit), lost);
	up_write(&domain->units_rwsem);
	vtd_domain_free_unit(du);
}

/**
 * vtd_domain_add_device - a device is going to be able to cache what is mapped
 * @domain: the domain, which is on the device's unit
 * @master: the device
 * @kind: by which of its requests
 *
 * Return: 0 or -ENOMEM. From here on unmaps reach the device.
 */
int vtd_domain_add_device(struct vtd_domain *domain, struct iommufd_sva_master *master,
			  enum vtd_ats_kind kind)
{
	struct vtd_domain_unit *du;
	int rc;

	down_write(&domain->units_rwsem);
	du = vtd_domain_find(domain, to_vtd_unit(master->unit));
	rc = vtd_ats_join(&du->devices, master, kind);
	up_write(&domain->units_rwsem);
	return rc;
}

/* It has nothing of it any more. */
void vtd_domain_remove_device(struct vtd_domain *domain, struct iommufd_sva_master *master,
			      enum vtd_ats_kind kind)
{
	struct vtd_domain_unit *du;

	down_write(&domain->units_rwsem);
	du = vtd_domain_find(domain, to_vtd_unit(master->unit));
	vtd_ats_leave(&du->devices, master, kind);
	up_write(&domain->units_rwsem);
}

/**
 * vtd_tag_init - a domain ID for something nested
 * @tag: it
 * @unit: where
 * @parent: the nesting parent; on @unit from here on
 * @tags: of the context whose it is
 *
 * Return: 0; -EINVAL when @parent does not fit @unit; -ENOSPC when it has no domain
 * ID left; -ENOMEM.
 */
int vtd_tag_init(struct vtd_tag *tag, struct vtd_unit *unit, struct vtd_domain *parent,
		 atomic_t *tags)
{
	struct vtd_domain_unit *du;
	int did, rc;

	rc = iommufd_sva_tag_get(tags, &unit->base);
	if (rc)
		return rc;
	did = vtd_unit_alloc_did(unit);
	if (did < 0) {
		iommufd_sva_tag_put(tags);
		return did;
	}
	tag->unit = unit;
	tag->parent = parent;
	tag->tags = tags;
	tag->did = did;
	down_write(&parent->units_rwsem);
	du = vtd_domain_find(parent, unit) ?: vtd_domain_add(parent, unit);
	if (IS_ERR(du)) {
		rc = PTR_ERR(du);
	} else {
		du->users++;
		list_add(&tag->node, &du->tags);
	}
	up_write(&parent->units_rwsem);
	if (rc) {
		vtd_unit_free_did(unit, did);
		iommufd_sva_tag_put(tags);
	}
	return rc;
}

/* No entry has it, for now: nothing is cached of those that had. */
int vtd_tag_flush(struct vtd_tag *tag)
{
	return vtd_did_flush(tag->unit, tag->did);
}

/* No entry has it any more. */
void vtd_tag_fini(struct vtd_tag *tag)
{
	struct vtd_domain_unit *du;

	/* As long as something is cached under it, unmaps flush it. */
	vtd_did_retire(tag->unit, tag->did);
	down_write(&tag->parent->units_rwsem);
	list_del(&tag->node);
	du = vtd_domain_put_unit(vtd_domain_find(tag->parent, tag->unit), false);
	up_write(&tag->parent->units_rwsem);
	vtd_domain_free_unit(du);
	iommufd_sva_tag_put(tag->tags);
}

/*
 * 6.5.2.3: pages if the range is not more than the unit can select, else all of
 * the domain. @ih: no table went, so what is cached of tables may stay.
 */
static struct vtd_desc vtd_iotlb_desc(struct vtd_unit *unit, u16 did, u64 start, u64 last,
				      bool ih)
{
	u64 cap = unit->cap;
	bool dr = cap & VTD_CAP_DRD, dw = cap & VTD_CAP_DWD;
	unsigned int am = vtd_address_mask(start, last);

	if (!(cap & VTD_CAP_PSI) || am > FIELD_GET(VTD_CAP_MAMV, cap))
		return vtd_make_iotlb_domain(did, dr, dw);
	return vtd_make_iotlb_pages(did, vtd_address_start(start, am), am, ih, dr, dw);
}

/* Room on the stack for so many: no memory is allocated to invalidate. */
#define VTD_DOMAIN_DESCS	16

/* What is there on a unit: the domain itself and what is nested on it. */
static unsigned int vtd_domain_count(struct vtd_domain_unit *du)
{
	const struct list_head *at;
	unsigned int num = 1;

	list_for_each(at, &du->tags)
		num++;
	return num;
}

/* Of all that is there on a unit what has addresses from @start to @last. */
static void vtd_domain_add_iotlb(struct vtd_batch *batch, struct vtd_domain_unit *du, u64 start,
				 u64 last, bool ih)
{
	struct vtd_tag *tag;

	vtd_batch_add(batch, vtd_iotlb_desc(du->unit, du->did, start, last, ih));
	list_for_each_entry(tag, &du->tags, node)
		vtd_batch_add(batch, vtd_iotlb_desc(du->unit, tag->did, start, last, ih));
}

/*
 * On one unit the domain itself and all that is nested on it: no address of a guest's
 * tells which of its pages lead there, so of those all goes (table 23), and from the
 * device-TLBs of devices that go through it whatever they have.
 */
static int vtd_domain_invalidate_unit(struct vtd_domain_unit *du, u64 start, u64 last, bool ih)
{
	struct vtd_desc descs[VTD_DOMAIN_DESCS];
	struct vtd_batch batch;

	vtd_batch_init_for(&batch, du->unit, descs, ARRAY_SIZE(descs),
			   vtd_domain_count(du) + vtd_ats_count(&du->devices));
	vtd_domain_add_iotlb(&batch, du, start, last, ih);
	vtd_ats_add(&batch, &du->devices, start, last);
	return vtd_batch_finish(&batch);
}

/* What was not mapped there is: nothing of that is in a device-TLB. */
static int vtd_domain_announce_unit(struct vtd_domain_unit *du, u64 start, u64 last)
{
	struct vtd_desc descs[VTD_DOMAIN_DESCS];
	struct vtd_batch batch;

	vtd_batch_init_for(&batch, du->unit, descs, ARRAY_SIZE(descs), vtd_domain_count(du));
	vtd_domain_add_iotlb(&batch, du, start, last, false);
	return vtd_batch_finish(&batch);
}

/**
 * vtd_domain_flush_unit - forget what came of PASID tables that lead to a domain
 * @domain: the domain, which is on @unit
 * @unit: where
 *
 * A context entry led to a whole PASID table, and now does not: all domain IDs that
 * its entries may have had, in the order of 6.2.2.1.
 *
 * Return: 0 or an errno.
 */
int vtd_domain_flush_unit(struct vtd_domain *domain, struct vtd_unit *unit)
{
	bool dr = unit->cap & VTD_CAP_DRD, dw = unit->cap & VTD_CAP_DWD;
	struct vtd_desc descs[VTD_DOMAIN_DESCS];
	struct vtd_domain_unit *du;
	struct vtd_batch batch;
	struct vtd_tag *tag;

	down_read(&domain->units_rwsem);
	du = vtd_domain_find(domain, unit);
	vtd_batch_init_for(&batch, unit, descs, ARRAY_SIZE(descs), 2 * vtd_domain_count(du));
	vtd_batch_add(&batch, vtd_make_pasid_cache_domain(du->did));
	list_for_each_entry(tag, &du->tags, node)
		vtd_batch_add(&batch, vtd_make_pasid_cache_domain(tag->did));
	vtd_batch_add(&batch, vtd_make_iotlb_domain(du->did, dr, dw));
	list_for_each_entry(tag, &du->tags, node)
		vtd_batch_add(&batch, vtd_make_iotlb_domain(tag->did, dr, dw));
	up_read(&domain->units_rwsem);
	return vtd_batch_finish(&batch);
}

static void vtd_domain_invalidate(struct vtd_domain *domain, u64 start, u64 last, bool ih)
{
	struct vtd_domain_unit *du;
	bool silent = false;
	int rc;

	down_read(&domain->units_rwsem);
	/* An invalidation flushes the write buffer first (RWBF, 6.8). */
	list_for_each_entry(du, &domain->units, node) {
		rc = vtd_domain_invalidate_unit(du, start, last, ih);
		if (rc == -ETIMEDOUT)
			silent = true;
		else if (rc)
			vtd_err(du->unit, "domain %u not invalidated from %#llx to %#llx: devices may reach memory that was unmapped, reboot\n",
				du->did, start, last);
	}
	up_read(&domain->units_rwsem);
	if (silent && vtd_ats_cut_off_all())
		pr_err("vtd_nested: a device without an answer may reach memory that was unmapped, reboot\n");
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

/*
 * The erratum SPR17: DMA through a guest's first stage may write where second stage
 * does not allow it. So what is nested on has nothing that is not writable: domain->nesting
 * goes up from 0 with what nests and down from 0 with what is read-only, and comes back
 * before it goes the other way.
 */

/**
 * vtd_domain_nest_get - something is going to nest on a domain
 * @domain: the domain
 *
 * Return: 0, and nothing read-only is mapped in it until vtd_domain_nest_put();
 * -EOPNOTSUPP when the hardware has the erratum and something is, or was.
 */
int vtd_domain_nest_get(struct vtd_domain *domain)
{
	if (!vtd_has_spr17())
		return 0;
	return atomic64_inc_unless_negative(&domain->nesting) ? 0 : -EOPNOTSUPP;
}

/* Nothing of it is in the hardware any more. */
void vtd_domain_nest_put(struct vtd_domain *domain)
{
	if (vtd_has_spr17())
		atomic64_dec(&domain->nesting);
}

static int vtd_domain_map_read_only(struct vtd_domain *vd, u64 iova, phys_addr_t paddr,
				    size_t len, unsigned int prot, gfp_t gfp)
{
	int rc;

	if (vtd_has_spr17() && !atomic64_dec_unless_positive(&vd->nesting))
		return -EINVAL;
	rc = iommufd_sva_pt_map(&vd->pt, iova, paddr, len, prot, gfp, NULL);
	if (rc && vtd_has_spr17())
		atomic64_inc(&vd->nesting);
	return rc;
}

static int vtd_domain_map(struct iommufd_sva_domain *domain, u64 iova,
			  phys_addr_t paddr, size_t len, unsigned int prot, gfp_t gfp)
{
	struct vtd_domain *vd = to_vtd_domain(domain);

	if (!(prot & IOMMU_WRITE))
		return vtd_domain_map_read_only(vd, iova, paddr, len, prot, gfp);
	return iommufd_sva_pt_map(&vd->pt, iova, paddr, len, prot, gfp, NULL);
}

/*
 * Hardware that does not cache absent entries sees new ones by itself; with
 * CAP.CM it is to be told, with CAP.RWBF the write buffer is to be flushed.
 */
static void vtd_domain_sync_map(struct iommufd_sva_domain *domain, u64 iova, size_t len)
{
	struct vtd_domain *vd = to_vtd_domain(domain);
	struct vtd_domain_unit *du;

	if (!len)
		return;
	down_read(&vd->units_rwsem);
	list_for_each_entry(du, &vd->units, node) {
		vtd_unit_flush_write_buffer(du->unit);
		if (!(du->unit->cap & VTD_CAP_CM))
			continue;
		if (vtd_domain_announce_unit(du, iova, iova + len - 1))
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

	if (gather->start <= gather->last) {
		/* Who found a page in the tables before it went is done with it. */
		down_write(&vd->readers);
		up_write(&vd->readers);
		vtd_domain_invalidate(vd, gather->start, gather->last,
				      list_empty(&gather->tables));
	}
	iommufd_sva_pt_free_gathered(&vd->pt, gather);
	iommufd_sva_gather_init(gather);
}

static bool vtd_domain_lookup(struct iommufd_sva_domain *domain, u64 iova,
			      phys_addr_t *paddr, size_t *len)
{
	return iommufd_sva_pt_lookup_run(&to_vtd_domain(domain)->pt, iova, paddr, len);
}

/* Bits of the addresses that the tables translate: of a guest's physical ones. */
unsigned int vtd_domain_gpa_bits(struct vtd_domain *domain)
{
	return domain->pt.cfg.ias;
}

/* The PASID table entry for requests that go through @domain alone. */
struct vtd_pasid_entry vtd_domain_entry(struct vtd_domain *domain, struct vtd_unit *unit,
					u16 did)
{
	return vtd_make_pasid_second_stage(iommufd_sva_pt_root(&domain->pt),
					   iommufd_sva_pt_levels(&domain->pt) - 2, did,
					   unit->ecap & VTD_ECAP_SMPWC,
					   unit->ecap & VTD_ECAP_SC);
}

/* The same for requests that go through first stage @first before it. */
struct vtd_pasid_entry vtd_domain_nested_entry(struct vtd_domain *domain,
					       struct vtd_unit *unit, u16 did, u64 first)
{
	return vtd_make_pasid_nested(first, iommufd_sva_pt_root(&domain->pt),
				     iommufd_sva_pt_levels(&domain->pt) - 2, did,
				     unit->ecap & VTD_ECAP_SMPWC,
				     unit->ecap & VTD_ECAP_SC);
}

/* All of it is RAM of the kernel's: not registers, not memory of a device's. */
static bool vtd_is_ram(phys_addr_t paddr, size_t len)
{
	return region_intersects(paddr, len, IORESOURCE_SYSTEM_RAM, IORES_DESC_NONE) ==
	       REGION_INTERSECTS;
}

/**
 * vtd_domain_read - read a guest's memory
 * @domain: the guest's memory
 * @gpa: where
 * @buf: where to
 * @len: how much, within a page
 *
 * The guest may write there meanwhile: what comes is what there was, in pieces of 64
 * bits at least. Unmapping waits.
 *
 * Return: 0; -EFAULT where nothing is mapped, or something else than RAM, or what the
 * hardware would not read either.
 */
int vtd_domain_read(struct vtd_domain *domain, u64 gpa, void *buf, size_t len)
{
	unsigned int prot;
	phys_addr_t paddr;
	int rc = -EFAULT;

	if (gpa >> vtd_domain_gpa_bits(domain) || offset_in_page(gpa) + len > PAGE_SIZE)
		return -EFAULT;
	down_read(&domain->readers);
	if (iommufd_sva_pt_lookup(&domain->pt, gpa, &paddr, &prot, NULL) &&
	    (prot & IOMMU_READ) && vtd_is_ram(paddr, len))
		rc = copy_from_kernel_nofault(buf, phys_to_virt(paddr), len);
	up_read(&domain->readers);
	return rc ? -EFAULT : 0;
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
	struct vtd_domain *vd = to_vtd_domain(domain);

	/* No device has it any more, but guests' tables in it may be being read. */
	down_write(&vd->readers);
	iommufd_sva_pt_clear(&vd->pt);
	up_write(&vd->readers);
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
 * @domain: any of ours: its tables are the same with something nested on them; NULL:
 *	it is not known yet
 *
 * Changes nothing: what is going to nest on it asks vtd_domain_nest_get() as well.
 *
 * Return: 0; -EOPNOTSUPP where ECAP.NEST is clear, or with the erratum SPR17 where
 * something read-only was mapped.
 */
int vtd_nest_parent(struct iommufd_sva_unit *unit, struct iommufd_sva_domain *domain)
{
	if (!(to_vtd_unit(unit)->ecap & VTD_ECAP_NEST))
		return -EOPNOTSUPP;
	if (domain && atomic64_read(&to_vtd_domain(domain)->nesting) < 0)
		return -EOPNOTSUPP;
	return 0;
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
	init_rwsem(&vd->readers);
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
	/* For good, as iommufd has it. */
	if (flags & IOMMUFD_SVA_DOMAIN_NEST_PARENT)
		vtd_domain_nest_get(vd);
	vd->base.ops = &vtd_domain_ops;
	vd->base.backend = backend;
	vd->base.iommu.pgsize_bitmap = limits.pgsize_bitmap;
	vd->base.iommu.geometry.aperture_end = (1ULL << limits.ias) - 1;
	vd->base.iommu.geometry.force_aperture = true;
	return &vd->base;
}
