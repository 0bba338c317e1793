/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rates.h"
#include "status.h"

/*
 * What was before.
 */

/* The same engine's device; NULL: it was not there. */
static json_t *device_before(json_t *before, json_t *now)
{
	json_t *o;
	size_t i;

	json_array_foreach(before, i, o)
	{
		if (strcmp(status_text(o, "name"), status_text(now, "name")) == 0 &&
		    strcmp(status_text(o, "engine"), status_text(now, "engine")) == 0 &&
		    status_integer(o, "engine_pid") == status_integer(now, "engine_pid"))
			return o;
	}
	return NULL;
}

/* One that has a context of its own, and others that it shares, is a member with each. */
static json_t *process_of(json_t *group, json_t *member)
{
	json_t *o;
	size_t i;

	json_array_foreach(json_object_get(group, "members"), i, o)
	{
		if (status_integer(o, "pid") == status_integer(member, "pid") &&
		    status_integer(o, "share") == status_integer(member, "share"))
			return o;
	}
	return NULL;
}

/* By how much a number has grown each second; UNKNOWN, too, if it is another thing's. */
static double growth(json_t *before, json_t *now, const char *name, double seconds)
{
	double a = json_number_value(json_object_get(before, name)),
	       b = json_number_value(json_object_get(now, name));

	return before == NULL || b < a || seconds <= 0 ? UNKNOWN : (b - a) / seconds;
}

/* A time in us, as per cent of the time that has passed. */
static double share(json_t *before, json_t *now, const char *name, double seconds)
{
	double us = growth(before, now, name, seconds);

	if (us < 0)
		return UNKNOWN;
	return us > 1e6 ? 100.0 : us / 1e4;
}

/*
 * What is now.
 */

static void fill_process(struct rates_process *p, json_t *before, json_t *now, double seconds)
{
	p->pid = status_integer(now, "pid");
	p->command = status_text(now, "command");
	p->owned = share(before, now, "owned_us", seconds);
	p->waits = growth(before, now, "waits", seconds);
	p->waiting = status_integer(now, "waiting");
	p->mappings = status_integer(now, "mappings");
	p->locked = status_integer(now, "locked");
}

static int by_share(const void *a, const void *b)
{
	const struct rates_process *x = a, *y = b;

	if (x->sharer != y->sharer)
		return x->sharer ? 1 : -1;
	if (x->owned != y->owned)
		return x->owned < y->owned ? 1 : -1;
	return (x->pid > y->pid) - (x->pid < y->pid);
}

/* sharers: NULL but for the first group of a device. */
static bool fill_processes(struct rates_group *g, json_t *before, json_t *now, json_t *sharers,
			   double seconds)
{
	json_t *members = json_object_get(now, "members"), *o;
	size_t i;

	g->processes = calloc(json_array_size(members) + json_array_size(sharers) + 1,
			      sizeof(*g->processes));
	if (g->processes == NULL)
		return false;
	json_array_foreach(members, i, o)
	{
		struct rates_process *p = &g->processes[g->nprocesses++];

		fill_process(p, process_of(before, o), o, seconds);
		p->owner = status_owns(now, o);
	}
	json_array_foreach(sharers, i, o)
	{
		struct rates_process *p = &g->processes[g->nprocesses++];

		fill_process(p, NULL, o, seconds);
		p->sharer = true;
	}
	qsort(g->processes, g->nprocesses, sizeof(*g->processes), by_share);
	return true;
}

/* From one answer to the next, by the engine's clock; 0: there is none before, or it is the same. */
static double seconds_between(json_t *before, json_t *now)
{
	long long us = status_integer(now, "time_us") - status_integer(before, "time_us");

	return before != NULL && us > 0 ? (double)us / 1e6 : 0;
}

static void fill_group(struct rates_group *g, json_t *before, json_t *now, double seconds)
{
	status_owner(now, g->owner, sizeof(g->owner));
	g->switches = growth(before, now, "switches", seconds);
	g->lost = share(before, now, "switch_us", seconds);
	g->p50 = status_quantile(now, "wait", "p50_us");
	g->p99 = status_quantile(now, "wait", "p99_us");
	g->waiters = status_integer(now, "waiters");
	g->mappings = status_integer(now, "mappings");
}

static bool has_word(const struct rates_group *g, const char *word)
{
	if (strstr(g->device, word) != NULL)
		return true;
	for (size_t i = 0; i < g->nprocesses; i++)
		if (strstr(g->processes[i].command, word) != NULL)
			return true;
	return false;
}

/* Adds the groups of a device: one at least. false: no memory. */
static bool add_device(struct rates *r, json_t *before, json_t *now, const char *word)
{
	json_t *groups = json_object_get(now, "groups");
	const size_t n = json_array_size(groups);
	struct rates_group *more =
		realloc(r->groups, (r->n + (n > 0 ? n : 1)) * sizeof(*r->groups));

	if (more == NULL)
		return false;
	r->groups = more;
	before = json_object_get(device_before(before, now), "groups");
	for (size_t i = 0; i == 0 || i < n; i++) {
		struct rates_group *g = &r->groups[r->n];
		json_t *was = json_array_get(before, i), *is = json_array_get(groups, i);
		const double seconds = seconds_between(was, is);

		memset(g, 0, sizeof(*g));
		g->device = status_text(now, "name");
		g->engine = status_text(now, "engine");
		g->number = (unsigned)i;
		fill_group(g, was, is, seconds);
		if (!fill_processes(g, was, is, i == 0 ? json_object_get(now, "shared") : NULL,
				    seconds))
			return false;
		if (has_word(g, word))
			r->n++;
		else
			free(g->processes);
	}
	return true;
}

/*
 * The order.
 */

static int most(double x, double y)
{
	return (x < y) - (x > y);
}

static int by_order(const void *a, const void *b, void *arg)
{
	const struct rates_group *x = a, *y = b;
	int order = 0;

	switch (*(enum rates_order *)arg) {
	case BY_OWNER:
		order = strcmp(x->owner, y->owner);
		break;
	case BY_WAITERS:
		order = most((double)x->waiters, (double)y->waiters);
		break;
	case BY_SWITCHES:
		order = most(x->switches, y->switches);
		break;
	case BY_LOST:
		order = most(x->lost, y->lost);
		break;
	case BY_WAIT:
		order = most(x->p99, y->p99);
		break;
	default:
		break;
	}
	if (order == 0)
		order = strcmp(x->device, y->device);
	if (order == 0)
		order = strcmp(x->engine, y->engine);
	return order != 0 ? order : (x->number > y->number) - (x->number < y->number);
}

struct rates *rates_make(json_t *before, json_t *now, enum rates_order order, const char *word)
{
	struct rates *r = calloc(1, sizeof(*r));
	json_t *o;
	size_t i;

	if (r == NULL)
		return NULL;
	r->of = json_incref(now);
	json_array_foreach(now, i, o)
	{
		if (!add_device(r, before, o, word)) {
			rates_free(r);
			return NULL;
		}
	}
	if (r->n > 0)
		qsort_r(r->groups, r->n, sizeof(*r->groups), by_order, &order);
	return r;
}

void rates_free(struct rates *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < r->n; i++)
		free(r->groups[i].processes);
	free(r->groups);
	json_decref(r->of);
	free(r);
}
