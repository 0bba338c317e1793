/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What the calls on a device's descriptor cost, beside a pipe round trip between two processes in the
 * same run. Each is the median of many.
 *
 * Run by scripts/bench.sh under `devmap run --driver xfb`.
 *
 * usage: calls DEVICE one|two     how many CPUs the two processes of the pipe have
 */
#include <err.h>
#include <fcntl.h>
#include <linux/fb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "turns.h"

#define TIMES 4000

static uint64_t *taken;
static char buffer[4096];
static const char *device;
static int fd;

static void call_open(void)
{
	int one = open(device, O_RDWR);

	if (one < 0)
		err(1, "%s", device);
	close(one);
}

static void call_ioctl(void)
{
	struct fb_var_screeninfo var;

	if (ioctl(fd, FBIOGET_VSCREENINFO, &var) != 0)
		err(1, "ioctl");
}

static void call_map(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (p == MAP_FAILED)
		err(1, "mmap");
	(void)munmap(p, 4096);
}

static void call_ioctl_heap(void)
{
	static struct fb_var_screeninfo *var;

	if (var == NULL)
		var = malloc(16384); /* in pages of its own */
	if (var == NULL || ioctl(fd, FBIOGET_VSCREENINFO, var) != 0)
		err(1, "ioctl");
}

static void call_read(void)
{
	if (pread(fd, buffer, 1, 0) != 1)
		err(1, "pread");
}

static void call_read_page(void)
{
	if (pread(fd, buffer, sizeof(buffer), 0) != sizeof(buffer))
		err(1, "pread");
}

static void call_write(void)
{
	if (pwrite(fd, buffer, 1, 0) != 1)
		err(1, "pwrite");
}

static void call_poll(void)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	if (poll(&p, 1, 0) < 0)
		err(1, "poll");
}

static void call_stat(void)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		err(1, "fstat");
}

/* In microseconds. */
static double median_of(void (*call)(void))
{
	for (int i = 0; i < TIMES; i++) {
		uint64_t before = now_ns();

		call();
		taken[i] = now_ns() - before;
	}
	return us_at(taken, TIMES, 50);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*call)(void);
	} calls[] = {
		{ "open and close", call_open },
		{ "mmap and munmap", call_map },
		{ "ioctl, 160 bytes out", call_ioctl },
		{ "the same, on the heap", call_ioctl_heap },
		{ "read 1 byte", call_read },
		{ "read 4 KiB", call_read_page },
		{ "write 1 byte", call_write },
		{ "poll", call_poll },
		{ "fstat", call_stat },
	};
	double pipe_us;

	if (argc != 3)
		errx(2, "usage: calls DEVICE one|two");
	device = argv[1];
	taken = times_alloc(TIMES);
	pipes_run(0, argv[2][0] == 'o' ? 0 : 1, TIMES, taken);
	pipe_us = us_at(taken, TIMES, 50);
	fd = open(device, O_RDWR);
	if (fd < 0)
		err(1, "%s", device);
	printf("%-22s %8.1f us\n", "pipe round trip", pipe_us);
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		double us = median_of(calls[i].call);

		printf("%-22s %8.1f us %6.2f round trips\n", calls[i].name, us, us / pipe_us);
	}
	return 0;
}
