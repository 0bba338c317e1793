/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What is the user engine's own of mutex(9F), condvar(9F), semaphore(9F) and timeout(9F): messages,
 * ends of the process, and the interruption of waits, which must lose nothing however it falls. A
 * wake-up that is lost shows as a test that does not end: the alarm ends it. The rest is
 * tests/drivers/ddit.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sys/ddi.h>
#include <sys/sunddi.h>

#include "caller.h"
#include "fake_pages.h"

#define ROUNDS 100000
#define TEST_S 240

/* Small, different delays, so that two threads meet at every point of each other's way. */
static void jitter(unsigned *seed, unsigned max)
{
	*seed = *seed * 1103515245u + 12345u;
	for (volatile unsigned n = (*seed >> 16) % max; n > 0; n--)
		;
}

static void wait_for(atomic_uint *counter, unsigned value)
{
	for (unsigned n = 0; atomic_load(counter) < value; n++)
		if (n % 64 == 63)
			(void)sched_yield();
}

static pthread_t start(void *(*fn)(void *), void *arg)
{
	pthread_t t;

	assert_int_equal(pthread_create(&t, NULL, fn, arg), 0);
	return t;
}

/* Mutexes. */

static kmutex_t mtx; /* zero filled, never initialised */

static void *try_and_own(void *arg)
{
	int *result = arg;

	result[0] = mutex_tryenter(&mtx);
	result[1] = mutex_owned(&mtx);
	return NULL;
}

static void mutex_owner(void **state)
{
	int result[2];

	(void)state;
	assert_false(MUTEX_HELD(&mtx));
	assert_true(mutex_tryenter(&mtx));
	assert_true(MUTEX_HELD(&mtx));
	(void)pthread_join(start(try_and_own, result), NULL);
	assert_int_equal(result[0], 0);
	assert_int_equal(result[1], 0);
	mutex_exit(&mtx);
	assert_true(MUTEX_NOT_HELD(&mtx));
}

/* One place in the code, whatever the compiler does to the loop below. */
__attribute__((noinline)) static void exit_once(void)
{
	mutex_exit(&mtx);
	__asm__ volatile("");
}

static void *exit_wrongly(void *arg)
{
	(void)arg;
	for (int i = 0; i < 3; i++)
		exit_once();
	return NULL;
}

static void mutex_mistakes(void **state)
{
	const char *text;
	int result[2];

	(void)state;
	mutex_enter(&mtx);
	log_capture();
	(void)pthread_join(start(exit_wrongly, NULL), NULL);
	text = log_captured();
	assert_non_null(strstr(text, "devmap: devmap: mutex_exit: this thread does not hold"));
	assert_ptr_equal(strchr(text, '\n'), strrchr(text, '\n')); /* said once */
	(void)pthread_join(start(try_and_own, result), NULL);
	assert_int_equal(result[0], 0); /* and still held */
	mutex_exit(&mtx);
}

/* Runs fn in a child, which is to abort; what it said. */
static const char *abort_of(void (*fn)(void))
{
	int status = 0;
	pid_t pid;

	log_capture();
	pid = fork();
	if (pid == 0) {
		(void)signal(SIGABRT, SIG_DFL);
		fn();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	return log_captured();
}

static void enter_twice(void)
{
	mutex_enter(&mtx);
	mutex_enter(&mtx);
}

static void wait_without(void)
{
	kcondvar_t cv = { 0 };

	cv_wait(&cv, &mtx);
}

static void fatal_mistakes(void **state)
{
	(void)state;
	assert_non_null(strstr(abort_of(enter_twice), "mutex_enter: this thread holds"));
	assert_non_null(strstr(abort_of(wait_without), "cv_wait: this thread does not hold"));
}

/* Condition variables. */

static kcondvar_t cond; /* zero filled */
/* Interruption. One thread waits, another interrupts, over and over. */

static struct {
	struct caller caller;
	atomic_uint begun, done; /* rounds */
	uint64_t did;
	bool by_thread;
	bool timed;
} race;

static int interruptible_wait(void)
{
	if (race.timed)
		return (int)cv_timedwait_sig_hires(&cond, &mtx, NANOSEC * TEST_S, 1, 0);
	return cv_wait_sig(&cond, &mtx);
}

static void *race_waiter(void *arg)
{
	unsigned seed = 1;

	(void)arg;
	race.did = ddi_get_kt_did();
	for (unsigned i = 1; i <= ROUNDS; i++) {
		(void)caller_set(&race.caller);
		atomic_store(&race.begun, i);
		jitter(&seed, 400);
		mutex_enter(&mtx);
		while (interruptible_wait() != 0)
			;
		mutex_exit(&mtx);
		(void)caller_set(NULL);
		if (atomic_load(&race.caller.interrupted))
			abort(); /* one interruption ended one wait */
		atomic_store(&race.done, i);
	}
	return NULL;
}

static void race_run(bool by_thread, bool timed)
{
	unsigned seed = 2;
	pthread_t t;

	race.by_thread = by_thread;
	race.timed = timed;
	atomic_store(&race.begun, 0);
	atomic_store(&race.done, 0);
	t = start(race_waiter, NULL);
	for (unsigned i = 1; i <= ROUNDS; i++) {
		wait_for(&race.begun, i);
		jitter(&seed, 600);
		if (by_thread)
			caller_interrupt_thread(race.did);
		else
			caller_interrupt(&race.caller);
		wait_for(&race.done, i);
	}
	(void)pthread_join(t, NULL);
	assert_null(race.caller.waiting_on);
}

static void interrupt_race(void **state)
{
	(void)state;
	race_run(false, false);
}

static void interrupt_race_timed(void **state)
{
	(void)state;
	race_run(false, true);
}

static void interrupt_race_thread(void **state)
{
	(void)state;
	race_run(true, false);
}

static void interrupt_ends_one_wait(void **state)
{
	struct caller caller = { .pid = 1 };

	(void)state;
	(void)caller_set(&caller);
	caller_interrupt(&caller);
	mutex_enter(&mtx);
	/* Not interruptible. */
	assert_int_equal(cv_timedwait(&cond, &mtx, ddi_get_lbolt() + 1), -1);
	assert_int_equal(cv_wait_sig(&cond, &mtx), 0);
	assert_int_equal(cv_timedwait_sig(&cond, &mtx, ddi_get_lbolt() + 1), -1);
	caller_interrupt(&caller);
	caller_interrupt(&caller);
	assert_int_equal(cv_timedwait_sig(&cond, &mtx, ddi_get_lbolt() + 100000), 0);
	assert_int_equal(cv_timedwait_sig(&cond, &mtx, ddi_get_lbolt() + 1), -1);
	mutex_exit(&mtx);
	assert_ptr_equal(caller_set(NULL), &caller);
	caller_interrupt_thread(ddi_get_kt_did()); /* no caller: nothing */
	caller_interrupt_thread(~0ULL);
}

/*
 * Items are handed to whoever takes them, one signal for each, to threads that are interrupted at
 * random: a signal that an interrupted thread swallowed would leave an item, and the producer,
 * waiting.
 */
static struct {
	struct caller caller[3];
	unsigned items, taken;
	atomic_bool stop;
} feed;
static kcondvar_t feed_done;

static void *feed_taker(void *arg)
{
	struct caller *c = arg;

	(void)caller_set(c);
	mutex_enter(&mtx);
	while (!atomic_load(&feed.stop)) {
		if (feed.items == 0) {
			(void)cv_wait_sig(&cond, &mtx);
			continue;
		}
		feed.items--;
		feed.taken++;
		cv_signal(&feed_done);
	}
	mutex_exit(&mtx);
	(void)caller_set(NULL);
	return NULL;
}

static void *feed_interrupter(void *arg)
{
	unsigned seed = 3;

	(void)arg;
	while (!atomic_load(&feed.stop)) {
		jitter(&seed, 2000);
		caller_interrupt(&feed.caller[seed % 3]);
		(void)sched_yield();
	}
	return NULL;
}

static void interrupt_and_signal(void **state)
{
	pthread_t t[4];

	(void)state;
	for (int i = 0; i < 3; i++)
		t[i] = start(feed_taker, &feed.caller[i]);
	t[3] = start(feed_interrupter, NULL);
	for (unsigned i = 0; i < ROUNDS / 10; i++) {
		mutex_enter(&mtx);
		feed.items++;
		cv_signal(&cond);
		while (feed.taken <= i)
			cv_wait(&feed_done, &mtx);
		mutex_exit(&mtx);
	}
	mutex_enter(&mtx);
	atomic_store(&feed.stop, true);
	cv_broadcast(&cond);
	mutex_exit(&mtx);
	for (int i = 0; i < 4; i++)
		(void)pthread_join(t[i], NULL);
	assert_int_equal(feed.taken, ROUNDS / 10);
}

/* Semaphores. */

static void *interrupt_later(void *arg)
{
	delay(5);
	caller_interrupt(arg);
	return NULL;
}

static void sema_interrupted(void **state)
{
	struct caller caller = { .pid = 1 };
	ksema_t sem = { 0 };
	pthread_t t;

	(void)state;
	(void)caller_set(&caller);
	t = start(interrupt_later, &caller);
	assert_int_equal(sema_p_sig(&sem), 1);
	(void)pthread_join(t, NULL);
	sema_v(&sem);
	assert_int_equal(sema_p_sig(&sem), 0); /* there is one to take: no wait */
	(void)caller_set(NULL);
}

static struct {
	atomic_int n;
} fired;

static _Atomic(timeout_id_t) own_id;

static void fire_untimeout(void *arg)
{
	(void)arg;
	while (own_id == NULL)
		delay(1);
	(void)untimeout(own_id);
	fired.n = 7;
}

static void untimeout_of_itself(void **state)
{
	(void)state;
	fired.n = 0;
	own_id = timeout(fire_untimeout, NULL, 1);
	while (fired.n != 7)
		delay(1);
}

static atomic_int ran;

static void fire_count(void *arg)
{
	(void)arg;
	ran++;
}

static void *timeout_many(void *arg)
{
	unsigned seed = *(unsigned *)arg;
	int cancelled = 0;
	timeout_id_t ids[64];

	for (int i = 0; i < 2000; i++) {
		jitter(&seed, 500);
		if (i >= 64 && untimeout(ids[i % 64]) >= 0)
			cancelled++;
		ids[i % 64] = timeout(fire_count, NULL, (clock_t)(seed >> 16) % 4);
	}
	for (int i = 0; i < 64; i++)
		if (untimeout(ids[i]) >= 0)
			cancelled++;
	return (void *)(intptr_t)cancelled;
}

static void timeout_stress(void **state)
{
	unsigned seeds[3] = { 1, 22, 333 };
	intptr_t cancelled = 0;
	pthread_t t[3];

	(void)state;
	for (int i = 0; i < 3; i++)
		t[i] = start(timeout_many, &seeds[i]);
	for (int i = 0; i < 3; i++) {
		void *n;

		(void)pthread_join(t[i], &n);
		cancelled += (intptr_t)n;
	}
	/* Each was either taken back or has run to its end. */
	assert_int_equal(ran + cancelled, 3 * 2000);
}

static void *did_of(void *arg)
{
	*(kt_did_t *)arg = ddi_get_kt_did();
	return NULL;
}

static void thread_ids(void **state)
{
	kt_did_t ids[3];

	(void)state;
	for (int i = 0; i < 3; i++)
		(void)pthread_join(start(did_of, &ids[i]), NULL);
	assert_true(ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2]);
	assert_true(ddi_get_kt_did() == ddi_get_kt_did() && ddi_get_kt_did() != ids[2]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fatal_mistakes),
		cmocka_unit_test(thread_ids),
		cmocka_unit_test(mutex_owner),
		cmocka_unit_test(mutex_mistakes),
		cmocka_unit_test(interrupt_ends_one_wait),
		cmocka_unit_test(interrupt_race),
		cmocka_unit_test(interrupt_race_timed),
		cmocka_unit_test(interrupt_race_thread),
		cmocka_unit_test(interrupt_and_signal),
		cmocka_unit_test(sema_interrupted),
		cmocka_unit_test(untimeout_of_itself),
		cmocka_unit_test(timeout_stress),
	};

	(void)alarm(TEST_S);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("ddi_sync", tests, NULL, NULL);
}
