/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * kmem_alloc(9F). A header before each piece remembers its size, so that a kmem_free() with another
 * one is seen.
 */
#include <stdlib.h>

#include <sys/kmem.h>
#include <sys/sunddi.h>

#include "container_of.h"
#include "devinfo.h"

#define KMEM_ALLOCATED 0x6b6d656d616c6c6fULL
#define KMEM_FREED     0x6b6d656d66726565ULL
#define KMEM_MAX       ((size_t)1 << 39) /* bytes in one piece, if memory is had for it */
#define KMEM_TRIES     1000		 /* with KM_SLEEP, a tick apart */

struct kmem {
	size_t size;
	uint64_t magic;
	max_align_t data[];
};

/* KM_SLEEP waits for memory; in a process that means for a while, after which it will not come. */
static void *kmem_get(size_t size, int flag, bool zero, const void *site, const char *call)
{
	struct kmem *k = NULL;

	if (size == 0)
		return NULL;
	if (size > KMEM_MAX) {
		if (flag & KM_NOSLEEP)
			return NULL;
		driver_panic(site, call, "there will never be %zu bytes", size);
	}
	for (int i = 0; k == NULL; i++) {
		k = zero ? calloc(1, sizeof(*k) + size) : malloc(sizeof(*k) + size);
		if (k == NULL && flag & KM_NOSLEEP)
			return NULL;
		if (k == NULL && i == KMEM_TRIES)
			driver_panic(site, call, "no memory for %zu bytes", size);
		if (k == NULL)
			delay(1);
	}
	k->size = size;
	k->magic = KMEM_ALLOCATED;
	return k->data;
}

void *kmem_alloc(size_t size, int flag)
{
	return kmem_get(size, flag, false, CALL_SITE(), "kmem_alloc");
}

void *kmem_zalloc(size_t size, int flag)
{
	return kmem_get(size, flag, true, CALL_SITE(), "kmem_zalloc");
}

void kmem_free(void *buf, size_t size)
{
	struct kmem *k;

	if (buf == NULL) {
		if (size != 0)
			driver_mistake(CALL_SITE(), "kmem_free", "NULL with %zu bytes", size);
		return;
	}
	k = container_of(buf, struct kmem, data);
	if (k->magic != KMEM_ALLOCATED) {
		driver_mistake(CALL_SITE(), "kmem_free",
			       "%p is not of kmem_alloc, or was freed already", buf);
		return;
	}
	if (k->size != size)
		driver_mistake(CALL_SITE(), "kmem_free", "%zu bytes, but %p has %zu", size, buf,
			       k->size);
	k->magic = KMEM_FREED;
	free(k);
}
