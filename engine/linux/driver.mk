# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# Builds DDI drivers, and models, as modules of Linux. A Kbuild file of two lines will do:
#
#	include PATH/engine/linux/driver.mk
#	obj-m += mydev.o
#
#	make -C HEADERS M=$PWD modules
#
# devmap.ko is to be built first: its Module.symvers is where the DDI's symbols are found.

devmap-linux := $(abspath $(dir $(lastword $(MAKEFILE_LIST))))
include $(devmap-linux)/flags.mk

KBUILD_EXTRA_SYMBOLS += $(devmap-linux)/Module.symvers

# MODULE_LICENSE() of a source, by its SPDX line.
devmap-spdx = $(shell sed -n 's/.*SPDX-License-Identifier: *\([^*]*[^* ]\).*/\1/p;5q' $(1))
devmap-license-of = $(if $(filter MIT,$(1)),$(if $(filter GPL-2.0%,$(1)),Dual MIT/GPL,Proprietary),$(if \
	$(filter GPL-2.0%,$(1)),GPL,Proprietary))

# Headers that drivers share with programs ask for this.
ccflags-y += -D_KERNEL

# (dev_t)arg of a pointer is the custom of getinfo(9E); Linux's dev_t has 32 bits.
ccflags-y += -Wno-pointer-to-int-cast -Wno-int-to-pointer-cast

# What is a macro of Linux's is a driver's own name.
ccflags-y += -DDEVMAP_DRIVER

# Of the source that is being compiled: expanded when make comes to compile it.
ccflags-y := $(ccflags-y)
devmap-ccflags := $(ccflags-y)
ccflags-y = $(devmap-ccflags) \
	-DDEVMAP_LICENSE='"$(call devmap-license-of,$(call devmap-spdx,$(filter %.c,$<)))"'
