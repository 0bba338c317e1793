/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What programs ask about paths: where they are, and where a path leads; and syscall(2), by which some ask
 * for the state of a file.
 */
#include <limits.h>
#include <stdarg.h>
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

/* A device is no link. */
static bool is_device(int dirfd, const char *path)
{
	struct device_name n;

	if (!path_candidate_at(dirfd, path) || !name_lookup(path, &n))
		return false;
	errno = EINVAL;
	return true;
}

EXPORT ssize_t readlink(const char *path, char *out, size_t room)
{
	return is_device(AT_FDCWD, path) ? -1 : REAL(readlink)(path, out, room);
}

EXPORT ssize_t readlinkat(int dirfd, const char *path, char *out, size_t room)
{
	return is_device(dirfd, path) ? -1 : REAL(readlinkat)(dirfd, path, out, room);
}

EXPORT ssize_t __readlink_chk(const char *path, char *out, size_t n, size_t room)
{
	return is_device(AT_FDCWD, path) ? -1 : REAL(__readlink_chk)(path, out, n, room);
}

EXPORT ssize_t __readlinkat_chk(int dirfd, const char *path, char *out, size_t n, size_t room)
{
	return is_device(dirfd, path) ? -1 : REAL(__readlinkat_chk)(dirfd, path, out, n, room);
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
