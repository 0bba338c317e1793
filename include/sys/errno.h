/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sys/errno.h: error numbers. Intro(2). They are Linux's, since programs see them: ENOTSUP, EDEADLK
 * and others have other numbers than on Solaris.
 *
 * Found before libc's header of the same name, which it includes first.
 */
#ifndef DEVMAP_SYS_ERRNO_H
#define DEVMAP_SYS_ERRNO_H

#ifndef __KERNEL__
#include_next <sys/errno.h>
#else
#include <sys/types.h>
#endif

#ifndef ENOTSUP
#define ENOTSUP EOPNOTSUPP
#endif

#endif /* DEVMAP_SYS_ERRNO_H */
