/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sys/systm.h: time-outs, copying, strings: what a driver expects of every kernel. timeout(9F),
 * delay(9F), copyin(9F), bcopy(9F), string(9F).
 */
#ifndef DEVMAP_SYS_SYSTM_H
#define DEVMAP_SYS_SYSTM_H

#include <sys/types.h>
#include <sys/time.h>
#include <sys/proc.h>

#ifndef __KERNEL__
#include <string.h>
#include <strings.h> /* bcopy, bcmp, bzero */

/*
 * Libc's, declared here because <stdio.h> takes many names that drivers use. In parentheses, since
 * they may be macros.
 */
int(sprintf)(char *buf, const char *fmt, ...);
int(snprintf)(char *buf, size_t n, const char *fmt, ...);
int(vsnprintf)(char *buf, size_t n, const char *fmt, va_list ap);
#endif

/*
 * timeout(9F): calls func(arg) once, in a thread of the engine, after so many ticks (at least 1).
 * Returns an id, never 0.
 *
 * untimeout(9F): takes it back. Returns the ticks that were left, or -1: it has run, or there is no
 * such id. If func is running, waits for its end: the caller holds no lock that func takes.
 */
timeout_id_t timeout(void (*func)(void *arg), void *arg, clock_t ticks);
clock_t untimeout(timeout_id_t id);

void delay(clock_t ticks); /* sleeps; delay(9F) */

/*
 * copyin(9F), copyout(9F): cn bytes from, or to, the memory of the process that is being served.
 * They return 0, or -1: some of the memory cannot be accessed (then return EFAULT).
 */
int copyin(const void *userbuf, void *driverbuf, size_t cn);
int copyout(const void *driverbuf, void *userbuf, size_t cn);

#endif /* DEVMAP_SYS_SYSTM_H */
