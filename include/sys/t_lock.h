/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sys/t_lock.h: all kinds of locks, which are in sys/ksynch.h.
 */
#ifndef DEVMAP_SYS_T_LOCK_H
#define DEVMAP_SYS_T_LOCK_H

#include <sys/ksynch.h>

#endif /* DEVMAP_SYS_T_LOCK_H */
