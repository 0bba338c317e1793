/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What many clients get of one page, and how long each waits for it, beside what they are promised.
 *
 * Each of n clients stores into the page and reads back, burst after burst, for as long as it is let.
 * All its work needs the page, so that all together can get no more done than one alone. A turn is
 * the hold and a switch, so that nobody should wait longer than (n - 1) turns, and what the scheduler
 * adds. All is measured in this run:
 *
 *   a switch     two clients that take turns, further apart than a hold
 *   a hold       as it is given, but no less than the 50 us that every grant lasts
 *   a turn       the two together; or, with an overhead, for which the engine chooses the hold, the
 *                time that the clients contended, by the turns that they had
 *   scheduler    the longest wait in a ring of as many processes that hand a token round (ring.h),
 *                above what their turns come to; or, if that is longer, how late a process was woken
 *                that only slept while the clients contended
 *   alone        what one client gets done alone, just before and just after
 *
 * Run by scripts/bench-contention.sh under `devmap run`, with a driver that has this hold.
 *
 * usage: contention [--json] [--seconds S] [--clients N] DEVICE hold US | overhead PERCENT
 */
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../drivers/xfb.h"
#include "crowd.h"
#include "ring.h"
#include "turns.h"

#define REST_NS	   50000 /* that every grant lasts at least */
#define ALONE_NS   400000000
#define PAIR_NS	   300000000
#define ROUNDS	   15  /* of everybody's turns, at least */
#define TURNS	   200 /* of which a switch is the median */
#define STORES	   64  /* in a burst */

#define WAIT_GOAL  1.5
#define FAIR_GOAL  0.99
#define SHARE_GOAL 0.95 /* eight clients, with an overhead of 4 % */

static const int crowds[] = { 2, 4, 8, 16, 32 };

static struct {
	bool json;
	double seconds; /* of a row, at least */
	int clients;	/* the only row; 0: all */
	bool overhead;
	uint64_t asked;	       /* ns, or percent */
	uint64_t hold, change; /* ns; hold: 0 if it is the engine's choice; change: the switch */
} run = { .seconds = 1.5 };

struct row {
	int clients;
	uint64_t turn, longest, promised, delay; /* ns */
	double ratio, share, fairness;
	uint64_t wrong;
};

/*
 * Clients. Each knows what it has left in its registers, whoever had the device since.
 */

static volatile uint32_t *regs;
static uint32_t name, count;

static void client_begin(struct crowd *c, int i)
{
	(void)c;
	regs = map_registers();
	name = 0x636c6900 + (uint32_t)i;
	regs[XFB_FOREGROUND / 4] = name;
	regs[XFB_LOCAL / 4] = count;
}

/* The first load waits for the turn, unless this client has the device still. */
static void client_burst(struct crowd *c, int i)
{
	struct tally *t = &c->tally[i];
	const uint64_t before = now_ns();

	t->wrong += regs[XFB_LOCAL / 4] != count;
	for (int n = 0; n < STORES; n++) {
		regs[XFB_LOCAL / 4] = ++count;
		t->wrong += regs[XFB_LOCAL / 4] != count;
	}
	t->wrong += regs[XFB_FOREGROUND / 4] != name;
	crowd_stood(c, i, now_ns() - before);
	if (!atomic_load(&c->stop))
		t->work++;
}

static const struct part client = { client_begin, client_burst };

/* What takes longer than this was a wait for a turn, if turns last so long. */
static uint64_t least_wait(uint64_t hold)
{
	return (hold > REST_NS ? hold : REST_NS) / 2;
}

/* The hold; with an overhead, what it is for the median switch: most cost more among many clients. */
static uint64_t least_hold(void)
{
	return run.overhead ? run.change * (100 - run.asked) / run.asked : run.hold;
}

static struct crowd *contend(int n, uint64_t ns)
{
	struct crowd *c = crowd_new(n, least_wait(least_hold()));

	crowd_run(c, &client, ns, NULL, NULL);
	return c;
}

/*
 * What a turn is.
 */

/* In a process of its own, which ends with its mapping and its place on a CPU. */
static void switch_begin(struct crowd *c, int i)
{
	uint64_t *times = times_alloc(TURNS);
	cpu_set_t all;

	/* Nobody comes back before the hold is over: 4 % make one of 24 switches. */
	turns_apart_ns = (run.overhead ? 5000000 : run.hold) + 2 * REST_NS;
	sched_getaffinity(0, sizeof(all), &all);
	turns_run(&store_turn, 0, CPU_ISSET(1, &all) ? 1 : 0, TURNS, times);
	crowd_stood(c, i, (uint64_t)(us_at(times, TURNS, 50) * 1000));
}

static void no_burst(struct crowd *c, int i)
{
	(void)c;
	(void)i;
}

static uint64_t median_switch(void)
{
	const struct part pair = { switch_begin, no_burst };
	struct crowd *c = crowd_new(1, 0);
	uint64_t ns;

	crowd_run(c, &pair, 0, NULL, NULL);
	ns = crowd_longest(c);
	crowd_free(c);
	return ns;
}

/*
 * Rows.
 */

/* What two hand over in the median. */
static uint64_t ring_change(uint64_t hold)
{
	struct crowd *c = crowd_new(2, least_wait(hold));
	uint64_t wait;

	ring_run(c, hold, PAIR_NS);
	wait = crowd_median_wait(c);
	crowd_free(c);
	return wait > hold ? wait - hold : 0;
}

/* A ring's longest wait, above that of its turns. */
static uint64_t scheduler_delay(int n, uint64_t hold, uint64_t ns)
{
	const uint64_t change = ring_change(hold);
	struct crowd *c = crowd_new(n, least_wait(hold));
	uint64_t longest, turns = (uint64_t)(n - 1) * (hold + change);

	ring_run(c, hold, ns);
	longest = crowd_longest(c);
	crowd_free(c);
	return longest > turns ? longest - turns : 0;
}

/* n clients for ns: what they get done together in a second; the rest is in *row. */
static double work_a_second(int n, uint64_t ns, struct row *row)
{
	struct crowd *c = contend(n, ns);
	const double rate = (double)crowd_work(c) / ((double)c->ran / 1e9);

	row->longest = crowd_longest(c);
	row->delay = c->late;
	row->fairness = crowd_fairness(c);
	row->wrong += crowd_wrong(c);
	row->turn = run.overhead ? c->ran / (crowd_waits(c) + 1) : run.hold + run.change;
	crowd_free(c);
	return rate;
}

static struct row measure(int n)
{
	const uint64_t rounds = (uint64_t)n * ROUNDS * (run.hold + run.change);
	const uint64_t least = (uint64_t)(run.seconds * 1e9);
	const uint64_t ns = rounds > least ? rounds : least;
	struct row row = { .clients = n };
	struct row other = row;
	uint64_t delay;
	double alone = work_a_second(1, ALONE_NS, &other);
	const double together = work_a_second(n, ns, &row);

	alone = (alone + work_a_second(1, ALONE_NS, &other)) / 2;
	row.share = alone > 0 ? together / alone : 0;
	row.wrong += other.wrong;
	row.promised = (uint64_t)(n - 1) * row.turn;
	delay = scheduler_delay(n, row.turn > run.change ? row.turn - run.change : 0, ns);
	if (delay > row.delay)
		row.delay = delay;
	if (row.longest > row.delay)
		row.ratio = (double)(row.longest - row.delay) / (double)row.promised;
	return row;
}

/*
 * What is shown.
 */

static void show_head(void)
{
	if (run.json)
		return;
	if (run.overhead)
		printf("a turn: a switch of %.3f ms, and a hold that makes it %lu %%\n",
		       (double)run.change / 1e6, (unsigned long)run.asked);
	else
		printf("a turn: a hold of %.3f ms and a switch of %.3f ms\n",
		       (double)run.hold / 1e6, (double)run.change / 1e6);
	printf("         longest      waiters   scheduler  (longest -       useful    Jain's    wrong\n"
	       "clients  wait, ms  x turn, ms         ms   scheduler)    share, %%     index   values\n"
	       "                                            / turns\n");
	printf("goal                                        %5.2f       %8s  %8.2f %8d\n",
	       WAIT_GOAL, run.overhead && run.asked == 4 ? "95 (8)" : "", FAIR_GOAL, 0);
}

static const char *mark(bool good)
{
	return good ? " " : "!";
}

static void show_row(const struct row *r)
{
	const bool judged = run.overhead && run.asked == 4 && r->clients == 8;

	printf("%7d %9.2f   %9.2f  %9.2f     %5.2f%s      %7.1f%s  %8.4f%s %7llu%s\n", r->clients,
	       (double)r->longest / 1e6, (double)r->promised / 1e6, (double)r->delay / 1e6,
	       r->ratio, mark(r->ratio <= WAIT_GOAL), r->share * 100,
	       mark(!judged || r->share >= SHARE_GOAL), r->fairness, mark(r->fairness >= FAIR_GOAL),
	       (unsigned long long)r->wrong, mark(r->wrong == 0));
	fflush(stdout);
}

static void show_json(const struct row *r)
{
	json_t *o = json_pack("{s:s, s:I, s:f, s:f, s:i, s:f, s:f, s:f, s:f, s:f, s:f, s:I}",
			      "asked", run.overhead ? "overhead, percent" : "hold, ns", "value",
			      (json_int_t)run.asked, "turn_ms", (double)r->turn / 1e6, "switch_ms",
			      (double)run.change / 1e6, "clients", r->clients, "longest_ms",
			      (double)r->longest / 1e6, "promised_ms", (double)r->promised / 1e6,
			      "scheduler_ms", (double)r->delay / 1e6, "ratio", r->ratio, "share",
			      r->share, "fairness", r->fairness, "wrong", (json_int_t)r->wrong);

	if (o == NULL || json_dumpf(o, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6)) != 0)
		fprintf(stderr, "contention: cannot write JSON\n");
	printf("\n");
	fflush(stdout);
	json_decref(o);
}

static int usage(void)
{
	fprintf(stderr, "usage: contention [--json] [--seconds S] [--clients N] DEVICE "
			"hold US | overhead PERCENT\n");
	return 2;
}

static bool parse(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "clients", required_argument, NULL, 'c' },
		{ "seconds", required_argument, NULL, 's' },
		{ NULL, 0, NULL, 0 },
	};
	char *end = NULL;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'j')
			run.json = true;
		else if (c == 'c')
			run.clients = (int)strtol(optarg, &end, 10);
		else if (c == 's')
			run.seconds = strtod(optarg, &end);
		if (c == '?' || (end != NULL && *end != '\0'))
			return false;
	}
	if (run.seconds <= 0 || run.clients < 0 || run.clients == 1 || run.clients > CROWD_MAX)
		return false;
	if (argc - optind != 3)
		return false;
	turns_device = argv[optind];
	run.overhead = strcmp(argv[optind + 1], "overhead") == 0;
	run.asked = strtoul(argv[optind + 2], &end, 10) * (run.overhead ? 1 : 1000);
	if (*end != '\0' || (run.overhead && (run.asked == 0 || run.asked >= 100)))
		return false;
	return run.overhead || strcmp(argv[optind + 1], "hold") == 0;
}

static uint64_t show(int n)
{
	const struct row row = measure(n);

	(run.json ? show_json : show_row)(&row);
	return row.wrong;
}

int main(int argc, char **argv)
{
	uint64_t wrong = 0;

	if (!parse(argc, argv))
		return usage();
	run.hold = run.overhead ? 0 : run.asked < REST_NS ? REST_NS : run.asked;
	run.change = median_switch();
	show_head();
	if (run.clients != 0)
		return show(run.clients) > 0;
	for (size_t i = 0; i < sizeof(crowds) / sizeof(crowds[0]); i++)
		wrong += show(crowds[i]);
	return wrong > 0;
}
