/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What the supervisor keeps of a client: see kept.h. */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kept.h"
#include "thread.h"
#include "uffd_compat.h"

struct range {
	struct range *next;
	uint64_t start, end;
};

struct kept_window {
	struct kept_window *next;
	uint64_t name;
	int fd;
};

struct kept *kept_find(struct kept **list, uint64_t id)
{
	struct kept *k;

	for (k = *list; k != NULL && k->id != id; k = k->next)
		;
	if (k == NULL) {
		k = calloc(1, sizeof(*k));
		if (k == NULL)
			return NULL;
		k->id = id;
		k->uffd = k->pidfd = -1;
		k->next = *list;
		*list = k;
	}
	return k;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void kept_free(struct kept *k)
{
	struct kept_window *w;
	struct range *r;

	while ((w = k->windows) != NULL) {
		k->windows = w->next;
		close(w->fd);
		free(w);
	}
	while ((r = k->ranges) != NULL) {
		k->ranges = r->next;
		free(r);
	}
	close_fd(k->uffd);
	close_fd(k->pidfd);
	free(k);
}

void kept_end(struct kept **list, uint64_t id)
{
	struct kept **p, *k;

	for (p = list; (k = *p) != NULL && k->id != id; p = &k->next)
		;
	if (k != NULL) {
		*p = k->next;
		kept_free(k);
	}
}

static void kept_window(struct kept *k, uint64_t name, int fd)
{
	struct kept_window *w = malloc(sizeof(*w));

	if (w == NULL) {
		close(fd);
		return;
	}
	w->fd = fd;
	w->name = name;
	w->next = k->windows;
	k->windows = w;
}

static void kept_window_end(struct kept *k, uint64_t name)
{
	struct kept_window **p, *w;

	for (p = &k->windows; (w = *p) != NULL && w->name != name; p = &w->next)
		;
	if (w == NULL)
		return;
	*p = w->next;
	close(w->fd);
	free(w);
}

static void range_add(struct kept *k, uint64_t start, uint64_t end)
{
	struct range *r = malloc(sizeof(*r));

	if (r == NULL)
		return;
	*r = (struct range){ .next = k->ranges, .start = start, .end = end };
	k->ranges = r;
}

/* What of it was there before is there once. */
static void kept_unrange(struct kept *k, uint64_t start, uint64_t end)
{
	struct range **p = &k->ranges, *r;

	while ((r = *p) != NULL) {
		uint64_t behind = r->end;

		if (end <= r->start || r->end <= start) {
			p = &r->next;
			continue;
		}
		if (r->start < start) {
			r->end = start;
			p = &r->next;
		} else {
			*p = r->next;
			free(r);
		}
		if (end < behind)
			range_add(k, end, behind); /* at the head: not met again */
	}
}

static void kept_range(struct kept *k, uint64_t start, uint64_t end)
{
	kept_unrange(k, start, end);
	range_add(k, start, end);
}

static void punch_windows(struct kept *k)
{
	struct stat st;

	for (struct kept_window *w = k->windows; w != NULL; w = w->next)
		if (fstat(w->fd, &st) == 0)
			(void)fallocate(w->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
					st.st_size);
}

static void poison_range(struct kept *k, const struct range *r)
{
	uint64_t at = r->start;

	while (at < r->end) {
		struct uffdio_poison up = { .range = { .start = at, .len = r->end - at } };

		if (ioctl(k->uffd, UFFDIO_POISON, &up) == 0)
			break;
		if (up.updated > 0)
			at += (uint64_t)up.updated;
		else if (errno != EAGAIN)
			at += 4096; /* unmapped since, or already poisoned */
	}
}

/* Accesses that the engine had heard of are reported again, to us. */
static void wake_range(struct kept *k, const struct range *r)
{
	struct uffdio_range range = { .start = r->start, .len = r->end - r->start };

	(void)ioctl(k->uffd, UFFDIO_WAKE, &range);
}

/*
 * From here on every access of the client to its device memory fails. What stands in its windows is
 * dropped first: the device that it meant is gone. Before Linux 6.6 the kernel cannot be told to fail
 * them: then they are reported to us, one by one, as they were to the engine.
 */
void kept_fail(struct kept *k)
{
	punch_windows(k);
	if (k->uffd < 0)
		return;
	k->answers = !k->poison;
	for (struct range *r = k->ranges; r != NULL; r = r->next) {
		if (k->poison)
			poison_range(k, r);
		else
			wake_range(k, r);
	}
}

static void send_process(struct kept *k, int sig)
{
	if (k->pidfd >= 0)
		(void)syscall(SYS_pidfd_send_signal, k->pidfd, sig, NULL, 0);
}

void kept_answer(struct kept *k)
{
	struct uffd_msg msg;

	if (read(k->uffd, &msg, sizeof(msg)) != sizeof(msg) || msg.event != UFFD_EVENT_PAGEFAULT)
		return;
	if (k->pidfd >= 0 && !process_is_there(k->pidfd))
		return;
	if (k->pid == 0 ||
	    !thread_signal(k->pid, (pid_t)msg.arg.pagefault.feat.ptid,
			   (uintptr_t)msg.arg.pagefault.address, SIGBUS, k->kernel_faults))
		send_process(k, SIGKILL);
}

/* Better told now than blocked later. */
void kept_abandon(struct kept *k)
{
	if (k->answers)
		send_process(k, SIGBUS);
}

void fds_close(const int *fds, unsigned nfds)
{
	for (unsigned i = 0; i < nfds; i++)
		close(fds[i]);
}

static void kept_session(struct kept *k, const struct parcel *p, const int *fds, unsigned nfds)
{
	if (nfds != 2) {
		fds_close(fds, nfds);
		return;
	}
	k->uffd = fds[0];
	k->pidfd = fds[1];
	k->poison = p->poison != 0;
	k->kernel_faults = p->kernel_faults != 0;
	k->pid = p->pid;
}

void kept_take(struct kept *k, const struct parcel *p, const int *fds, unsigned nfds)
{
	uint64_t end = p->len <= UINT64_MAX - p->addr ? p->addr + p->len : UINT64_MAX;

	switch (p->op) {
	case PARCEL_SESSION:
		kept_session(k, p, fds, nfds);
		break;
	case PARCEL_WINDOW:
		if (nfds == 1)
			kept_window(k, p->addr, fds[0]);
		else
			fds_close(fds, nfds);
		break;
	case PARCEL_WINDOW_END:
		kept_window_end(k, p->addr);
		break;
	case PARCEL_RANGE:
		kept_range(k, p->addr, end);
		break;
	case PARCEL_UNRANGE:
		kept_unrange(k, p->addr, end);
		break;
	}
}
