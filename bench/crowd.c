/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/param.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "crowd.h"
#include "turns.h"

static void fail(const char *what)
{
	fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
	exit(1);
}

struct crowd *crowd_new(int n, uint64_t wait_min)
{
	struct crowd *c =
		mmap(NULL, sizeof(*c), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (c == MAP_FAILED)
		fail("mmap");
	c->n = n;
	c->wait_min = wait_min;
	return c;
}

void crowd_free(struct crowd *c)
{
	munmap(c, sizeof(*c));
}

#define NAP_NS 200000

static void nap(void)
{
	const struct timespec t = { .tv_nsec = NAP_NS };

	nanosleep(&t, NULL);
}

static void be_one(struct crowd *c, int i, const struct part *part)
{
	/* Timers as exact as they can be: nobody's wait is to be one of theirs. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_TIMERSLACK, 1);
	part->begin(c, i);
	atomic_fetch_add(&c->ready, 1);
	while (!atomic_load(&c->go))
		nap();
	while (!atomic_load(&c->stop))
		part->burst(c, i);
}

/* Has one ended, and badly? */
static bool one_failed(void)
{
	int status = 0;

	return waitpid(-1, &status, WNOHANG) > 0 && status != 0;
}

static void fork_all(struct crowd *c, const struct part *part)
{
	fflush(NULL);
	for (int i = 0; i < c->n; i++) {
		const pid_t pid = fork();

		if (pid < 0)
			fail("fork");
		if (pid == 0) {
			be_one(c, i, part);
			_exit(0);
		}
	}
	while (atomic_load(&c->ready) < c->n) {
		if (one_failed())
			exit(1);
		nap();
	}
}

static void reap_all(void)
{
	int status;
	pid_t pid;

	while ((pid = wait(&status)) > 0 || errno == EINTR) {
		if (pid > 0 && status != 0) {
			fprintf(stderr, "bench: process %d has failed\n", (int)pid);
			exit(1);
		}
	}
}

static void just_sleep(struct crowd *c, uint64_t ns)
{
	const uint64_t end = now_ns() + ns;
	uint64_t before, after;

	for (before = now_ns(); before < end; before = after) {
		nap();
		after = now_ns();
		if (after - before > NAP_NS + c->late)
			c->late = after - before - NAP_NS;
	}
}

void crowd_run(struct crowd *c, const struct part *part, uint64_t ns,
	       void (*meanwhile)(struct crowd *c, uint64_t ns), void (*finish)(struct crowd *c))
{
	uint64_t begun;

	fork_all(c, part);
	begun = now_ns();
	atomic_store(&c->go, true);
	(meanwhile != NULL ? meanwhile : just_sleep)(c, ns);
	atomic_store(&c->stop, true);
	c->ran = now_ns() - begun;
	if (finish != NULL)
		finish(c);
	reap_all();
}

void crowd_stood(struct crowd *c, int i, uint64_t ns)
{
	struct tally *t = &c->tally[i];

	if (ns > t->longest)
		t->longest = ns;
	if (ns > c->wait_min)
		t->waits[t->nwaits++ % WAITS_MAX] = ns;
}

uint64_t crowd_work(const struct crowd *c)
{
	uint64_t sum = 0;

	for (int i = 0; i < c->n; i++)
		sum += c->tally[i].work;
	return sum;
}

uint64_t crowd_wrong(const struct crowd *c)
{
	uint64_t sum = 0;

	for (int i = 0; i < c->n; i++)
		sum += c->tally[i].wrong;
	return sum;
}

uint64_t crowd_waits(const struct crowd *c)
{
	uint64_t sum = 0;

	for (int i = 0; i < c->n; i++)
		sum += c->tally[i].nwaits;
	return sum;
}

uint64_t crowd_longest(const struct crowd *c)
{
	uint64_t longest = 0;

	for (int i = 0; i < c->n; i++)
		if (c->tally[i].longest > longest)
			longest = c->tally[i].longest;
	return longest;
}

uint64_t crowd_median_wait(const struct crowd *c)
{
	uint64_t *all = times_alloc(CROWD_MAX * WAITS_MAX);
	double us = 0;
	int n = 0;

	for (int i = 0; i < c->n; i++) {
		const size_t kept = MIN(c->tally[i].nwaits, WAITS_MAX);

		memcpy(all + n, c->tally[i].waits, kept * sizeof(*all));
		n += (int)kept;
	}
	if (n > 0)
		us = us_at(all, n, 50);
	free(all);
	return (uint64_t)(us * 1000);
}

double crowd_fairness(const struct crowd *c)
{
	double sum = 0, squares = 0;

	for (int i = 0; i < c->n; i++) {
		const double work = (double)c->tally[i].work;

		sum += work;
		squares += work * work;
	}
	return squares > 0 ? sum * sum / (c->n * squares) : 0;
}
