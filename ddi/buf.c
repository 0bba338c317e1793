/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* buf(9S): getrbuf(9F), biodone(9F) and what else works on one. */
#include <sys/buf.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/systm.h>

#include "ddi.h"

int maxphys = 56 * 1024;

void minphys(struct buf *bp)
{
	if (bp->b_bcount > (size_t)maxphys)
		bp->b_bcount = (size_t)maxphys;
}

void bioinit(struct buf *bp)
{
	*bp = (struct buf){ .b_offset = -1 };
	sema_init(&bp->b_sem, 0, NULL, SEMA_DEFAULT, NULL);
	sema_init(&bp->b_io, 0, NULL, SEMA_DEFAULT, NULL);
}

void biofini(struct buf *bp)
{
	sema_destroy(&bp->b_sem);
	sema_destroy(&bp->b_io);
}

void bioreset(struct buf *bp)
{
	biofini(bp);
	bioinit(bp);
}

size_t biosize(void)
{
	return sizeof(struct buf);
}

struct buf *getrbuf(int sleepflag)
{
	struct buf *bp = kmem_alloc(sizeof(*bp), sleepflag);

	if (bp != NULL)
		bioinit(bp);
	return bp;
}

void freerbuf(struct buf *bp)
{
	biofini(bp);
	kmem_free(bp, sizeof(*bp));
}

void bioerror(struct buf *bp, int error)
{
	bp->b_error = error;
	if (error != 0)
		bp->b_flags |= B_ERROR;
	else
		bp->b_flags &= ~B_ERROR;
}

int geterror(struct buf *bp)
{
	if (!(bp->b_flags & B_ERROR))
		return 0;
	return bp->b_error != 0 ? bp->b_error : EIO;
}

void biodone(struct buf *bp)
{
	if (bp->b_iodone != NULL) {
		(void)bp->b_iodone(bp);
		return;
	}
	if (bp->b_flags & B_DONE) {
		driver_mistake(CALL_SITE(), "biodone", "%p is done already", (void *)bp);
		return;
	}
	bp->b_flags |= B_DONE;
	if (!(bp->b_flags & B_ASYNC))
		sema_v(&bp->b_io);
}

int biowait(struct buf *bp)
{
	sema_p(&bp->b_io);
	return geterror(bp);
}

int biomodified(struct buf *bp)
{
	(void)bp;
	return -1;
}

struct buf *bioclone(struct buf *bp, off_t off, size_t len, dev_t dev, daddr_t blkno,
		     int (*iodone)(struct buf *bp), struct buf *bp_mem, int sleep)
{
	struct buf *clone = bp_mem != NULL ? bp_mem : getrbuf(sleep);

	if (clone == NULL)
		return NULL;
	if (bp_mem != NULL)
		bioreset(clone);
	clone->b_flags = (bp->b_flags & (B_READ | B_WRITE | B_PHYS | B_FAILFAST | B_ABRWRITE)) |
			 B_BUSY;
	clone->b_un.b_addr = bp->b_un.b_addr + off;
	clone->b_bcount = clone->b_bufsize = len;
	clone->b_blkno = blkno;
	clone->b_edev = dev;
	clone->b_proc = bp->b_proc;
	clone->b_iodone = iodone;
	return clone;
}

void clrbuf(struct buf *bp)
{
	bzero(bp->b_un.b_addr, bp->b_bcount);
	bp->b_resid = 0;
}

/*
 * From `at` on, the last one that bp goes behind: those whose blocks ascend up to its own, and no
 * further than where they begin anew.
 */
static struct buf *last_before(struct buf *at, const struct buf *bp)
{
	while (at->av_forw != NULL && at->av_forw->b_lblkno >= at->b_lblkno &&
	       at->av_forw->b_lblkno <= bp->b_lblkno)
		at = at->av_forw;
	return at;
}

/*
 * Two runs of ascending blocks: what is still to come on this way, behind the first that waits, and
 * what the next way is for.
 */
void disksort(struct diskhd *dp, struct buf *bp)
{
	struct buf *at = dp->av_forw;

	bp->av_forw = NULL;
	if (at == NULL) {
		dp->av_forw = dp->av_back = bp;
		return;
	}
	if (bp->b_lblkno < at->b_lblkno) {
		while (at->av_forw != NULL && at->av_forw->b_lblkno >= at->b_lblkno)
			at = at->av_forw;
		if (at->av_forw != NULL && at->av_forw->b_lblkno <= bp->b_lblkno)
			at = at->av_forw;
	}
	if (bp->b_lblkno >= at->b_lblkno)
		at = last_before(at, bp);
	bp->av_forw = at->av_forw;
	at->av_forw = bp;
	if (bp->av_forw == NULL)
		dp->av_back = bp;
}

void bp_mapin(struct buf *bp)
{
	(void)bp;
}

void *bp_mapin_common(struct buf *bp, int flag)
{
	(void)flag;
	return bp->b_un.b_addr;
}

void bp_mapout(struct buf *bp)
{
	(void)bp;
}

static bool inside(const struct buf *bp, offset_t offset, size_t size)
{
	return offset >= 0 && (u_offset_t)offset <= bp->b_bcount &&
	       size <= bp->b_bcount - (size_t)offset;
}

int bp_copyin(struct buf *bp, void *driverbuf, offset_t offset, size_t size)
{
	if (!inside(bp, offset, size))
		return EINVAL;
	bcopy(bp->b_un.b_addr + offset, driverbuf, size);
	return 0;
}

int bp_copyout(void *driverbuf, struct buf *bp, offset_t offset, size_t size)
{
	if (!inside(bp, offset, size))
		return EINVAL;
	bcopy(driverbuf, bp->b_un.b_addr + offset, size);
	return 0;
}
