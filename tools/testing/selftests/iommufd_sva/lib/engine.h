/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * DMA engines that a test drives from user space, whatever they are: QEMU's edu,
 * QEMU's iommu-testdev, or a device of the hardware models.
 *
 * An engine has a page of memory of its own, into which it fetches and from which
 * it stores. A fast one also writes words and says at once where they went.
 */
#ifndef SELFTEST_ENGINE_H
#define SELFTEST_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <iommufd_sva_sim.h>

#include "edu.h"
#include "pci.h"
#include "vfio.h"

/* Modelled functions, as pci_find() takes them; @type: enum sim_type. */
#define ID_SIM(type) ((uint32_t)SIM_VENDOR << 16 | (type))

/**
 * struct model_engine - a device of the hardware models
 * @bdf: as the models have it
 * @storing: who does what engine_start_store() began
 * @buf: its own memory
 */
struct model_engine {
	int bdf;
	pid_t storing;
	uint8_t buf[4096];
};

/**
 * struct engine - one
 * @kind: what it is; NULL: it is not open
 * @name: the device
 * @edu: an edu
 * @testdev: an iommu-testdev
 * @model: a modelled device
 *
 * Constant from open to close, but for what the device does.
 */
struct engine {
	const struct engine_kind *kind;
	char name[PCI_NAME_LEN];
	union {
		struct edu edu;
		struct testdev testdev;
		struct model_engine model;
	};
};

/* The @index'th device, in order of address, that fetches and stores. */
bool engine_find(int index, char *name);
/* One that is fast, and none of those. */
bool engine_find_fast(char *name);

/* Ready to go, as a bus master. 0 or a negative errno; -ENODEV: not an engine. */
int engine_open(struct engine *engine, const char *name);
/* The same of a device that VFIO has opened; until vfio_close(). */
int engine_open_vfio(struct engine *engine, const char *name, struct vfio *vfio);
void engine_close(struct engine *engine);

/* It answers. */
bool engine_alive(struct engine *engine);

/*
 * Memory at @iova into its own, and back, a page at most: 0 when it is done, also
 * if it was not let; or -ETIMEDOUT after some seconds.
 */
int engine_fetch(struct engine *engine, uint64_t iova, size_t length);
int engine_store(struct engine *engine, uint64_t iova, size_t length);
/* The latter about 100 ms after this has returned, whatever its user does. */
void engine_start_store(struct engine *engine, uint64_t iova, size_t length);

/* What became of a write of a fast one. */
enum engine_wrote {
	ENGINE_WROTE,
	ENGINE_WROTE_ELSEWHERE,
	ENGINE_WROTE_NOTHING,
};

#define ENGINE_PATTERN TESTDEV_PATTERN

/* The pattern, again and again, to @iova: does it arrive at @phys? */
enum engine_wrote engine_write(struct engine *engine, uint64_t iova, uint64_t phys,
			       uint32_t length);

/* Raise its interrupt, and take it back. Can it? */
bool engine_has_interrupt(struct engine *engine);
void engine_interrupt(struct engine *engine);

#endif
