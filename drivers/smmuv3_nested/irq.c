// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts of a unit (3.18): for events, page requests and global errors. They
 * are wires, under the names that firmware has for them ("combined": one for
 * all), or messages, where the unit can send those and firmware says where to.
 * That of CMD_SYNC is not used: whoever waits for one looks at CMDQ_CONS.
 */
#include <linux/delay.h>
#include <linux/interrupt.h>
#include <linux/iopoll.h>
#include <linux/msi.h>
#include "../iommufd_sva/compat.h"
#include "smmuv3.h"

#define SMMU_IRQ_TIMEOUT_US	1000000
/* Between two batches of records. */
#define SMMU_IRQ_PAUSE_US	5000

static const unsigned int smmu_irq_cfg[SMMU_NUM_IRQS] = {
	[SMMU_IRQ_EVENTQ] = SMMUV3_EVENTQ_IRQ_CFG0,
	[SMMU_IRQ_GERROR] = SMMUV3_GERROR_IRQ_CFG0,
	[SMMU_IRQ_PRIQ] = SMMUV3_PRIQ_IRQ_CFG0,
};

static bool smmu_has_irq(struct smmu_unit *unit, enum smmu_irq which)
{
	return which != SMMU_IRQ_PRIQ || unit->priq.ring;
}

static irqreturn_t smmu_evtq_thread(int irq, void *data)
{
	struct smmu_unit *unit = data;

	while (smmu_inq_drain(unit, &unit->evtq) && !READ_ONCE(unit->irqs_stopping))
		usleep_range(SMMU_IRQ_PAUSE_US, 2 * SMMU_IRQ_PAUSE_US);
	return IRQ_HANDLED;
}

static irqreturn_t smmu_priq_thread(int irq, void *data)
{
	struct smmu_unit *unit = data;

	while (smmu_inq_drain(unit, &unit->priq) && !READ_ONCE(unit->irqs_stopping))
		usleep_range(SMMU_IRQ_PAUSE_US, 2 * SMMU_IRQ_PAUSE_US);
	return IRQ_HANDLED;
}

static irqreturn_t smmu_gerror_thread(int irq, void *data)
{
	smmu_gerror(data);
	return IRQ_HANDLED;
}

/* Errors first: an event queue that never runs dry must not hide them. */
static irqreturn_t smmu_combined_thread(int irq, void *data)
{
	struct smmu_unit *unit = data;
	bool more;

	do {
		smmu_gerror(unit);
		more = smmu_inq_drain(unit, &unit->evtq);
		more |= smmu_inq_drain(unit, &unit->priq);
		if (more)
			usleep_range(SMMU_IRQ_PAUSE_US, 2 * SMMU_IRQ_PAUSE_US);
	} while (more && !READ_ONCE(unit->irqs_stopping));
	return IRQ_HANDLED;
}

static const struct {
	const char *name;
	irq_handler_t thread;
} smmu_irq_handlers[SMMU_NUM_IRQS] = {
	[SMMU_IRQ_EVENTQ] = { "eventq", smmu_evtq_thread },
	[SMMU_IRQ_GERROR] = { "gerror", smmu_gerror_thread },
	[SMMU_IRQ_PRIQ] = { "priq", smmu_priq_thread },
};

static int smmu_irq_request(struct smmu_unit *unit, enum smmu_irq which, int irq,
			    irq_handler_t thread)
{
	int rc;

	rc = request_threaded_irq(irq, NULL, thread, IRQF_ONESHOT, unit->name, unit);
	if (rc)
		return rc;
	unit->irqs[which] = irq;
	return 0;
}

static int smmu_irqs_request_wired(struct smmu_unit *unit)
{
	struct platform_device *pdev = to_platform_device(unit->dev);
	enum smmu_irq which;
	int irq, rc;

	irq = platform_get_irq_byname_optional(pdev, "combined");
	if (irq > 0)
		return smmu_irq_request(unit, SMMU_IRQ_EVENTQ, irq, smmu_combined_thread);
	for (which = 0; which < SMMU_NUM_IRQS; which++) {
		if (!smmu_has_irq(unit, which))
			continue;
		irq = platform_get_irq_byname_optional(pdev, smmu_irq_handlers[which].name);
		if (irq < 0)
			return irq;
		rc = smmu_irq_request(unit, which, irq, smmu_irq_handlers[which].thread);
		if (rc)
			return rc;
	}
	return 0;
}

/* 6.3.17: what the unit writes where for an interrupt. */
static void smmu_write_msi_msg(struct msi_desc *desc, struct msi_msg *msg)
{
	struct smmu_unit *unit = dev_get_drvdata(msi_desc_to_dev(desc));
	unsigned int cfg = smmu_irq_cfg[desc->msi_index];
	u64 address = (u64)msg->address_hi << 32 | msg->address_lo;

	smmu_write64(unit, cfg, address & SMMUV3_IRQ_CFG_ADDR);
	smmu_write32(unit, cfg + SMMUV3_IRQ_CFG_DATA, msg->data);
	smmu_write32(unit, cfg + SMMUV3_IRQ_CFG_ATTR, SMMUV3_IRQ_CFG_DEVICE_nGnRE);
}

static int smmu_irqs_request_msi(struct smmu_unit *unit)
{
	enum smmu_irq which;
	int rc;

	if (!(unit->idr[0] & SMMUV3_IDR0_MSI) || !dev_get_msi_domain(unit->dev))
		return -ENXIO;
	rc = iommufd_sva_platform_msi_alloc(unit->dev, SMMU_NUM_IRQS, smmu_write_msi_msg);
	if (rc)
		return rc;
	unit->has_msi = true;
	for (which = 0; which < SMMU_NUM_IRQS && !rc; which++)
		if (smmu_has_irq(unit, which))
			rc = smmu_irq_request(unit, which,
					      msi_get_virq(unit->dev, which),
					      smmu_irq_handlers[which].thread);
	return rc;
}

static void smmu_irqs_free(struct smmu_unit *unit)
{
	enum smmu_irq which;

	for (which = 0; which < SMMU_NUM_IRQS; which++) {
		if (unit->irqs[which])
			free_irq(unit->irqs[which], unit);
		unit->irqs[which] = 0;
	}
	if (unit->has_msi)
		iommufd_sva_platform_msi_free(unit->dev);
	unit->has_msi = false;
}

static int smmu_irqs_enable(struct smmu_unit *unit, u32 enables)
{
	u32 ack;
	int rc;

	smmu_write32(unit, SMMUV3_IRQ_CTRL, enables);
	rc = read_poll_timeout(smmu_read32, ack, ack == enables, 1, SMMU_IRQ_TIMEOUT_US,
			       false, unit, SMMUV3_IRQ_CTRLACK);
	if (rc)
		smmu_err(unit, "interrupts do not switch to %#x (IRQ_CTRLACK %#x)\n",
			 enables, ack);
	return rc;
}

/*
 * An address of 0: nothing is written, the wires tell. Of what a unit without messages has
 * of this there is PRIQ_IRQ_CFG2.LO alone (6.3.1, 6.3.36). Out of reset that may be set: then
 * the unit tells of the last request of a group only, and those of groups without one fill
 * the queue unseen.
 */
static void smmu_msi_clear(struct smmu_unit *unit)
{
	enum smmu_irq which;

	for (which = 0; which < SMMU_NUM_IRQS; which++) {
		if (!smmu_has_irq(unit, which))
			continue;
		smmu_write64(unit, smmu_irq_cfg[which], 0);
		smmu_write32(unit, smmu_irq_cfg[which] + SMMUV3_IRQ_CFG_ATTR, 0);
	}
}

/**
 * smmu_irqs_start - have the unit tell us of what happens
 * @unit: the unit; its queues are on
 *
 * Return: 0; -ENXIO when firmware gives it no interrupts; what the irq core says.
 */
int smmu_irqs_start(struct smmu_unit *unit)
{
	u32 enables = SMMUV3_IRQ_EVENTQ | SMMUV3_IRQ_GERROR;
	int rc;

	unit->irqs_stopping = false;
	rc = smmu_irqs_enable(unit, 0);
	if (rc)
		return rc;
	smmu_msi_clear(unit);
	/* Errors of before are nobody's any more. */
	smmu_gerror(unit);
	rc = smmu_irqs_request_msi(unit);
	if (rc) {
		smmu_irqs_free(unit);
		smmu_msi_clear(unit);
		rc = smmu_irqs_request_wired(unit);
	}
	if (!rc)
		rc = smmu_irqs_enable(unit, unit->priq.ring ? enables | SMMUV3_IRQ_PRIQ :
							      enables);
	if (rc)
		smmu_err(unit, "no interrupts (%d)\n", rc);
	return rc;
}

/* The unit tells us nothing any more, and is as it was found. */
void smmu_irqs_stop(struct smmu_unit *unit)
{
	enum smmu_irq which;

	WRITE_ONCE(unit->irqs_stopping, true);
	smmu_irqs_enable(unit, 0);
	smmu_irqs_free(unit);
	for (which = 0; which < SMMU_NUM_IRQS; which++) {
		const struct smmu_found_msi *msi = &unit->found.msi[which];

		if (!smmu_has_irq(unit, which))
			continue;
		smmu_write64(unit, smmu_irq_cfg[which], msi->address);
		smmu_write32(unit, smmu_irq_cfg[which] + SMMUV3_IRQ_CFG_DATA, msi->data);
		smmu_write32(unit, smmu_irq_cfg[which] + SMMUV3_IRQ_CFG_ATTR, msi->attr);
	}
}

/* What smmu_irqs_stop() is going to put back. */
void smmu_irqs_save_found(struct smmu_unit *unit)
{
	enum smmu_irq which;

	unit->found.irq_ctrl = smmu_read32(unit, SMMUV3_IRQ_CTRL);
	for (which = 0; which < SMMU_NUM_IRQS; which++) {
		struct smmu_found_msi *msi = &unit->found.msi[which];

		if (which == SMMU_IRQ_PRIQ && !(unit->idr[0] & SMMUV3_IDR0_PRI))
			continue;
		msi->address = smmu_read64(unit, smmu_irq_cfg[which]);
		msi->data = smmu_read32(unit, smmu_irq_cfg[which] + SMMUV3_IRQ_CFG_DATA);
		msi->attr = smmu_read32(unit, smmu_irq_cfg[which] + SMMUV3_IRQ_CFG_ATTR);
	}
}
