/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* C20: mappings of several handles, and mmap(2) itself. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness.h"

#define RW (PROT_READ | PROT_WRITE)

static void several_handles(void)
{
	const int fd = control();

	knob(fd, CT_PIECE, 3);
	struct actor *a = new_actor_with("ctest0", 2, 8);

	CHECK_EQ(events(fd, CT_DEVMAP, 0), 3);
	CHECK_EQ(events(fd, CT_MAP, 0), 3);
	for (int i = 0; i < 3; i++) {
		const struct ctest_event d = event(fd, CT_DEVMAP, a->pid, i);
		const struct ctest_event m = event(fd, CT_MAP, a->pid, i);

		CHECK_EQ(d.off, (2 + 3 * i) * page);
		CHECK_EQ(d.len, (8 - 3 * i) * page);
		CHECK_EQ(m.off, d.off);
		CHECK_EQ(m.len, (i < 2 ? 3 : 2) * page);
		CHECK_EQ(m.dhp, d.dhp);
	}
	CHECK(event(fd, CT_DEVMAP, 0, 0).dhp != event(fd, CT_DEVMAP, 0, 1).dhp);
}

static void access_finds_its_handle(void)
{
	const int fd = control();

	knob(fd, CT_PIECE, 1);
	struct actor *a = new_actor_with("ctest0", 0, 8), *b = new_actor_with("ctest0", 0, 8);

	for (int i = 7; i >= 0; i--)
		put(a, AT(a, i) + 8 * i, 100 + i);
	for (int i = 0; i < 8; i++) {
		const struct ctest_event x = event(fd, CT_ACCESS, a->pid, i);
		const struct ctest_event m = event(fd, CT_MAP, a->pid, 7 - i);

		CHECK_EQ(x.dhp, m.dhp);
		CHECK_EQ(x.id, m.id);
		CHECK_EQ(x.off, (7 - i) * page);
	}
	put(b, AT(b, 3), 5);
	for (int i = 0; i < 8; i++)
		CHECK_EQ(get(a, AT(a, i) + 8 * i), 100 + i);
}

static void store_over_two_handles(void)
{
	const int fd = control();

	knob(fd, CT_PIECE, 1);
	struct actor *a = new_actor_with("ctest0", 0, 2);

	put(a, AT(a, 1) - 3, 0x1122334455667788);
	CHECK_EQ(get(a, AT(a, 1) - 3), 0x1122334455667788);
	CHECK_EQ(calls(fd, CT_ACCESS), 2);
}

static void nothing_loaded(void)
{
	const int fd = control();
	struct actor *a = new_actor("ctest0");
	const int flags[] = { MAP_SHARED, MAP_PRIVATE, MAP_SHARED | MAP_NORESERVE };

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		char *p = try_map(a, NULL, 4 * page, RW, flags[i], 0);
		const uint64_t before = calls(fd, CT_ACCESS);

		CHECK(p != MAP_FAILED);
		CHECK_EQ(before, 2 * i);
		put(a, p, 1);
		put(a, p + page, 1);
		CHECK_EQ(calls(fd, CT_ACCESS), before + 2);
		CHECK_EQ(unmap(a, p, 4 * page), 0);
	}
}

/* MAP_POPULATE may ask for the pages at once; it must not invent them. */
static void populate(void)
{
	const int fd = control();
	struct actor *a = new_actor("ctest0"), *b = new_actor_with("ctest0", 0, 2);
	char *p;

	put(b, AT(b, 0), 5);
	p = try_map(a, NULL, 2 * page, RW, MAP_SHARED | MAP_POPULATE, 0);
	CHECK(p != MAP_FAILED);
	put(a, p, 7);
	CHECK(events(fd, CT_ACCESS, a->pid) >= 1);
	CHECK_EQ(get(b, AT(b, 0)), 5);
	CHECK_EQ(get(a, p), 7);
}

/* Lengths and offsets. */

static void odd_length(void)
{
	const int fd = control();
	struct actor *a = new_actor("ctest0");
	char *p = try_map(a, NULL, page + 1, RW, MAP_SHARED, page);

	CHECK(p != MAP_FAILED);
	CHECK_EQ(event(fd, CT_MAP, a->pid, 0).len, 2 * page);
	put(a, p + 2 * page - 8, 1);
	CHECK_EQ(unmap(a, p, page + 1), 0);
	AWAIT(counts(fd).maps == 0);
}

static void check_mmap_fails(size_t len, int prot, int flags, off_t off, int error)
{
	const int fd = control();
	struct actor *a = new_actor("ctest0");

	CHECK(try_map(a, NULL, len, prot, flags, off) == MAP_FAILED);
	CHECK_EQ(a->error, error);
	AWAIT(counts(fd).maps == 0);
	leave_by_exit(a);
}

static void bad_arguments(void)
{
	check_mmap_fails(0, RW, MAP_SHARED, 0, EINVAL);
	check_mmap_fails(page, RW, MAP_SHARED, 100, EINVAL);
	check_mmap_fails(page, RW, 0, 0, EINVAL);
}

static void outside_the_device(void)
{
	check_mmap_fails(page, RW, MAP_SHARED, CTEST_PAGES * page, ENXIO);
	check_mmap_fails((CTEST_PAGES + 1) * page, RW, MAP_SHARED, 0, ENXIO);
	check_mmap_fails(2 * page, RW, MAP_SHARED, (CTEST_PAGES - 1) * page, ENXIO);
}

static void all_of_the_device(void)
{
	control();
	struct actor *a = new_actor_with("ctest0", 0, CTEST_PAGES);

	put(a, AT(a, CTEST_PAGES) - 8, 5);
	CHECK_EQ(get(a, AT(a, CTEST_PAGES) - 8), 5);
}

/* Drivers that say no. */

static void fail_later(int fd, enum ctest_what where, int skipped)
{
	knob(fd, CT_FAIL_VALUE, EBUSY);
	knob(fd, CT_FAIL_SKIP, skipped);
	knob(fd, CT_FAIL_COUNT, 1);
	knob(fd, CT_FAIL_WHERE, 1 << where);
}

static void check_refusal(enum ctest_what where)
{
	const int fd = control();
	struct actor *a = new_actor("ctest0");

	knob(fd, CT_PIECE, 1);
	fail_later(fd, where, 2);
	CHECK(try_map(a, NULL, 4 * page, RW, MAP_SHARED, 0) == MAP_FAILED);
	CHECK_EQ(a->error, ENXIO);
	AWAIT(counts(fd).maps == 0);
	CHECK_EQ(counts(fd).contexts, 0);
	CHECK_EQ(calls(fd, CT_UNMAP), where == CT_MAP ? 2 : 0);
	put(a, map_pages(a, 0, 4), 1);
}

static void devmap_refuses(void)
{
	check_refusal(CT_DEVMAP);
}

static void map_refuses(void)
{
	check_refusal(CT_MAP);
}

static void open_refuses(void)
{
	const int fd = control();

	fail_later(fd, CT_OPEN, 0);
	CHECK_ERRNO(open("/dev/ctest0", O_RDWR), EBUSY);
	close(open_device("ctest0"));
}

/* MAP_FIXED. */

static uint64_t do_reserve(struct actor *a, const uint64_t *args)
{
	(void)a;
	return (uintptr_t)mmap(NULL, args[0], PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void fixed(void)
{
	const int fd = control();
	struct actor *a = new_actor("ctest0");
	char *room = (char *)ask(a, do_reserve, ASK(8 * page));

	CHECK(try_map(a, room + page, 4 * page, RW, MAP_SHARED | MAP_FIXED, 0) == room + page);
	put(a, room + page, 5);
	put(a, room + 4 * page, 6);
	CHECK_EQ(try_get(a, room), SIGSEGV);
	CHECK_EQ(try_get(a, room + 5 * page), SIGSEGV);
	CHECK_EQ(event(fd, CT_ACCESS, a->pid, 1).off, 3 * page);
}

static void fixed_over_itself(void)
{
	const int fd = control();
	struct actor *a = new_actor_with("ctest0", 0, 6);
	const struct ctest_event old = event(fd, CT_MAP, a->pid, 0);
	struct ctest_event u;

	put(a, AT(a, 0), 10);
	put(a, AT(a, 3), 13);
	CHECK(try_map(a, AT(a, 2), 2 * page, RW, MAP_SHARED | MAP_FIXED, 8 * page) == AT(a, 2));
	u = event(fd, CT_UNMAP, a->pid, 0);
	CHECK_EQ(u.id, old.id);
	CHECK_EQ(u.off, 2 * page);
	CHECK_EQ(u.len, 2 * page);
	CHECK_EQ(get(a, AT(a, 3)), 0);
	put(a, AT(a, 3), 9);
	CHECK_EQ(event(fd, CT_ACCESS, a->pid, -1).off, 9 * page);
	CHECK_EQ(get(a, AT(a, 0)), 10);
	get(a, AT(a, 4));
	CHECK_EQ(event(fd, CT_ACCESS, a->pid, -1).off, 4 * page);
}

static uint64_t do_map_anonymous(struct actor *a, const uint64_t *args)
{
	(void)a;
	return (uintptr_t)mmap((void *)args[0], args[1], RW,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

static void memory_over_it(void)
{
	const int fd = control();
	struct actor *a = new_actor_with("ctest0", 0, 4);

	put(a, AT(a, 1), 5);
	CHECK((char *)ask(a, do_map_anonymous, ASK((uintptr_t)AT(a, 1), page)) == AT(a, 1));
	AWAIT(calls(fd, CT_UNMAP) == 1);
	CHECK_EQ(event(fd, CT_UNMAP, a->pid, 0).off, page);
	CHECK_EQ(get(a, AT(a, 1)), 0);
	put(a, AT(a, 2), 6);
	CHECK_EQ(event(fd, CT_ACCESS, a->pid, -1).off, 2 * page);
}

/*
 * What a driver sees where a cookie points (devmap_handle_t). ctest holds it to what it knows, in
 * each of its entry points; so they are all made to be called.
 */
static void check_members(int64_t backing)
{
	const int fd = control();
	struct actor *a, *b, *child;
	uint64_t id;

	knob(fd, CT_PIECE, 3);
	knob(fd, CT_BACKING, backing);
	knob(fd, CT_SETUP_FLAGS, 2); /* DEVMAP_ALLOW_REMAP */
	a = new_actor_with("ctest0", 4, 9);
	b = new_actor_with("ctest0", 0, 8);
	id = event(fd, CT_MAP, a->pid, 0).id;
	for (unsigned i = 0; i < 9; i++)
		put(a, AT(a, i), i);
	put(b, AT(b, 4), 1);
	child = new_fork(a);
	put(child, AT(child, 1), 1);
	CHECK_EQ(operate(fd, CT_OP_INVALIDATE, id, 0, 0), 0);
	CHECK(try_put(a, AT(a, 1), 1) != 0);
	CHECK_EQ(full_op(fd, (struct ctest_op){ .op = CT_OP_REMAP,
						.id = id,
						.arg = (uint64_t)backing,
						.off = (int64_t)(4 * page) })
			 .result,
		 0);
	put(a, AT(a, 1), 1);
	CHECK_EQ(unmap(a, AT(a, 1), page), 0);	   /* a hole */
	CHECK_EQ(unmap(a, AT(a, 3), page), 0);	   /* a head */
	CHECK_EQ(unmap(a, AT(a, 7), 2 * page), 0); /* a tail */
	put(b, AT(b, 0), 1);
	for (unsigned i = 0; i < 7; i++)
		CHECK_EQ(try_put(a, AT(a, i), 1), i == 1 || i == 3 ? SIGSEGV : 0);
	CHECK_EQ(counts(fd).errors, 0);
}

static void members(void)
{
	check_members(CT_UMEM);
}

static void members_of_registers(void)
{
	check_members(CT_REGS);
}

static const struct test tests[] = {
	{ "C20 one mmap of several handles", several_handles },
	{ "C20 an access finds its handle", access_finds_its_handle },
	{ "C20 a store over two handles", store_over_two_handles },
	{ "C20 nothing is loaded by mmap", nothing_loaded },
	{ "C20 MAP_POPULATE invents nothing", populate },
	{ "C20 lengths are rounded up to pages", odd_length },
	{ "C20 bad lengths, offsets and flags are EINVAL", bad_arguments },
	{ "C20 outside of the device is ENXIO", outside_the_device },
	{ "C20 all of the device at once", all_of_the_device },
	{ "C20 devmap refuses a later piece: ENXIO, nothing is left", devmap_refuses },
	{ "C20 devmap_map refuses a later piece: ENXIO, earlier ones are unmapped", map_refuses },
	{ "C20 open refuses: its errno", open_refuses },
	{ "C20 MAP_FIXED over a reservation", fixed },
	{ "C20 MAP_FIXED over part of an earlier mapping of the device", fixed_over_itself },
	{ "C20 other memory over part of a mapping", memory_over_it },
	{ "C20 what a driver sees where a cookie points", members },
	{ "C20 so with registers", members_of_registers },
};

MAIN(tests, 0)
