/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Faults of clients, from the event to the answer.
 *
 * A job is one page that threads of one session wait for, however many: the first event makes it,
 * later ones join. A second event of a thread that has joined already is the same access: the
 * thread took a signal in between, which is told to the driver's cv_wait_sig(9F), and the job keeps
 * its place.
 *
 * A job is taken out of the table before its threads are woken, so that whoever faults after that
 * is asked for anew.
 */
#include <errno.h>
#include <inttypes.h>
#include <linux/userfaultfd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <sys/ddi.h>
#include <sys/param.h>

#include "keeper.h"
#include "server.h"
#include "thread.h"
#include "uffd.h"

#define STRAY_NS  (500 * (hrtime_t)1000000)
#define POISON_MS 20 /* how long a page stays poisoned */

struct waiter {
	pid_t tid;
	uintptr_t addr;
};

/* A thread of ours that waits for the answer, for a client's system call. */
struct touch {
	struct touch *next;
	bool done;
	int error;
	pthread_cond_t cv; /* with s->lock */
};

struct job {
	struct devmap_fault fault; /* what engine_release() gets */
	struct work work;
	struct job *next; /* in s->jobs */
	struct session *session;
	uintptr_t page;
	unsigned refs; /* under s->lock: the table's, the runner's, interrupters' */
	bool hashed;
	unsigned nwaiters, cap;
	struct waiter *waiters;
	struct waiter first[4];
	struct touch *touches;
};

static struct job **job_slot(struct session *s, uintptr_t page)
{
	return &s->jobs[page / PAGESIZE % (sizeof(s->jobs) / sizeof(s->jobs[0]))];
}

/* s->lock held. */
static struct job *job_find(struct session *s, uintptr_t page)
{
	struct job *j;

	ASSERT_HELD(&s->lock);
	j = *job_slot(s, page);
	while (j != NULL && j->page != page)
		j = j->next;
	return j;
}

static void job_put(struct job *j)
{
	struct session *s = j->session;
	bool last;

	pthread_mutex_lock(&s->lock);
	last = --j->refs == 0;
	pthread_mutex_unlock(&s->lock);
	if (!last)
		return;
	if (j->waiters != j->first)
		free(j->waiters);
	free(j);
	session_put(s);
}

/* s->lock held. Adds a thread; false if it waits already (or there is no memory to note it). */
static bool job_join(struct job *j, pid_t tid, uintptr_t addr)
{
	ASSERT_HELD(&j->session->lock);
	for (unsigned i = 0; i < j->nwaiters; i++) {
		if (j->waiters[i].tid == tid) {
			j->waiters[i].addr = addr;
			return false;
		}
	}
	if (j->nwaiters == j->cap) {
		struct waiter *w = malloc(2 * j->cap * sizeof(*w));

		/*
		 * An unnoted thread is woken like the rest; only a failure would not reach it at
		 * once.
		 */
		if (w == NULL)
			return false;
		memcpy(w, j->waiters, j->cap * sizeof(*w));
		if (j->waiters != j->first)
			free(j->waiters);
		j->waiters = w;
		j->cap *= 2;
	}
	j->waiters[j->nwaiters++] = (struct waiter){ .tid = tid, .addr = addr };
	return true;
}

static void job_work(struct work *w);

/* s->lock held. In the table, with a reference for who runs it; NULL: no memory. */
static struct job *job_new(struct session *s, uintptr_t page, uintptr_t addr, uint_t rw)
{
	struct job *j = calloc(1, sizeof(*j));

	ASSERT_HELD(&s->lock);
	if (j == NULL)
		return NULL;
	session_get(s);
	j->session = s;
	j->page = page;
	j->refs = 2;
	j->hashed = true;
	j->waiters = j->first;
	j->cap = sizeof(j->first) / sizeof(j->first[0]);
	j->work.run = job_work;
	j->fault = (struct devmap_fault){ .f_as = &s->as, .f_addr = addr, .f_rw = rw };
	j->next = *job_slot(s, page);
	*job_slot(s, page) = j;
	return j;
}

/*
 * Takes the job out of the table; whoever faults from now on makes a new one. Our own threads that
 * wait for it are told how it ended.
 */
static void job_end(struct job *j, int error)
{
	struct session *s = j->session;
	struct job **p;

	pthread_mutex_lock(&s->lock);
	for (struct touch *t = j->touches, *next; t != NULL; t = next) {
		next = t->next;
		t->done = true;
		t->error = error;
		pthread_cond_signal(&t->cv);
	}
	j->touches = NULL;
	if (j->hashed) {
		for (p = job_slot(s, j->page); *p != j; p = &(*p)->next)
			;
		*p = j->next;
		j->hashed = false;
		j->refs--;
	}
	pthread_mutex_unlock(&s->lock);
}

/*
 * Sends the signal with the address that was accessed. False if it would or did not arrive. A
 * process that is gone needs none, and somebody else may have its ids.
 */
static bool send_signal(struct session *s, const struct waiter *w, int sig)
{
	if (!process_is_there(s->pidfd))
		return true;
	return !s->foreign_pids && thread_signal(s->pid, w->tid, w->addr, sig, !s->user_mode_only);
}

/* Undoes a poisoned page after a while, so that a later access asks the driver again. */
struct cure {
	struct session *session;
	uintptr_t page;
};

static void cure_page(void *arg)
{
	struct cure *c = arg;

	if (session_enter(c->session)) {
		handle_unpoison(c->session, c->page);
		keeper_poison(c->session, c->page, PAGESIZE, false);
		session_leave(c->session);
	}
	session_put(c->session);
	free(c);
}

static void cure_later(struct session *s, uintptr_t page)
{
	struct cure *c = malloc(sizeof(*c));

	if (c == NULL)
		return; /* the page stays poisoned until it is unmapped */
	c->session = s;
	c->page = page;
	session_get(s);
	(void)timeout(cure_page, c, drv_usectohz(POISON_MS * 1000));
}

static void kill_process(struct session *s, uintptr_t page, int sig)
{
	bool killed = syscall(SYS_pidfd_send_signal, s->pidfd, SIGKILL, NULL, 0) == 0;

	log_client(
		s->uid,
		"process %d (%s) cannot be sent signal %d for its access to %#lx, or defies it: %s",
		(int)s->pid, s->as.a_comm, sig, (ulong_t)page,
		killed ? "killed" : "it is blocked until somebody kills it");
}

/*
 * The kernel's own SIGBUS, which cannot be blocked or ignored, and EFAULT in a system call. Before
 * Linux 6.6 there is none: then the process is killed.
 */
static void fail_hard(struct job *j, int sig)
{
	struct session *s = j->session;
	int error;

	keeper_poison(s, j->page, PAGESIZE, true);
	error = client_uffd_poison(&s->uffd, j->page);
	if (error == -EOPNOTSUPP) {
		kill_process(s, j->page, sig);
		return;
	}
	if (error == 0)
		cure_later(s, j->page);
	/*
	 * Otherwise it is poisoned or loaded by now, or not mapped any more: the access finds that
	 * out.
	 */
	client_uffd_wake(&s->uffd, j->page, PAGESIZE);
}

static void *nothing; /* a page that nobody can read */

static void nothing_make(void)
{
	nothing = mmap(NULL, PAGESIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

/* Is the page still the userfaultfd's? One that cannot be filled tells, and changes nothing. */
static bool is_registered(struct session *s, uintptr_t page)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	size_t done;

	(void)pthread_once(&once, nothing_make);
	return nothing == MAP_FAILED ||
	       uffd_copy(s->uffd.fd, page, nothing, PAGESIZE, &done) != -ENOENT;
}

/* Has this session had events without a mapping for so long, and nothing else, that it is no accident? */
static bool strays_for_long(struct session *s)
{
	hrtime_t now = gethrtime(), none = 0;

	(void)atomic_compare_exchange_strong(&s->stray_since, &none, now);
	return none != 0 && now - none > STRAY_NS;
}

/*
 * An event for which there is no mapping. A signal in the middle of an access makes a second event of it:
 * when that is read the access may have been served, and the page unmapped, and perhaps be part of a
 * mapping that is only just made. Whoever is there after all tries again, and if the page is not ours the
 * kernel has a signal for him.
 */
static bool is_stray(struct job *j)
{
	if (j->fault.f_signal != SIGSEGV || j->fault.f_error != EFAULT)
		return false;
	return !is_registered(j->session, j->page) || !strays_for_long(j->session);
}

static void job_fail(struct job *j)
{
	bool hard = false;

	if (is_stray(j)) {
		client_uffd_wake(&j->session->uffd, j->page, PAGESIZE);
		return;
	}
	for (unsigned i = 0; i < j->nwaiters; i++)
		if (!send_signal(j->session, &j->waiters[i], j->fault.f_signal))
			hard = true;
	if (hard)
		fail_hard(j, j->fault.f_signal);
}

/* What is left to do when the session has ended: nobody waits any more. */
static void job_drop(struct job *j)
{
	devmap_fault_cancel(&j->fault);
	job_end(j, -EFAULT);
	job_put(j);
}

/* Runs the access; consumes the runner's reference unless it is postponed. */
static void job_serve(struct job *j)
{
	struct session *s = j->session;
	struct caller caller = { .as = &s->as, .pid = s->number, .cred = s->cred };
	struct caller *before = caller_set(&caller);
	enum devmap_fault_result result = devmap_fault(&j->fault);

	switch (result) {
	case DEVMAP_FAULT_POSTPONED:
		caller_set(before);
		return;
	case DEVMAP_FAULT_DONE:
		if (atomic_load_explicit(&s->stray_since, memory_order_relaxed) != 0)
			atomic_store(&s->stray_since, 0);
		job_end(j, 0);
		client_uffd_wake(&s->uffd, j->page, PAGESIZE);
		break;
	case DEVMAP_FAULT_FAILED:
		job_end(j, -EFAULT);
		job_fail(j);
		break;
	}
	devmap_fault_woken(&j->fault);
	caller_set(before);
	job_put(j);
}

static void job_run(struct job *j)
{
	struct session *s = j->session;

	session_get(s); /* the job may be gone when it has been served */
	if (session_enter(s)) {
		job_serve(j);
		session_leave(s);
	} else {
		job_drop(j);
	}
	session_put(s);
}

static void job_work(struct work *w)
{
	job_run(container_of(w, struct job, work));
}

void engine_release(struct devmap_fault *f)
{
	pool_run(&container_of(f, struct job, fault)->work);
}

static void fault_serve(struct session *s, const struct uffd_msg *msg)
{
	uintptr_t addr = (uintptr_t)msg->arg.pagefault.address;
	uintptr_t page = addr & ~(uintptr_t)(PAGESIZE - 1);
	bool write = (msg->arg.pagefault.flags & UFFD_PAGEFAULT_FLAG_WRITE) != 0;
	pid_t tid = (pid_t)msg->arg.pagefault.feat.ptid;
	bool fresh = false, again = false;
	struct job *j;

	pthread_mutex_lock(&s->lock);
	j = job_find(s, page);
	if (j == NULL) {
		j = job_new(s, page, addr, write ? DEVMAP_WRITE : DEVMAP_READ);
		fresh = j != NULL;
		if (fresh)
			(void)job_join(j, tid, addr);
	} else {
		again = !job_join(j, tid, addr);
		j->refs++;
	}
	pthread_mutex_unlock(&s->lock);
	if (fresh) {
		job_run(j);
	} else if (j != NULL) {
		if (again && session_enter(s)) {
			devmap_fault_interrupt(&j->fault);
			session_leave(s);
		}
		job_put(j);
	} else {
		log_client(s->uid, "process %d: no memory to serve its fault; it tries again",
			   (int)s->pid);
		client_uffd_wake(&s->uffd, page, PAGESIZE);
	}
}

int fault_touch(struct session *s, uintptr_t addr, uint_t rw)
{
	struct touch t = { .cv = PTHREAD_COND_INITIALIZER };
	uintptr_t page = addr & ~(uintptr_t)(PAGESIZE - 1);
	bool fresh = false;
	struct job *j;

	pthread_mutex_lock(&s->lock);
	j = job_find(s, page);
	if (j == NULL) {
		j = job_new(s, page, addr, rw);
		fresh = j != NULL;
	}
	if (j != NULL) {
		t.next = j->touches;
		j->touches = &t;
	}
	pthread_mutex_unlock(&s->lock);
	if (j == NULL)
		return -ENOMEM;
	if (fresh)
		job_run(j);
	pthread_mutex_lock(&s->lock);
	while (!t.done)
		pthread_cond_wait(&t.cv, &s->lock);
	pthread_mutex_unlock(&s->lock);
	pthread_cond_destroy(&t.cv);
	return t.error;
}

void fault_ready(struct source *src, uint32_t events)
{
	struct session *s = container_of(src, struct session, fault);
	struct uffd_msg msg;
	bool lent = uffd_may_block();
	int error;

	if ((events & EPOLLERR) != 0)
		uffd_unblock(src->fd);
	if (lent)
		pool_lend();
	error = uffd_read(src->fd, &msg);
	if (lent)
		pool_return();
	source_arm(src);
	if (error == 0 && msg.event == UFFD_EVENT_PAGEFAULT)
		fault_serve(s, &msg);
}
