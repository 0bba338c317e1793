/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A driver with interrupts as it was written for Solaris (tests/drivers/solaris/edint.c), over a model
 * that raises them: edint0 in the old way, edint1 in the new one. With several processes each.
 */
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../drivers/solaris/edint.h"
#include "harness.h"

static struct edint_counts counts_of(int fd)
{
	struct edint_counts c;

	DO(ioctl(fd, EDINT_COUNTS, &c));
	return c;
}

static unsigned compute(int fd, unsigned operand)
{
	struct edint_job job = { .operand = operand };

	DO(ioctl(fd, EDINT_FACTORIAL, &job));
	return job.result;
}

static void check_computing(const char *device, int message)
{
	const int fd = open_device(device);
	const struct edint_counts before = counts_of(fd);

	CHECK_EQ(before.message, message);
	CHECK_EQ(compute(fd, 5), 120);
	CHECK_EQ(compute(fd, 12), 479001600);
	CHECK_EQ(counts_of(fd).hard - before.hard, 2);
	CHECK(counts_of(fd).soft > before.soft);
	CHECK_EQ(counts_of(fd).last, 1);
}

static void old_computes(void)
{
	check_computing("edint0", 0);
}

static void new_computes(void)
{
	check_computing("edint1", 1);
}

static void check_raising(const char *device)
{
	const int fd = open_device(device);
	const struct edint_counts before = counts_of(fd);

	for (int i = 1; i < 20; i++) {
		DO(ioctl(fd, EDINT_RAISE, i << 8));
		CHECK_EQ(counts_of(fd).last, i << 8);
	}
	CHECK_EQ(counts_of(fd).hard - before.hard, 19);
}

static void both_raise(void)
{
	check_raising("edint0");
	check_raising("edint1");
}

/* Each of them has its own results, of whatever the others compute at the same time. */
static void work(const char *device, int number)
{
	const int fd = open_device(device);
	unsigned must = 1;

	for (unsigned i = 3; i < 34; i++) {
		const unsigned n = 4 + (i + (unsigned)number) % 9; /* none is a result */

		must = 1;
		for (unsigned k = 2; k <= n; k++)
			must *= k;
		CHECK_EQ(compute(fd, n), must);
	}
}

static void many_compute(void)
{
	const int fd = open_device("edint1");
	const struct edint_counts before = counts_of(fd);
	pid_t pid[6];
	int status;

	for (int i = 0; i < 6; i++) {
		pid[i] = DO(fork());
		if (pid[i] == 0) {
			work(i % 2 == 0 ? "edint0" : "edint1", i);
			_exit(0);
		}
	}
	for (int i = 0; i < 6; i++) {
		DO(waitpid(pid[i], &status, 0));
		CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
	CHECK_EQ(counts_of(fd).hard - before.hard, 3 * 31);
}

static void counted(void)
{
	const int fd = open_device("edint0");
	char *hard = kstat_value("edint0", "interrupts", "data.hard");
	char *jobs = kstat_value("edint0", "clients", "data.reads");

	CHECK(hard != NULL && jobs != NULL);
	CHECK_EQ(atoi(hard), counts_of(fd).hard);
	CHECK(atoi(jobs) >= 1);
	free(hard);
	free(jobs);
}

static const struct test tests[] = {
	{ "ddi_add_intr(9F): an interrupt says that the device is done", old_computes },
	{ "ddi_intr_alloc(9F): the same by a message", new_computes },
	{ "each interrupt comes, and says what it was", both_raise },
	{ "six processes wait for interrupts of two devices", many_compute },
	{ "X4 interrupts and jobs are counted", counted },
};

MAIN(tests, INTERRUPTS)
