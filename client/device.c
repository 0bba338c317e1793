/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Calls on a device descriptor, as requests to its engine. */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>

#include "internal.h"

/* No file system has this number: what stat(2) tells of the place of a device is made up. */
#define STAT_DEV makedev(0, 0xd7)

/* The lowest free descriptor for what came through the door, and the program's flags on it. */
static int settle(int fd, int flags)
{
	int to = raw_fcntl(fd, (flags & O_CLOEXEC) != 0 ? F_DUPFD_CLOEXEC : F_DUPFD, 0);

	(void)raw_close(fd);
	if (to >= 0 && (flags & (O_NONBLOCK | O_ASYNC)) != 0)
		(void)raw_fcntl(to, F_SETFL, O_RDWR | (flags & (O_NONBLOCK | O_ASYNC)));
	return to;
}

/* The socket, or -errno. */
static int connect_to(const struct sockaddr_un *sa, size_t len)
{
	int sock = (int)raw(SYS_socket, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), error;

	if (sock < 0)
		return sock;
	do
		error = (int)raw(SYS_connect, sock, sa, len);
	while (error == -EINTR);
	if (error != 0) {
		(void)raw_close(sock);
		/* A socket that nobody listens on is a device without its driver. */
		return error == -ECONNREFUSED || error == -EPROTOTYPE ? -ENXIO : error;
	}
	return sock;
}

int connect_address(const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };

	memcpy(sa.sun_path, path, strnlen(path, sizeof(sa.sun_path)));
	return connect_to(&sa, sizeof(sa));
}

int connect_side(uint64_t engine)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int n = snprintf(sa.sun_path, sizeof(sa.sun_path), DM_SIDE_DOOR,
			 (unsigned long long)engine);

	sa.sun_path[0] = '\0';
	return connect_to(&sa, offsetof(struct sockaddr_un, sun_path) + (size_t)n);
}

int device_open(const struct device_name *n, int flags)
{
	struct call c = CALL(-1, DM_OPEN);
	int fd, error;

	if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
		return -EEXIST;
	if ((flags & O_DIRECTORY) != 0)
		return -ENOTDIR;
	if ((flags & O_PATH) != 0)
		return (int)raw(SYS_openat, AT_FDCWD, n->path, flags);
	if (n->served)
		return served_open(n, flags);
	c.sock = connect_address(n->address.sun_path);
	if (c.sock < 0)
		return c.sock;
	c.rq.a[0] = (uint64_t)flags;
	error = call_door(&c);
	(void)raw_close(c.sock);
	if (error == 0 && c.got[0] < 0)
		error = -EPROTO;
	fd = error;
	if (error == 0) {
		fd = settle(c.got[0], flags);
		c.got[0] = -1;
	}
	call_drop(&c);
	if (fd >= 0) {
		error = fd_mark(fd, c.re.info.engine,
				flags & ~(O_CLOEXEC | O_CREAT | O_TRUNC | O_NOCTTY), &c.re.info);
		if (error != 0) {
			(void)raw_close(fd);
			fd = error;
		}
	} else {
		debug("%s: open: error %d", n->name, -fd);
	}
	return fd;
}

static int device_call(struct call *c, const struct device *d)
{
	int error;

	c->device = true;
	c->rq.session = session_id(d->engine);
	/* The file's flags as they are now (O_NONBLOCK). */
	c->rq.a[5] = (uint64_t)raw_fcntl(c->sock, F_GETFL, 0);
	error = call(c);
	call_drop(c);
	return error;
}

long device_ioctl(int fd, const struct device *d, unsigned long cmd, unsigned long arg)
{
	struct call c = CALL(fd, DM_IOCTL);
	int error;

	/* These are the descriptor's, whatever is behind it. */
	if (cmd == FIONBIO || cmd == FIOASYNC || cmd == FIOCLEX || cmd == FIONCLEX)
		return raw(SYS_ioctl, fd, cmd, arg);
	c.rq.a[0] = cmd;
	c.rq.a[1] = arg;
	error = device_call(&c, d);
	return error != 0 ? error : (int)c.re.v[0];
}

ssize_t device_transfer(int fd, const struct device *d, uint16_t op, const void *buf, size_t len,
			int64_t off)
{
	struct call c = CALL(fd, op);
	int error, mode = d->flags & O_ACCMODE;

	if (d->known && mode == (op == DM_READ ? O_WRONLY : O_RDONLY))
		return -EBADF;
	if (off < -1)
		return -EINVAL;
	c.rq.a[0] = (uintptr_t)buf;
	c.rq.a[1] = len < 0x7ffff000 ? len : 0x7ffff000;
	c.rq.a[2] = (uint64_t)off;
	error = device_call(&c, d);
	return error != 0 ? error : (ssize_t)c.re.v[0];
}

/* Between a program's vector and one buffer. 0 or -errno. */
static int gather(char *buf, const struct iovec *iov, int n, size_t len, bool store)
{
	int error = 0;

	for (int i = 0; i < n && len > 0 && error == 0; i++) {
		size_t part = iov[i].iov_len < len ? iov[i].iov_len : len;

		if (part > 0)
			error = store ? data_store(iov[i].iov_base, buf, part) :
					data_fetch(buf, iov[i].iov_base, part);
		buf += part;
		len -= part;
	}
	return error;
}

/* One transfer, as the driver would see one uio(9S). */
ssize_t device_transferv(int fd, const struct device *d, uint16_t op, const struct iovec *iov,
			 int n, int64_t off)
{
	size_t len = 0;
	ssize_t done;
	char *buf;

	if (n < 0 || n > IOV_MAX)
		return -EINVAL;
	for (int i = 0; i < n; i++)
		if (iov[i].iov_len > (size_t)0x7ffff000 - len)
			return -EINVAL;
		else
			len += iov[i].iov_len;
	if (n == 1 || len == 0)
		return device_transfer(fd, d, op, n > 0 ? iov[0].iov_base : NULL, len, off);
	buf = bounce_get(len);
	if (buf == NULL)
		return -ENOMEM;
	done = op == DM_WRITE ? gather(buf, iov, n, len, false) : 0;
	if (done == 0)
		done = device_transfer(fd, d, op, buf, len, off);
	if (op == DM_READ && done > 0) {
		int error = gather(buf, iov, n, (size_t)done, true);

		if (error != 0)
			done = error;
	}
	bounce_put(buf, len);
	return done;
}

int64_t device_seek(int fd, int64_t off, int whence)
{
	struct call c = CALL(fd, DM_SEEK);
	int error;

	c.device = true;
	c.rq.a[0] = (uint64_t)off;
	c.rq.a[1] = (uint64_t)whence;
	error = call(&c);
	call_drop(&c);
	return error != 0 ? error : (int64_t)c.re.v[0];
}

/* What chpoll(9E) says now; also has the engine put a token on the socket when it says readable. */
int device_poll(int fd, short events)
{
	const struct device *d = fd_device(fd);
	struct call c = CALL(fd, DM_POLL);

	if (d == NULL)
		return POLLNVAL;
	c.rq.a[0] = (uint16_t)events;
	return device_call(&c, d) != 0 ? POLLHUP | POLLERR : (short)c.re.v[0];
}

/* As a character device; the rest of st (size, times) is as the caller found it. */
void device_stat(const struct dm_info *info, struct stat *st)
{
	st->st_dev = STAT_DEV;
	st->st_ino = (ino_t)info->rdev;
	st->st_mode = S_IFCHR | (info->mode & 07777);
	st->st_nlink = 1;
	st->st_uid = info->uid;
	st->st_gid = info->gid;
	st->st_rdev = (dev_t)info->rdev;
	st->st_size = 0;
	st->st_blocks = 0;
	st->st_blksize = 4096;
}
