// SPDX-License-Identifier: GPL-2.0-only
/*
 * The stream table (3.3.1), linear or of two levels.
 *
 * At first every stream passes. With two levels all level 1 descriptors lead to
 * one and the same table of bypass entries, so that whatever can emit behind the
 * unit passes, whether firmware names it, it is plugged in later, or is no PCI
 * function at all. 256 streams get a table of their own when one of them is
 * adopted: at first a copy, so that it does not matter which of the two the
 * hardware looks at. From then on every change of an entry invalidates the
 * descriptor above it too (CMD_CFGI_STE with Leaf clear).
 *
 * How an entry is replaced while requests go through it (3.21.3):
 *
 * The hardware reads 64 bits at once and no more. In place an entry can be changed
 * without a hit where a single word tells the old from the new one (ste.c): from
 * and to abort and bypass, or one context descriptor for another. From one stage
 * 2 to another two words change, S2VMID and S2TTB. So with two levels the table of
 * 256 entries is copied, the copy changed while nobody sees it, and the 64-bit
 * descriptor that leads to it stored at once: a fetch reads the descriptor once
 * and then one table, and sees all of the old entry or all of the new one. The old
 * table is not touched again before the invalidation of its descriptor has
 * completed. So replacing is hitless from every translation to every other; with a
 * linear table, where that cannot be, DMA is cut off for a moment.
 */
#include <linux/dma-mapping.h>
#include <linux/slab.h>
#include "firmware.h"
#include "smmuv3.h"

/*
 * Bits of a stream ID that the table has in any case, if the unit has them: 16 are
 * a PCI segment. That is 32 KiB of level 1. With two levels the table is larger
 * where firmware names higher ones: 2 MiB; a linear table has 8 MiB at most.
 */
#define SMMU_MIN_LOG2		20
#define SMMU_MAX_LOG2		26
#define SMMU_MAX_LINEAR_LOG2	17

#define SMMU_L2_BYTES	(SMMU_L2_STES * sizeof(struct smmuv3_ste))

static size_t smmu_linear_bytes(struct smmu_strtab *strtab)
{
	return sizeof(struct smmuv3_ste) << strtab->log2;
}

static unsigned int smmu_num_l1(struct smmu_strtab *strtab)
{
	return 1U << (strtab->log2 - SMMU_SPLIT);
}

void smmu_strtab_bypass(struct smmu_unit *unit, struct smmuv3_ste *ste)
{
	smmuv3_make_bypass_ste(ste, unit->idr[1] & SMMUV3_IDR1_ATTR_TYPES_OVR);
}

/* Each entry lets its stream pass. */
static void smmu_fill_bypass(struct smmu_unit *unit, struct smmuv3_ste *stes,
			     unsigned int num)
{
	struct smmuv3_ste bypass;
	unsigned int i;

	smmu_strtab_bypass(unit, &bypass);
	for (i = 0; i < num; i++)
		stes[i] = bypass;
}

/* A level 2 table of such entries. */
static struct smmuv3_ste *smmu_alloc_bypass(struct smmu_unit *unit, dma_addr_t *dma)
{
	struct smmuv3_ste *l2 = dma_alloc_coherent(unit->dev, SMMU_L2_BYTES, dma, GFP_KERNEL);

	if (l2)
		smmu_fill_bypass(unit, l2, SMMU_L2_STES);
	return l2;
}

static void smmu_free_memory(struct smmu_unit *unit)
{
	struct smmu_strtab *strtab = &unit->strtab;

	if (strtab->memory)
		dma_free_coherent(unit->dev, strtab->memory_bytes, strtab->memory,
				  strtab->memory_dma);
	strtab->memory = NULL;
}

static void smmu_alloc_memory(struct smmu_unit *unit, size_t bytes)
{
	struct smmu_strtab *strtab = &unit->strtab;

	strtab->memory_bytes = bytes;
	strtab->memory = dma_alloc_coherent(unit->dev, bytes, &strtab->memory_dma,
					    GFP_KERNEL);
}

/*
 * The table at the top: @bytes, a power of two. The hardware takes it to be aligned
 * to its size, whatever the address says (6.3.24). So it should be by the DMA API,
 * but memory of the CMA is aligned to CONFIG_CMA_ALIGNMENT pages, 1 MiB, at most:
 * where that is not enough, there is an aligned half in twice as much.
 */
static void *smmu_alloc_top(struct smmu_unit *unit, size_t bytes)
{
	struct smmu_strtab *strtab = &unit->strtab;

	smmu_alloc_memory(unit, bytes);
	if (strtab->memory && !IS_ALIGNED(strtab->memory_dma, bytes)) {
		smmu_free_memory(unit);
		smmu_alloc_memory(unit, 2 * bytes);
	}
	if (!strtab->memory)
		return NULL;
	strtab->dma = ALIGN(strtab->memory_dma, bytes);
	return strtab->memory + (strtab->dma - strtab->memory_dma);
}

static int smmu_strtab_init_linear(struct smmu_unit *unit)
{
	struct smmu_strtab *strtab = &unit->strtab;

	strtab->linear = smmu_alloc_top(unit, smmu_linear_bytes(strtab));
	if (!strtab->linear)
		return -ENOMEM;
	smmu_fill_bypass(unit, strtab->linear, 1U << strtab->log2);
	return 0;
}

static int smmu_strtab_init_two_level(struct smmu_unit *unit)
{
	struct smmu_strtab *strtab = &unit->strtab;
	unsigned int num = smmu_num_l1(strtab), i;

	strtab->two_level = true;
	strtab->bypass = smmu_alloc_bypass(unit, &strtab->bypass_dma);
	strtab->l2 = kvcalloc(num, sizeof(*strtab->l2), GFP_KERNEL);
	strtab->l2_dma = kvcalloc(num, sizeof(*strtab->l2_dma), GFP_KERNEL);
	strtab->l1 = smmu_alloc_top(unit, num * sizeof(*strtab->l1));
	if (!strtab->bypass || !strtab->l2 || !strtab->l2_dma || !strtab->l1)
		return -ENOMEM;
	for (i = 0; i < num; i++)
		strtab->l1[i] = smmuv3_make_l1_desc(strtab->bypass_dma, SMMU_SPLIT);
	return 0;
}

static int smmu_fit_range(void *arg, u32 first, u32 count)
{
	unsigned int *bits = arg;

	*bits = max_t(unsigned int, *bits, fls(first + (count - 1)));
	return 0;
}

/* A table that lets everything pass. The hardware does not know it yet. */
int smmu_strtab_init(struct smmu_unit *unit)
{
	struct smmu_strtab *strtab = &unit->strtab;
	bool two_level = unit->sid_bits > SMMU_SPLIT &&
			 FIELD_GET(SMMUV3_IDR0_ST_LEVEL, unit->idr[0]) ==
			 SMMUV3_IDR0_ST_LEVEL_2LVL;
	unsigned int bits = SMMU_MIN_LOG2, named = 0;
	int rc;

	smmuv3_fw_for_each_stream_range(unit, smmu_fit_range, &named);
	bits = min(max(bits, named), unit->sid_bits);
	strtab->log2 = min_t(unsigned int, bits,
			     two_level ? SMMU_MAX_LOG2 : SMMU_MAX_LINEAR_LOG2);
	if (named > strtab->log2)
		smmu_warn(unit, "firmware names stream IDs of %u bits, the stream table has %u: DMA with larger ones is cut off\n",
			  named, strtab->log2);
	rc = two_level ? smmu_strtab_init_two_level(unit) : smmu_strtab_init_linear(unit);
	if (rc)
		smmu_strtab_free(unit);
	return rc;
}

static void smmu_free_l2(struct smmu_unit *unit, struct smmuv3_ste *l2, dma_addr_t dma)
{
	if (l2)
		dma_free_coherent(unit->dev, SMMU_L2_BYTES, l2, dma);
}

/* The hardware has forgotten it. */
void smmu_strtab_free(struct smmu_unit *unit)
{
	struct smmu_strtab *strtab = &unit->strtab;
	unsigned int i;

	if (strtab->l1)
		for (i = 0; strtab->l2 && strtab->l2_dma && i < smmu_num_l1(strtab); i++)
			smmu_free_l2(unit, strtab->l2[i], strtab->l2_dma[i]);
	smmu_free_memory(unit);
	smmu_free_l2(unit, strtab->bypass, strtab->bypass_dma);
	smmu_free_l2(unit, strtab->spare, strtab->spare_dma);
	kvfree(strtab->l2);
	kvfree(strtab->l2_dma);
	memset(strtab, 0, sizeof(*strtab));
}

/* Tell the hardware where the table is. Only while it does not translate. */
void smmu_strtab_show(struct smmu_unit *unit)
{
	struct smmu_strtab *strtab = &unit->strtab;
	u32 cfg = FIELD_PREP(SMMUV3_STRTAB_BASE_CFG_LOG2SIZE, strtab->log2);

	if (strtab->two_level)
		cfg |= FIELD_PREP(SMMUV3_STRTAB_BASE_CFG_FMT, SMMUV3_STRTAB_FMT_2LVL) |
		       FIELD_PREP(SMMUV3_STRTAB_BASE_CFG_SPLIT, SMMU_SPLIT);
	smmu_write64(unit, SMMUV3_STRTAB_BASE,
		     (strtab->dma & SMMUV3_STRTAB_BASE_ADDR) | SMMUV3_STRTAB_BASE_RA);
	smmu_write32(unit, SMMUV3_STRTAB_BASE_CFG, cfg);
}

struct smmuv3_ste *smmu_strtab_ste(struct smmu_unit *unit, u32 sid)
{
	struct smmu_strtab *strtab = &unit->strtab;

	lockdep_assert_held(&unit->lock);
	if ((u64)sid >> strtab->log2)
		return NULL;
	if (!strtab->two_level)
		return strtab->linear + sid;
	return (strtab->l2[sid >> SMMU_SPLIT] ?: strtab->bypass) + sid % SMMU_L2_STES;
}

static bool smmu_strtab_get_spare(struct smmu_unit *unit)
{
	struct smmu_strtab *strtab = &unit->strtab;

	if (!strtab->spare)
		strtab->spare = dma_alloc_coherent(unit->dev, SMMU_L2_BYTES,
						   &strtab->spare_dma, GFP_KERNEL);
	return strtab->spare;
}

/*
 * The descriptor at @index leads to the table l2[@index] from now on. What is cached
 * of all streams below goes, since the old descriptor may be cached for each of them.
 */
static int smmu_strtab_lead(struct smmu_unit *unit, unsigned int index)
{
	struct smmu_strtab *strtab = &unit->strtab;
	struct smmuv3_cmd cmd = smmuv3_make_cfgi_ste_range(index << SMMU_SPLIT, SMMU_SPLIT);

	/* The entries are in memory before the descriptor leads there. */
	dma_wmb();
	WRITE_ONCE(strtab->l1[index], smmuv3_make_l1_desc(strtab->l2_dma[index], SMMU_SPLIT));
	return smmu_cmdq_submit(unit, &cmd, 1);
}

/**
 * smmu_strtab_reserve - the entry of a stream ID can be written from now on
 * @unit: the unit; its lock is held
 * @sid: the stream ID
 *
 * Own level 2 tables, and the spare, stay until the unit is handed back, so that
 * writing an entry needs no memory.
 *
 * Return: 0; -ERANGE for a stream ID that is not in the table; -ENOMEM; -EIO when the
 * hardware does not answer.
 */
int smmu_strtab_reserve(struct smmu_unit *unit, u32 sid)
{
	struct smmu_strtab *strtab = &unit->strtab;
	unsigned int index = sid >> SMMU_SPLIT;

	lockdep_assert_held(&unit->lock);
	if ((u64)sid >> strtab->log2)
		return -ERANGE;
	if (!strtab->two_level)
		return 0;
	if (!smmu_strtab_get_spare(unit))
		return -ENOMEM;
	if (strtab->l2[index])
		return 0;
	strtab->l2[index] = smmu_alloc_bypass(unit, &strtab->l2_dma[index]);
	if (!strtab->l2[index])
		return -ENOMEM;
	return smmu_strtab_lead(unit, index);
}

/**
 * struct smmu_ste_write - entries that are being written
 * @unit: the unit
 * @sids: their stream IDs
 * @num: how many
 * @error: of the invalidations
 */
struct smmu_ste_write {
	struct smmu_unit *unit;
	const u32 *sids;
	unsigned int num;
	int error;
};

/*
 * 3.21.3: what is cached of the entries goes; and of the way to them, should the
 * hardware not have answered when that changed (smmu_strtab_lead()).
 */
static void smmu_sync_stes(void *arg)
{
	struct smmu_ste_write *write = arg;
	struct smmu_cmdq_batch batch;
	unsigned int i;

	smmu_cmdq_batch_init(&batch, write->unit);
	for (i = 0; i < write->num; i++)
		smmu_cmdq_batch_add(&batch, smmuv3_make_cfgi_ste(write->sids[i], false));
	write->error = smmu_cmdq_batch_submit(&batch) ?: write->error;
}

/* Can @ste become @target where it is, without a hit? */
static bool smmu_ste_hitless(const struct smmuv3_ste *ste, const struct smmuv3_ste *target)
{
	struct smmuv3_ste now = *ste, next;
	enum smmuv3_ste_step step;

	while ((step = smmuv3_ste_next(&now, target, &next)) == SMMUV3_STE_HITLESS)
		now = next;
	return step == SMMUV3_STE_DONE;
}

/*
 * Put the spare table in the place of the one at @index, with @target for those of
 * @sids that are in it. The spare is then the old one.
 */
static int smmu_strtab_swap(struct smmu_unit *unit, unsigned int index, const u32 *sids,
			    unsigned int num, const struct smmuv3_ste *target)
{
	struct smmu_strtab *strtab = &unit->strtab;
	unsigned int i;

	memcpy(strtab->spare, strtab->l2[index], SMMU_L2_BYTES);
	for (i = 0; i < num; i++)
		if (sids[i] >> SMMU_SPLIT == index)
			strtab->spare[sids[i] % SMMU_L2_STES] = *target;
	swap(strtab->l2[index], strtab->spare);
	swap(strtab->l2_dma[index], strtab->spare_dma);
	return smmu_strtab_lead(unit, index);
}

/* By putting other tables in place. */
static int smmu_strtab_write_swapping(struct smmu_unit *unit, const u32 *sids,
				      unsigned int num, const struct smmuv3_ste *target)
{
	unsigned int i, k;
	int rc = 0;

	for (i = 0; i < num && !rc; i++) {
		for (k = 0; k < i; k++)
			if (sids[k] >> SMMU_SPLIT == sids[i] >> SMMU_SPLIT)
				break;
		/* Done with an earlier one. */
		if (k < i)
			continue;
		/* There is one, but for an error before this. */
		if (!smmu_strtab_get_spare(unit))
			return -ENOMEM;
		rc = smmu_strtab_swap(unit, sids[i] >> SMMU_SPLIT, sids, num, target);
		/* The hardware may look at the old table still: it is lost. */
		if (rc)
			unit->strtab.spare = NULL;
	}
	return rc;
}

/**
 * smmu_strtab_write - streams have another entry from now on
 * @unit: the unit; its lock is held
 * @sids: the streams, each of them reserved
 * @num: how many; they belong together
 * @target: the entry
 *
 * Return: 0 when the hardware knows no other any more; -EIO when it does not
 * answer: it may have either then, and so may the table; -ENOMEM, with the table
 * between the two, never to abort and bypass.
 */
int smmu_strtab_write(struct smmu_unit *unit, const u32 *sids, unsigned int num,
		      const struct smmuv3_ste *target)
{
	struct smmu_ste_write write = { .unit = unit, .sids = sids, .num = num };
	struct smmuv3_ste *stes[IOMMUFD_SVA_MAX_RIDS];
	bool hitless = true;
	unsigned int i;

	lockdep_assert_held(&unit->lock);
	for (i = 0; i < num; i++) {
		stes[i] = smmu_strtab_ste(unit, sids[i]);
		hitless &= smmu_ste_hitless(stes[i], target);
	}
	if (!hitless && unit->strtab.two_level)
		return smmu_strtab_write_swapping(unit, sids, num, target);
	if (!hitless && !xchg(&unit->warned_linear, 1))
		smmu_warn(unit, "linear stream table: one translation replaces another by way of blocking, DMA under way faults\n");
	smmuv3_write_ste(stes, num, target, smmu_sync_stes, &write);
	return write.error;
}
