/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* C22: partial unmaps, by the table of devmap_unmap(9E). */
#include <sys/mman.h>
#include <unistd.h>

#include "harness.h"

static struct actor *a;

/* a maps pages 4 to 4 + pages - 1 in handles of `piece` pages; each has a value of its own. */
static int mapped_through(const char *name, unsigned pages, unsigned piece)
{
	const int fd = reset_unit(name);

	knob(fd, CT_PIECE, piece);
	a = new_actor_with("ctest0", 4, pages);
	for (unsigned i = 0; i < pages; i++)
		put(a, AT(a, i), 100 + i);
	clear_log(fd);
	return fd;
}

static int mapped(unsigned pages, unsigned piece)
{
	return mapped_through("ctest0", pages, piece);
}

static void cut(unsigned first, unsigned pages)
{
	CHECK_EQ(unmap(a, AT(a, first), pages * page), 0);
}

/* What remains is there, is what it was, and is intercepted with the right offsets. */
static void check_remains(int fd, unsigned pages, unsigned gone, unsigned ngone)
{
	struct actor *b = new_actor_with("ctest0", 0, 1);

	put(b, AT(b, 0), 1); /* takes everything from a */
	for (unsigned i = 0; i < pages; i++) {
		if (i >= gone && i < gone + ngone) {
			CHECK_EQ(try_get(a, AT(a, i)), SIGSEGV);
			continue;
		}
		CHECK_EQ(get(a, AT(a, i)), 100 + i);
		CHECK_EQ(event(fd, CT_ACCESS, a->pid, -1).off, (4 + i) * page);
	}
	leave_by_exit(b);
}

/* One call: the hole [off, off + len) in device pages, with what remains before and after. */
static void check_call(struct ctest_event u, unsigned off, unsigned len, bool before, bool after)
{
	CHECK_EQ(u.off, off * page);
	CHECK_EQ(u.len, len * page);
	CHECK_EQ(u.new1 != 0, before);
	CHECK_EQ(u.new2 != 0, after);
	if (before) /* the private data that is there unless the driver writes */
		CHECK_EQ(u.new1_was, u.id);
	if (after)
		CHECK_EQ(u.new2_was, u.id);
}

static void whole(void)
{
	const int fd = mapped(4, 0);

	cut(0, 4);
	CHECK_EQ(events(fd, CT_UNMAP, 0), 1);
	check_call(event(fd, CT_UNMAP, 0, 0), 4, 4, false, false);
	CHECK_EQ(counts(fd).maps, 0);
	CHECK_EQ(try_get(a, AT(a, 0)), SIGSEGV);
}

static void head(void)
{
	const int fd = mapped(6, 0);

	cut(0, 2);
	CHECK_EQ(events(fd, CT_UNMAP, 0), 1);

	const struct ctest_event u = event(fd, CT_UNMAP, 0, 0);

	check_call(u, 4, 2, false, true);
	CHECK_EQ(u.new2, u.dhp);
	check_remains(fd, 6, 0, 2);
	CHECK_EQ(event(fd, CT_ACCESS, a->pid, -1).id, u.new2_id);
}

static void tail(void)
{
	const int fd = mapped(6, 0);

	cut(4, 2);
	CHECK_EQ(events(fd, CT_UNMAP, 0), 1);

	const struct ctest_event u = event(fd, CT_UNMAP, 0, 0);

	check_call(u, 8, 2, true, false);
	CHECK_EQ(u.new1, u.dhp);
	check_remains(fd, 6, 4, 2);
	CHECK_EQ(event(fd, CT_ACCESS, a->pid, -1).id, u.new1_id);
}

static void middle(void)
{
	const int fd = mapped(6, 0);

	cut(2, 3);
	CHECK_EQ(events(fd, CT_UNMAP, 0), 1);

	const struct ctest_event u = event(fd, CT_UNMAP, 0, 0);

	check_call(u, 6, 3, true, true);
	CHECK_EQ(u.new1, u.dhp);
	CHECK(u.new2 != u.dhp);
	check_remains(fd, 6, 2, 3);
	CHECK_EQ(event(fd, CT_ACCESS, a->pid, -1).id, u.new2_id);
	CHECK_EQ(event(fd, CT_ACCESS, a->pid, -1).dhp, u.new2);
	CHECK_EQ(event(fd, CT_ACCESS, a->pid, -2).id, u.new1_id);
}

static void driver_keeps_its_data(void)
{
	const int fd = mapped(6, 0);

	knob(fd, CT_UNMAP_MODE, CT_U_KEEP);
	cut(0, 1);
	cut(5, 1);
	cut(2, 1);

	const struct ctest_event u0 = event(fd, CT_UNMAP, 0, 0), u2 = event(fd, CT_UNMAP, 0, 2);

	CHECK_EQ(u2.id, u0.id);
	clear_log(fd);
	CHECK_EQ(operate(fd, CT_OP_UNLOAD, u2.new1_id, 5 * page, 0), 0);
	CHECK_EQ(operate(fd, CT_OP_UNLOAD, u2.new2_id, 7 * page, 0), 0);
	CHECK_EQ(get(a, AT(a, 1)), 101);
	CHECK_EQ(event(fd, CT_ACCESS, 0, 0).id, u0.id);
	CHECK_EQ(get(a, AT(a, 4)), 104);
	CHECK_EQ(event(fd, CT_ACCESS, 0, 1).id, u2.new2_id);
}

/* Over several handles: the calls come in the order of the addresses. */

static void across_three_handles(void)
{
	const int fd = mapped(6, 2);

	cut(1, 4);
	CHECK_EQ(events(fd, CT_UNMAP, 0), 3);
	check_call(event(fd, CT_UNMAP, 0, 0), 5, 1, true, false);
	check_call(event(fd, CT_UNMAP, 0, 1), 6, 2, false, false);
	check_call(event(fd, CT_UNMAP, 0, 2), 8, 1, false, true);
	CHECK_EQ(counts(fd).maps, 2);
	check_remains(fd, 6, 1, 4);
}

static void one_handle_of_two(void)
{
	int fd = mapped(8, 4);

	cut(4, 4);
	CHECK_EQ(events(fd, CT_UNMAP, 0), 1);
	check_call(event(fd, CT_UNMAP, 0, 0), 8, 4, false, false);
	CHECK_EQ(counts(fd).maps, 1);
	check_remains(fd, 8, 4, 4);
	leave_by_exit(a);

	fd = mapped(8, 4);
	cut(0, 4);
	CHECK_EQ(events(fd, CT_UNMAP, 0), 1);
	check_call(event(fd, CT_UNMAP, 0, 0), 4, 4, false, false);
	check_remains(fd, 8, 0, 4);
}

static void tail_of_the_second(void)
{
	const int fd = mapped(8, 4);

	cut(6, 2);
	CHECK_EQ(events(fd, CT_UNMAP, 0), 1);
	check_call(event(fd, CT_UNMAP, 0, 0), 10, 2, true, false);
	check_remains(fd, 8, 6, 2);
}

static void middle_of_the_second(void)
{
	const int fd = mapped(12, 4);

	cut(5, 2);
	CHECK_EQ(events(fd, CT_UNMAP, 0), 1);
	check_call(event(fd, CT_UNMAP, 0, 0), 9, 2, true, true);
	check_remains(fd, 12, 5, 2);
}

static void again_and_again(void)
{
	const int fd = mapped(8, 0);

	for (int i = 7; i > 0; i--) {
		cut(i, 1);
		check_call(event(fd, CT_UNMAP, 0, -1), 4 + i, 1, true, false);
		CHECK_EQ(get(a, AT(a, 0)), 100);
	}
	cut(0, 1);
	check_call(event(fd, CT_UNMAP, 0, -1), 4, 1, false, false);
	CHECK_EQ(counts(fd).maps, 0);
}

static void hole_by_hole(void)
{
	const int fd = mapped(8, 0);

	for (int i = 1; i < 8; i += 2)
		cut(i, 1);
	CHECK_EQ(counts(fd).maps, 4);
	for (int i = 0; i < 8; i += 2)
		CHECK_EQ(get(a, AT(a, i)), 100 + i);
	CHECK_EQ(unmap(a, AT(a, 0), 8 * page), 0);
	CHECK_EQ(counts(fd).maps, 0);
	CHECK_EQ(events(fd, CT_UNMAP, 0), 8);
}

static void nothing_there(void)
{
	const int fd = mapped(4, 0);

	cut(1, 1);
	cut(1, 1); /* munmap of nothing succeeds */
	CHECK_EQ(events(fd, CT_UNMAP, 0), 1);
	CHECK_EQ(get(a, AT(a, 2)), 102);
}

/* The context outlives the mapping of a page, as long as the process has another one. */
static void mapped_again(void)
{
	mapped(4, 0);
	cut(1, 2);

	char *p = map_pages(a, 5, 2);

	CHECK_EQ(get(a, p), 101);
	CHECK_EQ(get(a, p + page), 102);
}

static uint64_t do_surround(struct actor *me, const uint64_t *args)
{
	char *room = DO(
		mmap(NULL, 6 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));

	(void)args;
	DO(mmap(room + 2 * page, 2 * page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, me->fd,
		0));
	return (uintptr_t)room;
}

static void with_other_memory(void)
{
	const int fd = control();

	a = new_actor("ctest0");

	char *room = (char *)ask(a, do_surround, ASK(0));

	put(a, room, 1);
	put(a, room + 3 * page, 2);
	CHECK_EQ(unmap(a, room + page, 4 * page), 0);
	AWAIT(counts(fd).maps == 0);
	CHECK_EQ(get(a, room), 1);
	CHECK_EQ(get(a, room + 5 * page), 0);
}

/* close(9E) comes after the last devmap_unmap(9E). It is for the last descriptor of a minor. */

static int only_descriptor(void)
{
	return mapped_through("ctest0a", 4, 2);
}

static void check_close_last(void (*how)(struct actor *me))
{
	const int fd = only_descriptor();

	close_device(a);
	CHECK_EQ(calls(fd, CT_CLOSE), 0);
	CHECK_EQ(get(a, AT(a, 3)), 103);
	how(a);
	AWAIT(calls(fd, CT_CLOSE) == 1);
	CHECK_EQ(calls(fd, CT_UNMAP), 2);
	CHECK(event(fd, CT_UNMAP, 0, -1).seq_out < event(fd, CT_CLOSE, 0, 0).seq_in);
}

static void by_munmap(struct actor *me)
{
	CHECK_EQ(unmap(me, me->base, 4 * page), 0);
}

static void close_after_munmap(void)
{
	check_close_last(by_munmap);
}

static void close_after_exit(void)
{
	check_close_last(leave_by_exit);
}

static void close_after_kill(void)
{
	check_close_last(leave_by_kill);
}

/* Not closed: everything ends at once. */
static void close_after_sudden_end(void)
{
	const int fd = only_descriptor();

	leave_by_kill(a);
	AWAIT(calls(fd, CT_CLOSE) == 1);
	CHECK_EQ(calls(fd, CT_UNMAP), 2);
	CHECK(event(fd, CT_UNMAP, 0, -1).seq_out < event(fd, CT_CLOSE, 0, 0).seq_in);
}

/* Unmapped by another thread under a thread that waits for it. */

static void under_a_waiting_thread(void)
{
	const int fd = control();

	knob(fd, CT_HOLD_NS, FOR_EVER);

	struct actor *owner = new_actor_with("ctest0", 0, 4);

	a = new_actor_with("ctest0", 0, 4);

	struct actor *t = new_thread(a);

	put(owner, AT(owner, 0), 1);
	start_put(t, AT(t, 1), 2);
	await_waiters("ctest0", 1);
	CHECK_EQ(unmap(a, AT(a, 0), 4 * page), 0);
	finish(t);
	CHECK_EQ(t->signal, SIGSEGV);
	CHECK(t->addr == AT(t, 1));
	AWAIT(statistic("ctest0", "waiters") == 0);
}

static void beside_a_waiting_thread(void)
{
	const int fd = control();

	knob(fd, CT_HOLD_NS, FOR_EVER);

	struct actor *owner = new_actor_with("ctest0", 0, 4);

	a = new_actor_with("ctest0", 0, 4);

	struct actor *t = new_thread(a);

	put(owner, AT(owner, 0), 1);
	start_put(t, AT(t, 3), 2);
	await_waiters("ctest0", 1);
	CHECK_EQ(unmap(a, AT(a, 0), 2 * page), 0);
	CHECK(!finished(t));
	leave_by_exit(owner);
	finish(t);
	CHECK_EQ(t->signal, 0);
	CHECK_EQ(get(a, AT(a, 3)), 2);
	CHECK_EQ(event(fd, CT_CTXMGT, a->pid, -1).off, 3 * page);
}

/* devmap_unmap(9E) waits until the handle's devmap_access(9E) has returned. */
static void after_a_running_access(void)
{
	const int fd = control();

	a = new_actor_with("ctest0", 0, 4);

	struct actor *t = new_thread(a);

	knob(fd, CT_GATE_CTXMGT, a->pid);
	start_put(t, AT(t, 1), 2);
	AWAIT(counts(fd).gated == 1);
	start_unmap(a, AT(a, 0), 4 * page);
	knob(fd, CT_GATE_CTXMGT, 0);
	finish(a);
	finish(t);
	CHECK(event(fd, CT_ACCESS, a->pid, 0).seq_out < event(fd, CT_UNMAP, a->pid, 0).seq_in);
}

static const struct test tests[] = {
	{ "C22 the whole handle", whole },
	{ "C22 the head of a handle", head },
	{ "C22 the tail of a handle", tail },
	{ "C22 a hole in the middle of a handle", middle },
	{ "C22 private data stays where the driver does not write it", driver_keeps_its_data },
	{ "C22 across three handles", across_three_handles },
	{ "C22 exactly one handle of two", one_handle_of_two },
	{ "C22 the tail of the second handle", tail_of_the_second },
	{ "C22 a hole in the second handle", middle_of_the_second },
	{ "C22 page by page from the end", again_and_again },
	{ "C22 hole by hole, then all", hole_by_hole },
	{ "C22 a hole unmapped again", nothing_there },
	{ "C22 unmapped, and mapped again: the context is still there", mapped_again },
	{ "C22 one munmap over the device and other memory", with_other_memory },
	{ "C22 close comes after the last devmap_unmap: munmap", close_after_munmap },
	{ "C22 close comes after the last devmap_unmap: exit", close_after_exit },
	{ "C22 close comes after the last devmap_unmap: SIGKILL", close_after_kill },
	{ "C22 close comes after the last devmap_unmap: both at once", close_after_sudden_end },
	{ "C22 munmap under a waiting thread", under_a_waiting_thread },
	{ "C22 munmap beside a waiting thread", beside_a_waiting_thread },
	{ "C22 devmap_unmap comes after a running devmap_access", after_a_running_access },
};

MAIN(tests, 0)
