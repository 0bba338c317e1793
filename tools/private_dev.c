/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * devmap run --private-dev: a /dev of the program's own, in a mount namespace, where devices lie under their
 * names beside all that the real one has. Root makes one as it is; others need a user namespace for it.
 *
 * The new /dev is a tmpfs, and each entry is the real one's, mounted there. The whole real /dev is in HIDDEN,
 * too: ptmx works only where pts lies beside it in the same file system, and only root can make another.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <devmap/protocol.h>

#include "devmap.h"

#define HIDDEN	 ".devmap"
#define PATH_LEN 4400 /* a directory and a name */

#ifndef OPEN_TREE_CLONE
#define OPEN_TREE_CLONE 1
#endif
#define TREE_RECURSIVE	 0x8000 /* AT_RECURSIVE */
#define MOVE_EMPTY_PATHS 0x4	/* MOVE_MOUNT_F_EMPTY_PATH */

static int failed(const char *what, const char *path)
{
	int error = -errno;

	fprintf(stderr, "devmap: run: --private-dev: %s%s%s: %s\n", what,
		path[0] != '\0' ? " " : "", path, strerror(-error));
	return error;
}

static int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return failed("open", path);
	n = write(fd, text, strlen(text));
	if (n < 0)
		(void)failed("write", path);
	close(fd);
	return n < 0 ? -EIO : 0;
}

/* The user is who he was, and there is nobody else: what others own belongs to nobody. */
static int enter_user_namespace(void)
{
	const unsigned uid = geteuid(), gid = getegid();
	char map[48];
	int error;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
		return failed("a user namespace", "");
	error = write_text("/proc/self/setgroups", "deny");
	snprintf(map, sizeof(map), "%u %u 1\n", gid, gid);
	if (error == 0)
		error = write_text("/proc/self/gid_map", map);
	snprintf(map, sizeof(map), "%u %u 1\n", uid, uid);
	if (error == 0)
		error = write_text("/proc/self/uid_map", map);
	return error;
}

/* What is mounted here stays here; what is mounted outside, as by a new engine, is seen. */
static int enter_namespace(void)
{
	int error = 0;

	if (unshare(CLONE_NEWNS) != 0)
		error = errno == EPERM ? enter_user_namespace() : failed("a mount namespace", "");
	if (error == 0 && mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) != 0)
		error = failed("mount", "/");
	return error;
}

/* Makes the empty file /dev/NAME and mounts on it. -EEXIST: there is one. */
static int place(const char *from, const char *name)
{
	char to[PATH_LEN];
	int fd;

	if (snprintf(to, sizeof(to), "/dev/%s", name) >= (int)sizeof(to))
		return -ENAMETOOLONG;
	fd = open(to, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return errno == EEXIST ? -EEXIST : failed("make", to);
	close(fd);
	return mount(from, to, NULL, MS_BIND, NULL) == 0 ? 0 : failed("mount", to);
}

/* One of DIR, under a name. Only the library finds those that are no files. */
static int place_device(int dir, const char *device, const char *name)
{
	char from[PATH_LEN];
	struct stat st;
	int error;

	snprintf(from, sizeof(from), "/proc/self/fd/%d/%s", dir, device);
	if (stat(from, &st) != 0 || !S_ISREG(st.st_mode) || !DM_INO_IS(st.st_ino)) {
		fprintf(stderr,
			"devmap: run: --private-dev: %s is not served as a file: /dev/%s is for the library "
			"only\n",
			device, name);
		return 0;
	}
	error = place(from, name);
	return error == -EEXIST ? 0 : error;
}

/* Which of the directories has the device, by its socket? The first one, if none has. */
static int directory_of(const int *dir, unsigned n, const char *device)
{
	char socket[NAME_MAX + 2];

	snprintf(socket, sizeof(socket), ".%s", device);
	for (unsigned i = 0; i < n; i++)
		if (faccessat(dir[i], socket, F_OK, 0) == 0)
			return dir[i];
	return dir[0];
}

/* aliases: NAME=DEVICE,... */
static int place_aliases(const int *dir, unsigned n, const char *aliases)
{
	char list[1024], *rest = NULL;
	int error = 0;

	snprintf(list, sizeof(list), "%s", aliases);
	for (char *a = strtok_r(list, ",", &rest); a != NULL && error == 0;
	     a = strtok_r(NULL, ",", &rest)) {
		char *device = strchr(a, '=');

		*device++ = '\0';
		if (strchr(a, '/') == NULL)
			error = place_device(directory_of(dir, n, device), device, a);
	}
	return error;
}

static DIR *open_directory(int at)
{
	int fd = openat(at, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;

	if (d == NULL && fd >= 0)
		close(fd);
	return d;
}

static int place_devices(int dir)
{
	DIR *d = open_directory(dir);
	struct dirent *e;
	int error = 0;

	if (d == NULL)
		return failed("read the directory of devices", "");
	/* Each has a socket. */
	while (error == 0 && (e = readdir(d)) != NULL)
		if (e->d_type == DT_SOCK && e->d_name[0] == '.')
			error = place_device(dir, e->d_name + 1, e->d_name + 1);
	closedir(d);
	return error;
}

/* An entry of the real /dev, as `from`, which is a path. */
static int place_entry(int real, const char *from, const char *name)
{
	char text[PATH_LEN], to[PATH_LEN];
	struct stat st;
	ssize_t n;
	int error;

	/* One that we may not even look at would be of no use. */
	if (fstatat(real, name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
	    snprintf(to, sizeof(to), "/dev/%s", name) >= (int)sizeof(to))
		return 0;
	if (S_ISDIR(st.st_mode)) {
		if (mkdir(to, 0755) != 0)
			return errno == EEXIST ? 0 : failed("make", to);
		return mount(from, to, NULL, MS_BIND | MS_REC, NULL) == 0 ? 0 : failed("mount", to);
	}
	if (S_ISLNK(st.st_mode)) {
		n = readlinkat(real, name, text, sizeof(text) - 1);
		text[n > 0 ? n : 0] = '\0';
	} else if (strcmp(name, "ptmx") == 0) {
		if (mknod(to, st.st_mode, st.st_rdev) == 0)
			return chmod(to, st.st_mode & 07777) == 0 ? 0 : failed("chmod", to);
		snprintf(text, sizeof(text), "%s/%s", HIDDEN, name);
	} else {
		error = place(from, name);
		return error == -EEXIST ? 0 : error;
	}
	return symlink(text, to) == 0 || errno == EEXIST ? 0 : failed("make", to);
}

static int place_entries(int real)
{
	char from[PATH_LEN];
	DIR *d = open_directory(real);
	struct dirent *e;
	int error = 0;

	if (d == NULL)
		return failed("read", "/dev");
	while (error == 0 && (e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		snprintf(from, sizeof(from), "/dev/%s/%s", HIDDEN, e->d_name);
		error = place_entry(real, from, e->d_name);
	}
	closedir(d);
	return error;
}

/* The new /dev with the real one in it: its descriptor, or -errno. */
static int make_dev(void)
{
	const char *const hidden = "/dev/" HIDDEN;
	int tree, fd;

	tree = (int)syscall(SYS_open_tree, AT_FDCWD, "/dev",
			    OPEN_TREE_CLONE | O_CLOEXEC | TREE_RECURSIVE);
	if (tree < 0)
		return failed("clone", "/dev");
	if (mount("devmap", "/dev", "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=0755,size=1m") != 0) {
		fd = failed("mount", "/dev");
	} else if (mkdir(hidden, 0755) != 0 ||
		   syscall(SYS_move_mount, tree, "", AT_FDCWD, hidden, MOVE_EMPTY_PATHS) != 0) {
		fd = failed("mount", hidden);
	} else {
		fd = open(hidden, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			fd = failed("open", hidden);
	}
	close(tree);
	return fd;
}

/* Opens those that are there. Their number, at least 1; or -errno, said. */
static int open_directories(const struct device_dirs *dirs, int *fd)
{
	int n = 0;

	for (unsigned i = 0; i < dirs->n; i++) {
		fd[n] = open(dirs->dir[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (fd[n] >= 0)
			n++;
	}
	return n > 0 ? n : failed("open", dirs->dir[dirs->n - 1]);
}

int private_dev(const struct device_dirs *dirs, const char *aliases)
{
	int fd[sizeof(dirs->dir) / sizeof(dirs->dir[0])], n, real, error = enter_namespace();

	if (error != 0)
		return error;
	/* They may lie in /dev. */
	n = open_directories(dirs, fd);
	if (n < 0)
		return n;
	real = make_dev();
	error = real < 0 ? real : 0;
	for (int i = 0; error == 0 && i < n; i++)
		error = place_devices(fd[i]);
	if (error == 0)
		error = place_aliases(fd, (unsigned)n, aliases);
	if (error == 0)
		error = place_entries(real);
	if (real >= 0)
		close(real);
	while (n > 0)
		close(fd[--n]);
	return error;
}
