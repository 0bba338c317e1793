/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * LOCKS OF ZEROS. A lock of the DDI is valid, and free, when it is filled with zeros, which Linux's
 * are not. So whoever uses one looks at `ready` first, and initialises it if he is the first. lockdep
 * knows nothing of such a lock; those that *_init() made are told apart by the place of the call.
 * A destroyed lock is one of zeros: freed memory that comes back is not taken for a ready lock.
 */
#ifndef DEVMAP_ENGINE_LINUX_LOCK_H
#define DEVMAP_ENGINE_LINUX_LOCK_H

#define READY 1

/* init is called, under a spin lock, by one of those who find *ready 0. */
void make_ready(unsigned int *ready, void (*init)(void *lock), void *lock);

#endif
