// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shared virtual addressing for a guest on VT-d, told step by step by a small VMM.
 * Processes of the guest's share their addresses with devices: the guest has PASID
 * tables, a table for each process, and a queue for its invalidations; the VMM hands
 * the tables over once, and passes the queue on as the guest wrote it.
 *
 * No emulator nests on VT-d: unit and devices are hardware models. The unit's caches
 * keep everything until the right invalidation comes.
 *
 * Every sentence about what happened is checked when it is printed; a line with
 * "WRONG" and a non-zero exit status mean that it did not.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "demo.h"
#include "guest.h"
#include "kmsg.h"
#include "pci.h"
#include "pr.h"
#include "ring.h"
#include "sim.h"
#include "story.h"
#include "sva.h"
#include "vguest.h"

/* Where the guest's memory is for the guest, and where it is not. */
#define GPA 0x40000000UL
#define GUEST_SIZE (32UL << 20)
#define NOWHERE 0x700000000UL
/* An address of every process in the guest, of two pages. */
#define VA 0x7f1234560000UL
/* As Linux does it: all processes under one domain ID. */
#define DID 1
#define PASID_A 17
#define PASID_B 18
#define PASID_C 19

#define NDEVICES 3
#define FIRST_SLOT 20
#define QUEUE_LEN 512
#define RING_LEN 64

/* Devices of the guest's by its own names: 00:10.0, 00:11.0, 00:12.0. */
#define VSID(i) ((0x10 + (i)) << 3)
/* The one that keeps translations of its own, and asks for pages that are not there. */
#define CACHING 2

/**
 * struct vm - a guest, and what its VMM has of it
 * @fd: the VMM's context
 * @guest: the guest's memory
 * @parent: stage 2: it
 * @viommu: the guest's share of the unit
 * @veventq: a file: the guest's faults
 * @fault: page requests of its devices
 * @ring: the same as memory that is shared with the kernel
 * @wake: an eventfd: something has come into the ring
 * @bdf: its devices, where the host has them
 * @device: the same, bound
 * @pasids: their PASID tables, one each
 * @queue: the guest's invalidation queue (6.5): its ring
 * @head: what of it the VMM has passed on
 * @tail: what the guest has written
 * @status: where the guest waits
 * @waits: how often it has
 */
struct vm {
	int fd;
	struct guest guest;
	uint32_t parent, viommu;
	int veventq;
	uint32_t fault;
	struct ring ring;
	int wake;
	int bdf[NDEVICES];
	uint32_t device[NDEVICES];
	struct pasids pasids[NDEVICES];
	uint64_t queue;
	unsigned int head, tail;
	uint64_t status;
	uint32_t waits;
};

/**
 * struct process - a process of the guest's
 * @fs: its table
 * @name: a letter
 * @pasid: what devices call it
 * @pages: what is at VA
 */
struct process {
	struct fs fs;
	char name;
	uint32_t pasid;
	uint64_t pages[2];
};

/* --- the VMM --------------------------------------------------------------- */

/* @num descriptors of the guest's from @desc on, as they are. How many were taken. */
static uint32_t pass_on(struct vm *vm, const struct qi *desc, uint32_t num, uint32_t *error)
{
	struct iommufd_sva_hwpt_invalidate cmd = {
		.size = sizeof(cmd), .hwpt_id = vm->viommu, .data_uptr = (uintptr_t)desc,
		.data_type = IOMMUFD_SVA_INVALIDATE_VTD_QI, .entry_len = sizeof(*desc),
		.entry_num = num,
	};

	sva_ioctl(vm->fd, IOMMUFD_SVA_HWPT_INVALIDATE, &cmd);
	*error = cmd.out_error;
	return cmd.entry_num;
}

/* 6.5.2.8: a wait is done when all before it is; its status is the VMM's to write. */
static void complete(struct vm *vm, const struct qi *desc, uint32_t num)
{
	for (uint32_t i = 0; i < num; i++)
		if ((desc[i].qw[0] & 0xf) == 5)
			*(volatile uint32_t *)guest_ptr(&vm->guest, desc[i].qw[1]) =
				desc[i].qw[0] >> 32;
}

/* The guest has written the tail register. 0, or the error the guest is to see. */
static uint32_t tail_written(struct vm *vm)
{
	struct qi *ring = guest_ptr(&vm->guest, vm->queue);
	uint32_t error = 0;

	while (vm->head != vm->tail && !error) {
		uint32_t end = vm->tail > vm->head ? vm->tail : QUEUE_LEN;
		uint32_t done = pass_on(vm, ring + vm->head, end - vm->head, &error);

		complete(vm, ring + vm->head, done);
		vm->head = (vm->head + done) % QUEUE_LEN;
	}
	return error;
}

static void build_guest(struct vm *vm)
{
	uint32_t ioas, vdevice, veventq;
	int file;

	vm->fd = sva_open();
	must(vm->fd >= 0, "open(" SVA_DEV ")");
	for (int i = 0; i < NDEVICES; i++)
		must(!sva_bind(vm->fd, vm->bdf[i], &vm->device[i]), "DEVICE_BIND");
	say("DEVICE_BIND   %s, %s and %s", sim_name(vm->bdf[0]), sim_name(vm->bdf[1]),
	    sim_name(vm->bdf[2]));
	must(!guest_init(&vm->guest, GPA, GUEST_SIZE) && !sva_ioas_alloc(vm->fd, &ioas) &&
	     !sva_map(vm->fd, ioas, vm->guest.mem, GUEST_SIZE, GPA, SVA_RW), "IOAS_MAP");
	say("IOAS_MAP      the guest's memory: %lu MiB at guest-physical %#lx", GUEST_SIZE >> 20,
	    GPA);
	must(!sva_hwpt_alloc(vm->fd, vm->device[0], ioas, IOMMUFD_SVA_HWPT_ALLOC_NEST_PARENT,
			     &vm->parent), "HWPT_ALLOC");
	say("HWPT_ALLOC    NEST_PARENT: second-stage tables (HWPT %u) hold it", vm->parent);
	must(!sva_viommu_alloc(vm->fd, IOMMUFD_SVA_VIOMMU_VTD, vm->device[0], vm->parent,
			       &vm->viommu), "VIOMMU_ALLOC");
	say("VIOMMU_ALLOC  the guest's share of the unit (vIOMMU %u)", vm->viommu);
	for (int i = 0; i < NDEVICES; i++)
		must(!sva_vdevice_alloc(vm->fd, vm->viommu, vm->device[i], VSID(i), &vdevice),
		     "VDEVICE_ALLOC");
	say("VDEVICE_ALLOC the guest calls them 00:10.0, 00:11.0 and 00:12.0");
	must(!sva_veventq_alloc(vm->fd, vm->viommu, IOMMUFD_SVA_VEVENTQ_VTD, 64, &veventq,
				&vm->veventq), "VEVENTQ_ALLOC");
	say("VEVENTQ_ALLOC the guest's faults will come here");
	vm->wake = eventfd(0, EFD_NONBLOCK);
	must(!sva_fault_alloc(vm->fd, &vm->fault, &file) &&
	     !ring_open(&vm->ring, vm->fd, vm->fault, file, vm->wake, RING_LEN),
	     "FAULT_QUEUE_ALLOC and FAULT_RING");
	check(true, "FAULT_QUEUE_ALLOC, FAULT_RING: page requests will come into memory that the VMM shares");
}

/* --- the guest ------------------------------------------------------------- */

static void write_descriptor(struct vm *vm, struct qi desc)
{
	struct qi *ring = guest_ptr(&vm->guest, vm->queue);

	ring[vm->tail] = desc;
	vm->tail = (vm->tail + 1) % QUEUE_LEN;
}

/* What a driver does after its descriptors: a wait, the tail, and wait for it. */
static bool wait_for_all(struct vm *vm)
{
	volatile uint32_t *status = guest_ptr(&vm->guest, vm->status);

	write_descriptor(vm, qi_wait(vm->status, ++vm->waits));
	return !tail_written(vm) && *status == vm->waits;
}

static bool invalidate(struct vm *vm, struct qi desc)
{
	write_descriptor(vm, desc);
	return wait_for_all(vm);
}

/* A page of a process, in the unit and in the device that has ATS. */
static bool invalidate_page(struct vm *vm, uint32_t pasid, uint64_t va)
{
	write_descriptor(vm, qi_piotlb_pages(DID, pasid, va, 0));
	write_descriptor(vm, qi_pasid_dev_tlb(VSID(CACHING), pasid, va));
	return wait_for_all(vm);
}

static uint64_t new_page(struct vm *vm, unsigned int seed)
{
	uint64_t gpa = guest_alloc(&vm->guest, SZ_4K, SZ_4K);

	mem_fill(guest_ptr(&vm->guest, gpa), SZ_4K, seed);
	return gpa;
}

static void process_init(struct process *p, struct vm *vm, char name, uint32_t pasid,
			 unsigned int seed)
{
	*p = (struct process){ .name = name, .pasid = pasid };
	fs_init(&p->fs, &vm->guest);
	for (int i = 0; i < 2; i++) {
		p->pages[i] = new_page(vm, i ? 0 : seed);
		fs_map(&p->fs, VA + i * SZ_4K, p->pages[i], FS_RW);
	}
}

/* What is in the pages that are exchanged: the first's seed, and the next. */
#define MOVED 10
#define MOVES 100

/* Which of the seeds below 256 the device reads all of at @va, or -1. */
static int reads_by(int bdf, uint32_t pasid, uint64_t va, uint32_t flags)
{
	char buf[SZ_4K];

	if (sim_read_pasid(bdf, pasid, va, buf, sizeof(buf), flags))
		return -1;
	for (int seed = 1; seed < 256; seed++)
		if (mem_check(buf, sizeof(buf), seed) == -1)
			return seed;
	return -1;
}

static int reads(int bdf, uint32_t pasid, uint64_t va)
{
	return reads_by(bdf, pasid, va, 0);
}

/* The device reads the process's first page and writes it to its second. */
static bool copies(struct vm *vm, int i, const struct process *p, unsigned int seed)
{
	char buf[SZ_4K];

	memset(guest_ptr(&vm->guest, p->pages[1]), 0, SZ_4K);
	return !sim_read_pasid(vm->bdf[i], p->pasid, VA, buf, sizeof(buf), 0) &&
	       !sim_write_pasid(vm->bdf[i], p->pasid, VA + SZ_4K, buf, sizeof(buf), 0) &&
	       mem_check(guest_ptr(&vm->guest, p->pages[1]), SZ_4K, seed) == -1;
}

static int attach_table(struct vm *vm, int i)
{
	struct iommufd_sva_pasid_table_vtd arg = {
		.dir_gpa = vm->pasids[i].dir, .pasid_bits = 20,
	};
	struct iommufd_sva_pasid_table_alloc cmd = {
		.size = sizeof(cmd), .pt_id = vm->viommu,
		.fault_id = i == CACHING ? vm->fault : 0,
		.data_type = IOMMUFD_SVA_PASID_TABLE_VTD, .data_len = sizeof(arg),
		.data_uptr = (uintptr_t)&arg,
	};

	return sva_ioctl(vm->fd, IOMMUFD_SVA_PASID_TABLE_ALLOC, &cmd) ?:
	       sva_attach(vm->fd, vm->device[i], cmd.out_pasid_table_id, NULL);
}

static void boot_guest(struct vm *vm, struct process *a, struct process *b, struct process *c)
{
	vm->queue = guest_alloc(&vm->guest, QUEUE_LEN * sizeof(struct qi), SZ_4K);
	vm->status = guest_alloc(&vm->guest, SZ_4K, SZ_4K);
	process_init(a, vm, 'A', PASID_A, 1);
	process_init(b, vm, 'B', PASID_B, 2);
	process_init(c, vm, 'C', PASID_C, 3);
	for (int i = 0; i < NDEVICES; i++) {
		pasids_init(&vm->pasids[i], &vm->guest, 20);
		pasids_pass(&vm->pasids[i], 0, 2);
		pasids_set(&vm->pasids[i], c->pasid, &c->fs, DID);
	}
	pasids_set(&vm->pasids[0], a->pasid, &a->fs, DID);
	pasids_set(&vm->pasids[0], b->pasid, &b->fs, DID);
	say("In the guest's memory: tables of four levels for processes A, B and C, and a PASID");
	say("table for each device, as Linux has it: A, B and C on 00:10.0, C on the other two.");
	for (int i = 0; i < NDEVICES; i++)
		must(!attach_table(vm, i), "PASID_TABLE_ALLOC");
	check(true, "PASID_TABLE_ALLOC and DEVICE_ATTACH, once for each device: PASIDs of 20 bits;");
	say("     00:12.0, which can ask for pages (PRI), with the fault queue");
}

/* --- the story ------------------------------------------------------------- */

static void the_machine(struct vm *vm, struct bystander *b)
{
	struct utsname u;
	int log;

	uname(&u);
	say("Debian's kernel %s, unmodified. No emulator nests on VT-d, so unit and devices are", u.release);
	say("hardware models; the unit's caches forget nothing until they are told.");
	check(access("/dev/iommu", F_OK), "the kernel has no iommufd of its own: no /dev/iommu");
	log = kmsg_mark();
	say("# modprobe vtd_nested");
	must(!sh("modprobe vtd_nested"), "the modules load");
	log_since(log, "dmar", 3);
	close(log);
	for (int i = 0; i < NDEVICES; i++)
		must(pci_group(sim_name(vm->bdf[i])) >= 0, "devices that nobody uses are in IOMMU groups");
	check(true, "%s, %s and %s, which nobody uses, are in IOMMU groups", sim_name(vm->bdf[0]),
	      sim_name(vm->bdf[1]), sim_name(vm->bdf[2]));
	check(pci_group(b->name) < 0 && bystander_has_driver(b),
	      "%s, a %s, still has its driver: it passes through", b->name, b->what);
}

static void all_copy(struct vm *vm, struct process *a, struct process *b, struct process *c)
{
	say("Each device reads 4096 bytes at %#lx and writes them to %#lx, for a process:", VA,
	    VA + SZ_4K);
	check(copies(vm, 0, a, 1) && copies(vm, 0, b, 2),
	      "00:10.0 for A and for B: the same addresses, other bytes");
	check(copies(vm, 0, c, 3) && copies(vm, 1, c, 3) && copies(vm, 2, c, 3),
	      "all three for C: the same bytes");
	check(reads(vm->bdf[1], a->pasid, VA) < 0 && reads(vm->bdf[2], b->pasid, VA) < 0,
	      "00:11.0 and 00:12.0 do not reach A or B");
}

/**
 * struct worker - a device at work for a process
 * @bdf: the device
 * @flags: how it reads
 * @pasid: the process
 * @thread: who has it work
 * @stop: be done
 * @rounds: reads so far
 * @of: how many of them saw page 0 and page 1 of those that are exchanged
 */
struct worker {
	int bdf;
	uint32_t flags;
	uint32_t pasid;
	pthread_t thread;
	volatile bool stop;
	volatile unsigned long rounds;
	unsigned long of[2];
};

static void *work(void *arg)
{
	struct worker *w = arg;

	while (!w->stop) {
		int seed = reads_by(w->bdf, w->pasid, VA, w->flags);

		if (seed == MOVED || seed == MOVED + 1)
			w->of[seed - MOVED]++;
		w->rounds++;
	}
	return NULL;
}

static uint64_t iotlb_commands(void)
{
	return sim_counter(0, "iotlb_global") + sim_counter(0, "iotlb_domain") +
	       sim_counter(0, "iotlb_page") + sim_counter(0, "piotlb_pasid") +
	       sim_counter(0, "piotlb_page");
}

static uint64_t device_tlb_commands(void)
{
	return sim_counter(0, "dev_tlb") + sim_counter(0, "pasid_dev_tlb");
}

static void start_all(struct vm *vm, struct worker *w, uint32_t pasid)
{
	for (int i = 0; i < NDEVICES; i++) {
		w[i] = (struct worker){ .bdf = vm->bdf[i], .pasid = pasid };
		w[i].flags = i == CACHING ? SIM_DMA_ATS : 0;
		must(!pthread_create(&w[i].thread, NULL, work, &w[i]), "a thread");
	}
}

/* @of: out: reads of one page, and of the other. All of them together. */
static unsigned long stop_all(struct worker *w, unsigned long of[2])
{
	unsigned long rounds = 0;

	of[0] = of[1] = 0;
	for (int i = 0; i < NDEVICES; i++) {
		w[i].stop = true;
		pthread_join(w[i].thread, NULL);
		rounds += w[i].rounds;
		of[0] += w[i].of[0];
		of[1] += w[i].of[1];
	}
	return rounds;
}

/* Each of them has read at least once from now on. */
static void let_work(const struct worker *w)
{
	unsigned long before[NDEVICES];

	for (int i = 0; i < NDEVICES; i++)
		before[i] = w[i].rounds;
	for (int i = 0; i < NDEVICES; i++)
		while (w[i].rounds < before[i] + 2)
			usleep(100);
}

static void pages_move(struct vm *vm, struct process *c)
{
	unsigned long rounds, of[2], late = 0;
	struct worker w[NDEVICES];
	uint64_t pages[2], before, device_tlb;
	bool done = true;

	for (int i = 0; i < 2; i++)
		pages[i] = new_page(vm, MOVED + i);
	say("All three devices read C's page at %#lx as fast as they can. The guest moves the page,", VA);
	say("writes a PASID-based IOTLB invalidation of it into its queue and waits; %d times. 00:12.0", MOVES);
	say("has ATS and keeps translations of its own: for it a device-TLB invalidation goes along.");
	fs_map(&c->fs, VA, pages[0], FS_RW);
	must(invalidate_page(vm, c->pasid, VA), "the guest's queue");
	start_all(vm, w, c->pasid);
	before = iotlb_commands();
	device_tlb = device_tlb_commands();
	for (int k = 1; k <= MOVES; k++) {
		let_work(w);
		fs_map(&c->fs, VA, pages[k & 1], FS_RW);
		done &= invalidate_page(vm, c->pasid, VA);
		for (int i = 0; i < NDEVICES; i++)
			late += reads_by(vm->bdf[i], c->pasid, VA, w[i].flags) != MOVED + (k & 1);
	}
	before = iotlb_commands() - before;
	device_tlb = device_tlb_commands() - device_tlb;
	rounds = stop_all(w, of);
	say("    %lu reads: %lu of the one page, %lu of the other; %lu commands for the unit's IOTLB,",
	    rounds, of[0], of[1], (unsigned long)before);
	say("    %lu for devices' TLBs", (unsigned long)device_tlb);
	check(done, "every wait was answered");
	check(!late, "after each, every device read the new page");
	check(of[0] && of[1] && of[0] + of[1] == rounds,
	      "before, no read was torn, refused, or of anything else");
	check(before == MOVES, "one IOTLB command for each move, for three devices with a table each");
	check(device_tlb == MOVES, "and one for the TLB of the one device that has ATS");
}

static void pasid_changes(struct vm *vm, struct process *a, struct process *b, struct process *c)
{
	struct process d;

	process_init(&d, vm, 'D', a->pasid, 4);
	say("A ends, and its PASID %u becomes process D's. The guest rewrites the entry in its PASID", a->pasid);
	say("table and invalidates: PASID cache, then IOTLB.");
	must(reads(vm->bdf[0], a->pasid, VA) == 1, "A is there");
	pasids_set(&vm->pasids[0], a->pasid, &d.fs, DID);
	must(invalidate(vm, qi_pasid(DID, a->pasid)) &&
	     invalidate(vm, qi_piotlb_pasid(DID, a->pasid)), "the guest's queue");
	check(copies(vm, 0, &d, 4), "00:10.0 works for D at that PASID");
	check(copies(vm, 0, b, 2) && reads(vm->bdf[2], c->pasid, VA) > 0,
	      "B and C are where they were");
	say("D ends too.");
	pasids_clear(&vm->pasids[0], d.pasid);
	must(invalidate(vm, qi_pasid(DID, d.pasid)) &&
	     invalidate(vm, qi_piotlb_pasid(DID, d.pasid)), "the guest's queue");
}

/* Page @i of C's that nobody has touched yet. */
#define UNTOUCHED(i) (VA + (16 + (i)) * SZ_4K)
#define FAULTED_IN 20

/* The next page request, once the eventfd says that there is one. */
static struct iommufd_sva_hwpt_pgfault next_request(struct vm *vm)
{
	struct pollfd pfd = { .fd = vm->wake, .events = POLLIN };
	struct iommufd_sva_hwpt_pgfault request;
	uint64_t count;

	must(poll(&pfd, 1, PR_PATIENCE_MS / 2) == 1 &&
	     read(vm->wake, &count, sizeof(count)) == sizeof(count) && ring_pending(&vm->ring),
	     "the eventfd says that there is a page request");
	request = *ring_next(&vm->ring);
	ring_taken(&vm->ring, 1);
	ring_send(&vm->ring);
	say("    in the ring: device %u, PASID %u, group %u, address %#llx, to %s", request.dev_id,
	    request.pasid, request.grpid, (unsigned long long)request.addr,
	    request.perm & IOMMUFD_SVA_PGFAULT_PERM_WRITE ? "write" : "read");
	return request;
}

/* The guest's fault handler: a page for the process. */
static void fault_in(struct vm *vm, struct process *p, int i)
{
	fs_map(&p->fs, UNTOUCHED(i), new_page(vm, FAULTED_IN + i), FS_RW);
}

static bool got_page(struct pr_dma *dma, int i)
{
	return pr_dma_wait(dma) == SIM_OK &&
	       mem_check(dma->buf, sizeof(dma->buf), FAULTED_IN + i) == -1;
}

static bool is_of(const struct iommufd_sva_hwpt_pgfault *r, struct vm *vm, struct process *p, int i)
{
	return r->dev_id == vm->device[CACHING] && r->pasid == p->pasid &&
	       r->addr == UNTOUCHED(i) && r->perm == IOMMUFD_SVA_PGFAULT_PERM_READ &&
	       r->flags & IOMMUFD_SVA_PGFAULT_FLAGS_LAST_PAGE;
}

static void a_page_is_asked_for(struct vm *vm, struct process *c)
{
	struct iommufd_sva_hwpt_pgfault r;
	struct pr_dma dma;

	say("00:12.0 reads an address of C's that nobody has touched: the guest has no page there.");
	pr_dma_start(&dma, vm->bdf[CACHING], c->pasid, UNTOUCHED(0), PR_ASKS);
	r = next_request(vm);
	check(is_of(&r, vm, c, 0), "the device has asked, and the VMM was woken through its eventfd");
	fault_in(vm, c, 0);
	must(ring_respond(&vm->ring, r.cookie, IOMMUFD_SVA_PAGE_RESP_SUCCESS), "room for a response");
	ring_send(&vm->ring);
	check(got_page(&dma, 0), "a page is mapped, the answer put into the ring: the read completes");

	say("It touches the next one. This time the VMM leaves the answer to the guest, which writes a");
	say("page group response into its own queue.");
	pr_dma_start(&dma, vm->bdf[CACHING], c->pasid, UNTOUCHED(1), PR_ASKS);
	r = next_request(vm);
	check(is_of(&r, vm, c, 1), "the device has asked");
	fault_in(vm, c, 1);
	check(invalidate(vm, qi_page_response(VSID(CACHING), r.pasid, r.grpid)) && got_page(&dma, 1),
	      "the guest's own response reaches the device: the read completes");

	say("The VMM refuses the third, and tries to answer it once more.");
	pr_dma_start(&dma, vm->bdf[CACHING], c->pasid, UNTOUCHED(2), PR_ASKS);
	r = next_request(vm);
	check(pr_answer(vm->ring.fd, r.cookie, IOMMUFD_SVA_PAGE_RESP_INVALID) == 0 &&
	      pr_dma_wait(&dma) == SIM_DENIED, "the device is denied the page");
	check(pr_answer(vm->ring.fd, r.cookie, IOMMUFD_SVA_PAGE_RESP_SUCCESS) == -EINVAL &&
	      pr_told(vm->ring.fd, "refused-cookie") == 1, "the second answer is refused (EINVAL), and counted");
}

static void the_guest_hears(struct vm *vm)
{
	struct {
		struct iommufd_sva_vevent_header header;
		uint64_t frcd[2];
	} event = {};
	struct pollfd pfd = { .fd = vm->veventq, .events = POLLIN };

	/* What the steps before have left. */
	while (poll(&pfd, 1, 100) == 1)
		must(read(vm->veventq, &event, sizeof(event)) == sizeof(event), "an event");
	check(reads(vm->bdf[0], PASID_A, VA) < 0, "00:10.0 asks for PASID %u once more: refused",
	      PASID_A);
	check(poll(&pfd, 1, 3000) == 1 &&
	      read(vm->veventq, &event, sizeof(event)) == sizeof(event),
	      "the VMM reads a fault record for the guest's unit:");
	say("            requester %02llx:%02llx.%llx, PASID %llu, address %#llx, reason %#llx",
	    (unsigned long long)event.frcd[1] >> 8 & 0xff,
	    (unsigned long long)event.frcd[1] >> 3 & 0x1f, (unsigned long long)event.frcd[1] & 7,
	    (unsigned long long)event.frcd[1] >> 40 & 0xfffff, (unsigned long long)event.frcd[0],
	    (unsigned long long)event.frcd[1] >> 32 & 0xff);
	check((event.frcd[1] & 0xffff) == VSID(0) &&
	      (event.frcd[1] >> 40 & 0xfffff) == PASID_A && event.frcd[0] == VA &&
	      (event.frcd[1] >> 32 & 0xff) == 0x59,
	      "the guest's own name for the device, and SPT.2: its entry is not present");
}

static void reaches_nothing_else(struct vm *vm, struct process *b, struct process *c)
{
	char *host = mem_alloc(SZ_4K, 0), byte[64];
	uint64_t phys, *dir = guest_ptr(&vm->guest, vm->pasids[0].dir);
	struct qi bad = { { 7 | 1ULL << 63 } };
	uint32_t error;

	mem_fill(host, SZ_4K, 99);
	phys = mem_phys(host);
	fs_map(&b->fs, VA, NOWHERE, FS_RW);
	must(invalidate(vm, qi_piotlb_pasid(DID, b->pasid)), "the guest's queue");
	check(reads(vm->bdf[0], b->pasid, VA) < 0, "a page outside the guest's memory: refused");
	if (phys < GPA || phys >= GPA + GUEST_SIZE) {
		fs_map(&b->fs, VA, phys, FS_RW);
		must(invalidate(vm, qi_piotlb_pasid(DID, b->pasid)), "the guest's queue");
		check(sim_write_pasid(vm->bdf[0], b->pasid, VA, byte, sizeof(byte), 0) &&
		      mem_check(host, SZ_4K, 99) == -1,
		      "a physical address of the host that the guest has guessed: refused");
	}
	dir[100] = NOWHERE | 1;
	dir[101] = vm->pasids[0].dir | 1;
	must(invalidate(vm, qi_pasid_global()), "the guest's queue");
	check(reads(vm->bdf[0], 100 * 64 + 1, VA) < 0 && reads(vm->bdf[0], 101 * 64, VA) < 0,
	      "PASID tables outside its memory, and a directory that leads to itself: refused");
	write_descriptor(vm, qi_iotlb_global());
	write_descriptor(vm, bad);
	error = tail_written(vm);
	check(error & IOMMUFD_SVA_VTD_QI_IQE && vm->head == (vm->tail + QUEUE_LEN - 1) % QUEUE_LEN,
	      "a descriptor with a reserved bit: the guest's queue stops there (IQE)");
	vm->head = vm->tail;
	check(reads(vm->bdf[1], c->pasid, VA) > 0, "C is at work on 00:11.0 as before");
	mem_free(host, SZ_4K);
}

int main(void)
{
	struct process a, b, c;
	struct bystander bystander;
	char engine[PCI_NAME_LEN], fast[PCI_NAME_LEN];
	struct machine before;
	struct vm vm = {};

	for (int i = 0; i < NDEVICES; i++) {
		vm.bdf[i] = sim_add_endpoint(FIRST_SLOT + i, i == CACHING ? SIM_ALL_CAPS :
					     SIM_CAP_FLR | SIM_CAP_PASID);
		must(vm.bdf[i] > 0, "devices are plugged in");
	}
	begin(engine, fast, &bystander, &before);

	step("The machine; loading the modules");
	the_machine(&vm, &bystander);
	must(bystander_start(&bystander), "it works");

	step("A VMM builds a guest: memory, a share of the unit, three devices");
	build_guest(&vm);

	step("The guest's PASID tables are handed over");
	boot_guest(&vm, &a, &b, &c);

	step("Two processes on one device, one on three");
	all_copy(&vm, &a, &b, &c);

	step("A page of a process moves while three devices work for it");
	pages_move(&vm, &c);

	step("A device asks for pages that are not there");
	a_page_is_asked_for(&vm, &c);

	step("A PASID becomes another process's");
	pasid_changes(&vm, &a, &b, &c);

	step("The guest hears of its own faults");
	the_guest_hears(&vm);

	step("A guest with evil in mind reaches nothing but its own memory");
	reaches_nothing_else(&vm, &b, &c);
	check(!*sim_bad(0), "the model has seen nothing that the specification forbids%s%s",
	      *sim_bad(0) ? ": " : "", sim_bad(0));

	step("Unloading leaves the machine as it was");
	ring_close(&vm.ring);
	close(vm.ring.fd);
	close(vm.wake);
	close(vm.veventq);
	close(vm.fd);
	leave("vtd_nested", "dmar", &before, &bystander);

	step("Who was behind the same unit noticed nothing");
	the_bystander(&bystander);
	return the_end();
}
