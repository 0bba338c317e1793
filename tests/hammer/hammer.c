/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * hammer [SEED [SECONDS]]: eight processes that use one device for a while as wildly as they
 * can, and are stopped, continued and killed meanwhile. Each knows at any time what it must find
 * in each page of its context. At the end nothing may be left, and driver and engine must have
 * counted the same.
 *
 * The same seed gives the same actions in each process; how they interleave is the machine's.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../conformance/harness.h"

#define WORKERS		8
#define PAGES		8
#define WORDS		4 /* looked at in each page */
#define DEFAULT_SECONDS 10

struct board { /* shared by all */
	volatile int stop;
	volatile uint64_t bursts[WORKERS];
	volatile uint64_t forks, holes, locks;
};

struct worker {
	unsigned slot, seed;
	int fd;
	char *base; /* PAGES pages; the first is never unmapped */
	bool mapped[PAGES];
	uint64_t must[PAGES][WORDS]; /* page PAGES - 1 is the free runner's */
	uint64_t serial;
	pthread_t runner;
	bool running; /* there is a free runner */
};

static struct board *board;

static unsigned pick(struct worker *w, unsigned n)
{
	return rand_r(&w->seed) % n;
}

static volatile uint64_t *word(const struct worker *w, unsigned n, unsigned i)
{
	return (uint64_t *)(w->base + n * page) + i * (page / 8 / WORDS) + i;
}

static void check_page(const struct worker *w, unsigned n)
{
	for (unsigned i = 0; i < WORDS; i++) {
		const uint64_t is = *word(w, n, i);

		if (is != w->must[n][i])
			fail(__FILE__, __LINE__,
			     "worker %u (pid %d): page %u, word %u is %#llx, not %#llx", w->slot,
			     getpid(), n, i, (unsigned long long)is,
			     (unsigned long long)w->must[n][i]);
	}
}

/* Actions. */

static void burst(struct worker *w)
{
	const unsigned n = pick(w, PAGES - 1), times = 1 + pick(w, 2000);

	if (!w->mapped[n])
		return;
	check_page(w, n);
	for (unsigned i = 0; i < times; i++) {
		const unsigned at = i % WORDS;

		if (*word(w, n, at) != w->must[n][at])
			check_page(w, n);
		w->must[n][at] = (uint64_t)getpid() << 32 | ++w->serial;
		*word(w, n, at) = w->must[n][at];
	}
	board->bursts[w->slot]++;
}

/* A store that needs two pages at once. */
static void cross(struct worker *w)
{
	const unsigned n = pick(w, PAGES - 2);
	volatile uint64_t *p = (uint64_t *)(w->base + (n + 1) * page - 4);
	uint64_t first;

	if (!w->mapped[n] || !w->mapped[n + 1])
		return;
	*p = (uint64_t)++w->serial << 32;
	first = *p;
	if (first != w->serial << 32)
		fail(__FILE__, __LINE__, "worker %u: a store across a border became %#llx", w->slot,
		     (unsigned long long)first);
	*p = 0; /* its upper half is half of the next page's word 0 */
	w->must[n + 1][0] &= ~0xffffffffULL;
}

static void unmap_some(struct worker *w)
{
	const unsigned first = 1 + pick(w, PAGES - 2), n = 1 + pick(w, PAGES - 1 - first);

	DO(munmap(w->base + first * page, n * page));
	for (unsigned i = first; i < first + n; i++)
		w->mapped[i] = false;
	board->holes++;
}

static void map_some(struct worker *w)
{
	for (unsigned i = 1; i < PAGES - 1; i++) {
		unsigned n = 0;

		while (i + n < PAGES - 1 && !w->mapped[i + n])
			w->mapped[i + n++] = true;
		if (n == 0)
			continue;
		CHECK(mmap(w->base + i * page, n * page, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_FIXED, w->fd, i * page) == w->base + i * page);
	}
}

static void second_mapping(struct worker *w)
{
	const unsigned n = pick(w, PAGES - 1);
	uint64_t *p = DO(mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, w->fd, n * page));

	if (*p != w->must[n][0])
		fail(__FILE__, __LINE__,
		     "worker %u: page %u is %#llx in a second mapping, not %#llx", w->slot, n,
		     (unsigned long long)*p, (unsigned long long)w->must[n][0]);
	DO(munmap(p, page));
}

static void lock_some(struct worker *w)
{
	const unsigned n = pick(w, PAGES - 1);

	if (!w->mapped[n])
		return;
	DO(mlock(w->base + n * page, page));
	check_page(w, n);
	DO(munlock(w->base + n * page, page));
	board->locks++;
}

/* The child has a copy of the context, and of what it must be. */
static void fork_one(struct worker *w)
{
	pid_t pid;
	int status;

	pid = DO(fork());
	if (pid == 0) {
		for (unsigned n = 0; n < PAGES - 1; n++)
			if (w->mapped[n])
				check_page(w, n);
		for (int i = 0; i < 3; i++)
			burst(w);
		_exit(0);
	}
	DO(waitpid(pid, &status, 0));
	CHECK_EQ(status, 0);
	board->forks++;
}

/* A thread that counts in a page of its own as fast as it can. */
static void *run_freely(void *arg)
{
	struct worker *w = arg;
	volatile uint64_t *p = (uint64_t *)(w->base + (PAGES - 1) * page);
	uint64_t n = *p;

	while (!board->stop) {
		if (*p != n)
			fail(__FILE__, __LINE__,
			     "worker %u: the free runner finds %#llx, not %#llx", w->slot,
			     (unsigned long long)*p, (unsigned long long)n);
		*p = ++n;
	}
	return NULL;
}

static void (*const actions[])(struct worker *w) = {
	burst, burst,	   burst,    burst,    burst,	       burst,	  cross,
	cross, unmap_some, map_some, map_some, second_mapping, lock_some, fork_one,
};

static void work(unsigned slot, unsigned seed)
{
	struct worker w = { .slot = slot, .seed = seed };

	w.fd = open_device("ctest0");
	w.base = DO(mmap(NULL, PAGES * page, PROT_READ | PROT_WRITE, MAP_SHARED, w.fd, 0));
	memset(w.mapped, true, sizeof(w.mapped));
	w.running = slot % 2 == 0;
	if (w.running)
		CHECK_EQ(pthread_create(&w.runner, NULL, run_freely, &w), 0);
	while (!board->stop)
		actions[pick(&w, sizeof(actions) / sizeof(actions[0]))](&w);
	if (w.running)
		pthread_join(w.runner, NULL);
}

/* The director. */

struct crew {
	pid_t pid[WORKERS], killed[4096];
	unsigned nkilled, generation, seed;
};

static void hire(struct crew *c, unsigned slot)
{
	const unsigned seed = c->seed + 1000 * slot + c->generation++;
	const pid_t pid = DO(fork());

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		work(slot, seed);
		_exit(0);
	}
	c->pid[slot] = pid;
}

static bool was_killed(const struct crew *c, pid_t pid)
{
	for (unsigned i = 0; i < c->nkilled; i++)
		if (c->killed[i] == pid)
			return true;
	return false;
}

/* Workers and their orphans: all end well, unless we killed them. */
static void check_ended(const struct crew *c, pid_t pid, int status)
{
	if (status == 0 || (was_killed(c, pid) && status == SIGKILL))
		return;
	fail(__FILE__, __LINE__, "process %d ends with wait status %#x", pid, status);
}

static void reap(const struct crew *c)
{
	pid_t pid;
	int status;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		check_ended(c, pid, status);
}

static void kill_one(struct crew *c, unsigned slot)
{
	int status;

	if (c->nkilled == sizeof(c->killed) / sizeof(c->killed[0]))
		return;
	c->killed[c->nkilled++] = c->pid[slot];
	DO(kill(c->pid[slot], SIGKILL));
	DO(waitpid(c->pid[slot], &status, 0));
	check_ended(c, c->pid[slot], status);
	hire(c, slot);
}

static void stop_one(const struct crew *c, unsigned slot, unsigned us)
{
	DO(kill(c->pid[slot], SIGSTOP));
	usleep(us);
	DO(kill(c->pid[slot], SIGCONT));
}

static void direct(struct crew *c, int fd, int64_t end)
{
	static const int64_t holds[] = { 0, 0, 100000, 1000000 };
	unsigned seed = c->seed, i;

	for (i = 0; now() < end; i++) {
		const unsigned slot = rand_r(&seed) % WORKERS;

		stop_one(c, slot, rand_r(&seed) % 15000);
		usleep(rand_r(&seed) % 15000);
		if (i % 8 == 0)
			kill_one(c, slot);
		if (i % 16 == 0)
			knob(fd, CT_HOLD_NS, holds[rand_r(&seed) % 4]);
		reap(c);
	}
}

/* All end, but for the anchor, whose mapping is the last one. */
static void dismiss(const struct crew *c, int fd)
{
	const int64_t end = now() + LIMIT_NS;

	board->stop = 1;
	for (reap(c); counts(fd).maps > 1; reap(c)) {
		if (now() > end)
			fail(__FILE__, __LINE__, "not all workers end");
		nap();
	}
}

/* ... and that ends too, with whatever else is still there. */
static void weigh_anchor(const struct crew *c, struct actor *anchor)
{
	int status;
	pid_t pid;

	leave_by_exit(anchor);
	while ((pid = waitpid(-1, &status, 0)) > 0)
		check_ended(c, pid, status);
}

static unsigned number_from(const char *name, unsigned dflt)
{
	const char *text = getenv(name);

	return text != NULL ? strtoul(text, NULL, 0) : dflt;
}

static void check_counts(int fd)
{
	struct ctest_counts c;

	AWAIT(counts(fd).maps == 0);
	c = counts(fd);
	CHECK_EQ(c.contexts, 0);
	CHECK_EQ(c.overlaps, 0);
	CHECK_EQ(c.errors, 0);
	CHECK_EQ(c.gated, 0);
}

/* The anchor, an idle mapping, has kept the group and its numbers. */
static void check_statistics(int fd)
{
	struct ctest_counts c;

	AWAIT(counts(fd).maps == 1);
	AWAIT(statistic("ctest0", "waiters") == 0);
	c = counts(fd);
	remark("%llu accesses, %llu switches, %llu maps, %llu dups, %llu unmaps",
	       (unsigned long long)c.calls[CT_ACCESS],
	       (unsigned long long)statistic("ctest0", "switches"),
	       (unsigned long long)c.calls[CT_MAP], (unsigned long long)c.calls[CT_DUP],
	       (unsigned long long)c.calls[CT_UNMAP]);
	CHECK_EQ(statistic("ctest0", "accesses"), c.calls[CT_ACCESS]);
	/* For a process that was killed meanwhile the callback fails. */
	CHECK_EQ(statistic("ctest0", "grants") + statistic("ctest0", "failures"),
		 c.calls[CT_CTXMGT]);
	CHECK_EQ(statistic("ctest0", "taken"), 0);
	CHECK_EQ(statistic("ctest0", "leaked"), 0);
	CHECK_EQ(statistic("ctest0", "locks_broken"), 0);
	CHECK_EQ(statistic("ctest0", "mappings"), 1);
}

static void check_progress(const struct crew *c)
{
	uint64_t total = 0, least = UINT64_MAX;

	for (int i = 0; i < WORKERS; i++) {
		total += board->bursts[i];
		least = board->bursts[i] < least ? board->bursts[i] : least;
	}
	remark("%llu bursts, the least diligent %llu; %u killed, %llu forks, %llu holes, "
	       "%llu locks",
	       (unsigned long long)total, (unsigned long long)least, c->nkilled,
	       (unsigned long long)board->forks, (unsigned long long)board->holes,
	       (unsigned long long)board->locks);
	CHECK(least > 0);
}

static bool all_progress(void)
{
	for (int i = 0; i < WORKERS; i++)
		if (board->bursts[i] == 0)
			return false;
	return true;
}

static void hammer(void)
{
	static struct crew c;
	const int fd = control();
	struct actor *anchor = new_actor_with("ctest0", CTEST_PAGES - 1, 1);

	c.seed = number_from("DEVMAP_TEST_SEED", 0);
	board = shared_memory(sizeof(*board));
	knob(fd, CT_NO_LOG, 1);
	clear_log(fd);
	for (unsigned i = 0; i < WORKERS; i++)
		hire(&c, i);
	direct(&c, fd, now() + number_from("DEVMAP_TEST_SECONDS", DEFAULT_SECONDS) * SECOND);
	AWAIT(all_progress());
	dismiss(&c, fd);
	check_progress(&c);
	check_statistics(fd);
	weigh_anchor(&c, anchor);
	check_counts(fd);
}

static const struct test tests[] = {
	{ "C1 C5 C8 C17 C21 C22 eight wild processes, stopped and killed", hammer },
};

int main(int argc, char **argv)
{
	char seed[16];

	snprintf(seed, sizeof(seed), "%u", (unsigned)(time(NULL) ^ getpid() << 8) % 1000000);
	setenv("DEVMAP_TEST_SEED", argc > 1 ? argv[1] : seed, argc > 1);
	if (argc > 2)
		setenv("DEVMAP_TEST_SECONDS", argv[2], 1);
	printf("# seed %s\n", getenv("DEVMAP_TEST_SEED"));
	allow_seconds(number_from("DEVMAP_TEST_SECONDS", DEFAULT_SECONDS));
	return run_tests(1, argv, tests, 1, 0);
}
