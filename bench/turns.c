/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
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
#include "turns.h"

uint64_t turns_apart_ns = 100000;
const char *turns_device;
int turns_fd = -1;

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

void spin_ns(uint64_t ns)
{
	uint64_t until = now_ns() + ns;

	while (now_ns() < until)
		;
}

void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) != 0)
		fprintf(stderr, "bench: cannot pin to CPU %d: %s\n", cpu, strerror(errno));
}

static void fail(const char *what)
{
	fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
	_exit(1);
}

static void fail_ended(void)
{
	fprintf(stderr, "bench: the other side has ended\n");
	_exit(1);
}

uint64_t *times_alloc(int n)
{
	uint64_t *times = calloc((size_t)n, sizeof(*times));

	if (times == NULL)
		fail("calloc");
	return times;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

double us_at(uint64_t *times, int n, int percent)
{
	qsort(times, (size_t)n, sizeof(*times), by_value);
	return (double)times[(int64_t)n * percent / 100] / 1000.0;
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
static void take_turns(const struct turn *t, int in, int out, int n, uint64_t *times)
{
	void *begun = t->begin();

	for (int i = 0; i < n; i++) {
		uint64_t before;

		if (!token_wait(in))
			fail_ended();
		spin_ns(turns_apart_ns);
		before = now_ns();
		t->take(begun, i);
		times[i] = now_ns() - before;
		if (!token_pass(out) && i < n - 1)
			fail_ended();
	}
}

static void echo_tokens(int in, int out, int n)
{
	while (n-- > 0 && token_wait(in) && token_pass(out))
		;
}

static void time_tokens(int in, int out, int n, uint64_t *times)
{
	for (int i = 0; i < n; i++) {
		uint64_t before = now_ns();

		if (!token_pass(out) || !token_wait(in))
			fail_ended();
		times[i] = now_ns() - before;
	}
}

struct pair {
	pid_t child;
	int in, out; /* of this side */
};

/* fork(2), with a pipe each way and a CPU for each side. True in the child. */
static bool pair_fork(struct pair *p, int cpu_a, int cpu_b)
{
	int ab[2], ba[2];

	(void)signal(SIGPIPE, SIG_IGN);
	if (pipe(ab) != 0 || pipe(ba) != 0)
		fail("pipe");
	p->child = fork();
	if (p->child < 0)
		fail("fork");
	pin(p->child == 0 ? cpu_b : cpu_a);
	p->in = p->child == 0 ? ab[0] : ba[0];
	p->out = p->child == 0 ? ba[1] : ab[1];
	/* What is the other's is closed: when it ends, we are told. */
	close(p->child == 0 ? ba[0] : ab[0]);
	close(p->child == 0 ? ab[1] : ba[1]);
	return p->child == 0;
}

static void pair_end(struct pair *p)
{
	int status = 0;

	while (waitpid(p->child, &status, 0) < 0 && errno == EINTR)
		;
	close(p->in);
	close(p->out);
	if (status != 0) {
		fprintf(stderr, "bench: the other side has failed\n");
		exit(1);
	}
}

void turns_run(const struct turn *t, int cpu_a, int cpu_b, int n, uint64_t *times)
{
	struct pair p;

	fflush(NULL);
	if (pair_fork(&p, cpu_a, cpu_b)) {
		/* The child has the first turn. */
		take_turns(t, p.in, p.out, n, times_alloc(n));
		_exit(0);
	}
	if (!token_pass(p.out))
		fail_ended();
	take_turns(t, p.in, p.out, n, times);
	pair_end(&p);
}

void pipes_run(int cpu_a, int cpu_b, int n, uint64_t *times)
{
	struct pair p;

	fflush(NULL);
	if (pair_fork(&p, cpu_a, cpu_b)) {
		echo_tokens(p.in, p.out, n);
		_exit(0);
	}
	time_tokens(p.in, p.out, n, times);
	pair_end(&p);
}

/* The register page: fbdev puts it behind the screen. */
void *map_registers(void)
{
	struct fb_fix_screeninfo fix;
	long page = sysconf(_SC_PAGESIZE);
	void *p;

	turns_fd = open(turns_device, O_RDWR);
	if (turns_fd < 0 || ioctl(turns_fd, FBIOGET_FSCREENINFO, &fix) != 0)
		fail(turns_device);
	p = mmap(NULL, (size_t)page, PROT_READ | PROT_WRITE, MAP_SHARED, turns_fd,
		 (off_t)((fix.smem_len + page - 1) / page * page));
	if (p == MAP_FAILED)
		fail("mmap");
	return p;
}

static void take_store(void *regs, int i)
{
	((volatile uint32_t *)regs)[XFB_FOREGROUND / sizeof(uint32_t)] = (uint32_t)i;
}

const struct turn store_turn = { map_registers, take_store };
