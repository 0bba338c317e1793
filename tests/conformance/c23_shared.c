/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* C23: mappings without devmap_access(9E). */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness.h"

#define RW (PROT_READ | PROT_WRITE)

static struct actor *a, *b;

static int without(int64_t callbacks)
{
	const int fd = control();

	knob(fd, CT_CALLBACKS, callbacks);
	return fd;
}

static void check_shared(int fd, enum ctest_memory memory)
{
	knob(fd, CT_BACKING, memory);
	a = new_actor_with("ctest0", 0, 4);
	b = new_actor_with("ctest0", 0, 4);
	put(a, AT(a, 1), 5);
	CHECK_EQ(get(b, AT(b, 1)), 5);
	put(b, AT(b, 1) + 8, 6);
	CHECK_EQ(get(a, AT(a, 1) + 8), 6);
	put(a, AT(a, 1), 7);
	CHECK_EQ(get(b, AT(b, 1)), 7);
	CHECK_EQ(peek(fd, memory, page), 7);
	poke(fd, memory, page, 8);
	CHECK_EQ(get(a, AT(a, 1)), 8);
	CHECK_EQ(calls(fd, CT_ACCESS), 0);
	CHECK_EQ(calls(fd, CT_CTXMGT), 0);
}

static void umem(void)
{
	check_shared(without(1 << CT_ACCESS), CT_UMEM);
}

static void registers(void)
{
	check_shared(without(1 << CT_ACCESS), CT_REGS);
}

static void no_callbacks_at_all(void)
{
	const int fd = without(1 << CT_MAP | 1 << CT_ACCESS | 1 << CT_DUP | 1 << CT_UNMAP);

	check_shared(fd, CT_UMEM);
	CHECK_EQ(unmap(a, AT(a, 0), page), 0);
	CHECK_EQ(get(a, AT(a, 1)), 8);
	for (int what = CT_MAP; what < CT_NWHAT; what++)
		CHECK_EQ(calls(fd, what), 0);
}

static void other_callbacks_come(void)
{
	const int fd = without(1 << CT_ACCESS);

	a = new_actor_with("ctest0", 0, 4);
	CHECK_EQ(calls(fd, CT_MAP), 1);
	b = new_fork(a);
	CHECK_EQ(calls(fd, CT_DUP), 1);
	CHECK_EQ(unmap(a, AT(a, 1), page), 0);
	CHECK_EQ(calls(fd, CT_UNMAP), 1);
	leave_by_kill(b);
	AWAIT(calls(fd, CT_UNMAP) == 2);
}

static void after_fork(void)
{
	without(1 << CT_ACCESS);
	a = new_actor_with("ctest0", 0, 2);
	put(a, AT(a, 0), 1);
	b = new_fork(a);
	CHECK_EQ(get(b, AT(b, 0)), 1);
	put(b, AT(b, 0), 2);
	CHECK_EQ(get(a, AT(a, 0)), 2);
	leave_by_exit(a);
	put(b, AT(b, 1), 3);
	CHECK_EQ(get(b, AT(b, 1)), 3);
}

static uint64_t do_add(struct actor *me, const uint64_t *args)
{
	for (uint64_t i = 0; i < args[0]; i++)
		__atomic_fetch_add((uint64_t *)me->base, 1, __ATOMIC_SEQ_CST);
	return 0;
}

static void atomic_together(void)
{
	without(1 << CT_ACCESS);
	a = new_actor_with("ctest0", 0, 1);
	b = new_actor_with("ctest0", 0, 1);
	start(a, do_add, ASK(1000000));
	start(b, do_add, ASK(1000000));
	finish(a);
	finish(b);
	CHECK_EQ(get(a, a->base), 2000000);
}

/*
 * The next mapping made has one, of pages that were never shared: an engine may leave a page that
 * processes share directly shared for good.
 */
static void beside_intercepted(void)
{
	const int fd = without(1 << CT_ACCESS);
	char *own_a, *own_b;

	a = new_actor_with("ctest0", 8, 2);
	b = new_actor_with("ctest0", 8, 2);
	knob(fd, CT_CALLBACKS, 0);
	own_a = map_pages(a, 10, 2);
	own_b = map_pages(b, 10, 2);
	put(a, own_a, 1);
	put(b, own_b, 2);
	put(a, AT(a, 0), 3);
	CHECK_EQ(get(b, AT(b, 0)), 3);
	CHECK_EQ(get(a, own_a), 1);
	CHECK_EQ(get(b, own_b), 2);
}

static void private_needs_access(void)
{
	const int fd = without(1 << CT_ACCESS);

	a = new_actor("ctest0");
	CHECK(try_map(a, NULL, page, RW, MAP_PRIVATE, 0) == MAP_FAILED);
	CHECK_EQ(a->error, EINVAL);
	AWAIT(counts(fd).maps == 0);
}

/* Each process touches the memory first: before, an engine may know that it cannot store there. */
static void mapped_by(struct actor *who, int fd)
{
	put(who, who->base, 1);
	put(who, who->base + page, 1);
	AWAIT(!model_rests(fd));
}

/* Of an unmapping, a kill, an exec and an exit each may be the last. */
static void model_rests_at_last(void)
{
	const int fd = without(1 << CT_ACCESS);

	knob(fd, CT_BACKING, CT_REGS);
	AWAIT(model_rests(fd));
	a = new_actor_with("ctest0", 0, 2);
	mapped_by(a, fd);
	b = new_fork(a);
	mapped_by(b, fd);
	CHECK_EQ(unmap(a, AT(a, 0), page), 0);
	leave_by_kill(b);
	AWAIT(!model_rests(fd));
	CHECK_EQ(unmap(a, AT(a, 1), page), 0);
	AWAIT(model_rests(fd));
	b = new_actor_with("ctest0", 1, 3);
	mapped_by(b, fd);
	leave_by_exec(b);
	AWAIT(model_rests(fd));
	b = new_actor_with("ctest0", 0, 4);
	mapped_by(b, fd);
	leave_by_kill(b);
	AWAIT(model_rests(fd));
	b = new_actor_with("ctest0", 0, 4);
	mapped_by(b, fd);
	leave_by_exit(b);
	AWAIT(model_rests(fd));
}

static const struct test tests[] = {
	{ "C23 without devmap_access all processes share the memory", umem },
	{ "C23 the same on a register set", registers },
	{ "C23 a driver without any callback", no_callbacks_at_all },
	{ "C23 the other callbacks come", other_callbacks_come },
	{ "C23 parent and child share it too", after_fork },
	{ "C23 atomic instructions of two processes at once", atomic_together },
	{ "C23 beside mappings that are intercepted", beside_intercepted },
	{ "C23 a model rests when the last process that shares it has gone", model_rests_at_last },
	{ "C23 MAP_PRIVATE cannot be had", private_needs_access },
};

MAIN(tests, 0)
