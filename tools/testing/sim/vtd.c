// SPDX-License-Identifier: GPL-2.0-only
/*
 * vtd_sim: VT-d units that are software, for tests. See README.md.
 *
 * The model proper is in the other vtd_*.c; this joins it to the kernel: the
 * platform device "vtd_sim" with a DMAR table as its data and a regmap per unit,
 * interrupts, memory and devices through sim_pci.
 */
#define pr_fmt(fmt) "vtd_sim: " fmt

#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/regmap.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <asm/apic.h>
#include <asm/processor.h>
#include <asm/smp.h>
#include "vtd_config.h"
#include "vtd_sim.h"

static char *unit[VSIM_MAX_UNITS];
static unsigned int num_units;
module_param_array(unit, charp, &num_units, 0444);
MODULE_PARM_DESC(unit, "one string per unit: words like segment=0x100 aw=48 levels=4 +NEST -SMPWC scope=1:00.0 (README.md)");

/* For so long a driver may still be in our code after it switched a unit off. */
#define VSIM_LINGER_MS	200

/**
 * struct vsim_device - a unit and what the kernel has of it
 * @iommu: for sim_pci
 * @setup: from the module's parameter
 * @name: for logs and counters
 * @regs_name: of the regmap
 * @regmap: registers
 * @unit: the model
 * @held: this module cannot go; under vsim_lock
 * @release: lets it go
 * @late: calls vsim_resume()
 */
struct vsim_device {
	struct sim_iommu iommu;
	struct vsim_setup setup;
	char name[24];
	char regs_name[24];
	struct regmap *regmap;
	struct vsim_unit unit;
	bool held;
	struct delayed_work release;
	struct delayed_work late;
};

/*
 * Everything of the model, all units. Innermost but for what sim.h says may be
 * called with a unit's lock held. Interrupts off: registers are accessed from
 * anywhere.
 */
static DEFINE_RAW_SPINLOCK(vsim_lock);
static struct vsim_shadow vsim_shadow;
static struct vsim_device *vsim_devices;
static struct platform_device *vsim_pdev;

static struct vsim_device *to_vsim(struct sim_iommu *iommu)
{
	return container_of(iommu, struct vsim_device, iommu);
}

static int vsim_op_read(void *priv, u64 phys, void *buf, size_t len)
{
	return sim_mem_read(phys, buf, len);
}

static int vsim_op_write(void *priv, u64 phys, const void *buf, size_t len)
{
	return sim_mem_write(phys, buf, len);
}

static int vsim_op_cmpxchg(void *priv, u64 phys, u64 *old, u64 new)
{
	return sim_mem_cmpxchg64(phys, old, new);
}

/* The CPU that an MSI's destination means; -1: none. */
static int vsim_msi_cpu(u32 dest, bool logical)
{
	int cpu;

	for_each_online_cpu(cpu) {
		if (logical ? cpu < 8 && (dest & BIT(cpu)) :
			      per_cpu(x86_cpu_to_apicid, cpu) == dest)
			return cpu;
	}
	return -1;
}

/*
 * An interrupt message (Intel SDM volume 3, 11.11): 0xFEE in 31:20, destination in
 * 19:12, logical in 2; vector in 7:0 and fixed or lowest-priority delivery in 10:8
 * of the data, edge-triggered.
 */
static void vsim_op_msi(void *priv, u64 addr, u32 data)
{
	struct vsim_device *vd = priv;
	u32 vector = vsim_get(data, 7, 0);
	int cpu = vsim_msi_cpu(vsim_get(addr, 19, 12) | (u32)vsim_get(addr, 63, 40) << 8,
			       addr & BIT(2));

	if (vsim_get(addr, 31, 20) != 0xfee || vsim_get(data, 10, 8) > 1 ||
	    (data & BIT(15)) || vector < 16 || cpu < 0) {
		vsim_count(&vd->unit, VSIM_N_BAD_MSI);
		return;
	}
	apic->send_IPI(cpu, vector);
}

static bool vsim_op_dev_tlb(void *priv, u16 rid, u32 pasid, u64 addr, u64 length, bool global)
{
	struct vsim_device *vd = priv;

	return sim_atc_invalidate(vd->setup.segment, rid, pasid, addr, length, global);
}

static void vsim_op_page_response(void *priv, u16 rid, u32 pasid, u16 group,
				  enum sim_status code)
{
	struct vsim_device *vd = priv;

	sim_page_response(vd->setup.segment, rid, pasid, group, code);
}

static void vsim_op_later(void *priv, unsigned int ms)
{
	struct vsim_device *vd = priv;

	mod_delayed_work(system_highpri_wq, &vd->late, msecs_to_jiffies(ms));
}

/* Long enough for another CPU to change what is being read. */
static void vsim_op_pause(void *priv)
{
	udelay(1);
}

static const struct vsim_ops vsim_ops = {
	.read = vsim_op_read,
	.write = vsim_op_write,
	.update = vsim_op_cmpxchg,
	.msi = vsim_op_msi,
	.dev_tlb = vsim_op_dev_tlb,
	.page_response = vsim_op_page_response,
	.later = vsim_op_later,
	.pause = vsim_op_pause,
};

static void vsim_late(struct work_struct *work)
{
	struct vsim_device *vd = container_of(to_delayed_work(work), struct vsim_device, late);
	unsigned long flags;

	raw_spin_lock_irqsave(&vsim_lock, flags);
	vsim_resume(&vd->unit);
	raw_spin_unlock_irqrestore(&vsim_lock, flags);
}

/*
 * Whoever uses a unit needs this module: held from when translation or the queue
 * is switched on until a while after both are off.
 */
static void vsim_hold(struct vsim_device *vd)
{
	bool used = vsim_in_use(&vd->unit);

	if (used && !vd->held)
		vd->held = try_module_get(THIS_MODULE);
	else if (!used && vd->held)
		mod_delayed_work(system_wq, &vd->release, msecs_to_jiffies(VSIM_LINGER_MS));
}

static void vsim_release(struct work_struct *work)
{
	struct vsim_device *vd = container_of(to_delayed_work(work), struct vsim_device,
					      release);
	unsigned long flags;
	bool put;

	raw_spin_lock_irqsave(&vsim_lock, flags);
	put = vd->held && !vsim_in_use(&vd->unit);
	if (put)
		vd->held = false;
	raw_spin_unlock_irqrestore(&vsim_lock, flags);
	if (put)
		module_put(THIS_MODULE);
}

static int vsim_regmap_read(void *context, unsigned int reg, unsigned int *value)
{
	struct vsim_device *vd = context;
	unsigned long flags;

	raw_spin_lock_irqsave(&vsim_lock, flags);
	*value = vsim_reg_read(&vd->unit, reg);
	raw_spin_unlock_irqrestore(&vsim_lock, flags);
	return 0;
}

static int vsim_regmap_write(void *context, unsigned int reg, unsigned int value)
{
	struct vsim_device *vd = context;
	unsigned long flags;

	raw_spin_lock_irqsave(&vsim_lock, flags);
	vsim_reg_write(&vd->unit, reg, value);
	vsim_hold(vd);
	raw_spin_unlock_irqrestore(&vsim_lock, flags);
	return 0;
}

/* Nothing is allocated with the lock held: have enough before. */
static void vsim_refill(struct vsim_device *vd)
{
	struct vsim_entry *e;
	unsigned long flags;

	while (READ_ONCE(vd->unit.num_free) < VSIM_POOL_LOW) {
		e = kmalloc(sizeof(*e), GFP_ATOMIC | __GFP_NOWARN);
		if (!e)
			return;
		raw_spin_lock_irqsave(&vsim_lock, flags);
		vsim_cache_give(&vd->unit, e);
		raw_spin_unlock_irqrestore(&vsim_lock, flags);
	}
}

static void vsim_iommu_access(struct sim_iommu *iommu, const struct sim_request *req,
			      void *buf, size_t len, struct sim_reply *reply)
{
	struct vsim_device *vd = to_vsim(iommu);
	unsigned long flags;

	vsim_refill(vd);
	raw_spin_lock_irqsave(&vsim_lock, flags);
	vsim_access(&vd->unit, req, buf, len, reply);
	raw_spin_unlock_irqrestore(&vsim_lock, flags);
}

static enum sim_status vsim_iommu_page_request(struct sim_iommu *iommu,
					       const struct sim_request *req, u16 group,
					       bool last)
{
	struct vsim_device *vd = to_vsim(iommu);
	enum sim_status status;
	unsigned long flags;

	vsim_refill(vd);
	raw_spin_lock_irqsave(&vsim_lock, flags);
	status = vsim_page_request(&vd->unit, req, group, last);
	raw_spin_unlock_irqrestore(&vsim_lock, flags);
	return status;
}

static int vsim_iommu_inject(struct sim_iommu *iommu, enum sim_fault fault, u32 count,
			     u64 arg)
{
	struct vsim_device *vd = to_vsim(iommu);
	unsigned long flags;

	if (fault >= SIM_FAULTS)
		return -EINVAL;
	raw_spin_lock_irqsave(&vsim_lock, flags);
	vd->unit.inject[fault].count = count;
	vd->unit.inject[fault].arg = arg;
	if (fault == SIM_FAULT_PRQ_LATE && !count)
		vsim_prq_late(&vd->unit, true);
	raw_spin_unlock_irqrestore(&vsim_lock, flags);
	return 0;
}

static const char * const vsim_counter_names[] = {
#define VSIM_COUNTER_NAME(id, name) [VSIM_N_##id] = name,
	VSIM_COUNTERS(VSIM_COUNTER_NAME)
#undef VSIM_COUNTER_NAME
};

static void vsim_iommu_count(struct sim_iommu *iommu, bool reset,
			     void (*emit)(void *arg, const char *name, u64 value), void *arg)
{
	struct vsim_device *vd = to_vsim(iommu);
	u64 counters[VSIM_NUM_COUNTERS];
	unsigned long flags;
	unsigned int i;

	raw_spin_lock_irqsave(&vsim_lock, flags);
	vsim_cache_stale(&vd->unit);
	memcpy(counters, vd->unit.counters, sizeof(counters));
	if (reset)
		memset(vd->unit.counters, 0, sizeof(counters));
	raw_spin_unlock_irqrestore(&vsim_lock, flags);
	for (i = 0; i < VSIM_NUM_COUNTERS; i++)
		emit(arg, vsim_counter_names[i], counters[i]);
}

static const struct sim_iommu_ops vsim_iommu_ops = {
	.access = vsim_iommu_access,
	.page_request = vsim_iommu_page_request,
	.inject = vsim_iommu_inject,
	.count = vsim_iommu_count,
};

/* A unit's own scopes first: the one with all comes after those that name it. */
static bool vsim_iommu_handles(struct sim_iommu *iommu, u16 segment, u16 rid)
{
	struct vsim_device *vd = to_vsim(iommu);
	unsigned int i;

	if (!vsim_setup_handles(&vd->setup, segment, rid))
		return false;
	if (!vd->setup.all)
		return true;
	for (i = 0; i < num_units; i++)
		if (!vsim_devices[i].setup.all &&
		    vsim_setup_handles(&vsim_devices[i].setup, segment, rid))
			return false;
	return true;
}

/*
 * What the driver flushes from the CPU's caches: see vtd_memory.c. In the kernel
 * that is clflush_cache_range() and nothing else.
 */
static void vsim_flushed(u64 phys)
{
	struct vsim_page *page = NULL;
	unsigned long flags;
	u8 line[VSIM_LINE];

	if (sim_mem_read(phys, line, sizeof(line)))
		return;
	if (!READ_ONCE(vsim_shadow.free))
		page = kmalloc(sizeof(*page), GFP_ATOMIC | __GFP_NOWARN);
	raw_spin_lock_irqsave(&vsim_lock, flags);
	if (page)
		vsim_shadow_give(&vsim_shadow, page);
	vsim_shadow_store(&vsim_shadow, phys, line);
	raw_spin_unlock_irqrestore(&vsim_lock, flags);
}

static int vsim_clflush(struct kprobe *probe, struct pt_regs *regs)
{
	unsigned long addr = regs_get_kernel_argument(regs, 0);
	unsigned long end = addr + (unsigned int)regs_get_kernel_argument(regs, 1);

	for (addr &= ~(VSIM_LINE - 1UL); addr < end; addr += VSIM_LINE)
		if (virt_addr_valid((void *)addr))
			vsim_flushed(virt_to_phys((void *)addr));
	return 0;
}

static struct kprobe vsim_probe = {
	.symbol_name = "clflush_cache_range",
	.pre_handler = vsim_clflush,
};
static bool vsim_probed;

static bool vsim_snoops(const struct vsim_setup *setup)
{
	return (setup->cfg.ecap & VSIM_ECAP_C) && (setup->cfg.ecap & VSIM_ECAP_SMPWC);
}

static void vsim_free_pages(struct vsim_shadow *shadow)
{
	struct vsim_page *page;

	vsim_shadow_clear(shadow);
	while ((page = vsim_shadow_take(shadow)))
		kfree(page);
}

static void vsim_free_entries(struct vsim_unit *u)
{
	struct vsim_entry *e;

	vsim_cache_clear(u);
	while ((e = vsim_cache_take(u)))
		kfree(e);
}

/* What a unit with CAP.RWBF can hold back; more is seen at once. */
#define VSIM_WRITE_BUFFER	256

static int vsim_alloc_write_buffer(struct vsim_unit *u)
{
	struct vsim_page *page;
	unsigned int i;

	if (!(u->cfg.cap & VSIM_CAP_RWBF))
		return 0;
	for (i = 0; i < VSIM_WRITE_BUFFER; i++) {
		page = kmalloc(sizeof(*page), GFP_KERNEL);
		if (!page)
			return -ENOMEM;
		vsim_shadow_give(&u->write_buffer, page);
	}
	return 0;
}

/* What the regmap has for a lock. (Without any it would not be in debugfs.) */
static void vsim_no_lock(void *unused)
{
}

static int vsim_device_init(struct vsim_device *vd, unsigned int index)
{
	const struct regmap_config config = {
		.name = vd->regs_name,
		.reg_bits = 32,
		.val_bits = 32,
		.reg_stride = 4,
		.max_register = VSIM_REGS - 4,
		.reg_read = vsim_regmap_read,
		.reg_write = vsim_regmap_write,
		.cache_type = REGCACHE_NONE,
		.lock = vsim_no_lock,
		.unlock = vsim_no_lock,
	};

	snprintf(vd->name, sizeof(vd->name), "vtd_sim%u", index);
	snprintf(vd->regs_name, sizeof(vd->regs_name), "%llx", vd->setup.base);
	vsim_init(&vd->unit, &vd->setup.cfg, &vsim_ops, vd);
	if (!vsim_snoops(&vd->setup))
		vd->unit.shadow = &vsim_shadow;
	INIT_DELAYED_WORK(&vd->release, vsim_release);
	INIT_DELAYED_WORK(&vd->late, vsim_late);
	vd->iommu.name = vd->name;
	vd->iommu.owner = THIS_MODULE;
	vd->iommu.ops = &vsim_iommu_ops;
	vd->iommu.handles = vsim_iommu_handles;
	vd->regmap = devm_regmap_init(&vsim_pdev->dev, NULL, vd, &config);
	if (IS_ERR(vd->regmap))
		return PTR_ERR(vd->regmap);
	return vsim_alloc_write_buffer(&vd->unit);
}

static int vsim_parse(void)
{
	char none[] = "";
	unsigned int i, j;
	int rc;

	if (!num_units) {
		unit[0] = none;
		num_units = 1;
	}
	for (i = 0; i < num_units; i++) {
		rc = vsim_setup_parse(&vsim_devices[i].setup, i, boot_cpu_data.x86_phys_bits,
				      unit[i]);
		if (rc)
			return rc;
	}
	/* 8.3: the last one of a segment has what none names, if nobody else has. */
	for (i = 0; i < num_units; i++) {
		for (j = 0; j < num_units; j++)
			if (vsim_devices[j].setup.segment == vsim_devices[i].setup.segment &&
			    (j > i || vsim_devices[j].setup.all))
				break;
		if (j == num_units && !vsim_devices[i].setup.num_scopes)
			vsim_devices[i].setup.all = true;
	}
	return 0;
}

static int vsim_create_pdev(void)
{
	struct vsim_setup *setups;
	unsigned int i;
	size_t len;
	void *dmar;
	int rc = -ENOMEM;

	setups = kcalloc(num_units, sizeof(*setups), GFP_KERNEL);
	if (!setups)
		return -ENOMEM;
	for (i = 0; i < num_units; i++)
		setups[i] = vsim_devices[i].setup;
	dmar = vsim_dmar_build(setups, num_units, &len);
	kfree(setups);
	if (!dmar)
		return -ENOMEM;
	vsim_pdev = platform_device_alloc("vtd_sim", PLATFORM_DEVID_NONE);
	if (vsim_pdev)
		rc = platform_device_add_data(vsim_pdev, dmar, len);
	kfree(dmar);
	return rc;
}

/* Nobody comes in any more. */
static void vsim_cleanup(void)
{
	unsigned int i;

	if (vsim_probed)
		unregister_kprobe(&vsim_probe);
	for (i = 0; i < num_units; i++) {
		if (!vsim_devices[i].iommu.ops)
			continue;
		cancel_delayed_work_sync(&vsim_devices[i].late);
		cancel_delayed_work_sync(&vsim_devices[i].release);
		vsim_free_entries(&vsim_devices[i].unit);
		vsim_free_pages(&vsim_devices[i].unit.write_buffer);
	}
	vsim_free_pages(&vsim_shadow);
	kfree(vsim_devices);
}

static int __init vsim_prepare(void)
{
	unsigned int i;
	int rc;

	rc = vsim_parse();
	if (!rc)
		rc = vsim_create_pdev();
	for (i = 0; !rc && i < num_units; i++)
		rc = vsim_device_init(&vsim_devices[i], i);
	for (i = 0; !rc && !vsim_probed && i < num_units; i++) {
		if (vsim_snoops(&vsim_devices[i].setup))
			continue;
		rc = register_kprobe(&vsim_probe);
		vsim_probed = !rc;
	}
	return rc;
}

static int __init vsim_module_init(void)
{
	unsigned int i = 0;
	int rc;

	vsim_devices = kcalloc(VSIM_MAX_UNITS, sizeof(*vsim_devices), GFP_KERNEL);
	if (!vsim_devices)
		return -ENOMEM;
	rc = vsim_prepare();
	for (; !rc && i < num_units; i++)
		rc = sim_iommu_register(&vsim_devices[i].iommu);
	if (!rc)
		rc = platform_device_add(vsim_pdev);
	if (!rc)
		return 0;
	while (i--)
		sim_iommu_unregister(&vsim_devices[i].iommu);
	platform_device_put(vsim_pdev);
	vsim_cleanup();
	return rc;
}
module_init(vsim_module_init);

static void __exit vsim_module_exit(void)
{
	unsigned int i;

	platform_device_unregister(vsim_pdev);
	for (i = 0; i < num_units; i++)
		sim_iommu_unregister(&vsim_devices[i].iommu);
	vsim_cleanup();
}
module_exit(vsim_module_exit);

MODULE_DESCRIPTION("VT-d units in software, for tests of IOMMU drivers");
MODULE_LICENSE("GPL");
