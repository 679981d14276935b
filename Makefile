# SPDX-License-Identifier: GPL-2.0-only
# make              build the modules for the running kernel
# make KDIR=DIR     build them against the kernel headers in DIR
KDIR ?= /lib/modules/$(shell uname -r)/build

modules:
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules

clean:
	$(MAKE) -C $(KDIR) M=$(CURDIR) clean

.PHONY: modules clean
