/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Which descriptor is a device, and which is the library's own. The table is a cache, indexed by
 * descriptor. It may be stale where a program goes around us, so before anything is done in place of the
 * kernel, it is asked what the descriptor is.
 */
#include <string.h>
#include <sys/resource.h>

#include "internal.h"

_Atomic uint8_t fd_table[FD_MAX];
int client_active;
bool fd_sockets;
static _Atomic int fd_top = -1; /* no entry above it is set */

static void fd_set_kind(int fd, unsigned kind)
{
	int top = atomic_load(&fd_top);

	while (kind != 0 && fd > top && !atomic_compare_exchange_weak(&fd_top, &top, fd))
		;
	atomic_store(&fd_table[fd], (uint8_t)kind);
	if (kind == FD_SOCKET)
		fd_sockets = true;
	if (kind != 0)
		client_active = 1;
}

void fd_mark(int fd, unsigned kind)
{
	if (fd >= 0 && fd < FD_MAX && process_ours())
		fd_set_kind(fd, kind);
}

void fd_copy(int from, int to)
{
	unsigned kind = fd_kind(from);

	if (to >= 0 && to < FD_MAX && kind != FD_INTERNAL && (kind != 0 || fd_kind(to) != 0) &&
	    process_ours())
		fd_set_kind(to, kind);
}

void fd_forget(int fd)
{
	if (fd_kind(fd) != 0 && process_ours())
		fd_set_kind(fd, 0);
}

int fd_each(unsigned first, unsigned last, int (*f)(int fd, unsigned kind, void *arg), void *arg)
{
	int top = atomic_load(&fd_top), r = 0;

	for (int64_t fd = first; fd <= (int64_t)last && fd <= top && r == 0; fd++)
		if (fd_kind((int)fd) != 0)
			r = f((int)fd, fd_kind((int)fd), arg);
	return r;
}

/* What fd is, as the kernel says. */
static unsigned ask_kind(int fd)
{
	return fd < 0 ? 0 : served_probe(fd) ? FD_SERVED : socket_probe(fd) ? FD_SOCKET : 0;
}

bool fd_probe(int fd)
{
	unsigned kind = ask_kind(fd);

	if (kind != 0)
		fd_mark(fd, kind);
	return kind != 0;
}

int fd_file(int fd, struct dm_file *f)
{
	int error = fd_served(fd) ? served_file(fd, f) : socket_file(fd, f);

	if (error == 0 || ask_kind(fd) == fd_kind(fd))
		return error;
	fd_forget(fd);
	return -EBADF;
}

bool fd_refuses_slow(int fd)
{
	if (fd_internal(fd)) {
		errno = EBADF;
		return process_ours();
	}
	if (!socket_probe(fd)) {
		fd_forget(fd);
		return false;
	}
	errno = EOPNOTSUPP;
	return true;
}

struct dirent64_raw {
	uint64_t ino, off;
	unsigned short reclen;
	unsigned char type;
	char name[];
};

static int number(const char *s)
{
	int n = 0;

	for (; *s >= '0' && *s <= '9' && n < FD_MAX; s++)
		n = n * 10 + (*s - '0');
	return *s == '\0' ? n : -1;
}

/* Descriptors that came with exec(2), or after a clone(2) that we did not see. */
void fd_probe_all(void)
{
	_Alignas(uint64_t) char buf[1024];
	int dir = (int)raw(SYS_openat, AT_FDCWD, "/proc/self/fd",
			   O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	long n;

	if (dir < 0)
		return;
	while ((n = raw(SYS_getdents64, dir, buf, sizeof(buf))) > 0) {
		for (long i = 0; i < n;) {
			struct dirent64_raw *d = (struct dirent64_raw *)(buf + i);
			int fd = number(d->name);

			if (d->name[0] != '.' && fd >= 0 && fd != dir)
				(void)fd_probe(fd);
			i += d->reclen;
		}
	}
	(void)raw_close(dir);
}

/*
 * Where the library's own descriptors begin: high, but not so high that the kernel's table grows.
 */
static int hidden_base(void)
{
	static _Atomic int base;
	struct rlimit lim;
	int b = atomic_load_explicit(&base, memory_order_relaxed);

	if (b != 0)
		return b;
	if (raw(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, &lim) != 0)
		lim.rlim_cur = 1024;
	if (lim.rlim_cur >= 544)
		b = 512;
	else
		b = (int)(lim.rlim_cur > 64 ? lim.rlim_cur - 32 : lim.rlim_cur / 2 + 1);
	atomic_store(&base, b);
	return b;
}

int fd_hide(int fd)
{
	int to = raw_fcntl(fd, F_DUPFD_CLOEXEC, hidden_base());

	if (to >= 0) {
		(void)raw_close(fd);
	} else {
		/* No room up there: it stays where it is. */
		to = fd;
		(void)raw_fcntl(fd, F_SETFD, FD_CLOEXEC);
	}
	if (to < FD_MAX)
		fd_set_kind(to, FD_INTERNAL);
	return to;
}

void fd_close_hidden(int fd)
{
	if (fd < 0)
		return;
	if (fd < FD_MAX)
		fd_set_kind(fd, 0);
	(void)raw_close(fd);
}

int fd_vacate(int fd)
{
	struct held h;
	int to = -EBADF;

	ops_lock(&h);
	/* Nobody may be between reading the number and sending on it. */
	wire_shut();
	for (unsigned i = 0; i < SESSIONS_MAX; i++) {
		struct session *s = &sessions[i];
		int *owner = !s->used	       ? NULL :
			     s->sock == fd     ? &s->sock :
			     s->uffd == fd     ? &s->uffd :
			     s->uffd_dev == fd ? &s->uffd_dev :
			     s->unborn == fd   ? &s->unborn :
						 NULL;

		if (owner == NULL)
			continue;
		to = raw_fcntl(fd, F_DUPFD_CLOEXEC,
			       fd + 1 > hidden_base() ? fd + 1 : hidden_base());
		if (to < 0)
			to = raw_fcntl(fd, F_DUPFD_CLOEXEC, 3);
		if (to >= 0 && to < FD_MAX) {
			fd_set_kind(to, FD_INTERNAL);
			fd_set_kind(fd, 0);
			*owner = to;
		}
	}
	wire_open();
	ops_unlock(&h);
	/* A reply socket: its request ends in a moment, or never; the number cannot be had. */
	return to < 0 ? -EBUSY : 0;
}
