/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The clock and call-outs: gethrtime(9F), timeout(9F).
 *
 * One thread runs all call-outs, earliest first; of the same moment in the order of their making.
 * It is started by the first timeout(). timer.lock guards everything here and is never held across
 * a call-out.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

#include <sys/ddi.h>
#include <sys/sunddi.h>
#include <sys/systm.h>
#include <sys/time.h>

#include "devinfo.h"

hrtime_t gethrtime(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NANOSEC + ts.tv_nsec;
}

void port_sleep_until(hrtime_t until, hrtime_t slack)
{
	struct timespec ts = { .tv_sec = until / NANOSEC, .tv_nsec = until % NANOSEC };

	(void)slack; /* that of the thread is as good */
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
		;
}

void port_relax(void)
{
}

/* A call-out that is due at `when`. Ids are counted, never used again, and grow with time. */
struct callout {
	hrtime_t when;
	uintptr_t id;
	void (*func)(void *);
	void *arg;
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed; /* an earlier call-out was added */
	pthread_cond_t done;	/* running has ended */
	bool started;
	pthread_t thread;
	struct callout *heap; /* the parent of i is (i - 1) / 2, and before it */
	size_t n, cap;
	uintptr_t last_id;
	uintptr_t running; /* id, 0: none */
} timer = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.changed = PTHREAD_COND_INITIALIZER,
	.done = PTHREAD_COND_INITIALIZER,
};

static bool before(const struct callout *a, const struct callout *b)
{
	return a->when != b->when ? a->when < b->when : a->id < b->id;
}

/* The heap_* are called with timer.lock held. Puts c at i or above, where it belongs. */
static void heap_up(size_t i, struct callout c)
{
	ASSERT_HELD(&timer.lock);
	for (; i > 0 && before(&c, &timer.heap[(i - 1) / 2]); i = (i - 1) / 2)
		timer.heap[i] = timer.heap[(i - 1) / 2];
	timer.heap[i] = c;
}

/* Puts c at i or below. */
static void heap_down(size_t i, struct callout c)
{
	size_t child;

	ASSERT_HELD(&timer.lock);
	while ((child = 2 * i + 1) < timer.n) {
		if (child + 1 < timer.n && before(&timer.heap[child + 1], &timer.heap[child]))
			child++;
		if (!before(&timer.heap[child], &c))
			break;
		timer.heap[i] = timer.heap[child];
		i = child;
	}
	timer.heap[i] = c;
}

static struct callout heap_remove(size_t i)
{
	struct callout gone, last;

	ASSERT_HELD(&timer.lock);
	gone = timer.heap[i];
	last = timer.heap[--timer.n];
	if (i < timer.n) {
		if (i > 0 && before(&last, &timer.heap[(i - 1) / 2]))
			heap_up(i, last);
		else
			heap_down(i, last);
	}
	return gone;
}

static void heap_add(struct callout c)
{
	ASSERT_HELD(&timer.lock);
	if (timer.n == timer.cap) {
		size_t cap = timer.cap != 0 ? 2 * timer.cap : 16;
		struct callout *heap = realloc(timer.heap, cap * sizeof(*heap));

		if (heap == NULL)
			panic("timeout: no memory for %zu call-outs", cap);
		timer.heap = heap;
		timer.cap = cap;
	}
	heap_up(timer.n++, c);
}

/* Called with timer.lock held: until something is due, or the heap has changed. */
static void timer_sleep(void)
{
	struct timespec ts;

	ASSERT_HELD(&timer.lock);
	if (timer.n == 0) {
		(void)pthread_cond_wait(&timer.changed, &timer.lock);
		return;
	}
	ts.tv_sec = timer.heap[0].when / NANOSEC;
	ts.tv_nsec = timer.heap[0].when % NANOSEC;
	(void)pthread_cond_clockwait(&timer.changed, &timer.lock, CLOCK_MONOTONIC, &ts);
}

static void *timer_thread(void *arg)
{
	(void)arg;
	(void)prctl(PR_SET_NAME, "timeout");
	(void)prctl(PR_SET_TIMERSLACK, 1000UL);
	(void)pthread_mutex_lock(&timer.lock);
	for (;;) {
		struct callout c;

		while (timer.n == 0 || timer.heap[0].when > gethrtime())
			timer_sleep();
		c = heap_remove(0);
		timer.running = c.id;
		(void)pthread_mutex_unlock(&timer.lock);
		c.func(c.arg);
		(void)pthread_mutex_lock(&timer.lock);
		timer.running = 0;
		(void)pthread_cond_broadcast(&timer.done);
	}
	return NULL;
}

/* Called with timer.lock held. */
static void timer_start(void)
{
	int error;

	ASSERT_HELD(&timer.lock);
	if (timer.started)
		return;
	error = pthread_create(&timer.thread, NULL, timer_thread, NULL);
	if (error != 0)
		panic("timeout: no thread: error %d", error);
	(void)pthread_detach(timer.thread);
	timer.started = true;
}

timeout_id_t timeout(void (*func)(void *arg), void *arg, clock_t ticks)
{
	struct callout c = { .func = func, .arg = arg };

	c.when = ticks_from_now(ticks < 1 ? 1 : ticks);
	(void)pthread_mutex_lock(&timer.lock);
	timer_start();
	c.id = ++timer.last_id;
	heap_add(c);
	if (timer.heap[0].id == c.id)
		(void)pthread_cond_signal(&timer.changed);
	(void)pthread_mutex_unlock(&timer.lock);
	return (timeout_id_t)c.id;
}

clock_t untimeout(timeout_id_t timeout_id)
{
	uintptr_t id = (uintptr_t)timeout_id;
	clock_t left = -1;

	(void)pthread_mutex_lock(&timer.lock);
	for (size_t i = 0; i < timer.n; i++) {
		if (timer.heap[i].id == id) {
			hrtime_t ns = heap_remove(i).when - gethrtime();

			left = ns > 0 ? (clock_t)NSEC_TO_TICK(ns) : 0;
			break;
		}
	}
	/* A call-out that takes itself back would wait for itself. */
	while (id != 0 && timer.running == id && !pthread_equal(pthread_self(), timer.thread))
		(void)pthread_cond_wait(&timer.done, &timer.lock);
	(void)pthread_mutex_unlock(&timer.lock);
	return left;
}
