// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The memory of the process that is being served: ddi_copyin(9F), copyin(9F), uiomove(9F).
 *
 * An ordinary copy may wait for a page, and for mmap_lock. Two contexts must not (linux.h): with
 * mmap_lock held only what is resident can be copied; inside devmap_access(9E) whoever holds
 * mmap_lock may be waiting for this thread, so it is tried for, and an interruption looked for.
 */
#include "linux.h"

#include <sys/file.h>
#include <sys/uio.h>

#include <linux/delay.h>
#include <linux/mmap_lock.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#define TRIES_PER_PAGE	100	/* bringing it in, before somebody takes it away again */

struct copy {
	char *kernel;
	unsigned long user;
	size_t len;
	bool out;		/* to the process */
};

/* All of it, or what part of it nobody knows. */
static bool copy_resident(const struct copy *c)
{
	void __user *user = (void __user *)c->user;

	return (c->out ? copy_to_user_nofault(user, c->kernel, c->len) :
		copy_from_user_nofault(c->kernel, user, c->len)) == 0;
}

static bool copy_ordinary(const struct copy *c)
{
	void __user *user = (void __user *)c->user;

	return (c->out ? copy_to_user(user, c->kernel, c->len) :
		copy_from_user(c->kernel, user, c->len)) == 0;
}

/* This thread is to go. */
static bool must_go(const struct context *ctx)
{
	return fatal_signal_pending(current) || READ_ONCE(ctx->leave) || context_expired(ctx);
}

/* False: the page cannot be had, or this thread is to go. */
static bool fault_in(const struct context *ctx, const struct copy *c)
{
	struct mm_struct *mm = current->mm;
	int error;

	while (!mmap_read_trylock(mm)) {
		if (must_go(ctx))
			return false;
		usleep_range(500, 1000);
	}
	error = compat_fault_in_page(c->user, c->out);
	mmap_read_unlock(mm);
	return error == 0;
}

/* Within one page. */
static bool copy_piece(const struct context *ctx, const struct copy *c)
{
	int tries = 0;

	while (!copy_resident(c)) {
		if (tries++ == TRIES_PER_PAGE || fatal_signal_pending(current))
			return false;
		if (!access_ok((void __user *)c->user, c->len) || !fault_in(ctx, c))
			return false;
	}
	return true;
}

static bool copy_patiently(const struct context *ctx, struct copy c)
{
	size_t left = c.len;

	while (left > 0) {
		c.len = min_t(size_t, left, PAGE_SIZE - offset_in_page(c.user));
		if (!copy_piece(ctx, &c))
			return false;
		c.kernel += c.len;
		c.user += c.len;
		left -= c.len;
	}
	return true;
}

/*
 * Is what this thread's addresses mean the memory of the process that is served? Not so for a
 * debugger that makes an access of its debuggee's, nor for the end of mappings after execve(2).
 */
static bool own_memory(const struct context *ctx)
{
	return ctx->as == NULL || space_of(ctx->as)->mm == current->mm;
}

/* 0 or EFAULT. */
static int copy(const struct copy *c, const void *caller, const char *call)
{
	const struct context *ctx = context_get();
	bool copied;

	if (ctx == NULL || current->mm == NULL) {
		driver_mistake(caller, call, "this thread serves no process");
		return EFAULT;
	}
	if (c->len == 0)
		return 0;
	if (!own_memory(ctx))
		return EFAULT;
	if (ctx->mmap_locked)
		copied = copy_resident(c);
	else if (ctx->in_access)
		copied = copy_patiently(ctx, *c);
	else
		copied = copy_ordinary(c);
	return copied ? 0 : EFAULT;
}

static int copy_in(const void *from, void *to, size_t len, const void *caller, const char *call)
{
	const struct copy c = { .kernel = to, .user = (unsigned long)from, .len = len };

	return copy(&c, caller, call);
}

static int copy_out(const void *from, void *to, size_t len, const void *caller, const char *call)
{
	const struct copy c = {
		.kernel = (char *)from, .user = (unsigned long)to, .len = len, .out = true
	};

	return copy(&c, caller, call);
}

int copyin(const void *userbuf, void *driverbuf, size_t cn)
{
	return copy_in(userbuf, driverbuf, cn, CALLER(), "copyin") == 0 ? 0 : -1;
}
EXPORT_SYMBOL(copyin);

int copyout(const void *driverbuf, void *userbuf, size_t cn)
{
	return copy_out(driverbuf, userbuf, cn, CALLER(), "copyout") == 0 ? 0 : -1;
}
EXPORT_SYMBOL(copyout);

int ddi_copyin(const void *buf, void *driverbuf, size_t cn, int flags)
{
	if (flags & FKIOCTL) {
		memmove(driverbuf, buf, cn);
		return 0;
	}
	return copy_in(buf, driverbuf, cn, CALLER(), "ddi_copyin") == 0 ? 0 : -1;
}
EXPORT_SYMBOL(ddi_copyin);

int ddi_copyout(const void *driverbuf, void *buf, size_t cn, int flags)
{
	if (flags & FKIOCTL) {
		memmove(buf, driverbuf, cn);
		return 0;
	}
	return copy_out(driverbuf, buf, cn, CALLER(), "ddi_copyout") == 0 ? 0 : -1;
}
EXPORT_SYMBOL(ddi_copyout);

/* uiomove(9F) */

static int uio_piece(char *address, size_t len, enum uio_rw rw, const uio_t *uio,
	const void *caller, const char *call)
{
	char *user = (char __force *)uio->uio_iov->iov_base;

	if (uio->uio_segflg == UIO_SYSSPACE) {
		memmove(rw == UIO_READ ? user : address, rw == UIO_READ ? address : user, len);
		return 0;
	}
	return rw == UIO_READ ? copy_out(address, user, len, caller, call) :
		copy_in(user, address, len, caller, call);
}

static void uio_advance(uio_t *uio, size_t len)
{
	uio->uio_iov->iov_base += len;
	uio->uio_iov->iov_len -= len;
	uio->uio_resid -= (ssize_t)len;
	uio->uio_loffset += (offset_t)len;
}

static int uio_move(char *address, size_t n, enum uio_rw rw, uio_t *uio, const void *caller,
	const char *call)
{
	while (n > 0 && uio->uio_resid > 0 && uio->uio_iovcnt > 0) {
		size_t len = uio->uio_iov->iov_len;

		if (len == 0) {
			uio->uio_iov++;
			uio->uio_iovcnt--;
			continue;
		}
		len = min3(len, n, (size_t)uio->uio_resid);
		if (uio_piece(address, len, rw, uio, caller, call) != 0)
			return EFAULT;
		uio_advance(uio, len);
		address += len;
		n -= len;
	}
	return 0;
}

int uiomove(caddr_t address, size_t nbytes, enum uio_rw rwflag, uio_t *uio_p)
{
	return uio_move(address, nbytes, rwflag, uio_p, CALLER(), "uiomove");
}
EXPORT_SYMBOL(uiomove);

int ureadc(int c, uio_t *uio_p)
{
	char byte = (char)c;

	return uio_move(&byte, 1, UIO_READ, uio_p, CALLER(), "ureadc");
}
EXPORT_SYMBOL(ureadc);

int uwritec(uio_t *uio_p)
{
	ssize_t before = uio_p->uio_resid;
	unsigned char byte;

	if (uio_move((char *)&byte, 1, UIO_WRITE, uio_p, CALLER(), "uwritec") != 0 ||
	    uio_p->uio_resid == before)
		return -1;
	return byte;
}
EXPORT_SYMBOL(uwritec);
