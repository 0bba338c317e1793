/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Descriptors come and go: close(2), dup(2), fcntl(2) and their families. The library's own look as
 * if they were not open.
 */
#include <limits.h>
#include <stdarg.h>
#include <sys/file.h>

#include "shim.h"

EXPORT int close(int fd)
{
	if (fd_special(fd) && process_ours()) {
		if (fd_internal(fd)) {
			errno = EBADF;
			return -1;
		}
		/* First: afterwards the number may be another thread's. */
		fd_forget(fd);
	}
	return REAL(close)(fd);
}

struct closing {
	unsigned next, flags;
	int result;
};

static int close_up_to(struct closing *c, unsigned last)
{
	if (c->next <= last)
		c->result = REAL(close_range)(c->next, last, (int)c->flags);
	c->flags &= ~CLOSE_RANGE_UNSHARE;
	return c->result;
}

static int close_step(int fd, unsigned kind, void *arg)
{
	struct closing *c = arg;

	if (kind != FD_INTERNAL) {
		if ((c->flags & CLOSE_RANGE_CLOEXEC) == 0)
			fd_forget(fd);
		return 0;
	}
	if (fd > 0 && close_up_to(c, (unsigned)fd - 1) != 0)
		return -1;
	c->next = (unsigned)fd + 1;
	return 0;
}

EXPORT int close_range(unsigned first, unsigned last, int flags)
{
	struct closing c = { .next = first, .flags = (unsigned)flags };

	if (likely(!client_active) || first > last || !process_ours())
		return REAL(close_range)(first, last, flags);
	if (fd_each(first, last, close_step, &c) != 0)
		return c.result;
	return close_up_to(&c, last);
}

EXPORT void closefrom(int low)
{
	if (likely(!client_active) || !process_ours())
		REAL(closefrom)(low);
	else if (close_range(low > 0 ? (unsigned)low : 0, UINT_MAX, 0) != 0)
		for (int fd = low > 0 ? low : 0; fd < (int)sysconf(_SC_OPEN_MAX); fd++)
			(void)close(fd);
}

/* The program wants the number `to`, and `from` behind it. False with errno if that cannot be. */
static bool dup_prepare(int from, int to)
{
	int error = 0;

	if (!process_ours())
		return true;
	if (fd_internal(from))
		error = -EBADF;
	else if (from != to && fd_internal(to))
		error = fd_vacate(to);
	if (error == 0 && to >= FD_MAX && fd_kind(from) != 0)
		error = -EMFILE;
	if (error != 0)
		errno = -error;
	return error == 0;
}

EXPORT int dup(int fd)
{
	int to;

	if (!fd_special(fd))
		return REAL(dup)(fd);
	if (!dup_prepare(fd, -1))
		return -1;
	to = REAL(dup)(fd);
	fd_copy(fd, to);
	return to;
}

EXPORT int dup2(int from, int to)
{
	int fd;

	if (likely(!client_active))
		return REAL(dup2)(from, to);
	if (!dup_prepare(from, to))
		return -1;
	fd = REAL(dup2)(from, to);
	if (fd >= 0 && from != to)
		fd_copy(from, to);
	return fd;
}

EXPORT int dup3(int from, int to, int flags)
{
	int fd;

	if (likely(!client_active))
		return REAL(dup3)(from, to, flags);
	if (!dup_prepare(from, to))
		return -1;
	fd = REAL(dup3)(from, to, flags);
	if (fd >= 0)
		fd_copy(from, to);
	return fd;
}

static bool is_lock(int cmd)
{
	return cmd == F_SETLK || cmd == F_SETLKW || cmd == F_GETLK || cmd == F_OFD_SETLK ||
	       cmd == F_OFD_SETLKW || cmd == F_OFD_GETLK;
}

/* Before the real call. False with errno: there is none. */
static bool fcntl_begin(int fd, int cmd)
{
	if (is_lock(cmd) && fd_refuses(fd))
		return false;
	if (fd_internal(fd) && process_ours()) {
		errno = EBADF;
		return false;
	}
	if (cmd == F_SETFL && fd_served(fd))
		served_flags_change = true;
	return true;
}

static int fcntl_end(int fd, int cmd, int r)
{
	if (r >= 0 && (cmd == F_DUPFD || cmd == F_DUPFD_CLOEXEC))
		fd_copy(fd, r);
	return r;
}

EXPORT int fcntl(int fd, int cmd, ...)
{
	unsigned long arg;
	va_list ap;

	va_start(ap, cmd);
	arg = va_arg(ap, unsigned long);
	va_end(ap);
	if (!fd_special(fd))
		return REAL(fcntl)(fd, cmd, arg);
	return fcntl_begin(fd, cmd) ? fcntl_end(fd, cmd, REAL(fcntl)(fd, cmd, arg)) : -1;
}

EXPORT int fcntl64(int fd, int cmd, ...)
{
	unsigned long arg;
	va_list ap;

	va_start(ap, cmd);
	arg = va_arg(ap, unsigned long);
	va_end(ap);
	if (!fd_special(fd))
		return REAL(fcntl64)(fd, cmd, arg);
	return fcntl_begin(fd, cmd) ? fcntl_end(fd, cmd, REAL(fcntl64)(fd, cmd, arg)) : -1;
}

EXPORT int flock(int fd, int operation)
{
	return fd_refuses(fd) ? -1 : REAL(flock)(fd, operation);
}

EXPORT int lockf(int fd, int cmd, off_t len)
{
	return fd_refuses(fd) ? -1 : REAL(lockf)(fd, cmd, len);
}

EXPORT int lockf64(int fd, int cmd, off64_t len)
{
	return fd_refuses(fd) ? -1 : REAL(lockf64)(fd, cmd, len);
}
