/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Every world of a configuration that can be reached, by breadth-first search; then the cycles
 * among those where process 0 is inside its instruction. See arbiter_world.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include "arbiter_world.h"

#define NONE UINT32_MAX
#define TICK 0x80000000u /* in an edge: time passes */

struct explorer {
	const struct config *c;
	struct event events[MAX_EVENTS];
	int nevents;
	/* States, in the order found. */
	struct code *codes;
	uint32_t *parents;
	uint32_t n, cap;
	uint32_t *table; /* hash table of states + 1; 0: empty */
	uint32_t mask;
	/* Edges between states where process 0 is inside its instruction; by first state. */
	uint32_t *edges, *starts; /* starts[n]: where those of n begin */
	uint32_t nedges, edges_cap;
	struct result result;
};

static void *grow(void *p, size_t n, size_t size)
{
	p = reallocarray(p, n, size);
	if (p == NULL)
		abort();
	return p;
}

/*
 * The states
 */

static uint32_t hash(struct code code)
{
	uint64_t h = code.word[0] * 0x9e3779b97f4a7c15u;

	h = (h ^ h >> 29 ^ code.word[1]) * 0xbf58476d1ce4e5b9u;
	return (uint32_t)(h >> 32);
}

static bool same(struct code x, struct code y)
{
	return x.word[0] == y.word[0] && x.word[1] == y.word[1];
}

/* Where code is in the table, or would be. */
static uint32_t *slot(struct explorer *x, struct code code)
{
	uint32_t h = hash(code) & x->mask;

	while (x->table[h] != 0 && !same(x->codes[x->table[h] - 1], code))
		h = (h + 1) & x->mask;
	return &x->table[h];
}

static void make_room(struct explorer *x)
{
	x->cap = x->cap != 0 ? 2 * x->cap : 1 << 14;
	x->codes = grow(x->codes, x->cap, sizeof(*x->codes));
	x->parents = grow(x->parents, x->cap, sizeof(*x->parents));
	x->starts = grow(x->starts, x->cap + 1, sizeof(*x->starts));
	free(x->table);
	x->mask = 2 * x->cap - 1;
	x->table = calloc(2 * x->cap, sizeof(*x->table));
	if (x->table == NULL)
		abort();
	for (uint32_t s = 0; s < x->n; s++)
		*slot(x, x->codes[s]) = s + 1;
}

/* The number of the state; it may be new. */
static uint32_t intern(struct explorer *x, struct code code, uint32_t parent)
{
	uint32_t *where;

	if (x->n == x->cap)
		make_room(x);
	where = slot(x, code);
	if (*where == 0) {
		x->codes[x->n] = code;
		x->parents[x->n] = parent;
		*where = ++x->n;
	}
	return *where - 1;
}

/*
 * Replay: what led to a state, told of one concrete world
 */

static bool leads_to(struct explorer *x, const struct world *from, struct world *w, struct event e,
		     struct code to)
{
	struct code code;

	*w = *from;
	if (!world_enabled(w, x->c, e))
		return false;
	world_apply(w, x->c, e);
	return world_encode(w, x->c, &code) && w->violations == 0 && same(code, to);
}

/* Take w, aloud, to a successor with that code. */
static void replay_step(struct explorer *x, struct world *w, struct code to)
{
	const struct world from = *w;

	for (int n = 0; n < x->nevents; n++) {
		if (!leads_to(x, &from, w, x->events[n], to))
			continue;
		*w = from;
		world_verbose = true;
		world_apply(w, x->c, x->events[n]);
		world_verbose = false;
		return;
	}
	printf("# (the replay lost its way)\n");
}

static void replay(struct explorer *x, struct world *w, uint32_t state)
{
	uint32_t *path = grow(NULL, x->n, sizeof(*path)), n = 0;

	for (uint32_t s = state; x->parents[s] != NONE; s = x->parents[s])
		path[n++] = s;
	world_init(w, x->c);
	while (n > 0)
		replay_step(x, w, x->codes[path[--n]]);
	free(path);
}

/* An event in this state has violated a rule for the first time: show how that comes about. */
static void show_violation(struct explorer *x, uint32_t state, uint32_t violations)
{
	struct world w, from;

	printf("# %s: a rule is violated after:\n", x->c->name);
	replay(x, &w, state);
	from = w;
	for (int n = 0; n < x->nevents; n++) {
		w = from;
		if (!world_enabled(&w, x->c, x->events[n]))
			continue;
		world_apply(&w, x->c, x->events[n]);
		if (w.violations != violations)
			continue;
		w = from;
		world_verbose = true;
		world_apply(&w, x->c, x->events[n]);
		world_verbose = false;
		return;
	}
}

/*
 * The search
 */

static void add_edge(struct explorer *x, uint32_t from, uint32_t to, struct event e)
{
	if (!code_wants(x->codes[from]) || !code_wants(x->codes[to]))
		return;
	if (e.kind == EV_CANCEL)
		return; /* progress is promised if signals come to an end */
	if (x->nedges == x->edges_cap) {
		x->edges_cap = x->edges_cap != 0 ? 2 * x->edges_cap : 1 << 14;
		x->edges = grow(x->edges, x->edges_cap, sizeof(*x->edges));
	}
	x->edges[x->nedges++] = to | (e.kind == EV_TICK ? TICK : 0);
}

/* w is what e made of the state. */
static void arrive(struct explorer *x, uint32_t state, struct world *w, struct event e)
{
	struct code code;

	if (w->violations == 0 && !world_encode(w, x->c, &code))
		w->violations |= 1u << V_CODE;
	x->result.transitions++;
	if (w->violations == 0) {
		add_edge(x, state, intern(x, code, state), e);
		return;
	}
	/* Nothing is promised of what follows. */
	if (w->violations & ~x->result.violations)
		show_violation(x, state, w->violations);
	x->result.violations |= w->violations;
}

static void expand(struct explorer *x, uint32_t state)
{
	struct world w, from;

	/* The worlds hold pointers into themselves: w is always the same object. */
	world_decode(&w, x->c, x->codes[state]);
	from = w;
	for (int n = 0; n < x->nevents; n++) {
		if (!world_enabled(&from, x->c, x->events[n]))
			continue;
		w = from;
		world_apply(&w, x->c, x->events[n]);
		arrive(x, state, &w, x->events[n]);
	}
}

static void search(struct explorer *x)
{
	struct world w;
	struct code code;

	world_init(&w, x->c);
	world_encode(&w, x->c, &code);
	intern(x, code, NONE);
	for (uint32_t s = 0; s < x->n; s++) {
		x->starts[s] = x->nedges;
		expand(x, s);
		x->starts[s + 1] = x->nedges;
		x->result.wanting += code_wants(x->codes[s]);
	}
	x->result.states = x->n;
}

/*
 * Progress. The instruction may never complete if there is a cycle of states inside it in which
 * time passes: a strongly connected component with such an edge. (Tarjan's algorithm, without
 * recursion.) Cycles in which no time passes are no threat: events take time. The
 * scheduler is fair: turns end, threads act within a unit (world_enabled() sees to that), and
 * signals come to an end (add_edge()).
 */

struct tarjan {
	uint32_t *index, *low, *comp;  /* of a state; index 0: not visited, comp 0: not complete */
	uint32_t *stack, *path, *edge; /* edge: the next one to follow from a state of the path */
	uint32_t nindex, ncomp, nstack, npath;
};

static void visit(struct explorer *x, struct tarjan *t, uint32_t s)
{
	t->index[s] = t->low[s] = ++t->nindex;
	t->edge[s] = x->starts[s];
	t->stack[t->nstack++] = s;
	t->path[t->npath++] = s;
}

static void leave(struct tarjan *t, uint32_t s)
{
	uint32_t member;

	t->npath--;
	if (t->npath > 0 && t->low[s] < t->low[t->path[t->npath - 1]])
		t->low[t->path[t->npath - 1]] = t->low[s];
	if (t->low[s] != t->index[s])
		return;
	t->ncomp++;
	do {
		member = t->stack[--t->nstack];
		t->comp[member] = t->ncomp;
	} while (member != s);
}

static void components(struct explorer *x, struct tarjan *t, uint32_t root)
{
	visit(x, t, root);
	while (t->npath > 0) {
		uint32_t s = t->path[t->npath - 1], to;

		if (t->edge[s] == x->starts[s + 1]) {
			leave(t, s);
			continue;
		}
		to = x->edges[t->edge[s]++] & ~TICK;
		if (t->index[to] == 0)
			visit(x, t, to);
		else if (t->comp[to] == 0 && t->index[to] < t->low[s])
			t->low[s] = t->index[to];
	}
}

/* Walk, aloud, from one state to another inside their component; parent is room for x->n states. */
static void show_way(struct explorer *x, const struct tarjan *t, struct world *w, uint32_t from,
		     uint32_t to, uint32_t *parent)
{
	uint32_t *queue = t->stack; /* Tarjan is done with it */
	uint32_t head = 0, tail = 0, s;

	memset(parent, 0xff, x->n * sizeof(*parent));
	for (queue[tail++] = from; head < tail && queue[head] != to; head++) {
		s = queue[head];
		for (uint32_t e = x->starts[s]; e < x->starts[s + 1]; e++) {
			uint32_t next = x->edges[e] & ~TICK;

			if (next == from || parent[next] != NONE || t->comp[next] != t->comp[s])
				continue;
			parent[next] = s;
			queue[tail++] = next;
		}
	}
	for (head = 0, s = to; s != from; s = parent[s])
		queue[head++] = s;
	while (head > 0)
		replay_step(x, w, x->codes[queue[--head]]);
}

static void show_cycle(struct explorer *x, const struct tarjan *t, uint32_t from, uint32_t to)
{
	uint32_t *parent = grow(NULL, x->n, sizeof(*parent));
	struct world w;

	printf("# %s: an instruction never completes after:\n", x->c->name);
	replay(x, &w, from);
	printf("# and then again and again:\n");
	replay_step(x, &w, x->codes[to]);
	show_way(x, t, &w, to, from, parent);
	free(parent);
}

static void find_cycle(struct explorer *x, const struct tarjan *t)
{
	for (uint32_t s = 0; s < x->n; s++) {
		for (uint32_t e = x->starts[s]; e < x->starts[s + 1]; e++) {
			if (!(x->edges[e] & TICK) || t->comp[s] != t->comp[x->edges[e] & ~TICK])
				continue;
			show_cycle(x, t, s, x->edges[e] & ~TICK);
			x->result.violations |= 1u << V_PROGRESS;
			return;
		}
	}
}

static void check_progress(struct explorer *x)
{
	uint32_t *room = calloc(x->n, 6 * sizeof(*room));
	struct tarjan t = {
		.index = room,
		.low = room + x->n,
		.comp = room + 2 * (size_t)x->n,
		.stack = room + 3 * (size_t)x->n,
		.path = room + 4 * (size_t)x->n,
		.edge = room + 5 * (size_t)x->n,
	};

	if (room == NULL)
		abort();
	for (uint32_t s = 0; s < x->n; s++)
		if (t.index[s] == 0 && code_wants(x->codes[s]))
			components(x, &t, s);
	find_cycle(x, &t);
	free(room);
}

struct result explore(const struct config *c)
{
	struct explorer x = { .c = c };

	x.nevents = world_events(c, x.events);
	search(&x);
	check_progress(&x);
	free(x.codes);
	free(x.parents);
	free(x.starts);
	free(x.edges);
	free(x.table);
	return x.result;
}

/*
 * Does the code say all? A world that lives on without being encoded must always be found among
 * the successors of its twin, which is made anew from the code in every step.
 */

static bool has_successor(struct explorer *x, struct world *twin, struct code code)
{
	const struct world from = *twin;

	for (int n = 0; n < x->nevents; n++)
		if (leads_to(x, &from, twin, x->events[n], code))
			return true;
	return false;
}

static struct event any_event(struct explorer *x, const struct world *w, unsigned int *seed)
{
	struct event e;

	do {
		e = x->events[rand_r(seed) % x->nevents];
	} while (!world_enabled(w, x->c, e));
	return e;
}

bool explore_twins(const struct config *c, unsigned int steps, unsigned int seed)
{
	struct explorer x = { .c = c };
	struct world w, twin;
	struct code code;

	x.nevents = world_events(c, x.events);
	world_init(&w, c);
	while (steps-- > 0) {
		world_encode(&w, c, &code);
		world_decode(&twin, c, code);
		world_apply(&w, c, any_event(&x, &w, &seed));
		if (w.violations != 0)
			return true; /* explore() tells of them */
		if (!world_encode(&w, c, &code) || !has_successor(&x, &twin, code))
			return false;
	}
	return true;
}
