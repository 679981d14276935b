/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The model of a VT-d unit. All but vtd.c also compiles as a user-space program
 * (tools/testing/unit): what a unit reaches outside of itself is struct vsim_ops.
 *
 * One lock, whoever embeds the unit brings it: all functions here are called with
 * it held, unless they say else. None allocates, none sleeps.
 */
#ifndef VTD_SIM_H
#define VTD_SIM_H

#include <linux/types.h>
#include "sim.h"
#include "vtd_spec.h"

struct vsim_unit;

/**
 * struct vsim_ops - what a unit reaches outside of itself
 * @read: memory, as a device sees it: 0 or -EFAULT
 * @write: the same
 * @update: compare and exchange of 64 bits: 0, or an errno when it was something else
 * @msi: an interrupt message
 * @dev_tlb: a device-TLB invalidation: does the device answer?
 * @page_response: a page group response
 * @later: call vsim_resume() in so many milliseconds
 * @pause: let a little time pass
 */
struct vsim_ops {
	int (*read)(void *priv, u64 phys, void *buf, size_t len);
	int (*write)(void *priv, u64 phys, const void *buf, size_t len);
	int (*update)(void *priv, u64 phys, u64 *old, u64 new);
	void (*msi)(void *priv, u64 addr, u32 data);
	bool (*dev_tlb)(void *priv, u16 rid, u32 pasid, u64 addr, u64 length, bool global);
	void (*page_response)(void *priv, u16 rid, u32 pasid, u16 group,
			      enum sim_status code);
	void (*later)(void *priv, unsigned int ms);
	void (*pause)(void *priv);
};

/*
 * What is counted: X(identifier, name). "bad." is what software must not do;
 * "wide." are cached entries that an invalidation took although nothing had
 * changed under them and a narrower invalidation would have spared them.
 */
#define VSIM_COUNTERS(X) \
	X(BATCHES, "batches") \
	X(CONTEXT_GLOBAL, "context_global") \
	X(CONTEXT_DOMAIN, "context_domain") \
	X(CONTEXT_DEVICE, "context_device") \
	X(PASID_DOMAIN, "pasid_domain") \
	X(PASID_PASID, "pasid_pasid") \
	X(PASID_GLOBAL, "pasid_global") \
	X(IOTLB_GLOBAL, "iotlb_global") \
	X(IOTLB_DOMAIN, "iotlb_domain") \
	X(IOTLB_PAGE, "iotlb_page") \
	X(PIOTLB_PASID, "piotlb_pasid") \
	X(PIOTLB_PAGE, "piotlb_page") \
	X(DEV_TLB, "dev_tlb") \
	X(PASID_DEV_TLB, "pasid_dev_tlb") \
	X(IEC, "iec") \
	X(WAIT, "wait") \
	X(PAGE_RESPONSE, "page_response") \
	X(SRTP, "srtp") \
	X(WBF, "write_buffer_flush") \
	X(INTERRUPTS, "interrupts") \
	X(MSI_WRITES, "msi_writes") \
	X(FAULTS, "faults") \
	X(FAULTS_LOST, "faults_lost") \
	X(FAULTS_DISABLED, "faults_disabled") \
	X(PAGE_REQUESTS, "page_requests") \
	X(PAGE_REQUESTS_LOST, "page_requests_lost") \
	X(REQUESTS, "requests") \
	X(NOT_SNOOPED, "not_snooped") \
	X(IOTLB_HITS, "iotlb_hits") \
	X(NOT_CACHED, "not_cached") \
	X(STALE_READS, "stale_reads") \
	X(WIDE_CONTEXT_GLOBAL, "wide.context_global") \
	X(WIDE_PASID_DOMAIN, "wide.pasid_domain") \
	X(WIDE_PASID_GLOBAL, "wide.pasid_global") \
	X(WIDE_IOTLB_GLOBAL, "wide.iotlb_global") \
	X(WIDE_IOTLB_DOMAIN, "wide.iotlb_domain") \
	X(WIDE_IOTLB_PAGE, "wide.iotlb_page") \
	X(WIDE_PIOTLB_PASID, "wide.piotlb_pasid") \
	X(WIDE_PIOTLB_PAGE, "wide.piotlb_page") \
	X(BAD_REGISTER, "bad.register") \
	X(BAD_READ_ONLY, "bad.write_to_read_only") \
	X(BAD_RESERVED, "bad.register_reserved") \
	X(BAD_GCMD_TWO, "bad.gcmd_two_commands") \
	X(BAD_GCMD_BUSY, "bad.gcmd_before_done") \
	X(BAD_TE_NO_ROOT, "bad.te_without_root") \
	X(BAD_TE_STALE, "bad.te_with_old_caches") \
	X(BAD_ROOT_MODE, "bad.root_mode_changed_live") \
	X(BAD_IQA_LIVE, "bad.iqa_while_enabled") \
	X(BAD_IQT_ENABLE, "bad.iqt_at_enable") \
	X(BAD_IQT, "bad.iqt") \
	X(BAD_IQT_OFF, "bad.iqt_while_disabled") \
	X(BAD_REGISTER_INV, "bad.register_invalidation") \
	X(BAD_MSI, "bad.msi") \
	X(BAD_PQH, "bad.pqh") \
	X(BAD_PQA_LIVE, "bad.pqa_while_in_use") \
	X(BAD_NO_PRQ, "bad.page_request_queue_unset") \
	X(BAD_DESC_TYPE, "bad.descriptor_type") \
	X(BAD_DESC_RESERVED, "bad.descriptor_reserved") \
	X(BAD_DESC_WIDTH, "bad.descriptor_width") \
	X(BAD_NO_DRAIN, "bad.no_drain") \
	X(BAD_ORDER, "bad.dev_tlb_order") \
	X(BAD_AM, "bad.address_mask") \
	X(BAD_DID, "bad.domain_id") \
	X(BAD_DID_SHARED, "bad.domain_id_shared") \
	X(BAD_RESPONSE, "bad.page_response") \
	X(BAD_WAIT, "bad.wait") \
	X(BAD_ROOT, "bad.root_entry") \
	X(BAD_CONTEXT, "bad.context_entry") \
	X(BAD_DIR, "bad.pasid_directory_entry") \
	X(BAD_PASID, "bad.pasid_entry") \
	X(BAD_PAGING, "bad.paging_entry") \
	X(BAD_DID_ZERO, "bad.domain_id_zero") \
	X(BAD_UNFLUSHED, "bad.unflushed") \
	X(STALE_CONTEXT_ENTRIES, "stale.context") \
	X(STALE_PASID, "stale.pasid") \
	X(STALE_TABLE, "stale.paging_structure") \
	X(STALE_IOTLB, "stale.iotlb")

enum vsim_counter {
#define VSIM_COUNTER_ID(id, name) VSIM_N_##id,
	VSIM_COUNTERS(VSIM_COUNTER_ID)
#undef VSIM_COUNTER_ID
	VSIM_NUM_COUNTERS
};

/**
 * struct vsim_config - how a unit is built
 * @cap: CAP_REG
 * @ecap: ECAP_REG
 * @ver: VER_REG
 * @haw: host address width
 * @prefetch: after an IOTLB invalidation, look again at what was cached, as a
 *	request that came in between would
 * @reread: keep no context, directory and PASID entries, and take one's time to
 *	read them: for tests that change them under requests
 */
struct vsim_config {
	u64 cap;
	u64 ecap;
	u32 ver;
	unsigned int haw;
	bool prefetch;
	bool reread;
};

/* What a cached entry is of, and what it is looked up by (table 17). */
enum vsim_kind {
	VSIM_CONTEXT,		/* 6.2.2: a context entry, by source ID */
	VSIM_PASID,		/* 6.2.3: a PASID table entry, by source ID and PASID */
	VSIM_TABLE_FIRST,	/* 6.2.5: the way to a table, by domain ID and PASID */
	VSIM_TABLE_SECOND,	/* 6.2.5: by domain ID */
	VSIM_IOTLB,		/* 6.2.4: by source ID, and PASID if there was one */
};

/**
 * struct vsim_entry - something cached
 * @next: of a hash chain, or free
 * @kind: enum vsim_kind
 * @pgtt: of the PASID table entry through which it came (kinds from VSIM_PASID on)
 * @shift: kinds of tables and IOTLB: bits of address that it covers
 * @reason: with CAP.CM: not present, for this reason; else 0
 * @perms: SIM_ATS_..., as far as every level above and this one grant
 * @user: first stage: user requests may
 * @dirty: a write need not set D any more
 * @did: domain ID
 * @sid: through whom it came; for some kinds a tag
 * @pasid: the same; RID_PASID where requests have none
 * @rid: IOTLB: it came through a request without PASID
 * @key: tables, IOTLB: the address; others: where the entry is in memory
 * @qw: entry, or address of table or page; IOTLB: then what the PASID table entry
 *	says of it
 */
struct vsim_entry {
	struct vsim_entry *next;
	u8 kind;
	u8 pgtt;
	u8 shift;
	u8 reason;
	u8 perms;
	bool user;
	bool dirty;
	bool rid;
	u16 did;
	u16 sid;
	u32 pasid;
	u64 key;
	u64 qw[8];
};

/* What SRTP leaves to be invalidated before TE (6.5.3.3, 11.4.5). */
#define VSIM_STALE_CONTEXT	BIT(0)
#define VSIM_STALE_PASID_CACHE	BIT(1)
#define VSIM_STALE_PAGES	BIT(2)
#define VSIM_STALE_ALL		7

/* Beside SIM_ATS_...: second stage grants write, whatever first stage says. */
#define VSIM_SECOND_WRITE	0x80
/* Second stage wants accesses snooped even when they ask not to be. */
#define VSIM_SNOOP		0x40

#define VSIM_HASH	1024
#define VSIM_POOL_LOW	64	/* more than one request can need */

/*
 * Lines of memory as a unit sees them that does not see every write: those that
 * the CPU's cache was flushed of (ECAP.C, ECAP.SMPWC), or that had left the write
 * buffer (CAP.RWBF).
 */
#define VSIM_LINE	64
struct vsim_page {
	struct vsim_page *next;
	u64 pfn;
	u64 valid;		/* one bit per line */
	u8 data[4096];
};

struct vsim_shadow {
	struct vsim_page *hash[VSIM_HASH];
	struct vsim_page *free;
};

/**
 * struct vsim_slow - a device-TLB invalidation that takes its time
 * @pending: there is one
 * @held: the first wait behind it is held until then; those behind that one are not
 *	(6.5.2.12)
 * @wait: that wait
 * @sid: what the device is asked for; this and what follows
 * @pasid: SIM_NO_PASID: none
 * @addr: first address
 * @length: bytes
 * @global: of all PASIDs
 */
struct vsim_slow {
	bool pending;
	bool held;
	u64 wait[4];
	u16 sid;
	u32 pasid;
	u64 addr;
	u64 length;
	bool global;
};

/**
 * struct vsim_late - a page request that a device is slow to make (SIM_FAULT_PRQ_LATE)
 * @pending: there is one
 * @drains: how many drains (7.10) it misses; it comes with the first command after them
 * @req: the request
 * @group: PRG index
 * @last: the last one of the group
 */
struct vsim_late {
	bool pending;
	u64 drains;
	struct sim_request req;
	u16 group;
	bool last;
};

/**
 * struct vsim_unit - a unit
 * @regs: registers as they are read
 * @root: address of the root table that SRTP latched
 * @ttm: translation table mode that SRTP latched
 * @rooted: SRTP was done
 * @stale: what is cached may be of a root table before
 * @shown: GSTS_REG as it is to be read next
 * @undone: GSTS_REG was not read since the last command
 * @iqh: IQH_REG in bytes
 * @waiting: the queue rests until vsim_resume()
 * @piotlb_before: an invalidation by PASID, and no wait since
 * @lost_dev_tlb: a device-TLB invalidation was not answered
 * @lost_sid: by whom
 * @slow: one that is not answered yet
 * @late: a page request that is not made yet
 * @frcd_next: fault recording register to use next
 * @shadow: memory that is not snooped; shared by units; NULL: there is none
 */
struct vsim_unit {
	struct vsim_config cfg;
	const struct vsim_ops *ops;
	void *priv;

	u32 regs[VSIM_REGS / 4];
	u64 root;
	enum vsim_ttm ttm;
	bool rooted;
	u8 stale;
	u32 shown;
	bool undone;

	u32 iqh;
	bool waiting;
	bool resumed;
	bool piotlb_before;
	bool lost_dev_tlb;
	u16 lost_sid;
	struct vsim_slow slow;
	struct vsim_late late;
	unsigned int frcd_next;

	struct vsim_entry *hash[VSIM_HASH];
	struct vsim_entry *free;
	unsigned int num_free;

	struct vsim_shadow *shadow;
	struct vsim_shadow write_buffer;

	struct {
		u32 count;
		u64 arg;
	} inject[SIM_FAULTS];
	u64 counters[VSIM_NUM_COUNTERS];
};

/* vtd_regs.c */
void vsim_init(struct vsim_unit *u, const struct vsim_config *cfg,
	       const struct vsim_ops *ops, void *priv);
u32 vsim_reg_read(struct vsim_unit *u, unsigned int offset);
void vsim_reg_write(struct vsim_unit *u, unsigned int offset, u32 value);
bool vsim_in_use(const struct vsim_unit *u);
bool vsim_inject(struct vsim_unit *u, enum sim_fault fault);
u64 vsim_reg64(const struct vsim_unit *u, unsigned int offset);
void vsim_set_reg64(struct vsim_unit *u, unsigned int offset, u64 value);
void vsim_event(struct vsim_unit *u, unsigned int ectl);
void vsim_event_served(struct vsim_unit *u, unsigned int ectl);

static inline u32 *vsim_reg(struct vsim_unit *u, unsigned int offset)
{
	return &u->regs[offset / 4];
}

static inline void vsim_count(struct vsim_unit *u, enum vsim_counter counter)
{
	u->counters[counter]++;
}

static inline unsigned int vsim_cap(const struct vsim_unit *u, unsigned int hi,
				    unsigned int lo)
{
	return vsim_get(u->cfg.cap, hi, lo);
}

static inline unsigned int vsim_ecap(const struct vsim_unit *u, unsigned int hi,
				     unsigned int lo)
{
	return vsim_get(u->cfg.ecap, hi, lo);
}

/* vtd_fault.c */
void vsim_fault_event(struct vsim_unit *u, u32 bits);
void vsim_fault_status_clear(struct vsim_unit *u, u32 bits);
void vsim_fault_record_clear(struct vsim_unit *u, unsigned int index);
struct vsim_walk;
void vsim_fault_report(const struct vsim_walk *w, bool page_request, enum vsim_reason reason);
void vsim_fault_record(struct vsim_unit *u, const struct sim_request *req, bool page_request,
		       enum vsim_reason reason);
unsigned int vsim_frcd(const struct vsim_unit *u, unsigned int index);
unsigned int vsim_num_frcd(const struct vsim_unit *u);

/* vtd_queue.c */
void vsim_queue_enable(struct vsim_unit *u, bool on);
void vsim_queue_run(struct vsim_unit *u);
void vsim_resume(struct vsim_unit *u);

/* vtd_prq.c */
enum sim_status vsim_page_request(struct vsim_unit *u, const struct sim_request *req,
				  u16 group, bool last);
void vsim_prq_late(struct vsim_unit *u, bool now);
void vsim_prq_drained(struct vsim_unit *u);

/* vtd_cache.c */
struct vsim_entry *vsim_cache_find(struct vsim_unit *u, const struct vsim_entry *tag);
void vsim_cache_add(struct vsim_unit *u, const struct vsim_entry *entry);
void vsim_cache_clear(struct vsim_unit *u);
void vsim_cache_give(struct vsim_unit *u, struct vsim_entry *entry);
struct vsim_entry *vsim_cache_take(struct vsim_unit *u);
void vsim_cache_stale(struct vsim_unit *u);
void vsim_check_domain(struct vsim_unit *u, const struct vsim_entry *tag);

/* 6.5.2: what an invalidation names */
struct vsim_inv {
	enum vsim_desc_type type;
	unsigned int g;
	u16 did;
	u16 sid;
	unsigned int fm;
	u32 pasid;
	u64 addr;
	unsigned int am;
	bool ih;
	bool implicit;		/* nobody asked for it */
};
void vsim_invalidate(struct vsim_unit *u, const struct vsim_inv *inv);

/* vtd_memory.c */
int vsim_fetch(struct vsim_unit *u, u64 phys, void *buf, size_t len, bool snoop);
void vsim_shadow_clear(struct vsim_shadow *shadow);
void vsim_shadow_give(struct vsim_shadow *shadow, struct vsim_page *page);
struct vsim_page *vsim_shadow_take(struct vsim_shadow *shadow);
void vsim_shadow_forget(struct vsim_shadow *shadow, u64 phys);
void vsim_shadow_store(struct vsim_shadow *shadow, u64 phys, const void *line);

/*
 * A request on its way. What it wants in @req; @pasid: its own or RID_PASID.
 * @probe: only look what tables in memory say: no cache, no A and D bits, nothing
 * counted.
 */
struct vsim_walk {
	struct vsim_unit *u;
	const struct sim_request *req;
	struct sim_request own;	/* when there is none: vsim_walk_again() */
	u32 pasid;
	bool write;
	bool exec;
	bool priv;
	bool probe;
	bool prefetch;
	bool rid;		/* without PASID */
	bool fpd;		/* faults are not to be reported */
	u64 ctx_at;		/* address of the context entry, and itself */
	u64 ctx[4];
	u64 pe[8];
	u64 tables_first[6];	/* probe: address of the table of each level */
	u64 tables_second[6];
};

/**
 * struct vsim_result - a translation
 * @phys: of the address asked for
 * @shift: bits of address that the translation covers
 * @perms: SIM_ATS_...
 * @user: first stage: user requests may
 * @dirty: nothing is to be set by a write
 */
struct vsim_result {
	u64 phys;
	unsigned int shift;
	u8 perms;
	bool user;
	bool dirty;
};

/* vtd_walk.c: 0 or a reason */
void vsim_walk_init(struct vsim_walk *w, struct vsim_unit *u,
		    const struct sim_request *req);
void vsim_walk_again(struct vsim_walk *w, struct vsim_unit *u, const struct vsim_entry *e);
int vsim_walk_context(struct vsim_walk *w);
int vsim_check_mode(const struct vsim_walk *w);
int vsim_check_request(const struct vsim_walk *w);
int vsim_walk_entry(struct vsim_walk *w);
int vsim_translate(struct vsim_walk *w, struct vsim_result *out);
bool vsim_shares_domain(const u64 *a, u32 pasid_a, const u64 *b, u32 pasid_b);
void vsim_access(struct vsim_unit *u, const struct sim_request *req, void *buf,
		 size_t len, struct sim_reply *reply);
bool vsim_is_msi(u64 addr);

/* vtd_paging.c: 0 or a reason */
unsigned int vsim_second_width(const struct vsim_walk *w);
int vsim_second_stage(struct vsim_walk *w, u64 addr, bool write, struct vsim_result *out);
int vsim_first_stage(struct vsim_walk *w, u64 addr, struct vsim_result *out);

static inline enum vsim_pgtt vsim_pe_pgtt(const u64 *pe)
{
	return (enum vsim_pgtt)vsim_get(pe[0], 8, 6);
}

static inline u16 vsim_pe_did(const u64 *pe)
{
	return vsim_get(pe[1], 15, 0);
}

static inline u64 vsim_addr_mask(const struct vsim_unit *u)
{
	return vsim_mask(u->cfg.haw - 1, 12);
}

#endif
