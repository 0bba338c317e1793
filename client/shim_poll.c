/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * poll(2), select(2), epoll_ctl(2): the kernel's affair where it serves devices as files. One that is a
 * socket would be waited for in vain, so the calls fail.
 */
#include "shim.h"

static bool any_refuses(struct pollfd *fds, nfds_t n)
{
	/* Through a barrier: libc declares that poll() only writes there. */
	__asm__("" : "+r"(fds));
	for (nfds_t i = 0; i < n; i++)
		if (fd_kind(fds[i].fd) == FD_SOCKET && fd_refuses(fds[i].fd))
			return true;
	return false;
}

EXPORT int poll(struct pollfd *fds, nfds_t n, int timeout)
{
	if (unlikely(fd_sockets) && any_refuses(fds, n))
		return -1;
	return REAL(poll)(fds, n, timeout);
}

EXPORT int ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout, const sigset_t *mask)
{
	if (unlikely(fd_sockets) && any_refuses(fds, n))
		return -1;
	return REAL(ppoll)(fds, n, timeout, mask);
}

EXPORT int __poll_chk(struct pollfd *fds, nfds_t n, int timeout, size_t room)
{
	if (unlikely(fd_sockets) && n <= room / sizeof(*fds) && any_refuses(fds, n))
		return -1;
	return REAL(__poll_chk)(fds, n, timeout, room);
}

EXPORT int __ppoll_chk(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
		       const sigset_t *mask, size_t room)
{
	if (unlikely(fd_sockets) && n <= room / sizeof(*fds) && any_refuses(fds, n))
		return -1;
	return REAL(__ppoll_chk)(fds, n, timeout, mask, room);
}

static bool any_selected(int n, const fd_set *r, const fd_set *w, const fd_set *e)
{
	const fd_set *sets[] = { r, w, e };

	for (size_t i = 0; i < 3; i++)
		for (int fd = 0; sets[i] != NULL && fd < n && fd < FD_SETSIZE; fd++)
			if (fd_kind(fd) == FD_SOCKET && FD_ISSET(fd, sets[i]) && fd_refuses(fd))
				return true;
	return false;
}

EXPORT int select(int n, fd_set *r, fd_set *w, fd_set *e, struct timeval *timeout)
{
	if (unlikely(fd_sockets) && any_selected(n, r, w, e))
		return -1;
	return REAL(select)(n, r, w, e, timeout);
}

EXPORT int pselect(int n, fd_set *r, fd_set *w, fd_set *e, const struct timespec *timeout,
		   const sigset_t *mask)
{
	if (unlikely(fd_sockets) && any_selected(n, r, w, e))
		return -1;
	return REAL(pselect)(n, r, w, e, timeout, mask);
}

EXPORT int epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)
{
	if (unlikely(fd_sockets) && op != EPOLL_CTL_DEL && fd_refuses(fd)) {
		errno = EPERM; /* as of any file that cannot be polled */
		return -1;
	}
	return REAL(epoll_ctl)(epfd, op, fd, event);
}
