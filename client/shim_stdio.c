/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Streams. libc opens, reads and writes past us, so it gets the name that the kernel knows; and where the
 * memory is a device's, the data go through a buffer.
 */
#include <string.h>

#include "bounce.h"
#include "shim.h"

#undef fread_unlocked
#undef fwrite_unlocked

/* Does path name a device, or is it a link to one? */
static bool stream_path(const char *path, struct device_name *n)
{
	if (path_candidate(path) && name_lookup(path, n))
		return true;
	return names_used && path != NULL && raw(SYS_faccessat, AT_FDCWD, path, F_OK) != 0 &&
	       name_linked(AT_FDCWD, path, n);
}

/* The stream is noted. One on a socket has nothing that libc could read or write. */
#define STREAM(name, path, ...)                                                   \
	({                                                                        \
		struct device_name n_;                                            \
		bool device_ = stream_path(path, &n_);                            \
		FILE *f_ = NULL;                                                  \
                                                                                  \
		if (device_ && !n_.served)                                        \
			errno = EOPNOTSUPP;                                       \
		else                                                              \
			f_ = REAL(name)(device_ ? n_.path : (path), __VA_ARGS__); \
		if (device_ && f_ != NULL)                                        \
			fd_mark(fileno(f_), FD_SERVED);                           \
		f_;                                                               \
	})

EXPORT FILE *fopen(const char *path, const char *mode)
{
	return STREAM(fopen, path, mode);
}

EXPORT FILE *fopen64(const char *path, const char *mode)
{
	return STREAM(fopen64, path, mode);
}

EXPORT FILE *freopen(const char *path, const char *mode, FILE *f)
{
	return STREAM(freopen, path, mode, f);
}

EXPORT FILE *freopen64(const char *path, const char *mode, FILE *f)
{
	return STREAM(freopen64, path, mode, f);
}

EXPORT FILE *fdopen(int fd, const char *mode)
{
	return fd_refuses(fd) ? NULL : REAL(fdopen)(fd, mode);
}

/* Through a buffer, a part at a time. */
static size_t stream_bounce(void *buf, size_t size, size_t n, FILE *f, bool out)
{
	size_t total, done = 0;

	if (__builtin_mul_overflow(size, n, &total))
		return 0;
	while (done < total) {
		size_t part;
		struct bounce b;

		bounce_begin(&b, (char *)buf + done, total - done, out);
		if (out)
			part = REAL(fwrite)(b.iov.iov_base, 1, b.iov.iov_len, f);
		else
			part = REAL(fread)(b.iov.iov_base, 1, b.iov.iov_len, f);
		if (out)
			bounce_end(&b);
		else
			(void)bounce_in_end(&b, (ssize_t)part);
		done += part;
		if (part != b.iov.iov_len)
			break;
	}
	return done / size;
}

#define STREAM_BOUNCE(buf, size, n) (maps_near(buf, (size) * (n)) && maps_bounce(buf, (size) * (n)))

EXPORT size_t fread(void *buf, size_t size, size_t n, FILE *f)
{
	if (STREAM_BOUNCE(buf, size, n))
		return stream_bounce(buf, size, n, f, false);
	return REAL(fread)(buf, size, n, f);
}

EXPORT size_t fwrite(const void *buf, size_t size, size_t n, FILE *f)
{
	if (STREAM_BOUNCE(buf, size, n))
		return stream_bounce((void *)buf, size, n, f, true);
	return REAL(fwrite)(buf, size, n, f);
}

EXPORT size_t fread_unlocked(void *buf, size_t size, size_t n, FILE *f)
{
	if (STREAM_BOUNCE(buf, size, n))
		return stream_bounce(buf, size, n, f, false);
	return REAL(fread_unlocked)(buf, size, n, f);
}

EXPORT size_t fwrite_unlocked(const void *buf, size_t size, size_t n, FILE *f)
{
	if (STREAM_BOUNCE(buf, size, n))
		return stream_bounce((void *)buf, size, n, f, true);
	return REAL(fwrite_unlocked)(buf, size, n, f);
}

EXPORT size_t __fread_chk(void *buf, size_t room, size_t size, size_t n, FILE *f)
{
	if (STREAM_BOUNCE(buf, size, n) && size * n <= room)
		return stream_bounce(buf, size, n, f, false);
	return REAL(__fread_chk)(buf, room, size, n, f);
}

EXPORT size_t __fread_unlocked_chk(void *buf, size_t room, size_t size, size_t n, FILE *f)
{
	if (STREAM_BOUNCE(buf, size, n) && size * n <= room)
		return stream_bounce(buf, size, n, f, false);
	return REAL(__fread_unlocked_chk)(buf, room, size, n, f);
}
