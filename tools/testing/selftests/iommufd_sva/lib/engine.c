// SPDX-License-Identifier: GPL-2.0-only
/* DMA engines that a test drives from user space, whatever they are. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine.h"
#include "pci.h"
#include "sim.h"
#include "sva.h"

/**
 * struct engine_kind - a kind of engine
 * @ids: vendor << 16 | device of each, up to 0
 * @open: as engine_open()
 * @open_vfio: as engine_open_vfio()
 * @close: what either of these has made goes; NULL: that is nothing
 * @alive: it answers
 * @fetch: these as their namesakes; NULL: it cannot
 * @store: .
 * @start_store: .
 * @write: .
 * @interrupt: .
 */
struct engine_kind {
	uint32_t ids[4];
	int (*open)(struct engine *engine);
	int (*open_vfio)(struct engine *engine, struct vfio *vfio);
	void (*close)(struct engine *engine);
	bool (*alive)(struct engine *engine);
	int (*fetch)(struct engine *engine, uint64_t iova, size_t length);
	int (*store)(struct engine *engine, uint64_t iova, size_t length);
	void (*start_store)(struct engine *engine, uint64_t iova, size_t length);
	enum engine_wrote (*write)(struct engine *engine, uint64_t iova, uint64_t phys,
				   uint32_t length);
	void (*interrupt)(struct engine *engine);
};

/* --- edu ------------------------------------------------------------------ */

static int edu_kind_open(struct engine *engine)
{
	return edu_open(&engine->edu, engine->name);
}

static int edu_kind_open_vfio(struct engine *engine, struct vfio *vfio)
{
	volatile void *bar = vfio_map_bar(vfio, 0);

	edu_init(&engine->edu, bar);
	return bar ? 0 : -EIO;
}

static void edu_kind_close(struct engine *engine)
{
	edu_close(&engine->edu);
}

static bool edu_kind_alive(struct engine *engine)
{
	return edu_alive(&engine->edu);
}

static int edu_kind_fetch(struct engine *engine, uint64_t iova, size_t length)
{
	return edu_fetch(&engine->edu, iova, length);
}

static int edu_kind_store(struct engine *engine, uint64_t iova, size_t length)
{
	return edu_store(&engine->edu, iova, length);
}

static void edu_kind_start_store(struct engine *engine, uint64_t iova, size_t length)
{
	edu_start_store(&engine->edu, iova, length);
}

static void edu_kind_interrupt(struct engine *engine)
{
	edu_interrupt(&engine->edu);
}

/* --- iommu-testdev ---------------------------------------------------------- */

static int testdev_kind_open(struct engine *engine)
{
	return testdev_open(&engine->testdev, engine->name);
}

static int testdev_kind_open_vfio(struct engine *engine, struct vfio *vfio)
{
	volatile void *bar = vfio_map_bar(vfio, 0);

	testdev_init(&engine->testdev, bar, engine->name);
	return bar ? 0 : -EIO;
}

static void testdev_kind_close(struct engine *engine)
{
	testdev_close(&engine->testdev);
}

static enum engine_wrote testdev_kind_write(struct engine *engine, uint64_t iova,
					    uint64_t phys, uint32_t length)
{
	switch (testdev_write(&engine->testdev, iova, phys, length)) {
	case TESTDEV_OK:
		return ENGINE_WROTE;
	case TESTDEV_MISMATCH:
		return ENGINE_WROTE_ELSEWHERE;
	default:
		return ENGINE_WROTE_NOTHING;
	}
}

/* --- a modelled device ----------------------------------------------------- */

static int model_open(struct engine *engine)
{
	struct model_engine *model = &engine->model;

	model->bdf = pci_bdf(engine->name);
	model->storing = 0;
	memset(model->buf, 0, sizeof(model->buf));
	return sim_set_master(model->bdf, true);
}

/* It has no registers: VFIO's user need not do more than make it a bus master. */
static int model_open_vfio(struct engine *engine, struct vfio *vfio)
{
	return vfio_enable(vfio) ?: model_open(engine);
}

static bool model_alive(struct engine *engine)
{
	return pci_present(engine->name);
}

/* What it was not let do is done as well, as far as such a device can tell. */
static int model_done(int status)
{
	return status == SIM_TIMEOUT ? -ETIMEDOUT : status < 0 ? status : 0;
}

static void model_wait(struct model_engine *model)
{
	if (model->storing > 0)
		waitpid(model->storing, NULL, 0);
	model->storing = 0;
}

static int model_fetch(struct engine *engine, uint64_t iova, size_t length)
{
	struct model_engine *model = &engine->model;

	model_wait(model);
	return model_done(sim_read(model->bdf, iova, model->buf, length));
}

static int model_store(struct engine *engine, uint64_t iova, size_t length)
{
	struct model_engine *model = &engine->model;

	model_wait(model);
	return model_done(sim_write(model->bdf, iova, model->buf, length));
}

/*
 * A process of its own, that holds nothing of its parent's: a device does not stop
 * when its user dies.
 */
static void model_start_store(struct engine *engine, uint64_t iova, size_t length)
{
	struct model_engine *model = &engine->model;
	int gone[2];
	char c;

	model_wait(model);
	if (pipe(gone))
		abort();
	model->storing = fork();
	if (model->storing) {
		/* Until it has let go of all: it may begin after its parent's death. */
		close(gone[1]);
		while (read(gone[0], &c, 1) < 0 && errno == EINTR)
			;
		close(gone[0]);
		return;
	}
	setpgid(0, 0);
	if (gone[1])
		close_range(0, gone[1] - 1, 0);
	close_range(gone[1] + 1, ~0U, 0);
	close(gone[1]);
	usleep(100000);
	sim_write(model->bdf, iova, model->buf, length);
	_exit(0);
}

static enum engine_wrote model_write(struct engine *engine, uint64_t iova, uint64_t phys,
				     uint32_t length)
{
	uint32_t words[SZ_4K / 4];
	struct sim_dma dma = {
		.bdf = engine->model.bdf,
		.pasid = SIM_NO_PASID,
		.flags = SIM_DMA_WRITE,
		.addr = iova,
		.len = length,
		.buf = (uintptr_t)words,
	};

	for (size_t i = 0; i < sizeof(words) / 4; i++)
		words[i] = ENGINE_PATTERN;
	if (sim_dma(&dma) != SIM_OK)
		return ENGINE_WROTE_NOTHING;
	return dma.phys == phys ? ENGINE_WROTE : ENGINE_WROTE_ELSEWHERE;
}

/* --- all ------------------------------------------------------------------ */

static const struct engine_kind kinds[] = {
	{
		.ids = { ID_EDU },
		.open = edu_kind_open,
		.open_vfio = edu_kind_open_vfio,
		.close = edu_kind_close,
		.alive = edu_kind_alive,
		.fetch = edu_kind_fetch,
		.store = edu_kind_store,
		.start_store = edu_kind_start_store,
		.interrupt = edu_kind_interrupt,
	}, {
		.ids = { ID_TESTDEV },
		.open = testdev_kind_open,
		.open_vfio = testdev_kind_open_vfio,
		.close = testdev_kind_close,
		.write = testdev_kind_write,
	}, {
		.ids = { ID_SIM(SIM_ENDPOINT), ID_SIM(SIM_PCI_DEVICE), ID_SIM(SIM_VF) },
		.open = model_open,
		.open_vfio = model_open_vfio,
		.alive = model_alive,
		.fetch = model_fetch,
		.store = model_store,
		.start_store = model_start_store,
		.write = model_write,
	},
};

static const struct engine_kind *kind_of(const char *name)
{
	uint32_t id = pci_id(name);

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		for (const uint32_t *is = kinds[i].ids; *is; is++)
			if (*is == id)
				return &kinds[i];
	return NULL;
}

bool engine_find(int index, char *name)
{
	const struct engine_kind *kind;
	char fast[PCI_NAME_LEN] = "";

	engine_find_fast(fast);
	for (int i = 0; pci_nth(i, name); i++) {
		kind = kind_of(name);
		if (kind && kind->fetch && strcmp(name, fast) && !index--)
			return true;
	}
	return false;
}

/* Of modelled devices, which are all alike, the last one plays that part. */
bool engine_find_fast(char *name)
{
	int models = pci_count(ID_SIM(SIM_ENDPOINT));

	return pci_find(ID_TESTDEV, 0, name) ||
	       (models > 1 && pci_find(ID_SIM(SIM_ENDPOINT), models - 1, name));
}

/* Says who @name is; a failed open leaves it closed. */
static int begin(struct engine *engine, const char *name)
{
	engine->kind = kind_of(name);
	snprintf(engine->name, sizeof(engine->name), "%.15s", name);
	return engine->kind ? 0 : -ENODEV;
}

static int end(struct engine *engine, int rc)
{
	if (rc)
		engine->kind = NULL;
	return rc;
}

int engine_open(struct engine *engine, const char *name)
{
	return begin(engine, name) ?: end(engine, engine->kind->open(engine));
}

int engine_open_vfio(struct engine *engine, const char *name, struct vfio *vfio)
{
	return begin(engine, name) ?: end(engine, engine->kind->open_vfio(engine, vfio));
}

void engine_close(struct engine *engine)
{
	if (engine->kind && engine->kind->close)
		engine->kind->close(engine);
	engine->kind = NULL;
}

bool engine_alive(struct engine *engine)
{
	return engine->kind->alive(engine);
}

int engine_fetch(struct engine *engine, uint64_t iova, size_t length)
{
	return engine->kind->fetch(engine, iova, length);
}

int engine_store(struct engine *engine, uint64_t iova, size_t length)
{
	return engine->kind->store(engine, iova, length);
}

void engine_start_store(struct engine *engine, uint64_t iova, size_t length)
{
	engine->kind->start_store(engine, iova, length);
}

enum engine_wrote engine_write(struct engine *engine, uint64_t iova, uint64_t phys,
			       uint32_t length)
{
	return engine->kind->write(engine, iova, phys, length);
}

bool engine_has_interrupt(struct engine *engine)
{
	return engine->kind->interrupt;
}

void engine_interrupt(struct engine *engine)
{
	engine->kind->interrupt(engine);
}
