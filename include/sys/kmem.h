/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sys/kmem.h: memory for drivers. kmem_alloc(9F).
 */
#ifndef DEVMAP_SYS_KMEM_H
#define DEVMAP_SYS_KMEM_H

#include <sys/types.h>

#define KM_SLEEP   0x0000 /* wait for memory; never NULL */
#define KM_NOSLEEP 0x0001 /* do not wait; may be NULL */

/*
 * size is in bytes; flag KM_SLEEP or KM_NOSLEEP. Both return memory aligned for any type (zalloc:
 * filled with zeros), or NULL for KM_NOSLEEP when there is none.
 */
void *kmem_alloc(size_t size, int flag);
void *kmem_zalloc(size_t size, int flag);

/* size must be the size that was allocated. buf NULL with size 0 does nothing. */
void kmem_free(void *buf, size_t size);

#endif /* DEVMAP_SYS_KMEM_H */
