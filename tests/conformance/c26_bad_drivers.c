/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* C26: drivers' mistakes. */
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness.h"

#define RW (PROT_READ | PROT_WRITE)

/* mmap fails, by a message that names driver and call; the device goes on working. */
static void check_bad(enum ctest_bad mode, const char *call)
{
	const int fd = control();
	struct actor *a = new_actor("ctest0");

	knob(fd, CT_BAD_MODE, mode);
	CHECK(try_map(a, NULL, 4 * page, RW, MAP_SHARED, 0) == MAP_FAILED);
	CHECK(a->error == EINVAL || a->error == ENXIO);
	AWAIT(counts(fd).maps == 0);
	knob(fd, CT_BAD_MODE, CT_B_NONE);
	put(a, map_pages(a, 0, 4), 1);
	leave_by_exit(a);
	AWAIT(engine_said("ctest"));
	AWAIT(engine_said(call));
}

static void maplen_zero(void)
{
	check_bad(CT_B_MAPLEN_ZERO, "maplen");
}

static void maplen_odd(void)
{
	check_bad(CT_B_MAPLEN_ODD, "maplen");
}

static void setup_short(void)
{
	check_bad(CT_B_SETUP_SHORT, "devmap");
}

static void no_setup(void)
{
	check_bad(CT_B_NO_SETUP, "setup");
}

static void setup_twice(void)
{
	check_bad(CT_B_SETUP_TWICE, "devmap_umem_setup");
}

static void beyond(void)
{
	check_bad(CT_B_BEYOND, "devmap_umem_setup");
}

static void no_cookie(void)
{
	check_bad(CT_B_NO_COOKIE, "devmap_umem_setup");
}

static void invalid_without_remap(void)
{
	check_bad(CT_B_INVALID, "devmap_umem_setup");
}

static void on_registers(void)
{
	const enum ctest_bad modes[] = { CT_B_SETUP_TWICE, CT_B_BEYOND, CT_B_NO_COOKIE };
	const int fd = control();
	struct actor *a = new_actor("ctest0");

	knob(fd, CT_BACKING, CT_REGS);
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		knob(fd, CT_BAD_MODE, modes[i]);
		CHECK(try_map(a, NULL, 4 * page, RW, MAP_SHARED, 0) == MAP_FAILED);
	}
	knob(fd, CT_BAD_MODE, CT_B_NONE);
	put(a, map_pages(a, 0, 4), 1);
	AWAIT(engine_said("devmap_devmem_setup"));
}

/* More than asked for is refused or cut; the process gets no more than it asked for. */
static void maplen_long(void)
{
	const int fd = control();
	struct actor *a = new_actor("ctest0");
	char *p;

	knob(fd, CT_BAD_MODE, CT_B_MAPLEN_LONG);
	p = try_map(a, NULL, 2 * page, RW, MAP_SHARED, 0);
	if (p != MAP_FAILED) {
		put(a, p + page, 1);
		CHECK(event(fd, CT_MAP, a->pid, 0).len <= 2 * page);
	}
	knob(fd, CT_BAD_MODE, CT_B_NONE);
	put(a, map_pages(a, 0, 4), 1);
}

static void freed_handle(void)
{
	const int fd = control();
	struct actor *a = new_actor_with("ctest0", 0, 2);

	put(a, AT(a, 0), 1);
	CHECK_EQ(unmap(a, AT(a, 0), 2 * page), 0);
	CHECK(operate(fd, CT_OP_FREED, 0, 0, 0) != 0);
	AWAIT(engine_said("devmap_unload"));
	put(a, map_pages(a, 0, 2), 1);
}

/* Each call names the driver, and itself. */
static void no_handle(void)
{
	static const char *const said[] = {
		"ctest: devmap_load: ",	      "ctest: devmap_unload: ",
		"ctest: devmap_do_ctxmgt: ",  "ctest: devmap_devmem_setup: ",
		"ctest: devmap_umem_setup: ", "ctest: devmap_devmem_remap: ",
		"ctest: devmap_umem_remap: ", "ctest: devmap_set_ctx_timeout: ",
	};
	const int fd = control();

	CHECK_EQ(operate(fd, CT_OP_NO_HANDLE, 0, 0, 0), 0);
	for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++)
		AWAIT(engine_said(said[i]));
}

/* devmap_load(9F) on behalf of a process that is not the one being served. */
static void load_for_another(void)
{
	const int fd = control();
	struct actor *a = new_actor_with("ctest0", 0, 2);

	CHECK(operate(fd, CT_OP_LOAD, event(fd, CT_MAP, a->pid, 0).id, 0, page) != 0);
	clear_log(fd);
	put(a, AT(a, 0), 1);
	CHECK_EQ(calls(fd, CT_ACCESS), 1);
	AWAIT(engine_said("devmap_load"));
}

/* ctestz crashes; clients of ctest do not notice. The last test: ctestz may be gone after it. */
static void crash(void)
{
	const int other = open_device("ctestz0"), fd = control();
	struct ctest_op op = { .op = CT_OP_CRASH };
	struct actor *a = new_actor_with("ctest0", 0, 2), *z = new_actor_with("ctestz0", 0, 2);

	if (kernel_engine())
		skip("it would be the kernel that crashes");
	put(z, AT(z, 0), 5);
	put(a, AT(a, 0), 1);
	CHECK(ioctl(other, CTEST_OP, &op) == -1);
	CHECK_EQ(get(a, AT(a, 0)), 1);
	put(a, AT(a, 1), 2);
	CHECK_EQ(calls(fd, CT_ACCESS), 2);
	start_get(z, AT(z, 1)); /* blocks or fails; never zeros as if all were well */
	AWAIT(engine_said("ctestz") || engine_said("ctest2"));
	if (finished(z))
		CHECK(z->signal != 0);
	leave_by_kill(z);
}

static const struct test tests[] = {
	{ "C26 maplen 0", maplen_zero },
	{ "C26 maplen of parts of pages", maplen_odd },
	{ "C26 maplen of more than was asked for", maplen_long },
	{ "C26 a setup shorter than maplen", setup_short },
	{ "C26 no setup", no_setup },
	{ "C26 two setups", setup_twice },
	{ "C26 a range beyond the memory", beyond },
	{ "C26 a cookie that is none", no_cookie },
	{ "C26 DEVMAP_MAPPING_INVALID without DEVMAP_ALLOW_REMAP", invalid_without_remap },
	{ "C26 the same mistakes with register sets", on_registers },
	{ "C26 use of a freed handle", freed_handle },
	{ "C26 NULL for a handle: the message names driver and call", no_handle },
	{ "C26 devmap_load for another process", load_for_another },
	{ "C26 a crash harms no other device", crash },
};

MAIN(tests, CRASHES)
