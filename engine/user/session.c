/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Sessions: one for each process that maps devices of this engine. A session lives from DM_ATTACH
 * (or DM_FORK of the parent) until its socket or its process ends, whichever is seen first.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "escrow.h"
#include "keeper.h"
#include "file.h"
#include "number.h"
#include "peer.h"
#include "pieces.h"
#include "policy.h"
#include "server.h"
#include "thread.h"

static pthread_mutex_t sessions_lock = PTHREAD_MUTEX_INITIALIZER;
static struct session *sessions;
static bool sessions_stopping; /* sessions_end() was called; sessions_lock */

struct session *session_of(struct as *as)
{
	return container_of(as, struct session, as);
}

void session_get(struct session *s)
{
	atomic_fetch_add(&s->refs, 1);
}

static unsigned sessions_of(pid_t pid)
{
	unsigned n = 0;

	pthread_mutex_lock(&sessions_lock);
	for (const struct session *s = sessions; s != NULL && pid != 0; s = s->next)
		n += s->pid == pid;
	pthread_mutex_unlock(&sessions_lock);
	return n;
}

/* Not one of a process beyond what a process and its user may have. 0 or -errno. */
static int session_count(struct session *s, uid_t uid, pid_t pid)
{
	struct account *user = account_of(uid);
	unsigned of_process = sessions_of(pid);
	int error = account_session(user, of_process);

	if (error == 0)
		s->counted = user;
	else
		log_client(uid, "process %d of user %u has %u sessions, and %s: refused", (int)pid,
			   (unsigned)uid, of_process,
			   error == -EMFILE ? "may have no more" : "all of his have too many");
	return error;
}

void session_put(struct session *s)
{
	if (atomic_fetch_sub(&s->refs, 1) != 1)
		return;
	if (s->counted != NULL)
		account_session_end(s->counted);
	client_uffd_fini(&s->uffd);
	if (s->pidfd >= 0)
		close(s->pidfd);
	if (s->cred != NULL)
		cred_put(s->cred);
	pthread_cond_destroy(&s->unused);
	pthread_mutex_destroy(&s->lock);
	account_fini(&s->account);
	free(s);
}

bool session_enter(struct session *s)
{
	bool entered;

	pthread_mutex_lock(&s->lock);
	entered = !s->ended;
	if (entered)
		s->users++;
	pthread_mutex_unlock(&s->lock);
	return entered;
}

void session_leave(struct session *s)
{
	pthread_mutex_lock(&s->lock);
	if (--s->users == 0 && s->ended)
		pthread_cond_signal(&s->unused);
	pthread_mutex_unlock(&s->lock);
}

/* Says that the session is over; false if somebody has said so before. */
static bool session_set_ended(struct session *s)
{
	bool first;

	pthread_mutex_lock(&s->lock);
	first = !s->ended;
	s->ended = true;
	pthread_mutex_unlock(&s->lock);
	return first;
}

static void session_wait_unused(struct session *s)
{
	pthread_mutex_lock(&s->lock);
	while (s->users > 0)
		pthread_cond_wait(&s->unused, &s->lock);
	pthread_mutex_unlock(&s->lock);
}

/* One that has ended may still be listed: of a program that the process ran before. */
struct session *session_of_process(pid_t pid)
{
	struct session *s;

	pthread_mutex_lock(&sessions_lock);
	for (s = sessions; s != NULL; s = s->next)
		if (pid != 0 && s->pid == pid && session_enter(s))
			break;
	if (s != NULL)
		session_get(s);
	pthread_mutex_unlock(&sessions_lock);
	return s;
}

void session_done(struct session *s)
{
	session_leave(s);
	session_put(s);
}

/* False: we stop, and nobody would end it. */
static bool session_list(struct session *s)
{
	bool listed;

	pthread_mutex_lock(&sessions_lock);
	listed = !sessions_stopping;
	if (listed) {
		s->next = sessions;
		sessions = s;
	}
	pthread_mutex_unlock(&sessions_lock);
	return listed;
}

static void session_unlist(struct session *s)
{
	struct session **p;

	pthread_mutex_lock(&sessions_lock);
	for (p = &sessions; *p != s; p = &(*p)->next)
		;
	*p = s->next;
	pthread_mutex_unlock(&sessions_lock);
}

/* The process is gone, or has called exec, or we stop: everything it had mapped ends. */
static void session_end(struct session *s)
{
	struct caller caller = { .as = &s->as, .pid = s->number, .cred = s->cred };
	struct caller *before;

	if (!session_set_ended(s))
		return;
	source_remove(&s->sock);
	if (s->fault.id != 0)
		source_remove(&s->fault);
	if (s->exit.id != 0)
		source_remove(&s->exit);
	before = caller_set(&caller);
	/* Ends what others still do for the session; nobody begins anything new. */
	(void)devmap_unmap_range(&s->as, 0, UINTPTR_MAX);
	session_wait_unused(s);
	session_drop_pending(s);
	devmap_as_exit(&s->as);
	caller_set(before);
	keeper_end(s);
	session_unlist(s);
	session_put(s);
}

static void exit_work(struct work *w)
{
	struct session *s = container_of(w, struct session, exited);

	session_end(s);
	session_put(s);
}

/* Once: it is not armed again. */
static void exit_ready(struct source *src, uint32_t events)
{
	struct session *s = container_of(src, struct session, exit);

	(void)events;
	session_get(s);
	pool_run(&s->exited);
}

static void sock_release(struct source *src)
{
	struct session *s = container_of(src, struct session, sock);

	pthread_mutex_lock(&s->lock); /* against a look at it: number.c */
	close_later(src->fd);	      /* there may be messages in it, with descriptors */
	src->fd = -1;
	pthread_mutex_unlock(&s->lock);
	session_put(s);
}

static void fault_release(struct source *src)
{
	session_put(container_of(src, struct session, fault));
}

static void exit_release(struct source *src)
{
	session_put(container_of(src, struct session, exit));
}

static void sock_ready(struct source *src, uint32_t events);

/* It keeps its window from being emptied, and others from the device: C30. */
static void session_offends(struct client_uffd *u)
{
	struct session *s = container_of(u, struct session, uffd);
	int pidfd = s->pidfd;
	bool killed = pidfd >= 0 && syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0) == 0;

	log_client(s->uid,
		   "process %d (%s) of user %u keeps device memory from being taken from it: %s",
		   (int)s->pid, s->as.a_comm, (unsigned)s->uid,
		   killed ? "killed" : "it gets nothing more");
}

static struct session *session_new(void)
{
	struct session *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	atomic_init(&s->refs, 1);
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->unused, NULL);
	s->pidfd = -1;
	s->uffd = (struct client_uffd){ .fd = -1, .given_up = session_offends };
	s->sock = (struct source){ .fd = -1, .ready = sock_ready, .release = sock_release };
	s->fault = (struct source){ .fd = -1, .ready = fault_ready, .release = fault_release };
	s->exit = (struct source){
		.fd = -1, .urgent = true, .ready = exit_ready, .release = exit_release
	};
	s->exited.run = exit_work;
	if (getrandom(&s->id, sizeof(s->id), 0) != sizeof(s->id)) {
		session_put(s);
		return NULL;
	}
	return s;
}

/* A source of the session, which it then holds. 0 or -errno. */
static int session_listen_to(struct session *s, struct source *src, int fd)
{
	int error;

	src->fd = fd;
	session_get(s);
	error = source_add(src);
	if (error != 0)
		session_put(s);
	return error;
}

/* Makes the session socket, gives the client's end, and begins to listen. 0 or -errno. */
static int session_listen(struct session *s, int *client_end)
{
	const struct timeval a_while = { .tv_usec = DM_WHILE_US };
	int ends[2], one = 1, error;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
		return -errno;
	keeper_socket(s, ends[0]);
	error = setsockopt(ends[0], SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)) != 0 ||
				setsockopt(ends[1], SOL_SOCKET, SO_RCVTIMEO, &a_while,
					   sizeof(a_while)) != 0 ?
			-errno :
			session_listen_to(s, &s->sock, ends[0]);
	if (error != 0) {
		close(ends[0]);
	} else if (!session_list(s)) {
		/* Listed after it listens: whoever ends it takes the source away. */
		source_remove(&s->sock);
		error = -ENXIO;
	}
	if (error != 0)
		close(ends[1]);
	else
		*client_end = ends[1];
	return error;
}

/*
 * Its end is heard of through its pidfd. But it can be sent no signal: an access that fails is ended by
 * the kernel's.
 */
static int identify_unseen(const struct session *s)
{
	static atomic_bool said;

	if (s->pidfd >= 0 && s->uffd.poison)
		return 0;
	if (!atomic_exchange(&said, true))
		log_warn("a program maps a device from a pid namespace that is not seen from here: "
			 "refused, since that needs Linux 6.6");
	return -EOPNOTSUPP;
}

/* Who it is, and its userfaultfd, which is taken. 0 or -errno. */
static int session_identify(struct session *s, struct request *rq)
{
	int uffd = request_take_fd(rq, 1), error;

	s->pid = rq->cred.pid;
	s->user_mode_only = rq->msg.a[0] == 0;
	s->foreign_pids = peer_pids_are_foreign(s->pid);
	s->uid = rq->cred.uid;
	s->cred = cred_make(rq->cred.uid, rq->cred.gid);
	s->uffd.distrusted = !policy_trusts(rq->cred.uid);
	s->pidfd = s->pid != 0 ? (int)syscall(SYS_pidfd_open, s->pid, 0) : request_take_pidfd(rq);
	if (uffd < 0)
		return -EBADF;
	s->uffd.fd = uffd;
	if (!is_userfaultfd(uffd))
		return -EINVAL;
	error = client_uffd_init(&s->uffd, uffd);
	if (error == 0 && s->pid == 0)
		error = identify_unseen(s);
	if (error == 0 && (s->pidfd < 0 || s->cred == NULL))
		error = -ESRCH;
	if (error != 0)
		return error;
	number_give(s);
	s->as.a_pid = s->pid != 0 ? s->pid : s->number;
	s->known = true;
	return 0;
}

/* Begins to hear of its faults and of its end, unless it has ended by now. 0 or -errno. */
static int session_watch(struct session *s)
{
	int error;

	pthread_mutex_lock(&s->lock);
	error = s->ended ? -ESRCH : session_listen_to(s, &s->exit, s->pidfd);
	if (error == 0)
		error = session_listen_to(s, &s->fault, s->uffd.fd);
	pthread_mutex_unlock(&s->lock);
	return error;
}

int session_attach(struct request *rq, struct session **out, int *client_end)
{
	struct session *s = session_new();
	char comm[32];
	int error;

	if (s == NULL)
		return -ENOMEM;
	peer_comm(rq->cred.pid, comm, sizeof(comm));
	devmap_as_init(&s->as, rq->cred.pid, comm);
	error = session_count(s, rq->cred.uid, rq->cred.pid);
	if (error == 0)
		error = session_identify(s, rq);
	if (error == 0) {
		session_get(s); /* the caller's */
		keeper_session(s);
		error = session_listen(s, client_end);
		if (error != 0) {
			keeper_end(s);
			session_put(s);
		}
	}
	if (error != 0) {
		devmap_as_exit(&s->as);
		session_put(s);
		return error;
	}
	error = session_watch(s);
	/* Others may have been counted at the same time. */
	if (error == 0 && sessions_of(s->pid) > limits.process_sessions)
		error = -EMFILE;
	if (error != 0) {
		close(*client_end);
		*client_end = -1;
		session_end(s);
		session_put(s);
		return error;
	}
	*out = s;
	return 0;
}

static void serve_fork(struct session *s, struct request *rq)
{
	struct session *child = session_new();
	int end = -1, error = child ? 0 : -ENOMEM;
	struct dm_reply r;

	if (child != NULL) {
		child->unborn = true;
		child->uid = s->uid;
		child->uffd.distrusted = s->uffd.distrusted;
		devmap_as_init(&child->as, 0, s->as.a_comm);
		error = session_count(child, s->uid, 0);
		if (error == 0)
			error = from_ddi(devmap_dup_as(&s->as, &child->as));
		if (error == 0) {
			keeper_fork(child, s);
			error = session_listen(child, &end);
		}
		if (error == 0 && s->pid == 0)
			wire_want_pidfd(child->sock.fd);
		if (error != 0) {
			devmap_as_exit(&child->as);
			keeper_end(child);
			session_put(child);
		}
	}
	reply_init(&r, error);
	reply_send(rq, &r, NULL, &end, end >= 0 ? 1 : 0);
	if (end >= 0)
		close(end);
}

/* Only the first to say so is the child. */
static bool session_is_born(struct session *s)
{
	bool first;

	pthread_mutex_lock(&s->lock);
	first = s->unborn;
	s->unborn = false;
	pthread_mutex_unlock(&s->lock);
	return first;
}

/* DM_CHILD: the child of a fork is born. */
static void serve_child(struct session *s, struct request *rq)
{
	struct pieces ps = { .rq = rq, .end = UINTPTR_MAX };

	ps.error = session_is_born(s) ? session_identify(s, rq) : -EINVAL;
	if (ps.error == 0) {
		keeper_session(s);
		keeper_socket(s, s->sock.fd);
		ps.error = session_watch(s);
	}
	if (ps.error == 0)
		devmap_each_handle(&s->as, pieces_add, &ps);
	pieces_send(&ps, DM_RESULT, 0);
}

static void serve_lock(struct session *s, struct request *rq, struct caller *caller)
{
	int error;

	request_watch(rq, caller);
	error = from_ddi(devmap_lock_range(&s->as, rq->msg.a[0], rq->msg.a[1],
					   rq->msg.op == DM_LOCK ? DEVMAP_LOCK : DEVMAP_UNLOCK,
					   DEVMAP_READ));
	reply_error(rq, error);
	request_unwatch(rq);
}

static void session_serve(struct session *s, struct request *rq)
{
	struct caller caller = { .as = &s->as, .pid = s->number, .cred = s->cred };
	struct caller *before = caller_set(&caller);

	switch (rq->msg.op) {
	case DM_MMAP:
		session_mmap(s, rq);
		break;
	case DM_COMMIT:
		session_commit(s, rq);
		break;
	case DM_ABORT:
		session_abort(s, rq);
		break;
	case DM_MUNMAP:
		session_munmap(s, rq);
		break;
	case DM_MOVE:
		session_move(s, rq);
		break;
	case DM_FORK:
		serve_fork(s, rq);
		break;
	case DM_CHILD:
		serve_child(s, rq);
		break;
	case DM_LOCK:
	case DM_UNLOCK:
		serve_lock(s, rq, &caller);
		break;
	case DM_TOUCH:
		reply_error(rq,
			    fault_touch(s, rq->msg.a[0],
					rq->msg.a[1] == PROT_WRITE ? DEVMAP_WRITE : DEVMAP_READ));
		break;
	default:
		reply_error(rq, -EPROTO);
	}
	caller_set(before);
}

/*
 * A request that is answered on this socket has nobody else who would tell its client that we have died: another
 * engine finds its id, and tells it.
 */
static void note_request(struct session *s)
{
	struct dm_request rq = { .op = 0 };

	if (keeper_resumes() &&
	    recv(s->sock.fd, &rq, sizeof(rq), MSG_PEEK | MSG_DONTWAIT) == sizeof(rq) &&
	    (rq.op & DM_HERE) != 0)
		keeper_request(s, rq.id);
}

/* 0, -ECONNRESET, or -EPROTO. Counted: a client can make it last, by what it sends along. */
static int sock_serve(struct session *s)
{
	struct request rq;
	int error;

	note_request(s);
	error = request_receive(s->sock.fd, &rq);

	if (error == 0 || error == -EAGAIN || error == -EMFILE)
		source_arm(&s->sock);
	if (error != 0)
		return error == -EAGAIN || error == -EMFILE ? 0 : error;
	/* A child made behind our back inherits the socket, but has nothing to say on it. */
	if (s->known ? rq.cred.pid != s->pid : rq.msg.op != DM_CHILD)
		reply_error(&rq, -EPERM);
	else if (session_enter(s)) {
		session_serve(s, &rq);
		session_leave(s);
	}
	request_end(&rq);
	return 0;
}

/* Does the driver, or another client, not wait with it, and perhaps for it? */
static bool is_quick(int sock)
{
	struct dm_request rq = { .op = 0 };

	if (recv(sock, &rq, sizeof(rq), MSG_PEEK | MSG_DONTWAIT) != sizeof(rq))
		return true;
	switch (rq.op & ~DM_HERE) {
	case DM_COMMIT:
	case DM_ABORT:
	case DM_MUNMAP:
	case DM_UNLOCK:
		return true;
	default:
		return false;
	}
}

static void sock_ready(struct source *src, uint32_t events)
{
	struct session *s = container_of(src, struct session, sock);
	struct account *user = account_of(s->uid);
	bool quick = account_is_full(user, &s->account) && is_quick(src->fd);
	int error;

	(void)events;
	if (!account_enter(user, &s->account, src, quick))
		return;
	error = sock_serve(s);
	if (error != 0)
		session_end(s);
	account_leave(user, &s->account);
}

void sessions_each(void (*fn)(struct session *s, void *arg), void *arg)
{
	pthread_mutex_lock(&sessions_lock);
	for (struct session *s = sessions; s != NULL; s = s->next)
		fn(s, arg);
	pthread_mutex_unlock(&sessions_lock);
}

struct search_dead {
	struct session *found;
	bool any;
};

/* sessions_lock held. */
static void look_for_dead(struct session *s, void *arg)
{
	struct search_dead *w = arg;

	if (s->pidfd < 0 || process_is_there(s->pidfd))
		return;
	w->any = true;
	if (w->found == NULL && !s->ending) {
		s->ending = true;
		session_get(s);
		w->found = s;
	}
}

bool sessions_end_dead(void)
{
	struct search_dead w = { .any = false };

	sessions_each(look_for_dead, &w);
	if (w.found != NULL) {
		session_end(w.found);
		session_put(w.found);
	}
	return w.any;
}

/* One that has not been given out before. */
static struct session *any_session(void)
{
	struct session *s;

	pthread_mutex_lock(&sessions_lock);
	for (s = sessions; s != NULL && s->ending; s = s->next)
		;
	if (s != NULL) {
		s->ending = true;
		session_get(s);
	}
	pthread_mutex_unlock(&sessions_lock);
	return s;
}

void sessions_end(void)
{
	struct session *s;

	pthread_mutex_lock(&sessions_lock);
	sessions_stopping = true;
	pthread_mutex_unlock(&sessions_lock);
	/*
	 * Their descriptors in the keeper's hands are poisoned there, so that clients fail, not
	 * block.
	 */
	while ((s = any_session()) != NULL) {
		session_end(s);
		session_put(s);
	}
}

struct session *session_adopt(const struct escrow *c)
{
	const struct kept_client *k = &c->client;
	struct session *s = session_new();

	if (s == NULL)
		return NULL;
	s->id = c->id;
	devmap_as_init(&s->as, k->pid, k->comm);
	s->as.a_key = k->key;
	s->pid = k->pid;
	s->uid = k->uid;
	s->known = k->born;
	s->unborn = !k->born;
	s->user_mode_only = k->user_mode_only;
	s->foreign_pids = k->foreign_pids;
	s->pidfd = c->pidfd;
	s->uffd.fd = c->uffd;
	s->uffd.poison = c->poison;
	s->uffd.distrusted = k->distrusted;
	s->sock.fd = c->sock;
	s->resuming = true;
	if (k->born)
		s->cred = cred_make(k->uid, k->gid);
	return s;
}

/* Before anything is asked for on its behalf. 0 or -errno. */
int session_adopt_begin(struct session *s)
{
	int error = session_count(s, s->uid, s->pid);

	if (error == 0 && s->known && (s->cred == NULL || s->pidfd < 0 || s->uffd.fd < 0))
		error = -ENOMEM;
	if (error == 0 && s->known) {
		number_give(s);
		s->as.a_pid = s->pid != 0 ? s->pid : s->number;
	}
	return error;
}

/* It is ours: whoever is asked for it finds it. */
void session_adopted(struct session *s)
{
	if (s->known)
		keeper_session(s);
	keeper_socket(s, s->sock.fd);
	s->resuming = false;
	(void)session_list(s);
}

/* The last request was begun by an engine that has died, and perhaps not answered. */
static void answer_lost(struct session *s, uint64_t id)
{
	struct dm_request next = { .op = 0 };
	struct dm_reply r;
	struct iovec iov = { .iov_base = &r, .iov_len = sizeof(r) };
	ssize_t n = recv(s->sock.fd, &next, sizeof(next), MSG_PEEK | MSG_DONTWAIT);

	if (id == 0 || (n == sizeof(next) && next.id == id))
		return;
	reply_init(&r, -DM_AGAIN);
	r.id = id;
	(void)wire_send(s->sock.fd, &iov, 1, NULL, 0);
}

/* Hears its requests and faults from now on. */
void session_adopt_end(struct session *s, uint64_t last_request)
{
	const int sock = s->sock.fd;

	answer_lost(s, last_request);
	if (session_listen_to(s, &s->sock, sock) != 0) {
		session_end(s);
		return;
	}
	if (s->known && session_watch(s) != 0)
		session_end(s);
}

/* It could not be taken over. */
void session_adopt_fail(struct session *s)
{
	struct caller caller = { .as = &s->as, .pid = s->number, .cred = s->cred };
	struct caller *before = caller_set(&caller);

	session_set_ended(s);
	devmap_as_exit(&s->as);
	caller_set(before);
	keeper_end(s);
	close(s->sock.fd);
	session_put(s);
}
