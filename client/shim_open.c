/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* open(2) and its family. */
#include <spawn.h>
#include <stdarg.h>

#include "shim.h"

bool __attribute__((noinline)) open_device(int dirfd, const char *path, int flags, int *fd)
{
	struct device_name n;
	int before = errno;

	if (!(dirfd == AT_FDCWD ? name_lookup(path, &n) : name_lookup_at(dirfd, path, &n)))
		return false;
	*fd = device_open(&n, flags);
	if (*fd >= 0)
		errno = before;
	*fd = finish(*fd);
	return true;
}

static bool open_linked(int dirfd, const char *path, int flags, int *fd)
{
	struct device_name n;

	if ((flags & O_NOFOLLOW) != 0 || !name_linked(dirfd, path, &n))
		return false;
	*fd = (int)finish(device_open(&n, flags));
	return true;
}

/* Does path name a device? A link that leads nowhere would be a file made by now: it is asked first. */
static inline bool open_before(int dirfd, const char *path, int flags, int *fd)
{
	if (path_candidate_at(dirfd, path) && open_device(AT_FDCWD, path, flags, fd))
		return true;
	return unlikely((flags & O_CREAT) != 0) && open_linked(dirfd, path, flags, fd);
}

/* After the real call: one that found nothing may mean a bare name in /dev, or a link. */
static int open_after(int dirfd, const char *path, int flags, int fd)
{
	if (likely(fd >= 0) || errno != ENOENT)
		return fd;
	if (dirfd != AT_FDCWD && open_device(dirfd, path, flags, &fd))
		return fd;
	errno = ENOENT;
	(void)open_linked(dirfd, path, flags, &fd);
	return fd;
}

#define MODE(flags, mode)                                                         \
	do {                                                                      \
		if (((flags)&O_CREAT) != 0 || ((flags)&O_TMPFILE) == O_TMPFILE) { \
			va_list ap_;                                              \
                                                                                  \
			va_start(ap_, flags);                                     \
			mode = va_arg(ap_, mode_t);                               \
			va_end(ap_);                                              \
		}                                                                 \
	} while (0)

EXPORT int open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	int fd;

	MODE(flags, mode);
	if (open_before(AT_FDCWD, path, flags, &fd))
		return fd;
	return open_after(AT_FDCWD, path, flags, REAL(open)(path, flags, mode));
}

EXPORT int open64(const char *path, int flags, ...)
{
	mode_t mode = 0;
	int fd;

	MODE(flags, mode);
	if (open_before(AT_FDCWD, path, flags, &fd))
		return fd;
	return open_after(AT_FDCWD, path, flags, REAL(open64)(path, flags, mode));
}

EXPORT int openat(int dirfd, const char *path, int flags, ...)
{
	mode_t mode = 0;
	int fd;

	MODE(flags, mode);
	if (open_before(dirfd, path, flags, &fd))
		return fd;
	return open_after(dirfd, path, flags, REAL(openat)(dirfd, path, flags, mode));
}

EXPORT int openat64(int dirfd, const char *path, int flags, ...)
{
	mode_t mode = 0;
	int fd;

	MODE(flags, mode);
	if (open_before(dirfd, path, flags, &fd))
		return fd;
	return open_after(dirfd, path, flags, REAL(openat64)(dirfd, path, flags, mode));
}

EXPORT int openat2(int dirfd, const char *path, const struct open_how *how, size_t size)
{
	int fd;

	if (path_candidate_at(dirfd, path) && how != NULL && size >= sizeof(*how) &&
	    how->resolve == 0 && open_device(AT_FDCWD, path, (int)how->flags, &fd))
		return fd;
	/* Not every libc has it. */
	return (int)finish(raw(SYS_openat2, dirfd, path, how, size));
}

EXPORT int __open_2(const char *path, int flags)
{
	int fd;

	if (open_before(AT_FDCWD, path, flags, &fd))
		return fd;
	return open_after(AT_FDCWD, path, flags, REAL(__open_2)(path, flags));
}

EXPORT int __open64_2(const char *path, int flags)
{
	int fd;

	if (open_before(AT_FDCWD, path, flags, &fd))
		return fd;
	return open_after(AT_FDCWD, path, flags, REAL(__open64_2)(path, flags));
}

EXPORT int __openat_2(int dirfd, const char *path, int flags)
{
	int fd;

	if (open_before(dirfd, path, flags, &fd))
		return fd;
	return open_after(dirfd, path, flags, REAL(__openat_2)(dirfd, path, flags));
}

EXPORT int __openat64_2(int dirfd, const char *path, int flags)
{
	int fd;

	if (open_before(dirfd, path, flags, &fd))
		return fd;
	return open_after(dirfd, path, flags, REAL(__openat64_2)(dirfd, path, flags));
}

EXPORT int creat(const char *path, mode_t mode)
{
	int fd;

	if (open_before(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, &fd))
		return fd;
	return REAL(creat)(path, mode);
}

EXPORT int creat64(const char *path, mode_t mode)
{
	int fd;

	if (open_before(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, &fd))
		return fd;
	return REAL(creat64)(path, mode);
}

/* libc opens it in the child, past us, so by the name that the kernel knows. */
EXPORT int posix_spawn_file_actions_addopen(posix_spawn_file_actions_t *restrict actions, int fd,
					    const char *restrict path, int flags, mode_t mode)
{
	struct device_name n;

	if (path_candidate(path) && name_lookup(path, &n) && n.served)
		path = n.path;
	return REAL(posix_spawn_file_actions_addopen)(actions, fd, path, flags, mode);
}
