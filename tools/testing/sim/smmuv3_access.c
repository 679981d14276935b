// SPDX-License-Identifier: GPL-2.0-only
/*
 * A request of a device from its arrival to its end: translation (15.1), ATS (3.9.1),
 * faults (3.12), and the bytes themselves.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include "smmuv3_sim.h"

/* 5.5, 3.12: terminate, terminate and pretend, or stall; with or without a record. */
struct policy {
	bool stall;
	bool record;
	bool pretend;
};

static struct policy policy_of(const struct ssim_access *a, const struct ssim_fault *fault)
{
	struct policy p = { .record = true };

	if (fault->id < F_TRANSLATION || fault->id > F_PERMISSION)
		return p;
	if (fault->s2) {
		p.stall = a->ste[2] & STE_2_S2S;
		p.record = a->ste[2] & STE_2_S2R;
	} else if (a->cd) {
		p.stall = a->cd[0] & CD_0_S;
		p.record = a->cd[0] & CD_0_R;
		p.pretend = !(a->cd[0] & CD_0_A);
	}
	return p;
}

/* It does not go through. */
static void end(struct ssim *u, const struct ssim_access *a, const struct ssim_fault *fault,
		void *buf, size_t len, struct sim_reply *reply)
{
	struct policy p = policy_of(a, fault);

	reply->status = SIM_UR;
	if (a->quiet)
		return;
	if (p.stall) {
		reply->stall = ssim_stall(u, a, fault);
		if (reply->stall) {
			reply->status = SIM_TIMEOUT;
			return;
		}
		ssim_count(u, "stalls_refused");
	}
	/* Of stage 1 without CD.A: reads are 0, writes are ignored. */
	if (p.pretend) {
		reply->status = SIM_OK;
		reply->phys = 0;
		reply->length = len;
		if (!a->write && buf)
			memset(buf, 0, len);
	}
	if (p.record)
		ssim_event(u, a, fault);
}

static void move(struct ssim *u, const struct ssim_access *a, u64 phys, void *buf, size_t len,
		 struct sim_reply *reply)
{
	int rc = 0;

	reply->status = SIM_OK;
	reply->phys = phys;
	if (a->quiet || !len)
		return;
	rc = a->write ? u->ops->write(u, phys, buf, len) : u->ops->read(u, phys, buf, len);
	if (rc)
		reply->status = SIM_NO_MEMORY;
}

static bool fault_of(struct ssim_fault *fault, u8 id)
{
	fault->id = id;
	fault->s2 = false;
	fault->class = CLASS_IN;
	fault->status = SIM_UR;
	return false;
}

/* 3.9: which CD a request uses. *@skip: none, it bypasses stage 1. */
static bool pick_cd(struct ssim *u, struct ssim_access *a, bool *skip, struct ssim_fault *fault)
{
	unsigned int cdmax = FIELD_GET(STE_0_S1CDMAX, a->ste[0]);
	unsigned int dss = FIELD_GET(STE_1_S1DSS, a->ste[1]);

	*skip = !(ssim_ste_config(a->ste) & CONFIG_S1);
	if (!FIELD_GET(IDR1_SSIDSIZE, u->f.idr[1]))
		cdmax = 0;
	a->cd_ssid = 0;
	if (a->ssid != SIM_NO_PASID) {
		if (*skip || !cdmax || a->ssid >> cdmax)
			return fault_of(fault, C_BAD_SUBSTREAMID);
		if (dss == S1DSS_SSID0 && !a->ssid)
			return fault_of(fault, F_STREAM_DISABLED);
		a->cd_ssid = a->ssid;
	} else if (!*skip && cdmax) {
		if (dss == S1DSS_BYPASS)
			*skip = true;
		else if (dss != S1DSS_SSID0)
			return fault_of(fault, F_STREAM_DISABLED);
	}
	return true;
}

static bool stage2_only(struct ssim *u, struct ssim_access *a, struct ssim_result *result,
			struct ssim_fault *fault)
{
	u64 addr = a->req->addr;
	struct ssim_entry *e;

	if (!ssim_stage2(u, a, addr, ssim_needs(a), CLASS_IN, &e, fault))
		return false;
	result->phys = e->out + (addr & ((1ULL << e->shift) - 1));
	/* 13.6.5: split stages: identity, with what stage 2 grants. */
	if (a->ats && ssim_ste_eats(u, a->ste) == EATS_SPLIT)
		result->phys = addr;
	result->shift = e->shift;
	result->perms = ssim_result_perms(a, a->priv ? e->priv : e->user);
	return true;
}

/* Where an untranslated request, or an ATS request, leads. */
static bool translate(struct ssim *u, struct ssim_access *a, struct ssim_result *result,
		      struct ssim_fault *fault)
{
	bool s2 = ssim_ste_config(a->ste) & CONFIG_S2, skip;

	if (!pick_cd(u, a, &skip, fault))
		return false;
	if (!skip) {
		if (!ssim_find_cd(u, a, fault))
			return false;
		return ssim_stage1(u, a, a->req->addr, result, fault);
	}
	/* 3.4: what bypasses stage 1 is checked by it all the same. */
	if (a->req->addr >> ssim_oas(u))
		return fault_of(fault, F_ADDR_SIZE);
	if (s2)
		return stage2_only(u, a, result, fault);
	/* 13.6.4: for ATS, too. */
	result->phys = a->req->addr;
	result->shift = 12;
	result->perms = a->ats ? SSIM_R | SSIM_W : SSIM_R | SSIM_W | SSIM_X;
	return true;
}

/* 6.3.14: SMMUEN is 0. */
static void disabled(struct ssim *u, struct ssim_access *a, void *buf, size_t len,
		     struct sim_reply *reply)
{
	struct ssim_fault fault = { .status = SIM_UR };

	reply->status = SIM_UR;
	switch (a->req->at) {
	case SIM_AT_TRANSLATION:
		fault.id = F_BAD_ATS_TREQ;
		ssim_event(u, a, &fault);
		break;
	case SIM_AT_TRANSLATED:
		fault.id = F_TRANSL_FORBIDDEN;
		ssim_event(u, a, &fault);
		break;
	default:
		if ((u->gbpa & GBPA_ABORT) || a->req->addr >> ssim_oas(u))
			break;
		reply->length = len;
		move(u, a, a->req->addr, buf, len, reply);
		break;
	}
}

/* 3.9.1.2 */
static void ats_end(struct ssim *u, struct ssim_access *a, const struct ssim_fault *fault,
		    struct sim_reply *reply)
{
	reply->length = SZ_4K;
	switch (fault->id) {
	case F_TRANSLATION:
	case F_ADDR_SIZE:
	case F_ACCESS:
	case F_PERMISSION:
		reply->status = SIM_OK;
		reply->perms = 0;
		return;
	case C_BAD_STREAMID:
		reply->status = SIM_CA;
		if ((u->cr2 & CR2_REC_CFG_ATS) && (u->cr2 & CR2_RECINVSID))
			ssim_event(u, a, fault);
		return;
	default:
		reply->status = SIM_CA;
		if (u->cr2 & CR2_REC_CFG_ATS)
			ssim_event(u, a, fault);
		return;
	}
}

static u32 ats_perms(u8 perms)
{
	return (perms & SSIM_R ? SIM_ATS_READ : 0) | (perms & SSIM_W ? SIM_ATS_WRITE : 0) |
	       (perms & SSIM_X ? SIM_ATS_EXEC : 0);
}

static void ats_request(struct ssim *u, struct ssim_access *a, struct sim_reply *reply)
{
	struct ssim_result result = {};
	struct ssim_fault fault = {};

	ssim_count(u, "ats_requests");
	a->ats = true;
	if (!ssim_find_ste(u, a, &fault)) {
		ats_end(u, a, &fault, reply);
		return;
	}
	reply->status = SIM_UR;
	if (!(ssim_ste_config(a->ste) & CONFIG_BYPASS))
		return;
	if (ssim_ste_eats(u, a->ste) == EATS_NONE) {
		fault.id = F_BAD_ATS_TREQ;
		ssim_event(u, a, &fault);
		return;
	}
	if (!translate(u, a, &result, &fault)) {
		ats_end(u, a, &fault, reply);
		return;
	}
	reply->status = SIM_OK;
	reply->phys = result.phys;
	reply->length = result.perms ? 1ULL << result.shift : SZ_4K;
	/* The Global bit is never set for a request with a PASID (3.9.1). */
	reply->perms = ats_perms(result.perms) |
		       (a->req->pasid != SIM_NO_PASID && (a->req->flags & SIM_DMA_PRIV) ?
			SIM_ATS_PRIV : 0);
}

/* 3.9.1.3 */
static void translated(struct ssim *u, struct ssim_access *a, void *buf, size_t len,
		       struct sim_reply *reply)
{
	struct ssim_result result = { .phys = a->req->addr, .shift = 12 };
	struct ssim_fault fault = {};

	reply->status = SIM_UR;
	/* 3.9.1: a translated request has neither privilege nor instructions here. */
	a->priv = false;
	a->exec = false;
	a->ssid = SIM_NO_PASID;
	if (u->cr0ack & CR0_ATSCHK) {
		if (!ssim_find_ste(u, a, &fault)) {
			if (u->cr2 & CR2_REC_CFG_ATS)
				ssim_event(u, a, &fault);
			return;
		}
		if (!(ssim_ste_config(a->ste) & CONFIG_BYPASS))
			return;
		switch (ssim_ste_eats(u, a->ste)) {
		case EATS_NONE:
			fault.id = F_TRANSL_FORBIDDEN;
			ssim_event(u, a, &fault);
			return;
		case EATS_SPLIT:
			if (!stage2_only(u, a, &result, &fault)) {
				end(u, a, &fault, buf, len, reply);
				return;
			}
			break;
		}
	}
	/* 3.9.1.1 */
	if (result.phys >> ssim_oas(u))
		return;
	reply->length = (1ULL << result.shift) - (result.phys & ((1ULL << result.shift) - 1));
	move(u, a, result.phys, buf, len, reply);
}

static void untranslated(struct ssim *u, struct ssim_access *a, void *buf, size_t len,
			 struct sim_reply *reply)
{
	struct ssim_result result = {};
	struct ssim_fault fault = {};

	if (!ssim_find_ste(u, a, &fault)) {
		/* 6.3.12: C_BAD_STREAMID is recorded only where software wants it. */
		if (fault.id == C_BAD_STREAMID && !(u->cr2 & CR2_RECINVSID)) {
			ssim_count(u, "streams_unknown");
			fault.id = 0;
		}
		end(u, a, &fault, buf, len, reply);
		return;
	}
	if (!(ssim_ste_config(a->ste) & CONFIG_BYPASS)) {
		reply->status = SIM_UR;
		return;
	}
	if (!translate(u, a, &result, &fault)) {
		end(u, a, &fault, buf, len, reply);
		return;
	}
	reply->length = (1ULL << result.shift) - (result.phys & ((1ULL << result.shift) - 1));
	reply->perms = ats_perms(result.perms);
	move(u, a, result.phys, buf, len, reply);
}

/* 13.1.2: the STE may say otherwise than the device. */
static void override(struct ssim *u, struct ssim_access *a)
{
	struct ssim_entry *e = ssim_cache_find_config(u, SSIM_STE, a->sid, 0);
	unsigned int priv, inst;

	if (!(u->f.idr[1] & IDR1_ATTR_PERMS_OVR) || !e || a->req->at == SIM_AT_TRANSLATED)
		return;
	priv = FIELD_GET(STE_1_PRIVCFG, e->word[1]);
	inst = FIELD_GET(STE_1_INSTCFG, e->word[1]);
	if (priv >= 2)
		a->priv = priv == PRIVCFG_PRIV;
	a->inst = inst;
	if (inst >= 2 && !a->write && a->req->at != SIM_AT_TRANSLATION)
		a->exec = inst == INSTCFG_INST;
}

static void start(struct ssim_access *a, u32 sid, const struct sim_request *req)
{
	bool pasid = req->pasid != SIM_NO_PASID;

	memset(a, 0, sizeof(*a));
	a->req = req;
	a->sid = sid;
	a->ssid = req->pasid;
	a->write = req->flags & SIM_DMA_WRITE;
	a->read = !a->write;
	/* 3.9: without a PASID it is data, unprivileged. Writes are data. */
	a->priv = pasid && (req->flags & SIM_DMA_PRIV);
	a->exec = pasid && (req->flags & SIM_DMA_EXEC) &&
		  (req->at == SIM_AT_TRANSLATION || !a->write);
}

/**
 * ssim_access - a request arrives
 * @u: the unit
 * @sid: its stream
 * @req: the request
 * @buf: what is written, or where what is read goes; not for SIM_AT_TRANSLATION
 * @len: bytes, all in one 4 KiB page
 * @reply: out
 */
void ssim_access(struct ssim *u, u32 sid, const struct sim_request *req, void *buf, size_t len,
		 struct sim_reply *reply)
{
	struct ssim_access a;
	struct ssim_fault fault;

	memset(reply, 0, sizeof(*reply));
	start(&a, sid, req);
	if (!(u->cr0ack & CR0_SMMUEN)) {
		disabled(u, &a, buf, len, reply);
		return;
	}
	/* The STE is cached from here on, for override(). */
	if (req->at != SIM_AT_TRANSLATED && ssim_find_ste(u, &a, &fault))
		override(u, &a);
	switch (req->at) {
	case SIM_AT_TRANSLATION:
		ats_request(u, &a, reply);
		break;
	case SIM_AT_TRANSLATED:
		translated(u, &a, buf, len, reply);
		break;
	default:
		untranslated(u, &a, buf, len, reply);
		break;
	}
}

/* Does the configuration of @sid, as far as the unit knows, let nothing through? */
bool ssim_terminates(struct ssim *u, u32 sid)
{
	struct sim_request req = { .pasid = SIM_NO_PASID };
	struct ssim_fault fault;
	struct ssim_access a;

	start(&a, sid, &req);
	return !ssim_find_ste(u, &a, &fault) || !(ssim_ste_config(a.ste) & CONFIG_BYPASS);
}

/**
 * ssim_prefetch - CMD_PREFETCH_CONFIG and CMD_PREFETCH_ADDR (4.2)
 * @u: the unit
 * @sid: stream
 * @ssid: substream, or SIM_NO_PASID
 * @address: translate, too
 * @addr: what
 *
 * Whatever is wrong is nobody's fault.
 */
void ssim_prefetch(struct ssim *u, u32 sid, u32 ssid, bool address, u64 addr)
{
	struct sim_request req = { .pasid = ssid, .addr = addr };
	struct ssim_result result = {};
	struct ssim_fault fault = {};
	struct ssim_access a;
	bool skip;

	if (!(u->cr0ack & CR0_SMMUEN))
		return;
	start(&a, sid, &req);
	a.quiet = true;
	if (!ssim_find_ste(u, &a, &fault) || !(ssim_ste_config(a.ste) & CONFIG_BYPASS) ||
	    ssim_ste_config(a.ste) == CONFIG_BYPASS)
		return;
	if (address)
		translate(u, &a, &result, &fault);
	else if (pick_cd(u, &a, &skip, &fault) && !skip)
		ssim_find_cd(u, &a, &fault);
}
