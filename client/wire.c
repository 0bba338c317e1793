/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Requests to an engine. On a session's socket each brings a reply socket of its own, because threads
 * send there at the same time. An engine that dies closes its end of the reply socket: then the wait ends.
 */
#include <string.h>

#include "internal.h"

#define CONTROL_SPACE CMSG_SPACE(sizeof(int) * DM_PIECES_MAX)

struct answer {
	struct dm_reply re;
	struct dm_piece piece[DM_PIECES_MAX];
	int fds[DM_PIECES_MAX];
	unsigned nfds;
	bool cut; /* more descriptors came than there is room for */
};

/* Sends a request with up to two descriptors, whether or not the socket is non-blocking. */
static int send_request(int sock, const struct dm_request *rq, const int *fds, unsigned nfds)
{
	union {
		char buf[CMSG_SPACE(sizeof(int) * 2)];
		struct cmsghdr align;
	} control;
	struct iovec iov = { .iov_base = (void *)rq, .iov_len = sizeof(*rq) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	if (nfds > 0) {
		struct cmsghdr *c;

		memset(&control, 0, sizeof(control));
		m.msg_control = control.buf;
		m.msg_controllen = CMSG_SPACE(sizeof(int) * nfds);
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * nfds);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * nfds);
	}
	do {
		n = raw_sendmsg(sock, &m, MSG_NOSIGNAL);
		if (n == -EAGAIN)
			(void)raw_wait(sock, POLLOUT);
	} while (n == -EAGAIN || n == -EINTR);
	if (n == -EPIPE || n == -ECONNRESET || n == -ENOTCONN || n == -ECONNREFUSED)
		return -ENXIO;
	return n < 0 ? (int)n : 0;
}

/*
 * Makes the pair, sends the request with one end of it, and keeps the other: returns it or -errno.
 */
static int send_with_reply(struct call *c)
{
	int pair[2], fds[2], error;

	wire_enter();
	error = (int)raw(SYS_socketpair, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair);
	if (error == 0) {
		/* Out of the way of a program that counts on the lowest free number. */
		pair[0] = fd_hide(pair[0]);
		fds[0] = pair[1];
		fds[1] = c->fd;
		error = send_request(c->sock, &c->rq, fds, c->fd >= 0 ? 2 : 1);
		(void)raw_close(pair[1]);
		if (error != 0)
			fd_close_hidden(pair[0]);
	}
	wire_leave();
	return error != 0 ? error : pair[0];
}

static void take_fds(struct msghdr *m, struct answer *an)
{
	an->nfds = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		an->nfds = (unsigned)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		memcpy(an->fds, CMSG_DATA(c), an->nfds * sizeof(int));
	}
}

/*
 * The next message; data that a COPYOUT brings stay behind in it. flags: MSG_DONTWAIT, MSG_PEEK. Returns its
 * length or -errno.
 */
static ssize_t receive(int reply, struct answer *an, int flags)
{
	bool peek = (flags & MSG_PEEK) != 0;
	union {
		char buf[CONTROL_SPACE];
		struct cmsghdr align;
	} control;
	struct iovec iov = { .iov_base = &an->re,
			     .iov_len = peek ? sizeof(an->re) :
					       sizeof(an->re) + sizeof(an->piece) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	an->nfds = 0;
	an->cut = false;
	if (!peek) {
		m.msg_control = control.buf;
		m.msg_controllen = sizeof(control);
	}
	n = raw_recvmsg(reply, &m, MSG_CMSG_CLOEXEC | flags);
	if (n > 0 && !peek) {
		take_fds(&m, an);
		an->cut = (m.msg_flags & MSG_CTRUNC) != 0;
	}
	return n == 0 || n == -ECONNRESET ? -EIO : n;
}

static int check(const struct answer *an, ssize_t n)
{
	static _Atomic bool said;

	if (n < 8 || an->re.magic != DM_MAGIC)
		return -EPROTO;
	if (an->re.version != DM_VERSION) {
		if (!atomic_exchange(&said, true))
			complain("the engine speaks protocol version %u, this library %u: install "
				 "the same devmap for both",
				 an->re.version, DM_VERSION);
		return -EPROTO;
	}
	if (n < (ssize_t)sizeof(an->re) || an->re.npieces > DM_PIECES_MAX ||
	    (size_t)n < sizeof(an->re) + an->re.npieces * sizeof(struct dm_piece))
		return -EPROTO;
	return 0;
}

/* Hands pieces on, keeps the first two descriptors of anything else, closes the rest. */
static int take(struct call *c, struct answer *an)
{
	unsigned i = 0;
	int error = 0;

	if (an->cut) {
		error = -EMFILE;
	} else if (an->re.npieces > 0) {
		if (c->pieces == NULL)
			error = -EPROTO;
		else
			error = c->pieces(c->arg, an->piece, an->re.npieces, an->fds, an->nfds);
	} else if (an->re.type == DM_RESULT) {
		for (; i < an->nfds && i < 2; i++)
			c->got[i] = an->fds[i];
	}
	for (; i < an->nfds; i++)
		(void)raw_close(an->fds[i]);
	return error;
}

static void close_all(const struct answer *an)
{
	for (unsigned i = 0; i < an->nfds; i++)
		(void)raw_close(an->fds[i]);
}

static void cancel(int reply)
{
	struct dm_request rq = { .magic = DM_MAGIC, .version = DM_VERSION, .op = DM_CANCEL };
	struct iovec iov = { .iov_base = &rq, .iov_len = sizeof(rq) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

	(void)raw_sendmsg(reply, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* Does the driver get at the program's memory in this request? */
static bool moves_data(const struct call *c)
{
	return c->rq.op == DM_IOCTL;
}

/* Serves one message. Returns 1 when the request is done, 0 to go on, or -errno. */
static int serve(struct call *c, int reply, struct answer *an, int *pieces_error)
{
	bool here = (c->rq.op & DM_HERE) != 0, peek = moves_data(c);
	ssize_t n = receive(reply, an, here ? 0 : MSG_DONTWAIT | (peek ? MSG_PEEK : 0));
	int error;

	if (n == -EAGAIN && here)
		ops_tire();
	if (n == -EAGAIN || n == -EINTR)
		return 0;
	if (n > 0 && peek && an->re.magic == DM_MAGIC && an->re.version == DM_VERSION &&
	    n == sizeof(an->re) && an->re.type == DM_COPYOUT)
		return data_out(reply, an->re.v[0], an->re.v[1]);
	if (n > 0 && peek)
		n = receive(reply, an, MSG_DONTWAIT);
	if (n < 0)
		return (int)n;
	error = check(an, n);
	/* Of an engine that was taken for dead while it answered: see DM_AGAIN. */
	if (error == 0 && here && an->re.id != c->rq.id) {
		close_all(an);
		return 0;
	}
	if (error == 0 && an->re.type == DM_COPYIN)
		return data_in(reply, an->re.v[0], an->re.v[1]);
	if (error != 0)
		an->re.npieces = 0;
	n = take(c, an);
	if (*pieces_error == 0)
		*pieces_error = (int)n;
	return error != 0 ? error : an->re.type == DM_RESULT;
}

static int wait_answer(struct call *c, int reply)
{
	struct answer an;
	int r, pieces_error = 0;

	do {
		if ((c->rq.op & DM_HERE) == 0 && raw_wait(reply, POLLIN) == -EINTR)
			cancel(reply);
		r = serve(c, reply, &an, &pieces_error);
	} while (r == 0);
	c->lost = r == -EIO;
	if (r < 0)
		return r;
	c->re = an.re;
	return an.re.error != 0 ? -an.re.error : pieces_error;
}

bool limit_lift(struct rlimit *before)
{
	struct rlimit lifted;

	if (raw(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, before) != 0 ||
	    before->rlim_cur >= before->rlim_max)
		return false;
	lifted = (struct rlimit){ .rlim_cur = before->rlim_max, .rlim_max = before->rlim_max };
	return raw(SYS_prlimit64, 0, RLIMIT_NOFILE, &lifted, NULL) == 0;
}

void limit_restore(const struct rlimit *before)
{
	(void)raw(SYS_prlimit64, 0, RLIMIT_NOFILE, before, NULL);
}

int call(struct call *c)
{
	struct rlimit before;
	bool lifted;
	int reply, error;

	c->rq.magic = DM_MAGIC;
	c->rq.version = DM_VERSION;
	reply = send_with_reply(c);
	lifted = reply == -EMFILE && limit_lift(&before);
	if (lifted)
		reply = send_with_reply(c);
	error = reply < 0 ? reply : wait_answer(c, reply);
	fd_close_hidden(reply);
	if (lifted)
		limit_restore(&before);
	return error;
}

int call_here(struct call *c)
{
	static uint64_t last_id; /* guarded by ops */
	int error;

	ASSERT_OPS_HELD();
	c->rq.id = ++last_id;
	c->rq.magic = DM_MAGIC;
	c->rq.version = DM_VERSION;
	c->rq.op |= DM_HERE;
	error = send_request(c->sock, &c->rq, &c->fd, c->fd >= 0 ? 1 : 0);
	return error != 0 ? error : wait_answer(c, c->sock);
}

int call_door(struct call *c)
{
	int error;

	c->rq.magic = DM_MAGIC;
	c->rq.version = DM_VERSION;
	error = send_request(c->sock, &c->rq, &c->fd, c->fd >= 0 ? 1 : 0);
	if (error == 0)
		error = wait_answer(c, c->sock);
	return error;
}

void call_drop(struct call *c)
{
	for (unsigned i = 0; i < 2; i++) {
		if (c->got[i] >= 0)
			(void)raw_close(c->got[i]);
		c->got[i] = -1;
	}
}
