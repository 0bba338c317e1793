/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Memory: kmem_alloc(9F), ddi_umem_alloc(9F), and the device memory behind a umem cookie.
 */
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <sys/kmem.h>
#include <sys/param.h>
#include <sys/sunddi.h>

#include "devinfo.h"
#include "pages.h"

/*
 * kmem_alloc(9F). A header before each piece remembers its size, so that a kmem_free() with another
 * one is seen.
 */

#define KMEM_ALLOCATED	0x6b6d656d616c6c6fULL
#define KMEM_FREED	0x6b6d656d66726565ULL
#define KMEM_TRIES	1000		/* with KM_SLEEP, a tick apart */

struct kmem {
	size_t size;
	uint64_t magic;
	max_align_t data[];
};

/* KM_SLEEP waits for memory; in a process that means for a while, after which it will not come. */
static void *kmem_get(size_t size, int flag, bool zero, const void *caller, const char *call)
{
	struct kmem *k = NULL;

	if (size == 0)
		return NULL;
	if (size > PTRDIFF_MAX - sizeof (*k)) {
		if (flag & KM_NOSLEEP)
			return NULL;
		driver_panic(caller, call, "there will never be %zu bytes", size);
	}
	for (int i = 0; k == NULL; i++) {
		k = zero ? calloc(1, sizeof (*k) + size) : malloc(sizeof (*k) + size);
		if (k == NULL && flag & KM_NOSLEEP)
			return NULL;
		if (k == NULL && i == KMEM_TRIES)
			driver_panic(caller, call, "no memory for %zu bytes", size);
		if (k == NULL)
			delay(1);
	}
	k->size = size;
	k->magic = KMEM_ALLOCATED;
	return k->data;
}

void *kmem_alloc(size_t size, int flag)
{
	return kmem_get(size, flag, false, CALLER(), "kmem_alloc");
}

void *kmem_zalloc(size_t size, int flag)
{
	return kmem_get(size, flag, true, CALLER(), "kmem_zalloc");
}

void kmem_free(void *buf, size_t size)
{
	struct kmem *k;

	if (buf == NULL) {
		if (size != 0)
			driver_mistake(CALLER(), "kmem_free", "NULL with %zu bytes", size);
		return;
	}
	k = (struct kmem *)((char *)buf - offsetof(struct kmem, data));
	if (k->magic != KMEM_ALLOCATED) {
		driver_mistake(CALLER(), "kmem_free",
		    "%p is not of kmem_alloc, or was freed already", buf);
		return;
	}
	if (k->size != size)
		driver_mistake(CALLER(), "kmem_free", "%zu bytes, but %p has %zu", size, buf,
		    k->size);
	k->magic = KMEM_FREED;
	free(k);
}

/*
 * ddi_umem_alloc(9F). A cookie is looked up before it is followed, so that one that was freed, or
 * never was one, is seen.
 */

#define UMEM_BUCKETS	256

struct umem {
	struct umem *next;
	struct region *region;
	struct devmap_memory memory;	/* its mem_engine is the region */
	size_t size;
};

static struct {
	pthread_mutex_t lock;
	struct umem *buckets[UMEM_BUCKETS];
	unsigned long count;		/* ever made, for names */
} umems = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void (*memory_gone)(struct devmap_memory *m);

void driver_set_memory_hook(void (*gone)(struct devmap_memory *m))
{
	memory_gone = gone;
}

void memory_detach(struct devmap_memory *m)
{
	devmap_memory_fini(m);
	if (memory_gone != NULL)
		memory_gone(m);
}

void memory_destroy(struct devmap_memory *m, struct region *r)
{
	memory_detach(m);
	region_destroy(r);
}

static struct umem **umem_bucket(const void *cookie)
{
	return &umems.buckets[((uintptr_t)cookie / 64) % UMEM_BUCKETS];
}

/* Where the cookie hangs, or NULL. Called with umems.lock held. */
static struct umem **umem_find(const void *cookie)
{
	struct umem **up;

	for (up = umem_bucket(cookie); *up != NULL; up = &(*up)->next)
		if (*up == cookie)
			return up;
	return NULL;
}

static void umem_list(struct umem *u)
{
	struct umem **bucket = umem_bucket(u);

	(void)pthread_mutex_lock(&umems.lock);
	u->next = *bucket;
	*bucket = u;
	(void)pthread_mutex_unlock(&umems.lock);
}

static void umem_name(const void *caller, char *name, size_t size)
{
	char driver[MINOR_NAME_MAX];
	unsigned long n;

	driver_of_code(caller, driver, sizeof (driver));
	(void)pthread_mutex_lock(&umems.lock);
	n = umems.count++;
	(void)pthread_mutex_unlock(&umems.lock);
	(void)snprintf(name, size, "%.32s umem %lu", driver, n);
}

static struct umem *umem_new(size_t size, const void *caller)
{
	struct umem *u = calloc(1, sizeof (*u));
	char name[sizeof (u->memory.mem_name)];

	if (u == NULL)
		return NULL;
	umem_name(caller, name, sizeof (name));
	u->size = size;
	if (region_create(name, size, &u->region) != 0)
		goto fail;
	if (devmap_memory_init(&u->memory, name, size) != 0)
		goto fail_region;
	u->memory.mem_engine = u->region;
	umem_list(u);
	return u;

fail_region:
	region_destroy(u->region);
fail:
	free(u);
	return NULL;
}

void *ddi_umem_alloc(size_t size, int flag, ddi_umem_cookie_t *cookiep)
{
	struct umem *u;
	size_t whole;

	*cookiep = NULL;
	if (size == 0)
		return NULL;
	if (size > PTRDIFF_MAX) {
		driver_mistake(CALLER(), "ddi_umem_alloc", "%zu bytes", size);
		return NULL;
	}
	whole = P2ROUNDUP(size, (size_t)PAGESIZE);
	u = umem_new(whole, CALLER());
	if (u == NULL) {
		if (!(flag & DDI_UMEM_NOSLEEP))
			driver_panic(CALLER(), "ddi_umem_alloc", "no memory for %zu bytes", whole);
		return NULL;
	}
	*cookiep = u;
	/*
	 * Trash: pages as everybody's, but none that another cookie shares, so that nothing leaks.
	 */
	return flag & DDI_UMEM_TRASH ? NULL : region_view(u->region);
}

void ddi_umem_free(ddi_umem_cookie_t cookie)
{
	struct umem **up, *u = NULL;

	if (cookie == NULL)
		return;
	(void)pthread_mutex_lock(&umems.lock);
	up = umem_find(cookie);
	if (up != NULL) {
		u = *up;
		*up = u->next;
	}
	(void)pthread_mutex_unlock(&umems.lock);
	if (u == NULL) {
		driver_mistake(CALLER(), "ddi_umem_free",
		    "%p is not a cookie of ddi_umem_alloc, or was freed already", cookie);
		return;
	}
	memory_destroy(&u->memory, u->region);
	free(u);
}

struct devmap_memory *engine_umem(ddi_umem_cookie_t cookie, size_t *len)
{
	struct devmap_memory *m = NULL;
	struct umem **up;

	(void)pthread_mutex_lock(&umems.lock);
	up = umem_find(cookie);
	if (up != NULL) {
		m = &(*up)->memory;
		*len = (*up)->size;
	}
	(void)pthread_mutex_unlock(&umems.lock);
	return m;
}

/*
 * ddi_umem_lock(9F) would give the driver the client's own pages, which another process does not
 * have.
 */
int ddi_umem_lock(caddr_t addr, size_t len, int flags, ddi_umem_cookie_t *cookiep)
{
	(void)flags;
	*cookiep = NULL;
	driver_mistake(CALLER(), "ddi_umem_lock",
	    "%zu bytes at %p: the user engine cannot; use ddi_copyin and ddi_copyout", len,
	    (void *)addr);
	return ENOTSUP;
}

void ddi_umem_unlock(ddi_umem_cookie_t cookie)
{
	if (cookie != NULL)
		driver_mistake(CALLER(), "ddi_umem_unlock", "%p is not a cookie of ddi_umem_lock",
		    cookie);
}

struct buf *ddi_umem_iosetup(ddi_umem_cookie_t cookie, off_t off, size_t len, int direction,
    dev_t dev, daddr_t blkno, int (*iodone)(struct buf *bp), int sleepflag)
{
	(void)cookie;
	(void)off;
	(void)len;
	(void)direction;
	(void)dev;
	(void)blkno;
	(void)iodone;
	(void)sleepflag;
	driver_mistake(CALLER(), "ddi_umem_iosetup", "the user engine has no block devices");
	return NULL;
}
