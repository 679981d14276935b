/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A machine around a modelled VT-d unit: memory, tables that a test writes, and
 * what the unit sends.
 */
#ifndef __UNIT_VTD_MACHINE_H
#define __UNIT_VTD_MACHINE_H

#include "../sim/vtd_config.h"
#include "../sim/vtd_sim.h"

#define M_BYTES		(32u << 20)
#define M_POOL		8192
#define M_LOG		16

/* The device of most tests, and another one. */
#define SID		0x0110
#define SID2		0x01f8

struct machine {
	struct vsim_unit u;
	struct vsim_setup setup;
	u8 *mem;
	u64 next;		/* the next free page */
	u64 bad;		/* a page that cannot be read; 0: none */
	unsigned int races;	/* so many changes find something else there */
	u64 fixed;		/* what cannot be changed at once; 0: nothing */
	struct vsim_entry pool[M_POOL];
	struct vsim_page *pages;
	struct vsim_shadow shadow;

	u64 root;
	u64 queue;
	u32 tail;
	u64 status;		/* where waits write */
	u32 seq;

	unsigned int num_msi;
	struct {
		u64 addr;
		u32 data;
	} msi[M_LOG];
	unsigned int num_dev_tlb;
	bool deaf;		/* devices do not answer */
	struct {
		u16 rid;
		u32 pasid;
		u64 addr;
		u64 length;
		bool global;
	} dev_tlb[M_LOG];
	unsigned int num_responses;
	struct {
		u16 rid;
		u32 pasid;
		u16 group;
		enum sim_status code;
	} responses[M_LOG];
	unsigned int later;	/* milliseconds asked for */
	void (*pause)(struct machine *m);
	u64 pe;			/* for @pause */
};

/* A unit as @text says; nothing switched on. */
struct machine *m_new(const char *text);
void m_free(struct machine *m);
/* Queue on, an empty root table set, everything invalidated, translation on. */
struct machine *m_start(const char *text);
/* The sum of all counters whose names start with "bad.". */
u64 m_bad(struct machine *m);

u64 m_page(struct machine *m);
u64 m_pages(struct machine *m, unsigned int num);
u64 m_get(struct machine *m, u64 phys);
void m_set(struct machine *m, u64 phys, u64 value);

u32 m_read(struct machine *m, unsigned int offset);
u64 m_read64(struct machine *m, unsigned int offset);
void m_write(struct machine *m, unsigned int offset, u32 value);
void m_write64(struct machine *m, unsigned int offset, u64 value);
/* A command, waited for. */
void m_command(struct machine *m, u32 bits, bool on);
void m_set_root(struct machine *m, u64 rtaddr);

/* Put a descriptor into the queue; m_kick() writes the tail. */
void m_put(struct machine *m, u64 qw0, u64 qw1);
void m_kick(struct machine *m);
/* A descriptor and a wait: did it complete? */
bool m_submit(struct machine *m, u64 qw0, u64 qw1);
bool m_wait(struct machine *m);

/*
 * Tables. m_context() makes root and context entry of @sid with a PASID directory,
 * which it returns; m_pasid() makes the way to the entry of @pasid, whose address
 * it returns.
 */
u64 m_context(struct machine *m, u16 sid, u64 flags);
u64 m_context_at(struct machine *m, u16 sid);
u64 m_pasid(struct machine *m, u64 dir, u32 pasid);
void m_pe_second(struct machine *m, u64 pe, u64 table, u16 did);
void m_pe_first(struct machine *m, u64 pe, u64 table, u16 did);
void m_pe_nested(struct machine *m, u64 pe, u64 first_gpa, u64 second, u16 did);
void m_pe_pass(struct machine *m, u64 pe, u16 did);

/* Guest-physical addresses of nested tests: memory is there, from this on. */
#define M_GPA		0x40000000ULL

/*
 * The entry of @addr at @level (1: of a 4 KiB page), with tables made on the way:
 * @gpa is added to their addresses, @flags set in the entries that lead to them.
 */
u64 m_entry(struct machine *m, u64 table, unsigned int levels, unsigned int level,
	    u64 addr, u64 gpa, u64 flags);
/* Second stage that maps all memory at M_GPA. */
u64 m_second_all(struct machine *m);

/* One request of @sid; @len 0: 8 bytes. */
struct sim_reply m_access(struct machine *m, u16 sid, u32 pasid, u64 addr, u32 flags);
struct sim_reply m_ats(struct machine *m, u16 sid, u32 pasid, u64 addr, u32 flags);
/* The reason of the oldest fault record, which is cleared; 0: there is none. */
unsigned int m_fault(struct machine *m);
u64 m_counter(struct machine *m, const char *name);

#define SS_RW		(VSIM_SS_R | VSIM_SS_W)
#define FS_ALL		(VSIM_FS_P | VSIM_FS_RW | VSIM_FS_US | VSIM_FS_A | VSIM_FS_D)

#endif
