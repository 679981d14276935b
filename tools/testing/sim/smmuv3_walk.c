// SPDX-License-Identifier: GPL-2.0-only
/*
 * Translation table walks of VMSAv8-64 (Arm ARM, D8): stage 1, stage 2, and stage 1
 * through stage 2. What is found is cached at every level: table descriptors, the
 * translations of stage 2, and those of stage 1, which are what both stages together
 * come to where both are on. Only valid translations are (3.21.1).
 *
 * The Contiguous bit is a hint that is not taken (3.21.1.2).
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include "smmuv3_sim.h"

/* What table descriptors of stage 1 take away from all below them. */
#define BELOW_RO	BIT(0)
#define BELOW_NOUSER	BIT(1)
#define BELOW_XN	BIT(2)
#define BELOW_PXN	BIT(3)

/**
 * struct walk - one walk of one stage
 * @a: for whom
 * @s2: it is stage 2's
 * @nested: stage 1's, whose tables are at intermediate addresses
 * @class: stage 2: CLASS of its faults
 * @ttb: root table
 * @tg: log2 of the granule
 * @in: bits of an input address
 * @out: bits of an output address
 * @start: level of the root
 * @ha: set Access flags
 * @hd: set dirty state
 * @affd: a clear Access flag is no fault
 * @had: the attributes of table descriptors count for nothing
 * @below: BELOW_... so far
 * @key: kind and tags of what is cached
 */
struct walk {
	struct ssim_access *a;
	bool s2;
	bool nested;
	u8 class;
	u64 ttb;
	unsigned int tg;
	unsigned int in;
	unsigned int out;
	int start;
	bool ha;
	bool hd;
	bool affd;
	bool had;
	u8 below;
	struct ssim_entry key;
};

static u64 low_bits(unsigned int bits)
{
	return bits >= 64 ? ~0ULL : (1ULL << bits) - 1;
}

static unsigned int level_shift(const struct walk *w, int level)
{
	return w->tg + (3 - level) * (w->tg - 3);
}

static bool fail(const struct walk *w, struct ssim_fault *fault, u8 id, u64 ipa)
{
	fault->id = id;
	fault->s2 = w->s2;
	fault->class = w->s2 ? w->class : CLASS_IN;
	fault->tt_write = false;
	fault->ipa = ipa;
	fault->status = SIM_UR;
	return false;
}

/* The physical address of a descriptor, for reading or for an update. */
static bool descriptor_address(struct ssim *u, const struct walk *w, u64 addr, u8 need,
			       u64 *at, struct ssim_fault *fault)
{
	struct ssim_entry *e;

	*at = addr;
	if (!w->nested)
		return true;
	if (!ssim_stage2(u, w->a, addr, need, CLASS_TT, &e, fault))
		return false;
	*at = e->out + (addr & low_bits(e->shift));
	return true;
}

static bool external_abort(const struct walk *w, struct ssim_fault *fault, u64 at)
{
	fault->fetch = at;
	fail(w, fault, F_WALK_EABT, 0);
	/* 7.3.12: of stage 1 it is always a descriptor that could not be read. */
	if (!w->s2)
		fault->class = CLASS_TT;
	return false;
}

static bool read_descriptor(struct ssim *u, const struct walk *w, u64 addr, u64 *at, u64 *desc,
			    struct ssim_fault *fault)
{
	__le64 word;
	int rc;

	if (!descriptor_address(u, w, addr, SSIM_R, at, fault))
		return false;
	rc = w->nested ? u->ops->read(u, *at, &word, sizeof(word)) :
			 ssim_fetch(u, *at, &word, sizeof(word));
	if (rc)
		return external_abort(w, fault, *at);
	*desc = le64_to_cpu(word);
	return true;
}

/* The address in a descriptor at @level; of a table: level 4. */
static u64 output_address(const struct walk *w, u64 desc, int level)
{
	u64 addr = desc & TT_ADDR & ~low_bits(level == 4 ? w->tg : level_shift(w, level));

	/* With 64K pages bits 15:12 are 51:48, in an SMMU of more than 48 bits. */
	if (w->tg == 16)
		addr |= FIELD_GET(TT_ADDR_64K_HIGH, desc) << 48;
	return addr;
}

static bool may_be_leaf(const struct walk *w, int level)
{
	/* Blocks: 1G and 2M, 32M, 512M. With 64K pages of 4T, from 52 bits on. */
	switch (w->tg) {
	case 12:
		return level >= 1;
	case 14:
		return level >= 2;
	default:
		return level >= 2 || (level == 1 && w->out == 52);
	}
}

/* --- permissions --------------------------------------------------------------- */

static void s1_permissions(const struct walk *w, struct ssim_entry *e)
{
	bool one = w->key.world == SSIM_EL2;
	u64 cd = w->a->cd[0], desc = e->word[0];
	bool ro = (desc & TT_AP_RO) || (w->below & BELOW_RO);
	bool user = one || ((desc & TT_AP_USER) && !(w->below & BELOW_NOUSER));
	bool xn = (desc & TT_XN) || (w->below & BELOW_XN);
	bool pxn = one ? xn : (desc & TT_PXN) || (w->below & BELOW_PXN);
	bool dirty = w->hd && (desc & TT_DBM) && !(w->below & BELOW_RO) && (desc & TT_AP_RO);
	bool writable = !ro || dirty;
	u8 rw = SSIM_R | (ro ? 0 : SSIM_W) | (dirty ? SSIM_DIRTY : 0);

	e->user = user ? rw : 0;
	e->priv = rw;
	/* Privileged data accesses do not reach what users may access. */
	if ((cd & CD_0_PAN) && user && !one)
		e->priv = 0;
	if (!xn && !((cd & CD_0_WXN) && writable && user))
		e->user |= SSIM_X;
	/* What users may write is never executed with privilege. */
	if (!pxn && (one || !(writable && user)) && !((cd & CD_0_WXN) && writable))
		e->priv |= SSIM_X;
}

static void s2_permissions(const struct ssim *u, const struct walk *w, struct ssim_entry *e)
{
	u64 desc = e->word[0];
	bool dirty = w->hd && (desc & TT_DBM) && !(desc & TT_S2AP_W);
	u8 rw = (desc & TT_S2AP_R ? SSIM_R : 0) | (desc & TT_S2AP_W ? SSIM_W : 0) |
		(dirty ? SSIM_DIRTY : 0) | (desc & TT_S2_DEVICE ? 0 : SSIM_DEVICE);
	bool xn1 = desc & TT_XN, xn0 = (u->f.idr[3] & IDR3_XNX) && (desc & TT_PXN);

	/* XN[1:0]: 0 both, 1 users, 2 none, 3 privileged */
	e->user = rw | (xn1 ? 0 : SSIM_X);
	e->priv = rw | (xn1 == xn0 ? SSIM_X : 0);
}

static void permissions(const struct ssim *u, const struct walk *w, struct ssim_entry *e)
{
	if (w->s2)
		s2_permissions(u, w, e);
	else
		s1_permissions(w, e);
}

/* To an access of stage 2: of a table or a CD with privilege. */
static u8 granted_by(const struct walk *w, const struct ssim_entry *e)
{
	return (w->s2 && w->class != CLASS_IN) || w->a->priv ? e->priv : e->user;
}

/* --- the walk -------------------------------------------------------------------- */

/* 3.13: set the Access flag and the dirty state. 0: look again. */
static int update(struct ssim *u, const struct walk *w, u64 addr, u64 at, u64 *desc, bool dirty,
		  struct ssim_fault *fault)
{
	u64 new = *desc;
	int rc;

	if (w->ha)
		new |= TT_AF;
	/* Stage 1: AP[2] is "read-only"; stage 2: S2AP[1] is "write". */
	if (dirty)
		new = w->s2 ? new | TT_S2AP_W : new & ~TT_AP_RO;
	if (new == *desc)
		return 1;
	if (!descriptor_address(u, w, addr, SSIM_R | SSIM_W, &at, fault))
		return -EFAULT;
	rc = u->ops->exchange(u, at, *desc, new);
	if (rc < 0)
		external_abort(w, fault, at);
	if (rc > 0)
		*desc = new;
	return rc;
}

static bool take_table(struct ssim *u, struct walk *w, int level, u64 in, u64 at, u64 desc,
		       u64 *table, struct ssim_fault *fault)
{
	struct ssim_entry new = w->key;

	*table = output_address(w, desc, 4);
	if (*table >> w->out)
		return fail(w, fault, F_ADDR_SIZE, in);
	if (!w->s2 && !w->had)
		w->below |= (desc & TT_TABLE_RO ? BELOW_RO : 0) |
			    (desc & TT_TABLE_NOUSER ? BELOW_NOUSER : 0) |
			    (desc & TT_TABLE_XN ? BELOW_XN : 0) |
			    (desc & TT_TABLE_PXN ? BELOW_PXN : 0);
	new.kind = w->s2 ? SSIM_S2_TABLE : SSIM_S1_TABLE;
	new.level = level;
	new.shift = level_shift(w, level);
	new.leaf_shift = new.shift;
	new.addr = in & ~low_bits(new.shift);
	new.out = *table;
	new.user = w->below;
	new.at = at;
	new.word[0] = desc;
	ssim_cache_add(u, &new);
	return true;
}

/* A leaf: into @e, which is not cached yet. 0: look again. */
static int take_leaf(struct ssim *u, struct walk *w, int level, u64 in, u64 addr, u64 at,
		     u64 desc, bool write, struct ssim_entry *e, struct ssim_fault *fault)
{
	int rc;

	*e = w->key;
	e->level = level;
	e->shift = level_shift(w, level);
	e->leaf_shift = e->shift;
	e->addr = in & ~low_bits(e->shift);
	e->out = output_address(w, desc, level);
	e->at = at;
	e->word[0] = desc;
	if (e->out >> w->out) {
		fail(w, fault, F_ADDR_SIZE, in);
		return -EFAULT;
	}
	if (!(desc & TT_AF) && !w->ha && !w->affd) {
		fail(w, fault, F_ACCESS, in);
		return -EFAULT;
	}
	permissions(u, w, e);
	rc = update(u, w, addr, at, &desc, write && (granted_by(w, e) & SSIM_DIRTY), fault);
	if (rc <= 0)
		return rc;
	e->word[0] = desc;
	permissions(u, w, e);
	if (!w->s2)
		e->global = !(desc & TT_NG) && w->key.world != SSIM_EL2;
	return 1;
}

/* @write: the dirty state is set where a leaf lets it. */
static bool walk(struct ssim *u, struct walk *w, u64 in, bool write, struct ssim_entry *e,
		 struct ssim_fault *fault)
{
	struct ssim_entry *cached, key = w->key;
	unsigned int tries = 8;
	u64 table, addr, at, desc;
	int level, rc;

again:
	key.kind = w->s2 ? SSIM_S2_TABLE : SSIM_S1_TABLE;
	key.addr = in;
	cached = ssim_cache_find(u, &key);
	level = cached ? cached->level + 1 : w->start;
	table = cached ? cached->out : w->ttb;
	w->below = cached ? cached->user : 0;

	for (;; level++) {
		unsigned int shift = level_shift(w, level);
		u64 index = in >> shift;

		index &= level == w->start ? low_bits(w->in - shift) : low_bits(w->tg - 3);
		addr = table + index * 8;
		if (!read_descriptor(u, w, addr, &at, &desc, fault))
			return false;
		if (!(desc & TT_VALID))
			return fail(w, fault, F_TRANSLATION, in);
		if (level == 3 || !(desc & TT_TABLE))
			break;
		if (!take_table(u, w, level, in, at, desc, &table, fault))
			return false;
	}
	if ((level == 3 && !(desc & TT_TABLE)) || (level < 3 && !may_be_leaf(w, level)))
		return fail(w, fault, F_TRANSLATION, in);
	rc = take_leaf(u, w, level, in, addr, at, desc, write, e, fault);
	if (!rc && tries--)
		goto again;
	if (!rc)
		return external_abort(w, fault, at);
	return rc > 0;
}

/* --- stage 2 --------------------------------------------------------------------- */

static u16 vmid_of(struct ssim *u, const u64 *ste)
{
	return u->f.idr[0] & IDR0_S2P ? FIELD_GET(STE_2_S2VMID, ste[2]) : 0;
}

static void s2_walk_init(struct ssim *u, struct ssim_access *a, u8 class, struct walk *w)
{
	static const u8 granules[] = { 12, 16, 14, 0 };
	const u64 *ste = a->ste;
	unsigned int sl0 = FIELD_GET(STE_2_S2SL0, ste[2]), root;

	memset(w, 0, sizeof(*w));
	w->a = a;
	w->s2 = true;
	w->class = class;
	w->tg = granules[FIELD_GET(STE_2_S2TG, ste[2])];
	w->in = 64 - FIELD_GET(STE_2_S2T0SZ, ste[2]);
	w->out = ssim_size_bits(FIELD_GET(STE_2_S2PS, ste[2]));
	if (w->out > ssim_oas(u))
		w->out = ssim_oas(u);
	w->start = w->tg == 12 ? 2 - (int)sl0 : 3 - (int)sl0;
	/* Up to 16 tables side by side, aligned to all of them. */
	root = w->in - level_shift(w, w->start) + 3;
	w->ttb = ste[3] & STE_3_S2TTB & ~low_bits(root < 6 ? 6 : root);
	w->ha = ste[2] & STE_2_S2HA;
	w->hd = w->ha && (ste[2] & STE_2_S2HD);
	w->affd = ste[2] & STE_2_S2AFFD;
	w->key.kind = SSIM_S2;
	w->key.tg = w->tg;
	w->key.vmid = vmid_of(u, ste);
}

/**
 * ssim_stage2 - translate an intermediate address
 * @u: the unit
 * @a: for whom; ste is set
 * @ipa: the address
 * @need: SSIM_R, SSIM_W, SSIM_X that must be granted; 0: none must
 * @class: CLASS_... what the address is of
 * @entry: out: the translation; it stays cached
 * @fault: out: why there is none
 */
bool ssim_stage2(struct ssim *u, struct ssim_access *a, u64 ipa, u8 need, u8 class,
		 struct ssim_entry **entry, struct ssim_fault *fault)
{
	struct ssim_entry *e, new, key;
	bool write = (need & SSIM_W) || (class == CLASS_IN && a->ats && a->write);
	struct walk w;
	u8 granted;

	s2_walk_init(u, a, class, &w);
	/* 3.4 */
	if (ipa >> w.in)
		return fail(&w, fault, F_TRANSLATION, ipa);
	key = w.key;
	key.addr = ipa;
	e = ssim_cache_find(u, &key);
	/* The dirty state is set by a walk. */
	if (e && write && (granted_by(&w, e) & SSIM_DIRTY)) {
		ssim_cache_drop(u, e);
		e = NULL;
	}
	if (!e) {
		if (!walk(u, &w, ipa, write, &new, fault))
			return false;
		e = ssim_cache_add(u, &new);
	}
	granted = granted_by(&w, e);
	if (need & ~granted) {
		fail(&w, fault, F_PERMISSION, ipa);
		fault->tt_write = need & ~granted & SSIM_W;
		return false;
	}
	/* 5.2 S2PTW */
	if (class != CLASS_IN && (a->ste[2] & STE_2_S2PTW) && (granted & SSIM_DEVICE))
		return fail(&w, fault, F_PERMISSION, ipa);
	*entry = e;
	return true;
}

/* --- stage 1 --------------------------------------------------------------------- */

/* 3.4.1: which half, and is the address within it? False: it is in none. */
static bool s1_walk_init(struct ssim *u, struct ssim_access *a, u64 va, struct walk *w)
{
	static const u8 granule0[] = { 12, 16, 14, 0 }, granule1[] = { 0, 14, 12, 16 };
	const u64 *cd = a->cd;
	bool two = a->world != SSIM_EL2;
	bool high = two && (va & BIT_ULL(55));
	bool tbi = cd[0] & (high ? CD_0_TBI1 : CD_0_TBI0);
	unsigned int root;
	u64 top;

	memset(w, 0, sizeof(*w));
	w->a = a;
	w->nested = ssim_ste_config(a->ste) & CONFIG_S2;
	w->in = 64 - FIELD_GET(CD_0_T0SZ, cd[0]);
	w->tg = granule0[FIELD_GET(CD_0_TG0, cd[0])];
	if (high) {
		w->in = 64 - FIELD_GET(CD_0_T1SZ, cd[0]);
		w->tg = granule1[FIELD_GET(CD_0_TG1, cd[0])];
	}
	w->key.world = a->world;
	w->key.vmid = a->world == SSIM_EL1 ? vmid_of(u, a->ste) : 0;
	w->key.asid = a->world == SSIM_EL2 ? 0 : FIELD_GET(CD_0_ASID, cd[0]);
	w->key.kind = SSIM_S1;
	if (two && (cd[0] & (high ? CD_0_EPD1 : CD_0_EPD0)))
		return false;
	w->key.tg = w->tg;
	top = va & ~low_bits(w->in);
	if (tbi)
		top &= low_bits(56);
	if (top != (high ? ~low_bits(w->in) & (tbi ? low_bits(56) : ~0ULL) : 0))
		return false;

	w->out = ssim_size_bits(FIELD_GET(CD_0_IPS, cd[0]));
	if (w->out > ssim_oas(u))
		w->out = ssim_oas(u);
	w->start = 4 - (int)((w->in - w->tg + w->tg - 4) / (w->tg - 3));
	root = w->in - level_shift(w, w->start) + 3;
	w->ttb = cd[high ? 2 : 1] & CD_1_TTB & ~low_bits(root < 6 && w->out == 52 ? 6 : root);
	w->ha = cd[0] & CD_0_HA;
	w->hd = w->ha && (cd[0] & CD_0_HD);
	w->affd = cd[0] & CD_0_AFFD;
	w->had = (u->f.idr[3] & IDR3_HAD) && (cd[high ? 2 : 1] & CD_1_HAD);
	return true;
}

/* What must be granted. To an ATS request less may be (3.9.1.2). */
u8 ssim_needs(const struct ssim_access *a)
{
	if (a->ats)
		return 0;
	return a->write ? SSIM_W : a->exec ? SSIM_X : SSIM_R;
}

/* 13.7.1: what an ATS request gets of what is granted. */
u8 ssim_result_perms(const struct ssim_access *a, u8 granted)
{
	bool r = granted & SSIM_R, x = granted & SSIM_X;
	u8 perms;

	if (!a->ats)
		return granted & (SSIM_R | SSIM_W | SSIM_X);
	if (a->inst == INSTCFG_INST)
		r = x;
	else if (a->inst == INSTCFG_DATA)
		x = r;
	perms = (r ? SSIM_R : 0) | (r && x && a->exec ? SSIM_X : 0);
	return perms | (a->write ? granted & SSIM_W : 0);
}

/*
 * The translation of both stages, cached as one: of the smaller of the two sizes.
 * @e: stage 1's.
 */
static bool combine(struct ssim *u, struct ssim_access *a, u64 va, struct ssim_entry *e,
		    u8 granted, struct ssim_fault *fault)
{
	struct ssim_entry *s2;
	u64 ipa = e->out + (va & low_bits(e->shift));

	if (!(ssim_ste_config(a->ste) & CONFIG_S2)) {
		e->s2 = SSIM_R | SSIM_W | SSIM_X;
		e->ipa = e->out;
		return true;
	}
	/* 3.9.1.2: where stage 1 grants nothing, stage 2 is not asked. */
	if (a->ats && !ssim_result_perms(a, granted))
		return true;
	if (!ssim_stage2(u, a, ipa, ssim_needs(a), CLASS_IN, &s2, fault))
		return false;
	e->s2 = a->priv ? s2->priv : s2->user;
	if (s2->shift < e->shift)
		e->shift = s2->shift;
	e->addr = va & ~low_bits(e->shift);
	e->ipa = ipa & ~low_bits(e->shift);
	e->out = (s2->out + (ipa & low_bits(s2->shift))) & ~low_bits(e->shift);
	return true;
}

/**
 * ssim_stage1 - translate a virtual address, to the end
 * @u: the unit
 * @a: for whom; ste and cd are set
 * @va: the address
 * @result: out: where it leads
 * @fault: out: why it leads nowhere
 */
bool ssim_stage1(struct ssim *u, struct ssim_access *a, u64 va, struct ssim_result *result,
		 struct ssim_fault *fault)
{
	struct ssim_entry *e, new, key;
	bool split = a->ats && ssim_ste_eats(u, a->ste) == EATS_SPLIT;
	struct walk w;
	u8 granted;

	if (!s1_walk_init(u, a, va, &w))
		return fail(&w, fault, F_TRANSLATION, 0);
	key = w.key;
	key.addr = va & low_bits(w.in) & ~0xfffULL;
	if (va & BIT_ULL(55) && a->world != SSIM_EL2)
		key.addr |= ~low_bits(w.in);
	va = key.addr | (va & 0xfff);
	e = ssim_cache_find(u, &key);
	/* The dirty state of either stage is set by a walk. */
	if (e && a->write && (((a->priv ? e->priv : e->user) | e->s2) & SSIM_DIRTY)) {
		ssim_cache_drop(u, e);
		e = NULL;
	}
	if (!e) {
		if (!walk(u, &w, va, a->write, &new, fault))
			return false;
		granted = a->priv ? new.priv : new.user;
		if (ssim_needs(a) & ~granted)
			return fail(&w, fault, F_PERMISSION, 0);
		if (!combine(u, a, va, &new, granted, fault))
			return false;
		if (a->ats && !ssim_result_perms(a, granted)) {
			memset(result, 0, sizeof(*result));
			return true;
		}
		e = ssim_cache_add(u, &new);
	}
	granted = a->priv ? e->priv : e->user;
	if (ssim_needs(a) & ~granted)
		return fail(&w, fault, F_PERMISSION, 0);
	if (ssim_needs(a) & ~e->s2) {
		w.s2 = true;
		w.class = CLASS_IN;
		return fail(&w, fault, F_PERMISSION, e->ipa + (va & low_bits(e->shift)));
	}
	/* 13.6.3: split stages: the device gets intermediate addresses. */
	result->phys = (split ? e->ipa : e->out) + (va & low_bits(e->shift));
	result->shift = e->shift;
	result->perms = ssim_result_perms(a, granted & e->s2);
	result->global = e->global;
	return true;
}
