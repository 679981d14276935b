// SPDX-License-Identifier: GPL-2.0-only
/* What a guest writes into its memory for its VT-d unit. */
#include <string.h>

#include "sva.h"
#include "vguest.h"

/* 9.7 */
#define FS_P (1ULL << 0)
#define FS_W (1ULL << 1)
#define FS_US (1ULL << 2)
#define FS_XD (1ULL << 63)
#define FS_ADDR 0x000ffffffffff000ULL

void fs_init(struct fs *fs, struct guest *g)
{
	*fs = (struct fs){ .guest = g, .root = guest_alloc(g, SZ_4K, SZ_4K) };
}

static volatile uint64_t *fs_entry(struct fs *fs, uint64_t va)
{
	uint64_t table = fs->root;

	for (int level = 4; ; level--) {
		uint64_t *entry = guest_ptr(fs->guest, table);

		entry += va >> (3 + 9 * level) & 511;
		if (level == 1)
			return entry;
		if (!(*entry & FS_P))
			*entry = guest_alloc(fs->guest, SZ_4K, SZ_4K) | FS_US | FS_W | FS_P;
		table = *entry & FS_ADDR;
	}
}

void fs_map(struct fs *fs, uint64_t va, uint64_t gpa, int access)
{
	*fs_entry(fs, va) = (gpa & FS_ADDR) | FS_XD | FS_US | (access == FS_RO ? 0 : FS_W) | FS_P;
}

void fs_unmap(struct fs *fs, uint64_t va)
{
	*fs_entry(fs, va) = 0;
}

void pasids_init(struct pasids *p, struct guest *g, unsigned int bits)
{
	size_t len = bits > 6 ? 8UL << (bits - 6) : 8;

	*p = (struct pasids){ .guest = g, .bits = bits };
	p->dir = guest_alloc(g, len < SZ_4K ? SZ_4K : len, SZ_4K);
}

struct pasid_entry *pasids_entry(struct pasids *p, uint32_t pasid)
{
	volatile uint64_t *dir = guest_ptr(p->guest, p->dir);

	dir += pasid / 64;
	if (!(*dir & 1))
		*dir = guest_alloc(p->guest, SZ_4K, SZ_4K) | 1;
	return (struct pasid_entry *)guest_ptr(p->guest, *dir & FS_ADDR) + pasid % 64;
}

/* As a driver does: everything else first, then what makes it present. */
static void pasids_write(struct pasids *p, uint32_t pasid, const struct pasid_entry *entry)
{
	volatile uint64_t *to = pasids_entry(p, pasid)->qw;

	for (int i = 7; i >= 0; i--) {
		to[i] = entry->qw[i];
		__sync_synchronize();
	}
}

void pasids_set(struct pasids *p, uint32_t pasid, const struct fs *fs, uint16_t did)
{
	struct pasid_entry entry = { {
		2ULL << 2 | 1ULL << 6 | 1,	/* AW as Linux has it, PGTT 001b, P */
		1ULL << 23 | did,		/* PWSNP, DID */
		fs->root | 1ULL << 5,		/* FSPTPTR, FSPM 00b; 4.1: NXE */
	} };

	pasids_write(p, pasid, &entry);
}

void pasids_pass(struct pasids *p, uint32_t pasid, uint16_t did)
{
	struct pasid_entry entry = { { 2ULL << 2 | 4ULL << 6 | 1, did } };

	pasids_write(p, pasid, &entry);
}

void pasids_clear(struct pasids *p, uint32_t pasid)
{
	*(volatile uint64_t *)pasids_entry(p, pasid)->qw = 0;
}

struct qi qi_context_global(void)
{
	return (struct qi){ { 1 | 1ULL << 4 } };
}

struct qi qi_context_device(uint16_t sid)
{
	return (struct qi){ { 1 | 3ULL << 4 | (uint64_t)sid << 32 } };
}

struct qi qi_pasid_global(void)
{
	return (struct qi){ { 7 | 3ULL << 4 } };
}

struct qi qi_pasid_domain(uint16_t did)
{
	return (struct qi){ { 7 | (uint64_t)did << 16 } };
}

struct qi qi_pasid(uint16_t did, uint32_t pasid)
{
	return (struct qi){ { 7 | 1ULL << 4 | (uint64_t)did << 16 | (uint64_t)pasid << 32 } };
}

struct qi qi_iotlb_global(void)
{
	return (struct qi){ { 2 | 1ULL << 4 | 3ULL << 6 } };
}

struct qi qi_iotlb_domain(uint16_t did)
{
	return (struct qi){ { 2 | 2ULL << 4 | 3ULL << 6 | (uint64_t)did << 16 } };
}

struct qi qi_piotlb_pasid(uint16_t did, uint32_t pasid)
{
	return (struct qi){ { 6 | 2ULL << 4 | (uint64_t)did << 16 | (uint64_t)pasid << 32 } };
}

struct qi qi_piotlb_pages(uint16_t did, uint32_t pasid, uint64_t addr, unsigned int am)
{
	return (struct qi){ { 6 | 3ULL << 4 | (uint64_t)did << 16 | (uint64_t)pasid << 32,
			      (addr & ~0xfffULL) | am } };
}

struct qi qi_dev_tlb(uint16_t sid, uint64_t addr)
{
	return (struct qi){ { 3 | (uint64_t)sid << 32, addr & ~0xfffULL } };
}

struct qi qi_pasid_dev_tlb(uint16_t sid, uint32_t pasid, uint64_t addr)
{
	return (struct qi){ { 8 | (uint64_t)sid << 16 | (uint64_t)pasid << 32,
			      addr & ~0xfffULL } };
}

struct qi qi_iec(void)
{
	return (struct qi){ { 4 } };
}

struct qi qi_wait(uint64_t addr, uint32_t data)
{
	return (struct qi){ { 5 | 1ULL << 5 | (uint64_t)data << 32, addr } };
}

struct qi qi_page_response(uint16_t sid, uint32_t pasid, uint16_t group)
{
	return (struct qi){ { 9 | 1ULL << 4 | (uint64_t)sid << 16 | (uint64_t)pasid << 32,
			      (uint64_t)group << 3 } };
}
