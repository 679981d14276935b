/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of vtd_nested share.
 *
 * Locks, outermost first; nested.h has those of guests:
 *   master->lock	the core's: one set_translation() of a device at a time
 *   unit->lock		mutex: the root, context and PASID tables of a unit, its
 *			requester IDs and what they show
 *   nested->lock		mutex, nested.c: where a nested HWPT is attached, of all
 *			units: its invalidations wait under it for the hardware
 *   domain->units_rwsem	which units a domain is on, its ID there and those of
 *			what is nested on it: read to invalidate, write to join
 *			and to leave
 *   unit->descs_lock	mutex: room for descriptors of a large batch
 *   unit->ats_rwsem	which devices have ATS on: read until what was sent to them has
 *			been answered, write to switch it
 *   domain->readers	rwsem: see struct vtd_domain; nothing is taken inside it
 *   qi->lock		spinlock: the ring of the invalidation queue and its tail
 *   unit->gcmd_lock	spinlock: GCMD_REG, one command at a time
 *   prq->lock		spinlock: whose page requests are taken, and how far the page request
 *			queue has been read; the core's locks of page requests are inside
 *   event->lock	raw spinlock: an event's control register; inside the irq core's
 *			locks
 *   faults->lock	spinlock: the record of the last faults
 */
#ifndef __VTD_H
#define __VTD_H

#include <linux/bitfield.h>
#include <linux/bitmap.h>
#include <linux/idr.h>
#include <linux/io-64-nonatomic-lo-hi.h>
#include <linux/mutex.h>
#include <linux/ratelimit.h>
#include <linux/regmap.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <asm/cacheflush.h>
#include <iommufd_sva/backend.h>
#include <iommufd_sva/pt.h>
#include "dmar.h"
#include "vtd_entry.h"
#include "vtd_regs.h"

struct irq_domain;
struct vtd_unit;

#define VTD_QI_ORDER	1
#define VTD_QI_SLOTS	((PAGE_SIZE << VTD_QI_ORDER) / sizeof(struct vtd_desc))

/**
 * struct vtd_qi_status - what the waits of a batch write: its number
 * @all: the last one
 * @fence: the one before answers to page requests
 */
struct vtd_qi_status {
	u32 all;
	u32 fence;
};

/* How many batches can wait at once: one that nobody waits for is in the same page. */
#define VTD_QI_WAITERS	(PAGE_SIZE / sizeof(struct vtd_qi_status) - 1)

/**
 * struct vtd_qi - the invalidation queue (6.5.2)
 * @lock: protects the ring and everything else here but @status
 * @ring: VTD_QI_SLOTS descriptors
 * @status: of batches that wait; the hardware's. One more, at VTD_QI_WAITERS, that
 *	nobody reads
 * @taken: which of them are somebody's
 * @seq: number of the last batch
 * @slot_seq: number of the batch whose wait is in a slot, 0: no wait
 * @waiting: struct vtd_qi_batch, one per caller that waits
 * @head: slots before it are free; the hardware may be further
 * @tail: next slot to write
 * @dead: the hardware stopped answering for good
 * @offered_slot: where an answer to page requests is that was refused and is offered again
 * @offered_seq: of which batch
 * @batches: submissions so far
 * @descs: descriptors so far, without waits
 * @recoveries: errors recovered from
 */
struct vtd_qi {
	spinlock_t lock;
	struct vtd_desc *ring;
	struct vtd_qi_status *status;
	DECLARE_BITMAP(taken, VTD_QI_WAITERS);
	u32 seq;
	u32 slot_seq[VTD_QI_SLOTS];
	struct list_head waiting;
	unsigned int head;
	unsigned int tail;
	bool dead;
	unsigned int offered_slot;
	u32 offered_seq;
	u64 batches;
	u64 descs;
	u64 recoveries;
};

/**
 * struct vtd_event - an interrupt that a unit sends
 * @unit: the unit
 * @ectl: its control register; the others are behind it
 * @name: as the kernel shows it
 * @work: what its thread does
 * @domain: on top of the CPU's vectors
 * @fwnode: of @domain
 * @irq: the interrupt
 * @lock: see the top; protects @stopping
 * @stopping: the interrupt goes away: leave it masked
 * @found: the registers as they were
 */
struct vtd_event {
	struct vtd_unit *unit;
	unsigned int ectl;
	char name[24];
	void (*work)(struct vtd_unit *unit);
	struct irq_domain *domain;
	struct fwnode_handle *fwnode;
	unsigned int irq;
	raw_spinlock_t lock;
	bool stopping;
	u32 found[4];
};

/**
 * struct vtd_fault - a fault as the hardware recorded it (FRCD_REG)
 * @when: jiffies
 * @sid: requester ID
 * @reason: fault reason
 * @write: a write; else a read
 * @has_pasid: @pasid is valid
 * @pasid: PASID
 * @addr: page of the address
 */
struct vtd_fault {
	unsigned long when;
	u16 sid;
	u8 reason;
	bool write;
	bool has_pasid;
	u32 pasid;
	u64 addr;
};

#define VTD_FAULTS_KEPT		64

/**
 * struct vtd_faults - fault reporting of a unit
 * @event: their interrupt
 * @started: it is ours
 * @ratelimit: of the log
 * @lock: protects @kept and the counters
 * @kept: the last faults, for debugfs
 * @count: faults so far; the next one is kept at @count % VTD_FAULTS_KEPT
 * @overflows: times that the hardware had more than it could record
 */
struct vtd_faults {
	struct vtd_event event;
	bool started;
	struct ratelimit_state ratelimit;
	spinlock_t lock;
	struct vtd_fault kept[VTD_FAULTS_KEPT];
	u64 count;
	u64 overflows;
};

/* What a run answers with one submission. */
#define VTD_PRQ_REFUSED		64

/**
 * struct vtd_prq - the page request queue of a unit (7.4.1)
 * @event: its interrupt
 * @started: it is ours
 * @ring: 2^VTD_PRQ_PQS pages of descriptors; the hardware's. NULL: the unit has none
 * @found: PQA_REG, PQH_REG and PQT_REG as they were
 * @lock: see the top; protects what follows up to @wait
 * @masters: devices whose page requests are taken, by requester ID. Who looked one up
 *	under @lock has it there until he lets go of that
 * @head: the next descriptor to read
 * @read: how many were read
 * @done: of how many the core was told, and those were answered that are ours to answer
 * @waited: when somebody last looked, there was something to read
 * @watched: and @done was this
 * @wait: for @done
 * @watch: looks for interrupts that were lost, while there are @masters
 * @jiffy: when @left was refilled
 * @left: how many may be read until the next jiffy; this, @jiffy, @refused and
 *	@num_refused are the thread's
 * @refused: answers of this run
 * @num_refused: how many
 * @stop_markers: those that ask for nothing; this and what follows is under @lock, but
 *	for what is atomic
 * @unknown: descriptors that are no page requests
 * @invalid: groups that nobody was there to answer
 * @overflows: times that the queue was full
 * @responses: answers given to the hardware
 * @unmatched: answers of guests to groups that do not wait for one
 */
struct vtd_prq {
	struct vtd_event event;
	bool started;
	struct vtd_page_req_dsc *ring;
	u64 found[3];
	spinlock_t lock;
	struct xarray masters;
	u32 head;
	u64 read;
	u64 done;
	bool waited;
	u64 watched;
	wait_queue_head_t wait;
	struct delayed_work watch;
	unsigned long jiffy;
	unsigned int left;
	struct vtd_desc refused[VTD_PRQ_REFUSED];
	unsigned int num_refused;
	u64 stop_markers;
	u64 unknown;
	u64 invalid;
	u64 overflows;
	atomic64_t responses;
	atomic64_t unmatched;
};

/**
 * struct vtd_found - registers as they were before we came
 * @rtaddr: RTADDR_REG
 * @iqa: IQA_REG
 * @pmen: PMEN_REG, 0 on a unit without protected memory
 */
struct vtd_found {
	u64 rtaddr;
	u64 iqa;
	u32 pmen;
};

/**
 * struct vtd_pasid_table - a PASID directory and the leaves it points to
 * @dir: directory, 2^(@pdts + 7) entries. The leaf of RID_PASID is always there, any
 *	other while a PASID of it is present, or from then on in a guest's.
 * @pdts: its size (9.4)
 * @pasid_enable: requests with a PASID are looked up too
 * @spare: the copy that takes the place of a leaf; see table.c
 * @fresh: the next new leaf, all blocked; NULL: to be allocated
 * @stale: leaves that are out of @dir but that the hardware may still hold,
 *	because it did not answer; through page->lru
 * @quarantine: in unit->quarantine, once its device is gone
 */
struct vtd_pasid_table {
	u64 *dir;
	unsigned int pdts;
	bool pasid_enable;
	struct vtd_pasid_entry *spare;
	struct vtd_pasid_entry *fresh;
	struct list_head stale;
	struct list_head quarantine;
};

/**
 * struct vtd_pasid_change - an entry of a PASID table that was set
 * @pasid: which
 * @old: what it was
 * @new: what it is
 * @directory: an entry of the directory that was present has changed
 * @leaf: is out of the directory; NULL: none
 */
struct vtd_pasid_change {
	u32 pasid;
	struct vtd_pasid_entry old;
	struct vtd_pasid_entry new;
	bool directory;
	struct vtd_pasid_entry *leaf;
};

/* RID_PASID: the PASID that requests without one are looked up with (9.4). */
#define VTD_RID_PASID	0

/**
 * struct vtd_unit - one remapping hardware unit
 * @base: what the core sees of it
 * @name: "dmar0": in the order of the DMAR table
 * @drhd: its structure in the DMAR table
 * @mmio: its registers, unless @regmap
 * @regmap: a model's registers, instead of MMIO; NULL for hardware
 * @gcmd_lock: see the top
 * @ver: VER_REG
 * @cap: CAP_REG
 * @ecap: ECAP_REG
 * @found: to be put back
 * @taken: translation is on, by us
 * @lock: protects everything below but @dids, @descs, @ats, @qi
 *	and @faults
 * @root: root table
 * @identity_context: the context table that every half bus shows at first:
 *	each of its entries leads to @identity
 * @contexts: own context tables, by 2 * bus + half; NULL: @identity_context
 * @identity: requests pass through
 * @rids: requester ID to struct vtd_rid
 * @quarantine: PASID tables that stay blocked until the unit is handed back
 * @dids: domain IDs in use
 * @num_dids: how many
 * @identity_did: the one that pass-through entries carry
 * @skipped: interrupt-entry-cache invalidations of guests that were left out
 * @descs_lock: protects @descs; see the top
 * @descs: room for half a queue of descriptors
 * @ats_rwsem: protects @ats; see the top
 * @ats: struct vtd_ats by requester ID, of devices that have ATS on
 * @ats_silent: one of them did not answer, and uses what it has still
 * @qi: invalidation queue
 * @prq: page request queue
 * @faults: fault reporting
 * @debugfs: its directory
 */
struct vtd_unit {
	struct iommufd_sva_unit base;
	char name[16];
	struct vtd_remapping *drhd;
	void __iomem *mmio;
	struct regmap *regmap;
	spinlock_t gcmd_lock;
	u32 ver;
	u64 cap;
	u64 ecap;
	struct vtd_found found;
	bool taken;
	struct mutex lock;
	struct vtd_root_entry *root;
	struct vtd_context_entry *identity_context;
	struct vtd_context_entry *contexts[2 * VTD_ROOT_ENTRIES];
	struct vtd_pasid_table *identity;
	struct xarray rids;
	struct list_head quarantine;
	struct ida dids;
	atomic_t num_dids;
	u16 identity_did;
	atomic64_t skipped;
	struct mutex descs_lock;
	struct vtd_desc *descs;
	struct rw_semaphore ats_rwsem;
	struct xarray ats;
	bool ats_silent;
	struct vtd_qi qi;
	struct vtd_prq prq;
	struct vtd_faults faults;
	struct dentry *debugfs;
};

static inline struct vtd_unit *to_vtd_unit(struct iommufd_sva_unit *unit)
{
	return container_of(unit, struct vtd_unit, base);
}

#define vtd_err(unit, fmt, ...) \
	pr_err("vtd_nested %s: " fmt, (unit)->name, ##__VA_ARGS__)
/* What a device can bring about again and again. */
#define vtd_err_ratelimited(unit, fmt, ...) \
	pr_err_ratelimited("vtd_nested %s: " fmt, (unit)->name, ##__VA_ARGS__)
#define vtd_warn_ratelimited(unit, fmt, ...) \
	pr_warn_ratelimited("vtd_nested %s: " fmt, (unit)->name, ##__VA_ARGS__)
#define vtd_info(unit, fmt, ...) \
	pr_info("vtd_nested %s: " fmt, (unit)->name, ##__VA_ARGS__)

/*
 * Registers. A regmap has 32 bits at a time; a register of 64 bits is then two
 * accesses, the lower half first. That is what software may do and how hardware
 * itself splits an access that it cannot take whole (11.2): a register whose
 * write starts something has what starts it in the upper half, or uses the lower
 * half alone (IQT_REG, IQH_REG).
 */
static inline u32 vtd_read32(struct vtd_unit *unit, unsigned int offset)
{
	/* What a bus answers where nothing is. */
	unsigned int value = ~0U;

	if (likely(!unit->regmap))
		return readl(unit->mmio + offset);
	regmap_read(unit->regmap, offset, &value);
	return value;
}

static inline void vtd_write32(struct vtd_unit *unit, unsigned int offset, u32 value)
{
	if (likely(!unit->regmap))
		writel(value, unit->mmio + offset);
	else
		regmap_write(unit->regmap, offset, value);
}

static inline u64 vtd_read64(struct vtd_unit *unit, unsigned int offset)
{
	u32 low;

	if (likely(!unit->regmap))
		return readq(unit->mmio + offset);
	low = vtd_read32(unit, offset);
	return low | (u64)vtd_read32(unit, offset + 4) << 32;
}

static inline void vtd_write64(struct vtd_unit *unit, unsigned int offset, u64 value)
{
	if (likely(!unit->regmap)) {
		writeq(value, unit->mmio + offset);
		return;
	}
	vtd_write32(unit, offset, lower_32_bits(value));
	vtd_write32(unit, offset + 4, upper_32_bits(value));
}

/*
 * The hardware sees what was written to a root, context or PASID table at @addr:
 * pushed out of the CPU's caches where it does not snoop them (ECAP.C; page
 * tables have a bit of their own, ECAP.SMPWC).
 */
static inline void vtd_publish(struct vtd_unit *unit, void *addr, size_t len)
{
	if (unit->ecap & VTD_ECAP_C)
		dma_wmb();
	else
		clflush_cache_range(addr, len);
}

/* The widest AW that the unit has: CAP.SAGAW has a bit for each (9.6, 11.4.2). */
static inline unsigned int vtd_unit_max_aw(struct vtd_unit *unit)
{
	return fls(FIELD_GET(VTD_CAP_SAGAW, unit->cap)) - 1;
}

/* firmware.c */
int vtd_firmware_read(void);
void vtd_firmware_put(void);
struct regmap *vtd_firmware_regmap(u64 base);
bool vtd_firmware_is_model(void);

/* unit.c */
int vtd_unit_create(struct vtd_remapping *drhd, unsigned int index,
		    struct vtd_unit **out);
void vtd_unit_destroy(struct vtd_unit *unit);
int vtd_unit_take(struct vtd_unit *unit);
void vtd_unit_hand_back(struct vtd_unit *unit);
int vtd_unit_command(struct vtd_unit *unit, u32 command, bool on);
void vtd_unit_flush_write_buffer(struct vtd_unit *unit);
int vtd_unit_alloc_did(struct vtd_unit *unit);
void vtd_unit_free_did(struct vtd_unit *unit, u16 did);
unsigned int vtd_unit_max_did(struct vtd_unit *unit);
bool vtd_has_spr17(void);

/* qi.c */
int vtd_qi_init(struct vtd_unit *unit);
void vtd_qi_free(struct vtd_unit *unit);
int vtd_qi_start(struct vtd_unit *unit);
void vtd_qi_stop(struct vtd_unit *unit);
void vtd_qi_repair(struct vtd_unit *unit);
int vtd_qi_submit(struct vtd_unit *unit, const struct vtd_desc *descs,
		  unsigned int count);
int vtd_qi_drain(struct vtd_unit *unit, const struct vtd_desc *descs, unsigned int count);
struct vtd_desc vtd_qi_fence(struct vtd_unit *unit);

/**
 * struct vtd_batch - descriptors that are collected and submitted together
 * @unit: where
 * @descs: they
 * @room: how many fit
 * @num: how many there are
 * @error: of a submission; nothing is submitted after it but for -ETIMEDOUT
 */
struct vtd_batch {
	struct vtd_unit *unit;
	struct vtd_desc *descs;
	unsigned int room;
	unsigned int num;
	int error;
};

void vtd_batch_init(struct vtd_batch *batch, struct vtd_unit *unit, struct vtd_desc *descs,
		    unsigned int room);
void vtd_batch_init_for(struct vtd_batch *batch, struct vtd_unit *unit,
			struct vtd_desc *descs, unsigned int room, unsigned int num);
int vtd_batch_finish(struct vtd_batch *batch);
void vtd_batch_add(struct vtd_batch *batch, struct vtd_desc desc);
int vtd_batch_submit(struct vtd_batch *batch);

/* event.c */
int vtd_event_start(struct vtd_event *event, struct vtd_unit *unit, unsigned int ectl,
		    const char *suffix);
void vtd_event_kick(struct vtd_event *event);
void vtd_event_stop(struct vtd_event *event);
void vtd_event_hand_back(struct vtd_event *event);

static inline bool vtd_event_is_stopping(struct vtd_event *event)
{
	return READ_ONCE(event->stopping);
}

/* fault.c */
int vtd_faults_start(struct vtd_unit *unit);
void vtd_faults_stop(struct vtd_unit *unit);
const char *vtd_fault_reason(u8 reason, const char **advice);

/* table.c */
int vtd_tables_init(struct vtd_unit *unit);
void vtd_tables_free(struct vtd_unit *unit);
struct vtd_pasid_table *vtd_pasid_table_alloc(unsigned int pasid_bits, gfp_t gfp);
void vtd_pasid_table_free(struct vtd_pasid_table *table);
void vtd_pasid_table_init(struct vtd_unit *unit, struct vtd_pasid_table *table,
			  const struct vtd_pasid_entry *rid_entry);
struct vtd_pasid_entry *vtd_pasid_leaf(const u64 *dir, u32 pasid);
const struct vtd_pasid_entry *vtd_pasid_table_rid_entry(struct vtd_pasid_table *table);
int vtd_pasid_table_prepare(struct vtd_pasid_table *table, u32 pasid);
void vtd_pasid_table_set(struct vtd_unit *unit, struct vtd_pasid_table *table, u32 pasid,
			 const struct vtd_pasid_entry *entry,
			 struct vtd_pasid_change *change);
bool vtd_pasid_table_set_leaf(struct vtd_unit *unit, struct vtd_pasid_table *table,
			      u32 pasid, const struct vtd_pasid_entry *next);
void vtd_pasid_table_blank(struct vtd_unit *unit, struct vtd_pasid_table *table);
void vtd_pasid_table_settle(struct vtd_pasid_table *table,
			    struct vtd_pasid_change *change, bool forgotten);
struct vtd_context_entry *vtd_context_entry(struct vtd_unit *unit, u16 sid);
int vtd_context_reserve(struct vtd_unit *unit, u16 sid);
struct vtd_context_entry vtd_context_for(struct vtd_pasid_table *table, bool dev_tlb,
					 bool page_requests);
bool vtd_context_replace(struct vtd_unit *unit, u16 sid,
			 const struct vtd_context_entry *entry);
void *vtd_alloc_table(void);
void vtd_free_table(void *table);

/* translation.c */
int vtd_master_init(struct iommufd_sva_master *master);
void vtd_master_release(struct iommufd_sva_master *master, bool quarantine);
int vtd_set_translation(struct iommufd_sva_master *master, u32 pasid,
			const struct iommufd_sva_translation *new,
			const struct iommufd_sva_translation *old);
void vtd_rids_free(struct vtd_unit *unit);
/*
 * The device that requests of @sid are, under unit->lock, and in *@nested what those
 * with @pasid go through; NULL: nothing of a guest's.
 */
struct iommufd_sva_master *vtd_find_nested(struct vtd_unit *unit, u16 sid, u32 pasid,
					   struct iommufd_sva_nested **nested);

int vtd_ats_set(struct iommufd_sva_master *master, bool on);
int vtd_pri_set(struct iommufd_sva_master *master, bool on);

/**
 * struct vtd_ats - ATS of a device
 * @master: the device
 * @dte: its context entry lets ATS through; under unit->lock
 * @silent: it did not answer since ATS was switched on: it is not asked again
 */
struct vtd_ats {
	struct iommufd_sva_master *master;
	bool dte;
	bool silent;
};

/**
 * enum vtd_ats_kind - which requests of a device go where they may be cached
 * @VTD_ATS_RID: those without a PASID
 * @VTD_ATS_PASID: those with one
 * @VTD_ATS_ALL: some, through a guest's tables: nobody knows with what addresses
 * @VTD_ATS_KINDS: how many kinds there are
 */
enum vtd_ats_kind {
	VTD_ATS_RID,
	VTD_ATS_PASID,
	VTD_ATS_ALL,
	VTD_ATS_KINDS,
};

/* ats.c */
bool vtd_ats_capable(struct iommufd_sva_master *master);
int vtd_ats_join(struct list_head *users, struct iommufd_sva_master *master,
		 enum vtd_ats_kind kind);
void vtd_ats_leave(struct list_head *users, struct iommufd_sva_master *master,
		   enum vtd_ats_kind kind);
void vtd_ats_add_rid(struct vtd_batch *batch, struct iommufd_sva_master *master, u64 addr,
		     unsigned int order);
void vtd_ats_add_pasid(struct vtd_batch *batch, struct iommufd_sva_master *master, u32 pasid,
		       u64 addr, unsigned int order);
void vtd_ats_add_pasids(struct vtd_batch *batch, struct iommufd_sva_master *master, u64 addr,
			unsigned int order);
void vtd_ats_add_all(struct vtd_batch *batch, struct iommufd_sva_master *master);
unsigned int vtd_ats_count(const struct list_head *users);
void vtd_ats_add(struct vtd_batch *batch, const struct list_head *users, u64 start, u64 last);
void vtd_ats_add_of_pasid(struct vtd_batch *batch, const struct list_head *users, u32 pasid,
			  u64 addr, unsigned int order);
struct vtd_ats *vtd_ats_of(struct vtd_unit *unit, const struct vtd_desc *desc);
int vtd_ats_enable(struct vtd_ats *ats);
void vtd_ats_disable(struct vtd_ats *ats);
void vtd_ats_silence(struct vtd_unit *unit, struct vtd_ats *ats);
bool vtd_ats_is_silent(struct iommufd_sva_master *master);
int vtd_ats_cut_off(struct vtd_unit *unit);
int vtd_ats_cut_off_all(void);
/* translation.c */
int vtd_ats_set_dte(struct vtd_ats *ats, bool dte);

/**
 * struct vtd_domain_unit - a domain on a unit
 * @node: in vtd_domain.units
 * @unit: the unit
 * @did: the domain's ID there
 * @users: translations of devices of @unit that need it, and @tags
 * @lost: the hardware may have something cached that was under @did and is no more
 * @tags: struct vtd_tag, what is nested on it there
 * @devices: struct vtd_ats_user, which may have cached something of it there
 */
struct vtd_domain_unit {
	struct list_head node;
	struct vtd_unit *unit;
	u16 did;
	unsigned int users;
	bool lost;
	struct list_head tags;
	struct list_head devices;
};

/**
 * struct vtd_tag - a domain ID for what goes through a guest's tables
 * @node: in vtd_domain_unit.tags of @parent: unmaps there flush it
 * @unit: where
 * @parent: the nesting parent
 * @tags: where it is counted, see iommufd_sva_tag_get()
 * @did: the ID
 *
 * A domain ID stands for one second stage, and with a PASID for one first stage
 * (6.2.3.1), so what is nested has others than the parent and than each other.
 */
struct vtd_tag {
	struct list_head node;
	struct vtd_unit *unit;
	struct vtd_domain *parent;
	atomic_t *tags;
	u16 did;
};

/**
 * struct vtd_domain - a stage-2 address space
 * @base: what the core sees of it
 * @pt: its tables
 * @units_rwsem: protects @units and @enforce_snoop; see the top
 * @units: struct vtd_domain_unit, one per unit that it is on
 * @enforce_snoop: it goes only to units that can make any access snoop
 * @nesting: with the erratum SPR17: how many nest on it; below 0: how often something
 *	was mapped in it that is not writable
 * @readers: held for reading while memory is read through the tables
 *	(vtd_domain_read()); who has taken pages out takes it for writing before
 *	they can be anything else, and who frees tables while he does. Innermost.
 */
struct vtd_domain {
	struct iommufd_sva_domain base;
	struct iommufd_sva_pt pt;
	struct rw_semaphore units_rwsem;
	struct list_head units;
	bool enforce_snoop;
	atomic64_t nesting;
	struct rw_semaphore readers;
};

static inline struct vtd_domain *to_vtd_domain(struct iommufd_sva_domain *domain)
{
	return container_of(domain, struct vtd_domain, base);
}

/* domain.c */
struct iommufd_sva_domain *vtd_domain_alloc(struct iommufd_sva_backend *backend,
					    struct iommufd_sva_unit *unit, u32 flags);
int vtd_nest_parent(struct iommufd_sva_unit *unit, struct iommufd_sva_domain *domain);
int vtd_domain_join(struct vtd_domain *domain, struct vtd_unit *unit, u16 *did);
int vtd_domain_add_device(struct vtd_domain *domain, struct iommufd_sva_master *master,
			  enum vtd_ats_kind kind);
void vtd_domain_remove_device(struct vtd_domain *domain, struct iommufd_sva_master *master,
			      enum vtd_ats_kind kind);
void vtd_domain_leave(struct vtd_domain *domain, struct vtd_unit *unit, bool lost);
int vtd_domain_nest_get(struct vtd_domain *domain);
void vtd_domain_nest_put(struct vtd_domain *domain);
int vtd_tag_init(struct vtd_tag *tag, struct vtd_unit *unit, struct vtd_domain *parent,
		 atomic_t *tags);
int vtd_tag_flush(struct vtd_tag *tag);
void vtd_tag_fini(struct vtd_tag *tag);
unsigned int vtd_domain_gpa_bits(struct vtd_domain *domain);
struct vtd_pasid_entry vtd_domain_entry(struct vtd_domain *domain, struct vtd_unit *unit,
					u16 did);
struct vtd_pasid_entry vtd_domain_nested_entry(struct vtd_domain *domain,
					       struct vtd_unit *unit, u16 did, u64 first);
int vtd_domain_flush_unit(struct vtd_domain *domain, struct vtd_unit *unit);
int vtd_domain_read(struct vtd_domain *domain, u64 gpa, void *buf, size_t len);

/* debugfs.c */
void vtd_debugfs_init(void);
void vtd_debugfs_exit(void);
void vtd_debugfs_add(struct vtd_unit *unit);
void vtd_debugfs_remove(struct vtd_unit *unit);

/* prq.c */
int vtd_prq_init(struct vtd_unit *unit);
void vtd_prq_free(struct vtd_unit *unit);
int vtd_prq_start(struct vtd_unit *unit);
void vtd_prq_stop(struct vtd_unit *unit);
int vtd_prq_add(struct vtd_unit *unit, struct iommufd_sva_master *master);
void vtd_prq_remove(struct vtd_unit *unit, struct iommufd_sva_master *master);
bool vtd_pri_capable(struct iommufd_sva_master *master);
void vtd_pri_drain(struct iommufd_sva_master *master);
void vtd_page_respond(struct iommufd_sva_unit *unit,
		      const struct iommufd_sva_page_response *responses, unsigned int num);
struct vtd_desc vtd_page_response(const struct iommufd_sva_page_response *response);

/* sysfs.c */
extern const struct attribute_group *vtd_unit_groups[];

#endif
