/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The arbiter, core/arbiter.c: every state that can be reached in small worlds, and plain examples.
 *
 * Three processes with two pages each and all that can happen to them at once are too many states,
 * so there are several configurations, each explored to the end. Together they cover
 *   - everything at once, with three processes that have one page each;
 *   - everything, in two halves, with two processes that have two pages each;
 *   - three processes with two pages each: signals and failures under holds; locks, failures and
 *     exits under holds; postponed requests and exits;
 *   - progress of an instruction against each of these.
 * Processes, and pages of one, are interchangeable, so worlds that differ in their names alone are
 * one state; and the process that is watched for progress stands for all.
 *
 * A rule that is violated is told of with the shortest way there, as "# ..." lines.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <sys/types.h>
#include "arbiter.h"
#include "arbiter_world.h"

/*
 * Exploration
 */

#define EVERYTHING (F_POSTPONE | F_CANCEL | F_FAIL | F_LOCK | F_UNMAP | F_EXIT | F_LATE)

/* With F_INSTRUCTION rest is 2, so that its thread can lag behind by one unit. */
static const struct config configs[] = {
	{ "three processes, everything", 3, 1, 1, 2, 1, 2, EVERYTHING, 0, 0 },
	{ "two pages each, no locks", 2, 2, 2, 2, 1, 0, EVERYTHING & ~F_LOCK, 0, 0 },
	{ "two pages each, locks", 2, 2, 2, 2, 1, 2, EVERYTHING & ~(F_POSTPONE | F_UNMAP), 0, 0 },
	{ "three with two pages, signals", 3, 2, 2, 1, 1, 0, F_CANCEL | F_FAIL, 0, 0 },
	{ "three with two pages, locks, exits", 3, 2, 2, 2, 1, 2, F_FAIL | F_LOCK | F_EXIT, 0, 0 },
	{ "three with two pages, postponed", 3, 2, 2, 0, 0, 0, F_POSTPONE | F_EXIT, 0, 0 },
	{ "a share of time", 3, 1, 1, 0, 1, 2, EVERYTHING, 2, 50 },
	{ "a share of time, two pages each", 2, 2, 2, 0, 1, 0, F_CANCEL | F_FAIL | F_EXIT, 1, 25 },
	{ "progress of two", 2, 2, 2, 0, 2, 0, F_INSTRUCTION | F_POSTPONE | F_FAIL, 0, 0 },
	{ "progress of three, postponed", 3, 1, 2, 0, 2, 0, F_INSTRUCTION | F_POSTPONE | F_FAIL, 0,
	  0 },
	{ "progress of three, signals", 3, 1, 2, 0, 2, 0, F_INSTRUCTION | F_CANCEL | F_FAIL, 0, 0 },
	{ "progress of three, locks, exits", 3, 1, 2, 0, 2, 2,
	  F_INSTRUCTION | F_FAIL | F_LOCK | F_EXIT, 0, 0 },
	{ "progress of three with two pages", 3, 2, 2, 2, 2, 0, F_INSTRUCTION | F_FAIL, 0, 0 },
};

#define NCONFIGS (sizeof(configs) / sizeof(configs[0]))

static uint32_t violations; /* of all configurations */

static int explore_all(void **state)
{
	uint32_t states = 0, transitions = 0;

	(void)state;
	for (size_t n = 0; n < NCONFIGS; n++) {
		struct result r = explore(&configs[n]);

		states += r.states;
		transitions += r.transitions;
		violations |= r.violations;
	}
	printf("# %u states, %u transitions\n", states, transitions);
	return 0;
}

static void rule_holds(void **state)
{
	const enum violation *v = *state;

	assert_false(violations >> *v & 1);
}

static void code_says_all(void **state)
{
	(void)state;
	for (size_t n = 0; n < NCONFIGS; n++)
		assert_true(explore_twins(&configs[n], 2000, 1));
}

/*
 * Examples
 */

#define US 1000
#define MS 1000000

static const char A[1], B[1], C[1]; /* processes: their addresses */

/* Ask, and have the turn. */
static void have_turn(struct arb *a, struct arb_req *r, const void *proc, hrtime_t now)
{
	arb_request(a, r, proc, B_FALSE);
	assert_ptr_equal(arb_step(a, now).go, r);
}

/* Become the owner. */
static void own(struct arb *a, const void *proc, hrtime_t now, hrtime_t hold)
{
	struct arb_req r = { 0 };

	have_turn(a, &r, proc, now);
	arb_granted(a, &r, now, (struct arb_terms){ hold, 0 });
}

static void default_rest(void **state)
{
	struct arb a;
	struct arb_req r = { 0 };

	(void)state;
	arb_init(&a);
	own(&a, A, 0, 0);
	arb_request(&a, &r, B, B_FALSE);
	arb_woken(&a, A, 10 * US, 0);
	assert_null(arb_step(&a, 60 * US - 1).go);
	assert_int_equal(arb_step(&a, 60 * US - 1).until, 60 * US);
	assert_ptr_equal(arb_step(&a, 60 * US).go, &r);
}

static void hold(void **state)
{
	struct arb a;
	struct arb_req r = { 0 }, s = { 0 };

	(void)state;
	arb_init(&a);
	own(&a, A, 0, MS);
	arb_request(&a, &r, B, B_FALSE);
	have_turn(&a, &s, A, 100 * US);
	arb_granted(&a, &s, 200 * US, (struct arb_terms){ MS, 0 });
	assert_int_equal(arb_step(&a, MS).until, 200 * US + MS);
	assert_ptr_equal(arb_step(&a, 200 * US + MS).go, &r);
}

static void mixed_holds(void **state)
{
	struct arb a;
	struct arb_req r = { 0 };

	(void)state;
	arb_init(&a);
	own(&a, A, 0, MS);
	own(&a, A, 100 * US, 0);
	arb_request(&a, &r, B, B_FALSE);
	assert_null(arb_step(&a, MS - 1).go);
	assert_ptr_equal(arb_step(&a, MS).go, &r);
}

/* Become the owner, which costs so much until the thread is woken. */
static void switch_to(struct arb *a, const void *proc, hrtime_t now, hrtime_t cost)
{
	const struct arb_terms terms = { 5 * MS, 4 };
	struct arb_req r = { 0 };

	have_turn(a, &r, proc, now);
	arb_granted(a, &r, now, terms);
	arb_woken(a, proc, now, cost);
}

/* Four percent, of costs that differ. */
static void share_of_time(void **state)
{
	struct arb a;
	hrtime_t now = 0;

	(void)state;
	arb_init(&a);
	switch_to(&a, A, now, 100 * US);
	assert_int_equal(a.hold_until, 2400 * US);
	now = a.hold_until;
	switch_to(&a, B, now, 300 * US); /* the average, at first */
	assert_int_equal(a.hold_until - now, 4800 * US);
	switch_to(&a, B, now, 0); /* the owner's own grants are no switches */
	assert_int_equal(a.switch_ns, 200 * US);
	for (int i = 0; i < 100; i++) {
		now = a.hold_until;
		switch_to(&a, i % 2 == 0 ? A : B, now, 200 * US);
	}
	now = a.hold_until;
	switch_to(&a, A, now, 3400 * US); /* one that was disturbed: one part in 32 */
	assert_int_equal(a.switch_ns, 300 * US);
	now = a.hold_until;
	switch_to(&a, B, now, 300 * US);
	now = a.hold_until;
	switch_to(&a, A, now, ARB_NEVER); /* no time overflows */
	assert_true(a.hold_until > now);
}

static void endless_hold(void **state)
{
	struct arb a;
	struct arb_req r = { 0 };

	(void)state;
	arb_init(&a);
	own(&a, A, MS, ARB_NEVER);
	arb_request(&a, &r, B, B_FALSE);
	assert_int_equal(arb_step(&a, MS).until, ARB_NEVER);
	assert_null(arb_step(&a, ARB_NEVER - 1).go);
}

static void gone_ends_hold(void **state)
{
	struct arb a;
	struct arb_req r = { 0 };

	(void)state;
	arb_init(&a);
	own(&a, A, 0, 1000LL * MS);
	assert_true(arb_lock(&a, A, 3, 0));
	arb_request(&a, &r, B, B_FALSE);
	assert_null(arb_step(&a, 0).go);
	arb_gone(&a, A);
	assert_ptr_equal(arb_step(&a, 0).go, &r);
}

static void failed_keeps_owner(void **state)
{
	struct arb a;
	struct arb_req r = { 0 };

	(void)state;
	arb_init(&a);
	own(&a, A, 0, MS);
	have_turn(&a, &r, B, MS);
	arb_failed(&a, &r);
	assert_ptr_equal(a.owner, A);
	assert_int_equal(a.hold_until, MS);
}

#define MANY 10000

/* First come, first served; a signal in the middle of the queue does not cost the place. */
static void in_order(void **state)
{
	static struct arb_req r[MANY];
	struct arb a;

	(void)state;
	arb_init(&a);
	a.rest_ns = 0;
	for (int n = 0; n < MANY; n++)
		arb_request(&a, &r[n], n % 2 ? (const void *)B : C, B_FALSE);
	arb_cancel(&a, &r[MANY / 2]);
	arb_request(&a, &r[MANY / 2], C, B_FALSE);
	for (int n = 0; n < MANY; n++) {
		assert_ptr_equal(arb_step(&a, n).go, &r[n]);
		arb_failed(&a, &r[n]);
	}
}

static void encores(void **state)
{
	struct arb a;
	struct arb_req r = { 0 }, s = { 0 };

	(void)state;
	arb_init(&a);
	own(&a, A, 0, 0);
	arb_request(&a, &r, B, B_FALSE);
	for (int n = 0; n < ARB_ENCORE_MAX; n++) {
		have_turn(&a, &s, A, MS);
		arb_failed(&a, &s);
	}
	arb_request(&a, &s, A, B_FALSE);
	assert_ptr_equal(arb_step(&a, MS).go, &r);
}

/* Neither the turn nor a hold lets all postponed requests have threads. */
static void released_one_by_one(void **state)
{
	struct arb a;
	struct arb_req r[3] = { 0 };
	struct arb_step s;

	(void)state;
	arb_init(&a);
	own(&a, A, 0, MS);
	for (int n = 0; n < 3; n++)
		arb_request(&a, &r[n], n % 2 ? (const void *)B : C, B_TRUE);
	assert_ptr_equal(arb_step(&a, 0).release, &r[0]);
	assert_null(arb_step(&a, 0).release);
	arb_request(&a, &r[0], C, B_FALSE);
	assert_null(arb_step(&a, MS - 1).release);
	s = arb_step(&a, MS);
	assert_ptr_equal(s.go, &r[0]);
	assert_ptr_equal(s.release, &r[1]);
	/* r[1] never comes back */
	assert_int_equal(arb_step(&a, MS).until, MS + ARB_RELEASE_NS);
	assert_ptr_equal(arb_step(&a, MS + ARB_RELEASE_NS).release, &r[2]);
}

/* One that is answered, or forgotten, lets go the next of where it was, whoever owns the device. */
static void answered_lets_the_next_go(void **state)
{
	struct arb a;
	struct arb_req r[3] = { 0 }, s = { 0 };

	(void)state;
	arb_init(&a);
	own(&a, A, 0, MS);
	for (int n = 0; n < 3; n++)
		arb_request(&a, &r[n], n == 0 ? (const void *)B : C, B_TRUE);
	assert_ptr_equal(arb_step(&a, 0).release, &r[0]);
	assert_null(arb_step(&a, 0).release);
	/* Another thread of B is granted: r[0] is the owner's now, but was released from the others. */
	have_turn(&a, &s, B, MS);
	arb_granted(&a, &s, MS, (struct arb_terms){ MS, 0 });
	assert_null(arb_step(&a, MS).release);
	arb_answered(&a, &r[0]);
	assert_ptr_equal(arb_step(&a, MS).release, &r[1]);
	arb_answered(&a, &r[1]);
	assert_ptr_equal(arb_step(&a, MS).release, &r[2]);
	arb_answered(&a, &r[2]);
	assert_int_equal(arb_step(&a, MS).until, ARB_NEVER);
}

static void released_keeps_place(void **state)
{
	struct arb a;
	struct arb_req r = { 0 }, s = { 0 };

	(void)state;
	arb_init(&a);
	own(&a, A, 0, MS);
	arb_request(&a, &r, B, B_TRUE);
	assert_ptr_equal(arb_step(&a, 0).release, &r);
	arb_request(&a, &s, C, B_FALSE);
	assert_true(arb_near(&a, B, r.ticket));
	arb_request(&a, &r, B, B_FALSE);
	assert_ptr_equal(arb_step(&a, MS).go, &r);
}

static void released_holds_nobody_up(void **state)
{
	struct arb a;
	struct arb_req r = { 0 }, s = { 0 };

	(void)state;
	arb_init(&a);
	arb_request(&a, &r, B, B_TRUE);
	assert_ptr_equal(arb_step(&a, 0).release, &r);
	arb_request(&a, &s, C, B_FALSE);
	assert_ptr_equal(arb_step(&a, 0).go, &s);
}

static void locks_and_limit(void **state)
{
	struct arb a;
	struct arb_req r = { 0 };
	struct arb_step s;

	(void)state;
	arb_init(&a);
	a.lock_limit = 5 * MS;
	own(&a, A, 0, 0);
	assert_false(arb_lock(&a, B, 1, 0));
	assert_true(arb_lock(&a, A, 2, MS));
	arb_unlock(&a, A, 1);
	arb_unlock(&a, B, 1);
	arb_request(&a, &r, B, B_FALSE);
	assert_int_equal(arb_step(&a, 2 * MS).until, 6 * MS);
	s = arb_step(&a, 6 * MS);
	assert_ptr_equal(s.broken, A);
	assert_ptr_equal(s.go, &r);
	/* too late: the device is being taken away */
	assert_false(arb_lock(&a, A, 1, 6 * MS));
}

/* The lock is given up and taken again while the owner has the turn: B could not go in between. */
static void locking_again(void **state)
{
	struct arb a;
	struct arb_req r = { 0 }, s = { 0 };

	(void)state;
	arb_init(&a);
	a.lock_limit = 5 * MS;
	own(&a, A, 0, 0);
	assert_true(arb_lock(&a, A, 1, 0));
	arb_request(&a, &r, B, B_FALSE);
	have_turn(&a, &s, A, 4 * MS);
	arb_unlock(&a, A, 1);
	assert_true(arb_lock(&a, A, 1, 4 * MS));
	arb_failed(&a, &s);
	assert_ptr_equal(arb_step(&a, 5 * MS).go, &r);
}

/*
 * All of them
 */

#define RULE(name, text) { text, rule_holds, NULL, NULL, &(enum violation){ V_##name } },
#define EXAMPLE(name, f)                  \
	{                                 \
		name, f, NULL, NULL, NULL \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		VIOLATIONS(RULE) EXAMPLE("the encoding of a state loses nothing", code_says_all),
		EXAMPLE("C6 an owner enters again inside its hold, and prolongs it", hold),
		EXAMPLE("C6 a shorter hold does not end a longer one", mixed_holds),
		EXAMPLE("C6 a hold may last for ever", endless_hold),
		EXAMPLE("X2 a hold that keeps switching cheap", share_of_time),
		EXAMPLE("C7 hold and locks end when the owner is gone", gone_ends_hold),
		EXAMPLE("C7 owner and hold survive another's failure", failed_keeps_owner),
		EXAMPLE("C8 a grant lasts 50 us from waking", default_rest),
		EXAMPLE("C8 ten thousand requests are served in order", in_order),
		EXAMPLE("C8 an owner that fails for ever starves nobody", encores),
		EXAMPLE("C10 postponed requests are released one by one", released_one_by_one),
		EXAMPLE("C8 one that is answered lets the next go", answered_lets_the_next_go),
		EXAMPLE("C10 a released request goes before later ones", released_keeps_place),
		EXAMPLE("C10 a released request holds nobody up", released_holds_nobody_up),
		EXAMPLE("C13 locks keep others out until the limit", locks_and_limit),
		EXAMPLE("C13 unlocking and locking again gains no time", locking_again),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("arbiter", tests, explore_all, NULL);
}
