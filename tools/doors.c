/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* See doors.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include <devmap/protocol.h>

#include "../engine/user/wire.h"
#include "doors.h"

/* A connection to DIR/NAME, or -errno. */
static int knock(int dirfd, const char *name, struct timeval patience)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int s, error;

	if (snprintf(sa.sun_path, sizeof(sa.sun_path), "/proc/self/fd/%d/%s", dirfd, name) >=
	    (int)sizeof(sa.sun_path))
		return -ENAMETOOLONG;
	s = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (s < 0)
		return -errno;
	(void)setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	(void)setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(s, (struct sockaddr *)&sa, sizeof(sa)) == 0)
		return s;
	error = -errno;
	close(s);
	return error;
}

/* The descriptor that is to come with the answer is in *fd, if fd is not NULL. 0 or -errno. */
static int receive(int s, int *fd)
{
	unsigned nfds = 0;
	int got = -1, error = 0;
	struct dm_reply r;
	ssize_t n = wire_receive(s, &r, sizeof(r), &got, 1, &nfds, NULL, 0);

	if (n < 0)
		return (int)n;
	if (n != sizeof(r) || r.magic != DM_MAGIC || r.error < 0)
		error = -EPROTO;
	else if (r.error != 0)
		error = -r.error;
	else if (nfds != (fd != NULL))
		error = -EPROTO;
	if (error == 0 && fd != NULL)
		*fd = got;
	else if (nfds == 1)
		close(got);
	return error;
}

int door_ask(int dirfd, const char *name, unsigned op, const uint64_t a[2], int *fd)
{
	struct dm_request rq = { .magic = DM_MAGIC, .version = DM_VERSION, .op = (uint16_t)op };
	struct iovec iov = { .iov_base = &rq, .iov_len = sizeof(rq) };
	/* Who traces asks often, and has others to ask. */
	const struct timeval patience = { .tv_sec = op == DM_TRACE ? 0 : 5,
					  .tv_usec = op == DM_TRACE ? 200000 : 0 };
	int s = knock(dirfd, name, patience), error;

	if (s < 0)
		return s;
	if (a != NULL)
		memcpy(rq.a, a, 2 * sizeof(a[0]));
	error = wire_send(s, &iov, 1, NULL, 0);
	if (error == 0)
		error = receive(s, fd);
	close(s);
	return error;
}

int door_ask_device(const struct device_dirs *dirs, const char *device, unsigned op,
		    const uint64_t a[2], int *fd)
{
	int error = -ENOENT;
	char name[NAME_MAX + 1];

	if (strchr(device, '/') != NULL ||
	    snprintf(name, sizeof(name), ".%s", device) >= (int)sizeof(name))
		return -ENOENT;
	/* One that nobody serves any more, or that cannot be seen, hides none that is served. */
	for (unsigned i = 0; i < dirs->n; i++) {
		int dirfd = open(dirs->dir[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
		int now = dirfd < 0 ? -errno : door_ask(dirfd, name, op, a, fd);

		if (dirfd >= 0)
			close(dirfd);
		if (now == 0)
			return 0;
		if (now != -ENOENT)
			error = now;
	}
	return error;
}

static int only_sockets(const struct dirent *d)
{
	return d->d_type == DT_SOCK && d->d_name[0] == '.';
}

int doors_each(const char *dir, void (*fn)(int dirfd, const char *name, void *arg), void *arg)
{
	struct dirent **names;
	int dirfd, n = scandir(dir, &names, only_sockets, alphasort);

	if (n < 0)
		return errno == ENOENT ? 0 : -errno;
	dirfd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < n; i++) {
		fn(dirfd, names[i]->d_name, arg);
		free(names[i]);
	}
	free(names);
	if (dirfd >= 0)
		close(dirfd);
	return 0;
}

const char *door_error(int error)
{
	return error == -ECONNREFUSED ?
		       "its engine is gone; the next devmap serve of this directory takes it away" :
		       strerror(-error);
}
