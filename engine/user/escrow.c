/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What the supervisor holds of a client: see escrow.h. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/param.h>
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
		c->uffd = c->pidfd = c->sock = -1;
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

static void mapping_drop(struct escrow_mapping **p)
{
	struct escrow_mapping *m = *p;

	*p = m->next;
	placement_free(&m->parts);
	free(m);
}

void escrow_free(struct escrow *c)
{
	struct escrow_window *w;

	while ((w = c->windows) != NULL) {
		c->windows = w->next;
		close(w->fd);
		free(w);
	}
	while (c->mappings != NULL)
		mapping_drop(&c->mappings);
	escrow_reap(c);
	placement_free(&c->ranges);
	placement_free(&c->poisoned);
	close_fd(c->sock);
	close_fd(c->uffd);
	close_fd(c->pidfd);
	free(c);
}

bool escrow_has(const struct escrow *list, uint64_t id)
{
	while (list != NULL && list->id != id)
		list = list->next;
	return list != NULL;
}

void escrow_each_fd(const struct escrow *c, void (*fn)(void *arg, int fd), void *arg)
{
	const int fds[3] = { c->uffd, c->pidfd, c->sock };

	for (unsigned i = 0; i < 3; i++)
		if (fds[i] >= 0)
			fn(arg, fds[i]);
	for (const struct escrow_window *w = c->windows; w != NULL; w = w->next)
		fn(arg, w->fd);
}

void escrow_hang_up(struct escrow *c)
{
	close_fd(c->sock);
	c->sock = -1;
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

static void escrow_window(struct escrow *c, const struct parcel *p, int fd)
{
	struct escrow_window *w = malloc(sizeof(*w));

	if (w == NULL) {
		close(fd);
		return;
	}
	w->fd = fd;
	w->name = p->addr;
	w->kept = p->window;
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

static void poison_range(void *arg, uintptr_t start, uintptr_t end, size_t page)
{
	const struct escrow *c = arg;
	uint64_t at = start;

	(void)page;
	while (at < end) {
		struct uffdio_poison up = { .range = { .start = at, .len = end - at } };

		if (ioctl(c->uffd, UFFDIO_POISON, &up) == 0)
			break;
		if (up.updated > 0)
			at += (uint64_t)up.updated;
		else if (errno != EAGAIN)
			at += 4096; /* unmapped since, or already poisoned */
	}
}

/* Accesses that the engine had heard of are reported again, to us. */
static void wake_range(void *arg, uintptr_t start, uintptr_t end, size_t page)
{
	const struct escrow *c = arg;
	struct uffdio_range range = { .start = start, .len = end - start };

	(void)page;
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
	placement_each(&c->ranges, 0, SIZE_MAX, c->poison ? poison_range : wake_range, c);
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

/*
 * A thread whose access began before its page was poisoned may have begun to wait after that: Linux takes a
 * poisoned page for a missing one then, and nobody would wake it.
 */
static void wake_late_ones(struct escrow *c)
{
	for (long ms = 1; c->poison && c->uffd >= 0 && ms < FAIL_MS; ms *= 2) {
		const struct timespec t = { .tv_nsec = ms * 1000000L };

		(void)nanosleep(&t, NULL);
		placement_each(&c->ranges, 0, SIZE_MAX, wake_range, c);
	}
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
	else
		wake_late_ones(c);
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

static void escrow_socket(struct escrow *c, const struct parcel *p, const int *fds, unsigned nfds)
{
	if (nfds != 1) {
		fds_close(fds, nfds);
		return;
	}
	close_fd(c->sock);
	c->sock = fds[0];
	c->client = p->client;
}

/* The youngest. NULL: no memory, and then the client is none that can be taken over. */
static struct escrow_mapping *mapping_new(struct escrow *c, size_t len,
					  const struct kept_mapping *kept, const char *node)
{
	const size_t n = strnlen(node, sizeof(((struct parcel *)NULL)->text) - 1);
	struct escrow_mapping *m = calloc(1, sizeof(*m) + n + 1), **p = &c->mappings;

	if (m == NULL) {
		close_fd(c->sock);
		c->sock = -1;
		return NULL;
	}
	while (*p != NULL)
		p = &(*p)->next;
	m->len = len;
	m->kept = *kept;
	memcpy(m->node, node, n);
	*p = m;
	return m;
}

static void mapping_add(struct escrow *c, size_t len, const struct kept_mapping *kept,
			const char *node, uintptr_t start, uintptr_t end)
{
	struct escrow_mapping *m = mapping_new(c, len, kept, node);

	if (m != NULL)
		(void)placement_add(&m->parts, start, end, 0);
}

static void mappings_cut(struct escrow *c, uintptr_t start, uintptr_t end)
{
	struct escrow_mapping **p = &c->mappings, *m;

	while ((m = *p) != NULL) {
		placement_remove(&m->parts, start, end);
		if (m->parts.tree == NULL)
			mapping_drop(p);
		else
			p = &m->next;
	}
}

/* What of a mapping lies in a range, and goes elsewhere. */
struct move {
	struct placements *to;
	uintptr_t start, end, distance;
};

static void move_part(void *arg, uintptr_t start, uintptr_t end, size_t page)
{
	const struct move *m = arg;

	if (start < m->start) {
		page += (m->start - start) >> PAGESHIFT;
		start = m->start;
	}
	if (end > m->end)
		end = m->end;
	if (start < end)
		(void)placement_add(m->to, start + m->distance, end + m->distance, page);
}

static void mappings_move(struct escrow *c, uintptr_t start, uintptr_t end, uintptr_t to)
{
	mappings_cut(c, to, to + (end - start));
	for (struct escrow_mapping *m = c->mappings; m != NULL; m = m->next) {
		struct placements moved = { .tree = NULL };
		struct move move = { &moved, start, end, to - start };

		placement_each(&m->parts, 0, SIZE_MAX, move_part, &move);
		placement_remove(&m->parts, start, end);
		move = (struct move){ &m->parts, 0, UINTPTR_MAX, 0 };
		placement_each(&moved, 0, SIZE_MAX, move_part, &move);
		placement_free(&moved);
	}
}

static void copy_part(void *arg, uintptr_t start, uintptr_t end, size_t page)
{
	(void)placement_add(arg, start, end, page);
}

void escrow_fork(struct escrow **list, uint64_t child, uint64_t parent)
{
	struct escrow *c = escrow_find(list, child), *p = *list;

	while (p != NULL && p->id != parent)
		p = p->next;
	for (struct escrow_mapping *m = p != NULL ? p->mappings : NULL; c != NULL && m != NULL;
	     m = m->next) {
		struct escrow_mapping *copy = mapping_new(c, m->len, &m->kept, m->node);

		if (copy != NULL)
			placement_each(&m->parts, 0, SIZE_MAX, copy_part, &copy->parts);
	}
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
			escrow_window(c, p, fds[0]);
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
	case PARCEL_SOCKET:
		escrow_socket(c, p, fds, nfds);
		break;
	case PARCEL_MAPPING:
		mapping_add(c, p->len, &p->mapping, p->text, p->addr, end);
		break;
	case PARCEL_CUT:
		mappings_cut(c, p->addr, end);
		break;
	case PARCEL_MOVED:
		mappings_move(c, p->addr, end, p->mapping.off);
		break;
	case PARCEL_POISON:
		(void)placement_add(&c->poisoned, p->addr, end, 0);
		break;
	case PARCEL_CURED:
		placement_remove(&c->poisoned, p->addr, end);
		break;
	case PARCEL_REQUEST:
		c->request = p->addr;
		break;
	}
}
