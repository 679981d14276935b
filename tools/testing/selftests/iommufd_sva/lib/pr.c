// SPDX-License-Identifier: GPL-2.0-only
/* Page requests, from both ends. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pr.h"

#define EXT_PRI 0x13

uint32_t pri_register(int bdf, unsigned int at, int size)
{
	return sim_config(bdf, sim_ext_cap(bdf, EXT_PRI) + at, size);
}

bool pri_is_off(int bdf)
{
	return !pri_register(bdf, PRI_CTRL, 2) && pri_register(bdf, PRI_STATUS, 2) & PRI_STOPPED;
}

static void *run_dma(void *arg)
{
	struct pr_dma *d = arg;

	d->rc = sim_dma(&d->dma);
	return NULL;
}

void pr_dma_start(struct pr_dma *d, int bdf, uint32_t pasid, uint64_t addr, uint32_t flags)
{
	memset(d->buf, 0x5a, sizeof(d->buf));
	d->dma = (struct sim_dma){
		.bdf = bdf,
		.pasid = pasid,
		.flags = flags,
		.addr = addr,
		.len = sizeof(d->buf),
		.buf = (uintptr_t)d->buf,
		.timeout_ms = PR_PATIENCE_MS,
	};
	if (pthread_create(&d->thread, NULL, run_dma, d))
		abort();
}

int pr_dma_wait(struct pr_dma *d)
{
	pthread_join(d->thread, NULL);
	return d->rc;
}

static void *run_group(void *arg)
{
	struct pr_group *g = arg;

	g->status = sim_page_request(g->bdf, g->pasid, g->addr, g->group,
				     SIM_PR_READ | SIM_PR_LAST, PR_PATIENCE_MS);
	return NULL;
}

void pr_group_start(struct pr_group *g, int bdf, uint32_t pasid, uint64_t addr, uint32_t group)
{
	*g = (struct pr_group){
		.bdf = bdf,
		.pasid = pasid,
		.addr = addr,
		.group = group,
		.status = -1,
	};
	if (pthread_create(&g->thread, NULL, run_group, g))
		abort();
}

int pr_group_wait(struct pr_group *g)
{
	pthread_join(g->thread, NULL);
	return g->status;
}

uint64_t pr_answers(int bdf)
{
	return sim_device_counter(bdf, "page_responses");
}

bool pr_has_answers(int bdf, uint64_t num)
{
	for (int ms = 0; ms < PR_PATIENCE_MS / 2 && pr_answers(bdf) < num; ms++)
		usleep(1000);
	return pr_answers(bdf) == num;
}

int pr_take(int file, struct iommufd_sva_hwpt_pgfault *requests, int room)
{
	ssize_t len = read(file, requests, room * sizeof(*requests));

	return len < 0 ? -errno : len / (ssize_t)sizeof(*requests);
}

int pr_await_for(int file, struct iommufd_sva_hwpt_pgfault *requests, int room, int ms)
{
	struct pollfd p = { .fd = file, .events = POLLIN };

	if (poll(&p, 1, ms) < 0)
		return -errno;
	return pr_take(file, requests, room);
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

int pr_answer_next(int file, uint32_t code)
{
	struct iommufd_sva_hwpt_pgfault request;
	int num = pr_await(file, &request, 1);

	return num == 1 ? pr_answer(file, request.cookie, code) : num < 0 ? num : -ETIMEDOUT;
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
