/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What the supervisor holds of a client: see escrow.h. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "escrow.h"
#include "pages.h"
#include "thread.h"
#include "uffd_compat.h"

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

/*
 * From here on every access of the client to its device memory fails. What stands in its windows is
 * dropped first: the device that it meant is gone. Before Linux 6.6 the kernel cannot be told to fail
 * them: then they are reported to us, one by one, as they were to the engine.
 */
void escrow_fail(struct escrow *c)
{
	empty_windows(c);
	if (c->uffd < 0)
		return;
	c->answers = !c->poison;
	for (struct placement *r = c->ranges; r != NULL; r = r->next) {
		if (c->poison)
			poison_range(c, r);
		else
			wake_range(c, r);
	}
}

static void send_process(struct escrow *c, int sig)
{
	if (c->pidfd >= 0)
		(void)syscall(SYS_pidfd_send_signal, c->pidfd, sig, NULL, 0);
}

void escrow_answer(struct escrow *c)
{
	struct uffd_msg msg;

	if (read(c->uffd, &msg, sizeof(msg)) != sizeof(msg) || msg.event != UFFD_EVENT_PAGEFAULT)
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
