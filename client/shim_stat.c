/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* stat(2) and access(2) and their families: a device looks like a character device. */
#include <string.h>
#include <sys/sysmacros.h>

#include "shim.h"

_Static_assert(sizeof(struct stat) == sizeof(struct stat64), "the 64-bit variants are the same");

/* 1: st is a device's. 0: not a socket's. -1: errno. */
static int stat_fd(int fd, struct stat *st)
{
	struct dm_file f = { .token = 0 };
	int error;

	if (fd_internal(fd) && process_ours()) {
		errno = EBADF;
		return -1;
	}
	if (fd_served(fd))
		return 0;
	error = (int)raw(SYS_fstat, fd, st);
	if (error != 0)
		return finish(error);
	/* Where the engine is gone, it was a character device all the same. */
	if (fd_file(fd, &f) == -EBADF)
		return 0;
	device_stat(&f.info, st);
	return 1;
}

/* What the engine says of a device that is not open. 0 or -errno. */
static int ask_door(const struct device_name *n, struct dm_info *info)
{
	struct call c = CALL(-1, DM_INFO);
	int error;

	c.sock = device_door(n->address.sun_path);
	if (c.sock < 0)
		return c.sock;
	error = call_door(&c);
	(void)raw_close(c.sock);
	call_drop(&c);
	*info = c.re.info;
	return error;
}

/* The same for a device by name. */
static int stat_device(const struct device_name *n, struct stat *st)
{
	struct dm_info info;
	int before = errno, error;

	error = (int)raw(SYS_newfstatat, AT_FDCWD, n->path, st, 0);
	if (error != 0)
		return finish(error);
	if (n->served) {
		served_stat(st);
		return 1;
	}
	if (ask_door(n, &info) != 0)
		/* One may look at a device that one may not open, or whose driver is gone. */
		info = (struct dm_info){ .mode = st->st_mode,
					 .uid = st->st_uid,
					 .gid = st->st_gid,
					 .rdev = makedev(0, st->st_ino & 0xfffff) };
	device_stat(&info, st);
	errno = before;
	return 1;
}

/* The same for a path. */
static int __attribute__((noinline)) stat_path(const char *path, struct stat *st)
{
	struct device_name n;

	return name_lookup(path, &n) ? stat_device(&n, st) : 0;
}

static int stat_at(int dirfd, const char *path, struct stat *st, int flags)
{
	if (path_candidate_at(dirfd, path))
		return stat_path(path, st);
	if ((flags & AT_EMPTY_PATH) != 0 && fd_special(dirfd) && (path == NULL || path[0] == '\0'))
		return stat_fd(dirfd, st);
	return 0;
}

/* After the real call: by whatever way it was found, a device is one. */
static int stat_done(int r, struct stat *st)
{
	if (r == 0 && S_ISREG(st->st_mode) && unlikely(DM_INO_IS(st->st_ino)))
		served_stat(st);
	return r;
}

/* The same of a call that follows links: one that leads nowhere may lead to a device. */
static int stat_followed(int r, int dirfd, const char *path, struct stat *st)
{
	struct device_name n;

	if (likely(r == 0) || errno != ENOENT || !name_linked(dirfd, path, &n))
		return stat_done(r, st);
	return stat_device(&n, st) > 0 ? 0 : -1;
}

/* The same of fstatat(2) and statx(2): 0 or -1. */
static int stat_missing_at(int dirfd, const char *path, int flags, struct stat *st)
{
	struct device_name n;

	if (!(dirfd != AT_FDCWD && name_lookup_at(dirfd, path, &n)) &&
	    !((flags & AT_SYMLINK_NOFOLLOW) == 0 && name_linked(dirfd, path, &n))) {
		errno = ENOENT;
		return -1;
	}
	return stat_device(&n, st) > 0 ? 0 : -1;
}

static int stat_done_at(int r, int dirfd, const char *path, int flags, struct stat *st)
{
	if (likely(r == 0) || errno != ENOENT)
		return stat_done(r, st);
	return stat_missing_at(dirfd, path, flags, st);
}

EXPORT int fstat(int fd, struct stat *st)
{
	int r = fd_special(fd) ? stat_fd(fd, st) : 0;

	return r == 0 ? stat_done(REAL(fstat)(fd, st), st) : r < 0 ? -1 : 0;
}

EXPORT int fstat64(int fd, struct stat64 *st)
{
	int r = fd_special(fd) ? stat_fd(fd, (struct stat *)st) : 0;

	return r == 0 ? stat_done(REAL(fstat64)(fd, st), (struct stat *)st) : r < 0 ? -1 : 0;
}

EXPORT int stat(const char *path, struct stat *st)
{
	int r = path_candidate(path) ? stat_path(path, st) : 0;

	return r == 0 ? stat_followed(REAL(stat)(path, st), AT_FDCWD, path, st) : r < 0 ? -1 : 0;
}

EXPORT int stat64(const char *path, struct stat64 *st)
{
	int r = path_candidate(path) ? stat_path(path, (struct stat *)st) : 0;

	return r == 0 ? stat_followed(REAL(stat64)(path, st), AT_FDCWD, path, (struct stat *)st) :
	       r < 0  ? -1 :
			0;
}

EXPORT int lstat(const char *path, struct stat *st)
{
	int r = path_candidate(path) ? stat_path(path, st) : 0;

	return r == 0 ? stat_done(REAL(lstat)(path, st), st) : r < 0 ? -1 : 0;
}

EXPORT int lstat64(const char *path, struct stat64 *st)
{
	int r = path_candidate(path) ? stat_path(path, (struct stat *)st) : 0;

	return r == 0 ? stat_done(REAL(lstat64)(path, st), (struct stat *)st) : r < 0 ? -1 : 0;
}

EXPORT int fstatat(int dirfd, const char *path, struct stat *st, int flags)
{
	int r = stat_at(dirfd, path, st, flags);

	return r == 0 ?
		       stat_done_at(REAL(fstatat)(dirfd, path, st, flags), dirfd, path, flags, st) :
	       r < 0 ? -1 :
		       0;
}

EXPORT int fstatat64(int dirfd, const char *path, struct stat64 *st, int flags)
{
	int r = stat_at(dirfd, path, (struct stat *)st, flags);

	return r == 0 ? stat_done_at(REAL(fstatat64)(dirfd, path, st, flags), dirfd, path, flags,
				     (struct stat *)st) :
	       r < 0  ? -1 :
			0;
}

static void statx_from(const struct stat *st, struct statx *sx)
{
	memset(sx, 0, sizeof(*sx));
	sx->stx_mask = STATX_BASIC_STATS;
	sx->stx_blksize = (uint32_t)st->st_blksize;
	sx->stx_nlink = (uint32_t)st->st_nlink;
	sx->stx_uid = st->st_uid;
	sx->stx_gid = st->st_gid;
	sx->stx_mode = (uint16_t)st->st_mode;
	sx->stx_ino = st->st_ino;
	sx->stx_atime.tv_sec = st->st_atim.tv_sec;
	sx->stx_atime.tv_nsec = (uint32_t)st->st_atim.tv_nsec;
	sx->stx_mtime.tv_sec = st->st_mtim.tv_sec;
	sx->stx_mtime.tv_nsec = (uint32_t)st->st_mtim.tv_nsec;
	sx->stx_ctime.tv_sec = st->st_ctim.tv_sec;
	sx->stx_ctime.tv_nsec = (uint32_t)st->st_ctim.tv_nsec;
	sx->stx_rdev_major = major(st->st_rdev);
	sx->stx_rdev_minor = minor(st->st_rdev);
	sx->stx_dev_major = major(st->st_dev);
	sx->stx_dev_minor = minor(st->st_dev);
}

static void statx_served(struct statx *sx)
{
	struct stat st = { .st_ino = sx->stx_ino,
			   .st_mode = sx->stx_mode,
			   .st_uid = sx->stx_uid,
			   .st_gid = sx->stx_gid };

	served_stat(&st);
	statx_from(&st, sx);
}

EXPORT int statx(int dirfd, const char *path, int flags, unsigned mask, struct statx *sx)
{
	struct stat st;
	int r = stat_at(dirfd, path, &st, flags);

	if (r > 0)
		statx_from(&st, sx);
	if (r != 0)
		return r < 0 ? -1 : 0;
	r = REAL(statx)(dirfd, path, flags, mask | STATX_INO | STATX_TYPE, sx);
	if (r != 0 && errno == ENOENT) {
		r = stat_missing_at(dirfd, path, flags, &st);
		if (r == 0)
			statx_from(&st, sx);
		return r;
	}
	if (r == 0 && S_ISREG(sx->stx_mode) && unlikely(DM_INO_IS(sx->stx_ino)))
		statx_served(sx);
	return r;
}

/* What programs built before glibc 2.33 call: libc has a word to say of any other version. */
static bool version_known(int ver)
{
#if defined(__x86_64__)
	return ver == 0 || ver == 1;
#else
	return ver == 0;
#endif
}

EXPORT int __xstat(int ver, const char *path, struct stat *st)
{
	int r = version_known(ver) && path_candidate(path) ? stat_path(path, st) : 0;

	return r == 0 ? stat_followed(REAL(__xstat)(ver, path, st), AT_FDCWD, path, st) :
	       r < 0  ? -1 :
			0;
}

EXPORT int __xstat64(int ver, const char *path, struct stat64 *st)
{
	int r = version_known(ver) && path_candidate(path) ? stat_path(path, (struct stat *)st) : 0;

	return r == 0 ? stat_followed(REAL(__xstat64)(ver, path, st), AT_FDCWD, path,
				      (struct stat *)st) :
	       r < 0  ? -1 :
			0;
}

EXPORT int __lxstat(int ver, const char *path, struct stat *st)
{
	int r = version_known(ver) && path_candidate(path) ? stat_path(path, st) : 0;

	return r == 0 ? stat_done(REAL(__lxstat)(ver, path, st), st) : r < 0 ? -1 : 0;
}

EXPORT int __lxstat64(int ver, const char *path, struct stat64 *st)
{
	int r = version_known(ver) && path_candidate(path) ? stat_path(path, (struct stat *)st) : 0;

	return r == 0 ? stat_done(REAL(__lxstat64)(ver, path, st), (struct stat *)st) :
	       r < 0  ? -1 :
			0;
}

EXPORT int __fxstat(int ver, int fd, struct stat *st)
{
	int r = version_known(ver) && fd_special(fd) ? stat_fd(fd, st) : 0;

	return r == 0 ? stat_done(REAL(__fxstat)(ver, fd, st), st) : r < 0 ? -1 : 0;
}

EXPORT int __fxstat64(int ver, int fd, struct stat64 *st)
{
	int r = version_known(ver) && fd_special(fd) ? stat_fd(fd, (struct stat *)st) : 0;

	return r == 0 ? stat_done(REAL(__fxstat64)(ver, fd, st), (struct stat *)st) :
	       r < 0  ? -1 :
			0;
}

EXPORT int __fxstatat(int ver, int dirfd, const char *path, struct stat *st, int flags)
{
	int r = version_known(ver) ? stat_at(dirfd, path, st, flags) : 0;

	return r == 0 ? stat_done(REAL(__fxstatat)(ver, dirfd, path, st, flags), st) :
	       r < 0  ? -1 :
			0;
}

EXPORT int __fxstatat64(int ver, int dirfd, const char *path, struct stat64 *st, int flags)
{
	int r = version_known(ver) ? stat_at(dirfd, path, (struct stat *)st, flags) : 0;

	return r == 0 ? stat_done(REAL(__fxstatat64)(ver, dirfd, path, st, flags),
				  (struct stat *)st) :
	       r < 0  ? -1 :
			0;
}

/* The path to ask the kernel about. */
static const char *access_path(int dirfd, const char *path, struct device_name *n)
{
	if (path_candidate_at(dirfd, path) && name_lookup(path, n))
		return n->path;
	return names_used && path != NULL && raw(SYS_faccessat, dirfd, path, F_OK) != 0 &&
			       name_linked(dirfd, path, n) ?
		       n->path :
		       path;
}

EXPORT int access(const char *path, int mode)
{
	struct device_name n;

	return REAL(access)(access_path(AT_FDCWD, path, &n), mode);
}

EXPORT int euidaccess(const char *path, int mode)
{
	struct device_name n;

	return REAL(euidaccess)(access_path(AT_FDCWD, path, &n), mode);
}

EXPORT int eaccess(const char *path, int mode)
{
	struct device_name n;

	return REAL(eaccess)(access_path(AT_FDCWD, path, &n), mode);
}

EXPORT int faccessat(int dirfd, const char *path, int mode, int flags)
{
	struct device_name n;

	return REAL(faccessat)(dirfd, access_path(dirfd, path, &n), mode, flags);
}
