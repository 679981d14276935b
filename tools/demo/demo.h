/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef DEMO_H
#define DEMO_H

#include <stdbool.h>
#include <stdint.h>

/* disk.c: a host driver's disk at work, in a process of its own. */
struct disk {
	const char *path;
	int pid;
	volatile struct disk_count {
		unsigned long written, read, wrong, errors;
	} *count;
};

bool disk_start(struct disk *disk, const char *path);
void disk_pause(struct disk *disk, bool pause);
void disk_stop(struct disk *disk);

/* draw.c: the tables that were walked, from what debugfs told. */
void draw_walk(const char *text);

#endif
