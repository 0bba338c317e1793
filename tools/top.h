/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* devmap top: what its two ways of showing have in common. */
#ifndef DEVMAP_TOOLS_TOP_H
#define DEVMAP_TOOLS_TOP_H

#include <stddef.h>

#include "devmap.h"
#include "rates.h"

#define TOP_LINE 160

struct top {
	struct device_dirs dirs;
	double interval; /* seconds */
	enum rates_order order;
	char word[32];	      /* the filter; "" is all */
	char trouble[256];    /* what was said while asking; "" is nothing */
	json_t *before, *now; /* the last two answers; NULL: there is none */
};

/* Asks the engines. 0, or -1: it cannot go on; `trouble` says why. */
int top_ask(struct top *t);
/* What they said. NULL: no memory; `trouble` says so. The caller frees it. */
struct rates *top_rates(struct top *t);
double top_now(void); /* monotonic, seconds */

extern const char *const top_orders[RATES_ORDERS]; /* their names */
/* Titles and rows, without an end of line. */
void top_titles(char line[TOP_LINE]);
void top_group(const struct rates_group *g, char line[TOP_LINE]);
void top_process_titles(char line[TOP_LINE]);
void top_process(const struct rates_process *p, char line[TOP_LINE]);

/* The live screen, until the user leaves it. The exit status. */
int top_screen(struct top *t);

#endif
