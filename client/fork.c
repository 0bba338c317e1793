/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * fork. Before it, each engine is asked (devmap_dup(9E)) and gives the socket of the session that
 * the child will have. The child, before the program sees it, takes that session over with a
 * userfaultfd of its own and fills the holes that MADV_DONTFORK left. What runs in the child is
 * safe in a child of a process with threads: system calls and our own tables.
 *
 * fork_begin() is called by our fork(), or, where libc forks by itself, by the pthread_atfork(3)
 * handler: then it is too late to refuse, and a child that a driver refuses has no device mapping.
 */
#include <pthread.h>
#include <string.h>

#include "internal.h"

enum { FORK_NONE, FORK_BEGUN, FORK_SHUT };

static __thread int fork_state __attribute__((tls_model("initial-exec")));
static struct held fork_held; /* guarded by ops */

bool fork_pending(void)
{
	return fork_state != FORK_NONE;
}

static int ask(struct session *s)
{
	struct call c = CALL(s->sock, DM_FORK);
	int error;

	ops_tire(); /* a driver decides, and may take its time */
	do
		error = call(&c);
	while (error == -EIO && session_goes_on((unsigned)(s - sessions), &c));
	if (error == 0 && c.got[0] >= 0) {
		s->unborn = fd_hide(c.got[0]);
		c.got[0] = -1;
	}
	call_drop(&c);
	/* An engine that is gone refuses nothing; the child gets nothing of it. */
	return error == -ENXIO || error == -EIO ? 0 : error;
}

static void drop_unborn(void)
{
	for (unsigned i = 0; i < SESSIONS_MAX; i++) {
		if (sessions[i].used && sessions[i].unborn >= 0) {
			fd_close_hidden(sessions[i].unborn);
			sessions[i].unborn = -1;
		}
	}
}

int fork_begin(void)
{
	struct held h;
	int error = 0;

	if (!client_active || !process_ours())
		return 0;
	ops_lock(&h);
	fork_held = h;
	for (unsigned i = 0; i < SESSIONS_MAX && error == 0; i++)
		if (sessions[i].used)
			error = ask(&sessions[i]);
	if (error != 0) {
		drop_unborn();
		ops_unlock(&h);
		return error;
	}
	fork_state = FORK_BEGUN;
	return 0;
}

static int drop_hidden(int fd, unsigned kind, void *arg)
{
	(void)arg;
	for (unsigned i = 0; kind == FD_INTERNAL && i < SESSIONS_MAX; i++)
		if (sessions[i].used && (sessions[i].unborn == fd || sessions[i].uffd_dev == fd))
			return 0;
	if (kind == FD_INTERNAL)
		fd_close_hidden(fd);
	return 0;
}

static void set_absent(struct map *m, int absent)
{
	m->absent = absent != 0;
	m->locked = false; /* locks are the parent's */
}

/* Is nothing there? */
static bool is_hole(uintptr_t start, uintptr_t end)
{
	for (; start < end; start += page_size())
		if (raw(SYS_msync, start, page_size(), MS_ASYNC) != -ENOMEM)
			return false;
	return true;
}

/* Where a library's own fork handler was quicker, its memory stays. 0 or -errno. */
static int fill_hole(uintptr_t start, size_t len, int fd, uint64_t off)
{
	const int flags = MAP_SHARED | MAP_NORESERVE;
	void *at = raw_mmap((void *)start, len, PROT_NONE, flags | MAP_FIXED_NOREPLACE, fd, off);

	if (!raw_bad(at) && at != (void *)start) {
		/* Valgrind knows neither the flag nor that there is a hole. */
		(void)raw_munmap((uintptr_t)at, len);
		if (!is_hole(start, start + len))
			return -EEXIST;
		at = raw_mmap((void *)start, len, PROT_NONE, flags | MAP_FIXED, fd, off);
	}
	return raw_bad(at) ? (int)(intptr_t)at : 0;
}

/* Maps one message's pieces where the parent had them, under the protection that the parent had. */
static int child_place(void *arg, const struct dm_piece *p, unsigned n, const int *fds,
		       unsigned nfds)
{
	int error = 0;

	(void)arg;
	for (unsigned i = 0; i < n && error == 0; i++) {
		uintptr_t start = p[i].addr, end = start + p[i].len;
		struct map m;

		if (p[i].fd >= nfds || !maps_first(start, end, &m))
			return -EPROTO;
		error = fill_hole(start, p[i].len, fds[p[i].fd], p[i].fd_off);
		if (error != 0)
			return error;
		error = raw_madvise(start, p[i].len, MADV_DONTFORK);
		(void)raw_madvise(start, p[i].len, MADV_DONTDUMP);
		(void)raw_madvise(start, p[i].len, MADV_NOHUGEPAGE);
		maps_change(start, end, set_absent, false);
	}
	return error;
}

/* Of what an engine has given that died meanwhile nothing stays: there is a hole again. */
static void child_unplace(unsigned index)
{
	uintptr_t from = 0;
	struct map m;

	for (; maps_first(from, UINTPTR_MAX, &m); from = m.end) {
		if (m.session != index || m.absent)
			continue;
		(void)raw_munmap(m.start, m.end - m.start);
		maps_change(m.start, m.end, set_absent, true);
	}
}

/* *again: the engine has died, and another one has not heard of it. */
static int child_attach_once(unsigned index, bool *again)
{
	struct session *s = &sessions[index];
	struct call c = CALL(s->sock, DM_CHILD);
	int error = s->sock < 0 ? -ENXIO : session_userfaultfd(s);

	*again = false;
	if (error != 0)
		return error;
	c.fd = s->uffd;
	c.rq.a[0] = s->kernel_faults;
	c.pieces = child_place;
	ops_tire();
	error = call(&c); /* which finds room for descriptors where there is none */
	call_drop(&c);
	*again = error == -EIO && session_goes_on(index, &c);
	return error;
}

static int child_attach(unsigned index)
{
	bool again;
	int error;

	do {
		error = child_attach_once(index, &again);
		if (again) {
			child_unplace(index);
			fd_close_hidden(sessions[index].uffd);
			sessions[index].uffd = -1;
		}
	} while (again);
	if (error == 0)
		error = session_change(index, DM_COMMIT, 0, 0);
	return error;
}

static void child_session(unsigned index)
{
	struct session *s = &sessions[index];
	uintptr_t from = 0;
	struct map m;
	int error;

	s->sock = s->unborn;
	s->unborn = s->uffd = -1;
	error = child_attach(index);
	for (; maps_first(from, UINTPTR_MAX, &m); from = m.end) {
		if (m.session != index)
			continue;
		if (error == 0 && !m.absent && raw_mprotect(m.start, m.end - m.start, m.prot) == 0)
			continue;
		if (!m.absent)
			(void)raw_munmap(m.start, m.end - m.start);
		maps_remove(m.start, m.end);
	}
	if (error != 0) {
		debug("fork: the child has no device mappings: error %d", -error);
		session_drop(s);
	}
}

static void child(void)
{
	struct held h = fork_held;

	process_begin_child();
	ops_lock_as(&h); /* for what asserts it: there is no other thread */
	(void)fd_each(0, FD_MAX - 1, drop_hidden, NULL);
	maps_change(0, UINTPTR_MAX, set_absent, true);
	for (unsigned i = 0; i < SESSIONS_MAX; i++)
		if (sessions[i].used)
			child_session(i);
	ops_unlock(&h);
}

void fork_end(bool is_child)
{
	int before = errno, state = fork_state;
	struct held h;

	fork_state = FORK_NONE;
	if (state == FORK_NONE) {
		/* It has no device yet, but may open one. */
		if (is_child)
			process_begin_child();
		return;
	}
	if (is_child) {
		child();
	} else {
		if (state == FORK_SHUT)
			wire_open();
		drop_unborn();
		h = fork_held;
		ops_unlock(&h);
	}
	errno = before;
}

static void handle_prepare(void)
{
	if (!client_active)
		return;
	/* Refused too late: the child goes without. */
	if (fork_state == FORK_NONE && fork_begin() != 0) {
		struct held h;

		ops_lock(&h);
		fork_held = h;
		fork_state = FORK_BEGUN;
	}
	if (fork_state == FORK_BEGUN) {
		wire_shut();
		fork_state = FORK_SHUT;
	}
}

static void handle_parent(void)
{
	fork_end(false);
}

static void handle_child(void)
{
	fork_end(true);
}

void fork_init(void)
{
	(void)pthread_atfork(handle_prepare, handle_parent, handle_child);
}
