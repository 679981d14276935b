// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest's PASID table entries and invalidation descriptors.
 *
 * Each is a copy that was read once. An entry becomes a part of a real one, and a
 * descriptor becomes one in the queue that everybody shares, so what is accepted is
 * listed bit by bit: one that the hardware does not take would stop the queue for all
 * (6.5.2.11), and host software is to refuse first stages that the hardware does not
 * have (6.2.3.1). Sections are those of the VT-d specification.
 *
 * The guest's unit has first stage and pass-through, and none of second stage, nesting,
 * memory types (MTS) and host permission tables: fields of those are ignored where
 * the hardware does so, and reserved otherwise.
 */
#include <linux/types.h>

#include "guest.h"

bool vtd_first_stage_fits(const struct vtd_guest_caps *caps, u64 first)
{
	if (vtd_get_bits(first, 3, 2) && !caps->fs5lp)	/* FSPM */
		return false;
	if (vtd_get_bits(first, 0, 0) && !caps->srs)	/* SRE */
		return false;
	if (vtd_get_bits(first, 7, 7) && !caps->eafs)	/* EAFE */
		return false;
	return true;
}

/**
 * vtd_guest_dir - check an entry of a guest's PASID directory (9.5)
 * @gpa_bits: of the guest's physical addresses
 * @entry: the entry
 *
 * Return: 0, and VTD_PTR_MASK of it is the table; or why there is none.
 */
enum vtd_guest_reason vtd_guest_dir(unsigned int gpa_bits, u64 entry)
{
	if (!(entry & VTD_PRESENT))
		return VTD_GUEST_DIR_ABSENT;
	if (vtd_get_bits(entry, 11, 2) || entry >> gpa_bits)
		return VTD_GUEST_DIR_RESERVED;
	return VTD_GUEST_OK;
}

/* 9.6: what must be 0 in every entry that is present. */
static bool vtd_guest_pasid_reserved(const struct vtd_pasid_entry *entry)
{
	unsigned int i;

	for (i = 3; i < 8; i++)
		if (entry->qw[i])			/* 511:192 */
			return true;
	return vtd_get_bits(entry->qw[0], 11, 10) || vtd_get_bits(entry->qw[0], 5, 5) ||
	       vtd_get_bits(entry->qw[1], 63, 25) ||	/* PAT, EMTE, CD and reserved */
	       vtd_get_bits(entry->qw[1], 22, 16) ||
	       vtd_get_bits(entry->qw[2], 11, 8) || vtd_get_bits(entry->qw[2], 1, 1);
}

/**
 * vtd_guest_pasid - check a guest's PASID table entry (9.6)
 * @caps: what the unit can do
 * @gpa_bits: of the guest's physical addresses
 * @entry: the entry
 * @out: what it says
 *
 * How page walks and accesses snoop (PWSNP, PGSNP) is the host's affair.
 *
 * Return: 0, or why a request that comes to it faults.
 */
enum vtd_guest_reason vtd_guest_pasid(const struct vtd_guest_caps *caps,
				      unsigned int gpa_bits,
				      const struct vtd_pasid_entry *entry,
				      struct vtd_guest_pasid *out)
{
	u64 qw2 = entry->qw[2];

	*out = (struct vtd_guest_pasid){
		.did = vtd_pasid_entry_did(entry),
		.muted = entry->qw[0] & VTD_FPD,
	};
	if (!vtd_pasid_entry_present(entry))
		return VTD_GUEST_ENTRY_ABSENT;
	if (vtd_guest_pasid_reserved(entry))
		return VTD_GUEST_ENTRY_RESERVED;
	if (vtd_pasid_entry_pgtt(entry) == VTD_PGTT_PASS_THROUGH)
		return VTD_GUEST_OK;
	if (vtd_pasid_entry_pgtt(entry) != VTD_PGTT_FIRST_STAGE ||
	    vtd_get_bits(qw2, 3, 3))
		return VTD_GUEST_ENTRY_INVALID;
	if (qw2 >> gpa_bits)
		return VTD_GUEST_ENTRY_RESERVED;
	out->nested = true;
	out->first = vtd_make_first_stage(qw2, vtd_get_bits(qw2, 2, 2), vtd_get_bits(qw2, 0, 0),
					  vtd_get_bits(qw2, 4, 4), vtd_get_bits(qw2, 5, 5),
					  vtd_get_bits(qw2, 7, 7));
	if (vtd_first_stage_fits(caps, out->first))
		return VTD_GUEST_OK;
	/* Levels that are not there are invalid, SRE and EAFE are reserved then. */
	return vtd_get_bits(qw2, 2, 2) && !caps->fs5lp ? VTD_GUEST_ENTRY_INVALID :
							  VTD_GUEST_ENTRY_RESERVED;
}

/**
 * struct vtd_guest_layout - what of a descriptor is reserved (6.5.2, 7.6.1)
 * @qw: bits that must be 0; where nothing is said all of the upper 128
 * @narrow: there is one of 128 bits too
 */
struct vtd_guest_layout {
	u64 qw[2];
	bool narrow;
};

#define BITS(hi, lo)	((~0ULL >> (63 - (hi))) & (~0ULL << (lo)))

/* PFSID and MIP are the host's to fill in and not looked at. */
static const struct vtd_guest_layout vtd_guest_layouts[] = {
	[VTD_DESC_CONTEXT] = { { BITS(63, 50) | BITS(15, 12) | BITS(8, 6), ~0ULL }, true },
	[VTD_DESC_IOTLB] = { { BITS(63, 32) | BITS(15, 12) | BITS(8, 8), BITS(11, 7) }, true },
	[VTD_DESC_DEV_TLB] = { { BITS(51, 48) | BITS(31, 21) | BITS(8, 4), BITS(11, 1) }, true },
	[VTD_DESC_IEC] = { { BITS(63, 48) | BITS(26, 12) | BITS(8, 5), ~0ULL }, true },
	[VTD_DESC_WAIT] = { { BITS(31, 12) | BITS(8, 8), BITS(1, 0) }, true },
	[VTD_DESC_PASID_IOTLB] = { { BITS(63, 52) | BITS(15, 12) | BITS(8, 6), BITS(11, 7) } },
	[VTD_DESC_PASID_CACHE] = { { BITS(63, 52) | BITS(15, 12) | BITS(8, 6), ~0ULL } },
	[VTD_DESC_PASID_DEV_TLB] = { { 0, BITS(10, 1) } },
	[VTD_DESC_PAGE_RESPONSE] = { { BITS(63, 52) | BITS(8, 5), ~BITS(11, 2) } },
};

/* 6.5.2.3, 6.5.2.4: ADDR, AM, IH */
static enum vtd_guest_iqei vtd_guest_pages(const struct vtd_guest_caps *caps, u64 qw1,
					   struct vtd_guest_desc *out)
{
	out->am = (u8)vtd_get_bits(qw1, 5, 0);
	if (out->am > caps->mamv)
		return VTD_GUEST_IQEI_RESERVED;
	out->ih = vtd_get_bits(qw1, 6, 6);
	out->addr = vtd_address_start(qw1, out->am);
	return VTD_GUEST_IQEI_NONE;
}

/* 6.5.2.5, 6.5.2.6: ADDR and S, see vtd_ats_address(). */
static void vtd_guest_ats_pages(u64 qw1, bool s, struct vtd_guest_desc *out)
{
	unsigned int am = 0;

	if (s)
		am = 1;
	while (am && am < VTD_ATS_EVERYTHING && vtd_get_bits(qw1, 11 + am, 11 + am))
		am++;
	out->am = (u8)am;
	out->addr = am < VTD_ATS_EVERYTHING ? qw1 & (~0ULL << (12 + am)) : 0;
}

/**
 * vtd_guest_desc - check a descriptor of a guest's invalidation queue
 * @caps: what the unit can do
 * @wide: the queue has descriptors of 256 bits; else the upper 128 are 0
 * @desc: the descriptor
 * @out: what it says
 *
 * Return: 0, or why the guest's unit does not take it.
 */
enum vtd_guest_iqei vtd_guest_desc(const struct vtd_guest_caps *caps, bool wide,
				   const struct vtd_desc *desc, struct vtd_guest_desc *out)
{
	u64 qw0 = desc->qw[0], qw1 = desc->qw[1];
	unsigned int type = (unsigned int)(vtd_get_bits(qw0, 3, 0) |
					   vtd_get_bits(qw0, 11, 9) << 4);
	const struct vtd_guest_layout *layout;

	/* Table 26. There are no host permission tables (type Ah). */
	if (!type || type > VTD_DESC_PAGE_RESPONSE)
		return VTD_GUEST_IQEI_TYPE;
	layout = &vtd_guest_layouts[type];
	if (!wide && !layout->narrow)
		return VTD_GUEST_IQEI_TYPE;
	if ((qw0 & layout->qw[0]) || (qw1 & layout->qw[1]) || desc->qw[2] || desc->qw[3])
		return VTD_GUEST_IQEI_RESERVED;

	*out = (struct vtd_guest_desc){
		.type = (enum vtd_desc_type)type,
		.g = (u8)vtd_get_bits(qw0, 5, 4),
		.did = (u16)vtd_get_bits(qw0, 31, 16),
		.pasid = (u32)vtd_get_bits(qw0, 51, 32),
	};
	switch (out->type) {
	case VTD_DESC_CONTEXT:
		out->sid = (u16)vtd_get_bits(qw0, 47, 32);
		return out->g ? VTD_GUEST_IQEI_NONE : VTD_GUEST_IQEI_RESERVED;
	case VTD_DESC_PASID_CACHE:
		return out->g == 2 ? VTD_GUEST_IQEI_RESERVED : VTD_GUEST_IQEI_NONE;
	case VTD_DESC_IOTLB:
		if (out->g == VTD_IOTLB_PAGES)
			return vtd_guest_pages(caps, qw1, out);
		return out->g ? VTD_GUEST_IQEI_NONE : VTD_GUEST_IQEI_RESERVED;
	case VTD_DESC_PASID_IOTLB:
		if (out->g == VTD_PASID_IOTLB_PAGES)
			return vtd_guest_pages(caps, qw1, out);
		return out->g == VTD_PASID_IOTLB_ALL ? VTD_GUEST_IQEI_NONE :
						       VTD_GUEST_IQEI_RESERVED;
	case VTD_DESC_DEV_TLB:
		out->sid = (u16)vtd_get_bits(qw0, 47, 32);
		vtd_guest_ats_pages(qw1, vtd_get_bits(qw1, 0, 0), out);
		return VTD_GUEST_IQEI_NONE;
	case VTD_DESC_PASID_DEV_TLB:
		out->sid = (u16)vtd_get_bits(qw0, 31, 16);
		out->g = (u8)vtd_get_bits(qw1, 0, 0);
		vtd_guest_ats_pages(qw1, vtd_get_bits(qw1, 11, 11), out);
		return VTD_GUEST_IQEI_NONE;
	case VTD_DESC_PAGE_RESPONSE:
		out->sid = (u16)vtd_get_bits(qw0, 31, 16);
		out->pp = vtd_get_bits(qw0, 4, 4);
		out->prgi = (u16)vtd_get_bits(qw1, 11, 3);
		out->rc = (u8)vtd_get_bits(qw0, 15, 12);
		return VTD_GUEST_IQEI_NONE;
	default:
		return VTD_GUEST_IQEI_NONE;
	}
}
