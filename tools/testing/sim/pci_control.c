// SPDX-License-Identifier: GPL-2.0-only
/* /dev/iommufd_sva_sim: see iommufd_sva_sim.h. */
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "pci.h"

#define MAX_DMA		SZ_1M
#define MAX_TEXT	SZ_64K

static int ioctl_add(void *arg)
{
	struct sim_add *add = arg;
	struct sim_function *fn;
	int rc;

	pci_lock_rescan_remove();
	rc = sim_function_add(add, &fn);
	if (!rc) {
		add->out_bdf = sim_bdf(fn);
		rc = sim_enumerate(fn);
		if (rc) {
			sim_function_kill(fn);
			sim_function_unplug(fn);
		}
	}
	pci_unlock_rescan_remove();
	return rc;
}

/* Under the rescan lock. */
static int remove_function(struct sim_function *fn, u32 flags)
{
	bool was_gone = READ_ONCE(fn->gone);

	if (fn->type == SIM_VF)
		return -EINVAL;
	if (flags)
		sim_function_kill(fn);
	if (flags & SIM_REMOVE_SILENT)
		return was_gone ? -ENODEV : 0;
	sim_tell_gone(fn, flags || was_gone);
	sim_function_kill(fn);
	sim_function_unplug(fn);
	return 0;
}

static int ioctl_remove(void *arg)
{
	struct sim_remove *remove = arg;
	struct sim_segment *segment = sim_segment(remove->bdf >> 16);
	struct sim_function *fn = NULL;
	int rc = -ENODEV;

	if (remove->flags & ~(SIM_REMOVE_SURPRISE | SIM_REMOVE_SILENT) || remove->__reserved)
		return -EOPNOTSUPP;
	pci_lock_rescan_remove();
	if (segment)
		fn = sim_function_find(segment, remove->bdf & 0xffff);
	if (fn)
		rc = remove_function(fn, remove->flags);
	pci_unlock_rescan_remove();
	return rc;
}

static int ioctl_dma(void *arg)
{
	struct sim_dma *dma = arg;
	void __user *user = u64_to_user_ptr(dma->buf);
	struct sim_function *fn;
	int rc = -EFAULT;
	void *buf;

	if (!dma->len || dma->len > MAX_DMA || dma->addr + dma->len - 1 < dma->addr)
		return -EINVAL;
	fn = sim_function_get(dma->bdf);
	if (!fn)
		return -ENODEV;
	buf = kvzalloc(dma->len, GFP_KERNEL);
	if (!buf) {
		sim_function_put(fn);
		return -ENOMEM;
	}
	if (dma->flags & SIM_DMA_WRITE && copy_from_user(buf, user, dma->len))
		goto out;
	rc = sim_dma(fn, dma, buf);
	if (!rc && !(dma->flags & SIM_DMA_WRITE) && copy_to_user(user, buf, dma->done))
		rc = -EFAULT;
out:
	kvfree(buf);
	sim_function_put(fn);
	return rc;
}

static int ioctl_ats(void *arg)
{
	struct sim_ats *ats = arg;
	struct sim_function *fn = sim_function_get(ats->bdf);
	int rc;

	if (!fn)
		return -ENODEV;
	rc = sim_ats(fn, ats);
	sim_function_put(fn);
	return rc;
}

static int ioctl_page_request(void *arg)
{
	struct sim_page_request *pr = arg;
	struct sim_function *fn = sim_function_get(pr->bdf);
	int rc;

	if (!fn)
		return -ENODEV;
	rc = sim_page_request(fn, pr);
	sim_function_put(fn);
	return rc;
}

static int ioctl_inject(void *arg)
{
	struct sim_inject *inject = arg;

	if (inject->fault >= SIM_FAULTS)
		return -EINVAL;
	return sim_iommu_inject(inject);
}

struct text {
	char *at;
	size_t len;
};

/* Any context. */
static void emit(void *arg, const char *name, u64 value)
{
	struct text *text = arg;

	text->len += scnprintf(text->at + text->len, MAX_TEXT - text->len, "%s %llu\n", name,
			       value);
}

static int count(const struct sim_counters *counters, struct text *text)
{
	bool reset = counters->flags & SIM_COUNTERS_RESET;
	struct sim_function *fn;
	int rc;

	if (counters->unit != ~0U)
		return sim_iommu_count(counters->unit, reset, emit, text);
	fn = sim_function_get(counters->bdf);
	if (!fn)
		return -ENODEV;
	rc = sim_device_counters(fn, reset, emit, text);
	sim_function_put(fn);
	return rc;
}

static int ioctl_counters(void *arg)
{
	struct sim_counters *counters = arg;
	struct text text = {};
	int rc;

	if (counters->flags & ~SIM_COUNTERS_RESET || counters->__reserved)
		return -EOPNOTSUPP;
	text.at = kvzalloc(MAX_TEXT, GFP_KERNEL);
	if (!text.at)
		return -ENOMEM;
	rc = count(counters, &text);
	if (!rc && text.len >= counters->len)
		rc = -EMSGSIZE;
	if (!rc && copy_to_user(u64_to_user_ptr(counters->buf), text.at, text.len + 1))
		rc = -EFAULT;
	counters->len = text.len;
	kvfree(text.at);
	return rc;
}

/**
 * struct command - an ioctl
 * @cmd: its number
 * @size: of its struct
 * @min_size: of the oldest one that is taken
 * @do_it: what it does with a copy of it
 */
struct command {
	unsigned int cmd;
	u32 size;
	u32 min_size;
	int (*do_it)(void *arg);
};

union any_arg {
	u32 size;
	struct sim_add add;
	struct sim_remove remove;
	struct sim_dma dma;
	struct sim_ats ats;
	struct sim_page_request page_request;
	struct sim_inject inject;
	struct sim_counters counters;
};

#define COMMAND(_cmd, _type, _last, _fn) {                                     \
	.cmd = _cmd,                                                           \
	.size = sizeof(_type),                                                 \
	.min_size = offsetofend(_type, _last),                                 \
	.do_it = _fn,                                                          \
}

static const struct command commands[] = {
	COMMAND(SIM_ADD, struct sim_add, out_bdf, ioctl_add),
	COMMAND(SIM_REMOVE, struct sim_remove, __reserved, ioctl_remove),
	COMMAND(SIM_DMA, struct sim_dma, phys, ioctl_dma),
	COMMAND(SIM_ATS, struct sim_ats, length, ioctl_ats),
	COMMAND(SIM_PAGE_REQUEST, struct sim_page_request, __reserved, ioctl_page_request),
	COMMAND(SIM_INJECT, struct sim_inject, arg, ioctl_inject),
	COMMAND(SIM_COUNTERS, struct sim_counters, buf, ioctl_counters),
};

/* The size is in the struct; that in the number of the ioctl is this header's. */
static const struct command *find_command(unsigned int cmd)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (_IOC_TYPE(cmd) == _IOC_TYPE(commands[i].cmd) &&
		    _IOC_NR(cmd) == _IOC_NR(commands[i].cmd))
			return &commands[i];
	return NULL;
}

static long sim_ioctl(struct file *file, unsigned int cmd, unsigned long uptr)
{
	const struct command *command = find_command(cmd);
	void __user *user = (void __user *)uptr;
	union any_arg arg = {};
	u32 size;
	int rc;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (!command)
		return -ENOTTY;
	if (get_user(size, (u32 __user *)user))
		return -EFAULT;
	if (size < command->min_size)
		return -EINVAL;
	rc = copy_struct_from_user(&arg, command->size, user, size);
	if (rc)
		return rc;
	arg.size = command->size;
	rc = command->do_it(&arg);
	arg.size = size;
	if (copy_to_user(user, &arg, min(size, command->size)))
		return -EFAULT;
	return rc;
}

static const struct file_operations sim_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = sim_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice sim_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "iommufd_sva_sim",
	.fops = &sim_fops,
	.mode = 0600,
};

int sim_control_init(void)
{
	return misc_register(&sim_misc);
}

void sim_control_exit(void)
{
	misc_deregister(&sim_misc);
}
