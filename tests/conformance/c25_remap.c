/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* C25: devmap_devmem_remap(), devmap_umem_remap(), DEVMAP_MAPPING_INVALID. */
#include <sys/mman.h>
#include <unistd.h>

#include "harness.h"

enum { INVALID = 1, ALLOW_REMAP = 2 }; /* DEVMAP_MAPPING_INVALID, DEVMAP_ALLOW_REMAP */

static struct actor *a;
static uint64_t id;

static int mapped(int64_t flags)
{
	const int fd = control();

	knob(fd, CT_SETUP_FLAGS, flags);
	a = new_actor_with("ctest0", 0, 4);
	id = event(fd, CT_MAP, a->pid, 0).id;
	return fd;
}

static int remap(int fd, enum ctest_memory memory, unsigned first)
{
	return full_op(fd,
		       (struct ctest_op){
			       .op = CT_OP_REMAP, .id = id, .arg = memory, .off = first * page })
		.result;
}

static int invalidate(int fd)
{
	return operate(fd, CT_OP_INVALIDATE, id, 0, 0);
}

static void to_other_memory(void)
{
	const int fd = mapped(ALLOW_REMAP);

	poke(fd, CT_ALT, 8 * page, 77);
	put(a, AT(a, 0), 5);
	clear_log(fd);
	CHECK_EQ(remap(fd, CT_ALT, 8), 0);
	CHECK_EQ(get(a, AT(a, 0)), 77);
	CHECK_EQ(calls(fd, CT_ACCESS), 1);
	CHECK_EQ(event(fd, CT_ACCESS, a->pid, 0).off, 0);
	put(a, AT(a, 3), 78);
	CHECK_EQ(peek(fd, CT_ALT, 11 * page), 78);
	CHECK_EQ(peek(fd, CT_UMEM, 0), 5);
	CHECK_EQ(peek(fd, CT_UMEM, 3 * page), 0);
}

static void and_back(void)
{
	const int fd = mapped(ALLOW_REMAP);

	put(a, AT(a, 1), 5);
	CHECK_EQ(remap(fd, CT_ALT, 0), 0);
	put(a, AT(a, 1), 6);
	CHECK_EQ(remap(fd, CT_UMEM, 0), 0);
	CHECK_EQ(get(a, AT(a, 1)), 5);
	CHECK_EQ(peek(fd, CT_ALT, page), 6);
}

static void to_registers(void)
{
	const int fd = mapped(ALLOW_REMAP);

	put(a, AT(a, 1), 5);
	poke(fd, CT_REGS, 5 * page, 9);
	CHECK_EQ(remap(fd, CT_REGS, 4), 0);
	CHECK_EQ(get(a, AT(a, 1)), 9);
	put(a, AT(a, 1), 10);
	CHECK_EQ(peek(fd, CT_REGS, 5 * page), 10);
	CHECK_EQ(peek(fd, CT_UMEM, page), 5);
}

static void invalid_fails(void)
{
	const int fd = mapped(ALLOW_REMAP);
	int number;

	put(a, AT(a, 1), 5);
	CHECK_EQ(invalidate(fd), 0);
	number = try_put(a, AT(a, 1) + 40, 6);
	CHECK(number == SIGBUS || number == SIGSEGV);
	CHECK(a->addr == AT(a, 1) + 40);
	CHECK(try_get(a, AT(a, 3)) != 0);
	CHECK_EQ(peek(fd, CT_UMEM, page), 5);
}

static void invalid_and_valid_again(void)
{
	const int fd = mapped(ALLOW_REMAP);

	put(a, AT(a, 1), 5);
	CHECK_EQ(invalidate(fd), 0);
	CHECK_EQ(invalidate(fd), 0);
	CHECK(try_get(a, AT(a, 1)) != 0);
	CHECK_EQ(remap(fd, CT_UMEM, 0), 0);
	CHECK_EQ(get(a, AT(a, 1)), 5);
}

static void invalid_from_the_start(void)
{
	const int fd = mapped(ALLOW_REMAP | INVALID);

	CHECK(try_get(a, AT(a, 0)) != 0);
	CHECK_EQ(remap(fd, CT_UMEM, 0), 0);
	put(a, AT(a, 0), 5);
	CHECK_EQ(peek(fd, CT_UMEM, 0), 5);
}

static void without_devmap_access(void)
{
	const int fd = control();
	struct actor *b;

	knob(fd, CT_CALLBACKS, 1 << CT_ACCESS);
	knob(fd, CT_SETUP_FLAGS, ALLOW_REMAP);
	a = new_actor_with("ctest0", 0, 4);
	id = event(fd, CT_MAP, a->pid, 0).id;
	b = new_actor_with("ctest0", 0, 4);
	poke(fd, CT_ALT, 0, 77);
	put(a, AT(a, 0), 5);
	CHECK_EQ(remap(fd, CT_ALT, 0), 0);
	CHECK_EQ(get(a, AT(a, 0)), 77);
	CHECK_EQ(get(b, AT(b, 0)), 5);
	CHECK_EQ(invalidate(fd), 0);
	CHECK(try_get(a, AT(a, 0)) != 0);
	CHECK(try_get(a, AT(a, 2)) != 0);
	CHECK_EQ(get(b, AT(b, 0)), 5);
}

static void not_allowed(void)
{
	const int fd = mapped(0);

	put(a, AT(a, 0), 5);
	CHECK(remap(fd, CT_ALT, 0) != 0);
	CHECK(invalidate(fd) != 0);
	CHECK_EQ(get(a, AT(a, 0)), 5);
	CHECK_EQ(calls(fd, CT_ACCESS), 1);
}

static void beyond_the_memory(void)
{
	const int fd = mapped(ALLOW_REMAP);

	put(a, AT(a, 0), 5);
	CHECK(remap(fd, CT_ALT, CTEST_PAGES - 1) != 0);
	CHECK(remap(fd, CT_REGS, CTEST_PAGES - 3) != 0);
	CHECK_EQ(get(a, AT(a, 0)), 5);
}

/* Remapped to and fro by one process while another runs freely: each store is in one of the two. */
static uint64_t do_store_on(struct actor *me, const uint64_t *args)
{
	volatile uint64_t *p = (uint64_t *)me->base, *shared = (uint64_t *)args[0];
	uint64_t n = 0;

	while (!shared[1]) {
		*p = ++n;
		shared[0] = n;
	}
	return n;
}

static void while_running(void)
{
	volatile uint64_t *shared = shared_memory(2 * sizeof(*shared));
	const int fd = mapped(ALLOW_REMAP);

	knob(fd, CT_NO_LOG, 1);
	knob(fd, CT_MGT_MODE, CT_M_CARELESS);
	start(a, do_store_on, ASK((uintptr_t)shared));
	for (int i = 0; i < 60; i++) {
		const enum ctest_memory to = i % 2 ? CT_UMEM : CT_ALT,
					from = i % 2 ? CT_ALT : CT_UMEM;
		const uint64_t before = shared[0];

		CHECK_EQ(remap(fd, to, 0), 0);

		const uint64_t left = peek(fd, from, 0);

		CHECK(left >= before);
		AWAIT(shared[0] > left);
		CHECK_EQ(peek(fd, from, 0), left);
	}
	shared[1] = 1;
	finish(a);
	CHECK_EQ(peek(fd, CT_UMEM, 0), a->result);
	CHECK_EQ(a->signal, 0);
}

static void other_processes_unharmed(void)
{
	const int fd = mapped(ALLOW_REMAP);
	struct actor *b = new_actor_with("ctest0", 0, 4);

	put(b, AT(b, 0), 1);
	put(a, AT(a, 0), 2);
	CHECK_EQ(invalidate(fd), 0);
	CHECK_EQ(get(b, AT(b, 0)), 1);
	CHECK(try_get(a, AT(a, 0)) != 0);
	CHECK_EQ(get(b, AT(b, 0)), 1);
}

static void map_again(int fd)
{
	a = new_actor_with("ctest0", 0, 4);
	id = event(fd, CT_MAP, a->pid, 0).id;
}

/*
 * Trash: a, b and a child of a store and read, and each finds what is its own, without ever being
 * asked for again.
 */
static void check_trash(int fd, struct actor *b)
{
	const int64_t taken = statistic("ctest0", "taken");
	struct actor *c;
	uint64_t accesses;

	put(a, AT(a, 1), 5);
	CHECK_EQ(get(b, AT(b, 1)), 0);
	put(b, AT(b, 1), 6);
	c = new_fork(a);
	CHECK_EQ(get(c, AT(c, 1)), 0);
	put(c, AT(c, 1), 7);
	accesses = calls(fd, CT_ACCESS);
	CHECK_EQ(get(a, AT(a, 1)), 5);
	CHECK_EQ(get(b, AT(b, 1)), 6);
	CHECK_EQ(get(c, AT(c, 1)), 7);
	CHECK_EQ(calls(fd, CT_ACCESS), accesses);
	CHECK_EQ(statistic("ctest0", "taken"), taken);
	leave_by_exit(a);
	AWAIT(counts(fd).maps == 2);
	map_again(fd);
}

static int with_trash(int64_t callbacks, int64_t flags, int64_t backing)
{
	const int fd = control();

	knob(fd, CT_ACCESS_MODE, CT_A_DEFAULT);
	knob(fd, CT_CALLBACKS, callbacks);
	knob(fd, CT_BACKING, backing);
	knob(fd, CT_SETUP_FLAGS, flags);
	map_again(fd);
	return fd;
}

static void trash_from_the_start(void)
{
	const int fd = with_trash(0, 0, CT_TRASH);

	check_trash(fd, new_actor_with("ctest0", 0, 4));
	CHECK_EQ(get(a, AT(a, 1)), 0);
}

static void trash_after_remap(void)
{
	const int fd = with_trash(0, ALLOW_REMAP, CT_UMEM);
	struct actor *b;

	CHECK_EQ(remap(fd, CT_TRASH, 0), 0);
	b = new_actor_with("ctest0", 0, 4);
	id = event(fd, CT_MAP, b->pid, 0).id;
	CHECK_EQ(remap(fd, CT_TRASH, 0), 0);
	check_trash(fd, b);
	CHECK_EQ(remap(fd, CT_TRASH, 0), 0);
	CHECK_EQ(get(a, AT(a, 1)), 0);
	CHECK_EQ(remap(fd, CT_UMEM, 0), 0);
	CHECK_EQ(get(a, AT(a, 1)), 0);
	CHECK_EQ(peek(fd, CT_UMEM, page), 0);
}

static void trash_without_devmap_access(void)
{
	const int fd = with_trash(1 << CT_ACCESS, 0, CT_TRASH);

	check_trash(fd, new_actor_with("ctest0", 0, 4));
	CHECK_EQ(get(a, AT(a, 1)), 0);
}

static const struct test tests[] = {
	{ "C25 devmap_umem_remap to other memory, from another process", to_other_memory },
	{ "C25 and back", and_back },
	{ "C25 devmap_devmem_remap of a umem handle", to_registers },
	{ "C25 DEVMAP_MAPPING_INVALID makes the next access fail", invalid_fails },
	{ "C25 invalid, and valid again", invalid_and_valid_again },
	{ "C25 invalid from the start", invalid_from_the_start },
	{ "C25 a mapping without devmap_access", without_devmap_access },
	{ "C25 without DEVMAP_ALLOW_REMAP it fails and changes nothing", not_allowed },
	{ "C25 beyond the memory it fails and changes nothing", beyond_the_memory },
	{ "C25 while the process runs, no store is lost", while_running },
	{ "C25 other processes are not harmed", other_processes_unharmed },
	{ "C25 trash is every process's own", trash_from_the_start },
	{ "C25 so is what becomes trash later", trash_after_remap },
	{ "C25 and trash without devmap_access", trash_without_devmap_access },
};

MAIN(tests, 0)
