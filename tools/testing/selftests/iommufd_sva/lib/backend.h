/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs from backend to backend, as far as a test can see it. A program
 * asks here and is otherwise the same on all of them.
 *
 * The environment names the backend as modprobe takes it, with its parameters:
 *   BACKEND="smmuv3_nested allow_noncoherent_nesting=1"
 * Without it: the one of this architecture.
 */
#ifndef SELFTEST_BACKEND_H
#define SELFTEST_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct backend - a backend
 * @module: its module; the first word of its log lines
 * @unreadable: what its log says of a queue that the unit could not read
 * @hw_info_type: what GET_HW_INFO tells of its units
 * @hw_info_len: and how much
 * @msi_start: where the window for interrupts starts
 * @msi_last: where it ends
 * @blocks_silently: nothing is reported of a device that is blocked. SMMUv3:
 *	a stream table entry that aborts records no event (5.2, STE.Config).
 * @has_viommu: it lets guests nest where the unit can
 * @hosts_wait: the kernel lets a host driver wait until somebody drives the
 *	unit, on some kernels for ever
 */
struct backend {
	const char *module;
	const char *unreadable;
	uint32_t hw_info_type;
	size_t hw_info_len;
	uint64_t msi_start;
	uint64_t msi_last;
	bool blocks_silently;
	bool has_viommu;
	bool hosts_wait;
};

const struct backend *backend(void);
/* Is it that of @module? */
bool backend_is(const char *module);

/* With its parameters; the core comes with it. 0, or modprobe's exit status. */
int backend_load(void);
int backend_unload(void);

/* How many tags (domain IDs, VMIDs) all units together have given out. */
long backend_tags_used(void);

/* What the unit's debugfs file @file says of @name after "@key=", -1: nothing. */
long backend_tells(const char *file, const char *name, const char *key);

/* Does hw_info hold what a unit that can be ours must say? */
bool backend_hw_info_valid(const void *data);
/* Can the unit have second-stage tables under a guest's own? */
bool backend_can_nest(const void *data);
/* Does it keep guests from reading around the CPU's caches, or does nobody care? */
bool backend_may_nest(const void *data);

#endif
