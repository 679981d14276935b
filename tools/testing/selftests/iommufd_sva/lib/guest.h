/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest's memory, and what a guest writes into it for its SMMU: stage-1 tables
 * (Arm ARM DDI 0487, D8.3), a context descriptor (Arm IHI 0070, 5.4), a stream
 * table entry (5.2) and commands (chapter 4); and its events. The layouts are written here
 * again, apart from the modules': what is tested does not test itself.
 */
#ifndef SELFTEST_GUEST_H
#define SELFTEST_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <iommufd_sva.h>

/**
 * struct guest - a guest's physical memory, that a VMM holds
 * @mem: where the VMM sees it
 * @ipa: where the guest does
 * @size: bytes
 * @used: bytes given out
 */
struct guest {
	uint8_t *mem;
	uint64_t ipa;
	size_t size;
	size_t used;
};

/* 0 or a negative errno; guest_free() in both cases. */
int guest_init(struct guest *g, uint64_t ipa, size_t size);
/* And @fd's IOAS with all of it. */
int guest_begin(struct guest *g, uint64_t ipa, size_t size, int fd, uint32_t *ioas);
void guest_free(struct guest *g);
/* Zeroed memory of the guest's: its address there. Aborts when there is no more. */
uint64_t guest_alloc(struct guest *g, size_t size, size_t align);
void *guest_ptr(struct guest *g, uint64_t ipa);

/**
 * struct s1 - a guest's address space: a stage-1 table
 * @guest: whose memory it is in
 * @granule: log2 of its page size: 12 or 16
 * @asid: its tag
 * @root: the top table
 */
struct s1 {
	struct guest *guest;
	unsigned int granule;
	uint16_t asid;
	uint64_t root;
};

/* Virtual addresses of 48 bits: 4 levels with pages of 4K, 3 with 64K. */
#define S1_VA_BITS 48

#define S1_RW 0
#define S1_RO 1

void s1_init(struct s1 *s1, struct guest *g, unsigned int granule, uint16_t asid);
/* One page at @va; an address outside the guest's memory is the guest's to write. */
void s1_map(struct s1 *s1, uint64_t va, uint64_t ipa, int access);
void s1_unmap(struct s1 *s1, uint64_t va);

/* A context descriptor for @s1: its words; one in the guest's memory: its address. */
void s1_cd(const struct s1 *s1, uint64_t cd[8]);
uint64_t guest_cd(struct s1 *s1);

/* S1Fmt */
enum cds_format {
	CDS_LINEAR,
	CDS_4K,
	CDS_64K,
};

/**
 * struct cds - a guest's context descriptors, one for each substream
 * @guest: whose memory they are in
 * @format: of one table, or of two levels
 * @bits: of a SubstreamID
 * @table: the table, or the one of level 1
 */
struct cds {
	struct guest *guest;
	enum cds_format format;
	unsigned int bits;
	uint64_t table;
};

void cds_init(struct cds *cds, struct guest *g, enum cds_format format, unsigned int bits);
/* The level-1 descriptor above that of @ssid; not of one table. */
volatile uint64_t *cds_l1(struct cds *cds, uint32_t ssid);
/* The descriptor of @ssid; its table is made on the way there. */
volatile uint64_t *cds_cd(struct cds *cds, uint32_t ssid);
/* One that has not been valid before; an address space at @ssid. */
void cds_set(struct cds *cds, uint32_t ssid, const struct s1 *s1);

/* S1DSS: what requests without a substream are. */
#define S1DSS_TERMINATE 0
#define S1DSS_BYPASS 1
#define S1DSS_SSID0 2

void cds_ste(const struct cds *cds, unsigned int s1dss, uint64_t ste[2]);

/* The words of a stream table entry that a guest's kernel would write. */
void guest_ste(uint64_t ste[2], uint64_t cd);
void guest_ste_bypass(uint64_t ste[2]);
void guest_ste_abort(uint64_t ste[2]);

struct guest_cmd {
	uint64_t word[2];
};

struct guest_cmd cmd_tlbi_nh_all(void);
struct guest_cmd cmd_tlbi_nh_asid(uint16_t asid);
/* @leaf: only the last level has changed */
struct guest_cmd cmd_tlbi_nh_va(uint16_t asid, uint64_t va, int leaf);
struct guest_cmd cmd_tlbi_nh_vaa(uint64_t va);
struct guest_cmd cmd_tlbi_nsnh_all(void);
struct guest_cmd cmd_cfgi_cd(uint32_t sid, uint32_t ssid);
/* The same and the level-1 descriptor above it. */
struct guest_cmd cmd_cfgi_cd_path(uint32_t sid, uint32_t ssid);
struct guest_cmd cmd_cfgi_cd_all(uint32_t sid);
/* 2^@size pages from @addr on; 52: all. Without a substream, of one, or of all. */
struct guest_cmd cmd_atc_inv(uint32_t sid, uint64_t addr, unsigned int size);
struct guest_cmd cmd_atc_inv_ssid(uint32_t sid, uint32_t ssid, uint64_t addr,
				  unsigned int size);
struct guest_cmd cmd_atc_inv_global(uint32_t sid, uint64_t addr, unsigned int size);

/* An event of the guest's SMMU (7.3), as it is read. */
struct guest_event {
	struct iommufd_sva_vevent_header header;
	struct iommufd_sva_vevent_arm_smmuv3 smmuv3;
};

/* The next one of a queue; false: none comes. */
bool guest_next_event(int fd, struct guest_event *event);

#endif
