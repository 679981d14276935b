// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events: interrupts that a unit itself sends, as MSIs, for faults (7.3) and for page
 * requests (7.5). An event has four registers: control, and behind it data, address
 * and upper address (11.4.7.2 to 11.4.7.5, 11.4.11.5 to 11.4.11.8).
 *
 * Its interrupt domain sits directly on the CPU's vectors, since interrupt remapping
 * is off. The hard handler masks the event and the thread unmasks it once all is read;
 * what came meanwhile the hardware holds pending (IP).
 */
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/irqdomain.h>
#include <linux/msi.h>
#include <asm/hw_irq.h>
#include <asm/irqdomain.h>
#include "vtd.h"

/* From the control register on. */
#define VTD_EDATA	4
#define VTD_EADDR	8
#define VTD_EUADDR	12

static void vtd_event_mask(struct vtd_event *event, bool mask)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&event->lock, flags);
	if (mask || !event->stopping)
		vtd_write32(event->unit, event->ectl, mask ? VTD_ECTL_IM : 0);
	/* Read back: the write is there before anything else happens. */
	vtd_read32(event->unit, event->ectl);
	raw_spin_unlock_irqrestore(&event->lock, flags);
}

static irqreturn_t vtd_event_irq(int irq, void *data)
{
	vtd_event_mask(data, true);
	return IRQ_WAKE_THREAD;
}

static irqreturn_t vtd_event_thread(int irq, void *data)
{
	struct vtd_event *event = data;

	event->work(event->unit);
	/* An event that came while it was masked is sent now (IP). */
	vtd_event_mask(event, false);
	return IRQ_HANDLED;
}

static void vtd_msi_mask(struct irq_data *data)
{
	vtd_event_mask(irq_data_get_irq_chip_data(data), true);
}

static void vtd_msi_unmask(struct irq_data *data)
{
	vtd_event_mask(irq_data_get_irq_chip_data(data), false);
}

/* Tell the unit what to write where. */
static void vtd_msi_compose(struct irq_data *data)
{
	struct vtd_event *event = irq_data_get_irq_chip_data(data);
	struct irq_data *parent = data->parent_data;
	struct msi_msg msg = { };

	parent->chip->irq_compose_msi_msg(parent, &msg);
	vtd_write32(event->unit, event->ectl + VTD_EDATA, msg.data);
	vtd_write32(event->unit, event->ectl + VTD_EADDR, msg.address_lo);
	vtd_write32(event->unit, event->ectl + VTD_EUADDR, msg.address_hi);
}

static int vtd_msi_set_affinity(struct irq_data *data, const struct cpumask *mask,
				bool force)
{
	int rc = irq_chip_set_affinity_parent(data, mask, force);

	if (rc < 0 || rc == IRQ_SET_MASK_OK_DONE)
		return rc;
	/* Address and data change apart: nothing is sent between them. */
	vtd_msi_mask(data);
	vtd_msi_compose(data);
	if (!irqd_irq_masked(data))
		vtd_msi_unmask(data);
	return rc;
}

static struct irq_chip vtd_msi_chip = {
	.name = "VTD-EVENT",
	.irq_mask = vtd_msi_mask,
	.irq_unmask = vtd_msi_unmask,
	.irq_ack = irq_chip_ack_parent,
	.irq_retrigger = irq_chip_retrigger_hierarchy,
	.irq_set_affinity = vtd_msi_set_affinity,
	.flags = IRQCHIP_SKIP_SET_WAKE,
};

static int vtd_msi_alloc(struct irq_domain *domain, unsigned int virq,
			 unsigned int num, void *arg)
{
	int rc = irq_domain_alloc_irqs_parent(domain, virq, num, arg);

	if (rc)
		return rc;
	irq_domain_set_info(domain, virq, 0, &vtd_msi_chip, domain->host_data,
			    handle_edge_irq, NULL, "edge");
	return 0;
}

static int vtd_msi_activate(struct irq_domain *domain, struct irq_data *data,
			    bool reserve)
{
	vtd_msi_compose(data);
	return 0;
}

static const struct irq_domain_ops vtd_msi_domain_ops = {
	.alloc = vtd_msi_alloc,
	.free = irq_domain_free_irqs_common,
	.activate = vtd_msi_activate,
};

static int vtd_msi_create(struct vtd_event *event)
{
	struct irq_alloc_info info = { };
	int rc;

	event->fwnode = irq_domain_alloc_named_fwnode(event->name);
	if (!event->fwnode)
		return -ENOMEM;
	event->domain = irq_domain_create_hierarchy(x86_vector_domain, 0, 0, event->fwnode,
						    &vtd_msi_domain_ops, event);
	if (!event->domain)
		return -ENOMEM;
	rc = irq_domain_alloc_irqs(event->domain, 1, NUMA_NO_NODE, &info);
	if (rc < 0)
		return rc;
	event->irq = rc;
	return 0;
}

static void vtd_msi_destroy(struct vtd_event *event)
{
	if (event->irq)
		irq_dispose_mapping(event->irq);
	if (event->domain)
		irq_domain_remove(event->domain);
	if (event->fwnode)
		irq_domain_free_fwnode(event->fwnode);
	event->irq = 0;
	event->domain = NULL;
	event->fwnode = NULL;
}

static void vtd_event_save_found(struct vtd_event *event)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(event->found); i++)
		event->found[i] = vtd_read32(event->unit, event->ectl + 4 * i);
}

/* Data and addresses first: the last one may unmask it. */
static void vtd_event_restore_found(struct vtd_event *event)
{
	unsigned int i;

	for (i = ARRAY_SIZE(event->found) - 1; i; i--)
		vtd_write32(event->unit, event->ectl + 4 * i, event->found[i]);
	vtd_write32(event->unit, event->ectl, event->found[0] & VTD_ECTL_IM);
}

/**
 * vtd_event_start - have an event of a unit reported to us
 * @event: @work is set
 * @unit: the unit
 * @ectl: the event's control register
 * @suffix: of its name, behind the unit's
 *
 * Return: 0, and @event->work is called in a thread; or an errno, and all is as it was.
 */
int vtd_event_start(struct vtd_event *event, struct vtd_unit *unit, unsigned int ectl,
		    const char *suffix)
{
	int rc;

	event->unit = unit;
	event->ectl = ectl;
	event->stopping = false;
	raw_spin_lock_init(&event->lock);
	snprintf(event->name, sizeof(event->name), "%s%s", unit->name, suffix);
	vtd_event_save_found(event);
	vtd_event_mask(event, true);

	rc = vtd_msi_create(event);
	if (!rc)
		rc = request_threaded_irq(event->irq, vtd_event_irq, vtd_event_thread,
					  IRQF_NO_THREAD, event->name, event);
	if (rc) {
		vtd_err(unit, "no interrupt for %s (%d)\n", event->name, rc);
		vtd_msi_destroy(event);
		vtd_event_restore_found(event);
	}
	return rc;
}

/* Its thread works now, whether the hardware has asked for it or not. */
void vtd_event_kick(struct vtd_event *event)
{
	irq_wake_thread(event->irq, event);
}

/*
 * @event->work is called no more. The registers are handed back with
 * vtd_event_hand_back(), once nothing is pending.
 */
void vtd_event_stop(struct vtd_event *event)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&event->lock, flags);
	event->stopping = true;
	raw_spin_unlock_irqrestore(&event->lock, flags);
	vtd_event_mask(event, true);
	free_irq(event->irq, event);
}

/* The registers become what they were. */
void vtd_event_hand_back(struct vtd_event *event)
{
	vtd_msi_destroy(event);
	vtd_event_restore_found(event);
}
