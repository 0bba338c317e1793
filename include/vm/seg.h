/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * vm/seg.h: one mapping of an address space, as far as drivers look at it: they compare s_as of two
 * handles, or with curproc->p_as, to see whether both belong to one process.
 */
#ifndef DEVMAP_VM_SEG_H
#define DEVMAP_VM_SEG_H

#include <sys/types.h>
#include <vm/as.h>
#include <vm/faultcode.h>
#include <vm/seg_enum.h>

struct seg {
	caddr_t s_base; /* where the process sees it */
	size_t s_size;	/* bytes */
	struct as *s_as;
};

#endif /* DEVMAP_VM_SEG_H */
