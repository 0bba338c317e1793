/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sys/vmem.h: arenas of numbers, handed out in runs: addresses, slots, identifiers. vmem(9),
 * vmem_create(9F). A number is a void *; 0 is never handed out.
 */
#ifndef DEVMAP_SYS_VMEM_H
#define DEVMAP_SYS_VMEM_H

#include <sys/types.h>

typedef struct vmem vmem_t;
typedef void *(vmem_alloc_t)(vmem_t *source, size_t size, int vmflag);
typedef void(vmem_free_t)(vmem_t *source, void *addr, size_t size);

#define VM_SLEEP       0x0000 /* waits until it is there */
#define VM_NOSLEEP     0x0001
#define VM_PANIC       0x0002
#define VM_BESTFIT     0x0100 /* the smallest hole that will do */
#define VM_FIRSTFIT    0x0200 /* the lowest */
#define VM_NEXTFIT     0x0400 /* the next one after the last time */
#define VMC_IDENTIFIER 0x00040000

/* typemask */
#define VMEM_ALLOC     0x01
#define VMEM_FREE      0x02
#define VMEM_REENTRANT ((int)0x80000000) /* vmem_walk(): without effect */

/*
 * vmem_create(9F): an arena of size numbers from base on (0: none yet). Sizes are rounded up to
 * quantum, a power of two. afunc brings more, of source, where it is not NULL, and ffunc takes it
 * back as soon as all of it is free. qcache_max is a hint. NULL for VM_NOSLEEP: no memory.
 */
vmem_t *vmem_create(const char *name, void *base, size_t size, size_t quantum, vmem_alloc_t *afunc,
		    vmem_free_t *ffunc, vmem_t *source, size_t qcache_max, int vmflag);
void vmem_destroy(vmem_t *vmp); /* all of it is free */

/*
 * vmem_alloc(9F). NULL for VM_NOSLEEP: there is no such run. vmem_xalloc: at phase from a multiple of
 * align, within one of the stretches of nocross numbers, from minaddr on and before maxaddr; 0 and NULL
 * for whichever does not matter.
 */
void *vmem_alloc(vmem_t *vmp, size_t size, int vmflag);
void vmem_free(vmem_t *vmp, void *addr, size_t size);
void *vmem_xalloc(vmem_t *vmp, size_t size, size_t align, size_t phase, size_t nocross,
		  void *minaddr, void *maxaddr, int vmflag);
void vmem_xfree(vmem_t *vmp, void *addr, size_t size);

/* More numbers. Returns addr, or NULL: no memory, or some of them are there already. */
void *vmem_add(vmem_t *vmp, void *addr, size_t size, int vmflag);
int vmem_contains(vmem_t *vmp, void *addr, size_t size); /* non-zero: all of them */
/* func may not call the arena. */
void vmem_walk(vmem_t *vmp, int typemask, void (*func)(void *arg, void *start, size_t size),
	       void *arg);
size_t vmem_size(vmem_t *vmp, int typemask);

#endif /* DEVMAP_SYS_VMEM_H */
