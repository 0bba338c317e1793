/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* C9, C10: what devmap_access(9E) and devmap_contextmgt(9E) are given, and what they return. */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness.h"

enum { ACCESS, PROT, LOCK, UNLOCK }; /* enum devmap_fault_type, which clients do not see */
enum { OTHER, READ, WRITE };	     /* enum devmap_rw */

static void check_args(struct ctest_event e, unsigned first, unsigned pages, unsigned type,
		       unsigned rw)
{
	CHECK_EQ(e.off, first * page);
	CHECK_EQ(e.len, pages * page);
	CHECK_EQ(e.type, type);
	CHECK_EQ(e.rw, rw);
}

static void offset_of_store(void)
{
	const int fd = control();
	struct actor *a = new_actor_with("ctest0", 5, 4);

	put(a, a->base + 2 * page + 1232, 1);
	check_args(event(fd, CT_ACCESS, a->pid, 0), 7, 1, ACCESS, WRITE);
	check_args(event(fd, CT_CTXMGT, a->pid, 0), 7, 1, ACCESS, WRITE);
	put(a, a->base, 1);
	check_args(event(fd, CT_ACCESS, a->pid, 1), 5, 1, ACCESS, WRITE);
	put(a, a->base + 4 * page - 8, 1);
	check_args(event(fd, CT_ACCESS, a->pid, 2), 8, 1, ACCESS, WRITE);
}

static void loads_are_reads(void)
{
	const int fd = control();
	struct actor *a = new_actor_with("ctest0", 0, 4);

	get(a, AT(a, 3) + 8);
	check_args(event(fd, CT_ACCESS, a->pid, 0), 3, 1, ACCESS, READ);
	check_args(event(fd, CT_CTXMGT, a->pid, 0), 3, 1, ACCESS, READ);
	put(a, AT(a, 3), 1); /* a translation has the mapping's full protection */
	CHECK_EQ(calls(fd, CT_ACCESS), 1);
}

static void handle_and_private_data(void)
{
	const int fd = control();
	struct actor *a = new_actor_with("ctest0", 0, 2);
	char *second = map_pages(a, 4, 2);
	const struct ctest_event m0 = event(fd, CT_MAP, a->pid, 0),
				 m1 = event(fd, CT_MAP, a->pid, 1);

	put(a, second, 1);
	put(a, AT(a, 0), 1);

	const struct ctest_event x0 = event(fd, CT_CTXMGT, a->pid, 0),
				 x1 = event(fd, CT_CTXMGT, a->pid, 1);

	CHECK_EQ(x0.dhp, m1.dhp);
	CHECK_EQ(x0.id, m1.id);
	CHECK_EQ(x1.dhp, m0.dhp);
	CHECK_EQ(x1.id, m0.id);
	check_args(x0, 4, 1, ACCESS, WRITE);
	check_args(x1, 0, 1, ACCESS, WRITE);
}

static void lock_of_a_range(void)
{
	const int fd = control();
	struct actor *a = new_actor_with("ctest0", 2, 6);

	CHECK_EQ(lock(a, a->base + page, 3 * page), 0);
	check_args(event(fd, CT_ACCESS, a->pid, 0), 3, 3, LOCK, event(fd, CT_ACCESS, a->pid, 0).rw);
	check_args(event(fd, CT_CTXMGT, a->pid, 0), 3, 3, LOCK, event(fd, CT_ACCESS, a->pid, 0).rw);
	CHECK_EQ(unlock(a, a->base + page, 3 * page), 0);
	check_args(event(fd, CT_ACCESS, a->pid, 1), 3, 3, UNLOCK,
		   event(fd, CT_ACCESS, a->pid, 1).rw);
}

/* C10 */

static void check_value(int value)
{
	const int fd = control();
	struct actor *a = new_actor_with("ctest0", 0, 1);

	knob(fd, CT_FAIL_VALUE, value);
	knob(fd, CT_FAIL_COUNT, 1);
	knob(fd, CT_FAIL_WHERE, 1 << CT_CTXMGT);
	CHECK(try_put(a, a->base, 1) != 0);
	CHECK_EQ(event(fd, CT_CTXMGT, a->pid, 0).result, value);
	CHECK_EQ(event(fd, CT_ACCESS, a->pid, 0).mgt, value);
}

static void value_unchanged(void)
{
	check_value(4711);
}

static void negative_value_unchanged(void)
{
	check_value(-1);
}

static void zero_is_success(void)
{
	const int fd = control();
	struct actor *a = new_actor_with("ctest0", 0, 1);

	put(a, a->base, 1);
	CHECK_EQ(event(fd, CT_ACCESS, a->pid, 0).mgt, 0);
}

static void no_callback(void)
{
	const int fd = control();
	struct actor *a = new_actor_with("ctest0", 0, 1);

	knob(fd, CT_ACCESS_MODE, CT_A_NULL);
	CHECK(try_put(a, a->base, 1) != 0);
	CHECK(event(fd, CT_ACCESS, a->pid, 0).mgt != 0);
	knob(fd, CT_ACCESS_MODE, CT_A_CTXMGT);
	put(a, a->base, 1);
}

/* A sleeps in devmap_access(9E) before it asks for the turn: B and C come and go. */
static void sleeping_outside_holds_no_turn(void)
{
	const int fd = control();
	struct actor *a = new_actor_with("ctest0", 0, 1), *b = new_actor_with("ctest0", 0, 1);
	struct actor *c = new_actor_with("ctest0", 0, 1);

	put(b, b->base, 1); /* the group has been seen to manage contexts */
	knob(fd, CT_GATE_ACCESS, a->pid);
	start_put(a, a->base, 1);
	AWAIT(counts(fd).gated == 1);
	put(c, c->base, 2);
	put(b, b->base, 3);
	CHECK(!finished(a));
	CHECK_EQ(events(fd, CT_CTXMGT, a->pid), 0);
	knob(fd, CT_GATE_ACCESS, 0);
	finish(a);
	CHECK_EQ(get(a, a->base), 1);
}

/* Many sleep there, more than an engine may have threads to spare: others are still served. */
static void many_sleepers(void)
{
	const int fd = control();
	struct actor *a[40], *b = new_actor_with("ctest0", 0, 1);

	for (int i = 0; i < 40; i++)
		a[i] = new_actor_with("ctest0", 0, 1);
	knob(fd, CT_GATE_ACCESS, CT_EVERYBODY);
	for (int i = 0; i < 40; i++)
		start_put(a[i], a[i]->base, i);
	AWAIT(counts(fd).gated == 40);
	knob(fd, CT_GATE_ACCESS, a[0]->pid);
	put(b, b->base, 1);
	CHECK(!finished(a[0]));
	for (int i = 1; i < 40; i++)
		finish(a[i]);
	knob(fd, CT_GATE_ACCESS, 0);
	finish(a[0]);
}

static const struct test tests[] = {
	{ "C9 off and len of a store, in whole pages", offset_of_store },
	{ "C9 a load is DEVMAP_READ, and loads for writing too", loads_are_reads },
	{ "C9 each mapping has its own handle and private data", handle_and_private_data },
	{ "C9 a lock has the length of its range", lock_of_a_range },
	{ "C10 devmap_do_ctxmgt returns the callback's value", value_unchanged },
	{ "C10 a negative value too", negative_value_unchanged },
	{ "C10 and zero", zero_is_success },
	{ "C10 without a callback the access fails", no_callback },
	{ "C10 a devmap_access that sleeps outside holds no turn", sleeping_outside_holds_no_turn },
	{ "C10 forty of them keep nobody else out", many_sleepers },
};

MAIN(tests, 0)
