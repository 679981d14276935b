# SPDX-License-Identifier: GPL-2.0-only
# make              build the modules for the running kernel
# make KDIR=DIR     build them against the kernel headers in DIR
# make install      install them for that kernel
# make clean
#
# make demo         the main job, told step by step, in a VM
# make demo ARCH=arm64  nested translation on an SMMUv3, likewise
# make demo IOMMU=sim   either of them on a hardware model: no emulated IOMMU
# make check        the tests, all but debug and mutants; ends in "N passed, N failed, N skipped"
# make check-PART   one part of it: unit, uapi, build, dkms, sim, hw, agree; or
#                   debug: the selftests under KASAN, lockdep, kmemleak and UBSAN;
#                   mutants: do the tests notice when a line of the drivers breaks?
# KERNELS=6.12 make check-sim   on these kernels only (sim, hw)
# make bench        what mapping costs, beside the kernel's own stack
KDIR ?= /lib/modules/$(shell uname -r)/build

modules:
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules

install:
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules_install

clean:
	$(MAKE) -C $(KDIR) M=$(CURDIR) clean

demo:
	@tools/demo/run $(if $(filter arm64,$(ARCH)),-a arm64) $(if $(filter sim,$(IOMMU)),-s)

check:
	@tools/testing/check

check-%:
	@tools/testing/check $*

bench:
	@tools/bench/run

.PHONY: modules install clean demo check bench
