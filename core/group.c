/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Groups: who may run a driver's context management now. The rules are the arbiter's; here are its
 * clock, its lock and its accounts, and in turn.c the threads that wait. Everything in a group is
 * guarded by g_lock unless a comment says otherwise.
 */
#include "internal.h"

static struct {
	kmutex_t lock; /* groups_lock of core.h: the list, and g_refs going to 0 */
	struct devmap_group *first;
	hrtime_t lock_limit; /* for groups to come */
	uint64_t lock_pages_max;
} groups;

void groups_init(void)
{
	mutex_init(&groups.lock, NULL, MUTEX_DRIVER, NULL);
	groups.first = NULL;
}

void groups_fini(void)
{
	devmap_instance_gone(NULL);
	mutex_enter(&groups.lock);
	while (groups.first != NULL) { /* group_tick() is still to come */
		mutex_exit(&groups.lock);
		delay(1);
		mutex_enter(&groups.lock);
	}
	mutex_exit(&groups.lock);
	mutex_destroy(&groups.lock);
}

void devmap_set_lock_limits(hrtime_t ns, uint64_t pages)
{
	mutex_enter(&groups.lock);
	groups.lock_limit = ns;
	groups.lock_pages_max = pages;
	mutex_exit(&groups.lock);
}

/*
 * Groups come and go
 */

static struct devmap_group *group_find(dev_info_t *dip, void *key, boolean_t keyed)
{
	struct devmap_group *g = groups.first;

	ASSERT(MUTEX_HELD(&groups.lock));
	while (g != NULL && (g->g_dip != dip || g->g_key != key || g->g_keyed != keyed))
		g = g->g_next;
	return g;
}

/* groups_lock held; g_lock too, unless the group is not listed yet. */
static void group_take_terms(struct devmap_group *g, struct devmap_terms t)
{
	ASSERT(MUTEX_HELD(&groups.lock));
	g->g_terms = t;
	g->g_arb.lock_limit = t.lock >= 0 ? t.lock : groups.lock_limit;
}

int devmap_set_terms(dev_info_t *dip, const struct devmap_terms *t)
{
	struct terms_entry *fresh;

	if (t->hold < -1 || t->overhead < -1 || t->overhead > 99 || t->lock < -1)
		return EINVAL;
	fresh = kmem_zalloc(sizeof(*fresh), KM_NOSLEEP);
	if (fresh == NULL)
		return ENOMEM;
	mutex_enter(&groups.lock);
	fresh = terms_put(dip, t, fresh);
	for (struct devmap_group *g = groups.first; g != NULL; g = g->g_next) {
		if (g->g_dip != dip)
			continue;
		mutex_enter(&g->g_lock);
		group_take_terms(g, *t);
		mutex_exit(&g->g_lock);
	}
	mutex_exit(&groups.lock);
	if (fresh != NULL)
		kmem_free(fresh, sizeof(*fresh));
	return 0;
}

struct devmap_terms devmap_get_terms(const dev_info_t *dip)
{
	struct devmap_terms t;

	mutex_enter(&groups.lock);
	t = terms_of_instance(dip);
	mutex_exit(&groups.lock);
	return t;
}

static void forget_terms(const dev_info_t *dip)
{
	struct terms_entry *e;

	do {
		mutex_enter(&groups.lock);
		e = terms_take(dip);
		mutex_exit(&groups.lock);
		if (e != NULL)
			kmem_free(e, sizeof(*e));
	} while (e != NULL);
}

/* groups_lock held. */
static void group_begin(struct devmap_group *g, dev_info_t *dip, void *key, boolean_t keyed,
			const char *name)
{
	size_t i;

	ASSERT(MUTEX_HELD(&groups.lock));
	mutex_init(&g->g_lock, NULL, MUTEX_DRIVER, NULL);
	arb_init(&g->g_arb);
	group_take_terms(g, terms_of_instance(dip));
	g->g_lock_pages_max = groups.lock_pages_max;
	g->g_until = ARB_NEVER;
	g->g_dip = dip;
	g->g_instance = ddi_get_instance(dip);
	g->g_key = key;
	g->g_keyed = keyed;
	for (i = 0; i + 1 < sizeof(g->g_name) && name[i] != '\0'; i++)
		g->g_name[i] = name[i];
	g->g_next = groups.first;
	groups.first = g;
}

void group_rele(struct devmap_group *g)
{
	struct devmap_group **p = &groups.first;
	boolean_t last;

	mutex_enter(&groups.lock);
	last = __atomic_sub_fetch(&g->g_refs, 1, __ATOMIC_ACQ_REL) == 0 ? B_TRUE : B_FALSE;
	if (last) {
		while (*p != g)
			p = &(*p)->g_next;
		*p = g->g_next;
	}
	mutex_exit(&groups.lock);
	if (!last)
		return;
	ASSERT(g->g_members == NULL && g->g_shares == NULL);
	mutex_destroy(&g->g_lock);
	kmem_free(g, sizeof(*g));
}

/*
 * The group of an access function lasts as long as the instance, and so do its statistics. One with
 * a key of the driver's lasts as long as its handles: keys may be many.
 */
static void group_stay(struct devmap_group *g)
{
	if (g->g_keyed)
		return;
	group_hold(g);
	g->g_stays = B_TRUE;
}

/* The next group of dip (NULL: of any) that stays without handles, and does so no longer. */
static struct devmap_group *group_let_go(dev_info_t *dip)
{
	struct devmap_group *g;

	mutex_enter(&groups.lock);
	for (g = groups.first; g != NULL; g = g->g_next)
		if (g->g_stays && (dip == NULL || g->g_dip == dip))
			break;
	if (g != NULL)
		g->g_stays = B_FALSE;
	mutex_exit(&groups.lock);
	return g;
}

void devmap_instance_gone(dev_info_t *dip)
{
	struct devmap_group *g;

	forget_terms(dip);
	while ((g = group_let_go(dip)) != NULL)
		group_rele(g);
}

/* The group for the key, with a reference for the caller; NULL if there is no memory. */
struct devmap_group *group_get(dev_info_t *dip, void *key, boolean_t keyed, const char *name)
{
	struct devmap_group *g, *fresh = NULL;

	mutex_enter(&groups.lock);
	while ((g = group_find(dip, key, keyed)) == NULL && fresh == NULL) {
		/* Look again after this: somebody may have been quicker. */
		mutex_exit(&groups.lock);
		fresh = kmem_zalloc(sizeof(*fresh), KM_NOSLEEP);
		if (fresh == NULL)
			return NULL;
		mutex_enter(&groups.lock);
	}
	if (g == NULL) {
		g = fresh;
		fresh = NULL;
		group_begin(g, dip, key, keyed, name);
		group_stay(g);
	}
	group_hold(g);
	mutex_exit(&groups.lock);
	if (fresh != NULL)
		kmem_free(fresh, sizeof(*fresh));
	return g;
}

void group_each(void (*fn)(struct devmap_group *g, void *arg), void *arg)
{
	struct devmap_group *g;

	mutex_enter(&groups.lock);
	for (g = groups.first; g != NULL; g = g->g_next) {
		mutex_enter(&g->g_lock);
		fn(g, arg);
		mutex_exit(&g->g_lock);
	}
	mutex_exit(&groups.lock);
}

/*
 * The arbiter's decisions
 */

/* mb, or nobody, is the owner from now on. */
void group_set_owner(struct devmap_group *g, struct devmap_member *mb, hrtime_t now)
{
	uint64_t ns = (uint64_t)(now - g->g_owned_since);

	ASSERT(MUTEX_HELD(&g->g_lock));
	if (g->g_owner == mb)
		return;
	if (g->g_owner != NULL) {
		g->g_owner->mb_stats.owned_ns += ns;
		g->g_stats.owned_ns += ns;
		DEVMAP_PROBE(hold_end, g->g_name, g->g_instance, (int)g->g_owner->mb_as->a_pid, ns);
	}
	g->g_owner = mb;
	g->g_owned_since = now;
}

/* The owner's locks have been ended; the bits in its handles are stale from now on. */
static void forget_locks(struct devmap_group *g, const char *why)
{
	struct devmap_member *mb;

	ASSERT(MUTEX_HELD(&g->g_lock));
	for (mb = g->g_members; mb != NULL; mb = mb->mb_next) {
		if (mb->mb_locked == 0)
			continue;
		ASSERT(member_owner(mb) == member_owner(g->g_owner));
		cmn_err(CE_WARN, "%s: %u pages locked by process %d (%s) are unlocked: %s",
			g->g_name, mb->mb_locked, (int)mb->mb_as->a_pid, mb->mb_as->a_comm, why);
		mb->mb_locked = 0;
		mb->mb_lock_epoch++;
		waits_set_locks(mb);
	}
}

void request_enqueue(struct devmap_group *g, struct devmap_request *r, struct devmap_member *mb,
		     boolean_t postponed)
{
	ASSERT(MUTEX_HELD(&g->g_lock));
	if (r->r_group != g)
		r->r_arb.ticket = 0; /* another group's */
	r->r_group = g;
	r->r_member = mb;
	mb->mb_waiting++;
	waits_add(r);
	arb_request(&g->g_arb, &r->r_arb, member_owner(mb), postponed);
}

/* The request is in no queue any more: granted the turn, released or cancelled. */
void request_left(struct devmap_request *r)
{
	ASSERT(MUTEX_HELD(&r->r_group->g_lock));
	r->r_member->mb_waiting--;
	waits_remove(r);
}

void request_count_wait(struct devmap_group *g, struct devmap_request *r, hrtime_t now)
{
	ASSERT(MUTEX_HELD(&g->g_lock));
	if (r->r_since != 0)
		return;
	r->r_since = now;
	g->g_stats.waits++;
	r->r_member->mb_stats.waits++;
	DEVMAP_PROBE(wait, g->g_name, g->g_instance, (int)r->r_member->mb_as->a_pid,
		     g->g_owner != NULL ? (int)g->g_owner->mb_as->a_pid : 0);
}

static struct devmap_request *first_thread(const struct arb_queue *q)
{
	struct arb_req *r = q->head;

	while (r != NULL && r->state != ARB_WAITING)
		r = r->next;
	return r != NULL ? request_of(r) : NULL;
}

/* To be asked when no thread waits. */
static boolean_t somebody_postponed(const struct devmap_group *g)
{
	ASSERT(MUTEX_HELD(&g->g_lock));
	return g->g_arb.own.head != NULL || g->g_arb.others.head != NULL ? B_TRUE : B_FALSE;
}

static void group_tick(void *arg)
{
	struct devmap_group *g = arg;

	mutex_enter(&g->g_lock);
	g->g_ticking = B_FALSE;
	group_step(g);
	mutex_exit(&g->g_lock);
	group_rele(g);
}

/*
 * No thread waits, but faults are postponed. The one that was released before them may sleep in its
 * devmap_access(9E), outside the turn, for as long as it likes (C10): see to them without it.
 */
static void start_ticking(struct devmap_group *g)
{
	ASSERT(MUTEX_HELD(&g->g_lock));
	if (g->g_ticking)
		return;
	g->g_ticking = B_TRUE;
	group_hold(g);
	(void)timeout(group_tick, g, 1);
}

/*
 * Somebody has to come back at the arbiter's deadline: the first thread that waits. It is woken to
 * learn of a new deadline. When no thread waits, every request is postponed and one is outstanding:
 * group_answered() tells of its end, and a call-out comes back in case that it sleeps.
 */
static void set_timer(struct devmap_group *g, hrtime_t until)
{
	struct devmap_request *r = NULL;

	ASSERT(MUTEX_HELD(&g->g_lock));
	if (until != ARB_NEVER) {
		r = first_thread(&g->g_arb.others);
		if (r == NULL)
			r = first_thread(&g->g_arb.own);
	}
	if (r != NULL && (r != g->g_timer || until != g->g_until))
		cv_signal(&r->r_cv);
	if (r == NULL && until != ARB_NEVER && somebody_postponed(g))
		start_ticking(g);
	g->g_timer = r;
	g->g_until = until;
}

/* Something has happened, or some time has passed: have the arbiter decide, and act on it. */
void group_step(struct devmap_group *g)
{
	struct devmap_request *r;
	struct arb_step s;
	hrtime_t now;

	ASSERT(MUTEX_HELD(&g->g_lock));
	do {
		now = gethrtime();
		s = arb_step(&g->g_arb, now);
		if (s.broken != NULL) {
			g->g_stats.locks_broken++;
			g->g_owner->mb_stats.locks_broken++;
			forget_locks(g, "the time limit for locks has passed");
		}
		if (s.go != NULL) {
			r = request_of(s.go);
			g->g_turn_since = now;
			request_left(r);
			cv_signal(&r->r_cv);
		}
		if (s.release != NULL) {
			r = request_of(s.release);
			request_left(r);
			/* From here on it is the engine's: another thread may be at it. */
			engine_release(r->r_fault);
		}
	} while (s.go != NULL || s.release != NULL || s.broken != NULL);
	set_timer(g, s.until);
}

/* A request in which a thread waits is taken out of the queue; it keeps its ticket. */
void request_leave(struct devmap_group *g, struct devmap_request *r)
{
	ASSERT(MUTEX_HELD(&g->g_lock));
	arb_cancel(&g->g_arb, &r->r_arb);
	request_left(r);
	group_step(g);
}

/*
 * A fault that g released has been answered. If it never asked for the turn, the next one is due
 * now (R9).
 */
void group_answered(struct devmap_group *g, struct devmap_fault *f)
{
	mutex_enter(&g->g_lock);
	if (f->f_req.r_arb.released != ARB_NOT_RELEASED) {
		arb_answered(&g->g_arb, &f->f_req.r_arb);
		group_step(g);
	}
	mutex_exit(&g->g_lock);
}

/* The fault is served, or forgotten, before it was released. */
void group_recall(struct devmap_group *g, struct devmap_fault *f)
{
	mutex_enter(&g->g_lock);
	if (f->f_req.r_arb.state == ARB_POSTPONED) {
		arb_cancel(&g->g_arb, &f->f_req.r_arb);
		request_left(&f->f_req);
		group_step(g);
	}
	mutex_exit(&g->g_lock);
}

/*
 * Locks that close a circle of waits (C13)
 */

static boolean_t has_locks(const struct devmap_group *g, const struct as *as)
{
	const struct devmap_member *mb = g->g_members;

	ASSERT(MUTEX_HELD(&g->g_lock));
	while (mb != NULL && (mb->mb_as != as || mb->mb_locked == 0))
		mb = mb->mb_next;
	return mb != NULL ? B_TRUE : B_FALSE;
}

/*
 * as has closed a cycle of processes that wait for each other's locks: end its locks here, and those
 * of whom it shares its context with.
 */
static void break_locks(struct devmap_group *g, struct as *as)
{
	mutex_enter(&g->g_lock);
	if (has_locks(g, as)) {
		arb_unlock(&g->g_arb, member_owner(g->g_owner), g->g_arb.locks);
		g->g_stats.lock_cycles++;
		g->g_owner->mb_stats.lock_cycles++;
		forget_locks(g, "it waits for a process that waits for them");
		group_step(g);
	}
	mutex_exit(&g->g_lock);
}

/* as may have closed a circle of waits for locks: if so, its locks there end. No g_lock held. */
void group_break_cycles(struct as *as)
{
	struct devmap_group *g;

	while ((g = waits_find_cycle(as)) != NULL) {
		break_locks(g, as);
		group_rele(g);
	}
}
