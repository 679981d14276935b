/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a guest writes into its memory for its VT-d unit: first-stage tables (VT-d,
 * 9.7), a PASID directory and tables (9.5, 9.6) and invalidation descriptors (6.5.2).
 * The layouts are written here again, apart from the modules': what is tested does
 * not test itself.
 */
#ifndef SELFTEST_VGUEST_H
#define SELFTEST_VGUEST_H

#include <stdint.h>

#include "guest.h"

/**
 * struct fs - a guest's address space: a first-stage table of four levels
 * @guest: whose memory it is in
 * @root: the top table
 */
struct fs {
	struct guest *guest;
	uint64_t root;
};

#define FS_RW 0
#define FS_RO 1

void fs_init(struct fs *fs, struct guest *g);
/* One page at @va; an address outside the guest's memory is the guest's to write. */
void fs_map(struct fs *fs, uint64_t va, uint64_t gpa, int access);
void fs_unmap(struct fs *fs, uint64_t va);

/**
 * struct pasids - a guest's PASID table
 * @guest: whose memory it is in
 * @dir: its directory
 * @bits: of its PASIDs
 */
struct pasids {
	struct guest *guest;
	uint64_t dir;
	unsigned int bits;
};

struct pasid_entry {
	uint64_t qw[8];
};

void pasids_init(struct pasids *p, struct guest *g, unsigned int bits);
/* Where the entry of @pasid is; its table is made on the way there. */
struct pasid_entry *pasids_entry(struct pasids *p, uint32_t pasid);
/* First stage @fs, domain ID @did. */
void pasids_set(struct pasids *p, uint32_t pasid, const struct fs *fs, uint16_t did);
/* Guest-physical addresses pass through. */
void pasids_pass(struct pasids *p, uint32_t pasid, uint16_t did);
void pasids_clear(struct pasids *p, uint32_t pasid);

/* A descriptor of 256 bits. */
struct qi {
	uint64_t qw[4];
};

struct qi qi_context_global(void);
struct qi qi_context_device(uint16_t sid);
struct qi qi_pasid_global(void);
struct qi qi_pasid_domain(uint16_t did);
struct qi qi_pasid(uint16_t did, uint32_t pasid);
struct qi qi_iotlb_global(void);
struct qi qi_iotlb_domain(uint16_t did);
struct qi qi_piotlb_pasid(uint16_t did, uint32_t pasid);
/* 2^@am pages from @addr on. */
struct qi qi_piotlb_pages(uint16_t did, uint32_t pasid, uint64_t addr, unsigned int am);
struct qi qi_dev_tlb(uint16_t sid, uint64_t addr);
struct qi qi_pasid_dev_tlb(uint16_t sid, uint32_t pasid, uint64_t addr);
struct qi qi_iec(void);
struct qi qi_wait(uint64_t addr, uint32_t data);
struct qi qi_page_response(uint16_t sid, uint32_t pasid, uint16_t group);

#endif
