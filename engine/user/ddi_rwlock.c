/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * rwlock(9F) over pthreads. rwlp->lock guards the rest and is held only for moments. Writers that
 * wait go before new readers, so that readers cannot keep them out for ever.
 */
#include <sys/ksynch.h>
#include <sys/sunddi.h>

#include "devinfo.h"

void rw_init(krwlock_t *rwlp, const char *name, krw_type_t type, void *arg)
{
	(void)name;
	(void)type;
	(void)arg;
	(void)pthread_mutex_init(&rwlp->lock, NULL);
	(void)pthread_cond_init(&rwlp->cv, NULL);
	rwlp->count = 0;
	rwlp->writers = 0;
	rwlp->owner = 0;
}

void rw_destroy(krwlock_t *rwlp)
{
	if (rwlp->count != 0) {
		driver_mistake(CALL_SITE(), "rw_destroy", "lock %p is held", (void *)rwlp);
		return;
	}
	(void)pthread_cond_destroy(&rwlp->cv);
	(void)pthread_mutex_destroy(&rwlp->lock);
}

/* Called with rwlp->lock held. */
static void rw_write_enter(krwlock_t *rwlp)
{
	ASSERT_HELD(&rwlp->lock);
	rwlp->writers++;
	while (rwlp->count != 0)
		(void)pthread_cond_wait(&rwlp->cv, &rwlp->lock);
	rwlp->writers--;
	rwlp->count = -1;
	rwlp->owner = ddi_get_kt_did();
}

void rw_enter(krwlock_t *rwlp, krw_t enter_type)
{
	(void)pthread_mutex_lock(&rwlp->lock);
	if (rwlp->owner == ddi_get_kt_did())
		driver_panic(CALL_SITE(), "rw_enter", "this thread holds lock %p as writer already",
			     (void *)rwlp);
	if (enter_type == RW_WRITER) {
		rw_write_enter(rwlp);
	} else {
		while (rwlp->count < 0 || rwlp->writers > 0)
			(void)pthread_cond_wait(&rwlp->cv, &rwlp->lock);
		rwlp->count++;
	}
	(void)pthread_mutex_unlock(&rwlp->lock);
}

int rw_tryenter(krwlock_t *rwlp, krw_t enter_type)
{
	bool entered;

	(void)pthread_mutex_lock(&rwlp->lock);
	if (enter_type == RW_WRITER) {
		entered = rwlp->count == 0;
		if (entered)
			rw_write_enter(rwlp);
	} else {
		entered = rwlp->count >= 0 && rwlp->writers == 0;
		if (entered)
			rwlp->count++;
	}
	(void)pthread_mutex_unlock(&rwlp->lock);
	return entered;
}

/* Called with rwlp->lock held. Is this thread the writer, or does nobody write and somebody read? */
static bool rw_may_exit(const krwlock_t *rwlp)
{
	ASSERT_HELD(&rwlp->lock);
	return rwlp->count > 0 || (rwlp->count < 0 && rwlp->owner == ddi_get_kt_did());
}

void rw_exit(krwlock_t *rwlp)
{
	bool held;

	(void)pthread_mutex_lock(&rwlp->lock);
	held = rw_may_exit(rwlp);
	if (held) {
		rwlp->owner = 0;
		rwlp->count = rwlp->count < 0 ? 0 : rwlp->count - 1;
		if (rwlp->count == 0)
			(void)pthread_cond_broadcast(&rwlp->cv);
	}
	(void)pthread_mutex_unlock(&rwlp->lock);
	if (!held)
		driver_mistake(CALL_SITE(), "rw_exit", "this thread does not hold lock %p",
			       (void *)rwlp);
}

void rw_downgrade(krwlock_t *rwlp)
{
	bool held;

	(void)pthread_mutex_lock(&rwlp->lock);
	held = rwlp->owner == ddi_get_kt_did();
	if (held) {
		rwlp->owner = 0;
		rwlp->count = 1;
		(void)pthread_cond_broadcast(&rwlp->cv);
	}
	(void)pthread_mutex_unlock(&rwlp->lock);
	if (!held)
		driver_mistake(CALL_SITE(), "rw_downgrade",
			       "this thread is not the writer of lock %p", (void *)rwlp);
}

int rw_tryupgrade(krwlock_t *rwlp)
{
	bool alone;

	(void)pthread_mutex_lock(&rwlp->lock);
	alone = rwlp->count == 1 && rwlp->writers == 0;
	if (alone) {
		rwlp->count = -1;
		rwlp->owner = ddi_get_kt_did();
	}
	(void)pthread_mutex_unlock(&rwlp->lock);
	return alone;
}

int rw_read_locked(krwlock_t *rwlp)
{
	int count;

	(void)pthread_mutex_lock(&rwlp->lock);
	count = rwlp->count;
	(void)pthread_mutex_unlock(&rwlp->lock);
	return count > 0;
}

int rw_write_held(krwlock_t *rwlp)
{
	uintptr_t owner;

	(void)pthread_mutex_lock(&rwlp->lock);
	owner = rwlp->owner;
	(void)pthread_mutex_unlock(&rwlp->lock);
	return owner == ddi_get_kt_did();
}

int rw_lock_held(krwlock_t *rwlp)
{
	int count;

	(void)pthread_mutex_lock(&rwlp->lock);
	count = rwlp->count;
	(void)pthread_mutex_unlock(&rwlp->lock);
	return count != 0;
}
