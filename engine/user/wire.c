/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Messages with clients: see wire.h. */
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "pages.h"
#include "wire.h"

#define CONTROL_FDS 64

#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76
#define SO_PEERPIDFD 77
#endif
#ifndef SCM_PIDFD
#define SCM_PIDFD 4
#endif
#define PATIENCE_MS \
	10000	    /* with a client that does not read its answers, or send what it is asked for */
#define LOOK_MS 200 /* how often we look whether we stop */

static atomic_bool stopping;

/* Waits for the event, ms at most (-1: for ever), or until we stop. False: it has not come. */
static bool await_event(int sock, short event, int ms)
{
	struct pollfd p = { .fd = sock, .events = event };

	for (int waited = 0; ms < 0 || waited < ms; waited += LOOK_MS) {
		int n = poll(&p, 1, LOOK_MS);

		if (n != 0)
			return n > 0 || errno == EINTR;
		if (ms >= 0 && atomic_load(&stopping))
			break;
	}
	return false;
}

/* Sends without waiting, or waits until there is room, ms at most (-1: for ever). */
static ssize_t send_within(int sock, const struct msghdr *m, int ms)
{
	ssize_t n;

	do
		n = sendmsg(sock, m, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && (errno == EINTR || (errno == EAGAIN && await_event(sock, POLLOUT, ms))));
	return n < 0 ? -errno : n;
}

static int send_message(int sock, const struct iovec *iov, int iovcnt, const int *fds,
			unsigned nfds, int ms)
{
	union {
		char buf[CMSG_SPACE(sizeof(int) * CONTROL_FDS)];
		struct cmsghdr align;
	} control;
	struct msghdr m = { .msg_iov = (struct iovec *)iov, .msg_iovlen = (size_t)iovcnt };
	ssize_t n;

	if (nfds > CONTROL_FDS)
		return -E2BIG;
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
	n = send_within(sock, &m, ms);
	return n < 0 ? (int)n : 0;
}

int wire_send(int sock, const struct iovec *iov, int iovcnt, const int *fds, unsigned nfds)
{
	return send_message(sock, iov, iovcnt, fds, nfds, -1);
}

/* What came beside a message. */
struct brought {
	int *fds;
	unsigned max, nfds;
	struct ucred *cred; /* may be NULL */
	int pidfd;
	bool cut; /* there was no room for some of it */
};

static void take_fds(const struct cmsghdr *c, struct brought *b)
{
	size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

	for (size_t i = 0; i < n; i++) {
		int fd;

		memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
		if (b->nfds < b->max)
			b->fds[b->nfds++] = fd;
		else
			close(fd);
	}
}

/* Collects descriptors and credentials; closes descriptors beyond max. */
static void take_control(struct msghdr *m, struct brought *b)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level != SOL_SOCKET)
			continue;
		if (c->cmsg_type == SCM_CREDENTIALS && b->cred != NULL)
			memcpy(b->cred, CMSG_DATA(c), sizeof(*b->cred));
		else if (c->cmsg_type == SCM_RIGHTS)
			take_fds(c, b);
		else if (c->cmsg_type == SCM_PIDFD)
			memcpy(&b->pidfd, CMSG_DATA(c), sizeof(int));
	}
}

static ssize_t receive(int sock, void *buf, size_t len, struct brought *b, int flags)
{
	union {
		char buf[CMSG_SPACE(sizeof(int) * CONTROL_FDS) + CMSG_SPACE(sizeof(struct ucred)) +
			 CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = { .iov_base = buf, .iov_len = len };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control.buf,
			    .msg_controllen = sizeof(control.buf) };
	ssize_t n;

	b->nfds = 0;
	b->pidfd = -1;
	if (b->cred != NULL)
		*b->cred = (struct ucred){ .uid = (uid_t)-1, .gid = (gid_t)-1 };
	do
		n = recvmsg(sock, &m, flags | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	take_control(&m, b);
	b->cut = (m.msg_flags & MSG_CTRUNC) != 0;
	return n;
}

ssize_t wire_receive(int sock, void *buf, size_t len, int *fds, unsigned max, unsigned *nfds,
		     struct ucred *cred, int flags)
{
	struct brought b = { .fds = fds, .max = max, .cred = cred };
	ssize_t n = receive(sock, buf, len, &b, flags);

	*nfds = b.nfds;
	if (b.pidfd >= 0)
		close(b.pidfd);
	return n;
}

void wire_want_pidfd(int sock)
{
	int one = 1;

	(void)setsockopt(sock, SOL_SOCKET, SO_PASSPIDFD, &one, sizeof(one));
}

int wire_peer_pidfd(int sock)
{
	int pidfd = -1;
	socklen_t len = sizeof(pidfd);

	return getsockopt(sock, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &len) == 0 ? pidfd : -1;
}

static void close_fds(struct request *rq)
{
	for (unsigned i = rq->here ? 1 : 0; i < rq->nfds; i++)
		if (rq->fds[i] >= 0)
			close(rq->fds[i]);
	rq->nfds = 0;
	if (rq->pidfd >= 0)
		close(rq->pidfd);
	rq->pidfd = -1;
}

/*
 * Nothing but what clients make for it: we speak with our own credentials, and wait for the close.
 */
static bool is_reply_socket(int fd)
{
	int domain = 0, type = 0;
	socklen_t len = sizeof(domain);

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 && domain == AF_UNIX &&
	       getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_SEQPACKET;
}

/* Puts the socket itself before what came along. */
static void answer_here(struct request *rq, int sock)
{
	memmove(rq->fds + 1, rq->fds, rq->nfds * sizeof(rq->fds[0]));
	rq->fds[0] = sock;
	rq->nfds++;
	rq->here = true;
	rq->msg.op &= (uint16_t)~DM_HERE;
}

/* How many descriptors belong to it: a reply socket, and what some requests bring. */
static unsigned fds_of(const struct dm_request *m)
{
	return ((m->op & DM_HERE) != 0 ? 0 : 1) + ((m->op & ~DM_HERE) == DM_CHILD ? 1 : 0);
}

int request_receive(int sock, struct request *rq)
{
	struct brought b = { .fds = rq->fds, .max = WIRE_FDS_MAX - 1, .cred = &rq->cred };
	ssize_t n;

	memset(rq, 0, sizeof(*rq));
	n = receive(sock, &rq->msg, sizeof(rq->msg), &b, MSG_DONTWAIT | MSG_TRUNC);
	rq->nfds = b.nfds;
	rq->pidfd = b.pidfd;
	if (n < 0)
		return (int)n;
	if (n == sizeof(rq->msg) && rq->msg.magic == DM_MAGIC && rq->cred.uid != (uid_t)-1 &&
	    rq->nfds <= fds_of(&rq->msg)) {
		if ((rq->msg.op & DM_HERE) != 0)
			answer_here(rq, sock);
		if (rq->here || (rq->nfds > 0 && is_reply_socket(rq->fds[0])))
			return 0;
		n = b.cut ? -EMFILE : n;
	}
	close_fds(rq); /* an empty message looks like the end, but may bring some */
	return n == -EMFILE ? -EMFILE : n == 0 ? -ECONNRESET : -EPROTO;
}

int request_take_fd(struct request *rq, unsigned i)
{
	int fd = -1;

	if (i < rq->nfds) {
		fd = rq->fds[i];
		rq->fds[i] = -1;
	}
	return fd;
}

int request_take_pidfd(struct request *rq)
{
	int fd = rq->pidfd;

	rq->pidfd = -1;
	return fd;
}

void request_end(struct request *rq)
{
	close_fds(rq);
}

void reply_init(struct dm_reply *r, int error)
{
	*r = (struct dm_reply){ .magic = DM_MAGIC, .version = DM_VERSION, .type = DM_RESULT };
	reply_set_error(r, error);
}

void reply_set_error(struct dm_reply *r, int error)
{
	r->error = -error;
}

void reply_send(struct request *rq, struct dm_reply *r, const struct dm_piece *p, const int *fds,
		unsigned nfds)
{
	struct iovec iov[2] = {
		{ .iov_base = r, .iov_len = sizeof(*r) },
		{ .iov_base = (void *)p, .iov_len = p ? r->npieces * sizeof(*p) : 0 },
	};

	r->id = rq->msg.id;
	if (rq->nfds > 0 && rq->fds[0] >= 0)
		(void)send_message(rq->fds[0], iov, 2, fds, nfds, PATIENCE_MS);
}

void reply_error(struct request *rq, int error)
{
	struct dm_reply r;

	reply_init(&r, error);
	reply_send(rq, &r, NULL, NULL, 0);
}

void reply_value(struct request *rq, int error, uint64_t value)
{
	struct dm_reply r;

	reply_init(&r, error);
	r.v[0] = value;
	reply_send(rq, &r, NULL, NULL, 0);
}

/* Takes the reply socket for an exchange of data; the watch keeps its hands off meanwhile. */
static void exchange_begin(struct request *rq)
{
	pthread_mutex_lock(&rq->lock);
	rq->busy = true;
	pthread_mutex_unlock(&rq->lock);
}

static void exchange_end(struct request *rq)
{
	pthread_mutex_lock(&rq->lock);
	rq->busy = false;
	pthread_mutex_unlock(&rq->lock);
	source_arm(&rq->watch);
}

/* Next DM_DATA message, at most len bytes of it into buf. Returns the bytes, or -errno. */
static ssize_t exchange_data(struct request *rq, void *buf, size_t len)
{
	struct dm_request head;
	struct iovec iov[2] = {
		{ .iov_base = &head, .iov_len = sizeof(head) },
		{ .iov_base = buf, .iov_len = len },
	};
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = buf ? 2 : 1 };

	for (;;) {
		ssize_t n = recvmsg(rq->fds[0], &m, MSG_DONTWAIT);

		if (n < 0 && (errno == EINTR ||
			      (errno == EAGAIN && await_event(rq->fds[0], POLLIN, PATIENCE_MS))))
			continue;
		if (n < (ssize_t)sizeof(head) || head.magic != DM_MAGIC)
			return -EFAULT;
		if (head.op == DM_CANCEL) {
			caller_interrupt(rq->caller);
			continue;
		}
		if (head.op != DM_DATA || head.a[0] != 0)
			return -EFAULT;
		return n - (ssize_t)sizeof(head);
	}
}

/*
 * A driver's buffer may lie in a view, whose pages only ordinary accesses bring in, and not the
 * system calls made here: such copies go through a buffer of ours.
 */
static bool in_view(const void *buf)
{
	size_t off;

	return region_of(buf, &off) != NULL;
}

static int copy_in(void *arg, uintptr_t from, void *buf, size_t len)
{
	struct request *rq = arg;
	struct dm_reply r;
	char *to = buf;
	int error = 0;

	reply_init(&r, 0);
	r.type = DM_COPYIN;
	r.v[0] = from;
	r.v[1] = len;
	exchange_begin(rq);
	reply_send(rq, &r, NULL, NULL, 0);
	while (len > 0 && error == 0) {
		ssize_t n = exchange_data(rq, to, len);

		if (n <= 0) {
			error = -EFAULT;
		} else {
			to += n;
			len -= (size_t)n;
		}
	}
	exchange_end(rq);
	return error;
}

static int copyout_chunk(struct request *rq, const char *buf, uintptr_t to, size_t len)
{
	struct dm_reply r;
	struct iovec iov[2] = {
		{ .iov_base = &r, .iov_len = sizeof(r) },
		{ .iov_base = (void *)buf, .iov_len = len },
	};

	reply_init(&r, 0);
	r.type = DM_COPYOUT;
	r.v[0] = to;
	r.v[1] = len;
	r.len = (uint32_t)len;
	if (send_message(rq->fds[0], iov, 2, NULL, 0, PATIENCE_MS) != 0)
		return -EFAULT;
	return exchange_data(rq, NULL, 0) < 0 ? -EFAULT : 0;
}

static int memory_in(void *arg, uintptr_t from, void *buf, size_t len)
{
	char bounce[8192], *to = buf;
	int error = 0;

	if (!in_view(buf))
		return copy_in(arg, from, buf, len);
	while (len > 0 && error == 0) {
		size_t n = len < sizeof(bounce) ? len : sizeof(bounce);

		error = copy_in(arg, from, bounce, n);
		if (error == 0)
			memcpy(to, bounce, n);
		from += n;
		to += n;
		len -= n;
	}
	return error;
}

static int copy_out(void *arg, const void *buf, uintptr_t to, size_t len)
{
	struct request *rq = arg;
	const char *from = buf;
	int error = 0;

	exchange_begin(rq);
	while (len > 0 && error == 0) {
		size_t n = len < DM_DATA_MAX ? len : DM_DATA_MAX;

		error = copyout_chunk(rq, from, to, n);
		from += n;
		to += n;
		len -= n;
	}
	exchange_end(rq);
	return error;
}

static int memory_out(void *arg, const void *buf, uintptr_t to, size_t len)
{
	const char *from = buf;
	char bounce[8192];
	int error = 0;

	if (!in_view(buf))
		return copy_out(arg, buf, to, len);
	while (len > 0 && error == 0) {
		size_t n = len < sizeof(bounce) ? len : sizeof(bounce);

		memcpy(bounce, from, n);
		error = copy_out(arg, bounce, to, n);
		from += n;
		to += n;
		len -= n;
	}
	return error;
}

/*
 * Something came on the reply socket while the driver works: a cancellation, or the thread's end.
 */
static void watch_ready(struct source *s, uint32_t events)
{
	struct request *rq = container_of(s, struct request, watch);
	struct dm_request head;
	bool rearm = false;

	(void)events;
	pthread_mutex_lock(&rq->lock);
	if (rq->here) { /* it has hung up: that is all that we wait for */
		caller_interrupt(rq->caller);
	} else if (!rq->busy) {
		ssize_t n = recv(rq->fds[0], &head, sizeof(head), MSG_DONTWAIT);

		rearm = n > 0 || (n < 0 && errno == EAGAIN);
		if (n == 0 || (n == sizeof(head) && head.op == DM_CANCEL))
			caller_interrupt(rq->caller);
	}
	pthread_mutex_unlock(&rq->lock);
	if (rearm)
		source_arm(s);
}

static void watch_release(struct source *s)
{
	struct request *rq = container_of(s, struct request, watch);

	pthread_mutex_lock(&rq->lock);
	rq->released = true;
	pthread_cond_signal(&rq->gone);
	pthread_mutex_unlock(&rq->lock);
}

/* The requests with drivers at work on them; at stop they are told to leave off. */
static pthread_mutex_t watched_lock = PTHREAD_MUTEX_INITIALIZER;
static struct request *watched;

/* As if the client had closed its end; whose session has others to do with that. */
static void request_interrupt(struct request *rq)
{
	if (rq->here)
		caller_interrupt(rq->caller);
	else
		(void)shutdown(rq->fds[0], SHUT_RD);
}

static void watched_add(struct request *rq)
{
	pthread_mutex_lock(&watched_lock);
	rq->next_watched = watched;
	watched = rq;
	if (atomic_load(&stopping))
		request_interrupt(rq);
	pthread_mutex_unlock(&watched_lock);
}

static void watched_remove(struct request *rq)
{
	struct request **p;

	pthread_mutex_lock(&watched_lock);
	for (p = &watched; *p != rq; p = &(*p)->next_watched)
		;
	*p = rq->next_watched;
	pthread_mutex_unlock(&watched_lock);
}

void requests_interrupt(void)
{
	pthread_mutex_lock(&watched_lock);
	atomic_store(&stopping, true);
	for (struct request *rq = watched; rq != NULL; rq = rq->next_watched)
		request_interrupt(rq);
	pthread_mutex_unlock(&watched_lock);
}

void request_watch(struct request *rq, struct caller *caller)
{
	rq->caller = caller;
	rq->memory = (struct client_memory){ .in = memory_in, .out = memory_out, .arg = rq };
	caller->memory = rq->here ? NULL : &rq->memory;
	pthread_mutex_init(&rq->lock, NULL);
	pthread_cond_init(&rq->gone, NULL);
	rq->watch = (struct source){
		.fd = rq->fds[0],
		.urgent = true,
		.hangup = rq->here,
		.ready = watch_ready,
		.release = watch_release,
	};
	(void)source_add(&rq->watch); /* works without, only signals are not seen */
	watched_add(rq);
}

void request_unwatch(struct request *rq)
{
	watched_remove(rq);
	rq->caller->memory = NULL;
	if (rq->watch.id != 0) {
		source_remove(&rq->watch);
		pthread_mutex_lock(&rq->lock);
		while (!rq->released)
			pthread_cond_wait(&rq->gone, &rq->lock);
		pthread_mutex_unlock(&rq->lock);
	}
	pthread_cond_destroy(&rq->gone);
	pthread_mutex_destroy(&rq->lock);
}
