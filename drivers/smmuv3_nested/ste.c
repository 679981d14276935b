// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writing stream table entries that the hardware is using.
 *
 * An entry is eight 64-bit words. The hardware reads each word whole, but the
 * eight in any order and at any time, and may keep what it read until it is told
 * to drop it (CMD_CFGI_STE) and has said that it did (CMD_SYNC). So what is
 * written between two syncs may be seen in any mixture, and what was written
 * before the first of them is seen for certain.
 *
 * What an entry does not use the hardware ignores (5.2). That makes most changes
 * possible without a moment at which requests are lost or go astray: fill in what
 * the old entry ignores, sync, turn the one word that matters to both, sync, clear
 * what the new entry ignores, sync. Where two words would have to turn at once
 * the entry terminates requests in between.
 */
#include <linux/compiler.h>
#include <linux/io.h>
#include <linux/string.h>
#include <linux/types.h>

#include "smmuv3_ste.h"

/* 5.2: the bits of @ste that the hardware looks at, as ones in @used. */
void smmuv3_ste_used(const struct smmuv3_ste *ste, struct smmuv3_ste *used)
{
	u64 qw[SMMUV3_STE_QWORDS] = { SMMUV3_STE_0_V };
	enum smmuv3_config config = smmuv3_ste_config(ste);
	bool s1 = config == SMMUV3_CONFIG_S1 || config == SMMUV3_CONFIG_NESTED;
	bool s2 = config == SMMUV3_CONFIG_S2 || config == SMMUV3_CONFIG_NESTED;
	unsigned int i;

	if (smmuv3_ste_valid(ste)) {
		qw[0] |= SMMUV3_STE_0_CONFIG;
		if (config == SMMUV3_CONFIG_BYPASS)
			qw[1] |= SMMUV3_STE_1_SHCFG;
		if (s1) {
			qw[0] |= SMMUV3_STE_0_S1FMT | SMMUV3_STE_0_S1CONTEXTPTR |
				 SMMUV3_STE_0_S1CDMAX;
			qw[1] |= SMMUV3_STE_1_S1DSS | SMMUV3_STE_1_S1CIR |
				 SMMUV3_STE_1_S1COR | SMMUV3_STE_1_S1CSH |
				 SMMUV3_STE_1_S1STALLD | SMMUV3_STE_1_STRW |
				 SMMUV3_STE_1_SHCFG;	/* with S1DSS bypass */
		}
		if (s2) {
			qw[1] |= SMMUV3_STE_1_S2FWB | SMMUV3_STE_1_SHCFG;
			qw[2] |= SMMUV3_STE_2_S2;
			qw[3] |= SMMUV3_STE_3_S2TTB;
		}
		if (s1 || s2) {
			qw[1] |= SMMUV3_STE_1_EATS | SMMUV3_STE_1_MEV | SMMUV3_STE_1_PPAR;
			qw[2] |= SMMUV3_STE_2_S2VMID;
		}
	}
	for (i = 0; i < SMMUV3_STE_QWORDS; i++)
		used->data[i] = cpu_to_le64(qw[i]);
}

/*
 * Used bits that may change at any moment. EATS: whoever changes it has ATS
 * switched off in the device meanwhile, so nothing asks, or wants whatever asks
 * refused. It does so by itself: an entry that goes keeps it as long as it is there.
 * With S2S it would make the entry illegal on the way.
 */
static __le64 smmuv3_ste_1_relaxed(const struct smmuv3_ste *cur,
				   const struct smmuv3_ste *target)
{
	if ((cur->data[2] | target->data[2]) & cpu_to_le64(SMMUV3_STE_2_S2S))
		return 0;
	return cpu_to_le64(SMMUV3_STE_1_EATS);
}

/*
 * From what the hardware sees as @cur towards @target: what to write next, before
 * a sync, in @next. It depends on nothing else, so it is called until it says
 * that it is done.
 */
enum smmuv3_ste_step smmuv3_ste_next(const struct smmuv3_ste *cur,
				     const struct smmuv3_ste *target,
				     struct smmuv3_ste *next)
{
	struct smmuv3_ste cur_used, target_used, filled, abort;
	unsigned int i, turns = 0, turn = 0;
	__le64 free, relaxed, differs;

	if (!memcmp(cur, target, sizeof(*cur)))
		return SMMUV3_STE_DONE;

	smmuv3_ste_used(cur, &cur_used);
	smmuv3_ste_used(target, &target_used);

	/*
	 * @filled: whatever is ignored now has changed. What is wrong then, and may not
	 * change at any moment, has to turn. @next: only what must be there before.
	 */
	for (i = 0; i < SMMUV3_STE_QWORDS; i++) {
		relaxed = i == 1 ? smmuv3_ste_1_relaxed(cur, target) : 0;
		free = ~cur_used.data[i];
		filled.data[i] = (cur->data[i] & ~free) | (target->data[i] & free);
		differs = (filled.data[i] ^ target->data[i]) & target_used.data[i];
		free &= target_used.data[i];
		next->data[i] = (cur->data[i] & ~free) | (target->data[i] & free);
		if (differs & ~relaxed) {
			turns++;
			turn = i;
		}
	}

	if (!turns) {
		*next = *target;
		return SMMUV3_STE_HITLESS;
	}

	if (turns == 1) {
		/* The word that turns is written once, all of it. */
		next->data[turn] = cur->data[turn];
		if (!memcmp(cur, next, sizeof(*cur))) {
			*next = filled;
			next->data[turn] = target->data[turn];
		}
		return SMMUV3_STE_HITLESS;
	}

	/*
	 * Abort looks at no word but the first, and records no event. An ATS request
	 * it answers with "unsupported", after which a device asks no more: then V=0.
	 */
	smmuv3_make_abort_ste(&abort);
	*next = *cur;
	next->data[0] = cur->data[1] & cpu_to_le64(SMMUV3_STE_1_EATS) ? 0 : abort.data[0];
	return SMMUV3_STE_BREAKS;
}

/**
 * smmuv3_write_ste - make live entries what they shall be
 * @stes: the entries, one per StreamID of a device, in the stream table
 * @num: how many
 * @target: what they become
 * @sync: CMD_CFGI_STE for every one of them and CMD_SYNC, one batch; writes before
 *	it are visible to the hardware when it starts
 * @arg: for @sync
 *
 * The caller sees to it that nobody else writes them. When this returns nothing
 * but @target is read or cached any more, of the entries; TLBs are another matter.
 *
 * Return: true if requests never met anything but the old entry or the new one.
 */
bool smmuv3_write_ste(struct smmuv3_ste *const *stes, unsigned int num,
		      const struct smmuv3_ste *target,
		      void (*sync)(void *arg), void *arg)
{
	bool hitless = true, changed;
	enum smmuv3_ste_step step;
	struct smmuv3_ste next;
	unsigned int i, k;

	/* What @target points to is there before @target is. */
	dma_wmb();
	do {
		changed = false;
		for (i = 0; i < num; i++) {
			step = smmuv3_ste_next(stes[i], target, &next);
			if (step == SMMUV3_STE_DONE)
				continue;
			for (k = 0; k < SMMUV3_STE_QWORDS; k++)
				if (stes[i]->data[k] != next.data[k])
					WRITE_ONCE(stes[i]->data[k], next.data[k]);
			hitless &= step == SMMUV3_STE_HITLESS;
			changed = true;
		}
		if (changed)
			sync(arg);
	} while (changed);
	return hitless;
}
