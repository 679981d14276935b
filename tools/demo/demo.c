// SPDX-License-Identifier: GPL-2.0-only
/*
 * The main job of iommufd_sva, told step by step: a device's DMA goes through
 * tables that a user fills through /dev/iommufd_sva, and nowhere else.
 *
 * Every sentence about what happened is checked when it is printed; a line with
 * "WRONG" and a non-zero exit status mean that it did not.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <linux/vfio.h>

#include "demo.h"
#include "engine.h"
#include "kmsg.h"
#include "pci.h"
#include "storm.h"
#include "story.h"
#include "sva.h"
#include "vfio.h"
#include "walk.h"

#define IOVA 0x765432101000UL
#define IOVA_READ_ONLY (IOVA + SZ_2M)
#define IOVA_UNMAPPED (IOVA + SZ_1G)

static void the_machine(const char *engine, struct bystander *b)
{
	char cmdline[512];
	struct utsname u;

	uname(&u);
	say("Debian's kernel %s, unmodified.", u.release);
	say("Boot parameters: %s", file_line("/proc/cmdline", cmdline, sizeof(cmdline)));
	say("So nobody drives the IOMMU (an Intel VT-d unit, here %s).",
	    is_modelled() ? "a hardware model" : "QEMU's");
	check(access("/dev/iommu", F_OK), "the kernel has no iommufd of its own: no /dev/iommu");
	check(pci_group(engine) < 0, "there are no IOMMU groups: nobody could be given a device");
	say("Two devices play the main parts:");
	say("    %s  a DMA engine without a driver; we will drive it", engine);
	say("    %s  a %s, with the host's driver \"%s\"", b->name, b->what, b->driver);
	check(bystander_has_driver(b), "the %s has its driver", b->what);
}

static void load(const char *engine, struct bystander *b)
{
	int log = kmsg_mark();

	say("# modprobe vtd_nested");
	must(!sh("modprobe vtd_nested"), "the modules load");
	log_since(log, "dmar", 3);
	close(log);
	check(!access(SVA_DEV, F_OK), SVA_DEV " is there");
	check(pci_group(engine) >= 0, "%s, which nobody uses, is in IOMMU group %d", engine,
	      pci_group(engine));
	check(pci_group(b->name) < 0 && bystander_has_driver(b),
	      "%s still has its driver, and is in no group: it passes through", b->name);
}

static void unit_capabilities(int fd, uint32_t device)
{
	struct iommufd_sva_hw_info_vtd vtd = {};
	struct iommufd_sva_hw_info info = {
		.size = sizeof(info),
		.dev_id = device,
		.data_len = sizeof(vtd),
		.data_uptr = (uintptr_t)&vtd,
	};

	must(!sva_ioctl(fd, IOMMUFD_SVA_GET_HW_INFO, &info), "GET_HW_INFO");
	say("The unit in front of it, by GET_HW_INFO:");
	say("    CAP  %#018llx", (unsigned long long)vtd.cap_reg);
	say("         addresses of %llu bits; second-stage tables of%s%s levels; large pages%s%s",
	    (unsigned long long)(vtd.cap_reg >> 16 & 0x3f) + 1,
	    vtd.cap_reg >> 10 & 1 ? " 4" : "", vtd.cap_reg >> 11 & 1 ? " 5" : "",
	    vtd.cap_reg >> 34 & 1 ? " 2M" : "", vtd.cap_reg >> 35 & 1 ? " 1G" : "");
	say("    ECAP %#018llx", (unsigned long long)vtd.ecap_reg);
	say("         scalable mode %s, second stage %s, first stage %s, nested %s, pass-through %s",
	    vtd.ecap_reg >> 43 & 1 ? "yes" : "no", vtd.ecap_reg >> 46 & 1 ? "yes" : "no",
	    vtd.ecap_reg >> 47 & 1 ? "yes" : "no", vtd.ecap_reg >> 26 & 1 ? "yes" : "no",
	    vtd.ecap_reg >> 6 & 1 ? "yes" : "no");
	check(vtd.ecap_reg >> 43 & 1, "it can do what we need");
}

static void both_directions(struct engine *engine, char *mem)
{
	char *there = mem, *back = mem + SZ_4K;

	mem_fill(there, SZ_4K, 42);
	memset(back, 0, SZ_4K);
	show_bytes("page behind IOVA:", there);
	show_bytes("page behind IOVA + 0x1000:", back);
	say("The device reads 4096 bytes at IOVA %#lx,", IOVA);
	must(!engine_fetch(engine, IOVA, SZ_4K), "the device is ready");
	say("and writes them to IOVA %#lx.", IOVA + SZ_4K);
	must(!engine_store(engine, IOVA + SZ_4K, SZ_4K), "the device is ready");
	show_bytes("page behind IOVA + 0x1000:", back);
	check(mem_check(back, SZ_4K, 42) == -1, "all 4096 bytes went there and back");
}

/* The device tries to write over @page, which holds @seed's bytes. */
static void expect_fault(struct engine *engine, const char *name, uint64_t iova,
			 const char *page, unsigned int seed, const char *why)
{
	int log = kmsg_mark();
	char addr[32], line[512];

	snprintf(addr, sizeof(addr), "%#lx", iova & ~0xfffUL);
	say("The device writes to IOVA %#lx, %s.", iova, why);
	engine_store(engine, iova, SZ_4K);
	if (check(kmsg_wait(log, 3000, line, sizeof(line),
			    KMSG_WORDS(name, "write", addr, "reason")),
		  "it is reported, with device, address and reason:"))
		say("            %s", line);
	check(mem_check(page, SZ_4K, seed) == -1, "and not a byte has moved");
	close(log);
}

static void replace_under_dma(int fd, const char *name)
{
	char *page[2], line[512];
	int log = kmsg_mark(), replaced = 0;
	uint32_t ioas[2], device;
	struct storm s = { .iova = IOVA };
	uint64_t end;

	must(!sva_bind(fd, pci_bdf(name), &device) && !engine_open(&s.dev, name),
	     "a second engine is bound");
	for (int i = 0; i < 2; i++) {
		page[i] = mem_alloc(SZ_4K, 0);
		must(!sva_ioas_alloc(fd, &ioas[i]) &&
		     !sva_map(fd, ioas[i], page[i], SZ_4K, IOVA, SVA_RW),
		     "two address spaces");
	}
	s.phys = mem_phys(page[0]);
	must(!sva_attach(fd, device, ioas[0], NULL), "attached");
	say("%s, another engine, writes to IOVA %#lx as fast as it can. Meanwhile its", name, IOVA);
	say("address space is replaced by another one, in which that IOVA is another page, and back.");
	must(!storm_start(&s), "a thread");
	end = now_ns() + 3000000000ULL;
	while (now_ns() < end) {
		*(volatile uint32_t *)page[0] = 0;
		if (sva_attach(fd, device, ioas[++replaced & 1], NULL))
			break;
	}
	storm_stop(&s);
	say("    %d replacements, %lu writes: %lu to the first page, %lu to the second",
	    replaced, s.count, s.count - s.elsewhere - s.failed, s.elsewhere);
	check(s.count > 100 && replaced > 100 && !s.failed, "not one write failed");
	check(!kmsg_wait(log, 500, line, sizeof(line), KMSG_WORDS(name, "faulted")),
	      "not one fault was reported");
	check(*(uint32_t *)page[1] == ENGINE_PATTERN, "both pages have been written");
	engine_close(&s.dev);
	sva_detach(fd, device);
	sva_destroy(fd, device);
	close(log);
}

static void vfio_does_the_same(const char *name)
{
	char *mem = mem_alloc(SZ_64K, SZ_64K);
	struct vfio vfio;
	struct engine engine;

	sh("modprobe vfio-pci; modprobe vfio_iommu_type1 allow_unsafe_interrupts=1");
	say("# echo vfio-pci > /sys/bus/pci/devices/%s/driver_override", name);
	say("# echo %s > /sys/bus/pci/drivers_probe", name);
	must(!pci_bind_driver(name, "vfio-pci"), "vfio-pci takes the device");
	must(!vfio_open(&vfio, name), "a VFIO type1 program opens the device");
	check(true, "container, group %d and device are open", pci_group(name));
	must(!vfio_map(&vfio, mem, SZ_64K, IOVA,
		       VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE),
	     "VFIO_IOMMU_MAP_DMA");
	must(!vfio_enable(&vfio), "the device is enabled");
	must(!engine_open_vfio(&engine, name, &vfio), "the engine answers");
	mem_fill(mem, SZ_4K, 7);
	must(!engine_fetch(&engine, IOVA, SZ_4K) && !engine_store(&engine, IOVA + SZ_4K, SZ_4K),
	     "the device is ready");
	check(mem_check(mem + SZ_4K, SZ_4K, 7) == -1,
	      "the same DMA, through the same unit: 4096 bytes there and back");
	must(!vfio_unmap(&vfio, IOVA, SZ_64K), "VFIO_IOMMU_UNMAP_DMA");
	mem_fill(mem, SZ_4K, 8);
	expect_fault(&engine, name, IOVA, mem, 8, "which VFIO has just unmapped");
	vfio_close(&vfio);
	pci_unbind(name);
}

int main(void)
{
	char name[PCI_NAME_LEN], fast_name[PCI_NAME_LEN];
	char *mem, *ro, *old, tables[4096];
	struct machine before;
	uint32_t ioas, device, hwpt;
	struct bystander bystander;
	struct engine engine;
	int fd;

	begin(name, fast_name, &bystander, &before);

	step("The machine");
	the_machine(name, &bystander);
	must(bystander_start(&bystander), "it works");
	say("From now on the %s moves bytes out and back without pause.", bystander.what);

	step("Loading the modules: the unit becomes ours");
	load(name, &bystander);

	step("A user takes a device");
	fd = sva_open();
	must(fd >= 0, "open(" SVA_DEV ")");
	must(!sva_bind(fd, pci_bdf(name), &device), "DEVICE_BIND");
	check(true, "DEVICE_BIND %s: device %u", name, device);
	unit_capabilities(fd, device);
	sh("modprobe pci-pf-stub");
	check(pci_bind_driver(name, "pci-pf-stub"), "no host driver can bind to it meanwhile");

	step("Memory is mapped, and the device's DMA reaches it");
	mem = mem_alloc(4 * SZ_4K, SZ_64K);
	ro = mem + 2 * SZ_4K;
	old = mem + 3 * SZ_4K;
	must(!sva_ioas_alloc(fd, &ioas), "IOAS_ALLOC");
	say("IOAS_ALLOC: I/O address space %u", ioas);
	must(!sva_map(fd, ioas, mem, 2 * SZ_4K, IOVA, SVA_RW) &&
	     !sva_map(fd, ioas, ro, SZ_4K, IOVA_READ_ONLY, SVA_READ), "IOAS_MAP");
	say("IOAS_MAP:   %#lx, two pages, for reading and writing", IOVA);
	say("IOAS_MAP:   %#lx, one page, for reading only", IOVA_READ_ONLY);
	must(!sva_attach(fd, device, ioas, &hwpt), "DEVICE_ATTACH");
	say("DEVICE_ATTACH: tables are made (hardware page table %u) and the device uses them", hwpt);
	must(!engine_open(&engine, name) && engine_alive(&engine), "the engine answers");
	both_directions(&engine, mem);
	must(!walk(name, IOVA, tables, sizeof(tables)), "the tables can be looked at");

	step("It reaches nothing else");
	mem_fill(ro, SZ_4K, 1);
	expect_fault(&engine, name, IOVA_UNMAPPED, ro, 1, "where nothing is mapped");
	expect_fault(&engine, name, IOVA_READ_ONLY, ro, 1, "where it may only read");
	must(!sva_map(fd, ioas, old, SZ_4K, IOVA_UNMAPPED, SVA_RW), "IOAS_MAP");
	engine_fetch(&engine, IOVA_UNMAPPED, SZ_4K);
	mem_fill(old, SZ_4K, 2);
	must(!sva_unmap(fd, ioas, IOVA_UNMAPPED, SZ_4K, NULL), "IOAS_UNMAP");
	expect_fault(&engine, name, IOVA_UNMAPPED, old, 2,
		     "which it has just used and was unmapped since");
	expect_fault(&engine, name, mem_phys(old), old, 2, "the page's physical address");

	step("One address space replaces another under running DMA");
	replace_under_dma(fd, fast_name);

	step("An unmodified VFIO program uses the same device");
	engine_close(&engine);
	close(fd);
	vfio_does_the_same(name);

	step("Unloading leaves the machine as it was");
	leave("vtd_nested", "dmar", &before, &bystander);

	step("Who was behind the same unit noticed nothing");
	the_bystander(&bystander);

	step("The tables that were walked in step 4");
	draw_walk(tables);

	return the_end();
}
