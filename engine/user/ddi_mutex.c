/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* mutex(9F) over pthreads, whose unlocking touches nothing that the next owner may free. */
#include <stdatomic.h>

#include <sys/ksynch.h>
#include <sys/sunddi.h>

#include "devinfo.h"

void mutex_init(kmutex_t *mp, const char *name, kmutex_type_t type, void *arg)
{
	(void)name;
	(void)type;
	(void)arg;
	(void)pthread_mutex_init(&mp->lock, NULL);
	atomic_store_explicit(&mp->owner, 0, memory_order_relaxed);
}

void mutex_destroy(kmutex_t *mp)
{
	if (atomic_load_explicit(&mp->owner, memory_order_relaxed) != 0)
		driver_mistake(CALL_SITE(), "mutex_destroy", "mutex %p is held", (void *)mp);
	else
		(void)pthread_mutex_destroy(&mp->lock);
}

/* Only the calling thread ever stores its own id, so that a relaxed load tells whether it did. */
static bool owned(const kmutex_t *mp)
{
	return atomic_load_explicit(&mp->owner, memory_order_relaxed) == ddi_get_kt_did();
}

static void own(kmutex_t *mp)
{
	atomic_store_explicit(&mp->owner, ddi_get_kt_did(), memory_order_relaxed);
}

static void disown(kmutex_t *mp)
{
	atomic_store_explicit(&mp->owner, 0, memory_order_relaxed);
}

void mutex_enter(kmutex_t *mp)
{
	if (owned(mp))
		driver_panic(CALL_SITE(), "mutex_enter", "this thread holds mutex %p already",
			     (void *)mp);
	(void)pthread_mutex_lock(&mp->lock);
	own(mp);
}

int mutex_tryenter(kmutex_t *mp)
{
	if (pthread_mutex_trylock(&mp->lock) != 0)
		return 0;
	own(mp);
	return 1;
}

void mutex_exit(kmutex_t *mp)
{
	if (!owned(mp)) {
		driver_mistake(CALL_SITE(), "mutex_exit", "this thread does not hold mutex %p",
			       (void *)mp);
		return;
	}
	disown(mp);
	(void)pthread_mutex_unlock(&mp->lock);
}

int mutex_owned(const kmutex_t *mp)
{
	return owned(mp);
}
