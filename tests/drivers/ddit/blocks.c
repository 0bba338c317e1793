/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Transfers of blocks. */
#define DEVMAP_MODULE_PART
#include "check.h"

#include <sys/buf.h>
#include <sys/param.h>
#include <sys/uio.h>

static uio_t uio_of(struct iovec *iov, int n)
{
	uio_t u = { .uio_iov = iov, .uio_iovcnt = n, .uio_segflg = UIO_SYSSPACE };

	for (int i = 0; i < n; i++)
		u.uio_resid += (ssize_t)iov[i].iov_len;
	return u;
}

void check_uio_stays(struct check *c)
{
	char a[4] = "", b[8] = "", text[] = "0123456789abcdef";
	struct iovec iov[3] = { { a, 4 }, { NULL, 0 }, { b, 8 } };
	uio_t u = uio_of(iov, 3);
	size_t n = 99;

	CHECK_EQ(c, uiocopy(text, 6, UIO_READ, &u, &n), 0);
	CHECK(c, n == 6 && u.uio_resid == 12 && u.uio_iov == iov && iov[0].iov_len == 4);
	CHECK(c, memcmp(a, "0123", 4) == 0 && memcmp(b, "45", 3) == 0);
	CHECK_EQ(c, uiocopy(text, 16, UIO_READ, &u, &n), 0);
	CHECK_EQ(c, n, 12);
	uioskip(&u, 5);
	CHECK(c, u.uio_resid == 7 && u.uio_loffset == 5 && u.uio_iov == &iov[2]);
	CHECK_EQ(c, uiocopy(text, 2, UIO_WRITE, &u, &n), 0);
	CHECK(c, n == 2 && memcmp(text, "562", 3) == 0);
	uioskip(&u, 100);
	CHECK(c, u.uio_resid == 0 && u.uio_loffset == 12);
}

void check_buf_life(struct check *c)
{
	struct buf *bp = getrbuf(KM_SLEEP);

	CHECK(c, bp != NULL && bp->b_flags == 0 && bp->b_iodone == NULL && bp->b_offset == -1);
	CHECK_EQ(c, geterror(bp), 0);
	bioerror(bp, ENXIO);
	CHECK_EQ(c, geterror(bp), ENXIO);
	bp->b_error = 0;
	CHECK_EQ(c, geterror(bp), EIO);
	bioerror(bp, 0);
	CHECK(c, !(bp->b_flags & B_ERROR) && geterror(bp) == 0);
	bp->b_bcount = (size_t)maxphys + 1;
	minphys(bp);
	CHECK_EQ(c, bp->b_bcount, maxphys);
	bp->b_private = bp;
	bioreset(bp);
	CHECK(c, bp->b_bcount == 0 && bp->b_private == NULL);
	CHECK_EQ(c, biosize(), sizeof(*bp));
	CHECK_EQ(c, biomodified(bp), -1);
	bp->b_flags |= B_ASYNC;
	biodone(bp);
	CHECK(c, bp->b_flags & B_DONE);
	biodone(bp); /* C26: a message */
	freerbuf(bp);
}

static int waited;

static void finish(void *arg)
{
	delay(20);
	__atomic_store_n(&waited, 1, __ATOMIC_SEQ_CST);
	bioerror(arg, ENOSPC);
	biodone(arg);
}

static int called(struct buf *bp)
{
	bp->b_resid = 77;
	return 0;
}

void check_buf_waits(struct check *c)
{
	struct buf *bp = getrbuf(KM_SLEEP);

	waited = 0;
	job_start(finish, bp);
	CHECK_EQ(c, biowait(bp), ENOSPC);
	CHECK_EQ(c, __atomic_load_n(&waited, __ATOMIC_SEQ_CST), 1);
	jobs_wait();
	bioreset(bp);
	bp->b_iodone = called;
	biodone(bp);
	CHECK(c, bp->b_resid == 77 && !(bp->b_flags & B_DONE));
	freerbuf(bp);
}

void check_buf_parts(struct check *c)
{
	char data[] = "0123456789", some[4] = "";
	struct buf *bp = getrbuf(KM_SLEEP), *part;

	bp->b_un.b_addr = data;
	bp->b_bcount = 10;
	bp->b_flags = B_READ | B_BUSY;
	CHECK_EQ(c, bp_copyin(bp, some, 3, 4), 0);
	CHECK_EQ(c, memcmp(some, "3456", 4), 0);
	CHECK_EQ(c, bp_copyin(bp, some, 7, 4), EINVAL);
	CHECK_EQ(c, bp_copyin(bp, some, -1, 4), EINVAL);
	CHECK_EQ(c, bp_copyout(some, bp, 0, 2), 0);
	part = bioclone(bp, 6, 3, 5, 12, called, NULL, KM_SLEEP);
	CHECK(c, part != NULL && part->b_un.b_addr == data + 6 && part->b_bcount == 3);
	CHECK(c, part->b_flags & B_READ && part->b_blkno == 12 && part->b_edev == 5);
	bp_mapin(part);
	CHECK(c, bp_mapin_common(part, 0) == data + 6);
	bp_mapout(part);
	clrbuf(part);
	CHECK_EQ(c, memcmp(data, "342345\0\0\0009", 10), 0);
	CHECK(c, bioclone(bp, 1, 2, 0, 0, NULL, part, KM_SLEEP) == part);
	CHECK_EQ(c, part->b_bcount, 2);
	freerbuf(part);
	freerbuf(bp);
}

/* A device of so many blocks, each filled with its number. */
static struct {
	int calls;
	size_t most; /* bytes at once */
	int fail_at; /* this call fails, or comes short; 0: none */
	boolean_t shortly;
	boolean_t odd; /* a buf was not as it should be */
	char seen[16];
	size_t nseen;
} disk;

static void disk_mincnt(struct buf *bp)
{
	if (bp->b_bcount > disk.most)
		bp->b_bcount = disk.most;
}

static int disk_strategy(struct buf *bp)
{
	disk.calls++;
	if (!(bp->b_flags & B_BUSY) || !(bp->b_flags & B_PHYS) || bp->b_edev != 99 ||
	    !(bp->b_flags & B_READ) != !!(bp->b_flags & B_WRITE))
		disk.odd = B_TRUE;
	bp->b_resid = 0;
	if (disk.calls == disk.fail_at && !disk.shortly) {
		bioerror(bp, EROFS);
	} else {
		if (disk.calls == disk.fail_at)
			bp->b_resid = 1;
		if (bp->b_flags & B_READ)
			(void)memset(bp->b_un.b_addr, '0' + (int)bp->b_lblkno, bp->b_bcount);
		else if (disk.nseen + bp->b_bcount <= sizeof(disk.seen))
			bcopy(bp->b_un.b_addr, disk.seen + disk.nseen, bp->b_bcount);
		disk.nseen += bp->b_bcount - bp->b_resid;
	}
	biodone(bp);
	return 0;
}

static void disk_begin(size_t most, int fail_at, boolean_t shortly)
{
	bzero(&disk, sizeof(disk));
	disk.most = most;
	disk.fail_at = fail_at;
	disk.shortly = shortly;
}

void check_physio_reads(struct check *c)
{
	char *data = kmem_zalloc(3000, KM_SLEEP);
	struct iovec iov[2] = { { data, 1000 }, { data + 1000, 2000 } };
	uio_t u = uio_of(iov, 2);

	u.uio_loffset = 512;
	disk_begin(1024, 0, B_FALSE);
	CHECK_EQ(c, physio(disk_strategy, NULL, 99, B_READ, disk_mincnt, &u), 0);
	CHECK_EQ(c, u.uio_resid, 0);
	CHECK_EQ(c, u.uio_loffset, 3512);
	CHECK_EQ(c, disk.calls, 3);
	CHECK(c, !disk.odd);
	CHECK(c, data[0] == '1' && data[999] == '1' && data[1000] == '2' && data[2023] == '2' &&
			 data[2024] == '4' && data[2999] == '4');
	kmem_free(data, 3000);
}

void check_physio_writes(struct check *c)
{
	char data[] = "abcdefghij";
	struct iovec iov = { data, 10 };
	uio_t u = uio_of(&iov, 1);
	struct buf *bp = getrbuf(KM_SLEEP);

	disk_begin(4, 2, B_TRUE);
	CHECK_EQ(c, physio(disk_strategy, bp, 99, B_WRITE, disk_mincnt, &u), 0);
	CHECK_EQ(c, u.uio_resid, 3);
	CHECK_EQ(c, bp->b_resid, 1);
	CHECK_EQ(c, memcmp(disk.seen, "abcdefg", 7), 0);
	CHECK(c, !disk.odd && disk.calls == 2 && !(bp->b_flags & B_BUSY));
	disk_begin(1, 2, B_FALSE);
	CHECK_EQ(c, physio(disk_strategy, bp, 99, B_WRITE, disk_mincnt, &u), EROFS);
	CHECK_EQ(c, u.uio_resid, 2);
	CHECK_EQ(c, disk.seen[0], 'h');
	disk_begin(0, 0, B_FALSE);
	CHECK_EQ(c, physio(disk_strategy, bp, 99, B_WRITE, disk_mincnt, &u), EINVAL);
	freerbuf(bp);
}

static struct buf *shared;
static int transfers, at_once, too_many;

static int slow_strategy(struct buf *bp)
{
	if (__atomic_add_fetch(&at_once, 1, __ATOMIC_SEQ_CST) > 1)
		too_many = 1;
	delay(2);
	__atomic_add_fetch(&transfers, 1, __ATOMIC_SEQ_CST);
	__atomic_sub_fetch(&at_once, 1, __ATOMIC_SEQ_CST);
	biodone(bp);
	return 0;
}

static void transfer(void *arg)
{
	char data[8];
	struct iovec iov = { data, 8 };
	uio_t u = uio_of(&iov, 1);

	(void)physio(slow_strategy, shared, 99, B_READ, minphys, &u);
}

void check_physio_shares(struct check *c)
{
	shared = getrbuf(KM_SLEEP);
	transfers = at_once = too_many = 0;
	for (int i = 0; i < DDIT_WORKERS; i++)
		job_start(transfer, NULL);
	jobs_wait();
	CHECK_EQ(c, transfers, DDIT_WORKERS);
	CHECK_EQ(c, too_many, 0);
	freerbuf(shared);
}

void check_disk_sorts(struct check *c)
{
	const int come[] = { 50, 20, 70, 60, 10, 80, 30 }, go[] = { 50, 60, 70, 80, 10, 20, 30 };
	struct buf *b = kmem_zalloc(7 * sizeof(*b), KM_SLEEP);
	struct diskhd d;
	int n = 0, sorted = 0;
	longlong_t last;

	bzero(&d, sizeof(d));
	for (int i = 0; i < 7; i++) {
		bioinit(&b[i]);
		b[i].b_lblkno = come[i];
		disksort(&d, &b[i]);
	}
	for (struct buf *bp = d.av_forw; bp != NULL && n < 7; bp = bp->av_forw)
		sorted += bp->b_lblkno == go[n++];
	last = d.av_back->b_lblkno;
	for (int i = 0; i < 7; i++)
		biofini(&b[i]);
	kmem_free(b, 7 * sizeof(*b));
	CHECK_EQ(c, sorted, 7);
	CHECK_EQ(c, last, 30);
}
