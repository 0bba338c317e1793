/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Patience (C16): a devmap_access(9E) that returns 0 without having loaded the page wants to be
 * asked again. It is, at once and then after pauses that grow, until its time has passed. No thread
 * of an engine sleeps through a pause, unless it is the one that faulted: the fault is postponed,
 * and a call-out releases it. Whatever may have changed the answer ends the pause early. So it is
 * with accesses that have to wait for a devmap_unmap(9E), but that alone ends their pause (C27).
 */
#include "internal.h"

#define FIRST_NS   1000000  /* the first pause; each is twice as long as the one before ... */
#define LONGEST_NS 32000000 /* ... up to this */
#define UNLESS_SET 1000	    /* ms */

/* How long the driver of the handle may load nothing, in ms; 0: not at all; -1: for ever. */
int retry_ms(const struct devmap_handle *dh)
{
	return ddi_prop_get_int(DDI_DEV_T_ANY, dh->dh_dip, 0, "devmap-retry-unloaded", UNLESS_SET);
}

/*
 * The driver has loaded nothing for f, once more. Is it to be asked again? If so, f_due says when.
 */
boolean_t retry_left(struct devmap_fault *f, const struct devmap_handle *dh)
{
	hrtime_t now = gethrtime(), end;
	int ms = retry_ms(dh);

	ASSERT(MUTEX_HELD(&f->f_as->a_lock));
	if (ms == 0)
		return B_FALSE;
	if (f->f_since == 0)
		f->f_since = now;
	end = ms < 0 ? ARB_NEVER : f->f_since + ms * (hrtime_t)(NANOSEC / MILLISEC);
	if (now >= end)
		return B_FALSE;
	f->f_due = MIN(now + f->f_pause, end);
	f->f_pause = f->f_pause == 0 ? FIRST_NS : MIN(2 * f->f_pause, LONGEST_NS);
	return B_TRUE;
}

/* f has been answered. */
void retry_end(struct devmap_fault *f)
{
	f->f_since = 0;
	f->f_due = 0;
	f->f_pause = 0;
}

/*
 * Give back the paused faults of as at addresses [lo, hi) that are due from then to then. a_lock
 * held.
 */
static void give_back(struct as *as, uintptr_t lo, uintptr_t hi, hrtime_t from, hrtime_t to)
{
	struct devmap_fault **p = &as->a_paused, *f;

	ASSERT(MUTEX_HELD(&as->a_lock));
	while ((f = *p) != NULL) {
		if (f->f_addr < lo || f->f_addr >= hi || f->f_due < from || f->f_due > to) {
			p = &f->f_paused_next;
			continue;
		}
		*p = f->f_paused_next;
		f->f_paused = B_FALSE;
		f->f_due = 0;
		engine_release(f); /* from here on it is the engine's */
	}
}

/* A pause is over. There is a call-out for each, so one that is due within a tick is due. */
static void pause_over(void *arg)
{
	struct as *as = arg;

	mutex_enter(&as->a_lock);
	give_back(as, 0, UINTPTR_MAX, 0, gethrtime() + NANOSEC / hz);
	as_left(as);
	mutex_exit(&as->a_lock);
}

/* From now on f is perhaps in another thread's hands. a_lock held. */
static enum devmap_fault_result postpone(struct devmap_fault *f)
{
	struct as *as = f->f_as;

	ASSERT(MUTEX_HELD(&as->a_lock));
	f->f_paused = B_TRUE;
	f->f_paused_next = as->a_paused;
	as->a_paused = f;
	return DEVMAP_FAULT_POSTPONED;
}

/*
 * f is not due yet. Returns DEVMAP_FAULT_POSTPONED; or, where the thread that faulted serves itself,
 * DEVMAP_FAULT_DONE after the pause, or, with f_again set, since it took a signal. a_lock held, but
 * not while it sleeps.
 */
enum devmap_fault_result pause_fault(struct devmap_fault *f)
{
	struct as *as = f->f_as;
	hrtime_t tick = NANOSEC / hz;

	ASSERT(MUTEX_HELD(&as->a_lock));
	if (f->f_direct) {
		as->a_pausing++;
		if (cv_timedwait_sig_hires(&as->a_cv, &as->a_lock, f->f_due, 1,
					   CALLOUT_FLAG_ABSOLUTE) == 0)
			f->f_again = B_TRUE;
		as->a_pausing--;
		return DEVMAP_FAULT_DONE;
	}
	as->a_users++; /* the call-out's; it is not taken back */
	(void)timeout(pause_over, as, (clock_t)((f->f_due - gethrtime() + tick - 1) / tick));
	return postpone(f);
}

/* f waits for a devmap_unmap(9E) of its process: for the handle to be open, or the gate. As above. */
enum devmap_fault_result pause_until_open(struct devmap_fault *f)
{
	struct as *as = f->f_as;

	ASSERT(MUTEX_HELD(&as->a_lock));
	if (f->f_direct) {
		if (cv_wait_sig(&as->a_cv, &as->a_lock) == 0)
			f->f_again = B_TRUE;
		return DEVMAP_FAULT_DONE;
	}
	f->f_due = ARB_NEVER;
	return postpone(f);
}

/* A gate has been opened. a_lock held. */
void pause_opened(struct as *as)
{
	ASSERT(MUTEX_HELD(&as->a_lock));
	give_back(as, 0, UINTPTR_MAX, ARB_NEVER, ARB_NEVER);
}

/* For accesses at addresses [lo, hi) the answer may be another one now. a_lock held. */
void pause_end(struct as *as, uintptr_t lo, uintptr_t hi)
{
	ASSERT(MUTEX_HELD(&as->a_lock));
	give_back(as, lo, hi, 0, ARB_NEVER);
	if (as->a_pausing > 0)
		cv_broadcast(&as->a_cv);
}

/* f is served, or forgotten, perhaps before it was released. a_lock held. */
void pause_recall(struct devmap_fault *f)
{
	struct devmap_fault **p = &f->f_as->a_paused;

	ASSERT(MUTEX_HELD(&f->f_as->a_lock));
	if (!f->f_paused)
		return;
	while (*p != f)
		p = &(*p)->f_paused_next;
	*p = f->f_paused_next;
	f->f_paused = B_FALSE;
}
