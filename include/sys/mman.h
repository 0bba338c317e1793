/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sys/mman.h: protections and kinds of mapping. mmap(2), devmap_map(9E). PROT_* and MAP_* have the
 * same numbers on Linux and on Solaris.
 *
 * Found before libc's header of the same name, which it includes first.
 */
#ifndef DEVMAP_SYS_MMAN_H
#define DEVMAP_SYS_MMAN_H

#ifndef __KERNEL__
#include_next <sys/mman.h>
#else
#include <sys/types.h>
#endif

#ifndef PROT_USER
#define PROT_USER 0x8 /* user mode may access it; always set for mmap(2) */
#endif
#ifndef PROT_ALL
#define PROT_ALL (PROT_READ | PROT_WRITE | PROT_EXEC | PROT_USER)
#endif
#ifndef MAP_TYPE
#define MAP_TYPE 0xf /* mask of MAP_SHARED, MAP_PRIVATE */
#endif

#endif /* DEVMAP_SYS_MMAN_H */
