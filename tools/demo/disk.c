// SPDX-License-Identifier: GPL-2.0-only
/*
 * A disk at work: blocks of ever new contents are written past the page cache
 * and read back. Whatever the IOMMU does to other devices must not show here.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "demo.h"
#include "sva.h"

#define BLOCK SZ_64K
#define BLOCKS 256

static void work(struct disk *disk, int fd)
{
	char *out = mem_alloc(BLOCK, 0), *in = mem_alloc(BLOCK, 0);

	for (unsigned int seed = 1; ; seed++) {
		off_t at = (rand() % BLOCKS) * (off_t)BLOCK;

		mem_fill(out, BLOCK, seed);
		if (pwrite(fd, out, BLOCK, at) != (ssize_t)BLOCK ||
		    pread(fd, in, BLOCK, at) != (ssize_t)BLOCK) {
			disk->count->errors++;
			continue;
		}
		disk->count->written += BLOCK;
		disk->count->read += BLOCK;
		if (mem_check(in, BLOCK, seed) != -1)
			disk->count->wrong++;
	}
}

bool disk_start(struct disk *disk, const char *path)
{
	int fd = open(path, O_RDWR | O_DIRECT | O_CLOEXEC);

	disk->path = path;
	disk->count = mmap(NULL, SZ_4K, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (fd < 0 || disk->count == MAP_FAILED)
		return false;
	disk->pid = fork();
	if (!disk->pid)
		work(disk, fd);
	close(fd);
	return disk->pid > 0;
}

void disk_pause(struct disk *disk, bool pause)
{
	kill(disk->pid, pause ? SIGSTOP : SIGCONT);
	/* What is under way comes to its end. */
	if (pause)
		usleep(500000);
}

void disk_stop(struct disk *disk)
{
	kill(disk->pid, SIGKILL);
	waitpid(disk->pid, NULL, 0);
}
