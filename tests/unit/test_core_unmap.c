/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The core: C27, unmapping and accesses of one process and device exclude each other. That they do is
 * checked by fake_engine.c's driver, in every test there is; here they are made to meet.
 */
#include <stdatomic.h>
#include "fake_engine.h"

#define PROCESSES 3
#define SIBLING	  (BASE + P(16)) /* a second mapping; the first is at BASE */

static struct fake_process *p[PROCESSES];

/* What the driver does: each is set by a test, and told when it happens. */
static _Atomic int gate_unmap;	/* devmap_unmap(9E) waits while it is 1 */
static _Atomic int gate_access; /* devmap_access(9E) of p[0] waits while it is 1 */
static _Atomic int gate_dup;	/* the same of devmap_dup(9E) */
static _Atomic int unmapping, accessing, dupping;
static _Atomic int interruptible; /* devmap_access(9E) waits in cv_wait_sig(9F) */
static _Atomic int interruptions;
static kmutex_t lock;
static kcondvar_t cv;
static pid_t order[16]; /* who was granted */
static _Atomic int granted;

static void unmap_hook(devmap_cookie_t dhp, offset_t off, size_t len)
{
	(void)dhp, (void)off, (void)len;
	unmapping++;
	while (gate_unmap == 1)
		fake_sleep(MS);
}

static void dup_hook(devmap_cookie_t dhp, devmap_cookie_t new_dhp)
{
	(void)dhp, (void)new_dhp;
	dupping++;
	while (gate_dup == 1)
		fake_sleep(MS);
}

static int wait_at_gate(void)
{
	int error = 0;

	mutex_enter(&lock);
	while (error == 0 && gate_access == 1)
		if (interruptible && cv_wait_sig(&cv, &lock) == 0) {
			interruptions++;
			error = EINTR;
		} else if (!interruptible) {
			mutex_exit(&lock);
			fake_sleep(MS);
			mutex_enter(&lock);
		}
	mutex_exit(&lock);
	return error;
}

static int note_order(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len, uint_t type,
		      uint_t rw)
{
	(void)pvtp, (void)off, (void)len, (void)type, (void)rw;
	order[granted++ % 16] = ((struct devmap_handle *)dhp)->dh_as->a_pid;
	return 0;
}

static int access_hook(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len, uint_t type,
		       uint_t rw)
{
	int error = 0;

	if (((struct devmap_handle *)dhp)->dh_as == &p[0]->as) {
		accessing++;
		error = wait_at_gate();
	}
	return error != 0 ? error : devmap_do_ctxmgt(dhp, pvtp, off, len, type, rw, drv_ctxmgt);
}

static int setup(void **state)
{
	(void)fake_setup(state);
	for (int i = 0; i < PROCESSES; i++)
		p[i] = fake_process_new(i + 1);
	mutex_init(&lock, NULL, MUTEX_DRIVER, NULL);
	cv_init(&cv, NULL, CV_DRIVER, NULL);
	gate_unmap = gate_access = gate_dup = 0;
	unmapping = accessing = dupping = 0;
	interruptible = interruptions = granted = 0;
	drv.access = access_hook;
	drv.in_unmap = unmap_hook;
	drv.in_dup = dup_hook;
	drv.in_ctxmgt = note_order;
	fake_map(p[0], 4);
	assert_int_equal(fake_mmap_dev(p[0], DEV, SIBLING, P(4)), 0);
	fake_map(p[1], 4);
	return 0;
}

static int teardown(void **state)
{
	for (int i = 0; i < PROCESSES; i++)
		if (p[i] != NULL)
			fake_process_exit(p[i]);
	cv_destroy(&cv);
	mutex_destroy(&lock);
	return fake_teardown(state);
}

/* A client thread that does one thing. */
struct client {
	pthread_t thread;
	struct fake_process *p;
	uintptr_t addr;
	int result;
	_Atomic int done;
};

static void *touch_main(void *arg)
{
	struct client *c = arg;

	c->result = fake_touch(c->p, c->addr);
	c->done = 1;
	return NULL;
}

static void *lock_main(void *arg)
{
	struct client *c = arg;

	fake_enter(c->p);
	c->result = devmap_lock_range(&c->p->as, c->addr, P(1), DEVMAP_LOCK, DEVMAP_WRITE);
	c->done = 1;
	return NULL;
}

static void *unmap_main(void *arg)
{
	struct client *c = arg;

	fake_enter(c->p);
	c->result = devmap_unmap_range(&c->p->as, c->addr, P(1));
	c->done = 1;
	return NULL;
}

static void *exit_main(void *arg)
{
	struct client *c = arg;

	fake_enter(c->p);
	c->result = devmap_unmap_range(&c->p->as, 0, SIZE_MAX);
	c->done = 1;
	return NULL;
}

static void *fork_main(void *arg)
{
	struct client *c = arg;

	fake_enter(c->p);
	c->result = devmap_dup_as(&c->p->as, &p[2]->as);
	c->done = 1;
	return NULL;
}

static void start(struct client *c, void *(*fn)(void *), struct fake_process *q, uintptr_t addr)
{
	memset(c, 0, sizeof(*c));
	c->p = q;
	c->addr = addr;
	assert_int_equal(pthread_create(&c->thread, NULL, fn, c), 0);
}

static void join(struct client *c)
{
	assert_int_equal(pthread_join(c->thread, NULL), 0);
}

#define UNTIL(what)     \
	while (!(what)) \
	fake_sleep(MS)

static boolean_t gate_of(struct fake_process *q)
{
	boolean_t shut;

	mutex_enter(&q->as.a_lock);
	shut = q->as.a_gates != NULL;
	mutex_exit(&q->as.a_lock);
	return shut;
}

static uint32_t waiting(void)
{
	struct devmap_group *g = drv_handle(p[1], 0)->dh_member->mb_group;
	struct devmap_member *mb;
	uint32_t n = 0;

	mutex_enter(&g->g_lock);
	for (mb = g->g_members; mb != NULL; mb = mb->mb_next)
		n += mb->mb_waiting;
	mutex_exit(&g->g_lock);
	return n;
}

/* An access of a sibling begins only when devmap_unmap(9E) has returned; others do not wait. */
static void access_waits(void)
{
	struct client unmap, touch[8], kill;

	assert_int_equal(fake_mmap_dev(p[0], DEV2, BASE + P(32), P(4)), 0);
	gate_unmap = 1;
	start(&unmap, unmap_main, p[0], BASE);
	UNTIL(unmapping == 1);
	for (int i = 0; i < 8; i++)
		start(&touch[i], touch_main, p[0], (i < 4 ? BASE : SIBLING) + P(i % 4));
	if (!fake_direct) /* none of them keeps a thread of the engine; one finds nothing */
		UNTIL(fake_waiting() == 7);
	assert_int_equal(fake_touch(p[1], BASE), 0);
	assert_int_equal(fake_touch(p[0], BASE + P(32)), 0); /* another device */
	assert_int_equal(accessing, 1);
	start(&kill, unmap_main, p[0], SIBLING + P(2)); /* what one of them waits for goes */
	UNTIL(unmapping == 2);
	gate_unmap = 0;
	join(&unmap);
	join(&kill);
	for (int i = 0; i < 8; i++) {
		join(&touch[i]);
		assert_int_equal(touch[i].result, i == 0 || i == 6 ? SIGSEGV : 0);
	}
}

static void c27_access_waits_for_unmap(void **state)
{
	(void)state;
	access_waits();
}

static void c27_access_waits_for_unmap_direct(void **state)
{
	(void)state;
	fake_direct = B_TRUE;
	access_waits();
}

/* A thread that waits so runs its signals' handlers. */
static void c27_signals(void **state)
{
	struct client unmap, touch;

	(void)state;
	fake_direct = B_TRUE;
	gate_unmap = 1;
	start(&unmap, unmap_main, p[0], BASE);
	UNTIL(unmapping == 1);
	start(&touch, touch_main, p[0], SIBLING);
	while (fake_agains < 3) {
		engine_interrupt((kt_did_t)touch.thread);
		fake_sleep(MS);
	}
	gate_unmap = 0;
	join(&unmap);
	join(&touch);
	assert_int_equal(touch.result, 0);
}

/* devmap_unmap(9E) is called when the access of the sibling has returned. */
static void unmap_waits(void)
{
	struct client unmap, touch;

	gate_access = 1;
	start(&touch, touch_main, p[0], SIBLING);
	UNTIL(accessing == 1);
	start(&unmap, unmap_main, p[0], BASE);
	UNTIL(gate_of(p[0]));
	fake_sleep(20 * MS);
	assert_int_equal(unmapping, 0);
	gate_access = 0;
	join(&unmap);
	join(&touch);
	assert_int_equal(touch.result, 0);
	assert_int_equal(unmapping, 1);
}

static void c27_unmap_waits_for_access(void **state)
{
	(void)state;
	unmap_waits();
}

static void c27_unmap_waits_for_access_direct(void **state)
{
	(void)state;
	fake_direct = B_TRUE;
	unmap_waits();
}

/* One that waits in cv_wait_sig(9F) for what would never come leaves, and is asked for again. */
static void interrupts(void)
{
	struct client touch;

	interruptible = 1;
	gate_access = 1;
	start(&touch, touch_main, p[0], SIBLING);
	UNTIL(accessing == 1);
	assert_int_equal(devmap_unmap_range(&p[0]->as, BASE, P(1)), 0);
	assert_int_equal(interruptions, 1);
	UNTIL(accessing == 2);
	assert_false(touch.done);
	mutex_enter(&lock);
	gate_access = 0;
	cv_broadcast(&cv);
	mutex_exit(&lock);
	join(&touch);
	assert_int_equal(touch.result, 0);
}

static void c27_unmap_interrupts_access(void **state)
{
	(void)state;
	interrupts();
}

static void c27_unmap_interrupts_access_direct(void **state)
{
	(void)state;
	fake_direct = B_TRUE;
	interrupts();
}

/* Who waits for the turn keeps his place, before those that came later (C8). */
static void keeps_place(void *(*fn)(void *))
{
	struct client first, second;

	fake_map(p[2], 4);
	drv.hold = 0;
	assert_int_equal(devmap_set_ctx_hold(drv_handle(p[1], 0), 1000 * NANOSEC), 0);
	assert_int_equal(fake_touch(p[1], BASE), 0);
	start(&first, fn, p[0], SIBLING);
	UNTIL(waiting() == 1);
	start(&second, touch_main, p[2], BASE);
	UNTIL(waiting() == 2);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(devmap_unmap_range(&p[0]->as, BASE + P(i), P(1)), 0);
		UNTIL(waiting() == 2);
	}
	assert_false(first.done);
	granted = 0;
	fake_process_exit(p[1]); /* the hold ends with it */
	p[1] = NULL;
	join(&first);
	assert_int_equal(first.result, 0);
	if (fn == lock_main) {
		fake_enter(p[0]);
		assert_int_equal(devmap_lock_range(&p[0]->as, SIBLING, P(1), DEVMAP_UNLOCK,
						   DEVMAP_WRITE),
				 0);
	}
	join(&second);
	assert_int_equal(second.result, 0);
	assert_int_equal(order[0], 1);
}

static void c27_waiters_keep_their_place(void **state)
{
	(void)state;
	keeps_place(touch_main);
}

static void c27_waiters_keep_their_place_direct(void **state)
{
	(void)state;
	fake_direct = B_TRUE;
	keeps_place(touch_main);
}

static void c27_locks_keep_their_place(void **state)
{
	(void)state;
	keeps_place(lock_main);
}

/* Before the first devmap_unmap(9E) of an exit, the accesses of all devices are over. */
static void c27_exit(void **state)
{
	struct client touch, unmap;

	(void)state;
	assert_int_equal(fake_mmap_dev(p[0], DEV2, BASE + P(32), P(4)), 0);
	gate_access = 1;
	start(&touch, touch_main, p[0], BASE + P(32));
	UNTIL(accessing == 1);
	start(&unmap, exit_main, p[0], 0);
	UNTIL(gate_of(p[0]));
	fake_sleep(20 * MS);
	assert_int_equal(unmapping, 0);
	gate_access = 0;
	join(&unmap);
	join(&touch);
	assert_int_equal(unmapping, 3);
}

/* fork(2) beside: neither waits for the other, where they are about different mappings. */
static void c27_fork_beside(void **state)
{
	struct client fork, touch;

	(void)state;
	gate_dup = 1;
	start(&fork, fork_main, p[0], 0);
	UNTIL(dupping == 1); /* of the first mapping */
	assert_int_equal(devmap_unmap_range(&p[0]->as, SIBLING, P(1)), 0);
	start(&touch, touch_main, p[0], SIBLING + P(1));
	join(&touch);
	assert_int_equal(touch.result, 0);
	start(&touch, touch_main, p[0], BASE + P(1));
	join(&touch);
	assert_int_equal(touch.result, 0);
	gate_dup = 0;
	join(&fork);
	assert_int_equal(fork.result, 0);
	assert_int_equal(dupping, 2);
}

/* Threads that map, touch and unmap as they like: the driver sees to it that they never meet. */
static void *storm_main(void *arg)
{
	struct client *c = arg;

	for (int i = 0; i < 300 && c->result == 0; i++) {
		c->result = fake_mmap_dev(c->p, DEV, c->addr, P(2));
		c->result |= fake_touch(c->p, c->addr + P(i % 2));
		c->result |= fake_touch(c->p, SIBLING + P(i % 4));
		c->result |= devmap_unmap_range(&c->p->as, c->addr, P(1 + i % 2));
		c->result |= devmap_unmap_range(&c->p->as, c->addr, P(2));
	}
	return NULL;
}

static void storm(void)
{
	struct client c[6];

	assert_int_equal(fake_mmap_dev(p[1], DEV, SIBLING, P(4)), 0);
	for (int i = 0; i < 6; i++)
		start(&c[i], storm_main, p[i / 3], BASE + P(40 + 4 * i));
	for (int i = 0; i < 6; i++) {
		join(&c[i]);
		assert_int_equal(c[i].result, 0);
	}
}

static void c27_storm(void **state)
{
	(void)state;
	storm();
}

static void c27_storm_direct(void **state)
{
	(void)state;
	fake_direct = B_TRUE;
	storm();
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(c27_access_waits_for_unmap),
		T(c27_access_waits_for_unmap_direct),
		T(c27_signals),
		T(c27_unmap_waits_for_access),
		T(c27_unmap_waits_for_access_direct),
		T(c27_unmap_interrupts_access),
		T(c27_unmap_interrupts_access_direct),
		T(c27_waiters_keep_their_place),
		T(c27_waiters_keep_their_place_direct),
		T(c27_locks_keep_their_place),
		T(c27_exit),
		T(c27_fork_beside),
		T(c27_storm),
		T(c27_storm_direct),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("core: unmapping beside accesses", tests, NULL, NULL);
}
