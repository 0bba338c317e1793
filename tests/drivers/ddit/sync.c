/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Locks and condition variables, among threads. A wake-up that is lost shows as a check that does not
 * end.
 */
#define DEVMAP_MODULE_PART
#include "check.h"

#include <sys/callo.h>
#include <sys/kmem.h>

#define ROUNDS 5000

static void start_all(void (*fn)(void *arg), void *arg)
{
	for (int i = 0; i < DDIT_WORKERS; i++)
		job_start(fn, arg);
}

/* Mutexes. */

static kmutex_t mtx; /* filled with zeros, and never initialised */
static kcondvar_t cond;
static long shared;

static void add_many(void *arg)
{
	for (int i = 0; i < ROUNDS; i++) {
		mutex_enter(&mtx);
		shared++;
		mutex_exit(&mtx);
	}
}

void check_mutex_excludes(struct check *c)
{
	shared = 0;
	start_all(add_many, NULL);
	jobs_wait();
	CHECK_EQ(c, shared, DDIT_WORKERS * ROUNDS);
}

static void try_and_own(void *arg)
{
	int *result = arg;

	result[0] = mutex_tryenter(&mtx);
	result[1] = mutex_owned(&mtx);
	mutex_exit(&mtx); /* C26: a message, and still held */
	result[2] = mutex_tryenter(&mtx);
}

void check_mutex_owner(struct check *c)
{
	int result[3] = { 9, 9, 9 };

	CHECK(c, MUTEX_NOT_HELD(&mtx));
	CHECK(c, mutex_tryenter(&mtx));
	job_start(try_and_own, result);
	jobs_wait();
	mutex_destroy(&mtx); /* the same */
	if (MUTEX_HELD(&mtx))
		mutex_exit(&mtx);
	else
		check_failed(c, __LINE__, "the mutex is not held any more");
	CHECK_EQ(c, result[0], 0);
	CHECK_EQ(c, result[1], 0);
	CHECK_EQ(c, result[2], 0);
	CHECK(c, MUTEX_NOT_HELD(&mtx));
}

/*
 * Objects whose last reference is dropped under their own lock. Who drops it fills the object with
 * zeros at once: whoever is not done with the lock then meets them, or leaves something in them.
 * Every other object is freed, for those who watch that.
 */
#define OBJECTS 32

struct object {
	kmutex_t lock;
	krwlock_t rw;
	unsigned refs;
};

static struct {
	void (*enter)(struct object *o);
	void (*leave)(struct object *o);
	void (*destroy)(struct object *o);
	struct object *o[OBJECTS];
	unsigned seed;
	int gone;
} drops;

static void o_mutex_enter(struct object *o)
{
	mutex_enter(&o->lock);
}

static void o_mutex_leave(struct object *o)
{
	mutex_exit(&o->lock);
}

static void o_mutex_destroy(struct object *o)
{
	mutex_destroy(&o->lock);
}

static void o_rw_enter(struct object *o)
{
	rw_enter(&o->rw, RW_WRITER);
}

static void o_rw_leave(struct object *o)
{
	rw_exit(&o->rw);
}

static void o_rw_destroy(struct object *o)
{
	rw_destroy(&o->rw);
}

static void drop_all(void *arg)
{
	for (int i = 0; i < OBJECTS; i++) {
		struct object *o = drops.o[i];
		int last;

		drops.enter(o);
		/* Held for so long that others wait, some of them asleep. */
		drv_usecwait(i % 8 == 0 ? 100 : i % 4);
		last = --o->refs == 0;
		drops.leave(o);
		if (!last)
			continue;
		drops.destroy(o);
		bzero(o, sizeof(*o));
		if (i % 2 == 0)
			kmem_free(o, sizeof(*o));
		(void)__atomic_add_fetch(&drops.gone, 1, __ATOMIC_RELAXED);
	}
}

static boolean_t zeros(const void *p, size_t n)
{
	for (const char *s = p; n > 0; n--)
		if (*s++ != 0)
			return B_FALSE;
	return B_TRUE;
}

static void drop_objects(struct check *c)
{
	int touched = 0;

	drops.gone = 0;
	for (int i = 0; i < OBJECTS; i++) {
		drops.o[i] = kmem_zalloc(sizeof(struct object), KM_SLEEP);
		mutex_init(&drops.o[i]->lock, NULL, MUTEX_DRIVER, NULL);
		rw_init(&drops.o[i]->rw, NULL, RW_DRIVER, NULL);
		drops.o[i]->refs = DDIT_WORKERS;
	}
	start_all(drop_all, NULL);
	jobs_wait();
	for (int i = 1; i < OBJECTS; i += 2) {
		touched += !zeros(drops.o[i], sizeof(struct object));
		kmem_free(drops.o[i], sizeof(struct object));
	}
	CHECK_EQ(c, drops.gone, OBJECTS);
	CHECK_EQ(c, touched, 0);
}

void check_mutex_freed(struct check *c)
{
	drops.enter = o_mutex_enter;
	drops.leave = o_mutex_leave;
	drops.destroy = o_mutex_destroy;
	for (int i = 0; i < 40 && c->line == 0; i++)
		drop_objects(c);
}

void check_rw_freed(struct check *c)
{
	drops.enter = o_rw_enter;
	drops.leave = o_rw_leave;
	drops.destroy = o_rw_destroy;
	for (int i = 0; i < 10 && c->line == 0; i++)
		drop_objects(c);
}

/* Condition variables. */

static unsigned turn;

static void play(void *arg)
{
	unsigned me = *(unsigned *)arg;

	for (unsigned i = 0; i < ROUNDS / 4; i++) {
		mutex_enter(&mtx);
		while (turn % 2 != me)
			cv_wait(&cond, &mtx);
		turn++;
		cv_signal(&cond);
		mutex_exit(&mtx);
	}
}

void check_cv_ping_pong(struct check *c)
{
	unsigned me[2] = { 0, 1 };

	turn = 0;
	job_start(play, &me[1]);
	play(&me[0]);
	jobs_wait();
	CHECK_EQ(c, turn, ROUNDS / 4 * 2);
}

void check_cv_times(struct check *c)
{
	clock_t result[7], now = ddi_get_lbolt(), end;
	hrtime_t begin, hires;

	mutex_enter(&mtx);
	result[0] = cv_timedwait(&cond, &mtx, now - 1);
	result[1] = cv_timedwait(&cond, &mtx, now + 20);
	end = ddi_get_lbolt();
	result[2] = cv_reltimedwait(&cond, &mtx, 5, TR_CLOCK_TICK);
	result[3] = cv_reltimedwait_sig(&cond, &mtx, 0, TR_CLOCK_TICK);
	result[4] = cv_timedwait_sig(&cond, &mtx, ddi_get_lbolt() + 2);
	result[5] = cv_timedwait_hires(&cond, &mtx, 300000, 1, 0);
	begin = gethrtime();
	result[6] = cv_timedwait_sig_hires(&cond, &mtx, begin + 500000, 1, CALLOUT_FLAG_ABSOLUTE);
	hires = gethrtime();
	mutex_exit(&mtx);
	for (int i = 0; i < 7; i++)
		CHECK_EQ(c, result[i], -1);
	CHECK(c, end >= now + 20);
	CHECK(c, hires >= begin + 500000);
}

static int rung;

static void ring(void *arg)
{
	delay(20);
	mutex_enter(&mtx);
	rung = 1;
	cv_broadcast(&cond);
	mutex_exit(&mtx);
}

/* Each wait ends by the signal, with ticks left: not at once, with -1. */
static clock_t wait_for_ring(int which)
{
	const clock_t huge = INT64_MAX;
	clock_t left = 0;

	rung = 0;
	mutex_enter(&mtx); /* it signals when we wait, not before */
	job_start(ring, NULL);
	while (!rung && left >= 0) {
		if (which == 0)
			left = cv_timedwait(&cond, &mtx, huge);
		else if (which == 1)
			left = cv_reltimedwait(&cond, &mtx, huge, TR_SEC);
		else if (which == 2)
			left = cv_reltimedwait(&cond, &mtx, huge / 1000000 + 1, TR_SEC);
		else if (which == 3)
			left = cv_timedwait_hires(&cond, &mtx, huge, 1000, CALLOUT_FLAG_ROUNDUP);
		else
			left = cv_timedwait_hires(&cond, &mtx, huge, 1, CALLOUT_FLAG_ABSOLUTE);
	}
	mutex_exit(&mtx);
	jobs_wait();
	return left;
}

void check_cv_huge(struct check *c)
{
	for (int which = 0; which < 5; which++)
		CHECK(c, wait_for_ring(which) > 1000000000);
}

/* Readers/writer locks. */

static krwlock_t rw; /* filled with zeros */
static long rw_a, rw_b;
static int rw_torn;

static void rw_read(void *arg)
{
	for (int i = 0; i < ROUNDS / 4; i++) {
		rw_enter(&rw, RW_READER);
		if (rw_a != rw_b)
			(void)__atomic_add_fetch(&rw_torn, 1, __ATOMIC_RELAXED);
		if (i % 16 == 0 && rw_tryupgrade(&rw)) {
			rw_a++;
			rw_b++;
			rw_downgrade(&rw);
		}
		rw_exit(&rw);
	}
}

static void rw_write(void *arg)
{
	for (int i = 0; i < ROUNDS / 8; i++) {
		if (i % 4 != 0 || !rw_tryenter(&rw, RW_WRITER))
			rw_enter(&rw, RW_WRITER);
		rw_a++;
		rw_b++;
		rw_exit(&rw);
	}
}

void check_rw_excludes(struct check *c)
{
	rw_a = rw_b = rw_torn = 0;
	for (int i = 0; i < DDIT_WORKERS; i++)
		job_start(i % 2 == 0 ? rw_read : rw_write, NULL);
	jobs_wait();
	CHECK_EQ(c, rw_torn, 0);
	CHECK(c, rw_a >= 2 * (ROUNDS / 8) && rw_a == rw_b);
	CHECK(c, !rw_lock_held(&rw));
}

static void rw_write_once(void *arg)
{
	unsigned *step = arg;

	__atomic_store_n(step, 1, __ATOMIC_RELAXED);
	rw_enter(&rw, RW_WRITER);
	__atomic_store_n(step, 2, __ATOMIC_RELAXED);
	rw_exit(&rw);
}

void check_rw_states(struct check *c)
{
	unsigned step = 0;
	int entered;

	rw_init(&rw, NULL, RW_DRIVER, NULL);
	rw_enter(&rw, RW_READER);
	CHECK(c, rw_tryenter(&rw, RW_READER));
	CHECK(c, rw_read_locked(&rw) && !rw_write_held(&rw));
	CHECK(c, !rw_tryupgrade(&rw));
	rw_exit(&rw);
	CHECK(c, rw_tryupgrade(&rw));
	CHECK(c, rw_write_held(&rw));
	CHECK(c, !rw_tryenter(&rw, RW_READER));
	rw_downgrade(&rw);
	/* A reader gets in until the writer waits: who waits goes first. */
	job_start(rw_write_once, &step);
	while ((entered = rw_tryenter(&rw, RW_READER)) != 0) {
		rw_exit(&rw);
		delay(1);
	}
	CHECK_EQ(c, __atomic_load_n(&step, __ATOMIC_RELAXED), 1);
	rw_exit(&rw);
	jobs_wait();
	CHECK_EQ(c, step, 2);
	rw_exit(&rw); /* C26: a message */
	rw_destroy(&rw);
}

/* Semaphores. */

static ksema_t full, empty;

static void consume(void *arg)
{
	unsigned *n = arg;

	for (int i = 0; i < ROUNDS / 4; i++) {
		sema_p(&full);
		++*n;
		sema_v(&empty);
	}
}

void check_sema_counts(struct check *c)
{
	unsigned n = 0;

	sema_init(&full, 0, NULL, SEMA_DRIVER, NULL);
	sema_init(&empty, 3, NULL, SEMA_DRIVER, NULL);
	job_start(consume, &n);
	for (int i = 0; i < ROUNDS / 4; i++) {
		sema_p(&empty);
		sema_v(&full);
	}
	jobs_wait();
	CHECK_EQ(c, n, ROUNDS / 4);
	CHECK(c, sema_tryp(&empty) && sema_tryp(&empty) && sema_tryp(&empty));
	CHECK(c, !sema_tryp(&empty));
	sema_destroy(&full);
	sema_destroy(&empty);
}

struct gate {
	ksema_t opened;
};

static struct gate *gates[64];

static void open_gates(void *arg)
{
	for (int i = 0; i < 64; i++)
		sema_v(&gates[i]->opened);
}

/* What somebody waits for on his stack, most often. */
void check_sema_freed(struct check *c)
{
	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < 64; i++)
			gates[i] = kmem_zalloc(sizeof(struct gate), KM_SLEEP);
		job_start(open_gates, NULL);
		for (int i = 0; i < 64; i++) {
			sema_p(&gates[i]->opened);
			sema_destroy(&gates[i]->opened);
			bzero(gates[i], sizeof(struct gate));
			kmem_free(gates[i], sizeof(struct gate));
		}
		jobs_wait();
	}
}
