/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* read(2), write(2), ioctl(2), lseek(2) and their families. */
#include <stdarg.h>

#include "bounce.h"
#include "shim.h"

/*
 * A real call on what may be a device that the kernel serves: one that a signal has ended goes on, if
 * the program's handlers say so (SA_RESTART), or if there was none (a stop, a debugger).
 */
#define RESTARTED(fd, call)                                                       \
	({                                                                        \
		ssize_t r_;                                                       \
                                                                                  \
		do                                                                \
			r_ = (call);                                              \
		while (unlikely(r_ < 0) && errno == EINTR && served_restart(fd)); \
		unlikely(r_ < 0) ? served_error(fd, r_) : r_;                     \
	})

EXPORT ssize_t read(int fd, void *buf, size_t n)
{
	struct bounce b;

	if (likely(!client_active))
		return REAL(read)(fd, buf, n);
	if (fd_refuses(fd))
		return -1;
	bounce_in(&b, buf, n);
	return bounce_in_end(&b, RESTARTED(fd, REAL(read)(fd, b.iov.iov_base, b.iov.iov_len)));
}

EXPORT ssize_t write(int fd, const void *buf, size_t n)
{
	struct bounce b;
	ssize_t r;

	if (likely(!client_active))
		return REAL(write)(fd, buf, n);
	if (fd_refuses(fd))
		return -1;
	bounce_out(&b, buf, n);
	r = RESTARTED(fd, REAL(write)(fd, b.iov.iov_base, b.iov.iov_len));
	bounce_end(&b);
	return r;
}

EXPORT ssize_t pread(int fd, void *buf, size_t n, off_t off)
{
	struct bounce b;

	if (likely(!client_active))
		return REAL(pread)(fd, buf, n, off);
	if (fd_refuses(fd))
		return -1;
	bounce_in(&b, buf, n);
	return bounce_in_end(&b,
			     RESTARTED(fd, REAL(pread)(fd, b.iov.iov_base, b.iov.iov_len, off)));
}

EXPORT ssize_t pwrite(int fd, const void *buf, size_t n, off_t off)
{
	struct bounce b;
	ssize_t r;

	if (likely(!client_active))
		return REAL(pwrite)(fd, buf, n, off);
	if (fd_refuses(fd))
		return -1;
	bounce_out(&b, buf, n);
	r = RESTARTED(fd, REAL(pwrite)(fd, b.iov.iov_base, b.iov.iov_len, off));
	bounce_end(&b);
	return r;
}

EXPORT ssize_t readv(int fd, const struct iovec *iov, int n)
{
	struct bounce b;

	if (likely(!client_active))
		return REAL(readv)(fd, iov, n);
	if (fd_refuses(fd))
		return -1;
	if (!bounce_vector(&b, iov, (size_t)n, false))
		return RESTARTED(fd, REAL(readv)(fd, iov, n));
	return bounce_scatter(&b, iov, (size_t)n, RESTARTED(fd, REAL(readv)(fd, &b.iov, 1)));
}

EXPORT ssize_t writev(int fd, const struct iovec *iov, int n)
{
	struct bounce b;
	ssize_t r;

	if (likely(!client_active))
		return REAL(writev)(fd, iov, n);
	if (fd_refuses(fd))
		return -1;
	if (!bounce_vector(&b, iov, (size_t)n, true))
		return RESTARTED(fd, REAL(writev)(fd, iov, n));
	r = RESTARTED(fd, REAL(writev)(fd, &b.iov, 1));
	bounce_end(&b);
	return r;
}

EXPORT ssize_t preadv(int fd, const struct iovec *iov, int n, off_t off)
{
	struct bounce b;

	if (likely(!client_active))
		return REAL(preadv)(fd, iov, n, off);
	if (fd_refuses(fd))
		return -1;
	if (!bounce_vector(&b, iov, (size_t)n, false))
		return RESTARTED(fd, REAL(preadv)(fd, iov, n, off));
	return bounce_scatter(&b, iov, (size_t)n, RESTARTED(fd, REAL(preadv)(fd, &b.iov, 1, off)));
}

EXPORT ssize_t pwritev(int fd, const struct iovec *iov, int n, off_t off)
{
	struct bounce b;
	ssize_t r;

	if (likely(!client_active))
		return REAL(pwritev)(fd, iov, n, off);
	if (fd_refuses(fd))
		return -1;
	if (!bounce_vector(&b, iov, (size_t)n, true))
		return RESTARTED(fd, REAL(pwritev)(fd, iov, n, off));
	r = RESTARTED(fd, REAL(pwritev)(fd, &b.iov, 1, off));
	bounce_end(&b);
	return r;
}

/* With flags: on a device they mean nothing, and a bounced transfer does without. */
EXPORT ssize_t preadv2(int fd, const struct iovec *iov, int n, off_t off, int flags)
{
	struct bounce b;

	if (likely(!client_active))
		return REAL(preadv2)(fd, iov, n, off, flags);
	if (fd_refuses(fd))
		return -1;
	if (!bounce_vector(&b, iov, (size_t)n, false))
		return RESTARTED(fd, REAL(preadv2)(fd, iov, n, off, flags));
	return bounce_scatter(&b, iov, (size_t)n,
			      RESTARTED(fd, REAL(preadv2)(fd, &b.iov, 1, off, flags)));
}

EXPORT ssize_t pwritev2(int fd, const struct iovec *iov, int n, off_t off, int flags)
{
	struct bounce b;
	ssize_t r;

	if (likely(!client_active))
		return REAL(pwritev2)(fd, iov, n, off, flags);
	if (fd_refuses(fd))
		return -1;
	if (!bounce_vector(&b, iov, (size_t)n, true))
		return RESTARTED(fd, REAL(pwritev2)(fd, iov, n, off, flags));
	r = RESTARTED(fd, REAL(pwritev2)(fd, &b.iov, 1, off, flags));
	bounce_end(&b);
	return r;
}

EXPORT ssize_t pread64(int fd, void *buf, size_t n, off64_t off)
{
	return unlikely(client_active) ? pread(fd, buf, n, off) : REAL(pread64)(fd, buf, n, off);
}

EXPORT ssize_t pwrite64(int fd, const void *buf, size_t n, off64_t off)
{
	return unlikely(client_active) ? pwrite(fd, buf, n, off) : REAL(pwrite64)(fd, buf, n, off);
}

EXPORT ssize_t preadv64(int fd, const struct iovec *iov, int n, off64_t off)
{
	return unlikely(client_active) ? preadv(fd, iov, n, off) : REAL(preadv64)(fd, iov, n, off);
}

EXPORT ssize_t pwritev64(int fd, const struct iovec *iov, int n, off64_t off)
{
	return unlikely(client_active) ? pwritev(fd, iov, n, off) :
					 REAL(pwritev64)(fd, iov, n, off);
}

EXPORT ssize_t preadv64v2(int fd, const struct iovec *iov, int n, off64_t off, int flags)
{
	return unlikely(client_active) ? preadv2(fd, iov, n, off, flags) :
					 REAL(preadv64v2)(fd, iov, n, off, flags);
}

EXPORT ssize_t pwritev64v2(int fd, const struct iovec *iov, int n, off64_t off, int flags)
{
	return unlikely(client_active) ? pwritev2(fd, iov, n, off, flags) :
					 REAL(pwritev64v2)(fd, iov, n, off, flags);
}

/* The fortified ones: an overrun is libc's to report. */
EXPORT ssize_t __read_chk(int fd, void *buf, size_t n, size_t room)
{
	return unlikely(client_active) && n <= room ? read(fd, buf, n) :
						      REAL(__read_chk)(fd, buf, n, room);
}

EXPORT ssize_t __pread_chk(int fd, void *buf, size_t n, off_t off, size_t room)
{
	return unlikely(client_active) && n <= room ? pread(fd, buf, n, off) :
						      REAL(__pread_chk)(fd, buf, n, off, room);
}

EXPORT ssize_t __pread64_chk(int fd, void *buf, size_t n, off64_t off, size_t room)
{
	return unlikely(client_active) && n <= room ? pread(fd, buf, n, off) :
						      REAL(__pread64_chk)(fd, buf, n, off, room);
}

EXPORT int ioctl(int fd, unsigned long cmd, ...)
{
	unsigned long arg;
	long result;
	va_list ap;

	va_start(ap, cmd);
	arg = va_arg(ap, unsigned long);
	va_end(ap);
	if (fd_special(fd)) {
		if (fd_internal(fd) && process_ours())
			return finish(-EBADF);
		if (fd_served(fd) ? served_ioctl(fd, cmd, arg, &result) :
				    socket_ioctl(fd, cmd, arg, &result))
			return (int)finish(result);
	}
	/* A device that came to us by an unknown way. */
	if (names_used && !fd_special(fd) && served_probe(fd)) {
		fd_mark(fd, FD_SERVED);
		if (served_ioctl(fd, cmd, arg, &result))
			return (int)finish(result);
	}
	return REAL(ioctl)(fd, cmd, arg);
}

/*
 * False: the real call is right, with what off and whence are now. The kernel has been told a size of
 * devices that have none.
 */
static bool seek_served(int fd, off_t *off, int *whence, off_t *result)
{
	int64_t to;

	if (*whence != SEEK_END || !fd_served(fd))
		return false;
	to = served_seek_end(fd, *off);
	*result = finish(to);
	if (to < 0)
		return true;
	*off = to;
	*whence = SEEK_SET;
	return false;
}

EXPORT off_t lseek(int fd, off_t off, int whence)
{
	off_t r;

	if (fd_special(fd) && seek_served(fd, &off, &whence, &r))
		return r;
	return REAL(lseek)(fd, off, whence);
}

EXPORT off64_t lseek64(int fd, off64_t off, int whence)
{
	off_t r;

	if (fd_special(fd) && seek_served(fd, &off, &whence, &r))
		return r;
	return REAL(lseek64)(fd, off, whence);
}
