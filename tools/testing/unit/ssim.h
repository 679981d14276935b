/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A modelled SMMUv3 (tools/testing/sim) on a bench: memory, wires and devices around
 * it, and short ways to write its tables and queues. One unit, one thread.
 */
#ifndef UNIT_SSIM_H
#define UNIT_SSIM_H

#include "../sim/smmuv3_sim.h"

/* Memory: 32 MiB from here on; everything else aborts. */
#define RAM		0x40000000ULL
#define RAM_SIZE	0x2000000ULL
/* Intermediate addresses are physical ones less this. */
#define IPA_OFFSET	0x30000000ULL

/* Where things are. */
#define STRTAB		(RAM + 0x10000)
#define CMDQ		(RAM + 0x20000)
#define EVENTQ		(RAM + 0x30000)
#define PRIQ		(RAM + 0x40000)
#define DATA		(RAM + 0x1000000)	/* the upper half: what devices reach */

#define NO_SSID		SIM_NO_PASID

/* What came out of the unit. */
struct bench {
	struct ssim u;
	unsigned int irqs[SSIM_IRQS];
	unsigned int kicks;
	unsigned int wakes;
	u64 now;
	u64 abort;		/* reads and writes of this page abort; 0: none do */
	u64 dirty;		/* this page was never cleaned; 0: all were */
	bool atc_silent;	/* devices do not answer */
	unsigned int atc_invs;	/* of the last one: */
	u32 atc_sid;
	u32 atc_ssid;
	u64 atc_addr;
	u64 atc_length;
	bool atc_global;
	unsigned int responses;	/* of the last one: */
	u32 resp_sid;
	u32 resp_ssid;
	u16 resp_group;
	enum sim_status resp_code;
};

extern struct bench b;

/* A unit that is what @words make of the default; off. */
void bench_init(const char *words);
/* The same, and on: a linear stream table of 64 entries, all invalid, and all queues. */
void bench_start(const char *words);

u32 reg(u32 offset);
void set_reg(u32 offset, u32 value);
void set_reg64(u32 offset, u64 value);
u64 get64(u64 phys);
void put64(u64 phys, u64 value);
/* A number of pages, zeroed, aligned to their size. */
u64 new_pages(unsigned int num);

/* One command, and how it ends: CERROR_... The error is acknowledged and skipped. */
u32 command(u64 word0, u64 word1);
u32 do_sync(void);
u64 counter(const char *name);

/* The next event that is not read yet, into @event. */
bool next_event(u64 *event);
u8 event_id(const u64 *event);

/* STE and CD of a stream. */
void put_ste(u32 sid, u64 w0, u64 w1, u64 w2, u64 w3);
void put_cd(u64 at, u64 w0, u64 w1, u64 w2);

/* 4K, 48 bits of input and output, from level 0: valid words of an STE and a CD. */
#define STE_ABORT	STE_0_V
#define STE_BYPASS	(STE_0_V | FIELD_PREP(STE_0_CONFIG, 4))
#define STE_S1(cds)	(STE_0_V | FIELD_PREP(STE_0_CONFIG, 5) | (cds))
#define STE_S2		(STE_0_V | FIELD_PREP(STE_0_CONFIG, 6))
#define STE_NESTED(cds)	(STE_0_V | FIELD_PREP(STE_0_CONFIG, 7) | (cds))
#define S2_WORD(vmid)	((vmid) | FIELD_PREP(STE_2_S2T0SZ, 16) | FIELD_PREP(STE_2_S2SL0, 2) | \
			 FIELD_PREP(STE_2_S2PS, 5) | STE_2_S2AA64 | STE_2_S2R)
#define CD_WORD(asid)	(FIELD_PREP(CD_0_T0SZ, 16) | CD_0_EPD1 | CD_0_V | FIELD_PREP(CD_0_IPS, 5) | \
			 CD_0_AA64 | CD_0_R | CD_0_A | CD_0_ASET | FIELD_PREP(CD_0_ASID, asid))

#define S1_RW		(TT_AF | TT_AP_USER | TT_NG | TT_XN | TT_PXN)
#define S1_RO		(S1_RW | TT_AP_RO)
#define S2_RW		(TT_AF | TT_S2AP_R | TT_S2AP_W | (15 << 2))
#define S2_RO		(TT_AF | TT_S2AP_R | (15 << 2))

/**
 * struct table - translation tables under construction
 * @root: address of the root, as the walker knows it
 * @tg: log2 of the granule
 * @start: level of the root
 * @in: bits of input
 * @offset: physical addresses less those the walker knows
 */
struct table {
	u64 root;
	unsigned int tg;
	int start;
	unsigned int in;
	u64 offset;
};

struct table new_table(unsigned int tg, int start, unsigned int in, u64 offset);
/* The physical address of the descriptor for @addr at @level; tables are made. */
u64 descriptor(const struct table *t, u64 addr, int level);
/* A leaf at @level: @out with attributes. */
void map(const struct table *t, u64 addr, int level, u64 out, u64 attrs);

/* A stage 2 that maps IPAs of all of memory, with blocks of 2M. */
struct table new_s2(void);

/* Requests; what the device sees. */
extern struct sim_reply reply;
enum sim_status dma(u32 sid, u32 ssid, u64 addr, u32 flags);
enum sim_status dma_read(u32 sid, u64 addr, u64 *value);
enum sim_status dma_write(u32 sid, u64 addr, u64 value);
enum sim_status ats(u32 sid, u32 ssid, u64 addr, u32 flags);
enum sim_status dma_translated(u32 sid, u64 addr, u32 flags);

#endif
