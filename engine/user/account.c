/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* See account.h. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
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
	.user_silent = 1024,
	.user_answers = 256,
};

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

	pthread_mutex_lock(&accounts_lock);
	if (!has_room(user, limits.user_threads, quick))
		full = user;
	else if (process != NULL && !has_room(process, limits.process_threads, quick))
		full = process;
	if (full != NULL) {
		first = full->refused++ == 0;
		parked = park(full, s);
	} else {
		user->threads++;
		if (process != NULL)
			process->threads++;
	}
	pthread_mutex_unlock(&accounts_lock);
	if (first)
		log_client(user->uid, "user %u: %s has %u requests at a time; more wait",
			   (unsigned)user->uid, full == user ? "he" : "a process of his",
			   full->threads);
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
