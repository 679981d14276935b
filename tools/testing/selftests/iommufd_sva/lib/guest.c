// SPDX-License-Identifier: GPL-2.0-only
/* A guest's memory, and what a guest writes into it for its SMMU. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "guest.h"
#include "sva.h"

/* Descriptors of stage 1, Arm ARM D8.3.1. */
#define PTE_VALID (1ULL << 0)
#define PTE_TABLE (1ULL << 1) /* at the last level: a page */
#define PTE_AP_EL0 (1ULL << 6) /* AP[1]: not only for the privileged */
#define PTE_AP_RO (1ULL << 7) /* AP[2] */
#define PTE_SH_INNER (3ULL << 8)
#define PTE_AF (1ULL << 10)
#define PTE_NG (1ULL << 11) /* belongs to the ASID */
#define PTE_UXN (1ULL << 54)
#define PTE_ADDR 0x0000fffffffff000ULL

/* IHI 0070, 5.3, 5.4 */
#define CD_V (1ULL << 31)
#define L1CD_V (1ULL << 0)
#define L1CD_L2PTR 0x000ffffffffff000ULL

int guest_init(struct guest *g, uint64_t ipa, size_t size)
{
	*g = (struct guest){ .ipa = ipa, .size = size };
	g->mem = mem_alloc(size, SZ_2M);
	return g->mem ? 0 : -ENOMEM;
}

int guest_begin(struct guest *g, uint64_t ipa, size_t size, int fd, uint32_t *ioas)
{
	return guest_init(g, ipa, size) ?: sva_ioas_alloc(fd, ioas) ?:
	       sva_map(fd, *ioas, g->mem, size, ipa, SVA_RW);
}

void guest_free(struct guest *g)
{
	if (g->mem)
		mem_free(g->mem, g->size);
	g->mem = NULL;
}

uint64_t guest_alloc(struct guest *g, size_t size, size_t align)
{
	size_t at = (g->used + align - 1) & ~(align - 1);

	if (at + size > g->size) {
		fprintf(stderr, "the guest's memory is too small\n");
		abort();
	}
	g->used = at + size;
	memset(g->mem + at, 0, size);
	return g->ipa + at;
}

void *guest_ptr(struct guest *g, uint64_t ipa)
{
	return g->mem + (ipa - g->ipa);
}

static size_t page_size(const struct s1 *s1)
{
	return 1UL << s1->granule;
}

void s1_init(struct s1 *s1, struct guest *g, unsigned int granule, uint16_t asid)
{
	*s1 = (struct s1){ .guest = g, .granule = granule, .asid = asid };
	s1->root = guest_alloc(g, page_size(s1), page_size(s1));
}

/* Where the page's descriptor for @va is; tables are made on the way there. */
static uint64_t *s1_entry(struct s1 *s1, uint64_t va)
{
	unsigned int bits = s1->granule - 3;
	unsigned int levels = (S1_VA_BITS - s1->granule + bits - 1) / bits;
	uint64_t table = s1->root;

	for (unsigned int below = levels - 1; ; below--) {
		unsigned int shift = s1->granule + bits * below;
		uint64_t *entry = guest_ptr(s1->guest, table);

		entry += va >> shift & ((1UL << bits) - 1);
		if (!below)
			return entry;
		if (!(*entry & PTE_VALID))
			*entry = guest_alloc(s1->guest, page_size(s1), page_size(s1)) |
				 PTE_TABLE | PTE_VALID;
		table = *entry & PTE_ADDR;
	}
}

void s1_map(struct s1 *s1, uint64_t va, uint64_t ipa, int access)
{
	uint64_t entry = (ipa & PTE_ADDR) | PTE_UXN | PTE_NG | PTE_AF | PTE_SH_INNER |
			 PTE_AP_EL0 | PTE_TABLE | PTE_VALID;

	if (access == S1_RO)
		entry |= PTE_AP_RO;
	*(volatile uint64_t *)s1_entry(s1, va) = entry;
}

void s1_unmap(struct s1 *s1, uint64_t va)
{
	*(volatile uint64_t *)s1_entry(s1, va) = 0;
}

void s1_cd(const struct s1 *s1, uint64_t cd[8])
{
	memset(cd, 0, 64);
	cd[0] = (64 - S1_VA_BITS) |			/* T0SZ */
		(s1->granule == 16 ? 1ULL << 6 : 0) |	/* TG0: 4K or 64K */
		1ULL << 8 | 1ULL << 10 | 3ULL << 12 |	/* IR0, OR0, SH0: write-back, inner */
		1ULL << 30 |				/* EPD1 */
		CD_V |
		2ULL << 32 |				/* IPS: 40 bits */
		1ULL << 41 |				/* AA64 */
		1ULL << 45 | 1ULL << 46 |		/* R, A: record and abort */
		1ULL << 47 |				/* ASET: its ASIDs are its own */
		(uint64_t)s1->asid << 48;
	cd[1] = s1->root;				/* TTB0 */
	cd[3] = 0xff;					/* MAIR: 0 is normal memory, write-back */
}

uint64_t guest_cd(struct s1 *s1)
{
	uint64_t at = guest_alloc(s1->guest, 64, 64);

	s1_cd(s1, guest_ptr(s1->guest, at));
	return at;
}

/* log2 of how many descriptors a level-1 descriptor leads to */
static unsigned int cds_split(const struct cds *cds)
{
	return cds->format == CDS_4K ? 6 : 10;
}

/* A table is aligned to its size (5.2, S1ContextPtr; 5.3, L2Ptr). */
static uint64_t table_alloc(struct guest *g, size_t size)
{
	return guest_alloc(g, size, size < SZ_4K ? SZ_4K : size);
}

void cds_init(struct cds *cds, struct guest *g, enum cds_format format, unsigned int bits)
{
	unsigned int split;

	*cds = (struct cds){ .guest = g, .format = format, .bits = bits };
	split = cds_split(cds);
	if (format == CDS_LINEAR)
		cds->table = table_alloc(g, 64UL << bits);
	else
		cds->table = table_alloc(g, bits > split ? 8UL << (bits - split) : 8);
}

volatile uint64_t *cds_l1(struct cds *cds, uint32_t ssid)
{
	return (uint64_t *)guest_ptr(cds->guest, cds->table) + (ssid >> cds_split(cds));
}

volatile uint64_t *cds_cd(struct cds *cds, uint32_t ssid)
{
	unsigned int split = cds_split(cds);
	volatile uint64_t *l1;

	if (cds->format == CDS_LINEAR)
		return (uint64_t *)guest_ptr(cds->guest, cds->table) + 8 * ssid;
	l1 = cds_l1(cds, ssid);
	if (!(*l1 & L1CD_V))
		*l1 = table_alloc(cds->guest, 64UL << split) | L1CD_V;
	return (uint64_t *)guest_ptr(cds->guest, *l1 & L1CD_L2PTR) +
	       8 * (ssid & ((1U << split) - 1));
}

void cds_set(struct cds *cds, uint32_t ssid, const struct s1 *s1)
{
	volatile uint64_t *to = cds_cd(cds, ssid);
	uint64_t cd[8];

	s1_cd(s1, cd);
	/* As a driver does: everything else first, then what makes it valid. */
	for (int i = 7; i >= 0; i--) {
		to[i] = cd[i];
		__sync_synchronize();
	}
}

void cds_ste(const struct cds *cds, unsigned int s1dss, uint64_t ste[2])
{
	guest_ste(ste, cds->table);
	ste[0] |= (uint64_t)cds->format << 4 | (uint64_t)cds->bits << 59;
	ste[1] |= s1dss;
}

void guest_ste(uint64_t ste[2], uint64_t cd)
{
	ste[0] = 1 | 5ULL << 1 | cd;			/* V, Config: stage 1, S1ContextPtr */
	ste[1] = 1ULL << 2 | 1ULL << 4 | 3ULL << 6;	/* S1CIR, S1COR, S1CSH */
}

void guest_ste_bypass(uint64_t ste[2])
{
	ste[0] = 1 | 4ULL << 1;
	ste[1] = 0;
}

void guest_ste_abort(uint64_t ste[2])
{
	ste[0] = 1;
	ste[1] = 0;
}

struct guest_cmd cmd_tlbi_nh_all(void)
{
	return (struct guest_cmd){ { 0x10 } };
}

struct guest_cmd cmd_tlbi_nh_asid(uint16_t asid)
{
	return (struct guest_cmd){ { 0x11 | (uint64_t)asid << 48 } };
}

struct guest_cmd cmd_tlbi_nh_va(uint16_t asid, uint64_t va, int leaf)
{
	return (struct guest_cmd){ { 0x12 | (uint64_t)asid << 48,
				     (va & ~0xfffULL) | !!leaf } };
}

struct guest_cmd cmd_tlbi_nh_vaa(uint64_t va)
{
	return (struct guest_cmd){ { 0x13, va & ~0xfffULL } };
}

struct guest_cmd cmd_tlbi_nsnh_all(void)
{
	return (struct guest_cmd){ { 0x30 } };
}

struct guest_cmd cmd_cfgi_cd(uint32_t sid, uint32_t ssid)
{
	return (struct guest_cmd){ { 0x05 | (uint64_t)ssid << 12 | (uint64_t)sid << 32, 1 } };
}

struct guest_cmd cmd_cfgi_cd_path(uint32_t sid, uint32_t ssid)
{
	return (struct guest_cmd){ { 0x05 | (uint64_t)ssid << 12 | (uint64_t)sid << 32 } };
}

struct guest_cmd cmd_cfgi_cd_all(uint32_t sid)
{
	return (struct guest_cmd){ { 0x06 | (uint64_t)sid << 32 } };
}

struct guest_cmd cmd_atc_inv(uint32_t sid, uint64_t addr, unsigned int size)
{
	return (struct guest_cmd){ { 0x40 | (uint64_t)sid << 32, (addr & ~0xfffULL) | size } };
}

struct guest_cmd cmd_atc_inv_ssid(uint32_t sid, uint32_t ssid, uint64_t addr,
				  unsigned int size)
{
	struct guest_cmd cmd = cmd_atc_inv(sid, addr, size);

	cmd.word[0] |= 1 << 11 | (uint64_t)ssid << 12;
	return cmd;
}

struct guest_cmd cmd_atc_inv_global(uint32_t sid, uint64_t addr, unsigned int size)
{
	struct guest_cmd cmd = cmd_atc_inv_ssid(sid, 0, addr, size);

	cmd.word[0] |= 1 << 9;
	return cmd;
}

bool guest_next_event(int fd, struct guest_event *event)
{
	for (int i = 0; i < 300; i++) {
		if (read(fd, event, sizeof(*event)) == sizeof(*event))
			return true;
		usleep(10000);
	}
	return false;
}
