/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Mounting a node: see mount.h. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mount.h"
#include "wire.h"

#define FUSE_DEVICE "/dev/fuse"
#define HELPER	    "fusermount3"
/* Its end of the line over which it hands us the connection, and how it hears of that. */
#define HELPER_FD   3
#define HELPER_LINE "_FUSE_COMMFD=3"

static int mount_as_root(const char *path)
{
	char options[160];
	int error, fd = open(FUSE_DEVICE, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	snprintf(options, sizeof(options),
		 "fd=%d,rootmode=100000,user_id=%u,group_id=%u,allow_other,default_permissions", fd,
		 (unsigned)geteuid(), (unsigned)getegid());
	if (mount("devmap", path, "fuse.devmap", MS_NOSUID | MS_NODEV | MS_NOEXEC, options) == 0)
		return fd;
	error = -errno;
	close(fd);
	return error;
}

/* Runs the helper to its end. line: what it gets as HELPER_FD, or -1. 0 or -errno. */
static int helper_run(const char *const argv[], int line)
{
	static const char *const env[] = { HELPER_LINE, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none;
	int error, status;
	pid_t pid;

	sigemptyset(&none);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	if (line >= 0)
		posix_spawn_file_actions_adddup2(&actions, line, HELPER_FD);
	/* What goes wrong is said once, by us. */
	posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
	error = posix_spawnp(&pid, HELPER, &actions, &attr, (char *const *)argv,
			     (char *const *)env);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	if (error != 0)
		return -error;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EPERM;
}

/* others: may anybody but us open it? */
static int mount_by_helper(const char *path, bool others)
{
	char options[160], byte;
	const char *const argv[] = { HELPER, "-o", options, "--", path, NULL };
	int ends[2], fd = -1, error;
	unsigned nfds = 0;

	snprintf(options, sizeof(options),
		 "rw,nosuid,nodev,noexec,fsname=devmap,subtype=devmap,default_permissions%s",
		 others ? ",allow_other" : "");
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
		return -errno;
	error = helper_run(argv, ends[1]);
	if (error == 0 &&
	    (wire_receive(ends[0], &byte, 1, &fd, 1, &nfds, NULL, MSG_DONTWAIT) < 0 || nfds != 1))
		error = -EIO;
	close(ends[0]);
	close(ends[1]);
	return error != 0 ? error : fd;
}

static int connection(const char *path)
{
	int fd;

	if (access(FUSE_DEVICE, R_OK | W_OK) != 0)
		return -errno;
	if (geteuid() == 0)
		return mount_as_root(path);
	fd = mount_by_helper(path, true);
	return fd == -EPERM ? mount_by_helper(path, false) : fd;
}

int mount_file(const char *path)
{
	int fd, file = open(path, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (file < 0)
		return -errno;
	close(file);
	fd = connection(path);
	if (fd >= 0 && fcntl(fd, F_SETFL, O_NONBLOCK) == 0 && fcntl(fd, F_SETFD, FD_CLOEXEC) == 0)
		return fd;
	if (fd >= 0) {
		close(fd);
		mount_end(path);
		return -EIO;
	}
	(void)unlink(path);
	return fd;
}

static bool look(const char *path, struct statx *x)
{
	const int how = AT_SYMLINK_NOFOLLOW | AT_STATX_DONT_SYNC;

	return statx(AT_FDCWD, path, how, STATX_TYPE | STATX_INO, x) == 0;
}

bool mount_is_there(const char *path)
{
	struct statx x;

	return look(path, &x) && S_ISREG(x.stx_mode) &&
	       (x.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

bool mount_is_same(const char *path, const char *other)
{
	struct statx x, y;

	return look(path, &x) && look(other, &y) && x.stx_ino == y.stx_ino &&
	       x.stx_dev_major == y.stx_dev_major && x.stx_dev_minor == y.stx_dev_minor;
}

void mount_end(const char *path)
{
	const char *const argv[] = { HELPER, "-u", "-z", "-q", "--", path, NULL };

	if (geteuid() == 0)
		(void)umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW);
	else if (unlink(path) != 0 && errno == EBUSY)
		(void)helper_run(argv, -1);
	(void)unlink(path);
}
