/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sys/ioctl.h: _IO(), _IOR(), _IOW(), _IOWR() for the commands of ioctl(9E). They are encoded as
 * Linux does it, since programs use libc's header.
 *
 * Found before libc's header of the same name, which it includes.
 */
#ifndef DEVMAP_SYS_IOCTL_H
#define DEVMAP_SYS_IOCTL_H

#ifndef __KERNEL__
#include_next <sys/ioctl.h>
#else
#include <sys/types.h>
#endif

#endif /* DEVMAP_SYS_IOCTL_H */
