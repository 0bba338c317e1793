/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * For the files that stand before libc's functions: what they decide with, and prototypes of
 * functions that no header declares to us (fortified and 64-bit variants, and what an older libc
 * has).
 */
#ifndef DEVMAP_CLIENT_SHIM_H
#define DEVMAP_CLIENT_SHIM_H

#include <linux/openat2.h>
#include <pty.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/stat.h>

#include "internal.h"
#include "real.h"

/* Can there be a path? Through a barrier: libc says that it is never NULL, programs do not. */
static inline bool path_plausible(const char *path)
{
	uintptr_t p = (uintptr_t)path;

	__asm__("" : "+r"(p));
	return likely(p >= 4096 && p < (uintptr_t)-4096);
}

/*
 * Where a path may name a device. The address is looked at only if it can be one. A relative path does
 * so in /dev, or if it leads there.
 */
static inline bool path_candidate(const char *path)
{
	if (!path_plausible(path))
		return false;
	if (likely(path[0] == '/'))
		return unlikely(path[1] == '/' || (path[1] == 'd' && path[2] == 'e' &&
						   path[3] == 'v' && path[4] == '/'));
	return unlikely(names_in_dev) || (path[0] == '.' && path[1] == '.' && path[2] == '/') ||
	       (path[0] == 'd' && path[1] == 'e' && path[2] == 'v' && path[3] == '/');
}

/* The same of a path that is relative to dirfd. */
static inline bool path_candidate_at(int dirfd, const char *path)
{
	return path_candidate(path) && (dirfd == AT_FDCWD || path[0] == '/');
}

/* May fd be anything but an ordinary descriptor? */
static inline bool fd_special(int fd)
{
	return unlikely(client_active) && unlikely(fd_kind(fd) != 0);
}

int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int dirfd, const char *path, int flags);
int __openat64_2(int dirfd, const char *path, int flags);
int openat2(int dirfd, const char *path, const struct open_how *how, size_t size);
ssize_t __read_chk(int fd, void *buf, size_t n, size_t room);
ssize_t __pread_chk(int fd, void *buf, size_t n, off_t off, size_t room);
ssize_t __pread64_chk(int fd, void *buf, size_t n, off64_t off, size_t room);
ssize_t __recv_chk(int fd, void *buf, size_t n, size_t room, int flags);
ssize_t __recvfrom_chk(int fd, void *buf, size_t n, size_t room, int flags, struct sockaddr *from,
		       socklen_t *fromlen);
size_t __fread_chk(void *buf, size_t room, size_t size, size_t n, FILE *f);
size_t __fread_unlocked_chk(void *buf, size_t room, size_t size, size_t n, FILE *f);
int __poll_chk(struct pollfd *fds, nfds_t n, int timeout, size_t room);
int __ppoll_chk(struct pollfd *fds, nfds_t n, const struct timespec *timeout, const sigset_t *mask,
		size_t room);
int __xstat(int ver, const char *path, struct stat *st);
int __xstat64(int ver, const char *path, struct stat64 *st);
int __lxstat(int ver, const char *path, struct stat *st);
int __lxstat64(int ver, const char *path, struct stat64 *st);
int __fxstat(int ver, int fd, struct stat *st);
int __fxstat64(int ver, int fd, struct stat64 *st);
int __fxstatat(int ver, int dirfd, const char *path, struct stat *st, int flags);
int __fxstatat64(int ver, int dirfd, const char *path, struct stat64 *st, int flags);
char *__realpath_chk(const char *path, char *out, size_t room);
ssize_t __readlink_chk(const char *path, char *out, size_t n, size_t room);
ssize_t __readlinkat_chk(int dirfd, const char *path, char *out, size_t n, size_t room);
int pidfd_getfd(int pidfd, int fd, unsigned flags);

/* shim_open.c: opens path if it names a device. *fd is the result or -1 with errno set. */
bool open_device(int dirfd, const char *path, int flags, int *fd);

#endif
