/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * vm/seg_kmem.h: brings what it brings on Solaris; the kernel's memory is kmem_alloc(9F)'s.
 */
#ifndef DEVMAP_VM_SEG_KMEM_H
#define DEVMAP_VM_SEG_KMEM_H

#include <sys/types.h>
#include <sys/vnode.h>
#include <sys/vmem.h>
#include <vm/as.h>
#include <vm/seg.h>
#include <vm/page.h>

#endif /* DEVMAP_VM_SEG_KMEM_H */
