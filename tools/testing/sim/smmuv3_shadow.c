// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory as units see it that do not snoop the CPU's caches (IDR0.COHACC is 0).
 *
 * The machine under test has no such thing: what the CPU wrote is there. So a copy is
 * kept of each cache line as it was when it was last cleaned, which the DMA API does
 * by arch_sync_dma_for_device(); a probe on that takes the copy. Memory that is mapped
 * without caches has no copy and is read as it is: it is what arch_dma_prep_coherent()
 * was called for last. A line that neither was called for since we look was never
 * cleaned.
 *
 * Not seen: a page that was mapped without caches, was freed, and is used with caches
 * now without ever having been cleaned is read as it is. What a guest writes for its
 * own stage 1 it cleans itself, by instructions that nobody sees: the model does not
 * ask for those (see ssim_fetch()).
 *
 * All of this exists only while there is a unit that does not snoop.
 */
#include <linux/dma-mapping.h>
#include <linux/hash.h>
#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/vmalloc.h>
#include "sim.h"
#include "smmuv3_shadow.h"

#define LINE		64
#define LINES		65536
#define BUCKET_BITS	14
#define RANGES		4096
/* Longer runs are buffers of devices, not tables. */
#define LONGEST		SZ_256K

/**
 * struct line - what is known of a cache line
 * @next: of its bucket; index + 1
 * @uncached: it has no copy, it is mapped without caches
 * @phys: its address
 * @bytes: as it was cleaned
 */
struct line {
	u32 next;
	bool uncached;
	u64 phys;
	u8 bytes[LINE];
};

/* What was mapped without caches. */
struct uncached {
	u64 start;
	u64 end;
};

/*
 * Protects all below; the innermost, taken inside a unit's lock and by the probes,
 * which run wherever somebody cleans a cache.
 */
static DEFINE_RAW_SPINLOCK(shadow_lock);
static struct line *lines;
static u32 *buckets;
static struct uncached *ranges;
static unsigned int num_lines, num_ranges;

static u32 *bucket_of(u64 phys)
{
	return &buckets[hash_64(phys / LINE, BUCKET_BITS)];
}

static struct line *find(u64 phys)
{
	u32 i;

	for (i = *bucket_of(phys); i; i = lines[i - 1].next)
		if (lines[i - 1].phys == phys)
			return &lines[i - 1];
	return NULL;
}

static struct line *get(u64 phys)
{
	struct line *line = find(phys);

	if (line)
		return line;
	if (num_lines == LINES)
		return NULL;
	line = &lines[num_lines++];
	line->phys = phys;
	line->next = *bucket_of(phys);
	*bucket_of(phys) = num_lines;
	return line;
}

static int on_clean(struct kprobe *probe, struct pt_regs *regs)
{
	u64 at = ALIGN_DOWN((u64)regs->regs[0], LINE), end = regs->regs[0] + regs->regs[1];
	struct line *line;
	unsigned long flags;

	if (end - at > LONGEST)
		return 0;
	raw_spin_lock_irqsave(&shadow_lock, flags);
	for (; lines && at < end; at += LINE) {
		line = get(at);
		if (!line)
			break;
		line->uncached = false;
		if (sim_mem_read(at, line->bytes, LINE))
			memset(line->bytes, 0, LINE);
	}
	raw_spin_unlock_irqrestore(&shadow_lock, flags);
	return 0;
}

static int on_uncached(struct kprobe *probe, struct pt_regs *regs)
{
	u64 start = page_to_phys((struct page *)regs->regs[0]), end = start + regs->regs[1];
	unsigned long flags;
	unsigned int i;

	raw_spin_lock_irqsave(&shadow_lock, flags);
	for (i = 0; lines && i < num_lines; i++)
		if (lines[i].phys >= start && lines[i].phys < end)
			lines[i].uncached = true;
	for (i = 0; i < num_ranges; i++)
		if (ranges[i].start <= start && ranges[i].end >= end)
			break;
	if (ranges && i == num_ranges && num_ranges < RANGES)
		ranges[num_ranges++] = (struct uncached){ start, end };
	raw_spin_unlock_irqrestore(&shadow_lock, flags);
	return 0;
}

/* Is it known what a line is that has no copy? When there is no room, one cannot tell. */
static bool is_known(u64 phys)
{
	unsigned int i;

	for (i = 0; i < num_ranges; i++)
		if (phys >= ranges[i].start && phys < ranges[i].end)
			return true;
	return num_lines == LINES || num_ranges == RANGES;
}

static struct kprobe clean_probe = {
	.symbol_name = "arch_sync_dma_for_device",
	.pre_handler = on_clean,
};

static struct kprobe uncached_probe = {
	.symbol_name = "arch_dma_prep_coherent",
	.pre_handler = on_uncached,
};

static void shadow_free(void)
{
	struct uncached *old_ranges;
	struct line *old_lines;
	u32 *old_buckets;
	unsigned long flags;

	raw_spin_lock_irqsave(&shadow_lock, flags);
	old_lines = lines;
	old_buckets = buckets;
	old_ranges = ranges;
	num_ranges = 0;
	ranges = NULL;
	lines = NULL;
	buckets = NULL;
	raw_spin_unlock_irqrestore(&shadow_lock, flags);
	vfree(old_lines);
	vfree(old_buckets);
	vfree(old_ranges);
}

/**
 * shadow_start - look at what is cleaned from now on
 *
 * Return: 0; -ENOMEM; what register_kprobe() says, -EOPNOTSUPP where the kernel has no
 * probes
 */
int shadow_start(void)
{
	int rc;

	num_lines = 0;
	lines = vcalloc(LINES, sizeof(*lines));
	buckets = vcalloc(1UL << BUCKET_BITS, sizeof(*buckets));
	ranges = vcalloc(RANGES, sizeof(*ranges));
	if (!lines || !buckets || !ranges) {
		shadow_free();
		return -ENOMEM;
	}
	rc = register_kprobe(&clean_probe);
	if (!rc) {
		rc = register_kprobe(&uncached_probe);
		if (rc)
			unregister_kprobe(&clean_probe);
	}
	if (rc)
		shadow_free();
	return rc;
}

void shadow_stop(void)
{
	unregister_kprobe(&clean_probe);
	unregister_kprobe(&uncached_probe);
	shadow_free();
}

/**
 * shadow_read - what a unit sees that does not snoop
 * @phys: address
 * @buf: where to
 * @len: bytes, all in one cache line
 *
 * Return: 0, SHADOW_UNKNOWN, -EFAULT
 */
int shadow_read(u64 phys, void *buf, size_t len)
{
	unsigned long flags;
	struct line *line;
	int rc = 0;

	raw_spin_lock_irqsave(&shadow_lock, flags);
	line = find(ALIGN_DOWN(phys, LINE));
	if (line && !line->uncached)
		memcpy(buf, line->bytes + phys % LINE, len);
	else if (sim_mem_read(phys, buf, len))
		rc = -EFAULT;
	else if (!line && !is_known(phys))
		rc = SHADOW_UNKNOWN;
	raw_spin_unlock_irqrestore(&shadow_lock, flags);
	return rc;
}

/* A unit wrote, which it does to memory. */
void shadow_write(u64 phys, const void *buf, size_t len)
{
	unsigned long flags;
	struct line *line;
	size_t part;

	raw_spin_lock_irqsave(&shadow_lock, flags);
	for (; len; len -= part, phys += part, buf += part) {
		part = min_t(size_t, len, LINE - phys % LINE);
		line = find(ALIGN_DOWN(phys, LINE));
		if (line && !line->uncached)
			memcpy(line->bytes + phys % LINE, buf, part);
	}
	raw_spin_unlock_irqrestore(&shadow_lock, flags);
}
