/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What the supervisor holds of a client: see escrow.h. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "escrow.h"
#include "pages.h"
#include "thread.h"
#include "uffd.h"

#define FAIL_MS	     1000 /* for a client's accesses to be made to fail */
#define FAIL_TICK_MS 2

struct escrow_window {
	struct escrow_window *next;
	uint64_t name;
	int fd;
};

struct escrow *escrow_find(struct escrow **list, uint64_t id)
{
	struct escrow *c;

	for (c = *list; c != NULL && c->id != id; c = c->next)
		;
	if (c == NULL) {
		c = calloc(1, sizeof(*c));
		if (c == NULL)
			return NULL;
		c->id = id;
		c->uffd = c->pidfd = -1;
		c->next = *list;
		*list = c;
	}
	return c;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void escrow_free(struct escrow *c)
{
	struct escrow_window *w;

	while ((w = c->windows) != NULL) {
		c->windows = w->next;
		close(w->fd);
		free(w);
	}
	escrow_reap(c);
	placement_free(&c->ranges);
	close_fd(c->uffd);
	close_fd(c->pidfd);
	free(c);
}

void escrow_end(struct escrow **list, uint64_t id)
{
	struct escrow **p, *c;

	for (p = list; (c = *p) != NULL && c->id != id; p = &c->next)
		;
	if (c != NULL) {
		*p = c->next;
		escrow_free(c);
	}
}

static void escrow_window(struct escrow *c, uint64_t name, int fd)
{
	struct escrow_window *w = malloc(sizeof(*w));

	if (w == NULL) {
		close(fd);
		return;
	}
	w->fd = fd;
	w->name = name;
	w->next = c->windows;
	c->windows = w;
}

static void escrow_window_end(struct escrow *c, uint64_t name)
{
	struct escrow_window **p, *w;

	for (p = &c->windows; (w = *p) != NULL && w->name != name; p = &w->next)
		;
	if (w == NULL)
		return;
	*p = w->next;
	close(w->fd);
	free(w);
}

static void empty_windows(struct escrow *c)
{
	for (struct escrow_window *w = c->windows; w != NULL; w = w->next)
		(void)window_empty(w->fd);
}

static void poison_range(struct escrow *c, const struct placement *r)
{
	uint64_t at = r->start;

	while (at < r->end) {
		struct uffdio_poison up = { .range = { .start = at, .len = r->end - at } };

		if (ioctl(c->uffd, UFFDIO_POISON, &up) == 0)
			break;
		if (up.updated > 0)
			at += (uint64_t)up.updated;
		else if (errno != EAGAIN)
			at += 4096; /* unmapped since, or already poisoned */
	}
}

/* Accesses that the engine had heard of are reported again, to us. */
static void wake_range(struct escrow *c, const struct placement *r)
{
	struct uffdio_range range = { .start = r->start, .len = r->end - r->start };

	(void)ioctl(c->uffd, UFFDIO_WAKE, &range);
}

static void send_process(struct escrow *c, int sig)
{
	if (c->pidfd >= 0)
		(void)syscall(SYS_pidfd_send_signal, c->pidfd, sig, NULL, 0);
}

/*
 * What stands in its windows is dropped first: the device that it meant is gone. Before Linux 6.6 the kernel
 * cannot be told to fail accesses: then they are reported to us, one by one, as they were to the engine.
 */
static void fail_accesses(struct escrow *c)
{
	empty_windows(c);
	if (c->uffd < 0)
		return;
	for (struct placement *r = c->ranges; r != NULL; r = r->next) {
		if (c->poison)
			poison_range(c, r);
		else
			wake_range(c, r);
	}
}

static int by_number(const void *a, const void *b)
{
	const int *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* In a process that may be stuck for ever: it has nothing but what it needs. False: that cannot be. */
static bool keep_only(const struct escrow *c)
{
	unsigned n = 0, room = 2;
	int *keep, last = -1;

	for (const struct escrow_window *w = c->windows; w != NULL; w = w->next)
		room++;
	keep = calloc(room, sizeof(*keep));
	if (keep == NULL)
		return false;
	for (const struct escrow_window *w = c->windows; w != NULL; w = w->next)
		keep[n++] = w->fd;
	keep[n++] = c->uffd;
	keep[n++] = c->pidfd;
	qsort(keep, n, sizeof(*keep), by_number);
	for (unsigned i = 0; i < n; i++) {
		if (keep[i] > last + 1)
			(void)close_range((unsigned)last + 1, (unsigned)keep[i] - 1, 0);
		last = keep[i] > last ? keep[i] : last;
	}
	free(keep);
	return close_range((unsigned)last + 1, ~0U, 0) == 0;
}

/* One process does it, another sees that it is done in time, or kills the client. */
static void fail_apart(struct escrow *c)
{
	const struct timespec tick = { .tv_nsec = FAIL_TICK_MS * 1000000L };
	pid_t worker;

	if (!keep_only(c)) {
		send_process(c, SIGKILL);
		return;
	}
	worker = fork();
	if (worker == 0) {
		fail_accesses(c);
		_exit(0);
	}
	for (int ms = 0; worker > 0 && waitpid(worker, NULL, WNOHANG) == 0; ms += FAIL_TICK_MS) {
		if (ms >= FAIL_MS) {
			send_process(c, SIGKILL);
			break;
		}
		(void)nanosleep(&tick, NULL);
	}
	if (worker < 0)
		send_process(c, SIGKILL);
}

/*
 * The client can make this last as long as it likes (errand.h), and we have other clients, and engines: so
 * it is done elsewhere.
 */
void escrow_fail(struct escrow *c)
{
	c->answers = c->uffd >= 0 && !c->poison;
	c->failing = fork();
	if (c->failing == 0) {
		(void)prctl(PR_SET_NAME, "devmap-fails");
		fail_apart(c);
		_exit(0);
	}
	if (c->failing < 0)
		send_process(c, SIGKILL);
}

void escrow_reap(struct escrow *c)
{
	if (c->failing > 0 && waitpid(c->failing, NULL, WNOHANG) != 0)
		c->failing = 0;
}

void escrow_answer(struct escrow *c)
{
	struct uffd_msg msg;

	if (uffd_read(c->uffd, &msg) != 0 || msg.event != UFFD_EVENT_PAGEFAULT)
		return;
	if (c->pidfd >= 0 && !process_is_there(c->pidfd))
		return;
	if (c->pid == 0 ||
	    !thread_signal(c->pid, (pid_t)msg.arg.pagefault.feat.ptid,
			   (uintptr_t)msg.arg.pagefault.address, SIGBUS, c->kernel_faults))
		send_process(c, SIGKILL);
}

/* Better told now than blocked later. */
void escrow_abandon(struct escrow *c)
{
	if (c->answers)
		send_process(c, SIGBUS);
}

void fds_close(const int *fds, unsigned nfds)
{
	for (unsigned i = 0; i < nfds; i++)
		close(fds[i]);
}

static void escrow_session(struct escrow *c, const struct parcel *p, const int *fds, unsigned nfds)
{
	if (nfds != 2) {
		fds_close(fds, nfds);
		return;
	}
	c->uffd = fds[0];
	c->pidfd = fds[1];
	c->poison = p->poison != 0;
	c->kernel_faults = p->kernel_faults != 0;
	c->pid = p->pid;
}

void escrow_take(struct escrow *c, const struct parcel *p, const int *fds, unsigned nfds)
{
	uint64_t end = p->len <= UINT64_MAX - p->addr ? p->addr + p->len : UINT64_MAX;

	switch (p->op) {
	case PARCEL_SESSION:
		escrow_session(c, p, fds, nfds);
		break;
	case PARCEL_WINDOW:
		if (nfds == 1)
			escrow_window(c, p->addr, fds[0]);
		else
			fds_close(fds, nfds);
		break;
	case PARCEL_WINDOW_END:
		escrow_window_end(c, p->addr);
		break;
	case PARCEL_RANGE:
		(void)placement_add(&c->ranges, p->addr, end, 0);
		break;
	case PARCEL_UNRANGE:
		placement_remove(&c->ranges, p->addr, end);
		break;
	}
}
