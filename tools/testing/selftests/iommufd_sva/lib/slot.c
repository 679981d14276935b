// SPDX-License-Identifier: GPL-2.0-only
/* Slots whose device a test can take out and put in again. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine.h"
#include "sim.h"
#include "slot.h"
#include "sva.h"

#define GONE_MS 20000
#define THERE_MS 2000

/* QEMU's monitor, -1 where there is none. */
static int open_monitor(void)
{
	const char *dir = "/sys/class/virtio-ports";
	struct dirent *d;
	DIR *ports = opendir(dir);
	int fd = -1;

	while (ports && (d = readdir(ports))) {
		char path[320], name[32];

		snprintf(path, sizeof(path), "%s/%s/name", dir, d->d_name);
		if (strcmp(file_line(path, name, sizeof(name)), "monitor"))
			continue;
		snprintf(path, sizeof(path), "/dev/%s", d->d_name);
		fd = open(path, O_RDWR | O_CLOEXEC);
	}
	if (ports)
		closedir(ports);
	return fd;
}

static bool say(struct slot *slot, const char *command)
{
	return write(slot->monitor, command, strlen(command)) == (ssize_t)strlen(command);
}

/* QEMU says no until the slot of the one before has been switched off. */
static bool monitor_plug(struct slot *slot)
{
	for (int i = 0; i < 20; i++)
		if (!say(slot, "device_add edu,id=hot0,bus=hotport0,dma_mask=0xffffffffffff\n") ||
		    pci_wait(slot->name, true, THERE_MS))
			break;
	return pci_present(slot->name);
}

static bool model_plug(struct slot *slot)
{
	return sim_add(SIM_ENDPOINT, slot->parent, pci_bdf(slot->name) & 0xff, SIM_ALL_CAPS) >= 0 &&
	       pci_wait(slot->name, true, THERE_MS);
}

bool slot_open(struct slot *slot, const char *name)
{
	char port[PCI_NAME_LEN];

	*slot = (struct slot){ .monitor = -1, .parent = -1 };
	snprintf(slot->name, sizeof(slot->name), "%.15s", name);
	if (pci_id(name) == ID_SIM(SIM_ENDPOINT) && pci_parent(name, port)[0]) {
		slot->parent = pci_bdf(port);
	} else if (pci_id(name) == ID_EDU) {
		slot->monitor = open_monitor();
	}
	return slot->monitor >= 0 || slot->parent >= 0;
}

void slot_close(struct slot *slot)
{
	if (slot->monitor >= 0)
		close(slot->monitor);
}

bool slot_unplug(struct slot *slot)
{
	return (slot->parent >= 0 ? !sim_remove(pci_bdf(slot->name)) :
				    say(slot, "device_del hot0\n")) &&
	       pci_wait(slot->name, false, GONE_MS);
}

bool slot_plug(struct slot *slot)
{
	bool there = slot->parent >= 0 ? model_plug(slot) : monitor_plug(slot);

	/* Present in sysfs a moment before its resources are assigned. */
	usleep(500000);
	return there;
}

bool slot_can_surprise(struct slot *slot)
{
	return slot->parent >= 0;
}

bool slot_pull(struct slot *slot)
{
	return !sim_pull_out(pci_bdf(slot->name)) && pci_wait(slot->name, false, GONE_MS);
}
