/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Records of SMMUv3's event queue and PRI queue.
 *
 * Pure functions: a record in, its fields out. Field names are those of the Arm
 * System Memory Management Unit Architecture Specification, version 3 (IHI
 * 0070), 7.3 for events and 8.1 for page requests. Bit numbers above 63 in the
 * comments are the specification's, counted through all words.
 */
#ifndef __SMMUV3_EVENT_H
#define __SMMUV3_EVENT_H

#include <linux/bitfield.h>
#include <linux/bits.h>
#include <linux/types.h>

#include "smmuv3_cmd.h"

#define SMMUV3_EVENT_QWORDS		4
#define SMMUV3_PRI_QWORDS		2

enum smmuv3_event_id {
	SMMUV3_F_UUT			= 0x01,
	SMMUV3_C_BAD_STREAMID		= 0x02,
	SMMUV3_F_STE_FETCH		= 0x03,
	SMMUV3_C_BAD_STE		= 0x04,
	SMMUV3_F_BAD_ATS_TREQ		= 0x05,
	SMMUV3_F_STREAM_DISABLED	= 0x06,
	SMMUV3_F_TRANSL_FORBIDDEN	= 0x07,
	SMMUV3_C_BAD_SUBSTREAMID	= 0x08,
	SMMUV3_F_CD_FETCH		= 0x09,
	SMMUV3_C_BAD_CD			= 0x0a,
	SMMUV3_F_WALK_EABT		= 0x0b,
	SMMUV3_F_TRANSLATION		= 0x10,
	SMMUV3_F_ADDR_SIZE		= 0x11,
	SMMUV3_F_ACCESS			= 0x12,
	SMMUV3_F_PERMISSION		= 0x13,
	SMMUV3_F_TLB_CONFLICT		= 0x20,
	SMMUV3_F_CFG_CONFLICT		= 0x21,
	SMMUV3_E_PAGE_REQUEST		= 0x24,
	SMMUV3_F_VMS_FETCH		= 0x25,
};

#define SMMUV3_EVENT_0_ID		GENMASK_ULL(7, 0)
#define SMMUV3_EVENT_0_SSV		BIT_ULL(11)
#define SMMUV3_EVENT_0_SSID		GENMASK_ULL(31, 12)
#define SMMUV3_EVENT_0_SID		GENMASK_ULL(63, 32)
#define SMMUV3_EVENT_1_STAG		GENMASK_ULL(15, 0)	/* 79:64 */
#define SMMUV3_EVENT_1_STALL		BIT_ULL(31)		/* 95 */
#define SMMUV3_EVENT_1_PNU		BIT_ULL(33)		/* 97 */
#define SMMUV3_EVENT_1_IND		BIT_ULL(34)		/* 98 */
#define SMMUV3_EVENT_1_RNW		BIT_ULL(35)		/* 99 */
#define SMMUV3_EVENT_1_S2		BIT_ULL(39)		/* 103 */
#define SMMUV3_EVENT_1_CLASS		GENMASK_ULL(41, 40)	/* 105:104 */
#define SMMUV3_EVENT_3_IPA		GENMASK_ULL(51, 12)	/* 243:204 */
#define SMMUV3_EVENT_3_FETCHADDR	GENMASK_ULL(51, 3)	/* 243:195 */

/* CLASS: what the access was for that faulted. */
enum smmuv3_event_class {
	SMMUV3_CLASS_CD	= 0,	/* the fetch of a context descriptor */
	SMMUV3_CLASS_TT	= 1,	/* the fetch of a stage-1 table entry */
	SMMUV3_CLASS_IN	= 2,	/* the transaction's own address */
};

/**
 * struct smmuv3_event - an event record, taken apart
 * @id: enum smmuv3_event_id, or one that is not known here
 * @sid: StreamID
 * @ssid: SubstreamID, or SMMUV3_NO_SSID. C_BAD_SUBSTREAMID has no SSV to tell a
 *	substream from none (7.3.9): always as it stands
 * @translated: one of F_TRANSLATION, F_ADDR_SIZE, F_ACCESS and F_PERMISSION; else
 *	everything from here to @ipa is 0
 * @stag: STAG, with @stall
 * @stall: Stall: the transaction waits for CMD_RESUME
 * @privileged: PnU
 * @instruction: InD
 * @read: RnW
 * @s2: the fault is stage 2's
 * @class: enum smmuv3_event_class
 * @address: InputAddr
 * @ipa: IPA, with @s2
 * @fetch_addr: FetchAddr, of F_STE_FETCH, F_CD_FETCH, F_WALK_EABT, F_VMS_FETCH;
 *	else 0
 */
struct smmuv3_event {
	u8 id;
	u32 sid;
	u32 ssid;
	bool translated;
	u16 stag;
	bool stall;
	bool privileged;
	bool instruction;
	bool read;
	bool s2;
	u8 class;
	u64 address;
	u64 ipa;
	u64 fetch_addr;
};

/* @record is in the CPU's byte order. */
static inline struct smmuv3_event
smmuv3_decode_event(const u64 record[SMMUV3_EVENT_QWORDS])
{
	struct smmuv3_event event = {
		.id = FIELD_GET(SMMUV3_EVENT_0_ID, record[0]),
		.sid = FIELD_GET(SMMUV3_EVENT_0_SID, record[0]),
		.ssid = SMMUV3_NO_SSID,
	};

	if (event.id == SMMUV3_C_BAD_SUBSTREAMID || (record[0] & SMMUV3_EVENT_0_SSV))
		event.ssid = FIELD_GET(SMMUV3_EVENT_0_SSID, record[0]);

	switch (event.id) {
	case SMMUV3_F_TRANSLATION:
	case SMMUV3_F_ADDR_SIZE:
	case SMMUV3_F_ACCESS:
	case SMMUV3_F_PERMISSION:
		event.translated = true;
		event.stall = record[1] & SMMUV3_EVENT_1_STALL;
		if (event.stall)
			event.stag = FIELD_GET(SMMUV3_EVENT_1_STAG, record[1]);
		event.privileged = record[1] & SMMUV3_EVENT_1_PNU;
		event.instruction = record[1] & SMMUV3_EVENT_1_IND;
		event.read = record[1] & SMMUV3_EVENT_1_RNW;
		event.s2 = record[1] & SMMUV3_EVENT_1_S2;
		event.class = FIELD_GET(SMMUV3_EVENT_1_CLASS, record[1]);
		event.address = record[2];
		if (event.s2)
			event.ipa = record[3] & SMMUV3_EVENT_3_IPA;
		break;
	case SMMUV3_F_STE_FETCH:
	case SMMUV3_F_CD_FETCH:
	case SMMUV3_F_WALK_EABT:
	case SMMUV3_F_VMS_FETCH:
		event.fetch_addr = record[3] & SMMUV3_EVENT_3_FETCHADDR;
		break;
	}
	return event;
}

/* The specification's name of an event; "unknown" for the others. */
static inline const char *smmuv3_event_name(u8 id)
{
	switch (id) {
	case SMMUV3_F_UUT: return "F_UUT";
	case SMMUV3_C_BAD_STREAMID: return "C_BAD_STREAMID";
	case SMMUV3_F_STE_FETCH: return "F_STE_FETCH";
	case SMMUV3_C_BAD_STE: return "C_BAD_STE";
	case SMMUV3_F_BAD_ATS_TREQ: return "F_BAD_ATS_TREQ";
	case SMMUV3_F_STREAM_DISABLED: return "F_STREAM_DISABLED";
	case SMMUV3_F_TRANSL_FORBIDDEN: return "F_TRANSL_FORBIDDEN";
	case SMMUV3_C_BAD_SUBSTREAMID: return "C_BAD_SUBSTREAMID";
	case SMMUV3_F_CD_FETCH: return "F_CD_FETCH";
	case SMMUV3_C_BAD_CD: return "C_BAD_CD";
	case SMMUV3_F_WALK_EABT: return "F_WALK_EABT";
	case SMMUV3_F_TRANSLATION: return "F_TRANSLATION";
	case SMMUV3_F_ADDR_SIZE: return "F_ADDR_SIZE";
	case SMMUV3_F_ACCESS: return "F_ACCESS";
	case SMMUV3_F_PERMISSION: return "F_PERMISSION";
	case SMMUV3_F_TLB_CONFLICT: return "F_TLB_CONFLICT";
	case SMMUV3_F_CFG_CONFLICT: return "F_CFG_CONFLICT";
	case SMMUV3_E_PAGE_REQUEST: return "E_PAGE_REQUEST";
	case SMMUV3_F_VMS_FETCH: return "F_VMS_FETCH";
	default: return "unknown";
	}
}

/* What such an event means to a person. */
static inline const char *smmuv3_event_reason(u8 id)
{
	switch (id) {
	case SMMUV3_F_UUT: return "unsupported transaction";
	case SMMUV3_C_BAD_STREAMID: return "StreamID outside the stream table";
	case SMMUV3_F_STE_FETCH: return "stream table entry could not be fetched";
	case SMMUV3_C_BAD_STE: return "stream table entry is not valid";
	case SMMUV3_F_BAD_ATS_TREQ: return "ATS request where ATS is off";
	case SMMUV3_F_STREAM_DISABLED: return "request without substream is not allowed";
	case SMMUV3_F_TRANSL_FORBIDDEN: return "translated request where ATS is off";
	case SMMUV3_C_BAD_SUBSTREAMID: return "SubstreamID outside the context descriptors";
	case SMMUV3_F_CD_FETCH: return "context descriptor could not be fetched";
	case SMMUV3_C_BAD_CD: return "context descriptor is not valid";
	case SMMUV3_F_WALK_EABT: return "table entry could not be fetched";
	case SMMUV3_F_TRANSLATION: return "nothing is mapped there";
	case SMMUV3_F_ADDR_SIZE: return "address is too large";
	case SMMUV3_F_ACCESS: return "access flag is clear";
	case SMMUV3_F_PERMISSION: return "no permission";
	case SMMUV3_F_TLB_CONFLICT: return "conflicting TLB entries";
	case SMMUV3_F_CFG_CONFLICT: return "conflicting cached configuration";
	case SMMUV3_E_PAGE_REQUEST: return "hint of a page request";
	case SMMUV3_F_VMS_FETCH: return "VM structure could not be fetched";
	default: return "unknown event";
	}
}

#define SMMUV3_PRI_0_SID		GENMASK_ULL(31, 0)
#define SMMUV3_PRI_0_SSID		GENMASK_ULL(51, 32)
#define SMMUV3_PRI_0_PRIV		BIT_ULL(58)
#define SMMUV3_PRI_0_X			BIT_ULL(59)
#define SMMUV3_PRI_0_R			BIT_ULL(60)
#define SMMUV3_PRI_0_W			BIT_ULL(61)
#define SMMUV3_PRI_0_LAST		BIT_ULL(62)
#define SMMUV3_PRI_0_SSV		BIT_ULL(63)
/* In the second word: SMMUV3_PRI_1_PRGINDEX, as in CMD_PRI_RESP, and: */
#define SMMUV3_PRI_1_ADDRESS		GENMASK_ULL(63, 12)	/* 127:76 */

/*
 * The page that an access was to, as page requests have theirs: of 4K, whatever the pages of
 * the host's CPUs are.
 */
static inline u64 smmuv3_event_page(const struct smmuv3_event *event)
{
	return event->address & SMMUV3_PRI_1_ADDRESS;
}

/**
 * struct smmuv3_pri - a page request, taken apart (8.1)
 * @sid: StreamID
 * @ssid: SubstreamID, or SMMUV3_NO_SSID
 * @prgindex: PRGIndex
 * @privileged: Priv
 * @execute: X
 * @read: R
 * @write: W
 * @last: Last
 * @address: the page
 */
struct smmuv3_pri {
	u32 sid;
	u32 ssid;
	u16 prgindex;
	bool privileged;
	bool execute;
	bool read;
	bool write;
	bool last;
	u64 address;
};

/* @record is in the CPU's byte order. */
static inline struct smmuv3_pri smmuv3_decode_pri(const u64 record[SMMUV3_PRI_QWORDS])
{
	bool ssv = record[0] & SMMUV3_PRI_0_SSV;

	return (struct smmuv3_pri){
		.sid = FIELD_GET(SMMUV3_PRI_0_SID, record[0]),
		.ssid = ssv ? FIELD_GET(SMMUV3_PRI_0_SSID, record[0]) : SMMUV3_NO_SSID,
		.prgindex = FIELD_GET(SMMUV3_PRI_1_PRGINDEX, record[1]),
		.privileged = record[0] & SMMUV3_PRI_0_PRIV,
		.execute = record[0] & SMMUV3_PRI_0_X,
		.read = record[0] & SMMUV3_PRI_0_R,
		.write = record[0] & SMMUV3_PRI_0_W,
		.last = record[0] & SMMUV3_PRI_0_LAST,
		.address = record[1] & SMMUV3_PRI_1_ADDRESS,
	};
}

/*
 * 8: a message that has a PASID and asks for nothing is no request but the PCI Express
 * Stop Marker. Without a PASID it is a request like others.
 */
static inline bool smmuv3_pri_is_stop_marker(const struct smmuv3_pri *pri)
{
	return pri->last && !pri->read && !pri->write && pri->ssid != SMMUV3_NO_SSID;
}

#endif
