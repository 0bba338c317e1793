/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Time: ddi_get_lbolt(9F), drv_usectohz(9F), drv_usecwait(9F), delay(9F). A tick is a millisecond,
 * whatever the operating system's is. No time is so long that it would come out short.
 */
#include <sys/systm.h>
#include <sys/time.h>

#include "ddi.h"
#include "port.h"

#define SPIN_NS 50000 /* waits shorter than this are spun */

int hz = 1000;

int64_t ddi_get_lbolt64(void)
{
	return NSEC_TO_TICK(gethrtime());
}

clock_t ddi_get_lbolt(void)
{
	return (clock_t)ddi_get_lbolt64();
}

clock_t drv_usectohz(clock_t microsecs)
{
	/* Divided before rounding, so that the largest values do not overflow. */
	return USEC_TO_TICK(microsecs) + (microsecs % (MICROSEC / hz) > 0);
}

clock_t drv_hztousec(clock_t ticks)
{
	return TICK_TO_USEC(ticks);
}

hrtime_t time_later(hrtime_t from, hrtime_t ns)
{
	return ns >= NEVER - from ? NEVER - 1 : from + ns;
}

/* n units of so many nanoseconds. */
static hrtime_t units_ns(clock_t n, hrtime_t unit)
{
	return n >= NEVER / unit ? NEVER - 1 : n <= 0 ? 0 : n * unit;
}

hrtime_t ticks_ns(clock_t ticks)
{
	return units_ns(ticks, NANOSEC / hz);
}

hrtime_t ticks_from_now(clock_t ticks)
{
	return time_later(gethrtime(), ticks_ns(ticks));
}

void drv_usecwait(clock_t microsecs)
{
	hrtime_t ns = units_ns(microsecs, NANOSEC / MICROSEC);
	hrtime_t until = time_later(gethrtime(), ns);

	/* Spinning for long is only harm done to others. */
	if (ns > SPIN_NS)
		port_sleep_until(until, 0);
	while (gethrtime() < until)
		port_relax();
}

void delay(clock_t ticks)
{
	if (ticks > 0)
		port_sleep_until(ticks_from_now(ticks), TICK_SLACK);
}
