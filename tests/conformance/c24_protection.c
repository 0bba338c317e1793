/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* C24: protection, and MAP_PRIVATE. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness.h"

#define RW (PROT_READ | PROT_WRITE)

static struct actor *a, *b;

static uint64_t do_open(struct actor *me, const uint64_t *args)
{
	return (me->fd = open("/dev/ctest0", (int)args[0]));
}

/* An actor that has opened it that way only. */
static struct actor *opened(int how)
{
	struct actor *me = new_actor("ctest0");

	close_device(me);
	CHECK((int)ask(me, do_open, ASK(how)) >= 0);
	return me;
}

static uint64_t do_protect(struct actor *me, const uint64_t *args)
{
	(void)me;
	return mprotect((void *)args[0], args[1], args[2]);
}

static int protect(struct actor *me, void *addr, size_t len, int prot)
{
	return (int)ask(me, do_protect, ASK((uintptr_t)addr, len, prot)) == 0 ? 0 : me->error;
}

static void check_map_denied(struct actor *me, int prot, int flags, int error)
{
	CHECK(try_map(me, NULL, page, prot, flags, 0) == MAP_FAILED);
	CHECK_EQ(me->error, error);
}

static void read_only_descriptor(void)
{
	const int fd = control();
	char *p;

	a = opened(O_RDONLY);
	check_map_denied(a, RW, MAP_SHARED, EACCES);
	p = try_map(a, NULL, page, PROT_READ, MAP_SHARED, 0);
	CHECK(p != MAP_FAILED);
	CHECK_EQ(get(a, p), 0);
	CHECK_EQ(try_put(a, p, 1), SIGSEGV);
	CHECK_EQ(protect(a, p, page, RW), EACCES);
	CHECK_EQ(try_put(a, p, 1), SIGSEGV);
	CHECK_EQ(peek(fd, CT_UMEM, 0), 0);
}

static void read_only_descriptor_private(void)
{
	control();
	a = opened(O_RDONLY);
	check_map_denied(a, RW, MAP_PRIVATE, EACCES);

	char *p = try_map(a, NULL, page, PROT_READ, MAP_PRIVATE, 0);

	CHECK(p != MAP_FAILED);
	CHECK_EQ(protect(a, p, page, RW), EACCES);
}

static void write_only_descriptor(void)
{
	control();
	a = opened(O_WRONLY);
	check_map_denied(a, RW, MAP_SHARED, EACCES);
	check_map_denied(a, PROT_WRITE, MAP_SHARED, EACCES);
	check_map_denied(a, PROT_READ, MAP_SHARED, EACCES);
}

static void drivers_maxprot(void)
{
	const int fd = control();
	char *p;

	knob(fd, CT_MAXPROT, PROT_READ | 8); /* PROT_USER */
	a = new_actor("ctest0");
	CHECK(try_map(a, NULL, page, RW, MAP_SHARED, 0) == MAP_FAILED);
	p = try_map(a, NULL, 2 * page, PROT_READ, MAP_SHARED, 0);
	CHECK(p != MAP_FAILED);
	CHECK_EQ(get(a, p), 0);
	CHECK_EQ(protect(a, p, 2 * page, RW), EACCES);
	CHECK_EQ(try_put(a, p, 1), SIGSEGV);
	CHECK(a->addr == p);
}

static void mprotect_down_and_up(void)
{
	const int fd = control();

	a = new_actor_with("ctest0", 0, 4);
	put(a, AT(a, 1), 5);
	CHECK_EQ(protect(a, AT(a, 1), page, PROT_READ), 0);
	CHECK_EQ(get(a, AT(a, 1)), 5);
	CHECK_EQ(try_put(a, AT(a, 1), 6), SIGSEGV);
	put(a, AT(a, 2), 7);
	CHECK_EQ(protect(a, AT(a, 1), page, PROT_NONE), 0);
	CHECK_EQ(try_get(a, AT(a, 1)), SIGSEGV);
	CHECK_EQ(protect(a, AT(a, 0), 4 * page, RW), 0);
	CHECK_EQ(get(a, AT(a, 1)), 5);
	put(a, AT(a, 1), 8);
	b = new_actor_with("ctest0", 0, 4);
	put(b, AT(b, 1), 1);
	CHECK_EQ(get(a, AT(a, 1)), 8);
	CHECK_EQ(get(a, AT(a, 2)), 7);
	CHECK_EQ(calls(fd, CT_UNMAP), 0);
}

static void mapped_without_access(void)
{
	control();
	a = new_actor("ctest0");

	char *p = try_map(a, NULL, 2 * page, PROT_NONE, MAP_SHARED, 0);

	CHECK(p != MAP_FAILED);
	CHECK_EQ(try_get(a, p), SIGSEGV);
	CHECK_EQ(protect(a, p, page, RW), 0);
	put(a, p, 5);
	CHECK_EQ(get(a, p), 5);
	CHECK_EQ(try_get(a, p + page), SIGSEGV);
}

/* mprotect(2) without the shim: whoever scribbles on his side spoils his own view at most. */
static uint64_t do_scribble(struct actor *me, const uint64_t *args)
{
	(void)me;
	if (syscall(SYS_mprotect, args[0], args[1], RW) != 0)
		return 0;
	*(volatile uint64_t *)args[0] = 0xbad;
	return 1;
}

static void readers_scribble(void)
{
	const int fd = control();
	char *p;

	b = new_actor_with("ctest0", 0, 2);
	put(b, AT(b, 0), 5);
	knob(fd, CT_MGT_MODE, CT_M_CARELESS); /* one memory, passed on as it is */
	a = opened(O_RDONLY);
	p = try_map(a, NULL, 2 * page, PROT_READ, MAP_SHARED, 0);
	CHECK(p != MAP_FAILED);
	CHECK_EQ(get(a, p), 5);
	ask(a, do_scribble, ASK((uintptr_t)p, page));
	CHECK_EQ(operate(fd, CT_OP_UNLOAD, event(fd, CT_MAP, a->pid, 0).id, 0, 0), 0);
	CHECK_EQ(peek(fd, CT_UMEM, 0), 5);
	CHECK_EQ(get(b, AT(b, 0)), 5);
}

/* MAP_PRIVATE. */

static void private_is_told(void)
{
	const int fd = control();

	a = new_actor("ctest0");
	CHECK(try_map(a, NULL, page, RW, MAP_PRIVATE, 0) != MAP_FAILED);
	CHECK_EQ(event(fd, CT_MAP, a->pid, 0).type & MAP_TYPE, MAP_PRIVATE);
}

static void private_reaches_the_device(void)
{
	const int fd = control();
	char *p;

	a = new_actor("ctest0");
	p = try_map(a, NULL, 2 * page, RW, MAP_PRIVATE, 0);
	CHECK(p != MAP_FAILED);
	CHECK_EQ(get(a, p + page), 0); /* a copy would be made at the first store after a load */
	put(a, p + page, 5);
	CHECK_EQ(peek(fd, CT_UMEM, page), 5);
	poke(fd, CT_UMEM, page, 6);
	CHECK_EQ(get(a, p + page), 6);
}

static void private_has_its_own_context(void)
{
	control();
	char *p, *q, *shared;

	a = new_actor("ctest0");
	shared = map_pages(a, 0, 1);
	p = try_map(a, NULL, page, RW, MAP_PRIVATE, 0);
	q = try_map(a, NULL, page, RW, MAP_PRIVATE, 0);
	CHECK(p != MAP_FAILED && q != MAP_FAILED);
	put(a, shared, 1);
	put(a, p, 2);
	put(a, q, 3);
	CHECK_EQ(get(a, shared), 1);
	CHECK_EQ(get(a, p), 2);
	CHECK_EQ(get(a, q), 3);
}

static void private_after_fork(void)
{
	control();
	char *p;

	a = new_actor("ctest0");
	p = try_map(a, NULL, page, RW, MAP_PRIVATE, 0);
	CHECK(p != MAP_FAILED);
	put(a, p, 2);
	b = new_fork(a);
	put(b, p, 3);
	CHECK_EQ(get(a, p), 2);
	CHECK_EQ(get(b, p), 3);
}

static const struct test tests[] = {
	{ "C24 a descriptor for reading gives no write access", read_only_descriptor },
	{ "C24 for MAP_PRIVATE neither", read_only_descriptor_private },
	{ "C24 a descriptor for writing only cannot be mapped", write_only_descriptor },
	{ "C24 never more than the driver's maxprot", drivers_maxprot },
	{ "C24 mprotect down and up again", mprotect_down_and_up },
	{ "C24 PROT_NONE, and mprotect afterwards", mapped_without_access },
	{ "C24 what a reader scribbles never reaches the device", readers_scribble },
	{ "C24 devmap_map is told of MAP_PRIVATE", private_is_told },
	{ "C24 MAP_PRIVATE is not copy-on-write", private_reaches_the_device },
	{ "C24 two MAP_PRIVATE mappings of one process are two contexts",
	  private_has_its_own_context },
	{ "C24 MAP_PRIVATE and fork", private_after_fork },
};

MAIN(tests, 0)
