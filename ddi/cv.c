/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The waits of condvar(9F): many calls of one, port_cv_wait(). */
#include <sys/callo.h>
#include <sys/ksynch.h>
#include <sys/time.h>

#include "ddi.h"
#include "port.h"

static enum port_wake cv_wait_for(kcondvar_t *cvp, kmutex_t *mp, const struct port_wait *w,
				  const void *site, const char *call)
{
	if (MUTEX_NOT_HELD(mp))
		driver_panic(site, call, "this thread does not hold mutex %p", (void *)mp);
	if (w->until <= gethrtime())
		return PORT_TIMED_OUT;
	return port_cv_wait(cvp, mp, w);
}

/* Ticks until a moment, at least 1. */
static clock_t ticks_left(hrtime_t until)
{
	hrtime_t left = until - gethrtime();

	/* Divided before rounding: until may be the last moment of all. */
	left = NSEC_TO_TICK(left) + (left % (NANOSEC / hz) > 0);
	return left > 1 ? (clock_t)left : 1;
}

/* What timed waits return. */
static clock_t cv_wait_timed(kcondvar_t *cvp, kmutex_t *mp, const struct port_wait *w,
			     const void *site, const char *call)
{
	switch (cv_wait_for(cvp, mp, w, site, call)) {
	case PORT_TIMED_OUT:
		return -1;
	case PORT_INTERRUPTED:
		return 0;
	default:
		return ticks_left(w->until);
	}
}

void cv_wait(kcondvar_t *cvp, kmutex_t *mp)
{
	const struct port_wait w = { .until = NEVER };

	(void)cv_wait_for(cvp, mp, &w, CALL_SITE(), "cv_wait");
}

int cv_wait_sig(kcondvar_t *cvp, kmutex_t *mp)
{
	const struct port_wait w = { .until = NEVER, .sig = true };

	return cv_wait_for(cvp, mp, &w, CALL_SITE(), "cv_wait_sig") != PORT_INTERRUPTED;
}

clock_t cv_timedwait(kcondvar_t *cvp, kmutex_t *mp, clock_t timeout)
{
	const struct port_wait w = { .until = ticks_ns(timeout), .slack = TICK_SLACK };

	return cv_wait_timed(cvp, mp, &w, CALL_SITE(), "cv_timedwait");
}

clock_t cv_timedwait_sig(kcondvar_t *cvp, kmutex_t *mp, clock_t timeout)
{
	const struct port_wait w = { .until = ticks_ns(timeout), .slack = TICK_SLACK, .sig = true };

	return cv_wait_timed(cvp, mp, &w, CALL_SITE(), "cv_timedwait_sig");
}

clock_t cv_reltimedwait(kcondvar_t *cvp, kmutex_t *mp, clock_t delta, time_res_t res)
{
	const struct port_wait w = { .until = ticks_from_now(delta), .slack = TICK_SLACK };

	(void)res;
	return cv_wait_timed(cvp, mp, &w, CALL_SITE(), "cv_reltimedwait");
}

clock_t cv_reltimedwait_sig(kcondvar_t *cvp, kmutex_t *mp, clock_t delta, time_res_t res)
{
	const struct port_wait w = { .until = ticks_from_now(delta),
				     .slack = TICK_SLACK,
				     .sig = true };

	(void)res;
	return cv_wait_timed(cvp, mp, &w, CALL_SITE(), "cv_reltimedwait_sig");
}

static struct port_wait hires_wait(hrtime_t tim, hrtime_t res, int flag, bool sig)
{
	struct port_wait w = { .sig = sig };

	w.until = flag & CALLOUT_FLAG_ABSOLUTE ? tim : time_later(gethrtime(), tim);
	if (flag & CALLOUT_FLAG_ROUNDUP && res > 1 && w.until < NEVER - res)
		w.until = (w.until + res - 1) / res * res;
	if (w.until == NEVER)
		w.until = NEVER - 1;
	w.slack = res <= 0 ? 0 : res < TICK_SLACK ? res : TICK_SLACK;
	return w;
}

clock_t cv_timedwait_hires(kcondvar_t *cvp, kmutex_t *mp, hrtime_t tim, hrtime_t res, int flag)
{
	const struct port_wait w = hires_wait(tim, res, flag, false);

	return cv_wait_timed(cvp, mp, &w, CALL_SITE(), "cv_timedwait_hires");
}

clock_t cv_timedwait_sig_hires(kcondvar_t *cvp, kmutex_t *mp, hrtime_t tim, hrtime_t res, int flag)
{
	const struct port_wait w = hires_wait(tim, res, flag, true);

	return cv_wait_timed(cvp, mp, &w, CALL_SITE(), "cv_timedwait_sig_hires");
}
