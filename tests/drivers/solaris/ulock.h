/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What programs ask the driver ulock. */
#ifndef ULOCK_H
#define ULOCK_H

#define ULOCK_WAITERS (('u' << 8) | 1) /* how many wait for the lock of this number: the result */

#endif
