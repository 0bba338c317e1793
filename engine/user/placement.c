/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* At which addresses of a client something is placed: see placement.h. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/param.h>

#include "placement.h"

static struct placement *placement_new(uintptr_t start, uintptr_t end, size_t page)
{
	struct placement *x = malloc(sizeof(*x));

	if (x != NULL)
		*x = (struct placement){ .start = start, .end = end, .page = page };
	return x;
}

static size_t page_at(const struct placement *x, uintptr_t addr)
{
	return x->page + ((addr - x->start) >> PAGESHIFT);
}

int placement_add(struct placement **list, uintptr_t start, uintptr_t end, size_t page)
{
	struct placement *x = placement_new(start, end, page);

	if (x == NULL)
		return -ENOMEM;
	placement_remove(list, start, end);
	x->next = *list;
	*list = x;
	return 0;
}

/* What lies behind at becomes a piece of its own, the next of the list. 0 or -ENOMEM. */
static int placement_split(struct placement *x, uintptr_t at)
{
	struct placement *behind = placement_new(at, x->end, page_at(x, at));

	if (behind == NULL)
		return -ENOMEM;
	behind->next = x->next;
	x->next = behind;
	x->end = at;
	return 0;
}

/* The two overlap. False: nothing is left of x. */
static bool placement_cut(struct placement *x, uintptr_t start, uintptr_t end)
{
	if (x->start < start && end < x->end && placement_split(x, end) != 0)
		return true;
	if (x->start < start) {
		x->end = start;
	} else if (end < x->end) {
		x->page = page_at(x, end);
		x->start = end;
	} else {
		return false;
	}
	return true;
}

void placement_remove(struct placement **list, uintptr_t start, uintptr_t end)
{
	struct placement **p = list, *x;

	while ((x = *p) != NULL) {
		if (end <= x->start || x->end <= start || placement_cut(x, start, end)) {
			p = &x->next;
		} else {
			*p = x->next;
			free(x);
		}
	}
}

void placement_each(const struct placement *list, size_t page, size_t n,
		    void (*fn)(void *arg, uintptr_t start, uintptr_t end, size_t page), void *arg)
{
	for (const struct placement *x = list; x != NULL; x = x->next) {
		size_t first = MAX(page, x->page), behind = MIN(page + n, page_at(x, x->end));

		if (first < behind)
			fn(arg, x->start + ((first - x->page) << PAGESHIFT),
			   x->start + ((behind - x->page) << PAGESHIFT), first);
	}
}

struct move {
	struct placement *moved;
	int err;
};

static void move_copy(void *arg, uintptr_t start, uintptr_t end, size_t page)
{
	struct move *m = arg;

	if (m->err == 0)
		m->err = placement_add(&m->moved, start, end, page);
}

int placement_move(struct placement **to, struct placement **from, size_t page, size_t n)
{
	struct move m = { .err = 0 };
	struct placement *x;

	placement_each(*from, page, n, move_copy, &m);
	if (m.err != 0) {
		placement_free(&m.moved);
		return m.err;
	}
	while ((x = m.moved) != NULL) {
		m.moved = x->next;
		placement_remove(from, x->start, x->end);
		x->next = *to;
		*to = x;
	}
	return 0;
}

void placement_free(struct placement **list)
{
	struct placement *x;

	while ((x = *list) != NULL) {
		*list = x->next;
		free(x);
	}
}
