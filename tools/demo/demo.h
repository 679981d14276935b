/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef DEMO_H
#define DEMO_H

#include <stdbool.h>
#include <stdint.h>

#include "pci.h"

/**
 * struct bystander - a device of the host's at work, in a process of its own
 * @name: the device
 * @what: what it is, in a word
 * @driver: the host's
 * @pid: who has it work
 * @count: bytes, and what went wrong
 */
struct bystander {
	char name[PCI_NAME_LEN];
	const char *what;
	const char *driver;
	int pid;
	volatile struct bystander_count {
		unsigned long written, read, wrong, errors;
	} *count;
};

/* With its driver bound. */
bool bystander_find(struct bystander *b);
bool bystander_start(struct bystander *b);
/* It goes on, and its driver is there. */
bool bystander_works(struct bystander *b);
bool bystander_has_driver(struct bystander *b);
void bystander_pause(struct bystander *b, bool pause);
void bystander_stop(struct bystander *b);

/* draw.c: the tables that were walked, from what debugfs told. */
void draw_walk(const char *text);

#endif
