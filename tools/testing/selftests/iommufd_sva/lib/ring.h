/* SPDX-License-Identifier: GPL-2.0-only */
/* A fault ring as the VMM has it. The protocol is in the uAPI header. */
#ifndef SELFTEST_RING_H
#define SELFTEST_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <iommufd_sva.h>

/**
 * struct ring - a fault ring
 * @fd: the fault file
 * @len: bytes that are mapped
 * @header: where
 * @faults: page requests
 * @responses: answers
 * @entries: of each
 * @fault_tail: ours
 * @response_head: ours
 */
struct ring {
	int fd;
	size_t len;
	struct iommufd_sva_fault_ring_header *header;
	struct iommufd_sva_hwpt_pgfault *faults;
	struct iommufd_sva_hwpt_page_response *responses;
	uint32_t entries;
	uint32_t fault_tail;
	uint32_t response_head;
};

/* FAULT_RING; @len: may be NULL */
int sva_fault_ring(int sva_fd, uint32_t fault_id, int eventfd, uint32_t entries,
		   uint64_t *len);
/* That, and mapped: 0 or a negative errno. */
int ring_open(struct ring *ring, int sva_fd, uint32_t fault_id, int fault_fd, int eventfd,
	      uint32_t entries);
void ring_close(struct ring *ring);

/* Page requests that are there. */
uint32_t ring_pending(struct ring *ring);
/* The next one, which stays until ring_taken(); NULL: there is none. */
const struct iommufd_sva_hwpt_pgfault *ring_next(struct ring *ring);
/* The same, and wait for it with no system call in between but sleeping. */
const struct iommufd_sva_hwpt_pgfault *ring_wait(struct ring *ring, unsigned int ms);
/* The next @num have been taken out; the kernel is told by ring_publish(). */
void ring_taken(struct ring *ring, uint32_t num);
/* False: no room. */
bool ring_respond(struct ring *ring, uint32_t cookie, uint32_t code);
/* Show the kernel what was taken out and put in: does it want to be kicked? */
bool ring_publish(struct ring *ring);
int ring_kick(struct ring *ring);
/* Both: publish, and kick if it has to be. */
void ring_send(struct ring *ring);
/* Responses that the kernel has not taken out. */
uint32_t ring_unanswered(struct ring *ring);

#endif
