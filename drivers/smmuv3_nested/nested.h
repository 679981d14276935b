/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guests: their share of a unit (viommu.c) and their tables on it (nested.c).
 *
 * Locks, where smmuv3.h has none of them, outermost first:
 *   svunit->lock	mutex: the buffers of a guest's invalidations
 *   vunit->vsids_lock	the core's, outside master->lock
 *   unit->lock
 *   smmu_tables_lock	mutex: which tables of guests there are, and their users
 *   table->lock	mutex: on which units a table is and which devices use it
 *   domain->units_rwsem
 */
#ifndef __SMMUV3_NESTED_H
#define __SMMUV3_NESTED_H

#include "guest.h"
#include "smmuv3.h"

/**
 * struct smmu_guest_tag - a VMID for what goes through a guest's stage 1
 * @base: in the nesting parent's list: unmaps there flush it
 * @unit: where
 * @parent: the nesting parent
 */
struct smmu_guest_tag {
	struct smmu_nested_tag base;
	struct smmu_unit *unit;
	struct smmu_domain *parent;
};

/**
 * struct smmu_vunit - a guest's share of a unit
 * @base: what the core sees of it
 * @unit: the unit
 * @caps: what a guest may use of it
 * @tag: its VMID; ASIDs are the guest's own
 * @lock: protects what follows
 * @raw: commands as the guest wrote them
 * @cmds: what they come to
 * @room: how many there is room for in each: as many as go into the queue at once
 */
struct smmu_vunit {
	struct iommufd_sva_vunit base;
	struct smmu_unit *unit;
	struct smmuv3_guest_caps caps;
	struct smmu_guest_tag tag;
	struct mutex lock;
	struct iommufd_sva_viommu_arm_smmuv3_invalidate *raw;
	struct smmuv3_cmd *cmds;
	unsigned int room;
};

static inline struct smmu_vunit *to_smmu_vunit(struct iommufd_sva_vunit *vunit)
{
	return container_of(vunit, struct smmu_vunit, base);
}

/* viommu.c */
/* May guests nest on @unit with the tables of @parent? 0, or -EOPNOTSUPP. */
int smmu_can_nest(struct smmu_unit *unit, struct smmu_domain *parent);
int smmu_nest_parent(struct iommufd_sva_unit *unit, struct iommufd_sva_domain *domain);
struct iommufd_sva_vunit *smmu_vunit_alloc(struct iommufd_sva_unit *unit,
					   struct iommufd_sva_domain *parent, u32 type,
					   const struct iommufd_sva_user_data *data);
unsigned int smmu_copy_guest_cmds(const struct iommufd_sva_user_array *array, u32 first,
				  unsigned int num,
				  struct iommufd_sva_viommu_arm_smmuv3_invalidate *raw,
				  int *error);
/* Is @event one that the guest that has the device is told of, and was it? */
bool smmu_guest_event(struct smmu_unit *unit, const struct smmuv3_event *event,
		      const u64 *record);

/* nested.c */
int smmu_guest_tag_init(struct smmu_guest_tag *tag, struct smmu_unit *unit,
			struct smmu_domain *parent);
void smmu_guest_tag_fini(struct smmu_guest_tag *tag);
struct iommufd_sva_nested *smmu_nested_alloc(struct iommufd_sva_unit *unit,
					     struct iommufd_sva_domain *parent,
					     struct iommufd_sva_vunit *vunit,
					     const struct iommufd_sva_user_data *data);
struct iommufd_sva_nested *
smmu_pasid_table_alloc(struct iommufd_sva_domain *parent, struct iommufd_sva_vunit *vunit,
		       const struct iommufd_sva_user_data *data);
/*
 * @sm is going to go through @nested: make the entry that its streams show then, but for
 * what the host says of the device.
 * Both under unit->lock.
 */
int smmu_nested_join(struct smmu_master *sm, struct iommufd_sva_nested *nested,
		     struct smmuv3_ste *ste);
/* It does not any more, and nothing of the hardware refers to it. */
void smmu_nested_leave(struct smmu_master *sm, struct iommufd_sva_nested *nested);

#endif
