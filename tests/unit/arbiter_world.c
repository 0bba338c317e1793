/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What can happen around an arbiter, and the oracle that judges it. See arbiter_world.h. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/debug.h>
#include "arbiter_world.h"

#define START 1000 /* now, in a new world: times of the past are then still positive */

bool world_verbose;

static const char procs[PROCS] = "ABC"; /* their addresses are the processes */
static jmp_buf assertion;
static bool catching; /* assertion is set */

static const char *const violation_texts[] = {
#define V_TEXT(name, text) [V_##name] = text,
	VIOLATIONS(V_TEXT)
};

#define say(...)                                  \
	do {                                      \
		if (world_verbose)                \
			printf("# " __VA_ARGS__); \
	} while (0)

const void *world_proc(int p)
{
	return p < 0 ? NULL : &procs[p];
}

/* An assertion of the arbiter has failed: back to world_apply(), or the end of a plain test. */
void assfail(const char *what, const char *file, int line)
{
	if (!catching) {
		fprintf(stderr, "assertion failed: %s, %s:%d\n", what, file, line);
		abort();
	}
	say("    assertion failed: %s, %s:%d\n", what, file, line);
	longjmp(assertion, 1);
}

static void check(struct world *w, bool ok, enum violation v)
{
	if (ok)
		return;
	say("    NOT: %s\n", violation_texts[v]);
	w->violations |= 1u << v;
}

static bool is_queued(const struct arb_req *r)
{
	return r->state == ARB_WAITING || r->state == ARB_POSTPONED;
}

static bool has_mapping(const struct world *w, int p)
{
	return w->mapped[p][0] || w->mapped[p][1];
}

#define FOR_EACH_REQUEST(p, i)          \
	for (int p = 0; p < PROCS; p++) \
		for (int i = 0; i < PAGES; i++)

static int pages_of(const struct config *c, int p)
{
	return p == 0 ? c->pages0 : c->pages;
}

void world_init(struct world *w, const struct config *c)
{
	memset(w, 0, sizeof(*w));
	arb_init(&w->a);
	w->a.rest_ns = c->rest;
	w->a.release_ns = c->rest;
	w->a.lock_limit = c->lock_limit;
	w->a.encore_max = ENCORE_MAX;
	w->now = START;
	w->o.owner = -1;
	w->o.lock_end = ARB_NEVER;
	for (int p = 0; p < c->procs; p++)
		for (int i = 0; i < pages_of(c, p); i++)
			w->mapped[p][i] = true;
}

/*
 * The oracle: rules R1 to R11 of core/arbiter.h, from what it was told
 */

static void oracle_owner(struct oracle *o, int p)
{
	*o = (struct oracle){
		.owner = p,
		.lock_end = ARB_NEVER,
		.pace = { o->pace[0], 0 },
		.told = o->told,
	};
}

static hrtime_t max(hrtime_t t, hrtime_t u)
{
	return t > u ? t : u;
}

/* May p have the turn now, as far as the owner is concerned? */
static bool may_go(const struct world *w, int p)
{
	const struct oracle *o = &w->o;

	return p == o->owner || (o->locks == 0 && w->now >= o->hold && w->now >= o->rest);
}

static bool others_queued(const struct world *w, int p)
{
	FOR_EACH_REQUEST(q, i)
	if (q != p && is_queued(&w->r[q][i]))
		return true;
	return false;
}

/* Request i of p has the turn although request j of q, which may go too, came before. */
static void check_overtaking(struct world *w, int p, int q)
{
	if (p == w->o.owner && q != p)
		check(w, w->o.encores < ENCORE_MAX, V_ENCORE);
	else
		check(w, false, V_FIFO);
}

/* was: the world just before arb_step() gave the turn to request i of p. */
static void check_go(struct world *w, const struct world *was, int p, int i)
{
	const struct oracle *o = &w->o;

	check(w, was->a.turn == NULL, V_TURNS);
	check(w, was->r[p][i].state == ARB_WAITING, V_POSTPONED);
	check(w, w->r[p][i].state == ARB_TURN && w->a.turn == &w->r[p][i], V_TURNS);
	if (p != o->owner) {
		check(w, w->now >= o->hold, V_HOLD);
		check(w, w->now >= o->rest, V_REST);
		check(w, o->locks == 0, V_LOCK);
	}
	FOR_EACH_REQUEST(q, j)
	{
		if (was->r[q][j].state != ARB_WAITING || (q == p && j == i) || !may_go(w, q))
			continue;
		if (q == o->owner && p != q)
			check(w, o->encores >= ENCORE_MAX, V_OWNER_WAITS);
		if (was->place[q][j] < was->place[p][i])
			check_overtaking(w, p, q);
	}
}

static void oracle_go(struct world *w, const struct world *was, int p)
{
	if (p != w->o.owner)
		w->o.lock_end = ARB_NEVER;
	if (p != w->o.owner || !others_queued(was, p))
		w->o.encores = 0;
	else if (w->o.encores <= ENCORE_MAX)
		w->o.encores++;
}

/* Is the request at (p, i) the first of its class? */
static bool first_of_class(const struct world *w, int p, int i)
{
	FOR_EACH_REQUEST(q, j)
	if (is_queued(&w->r[q][j]) && (q == w->o.owner) == (p == w->o.owner) &&
	    w->place[q][j] < w->place[p][i])
		return false;
	return true;
}

static hrtime_t *pace(struct world *w, int p)
{
	return &w->o.pace[p == w->o.owner];
}

static void check_release(struct world *w, const struct config *c, const struct world *was, int p,
			  int i)
{
	const struct arb_req *r = &w->r[p][i];

	check(w, w->now >= *pace(w, p), V_PACE);
	*pace(w, p) = w->now + c->rest;
	check(w, was->r[p][i].state == ARB_POSTPONED, V_RELEASED);
	check(w, r->state == ARB_IDLE && r->ticket == was->r[p][i].ticket, V_RELEASED);
	check(w, r->released == (p == w->o.owner ? ARB_FROM_OWN : ARB_FROM_OTHERS), V_RELEASED);
	check(w, first_of_class(w, p, i), V_FIFO);
	check(w, arb_near(&w->a, world_proc(p), r->ticket), V_RELEASED);
}

static void check_broken(struct world *w, const void *broken)
{
	bool over = w->o.locks > 0 && w->now >= w->o.lock_end;

	check(w, broken == (over ? world_proc(w->o.owner) : NULL), V_LOCK_LIMIT);
	if (over)
		w->o.locks = 0;
}

static void locate(const struct world *w, const struct arb_req *r, int *p, int *i)
{
	ptrdiff_t n = r - &w->r[0][0];

	*p = (int)(n / PAGES);
	*i = (int)(n % PAGES);
}

/* One arb_step(). Returns whether it decided something. */
static bool step(struct world *w, const struct config *c, hrtime_t *until)
{
	const struct world was = *w;
	struct arb_step s = arb_step(&w->a, w->now);
	int p, i;

	check_broken(w, s.broken);
	if (s.broken != NULL)
		say("    locks of %c broken\n", *(const char *)s.broken);
	if (s.go != NULL) {
		locate(w, s.go, &p, &i);
		say("    %c%d has the turn\n", procs[p], i);
		check_go(w, &was, p, i);
		oracle_go(w, &was, p);
	}
	if (s.release != NULL) {
		locate(w, s.release, &p, &i);
		say("    %c%d released\n", procs[p], i);
		check_release(w, c, &was, p, i);
	}
	*until = s.until;
	return s.go != NULL || s.release != NULL || s.broken != NULL;
}

static void check_turns(struct world *w)
{
	int turns = 0;

	FOR_EACH_REQUEST(p, i)
	turns += w->r[p][i].state == ARB_TURN;
	check(w, turns == (w->a.turn != NULL), V_TURNS);
	check(w, w->a.turn == NULL || w->a.turn->state == ARB_TURN, V_TURNS);
	check(w, w->a.owner == world_proc(w->o.owner), V_OWNER);
	check(w, w->a.locks == w->o.locks, V_LOCK_COUNT);
}

/* Returns how many are in q. */
static int check_queue(struct world *w, const struct arb_queue *q, bool own)
{
	const struct arb_req *r, *prev = NULL;
	int n = 0;

	for (r = q->head; r != NULL && n <= PROCS * PAGES; prev = r, r = r->next, n++) {
		check(w, is_queued(r) && r->prev == prev, V_QUEUES);
		check(w, (r->proc == w->a.owner) == own, V_QUEUES);
		check(w, prev == NULL || prev->ticket < r->ticket, V_QUEUES);
	}
	check(w, q->tail == prev, V_QUEUES);
	return n;
}

static void check_queues(struct world *w)
{
	int n = check_queue(w, &w->a.own, true) + check_queue(w, &w->a.others, false);

	FOR_EACH_REQUEST(p, i)
	n -= is_queued(&w->r[p][i]);
	check(w, n == 0, V_QUEUES);
}

static void check_places(struct world *w)
{
	FOR_EACH_REQUEST(p, i)
	{
		check(w, (w->r[p][i].ticket == 0) == (w->place[p][i] == 0), V_PLACE);
		FOR_EACH_REQUEST(q, j)
		check(w,
		      (w->r[p][i].ticket < w->r[q][j].ticket) == (w->place[p][i] < w->place[q][j]),
		      V_PLACE);
	}
}

/* Nothing more is decided before `until`: is nobody left behind? */
static void check_waiter(struct world *w, int p, hrtime_t until)
{
	if (may_go(w, p))
		check(w, w->a.turn != NULL, p == w->o.owner ? V_OWNER_WAITS : V_LEFT);
	else if (w->a.turn == NULL && w->o.locks == 0)
		check(w, until <= max(w->o.hold, w->o.rest), V_UNTIL);
}

/* The first of its class waits to be released: for time, and so for one that was released before. */
static void check_postponed(struct world *w, int p, hrtime_t until)
{
	enum arb_released from = p == w->o.owner ? ARB_FROM_OWN : ARB_FROM_OTHERS;
	bool outstanding = false;

	check(w, until <= *pace(w, p), V_FORGOTTEN);
	FOR_EACH_REQUEST(q, i)
	outstanding |= w->r[q][i].released == from;
	check(w, outstanding, V_ALONE);
}

static void check_left(struct world *w, hrtime_t until)
{
	check(w, until > w->now, V_UNTIL);
	check(w, w->o.locks == 0 || until <= w->o.lock_end, V_UNTIL);
	FOR_EACH_REQUEST(p, i)
	{
		if (w->r[p][i].state == ARB_WAITING)
			check_waiter(w, p, until);
		if (w->r[p][i].state == ARB_POSTPONED && first_of_class(w, p, i))
			check_postponed(w, p, until);
	}
}

static void check_near(struct world *w)
{
	for (int p = 0; p < PROCS; p++) {
		bool first = true;

		FOR_EACH_REQUEST(q, i)
		if (is_queued(&w->r[q][i]) && (q == w->o.owner) == (p == w->o.owner))
			first = false;
		check(w, !!arb_near(&w->a, world_proc(p), 0) == first, V_NEAR);
	}
}

/* Call arb_step() until it has decided all that can be, and look at what it leaves. */
static void settle(struct world *w, const struct config *c)
{
	hrtime_t until = ARB_NEVER;
	int n = 0;

	while (step(w, c, &until) && w->violations == 0)
		check(w, ++n < 3 * PROCS * PAGES, V_UNTIL);
	if (w->violations != 0)
		return; /* it has not settled */
	check_turns(w);
	check_queues(w);
	check_places(w);
	check_near(w);
	check_left(w, until);
}

/*
 * The instruction of process 0: it needs all its pages at once, so it asks for what it does not
 * have, and loses what it has when another process is granted.
 */

/* Has it something to do? Its thread is fair, and acts within a unit, less than the rest. */
static bool owes(const struct world *w)
{
	if (!w->wants)
		return false;
	if (w->wake[0])
		return true;
	for (int i = 0; i < PAGES; i++)
		if (w->r[0][i].state != ARB_IDLE)
			return false;
	return true;
}

static bool instruction_acts(struct event e)
{
	return e.p == 0 && (e.kind == EV_WOKEN || e.kind == EV_ASK || e.kind == EV_ASK_POSTPONED);
}

static void instruction_granted(struct world *w, int p, int i)
{
	if (p == 0)
		w->have[i] = w->wants;
	else
		memset(w->have, 0, sizeof(w->have));
	w->wake[p] = true;
	if (w->have[0] && w->have[1]) {
		memset(w->have, 0, sizeof(w->have));
		w->wants = false;
		say("    instruction completes\n");
	}
}

/*
 * The events
 */

/* The request is back, or answered: the class that it was released from is open. */
static void oracle_back(struct world *w, const struct arb_req *r)
{
	if (r->released == ARB_FROM_OTHERS)
		w->o.pace[0] = 0;
	else if (r->released == ARB_FROM_OWN)
		w->o.pace[1] = 0;
}

/* It is answered, without asking or after its turn, or nobody waits for it any more. */
static void forget(struct world *w, int p, int i)
{
	oracle_back(w, &w->r[p][i]);
	arb_answered(&w->a, &w->r[p][i]);
	check(w, w->r[p][i].released == ARB_NOT_RELEASED, V_RELEASED);
	w->r[p][i].ticket = 0;
	w->place[p][i] = 0;
}

static void ev_ask(struct world *w, int p, int i, boolean_t postponed)
{
	if (w->place[p][i] == 0)
		w->place[p][i] = ++w->last_place;
	oracle_back(w, &w->r[p][i]);
	arb_request(&w->a, &w->r[p][i], world_proc(p), postponed);
	check(w, w->r[p][i].released == ARB_NOT_RELEASED, V_RELEASED);
}

/* How long the owner holds the device by the terms of its last grant. */
static hrtime_t oracle_hold(const struct world *w, const struct config *c, hrtime_t hold)
{
	if (!w->o.share)
		return hold;
	return w->o.told ? c->cost * 100 / c->overhead - c->cost : 0;
}

static void ev_grant(struct world *w, const struct config *c, int p, int i, struct arb_terms terms)
{
	struct oracle *o = &w->o;
	hrtime_t hold;

	arb_granted(&w->a, &w->r[p][i], w->now, terms);
	if (p != o->owner)
		oracle_owner(o, p);
	o->share = terms.overhead != 0;
	hold = oracle_hold(w, c, terms.hold_ns);
	check(w, w->a.hold_ns == hold, V_TERMS);
	if (o->encores <= ENCORE_MAX) {
		o->hold = max(o->hold, w->now + hold);
		o->rest = max(o->rest, w->now + c->rest);
	}
	w->place[p][i] = 0;
	if (c->features & F_INSTRUCTION)
		instruction_granted(w, p, i);
}

static void ev_fail(struct world *w, int p, int i)
{
	const struct arb was = w->a;

	arb_failed(&w->a, &w->r[p][i]);
	check(w,
	      w->a.owner == was.owner && w->a.hold_until == was.hold_until &&
		      w->a.rest_until == was.rest_until && w->a.locks == was.locks &&
		      w->a.lock_until == was.lock_until,
	      V_FAILED);
	w->place[p][i] = 0;
}

static void ev_woken(struct world *w, const struct config *c, int p)
{
	struct oracle *o = &w->o;

	arb_woken(&w->a, world_proc(p), w->now, c->cost);
	if (p == o->owner && c->cost > 0)
		o->told = true;
	if (p == o->owner && o->encores <= ENCORE_MAX) {
		o->rest = max(o->rest, w->now + c->rest);
		if (o->share)
			o->hold = max(o->hold, w->now + oracle_hold(w, c, 0));
	}
	check(w, w->a.switch_ns == (o->told ? c->cost : 0), V_TERMS);
	w->wake[p] = false;
}

static void ev_lock(struct world *w, const struct config *c, int p)
{
	struct oracle *o = &w->o;
	bool may = p == o->owner && (w->a.turn == NULL || w->a.turn->proc == world_proc(p));

	if (may && o->locks == 0 && (o->lock_end == ARB_NEVER || !others_queued(w, p)))
		o->lock_end = c->lock_limit > 0 ? w->now + c->lock_limit : ARB_NEVER;
	may = may && w->now < o->lock_end;
	check(w, !!arb_lock(&w->a, world_proc(p), 1, w->now) == may, V_LOCK_COUNT);
	o->locks += may;
}

static void ev_unlock(struct world *w, int p)
{
	arb_unlock(&w->a, world_proc(p), 1);
	if (p == w->o.owner && w->o.locks > 0)
		w->o.locks--;
}

static void check_gone(struct world *w, int p)
{
	const struct arb *a = &w->a;
	const void *proc = world_proc(p);
	const struct arb_req *r;

	check(w, a->owner != proc && (a->turn == NULL || a->turn->proc != proc), V_GONE);
	for (r = a->own.head; r != NULL; r = r->next)
		check(w, r->proc != proc, V_GONE);
	for (r = a->others.head; r != NULL; r = r->next)
		check(w, r->proc != proc, V_GONE);
	if (a->owner == NULL)
		check(w, a->hold_until <= w->now && a->rest_until <= w->now && a->locks == 0,
		      V_GONE);
}

static void gone(struct world *w, int p)
{
	arb_gone(&w->a, world_proc(p));
	if (p == w->o.owner)
		oracle_owner(&w->o, -1);
	w->wake[p] = false;
}

/* Both orders of arb_gone() and arb_cancel() are met: here, and in ev_exit(). */
static void ev_unmap(struct world *w, int p, int i)
{
	arb_cancel(&w->a, &w->r[p][i]);
	forget(w, p, i);
	w->mapped[p][i] = false;
	if (!has_mapping(w, p)) {
		gone(w, p);
		check_gone(w, p);
	}
}

static void ev_exit(struct world *w, int p)
{
	gone(w, p);
	for (int i = 0; i < PAGES; i++) {
		arb_cancel(&w->a, &w->r[p][i]);
		forget(w, p, i);
		w->mapped[p][i] = false;
	}
	check_gone(w, p);
}

static void ev_begin(struct world *w)
{
	w->wants = true;
	memset(w->have, 0, sizeof(w->have));
}

static void ev_tick(struct world *w)
{
	w->now++;
	w->lag = owes(w);
}

static void dispatch(struct world *w, const struct config *c, struct event e)
{
	switch (e.kind) {
	case EV_TICK:
		ev_tick(w);
		break;
	case EV_LATE:
		w->now++;
		break;
	case EV_BEGIN:
		ev_begin(w);
		break;
	case EV_EXIT:
		ev_exit(w, e.p);
		break;
	case EV_WOKEN:
		ev_woken(w, c, e.p);
		break;
	case EV_LOCK:
		ev_lock(w, c, e.p);
		break;
	case EV_UNLOCK:
		ev_unlock(w, e.p);
		break;
	case EV_ASK:
		ev_ask(w, e.p, e.i, B_FALSE);
		break;
	case EV_ASK_POSTPONED:
		ev_ask(w, e.p, e.i, B_TRUE);
		break;
	case EV_GRANT:
		ev_grant(w, c, e.p, e.i, (struct arb_terms){ 0, 0 });
		break;
	case EV_GRANT_HOLD:
		ev_grant(w, c, e.p, e.i,
			 c->overhead != 0 ? (struct arb_terms){ 0, c->overhead } :
					    (struct arb_terms){ c->hold, 0 });
		break;
	case EV_FAIL:
		ev_fail(w, e.p, e.i);
		break;
	case EV_CANCEL:
		arb_cancel(&w->a, &w->r[e.p][e.i]);
		break;
	case EV_DROP:
		forget(w, e.p, e.i);
		break;
	case EV_UNMAP:
		ev_unmap(w, e.p, e.i);
		break;
	case EV_MAP:
		w->mapped[e.p][e.i] = true;
		break;
	}
}

static void say_event(const struct world *w, struct event e)
{
	static const char *const texts[EV_KINDS] = {
		"a unit of time passes",
		"a unit of time passes unnoticed",
		"A begins its instruction",
		"exits",
		"is woken",
		"locks a page",
		"unlocks a page",
		"asks",
		"asks, postponed",
		"granted",
		"granted, with a hold",
		"fails",
		"cancelled",
		"dropped",
		"unmapped",
		"mapped",
	};

	if (e.kind < EV_EXIT)
		say("%3" PRId64 ": %s\n", (int64_t)w->now - START, texts[e.kind]);
	else if (e.kind < EV_ASK)
		say("%3" PRId64 ": %c %s\n", (int64_t)w->now - START, procs[e.p], texts[e.kind]);
	else
		say("%3" PRId64 ": %c%d %s\n", (int64_t)w->now - START, procs[e.p], e.i,
		    texts[e.kind]);
}

static void happen(struct world *w, const struct config *c, struct event e)
{
	dispatch(w, c, e);
	w->late = e.kind == EV_LATE;
	if (e.kind != EV_TICK && (!owes(w) || instruction_acts(e)))
		w->lag = false;
	if (!w->late)
		settle(w, c);
}

void world_apply(struct world *w, const struct config *c, struct event e)
{
	say_event(w, e);
	w->violations = 0;
	catching = true;
	if (setjmp(assertion) == 0)
		happen(w, c, e);
	else
		check(w, false, V_ASSERTION);
	catching = false;
}

/*
 * Which events are possible
 */

int world_events(const struct config *c, struct event *out)
{
	int n = 0;

	for (int kind = 0; kind < EV_KINDS; kind++) {
		int np = kind < EV_EXIT ? 1 : c->procs;

		for (int p = 0; p < np; p++)
			for (int i = 0; i < (kind < EV_ASK ? 1 : pages_of(c, p)); i++)
				out[n++] = (struct event){ (uint8_t)kind, (uint8_t)p, (uint8_t)i };
	}
	return n;
}

static bool time_enabled(const struct world *w, const struct config *c, struct event e)
{
	bool fair = c->features & F_INSTRUCTION;

	switch (e.kind) {
	case EV_TICK:
		return !(fair && w->a.turn != NULL) && !w->lag;
	case EV_LATE:
		return c->features & F_LATE;
	default: /* EV_BEGIN */
		return fair && !w->wants && w->mapped[0][0] && w->mapped[0][1];
	}
}

static bool proc_enabled(const struct world *w, const struct config *c, struct event e)
{
	if (!has_mapping(w, e.p))
		return false;
	switch (e.kind) {
	case EV_EXIT:
		return c->features & F_EXIT && !(e.p == 0 && w->wants);
	case EV_WOKEN:
		return !(c->features & F_INSTRUCTION) || w->wake[e.p];
	case EV_LOCK:
		return c->features & F_LOCK && w->o.locks < 2;
	default: /* EV_UNLOCK */
		return c->features & F_LOCK;
	}
}

/* core postpones only what is not near; for safety alone, anything may be. */
static bool may_postpone(const struct world *w, const struct config *c, struct event e)
{
	return c->features & F_POSTPONE &&
	       (!(c->features & F_INSTRUCTION) ||
		!arb_near(&w->a, world_proc(e.p), w->r[e.p][e.i].ticket));
}

static bool page_enabled(const struct world *w, const struct config *c, struct event e)
{
	enum arb_state state = w->r[e.p][e.i].state;
	bool mapped = w->mapped[e.p][e.i];
	bool busy = e.p == 0 && w->wants; /* with its instruction */

	switch (e.kind) {
	case EV_ASK:
		return mapped && state == ARB_IDLE && !(busy && w->have[e.i]);
	case EV_ASK_POSTPONED:
		return mapped && state == ARB_IDLE && !(busy && w->have[e.i]) &&
		       may_postpone(w, c, e);
	case EV_GRANT:
		return state == ARB_TURN;
	case EV_GRANT_HOLD:
		return state == ARB_TURN && (c->hold > 0 || c->overhead > 0);
	case EV_FAIL:
		return state == ARB_TURN && c->features & F_FAIL && !busy;
	case EV_CANCEL:
		return state != ARB_IDLE && c->features & F_CANCEL && !busy;
	case EV_DROP:
		return state == ARB_IDLE && w->place[e.p][e.i] != 0 && !busy;
	case EV_UNMAP:
		return mapped && c->features & F_UNMAP && !busy;
	default: /* EV_MAP */
		return !mapped;
	}
}

bool world_enabled(const struct world *w, const struct config *c, struct event e)
{
	if (e.kind < EV_EXIT)
		return time_enabled(w, c, e);
	return e.kind < EV_ASK ? proc_enabled(w, c, e) : page_enabled(w, c, e);
}
