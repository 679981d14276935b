/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of smmuv3_nested share. Sections are those of the SMMUv3
 * specification (IHI 0070).
 *
 * Locks, outermost first:
 *   master->lock	the core's: one set_translation() of a device at a time
 *   inq->lock		mutex: reading a queue that the unit writes
 *   answers->lock	mutex: answers of the core's while they are given to the
 *			unit; nothing but cmdq->lock is taken inside it
 *   unit->lock		mutex: the stream table of a unit, its streams and what
 *			they show
 *   domain->units_rwsem	which units a domain is on, its VMID there, the
 *			VMIDs nested on it, and which devices may cache what goes
 *			through them: read to invalidate, write to join and to
 *			leave
 *   unit->ats_rwsem	in which devices of a unit ATS is on: read to invalidate,
 *			from before the first command until the hardware has
 *			answered the last
 *   unit->streams_lock	spinlock: which device a stream ID is; for who must not
 *			sleep. Written under unit->lock as well. The core's locks of
 *			page requests are inside it
 *   cmdq->lock		spinlock: the command queue, and GERRORN
 *   faults->lock	spinlock: the record of the last faults
 */
#ifndef __SMMUV3_H
#define __SMMUV3_H

#include <linux/bitfield.h>
#include <linux/idr.h>
#include <linux/io.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/platform_device.h>
#include <linux/ratelimit.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>
#include <linux/xarray.h>
#include <iommufd_sva/backend.h>
#include <iommufd_sva/pt.h>
#include "iort.h"
#include "smmuv3_cmd.h"
#include "smmuv3_event.h"
#include "smmuv3_regs.h"
#include "smmuv3_ste.h"

struct regmap;
struct smmu_domain;
struct smmu_unit;

/**
 * struct smmu_cmdq - the command queue (3.5, 4)
 * @lock: protects everything here, the registers of the queue and GERRORN
 * @ring: the commands
 * @dma: where the hardware sees @ring
 * @log2: of how many there are
 * @prod: commands ever written; the hardware's index is its low bits
 * @cons: commands ever consumed, as far as is known
 * @waiting: struct smmu_cmdq_waiter, one per caller that waits
 * @dead: the hardware stopped answering for good
 * @batches: submissions so far
 * @commands: commands so far, without CMD_SYNC
 * @recoveries: errors recovered from
 */
struct smmu_cmdq {
	spinlock_t lock;
	__le64 *ring;
	dma_addr_t dma;
	unsigned int log2;
	u64 prod;
	u64 cons;
	struct list_head waiting;
	bool dead;
	u64 batches;
	u64 commands;
	u64 recoveries;
};

/**
 * struct smmu_inq - a queue that the hardware writes (3.5.2): events (7.2), page
 *	requests (8)
 * @ring: the records
 * @dma: where the hardware sees @ring
 * @log2: of how many there are
 * @qwords: 64-bit words of a record
 * @prod_reg: register that says where the hardware is
 * @cons_reg: register that says where we are
 * @record: what is done with a record; @lock is held
 * @lost: there was no room for some; all that were before have been read. @lock is held
 * @lock: see the top; protects what follows
 * @cons: index and wrap bit that are read next; and OVFLG as last acknowledged
 * @batch: records that were read, in the CPU's byte order
 * @answers: commands that answer them
 * @num_answers: how many, at most one for each record
 */
struct smmu_inq {
	__le64 *ring;
	dma_addr_t dma;
	unsigned int log2;
	unsigned int qwords;
	unsigned int prod_reg;
	unsigned int cons_reg;
	void (*record)(struct smmu_unit *unit, const u64 *record);
	void (*lost)(struct smmu_unit *unit);
	struct mutex lock;
	u32 cons;
	u64 *batch;
	struct smmuv3_cmd *answers;
	unsigned int num_answers;
};

/* As many as the core gives at a time. */
#define SMMU_ANSWERS_MAX	128

/**
 * struct smmu_answers - answers of the core's, on their way to the command queue
 * @lock: see the top; protects @cmds
 * @cmds: the commands
 */
struct smmu_answers {
	struct mutex lock;
	struct smmuv3_cmd cmds[SMMU_ANSWERS_MAX];
};

/**
 * struct smmu_requests - page requests and stalls of a unit, so far
 * @requests: page requests
 * @refused: groups of them that were refused here
 * @stop_markers: Stop Markers
 * @overflows: times that the queue was full
 * @stalls: transactions that stalled
 * @stalls_refused: of which were terminated here
 * @answers: answers that the core gave
 */
struct smmu_requests {
	atomic64_t requests;
	atomic64_t refused;
	atomic64_t stop_markers;
	atomic64_t overflows;
	atomic64_t stalls;
	atomic64_t stalls_refused;
	atomic64_t answers;
};

/**
 * struct smmu_fault - an event as the hardware recorded it (7.3), and those like it
 *	right after it
 * @when: jiffies
 * @last: jiffies, of the last of them
 * @count: how many
 * @event: the first record
 */
struct smmu_fault {
	unsigned long when;
	unsigned long last;
	u64 count;
	u64 event[SMMUV3_EVENT_QWORDS];
};

#define SMMU_FAULTS_KEPT	64

/**
 * struct smmu_faults - faults of a unit
 * @ratelimit: of the log
 * @lock: protects what follows
 * @kept: the last faults, for debugfs
 * @num: faults so far; the next one is kept at @num % SMMU_FAULTS_KEPT
 * @events: events so far
 * @overflows: times that the hardware had more than it could record
 */
struct smmu_faults {
	struct ratelimit_state ratelimit;
	spinlock_t lock;
	struct smmu_fault kept[SMMU_FAULTS_KEPT];
	u64 num;
	u64 events;
	u64 overflows;
};

/* Interrupts of a unit; see irq.c. */
enum smmu_irq {
	SMMU_IRQ_EVENTQ,
	SMMU_IRQ_GERROR,
	SMMU_IRQ_PRIQ,
	SMMU_NUM_IRQS,
};

/**
 * struct smmu_found_msi - an interrupt as it was before we came
 * @address: *_IRQ_CFG0
 * @data: *_IRQ_CFG1
 * @attr: *_IRQ_CFG2
 */
struct smmu_found_msi {
	u64 address;
	u32 data;
	u32 attr;
};

/**
 * struct smmu_found - registers as they were before we came
 * @cr0: CR0; the unit did not translate
 * @cr1: CR1
 * @cr2: CR2
 * @gbpa: GBPA: what requests meet while the unit does not translate; stays
 * @irq_ctrl: IRQ_CTRL
 * @msi: by enum smmu_irq
 * @strtab_base: STRTAB_BASE
 * @strtab_base_cfg: STRTAB_BASE_CFG
 * @cmdq_base: CMDQ_BASE
 * @cmdq_prod: CMDQ_PROD
 * @cmdq_cons: CMDQ_CONS
 * @eventq_base: EVENTQ_BASE
 * @eventq_prod: EVENTQ_PROD
 * @eventq_cons: EVENTQ_CONS
 * @priq_base: PRIQ_BASE
 * @priq_prod: PRIQ_PROD
 * @priq_cons: PRIQ_CONS
 */
struct smmu_found {
	u32 cr0;
	u32 cr1;
	u32 cr2;
	u32 gbpa;
	u32 irq_ctrl;
	struct smmu_found_msi msi[SMMU_NUM_IRQS];
	u64 strtab_base;
	u32 strtab_base_cfg;
	u64 cmdq_base;
	u32 cmdq_prod;
	u32 cmdq_cons;
	u64 eventq_base;
	u32 eventq_prod;
	u32 eventq_cons;
	u64 priq_base;
	u32 priq_prod;
	u32 priq_cons;
};

/* 2^8 STEs under an L1 descriptor: 16 KiB (3.3.1.2). */
#define SMMU_SPLIT		8
#define SMMU_L2_STES		BIT(SMMU_SPLIT)

/**
 * struct smmu_strtab - the stream table (3.3.1); under unit->lock
 * @log2: of how many stream IDs it holds; the hardware aborts requests of others
 * @two_level: else linear
 * @linear: the table, if linear
 * @l1: level 1 descriptors, if two-level
 * @dma: where the hardware sees @linear or @l1
 * @memory: what the one of them that there is was allocated as
 * @memory_bytes: how much that is
 * @memory_dma: where the hardware sees it
 * @bypass: the level 2 table that every descriptor leads to at first: its
 *	streams pass
 * @bypass_dma: where the hardware sees @bypass
 * @l2: own level 2 tables, by level 1 index; NULL: @bypass
 * @l2_dma: where the hardware sees them
 * @spare: a level 2 table that nobody sees, or NULL; see smmu_strtab_write()
 * @spare_dma: where the hardware would see it
 */
struct smmu_strtab {
	unsigned int log2;
	bool two_level;
	struct smmuv3_ste *linear;
	__le64 *l1;
	dma_addr_t dma;
	void *memory;
	size_t memory_bytes;
	dma_addr_t memory_dma;
	struct smmuv3_ste *bypass;
	dma_addr_t bypass_dma;
	struct smmuv3_ste **l2;
	dma_addr_t *l2_dma;
	struct smmuv3_ste *spare;
	dma_addr_t spare_dma;
};

/**
 * struct smmu_unit - one SMMU
 * @base: what the core sees of it
 * @dev: its device
 * @name: "smmu3.0x…": after its address, as the kernel's own driver has it
 * @phys: address of its registers
 * @mmio: its registers, unless @regmap
 * @regmap: the same of a hardware model; NULL for hardware
 * @iort: the table that says what is behind it; empty for a device tree's
 * @idr: IDR0 to IDR5
 * @iidr: IIDR
 * @aidr: AIDR
 * @oas: IDR5.OAS in bits
 * @coherent: table walks and queues snoop the CPU's caches: IDR0.COHACC, or what
 *	firmware says instead
 * @vmid_bits: 8 or 16
 * @sid_bits: IDR1.SIDSIZE
 * @node: in smmu_units
 * @found: to be put back
 * @taken: it translates, for us
 * @warned_noncoherent: it was said that guests nest without S2FWB
 * @warned_linear: it was said that replacing is not hitless
 * @lock: see the top
 * @strtab: the stream table
 * @streams: stream ID to struct smmu_stream. Also under @streams_lock
 * @streams_lock: see the top
 * @ats_rwsem: see the top
 * @vmids: VMIDs in use
 * @num_vmids: how many
 * @cmdq: command queue
 * @evtq: event queue
 * @priq: page request queue; no ring where IDR0.PRI is clear
 * @faults: what came out of @evtq
 * @requests: what came out of @priq, and stalls out of @evtq
 * @answers: what goes back
 * @irqs: by enum smmu_irq, 0: none
 * @has_msi: @irqs are messages
 * @irqs_stopping: whoever reads a queue ends
 * @debugfs: its directory
 *
 * Everything up to @found is constant once the unit is there.
 */
struct smmu_unit {
	struct iommufd_sva_unit base;
	struct device *dev;
	char name[32];
	phys_addr_t phys;
	void __iomem *mmio;
	struct regmap *regmap;
	struct smmuv3_iort iort;
	u32 idr[6];
	u32 iidr;
	u32 aidr;
	unsigned int oas;
	bool coherent;
	unsigned int vmid_bits;
	unsigned int sid_bits;
	struct list_head node;
	struct smmu_found found;
	bool taken;
	u32 warned_noncoherent;
	u32 warned_linear;
	struct mutex lock;
	struct smmu_strtab strtab;
	struct xarray streams;
	spinlock_t streams_lock;
	struct rw_semaphore ats_rwsem;
	struct ida vmids;
	atomic_t num_vmids;
	struct smmu_cmdq cmdq;
	struct smmu_inq evtq;
	struct smmu_inq priq;
	struct smmu_faults faults;
	struct smmu_requests requests;
	struct smmu_answers answers;
	int irqs[SMMU_NUM_IRQS];
	bool has_msi;
	bool irqs_stopping;
	struct dentry *debugfs;
};

static inline struct smmu_unit *to_smmu_unit(struct iommufd_sva_unit *unit)
{
	return container_of(unit, struct smmu_unit, base);
}

#define smmu_err(unit, fmt, ...) \
	pr_err("smmuv3_nested %s: " fmt, (unit)->name, ##__VA_ARGS__)
/* What a device can bring about again and again. */
#define smmu_err_ratelimited(unit, fmt, ...) \
	pr_err_ratelimited("smmuv3_nested %s: " fmt, (unit)->name, ##__VA_ARGS__)
#define smmu_warn_ratelimited(unit, fmt, ...) \
	pr_warn_ratelimited("smmuv3_nested %s: " fmt, (unit)->name, ##__VA_ARGS__)
#define smmu_warn(unit, fmt, ...) \
	pr_warn("smmuv3_nested %s: " fmt, (unit)->name, ##__VA_ARGS__)
#define smmu_info(unit, fmt, ...) \
	pr_info("smmuv3_nested %s: " fmt, (unit)->name, ##__VA_ARGS__)

/* model.c: of a unit with a regmap. */
struct regmap *smmu_model_regmap(struct device *dev);
u32 smmu_model_read32(struct smmu_unit *unit, unsigned int offset);
void smmu_model_write32(struct smmu_unit *unit, unsigned int offset, u32 value);
u64 smmu_model_read64(struct smmu_unit *unit, unsigned int offset);
void smmu_model_write64(struct smmu_unit *unit, unsigned int offset, u64 value);

static inline u32 smmu_read32(struct smmu_unit *unit, unsigned int offset)
{
	if (unlikely(unit->regmap))
		return smmu_model_read32(unit, offset);
	return readl(unit->mmio + offset);
}

static inline void smmu_write32(struct smmu_unit *unit, unsigned int offset, u32 value)
{
	if (unlikely(unit->regmap))
		smmu_model_write32(unit, offset, value);
	else
		writel(value, unit->mmio + offset);
}

static inline u64 smmu_read64(struct smmu_unit *unit, unsigned int offset)
{
	if (unlikely(unit->regmap))
		return smmu_model_read64(unit, offset);
	return readq(unit->mmio + offset);
}

static inline void smmu_write64(struct smmu_unit *unit, unsigned int offset, u64 value)
{
	if (unlikely(unit->regmap))
		smmu_model_write64(unit, offset, value);
	else
		writeq(value, unit->mmio + offset);
}

/*
 * main.c: every unit that is ours, and a lock around the list; inside all others.
 * The device of one whose table walks do not snoop, NULL: there is none.
 */
extern struct list_head smmu_units;
extern struct mutex smmu_units_lock;
extern struct device *smmu_noncoherent_dev;
/* Guests' tables on a unit that cannot force their memory types (IDR3.FWB). */
extern bool smmu_allow_noncoherent_nesting;
/* Append a region to what get_resv_regions() gives. */
void smmu_add_resv_region(struct list_head *head, u64 start, size_t len, int prot,
			  enum iommu_resv_type type);

/* Is whether faults stall for software to say (IDR0.STALL_MODEL)? */
static inline bool smmu_stall_choice(const struct smmu_unit *unit)
{
	return FIELD_GET(SMMUV3_IDR0_STALL_MODEL, unit->idr[0]) ==
	       SMMUV3_IDR0_STALL_MODEL_CHOICE;
}

/* unit.c */
struct smmu_unit *smmu_unit_create(struct platform_device *pdev);
void smmu_unit_destroy(struct smmu_unit *unit);
int smmu_unit_take(struct smmu_unit *unit);
void smmu_unit_hand_back(struct smmu_unit *unit);
int smmu_unit_enable(struct smmu_unit *unit, u32 enables, bool on);
int smmu_unit_alloc_vmid(struct smmu_unit *unit);
void smmu_unit_free_vmid(struct smmu_unit *unit, u16 vmid);

/* cmdq.c */
#define SMMU_BATCH_CMDS		32

/**
 * struct smmu_cmdq_batch - commands that are collected and then take effect
 * @unit: where
 * @num: how many are in @cmds
 * @error: the first error of those that did not fit and were submitted
 * @cmds: the commands
 *
 * On the caller's stack. For longer ones that are somewhere already there is
 * smmu_cmdq_submit().
 */
struct smmu_cmdq_batch {
	struct smmu_unit *unit;
	unsigned int num;
	int error;
	struct smmuv3_cmd cmds[SMMU_BATCH_CMDS];
};

int smmu_cmdq_init(struct smmu_unit *unit);
void smmu_cmdq_free(struct smmu_unit *unit);
int smmu_cmdq_start(struct smmu_unit *unit);
void smmu_cmdq_stop(struct smmu_unit *unit);
void smmu_cmdq_recover(struct smmu_unit *unit);
int smmu_cmdq_submit(struct smmu_unit *unit, const struct smmuv3_cmd *cmds,
		     unsigned int num);
void smmu_cmdq_batch_init(struct smmu_cmdq_batch *batch, struct smmu_unit *unit);
void smmu_cmdq_batch_add(struct smmu_cmdq_batch *batch, struct smmuv3_cmd cmd);
void smmu_cmdq_batch_order(struct smmu_cmdq_batch *batch);
int smmu_cmdq_batch_submit(struct smmu_cmdq_batch *batch);

/* strtab.c */
int smmu_strtab_init(struct smmu_unit *unit);
void smmu_strtab_free(struct smmu_unit *unit);
void smmu_strtab_show(struct smmu_unit *unit);
/* Where the STE of @sid is: read it under unit->lock; NULL beyond the table. */
struct smmuv3_ste *smmu_strtab_ste(struct smmu_unit *unit, u32 sid);
int smmu_strtab_reserve(struct smmu_unit *unit, u32 sid);
int smmu_strtab_write(struct smmu_unit *unit, const u32 *sids, unsigned int num,
		      const struct smmuv3_ste *target);
/* The entry of a stream that passes. */
void smmu_strtab_bypass(struct smmu_unit *unit, struct smmuv3_ste *ste);

/* inq.c */
int smmu_inqs_init(struct smmu_unit *unit);
void smmu_inqs_free(struct smmu_unit *unit);
int smmu_inqs_start(struct smmu_unit *unit);
bool smmu_inq_drain(struct smmu_unit *unit, struct smmu_inq *q);
void smmu_inq_flush(struct smmu_unit *unit, struct smmu_inq *q);
void smmu_inq_answer(struct smmu_inq *q, struct smmuv3_cmd cmd);

/* evtq.c */
void smmu_evtq_init(struct smmu_unit *unit);
void smmu_gerror(struct smmu_unit *unit);
/* "device 0000:01:00.0", or what is known of a stream that no device of ours has. */
void smmu_stream_name(struct smmu_unit *unit, u32 sid, char *buf, size_t len);

/* irq.c */
int smmu_irqs_start(struct smmu_unit *unit);
void smmu_irqs_stop(struct smmu_unit *unit);
void smmu_irqs_save_found(struct smmu_unit *unit);

/**
 * struct smmu_stream - a stream ID that some device of ours uses
 * @sid: the ID
 * @users: struct smmu_stream_user, the one that was set last at the front
 * @shown: whose STE is in the table, NULL: nobody's, it passes, or
 * @quarantined: it is blocked, for a device that is gone, until the unit is
 *	handed back
 *
 * From the first user on until the unit is handed back. Under unit->lock;
 * @shown also under unit->streams_lock.
 */
struct smmu_stream {
	u32 sid;
	struct list_head users;
	struct smmu_master *shown;
	bool quarantined;
};

/**
 * struct smmu_stream_user - a device that uses a stream ID
 * @node: in smmu_stream.users
 * @stream: the ID
 * @sm: the device
 */
struct smmu_stream_user {
	struct list_head node;
	struct smmu_stream *stream;
	struct smmu_master *sm;
};

/**
 * struct smmu_atc - a device in a list of those that may have cached something
 * @node: in the list
 * @sm: the device
 */
struct smmu_atc {
	struct list_head node;
	struct smmu_master *sm;
};

/**
 * struct smmu_master - a device
 * @base: what the core has of it
 * @unit: the unit that it is behind
 * @taken: @ste says what it does; else it has passed all along
 * @nested: the guest's tables that it goes through, NULL: none
 * @plain: its entry as what it goes through has it
 * @host: what the host says of it besides
 * @ste: both: what each of its streams shows, or would if it were not another's
 * @stalls: something of it may stall, or may have been and not be terminated. Written under
 *	master->lock as well
 * @asks: its page requests are the core's. Also under unit->streams_lock
 * @num_sids: how many
 * @sids: its stream IDs, [0] its own, the others may be shared
 * @users: the same
 * @atcs: what it is in two lists by, at most: on the way from the one to the other
 * @silent: it did not answer an invalidation of its ATC: set under unit->ats_rwsem,
 *	cleared when that is written
 * @cut_off: so its entry has lost EATS
 *
 * @sids and @num_sids are constant, @atcs is under units_rwsem of the domain that its
 * list is of, the rest under unit->lock. In master->priv of @base.
 */
struct smmu_master {
	struct iommufd_sva_master *base;
	struct smmu_unit *unit;
	bool taken;
	struct iommufd_sva_nested *nested;
	struct smmuv3_ste plain;
	struct smmuv3_host host;
	struct smmuv3_ste ste;
	bool stalls;
	bool asks;
	unsigned int num_sids;
	u32 sids[IOMMUFD_SVA_MAX_RIDS];
	struct smmu_stream_user users[IOMMUFD_SVA_MAX_RIDS];
	struct smmu_atc atcs[2];
	bool silent;
	bool cut_off;
};

static inline struct smmu_master *to_smmu_master(struct iommufd_sva_master *master)
{
	return master->priv;
}

/* translation.c */
int smmu_master_init(struct iommufd_sva_master *master);
void smmu_master_release(struct iommufd_sva_master *master, bool quarantine);
int smmu_set_translation(struct iommufd_sva_master *master, u32 pasid,
			 const struct iommufd_sva_translation *new,
			 const struct iommufd_sva_translation *old);
/*
 * The entry of @sm with @host, from now on: also if that fails, for the next one. Under
 * unit->lock. 0, or -EIO.
 */
int smmu_master_set_host(struct smmu_master *sm, const struct smmuv3_host *host);
/* The device whose requests have @sid now; unit->streams_lock is held. */
struct smmu_master *smmu_find_master(struct smmu_unit *unit, u32 sid);
void smmu_streams_free(struct smmu_unit *unit);

/* ats.c */
bool smmu_ats_capable(struct iommufd_sva_master *master);
int smmu_ats_set(struct iommufd_sva_master *master, bool on);
void smmu_atc_init(struct smmu_master *sm);
void smmu_atc_join(struct smmu_master *sm, struct list_head *list);
void smmu_atc_leave(struct smmu_master *sm, struct list_head *list);
bool smmu_atc_is_on(struct smmu_master *sm);
void smmu_atc_add_range(struct smmu_cmdq_batch *batch, const struct list_head *list,
			u64 start, u64 last);
void smmu_atc_add_list(struct smmu_cmdq_batch *batch, const struct list_head *list);
int smmu_atc_find_silent(const struct list_head *list);
bool smmu_atc_any_silent(const struct list_head *list);
int smmu_atc_cut_off(struct smmu_unit *unit);
int smmu_atc_flush(struct smmu_master *sm);

/**
 * enum smmu_request - what became of a page request
 * @SMMU_REQUEST_TAKEN: the core has it
 * @SMMU_REQUEST_REFUSED: nobody is there who could answer
 * @SMMU_REQUEST_REFUSED_PASID: and the device wants its PASID in the answer
 * @SMMU_REQUEST_STRAY: nobody knows the device, or that it has page requests
 */
enum smmu_request {
	SMMU_REQUEST_TAKEN,
	SMMU_REQUEST_REFUSED,
	SMMU_REQUEST_REFUSED_PASID,
	SMMU_REQUEST_STRAY,
};

/* priq.c */
void smmu_priq_init(struct smmu_unit *unit);
void smmu_priq_announce(struct smmu_unit *unit);
void smmu_priq_aborted(struct smmu_unit *unit);
void smmu_send_answers(struct smmu_unit *unit, const struct smmuv3_cmd *answers,
		       unsigned int num);
enum smmu_request smmu_report_page_request(struct smmu_unit *unit, u32 sid,
					   const struct iommufd_sva_page_request *request);
bool smmu_pri_capable(struct iommufd_sva_master *master);
int smmu_pri_set(struct iommufd_sva_master *master, bool on);
void smmu_pri_drain(struct iommufd_sva_master *master);
void smmu_page_respond(struct iommufd_sva_unit *base,
		       const struct iommufd_sva_page_response *responses, unsigned int num);
void smmu_stall_term(struct smmu_master *sm);

/**
 * struct smmu_tag - a domain on a unit
 * @node: in smmu_domain.units
 * @unit: the unit
 * @vmid: the domain's VMID there
 * @users: translations of devices of @unit that need it, and @nested
 * @nested: struct smmu_nested_tag
 * @atcs: struct smmu_atc of devices that go through the domain alone
 */
struct smmu_tag {
	struct list_head node;
	struct smmu_unit *unit;
	u16 vmid;
	unsigned int users;
	struct list_head nested;
	struct list_head atcs;
};

/**
 * struct smmu_nested_tag - a VMID under which a unit caches what went through
 *	stage 1 tables of a guest and then a domain: every unmap from the domain
 *	flushes all of it
 * @node: in smmu_tag.nested
 * @vmid: the VMID
 * @atcs: struct smmu_atc of devices that use it
 */
struct smmu_nested_tag {
	struct list_head node;
	u16 vmid;
	struct list_head atcs;
};

/**
 * struct smmu_domain - a stage-2 address space
 * @base: what the core sees of it
 * @pt: its tables
 * @nest_parent: may be nested on
 * @units_rwsem: protects @units; see the top
 * @units: struct smmu_tag, one per unit that it is on
 */
struct smmu_domain {
	struct iommufd_sva_domain base;
	struct iommufd_sva_pt pt;
	bool nest_parent;
	struct rw_semaphore units_rwsem;
	struct list_head units;
};

static inline struct smmu_domain *to_smmu_domain(struct iommufd_sva_domain *domain)
{
	return container_of(domain, struct smmu_domain, base);
}

/* domain.c */
struct iommufd_sva_domain *smmu_domain_alloc(struct iommufd_sva_backend *backend,
					     struct iommufd_sva_unit *unit, u32 flags);
int smmu_domain_join(struct smmu_domain *domain, struct smmu_master *sm, u16 *vmid);
void smmu_domain_leave(struct smmu_domain *domain, struct smmu_master *sm);
/*
 * @nested, its vmid filled in (smmu_unit_alloc_vmid()), caches what goes through
 * @domain on @unit, from now on until it leaves.
 */
int smmu_domain_join_nested(struct smmu_domain *domain, struct smmu_unit *unit,
			    struct smmu_nested_tag *nested);
void smmu_domain_leave_nested(struct smmu_domain *domain, struct smmu_unit *unit,
			      struct smmu_nested_tag *nested);
/* @sm is going to use @nested, which has joined @domain; and does not any more. */
void smmu_domain_join_atc(struct smmu_domain *domain, struct smmu_nested_tag *nested,
			  struct smmu_master *sm);
void smmu_domain_leave_atc(struct smmu_domain *domain, struct smmu_nested_tag *nested,
			   struct smmu_master *sm);
/* What an STE needs to go through @domain with @vmid. */
struct smmuv3_s2_cfg smmu_domain_s2_cfg(struct smmu_domain *domain,
					struct smmu_unit *unit, u16 vmid);

/* debugfs.c */
void smmu_debugfs_init(void);
void smmu_debugfs_exit(void);
void smmu_debugfs_add(struct smmu_unit *unit);
void smmu_debugfs_remove(struct smmu_unit *unit);

/* sysfs.c */
extern const struct attribute_group *smmu_unit_groups[];

#endif
