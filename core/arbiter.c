/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Who may have the device now. The rules, R1 to R11, stand in arbiter.h. */
#include <sys/types.h>
#include <sys/debug.h>
#include "arbiter.h"

/* ns after now; what would pass the end of time is never. */
static hrtime_t after(hrtime_t now, hrtime_t ns)
{
	ASSERT(ns >= 0);
	return ns > ARB_NEVER - now ? ARB_NEVER : now + ns;
}

static hrtime_t later(hrtime_t t, hrtime_t u)
{
	return t > u ? t : u;
}

static hrtime_t earlier(hrtime_t t, hrtime_t u)
{
	return t < u ? t : u;
}

/*
 * The queues
 */

/* Where requests of proc are. */
static struct arb_queue *queue_of(struct arb *a, const void *proc)
{
	return proc == a->owner ? &a->own : &a->others;
}

/* Put r into q behind prev; NULL: in front. */
static void insert(struct arb_queue *q, struct arb_req *prev, struct arb_req *r)
{
	r->prev = prev;
	r->next = prev != NULL ? prev->next : q->head;
	*(prev != NULL ? &prev->next : &q->head) = r;
	*(r->next != NULL ? &r->next->prev : &q->tail) = r;
}

/*
 * New requests belong at the end and released ones that come back in front, so a long queue is
 * walked only for those that a signal took out of its middle.
 */
static void enqueue(struct arb_queue *q, struct arb_req *r)
{
	struct arb_req *prev = q->tail;

	if (q->head != NULL && r->ticket < q->head->ticket)
		prev = NULL;
	while (prev != NULL && prev->ticket > r->ticket)
		prev = prev->prev;
	insert(q, prev, r);
}

static void dequeue(struct arb_queue *q, struct arb_req *r)
{
	*(r->prev != NULL ? &r->prev->next : &q->head) = r->next;
	*(r->next != NULL ? &r->next->prev : &q->tail) = r->prev;
	r->next = r->prev = NULL;
}

/* Move all of from into q: one walk, however long both are. */
static void merge(struct arb_queue *q, struct arb_queue *from)
{
	struct arb_req *r, *next = q->head;

	while ((r = from->head) != NULL) {
		dequeue(from, r);
		while (next != NULL && next->ticket < r->ticket)
			next = next->next;
		insert(q, next != NULL ? next->prev : q->tail, r);
	}
}

static struct arb_req *first_waiting(const struct arb_queue *q)
{
	struct arb_req *r = q->head;

	while (r != NULL && r->state != ARB_WAITING)
		r = r->next;
	return r;
}

/*
 * The owner
 */

/* Make proc, or nobody, the owner. Whatever the last one had ends; see also count_turn(). */
static void set_owner(struct arb *a, const void *proc)
{
	struct arb_req *r, *next;

	merge(&a->others, &a->own);
	a->owner = proc;
	for (r = a->others.head; r != NULL; r = next) {
		next = r->next;
		if (r->proc == proc) {
			dequeue(&a->others, r);
			enqueue(&a->own, r);
		}
	}
	a->hold_until = a->rest_until = 0;
	a->locks = 0;
	/* What was released for the last owner is none of the new one's. */
	a->own.release_at = 0;
}

/* Another process has become the owner, which took cost_ns. [R11] */
static void count_cost(struct arb *a, hrtime_t cost_ns)
{
	if (a->switches < ARB_SMOOTHING)
		a->switches++;
	a->switch_ns += (cost_ns - a->switch_ns) / a->switches;
}

/* What makes switching the share of time that the last grant's terms allow. [R11] */
static hrtime_t hold_for_share(const struct arb *a)
{
	ASSERT(a->overhead > 0 && a->overhead < 100);
	return earlier(a->switch_ns, ARB_NEVER / 100) * (100 - a->overhead) / a->overhead;
}

/* From when on may others have the turn, if nothing happens? [R3] */
static hrtime_t open_at(const struct arb *a)
{
	if (a->locks > 0)
		return ARB_NEVER;
	return later(a->hold_until, a->rest_until);
}

/* May the owner's grants still prolong its hold and rest? [R5] */
static boolean_t prolongs(const struct arb *a)
{
	return a->encores <= a->encore_max ? B_TRUE : B_FALSE;
}

/*
 * The decisions
 */

/* End locks that are over their limit; returns whose they were. [R10] */
static const void *break_locks(struct arb *a, hrtime_t now)
{
	if (a->locks == 0 || now < a->lock_until)
		return NULL;
	a->locks = 0;
	return a->owner;
}

/* Which request has the turn next, if it were free now? [R2 to R5] */
static struct arb_req *choose(const struct arb *a, hrtime_t now)
{
	struct arb_req *own = first_waiting(&a->own);
	struct arb_req *other = NULL;

	if (now >= open_at(a))
		other = first_waiting(&a->others);
	if (own == NULL || other == NULL)
		return own != NULL ? own : other;
	return a->encores < a->encore_max || own->ticket < other->ticket ? own : other;
}

/* r is about to have the turn. Postponed requests of others count as waiting. [R5, R10] */
static void count_turn(struct arb *a, const struct arb_req *r)
{
	if (r->proc != a->owner)
		a->lock_until = ARB_NEVER;
	if (r->proc != a->owner || a->others.head == NULL)
		a->encores = 0;
	else if (prolongs(a))
		a->encores++;
}

/* Give the turn to a request, if it is free. [R1] */
static struct arb_req *admit(struct arb *a, hrtime_t now)
{
	struct arb_req *r;

	if (a->turn != NULL || (r = choose(a, now)) == NULL)
		return NULL;
	count_turn(a, r);
	dequeue(queue_of(a, r->proc), r);
	r->state = ARB_TURN;
	a->turn = r;
	return r;
}

/* When will the first of q be released, if it is postponed? */
static hrtime_t release_at(const struct arb_queue *q)
{
	if (q->head == NULL || q->head->state != ARB_POSTPONED)
		return ARB_NEVER;
	return q->release_at;
}

/*
 * Let go a postponed request that is the first of its class, the owner's before others. Those of
 * others get time to come back, on busy CPUs too, before the next might overtake them; among the
 * owner's the order matters less than that none waits for another's driver. [R9]
 */
static struct arb_req *release(struct arb *a, hrtime_t now)
{
	struct arb_queue *q = now >= release_at(&a->own) ? &a->own : &a->others;
	struct arb_req *r = q->head;

	if (now < release_at(q))
		return NULL;
	dequeue(q, r);
	r->state = ARB_IDLE;
	r->released = q == &a->own ? ARB_FROM_OWN : ARB_FROM_OTHERS;
	q->release_at = after(now, q == &a->own ? a->rest_ns : a->release_ns);
	return r;
}

/* r is back, or will never be: the next one of where it was may be released. [R9] */
static void no_longer_out(struct arb *a, struct arb_req *r)
{
	if (r->released == ARB_FROM_OWN)
		a->own.release_at = 0;
	else if (r->released == ARB_FROM_OTHERS)
		a->others.release_at = 0;
	r->released = ARB_NOT_RELEASED;
}

/* When can time alone change what was just decided? */
static hrtime_t next_time(const struct arb *a, hrtime_t now)
{
	hrtime_t t = a->locks > 0 ? a->lock_until : ARB_NEVER;

	if (a->turn == NULL && first_waiting(&a->others) != NULL)
		t = earlier(t, open_at(a));
	t = earlier(t, earlier(release_at(&a->own), release_at(&a->others)));
	return later(t, now);
}

struct arb_step arb_step(struct arb *a, hrtime_t now)
{
	struct arb_step s;

	s.broken = break_locks(a, now);
	s.go = admit(a, now);
	s.release = release(a, now);
	s.until = next_time(a, now);
	return s;
}

/*
 * The events
 */

void arb_init(struct arb *a)
{
	*a = (struct arb){
		.lock_until = ARB_NEVER,
		.rest_ns = ARB_REST_NS,
		.release_ns = ARB_RELEASE_NS,
		.encore_max = ARB_ENCORE_MAX,
	};
}

void arb_request(struct arb *a, struct arb_req *r, const void *proc, boolean_t postponed)
{
	struct arb_queue *q = queue_of(a, proc);

	ASSERT(r->state == ARB_IDLE);
	ASSERT(proc != NULL);
	if (r->ticket == 0)
		r->ticket = ++a->last_ticket;
	no_longer_out(a, r);
	r->proc = proc;
	r->state = postponed ? ARB_POSTPONED : ARB_WAITING;
	enqueue(q, r);
}

boolean_t arb_near(const struct arb *a, const void *proc, uint64_t ticket)
{
	const struct arb_req *first = proc == a->owner ? a->own.head : a->others.head;

	if (first == NULL)
		return B_TRUE;
	return ticket != 0 && ticket < first->ticket ? B_TRUE : B_FALSE;
}

/* r, which has the turn, gives it back. */
static void end_turn(struct arb *a, struct arb_req *r)
{
	ASSERT(a->turn == r);
	ASSERT(r->state == ARB_TURN);
	a->turn = NULL;
	r->state = ARB_IDLE;
}

void arb_granted(struct arb *a, struct arb_req *r, hrtime_t now, struct arb_terms terms)
{
	end_turn(a, r);
	r->ticket = 0;
	if (r->proc != a->owner) {
		ASSERT(a->locks == 0);
		set_owner(a, r->proc);
	}
	a->overhead = terms.overhead;
	a->hold_ns = terms.overhead > 0 ? hold_for_share(a) : terms.hold_ns;
	if (prolongs(a)) {
		a->hold_until = later(a->hold_until, after(now, a->hold_ns));
		a->rest_until = later(a->rest_until, after(now, a->rest_ns));
	}
}

void arb_failed(struct arb *a, struct arb_req *r)
{
	end_turn(a, r);
	r->ticket = 0;
}

void arb_answered(struct arb *a, struct arb_req *r)
{
	ASSERT(r->state == ARB_IDLE);
	no_longer_out(a, r);
}

void arb_cancel(struct arb *a, struct arb_req *r)
{
	if (r->state == ARB_TURN) {
		end_turn(a, r);
	} else if (r->state != ARB_IDLE) {
		dequeue(queue_of(a, r->proc), r);
		r->state = ARB_IDLE;
	}
}

void arb_woken(struct arb *a, const void *proc, hrtime_t now, hrtime_t cost_ns)
{
	if (proc != a->owner)
		return;
	if (cost_ns > 0)
		count_cost(a, cost_ns);
	if (!prolongs(a))
		return;
	a->rest_until = later(a->rest_until, after(now, a->rest_ns));
	if (a->overhead > 0) {
		a->hold_ns = hold_for_share(a);
		a->hold_until = later(a->hold_until, after(now, a->hold_ns));
	}
}

boolean_t arb_lock(struct arb *a, const void *proc, uint32_t pages, hrtime_t now)
{
	if (proc != a->owner || (a->turn != NULL && a->turn->proc != proc))
		return B_FALSE;
	if (a->locks == 0 && (a->lock_until == ARB_NEVER || a->others.head == NULL))
		a->lock_until = a->lock_limit > 0 ? after(now, a->lock_limit) : ARB_NEVER;
	if (now >= a->lock_until)
		return B_FALSE;
	ASSERT(pages <= UINT32_MAX - a->locks);
	a->locks += pages;
	return B_TRUE;
}

void arb_unlock(struct arb *a, const void *proc, uint32_t pages)
{
	if (proc != a->owner)
		return;
	/* More than there are: the limit has ended some. */
	a->locks -= pages < a->locks ? pages : a->locks;
}

void arb_gone(struct arb *a, const void *proc)
{
	if (proc == a->owner)
		set_owner(a, NULL);
}
