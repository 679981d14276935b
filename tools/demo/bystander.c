// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device of the host's at work: bytes that are ever new are moved out and back.
 * Whatever the IOMMU does to other devices must not show here. It is a disk, that
 * is written and read past the page cache; or a modelled card that copies memory,
 * by physical addresses.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "demo.h"
#include "engine.h"
#include "sva.h"

#define BLOCK SZ_64K
#define BLOCKS 256
#define DISK "/dev/nvme0n1"
#define CARD_DRIVER "pci-pf-stub"

static void count(struct bystander *b, size_t bytes, bool right)
{
	b->count->written += bytes;
	b->count->read += bytes;
	b->count->wrong += !right;
}

static void work_of_disk(struct bystander *b)
{
	char *out = mem_alloc(BLOCK, 0), *in = mem_alloc(BLOCK, 0);
	int fd = open(DISK, O_RDWR | O_DIRECT | O_CLOEXEC);

	for (unsigned int seed = 1; ; seed++) {
		off_t at = (rand() % BLOCKS) * (off_t)BLOCK;

		mem_fill(out, BLOCK, seed);
		if (pwrite(fd, out, BLOCK, at) == (ssize_t)BLOCK &&
		    pread(fd, in, BLOCK, at) == (ssize_t)BLOCK)
			count(b, BLOCK, mem_check(in, BLOCK, seed) == -1);
		else
			b->count->errors++;
	}
}

static void work_of_card(struct bystander *b)
{
	char *out = mem_alloc(SZ_4K, 0), *in = mem_alloc(SZ_4K, 0);
	struct engine engine;
	int rc = engine_open(&engine, b->name);

	for (unsigned int seed = 1; ; seed++) {
		mem_fill(out, SZ_4K, seed);
		if (!rc && !engine_fetch(&engine, mem_phys(out), SZ_4K) &&
		    !engine_store(&engine, mem_phys(in), SZ_4K))
			count(b, SZ_4K, mem_check(in, SZ_4K, seed) == -1);
		else
			b->count->errors++;
	}
}

bool bystander_find(struct bystander *b)
{
	if (pci_find(ID_NVME, 0, b->name)) {
		b->what = "disk";
		b->driver = "nvme";
		sh("modprobe nvme");
		/* arm64 lets the driver wait for the IOMMU's first. */
		for (int i = 0; i < 300 && access(DISK, F_OK); i++)
			usleep(100000);
		return !access(DISK, F_OK);
	}
	b->what = "card";
	b->driver = CARD_DRIVER;
	sh("modprobe " CARD_DRIVER);
	return engine_find(1, b->name) && !pci_bind_driver(b->name, CARD_DRIVER);
}

bool bystander_start(struct bystander *b)
{
	b->count = mmap(NULL, SZ_4K, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (b->count == MAP_FAILED)
		return false;
	b->pid = fork();
	if (!b->pid && !strcmp(b->what, "disk"))
		work_of_disk(b);
	if (!b->pid)
		work_of_card(b);
	return b->pid > 0;
}

bool bystander_has_driver(struct bystander *b)
{
	char driver[32];

	return !strcmp(pci_driver(b->name, driver, sizeof(driver)), b->driver);
}

bool bystander_works(struct bystander *b)
{
	unsigned long read = b->count->read;

	for (int i = 0; i < 100 && b->count->read == read; i++)
		usleep(100000);
	return b->count->read > read && bystander_has_driver(b);
}

void bystander_pause(struct bystander *b, bool pause)
{
	kill(b->pid, pause ? SIGSTOP : SIGCONT);
	/* What is under way comes to its end. */
	if (pause)
		usleep(500000);
}

void bystander_stop(struct bystander *b)
{
	kill(b->pid, SIGKILL);
	waitpid(b->pid, NULL, 0);
}
