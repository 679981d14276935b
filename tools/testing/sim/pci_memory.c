// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory as a device sees it: RAM at physical addresses, nothing else.
 *
 * What is RAM is asked once, at load: looking it up takes a lock of the kernel
 * that not every caller may take. Memory plugged in later is not seen.
 */
#include <linux/export.h>
#include <linux/ioport.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "pci.h"

struct ram {
	u64 start;
	u64 end;	/* the first address behind it */
};

static struct ram *ram;
static unsigned int ram_num;

static int ram_add(u64 start, u64 size)
{
	struct ram *grown;

	if (ram_num && ram[ram_num - 1].end == start) {
		ram[ram_num - 1].end += size;
		return 0;
	}
	grown = krealloc(ram, (ram_num + 1) * sizeof(*ram), GFP_KERNEL);
	if (!grown)
		return -ENOMEM;
	ram = grown;
	ram[ram_num].start = start;
	ram[ram_num].end = start + size;
	ram_num++;
	return 0;
}

/* Halve @start, @size, a power of two, until each part is RAM or is not. */
static int ram_find(u64 start, u64 size)
{
	int rc;

	switch (region_intersects(start, size, IORESOURCE_SYSTEM_RAM, IORES_DESC_NONE)) {
	case REGION_INTERSECTS:
		return ram_add(start, size);
	case REGION_MIXED:
		if (size <= PAGE_SIZE)
			return 0;
		rc = ram_find(start, size / 2);
		return rc ?: ram_find(start + size / 2, size / 2);
	default:
		return 0;
	}
}

static void *to_ram(u64 phys, size_t len)
{
	unsigned int i;
	u64 page;

	for (i = 0; i < ram_num; i++)
		if (phys >= ram[i].start && phys < ram[i].end)
			break;
	if (i == ram_num || len > ram[i].end - phys)
		return NULL;
	for (page = phys & PAGE_MASK; page < phys + len; page += PAGE_SIZE)
		if (!pfn_valid(PHYS_PFN(page)))
			return NULL;
	return phys_to_virt(phys);
}

/**
 * sim_mem_read - read RAM as a device does
 * @phys: physical address
 * @buf: where to
 * @len: how much; 8 bytes at a multiple of 8 are read at once
 *
 * Return: 0, -EFAULT where no RAM is
 */
int sim_mem_read(u64 phys, void *buf, size_t len)
{
	void *from = to_ram(phys, len);

	if (!from || copy_from_kernel_nofault(buf, from, len))
		return -EFAULT;
	return 0;
}
EXPORT_SYMBOL_GPL(sim_mem_read);

/* Is it mapped? A kernel that looks for errors unmaps what is free. */
static bool is_mapped(const void *to, size_t len)
{
	u8 byte;

	return !copy_from_kernel_nofault(&byte, to, 1) &&
	       !copy_from_kernel_nofault(&byte, to + len - 1, 1);
}

/**
 * sim_mem_write - write RAM as a device does
 * @phys: physical address
 * @buf: where from
 * @len: how much; 8 bytes at a multiple of 8 are written at once
 *
 * Return: 0, -EFAULT where no RAM is
 */
int sim_mem_write(u64 phys, const void *buf, size_t len)
{
	void *to = to_ram(phys, len);
	size_t done = 0;
	u64 word;

	if (!to)
		return -EFAULT;
	if (!len)
		return 0;
	if (!is_mapped(to, len))
		return -EFAULT;
	if (IS_ALIGNED(phys, sizeof(word))) {
		for (; len - done >= sizeof(word); done += sizeof(word)) {
			memcpy(&word, buf + done, sizeof(word));
			WRITE_ONCE(*(u64 *)(to + done), word);
		}
	}
	if (len - done == sizeof(u32) && IS_ALIGNED(phys, sizeof(u32))) {
		u32 half;

		memcpy(&half, buf + done, sizeof(half));
		WRITE_ONCE(*(u32 *)(to + done), half);
		done = len;
	}
	memcpy(to + done, buf + done, len - done);
	return 0;
}
EXPORT_SYMBOL_GPL(sim_mem_write);

/**
 * sim_mem_cmpxchg64 - change RAM only if it is what it was
 * @phys: physical address, a multiple of 8
 * @old: what is expected; out: what was there
 * @new: what to put there
 *
 * Return: 0, -EAGAIN when something else than @old was there, -EFAULT where no RAM
 * is
 */
int sim_mem_cmpxchg64(u64 phys, u64 *old, u64 new)
{
	u64 *to = to_ram(phys, sizeof(new));
	u64 was;

	if (!to || !IS_ALIGNED(phys, sizeof(new)) || !is_mapped(to, sizeof(new)))
		return -EFAULT;
	was = cmpxchg(to, *old, new);
	if (was == *old)
		return 0;
	*old = was;
	return -EAGAIN;
}
EXPORT_SYMBOL_GPL(sim_mem_cmpxchg64);

int sim_memory_init(void)
{
	int rc = ram_find(0, BIT_ULL(52));

	if (rc)
		sim_memory_exit();
	return rc;
}

void sim_memory_exit(void)
{
	kfree(ram);
	ram = NULL;
	ram_num = 0;
}
