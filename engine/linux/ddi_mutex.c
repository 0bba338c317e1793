// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * mutex(9F) over Linux's mutexes.
 *
 * LEAVING. mutex_unlock() may let another thread have the mutex and then go on to use it, to wake
 * others. But whoever gets a kmutex_t may be its last owner and free it. So who leaves one says so
 * in it, and who gets one waits until that is over: for moments, since it is not preempted there.
 * Only one thread at a time can be leaving.
 */
#include "linux.h"

#include <linux/lockdep.h>
#include <linux/preempt.h>

#include "lock.h"

static DEFINE_SPINLOCK(lazy_lock); /* the first use of any lock of zeros; a leaf */

void make_ready(unsigned int *ready, void (*init)(void *lock), void *lock)
{
	if (likely(smp_load_acquire(ready) == READY))
		return;
	spin_lock(&lazy_lock);
	if (*ready != READY) {
		init(lock);
		smp_store_release(ready, READY);
	}
	spin_unlock(&lazy_lock);
}

static void mutex_init_lazily(void *lock)
{
	static struct lock_class_key key;
	kmutex_t *mp = lock;

	__mutex_init(&mp->lock, "a mutex of zeros", &key);
	lockdep_set_novalidate_class(&mp->lock);
	mp->leaving = 0;
	mp->owner = NULL;
}

static void mutex_ready(kmutex_t *mp)
{
	make_ready(&mp->ready, mutex_init_lazily, mp);
}

void devmap_mutex_init_class(kmutex_t *mp, const char *what, struct lock_class_key *key)
{
	__mutex_init(&mp->lock, what, key);
	mp->leaving = 0;
	mp->owner = NULL;
	smp_store_release(&mp->ready, READY);
}
EXPORT_SYMBOL(devmap_mutex_init_class);

/* Only the calling thread ever stores its own address, so this tells whether it did. */
static bool owned(const kmutex_t *mp)
{
	return READ_ONCE(mp->owner) == current;
}

/* A destroyed lock is one of zeros: freed memory that comes back is not taken for a ready lock. */
void mutex_destroy(kmutex_t *mp)
{
	if (READ_ONCE(mp->owner) != NULL)
		driver_mistake(CALL_SITE(), "mutex_destroy", "mutex %p is held", mp);
	else
		mp->ready = 0;
}
EXPORT_SYMBOL(mutex_destroy);

static void got(kmutex_t *mp)
{
	lockdep_assert_held(&mp->lock);
	smp_cond_load_acquire(&mp->leaving, VAL == 0);
	WRITE_ONCE(mp->owner, current);
}

static void leave(kmutex_t *mp)
{
	lockdep_assert_held(&mp->lock);
	WRITE_ONCE(mp->owner, NULL);
	preempt_disable();
	WRITE_ONCE(mp->leaving, 1);
	mutex_unlock(&mp->lock);
	smp_store_release(&mp->leaving, 0);
	preempt_enable();
}

void mutex_enter(kmutex_t *mp)
{
	mutex_ready(mp);
	if (unlikely(owned(mp)))
		driver_panic(CALL_SITE(), "mutex_enter", "this thread holds mutex %p already", mp);
	mutex_lock(&mp->lock);
	got(mp);
}
EXPORT_SYMBOL(mutex_enter);

int mutex_tryenter(kmutex_t *mp)
{
	mutex_ready(mp);
	if (!mutex_trylock(&mp->lock))
		return 0;
	got(mp);
	return 1;
}
EXPORT_SYMBOL(mutex_tryenter);

void mutex_exit(kmutex_t *mp)
{
	if (unlikely(!owned(mp)))
		driver_mistake(CALL_SITE(), "mutex_exit", "this thread does not hold mutex %p", mp);
	else
		leave(mp);
}
EXPORT_SYMBOL(mutex_exit);

int mutex_owned(const kmutex_t *mp)
{
	return owned(mp);
}
EXPORT_SYMBOL(mutex_owned);
