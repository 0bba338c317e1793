/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * C8: an answer is not held back by those who still wait, and nobody waits for time alone.
 *
 * The user engine postpones faults, and releases the next one when the one before has come back; one
 * that sleeps in its driver does not, and then the next is released after 100 ms. So with as many
 * postponed as here, it takes seconds until all are released, and whoever would be held back for the
 * postponed goes on only after that. What is tested is which comes first.
 */
#include <signal.h>
#include <stdlib.h>

#include "harness.h"

#define POSTPONED  30
#define RELEASE_NS (100 * MS)

static struct {
	int fd;
	struct actor *owner; /* holds the device until it unmaps */
	struct actor *first; /* a thread of the engine waits in it; the rest is postponed */
	struct actor *granted, *sleeper;
	struct actor *last[POSTPONED];
	struct actor *thread; /* another one of last[0]'s process */
} scene;

static void everybody_asks(deed what)
{
	int64_t waiters = 0;

	scene.fd = control();
	knob(scene.fd, CT_HOLD_NS, FOR_EVER);
	scene.owner = new_actor_with("ctest0", 0, 1);
	knob(scene.fd, CT_HOLD_NS, 0);
	scene.first = new_actor_with("ctest0", 0, 1);
	/* Nobody takes from it what it was granted, however late its thread comes to run. */
	knob(scene.fd, CT_HOLD_NS, FOR_EVER);
	scene.granted = new_actor_with("ctest0", 0, 1);
	knob(scene.fd, CT_HOLD_NS, 0);
	scene.sleeper = new_actor_with("ctest0", 0, 1);
	for (int i = 0; i < POSTPONED; i++)
		scene.last[i] = new_actor_with("ctest0", 0, 1);
	scene.thread = new_thread(scene.last[0]);
	put(scene.owner, scene.owner->base, 1);
	start_put(scene.first, scene.first->base, 2);
	await_waiters("ctest0", ++waiters);
	start(scene.granted, what, ASK(scene.fd));
	await_waiters("ctest0", ++waiters);
	start_put(scene.sleeper, scene.sleeper->base, 3);
	await_waiters("ctest0", ++waiters);
	for (int i = 0; i < POSTPONED; i++)
		start_put(scene.last[i], scene.last[i]->base, 4);
	await_waiters("ctest0", waiters + POSTPONED);
}

/* `granted` is in its devmap_contextmgt(9E), and all behind it will sleep in their devmap_access(9E). */
static void set_scene(deed what)
{
	everybody_asks(what);
	knob(scene.fd, CT_GATE_CTXMGT, scene.granted->pid);
	knob(scene.fd, CT_GATE_ACCESS, scene.sleeper->pid);
	CHECK_EQ(unmap(scene.owner, scene.owner->base, page), 0);
	AWAIT(counts(scene.fd).gated == 2);
	knob(scene.fd, CT_GATE_ACCESS, CT_EVERYBODY);
}

static void all_go_on(void)
{
	knob(scene.fd, CT_GATE_CTXMGT, 0);
	knob(scene.fd, CT_GATE_ACCESS, 0);
	finish(scene.granted);
	CHECK_EQ(unmap(scene.granted, scene.granted->base, page), 0);
	finish(scene.first);
	finish(scene.sleeper);
	for (int i = 0; i < POSTPONED; i++)
		finish(scene.last[i]);
	for (int i = 1; i < POSTPONED; i++)
		CHECK_EQ(scene.last[i]->signal, 0);
}

/* A store; how many sleep in their devmap_access(9E) when it is done. */
static uint64_t do_put_and_look(struct actor *a, const uint64_t *args)
{
	*(volatile uint64_t *)a->base = 5;
	return counts((int)args[0]).gated;
}

static void granted_is_answered(void)
{
	uint64_t released;

	set_scene(do_put_and_look);
	knob(scene.fd, CT_GATE_CTXMGT, 0);
	released = finish(scene.granted);
	remark("%llu of %d were released before", (unsigned long long)released, 1 + POSTPONED);
	CHECK(released <= POSTPONED);
	all_go_on();
}

/* The same for one that asks for nothing any more. */
static void unmapped_is_answered(void)
{
	uint64_t released;

	set_scene(do_put_and_look);
	CHECK_EQ(unmap(scene.thread, scene.last[0]->base, page), 0);
	finish(scene.last[0]);
	released = counts(scene.fd).gated;
	CHECK_EQ(scene.last[0]->signal, SIGSEGV);
	remark("%llu of %d were released before", (unsigned long long)released, 1 + POSTPONED);
	CHECK(released <= POSTPONED);
	all_go_on();
}

static int by_value(const void *a, const void *b)
{
	const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

/*
 * Who is released may be answered without the turn. The next one is released then, not when the time
 * is over that a sleeper is given: nobody sleeps here.
 */
static void answered_lets_the_next_go(void)
{
	int64_t gap[POSTPONED - 1];

	everybody_asks(do_put_and_look);
	knob(scene.fd, CT_ACCESS_MODE, CT_A_DEFAULT);
	CHECK_EQ(unmap(scene.owner, scene.owner->base, page), 0);
	all_go_on();
	for (int i = 1; i < POSTPONED; i++)
		gap[i - 1] = event(scene.fd, CT_ACCESS, scene.last[i]->pid, 0).t_in -
			     event(scene.fd, CT_ACCESS, scene.last[i - 1]->pid, 0).t_out;
	qsort(gap, POSTPONED - 1, sizeof(gap[0]), by_value);
	remark("from one to the next: %lld us in the median",
	       (long long)(gap[POSTPONED / 2] / 1000));
	CHECK(gap[POSTPONED / 2] < RELEASE_NS * 9 / 10);
}

static const struct test tests[] = {
	{ "C8 what was granted is answered while others are postponed", granted_is_answered },
	{ "C8 what was unmapped is answered while others are postponed", unmapped_is_answered },
	{ "C8 an answer without the turn lets the next go", answered_lets_the_next_go },
};

MAIN(tests, USER_ENGINE)
