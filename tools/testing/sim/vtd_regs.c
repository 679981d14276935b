// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registers (chapter 11): what a read shows and what a write does.
 *
 * Accesses have 32 bits; of a 64-bit register the lower half is written first.
 * What starts something starts with the half that holds its bit.
 */
#include <linux/types.h>
#include <linux/string.h>
#include "vtd_sim.h"

u64 vsim_reg64(const struct vsim_unit *u, unsigned int offset)
{
	return u->regs[offset / 4] | (u64)u->regs[offset / 4 + 1] << 32;
}

void vsim_set_reg64(struct vsim_unit *u, unsigned int offset, u64 value)
{
	u->regs[offset / 4] = value;
	u->regs[offset / 4 + 1] = value >> 32;
}

void vsim_init(struct vsim_unit *u, const struct vsim_config *cfg,
	       const struct vsim_ops *ops, void *priv)
{
	memset(u, 0, sizeof(*u));
	u->cfg = *cfg;
	u->ops = ops;
	u->priv = priv;
	*vsim_reg(u, VSIM_VER) = cfg->ver;
	vsim_set_reg64(u, VSIM_CAP, cfg->cap);
	vsim_set_reg64(u, VSIM_ECAP, cfg->ecap);
	/* Events are masked after reset. */
	*vsim_reg(u, VSIM_FECTL) = VSIM_ECTL_IM;
	*vsim_reg(u, VSIM_IECTL) = VSIM_ECTL_IM;
	*vsim_reg(u, VSIM_PECTL) = VSIM_ECTL_IM;
}

/* Is somebody using the unit? */
bool vsim_in_use(const struct vsim_unit *u)
{
	return u->regs[VSIM_GSTS / 4] & (VSIM_GCMD_TE | VSIM_GCMD_QIE | VSIM_GCMD_IRE);
}

/* Is the unit to misbehave this time? */
bool vsim_inject(struct vsim_unit *u, enum sim_fault fault)
{
	if (!u->inject[fault].count)
		return false;
	u->inject[fault].count--;
	return true;
}

/* Data and addresses of an event's message follow its control register. */
static void vsim_event_send(struct vsim_unit *u, unsigned int ectl)
{
	u64 addr = *vsim_reg(u, ectl + 8) | (u64)*vsim_reg(u, ectl + 12) << 32;

	if (vsim_inject(u, SIM_FAULT_IRQ_LOST))
		return;
	vsim_count(u, VSIM_N_INTERRUPTS);
	u->ops->msi(u->priv, addr, *vsim_reg(u, ectl + 4));
}

/* 11.4.7.2: an interrupt condition. Held pending while masked. */
void vsim_event(struct vsim_unit *u, unsigned int ectl)
{
	u32 *reg = vsim_reg(u, ectl);

	if (*reg & VSIM_ECTL_IM)
		*reg |= VSIM_ECTL_IP;
	else
		vsim_event_send(u, ectl);
}

/* Software cleared all that the pending interrupt would tell. */
void vsim_event_served(struct vsim_unit *u, unsigned int ectl)
{
	*vsim_reg(u, ectl) &= ~VSIM_ECTL_IP;
}

static void vsim_write_ectl(struct vsim_unit *u, unsigned int ectl, u32 value)
{
	u32 *reg = vsim_reg(u, ectl);
	bool pending = *reg & VSIM_ECTL_IP;

	/* Reserved, to be preserved; IP is read-only. */
	if (value & ~(VSIM_ECTL_IM | VSIM_ECTL_IP))
		vsim_count(u, VSIM_N_BAD_RESERVED);
	*reg = (value & VSIM_ECTL_IM) | (pending ? VSIM_ECTL_IP : 0);
	if (pending && !(value & VSIM_ECTL_IM)) {
		*reg &= ~VSIM_ECTL_IP;
		vsim_event_send(u, ectl);
	}
}

/* GCMD_REG.SRTP: from here on the new root table counts (11.4.5). */
static void vsim_set_root(struct vsim_unit *u)
{
	u64 rtaddr = vsim_reg64(u, VSIM_RTADDR);
	enum vsim_ttm ttm = (enum vsim_ttm)vsim_get(rtaddr, 11, 10);

	vsim_count(u, VSIM_N_SRTP);
	if (rtaddr & (vsim_mask(9, 0) | ~(vsim_addr_mask(u) | vsim_mask(11, 0))))
		vsim_count(u, VSIM_N_BAD_RESERVED);
	if ((*vsim_reg(u, VSIM_GSTS) & VSIM_GCMD_TE) && ttm != u->ttm &&
	    !(u->cfg.cap & VSIM_CAP_ESRTPS))
		vsim_count(u, VSIM_N_BAD_ROOT_MODE);
	u->root = rtaddr & vsim_addr_mask(u);
	u->ttm = ttm;
	u->rooted = true;
	/* Without CAP.ESRTPS software is to invalidate, before it enables. */
	if (u->cfg.cap & VSIM_CAP_ESRTPS)
		vsim_cache_clear(u);
	else
		u->stale = VSIM_STALE_ALL;
}

static void vsim_command(struct vsim_unit *u, u32 command, bool on)
{
	u32 *gsts = vsim_reg(u, VSIM_GSTS);

	switch (command) {
	case VSIM_GCMD_TE:
		if (on && !u->rooted)
			vsim_count(u, VSIM_N_BAD_TE_NO_ROOT);
		if (on && u->stale)
			vsim_count(u, VSIM_N_BAD_TE_STALE);
		/* 7.2.1: the index of the next record goes back. */
		if (!on)
			u->frcd_next = 0;
		break;
	case VSIM_GCMD_SRTP:
		vsim_set_root(u);
		break;
	case VSIM_GCMD_WBF:
		/* Its status says that it is under way: it is done. */
		vsim_count(u, VSIM_N_WBF);
		vsim_shadow_clear(&u->write_buffer);
		return;
	case VSIM_GCMD_QIE:
		if (!(u->cfg.ecap & VSIM_ECAP_QI)) {
			vsim_count(u, VSIM_N_BAD_RESERVED);
			return;
		}
		break;
	case VSIM_GCMD_SIRTP:
		break;
	default:
		/* AFL, interrupt remapping: CAP.AFL and ECAP.IR are clear. */
		vsim_count(u, VSIM_N_BAD_RESERVED);
		return;
	}
	*gsts = on ? *gsts | command : *gsts & ~command;
	if (command == VSIM_GCMD_QIE)
		vsim_queue_enable(u, on);
}

/*
 * 11.4.4.1: one command at a time, and the next when GSTS_REG said that it is
 * done. Of several the model does one, since nothing is said about the others.
 */
static void vsim_write_gcmd(struct vsim_unit *u, u32 value)
{
	u32 gsts = *vsim_reg(u, VSIM_GSTS);
	u32 changed = ((value ^ gsts) & VSIM_GCMD_LASTING) | (value & VSIM_GCMD_ONE_SHOT);
	u32 command = changed & -changed;

	if (value & ~(VSIM_GCMD_LASTING | VSIM_GCMD_ONE_SHOT))
		vsim_count(u, VSIM_N_BAD_RESERVED);
	if (changed != command)
		vsim_count(u, VSIM_N_BAD_GCMD_TWO);
	if (!command)
		return;
	if (u->undone)
		vsim_count(u, VSIM_N_BAD_GCMD_BUSY);
	if (vsim_inject(u, SIM_FAULT_STUCK))
		return;
	u->shown = gsts;
	if (command & VSIM_GCMD_ONE_SHOT)
		u->shown = command == VSIM_GCMD_WBF ? gsts | command : gsts & ~command;
	u->undone = true;
	vsim_command(u, command, value & command);
}

/* The first look shows a command under way, the next that it is done. */
static u32 vsim_read_gsts(struct vsim_unit *u)
{
	if (u->undone) {
		u->undone = false;
		return u->shown;
	}
	return *vsim_reg(u, VSIM_GSTS);
}

static void vsim_write_fsts(struct vsim_unit *u, u32 value)
{
	u32 stopped = *vsim_reg(u, VSIM_FSTS) & VSIM_FSTS_QUEUE;

	vsim_fault_status_clear(u, value);
	if (stopped && !(*vsim_reg(u, VSIM_FSTS) & VSIM_FSTS_QUEUE))
		vsim_queue_run(u);
}

/* 11.4.9.3: not while the queue is enabled. */
static void vsim_write_iqa(struct vsim_unit *u, unsigned int offset, u32 value)
{
	if (*vsim_reg(u, VSIM_GSTS) & VSIM_GCMD_QIE) {
		vsim_count(u, VSIM_N_BAD_IQA_LIVE);
		return;
	}
	if (offset == VSIM_IQA && (value & vsim_mask(10, 3)))
		vsim_count(u, VSIM_N_BAD_RESERVED);
	*vsim_reg(u, offset) = value;
}

/* 11.4.9.2: the lower half tells the hardware that there is work. */
static void vsim_write_iqt(struct vsim_unit *u, u32 value)
{
	if (value & ~vsim_mask(18, 4))
		vsim_count(u, VSIM_N_BAD_RESERVED);
	*vsim_reg(u, VSIM_IQT) = value & vsim_mask(18, 4);
	if (!(*vsim_reg(u, VSIM_GSTS) & VSIM_GCMD_QIE)) {
		if (value)
			vsim_count(u, VSIM_N_BAD_IQT_OFF);
		return;
	}
	vsim_count(u, VSIM_N_BATCHES);
	vsim_queue_run(u);
}

/* 11.4.11.1: software consumed up to here. */
static void vsim_write_pqh(struct vsim_unit *u, u32 value)
{
	u32 bytes = 4096U << vsim_get(vsim_reg64(u, VSIM_PQA), 2, 0);

	if ((value & ~vsim_mask(18, 5)) || value >= bytes)
		vsim_count(u, VSIM_N_BAD_PQH);
	*vsim_reg(u, VSIM_PQH) = value & vsim_mask(18, 5);
}

static void vsim_write_pqa(struct vsim_unit *u, unsigned int offset, u32 value)
{
	if (vsim_reg64(u, VSIM_PQH) != vsim_reg64(u, VSIM_PQT))
		vsim_count(u, VSIM_N_BAD_PQA_LIVE);
	if (offset == VSIM_PQA && (value & vsim_mask(11, 3)))
		vsim_count(u, VSIM_N_BAD_RESERVED);
	*vsim_reg(u, offset) = value;
}

static void vsim_write_status(struct vsim_unit *u, unsigned int status, unsigned int ectl,
			      u32 value)
{
	*vsim_reg(u, status) &= ~value;
	if (!*vsim_reg(u, status))
		vsim_event_served(u, ectl);
}

/* 11.4.8.1: PRS follows EPM. */
static void vsim_write_pmen(struct vsim_unit *u, u32 value)
{
	if (!(u->cfg.cap & (VSIM_CAP_PLMR | VSIM_CAP_PHMR))) {
		vsim_count(u, VSIM_N_BAD_REGISTER);
		return;
	}
	*vsim_reg(u, VSIM_PMEN) = value & VSIM_PMEN_EPM ? VSIM_PMEN_EPM | VSIM_PMEN_PRS : 0;
}

/*
 * 6.5: units of major version 6 on ignore invalidation through registers; on
 * others it is for legacy mode, and for when the queue is not enabled.
 */
static bool vsim_takes_registers(struct vsim_unit *u)
{
	bool takes = u->cfg.ver >> 4 < 6 && u->ttm == VSIM_TTM_LEGACY &&
		     !(*vsim_reg(u, VSIM_GSTS) & VSIM_GCMD_QIE);

	if (!takes)
		vsim_count(u, VSIM_N_BAD_REGISTER_INV);
	return takes;
}

/* 11.4.6.1: context-cache invalidation through registers. */
static void vsim_write_ccmd(struct vsim_unit *u, u32 value)
{
	struct vsim_inv inv = { .type = VSIM_DESC_CONTEXT };
	u64 ccmd;

	*vsim_reg(u, VSIM_CCMD + 4) = value;
	if (!(value & VSIM_CCMD_ICC))
		return;
	ccmd = vsim_reg64(u, VSIM_CCMD);
	inv.g = vsim_takes_registers(u) ? vsim_get(ccmd, 62, 61) : 0;
	inv.fm = vsim_get(ccmd, 33, 32);
	inv.sid = vsim_get(ccmd, 31, 16);
	inv.did = vsim_get(ccmd, 15, 0);
	if (inv.g)
		vsim_invalidate(u, &inv);
	/* CAIG, 60:59: what was done. */
	ccmd &= ~(vsim_mask(63, 63) | vsim_mask(60, 59));
	vsim_set_reg64(u, VSIM_CCMD, ccmd | vsim_put(inv.g, 60, 59));
}

static unsigned int vsim_iva(const struct vsim_unit *u)
{
	return 16 * vsim_ecap(u, 17, 8);
}

/* 11.4.6.2, 11.4.6.3: the same for the IOTLB. */
static void vsim_write_iotlb(struct vsim_unit *u, u32 value)
{
	struct vsim_inv inv = { .type = VSIM_DESC_IOTLB };
	unsigned int offset = vsim_iva(u) + 8;
	u64 iva = vsim_reg64(u, vsim_iva(u)), cmd;

	*vsim_reg(u, offset + 4) = value;
	if (!(value & VSIM_IOTLB_IVT))
		return;
	cmd = vsim_reg64(u, offset);
	inv.g = vsim_takes_registers(u) ? vsim_get(cmd, 61, 60) : 0;
	inv.did = vsim_get(cmd, 47, 32);
	inv.addr = iva & ~0xfffULL;
	inv.ih = iva & BIT_ULL(6);
	inv.am = vsim_get(iva, 5, 0);
	if (inv.g)
		vsim_invalidate(u, &inv);
	/* IAIG, 58:57 */
	cmd &= ~(vsim_mask(63, 63) | vsim_mask(58, 57));
	vsim_set_reg64(u, offset, cmd | vsim_put(inv.g, 58, 57));
}

/* Offsets that depend on capabilities. */
static bool vsim_write_placed(struct vsim_unit *u, unsigned int offset, u32 value)
{
	unsigned int first = vsim_frcd(u, 0);
	unsigned int iva = vsim_iva(u);

	if (offset >= first && offset < vsim_frcd(u, vsim_num_frcd(u))) {
		/* All of a record is read-only, but F. */
		if ((offset - first) % 16 == 12 && (value & BIT(31)))
			vsim_fault_record_clear(u, (offset - first) / 16);
		return true;
	}
	if (offset == iva + 12) {
		vsim_write_iotlb(u, value);
		return true;
	}
	if (offset >= iva && offset < iva + 12) {
		*vsim_reg(u, offset) = value;
		return true;
	}
	return false;
}

void vsim_reg_write(struct vsim_unit *u, unsigned int offset, u32 value)
{
	switch (offset) {
	case VSIM_GCMD:
		vsim_write_gcmd(u, value);
		break;
	case VSIM_FSTS:
		vsim_write_fsts(u, value);
		break;
	case VSIM_FECTL:
	case VSIM_PECTL:
	case VSIM_IECTL:
		vsim_write_ectl(u, offset, value);
		break;
	case VSIM_PMEN:
		vsim_write_pmen(u, value);
		break;
	case VSIM_CCMD + 4:
		vsim_write_ccmd(u, value);
		break;
	case VSIM_IQT:
		vsim_write_iqt(u, value);
		break;
	case VSIM_IQA:
	case VSIM_IQA + 4:
		vsim_write_iqa(u, offset, value);
		break;
	case VSIM_ICS:
		vsim_write_status(u, VSIM_ICS, VSIM_IECTL, value & VSIM_ICS_IWC);
		break;
	case VSIM_PQH:
		vsim_write_pqh(u, value);
		break;
	case VSIM_PQA:
	case VSIM_PQA + 4:
		vsim_write_pqa(u, offset, value);
		break;
	case VSIM_PRS:
		vsim_write_status(u, VSIM_PRS, VSIM_PECTL,
				  value & (VSIM_PRS_PPR | VSIM_PRS_PRO));
		break;
	case VSIM_PQT:
		/* 11.4.11.2: software may reset it while the queue is not in use. */
		*vsim_reg(u, VSIM_PQT) = value & vsim_mask(18, 5);
		break;
	case VSIM_RTADDR:
	case VSIM_RTADDR + 4:
	case VSIM_CCMD:
	case VSIM_FEDATA:
	case VSIM_FEADDR:
	case VSIM_FEUADDR:
	case VSIM_IEDATA:
	case VSIM_IEADDR:
	case VSIM_IEUADDR:
	case VSIM_PEDATA:
	case VSIM_PEADDR:
	case VSIM_PEUADDR:
	case VSIM_PLMBASE:
	case VSIM_PLMLIMIT:
	case VSIM_PHMBASE:
	case VSIM_PHMBASE + 4:
	case VSIM_PHMLIMIT:
	case VSIM_PHMLIMIT + 4:
	case VSIM_IRTA:
	case VSIM_IRTA + 4:
		*vsim_reg(u, offset) = value;
		break;
	/* Upper halves without a bit. */
	case VSIM_IQT + 4:
	case VSIM_PQH + 4:
	case VSIM_PQT + 4:
		if (value)
			vsim_count(u, VSIM_N_BAD_RESERVED);
		break;
	case VSIM_VER:
	case VSIM_CAP:
	case VSIM_CAP + 4:
	case VSIM_ECAP:
	case VSIM_ECAP + 4:
	case VSIM_GSTS:
	case VSIM_IQH:
	case VSIM_IQH + 4:
	case VSIM_IQERCD:
	case VSIM_IQERCD + 4:
		vsim_count(u, VSIM_N_BAD_READ_ONLY);
		break;
	default:
		if (offset >= VSIM_REGS || offset % 4 || !vsim_write_placed(u, offset, value))
			vsim_count(u, VSIM_N_BAD_REGISTER);
	}
}

u32 vsim_reg_read(struct vsim_unit *u, unsigned int offset)
{
	switch (offset) {
	case VSIM_GCMD:
		return 0;	/* write-only */
	case VSIM_GSTS:
		return vsim_read_gsts(u);
	case VSIM_IQH:
		return u->iqh;
	default:
		if (offset >= VSIM_REGS || offset % 4) {
			vsim_count(u, VSIM_N_BAD_REGISTER);
			return 0;
		}
		return *vsim_reg(u, offset);
	}
}
