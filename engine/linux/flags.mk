# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# How everything of devmap is compiled for the kernel. For Kbuild files to include.

devmap-root := $(abspath $(dir $(lastword $(MAKEFILE_LIST)))../..)

ccflags-y += -I$(devmap-root)/include -I$(devmap-root)/include/devmap/kernel
# Structures begin with other structures, as unnamed members (ddi/ddi.h).
ccflags-y += -fms-extensions $(call cc-option,-Wno-microsoft-anon-tag)
ccflags-y += -std=gnu11 -Wall -Wextra -Wno-declaration-after-statement
# Linux's own headers are not free of these.
ccflags-y += -Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers \
	-Wno-type-limits -Wno-shift-negative-value
ccflags-$(DEVMAP_DEBUG) += -DDEBUG
# Who builds it elsewhere has other compilers, and drivers of any age.
ccflags-$(DEVMAP_WERROR) += -Werror
ccflags-y += $(ccflags-1)
