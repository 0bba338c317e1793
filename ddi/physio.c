/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * physio(9F). The data goes through memory of the engine, since the program's is another process's in
 * the user engine, and may be anywhere in the kernel.
 */
#include <sys/buf.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/param.h>
#include <sys/proc.h>
#include <sys/uio.h>

#include "ddi.h"

static kmutex_t busy_lock; /* guards B_BUSY and B_WANTED of drivers' bufs; a leaf */
static kcondvar_t busy_over;

static void buf_claim(struct buf *bp)
{
	mutex_enter(&busy_lock);
	while (bp->b_flags & B_BUSY) {
		bp->b_flags |= B_WANTED;
		cv_wait(&busy_over, &busy_lock);
	}
	bp->b_flags |= B_BUSY;
	mutex_exit(&busy_lock);
}

static void buf_release(struct buf *bp)
{
	mutex_enter(&busy_lock);
	if (bp->b_flags & B_WANTED)
		cv_broadcast(&busy_over);
	bp->b_flags &= ~(B_BUSY | B_WANTED | B_PHYS);
	mutex_exit(&busy_lock);
}

/* The next piece, of which bp has the size; its data is still to come. */
static void piece_begin(struct buf *bp, dev_t dev, int rw, const struct uio *uio)
{
	mutex_enter(&busy_lock);
	bp->b_flags = (bp->b_flags & B_WANTED) | B_BUSY | B_PHYS | (rw & B_READ ? B_READ : B_WRITE);
	mutex_exit(&busy_lock);
	bp->b_error = 0;
	bp->b_resid = 0;
	bp->b_proc = (struct proc *)curproc;
	bp->b_edev = dev;
	bp->b_offset = uio->uio_loffset;
	bp->b_lblkno = uio->uio_loffset / DEV_BSIZE;
	bp->b_bcount = uio->uio_iov->iov_len;
	if (bp->b_bcount > (size_t)uio->uio_resid)
		bp->b_bcount = (size_t)uio->uio_resid;
}

/* Transfers b_bcount bytes by way of memory at b_un.b_addr. 0 or an errno. */
static int piece_move(int (*strat)(struct buf *bp), struct buf *bp, struct uio *uio)
{
	const bool read = bp->b_flags & B_READ;
	const size_t len = bp->b_bcount;
	size_t done = 0;
	int error = 0;

	if (!read)
		error = uiocopy(bp->b_un.b_addr, len, UIO_WRITE, uio, &done);
	if (error != 0)
		return error;
	(void)strat(bp);
	error = biowait(bp);
	done = bp->b_resid < len ? len - bp->b_resid : 0;
	if (read && error == 0)
		return uiomove(bp->b_un.b_addr, done, UIO_READ, uio);
	if (error == 0)
		uioskip(uio, done);
	return error;
}

static int piece(int (*strat)(struct buf *bp), struct buf *bp, dev_t dev, int rw,
		 void (*mincnt)(struct buf *bp), struct uio *uio)
{
	size_t len;
	int error;

	piece_begin(bp, dev, rw, uio);
	mincnt(bp);
	minphys(bp);
	if (bp->b_bcount == 0)
		return EINVAL;
	len = bp->b_bufsize = bp->b_bcount;
	bp->b_un.b_addr = kmem_zalloc(len, KM_SLEEP);
	error = piece_move(strat, bp, uio);
	kmem_free(bp->b_un.b_addr, len);
	bp->b_un.b_addr = NULL;
	return error;
}

int physio(int (*strat)(struct buf *bp), struct buf *bp, dev_t dev, int rw,
	   void (*mincnt)(struct buf *bp), struct uio *uio)
{
	struct buf *own = bp == NULL ? getrbuf(KM_SLEEP) : NULL;
	int error = 0;

	if (own != NULL)
		bp = own;
	buf_claim(bp);
	bp->b_resid = 0;
	while (error == 0 && bp->b_resid == 0 && uio->uio_resid > 0 && uio->uio_iovcnt > 0) {
		if (uio->uio_iov->iov_len == 0) {
			uio->uio_iov++;
			uio->uio_iovcnt--;
			continue;
		}
		error = piece(strat, bp, dev, rw, mincnt, uio);
	}
	buf_release(bp);
	if (own != NULL)
		freerbuf(own);
	return error;
}
