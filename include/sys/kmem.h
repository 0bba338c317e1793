/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sys/kmem.h: memory for drivers. kmem_alloc(9F).
 */
#ifndef DEVMAP_SYS_KMEM_H
#define DEVMAP_SYS_KMEM_H

#include <sys/types.h>
#include <sys/vmem.h>

#define KM_SLEEP     0x0000 /* wait for memory; never NULL */
#define KM_NOSLEEP   0x0001 /* do not wait; may be NULL */
#define KM_PANIC     0x0002 /* hints, which nobody follows */
#define KM_PUSHPAGE  0x0004
#define KM_NORMALPRI 0x0008
#define KM_VMFLAGS   0x00ff

/*
 * size is in bytes; flag KM_SLEEP or KM_NOSLEEP. Both return memory aligned for any type (zalloc:
 * filled with zeros), or NULL for KM_NOSLEEP when there is none.
 */
void *kmem_alloc(size_t size, int flag);
void *kmem_zalloc(size_t size, int flag);

/* size must be the size that was allocated. buf NULL with size 0 does nothing. */
void kmem_free(void *buf, size_t size);

/*
 * Objects that stay constructed while they are free: kmem_cache_create(9F).
 *
 * size in bytes; align a power of two, or 0. constructor returns 0, or -1: then there is no object;
 * it and destructor may be NULL. They run when memory comes, and when it goes. reclaim, which may be
 * NULL, is asked to give back what it can when there is no memory. vmp is NULL, cflags 0.
 *
 * kmem_cache_alloc: NULL for KM_NOSLEEP when there is no memory, or the constructor failed.
 * kmem_cache_destroy: all objects have come back.
 */
typedef struct devmap_kmem_cache kmem_cache_t;

typedef enum kmem_cbrc {
	KMEM_CBRC_YES,
	KMEM_CBRC_NO,
	KMEM_CBRC_LATER,
	KMEM_CBRC_DONT_NEED,
	KMEM_CBRC_DONT_KNOW
} kmem_cbrc_t;

kmem_cache_t *kmem_cache_create(const char *name, size_t size, size_t align,
				int (*constructor)(void *buf, void *user_arg, int kmflags),
				void (*destructor)(void *buf, void *user_arg),
				void (*reclaim)(void *user_arg), void *user_arg, vmem_t *vmp,
				int cflags);
void kmem_cache_destroy(kmem_cache_t *cp);
void *kmem_cache_alloc(kmem_cache_t *cp, int kmflag);
void kmem_cache_free(kmem_cache_t *cp, void *obj);
void kmem_cache_reap_now(kmem_cache_t *cp); /* frees what is not in use */
/* Objects do not move here: move is never called. */
void kmem_cache_set_move(kmem_cache_t *cp, kmem_cbrc_t (*move)(void *old_obj, void *new_obj,
							       size_t size, void *user_arg));

#endif /* DEVMAP_SYS_KMEM_H */
