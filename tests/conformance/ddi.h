/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A program that has the driver ddit (tests/drivers/ddit.h) make the checks of one FAMILY, in
 * whatever engine it is loaded.
 */
#include <pthread.h>
#include <sys/ioctl.h>

#include "harness.h"

#include "../drivers/ddit.h"

static void *lend(void *arg)
{
	const int *fd = arg;

	(void)ioctl(*fd, DDIT_WORK);
	return NULL;
}

static void run(uint32_t check)
{
	int fd = open_device("ddit0");
	struct ddit_run r = { .check = check };
	pthread_t threads[DDIT_WORKERS];

	for (int i = 0; i < DDIT_WORKERS; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, lend, &fd), 0);
	DO(ioctl(fd, DDIT_RUN, &r));
	if (r.line != 0)
		fail("tests/drivers/ddit", r.line, "%.*s", DDIT_TEXT_MAX, r.text);
	DO(ioctl(fd, DDIT_STOP));
	for (int i = 0; i < DDIT_WORKERS; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
}

#define RUN(name, what)              \
	static void run_##name(void) \
	{                            \
		run(DDIT_##name);    \
	}
FAMILY(RUN)

#ifndef FURTHER /* tests of the program's own */
#define FURTHER
#endif

#define TEST(name, what) { what, run_##name },
static const struct test tests[] = { FAMILY(TEST) FURTHER };

MAIN(tests, DDI_CHECKS)
