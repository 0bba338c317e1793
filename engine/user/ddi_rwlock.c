/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * mutex(9F), condvar(9F), rwlock(9F), semaphore(9F) over pthreads and futexes.
 *
 * A condition variable is a futex that counts wake-ups, not a pthread_cond_t, because an
 * interruptible wait must end when context_interrupt() comes, which holds neither the mutex nor
 * anything that orders it with the waiter: it adds to the count, and a waiter that has read the
 * count but does not sleep yet will not fall asleep. So no wake-up is lost. Waits may end early, as
 * everywhere.
 */
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <sys/ksynch.h>
#include <sys/sunddi.h>

#include "context.h"
#include "devinfo.h"


/* mutex(9F) */

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
		driver_mistake(CALLER(), "mutex_destroy", "mutex %p is held", (void *)mp);
	else
		(void)pthread_mutex_destroy(&mp->lock);
}

/* Only the calling thread ever stores its own id, so that a relaxed load tells whether it did. */
static bool owned(kmutex_t *mp)
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
		driver_panic(CALLER(), "mutex_enter", "this thread holds mutex %p already",
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
		driver_mistake(CALLER(), "mutex_exit", "this thread does not hold mutex %p",
		    (void *)mp);
		return;
	}
	disown(mp);
	(void)pthread_mutex_unlock(&mp->lock);
}

int mutex_owned(kmutex_t *mp)
{
	return owned(mp);
}

/* condvar(9F) */

enum wake { WOKEN, TIMED_OUT, INTERRUPTED };

void cv_init(kcondvar_t *cvp, const char *name, kcv_type_t type, void *arg)
{
	(void)name;
	(void)type;
	(void)arg;
	atomic_init(&cvp->seq, 0);
	atomic_init(&cvp->waiters, 0);
}

void cv_destroy(kcondvar_t *cvp)
{
	if (atomic_load(&cvp->waiters) != 0)
		driver_mistake(CALLER(), "cv_destroy", "a thread waits on %p", (void *)cvp);
}

static void cv_wake(kcondvar_t *cvp, int n)
{
	/*
	 * A waiter counts itself before it lets go of the mutex, under which the condition changed.
	 */
	if (atomic_load(&cvp->waiters) == 0)
		return;
	atomic_fetch_add(&cvp->seq, 1);
	(void)syscall(SYS_futex, &cvp->seq, FUTEX_WAKE_PRIVATE, n, NULL, NULL, 0);
}

void cv_signal(kcondvar_t *cvp)
{
	cv_wake(cvp, 1);
}

void cv_broadcast(kcondvar_t *cvp)
{
	cv_wake(cvp, INT_MAX);
}

/* Sleeps while the count is seq, until a moment of gethrtime(). False: the time has passed. */
static bool futex_wait(kcondvar_t *cvp, uint32_t seq, hrtime_t until)
{
	struct timespec ts = { .tv_sec = until / NANOSEC, .tv_nsec = until % NANOSEC };

	long result = syscall(SYS_futex, &cvp->seq, FUTEX_WAIT_BITSET_PRIVATE, seq,
	    until == NEVER ? NULL : &ts, NULL, FUTEX_BITSET_MATCH_ANY);

	return result == 0 || errno != ETIMEDOUT;
}

/*
 * Lets go of lock, which is held, waits, and takes it again. c: whose interruption ends the wait,
 * or NULL. The order matters: counted as a waiter, count read, c registered, only then unlocked. A
 * wake-up that was meant for this thread is not lost to the others if it was interrupted too: an
 * interruption wakes everybody.
 */
static enum wake cv_block(kcondvar_t *cvp, pthread_mutex_t *lock, hrtime_t until, struct context *c)
{
	enum wake how = WOKEN;
	uint32_t seq;

	atomic_fetch_add(&cvp->waiters, 1);
	seq = atomic_load(&cvp->seq);
	if (c != NULL && !context_wait_begin(c, cvp)) {
		atomic_fetch_sub(&cvp->waiters, 1);
		return INTERRUPTED;
	}
	(void)pthread_mutex_unlock(lock);
	if (!futex_wait(cvp, seq, until))
		how = TIMED_OUT;
	if (c != NULL && context_wait_end(c))
		how = INTERRUPTED;
	atomic_fetch_sub(&cvp->waiters, 1);
	(void)pthread_mutex_lock(lock);
	return how;
}

static enum wake cv_wait_until(kcondvar_t *cvp, kmutex_t *mp, hrtime_t until, struct context *c,
    const void *caller, const char *call)
{
	enum wake how;

	if (!owned(mp))
		driver_panic(caller, call, "this thread does not hold mutex %p", (void *)mp);
	if (until <= gethrtime())
		return TIMED_OUT;
	disown(mp);
	how = cv_block(cvp, &mp->lock, until, c);
	own(mp);
	return how;
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
	(void)cv_wait_until(cvp, mp, NEVER, NULL, CALLER(), "cv_wait");
}

int cv_wait_sig(kcondvar_t *cvp, kmutex_t *mp)
{
	return cv_wait_until(cvp, mp, NEVER, context_get(), CALLER(), "cv_wait_sig") != INTERRUPTED;
}

clock_t cv_timedwait(kcondvar_t *cvp, kmutex_t *mp, clock_t timeout)
{
	hrtime_t until = ticks_ns(timeout);

	return timed_result(cv_wait_until(cvp, mp, until, NULL, CALLER(), "cv_timedwait"), until);
}

clock_t cv_timedwait_sig(kcondvar_t *cvp, kmutex_t *mp, clock_t timeout)
{
	hrtime_t until = ticks_ns(timeout);

	return timed_result(
	    cv_wait_until(cvp, mp, until, context_get(), CALLER(), "cv_timedwait_sig"), until);
}

clock_t cv_reltimedwait(kcondvar_t *cvp, kmutex_t *mp, clock_t delta, time_res_t res)
{
	hrtime_t until = time_later(gethrtime(), ticks_ns(delta));

	(void)res;
	return timed_result(
	    cv_wait_until(cvp, mp, until, NULL, CALLER(), "cv_reltimedwait"), until);
}

clock_t cv_reltimedwait_sig(kcondvar_t *cvp, kmutex_t *mp, clock_t delta, time_res_t res)
{
	hrtime_t until = time_later(gethrtime(), ticks_ns(delta));

	(void)res;
	return timed_result(
	    cv_wait_until(cvp, mp, until, context_get(), CALLER(), "cv_reltimedwait_sig"), until);
}

/* We wake on time, so that res matters only where a driver asks for rounding up. */
static hrtime_t hires_until(hrtime_t tim, hrtime_t res, int flag)
{
	hrtime_t until = flag & CALLOUT_FLAG_ABSOLUTE ? tim : time_later(gethrtime(), tim);

	if (flag & CALLOUT_FLAG_ROUNDUP && res > 1 && until < NEVER - res)
		until = (until + res - 1) / res * res;
	return until == NEVER ? NEVER - 1 : until;
}

clock_t cv_timedwait_hires(kcondvar_t *cvp, kmutex_t *mp, hrtime_t tim, hrtime_t res, int flag)
{
	hrtime_t until = hires_until(tim, res, flag);

	return timed_result(
	    cv_wait_until(cvp, mp, until, NULL, CALLER(), "cv_timedwait_hires"), until);
}

clock_t cv_timedwait_sig_hires(kcondvar_t *cvp, kmutex_t *mp, hrtime_t tim, hrtime_t res, int flag)
{
	hrtime_t until = hires_until(tim, res, flag);

	return timed_result(
	    cv_wait_until(cvp, mp, until, context_get(), CALLER(), "cv_timedwait_sig_hires"),
	    until);
}

/*
 * rwlock(9F). rwlp->lock guards the rest and is held only for moments. Writers that wait go before
 * new readers, so that readers cannot keep them out for ever.
 */

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
		driver_mistake(CALLER(), "rw_destroy", "lock %p is held", (void *)rwlp);
		return;
	}
	(void)pthread_cond_destroy(&rwlp->cv);
	(void)pthread_mutex_destroy(&rwlp->lock);
}

/* Called with rwlp->lock held. */
static void rw_write_enter(krwlock_t *rwlp)
{
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
		driver_panic(CALLER(), "rw_enter", "this thread holds lock %p as writer already",
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

/* Called with rwlp->lock held: the caller is the writer, or nobody writes and somebody reads. */
static bool rw_may_exit(const krwlock_t *rwlp)
{
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
		driver_mistake(CALLER(), "rw_exit", "this thread does not hold lock %p",
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
		driver_mistake(CALLER(), "rw_downgrade", "this thread is not the writer of lock %p",
		    (void *)rwlp);
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

/* semaphore(9F). sp->lock guards count. */

void sema_init(ksema_t *sp, uint_t val, const char *name, ksema_type_t type, void *arg)
{
	(void)name;
	(void)type;
	(void)arg;
	(void)pthread_mutex_init(&sp->lock, NULL);
	cv_init(&sp->cv, NULL, CV_DRIVER, NULL);
	sp->count = val;
}

void sema_destroy(ksema_t *sp)
{
	if (atomic_load(&sp->cv.waiters) != 0) {
		driver_mistake(CALLER(), "sema_destroy", "a thread waits on %p", (void *)sp);
		return;
	}
	(void)pthread_mutex_destroy(&sp->lock);
}

/* c: whose interruption ends the wait, or NULL. Returns 0, or 1 for an interruption. */
static int sema_take(ksema_t *sp, struct context *c)
{
	int interrupted = 0;

	(void)pthread_mutex_lock(&sp->lock);
	while (sp->count == 0 && !interrupted)
		interrupted = cv_block(&sp->cv, &sp->lock, NEVER, c) == INTERRUPTED;
	if (!interrupted)
		sp->count--;
	(void)pthread_mutex_unlock(&sp->lock);
	return interrupted;
}

void sema_p(ksema_t *sp)
{
	(void)sema_take(sp, NULL);
}

int sema_p_sig(ksema_t *sp)
{
	return sema_take(sp, context_get());
}

int sema_tryp(ksema_t *sp)
{
	bool taken;

	(void)pthread_mutex_lock(&sp->lock);
	taken = sp->count > 0;
	if (taken)
		sp->count--;
	(void)pthread_mutex_unlock(&sp->lock);
	return taken;
}

void sema_v(ksema_t *sp)
{
	(void)pthread_mutex_lock(&sp->lock);
	sp->count++;
	cv_signal(&sp->cv);
	(void)pthread_mutex_unlock(&sp->lock);
}
