/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sys/vmsystm.h: names of address alignment and ranges. The system chooses where a mapping goes before
 * segmap(9E) is called, and checks what a program asked for: there is nothing for a driver to call.
 */
#ifndef DEVMAP_SYS_VMSYSTM_H
#define DEVMAP_SYS_VMSYSTM_H

#include <sys/proc.h>

#define ADDR_NOVACALIGN 0
#define ADDR_VACALIGN	1

#define RANGE_OKAY	0
#define RANGE_BADADDR	1
#define RANGE_BADPROT	2

#endif /* DEVMAP_SYS_VMSYSTM_H */
