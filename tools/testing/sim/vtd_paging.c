// SPDX-License-Identifier: GPL-2.0-only
/*
 * First-stage and second-stage walks (3.6, 3.7, 3.8, 9.7, 9.8).
 */
#include <linux/errno.h>
#include <linux/types.h>
#include "vtd_sim.h"

/* A tag of the kinds that hold tables. */
static struct vsim_entry vsim_tag(struct vsim_walk *w, enum vsim_kind kind, u64 addr,
				  unsigned int shift)
{
	return (struct vsim_entry){
		.kind = kind,
		.pgtt = vsim_pe_pgtt(w->pe),
		.shift = shift,
		.did = vsim_pe_did(w->pe),
		.sid = w->req->rid,
		.pasid = w->pasid,
		.key = addr & ~vsim_mask(shift - 1, 0),
	};
}

/*
 * A place in tables: entry @entry of a table at @table (host-physical), which for
 * nested first stage is at @gpa.
 */
struct vsim_cursor {
	enum vsim_kind kind;
	u64 addr;
	unsigned int level;
	unsigned int levels;
	u64 table;
	u64 gpa;
	u64 entry;
	u8 perms;
	bool user;
};

static u64 vsim_entry_offset(const struct vsim_cursor *c)
{
	return ((c->addr >> (3 + 9 * c->level)) & 0x1ff) * 8;
}

/* Start at the deepest table that is cached; false: at the root. */
static bool vsim_start_cached(struct vsim_walk *w, struct vsim_cursor *c)
{
	struct vsim_entry tag, *e;
	unsigned int level;

	if (w->probe)
		return false;
	for (level = 1; level < c->levels; level++) {
		tag = vsim_tag(w, c->kind, c->addr, 12 + 9 * level);
		e = vsim_cache_find(w->u, &tag);
		if (!e)
			continue;
		c->level = level;
		c->table = e->qw[0];
		c->gpa = e->qw[1];
		c->perms = e->perms;
		c->user = e->user;
		return true;
	}
	return false;
}

/* @c went down to a table: remember the way. */
static void vsim_keep_table(struct vsim_walk *w, const struct vsim_cursor *c)
{
	struct vsim_entry e;

	if (w->probe) {
		(c->kind == VSIM_TABLE_FIRST ? w->tables_first :
					       w->tables_second)[c->level] = c->table;
		return;
	}
	e = vsim_tag(w, c->kind, c->addr, 12 + 9 * c->level);
	e.qw[0] = c->table;
	e.qw[1] = c->gpa;
	e.perms = c->perms;
	e.user = c->user;
	vsim_cache_add(w->u, &e);
}

/* 11.4.3, SMPWC; 9.6, PWSNP */
static bool vsim_walk_snoops(struct vsim_walk *w)
{
	return (w->u->cfg.ecap & VSIM_ECAP_SMPWC) && (w->pe[1] & VSIM_PE1_PWSNP);
}

static int vsim_fetch_paging(struct vsim_walk *w, struct vsim_cursor *c)
{
	u64 phys = c->table + vsim_entry_offset(c);

	if (w->probe)
		return w->u->ops->read(w->u->priv, phys, &c->entry, sizeof(c->entry));
	return vsim_fetch(w->u, phys, &c->entry, sizeof(c->entry), vsim_walk_snoops(w));
}

/* Set @bits in the entry: 0, -1 when somebody else changed it, or @fails. */
static int vsim_update_paging(struct vsim_walk *w, struct vsim_cursor *c, u64 bits, int fails)
{
	u64 phys = c->table + vsim_entry_offset(c), old = c->entry;
	int rc;

	/* An atomic access goes through the write buffer. */
	vsim_shadow_forget(&w->u->write_buffer, phys);
	rc = w->u->ops->update(w->u->priv, phys, &old, c->entry | bits);
	if (rc)
		return rc == -EAGAIN ? -1 : fails;
	c->entry |= bits;
	return 0;
}

/* The address in an entry: of a table, or of a page of 2^@shift bytes. */
static u64 vsim_entry_addr(struct vsim_walk *w, u64 entry, unsigned int shift)
{
	return entry & vsim_addr_mask(w->u) & ~vsim_mask(shift - 1, 0);
}

/* Address bits 51:HAW are reserved in both stages. */
static u64 vsim_beyond_haw(struct vsim_walk *w)
{
	return w->u->cfg.haw < 52 ? vsim_mask(51, w->u->cfg.haw) : 0;
}

/* 9.8 */
static bool vsim_second_reserved(struct vsim_walk *w, const struct vsim_cursor *c)
{
	u64 reserved = vsim_beyond_haw(w);
	u64 cap = w->u->cfg.cap;
	bool leaf = c->level == 1 || (c->entry & VSIM_SS_PS);

	if (c->level > 3 || (c->level == 3 && !(cap & VSIM_CAP_SSLPS_1G)) ||
	    (c->level == 2 && !(cap & VSIM_CAP_SSLPS_2M)))
		reserved |= VSIM_SS_PS;
	if (leaf && c->level > 1 && c->level <= 3)
		reserved |= vsim_mask(2 + 9 * c->level, 12);
	if (leaf && !(w->u->cfg.ecap & VSIM_ECAP_SC))
		reserved |= VSIM_SS_SNP;
	return c->entry & reserved;
}

/* 3.7.2, A and D of second stage: 0, a reason, or -1: look again. */
static int vsim_second_ad(struct vsim_walk *w, struct vsim_cursor *c, bool leaf, bool write)
{
	u64 bits = 0;

	if (w->probe || !(w->pe[0] & VSIM_PE0_SSADE))
		return 0;
	if (!(c->entry & VSIM_SS_A))
		bits |= VSIM_SS_A;
	if (leaf && write && (c->perms & SIM_ATS_WRITE) && !(c->entry & VSIM_SS_D))
		bits |= VSIM_SS_D;
	if (!bits)
		return 0;
	if (w->prefetch)
		return VSIM_SSS_2;
	if (!vsim_walk_snoops(w))
		return VSIM_SSS_5;
	return vsim_update_paging(w, c, bits, VSIM_SSS_6);
}

static int vsim_second_walk(struct vsim_walk *w, struct vsim_cursor *c, bool write,
			    struct vsim_result *out)
{
	bool leaf;
	int rc;

	for (;;) {
		if (vsim_fetch_paging(w, c))
			return c->level == c->levels ? VSIM_SSS_4 : VSIM_SSS_1;
		if (!(c->entry & (VSIM_SS_R | VSIM_SS_W)))
			return VSIM_SSS_2;
		if (vsim_second_reserved(w, c)) {
			if (!w->probe && !w->prefetch)
				vsim_count(w->u, VSIM_N_BAD_PAGING);
			return VSIM_SSS_3;
		}
		leaf = c->level == 1 || (c->entry & VSIM_SS_PS);
		if (!(c->entry & VSIM_SS_R))
			c->perms &= ~SIM_ATS_READ;
		if (!(c->entry & VSIM_SS_W))
			c->perms &= ~SIM_ATS_WRITE;
		if (!(c->perms & (SIM_ATS_READ | SIM_ATS_WRITE)))
			return VSIM_SSS_2;
		rc = vsim_second_ad(w, c, leaf, write);
		if (rc > 0)
			return rc;
		if (rc < 0)
			continue;
		if (leaf)
			break;
		c->level--;
		c->table = vsim_entry_addr(w, c->entry, 12);
		vsim_keep_table(w, c);
	}
	out->shift = 3 + 9 * c->level;
	out->phys = vsim_entry_addr(w, c->entry, out->shift) |
		    (c->addr & vsim_mask(out->shift - 1, 0));
	out->perms = c->perms;
	if ((c->entry & VSIM_SS_SNP) || (w->pe[1] & VSIM_PE1_PGSNP))
		out->perms |= VSIM_SNOOP;
	out->user = true;
	out->dirty = !(w->pe[0] & VSIM_PE0_SSADE) || (c->entry & VSIM_SS_D);
	return 0;
}

/* Bits of address that second stage translates: what AW and MGAW both have. */
unsigned int vsim_second_width(const struct vsim_walk *w)
{
	unsigned int width = 12 + 9 * (vsim_get(w->pe[0], 4, 2) + 2);
	unsigned int mgaw = vsim_cap(w->u, 21, 16) + 1;

	return width < mgaw ? width : mgaw;
}

/**
 * vsim_second_stage - translate through second stage
 * @w: the request, its PASID table entry found
 * @addr: address to translate
 * @write: D is to be set where a write is allowed
 * @out: what @addr is, with what all levels allow; the caller judges that
 *
 * Return: 0 or a reason.
 */
int vsim_second_stage(struct vsim_walk *w, u64 addr, bool write, struct vsim_result *out)
{
	unsigned int levels = vsim_get(w->pe[0], 4, 2) + 2;
	struct vsim_cursor c = { .kind = VSIM_TABLE_SECOND, .addr = addr, .levels = levels };

	if (addr >> vsim_second_width(w))
		return VSIM_SGN_5;
	if (!vsim_start_cached(w, &c)) {
		c.level = levels;
		c.table = w->pe[0] & vsim_addr_mask(w->u);
		c.perms = SIM_ATS_READ | SIM_ATS_WRITE | SIM_ATS_EXEC;
	}
	return vsim_second_walk(w, &c, write, out);
}

static bool vsim_nested(struct vsim_walk *w)
{
	return vsim_pe_pgtt(w->pe) == VSIM_PGTT_NESTED;
}

/* 3.8: the table at c->gpa, nested: through second stage. */
static int vsim_first_table(struct vsim_walk *w, struct vsim_cursor *c)
{
	struct vsim_result r;
	int reason;

	if (!vsim_nested(w)) {
		c->table = c->gpa;
		return 0;
	}
	reason = vsim_second_stage(w, c->gpa, false, &r);
	if (reason)
		return reason == VSIM_SGN_5 ? VSIM_SFS_5 : reason;
	if (!(r.perms & SIM_ATS_READ))
		return c->level == c->levels ? VSIM_SFS_6 : VSIM_SFS_7;
	c->table = r.phys;
	return 0;
}

/* 9.7 */
static bool vsim_first_reserved(struct vsim_walk *w, const struct vsim_cursor *c)
{
	u64 reserved = vsim_beyond_haw(w);

	if (c->level > 3 || (c->level == 3 && !(w->u->cfg.cap & VSIM_CAP_FS1GP)))
		reserved |= VSIM_FS_PS;
	if (c->level > 1 && c->level <= 3 && (c->entry & VSIM_FS_PS))
		reserved |= vsim_mask(2 + 9 * c->level, 13);	/* 12 is PAT */
	if (!(w->pe[2] & VSIM_PE2_NXE))
		reserved |= VSIM_FS_XD;
	return c->entry & reserved;
}

/* 3.6.2: set @bits in an entry of first stage: 0, a reason, or -1: look again. */
static int vsim_first_update(struct vsim_walk *w, struct vsim_cursor *c, u64 bits)
{
	struct vsim_result r;
	int reason;

	bits &= ~c->entry;
	if (!bits || w->probe)
		return 0;
	if (w->prefetch)
		return VSIM_SFS_2;
	if (!vsim_walk_snoops(w))
		return VSIM_SFS_9;
	if (vsim_nested(w)) {
		reason = vsim_second_stage(w, c->gpa, true, &r);
		if (reason)
			return reason;
		if (!(r.perms & SIM_ATS_WRITE))
			return VSIM_SFS_8;
	}
	return vsim_update_paging(w, c, bits, VSIM_SFS_10);
}

static u64 vsim_first_accessed(struct vsim_walk *w)
{
	return VSIM_FS_A | (w->pe[2] & VSIM_PE2_EAFE ? VSIM_FS_EA : 0);
}

static void vsim_first_perms(struct vsim_cursor *c)
{
	if (!(c->entry & VSIM_FS_RW))
		c->perms &= ~SIM_ATS_WRITE;
	if (c->entry & VSIM_FS_XD)
		c->perms &= ~SIM_ATS_EXEC;
	if (!(c->entry & VSIM_FS_US))
		c->user = false;
}

/* Down to the leaf. */
static int vsim_first_walk(struct vsim_walk *w, struct vsim_cursor *c)
{
	int rc;

	for (;;) {
		if (vsim_fetch_paging(w, c))
			return c->level == c->levels ? VSIM_SFS_4 : VSIM_SFS_1;
		if (!(c->entry & VSIM_FS_P))
			return VSIM_SFS_2;
		if (vsim_first_reserved(w, c))
			return VSIM_SFS_3;
		rc = vsim_first_update(w, c, vsim_first_accessed(w));
		if (rc > 0)
			return rc;
		if (rc < 0)
			continue;
		vsim_first_perms(c);
		if (c->level == 1 || (c->entry & VSIM_FS_PS))
			return 0;
		c->level--;
		c->gpa = vsim_entry_addr(w, c->entry, 12);
		rc = vsim_first_table(w, c);
		if (rc)
			return rc;
		vsim_keep_table(w, c);
	}
}

/* 3.6.1: may this request write as far as first stage goes? */
static bool vsim_first_writes(struct vsim_walk *w, const struct vsim_cursor *c)
{
	if (c->perms & SIM_ATS_WRITE)
		return w->priv || c->user;
	return w->priv && !(w->pe[2] & VSIM_PE2_WPE);
}

/* The page: through second stage when nested. */
static int vsim_first_page(struct vsim_walk *w, struct vsim_cursor *c, struct vsim_result *out)
{
	bool write = w->write && vsim_first_writes(w, c);
	struct vsim_result r;
	int reason;

	out->shift = 3 + 9 * c->level;
	out->phys = vsim_entry_addr(w, c->entry, out->shift) |
		    (c->addr & vsim_mask(out->shift - 1, 0));
	out->perms = c->perms | VSIM_SECOND_WRITE;
	if (w->pe[1] & VSIM_PE1_PGSNP)
		out->perms |= VSIM_SNOOP;
	out->user = c->user;
	out->dirty = true;
	if (vsim_nested(w)) {
		reason = vsim_second_stage(w, out->phys, write, &r);
		if (reason)
			return reason == VSIM_SGN_5 ? VSIM_SFS_5 : reason;
		out->phys = r.phys;
		out->dirty = r.dirty;
		if (r.shift < out->shift)
			out->shift = r.shift;
		if (!(r.perms & SIM_ATS_WRITE))
			out->perms &= ~(VSIM_SECOND_WRITE | SIM_ATS_WRITE);
		if (!(r.perms & SIM_ATS_READ))
			out->perms &= ~SIM_ATS_READ;
		out->perms |= r.perms & VSIM_SNOOP;
		write = write && (r.perms & SIM_ATS_WRITE);
	}
	return write ? vsim_first_update(w, c, VSIM_FS_D) : 0;
}

/**
 * vsim_first_stage - translate through first stage, nested or not
 * @w: the request, its PASID table entry found
 * @addr: address to translate
 * @out: what @addr is, with what all levels allow; the caller judges that
 *
 * Return: 0 or a reason.
 */
int vsim_first_stage(struct vsim_walk *w, u64 addr, struct vsim_result *out)
{
	unsigned int levels = vsim_get(w->pe[2], 3, 2) ? 5 : 4;
	struct vsim_cursor c = { .kind = VSIM_TABLE_FIRST, .addr = addr, .levels = levels };
	unsigned int top = 2 + 9 * levels + 9;	/* the highest bit that counts */
	u64 sign = addr >> top;
	int rc;

	if (sign && sign != ~0ULL >> top)
		return VSIM_SGN_1;
	do {
		if (!vsim_start_cached(w, &c)) {
			c.level = levels;
			c.gpa = w->pe[2] & vsim_addr_mask(w->u);
			c.perms = SIM_ATS_READ | SIM_ATS_WRITE | SIM_ATS_EXEC;
			c.user = true;
			rc = vsim_first_table(w, &c);
			if (rc)
				return rc;
		}
		rc = vsim_first_walk(w, &c);
		if (!rc)
			rc = vsim_first_page(w, &c, out);
	} while (rc < 0);
	out->dirty = out->dirty && (c.entry & VSIM_FS_D);
	return rc;
}
