// SPDX-License-Identifier: GPL-2.0-only
/* Page requests, from both ends. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pr.h"

static void *run(void *arg)
{
	struct pr_dma *d = arg;

	d->rc = sim_dma(&d->dma);
	return NULL;
}

void pr_dma_start(struct pr_dma *d, int bdf, uint32_t pasid, uint64_t addr, uint32_t flags)
{
	d->dma = (struct sim_dma){
		.bdf = bdf,
		.pasid = pasid,
		.flags = SIM_DMA_ATS | SIM_DMA_PRI | flags,
		.addr = addr,
		.len = sizeof(d->buf),
		.buf = (uintptr_t)d->buf,
		.timeout_ms = PR_PATIENCE_MS,
	};
	if (pthread_create(&d->thread, NULL, run, d))
		abort();
}

int pr_dma_wait(struct pr_dma *d)
{
	pthread_join(d->thread, NULL);
	return d->rc;
}

int pr_await_for(int file, struct iommufd_sva_hwpt_pgfault *requests, int room, int ms)
{
	struct pollfd p = { .fd = file, .events = POLLIN };
	ssize_t len;

	if (poll(&p, 1, ms) < 0)
		return -errno;
	len = read(file, requests, room * sizeof(*requests));
	return len < 0 ? -errno : len / (ssize_t)sizeof(*requests);
}

int pr_await(int file, struct iommufd_sva_hwpt_pgfault *requests, int room)
{
	return pr_await_for(file, requests, room, PR_PATIENCE_MS / 2);
}

int pr_answer(int file, uint32_t cookie, uint32_t code)
{
	struct iommufd_sva_hwpt_page_response response = { .cookie = cookie, .code = code };
	ssize_t len = write(file, &response, sizeof(response));

	return len < 0 ? -errno : len == sizeof(response) ? 0 : -EIO;
}

long pr_told(int fd, const char *key)
{
	char path[64], line[128];
	size_t len = strlen(key);
	long value = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, key, len) && line[len] == ':')
			value = atol(line + len + 1);
	if (f)
		fclose(f);
	return value;
}
