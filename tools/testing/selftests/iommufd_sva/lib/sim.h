/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Hardware models: what /dev/iommufd_sva_sim offers (tools/testing/sim), one call
 * each. Functions return 0 or a negative errno where nothing else is said; what the
 * modelled hardware says is an enum sim_status of its own.
 *
 *	int port = sim_add(SIM_ROOT_PORT, SIM_ROOT, 0, SIM_CAP_ACS);
 *	int dev = sim_add(SIM_ENDPOINT, port, 0, SIM_ALL_CAPS);
 *
 *	sim_set_master(dev, true);
 *	EXPECT_EQ(SIM_OK, sim_write(dev, iova, data, sizeof(data)));
 */
#ifndef SELFTEST_SIM_H
#define SELFTEST_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "iommufd_sva_sim.h"

/* The parent of root ports. */
#define SIM_ROOT	(-1)
/* Of an endpoint. */
#define SIM_ALL_CAPS	(SIM_CAP_FLR | SIM_CAP_ATS | SIM_CAP_PRI | SIM_CAP_PASID | \
			 SIM_CAP_PASID_EXEC | SIM_CAP_PASID_PRIV | SIM_CAP_PRG_PASID)

/* Is sim_pci loaded? */
bool sim_present(void);

/*
 * Plug a function in: its address (segment << 16 | bus << 8 | devfn), or a negative
 * errno. 20 bits of PASID, 32 invalidations, 32 page requests, 7 VFs.
 */
int sim_add(enum sim_type type, int parent, unsigned int devfn, uint32_t caps);
/* With numbers of one's own; @add->size is filled in. */
int sim_add_as(struct sim_add *add);
/*
 * A root port with an endpoint behind it: the endpoint. In place of what a test left there
 * that was ended half-way.
 */
int sim_add_endpoint(unsigned int slot, uint32_t caps);
/* @add: all but what it is and where */
int sim_add_endpoint_as(unsigned int slot, struct sim_add *add);
/* The same in another segment than the first. */
int sim_add_elsewhere(unsigned int segment, unsigned int slot, uint32_t caps);
int sim_remove(int bdf);
/* A root port and all behind it, if there is one. */
void sim_remove_slot(unsigned int slot);
int sim_pull_out(int bdf);
/* It is gone, and the kernel hears of it only by sim_remove(). */
int sim_kill(int bdf);
/* Everything of the first segment. */
void sim_remove_all(void);

/* SSSS:BB:DD.F, in one of eight buffers that are used in turn. */
const char *sim_name(int bdf);

/* Configuration space; reads of what is not there give ~0. */
uint32_t sim_config(int bdf, unsigned int where, int size);
int sim_set_config(int bdf, unsigned int where, int size, uint32_t value);
/* Where a capability is, 0: nowhere. */
unsigned int sim_cap(int bdf, unsigned int id);
unsigned int sim_ext_cap(int bdf, unsigned int id);
int sim_set_master(int bdf, bool on);
int sim_set_pasid(int bdf, bool on);
/* With the smallest translation unit of 4 KiB. */
int sim_set_ats(int bdf, bool on);
/* @requests: how many may be outstanding; 0: off */
int sim_set_pri(int bdf, unsigned int requests);
int sim_flr(int bdf);
/* Virtual functions, without drivers: how many from now on. */
int sim_set_vfs(int bdf, unsigned int num);
/* The address of VF @index. */
int sim_vf(int bdf, unsigned int index);

/* DMA; these return the enum sim_status. */
int sim_dma(struct sim_dma *dma);
int sim_read(int bdf, uint64_t addr, void *buf, size_t len);
int sim_write(int bdf, uint64_t addr, const void *buf, size_t len);
int sim_read_pasid(int bdf, uint32_t pasid, uint64_t addr, void *buf, size_t len,
		   uint32_t flags);
int sim_write_pasid(int bdf, uint32_t pasid, uint64_t addr, const void *buf, size_t len,
		    uint32_t flags);
/*
 * Which of the pages that mem_fill() filled is at @addr, by its seed, 1 to 99; or
 * minus what the hardware said, SIM_GARBAGE when it is none of them. @flags: SIM_DMA_...
 */
#define SIM_GARBAGE (-100)
int sim_sees(int bdf, uint32_t pasid, uint64_t addr, uint32_t flags);
/* @ats: bdf, pasid, flags and addr are asked for, the rest is the answer. */
int sim_ats(struct sim_ats *ats);
/* @timeout_ms: with SIM_PR_LAST, for the answer */
int sim_page_request(int bdf, uint32_t pasid, uint64_t addr, uint32_t group, uint32_t flags,
		     unsigned int timeout_ms);
/* The same for who asks often: one open file, and a request that is used again. */
int sim_open(void);
int sim_page_request_by(int sim_fd, struct sim_page_request *pr);
const char *sim_status_name(int status);

/* A counter of a unit, of a device; 0 when there is none of that name. */
uint64_t sim_counter(unsigned int unit, const char *name);
uint64_t sim_device_counter(int bdf, const char *name);
void sim_reset_counters(unsigned int unit);
void sim_reset_device_counters(int bdf);
/* How many units there are. */
unsigned int sim_units(void);
/*
 * The first counter "bad.NAME" of a unit that is not 0, or, when nothing goes on
 * that may still invalidate, "stale.NAME": what it caches and is not true. "": none.
 */
const char *sim_bad(unsigned int unit);
int sim_inject(unsigned int unit, enum sim_fault fault, uint32_t count, uint64_t arg);

#endif
