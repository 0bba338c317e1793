/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* C17, C19: who has translations of a page. */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness.h"

static struct actor *a, *b;

static void taken_from_careless(void)
{
	const int64_t before = statistic("ctest0", "taken");
	const int fd = control();

	knob(fd, CT_MGT_MODE, CT_M_CARELESS);
	a = new_actor_with("ctest0", 0, 2);
	b = new_actor_with("ctest0", 0, 2);
	put(a, AT(a, 0), 1);
	put(b, AT(b, 0), 2); /* the driver does not unload a's translation */
	clear_log(fd);
	CHECK_EQ(get(a, AT(a, 0)), 2); /* one memory: the last store */
	CHECK_EQ(events(fd, CT_ACCESS, a->pid), 1);
	CHECK(statistic("ctest0", "taken") >= before + 2);
	AWAIT(engine_said("still had valid translations"));
}

static void taken_from_all_mappings(void)
{
	const int fd = control();
	char *second;

	knob(fd, CT_MGT_MODE, CT_M_CARELESS);
	a = new_actor_with("ctest0", 0, 2);
	second = map_pages(a, 0, 2);
	b = new_actor_with("ctest0", 0, 2);
	put(a, AT(a, 0), 1);
	CHECK_EQ(get(a, second), 1);
	put(b, AT(b, 0), 2);
	clear_log(fd);
	CHECK_EQ(get(a, second), 2);
	CHECK_EQ(events(fd, CT_ACCESS, a->pid), 1);
	CHECK_EQ(get(a, AT(a, 0)), 2);
	CHECK_EQ(events(fd, CT_ACCESS, a->pid), 2);
}

static void exclusive_without_arbitration(void)
{
	const int fd = control();

	knob(fd, CT_ACCESS_MODE, CT_A_DEFAULT);
	a = new_actor_with("ctest0", 0, 2);
	b = new_actor_with("ctest0", 0, 2);
	for (int i = 0; i < 20; i++) {
		put(a, AT(a, 0), 2 * i);
		CHECK_EQ(get(b, AT(b, 0)), 2 * i);
		put(b, AT(b, 0), 2 * i + 1);
		CHECK_EQ(get(a, AT(a, 0)), 2 * i + 1);
	}
	CHECK(events(fd, CT_ACCESS, a->pid) >= 20);
	CHECK(events(fd, CT_ACCESS, b->pid) >= 20);
}

/* Increments that would be lost if two processes had the page at once with copies of their own. */
static uint64_t do_add(struct actor *me, const uint64_t *args)
{
	for (uint64_t i = 0; i < args[0]; i++)
		__atomic_fetch_add((uint64_t *)me->base, 1, __ATOMIC_SEQ_CST);
	return 0;
}

static void free_running_without_unload(void)
{
	const int fd = control();

	knob(fd, CT_NO_LOG, 1);
	knob(fd, CT_MGT_MODE, CT_M_CARELESS);
	a = new_actor_with("ctest0", 0, 2);
	b = new_actor_with("ctest0", 0, 2);
	start(a, do_add, ASK(300000));
	start(b, do_add, ASK(300000));
	finish(a);
	finish(b);
	CHECK_EQ(get(a, a->base), 600000);
}

static void leak_is_counted(void)
{
	const int64_t before = statistic("ctest0", "leaked");
	const int fd = control();

	knob(fd, CT_MGT_MODE, CT_M_LEAKY);
	a = new_actor_with("ctest0", 0, 4);
	b = new_actor_with("ctest0", 0, 4);
	put(a, AT(a, 0), 1);
	put(a, AT(a, 1), 2);
	put(b, AT(b, 0), 3); /* page 1 stays with a */
	CHECK(statistic("ctest0", "leaked") > before);
	CHECK_EQ(get(a, AT(a, 0)), 1);
	CHECK_EQ(get(a, AT(a, 1)), 2);
	CHECK_EQ(get(b, AT(b, 0)), 3);
	CHECK_EQ(get(b, AT(b, 1)), 0);
}

static void leak_is_named(void)
{
	char who[32];

	leak_is_counted();
	snprintf(who, sizeof(who), "process %d ", a->pid);
	AWAIT(engine_said("devmap_contextmgt"));
	if (!engine_said(who)) /* not each is worth a line */
		CHECK(statistic("ctest0", "leaked") > 1);
}

static void correct_driver(void)
{
	const int64_t taken = statistic("ctest0", "taken"), leaked = statistic("ctest0", "leaked");
	const int fd = control();

	a = new_actor_with("ctest0", 0, 4);
	b = new_actor_with("ctest0", 0, 4);
	for (int i = 0; i < 10; i++) {
		put(a, AT(a, i % 4), i);
		put(b, AT(b, i % 3), i);
	}
	CHECK_EQ(statistic("ctest0", "taken"), taken);
	CHECK_EQ(statistic("ctest0", "leaked"), leaked);
	CHECK_EQ(counts(fd).errors, 0);
}

/* C19 */

static void two_handles_one_page(void)
{
	const int fd = control();
	char *second;

	a = new_actor_with("ctest0", 0, 4);
	second = map_pages(a, 0, 4);
	put(a, AT(a, 1), 5);
	CHECK_EQ(calls(fd, CT_ACCESS), 1);
	CHECK_EQ(get(a, second + page), 5);
	CHECK_EQ(calls(fd, CT_ACCESS), 2);
	put(a, second + page, 6); /* now both are loaded */
	CHECK_EQ(get(a, AT(a, 1)), 6);
	CHECK_EQ(calls(fd, CT_ACCESS), 2);
}

static void handles_at_different_offsets(void)
{
	control();
	char *second;

	a = new_actor_with("ctest0", 0, 4);
	b = new_actor_with("ctest0", 0, 4);
	second = map_pages(a, 2, 4);
	put(a, AT(a, 3), 7);
	CHECK_EQ(get(a, second + page), 7);
	put(b, AT(b, 3), 9);
	CHECK_EQ(get(a, second + page), 7);
	CHECK_EQ(get(a, AT(a, 3)), 7);
}

static void each_is_unloaded_by_itself(void)
{
	const int fd = control();
	char *second;

	a = new_actor_with("ctest0", 0, 2);
	second = map_pages(a, 0, 2);
	put(a, AT(a, 0), 1);
	get(a, second);
	CHECK_EQ(operate(fd, CT_OP_UNLOAD, event(fd, CT_MAP, a->pid, 0).id, 0, 0), 0);
	clear_log(fd);
	CHECK_EQ(get(a, second), 1);
	CHECK_EQ(calls(fd, CT_ACCESS), 0);
	CHECK_EQ(get(a, AT(a, 0)), 1);
	CHECK_EQ(calls(fd, CT_ACCESS), 1);
}

static void sibling_loaded_too(void)
{
	const int fd = control();
	char *second;

	knob(fd, CT_LOAD_MODE, CT_L_SIBLINGS);
	a = new_actor_with("ctest0", 0, 4);
	second = map_pages(a, 0, 4);
	put(a, AT(a, 2), 5);
	CHECK_EQ(counts(fd).errors, 0);
	CHECK_EQ(get(a, second + 2 * page), 5);
	CHECK_EQ(calls(fd, CT_ACCESS), 1);
	b = new_actor_with("ctest0", 0, 4);
	put(b, AT(b, 2), 6); /* the driver unloads both */
	clear_log(fd);
	CHECK_EQ(get(a, second + 2 * page), 5);
	CHECK_EQ(calls(fd, CT_ACCESS), 1);
	CHECK_EQ(get(a, AT(a, 2)), 5);
	CHECK_EQ(calls(fd, CT_ACCESS), 1);
}

static const struct test tests[] = {
	{ "C17 a load takes the page from a process that the driver forgot", taken_from_careless },
	{ "C17 and from all mappings of that process", taken_from_all_mappings },
	{ "C17 devmap_default_access alone: one process at a time", exclusive_without_arbitration },
	{ "C17 no store is lost when pages are taken", free_running_without_unload },
	{ "C17 translations left with the previous owner are counted", leak_is_counted },
	{ "C17 and named", leak_is_named },
	{ "C17 a correct driver has nothing taken and leaks nothing", correct_driver },
	{ "C19 two mappings of one page in one process", two_handles_one_page },
	{ "C19 mappings of one process that overlap", handles_at_different_offsets },
	{ "C19 each handle is unloaded by itself", each_is_unloaded_by_itself },
	{ "C19 a driver loads a sibling handle", sibling_loaded_too },
};

MAIN(tests, 0)
