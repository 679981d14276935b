// SPDX-License-Identifier: GPL-2.0-only
/* DMA as fast as an engine can, from a thread of its own. */
#include "storm.h"

static void *storm(void *arg)
{
	struct storm *s = arg;

	while (!s->stop) {
		enum engine_wrote rc = engine_write(&s->dev, s->iova, s->phys, 64);

		s->count++;
		if (rc == ENGINE_WROTE_ELSEWHERE)
			s->elsewhere++;
		else if (rc != ENGINE_WROTE)
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
