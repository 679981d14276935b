// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the unit tells us of faults: the event queue (7.2, 7.3) and global errors (7.5).
 *
 * An event is one of these, looked at in this order:
 *  - a transaction that stalls, of a device whose stalls a user's fault queue takes: it
 *    goes there, as a page request, and nowhere else. So it is with Linux, and a VMM makes
 *    one stall event for its guest of it, with STAG, which a guest answers once.
 *  - a fault of a device that a guest has, which its own SMMU would record: an event of
 *    its vIOMMU.
 *  - another fault: logged, and kept for debugfs.
 * What stalls and is nobody's is terminated at once.
 */
#include "nested.h"
#include "smmuv3.h"

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
	"the device uses ATS that nobody allowed: switch it off in the device";
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

void smmu_stream_name(struct smmu_unit *unit, u32 sid, char *buf, size_t len)
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
	       smmuv3_event_page(a) == smmuv3_event_page(b);
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

/* A stall that somebody is going to answer. */
static bool smmu_stall_report(struct smmu_unit *unit, const struct smmuv3_event *event)
{
	const struct iommufd_sva_page_request request = {
		.addr = smmuv3_event_page(event),
		.pasid = event->ssid == SMMUV3_NO_SSID ? IOMMUFD_SVA_NO_PASID : event->ssid,
		.grpid = event->stag,
		.perm = (event->read ? IOMMUFD_SVA_PGFAULT_PERM_READ :
				       IOMMUFD_SVA_PGFAULT_PERM_WRITE) |
			(event->instruction ? IOMMUFD_SVA_PGFAULT_PERM_EXEC : 0) |
			(event->privileged ? IOMMUFD_SVA_PGFAULT_PERM_PRIV : 0),
		.last = true,
		.stall = true,
	};

	return smmu_report_page_request(unit, event->sid, &request) == SMMU_REQUEST_TAKEN;
}

static void smmu_event(struct smmu_unit *unit, const u64 *record)
{
	struct smmuv3_event event = smmuv3_decode_event(record);

	if (event.stall) {
		atomic64_inc(&unit->requests.stalls);
		if (smmu_stall_report(unit, &event))
			return;
		atomic64_inc(&unit->requests.stalls_refused);
	}
	/* For a guest, too, faults of one page are one: its entries have MEV (7.3.1). */
	if (smmu_fault_keep(unit, record, &event) && !smmu_guest_event(unit, &event, record))
		smmu_fault_log(unit, &event);
	/* The device sees an error, as where faults do not stall. */
	if (event.stall)
		smmu_inq_answer(&unit->evtq, smmuv3_make_resume(event.sid, event.stag,
								SMMUV3_RESUME_ABORT));
}

/* 7.4: what the hardware could not record. No stall is among it. */
static void smmu_events_lost(struct smmu_unit *unit)
{
	spin_lock(&unit->faults.lock);
	unit->faults.overflows++;
	spin_unlock(&unit->faults.lock);
}

void smmu_evtq_init(struct smmu_unit *unit)
{
	spin_lock_init(&unit->faults.lock);
	ratelimit_state_init(&unit->faults.ratelimit, 5 * HZ, 20);
	mutex_init(&unit->evtq.lock);
	unit->evtq.prod_reg = SMMUV3_EVENTQ_PROD;
	unit->evtq.cons_reg = SMMUV3_EVENTQ_CONS;
	unit->evtq.record = smmu_event;
	unit->evtq.lost = smmu_events_lost;
}

/* Errors that are active, but for the command queue's. */
static u32 smmu_gerror_active(struct smmu_unit *unit)
{
	return (smmu_read32(unit, SMMUV3_GERROR) ^ smmu_read32(unit, SMMUV3_GERRORN)) &
	       SMMUV3_GERROR_ALL & ~SMMUV3_GERROR_CMDQ_ERR;
}

/* 7.5: errors that concern the unit as a whole. */
void smmu_gerror(struct smmu_unit *unit)
{
	u32 active;

	smmu_cmdq_recover(unit);

	active = smmu_gerror_active(unit);
	/* Before it is acknowledged: until then nothing new can come. */
	if (active & SMMUV3_GERROR_PRIQ_ABT_ERR)
		smmu_priq_aborted(unit);
	if (active) {
		spin_lock(&unit->cmdq.lock);
		active &= smmu_gerror_active(unit);
		smmu_write32(unit, SMMUV3_GERRORN,
			     smmu_read32(unit, SMMUV3_GERRORN) ^ active);
		spin_unlock(&unit->cmdq.lock);
	}

	if (active & SMMUV3_GERROR_SFM_ERR)
		smmu_err(unit, "service failure: all DMA behind it is cut off; reboot\n");
	if (active & SMMUV3_GERROR_EVENTQ_ABT_ERR)
		smmu_err_ratelimited(unit, "event queue could not be written: faults are lost; please report this\n");
	if (active & (SMMUV3_GERROR_MSI_CMDQ_ABT_ERR | SMMUV3_GERROR_MSI_EVENTQ_ABT_ERR |
		      SMMUV3_GERROR_MSI_PRIQ_ABT_ERR | SMMUV3_GERROR_MSI_GERROR_ABT_ERR))
		smmu_warn_ratelimited(unit, "an interrupt could not be sent (GERROR %#x)\n",
				      active);
}
