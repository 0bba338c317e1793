/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Which descriptor is a device, and which is the library's own. The table is a cache, indexed by
 * descriptor: 0 nothing, FD_INTERNAL ours, else an index into devices. It may be stale where a
 * program goes around us, so whoever is about to speak to an engine asks the kernel
 * (getpeername(2)) first.
 */
#include <string.h>
#include <sys/resource.h>

#include "internal.h"

#define DEVICES_MAX 8192

enum { DEVICE_FREE, DEVICE_WRITING, DEVICE_READY };

_Atomic uint16_t fd_table[FD_MAX];
int client_active;
static struct device devices[DEVICES_MAX]; /* [0] stays unused */
static _Atomic int fd_top = -1;		   /* no entry above it is set */

static bool device_equal(const struct device *a, const struct device *b)
{
	return a->engine == b->engine && a->known == b->known && a->flags == b->flags &&
	       (!a->known || memcmp(&a->info, &b->info, sizeof(a->info)) == 0);
}

/*
 * The index of a published device that equals d; 0: no room. Two threads may publish the same
 * twice.
 */
static unsigned device_publish(const struct device *d)
{
	for (unsigned i = 1; i < DEVICES_MAX; i++) {
		int state = atomic_load_explicit(&devices[i].state, memory_order_acquire);

		if (state == DEVICE_READY && device_equal(&devices[i], d))
			return i;
		if (state != DEVICE_FREE ||
		    !atomic_compare_exchange_strong(&devices[i].state, &state, DEVICE_WRITING))
			continue;
		devices[i].known = d->known;
		devices[i].engine = d->engine;
		devices[i].flags = d->flags;
		devices[i].info = d->info;
		atomic_store_explicit(&devices[i].state, DEVICE_READY, memory_order_release);
		return i;
	}
	return 0;
}

static void fd_set_kind(int fd, unsigned kind)
{
	int top = atomic_load(&fd_top);

	while (kind != 0 && fd > top && !atomic_compare_exchange_weak(&fd_top, &top, fd))
		;
	atomic_store(&fd_table[fd], (uint16_t)kind);
	if (kind != 0)
		client_active = 1;
}

int fd_mark(int fd, uint64_t engine, int flags, const struct dm_info *info)
{
	struct device d = { .engine = engine, .flags = flags };
	unsigned i;

	if (info != NULL) {
		d.known = true;
		d.info = *info;
	}
	if (!process_ours())
		return 0;
	if (fd < 0 || fd >= FD_MAX || (i = device_publish(&d)) == 0)
		return -EMFILE;
	fd_set_kind(fd, i);
	return 0;
}

void fd_mark_served(int fd)
{
	if (fd >= 0 && fd < FD_MAX && process_ours())
		fd_set_kind(fd, FD_SERVED);
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

/* The engine of the device that fd is; false if it is none. */
static bool peer_engine(int fd, uint64_t *engine)
{
	struct sockaddr_un sa;
	socklen_t len = sizeof(sa);
	size_t prefix = sizeof(DM_PEER_PREFIX) - 1;

	if (raw(SYS_getpeername, fd, &sa, &len) != 0 ||
	    len <= offsetof(struct sockaddr_un, sun_path))
		return false;
	len -= (socklen_t)offsetof(struct sockaddr_un, sun_path);
	if (sa.sun_family != AF_UNIX || len <= prefix ||
	    memcmp(sa.sun_path, DM_PEER_PREFIX, prefix) != 0)
		return false;
	*engine = 0;
	for (size_t i = prefix; i < len && i < sizeof(sa.sun_path); i++) {
		char c = sa.sun_path[i];

		if (c >= '0' && c <= '9')
			*engine = *engine << 4 | (unsigned)(c - '0');
		else if (c >= 'a' && c <= 'f')
			*engine = *engine << 4 | (unsigned)(c - 'a' + 10);
		else
			break;
	}
	return true;
}

bool fd_probe(int fd)
{
	uint64_t engine;

	if (fd < 0)
		return false;
	if (peer_engine(fd, &engine))
		return fd_mark(fd, engine, 0, NULL) == 0;
	if (!served_probe(fd))
		return false;
	fd_mark_served(fd);
	return true;
}

const struct device *fd_device(int fd)
{
	unsigned kind = fd_kind(fd);
	uint64_t engine;

	if (kind == 0 || kind == FD_INTERNAL || kind == FD_SERVED)
		return NULL;
	if (peer_engine(fd, &engine)) {
		if (engine == devices[kind].engine)
			return &devices[kind];
		/* Another device under the same number. */
		if (fd_mark(fd, engine, 0, NULL) == 0 && process_ours())
			return &devices[fd_kind(fd)];
		return NULL;
	}
	fd_forget(fd);
	return NULL;
}

const struct device *fd_device_known(int fd)
{
	const struct device *d = fd_device(fd);
	struct call c = CALL(fd, DM_INFO);
	int error;

	if (d == NULL || d->known)
		return d;
	c.device = true;
	error = call(&c);
	call_drop(&c);
	if (error == 0)
		error = fd_mark(fd, d->engine, (int)c.re.info.access, &c.re.info);
	if (error != 0 || !devices[fd_kind(fd)].known) {
		errno = error != 0 ? -error : EBADF;
		return NULL;
	}
	return &devices[fd_kind(fd)];
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
