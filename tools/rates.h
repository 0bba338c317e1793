/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* How much goes on: what two answers of the engines, some time apart, say together. */
#ifndef DEVMAP_TOOLS_RATES_H
#define DEVMAP_TOOLS_RATES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define UNKNOWN (-1.0) /* a rate: there is no earlier answer to compare with */

/* A process that has mappings in a context group, or shares memory of the device. */
struct rates_process {
	long long pid;
	const char *command;
	bool owner, sharer;
	double owned; /* per cent of the time */
	double waits; /* a second */
	long long waiting, mappings, locked;
};

/* A context group of a device; a device that nobody has mapped is one as well. */
struct rates_group {
	const char *device, *engine;
	unsigned number; /* of the group, from 0 on */
	char owner[48];
	double switches; /* a second */
	double lost;	 /* per cent of the time, to switching */
	double p50, p99; /* us waited, since the group began */
	long long waiters, mappings;
	size_t nprocesses;
	struct rates_process *processes; /* who owned most goes first */
};

struct rates {
	size_t n;
	struct rates_group *groups;
	json_t *of; /* where its texts are */
};

enum rates_order { BY_DEVICE, BY_OWNER, BY_WAITERS, BY_SWITCHES, BY_LOST, BY_WAIT, RATES_ORDERS };

/*
 * What `now` says, and how much of it went on since `before`; before: NULL if there is none. Only
 * groups whose device, or one of whose processes' commands, contains `word`. Both are what
 * status_collect() returned. NULL: no memory.
 */
struct rates *rates_make(json_t *before, json_t *now, enum rates_order order, const char *word);
void rates_free(struct rates *r);

#endif
