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

/* What a process has of trash. */
struct trash {
	struct trash *next;
	const struct as *as;
	struct devmap_memory *memory;
};

struct umem {
	struct ddi_umem_cookie seen; /* by drivers that look; it comes first */
	struct umem *next;
	struct devmap_memory *memory; /* of trash: never mapped itself */
	void *pages;
	size_t len;
	bool is_trash;
	struct trash *trash;
	char name[UMEM_NAME_MAX];
};

static kmutex_t umem_lock; /* guards these; a leaf */
static struct umem *umem_buckets[UMEM_BUCKETS];
static unsigned long umem_count;  /* ever made, for names */
static unsigned long trash_count; /* of struct trash that hang somewhere */

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

static void umem_show(struct umem *u, int flag)
{
	u->seen.size = u->len;
	u->seen.cvaddr = u->is_trash ? NULL : u->pages;
	u->seen.type = flag & DDI_UMEM_PAGEABLE ? KMEM_PAGEABLE : KMEM_NON_PAGEABLE;
	if (u->is_trash)
		u->seen.type = UMEM_TRASH;
	u->seen.cook_refcnt = 1;
}

static struct umem *umem_new(size_t len, int flag, const char *name)
{
	struct umem *u = port_alloc(sizeof(*u));

	if (u == NULL)
		return NULL;
	u->len = len;
	u->is_trash = (flag & DDI_UMEM_TRASH) != 0;
	u->trash = NULL;
	(void)snprintf(u->name, sizeof(u->name), "%s", name);
	u->memory = port_memory_create(name, len, u, u->is_trash, &u->pages);
	if (u->memory == NULL) {
		port_free(u);
		return NULL;
	}
	umem_show(u, flag);
	umem_list(u);
	return u;
}

/* Sleeping for memory means for a while, after which it will not come. */
static struct umem *umem_wait(size_t len, int flag, const char *name)
{
	struct umem *u = umem_new(len, flag, name);

	for (int i = 0; u == NULL && !(flag & DDI_UMEM_NOSLEEP) && i < UMEM_TRIES; i++) {
		if (!port_memory_wait(len))
			break;
		u = umem_new(len, flag, name);
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
	return u->is_trash ? NULL : u->pages;
}

/* All from t on, which hang nowhere any more. */
static void trash_free(struct trash *t)
{
	struct trash *next;

	for (; t != NULL; t = next) {
		next = t->next;
		port_memory_destroy(t->memory);
		port_free(t);
	}
}

void ddi_umem_free(ddi_umem_cookie_t cookie)
{
	struct umem **up, *u = NULL;
	struct trash *t;

	if (cookie == NULL)
		return;
	mutex_enter(&umem_lock);
	up = umem_find(cookie);
	if (up != NULL) {
		u = *up;
		*up = u->next;
		for (t = u->trash; t != NULL; t = t->next)
			trash_count--;
	}
	mutex_exit(&umem_lock);
	if (u == NULL) {
		driver_mistake(CALL_SITE(), "ddi_umem_free",
			       "%p is not a cookie of ddi_umem_alloc, or was freed already",
			       cookie);
		return;
	}
	trash_free(u->trash);
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

/* The process's own memory of a cookie, or NULL; then *len and name (UMEM_NAME_MAX) are for a new one. */
static struct devmap_memory *trash_find(const void *cookie, const struct as *as, size_t *len,
					char *name)
{
	struct umem **up;
	struct trash *t = NULL;

	*len = 0;
	mutex_enter(&umem_lock);
	up = umem_find(cookie);
	if (up != NULL) {
		*len = (*up)->len;
		(void)snprintf(name, UMEM_NAME_MAX, "%s", (*up)->name);
		for (t = (*up)->trash; t != NULL && t->as != as;)
			t = t->next;
	}
	mutex_exit(&umem_lock);
	return t != NULL ? t->memory : NULL;
}

/* False: the cookie has been freed. */
static bool trash_list(const void *cookie, struct trash *t)
{
	struct umem **up;

	mutex_enter(&umem_lock);
	up = umem_find(cookie);
	if (up != NULL) {
		t->next = (*up)->trash;
		(*up)->trash = t;
		trash_count++;
	}
	mutex_exit(&umem_lock);
	return up != NULL;
}

struct devmap_memory *engine_trash(ddi_umem_cookie_t cookie, struct as *as)
{
	char name[UMEM_NAME_MAX];
	struct devmap_memory *m;
	struct trash *t;
	void *pages;
	size_t len;

	m = trash_find(cookie, as, &len, name);
	if (m != NULL || len == 0)
		return m;
	t = port_alloc(sizeof(*t));
	if (t == NULL)
		return NULL;
	t->next = NULL;
	t->as = as;
	t->memory = port_memory_create(name, len, cookie, true, &pages);
	if (t->memory == NULL) {
		port_free(t);
		return NULL;
	}
	if (trash_list(cookie, t))
		return t->memory;
	trash_free(t);
	return NULL;
}

/* Take one that as has off its cookie; NULL: it has none. Called with umem_lock held. */
static struct trash *trash_take(const struct as *as)
{
	struct trash **tp, *t;
	struct umem *u;
	size_t i;

	ASSERT(MUTEX_HELD(&umem_lock));
	for (i = 0; i < UMEM_BUCKETS; i++) {
		for (u = umem_buckets[i]; u != NULL; u = u->next) {
			for (tp = &u->trash; *tp != NULL && (*tp)->as != as;)
				tp = &(*tp)->next;
			t = *tp;
			if (t != NULL) {
				*tp = t->next;
				t->next = NULL;
				trash_count--;
				return t;
			}
		}
	}
	return NULL;
}

void engine_trash_end(struct as *as)
{
	struct trash *t;

	do {
		mutex_enter(&umem_lock);
		t = trash_count > 0 ? trash_take(as) : NULL;
		mutex_exit(&umem_lock);
		trash_free(t);
	} while (t != NULL);
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
