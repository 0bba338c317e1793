/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Sockets: descriptors that another process passes may be devices, and data may lie in device
 * memory. Devices are no sockets to a program, but on theirs these calls do what they do on any
 * other.
 */
#include <string.h>
#include <time.h>

#include "bounce.h"
#include "shim.h"

/* Looks at each descriptor that a message brought. */
static void received(const struct msghdr *m)
{
	struct msghdr copy = *m;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(&copy); c != NULL; c = CMSG_NXTHDR(&copy, c)) {
		size_t n;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS ||
		    c->cmsg_len < CMSG_LEN(0))
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
			if (!fd_probe(fd))
				fd_forget(fd);
		}
	}
}

EXPORT ssize_t recvmsg(int fd, struct msghdr *m, int flags)
{
	struct bounce b;
	struct msghdr copy;
	ssize_t n;

	if (likely(!client_active) || !bounce_vector(&b, m->msg_iov, m->msg_iovlen, false)) {
		n = REAL(recvmsg)(fd, m, flags);
	} else {
		copy = *m;
		copy.msg_iov = &b.iov;
		copy.msg_iovlen = 1;
		n = REAL(recvmsg)(fd, &copy, flags);
		m->msg_namelen = copy.msg_namelen;
		m->msg_controllen = copy.msg_controllen;
		m->msg_flags = copy.msg_flags;
		n = bounce_scatter(&b, m->msg_iov, m->msg_iovlen, n);
	}
	if (n >= 0 && unlikely(m->msg_controllen > 0))
		received(m);
	return n;
}

EXPORT ssize_t sendmsg(int fd, const struct msghdr *m, int flags)
{
	struct bounce b;
	struct msghdr copy;
	ssize_t n;

	if (likely(!client_active) || !bounce_vector(&b, m->msg_iov, m->msg_iovlen, true))
		return REAL(sendmsg)(fd, m, flags);
	copy = *m;
	copy.msg_iov = &b.iov;
	copy.msg_iovlen = 1;
	n = REAL(sendmsg)(fd, &copy, flags);
	bounce_end(&b);
	return n;
}

EXPORT ssize_t sendto(int fd, const void *buf, size_t n, int flags, const struct sockaddr *to,
		      socklen_t len)
{
	struct bounce b;
	ssize_t r;

	if (likely(!client_active))
		return REAL(sendto)(fd, buf, n, flags, to, len);
	bounce_out(&b, buf, n);
	r = REAL(sendto)(fd, b.iov.iov_base, b.iov.iov_len, flags, to, len);
	bounce_end(&b);
	return r;
}

EXPORT ssize_t send(int fd, const void *buf, size_t n, int flags)
{
	if (likely(!client_active))
		return REAL(send)(fd, buf, n, flags);
	return sendto(fd, buf, n, flags, NULL, 0);
}

EXPORT ssize_t recvfrom(int fd, void *buf, size_t n, int flags, struct sockaddr *from,
			socklen_t *len)
{
	struct bounce b;

	if (likely(!client_active))
		return REAL(recvfrom)(fd, buf, n, flags, from, len);
	bounce_in(&b, buf, n);
	return bounce_in_end(&b,
			     REAL(recvfrom)(fd, b.iov.iov_base, b.iov.iov_len, flags, from, len));
}

EXPORT ssize_t recv(int fd, void *buf, size_t n, int flags)
{
	if (likely(!client_active))
		return REAL(recv)(fd, buf, n, flags);
	return recvfrom(fd, buf, n, flags, NULL, NULL);
}

EXPORT ssize_t __recvfrom_chk(int fd, void *buf, size_t n, size_t room, int flags,
			      struct sockaddr *from, socklen_t *len)
{
	if (likely(!client_active) || n > room)
		return REAL(__recvfrom_chk)(fd, buf, n, room, flags, from, len);
	return recvfrom(fd, buf, n, flags, from, len);
}

EXPORT ssize_t __recv_chk(int fd, void *buf, size_t n, size_t room, int flags)
{
	if (likely(!client_active) || n > room)
		return REAL(__recv_chk)(fd, buf, n, room, flags);
	return recv(fd, buf, n, flags);
}

/* Does any of the messages lie in device memory? */
static bool in_device(const struct mmsghdr *v, unsigned len)
{
	if (likely(atomic_load_explicit(&maps_hi, memory_order_relaxed) == 0))
		return false;
	for (unsigned i = 0; i < len; i++)
		for (size_t k = 0; k < v[i].msg_hdr.msg_iovlen; k++)
			if (maps_bounce(v[i].msg_hdr.msg_iov[k].iov_base,
					v[i].msg_hdr.msg_iov[k].iov_len))
				return true;
	return false;
}

/* Then they go one by one. */
EXPORT int sendmmsg(int fd, struct mmsghdr *v, unsigned len, int flags)
{
	unsigned done = 0;

	if (!in_device(v, len))
		return REAL(sendmmsg)(fd, v, len, flags);
	for (; done < len; done++) {
		ssize_t n = sendmsg(fd, &v[done].msg_hdr, flags);

		if (n < 0)
			break;
		v[done].msg_len = (unsigned)n;
	}
	return done > 0 ? (int)done : -1;
}

/* Has the time come? As in recvmmsg(2), it is looked at between messages. */
static bool is_over(const struct timespec *end)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec > end->tv_sec ||
	       (now.tv_sec == end->tv_sec && now.tv_nsec >= end->tv_nsec);
}

static int receive_each(int fd, struct mmsghdr *v, unsigned len, int flags,
			const struct timespec *end)
{
	unsigned done = 0;

	for (; done < len && (done == 0 || end == NULL || !is_over(end)); done++) {
		ssize_t n = recvmsg(fd, &v[done].msg_hdr, flags & ~MSG_WAITFORONE);

		if (n < 0)
			break;
		v[done].msg_len = (unsigned)n;
		if ((flags & MSG_WAITFORONE) != 0)
			flags |= MSG_DONTWAIT;
	}
	return done > 0 ? (int)done : -1;
}

EXPORT int recvmmsg(int fd, struct mmsghdr *v, unsigned len, int flags, struct timespec *timeout)
{
	struct timespec end;
	int n;

	if (unlikely(in_device(v, len))) {
		(void)clock_gettime(CLOCK_MONOTONIC, &end);
		end.tv_sec += timeout != NULL ? timeout->tv_sec : 0;
		end.tv_nsec += timeout != NULL ? timeout->tv_nsec : 0;
		end.tv_sec += end.tv_nsec / 1000000000;
		end.tv_nsec %= 1000000000;
		return receive_each(fd, v, len, flags, timeout != NULL ? &end : NULL);
	}
	n = REAL(recvmmsg)(fd, v, len, flags, timeout);
	for (int i = 0; i < n; i++)
		if (unlikely(v[i].msg_hdr.msg_controllen > 0))
			received(&v[i].msg_hdr);
	return n;
}

EXPORT int pidfd_getfd(int pidfd, int fd, unsigned flags)
{
	int got = REAL(pidfd_getfd)(pidfd, fd, flags);

	if (got >= 0 && !fd_probe(got))
		fd_forget(got);
	return got;
}
