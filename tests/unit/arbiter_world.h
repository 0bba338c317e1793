/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A small world around core/arbiter.c, for test_arbiter.c: a few processes with one or two mapped
 * pages each, everything that can happen to them, and an oracle that says after every event whether
 * the arbiter kept its rules.
 *
 *   arbiter_world.c    what can happen, and the oracle
 *   arbiter_code.c     a world as a few bits, the same for all worlds that behave alike
 *   arbiter_explore.c  all worlds that can be reached, and the cycles among them
 */
#ifndef DEVMAP_TESTS_ARBITER_WORLD_H
#define DEVMAP_TESTS_ARBITER_WORLD_H

#include <stdbool.h>
#include <sys/types.h>
#include "arbiter.h"

#define PROCS	   3
#define PAGES	   2 /* of a process; each has at most one request */
#define ENCORE_MAX 2

/* What may happen in a world besides requests, grants and time. */
enum feature {
	F_POSTPONE = 1 << 0,	/* requests may be postponed, and dropped once released */
	F_CANCEL = 1 << 1,	/* threads take signals */
	F_FAIL = 1 << 2,	/* callbacks fail */
	F_LOCK = 1 << 3,	/* pages are locked and unlocked */
	F_UNMAP = 1 << 4,	/* single pages are unmapped, and mapped again */
	F_EXIT = 1 << 5,	/* processes exit, and others come */
	F_LATE = 1 << 6,	/* time passes without arb_step() being called */
	F_INSTRUCTION = 1 << 7, /* process 0 executes an instruction that needs two pages */
};

/* One configuration. Times are in units: small, because only their order matters. */
struct config {
	const char *name;
	int procs, pages, pages0; /* pages0: of process 0 */
	hrtime_t hold;		  /* of grants that hold; 0: there are none */
	hrtime_t rest, lock_limit;
	unsigned int features;
	hrtime_t cost;	   /* of a switch */
	uint32_t overhead; /* percent; not 0: grants that hold do so by these terms */
};

/* What the oracle checks, and the names of the tests. */
#define VIOLATIONS(V)                                                                         \
	V(TURNS, "C5 at most one request has the turn")                                       \
	V(OWNER, "C5 the owner is the process that was granted last")                         \
	V(HOLD, "C6 no other process has the turn inside a hold")                             \
	V(TERMS, "X2 a hold is what makes switching the share of time that was asked for")    \
	V(OWNER_WAITS, "C6 the owner waits for nothing but a turn or used up encores")        \
	V(GONE, "C7 a process that is gone leaves nothing behind")                            \
	V(FAILED, "C7 a failed callback changes neither owner nor hold")                      \
	V(REST, "C8 no other process has the turn before the owner has rested")               \
	V(FIFO, "C8 first come, first served among those that may go")                        \
	V(PLACE, "C8 a request keeps its place when it leaves and comes back")                \
	V(ENCORE, "C8 the owner goes before waiters only encore_max times in a row")          \
	V(LEFT, "C8 no waiter is left behind while the device is free")                       \
	V(UNTIL, "C8 arb_step names the time when somebody may go")                           \
	V(PROGRESS, "C8 an instruction that needs two pages completes")                       \
	V(NEAR, "C8 arb_near is true of the first of a class")                                \
	V(POSTPONED, "C10 a postponed request never has the turn")                            \
	V(RELEASED, "C10 a released request keeps its place and holds nobody up")             \
	V(FORGOTTEN, "C10 the first postponed request is released")                           \
	V(ALONE, "C8 time alone decides for nobody unless a released request is outstanding") \
	V(PACE, "C10 postponed requests are released one after the other")                    \
	V(LOCK, "C13 no other process has the turn while pages are locked")                   \
	V(LOCK_COUNT, "C13 the owner locks and unlocks, and nobody else")                     \
	V(LOCK_LIMIT, "C13 locks end at the limit, and their process is named")               \
	V(QUEUES, "the queues hold all that wait, by ticket")                                 \
	V(ASSERTION, "no assertion of the arbiter fails")                                     \
	V(CODE, "every state of the arbiter can be encoded")

#define V_ENUM(name, text) V_##name,
enum violation { VIOLATIONS(V_ENUM) NVIOLATIONS };

/* What the oracle knows by the rules, without looking into the arbiter. */
struct oracle {
	int owner;		       /* -1: nobody */
	hrtime_t hold, rest, lock_end; /* ends */
	hrtime_t pace[2];	       /* no release before; of others, of the owner */
	unsigned int locks, encores;
	bool told;  /* what a switch costs is known */
	bool share; /* the last grant's terms gave a share of time */
};

struct world {
	struct arb a;
	struct arb_req r[PROCS][PAGES];
	hrtime_t now;
	struct oracle o;
	bool mapped[PROCS][PAGES];
	unsigned int place[PROCS][PAGES]; /* in the order of first asking; 0: none */
	unsigned int last_place;
	bool late; /* time has passed behind the arbiter's back */
	/* With F_INSTRUCTION: */
	bool wake[PROCS]; /* granted, and its thread not woken yet */
	bool wants;	  /* process 0 is inside its instruction */
	bool have[PAGES]; /* granted to it, and nobody else granted since */
	bool lag;	  /* a unit has passed since its thread could act */
	/* Result of the last event: a bit for each enum violation. */
	uint32_t violations;
};

enum event_kind {
	EV_TICK,
	EV_LATE,
	EV_BEGIN,
	EV_EXIT,
	EV_WOKEN,
	EV_LOCK,
	EV_UNLOCK, /* of a process */
	EV_ASK,
	EV_ASK_POSTPONED,
	EV_GRANT,
	EV_GRANT_HOLD,
	EV_FAIL,
	EV_CANCEL,
	EV_DROP,
	EV_UNMAP,
	EV_MAP, /* of a page */
	EV_KINDS
};

struct event {
	uint8_t kind, p, i;
};

#define MAX_EVENTS (3 + 4 * PROCS + 9 * PROCS * PAGES)

/* arbiter_world.c */
extern bool world_verbose; /* print what happens, as TAP diagnostics */
void world_init(struct world *w, const struct config *c);
int world_events(const struct config *c, struct event *out);
bool world_enabled(const struct world *w, const struct config *c, struct event e);
void world_apply(struct world *w, const struct config *c, struct event e);
const void *world_proc(int p);

/* arbiter_code.c */
struct code {
	uint64_t word[2]; /* how they are shared out: world_encode() */
};
/* False if a value does not fit, which a world of a correct arbiter never has. */
bool world_encode(const struct world *w, const struct config *c, struct code *out);
void world_decode(struct world *w, const struct config *c, struct code code);
bool code_wants(struct code code);

/* arbiter_explore.c */
struct result {
	uint32_t states, transitions, wanting;
	uint32_t violations; /* a bit for each enum violation */
};
struct result explore(const struct config *c);
/* Does a world that was never encoded do what its encoded and decoded twin may do? */
bool explore_twins(const struct config *c, unsigned int steps, unsigned int seed);

#endif
