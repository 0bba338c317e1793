/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sys/callo.h: flags of the calls that wait until a time, such as cv_timedwait_hires() in
 * sys/ksynch.h. condvar(9F). timeout(9F) itself is in sys/systm.h.
 */
#ifndef DEVMAP_SYS_CALLO_H
#define DEVMAP_SYS_CALLO_H

#define CALLOUT_FLAG_ROUNDUP  0x1 /* round the time up to the resolution, not down */
#define CALLOUT_FLAG_ABSOLUTE 0x2 /* the time is one of gethrtime(), not from now */

#endif /* DEVMAP_SYS_CALLO_H */
