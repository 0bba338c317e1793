/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Who waits where, and the search for processes that wait for each other's locks in a circle (C13).
 *
 * waits_lock guards the list of all queued requests, that of all members with locks, and the marks
 * of the search. It is a leaf, so both ends of a wait can be looked at while no group is held. The
 * search is made by whoever may have closed a circle: a request that begins to wait while somebody
 * has locks, and a process that has locked something. Its result can be stale when it is acted on;
 * the worst is that locks end which had not to.
 *
 * A request waits for every process that has locks in its group, unless it is of the same owner:
 * several have them where they share a context.
 */
#include "internal.h"

static struct {
	kmutex_t lock; /* waits_lock of core.h */
	struct devmap_request *first;
	struct devmap_member *locks; /* through mb_lock_next */
} waits;

void waits_init(void)
{
	mutex_init(&waits.lock, NULL, MUTEX_DRIVER, NULL);
	waits.first = NULL;
	waits.locks = NULL;
}

void waits_fini(void)
{
	ASSERT(waits.first == NULL && waits.locks == NULL);
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

static void list_locks(struct devmap_member *mb)
{
	ASSERT(MUTEX_HELD(&waits.lock));
	mb->mb_lock_next = waits.locks;
	mb->mb_lock_prev = &waits.locks;
	if (waits.locks != NULL)
		waits.locks->mb_lock_prev = &mb->mb_lock_next;
	waits.locks = mb;
}

static void unlist_locks(struct devmap_member *mb)
{
	ASSERT(MUTEX_HELD(&waits.lock));
	*mb->mb_lock_prev = mb->mb_lock_next;
	if (mb->mb_lock_next != NULL)
		mb->mb_lock_next->mb_lock_prev = mb->mb_lock_prev;
	mb->mb_lock_next = NULL;
	mb->mb_lock_prev = NULL;
}

void waits_set_locks(struct devmap_member *mb)
{
	ASSERT(MUTEX_HELD(&mb->mb_group->g_lock));
	if ((mb->mb_locked > 0) == (mb->mb_lock_prev != NULL))
		return;
	mutex_enter(&waits.lock);
	if (mb->mb_locked > 0)
		list_locks(mb);
	else
		unlist_locks(mb);
	mutex_exit(&waits.lock);
}

/*
 * For whose locks does the request wait? The first of them from mb on (of waits.locks), or NULL.
 * waits_lock held.
 */
static const struct devmap_member *waits_for(const struct devmap_request *r,
					     const struct devmap_member *mb)
{
	ASSERT(MUTEX_HELD(&waits.lock));
	while (mb != NULL &&
	       (mb->mb_group != r->r_group || member_owner(mb) == member_owner(r->r_member)))
		mb = mb->mb_lock_next;
	return mb;
}

/*
 * Mark those for whose locks r waits. Is as one of them? *more is set if one had not been marked.
 * waits_lock held.
 */
static boolean_t mark(const struct devmap_request *r, const struct as *as, boolean_t *more)
{
	const struct devmap_member *mb = waits_for(r, waits.locks);

	ASSERT(MUTEX_HELD(&waits.lock));
	for (; mb != NULL && mb->mb_as != as; mb = waits_for(r, mb->mb_lock_next)) {
		if (!mb->mb_as->a_reached)
			*more = B_TRUE;
		mb->mb_as->a_reached = B_TRUE;
	}
	return mb != NULL ? B_TRUE : B_FALSE;
}

/*
 * Follow the waits from as, processes reached being marked, until they come back to it. Returns the
 * group where that wait is, in which as has the locks that close the circle; or NULL.
 */
static struct devmap_group *search(struct as *as)
{
	struct devmap_request *r;
	boolean_t more;

	ASSERT(MUTEX_HELD(&waits.lock));
	as->a_reached = B_TRUE;
	do {
		more = B_FALSE;
		for (r = waits.first; r != NULL; r = r->r_wait_next)
			if (r->r_member->mb_as->a_reached && mark(r, as, &more))
				return r->r_group;
	} while (more);
	return NULL;
}

/* A group in which the locks of as close a circle, held for the caller; or NULL. */
struct devmap_group *waits_find_cycle(struct as *as)
{
	struct devmap_member *mb;
	struct devmap_group *g;

	mutex_enter(&waits.lock);
	g = search(as);
	if (g != NULL)
		group_hold(g); /* it has a lock owner, so it has members */
	as->a_reached = B_FALSE;
	for (mb = waits.locks; mb != NULL; mb = mb->mb_lock_next)
		mb->mb_as->a_reached = B_FALSE;
	mutex_exit(&waits.lock);
	return g;
}
