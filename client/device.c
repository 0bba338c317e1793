/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Opening a device; and one that is a socket, where there is no FUSE: it can be had, mapped, and given to
 * ioctl(2). Nothing is ever sent on it. Whoever asks about it shows it at a door of its engine.
 */
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>

#include "internal.h"

/* No file system has this number: what stat(2) tells of the place of a device is made up. */
#define STAT_DEV  makedev(0, 0xd7)

#define TRIES_MAX 100

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

int device_door(const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };

	memcpy(sa.sun_path, path, strnlen(path, sizeof(sa.sun_path)));
	return connect_to(&sa, sizeof(sa));
}

static int side_door(uint64_t engine)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int n = snprintf(sa.sun_path, sizeof(sa.sun_path), DM_SIDE_DOOR,
			 (unsigned long long)engine);

	sa.sun_path[0] = '\0';
	return connect_to(&sa, offsetof(struct sockaddr_un, sun_path) + (size_t)n);
}

/*
 * Whoever is there is given power over our memory, and the file that named him may be anybody's: root's,
 * our own, or that of the directory's owner.
 */
static bool is_trusted(int sock)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);
	struct stat st;

	if (raw(SYS_getsockopt, sock, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
		return false;
	if (peer.uid == 0 || peer.uid == (uid_t)raw(SYS_geteuid))
		return true;
	for (unsigned i = 0; names_directory(i) != NULL; i++)
		if (raw(SYS_newfstatat, AT_FDCWD, names_directory(i), &st, 0) == 0 &&
		    peer.uid == st.st_uid)
			return true;
	return false;
}

/* Where in our directories of devices the door NAME is, if it can be there at all. */
static bool find_door(const char *name, char door[108])
{
	for (unsigned i = 0; names_directory(i) != NULL; i++) {
		if (snprintf(door, 108, "%s/%s", names_directory(i), name) >= 108)
			continue;
		if (raw(SYS_faccessat, AT_FDCWD, door, F_OK) == 0)
			return true;
	}
	return false;
}

/* The same door in our directory of devices: the engine may have another root, or other mounts, than we. */
static int own_door(const char *door)
{
	const char *name = strrchr(door, '/');
	char path[108];

	return name != NULL && find_door(name + 1, path) ? device_door(path) : -ENOENT;
}

static int device_call_once(uint64_t engine, const char *door, struct call *c)
{
	int error = -EPERM;

	c->sock = side_door(engine);
	if (c->sock < 0) /* another network's */
		c->sock = own_door(door);
	if (c->sock < 0)
		c->sock = device_door(door);
	if (c->sock < 0)
		return c->sock;
	if (is_trusted(c->sock))
		error = call_door(c);
	(void)raw_close(c->sock);
	return error;
}

/* Where an engine has died and another has its doors, that one is asked; but for what may have been done. */
int device_call(uint64_t engine, const char *door, struct call *c)
{
	unsigned tries = 0;
	int error;

	do
		error = device_call_once(engine, door, c);
	while (error == -EIO && c->lost && c->rq.op != DM_IOCTL && ++tries < TRIES_MAX);
	return error;
}

static int socket_open(const struct device_name *n, int flags)
{
	struct call c = CALL(-1, DM_OPEN);
	int fd, error;

	c.sock = device_door(n->address.sun_path);
	if (c.sock < 0)
		return c.sock;
	c.rq.a[0] = (uint64_t)flags;
	error = call_door(&c);
	(void)raw_close(c.sock);
	if (error == 0 && c.got[0] < 0)
		error = -EPROTO;
	if (error == -EIO) /* it went meanwhile: there was no device */
		error = -ENXIO;
	fd = error;
	if (error == 0) {
		fd = settle(c.got[0], flags);
		c.got[0] = -1;
	}
	call_drop(&c);
	if (fd >= 0)
		fd_mark(fd, FD_SOCKET);
	else
		debug("%s: open: error %d", n->name, -fd);
	return fd;
}

int device_open(const struct device_name *n, int flags)
{
	if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
		return -EEXIST;
	if ((flags & O_DIRECTORY) != 0)
		return -ENOTDIR;
	if ((flags & O_PATH) != 0)
		return (int)raw(SYS_openat, AT_FDCWD, n->path, flags);
	return n->served ? served_open(n, flags) : socket_open(n, flags);
}

/* The engine, and its front door, of a socket that is a device; false: it is none. */
static bool peer_engine(int fd, uint64_t *engine, char door[108])
{
	struct sockaddr_un sa;
	socklen_t len = sizeof(sa);
	const char *name = sa.sun_path + sizeof(DM_PEER_PREFIX) - 1;
	unsigned long long id;
	char device[DM_NAME_MAX + 1] = ".";

	memset(&sa, 0, sizeof(sa));
	if (raw(SYS_getpeername, fd, &sa, &len) != 0 || sa.sun_family != AF_UNIX ||
	    memcmp(sa.sun_path, DM_PEER_PREFIX, sizeof(DM_PEER_PREFIX) - 1) != 0)
		return false;
	sa.sun_path[sizeof(sa.sun_path) - 1] = '\0';
	if (sscanf(name, "%16llx/%*u/%63s", &id, device + 1) != 2)
		return false;
	*engine = id;
	(void)find_door(device, door);
	return true;
}

bool socket_probe(int fd)
{
	char door[108];
	uint64_t engine;

	return peer_engine(fd, &engine, door);
}

/* Asks about fd, which is shown. 0 or -errno. */
static int socket_call(int fd, struct call *c, uint64_t *engine, char door[108])
{
	int error;

	if (!peer_engine(fd, engine, door))
		return -EBADF;
	c->fd = fd;
	error = device_call(*engine, door, c);
	call_drop(c);
	return error;
}

int socket_file(int fd, struct dm_file *f)
{
	struct call c = CALL(-1, DM_INFO);
	uint64_t engine;
	int error = socket_call(fd, &c, &engine, f->door);

	if (error == 0) {
		f->info = c.re.info;
		f->token = c.re.v[0];
		f->flags = c.re.flags;
	}
	return error;
}

bool socket_ioctl(int fd, unsigned long cmd, unsigned long arg, long *result)
{
	struct call c = CALL(-1, DM_IOCTL);
	char door[108];
	uint64_t engine;

	/* These are the descriptor's, whatever is behind it. */
	if (cmd == FIONBIO || cmd == FIOASYNC || cmd == FIOCLEX || cmd == FIONCLEX)
		return false;
	c.rq.a[2] = cmd;
	c.rq.a[3] = arg;
	c.rq.a[5] = (uint64_t)raw_fcntl(fd, F_GETFL, 0);
	*result = socket_call(fd, &c, &engine, door);
	if (*result == -EBADF && !socket_probe(fd)) {
		fd_forget(fd);
		return false;
	}
	if (*result == 0)
		*result = (int)c.re.v[0];
	return true;
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
