/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What one switch of a device costs, beside a round trip through a pipe measured in the same run.
 *
 * Two processes map the same page of registers and take turns. A turn is one store, and its time is
 * the whole switch as a program sees it: the fault, the other's translation invalidated, its
 * context saved, ours restored, our translation made, our thread running again. Turns are further
 * apart than the 50 us that every grant lasts, so that no waiting is measured. Run by
 * scripts/bench.sh under `devmap run`.
 *
 * usage: switch DEVICE one|two [TURNS]
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <linux/fb.h>

#include "../drivers/xfb.h"

#define APART_NS 100000		/* between two turns */

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* Keeps the CPU awake and its caches warm, as a program that works would. */
static void spin_ns(uint64_t ns)
{
	uint64_t until = now_ns() + ns;

	while (now_ns() < until)
		;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static double us_at(uint64_t *times, int n, int percent)
{
	qsort(times, (size_t)n, sizeof (*times), by_value);
	return (double)times[(int64_t)n * percent / 100] / 1000.0;
}

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof (set), &set) != 0)
		fprintf(stderr, "switch: cannot pin to CPU %d: %s\n", cpu, strerror(errno));
}

static bool token_pass(int fd)
{
	return write(fd, "x", 1) == 1;
}

static bool token_wait(int fd)
{
	char c;

	return read(fd, &c, 1) == 1;
}

/* One side: waits for the token, works, times it, passes the token on. */
static void take_turns(int in, int out, int turns, volatile uint32_t *reg, uint64_t *times)
{
	for (int i = 0; i < turns; i++) {
		uint64_t before;

		if (!token_wait(in))
			_exit(1);
		if (reg != NULL) {
			spin_ns(APART_NS);
			before = now_ns();
			*reg = (uint32_t)i;
			times[i] = now_ns() - before;
		}
		if (!token_pass(out))
			_exit(1);
	}
}

/* Two processes take turns on the CPUs given. Times of the parent's turns are left in times. */
static void pair_run(int cpu_a, int cpu_b, int turns, volatile uint32_t *(*map)(void), uint64_t *times)
{
	int ab[2], ba[2], status;
	pid_t child;

	if (pipe(ab) != 0 || pipe(ba) != 0)
		exit(1);
	child = fork();
	if (child == 0) {
		pin(cpu_b);
		take_turns(ab[0], ba[1], turns, map ? map() : NULL, times);
		_exit(0);
	}
	pin(cpu_a);
	if (map != NULL) {
		volatile uint32_t *reg = map();

		(void)token_pass(ba[1]);
		take_turns(ba[0], ab[1], turns, reg, times);
	} else {
		for (int i = 0; i < turns; i++) {
			uint64_t before = now_ns();

			if (!token_pass(ab[1]) || !token_wait(ba[0]))
				exit(1);
			times[i] = now_ns() - before;
		}
	}
	close(ab[1]);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	close(ab[0]);
	close(ba[0]);
	close(ba[1]);
}

static const char *device;

/* The register page: fbdev puts it behind the screen. */
static volatile uint32_t *map_registers(void)
{
	struct fb_fix_screeninfo fix;
	long page = sysconf(_SC_PAGESIZE);
	int fd = open(device, O_RDWR);
	void *p;

	if (fd < 0 || ioctl(fd, FBIOGET_FSCREENINFO, &fix) != 0) {
		fprintf(stderr, "switch: %s: %s\n", device, strerror(errno));
		exit(1);
	}
	p = mmap(NULL, (size_t)page, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
	    (off_t)((fix.smem_len + page - 1) / page * page));
	if (p == MAP_FAILED) {
		fprintf(stderr, "switch: mmap: %s\n", strerror(errno));
		exit(1);
	}
	return (volatile uint32_t *)p + XFB_FOREGROUND / sizeof (uint32_t);
}

static void measure(const char *where, int cpu_a, int cpu_b, int turns, uint64_t *times)
{
	double pipe50, switch50, switch99;

	pair_run(cpu_a, cpu_b, turns * 10, NULL, times);
	pipe50 = us_at(times, turns * 10, 50);
	pair_run(cpu_a, cpu_b, turns, map_registers, times);
	switch50 = us_at(times, turns, 50);
	switch99 = us_at(times, turns, 99);
	printf("%-22s switch p50 %7.1f us, p99 %7.1f us; pipe round trip p50 %6.1f us; ratio %.1f\n",
	    where, switch50, switch99, pipe50, switch50 / pipe50);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	int turns = argc > 3 ? atoi(argv[3]) : 2000;
	bool two = argc > 2 && strcmp(argv[2], "two") == 0;
	uint64_t *times;

	if (argc < 3 || turns < 10) {
		fprintf(stderr, "usage: switch DEVICE one|two [TURNS]\n");
		return 2;
	}
	device = argv[1];
	times = mmap(NULL, (size_t)turns * 10 * sizeof (*times), PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (times == MAP_FAILED)
		return 1;
	measure(two ? "clients on two CPUs:" : "clients on one CPU:", 0, two ? 1 : 0, turns, times);
	return 0;
}
