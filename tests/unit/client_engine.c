/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * See client_engine.h. One thread, one request at a time. Windows are plain memfds: nothing is
 * intercepted, but clients are told (shared: 0) that it is.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <devmap/protocol.h>

#include "client_engine.h"

#define SOCKS 256

enum kind { FREE, DOOR, DEVICE, SESSION };

static struct {
	enum kind kind;
	int fd;
	int window;	/* of a session */
	unsigned pages; /* mapped at `addr` */
	uint64_t addr;
	bool attached;
} socks[SOCKS];

static struct dm_info info = { .rdev = FAKE_RDEV, .mode = S_IFCHR | 0640, .uid = 12, .gid = 34 };
static int refuse_fork, unmapped, locked, version = DM_VERSION, short_mmap, serial;

static int add(enum kind kind, int fd, int window)
{
	for (int i = 0; i < SOCKS; i++) {
		if (socks[i].kind != FREE)
			continue;
		memset(&socks[i], 0, sizeof(socks[i]));
		socks[i].kind = kind;
		socks[i].fd = fd;
		socks[i].window = window;
		return i;
	}
	abort();
}

static void send_fd(int sock, const void *a, size_t alen, const void *b, size_t blen, int fd)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	struct iovec iov[2] = { { (void *)a, alen }, { (void *)b, blen } };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = blen > 0 ? 2 : 1 };

	if (fd >= 0) {
		m.msg_control = control.buf;
		m.msg_controllen = sizeof(control.buf);
		CMSG_FIRSTHDR(&m)->cmsg_level = SOL_SOCKET;
		CMSG_FIRSTHDR(&m)->cmsg_type = SCM_RIGHTS;
		CMSG_FIRSTHDR(&m)->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(CMSG_FIRSTHDR(&m)), &fd, sizeof(fd));
	}
	(void)sendmsg(sock, &m, MSG_NOSIGNAL);
}

static uint64_t last_id; /* of the request that is being served */

static void answer(int reply, int error, uint64_t v0, int fd, const struct dm_piece *p)
{
	struct dm_reply r = { .magic = DM_MAGIC,
			      .version = (uint16_t)version,
			      .type = DM_RESULT,
			      .error = error,
			      .npieces = p != NULL };

	r.id = last_id;
	r.v[0] = v0;
	r.info = info;
	send_fd(reply, &r, sizeof(r), p, p != NULL ? sizeof(*p) : 0, fd);
}

static void pair(int ends[2])
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
		abort();
}

/* A new device socket: the client's end. */
static int device_socket(void)
{
	const struct timeval at_once = { .tv_usec = 1 };
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int ends[2], n;

	pair(ends);
	if (shutdown(ends[0], SHUT_RD) != 0 ||
	    setsockopt(ends[1], SOL_SOCKET, SO_RCVTIMEO, &at_once, sizeof(at_once)) != 0)
		abort();
	n = snprintf(sa.sun_path + 1, sizeof(sa.sun_path) - 1, "devmap/%016llx/%d%d/%s",
		     (unsigned long long)info.engine, (int)getpid(), serial++, info.name);
	if (bind(ends[0], (void *)&sa,
		 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + n)) != 0)
		abort();
	add(DEVICE, ends[0], -1);
	return ends[1];
}

static int copy_in(int reply, uint64_t addr, char *buf, size_t len)
{
	struct dm_reply r = { .magic = DM_MAGIC, .version = DM_VERSION, .type = DM_COPYIN };
	struct dm_request head;

	r.v[0] = addr;
	r.v[1] = len;
	send_fd(reply, &r, sizeof(r), NULL, 0, -1);
	while (len > 0) {
		struct iovec iov[2] = { { &head, sizeof(head) }, { buf, len } };
		struct msghdr m = { .msg_iov = iov, .msg_iovlen = 2 };
		ssize_t n = recvmsg(reply, &m, 0);

		if (n <= (ssize_t)sizeof(head) || head.a[0] != 0)
			return EFAULT;
		buf += n - (ssize_t)sizeof(head);
		len -= (size_t)n - sizeof(head);
	}
	return 0;
}

static int copy_out(int reply, uint64_t addr, const char *buf, size_t len)
{
	while (len > 0) {
		size_t n = len < DM_DATA_MAX ? len : DM_DATA_MAX;
		struct dm_reply r = { .magic = DM_MAGIC,
				      .version = DM_VERSION,
				      .type = DM_COPYOUT,
				      .len = (uint32_t)n };
		struct dm_request head;

		r.v[0] = addr;
		r.v[1] = n;
		send_fd(reply, &r, sizeof(r), buf, n, -1);
		if (recv(reply, &head, sizeof(head), 0) != sizeof(head) || head.a[0] != 0)
			return EFAULT;
		addr += n;
		buf += n;
		len -= n;
	}
	return 0;
}

static void serve_reverse(int reply, uint64_t addr)
{
	static char buf[FAKE_BYTES];
	int error = copy_in(reply, addr, buf, sizeof(buf));

	for (int i = 0; i < FAKE_BYTES / 2; i++) {
		char c = buf[i];

		buf[i] = buf[FAKE_BYTES - 1 - i];
		buf[FAKE_BYTES - 1 - i] = c;
	}
	if (error == 0)
		error = copy_out(reply, addr, buf, sizeof(buf));
	answer(reply, error, (unsigned char)buf[0], -1, NULL);
}

static void serve_wait(int reply)
{
	struct dm_request head;
	ssize_t n = recv(reply, &head, sizeof(head), 0);

	answer(reply, n == sizeof(head) && head.op == DM_CANCEL ? EINTR : EPROTO, 0, -1, NULL);
}

static int count_sessions(void)
{
	int n = 0;

	for (int i = 0; i < SOCKS; i++)
		n += socks[i].kind == SESSION && socks[i].attached;
	return n;
}

static void serve_ioctl(int reply, const struct dm_request *rq)
{
	uint64_t value = 0;

	switch (rq->a[2]) {
	case FAKE_REVERSE:
		serve_reverse(reply, rq->a[3]);
		return;
	case FAKE_WAIT:
		serve_wait(reply);
		return;
	case FAKE_DIE:
		_exit(0);
	case FAKE_REFUSE_FORK:
		refuse_fork = (int)rq->a[3];
		break;
	case FAKE_UNMAPPED:
		value = (uint64_t)unmapped;
		break;
	case FAKE_LOCKED:
		value = (uint64_t)locked;
		break;
	case FAKE_FLAGS:
		value = rq->a[5];
		break;
	case FAKE_SHORT_MMAP:
		short_mmap = 1;
		break;
	case FAKE_SESSIONS:
		value = (uint64_t)count_sessions();
		break;
	case FAKE_VERSION:
		answer(reply, 0, 0, -1, NULL);
		version = 99;
		return;
	default:
		answer(reply, ENOTTY, 0, -1, NULL);
		return;
	}
	answer(reply, 0, value, -1, NULL);
}

static struct dm_piece piece_of(uint64_t addr, uint64_t len, uint64_t off)
{
	return (struct dm_piece){ .addr = addr,
				  .len = len,
				  .fd_off = off,
				  .fd = 0,
				  .prot = PROT_READ | PROT_WRITE,
				  .maxprot = PROT_READ | (info.access == O_RDWR ? PROT_WRITE : 0) };
}

static void serve_mmap(int s, int reply, const struct dm_request *rq)
{
	struct dm_piece p = piece_of(rq->a[0], rq->a[1], rq->a[4]);

	p.prot = (uint32_t)rq->a[2];
	if (rq->a[5] != FAKE_TOKEN || rq->a[4] + rq->a[1] > FAKE_PAGES * 4096) {
		answer(reply, ENXIO, 0, -1, NULL);
		return;
	}
	if (short_mmap) {
		p.addr += 4096;
		short_mmap = 0;
	} else {
		socks[s].addr = p.addr;
		socks[s].pages = (unsigned)(p.len / 4096);
	}
	answer(reply, 0, 77, socks[s].window, &p);
}

static void attach(int reply)
{
	int ends[2], s;

	pair(ends);
	s = add(SESSION, ends[0], memfd_create("fake window", MFD_CLOEXEC));
	socks[s].attached = true;
	if (ftruncate(socks[s].window, FAKE_PAGES * 4096) != 0)
		abort();
	answer(reply, 0, 0, ends[1], NULL);
	close(ends[1]);
}

static void serve_open(int reply, const struct dm_request *rq)
{
	int fd = device_socket();

	info.access = (uint32_t)rq->a[0] & O_ACCMODE;
	answer(reply, 0, info.engine, fd, NULL);
	close(fd);
}

static void serve_visitor(int sock, const struct dm_request *rq)
{
	switch (rq->op) {
	case DM_OPEN:
		serve_open(sock, rq);
		break;
	case DM_ATTACH:
		attach(sock);
		break;
	case DM_IOCTL:
		serve_ioctl(sock, rq);
		break;
	default:
		answer(sock, 0, FAKE_TOKEN, -1, NULL);
	}
}

static void serve_fork(int s, int reply)
{
	int ends[2], c;

	if (refuse_fork != 0) {
		answer(reply, refuse_fork, 0, -1, NULL);
		refuse_fork = 0;
		return;
	}
	pair(ends);
	c = add(SESSION, ends[0], memfd_create("fake window", MFD_CLOEXEC));
	if (ftruncate(socks[c].window, FAKE_PAGES * 4096) != 0)
		abort();
	socks[c].addr = socks[s].addr;
	socks[c].pages = socks[s].pages;
	answer(reply, 0, 0, ends[1], NULL);
	close(ends[1]);
}

static void serve_session(int s, int reply, const struct dm_request *rq)
{
	struct dm_piece p;

	switch (rq->op) {
	case DM_MMAP:
		serve_mmap(s, reply, rq);
		break;
	case DM_FORK:
		serve_fork(s, reply);
		break;
	case DM_CHILD:
		socks[s].attached = true;
		p = piece_of(socks[s].addr, socks[s].pages * 4096, 0);
		answer(reply, 0, 0, socks[s].window, &p);
		break;
	case DM_MUNMAP:
		unmapped += (int)(rq->a[1] / 4096);
		/* Enough for what the tests do: from the end, or all. */
		if (rq->a[0] > socks[s].addr)
			socks[s].pages = (unsigned)((rq->a[0] - socks[s].addr) / 4096);
		answer(reply, 0, 0, -1, NULL);
		break;
	case DM_MOVE:
		p = piece_of(rq->a[2], rq->a[1], rq->a[0] - socks[s].addr);
		socks[s].addr = rq->a[2];
		answer(reply, 0, 78, socks[s].window, &p);
		break;
	case DM_LOCK:
	case DM_UNLOCK:
		locked += (int)(rq->a[1] / 4096) * (rq->op == DM_LOCK ? 1 : -1);
		answer(reply, 0, 0, -1, NULL);
		break;
	default:
		answer(reply, 0, 0, -1, NULL);
	}
}

/* One message, and up to four descriptors. False: the end. */
static bool receive(int sock, struct dm_request *rq, int fds[4])
{
	union {
		char buf[CMSG_SPACE(sizeof(int) * 4)];
		struct cmsghdr align;
	} control;
	struct iovec iov = { rq, sizeof(*rq) };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control.buf,
			    .msg_controllen = sizeof(control.buf) };

	for (int i = 0; i < 4; i++)
		fds[i] = -1;
	if (recvmsg(sock, &m, MSG_CMSG_CLOEXEC) <= 0)
		return false;
	if (CMSG_FIRSTHDR(&m) != NULL)
		memcpy(fds, CMSG_DATA(CMSG_FIRSTHDR(&m)),
		       CMSG_FIRSTHDR(&m)->cmsg_len - CMSG_LEN(0));
	return true;
}

static void drop(const int fds[4])
{
	for (int i = 0; i < 4; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

static void serve_door(int door)
{
	int sock = accept4(door, NULL, NULL, SOCK_CLOEXEC), fds[4];
	struct dm_request rq;

	if (receive(sock, &rq, fds))
		serve_visitor(sock, &rq);
	drop(fds);
	close(sock);
}

static void serve(int s)
{
	struct dm_request rq;
	int fds[4];

	if (!receive(socks[s].fd, &rq, fds)) {
		close(socks[s].fd);
		if (socks[s].window >= 0)
			close(socks[s].window);
		socks[s].kind = FREE;
		return;
	}
	if (socks[s].kind == SESSION) {
		const bool here = (rq.op & DM_HERE) != 0;

		last_id = rq.id;
		rq.op &= (uint16_t)~DM_HERE;
		serve_session(s, here ? socks[s].fd : fds[0], &rq);
	}
	drop(fds);
}

void fake_serve(const char *dir, const char *name)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	struct pollfd p[SOCKS];
	int door = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	char path[128], dotted[64];

	info.engine = 0xabcdef0100000000ull | (unsigned)getpid();
	snprintf(info.name, sizeof(info.name), "%s", name);
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	snprintf(dotted, sizeof(dotted), ".%s", name);
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/%s", dir, dotted);
	/* When the device has its name, it listens. */
	if (bind(door, (void *)&sa, sizeof(sa)) != 0 || listen(door, 64) != 0 ||
	    symlink(dotted, path) != 0)
		abort();
	add(DOOR, door, -1);
	for (;;) {
		for (int i = 0; i < SOCKS; i++)
			p[i] = (struct pollfd){ .fd = socks[i].kind ? socks[i].fd : -1,
						.events = socks[i].kind == DEVICE ? 0 : POLLIN };
		if (poll(p, SOCKS, -1) < 0)
			continue;
		for (int i = 0; i < SOCKS; i++) {
			if (p[i].fd < 0 || p[i].revents == 0)
				continue;
			if (socks[i].kind == DOOR)
				serve_door(door);
			else
				serve(i);
		}
	}
}
