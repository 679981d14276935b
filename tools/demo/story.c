// SPDX-License-Identifier: GPL-2.0-only
/* How the demos tell their stories. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine.h"
#include "kmsg.h"
#include "pci.h"
#include "story.h"
#include "sva.h"

static int wrong;

void say(const char *fmt, ...)
{
	va_list ap;

	printf("  ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	fflush(stdout);
}

void step(const char *title)
{
	static int number;

	printf("\n%d. %s\n\n", ++number, title);
	fflush(stdout);
}

bool check(bool good, const char *fmt, ...)
{
	va_list ap;

	printf("  %s ", good ? "[ok]   " : "[WRONG]");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	fflush(stdout);
	wrong += !good;
	return good;
}

void must(bool good, const char *what)
{
	if (good)
		return;
	check(false, "%s (%s)", what, strerror(errno));
	printf("\nThe story ends here.\n");
	exit(1);
}

void log_since(int fd, const char *word, int most)
{
	char line[512];

	while (most-- && kmsg_wait(fd, 200, line, sizeof(line), KMSG_WORDS(word)))
		say("    kernel: %s", line);
}

void show_bytes(const char *what, const void *mem)
{
	const uint8_t *p = mem;

	say("    %-30s %02x %02x %02x %02x %02x %02x %02x %02x ...", what, p[0],
	    p[1], p[2], p[3], p[4], p[5], p[6], p[7]);
}

#define STATE_LEN 65536
static char *machine_state(void)
{
	static const char cmd[] =
		"for d in /sys/bus/pci/devices/*; do "
		"  n=${d##*/}; drv=-; grp=-;"
		"  [ -e $d/driver ] && drv=$(basename $(readlink $d/driver));"
		"  [ -e $d/iommu_group ] && grp=$(basename $(readlink $d/iommu_group));"
		"  echo $n driver=$drv group=$grp;"
		"done; ls /sys/class/iommu /sys/kernel/iommu_groups 2>/dev/null";
	char *state = calloc(1, STATE_LEN);
	FILE *f = popen(cmd, "r");
	size_t n = 0;

	if (f) {
		n = fread(state, 1, STATE_LEN - 1, f);
		pclose(f);
	}
	state[n] = 0;
	return state;
}

static char *config_state(size_t *len)
{
	char *state = calloc(64, SZ_4K);
	glob_t g;

	*len = 0;
	if (glob("/sys/bus/pci/devices/*/config", 0, NULL, &g))
		return state;
	for (size_t i = 0; i < g.gl_pathc && i < 64; i++) {
		int fd = open(g.gl_pathv[i], O_RDONLY | O_CLOEXEC);
		ssize_t n = fd < 0 ? 0 : pread(fd, state + *len, SZ_4K - 256, 256);

		if (n > 0)
			*len += n;
		if (fd >= 0)
			close(fd);
	}
	globfree(&g);
	return state;
}

void look(struct machine *machine)
{
	machine->state = machine_state();
	machine->config = config_state(&machine->config_len);
}

void begin(char *engine, char *fast, struct bystander *b, struct machine *before)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	must(engine_find(0, engine) && engine_find_fast(fast) && bystander_find(b),
	     "the machine has its devices");
	look(before);
}

bool is_modelled(void)
{
	return !access(SIM_DEV, F_OK);
}

void leave(const char *backend, const char *word, const struct machine *before,
	   struct bystander *b)
{
	struct machine after;
	int log = kmsg_mark();

	say("# rmmod %s iommufd_sva", backend);
	check(!sh("rmmod %s && rmmod iommufd_sva", backend), "both modules go");
	log_since(log, word, 2);
	close(log);
	check(access(SVA_DEV, F_OK), SVA_DEV " is gone");
	check(!sh("! ls /sys/kernel/iommu_groups 2>/dev/null | grep -q ."),
	      "no IOMMU group is left");
	check(bystander_works(b), "the %s goes on working", b->what);
	/*
	 * A rescan on arm64 gives bridges their bus numbers anew, and an interrupt
	 * of a device below that comes meanwhile is lost, with us and without.
	 */
	bystander_pause(b, true);
	check(!sh("echo 1 > /sys/bus/pci/rescan"), "a PCI rescan finds nothing amiss");
	bystander_pause(b, false);
	look(&after);
	check(!strcmp(before->state, after.state),
	      "every device has the driver it had, and no group");
	check(after.config_len && after.config_len == before->config_len &&
	      !memcmp(before->config, after.config, after.config_len),
	      "extended configuration space is as it was: %zu bytes compared",
	      after.config_len);
}

void the_bystander(struct bystander *b)
{
	bystander_stop(b);
	say("All the while the %s %s had bytes to move, and back:", b->what, b->name);
	say("    %lu MiB out, %lu MiB back and compared", b->count->written >> 20,
	    b->count->read >> 20);
	check(b->count->read && !b->count->wrong && !b->count->errors,
	      "%lu errors, %lu wrong contents", b->count->errors, b->count->wrong);
}

int the_end(void)
{
	if (wrong)
		printf("\n%d of these went wrong.\n", wrong);
	else
		printf("\nAll of it is true.\n");
	return wrong != 0;
}
