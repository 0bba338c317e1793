/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What the user engine writes down while somebody traces it: the probes of core/probe.h, in a ring that
 * the reader maps. Private to devmap: not installed.
 *
 * The reader asks with DM_TRACE for the ring's descriptor, and again before DM_TRACE_LEASE_NS have passed:
 * the engine writes for so long after it was asked last. It waits for no reader. Events are numbered from 0
 * on; number n lies in slot n mod DM_TRACE_SLOTS until another takes its place.
 *
 * A slot's state is 2 (n + 1) when it holds event n, and odd while it is being written. The reader looks at
 * it before and after it copies the event: if it has changed, or is not what it should be, the event is
 * lost. A writer that finds its slot still being written by another leaves it at that, and its event is lost: so none is ever mixed.
 */
#ifndef DEVMAP_TRACE_H
#define DEVMAP_TRACE_H

#include <stdatomic.h>
#include <stdint.h>

#define DM_TRACE_SLOTS	  65536u
#define DM_TRACE_LEASE_NS 3000000000

/* An event, as words: all are atomic, since a reader may look at any time. */
enum dm_trace_word {
	DM_TRACE_TIME,	/* CLOCK_MONOTONIC, ns */
	DM_TRACE_KIND,	/* enum probe_kind | type << 8 | rw << 16 */
	DM_TRACE_WHO,	/* pid << 32 | instance */
	DM_TRACE_OTHER, /* other << 32 | result */
	DM_TRACE_OFF,
	DM_TRACE_LEN,
	DM_TRACE_WAITED,
	DM_TRACE_TOOK,
	DM_TRACE_WORDS
};

struct dm_trace_slot {
	_Atomic uint64_t state;
	_Atomic uint64_t word[DM_TRACE_WORDS];
};

struct dm_trace_ring {
	_Atomic uint64_t next; /* the number of the next event */
	char driver[64];       /* an engine has one */
	int32_t engine;	       /* its pid, as its status says */
	struct dm_trace_slot slot[DM_TRACE_SLOTS];
};

#endif
