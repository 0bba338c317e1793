/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The core: context management, with threads for clients. The driver is fake_engine.c's. */
#include <stdatomic.h>
#include <vm/faultcode.h>
#include "fake_engine.h"

#define RW	  (PROT_READ | PROT_WRITE)
#define PROCESSES 8

static struct fake_process *p[PROCESSES];

static int setup(void **state)
{
	(void)fake_setup(state);
	for (int i = 0; i < PROCESSES; i++)
		p[i] = fake_process_new(i + 1);
	return 0;
}

static int teardown(void **state)
{
	for (int i = 0; i < PROCESSES; i++)
		if (p[i] != NULL)
			fake_process_exit(p[i]);
	return fake_teardown(state);
}

static void map_all(size_t pages, int n)
{
	for (int i = 0; i < n; i++)
		fake_map(p[i], pages);
}

#define PATIENCE 200000 /* ms, with what must happen, on however busy a machine */

/* One client thread that does one thing. */
struct client {
	pthread_t thread;
	struct fake_process *p;
	uintptr_t addr;
	size_t len;
	uint_t type;
	int result, error;
	_Atomic int done;
};

static void *touch_main(void *arg)
{
	struct client *c = arg;

	c->result = fake_access(c->p, c->addr, DEVMAP_WRITE, &c->error, NULL, NULL);
	c->done = 1;
	return NULL;
}

static void *lock_main(void *arg)
{
	struct client *c = arg;

	fake_enter(c->p);
	c->result = devmap_lock_range(&c->p->as, c->addr, c->len, c->type, DEVMAP_WRITE);
	c->done = 1;
	return NULL;
}

static void start(struct client *c, void *(*fn)(void *), struct fake_process *q, uintptr_t addr)
{
	memset(c, 0, sizeof(*c));
	c->p = q;
	c->addr = addr;
	c->len = P(1);
	c->type = DEVMAP_LOCK;
	assert_int_equal(pthread_create(&c->thread, NULL, fn, c), 0);
}

static void join(struct client *c)
{
	assert_int_equal(pthread_join(c->thread, NULL), 0);
}

static struct devmap_group *group_of(struct fake_process *q)
{
	return drv_handle(q, 0)->dh_member->mb_group;
}

static uint32_t waiting(struct devmap_group *g)
{
	struct devmap_member *mb;
	uint32_t n = 0;

	mutex_enter(&g->g_lock);
	for (mb = g->g_members; mb != NULL; mb = mb->mb_next)
		n += mb->mb_waiting;
	mutex_exit(&g->g_lock);
	return n;
}

static void until_waiting(struct devmap_group *g, uint32_t n)
{
	while (waiting(g) != n)
		fake_sleep(MS / 10);
}

static struct devmap_stats stats_of(struct devmap_group *g)
{
	struct devmap_stats s;

	mutex_enter(&g->g_lock);
	s = g->g_stats;
	mutex_exit(&g->g_lock);
	return s;
}

/*
 * C1, C5: everybody at once
 */

static _Atomic uint32_t contexts[PROCESSES + 1][64];
static _Atomic int owner_pid;

/* Saves the pages of the one before and restores those of the next: a real context. */
static int switch_context(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len, uint_t type,
			  uint_t rw)
{
	struct drv_ctx *c = pvtp, *other;
	pid_t before = owner_pid;

	(void)dhp, (void)off, (void)len, (void)type, (void)rw;
	if (before == c->pid)
		return 0;
	mutex_enter(&drv.lock);
	for (other = drv.ctxs; other != NULL; other = other->next)
		if (other->pid != c->pid)
			(void)devmap_unload(other->dhp, other->off, 0);
	mutex_exit(&drv.lock);
	for (int i = 0; i < 16; i++) {
		contexts[before][i] = fake_regs[0]->data[i];
		fake_regs[0]->data[i] = contexts[c->pid][i];
	}
	owner_pid = c->pid;
	return 0;
}

/* Each page of a process counts how often it was written; thread t writes page t and t + 4. */
struct writer {
	pthread_t thread;
	struct fake_process *p;
	int t;
	uint32_t count[2];
};

static void increment(_Atomic uint32_t *word, void *arg)
{
	uint32_t *count = arg;

	if (*word != *count) {
		fprintf(stderr, "# page has %u instead of %u\n", *word, *count);
		abort();
	}
	*word = ++*count;
}

static void *writer_main(void *arg)
{
	struct writer *w = arg;

	for (int i = 0; i < 300; i++) {
		int which = i & 1;

		if (fake_access(w->p, BASE + P(w->t + 4 * which), DEVMAP_WRITE, NULL, increment,
				&w->count[which]) != 0)
			abort();
	}
	return NULL;
}

static void c5_never_two_at_once(void **state)
{
	struct writer w[PROCESSES * 3];

	(void)state;
	memset(contexts, 0, sizeof(contexts));
	owner_pid = 0;
	drv.in_ctxmgt = switch_context;
	drv.piece = P(3);
	map_all(8, PROCESSES);
	memset(w, 0, sizeof(w));
	for (int i = 0; i < PROCESSES * 3; i++) {
		w[i].p = p[i / 3];
		w[i].t = i % 3;
		assert_int_equal(pthread_create(&w[i].thread, NULL, writer_main, &w[i]), 0);
	}
	for (int i = 0; i < PROCESSES * 3; i++) {
		assert_int_equal(pthread_join(w[i].thread, NULL), 0);
		assert_int_equal(w[i].count[0] + w[i].count[1], 300);
	}
	assert_int_equal(drv.overlaps, 0);
	assert_int_equal(stats_of(group_of(p[0])).taken, 0);
	assert_int_equal(stats_of(group_of(p[0])).leaked, 0);
	assert_int_equal(fake_waiting(), 0);
	assert_int_equal(waiting(group_of(p[0])), 0);
}

/*
 * Hold
 */

static void c6_hold(void **state)
{
	hrtime_t began = gethrtime();
	struct client c;

	(void)state;
	drv.hold = 400 * MS;
	map_all(4, 2);
	assert_int_equal(fake_touch(p[0], BASE), 0);
	start(&c, touch_main, p[1], BASE);
	/* The owner never waits for its own hold; each grant begins it anew. */
	for (int i = 1; i < 4; i++)
		assert_int_equal(fake_touch(p[0], BASE + P(i)), 0);
	join(&c);
	assert_int_equal(c.result, 0);
	assert_true(gethrtime() - began >= 400 * MS);
	assert_false(fake_valid(p[0], BASE));
}

static void c6_ticks(void **state)
{
	struct devmap_handle *dh;

	(void)state;
	map_all(1, 1);
	dh = drv_handle(p[0], 0);
	devmap_set_ctx_timeout(dh, 3);
	assert_int_equal(dh->dh_hold, 3 * MS);
	devmap_set_ctx_timeout(dh, -1);
	assert_int_equal(dh->dh_hold, 0);
	devmap_set_ctx_timeout(dh, INT64_MAX);
	assert_int_equal(dh->dh_hold, ARB_NEVER);
	assert_int_equal(devmap_set_ctx_hold(dh, -1), EINVAL);
	assert_int_equal(devmap_set_ctx_hold(dh, 5), 0);
	assert_int_equal(devmap_set_ctx_overhead(dh, 100), EINVAL);
	assert_int_equal(devmap_set_ctx_overhead(dh, 0), 0);
}

/* The operator's word goes before the driver's, where there is a group and where none is yet. */
static void c6_operators_terms(void **state)
{
	struct devmap_terms t = { .hold = 5 * MS, .overhead = -1, .lock = 7 * MS };
	struct devmap_handle *dh;

	(void)state;
	drv.hold = 400 * MS;
	map_all(1, 1);
	dh = drv_handle(p[0], 0);
	assert_int_equal(fake_touch(p[0], BASE), 0);
	assert_int_equal(group_of(p[0])->g_arb.hold_ns, 400 * MS);
	assert_int_equal(devmap_set_terms(dh->dh_dip, &t), 0);
	assert_int_equal(devmap_unload(dh, 0, 0), 0);
	assert_int_equal(fake_touch(p[0], BASE), 0);
	assert_int_equal(group_of(p[0])->g_arb.hold_ns, 5 * MS);
	assert_int_equal(group_of(p[0])->g_arb.lock_limit, 7 * MS);
	t = (struct devmap_terms){ .hold = -1, .overhead = 100, .lock = -1 };
	assert_int_equal(devmap_set_terms(dh->dh_dip, &t), EINVAL);
	assert_int_equal(devmap_get_terms(dh->dh_dip).hold, 5 * MS);
	t.overhead = -1;
	assert_int_equal(devmap_set_terms(dh->dh_dip, &t), 0);
	assert_int_equal(devmap_unload(dh, 0, 0), 0);
	assert_int_equal(fake_touch(p[0], BASE), 0);
	assert_int_equal(group_of(p[0])->g_arb.hold_ns, 400 * MS);
}

static void c7_hold_ends_when_the_owner_goes(void **state)
{
	struct client c;

	(void)state;
	drv.hold = 100 * 1000 * MS;
	map_all(4, 3);
	assert_int_equal(fake_touch(p[0], BASE), 0);
	start(&c, touch_main, p[1], BASE);
	until_waiting(group_of(p[0]), 1);
	/* A part is left: nothing ends. */
	assert_int_equal(devmap_unmap_range(&p[0]->as, BASE, P(2)), 0);
	fake_sleep(20 * MS);
	assert_false(c.done);
	assert_int_equal(devmap_unmap_range(&p[0]->as, BASE + P(2), P(2)), 0);
	join(&c);
	assert_int_equal(c.result, 0);
	start(&c, touch_main, p[2], BASE);
	until_waiting(group_of(p[2]), 1);
	fake_process_exit(p[1]);
	p[1] = NULL;
	join(&c);
	assert_int_equal(c.result, 0);
}

static _Atomic int fail_pid;

static int fail_for_pid(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len, uint_t type,
			uint_t rw)
{
	(void)dhp, (void)off, (void)len, (void)type, (void)rw;
	return ((struct drv_ctx *)pvtp)->pid == fail_pid ? 99 : 0;
}

static void c7_failed_callback(void **state)
{
	hrtime_t began = gethrtime(), until;
	struct client c;

	(void)state;
	drv.hold = 200 * MS;
	drv.in_ctxmgt = fail_for_pid;
	map_all(4, 3);
	/* The owner's own failure does not end its hold. */
	assert_int_equal(fake_touch(p[0], BASE), 0);
	fail_pid = 1;
	assert_int_equal(fake_touch(p[0], BASE + P(1)), SIGBUS);
	start(&c, touch_main, p[1], BASE);
	join(&c);
	assert_int_equal(c.result, 0);
	assert_true(gethrtime() - began >= 200 * MS);
	/* Nor does another's failure start one. */
	fail_pid = 3;
	until = group_of(p[0])->g_arb.hold_until;
	assert_int_equal(fake_touch(p[2], BASE), SIGBUS);
	assert_true(group_of(p[0])->g_arb.hold_until == until);
	assert_int_equal(stats_of(group_of(p[0])).failures, 2);
}

/* p[0] owns the device until it is unmapped. */
static void own_for_ever(void)
{
	assert_int_equal(devmap_set_ctx_hold(drv_handle(p[0], 0), 100 * 1000 * MS), 0);
	assert_int_equal(fake_touch(p[0], BASE), 0);
}

static void disown(void)
{
	assert_int_equal(devmap_unmap_range(&p[0]->as, 0, SIZE_MAX), 0);
}

/*
 * Order
 */

static _Atomic int order[64], nth;

static int note_order(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len, uint_t type,
		      uint_t rw)
{
	int i = nth++;

	(void)dhp, (void)off, (void)len, (void)type, (void)rw;
	/* The first ones matter; on a busy machine there may be many more. */
	if (i < (int)(sizeof(order) / sizeof(order[0])))
		order[i] = ((struct drv_ctx *)pvtp)->pid;
	return 0;
}

static void queue_up(struct client *c)
{
	map_all(2, PROCESSES);
	own_for_ever();
	for (uint32_t i = 1; i < PROCESSES; i++) {
		start(&c[i], touch_main, p[i], BASE);
		until_waiting(group_of(p[0]), i);
	}
}

static void c8_first_come_first_served(void **state)
{
	struct client c[PROCESSES];

	(void)state;
	nth = 0;
	fake_direct = B_TRUE;
	drv.hold = MS;
	drv.in_ctxmgt = note_order;
	queue_up(c);
	disown();
	for (int i = 1; i < PROCESSES; i++)
		join(&c[i]);
	for (int i = 0; i < PROCESSES; i++)
		assert_int_equal(order[i], i + 1);
	assert_true(stats_of(group_of(p[1])).waits >= PROCESSES - 1);
}

/* All wait, but in one thread: the others are postponed. All have their turn once. */
static void c10_waiting_needs_no_threads(void **state)
{
	struct client c[PROCESSES];

	(void)state;
	nth = 0;
	drv.hold = MS;
	drv.in_ctxmgt = note_order;
	queue_up(c);
	while (fake_waiting() != PROCESSES - 2)
		fake_sleep(MS);
	assert_int_equal(drv.accesses, 2);
	disown();
	for (int i = 1; i < PROCESSES; i++)
		join(&c[i]);
	/* Once at least: a thread may be so slow to wake that its hold is over. */
	assert_true(nth >= PROCESSES);
	assert_true(stats_of(group_of(p[1])).waits >= PROCESSES - 1);
}

static void *two_pages_main(void *arg)
{
	struct client *c = arg;

	for (int i = 0; i < 40 && c->result == 0; i++)
		c->result = fake_access2(c->p, BASE, BASE + P(1));
	return NULL;
}

static void c8_instructions_that_need_two_pages(void **state)
{
	struct client c[4];

	(void)state;
	map_all(2, 4);
	for (int i = 0; i < 4; i++)
		start(&c[i], two_pages_main, p[i], 0);
	for (int i = 0; i < 4; i++) {
		join(&c[i]);
		assert_int_equal(c[i].result, 0);
	}
}

static void signal_while_waiting(void)
{
	struct client c[3];

	nth = 0;
	drv.in_ctxmgt = note_order;
	map_all(1, 3);
	own_for_ever();
	start(&c[1], touch_main, p[1], BASE);
	until_waiting(group_of(p[0]), 1);
	start(&c[2], touch_main, p[2], BASE);
	until_waiting(group_of(p[0]), 2);
	for (int i = 0; i < 5; i++) {
		fake_signal(p[1]);
		fake_sleep(5 * MS);
	}
	until_waiting(group_of(p[0]), 2);
	while (fake_direct && drv.accesses <= 3) { /* not one of them met it waiting */
		fake_signal(p[1]);
		fake_sleep(MS);
	}
	disown();
	join(&c[1]);
	join(&c[2]);
	assert_int_equal(c[1].result, 0);
	assert_int_equal(order[1], 2);
	assert_int_equal(order[2], 3);
	/* It was asked again. */
	assert_true(drv.accesses > 3);
}

static void c8_a_signal_keeps_the_place(void **state)
{
	(void)state;
	signal_while_waiting();
}

static void c8_a_signal_keeps_the_place_direct(void **state)
{
	(void)state;
	fake_direct = B_TRUE;
	signal_while_waiting();
}

/* A driver that sleeps on its own. */
static kmutex_t sleep_lock;
static kcondvar_t sleep_cv;
static _Atomic int sleeping;

static int sleep_in_access(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len, uint_t type,
			   uint_t rw)
{
	int interrupted = 0;

	if (((struct drv_ctx *)pvtp)->pid == 1) {
		mutex_enter(&sleep_lock);
		sleeping++;
		while (!interrupted)
			interrupted = cv_wait_sig(&sleep_cv, &sleep_lock) == 0;
		mutex_exit(&sleep_lock);
	}
	if (interrupted && sleeping < 3)
		return EINTR;
	return devmap_do_ctxmgt(dhp, pvtp, off, len, type, rw, drv_ctxmgt);
}

static void c10_sleeping_in_access_holds_no_turn(void **state)
{
	struct client c;

	(void)state;
	mutex_init(&sleep_lock, NULL, MUTEX_DRIVER, NULL);
	cv_init(&sleep_cv, NULL, CV_DRIVER, NULL);
	sleeping = 0;
	drv.access = sleep_in_access;
	map_all(2, 2);
	start(&c, touch_main, p[0], BASE);
	while (sleeping == 0)
		fake_sleep(MS);
	assert_int_equal(fake_touch(p[1], BASE), 0);
	for (int i = 1; i <= 3; i++) { /* C8: a signal ends cv_wait_sig() */
		while (sleeping != i)
			fake_sleep(MS);
		fake_signal(p[0]);
	}
	join(&c);
	assert_int_equal(c.result, 0);
	cv_destroy(&sleep_cv);
	mutex_destroy(&sleep_lock);
}

static int sleep_pid_3(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len, uint_t type,
		       uint_t rw)
{
	if (((struct drv_ctx *)pvtp)->pid == 3 && sleeping == 0) {
		sleeping = 1;
		while (sleeping == 1)
			fake_sleep(MS);
	}
	return devmap_do_ctxmgt(dhp, pvtp, off, len, type, rw, drv_ctxmgt);
}

/* Nor does one that was released: those behind it are released all the same. */
static void c10_a_released_fault_that_sleeps(void **state)
{
	struct client c[4];

	(void)state;
	sleeping = 0;
	drv.access = sleep_pid_3;
	map_all(1, 4);
	group_of(p[0])->g_arb.rest_ns = 20 * MS;
	own_for_ever();
	for (int i = 1; i < 4; i++) {
		start(&c[i], touch_main, p[i], BASE);
		until_waiting(group_of(p[1]), (uint32_t)i);
	}
	disown();
	while (sleeping == 0)
		fake_sleep(MS);
	for (int i = 0; i < PATIENCE && !c[3].done; i++)
		fake_sleep(MS);
	sleeping = c[3].done ? 2 : 3;
	for (int i = 1; i < 4; i++) {
		join(&c[i]);
		assert_int_equal(c[i].result, 0);
	}
	assert_int_equal(sleeping, 2);
}

/* The driver knows that the process of p[2] needs no turn. */
static int pid_3_needs_no_turn(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len,
			       uint_t type, uint_t rw)
{
	if (((struct devmap_handle *)dhp)->dh_as->a_pid == p[2]->as.a_pid)
		return devmap_default_access(dhp, pvtp, off, len, type, rw);
	return devmap_do_ctxmgt(dhp, pvtp, off, len, type, rw, drv_ctxmgt);
}

/*
 * A fault that was released, and is answered without asking for the turn, has its answer at once,
 * and so have those behind it: nobody waits for time alone.
 */
static void c8_an_answer_is_never_held_back(void **state)
{
	struct client c[5];

	(void)state;
	drv.access = pid_3_needs_no_turn;
	map_all(1, 5);
	group_of(p[0])->g_arb.release_ns = 60LL * 1000 * MS;
	own_for_ever();
	for (int i = 1; i < 5; i++) { /* the first in a thread, the others postponed */
		start(&c[i], touch_main, p[i], BASE);
		until_waiting(group_of(p[1]), (uint32_t)i);
	}
	disown();
	for (int i = 0; i < 20000 && !(c[2].done && c[3].done && c[4].done); i++)
		fake_sleep(MS);
	assert_true(c[2].done);
	assert_true(c[3].done);
	assert_true(c[4].done);
	for (int i = 1; i < 5; i++)
		join(&c[i]);
}

static void *unmap_main(void *arg)
{
	struct client *c = arg;

	(void)devmap_unmap_range(&c->p->as, c->addr, P(1));
	c->done = 1;
	return NULL;
}

static void *move_main(void *arg)
{
	struct client *c = arg;

	c->result = devmap_move(&c->p->as, BASE, P(4), BASE + P(100));
	c->done = 1;
	return NULL;
}

/* Until somebody waits to unmap something. */
static void await_gate(struct fake_process *of)
{
	for (boolean_t shut = B_FALSE; !shut; fake_sleep(MS)) {
		mutex_enter(&of->as.a_lock);
		shut = of->as.a_gates != NULL;
		mutex_exit(&of->as.a_lock);
	}
}

/* munmap(2) waits for an access; mremap(2) waits for munmap(2), which cuts what it has found. */
static void c22_move_waits_for_unmap(void **state)
{
	struct client touch, unmap, move;
	struct devmap_handle *dh;

	(void)state;
	sleeping = 0;
	drv.access = sleep_pid_3;
	fake_map(p[2], 4);
	dh = drv_handle(p[2], 0);
	start(&touch, touch_main, p[2], BASE + P(3));
	while (sleeping == 0)
		fake_sleep(MS);
	start(&unmap, unmap_main, p[2], BASE);
	await_gate(p[2]);
	start(&move, move_main, p[2], 0);
	fake_sleep(20 * MS);
	assert_false(move.done);
	sleeping = 2;
	join(&unmap);
	join(&move);
	assert_int_equal(move.result, EINVAL); /* it is not all there any more */
	join(&touch);
	assert_int_equal(touch.result, 0);
	assert_int_equal(dh->dh_uvaddr, BASE + P(1));
	assert_int_equal(dh->dh_len, P(3));
}

/*
 * C16: the driver loads nothing for p[0] until it is told to.
 */

static _Atomic int may_load;

static int loads_nothing(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len, uint_t type,
			 uint_t rw)
{
	if (((struct devmap_handle *)dhp)->dh_as == &p[0]->as && !may_load)
		return 0;
	return devmap_do_ctxmgt(dhp, pvtp, off, len, type, rw, drv_ctxmgt);
}

/* A client of p[0] pauses in its access to page n. */
static void start_pausing(struct client *c, size_t n)
{
	fake_retry_unloaded = -1;
	may_load = 0;
	drv.access = loads_nothing;
	drv.accesses = 0;
	start(c, touch_main, p[0], BASE + P(n));
	while (drv.accesses < 3)
		fake_sleep(MS);
}

static void pause_with_others(void)
{
	struct client c;

	map_all(2, 2);
	start_pausing(&c, 1);
	assert_int_equal(fake_touch(p[1], BASE + P(1)), 0); /* it has no turn */
	assert_false(c.done);
	fake_signal(p[0]);
	may_load = 1;
	join(&c);
	assert_int_equal(c.result, 0);
}

static void c16_a_pause_holds_no_turn(void **state)
{
	(void)state;
	pause_with_others();
}

static void c16_a_pause_holds_no_turn_direct(void **state)
{
	(void)state;
	fake_direct = B_TRUE;
	pause_with_others();
}

/* A thread that serves itself runs its signals' handlers; its time goes on meanwhile. */
static void c16_signals_do_not_begin_it_anew(void **state)
{
	struct client c;

	(void)state;
	fake_direct = B_TRUE;
	map_all(1, 1);
	start_pausing(&c, 0);
	fake_retry_unloaded = 200;
	for (int i = 0; i < PATIENCE && !c.done; i++) {
		engine_interrupt((kt_did_t)c.thread);
		fake_sleep(MS);
	}
	assert_true(c.done);
	join(&c);
	assert_int_equal(c.result, SIGBUS);
}

/* The access in as pauses, from now on for ever. */
static void await_endless_pause(struct as *as)
{
	boolean_t paused = B_FALSE;

	for (; !paused; fake_sleep(MS)) {
		mutex_enter(&as->a_lock);
		paused = as->a_paused != NULL;
		if (paused)
			as->a_paused->f_due = INT64_MAX;
		mutex_exit(&as->a_lock);
	}
}

static int load_all_of(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len, uint_t type,
		       uint_t rw)
{
	(void)pvtp, (void)off, (void)len;
	return devmap_load(dhp, 0, 0, type, rw);
}

/* Somebody else's load, munmap(2) and exit end a pause. */
static void c16_what_ends_a_pause(void **state)
{
	struct client c;

	(void)state;
	map_all(4, 1);
	start_pausing(&c, 1);
	await_endless_pause(&p[0]->as);
	drv.access = load_all_of;
	assert_int_equal(fake_touch(p[0], BASE), 0);
	join(&c);
	assert_int_equal(c.result, 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(devmap_unload(drv_handle(p[0], 0), 0, 0), 0);
		start_pausing(&c, 1);
		await_endless_pause(&p[0]->as);
		if (i == 0)
			assert_int_equal(devmap_unmap_range(&p[0]->as, BASE + P(1), P(3)), 0);
		else
			fake_process_exit(p[0]);
		join(&c);
		assert_int_equal(c.result, SIGSEGV);
		if (i == 0)
			assert_int_equal(fake_mmap(p[0], BASE + P(1), P(1), RW, MAP_SHARED, 0), 0);
	}
	p[0] = NULL;
}

static int eintr_value;

static int eintr(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len, uint_t type, uint_t rw)
{
	if (drv.accesses > 10)
		return devmap_default_access(dhp, pvtp, off, len, type, rw);
	return eintr_value;
}

/* It is as if nothing had been loaded: the driver is asked again, as long as the property says. */
static void c11_eintr(void **state)
{
	static const int values[] = { EINTR, FC_MAKE_ERR(EINTR), EINTR, FC_MAKE_ERR(EINTR) };
	int error;

	(void)state;
	drv.access = eintr;
	map_all(1, 1);
	for (int i = 0; i < 4; i++) {
		fake_direct = i < 2;
		eintr_value = values[i];
		fake_retry_unloaded = 60;
		drv.accesses = 0;
		assert_int_equal(fake_access(p[0], BASE, DEVMAP_READ, &error, NULL, NULL), SIGBUS);
		assert_int_equal(error, EINTR);
		assert_in_range(drv.accesses, 3, 9);
		fake_retry_unloaded = -1;
		drv.accesses = 0;
		assert_int_equal(fake_touch(p[0], BASE), 0);
		assert_int_equal(drv.accesses, 11);
		assert_int_equal(devmap_unload(drv_handle(p[0], 0), 0, 0), 0);
	}
}

static int ctxmgt_value;

static int return_value(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len, uint_t type,
			uint_t rw)
{
	(void)dhp, (void)pvtp, (void)off, (void)len, (void)type, (void)rw;
	return ctxmgt_value;
}

static int access_value;

static int no_callback(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len, uint_t type,
		       uint_t rw)
{
	access_value = devmap_do_ctxmgt(dhp, pvtp, off, len, type, rw, NULL);
	return access_value;
}

static int pass_value(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len, uint_t type,
		      uint_t rw)
{
	(void)pvtp;
	access_value = devmap_do_ctxmgt(dhp, (void *)1, off, len, type, rw, return_value);
	return access_value;
}

static int nested(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len, uint_t type, uint_t rw)
{
	return devmap_do_ctxmgt(dhp, pvtp, off, len, type, rw, drv_ctxmgt);
}

static void c10_values(void **state)
{
	static const struct {
		int returned, means;
	} values[] = { { -1, -1 },	 { 1, 1 },
		       { EINTR, EINTR }, { FC_MAKE_ERR(EIO), EIO },
		       { 3, 3 },	 { FC_MAKE_ERR(FC_MAKE_ERR(EINVAL)), EINVAL },
		       { 0x100, 0x100 }, { INT32_MIN, INT32_MIN } };
	int error;

	(void)state;
	map_all(2, 1);
	drv.access = pass_value;
	for (int i = 0; i < 8; i++) {
		ctxmgt_value = values[i].returned;
		assert_int_equal(fake_access(p[0], BASE, DEVMAP_READ, &error, NULL, NULL), SIGBUS);
		assert_int_equal(access_value, values[i].returned);
		assert_int_equal(error, values[i].means);
	}
	drv.access = no_callback;
	assert_int_equal(fake_touch(p[0], BASE), SIGBUS);
	assert_int_not_equal(access_value, 0);
	assert_true(fake_said("drv: devmap_do_ctxmgt: no devmap_contextmgt"));
	drv.access = NULL;
	drv.in_ctxmgt = nested;
	assert_int_equal(fake_touch(p[0], BASE), SIGBUS);
	assert_true(fake_said("called from the group's devmap_contextmgt"));
	/* On a handle in which the thread serves nothing. */
	drv.in_ctxmgt = NULL;
	assert_int_equal(devmap_do_ctxmgt(drv_handle(p[0], 0), NULL, 0, P(2), DEVMAP_ACCESS,
					  DEVMAP_WRITE, drv_ctxmgt),
			 0);
	assert_true(fake_valid(p[0], BASE + P(1)));
}

/*
 * C12, C13: locks
 */

static int lock_range(int i, uintptr_t addr, size_t len, uint_t type)
{
	fake_enter(p[i]);
	return devmap_lock_range(&p[i]->as, addr, len, type, DEVMAP_WRITE);
}

static int wrong_length(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len, uint_t type,
			uint_t rw)
{
	(void)pvtp, (void)off;
	if (devmap_unload(dhp, off, PAGESIZE) != EINVAL)
		return 3;
	return devmap_load(dhp, off, type == DEVMAP_LOCK ? 0 : len, type, rw);
}

static void c12_length_of_a_lock(void **state)
{
	(void)state;
	map_all(4, 1);
	drv.access = wrong_length;
	assert_int_equal(lock_range(0, BASE, P(4), DEVMAP_LOCK), EINVAL);
	assert_true(fake_said("drv: devmap_load: length 0x0 in a lock or unlock of 0x4000 bytes"));
	assert_true(
		fake_said("drv: devmap_unload: length 0x1000 in a lock or unlock of 0x4000 bytes"));
}

static void c13_locks(void **state)
{
	struct client c;

	(void)state;
	drv.piece = P(2);
	map_all(6, 2);
	assert_int_equal(lock_range(0, BASE + 1, P(4), DEVMAP_LOCK), 0);
	assert_int_equal(drv.accesses, 3);
	assert_int_equal(drv_handle(p[0], 0)->dh_member->mb_locked, 5);
	assert_int_equal(lock_range(0, BASE, P(6), DEVMAP_LOCK), 0);
	assert_int_equal(drv.accesses, 4);
	assert_int_equal(drv_handle(p[0], 0)->dh_member->mb_locked, 6);
	assert_true(fake_valid(p[0], BASE + P(5)));
	start(&c, touch_main, p[1], BASE);
	until_waiting(group_of(p[0]), 1);
	fake_sleep(20 * MS);
	assert_false(c.done);
	assert_int_equal(lock_range(0, BASE, P(3), DEVMAP_UNLOCK), 0);
	assert_int_equal(drv_handle(p[0], 0)->dh_member->mb_locked, 3);
	/* Unmapping ends the locks of what goes. */
	assert_int_equal(devmap_unmap_range(&p[0]->as, BASE + P(2), P(2)), 0);
	assert_int_equal(drv_handle(p[0], 0)->dh_member->mb_locked, 2);
	fake_sleep(20 * MS);
	assert_false(c.done);
	assert_int_equal(lock_range(0, BASE, P(6), DEVMAP_LOCK), ENOMEM); /* a hole */
	assert_int_equal(lock_range(0, BASE, P(6), DEVMAP_UNLOCK), 0);
	join(&c);
	assert_int_equal(c.result, 0);
	assert_int_equal(lock_range(0, BASE, P(6), DEVMAP_UNLOCK), 0);
	assert_int_equal(lock_range(0, BASE, 0, DEVMAP_LOCK), EINVAL);
	assert_int_equal(lock_range(0, BASE, 1, DEVMAP_ACCESS), EINVAL);
	assert_int_equal(lock_range(0, BASE, SIZE_MAX, DEVMAP_LOCK), EINVAL);
}

static void c13_a_hole_in_what_is_locked(void **state)
{
	struct client c;

	(void)state;
	map_all(6, 2);
	assert_int_equal(lock_range(0, BASE, P(6), DEVMAP_LOCK), 0);
	assert_int_equal(devmap_unmap_range(&p[0]->as, BASE + P(2), P(1)), 0);
	assert_int_equal(drv_handle(p[0], 0)->dh_member->mb_locked, 5);
	start(&c, touch_main, p[1], BASE);
	until_waiting(group_of(p[0]), 1);
	assert_int_equal(lock_range(0, BASE, P(2), DEVMAP_UNLOCK), 0);
	fake_sleep(10 * MS);
	assert_false(c.done);
	fake_process_exit(p[0]);
	p[0] = NULL;
	join(&c);
	assert_int_equal(c.result, 0);
}

static int slow(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len, uint_t type, uint_t rw)
{
	(void)dhp, (void)pvtp, (void)off, (void)len, (void)type, (void)rw;
	fake_sleep(20 * MS);
	return 0;
}

static void c13_two_threads_lock_the_same(void **state)
{
	struct client c[3];

	(void)state;
	drv.in_ctxmgt = slow;
	map_all(4, 2);
	for (int i = 0; i < 3; i++)
		start(&c[i], lock_main, p[0], BASE + P(i > 1));
	for (int i = 0; i < 3; i++) {
		join(&c[i]);
		assert_int_equal(c[i].result, 0);
	}
	assert_int_equal(drv_handle(p[0], 0)->dh_member->mb_locked, 2);
	assert_int_equal(group_of(p[0])->g_arb.locks, 2);
	assert_int_equal(lock_range(0, BASE, P(2), DEVMAP_UNLOCK), 0);
	assert_int_equal(fake_touch(p[1], BASE), 0);
}

static int fail_second_piece(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len, uint_t type,
			     uint_t rw)
{
	if (type == DEVMAP_LOCK && off > 0)
		return FC_MAKE_ERR(EIO);
	return devmap_do_ctxmgt(dhp, pvtp, off, len, type, rw, drv_ctxmgt);
}

/* Asks for the turn, gets it, and fails all the same. */
static int fail_after_grant(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len, uint_t type,
			    uint_t rw)
{
	int error = devmap_do_ctxmgt(dhp, pvtp, off, len, type, rw, drv_ctxmgt);

	return error != 0 ? error : -1;
}

static void c13_half_a_lock_is_undone(void **state)
{
	(void)state;
	drv.piece = P(2);
	drv.access = fail_second_piece;
	map_all(4, 2);
	assert_int_equal(lock_range(0, BASE, P(4), DEVMAP_LOCK), EIO);
	assert_int_equal(drv_handle(p[0], 0)->dh_member->mb_locked, 0);
	assert_int_equal(drv.accesses, 3);
	drv.access = fail_after_grant;
	assert_int_equal(lock_range(0, BASE, P(4), DEVMAP_LOCK), EIO);
	assert_int_equal(drv_handle(p[0], 0)->dh_member->mb_locked, 0);
	drv.access = NULL;
	assert_int_equal(fake_touch(p[1], BASE), 0);
}

static void c13_limits(void **state)
{
	hrtime_t began = gethrtime();
	struct client c;

	(void)state;
	devmap_set_lock_limits(40 * MS, 4);
	map_all(8, 2);
	devmap_set_lock_limits(0, 0);
	assert_int_equal(lock_range(0, BASE, P(5), DEVMAP_LOCK), ENOMEM);
	assert_int_equal(drv.accesses, 0);
	assert_int_equal(lock_range(0, BASE, P(3), DEVMAP_LOCK), 0);
	assert_int_equal(lock_range(0, BASE + P(3), P(2), DEVMAP_LOCK), ENOMEM);
	assert_int_equal(lock_range(0, BASE + P(2), P(2), DEVMAP_LOCK), 0);
	start(&c, touch_main, p[1], BASE);
	join(&c);
	assert_int_equal(c.result, 0);
	assert_true(gethrtime() - began >= 40 * MS);
	assert_int_equal(stats_of(group_of(p[0])).locks_broken, 1);
	assert_true(fake_said(
		"drv: 4 pages locked by process 1 (client) are unlocked: the time limit"));
	assert_int_equal(drv_handle(p[0], 0)->dh_member->mb_locked, 0);
	/* Stale locks count for nothing, and are unlocked without harm. */
	assert_int_equal(lock_range(0, BASE, P(1), DEVMAP_LOCK), 0);
	assert_int_equal(drv_handle(p[0], 0)->dh_member->mb_locked, 1);
	assert_int_equal(lock_range(0, BASE, P(8), DEVMAP_UNLOCK), 0);
	assert_int_equal(drv_handle(p[0], 0)->dh_member->mb_locked, 0);
}

/* Processes each lock a group of their own, then touch the next one's. */
static void cycle(int n)
{
	struct client c[4];
	int broken = 0;

	for (int i = 0; i < n; i++) {
		drv.group_key = (char *)&drv + i;
		for (int j = 0; j < n; j++)
			assert_int_equal(fake_mmap(p[j], BASE + P(8 * i), P(2), RW, MAP_SHARED,
						   (offset_t)P(2 * i)),
					 0);
	}
	for (int i = 0; i < n; i++)
		assert_int_equal(lock_range(i, BASE + P(8 * i), P(1), DEVMAP_LOCK), 0);
	for (int i = 0; i < n; i++) {
		start(&c[i], i == 0 ? lock_main : touch_main, p[i], BASE + P(8 * ((i + 1) % n)));
		if (i < n - 1)
			until_waiting(drv_handle(p[i], BASE + P(8 * (i + 1)))->dh_member->mb_group,
				      1);
	}
	/* The last one closes the circle and loses its locks; the one before it goes on. */
	join(&c[n - 2]);
	assert_int_equal(c[n - 2].result, 0);
	for (int i = 0; i < n; i++)
		broken += (int)stats_of(drv_handle(p[0], BASE + P(8 * i))->dh_member->mb_group)
				  .lock_cycles;
	assert_int_equal(broken, 1);
	assert_true(fake_said("are unlocked: it waits for a process that waits for them"));
	for (int i = n - 2; i > 0; i--) {
		assert_int_equal(lock_range(i, BASE + P(8 * i), P(1), DEVMAP_UNLOCK), 0);
		join(&c[i - 1]);
	}
	/* p[0] has its own, and for n == 2 the other's too. */
	assert_int_equal(lock_range(0, BASE, P(1), DEVMAP_UNLOCK), 0);
	join(&c[n - 1]);
	assert_int_equal(c[n - 1].result, 0);
}

static void c13_cycle_of_two(void **state)
{
	(void)state;
	cycle(2);
}

static void c13_cycle_of_four(void **state)
{
	(void)state;
	cycle(4);
}

static void assert_done(struct client *c)
{
	for (int i = 0; i < PATIENCE && !c->done; i++)
		fake_sleep(MS);
	assert_true(c->done);
}

/* The wait that closes the circle is one in which no thread waits. */
static void c13_cycle_with_a_postponed_fault(void **state)
{
	struct client c[3];

	(void)state;
	for (int i = 0; i < 2; i++) {
		drv.group_key = (char *)&drv + i;
		for (int j = 0; j < 3; j++)
			assert_int_equal(fake_mmap(p[j], BASE + P(8 * i), P(2), RW, MAP_SHARED,
						   (offset_t)P(2 * i)),
					 0);
	}
	assert_int_equal(lock_range(0, BASE, P(1), DEVMAP_LOCK), 0);
	assert_int_equal(lock_range(1, BASE + P(8), P(1), DEVMAP_LOCK), 0);
	start(&c[2], touch_main, p[2], BASE + P(8));
	until_waiting(drv_handle(p[1], BASE + P(8))->dh_member->mb_group, 1);
	start(&c[1], touch_main, p[1], BASE);
	until_waiting(group_of(p[0]), 1);
	start(&c[0], touch_main, p[0], BASE + P(8));
	assert_done(&c[1]);
	assert_int_equal(stats_of(group_of(p[0])).lock_cycles, 1);
	assert_int_equal(lock_range(1, BASE + P(8), P(1), DEVMAP_UNLOCK), 0);
	for (int i = 0; i < 3; i++) {
		join(&c[i]);
		assert_int_equal(c[i].result, 0);
	}
}

static _Atomic int late_stage;

/* The first lock is granted, and then its access takes its time. */
static int late_access(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len, uint_t type,
		       uint_t rw)
{
	int error = devmap_do_ctxmgt(dhp, pvtp, off, len, type, rw, drv_ctxmgt);

	if (type == DEVMAP_LOCK && late_stage == 0) {
		late_stage = 1;
		while (late_stage == 1)
			fake_sleep(MS);
	}
	return error;
}

/* A lock that was broken before its access has returned leaves alone those taken since. */
static void c13_broken_while_being_taken(void **state)
{
	struct client c[2];

	(void)state;
	late_stage = 0;
	drv.access = late_access;
	devmap_set_lock_limits(20 * MS, 0);
	map_all(4, 2);
	devmap_set_lock_limits(0, 0);
	start(&c[0], lock_main, p[0], BASE);
	while (late_stage != 1)
		fake_sleep(MS);
	start(&c[1], touch_main, p[1], BASE);
	join(&c[1]);
	assert_int_equal(stats_of(group_of(p[0])).locks_broken, 1);
	assert_int_equal(lock_range(0, BASE + P(1), P(1), DEVMAP_LOCK), 0);
	late_stage = 2;
	join(&c[0]);
	assert_int_equal(c[0].result, 0);
	assert_int_equal(group_of(p[0])->g_arb.locks, 1);
	assert_int_equal(lock_range(0, BASE, P(4), DEVMAP_UNLOCK), 0);
	assert_int_equal(group_of(p[0])->g_arb.locks, 0);
	assert_int_equal(drv_handle(p[0], 0)->dh_member->mb_locked, 0);
}

/*
 * C17: leaks
 */

/* The example of the manual page: unloads only the page that was asked for. */
static int leaky(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len, uint_t type, uint_t rw)
{
	struct drv_ctx *c = pvtp, *other;

	mutex_enter(&drv.lock);
	for (other = drv.ctxs; other != NULL; other = other->next)
		if (other->pid != c->pid)
			(void)devmap_unload(other->dhp, off, len);
	mutex_exit(&drv.lock);
	return devmap_load(dhp, off, len, type, rw);
}

static int leaky_access(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len, uint_t type,
			uint_t rw)
{
	return devmap_do_ctxmgt(dhp, pvtp, off, len, type, rw, leaky);
}

static void c17_leaks_are_counted(void **state)
{
	(void)state;
	drv.access = leaky_access;
	map_all(4, 2);
	for (int i = 0; i < 4; i++)
		assert_int_equal(fake_touch(p[0], BASE + P(i)), 0);
	assert_int_equal(fake_touch(p[1], BASE), 0);
	assert_int_equal(stats_of(group_of(p[0])).leaked, 1);
	assert_true(fake_said(
		"drv: devmap_contextmgt: process 1 (client) does not own the device any more, "
		"but 3 of its pages are still loaded"));
	assert_int_equal(stats_of(group_of(p[0])).taken, 0);
}

/*
 * Changes while somebody waits
 */

static void c8_unmap_while_waiting(void **state)
{
	struct client c[4];

	(void)state;
	map_all(8, 4);
	own_for_ever();
	start(&c[0], touch_main, p[1], BASE); /* waits in a thread */
	until_waiting(group_of(p[0]), 1);
	start(&c[1], touch_main, p[1], BASE + P(2)); /* postponed */
	start(&c[2], touch_main, p[2], BASE);	     /* postponed */
	start(&c[3], touch_main, p[1], BASE + P(3)); /* postponed, stays */
	until_waiting(group_of(p[0]), 4);
	assert_int_equal(devmap_unmap_range(&p[1]->as, BASE, P(3)), 0);
	join(&c[0]);
	join(&c[1]);
	assert_int_equal(c[0].result, SIGSEGV);
	assert_int_equal(c[1].result, SIGSEGV);
	until_waiting(group_of(p[0]), 2);
	/* Exit takes its waiting threads with it. */
	fake_process_exit(p[2]);
	p[2] = NULL;
	join(&c[2]);
	assert_int_equal(c[2].result, SIGSEGV);
	assert_false(c[3].done);
	fake_process_exit(p[0]);
	p[0] = NULL;
	join(&c[3]);
	assert_int_equal(c[3].result, 0);
}

static void c8_unmap_of_what_is_postponed(void **state)
{
	struct client c[2];

	(void)state;
	map_all(4, 3);
	own_for_ever();
	start(&c[0], touch_main, p[1], BASE); /* waits, and stays */
	until_waiting(group_of(p[0]), 1);
	start(&c[1], touch_main, p[2], BASE + P(1)); /* postponed behind it */
	until_waiting(group_of(p[0]), 2);
	assert_int_equal(devmap_unmap_range(&p[2]->as, BASE + P(1), P(1)), 0);
	join(&c[1]);
	assert_int_equal(c[1].result, SIGSEGV);
	assert_false(c[0].done);
	disown();
	join(&c[0]);
	assert_int_equal(c[0].result, 0);
}

static void c8_partial_unmap_restarts(void **state)
{
	struct client c;

	(void)state;
	map_all(8, 2);
	own_for_ever();
	start(&c, touch_main, p[1], BASE + P(7));
	until_waiting(group_of(p[0]), 1);
	assert_int_equal(devmap_unmap_range(&p[1]->as, BASE + P(3), P(2)), 0);
	until_waiting(group_of(p[0]), 1);
	disown();
	join(&c);
	/* It was asked again, with the new handle's private data. */
	assert_int_equal(c.result, 0);
	assert_true(fake_valid(p[1], BASE + P(7)));
	assert_true(drv.accesses >= 3);
}

static void *postponed_main(void *arg)
{
	struct client *c = arg;

	for (int i = 0; i < 50 && c->result == 0; i++)
		c->result = fake_touch(c->p, BASE + P(i % 4));
	return NULL;
}

static int sometimes_without_turn(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len,
				  uint_t type, uint_t rw)
{
	static _Atomic unsigned n;

	/* Released, but never asks: the next one must be released all the same (R9). */
	if (n++ % 3 == 1)
		return devmap_default_access(dhp, pvtp, off, len, type, rw);
	return devmap_do_ctxmgt(dhp, pvtp, off, len, type, rw, drv_ctxmgt);
}

static void c10_no_postponed_fault_is_lost(void **state)
{
	struct client c[PROCESSES * 4];

	(void)state;
	drv.access = sometimes_without_turn;
	map_all(4, PROCESSES);
	for (int i = 0; i < PROCESSES * 4; i++)
		start(&c[i], postponed_main, p[i % PROCESSES], 0);
	for (int i = 0; i < PROCESSES * 4; i++) {
		join(&c[i]);
		assert_int_equal(c[i].result, 0);
	}
	assert_int_equal(fake_waiting(), 0);
}

/*
 * Everything at once: map, touch, lock, fork, unmap, remap, exit. For the sanitizers and
 * assertions.
 */
static _Atomic int chaos_left;
static pthread_mutex_t chaos_fork = PTHREAD_MUTEX_INITIALIZER;

static void *chaos_main(void *arg)
{
	struct fake_process *child, *q = arg;
	static _Atomic unsigned seeds = 1;
	unsigned seed = seeds++;
	struct devmap_handle *dh;

	while (chaos_left-- > 0) {
		uintptr_t addr = BASE + P(rand_r(&seed) % 8);
		size_t len = P(1 + rand_r(&seed) % 3);

		fake_enter(q);
		switch (rand_r(&seed) % 16) {
		case 0:
			(void)devmap_unmap_range(&q->as, addr, len);
			break;
		case 1:
			/* As an engine would: nothing stands there when it maps. */
			pthread_mutex_lock(&chaos_fork);
			(void)devmap_unmap_range(&q->as, BASE, P(8));
			(void)fake_mmap(q, BASE, P(8), RW, MAP_SHARED, 0);
			pthread_mutex_unlock(&chaos_fork);
			break;
		case 2:
			(void)devmap_lock_range(&q->as, addr, len, DEVMAP_LOCK, DEVMAP_WRITE);
			(void)devmap_lock_range(&q->as, BASE, P(8), DEVMAP_UNLOCK, DEVMAP_WRITE);
			break;
		case 3:
			pthread_mutex_lock(&chaos_fork);
			child = fake_process_new(100);
			if (devmap_dup_as(&q->as, &child->as) == 0)
				(void)fake_touch(child, addr);
			fake_process_exit(child);
			pthread_mutex_unlock(&chaos_fork);
			break;
		case 4:
			mutex_enter(&drv.lock); /* keeps the handle alive */
			dh = drv.ctxs != NULL ? drv.ctxs->dhp : NULL;
			if (dh != NULL)
				(void)devmap_devmem_remap(dh, NULL, 0,
							  (offset_t)P(rand_r(&seed) % 8),
							  drv.ctxs->len, PROT_ALL, 0, NULL);
			mutex_exit(&drv.lock);
			break;
		default:
			(void)fake_touch(q, addr);
		}
	}
	return NULL;
}

static void c5_chaos(void **state)
{
	pthread_t t[PROCESSES];

	(void)state;
	drv.flags = DEVMAP_ALLOW_REMAP;
	drv.piece = P(3);
	map_all(8, 4);
	chaos_left = 6000;
	for (int i = 0; i < PROCESSES; i++)
		assert_int_equal(pthread_create(&t[i], NULL, chaos_main, p[i / 2]), 0);
	for (int i = 0; i < PROCESSES; i++)
		assert_int_equal(pthread_join(t[i], NULL), 0);
	assert_int_equal(drv.overlaps, 0);
}

/*
 * Our own
 */

static void x2_overhead(void **state)
{
	hrtime_t began = gethrtime();
	struct client c;

	(void)state;
	drv.overhead = 10;
	drv.in_ctxmgt = slow;
	map_all(2, 2);
	assert_int_equal(fake_touch(p[0], BASE), 0);
	/* At least 20 ms cost: nine times that is held. */
	assert_true(group_of(p[0])->g_arb.hold_ns >= 180 * MS);
	start(&c, touch_main, p[1], BASE);
	join(&c);
	assert_true(gethrtime() - began >= 180 * MS);
}

static void x3_groups(void **state)
{
	struct client c;

	(void)state;
	drv.hold = 100 * 1000 * MS;
	map_all(1, 2);
	drv.group_key = &c;
	assert_int_equal(fake_mmap(p[0], BASE + P(4), P(1), RW, MAP_SHARED, P(4)), 0);
	assert_int_equal(fake_mmap(p[1], BASE + P(4), P(1), RW, MAP_SHARED, P(4)), 0);
	assert_ptr_not_equal(drv_handle(p[0], BASE + P(4))->dh_member->mb_group, group_of(p[0]));
	assert_ptr_equal(drv_handle(p[1], BASE + P(4))->dh_member->mb_group,
			 drv_handle(p[0], BASE + P(4))->dh_member->mb_group);
	assert_int_equal(fake_touch(p[0], BASE), 0);
	assert_int_equal(fake_touch(p[1], BASE + P(4)), 0); /* not held by p[0]'s hold */
	assert_int_equal(devmap_set_ctx_group(drv_handle(p[0], 0), &drv), EBUSY);
	assert_int_equal(devmap_set_ctx_group(drv_handle(p[1], 0), &c), 0);
	assert_ptr_equal(group_of(p[1]), drv_handle(p[0], BASE + P(4))->dh_member->mb_group);
	assert_int_equal(devmap_set_ctx_group(drv_handle(p[1], 0), NULL), 0);
	assert_ptr_equal(group_of(p[1]), group_of(p[0]));
}

static void count_handle(struct devmap_handle *dh, void *arg)
{
	(void)dh;
	++*(int *)arg;
}

static void x4_statistics(void **state)
{
	struct devmap_stats s;
	int handles = 0;

	(void)state;
	drv.piece = P(1);
	map_all(3, 2);
	assert_int_equal(fake_touch(p[0], BASE), 0);
	assert_int_equal(fake_touch(p[0], BASE + P(1)), 0);
	assert_int_equal(fake_touch(p[1], BASE), 0);
	s = stats_of(group_of(p[0]));
	assert_int_equal(s.accesses, 3);
	assert_int_equal(s.grants, 3);
	assert_int_equal(s.switches, 2);
	assert_int_equal(s.failures, 0);
	assert_true(s.owned_ns > 0);
	assert_true(s.switch_ns > 0);
	assert_int_equal(drv_handle(p[1], 0)->dh_member->mb_stats.grants, 1);
	assert_int_equal(group_of(p[0])->g_switch_hist.h_count, 2);
	devmap_each_handle(&p[0]->as, count_handle, &handles);
	assert_int_equal(handles, 3);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(c5_never_two_at_once),
		T(c5_chaos),
		T(c6_hold),
		T(c6_ticks),
		T(c6_operators_terms),
		T(c7_hold_ends_when_the_owner_goes),
		T(c7_failed_callback),
		T(c8_first_come_first_served),
		T(c8_instructions_that_need_two_pages),
		T(c8_a_signal_keeps_the_place),
		T(c8_a_signal_keeps_the_place_direct),
		T(c8_unmap_while_waiting),
		T(c8_partial_unmap_restarts),
		T(c8_unmap_of_what_is_postponed),
		T(c10_sleeping_in_access_holds_no_turn),
		T(c10_a_released_fault_that_sleeps),
		T(c8_an_answer_is_never_held_back),
		T(c10_values),
		T(c22_move_waits_for_unmap),
		T(c10_waiting_needs_no_threads),
		T(c10_no_postponed_fault_is_lost),
		T(c16_a_pause_holds_no_turn),
		T(c16_a_pause_holds_no_turn_direct),
		T(c16_signals_do_not_begin_it_anew),
		T(c16_what_ends_a_pause),
		T(c11_eintr),
		T(c12_length_of_a_lock),
		T(c13_locks),
		T(c13_a_hole_in_what_is_locked),
		T(c13_two_threads_lock_the_same),
		T(c13_half_a_lock_is_undone),
		T(c13_limits),
		T(c13_cycle_of_two),
		T(c13_cycle_of_four),
		T(c13_cycle_with_a_postponed_fault),
		T(c13_broken_while_being_taken),
		T(c17_leaks_are_counted),
		T(x2_overhead),
		T(x3_groups),
		T(x4_statistics),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("core: contexts", tests, NULL, NULL);
}
