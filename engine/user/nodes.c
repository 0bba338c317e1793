/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The sockets in the device directory: see nodes.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "at_dev.h"
#include "mount.h"
#include "nodes.h"
#include "server.h"

#define LOCK_TRIES 200 /* of 10 ms: whoever may read the directory can hold the lock */

int node_path(const char *name, char *path, size_t room)
{
	return snprintf(path, room, "%s/%s", server_options.dir, name) < (int)room ? 0 :
										     -ENAMETOOLONG;
}

int node_link(const char *name)
{
	char path[NODE_PATH_MAX], target[MINOR_NAME_MAX + 1];
	int error = node_path(name, path, sizeof(path));

	snprintf(target, sizeof(target), ".%s", name);
	if (error == 0 && symlink(target, path) != 0)
		error = -errno;
	return error;
}

int node_address(const char *name, struct sockaddr_un *sa, int *dirfd)
{
	int n;

	*sa = (struct sockaddr_un){ .sun_family = AF_UNIX };
	*dirfd = -1;
	n = snprintf(sa->sun_path, sizeof(sa->sun_path), "%s/.%s", server_options.dir, name);
	if (n < (int)sizeof(sa->sun_path))
		return 0;
	*dirfd = open(server_options.dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (*dirfd < 0)
		return -errno;
	n = snprintf(sa->sun_path, sizeof(sa->sun_path), "/proc/self/fd/%d/.%s", *dirfd, name);
	return n < (int)sizeof(sa->sun_path) ? 0 : -ENAMETOOLONG;
}

int nodes_lock(void)
{
	const struct timespec nap = { .tv_nsec = 10000000 };
	int fd = open(server_options.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (int i = 0; fd >= 0 && i < LOCK_TRIES && flock(fd, LOCK_EX | LOCK_NB) != 0; i++)
		(void)nanosleep(&nap, NULL);
	return fd;
}

void nodes_unlock(int lock)
{
	if (lock >= 0)
		close(lock);
}

/* Is it the link that we make? */
static bool is_our_link(const char *name, const char *path)
{
	char target[MINOR_NAME_MAX + 2];
	ssize_t n = readlink(path, target, sizeof(target) - 1);

	if (n <= 1)
		return false;
	target[n] = '\0';
	return target[0] == '.' && strcmp(target + 1, name) == 0;
}

/* Is it the file on which we mount? */
static bool is_our_file(const struct stat *st)
{
	return S_ISREG(st->st_mode) && st->st_size == 0 && st->st_uid == geteuid() &&
	       (st->st_mode & 07777) == 0600;
}

/*
 * Takes DIR/NAME away if it is one of ours: the link, the empty file, a node whose engine is gone, or, if
 * `live`, one that is served. What somebody else has put there stays.
 */
static void path_remove(const char *name, bool live)
{
	char path[NODE_PATH_MAX];
	struct statfs fs;
	struct stat st;
	int error;

	if (node_path(name, path, sizeof(path)) != 0)
		return;
	if (live && mount_is_there(path)) {
		mount_end(path);
		return;
	}
	error = lstat(path, &st) == 0 ? 0 : errno;
	/* The state may be one that the kernel remembers. */
	if (error == 0 && S_ISREG(st.st_mode) && statfs(path, &fs) != 0)
		error = errno;
	if (error == ENOTCONN)
		mount_end(path);
	else if (error == 0 && (is_our_link(name, path) || is_our_file(&st)))
		(void)unlink(path);
}

int node_clear(const char *name, const struct sockaddr_un *sa)
{
	int error = 0, s = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool dead = false;

	if (s < 0)
		return -errno;
	/* EAGAIN: so many wait at the door that there is no room for us. */
	if (connect(s, (const struct sockaddr *)sa, sizeof(*sa)) == 0 || errno == EAGAIN)
		error = -EADDRINUSE;
	else
		dead = errno == ECONNREFUSED || errno == ENOENT;
	if (dead && errno == ECONNREFUSED && unlink(sa->sun_path) != 0)
		error = -errno;
	if (dead && error == 0) {
		path_remove(name, false);
		if (geteuid() == 0)
			(void)at_dev_clear(name);
	}
	close(s);
	return error;
}

void node_remove(const char *name)
{
	char path[NODE_PATH_MAX];
	struct sockaddr_un sa;
	int dirfd;

	if (server_options.at_dev && node_path(name, path, sizeof(path)) == 0)
		at_dev_hide(name, path);
	path_remove(name, true);
	if (node_address(name, &sa, &dirfd) == 0)
		(void)unlink(sa.sun_path);
	if (dirfd >= 0)
		close(dirfd);
}

void nodes_sweep(void)
{
	int lock = nodes_lock(), dirfd;
	DIR *dir = opendir(server_options.dir);
	struct sockaddr_un sa;
	struct dirent *d;

	while (dir != NULL && (d = readdir(dir)) != NULL) {
		if (d->d_type != DT_SOCK || d->d_name[0] != '.')
			continue;
		if (node_address(d->d_name + 1, &sa, &dirfd) == 0)
			(void)node_clear(d->d_name + 1, &sa);
		if (dirfd >= 0)
			close(dirfd);
	}
	if (dir != NULL)
		closedir(dir);
	nodes_unlock(lock);
}
