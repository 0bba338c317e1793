/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A crowd: processes that all want one thing for as long as they are let, and what each of them got.
 */
#ifndef BENCH_CROWD_H
#define BENCH_CROWD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define CROWD_MAX 32
#define WAITS_MAX 4096 /* of each process, the last of which are kept */

/* One process's, in shared memory. Times are ns. */
struct tally {
	uint64_t work;	  /* what it got done; bursts */
	uint64_t wrong;	  /* values that were not what it had left there */
	uint64_t longest; /* wait */
	uint64_t nwaits;
	uint64_t waits[WAITS_MAX];
};

struct crowd {
	int n;
	uint64_t wait_min; /* ns; what takes longer was a wait */
	uint64_t ran;	   /* ns from go to stop */
	uint64_t late;	   /* ns that one who only slept, meanwhile, was woken late at worst */
	atomic_int ready;
	atomic_bool go, stop;
	struct tally tally[CROWD_MAX];
};

/* A crowd of n in memory that is shared with its processes; exits if there is none. */
struct crowd *crowd_new(int n, uint64_t wait_min);
void crowd_free(struct crowd *c);

/* What one of them is: begin() makes it ready, burst() is done again and again. */
struct part {
	void (*begin)(struct crowd *c, int i);
	void (*burst)(struct crowd *c, int i);
};

/*
 * Starts the crowd, calls meanwhile (NULL: sleeps), which returns after ns or so, and stops the
 * crowd; then finish (or NULL), which lets go whom stop does not reach. Exits if one of them fails.
 */
void crowd_run(struct crowd *c, const struct part *part, uint64_t ns,
	       void (*meanwhile)(struct crowd *c, uint64_t ns), void (*finish)(struct crowd *c));

/* A burst of process i has stood still for ns. */
void crowd_stood(struct crowd *c, int i, uint64_t ns);

uint64_t crowd_work(const struct crowd *c);
uint64_t crowd_wrong(const struct crowd *c);
/* How often one of them waited. */
uint64_t crowd_waits(const struct crowd *c);
uint64_t crowd_longest(const struct crowd *c);
uint64_t crowd_median_wait(const struct crowd *c);
/* Jain's index of their work: 1 if all got the same, 1/n if one got everything. */
double crowd_fairness(const struct crowd *c);

#endif
