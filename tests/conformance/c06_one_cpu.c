/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* C6, C8 with the engine, where it is a process, and all clients on one CPU. */
#include <sys/mman.h>
#include <unistd.h>

#include "harness.h"

static void hold_binds(void)
{
	const int fd = control();

	knob(fd, CT_HOLD_NS, 100 * MS);
	struct actor *a = new_actor_with("ctest0", 0, 1), *b = new_actor_with("ctest0", 0, 1);

	put(a, a->base, 1);
	put(b, b->base, 2);
	CHECK(event(fd, CT_CTXMGT, b->pid, 0).t_in - event(fd, CT_CTXMGT, a->pid, 0).t_out >=
	      100 * MS);
}

static uint64_t do_spin(struct actor *a, const uint64_t *args)
{
	volatile uint64_t *p = (uint64_t *)args[0];
	volatile int *stop = (int *)args[1];

	(void)a;
	while (!*stop)
		(*p)++;
	return 0;
}

static void spinning_owner(void)
{
	int *stop = shared_memory(sizeof(*stop));
	const int fd = control();

	knob(fd, CT_HOLD_NS, 20 * MS);
	struct actor *a = new_actor_with("ctest0", 0, 1), *b = new_actor_with("ctest0", 0, 1);

	start(a, do_spin, ASK((uintptr_t)a->base, (uintptr_t)stop));
	for (int i = 0; i < 10; i++) {
		put(b, b->base, i);
		CHECK_EQ(get(b, b->base), i);
	}
	*stop = 1;
	finish(a);
}

static uint64_t do_cross(struct actor *a, const uint64_t *args)
{
	volatile uint64_t *p = (uint64_t *)args[0];

	(void)a;
	for (uint64_t i = 1; i <= args[1]; i++) {
		*p = i;
		CHECK_EQ(*p, i);
	}
	return 0;
}

static void across_a_border(void)
{
	struct actor *a[3];

	control();
	for (int i = 0; i < 3; i++)
		a[i] = new_actor_with("ctest0", 0, 2);
	for (int i = 0; i < 3; i++)
		start(a[i], do_cross, ASK((uintptr_t)AT(a[i], 1) - 4, 100));
	for (int i = 0; i < 3; i++)
		CHECK(finish(a[i]) == 0 && a[i]->signal == 0);
}

static const struct test tests[] = {
	{ "C6 the hold binds on one CPU", hold_binds },
	{ "C8 a spinning owner keeps nobody out on one CPU", spinning_owner },
	{ "C8 stores across a page border complete on one CPU", across_a_border },
};

MAIN(tests, ONE_CPU)
