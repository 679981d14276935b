// SPDX-License-Identifier: GPL-2.0-only
/*
 * Configuration: from a stream to its stream table entry (3.3.2, 5.1, 5.2), from a
 * substream to its context descriptor (5.3, 5.4), and whether software changed them
 * as it may (3.21.3).
 *
 * Any structure that was fetched is cached, valid or not (3.21.3).
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include "smmuv3_sim.h"

unsigned int ssim_ste_config(const u64 *ste)
{
	return FIELD_GET(STE_0_CONFIG, ste[0]);
}

static bool fail(struct ssim_fault *fault, u8 id)
{
	fault->id = id;
	fault->status = SIM_UR;
	return false;
}

/*
 * Structures are fetched in single-copy atomic pieces of 64 bits, in any order.
 * @ours: by the unit's driver, not by a guest.
 */
static int fetch(struct ssim *u, u64 at, u64 *words, unsigned int num, bool ours)
{
	__le64 word;
	int rc;

	while (num--) {
		if (ours)
			rc = ssim_fetch(u, at + 8 * num, &word, sizeof(word));
		else
			rc = u->ops->read(u, at + 8 * num, &word, sizeof(word));
		if (rc)
			return rc;
		words[num] = le64_to_cpu(word);
	}
	return 0;
}

/* --- stream table ---------------------------------------------------------- */

/* 6.3.25: reserved values behave as 6. */
static unsigned int strtab_split(struct ssim *u)
{
	unsigned int split = FIELD_GET(STRTAB_CFG_SPLIT, u->strtab_cfg);

	return split == 8 || split == 10 ? split : 6;
}

static bool is_2level(struct ssim *u)
{
	return (u->f.idr[0] & IDR0_ST_LEVEL_2LVL) && FIELD_GET(STRTAB_CFG_FMT, u->strtab_cfg) == 1;
}

static unsigned int strtab_log2(struct ssim *u)
{
	unsigned int log2 = FIELD_GET(STRTAB_CFG_LOG2SIZE, u->strtab_cfg);
	unsigned int max = FIELD_GET(IDR1_SIDSIZE, u->f.idr[1]);

	return log2 < max ? log2 : max;
}

/* A table is aligned to its size, or to 64 bytes. */
static u64 strtab_base(struct ssim *u, unsigned int log2_bytes)
{
	u64 base = u->strtab_base & STRTAB_BASE_ADDR;

	return log2_bytes > 6 ? base & ~((1ULL << log2_bytes) - 1) : base;
}

/* The level-1 descriptor of @sid, from the cache if @cached. */
static bool find_l1std(struct ssim *u, u32 sid, bool cached, u64 *l1std, struct ssim_fault *fault)
{
	unsigned int split = strtab_split(u), log2 = strtab_log2(u);
	struct ssim_entry new = {
		.kind = SSIM_L1STD,
		.sid = sid & ~((1U << split) - 1),
	}, *e = NULL;

	if (cached)
		e = ssim_cache_find_config(u, SSIM_L1STD, new.sid, 0);
	if (e) {
		*l1std = e->word[0];
		return true;
	}
	new.at = strtab_base(u, log2 > split ? log2 - split + 3 : 3) + (u64)(sid >> split) * 8;
	if (fetch(u, new.at, new.word, 1, true)) {
		fault->fetch = new.at;
		return fail(fault, F_STE_FETCH);
	}
	if (cached)
		ssim_cache_add(u, &new);
	*l1std = new.word[0];
	return true;
}

/* Where the entry of @sid is; @cached: as far as the caches know. */
static bool locate_ste(struct ssim *u, u32 sid, bool cached, u64 *at, struct ssim_fault *fault)
{
	unsigned int log2 = strtab_log2(u), split = strtab_split(u), span;
	u64 l1std;

	if (log2 < 32 && sid >> log2)
		return fail(fault, C_BAD_STREAMID);
	if (!is_2level(u)) {
		*at = strtab_base(u, log2 + 6) + (u64)sid * 64;
		return true;
	}
	if (!find_l1std(u, sid, cached, &l1std, fault))
		return false;
	span = FIELD_GET(L1STD_SPAN, l1std);
	sid &= (1U << split) - 1;
	if (!span || span > 11 || span - 1 > split || sid >> (span - 1))
		return fail(fault, C_BAD_STREAMID);
	*at = (l1std & L1STD_L2PTR & ~((64ULL << (span - 1)) - 1)) + (u64)sid * 64;
	return true;
}

static bool granule_supported(struct ssim *u, unsigned int tg)
{
	u32 idr5 = u->f.idr[5];

	return (tg == 12 && (idr5 & IDR5_GRAN4K)) || (tg == 14 && (idr5 & IDR5_GRAN16K)) ||
	       (tg == 16 && (idr5 & IDR5_GRAN64K));
}

/*
 * Are S2T0SZ, S2SL0 and S2TG consistent? (Arm ARM D8.2.5; AArch64.TranslationTable-
 * Walk's checks of the start level.)
 */
static bool s2_levels_illegal(struct ssim *u, const u64 *ste)
{
	static const u8 granules[] = { 12, 16, 14, 0 };
	unsigned int tg = granules[FIELD_GET(STE_2_S2TG, ste[2])];
	unsigned int t0sz = FIELD_GET(STE_2_S2T0SZ, ste[2]);
	unsigned int sl0 = FIELD_GET(STE_2_S2SL0, ste[2]);
	unsigned int oas = ssim_oas(u), min, stride;
	int level, above;

	if (!tg || !granule_supported(u, tg))
		return true;
	min = 64 - oas;
	if (tg != 16 && min < 16)
		min = 16;
	if (t0sz > 39 || t0sz < min || sl0 == 3)
		return true;
	/* The highest start level needs that many bits of physical address. */
	if (sl0 == 2 && oas < (tg == 12 || tg == 16 ? 44 : 42))
		return true;
	stride = tg - 3;
	level = tg == 12 ? 2 - (int)sl0 : 3 - (int)sl0;
	/* Bits that the start level resolves: up to 16 tables side by side. */
	above = 64 - (int)t0sz - (int)(tg + (3 - level) * stride);
	return above < 1 || above > (int)stride + 4;
}

static bool s2_illegal(struct ssim *u, const u64 *ste)
{
	unsigned int httu = FIELD_GET(IDR0_HTTU, u->f.idr[0]);
	unsigned int model = FIELD_GET(IDR0_STALL_MODEL, u->f.idr[0]);
	unsigned int ps = ssim_size_bits(FIELD_GET(STE_2_S2PS, ste[2]));
	bool stall = ste[2] & STE_2_S2S;
	u64 ttb = ste[3] & STE_3_S2TTB;

	if (ps > ssim_oas(u))
		ps = ssim_oas(u);
	if (!(ste[2] & STE_2_S2AA64) || (ste[2] & STE_2_S2ENDI))
		return true;
	if (s2_levels_illegal(u, ste) || ttb >> ps)
		return true;
	/* Without 64K pages tables are below 2^48. */
	if (FIELD_GET(STE_2_S2TG, ste[2]) != 1 && ttb >> 48)
		return true;
	if (((ste[2] & STE_2_S2HA) && !httu) || ((ste[2] & STE_2_S2HD) && httu < 2))
		return true;
	/* 5.5: the stall model allows nothing else. */
	return (stall && model == 1) || (!stall && model == 2);
}

static bool s1_illegal(struct ssim *u, const u64 *ste)
{
	unsigned int cdmax = FIELD_GET(STE_0_S1CDMAX, ste[0]);
	unsigned int ssidsize = FIELD_GET(IDR1_SSIDSIZE, u->f.idr[1]);
	unsigned int fmt = FIELD_GET(STE_0_S1FMT, ste[0]);

	if (ssidsize && cdmax > ssidsize)
		return true;
	if (ssidsize && cdmax && fmt && !(u->f.idr[0] & IDR0_CD2L))
		return true;
	return (ste[1] & STE_1_S1STALLD) && FIELD_GET(IDR0_STALL_MODEL, u->f.idr[0]);
}

static bool eats_illegal(struct ssim *u, const u64 *ste)
{
	unsigned int eats = FIELD_GET(STE_1_EATS, ste[1]);
	unsigned int config = ssim_ste_config(ste);
	bool s2s = (config & CONFIG_S2) && (ste[2] & STE_2_S2S);

	if (!(u->f.idr[0] & IDR0_ATS))
		return false;
	if (eats == EATS_FULL)
		return s2s;
	return eats == EATS_SPLIT && (config != (CONFIG_BYPASS | CONFIG_S1 | CONFIG_S2) ||
				      s2s || (u->f.idr[0] & IDR0_NS1ATS));
}

/* 5.2: V, and everything that is called ILLEGAL there. */
static bool ste_illegal(struct ssim *u, const u64 *ste)
{
	unsigned int config = ssim_ste_config(ste);

	if (!(ste[0] & STE_0_V))
		return true;
	if (!(config & CONFIG_BYPASS) || config == CONFIG_BYPASS)
		return false;
	if ((config & CONFIG_S1) && (!(u->f.idr[0] & IDR0_S1P) || s1_illegal(u, ste)))
		return true;
	if ((config & CONFIG_S2) && (!(u->f.idr[0] & IDR0_S2P) || s2_illegal(u, ste)))
		return true;
	if ((u->f.idr[0] & IDR0_S2P) && !(u->f.idr[0] & IDR0_VMID16) &&
	    FIELD_GET(STE_2_S2VMID, ste[2]) > 0xff)
		return true;
	/* 5.2 STRW: EL3 is not of this stream table, 3 is reserved. */
	if ((u->f.idr[0] & IDR0_HYP) && !(config & CONFIG_S2) &&
	    FIELD_GET(STE_1_STRW, ste[1]) & 1)
		return true;
	return eats_illegal(u, ste);
}

/* EATS, as far as it is in effect. */
unsigned int ssim_ste_eats(struct ssim *u, const u64 *ste)
{
	unsigned int eats = FIELD_GET(STE_1_EATS, ste[1]);

	if (ssim_ste_config(ste) == CONFIG_BYPASS || eats == 3 ||
	    (eats == EATS_SPLIT && !(u->cr0ack & CR0_ATSCHK)))
		return EATS_NONE;
	return eats;
}

static enum ssim_world ste_world(struct ssim *u, const u64 *ste)
{
	if (!(u->f.idr[0] & IDR0_HYP) || (ssim_ste_config(ste) & CONFIG_S2) ||
	    FIELD_GET(STE_1_STRW, ste[1]) != STRW_EL2)
		return SSIM_EL1;
	return u->cr2 & CR2_E2H ? SSIM_EL2_E2H : SSIM_EL2;
}

static void seen(struct ssim *u, enum ssim_kind kind, const struct ssim_entry *now)
{
	struct ssim_entry *e = ssim_cache_find_config(u, kind, now->sid, now->ssid);
	struct ssim_entry new = *now;

	if (e) {
		e->at = now->at;
		memcpy(e->word, now->word, sizeof(e->word));
		return;
	}
	new.kind = kind;
	ssim_cache_add(u, &new);
}

/**
 * ssim_find_ste - the stream table entry of a request
 * @u: the unit
 * @a: the request; out: ste, world
 * @fault: out: why there is none
 */
bool ssim_find_ste(struct ssim *u, struct ssim_access *a, struct ssim_fault *fault)
{
	struct ssim_entry *e = ssim_cache_find_config(u, SSIM_STE, a->sid, 0);
	struct ssim_entry new = { .kind = SSIM_STE, .sid = a->sid };

	if (!e) {
		if (!locate_ste(u, a->sid, true, &new.at, fault))
			return false;
		if (fetch(u, new.at, new.word, 8, true)) {
			fault->fetch = new.at;
			return fail(fault, F_STE_FETCH);
		}
		seen(u, SSIM_STE_SEEN, &new);
		e = ssim_cache_add(u, &new);
	}
	a->ste = e->word;
	if (ste_illegal(u, a->ste))
		return fail(fault, C_BAD_STE);
	a->world = ste_world(u, a->ste);
	return true;
}

/* --- context descriptors ----------------------------------------------------- */

/* CDs and their tables are intermediate addresses where stage 2 translates. */
static bool cd_address(struct ssim *u, struct ssim_access *a, u64 *addr,
		       struct ssim_fault *fault)
{
	struct ssim_entry *e;

	if (!(ssim_ste_config(a->ste) & CONFIG_S2)) {
		/* 3.4.3: truncated */
		*addr &= (1ULL << ssim_oas(u)) - 1;
		return true;
	}
	if (!ssim_stage2(u, a, *addr, SSIM_R, CLASS_CD, &e, fault))
		return false;
	*addr = e->out + (*addr & ((1ULL << e->shift) - 1));
	return true;
}

static bool fetch_cd_words(struct ssim *u, struct ssim_access *a, struct ssim_entry *new,
			   u64 addr, unsigned int words, struct ssim_fault *fault)
{
	if (!cd_address(u, a, &addr, fault))
		return false;
	new->at = addr;
	if (fetch(u, addr, new->word, words, !(ssim_ste_config(a->ste) & CONFIG_S2))) {
		fault->fetch = addr;
		return fail(fault, F_CD_FETCH);
	}
	return true;
}

static bool find_l1cd(struct ssim *u, struct ssim_access *a, u64 base, unsigned int split,
		      u64 *l1cd, struct ssim_fault *fault)
{
	struct ssim_entry new = {
		.kind = SSIM_L1CD,
		.leaf_shift = split,
		.sid = a->sid,
		.ssid = a->cd_ssid & ~((1U << split) - 1),
	}, *e;

	e = ssim_cache_find_config(u, SSIM_L1CD, new.sid, new.ssid);
	if (e) {
		*l1cd = e->word[0];
		return true;
	}
	if (!fetch_cd_words(u, a, &new, base + (u64)(a->cd_ssid >> split) * 8, 1, fault))
		return false;
	ssim_cache_add(u, &new);
	*l1cd = new.word[0];
	return true;
}

static bool locate_cd(struct ssim *u, struct ssim_access *a, u64 *at, struct ssim_fault *fault)
{
	unsigned int cdmax = FIELD_GET(STE_0_S1CDMAX, a->ste[0]);
	unsigned int fmt = FIELD_GET(STE_0_S1FMT, a->ste[0]);
	u64 base = a->ste[0] & STE_0_S1CONTEXTPTR;
	unsigned int split = fmt == 1 ? 6 : 10, log2;
	u64 l1cd;

	if (!FIELD_GET(IDR1_SSIDSIZE, u->f.idr[1]))
		cdmax = 0;
	/* S1Fmt 3 is reserved and behaves as 0. */
	if (!cdmax || fmt == 0 || fmt == 3) {
		*at = (base & ~((64ULL << cdmax) - 1)) + (u64)a->cd_ssid * 64;
		return true;
	}
	log2 = cdmax > split ? cdmax - split + 3 : 3;
	if (log2 > 6)
		base &= ~((1ULL << log2) - 1);
	if (!find_l1cd(u, a, base, split, &l1cd, fault))
		return false;
	if (!(l1cd & L1CD_V))
		return fail(fault, C_BAD_SUBSTREAMID);
	*at = (l1cd & L1CD_L2PTR & ~((64ULL << split) - 1)) +
	      (u64)(a->cd_ssid & ((1U << split) - 1)) * 64;
	return true;
}

/* One half of the address space: TTB0 or TTB1. */
static bool ttb_illegal(struct ssim *u, u64 txsz, unsigned int tg, u64 word)
{
	u64 ttb = word & CD_1_TTB;

	return !granule_supported(u, tg) || txsz > 39 || txsz < 16 || (tg != 16 && ttb >> 48);
}

/* 5.4 */
static bool cd_illegal(struct ssim *u, const struct ssim_access *a, const u64 *cd)
{
	static const u8 granule0[] = { 12, 16, 14, 0 }, granule1[] = { 0, 14, 12, 16 };
	unsigned int httu = FIELD_GET(IDR0_HTTU, u->f.idr[0]);
	unsigned int model = FIELD_GET(IDR0_STALL_MODEL, u->f.idr[0]);
	unsigned int ips = ssim_size_bits(FIELD_GET(CD_0_IPS, cd[0]));
	bool two = a->world != SSIM_EL2;
	bool epd0 = two && (cd[0] & CD_0_EPD0), epd1 = !two || (cd[0] & CD_0_EPD1);

	if (ips > ssim_oas(u))
		ips = ssim_oas(u);
	if (!(cd[0] & CD_0_V) || !(cd[0] & CD_0_AA64))
		return true;
	if ((cd[0] & CD_0_ENDI) && !(epd0 && epd1))
		return true;
	if (!epd0 && (ttb_illegal(u, FIELD_GET(CD_0_T0SZ, cd[0]),
				  granule0[FIELD_GET(CD_0_TG0, cd[0])], cd[1]) ||
		      (cd[1] & CD_1_TTB) >> ips))
		return true;
	if (!epd1 && (ttb_illegal(u, FIELD_GET(CD_0_T1SZ, cd[0]),
				  granule1[FIELD_GET(CD_0_TG1, cd[0])], cd[2]) ||
		      (cd[2] & CD_1_TTB) >> ips))
		return true;
	if (((cd[0] & CD_0_HA) && !httu) || ((cd[0] & CD_0_HD) && httu < 2))
		return true;
	if (!(u->f.idr[0] & IDR0_ASID16) && FIELD_GET(CD_0_ASID, cd[0]) > 0xff)
		return true;
	/* 5.5 */
	if ((cd[0] & CD_0_S) && (model == 1 || (a->ste[1] & STE_1_S1STALLD)))
		return true;
	if (!(cd[0] & CD_0_S) && model == 2)
		return true;
	return !(cd[0] & CD_0_A) && (u->f.idr[0] & IDR0_TERM_MODEL);
}

/**
 * ssim_find_cd - the context descriptor of a request
 * @u: the unit
 * @a: the request, with its ste and cd_ssid; out: cd
 * @fault: out: why there is none
 */
bool ssim_find_cd(struct ssim *u, struct ssim_access *a, struct ssim_fault *fault)
{
	struct ssim_entry *e = ssim_cache_find_config(u, SSIM_CD, a->sid, a->cd_ssid);
	struct ssim_entry new = { .kind = SSIM_CD, .sid = a->sid, .ssid = a->cd_ssid };
	u64 addr;

	if (!e) {
		if (!locate_cd(u, a, &addr, fault) ||
		    !fetch_cd_words(u, a, &new, addr, 8, fault))
			return false;
		seen(u, SSIM_CD_SEEN, &new);
		e = ssim_cache_add(u, &new);
	}
	a->cd = e->word;
	return cd_illegal(u, a, a->cd) ? fail(fault, C_BAD_CD) : true;
}

/* --- how software changes them ------------------------------------------------ */

/* The bits of an STE that decide what happens to requests. */
static void ste_used(const u64 *ste, u64 *used)
{
	unsigned int config = ssim_ste_config(ste);

	memset(used, 0, 8 * sizeof(*used));
	used[0] = STE_0_V;
	if (!(ste[0] & STE_0_V))
		return;
	used[0] |= STE_0_CONFIG;
	if (!(config & CONFIG_BYPASS))
		return;
	used[1] = STE_1_ATTRS | STE_1_PRIVCFG | STE_1_INSTCFG;
	if (config & (CONFIG_S1 | CONFIG_S2)) {
		used[1] |= STE_1_EATS | STE_1_PPAR;
		used[2] |= STE_2_S2VMID;
	}
	if (config & CONFIG_S1) {
		used[0] |= STE_0_S1FMT | STE_0_S1CONTEXTPTR | STE_0_S1CDMAX;
		used[1] |= STE_1_S1DSS | STE_1_S1C | STE_1_S1STALLD | STE_1_STRW;
	}
	if (config & CONFIG_S2) {
		used[1] |= STE_1_S2FWB;
		used[2] |= STE_2_S2;
		used[3] |= STE_3_S2TTB;
	}
}

static void cd_used(const u64 *cd, u64 *used)
{
	memset(used, 0, 8 * sizeof(*used));
	used[0] = CD_0_V;
	if (!(cd[0] & CD_0_V))
		return;
	used[0] = ~0ULL;
	used[1] = cd[0] & CD_0_EPD0 ? 0 : ~0ULL;
	used[2] = cd[0] & CD_0_EPD1 ? 0 : ~0ULL;
	used[3] = ~0ULL;
}

/*
 * 3.21.3: between two invalidations the unit may have fetched any mixture of old and
 * new words. A change is sound if one word alone decides.
 */
static bool is_torn(const u64 *old, const u64 *new, void (*used_fn)(const u64 *, u64 *))
{
	u64 old_used[8], new_used[8];
	unsigned int i, words = 0;

	used_fn(old, old_used);
	used_fn(new, new_used);
	for (i = 0; i < 8; i++)
		words += !!((old[i] ^ new[i]) & (old_used[i] | new_used[i]));
	return words > 1;
}

static void check_update(struct ssim *u, struct ssim_entry *e,
			 void (*used_fn)(const u64 *, u64 *), const char *bad)
{
	u64 now[8];

	if (fetch(u, e->at, now, 8, false))
		return;
	if (is_torn(e->word, now, used_fn))
		ssim_count(u, bad);
	memcpy(e->word, now, sizeof(e->word));
}

/* Software says that an STE changed: how? */
void ssim_check_ste_update(struct ssim *u, u32 sid)
{
	struct ssim_entry *e = ssim_cache_find_config(u, SSIM_STE_SEEN, sid, 0);
	struct ssim_fault fault;
	u64 at;

	if (!e)
		return;
	/* In a table that is not reachable any more it may be written as one likes. */
	if (!locate_ste(u, sid, false, &at, &fault) || at != e->at)
		ssim_cache_drop(u, e);
	else
		check_update(u, e, ste_used, "bad.torn_STE");
}

void ssim_check_cd_update(struct ssim *u, u32 sid, u32 ssid)
{
	struct ssim_entry *e = ssim_cache_find_config(u, SSIM_CD_SEEN, sid, ssid);

	if (e)
		check_update(u, e, cd_used, "bad.torn_CD");
}
