/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* See doors.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
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
static int knock(int dirfd, const char *name)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	struct timeval patience = { .tv_sec = 5 };
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

int door_ask(int dirfd, const char *name, unsigned op, int *fd)
{
	struct dm_request rq = { .magic = DM_MAGIC, .version = DM_VERSION, .op = (uint16_t)op };
	struct iovec iov = { .iov_base = &rq, .iov_len = sizeof(rq) };
	struct dm_reply r;
	unsigned nfds = 0;
	int s = knock(dirfd, name), error = s < 0 ? s : wire_send(s, &iov, 1, NULL, 0);

	if (error == 0) {
		ssize_t n = wire_receive(s, &r, sizeof(r), fd, 1, &nfds, NULL, 0);

		error = n < 0						     ? (int)n :
			n != sizeof(r) || r.magic != DM_MAGIC || r.error < 0 ? -EPROTO :
			r.error						     ? -r.error :
			nfds != 1					     ? -EPROTO :
									       0;
		if (error != 0 && nfds == 1)
			close(*fd);
	}
	if (s >= 0)
		close(s);
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
