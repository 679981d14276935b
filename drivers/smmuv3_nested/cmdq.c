// SPDX-License-Identifier: GPL-2.0-only
/*
 * The command queue (3.5, 4): everything that the hardware caches is invalidated
 * through it, a batch at a time.
 *
 * A batch is written into the ring, then CMDQ_PROD once, and ends in one CMD_SYNC
 * without a signal: it is complete when CMDQ_CONS has passed that (4.7). Where the
 * two indices are is counted in 64 bits, so that a waiter knows whether it was
 * passed even when the ring has gone round since.
 *
 * Whoever waits also watches GERROR.CMDQ_ERR, as does its interrupt, and repairs
 * the queue for all (7.1):
 *  - CERROR_ILL: a command that the hardware does not take. It is overwritten with
 *    a CMD_SYNC, its owner gets -EIO, the rest runs.
 *  - CERROR_ATC_INV_SYNC: a device did not answer an invalidation of its ATC in
 *    time. The owner of the CMD_SYNC that found it gets -ETIMEDOUT; the CMD_SYNC
 *    runs again.
 *  - CERROR_ABT: the ring could not be read: it is tried again.
 *  - no answer in SMMU_CMDQ_TIMEOUT: the queue is switched off and on again and
 *    everybody submits again; if that does not help the unit is given up. What was
 *    consumed by then is not known to be complete, so invalidations are among that. But
 *    answers are not, for by now their names may be somebody else's.
 */
#include <linux/delay.h>
#include <linux/dma-mapping.h>
#include "smmuv3.h"

/* Longer than the completion time-outs that hardware uses for ATS in practice. */
#define SMMU_CMDQ_TIMEOUT	msecs_to_jiffies(2000)
#define SMMU_CMDQ_ATTEMPTS	3
/* Looks at CMDQ_CONS before a waiter sleeps and looks at GERROR. */
#define SMMU_CMDQ_SPINS		100
/* 64 KiB of commands, if the hardware takes so many. */
#define SMMU_CMDQ_MAX_LOG2	12

/**
 * struct smmu_cmdq_waiter - somebody who waits, on his stack; under cmdq->lock
 * @node: in smmu_cmdq.waiting
 * @first: position of the first command
 * @sync: position of the CMD_SYNC
 * @consumed: how many of his commands the hardware has consumed in queues that were given up
 * @error: 0; -EIO and -ETIMEDOUT: complete, but see the top; -EAGAIN: lost
 */
struct smmu_cmdq_waiter {
	struct list_head node;
	u64 first;
	u64 sync;
	unsigned int consumed;
	int error;
};

static unsigned int smmu_cmdq_size(struct smmu_cmdq *cmdq)
{
	return 1U << cmdq->log2;
}

static size_t smmu_cmdq_bytes(struct smmu_cmdq *cmdq)
{
	return smmu_cmdq_size(cmdq) * sizeof(struct smmuv3_cmd);
}

/* Index and wrap bit, as PROD and CONS have them. */
static u32 smmu_cmdq_pointer(struct smmu_cmdq *cmdq, u64 position)
{
	return position & (2U * smmu_cmdq_size(cmdq) - 1);
}

static __le64 *smmu_cmdq_slot(struct smmu_cmdq *cmdq, u64 position)
{
	return cmdq->ring + 2 * (position & (smmu_cmdq_size(cmdq) - 1));
}

int smmu_cmdq_init(struct smmu_unit *unit)
{
	struct smmu_cmdq *cmdq = &unit->cmdq;

	spin_lock_init(&cmdq->lock);
	INIT_LIST_HEAD(&cmdq->waiting);
	cmdq->log2 = min_t(unsigned int, FIELD_GET(SMMUV3_IDR1_CMDQS, unit->idr[1]),
			   SMMU_CMDQ_MAX_LOG2);
	cmdq->ring = dma_alloc_coherent(unit->dev, smmu_cmdq_bytes(cmdq), &cmdq->dma,
					GFP_KERNEL);
	return cmdq->ring ? 0 : -ENOMEM;
}

void smmu_cmdq_free(struct smmu_unit *unit)
{
	struct smmu_cmdq *cmdq = &unit->cmdq;

	if (cmdq->ring)
		dma_free_coherent(unit->dev, smmu_cmdq_bytes(cmdq), cmdq->ring, cmdq->dma);
	cmdq->ring = NULL;
}

/* Queue off, empty, on. Its registers can be written while it is off. */
static int smmu_cmdq_enable(struct smmu_unit *unit)
{
	struct smmu_cmdq *cmdq = &unit->cmdq;
	int rc;

	lockdep_assert_held(&cmdq->lock);
	rc = smmu_unit_enable(unit, SMMUV3_CR0_CMDQEN, false);
	if (rc)
		return rc;
	/* Positions only grow; the ring begins anew. */
	cmdq->prod = round_up(cmdq->prod, 2U * smmu_cmdq_size(cmdq));
	cmdq->cons = cmdq->prod;
	smmu_write64(unit, SMMUV3_CMDQ_BASE,
		     (cmdq->dma & SMMUV3_QBASE_ADDR) | SMMUV3_QBASE_RA_WA |
		     FIELD_PREP(SMMUV3_QBASE_LOG2SIZE, cmdq->log2));
	smmu_write32(unit, SMMUV3_CMDQ_PROD, 0);
	smmu_write32(unit, SMMUV3_CMDQ_CONS, 0);
	return smmu_unit_enable(unit, SMMUV3_CR0_CMDQEN, true);
}

int smmu_cmdq_start(struct smmu_unit *unit)
{
	int rc;

	spin_lock(&unit->cmdq.lock);
	rc = smmu_cmdq_enable(unit);
	unit->cmdq.dead = rc;
	spin_unlock(&unit->cmdq.lock);
	return rc;
}

/* Nobody submits any more. */
void smmu_cmdq_stop(struct smmu_unit *unit)
{
	smmu_unit_enable(unit, SMMUV3_CR0_CMDQEN, false);
}

/* How far the hardware is. Returns CMDQ_CONS. */
static u32 smmu_cmdq_look(struct smmu_unit *unit)
{
	struct smmu_cmdq *cmdq = &unit->cmdq;
	u32 cons = smmu_read32(unit, SMMUV3_CMDQ_CONS);
	u32 moved = smmu_cmdq_pointer(cmdq, cons - cmdq->cons);

	lockdep_assert_held(&cmdq->lock);
	/* Nothing that answers with all ones is further than we are. */
	if (moved <= cmdq->prod - cmdq->cons)
		cmdq->cons += moved;
	return cons;
}

/* Tell whoever owns the command at @position. */
static void smmu_cmdq_fail(struct smmu_cmdq *cmdq, u64 position, int error)
{
	struct smmu_cmdq_waiter *waiter;

	lockdep_assert_held(&cmdq->lock);
	list_for_each_entry(waiter, &cmdq->waiting, node)
		if (waiter->first <= position && position <= waiter->sync)
			waiter->error = error;
}

static void smmu_cmdq_put(struct smmu_cmdq *cmdq, u64 position, struct smmuv3_cmd cmd)
{
	__le64 *slot = smmu_cmdq_slot(cmdq, position);

	slot[0] = cpu_to_le64(cmd.data[0]);
	slot[1] = cpu_to_le64(cmd.data[1]);
}

static void smmu_cmdq_repair(struct smmu_unit *unit)
{
	struct smmu_cmdq *cmdq = &unit->cmdq;
	u32 error = FIELD_GET(SMMUV3_CMDQ_CONS_ERR, smmu_cmdq_look(unit));
	__le64 *slot = smmu_cmdq_slot(cmdq, cmdq->cons);

	cmdq->recoveries++;
	switch (error) {
	case SMMUV3_CERROR_ILL:
		smmu_err_ratelimited(unit, "command %016llx %016llx is not taken and was dropped; please report this\n",
				     le64_to_cpu(slot[0]), le64_to_cpu(slot[1]));
		smmu_cmdq_put(cmdq, cmdq->cons, smmuv3_make_sync(SMMUV3_SYNC_NONE, 0, 0));
		smmu_cmdq_fail(cmdq, cmdq->cons, -EIO);
		break;
	case SMMUV3_CERROR_ATC_INV_SYNC:
		smmu_warn_ratelimited(unit, "a device did not answer an invalidation of its ATC in time: reset it\n");
		smmu_cmdq_fail(cmdq, cmdq->cons, -ETIMEDOUT);
		break;
	default:
		smmu_err_ratelimited(unit, "command queue error %u at %#x: trying again\n",
				     error, smmu_cmdq_pointer(cmdq, cmdq->cons));
		break;
	}
	dma_wmb();
}

/**
 * smmu_cmdq_recover - clear what stops the queue, if anything does
 * @unit: the unit
 *
 * Context: any that may take cmdq->lock.
 */
void smmu_cmdq_recover(struct smmu_unit *unit)
{
	u32 gerrorn;

	spin_lock(&unit->cmdq.lock);
	gerrorn = smmu_read32(unit, SMMUV3_GERRORN);
	if ((smmu_read32(unit, SMMUV3_GERROR) ^ gerrorn) & SMMUV3_GERROR_CMDQ_ERR) {
		smmu_cmdq_repair(unit);
		smmu_write32(unit, SMMUV3_GERRORN, gerrorn ^ SMMUV3_GERROR_CMDQ_ERR);
	}
	spin_unlock(&unit->cmdq.lock);
}

/*
 * The queue is off, and CMDQ_CONS says how far the hardware came (6.3.9.3). What has not been
 * completed by a CMD_SYNC is lost.
 */
static void smmu_cmdq_lose(struct smmu_unit *unit)
{
	struct smmu_cmdq *cmdq = &unit->cmdq;
	struct smmu_cmdq_waiter *waiter;

	smmu_cmdq_look(unit);
	list_for_each_entry(waiter, &cmdq->waiting, node) {
		if (cmdq->cons > waiter->sync)
			continue;
		if (cmdq->cons > waiter->first + waiter->consumed)
			waiter->consumed = cmdq->cons - waiter->first;
		waiter->error = -EAGAIN;
	}
}

/* Nobody answers @waiter: start over. */
static void smmu_cmdq_restart(struct smmu_unit *unit, struct smmu_cmdq_waiter *waiter)
{
	struct smmu_cmdq *cmdq = &unit->cmdq;
	int rc;

	spin_lock(&cmdq->lock);
	/* Somebody else who waited as long may have been faster. */
	if (!cmdq->dead && waiter->error != -EAGAIN && cmdq->cons <= waiter->sync) {
		smmu_err(unit, "command queue does not answer (GERROR %x, PROD %x, CONS %x), restarting it\n",
			 smmu_read32(unit, SMMUV3_GERROR) ^ smmu_read32(unit, SMMUV3_GERRORN),
			 smmu_read32(unit, SMMUV3_CMDQ_PROD),
			 smmu_read32(unit, SMMUV3_CMDQ_CONS));
		cmdq->recoveries++;
		rc = smmu_unit_enable(unit, SMMUV3_CR0_CMDQEN, false);
		smmu_cmdq_lose(unit);
		if (rc || smmu_cmdq_enable(unit)) {
			smmu_err(unit, "command queue is dead; devices cannot be reassigned safely before a reboot\n");
			cmdq->dead = true;
		}
	}
	spin_unlock(&cmdq->lock);
}

/* Reading a register is slow: the hardware is asked only when room seems short. */
static bool smmu_cmdq_has_room(struct smmu_unit *unit, unsigned int slots)
{
	struct smmu_cmdq *cmdq = &unit->cmdq;

	if (cmdq->prod - cmdq->cons + slots <= smmu_cmdq_size(cmdq))
		return true;
	smmu_cmdq_look(unit);
	return cmdq->prod - cmdq->cons + slots <= smmu_cmdq_size(cmdq);
}

/*
 * Write a batch and its CMD_SYNC, and PROD. -EAGAIN while there is no room; 0:
 * @waiter is waiting.
 */
static int smmu_cmdq_write(struct smmu_unit *unit, const struct smmuv3_cmd *cmds,
			   unsigned int num, struct smmu_cmdq_waiter *waiter)
{
	struct smmu_cmdq *cmdq = &unit->cmdq;
	unsigned int i;

	spin_lock(&cmdq->lock);
	if (cmdq->dead || !smmu_cmdq_has_room(unit, num + 1)) {
		spin_unlock(&cmdq->lock);
		return cmdq->dead ? -EIO : -EAGAIN;
	}

	waiter->first = cmdq->prod;
	for (i = 0; i < num; i++) {
		/* Its place is kept, so that the others' are where they were. */
		smmu_cmdq_put(cmdq, cmdq->prod++,
			      i < waiter->consumed && smmuv3_cmd_is_answer(&cmds[i]) ?
			      smmuv3_make_sync(SMMUV3_SYNC_NONE, 0, 0) : cmds[i]);
		cmdq->commands += smmuv3_cmd_opcode(&cmds[i]) != SMMUV3_CMD_SYNC;
	}
	waiter->sync = cmdq->prod;
	smmu_cmdq_put(cmdq, cmdq->prod++, smmuv3_make_sync(SMMUV3_SYNC_NONE, 0, 0));
	waiter->error = 0;
	list_add(&waiter->node, &cmdq->waiting);
	cmdq->batches++;

	/* The commands are in memory before the hardware is told. */
	dma_wmb();
	smmu_write32(unit, SMMUV3_CMDQ_PROD, smmu_cmdq_pointer(cmdq, cmdq->prod));
	spin_unlock(&cmdq->lock);
	return 0;
}

/* Is the hardware done with @waiter's batch, or will it never be? */
static bool smmu_cmdq_is_done(struct smmu_unit *unit, struct smmu_cmdq_waiter *waiter)
{
	struct smmu_cmdq *cmdq = &unit->cmdq;
	bool done;

	spin_lock(&cmdq->lock);
	if (waiter->error != -EAGAIN && cmdq->cons <= waiter->sync)
		smmu_cmdq_look(unit);
	done = waiter->error == -EAGAIN || cmdq->cons > waiter->sync;
	if (done)
		list_del(&waiter->node);
	spin_unlock(&cmdq->lock);
	return done;
}

/* 0: complete; -EIO, -ETIMEDOUT: refused; -EAGAIN: lost, to be submitted again. */
static int smmu_cmdq_wait(struct smmu_unit *unit, struct smmu_cmdq_waiter *waiter)
{
	unsigned long deadline = jiffies + SMMU_CMDQ_TIMEOUT;
	unsigned int i;
	bool last;

	for (;;) {
		last = time_after(jiffies, deadline);
		for (i = 0; i < SMMU_CMDQ_SPINS; i++) {
			if (smmu_cmdq_is_done(unit, waiter))
				return waiter->error;
			cpu_relax();
		}
		smmu_cmdq_recover(unit);
		if (last)
			smmu_cmdq_restart(unit, waiter);
		else
			usleep_range(10, 50);
	}
}

static int smmu_cmdq_submit_one(struct smmu_unit *unit, const struct smmuv3_cmd *cmds,
				unsigned int num)
{
	unsigned long deadline = jiffies + 2 * SMMU_CMDQ_TIMEOUT;
	struct smmu_cmdq_waiter waiter = { };
	unsigned int attempt = 0;
	int rc;

	for (;;) {
		rc = smmu_cmdq_write(unit, cmds, num, &waiter);
		if (rc == -EAGAIN) {
			/* Full, and maybe stopped by somebody else's error. */
			if (time_after(jiffies, deadline))
				return -EIO;
			smmu_cmdq_recover(unit);
			usleep_range(10, 50);
			continue;
		}
		if (rc)
			return rc;
		rc = smmu_cmdq_wait(unit, &waiter);
		if (rc != -EAGAIN)
			return rc;
		if (++attempt == SMMU_CMDQ_ATTEMPTS)
			return -EIO;
	}
}

/**
 * smmu_cmdq_submit - have the hardware work through commands, and wait until it has
 * @unit: the unit
 * @cmds: commands; a CMD_SYNC without a signal among them: what is after it waits for
 *	what is before
 * @num: how many; 0 is fine. One doorbell and one CMD_SYNC for up to half of the
 *	queue
 *
 * Context: may sleep; any number of callers at once.
 * Return: 0 when all have taken effect; -ETIMEDOUT when a device did not answer an
 * invalidation of its ATC, all others have taken effect; -EIO when the hardware
 * refused a command or stopped answering.
 */
int smmu_cmdq_submit(struct smmu_unit *unit, const struct smmuv3_cmd *cmds,
		     unsigned int num)
{
	unsigned int chunk;
	int rc = 0, one;

	while (num && rc != -EIO) {
		chunk = min(num, smmu_cmdq_size(&unit->cmdq) / 2);
		one = smmu_cmdq_submit_one(unit, cmds, chunk);
		rc = one ?: rc;
		cmds += chunk;
		num -= chunk;
	}
	return rc;
}

void smmu_cmdq_batch_init(struct smmu_cmdq_batch *batch, struct smmu_unit *unit)
{
	batch->unit = unit;
	batch->num = 0;
	batch->error = 0;
}

/**
 * smmu_cmdq_batch_submit - what is in a batch takes effect
 * @batch: is empty afterwards
 *
 * Return: as smmu_cmdq_submit(), of everything that was added.
 */
int smmu_cmdq_batch_submit(struct smmu_cmdq_batch *batch)
{
	int rc = smmu_cmdq_submit(batch->unit, batch->cmds, batch->num) ?: batch->error;

	batch->num = 0;
	batch->error = 0;
	return rc;
}

/**
 * smmu_cmdq_batch_add - add a command
 * @batch: if it is full, what is in it takes effect first
 * @cmd: the command
 */
void smmu_cmdq_batch_add(struct smmu_cmdq_batch *batch, struct smmuv3_cmd cmd)
{
	if (batch->num == SMMU_BATCH_CMDS)
		batch->error = smmu_cmdq_batch_submit(batch);
	batch->cmds[batch->num++] = cmd;
}

/* What is added from now on has an effect after all that was. */
void smmu_cmdq_batch_order(struct smmu_cmdq_batch *batch)
{
	enum smmuv3_opcode last;

	/* What was submitted has completed. */
	if (!batch->num)
		return;
	last = smmuv3_cmd_opcode(&batch->cmds[batch->num - 1]);
	if (last != SMMUV3_CMD_SYNC && last != SMMUV3_CMD_ATC_INV)
		smmu_cmdq_batch_add(batch, smmuv3_make_sync(SMMUV3_SYNC_NONE, 0, 0));
}
