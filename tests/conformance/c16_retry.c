/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* C16 with the property devmap-retry-unloaded: to return 0 without a load is to try again. */
#include "harness.h"

static void tries_again(void)
{
	const int fd = control();
	struct actor *a = new_actor_with("ctest0", 0, 1);

	knob(fd, CT_LOAD_MODE, CT_L_NOTHING);
	start_put(a, a->base, 7);
	AWAIT(calls(fd, CT_ACCESS) >= 3);
	CHECK(!finished(a));
	knob(fd, CT_LOAD_MODE, CT_L_RANGE);
	finish(a);
	CHECK_EQ(a->signal, 0);
	CHECK_EQ(get(a, a->base), 7);
}

static void can_be_killed(void)
{
	const int fd = control();
	struct actor *a = new_actor_with("ctest0", 0, 1);

	knob(fd, CT_NO_LOG, 1);
	knob(fd, CT_ACCESS_MODE, CT_A_NOTHING);
	start_put(a, a->base, 7);
	AWAIT(calls(fd, CT_ACCESS) >= 3);
	leave_by_kill(a);
	AWAIT(counts(fd).maps == 0);
}

static const struct test tests[] = {
	{ "C16 devmap-retry-unloaded: the driver is asked again until it loads", tries_again },
	{ "C16 devmap-retry-unloaded: the process can be killed meanwhile", can_be_killed },
};

MAIN(tests, RETRY_UNLOADED)
