/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sys/param.h: the size of a page, and arithmetic on it; ticks come with sys/time.h. ptob(9F),
 * btop(9F), btopr(9F).
 *
 * Found before libc's header of the same name, which it includes first: NBBY, NODEV, MIN, MAX,
 * howmany and roundup are libc's.
 */
#ifndef DEVMAP_SYS_PARAM_H
#define DEVMAP_SYS_PARAM_H

#ifndef __KERNEL__
#include_next <sys/param.h>
#endif
#include <sys/types.h>
#include <sys/time.h>

/*
 * Constants, since drivers size arrays with them; where pages are larger the whole project is built
 * with another -DPAGESHIFT. int, so that PAGEMASK masks offsets of every width.
 */
#ifndef PAGESHIFT
#define PAGESHIFT 12
#endif
#ifndef PAGESIZE
#define PAGESIZE (1 << PAGESHIFT)
#endif
#ifndef PAGEOFFSET
#define PAGEOFFSET (PAGESIZE - 1)
#endif
#ifndef PAGEMASK
#define PAGEMASK (~PAGEOFFSET)
#endif

#ifndef DEV_BSIZE
#define DEV_BSIZE 512 /* bytes in a block of buf(9S) */
#endif
#ifndef DEV_BSHIFT
#define DEV_BSHIFT 9
#endif
#ifndef dbtob
#define dbtob(blocks) ((unsigned long)(blocks) << DEV_BSHIFT)
#define btodb(bytes)  ((unsigned long)(bytes) >> DEV_BSHIFT)
#define lbtodb(bytes) ((u_longlong_t)(bytes) >> DEV_BSHIFT)
#endif

#ifndef MIN
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#endif
#ifndef MAX
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#endif

/* Waits (spinning, if it is short) for so many microseconds: drv_usecwait(9F). */
void drv_usecwait(clock_t microsecs);
#ifndef DELAY
#define DELAY(us) drv_usecwait(us)
#endif
/* Until cond holds, which is looked at each microsecond, n - 1 times at most. */
#ifndef CDELAY
#define CDELAY(cond, n)                               \
	do {                                          \
		clock_t devmap_left_ = (n);           \
		while (--devmap_left_ > 0 && !(cond)) \
			drv_usecwait(1);              \
	} while (0)
#endif

unsigned long ptob(unsigned long numpages);  /* bytes in so many pages */
unsigned long btop(unsigned long numbytes);  /* whole pages in so many bytes */
unsigned long btopr(unsigned long numbytes); /* pages that hold so many bytes */

#endif /* DEVMAP_SYS_PARAM_H */
