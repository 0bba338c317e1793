// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * mutex(9F), condvar(9F), rwlock(9F), semaphore(9F) over Linux's mutexes and wait queues.
 *
 * LOCKS OF ZEROS. A lock is valid, and free, when it is filled with zeros, which Linux's are not.
 * So whoever uses one looks at `ready` first, and initialises it if he is the first. lockdep knows
 * nothing of such a lock; those that *_init() made are told apart by the place of the call.
 *
 * WAITS. A waiter is in the queue, and in the state to sleep in, before it lets go of the mutex
 * under which the condition changes: a wake-up after that finds it. It also looks for a signal or
 * engine_interrupt() after that, for both only make a sleeper run. Waits may end early.
 */
#include "linux.h"

#include <sys/callo.h>
#include <sys/ksynch.h>

#include <linux/hrtimer.h>
#include <linux/lockdep.h>
#include <linux/wait.h>

#define READY	1

static DEFINE_SPINLOCK(lazy_lock);	/* the first use of any lock of zeros; a leaf */

/* Under lazy_lock init is called by one of those who find `ready` 0. */
static void make_ready(unsigned int *ready, void (*init)(void *lock), void *lock)
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

/* mutex(9F) */

static void mutex_init_lazily(void *lock)
{
	static struct lock_class_key key;
	kmutex_t *mp = lock;

	__mutex_init(&mp->lock, "a mutex of zeros", &key);
	lockdep_set_novalidate_class(&mp->lock);
	mp->owner = NULL;
}

static void mutex_ready(kmutex_t *mp)
{
	make_ready(&mp->ready, mutex_init_lazily, mp);
}

void devmap_mutex_init_class(kmutex_t *mp, const char *what, struct lock_class_key *key)
{
	__mutex_init(&mp->lock, what, key);
	mp->owner = NULL;
	smp_store_release(&mp->ready, READY);
}
EXPORT_SYMBOL(devmap_mutex_init_class);

/* Only the calling thread ever stores its own address, so this tells whether it did. */
static bool owned(kmutex_t *mp)
{
	return READ_ONCE(mp->owner) == current;
}

/* A destroyed lock is one of zeros: freed memory that comes back is not taken for a ready lock. */
void mutex_destroy(kmutex_t *mp)
{
	if (READ_ONCE(mp->owner) != NULL)
		driver_mistake(CALLER(), "mutex_destroy", "mutex %p is held", mp);
	else
		mp->ready = 0;
}
EXPORT_SYMBOL(mutex_destroy);

void mutex_enter(kmutex_t *mp)
{
	mutex_ready(mp);
	if (unlikely(owned(mp)))
		driver_panic(CALLER(), "mutex_enter", "this thread holds mutex %p already", mp);
	mutex_lock(&mp->lock);
	WRITE_ONCE(mp->owner, current);
}
EXPORT_SYMBOL(mutex_enter);

int mutex_tryenter(kmutex_t *mp)
{
	mutex_ready(mp);
	if (!mutex_trylock(&mp->lock))
		return 0;
	WRITE_ONCE(mp->owner, current);
	return 1;
}
EXPORT_SYMBOL(mutex_tryenter);

static void unlock(kmutex_t *mp)
{
	WRITE_ONCE(mp->owner, NULL);
	mutex_unlock(&mp->lock);
}

void mutex_exit(kmutex_t *mp)
{
	if (unlikely(!owned(mp)))
		driver_mistake(CALLER(), "mutex_exit", "this thread does not hold mutex %p", mp);
	else
		unlock(mp);
}
EXPORT_SYMBOL(mutex_exit);

int mutex_owned(kmutex_t *mp)
{
	return owned(mp);
}
EXPORT_SYMBOL(mutex_owned);

/* condvar(9F) */

enum wake { WOKEN, TIMED_OUT, INTERRUPTED };

static void cv_init_lazily(void *lock)
{
	static struct lock_class_key key;
	kcondvar_t *cvp = lock;

	__init_waitqueue_head(&cvp->queue, "a condition variable of zeros", &key);
}

static void cv_ready(kcondvar_t *cvp)
{
	make_ready(&cvp->ready, cv_init_lazily, cvp);
}

void devmap_cv_init_class(kcondvar_t *cvp, const char *what, struct lock_class_key *key)
{
	__init_waitqueue_head(&cvp->queue, what, key);
	smp_store_release(&cvp->ready, READY);
}
EXPORT_SYMBOL(devmap_cv_init_class);

void cv_destroy(kcondvar_t *cvp)
{
	if (cvp->ready == READY && waitqueue_active(&cvp->queue))
		driver_mistake(CALLER(), "cv_destroy", "a thread waits on %p", cvp);
	else
		cvp->ready = 0;
}
EXPORT_SYMBOL(cv_destroy);

void cv_signal(kcondvar_t *cvp)
{
	cv_ready(cvp);
	wake_up(&cvp->queue);
}
EXPORT_SYMBOL(cv_signal);

void cv_broadcast(kcondvar_t *cvp)
{
	cv_ready(cvp);
	wake_up_all(&cvp->queue);
}
EXPORT_SYMBOL(cv_broadcast);

/* Sleeps in the state that was set. slack: ns. False: the time has passed. */
static bool sleep_until(hrtime_t until, hrtime_t slack)
{
	ktime_t at = ns_to_ktime(until);

	if (until == NEVER) {
		schedule();
		return true;
	}
	return schedule_hrtimeout_range(&at, slack, HRTIMER_MODE_ABS) != 0;
}

/* Out of the queue. True: somebody's wake-up has taken it out already. */
static bool leave_queue(wait_queue_head_t *queue, struct wait_queue_entry *entry)
{
	bool woken = list_empty_careful(&entry->entry);

	finish_wait(queue, entry);
	return woken;
}

struct wait {
	hrtime_t until;		/* a moment of gethrtime(), or NEVER */
	hrtime_t slack;		/* how late it may be */
	bool sig;
};

/*
 * Lets go of mp, waits, takes it again. A cv_signal() that chose this thread is not lost to the
 * others if an interruption ends the wait: it is handed on. (After a time-out it counts as ours.)
 */
static enum wake cv_block(kcondvar_t *cvp, kmutex_t *mp, const struct wait *w)
{
	bool interrupted, in_time = true, woken;
	DEFINE_WAIT(entry);

	prepare_to_wait_exclusive(&cvp->queue, &entry, w->sig ? context_sleep_state() : TASK_IDLE);
	unlock(mp);
	interrupted = w->sig && context_signalled();
	if (!interrupted)
		in_time = sleep_until(w->until, w->slack);
	woken = leave_queue(&cvp->queue, &entry);
	if (!interrupted && !woken)
		interrupted = w->sig && context_signalled();
	if (interrupted && woken)
		wake_up(&cvp->queue);
	mutex_lock(&mp->lock);
	WRITE_ONCE(mp->owner, current);
	return interrupted ? INTERRUPTED : woken || in_time ? WOKEN : TIMED_OUT;
}

static enum wake cv_wait_until(kcondvar_t *cvp, kmutex_t *mp, const struct wait *w,
	const void *caller, const char *call)
{
	if (unlikely(!owned(mp)))
		driver_panic(caller, call, "this thread does not hold mutex %p", mp);
	if (w->until <= gethrtime())
		return TIMED_OUT;
	cv_ready(cvp);
	return cv_block(cvp, mp, w);
}

/* Ticks until a moment, at least 1: what timed waits return. */
static clock_t ticks_left(hrtime_t until)
{
	hrtime_t left = NSEC_TO_TICK_ROUNDUP(until - gethrtime());

	return left > 1 ? (clock_t)left : 1;
}

static clock_t timed_result(enum wake how, hrtime_t until)
{
	switch (how) {
	case TIMED_OUT:
		return -1;
	case INTERRUPTED:
		return 0;
	default:
		return ticks_left(until);
	}
}

void cv_wait(kcondvar_t *cvp, kmutex_t *mp)
{
	const struct wait w = { .until = NEVER };

	(void)cv_wait_until(cvp, mp, &w, CALLER(), "cv_wait");
}
EXPORT_SYMBOL(cv_wait);

int cv_wait_sig(kcondvar_t *cvp, kmutex_t *mp)
{
	const struct wait w = { .until = NEVER, .sig = true };

	return cv_wait_until(cvp, mp, &w, CALLER(), "cv_wait_sig") != INTERRUPTED;
}
EXPORT_SYMBOL(cv_wait_sig);

#define TICK_SLACK	50000		/* ns: as for a process's own sleeps */

clock_t cv_timedwait(kcondvar_t *cvp, kmutex_t *mp, clock_t tick)
{
	const struct wait w = { .until = ticks_ns(tick), .slack = TICK_SLACK };

	return timed_result(cv_wait_until(cvp, mp, &w, CALLER(), "cv_timedwait"), w.until);
}
EXPORT_SYMBOL(cv_timedwait);

clock_t cv_timedwait_sig(kcondvar_t *cvp, kmutex_t *mp, clock_t tick)
{
	const struct wait w = { .until = ticks_ns(tick), .slack = TICK_SLACK, .sig = true };

	return timed_result(cv_wait_until(cvp, mp, &w, CALLER(), "cv_timedwait_sig"), w.until);
}
EXPORT_SYMBOL(cv_timedwait_sig);

clock_t cv_reltimedwait(kcondvar_t *cvp, kmutex_t *mp, clock_t delta, time_res_t res)
{
	const struct wait w = { .until = time_later(gethrtime(), ticks_ns(delta)), .slack = TICK_SLACK };

	return timed_result(cv_wait_until(cvp, mp, &w, CALLER(), "cv_reltimedwait"), w.until);
}
EXPORT_SYMBOL(cv_reltimedwait);

clock_t cv_reltimedwait_sig(kcondvar_t *cvp, kmutex_t *mp, clock_t delta, time_res_t res)
{
	const struct wait w = {
		.until = time_later(gethrtime(), ticks_ns(delta)), .slack = TICK_SLACK, .sig = true
	};

	return timed_result(cv_wait_until(cvp, mp, &w, CALLER(), "cv_reltimedwait_sig"), w.until);
}
EXPORT_SYMBOL(cv_reltimedwait_sig);

static struct wait hires_wait(hrtime_t tim, hrtime_t res, int flag, bool sig)
{
	struct wait w = { .sig = sig };

	w.until = flag & CALLOUT_FLAG_ABSOLUTE ? tim : time_later(gethrtime(), tim);
	if (flag & CALLOUT_FLAG_ROUNDUP && res > 1 && w.until < NEVER - res)
		w.until = (w.until + res - 1) / res * res;
	if (w.until == NEVER)
		w.until = NEVER - 1;
	w.slack = res > 0 ? min_t(hrtime_t, res, TICK_SLACK) : 0;
	return w;
}

clock_t cv_timedwait_hires(kcondvar_t *cvp, kmutex_t *mp, hrtime_t tim, hrtime_t res, int flag)
{
	const struct wait w = hires_wait(tim, res, flag, false);

	return timed_result(cv_wait_until(cvp, mp, &w, CALLER(), "cv_timedwait_hires"), w.until);
}
EXPORT_SYMBOL(cv_timedwait_hires);

clock_t cv_timedwait_sig_hires(kcondvar_t *cvp, kmutex_t *mp, hrtime_t tim, hrtime_t res, int flag)
{
	const struct wait w = hires_wait(tim, res, flag, true);

	return timed_result(cv_wait_until(cvp, mp, &w, CALLER(), "cv_timedwait_sig_hires"),
		w.until);
}
EXPORT_SYMBOL(cv_timedwait_sig_hires);

/*
 * rwlock(9F). rwlp->lock guards the rest and is held only for moments. Writers that wait go before
 * new readers, so that readers cannot keep them out for ever.
 */

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
		driver_mistake(CALLER(), "rw_destroy", "lock %p is held", rwlp);
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
		driver_panic(CALLER(), "rw_enter", "this thread holds lock %p as writer already",
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
		driver_mistake(CALLER(), "rw_exit", "this thread does not hold lock %p", rwlp);
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
		driver_mistake(CALLER(), "rw_downgrade", "this thread is not the writer of lock %p",
			rwlp);
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

/* semaphore(9F). The queue's lock guards count. */

static void sema_init_lazily(void *lock)
{
	static struct lock_class_key key;
	ksema_t *sp = lock;

	__init_waitqueue_head(&sp->queue, "a semaphore of zeros", &key);
	sp->count = 0;
}

static void sema_ready(ksema_t *sp)
{
	make_ready(&sp->ready, sema_init_lazily, sp);
}

void devmap_sema_init_class(ksema_t *sp, uint_t val, const char *what, struct lock_class_key *key)
{
	__init_waitqueue_head(&sp->queue, what, key);
	sp->count = val;
	smp_store_release(&sp->ready, READY);
}
EXPORT_SYMBOL(devmap_sema_init_class);

void sema_destroy(ksema_t *sp)
{
	if (sp->ready == READY && waitqueue_active(&sp->queue))
		driver_mistake(CALLER(), "sema_destroy", "a thread waits on %p", sp);
	else
		sp->ready = 0;
}
EXPORT_SYMBOL(sema_destroy);

int sema_tryp(ksema_t *sp)
{
	bool taken;

	sema_ready(sp);
	spin_lock(&sp->queue.lock);
	taken = sp->count > 0;
	if (taken)
		sp->count--;
	spin_unlock(&sp->queue.lock);
	return taken;
}
EXPORT_SYMBOL(sema_tryp);

/*
 * Returns 0, or 1 for an interruption. Whoever leaves without having taken it hands a wake-up on
 * that came to him.
 */
static int sema_take(ksema_t *sp, bool sig)
{
	bool taken, interrupted;
	DEFINE_WAIT(entry);

	might_sleep();
	for (;;) {
		prepare_to_wait_exclusive(&sp->queue, &entry,
			sig ? context_sleep_state() : TASK_IDLE);
		taken = sema_tryp(sp);
		interrupted = !taken && sig && context_signalled();
		if (taken || interrupted)
			break;
		schedule();
	}
	if (leave_queue(&sp->queue, &entry) && interrupted)
		wake_up(&sp->queue);
	return interrupted;
}

void sema_p(ksema_t *sp)
{
	if (!sema_tryp(sp))
		(void)sema_take(sp, false);
}
EXPORT_SYMBOL(sema_p);

int sema_p_sig(ksema_t *sp)
{
	return sema_tryp(sp) ? 0 : sema_take(sp, true);
}
EXPORT_SYMBOL(sema_p_sig);

void sema_v(ksema_t *sp)
{
	sema_ready(sp);
	spin_lock(&sp->queue.lock);
	sp->count++;
	wake_up_locked(&sp->queue);
	spin_unlock(&sp->queue.lock);
}
EXPORT_SYMBOL(sema_v);
