// SPDX-License-Identifier: GPL-2.0-only
/*
 * smmuv3_sim: modelled SMMUv3 units as the kernel sees them: a platform device
 * "arm-smmu-v3" each, with a regmap for registers, an IORT table of this unit alone
 * for platform data, wired interrupts of an irq domain of ours; and as sim_pci sees
 * them. What a unit does is in the other files.
 *
 * While a driver has a unit this module cannot go.
 */
#include <linux/acpi.h>
#include <linux/delay.h>
#include <linux/dma-mapping.h>
#include <linux/irq.h>
#include <linux/irq_work.h>
#include <linux/irqdomain.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/regmap.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>
#include "compat.h"
#include "smmuv3_shadow.h"
#include "smmuv3_sim.h"

#define MAX_UNITS	8
/* Of 192 bytes. */
#define CACHE_ENTRIES	32768
/* Where the registers would be: it only tells units apart. */
#define REG_BASE	0x0d0d00000000ULL

static char *unit[MAX_UNITS];
static unsigned int num_units;
module_param_array(unit, charp, &num_units, 0444);
MODULE_PARM_DESC(unit, "what each unit is, words separated by spaces or '+': see smmuv3.md");

/**
 * struct smmu - a unit
 * @core: the model
 * @lock: protects @core. A register may be accessed from anywhere, so it is raw, and
 *	interrupts are off; the innermost but for the locks of sim.h, and those that
 *	irq_work and workqueues take
 * @iommu: sim_pci's view
 * @name: for counters and logs
 * @pdev: the platform device
 * @map: its registers
 * @irqs: Linux numbers of its wires; all the same one if there is only one
 * @works: raise them
 * @wake: wakes @waiters
 * @tick: ssim_tick()
 * @waiters: whoever waits in stall_wait()
 * @entries: what it caches
 * @iort: its table
 * @iort_size: bytes of it
 * @bound: a driver has it, and so we hold ourselves; only changed by the notifier,
 *	under the device's lock
 */
struct smmu {
	struct ssim core;
	raw_spinlock_t lock;
	struct sim_iommu iommu;
	char name[24];
	struct platform_device *pdev;
	struct regmap *map;
	unsigned int irqs[SSIM_IRQS];
	struct irq_work works[SSIM_IRQS];
	struct irq_work wake;
	struct delayed_work tick;
	wait_queue_head_t waiters;
	struct ssim_entry *entries;
	void *iort;
	size_t iort_size;
	bool bound;
};

static struct smmu *units[MAX_UNITS];
static struct irq_domain *domain;
static struct fwnode_handle *domain_fwnode;
static struct workqueue_struct *ticks;
/* A unit does not snoop. */
static bool has_shadow;

static struct smmu *to_smmu(struct ssim *core)
{
	return container_of(core, struct smmu, core);
}

/* --- what the model asks for ---------------------------------------------------- */

static int op_read(struct ssim *core, u64 phys, void *buf, size_t len)
{
	return sim_mem_read(phys, buf, len);
}

static int op_read_clean(struct ssim *core, u64 phys, void *buf, size_t len)
{
	return shadow_read(phys, buf, len);
}

static bool is_coherent(struct ssim *core)
{
	return core->f.idr[0] & IDR0_COHACC;
}

static int op_write(struct ssim *core, u64 phys, const void *buf, size_t len)
{
	int rc = sim_mem_write(phys, buf, len);

	if (!rc && !is_coherent(core))
		shadow_write(phys, buf, len);
	return rc;
}

static int op_exchange(struct ssim *core, u64 phys, u64 old, u64 new)
{
	int rc = sim_mem_cmpxchg64(phys, &old, new);

	if (!rc && !is_coherent(core))
		shadow_write(phys, &new, sizeof(new));
	return rc == -EAGAIN ? 0 : rc ?: 1;
}

/* Under the unit's lock no handler runs: from an interrupt of our own. */
static void op_irq(struct ssim *core, enum ssim_irq irq)
{
	irq_work_queue(&to_smmu(core)->works[irq]);
}

static void op_kick(struct ssim *core, unsigned int ms)
{
	mod_delayed_work(ticks, &to_smmu(core)->tick, msecs_to_jiffies(ms));
}

static u32 sid_to_rid(struct ssim *core, u32 sid)
{
	return sid - core->f.sid_base;
}

static bool op_atc_invalidate(struct ssim *core, u32 sid, u32 ssid, u64 addr, u64 length,
			      bool global)
{
	u32 rid = sid_to_rid(core, sid);

	/* A stream that nobody has: the root complex answers for it. */
	return rid > U16_MAX ||
	       sim_atc_invalidate(core->f.segment, rid, ssid, addr, length, global);
}

static void op_page_response(struct ssim *core, u32 sid, u32 ssid, u16 group,
			     enum sim_status code)
{
	u32 rid = sid_to_rid(core, sid);

	if (rid <= U16_MAX)
		sim_page_response(core->f.segment, rid, ssid, group, code);
}

static void op_wake(struct ssim *core)
{
	irq_work_queue(&to_smmu(core)->wake);
}

static u64 op_now(struct ssim *core)
{
	return ktime_to_ms(ktime_get());
}

static const struct ssim_ops core_ops = {
	.read = op_read,
	.read_clean = op_read_clean,
	.write = op_write,
	.exchange = op_exchange,
	.irq = op_irq,
	.kick = op_kick,
	.atc_invalidate = op_atc_invalidate,
	.page_response = op_page_response,
	.wake = op_wake,
	.now = op_now,
};

static void tick_fn(struct work_struct *work)
{
	struct smmu *s = container_of(to_delayed_work(work), struct smmu, tick);
	unsigned long flags;
	u64 due;

	raw_spin_lock_irqsave(&s->lock, flags);
	ssim_tick(&s->core);
	due = s->core.sync_due;
	if (due)
		op_kick(&s->core, due > op_now(&s->core) ? due - op_now(&s->core) : 1);
	raw_spin_unlock_irqrestore(&s->lock, flags);
}

static void wake_fn(struct irq_work *work)
{
	wake_up_all(&container_of(work, struct smmu, wake)->waiters);
}

static void irq_fn(struct smmu *s, enum ssim_irq irq)
{
	generic_handle_irq_safe(s->irqs[irq]);
}

static void eventq_fn(struct irq_work *work)
{
	irq_fn(container_of(work, struct smmu, works[SSIM_IRQ_EVENTQ]), SSIM_IRQ_EVENTQ);
}

static void priq_fn(struct irq_work *work)
{
	irq_fn(container_of(work, struct smmu, works[SSIM_IRQ_PRIQ]), SSIM_IRQ_PRIQ);
}

static void sync_fn(struct irq_work *work)
{
	irq_fn(container_of(work, struct smmu, works[SSIM_IRQ_SYNC]), SSIM_IRQ_SYNC);
}

static void gerror_fn(struct irq_work *work)
{
	irq_fn(container_of(work, struct smmu, works[SSIM_IRQ_GERROR]), SSIM_IRQ_GERROR);
}

/* --- registers -------------------------------------------------------------------- */

static int reg_read(void *context, unsigned int reg, unsigned int *value)
{
	struct smmu *s = context;
	unsigned long flags;

	raw_spin_lock_irqsave(&s->lock, flags);
	*value = ssim_read(&s->core, reg);
	raw_spin_unlock_irqrestore(&s->lock, flags);
	return 0;
}

static int reg_write(void *context, unsigned int reg, unsigned int value)
{
	struct smmu *s = context;
	unsigned long flags;

	raw_spin_lock_irqsave(&s->lock, flags);
	ssim_write(&s->core, reg, value);
	raw_spin_unlock_irqrestore(&s->lock, flags);
	return 0;
}

static const struct regmap_config map_config = {
	.reg_bits = 32,
	.val_bits = 32,
	.reg_stride = 4,
	.max_register = REG_SIZE - 4,
	.reg_read = reg_read,
	.reg_write = reg_write,
	.fast_io = true,
	.disable_locking = true,
	.cache_type = REGCACHE_NONE,
};

/* --- what sim_pci asks for ----------------------------------------------------------- */

static struct smmu *from_iommu(struct sim_iommu *iommu)
{
	return container_of(iommu, struct smmu, iommu);
}

static bool handles(struct sim_iommu *iommu, u16 segment, u16 rid)
{
	return segment == from_iommu(iommu)->core.f.segment;
}

static u32 sid_of(struct smmu *s, const struct sim_request *req)
{
	return s->core.f.sid_base + req->rid;
}

static void access(struct sim_iommu *iommu, const struct sim_request *req, void *buf,
		   size_t len, struct sim_reply *reply)
{
	struct smmu *s = from_iommu(iommu);
	unsigned long flags;

	raw_spin_lock_irqsave(&s->lock, flags);
	ssim_access(&s->core, sid_of(s, req), req, buf, len, reply);
	raw_spin_unlock_irqrestore(&s->lock, flags);
}

static bool is_answered(struct smmu *s, u64 stall, enum sim_status *answer)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&s->lock, flags);
	*answer = ssim_stall_answer(&s->core, stall);
	raw_spin_unlock_irqrestore(&s->lock, flags);
	return *answer != SIM_TIMEOUT;
}

static enum sim_status stall_wait(struct sim_iommu *iommu, u64 stall, unsigned int ms)
{
	struct smmu *s = from_iommu(iommu);
	enum sim_status answer;
	unsigned long flags;

	if (wait_event_timeout(s->waiters, is_answered(s, stall, &answer),
			       msecs_to_jiffies(ms)))
		return answer;
	raw_spin_lock_irqsave(&s->lock, flags);
	ssim_stall_forget(&s->core, stall);
	raw_spin_unlock_irqrestore(&s->lock, flags);
	return SIM_TIMEOUT;
}

static enum sim_status page_request(struct sim_iommu *iommu, const struct sim_request *req,
				    u16 group, bool last)
{
	struct smmu *s = from_iommu(iommu);
	enum sim_status status;
	unsigned long flags;

	raw_spin_lock_irqsave(&s->lock, flags);
	status = ssim_page_request(&s->core, sid_of(s, req), req, group, last);
	raw_spin_unlock_irqrestore(&s->lock, flags);
	return status;
}

static int inject(struct sim_iommu *iommu, enum sim_fault fault, u32 count, u64 arg)
{
	struct smmu *s = from_iommu(iommu);
	unsigned long flags;
	int rc;

	raw_spin_lock_irqsave(&s->lock, flags);
	rc = ssim_inject(&s->core, fault, count, arg);
	raw_spin_unlock_irqrestore(&s->lock, flags);
	return rc;
}

struct copy {
	struct ssim_counter counters[SSIM_COUNTERS];
	unsigned int num;
};

static void copy_counter(void *arg, const char *name, u64 value)
{
	struct copy *copy = arg;

	copy->counters[copy->num].name = name;
	copy->counters[copy->num++].value = value;
}

/* Whoever takes them may sleep. */
static void count(struct sim_iommu *iommu, bool reset,
		  void (*emit)(void *arg, const char *name, u64 value), void *arg)
{
	struct copy *copy = kzalloc(sizeof(*copy), GFP_KERNEL);
	struct smmu *s = from_iommu(iommu);
	unsigned long flags;
	unsigned int i;

	if (!copy)
		return;
	raw_spin_lock_irqsave(&s->lock, flags);
	ssim_count_each(&s->core, reset, copy_counter, copy);
	raw_spin_unlock_irqrestore(&s->lock, flags);
	for (i = 0; i < copy->num; i++)
		emit(arg, copy->counters[i].name, copy->counters[i].value);
	kfree(copy);
}

static const struct sim_iommu_ops iommu_ops = {
	.access = access,
	.stall_wait = stall_wait,
	.page_request = page_request,
	.inject = inject,
	.count = count,
};

/* --- interrupts ------------------------------------------------------------------------ */

static void irq_nothing(struct irq_data *data)
{
}

/* An edge that came while the interrupt was off comes again. */
static int irq_retrigger(struct irq_data *data)
{
	struct smmu *s = irq_data_get_irq_chip_data(data);

	irq_work_queue(&s->works[data->hwirq % SSIM_IRQS]);
	return 1;
}

static struct irq_chip irq_chip = {
	.name = "smmuv3_sim",
	.irq_ack = irq_nothing,
	.irq_mask = irq_nothing,
	.irq_unmask = irq_nothing,
	.irq_retrigger = irq_retrigger,
};

static int irq_map(struct irq_domain *d, unsigned int virq, irq_hw_number_t hwirq)
{
	irq_domain_set_info(d, virq, hwirq, &irq_chip, units[hwirq / SSIM_IRQS],
			    handle_edge_irq, NULL, NULL);
	irq_set_noprobe(virq);
	return 0;
}

static void irq_unmap(struct irq_domain *d, unsigned int virq)
{
	irq_set_chip_and_handler(virq, NULL, NULL);
	irq_set_chip_data(virq, NULL);
}

static const struct irq_domain_ops domain_ops = {
	.map = irq_map,
	.unmap = irq_unmap,
};

static const char *const irq_names[SSIM_IRQS] = {
	[SSIM_IRQ_EVENTQ] = "eventq",
	[SSIM_IRQ_PRIQ] = "priq",
	[SSIM_IRQ_SYNC] = "cmdq-sync",
	[SSIM_IRQ_GERROR] = "gerror",
};

static int map_irqs(struct smmu *s, unsigned int index)
{
	unsigned int i, n = s->core.f.combined ? 1 : SSIM_IRQS;

	for (i = 0; i < n; i++) {
		s->irqs[i] = irq_create_mapping(domain, index * SSIM_IRQS + i);
		if (!s->irqs[i])
			return -ENOMEM;
	}
	for (; i < SSIM_IRQS; i++)
		s->irqs[i] = s->irqs[0];
	return 0;
}

static void unmap_irqs(struct smmu *s)
{
	unsigned int i, n = s->core.f.combined ? 1 : SSIM_IRQS;

	for (i = 0; i < n; i++)
		if (s->irqs[i])
			irq_dispose_mapping(s->irqs[i]);
}

/* --- the table --------------------------------------------------------------------------- */

/* DEN 0049, 3: header, number of nodes, where the first is. */
static int make_iort(struct smmu *s, unsigned int index)
{
	const size_t header = offsetof(struct acpi_iort_node, node_data);
	const size_t smmu_size = header + sizeof(struct acpi_iort_smmu_v3);
	const size_t rc_size = header + sizeof(struct acpi_iort_root_complex);
	const struct ssim_features *f = &s->core.f;
	struct acpi_iort_root_complex *rc;
	struct acpi_iort_id_mapping *map;
	struct acpi_iort_smmu_v3 *smmu;
	struct acpi_iort_node *node;
	struct acpi_table_iort *table;
	u8 sum = 0;
	size_t i;

	s->iort_size = sizeof(*table) + smmu_size + rc_size + sizeof(*map);
	table = kzalloc(s->iort_size, GFP_KERNEL);
	if (!table)
		return -ENOMEM;
	s->iort = table;
	memcpy(table->header.signature, ACPI_SIG_IORT, ACPI_NAMESEG_SIZE);
	table->header.length = s->iort_size;
	table->header.revision = 5;
	memcpy(table->header.oem_id, "SIM   ", ACPI_OEM_ID_SIZE);
	memcpy(table->header.oem_table_id, "SMMUV3  ", ACPI_OEM_TABLE_ID_SIZE);
	table->node_count = 2;
	table->node_offset = sizeof(*table);

	node = (void *)(table + 1);
	node->type = ACPI_IORT_NODE_SMMU_V3;
	node->length = smmu_size;
	node->revision = 5;
	smmu = (void *)node->node_data;
	smmu->base_address = REG_BASE + index * REG_SIZE;

	node = (void *)node + smmu_size;
	node->type = ACPI_IORT_NODE_PCI_ROOT_COMPLEX;
	node->length = rc_size + sizeof(*map);
	node->revision = 4;
	node->identifier = 1;
	node->mapping_count = 1;
	node->mapping_offset = rc_size;
	rc = (void *)node->node_data;
	rc->memory_properties = ACPI_IORT_NODE_COHERENT;
	/* Memory access flags, in its last byte: CPM, DACS, CANWBS. */
	rc->memory_properties |= (u64)(f->canwbs ? 7 : 3) << 56;
	rc->ats_attribute = (f->idr[0] & IDR0_ATS) && !f->noats ? ACPI_IORT_ATS_SUPPORTED : 0;
	rc->pci_segment_number = f->segment;
	rc->memory_address_limit = 64;
	map = (void *)node + rc_size;
	map->id_count = 0xffff;
	map->output_base = f->sid_base;
	map->output_reference = sizeof(*table);

	for (i = 0; i < s->iort_size; i++)
		sum += ((u8 *)table)[i];
	table->header.checksum = -sum;
	return 0;
}

/* --- units ---------------------------------------------------------------------------------- */

static int add_device(struct smmu *s)
{
	unsigned int i, n = s->core.f.combined ? 1 : SSIM_IRQS;
	struct resource res[SSIM_IRQS] = { };
	int rc;

	s->pdev = platform_device_alloc("arm-smmu-v3", PLATFORM_DEVID_AUTO);
	if (!s->pdev)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		res[i].name = n == 1 ? "combined" : irq_names[i];
		res[i].flags = IORESOURCE_IRQ;
		res[i].start = s->irqs[i];
		res[i].end = s->irqs[i];
	}
	rc = platform_device_add_resources(s->pdev, res, n);
	if (!rc)
		rc = platform_device_add_data(s->pdev, s->iort, s->iort_size);
	if (rc)
		goto err_put;
	sim_set_dma_coherent(&s->pdev->dev, is_coherent(&s->core));
	rc = platform_device_add(s->pdev);
	if (rc)
		goto err_put;
	return 0;

err_put:
	platform_device_put(s->pdev);
	s->pdev = NULL;
	return rc;
}

/* The first unit that does not snoop needs to know what is cleaned. */
static int start_shadow(void)
{
	int rc;

	if (has_shadow)
		return 0;
	rc = shadow_start();
	if (rc)
		pr_err("smmuv3_sim: -COHACC: cannot watch the cleaning of caches (%d): does the kernel have kprobes?\n",
		       rc);
	has_shadow = !rc;
	return rc;
}

/* Nobody asks for anything any more: what is there can go. */
static void free_unit(struct smmu *s)
{
	unsigned int i;

	cancel_delayed_work_sync(&s->tick);
	for (i = 0; i < SSIM_IRQS; i++)
		irq_work_sync(&s->works[i]);
	irq_work_sync(&s->wake);
	unmap_irqs(s);
	if (!IS_ERR_OR_NULL(s->map))
		regmap_exit(s->map);
	kfree(s->iort);
	vfree(s->entries);
	kvfree(s);
}

static void remove_unit(struct smmu *s)
{
	/* The regmap knows it until it goes itself. */
	struct platform_device *pdev = s->pdev;
	unsigned long flags;

	platform_device_del(pdev);
	raw_spin_lock_irqsave(&s->lock, flags);
	ssim_stall_terminate(&s->core, 0, true);
	raw_spin_unlock_irqrestore(&s->lock, flags);
	sim_iommu_unregister(&s->iommu);
	free_unit(s);
	platform_device_put(pdev);
}

static int parse(struct ssim_features *f, char *words)
{
	char *word;

	ssim_features_default(f);
	while ((word = strsep(&words, " +"))) {
		if (*word && ssim_features_parse(f, word)) {
			pr_err("smmuv3_sim: unit: \"%s\" is not understood: see smmuv3.md\n",
			       word);
			return -EINVAL;
		}
	}
	return 0;
}

static int add_unit(unsigned int index, char *words)
{
	struct ssim_features features;
	struct smmu *s;
	int rc;

	rc = parse(&features, words);
	if (!rc && !(features.idr[0] & IDR0_COHACC))
		rc = start_shadow();
	if (rc)
		return rc;
	s = kvzalloc(sizeof(*s), GFP_KERNEL);
	if (!s)
		return -ENOMEM;
	raw_spin_lock_init(&s->lock);
	init_irq_work(&s->works[SSIM_IRQ_EVENTQ], eventq_fn);
	init_irq_work(&s->works[SSIM_IRQ_PRIQ], priq_fn);
	init_irq_work(&s->works[SSIM_IRQ_SYNC], sync_fn);
	init_irq_work(&s->works[SSIM_IRQ_GERROR], gerror_fn);
	init_irq_work(&s->wake, wake_fn);
	INIT_DELAYED_WORK(&s->tick, tick_fn);
	init_waitqueue_head(&s->waiters);
	snprintf(s->name, sizeof(s->name), "smmuv3_sim.%u", index);
	s->iommu.name = s->name;
	s->iommu.owner = THIS_MODULE;
	s->iommu.ops = &iommu_ops;
	s->iommu.handles = handles;

	rc = -ENOMEM;
	s->entries = vcalloc(CACHE_ENTRIES, sizeof(*s->entries));
	if (!s->entries)
		goto err_free;
	ssim_init(&s->core, &core_ops, &features, s->entries, CACHE_ENTRIES);
	rc = make_iort(s, index);
	if (rc)
		goto err_free;
	s->map = regmap_init(NULL, NULL, s, &map_config);
	rc = PTR_ERR_OR_ZERO(s->map);
	if (rc)
		goto err_free;
	units[index] = s;
	rc = map_irqs(s, index);
	if (rc)
		goto err_unset;
	rc = sim_iommu_register(&s->iommu);
	if (rc)
		goto err_unset;
	rc = add_device(s);
	if (rc)
		goto err_unregister;
	return 0;

err_unregister:
	sim_iommu_unregister(&s->iommu);
err_unset:
	units[index] = NULL;
err_free:
	free_unit(s);
	return rc;
}

static struct smmu *unit_of(struct device *dev)
{
	unsigned int i;

	for (i = 0; i < MAX_UNITS; i++)
		if (units[i] && units[i]->pdev && &units[i]->pdev->dev == dev)
			return units[i];
	return NULL;
}

/*
 * A driver comes: it finds the regmap on the device. Not before, since the driver core
 * refuses to probe a device that has resources already; they go with the driver.
 */
static int device_event(struct notifier_block *nb, unsigned long event, void *data)
{
	struct smmu *s = unit_of(data);

	if (!s)
		return NOTIFY_DONE;
	switch (event) {
	case BUS_NOTIFY_BIND_DRIVER:
		s->bound = try_module_get(THIS_MODULE);
		if (s->bound && regmap_attach_dev(&s->pdev->dev, s->map, &map_config))
			dev_err(&s->pdev->dev, "its registers could not be attached\n");
		break;
	case BUS_NOTIFY_DRIVER_NOT_BOUND:
	case BUS_NOTIFY_UNBOUND_DRIVER:
		if (s->bound)
			module_put(THIS_MODULE);
		s->bound = false;
		break;
	}
	return NOTIFY_OK;
}

static struct notifier_block device_nb = { .notifier_call = device_event };

/* The kernel's own driver takes platform data for something else on ACPI machines. */
static int check_drivers(void)
{
	struct device_driver *driver = driver_find("arm-smmu-v3", &platform_bus_type);

	if (!driver || driver->owner)
		return 0;
	pr_err("smmuv3_sim: the kernel's own driver would take the units: boot with initcall_blacklist=arm_smmu_driver_init\n");
	return -EBUSY;
}

static void smmuv3_sim_cleanup(void)
{
	unsigned int i;

	for (i = 0; i < MAX_UNITS; i++) {
		if (units[i])
			remove_unit(units[i]);
		/* Events of the others' devices ask for it. */
		units[i] = NULL;
	}
	bus_unregister_notifier(&platform_bus_type, &device_nb);
	if (has_shadow)
		shadow_stop();
	if (domain)
		irq_domain_remove(domain);
	if (domain_fwnode)
		irq_domain_free_fwnode(domain_fwnode);
	if (ticks)
		destroy_workqueue(ticks);
}

static int __init smmuv3_sim_init(void)
{
	char none[] = "";
	unsigned int i;
	int rc;

	rc = check_drivers();
	if (rc)
		return rc;
	rc = bus_register_notifier(&platform_bus_type, &device_nb);
	if (rc)
		return rc;
	rc = -ENOMEM;
	ticks = alloc_workqueue("smmuv3_sim", WQ_UNBOUND | WQ_HIGHPRI, 0);
	domain_fwnode = irq_domain_alloc_named_fwnode("smmuv3_sim");
	if (!ticks || !domain_fwnode)
		goto err;
	domain = irq_domain_create_linear(domain_fwnode, MAX_UNITS * SSIM_IRQS, &domain_ops, NULL);
	if (!domain)
		goto err;
	for (i = 0; i < max(num_units, 1U); i++) {
		rc = add_unit(i, num_units ? unit[i] : none);
		if (rc)
			goto err;
	}
	return 0;

err:
	smmuv3_sim_cleanup();
	return rc;
}
module_init(smmuv3_sim_init);

static void __exit smmuv3_sim_exit(void)
{
	smmuv3_sim_cleanup();
}
module_exit(smmuv3_sim_exit);

MODULE_DESCRIPTION("Model of Arm's SMMUv3, for tests only");
MODULE_LICENSE("GPL");
