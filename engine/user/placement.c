/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* At which addresses of a client something is placed: see placement.h. */
#include <errno.h>
#include <search.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/param.h>

#include "placement.h"

struct placement {
	uintptr_t start, end;
	size_t page; /* of what is placed: this one is at start, and those after it follow */
};

/* Those that overlap are equal: so any that is in the way is found. */
static int compare(const void *a, const void *b)
{
	const struct placement *x = a, *y = b;

	return x->end <= y->start ? -1 : y->end <= x->start ? 1 : 0;
}

static struct placement *placement_find(const struct placements *set, uintptr_t start,
					uintptr_t end)
{
	const struct placement key = { .start = start, .end = end };
	struct placement *const *x = tfind(&key, &set->tree, compare);

	return x != NULL ? *x : NULL;
}

/* Where nothing is. 0 or -ENOMEM. */
static int placement_put(struct placements *set, uintptr_t start, uintptr_t end, size_t page)
{
	struct placement *x = malloc(sizeof(*x));

	if (x == NULL)
		return -ENOMEM;
	*x = (struct placement){ .start = start, .end = end, .page = page };
	if (tsearch(x, &set->tree, compare) != NULL)
		return 0;
	free(x);
	return -ENOMEM;
}

static size_t page_at(const struct placement *x, uintptr_t addr)
{
	return x->page + ((addr - x->start) >> PAGESHIFT);
}

int placement_add(struct placements *set, uintptr_t start, uintptr_t end, size_t page)
{
	placement_remove(set, start, end);
	if (placement_find(set, start, end) != NULL)
		return -ENOMEM;
	return placement_put(set, start, end, page);
}

/* The two overlap. False: there is no memory for the part behind. */
static bool placement_cut(struct placements *set, struct placement *x, uintptr_t start,
			  uintptr_t end)
{
	const struct placement whole = *x;

	if (start <= x->start && x->end <= end) {
		(void)tdelete(x, &set->tree, compare);
		free(x);
	} else if (x->start < start) {
		x->end = start;
		if (end < whole.end &&
		    placement_put(set, end, whole.end, page_at(&whole, end)) != 0) {
			x->end = whole.end;
			return false;
		}
	} else {
		x->page = page_at(x, end);
		x->start = end;
	}
	return true;
}

void placement_remove(struct placements *set, uintptr_t start, uintptr_t end)
{
	struct placement *x;

	while (start < end && (x = placement_find(set, start, end)) != NULL)
		if (!placement_cut(set, x, start, end))
			break;
}

struct each {
	size_t page, n;
	void (*fn)(void *arg, uintptr_t start, uintptr_t end, size_t page);
	void *arg;
};

static void visit(const void *node, VISIT which, void *arg)
{
	const struct placement *x = *(struct placement *const *)node;
	const struct each *e = arg;
	size_t first, behind;

	if (which != postorder && which != leaf)
		return;
	first = MAX(e->page, x->page);
	behind = MIN(e->page + e->n, page_at(x, x->end));
	if (first < behind)
		e->fn(e->arg, x->start + ((first - x->page) << PAGESHIFT),
		      x->start + ((behind - x->page) << PAGESHIFT), first);
}

void placement_each(const struct placements *set, size_t page, size_t n,
		    void (*fn)(void *arg, uintptr_t start, uintptr_t end, size_t page), void *arg)
{
	struct each e = { .page = page, .n = n, .fn = fn, .arg = arg };

	twalk_r(set->tree, visit, &e);
}

struct move {
	struct placements moved, *from;
	int err;
};

static void move_copy(void *arg, uintptr_t start, uintptr_t end, size_t page)
{
	struct move *m = arg;

	if (m->err == 0)
		m->err = placement_put(&m->moved, start, end, page);
}

static void move_away(void *arg, uintptr_t start, uintptr_t end, size_t page)
{
	struct move *m = arg;

	(void)page;
	placement_remove(m->from, start, end);
}

int placement_move(struct placements *to, struct placements *from, size_t page, size_t n)
{
	struct move m = { .from = from };

	placement_each(from, page, n, move_copy, &m);
	if (m.err != 0) {
		placement_free(&m.moved);
		return m.err;
	}
	placement_each(&m.moved, page, n, move_away, &m);
	*to = m.moved;
	return 0;
}

void placement_free(struct placements *set)
{
	tdestroy(set->tree, free);
	set->tree = NULL;
}
