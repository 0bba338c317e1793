/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sys/time.h: time in nanoseconds and in ticks. gethrtime(9F), ddi_get_lbolt(9F).
 *
 * Found before libc's header of the same name, which it includes first.
 */
#ifndef DEVMAP_SYS_TIME_H
#define DEVMAP_SYS_TIME_H

#ifndef __KERNEL__
#include_next <sys/time.h>
#endif
#include <sys/types.h>
#include <sys/types32.h>

extern int hz; /* ticks per second: 1000 */

/* Nanoseconds since some moment in the past; never goes back. */
hrtime_t gethrtime(void);

#ifndef SEC
#define SEC 1
#endif
#ifndef MILLISEC
#define MILLISEC 1000
#endif
#ifndef MICROSEC
#define MICROSEC 1000000
#endif
#ifndef NANOSEC
#define NANOSEC 1000000000LL
#endif

/* Ticks to time, and back; towards 0, _ROUNDUP upwards. */
#define DEVMAP_ROUNDUP_DIV(x, y) (((x) + (y)-1) / (y))

#define TICK_TO_SEC(t)		 ((t) / hz)
#define SEC_TO_TICK(s)		 ((s)*hz)
#define TICK_TO_MSEC(t)		 ((t) * (MILLISEC / hz))
#define MSEC_TO_TICK(m)		 ((m) / (MILLISEC / hz))
#define MSEC_TO_TICK_ROUNDUP(m)	 DEVMAP_ROUNDUP_DIV((m), (MILLISEC / hz))
#define TICK_TO_USEC(t)		 ((t) * (MICROSEC / hz))
#define USEC_TO_TICK(u)		 ((u) / (MICROSEC / hz))
#define USEC_TO_TICK_ROUNDUP(u)	 DEVMAP_ROUNDUP_DIV((u), (MICROSEC / hz))
#define TICK_TO_NSEC(t)		 ((hrtime_t)(t) * (NANOSEC / hz))
#define NSEC_TO_TICK(n)		 ((n) / (NANOSEC / hz))
#define NSEC_TO_TICK_ROUNDUP(n)	 DEVMAP_ROUNDUP_DIV((n), (NANOSEC / hz))

#endif /* DEVMAP_SYS_TIME_H */
