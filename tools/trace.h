/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Where devmap trace has its events from: trace_user.c the user engines, trace_kernel.c the kernel's. */
#ifndef DEVMAP_TOOLS_TRACE_H
#define DEVMAP_TOOLS_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "devmap.h"
#include "timeline.h"

/* Events that have been read, and are not in the timeline yet. */
struct gathered {
	struct traced *events;
	size_t n, room;
	uint64_t lost; /* by the engines, and for want of memory here */
};
void gather(struct gathered *g, const struct traced *e);

/* The driver's name, to last: one copy of each. "?": no memory. */
const char *driver_named(const char *name);

/*
 * Both: begin (again: there may be new engines, and old ones want to be told that somebody is there still),
 * take what there is, and end. complain says, once for each, what is not to be had.
 */
void trace_user_ask(const struct device_dirs *dirs);
void trace_user_read(struct gathered *g, bool last);

/* False: there is no kernel engine, or, said, it cannot be traced. */
bool trace_kernel_begin(void);
void trace_kernel_read(struct gathered *g);
void trace_kernel_end(struct gathered *g);

#endif
