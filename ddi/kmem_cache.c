/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * kmem_cache_create(9F). Free objects stay constructed, as many as are in use, or a few. A header
 * before each object says whose it is. cp->lock guards the list of free ones, and is not held while
 * the driver's functions run.
 */
#include <sys/kmem.h>
#include <sys/systm.h>

#include "ddi.h"

#define ALIGN_LEAST 16 /* what kmem_alloc(9F) gives at least is 8 */
#define SPARE_LEAST 16 /* objects */

struct spare {
	struct spare *next;
	kmem_cache_t *cache; /* whose object it is while it is in use */
	void *block;	     /* of kmem_alloc(9F) */
};

struct devmap_kmem_cache {
	char name[32];
	size_t size, align, block; /* bytes; block: with all that is around an object */
	int (*constructor)(void *buf, void *user_arg, int kmflags);
	void (*destructor)(void *buf, void *user_arg);
	void (*reclaim)(void *user_arg);
	void *user_arg;
	kmutex_t lock; /* guards what follows; a leaf */
	struct spare *spares;
	size_t nspares, used;
};

static void *object_of(struct spare *s)
{
	return s + 1;
}

kmem_cache_t *kmem_cache_create(const char *name, size_t size, size_t align,
				int (*constructor)(void *buf, void *user_arg, int kmflags),
				void (*destructor)(void *buf, void *user_arg),
				void (*reclaim)(void *user_arg), void *user_arg, vmem_t *vmp,
				int cflags)
{
	kmem_cache_t *cp = kmem_zalloc(sizeof(*cp), KM_SLEEP);

	(void)vmp;
	(void)cflags;
	if ((align & (align - 1)) != 0) {
		driver_mistake(CALL_SITE(), "kmem_cache_create",
			       "%.31s: an alignment of %zu is no power of two", name, align);
		align = 0;
	}
	(void)snprintf(cp->name, sizeof(cp->name), "%.31s", name);
	cp->size = size;
	cp->align = align > ALIGN_LEAST ? align : ALIGN_LEAST;
	cp->block = sizeof(struct spare) + cp->align + size;
	cp->constructor = constructor;
	cp->destructor = destructor;
	cp->reclaim = reclaim;
	cp->user_arg = user_arg;
	mutex_init(&cp->lock, NULL, MUTEX_DRIVER, NULL);
	return cp;
}

static void *block_alloc(kmem_cache_t *cp, int kmflag)
{
	void *block = kmem_alloc(cp->block, KM_NOSLEEP);

	if (block == NULL && cp->reclaim != NULL) {
		cp->reclaim(cp->user_arg);
		block = kmem_alloc(cp->block, KM_NOSLEEP);
	}
	return block != NULL || kmflag & KM_NOSLEEP ? block : kmem_alloc(cp->block, KM_SLEEP);
}

static void spare_free(kmem_cache_t *cp, struct spare *s)
{
	if (cp->destructor != NULL)
		cp->destructor(object_of(s), cp->user_arg);
	kmem_free(s->block, cp->block);
}

/* A new one, constructed; NULL: no memory, or the constructor does not want to. */
static struct spare *spare_new(kmem_cache_t *cp, int kmflag)
{
	void *block = block_alloc(cp, kmflag);
	uintptr_t object;
	struct spare *s;

	if (block == NULL)
		return NULL;
	object = ((uintptr_t)block + sizeof(*s) + cp->align - 1) & ~(uintptr_t)(cp->align - 1);
	s = (struct spare *)object - 1;
	*s = (struct spare){ .cache = cp, .block = block };
	if (cp->constructor != NULL && cp->constructor(object_of(s), cp->user_arg, kmflag) != 0) {
		kmem_free(block, cp->block);
		return NULL;
	}
	return s;
}

void *kmem_cache_alloc(kmem_cache_t *cp, int kmflag)
{
	struct spare *s;

	mutex_enter(&cp->lock);
	cp->used++;
	s = cp->spares;
	if (s != NULL) {
		cp->spares = s->next;
		cp->nspares--;
		s->cache = cp;
	}
	mutex_exit(&cp->lock);
	if (s != NULL)
		return object_of(s);
	s = spare_new(cp, kmflag);
	if (s != NULL)
		return object_of(s);
	mutex_enter(&cp->lock);
	cp->used--;
	mutex_exit(&cp->lock);
	return NULL;
}

void kmem_cache_free(kmem_cache_t *cp, void *obj)
{
	struct spare *s = obj != NULL ? (struct spare *)obj - 1 : NULL;
	bool keep;

	if (s == NULL || s->cache != cp) {
		driver_mistake(CALL_SITE(), "kmem_cache_free",
			       "%p is no object of %s, or was freed already", obj, cp->name);
		return;
	}
	mutex_enter(&cp->lock);
	s->cache = NULL;
	cp->used--;
	keep = cp->nspares < SPARE_LEAST || cp->nspares <= cp->used;
	if (keep) {
		s->next = cp->spares;
		cp->spares = s;
		cp->nspares++;
	}
	mutex_exit(&cp->lock);
	if (!keep)
		spare_free(cp, s);
}

void kmem_cache_reap_now(kmem_cache_t *cp)
{
	struct spare *s, *next;

	mutex_enter(&cp->lock);
	s = cp->spares;
	cp->spares = NULL;
	cp->nspares = 0;
	mutex_exit(&cp->lock);
	for (; s != NULL; s = next) {
		next = s->next;
		spare_free(cp, s);
	}
}

void kmem_cache_destroy(kmem_cache_t *cp)
{
	kmem_cache_reap_now(cp);
	if (cp->used != 0) {
		driver_mistake(CALL_SITE(), "kmem_cache_destroy", "%s: %zu objects are in use",
			       cp->name, cp->used);
		return;
	}
	mutex_destroy(&cp->lock);
	kmem_free(cp, sizeof(*cp));
}

void kmem_cache_set_move(kmem_cache_t *cp, kmem_cbrc_t (*move)(void *old_obj, void *new_obj,
							       size_t size, void *user_arg))
{
	(void)cp;
	(void)move;
}
