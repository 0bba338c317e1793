/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sys/buf.h: one transfer of a block of data. buf(9S), strategy(9E), physio(9F), biodone(9F).
 *
 * There are no block devices here, and no cache of blocks: a driver has bufs of its own
 * (getrbuf(9F)), or those of physio(9F), which it calls in read(9E) and write(9E). The data of these is
 * in the engine's memory: b_un.b_addr can always be followed, before bp_mapin(9F) too.
 */
#ifndef DEVMAP_SYS_BUF_H
#define DEVMAP_SYS_BUF_H

#include <sys/types.h>
#include <sys/types32.h>
#include <sys/ksynch.h>
#include <sys/kstat.h>

struct page;
struct uio;

typedef struct buf {
	int b_flags;
	struct buf *b_forw; /* the driver's, as the next three */
	struct buf *b_back;
	struct buf *av_forw;
	struct buf *av_back;
	o_dev_t b_dev;
	size_t b_bcount; /* bytes wanted */
	union {
		caddr_t b_addr;
		struct fs *b_fs;
		struct cg *b_cg;
		struct dinode *b_dino;
		daddr32_t *b_daddr;
	} b_un;
	lldaddr_t _b_blkno;
	char b_obs1;
	size_t b_resid; /* bytes that were not transferred */
	clock_t b_start;
	struct proc *b_proc;
	struct page *b_pages; /* NULL */
	clock_t b_obs2;
	size_t b_bufsize;
	int (*b_iodone)(struct buf *bp); /* biodone(9F) calls it, and does nothing else */
	struct vnode *b_vp;
	struct buf *b_chain;
	int b_obs3;
	int b_error; /* see bioerror(9F), geterror(9F) */
	void *b_private;
	dev_t b_edev;
	ksema_t b_sem;
	ksema_t b_io; /* biowait(9F) waits for it */
	struct buf *b_list;
	struct page **b_shadow;
	void *b_dip;
	struct vnode *b_file;
	offset_t b_offset;
} buf_t;

/* Blocks of DEV_BSIZE bytes. */
#define b_blkno	 _b_blkno._f
#define b_lblkno _b_blkno._f
#define b_actf	 av_forw
#define b_actl	 av_back
#define b_active b_bcount
#define b_errcnt b_resid

/* b_flags. Whether data is read or written is told by B_READ alone. */
#define B_BUSY	      0x1
#define B_DONE	      0x2
#define B_ERROR	      0x4
#define B_PAGEIO      0x10
#define B_PHYS	      0x20 /* physio(9F) */
#define B_READ	      0x40
#define B_WANTED      0x80
#define B_WRITE	      0x100
#define B_AGE	      0x200
#define B_ASYNC	      0x400 /* nobody waits */
#define B_DELWRI      0x800
#define B_STALE	      0x1000
#define B_DONTNEED    0x2000
#define B_REMAPPED    0x4000
#define B_FREE	      0x8000
#define B_INVAL	      0x10000
#define B_FORCE	      0x20000
#define B_NOCACHE     0x80000
#define B_TRUNC	      0x100000
#define B_SHADOW      0x200000
#define B_RETRYWRI    0x400000
#define B_FAILFAST    0x1000000
#define B_STARTED     0x2000000
#define B_ABRWRITE    0x4000000
#define B_PAGE_NOWAIT 0x8000000

/* A driver's queue, for disksort(9F); it begins like a buf. */
struct diskhd {
	int b_flags;
	struct buf *b_forw;
	struct buf *b_back;
	struct buf *av_forw; /* the first that waits */
	struct buf *av_back; /* the last */
	o_dev_t b_dev;
	size_t b_bcount;
};

/*
 * physio(9F): has strat transfer what uio describes, in pieces of one buffer of the program, and of
 * what mincnt leaves of b_bcount. bp NULL: a buf of its own; else it waits until that is free. rw:
 * B_READ, B_WRITE. Returns 0, or what geterror(9F) says; EFAULT.
 */
int physio(int (*strat)(struct buf *bp), struct buf *bp, dev_t dev, int rw,
	   void (*mincnt)(struct buf *bp), struct uio *uio);
void minphys(struct buf *bp); /* at most maxphys bytes */
extern int maxphys;

void biodone(struct buf *bp); /* the transfer is over */
int biowait(struct buf *bp);  /* until it is; as geterror() */
int geterror(struct buf *bp);
void bioerror(struct buf *bp, int error); /* 0: there is none */
void bioreset(struct buf *bp);		  /* as getrbuf() gave it */
void bioinit(struct buf *bp);		  /* for a buf inside of something */
void biofini(struct buf *bp);
size_t biosize(void);
int biomodified(struct buf *bp); /* -1: that is not known */
/*
 * A part of bp as a buf of its own, in bp_mem, or in one of getrbuf() if that is NULL. NULL: no memory.
 */
struct buf *bioclone(struct buf *bp, off_t off, size_t len, dev_t dev, daddr_t blkno,
		     int (*iodone)(struct buf *bp), struct buf *bp_mem, int sleep);

struct buf *getrbuf(int sleepflag); /* KM_SLEEP, KM_NOSLEEP; NULL: no memory */
void freerbuf(struct buf *bp);
void clrbuf(struct buf *bp); /* zeros */
void disksort(struct diskhd *dp, struct buf *bp);

/* Nothing has to be done. */
void bp_mapin(struct buf *bp);
void *bp_mapin_common(struct buf *bp, int flag);
void bp_mapout(struct buf *bp);
/* Between the driver's memory and bp's, from offset on. 0, or EINVAL: it is not inside. */
int bp_copyin(struct buf *bp, void *driverbuf, offset_t offset, size_t size);
int bp_copyout(void *driverbuf, struct buf *bp, offset_t offset, size_t size);

#endif /* DEVMAP_SYS_BUF_H */
