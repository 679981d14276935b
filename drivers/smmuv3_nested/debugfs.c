// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/kernel/debug/iommufd_sva/smmu3.0x…: the state of a unit.
 *
 *   registers	its registers
 *   devices	devices that are adopted: their streams and the entries of those
 *   faults	the last events
 *   queue	the command queue
 *   requests	page requests, and transactions that stalled
 *   walk	write "0000:00:04.0 0x1000", read the way of that DMA from the
 *		stream table to memory: a line per entry, "TABLE KEY=VALUE ..."
 *
 * The walk reads what the hardware would read, starting from STRTAB_BASE.
 */
#include <linux/bitfield.h>
#include <linux/debugfs.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "firmware.h"
#include "smmuv3.h"

static struct dentry *smmu_debugfs_root;

static int registers_show(struct seq_file *m, void *v)
{
	struct smmu_unit *unit = m->private;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(unit->idr); i++)
		seq_printf(m, "IDR%u            %#x\n", i, unit->idr[i]);
	seq_printf(m, "IIDR            %#x\n", unit->iidr);
	seq_printf(m, "AIDR            %#x\n", unit->aidr);
	seq_printf(m, "CR0             %#x\n", smmu_read32(unit, SMMUV3_CR0));
	seq_printf(m, "CR0ACK          %#x\n", smmu_read32(unit, SMMUV3_CR0ACK));
	seq_printf(m, "CR1             %#x\n", smmu_read32(unit, SMMUV3_CR1));
	seq_printf(m, "CR2             %#x\n", smmu_read32(unit, SMMUV3_CR2));
	seq_printf(m, "GBPA            %#x\n", smmu_read32(unit, SMMUV3_GBPA));
	seq_printf(m, "IRQ_CTRL        %#x\n", smmu_read32(unit, SMMUV3_IRQ_CTRL));
	seq_printf(m, "GERROR          %#x\n", smmu_read32(unit, SMMUV3_GERROR));
	seq_printf(m, "GERRORN         %#x\n", smmu_read32(unit, SMMUV3_GERRORN));
	seq_printf(m, "STRTAB_BASE     %#llx\n", smmu_read64(unit, SMMUV3_STRTAB_BASE));
	seq_printf(m, "STRTAB_BASE_CFG %#x\n", smmu_read32(unit, SMMUV3_STRTAB_BASE_CFG));
	seq_printf(m, "CMDQ_BASE       %#llx\n", smmu_read64(unit, SMMUV3_CMDQ_BASE));
	seq_printf(m, "CMDQ_PROD       %#x\n", smmu_read32(unit, SMMUV3_CMDQ_PROD));
	seq_printf(m, "CMDQ_CONS       %#x\n", smmu_read32(unit, SMMUV3_CMDQ_CONS));
	seq_printf(m, "EVENTQ_BASE     %#llx\n", smmu_read64(unit, SMMUV3_EVENTQ_BASE));
	seq_printf(m, "EVENTQ_PROD     %#x\n", smmu_read32(unit, SMMUV3_EVENTQ_PROD));
	seq_printf(m, "EVENTQ_CONS     %#x\n", smmu_read32(unit, SMMUV3_EVENTQ_CONS));
	if (!unit->priq.ring)
		return 0;
	seq_printf(m, "PRIQ_PROD       %#x\n", smmu_read32(unit, SMMUV3_PRIQ_PROD));
	seq_printf(m, "PRIQ_CONS       %#x\n", smmu_read32(unit, SMMUV3_PRIQ_CONS));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(registers);

static const char *smmu_ste_type(const struct smmuv3_ste *ste)
{
	if (!smmuv3_ste_valid(ste))
		return "invalid";
	switch (smmuv3_ste_config(ste)) {
	case SMMUV3_CONFIG_ABORT:
		return "blocked";
	case SMMUV3_CONFIG_BYPASS:
		return "pass-through";
	case SMMUV3_CONFIG_S1:
		return "stage-1";
	case SMMUV3_CONFIG_S2:
		return "stage-2";
	case SMMUV3_CONFIG_NESTED:
		return "nested";
	}
	return "invalid";
}

static void smmu_show_stream(struct seq_file *m, struct smmu_unit *unit,
			     struct smmu_stream *stream)
{
	const struct smmuv3_ste *ste = smmu_strtab_ste(unit, stream->sid);
	struct smmu_stream_user *user;

	if (stream->quarantined)
		seq_printf(m, "quarantined sid=%#x type=%s\n", stream->sid,
			   smmu_ste_type(ste));
	list_for_each_entry(user, &stream->users, node)
		seq_printf(m, "%s sid=%#x type=%s vmid=%u entry=%#llx ats=%s pri=%s\n",
			   dev_name(user->sm->base->dev), stream->sid, smmu_ste_type(ste),
			   smmuv3_ste_vmid(ste), le64_to_cpu(ste->data[0]),
			   user->sm->silent ? "silent" : user->sm->base->ats.on ? "on" : "off",
			   user->sm->host.stall ? "stall" :
			   READ_ONCE(user->sm->base->pri.on) ? "on" : "off");
}

static int devices_show(struct seq_file *m, void *v)
{
	struct smmu_unit *unit = m->private;
	struct smmu_stream *stream;
	unsigned long sid;

	mutex_lock(&unit->lock);
	xa_for_each(&unit->streams, sid, stream)
		smmu_show_stream(m, unit, stream);
	mutex_unlock(&unit->lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(devices);

static void smmu_show_fault(struct seq_file *m, const struct smmu_fault *fault)
{
	struct smmuv3_event event = smmuv3_decode_event(fault->event);

	seq_printf(m, "sid=%#x access=%s address=%#llx pasid=", event.sid,
		   !event.translated ? "none" : event.read ? "read" : "write",
		   event.address);
	if (event.ssid != SMMUV3_NO_SSID)
		seq_printf(m, "%#x", event.ssid);
	else
		seq_puts(m, "none");
	seq_printf(m, " reason=0x%02x event=%s count=%llu age_ms=%u text=\"%s\"\n",
		   event.id, smmuv3_event_name(event.id), fault->count,
		   jiffies_to_msecs(jiffies - fault->when), smmuv3_event_reason(event.id));
}

static int faults_show(struct seq_file *m, void *v)
{
	struct smmu_unit *unit = m->private;
	struct smmu_faults *faults = &unit->faults;
	u64 i;

	spin_lock(&faults->lock);
	seq_printf(m, "total count=%llu events=%llu overflows=%llu\n", faults->num,
		   faults->events, faults->overflows);
	i = faults->num > SMMU_FAULTS_KEPT ? faults->num - SMMU_FAULTS_KEPT : 0;
	for (; i < faults->num; i++)
		smmu_show_fault(m, &faults->kept[i % SMMU_FAULTS_KEPT]);
	spin_unlock(&faults->lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(faults);

static int queue_show(struct seq_file *m, void *v)
{
	struct smmu_unit *unit = m->private;
	struct smmu_cmdq *cmdq = &unit->cmdq;

	spin_lock(&cmdq->lock);
	seq_printf(m, "batches=%llu commands=%llu recoveries=%llu dead=%d\n",
		   cmdq->batches, cmdq->commands, cmdq->recoveries, cmdq->dead);
	spin_unlock(&cmdq->lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(queue);

static int requests_show(struct seq_file *m, void *v)
{
	struct smmu_unit *unit = m->private;
	struct smmu_requests *r = &unit->requests;

	seq_printf(m, "requests=%lld refused=%lld stop_markers=%lld overflows=%lld room=%u\n",
		   atomic64_read(&r->requests), atomic64_read(&r->refused),
		   atomic64_read(&r->stop_markers), atomic64_read(&r->overflows),
		   unit->base.page_requests);
	seq_printf(m, "stalls=%lld refused=%lld room=%u\n", atomic64_read(&r->stalls),
		   atomic64_read(&r->stalls_refused), unit->base.stalls);
	seq_printf(m, "answers=%lld\n", atomic64_read(&r->answers));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(requests);

/**
 * struct smmu_walk - what an open "walk" file was told
 * @unit: the unit
 * @chosen: the others are set
 * @pdev_name: the device
 * @sid: its stream ID
 * @iova: address
 */
struct smmu_walk {
	struct smmu_unit *unit;
	bool chosen;
	char pdev_name[16];
	u32 sid;
	u64 iova;
};

/* @num words at @phys, which may be anything: false unless it is memory. */
static bool smmu_peek(u64 phys, __le64 *words, unsigned int num)
{
	return pfn_valid(PHYS_PFN(phys)) &&
	       !copy_from_kernel_nofault(words, phys_to_virt(phys), num * sizeof(*words));
}

static bool smmu_peek_entry(struct seq_file *m, u64 phys, u64 *entry)
{
	__le64 word;

	if (!smmu_peek(phys, &word, 1)) {
		seq_printf(m, "result status=unreadable address=%#llx\n", phys);
		return false;
	}
	*entry = le64_to_cpu(word);
	return true;
}

/* Stage-2 descriptors (DDI 0487, D8.3): 0 valid, 1 table or page, 7:6 S2AP. */
#define SMMU_S2_VALID	BIT_ULL(0)
#define SMMU_S2_TABLE	BIT_ULL(1)
#define SMMU_S2_READ	BIT_ULL(6)
#define SMMU_S2_WRITE	BIT_ULL(7)
#define SMMU_S2_ADDR	GENMASK_ULL(47, 12)

/* Levels as Arm counts them: 0 is the highest, 3 has pages. */
static void smmu_walk_s2(struct seq_file *m, const struct smmuv3_ste *ste, u64 iova)
{
	u64 qw2 = le64_to_cpu(ste->data[2]);
	u64 table = le64_to_cpu(ste->data[3]) & SMMUV3_STE_3_S2TTB;
	unsigned int bits = 64 - FIELD_GET(SMMUV3_STE_2_S2T0SZ, qw2);
	unsigned int level = 2 - FIELD_GET(SMMUV3_STE_2_S2SL0, qw2);
	unsigned int shift, index;
	u64 entry, mask;

	if (iova >> bits) {
		seq_printf(m, "result status=too-wide bits=%u\n", bits);
		return;
	}
	/* Root tables side by side are one with a longer index. */
	for (mask = (1ULL << bits) - 1; ; level++) {
		shift = 12 + 9 * (3 - level);
		index = (iova & mask) >> shift;
		mask = (1ULL << shift) - 1;
		if (!smmu_peek_entry(m, table + index * 8, &entry))
			return;
		seq_printf(m, "s2l%u index=%u address=%#llx entry=%#llx\n", level, index,
			   table + index * 8, entry);
		if (!(entry & SMMU_S2_VALID)) {
			seq_puts(m, "result status=not-mapped\n");
			return;
		}
		if (level == 3 || !(entry & SMMU_S2_TABLE))
			break;
		table = entry & SMMU_S2_ADDR;
	}
	seq_printf(m, "result status=mapped physical=%#llx page=%#llx access=%s%s\n",
		   (entry & SMMU_S2_ADDR & ~mask) | (iova & mask), mask + 1,
		   entry & SMMU_S2_READ ? "r" : "", entry & SMMU_S2_WRITE ? "w" : "");
}

static void smmu_walk_ste(struct seq_file *m, u64 address, u32 sid, u64 iova)
{
	struct smmuv3_ste ste;

	if (!smmu_peek(address, ste.data, ARRAY_SIZE(ste.data))) {
		seq_printf(m, "result status=unreadable address=%#llx\n", address);
		return;
	}
	seq_printf(m, "ste sid=%#x address=%#llx entry=%#llx entry1=%#llx entry2=%#llx entry3=%#llx type=%s vmid=%u\n",
		   sid, address, le64_to_cpu(ste.data[0]), le64_to_cpu(ste.data[1]),
		   le64_to_cpu(ste.data[2]), le64_to_cpu(ste.data[3]), smmu_ste_type(&ste),
		   smmuv3_ste_vmid(&ste));
	if (!smmuv3_ste_valid(&ste))
		seq_puts(m, "result status=blocked\n");
	else if (smmuv3_ste_config(&ste) == SMMUV3_CONFIG_BYPASS)
		seq_printf(m, "result status=passes physical=%#llx access=rw\n", iova);
	else if (smmuv3_ste_config(&ste) == SMMUV3_CONFIG_S2)
		smmu_walk_s2(m, &ste, iova);
	else if (smmuv3_ste_config(&ste) == SMMUV3_CONFIG_NESTED)
		seq_puts(m, "result status=nested\n");
	else
		seq_puts(m, "result status=blocked\n");
}

static void smmu_walk_strtab(struct seq_file *m, struct smmu_unit *unit, u32 sid, u64 iova)
{
	u64 base = smmu_read64(unit, SMMUV3_STRTAB_BASE);
	u32 cfg = smmu_read32(unit, SMMUV3_STRTAB_BASE_CFG);
	u64 table = base & SMMUV3_STRTAB_BASE_ADDR, entry;
	u32 index = sid;

	seq_printf(m, "unit name=%s strtab_base=%#llx strtab_base_cfg=%#x\n", unit->name,
		   base, cfg);
	if ((u64)sid >> FIELD_GET(SMMUV3_STRTAB_BASE_CFG_LOG2SIZE, cfg)) {
		seq_puts(m, "result status=blocked\n");
		return;
	}
	if (FIELD_GET(SMMUV3_STRTAB_BASE_CFG_FMT, cfg) == SMMUV3_STRTAB_FMT_2LVL) {
		table += (sid >> SMMU_SPLIT) * sizeof(entry);
		if (!smmu_peek_entry(m, table, &entry))
			return;
		seq_printf(m, "l1std index=%u address=%#llx entry=%#llx\n",
			   sid >> SMMU_SPLIT, table, entry);
		table = entry & SMMUV3_STRTAB_BASE_ADDR;
		index = sid % SMMU_L2_STES;
	}
	smmu_walk_ste(m, table + index * sizeof(struct smmuv3_ste), sid, iova);
}

static int smmu_walk_show(struct seq_file *m, void *v)
{
	struct smmu_walk *walk = m->private;
	struct smmu_unit *unit = walk->unit;

	if (!walk->chosen)
		return -ENODATA;
	seq_printf(m, "request device=%s iova=%#llx\n", walk->pdev_name, walk->iova);
	/* The stream table changes under this lock only. */
	mutex_lock(&unit->lock);
	smmu_walk_strtab(m, unit, walk->sid, walk->iova);
	mutex_unlock(&unit->lock);
	return 0;
}

static int smmu_walk_open(struct inode *inode, struct file *file)
{
	struct smmu_walk *walk = kzalloc(sizeof(*walk), GFP_KERNEL);
	int rc;

	if (!walk)
		return -ENOMEM;
	walk->unit = inode->i_private;
	rc = single_open(file, smmu_walk_show, walk);
	if (rc)
		kfree(walk);
	return rc;
}

static int smmu_walk_release(struct inode *inode, struct file *file)
{
	kfree(((struct seq_file *)file->private_data)->private);
	return single_release(inode, file);
}

/* "0000:00:04.0 0x1000". -ENODEV for a device that is not behind the unit. */
static int smmu_walk_parse(struct smmu_walk *walk, const char *buf)
{
	unsigned int segment, bus, slot, func;
	struct pci_dev *pdev;
	u64 iova;
	u32 sid;
	int rc;

	if (sscanf(buf, "%x:%x:%x.%x %lli", &segment, &bus, &slot, &func, &iova) != 5 ||
	    segment > 0xffff || bus > 0xff || slot > 0x1f || func > 7)
		return -EINVAL;
	pdev = pci_get_domain_bus_and_slot(segment, bus, PCI_DEVFN(slot, func));
	if (!pdev)
		return -ENODEV;
	rc = smmuv3_fw_stream(walk->unit, pdev, &sid);
	if (!rc) {
		strscpy(walk->pdev_name, pci_name(pdev), sizeof(walk->pdev_name));
		walk->sid = sid;
		walk->iova = iova;
		walk->chosen = true;
	}
	pci_dev_put(pdev);
	return rc;
}

static ssize_t smmu_walk_write(struct file *file, const char __user *ubuf, size_t len,
			       loff_t *ppos)
{
	struct seq_file *m = file->private_data;
	char buf[64];
	int rc;

	if (len >= sizeof(buf))
		return -EINVAL;
	if (copy_from_user(buf, ubuf, len))
		return -EFAULT;
	buf[len] = 0;
	mutex_lock(&m->lock);
	rc = smmu_walk_parse(m->private, buf);
	mutex_unlock(&m->lock);
	if (rc)
		return rc;
	/* Whoever reads on reads the new walk from its start. */
	*ppos = 0;
	return len;
}

static const struct file_operations smmu_walk_fops = {
	.owner = THIS_MODULE,
	.open = smmu_walk_open,
	.read = seq_read,
	.write = smmu_walk_write,
	.llseek = seq_lseek,
	.release = smmu_walk_release,
};

void smmu_debugfs_add(struct smmu_unit *unit)
{
	struct dentry *dir = debugfs_create_dir(unit->name, smmu_debugfs_root);

	unit->debugfs = dir;
	debugfs_create_file("registers", 0400, dir, unit, &registers_fops);
	debugfs_create_file("devices", 0400, dir, unit, &devices_fops);
	debugfs_create_file("faults", 0400, dir, unit, &faults_fops);
	debugfs_create_file("queue", 0400, dir, unit, &queue_fops);
	debugfs_create_file("requests", 0400, dir, unit, &requests_fops);
	debugfs_create_file("walk", 0600, dir, unit, &smmu_walk_fops);
}

void smmu_debugfs_remove(struct smmu_unit *unit)
{
	debugfs_remove_recursive(unit->debugfs);
	unit->debugfs = NULL;
}

/* The directory is the core's. */
void smmu_debugfs_init(void)
{
	smmu_debugfs_root = debugfs_lookup("iommufd_sva", NULL);
}

void smmu_debugfs_exit(void)
{
	/* Not in a kernel without debugfs. */
	if (!IS_ERR(smmu_debugfs_root))
		dput(smmu_debugfs_root);
}
