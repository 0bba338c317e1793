/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * X5 for a driver that knows nothing of it, and keeps one context for all shared mappings: it is
 * served with devmap-share=1.
 */
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness.h"
#include "../drivers/solaris/gx.h"

#define RW (PROT_READ | PROT_WRITE)

static struct actor *a, *b, *c;

static int quiet_control(void)
{
	const int fd = control();

	knob(fd, CT_SHARE, 1);
	knob(fd, CT_SHARE_QUIET, 1);
	return fd;
}

static void shared_mappings(void)
{
	const int fd = quiet_control();

	knob(fd, CT_HOLD_NS, FOR_EVER);
	a = new_actor_with("ctest0", 0, 1);
	b = new_actor_with("ctest0", 0, 1);
	for (uint64_t i = 0; i < 50; i++) {
		put(a, a->base, 2 * i);
		CHECK_EQ(get(b, b->base), 2 * i);
		put(b, b->base, 2 * i + 1);
		CHECK_EQ(get(a, a->base), 2 * i + 1);
	}
	CHECK_EQ(calls(fd, CT_ACCESS), 2);
	c = new_fork(a);
	put(c, c->base, 7);
	CHECK_EQ(get(b, b->base), 7);
	CHECK_EQ(counts(fd).contexts, 1);
}

static void private_mappings(void)
{
	const int fd = quiet_control();
	char *p, *q;

	a = new_actor_with("ctest0", 0, 1);
	b = new_actor_with("ctest0", 0, 1);
	p = try_map(a, NULL, page, RW, MAP_PRIVATE, 0);
	q = try_map(b, NULL, page, RW, MAP_PRIVATE, 0);
	CHECK(p != MAP_FAILED && q != MAP_FAILED);
	for (uint64_t i = 0; i < 10; i++) {
		put(a, a->base, i);
		put(a, p, 100 + i);
		put(b, q, 200 + i);
		CHECK_EQ(get(b, b->base), i);
		CHECK_EQ(get(a, p), 100 + i);
		CHECK_EQ(get(b, q), 200 + i);
	}
	CHECK_EQ(counts(fd).contexts, 3);
	CHECK_EQ(counts(fd).errors, 0);
}

/* Each has a context of its own in it. */
static void another_instance(void)
{
	const int fd = quiet_control();

	knob(fd, CT_HOLD_NS, FOR_EVER);
	a = new_actor_with("ctest0", 0, 1);
	put(a, a->base, 1);
	b = new_actor_with("ctest1", 0, 1);
	put(b, b->base, 2);
	CHECK_EQ(get(a, a->base), 1);
}

/* A frame buffer in K&R C, which has one context for all shared mappings, and holds for a tick. */

static volatile uint32_t *map_registers(int kind)
{
	const int fd = open_device("gx0");
	void *p = DO(mmap(NULL, GX_REGS_SIZE, RW, kind, fd, GX_REGS));

	DO(close(fd));
	return p;
}

static int switches(void)
{
	const int fd = open_device("gx0");
	const int value = DO(ioctl(fd, GX_SWITCHES, 0));

	DO(close(fd));
	return value;
}

#define TURNS 500

/* Word 0: whose turn it is; word 1: how often. */
static void take_turns(volatile uint32_t *regs, uint32_t me)
{
	for (int i = 0; i < TURNS; i++) {
		while (__atomic_load_n(&regs[0], __ATOMIC_ACQUIRE) != me)
			sched_yield();
		regs[1] += 1;
		__atomic_store_n(&regs[0], 1 - me, __ATOMIC_RELEASE);
	}
}

static void frame_buffer(void)
{
	volatile uint32_t *shared = map_registers(MAP_SHARED), *own = map_registers(MAP_PRIVATE);
	pid_t child, stranger;
	int64_t accesses;
	int before;

	own[1] = 7;
	shared[0] = shared[1] = 0;
	before = switches();
	accesses = statistic("gx0", "accesses");
	child = DO(fork());
	take_turns(shared, child == 0);
	if (child == 0)
		_exit(0);
	CHECK(WAS_OK(await_pid(child)));
	CHECK_EQ(shared[1], 2 * TURNS);
	CHECK_EQ(switches(), before);
	CHECK(statistic("gx0", "accesses") <= accesses + 2); /* the child's first */
	stranger = DO(fork());
	if (stranger == 0) {
		shared = map_registers(MAP_SHARED);
		CHECK_EQ(shared[1], 2 * TURNS);
		shared[1] = 8;
		_exit(0);
	}
	CHECK(WAS_OK(await_pid(stranger)));
	CHECK_EQ(own[1], 7);
	CHECK_EQ(shared[1], 8);
}

static const struct test tests[] = {
	{ "X5 devmap-share: shared mappings are one context", shared_mappings },
	{ "X5 devmap-share: private mappings have their own", private_mappings },
	{ "X5 devmap-share: a frame buffer in K&R C is handed over by stores", frame_buffer },
	{ "X5 devmap-share: another instance is another device", another_instance },
};

MAIN(tests, SHARE_PROPERTY | SOLARIS_DRIVERS)
