// SPDX-License-Identifier: GPL-2.0-only
/*
 * The command queue (3.5, 4, 7.1) and what its commands do to the caches. Each does
 * what it must and no more.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include "smmuv3_sim.h"

#define ALL_STREAMS	0xffffffffU
#define KIND(k)		BIT(SSIM_##k)
#define S1_KINDS	(KIND(S1) | KIND(S1_TABLE))
#define S2_KINDS	(KIND(S2) | KIND(S2_TABLE))

/**
 * struct scope - what an invalidation takes
 * @kinds: bits of enum ssim_kind
 * @worlds: S1: bits of enum ssim_world
 * @any_vmid: S1, S2: not only @vmid
 * @vmid: tag
 * @any_asid: S1: not only @asid
 * @globals: S1: global entries too
 * @asid: tag
 * @by_address: only what has to do with @first to @last
 * @first: address
 * @last: address
 * @tg: log2 of the granule; 0: any
 * @ttl: level of leaf entries; 0: any
 * @sid: configuration: first stream
 * @sid_last: configuration: last stream
 * @any_ssid: configuration: not only @ssid
 * @ssid: configuration: substream
 */
struct scope {
	u32 kinds;
	u32 worlds;
	bool any_vmid;
	u16 vmid;
	bool any_asid;
	bool globals;
	u16 asid;
	bool by_address;
	u64 first;
	u64 last;
	unsigned int tg;
	unsigned int ttl;
	u32 sid;
	u32 sid_last;
	bool any_ssid;
	u32 ssid;
};

static bool config_matches(struct ssim *u, const struct scope *s, const struct ssim_entry *e)
{
	unsigned int split = 0;
	u32 first = e->sid, last = e->sid;

	if (e->kind == SSIM_L1STD) {
		split = FIELD_GET(STRTAB_CFG_SPLIT, u->strtab_cfg);
		split = split == 8 || split == 10 ? split : 6;
		last = first + ((1U << split) - 1);
	}
	if (last < s->sid || first > s->sid_last)
		return false;
	if (s->any_ssid || e->kind == SSIM_STE || e->kind == SSIM_L1STD ||
	    e->kind == SSIM_STE_SEEN)
		return true;
	if (e->kind != SSIM_L1CD)
		return e->ssid == s->ssid;
	/* How many substreams a level-1 descriptor is for was S1Fmt's to say. */
	return s->ssid >= e->ssid && s->ssid - e->ssid < 1U << e->leaf_shift;
}

static bool address_matches(const struct scope *s, const struct ssim_entry *e)
{
	u64 first = e->addr & ~((1ULL << e->leaf_shift) - 1);
	u64 last = first + ((1ULL << e->leaf_shift) - 1);

	if (s->tg && e->tg != s->tg)
		return false;
	if (s->ttl) {
		if (e->kind == SSIM_S1 || e->kind == SSIM_S2) {
			if (e->level != s->ttl)
				return false;
		} else if (e->level >= s->ttl) {
			return false;
		}
	}
	return s->first <= last && s->last >= first;
}

static bool tlb_matches(const struct scope *s, const struct ssim_entry *e)
{
	if (e->kind == SSIM_S1 || e->kind == SSIM_S1_TABLE) {
		if (!(s->worlds & BIT(e->world)))
			return false;
		if (e->global ? !s->globals : !s->any_asid && e->asid != s->asid)
			return false;
	}
	if (!s->any_vmid && e->vmid != s->vmid &&
	    !(e->kind < SSIM_S2 && e->world != SSIM_EL1))
		return false;
	return !s->by_address || address_matches(s, e);
}

static bool is_config(enum ssim_kind kind)
{
	return kind < SSIM_S1 || kind > SSIM_S2_TABLE;
}

/**
 * struct tally - what went, by whether software had changed it
 * @changed: [0] leaves, [1] what leads to them
 * @same: likewise
 */
struct tally {
	unsigned int changed[2];
	unsigned int same[2];
};

static void drop(struct ssim *u, const struct scope *s, enum ssim_kind kind, struct tally *t)
{
	bool upper = kind == SSIM_L1STD || kind == SSIM_L1CD || kind == SSIM_S1_TABLE ||
		     kind == SSIM_S2_TABLE;
	struct ssim_entry *e, *next;

	list_for_each_entry_safe(e, next, &u->kinds[kind], kind_node) {
		if (is_config(kind) ? !config_matches(u, s, e) : !tlb_matches(s, e))
			continue;
		if (ssim_cache_changed(u, e))
			t->changed[upper]++;
		else
			t->same[upper]++;
		ssim_cache_drop(u, e);
	}
}

/*
 * Of one stage, or of one kind of structure: did something go that had not changed,
 * beside something that had, so that a narrower command would have done? When tables
 * went, all below them did, whatever their descriptors say now. CDs go with their STE
 * whatever they are.
 */
static bool too_wide(const struct tally *t)
{
	if (t->changed[1])
		return false;
	return t->changed[0] && (t->same[0] || t->same[1]);
}

static void invalidate(struct ssim *u, const struct scope *s, const char *wide)
{
	enum { CDS = 1 };
	static const u32 groups[] = {
		KIND(L1STD) | KIND(STE), [CDS] = KIND(L1CD) | KIND(CD), S1_KINDS, S2_KINDS,
	};
	bool is_wide = false;
	unsigned int i, kind;

	u->unsynced = true;
	for (i = 0; i < ARRAY_SIZE(groups); i++) {
		struct tally t = {};

		for (kind = 0; kind < SSIM_KINDS; kind++)
			if (groups[i] & s->kinds & BIT(kind))
				drop(u, s, kind, &t);
		if (i != CDS || !(s->kinds & KIND(STE)))
			is_wide |= too_wide(&t);
	}
	if (is_wide)
		ssim_count(u, wide);
}

/* --- commands: configuration (4.3) ------------------------------------------------- */

/* A stream ID that is out of range names no stream (4.1.7). */
static void cfgi_streams(struct ssim *u, u32 first, u32 last, u32 kinds, const char *wide)
{
	struct scope s = {
		.kinds = kinds,
		.sid = first,
		.sid_last = last,
		.any_ssid = true,
	};
	struct ssim_entry *e, *next;
	struct tally t;

	/* Whatever is next in a CD table of theirs may be another table. */
	list_for_each_entry_safe(e, next, &u->kinds[SSIM_STE_SEEN], kind_node)
		if (e->sid >= first && e->sid <= last)
			ssim_check_ste_update(u, e->sid);
	if (kinds & KIND(STE))
		drop(u, &s, SSIM_CD_SEEN, &t);
	invalidate(u, &s, wide);
	ssim_stalls_retry(u, first, last);
}

static void cfgi_cds(struct ssim *u, u32 sid, u32 ssid, bool all, bool leaf, const char *wide)
{
	struct scope s = {
		.kinds = KIND(CD) | (leaf ? 0 : KIND(L1CD)),
		.sid = sid,
		.sid_last = sid,
		.any_ssid = all,
		.ssid = ssid,
	};
	struct ssim_entry *e, *next;

	list_for_each_entry_safe(e, next, &u->kinds[SSIM_CD_SEEN], kind_node)
		if (e->sid == sid && (all || e->ssid == ssid))
			ssim_check_cd_update(u, sid, e->ssid);
	invalidate(u, &s, wide);
}

static bool cfgi(struct ssim *u, const u64 *cmd)
{
	u32 all = KIND(L1STD) | KIND(STE) | KIND(L1CD) | KIND(CD);
	u32 sid = FIELD_GET(CMD_0_SID, cmd[0]);
	bool leaf = cmd[1] & CMD_1_LEAF;
	u32 range, mask;

	if (cmd[0] & CMD_0_SSEC)
		return false;
	switch (FIELD_GET(CMD_0_OP, cmd[0])) {
	case CMD_CFGI_STE:
		ssim_count(u, "CFGI_STE");
		cfgi_streams(u, sid, sid, leaf ? all & ~KIND(L1STD) : all, "wide.CFGI_STE");
		return true;
	case CMD_CFGI_STE_RANGE:
		range = FIELD_GET(CFGI_1_RANGE, cmd[1]);
		mask = range == 31 ? ALL_STREAMS : (2U << range) - 1;
		ssim_count(u, range == 31 ? "CFGI_ALL" : "CFGI_STE_RANGE");
		cfgi_streams(u, sid & ~mask, sid | mask, all,
			     range == 31 ? "wide.CFGI_ALL" : "wide.CFGI_STE_RANGE");
		return true;
	case CMD_CFGI_CD:
		ssim_count(u, "CFGI_CD");
		cfgi_cds(u, sid, FIELD_GET(CMD_0_SSID, cmd[0]), false, leaf, "wide.CFGI_CD");
		return u->f.idr[0] & IDR0_S1P;
	default:
		ssim_count(u, "CFGI_CD_ALL");
		cfgi_cds(u, sid, 0, true, false, "wide.CFGI_CD_ALL");
		return u->f.idr[0] & IDR0_S1P;
	}
}

/* --- commands: translations (4.4) ---------------------------------------------------- */

/* 4.4.1.1: ranges and hints. False: CERROR_ILL. */
static bool tlbi_range(struct ssim *u, const u64 *cmd, u64 addr, struct scope *s)
{
	static const u8 granules[] = { 0, 12, 14, 16 };
	unsigned int scale = FIELD_GET(TLBI_0_SCALE, cmd[0]);
	unsigned int num = FIELD_GET(TLBI_0_NUM, cmd[0]);
	unsigned int ttl = FIELD_GET(TLBI_1_TTL, cmd[1]);
	u64 size;

	s->by_address = true;
	s->first = addr;
	s->last = addr;
	if (!(u->f.idr[3] & IDR3_RIL)) {
		if (scale || num || ttl || FIELD_GET(TLBI_1_TG, cmd[1]))
			ssim_count(u, "bad.TLBI_range_without_RIL");
		return true;
	}
	s->tg = granules[FIELD_GET(TLBI_1_TG, cmd[1])];
	if (!s->tg)
		return true;
	/* Level 1 of 16K tables has no leaves: treated as 0. */
	if (s->tg == 14 && ttl == 1)
		ttl = 0;
	if (!ttl && !scale && !num)
		return false;
	s->ttl = ttl;
	/* Unpredictable unless aligned to what is at that level: nothing goes. */
	size = 1ULL << (s->tg + (ttl ? 3 - ttl : 0) * (s->tg - 3));
	if (addr & (size - 1)) {
		ssim_count(u, "bad.TLBI_alignment");
		s->kinds = 0;
	}
	if (scale > 31 || s->tg + scale >= 58)
		s->last = ~0ULL;
	else
		s->last = addr + ((((u64)num + 1) << scale) << s->tg) - 1;
	if (s->last < addr)
		s->last = ~0ULL;
	return true;
}

static bool tlbi_va(struct ssim *u, const u64 *cmd, struct scope *s, const char *name,
		    const char *wide)
{
	ssim_count(u, name);
	s->kinds = KIND(S1) | (cmd[1] & CMD_1_LEAF ? 0 : KIND(S1_TABLE));
	if (!tlbi_range(u, cmd, cmd[1] & CMD_1_ADDR, s))
		return false;
	invalidate(u, s, wide);
	return true;
}

static bool tlbi_s1(struct ssim *u, const u64 *cmd)
{
	struct scope s = {
		.kinds = S1_KINDS,
		.worlds = BIT(SSIM_EL1),
		.vmid = FIELD_GET(TLBI_0_VMID, cmd[0]),
		.any_vmid = !(u->f.idr[0] & IDR0_S2P),
		.asid = FIELD_GET(TLBI_0_ASID, cmd[0]),
		.globals = true,
	};

	if (!(u->f.idr[0] & IDR0_S1P))
		return false;
	switch (FIELD_GET(CMD_0_OP, cmd[0])) {
	case CMD_TLBI_NH_ALL:
		ssim_count(u, "TLBI_NH_ALL");
		s.any_asid = true;
		invalidate(u, &s, "wide.TLBI_NH_ALL");
		return true;
	case CMD_TLBI_NH_ASID:
		ssim_count(u, "TLBI_NH_ASID");
		s.globals = false;
		invalidate(u, &s, "wide.TLBI_NH_ASID");
		return true;
	case CMD_TLBI_NH_VAA:
		s.any_asid = true;
		return tlbi_va(u, cmd, &s, "TLBI_NH_VAA", "wide.TLBI_NH_VAA");
	default:
		return tlbi_va(u, cmd, &s, "TLBI_NH_VA", "wide.TLBI_NH_VA");
	}
}

static bool tlbi_el2(struct ssim *u, const u64 *cmd)
{
	bool e2h = u->cr2 & CR2_E2H;
	struct scope s = {
		.kinds = S1_KINDS,
		.worlds = e2h ? BIT(SSIM_EL2_E2H) : BIT(SSIM_EL2),
		.any_vmid = true,
		.any_asid = !e2h,
		.asid = FIELD_GET(TLBI_0_ASID, cmd[0]),
		.globals = true,
	};

	if (!(u->f.idr[0] & IDR0_HYP) || !(u->f.idr[0] & IDR0_S1P))
		return false;
	switch (FIELD_GET(CMD_0_OP, cmd[0])) {
	case CMD_TLBI_EL2_ALL:
		ssim_count(u, "TLBI_EL2_ALL");
		s.worlds = BIT(SSIM_EL2) | BIT(SSIM_EL2_E2H);
		s.any_asid = true;
		invalidate(u, &s, "wide.TLBI_EL2_ALL");
		return true;
	case CMD_TLBI_EL2_ASID:
		ssim_count(u, "TLBI_EL2_ASID");
		s.worlds = BIT(SSIM_EL2_E2H);
		s.any_asid = false;
		s.globals = false;
		invalidate(u, &s, "wide.TLBI_EL2_ASID");
		return true;
	case CMD_TLBI_EL2_VAA:
		s.any_asid = true;
		return tlbi_va(u, cmd, &s, "TLBI_EL2_VAA", "wide.TLBI_EL2_VAA");
	default:
		return tlbi_va(u, cmd, &s, "TLBI_EL2_VA", "wide.TLBI_EL2_VA");
	}
}

/*
 * 4.4.3: S2_IPA takes what stage 2 alone translates. What both stages together come
 * to is not required to go; NH_ALL of the VMID makes it.
 */
static bool tlbi_s2(struct ssim *u, const u64 *cmd)
{
	struct scope s = {
		.kinds = S1_KINDS | S2_KINDS,
		.worlds = BIT(SSIM_EL1),
		.vmid = FIELD_GET(TLBI_0_VMID, cmd[0]),
		.any_asid = true,
		.globals = true,
	};

	switch (FIELD_GET(CMD_0_OP, cmd[0])) {
	case CMD_TLBI_S12_VMALL:
		ssim_count(u, "TLBI_S12_VMALL");
		if (!(u->f.idr[0] & IDR0_S2P))
			return false;
		invalidate(u, &s, "wide.TLBI_S12_VMALL");
		return true;
	case CMD_TLBI_S2_IPA:
		ssim_count(u, "TLBI_S2_IPA");
		s.kinds = KIND(S2) | (cmd[1] & CMD_1_LEAF ? 0 : KIND(S2_TABLE));
		if (!(u->f.idr[0] & IDR0_S2P) ||
		    !tlbi_range(u, cmd, cmd[1] & CMD_1_IPA, &s))
			return false;
		invalidate(u, &s, "wide.TLBI_S2_IPA");
		return true;
	default:
		ssim_count(u, "TLBI_NSNH_ALL");
		s.any_vmid = true;
		invalidate(u, &s, "wide.TLBI_NSNH_ALL");
		return true;
	}
}

/* --- commands: devices (4.5, 4.7) ------------------------------------------------------ */

static u32 substream(const u64 *cmd)
{
	return cmd[0] & CMD_0_SSV ? FIELD_GET(CMD_0_SSID, cmd[0]) : SIM_NO_PASID;
}

static bool atc_inv(struct ssim *u, const u64 *cmd)
{
	unsigned int size = FIELD_GET(ATC_1_SIZE, cmd[1]);
	u32 ssid = substream(cmd);
	u64 length = ~0ULL, addr = 0;

	ssim_count(u, "ATC_INV");
	if (u->unsynced)
		ssim_count(u, "bad.ATC_INV_before_SYNC");
	if (!(u->f.idr[0] & IDR0_ATS) || size > 52)
		return false;
	if (!(u->cr0ack & CR0_SMMUEN))
		return true;
	if (size < 52) {
		length = 1ULL << (12 + size);
		addr = cmd[1] & CMD_1_ADDR & ~(length - 1);
	}
	if (ssim_take_fault(u, SIM_FAULT_ATC) ||
	    !u->ops->atc_invalidate(u, FIELD_GET(CMD_0_SID, cmd[0]), ssid, addr, length,
				    ssid != SIM_NO_PASID && (cmd[0] & ATC_0_GLOBAL)))
		u->atc_failed = true;
	else
		ssim_page_requests_arrive(u, FIELD_GET(CMD_0_SID, cmd[0]), false);
	return true;
}

static bool pri_resp(struct ssim *u, const u64 *cmd)
{
	static const enum sim_status codes[] = { SIM_FAILURE, SIM_DENIED, SIM_OK };
	unsigned int resp = FIELD_GET(PRI_RESP_1_RESP, cmd[1]);
	enum sim_status status;

	ssim_count(u, "PRI_RESP");
	if (!(u->f.idr[0] & IDR0_PRI) || resp >= ARRAY_SIZE(codes))
		return false;
	status = ssim_take_fault(u, SIM_FAULT_RESPONSE) ? SIM_FAILURE : codes[resp];
	if (u->cr0ack & CR0_SMMUEN)
		u->ops->page_response(u, FIELD_GET(CMD_0_SID, cmd[0]), substream(cmd),
				      FIELD_GET(PRI_RESP_1_INDEX, cmd[1]), status);
	return true;
}

static bool stall_command(struct ssim *u, const u64 *cmd)
{
	u32 sid = FIELD_GET(CMD_0_SID, cmd[0]);
	bool resume = FIELD_GET(CMD_0_OP, cmd[0]) == CMD_RESUME;

	ssim_count(u, resume ? "RESUME" : "STALL_TERM");
	if ((cmd[0] & CMD_0_SSEC) || FIELD_GET(IDR0_STALL_MODEL, u->f.idr[0]) == 1)
		return false;
	if (!resume) {
		/* 4.7.2: it is for a stream that terminates whatever comes. */
		if (!ssim_terminates(u, sid))
			ssim_count(u, "bad.STALL_TERM");
		ssim_stall_terminate(u, sid, false);
	} else {
		ssim_resume(u, sid, FIELD_GET(RESUME_1_STAG, cmd[1]),
			    cmd[0] & RESUME_0_AC ? SIM_OK : SIM_UR);
	}
	return true;
}

static bool prefetch(struct ssim *u, const u64 *cmd)
{
	bool address = FIELD_GET(CMD_0_OP, cmd[0]) == CMD_PREFETCH_ADDR;

	ssim_count(u, address ? "PREFETCH_ADDR" : "PREFETCH_CONFIG");
	if (cmd[0] & CMD_0_SSEC)
		return false;
	ssim_prefetch(u, FIELD_GET(CMD_0_SID, cmd[0]), substream(cmd), address,
		      cmd[1] & CMD_1_ADDR);
	return true;
}

/* --- the queue --------------------------------------------------------------------------- */

static void stop(struct ssim *u, u32 error)
{
	u->cmdq.cons = (u->cmdq.cons & ~CMDQ_CONS_ERR) | FIELD_PREP(CMDQ_CONS_ERR, error);
	ssim_gerror(u, GERROR_CMDQ);
}

/* Returns CERROR_..., or -1: it waits. */
static int sync(struct ssim *u, const u64 *cmd)
{
	unsigned int cs = FIELD_GET(SYNC_0_CS, cmd[0]);
	__le32 data = cpu_to_le32(FIELD_GET(SYNC_0_MSIDATA, cmd[0]));
	u64 addr = cmd[1] & SYNC_1_MSIADDR;

	if (cs == 3)
		return CERROR_ILL;
	if (u->sync_lost || ssim_take_fault(u, SIM_FAULT_LOST)) {
		u->sync_lost = true;
		return -1;
	}
	if (!u->sync_due && ssim_take_fault(u, SIM_FAULT_LATE)) {
		u->sync_due = u->ops->now(u) + u->late_ms;
		u->ops->kick(u, u->late_ms);
	}
	if (u->sync_due && u->ops->now(u) < u->sync_due)
		return -1;
	u->sync_due = 0;
	/* 4.7.3: invalidations of ATCs that timed out show here, once. */
	if (u->atc_failed) {
		u->atc_failed = false;
		return CERROR_ATC_INV_SYNC;
	}
	ssim_count(u, "SYNC");
	u->unsynced = false;
	if (cs == SYNC_CS_IRQ) {
		if (addr && (u->f.idr[0] & IDR0_MSI)) {
			ssim_count(u, "msi");
			if (u->ops->write(u, addr, &data, sizeof(data)))
				ssim_gerror(u, GERROR_MSI_CMDQ_ABT);
		} else {
			ssim_irq(u, SSIM_IRQ_SYNC);
		}
	}
	return CERROR_NONE;
}

static int execute(struct ssim *u, const u64 *cmd)
{
	bool legal;

	switch (FIELD_GET(CMD_0_OP, cmd[0])) {
	case CMD_SYNC:
		return sync(u, cmd);
	case CMD_PREFETCH_CONFIG:
	case CMD_PREFETCH_ADDR:
		legal = prefetch(u, cmd);
		break;
	case CMD_CFGI_STE:
	case CMD_CFGI_STE_RANGE:
	case CMD_CFGI_CD:
	case CMD_CFGI_CD_ALL:
		legal = cfgi(u, cmd);
		break;
	case CMD_TLBI_NH_ALL:
	case CMD_TLBI_NH_ASID:
	case CMD_TLBI_NH_VA:
	case CMD_TLBI_NH_VAA:
		legal = tlbi_s1(u, cmd);
		break;
	case CMD_TLBI_EL2_ALL:
	case CMD_TLBI_EL2_ASID:
	case CMD_TLBI_EL2_VA:
	case CMD_TLBI_EL2_VAA:
		legal = tlbi_el2(u, cmd);
		break;
	case CMD_TLBI_S12_VMALL:
	case CMD_TLBI_S2_IPA:
	case CMD_TLBI_NSNH_ALL:
		legal = tlbi_s2(u, cmd);
		break;
	case CMD_ATC_INV:
		legal = atc_inv(u, cmd);
		break;
	case CMD_PRI_RESP:
		legal = pri_resp(u, cmd);
		break;
	case CMD_RESUME:
	case CMD_STALL_TERM:
		legal = stall_command(u, cmd);
		break;
	default:
		legal = false;
	}
	if (!legal)
		ssim_count(u, "bad.CERROR_ILL");
	return legal ? CERROR_NONE : CERROR_ILL;
}

static bool next_command(struct ssim *u, u64 *cmd)
{
	struct ssim_queue *q = &u->cmdq;
	__le64 words[2];

	if (ssim_take_fault(u, SIM_FAULT_ABORT) ||
	    ssim_fetch(u, ssim_queue_slot(q, q->cons, sizeof(words)), words, sizeof(words))) {
		stop(u, CERROR_ABT);
		return false;
	}
	cmd[0] = le64_to_cpu(words[0]);
	cmd[1] = le64_to_cpu(words[1]);
	if (ssim_take_fault(u, SIM_FAULT_COMMAND)) {
		stop(u, CERROR_ILL);
		return false;
	}
	return true;
}

/**
 * ssim_cmdq_run - work through the command queue
 * @u: the unit
 * @max: at most so many commands
 *
 * As far as PROD, an error, or a CMD_SYNC that has to wait.
 */
void ssim_cmdq_run(struct ssim *u, unsigned int max)
{
	struct ssim_queue *q = &u->cmdq;
	u32 mask = (2U << FIELD_GET(Q_BASE_LOG2SIZE, q->base)) - 1;
	u64 cmd[2];
	int error;

	while (max-- && (u->cr0ack & CR0_CMDQEN) &&
	       !((u->gerror ^ u->gerrorn) & GERROR_CMDQ) && ((q->prod ^ q->cons) & mask)) {
		if (!next_command(u, cmd))
			return;
		error = execute(u, cmd);
		if (error < 0)
			return;
		if (error) {
			stop(u, error);
			return;
		}
		q->cons = ssim_queue_next(q, q->cons);
	}
}

void ssim_cmdq_disable(struct ssim *u)
{
	u->sync_due = 0;
	u->sync_lost = false;
	u->atc_failed = false;
	u->unsynced = false;
}
