/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * ddi_umem_alloc(9F). A cookie is looked up before it is followed, so that one that was freed, or
 * never was one, is seen.
 */
#include <sys/errno.h>
#include <sys/param.h>
#include <sys/systm.h>

#include "ddi.h"
#include "port.h"
#include "../core/engine.h"

#define UMEM_BUCKETS  256
#define UMEM_TRIES    1000 /* without DDI_UMEM_NOSLEEP */
#define UMEM_NAME_MAX 64

struct umem {
	struct umem *next;
	struct devmap_memory *memory;
	void *pages;
	size_t len;
};

static kmutex_t umem_lock; /* guards these; a leaf */
static struct umem *umem_buckets[UMEM_BUCKETS];
static unsigned long umem_count; /* ever made, for names */

static struct umem **umem_bucket(const void *cookie)
{
	return &umem_buckets[((uintptr_t)cookie / 64) % UMEM_BUCKETS];
}

/* Where the cookie hangs, or NULL. Called with umem_lock held. */
static struct umem **umem_find(const void *cookie)
{
	struct umem **up;

	ASSERT(MUTEX_HELD(&umem_lock));
	for (up = umem_bucket(cookie); *up != NULL; up = &(*up)->next)
		if (*up == cookie)
			return up;
	return NULL;
}

static void umem_list(struct umem *u)
{
	struct umem **bucket = umem_bucket(u);

	mutex_enter(&umem_lock);
	u->next = *bucket;
	*bucket = u;
	mutex_exit(&umem_lock);
}

static void umem_name(const void *site, char *name, size_t size)
{
	char driver[DRIVER_NAME_MAX];
	unsigned long n;

	driver_of_code(site, driver, sizeof(driver));
	mutex_enter(&umem_lock);
	n = umem_count++;
	mutex_exit(&umem_lock);
	(void)snprintf(name, size, "%.32s umem %lu", driver, n);
}

static struct umem *umem_new(size_t len, const char *name)
{
	struct umem *u = port_alloc(sizeof(*u));

	if (u == NULL)
		return NULL;
	u->len = len;
	u->memory = port_memory_create(name, len, &u->pages);
	if (u->memory == NULL) {
		port_free(u);
		return NULL;
	}
	umem_list(u);
	return u;
}

/* Sleeping for memory means for a while, after which it will not come. */
static struct umem *umem_wait(size_t len, int flag, const char *name)
{
	struct umem *u = umem_new(len, name);

	for (int i = 0; u == NULL && !(flag & DDI_UMEM_NOSLEEP) && i < UMEM_TRIES; i++) {
		if (!port_memory_wait(len))
			break;
		u = umem_new(len, name);
	}
	return u;
}

void *ddi_umem_alloc(size_t size, int flag, ddi_umem_cookie_t *cookiep)
{
	char name[UMEM_NAME_MAX];
	struct umem *u = NULL;

	*cookiep = NULL;
	if (size == 0)
		return NULL;
	umem_name(CALL_SITE(), name, sizeof(name));
	if (size <= PTRDIFF_MAX - PAGEOFFSET)
		u = umem_wait(ptob(btopr(size)), flag, name);
	if (u == NULL) {
		if (!(flag & DDI_UMEM_NOSLEEP))
			driver_mistake(CALL_SITE(), "ddi_umem_alloc", "no memory for %zu bytes",
				       size);
		return NULL;
	}
	*cookiep = u;
	/*
	 * Trash: pages as everybody's, but none that another cookie shares, so that nothing leaks.
	 */
	return flag & DDI_UMEM_TRASH ? NULL : u->pages;
}

void ddi_umem_free(ddi_umem_cookie_t cookie)
{
	struct umem **up, *u = NULL;

	if (cookie == NULL)
		return;
	mutex_enter(&umem_lock);
	up = umem_find(cookie);
	if (up != NULL) {
		u = *up;
		*up = u->next;
	}
	mutex_exit(&umem_lock);
	if (u == NULL) {
		driver_mistake(CALL_SITE(), "ddi_umem_free",
			       "%p is not a cookie of ddi_umem_alloc, or was freed already",
			       cookie);
		return;
	}
	port_memory_destroy(u->memory);
	port_free(u);
}

struct devmap_memory *engine_umem(ddi_umem_cookie_t cookie, size_t *len)
{
	struct devmap_memory *m = NULL;
	struct umem **up;

	mutex_enter(&umem_lock);
	up = umem_find(cookie);
	if (up != NULL) {
		m = (*up)->memory;
		*len = (*up)->len;
	}
	mutex_exit(&umem_lock);
	return m;
}

/*
 * ddi_umem_lock(9F) is not served: the pages would have to stay while the process unmaps them, and
 * the user engine has none of another process's.
 */
int ddi_umem_lock(caddr_t addr, size_t len, int flags, ddi_umem_cookie_t *cookiep)
{
	(void)flags;
	*cookiep = NULL;
	driver_mistake(CALL_SITE(), "ddi_umem_lock",
		       "%zu bytes at %p: not supported; use ddi_copyin and ddi_copyout", len,
		       (void *)addr);
	return ENOTSUP;
}

void ddi_umem_unlock(ddi_umem_cookie_t cookie)
{
	if (cookie != NULL)
		driver_mistake(CALL_SITE(), "ddi_umem_unlock",
			       "%p is not a cookie of ddi_umem_lock", cookie);
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
	driver_mistake(CALL_SITE(), "ddi_umem_iosetup", "there are no block devices here");
	return NULL;
}
