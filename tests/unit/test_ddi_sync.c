/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * mutex(9F), condvar(9F), rwlock(9F), semaphore(9F), timeout(9F) of the user engine, under threads;
 * and the interruption of waits, which must lose nothing however it falls. A wake-up that is lost
 * shows as a test that does not end: the alarm ends it.
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

#include "context.h"
#include "fake_pages.h"

#define ROUNDS	100000
#define TEST_S	240

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

static kmutex_t mtx;			/* zero filled, never initialised */
static long shared;

static void *add_many(void *arg)
{
	(void)arg;
	for (int i = 0; i < ROUNDS; i++) {
		mutex_enter(&mtx);
		shared++;
		mutex_exit(&mtx);
	}
	return NULL;
}

static void mutex_excludes(void **state)
{
	pthread_t t[4];

	(void)state;
	for (int i = 0; i < 4; i++)
		t[i] = start(add_many, NULL);
	for (int i = 0; i < 4; i++)
		(void)pthread_join(t[i], NULL);
	assert_int_equal(shared, 4 * ROUNDS);
}

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
	__asm__ volatile ("");
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
	assert_ptr_equal(strchr(text, '\n'), strrchr(text, '\n'));	/* said once */
	(void)pthread_join(start(try_and_own, result), NULL);
	assert_int_equal(result[0], 0);		/* and still held */
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

static kcondvar_t cond;			/* zero filled */
static unsigned turn;

static void *play(void *arg)
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
	return NULL;
}

static void cv_ping_pong(void **state)
{
	unsigned me[2] = { 0, 1 };
	pthread_t t;

	(void)state;
	turn = 0;
	t = start(play, &me[1]);
	(void)play(&me[0]);
	(void)pthread_join(t, NULL);
	assert_int_equal(turn, ROUNDS / 4 * 2);
}

static void cv_times(void **state)
{
	hrtime_t begin = gethrtime();
	clock_t now = ddi_get_lbolt();

	(void)state;
	mutex_enter(&mtx);
	assert_int_equal(cv_timedwait(&cond, &mtx, now - 1), -1);
	assert_int_equal(cv_timedwait(&cond, &mtx, now + 20), -1);
	assert_true(ddi_get_lbolt() >= now + 20);
	assert_int_equal(cv_reltimedwait(&cond, &mtx, 5, TR_CLOCK_TICK), -1);
	assert_int_equal(cv_reltimedwait_sig(&cond, &mtx, 0, TR_CLOCK_TICK), -1);
	assert_int_equal(cv_timedwait_sig(&cond, &mtx, ddi_get_lbolt() + 2), -1);
	assert_int_equal(cv_timedwait_hires(&cond, &mtx, 300000, 1, 0), -1);
	begin = gethrtime();
	assert_int_equal(cv_timedwait_sig_hires(&cond, &mtx, begin + 500000, 1,
		    CALLOUT_FLAG_ABSOLUTE), -1);
	assert_true(gethrtime() >= begin + 500000);
	mutex_exit(&mtx);
}

static atomic_bool flag;

static void *signal_later(void *arg)
{
	(void)arg;
	delay(5);
	mutex_enter(&mtx);
	atomic_store(&flag, true);
	cv_broadcast(&cond);
	mutex_exit(&mtx);
	return NULL;
}

static void cv_time_left(void **state)
{
	clock_t left = 0;
	pthread_t t;

	(void)state;
	atomic_store(&flag, false);
	mutex_enter(&mtx);	/* it signals when we wait, not before */
	t = start(signal_later, NULL);
	while (!atomic_load(&flag))
		left = cv_reltimedwait(&cond, &mtx, 100000, TR_CLOCK_TICK);
	mutex_exit(&mtx);
	assert_in_range(left, 1, 100000);
	atomic_store(&flag, false);
	mutex_enter(&mtx);
	assert_true(cv_timedwait(&cond, &mtx, ddi_get_lbolt() + 1) == -1);
	mutex_exit(&mtx);
	(void)pthread_join(t, NULL);
}

/* Interruption. One thread waits, another interrupts, over and over. */

static struct {
	struct context ctx;
	atomic_uint begun, done;	/* rounds */
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
		(void)context_set(&race.ctx);
		atomic_store(&race.begun, i);
		jitter(&seed, 400);
		mutex_enter(&mtx);
		while (interruptible_wait() != 0)
			;
		mutex_exit(&mtx);
		(void)context_set(NULL);
		if (atomic_load(&race.ctx.interrupted))
			abort();		/* one interruption ended one wait */
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
			context_interrupt_thread(race.did);
		else
			context_interrupt(&race.ctx);
		wait_for(&race.done, i);
	}
	(void)pthread_join(t, NULL);
	assert_null(race.ctx.waiting_on);
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
	struct context ctx = { .pid = 1 };

	(void)state;
	(void)context_set(&ctx);
	context_interrupt(&ctx);
	mutex_enter(&mtx);
	/* Not interruptible. */
	assert_int_equal(cv_timedwait(&cond, &mtx, ddi_get_lbolt() + 1), -1);
	assert_int_equal(cv_wait_sig(&cond, &mtx), 0);
	assert_int_equal(cv_timedwait_sig(&cond, &mtx, ddi_get_lbolt() + 1), -1);
	context_interrupt(&ctx);
	context_interrupt(&ctx);
	assert_int_equal(cv_timedwait_sig(&cond, &mtx, ddi_get_lbolt() + 100000), 0);
	assert_int_equal(cv_timedwait_sig(&cond, &mtx, ddi_get_lbolt() + 1), -1);
	mutex_exit(&mtx);
	assert_ptr_equal(context_set(NULL), &ctx);
	context_interrupt_thread(ddi_get_kt_did());	/* no context: nothing */
	context_interrupt_thread(~0ULL);
}

/*
 * Items are handed to whoever takes them, one signal for each, to threads that are interrupted at
 * random: a signal that an interrupted thread swallowed would leave an item, and the producer,
 * waiting.
 */
static struct {
	struct context ctx[3];
	unsigned items, taken;
	atomic_bool stop;
} feed;
static kcondvar_t feed_done;

static void *feed_taker(void *arg)
{
	struct context *c = arg;

	(void)context_set(c);
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
	(void)context_set(NULL);
	return NULL;
}

static void *feed_interrupter(void *arg)
{
	unsigned seed = 3;

	(void)arg;
	while (!atomic_load(&feed.stop)) {
		jitter(&seed, 2000);
		context_interrupt(&feed.ctx[seed % 3]);
		(void)sched_yield();
	}
	return NULL;
}

static void interrupt_and_signal(void **state)
{
	pthread_t t[4];

	(void)state;
	for (int i = 0; i < 3; i++)
		t[i] = start(feed_taker, &feed.ctx[i]);
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

/* Readers/writer locks. */

static krwlock_t rw;			/* zero filled */
static long rw_a, rw_b;
static atomic_int rw_torn;

static void *rw_reader(void *arg)
{
	(void)arg;
	for (int i = 0; i < ROUNDS / 10; i++) {
		rw_enter(&rw, RW_READER);
		if (rw_a != rw_b)
			rw_torn++;
		if (i % 16 == 0 && rw_tryupgrade(&rw)) {
			rw_a++;
			rw_b++;
			rw_downgrade(&rw);
		}
		rw_exit(&rw);
	}
	return NULL;
}

static void *rw_writer(void *arg)
{
	(void)arg;
	for (int i = 0; i < ROUNDS / 20; i++) {
		if (i % 4 != 0 || !rw_tryenter(&rw, RW_WRITER))
			rw_enter(&rw, RW_WRITER);
		rw_a++;
		rw_b++;
		rw_exit(&rw);
	}
	return NULL;
}

static void rw_excludes(void **state)
{
	pthread_t t[5];

	(void)state;
	for (int i = 0; i < 5; i++)
		t[i] = start(i < 3 ? rw_reader : rw_writer, NULL);
	for (int i = 0; i < 5; i++)
		(void)pthread_join(t[i], NULL);
	assert_int_equal(rw_torn, 0);
	assert_true(rw_a >= 2 * (ROUNDS / 20) && rw_a == rw_b);
	assert_false(rw_lock_held(&rw));
}

static void *rw_write_once(void *arg)
{
	atomic_uint *step = arg;

	atomic_store(step, 1);
	rw_enter(&rw, RW_WRITER);
	atomic_store(step, 2);
	rw_exit(&rw);
	return NULL;
}

static void rw_states(void **state)
{
	atomic_uint step = 0;
	pthread_t t;

	(void)state;
	rw_init(&rw, NULL, RW_DRIVER, NULL);
	rw_enter(&rw, RW_READER);
	assert_true(rw_tryenter(&rw, RW_READER));
	assert_true(rw_read_locked(&rw) && !rw_write_held(&rw));
	assert_false(rw_tryupgrade(&rw));
	rw_exit(&rw);
	assert_true(rw_tryupgrade(&rw));
	assert_true(rw_write_held(&rw));
	assert_false(rw_tryenter(&rw, RW_READER));
	rw_downgrade(&rw);
	t = start(rw_write_once, &step);
	wait_for(&step, 1);
	delay(20);
	assert_false(rw_tryenter(&rw, RW_READER));	/* the writer that waits goes first */
	assert_int_equal(atomic_load(&step), 1);
	rw_exit(&rw);
	(void)pthread_join(t, NULL);
	assert_int_equal(atomic_load(&step), 2);
	log_capture();
	rw_exit(&rw);
	assert_non_null(strstr(log_captured(), "rw_exit: this thread does not hold"));
	rw_destroy(&rw);
}

/* Semaphores. */

static ksema_t sem_full, sem_empty;

static void *sema_consumer(void *arg)
{
	unsigned *n = arg;

	for (int i = 0; i < ROUNDS / 4; i++) {
		sema_p(&sem_full);
		(*n)++;
		sema_v(&sem_empty);
	}
	return NULL;
}

static void sema_counts(void **state)
{
	unsigned n = 0;
	pthread_t t;

	(void)state;
	sema_init(&sem_full, 0, NULL, SEMA_DRIVER, NULL);
	sema_init(&sem_empty, 3, NULL, SEMA_DRIVER, NULL);
	t = start(sema_consumer, &n);
	for (int i = 0; i < ROUNDS / 4; i++) {
		sema_p(&sem_empty);
		sema_v(&sem_full);
	}
	(void)pthread_join(t, NULL);
	assert_int_equal(n, ROUNDS / 4);
	assert_true(sema_tryp(&sem_empty) && sema_tryp(&sem_empty) && sema_tryp(&sem_empty));
	assert_false(sema_tryp(&sem_empty));
	sema_destroy(&sem_full);
	sema_destroy(&sem_empty);
}

static void *interrupt_later(void *arg)
{
	delay(5);
	context_interrupt(arg);
	return NULL;
}

static void sema_interrupted(void **state)
{
	struct context ctx = { .pid = 1 };
	ksema_t sem = { 0 };
	pthread_t t;

	(void)state;
	(void)context_set(&ctx);
	t = start(interrupt_later, &ctx);
	assert_int_equal(sema_p_sig(&sem), 1);
	(void)pthread_join(t, NULL);
	sema_v(&sem);
	assert_int_equal(sema_p_sig(&sem), 0);		/* there is one to take: no wait */
	(void)context_set(NULL);
}

/* Time. */

static void ticks(void **state)
{
	hrtime_t begin;

	(void)state;
	assert_int_equal(hz, 1000);
	assert_int_equal(drv_usectohz(0), 0);
	assert_int_equal(drv_usectohz(1), 1);
	assert_int_equal(drv_usectohz(1000), 1);
	assert_int_equal(drv_usectohz(1001), 2);
	assert_int_equal(drv_usectohz(LONG_MAX), LONG_MAX / 1000 + 1);
	assert_int_equal(drv_hztousec(7), 7000);
	begin = gethrtime();
	drv_usecwait(20);
	assert_true(gethrtime() - begin >= 20000);
	begin = gethrtime();
	drv_usecwait(2000);
	assert_true(gethrtime() - begin >= 2000000);
	begin = gethrtime();
	delay(3);
	assert_true(gethrtime() - begin >= 3000000);
}

static struct {
	atomic_int n;
	int order[8];
	atomic_bool running, release;
} fired;

static void fire(void *arg)
{
	int n = fired.n;

	if (n < 8)
		fired.order[n] = (int)(intptr_t)arg;
	fired.n = n + 1;
}

/* Nanoseconds that it took to ask for them: less than what is between them, or their order is open. */
static hrtime_t ask_for_four(void)
{
	const hrtime_t begin = gethrtime();

	fired.n = 0;
	(void)timeout(fire, (void *)3, 30);
	(void)timeout(fire, (void *)1, 10);
	(void)timeout(fire, (void *)2, 20);
	(void)timeout(fire, (void *)0, 0);
	return gethrtime() - begin;
}

static void timeout_order(void **state)
{
	hrtime_t took;

	(void)state;
	do {
		took = ask_for_four();
		while (fired.n < 4)
			delay(1);
	} while (took > 8000000);
	for (int i = 0; i < 4; i++)
		assert_int_equal(fired.order[i], i);
}

static void untimeout_early(void **state)
{
	timeout_id_t id = timeout(fire, NULL, 10000);
	clock_t left;

	(void)state;
	fired.n = 0;
	assert_non_null(id);
	left = untimeout(id);
	assert_in_range(left, 1, 10000);
	assert_int_equal(untimeout(id), -1);
	assert_int_equal(untimeout(NULL), -1);
	id = timeout(fire, NULL, 1);
	while (fired.n == 0)
		delay(1);
	assert_int_equal(untimeout(id), -1);
	assert_int_equal(fired.n, 1);
}

static void fire_slowly(void *arg)
{
	(void)arg;
	atomic_store(&fired.running, true);
	delay(30);
	fired.n = 100;
}

static void untimeout_waits(void **state)
{
	timeout_id_t id;

	(void)state;
	fired.n = 0;
	id = timeout(fire_slowly, NULL, 1);
	while (!atomic_load(&fired.running))
		delay(1);
	assert_int_equal(untimeout(id), -1);
	assert_int_equal(fired.n, 100);
}

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
		cmocka_unit_test(mutex_excludes),
		cmocka_unit_test(mutex_owner),
		cmocka_unit_test(mutex_mistakes),
		cmocka_unit_test(cv_ping_pong),
		cmocka_unit_test(cv_times),
		cmocka_unit_test(cv_time_left),
		cmocka_unit_test(interrupt_ends_one_wait),
		cmocka_unit_test(interrupt_race),
		cmocka_unit_test(interrupt_race_timed),
		cmocka_unit_test(interrupt_race_thread),
		cmocka_unit_test(interrupt_and_signal),
		cmocka_unit_test(rw_excludes),
		cmocka_unit_test(rw_states),
		cmocka_unit_test(sema_counts),
		cmocka_unit_test(sema_interrupted),
		cmocka_unit_test(ticks),
		cmocka_unit_test(timeout_order),
		cmocka_unit_test(untimeout_early),
		cmocka_unit_test(untimeout_waits),
		cmocka_unit_test(untimeout_of_itself),
		cmocka_unit_test(timeout_stress),
	};

	(void)alarm(TEST_S);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("ddi_sync", tests, NULL, NULL);
}
