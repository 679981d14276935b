// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/kernel/debug/iommufd_sva/dmarN: the state of a unit.
 *
 *   registers	its registers
 *   devices	functions that have a PASID table of their own, and their entries:
 *		that of requests without a PASID, and of each PASID
 *   faults	the last faults
 *   queue	the invalidation queue
 *   page_requests	the page request queue
 *   walk	write "0000:00:04.0 0x1000", or "0000:00:04.0 0x1000 PASID", read
 *		the way of that DMA from the root table to memory: a line per
 *		entry, "TABLE KEY=VALUE ..."
 *
 * The walk reads what the hardware would read, starting from RTADDR_REG.
 */
#include <linux/bitfield.h>
#include <linux/debugfs.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "vtd.h"

static struct dentry *vtd_debugfs_root;

static int registers_show(struct seq_file *m, void *v)
{
	struct vtd_unit *unit = m->private;

	seq_printf(m, "VER    %#x\n", vtd_read32(unit, VTD_VER_REG));
	seq_printf(m, "CAP    %#llx\n", vtd_read64(unit, VTD_CAP_REG));
	seq_printf(m, "ECAP   %#llx\n", vtd_read64(unit, VTD_ECAP_REG));
	seq_printf(m, "GSTS   %#x\n", vtd_read32(unit, VTD_GSTS_REG));
	seq_printf(m, "RTADDR %#llx\n", vtd_read64(unit, VTD_RTADDR_REG));
	seq_printf(m, "FSTS   %#x\n", vtd_read32(unit, VTD_FSTS_REG));
	seq_printf(m, "FECTL  %#x\n", vtd_read32(unit, VTD_FECTL_REG));
	seq_printf(m, "FEDATA %#x\n", vtd_read32(unit, VTD_FEDATA_REG));
	seq_printf(m, "FEADDR %#x\n", vtd_read32(unit, VTD_FEADDR_REG));
	seq_printf(m, "IQH    %#llx\n", vtd_read64(unit, VTD_IQH_REG));
	seq_printf(m, "IQT    %#llx\n", vtd_read64(unit, VTD_IQT_REG));
	seq_printf(m, "IQA    %#llx\n", vtd_read64(unit, VTD_IQA_REG));
	if (!(unit->ecap & VTD_ECAP_PRS))
		return 0;
	seq_printf(m, "PQH    %#llx\n", vtd_read64(unit, VTD_PQH_REG));
	seq_printf(m, "PQT    %#llx\n", vtd_read64(unit, VTD_PQT_REG));
	seq_printf(m, "PQA    %#llx\n", vtd_read64(unit, VTD_PQA_REG));
	seq_printf(m, "PRS    %#x\n", vtd_read32(unit, VTD_PRS_REG));
	seq_printf(m, "PECTL  %#x\n", vtd_read32(unit, VTD_PECTL_REG));
	seq_printf(m, "PEDATA %#x\n", vtd_read32(unit, VTD_PEDATA_REG));
	seq_printf(m, "PEADDR %#x\n", vtd_read32(unit, VTD_PEADDR_REG));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(registers);

static const char *vtd_pasid_entry_type(const struct vtd_pasid_entry *entry)
{
	if (!vtd_pasid_entry_present(entry))
		return "blocked";
	switch (vtd_pasid_entry_pgtt(entry)) {
	case VTD_PGTT_FIRST_STAGE:
		return "first-stage";
	case VTD_PGTT_SECOND_STAGE:
		return "second-stage";
	case VTD_PGTT_NESTED:
		return "nested";
	case VTD_PGTT_PASS_THROUGH:
		return "pass-through";
	}
	return "invalid";
}

static void vtd_show_entry(struct seq_file *m, struct vtd_unit *unit, u16 sid, u32 pasid,
			   const struct vtd_pasid_entry *entry)
{
	seq_printf(m, "%04x:%02x:%02x.%x", unit->drhd->segment, sid >> 8, PCI_SLOT(sid),
		   PCI_FUNC(sid));
	if (pasid != VTD_RID_PASID)
		seq_printf(m, " pasid=%u", pasid);
	seq_printf(m, " type=%s did=%u entry=%#llx\n", vtd_pasid_entry_type(entry),
		   vtd_pasid_entry_did(entry), entry->qw[0]);
}

/* Entries of a function that are shown: a guest's PASID table can have a million. */
#define VTD_SHOWN_MAX	1000U

/* A function whose context entry is not that of everybody. */
static void vtd_show_device(struct seq_file *m, struct vtd_unit *unit, u16 sid)
{
	struct vtd_context_entry *context = vtd_context_entry(unit, sid);
	const struct vtd_pasid_entry *leaf;
	u32 first, end, i, shown = 0;
	const u64 *dir;

	if (context->qw[0] == unit->identity_context[0].qw[0])
		return;
	dir = phys_to_virt(context->qw[0] & VTD_PTR_MASK);
	end = vtd_pasid_dir_entries(vtd_context_pdts(context)) * VTD_PASID_LEAF_ENTRIES;
	for (first = 0; first < end; first += VTD_PASID_LEAF_ENTRIES) {
		leaf = vtd_pasid_leaf(dir, first);
		for (i = 0; leaf && i < VTD_PASID_LEAF_ENTRIES; i++) {
			if (first + i != VTD_RID_PASID && !vtd_pasid_entry_present(&leaf[i]))
				continue;
			if (shown++ < VTD_SHOWN_MAX)
				vtd_show_entry(m, unit, sid, first + i, &leaf[i]);
		}
	}
	if (shown > VTD_SHOWN_MAX)
		seq_printf(m, "%04x:%02x:%02x.%x and %u more\n", unit->drhd->segment, sid >> 8,
			   PCI_SLOT(sid), PCI_FUNC(sid), shown - VTD_SHOWN_MAX);
}

static int devices_show(struct seq_file *m, void *v)
{
	struct vtd_unit *unit = m->private;
	unsigned int half, i;

	mutex_lock(&unit->lock);
	for (half = 0; half < ARRAY_SIZE(unit->contexts); half++)
		for (i = 0; unit->contexts[half] && i < VTD_CONTEXT_ENTRIES; i++)
			vtd_show_device(m, unit, half * VTD_CONTEXT_ENTRIES + i);
	mutex_unlock(&unit->lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(devices);

static void vtd_show_fault(struct seq_file *m, struct vtd_unit *unit,
			   const struct vtd_fault *fault)
{
	const char *advice;

	seq_printf(m, "%04x:%02x:%02x.%x access=%s address=%#llx pasid=",
		   unit->drhd->segment, fault->sid >> 8, PCI_SLOT(fault->sid),
		   PCI_FUNC(fault->sid), fault->write ? "write" : "read", fault->addr);
	if (fault->has_pasid)
		seq_printf(m, "%#x", fault->pasid);
	else
		seq_puts(m, "none");
	seq_printf(m, " reason=0x%02x age_ms=%u text=\"%s\"\n", fault->reason,
		   jiffies_to_msecs(jiffies - fault->when),
		   vtd_fault_reason(fault->reason, &advice));
}

static int faults_show(struct seq_file *m, void *v)
{
	struct vtd_unit *unit = m->private;
	struct vtd_faults *faults = &unit->faults;
	u64 i;

	spin_lock(&faults->lock);
	seq_printf(m, "total count=%llu overflows=%llu\n", faults->count, faults->overflows);
	i = faults->count > VTD_FAULTS_KEPT ? faults->count - VTD_FAULTS_KEPT : 0;
	for (; i < faults->count; i++)
		vtd_show_fault(m, unit, &faults->kept[i % VTD_FAULTS_KEPT]);
	spin_unlock(&faults->lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(faults);

static int queue_show(struct seq_file *m, void *v)
{
	struct vtd_unit *unit = m->private;
	struct vtd_qi *qi = &unit->qi;

	spin_lock(&qi->lock);
	seq_printf(m, "batches=%llu descriptors=%llu recoveries=%llu dead=%d skipped=%lld\n",
		   qi->batches, qi->descs, qi->recoveries, qi->dead,
		   atomic64_read(&unit->skipped));
	spin_unlock(&qi->lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(queue);

static int page_requests_show(struct seq_file *m, void *v)
{
	struct vtd_unit *unit = m->private;
	struct vtd_prq *prq = &unit->prq;
	struct iommufd_sva_master *master;
	unsigned long rid;

	spin_lock(&prq->lock);
	seq_printf(m, "room=%u requests=%llu stop_markers=%llu unknown=%llu invalid=%llu overflows=%llu responses=%lld unmatched=%lld\n",
		   unit->base.page_requests, prq->read, prq->stop_markers,
		   prq->unknown, prq->invalid, prq->overflows,
		   atomic64_read(&prq->responses), atomic64_read(&prq->unmatched));
	xa_for_each(&prq->masters, rid, master)
		seq_printf(m, "%s credits=%u response_pasid=%d\n", dev_name(master->dev),
			   master->pri.credits, master->pri.response_pasid);
	spin_unlock(&prq->lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(page_requests);

/**
 * struct vtd_walk - what an open "walk" file was told
 * @unit: the unit
 * @chosen: the others are set
 * @sid: requester ID
 * @iova: address
 * @pasid: PASID, or IOMMUFD_SVA_NO_PASID
 */
struct vtd_walk {
	struct vtd_unit *unit;
	bool chosen;
	u16 sid;
	u64 iova;
	u32 pasid;
};

/* @num quad words at @phys, which may be anything: false unless it is memory. */
static bool vtd_peek(u64 phys, u64 *qw, unsigned int num)
{
	return pfn_valid(PHYS_PFN(phys)) &&
	       !copy_from_kernel_nofault(qw, phys_to_virt(phys), num * sizeof(*qw));
}

/* Second-stage entries (9.8): 0 R, 1 W, 7 PS, 51:12 address. */
#define VTD_SS_RW	GENMASK_ULL(1, 0)
#define VTD_SS_PS	BIT_ULL(7)
#define VTD_SS_ADDR	GENMASK_ULL(51, 12)

static void vtd_walk_tables(struct seq_file *m, u64 table, unsigned int levels, u64 iova)
{
	unsigned int level, index, shift;
	u64 access = VTD_SS_RW;
	u64 entry, mask;

	for (level = levels; level; level--) {
		shift = 12 + 9 * (level - 1);
		index = vtd_get_bits(iova, shift + 8, shift);
		if (!vtd_peek(table + index * 8, &entry, 1)) {
			seq_printf(m, "result status=unreadable address=%#llx\n",
				   table + index * 8);
			return;
		}
		seq_printf(m, "ss%u index=%u address=%#llx entry=%#llx\n", level, index,
			   table + index * 8, entry);
		access &= entry;
		if (!access) {
			seq_puts(m, "result status=not-mapped\n");
			return;
		}
		if (level == 1 || (level <= 3 && (entry & VTD_SS_PS)))
			break;
		table = entry & VTD_SS_ADDR;
	}
	mask = (1ULL << shift) - 1;
	seq_printf(m, "result status=mapped physical=%#llx page=%#llx access=%s%s\n",
		   (entry & VTD_SS_ADDR & ~mask) | (iova & mask), mask + 1,
		   access & BIT_ULL(0) ? "r" : "", access & BIT_ULL(1) ? "w" : "");
}

static void vtd_walk_pasid(struct seq_file *m, const struct vtd_context_entry *context,
			   u32 pasid, u64 iova)
{
	u32 index = pasid / VTD_PASID_LEAF_ENTRIES;
	u64 addr = (context->qw[0] & VTD_PTR_MASK) + index * sizeof(u64);
	struct vtd_pasid_entry entry;
	u64 pointer;

	if (index >= vtd_pasid_dir_entries(vtd_context_pdts(context))) {
		seq_puts(m, "result status=blocked\n");
		return;
	}
	if (!vtd_peek(addr, &pointer, 1)) {
		seq_printf(m, "result status=unreadable address=%#llx\n", addr);
		return;
	}
	seq_printf(m, "pasid_dir index=%u address=%#llx entry=%#llx\n", index, addr, pointer);
	index = pasid % VTD_PASID_LEAF_ENTRIES;
	addr = (pointer & VTD_PTR_MASK) + index * sizeof(entry);
	if (!(pointer & VTD_PRESENT) || !vtd_peek(addr, entry.qw, ARRAY_SIZE(entry.qw))) {
		seq_puts(m, "result status=blocked\n");
		return;
	}
	seq_printf(m, "pasid index=%u address=%#llx entry=%#llx entry1=%#llx type=%s did=%u\n",
		   index, addr, entry.qw[0], entry.qw[1], vtd_pasid_entry_type(&entry),
		   vtd_pasid_entry_did(&entry));
	if (!vtd_pasid_entry_present(&entry))
		seq_puts(m, "result status=blocked\n");
	else if (vtd_pasid_entry_pgtt(&entry) == VTD_PGTT_PASS_THROUGH)
		seq_printf(m, "result status=passes physical=%#llx access=rw\n", iova);
	else if (vtd_pasid_entry_pgtt(&entry) == VTD_PGTT_NESTED)
		/* The tables of first stage are a guest's: its addresses, not ours. */
		seq_printf(m, "result status=nested first=%#llx\n", entry.qw[2]);
	else
		vtd_walk_tables(m, entry.qw[0] & VTD_PTR_MASK,
				vtd_get_bits(entry.qw[0], 4, 2) + 2, iova);
}

static void vtd_walk_root(struct seq_file *m, struct vtd_unit *unit, u16 sid, u32 pasid,
			  u64 iova)
{
	bool tagged = pasid != IOMMUFD_SVA_NO_PASID;
	u64 rtaddr = vtd_read64(unit, VTD_RTADDR_REG);
	struct vtd_context_entry context;
	u64 half, addr;

	seq_printf(m, "unit name=%s rtaddr=%#llx\n", unit->name, rtaddr);
	addr = (rtaddr & VTD_PTR_MASK) + sid / VTD_CONTEXT_ENTRIES * sizeof(half);
	if (!vtd_peek(addr, &half, 1)) {
		seq_printf(m, "result status=unreadable address=%#llx\n", addr);
		return;
	}
	seq_printf(m, "root index=%u half=%s address=%#llx entry=%#llx\n", sid >> 8,
		   sid & 0x80 ? "upper" : "lower", addr, half);
	addr = (half & VTD_PTR_MASK) + sid % VTD_CONTEXT_ENTRIES * sizeof(context);
	if (!(half & VTD_PRESENT) ||
	    !vtd_peek(addr, context.qw, ARRAY_SIZE(context.qw))) {
		seq_puts(m, "result status=blocked\n");
		return;
	}
	seq_printf(m, "context index=%u address=%#llx entry=%#llx\n",
		   (unsigned int)(sid % VTD_CONTEXT_ENTRIES), addr, context.qw[0]);
	if ((context.qw[0] & VTD_PRESENT) &&
	    (!tagged || vtd_context_pasid_enabled(&context)))
		vtd_walk_pasid(m, &context, tagged ? pasid : VTD_RID_PASID, iova);
	else
		seq_puts(m, "result status=blocked\n");
}

static int vtd_walk_show(struct seq_file *m, void *v)
{
	struct vtd_walk *walk = m->private;
	struct vtd_unit *unit = walk->unit;

	if (!walk->chosen)
		return -ENODATA;
	seq_printf(m, "request device=%04x:%02x:%02x.%x iova=%#llx",
		   unit->drhd->segment, walk->sid >> 8, PCI_SLOT(walk->sid),
		   PCI_FUNC(walk->sid), walk->iova);
	if (walk->pasid != IOMMUFD_SVA_NO_PASID)
		seq_printf(m, " pasid=%u", walk->pasid);
	seq_putc(m, '\n');
	/* Tables above the page tables change under this lock only. */
	mutex_lock(&unit->lock);
	vtd_walk_root(m, unit, walk->sid, walk->pasid, walk->iova);
	mutex_unlock(&unit->lock);
	return 0;
}

static int vtd_walk_open(struct inode *inode, struct file *file)
{
	struct vtd_walk *walk = kzalloc(sizeof(*walk), GFP_KERNEL);
	int rc;

	if (!walk)
		return -ENOMEM;
	walk->unit = inode->i_private;
	rc = single_open(file, vtd_walk_show, walk);
	if (rc)
		kfree(walk);
	return rc;
}

static int vtd_walk_release(struct inode *inode, struct file *file)
{
	kfree(((struct seq_file *)file->private_data)->private);
	return single_release(inode, file);
}

static ssize_t vtd_walk_write(struct file *file, const char __user *ubuf, size_t len,
			      loff_t *ppos)
{
	struct seq_file *m = file->private_data;
	struct vtd_walk *walk = m->private;
	unsigned int segment, bus, slot, func, pasid = IOMMUFD_SVA_NO_PASID;
	char buf[64];
	u64 iova;

	if (len >= sizeof(buf))
		return -EINVAL;
	if (copy_from_user(buf, ubuf, len))
		return -EFAULT;
	buf[len] = 0;
	/* Without the last of them it is a request without a PASID. */
	if (sscanf(buf, "%x:%x:%x.%x %lli %u", &segment, &bus, &slot, &func, &iova,
		   &pasid) < 5 ||
	    segment != walk->unit->drhd->segment || bus > 0xff || slot > 0x1f || func > 7)
		return -EINVAL;
	mutex_lock(&m->lock);
	walk->sid = PCI_DEVID(bus, PCI_DEVFN(slot, func));
	walk->iova = iova;
	walk->pasid = pasid;
	walk->chosen = true;
	mutex_unlock(&m->lock);
	/* Whoever reads on reads the new walk from its start. */
	*ppos = 0;
	return len;
}

static const struct file_operations vtd_walk_fops = {
	.owner = THIS_MODULE,
	.open = vtd_walk_open,
	.read = seq_read,
	.write = vtd_walk_write,
	.llseek = seq_lseek,
	.release = vtd_walk_release,
};

void vtd_debugfs_add(struct vtd_unit *unit)
{
	struct dentry *dir = debugfs_create_dir(unit->name, vtd_debugfs_root);

	unit->debugfs = dir;
	debugfs_create_file("registers", 0400, dir, unit, &registers_fops);
	debugfs_create_file("devices", 0400, dir, unit, &devices_fops);
	debugfs_create_file("faults", 0400, dir, unit, &faults_fops);
	debugfs_create_file("queue", 0400, dir, unit, &queue_fops);
	debugfs_create_file("page_requests", 0400, dir, unit, &page_requests_fops);
	debugfs_create_file("walk", 0600, dir, unit, &vtd_walk_fops);
}

void vtd_debugfs_remove(struct vtd_unit *unit)
{
	debugfs_remove_recursive(unit->debugfs);
	unit->debugfs = NULL;
}

/* The directory is the core's. */
void vtd_debugfs_init(void)
{
	vtd_debugfs_root = debugfs_lookup("iommufd_sva", NULL);
}

void vtd_debugfs_exit(void)
{
	/* Not in a kernel without debugfs. */
	if (!IS_ERR(vtd_debugfs_root))
		dput(vtd_debugfs_root);
}
