/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Nodes at /dev/NAME: see at_dev.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <devmap/protocol.h>

#include "at_dev.h"
#include "mount.h"

#define OUR_MODE S_ISVTX /* of the file below, which nobody would choose */
#define PATH_LEN 512

static int dev_path(const char *name, char path[PATH_LEN])
{
	return snprintf(path, PATH_LEN, "/dev/%s", name) < PATH_LEN ? 0 : -ENAMETOOLONG;
}

static bool is_our_file(const struct stat *st)
{
	return S_ISREG(st->st_mode) && st->st_size == 0 && st->st_uid == 0 &&
	       (st->st_mode & 07777) == OUR_MODE;
}

/* Is a file system of ours mounted there? */
static bool is_our_mount(const char *path)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	char line[4096], at[PATH_LEN];
	bool ours = false;

	/* The last of those on one another is the one that is seen. */
	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "%*d %*d %*s %*s %511s", at) == 1 && strcmp(at, path) == 0)
			ours = strstr(line, " - fuse.devmap ") != NULL;
	if (f != NULL)
		fclose(f);
	return ours;
}

/* What is there; -ENOTCONN: a mount whose engine is dead, even if the kernel remembers its state. */
static int look(const char *path, struct stat *st)
{
	struct statfs fs;

	if (lstat(path, st) != 0)
		return -errno;
	return S_ISREG(st->st_mode) && statfs(path, &fs) != 0 ? -errno : 0;
}

int at_dev_clear(const char *name)
{
	char path[PATH_LEN];
	struct stat st;
	int error = dev_path(name, path);

	if (error != 0)
		return error;
	while ((error = look(path, &st)) == -ENOTCONN) {
		if (!is_our_mount(path))
			return -EEXIST;
		if (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) != 0)
			return -errno;
	}
	if (error != 0)
		return error == -ENOENT ? 0 : error;
	if (!is_our_file(&st))
		return -EEXIST;
	return unlink(path) == 0 ? 0 : -errno;
}

int at_dev_show(const char *name, const char *path)
{
	char at[PATH_LEN];
	int fd, error = dev_path(name, at);

	if (error != 0)
		return error;
	fd = open(at, O_RDONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (fchmod(fd, OUR_MODE) != 0 || mount(path, at, NULL, MS_BIND, NULL) != 0)
		error = -errno;
	close(fd);
	if (error != 0)
		(void)unlink(at);
	return error;
}

void at_dev_hide(const char *name, const char *path)
{
	char at[PATH_LEN];

	if (dev_path(name, at) != 0 || !mount_is_same(at, path))
		return;
	if (umount2(at, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
		(void)at_dev_clear(name);
}
