// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * ddi_umem_alloc(9F). A cookie is looked up before it is followed, so that one that was freed, or
 * never was one, is seen.
 */
#include "linux.h"

#include <linux/delay.h>
#include <linux/hashtable.h>
#include <linux/slab.h>

#define UMEM_BITS	8
#define UMEM_TRIES	1000		/* without DDI_UMEM_NOSLEEP, 10 ms apart */

struct umem {
	struct hlist_node link;		/* in cookies, under umem_lock */
	struct region region;
};

static DEFINE_MUTEX(umem_lock);
static DEFINE_HASHTABLE(cookies, UMEM_BITS);
static unsigned long umem_count;	/* ever made, for names; under umem_lock */

/* Called with umem_lock held. */
static struct umem *umem_find(const void *cookie)
{
	struct umem *u;

	hash_for_each_possible(cookies, u, link, (unsigned long)cookie)
		if (u == cookie)
			return u;
	return NULL;
}

static void umem_name(const void *caller, char *name, size_t size)
{
	char driver[NODE_NAME_MAX];

	driver_of_code(caller, driver, sizeof(driver));
	mutex_lock(&umem_lock);
	(void)snprintf(name, size, "%.32s umem %lu", driver, umem_count++);
	mutex_unlock(&umem_lock);
}

static struct umem *umem_new(size_t size, const void *caller)
{
	struct umem *u = kzalloc(sizeof(*u), GFP_KERNEL);
	char name[sizeof(u->region.memory.mem_name)];

	if (u == NULL)
		return NULL;
	umem_name(caller, name, sizeof(name));
	if (region_init_pages(&u->region, name, size) != 0) {
		kfree(u);
		return NULL;
	}
	mutex_lock(&umem_lock);
	hash_add(cookies, &u->link, (unsigned long)u);
	mutex_unlock(&umem_lock);
	return u;
}

/* Sleeping for memory means for a while, after which it will not come. */
static struct umem *umem_wait(size_t size, int flag, const void *caller)
{
	struct umem *u = umem_new(size, caller);
	int i;

	if (size > (size_t)totalram_pages() << PAGE_SHIFT || flag & DDI_UMEM_NOSLEEP)
		return u;
	for (i = 0; u == NULL && i < UMEM_TRIES && !fatal_signal_pending(current); i++) {
		msleep(10);
		u = umem_new(size, caller);
	}
	return u;
}

void *ddi_umem_alloc(size_t size, int flag, ddi_umem_cookie_t *cookiep)
{
	struct umem *u;

	*cookiep = NULL;
	if (size == 0)
		return NULL;
	u = umem_wait(size, flag, CALLER());
	if (u == NULL) {
		if (!(flag & DDI_UMEM_NOSLEEP))
			driver_mistake(CALLER(), "ddi_umem_alloc", "no memory for %zu bytes", size);
		return NULL;
	}
	*cookiep = u;
	/*
	 * Trash: pages as everybody's, but none that another cookie shares, so that nothing leaks.
	 */
	return flag & DDI_UMEM_TRASH ? NULL : u->region.pages;
}
EXPORT_SYMBOL(ddi_umem_alloc);

void ddi_umem_free(ddi_umem_cookie_t cookie)
{
	struct umem *u;

	if (cookie == NULL)
		return;
	mutex_lock(&umem_lock);
	u = umem_find(cookie);
	if (u != NULL)
		hash_del(&u->link);
	mutex_unlock(&umem_lock);
	if (u == NULL) {
		driver_mistake(CALLER(), "ddi_umem_free",
		    "%p is not a cookie of ddi_umem_alloc, or was freed already", cookie);
		return;
	}
	region_fini(&u->region);
	kfree(u);
}
EXPORT_SYMBOL(ddi_umem_free);

struct devmap_memory *engine_umem(ddi_umem_cookie_t cookie, size_t *len)
{
	struct devmap_memory *m = NULL;
	struct umem *u;

	mutex_lock(&umem_lock);
	u = umem_find(cookie);
	if (u != NULL) {
		m = &u->region.memory;
		*len = u->region.len;
	}
	mutex_unlock(&umem_lock);
	return m;
}

/* As in the user engine, not served: the pages would have to stay while the process unmaps them. */
int ddi_umem_lock(caddr_t addr, size_t len, int flags, ddi_umem_cookie_t *cookiep)
{
	(void)flags;
	*cookiep = NULL;
	driver_mistake(CALLER(), "ddi_umem_lock",
	    "%zu bytes at %p: not supported; use ddi_copyin and ddi_copyout", len, (void *)addr);
	return EOPNOTSUPP;
}
EXPORT_SYMBOL(ddi_umem_lock);

void ddi_umem_unlock(ddi_umem_cookie_t cookie)
{
	if (cookie != NULL)
		driver_mistake(CALLER(), "ddi_umem_unlock", "%p is not a cookie of ddi_umem_lock",
		    cookie);
}
EXPORT_SYMBOL(ddi_umem_unlock);

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
	driver_mistake(CALLER(), "ddi_umem_iosetup", "there are no block devices here");
	return NULL;
}
EXPORT_SYMBOL(ddi_umem_iosetup);
