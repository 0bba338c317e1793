/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The assertions of engine/user/held.h: they pass for who holds the lock, and fire for who does not.
 * They are checked here in every tree.
 */
#ifndef DEBUG
#define DEBUG
#endif

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "held.h"

/* In place of the DDI's, which ends the process. */
void assfail(const char *what, const char *file, int line)
{
	mock_assert(0, what, file, line);
	abort();
}

/* Another thread, which holds one lock from other_begin() to other_end(). */
struct other {
	pthread_t thread;
	pthread_barrier_t barrier;
	pthread_mutex_t *mutex;
	pthread_rwlock_t *rwlock;
	bool writes;
};

static void *other_main(void *arg)
{
	struct other *o = arg;

	if (o->mutex != NULL)
		pthread_mutex_lock(o->mutex);
	else if (o->writes)
		pthread_rwlock_wrlock(o->rwlock);
	else
		pthread_rwlock_rdlock(o->rwlock);
	pthread_barrier_wait(&o->barrier);
	pthread_barrier_wait(&o->barrier);
	if (o->mutex != NULL)
		pthread_mutex_unlock(o->mutex);
	else
		pthread_rwlock_unlock(o->rwlock);
	return NULL;
}

static void other_begin(struct other *o)
{
	pthread_barrier_init(&o->barrier, NULL, 2);
	assert_int_equal(pthread_create(&o->thread, NULL, other_main, o), 0);
	pthread_barrier_wait(&o->barrier);
}

static void other_end(struct other *o)
{
	pthread_barrier_wait(&o->barrier);
	pthread_join(o->thread, NULL);
	pthread_barrier_destroy(&o->barrier);
}

static void check_mutex(pthread_mutex_t *m)
{
	struct other o = { .mutex = m };

	expect_assert_failure(ASSERT_HELD(m));
	pthread_mutex_lock(m);
	ASSERT_HELD(m);
	pthread_mutex_unlock(m);
	expect_assert_failure(ASSERT_HELD(m));
#ifdef __GLIBC__ /* elsewhere nobody notes who */
	other_begin(&o);
	expect_assert_failure(ASSERT_HELD(m));
	other_end(&o);
#else
	(void)o;
#endif
}

static void test_mutex(void **state)
{
	pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;

	(void)state;
	check_mutex(&m);
	pthread_mutex_destroy(&m);
}

/* A region's lock is one. */
static void test_adaptive_mutex(void **state)
{
	pthread_mutexattr_t attr;
	pthread_mutex_t m;

	(void)state;
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ADAPTIVE_NP);
	pthread_mutex_init(&m, &attr);
	pthread_mutexattr_destroy(&attr);
	check_mutex(&m);
	pthread_mutex_destroy(&m);
}

struct turn {
	pthread_mutex_t mutex;
	pthread_cond_t cv;
	bool mine;
};

static void *turn_give(void *arg)
{
	struct turn *t = arg;

	pthread_mutex_lock(&t->mutex);
	t->mine = true;
	pthread_cond_signal(&t->cv);
	pthread_mutex_unlock(&t->mutex);
	return NULL;
}

static void test_after_a_wait(void **state)
{
	struct turn t = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false };
	pthread_t thread;

	(void)state;
	pthread_mutex_lock(&t.mutex);
	assert_int_equal(pthread_create(&thread, NULL, turn_give, &t), 0);
	while (!t.mine)
		pthread_cond_wait(&t.cv, &t.mutex);
	ASSERT_HELD(&t.mutex);
	pthread_mutex_unlock(&t.mutex);
	pthread_join(thread, NULL);
}

/* The child of a fork is a thread with an id of its own. */
static void test_in_a_child(void **state)
{
	pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
	int status;
	pid_t pid;

	(void)state;
	pthread_mutex_lock(&m);
	ASSERT_HELD(&m);
	pthread_mutex_unlock(&m);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		bool before = mutex_is_held(&m);

		pthread_mutex_lock(&m);
		_exit(!before && mutex_is_held(&m) ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void test_rwlock(void **state)
{
	pthread_rwlock_t rw = PTHREAD_RWLOCK_INITIALIZER;
	struct other o = { .rwlock = &rw, .writes = true };

	(void)state;
	expect_assert_failure(ASSERT_RW_HELD(&rw));
	pthread_rwlock_rdlock(&rw);
	ASSERT_RW_HELD(&rw);
	pthread_rwlock_unlock(&rw);
	expect_assert_failure(ASSERT_RW_HELD(&rw));
	pthread_rwlock_wrlock(&rw);
	ASSERT_RW_HELD(&rw);
	pthread_rwlock_unlock(&rw);
#ifdef __GLIBC__
	other_begin(&o);
	expect_assert_failure(ASSERT_RW_HELD(&rw));
	other_end(&o);
#endif
	/* It left the lock as it was. */
	o.writes = false;
	other_begin(&o);
	assert_int_equal(pthread_rwlock_tryrdlock(&rw), 0);
	ASSERT_RW_HELD(&rw);
	pthread_rwlock_unlock(&rw);
	other_end(&o);
	pthread_rwlock_destroy(&rw);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mutex),	     cmocka_unit_test(test_adaptive_mutex),
		cmocka_unit_test(test_after_a_wait), cmocka_unit_test(test_in_a_child),
		cmocka_unit_test(test_rwlock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
