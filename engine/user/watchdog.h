/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The supervisor's eye on an engine that serves calls through the kernel: ends the calls of clients that
 * are being killed, when the engine does not. See watch.h.
 *
 * Nothing is looked at, and nobody is woken, while nothing happens. A killed client's call is interrupted,
 * and the kernel says so on the connection. So a message is what begins a look: at most one each REST_MS,
 * whatever goes on, and none when the engine has read all and goes on working. One that has read the
 * interruption, and hangs then, has set a deadline before, which is ours to notice.
 */
#ifndef DEVMAP_ENGINE_USER_WATCHDOG_H
#define DEVMAP_ENGINE_USER_WATCHDOG_H

#include <linux/fuse.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "keeper.h"

struct connection;

struct watchdog {
	struct watch_area *area; /* NULL: the engine has not told us yet */
	uint32_t nslots;
	int deadline, check; /* its timers */
	struct connection *connections;
	unsigned nconnections;
	uint32_t messages, checks; /* as of the last look */
	int64_t look_at;	   /* when to look, in ms; 0: when something happens */
	bool overdue;		   /* the deadline has passed */
	uint64_t held; /* a call that was not ours to answer at the last look; 0: none */
};

/* Is the parcel for it? It takes the descriptors then. */
bool watchdog_take(struct watchdog *w, const struct parcel *p, const int *fds, unsigned nfds);
/*
 * The engine is dead, and another will have its connections: all its calls are answered, so that nobody waits
 * for it, and who made them makes them again (EINTR, and for open(2),
 * of which nobody can be asked, DM_AGAIN). fn is told of each, fh being what a release is of.
 */
void watchdog_answer(struct watchdog *w,
		     void (*fn)(void *arg, const struct fuse_in_header *in, uint64_t fh),
		     void *arg);
void watchdog_end(struct watchdog *w); /* the engine is dead */

/* What to poll for: the entries filled, or, with NULL, as many as there might be. */
nfds_t watchdog_poll(const struct watchdog *w, struct pollfd *fds);
int watchdog_patience(const struct watchdog *w); /* in ms; -1: no limit */
/*
 * Afterwards, with the same entries, which it leaves behind. Says what it does in the engine's name. False: the
 * engine must die, for a client that nothing else can end.
 */
bool watchdog_serve(struct watchdog *w, const struct pollfd **fds, const char *name);

#endif
