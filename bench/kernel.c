/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What one switch costs with the kernel engine, beside what it is made of and what it replaces, all
 * in one run:
 *
 *   switch by access    one store by a process while another one owns the registers
 *   switch by ioctl     the driver's same saving and restoring, called by a program: XFBIO_SWITCH
 *   fault and zap       a page touched that is in memory but not in the page table, and its
 *                       translation dropped again: no less can be had for losing and getting a page
 *   pipe round trip     two processes waking one another
 *
 * Run by scripts/bench-kernel.sh in a guest, with xfb loaded as props=switch-ioctl=1.
 *
 * usage: kernel DEVICE [TURNS]
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "../drivers/xfb.h"
#include "turns.h"

enum { SWITCH, IOCTL, FAULT, PIPE, NROWS };

static const char *const row_name[NROWS] = {
	"switch by access",
	"switch by ioctl",
	"fault and zap",
	"pipe round trip",
};

struct row {
	double p50, p99; /* us */
};

/*
 * The switch that programs ask for. Nobody ever touches the mapping, which is only there so that
 * the driver has contexts: so no translation is made or dropped.
 */

static void take_ioctl(void *regs, int i)
{
	(void)regs;
	(void)i;
	if (ioctl(turns_fd, XFBIO_SWITCH) != 0) {
		fprintf(stderr, "kernel: XFBIO_SWITCH: %s (props=switch-ioctl=1?)\n",
			strerror(errno));
		_exit(1);
	}
}

static const struct turn ioctl_turn = { map_registers, take_ioctl };

/*
 * Fault and zap. With another thread of the process on the other CPU, that one has to be told.
 */

static atomic_bool stop;

static void *stay_there(void *arg)
{
	pin(*(int *)arg);
	while (!atomic_load_explicit(&stop, memory_order_relaxed))
		;
	return NULL;
}

static volatile int *memory_page(size_t size)
{
	int fd = memfd_create("page", 0);
	void *p = MAP_FAILED;

	if (fd >= 0 && ftruncate(fd, (off_t)size) == 0)
		p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED) {
		perror("kernel: memfd");
		exit(1);
	}
	close(fd);
	return p;
}

static void time_faults(int n, uint64_t *times)
{
	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	volatile int *page = memory_page(size);

	for (int i = -1; i < n; i++) { /* the first makes the page */
		uint64_t before = now_ns();

		*page = i;
		if (madvise((void *)page, size, MADV_DONTNEED) != 0)
			perror("kernel: madvise");
		if (i >= 0)
			times[i] = now_ns() - before;
	}
	munmap((void *)page, size);
}

static void faults_run(int cpu_a, int cpu_b, int n, uint64_t *times)
{
	pthread_t other;
	bool there;

	pin(cpu_a);
	atomic_store(&stop, false);
	there = cpu_b != cpu_a && pthread_create(&other, NULL, stay_there, &cpu_b) == 0;
	if (there)
		spin_ns(10000000);
	time_faults(n, times);
	atomic_store(&stop, true);
	if (there)
		pthread_join(other, NULL);
}

static void row_set(struct row *row, uint64_t *times, int n)
{
	row->p50 = us_at(times, n, 50);
	row->p99 = us_at(times, n, 99);
}

static void measure(int cpu_a, int cpu_b, int turns, struct row rows[NROWS])
{
	uint64_t *times = times_alloc(turns * 10);

	pipes_run(cpu_a, cpu_b, turns * 10, times);
	row_set(&rows[PIPE], times, turns * 10);
	faults_run(cpu_a, cpu_b, turns * 10, times);
	row_set(&rows[FAULT], times, turns * 10);
	turns_run(&ioctl_turn, cpu_a, cpu_b, turns, times);
	row_set(&rows[IOCTL], times, turns);
	turns_run(&store_turn, cpu_a, cpu_b, turns, times);
	row_set(&rows[SWITCH], times, turns);
	free(times);
}

/* Ratios are of medians: how many of these make a switch. */
static void show(const char *where, const struct row rows[NROWS])
{
	printf("%-26s p50 us   p99 us   a switch by access is\n", where);
	for (int i = 0; i < NROWS; i++) {
		printf("  %-22s %8.2f %8.2f", row_name[i], rows[i].p50, rows[i].p99);
		if (i != SWITCH)
			printf("   %6.2f of these", rows[SWITCH].p50 / rows[i].p50);
		printf("\n");
	}
	printf("  by access less by ioctl: %.2f us, or %.2f times fault and zap\n",
	       rows[SWITCH].p50 - rows[IOCTL].p50,
	       (rows[SWITCH].p50 - rows[IOCTL].p50) / rows[FAULT].p50);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	int turns = argc > 2 ? atoi(argv[2]) : 2000;
	struct row rows[NROWS];
	struct utsname uts;

	if (argc < 2 || turns < 1000) {
		fprintf(stderr, "usage: kernel DEVICE [TURNS: 1000 or more]\n");
		return 2;
	}
	turns_device = argv[1];
	uname(&uts);
	printf("Linux %s, the median and the 99th percentile of %d\n", uts.release, turns);
	measure(0, 0, turns, rows);
	show("on one CPU", rows);
	if (sysconf(_SC_NPROCESSORS_ONLN) > 1) {
		measure(0, 1, turns, rows);
		show("on two CPUs", rows);
	}
	return 0;
}
