/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Inside sim_pci: segments, the functions in them, and what a function is made of.
 *
 * The kernel's rescan lock (pci_lock_rescan_remove()) is held for every change to
 * the tree of functions. Readers that cannot sleep walk it under RCU. A function
 * is freed when the tree and all who got it by sim_function_get() let go of it.
 */
#ifndef SIM_PCI_H
#define SIM_PCI_H

#include <linux/completion.h>
#include <linux/ioport.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/pci.h>
#include <linux/spinlock.h>
#ifndef CONFIG_X86
#include <linux/pci-ecam.h>
#endif

#include "sim.h"

#define SIM_MAX_SEGMENTS	4
/* Configuration space in use; beyond that it reads 0. */
#define SIM_CONFIG_LEN		0x200
#define SIM_MAX_VFS		31
/* 7.5.3.16 End-End TLP Prefix Blocking */
#define SIM_DEVCTL2_PREFIX_BLOCK	BIT(15)
/* PCI Express 10.4.1: 9 bits */
#define SIM_PRI_GROUPS		512

/* What a device counts. */
enum sim_counter {
	SIM_COUNT_READS,
	SIM_COUNT_WRITES,
	SIM_COUNT_TRANSLATIONS,
	SIM_COUNT_ATC_HITS,
	SIM_COUNT_ATC_INVALIDATIONS,
	SIM_COUNT_ATC_DROPPED,
	SIM_COUNT_ATC_FOR_NOTHING,
	SIM_COUNT_ATC_WHILE_OFF,
	SIM_COUNT_PAGE_REQUESTS,
	SIM_COUNT_PAGE_RESPONSES,
	SIM_COUNT_RESETS,
	SIM_COUNT_BAD_PASID_WHILE_ATS,
	SIM_COUNT_BAD_STU_WHILE_ATS,
	SIM_COUNT_BAD_ALLOCATION_WHILE_PRI,
	SIM_COUNT_BAD_PRI_NOT_STOPPED,
	SIM_COUNT_BAD_PAGE_RESPONSE,
	SIM_COUNT_BAD_PAGE_RESPONSE_PASID,
	SIM_COUNTERS_NUM,
};

/**
 * struct sim_segment - a PCI segment with one root bus
 * @sysdata: what the architecture wants to find at bus->sysdata
 * @number: of the segment
 * @buses: all bus numbers
 * @bridge: host bridge
 * @bus: root bus
 * @functions: all functions, of every bus
 * @released: the kernel has let go of the host bridge and of all below it
 */
struct sim_segment {
#ifdef CONFIG_X86
	struct pci_sysdata sysdata;
#else
	struct pci_config_window sysdata;
#endif
	u16 number;
	struct resource buses;
	struct pci_host_bridge *bridge;
	struct pci_bus *bus;
	struct list_head functions;
	struct completion released;
};

/**
 * struct sim_config - configuration space, all little-endian
 * @value: what reads give
 * @reset: @value after a reset
 * @writable: bits that take what is written
 * @w1c: bits that a written 1 clears
 */
struct sim_config {
	u8 value[SIM_CONFIG_LEN];
	u8 reset[SIM_CONFIG_LEN];
	u8 writable[SIM_CONFIG_LEN];
	u8 w1c[SIM_CONFIG_LEN];
};

/**
 * struct sim_atc - address translation cache
 * @entries: what is cached; nothing leaves it but by invalidation and reset
 * @unused: memory of entries, freed or used again where it is allowed to sleep
 * @sequence: invalidations so far
 */
struct sim_atc {
	struct list_head entries;
	struct list_head unused;
	u32 sequence;
};

/**
 * struct sim_pri - page request interface, of a function and its VFs
 * @groups: page request groups without an answer
 * @answered: memory of those nobody waits for
 * @outstanding: page requests without an answer
 * @failed: no more requests until it was enabled anew
 */
struct sim_pri {
	struct list_head groups;
	struct list_head answered;
	u32 outstanding;
	bool failed;
};

/**
 * struct sim_function - a PCI function
 * @node: in segment->functions
 * @ref: see above
 * @rcu: for those who walk the tree
 * @segment: where it is
 * @above: the bridge above, NULL on a root bus; holds a reference
 * @pf: of a VF: the physical function; holds a reference
 * @vf_index: of a VF
 * @type: what it is
 * @caps: SIM_CAP_...
 * @rid: bus, device and function number. Bridges have fixed bus numbers, so it
 *	never changes
 * @secondary: of a bridge: first bus number behind it
 * @subordinate: of a bridge: last bus number behind it
 * @gone: unplugged
 * @lock: protects all that follows. Innermost, never two at a time; taken in any
 *	context
 * @epoch: resets so far
 * @reads: non-posted requests without an answer (Transactions Pending)
 * @config: configuration space
 * @pcie: where a capability is, 0: not there; likewise @af, @ats and so on
 * @atc: address translation cache
 * @pri: page request interface; that of the physical function serves its VFs
 * @counters: enum sim_counter
 */
struct sim_function {
	struct list_head node;
	struct kref ref;
	struct rcu_head rcu;
	struct sim_segment *segment;
	struct sim_function *above;
	struct sim_function *pf;
	unsigned int vf_index;
	enum sim_type type;
	u32 caps;
	u32 pasid_bits;
	u32 total_vfs;
	u16 rid;
	u8 secondary;
	u8 subordinate;
	bool gone;

	raw_spinlock_t lock;
	u32 epoch;
	u32 reads;
	struct sim_config config;
	u16 pcie, af, ea, ats, pri_cap, pasid, acs, sriov, ari;
	u16 last_ext, next_ext;
	struct sim_atc atc;
	struct sim_pri pri;
	u64 counters[SIM_COUNTERS_NUM];
};

/* Whose PASID and page request controls are this function's? (SR-IOV 9.3.7) */
static inline struct sim_function *sim_physical(struct sim_function *fn)
{
	return fn->pf ?: fn;
}

static inline bool sim_is_bridge(const struct sim_function *fn)
{
	return fn->secondary;
}

static inline u32 sim_bdf(const struct sim_function *fn)
{
	return fn->segment->number << 16 | fn->rid;
}

/* Under fn->lock. */
static inline void sim_count(struct sim_function *fn, enum sim_counter counter)
{
	fn->counters[counter]++;
}

/* pci_firmware.c */
void sim_add_properties(struct pci_bus *bus);

/* pci_segment.c */
int sim_segments_create(unsigned int num);
void sim_segments_destroy(void);
struct sim_segment *sim_segment(unsigned int number);
struct sim_segment *sim_segment_of_bus(struct pci_bus *bus);
int sim_enumerate(struct sim_function *fn);
void sim_tell_gone(struct sim_function *fn, bool surprise);

/* pci_function.c */
int sim_function_add(const struct sim_add *add, struct sim_function **out);
void sim_function_kill(struct sim_function *top);
void sim_function_unplug(struct sim_function *top);
void sim_functions_free(struct sim_segment *segment);
struct sim_function *sim_function_get(u32 bdf);
void sim_function_put(struct sim_function *fn);
/* Under RCU, or with the tree locked: it may be a VF that is not enabled. */
struct sim_function *sim_function_find(struct sim_segment *segment, u16 rid);
/* Is it there for configuration and for requests? */
bool sim_present(struct sim_function *fn);

/* pci_config.c */
void sim_config_init(struct sim_function *fn, const struct sim_add *add);
u32 sim_config_get(const struct sim_function *fn, unsigned int where, int size);
void sim_config_link(struct sim_function *port, bool up);
void sim_config_next_function(struct sim_function *fn, u8 next);
void sim_reset(struct sim_function *fn, bool flr);
extern struct pci_ops sim_config_ops;

/* pci_engine.c: what the ioctls ask of a function */
int sim_dma(struct sim_function *fn, struct sim_dma *dma, void *buf);
int sim_ats(struct sim_function *fn, struct sim_ats *ats);
int sim_page_request(struct sim_function *fn, struct sim_page_request *pr);
enum sim_status sim_may(struct sim_function *fn, const struct sim_request *req);
enum sim_status sim_may_message(struct sim_function *fn, const struct sim_request *req);
struct sim_request sim_request(struct sim_function *fn, u32 pasid, u32 flags, u64 addr);
int sim_device_counters(struct sim_function *fn, bool reset,
			void (*emit)(void *arg, const char *name, u64 value), void *arg);

/* pci_atc.c */
/**
 * struct sim_translation - what a translation completion said
 * @pasid: of the request
 * @priv: privileged mode was requested
 * @addr: untranslated, a multiple of @length
 * @phys: translated, likewise
 * @length: a power of two
 * @perms: SIM_ATS_...
 */
struct sim_translation {
	u32 pasid;
	bool priv;
	u64 addr;
	u64 phys;
	u64 length;
	u32 perms;
};

void sim_atc_init(struct sim_function *fn);
/* Forget all, under fn->lock. */
void sim_atc_flush(struct sim_function *fn);
void sim_atc_free(struct sim_function *fn);
bool sim_atc_lookup(struct sim_function *fn, const struct sim_request *req,
		    struct sim_translation *out, u32 *sequence);
enum sim_status sim_translate(struct sim_function *fn, const struct sim_request *req,
			      struct sim_translation *out, u32 *sequence, u64 deadline);
bool sim_translation_allows(const struct sim_translation *is, const struct sim_request *req);

/* pci_pri.c */
void sim_pri_init(struct sim_function *fn);
/* All that is outstanding ends, under fn->lock (of the physical function). */
void sim_pri_reset(struct sim_function *fn);
void sim_pri_control(struct sim_function *fn, u16 old, u16 new);
void sim_pri_free(struct sim_function *fn);
enum sim_status sim_pri_ask(struct sim_function *fn, const struct sim_request *req,
			    int group, bool last, u64 deadline);
/* A VF goes: nobody answers it any more. */
void sim_pri_forget(struct sim_function *fn);

/* pci_iommu.c */
enum sim_status sim_upstream(const struct sim_request *req, void *buf, size_t len,
			     struct sim_reply *reply, u64 deadline, bool *again);
enum sim_status sim_upstream_page_request(const struct sim_request *req, u16 group,
					  bool last);
int sim_iommu_inject(const struct sim_inject *inject);
int sim_iommu_count(u32 unit, bool reset,
		    void (*emit)(void *arg, const char *name, u64 value), void *arg);

/* pci_memory.c */
int sim_memory_init(void);
void sim_memory_exit(void);

/* pci_control.c */
int sim_control_init(void);
void sim_control_exit(void);

/* pci_pf.c: the driver of functions with SR-IOV */
int sim_pf_init(void);
void sim_pf_exit(void);

#endif
