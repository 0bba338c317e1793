/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* This process and its engines: a socket, and the userfaultfd through which an engine serves us. */
#include <linux/userfaultfd.h>
#include <string.h>
#include <sys/ioctl.h>

#include "internal.h"

#ifndef UFFD_USER_MODE_ONLY
#define UFFD_USER_MODE_ONLY 1
#endif
#ifndef USERFAULTFD_IOC_NEW
#define USERFAULTFD_IOC_NEW _IO(0xAA, 0x00)
#endif

#define TRIES_MAX 1000 /* an engine that dies so often does not come back */

struct session sessions[SESSIONS_MAX]; /* guarded by ops */

/*
 * Where the system call is not to be had, as under Valgrind, which does not know it, or in a container that
 * forbids it: the device, which administrators may open to users.
 */
static int userfaultfd_of_device(int flags)
{
	int dev = (int)raw(SYS_openat, AT_FDCWD, "/dev/userfaultfd", O_RDWR | O_CLOEXEC), fd;

	if (dev < 0)
		return dev;
	fd = (int)raw(SYS_ioctl, dev, USERFAULTFD_IOC_NEW, (long)flags);
	(void)raw_close(dev);
	return fd;
}

static int new_userfaultfd(struct session *s)
{
	int flags = O_CLOEXEC | O_NONBLOCK, fd = -EPERM;

	if (s->kernel_faults && s->uffd_dev >= 0)
		fd = (int)raw(SYS_ioctl, s->uffd_dev, USERFAULTFD_IOC_NEW, (long)flags);
	if (s->kernel_faults && fd < 0)
		fd = (int)raw(SYS_userfaultfd, flags);
	if (fd < 0 && fd != -EMFILE) {
		s->kernel_faults = false;
		fd = (int)raw(SYS_userfaultfd, flags | UFFD_USER_MODE_ONLY);
	}
	if (fd == -ENOSYS || fd == -EPERM) {
		int other = userfaultfd_of_device(flags | UFFD_USER_MODE_ONLY);

		fd = other >= 0 || other == -EMFILE ? other : fd;
	}
	return fd;
}

int session_userfaultfd(struct session *s)
{
	struct rlimit before;
	int fd = new_userfaultfd(s);

	if (fd == -EMFILE && limit_lift(&before)) {
		fd = new_userfaultfd(s);
		limit_restore(&before);
	}
	if (fd < 0)
		return fd;
	s->uffd = fd_hide(fd);
	return 0;
}

/* A request about an open device, before there is a session. 0 or -errno. */
static int file_call(const struct dm_file *f, struct call *c)
{
	c->rq.a[1] = f->token;
	ops_tire();
	return device_call(f->info.engine, f->door, c);
}

/* /dev/userfaultfd, as the engine lends it. 0 or -errno. */
static int session_borrow(struct session *s, const struct dm_file *f)
{
	struct call c = CALL(-1, DM_INFO);
	int error = file_call(f, &c);

	if (error == 0 && (c.re.flags & DM_F_UFFD_FD) != 0 && c.got[0] >= 0) {
		s->uffd_dev = fd_hide(c.got[0]);
		c.got[0] = -1;
	}
	call_drop(&c);
	return error;
}

static int session_attach(struct session *s, const struct dm_file *f)
{
	struct call c = CALL(-1, DM_ATTACH);
	int error = session_userfaultfd(s);

	if (error != 0)
		return error;
	c.fd = s->uffd;
	c.rq.a[0] = s->kernel_faults;
	error = file_call(f, &c);
	if (error == 0 && c.got[0] < 0)
		error = -EPROTO;
	if (error == 0) {
		s->sock = fd_hide(c.got[0]);
		c.got[0] = -1;
	}
	call_drop(&c);
	return error;
}

void session_drop(struct session *s)
{
	fd_close_hidden(s->sock);
	fd_close_hidden(s->uffd);
	fd_close_hidden(s->uffd_dev);
	fd_close_hidden(s->unborn);
	s->used = false;
}

static bool session_has_maps(unsigned index)
{
	uintptr_t from = 0;
	struct map m;

	for (; maps_first(from, UINTPTR_MAX, &m); from = m.end)
		if (m.session == index)
			return true;
	return false;
}

static bool session_dead(const struct session *s)
{
	struct pollfd p = { .fd = s->sock };

	return raw(SYS_ppoll, &p, 1L, &(struct timespec){ 0 }, NULL, 0L) == 1;
}

int session_of(const struct dm_file *f, unsigned *index)
{
	unsigned i, slot = SESSIONS_MAX;
	struct session *s;
	int error;

	ASSERT_OPS_HELD();
	for (i = 0; i < SESSIONS_MAX; i++) {
		s = &sessions[i];
		/* One that could not be taken over has ended, though its engine's like is there. */
		if (s->used && s->engine == f->info.engine && !session_dead(s)) {
			*index = i;
			return 0;
		}
		/*
		 * A slot of an engine that is gone can be used again when its mappings are gone
		 * too.
		 */
		if (s->used && session_dead(s) && !session_has_maps(i))
			session_drop(s);
		if (!s->used && slot == SESSIONS_MAX)
			slot = i;
	}
	if (slot == SESSIONS_MAX)
		return -ENOMEM;
	s = &sessions[slot];
	*s = (struct session){ .engine = f->info.engine,
			       .kernel_faults = (f->flags & DM_F_KFAULTS) != 0,
			       .huge = (f->flags & DM_F_HUGE) != 0,
			       .sock = -1,
			       .uffd = -1,
			       .uffd_dev = -1,
			       .unborn = -1 };
	error = (f->flags & DM_F_UFFD_FD) != 0 ? session_borrow(s, f) : 0;
	if (error == 0)
		error = session_attach(s, f);
	if (error != 0) {
		debug("no session with the engine: %s", strerrorname_np(-error));
		session_drop(s);
		return error;
	}
	s->used = true;
	*index = slot;
	return 0;
}

/* The engine has died, and another has taken over the session, or is about to. */
bool session_goes_on(unsigned index, const struct call *c)
{
	return c->lost && !session_dead(&sessions[index]);
}

static int ask(unsigned index, int (*how)(struct call *c), uint16_t op, uint64_t a0, uint64_t a1)
{
	struct call c = CALL(sessions[index].sock, op);
	unsigned tries = 0;
	bool again;
	int error;

	c.rq.a[0] = a0;
	c.rq.a[1] = a1;
	do {
		error = how(&c);
		call_drop(&c);
		/* What was to be committed is to be made again, which our caller does. */
		again = (error == -DM_AGAIN && (op != DM_COMMIT || a0 == 0)) ||
			(error == -EIO && session_goes_on(index, &c));
	} while (again && ++tries < TRIES_MAX);
	return error;
}

int session_call(unsigned index, uint16_t op, uint64_t a0, uint64_t a1)
{
	return ask(index, call, op, a0, a1);
}

int session_change(unsigned index, uint16_t op, uint64_t a0, uint64_t a1)
{
	return ask(index, call_here, op, a0, a1);
}
