// SPDX-License-Identifier: GPL-2.0-only
/*
 * A unit: whether it can be ours, taking it over, handing it back.
 */
#include <linux/bitfield.h>
#include <linux/dma-mapping.h>
#include <linux/iopoll.h>
#include <linux/slab.h>
#include "firmware.h"
#include "smmuv3.h"

/* Switching is a matter of microseconds, but may have to drain (6.3.9.6). */
#define SMMU_ENABLE_TIMEOUT_US	1000000

#define SMMU_CR0_QUEUES		(SMMUV3_CR0_CMDQEN | SMMUV3_CR0_EVENTQEN | \
				 SMMUV3_CR0_PRIQEN)

/*
 * Set or clear bits of CR0, and wait until CR0ACK says so. CR0 is written while a
 * unit is taken and handed back, and by a restart of the command queue, which has
 * cmdq->lock; these never meet.
 */
int smmu_unit_enable(struct smmu_unit *unit, u32 enables, bool on)
{
	u32 value = smmu_read32(unit, SMMUV3_CR0);
	u32 want = on ? enables : 0;
	u32 ack;
	int rc;

	smmu_write32(unit, SMMUV3_CR0, on ? value | enables : value & ~enables);
	rc = read_poll_timeout_atomic(smmu_read32, ack, (ack & enables) == want, 1,
				      SMMU_ENABLE_TIMEOUT_US, false, unit, SMMUV3_CR0ACK);
	if (rc)
		smmu_err(unit, "CR0 %#x does not switch %s (CR0ACK %#x)\n", enables,
			 on ? "on" : "off", ack);
	return rc;
}

static void smmu_unit_set_name(struct smmu_unit *unit)
{
	snprintf(unit->name, sizeof(unit->name), "smmu3.%pa", &unit->phys);
}

/*
 * A model, which tests bring: see tools/testing/sim. It has a regmap instead of
 * registers in memory, and an IORT table of itself for its platform data. Nobody
 * else gives an SMMU's device a regmap.
 */
static int smmu_unit_find_model(struct smmu_unit *unit, struct platform_device *pdev)
{
	int rc;

	if (!dev_get_platdata(&pdev->dev)) {
		dev_err(&pdev->dev, "a model without an IORT table\n");
		return -ENODEV;
	}
	rc = smmuv3_fw_init_model(unit, dev_get_platdata(&pdev->dev));
	if (rc) {
		dev_err(&pdev->dev, "a model whose IORT table contradicts itself\n");
		return rc;
	}
	smmu_unit_set_name(unit);
	return 0;
}

static int smmu_unit_map(struct smmu_unit *unit, struct platform_device *pdev)
{
	struct resource *res = platform_get_resource(pdev, IORESOURCE_MEM, 0);

	if (!res) {
		dev_err(&pdev->dev, "firmware gives it no registers\n");
		return -ENODEV;
	}
	unit->phys = res->start;
	smmu_unit_set_name(unit);
	if (resource_size(res) < SMMUV3_REG_SIZE) {
		smmu_err(unit, "left alone: %pR is too small for its registers\n", res);
		return -ENODEV;
	}
	unit->mmio = ioremap(res->start, SMMUV3_REG_SIZE);
	if (!unit->mmio) {
		smmu_err(unit, "registers cannot be mapped\n");
		return -ENOMEM;
	}
	smmuv3_fw_init_unit(unit);
	return 0;
}

static int smmu_unit_read_capabilities(struct smmu_unit *unit)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(unit->idr); i++)
		unit->idr[i] = smmu_read32(unit, SMMUV3_IDR0 + 4 * i);
	unit->iidr = smmu_read32(unit, SMMUV3_IIDR);
	unit->aidr = smmu_read32(unit, SMMUV3_AIDR);
	if (unit->idr[0] == ~0U && unit->idr[1] == ~0U) {
		smmu_err(unit, "nothing answers: firmware names a unit that is not there\n");
		return -ENODEV;
	}
	unit->oas = smmuv3_address_bits(FIELD_GET(SMMUV3_IDR5_OAS, unit->idr[5]));
	unit->coherent = smmuv3_fw_coherent(unit, unit->idr[0] & SMMUV3_IDR0_COHACC);
	unit->vmid_bits = unit->idr[0] & SMMUV3_IDR0_VMID16 ? 16 : 8;
	unit->sid_bits = min_t(unsigned int, FIELD_GET(SMMUV3_IDR1_SIDSIZE, unit->idr[1]),
			       32);
	/* Stage 2 is a stream's; what substreams have of their own is stage 1. */
	if (unit->idr[0] & SMMUV3_IDR0_S1P)
		unit->base.pasid_bits = FIELD_GET(SMMUV3_IDR1_SSIDSIZE, unit->idr[1]);
	unit->base.pasids_by_table = true;
	return 0;
}

/*
 * No driver is bound, but somebody before us left it translating: firmware, or the
 * kernel that started this one. What its tables allow or forbid is not known, and
 * devices may be using them.
 */
static int smmu_unit_check_free(struct smmu_unit *unit)
{
	u32 cr0 = smmu_read32(unit, SMMUV3_CR0);

	if (!(cr0 & SMMUV3_CR0_SMMUEN))
		return 0;
	smmu_err(unit, "in use: firmware or a kernel before this one left it on (CR0 %#x); reboot, or switch it off in the firmware's settings\n",
		 cr0);
	return -EBUSY;
}

static int smmu_unit_check_capable(struct smmu_unit *unit)
{
	const u32 *idr = unit->idr;
	const char *lacks = NULL;

	if (!(idr[0] & SMMUV3_IDR0_S2P))
		lacks = "stage 2 (IDR0.S2P)";
	else if (!(FIELD_GET(SMMUV3_IDR0_TTF, idr[0]) & SMMUV3_IDR0_TTF_AARCH64))
		lacks = "AArch64 tables (IDR0.TTF)";
	else if (FIELD_GET(SMMUV3_IDR0_TTENDIAN, idr[0]) == SMMUV3_IDR0_TTENDIAN_BIG)
		lacks = "little-endian tables (IDR0.TTENDIAN)";
	else if (!(idr[5] & SMMUV3_IDR5_GRAN4K))
		lacks = "4K pages (IDR5.GRAN4K)";
	else if (idr[1] & (SMMUV3_IDR1_QUEUES_PRESET | SMMUV3_IDR1_TABLES_PRESET))
		lacks = "queues and tables in memory of our choice (IDR1.*_PRESET)";
	else if (!FIELD_GET(SMMUV3_IDR1_CMDQS, idr[1]))
		lacks = "a command queue of more than one entry (IDR1.CMDQS)";
	else if (FIELD_GET(SMMUV3_IDR0_STALL_MODEL, idr[0]) == SMMUV3_IDR0_STALL_MODEL_FORCE)
		lacks = "faults that end a transaction (IDR0.STALL_MODEL)";
	if (!lacks)
		return 0;
	smmu_err(unit, "left alone: it lacks %s; idr0 %#x idr1 %#x idr5 %#x\n", lacks,
		 idr[0], idr[1], idr[5]);
	return -EOPNOTSUPP;
}

/**
 * smmu_unit_alloc_vmid - a VMID of the unit
 * @unit: the unit
 *
 * 0 tags what is cached for streams without stage 2 (3.17), so nobody gets it.
 *
 * Return: the VMID; -ENOSPC when all are used; -ENOMEM.
 */
int smmu_unit_alloc_vmid(struct smmu_unit *unit)
{
	int vmid = ida_alloc_range(&unit->vmids, 1, BIT(unit->vmid_bits) - 1, GFP_KERNEL);

	if (vmid >= 0)
		atomic_inc(&unit->num_vmids);
	return vmid;
}

/* Nothing is cached under @vmid any more. */
void smmu_unit_free_vmid(struct smmu_unit *unit, u16 vmid)
{
	ida_free(&unit->vmids, vmid);
	atomic_dec(&unit->num_vmids);
}

/**
 * smmu_unit_create - look at a unit, without changing anything
 * @pdev: its device
 *
 * Return: the unit; -EBUSY when somebody has left it on; -EOPNOTSUPP when it lacks
 * what we need; -ENODEV when nothing answers; -ENOMEM.
 */
struct smmu_unit *smmu_unit_create(struct platform_device *pdev)
{
	struct smmu_unit *unit = kzalloc(sizeof(*unit), GFP_KERNEL);
	int rc;

	if (!unit)
		return ERR_PTR(-ENOMEM);
	unit->dev = &pdev->dev;
	unit->base.name = unit->name;
	unit->base.groups = smmu_unit_groups;
	unit->base.hwdev = &pdev->dev;
	mutex_init(&unit->lock);
	mutex_init(&unit->answers.lock);
	spin_lock_init(&unit->streams_lock);
	init_rwsem(&unit->ats_rwsem);
	xa_init(&unit->streams);
	ida_init(&unit->vmids);

	unit->regmap = smmu_model_regmap(&pdev->dev);
	rc = unit->regmap ? smmu_unit_find_model(unit, pdev) : smmu_unit_map(unit, pdev);
	if (!rc)
		rc = smmu_unit_read_capabilities(unit);
	if (!rc)
		rc = smmu_unit_check_free(unit);
	if (!rc)
		rc = smmu_unit_check_capable(unit);
	if (!rc)
		rc = dma_set_mask_and_coherent(unit->dev, DMA_BIT_MASK(unit->oas));
	if (rc) {
		smmu_unit_destroy(unit);
		return ERR_PTR(rc);
	}
	return unit;
}

void smmu_unit_destroy(struct smmu_unit *unit)
{
	ida_destroy(&unit->vmids);
	xa_destroy(&unit->streams);
	mutex_destroy(&unit->answers.lock);
	mutex_destroy(&unit->lock);
	if (unit->mmio)
		iounmap(unit->mmio);
	kfree(unit);
}

static void smmu_unit_save_found(struct smmu_unit *unit)
{
	struct smmu_found *found = &unit->found;

	found->cr0 = smmu_read32(unit, SMMUV3_CR0);
	found->cr1 = smmu_read32(unit, SMMUV3_CR1);
	found->cr2 = smmu_read32(unit, SMMUV3_CR2);
	found->gbpa = smmu_read32(unit, SMMUV3_GBPA);
	smmu_irqs_save_found(unit);
	found->strtab_base = smmu_read64(unit, SMMUV3_STRTAB_BASE);
	found->strtab_base_cfg = smmu_read32(unit, SMMUV3_STRTAB_BASE_CFG);
	found->cmdq_base = smmu_read64(unit, SMMUV3_CMDQ_BASE);
	found->cmdq_prod = smmu_read32(unit, SMMUV3_CMDQ_PROD);
	found->cmdq_cons = smmu_read32(unit, SMMUV3_CMDQ_CONS);
	found->eventq_base = smmu_read64(unit, SMMUV3_EVENTQ_BASE);
	found->eventq_prod = smmu_read32(unit, SMMUV3_EVENTQ_PROD);
	found->eventq_cons = smmu_read32(unit, SMMUV3_EVENTQ_CONS);
	if (!(unit->idr[0] & SMMUV3_IDR0_PRI))
		return;
	found->priq_base = smmu_read64(unit, SMMUV3_PRIQ_BASE);
	found->priq_prod = smmu_read32(unit, SMMUV3_PRIQ_PROD);
	found->priq_cons = smmu_read32(unit, SMMUV3_PRIQ_CONS);
}

/* All queues are off. */
static void smmu_unit_restore_found(struct smmu_unit *unit)
{
	const struct smmu_found *found = &unit->found;

	smmu_write64(unit, SMMUV3_STRTAB_BASE, found->strtab_base);
	smmu_write32(unit, SMMUV3_STRTAB_BASE_CFG, found->strtab_base_cfg);
	smmu_write64(unit, SMMUV3_CMDQ_BASE, found->cmdq_base);
	smmu_write32(unit, SMMUV3_CMDQ_PROD, found->cmdq_prod);
	smmu_write32(unit, SMMUV3_CMDQ_CONS, found->cmdq_cons);
	smmu_write64(unit, SMMUV3_EVENTQ_BASE, found->eventq_base);
	smmu_write32(unit, SMMUV3_EVENTQ_PROD, found->eventq_prod);
	smmu_write32(unit, SMMUV3_EVENTQ_CONS, found->eventq_cons);
	if (unit->idr[0] & SMMUV3_IDR0_PRI) {
		smmu_write64(unit, SMMUV3_PRIQ_BASE, found->priq_base);
		smmu_write32(unit, SMMUV3_PRIQ_PROD, found->priq_prod);
		smmu_write32(unit, SMMUV3_PRIQ_CONS, found->priq_cons);
	}
	smmu_write32(unit, SMMUV3_CR1, found->cr1);
	smmu_write32(unit, SMMUV3_CR2, found->cr2);
	if (found->cr0)
		smmu_unit_enable(unit, found->cr0, true);
	if (found->irq_ctrl)
		smmu_write32(unit, SMMUV3_IRQ_CTRL, found->irq_ctrl);
}

/* After our tables were put in place, and before they go (6.3.9.6). */
static int smmu_unit_invalidate_all(struct smmu_unit *unit)
{
	const struct smmuv3_cmd all[] = {
		smmuv3_make_cfgi_all(),
		smmuv3_make_tlbi_nsnh_all(),
		smmuv3_make_tlbi_el2_all(),
	};

	return smmu_cmdq_submit(unit, all, unit->idr[0] & SMMUV3_IDR0_HYP ? 3 : 2);
}

/*
 * Our memory is write-back and inner shareable, for hardware that snoops. PTM:
 * the CPUs' TLB maintenance is not for us, our VMIDs are our own. RECINVSID: who
 * uses a stream ID that is not in the table is told of.
 */
static void smmu_unit_set_attributes(struct smmu_unit *unit)
{
	smmu_write32(unit, SMMUV3_CR1,
		     FIELD_PREP(SMMUV3_CR1_TABLE_SH, SMMUV3_SH_INNER) |
		     FIELD_PREP(SMMUV3_CR1_TABLE_OC, SMMUV3_CACHE_WB) |
		     FIELD_PREP(SMMUV3_CR1_TABLE_IC, SMMUV3_CACHE_WB) |
		     FIELD_PREP(SMMUV3_CR1_QUEUE_SH, SMMUV3_SH_INNER) |
		     FIELD_PREP(SMMUV3_CR1_QUEUE_OC, SMMUV3_CACHE_WB) |
		     FIELD_PREP(SMMUV3_CR1_QUEUE_IC, SMMUV3_CACHE_WB));
	smmu_write32(unit, SMMUV3_CR2, SMMUV3_CR2_PTM | SMMUV3_CR2_RECINVSID);
}

/*
 * With ATSCHK, a request that claims to be translated already is held against its
 * STE; without, every device could pass by us.
 */
static u32 smmu_unit_translation_enables(struct smmu_unit *unit)
{
	return unit->idr[0] & SMMUV3_IDR0_ATS ? SMMUV3_CR0_SMMUEN | SMMUV3_CR0_ATSCHK :
						SMMUV3_CR0_SMMUEN;
}

/* The hardware starts to look at our tables, which let everything pass. */
static int smmu_unit_switch_on(struct smmu_unit *unit)
{
	int rc;

	rc = smmu_unit_enable(unit, SMMU_CR0_QUEUES, false);
	if (rc)
		return rc;
	smmu_unit_set_attributes(unit);
	smmu_strtab_show(unit);
	rc = smmu_cmdq_start(unit);
	if (!rc)
		rc = smmu_unit_invalidate_all(unit);
	if (!rc)
		rc = smmu_inqs_start(unit);
	if (!rc)
		rc = smmu_irqs_start(unit);
	if (!rc)
		rc = smmu_unit_enable(unit, smmu_unit_translation_enables(unit), true);
	return rc;
}

/*
 * Back to what was found. From the moment that SMMUEN is clear GBPA says what
 * requests meet, as it did before.
 */
static void smmu_unit_switch_off(struct smmu_unit *unit)
{
	smmu_unit_enable(unit, SMMUV3_CR0_SMMUEN | SMMUV3_CR0_ATSCHK, false);
	smmu_irqs_stop(unit);
	if (smmu_read32(unit, SMMUV3_CR0ACK) & SMMUV3_CR0_CMDQEN)
		smmu_unit_invalidate_all(unit);
	smmu_unit_enable(unit, SMMU_CR0_QUEUES, false);
	smmu_unit_restore_found(unit);
}

static void smmu_unit_announce(struct smmu_unit *unit)
{
	const u32 *idr = unit->idr;

	char pasids[24] = "";

	if (unit->base.pasid_bits)
		snprintf(pasids, sizeof(pasids), ", %u-bit PASIDs", unit->base.pasid_bits);
	smmu_info(unit, "SMMUv3.%lu, %u address bits, %u stream ID bits in a %s table, %lu VMIDs%s%s%s%s%s%s%s%s%s: translation is on, all devices pass through\n",
		  FIELD_GET(SMMUV3_AIDR_MINOR, unit->aidr), unit->oas, unit->sid_bits,
		  unit->strtab.two_level ? "2-level" : "linear",
		  BIT(unit->vmid_bits) - 1,
		  idr[0] & SMMUV3_IDR0_S1P ? ", nesting" : "",
		  idr[3] & SMMUV3_IDR3_FWB ? ", forced write-back" : "",
		  idr[3] & SMMUV3_IDR3_RIL ? ", range invalidation" : "",
		  idr[0] & SMMUV3_IDR0_ATS ? ", ATS" : "",
		  idr[0] & SMMUV3_IDR0_PRI ? ", PRI" : "",
		  smmu_stall_choice(unit) ? ", stalls" : "",
		  pasids,
		  idr[0] & SMMUV3_IDR0_MSI ? ", MSI" : "",
		  unit->coherent ? "" : ", table walks do not snoop");
	if (unit->found.gbpa & SMMUV3_GBPA_ABORT)
		smmu_info(unit, "firmware had it abort all DMA (GBPA.ABORT): DMA passes until it is handed back\n");
}

/**
 * smmu_unit_take - translation on, everything passing through
 * @unit: from smmu_unit_create()
 *
 * Changes nothing for anybody. On failure the unit is as it was found.
 *
 * Return: 0 or an errno.
 */
int smmu_unit_take(struct smmu_unit *unit)
{
	int rc;

	smmu_unit_save_found(unit);
	rc = smmu_strtab_init(unit);
	if (rc)
		return rc;
	rc = smmu_cmdq_init(unit);
	if (rc)
		goto err_strtab;
	rc = smmu_inqs_init(unit);
	if (rc)
		goto err_cmdq;
	rc = smmu_unit_switch_on(unit);
	if (rc)
		goto err_off;
	unit->taken = true;
	smmu_priq_announce(unit);
	smmu_unit_announce(unit);
	return 0;

err_off:
	smmu_err(unit, "cannot be taken over (%d)\n", rc);
	smmu_unit_switch_off(unit);
	smmu_inqs_free(unit);
err_cmdq:
	smmu_cmdq_free(unit);
err_strtab:
	smmu_strtab_free(unit);
	return rc;
}

/**
 * smmu_unit_hand_back - translation off, the unit as it was found
 * @unit: after smmu_unit_take(); no device of it is taken
 */
void smmu_unit_hand_back(struct smmu_unit *unit)
{
	unit->taken = false;
	smmu_unit_switch_off(unit);
	smmu_inqs_free(unit);
	smmu_cmdq_free(unit);
	smmu_streams_free(unit);
	smmu_strtab_free(unit);
	smmu_info(unit, "handed back\n");
}
