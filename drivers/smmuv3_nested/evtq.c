// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the unit tells us: the event queue (7.2, 7.3), the page request queue (8)
 * and global errors (7.5).
 *
 * Events are faults of devices: logged, and kept for debugfs. Nobody switches page
 * requests on in a device, so what comes is refused. Each queue has one reader,
 * its interrupt thread, which works at a bounded pace, so that a device that does
 * nothing but fault costs a known share of one CPU and no more.
 */
#include <linux/dma-mapping.h>
#include "nested.h"
#include "smmuv3.h"

/* So many records, then whoever reads pauses. */
#define SMMU_INQ_BATCH		512
/* 64 KiB of events, 32 KiB of page requests. */
#define SMMU_INQ_MAX_LOG2	11

/*
 * A device that walks through a page that is not there may cause an event per word
 * of it. Faults of one page are one, until there is a pause or they have gone on
 * for so long.
 */
#define SMMU_FAULT_PAUSE	msecs_to_jiffies(30)
#define SMMU_FAULT_MOST		msecs_to_jiffies(1000)

static const char advice_map[] =
	"map the address with this access, or mend the program that drives the device";
static const char advice_width[] =
	"the address is wider than what is translated: mend the program that drives the device";
static const char advice_ats[] =
	"the device uses ATS or page requests that nobody allowed: switch them off in the device";
static const char advice_pasid[] =
	"the device uses a PASID that nobody gave it: switch PASIDs off in the device";
static const char advice_stream[] =
	"firmware does not say that this stream is behind the unit: ask for an update";
static const char advice_guest[] =
	"the tables of the guest that has the device are damaged";
static const char advice_damaged[] =
	"the tables are damaged: please report this";

static const char *smmu_event_advice(u8 id)
{
	switch (id) {
	case SMMUV3_F_TRANSLATION:
	case SMMUV3_F_PERMISSION:
	case SMMUV3_F_ACCESS:
		return advice_map;
	case SMMUV3_F_ADDR_SIZE:
		return advice_width;
	case SMMUV3_F_BAD_ATS_TREQ:
	case SMMUV3_F_TRANSL_FORBIDDEN:
	case SMMUV3_E_PAGE_REQUEST:
		return advice_ats;
	case SMMUV3_C_BAD_SUBSTREAMID:
	case SMMUV3_F_STREAM_DISABLED:
		return advice_pasid;
	case SMMUV3_C_BAD_STREAMID:
		return advice_stream;
	case SMMUV3_F_CD_FETCH:
	case SMMUV3_C_BAD_CD:
		return advice_guest;
	}
	return advice_damaged;
}

/* "device 0000:01:00.0", or what is known of a stream that no device of ours has. */
static void smmu_stream_name(struct smmu_unit *unit, u32 sid, char *buf, size_t len)
{
	struct smmu_master *sm;

	spin_lock(&unit->streams_lock);
	sm = smmu_find_master(unit, sid);
	if (sm)
		snprintf(buf, len, "device %s", dev_name(sm->base->dev));
	else
		snprintf(buf, len, "stream %#x", sid);
	spin_unlock(&unit->streams_lock);
}

static void smmu_fault_log(struct smmu_unit *unit, const struct smmuv3_event *event)
{
	char name[48], access[48] = "", pasid[24] = "";

	if (!__ratelimit(&unit->faults.ratelimit))
		return;
	smmu_stream_name(unit, event->sid, name, sizeof(name));
	if (event->translated)
		snprintf(access, sizeof(access), " DMA %s %#llx",
			 event->read ? "read from" : "write to", event->address);
	if (event->ssid != SMMUV3_NO_SSID)
		snprintf(pasid, sizeof(pasid), " with PASID %#x", event->ssid);
	smmu_err(unit, "%s%s%s faulted: reason 0x%02x %s \"%s\": %s\n", name, access, pasid,
		 event->id, smmuv3_event_name(event->id), smmuv3_event_reason(event->id),
		 smmu_event_advice(event->id));
}

static bool smmu_fault_same(const struct smmuv3_event *a, const struct smmuv3_event *b)
{
	return a->id == b->id && a->sid == b->sid && a->ssid == b->ssid &&
	       a->s2 == b->s2 && a->class == b->class && a->read == b->read &&
	       a->address >> PAGE_SHIFT == b->address >> PAGE_SHIFT;
}

/* Returns whether it is another one than the last. */
static bool smmu_fault_keep(struct smmu_unit *unit, const u64 *record,
			    const struct smmuv3_event *event)
{
	struct smmu_faults *faults = &unit->faults;
	struct smmu_fault *kept;
	struct smmuv3_event before;
	unsigned long now = jiffies;
	bool other;

	spin_lock(&faults->lock);
	faults->events++;
	kept = &faults->kept[(faults->num - 1) % SMMU_FAULTS_KEPT];
	before = smmuv3_decode_event(kept->event);
	other = !faults->num || !smmu_fault_same(event, &before) ||
		time_after(now, kept->last + SMMU_FAULT_PAUSE) ||
		time_after(now, kept->when + SMMU_FAULT_MOST);
	if (other) {
		kept = &faults->kept[faults->num++ % SMMU_FAULTS_KEPT];
		kept->when = now;
		kept->count = 0;
		memcpy(kept->event, record, sizeof(kept->event));
	}
	kept->count++;
	kept->last = now;
	spin_unlock(&faults->lock);
	return other;
}

static void smmu_event(struct smmu_unit *unit, const u64 *record)
{
	struct smmuv3_event event = smmuv3_decode_event(record);
	struct smmuv3_cmd resume;

	/* For a guest, too, faults of one page are one: its entries have MEV (7.3.1). */
	if (smmu_fault_keep(unit, record, &event) && !smmu_guest_event(unit, &event, record))
		smmu_fault_log(unit, &event);
	if (!event.stall)
		return;
	/* Nobody is there who could answer: the transaction must not wait for ever. */
	resume = smmuv3_make_resume(event.sid, event.stag, SMMUV3_RESUME_TERMINATE);
	smmu_cmdq_submit(unit, &resume, 1);
}

static void smmu_page_request(struct smmu_unit *unit, const u64 *record)
{
	struct smmuv3_pri pri = smmuv3_decode_pri(record);
	struct smmuv3_cmd resp;
	char name[48];

	smmu_stream_name(unit, pri.sid, name, sizeof(name));
	smmu_warn_ratelimited(unit, "%s: page request for %#llx refused: %s\n", name,
			      pri.address, advice_ats);
	/* One answer per group (8.1). */
	if (!pri.last)
		return;
	resp = smmuv3_make_pri_resp(pri.sid, pri.ssid, pri.prgindex, SMMUV3_PRI_DENY);
	smmu_cmdq_submit(unit, &resp, 1);
}

/*
 * Read what is recorded, at most a batch. *@overflow: records were lost. Returns
 * whether there is more.
 */
static bool smmu_inq_drain(struct smmu_unit *unit, struct smmu_inq *q, bool *overflow,
			   void (*fn)(struct smmu_unit *unit, const u64 *record))
{
	u32 prod = smmu_read32(unit, q->prod_reg);
	u32 mask = (2U << q->log2) - 1;
	u32 cons = q->cons & mask;
	unsigned int qwords = q->record / sizeof(__le64), done, i;
	u64 record[SMMUV3_EVENT_QWORDS];
	__le64 *slot;

	*overflow = (prod ^ q->cons) & SMMUV3_QUEUE_OVF;
	for (done = 0; done < SMMU_INQ_BATCH && cons != (prod & mask); done++) {
		slot = q->ring + qwords * (cons & (mask >> 1));
		for (i = 0; i < qwords; i++)
			record[i] = le64_to_cpu(slot[i]);
		cons = (cons + 1) & mask;
		fn(unit, record);
	}
	/* Read before they may be written again. */
	mb();
	q->cons = cons | (prod & SMMUV3_QUEUE_OVF);
	smmu_write32(unit, q->cons_reg, q->cons);
	/*
	 * What came before this was written found a queue that was not empty, so that
	 * no interrupt tells of it (3.18.2).
	 */
	return cons != (smmu_read32(unit, q->prod_reg) & mask);
}

/* From the interrupt thread. Returns whether there is more to do. */
bool smmu_evtq_drain(struct smmu_unit *unit)
{
	bool overflow, more;

	more = smmu_inq_drain(unit, &unit->evtq, &overflow, smmu_event);
	if (overflow) {
		spin_lock(&unit->faults.lock);
		unit->faults.overflows++;
		spin_unlock(&unit->faults.lock);
	}
	return more;
}

/* The same of page requests. Those that are lost the hardware refuses itself. */
bool smmu_priq_drain(struct smmu_unit *unit)
{
	bool overflow;

	return unit->priq.ring &&
	       smmu_inq_drain(unit, &unit->priq, &overflow, smmu_page_request);
}

/* 7.5: errors that concern the unit as a whole. */
void smmu_gerror(struct smmu_unit *unit)
{
	u32 gerrorn, active;

	smmu_cmdq_recover(unit);

	spin_lock(&unit->cmdq.lock);
	gerrorn = smmu_read32(unit, SMMUV3_GERRORN);
	active = (smmu_read32(unit, SMMUV3_GERROR) ^ gerrorn) & SMMUV3_GERROR_ALL &
		 ~SMMUV3_GERROR_CMDQ_ERR;
	if (active)
		smmu_write32(unit, SMMUV3_GERRORN, gerrorn ^ active);
	spin_unlock(&unit->cmdq.lock);

	if (active & SMMUV3_GERROR_SFM_ERR)
		smmu_err(unit, "service failure: all DMA behind it is cut off; reboot\n");
	if (active & SMMUV3_GERROR_EVENTQ_ABT_ERR)
		smmu_err_ratelimited(unit, "event queue could not be written: faults are lost; please report this\n");
	if (active & SMMUV3_GERROR_PRIQ_ABT_ERR)
		smmu_err_ratelimited(unit, "page request queue could not be written: requests are lost; please report this\n");
	if (active & (SMMUV3_GERROR_MSI_CMDQ_ABT_ERR | SMMUV3_GERROR_MSI_EVENTQ_ABT_ERR |
		      SMMUV3_GERROR_MSI_PRIQ_ABT_ERR | SMMUV3_GERROR_MSI_GERROR_ABT_ERR))
		smmu_warn_ratelimited(unit, "an interrupt could not be sent (GERROR %#x)\n",
				      active);
}

static size_t smmu_inq_bytes(struct smmu_inq *q)
{
	return (size_t)q->record << q->log2;
}

static int smmu_inq_init(struct smmu_unit *unit, struct smmu_inq *q, unsigned int log2,
			 unsigned int qwords, unsigned int prod_reg, unsigned int cons_reg)
{
	q->log2 = min_t(unsigned int, log2, SMMU_INQ_MAX_LOG2);
	q->record = qwords * sizeof(__le64);
	q->prod_reg = prod_reg;
	q->cons_reg = cons_reg;
	q->ring = dma_alloc_coherent(unit->dev, smmu_inq_bytes(q), &q->dma, GFP_KERNEL);
	return q->ring ? 0 : -ENOMEM;
}

static void smmu_inq_free(struct smmu_unit *unit, struct smmu_inq *q)
{
	if (q->ring)
		dma_free_coherent(unit->dev, smmu_inq_bytes(q), q->ring, q->dma);
	q->ring = NULL;
}

int smmu_inqs_init(struct smmu_unit *unit)
{
	int rc;

	spin_lock_init(&unit->faults.lock);
	ratelimit_state_init(&unit->faults.ratelimit, 5 * HZ, 20);
	rc = smmu_inq_init(unit, &unit->evtq,
			   FIELD_GET(SMMUV3_IDR1_EVENTQS, unit->idr[1]),
			   SMMUV3_EVENT_QWORDS, SMMUV3_EVENTQ_PROD, SMMUV3_EVENTQ_CONS);
	if (!rc && (unit->idr[0] & SMMUV3_IDR0_PRI))
		rc = smmu_inq_init(unit, &unit->priq,
				   FIELD_GET(SMMUV3_IDR1_PRIQS, unit->idr[1]),
				   SMMUV3_PRI_QWORDS, SMMUV3_PRIQ_PROD, SMMUV3_PRIQ_CONS);
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
