/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* C3: the owner's loads and stores go straight to the memory. */
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "harness.h"

#define ACCESSES     1000000
#define STRAY_FAULTS 100 /* what the kernel may do for reasons of its own */

/* Faults that the thread took during the accesses. */
static uint64_t do_many(struct actor *a, const uint64_t *args)
{
	volatile uint64_t *p = (uint64_t *)args[0];
	struct rusage before, after;
	uint64_t sum = 0;

	(void)a;
	getrusage(RUSAGE_THREAD, &before);
	for (uint64_t i = 0; i < ACCESSES; i++) {
		p[i % 512] = i;
		sum += p[(i + 7) % 512];
	}
	getrusage(RUSAGE_THREAD, &after);
	return after.ru_minflt + after.ru_majflt - before.ru_minflt - before.ru_majflt + (sum == 1);
}

static void no_calls(void)
{
	const int fd = control();
	struct actor *a = new_actor_with("ctest0", 0, 1);

	put(a, AT(a, 0), 1);
	clear_log(fd);
	ask(a, do_many, ASK((uintptr_t)AT(a, 0)));
	for (int what = CT_OPEN; what < CT_NWHAT; what++)
		CHECK_EQ(calls(fd, what), 0);
}

static void no_traps(void)
{
	control();
	struct actor *a = new_actor_with("ctest0", 0, 1);

	put(a, AT(a, 0), 1);
	CHECK(ask(a, do_many, ASK((uintptr_t)AT(a, 0))) < STRAY_FAULTS);
}

static void others_still_notify(void)
{
	const int fd = control();
	struct actor *a = new_actor_with("ctest0", 0, 1), *b = new_actor_with("ctest0", 0, 1);

	put(a, AT(a, 0), 1);
	clear_log(fd);
	start(a, do_many, ASK((uintptr_t)AT(a, 0)));
	put(b, AT(b, 0), 5);
	finish(a);
	CHECK(events(fd, CT_ACCESS, b->pid) >= 1);
	CHECK_EQ(get(b, AT(b, 0)), 5);
}

static const struct test tests[] = {
	{ "C3 a million accesses of the owner call nobody", no_calls },
	{ "C3 a million accesses of the owner do not trap", no_traps },
	{ "C3 another process's next access notifies the driver", others_still_notify },
};

MAIN(tests, 0)
