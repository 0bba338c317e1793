// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * rwlock(9F) over Linux's spin locks and wait queues. rwlp->lock guards the rest and is held only
 * for moments. Writers that wait go before new readers, so that readers cannot keep them out for
 * ever.
 */
#include "linux.h"

#include <linux/lockdep.h>
#include <linux/wait.h>

#include "lock.h"

static void rw_init_state(krwlock_t *rwlp)
{
	spin_lock_init(&rwlp->lock);
	init_waitqueue_head(&rwlp->queue);
	rwlp->count = 0;
	rwlp->writers = 0;
	rwlp->owner = NULL;
}

static void rw_init_lazily(void *lock)
{
	krwlock_t *rwlp = lock;
#ifdef CONFIG_DEBUG_LOCK_ALLOC
	static struct lock_class_key key;

	lockdep_init_map(&rwlp->dep_map, "a lock of zeros", &key, 0);
	lockdep_set_novalidate_class(rwlp);
#endif
	rw_init_state(rwlp);
}

static void rw_ready(krwlock_t *rwlp)
{
	make_ready(&rwlp->ready, rw_init_lazily, rwlp);
}

void devmap_rw_init_class(krwlock_t *rwlp, const char *what, struct lock_class_key *key)
{
#ifdef CONFIG_DEBUG_LOCK_ALLOC
	lockdep_init_map(&rwlp->dep_map, what, key, 0);
#endif
	rw_init_state(rwlp);
	smp_store_release(&rwlp->ready, READY);
}
EXPORT_SYMBOL(devmap_rw_init_class);

void rw_destroy(krwlock_t *rwlp)
{
	if (READ_ONCE(rwlp->count) != 0)
		driver_mistake(CALL_SITE(), "rw_destroy", "lock %p is held", rwlp);
	else
		rwlp->ready = 0;
}
EXPORT_SYMBOL(rw_destroy);

/* Takes it if it can be had now. */
static bool rw_take(krwlock_t *rwlp, krw_t type)
{
	bool taken;

	spin_lock(&rwlp->lock);
	if (type == RW_WRITER) {
		taken = rwlp->count == 0;
		if (taken) {
			rwlp->count = -1;
			rwlp->owner = current;
		}
	} else {
		taken = rwlp->count >= 0 && rwlp->writers == 0;
		if (taken)
			rwlp->count++;
	}
	spin_unlock(&rwlp->lock);
	return taken;
}

static void rw_count_writer(krwlock_t *rwlp, int n)
{
	spin_lock(&rwlp->lock);
	rwlp->writers += n;
	spin_unlock(&rwlp->lock);
}

static void rw_sleep(krwlock_t *rwlp, krw_t type)
{
	DEFINE_WAIT(entry);

	if (type == RW_WRITER)
		rw_count_writer(rwlp, 1);
	for (;;) {
		prepare_to_wait(&rwlp->queue, &entry, TASK_IDLE);
		if (rw_take(rwlp, type))
			break;
		schedule();
	}
	finish_wait(&rwlp->queue, &entry);
	if (type == RW_WRITER)
		rw_count_writer(rwlp, -1);
}

void rw_enter(krwlock_t *rwlp, krw_t enter_type)
{
	might_sleep();
	rw_ready(rwlp);
	if (READ_ONCE(rwlp->owner) == current)
		driver_panic(CALL_SITE(), "rw_enter", "this thread holds lock %p as writer already",
			     rwlp);
	if (enter_type == RW_WRITER)
		rwsem_acquire(&rwlp->dep_map, 0, 0, _RET_IP_);
	else
		rwsem_acquire_read(&rwlp->dep_map, 0, 0, _RET_IP_);
	if (!rw_take(rwlp, enter_type))
		rw_sleep(rwlp, enter_type);
}
EXPORT_SYMBOL(rw_enter);

int rw_tryenter(krwlock_t *rwlp, krw_t enter_type)
{
	rw_ready(rwlp);
	if (!rw_take(rwlp, enter_type))
		return 0;
	if (enter_type == RW_WRITER)
		rwsem_acquire(&rwlp->dep_map, 0, 1, _RET_IP_);
	else
		rwsem_acquire_read(&rwlp->dep_map, 0, 1, _RET_IP_);
	return 1;
}
EXPORT_SYMBOL(rw_tryenter);

/* The caller is the writer, or nobody writes and somebody reads. rwlp->lock is held. */
static bool rw_may_exit(const krwlock_t *rwlp)
{
	lockdep_assert_held(&rwlp->lock);
	return rwlp->count > 0 || (rwlp->count < 0 && rwlp->owner == current);
}

void rw_exit(krwlock_t *rwlp)
{
	bool held;

	rw_ready(rwlp);
	spin_lock(&rwlp->lock);
	held = rw_may_exit(rwlp);
	if (held) {
		rwlp->owner = NULL;
		rwlp->count = rwlp->count < 0 ? 0 : rwlp->count - 1;
		rwsem_release(&rwlp->dep_map, _RET_IP_);
		/* Under the lock: who takes it next may free it. */
		if (rwlp->count == 0)
			wake_up_all(&rwlp->queue);
	}
	spin_unlock(&rwlp->lock);
	if (!held)
		driver_mistake(CALL_SITE(), "rw_exit", "this thread does not hold lock %p", rwlp);
}
EXPORT_SYMBOL(rw_exit);

void rw_downgrade(krwlock_t *rwlp)
{
	bool held;

	rw_ready(rwlp);
	spin_lock(&rwlp->lock);
	held = rwlp->owner == current;
	if (held) {
		rwlp->owner = NULL;
		rwlp->count = 1;
		lock_downgrade(&rwlp->dep_map, _RET_IP_);
		wake_up_all(&rwlp->queue);
	}
	spin_unlock(&rwlp->lock);
	if (!held)
		driver_mistake(CALL_SITE(), "rw_downgrade",
			       "this thread is not the writer of lock %p", rwlp);
}
EXPORT_SYMBOL(rw_downgrade);

int rw_tryupgrade(krwlock_t *rwlp)
{
	bool alone;

	rw_ready(rwlp);
	spin_lock(&rwlp->lock);
	alone = rwlp->count == 1 && rwlp->writers == 0;
	if (alone) {
		rwlp->count = -1;
		rwlp->owner = current;
		rwsem_release(&rwlp->dep_map, _RET_IP_);
		rwsem_acquire(&rwlp->dep_map, 0, 1, _RET_IP_);
	}
	spin_unlock(&rwlp->lock);
	return alone;
}
EXPORT_SYMBOL(rw_tryupgrade);

int rw_read_locked(krwlock_t *rwlp)
{
	return READ_ONCE(rwlp->count) > 0;
}
EXPORT_SYMBOL(rw_read_locked);

int rw_write_held(krwlock_t *rwlp)
{
	return READ_ONCE(rwlp->owner) == current;
}
EXPORT_SYMBOL(rw_write_held);

int rw_lock_held(krwlock_t *rwlp)
{
	return READ_ONCE(rwlp->count) != 0;
}
EXPORT_SYMBOL(rw_lock_held);
