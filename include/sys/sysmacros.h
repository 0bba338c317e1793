/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sys/sysmacros.h: arithmetic with powers of two, and the like.
 *
 * Found before libc's header of the same name, which it includes first: major(), minor() and
 * makedev() are libc's; MIN, MAX and roundup come with sys/param.h.
 */
#ifndef DEVMAP_SYS_SYSMACROS_H
#define DEVMAP_SYS_SYSMACROS_H

#ifndef __KERNEL__
#include_next <sys/sysmacros.h>
#endif
#include <sys/param.h>

#ifndef howmany
#define howmany(x, y) (((x) + ((y)-1)) / (y))
#endif
#ifndef roundup
#define roundup(x, y) (howmany(x, y) * (y))
#endif
#ifndef NELEM
#define NELEM(a) (sizeof(a) / sizeof((a)[0]))
#endif

/*
 * align is a power of two. It is brought to the type of x first: a mask of 32 unsigned bits would
 * cut an offset of 64.
 */
#define DEVMAP_P2MASK(x, align) ((__typeof__((x) + 0))(align)-1)

#ifndef P2ALIGN
#define P2ALIGN(x, align) ((x) & ~DEVMAP_P2MASK(x, align))
#endif
#ifndef P2PHASE
#define P2PHASE(x, align) ((x)&DEVMAP_P2MASK(x, align))
#endif
#ifndef P2ROUNDUP
#define P2ROUNDUP(x, align) (((x) + DEVMAP_P2MASK(x, align)) & ~DEVMAP_P2MASK(x, align))
#endif
#ifndef ISP2
#define ISP2(x) (((x) & ((x)-1)) == 0)
#endif
#ifndef IS_P2ALIGNED
#define IS_P2ALIGNED(v, a) ((((uintptr_t)(v)) & ((uintptr_t)(a)-1)) == 0)
#endif

#endif /* DEVMAP_SYS_SYSMACROS_H */
