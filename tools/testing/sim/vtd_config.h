/* SPDX-License-Identifier: GPL-2.0-only */
/* What units there are: module parameters in, a DMAR table out. */
#ifndef VTD_CONFIG_H
#define VTD_CONFIG_H

#include <linux/types.h>
#include "vtd_sim.h"

#define VSIM_MAX_UNITS	8
#define VSIM_MAX_SCOPES	16
#define VSIM_MAX_RMRRS	4

/**
 * struct vsim_scope - a device scope (8.3.1)
 * @bus: bus of the device
 * @devfn: the device
 * @bridge: it is a bridge, and all behind it
 * @first: with @bridge: first bus behind it
 * @last: with @bridge: last bus behind it
 */
struct vsim_scope {
	u8 bus;
	u8 devfn;
	bool bridge;
	u8 first;
	u8 last;
};

/**
 * struct vsim_rmrr - reserved memory of a device (8.4)
 * @start: first byte
 * @last: last byte
 * @scope: the device
 */
struct vsim_rmrr {
	u64 start;
	u64 last;
	struct vsim_scope scope;
};

/**
 * struct vsim_setup - a unit as its parameter describes it
 * @cfg: how it is built
 * @base: where its registers would be
 * @segment: PCI segment
 * @all: it has all devices that no other one names
 * @num_scopes: how many
 * @scopes: devices that it names
 * @num_rmrrs: how many
 * @rmrrs: reserved memory
 */
struct vsim_setup {
	struct vsim_config cfg;
	u64 base;
	u16 segment;
	bool all;
	unsigned int num_scopes;
	struct vsim_scope scopes[VSIM_MAX_SCOPES];
	unsigned int num_rmrrs;
	struct vsim_rmrr rmrrs[VSIM_MAX_RMRRS];
};

int vsim_setup_parse(struct vsim_setup *setup, unsigned int index, unsigned int haw,
		     char *text);
void *vsim_dmar_build(const struct vsim_setup *setups, unsigned int num, size_t *len);
bool vsim_setup_handles(const struct vsim_setup *setup, u16 segment, u16 rid);

#endif
