// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * condvar(9F) over Linux's wait queues; its waits are ddi/cv.c's.
 *
 * A waiter is in the queue, and in the state to sleep in, before it lets go of the mutex under
 * which the condition changes: a wake-up after that finds it. It also looks for a signal or
 * engine_interrupt() after that, for both only make a sleeper run. Waits may end early. Where a signal
 * ends a wait, so does the end of the time that its caller has.
 */
#include "linux.h"

#include <linux/hrtimer.h>
#include <linux/lockdep.h>
#include <linux/wait.h>

#include "lock.h"

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
		driver_mistake(CALL_SITE(), "cv_destroy", "a thread waits on %p", cvp);
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

bool sleep_in_state(hrtime_t until, hrtime_t slack)
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

/*
 * A cv_signal() that chose this thread is not lost to the others if an interruption ends the wait:
 * it is handed on. (After a time-out it counts as ours.)
 */
enum port_wake port_cv_wait(kcondvar_t *cvp, kmutex_t *mp, const struct port_wait *w)
{
	bool interrupted, in_time = true, woken;
	DEFINE_WAIT(entry);

	ASSERT(MUTEX_HELD(mp));
	cv_ready(cvp);
	prepare_to_wait_exclusive(&cvp->queue, &entry, w->sig ? caller_sleep_state() : TASK_IDLE);
	mutex_exit(mp);
	interrupted = w->sig && caller_signalled();
	if (!interrupted)
		in_time =
			sleep_in_state(w->sig ? min(w->until, caller_until()) : w->until, w->slack);
	woken = leave_queue(&cvp->queue, &entry);
	if (!interrupted && !woken)
		interrupted = w->sig && caller_signalled();
	if (interrupted && woken)
		wake_up(&cvp->queue);
	mutex_enter(mp);
	return interrupted ? PORT_INTERRUPTED : woken || in_time ? PORT_WOKEN : PORT_TIMED_OUT;
}
