/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * On whose behalf a thread works, and how its waits are interrupted: see caller.h.
 *
 * LOCKS, outermost first; all are leaves of everybody else's
 *   threads.lock   the list of threads
 *   t->lock        a thread's caller, against caller_interrupt_thread()
 *   waits_lock     waiting_on of every caller. While it is held, what a caller waits on exists:
 *                  a waiter takes it to say that it is gone.
 */
#include <pthread.h>
#include <stdint.h>
#include <sys/ksynch.h>
#include <sys/sunddi.h>

#include "../../core/engine.h"
#include "caller.h"

struct thread {
	struct thread *next, **prev;
	kt_did_t did; /* 0: not drawn yet */
	bool listed;
	pthread_mutex_t lock;
	struct caller *caller;
};

static _Thread_local struct thread self = { .lock = PTHREAD_MUTEX_INITIALIZER };

static struct {
	pthread_mutex_t lock;
	struct thread *list;
	pthread_key_t key; /* its destructor takes a thread that ends off the list */
} threads = { .lock = PTHREAD_MUTEX_INITIALIZER };

static pthread_once_t threads_once = PTHREAD_ONCE_INIT;
static pthread_mutex_t waits_lock = PTHREAD_MUTEX_INITIALIZER;

/* Thread ids of the system are used again; these are not. */
kt_did_t ddi_get_kt_did(void)
{
	static _Atomic(kt_did_t) last;

	if (self.did == 0)
		self.did = atomic_fetch_add_explicit(&last, 1, memory_order_relaxed) + 1;
	return self.did;
}

static void thread_end(void *arg)
{
	struct thread *t = arg;

	pthread_mutex_lock(&threads.lock);
	*t->prev = t->next;
	if (t->next != NULL)
		t->next->prev = t->prev;
	pthread_mutex_unlock(&threads.lock);
	t->listed = false;
}

static void threads_init(void)
{
	(void)pthread_key_create(&threads.key, thread_end);
}

static void thread_list(struct thread *t)
{
	(void)pthread_once(&threads_once, threads_init);
	(void)pthread_setspecific(threads.key, t);
	(void)ddi_get_kt_did();
	pthread_mutex_lock(&threads.lock);
	t->next = threads.list;
	t->prev = &threads.list;
	if (t->next != NULL)
		t->next->prev = &t->next;
	threads.list = t;
	pthread_mutex_unlock(&threads.lock);
	t->listed = true;
}

struct caller *caller_get(void)
{
	return self.caller;
}

struct caller *caller_known(void)
{
	struct caller *c = self.caller;

	if (c != NULL && c->identify != NULL) {
		c->identify(c);
		c->identify = NULL;
	}
	return c;
}

struct as *engine_current(void)
{
	const struct caller *c = caller_known();

	return c != NULL ? c->as : NULL;
}

struct caller *caller_set(struct caller *c)
{
	struct caller *before = self.caller;

	if (!self.listed)
		thread_list(&self);
	pthread_mutex_lock(&self.lock);
	self.caller = c;
	pthread_mutex_unlock(&self.lock);
	return before;
}

void caller_interrupt(struct caller *c)
{
	pthread_mutex_lock(&waits_lock);
	atomic_store(&c->interrupted, true);
	/* Wakes others who wait there too; they are used to waking early. */
	if (c->waiting_on != NULL)
		cv_broadcast(c->waiting_on);
	pthread_mutex_unlock(&waits_lock);
}

void caller_interrupt_thread(uint64_t kt_did)
{
	struct thread *t;

	pthread_mutex_lock(&threads.lock);
	for (t = threads.list; t != NULL && t->did != kt_did; t = t->next)
		;
	if (t != NULL) {
		pthread_mutex_lock(&t->lock);
		if (t->caller != NULL)
			caller_interrupt(t->caller);
		pthread_mutex_unlock(&t->lock);
	}
	pthread_mutex_unlock(&threads.lock);
}

bool caller_wait_begin(struct caller *c, kcondvar_t *cv)
{
	bool go;

	pthread_mutex_lock(&waits_lock);
	go = !atomic_exchange(&c->interrupted, false);
	if (go)
		c->waiting_on = cv;
	pthread_mutex_unlock(&waits_lock);
	return go;
}

bool caller_wait_end(struct caller *c)
{
	bool interrupted;

	pthread_mutex_lock(&waits_lock);
	c->waiting_on = NULL;
	interrupted = atomic_exchange(&c->interrupted, false);
	pthread_mutex_unlock(&waits_lock);
	return interrupted;
}
