// SPDX-License-Identifier: GPL-2.0-only
/*
 * A unit: whether it can be ours, taking it over, handing it back.
 *
 * The kernel has the register page of a real unit reserved whether it drives the
 * unit or not, so the page is mapped and not requested.
 */
#include <linux/bitfield.h>
#include <linux/iopoll.h>
#include <linux/ioport.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include "vtd.h"

static int vtd_errata_spr17 = -1;
module_param_named(errata_spr17, vtd_errata_spr17, int, 0444);
MODULE_PARM_DESC(errata_spr17,
		 "units have Intel's erratum SPR17 (document 772415), so that nesting parents hold no read-only mapping: 1 yes, 0 no, -1 (default) yes, unless they are a hardware model's");

/* Commands are a matter of microseconds; SRTP and TE may drain (11.4.4). */
#define VTD_COMMAND_TIMEOUT_US	1000000

/*
 * Set or clear a lasting bit of GCMD_REG, or start a one-shot, and wait until
 * GSTS_REG says so. WBF is done when its status bit clears.
 */
int vtd_unit_command(struct vtd_unit *unit, u32 command, bool on)
{
	u32 want = on && command != VTD_GCMD_WBF ? command : 0;
	u32 status, value;
	int rc;

	spin_lock(&unit->gcmd_lock);
	value = vtd_read32(unit, VTD_GSTS_REG) & VTD_GCMD_LASTING;
	value = on ? value | command : value & ~command;
	vtd_write32(unit, VTD_GCMD_REG, value);
	rc = read_poll_timeout_atomic(vtd_read32, status, (status & command) == want,
				      1, VTD_COMMAND_TIMEOUT_US, false, unit,
				      VTD_GSTS_REG);
	spin_unlock(&unit->gcmd_lock);
	if (rc)
		vtd_err(unit, "command %08x is not done (status %08x)\n", command, status);
	return rc;
}

/* 6.8: with CAP.RWBF, what was written to tables is seen only after this. */
void vtd_unit_flush_write_buffer(struct vtd_unit *unit)
{
	if (unit->cap & VTD_CAP_RWBF)
		vtd_unit_command(unit, VTD_GCMD_WBF, true);
}

/* How many bytes of registers there are: faults or IOTLB registers come last. */
static size_t vtd_unit_reg_size(struct vtd_unit *unit)
{
	size_t frcd = 16 * FIELD_GET(VTD_CAP_FRO, unit->cap) +
		      VTD_FRCD_SIZE * (FIELD_GET(VTD_CAP_NFR, unit->cap) + 1);
	size_t iotlb = 16 * FIELD_GET(VTD_ECAP_IRO, unit->ecap) + 16;

	return PAGE_ALIGN(max(frcd, iotlb));
}

static int vtd_unit_map(struct vtd_unit *unit, size_t size)
{
	if (unit->mmio)
		iounmap(unit->mmio);
	unit->mmio = ioremap(unit->drhd->base, size);
	if (!unit->mmio) {
		vtd_err(unit, "registers at %#llx cannot be mapped\n", unit->drhd->base);
		return -ENOMEM;
	}
	return 0;
}

/* 8.3: a page of registers, which memory that the kernel uses cannot be. */
static int vtd_unit_check_base(struct vtd_unit *unit)
{
	u64 base = unit->drhd->base;

	if (base && PAGE_ALIGNED(base) &&
	    region_intersects(base, PAGE_SIZE, IORESOURCE_SYSTEM_RAM,
			      IORES_DESC_NONE) == REGION_DISJOINT)
		return 0;
	vtd_err(unit, "no registers can be at %#llx: left alone, ask for a firmware update\n",
		base);
	return -ENODEV;
}

/* ECAP.PASID, and PSS: one less than the bits (11.4.3). */
static unsigned int vtd_unit_pasid_bits(struct vtd_unit *unit)
{
	if (!(unit->ecap & VTD_ECAP_PASID))
		return 0;
	return min_t(unsigned int, FIELD_GET(VTD_ECAP_PSS, unit->ecap) + 1, VTD_PASID_BITS);
}

/*
 * Do the units have Intel's erratum SPR17? It is the processor's, so all have it or
 * none. No register tells, and there is no complete list of processors: whoever has
 * one that is free of it says so.
 */
bool vtd_has_spr17(void)
{
	return vtd_errata_spr17 >= 0 ? vtd_errata_spr17 : !vtd_firmware_is_model();
}

static int vtd_unit_reach(struct vtd_unit *unit)
{
	int rc;

	unit->regmap = vtd_firmware_regmap(unit->drhd->base);
	if (unit->regmap)
		return 0;
	rc = vtd_unit_check_base(unit);
	return rc ?: vtd_unit_map(unit, PAGE_SIZE);
}

static int vtd_unit_read_capabilities(struct vtd_unit *unit)
{
	int rc;

	rc = vtd_unit_reach(unit);
	if (rc)
		return rc;
	unit->ver = vtd_read32(unit, VTD_VER_REG);
	unit->cap = vtd_read64(unit, VTD_CAP_REG);
	unit->ecap = vtd_read64(unit, VTD_ECAP_REG);
	if (unit->cap == ~0ULL || unit->ecap == ~0ULL) {
		vtd_err(unit, "nothing answers at %#llx: ACPI tables name a unit that is not there\n",
			unit->drhd->base);
		return -ENODEV;
	}
	unit->base.pasid_bits = vtd_unit_pasid_bits(unit);
	unit->base.num_tags = vtd_unit_max_did(unit);
	if (unit->mmio && vtd_unit_reg_size(unit) > PAGE_SIZE)
		return vtd_unit_map(unit, vtd_unit_reg_size(unit));
	return 0;
}

/*
 * A unit that is switched on is somebody's: the kernel's own driver, or its
 * interrupt remapping (which takes the invalidation queue), or firmware.
 */
static int vtd_unit_check_free(struct vtd_unit *unit)
{
	u32 gsts = vtd_read32(unit, VTD_GSTS_REG);
	const char *boot;

	if (gsts & VTD_GCMD_TE)
		boot = gsts & VTD_GCMD_IRE ? "intel_iommu=off intremap=off" :
					     "intel_iommu=off";
	else if (gsts & (VTD_GCMD_IRE | VTD_GCMD_QIE))
		boot = "intremap=off";
	else
		return 0;
	vtd_err(unit, "in use by the kernel or by firmware:%s%s%s; boot with %s\n",
		gsts & VTD_GCMD_TE ? " translation is on" : "",
		gsts & VTD_GCMD_QIE ? " invalidation queue is on" : "",
		gsts & VTD_GCMD_IRE ? " interrupt remapping is on" : "", boot);
	return -EBUSY;
}

static int vtd_unit_check_capable(struct vtd_unit *unit)
{
	const char *lacks = NULL;

	if (!(unit->ecap & VTD_ECAP_SMTS))
		lacks = "scalable mode (ECAP.SMTS)";
	else if (!(unit->ecap & VTD_ECAP_QI))
		lacks = "the invalidation queue (ECAP.QI)";
	else if (!(unit->ecap & VTD_ECAP_PT))
		lacks = "pass-through (ECAP.PT)";
	else if (!(unit->ecap & VTD_ECAP_SSTS))
		lacks = "second-stage translation (ECAP.SSTS)";
	else if (!(unit->cap & FIELD_PREP(VTD_CAP_SAGAW, 0xe)))
		lacks = "3-, 4- and 5-level tables (CAP.SAGAW)";
	if (!lacks)
		return 0;
	vtd_err(unit, "left alone: it lacks %s; cap %#llx ecap %#llx\n",
		lacks, unit->cap, unit->ecap);
	return -EOPNOTSUPP;
}

/* CAP.ND: 2^(4 + 2 ND) domain IDs, 16 bits at most. */
unsigned int vtd_unit_max_did(struct vtd_unit *unit)
{
	unsigned int bits = 4 + 2 * FIELD_GET(VTD_CAP_ND, unit->cap);

	return (1U << min(bits, 16U)) - 1;
}

/**
 * vtd_unit_alloc_did - a domain ID of the unit
 * @unit: the unit
 *
 * With CAP.CM, ID 0 tags entries that the hardware cached while they were not
 * present (6.1), so nobody gets it.
 *
 * Return: the ID; -ENOSPC when all are used; -ENOMEM.
 */
int vtd_unit_alloc_did(struct vtd_unit *unit)
{
	int did = ida_alloc_range(&unit->dids, unit->cap & VTD_CAP_CM ? 1 : 0,
				  vtd_unit_max_did(unit), GFP_KERNEL);

	if (did >= 0)
		atomic_inc(&unit->num_dids);
	return did;
}

void vtd_unit_free_did(struct vtd_unit *unit, u16 did)
{
	ida_free(&unit->dids, did);
	atomic_dec(&unit->num_dids);
}

/**
 * vtd_unit_create - look at a unit, without changing anything
 * @drhd: its structure in the DMAR table
 * @index: its number, for its name
 * @out: the unit
 *
 * Return: 0; -EBUSY when somebody else has switched it on; -EOPNOTSUPP when it
 * lacks what we need; -ENODEV when nothing answers; -ENOMEM.
 */
int vtd_unit_create(struct vtd_remapping *drhd, unsigned int index,
		    struct vtd_unit **out)
{
	struct vtd_unit *unit = kzalloc(sizeof(*unit), GFP_KERNEL);
	int rc;

	if (!unit)
		return -ENOMEM;
	unit->drhd = drhd;
	snprintf(unit->name, sizeof(unit->name), "dmar%u", index);
	unit->base.name = unit->name;
	unit->base.groups = vtd_unit_groups;
	mutex_init(&unit->lock);
	spin_lock_init(&unit->gcmd_lock);
	xa_init(&unit->rids);
	init_rwsem(&unit->ats_rwsem);
	xa_init(&unit->ats);
	INIT_LIST_HEAD(&unit->quarantine);
	ida_init(&unit->dids);

	rc = vtd_unit_read_capabilities(unit);
	if (!rc)
		rc = vtd_unit_check_free(unit);
	if (!rc)
		rc = vtd_unit_check_capable(unit);
	if (rc) {
		vtd_unit_destroy(unit);
		return rc;
	}
	*out = unit;
	return 0;
}

void vtd_unit_destroy(struct vtd_unit *unit)
{
	ida_destroy(&unit->dids);
	xa_destroy(&unit->rids);
	xa_destroy(&unit->ats);
	mutex_destroy(&unit->lock);
	if (unit->mmio)
		iounmap(unit->mmio);
	kfree(unit);
}

static void vtd_unit_save_found(struct vtd_unit *unit)
{
	struct vtd_found *found = &unit->found;

	found->rtaddr = vtd_read64(unit, VTD_RTADDR_REG);
	found->iqa = vtd_read64(unit, VTD_IQA_REG);
	if (unit->cap & (VTD_CAP_PLMR | VTD_CAP_PHMR))
		found->pmen = vtd_read32(unit, VTD_PMEN_REG);
}

/*
 * Firmware may leave memory protected from all DMA until an operating system has
 * translation on (11.4.8); from then on our tables say what is allowed.
 */
static void vtd_unit_protect_memory(struct vtd_unit *unit, bool on)
{
	u32 value;

	if (!(unit->found.pmen & VTD_PMEN_EPM))
		return;
	vtd_write32(unit, VTD_PMEN_REG, on ? unit->found.pmen :
					     unit->found.pmen & ~VTD_PMEN_EPM);
	if (read_poll_timeout(vtd_read32, value, !(value & VTD_PMEN_PRS) == !on,
			      1, VTD_COMMAND_TIMEOUT_US, false, unit, VTD_PMEN_REG))
		vtd_err(unit, "protected memory does not switch %s\n", on ? "on" : "off");
}

static int vtd_unit_set_root(struct vtd_unit *unit, u64 rtaddr)
{
	vtd_write64(unit, VTD_RTADDR_REG, rtaddr);
	return vtd_unit_command(unit, VTD_GCMD_SRTP, true);
}

/* 6.5.3.3: after the root table pointer was set, everything cached is void. */
static int vtd_unit_invalidate_all(struct vtd_unit *unit)
{
	const struct vtd_desc all[] = {
		vtd_make_context_global(),
		vtd_make_pasid_cache_global(),
		vtd_make_iotlb_global(unit->cap & VTD_CAP_DRD, unit->cap & VTD_CAP_DWD),
	};

	return vtd_qi_submit(unit, all, ARRAY_SIZE(all));
}

/* The hardware starts to look at our tables, which let everything pass. */
static int vtd_unit_switch_on(struct vtd_unit *unit)
{
	int rc;

	vtd_unit_flush_write_buffer(unit);
	rc = vtd_qi_start(unit);
	if (rc)
		return rc;
	rc = vtd_unit_set_root(unit, virt_to_phys(unit->root) | VTD_RTADDR_TTM_SCALABLE);
	if (!rc)
		rc = vtd_unit_invalidate_all(unit);
	if (!rc)
		rc = vtd_faults_start(unit);
	if (!rc) {
		vtd_prq_start(unit);
		rc = vtd_unit_command(unit, VTD_GCMD_TE, true);
	}
	if (!rc)
		vtd_unit_protect_memory(unit, false);
	return rc;
}

/*
 * Back to what was found. The order is that of taking reversed: memory is
 * protected again before translation goes. The root table pointer is set to what
 * it was, so that the hardware forgets ours; translation is off, nobody looks.
 * Caches are emptied before that: with the old pointer, the tables are in a mode
 * in which the queue does not take the descriptors of scalable mode.
 */
static void vtd_unit_switch_off(struct vtd_unit *unit)
{
	vtd_unit_protect_memory(unit, true);
	vtd_unit_command(unit, VTD_GCMD_TE, false);
	vtd_faults_stop(unit);
	vtd_prq_stop(unit);
	vtd_unit_invalidate_all(unit);
	vtd_qi_stop(unit);
	vtd_unit_set_root(unit, unit->found.rtaddr);
	vtd_write64(unit, VTD_IQA_REG, unit->found.iqa);
}

static void vtd_unit_announce(struct vtd_unit *unit)
{
	u64 cap = unit->cap, ecap = unit->ecap;
	char pasids[24] = "";

	if (unit->base.pasid_bits)
		snprintf(pasids, sizeof(pasids), ", %u-bit PASIDs", unit->base.pasid_bits);
	vtd_info(unit, "VT-d %lu.%lu, %llu address bits in %u levels at most, pages of 4K%s%s, %u domains%s%s%s%s%s%s: translation is on, all devices pass through\n",
		 FIELD_GET(VTD_VER_MAX, unit->ver), FIELD_GET(VTD_VER_MIN, unit->ver),
		 FIELD_GET(VTD_CAP_MGAW, cap) + 1, vtd_unit_max_aw(unit) + 2,
		 cap & VTD_CAP_SSLPS_2M ? " 2M" : "", cap & VTD_CAP_SSLPS_1G ? " 1G" : "",
		 vtd_unit_max_did(unit) + 1, pasids,
		 ecap & VTD_ECAP_NEST ? ", nesting" : "",
		 unit->base.page_requests ? ", page requests" : "",
		 ecap & VTD_ECAP_SC ? ", snoop control" : "",
		 cap & VTD_CAP_CM ? ", caching mode" : "",
		 ecap & VTD_ECAP_SMPWC ? "" : ", table walks do not snoop");
}

/**
 * vtd_unit_take - translation on, everything passing through
 * @unit: from vtd_unit_create()
 *
 * Changes nothing for anybody. On failure the unit is as it was found.
 *
 * Return: 0 or an errno.
 */
int vtd_unit_take(struct vtd_unit *unit)
{
	int rc;

	vtd_unit_save_found(unit);
	rc = vtd_unit_alloc_did(unit);
	if (rc < 0)
		return rc;
	unit->identity_did = rc;
	rc = vtd_tables_init(unit);
	if (rc)
		goto err_did;
	rc = vtd_qi_init(unit);
	if (rc)
		goto err_tables;
	vtd_prq_init(unit);
	rc = vtd_unit_switch_on(unit);
	if (rc)
		goto err_off;
	unit->taken = true;
	vtd_unit_announce(unit);
	return 0;

err_off:
	vtd_err(unit, "cannot be taken over (%d)\n", rc);
	vtd_unit_switch_off(unit);
	vtd_prq_free(unit);
	vtd_qi_free(unit);
err_tables:
	vtd_tables_free(unit);
err_did:
	vtd_unit_free_did(unit, unit->identity_did);
	return rc;
}

/**
 * vtd_unit_hand_back - translation off, the unit as it was found
 * @unit: after vtd_unit_take(); no device of it is taken
 */
void vtd_unit_hand_back(struct vtd_unit *unit)
{
	unit->taken = false;
	vtd_unit_switch_off(unit);
	vtd_prq_free(unit);
	vtd_qi_free(unit);
	vtd_rids_free(unit);
	vtd_tables_free(unit);
	vtd_unit_free_did(unit, unit->identity_did);
	vtd_info(unit, "handed back\n");
}
