/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * usage: edint_client MESSAGE
 *
 * Processes that wait for interrupts of QEMU's edu device, by tests/drivers/edintpci.c. MESSAGE: 1 if the
 * driver is to have found MSI, 0 if INTx. Prints TAP.
 */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../drivers/solaris/edint.h"

#define CLIENTS 3
#define JOBS	40

static int open_it(void)
{
	const int fd = open("/dev/edint0", O_RDWR);

	if (fd < 0)
		err(1, "/dev/edint0");
	return fd;
}

static struct edint_counts counts_of(int fd)
{
	struct edint_counts c;

	if (ioctl(fd, EDINT_COUNTS, &c) != 0)
		err(1, "EDINT_COUNTS");
	return c;
}

static void compute(int number)
{
	const int fd = open_it();

	for (int i = 0; i < JOBS; i++) {
		struct edint_job job = { .operand = (unsigned)(i + number) % 34 };
		unsigned must = 1;

		for (unsigned k = 2; k <= job.operand; k++)
			must *= k;
		if (ioctl(fd, EDINT_FACTORIAL, &job) != 0)
			err(1, "EDINT_FACTORIAL");
		if (job.result != must)
			errx(1, "%u! is %u, not %u", job.operand, job.result, must);
	}
	_exit(0);
}

static int run_all(void)
{
	int status, all = 0;

	for (int i = 0; i < CLIENTS; i++)
		if (fork() == 0)
			compute(i);
	for (int i = 0; i < CLIENTS; i++) {
		(void)wait(&status);
		all |= status;
	}
	return all;
}

static int raise_some(int fd)
{
	for (int i = 1; i <= 20; i++)
		if (ioctl(fd, EDINT_RAISE, i << 8) != 0 || counts_of(fd).last != (unsigned)i << 8)
			return -1;
	return 0;
}

static void report(int number, int good, const char *what)
{
	printf("%sok %d - %s\n", good ? "" : "not ", number, what);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	const int fd = open_it(), message = argc > 1 ? atoi(argv[1]) : 0;
	const struct edint_counts before = counts_of(fd);
	struct edint_counts c;

	printf("1..4\n");
	report(1, before.message == message,
	       message ? "the driver has a message" : "the driver has a line");
	report(2, run_all() == 0, "processes wait for interrupts of one device");
	report(3, raise_some(fd) == 0, "each interrupt comes, and says what it was");
	c = counts_of(fd);
	printf("# %u interrupts, %u that were not the device's, %u soft ones\n",
	       c.hard - before.hard, c.spurious, c.soft - before.soft);
	report(4, c.hard - before.hard == CLIENTS * JOBS + 20, "as many as there were jobs");
	return 0;
}
