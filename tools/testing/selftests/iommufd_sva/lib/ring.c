// SPDX-License-Identifier: GPL-2.0-only
/* A fault ring as the VMM has it. */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ring.h"
#include "sva.h"

int sva_fault_ring(int sva_fd, uint32_t fault_id, int eventfd, uint32_t entries, uint64_t *len)
{
	struct iommufd_sva_fault_ring cmd = {
		.size = sizeof(cmd),
		.fault_id = fault_id,
		.eventfd = eventfd,
		.entries = entries,
	};
	int rc = sva_ioctl(sva_fd, IOMMUFD_SVA_FAULT_RING, &cmd);

	if (!rc && len)
		*len = cmd.out_mmap_length;
	return rc;
}

int ring_open(struct ring *ring, int sva_fd, uint32_t fault_id, int fault_fd, int eventfd,
	      uint32_t entries)
{
	uint64_t len;
	int rc = sva_fault_ring(sva_fd, fault_id, eventfd, entries, &len);
	void *map;

	if (rc)
		return rc;
	map = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fault_fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	*ring = (struct ring){ .fd = fault_fd, .len = len, .header = map };
	ring->entries = ring->header->entries;
	ring->faults = map + ring->header->faults_offset;
	ring->responses = map + ring->header->responses_offset;
	return 0;
}

void ring_close(struct ring *ring)
{
	if (ring->header)
		munmap(ring->header, ring->len);
	ring->header = NULL;
}

uint32_t ring_pending(struct ring *ring)
{
	return __atomic_load_n(&ring->header->fault_head, __ATOMIC_ACQUIRE) - ring->fault_tail;
}

const struct iommufd_sva_hwpt_pgfault *ring_next(struct ring *ring)
{
	return ring_pending(ring) ? &ring->faults[ring->fault_tail % ring->entries] : NULL;
}

const struct iommufd_sva_hwpt_pgfault *ring_wait(struct ring *ring, unsigned int ms)
{
	uint64_t end = now_ns() + ms * 1000000ULL;

	while (!ring_pending(ring) && now_ns() < end)
		usleep(100);
	return ring_next(ring);
}

void ring_taken(struct ring *ring, uint32_t num)
{
	ring->fault_tail += num;
}

bool ring_respond(struct ring *ring, uint32_t cookie, uint32_t code)
{
	if (ring_unanswered(ring) == ring->entries)
		return false;
	ring->responses[ring->response_head % ring->entries] =
		(struct iommufd_sva_hwpt_page_response){ .cookie = cookie, .code = code };
	ring->response_head++;
	return true;
}

bool ring_publish(struct ring *ring)
{
	__atomic_store_n(&ring->header->fault_tail, ring->fault_tail, __ATOMIC_RELEASE);
	__atomic_store_n(&ring->header->response_head, ring->response_head, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return __atomic_load_n(&ring->header->state, __ATOMIC_RELAXED) &
	       IOMMUFD_SVA_FAULT_RING_NEED_KICK;
}

int ring_kick(struct ring *ring)
{
	return write(ring->fd, NULL, 0) ? -errno : 0;
}

void ring_send(struct ring *ring)
{
	if (ring_publish(ring))
		ring_kick(ring);
}

uint32_t ring_unanswered(struct ring *ring)
{
	return ring->response_head -
	       __atomic_load_n(&ring->header->response_tail, __ATOMIC_ACQUIRE);
}
