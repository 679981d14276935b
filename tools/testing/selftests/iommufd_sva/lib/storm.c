// SPDX-License-Identifier: GPL-2.0-only
/* DMA as fast as iommu-testdev can, from a thread of its own. */
#include "storm.h"

static void *storm(void *arg)
{
	struct storm *s = arg;

	while (!s->stop) {
		uint32_t rc = testdev_write(&s->dev, s->iova, s->phys, 64);

		s->count++;
		if (rc == TESTDEV_MISMATCH)
			s->elsewhere++;
		else if (rc != TESTDEV_OK)
			s->failed++;
	}
	return NULL;
}

int storm_start(struct storm *s)
{
	return pthread_create(&s->thread, NULL, storm, s);
}

void storm_stop(struct storm *s)
{
	s->stop = true;
	pthread_join(s->thread, NULL);
}
