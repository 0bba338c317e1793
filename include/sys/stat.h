/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sys/stat.h: S_IFCHR and S_IFBLK, for ddi_create_minor_node(9F).
 *
 * Found before libc's header of the same name, which it includes first.
 */
#ifndef DEVMAP_SYS_STAT_H
#define DEVMAP_SYS_STAT_H

#ifndef __KERNEL__
#include_next <sys/stat.h>
#endif
#include <sys/types.h>

/* libc hides them from strict ISO C. */
#ifndef S_IFCHR
#define S_IFCHR 0020000
#endif
#ifndef S_IFBLK
#define S_IFBLK 0060000
#endif

#endif /* DEVMAP_SYS_STAT_H */
