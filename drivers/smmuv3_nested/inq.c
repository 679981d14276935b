// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queues that the unit writes (3.5): how they are read. There are two, of events
 * (evtq.c) and of page requests (priq.c).
 *
 * A batch is copied out of the ring, its places are given back (*_CONS), and then it is
 * worked on. So whatever a device does as soon as it has an answer finds room again, as
 * 8 has it; and answers of ours to what is in a batch go to the unit together.
 *
 * The interrupt thread reads at a bounded pace, so that a device that does nothing but
 * fault costs a known share of one CPU and no more. Whoever has to know that all of
 * what is in a queue was dealt with reads it himself, one queue full at most, whether an
 * interrupt comes or not.
 */
#include <linux/dma-mapping.h>
#include <linux/log2.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include "smmuv3.h"

/* So many records, then the interrupt thread pauses. */
#define SMMU_INQ_BATCH		512U
/*
 * So large is each, if the unit can: 2048 events, and 4096 page requests, of which devices
 * may have seven eighths outstanding (priq.c): 112 of them, with the 32 that the core
 * allots a device by default.
 */
#define SMMU_INQ_MAX_BYTES	SZ_64K

static u32 smmu_inq_mask(const struct smmu_inq *q)
{
	return (2U << q->log2) - 1;
}

/* How many records there are before @prod. */
static unsigned int smmu_inq_count(const struct smmu_inq *q, u32 prod)
{
	return (prod - q->cons) & smmu_inq_mask(q);
}

/* Were records lost that the unit has not been told that we know of? */
static bool smmu_inq_has_lost(const struct smmu_inq *q, u32 prod)
{
	return (prod ^ q->cons) & SMMUV3_QUEUE_OVF;
}

/*
 * Copy the next @num records out of the ring and give their places back, at @prod the
 * last of them. Where records were lost this says so to the unit as well, once all that
 * was there then has been read (8.1).
 */
static void smmu_inq_copy(struct smmu_unit *unit, struct smmu_inq *q, u32 prod,
			  unsigned int num)
{
	u32 mask = smmu_inq_mask(q), cons = q->cons & mask, ovf = q->cons & SMMUV3_QUEUE_OVF;
	unsigned int i, k;
	__le64 *slot;

	for (i = 0; i < num; i++) {
		slot = q->ring + q->qwords * (cons & (mask >> 1));
		for (k = 0; k < q->qwords; k++)
			q->batch[i * q->qwords + k] = le64_to_cpu(slot[k]);
		cons = (cons + 1) & mask;
	}
	if (cons == (prod & mask))
		ovf = prod & SMMUV3_QUEUE_OVF;
	/* Read before they may be written again. */
	mb();
	q->cons = cons | ovf;
	smmu_write32(unit, q->cons_reg, q->cons);
}

/* Read at most @max records, and a batch. Returns how many. */
static unsigned int smmu_inq_read(struct smmu_unit *unit, struct smmu_inq *q,
				  unsigned int max)
{
	u32 prod = smmu_read32(unit, q->prod_reg), ovf = q->cons & SMMUV3_QUEUE_OVF;
	unsigned int num, i;

	lockdep_assert_held(&q->lock);
	num = min3(smmu_inq_count(q, prod), max, SMMU_INQ_BATCH);
	if (num || smmu_inq_has_lost(q, prod))
		smmu_inq_copy(unit, q, prod, num);
	q->num_answers = 0;
	for (i = 0; i < num; i++)
		q->record(unit, q->batch + i * q->qwords);
	if (q->num_answers)
		smmu_send_answers(unit, q->answers, q->num_answers);
	if ((q->cons & SMMUV3_QUEUE_OVF) != ovf)
		q->lost(unit);
	return num;
}

/**
 * smmu_inq_drain - read what is recorded, at most a batch
 * @unit: the unit
 * @q: one of its queues
 *
 * Context: the interrupt thread.
 * Return: whether there is more. What came before the places were given back found a
 * queue that was not empty, so that no interrupt tells of it (3.18.2). If it found one that
 * was full, no page request comes any more before the unit is told that it is not.
 */
bool smmu_inq_drain(struct smmu_unit *unit, struct smmu_inq *q)
{
	bool more;
	u32 prod;

	if (!q->ring)
		return false;
	mutex_lock(&q->lock);
	smmu_inq_read(unit, q, SMMU_INQ_BATCH);
	prod = smmu_read32(unit, q->prod_reg);
	more = smmu_inq_count(q, prod) || smmu_inq_has_lost(q, prod);
	mutex_unlock(&q->lock);
	return more;
}

/**
 * smmu_inq_flush - all that is recorded now is dealt with when this returns
 * @unit: the unit
 * @q: one of its queues
 */
void smmu_inq_flush(struct smmu_unit *unit, struct smmu_inq *q)
{
	unsigned int left, num;

	if (!q->ring)
		return;
	mutex_lock(&q->lock);
	left = smmu_inq_count(q, smmu_read32(unit, q->prod_reg));
	while (left) {
		num = smmu_inq_read(unit, q, left);
		/* Its index has gone back: it is not there any more. */
		if (!num)
			break;
		left -= num;
	}
	mutex_unlock(&q->lock);
}

/* An answer to what is being read, with those to the rest of its batch. */
void smmu_inq_answer(struct smmu_inq *q, struct smmuv3_cmd cmd)
{
	lockdep_assert_held(&q->lock);
	q->answers[q->num_answers++] = cmd;
}

static size_t smmu_inq_bytes(struct smmu_inq *q)
{
	return q->qwords * sizeof(__le64) << q->log2;
}

static int smmu_inq_alloc(struct smmu_unit *unit, struct smmu_inq *q, unsigned int log2,
			  unsigned int qwords)
{
	unsigned int max = ilog2(SMMU_INQ_MAX_BYTES / (qwords * sizeof(*q->ring)));

	q->log2 = min(log2, max);
	q->qwords = qwords;
	q->batch = kvmalloc_array(SMMU_INQ_BATCH, qwords * sizeof(*q->batch), GFP_KERNEL);
	q->answers = kvmalloc_array(SMMU_INQ_BATCH, sizeof(*q->answers), GFP_KERNEL);
	q->ring = dma_alloc_coherent(unit->dev, smmu_inq_bytes(q), &q->dma, GFP_KERNEL);
	return q->batch && q->answers && q->ring ? 0 : -ENOMEM;
}

static void smmu_inq_free(struct smmu_unit *unit, struct smmu_inq *q)
{
	if (q->ring)
		dma_free_coherent(unit->dev, smmu_inq_bytes(q), q->ring, q->dma);
	q->ring = NULL;
	kvfree(q->batch);
	q->batch = NULL;
	kvfree(q->answers);
	q->answers = NULL;
}

int smmu_inqs_init(struct smmu_unit *unit)
{
	int rc;

	smmu_evtq_init(unit);
	smmu_priq_init(unit);
	rc = smmu_inq_alloc(unit, &unit->evtq, FIELD_GET(SMMUV3_IDR1_EVENTQS, unit->idr[1]),
			    SMMUV3_EVENT_QWORDS);
	if (!rc && (unit->idr[0] & SMMUV3_IDR0_PRI))
		rc = smmu_inq_alloc(unit, &unit->priq,
				    FIELD_GET(SMMUV3_IDR1_PRIQS, unit->idr[1]),
				    SMMUV3_PRI_QWORDS);
	if (rc)
		smmu_inqs_free(unit);
	return rc;
}

void smmu_inqs_free(struct smmu_unit *unit)
{
	smmu_inq_free(unit, &unit->evtq);
	smmu_inq_free(unit, &unit->priq);
}

static int smmu_inq_start(struct smmu_unit *unit, struct smmu_inq *q,
			  unsigned int base_reg, u32 enable)
{
	q->cons = 0;
	smmu_write64(unit, base_reg, (q->dma & SMMUV3_QBASE_ADDR) | SMMUV3_QBASE_RA_WA |
				     FIELD_PREP(SMMUV3_QBASE_LOG2SIZE, q->log2));
	smmu_write32(unit, q->prod_reg, 0);
	smmu_write32(unit, q->cons_reg, 0);
	return smmu_unit_enable(unit, enable, true);
}

/* Both queues empty and on. */
int smmu_inqs_start(struct smmu_unit *unit)
{
	int rc;

	rc = smmu_inq_start(unit, &unit->evtq, SMMUV3_EVENTQ_BASE, SMMUV3_CR0_EVENTQEN);
	if (!rc && unit->priq.ring)
		rc = smmu_inq_start(unit, &unit->priq, SMMUV3_PRIQ_BASE,
				    SMMUV3_CR0_PRIQEN);
	return rc;
}
