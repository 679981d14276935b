// SPDX-License-Identifier: GPL-2.0-only
/*
 * Faults that a unit reports: fault recording registers and their event
 * (7.1, 7.2, 7.3, 11.4.7).
 *
 * They are read at a bounded pace, so that a device that does nothing but fault
 * costs a known share of one CPU and no more.
 */
#include <linux/bitfield.h>
#include <linux/delay.h>
#include "nested.h"

/* So many records, then a pause. */
#define VTD_FAULT_BATCH		64
#define VTD_FAULT_PAUSE_US	10000

static const char advice_blocked[] =
	"the device is blocked: stop it, or attach it to an address space";
static const char advice_map[] =
	"map the address with this access, or mend the program that drives the device";
static const char advice_width[] =
	"the address is wider than the unit translates: mend the program that drives the device";
static const char advice_pasid[] =
	"the device uses a PASID that nobody gave it: switch PASIDs off in the device";
static const char advice_ats[] =
	"the device uses ATS or page requests that nobody allowed: switch them off in the device";
static const char advice_interrupt[] =
	"the device wrote to the interrupt range: check its MSI registers";
static const char advice_damaged[] =
	"the tables are damaged: please report this";
static const char advice_foreign[] =
	"nothing of ours makes this happen: please report this";

/* 7.1.3: fault reasons of DMA remapping. Codes below 0x20 are legacy mode's. */
static const struct {
	u8 reason;
	const char *text;
	const char *advice;
} vtd_fault_reasons[] = {
	{ 0x01, "root entry not present", advice_damaged },
	{ 0x02, "context entry not present", advice_blocked },
	{ 0x03, "invalid context entry", advice_damaged },
	{ 0x04, "address beyond the maximum guest address width", advice_width },
	{ 0x05, "no write permission", advice_map },
	{ 0x06, "no read permission", advice_map },
	{ 0x07, "paging entry cannot be read", advice_damaged },
	{ 0x08, "root entry cannot be read", advice_damaged },
	{ 0x09, "context entry cannot be read", advice_damaged },
	{ 0x0a, "reserved bit set in a root entry", advice_damaged },
	{ 0x0b, "reserved bit set in a context entry", advice_damaged },
	{ 0x0c, "reserved bit set in a paging entry", advice_damaged },
	{ 0x0d, "translation request or translated request blocked", advice_ats },
	{ 0x20, "reserved field set in an interrupt request", advice_foreign },
	{ 0x21, "interrupt index beyond the remapping table", advice_foreign },
	{ 0x22, "interrupt-remapping entry not present", advice_foreign },
	{ 0x23, "interrupt-remapping table cannot be read", advice_foreign },
	{ 0x24, "reserved bit set in an interrupt-remapping entry", advice_foreign },
	{ 0x25, "compatibility-format interrupt blocked", advice_foreign },
	{ 0x26, "interrupt from a source that is not allowed to send it", advice_foreign },
	{ 0x30, "invalid translation table mode in the root table address", advice_damaged },
	{ 0x31, "request with PASID while tables are in legacy mode", advice_pasid },
	{ 0x32, "page request while tables are in legacy mode", advice_ats },
	{ 0x38, "scalable-mode root entry cannot be read", advice_damaged },
	{ 0x39, "scalable-mode root entry not present", advice_damaged },
	{ 0x3a, "reserved bit set in a scalable-mode root entry", advice_damaged },
	{ 0x40, "scalable-mode context entry cannot be read", advice_damaged },
	{ 0x41, "scalable-mode context entry not present", advice_blocked },
	{ 0x42, "reserved bit set in a scalable-mode context entry", advice_damaged },
	{ 0x43, "invalid scalable-mode context entry", advice_damaged },
	{ 0x44, "translation request, or translated request, while device-TLB is off", advice_ats },
	{ 0x45, "request with PASID while PASIDs are off for the device", advice_pasid },
	{ 0x46, "PASID beyond the device's PASID directory", advice_pasid },
	{ 0x47, "page request while page requests are off for the device", advice_ats },
	{ 0x48, "request with the PASID that stands for none (RID_PASID)", advice_pasid },
	{ 0x50, "PASID directory entry cannot be read", advice_damaged },
	{ 0x51, "PASID directory entry not present", advice_blocked },
	{ 0x52, "reserved bit set in a PASID directory entry", advice_damaged },
	{ 0x58, "PASID table entry cannot be read", advice_damaged },
	{ 0x59, "PASID table entry not present", advice_blocked },
	{ 0x5a, "reserved bit set in a PASID table entry", advice_damaged },
	/* What QEMU says of a blocked entry; see vtd_make_pasid_blocked(). */
	{ 0x5b, "PASID table entry not valid", advice_blocked },
	{ 0x5c, "request to execute while execute requests are off", advice_pasid },
	{ 0x5d, "supervisor request while supervisor requests are off", advice_pasid },
	{ 0x70, "first-stage paging entry cannot be read", advice_damaged },
	{ 0x71, "first-stage paging entry not present", advice_map },
	{ 0x72, "reserved bit set in a first-stage paging entry", advice_damaged },
	{ 0x73, "first-stage root table cannot be read", advice_damaged },
	{ 0x74, "first-stage table beyond the address width of second stage", advice_width },
	{ 0x75, "second stage does not let the first-stage root table be read", advice_map },
	{ 0x76, "second stage does not let a first-stage table be read", advice_map },
	{ 0x77, "second stage does not let a first-stage table be written", advice_map },
	{ 0x78, "second-stage paging entry cannot be read", advice_damaged },
	{ 0x79, "second-stage paging entry has no permission for the access", advice_map },
	{ 0x7a, "reserved bit set in a second-stage paging entry", advice_damaged },
	{ 0x7b, "second-stage root table cannot be read", advice_damaged },
	{ 0x7c, "accessed or dirty bit of second stage not writable", advice_damaged },
	{ 0x80, "address is not canonical", advice_width },
	{ 0x81, "user request to a supervisor page", advice_map },
	{ 0x82, "no execute permission", advice_map },
	{ 0x83, "address beyond what the hardware can emit", advice_width },
	{ 0x84, "address beyond the width of the second-stage tables", advice_width },
	{ 0x85, "no write permission", advice_map },
	{ 0x86, "no read permission", advice_map },
	{ 0x87, "request to the interrupt address range", advice_interrupt },
	{ 0x90, "accessed or dirty bit of first stage, whose walks do not snoop", advice_damaged },
	{ 0x91, "accessed or dirty bit of first stage not writable", advice_damaged },
};

/**
 * vtd_fault_reason - a fault reason in words
 * @reason: FR of the fault record
 * @advice: out: what to do
 *
 * Return: what happened.
 */
const char *vtd_fault_reason(u8 reason, const char **advice)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(vtd_fault_reasons); i++) {
		if (vtd_fault_reasons[i].reason != reason)
			continue;
		*advice = vtd_fault_reasons[i].advice;
		return vtd_fault_reasons[i].text;
	}
	*advice = advice_foreign;
	return "unknown reason";
}

static void vtd_fault_log(struct vtd_unit *unit, const struct vtd_fault *fault)
{
	const char *advice, *text = vtd_fault_reason(fault->reason, &advice);
	char pasid[24] = "";

	if (!__ratelimit(&unit->faults.ratelimit))
		return;
	if (fault->has_pasid)
		snprintf(pasid, sizeof(pasid), " with PASID %#x", fault->pasid);
	vtd_err(unit, "device %04x:%02x:%02x.%x DMA %s%s %#llx%s faulted: reason 0x%02x \"%s\": %s\n",
		unit->drhd->segment, fault->sid >> 8, PCI_SLOT(fault->sid),
		PCI_FUNC(fault->sid), fault->write ? "write" : "read",
		fault->write ? " to" : " from", fault->addr, pasid, fault->reason, text,
		advice);
}

static void vtd_fault_keep(struct vtd_unit *unit, const struct vtd_fault *fault)
{
	struct vtd_faults *faults = &unit->faults;

	spin_lock(&faults->lock);
	faults->kept[faults->count++ % VTD_FAULTS_KEPT] = *fault;
	spin_unlock(&faults->lock);
}

/* The fault recording register at @index, as it is too: false when it holds none. */
static bool vtd_fault_read(struct vtd_unit *unit, unsigned int index,
			   struct vtd_fault *fault, u64 frcd[2])
{
	unsigned int offset = 16 * FIELD_GET(VTD_CAP_FRO, unit->cap) +
			      VTD_FRCD_SIZE * index;
	u64 high = vtd_read64(unit, offset + 8);

	if (!(high & VTD_FRCD_F))
		return false;
	fault->when = jiffies;
	fault->sid = FIELD_GET(VTD_FRCD_SID, high);
	fault->reason = FIELD_GET(VTD_FRCD_FR, high);
	fault->write = !(high & VTD_FRCD_T1);
	fault->has_pasid = high & VTD_FRCD_PP;
	fault->pasid = FIELD_GET(VTD_FRCD_PV, high);
	frcd[0] = vtd_read64(unit, offset) & VTD_PTR_MASK;
	frcd[1] = high;
	fault->addr = frcd[0];
	/* F is bit 31 of the highest 32 bits: written as 1, it is free again. */
	vtd_write32(unit, offset + 12, upper_32_bits(VTD_FRCD_F));
	return true;
}

/* Read what is recorded, at most a batch. Returns whether there may be more to do. */
static bool vtd_faults_drain(struct vtd_unit *unit)
{
	unsigned int num = FIELD_GET(VTD_CAP_NFR, unit->cap) + 1;
	u32 fsts = vtd_read32(unit, VTD_FSTS_REG);
	unsigned int index = FIELD_GET(VTD_FSTS_FRI, fsts) % num;
	unsigned int done = 0, skipped = 0;
	struct vtd_fault fault;
	u64 frcd[2];

	/*
	 * FRI is where the first one was when there was none before it. Of those that came
	 * behind it some may have been read since, in a batch that ended in their midst.
	 */
	for (; done < VTD_FAULT_BATCH; index = (index + 1) % num) {
		if (!vtd_fault_read(unit, index, &fault, frcd)) {
			if (done || ++skipped == num)
				break;
			continue;
		}
		done++;
		vtd_fault_keep(unit, &fault);
		if (!vtd_guest_fault(unit, &fault, frcd))
			vtd_fault_log(unit, &fault);
	}
	/* With PFO set nothing more is recorded: cleared last, records are free. */
	if (vtd_read32(unit, VTD_FSTS_REG) & VTD_FSTS_PFO) {
		spin_lock(&unit->faults.lock);
		unit->faults.overflows++;
		spin_unlock(&unit->faults.lock);
		vtd_write32(unit, VTD_FSTS_REG, VTD_FSTS_PFO);
	}
	return vtd_read32(unit, VTD_FSTS_REG) & (VTD_FSTS_PPF | VTD_FSTS_QI_ERRORS);
}

/* What was recorded before we came is none of ours. */
static void vtd_faults_discard(struct vtd_unit *unit)
{
	unsigned int num = FIELD_GET(VTD_CAP_NFR, unit->cap) + 1, index;
	struct vtd_fault fault;
	u64 frcd[2];

	for (index = 0; index < num; index++)
		vtd_fault_read(unit, index, &fault, frcd);
	vtd_write32(unit, VTD_FSTS_REG, VTD_FSTS_PFO | VTD_FSTS_ICE);
}

/*
 * The unit interrupts when the first bit of FSTS_REG gets set, and not again before
 * all are clear (11.4.7.1, 11.4.7.2). So errors of the queue are repaired here too:
 * nobody may wait for a batch behind one that does not stop the queue (ICE), and
 * faults would not be heard of any more.
 */
static void vtd_faults_work(struct vtd_unit *unit)
{
	for (;;) {
		vtd_qi_repair(unit);
		if (!vtd_faults_drain(unit) || vtd_event_is_stopping(&unit->faults.event))
			return;
		usleep_range(VTD_FAULT_PAUSE_US, 2 * VTD_FAULT_PAUSE_US);
	}
}

/**
 * vtd_faults_start - have faults of the unit reported to us
 * @unit: the unit, translation not yet on
 *
 * Return: 0 or an errno.
 */
int vtd_faults_start(struct vtd_unit *unit)
{
	struct vtd_faults *faults = &unit->faults;
	int rc;

	spin_lock_init(&faults->lock);
	ratelimit_state_init(&faults->ratelimit, 5 * HZ, 20);
	vtd_faults_discard(unit);
	faults->event.work = vtd_faults_work;
	rc = vtd_event_start(&faults->event, unit, VTD_FECTL_REG, "");
	faults->started = !rc;
	return rc;
}

/* Translation is off. The registers become what they were. */
void vtd_faults_stop(struct vtd_unit *unit)
{
	struct vtd_faults *faults = &unit->faults;

	if (!faults->started)
		return;
	faults->started = false;
	vtd_event_stop(&faults->event);
	vtd_faults_drain(unit);
	vtd_event_hand_back(&faults->event);
}
