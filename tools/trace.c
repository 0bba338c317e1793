/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* devmap trace: what happens to the devices, as a timeline to be looked at in ui.perfetto.dev. */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <devmap/trace.h>

#include "status.h"
#include "trace.h"

static const char help[] =
	"usage: devmap trace [--dir DIR] [--seconds N] [-o FILE] [DEVICE]...\n"
	"Writes down who owns devices, who waits for them, and what their drivers do, until ^C.\n"
	"  -o FILE        where to (default: devmap-trace.json; -: standard output).\n"
	"                 https://ui.perfetto.dev shows it\n"
	"  --seconds N    for so long\n"
	"  --dir DIR      where the devices are (as for devmap list)\n"
	"  DEVICE         only these\n";

#define NS	    1000000000u
#define LOOK_NS	    20000000u  /* from one look at the rings to the next */
#define SETTLED_NS  100000000u /* what is older has come, from every engine */
#define ASK_NS	    NS	       /* from one word to the engines to the next */
#define SECONDS_MAX 86400

struct trace {
	struct device_dirs dirs;
	const char *file;
	double seconds; /* 0: until a signal */
	struct timeline *timeline;
	struct gathered gathered;
	uint64_t events;
};

static volatile sig_atomic_t stopped;

static void stop(int sig)
{
	(void)sig;
	stopped = 1;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS + (uint64_t)t.tv_nsec;
}

const char *driver_named(const char *name)
{
	static struct named {
		struct named *next;
		char name[64];
	} * all;
	struct named *n;

	for (n = all; n != NULL; n = n->next)
		if (strncmp(n->name, name, sizeof(n->name) - 1) == 0)
			return n->name;
	n = calloc(1, sizeof(*n));
	if (n == NULL)
		return "?";
	snprintf(n->name, sizeof(n->name), "%s", name);
	n->next = all;
	all = n;
	return n->name;
}

void gather(struct gathered *g, const struct traced *e)
{
	if (g->n == g->room) {
		const size_t room = g->room * 2 + 1024;
		struct traced *more = realloc(g->events, room * sizeof(*more));

		if (more == NULL) {
			g->lost++;
			return;
		}
		g->events = more;
		g->room = room;
	}
	g->events[g->n++] = *e;
}

static int by_time(const void *a, const void *b)
{
	const struct traced *x = a, *y = b;

	return (x->time > y->time) - (x->time < y->time);
}

/* Into the timeline, in order, what is older than `until`. */
static void settle(struct trace *t, uint64_t until)
{
	struct gathered *g = &t->gathered;
	size_t n = 0;

	if (g->n == 0)
		return;
	qsort(g->events, g->n, sizeof(g->events[0]), by_time);
	while (n < g->n && g->events[n].time < until)
		timeline_add(t->timeline, &g->events[n++]);
	g->n -= n;
	memmove(g->events, g->events + n, g->n * sizeof(g->events[0]));
	t->events += n;
}

static void name_all(struct trace *t)
{
	json_t *all = status_collect(&t->dirs, status_complain, (void *)"trace");

	if (all != NULL)
		timeline_names(t->timeline, all);
	json_decref(all);
}

/* Returns how long it was, in ns. */
static uint64_t watch(struct trace *t, FILE *out, uint64_t begun)
{
	const uint64_t until = t->seconds > 0 ? begun + (uint64_t)(t->seconds * NS) : UINT64_MAX;
	const struct timespec look = { .tv_nsec = LOOK_NS };
	uint64_t asked = begun, now = begun;

	while (!stopped && now < until && !ferror(out)) {
		(void)nanosleep(&look, NULL);
		now = now_ns();
		if (now - asked >= ASK_NS) {
			trace_user_ask(&t->dirs);
			if (now - asked >= DM_TRACE_LEASE_NS)
				fprintf(stderr,
					"devmap: trace: it was stopped for %.1f s, and nothing was written down\n",
					(double)(now - asked) / NS);
			asked = now_ns();
		}
		trace_user_read(&t->gathered, false);
		trace_kernel_read(&t->gathered);
		settle(t, now - SETTLED_NS);
	}
	trace_kernel_end(&t->gathered);
	trace_user_read(&t->gathered, true);
	settle(t, UINT64_MAX);
	return now_ns() - begun;
}

/* The exit status. */
static int trace_into(struct trace *t, FILE *out, char *const *names, size_t n)
{
	uint64_t begun, took;
	unsigned devices;
	bool bad;

	/* Engines begin before the clock of the timeline does: so it begins with all of them. */
	(void)trace_kernel_begin();
	trace_user_ask(&t->dirs);
	begun = now_ns();
	t->timeline = timeline_open(out, begun);
	if (t->timeline == NULL) {
		status_complain((void *)"trace", t->file, "", strerror(ENOMEM));
		trace_kernel_end(NULL);
		return 1;
	}
	timeline_only(t->timeline, names, n);
	name_all(t);
	fprintf(stderr, "devmap: trace: it goes on%s\n", t->seconds > 0 ? "" : " until ^C");
	took = watch(t, out, begun);
	devices = timeline_close(t->timeline, begun + took);
	bad = ferror(out) != 0 || fflush(out) != 0;
	if (bad)
		status_complain((void *)"trace", t->file, "", "it could not be written");
	fprintf(stderr, "devmap: trace: %llu events, %u device%s, %.1f s, %llu lost",
		(unsigned long long)t->events, devices, devices == 1 ? "" : "s", (double)took / NS,
		(unsigned long long)t->gathered.lost);
	fprintf(stderr, out == stdout ? "\n" : ": %s, for https://ui.perfetto.dev\n", t->file);
	return bad ? 1 : 0;
}

/* false: nonsense. */
static bool parse_seconds(const char *text, double *out)
{
	char *end;

	*out = strtod(text, &end);
	return end != text && *end == '\0' && isfinite(*out) && *out > 0 && *out <= SECONDS_MAX;
}

/* -1: go on; else the exit status. */
static int parse(struct trace *t, int argc, char **argv, const char **dir)
{
	static const struct option options[] = {
		{ "dir", required_argument, NULL, 'd' },
		{ "output", required_argument, NULL, 'o' },
		{ "seconds", required_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "o:", options, NULL)) != -1) {
		if (opt == 'd') {
			*dir = optarg;
		} else if (opt == 'o') {
			t->file = optarg;
		} else if (opt == 's' && parse_seconds(optarg, &t->seconds)) {
			continue;
		} else if (opt == 's') {
			fprintf(stderr,
				"devmap: trace: --seconds %s: it is more than 0, and at most %d\n",
				optarg, SECONDS_MAX);
			return 2;
		} else {
			fputs(help, opt == 'h' ? stdout : stderr);
			return opt == 'h' ? 0 : 2;
		}
	}
	return -1;
}

int cmd_trace(int argc, char **argv)
{
	const struct sigaction on_stop = { .sa_handler = stop };
	struct trace t = { .file = "devmap-trace.json" };
	const char *dir = NULL;
	int status = parse(&t, argc, argv, &dir);
	bool to_stdout = strcmp(t.file, "-") == 0;
	FILE *out;

	if (status >= 0)
		return status;
	device_dirs(&t.dirs, dir);
	out = to_stdout ? stdout : fopen(t.file, "we");
	if (out == NULL) {
		status_complain(argv[0], t.file, "", strerror(errno));
		return 1;
	}
	(void)sigaction(SIGINT, &on_stop, NULL);
	(void)sigaction(SIGTERM, &on_stop, NULL);
	(void)sigaction(SIGHUP, &on_stop, NULL);
	status = trace_into(&t, out, argv + optind, (size_t)(argc - optind));
	free(t.gathered.events);
	if (!to_stdout && fclose(out) != 0 && status == 0) {
		status_complain(argv[0], t.file, "", strerror(errno));
		status = 1;
	}
	return status;
}
