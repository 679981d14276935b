// SPDX-License-Identifier: GPL-2.0-only
/* Hardware models. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "pci.h"
#include "sim.h"
#include "sva.h"

/* How long a DMA waits for the answer to a stall or a page request. */
#define TIMEOUT_MS 10000

static int sim_ioctl(unsigned long cmd, void *arg)
{
	int fd = open(SIM_DEV, O_RDWR | O_CLOEXEC), rc;

	if (fd < 0)
		return -errno;
	rc = ioctl(fd, cmd, arg) ? -errno : 0;
	close(fd);
	return rc;
}

bool sim_present(void)
{
	return !access(SIM_DEV, F_OK);
}

int sim_add_as(struct sim_add *add)
{
	int rc;

	add->size = sizeof(*add);
	rc = sim_ioctl(SIM_ADD, add);
	return rc ?: (int)add->out_bdf;
}

int sim_add(enum sim_type type, int parent, unsigned int devfn, uint32_t caps)
{
	struct sim_add add = {
		.type = type,
		.parent = parent,
		.devfn = devfn,
		.caps = caps,
		.pasid_bits = caps & SIM_CAP_PASID ? 20 : 0,
		.ats_depth = caps & SIM_CAP_ATS ? 32 : 0,
		.pri_outstanding = caps & SIM_CAP_PRI ? 32 : 0,
		.total_vfs = caps & SIM_CAP_SRIOV ? 7 : 0,
	};

	return sim_add_as(&add);
}

void sim_remove_slot(unsigned int slot)
{
	sim_remove(SIM_SEGMENT << 16 | slot << 3);
}

static int add_port(unsigned int slot)
{
	sim_remove_slot(slot);
	return sim_add(SIM_ROOT_PORT, SIM_ROOT, slot << 3, SIM_CAP_ACS);
}

int sim_add_endpoint(unsigned int slot, uint32_t caps)
{
	int port = add_port(slot);

	return port < 0 ? port : sim_add(SIM_ENDPOINT, port, 0, caps);
}

int sim_add_endpoint_as(unsigned int slot, struct sim_add *add)
{
	int port = add_port(slot);

	add->type = SIM_ENDPOINT;
	add->parent = port;
	return port < 0 ? port : sim_add_as(add);
}

int sim_add_elsewhere(unsigned int segment, unsigned int slot, uint32_t caps)
{
	struct sim_add port = {
		.type = SIM_ROOT_PORT,
		.parent = SIM_ROOT_BUS(segment),
		.devfn = slot << 3,
		.caps = SIM_CAP_ACS,
	};
	int bdf = sim_add_as(&port);

	return bdf < 0 ? bdf : sim_add(SIM_ENDPOINT, bdf, 0, caps);
}

static int remove_as(int bdf, uint32_t flags)
{
	struct sim_remove remove = { .size = sizeof(remove), .bdf = bdf, .flags = flags };

	return sim_ioctl(SIM_REMOVE, &remove);
}

int sim_remove(int bdf)
{
	return remove_as(bdf, 0);
}

int sim_pull_out(int bdf)
{
	return remove_as(bdf, SIM_REMOVE_SURPRISE);
}

int sim_kill(int bdf)
{
	return remove_as(bdf, SIM_REMOVE_SILENT);
}

void sim_remove_all(void)
{
	for (int devfn = 0; devfn < 256; devfn++)
		sim_remove(SIM_SEGMENT << 16 | devfn);
}

const char *sim_name(int bdf)
{
	static __thread char names[8][PCI_NAME_LEN];
	static __thread unsigned int turn;
	char *name = names[turn++ % 8];

	snprintf(name, PCI_NAME_LEN, "%04x:%02x:%02x.%x", bdf >> 16 & 0xffff, bdf >> 8 & 0xff,
		 bdf >> 3 & 0x1f, bdf & 7);
	return name;
}

/* --- configuration space ---------------------------------------------------- */

static int open_config(int bdf, int mode)
{
	char path[96];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/config", sim_name(bdf));
	return open(path, mode | O_CLOEXEC);
}

uint32_t sim_config(int bdf, unsigned int where, int size)
{
	int fd = open_config(bdf, O_RDONLY);
	uint32_t value = 0;

	if (fd < 0)
		return ~0U;
	if (pread(fd, &value, size, where) != size)
		value = ~0U;
	close(fd);
	return value;
}

int sim_set_config(int bdf, unsigned int where, int size, uint32_t value)
{
	int fd = open_config(bdf, O_RDWR), rc = 0;

	if (fd < 0)
		return -errno;
	if (pwrite(fd, &value, size, where) != size)
		rc = -EIO;
	close(fd);
	return rc;
}

/* PCI 3.0 6.7: a list of (id, next) that begins at what 0x34 says. */
unsigned int sim_cap(int bdf, unsigned int id)
{
	unsigned int at = sim_config(bdf, 0x34, 1), seen = 0;

	while (at >= 0x40 && at < 0x100 && seen++ < 48) {
		if (sim_config(bdf, at, 1) == id)
			return at;
		at = sim_config(bdf, at + 1, 1);
	}
	return 0;
}

/* PCI Express 7.6.3: a list of (next:12, version:4, id:16) from 0x100 on. */
unsigned int sim_ext_cap(int bdf, unsigned int id)
{
	unsigned int at = 0x100, seen = 0;
	uint32_t header;

	while (at >= 0x100 && seen++ < 64) {
		header = sim_config(bdf, at, 4);
		if (header == ~0U)
			return 0;
		if ((header & 0xffff) == id)
			return at;
		at = header >> 20;
	}
	return 0;
}

int sim_set_master(int bdf, bool on)
{
	return pci_set_command(sim_name(bdf), on ? PCI_CMD_MASTER : 0, on ? 0 : PCI_CMD_MASTER);
}

int sim_set_pasid(int bdf, bool on)
{
	unsigned int at = sim_ext_cap(bdf, 0x1b);

	/* Execute and privileged mode where there are. */
	return at ? sim_set_config(bdf, at + 6, 2, on ? 7 : 0) : -ENOENT;
}

int sim_set_ats(int bdf, bool on)
{
	unsigned int at = sim_ext_cap(bdf, 0x0f);

	return at ? sim_set_config(bdf, at + 6, 2, on ? 0x8000 : 0) : -ENOENT;
}

int sim_set_pri(int bdf, unsigned int requests)
{
	unsigned int at = sim_ext_cap(bdf, 0x13);
	int rc;

	if (!at)
		return -ENOENT;
	/* Off and empty first: the number is fixed while it is on. */
	rc = sim_set_config(bdf, at + 4, 2, 0) ?: sim_set_config(bdf, at + 4, 2, 2);
	if (rc || !requests)
		return rc;
	return sim_set_config(bdf, at + 12, 4, requests) ?: sim_set_config(bdf, at + 4, 2, 1);
}

/* Device Control, bit 15; a conventional function: AF Control. */
int sim_flr(int bdf)
{
	unsigned int at = sim_cap(bdf, 0x10);

	if (at)
		return sim_set_config(bdf, at + 8, 2, sim_config(bdf, at + 8, 2) | 0x8000);
	at = sim_cap(bdf, 0x13);
	return at ? sim_set_config(bdf, at + 4, 1, 1) : -ENOENT;
}

int sim_set_vfs(int bdf, unsigned int num)
{
	char path[96], text[16];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/sriov_drivers_autoprobe",
		 sim_name(bdf));
	file_write(path, "0");
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/sriov_numvfs", sim_name(bdf));
	snprintf(text, sizeof(text), "%u", num);
	return file_write(path, text);
}

/* SR-IOV 9.3.3.9, 9.3.3.10: first offset and stride */
int sim_vf(int bdf, unsigned int index)
{
	unsigned int at = sim_ext_cap(bdf, 0x10);

	return bdf + sim_config(bdf, at + 0x14, 2) + index * sim_config(bdf, at + 0x16, 2);
}

/* --- DMA ------------------------------------------------------------------------- */

int sim_dma(struct sim_dma *dma)
{
	int rc;

	dma->size = sizeof(*dma);
	if (!dma->timeout_ms)
		dma->timeout_ms = TIMEOUT_MS;
	rc = sim_ioctl(SIM_DMA, dma);
	return rc ?: (int)dma->status;
}

int sim_read_pasid(int bdf, uint32_t pasid, uint64_t addr, void *buf, size_t len,
		   uint32_t flags)
{
	struct sim_dma dma = {
		.bdf = bdf,
		.pasid = pasid,
		.flags = flags,
		.addr = addr,
		.len = len,
		.buf = (uintptr_t)buf,
	};

	return sim_dma(&dma);
}

int sim_write_pasid(int bdf, uint32_t pasid, uint64_t addr, const void *buf, size_t len,
		    uint32_t flags)
{
	return sim_read_pasid(bdf, pasid, addr, (void *)buf, len, flags | SIM_DMA_WRITE);
}

int sim_read(int bdf, uint64_t addr, void *buf, size_t len)
{
	return sim_read_pasid(bdf, SIM_NO_PASID, addr, buf, len, 0);
}

int sim_write(int bdf, uint64_t addr, const void *buf, size_t len)
{
	return sim_write_pasid(bdf, SIM_NO_PASID, addr, buf, len, 0);
}

int sim_sees(int bdf, uint32_t pasid, uint64_t addr, uint32_t flags)
{
	char buf[256];
	int status = sim_read_pasid(bdf, pasid, addr, buf, sizeof(buf), flags);

	if (status)
		return status < 0 ? SIM_GARBAGE : -status;
	for (int seed = 1; seed < 100; seed++)
		if (mem_check(buf, sizeof(buf), seed) < 0)
			return seed;
	return SIM_GARBAGE;
}

int sim_ats(struct sim_ats *ats)
{
	int rc;

	ats->size = sizeof(*ats);
	rc = sim_ioctl(SIM_ATS, ats);
	return rc ?: (int)ats->status;
}

int sim_page_request(int bdf, uint32_t pasid, uint64_t addr, uint32_t group, uint32_t flags,
		     unsigned int timeout_ms)
{
	struct sim_page_request pr = {
		.size = sizeof(pr),
		.bdf = bdf,
		.pasid = pasid,
		.flags = flags,
		.addr = addr,
		.group = group,
		.timeout_ms = timeout_ms,
	};
	int rc = sim_ioctl(SIM_PAGE_REQUEST, &pr);

	return rc ?: (int)pr.status;
}

int sim_open(void)
{
	int fd = open(SIM_DEV, O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int sim_page_request_by(int sim_fd, struct sim_page_request *pr)
{
	pr->size = sizeof(*pr);
	return ioctl(sim_fd, SIM_PAGE_REQUEST, pr) ? -errno : (int)pr->status;
}

const char *sim_status_name(int status)
{
	static const char *const names[] = {
		"OK", "UR", "CA", "NO_MASTER", "NO_MEMORY", "TIMEOUT", "DENIED", "FAILURE",
	};

	if (status < 0)
		return strerror(-status);
	return status < (int)(sizeof(names) / sizeof(*names)) ? names[status] : "?";
}

/* --- counters and faults ------------------------------------------------------- */

/* Lines "NAME VALUE\n"; in a buffer of the thread. */
static char *counters(unsigned int unit, int bdf, uint32_t flags)
{
	static __thread char text[65536];
	struct sim_counters counters = {
		.size = sizeof(counters),
		.unit = unit,
		.bdf = bdf,
		.flags = flags,
		.len = sizeof(text),
		.buf = (uintptr_t)text,
	};

	text[0] = 0;
	sim_ioctl(SIM_COUNTERS, &counters);
	return text;
}

static uint64_t find_counter(const char *text, const char *name)
{
	size_t len = strlen(name);

	for (; text && *text; text = strchr(text, '\n')) {
		text += *text == '\n';
		if (!strncmp(text, name, len) && text[len] == ' ')
			return strtoull(text + len, NULL, 10);
	}
	return 0;
}

uint64_t sim_counter(unsigned int unit, const char *name)
{
	return find_counter(counters(unit, 0, 0), name);
}

uint64_t sim_device_counter(int bdf, const char *name)
{
	return find_counter(counters(~0U, bdf, 0), name);
}

void sim_reset_counters(unsigned int unit)
{
	counters(unit, 0, SIM_COUNTERS_RESET);
}

void sim_reset_device_counters(int bdf)
{
	counters(~0U, bdf, SIM_COUNTERS_RESET);
}

unsigned int sim_units(void)
{
	unsigned int num = 0;

	while (*counters(num, 0, 0))
		num++;
	return num;
}

static bool is_bad(const char *line)
{
	return !strncmp(line, "bad.", 4) || !strncmp(line, "stale.", 6);
}

const char *sim_bad(unsigned int unit)
{
	char *line = counters(unit, 0, 0), *next;

	for (; line && *line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = 0;
		if (is_bad(line) && strtoull(strchr(line, ' ') ?: "0", NULL, 10))
			return line;
	}
	return "";
}

int sim_inject(unsigned int unit, enum sim_fault fault, uint32_t count, uint64_t arg)
{
	struct sim_inject inject = {
		.size = sizeof(inject),
		.unit = unit,
		.fault = fault,
		.count = count,
		.arg = arg,
	};

	return sim_ioctl(SIM_INJECT, &inject);
}
