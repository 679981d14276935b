/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a guest may ask of an SMMU, its stream table entries and its commands, checked
 * field by field; and what it hears of one. Pure functions, see guest.c.
 */
#ifndef __SMMUV3_GUEST_H
#define __SMMUV3_GUEST_H

#include <linux/types.h>

#include "smmuv3_cmd.h"
#include "smmuv3_event.h"
#include "smmuv3_ste.h"

/**
 * struct smmuv3_guest_caps - what a unit can do, as far as a guest may use it
 * @ssid_bits: IDR1.SSIDSIZE
 * @asid_bits: 8, or 16 with IDR0.ASID16
 * @cd2l: IDR0.CD2L: context descriptor tables of two levels
 * @stall: IDR0.STALL_MODEL is 0b00: whether faults stall can be configured
 * @ats: IDR0.ATS
 * @ril: IDR3.RIL: TLBI by range and level
 * @ds: IDR5.DS: 52-bit addresses with 4K and 16K granules
 */
struct smmuv3_guest_caps {
	u8 ssid_bits;
	u8 asid_bits;
	bool cd2l;
	bool stall;
	bool ats;
	bool ril;
	bool ds;
};

/* What IDR0, IDR1, IDR3 and IDR5 in @idr say (6.3.1 to 6.3.6). */
static inline struct smmuv3_guest_caps smmuv3_guest_caps_of(const u32 idr[6])
{
	return (struct smmuv3_guest_caps){
		.ssid_bits = FIELD_GET(GENMASK_ULL(10, 6), (u64)idr[1]),
		.asid_bits = idr[0] & BIT(12) ? 16 : 8,
		.cd2l = idr[0] & BIT(19),
		.stall = !(idr[0] & (BIT(24) | BIT(25))),
		.ats = idr[0] & BIT(10),
		.ril = idr[3] & BIT(10),
		.ds = idr[5] & BIT(7),
	};
}

/* Does the entry that smmuv3_guest_ste() made have the guest's stage 1 translate? */
static inline bool smmuv3_guest_translates(const __le64 ste[2])
{
	return le64_to_cpu(ste[0]) & SMMUV3_STE_0_V &&
	       FIELD_GET(SMMUV3_STE_0_CONFIG, le64_to_cpu(ste[0])) == SMMUV3_CONFIG_S1;
}

/*
 * May the device cache translations? Those of stage 1 if the guest says so, which then
 * invalidates them; those of stage 2 alone, where it bypasses, are the host's.
 */
static inline bool smmuv3_guest_ats(const __le64 ste[2])
{
	if (smmuv3_guest_translates(ste))
		return FIELD_GET(SMMUV3_STE_1_EATS, le64_to_cpu(ste[1])) == SMMUV3_EATS_FULL;
	return le64_to_cpu(ste[0]) & SMMUV3_STE_0_V &&
	       FIELD_GET(SMMUV3_STE_0_CONFIG, le64_to_cpu(ste[0])) == SMMUV3_CONFIG_BYPASS;
}

int smmuv3_guest_ste(const struct smmuv3_guest_caps *caps, unsigned int ias,
		     __le64 ste[2]);

/**
 * struct smmuv3_guest_cmd - a guest's command, checked
 * @cmd: what to give the hardware; the StreamID in it is 0
 * @by_sid: ... and has to be put in, for the device that the guest calls @vsid
 * @vsid: the guest's StreamID
 */
struct smmuv3_guest_cmd {
	struct smmuv3_cmd cmd;
	bool by_sid;
	u32 vsid;
};

int smmuv3_guest_cmd(const struct smmuv3_guest_caps *caps, u16 vmid,
		     const __le64 guest[2], struct smmuv3_guest_cmd *out);

bool smmuv3_guest_event(const u64 record[SMMUV3_EVENT_QWORDS],
			__le64 out[SMMUV3_EVENT_QWORDS]);

#endif
