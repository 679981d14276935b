/* SPDX-License-Identifier: GPL-2.0-only */
/* What nesting is called on a kind of unit, for who does not care which it is. */
#ifndef SELFTEST_NEST_H
#define SELFTEST_NEST_H

#include <stdbool.h>
#include <stdint.h>

#define NEST_PARENT IOMMUFD_SVA_HWPT_ALLOC_NEST_PARENT

/**
 * struct kind - what nesting is called on a kind of unit
 * @viommu, @nested, @table, @inv, @event: types
 * @inv_len: bytes of an entry of @inv
 * @vsid_bits: bits of a guest's name for a device
 * @viommu_tags: tags of the unit that a vIOMMU takes by itself
 * @bypass: nest() makes something that leaves guest-physical addresses alone
 */
struct kind {
	uint32_t viommu, nested, table, inv, event;
	uint32_t inv_len;
	unsigned int vsid_bits;
	unsigned int viommu_tags;
	bool bypass;
};

const struct kind *kind(void);

/* A nested HWPT that a guest could begin with. */
int nest(int fd, uint32_t device, uint32_t pt, uint32_t *hwpt);

/* Does the unit of @device nest? */
bool can_nest(int fd, uint32_t device);
/* And does its backend have vIOMMUs? */
bool has_viommu(int fd, uint32_t device);

#endif
