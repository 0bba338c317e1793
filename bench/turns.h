/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What benchmarks share: time, CPUs, and two processes that take turns, of which each is timed.
 */
#ifndef BENCH_TURNS_H
#define BENCH_TURNS_H

#include <stdint.h>

uint64_t now_ns(void);
/* Keeps the CPU awake and its caches warm, as a program that works would. */
void spin_ns(uint64_t ns);
/* This thread stays on that CPU. Says so if it cannot. */
void pin(int cpu);

/* Memory for so many times; exits if there is none. */
uint64_t *times_alloc(int n);
/* The time that percent of 100 are below, in microseconds. Sorts times. */
double us_at(uint64_t *times, int n, int percent);

/* What one process does with the device: a setup of its own, and a turn, which is what is timed. */
struct turn {
	void *(*begin)(void); /* exits if it cannot */
	void (*take)(void *begun, int i);
};

/*
 * A parent on cpu_a and its child on cpu_b take n turns each, alternating; the parent's times are
 * left in times. The turns are turns_apart_ns apart, so that no waiting is measured: that is more
 * than the 50 us that every grant lasts, and a device with a hold wants more. Exits if the child
 * fails.
 */
extern uint64_t turns_apart_ns;
void turns_run(const struct turn *t, int cpu_a, int cpu_b, int n, uint64_t *times);

/* The same two, passing a byte to and fro; the times are of the round trip. */
void pipes_run(int cpu_a, int cpu_b, int n, uint64_t *times);

/*
 * A turn that is one store into a register, and its begin(): it maps the registers of the frame
 * buffer turns_device. turns_fd is what it has opened.
 */
extern const char *turns_device;
extern int turns_fd;
void *map_registers(void);
extern const struct turn store_turn;

#endif
