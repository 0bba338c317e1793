/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What programs ask about paths: where they are, and where a path leads; and syscall(2), by which some ask
 * for the state of a file.
 */
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shim.h"

EXPORT int chdir(const char *path)
{
	int r = REAL(chdir)(path);

	if (r == 0)
		names_moved();
	return r;
}

EXPORT int fchdir(int fd)
{
	int r = REAL(fchdir)(fd);

	if (r == 0)
		names_moved();
	return r;
}

/* out: NULL for memory of its own, or PATH_MAX bytes. */
static bool device_path(const char *path, char *out, char **result)
{
	char name[DM_NAME_MAX + 5];

	if (!path_candidate(path) || !name_canonical(path, name))
		return false;
	*result = out == NULL ? strdup(name) : strcpy(out, name);
	return true;
}

EXPORT char *realpath(const char *restrict path, char *restrict out)
{
	char *result;

	return device_path(path, out, &result) ? result : REAL(realpath)(path, out);
}

EXPORT char *__realpath_chk(const char *path, char *out, size_t room)
{
	char *result;

	if (room >= PATH_MAX && device_path(path, out, &result))
		return result;
	return REAL(__realpath_chk)(path, out, room);
}

EXPORT char *canonicalize_file_name(const char *path)
{
	char *result;

	return device_path(path, NULL, &result) ? result : REAL(canonicalize_file_name)(path);
}

/* sysfs has a link for each frame buffer, to where its bus is: ours is on none. Xorg looks before it uses one. */
static bool is_graphics(const char *path, char *out, size_t room, ssize_t *n)
{
	static const char class[] = "/sys/class/graphics/";
	char target[DM_NAME_MAX + 64];
	const char *name = path + sizeof(class) - 1;
	struct device_name device;
	int len;

	if (likely(strncmp(path, class, sizeof(class) - 1) != 0) || strncmp(name, "fb", 2) != 0 ||
	    !name_device(name, &device))
		return false;
	len = snprintf(target, sizeof(target), "../../devices/virtual/graphics/%s", name);
	*n = (ssize_t)room < len ? (ssize_t)room : len;
	memcpy(out, target, (size_t)*n);
	return true;
}

/* What readlink(2) has to say of a device: it is no link. */
static bool is_ours(int dirfd, const char *path, char *out, size_t room, ssize_t *n)
{
	struct device_name device;

	if (path_candidate_at(dirfd, path) && name_lookup(path, &device)) {
		errno = EINVAL;
		*n = -1;
		return true;
	}
	return path_plausible(path) && room > 0 && is_graphics(path, out, room, n);
}

EXPORT ssize_t readlink(const char *path, char *out, size_t room)
{
	ssize_t n;

	return is_ours(AT_FDCWD, path, out, room, &n) ? n : REAL(readlink)(path, out, room);
}

EXPORT ssize_t readlinkat(int dirfd, const char *path, char *out, size_t room)
{
	ssize_t n;

	return is_ours(dirfd, path, out, room, &n) ? n : REAL(readlinkat)(dirfd, path, out, room);
}

EXPORT ssize_t __readlink_chk(const char *path, char *out, size_t n, size_t room)
{
	ssize_t len;

	if (n <= room && is_ours(AT_FDCWD, path, out, n, &len))
		return len;
	return REAL(__readlink_chk)(path, out, n, room);
}

EXPORT ssize_t __readlinkat_chk(int dirfd, const char *path, char *out, size_t n, size_t room)
{
	ssize_t len;

	if (n <= room && is_ours(dirfd, path, out, n, &len))
		return len;
	return REAL(__readlinkat_chk)(dirfd, path, out, n, room);
}

EXPORT long syscall(long number, ...)
{
	long a[6];
	va_list ap;

	va_start(ap, number);
	for (size_t i = 0; i < sizeof(a) / sizeof(a[0]); i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (number == SYS_statx && path_candidate_at((int)a[0], (const char *)a[1]))
		return statx((int)a[0], (const char *)a[1], (int)a[2], (unsigned)a[3],
			     (struct statx *)a[4]);
	return finish(raw(number, a[0], a[1], a[2], a[3], a[4], a[5]));
}
