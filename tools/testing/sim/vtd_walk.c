// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests of devices: root, context and PASID tables (3.4, 9.1 to 9.6), and what
 * becomes of the request (3.5 to 3.14, 7.1.3).
 */
#include <linux/string.h>
#include <linux/types.h>
#include "vtd_sim.h"

bool vsim_is_msi(u64 addr)
{
	return addr >= VSIM_MSI_FIRST && addr <= VSIM_MSI_LAST;
}

void vsim_walk_init(struct vsim_walk *w, struct vsim_unit *u, const struct sim_request *req)
{
	memset(w, 0, sizeof(*w));
	w->u = u;
	w->req = req;
	w->pasid = req->pasid;
	w->rid = req->pasid == SIM_NO_PASID;
	w->write = req->flags & SIM_DMA_WRITE;
	/* ER and PR are in the PASID prefix. */
	if (req->pasid != SIM_NO_PASID) {
		w->exec = req->flags & SIM_DMA_EXEC;
		w->priv = req->flags & SIM_DMA_PRIV;
	}
}

/* The request through which @e was cached, as far as tables see it. */
void vsim_walk_again(struct vsim_walk *w, struct vsim_unit *u, const struct vsim_entry *e)
{
	const struct sim_request req = {
		.rid = e->sid,
		.pasid = e->rid ? SIM_NO_PASID : e->pasid,
		.addr = e->key,
	};

	vsim_walk_init(w, u, &req);
	w->own = req;
	w->req = &w->own;
}

static int vsim_bad_entry(struct vsim_walk *w, enum vsim_counter counter, int reason)
{
	if (!w->probe && !w->prefetch)
		vsim_count(w->u, counter);
	return reason;
}

static u64 vsim_ptr_reserved(struct vsim_walk *w)
{
	return ~(vsim_addr_mask(w->u) | 0xfffULL);
}

/*
 * The next part of an entry is read at the worst moment: when what was read of it before
 * has just changed, if it does soon.
 */
static void vsim_await_change(struct vsim_walk *w, u64 phys, const u64 *qw, unsigned int num)
{
	bool snoop = w->u->cfg.ecap & VSIM_ECAP_C;
	unsigned int tries = 50;
	u64 now[2];

	while (tries-- && !vsim_fetch(w->u, phys, now, 8 * num, snoop) &&
	       !memcmp(now, qw, 8 * num))
		w->u->ops->pause(w->u->priv);
}

/* Tables that a context or root entry leads to: 11.4.3, C. */
static int vsim_fetch_table(struct vsim_walk *w, u64 phys, u64 *qw, unsigned int num)
{
	bool snoop = w->u->cfg.ecap & VSIM_ECAP_C;
	unsigned int i, step = num < 2 ? 1 : 2;

	if (w->probe)
		return w->u->ops->read(w->u->priv, phys, qw, 8 * num);
	for (i = 0; i < num; i += step) {
		if (i && w->u->cfg.reread)
			vsim_await_change(w, phys + 8 * (i - step), &qw[i - step], step);
		if (vsim_fetch(w->u, phys + 8 * i, &qw[i], 8 * step, snoop))
			return -1;
	}
	return 0;
}

/* 9.2: the half of a root entry that @rid is in. */
static int vsim_read_root(struct vsim_walk *w, u64 *half)
{
	u16 rid = w->req->rid;

	if (vsim_fetch_table(w, w->u->root + 8 * (rid >> 7), half, 1))
		return VSIM_SRT_1;
	if (!(*half & VSIM_P))
		return VSIM_SRT_2;
	if (*half & (vsim_mask(11, 1) | vsim_ptr_reserved(w)))
		return vsim_bad_entry(w, VSIM_N_BAD_ROOT, VSIM_SRT_3);
	return 0;
}

/* 9.4: what of a context entry is reserved on this unit */
static bool vsim_context_reserved(struct vsim_walk *w)
{
	u64 ecap = w->u->cfg.ecap;
	u64 qw0 = vsim_mask(8, 5) | vsim_ptr_reserved(w);
	u64 qw1 = vsim_mask(63, 21);

	if (!(ecap & VSIM_ECAP_DT))
		qw0 |= VSIM_CTX_DTE;
	if (!(ecap & VSIM_ECAP_PASID))
		qw0 |= VSIM_CTX_PASIDE;
	if (!(ecap & VSIM_ECAP_PRS))
		qw0 |= VSIM_CTX_PRE;
	if (!(ecap & VSIM_ECAP_RPS))
		qw1 |= vsim_mask(19, 0);
	if (!(ecap & VSIM_ECAP_RPRIVS))
		qw1 |= vsim_mask(20, 20);
	return (w->ctx[0] & qw0) || (w->ctx[1] & qw1) || w->ctx[2] || w->ctx[3];
}

static u32 vsim_rid_pasid(const struct vsim_walk *w)
{
	return vsim_get(w->ctx[1], 19, 0);
}

/* 9.4, PDTS: the directory has 2^(PDTS + 7) entries of 64 PASIDs each. */
static bool vsim_beyond_directory(const struct vsim_walk *w, u32 pasid)
{
	return pasid >> (vsim_get(w->ctx[0], 11, 9) + 13);
}

static int vsim_read_context(struct vsim_walk *w)
{
	u64 half;
	int reason = vsim_read_root(w, &half);

	if (reason)
		return reason;
	w->ctx_at = (half & ~0xfffULL) + 32 * (w->req->rid & 0x7f);
	if (vsim_fetch_table(w, w->ctx_at, w->ctx, 4))
		return VSIM_SCT_1;
	w->fpd = w->ctx[0] & VSIM_FPD;
	if (!(w->ctx[0] & VSIM_P))
		return VSIM_SCT_2;
	if (vsim_context_reserved(w))
		return vsim_bad_entry(w, VSIM_N_BAD_CONTEXT, VSIM_SCT_3);
	/* Page requests come from devices that translate. */
	if (((w->ctx[0] & VSIM_CTX_PRE) && !(w->ctx[0] & VSIM_CTX_DTE)) ||
	    vsim_beyond_directory(w, vsim_rid_pasid(w)))
		return vsim_bad_entry(w, VSIM_N_BAD_CONTEXT, VSIM_SCT_4);
	return 0;
}

/* What vsim_read_context() found, from memory or from the cache. */
static int vsim_find_context(struct vsim_walk *w)
{
	struct vsim_entry tag = { .kind = VSIM_CONTEXT, .sid = w->req->rid }, *e;
	int reason;

	if (w->probe || w->u->cfg.reread)
		return vsim_read_context(w);
	e = vsim_cache_find(w->u, &tag);
	if (e) {
		memcpy(w->ctx, e->qw, sizeof(w->ctx));
		w->fpd = w->ctx[0] & VSIM_FPD;
		return e->reason;
	}
	reason = vsim_read_context(w);
	/* 6.1: with CAP.CM also what is absent or faulty. */
	if (!reason || ((w->u->cfg.cap & VSIM_CAP_CM) && !w->prefetch)) {
		tag.reason = reason;
		tag.key = w->ctx_at;
		memcpy(tag.qw, w->ctx, sizeof(w->ctx));
		vsim_cache_add(w->u, &tag);
	}
	return reason;
}

/* 3.4.3: the context entry of the request. RID_PASID stands in for no PASID. */
int vsim_walk_context(struct vsim_walk *w)
{
	int reason = vsim_find_context(w);

	if (reason)
		return reason;
	if (w->rid) {
		w->pasid = vsim_rid_pasid(w);
		w->priv = w->ctx[1] & BIT_ULL(20);
	}
	return 0;
}

/* 9.5 */
static int vsim_read_directory(struct vsim_walk *w, u64 *entry)
{
	u64 dir = w->ctx[0] & vsim_addr_mask(w->u);

	if (vsim_fetch_table(w, dir + 8 * (w->pasid >> 6), entry, 1))
		return VSIM_SPD_1;
	w->fpd |= !!(*entry & VSIM_FPD);
	if (!(*entry & VSIM_P))
		return VSIM_SPD_2;
	if (*entry & (vsim_mask(11, 2) | vsim_ptr_reserved(w)))
		return vsim_bad_entry(w, VSIM_N_BAD_DIR, VSIM_SPD_3);
	return 0;
}

static bool vsim_uses_first(enum vsim_pgtt pgtt)
{
	return pgtt == VSIM_PGTT_FIRST || pgtt == VSIM_PGTT_NESTED;
}

static bool vsim_uses_second(enum vsim_pgtt pgtt)
{
	return pgtt == VSIM_PGTT_SECOND || pgtt == VSIM_PGTT_NESTED;
}

/* 9.6: what of a PASID table entry is reserved on this unit */
static bool vsim_pasid_reserved(struct vsim_walk *w)
{
	enum vsim_pgtt pgtt = vsim_pe_pgtt(w->pe);
	u64 ecap = w->u->cfg.ecap;
	unsigned int did_bits = 4 + 2 * vsim_cap(w->u, 2, 0);
	u64 qw0 = vsim_mask(11, 10) | vsim_mask(5, 5);
	u64 qw1 = vsim_mask(22, 16);
	u64 qw2 = vsim_mask(11, 8);
	unsigned int i;

	if (vsim_uses_second(pgtt))
		qw0 |= vsim_ptr_reserved(w);
	if (!(ecap & VSIM_ECAP_SSADS))
		qw0 |= VSIM_PE0_SSADE;
	if (did_bits < 16)
		qw1 |= vsim_mask(15, did_bits);
	if (!(ecap & VSIM_ECAP_SMPWC))
		qw1 |= VSIM_PE1_PWSNP;
	if (!(ecap & VSIM_ECAP_SC))
		qw1 |= VSIM_PE1_PGSNP;
	if (!(ecap & VSIM_ECAP_SRS))
		qw2 |= VSIM_PE2_SRE;
	if (!(ecap & VSIM_ECAP_ERS))
		qw2 |= VSIM_PE2_ERE;
	if (!(ecap & VSIM_ECAP_EAFS))
		qw2 |= VSIM_PE2_EAFE;
	/* In nested mode it is a guest's address: SFS.5 judges that. */
	if (pgtt == VSIM_PGTT_FIRST)
		qw2 |= vsim_ptr_reserved(w);
	for (i = 3; i < 8; i++)
		if (w->pe[i])
			return true;
	return (w->pe[0] & qw0) || (w->pe[1] & qw1) || (w->pe[2] & qw2);
}

/*
 * 6.2.3.1: may entries @a and @b have one domain ID? Both with second stage, the
 * same one; both without; and with one PASID the same altogether.
 */
bool vsim_shares_domain(const u64 *a, u32 pasid_a, const u64 *b, u32 pasid_b)
{
	bool second = vsim_uses_second(vsim_pe_pgtt(a));

	if (second != vsim_uses_second(vsim_pe_pgtt(b)))
		return false;
	/* SSPTPTR and AW */
	if (second && ((a[0] ^ b[0]) & (vsim_mask(63, 12) | vsim_mask(4, 2))))
		return false;
	if (pasid_a != pasid_b)
		return true;
	/* PGTT, FSPTPTR and FSPM */
	return vsim_pe_pgtt(a) == vsim_pe_pgtt(b) &&
	       (!vsim_uses_first(vsim_pe_pgtt(a)) ||
		!((a[2] ^ b[2]) & (vsim_mask(63, 12) | vsim_mask(3, 2))));
}

/* SPT.4: a translation that this unit does not have */
static bool vsim_pasid_invalid(struct vsim_walk *w)
{
	enum vsim_pgtt pgtt = vsim_pe_pgtt(w->pe);
	u64 ecap = w->u->cfg.ecap;
	unsigned int aw = vsim_get(w->pe[0], 4, 2), fspm = vsim_get(w->pe[2], 3, 2);
	bool has[8] = {
		[VSIM_PGTT_FIRST] = ecap & VSIM_ECAP_FSTS,
		[VSIM_PGTT_SECOND] = ecap & VSIM_ECAP_SSTS,
		[VSIM_PGTT_NESTED] = ecap & VSIM_ECAP_NEST,
		[VSIM_PGTT_PASS] = ecap & VSIM_ECAP_PT,
	};

	if (!has[pgtt])
		return true;
	/* SPT.4.4: a first stage beyond what second stage translates */
	if (pgtt == VSIM_PGTT_NESTED &&
	    (w->pe[2] & ~0xfffULL) >> vsim_second_width(w))
		return true;
	/* CAP.SAGAW has a bit for each AW; pass-through has one too. */
	if (pgtt != VSIM_PGTT_FIRST && (aw > 4 || !(vsim_cap(w->u, 12, 8) & BIT(aw))))
		return true;
	return vsim_uses_first(pgtt) &&
	       (fspm > 1 || (fspm && !(w->u->cfg.cap & VSIM_CAP_FS5LP)));
}

static int vsim_read_entry(struct vsim_walk *w)
{
	u64 dir;
	int reason = vsim_read_directory(w, &dir);

	if (reason)
		return reason;
	dir &= vsim_addr_mask(w->u);
	if (vsim_fetch_table(w, dir + 64 * (w->pasid & 0x3f), w->pe, 8))
		return VSIM_SPT_1;
	w->fpd |= !!(w->pe[0] & VSIM_FPD);
	if (!(w->pe[0] & VSIM_P))
		return VSIM_SPT_2;
	if (vsim_pasid_reserved(w))
		return vsim_bad_entry(w, VSIM_N_BAD_PASID, VSIM_SPT_3);
	if (vsim_pasid_invalid(w))
		return vsim_bad_entry(w, VSIM_N_BAD_PASID, VSIM_SPT_4);
	/* 6.1: with CAP.CM domain ID 0 is for what is absent. */
	if ((w->u->cfg.cap & VSIM_CAP_CM) && !vsim_pe_did(w->pe))
		vsim_bad_entry(w, VSIM_N_BAD_DID_ZERO, 0);
	return 0;
}

/* Directory and table: what is there, or in caches. */
static int vsim_find_entry(struct vsim_walk *w)
{
	struct vsim_entry tag = {
		.kind = VSIM_PASID, .sid = w->req->rid, .pasid = w->pasid,
	}, *e = NULL;
	int reason;

	if (!w->probe && !w->u->cfg.reread)
		e = vsim_cache_find(w->u, &tag);
	if (e) {
		memcpy(w->pe, e->qw, sizeof(w->pe));
		w->fpd |= !!(w->pe[0] & VSIM_FPD);
		return e->reason;
	}
	reason = vsim_read_entry(w);
	if (w->probe || w->u->cfg.reread ||
	    (reason && (w->prefetch || !(w->u->cfg.cap & VSIM_CAP_CM))))
		return reason;
	tag.reason = reason;
	tag.pgtt = vsim_pe_pgtt(w->pe);
	tag.did = reason ? 0 : vsim_pe_did(w->pe);
	memcpy(tag.qw, w->pe, sizeof(w->pe));
	if (!reason && !w->prefetch)
		vsim_check_domain(w->u, &tag);
	vsim_cache_add(w->u, &tag);
	return reason;
}

/* 3.4.3, 3.5: down to the PASID table entry of the request. */
int vsim_walk_entry(struct vsim_walk *w)
{
	int reason = vsim_walk_context(w);

	if (reason)
		return reason;
	if (vsim_beyond_directory(w, w->pasid))
		return VSIM_SCT_7;
	return vsim_find_entry(w);
}

/* 3.6.1, 3.6.3, 3.7.1: may the request do what it wants with the page? */
static int vsim_check_perms(struct vsim_walk *w, const struct vsim_result *r)
{
	bool first = vsim_uses_first(vsim_pe_pgtt(w->pe));
	u8 perms = r->perms;

	/* 3.6.1, WPE: a supervisor may write where first stage says no. */
	if (first && w->priv && !(w->pe[2] & VSIM_PE2_WPE) && (perms & VSIM_SECOND_WRITE))
		perms |= SIM_ATS_WRITE;
	if (first && !w->priv && !r->user)
		return VSIM_SGN_2;
	if (first && w->exec && (!(perms & SIM_ATS_EXEC) ||
				 (w->priv && r->user && (w->pe[2] & VSIM_PE2_SMEP))))
		return VSIM_SGN_3;
	if (w->write && !(perms & SIM_ATS_WRITE))
		return VSIM_SGN_6;
	if (!w->write && !(perms & SIM_ATS_READ))
		return VSIM_SGN_7;
	return 0;
}

static int vsim_pass_through(struct vsim_walk *w, u64 addr, struct vsim_result *out)
{
	if (addr >> w->u->cfg.haw)
		return VSIM_SGN_4;
	*out = (struct vsim_result){
		.phys = addr,
		.shift = 12,
		.perms = SIM_ATS_READ | SIM_ATS_WRITE | SIM_ATS_EXEC | VSIM_SECOND_WRITE,
		.user = true,
		.dirty = true,
	};
	return 0;
}

/* Page sizes */
static const u8 vsim_shifts[] = { 12, 21, 30 };

/* 6.2.4: what a request is looked up by in the IOTLB. */
static struct vsim_entry vsim_iotlb_tag(struct vsim_walk *w, unsigned int shift)
{
	return (struct vsim_entry){
		.kind = VSIM_IOTLB,
		.shift = shift,
		.rid = w->rid,
		.sid = w->req->rid,
		.pasid = w->pasid,
		.key = w->req->addr & ~vsim_mask(shift - 1, 0),
	};
}

static struct vsim_entry *vsim_find_page(struct vsim_walk *w)
{
	struct vsim_entry tag, *e;
	unsigned int i;

	if (w->probe)
		return NULL;
	for (i = 0; i < sizeof(vsim_shifts); i++) {
		tag = vsim_iotlb_tag(w, vsim_shifts[i]);
		e = vsim_cache_find(w->u, &tag);
		if (e)
			return e;
	}
	return NULL;
}

/* 6.2.4.1: with CAP.CM faults of second stage are cached, never those of first. */
static bool vsim_caches_fault(struct vsim_walk *w, int reason)
{
	return (w->u->cfg.cap & VSIM_CAP_CM) && !w->prefetch &&
	       reason >= VSIM_SSS_1 && reason <= VSIM_SSS_6;
}

/* Keep what was found, and what of the PASID table entry goes with it. */
static void vsim_keep_page(struct vsim_walk *w, const struct vsim_result *r, int reason)
{
	struct vsim_entry e;

	if (w->probe || (reason && !vsim_caches_fault(w, reason)))
		return;
	e = vsim_iotlb_tag(w, reason ? 12 : r->shift);
	e.pgtt = vsim_pe_pgtt(w->pe);
	e.did = vsim_pe_did(w->pe);
	e.reason = reason;
	e.perms = r->perms;
	e.user = r->user;
	e.dirty = r->dirty;
	e.qw[0] = r->phys & ~vsim_mask(e.shift - 1, 0);
	memcpy(&e.qw[1], w->pe, 3 * sizeof(w->pe[0]));
	vsim_cache_add(w->u, &e);
}

/* Through the tables of whatever the PASID table entry is. */
static int vsim_translate_walk(struct vsim_walk *w, struct vsim_result *out)
{
	u64 addr = w->req->addr;
	int reason;

	switch (vsim_pe_pgtt(w->pe)) {
	case VSIM_PGTT_PASS:
		reason = vsim_pass_through(w, addr, out);
		break;
	case VSIM_PGTT_SECOND:
		reason = vsim_second_stage(w, addr, w->write, out);
		break;
	default:
		reason = vsim_first_stage(w, addr, out);
	}
	vsim_keep_page(w, out, reason);
	/* Whoever only looks asks for nothing. */
	if (reason || w->probe || w->prefetch)
		return reason;
	return vsim_check_perms(w, out);
}

/* 9.6: what the PASID table entry says of this kind of request */
static int vsim_check_entry(struct vsim_walk *w)
{
	if (w->exec && !(w->pe[2] & VSIM_PE2_ERE))
		return VSIM_SPT_5;
	if (w->priv && !(w->pe[2] & VSIM_PE2_SRE))
		return VSIM_SPT_6;
	return 0;
}

static int vsim_translate_memory(struct vsim_walk *w, struct vsim_result *out)
{
	int reason = vsim_walk_entry(w);

	if (!reason && !w->probe && !w->prefetch)
		reason = vsim_check_entry(w);
	return reason ?: vsim_translate_walk(w, out);
}

/**
 * vsim_translate - translate the address of a request
 * @w: the request, its context entry found
 * @out: the translation
 *
 * The IOTLB is looked up by requester ID and PASID: what is in there holds whatever
 * the PASID table says by now. Where first stage does not allow what the request
 * wants it is walked again, as a CPU would: no invalidation is needed to grant more
 * there.
 *
 * Return: 0 when it is allowed, or a reason.
 */
int vsim_translate(struct vsim_walk *w, struct vsim_result *out)
{
	struct vsim_entry *e = vsim_find_page(w);
	int reason;

	if (!e)
		return vsim_translate_memory(w, out);
	if (!w->prefetch)
		vsim_count(w->u, VSIM_N_IOTLB_HITS);
	if (e->reason)
		return e->reason;
	memcpy(w->pe, &e->qw[1], 3 * sizeof(w->pe[0]));
	out->phys = e->qw[0] | (w->req->addr & vsim_mask(e->shift - 1, 0));
	out->shift = e->shift;
	out->perms = e->perms;
	out->user = e->user;
	out->dirty = e->dirty;
	reason = vsim_check_entry(w);
	if (!reason)
		reason = vsim_check_perms(w, out);
	if (reason ? vsim_uses_first(e->pgtt) : w->write && !out->dirty)
		return vsim_translate_memory(w, out);
	return reason;
}

/* 9.4: what the context entry says of this request */
int vsim_check_request(const struct vsim_walk *w)
{
	if (w->rid)
		return 0;
	if (w->pasid >> (vsim_ecap(w->u, 39, 35) + 1))
		return VSIM_SGN_10;
	if (!(w->ctx[0] & VSIM_CTX_PASIDE))
		return VSIM_SCT_6;
	if (vsim_beyond_directory(w, w->pasid))
		return VSIM_SCT_7;
	return w->pasid == vsim_rid_pasid(w) ? VSIM_SCT_9 : 0;
}

/* 11.4.5, TTM */
int vsim_check_mode(const struct vsim_walk *w)
{
	switch (w->u->ttm) {
	case VSIM_TTM_SCALABLE:
		return w->u->cfg.ecap & VSIM_ECAP_SMTS ? 0 : VSIM_RTA_1;
	case VSIM_TTM_ABORT:
		return w->u->cfg.ecap & VSIM_ECAP_ADMS ? VSIM_RTA_4 : VSIM_RTA_1;
	case VSIM_TTM_LEGACY:
		/* Without PASID: a mode that the model does not have. */
		return w->rid ? VSIM_RTA_1 : VSIM_RTA_2;
	default:
		return VSIM_RTA_1;
	}
}

/* 4.2.3: the device translated before. */
static int vsim_translated(struct vsim_walk *w, struct vsim_result *out)
{
	if (vsim_is_msi(w->req->addr))
		return VSIM_SGN_8;
	return vsim_pass_through(w, w->req->addr, out);
}

/*
 * 3.14: of requests without a PASID to the interrupt range only reads come here.
 * Those with one are translated as others are.
 */
static int vsim_resolve(struct vsim_walk *w, struct vsim_result *out)
{
	int reason = vsim_check_mode(w);

	if (!reason)
		reason = vsim_walk_context(w);
	if (!reason && w->req->at != SIM_AT_UNTRANSLATED && !(w->ctx[0] & VSIM_CTX_DTE))
		reason = VSIM_SCT_5;
	if (!reason)
		reason = vsim_check_request(w);
	if (reason)
		return reason;
	if (w->req->at == SIM_AT_TRANSLATED)
		return vsim_translated(w, out);
	if (w->rid && vsim_is_msi(w->req->addr))
		return VSIM_SGN_8;
	reason = vsim_translate(w, out);
	if (!reason && vsim_is_msi(out->phys))
		reason = VSIM_SGN_8;
	return reason;
}

/*
 * 7.1.3, table 30: what is answered to a translation request that meets @reason:
 * success without permissions where the fault is the device's own matter, else
 * completer abort or unsupported request.
 */
static enum sim_status vsim_ats_status(int reason)
{
	switch (reason) {
	case VSIM_RTA_1:
	case VSIM_SRT_1:
	case VSIM_SRT_3:
	case VSIM_SCT_1:
	case VSIM_SCT_3:
	case VSIM_SCT_4:
	case VSIM_SPD_1:
	case VSIM_SPD_3:
	case VSIM_SPT_1:
	case VSIM_SPT_3:
	case VSIM_SPT_4:
	case VSIM_SSS_1:
	case VSIM_SSS_3:
	case VSIM_SSS_4:
	case VSIM_SSS_5:
	case VSIM_SSS_6:
	case VSIM_SGN_8:
		return SIM_CA;
	case VSIM_RTA_2:
	case VSIM_RTA_4:
	case VSIM_SRT_2:
	case VSIM_SCT_2:
	case VSIM_SCT_5:
	case VSIM_SCT_6:
	case VSIM_SCT_7:
	case VSIM_SCT_9:
	case VSIM_SGN_10:
		return SIM_UR;
	default:
		return SIM_OK;
	}
}

static void vsim_fault(struct vsim_walk *w, int reason, struct sim_reply *reply)
{
	reply->status = SIM_UR;
	if (w->req->at == SIM_AT_TRANSLATION) {
		reply->status = vsim_ats_status(reason);
		reply->length = 4096;
		/* SFS.10 is both. */
		if (reply->status == SIM_OK && reason != VSIM_SFS_10)
			return;
	}
	vsim_fault_report(w, false, reason);
}

/* 4.1.2: a translation completion */
static void vsim_complete(struct vsim_walk *w, const struct vsim_result *r,
			  struct sim_reply *reply)
{
	bool first = vsim_uses_first(vsim_pe_pgtt(w->pe));

	reply->phys = r->phys & ~vsim_mask(r->shift - 1, 0);
	reply->length = BIT_ULL(r->shift);
	reply->perms = r->perms & SIM_ATS_READ;
	/* Write only where D is set or was asked to be (3.6.2). */
	if (w->write || ((r->perms & SIM_ATS_WRITE) && r->dirty))
		reply->perms |= SIM_ATS_WRITE;
	if (first && w->exec)
		reply->perms |= SIM_ATS_EXEC;
	if (w->priv)
		reply->perms |= SIM_ATS_PRIV;
}

static void vsim_move(struct vsim_unit *u, bool write, void *buf, size_t len,
		      struct sim_reply *reply)
{
	int rc = 0;

	if (len)
		rc = write ? u->ops->write(u->priv, reply->phys, buf, len) :
			     u->ops->read(u->priv, reply->phys, buf, len);
	reply->status = rc ? SIM_NO_MEMORY : SIM_OK;
}

/* Without translation: as on a machine without the unit. */
static void vsim_untranslated(struct vsim_unit *u, const struct sim_request *req, void *buf,
			      size_t len, struct sim_reply *reply)
{
	if (req->at == SIM_AT_TRANSLATION) {
		reply->status = SIM_UR;
		return;
	}
	reply->phys = req->addr;
	reply->length = 4096 - (req->addr & 0xfff);
	vsim_move(u, req->flags & SIM_DMA_WRITE, buf, len, reply);
}

/* 3.14: without a PASID, a write there is an interrupt and goes its own way. */
static bool vsim_interrupt(struct vsim_unit *u, const struct sim_request *req,
			   struct sim_reply *reply)
{
	if (!vsim_is_msi(req->addr) || req->pasid != SIM_NO_PASID)
		return false;
	if (req->at == SIM_AT_TRANSLATION) {
		reply->status = SIM_OK;
		reply->phys = req->addr & ~0xfffULL;
		reply->length = 4096;
		reply->perms = SIM_ATS_WRITE | SIM_ATS_UNTRANSLATED;
		return true;
	}
	if (req->at != SIM_AT_UNTRANSLATED || !(req->flags & SIM_DMA_WRITE))
		return false;
	vsim_count(u, VSIM_N_MSI_WRITES);
	reply->status = SIM_OK;
	reply->phys = req->addr;
	return true;
}

/* 3.15, 11.4.8: protected memory regions, in the way of everything */
static bool vsim_protected(struct vsim_unit *u, u64 phys)
{
	if (!(*vsim_reg(u, VSIM_PMEN) & VSIM_PMEN_PRS))
		return false;
	if ((u->cfg.cap & VSIM_CAP_PLMR) && phys >= *vsim_reg(u, VSIM_PLMBASE) &&
	    phys <= *vsim_reg(u, VSIM_PLMLIMIT))
		return true;
	return (u->cfg.cap & VSIM_CAP_PHMR) && phys >= vsim_reg64(u, VSIM_PHMBASE) &&
	       phys <= vsim_reg64(u, VSIM_PHMLIMIT);
}

/* See struct sim_iommu_ops. */
void vsim_access(struct vsim_unit *u, const struct sim_request *req, void *buf,
		 size_t len, struct sim_reply *reply)
{
	struct vsim_result r = { };
	struct vsim_walk w;
	int reason;

	memset(reply, 0, sizeof(*reply));
	vsim_count(u, VSIM_N_REQUESTS);
	if (!(*vsim_reg(u, VSIM_GSTS) & VSIM_GCMD_TE)) {
		if (vsim_protected(u, req->addr))
			reply->status = SIM_UR;
		else
			vsim_untranslated(u, req, buf, len, reply);
		return;
	}
	if (vsim_interrupt(u, req, reply))
		return;
	vsim_walk_init(&w, u, req);
	reason = vsim_resolve(&w, &r);
	if (reason) {
		vsim_fault(&w, reason, reply);
		return;
	}
	if (req->at == SIM_AT_TRANSLATION) {
		vsim_complete(&w, &r, reply);
		return;
	}
	reply->phys = r.phys;
	reply->length = BIT_ULL(r.shift) - (r.phys & vsim_mask(r.shift - 1, 0));
	reply->perms = r.perms & (SIM_ATS_READ | SIM_ATS_WRITE);
	if ((req->flags & SIM_DMA_NO_SNOOP) && !(r.perms & VSIM_SNOOP))
		vsim_count(u, VSIM_N_NOT_SNOOPED);
	if (vsim_protected(u, r.phys))
		reply->status = SIM_UR;
	else
		vsim_move(u, req->flags & SIM_DMA_WRITE, buf, len, reply);
}
