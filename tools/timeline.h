/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A timeline of what happened to devices, from the engines' probes (core/probe.h), in the JSON of Chrome's
 * trace viewer, which ui.perfetto.dev opens. It has
 *
 *   for each device    who owned it, and each switch
 *   for each process   what it waited for and owned of each device, and what was done for it: loads, unloads,
 *                      forks, unmaps
 *   arrows             from the beginning of a wait to the switch that ended it
 *
 * An event is written when it is over, so the file is in no order; viewers sort.
 */
#ifndef DEVMAP_TOOLS_TIMELINE_H
#define DEVMAP_TOOLS_TIMELINE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "../core/probe.h"

/* e.driver lasts as long as the timeline. */
struct traced {
	uint64_t time; /* CLOCK_MONOTONIC, ns */
	pid_t engine;  /* as its status says; 0: the kernel's */
	struct probe_event e;
};

struct timeline;

/* From `start` on, ns. NULL: no memory. */
struct timeline *timeline_open(FILE *out, uint64_t start);
/*
 * Only devices that one of these names is of; n 0: all. They last as long as the timeline. To be called before:
 */
void timeline_only(struct timeline *t, char *const *names, size_t n);
/*
 * What the engines say at the start (status_collect()): the names of devices and processes, and who owns what.
 */
void timeline_names(struct timeline *t, json_t *all);
/* In the order of their times, as far as they are of one device. */
void timeline_add(struct timeline *t, const struct traced *e);
/* Ends what goes on still, and the file. Returns the number of devices that had events. */
unsigned timeline_close(struct timeline *t, uint64_t end);

#endif
