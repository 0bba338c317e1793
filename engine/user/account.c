/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* See account.h. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>
#include <sys/resource.h>
#include <unistd.h>

#include "account.h"
#include "held.h"
#include "log.h"

#define USERS	   256
#define QUICK_MORE 4 /* quick ones may take one in so many threads more */

struct limits limits = {
	.user_threads = 256,
	.process_threads = 64,
	.user_sessions = 2048,
	.process_sessions = 8,
	.user_windows = 16384,
	.user_silent = 1024,
};

static const struct {
	const char *name;
	unsigned *value;
} names[] = {
	{ "user-threads", &limits.user_threads },
	{ "process-threads", &limits.process_threads },
	{ "user-sessions", &limits.user_sessions },
	{ "process-sessions", &limits.process_sessions },
	{ "user-windows", &limits.user_windows },
	{ "user-silent", &limits.user_silent },
};
#define NAMES (sizeof(names) / sizeof(names[0]))

void limits_fit(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) != 0 || rl.rlim_cur > 1u << 20)
		return;
	limits.user_sessions = MIN(limits.user_sessions, (unsigned)rl.rlim_cur / 16);
	limits.user_windows = MIN(limits.user_windows, (unsigned)rl.rlim_cur / 8);
	limits.user_silent = MIN(limits.user_silent, (unsigned)rl.rlim_cur / 4);
}

/* What of text is one of them; 0: none. */
static size_t limit_parse(const char *text)
{
	for (size_t i = 0; i < NAMES; i++) {
		size_t n = strlen(names[i].name);
		unsigned long value;
		char *end;

		if (strncmp(text, names[i].name, n) != 0 || text[n] != '=' || text[n + 1] < '0' ||
		    text[n + 1] > '9')
			continue;
		value = strtoul(text + n + 1, &end, 10);
		if (value < 1 || value > 1000000)
			return 0;
		*names[i].value = (unsigned)value;
		return (size_t)(end - text);
	}
	return 0;
}

int limits_parse(const char *text)
{
	for (;;) {
		size_t n = limit_parse(text);

		text += n;
		if (n == 0 || (*text != '\0' && *text != ','))
			return -EINVAL;
		if (*text++ == '\0')
			return 0;
	}
}

void limits_each(void (*fn)(void *arg, const char *name, unsigned value), void *arg)
{
	for (size_t i = 0; i < NAMES; i++)
		fn(arg, names[i].name, *names[i].value);
}

/* A source that is not armed until somebody leaves. By id: it may be gone by then. */
struct parked {
	struct parked *next;
	uint64_t id;
};

static pthread_mutex_t accounts_lock = PTHREAD_MUTEX_INITIALIZER;
static struct account users[USERS];

/* Users beyond the table share its places: they are counted together. */
struct account *account_of(uid_t uid)
{
	struct account *a, *found = NULL;

	pthread_mutex_lock(&accounts_lock);
	for (unsigned i = 0; i < USERS && found == NULL; i++) {
		a = &users[(uid + i) % USERS];
		if (!a->taken)
			*a = (struct account){ .uid = uid, .taken = true };
		if (a->uid == uid)
			found = a;
	}
	pthread_mutex_unlock(&accounts_lock);
	return found != NULL ? found : &users[uid % USERS];
}

void account_each(void (*fn)(void *arg, const struct account *user), void *arg)
{
	for (unsigned i = 0; i < USERS; i++) {
		struct account copy;

		pthread_mutex_lock(&accounts_lock);
		copy = users[i];
		pthread_mutex_unlock(&accounts_lock);
		if (copy.taken)
			fn(arg, &copy);
	}
}

/* accounts_lock held. */
static bool has_room(const struct account *a, unsigned max, bool quick)
{
	ASSERT_HELD(&accounts_lock);
	return a->threads < max + (quick ? max / QUICK_MORE + 1 : 0);
}

/* accounts_lock held. False: there is no memory to remember it. */
static bool park(struct account *a, const struct source *s)
{
	struct parked *p = malloc(sizeof(*p));

	ASSERT_HELD(&accounts_lock);
	if (p == NULL)
		return false;
	*p = (struct parked){ .id = s->id };
	if (a->parked == NULL)
		a->parked_end = &a->parked;
	*a->parked_end = p;
	a->parked_end = &p->next;
	return true;
}

/* accounts_lock held. The first that waits, to be armed and freed; NULL: there is none. */
static struct parked *unpark(struct account *a)
{
	struct parked *p = a->parked;

	ASSERT_HELD(&accounts_lock);
	if (p != NULL)
		a->parked = p->next;
	return p;
}

static void arm(struct parked *p)
{
	if (p != NULL)
		source_arm_id(p->id);
	free(p);
}

bool account_is_full(const struct account *user, const struct account *process)
{
	bool full;

	pthread_mutex_lock(&accounts_lock);
	full = !has_room(user, limits.user_threads, false) ||
	       !has_room(process, limits.process_threads, false);
	pthread_mutex_unlock(&accounts_lock);
	return full;
}

bool account_enter(struct account *user, struct account *process, struct source *s, bool quick)
{
	struct account *full = NULL;
	bool parked = true, first = false;
	unsigned threads = 0;

	pthread_mutex_lock(&accounts_lock);
	if (!has_room(user, limits.user_threads, quick))
		full = user;
	else if (process != NULL && !has_room(process, limits.process_threads, quick))
		full = process;
	if (full != NULL) {
		first = full->refused++ == 0;
		threads = full->threads;
		parked = park(full, s);
	} else {
		user->threads++;
		if (process != NULL)
			process->threads++;
	}
	pthread_mutex_unlock(&accounts_lock);
	if (first)
		log_client(user->uid, "user %u: %s has %u requests at a time; more wait",
			   (unsigned)user->uid, full == user ? "he" : "a process of his", threads);
	if (!parked)
		source_arm(s);
	if (full == NULL)
		pool_lend();
	return full == NULL;
}

void account_leave(struct account *user, struct account *process)
{
	struct parked *p, *q = NULL;

	pool_return();
	pthread_mutex_lock(&accounts_lock);
	user->threads--;
	p = unpark(user);
	if (process != NULL) {
		process->threads--;
		q = unpark(process);
	}
	pthread_mutex_unlock(&accounts_lock);
	arm(p);
	arm(q);
}

int account_session(struct account *user, unsigned of_process)
{
	int error = 0;

	pthread_mutex_lock(&accounts_lock);
	if (of_process >= limits.process_sessions)
		error = -EMFILE;
	else if (user->sessions >= limits.user_sessions)
		error = -ENFILE;
	else
		user->sessions++;
	if (error != 0)
		user->refused++;
	pthread_mutex_unlock(&accounts_lock);
	return error;
}

void account_session_end(struct account *user)
{
	pthread_mutex_lock(&accounts_lock);
	user->sessions--;
	pthread_mutex_unlock(&accounts_lock);
}

int account_window(struct account *user)
{
	bool full;

	pthread_mutex_lock(&accounts_lock);
	full = user->windows >= limits.user_windows;
	if (full)
		user->refused++;
	else
		user->windows++;
	pthread_mutex_unlock(&accounts_lock);
	return full ? -ENFILE : 0;
}

void account_window_end(struct account *user)
{
	pthread_mutex_lock(&accounts_lock);
	user->windows--;
	pthread_mutex_unlock(&accounts_lock);
}

void account_fini(struct account *process)
{
	struct parked *p;

	while ((p = process->parked) != NULL) {
		process->parked = p->next;
		free(p);
	}
}

struct closing {
	struct work work;
	int fd;
};

static void closing_work(struct work *w)
{
	struct closing *c = container_of(w, struct closing, work);

	pool_lend();
	close(c->fd);
	pool_return();
	free(c);
}

void close_later(int fd)
{
	struct closing *c = malloc(sizeof(*c));

	if (c == NULL) {
		close(fd);
		return;
	}
	*c = (struct closing){ .work.run = closing_work, .fd = fd };
	pool_run(&c->work);
}
