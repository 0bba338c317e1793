/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sys/uio.h: what read(9E) and write(9E) transfer. uio(9S), iovec(9S), uiomove(9F).
 *
 * Found before libc's header of the same name, which it includes first: struct iovec is libc's.
 */
#ifndef DEVMAP_SYS_UIO_H
#define DEVMAP_SYS_UIO_H

#ifndef __KERNEL__
#include_next <sys/uio.h>
#endif
#include <sys/types.h>

typedef struct iovec iovec_t;

typedef enum uio_rw { UIO_READ, UIO_WRITE } uio_rw_t; /* to the user, from the user */
typedef enum uio_seg { UIO_USERSPACE, UIO_SYSSPACE, UIO_USERISPACE } uio_seg_t; /* whose memory */

typedef struct uio {
	iovec_t *uio_iov;    /* the next buffer; advances */
	int uio_iovcnt;	     /* buffers left */
	lloff_t _uio_offset; /* of the file; advances */
	uio_seg_t uio_segflg;
	uint16_t uio_fmode; /* FREAD, FWRITE, FNONBLOCK ... of sys/file.h */
	uint16_t uio_extflg;
	lloff_t _uio_limit;
	ssize_t uio_resid; /* bytes left */
} uio_t;

#define uio_loffset _uio_offset._f
#define uio_offset  _uio_offset._f
#define uio_llimit  _uio_limit._f
#define uio_limit   _uio_limit._f

/*
 * Moves up to nbytes between address, in the driver, and the buffers of uio, and advances uio.
 * Returns 0; EFAULT: a buffer cannot be accessed.
 */
int uiomove(void *address, size_t nbytes, enum uio_rw rwflag, uio_t *uio_p);
/* The same, and uio stays where it is; *cbytes is how many it were. */
int uiocopy(void *address, size_t nbytes, enum uio_rw rwflag, uio_t *uio_p, size_t *cbytes);
void uioskip(uio_t *uio_p, size_t nbytes); /* advances */
int ureadc(int c, uio_t *uio_p);	   /* one byte to the user; 0 or EFAULT */
int uwritec(uio_t *uio_p);		   /* one byte from the user, -1: none left or a fault */

#endif /* DEVMAP_SYS_UIO_H */
