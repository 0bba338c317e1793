/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Who waits where, and the search for processes that wait for each other's locks in a circle (C13).
 *
 * waits_lock guards the list of all queued requests, g_lock_owner of all groups, and the marks of
 * the search. It is a leaf, so both ends of a wait can be looked at while no group is held. The
 * search is made by whoever may have closed a circle: a request that begins to wait while somebody
 * has locks, and a process that has locked something. Its result can be stale when it is acted on;
 * the worst is that locks end which had not to.
 */
#include "internal.h"

static struct {
	kmutex_t lock; /* waits_lock of core.h */
	struct devmap_request *first;
} waits;

void waits_init(void)
{
	mutex_init(&waits.lock, NULL, MUTEX_DRIVER, NULL);
	waits.first = NULL;
}

void waits_fini(void)
{
	ASSERT(waits.first == NULL);
	mutex_destroy(&waits.lock);
}

void waits_add(struct devmap_request *r)
{
	ASSERT(MUTEX_HELD(&r->r_group->g_lock));
	mutex_enter(&waits.lock);
	r->r_wait_next = waits.first;
	r->r_wait_prev = &waits.first;
	if (waits.first != NULL)
		waits.first->r_wait_prev = &r->r_wait_next;
	waits.first = r;
	mutex_exit(&waits.lock);
}

void waits_remove(struct devmap_request *r)
{
	ASSERT(MUTEX_HELD(&r->r_group->g_lock));
	mutex_enter(&waits.lock);
	*r->r_wait_prev = r->r_wait_next;
	if (r->r_wait_next != NULL)
		r->r_wait_next->r_wait_prev = r->r_wait_prev;
	mutex_exit(&waits.lock);
}

void waits_set_lock_owner(struct devmap_group *g, struct as *as)
{
	ASSERT(MUTEX_HELD(&g->g_lock));
	mutex_enter(&waits.lock);
	g->g_lock_owner = as;
	mutex_exit(&waits.lock);
}

/* For whose lock does the request wait? NULL: for nobody's. waits_lock held. */
static struct as *waits_for(const struct devmap_request *r)
{
	struct as *as = r->r_group->g_lock_owner;

	ASSERT(MUTEX_HELD(&waits.lock));
	return as != r->r_member->mb_as ? as : NULL;
}

/*
 * Follow the waits from as, processes reached being marked, until they come back to it. Returns the
 * group where that wait is, in which as has the locks that close the circle; or NULL.
 */
static struct devmap_group *search(struct as *as)
{
	struct devmap_request *r;
	struct as *next;
	boolean_t more;

	ASSERT(MUTEX_HELD(&waits.lock));
	as->a_reached = B_TRUE;
	do {
		more = B_FALSE;
		for (r = waits.first; r != NULL; r = r->r_wait_next) {
			next = waits_for(r);
			if (next == NULL || !r->r_member->mb_as->a_reached)
				continue;
			if (next == as)
				return r->r_group;
			if (!next->a_reached)
				more = B_TRUE;
			next->a_reached = B_TRUE;
		}
	} while (more);
	return NULL;
}

/* A group in which the locks of as close a circle, held for the caller; or NULL. */
struct devmap_group *waits_find_cycle(struct as *as)
{
	struct devmap_request *r;
	struct devmap_group *g;
	struct as *next;

	mutex_enter(&waits.lock);
	g = search(as);
	if (g != NULL)
		group_hold(g); /* it has a lock owner, so it has members */
	as->a_reached = B_FALSE;
	for (r = waits.first; r != NULL; r = r->r_wait_next) {
		next = waits_for(r);
		if (next != NULL)
			next->a_reached = B_FALSE;
	}
	mutex_exit(&waits.lock);
	return g;
}
