/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guests: address spaces of theirs (nested.c), their share of a unit (viommu.c) and
 * their PASID tables on it (shadow.c).
 *
 * Locks, where vtd.h has none of them, outermost first:
 *   master->lock	the core's
 *   shadow->bind_lock	mutex: where a guest's PASID table is
 *   vunit->lock	mutex: one HWPT_INVALIDATE of a guest at a time
 *   vunit->tables_lock	mutex: a guest's PASID tables, its domain IDs and what goes
 *			to the hardware for them
 *   vunit->vsids_lock	the core's, which takes nothing inside it
 *   unit->lock		whose holder may only try vsids_lock (vtd_guest_fault())
 */
#ifndef __VTD_NESTED_H
#define __VTD_NESTED_H

#include "guest.h"
#include "vtd.h"

/* As many as a guest has tags for its address spaces, and few of what a unit has. */
#define VTD_GUEST_DIDS	128U
/* There are so many domain IDs (9.6). */
#define VTD_DIDS	(U16_MAX + 1)
/* Descriptors of a guest that are looked at, and submitted, together. */
#define VTD_GUEST_ROOM	120U
/* PASIDs that device-TLBs drop one by one, before they drop everything. */
#define VTD_GUEST_PASIDS 32U

/**
 * struct vtd_guest_did - a domain ID of a guest's
 * @tag: what it is on the unit
 * @gdid: what the guest calls it; the key in vunit->dids
 * @users: entries of PASID tables that have it; without any it is kept until another
 *	one needs the room
 * @node: in vunit->free_dids, when it is none of the guest's
 */
struct vtd_guest_did {
	struct vtd_tag tag;
	u16 gdid;
	unsigned int users;
	struct list_head node;
};

/**
 * struct vtd_vunit - a guest's share of a unit
 * @base: what the core sees of it
 * @unit: the unit
 * @parent: the guest's memory
 * @caps: what a guest may use of the unit
 * @lock: one invalidation at a time; protects what follows up to @tables_lock
 * @descs: descriptors of the guest's queue, checked
 * @named: domain IDs of the guest's that invalidations of the PASID cache name
 * @read_named: its tables were read again for such, in this invalidation
 * @read_all: they were read again whatever was named
 * @flushed: all that it has in the IOTLB goes already with the descriptors in @batch
 * @tables_lock: protects what follows, and its PASID tables
 * @tables: struct vtd_shadow
 * @dids: struct vtd_guest_did by the guest's domain ID
 * @free_dids: more of them, of no use to the guest now and with nothing cached
 * @num_dids: how many both are, VTD_GUEST_DIDS at most
 * @batch: what the guest's descriptors come to
 * @stale: something that was in @batch has not taken effect: the hardware may remember
 *	whatever the tables said before
 * @epoch: how often @batch has taken effect
 * @guest: a page of a guest's PASID table, and what it replaces
 * @next: what it comes to
 * @flush_dev_tlbs: everything goes from device-TLBs with what is submitted next
 * @num_flushed: PASIDs that went from them one by one
 * @num_passed: how many of @descs are in what was submitted, or will be next
 * @silent: the first of those for a device that did not answer; ~0: there is none
 * @answered: devices of which groups of page requests are answered with what is submitted
 *	next, or was; the core waits until it hears that they are
 * @num_answered: how many
 * @alone: of one PASID table that was made on the parent: its devices have no names
 */
struct vtd_vunit {
	struct iommufd_sva_vunit base;
	struct vtd_unit *unit;
	struct vtd_domain *parent;
	struct vtd_guest_caps caps;
	struct mutex lock;
	struct vtd_guest_desc *descs;
	unsigned long *named;
	bool read_named;
	bool read_all;
	bool flushed;
	struct mutex tables_lock;
	struct list_head tables;
	struct xarray dids;
	struct list_head free_dids;
	unsigned int num_dids;
	struct vtd_batch batch;
	bool stale;
	u32 epoch;
	struct vtd_pasid_entry *guest;
	struct vtd_pasid_entry *next;
	bool flush_dev_tlbs;
	unsigned int num_flushed;
	unsigned int num_passed;
	unsigned int silent;
	struct iommufd_sva_master *answered[VTD_GUEST_ROOM];
	unsigned int num_answered;
	bool alone;
};

static inline struct vtd_vunit *to_vtd_vunit(struct iommufd_sva_vunit *vunit)
{
	return container_of(vunit, struct vtd_vunit, base);
}

/* viommu.c */
struct iommufd_sva_vunit *vtd_vunit_alloc(struct iommufd_sva_unit *unit,
					  struct iommufd_sva_domain *parent, u32 type,
					  const struct iommufd_sva_user_data *data);
/* The same for a PASID table that has no vIOMMU. */
struct vtd_vunit *vtd_vunit_make(struct vtd_unit *unit, struct vtd_domain *parent);
void vtd_vunit_free(struct iommufd_sva_vunit *vunit);
int vtd_queue_check(const struct iommufd_sva_user_array *array);
int vtd_vunit_invalidate(struct iommufd_sva_vunit *vunit,
			 struct iommufd_sva_user_array *array);
int vtd_vunit_get_did(struct vtd_vunit *vv, u16 gdid, u16 *did);
void vtd_vunit_put_did(struct vtd_vunit *vv, u16 gdid);
int vtd_vunit_begin(struct vtd_vunit *vv);
int vtd_vunit_submit(struct vtd_vunit *vv);
/* Is @fault one that the guest that has the device is told of, and was it? */
bool vtd_guest_fault(struct vtd_unit *unit, const struct vtd_fault *fault, const u64 frcd[2]);

/* shadow.c */
struct vtd_shadow;

/**
 * struct vtd_shadow_names - which entries of a PASID table an invalidation names
 * @pasid: one of them; ~0: all
 * @any_did: whatever domain ID they have; else those that have one of these of the
 *	guest's, or are to have it:
 * @dids: a bitmap; NULL: only
 * @did: this one
 */
struct vtd_shadow_names {
	u32 pasid;
	bool any_did;
	const unsigned long *dids;
	u16 did;
};

struct iommufd_sva_nested *
vtd_pasid_table_object(struct iommufd_sva_domain *parent, struct iommufd_sva_vunit *vunit,
		       const struct iommufd_sva_user_data *data);
struct vtd_shadow *vtd_shadow_of(const struct iommufd_sva_translation *trans);
struct vtd_shadow *vtd_nested_shadow(struct iommufd_sva_nested *nested);
struct iommufd_sva_nested *vtd_shadow_nested(struct vtd_shadow *shadow);
struct vtd_pasid_table *vtd_shadow_table(struct vtd_shadow *shadow);
int vtd_shadow_reread(struct vtd_vunit *vv, const struct vtd_shadow_names *names);
void vtd_shadow_settle(struct vtd_vunit *vv);
void vtd_shadow_add_own(struct vtd_vunit *vv, struct vtd_desc (*make)(u16 did, void *arg),
			void *arg);
int vtd_shadow_bind(struct vtd_shadow *shadow, struct vtd_unit *unit);
void vtd_shadow_put(struct vtd_shadow *shadow);
int vtd_shadow_add_device(struct vtd_shadow *shadow, struct iommufd_sva_master *master);
void vtd_shadow_remove_device(struct vtd_shadow *shadow, struct iommufd_sva_master *master);
void vtd_shadow_add_dev_tlb(struct vtd_vunit *vv, const struct vtd_guest_desc *guest);
void vtd_shadow_add_dev_tlbs(struct vtd_vunit *vv);
void vtd_shadow_show(struct vtd_shadow *shadow);
int vtd_shadow_forget(struct vtd_shadow *shadow);
void vtd_shadow_keep(struct vtd_shadow *shadow);
u8 vtd_shadow_reason(struct vtd_shadow *shadow, u32 pasid);
bool vtd_shadow_passes(struct vtd_shadow *shadow, u32 pasid);

/* nested.c */
struct iommufd_sva_nested *vtd_nested_alloc(struct iommufd_sva_unit *unit,
					    struct iommufd_sva_domain *parent,
					    struct iommufd_sva_vunit *vunit,
					    const struct iommufd_sva_user_data *data);
/*
 * Requests of @master with @pasid are going to go through @nested, which
 * is no PASID table: make their entry. Both under unit->lock.
 */
int vtd_nested_join(struct iommufd_sva_master *master, struct iommufd_sva_nested *nested,
		    u32 pasid, struct vtd_pasid_entry *entry);
/* They do not any more, and nothing of the hardware refers to it. */
void vtd_nested_leave(struct iommufd_sva_master *master, struct iommufd_sva_nested *nested,
		      u32 pasid);

#endif
