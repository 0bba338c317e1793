/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* devmap top: who has the devices, second by second. On a terminal see top_screen.c. */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "status.h"
#include "top.h"

static const char help[] =
	"usage: devmap top [--dir DIR] [--interval SECONDS] [--sort COLUMN] [--filter WORD] [--once]\n"
	"  --dir DIR            where the devices are (as for devmap list)\n"
	"  --interval SECONDS   time from one look to the next (default 1)\n"
	"  --sort COLUMN        device (default), owner, waiters, switches, lost or wait\n"
	"  --filter WORD        only devices whose name, or a process of which, has it\n"
	"  --once               one table on standard output, and end\n"
	"On a terminal: arrows and Enter open a device, s sorts, / filters, f freezes, q ends.\n";

const char *const top_orders[RATES_ORDERS] = { "device",   "owner", "waiters",
					       "switches", "lost",  "wait" };

/*
 * Asking.
 */

static void note_trouble(void *arg, const char *dir, const char *name, const char *why)
{
	struct top *t = arg;

	snprintf(t->trouble, sizeof(t->trouble), "%s%s%s: %s", dir, name[0] != '\0' ? "/" : "",
		 name, why);
}

double top_now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int top_ask(struct top *t)
{
	json_t *is;

	t->trouble[0] = '\0';
	is = status_collect(&t->dirs, note_trouble, t);
	if (is == NULL)
		return -1;
	json_decref(t->before);
	t->before = t->now;
	t->now = is;
	return 0;
}

struct rates *top_rates(struct top *t)
{
	struct rates *r = rates_make(t->before, t->now, t->order, t->word);

	if (r == NULL)
		snprintf(t->trouble, sizeof(t->trouble), "%s", strerror(ENOMEM));
	return r;
}

/*
 * Rows.
 */

/* A number in few places; "-": not known. */
static const char *number(double value, char buf[16])
{
	if (value < 0)
		snprintf(buf, 16, "-");
	else if (value < 10 && value > 0)
		snprintf(buf, 16, "%.1f", value);
	else if (value < 1e7)
		snprintf(buf, 16, "%.0f", value);
	else
		snprintf(buf, 16, "%.0fM", value / 1e6);
	return buf;
}

#define COLUMNS "%-14.14s %-6.6s %-22.22s %7s %9s %6s %9s %9s %8s"

void top_titles(char line[TOP_LINE])
{
	snprintf(line, TOP_LINE, COLUMNS, "DEVICE", "ENGINE", "OWNER", "WAITERS", "SWITCH/s",
		 "LOST%", "WAIT50us", "WAIT99us", "MAPPINGS");
}

void top_group(const struct rates_group *g, char line[TOP_LINE])
{
	char name[80], a[16], b[16], c[16], d[16], waiters[16], mappings[16];

	if (g->number > 0)
		snprintf(name, sizeof(name), "%s #%u", g->device, g->number + 1);
	else
		snprintf(name, sizeof(name), "%s", g->device);
	snprintf(waiters, sizeof(waiters), "%lld", g->waiters);
	snprintf(mappings, sizeof(mappings), "%lld", g->mappings);
	snprintf(line, TOP_LINE, COLUMNS, name, g->engine, g->owner, waiters,
		 number(g->switches, a), number(g->lost, b), number(g->p50, c), number(g->p99, d),
		 mappings);
}

#define PROCESS "  %-12.12s %-6s %-22.22s %7s %9s %6s %19s %8s"

void top_process_titles(char line[TOP_LINE])
{
	snprintf(line, TOP_LINE, PROCESS, "PID", "", "COMMAND", "WAITING", "WAITS/s", "OWNED%",
		 "LOCKED", "MAPPINGS");
}

void top_process(const struct rates_process *p, char line[TOP_LINE])
{
	const char *state = p->sharer ? "shares" : p->owner ? "owns" : p->waiting ? "waits" : "";
	char pid[16], waiting[16], locked[16], mappings[16], a[16], b[16];

	snprintf(pid, sizeof(pid), "%lld", p->pid);
	snprintf(waiting, sizeof(waiting), "%lld", p->waiting);
	snprintf(locked, sizeof(locked), "%lld", p->locked);
	snprintf(mappings, sizeof(mappings), "%lld", p->mappings);
	snprintf(line, TOP_LINE, PROCESS, pid, state, p->command, waiting, number(p->waits, a),
		 number(p->owned, b), locked, mappings);
}

/*
 * Without a screen.
 */

static void print_group(const struct rates_group *g)
{
	char line[TOP_LINE];

	top_group(g, line);
	puts(line);
	if (g->nprocesses == 0)
		return;
	top_process_titles(line);
	puts(line);
	for (size_t i = 0; i < g->nprocesses; i++) {
		top_process(&g->processes[i], line);
		puts(line);
	}
}

/* 0, or -1 where nothing more can be written. */
static int print(const struct top *t, const struct rates *r)
{
	char line[TOP_LINE];

	if (t->trouble[0] != '\0')
		fprintf(stderr, "devmap: top: %s\n", t->trouble);
	top_titles(line);
	puts(line);
	for (size_t i = 0; i < r->n; i++)
		print_group(&r->groups[i]);
	return fflush(stdout);
}

static void pause_for(double seconds)
{
	struct timespec t = { .tv_sec = (time_t)seconds,
			      .tv_nsec = (long)((seconds - floor(seconds)) * 1e9) };

	while (nanosleep(&t, &t) != 0 && errno == EINTR)
		;
}

/* The next table, an interval after the last answer. 0 or -1. */
static int print_next(struct top *t)
{
	struct rates *r;
	int status;

	pause_for(t->interval);
	r = top_ask(t) == 0 ? top_rates(t) : NULL;
	if (r == NULL) {
		fprintf(stderr, "devmap: top: %s\n", t->trouble);
		return -1;
	}
	status = print(t, r);
	rates_free(r);
	return status;
}

/* A table each interval, or only one. */
static int print_tables(struct top *t, bool once)
{
	if (top_ask(t) != 0) {
		fprintf(stderr, "devmap: top: %s\n", t->trouble);
		return 1;
	}
	if (once)
		return print_next(t) == 0 ? 0 : 1;
	while (print_next(t) == 0 && puts("") >= 0)
		;
	return 1;
}

/*
 * Options.
 */

enum { O_DIR = 1, O_INTERVAL, O_SORT, O_FILTER, O_ONCE, O_HELP };

static const struct option options[] = {
	{ "dir", required_argument, NULL, O_DIR },
	{ "interval", required_argument, NULL, O_INTERVAL },
	{ "sort", required_argument, NULL, O_SORT },
	{ "filter", required_argument, NULL, O_FILTER },
	{ "once", no_argument, NULL, O_ONCE },
	{ "help", no_argument, NULL, O_HELP },
	{ NULL, 0, NULL, 0 },
};

static int take_interval(struct top *t, const char *arg)
{
	char *end;

	t->interval = strtod(arg, &end);
	return end != arg && *end == '\0' && t->interval >= 0.1 && t->interval <= 3600 ? 0 : -1;
}

static int take_order(struct top *t, const char *arg)
{
	for (int i = 0; i < RATES_ORDERS; i++) {
		if (strcmp(arg, top_orders[i]) == 0) {
			t->order = (enum rates_order)i;
			return 0;
		}
	}
	return -1;
}

static int take_option(struct top *t, int opt, const char *arg)
{
	switch (opt) {
	case O_INTERVAL:
		return take_interval(t, arg);
	case O_SORT:
		return take_order(t, arg);
	case O_FILTER:
		return snprintf(t->word, sizeof(t->word), "%s", arg) < (int)sizeof(t->word) ? 0 :
											      -1;
	default:
		return -1;
	}
}

int cmd_top(int argc, char **argv)
{
	struct top t = { .interval = 1 };
	const char *dir = NULL;
	bool once = false;
	int opt, i, status;

	while ((opt = getopt_long(argc, argv, "", options, &i)) != -1) {
		if (opt == O_DIR) {
			dir = optarg;
		} else if (opt == O_ONCE) {
			once = true;
		} else if (opt == O_HELP || opt == '?') {
			fputs(help, opt == O_HELP ? stdout : stderr);
			return opt == O_HELP ? 0 : 2;
		} else if (take_option(&t, opt, optarg) != 0) {
			fprintf(stderr, "devmap: top: --%s: '%s' is not a value for it\n",
				options[i].name, optarg);
			return 2;
		}
	}
	if (optind != argc) {
		fputs(help, stderr);
		return 2;
	}
	device_dirs(&t.dirs, dir);
	if (once || isatty(STDOUT_FILENO) == 0)
		status = print_tables(&t, once);
	else
		status = top_screen(&t);
	json_decref(t.before);
	json_decref(t.now);
	return status;
}
