/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A world as a few bits, the same for all worlds that behave alike: times count from now and those
 * of the past are equal; tickets are renamed by their order; processes are equal but for what they
 * do (and the one with the instruction), and so are the pages of one process.
 */
#include <string.h>
#include <sys/types.h>
#include "arbiter_world.h"

#define NREQUESTS (PROCS * PAGES)
#define NEVER	  7 /* as a code of a time */

struct bits {
	struct code code;
	int n; /* bits written or read */
	bool overflow;
};

static void put(struct bits *b, uint64_t value, int width)
{
	int word = b->n / 64, shift = b->n % 64;

	if (value >> width != 0)
		b->overflow = true;
	/* No value crosses the words: see world_encode(). */
	b->code.word[word] |= value << shift;
	b->n += width;
}

static uint64_t get(struct bits *b, int width)
{
	uint64_t v = b->code.word[b->n / 64] >> b->n % 64;

	b->n += width;
	return v & ((1ULL << width) - 1);
}

/*
 * Times: 3 bits
 */

static uint64_t time_code(const struct world *w, hrtime_t t)
{
	if (t == ARB_NEVER)
		return NEVER;
	if (t <= w->now)
		return 0;
	return t - w->now < NEVER ? (uint64_t)(t - w->now) : UINT64_MAX;
}

static hrtime_t time_of(const struct world *w, uint64_t code)
{
	return code == NEVER ? ARB_NEVER : w->now + (hrtime_t)code;
}

/*
 * All but the processes: 37 bits, and 10 that have their place in the second word. `wants` comes
 * first: code_wants() reads it.
 */

static void encode_globals(const struct world *w, struct bits *b)
{
	put(b, w->wants, 1);
	put(b, w->lag, 1);
	put(b, w->late, 1);
	put(b, time_code(w, w->a.hold_until), 3);
	put(b, time_code(w, w->a.rest_until), 3);
	put(b, time_code(w, w->a.lock_until), 3);
	put(b, time_code(w, w->a.own.release_at), 3);
	put(b, time_code(w, w->a.others.release_at), 3);
	put(b, w->a.locks, 2);
	put(b, w->a.encores, 2);
	put(b, time_code(w, w->o.hold), 3);
	put(b, time_code(w, w->o.rest), 3);
	put(b, time_code(w, w->o.lock_end), 3);
	put(b, time_code(w, w->o.pace[0]), 3);
	put(b, time_code(w, w->o.pace[1]), 3);
}

static void encode_counts(const struct world *w, struct bits *b)
{
	put(b, w->o.locks, 2);
	put(b, w->o.encores, 2);
	put(b, (uint64_t)w->a.switch_ns, 3);
	put(b, w->a.overhead != 0, 1);
	put(b, w->o.told, 1);
	put(b, w->o.share, 1);
}

static void decode_globals(struct world *w, struct bits *b)
{
	w->wants = get(b, 1);
	w->lag = get(b, 1);
	w->late = get(b, 1);
	w->a.hold_until = time_of(w, get(b, 3));
	w->a.rest_until = time_of(w, get(b, 3));
	w->a.lock_until = time_of(w, get(b, 3));
	w->a.own.release_at = time_of(w, get(b, 3));
	w->a.others.release_at = time_of(w, get(b, 3));
	w->a.locks = (uint32_t)get(b, 2);
	w->a.encores = (uint32_t)get(b, 2);
	w->o.hold = time_of(w, get(b, 3));
	w->o.rest = time_of(w, get(b, 3));
	w->o.lock_end = time_of(w, get(b, 3));
	w->o.pace[0] = time_of(w, get(b, 3));
	w->o.pace[1] = time_of(w, get(b, 3));
}

static void decode_counts(struct world *w, const struct config *c, struct bits *b)
{
	w->o.locks = (unsigned int)get(b, 2);
	w->o.encores = (unsigned int)get(b, 2);
	w->a.switch_ns = (hrtime_t)get(b, 3);
	w->a.overhead = get(b, 1) ? c->overhead : 0;
	w->o.told = get(b, 1);
	w->o.share = get(b, 1);
}

bool code_wants(struct code code)
{
	return code.word[0] & 1;
}

/*
 * A request: 12 bits. Its ticket and its place are their ranks among all.
 */

static uint64_t ticket_rank(const struct world *w, uint64_t ticket)
{
	const struct arb_req *r = &w->r[0][0];
	uint64_t rank = ticket != 0;

	for (int n = 0; n < NREQUESTS; n++)
		rank += r[n].ticket != 0 && r[n].ticket < ticket;
	return rank;
}

static uint64_t place_rank(const struct world *w, unsigned int place)
{
	const unsigned int *places = &w->place[0][0];
	uint64_t rank = place != 0;

	for (int n = 0; n < NREQUESTS; n++)
		rank += places[n] != 0 && places[n] < place;
	return rank;
}

static uint64_t request_code(const struct world *w, int p, int i)
{
	const struct arb_req *r = &w->r[p][i];
	uint64_t kind = w->mapped[p][i] ? (uint64_t)r->state + 1 : 0;

	return kind | ticket_rank(w, r->ticket) << 3 | place_rank(w, w->place[p][i]) << 6 |
	       (uint64_t)(p == 0 && w->have[i]) << 9 | (uint64_t)r->released << 10;
}

static void request_of(struct world *w, int p, int i, uint64_t code)
{
	struct arb_req *r = &w->r[p][i];
	unsigned int kind = code & 7;

	w->mapped[p][i] = kind != 0;
	r->proc = world_proc(p);
	r->state = kind != 0 ? (enum arb_state)(kind - 1) : ARB_IDLE;
	r->ticket = code >> 3 & 7;
	w->place[p][i] = code >> 6 & 7;
	if (p == 0)
		w->have[i] = code >> 9 & 1;
	r->released = (enum arb_released)(code >> 10 & 3);
	if (r->state == ARB_TURN)
		w->a.turn = r;
	if (r->ticket > w->a.last_ticket)
		w->a.last_ticket = r->ticket;
	if (w->place[p][i] > w->last_place)
		w->last_place = w->place[p][i];
}

/*
 * A process: 27 bits
 */

#define REQUEST_BITS 12
#define PROC_BITS    (2 * REQUEST_BITS + 3)

static void sort(uint64_t *v, int n)
{
	for (int i = 1; i < n; i++) {
		for (int j = i; j > 0 && v[j - 1] > v[j]; j--) {
			uint64_t t = v[j];

			v[j] = v[j - 1];
			v[j - 1] = t;
		}
	}
}

static uint64_t proc_code(const struct world *w, const struct config *c, int p)
{
	uint64_t requests[PAGES];

	for (int i = 0; i < PAGES; i++)
		requests[i] = request_code(w, p, i);
	sort(requests, p == 0 ? c->pages0 : c->pages);
	return requests[0] | requests[1] << REQUEST_BITS |
	       (uint64_t)(w->a.owner == world_proc(p)) << 24 | (uint64_t)(w->o.owner == p) << 25 |
	       (uint64_t)w->wake[p] << 26;
}

static void proc_of(struct world *w, int p, uint64_t code)
{
	request_of(w, p, 0, code & 0xfff);
	request_of(w, p, 1, code >> REQUEST_BITS & 0xfff);
	if (code >> 24 & 1)
		w->a.owner = world_proc(p);
	if (code >> 25 & 1)
		w->o.owner = p;
	w->wake[p] = code >> 26 & 1;
}

/*
 * A world: process 0 beside the globals, the others, and what was left, in the second word
 */

bool world_encode(const struct world *w, const struct config *c, struct code *out)
{
	uint64_t codes[PROCS];
	struct bits b = { .n = 0 };
	int fixed = c->features & F_INSTRUCTION ? 1 : 0;

	for (int p = 0; p < PROCS; p++)
		codes[p] = proc_code(w, c, p);
	/* Processes, and pages, that the configuration lacks stay where they are: behind. */
	sort(codes + fixed, c->procs - fixed);
	encode_globals(w, &b);
	put(&b, codes[0], PROC_BITS);
	b.n = 64;
	put(&b, codes[1], PROC_BITS);
	put(&b, codes[2], PROC_BITS);
	encode_counts(w, &b);
	*out = b.code;
	return !b.overflow;
}

static void link_queues(struct world *w)
{
	struct arb_req *r = &w->r[0][0];

	for (uint64_t ticket = 1; ticket <= w->a.last_ticket; ticket++) {
		for (int n = 0; n < NREQUESTS; n++) {
			struct arb_queue *q = r[n].proc == w->a.owner ? &w->a.own : &w->a.others;

			if (r[n].ticket != ticket || r[n].state == ARB_IDLE ||
			    r[n].state == ARB_TURN)
				continue;
			r[n].prev = q->tail;
			*(q->tail != NULL ? &q->tail->next : &q->head) = &r[n];
			q->tail = &r[n];
		}
	}
}

void world_decode(struct world *w, const struct config *c, struct code code)
{
	struct bits b = { .code = code };

	world_init(w, c);
	decode_globals(w, &b);
	proc_of(w, 0, get(&b, PROC_BITS));
	b.n = 64;
	proc_of(w, 1, get(&b, PROC_BITS));
	proc_of(w, 2, get(&b, PROC_BITS));
	decode_counts(w, c, &b);
	link_queues(w);
}
