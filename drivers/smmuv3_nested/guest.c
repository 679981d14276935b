// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest's stream table entries, commands and events.
 *
 * The first two are read from the guest's memory once, by the VMM, and come here as a copy.
 * An entry becomes a part of a real one and a command goes into the queue that
 * everybody shares, so what is accepted is listed bit by bit: one that the
 * hardware calls illegal would stop the queue for all. Sections are those of the
 * SMMUv3 specification (IHI 0070).
 *
 * What is out of range rather than reserved (a SubstreamID, an address) is
 * CONSTRAINED UNPREDICTABLE within the guest's own VMID or device (4.1.7) and no
 * error of the queue; it goes through.
 */
#include <linux/errno.h>
#include <linux/types.h>

#include "guest.h"

/* 5.2: what a guest's entry may have set; the rest is the host's or reserved. */
#define SMMUV3_STE_0_MAY	(SMMUV3_STE_0_V | SMMUV3_STE_0_CONFIG | SMMUV3_STE_0_GUEST)
#define SMMUV3_STE_1_MAY	(SMMUV3_STE_1_GUEST | SMMUV3_STE_1_EATS)

/* 5.2, S1Fmt: how many bytes S1ContextPtr points to. */
static u64 s1_table_size(unsigned int s1fmt, unsigned int s1cdmax)
{
	/* A level-1 entry has 8 bytes and leads to 2^6 or 2^10 descriptors of 64. */
	switch (s1cdmax ? s1fmt : SMMUV3_S1FMT_LINEAR) {
	case SMMUV3_S1FMT_4K_L2:
		return s1cdmax > 6 ? 8ULL << (s1cdmax - 6) : 8;
	case SMMUV3_S1FMT_64K_L2:
		return s1cdmax > 10 ? 8ULL << (s1cdmax - 10) : 8;
	default:
		return 64ULL << s1cdmax;
	}
}

/**
 * smmuv3_guest_ste - check the first two words of a guest's stream table entry
 * @caps: what the unit can do
 * @ias: bits of the guest's physical addresses
 * @ste: the entry; all zero afterwards if it is not valid (V)
 *
 * S1STALLD: that faults must not stall the host says as well (smmuv3_set_host()).
 *
 * Return: 0, or -EIO for an entry that is not a guest's to make, or ILLEGAL, or asks
 * for what the unit lacks.
 */
int smmuv3_guest_ste(const struct smmuv3_guest_caps *caps, unsigned int ias,
		     __le64 ste[2])
{
	u64 qw0 = le64_to_cpu(ste[0]), qw1 = le64_to_cpu(ste[1]);
	unsigned int s1fmt, s1cdmax, eats;
	u64 last;

	if (!(qw0 & SMMUV3_STE_0_V)) {
		ste[0] = 0;
		ste[1] = 0;
		return 0;
	}
	if (qw0 & ~SMMUV3_STE_0_MAY || qw1 & ~SMMUV3_STE_1_MAY)
		return -EIO;
	eats = FIELD_GET(SMMUV3_STE_1_EATS, qw1);
	if (eats != SMMUV3_EATS_ABORT && eats != SMMUV3_EATS_FULL)
		return -EIO;

	switch (FIELD_GET(SMMUV3_STE_0_CONFIG, qw0)) {
	case SMMUV3_CONFIG_ABORT:
	case SMMUV3_CONFIG_BYPASS:
		/* Everything else is ignored. */
		return 0;
	case SMMUV3_CONFIG_S1:
		break;
	default:
		return -EIO;
	}

	s1fmt = FIELD_GET(SMMUV3_STE_0_S1FMT, qw0);
	s1cdmax = FIELD_GET(SMMUV3_STE_0_S1CDMAX, qw0);
	if (s1cdmax > caps->ssid_bits)
		return -EIO;
	if (s1cdmax && s1fmt != SMMUV3_S1FMT_LINEAR && !caps->cd2l)
		return -EIO;
	if ((qw1 & SMMUV3_STE_1_S1STALLD) && !caps->stall)
		return -EIO;
	/* A table is aligned to its size. */
	last = (qw0 & SMMUV3_STE_0_S1CONTEXTPTR) | (s1_table_size(s1fmt, s1cdmax) - 1);
	return last >> ias ? -EIO : 0;
}

/* 4.4.1.1: the fields of a TLBI by address that IDR3.RIL brings. */
static int check_range(const struct smmuv3_guest_caps *caps, u64 qw0, u64 qw1)
{
	unsigned int tg = FIELD_GET(SMMUV3_TLBI_1_TG, qw1);
	unsigned int ttl = FIELD_GET(SMMUV3_TLBI_1_TTL, qw1);
	bool range = qw0 & (SMMUV3_TLBI_0_NUM | SMMUV3_TLBI_0_SCALE);

	if (!tg)
		return range || ttl ? -EIO : 0;
	if (!caps->ril)
		return -EIO;
	/* One granule at any level is what there is a command without TG for. */
	if (!range && !ttl)
		return -EIO;
	/* Level 1 of a 16K table has no leaf entries without DS. */
	if (tg == 2 && ttl == 1 && !caps->ds)
		return -EIO;
	return 0;
}

/**
 * smmuv3_guest_cmd - check a command of a guest's command queue
 * @caps: what the unit can do
 * @vmid: the guest's VMID on the unit
 * @guest: the command as it stands in the guest's queue
 * @out: what to do
 *
 * Nothing of the guest's VMID field goes through, and nothing of its StreamID but in
 * @out->vsid.
 *
 * Return: 0, or -EIO for a command that is not a guest's, or malformed.
 */
int smmuv3_guest_cmd(const struct smmuv3_guest_caps *caps, u16 vmid,
		     const __le64 guest[2], struct smmuv3_guest_cmd *out)
{
	u64 asid = FIELD_PREP(SMMUV3_TLBI_0_ASID, (u64)GENMASK(caps->asid_bits - 1, 0));
	u64 qw0 = le64_to_cpu(guest[0]), qw1 = le64_to_cpu(guest[1]);
	enum smmuv3_opcode opcode = (enum smmuv3_opcode)FIELD_GET(SMMUV3_CMD_0_OPCODE, qw0);
	u64 may0 = SMMUV3_CMD_0_OPCODE, may1 = 0;

	switch (opcode) {
	case SMMUV3_CMD_TLBI_NSNH_ALL:
		break;
	case SMMUV3_CMD_TLBI_NH_ALL:
		may0 |= SMMUV3_TLBI_0_VMID;
		break;
	case SMMUV3_CMD_TLBI_NH_ASID:
		may0 |= SMMUV3_TLBI_0_VMID | asid;
		break;
	case SMMUV3_CMD_TLBI_NH_VA:
		may0 |= asid;
		fallthrough;
	case SMMUV3_CMD_TLBI_NH_VAA:
		if (check_range(caps, qw0, qw1))
			return -EIO;
		may0 |= SMMUV3_TLBI_0_VMID | SMMUV3_TLBI_0_NUM | SMMUV3_TLBI_0_SCALE;
		if (!caps->ds)		/* SCALE has five bits */
			may0 &= ~FIELD_PREP(SMMUV3_TLBI_0_SCALE, BIT_ULL(5));
		may1 |= SMMUV3_TLBI_1_LEAF | SMMUV3_TLBI_1_TTL | SMMUV3_TLBI_1_TG |
			SMMUV3_TLBI_1_VA;
		break;
	case SMMUV3_CMD_CFGI_CD:
		if (caps->ssid_bits)
			may0 |= SMMUV3_CMD_0_SSID;
		may1 |= SMMUV3_CFGI_1_LEAF;
		fallthrough;
	case SMMUV3_CMD_CFGI_CD_ALL:
		may0 |= SMMUV3_CMD_0_SID;
		break;
	case SMMUV3_CMD_ATC_INV:
		if (!caps->ats || FIELD_GET(SMMUV3_ATC_1_SIZE, qw1) > SMMUV3_ATC_SIZE_ALL)
			return -EIO;
		if (caps->ssid_bits)
			may0 |= SMMUV3_CMD_0_SSV | SMMUV3_CMD_0_SSID | SMMUV3_ATC_0_GLOBAL;
		may0 |= SMMUV3_CMD_0_SID;
		may1 |= SMMUV3_ATC_1_SIZE | SMMUV3_ATC_1_ADDRESS;
		break;
	default:
		return -EIO;
	}
	if (qw0 & ~may0 || qw1 & ~may1)
		return -EIO;

	*out = (struct smmuv3_guest_cmd){ .cmd = { .data = { qw0, qw1 } } };
	switch (opcode) {
	case SMMUV3_CMD_TLBI_NSNH_ALL:
		out->cmd = smmuv3_make_tlbi_nh_all(vmid);
		break;
	case SMMUV3_CMD_CFGI_CD:
	case SMMUV3_CMD_CFGI_CD_ALL:
	case SMMUV3_CMD_ATC_INV:
		out->by_sid = true;
		out->vsid = smmuv3_cmd_sid(&out->cmd);
		smmuv3_cmd_set_sid(&out->cmd, 0);
		break;
	default:
		out->cmd.data[0] &= ~SMMUV3_TLBI_0_VMID;
		out->cmd.data[0] |= FIELD_PREP(SMMUV3_TLBI_0_VMID, vmid);
		break;
	}
	return 0;
}

/* @record, a fault of stage 2, becomes an abort of the access to event->ipa. */
static void guest_abort(const struct smmuv3_event *event, enum smmuv3_event_id id,
			u64 record[SMMUV3_EVENT_QWORDS])
{
	record[0] = (record[0] & ~SMMUV3_EVENT_0_ID) | FIELD_PREP(SMMUV3_EVENT_0_ID, id);
	if (id == SMMUV3_F_CD_FETCH) {
		record[1] = 0;
		record[2] = 0;
	} else {
		record[1] &= SMMUV3_EVENT_1_PNU | SMMUV3_EVENT_1_IND | SMMUV3_EVENT_1_RNW |
			     SMMUV3_EVENT_1_CLASS;
	}
	record[3] = event->ipa & SMMUV3_EVENT_3_FETCHADDR;
}

/**
 * smmuv3_guest_event - what the guest that has a device hears of an event
 * @record: the event
 * @out: the event of the guest's own SMMU, which has no stage 2 (7.3); the StreamID in
 *	it is 0
 *
 * A context descriptor or a table that the guest has where its memory is not: with
 * stage 1 alone that is an external abort. Where a transaction itself goes nowhere no
 * SMMU notices, and what stage 2 lacks there is the VMM's affair. What came to an
 * external abort in the hardware was at a physical address, which is none of the
 * guest's.
 *
 * Return: whether there is something to hear.
 */
bool smmuv3_guest_event(const u64 record[SMMUV3_EVENT_QWORDS],
			__le64 out[SMMUV3_EVENT_QWORDS])
{
	const struct smmuv3_event event = smmuv3_decode_event(record);
	u64 guest[SMMUV3_EVENT_QWORDS] = { record[0], record[1], record[2] };
	unsigned int i;

	switch (event.id) {
	case SMMUV3_C_BAD_STE:
	case SMMUV3_F_STREAM_DISABLED:
	case SMMUV3_C_BAD_SUBSTREAMID:
	case SMMUV3_C_BAD_CD:
		break;
	case SMMUV3_F_TRANSLATION:
	case SMMUV3_F_ADDR_SIZE:
	case SMMUV3_F_ACCESS:
	case SMMUV3_F_PERMISSION:
		if (event.stall)
			return false;
		if (!event.s2)
			break;
		if (event.class == SMMUV3_CLASS_CD)
			guest_abort(&event, SMMUV3_F_CD_FETCH, guest);
		else if (event.class == SMMUV3_CLASS_TT)
			guest_abort(&event, SMMUV3_F_WALK_EABT, guest);
		else
			return false;
		break;
	default:
		return false;
	}
	guest[0] &= ~SMMUV3_EVENT_0_SID;
	for (i = 0; i < SMMUV3_EVENT_QWORDS; i++)
		out[i] = cpu_to_le64(guest[i]);
	return true;
}
