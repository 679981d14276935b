// SPDX-License-Identifier: GPL-2.0-only
/*
 * bench_fault: what page requests and their answers cost, through read() and write() and
 * through a ring. The device and its unit are hardware models, and what the unit's does
 * for an answer is counted with it; what the device's does to ask is not, but in the
 * latencies.
 *
 * The VMM is busy with other things: so much of them is done in any case, and in between
 * it looks for a page request now and then and does not wait for others to come. What is
 * counted is by how much longer that takes. The hardware has the last answer by then.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "report.h"
#include "ring.h"
#include "sim.h"
#include "sva.h"

#define IOVA 0x10000000UL
#define ROUNDS 7
/* As many groups of one request as the device asks for at once. */
#define GROUPS 256
#define LATENCIES 200
#define CAPS (SIM_CAP_FLR | SIM_CAP_ATS | SIM_CAP_PRI)

static int fd, bdf;
static uint32_t ioas, device;

struct vmm {
	uint32_t fault, hwpt;
	int fault_fd, event;
	struct ring ring;
	volatile bool stop;
};

static void must(int rc, const char *what)
{
	if (rc)
		die(what, rc);
}

/* A fault queue of its own, with a ring or without. */
static void start(struct vmm *vmm, uint32_t entries)
{
	*vmm = (struct vmm){ .event = eventfd(0, EFD_NONBLOCK) };
	must(sva_fault_alloc(fd, &vmm->fault, &vmm->fault_fd), "FAULT_QUEUE_ALLOC");
	must(sva_hwpt_fault(fd, device, ioas, vmm->fault, &vmm->hwpt), "HWPT_ALLOC");
	must(sva_attach(fd, device, vmm->hwpt, NULL), "DEVICE_ATTACH");
	if (entries)
		must(ring_open(&vmm->ring, fd, vmm->fault, vmm->fault_fd, vmm->event, entries),
		     "FAULT_RING");
}

static void end(struct vmm *vmm)
{
	must(sva_detach(fd, device), "DEVICE_DETACH");
	must(sva_destroy(fd, vmm->hwpt), "DESTROY");
	ring_close(&vmm->ring);
	close(vmm->fault_fd);
	close(vmm->event);
}

/* --- many at once ----------------------------------------------------------- */

static void ask(void)
{
	for (int group = 0; group < GROUPS; group++)
		must(sim_page_request(bdf, SIM_NO_PASID, IOVA, group, SIM_PR_READ | SIM_PR_LAST, 0),
		     "a page request");
	/* They are where the VMM finds them by now. */
	usleep(5000);
}

/* A piece of what the VMM has to do besides. */
static __attribute__((noinline)) void work(void)
{
	for (volatile int i = 0; i < 300; i++)
		;
}

/* How many there are of it, more than a piece for each page request. */
#define PIECES 4096

static void one_at_a_time(struct vmm *vmm)
{
	struct iommufd_sva_hwpt_page_response response = {};
	struct pollfd pfd = { .fd = vmm->fault_fd, .events = POLLIN };
	struct iommufd_sva_hwpt_pgfault fault;

	for (int n = 0; n < PIECES; n++) {
		work();
		if (n >= GROUPS)
			continue;
		if (poll(&pfd, 1, 1000) != 1 ||
		    read(vmm->fault_fd, &fault, sizeof(fault)) != sizeof(fault))
			die("no page request", -EIO);
		response.cookie = fault.cookie;
		if (write(vmm->fault_fd, &response, sizeof(response)) != sizeof(response))
			die("no answer", -EIO);
	}
}

static void nothing(struct vmm *vmm)
{
	(void)vmm;
	for (int n = 0; n < PIECES; n++)
		work();
}

/* It has waited for them all, of which a busy one knows nothing. */
static void all_at_once(struct vmm *vmm)
{
	static struct iommufd_sva_hwpt_page_response responses[GROUPS];
	static struct iommufd_sva_hwpt_pgfault faults[GROUPS];

	if (read(vmm->fault_fd, faults, sizeof(faults)) != sizeof(faults))
		die("too few page requests", -EIO);
	for (int n = 0; n < GROUPS; n++)
		responses[n].cookie = faults[n].cookie;
	if (write(vmm->fault_fd, responses, sizeof(responses)) != sizeof(responses))
		die("no answers", -EIO);
	nothing(vmm);
}

/* One at a time too, without a system call. */
static void by_ring(struct vmm *vmm)
{
	const struct iommufd_sva_hwpt_pgfault *fault;

	for (int n = 0; n < PIECES || ring_unanswered(&vmm->ring); n++) {
		work();
		fault = n < PIECES ? ring_next(&vmm->ring) : NULL;
		if (!fault || !ring_respond(&vmm->ring, fault->cookie, 0))
			continue;
		ring_taken(&vmm->ring, 1);
		ring_send(&vmm->ring);
	}
	if (ring_pending(&vmm->ring))
		die("page requests are left", -EIO);
}

static uint64_t time_of(void (*handle)(struct vmm *), struct vmm *vmm)
{
	uint64_t t0 = now_ns();

	handle(vmm);
	return now_ns() - t0;
}

static void rate(const char *what, uint32_t entries, void (*handle)(struct vmm *))
{
	uint64_t ns[ROUNDS], alone, with;
	struct vmm vmm;

	start(&vmm, entries);
	for (int i = -1; i < ROUNDS; i++) {
		alone = time_of(nothing, &vmm);
		ask();
		with = time_of(handle, &vmm);
		if (i >= 0)
			ns[i] = with - alone;
	}
	report(what, "fault", ns, ROUNDS, GROUPS);
	end(&vmm);
}

/* --- one, there and back ------------------------------------------------------ */

static void *serve_read(void *arg)
{
	struct iommufd_sva_hwpt_page_response response = {};
	struct iommufd_sva_hwpt_pgfault fault;
	struct vmm *vmm = arg;
	struct pollfd pfd = { .fd = vmm->fault_fd, .events = POLLIN };

	while (!vmm->stop) {
		if (poll(&pfd, 1, 100) != 1 ||
		    read(vmm->fault_fd, &fault, sizeof(fault)) != sizeof(fault))
			continue;
		response.cookie = fault.cookie;
		if (write(vmm->fault_fd, &response, sizeof(response)) != sizeof(response))
			die("no answer", -EIO);
	}
	return NULL;
}

static void serve_ring_once(struct vmm *vmm)
{
	const struct iommufd_sva_hwpt_pgfault *fault;

	while ((fault = ring_next(&vmm->ring)) && ring_respond(&vmm->ring, fault->cookie, 0)) {
		ring_taken(&vmm->ring, 1);
		ring_send(&vmm->ring);
	}
}

static void *serve_event(void *arg)
{
	struct vmm *vmm = arg;
	struct pollfd pfd = { .fd = vmm->event, .events = POLLIN };
	uint64_t num;

	while (!vmm->stop) {
		if (poll(&pfd, 1, 100) == 1 && read(vmm->event, &num, sizeof(num)) > 0)
			serve_ring_once(vmm);
	}
	return NULL;
}

static void latency(const char *what, uint32_t entries, void *(*serve)(void *))
{
	static uint64_t ns[LATENCIES];
	pthread_t thread;
	struct vmm vmm;
	uint64_t t0;

	start(&vmm, entries);
	must(-pthread_create(&thread, NULL, serve, &vmm), "a thread");
	for (int i = -10; i < LATENCIES; i++) {
		t0 = now_ns();
		must(sim_page_request(bdf, SIM_NO_PASID, IOVA, 1, SIM_PR_READ | SIM_PR_LAST, 10000),
		     "a page request");
		if (i >= 0)
			ns[i] = now_ns() - t0;
	}
	vmm.stop = true;
	pthread_join(thread, NULL);
	report(what, "latency", ns, LATENCIES, 1);
	end(&vmm);
}

int main(void)
{
	struct sim_add add = {
		.type = SIM_ENDPOINT, .caps = CAPS, .ats_depth = 32, .pri_outstanding = 512,
	};

	add.parent = sim_add(SIM_ROOT_PORT, SIM_ROOT, 20 << 3, SIM_CAP_ACS);
	bdf = sim_add_as(&add);
	if (bdf < 0)
		die("a modelled device", bdf);
	fd = sva_open();
	if (fd < 0)
		die(SVA_DEV, fd);
	must(sva_bind(fd, bdf, &device), "DEVICE_BIND");
	must(sva_ioas_alloc(fd, &ioas), "IOAS_ALLOC");

	/* What the machine still does after its start. */
	sleep(10);
	rate("one", 0, one_at_a_time);
	rate("all", 0, all_at_once);
	rate("ring", 512, by_ring);
	latency("read", 0, serve_read);
	latency("ring", 16, serve_event);
	return 0;
}
