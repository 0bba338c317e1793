// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * kmem_alloc(9F) over Linux's allocators, whose debugging aids see what a driver does wrong with
 * its memory: other than in the user engine, kmem_free() does not check the size.
 */
#include "linux.h"

#include <sys/kmem.h>

#include <linux/slab.h>
#include <linux/vmalloc.h>

/* kvmalloc() takes no more than INT_MAX. */
static void *get(size_t size, gfp_t gfp)
{
	return size > INT_MAX ? __vmalloc(size, gfp) : kvmalloc(size, gfp);
}

static void *kmem_get(size_t size, int flag, gfp_t zero, const void *site, const char *call)
{
	void *p;

	if (size == 0)
		return NULL;
	/*
	 * It must not wait for memory. But one try to free some, which all callers can stand since
	 * none has more than mutexes, keeps fork(2) and mmap(2) from failing for a passing shortage.
	 * Nor has it to be in one piece: the record of a frame buffer's pages is large.
	 */
	if (flag & KM_NOSLEEP)
		return size > INT_MAX ?
			       NULL :
			       kvmalloc(size, GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN | zero);
	p = get(size, GFP_KERNEL | __GFP_NOFAIL | zero);
	if (p == NULL)
		driver_panic(site, call, "there will never be %zu bytes", size);
	return p;
}

void *kmem_alloc(size_t size, int flag)
{
	return kmem_get(size, flag, 0, CALL_SITE(), "kmem_alloc");
}
EXPORT_SYMBOL(kmem_alloc);

void *kmem_zalloc(size_t size, int flag)
{
	return kmem_get(size, flag, __GFP_ZERO, CALL_SITE(), "kmem_zalloc");
}
EXPORT_SYMBOL(kmem_zalloc);

void kmem_free(void *buf, size_t size)
{
	if (buf == NULL && size != 0)
		driver_mistake(CALL_SITE(), "kmem_free", "NULL with %zu bytes", size);
	kvfree(buf);
}
EXPORT_SYMBOL(kmem_free);
