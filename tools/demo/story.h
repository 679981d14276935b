/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef STORY_H
#define STORY_H

#include <stdbool.h>
#include <stddef.h>

#include "demo.h"

/* How a story is told: every sentence that claims something was checked. */

void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* A numbered headline. */
void step(const char *title);
/* Says whether it is so; returns @good. */
bool check(bool good, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* What cannot go on without. */
void must(bool good, const char *what);
/* The last line; the exit status. */
int the_end(void);

/* Lines of the kernel's log with @word in them, @most of them. */
void log_since(int fd, const char *word, int most);
/* The first bytes of a page. */
void show_bytes(const char *what, const void *mem);

/**
 * struct machine - the machine as a host administrator sees it
 * @state: devices, their drivers and groups
 * @config: extended configuration space, where the ports' access control (ACS)
 *	is, which the modules switch on while they are there. Configuration space
 *	proper holds status bits that come and go by themselves.
 * @config_len: bytes of it
 */
struct machine {
	char *state;
	char *config;
	size_t config_len;
};

void look(struct machine *machine);
/* The three devices of both stories, one with its driver, and a first look. */
void begin(char *engine, char *fast, struct bystander *b, struct machine *before);
/* The hardware is a model's: else QEMU's. */
bool is_modelled(void);
/* Unload, and compare with what was @before. @word: of the unit's log lines. */
void leave(const char *backend, const char *word, const struct machine *before,
	   struct bystander *b);
/* What the bystander has to say. */
void the_bystander(struct bystander *b);

#endif
