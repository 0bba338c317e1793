/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* See entrance.h. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "entrance.h"

#define BACKLOG 1024

static pthread_mutex_t visitors_lock = PTHREAD_MUTEX_INITIALIZER;

/*
 * Who has come in. Waits here, without a thread of ours, until he says something. Of those of a
 * user who say nothing only the newest may stay, limits.user_silent of them.
 */
struct visitor {
	struct source source;
	struct entrance *entrance;
	struct account *user;
	bool listed;
	TAILQ_ENTRY(visitor) link;
};

static void unlist(struct visitor *v)
{
	ASSERT_HELD(&visitors_lock);
	if (!v->listed)
		return;
	TAILQ_REMOVE(&v->entrance->visitors, v, link);
	v->listed = false;
	v->user->silent--;
}

static void visitor_unlist(struct visitor *v)
{
	pthread_mutex_lock(&visitors_lock);
	unlist(v);
	pthread_mutex_unlock(&visitors_lock);
}

/* visitors_lock held. The one of his that has been silent for longest. */
static struct visitor *oldest_of(struct entrance *e, const struct account *user)
{
	struct visitor *v;

	ASSERT_HELD(&visitors_lock);
	TAILQ_FOREACH(v, &e->visitors, link)
	{
		if (v->user == user)
			break;
	}
	return v;
}

static void visitor_list(struct visitor *v)
{
	struct entrance *e = v->entrance;
	struct visitor *oldest = NULL;

	e->get(e);
	pthread_mutex_lock(&visitors_lock);
	if (++v->user->silent > limits.user_silent)
		oldest = oldest_of(e, v->user);
	TAILQ_INSERT_TAIL(&e->visitors, v, link);
	v->listed = true;
	if (oldest != NULL) {
		unlist(oldest);
		/* It finds the end of its socket, and goes. */
		(void)shutdown(oldest->source.fd, SHUT_RDWR);
	}
	pthread_mutex_unlock(&visitors_lock);
}

static void visitor_release(struct source *s)
{
	struct visitor *v = container_of(s, struct visitor, source);

	visitor_unlist(v);
	close(s->fd);
	v->entrance->put(v->entrance);
	free(v);
}

/* What he says; a descriptor that may be wanted comes behind the socket itself. False: nonsense. */
static bool visitor_receive(struct visitor *v, struct request *rq)
{
	int fds[WIRE_FDS_MAX];
	unsigned nfds;
	ssize_t n = wire_receive(v->source.fd, &rq->msg, sizeof(rq->msg), fds, WIRE_FDS_MAX, &nfds,
				 &rq->cred, MSG_DONTWAIT | MSG_TRUNC);

	rq->fds[0] = v->source.fd;
	rq->fds[1] = nfds > 0 ? fds[0] : -1;
	rq->nfds = nfds > 0 ? 2 : 1;
	for (unsigned i = 1; i < nfds; i++)
		close(fds[i]);
	return n == sizeof(rq->msg) && rq->msg.magic == DM_MAGIC && nfds <= 1;
}

static void visitor_ready(struct source *s, uint32_t events)
{
	struct visitor *v = container_of(s, struct visitor, source);
	struct request rq = { .pidfd = -1 };
	struct account *user = v->user;

	(void)events;
	if (!account_enter(user, NULL, s, false))
		return;
	if (visitor_receive(v, &rq) && files_enter()) {
		visitor_unlist(v);
		v->entrance->serve(v->entrance, &rq);
		files_leave();
	}
	if (rq.fds[1] >= 0)
		close(rq.fds[1]);
	if (rq.pidfd >= 0)
		close(rq.pidfd);
	source_remove(s);
	account_leave(user, NULL);
}

static uid_t uid_of(int sock)
{
	struct ucred peer = { .uid = (uid_t)-1 };
	socklen_t len = sizeof(peer);

	return getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 ? peer.uid : (uid_t)-1;
}

static void visitor_come(struct entrance *e, int sock)
{
	struct visitor *v = calloc(1, sizeof(*v));

	if (v == NULL) {
		close(sock);
		return;
	}
	v->source =
		(struct source){ .fd = sock, .ready = visitor_ready, .release = visitor_release };
	v->entrance = e;
	v->user = account_of(uid_of(sock));
	visitor_list(v);
	if (source_add(&v->source) != 0)
		visitor_release(&v->source);
}

/* Out of descriptors, most likely: the next accept(2) would fail at once too. */
static void rest(struct entrance *e)
{
	const struct timespec nap = { .tv_nsec = 20000000 };
	static atomic_bool warned;

	if (!atomic_exchange(&warned, true))
		log_warn("%s: accept: %s", e->name, strerror(errno));
	(void)nanosleep(&nap, NULL);
}

static void entrance_ready(struct source *s, uint32_t events)
{
	struct entrance *e = container_of(s, struct entrance, source);
	int sock = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC);

	(void)events;
	if (sock < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS))
		rest(e);
	source_arm(s);
	if (sock >= 0)
		visitor_come(e, sock);
}

static void entrance_release(struct source *s)
{
	struct entrance *e = container_of(s, struct entrance, source);

	close(s->fd);
	e->put(e);
}

static void no_reference(struct entrance *e)
{
	(void)e;
}

void entrance_init(struct entrance *e, const char *name,
		   void (*serve)(struct entrance *e, struct request *rq))
{
	e->source =
		(struct source){ .fd = -1, .ready = entrance_ready, .release = entrance_release };
	e->name = name;
	e->serve = serve;
	e->get = e->put = no_reference;
	TAILQ_INIT(&e->visitors);
}

int entrance_socket(struct entrance *e, const struct sockaddr_un *sa, socklen_t len)
{
	int one = 1;

	e->source.fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (e->source.fd >= 0 &&
	    setsockopt(e->source.fd, SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)) == 0 &&
	    bind(e->source.fd, (const struct sockaddr *)sa, len) == 0 &&
	    listen(e->source.fd, BACKLOG) == 0)
		return 0;
	return -errno;
}
