/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * X5 for a driver that knows nothing of it, and keeps one context for all shared mappings: it is
 * served with devmap-share=1.
 */
#include <sys/mman.h>

#include "harness.h"

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

static const struct test tests[] = {
	{ "X5 devmap-share: shared mappings are one context", shared_mappings },
	{ "X5 devmap-share: private mappings have their own", private_mappings },
	{ "X5 devmap-share: another instance is another device", another_instance },
};

MAIN(tests, SHARE_PROPERTY)
