/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* See number.h. LOCKS: numbers_lock, then sessions_lock, then s->lock. */
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "number.h"
#include "server.h"

#define PID_LAST 4194304 /* the kernel's ids end before this */

/* A process that does not go by its own id. */
struct alias {
	struct alias *next;
	pid_t pid, value;
	int pidfd;
};

static pthread_mutex_t numbers_lock = PTHREAD_MUTEX_INITIALIZER;
static struct alias *aliases;
static pid_t last_alias = PID_LAST;

static bool has_ended(int pidfd)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	return poll(&p, 1, 0) == 1 && (p.revents & POLLIN) != 0;
}

/*
 * The process is gone, or has called exec: its socket is closed, though nobody has read that yet.
 */
static bool is_over(struct session *s)
{
	struct pollfd p = { .events = POLLRDHUP };
	bool over;

	if (has_ended(s->pidfd))
		return true;
	pthread_mutex_lock(&s->lock);
	p.fd = s->sock.fd;
	over = s->ended || p.fd < 0 ||
	       (poll(&p, 1, 0) == 1 && (p.revents & (POLLRDHUP | POLLHUP)) != 0);
	pthread_mutex_unlock(&s->lock);
	return over;
}

struct search {
	pid_t value;
	const struct session *but;
	bool over; /* only sessions that are over */
	bool found;
};

static void look(struct session *s, void *arg)
{
	struct search *w = arg;

	if (!w->found && s != w->but && s->number == w->value)
		w->found = !w->over || is_over(s);
}

static bool in_use(pid_t value, const struct session *but, bool over)
{
	struct search w = { .value = value, .but = but, .over = over };

	sessions_each(look, &w);
	return w.found;
}

/* numbers_lock is held in this one and the next three. */
static bool is_alias(pid_t value)
{
	ASSERT_HELD(&numbers_lock);
	for (const struct alias *a = aliases; a != NULL; a = a->next)
		if (a->value == value)
			return true;
	return false;
}

/* Those of processes that are gone, and their sessions too, go; the one of pid, or NULL. */
static struct alias *alias_find(pid_t pid)
{
	struct alias **p = &aliases, *a, *found = NULL;

	ASSERT_HELD(&numbers_lock);
	while ((a = *p) != NULL) {
		if (!has_ended(a->pidfd)) {
			if (a->pid == pid)
				found = a;
			p = &a->next;
		} else if (in_use(a->value, NULL, false)) {
			p = &a->next;
		} else {
			*p = a->next;
			close(a->pidfd);
			free(a);
		}
	}
	return found;
}

/* A new one; pidfd is taken. Without memory, or if the process is gone already, its own id. */
static pid_t alias_make(pid_t pid, int pidfd)
{
	struct alias *a = calloc(1, sizeof(*a));

	ASSERT_HELD(&numbers_lock);
	if (a == NULL || pidfd < 0) {
		if (pidfd >= 0)
			close(pidfd);
		free(a);
		return pid;
	}
	a->pid = pid;
	a->pidfd = pidfd;
	do
		last_alias = last_alias == INT32_MAX ? PID_LAST + 1 : last_alias + 1;
	while (is_alias(last_alias) || in_use(last_alias, NULL, false));
	a->value = last_alias;
	a->next = aliases;
	aliases = a;
	return a->value;
}

static pid_t find(pid_t pid, const struct session *but)
{
	const struct alias *a;

	ASSERT_HELD(&numbers_lock);
	a = alias_find(pid);
	if (a != NULL)
		return a->value;
	return in_use(pid, but, but == NULL) ?
		       alias_make(pid, (int)syscall(SYS_pidfd_open, pid, 0)) :
		       pid;
}

pid_t number_of(pid_t pid)
{
	pid_t value;

	pthread_mutex_lock(&numbers_lock);
	value = pid != 0 ? find(pid, NULL) : 0;
	pthread_mutex_unlock(&numbers_lock);
	return value;
}

void number_give(struct session *s)
{
	pthread_mutex_lock(&numbers_lock);
	if (s->pid != 0) {
		s->number = find(s->pid, s);
	} else {
		(void)alias_find(0); /* each gets one of its own; the dead leave theirs */
		s->number = alias_make(0, fcntl(s->pidfd, F_DUPFD_CLOEXEC, 0));
	}
	pthread_mutex_unlock(&numbers_lock);
}
