// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nested translation on an SMMUv3, told step by step by a small VMM: a guest's
 * own tables are walked by the hardware, over tables that hold the guest's
 * memory, and reach nothing else.
 *
 * Every sentence about what happened is checked when it is printed; a line with
 * "WRONG" and a non-zero exit status mean that it did not.
 */
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <linux/vfio.h>

#include "demo.h"
#include "engine.h"
#include "guest.h"
#include "kmsg.h"
#include "pci.h"
#include "storm.h"
#include "story.h"
#include "sva.h"
#include "vfio.h"

/* Where the guest's memory is for the guest. */
#define IPA 0x40000000UL
#define GUEST_SIZE (32UL << 20)
/* Where it is not. */
#define NOWHERE 0x700000000UL
/* Addresses of a process in the guest. */
#define VA 0x7f1234560000UL
/* What the guest calls the devices. */
#define VSID 0x8
#define VSID2 0x9

#define BACKEND "smmuv3_nested"
#define VIOMMU IOMMUFD_SVA_VIOMMU_TYPE_ARM_SMMUV3
#define STE IOMMUFD_SVA_HWPT_DATA_ARM_SMMUV3
#define CMD IOMMUFD_SVA_VIOMMU_INVALIDATE_DATA_ARM_SMMUV3
#define EVENT IOMMUFD_SVA_VEVENTQ_TYPE_ARM_SMMUV3

struct vmm {
	int fd;
	uint32_t device;
	uint32_t parent;
	uint32_t viommu;
	struct guest guest;
	struct engine *engine;
};

static void the_machine(const char *engine, struct bystander *b)
{
	char line[512];
	struct utsname u;

	uname(&u);
	say("Debian's kernel %s for arm64, unmodified.", u.release);
	say("Boot parameters: %s", file_line("/proc/cmdline", line, sizeof(line)));
	say("So nobody drives the IOMMU (an Arm SMMUv3, here %s). Where firmware names it the",
	    is_modelled() ? "a hardware model" : "QEMU's");
	say("kernel lets host drivers wait 10 s for one that does, then goes on without.");
	check(access("/dev/iommu", F_OK), "the kernel has no iommufd of its own: no /dev/iommu");
	say("Two devices play the main parts:");
	say("    %s  a DMA engine without a driver; a guest will drive it", engine);
	say("    %s  a %s, with the host's driver \"%s\"", b->name, b->what, b->driver);
	check(bystander_has_driver(b), "the %s has its driver", b->what);
}

static void load(const char *engine, struct bystander *b)
{
	int log = kmsg_mark();

	if (is_modelled()) {
		say("# modprobe " BACKEND);
		must(!sh("modprobe " BACKEND), "the modules load");
	} else {
		say("# modprobe " BACKEND " allow_noncoherent_nesting=1");
		say("(QEMU's unit has neither S2FWB nor CANWBS: a guest could make its DMA bypass the");
		say("caches. iommufd refuses that, and so do we unless told otherwise.)");
		must(!sh("modprobe " BACKEND " allow_noncoherent_nesting=1"),
		     "the modules load");
	}
	log_since(log, BACKEND, 3);
	close(log);
	check(pci_group(engine) >= 0, "%s, which nobody uses, is in IOMMU group %d", engine,
	      pci_group(engine));
	check(pci_group(b->name) < 0 && bystander_has_driver(b),
	      "%s still has its driver, and is in no group: it passes through", b->name);
}

static void build_vmm(struct vmm *vmm, const char *name)
{
	uint32_t ioas, vdevice;

	vmm->fd = sva_open();
	must(vmm->fd >= 0, "open(" SVA_DEV ")");
	must(!sva_bind(vmm->fd, pci_bdf(name), &vmm->device), "DEVICE_BIND");
	say("DEVICE_BIND   %s: device %u", name, vmm->device);
	must(!guest_init(&vmm->guest, IPA, GUEST_SIZE) && !sva_ioas_alloc(vmm->fd, &ioas) &&
	     !sva_map(vmm->fd, ioas, vmm->guest.mem, GUEST_SIZE, IPA, SVA_RW), "IOAS_MAP");
	say("IOAS_MAP      the guest's memory: %lu MiB at guest-physical %#lx", GUEST_SIZE >> 20, IPA);
	must(!sva_hwpt_alloc(vmm->fd, vmm->device, ioas, IOMMUFD_SVA_HWPT_ALLOC_NEST_PARENT,
			     &vmm->parent), "HWPT_ALLOC");
	say("HWPT_ALLOC    NEST_PARENT: stage-2 tables (HWPT %u) hold it", vmm->parent);
	must(!sva_viommu_alloc(vmm->fd, VIOMMU, vmm->device, vmm->parent, &vmm->viommu),
	     "VIOMMU_ALLOC");
	say("VIOMMU_ALLOC  the guest's share of the unit (vIOMMU %u), with a VMID of its own",
	    vmm->viommu);
	must(!sva_vdevice_alloc(vmm->fd, vmm->viommu, vmm->device, VSID, &vdevice),
	     "VDEVICE_ALLOC");
	check(true, "VDEVICE_ALLOC the guest calls the device by StreamID %#x", VSID);
}

/* The guest's context @cd becomes the device's. */
static uint32_t nest(struct vmm *vmm, uint64_t cd)
{
	uint64_t ste[2];
	uint32_t hwpt;

	guest_ste(ste, cd);
	must(!sva_hwpt_nested(vmm->fd, vmm->device, vmm->viommu, STE, ste, sizeof(ste), &hwpt),
	     "HWPT_ALLOC of the guest's stream table entry");
	must(!sva_attach(vmm->fd, vmm->device, hwpt, NULL), "DEVICE_ATTACH");
	return hwpt;
}

/* The device reads @from and writes what it has read to @to, both the guest's. */
static void copy(struct engine *engine, uint64_t to, uint64_t from)
{
	must(!engine_fetch(engine, from, SZ_4K) && !engine_store(engine, to, SZ_4K),
	     "the device is ready");
}

static uint64_t page_of(struct vmm *vmm)
{
	return guest_alloc(&vmm->guest, SZ_64K, SZ_64K);
}

static bool holds(struct vmm *vmm, uint64_t ipa, unsigned int seed)
{
	return mem_check(guest_ptr(&vmm->guest, ipa), SZ_4K, seed) == -1;
}

static void both_stages(struct vmm *vmm, struct s1 *s1, unsigned int granule, unsigned int seed)
{
	uint64_t from = page_of(vmm), to = page_of(vmm);
	unsigned long page = 1UL << granule;

	s1_init(s1, &vmm->guest, granule, seed);
	s1_map(s1, VA, from, S1_RO);
	s1_map(s1, VA + page, to, S1_RW);
	say("The guest writes tables of its own, pages of %luK, %d levels, root at %#llx:", page >> 10,
	    granule == 12 ? 4 : 3, (unsigned long long)s1->root);
	say("    %#lx -> guest-physical %#llx, for reading", VA, (unsigned long long)from);
	say("    %#lx -> guest-physical %#llx, for reading and writing", VA + page,
	    (unsigned long long)to);
	say("The hardware is given the guest's stream table entry, and walks on from there.");
	nest(vmm, guest_cd(s1));
	mem_fill(guest_ptr(&vmm->guest, from), SZ_4K, seed);
	show_bytes("page for reading:", guest_ptr(&vmm->guest, from));
	say("The device reads 4096 bytes at %#lx and writes them to %#lx.", VA, VA + page);
	copy(vmm->engine, VA + page, VA);
	show_bytes("page for writing:", guest_ptr(&vmm->guest, to));
	check(holds(vmm, to, seed), "all 4096 bytes went through both stages, there and back");
}

static void invalidate(struct vmm *vmm, struct guest_cmd cmd)
{
	uint32_t num = 1;

	must(!sva_invalidate(vmm->fd, vmm->viommu, CMD, &cmd, sizeof(cmd), &num) && num == 1,
	     "HWPT_INVALIDATE");
}

static void a_page_moves(struct vmm *vmm, struct s1 *s1, unsigned int asid)
{
	uint64_t old = page_of(vmm), new = page_of(vmm);
	uint64_t va = VA + 16 * SZ_4K;

	s1_map(s1, va, old, S1_RW);
	mem_fill(guest_ptr(&vmm->guest, new), SZ_4K, 77);
	copy(vmm->engine, va, VA);
	must(holds(vmm, old, asid), "the device writes to the old place");
	s1_map(s1, va, new, S1_RW);
	copy(vmm->engine, va, VA);
	say("The guest moves %#llx to another page, and says nothing yet.", (unsigned long long)va);
	say("    the device writes to the %s place (either is right)",
	    holds(vmm, new, asid) ? "new" : "old");
	invalidate(vmm, cmd_tlbi_nh_va(asid, va, 1));
	say("HWPT_INVALIDATE passes on the guest's command as it stands in its queue: TLBI_NH_VA.");
	copy(vmm->engine, va, VA);
	check(holds(vmm, new, asid), "now the device writes to the new place");
}

/* The device tries to write to @va; nothing of the guest's or of the host's moves. */
static void expect_nothing(struct vmm *vmm, const char *name, uint64_t va, const char *host,
			   const char *why)
{
	char *before = mem_alloc(GUEST_SIZE, 0), line[512];
	int log = kmsg_mark();

	memcpy(before, vmm->guest.mem, GUEST_SIZE);
	say("The device writes to %#llx: %s.", (unsigned long long)va, why);
	engine_store(vmm->engine, va, SZ_4K);
	if (check(kmsg_wait(log, 3000, line, sizeof(line), KMSG_WORDS(name, "faulted", "reason")),
		  "it is reported, with device, address and reason:"))
		say("            %s", line);
	check(!memcmp(before, vmm->guest.mem, GUEST_SIZE) && mem_check(host, SZ_4K, 99) == -1,
	      "and not a byte has moved, in the guest or outside");
	mem_free(before, GUEST_SIZE);
	close(log);
}

static void reaches_nothing_else(struct vmm *vmm, const char *name)
{
	char *host = mem_alloc(SZ_4K, 0);
	uint64_t phys, *entry;
	struct s1 s1;

	mem_fill(host, SZ_4K, 99);
	phys = mem_phys(host);
	s1_init(&s1, &vmm->guest, 12, 9);
	s1_map(&s1, VA, NOWHERE, S1_RW);
	if (phys < IPA || phys >= IPA + GUEST_SIZE)
		s1_map(&s1, VA + SZ_4K, phys, S1_RW);
	nest(vmm, guest_cd(&s1));
	expect_nothing(vmm, name, VA, host,
		       "the guest's table leads out of the guest's memory");
	expect_nothing(vmm, name, VA + SZ_4K, host,
		       "the guest has guessed a physical address of the host");

	s1_map(&s1, VA, page_of(vmm), S1_RW);
	entry = (uint64_t *)guest_ptr(&vmm->guest, s1.root) + (VA >> 39 & 511);
	*entry = NOWHERE | 3;
	invalidate(vmm, cmd_tlbi_nh_all());
	expect_nothing(vmm, name, VA, host, "a table of the guest's is outside its memory");

	nest(vmm, NOWHERE);
	expect_nothing(vmm, name, VA, host, "the context descriptor is outside its memory");
}

static void the_guest_hears(struct vmm *vmm)
{
	struct {
		struct iommufd_sva_vevent_header header;
		uint64_t evt[4];
	} event = {};
	uint32_t veventq;
	struct s1 s1;
	int fd;

	must(!sva_veventq_alloc(vmm->fd, vmm->viommu, EVENT, 64, &veventq, &fd), "VEVENTQ_ALLOC");
	say("VEVENTQ_ALLOC: the guest's own faults go to the VMM, for the guest's event queue.");
	s1_init(&s1, &vmm->guest, 12, 11);
	s1_map(&s1, VA, page_of(vmm), S1_RO);
	nest(vmm, guest_cd(&s1));
	say("The device writes to %#lx, which the guest's table has for reading only.", VA);
	engine_store(vmm->engine, VA, SZ_4K);
	for (int i = 0; i < 300 && read(fd, &event, sizeof(event)) != sizeof(event); i++)
		usleep(10000);
	check((event.evt[0] & 0xff) == 0x13 && (event.evt[2] & ~0xfffULL) == VA,
	      "event %#llx (F_PERMISSION) at %#llx,", (unsigned long long)event.evt[0] & 0xff,
	      (unsigned long long)event.evt[2]);
	check(event.evt[0] >> 32 == VSID, "of StreamID %#llx: the guest's name for the device",
	      (unsigned long long)event.evt[0] >> 32);
	close(fd);
}

static void replace_under_dma(struct vmm *vmm, const char *name)
{
	uint32_t device, vdevice, hwpt[2], replaced = 0;
	struct storm s = { .iova = VA };
	uint64_t page[2], ste[2], end;
	int log = kmsg_mark();
	char line[512];

	must(!sva_bind(vmm->fd, pci_bdf(name), &device) && !engine_open(&s.dev, name) &&
	     !sva_vdevice_alloc(vmm->fd, vmm->viommu, device, VSID2, &vdevice),
	     "a second engine is the guest's");
	for (int i = 0; i < 2; i++) {
		struct s1 s1;

		page[i] = page_of(vmm);
		s1_init(&s1, &vmm->guest, 12, 20 + i);
		s1_map(&s1, VA, page[i], S1_RW);
		guest_ste(ste, guest_cd(&s1));
		must(!sva_hwpt_nested(vmm->fd, device, vmm->viommu, STE, ste, sizeof(ste), &hwpt[i]),
		     "two address spaces of the guest's");
	}
	must(!sva_attach(vmm->fd, device, hwpt[0], NULL), "attached");
	s.phys = mem_phys(guest_ptr(&vmm->guest, page[0]));
	say("%s, another engine, writes to %#lx as fast as it can. Meanwhile the guest's", name, VA);
	say("stage 1 is replaced by another one, in which that is another page, and back.");
	must(!storm_start(&s), "a thread");
	end = now_ns() + 3000000000ULL;
	while (now_ns() < end) {
		*(volatile uint32_t *)guest_ptr(&vmm->guest, page[0]) = 0;
		if (sva_attach(vmm->fd, device, hwpt[++replaced & 1], NULL))
			break;
	}
	storm_stop(&s);
	say("    %u replacements, %lu writes: %lu to the first page, %lu to the second", replaced,
	    s.count, s.count - s.elsewhere - s.failed, s.elsewhere);
	check(s.count > 100 && replaced > 100 && !s.failed, "not one write failed");
	check(!kmsg_wait(log, 500, line, sizeof(line), KMSG_WORDS(name, "faulted")),
	      "not one fault was reported");
	check(s.elsewhere && s.count > s.elsewhere, "both pages have been written");
	engine_close(&s.dev);
	close(log);
}

static bool interrupted(struct engine *engine, int event)
{
	uint64_t count;

	engine_interrupt(engine);
	for (int i = 0; i < 200; i++) {
		if (read(event, &count, sizeof(count)) == sizeof(count))
			return true;
		usleep(10000);
	}
	return false;
}

/* The same on what an unmodified VFIO program has mapped. */
static void on_vfio(const char *name)
{
	int event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	uint32_t vdevice;
	struct vmm vmm = {};
	struct vfio vfio;
	struct engine engine;
	struct s1 s1;
	uint64_t from, to;

	sh("modprobe vfio-pci; modprobe vfio_iommu_type1 allow_unsafe_interrupts=1");
	must(!pci_bind_driver(name, "vfio-pci") && !vfio_open(&vfio, name) && !vfio_enable(&vfio),
	     "a VFIO type1 program opens the device");
	must(!engine_open_vfio(&engine, name, &vfio), "the engine answers");
	vmm.engine = &engine;
	must(!guest_init(&vmm.guest, IPA, GUEST_SIZE) &&
	     !vfio_map(&vfio, vmm.guest.mem, GUEST_SIZE, IPA,
		       VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE), "VFIO_IOMMU_MAP_DMA");
	check(true, "VFIO: container, group %d, device, memory", pci_group(name));
	if (engine_has_interrupt(&engine)) {
		must(!vfio_msi(&vfio, event), "VFIO_DEVICE_SET_IRQS");
		check(interrupted(&engine, event), "VFIO: interrupt");
	}

	vmm.fd = sva_open();
	must(!sva_bind_vfio(vmm.fd, pci_bdf(name), vfio.group, &vmm.device),
	     "DEVICE_BIND with BIND_VFIO: the group file proves the right to the device");
	must(!sva_hwpt_import(vmm.fd, vmm.device, &vmm.parent),
	     "HWPT_IMPORT: VFIO's mappings become a nesting parent");
	must(!sva_viommu_alloc(vmm.fd, VIOMMU, vmm.device, vmm.parent, &vmm.viommu) &&
	     !sva_vdevice_alloc(vmm.fd, vmm.viommu, vmm.device, VSID, &vdevice), "VIOMMU_ALLOC");
	check(true, "BIND_VFIO, HWPT_IMPORT (HWPT %u), VIOMMU_ALLOC, VDEVICE_ALLOC", vmm.parent);

	from = page_of(&vmm);
	to = page_of(&vmm);
	s1_init(&s1, &vmm.guest, 12, 3);
	s1_map(&s1, VA, from, S1_RO);
	s1_map(&s1, VA + SZ_4K, to, S1_RW);
	/* The window for interrupts, as a guest maps what it is told of. */
	for (uint64_t at = 0x8000000; at < 0x8010000; at += SZ_4K)
		s1_map(&s1, at, at, S1_RW);
	nest(&vmm, guest_cd(&s1));
	mem_fill(guest_ptr(&vmm.guest, from), SZ_4K, 31);
	copy(&engine, VA + SZ_4K, VA);
	check(holds(&vmm, to, 31), "DMA at the guest's virtual addresses, through both stages");
	if (engine_has_interrupt(&engine))
		check(interrupted(&engine, event), "VFIO's interrupt still arrives");
	must(!vfio_reset(&vfio) && !vfio_enable(&vfio), "VFIO_DEVICE_RESET");
	mem_fill(guest_ptr(&vmm.guest, from), SZ_4K, 32);
	copy(&engine, VA + SZ_4K, VA);
	check(holds(&vmm, to, 32), "after a reset by VFIO it goes on");
	close(vmm.fd);
	vfio_close(&vfio);
	close(event);
	pci_unbind(name);
}

int main(void)
{
	char name[PCI_NAME_LEN], fast_name[PCI_NAME_LEN];
	struct machine before;
	struct vmm vmm = {};
	struct bystander bystander;
	struct engine engine;
	struct s1 s1;

	begin(name, fast_name, &bystander, &before);

	step("The machine");
	the_machine(name, &bystander);
	must(bystander_start(&bystander), "it works");
	say("From now on the %s moves bytes out and back without pause.", bystander.what);

	step("Loading the modules: the unit becomes ours");
	load(name, &bystander);

	step("A VMM builds a guest: memory, a share of the IOMMU, a device");
	build_vmm(&vmm, name);
	must(!engine_open(&engine, name) && engine_alive(&engine), "the engine answers");
	vmm.engine = &engine;

	step("The guest's own tables, walked by the hardware");
	both_stages(&vmm, &s1, 12, 5);

	step("The guest changes a table, and says so");
	a_page_moves(&vmm, &s1, 5);

	step("Another guest kernel: pages of 64K");
	both_stages(&vmm, &s1, 16, 6);

	step("The guest's tables reach nothing but the guest's memory");
	reaches_nothing_else(&vmm, name);

	step("The guest hears of its own faults");
	the_guest_hears(&vmm);

	step("One stage 1 replaces another under running DMA");
	replace_under_dma(&vmm, fast_name);
	engine_close(&engine);
	close(vmm.fd);

	step("The same with the device open in an unmodified VFIO program");
	on_vfio(name);

	step("Unloading leaves the machine as it was");
	leave(BACKEND, BACKEND, &before, &bystander);

	step("Who was behind the same unit noticed nothing");
	the_bystander(&bystander);
	return the_end();
}
