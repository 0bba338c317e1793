/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The engine's threads: see pool.h. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "held.h"
#include "log.h"
#include "pool.h"

#define IDLE_WANTED 2	  /* threads kept waiting, so that an event finds one at once */
#define IDLE_MAX_MS 10000 /* one more than that goes after so long */

/*
 * epoll holds ids, not pointers: an event may have been fetched by one thread while another removes
 * its source. The table says whether the id still means something. An id is a slot and a
 * generation.
 */
struct slot {
	struct source *source;
	uint32_t generation;
	uint32_t next_free;
};

static struct {
	int epfd, wakefd;
	int urgent_epfd; /* of sources that one thread of its own serves */
	unsigned max_threads;
	atomic_uint threads, idle;
	atomic_bool stopping;
	atomic_bool warned;

	pthread_mutex_t table_lock;
	struct slot *slots;
	uint32_t nslots, free; /* free: index + 1 of the first free slot, 0: none */

	pthread_mutex_t work_lock;
	struct work *work_head, **work_tail;
} pool = {
	.table_lock = PTHREAD_MUTEX_INITIALIZER,
	.work_lock = PTHREAD_MUTEX_INITIALIZER,
};

/* Called with table_lock held. */
static int table_grow(void)
{
	uint32_t n = pool.nslots ? pool.nslots * 2 : 64;
	struct slot *slots;

	ASSERT_HELD(&pool.table_lock);
	slots = realloc(pool.slots, n * sizeof(*slots));
	if (slots == NULL)
		return -ENOMEM;
	for (uint32_t i = n; i > pool.nslots; i--) {
		slots[i - 1] = (struct slot){ .generation = 1, .next_free = pool.free };
		pool.free = i;
	}
	pool.slots = slots;
	pool.nslots = n;
	return 0;
}

static int table_add(struct source *s)
{
	int error = 0;

	pthread_mutex_lock(&pool.table_lock);
	if (pool.free == 0)
		error = table_grow();
	if (error == 0) {
		uint32_t i = pool.free - 1;

		pool.free = pool.slots[i].next_free;
		pool.slots[i].source = s;
		s->id = (uint64_t)pool.slots[i].generation << 32 | i;
		s->refs = 1;
	}
	pthread_mutex_unlock(&pool.table_lock);
	return error;
}

/* The source with this id, with a reference, or NULL if it has been removed. */
static struct source *table_get(uint64_t id)
{
	uint32_t i = (uint32_t)id;
	struct source *s = NULL;

	pthread_mutex_lock(&pool.table_lock);
	if (i < pool.nslots && pool.slots[i].generation == id >> 32 &&
	    pool.slots[i].source != NULL) {
		s = pool.slots[i].source;
		s->refs++;
	}
	pthread_mutex_unlock(&pool.table_lock);
	return s;
}

static void source_put(struct source *s)
{
	bool last;

	pthread_mutex_lock(&pool.table_lock);
	last = --s->refs == 0;
	pthread_mutex_unlock(&pool.table_lock);
	if (last)
		s->release(s);
}

static void table_remove(struct source *s)
{
	uint32_t i = (uint32_t)s->id;

	pthread_mutex_lock(&pool.table_lock);
	pool.slots[i].source = NULL;
	pool.slots[i].generation++;
	pool.slots[i].next_free = pool.free;
	pool.free = i + 1;
	pthread_mutex_unlock(&pool.table_lock);
}

static int source_wait(struct source *s, int op)
{
	const uint32_t input = s->hangup ? 0 : EPOLLIN | EPOLLRDHUP;
	struct epoll_event ev = { .events = input | EPOLLONESHOT, .data.u64 = s->id };
	int epfd = s->urgent ? pool.urgent_epfd : pool.epfd;

	return epoll_ctl(epfd, op, s->fd, &ev) == 0 ? 0 : -errno;
}

int source_add(struct source *s)
{
	int error = table_add(s);

	if (error != 0)
		return error;
	error = source_wait(s, EPOLL_CTL_ADD);
	if (error != 0) {
		table_remove(s);
		s->id = 0;
	}
	return error;
}

void source_arm(struct source *s)
{
	/* Fails with ENOENT if another thread has removed the source meanwhile: nothing to arm. */
	(void)source_wait(s, EPOLL_CTL_MOD);
}

void source_arm_id(uint64_t id)
{
	struct source *s = table_get(id);

	if (s == NULL)
		return;
	source_arm(s);
	source_put(s);
}

void source_remove(struct source *s)
{
	table_remove(s);
	(void)source_wait(s, EPOLL_CTL_DEL);
	source_put(s);
}

static void *pool_thread(void *arg);

/* One thread more. False: the system has none to give. */
static bool pool_grow(void)
{
	pthread_t t;

	atomic_fetch_add(&pool.threads, 1);
	if (pthread_create(&t, NULL, pool_thread, NULL) != 0) {
		atomic_fetch_sub(&pool.threads, 1);
		return false;
	}
	pthread_detach(t);
	return true;
}

static bool work_waits(void)
{
	bool waits;

	pthread_mutex_lock(&pool.work_lock);
	waits = pool.work_head != NULL;
	pthread_mutex_unlock(&pool.work_lock);
	return waits;
}

/*
 * Sees to it that somebody is left to wait for the next event before this thread calls a driver.
 * The bound on threads is for requests. Work is what others wait for: a fault whose turn has come,
 * a close(9E), the end of a process. All threads may be waiting just for it, so it gets one beyond
 * the bound.
 */
static void pool_reinforce(void)
{
	if (atomic_load(&pool.idle) >= IDLE_WANTED)
		return;
	if (atomic_load(&pool.threads) < pool.max_threads ||
	    (atomic_load(&pool.idle) == 0 && work_waits()))
		(void)pool_grow();
	else if (!atomic_exchange(&pool.warned, true))
		log_warn("all %u threads are busy in driver calls; more requests wait",
			 pool.max_threads);
}

void pool_lend(void)
{
	atomic_fetch_sub(&pool.threads, 1);
	pool_reinforce();
}

void pool_return(void)
{
	atomic_fetch_add(&pool.threads, 1);
}

void pool_run(struct work *w)
{
	uint64_t one = 1;

	w->next = NULL;
	pthread_mutex_lock(&pool.work_lock);
	*pool.work_tail = w;
	pool.work_tail = &w->next;
	pthread_mutex_unlock(&pool.work_lock);
	if (write(pool.wakefd, &one, sizeof(one)) < 0)
		log_warn("eventfd: %s", strerror(errno));
	if (atomic_load(&pool.idle) == 0)
		(void)pool_grow();
}

static struct work *work_take(void)
{
	struct work *w;

	pthread_mutex_lock(&pool.work_lock);
	w = pool.work_head;
	if (w != NULL) {
		pool.work_head = w->next;
		if (pool.work_head == NULL)
			pool.work_tail = &pool.work_head;
	}
	pthread_mutex_unlock(&pool.work_lock);
	return w;
}

static void serve_work(void)
{
	uint64_t count;
	struct work *w;

	/* A semaphore: one thread for one piece of work. */
	if (read(pool.wakefd, &count, sizeof(count)) == sizeof(count) && (w = work_take()) != NULL)
		w->run(w);
}

static void serve_source(const struct epoll_event *ev)
{
	struct source *s = table_get(ev->data.u64);

	if (s != NULL) {
		s->ready(s, ev->events);
		source_put(s);
	}
}

/* One turn of a thread: wait, then serve. Returns false if it has been idle for long. */
static bool pool_turn(void)
{
	struct epoll_event ev;
	int n;

	atomic_fetch_add(&pool.idle, 1);
	n = epoll_wait(pool.epfd, &ev, 1, IDLE_MAX_MS);
	atomic_fetch_sub(&pool.idle, 1);
	if (n == 0)
		return false;
	if (n < 0 || atomic_load(&pool.stopping))
		return true;
	pool_reinforce();
	if (ev.data.u64 == 0)
		serve_work();
	else
		serve_source(&ev);
	return true;
}

static void *pool_thread(void *arg)
{
	(void)arg;
	(void)prctl(PR_SET_TIMERSLACK, 1000UL);
	while (!atomic_load(&pool.stopping)) {
		if (!pool_turn() && atomic_load(&pool.idle) > IDLE_WANTED)
			break;
		if (atomic_load(&pool.threads) > pool.max_threads &&
		    atomic_load(&pool.idle) >= IDLE_WANTED)
			break; /* one that was lent, and has been replaced */
	}
	atomic_fetch_sub(&pool.threads, 1);
	return NULL;
}

/* Serves urgent sources, for ever. */
static void *urgent_thread(void *arg)
{
	struct epoll_event ev;

	for (;;)
		if (epoll_wait(pool.urgent_epfd, &ev, 1, -1) == 1)
			serve_source(&ev);
	return arg;
}

int pool_init(unsigned max_threads)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLEXCLUSIVE, .data.u64 = 0 };
	pthread_t t;
	int error;

	pool.max_threads = max_threads;
	pool.work_tail = &pool.work_head;
	pool.epfd = epoll_create1(EPOLL_CLOEXEC);
	pool.urgent_epfd = epoll_create1(EPOLL_CLOEXEC);
	pool.wakefd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE);
	if (pool.epfd < 0 || pool.urgent_epfd < 0 || pool.wakefd < 0 ||
	    epoll_ctl(pool.epfd, EPOLL_CTL_ADD, pool.wakefd, &ev) != 0)
		return -errno;
	error = pthread_create(&t, NULL, urgent_thread, NULL);
	if (error == 0)
		pthread_detach(t);
	return -error;
}

void pool_loop(void)
{
	(void)prctl(PR_SET_TIMERSLACK, 1000UL);
	atomic_fetch_add(&pool.threads, 1);
	while (!atomic_load(&pool.stopping))
		(void)pool_turn();
	atomic_fetch_sub(&pool.threads, 1);
}

void pool_stop(void)
{
	uint64_t many = 1u << 20;

	atomic_store(&pool.stopping, true);
	if (write(pool.wakefd, &many, sizeof(many)) < 0)
		log_warn("eventfd: %s", strerror(errno));
}
