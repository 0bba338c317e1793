/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Members of a group: a process, as long as it has a handle there. What it asks of the group, and
 * what happens to it there. A process may be in a group twice, or more often: with handles on its
 * own context, and with handles on each context that it shares (X5).
 */
#include "internal.h"

/* What a handle that is to be of the same group and context has to ask for. */
struct member_key member_key(const struct devmap_member *mb)
{
	const struct devmap_group *g = mb->mb_group;
	const struct devmap_share *sh = mb->mb_share;

	return (struct member_key){
		.dip = g->g_dip,
		.key = g->g_key,
		.keyed = g->g_keyed,
		.share_kind = sh != NULL ? sh->sh_kind : SHARE_NONE,
		.share = sh != NULL ? sh->sh_key : 0,
	};
}

/* What has been allocated for a new member, and its new share, where there is to be one. */
struct fresh {
	struct devmap_member *mb;
	struct devmap_share *share;
};

static void fresh_free(struct fresh *f)
{
	if (f->mb != NULL)
		kmem_free(f->mb, sizeof(*f->mb));
	if (f->share != NULL)
		kmem_free(f->share, sizeof(*f->share));
}

/* B_FALSE: there is no memory. */
static boolean_t fresh_alloc(struct fresh *f, const struct member_key *key)
{
	f->mb = kmem_zalloc(sizeof(*f->mb), KM_NOSLEEP);
	f->share = NULL;
	if (f->mb == NULL || key->share_kind == SHARE_NONE)
		return f->mb != NULL ? B_TRUE : B_FALSE;
	f->share = kmem_zalloc(sizeof(*f->share), KM_NOSLEEP);
	if (f->share == NULL)
		fresh_free(f);
	return f->share != NULL ? B_TRUE : B_FALSE;
}

/* The share of the key, new if it has to be; NULL: it asks for none. */
static struct devmap_share *share_get(struct devmap_group *g, const struct member_key *key,
				      struct fresh *f)
{
	static uint64_t last_id; /* 2^64 last for ever */
	struct devmap_share *sh = g->g_shares;

	ASSERT(MUTEX_HELD(&g->g_lock));
	if (key->share_kind == SHARE_NONE)
		return NULL;
	while (sh != NULL && (sh->sh_kind != key->share_kind || sh->sh_key != key->share))
		sh = sh->sh_next;
	if (sh != NULL)
		return sh;
	sh = f->share;
	f->share = NULL;
	sh->sh_kind = key->share_kind;
	sh->sh_key = key->share;
	sh->sh_id = __atomic_add_fetch(&last_id, 1, __ATOMIC_RELAXED);
	sh->sh_next = g->g_shares;
	g->g_shares = sh;
	return sh;
}

/* A member of it has left. */
static void share_put(struct devmap_group *g, struct devmap_share *sh)
{
	struct devmap_share **p = &g->g_shares;

	ASSERT(MUTEX_HELD(&g->g_lock));
	if (--sh->sh_members > 0)
		return;
	while (*p != sh)
		p = &(*p)->sh_next;
	*p = sh->sh_next;
	kmem_free(sh, sizeof(*sh));
}

/* The member of as with that context, new if it has to be. */
static struct devmap_member *member_get(struct devmap_group *g, const struct member_key *key,
					struct as *as, struct fresh *f)
{
	struct devmap_share *sh = share_get(g, key, f);
	struct devmap_member *mb = g->g_members;

	ASSERT(MUTEX_HELD(&g->g_lock));
	while (mb != NULL && (mb->mb_as != as || mb->mb_share != sh))
		mb = mb->mb_next;
	if (mb != NULL)
		return mb;
	mb = f->mb;
	f->mb = NULL;
	mb->mb_as = as;
	mb->mb_share = sh;
	if (sh != NULL)
		sh->sh_members++;
	mb->mb_group = g;
	mb->mb_next = g->g_members;
	g->g_members = mb;
	return mb;
}

/*
 * A handle of as joins the group, and the context in it, of the key. Returns its member, in which it
 * counts, or NULL if there is no memory.
 */
struct devmap_member *member_attach(const struct member_key *key, struct as *as, const char *name)
{
	struct devmap_member *mb;
	struct devmap_group *g;
	struct fresh f;

	if (!fresh_alloc(&f, key))
		return NULL;
	g = group_get(key->dip, key->key, key->keyed, name);
	if (g == NULL) {
		fresh_free(&f);
		return NULL;
	}
	mutex_enter(&g->g_lock);
	mb = member_get(g, key, as, &f);
	mb->mb_handles++;
	mutex_exit(&g->g_lock);
	fresh_free(&f);
	return mb;
}

/*
 * Give back the postponed faults of a member at addresses [lo, hi): what they ask for has changed.
 */
static void release_postponed(struct devmap_group *g, struct devmap_member *mb, struct arb_queue *q,
			      uintptr_t lo, uintptr_t hi)
{
	struct arb_req *a, *next;
	struct devmap_request *r;

	ASSERT(MUTEX_HELD(&g->g_lock));
	for (a = q->head; a != NULL; a = next) {
		next = a->next;
		r = request_of(a);
		if (a->state != ARB_POSTPONED || r->r_member != mb || r->r_fault->f_addr < lo ||
		    r->r_fault->f_addr >= hi)
			continue;
		arb_cancel(&g->g_arb, a);
		request_left(r);
		engine_release(r->r_fault);
	}
}

void member_release_postponed(struct devmap_member *mb, uintptr_t lo, uintptr_t hi)
{
	struct devmap_group *g = mb->mb_group;

	mutex_enter(&g->g_lock);
	release_postponed(g, mb, &g->g_arb.own, lo, hi);
	release_postponed(g, mb, &g->g_arb.others, lo, hi);
	group_step(g);
	mutex_exit(&g->g_lock);
}

/* Another process with the context that mb shares, or NULL. */
static struct devmap_member *other_of_share(const struct devmap_group *g,
					    const struct devmap_member *mb)
{
	struct devmap_member *other = g->g_members;

	ASSERT(MUTEX_HELD(&g->g_lock));
	if (mb->mb_share == NULL)
		return NULL;
	while (other != NULL && (other == mb || other->mb_share != mb->mb_share))
		other = other->mb_next;
	return other;
}

/*
 * The process has no mapping left in the group, with that context: whatever it had of it ends, unless
 * others go on with it (C7, X5).
 */
static void member_end(struct devmap_group *g, struct devmap_member *mb)
{
	struct devmap_member **p = &g->g_members, *other = other_of_share(g, mb);

	ASSERT(MUTEX_HELD(&g->g_lock));
	ASSERT(mb->mb_locked == 0 && mb->mb_lock_prev == NULL);
	while (*p != mb)
		p = &(*p)->mb_next;
	*p = mb->mb_next;
	release_postponed(g, mb, &g->g_arb.own, 0, UINTPTR_MAX);
	release_postponed(g, mb, &g->g_arb.others, 0, UINTPTR_MAX);
	ASSERT(mb->mb_waiting == 0);
	if (g->g_owner == mb)
		group_set_owner(g, other, gethrtime());
	if (other == NULL)
		arb_gone(&g->g_arb, member_owner(mb));
	if (mb->mb_share != NULL)
		share_put(g, mb->mb_share);
	group_step(g);
}

/* A handle leaves; mb may be gone afterwards. */
void member_detach(struct devmap_member *mb)
{
	struct devmap_group *g = mb->mb_group;

	mutex_enter(&g->g_lock);
	if (--mb->mb_handles > 0)
		mb = NULL;
	else
		member_end(g, mb);
	mutex_exit(&g->g_lock);
	if (mb != NULL)
		kmem_free(mb, sizeof(*mb));
	group_rele(g);
}

static void count_access(struct devmap_group *g, struct devmap_member *mb)
{
	g->g_stats.accesses++;
	mb->mb_stats.accesses++;
}

void member_count_access(struct devmap_member *mb)
{
	struct devmap_group *g = mb->mb_group;

	mutex_enter(&g->g_lock);
	count_access(g, mb);
	mutex_exit(&g->g_lock);
}

/* What call c was made for has changed: if it waits for the turn, it leaves. */
void member_restart_call(struct devmap_member *mb, struct devmap_call *c)
{
	struct devmap_group *g = mb->mb_group;
	struct devmap_request *r;

	mutex_enter(&g->g_lock);
	c->c_restart = B_TRUE;
	r = c->c_req;
	if (r != NULL && r->r_arb.state == ARB_WAITING) {
		/* Not when its thread has woken: it would be given the turn before. */
		request_leave(g, r);
		cv_signal(&r->r_cv);
	}
	mutex_exit(&g->g_lock);
}

/* A thread that was granted has been woken just now (R8). */
void member_woken(struct devmap_member *mb)
{
	struct devmap_group *g = mb->mb_group;
	hrtime_t now = gethrtime(), cost = 0;

	mutex_enter(&g->g_lock);
	if (g->g_owner != NULL && member_owner(g->g_owner) == member_owner(mb) &&
	    g->g_switching_since != 0) {
		cost = now - g->g_switching_since;
		g->g_switching_since = 0;
	}
	arb_woken(&g->g_arb, member_owner(mb), now, cost);
	group_step(g);
	mutex_exit(&g->g_lock);
}

/* Queue the fault without a thread; from the end of g_lock on it may be in another one's hands. */
static void postpone(struct devmap_group *g, struct devmap_member *mb, struct devmap_fault *f)
{
	ASSERT(MUTEX_HELD(&g->g_lock));
	if (f->f_released == g)
		f->f_released = NULL; /* and its reference is f_group's */
	else
		group_hold(g);
	f->f_group = g;
	f->f_thread = 0;
	f->f_req.r_fault = f;
	request_enqueue(g, &f->f_req, mb, B_TRUE);
	request_count_wait(g, &f->f_req, gethrtime());
	group_step(g);
}

/* Its access function is known to ask for the turn, and others are before it. */
static boolean_t would_only_wait(const struct devmap_group *g, const struct devmap_member *mb,
				 const struct devmap_fault *f)
{
	const struct devmap_request *r = &f->f_req;

	return !f->f_direct && g->g_seen &&
			       !arb_near(&g->g_arb, member_owner(mb),
					 r->r_group == g ? r->r_arb.ticket : 0) ?
		       B_TRUE :
		       B_FALSE;
}

/*
 * May the driver be asked for the fault? Otherwise it is postponed, and from then on perhaps in
 * another thread's hands. a_lock held.
 */
boolean_t member_admit(struct devmap_member *mb, struct devmap_fault *f)
{
	struct devmap_group *g = mb->mb_group;
	struct as *as = mb->mb_as;
	boolean_t admitted, search = B_FALSE;

	ASSERT(MUTEX_HELD(&as->a_lock));
	mutex_enter(&g->g_lock);
	admitted = would_only_wait(g, mb, f) ? B_FALSE : B_TRUE;
	if (admitted) {
		count_access(g, mb);
	} else {
		postpone(g, mb, f);
		search = g->g_arb.locks > 0 ? B_TRUE : B_FALSE;
	}
	mutex_exit(&g->g_lock);
	if (search)
		group_break_cycles(as);
	return admitted;
}

/* A load took pages from another process. by and from may be NULL: no group. mem_lock held. */
void member_taken(struct devmap_member *by, struct devmap_member *from, uint64_t pages)
{
	struct devmap_member *mb = from != NULL ? from : by;
	struct devmap_group *g = mb->mb_group;
	uint64_t before;

	mutex_enter(&g->g_lock);
	before = g->g_stats.taken;
	g->g_stats.taken += pages;
	mb->mb_stats.taken += pages;
	if (by != NULL && by != mb && by->mb_group == g)
		by->mb_stats.taken += pages;
	mutex_exit(&g->g_lock);
	if (worth_saying(before, before + pages))
		cmn_err(CE_WARN,
			"%s: devmap_load: process %d (%s) still had valid translations of "
			"pages that are loaded for another process; they were taken away",
			g->g_name, (int)mb->mb_as->a_pid, mb->mb_as->a_comm);
	if (by == NULL || by->mb_group == g)
		return;
	g = by->mb_group;
	mutex_enter(&g->g_lock);
	g->g_stats.taken += pages;
	by->mb_stats.taken += pages;
	mutex_exit(&g->g_lock);
}

/*
 * Locks (C13)
 */

/*
 * Lock the pages that the call asks for, if its process is the owner; else c_locked stays B_FALSE.
 */
void member_lock_pages(struct devmap_group *g, struct devmap_member *mb, struct devmap_call *c)
{
	ASSERT(MUTEX_HELD(&g->g_lock));
	if (c->c_lock_epoch != mb->mb_lock_epoch) {
		/* Those that were locked when the call began are so no more. */
		c->c_lock_epoch = mb->mb_lock_epoch;
		c->c_newlocks = (uint32_t)PAGES(c->c_len);
	}
	c->c_locked = arb_lock(&g->g_arb, member_owner(mb), c->c_newlocks, gethrtime());
	if (c->c_locked)
		mb->mb_locked += c->c_newlocks;
	waits_set_locks(mb);
}

void member_lock(struct devmap_member *mb, struct devmap_call *c)
{
	struct devmap_group *g = mb->mb_group;

	mutex_enter(&g->g_lock);
	member_lock_pages(g, mb, c);
	group_step(g);
	mutex_exit(&g->g_lock);
}

/* Has the group's access function ever asked for the turn? */
boolean_t member_seen(struct devmap_member *mb)
{
	struct devmap_group *g = mb->mb_group;
	boolean_t seen;

	mutex_enter(&g->g_lock);
	seen = g->g_seen;
	mutex_exit(&g->g_lock);
	return seen;
}

/* The owner, which has pages locked in that epoch, locks more. */
void member_lock_more(struct devmap_member *mb, uint32_t pages, uint32_t epoch)
{
	struct devmap_group *g = mb->mb_group;

	mutex_enter(&g->g_lock);
	if (epoch == mb->mb_lock_epoch && arb_lock(&g->g_arb, member_owner(mb), pages, gethrtime()))
		mb->mb_locked += pages;
	waits_set_locks(mb);
	group_step(g); /* refused: the limit has passed, and this ends the epoch */
	mutex_exit(&g->g_lock);
}

/* Unlock pages that were locked in that epoch; if it has passed, they are unlocked already. */
void member_unlock(struct devmap_member *mb, uint32_t pages, uint32_t epoch)
{
	struct devmap_group *g = mb->mb_group;

	mutex_enter(&g->g_lock);
	if (epoch == mb->mb_lock_epoch) {
		mb->mb_locked -= pages;
		waits_set_locks(mb);
		arb_unlock(&g->g_arb, member_owner(mb), pages);
		group_step(g);
	}
	mutex_exit(&g->g_lock);
}

uint32_t member_lock_epoch(struct devmap_member *mb)
{
	struct devmap_group *g = mb->mb_group;
	uint32_t epoch;

	mutex_enter(&g->g_lock);
	epoch = mb->mb_lock_epoch;
	mutex_exit(&g->g_lock);
	return epoch;
}

/* How many pages have mb and those with whom it shares its context locked? */
static uint64_t locked_by_owner(const struct devmap_group *g, const struct devmap_member *mb)
{
	const struct devmap_member *each;
	uint64_t pages = 0;

	ASSERT(MUTEX_HELD(&g->g_lock));
	if (mb->mb_share == NULL)
		return mb->mb_locked;
	for (each = g->g_members; each != NULL; each = each->mb_next)
		if (each->mb_share == mb->mb_share)
			pages += each->mb_locked;
	return pages;
}

/* Does the operator's limit allow so many more locked pages? */
boolean_t member_lock_room(struct devmap_member *mb, uint64_t pages)
{
	struct devmap_group *g = mb->mb_group;
	boolean_t room;

	mutex_enter(&g->g_lock);
	room = g->g_lock_pages_max == 0 || locked_by_owner(g, mb) + pages <= g->g_lock_pages_max ?
		       B_TRUE :
		       B_FALSE;
	mutex_exit(&g->g_lock);
	return room;
}
