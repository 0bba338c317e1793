/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What one switch of a device costs, beside a round trip through a pipe measured in the same run.
 *
 * Two processes map the same page of registers and take turns. A turn is one store, and its time is
 * the whole switch as a program sees it: the fault, the other's translation invalidated, its
 * context saved, ours restored, our translation made, our thread running again. Run by
 * scripts/bench.sh under `devmap run`.
 *
 * usage: switch DEVICE one|two [TURNS]
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "turns.h"

static void measure(const char *where, int cpu_a, int cpu_b, int turns, uint64_t *times)
{
	double pipe50, switch50, switch99;

	pipes_run(cpu_a, cpu_b, turns * 10, times);
	pipe50 = us_at(times, turns * 10, 50);
	turns_run(&store_turn, cpu_a, cpu_b, turns, times);
	switch50 = us_at(times, turns, 50);
	switch99 = us_at(times, turns, 99);
	printf("%-22s switch p50 %7.1f us, p99 %7.1f us; pipe round trip p50 %6.1f us; "
	       "ratio %.1f\n",
	       where, switch50, switch99, pipe50, switch50 / pipe50);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	int turns = argc > 3 ? atoi(argv[3]) : 2000;
	bool two = argc > 2 && strcmp(argv[2], "two") == 0;

	if (argc < 3 || turns < 10) {
		fprintf(stderr, "usage: switch DEVICE one|two [TURNS]\n");
		return 2;
	}
	turns_device = argv[1];
	measure(two ? "clients on two CPUs:" : "clients on one CPU:", 0, two ? 1 : 0, turns,
		times_alloc(turns * 10));
	return 0;
}
