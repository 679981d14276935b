/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A slot whose device a test can take out and put in again: by QEMU's monitor,
 * where that is wired to a virtio serial port named "monitor", the device's ID is
 * "hot0" and its root port's "hotport0"; or a hardware model's.
 */
#ifndef SELFTEST_SLOT_H
#define SELFTEST_SLOT_H

#include <stdbool.h>

#include "pci.h"

/**
 * struct slot - one
 * @name: the device that is in it, or was
 * @monitor: QEMU's monitor, -1: none
 * @parent: the port above a modelled device, -1: it is none
 */
struct slot {
	char name[PCI_NAME_LEN];
	int monitor;
	int parent;
};

/* The one that device @name is in. False: nobody can take it out. */
bool slot_open(struct slot *slot, const char *name);
void slot_close(struct slot *slot);

/* Orderly: the kernel is asked first. True once it is gone, or there. */
bool slot_unplug(struct slot *slot);
bool slot_plug(struct slot *slot);
/* Nobody is asked. */
bool slot_can_surprise(struct slot *slot);
bool slot_pull(struct slot *slot);

#endif
