/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Table entries, invalidation descriptors and page requests of VT-d in scalable mode.
 *
 * Pure functions: numbers in, an entry out, nothing read and nothing written.
 * Field names and sections are those of the Intel Virtualization Technology for
 * Directed I/O Architecture Specification. The same text is compiled into a
 * user-space program that checks it (tools/testing/unit).
 */
#ifndef __VTD_ENTRY_H
#define __VTD_ENTRY_H

#include <linux/types.h>

/* Bits @hi to @lo of an entry, holding @value. */
static inline u64 vtd_bits(u64 value, unsigned int hi, unsigned int lo)
{
	return (value & (~0ULL >> (63 - (hi - lo)))) << lo;
}

/* What bits @hi to @lo of @qword hold. */
static inline u64 vtd_get_bits(u64 qword, unsigned int hi, unsigned int lo)
{
	return (qword >> lo) & (~0ULL >> (63 - (hi - lo)));
}

/* Every table here is 4 KiB, and a pointer to it has its low 12 bits free. */
#define VTD_PTR_MASK		(~0xfffULL)

#define VTD_ROOT_ENTRIES	256	/* one per bus */
#define VTD_CONTEXT_ENTRIES	128	/* half a bus */
#define VTD_PASID_LEAF_ENTRIES	64
#define VTD_PASID_BITS		20	/* most that a PASID has (PCIe 6.20) */

/**
 * struct vtd_root_entry - 9.2 Scalable-Mode Root Entry
 * @half: pointers to the context tables of functions 00.0 to 0f.7 and 10.0 to
 *	1f.7 of the bus, present bits included
 */
struct vtd_root_entry {
	u64 half[2];
};

/**
 * struct vtd_context_entry - 9.4 Scalable-Mode Context Entry
 * @qw: 256 bits
 */
struct vtd_context_entry {
	u64 qw[4];
};

/**
 * struct vtd_pasid_entry - 9.6 Scalable-Mode PASID Table Entry
 * @qw: 512 bits
 */
struct vtd_pasid_entry {
	u64 qw[8];
};

/**
 * struct vtd_desc - 6.5.2 invalidation descriptor, the 256-bit form
 * @qw: 256 bits; the descriptors used here need the low 128
 */
struct vtd_desc {
	u64 qw[4];
};

#define VTD_PRESENT	0x1ULL
#define VTD_FPD		0x2ULL	/* 9.4 to 9.6: Fault Processing Disable */

/* 9.2: half of a root entry: LP/UP, LCTP/UCTP. */
static inline u64 vtd_make_root_half(u64 context_table)
{
	return (context_table & VTD_PTR_MASK) |	/* 63:12 xCTP */
	       VTD_PRESENT;			/* 0 xP */
}

/*
 * 9.4: a context entry, with RID_PASID 0 and everything that makes it valid in
 * the low quad word, so that one 64-bit store replaces it. @pdts: the directory
 * has 2^(@pdts + 7) entries.
 */
static inline struct vtd_context_entry
vtd_make_context_entry(u64 pasid_dir, unsigned int pdts, bool pasid_enable,
		       bool dev_tlb, bool page_requests)
{
	return (struct vtd_context_entry){ .qw = {
		(pasid_dir & VTD_PTR_MASK) |		/* 63:12 PASIDDIRPTR */
		vtd_bits(pdts, 11, 9) |			/* PDTS */
		vtd_bits(dev_tlb && page_requests, 4, 4) | /* PRE; without DTE illegal */
		vtd_bits(pasid_enable, 3, 3) |		/* PASIDE */
		vtd_bits(dev_tlb, 2, 2) |		/* DTE */
		VTD_PRESENT,				/* 0 P; FPD clear: faults are reported */
	} };
}

static inline unsigned int vtd_context_pdts(const struct vtd_context_entry *entry)
{
	return (unsigned int)vtd_get_bits(entry->qw[0], 11, 9);
}

static inline bool vtd_context_pasid_enabled(const struct vtd_context_entry *entry)
{
	return vtd_get_bits(entry->qw[0], 3, 3);
}

/*
 * 9.4: PDTS of the smallest directory for PASIDs of @bits bits, up to 20: each of
 * its 2^(PDTS + 7) entries leads to 64 PASIDs.
 */
static inline unsigned int vtd_pdts(unsigned int bits)
{
	return bits > 13 ? bits - 13 : 0;
}

static inline unsigned int vtd_pasid_dir_entries(unsigned int pdts)
{
	return 1U << (pdts + 7);
}

/* 9.5: an entry of the PASID directory. */
static inline u64 vtd_make_pasid_dir_entry(u64 pasid_leaf)
{
	return (pasid_leaf & VTD_PTR_MASK) |	/* 63:12 SMPTBLPTR */
	       VTD_PRESENT;			/* 0 P; FPD clear */
}

/* 9.6: PASID Granular Translation Type. */
enum vtd_pgtt {
	VTD_PGTT_FIRST_STAGE	= 1,
	VTD_PGTT_SECOND_STAGE	= 2,
	VTD_PGTT_NESTED		= 3,
	VTD_PGTT_PASS_THROUGH	= 4,
};

/*
 * 9.6: requests fault, and the fault is reported. P clear is enough for the
 * hardware; QEMU, once it has cached the context entry, looks at PGTT alone, and
 * with one that exists would walk whatever the entry points to. So all is zero:
 * the hardware says "not present" (59h), QEMU may say "invalid" (5Bh).
 */
static inline struct vtd_pasid_entry vtd_make_pasid_blocked(void)
{
	return (struct vtd_pasid_entry){ };
}

/* 9.6, PGTT 100b: requests pass untranslated. */
static inline struct vtd_pasid_entry
vtd_make_pasid_pass_through(u16 did, unsigned int aw, bool pwsnp)
{
	return (struct vtd_pasid_entry){ .qw = {
		vtd_bits(VTD_PGTT_PASS_THROUGH, 8, 6) |	/* PGTT */
		vtd_bits(aw, 4, 2) |			/* AW */
		VTD_PRESENT,				/* 0 P; FPD clear */
		vtd_bits(pwsnp, 23, 23) |		/* 87 PWSNP */
		did,					/* 79:64 DID */
	} };
}

/*
 * 9.6, PGTT 010b: requests go through second-stage tables. @aw: the levels of
 * the tables less two (CAP.SAGAW). @pwsnp: page walks snoop the caches, only
 * with ECAP.SMPWC. @pgsnp: so do the accesses, only with ECAP.SC.
 */
static inline struct vtd_pasid_entry
vtd_make_pasid_second_stage(u64 pgd, unsigned int aw, u16 did, bool pwsnp,
			    bool pgsnp)
{
	return (struct vtd_pasid_entry){ .qw = {
		(pgd & VTD_PTR_MASK) |			/* 63:12 SSPTPTR */
		vtd_bits(VTD_PGTT_SECOND_STAGE, 8, 6) |	/* PGTT; 9 SSADE clear */
		vtd_bits(aw, 4, 2) |			/* AW */
		VTD_PRESENT,				/* 0 P; FPD clear */
		vtd_bits(pgsnp, 24, 24) |		/* 88 PGSNP */
		vtd_bits(pwsnp, 23, 23) |		/* 87 PWSNP */
		did,					/* 79:64 DID */
	} };
}

/*
 * 9.6: bits 191:128, what is said of first stage. @pgd: a guest's address where it is
 * nested. @five_levels: FSPM 01b, only with CAP.FS5LP. @sre: only with ECAP.SRS.
 * @nxe: XD is no reserved bit of first-stage entries; hardware after revision 4.1
 * has it so anyway and ignores the bit. @eafe: only with ECAP.EAFS.
 */
static inline u64 vtd_make_first_stage(u64 pgd, bool five_levels, bool sre, bool wpe,
				       bool nxe, bool eafe)
{
	return (pgd & VTD_PTR_MASK) |		/* 191:140 FSPTPTR */
	       vtd_bits(eafe, 7, 7) |		/* 135 EAFE */
	       vtd_bits(nxe, 5, 5) |		/* 133 NXE in 4.1 */
	       vtd_bits(wpe, 4, 4) |		/* 132 WPE */
	       vtd_bits(five_levels, 3, 2) |	/* 131:130 FSPM */
	       vtd_bits(sre, 0, 0);		/* 128 SRE */
}

/*
 * 9.6, PGTT 011b: requests go through first-stage tables, @first as
 * vtd_make_first_stage() has it, whose addresses are those of the second-stage
 * tables at @pgd. The others as above.
 */
static inline struct vtd_pasid_entry
vtd_make_pasid_nested(u64 first, u64 pgd, unsigned int aw, u16 did, bool pwsnp, bool pgsnp)
{
	return (struct vtd_pasid_entry){ .qw = {
		(pgd & VTD_PTR_MASK) |			/* 63:12 SSPTPTR */
		vtd_bits(VTD_PGTT_NESTED, 8, 6) |	/* PGTT; 9 SSADE clear */
		vtd_bits(aw, 4, 2) |			/* AW */
		VTD_PRESENT,				/* 0 P; FPD clear */
		vtd_bits(pgsnp, 24, 24) |		/* 88 PGSNP */
		vtd_bits(pwsnp, 23, 23) |		/* 87 PWSNP */
		did,					/* 79:64 DID */
		first,					/* 191:128 */
	} };
}

/* 9.6: @entry as it is, and faults that it brings about are not reported (FPD). */
static inline struct vtd_pasid_entry vtd_pasid_entry_mute(struct vtd_pasid_entry entry)
{
	entry.qw[0] |= VTD_FPD;
	return entry;
}

static inline bool vtd_pasid_entry_present(const struct vtd_pasid_entry *entry)
{
	return entry->qw[0] & VTD_PRESENT;
}

static inline enum vtd_pgtt vtd_pasid_entry_pgtt(const struct vtd_pasid_entry *entry)
{
	return (enum vtd_pgtt)vtd_get_bits(entry->qw[0], 8, 6);
}

static inline u16 vtd_pasid_entry_did(const struct vtd_pasid_entry *entry)
{
	return (u16)vtd_get_bits(entry->qw[1], 15, 0);
}

/* 6.5.2: bits 3:0 of a descriptor (11:9, the rest of the type, are 0). */
enum vtd_desc_type {
	VTD_DESC_CONTEXT	= 1,
	VTD_DESC_IOTLB		= 2,
	VTD_DESC_DEV_TLB	= 3,
	VTD_DESC_IEC		= 4,
	VTD_DESC_WAIT		= 5,
	VTD_DESC_PASID_IOTLB	= 6,
	VTD_DESC_PASID_CACHE	= 7,
	VTD_DESC_PASID_DEV_TLB	= 8,
	VTD_DESC_PAGE_RESPONSE	= 9,	/* 7.6.1 */
};

static inline enum vtd_desc_type vtd_desc_type(const struct vtd_desc *desc)
{
	return (enum vtd_desc_type)vtd_get_bits(desc->qw[0], 3, 0);
}

/* 6.5.2.1 Context-cache Invalidate: everything. */
static inline struct vtd_desc vtd_make_context_global(void)
{
	return (struct vtd_desc){ .qw = {
		vtd_bits(1, 5, 4) |		/* G: global */
		VTD_DESC_CONTEXT,
	} };
}

/* 6.5.2.1: one requester ID. DID is for legacy mode's context entries. */
static inline struct vtd_desc vtd_make_context_device(u16 sid)
{
	return (struct vtd_desc){ .qw = {
		vtd_bits(0, 49, 48) |		/* FM: this function alone */
		vtd_bits(sid, 47, 32) |		/* SID */
		vtd_bits(3, 5, 4) |		/* G: device-selective */
		VTD_DESC_CONTEXT,
	} };
}

/* 6.5.2.2 PASID-cache Invalidate: everything. */
static inline struct vtd_desc vtd_make_pasid_cache_global(void)
{
	return (struct vtd_desc){ .qw = {
		vtd_bits(3, 5, 4) |		/* G: global */
		VTD_DESC_PASID_CACHE,
	} };
}

/* 6.5.2.2: every PASID whose entry held @did. */
static inline struct vtd_desc vtd_make_pasid_cache_domain(u16 did)
{
	return (struct vtd_desc){ .qw = {
		vtd_bits(did, 31, 16) |		/* DID */
		vtd_bits(0, 5, 4) |		/* G: domain-selective */
		VTD_DESC_PASID_CACHE,
	} };
}

/* 6.5.2.2: one PASID whose entry held @did. */
static inline struct vtd_desc vtd_make_pasid_cache_pasid(u16 did, u32 pasid)
{
	return (struct vtd_desc){ .qw = {
		vtd_bits(pasid, 51, 32) |	/* PASID */
		vtd_bits(did, 31, 16) |		/* DID */
		vtd_bits(1, 5, 4) |		/* G: PASID-selective-within-domain */
		VTD_DESC_PASID_CACHE,
	} };
}

/* 6.5.2.3 IOTLB Invalidate: everything. DR, DW: drain reads and writes. */
static inline struct vtd_desc vtd_make_iotlb_global(bool dr, bool dw)
{
	return (struct vtd_desc){ .qw = {
		vtd_bits(dr, 7, 7) |		/* DR */
		vtd_bits(dw, 6, 6) |		/* DW */
		vtd_bits(1, 5, 4) |		/* G: global */
		VTD_DESC_IOTLB,
	} };
}

/* 6.5.2.3: all of a domain. */
static inline struct vtd_desc vtd_make_iotlb_domain(u16 did, bool dr, bool dw)
{
	return (struct vtd_desc){ .qw = {
		vtd_bits(did, 31, 16) |		/* DID */
		vtd_bits(dr, 7, 7) |		/* DR */
		vtd_bits(dw, 6, 6) |		/* DW */
		vtd_bits(2, 5, 4) |		/* G: domain-selective */
		VTD_DESC_IOTLB,
	} };
}

/*
 * 6.5.2.3: 2^@am pages of a domain from @addr on, which is aligned to as much.
 * @ih: only leaf entries changed, what is cached of upper levels may stay.
 */
static inline struct vtd_desc vtd_make_iotlb_pages(u16 did, u64 addr, unsigned int am,
						   bool ih, bool dr, bool dw)
{
	return (struct vtd_desc){ .qw = {
		vtd_bits(did, 31, 16) |		/* DID */
		vtd_bits(dr, 7, 7) |		/* DR */
		vtd_bits(dw, 6, 6) |		/* DW */
		vtd_bits(3, 5, 4) |		/* G: page-selective-within-domain */
		VTD_DESC_IOTLB,
		(addr & VTD_PTR_MASK) |		/* 127:76 ADDR */
		vtd_bits(ih, 6, 6) |		/* 70 IH */
		vtd_bits(am, 5, 0),		/* 69:64 AM */
	} };
}

/* 6.5.2.4 PASID-based-IOTLB Invalidate: all of one PASID in a domain. */
static inline struct vtd_desc vtd_make_pasid_iotlb_all(u16 did, u32 pasid)
{
	return (struct vtd_desc){ .qw = {
		vtd_bits(pasid, 51, 32) |	/* PASID */
		vtd_bits(did, 31, 16) |		/* DID */
		vtd_bits(2, 5, 4) |		/* G: PASID-selective */
		VTD_DESC_PASID_IOTLB,
	} };
}

/* 6.5.2.4: 2^@am pages of one PASID in a domain. */
static inline struct vtd_desc vtd_make_pasid_iotlb_pages(u16 did, u32 pasid, u64 addr,
							 unsigned int am, bool ih)
{
	return (struct vtd_desc){ .qw = {
		vtd_bits(pasid, 51, 32) |	/* PASID */
		vtd_bits(did, 31, 16) |		/* DID */
		vtd_bits(3, 5, 4) |		/* G: page-selective-within-PASID */
		VTD_DESC_PASID_IOTLB,
		(addr & VTD_PTR_MASK) |		/* 127:76 ADDR */
		vtd_bits(ih, 6, 6) |		/* 70 IH */
		vtd_bits(am, 5, 0),		/* 69:64 AM */
	} };
}

/*
 * An address and a size as ATS writes them (PCIe 10.3.1): with S set, the
 * lowest clear address bit from 12 on tells the size, 2^@order pages.
 */
#define VTD_ATS_EVERYTHING	52U	/* an order */

static inline u64 vtd_ats_address(u64 addr, unsigned int order)
{
	u64 size;

	if (!order)
		return addr & VTD_PTR_MASK;
	if (order >= VTD_ATS_EVERYTHING)
		return vtd_bits(~0ULL, 62, 12);
	size = 1ULL << (12 + order);
	return ((addr & ~(size - 1)) | ((size >> 1) - 1)) & VTD_PTR_MASK;
}

/*
 * 6.5.2.5 Device-TLB Invalidate: 2^@order pages of requests without PASID in
 * the device-TLB of @sid; @pfsid: @sid itself, or a virtual function's physical
 * function; @mip: how many such requests the device can queue (0: 32).
 */
static inline struct vtd_desc vtd_make_dev_tlb(u16 sid, u16 pfsid, unsigned int mip,
					       u64 addr, unsigned int order)
{
	return (struct vtd_desc){ .qw = {
		vtd_bits(pfsid >> 4, 63, 52) |	/* PFSID[15:4] */
		vtd_bits(sid, 47, 32) |		/* SID */
		vtd_bits(mip, 20, 16) |		/* MIP */
		vtd_bits(pfsid, 15, 12) |	/* PFSID[3:0] */
		VTD_DESC_DEV_TLB,
		vtd_ats_address(addr, order) |	/* 127:76 ADDR */
		vtd_bits(order > 0, 0, 0),	/* 64 S */
	} };
}

/* 6.5.2.6 PASID-based-Device-TLB Invalidate: the same for one PASID. */
static inline struct vtd_desc vtd_make_pasid_dev_tlb(u16 sid, u16 pfsid, unsigned int mip,
						     u32 pasid, u64 addr,
						     unsigned int order)
{
	return (struct vtd_desc){ .qw = {
		vtd_bits(pfsid >> 4, 63, 52) |	/* PFSID[15:4] */
		vtd_bits(pasid, 51, 32) |	/* PASID */
		vtd_bits(sid, 31, 16) |		/* SID */
		vtd_bits(pfsid, 15, 12) |	/* PFSID[3:0] */
		vtd_bits(mip, 8, 4) |		/* MIP */
		VTD_DESC_PASID_DEV_TLB,
		vtd_ats_address(addr, order) |	/* 127:76 ADDR */
		vtd_bits(order > 0, 11, 11),	/* 75 S; 64 G clear: this PASID only */
	} };
}

/* 6.5.2.6, GI: the same for whatever PASID. */
static inline struct vtd_desc vtd_make_pasid_dev_tlb_global(u16 sid, u16 pfsid,
							    unsigned int mip, u64 addr,
							    unsigned int order)
{
	struct vtd_desc desc = vtd_make_pasid_dev_tlb(sid, pfsid, mip, 0, addr, order);

	desc.qw[1] |= vtd_bits(1, 0, 0);	/* 64 GI */
	return desc;
}

static inline bool vtd_desc_is_dev_tlb(const struct vtd_desc *desc)
{
	return vtd_desc_type(desc) == VTD_DESC_DEV_TLB ||
	       vtd_desc_type(desc) == VTD_DESC_PASID_DEV_TLB;
}

/* 6.5.2.5, 6.5.2.6: SID, which the two have in different places. */
static inline u16 vtd_desc_dev_tlb_sid(const struct vtd_desc *desc)
{
	if (vtd_desc_type(desc) == VTD_DESC_DEV_TLB)
		return (u16)vtd_get_bits(desc->qw[0], 47, 32);
	return (u16)vtd_get_bits(desc->qw[0], 31, 16);
}

/* 6.5.2.9 Invalidation Wait: write @data to @addr once all before it is done. */
static inline struct vtd_desc vtd_make_wait(u64 addr, u32 data)
{
	return (struct vtd_desc){ .qw = {
		vtd_bits(data, 63, 32) |	/* Status Data */
		vtd_bits(1, 5, 5) |		/* SW: write it */
		VTD_DESC_WAIT,
		addr & ~3ULL,			/* 127:66 Status Address */
	} };
}

/* The same, and what comes after it waits for it. */
static inline struct vtd_desc vtd_make_fence(u64 addr, u32 data)
{
	struct vtd_desc desc = vtd_make_wait(addr, data);

	desc.qw[0] |= vtd_bits(1, 6, 6);	/* FN */
	return desc;
}

/* The same, and the page requests that had been received by then are in the queue. */
static inline struct vtd_desc vtd_make_drain(u64 addr, u32 data)
{
	struct vtd_desc desc = vtd_make_wait(addr, data);

	desc.qw[0] |= vtd_bits(1, 7, 7);	/* PD, only with ECAP.PDS */
	return desc;
}

/* Table 32: RC. The others are reserved. */
enum vtd_response_code {
	VTD_RESPONSE_SUCCESS	= 0,
	VTD_RESPONSE_INVALID	= 1,
	VTD_RESPONSE_FAILURE	= 0xf,
};

/*
 * 7.6.1 Page Group Response: @rid's group @prgi ended. @pp: with the PASID of its
 * requests.
 */
static inline struct vtd_desc vtd_make_page_response(u16 rid, bool pp, u32 pasid,
						     unsigned int prgi,
						     enum vtd_response_code rc)
{
	return (struct vtd_desc){ .qw = {
		vtd_bits(pp ? pasid : 0, 51, 32) |	/* PASID */
		vtd_bits(rid, 31, 16) |			/* RID */
		vtd_bits(rc, 15, 12) |			/* RC */
		vtd_bits(pp, 4, 4) |			/* PP */
		VTD_DESC_PAGE_RESPONSE,
		vtd_bits(prgi, 11, 3),			/* 75:67 PRGI */
	} };
}

static inline bool vtd_desc_is_page_response(const struct vtd_desc *desc)
{
	return vtd_desc_type(desc) == VTD_DESC_PAGE_RESPONSE;
}

/**
 * struct vtd_page_req_dsc - 7.4.1.1 Page Request Descriptor, as the hardware writes it
 * @qw: 256 bits
 */
struct vtd_page_req_dsc {
	u64 qw[4];
};

#define VTD_PAGE_REQ_DSC	0x01	/* its Type */

/**
 * struct vtd_page_req - what it says
 * @type: VTD_PAGE_REQ_DSC; all that follows is of that type
 * @rid: Requester-ID
 * @pp: PASID Present
 * @pasid: PASID; 0 unless @pp
 * @exr: Execute Requested; not without @pp and @rdr
 * @pmr: Privilege Mode Requested; not without @pp
 * @addr: Address
 * @prgi: Page Request Group Index
 * @lpig: Last Page in Group
 * @wrr: Write Requested
 * @rdr: Read Requested
 */
struct vtd_page_req {
	u8 type;
	u16 rid;
	bool pp;
	u32 pasid;
	bool exr;
	bool pmr;
	u64 addr;
	u16 prgi;
	bool lpig;
	bool wrr;
	bool rdr;
};

/* What is undefined, because another field says so, comes out as 0. */
static inline struct vtd_page_req vtd_page_req_of(const struct vtd_page_req_dsc *dsc)
{
	bool pp = vtd_get_bits(dsc->qw[0], 8, 8), rdr = vtd_get_bits(dsc->qw[1], 0, 0);

	return (struct vtd_page_req){
		.type = (u8)vtd_get_bits(dsc->qw[0], 7, 0),
		.rid = (u16)vtd_get_bits(dsc->qw[0], 31, 16),
		.pp = pp,
		.pasid = pp ? (u32)vtd_get_bits(dsc->qw[0], 51, 32) : 0,
		.exr = pp && rdr && vtd_get_bits(dsc->qw[0], 52, 52),
		.pmr = pp && vtd_get_bits(dsc->qw[0], 53, 53),
		.addr = dsc->qw[1] & VTD_PTR_MASK,		/* 127:76 */
		.prgi = (u16)vtd_get_bits(dsc->qw[1], 11, 3),	/* 75:67 */
		.lpig = vtd_get_bits(dsc->qw[1], 2, 2),
		.wrr = vtd_get_bits(dsc->qw[1], 1, 1),
		.rdr = rdr,
	};
}

/*
 * A Stop Marker (PCIe 10.4.1.2.1): the device has stopped to use the PASID. Or no request
 * that a device makes: PRGI, what group it is of, is undefined then. Neither has an answer.
 */
static inline bool vtd_page_req_asks_nothing(const struct vtd_page_req *req)
{
	return !req->rdr && !req->wrr;
}

/*
 * 7.4.1: a ring of 2^(@pqs + 7) descriptors, of which the hardware leaves one empty.
 * PQH_REG and PQT_REG count bytes.
 */
static inline u32 vtd_prq_entries(unsigned int pqs)
{
	return 1U << (pqs + 7);
}

/* Of what PQH_REG or PQT_REG says which descriptor of the ring it is. */
static inline u32 vtd_prq_index(u64 reg, unsigned int pqs)
{
	return (u32)vtd_get_bits(reg, 18, 5) & (vtd_prq_entries(pqs) - 1);
}

static inline u64 vtd_prq_offset(u32 index)
{
	return vtd_bits(index, 18, 5);
}

/* How many there are from @head on before @tail. */
static inline u32 vtd_prq_pending(u32 head, u32 tail, unsigned int pqs)
{
	return (tail - head) & (vtd_prq_entries(pqs) - 1);
}

/*
 * The smallest AM such that 2^AM aligned pages hold @start to @last (6.5.2.3).
 */
static inline unsigned int vtd_address_mask(u64 start, u64 last)
{
	u64 differ = (start ^ last) >> 12;
	unsigned int am = 0;

	while (differ >> am)
		am++;
	return am;
}

/* The first address of the 2^@am aligned pages that @addr is in: of 2^52 that is 0. */
static inline u64 vtd_address_start(u64 addr, unsigned int am)
{
	return am < 52 ? addr & (~0ULL << (12 + am)) : 0;
}

#endif
