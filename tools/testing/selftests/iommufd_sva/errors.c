// SPDX-License-Identifier: GPL-2.0-only
/*
 * Units that misbehave: hardware models do so when they are told to. Whatever
 * happens in a queue, what an ioctl said is true when it returns, one caller's
 * trouble is not another's, and afterwards everything works.
 */
#include <time.h>

#include "selftest.h"
#include "sim.h"

#define IOVA 0x123456000UL
#define UNIT 0
/* How long a queue is waited for before it is restarted: 2 s in the drivers. */
#define PATIENCE_MS 8000
/* Who logs it may be another thread. */
#define LOG_MS 2000

FIXTURE(errors)
{
	char name[PCI_NAME_LEN];
	int fd;
	uint32_t ioas;
	uint32_t device;
	struct engine engine;
	char *mem;
	int log;
};

FIXTURE_SETUP(errors)
{
	if (!sim_present())
		SKIP(return, "no hardware model");
	NEED_ENGINE(0, self->name);
	self->fd = sva_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, sva_ioas_alloc(self->fd, &self->ioas));
	ASSERT_EQ(0, pci_unbind(self->name));
	ASSERT_EQ(0, sva_bind(self->fd, pci_bdf(self->name), &self->device));
	ASSERT_EQ(0, engine_open(&self->engine, self->name));
	self->mem = mem_alloc(2 * SZ_4K, 0);
	ASSERT_NE(NULL, self->mem);
	ASSERT_EQ(0, sva_map(self->fd, self->ioas, self->mem, SZ_4K, IOVA, SVA_RW));
	ASSERT_EQ(0, sva_attach(self->fd, self->device, self->ioas, NULL));
	self->log = fault_mark();
}

FIXTURE_TEARDOWN(errors)
{
	for (int fault = 0; fault < SIM_FAULTS; fault++)
		sim_inject(UNIT, fault, 0, 0);
	engine_close(&self->engine);
	close(self->fd);
}

static unsigned long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Does a store to IOVA arrive? */
static bool arrives(FIXTURE_DATA(errors) *self, unsigned int seed)
{
	mem_fill(self->mem + SZ_4K, SZ_4K, seed);
	memset(self->mem, 0, SZ_4K);
	if (sva_map(self->fd, self->ioas, self->mem + SZ_4K, SZ_4K, IOVA + SZ_1G, SVA_RW) ||
	    engine_fetch(&self->engine, IOVA + SZ_1G, SZ_4K) ||
	    sva_unmap(self->fd, self->ioas, IOVA + SZ_1G, SZ_4K, NULL) ||
	    engine_store(&self->engine, IOVA, SZ_4K))
		return false;
	return mem_check(self->mem, SZ_4K, seed) == -1;
}

/* Unmap the page, which the unit has cached, while it misbehaves; and map it again. */
static void unmap_meanwhile(struct __test_metadata *_metadata, FIXTURE_DATA(errors) *self,
			    enum sim_fault fault, unsigned int arg, unsigned int least_ms)
{
	unsigned long start, took;
	int log = kmsg_mark();

	ASSERT_TRUE(arrives(self, 1));
	ASSERT_EQ(0, sim_inject(UNIT, fault, 1, arg));
	start = now_ms();
	ASSERT_EQ(0, sva_unmap(self->fd, self->ioas, IOVA, SZ_4K, NULL));
	took = now_ms() - start;
	EXPECT_LE(least_ms, took) TH_LOG("it did not wait");
	EXPECT_GT(PATIENCE_MS, took);
	memset(self->mem, 0, SZ_4K);
	ASSERT_EQ(0, engine_store(&self->engine, IOVA, SZ_4K));
	EXPECT_EQ(0, self->mem[1]) TH_LOG("written after it was unmapped");
	EXPECT_TRUE(fault_logged(self->log, self->name, "write", IOVA));
	ASSERT_EQ(0, sva_map(self->fd, self->ioas, self->mem, SZ_4K, IOVA, SVA_RW));
	EXPECT_TRUE(arrives(self, 2));
	EXPECT_FALSE(kmsg_wait(log, 0, NULL, 0, KMSG_WORDS(backend()->module, "not invalidated")));
	close(log);
}

TEST_F(errors, late)
{
	unmap_meanwhile(_metadata, self, SIM_FAULT_LATE, 500, 400);
}

TEST_F(errors, lost)
{
	int log = kmsg_mark();

	unmap_meanwhile(_metadata, self, SIM_FAULT_LOST, 0, 1000);
	EXPECT_TRUE(kmsg_wait(log, LOG_MS, NULL, 0,
			      KMSG_WORDS(backend()->module, "does not answer", "restarting")));
}

/* A queue that could not be read is read again: nobody notices, the log says it once. */
TEST_F(errors, unreadable)
{
	const char *const words[] = { backend()->module, backend()->unreadable, NULL };
	int log = kmsg_mark();

	unmap_meanwhile(_metadata, self, SIM_FAULT_ABORT, 0, 0);
	EXPECT_TRUE(kmsg_wait(log, LOG_MS, NULL, 0, words));
	EXPECT_FALSE(kmsg_wait(log, 200, NULL, 0, words));
	close(log);
}

/* The command is its owner's trouble: what he wanted has not happened. */
TEST_F(errors, refused)
{
	struct iommufd_sva_iova_range before[8], after[8];
	uint32_t other, num = 8, num_after = 8;
	int log = kmsg_mark();

	ASSERT_TRUE(arrives(self, 1));
	ASSERT_EQ(0, sva_ioas_alloc(self->fd, &other));
	ASSERT_EQ(0, sva_ranges(self->fd, other, before, &num, NULL));
	ASSERT_EQ(0, sim_inject(UNIT, SIM_FAULT_COMMAND, 1, 0));
	EXPECT_EQ(-EIO, sva_attach(self->fd, self->device, other, NULL));
	EXPECT_TRUE(kmsg_wait(log, LOG_MS, NULL, 0, KMSG_WORDS(backend()->module, "dropped")));
	/* Nothing has changed there, it is still where it was, and everybody goes on. */
	ASSERT_EQ(0, sva_ranges(self->fd, other, after, &num_after, NULL));
	EXPECT_EQ(num, num_after);
	EXPECT_EQ(0, memcmp(before, after, num * sizeof(before[0])));
	EXPECT_TRUE(arrives(self, 2));
	EXPECT_EQ(0, sva_attach(self->fd, self->device, other, NULL));
	EXPECT_FALSE(arrives(self, 3));
	EXPECT_EQ(0, sva_attach(self->fd, self->device, self->ioas, NULL));
	EXPECT_TRUE(arrives(self, 4));
}

static void fault_at(FIXTURE_DATA(errors) *self, unsigned int page)
{
	engine_store(&self->engine, IOVA + SZ_2M + page * SZ_4K, SZ_4K);
}

/* More faults than the unit can record, and after that others are heard of. */
TEST_F(errors, no_room_for_faults)
{
	bool heard = false;

	for (int i = 0; i < 3000; i++)
		fault_at(self, i & 0xff);
	usleep(500000);
	/* On a slow machine the log may have no room yet either (its rate limit). */
	for (int page = 0x100; page < 0x104 && !heard; page++) {
		close(self->log);
		self->log = fault_mark();
		fault_at(self, page);
		heard = fault_logged(self->log, self->name, "write",
				     IOVA + SZ_2M + page * SZ_4K);
	}
	EXPECT_TRUE(heard);
}

TEST_HARNESS_MAIN
