/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Who may have the device now: the arbiter of one context group.
 *
 * A pure state machine. It reads no clock, takes no lock, allocates nothing and calls nobody:
 * events come in with the time at which they happened, decisions come out of arb_step(). The
 * caller (group.c) serialises all calls for one arbiter with the group's mutex. Being pure, it can
 * be explored: tests/unit/test_arbiter.c walks every reachable state of this very code.
 *
 * A process is here whose context it is (member_owner()): an address space, or a share, which is
 * several of them with one context (X5). It is only compared, has as many requests as it likes, and
 * is gone when the last mapping of all of them is. So to the rules a process of a share is what a
 * thread, or a page, of a process is.
 *
 * The rules (clauses of doc/contract.md in brackets):
 *  R1  At most one request has the turn: its devmap_contextmgt(9E) runs or may run.          [C5]
 *  R2  Requests of the owner go before all others; within each class, first come first
 *      served, by ticket. A request keeps its ticket when it leaves and queues again, until
 *      its callback has run.                                                                 [C8]
 *  R3  Until `hold_until`, `rest_until` and the end of its locks, nobody but the owner gets
 *      the turn.                                                                       [C6, C13]
 *  R4  The owner waits for nothing but a turn that is taken.                                 [C6]
 *  R5  The owner's requests go before waiters, and prolong its hold and rest, at most
 *      `encore_max` times in a row while another process waits; then they prolong nothing, and
 *      queue like everybody's as soon as the others may go (R4 still holds until then). Turns
 *      are counted, successful or not. So an owner that faults for ever, because its driver
 *      keeps unloading it or fails, starves nobody. A grant never shortens a hold: the
 *      owner's handles may ask for different ones.                                            [C8]
 *  R6  A failed callback changes neither owner nor hold.                                      [C7]
 *  R7  An owner without mappings is no owner: hold, rest and locks end.                       [C7]
 *  R8  A grant lasts at least `rest_ns`, and again from the moment its thread was woken, so that
 *      an instruction that needs several pages gets them all. R5 limits this too.             [C8]
 *  R9  A postponed request (nobody's thread waits in it) never has the turn. When it is the
 *      first of its class, it is released: it leaves the queue with its ticket, to be asked
 *      again by a thread. No thread waits for it meanwhile. The next of the class that it was
 *      released from is released when it has come back, or has been answered without asking
 *      again; otherwise, as nobody waits for the released, all would be released at once. A
 *      thread may also sleep in its driver in between: after `release_ns` (of the owner's class
 *      `rest_ns`) the next one is released without it. So time alone decides for nobody unless
 *      a released request is outstanding.                                               [C8, C10]
 *  R10 Locks end at `lock_limit` after the first was taken. Unlocking and locking again gains
 *      no time while others wait and none has had the turn; past the limit a lock is refused.
 *      So is one while another process has the turn: the device is being taken away.         [C13]
 *  R11 A hold is as long as the grant's terms say; or, where they give a share of the time that
 *      switching may take, as long as makes the smoothed cost of a switch that share of cost and
 *      hold together. A switch costs what passes from the turn until the program's thread is
 *      woken: that our own thread had to be woken for it stands for what the program's needs
 *      then. Such a hold lasts from there.                                                  [X2]
 *
 * Times are nanoseconds of one monotonic clock; ARB_NEVER is later than all of them.
 */
#ifndef DEVMAP_CORE_ARBITER_H
#define DEVMAP_CORE_ARBITER_H

#include <sys/types.h>

#define ARB_NEVER      INT64_MAX
#define ARB_REST_NS    50000	 /* 50 us, contract C8 */
#define ARB_RELEASE_NS 100000000 /* 100 ms: a released thread that long away sleeps */
#define ARB_ENCORE_MAX 16
#define ARB_SMOOTHING  32 /* a switch's cost is the average of about so many */

enum arb_state {
	ARB_IDLE,      /* not queued */
	ARB_WAITING,   /* a thread waits in it */
	ARB_POSTPONED, /* queued, but no thread waits in it */
	ARB_TURN,      /* its callback may run */
};

/* Which queue a request was released from, and is outstanding of. */
enum arb_released {
	ARB_NOT_RELEASED,
	ARB_FROM_OWN,
	ARB_FROM_OTHERS,
};

struct arb_req {
	struct arb_req *next, *prev; /* the queue, by ticket */
	const void *proc;	     /* who asks */
	uint64_t ticket;	     /* 0: none drawn yet */
	enum arb_state state;
	enum arb_released released; /* and neither back nor answered yet */
};

struct arb_queue {
	struct arb_req *head, *tail; /* waiting and postponed requests, by ticket */
	hrtime_t release_at;	     /* nobody is released before; 0: none is outstanding */
};

struct arb {
	struct arb_queue own;	 /* the owner's: found at once, however many others wait */
	struct arb_queue others; /* everybody else's */
	struct arb_req *turn;	 /* who has the turn, or NULL */
	const void *owner;	 /* process last granted and not gone, or NULL */
	hrtime_t hold_until;
	hrtime_t rest_until;
	hrtime_t hold_ns;    /* of the last grant */
	uint32_t overhead;   /* of the last grant's terms */
	hrtime_t switch_ns;  /* smoothed cost of a switch; 0: none has been yet */
	uint32_t switches;   /* that it is the average of, at most ARB_SMOOTHING */
	hrtime_t lock_until; /* ARB_NEVER: nothing was locked, or there is no limit */
	hrtime_t rest_ns;    /* parameter; ARB_REST_NS unless set */
	hrtime_t release_ns; /* parameter; ARB_RELEASE_NS unless set */
	hrtime_t lock_limit; /* parameter; 0: none */
	uint32_t locks;	     /* pages the owner locked; 0 while another has the turn */
	uint32_t encores;    /* turns in a row of the owner while others waited;
					   encore_max + 1 stands for all above encore_max */
	uint32_t encore_max; /* parameter; ARB_ENCORE_MAX unless set */
	uint64_t last_ticket;
};

/* How long a grant holds. */
struct arb_terms {
	hrtime_t hold_ns;
	uint32_t overhead; /* percent, below 100, for switching; 0: hold_ns counts */
};

/* What arb_step() decided. */
struct arb_step {
	struct arb_req *go;	 /* has the turn from now on; wake its thread */
	struct arb_req *release; /* was postponed; give it a thread */
	const void *broken;	 /* process whose locks ran over the limit and were ended */
	hrtime_t until;		 /* when to call again; ARB_NEVER: at the next event */
};

void arb_init(struct arb *a);
/* Queue r for proc, postponed or with a thread waiting; draws a ticket if r has none. */
void arb_request(struct arb *a, struct arb_req *r, const void *proc, boolean_t postponed);
/*
 * Would a request of proc with this ticket (0: a new one) be the first of its class? If not, there
 * is no use in a thread that waits in it. True for a request that has just been released.
 */
boolean_t arb_near(const struct arb *a, const void *proc, uint64_t ticket);
/* Decide. Call after every event, and at `until`, as often as it returns go, release or broken. */
struct arb_step arb_step(struct arb *a, hrtime_t now);
/* The callback of r, which has the turn, succeeded: its process owns the device. */
void arb_granted(struct arb *a, struct arb_req *r, hrtime_t now, struct arb_terms terms);
/* The callback of r failed. */
void arb_failed(struct arb *a, struct arb_req *r);
/* r, which was released, has been answered without asking for the turn, or is forgotten. [R9] */
void arb_answered(struct arb *a, struct arb_req *r);
/* r leaves: its thread took a signal, or its mapping changed. A turn is given back. */
void arb_cancel(struct arb *a, struct arb_req *r);
/*
 * A thread of proc that was granted has been woken just now. cost_ns: what it took to make proc the
 * owner, if that has not been told yet; otherwise 0.
 */
void arb_woken(struct arb *a, const void *proc, hrtime_t now, hrtime_t cost_ns);
/*
 * The owner locks or unlocks pages; nobody else's call has an effect. arb_lock() returns whether
 * the pages are locked; see R10.
 */
boolean_t arb_lock(struct arb *a, const void *proc, uint32_t pages, hrtime_t now);
void arb_unlock(struct arb *a, const void *proc, uint32_t pages);
/* proc has no mapping left in the group. Its requests are the caller's to cancel. */
void arb_gone(struct arb *a, const void *proc);

#endif
