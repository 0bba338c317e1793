/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The core: one device context that several processes share (X5). The driver is fake_engine.c's. */
#include "fake_engine.h"

#define RW	  (PROT_READ | PROT_WRITE)
#define PROCESSES 4
#define FOR_EVER  (100 * 1000 * MS)

static struct fake_process *p[PROCESSES];
static char keys[4];

static int setup(void **state)
{
	(void)fake_setup(state);
	for (int i = 0; i < PROCESSES; i++)
		p[i] = fake_process_new(i + 1);
	return 0;
}

static void leave(int i)
{
	fake_process_exit(p[i]);
	p[i] = NULL;
}

static int teardown(void **state)
{
	for (int i = 0; i < PROCESSES; i++)
		if (p[i] != NULL)
			fake_process_exit(p[i]);
	return fake_teardown(state);
}

static void map(int i, void *share, size_t pages)
{
	drv.share_key = share;
	fake_map(p[i], pages);
}

static struct devmap_handle *handle(int i)
{
	return drv_handle(p[i], 0);
}

static struct devmap_group *group(int i)
{
	return handle(i)->dh_member->mb_group;
}

static void touch(int i, size_t page)
{
	assert_int_equal(fake_touch(p[i], BASE + P(page)), 0);
}

static boolean_t valid(int i, size_t page)
{
	return fake_valid(p[i], BASE + P(page));
}

/* A client thread with one access. */
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

static void start(struct client *c, int i, uintptr_t addr)
{
	memset(c, 0, sizeof(*c));
	c->p = p[i];
	c->addr = addr;
	assert_int_equal(pthread_create(&c->thread, NULL, touch_main, c), 0);
}

static void join(struct client *c)
{
	assert_int_equal(pthread_join(c->thread, NULL), 0);
	assert_int_equal(c->result, 0);
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

static struct devmap_stats stats(int i)
{
	struct devmap_group *g = group(i);
	struct devmap_stats s;

	mutex_enter(&g->g_lock);
	s = g->g_stats;
	mutex_exit(&g->g_lock);
	return s;
}

/* Nobody waits, and one page is valid in both; every access is the owner's after the first. */
static void one_owner(void **state)
{
	(void)state;
	drv.hold = FOR_EVER;
	map(0, keys, 2);
	map(1, keys, 2);
	touch(0, 0);
	touch(1, 0);
	touch(1, 1);
	assert_true(valid(0, 0) && valid(1, 0) && valid(1, 1));
	assert_int_equal(fake_regs[0]->m.mem_pages[0].pg_loaded, 2);
	touch(0, 0);
	assert_int_equal(drv.ctxmgts, 3);
	assert_int_equal(stats(0).switches, 1);
	assert_int_equal(stats(0).taken + stats(0).leaked, 0);
}

static void hold_ends_with_the_last(void **state)
{
	struct client c;

	(void)state;
	drv.hold = FOR_EVER;
	map(0, keys, 1);
	map(1, keys, 1);
	map(2, NULL, 1);
	touch(0, 0);
	touch(1, 0);
	start(&c, 2, BASE);
	until_waiting(group(2), 1);
	leave(0); /* who made them the owner */
	touch(1, 0);
	assert_int_equal(group(1)->g_owner->mb_as->a_pid, 2);
	assert_false(c.done);
	assert_int_equal(waiting(group(2)), 1);
	leave(1);
	join(&c);
}

/* The third is between them: those who share wait, and go together. */
static void they_queue_as_one(void **state)
{
	struct client c[2];

	(void)state;
	drv.hold = FOR_EVER;
	map(0, keys, 1);
	map(1, keys, 1);
	map(2, NULL, 1);
	touch(2, 0);
	start(&c[0], 0, BASE);
	start(&c[1], 1, BASE);
	until_waiting(group(2), 2);
	leave(2);
	join(&c[0]);
	join(&c[1]); /* not held by the other's hold */
	assert_true(valid(0, 0) && valid(1, 0));
	assert_int_equal(stats(0).switches, 2);
}

static void unload_takes_it_from_all(void **state)
{
	(void)state;
	map(0, keys, 2);
	map(1, keys, 2);
	map(2, keys + 1, 2);
	for (int i = 0; i < 2; i++) {
		touch(i, 0);
		touch(i, 1);
	}
	assert_int_equal(devmap_unload(handle(0), 0, P(1)), 0);
	assert_false(valid(0, 0) || valid(1, 0));
	assert_true(valid(0, 1) && valid(1, 1));
	assert_int_equal(fake_regs[0]->m.mem_pages[0].pg_loaded, 0);
	touch(1, 0);
	assert_int_equal(drv.ctxmgts, 5);
	touch(2, 0); /* the driver unloads each of theirs */
	assert_false(valid(0, 0) || valid(1, 0) || valid(0, 1) || valid(1, 1));
	assert_int_equal(stats(0).taken + stats(0).leaked, 0);
}

/* The end of one, and an access that fails, leave the others theirs. */
static void others_keep_theirs(void **state)
{
	(void)state;
	map(0, keys, 1);
	map(1, keys, 1);
	touch(0, 0);
	touch(1, 0);
	leave(0);
	touch(1, 0);
	assert_int_equal(drv.ctxmgts, 2);
	assert_int_equal(fake_regs[0]->m.mem_pages[0].pg_loaded, 1);
}

static void careless_driver(void **state)
{
	(void)state;
	drv.access = devmap_default_access;
	map(0, keys, 2);
	map(1, keys, 2);
	map(2, NULL, 2);
	touch(0, 0);
	touch(1, 0);
	touch(1, 1);
	touch(2, 0);
	assert_false(valid(0, 0) || valid(1, 0));
	assert_true(valid(1, 1));
	assert_int_equal(stats(0).taken, 1);
	touch(1, 0);
	assert_false(valid(2, 0));
}

static int load_both(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len, uint_t type,
		     uint_t rw)
{
	(void)pvtp, (void)off, (void)len;
	return devmap_load(dhp, 0, P(2), type, rw);
}

/* It unloads nothing: what is left with any of them is a leak. */
static int leaky_access(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len, uint_t type,
			uint_t rw)
{
	return devmap_do_ctxmgt(dhp, pvtp, off, len, type, rw, load_both);
}

static int load_one(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len, uint_t type,
		    uint_t rw)
{
	(void)pvtp;
	return devmap_load(dhp, off, len, type, rw);
}

static int load_one_access(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len, uint_t type,
			   uint_t rw)
{
	return devmap_do_ctxmgt(dhp, pvtp, off, len, type, rw, load_one);
}

static void leaks_of_any_are_counted(void **state)
{
	(void)state;
	drv.access = leaky_access;
	map(0, keys, 2);
	map(1, keys, 2);
	map(2, NULL, 2);
	drv.access = load_one_access;
	touch(0, 0); /* the owner's first */
	drv.access = leaky_access;
	touch(1, 0);
	drv.access = load_one_access;
	touch(2, 0); /* page 1 stays with p[1] */
	assert_int_equal(stats(0).leaked, 1);
	assert_int_equal(handle(1)->dh_member->mb_stats.leaked, 1);
	assert_true(fake_said("process 2 (client)"));
}

static void too_late(void **state)
{
	(void)state;
	map(0, NULL, 1);
	assert_int_equal(devmap_set_ctx_share(handle(0), keys), EBUSY);
	assert_true(fake_said("devmap_set_ctx_share"));
	assert_int_equal(devmap_set_ctx_group(handle(0), keys), 0);
	map(1, keys, 1);
	assert_int_equal(devmap_set_ctx_group(handle(1), keys), EBUSY);
	assert_true(fake_said("devmap_set_ctx_group"));
	assert_int_equal(devmap_set_ctx_share(NULL, keys), EINVAL);
	drv.no_ops = B_TRUE;
	map(2, NULL, 1);
	assert_int_equal(devmap_set_ctx_share(handle(2), keys), EINVAL);
}

static void in_devmap(void **state)
{
	(void)state;
	drv.share_early = B_TRUE;
	map(0, keys, 1);
	drv.share_early = B_FALSE;
	map(1, keys, 1);
	assert_int_equal(devmap_share_of(handle(0)), devmap_share_of(handle(1)));
	assert_true(devmap_share_of(handle(0)) != 0);
	drv.share_early = B_TRUE;
	drv.no_setup = B_TRUE; /* it has no devmap_access(9E) yet */
	assert_int_equal(fake_mmap(p[2], BASE, P(1), RW, MAP_SHARED, 0), ENXIO);
	assert_int_equal(fake_handles, 2);
}

/* A key counts in its group: the same one in another is another context. */
static void key_is_of_the_group(void **state)
{
	(void)state;
	drv.hold = FOR_EVER;
	map(0, keys, 1);
	drv.group_key = keys + 2;
	map(1, keys, 1);
	assert_ptr_not_equal(group(0), group(1));
	assert_ptr_not_equal(handle(0)->dh_member->mb_share, handle(1)->dh_member->mb_share);
	assert_true(devmap_share_of(handle(0)) != devmap_share_of(handle(1)));
	assert_true(devmap_share_of(handle(0)) != 0);
}

static void *child_key;
static int child_error;

static void set_in_dup(devmap_cookie_t dhp, devmap_cookie_t new_dhp)
{
	child_error = devmap_set_ctx_share(new_dhp, child_key);
	assert_int_equal(devmap_set_ctx_share(dhp, child_key), EBUSY);
}

static void fork_inherits(void **state)
{
	(void)state;
	drv.hold = FOR_EVER;
	map(0, keys, 1);
	assert_int_equal(devmap_dup_as(&p[0]->as, &p[1]->as), 0);
	assert_int_equal(devmap_share_of(handle(1)), devmap_share_of(handle(0)));
	touch(0, 0);
	touch(1, 0);
	assert_true(valid(0, 0) && valid(1, 0));
	drv.in_dup = set_in_dup;
	child_key = NULL;
	assert_int_equal(devmap_dup_as(&p[0]->as, &p[2]->as), 0);
	assert_int_equal(child_error, 0);
	assert_int_equal(devmap_share_of(handle(2)), 0);
	child_key = keys + 1;
	assert_int_equal(devmap_dup_as(&p[0]->as, &p[3]->as), 0);
	assert_true(devmap_share_of(handle(3)) != 0);
	assert_true(devmap_share_of(handle(3)) != devmap_share_of(handle(0)));
}

static void hole(void **state)
{
	(void)state;
	map(0, keys, 3);
	map(1, keys, 3);
	for (size_t i = 0; i < 3; i++)
		touch(0, i);
	assert_int_equal(devmap_unmap_range(&p[0]->as, BASE + P(1), P(1)), 0);
	assert_int_equal(devmap_share_of(drv_handle(p[0], BASE + P(2))),
			 devmap_share_of(handle(0)));
	touch(1, 2);
	assert_true(valid(0, 2) && valid(1, 2) && valid(0, 0));
	assert_int_equal(devmap_set_ctx_share(drv_handle(p[0], BASE + P(2)), NULL), EBUSY);
}

static int lock_page(int i, size_t page, uint_t type)
{
	fake_enter(p[i]);
	return devmap_lock_range(&p[i]->as, BASE + P(page), P(1), type, DEVMAP_WRITE);
}

static void locks(void **state)
{
	struct client c;

	(void)state;
	devmap_set_lock_limits(0, 2);
	map(0, keys, 3);
	map(1, keys, 3);
	map(2, NULL, 3);
	assert_int_equal(lock_page(0, 0, DEVMAP_LOCK), 0);
	touch(1, 0); /* not kept out */
	assert_int_equal(lock_page(1, 1, DEVMAP_LOCK), 0);
	assert_int_equal(lock_page(1, 2, DEVMAP_LOCK), ENOMEM); /* the limit is the owner's */
	start(&c, 2, BASE);
	until_waiting(group(2), 1);
	assert_int_equal(lock_page(0, 0, DEVMAP_UNLOCK), 0);
	assert_int_equal(waiting(group(2)), 1);
	leave(0);
	assert_int_equal(waiting(group(2)), 1);
	leave(1); /* its locks end with it */
	join(&c);
	devmap_set_lock_limits(0, 0);
}

/* p[2] waits for locks of p[0] and p[1], and p[1] for a lock of p[2]. */
static void cycle_of_locks(int first)
{
	struct client c[2];

	for (int i = 0; i < 3; i++)
		map(i, i < 2 ? keys : NULL, 1);
	drv.group_key = keys + 2;
	drv.share_key = NULL;
	for (int i = 0; i < 3; i++)
		assert_int_equal(fake_mmap(p[i], BASE + P(8), P(1), RW, MAP_SHARED, P(8)), 0);
	assert_int_equal(lock_page(first, 0, DEVMAP_LOCK), 0);
	assert_int_equal(lock_page(1 - first, 0, DEVMAP_LOCK), 0);
	assert_int_equal(lock_page(2, 8, DEVMAP_LOCK), 0);
	start(&c[0], 2, BASE);
	until_waiting(group(0), 1);
	start(&c[1], 1, BASE + P(8)); /* and so nobody would ever go on */
	join(&c[0]);
	assert_int_equal(stats(0).lock_cycles, 1);
	assert_int_equal(lock_page(2, 8, DEVMAP_UNLOCK), 0);
	join(&c[1]);
}

static void cycle_of_who_locked_first(void **state)
{
	(void)state;
	cycle_of_locks(1);
}

static void cycle_of_who_locked_too(void **state)
{
	(void)state;
	cycle_of_locks(0);
}

static void property(void **state)
{
	(void)state;
	fake_share = B_TRUE;
	drv.hold = FOR_EVER;
	for (int i = 0; i < 2; i++)
		map(i, NULL, 1);
	assert_int_equal(fake_mmap(p[0], BASE + P(4), P(1), RW, MAP_PRIVATE, P(4)), 0);
	assert_int_equal(fake_mmap_dev(p[1], DEV2, BASE + P(8), P(1)), 0);
	assert_int_equal(devmap_share_of(drv_handle(p[0], BASE + P(4))), 0);
	assert_true(devmap_share_of(drv_handle(p[1], BASE + P(8))) != devmap_share_of(handle(1)));
	touch(0, 0);
	drv.access = load_one_access;
	touch(1, 0);
	assert_true(valid(0, 0) && valid(1, 0));
	drv.share_key = keys; /* what the driver says counts */
	fake_map(p[2], 1);
	assert_true(devmap_share_of(handle(2)) != devmap_share_of(handle(0)));
}

/* Of whatever there is no memory for, nothing is left. */
static void no_memory(void **state)
{
	unsigned n = 0, walked;
	int error;

	(void)state;
	drv.share_key = keys;
	do {
		n++;
		(void)fake_fail_alloc(n);
		error = fake_mmap(p[0], BASE, P(1), RW, MAP_SHARED, 0);
		if (error == 0)
			error = devmap_dup_as(&p[0]->as, &p[1]->as);
		walked = fake_fail_alloc(0);
		assert_true((error != 0) == (walked >= n));
		leave(0);
		leave(1);
		assert_int_equal(fake_handles, 0);
		p[0] = fake_process_new(1);
		p[1] = fake_process_new(2);
	} while (walked >= n);
	assert_true(n > 10);
}

#define T(name, f)                             \
	{                                      \
		name, f, setup, teardown, NULL \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T("X5 processes that share a context are one owner", one_owner),
		T("X5 C7 the hold ends with the last of them", hold_ends_with_the_last),
		T("X5 C8 they wait in the queue, and are granted together", they_queue_as_one),
		T("X5 C14 an unload takes the pages from all of them", unload_takes_it_from_all),
		T("X5 who leaves takes nothing from the others", others_keep_theirs),
		T("X5 C17 a load of another context takes the page from all", careless_driver),
		T("X5 C17 what any of them keeps is a leak", leaks_of_any_are_counted),
		T("X5 only while a handle is being made", too_late),
		T("X5 devmap may say so, too", in_devmap),
		T("X5 X3 a key counts in its group", key_is_of_the_group),
		T("X5 C21 a child inherits the share, unless the driver says otherwise",
		  fork_inherits),
		T("X5 C22 what remains behind a hole is in it", hole),
		T("X5 C13 locks are all of theirs", locks),
		T("X5 C13 a cycle through the first one's locks is broken",
		  cycle_of_who_locked_first),
		T("X5 C13 a cycle through another one's locks is broken", cycle_of_who_locked_too),
		T("X5 the property makes one context of all shared mappings", property),
		T("X5 there is no memory", no_memory),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("core: shared contexts", tests, NULL, NULL);
}
