/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The memory of the process that is being served: ddi_copyin(9F), copyin(9F), uiomove(9F). */
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/param.h>
#include <sys/systm.h>
#include <sys/uio.h>

#include "ddi.h"
#include "port.h"

int copyin(const void *userbuf, void *driverbuf, size_t cn)
{
	return port_copyin(userbuf, driverbuf, cn, CALL_SITE(), "copyin") == 0 ? 0 : -1;
}

int copyout(const void *driverbuf, void *userbuf, size_t cn)
{
	return port_copyout(driverbuf, userbuf, cn, CALL_SITE(), "copyout") == 0 ? 0 : -1;
}

int ddi_copyin(const void *buf, void *driverbuf, size_t cn, int flags)
{
	if (flags & FKIOCTL) {
		memmove(driverbuf, buf, cn);
		return 0;
	}
	return port_copyin(buf, driverbuf, cn, CALL_SITE(), "ddi_copyin") == 0 ? 0 : -1;
}

int ddi_copyout(const void *driverbuf, void *buf, size_t cn, int flags)
{
	if (flags & FKIOCTL) {
		memmove(buf, driverbuf, cn);
		return 0;
	}
	return port_copyout(driverbuf, buf, cn, CALL_SITE(), "ddi_copyout") == 0 ? 0 : -1;
}

/* uiomove(9F) */

static int uio_piece(char *address, size_t len, enum uio_rw rw, const uio_t *uio, const void *site,
		     const char *call)
{
	char *user = (char *)uio->uio_iov->iov_base;

	if (uio->uio_segflg == UIO_SYSSPACE) {
		memmove(rw == UIO_READ ? user : address, rw == UIO_READ ? address : user, len);
		return 0;
	}
	return rw == UIO_READ ? port_copyout(address, user, len, site, call) :
				port_copyin(user, address, len, site, call);
}

static void uio_advance(uio_t *uio, size_t len)
{
	if (len == 0)
		return; /* its address may be NULL */
	uio->uio_iov->iov_base = (char *)uio->uio_iov->iov_base + len;
	uio->uio_iov->iov_len -= len;
	uio->uio_resid -= (ssize_t)len;
	uio->uio_loffset += (offset_t)len;
}

static int uio_move(char *address, size_t n, enum uio_rw rw, uio_t *uio, const void *site,
		    const char *call)
{
	while (n > 0 && uio->uio_resid > 0 && uio->uio_iovcnt > 0) {
		size_t len = uio->uio_iov->iov_len;

		if (len == 0) {
			uio->uio_iov++;
			uio->uio_iovcnt--;
			continue;
		}
		len = MIN(len, MIN(n, (size_t)uio->uio_resid));
		if (uio_piece(address, len, rw, uio, site, call) != 0)
			return EFAULT;
		uio_advance(uio, len);
		address += len;
		n -= len;
	}
	return 0;
}

int uiomove(void *address, size_t nbytes, enum uio_rw rwflag, uio_t *uio_p)
{
	return uio_move(address, nbytes, rwflag, uio_p, CALL_SITE(), "uiomove");
}

int uiocopy(void *address, size_t nbytes, enum uio_rw rwflag, uio_t *uio_p, size_t *cbytes)
{
	uio_t at = *uio_p;
	iovec_t one;
	int error = 0;

	*cbytes = 0;
	for (int i = 0; i < uio_p->uio_iovcnt && *cbytes < nbytes && error == 0; i++) {
		size_t before = (size_t)at.uio_resid;

		one = uio_p->uio_iov[i];
		at.uio_iov = &one;
		at.uio_iovcnt = 1;
		error = uio_move((char *)address + *cbytes, nbytes - *cbytes, rwflag, &at,
				 CALL_SITE(), "uiocopy");
		*cbytes += before - (size_t)at.uio_resid;
	}
	return error;
}

void uioskip(uio_t *uio_p, size_t nbytes)
{
	while (nbytes > 0 && uio_p->uio_resid > 0 && uio_p->uio_iovcnt > 0) {
		size_t len = MIN(uio_p->uio_iov->iov_len, MIN(nbytes, (size_t)uio_p->uio_resid));

		uio_advance(uio_p, len);
		nbytes -= len;
		if (uio_p->uio_iov->iov_len == 0) {
			uio_p->uio_iov++;
			uio_p->uio_iovcnt--;
		}
	}
}

int ureadc(int c, uio_t *uio_p)
{
	char byte = (char)c;

	return uio_move(&byte, 1, UIO_READ, uio_p, CALL_SITE(), "ureadc");
}

int uwritec(uio_t *uio_p)
{
	ssize_t before = uio_p->uio_resid;
	unsigned char byte;

	if (uio_move((char *)&byte, 1, UIO_WRITE, uio_p, CALL_SITE(), "uwritec") != 0 ||
	    uio_p->uio_resid == before)
		return -1;
	return byte;
}
