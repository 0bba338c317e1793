/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Calls through the kernel that wait for a driver: which there are, what interrupts them, and who
 * makes them. See fuse.h.
 *
 * A client that is killed cannot end before its call is answered. A driver that does not listen to
 * interruptions (cv_wait(9F)) keeps it no longer than CHECK_MS, though: then the call is answered,
 * and what the driver returns later is dropped.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "fuse.h"
#include "number.h"

#define CHECK_MS  200
#define NOTES_MAX 64
#define SPARE_MAX 8 /* threads of the pool that calls leave to others */

/* A message that waits for a thread. */
struct kept {
	struct kept *next;
	struct fuse *fuse;
	size_t len;
	char bytes[];
};

/* What has interrupted a thread's last call, for a library that asks whether to restart it. */
struct note {
	pid_t thread;
	uint64_t signals;
};

static struct {
	pthread_mutex_t lock;
	struct note notes[NOTES_MAX];
	unsigned next_note;
	unsigned max, running;
	struct fuse_call *list; /* begun, and not answered */
	struct kept *kept, **tail;
	unsigned interrupted; /* in the list */
	bool stopping;
	struct source timer; /* runs while something in the list is interrupted */
} calls = { .lock = PTHREAD_MUTEX_INITIALIZER, .tail = &calls.kept };

/* Its /proc/ID/status, or nothing. */
static void read_status(pid_t thread, char *text, size_t room)
{
	char path[48];
	ssize_t n = -1;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)thread);
	fd = thread > 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	if (fd >= 0) {
		n = read(fd, text, room - 1);
		close(fd);
	}
	text[n > 0 ? n : 0] = '\0';
}

/* The set of signals under this name; 0: there is none. */
static uint64_t status_signals(const char *text, const char *name)
{
	const char *p = strstr(text, name);
	unsigned long long set = 0;

	return p != NULL && sscanf(p + strlen(name), " %llx", &set) == 1 ? set : 0;
}

/* Is the thread being killed? Then it waits for nothing but our answer. */
static bool is_dying(pid_t thread)
{
	char text[4096];

	read_status(thread, text, sizeof(text));
	return ((status_signals(text, "\nSigPnd:") | status_signals(text, "\nShdPnd:")) &
		1ull << (SIGKILL - 1)) != 0;
}

/* calls.lock held. Signals wait until the thread is back from the call, so they are still to be seen. */
static void note_signals(pid_t thread)
{
	struct note *note = NULL;
	char text[4096];

	ASSERT_HELD(&calls.lock);
	if (thread == 0)
		return;
	read_status(thread, text, sizeof(text));
	for (unsigned i = 0; i < NOTES_MAX && note == NULL; i++)
		if (calls.notes[i].thread == thread)
			note = &calls.notes[i];
	if (note == NULL)
		note = &calls.notes[calls.next_note++ % NOTES_MAX];
	note->thread = thread;
	note->signals = (status_signals(text, "\nSigPnd:") | status_signals(text, "\nShdPnd:")) &
			status_signals(text, "\nSigCgt:") & ~status_signals(text, "\nSigBlk:");
}

/* The process of a thread; 0: it is none of our namespace. */
static pid_t process_of(pid_t thread)
{
	char text[1024], *p;
	int pid = 0;

	read_status(thread, text, sizeof(text));
	p = strstr(text, "\nTgid:");
	return p != NULL && sscanf(p, "\nTgid: %d", &pid) == 1 ? (pid_t)pid : 0;
}

/* calls.lock held. */
static void timer_set(bool run)
{
	struct itimerspec t = { .it_value = { .tv_nsec = run ? CHECK_MS * 1000000L : 0 } };

	ASSERT_HELD(&calls.lock);
	(void)timerfd_settime(calls.timer.fd, 0, &t, NULL);
}

static void timer_ready(struct source *s, uint32_t events)
{
	uint64_t n;

	(void)events;
	(void)!read(s->fd, &n, sizeof(n));
	pthread_mutex_lock(&calls.lock);
	for (struct fuse_call *c = calls.list; c != NULL; c = c->next) {
		if (c->interrupted && !c->answered && !c->held && is_dying((pid_t)c->in->pid)) {
			fuse_answer(c, -EINTR, NULL, 0);
			c->answered = true;
		}
	}
	if (calls.interrupted > 0)
		timer_set(true);
	pthread_mutex_unlock(&calls.lock);
	source_arm(s);
}

static void never_released(struct source *s)
{
	(void)s;
}

int fuse_calls_init(unsigned max)
{
	calls.max = max > 2 * SPARE_MAX ? max - SPARE_MAX : max > 2 ? max / 2 : 1;
	calls.timer =
		(struct source){ .fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK),
				 .urgent = true,
				 .ready = timer_ready,
				 .release = never_released };
	return calls.timer.fd < 0 ? -errno : source_add(&calls.timer);
}

/* calls.lock held. Without memory for it, it is answered. */
static void keep(const struct fuse_call *c)
{
	size_t len = sizeof(*c->in) + c->len;
	struct kept *k = malloc(sizeof(*k) + len);

	ASSERT_HELD(&calls.lock);
	if (k == NULL) {
		fuse_answer(c, -ENOMEM, NULL, 0);
		return;
	}
	k->next = NULL;
	k->fuse = c->fuse;
	atomic_fetch_add(&k->fuse->refs, 1);
	k->len = len;
	memcpy(k->bytes, c->in, len);
	*calls.tail = k;
	calls.tail = &k->next;
}

static struct fuse_call kept_call(const struct kept *k)
{
	const struct fuse_in_header *in = (const struct fuse_in_header *)k->bytes;

	return (struct fuse_call){ .fuse = k->fuse,
				   .in = in,
				   .unique = in->unique,
				   .arg = in + 1,
				   .len = k->len - sizeof(*in) };
}

static void kept_free(struct kept *k)
{
	fuse_put(k->fuse);
	free(k);
}

bool fuse_call_enter(const struct fuse_call *c)
{
	bool enter;

	pthread_mutex_lock(&calls.lock);
	enter = calls.running < calls.max;
	if (enter)
		calls.running++;
	else
		keep(c);
	pthread_mutex_unlock(&calls.lock);
	return enter;
}

/* One that has been kept, or NULL; then the thread's place is free. */
static struct kept *kept_take(void)
{
	struct kept *k;

	pthread_mutex_lock(&calls.lock);
	calls.running--;
	k = calls.kept;
	if (k != NULL) {
		calls.kept = k->next;
		if (calls.kept == NULL)
			calls.tail = &calls.kept;
	}
	pthread_mutex_unlock(&calls.lock);
	return k;
}

struct kept_job {
	struct work work;
	struct kept *kept;
};

static void kept_work(struct work *w)
{
	struct kept_job *job = container_of(w, struct kept_job, work);
	struct kept *k = job->kept;
	struct fuse_call c = kept_call(k);

	fuse_serve(&c);
	kept_free(k);
	free(job);
}

void fuse_call_leave(void)
{
	struct kept *k = kept_take();
	struct kept_job *job;

	if (k == NULL)
		return;
	job = malloc(sizeof(*job));
	if (job == NULL) {
		struct fuse_call c = kept_call(k);

		fuse_answer(&c, -ENOMEM, NULL, 0);
		kept_free(k);
		return;
	}
	job->work = (struct work){ .run = kept_work };
	job->kept = k;
	pool_run(&job->work);
}

/* Who calls, for a driver that asks. The thread waits for our answer: its id is its own. */
static void identify(struct caller *caller)
{
	struct fuse_call *c = container_of(caller, struct fuse_call, caller);
	pid_t pid = process_of((pid_t)c->in->pid);

	c->session = session_of_process(pid);
	caller->as = c->session != NULL ? &c->session->as : NULL;
	caller->pid = c->session != NULL ? c->session->number : number_of(pid);
}

void fuse_call_begin(struct fuse_call *c, struct file *f, const struct client_memory *memory,
		     struct caller **before)
{
	c->caller = (struct caller){ .cred = f->cred, .memory = memory, .identify = identify };
	*before = caller_set(&c->caller);
	pthread_mutex_lock(&calls.lock);
	c->next = calls.list;
	calls.list = c;
	if (calls.stopping)
		caller_interrupt(&c->caller);
	pthread_mutex_unlock(&calls.lock);
}

/* calls.lock held. */
static void unlist(struct fuse_call *c)
{
	struct fuse_call **p;

	ASSERT_HELD(&calls.lock);
	for (p = &calls.list; *p != c; p = &(*p)->next)
		;
	*p = c->next;
	if (c->interrupted)
		calls.interrupted--;
}

void fuse_call_end(struct fuse_call *c, struct caller *before)
{
	pthread_mutex_lock(&calls.lock);
	unlist(c);
	pthread_mutex_unlock(&calls.lock);
	caller_set(before);
	if (c->session != NULL)
		session_done(c->session);
}

bool fuse_call_hold(struct fuse_call *c)
{
	pthread_mutex_lock(&calls.lock);
	c->held = !c->answered;
	pthread_mutex_unlock(&calls.lock);
	return c->held;
}

void fuse_call_drop(struct fuse_call *c)
{
	pthread_mutex_lock(&calls.lock);
	c->held = false;
	pthread_mutex_unlock(&calls.lock);
}

void fuse_call_answerv(struct fuse_call *c, int error, const struct iovec *data, int n)
{
	bool first;

	pthread_mutex_lock(&calls.lock);
	first = !c->answered;
	c->answered = true;
	if (first && error == -EINTR)
		note_signals((pid_t)c->in->pid);
	pthread_mutex_unlock(&calls.lock);
	if (first)
		fuse_answerv(c, error, data, n);
}

void fuse_call_answer(struct fuse_call *c, int error, const void *data, size_t len)
{
	struct iovec iov = { .iov_base = (void *)data, .iov_len = len };

	fuse_call_answerv(c, error, &iov, 1);
}

void fuse_call_resume(struct fuse_call *c, const struct fuse_call *as)
{
	pthread_mutex_lock(&calls.lock);
	c->unique = as->unique;
	c->answered = false;
	pthread_mutex_unlock(&calls.lock);
}

uint64_t fuse_call_signals(pid_t thread)
{
	uint64_t signals = UINT64_MAX;

	pthread_mutex_lock(&calls.lock);
	for (unsigned i = 0; thread != 0 && i < NOTES_MAX; i++)
		if (calls.notes[i].thread == thread)
			signals = calls.notes[i].signals;
	pthread_mutex_unlock(&calls.lock);
	return signals;
}

/* calls.lock held. */
static bool kept_interrupt(uint64_t unique)
{
	ASSERT_HELD(&calls.lock);
	for (struct kept **p = &calls.kept, *k; (k = *p) != NULL; p = &k->next) {
		struct fuse_call c = kept_call(k);

		if (c.unique != unique)
			continue;
		note_signals((pid_t)c.in->pid);
		fuse_answer(&c, -EINTR, NULL, 0);
		*p = k->next;
		if (*p == NULL)
			calls.tail = p;
		kept_free(k);
		return true;
	}
	return false;
}

int fuse_call_interrupt(uint64_t unique)
{
	struct fuse_call *c;
	bool found;

	pthread_mutex_lock(&calls.lock);
	for (c = calls.list; c != NULL && c->unique != unique; c = c->next)
		;
	if (c != NULL && !c->interrupted) {
		c->interrupted = true;
		if (calls.interrupted++ == 0)
			timer_set(true);
	}
	if (c != NULL)
		caller_interrupt(&c->caller);
	found = c != NULL || kept_interrupt(unique);
	pthread_mutex_unlock(&calls.lock);
	return found ? 0 : -EAGAIN;
}

void fuse_calls_interrupt_all(void)
{
	pthread_mutex_lock(&calls.lock);
	calls.stopping = true;
	for (struct fuse_call *c = calls.list; c != NULL; c = c->next)
		caller_interrupt(&c->caller);
	pthread_mutex_unlock(&calls.lock);
	fuse_rounds_stop();
}
