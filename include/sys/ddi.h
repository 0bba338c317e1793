/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sys/ddi.h: device numbers, ticks; pages come with sys/param.h. getmajor(9F), makedevice(9F), ptob(9F),
 * drv_usectohz(9F), drv_getparm(9F), delay(9F), max(9F). By custom the last DDI header that a
 * driver includes, followed by sys/sunddi.h.
 */
#ifndef DEVMAP_SYS_DDI_H
#define DEVMAP_SYS_DDI_H

#include <sys/types.h>
#include <sys/buf.h>
#include <sys/cred.h>
#include <sys/debug.h>
#include <sys/time.h>
#include <sys/map.h>
#include <sys/stream.h>
#include <sys/kmem.h>
#include <sys/ksynch.h>
#include <sys/list.h>
#include <sys/model.h>
#include <sys/param.h>
#include <sys/poll.h>
#include <sys/thread.h>
#include <sys/uio.h>

major_t getmajor(dev_t dev);
minor_t getminor(dev_t dev);
dev_t makedevice(major_t majnum, minor_t minnum);

clock_t drv_usectohz(clock_t microsecs); /* ticks; rounds up */
clock_t drv_hztousec(clock_t ticks);	 /* microseconds */
void drv_usecwait(clock_t microsecs);	 /* waits for at least so long, without sleeping */
void delay(clock_t ticks);		 /* sleeps */

/*
 * drv_getparm(9F): stores what parm names. Returns 0; -1: no such parm, or (for those of a process)
 * no process is being served.
 */
int drv_getparm(unsigned int parm, void *value_p);

#define TIME   1 /* time_t: seconds since 1970 */
#define UPROCP 2 /* proc_t *: opaque */
#define PPGRP  3 /* pid_t: process group */
#define LBOLT  4 /* clock_t: as ddi_get_lbolt() */
/* Numbers of statistics that nobody keeps: -1. */
#define SYSRINT 5
#define SYSXINT 6
#define SYSMINT 7
#define SYSRAWC 8
#define SYSCANC 9
#define SYSOUTC 10
#define PPID	11 /* pid_t: process */
#define PSID	12 /* pid_t: session */
#define UCRED	13 /* cred_t * */

int drv_setparm(unsigned int parm, unsigned long value); /* -1: there is nothing to be set */

#ifndef __KERNEL__ /* Linux has macros of these names that do the same */
int(min)(int int1, int int2);
int(max)(int int1, int int2);
#endif

#endif /* DEVMAP_SYS_DDI_H */
