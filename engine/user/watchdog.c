/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Ends calls for an engine that hangs: see watchdog.h. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "escrow.h"
#include "fuse.h"
#include "watch.h"
#include "watchdog.h"

#define REST_MS 500
#define HELD_MS 250 /* the next look, when there is a call that is not ours to answer */

struct connection {
	struct connection *next;
	uint32_t number;
	int fd;
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* The memory is the engine's, and stays as long as it is now: it is sealed. */
static void area_take(struct watchdog *w, const int *fds)
{
	struct stat st;
	void *p;

	if (fstat(fds[0], &st) != 0 || st.st_size <= (off_t)sizeof(*w->area) || w->area != NULL) {
		fds_close(fds, 3);
		return;
	}
	p = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fds[0], 0);
	if (p == MAP_FAILED) {
		log_warn("no memory to watch an engine: %s", strerror(errno));
		fds_close(fds, 3);
		return;
	}
	close(fds[0]);
	w->area = p;
	w->nslots = (uint32_t)(((size_t)st.st_size - sizeof(*w->area)) / sizeof(w->area->slots[0]));
	w->deadline = fds[1];
	w->check = fds[2];
}

static void connection_take(struct watchdog *w, uint32_t number, int fd)
{
	struct connection *c = malloc(sizeof(*c));

	if (c == NULL) {
		close(fd);
		return;
	}
	*c = (struct connection){ .next = w->connections, .number = number, .fd = fd };
	w->connections = c;
	w->nconnections++;
}

static void connection_free(struct watchdog *w, struct connection **p)
{
	struct connection *c = *p;

	*p = c->next;
	w->nconnections--;
	close(c->fd);
	free(c);
}

static struct connection **connection_find(struct watchdog *w, uint32_t number)
{
	struct connection **p = &w->connections;

	while (*p != NULL && (*p)->number != number)
		p = &(*p)->next;
	return p;
}

bool watchdog_take(struct watchdog *w, const struct parcel *p, const int *fds, unsigned nfds)
{
	struct connection **c;

	if (p->op != PARCEL_WATCH && p->op != PARCEL_CONNECTION && p->op != PARCEL_CONNECTION_END)
		return false;
	/* Where we may have no more descriptors, some are lost. */
	if (p->op == PARCEL_WATCH && nfds == 3) {
		area_take(w, fds);
	} else if (p->op == PARCEL_CONNECTION && nfds == 1) {
		connection_take(w, (uint32_t)p->addr, fds[0]);
	} else if (p->op == PARCEL_CONNECTION_END && nfds == 0) {
		c = connection_find(w, (uint32_t)p->addr);
		if (*c != NULL)
			connection_free(w, c);
	} else {
		fds_close(fds, nfds);
	}
	return true;
}

/* What a call is answered that an engine has not answered which is dead. */
static int error_of_dead(uint32_t opcode)
{
	switch (opcode) {
	case FUSE_RELEASE:
		return 0;
	case FUSE_OPEN:
		return -DM_AGAIN;
	default:
		return -EINTR;
	}
}

void watchdog_answer(struct watchdog *w,
		     void (*fn)(void *arg, const struct fuse_in_header *in, uint64_t fh), void *arg)
{
	const uint32_t used = w->area != NULL ? atomic_load(&w->area->used) : 0;

	for (uint32_t i = 0; i < used && i < w->nslots; i++) {
		const struct watch_slot *s = &w->area->slots[i];
		const struct fuse_in_header in = s->in;
		struct fuse_out_header out = { .len = sizeof(out), .unique = in.unique };
		const struct connection *c = *connection_find(w, atomic_load(&s->connection));

		if (in.unique == 0 || c == NULL || in.opcode == FUSE_INTERRUPT ||
		    in.opcode == FUSE_FORGET || in.opcode == FUSE_BATCH_FORGET)
			continue;
		fn(arg, &in, s->first);
		out.error = error_of_dead(in.opcode);
		(void)!write(c->fd, &out, sizeof(out));
	}
}

void watchdog_end(struct watchdog *w)
{
	while (w->connections != NULL)
		connection_free(w, &w->connections);
	if (w->area != NULL) {
		close(w->deadline);
		close(w->check);
		(void)munmap(w->area, sizeof(*w->area) + w->nslots * sizeof(w->area->slots[0]));
	}
	*w = (struct watchdog){ .area = NULL };
}

nfds_t watchdog_poll(const struct watchdog *w, struct pollfd *fds)
{
	nfds_t n = 0;

	if (fds == NULL)
		return 1 + w->nconnections;
	if (w->area == NULL)
		return 0;
	fds[n++] = (struct pollfd){ .fd = w->deadline, .events = POLLIN };
	if (w->look_at != 0)
		return n;
	for (const struct connection *c = w->connections; c != NULL; c = c->next)
		fds[n++] = (struct pollfd){ .fd = c->fd, .events = POLLIN };
	return n;
}

int watchdog_patience(const struct watchdog *w)
{
	int64_t rest = w->look_at - now_ms();

	return w->look_at == 0 ? -1 : rest > 0 ? (int)rest : 0;
}

/* Has the engine left something unread, or read an interruption without acting on it? */
static bool something_waits(struct watchdog *w)
{
	const uint32_t used = atomic_load(&w->area->used);

	for (struct connection *c = w->connections; c != NULL; c = c->next) {
		struct pollfd fd = { .fd = c->fd, .events = POLLIN };

		if (poll(&fd, 1, 0) > 0 && (fd.revents & POLLIN) != 0)
			return true;
	}
	for (uint32_t i = 0; i < used && i < w->nslots; i++) {
		const struct fuse_in_header *in = &w->area->slots[i].in;

		if (__atomic_load_n(&in->unique, __ATOMIC_SEQ_CST) != 0 &&
		    __atomic_load_n(&in->opcode, __ATOMIC_SEQ_CST) == FUSE_INTERRUPT)
			return true;
	}
	return false;
}

/* A killed client's call in the slot: its id, and its thread. False: it is none. */
static bool is_call_of_dying(const struct watch_slot *s, uint64_t *unique, pid_t *thread)
{
	*unique = __atomic_load_n(&s->in.unique, __ATOMIC_SEQ_CST);
	*thread = (pid_t)__atomic_load_n(&s->in.pid, __ATOMIC_SEQ_CST);
	return *unique != 0 && *thread != 0 && fuse_thread_dying(*thread) &&
	       __atomic_load_n(&s->in.unique, __ATOMIC_SEQ_CST) == *unique;
}

/* The engine finds out by its timer, when it goes on. */
static void tell_engine(const struct watchdog *w)
{
	struct itimerspec at_once = { .it_value = { .tv_nsec = 1 } };

	(void)timerfd_settime(w->check, 0, &at_once, NULL);
}

/* Returns the call's id if the engine has it in hand, and must not lose it; else 0. */
static uint64_t slot_serve(struct watchdog *w, struct watch_slot *s, const char *name)
{
	struct fuse_out_header out = { .len = sizeof(out), .error = -EINTR };
	uint64_t state = atomic_load(&s->state);
	struct connection *c;
	pid_t thread, process;

	if (!is_call_of_dying(s, &out.unique, &thread))
		return 0;
	if (state == (WATCH_ID(out.unique) | WATCH_HELD))
		return out.unique;
	c = *connection_find(w, atomic_load(&s->connection));
	if (c == NULL || (state & WATCH_GIVEN) != 0 ||
	    !atomic_compare_exchange_strong(&s->state, &state, WATCH_ID(out.unique) | WATCH_GIVEN))
		return 0;
	process = fuse_thread_process(thread);
	if (write(c->fd, &out, sizeof(out)) < 0)
		return 0; /* it has its answer */
	log_warn("%s: the engine does not answer: ended the call of process %d, which is being "
		 "killed",
		 name, (int)process);
	tell_engine(w);
	return 0;
}

/* False: a call is still held that was held at the last look. */
static bool serve_dying(struct watchdog *w, const char *name)
{
	const uint32_t used = atomic_load(&w->area->used);
	const uint64_t before = w->held;
	bool still = false;

	w->held = 0;
	for (uint32_t i = 0; i < used && i < w->nslots; i++) {
		const uint64_t held = slot_serve(w, &w->area->slots[i], name);

		still |= held != 0 && held == before;
		if (held != 0 && !still)
			w->held = held;
	}
	if (w->held != 0)
		w->look_at = now_ms() + HELD_MS;
	return !still;
}

static void note_progress(struct watchdog *w)
{
	w->messages = atomic_load(&w->area->messages);
	w->checks = atomic_load(&w->area->checks);
}

/*
 * Whether the engine goes on working is seen by what it has read since the last look; whether it looks after
 * what is interrupted, by its looks.
 */
static bool look(struct watchdog *w, const char *name)
{
	const bool reads = atomic_load(&w->area->messages) != w->messages;

	if (atomic_load(&w->area->checks) != w->checks)
		w->overdue = false;
	note_progress(w);
	w->look_at = now_ms() + REST_MS;
	if (w->overdue || (!reads && something_waits(w)))
		return serve_dying(w, name);
	w->held = 0;
	if (!reads)
		w->look_at = 0;
	return true;
}

/* Those that are unmounted, or have been ended from outside, are poor company in poll(2). */
static const struct pollfd *serve_connections(struct watchdog *w, const struct pollfd *fd)
{
	struct connection **p = &w->connections;

	for (; *p != NULL; fd++) {
		if ((fd->revents & POLLIN) != 0 && w->look_at == 0) {
			note_progress(w);
			w->look_at = now_ms() + REST_MS;
		}
		if ((fd->revents & (POLLERR | POLLHUP | POLLNVAL)) != 0)
			connection_free(w, p);
		else
			p = &(*p)->next;
	}
	return fd;
}

bool watchdog_serve(struct watchdog *w, const struct pollfd **fds, const char *name)
{
	const struct pollfd *fd = *fds;
	uint64_t times;

	if (w->area == NULL)
		return true;
	*fds = w->look_at == 0 ? serve_connections(w, fd + 1) : fd + 1;
	if (fd->revents != 0 && read(w->deadline, &times, sizeof(times)) == sizeof(times)) {
		w->overdue = true;
		note_progress(w);
		w->look_at = now_ms();
	}
	return w->look_at == 0 || now_ms() < w->look_at || look(w, name);
}
