/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * poll(2), select(2), epoll_ctl(2). A device socket wakes a waiter by itself: the engine puts a
 * token on it while chpoll(9E) says readable, once it has been asked (DM_POLL). poll and select ask
 * on entry, and again before they report, so they report what the driver says; epoll reports the
 * token.
 */
#include <limits.h>
#include <string.h>
#include <time.h>

#include "shim.h"

#define SLICE_MS 20 /* how often a driver is asked for what no token tells: writability */

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool any_device(struct pollfd *fds, nfds_t n)
{
	/* Through a barrier: libc declares that poll() only writes there. */
	__asm__("" : "+r"(fds));
	for (nfds_t i = 0; i < n; i++)
		if (fds[i].fd >= 0 && fd_kind(fds[i].fd) != 0 && fd_device(fds[i].fd) != NULL)
			return true;
	return false;
}

/*
 * Fills in revents of devices. Returns how many have any; *slice: somebody waits for more than a
 * token.
 */
static int ask_devices(struct pollfd *fds, nfds_t n, bool *slice)
{
	int ready = 0;

	for (nfds_t i = 0; i < n; i++) {
		if (fds[i].fd < 0 || fd_kind(fds[i].fd) == 0 || fd_device(fds[i].fd) == NULL)
			continue;
		fds[i].revents = (short)(device_poll(fds[i].fd, fds[i].events) &
					 (fds[i].events | POLLERR | POLLHUP | POLLNVAL));
		ready += fds[i].revents != 0;
		*slice |= (fds[i].events & ~(POLLIN | POLLRDNORM)) != 0;
	}
	return ready;
}

/* Waits on the sockets; devices only wake. Returns how many others are ready, or -1 with errno. */
static int wait_sockets(struct pollfd *fds, nfds_t n, int64_t ms, const sigset_t *mask)
{
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
	int r, others = 0;

	for (nfds_t i = 0; i < n; i++)
		if (fds[i].fd >= 0 && fd_kind(fds[i].fd) != 0)
			fds[i].events |= 0x4000; /* marked; no event of poll's */
	for (nfds_t i = 0; i < n; i++)
		if ((fds[i].events & 0x4000) != 0)
			fds[i].events = (short)((fds[i].events & ~POLLOUT) | POLLIN);
	r = REAL(ppoll)(fds, n, ms < 0 ? NULL : &t, mask);
	for (nfds_t i = 0; r >= 0 && i < n; i++)
		others += fd_kind(fds[i].fd) == 0 && fds[i].revents != 0;
	return r < 0 ? r : others;
}

static int poll_devices(struct pollfd *fds, nfds_t n, int64_t ms, const sigset_t *mask)
{
	int64_t deadline = ms < 0 ? INT64_MAX : now_ms() + ms;
	struct pollfd *copy = bounce_get(n * sizeof(*copy));
	int r;

	if (copy == NULL) {
		errno = ENOMEM;
		return -1;
	}
	for (;;) {
		bool slice = false;
		int ready = ask_devices(fds, n, &slice);
		int64_t left = ready > 0 ? 0 : deadline == INT64_MAX ? -1 : deadline - now_ms();

		if (left < -1 || (left < 0 && deadline != INT64_MAX))
			left = 0;
		memcpy(copy, fds, n * sizeof(*copy));
		r = wait_sockets(copy, n, slice && (left < 0 || left > SLICE_MS) ? SLICE_MS : left,
				 mask);
		if (r < 0)
			break;
		for (nfds_t i = 0; i < n; i++)
			if (fds[i].fd < 0 || fd_kind(fds[i].fd) == 0)
				fds[i].revents = fds[i].fd < 0 ? 0 : copy[i].revents;
		r += ready;
		if (r > 0 || left == 0)
			break;
	}
	bounce_put(copy, n * sizeof(*copy));
	return r;
}

EXPORT int poll(struct pollfd *fds, nfds_t n, int timeout)
{
	if (likely(!client_active) || !any_device(fds, n))
		return REAL(poll)(fds, n, timeout);
	return poll_devices(fds, n, timeout, NULL);
}

EXPORT int ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout, const sigset_t *mask)
{
	if (likely(!client_active) || !any_device(fds, n))
		return REAL(ppoll)(fds, n, timeout, mask);
	return poll_devices(fds, n,
			    timeout == NULL ? -1 :
					      (int64_t)timeout->tv_sec * 1000 +
						      (timeout->tv_nsec + 999999) / 1000000,
			    mask);
}

EXPORT int __poll_chk(struct pollfd *fds, nfds_t n, int timeout, size_t room)
{
	if (likely(!client_active) || n > room / sizeof(*fds))
		return REAL(__poll_chk)(fds, n, timeout, room);
	return poll(fds, n, timeout);
}

EXPORT int __ppoll_chk(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
		       const sigset_t *mask, size_t room)
{
	if (likely(!client_active) || n > room / sizeof(*fds))
		return REAL(__ppoll_chk)(fds, n, timeout, mask, room);
	return ppoll(fds, n, timeout, mask);
}

static bool in_set(int fd, const fd_set *set)
{
	return set != NULL && FD_ISSET(fd, set);
}

static bool any_selected(int n, const fd_set *r, const fd_set *w, const fd_set *e)
{
	for (int fd = 0; fd < n && fd < FD_SETSIZE; fd++)
		if (unlikely(fd_kind(fd) != 0) &&
		    (in_set(fd, r) || in_set(fd, w) || in_set(fd, e)) && fd_device(fd) != NULL)
			return true;
	return false;
}

static int report(int fd, fd_set *set, bool ready)
{
	if (!in_set(fd, set))
		return 0;
	if (!ready)
		FD_CLR(fd, set);
	return ready;
}

/* select() with a device in a set, as poll(). */
static int select_devices(int n, fd_set *r, fd_set *w, fd_set *e, int64_t ms, const sigset_t *mask)
{
	struct pollfd fds[FD_SETSIZE];
	nfds_t used = 0;
	int count;

	for (int fd = 0; fd < n && fd < FD_SETSIZE; fd++) {
		short events =
			(short)((in_set(fd, r) ? POLLIN : 0) | (in_set(fd, w) ? POLLOUT : 0) |
				(in_set(fd, e) ? POLLPRI : 0));

		if (events != 0)
			fds[used++] = (struct pollfd){ .fd = fd, .events = events };
	}
	count = poll_devices(fds, used, ms, mask);
	if (count < 0)
		return count;
	count = 0;
	for (nfds_t i = 0; i < used; i++) {
		if ((fds[i].revents & POLLNVAL) != 0) {
			errno = EBADF;
			return -1;
		}
		count += report(fds[i].fd, r, (fds[i].revents & (POLLIN | POLLHUP | POLLERR)) != 0);
		count += report(fds[i].fd, w, (fds[i].revents & (POLLOUT | POLLERR)) != 0);
		count += report(fds[i].fd, e, (fds[i].revents & POLLPRI) != 0);
	}
	return count;
}

EXPORT int select(int n, fd_set *r, fd_set *w, fd_set *e, struct timeval *timeout)
{
	int64_t start, left;
	int count;

	if (likely(!client_active) || !any_selected(n, r, w, e))
		return REAL(select)(n, r, w, e, timeout);
	if (timeout == NULL)
		return select_devices(n, r, w, e, -1, NULL);
	start = now_ms();
	left = (int64_t)timeout->tv_sec * 1000 + (timeout->tv_usec + 999) / 1000;
	count = select_devices(n, r, w, e, left, NULL);
	/* As Linux does: what is left of it. */
	left -= now_ms() - start;
	if (left < 0)
		left = 0;
	*timeout = (struct timeval){ .tv_sec = left / 1000, .tv_usec = left % 1000 * 1000 };
	return count;
}

EXPORT int pselect(int n, fd_set *r, fd_set *w, fd_set *e, const struct timespec *timeout,
		   const sigset_t *mask)
{
	if (likely(!client_active) || !any_selected(n, r, w, e))
		return REAL(pselect)(n, r, w, e, timeout, mask);
	return select_devices(n, r, w, e,
			      timeout == NULL ? -1 :
						(int64_t)timeout->tv_sec * 1000 +
							(timeout->tv_nsec + 999999) / 1000000,
			      mask);
}

EXPORT int epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)
{
	int r = REAL(epoll_ctl)(epfd, op, fd, event);

	if (r == 0 && op != EPOLL_CTL_DEL && fd_special(fd) && fd_device(fd) != NULL)
		(void)device_poll(fd, POLLIN);
	return r;
}
