/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Calls through the kernel that wait for a driver: which there are, what interrupts them, and who
 * makes them. See fuse.h.
 *
 * A client that is killed cannot end before its call is answered. A driver that does not listen to
 * interruptions (cv_wait(9F)) keeps it no longer than a moment, though: then the call is answered, and
 * what the driver returns later is dropped.
 *
 * Calls take no more than some of the pool's threads, and those of one user no more than half of these;
 * what comes beyond is kept, without a thread.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "fuse.h"
#include "number.h"

#define CHECK_MS    200 /* how often an interrupted call is looked at */
#define UNKNOWN_MAX 10	/* looks at one whose thread cannot be seen: then it is answered */
#define NOTES_MAX   64
#define SPARE_MAX   8 /* threads of the pool that calls leave to others */
#define USERS	    256
#define KEPT_MAX    (16u << 20) /* bytes of one user's messages */

/* A message that waits for a thread. */
struct kept {
	TAILQ_ENTRY(kept) link;
	struct work work;
	struct fuse *fuse;
	struct watch_slot *slot;
	size_t len;
	char bytes[];
};
TAILQ_HEAD(kept_list, kept);

/* What has interrupted a thread's last call, for a library that asks whether to restart it. */
struct note {
	pid_t thread;
	uint64_t signals;
	bool interrupted;
};

/* Users share places if their numbers do. */
struct user {
	unsigned running;
	size_t kept;
};

static struct {
	pthread_mutex_t lock;
	struct note notes[NOTES_MAX];
	unsigned next_note;
	struct user users[USERS];
	unsigned max, running;
	struct fuse_call *list; /* begun, and not ended */
	struct kept_list kept;
	unsigned interrupted; /* in the list */
	bool stopping;
	struct source timer; /* runs while something in the list is interrupted */
} calls = { .lock = PTHREAD_MUTEX_INITIALIZER, .kept = TAILQ_HEAD_INITIALIZER(calls.kept) };

/* What /proc/ID/status says of a thread's signals, and its process; false: it cannot be seen. */
struct status {
	unsigned long long pending, shared, blocked, caught;
	int process;
	char state;
};

static bool read_status(pid_t thread, struct status *s)
{
	char path[48], *line = NULL;
	unsigned found = 0;
	size_t room = 0;
	FILE *f = NULL;

	*s = (struct status){ .process = 0 };
	snprintf(path, sizeof(path), "/proc/%d/status", (int)thread);
	if (thread > 0)
		f = fopen(path, "re");
	while (f != NULL && found < 6 && getline(&line, &room, f) > 0)
		found += sscanf(line, "State: %c", &s->state) == 1 ||
			 sscanf(line, "Tgid: %d", &s->process) == 1 ||
			 sscanf(line, "SigPnd: %llx", &s->pending) == 1 ||
			 sscanf(line, "ShdPnd: %llx", &s->shared) == 1 ||
			 sscanf(line, "SigBlk: %llx", &s->blocked) == 1 ||
			 sscanf(line, "SigCgt: %llx", &s->caught) == 1;
	if (f != NULL)
		fclose(f);
	free(line);
	return found == 6;
}

/* Is the thread being killed, or gone? Then it waits for nothing but our answer. */
static bool is_dying(const struct status *s)
{
	return s->state == 'Z' || s->state == 'X' ||
	       ((s->pending | s->shared) & 1ull << (SIGKILL - 1)) != 0;
}

bool fuse_thread_dying(pid_t thread)
{
	struct status s;

	if (thread <= 0)
		return false;
	/* What we may not see may be there all the same. */
	return read_status(thread, &s) ? is_dying(&s) : kill(thread, 0) != 0 && errno == ESRCH;
}

pid_t fuse_thread_process(pid_t thread)
{
	struct status s;

	return read_status(thread, &s) ? (pid_t)s.process : thread;
}

/* Signals wait until the thread is back from its call, so they are still to be seen. */
static uint64_t signals_of(pid_t thread)
{
	struct status s;

	return read_status(thread, &s) ? (s.pending | s.shared) & s.caught & ~s.blocked :
					 UINT64_MAX;
}

static void note_signals(pid_t thread, uint64_t signals, bool interrupted)
{
	struct note *note = NULL;

	if (thread == 0)
		return;
	pthread_mutex_lock(&calls.lock);
	for (unsigned i = 0; i < NOTES_MAX && note == NULL; i++)
		if (calls.notes[i].thread == thread)
			note = &calls.notes[i];
	if (note == NULL)
		note = &calls.notes[calls.next_note++ % NOTES_MAX];
	*note = (struct note){ .thread = thread, .signals = signals, .interrupted = interrupted };
	pthread_mutex_unlock(&calls.lock);
}

void fuse_call_lost(pid_t thread)
{
	note_signals(thread, 0, true);
}

bool fuse_call_signals(pid_t thread, uint64_t *signals)
{
	bool interrupted = true;

	*signals = UINT64_MAX;
	pthread_mutex_lock(&calls.lock);
	for (unsigned i = 0; thread != 0 && i < NOTES_MAX; i++) {
		if (calls.notes[i].thread == thread) {
			*signals = calls.notes[i].signals;
			interrupted = calls.notes[i].interrupted;
		}
	}
	pthread_mutex_unlock(&calls.lock);
	return interrupted;
}

/* calls.lock held. As long as something is interrupted, and once more. */
static void timer_set(void)
{
	struct itimerspec t = { .it_value = { .tv_nsec = CHECK_MS * 1000000L } };

	ASSERT_HELD(&calls.lock);
	(void)timerfd_settime(calls.timer.fd, 0, &t, NULL);
}

/* calls.lock held. */
static void call_interrupt(struct fuse_call *c)
{
	ASSERT_HELD(&calls.lock);
	if (!c->interrupted) {
		c->interrupted = true;
		if (calls.interrupted++ == 0) {
			timer_set();
			watch_expect();
		}
	}
	caller_interrupt(&c->caller);
}

/* calls.lock held. Those that the supervisor has answered for us; it has set the timer off. */
static void interrupt_given(void)
{
	ASSERT_HELD(&calls.lock);
	for (struct fuse_call *c = calls.list; c != NULL; c = c->next)
		if (watch_slot_given(c->slot))
			call_interrupt(c);
}

/* A call that might be given up. */
struct suspect {
	uint64_t unique;
	pid_t thread;
	bool give_up;
};

/* calls.lock held. Those that are interrupted and unanswered; returns how many. */
static unsigned suspects_find(struct suspect *list, unsigned max)
{
	unsigned n = 0;

	ASSERT_HELD(&calls.lock);
	for (struct fuse_call *c = calls.list; c != NULL && n < max; c = c->next) {
		if (!c->interrupted || c->answered || c->held)
			continue;
		list[n].unique = c->unique;
		list[n].thread = (pid_t)c->in->pid;
		list[n++].give_up = ++c->looks > UNKNOWN_MAX;
	}
	return n;
}

static void suspect_answer(const struct suspect *s)
{
	struct fuse_call *c;

	pthread_mutex_lock(&calls.lock);
	for (c = calls.list; c != NULL && c->unique != s->unique; c = c->next)
		;
	if (c != NULL && !c->answered && !c->held) {
		fuse_answer(c, -EINTR, NULL, 0);
		c->answered = true;
	}
	pthread_mutex_unlock(&calls.lock);
}

static void timer_ready(struct source *s, uint32_t events)
{
	struct suspect list[64];
	uint64_t ticks;
	unsigned n;

	(void)events;
	(void)!read(s->fd, &ticks, sizeof(ticks));
	pthread_mutex_lock(&calls.lock);
	interrupt_given();
	n = suspects_find(list, sizeof(list) / sizeof(list[0]));
	pthread_mutex_unlock(&calls.lock);
	for (unsigned i = 0; i < n; i++) {
		struct status st;
		bool seen = read_status(list[i].thread, &st);

		if (seen ? is_dying(&st) : list[i].give_up)
			suspect_answer(&list[i]);
	}
	pthread_mutex_lock(&calls.lock);
	if (calls.interrupted > 0)
		timer_set();
	watch_checked(calls.interrupted > 0);
	pthread_mutex_unlock(&calls.lock);
	source_arm(s);
}

static void never_released(struct source *s)
{
	(void)s;
}

int fuse_calls_init(unsigned max)
{
	int error;

	calls.max = max > 2 * SPARE_MAX ? max - SPARE_MAX : max > 2 ? max / 2 : 1;
	calls.timer =
		(struct source){ .fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK),
				 .urgent = true,
				 .ready = timer_ready,
				 .release = never_released };
	if (calls.timer.fd < 0)
		return -errno;
	error = watch_init(max, calls.timer.fd);
	return error != 0 ? error : source_add(&calls.timer);
}

static struct user *user_of(const struct fuse_call *c)
{
	return &calls.users[c->in->uid % USERS];
}

/* calls.lock held. */
static bool has_place(const struct fuse_call *c)
{
	ASSERT_HELD(&calls.lock);
	return calls.running < calls.max && user_of(c)->running < (calls.max + 1) / 2;
}

/* calls.lock held. False: there is no memory for it, or the user has too much of it. */
static bool keep(const struct fuse_call *c)
{
	size_t len = sizeof(*c->in) + c->len;
	struct kept *k;

	ASSERT_HELD(&calls.lock);
	if (user_of(c)->kept > KEPT_MAX)
		return false;
	k = malloc(sizeof(*k) + len);
	if (k == NULL)
		return false;
	k->slot = watch_slot_get();
	if (k->slot == NULL) {
		free(k);
		return false;
	}
	k->fuse = c->fuse;
	atomic_fetch_add(&k->fuse->refs, 1);
	k->len = len;
	memcpy(k->bytes, c->in, sizeof(*c->in));
	memcpy(k->bytes + sizeof(*c->in), c->arg, c->len);
	watch_slot_move(k->slot, c->slot);
	user_of(c)->kept += len;
	TAILQ_INSERT_TAIL(&calls.kept, k, link);
	return true;
}

static struct fuse_call kept_call(const struct kept *k)
{
	const struct fuse_in_header *in = (const struct fuse_in_header *)k->bytes;

	return (struct fuse_call){ .fuse = k->fuse,
				   .in = in,
				   .slot = k->slot,
				   .unique = in->unique,
				   .arg = in + 1,
				   .len = k->len - sizeof(*in) };
}

/* calls.lock held. */
static void kept_remove(struct kept *k, const struct fuse_call *c)
{
	ASSERT_HELD(&calls.lock);
	TAILQ_REMOVE(&calls.kept, k, link);
	user_of(c)->kept -= k->len;
}

static void kept_free(struct kept *k)
{
	fuse_put(k->fuse);
	watch_slot_put(k->slot);
	free(k);
}

bool fuse_call_enter(const struct fuse_call *c)
{
	bool enter, kept = true;

	pthread_mutex_lock(&calls.lock);
	enter = has_place(c);
	if (enter) {
		calls.running++;
		user_of(c)->running++;
	} else {
		kept = keep(c);
	}
	pthread_mutex_unlock(&calls.lock);
	if (!kept)
		fuse_answer(c, -ENOMEM, NULL, 0);
	return enter;
}

/* It may be kept once more: somebody else has taken the place. */
static void kept_work(struct work *w)
{
	struct kept *k = container_of(w, struct kept, work);
	struct fuse_call c = kept_call(k);

	fuse_serve(&c);
	kept_free(k);
}

/* calls.lock held. The first that may be served now, taken; or NULL. */
static struct kept *kept_take(void)
{
	struct kept *k;

	ASSERT_HELD(&calls.lock);
	TAILQ_FOREACH(k, &calls.kept, link)
	{
		struct fuse_call c = kept_call(k);

		if (has_place(&c)) {
			kept_remove(k, &c);
			return k;
		}
	}
	return NULL;
}

void fuse_call_leave(const struct fuse_call *c)
{
	struct kept *k;

	pthread_mutex_lock(&calls.lock);
	calls.running--;
	user_of(c)->running--;
	k = kept_take();
	pthread_mutex_unlock(&calls.lock);
	if (k != NULL) {
		k->work = (struct work){ .run = kept_work };
		pool_run(&k->work);
	}
}

/* Who calls, for a driver that asks. */
static void identify(struct caller *caller)
{
	struct fuse_call *c = container_of(caller, struct fuse_call, caller);
	struct status s = { .process = 0 };

	if (!read_status((pid_t)c->in->pid, &s))
		s.process = 0;
	c->session = session_of_process((pid_t)s.process);
	if (!fuse_call_waits(c)) { /* it may have been anybody */
		if (c->session != NULL)
			session_done(c->session);
		c->session = NULL;
		s.process = 0;
	}
	caller->as = c->session != NULL ? &c->session->as : NULL;
	caller->pid = c->session != NULL ? c->session->number : number_of((pid_t)s.process);
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
	if (watch_slot_given(c->slot))
		call_interrupt(c);
	pthread_mutex_unlock(&calls.lock);
}

void fuse_call_end(struct fuse_call *c, struct caller *before)
{
	struct fuse_call **p;

	pthread_mutex_lock(&calls.lock);
	for (p = &calls.list; *p != c; p = &(*p)->next)
		;
	*p = c->next;
	if (c->interrupted)
		calls.interrupted--;
	pthread_mutex_unlock(&calls.lock);
	caller_set(before);
	if (c->session != NULL)
		session_done(c->session);
}

bool fuse_call_waits(struct fuse_call *c)
{
	bool waits;

	pthread_mutex_lock(&calls.lock);
	waits = !c->answered && !watch_slot_given(c->slot);
	pthread_mutex_unlock(&calls.lock);
	return waits;
}

bool fuse_call_hold(struct fuse_call *c)
{
	bool held;

	pthread_mutex_lock(&calls.lock);
	held = c->held = !c->answered && watch_slot_hold(c->slot);
	pthread_mutex_unlock(&calls.lock);
	return held;
}

void fuse_call_drop(struct fuse_call *c)
{
	pthread_mutex_lock(&calls.lock);
	c->held = false;
	watch_slot_drop(c->slot);
	pthread_mutex_unlock(&calls.lock);
}

/* No signal was there for an EINTR that comes of our stopping: what it means is that we are gone. */
static int error_to_tell(const struct fuse_call *c, int error)
{
	return error == -EINTR && calls.stopping && !c->interrupted ? -EIO : error;
}

bool fuse_call_answerv(struct fuse_call *c, int error, const struct iovec *data, int n)
{
	uint64_t signals;
	bool first;

	if (error == -EINTR) {
		signals = signals_of((pid_t)c->in->pid);
		if (fuse_call_waits(c))
			note_signals((pid_t)c->in->pid, signals, c->interrupted);
	}
	pthread_mutex_lock(&calls.lock);
	error = error_to_tell(c, error);
	first = !c->answered;
	c->answered = true;
	pthread_mutex_unlock(&calls.lock);
	return first && fuse_answerv(c, error, data, n);
}

void fuse_call_answer(struct fuse_call *c, int error, const void *data, size_t len)
{
	struct iovec iov = { .iov_base = (void *)data, .iov_len = len };

	(void)fuse_call_answerv(c, error, &iov, 1);
}

void fuse_call_resume(struct fuse_call *c, const struct fuse_call *as)
{
	pthread_mutex_lock(&calls.lock);
	c->unique = as->unique;
	c->answered = false;
	watch_slot_move(c->slot, as->slot);
	if (watch_slot_given(c->slot))
		call_interrupt(c);
	pthread_mutex_unlock(&calls.lock);
}

/* calls.lock held. The message that is kept; a poll stays, for an error would look like an event. */
static struct kept *kept_interrupt(uint64_t unique, bool *found)
{
	struct kept *k;

	ASSERT_HELD(&calls.lock);
	TAILQ_FOREACH(k, &calls.kept, link)
	{
		struct fuse_call c = kept_call(k);

		if (c.unique != unique)
			continue;
		*found = true;
		if (c.in->opcode == FUSE_POLL)
			return NULL;
		kept_remove(k, &c);
		return k;
	}
	return NULL;
}

int fuse_call_interrupt(uint64_t unique)
{
	struct fuse_call *c;
	struct kept *k = NULL;
	bool found;

	pthread_mutex_lock(&calls.lock);
	for (c = calls.list; c != NULL && c->unique != unique; c = c->next)
		;
	found = c != NULL;
	if (c != NULL)
		call_interrupt(c);
	else
		k = kept_interrupt(unique, &found);
	pthread_mutex_unlock(&calls.lock);
	if (k != NULL) {
		struct fuse_call kc = kept_call(k);

		note_signals((pid_t)kc.in->pid, signals_of((pid_t)kc.in->pid), true);
		fuse_answer(&kc, -EINTR, NULL, 0);
		kept_free(k);
	}
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
