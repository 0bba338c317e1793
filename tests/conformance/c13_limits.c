/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* C13: the operator's limits for locks: 300 ms and 4 pages. */
#include "harness.h"

static void time_limit(void)
{
	control();
	struct actor *a = new_actor_with("ctest0", 0, 4), *b = new_actor_with("ctest0", 0, 4);
	const int64_t begin = now();

	CHECK_EQ(lock(a, AT(a, 0), 2 * page), 0);
	put(b, AT(b, 0), 1);
	CHECK(now() - begin >= 300 * MS);
	CHECK(statistic("ctest0", "locks_broken") >= 1);
	AWAIT(engine_said("pages locked by process"));
	put(a, AT(a, 0), 2); /* and the one whose lock it was lives on */
	CHECK_EQ(get(b, AT(b, 0)), 1);
	unlock(a, AT(a, 0), 2 * page);
	CHECK_EQ(get(a, AT(a, 0)), 2);
}

static void without_need(void)
{
	const int64_t broken = statistic("ctest0", "locks_broken");

	control();
	struct actor *a = new_actor_with("ctest0", 0, 4), *b = new_actor_with("ctest0", 0, 4);

	put(b, AT(b, 0), 1);
	CHECK_EQ(lock(a, AT(a, 0), 2 * page), 0);
	CHECK_EQ(unlock(a, AT(a, 0), 2 * page), 0);
	put(b, AT(b, 0), 2);
	CHECK_EQ(statistic("ctest0", "locks_broken"), broken);
}

static void page_limit(void)
{
	control();
	struct actor *a = new_actor_with("ctest0", 0, 8), *b = new_actor_with("ctest0", 0, 4);

	CHECK(lock(a, AT(a, 0), 5 * page) != 0);
	put(b, AT(b, 0), 1);
	CHECK_EQ(lock(a, AT(a, 0), 4 * page), 0);
	CHECK(lock(a, AT(a, 4), page) != 0);
	CHECK_EQ(unlock(a, AT(a, 0), 4 * page), 0);
	CHECK_EQ(lock(a, AT(a, 4), page), 0);
}

static const struct test tests[] = {
	{ "C13 a lock ends at the time limit, counted and named", time_limit },
	{ "C13 a lock in time is not broken", without_need },
	{ "C13 no more pages than the limit", page_limit },
};

MAIN(tests, LOCK_LIMITS)
