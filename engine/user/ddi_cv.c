/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * condvar(9F) over futexes; its waits are ddi/cv.c's.
 *
 * A condition variable is a futex that counts wake-ups, not a pthread_cond_t, because an
 * interruptible wait must end when caller_interrupt() comes, which holds neither the mutex nor
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

#include "caller.h"
#include "devinfo.h"

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
		driver_mistake(CALL_SITE(), "cv_destroy", "a thread waits on %p", (void *)cvp);
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
 * The order matters: counted as a waiter, count read, c registered, only then unlocked. A wake-up
 * that was meant for this thread is not lost to the others if it was interrupted too: an
 * interruption wakes everybody. Only then is the mutex taken, for its
 * next owner may free cvp.
 */
enum port_wake port_cv_wait(kcondvar_t *cvp, kmutex_t *mp, const struct port_wait *w)
{
	struct caller *c = w->sig ? caller_get() : NULL;
	enum port_wake how = PORT_WOKEN;
	uint32_t seq;

	atomic_fetch_add(&cvp->waiters, 1);
	seq = atomic_load(&cvp->seq);
	if (c != NULL && !caller_wait_begin(c, cvp)) {
		atomic_fetch_sub(&cvp->waiters, 1);
		return PORT_INTERRUPTED;
	}
	mutex_exit(mp);
	if (!futex_wait(cvp, seq, w->until))
		how = PORT_TIMED_OUT;
	if (c != NULL && caller_wait_end(c))
		how = PORT_INTERRUPTED;
	atomic_fetch_sub(&cvp->waiters, 1);
	mutex_enter(mp);
	return how;
}
