/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Sockets: descriptors that another process passes may be devices, and data may lie in device
 * memory. Devices are no sockets to a program, but on theirs these calls do what they do on any
 * other.
 */
#include <string.h>

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

EXPORT int recvmmsg(int fd, struct mmsghdr *v, unsigned len, int flags, struct timespec *timeout)
{
	int n = REAL(recvmmsg)(fd, v, len, flags, timeout);

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
