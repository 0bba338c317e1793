/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Streams. libc's own calls its own read() inside, where nobody can stand before it; so a stream on
 * a device is made with fopencookie(3). fileno(3) works on it because glibc looks at a public
 * field.
 */
#include <string.h>

#include "bounce.h"
#include "shim.h"

#undef fread_unlocked
#undef fwrite_unlocked

static ssize_t stream_read(void *cookie, char *buf, size_t n)
{
	return read((int)(intptr_t)cookie, buf, n);
}

static ssize_t stream_write(void *cookie, const char *buf, size_t n)
{
	ssize_t r = write((int)(intptr_t)cookie, buf, n);

	return r < 0 ? 0 : r; /* what fopencookie(3) asks for */
}

static int stream_seek(void *cookie, off64_t *off, int whence)
{
	off64_t r = lseek64((int)(intptr_t)cookie, *off, whence);

	if (r >= 0)
		*off = r;
	return r < 0 ? -1 : 0;
}

static int stream_close(void *cookie)
{
	return close((int)(intptr_t)cookie);
}

/* Flags of open(2) for a mode of fopen(3); -1 if it is none. */
static int mode_flags(const char *mode)
{
	int flags = mode[0] == 'r' ? O_RDONLY :
		    mode[0] == 'w' ? O_WRONLY | O_CREAT | O_TRUNC :
		    mode[0] == 'a' ? O_WRONLY | O_CREAT | O_APPEND :
				     -1;

	for (const char *p = mode; flags >= 0 && *p != '\0' && *p != ','; p++) {
		if (*p == '+')
			flags = (flags & ~O_ACCMODE) | O_RDWR;
		else if (*p == 'e')
			flags |= O_CLOEXEC;
		else if (*p == 'x')
			flags |= O_EXCL;
	}
	return flags;
}

static FILE *cookie_stream(int fd, const char *mode)
{
	cookie_io_functions_t io = { stream_read, stream_write, stream_seek, stream_close };
	FILE *f = fopencookie((void *)(intptr_t)fd, mode, io);

#ifdef __GLIBC__
	if (f != NULL)
		f->_fileno = fd;
#endif
	return f;
}

static FILE *stream_on(int fd, const char *mode)
{
	if (fd_served(fd))
		return REAL(fdopen)(fd, mode);
	return cookie_stream(fd, mode);
}

/* Through the real function, which opens the file that the kernel serves; it is noted. */
static FILE *stream_served(FILE *f)
{
	if (f != NULL)
		fd_mark_served(fileno(f));
	return f;
}

/* A stream on a device that is a socket, or NULL with errno. */
static FILE *stream_open(const struct device_name *n, const char *mode)
{
	int flags = mode_flags(mode), fd = finish(flags == -1 ? -EINVAL : device_open(n, flags));
	FILE *f = fd >= 0 ? stream_on(fd, mode) : NULL;

	if (fd >= 0 && f == NULL)
		(void)close(fd);
	return f;
}

/* Does path name a device, or is it a link to one? */
static bool stream_path(const char *path, struct device_name *n)
{
	if (path_candidate(path) && name_lookup(path, n))
		return true;
	return names_used && path != NULL && raw(SYS_faccessat, AT_FDCWD, path, F_OK) != 0 &&
	       name_linked(AT_FDCWD, path, n);
}

EXPORT FILE *fopen(const char *path, const char *mode)
{
	struct device_name n;

	if (!stream_path(path, &n))
		return REAL(fopen)(path, mode);
	return n.served ? stream_served(REAL(fopen)(n.path, mode)) : stream_open(&n, mode);
}

EXPORT FILE *fopen64(const char *path, const char *mode)
{
	struct device_name n;

	if (!stream_path(path, &n))
		return REAL(fopen64)(path, mode);
	return n.served ? stream_served(REAL(fopen64)(n.path, mode)) : stream_open(&n, mode);
}

/* One that is a socket has nothing that libc could read or write. */
EXPORT FILE *freopen(const char *path, const char *mode, FILE *f)
{
	struct device_name n;

	if (!stream_path(path, &n))
		return REAL(freopen)(path, mode, f);
	return stream_served(REAL(freopen)(n.path, mode, f));
}

EXPORT FILE *freopen64(const char *path, const char *mode, FILE *f)
{
	struct device_name n;

	if (!stream_path(path, &n))
		return REAL(freopen64)(path, mode, f);
	return stream_served(REAL(freopen64)(n.path, mode, f));
}

EXPORT FILE *fdopen(int fd, const char *mode)
{
	const struct device *d = fd_special(fd) ? fd_device_known(fd) : NULL;
	int flags = d != NULL ? mode_flags(mode) & O_ACCMODE : 0;

	if (d == NULL)
		return REAL(fdopen)(fd, mode);
	if ((d->flags & O_ACCMODE) != O_RDWR && (d->flags & O_ACCMODE) != flags) {
		errno = EINVAL;
		return NULL;
	}
	return stream_on(fd, mode);
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
