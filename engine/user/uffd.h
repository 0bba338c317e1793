/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * userfaultfd(2), as functions. All return 0 or -errno. Where there is a done, it is how many bytes
 * of the range were dealt with, in whole pages and from its beginning, whatever was returned; 0 is
 * returned only when that is all of them.
 */
#ifndef DEVMAP_ENGINE_USER_UFFD_H
#define DEVMAP_ENGINE_USER_UFFD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "uffd_compat.h"

int uffd_register(int uffd, uintptr_t addr, size_t len); /* MISSING and MINOR */
/* Neither wakes anybody; uffd_wake() does. */
int uffd_copy(int uffd, uintptr_t to, const void *from, size_t len, size_t *done);
int uffd_continue(int uffd, uintptr_t addr, size_t len, size_t *done);
int uffd_wake(int uffd, uintptr_t addr, size_t len);

/*
 * The next event of a client's, without waiting. 0, -EAGAIN: there is none, or -errno. The client can make
 * it a blocking one whenever it likes. That is undone, and where the kernel cannot be told not to wait
 * (uffd_may_block()) one that is quick can keep the thread.
 */
int uffd_read(int uffd, struct uffd_msg *msg);
bool uffd_may_block(void);

/*
 * -EAGAIN means that the address space is being changed and an event is to be read first. We enable
 * no events, but a client might have. Yields; returns false when it is time to give up. *tries
 * begins as 0.
 */
bool uffd_again(unsigned *tries);

#endif
