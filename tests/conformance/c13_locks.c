/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* C12, C13: locks. */
#include <dlfcn.h>
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness.h"

enum { LOCK = 2, UNLOCK = 3 }; /* enum devmap_fault_type */

static struct actor *a, *b;

/* a has locked pages 1 and 2 of 4, b wants the device. */
static int locked(void)
{
	const int fd = control();

	a = new_actor_with("ctest0", 0, 4);
	b = new_actor_with("ctest0", 0, 4);
	CHECK_EQ(lock(a, AT(a, 1), 2 * page), 0);
	start_put(b, AT(b, 0), 2);
	await_waiters("ctest0", 1);
	return fd;
}

static void nobody_else_is_granted(void)
{
	const int fd = locked();

	put(a, AT(a, 1), 11);
	put(a, AT(a, 3), 33); /* a still owns it, and may fault elsewhere */
	CHECK(!finished(b));
	CHECK_EQ(events(fd, CT_CTXMGT, b->pid), 0);
	CHECK_EQ(unlock(a, AT(a, 1), 2 * page), 0);
	finish(b);
	CHECK_EQ(get(a, AT(a, 1)), 11);
}

static void driver_is_told(void)
{
	const int fd = locked();
	const struct ctest_event l = event(fd, CT_ACCESS, a->pid, 0);

	CHECK_EQ(l.type, LOCK);
	CHECK_EQ(l.off, page);
	CHECK_EQ(l.len, 2 * page);
	CHECK_EQ(l.result, 0);
	clear_log(fd);
	put(a, AT(a, 1), 1); /* locked pages are loaded */
	put(a, AT(a, 2), 1);
	CHECK_EQ(calls(fd, CT_ACCESS), 0);
	CHECK_EQ(unlock(a, AT(a, 1), 2 * page), 0);
	CHECK_EQ(event(fd, CT_ACCESS, a->pid, 0).type, UNLOCK);
	CHECK_EQ(event(fd, CT_ACCESS, a->pid, 0).len, 2 * page);
	finish(b);
}

static void in_two_halves(void)
{
	locked();
	CHECK_EQ(unlock(a, AT(a, 2), page), 0);
	put(a, AT(a, 3), 1);
	CHECK(!finished(b));
	CHECK_EQ(unlock(a, AT(a, 1), page), 0);
	finish(b);
}

static void unlock_without_lock(void)
{
	control();
	a = new_actor_with("ctest0", 0, 2);
	put(a, AT(a, 0), 1);
	CHECK_EQ(unlock(a, AT(a, 0), 2 * page), 0);
	CHECK_EQ(get(a, AT(a, 0)), 1);
}

static void ends_at_munmap(void)
{
	locked();
	CHECK_EQ(unmap(a, AT(a, 0), 4 * page), 0);
	finish(b);
}

static void ends_at_partial_munmap(void)
{
	locked();
	CHECK_EQ(unmap(a, AT(a, 1), 2 * page), 0);
	finish(b);
}

static void ends_at_exit(void)
{
	locked();
	leave_by_exit(a);
	finish(b);
}

static void ends_at_exec(void)
{
	locked();
	leave_by_exec(a);
	finish(b);
}

static void ends_at_kill(void)
{
	locked();
	leave_by_kill(a);
	finish(b);
}

static void not_inherited(void)
{
	locked();
	struct actor *child = new_fork(a);

	start_get(child, AT(child, 0));
	await_waiters("ctest0", 2);
	CHECK_EQ(unlock(a, AT(a, 1), 2 * page), 0);
	finish(b);
	finish(child);
}

/* To lock, a process must be granted like for an access. */
static void waits_for_the_hold(void)
{
	const int fd = control();

	knob(fd, CT_HOLD_NS, 200 * MS);
	a = new_actor_with("ctest0", 0, 4);
	b = new_actor_with("ctest0", 0, 4);
	put(a, AT(a, 0), 1);
	CHECK_EQ(lock(b, AT(b, 0), page), 0);
	CHECK(event(fd, CT_CTXMGT, b->pid, 0).t_in - event(fd, CT_CTXMGT, a->pid, 0).t_out >=
	      200 * MS);
}

static void driver_refuses(void)
{
	const int fd = control();

	a = new_actor_with("ctest0", 0, 4);
	b = new_actor_with("ctest0", 0, 4);
	knob(fd, CT_FAIL_WHERE, 1 << CT_CTXMGT);
	knob(fd, CT_FAIL_VALUE, EIO);
	knob(fd, CT_FAIL_COUNT, 1);
	CHECK(lock(a, AT(a, 0), 2 * page) != 0);
	put(b, AT(b, 0), 1); /* it holds nobody up */
	CHECK_EQ(lock(a, AT(a, 0), 2 * page), 0);
}

static void several_handles(void)
{
	const int fd = control();

	knob(fd, CT_PIECE, 2);
	a = new_actor_with("ctest0", 0, 6);
	b = new_actor_with("ctest0", 0, 6);
	CHECK_EQ(lock(a, AT(a, 1), 4 * page), 0);
	CHECK_EQ(events(fd, CT_ACCESS, a->pid), 3);
	start_put(b, AT(b, 0), 1);
	await_waiters("ctest0", 1);
	CHECK_EQ(unlock(a, AT(a, 1), 4 * page), 0);
	finish(b);
}

/* The client library's own calls, where the program has it. */
typedef int (*lock_call)(const void *addr, size_t len);

static uint64_t do_library(struct actor *me, const uint64_t *args)
{
	lock_call call =
		(lock_call)dlsym(RTLD_DEFAULT, args[2] == LOCK ? "devmap_lock" : "devmap_unlock");

	(void)me;
	if (call == NULL)
		return ENOSYS;
	return call((void *)args[0], args[1]) == 0 ? 0 : errno;
}

static void library_calls(void)
{
	control();
	a = new_actor_with("ctest0", 0, 4);
	b = new_actor_with("ctest0", 0, 4);

	const int error = ask(a, do_library, ASK((uintptr_t)AT(a, 1), 2 * page, LOCK));

	if (error == ENOSYS && kernel_engine())
		skip("libdevmap is not loaded");
	CHECK_EQ(error, 0);
	start_put(b, AT(b, 0), 1);
	await_waiters("ctest0", 1);
	put(a, AT(a, 2), 1);
	CHECK(!finished(b));
	CHECK_EQ(ask(a, do_library, ASK((uintptr_t)AT(a, 1), 2 * page, UNLOCK)), 0);
	finish(b);
	CHECK(ask(a, do_library, ASK((uintptr_t)AT(a, 3), 2 * page, LOCK)) != 0);
}

/* Each holds one group and wants the other: one lock is broken, counted and named. */

static uint64_t do_store(struct actor *me, const uint64_t *args)
{
	(void)me;
	*(volatile uint64_t *)args[0] = args[1];
	return 0;
}

static uint64_t do_map_b(struct actor *me, const uint64_t *args)
{
	(void)me, (void)args;
	return (uintptr_t)DO(
		mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, open_device("ctest0b"), 0));
}

static void cycle_is_broken(void)
{
	const int64_t before = statistic("ctest0", "lock_cycles");

	control();
	reset_unit("ctest0b");
	a = new_actor_with("ctest0", 0, 1);
	b = new_actor_with("ctest0", 0, 1);

	char *a2 = (char *)ask(a, do_map_b, ASK(0)), *b2 = (char *)ask(b, do_map_b, ASK(0));

	CHECK_EQ(lock(a, a->base, page), 0);
	CHECK_EQ(lock(b, b2, page), 0);
	start(a, do_store, ASK((uintptr_t)a2, 1));
	start(b, do_store, ASK((uintptr_t)b->base, 2));
	AWAIT(finished(a) || finished(b));
	CHECK(statistic("ctest0", "lock_cycles") > before);
	AWAIT(engine_said("pages locked by process"));

	struct actor *first = finished(a) ? a : b, *second = first == a ? b : a;

	CHECK_EQ(first->signal, 0);
	leave_by_exit(first); /* its own lock is still there, or was the broken one */
	finish(second);
	CHECK_EQ(second->signal, 0);
}

/* C12 */

static void check_wrong_length(enum ctest_load mode)
{
	const int fd = control();

	a = new_actor_with("ctest0", 0, 4);
	knob(fd, CT_LOAD_MODE, mode);
	CHECK(lock(a, AT(a, 0), 2 * page) != 0);
	CHECK(event(fd, CT_CTXMGT, a->pid, 0).loaded != 0);
	knob(fd, CT_LOAD_MODE, CT_L_RANGE);
	CHECK_EQ(lock(a, AT(a, 0), 2 * page), 0);
	CHECK_EQ(unlock(a, AT(a, 0), 2 * page), 0);
}

static void longer(void)
{
	check_wrong_length(CT_L_LONG);
}

static void whole_handle(void)
{
	check_wrong_length(CT_L_HANDLE);
}

static void any_length_for_accesses(void)
{
	const int fd = control();

	a = new_actor_with("ctest0", 0, 4);
	knob(fd, CT_LOAD_MODE, CT_L_LONG);
	put(a, AT(a, 0), 1);
	CHECK_EQ(event(fd, CT_CTXMGT, a->pid, 0).loaded, 0);
}

static const struct test tests[] = {
	{ "C12 a longer load than the lock is an error", longer },
	{ "C12 so is loading the whole handle", whole_handle },
	{ "C12 an access may load more", any_length_for_accesses },
	{ "C13 while locked nobody else is granted", nobody_else_is_granted },
	{ "C13 the driver is told of lock and unlock", driver_is_told },
	{ "C13 a range is unlocked in two halves", in_two_halves },
	{ "C13 unlock without lock does nothing", unlock_without_lock },
	{ "C13 a lock ends with munmap", ends_at_munmap },
	{ "C13 a lock ends with munmap of its range", ends_at_partial_munmap },
	{ "C13 a lock ends with exit", ends_at_exit },
	{ "C13 a lock ends with exec", ends_at_exec },
	{ "C13 a lock ends with SIGKILL", ends_at_kill },
	{ "C13 a child does not inherit locks", not_inherited },
	{ "C13 a lock waits for the hold of another", waits_for_the_hold },
	{ "C13 a lock that the driver refuses fails", driver_refuses },
	{ "C13 a lock over several handles", several_handles },
	{ "C13 devmap_lock and devmap_unlock", library_calls },
	{ "C13 a cycle of locks over two groups is broken and counted", cycle_is_broken },
};

MAIN(tests, 0)
