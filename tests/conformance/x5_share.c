/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* X5: one device context that several processes share. The driver says so: CT_SHARE. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness.h"

#define RW	    (PROT_READ | PROT_WRITE)
#define ALLOW_REMAP 2 /* DEVMAP_ALLOW_REMAP */

/* a, b and c share a context; d has one of its own. */
static struct actor *a, *b, *c, *d;

static struct actor *sharer(int fd, unsigned pages)
{
	knob(fd, CT_SHARE, 1);
	return new_actor_with("ctest0", 0, pages);
}

static struct actor *loner(int fd, unsigned pages)
{
	struct actor *me;

	knob(fd, CT_SHARE, 0);
	me = new_actor_with("ctest0", 0, pages);
	return me;
}

/* Word 0: whose turn it is; word 1: how often. */
static uint64_t do_count(struct actor *me, const uint64_t *args)
{
	uint64_t *turn = (uint64_t *)me->base, *count = turn + 1;

	for (uint64_t i = 0; i < args[2]; i++) {
		while (__atomic_load_n(turn, __ATOMIC_ACQUIRE) != args[0])
			sched_yield();
		*count += 1;
		__atomic_store_n(turn, (args[0] + 1) % args[1], __ATOMIC_RELEASE);
	}
	return 0;
}

static void count_in_turn(int fd, struct actor **who, unsigned n, uint64_t rounds)
{
	put(who[0], who[0]->base, 0);
	put(who[0], who[0]->base + 8, 0);
	for (unsigned i = 0; i < n; i++)
		(void)get(who[i], who[i]->base);
	clear_log(fd);
	for (unsigned i = 0; i < n; i++)
		start(who[i], do_count, ASK(i, n, rounds));
	for (unsigned i = 0; i < n; i++)
		finish(who[i]);
	CHECK_EQ(get(who[0], who[0]->base + 8), n * rounds);
	CHECK_EQ(calls(fd, CT_ACCESS), 0);
}

static void two_count(void)
{
	const int fd = control();

	knob(fd, CT_HOLD_NS, 20 * MS);
	a = sharer(fd, 1);
	b = sharer(fd, 1);
	count_in_turn(fd, (struct actor *[]){ a, b }, 2, 300);
}

static void three_count(void)
{
	const int fd = control();

	knob(fd, CT_HOLD_NS, 20 * MS);
	a = sharer(fd, 1);
	b = sharer(fd, 1);
	c = sharer(fd, 1);
	count_in_turn(fd, (struct actor *[]){ a, b, c }, 3, 200);
	CHECK_EQ(counts(fd).contexts, 1);
}

static void valid_in_all(void)
{
	const int64_t taken = statistic("ctest0", "taken"), leaked = statistic("ctest0", "leaked");
	const int fd = control();

	a = sharer(fd, 2);
	b = sharer(fd, 2);
	put(a, AT(a, 1), 1);
	CHECK_EQ(get(b, AT(b, 1)), 1);
	CHECK_EQ(calls(fd, CT_ACCESS), 2);
	for (uint64_t i = 2; i < 50; i++) {
		put(i % 2 != 0 ? a : b, AT(i % 2 != 0 ? a : b, 1), i);
		CHECK_EQ(get(i % 2 != 0 ? b : a, AT(i % 2 != 0 ? b : a, 1)), i);
	}
	CHECK_EQ(calls(fd, CT_ACCESS), 2);
	CHECK_EQ(statistic("ctest0", "taken"), taken);
	CHECK_EQ(statistic("ctest0", "leaked"), leaked);
	CHECK_EQ(counts(fd).errors, 0);
}

/* Not even an engine that is stopped keeps them waiting. */
static void needs_nobody(void)
{
	const int fd = control();
	pid_t engine;

	if (kernel_engine())
		skip("the kernel does not stop");
	engine = engine_pid("ctest0");
	a = sharer(fd, 1);
	b = sharer(fd, 1);
	put(a, a->base, 0);
	put(b, b->base + 8, 0);
	DO(kill(engine, SIGSTOP));
	start(a, do_count, ASK(0, 2, 100));
	start(b, do_count, ASK(1, 2, 100));
	finish(a);
	finish(b);
	DO(kill(engine, SIGCONT));
	CHECK_EQ(get(a, a->base + 8), 200);
}

static void taken_from_all(int64_t mode)
{
	const int fd = control();

	knob(fd, CT_MGT_MODE, mode);
	a = sharer(fd, 2);
	b = sharer(fd, 2);
	d = loner(fd, 2);
	for (uint64_t i = 1; i < 20; i++) {
		put(a, AT(a, 0), i);
		CHECK_EQ(get(b, AT(b, 0)), i);
		put(b, AT(b, 1), 100 + i);
		put(d, AT(d, 0), 1000 + i);
		clear_log(fd);
		CHECK_EQ(get(b, AT(b, 0)), i);
		CHECK_EQ(events(fd, CT_ACCESS, b->pid), 1);
		CHECK_EQ(get(a, AT(a, 0)), i);
		CHECK_EQ(events(fd, CT_ACCESS, a->pid), 1);
		CHECK_EQ(get(a, AT(a, 1)), 100 + i);
		CHECK_EQ(get(d, AT(d, 0)), 1000 + i);
	}
	CHECK_EQ(counts(fd).errors, 0);
}

static void taken_by_another_context(void)
{
	taken_from_all(CT_M_SWITCH);
}

static void unloads_only_one(void)
{
	const int64_t taken = statistic("ctest0", "taken"), leaked = statistic("ctest0", "leaked");

	taken_from_all(CT_M_LATEST);
	CHECK_EQ(statistic("ctest0", "taken"), taken);
	CHECK_EQ(statistic("ctest0", "leaked"), leaked);
}

static void taken_from_careless(void)
{
	const int64_t before = statistic("ctest0", "taken");
	const int fd = control();

	knob(fd, CT_MGT_MODE, CT_M_CARELESS);
	a = sharer(fd, 1);
	b = sharer(fd, 1);
	d = loner(fd, 1);
	put(a, a->base, 1);
	CHECK_EQ(get(b, b->base), 1);
	put(d, d->base, 2); /* the driver unloads nothing */
	clear_log(fd);
	CHECK_EQ(get(a, a->base), 2); /* one memory: the last store */
	CHECK_EQ(get(b, b->base), 2);
	CHECK_EQ(events(fd, CT_ACCESS, a->pid), 1);
	CHECK_EQ(events(fd, CT_ACCESS, b->pid), 1);
	CHECK(statistic("ctest0", "taken") > before);
}

static uint64_t do_add(struct actor *me, const uint64_t *args)
{
	for (uint64_t i = 0; i < args[0]; i++)
		__atomic_fetch_add((uint64_t *)me->base, 1, __ATOMIC_SEQ_CST);
	return 0;
}

/* Two add to one number, and a third, whose context has another number there, contends with them. */
static void nothing_lost(int64_t mode)
{
	const uint64_t n = 200000;
	const int fd = control();

	knob(fd, CT_NO_LOG, 1);
	knob(fd, CT_MGT_MODE, mode);
	a = sharer(fd, 1);
	b = sharer(fd, 1);
	d = loner(fd, 1);
	start(a, do_add, ASK(n));
	start(b, do_add, ASK(n));
	start(d, do_add, ASK(n));
	finish(a);
	finish(b);
	finish(d);
	CHECK_EQ(get(a, a->base), 2 * n);
	CHECK_EQ(get(b, b->base), 2 * n);
	CHECK_EQ(get(d, d->base), n);
	CHECK_EQ(counts(fd).errors, 0);
}

static void nothing_lost_all(void)
{
	nothing_lost(CT_M_SWITCH);
}

static void nothing_lost_latest(void)
{
	nothing_lost(CT_M_LATEST);
}

static void hold_is_all_of_theirs(void)
{
	const int fd = control();

	knob(fd, CT_HOLD_NS, FOR_EVER);
	a = sharer(fd, 1);
	b = sharer(fd, 1);
	d = loner(fd, 1);
	put(a, a->base, 1);
	put(b, b->base, 2); /* not held */
	CHECK_EQ(listed_owner("ctest0"), a->pid);
	start_put(d, d->base, 3);
	await_waiters("ctest0", 1);
	leave_by_kill(a);
	AWAIT(counts(fd).maps == 2);
	CHECK_EQ(get(b, b->base), 2);
	CHECK_EQ(listed_owner("ctest0"), b->pid);
	CHECK(!finished(d));
	CHECK_EQ(statistic("ctest0", "waiters"), 1);
	leave_by_exit(b);
	finish(d);
	CHECK_EQ(get(d, d->base), 3);
}

static void one_is_killed(void)
{
	const int fd = control();

	a = sharer(fd, 2);
	b = sharer(fd, 2);
	put(a, AT(a, 0), 1);
	put(a, AT(a, 1), 2);
	CHECK_EQ(get(b, AT(b, 0)), 1);
	leave_by_kill(a);
	AWAIT(counts(fd).maps == 1);
	clear_log(fd);
	CHECK_EQ(get(b, AT(b, 0)), 1);
	CHECK_EQ(calls(fd, CT_ACCESS), 0); /* it had the page, and has it still */
	CHECK_EQ(get(b, AT(b, 1)), 2);
	c = sharer(fd, 2);
	CHECK_EQ(get(c, AT(c, 0)), 1);
	put(c, AT(c, 1), 3);
	CHECK_EQ(get(b, AT(b, 1)), 3);
}

static void one_unmaps(void)
{
	const int fd = control();

	a = sharer(fd, 2);
	b = sharer(fd, 2);
	put(a, AT(a, 0), 1);
	put(b, AT(b, 0), 2);
	CHECK_EQ(unmap(a, AT(a, 0), page), 0);
	clear_log(fd);
	CHECK_EQ(get(b, AT(b, 0)), 2);
	CHECK_EQ(calls(fd, CT_ACCESS), 0);
	CHECK_EQ(try_get(a, AT(a, 0)), SIGSEGV);
	put(a, AT(a, 1), 3);
	CHECK_EQ(get(b, AT(b, 1)), 3);
}

static void locks_keep_others_out(void)
{
	const int fd = control();

	a = sharer(fd, 2);
	b = sharer(fd, 2);
	d = loner(fd, 2);
	CHECK_EQ(lock(a, AT(a, 0), page), 0);
	put(b, AT(b, 0), 1);
	CHECK_EQ(lock(b, AT(b, 1), page), 0);
	start_put(d, AT(d, 0), 2);
	await_waiters("ctest0", 1);
	CHECK_EQ(unlock(a, AT(a, 0), page), 0);
	put(b, AT(b, 0), 3);
	CHECK_EQ(statistic("ctest0", "waiters"), 1);
	CHECK(!finished(d));
	leave_by_kill(b);
	finish(d);
	CHECK_EQ(get(a, AT(a, 0)), 3);
}

static void child_shares(void)
{
	const int fd = control();

	a = sharer(fd, 1);
	put(a, a->base, 1);
	b = new_fork(a);
	CHECK_EQ(get(b, b->base), 1);
	put(b, b->base, 2);
	CHECK_EQ(get(a, a->base), 2);
	count_in_turn(fd, (struct actor *[]){ a, b }, 2, 100);
	d = loner(fd, 1);
	put(d, d->base, 5);
	CHECK_EQ(get(a, a->base + 8), 200);
	CHECK_EQ(get(b, b->base + 8), 200);
	CHECK_EQ(counts(fd).contexts, 2);
}

static void child_has_its_own(void)
{
	const int fd = control();

	a = sharer(fd, 1);
	put(a, a->base, 1);
	knob(fd, CT_SHARE_DUP, CT_OWN);
	d = new_fork(a);
	put(d, d->base, 2);
	CHECK_EQ(get(a, a->base), 1);
	knob(fd, CT_SHARE_DUP, 2);
	b = new_fork(a);
	c = new_fork(a);
	put(b, b->base, 3);
	CHECK_EQ(get(c, c->base), 3);
	CHECK_EQ(get(a, a->base), 1);
	CHECK_EQ(get(d, d->base), 2);
	CHECK_EQ(counts(fd).errors, 0);
}

static uint64_t do_open_reader(struct actor *me, const uint64_t *args)
{
	(void)args;
	return (me->fd = open("/dev/ctest0", O_RDONLY));
}

/* Where mprotect(2) without the library succeeds, what is there is its own. */
static uint64_t do_scribble(struct actor *me, const uint64_t *args)
{
	(void)me;
	if (syscall(SYS_mprotect, args[0], page, RW) == 0)
		*(volatile uint64_t *)args[0] = 66;
	return 0;
}

static void reader(void)
{
	const int fd = control();
	char *p;

	a = sharer(fd, 1);
	b = new_actor("ctest0");
	close_device(b);
	CHECK((int)ask(b, do_open_reader, ASK(0)) >= 0);
	p = try_map(b, NULL, page, PROT_READ, MAP_SHARED, 0);
	CHECK(p != MAP_FAILED);
	put(a, a->base, 1);
	CHECK_EQ(get(b, p), 1);
	CHECK_EQ(calls(fd, CT_ACCESS), 2);
	for (uint64_t i = 2; i < 20; i++) {
		put(a, a->base, i);
		CHECK_EQ(get(b, p), i);
	}
	CHECK_EQ(calls(fd, CT_ACCESS), 2); /* without the driver */
	CHECK_EQ(try_put(b, p, 66), SIGSEGV);
	(void)ask(b, do_scribble, ASK((uintptr_t)p));
	CHECK_EQ(get(a, a->base), 19);
	CHECK_EQ(get(b, p), 19);
	d = loner(fd, 1);
	put(d, d->base, 5);
	CHECK_EQ(get(b, p), 19);
	CHECK_EQ(get(d, d->base), 5);
}

static void private_mapping(void)
{
	const int fd = control();
	char *p;

	a = sharer(fd, 1);
	b = sharer(fd, 1);
	p = try_map(a, NULL, page, RW, MAP_PRIVATE, 0);
	CHECK(p != MAP_FAILED);
	put(a, a->base, 1);
	put(a, p, 2);
	CHECK_EQ(get(b, b->base), 1);
	CHECK_EQ(get(a, p), 2);
	put(b, b->base, 3);
	CHECK_EQ(get(a, a->base), 3);
	CHECK_EQ(get(a, p), 2);
}

static void two_shares(void)
{
	const int fd = control();

	a = sharer(fd, 1);
	b = sharer(fd, 1);
	knob(fd, CT_SHARE, 2);
	c = new_actor_with("ctest0", 0, 1);
	d = new_actor_with("ctest0", 0, 1);
	for (uint64_t i = 0; i < 20; i++) {
		put(a, a->base, i);
		put(c, c->base, 100 + i);
		CHECK_EQ(get(b, b->base), i);
		CHECK_EQ(get(d, d->base), 100 + i);
	}
}

static void several_mappings(void)
{
	const int fd = control();
	char *p, *q;

	a = sharer(fd, 4);
	p = map_pages(a, 2, 2);
	b = sharer(fd, 3);
	q = map_pages(b, 2, 1);
	d = loner(fd, 4);
	for (uint64_t i = 0; i < 10; i++) {
		put(a, p, i);
		CHECK_EQ(get(b, AT(b, 2)), i);
		CHECK_EQ(get(b, q), i);
		CHECK_EQ(get(a, AT(a, 2)), i);
		put(d, AT(d, 2), 100 + i);
		CHECK_EQ(get(b, q), i);
	}
	CHECK_EQ(counts(fd).errors, 0);
}

/* Such a handle has a window of its own, and the page moves. */
static void remapping(void)
{
	const int fd = control();

	knob(fd, CT_SETUP_FLAGS, ALLOW_REMAP);
	a = sharer(fd, 1);
	b = sharer(fd, 1);
	for (uint64_t i = 0; i < 10; i++) {
		put(a, a->base, 2 * i);
		CHECK_EQ(get(b, b->base), 2 * i);
		put(b, b->base, 2 * i + 1);
		CHECK_EQ(get(a, a->base), 2 * i + 1);
	}
	CHECK_EQ(calls(fd, CT_ACCESS), 2);
}

static void too_late(void)
{
	const int fd = control();

	a = loner(fd, 1);

	const uint64_t id = event(fd, CT_MAP, a->pid, 0).id;

	CHECK_EQ(operate_with(fd, CT_OP_SHARE, id, 1), EBUSY);
	AWAIT(engine_said("devmap_set_ctx_share"));
	put(a, a->base, 1);
	CHECK_EQ(operate_with(fd, CT_OP_SHARE, id, 1), EBUSY);
	knob(fd, CT_CALLBACKS, 1 << CT_ACCESS);
	b = new_actor_with("ctest0", CTEST_PAGES - 1, 1); /* shared, perhaps for good */
	CHECK_EQ(operate_with(fd, CT_OP_SHARE, event(fd, CT_MAP, b->pid, 0).id, 1), EINVAL);
}

/*
 * Processes of the context come, fork, unmap, go and are killed, while others contend with contexts of
 * their own. What the first have added is all there.
 */

#define ROUNDS	 12
#define ADDS	 300
#define COMERS	 3
#define WATCHERS 20

static void add_some(char *p, uint64_t *sum)
{
	for (int i = 0; i < ADDS; i++) {
		__atomic_fetch_add((uint64_t *)(p + i % 2 * page), 1, __ATOMIC_SEQ_CST);
		__atomic_fetch_add(sum, 1, __ATOMIC_SEQ_CST);
	}
}

static void come_and_go(void *sum)
{
	for (int i = 0; i < ROUNDS; i++) {
		const int fd = open_device("ctest0");
		char *p = DO(mmap(NULL, 2 * page, RW, MAP_SHARED, fd, 0));
		pid_t child = i % 3 == 0 ? DO(fork()) : -1;

		add_some(p, sum);
		if (child == 0)
			_exit(0);
		if (i % 4 == 1) {
			DO(munmap(p, page));
			p[page + 8] = 1;
			DO(munmap(p + page, page));
		}
		if (child > 0)
			CHECK(WAS_OK(await_pid(child)));
		if (i % 4 != 1)
			DO(munmap(p, 2 * page));
		close(fd);
	}
}

static void be_alone(void *arg)
{
	const int fd = open_device("ctest0");

	(void)arg;
	for (uint64_t i = 0; i < ROUNDS; i++) {
		volatile uint64_t *p = DO(mmap(NULL, page, RW, MAP_PRIVATE, fd, 0));

		for (uint64_t j = 0; j < ADDS; j++) {
			CHECK_EQ(*p, j);
			*p = j + 1;
		}
		DO(munmap((void *)p, page));
	}
}

static void watch(void *arg)
{
	const int fd = open_device("ctest0");
	volatile uint64_t *p = DO(mmap(NULL, page, RW, MAP_SHARED, fd, 0));

	(void)arg;
	for (;;)
		(void)*p;
}

static void comings_and_goings(void)
{
	const int fd = control();
	uint64_t *sum = shared_memory(sizeof(*sum));
	pid_t pid[COMERS + 1];

	a = sharer(fd, 2);
	put(a, a->base, 0);
	knob(fd, CT_NO_LOG, 1);
	for (int i = 0; i < COMERS; i++)
		pid[i] = spawn(come_and_go, sum);
	pid[COMERS] = spawn(be_alone, NULL);
	for (int i = 0; i < WATCHERS; i++) {
		const pid_t watcher = spawn(watch, NULL);

		nap();
		DO(kill(watcher, SIGKILL));
		CHECK_EQ(await_pid(watcher), SIGKILL);
	}
	for (int i = 0; i <= COMERS; i++)
		CHECK(WAS_OK(await_pid(pid[i])));
	CHECK_EQ(get(a, AT(a, 0)) + get(a, AT(a, 1)), *sum);
	CHECK_EQ(*sum, COMERS * (ROUNDS + ROUNDS / 3) * ADDS);
	AWAIT(counts(fd).maps == 1);
	CHECK_EQ(counts(fd).contexts, 1);
	CHECK_EQ(counts(fd).errors, 0);
}

static void who_shares_is_listed(void)
{
	const int fd = control();

	knob(fd, CT_HOLD_NS, FOR_EVER);
	a = sharer(fd, 1);
	b = sharer(fd, 1);
	d = loner(fd, 1);
	put(d, d->base, 1);
	CHECK_EQ(listed_owner("ctest0"), d->pid);
	CHECK_EQ(listed_owners("ctest0"), 0);
	leave_by_exit(d);
	put(b, b->base, 1);
	CHECK_EQ(listed_owner("ctest0"), b->pid);
	CHECK_EQ(listed_owners("ctest0"), 2);
	CHECK_EQ(statistic("ctest0", "mappings"), 2);
}

static const struct test tests[] = {
	{ "X5 two processes with one context count by plain stores", two_count },
	{ "X5 three processes with one context count by plain stores", three_count },
	{ "X5 C17 a page is valid in all that share the context", valid_in_all },
	{ "X5 C3 they need no engine between their hand-overs", needs_nobody },
	{ "X5 C4 another context takes the page from all of them", taken_by_another_context },
	{ "X5 C14 a driver unloads only the mapping that was granted last", unloads_only_one },
	{ "X5 C17 a driver unloads nothing: the page is taken from all", taken_from_careless },
	{ "X5 C14 no store is lost when a context is taken from several", nothing_lost_all },
	{ "X5 C14 nor where the driver unloads only one mapping", nothing_lost_latest },
	{ "X5 C7 a hold is all of theirs, and ends with the last", hold_is_all_of_theirs },
	{ "X5 C7 one of them is killed", one_is_killed },
	{ "X5 C22 one of them unmaps a page", one_unmaps },
	{ "X5 C13 locks of any of them keep others out", locks_keep_others_out },
	{ "X5 C21 a child shares the context", child_shares },
	{ "X5 C21 a child has another context, if the driver says so", child_has_its_own },
	{ "X5 C24 one that may only read sees what others store", reader },
	{ "X5 C24 a private mapping has a context of its own", private_mapping },
	{ "X5 two contexts of two processes each", two_shares },
	{ "X5 C19 several mappings of the same pages", several_mappings },
	{ "X5 C25 handles that may be remapped", remapping },
	{ "X5 C2 processes come and go, and no store is lost", comings_and_goings },
	{ "X5 X4 who shares the owner's context is listed", who_shares_is_listed },
	{ "X5 only devmap_map and devmap_dup say who shares", too_late },
};

MAIN(tests, 0)
