/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* C8: owner first, then first come first served; progress; what a waiting thread can do and what it
 * does not hinder. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"

#define QUEUE 5

/* Order. */

/*
 * The next one of n waiters is in the queue with a thread of its own. Until then it may have left
 * the queue to ask its driver; a machine so slow that this takes 100 ms would let another one pass.
 */
static bool is_next(int fd, const struct actor *next, int n)
{
	return events(fd, CT_ACCESS, next->pid) >= 1 && statistic("ctest0", "waiters") >= n;
}

/* a[0] has the turn, and the others come one after another. Then one at a time goes on. */
static void first_come_first_served(void)
{
	const int fd = control();
	struct actor *a[QUEUE + 1];
	struct ctest_event turn, last = { 0 };

	knob(fd, CT_GATE_CTXMGT, CT_EVERYBODY);
	for (int i = 0; i <= QUEUE; i++)
		a[i] = new_actor_with("ctest0", 0, 1);
	start_put(a[0], a[0]->base, 1);
	AWAIT(counts(fd).gated == 1);
	for (int i = 1; i <= QUEUE; i++) {
		start_put(a[i], a[i]->base, 1);
		await_waiters("ctest0", i);
	}
	for (unsigned i = 1; i <= QUEUE; i++) {
		AWAIT(is_next(fd, a[i], QUEUE - i + 1) || events(fd, CT_CTXMGT, 0) > i);
		knob(fd, CT_GATE_CTXMGT, a[i]->pid);
		AWAIT(events(fd, CT_CTXMGT, 0) > i);
	}
	knob(fd, CT_GATE_CTXMGT, 0);
	for (int i = 0; i <= QUEUE; i++) {
		finish(a[i]);
		turn = event(fd, CT_CTXMGT, a[i]->pid, 0);
		CHECK(turn.seq_in > last.seq_out);
		last = turn;
	}
}

/* The owner comes after a waiter, while the turn is with a third one that fails: owner first. */
static void owner_first(void)
{
	const int fd = control();
	struct actor *owner = new_actor_with("ctest0", 0, 4);
	struct actor *failing = new_actor_with("ctest0", 0, 4);
	struct actor *waiter = new_actor_with("ctest0", 0, 4);

	put(owner, AT(owner, 0), 1);
	knob(fd, CT_FAIL_PID, failing->pid);
	knob(fd, CT_FAIL_VALUE, EIO);
	knob(fd, CT_FAIL_COUNT, 1);
	knob(fd, CT_FAIL_WHERE, 1 << CT_CTXMGT);
	knob(fd, CT_GATE_CTXMGT, failing->pid);
	start_put(failing, AT(failing, 0), 2);
	AWAIT(counts(fd).gated == 1);
	start_put(waiter, AT(waiter, 0), 3);
	await_waiters("ctest0", 1);
	start_put(owner, AT(owner, 1), 4);
	await_waiters("ctest0", 2);
	knob(fd, CT_GATE_CTXMGT, 0);
	finish(failing);
	CHECK_EQ(failing->signal, SIGBUS);
	finish(owner);
	finish(waiter);
	CHECK(event(fd, CT_CTXMGT, owner->pid, 1).seq_out <
	      event(fd, CT_CTXMGT, waiter->pid, 0).seq_in);
}

/* An owner that its driver keeps unloading asks for ever, and prolongs its hold each time. */
static uint64_t do_touch_unloaded(struct actor *a, const uint64_t *args)
{
	volatile int *stop = (int *)args[1];
	const int fd = open_device("ctest0");

	while (!*stop) {
		*(volatile uint64_t *)a->base = 1;
		operate(fd, CT_OP_UNLOAD, args[0], 0, 0);
	}
	close(fd);
	return 0;
}

static void unloaded_owner_starves_nobody(void)
{
	int *stop = shared_memory(sizeof(*stop));
	const int fd = control();
	struct actor *a, *b;

	knob(fd, CT_NO_LOG, 1);
	knob(fd, CT_HOLD_NS, 50 * MS);
	a = new_actor("ctest0");
	b = new_actor_with("ctest0", 0, 1);
	knob(fd, CT_NO_LOG, 0);
	map_pages(a, 0, 1);

	const uint64_t id = event(fd, CT_MAP, a->pid, 0).id;

	knob(fd, CT_NO_LOG, 1);
	start(a, do_touch_unloaded, ASK(id, (uintptr_t)stop));
	for (int i = 0; i < 3; i++)
		put(b, b->base, i);
	*stop = 1;
	finish(a);
}

/* Progress. */

#define RUN_NS (1500 * MS)
#define ROUNDS 10 /* that each must complete while all others go on */

struct race {
	volatile int stop;
	volatile uint64_t rounds[QUEUE];
};

/* Round after round in another page, so that each needs the driver. */
static uint64_t do_rounds(struct actor *a, const uint64_t *args)
{
	struct race *race = (struct race *)args[0];
	uint64_t rounds = 0, must[4] = { 0 };

	while (!race->stop) {
		volatile uint64_t *p = (uint64_t *)AT(a, rounds % 4);

		CHECK_EQ(*p, must[rounds % 4]);
		*p = must[rounds % 4] = rounds + 1;
		race->rounds[args[1]] = ++rounds;
	}
	return rounds;
}

static bool all_have_rounds(const struct race *race)
{
	for (int i = 0; i < QUEUE; i++)
		if (race->rounds[i] < ROUNDS)
			return false;
	return true;
}

static void everybody_progresses(void)
{
	const int fd = control();
	const int64_t end = now() + RUN_NS;
	struct actor *a[QUEUE];
	struct race *race = shared_memory(sizeof(*race));

	knob(fd, CT_NO_LOG, 1);
	for (int i = 0; i < QUEUE; i++)
		a[i] = new_actor_with("ctest0", 0, 4);
	for (int i = 0; i < QUEUE; i++)
		start(a[i], do_rounds, ASK((uintptr_t)race, i));
	AWAIT(all_have_rounds(race) && now() > end);
	race->stop = 1;
	for (int i = 0; i < QUEUE; i++) {
		finish(a[i]);
		CHECK_EQ(a[i]->signal, 0);
	}
}

static uint64_t across_border(char *base, uint64_t value)
{
	volatile uint64_t *p = (uint64_t *)(base + page - 4);

	*p = value;
	return *p;
}

/* One instruction that reads across one border and writes across another: four pages at once. */
static uint64_t four_pages(char *base, uint64_t value)
{
	void *from = base + page - 4, *to = base + 3 * page - 4;

	*(volatile uint64_t *)from = value;
#ifdef __x86_64__
	__asm__ volatile("movsq" : "+S"(from), "+D"(to) : : "memory");
#else
	memcpy(to, from, sizeof(value));
#endif
	return *(volatile uint64_t *)(base + 3 * page - 4);
}

static uint64_t do_cross(struct actor *a, const uint64_t *args)
{
	uint64_t (*once)(char *, uint64_t) = (void *)args[0];

	for (uint64_t i = 1; i <= args[1]; i++) {
		const uint64_t value = (uint64_t)a->pid << 32 | i;

		CHECK_EQ(once(a->base, value), value);
	}
	return 0;
}

static void check_crossing(uint64_t (*once)(char *, uint64_t), int64_t hold)
{
	const int fd = control();
	struct actor *a[4];

	knob(fd, CT_NO_LOG, 1);
	knob(fd, CT_HOLD_NS, hold);
	for (int i = 0; i < 4; i++)
		a[i] = new_actor_with("ctest0", 0, 4);
	for (int i = 0; i < 4; i++)
		start(a[i], do_cross, ASK((uintptr_t)once, hold ? 20 : 100));
	for (int i = 0; i < 4; i++) {
		finish(a[i]);
		CHECK_EQ(a[i]->signal, 0);
	}
}

static void store_across_border(void)
{
	check_crossing(across_border, 0);
}

static void store_across_border_with_hold(void)
{
	check_crossing(across_border, 2 * MS);
}

static void instruction_of_four_pages(void)
{
	check_crossing(four_pages, 0);
}

/* A waiting thread: `waiter` waits for a device that `owner` holds for ever. */

static struct actor *owner, *waiter;

static int wait_for_ever(void)
{
	const int fd = control();

	knob(fd, CT_HOLD_NS, FOR_EVER);
	owner = new_actor_with("ctest0", 0, 4);
	waiter = new_actor_with("ctest0", 0, 4);
	put(owner, AT(owner, 0), 1);
	return fd;
}

static void can_be_killed(void)
{
	wait_for_ever();
	start_put(waiter, AT(waiter, 0), 2);
	await_waiters("ctest0", 1);
	leave_by_kill(waiter);
	AWAIT(statistic("ctest0", "waiters") == 0);
}

static void can_be_stopped(void)
{
	const int fd = wait_for_ever();

	start_put(waiter, AT(waiter, 0), 2);
	await_waiters("ctest0", 1);
	DO(kill(waiter->pid, SIGSTOP));
	CHECK_EQ(unmap(owner, owner->base, 4 * page), 0);
	/* In the kernel it is the stopped thread itself that would have to go on. */
	if (!kernel_engine())
		AWAIT(events(fd, CT_CTXMGT, waiter->pid) >= 1);
	DO(kill(waiter->pid, SIGCONT));
	finish(waiter);
	CHECK(events(fd, CT_CTXMGT, waiter->pid) >= 1);
}

static volatile int *handled;

static void on_usr1(int number)
{
	(void)number;
	++*handled;
}

static uint64_t do_handle(struct actor *a, const uint64_t *args)
{
	struct sigaction act = { .sa_handler = on_usr1, .sa_flags = args[1] };

	(void)a;
	handled = (int *)args[0];
	return sigaction(SIGUSR1, &act, NULL);
}

static void check_handler(int flags)
{
	int *count = shared_memory(sizeof(*count));
	const int fd = wait_for_ever();
	struct actor *second = new_actor_with("ctest0", 0, 4);

	ask(waiter, do_handle, ASK((uintptr_t)count, flags));
	start_put(waiter, AT(waiter, 0), 2);
	await_waiters("ctest0", 1);
	start_put(second, AT(second, 0), 3);
	await_waiters("ctest0", 2);
	for (int i = 1; i <= 3; i++) {
		DO(kill(waiter->pid, SIGUSR1));
		AWAIT(*(volatile int *)count == i);
	}
	CHECK(!finished(waiter));
	await_waiters("ctest0", 2);
	CHECK_EQ(unmap(owner, owner->base, 4 * page), 0);
	finish(waiter);
	CHECK_EQ(waiter->signal, 0);
	CHECK(!finished(second));
	leave_by_exit(waiter);
	finish(second);
	CHECK(event(fd, CT_CTXMGT, second->pid, 0).result == 0);
}

static void runs_handlers(void)
{
	check_handler(0);
}

static void runs_handlers_with_restart(void)
{
	check_handler(SA_RESTART);
}

/* cv_wait_sig() in devmap_access(9E), outside the turn: a signal ends it, the access goes on. */
static void interrupts_the_driver(void)
{
	int *count = shared_memory(sizeof(*count));
	const int fd = control();
	struct actor *a = new_actor_with("ctest0", 0, 1);

	ask(a, do_handle, ASK((uintptr_t)count, 0));
	knob(fd, CT_GATE_ACCESS, a->pid);
	start_put(a, a->base, 5);
	AWAIT(counts(fd).gated == 1);
	DO(kill(a->pid, SIGUSR1));
	AWAIT(*(volatile int *)count == 1);
	AWAIT(events(fd, CT_ACCESS, a->pid) >= 2);
	CHECK_EQ(event(fd, CT_ACCESS, a->pid, 0).result, EINTR);
	knob(fd, CT_GATE_ACCESS, 0);
	finish(a);
	CHECK_EQ(a->signal, 0);
	CHECK_EQ(get(a, a->base), 5);
}

static void kill_ends_the_drivers_sleep(void)
{
	const int fd = control();
	struct actor *a = new_actor_with("ctest0", 0, 1);

	knob(fd, CT_GATE_ACCESS, a->pid);
	start_put(a, a->base, 1);
	AWAIT(counts(fd).gated == 1);
	leave_by_kill(a);
	AWAIT(counts(fd).gated == 0);
	AWAIT(counts(fd).maps == 0);
}

/* Everything that takes the address space's lock, in another thread of the waiting process. */
static uint64_t do_memory_work(struct actor *a, const uint64_t *args)
{
	char *p = DO(
		mmap(NULL, 64 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	uint64_t *other;

	(void)a, (void)args;
	memset(p, 1, 64 * page);
	DO(mprotect(p, page, PROT_READ));
	DO(munmap(p, 64 * page));
	free(malloc(1 << 20));
	other = DO(mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, open_device("ctest1"), 0));
	*other = 7;
	CHECK_EQ(*other, 7);
	DO(munmap(other, page));
	other = DO(mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, open_device("ctest0"), 0));
	DO(munmap(other, page));
	return 0;
}

static void other_threads_go_on(void)
{
	wait_for_ever();
	reset_unit("ctest1");
	struct actor *thread = new_thread(waiter);

	start_put(waiter, AT(waiter, 0), 2);
	await_waiters("ctest0", 1);
	ask(thread, do_memory_work, ASK(0));
	CHECK_EQ(thread->signal, 0);
	CHECK(!finished(waiter));
	CHECK_EQ(unmap(owner, owner->base, 4 * page), 0);
	finish(waiter);
}

static void other_threads_fork(void)
{
	wait_for_ever();
	struct actor *thread = new_thread(waiter), *child;

	start_put(waiter, AT(waiter, 0), 2);
	await_waiters("ctest0", 1);
	child = new_fork(thread);
	CHECK(!finished(waiter));
	CHECK_EQ(unmap(owner, owner->base, 4 * page), 0);
	finish(waiter);
	leave_by_exit(waiter);
	put(child, AT(child, 1), 5);
}

static void two_threads_one_page(void)
{
	const int fd = wait_for_ever();
	struct actor *thread = new_thread(waiter);

	start_put(waiter, AT(waiter, 0), 2);
	start_put(thread, AT(thread, 0) + 8, 3);
	await_waiters("ctest0", 1);
	CHECK_EQ(unmap(owner, owner->base, 4 * page), 0);
	finish(waiter);
	finish(thread);
	CHECK_EQ(get(waiter, AT(waiter, 0)), 2);
	CHECK_EQ(get(waiter, AT(waiter, 0) + 8), 3);
	CHECK(events(fd, CT_CTXMGT, waiter->pid) <= 2);
}

static const struct test tests[] = {
	{ "C8 waiters are served first come, first served", first_come_first_served },
	{ "C8 the owner's requests go before all waiters", owner_first },
	{ "C8 an owner that asks for ever starves nobody", unloaded_owner_starves_nobody },
	{ "C8 every process progresses under free-running contention", everybody_progresses },
	{ "C8 stores across a page border complete under contention", store_across_border },
	{ "C8 stores across a page border complete with a hold", store_across_border_with_hold },
	{ "C8 an instruction that needs four pages completes", instruction_of_four_pages },
	{ "C8 a waiting thread can be killed", can_be_killed },
	{ "C8 a waiting process can be stopped and continued", can_be_stopped },
	{ "C8 a waiting thread runs signal handlers and keeps its place", runs_handlers },
	{ "C8 the same with SA_RESTART", runs_handlers_with_restart },
	{ "C8 a signal ends cv_wait_sig in devmap_access, and the access goes on",
	  interrupts_the_driver },
	{ "C8 SIGKILL ends cv_wait_sig in devmap_access", kill_ends_the_drivers_sleep },
	{ "C8 other threads map, unmap and fault while one waits", other_threads_go_on },
	{ "C8 another thread forks while one waits", other_threads_fork },
	{ "C8 two threads that wait for one page both go on", two_threads_one_page },
};

MAIN(tests, 0)
