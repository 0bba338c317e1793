/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The same turns without a device: what waking one another costs them on this machine as it is.
 *
 * A server and its clients hand a token round. As with the user engine, the server sleeps until the
 * holder's time is over, takes the token away from under it, wakes the next one, and goes on when
 * that one runs: the same wake-ups, in the same order, of as many processes.
 */
#ifndef BENCH_RING_H
#define BENCH_RING_H

#include "crowd.h"

/* c's processes in a ring for ns; each holds the token for hold ns at a time. */
void ring_run(struct crowd *c, uint64_t hold, uint64_t ns);

#endif
