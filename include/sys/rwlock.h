/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sys/rwlock.h: rwlock(9F), which is in sys/ksynch.h.
 */
#ifndef DEVMAP_SYS_RWLOCK_H
#define DEVMAP_SYS_RWLOCK_H

#include <sys/ksynch.h>

#endif /* DEVMAP_SYS_RWLOCK_H */
