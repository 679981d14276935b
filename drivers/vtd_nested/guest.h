/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a guest may ask of a VT-d unit: its PASID table entries and its invalidation
 * descriptors, checked field by field. Pure functions, see guest.c.
 */
#ifndef __VTD_GUEST_H
#define __VTD_GUEST_H

#include <linux/types.h>

#include "vtd_entry.h"

/**
 * struct vtd_guest_caps - what a unit can do, as far as a guest may use it
 * @fs5lp: CAP.FS5LP: first stage of five levels
 * @srs: ECAP.SRS: supervisor requests
 * @eafs: ECAP.EAFS: extended-accessed bits
 * @mamv: CAP.MAMV: the largest address mask of an invalidation
 */
struct vtd_guest_caps {
	bool fs5lp;
	bool srs;
	bool eafs;
	u8 mamv;
};

/* What CAP_REG and ECAP_REG say (11.4.2, 11.4.3). */
static inline struct vtd_guest_caps vtd_guest_caps_of(u64 cap, u64 ecap)
{
	return (struct vtd_guest_caps){
		.fs5lp = vtd_get_bits(cap, 60, 60),
		.srs = vtd_get_bits(ecap, 31, 31),
		.eafs = vtd_get_bits(ecap, 34, 34),
		.mamv = (u8)vtd_get_bits(cap, 53, 48),
	};
}

/* Does the unit have what @first, of vtd_make_first_stage(), asks for? */
bool vtd_first_stage_fits(const struct vtd_guest_caps *caps, u64 first);

/* 7.1.3: what a guest's own unit would say of its tables. */
enum vtd_guest_reason {
	VTD_GUEST_OK			= 0,
	VTD_GUEST_DIR_UNREADABLE	= 0x50,	/* SPD.1 */
	VTD_GUEST_DIR_ABSENT		= 0x51,	/* SPD.2 */
	VTD_GUEST_DIR_RESERVED		= 0x52,	/* SPD.3 */
	VTD_GUEST_ENTRY_UNREADABLE	= 0x58,	/* SPT.1 */
	VTD_GUEST_ENTRY_ABSENT		= 0x59,	/* SPT.2 */
	VTD_GUEST_ENTRY_RESERVED	= 0x5a,	/* SPT.3 */
	VTD_GUEST_ENTRY_INVALID		= 0x5b,	/* SPT.4 */
	VTD_GUEST_MUTED			= 0xff,	/* whatever it is, FPD is set: nobody is told */
};

/* 9.5: is there a table behind @entry of a guest's PASID directory? */
enum vtd_guest_reason vtd_guest_dir(unsigned int gpa_bits, u64 entry);

/**
 * struct vtd_guest_pasid - a guest's PASID table entry, checked
 * @did: the guest's domain ID
 * @nested: it has a first stage, @first; else it passes through, to the guest's
 *	physical addresses
 * @muted: faults are not to be reported (FPD)
 * @first: as vtd_make_first_stage() has it
 */
struct vtd_guest_pasid {
	u16 did;
	bool nested;
	bool muted;
	u64 first;
};

enum vtd_guest_reason vtd_guest_pasid(const struct vtd_guest_caps *caps,
				      unsigned int gpa_bits,
				      const struct vtd_pasid_entry *entry,
				      struct vtd_guest_pasid *out);

/* 11.4.9.9, IQEI: why a unit does not take a descriptor. */
enum vtd_guest_iqei {
	VTD_GUEST_IQEI_NONE	= 0,
	VTD_GUEST_IQEI_FETCH	= 2,
	VTD_GUEST_IQEI_TYPE	= 3,
	VTD_GUEST_IQEI_RESERVED	= 4,
};

/**
 * struct vtd_guest_desc - a guest's invalidation descriptor, checked
 * @type: its type; what follows as far as the type has it
 * @g: granularity; of a PASID-based-device-TLB invalidation whether it is global (GI)
 * @did: the guest's domain ID
 * @pasid: PASID
 * @sid: the guest's name for a device
 * @addr: address, a multiple of 2^@am pages
 * @am: address mask; for a device-TLB VTD_ATS_EVERYTHING is all there is
 * @ih: invalidation hint
 * @pp: of a page-group response: it has a PASID, @pasid
 * @prgi: of which group (Page Request Group Index)
 * @rc: how it ended, enum vtd_response_code or another code
 */
struct vtd_guest_desc {
	enum vtd_desc_type type;
	u8 g;
	u16 did;
	u32 pasid;
	u16 sid;
	u64 addr;
	u8 am;
	bool ih;
	bool pp;
	u16 prgi;
	u8 rc;
};

/* 6.5.2.1 to 6.5.2.4: G */
enum { VTD_CONTEXT_GLOBAL = 1, VTD_CONTEXT_DOMAIN, VTD_CONTEXT_DEVICE };
enum { VTD_PASID_CACHE_DOMAIN = 0, VTD_PASID_CACHE_PASID = 1, VTD_PASID_CACHE_GLOBAL = 3 };
enum { VTD_IOTLB_GLOBAL = 1, VTD_IOTLB_DOMAIN, VTD_IOTLB_PAGES };
enum { VTD_PASID_IOTLB_ALL = 2, VTD_PASID_IOTLB_PAGES = 3 };

enum vtd_guest_iqei vtd_guest_desc(const struct vtd_guest_caps *caps, bool wide,
				   const struct vtd_desc *desc, struct vtd_guest_desc *out);

#endif
