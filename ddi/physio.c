/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * physio(9F). The data goes through memory of the engine, since the program's is another process's in
 * the user engine, and may be anywhere in the kernel.
 */
#include <sys/buf.h>
#include <sys/debug.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/param.h>
#include <sys/proc.h>
#include <sys/uio.h>

#include "ddi.h"

/*
 * Who has which buf. A flag of the buf's would be written beside what its driver does with b_flags.
 */
struct claim {
	struct claim *next;
	const struct buf *bp;
};

static kmutex_t claims_lock; /* a leaf */
static kcondvar_t claims_ended;
static struct claim *claims;

static bool is_claimed(const struct buf *bp)
{
	const struct claim *c = claims;

	ASSERT(MUTEX_HELD(&claims_lock));
	while (c != NULL && c->bp != bp)
		c = c->next;
	return c != NULL;
}

static void buf_claim(struct claim *c, struct buf *bp)
{
	mutex_enter(&claims_lock);
	while (is_claimed(bp))
		cv_wait(&claims_ended, &claims_lock);
	c->bp = bp;
	c->next = claims;
	claims = c;
	mutex_exit(&claims_lock);
}

static void buf_release(struct claim *c, struct buf *bp)
{
	struct claim **link = &claims;

	bp->b_flags &= ~(B_BUSY | B_PHYS);
	mutex_enter(&claims_lock);
	while (*link != c)
		link = &(*link)->next;
	*link = c->next;
	cv_broadcast(&claims_ended);
	mutex_exit(&claims_lock);
}

/* The next piece, of which bp has the size; its data is still to come. */
static void piece_begin(struct buf *bp, dev_t dev, int rw, const struct uio *uio)
{
	bp->b_flags = B_BUSY | B_PHYS | (rw & B_READ ? B_READ : B_WRITE);
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
	struct claim claim;
	int error = 0;

	if (own != NULL)
		bp = own;
	buf_claim(&claim, bp);
	bp->b_resid = 0;
	while (error == 0 && bp->b_resid == 0 && uio->uio_resid > 0 && uio->uio_iovcnt > 0) {
		if (uio->uio_iov->iov_len == 0) {
			uio->uio_iov++;
			uio->uio_iovcnt--;
			continue;
		}
		error = piece(strat, bp, dev, rw, mincnt, uio);
	}
	buf_release(&claim, bp);
	if (own != NULL)
		freerbuf(own);
	return error;
}
