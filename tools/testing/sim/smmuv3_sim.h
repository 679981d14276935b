/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The model of an SMMUv3, as its own files share it. All but smmuv3.c compile in
 * user space too and know nothing of the kernel: whatever they need from outside
 * is struct ssim_ops.
 *
 * Every function that takes a struct ssim runs under the unit's lock, which the
 * caller has taken (smmuv3.c: a raw spinlock, so that registers may be accessed from
 * any context; the unit tests have one thread). Nothing here sleeps or allocates.
 *
 * What hardware does in its own time happens as late as it may: handshakes (CR0ACK,
 * IRQ_CTRLACK, GBPA.Update) and commands are done when somebody looks for them, or
 * from ssim_tick(), which ops->kick asks for. A driver that does not wait finds
 * that nothing has happened yet.
 */
#ifndef SMMUV3_SIM_H
#define SMMUV3_SIM_H

#include <linux/list.h>
#include <linux/sizes.h>
#include <linux/types.h>
#include "sim.h"
#include "smmuv3_spec.h"

struct ssim;

/* What raises an interrupt. */
enum ssim_irq {
	SSIM_IRQ_EVENTQ,
	SSIM_IRQ_PRIQ,
	SSIM_IRQ_SYNC,
	SSIM_IRQ_GERROR,
	SSIM_IRQS,
};

/**
 * struct ssim_ops - what a unit needs from outside
 * @read: memory; -EFAULT where there is none (an external abort)
 * @read_clean: memory that software must have cleaned, for a unit that does not snoop:
 *	0; 1: it was never cleaned; -EFAULT
 * @write: likewise
 * @exchange: 64 bits of memory, from @old to @new if they are @old: 1; 0: they are
 *	not; -EFAULT
 * @irq: an edge on a wire
 * @kick: call ssim_tick() in @ms
 * @atc_invalidate: as sim_atc_invalidate(), of a stream
 * @page_response: as sim_page_response(), of a stream
 * @wake: a stalled transaction was answered
 * @now: milliseconds, from anywhere on
 */
struct ssim_ops {
	int (*read)(struct ssim *u, u64 phys, void *buf, size_t len);
	int (*read_clean)(struct ssim *u, u64 phys, void *buf, size_t len);
	int (*write)(struct ssim *u, u64 phys, const void *buf, size_t len);
	int (*exchange)(struct ssim *u, u64 phys, u64 old, u64 new);
	void (*irq)(struct ssim *u, enum ssim_irq irq);
	void (*kick)(struct ssim *u, unsigned int ms);
	bool (*atc_invalidate)(struct ssim *u, u32 sid, u32 ssid, u64 addr, u64 length,
			       bool global);
	void (*page_response)(struct ssim *u, u32 sid, u32 ssid, u16 group,
			      enum sim_status code);
	void (*wake)(struct ssim *u);
	u64 (*now)(struct ssim *u);
};

/* What IDR0 to IDR5 say, before anybody asks; smmuv3_regs.c. */
struct ssim_features {
	u32 idr[6];
	u32 aidr;
	bool gbpa_abort;	/* GBPA.ABORT after reset */
	bool combined;		/* glue: one wire for all */
	bool canwbs;		/* glue: IORT */
	bool noats;		/* glue: IORT root complex without ATS */
	u32 segment;		/* glue: whose streams */
	u32 sid_base;		/* glue: stream ID of requester ID 0 */
};

#define SSIM_COUNTERS	160
#define SSIM_STALLS	64

struct ssim_counter {
	const char *name;
	u64 value;
};

/**
 * enum ssim_kind - what a cached entry caches
 * @SSIM_L1STD: level-1 stream table descriptor; key: first stream ID of its span
 * @SSIM_STE: stream table entry; key: stream ID
 * @SSIM_L1CD: level-1 CD descriptor; key: stream ID, first substream of its table
 * @SSIM_CD: context descriptor; key: stream ID, substream
 * @SSIM_S1: a translation of stage 1, of both stages where both are on
 * @SSIM_S1_TABLE: a table descriptor of stage 1, its address translated
 * @SSIM_S2: a translation of stage 2
 * @SSIM_S2_TABLE: a table descriptor of stage 2
 * @SSIM_STE_SEEN: not a cache: an STE as it was when software last had to say so
 * @SSIM_CD_SEEN: the same of a CD
 */
enum ssim_kind {
	SSIM_L1STD,
	SSIM_STE,
	SSIM_L1CD,
	SSIM_CD,
	SSIM_S1,
	SSIM_S1_TABLE,
	SSIM_S2,
	SSIM_S2_TABLE,
	SSIM_STE_SEEN,
	SSIM_CD_SEEN,
	SSIM_KINDS,
};

/* StreamWorld: who tags what (3.17). */
enum ssim_world {
	SSIM_EL1,
	SSIM_EL2,
	SSIM_EL2_E2H,
};

#define SSIM_R		BIT(0)
#define SSIM_W		BIT(1)
#define SSIM_X		BIT(2)
#define SSIM_DIRTY	BIT(3)	/* writable, once somebody sets the dirty state */
#define SSIM_DEVICE	BIT(4)	/* stage 2: Device memory */

/**
 * struct ssim_entry - a cached entry; it stays until a command drops it
 * @kind_node: in ssim.kinds, or ssim.free
 * @hash_node: in ssim.hash
 * @kind: enum ssim_kind
 * @level: translations: of the descriptor
 * @tg: log2 of the translation granule
 * @shift: log2 of what @addr covers
 * @leaf_shift: log2 of what the descriptor itself covers, which is more where the
 *	other stage has smaller pages
 * @world: enum ssim_world
 * @global: matches every ASID
 * @vmid: tag
 * @asid: tag
 * @sid: configuration: stream ID
 * @ssid: configuration: substream
 * @addr: input address, aligned to @shift
 * @out: output address; of tables: of the next table
 * @ipa: S1 in a nest: intermediate address of @out
 * @user: S1: what unprivileged accesses may; else what any may
 * @priv: S1: what privileged accesses may
 * @s2: S1 in a nest: what stage 2 lets them
 * @at: physical address of what was cached, for a comparison when it is dropped
 * @word: tables and translations: the descriptor; configuration: all of it
 */
struct ssim_entry {
	struct list_head kind_node;
	struct list_head hash_node;
	u8 kind;
	s8 level;
	u8 tg;
	u8 shift;
	u8 leaf_shift;
	u8 world;
	bool global;
	u16 vmid;
	u16 asid;
	u32 sid;
	u32 ssid;
	u64 addr;
	u64 out;
	u64 ipa;
	u8 user;
	u8 priv;
	u8 s2;
	u64 at;
	u64 word[8];
};

/**
 * struct ssim_stall - a transaction that waits for CMD_RESUME
 * @used: is there one?
 * @recorded: its event is in the queue
 * @answer: SIM_TIMEOUT until there is one
 * @sid: stream ID
 * @event: its record
 * @generation: of this use of the slot
 */
struct ssim_stall {
	bool used;
	bool recorded;
	enum sim_status answer;
	u32 sid;
	u32 generation;
	u64 event[4];
};

#define SSIM_LATE	8

/**
 * struct ssim_late - a page request on its way to the unit (SIM_FAULT_PRQ_LATE)
 * @used: is there one?
 * @sid: stream ID
 * @req: the request
 * @group: PRGIndex
 * @last: the last one of the group
 */
struct ssim_late {
	bool used;
	u32 sid;
	struct sim_request req;
	u16 group;
	bool last;
};

/* A queue between software and hardware; indices with their wrap bit. */
struct ssim_queue {
	u64 base;
	u32 prod;
	u32 cons;
};

struct ssim_msi {
	u64 addr;
	u32 data;
	u32 attr;
};

#define SSIM_HASH_BITS	12

/**
 * struct ssim - a unit
 * @ops: what it needs from outside
 * @f: what it is
 * @cr0: as written
 * @cr0ack: as in effect
 * @gbpa: global bypass attributes, and GBPA.Update while it is pending
 * @sync_due: when the CMD_SYNC that is held back is done (SIM_FAULT_LATE); 0: none is
 * @sync_lost: the queue has stopped for good (SIM_FAULT_LOST), until it is switched
 *	off
 * @stuck: handshakes do not answer (SIM_FAULT_STUCK), until one more is begun
 * @atc_failed: an invalidation since the last CMD_SYNC got no answer
 * @unsynced: something of the unit's own caches was invalidated since then
 * @faults: how often each enum sim_fault is to happen yet
 * @late_ms: SIM_FAULT_LATE: how late
 * @entries: all cached entries, and room for more
 * @spare: what there was no room for
 * @free: the room
 * @kinds: cached entries
 * @hash: the same, to find them
 * @shifts: how many of a kind have a size
 */
struct ssim {
	const struct ssim_ops *ops;
	struct ssim_features f;

	u32 cr0, cr0ack, cr1, cr2;
	u32 gbpa;
	u32 gbpa_next;
	u32 irq_ctrl, irq_ctrlack;
	u32 gerror, gerrorn;
	u64 strtab_base;
	u32 strtab_cfg;
	struct ssim_queue cmdq, eventq, priq;
	struct ssim_msi msi[SSIM_IRQS];

	u64 sync_due;
	bool sync_lost;
	bool stuck;
	bool atc_failed;
	bool unsynced;
	u32 faults[SIM_FAULTS];
	u64 late_ms;

	struct ssim_stall stalls[SSIM_STALLS];
	struct ssim_late late[SSIM_LATE];
	struct ssim_counter counters[SSIM_COUNTERS];

	struct ssim_entry *entries;
	unsigned int num_entries;
	struct ssim_entry spare[SSIM_KINDS];
	struct list_head free;
	struct list_head kinds[SSIM_KINDS];
	struct list_head hash[1 << SSIM_HASH_BITS];
	u32 shifts[SSIM_KINDS][64];
};

/**
 * struct ssim_access - a request on its way through
 * @req: the request
 * @sid: its stream
 * @ssid: its substream, SIM_NO_PASID: none
 * @read: it reads (an ATS request always does)
 * @write: it writes
 * @exec: it reads instructions; ATS: it asks for execute permission
 * @priv: it is privileged
 * @inst: STE.INSTCFG, for ATS
 * @ats: it is an ATS translation request
 * @quiet: a prefetch: nothing is recorded, nothing stalls
 * @ste: the entry in use
 * @cd: the descriptor in use, where stage 1 translates
 * @cd_ssid: index of @cd
 * @world: who tags
 */
struct ssim_access {
	const struct sim_request *req;
	u32 sid;
	u32 ssid;
	bool read;
	bool write;
	bool exec;
	bool priv;
	u8 inst;
	bool ats;
	bool quiet;
	const u64 *ste;
	const u64 *cd;
	u32 cd_ssid;
	enum ssim_world world;
};

/**
 * struct ssim_fault - why a request does not go through
 * @id: enum ssim_event_id; 0: nothing is recorded
 * @s2: it is stage 2's
 * @class: CLASS_...
 * @tt_write: F_PERMISSION of CLASS_TT: it was an update of the descriptor
 * @ipa: with @s2
 * @fetch: FetchAddr
 * @status: what the device sees
 */
struct ssim_fault {
	u8 id;
	bool s2;
	u8 class;
	bool tt_write;
	u64 ipa;
	u64 fetch;
	enum sim_status status;
};

/**
 * struct ssim_result - where a request goes
 * @phys: of the first byte
 * @shift: log2 of the range around it that one entry translates
 * @perms: SSIM_R, SSIM_W, SSIM_X
 * @global: ATS: the entry is global
 */
struct ssim_result {
	u64 phys;
	u8 shift;
	u8 perms;
	bool global;
};

/* smmuv3_regs.c */
void ssim_features_default(struct ssim_features *f);
int ssim_features_parse(struct ssim_features *f, const char *word);
void ssim_init(struct ssim *u, const struct ssim_ops *ops, const struct ssim_features *f,
	       struct ssim_entry *entries, unsigned int num_entries);
u32 ssim_read(struct ssim *u, u32 reg);
void ssim_write(struct ssim *u, u32 reg, u32 value);
void ssim_tick(struct ssim *u);
void ssim_gerror(struct ssim *u, u32 error);
void ssim_irq(struct ssim *u, enum ssim_irq irq);
int ssim_inject(struct ssim *u, enum sim_fault fault, u32 count, u64 arg);
bool ssim_take_fault(struct ssim *u, enum sim_fault fault);
void ssim_count(struct ssim *u, const char *name);
void ssim_count_each(struct ssim *u, bool reset,
		     void (*emit)(void *arg, const char *name, u64 value), void *arg);
int ssim_fetch(struct ssim *u, u64 phys, void *buf, size_t len);
unsigned int ssim_oas(struct ssim *u);
unsigned int ssim_size_bits(unsigned int code);

/* smmuv3_cmdq.c */
void ssim_cmdq_run(struct ssim *u, unsigned int max);
void ssim_cmdq_disable(struct ssim *u);

/* smmuv3_cache.c */
void ssim_cache_init(struct ssim *u, struct ssim_entry *entries, unsigned int num);
struct ssim_entry *ssim_cache_find(struct ssim *u, const struct ssim_entry *key);
struct ssim_entry *ssim_cache_find_config(struct ssim *u, enum ssim_kind kind, u32 sid,
					  u32 ssid);
struct ssim_entry *ssim_cache_add(struct ssim *u, const struct ssim_entry *entry);
void ssim_cache_drop(struct ssim *u, struct ssim_entry *entry);
bool ssim_cache_changed(struct ssim *u, const struct ssim_entry *entry);

/* smmuv3_config.c */
bool ssim_find_ste(struct ssim *u, struct ssim_access *a, struct ssim_fault *fault);
bool ssim_find_cd(struct ssim *u, struct ssim_access *a, struct ssim_fault *fault);
void ssim_check_ste_update(struct ssim *u, u32 sid);
void ssim_check_cd_update(struct ssim *u, u32 sid, u32 ssid);
unsigned int ssim_ste_config(const u64 *ste);
unsigned int ssim_ste_eats(struct ssim *u, const u64 *ste);

/* smmuv3_walk.c */
bool ssim_stage1(struct ssim *u, struct ssim_access *a, u64 va, struct ssim_result *result,
		 struct ssim_fault *fault);
u8 ssim_needs(const struct ssim_access *a);
u8 ssim_result_perms(const struct ssim_access *a, u8 granted);
bool ssim_stage2(struct ssim *u, struct ssim_access *a, u64 ipa, u8 need, u8 class,
		 struct ssim_entry **entry, struct ssim_fault *fault);

/* smmuv3_access.c */
void ssim_access(struct ssim *u, u32 sid, const struct sim_request *req, void *buf,
		 size_t len, struct sim_reply *reply);
void ssim_prefetch(struct ssim *u, u32 sid, u32 ssid, bool address, u64 addr);
bool ssim_terminates(struct ssim *u, u32 sid);

/* smmuv3_event.c */
bool ssim_queue_full(const struct ssim_queue *q);
u32 ssim_queue_next(const struct ssim_queue *q, u32 index);
u64 ssim_queue_slot(const struct ssim_queue *q, u32 index, size_t entry);
void ssim_event(struct ssim *u, const struct ssim_access *a, const struct ssim_fault *fault);
u64 ssim_stall(struct ssim *u, const struct ssim_access *a, const struct ssim_fault *fault);
enum sim_status ssim_stall_answer(struct ssim *u, u64 number);
void ssim_stall_forget(struct ssim *u, u64 number);
void ssim_resume(struct ssim *u, u32 sid, u16 stag, enum sim_status answer);
void ssim_stall_terminate(struct ssim *u, u32 sid, bool all);
void ssim_stalls_retry(struct ssim *u, u32 first, u32 last);
void ssim_events_flush(struct ssim *u);

/* smmuv3_priq.c */
enum sim_status ssim_page_request(struct ssim *u, u32 sid, const struct sim_request *req,
				  u16 group, bool last);
void ssim_page_requests_arrive(struct ssim *u, u32 sid, bool all);

#endif
