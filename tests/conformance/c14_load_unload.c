/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* C14, C15: what devmap_load(9F) and devmap_unload(9F) do to accesses. */
#include <sys/mman.h>
#include <unistd.h>

#include "harness.h"

#define PAGES 6

static struct actor *a;
static uint64_t id; /* of its mapping of pages 2 to 7 */

static int mapped(void)
{
	const int fd = control();

	a = new_actor_with("ctest0", 2, PAGES);
	id = event(fd, CT_MAP, a->pid, 0).id;
	return fd;
}

static int loaded(void)
{
	const int fd = mapped();

	knob(fd, CT_LOAD_MODE, CT_L_HANDLE);
	put(a, a->base, 1);
	knob(fd, CT_LOAD_MODE, CT_L_RANGE);
	clear_log(fd);
	return fd;
}

/* Which pages of the mapping are intercepted? A bit a page; afterwards none is. */
static unsigned intercepted(int fd)
{
	unsigned bits = 0;

	for (unsigned i = 0; i < PAGES; i++) {
		const uint64_t before = calls(fd, CT_ACCESS);

		get(a, AT(a, i));
		if (calls(fd, CT_ACCESS) != before)
			bits |= 1 << i;
	}
	return bits;
}

/* ... and the actor leaves, so that another attempt can follow. */
static unsigned intercepted_at_last(int fd)
{
	const unsigned bits = intercepted(fd);

	leave_by_exit(a);
	return bits;
}

static void loaded_pages(void)
{
	const int fd = mapped();

	put(a, AT(a, 1), 1);
	CHECK_EQ(intercepted(fd), 0x3d);
	CHECK_EQ(intercepted(fd), 0);
}

static void unloaded_pages(void)
{
	const int fd = loaded();

	CHECK_EQ(intercepted(fd), 0);
	CHECK_EQ(operate(fd, CT_OP_UNLOAD, id, 4 * page, 2 * page), 0);
	CHECK_EQ(intercepted(fd), 0x0c);
	CHECK_EQ(operate(fd, CT_OP_UNLOAD, id, 2 * page, PAGES * page), 0);
	CHECK_EQ(intercepted(fd), 0x3f);
}

static void unload_of_nothing(void)
{
	const int fd = mapped();

	CHECK_EQ(operate(fd, CT_OP_UNLOAD, id, 2 * page, PAGES * page), 0);
	CHECK_EQ(operate(fd, CT_OP_UNLOAD, id, 2 * page, PAGES * page), 0);
	put(a, a->base, 1);
}

/* Stores without end. The newest value that is certainly there is announced in *args[1]. */
static uint64_t do_count_up(struct actor *me, const uint64_t *args)
{
	volatile uint64_t *p = (uint64_t *)args[0], *announced = (uint64_t *)args[1];
	volatile uint64_t *stop = announced + 1;
	uint64_t n = *p;

	(void)me;
	while (!*stop) {
		CHECK_EQ(*p, n);
		*p = ++n;
		*announced = n;
	}
	return n;
}

static void check_nothing_lost(int fd, enum ctest_memory memory)
{
	volatile uint64_t *shared = shared_memory(2 * sizeof(*shared));

	start(a, do_count_up, ASK((uintptr_t)AT(a, 1), (uintptr_t)shared));
	for (int i = 0; i < 300; i++) {
		const uint64_t before = shared[0];

		CHECK_EQ(operate(fd, CT_OP_UNLOAD, id, 2 * page, PAGES * page), 0);
		CHECK(peek(fd, memory, 3 * page) >= before);
	}
	shared[1] = 1;

	const uint64_t last = finish(a);

	CHECK_EQ(peek(fd, memory, 3 * page), last);
	CHECK_EQ(a->signal, 0);
}

static void nothing_lost(void)
{
	const int fd = mapped();

	knob(fd, CT_NO_LOG, 1);
	check_nothing_lost(fd, CT_UMEM);
}

static void nothing_lost_in_registers(void)
{
	const int fd = control();

	knob(fd, CT_BACKING, CT_REGS);
	a = new_actor_with("ctest0", 2, PAGES);
	id = event(fd, CT_MAP, a->pid, 0).id;
	knob(fd, CT_NO_LOG, 1);
	check_nothing_lost(fd, CT_REGS);
}

/* With the way back shut, nothing is stored after devmap_unload(9F) has returned. */
static void unload_is_synchronous(void)
{
	volatile uint64_t *shared = shared_memory(2 * sizeof(*shared));
	const int fd = mapped();

	start(a, do_count_up, ASK((uintptr_t)AT(a, 1), (uintptr_t)shared));
	AWAIT(shared[0] > 0); /* an access that is under way would be past the gate already */
	for (int i = 0; i < 50; i++) {
		knob(fd, CT_GATE_ACCESS, a->pid);
		CHECK_EQ(operate(fd, CT_OP_UNLOAD, id, 2 * page, PAGES * page), 0);

		const uint64_t value = peek(fd, CT_UMEM, 3 * page);

		for (int j = 0; j < 3; j++)
			CHECK_EQ(peek(fd, CT_UMEM, 3 * page), value);
		AWAIT(counts(fd).gated == 1);
		CHECK_EQ(peek(fd, CT_UMEM, 3 * page), value);
		knob(fd, CT_GATE_ACCESS, 0);
		AWAIT(shared[0] > value);
	}
	shared[1] = 1;
	finish(a);
	CHECK_EQ(a->signal, 0);
}

/* The device's own stores and the process's meet in one memory. */
static void both_sides_see(void)
{
	const int fd = loaded();

	put(a, AT(a, 1), 5);
	CHECK_EQ(peek(fd, CT_UMEM, 3 * page), 5);
	poke(fd, CT_UMEM, 3 * page, 6);
	CHECK_EQ(get(a, AT(a, 1)), 6);
	put(a, AT(a, 1) + 8, 7);
	poke(fd, CT_UMEM, 3 * page + 16, 8);
	CHECK_EQ(get(a, AT(a, 1) + 8), 7);
	CHECK_EQ(get(a, AT(a, 1) + 16), 8);
	CHECK_EQ(calls(fd, CT_ACCESS), 0);
}

static void both_sides_see_registers(void)
{
	const int fd = control();

	knob(fd, CT_BACKING, CT_REGS);
	a = new_actor_with("ctest0", 0, 2);
	put(a, AT(a, 1), 5);
	CHECK_EQ(peek(fd, CT_REGS, page), 5);
	poke(fd, CT_REGS, page, 6);
	CHECK_EQ(get(a, AT(a, 1)), 6);
	CHECK_EQ(calls(fd, CT_ACCESS), 1);
}

/* C15: ranges. */

static unsigned after_unload(int64_t off, uint64_t len)
{
	const int fd = loaded();

	CHECK_EQ(operate(fd, CT_OP_UNLOAD, id, off, len), 0);
	return intercepted_at_last(fd);
}

static void unload_rounding(void)
{
	CHECK_EQ(after_unload(4 * page, page), 0x04);
	CHECK_EQ(after_unload(4 * page + 100, 1), 0x04);
	CHECK_EQ(after_unload(5 * page - 1, 1), 0x04);
	CHECK_EQ(after_unload(5 * page - 1, 2), 0x0c);
	CHECK_EQ(after_unload(4 * page + 100, page), 0x0c);
	CHECK_EQ(after_unload(4 * page + 100, page - 100), 0x04);
}

static void unload_to_the_end(void)
{
	CHECK_EQ(after_unload(4 * page, 0), 0x3c);
	CHECK_EQ(after_unload(2 * page, 0), 0x3f);
	CHECK_EQ(after_unload(8 * page - 1, 0), 0x20);
}

static void check_unload_fails(int64_t off, uint64_t len)
{
	const int fd = loaded();

	CHECK(operate(fd, CT_OP_UNLOAD, id, off, len) != 0);
	CHECK_EQ(intercepted_at_last(fd), 0);
}

static void unload_outside(void)
{
	check_unload_fails(8 * page, page);
	check_unload_fails(8 * page, 0);
	check_unload_fails(page, page);
	check_unload_fails(0, 0);
	check_unload_fails(page, 4 * page);
	check_unload_fails(4 * page, 5 * page);
	check_unload_fails(7 * page + 1, page);
	check_unload_fails(-(int64_t)page, page);
	check_unload_fails(4 * page, UINT64_MAX - page);
	check_unload_fails(INT64_MAX - 10, page);
}

static unsigned after_load(enum ctest_load mode, unsigned at)
{
	const int fd = mapped();

	knob(fd, CT_LOAD_MODE, mode);
	put(a, AT(a, at), 1);
	CHECK_EQ(event(fd, CT_CTXMGT, a->pid, 0).loaded, 0);
	knob(fd, CT_LOAD_MODE, CT_L_RANGE);
	return intercepted_at_last(fd);
}

static void load_rounding(void)
{
	CHECK_EQ(after_load(CT_L_RANGE, 2), 0x3b);
	CHECK_EQ(after_load(CT_L_INSIDE, 2), 0x3b);
	CHECK_EQ(after_load(CT_L_BORDER, 2), 0x33);
	CHECK_EQ(after_load(CT_L_LONG, 2), 0x33);
	CHECK_EQ(after_load(CT_L_HANDLE, 2), 0);
}

static void load_to_the_end(void)
{
	CHECK_EQ(after_load(CT_L_TO_END, 2), 0x03);
	CHECK_EQ(after_load(CT_L_TO_END, 0), 0);
}

static void load_outside_changes_nothing(void)
{
	const int fd = mapped();

	knob(fd, CT_LOAD_MODE, CT_L_OUTSIDE);
	CHECK(try_put(a, AT(a, PAGES - 1), 1) != 0);
	CHECK(event(fd, CT_CTXMGT, a->pid, 0).loaded != 0);
	knob(fd, CT_LOAD_MODE, CT_L_RANGE);
	CHECK_EQ(intercepted(fd), 0x3f);
}

static const struct test tests[] = {
	{ "C14 loaded pages are not intercepted, others are", loaded_pages },
	{ "C14 unloaded pages are intercepted, others are not", unloaded_pages },
	{ "C14 unloading what is not loaded does nothing", unload_of_nothing },
	{ "C14 nothing stored before devmap_unload is lost", nothing_lost },
	{ "C14 the same on a register set", nothing_lost_in_registers },
	{ "C14 nothing is stored after devmap_unload has returned", unload_is_synchronous },
	{ "C14 driver and process see each other's stores", both_sides_see },
	{ "C14 the same on a register set, through accessors", both_sides_see_registers },
	{ "C15 devmap_unload takes whole pages", unload_rounding },
	{ "C15 devmap_unload with length 0", unload_to_the_end },
	{ "C15 devmap_unload outside the handle changes nothing", unload_outside },
	{ "C15 devmap_load takes whole pages", load_rounding },
	{ "C15 devmap_load with length 0", load_to_the_end },
	{ "C15 devmap_load outside the handle changes nothing", load_outside_changes_nothing },
};

MAIN(tests, 0)
