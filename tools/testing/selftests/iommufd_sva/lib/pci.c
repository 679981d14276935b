// SPDX-License-Identifier: GPL-2.0-only
/* PCI devices as sysfs shows them. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pci.h"
#include "sva.h"

#define DEVICES "/sys/bus/pci/devices"

static char *attr_path(const char *name, const char *attr, char *buf, size_t len)
{
	snprintf(buf, len, DEVICES "/%.15s/%.40s", name, attr);
	return buf;
}

static unsigned long attr_number(const char *name, const char *attr)
{
	char path[96], buf[32];

	return strtoul(file_line(attr_path(name, attr, path, sizeof(path)), buf,
				 sizeof(buf)), NULL, 0);
}

static int attr_write(const char *name, const char *attr, const char *text)
{
	char path[96];

	return file_write(attr_path(name, attr, path, sizeof(path)), text);
}

/* The last component of what a link points to, "" when there is none. */
static char *attr_link(const char *name, const char *attr, char *buf, size_t len)
{
	char path[96], target[256];
	ssize_t n = readlink(attr_path(name, attr, path, sizeof(path)), target,
			     sizeof(target) - 1);

	buf[0] = 0;
	if (n > 0) {
		target[n] = 0;
		snprintf(buf, len, "%s", strrchr(target, '/') + 1);
	}
	return buf;
}

uint32_t pci_id(const char *name)
{
	return attr_number(name, "vendor") << 16 | attr_number(name, "device");
}

/* The @index'th device of @id, of all without one. */
static bool find(const uint32_t *id, int index, char *name)
{
	struct dirent **list;
	int n = scandir(DEVICES, &list, NULL, alphasort);
	bool found = false;

	for (int i = 0; i < n; i++) {
		const char *d = list[i]->d_name;

		if (!found && d[0] != '.' && (!id || pci_id(d) == *id) &&
		    index-- == 0) {
			snprintf(name, PCI_NAME_LEN, "%.15s", d);
			found = true;
		}
		free(list[i]);
	}
	if (n >= 0)
		free(list);
	return found;
}

bool pci_find(uint32_t id, int index, char *name)
{
	return find(&id, index, name);
}

bool pci_nth(int index, char *name)
{
	return find(NULL, index, name);
}

int pci_count(uint32_t id)
{
	char name[PCI_NAME_LEN];
	int n = 0;

	while (pci_find(id, n, name))
		n++;
	return n;
}

bool pci_present(const char *name)
{
	char path[96];

	return !access(attr_path(name, "vendor", path, sizeof(path)), F_OK);
}

uint32_t pci_bdf(const char *name)
{
	unsigned int segment, bus, dev, fn;

	if (sscanf(name, "%x:%x:%x.%x", &segment, &bus, &dev, &fn) != 4)
		return ~0U;
	return segment << 16 | bus << 8 | dev << 3 | fn;
}

char *pci_driver(const char *name, char *buf, size_t len)
{
	return attr_link(name, "driver", buf, len);
}

int pci_unbind(const char *name)
{
	char driver[64];

	if (!pci_driver(name, driver, sizeof(driver))[0])
		return 0;
	return attr_write(name, "driver/unbind", name);
}

int pci_unbind_adopted(void)
{
	struct dirent **list;
	int n = scandir(DEVICES, &list, NULL, alphasort);
	int rc = 0;

	for (int i = 0; i < n; i++) {
		const char *d = list[i]->d_name;

		if (!rc && d[0] != '.' && pci_group(d) >= 0 &&
		    attr_number(d, "class") >> 16 != 0x06)
			rc = pci_unbind(d);
		free(list[i]);
	}
	if (n >= 0)
		free(list);
	return rc;
}

/* drivers_probe says nothing about what the driver answered: look. */
static int probe(const char *name)
{
	int rc = file_write("/sys/bus/pci/drivers_probe", name);
	char driver[64];

	if (rc)
		return rc;
	return pci_driver(name, driver, sizeof(driver))[0] ? 0 : -ENODEV;
}

int pci_bind_driver(const char *name, const char *driver)
{
	int rc = pci_unbind(name);

	if (rc)
		return rc;
	rc = attr_write(name, "driver_override", driver);
	if (rc)
		return rc;
	return probe(name);
}

int pci_default_driver(const char *name)
{
	int rc = pci_unbind(name);

	if (rc)
		return rc;
	attr_write(name, "driver_override", "\n");
	return probe(name);
}

int pci_group(const char *name)
{
	char group[32];

	attr_link(name, "iommu_group", group, sizeof(group));
	return group[0] ? atoi(group) : -1;
}

int pci_command(const char *name)
{
	char path[96];
	int fd = open(attr_path(name, "config", path, sizeof(path)),
		      O_RDONLY | O_CLOEXEC);
	uint16_t cmd;
	int rc = -EIO;

	if (fd < 0)
		return -errno;
	if (pread(fd, &cmd, sizeof(cmd), 4) == sizeof(cmd))
		rc = cmd;
	close(fd);
	return rc;
}

int pci_set_command(const char *name, uint16_t set, uint16_t clear)
{
	int old = pci_command(name), fd, rc = 0;
	char path[96];
	uint16_t cmd;

	if (old < 0)
		return old;
	fd = open(attr_path(name, "config", path, sizeof(path)),
		  O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	cmd = (old & ~clear) | set;
	if (pwrite(fd, &cmd, sizeof(cmd), 4) != sizeof(cmd))
		rc = -EIO;
	close(fd);
	return rc;
}

volatile void *pci_map(const char *name, int bar, size_t *len)
{
	char path[96], file[16];
	struct stat st;
	void *mem;
	int fd;

	snprintf(file, sizeof(file), "resource%d", bar);
	fd = open(attr_path(name, file, path, sizeof(path)), O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	if (fstat(fd, &st)) {
		close(fd);
		return NULL;
	}
	mem = mmap(NULL, st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (mem == MAP_FAILED)
		return NULL;
	if (len)
		*len = st.st_size;
	return mem;
}

int pci_remove(const char *name)
{
	return attr_write(name, "remove", "1");
}

int pci_rescan(void)
{
	return file_write("/sys/bus/pci/rescan", "1");
}

char *pci_parent(const char *name, char *buf)
{
	char link[96], target[512], *last;
	ssize_t n;

	snprintf(link, sizeof(link), DEVICES "/%.15s", name);
	n = readlink(link, target, sizeof(target) - 1);
	buf[0] = 0;
	if (n <= 0)
		return buf;
	target[n] = 0;
	last = strrchr(target, '/');
	if (!last)
		return buf;
	*last = 0;
	last = strrchr(target, '/');
	/* A root bus is named pciSSSS:BB. */
	if (last && last[1] != 'p')
		snprintf(buf, PCI_NAME_LEN, "%.15s", last + 1);
	return buf;
}

char *pci_top(const char *name, char *buf)
{
	char above[PCI_NAME_LEN];

	snprintf(buf, PCI_NAME_LEN, "%.15s", name);
	while (pci_parent(buf, above)[0])
		strcpy(buf, above);
	return buf;
}

/*
 * Where the ACS control is. PCI Express 7.6: a list of (next:12, version:4,
 * id:16) from 0x100 on; 7.7.11: ACS is 0x0d.
 */
static int find_acs(int config)
{
	unsigned int at = 0x100, seen = 0;
	uint32_t header;

	while (at >= 0x100 && seen++ < 64 && pread(config, &header, 4, at) == 4) {
		if ((header & 0xffff) == 0x0d)
			return at + 6;
		at = header >> 20;
	}
	return -ENOENT;
}

static int acs(const char *name, uint16_t *ctrl, bool set)
{
	char path[96];
	int fd, at;

	fd = open(attr_path(name, "config", path, sizeof(path)),
		  (set ? O_RDWR : O_RDONLY) | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	at = find_acs(fd);
	if (at > 0 && (set ? pwrite(fd, ctrl, 2, at) : pread(fd, ctrl, 2, at)) != 2)
		at = -EIO;
	close(fd);
	return at < 0 ? at : 0;
}

int pci_acs(const char *name)
{
	uint16_t ctrl;

	return acs(name, &ctrl, false) ?: ctrl;
}

int pci_set_acs(const char *name, uint16_t ctrl)
{
	return acs(name, &ctrl, true);
}

bool pci_wait(const char *name, bool present, unsigned int ms)
{
	for (; pci_present(name) != present; ms -= 20) {
		if (ms < 20)
			return false;
		usleep(20000);
	}
	return true;
}
