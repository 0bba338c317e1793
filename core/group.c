/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Groups and their members: who may run a driver's context management now. The rules are the
 * arbiter's; here are its clock, its lock, its threads and its accounts. Everything in a group is
 * guarded by g_lock unless a comment says otherwise.
 */
#include "internal.h"

static struct {
	kmutex_t lock;			/* groups_lock of core.h: the list, and g_refs going to 0 */
	struct devmap_group *first;
	hrtime_t lock_limit;		/* for groups to come */
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
	while (groups.first != NULL) {		/* group_tick() is still to come */
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

	while (g != NULL && (g->g_dip != dip || g->g_key != key || g->g_keyed != keyed))
		g = g->g_next;
	return g;
}

/* groups_lock held. */
static void group_begin(struct devmap_group *g, dev_info_t *dip, void *key, boolean_t keyed,
    const char *name)
{
	size_t i;

	mutex_init(&g->g_lock, NULL, MUTEX_DRIVER, NULL);
	arb_init(&g->g_arb);
	g->g_arb.lock_limit = groups.lock_limit;
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

/* The caller has a reference already, or groups_lock. */
void group_hold(struct devmap_group *g)
{
	__atomic_fetch_add(&g->g_refs, 1, __ATOMIC_RELAXED);
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
	ASSERT(g->g_members == NULL);
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

	while ((g = group_let_go(dip)) != NULL)
		group_rele(g);
}

/* The group for the key, with a reference for the caller; NULL if there is no memory. */
static struct devmap_group *group_get(dev_info_t *dip, void *key, boolean_t keyed, const char *name)
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

/*
 * A handle of as joins the group of (dip, key). Returns its member, in which it counts, or NULL if
 * there is no memory.
 */
struct devmap_member *member_attach(dev_info_t *dip, void *key, boolean_t keyed, struct as *as,
    const char *name)
{
	struct devmap_member *fresh = kmem_zalloc(sizeof(*fresh), KM_NOSLEEP), *mb;
	struct devmap_group *g;

	if (fresh == NULL)
		return NULL;
	g = group_get(dip, key, keyed, name);
	if (g == NULL) {
		kmem_free(fresh, sizeof(*fresh));
		return NULL;
	}
	mutex_enter(&g->g_lock);
	for (mb = g->g_members; mb != NULL && mb->mb_as != as;)
		mb = mb->mb_next;
	if (mb == NULL) {
		mb = fresh;
		fresh = NULL;
		mb->mb_as = as;
		mb->mb_group = g;
		mb->mb_next = g->g_members;
		g->g_members = mb;
	}
	mb->mb_handles++;
	mutex_exit(&g->g_lock);
	if (fresh != NULL)
		kmem_free(fresh, sizeof(*fresh));
	return mb;
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

static struct devmap_request *request_of(struct arb_req *r)
{
	return (struct devmap_request *)(void *)r;	/* r_arb comes first */
}
CTASSERT(offsetof(struct devmap_request, r_arb) == 0);

static void publish_locks(struct devmap_group *g)
{
	struct as *as = g->g_arb.locks > 0 && g->g_owner != NULL ? g->g_owner->mb_as : NULL;

	if (g->g_lock_owner != as)
		waits_set_lock_owner(g, as);
}

/* mb, or nobody, is the owner from now on. */
static void set_owner(struct devmap_group *g, struct devmap_member *mb, hrtime_t now)
{
	uint64_t ns = (uint64_t)(now - g->g_owned_since);

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
	struct devmap_member *mb = g->g_owner;

	cmn_err(CE_WARN, "%s: %u pages locked by process %d (%s) are unlocked: %s", g->g_name,
	    mb->mb_locked, (int)mb->mb_as->a_pid, mb->mb_as->a_comm, why);
	mb->mb_locked = 0;
	mb->mb_lock_epoch++;
	publish_locks(g);
}

static void enqueue(struct devmap_group *g, struct devmap_request *r, struct devmap_member *mb,
    boolean_t postponed)
{
	if (r->r_group != g)
		r->r_arb.ticket = 0;	/* another group's */
	r->r_group = g;
	r->r_member = mb;
	mb->mb_waiting++;
	waits_add(r);
	arb_request(&g->g_arb, &r->r_arb, mb->mb_as, postponed);
}

/* The request is in no queue any more: granted the turn, released or cancelled. */
static void left_queue(struct devmap_request *r)
{
	r->r_member->mb_waiting--;
	waits_remove(r);
}

static void count_wait(struct devmap_group *g, struct devmap_request *r, hrtime_t now)
{
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
	return g->g_arb.own.head != NULL || g->g_arb.others.head != NULL ? B_TRUE : B_FALSE;
}

static void group_step(struct devmap_group *g);

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
static void group_step(struct devmap_group *g)
{
	struct devmap_request *r;
	struct arb_step s;

	do {
		s = arb_step(&g->g_arb, gethrtime());
		if (s.broken != NULL) {
			g->g_stats.locks_broken++;
			g->g_owner->mb_stats.locks_broken++;
			forget_locks(g, "the time limit for locks has passed");
		}
		if (s.go != NULL) {
			r = request_of(s.go);
			left_queue(r);
			cv_signal(&r->r_cv);
		}
		if (s.release != NULL) {
			r = request_of(s.release);
			left_queue(r);
			/* From here on it is the engine's: another thread may be at it. */
			engine_release(r->r_fault);
		}
	} while (s.go != NULL || s.release != NULL || s.broken != NULL);
	set_timer(g, s.until);
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
		left_queue(&f->f_req);
		group_step(g);
	}
	mutex_exit(&g->g_lock);
}

/*
 * Members
 */

/*
 * Give back the postponed faults of a member at addresses [lo, hi): what they ask for has changed.
 */
static void release_postponed(struct devmap_group *g, struct devmap_member *mb, struct arb_queue *q,
    uintptr_t lo, uintptr_t hi)
{
	struct arb_req *a, *next;
	struct devmap_request *r;

	for (a = q->head; a != NULL; a = next) {
		next = a->next;
		r = request_of(a);
		if (a->state != ARB_POSTPONED || r->r_member != mb || r->r_fault->f_addr < lo ||
		    r->r_fault->f_addr >= hi)
			continue;
		arb_cancel(&g->g_arb, a);
		left_queue(r);
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

/* The process has no mapping left in the group: whatever it had of it ends (C7). */
static void member_end(struct devmap_group *g, struct devmap_member *mb)
{
	struct devmap_member **p = &g->g_members;

	while (*p != mb)
		p = &(*p)->mb_next;
	*p = mb->mb_next;
	release_postponed(g, mb, &g->g_arb.own, 0, UINTPTR_MAX);
	release_postponed(g, mb, &g->g_arb.others, 0, UINTPTR_MAX);
	ASSERT(mb->mb_waiting == 0);
	if (g->g_owner == mb)
		set_owner(g, NULL, gethrtime());
	arb_gone(&g->g_arb, mb->mb_as);
	publish_locks(g);
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

void member_count_access(struct devmap_member *mb)
{
	struct devmap_group *g = mb->mb_group;

	mutex_enter(&g->g_lock);
	g->g_stats.accesses++;
	mb->mb_stats.accesses++;
	mutex_exit(&g->g_lock);
}

/* What call c was made for has changed: if it waits for the turn, it leaves. */
void member_restart_call(struct devmap_member *mb, struct devmap_call *c)
{
	struct devmap_group *g = mb->mb_group;

	mutex_enter(&g->g_lock);
	c->c_restart = B_TRUE;
	if (c->c_req != NULL && c->c_req->r_arb.state == ARB_WAITING)
		cv_signal(&c->c_req->r_cv);
	mutex_exit(&g->g_lock);
}

/* A thread that was granted has been woken just now (R8). */
void member_woken(struct devmap_member *mb)
{
	struct devmap_group *g = mb->mb_group;

	mutex_enter(&g->g_lock);
	arb_woken(&g->g_arb, mb->mb_as, gethrtime());
	group_step(g);
	mutex_exit(&g->g_lock);
}

/*
 * Queue the fault without a thread, if its access function is known to ask for the turn and others
 * are before it. Once this has returned B_TRUE, f may be in another thread's hands. a_lock held.
 */
boolean_t member_postpone(struct devmap_member *mb, struct devmap_fault *f)
{
	struct devmap_group *g = mb->mb_group;
	struct devmap_request *r = &f->f_req;
	struct as *as = mb->mb_as;
	boolean_t search;
	uint64_t ticket;

	mutex_enter(&g->g_lock);
	ticket = r->r_group == g ? r->r_arb.ticket : 0;
	if (!g->g_seen || arb_near(&g->g_arb, mb->mb_as, ticket)) {
		mutex_exit(&g->g_lock);
		return B_FALSE;
	}
	if (f->f_released == g)
		f->f_released = NULL;	/* and its reference is f_group's */
	else
		group_hold(g);
	f->f_group = g;
	f->f_thread = 0;
	r->r_fault = f;
	enqueue(g, r, mb, B_TRUE);
	count_wait(g, r, gethrtime());
	group_step(g);
	search = g->g_lock_owner != NULL ? B_TRUE : B_FALSE;
	mutex_exit(&g->g_lock);
	if (search)
		lock_cycles_break(as);
	return B_TRUE;
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
		cmn_err(CE_WARN, "%s: devmap_load: process %d (%s) still had valid translations of "
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
static void lock_pages(struct devmap_group *g, struct devmap_member *mb, struct devmap_call *c)
{
	if (c->c_lock_epoch != mb->mb_lock_epoch) {
		/* Those that were locked when the call began are so no more. */
		c->c_lock_epoch = mb->mb_lock_epoch;
		c->c_newlocks = (uint32_t)PAGES(c->c_len);
	}
	c->c_locked = arb_lock(&g->g_arb, mb->mb_as, c->c_newlocks, gethrtime());
	if (c->c_locked)
		mb->mb_locked += c->c_newlocks;
}

void member_lock(struct devmap_member *mb, struct devmap_call *c)
{
	struct devmap_group *g = mb->mb_group;

	mutex_enter(&g->g_lock);
	lock_pages(g, mb, c);
	publish_locks(g);
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
	if (epoch == mb->mb_lock_epoch && arb_lock(&g->g_arb, mb->mb_as, pages, gethrtime()))
		mb->mb_locked += pages;
	group_step(g);		/* refused: the limit has passed, and this ends the epoch */
	mutex_exit(&g->g_lock);
}

/* Unlock pages that were locked in that epoch; if it has passed, they are unlocked already. */
void member_unlock(struct devmap_member *mb, uint32_t pages, uint32_t epoch)
{
	struct devmap_group *g = mb->mb_group;

	mutex_enter(&g->g_lock);
	if (epoch == mb->mb_lock_epoch) {
		mb->mb_locked -= pages;
		arb_unlock(&g->g_arb, mb->mb_as, pages);
		publish_locks(g);
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

/* Does the operator's limit allow so many more locked pages? */
boolean_t member_lock_room(struct devmap_member *mb, uint64_t pages)
{
	struct devmap_group *g = mb->mb_group;
	boolean_t room;

	mutex_enter(&g->g_lock);
	room = g->g_lock_pages_max == 0 || mb->mb_locked + pages <= g->g_lock_pages_max ? B_TRUE :
		B_FALSE;
	mutex_exit(&g->g_lock);
	return room;
}

/* as has closed a cycle of processes that wait for each other's locks: end its locks here. */
void group_break_locks(struct devmap_group *g, struct as *as)
{
	mutex_enter(&g->g_lock);
	if (g->g_lock_owner == as) {
		arb_unlock(&g->g_arb, as, g->g_arb.locks);
		g->g_stats.lock_cycles++;
		g->g_owner->mb_stats.lock_cycles++;
		forget_locks(g, "it waits for a process that waits for them");
		group_step(g);
	}
	mutex_exit(&g->g_lock);
}

/*
 * The turn
 */

/* Sleep until something happens or the deadline that r watches. Returns B_FALSE for a signal. */
static boolean_t sleep_in_queue(struct devmap_group *g, struct devmap_request *r)
{
	clock_t woken;

	if (g->g_timer == r && g->g_until != ARB_NEVER)
		woken = cv_timedwait_sig_hires(&r->r_cv, &g->g_lock, g->g_until, 1,
		    CALLOUT_FLAG_ABSOLUTE);
	else
		woken = cv_wait_sig(&r->r_cv, &g->g_lock);
	group_step(g);
	return woken != 0 ? B_TRUE : B_FALSE;
}

/* Wait until r has the turn. Returns 0; EINTR: it left the queue, but keeps its ticket. */
static int wait_for_turn(struct devmap_group *g, struct devmap_request *r, struct devmap_call *c)
{
	boolean_t awake = B_TRUE, searched = B_FALSE;

	group_step(g);
	while (r->r_arb.state != ARB_TURN && awake && !c->c_restart) {
		count_wait(g, r, gethrtime());
		if (!searched && g->g_lock_owner != NULL) {
			searched = B_TRUE;
			mutex_exit(&g->g_lock);
			lock_cycles_break(r->r_member->mb_as);
			mutex_enter(&g->g_lock);
			continue;
		}
		awake = sleep_in_queue(g, r);
	}
	if (r->r_arb.state == ARB_TURN)
		return 0;
	c->c_interrupted = B_TRUE;
	arb_cancel(&g->g_arb, &r->r_arb);
	left_queue(r);
	group_step(g);
	return EINTR;
}

static int take_turn(struct devmap_group *g, struct devmap_request *r, struct devmap_call *c)
{
	struct devmap_member *mb = c->c_dh->dh_member;
	uint64_t ns = 0;
	int error;

	if (c->c_restart) {
		c->c_interrupted = B_TRUE;
		return EINTR;
	}
	cv_init(&r->r_cv, NULL, CV_DRIVER, NULL);
	enqueue(g, r, mb, B_FALSE);
	error = wait_for_turn(g, r, c);
	cv_destroy(&r->r_cv);
	if (error != 0)
		return error;
	if (r->r_since != 0) {
		ns = (uint64_t)(gethrtime() - r->r_since);
		r->r_since = 0;
		g->g_stats.wait_ns += ns;
		mb->mb_stats.wait_ns += ns;
		histogram_add(&g->g_wait_hist, ns);
	}
	r->r_waited = ns;
	g->g_turn_thread = c->c_thread;
	return 0;
}

/* C17: the callback left the previous owner valid translations, somewhere in the group. */
static void check_leak(struct devmap_group *g, struct devmap_member *mb)
{
	if (mb_loaded_get(mb) == 0)
		return;
	mb->mb_stats.leaked++;
	g->g_stats.leaked++;
	if (worth_saying(g->g_stats.leaked - 1, g->g_stats.leaked))
		cmn_err(CE_WARN,
		    "%s: devmap_contextmgt: process %d (%s) does not own the device any "
		    "more, but %u of its pages are still loaded", g->g_name, (int)mb->mb_as->a_pid,
		    mb->mb_as->a_comm, mb_loaded_get(mb));
}

static void count_switch(struct devmap_group *g, struct devmap_member *mb, hrtime_t cost)
{
	g->g_stats.switches++;
	mb->mb_stats.switches++;
	histogram_add(&g->g_switch_hist, (uint64_t)cost);
	if (g->g_switch_cost == 0)
		g->g_switch_cost = cost;
	else
		g->g_switch_cost += (cost - g->g_switch_cost) / 8;
	if (g->g_owner != NULL)
		check_leak(g, g->g_owner);
}

/* How long the owner keeps the device: what the driver set, or what keeps switching cheap (X2). */
static hrtime_t hold_of(const struct devmap_group *g, const struct devmap_handle *dh)
{
	uint_t percent = __atomic_load_n(&dh->dh_overhead, __ATOMIC_RELAXED);

	if (percent == 0)
		return __atomic_load_n(&dh->dh_hold, __ATOMIC_RELAXED);
	return MIN(g->g_switch_cost, ARB_NEVER / 100) * (100 - percent) / percent;
}

static void turn_granted(struct devmap_group *g, struct devmap_call *c, struct devmap_request *r,
    uint_t type, hrtime_t cost)
{
	struct devmap_member *mb = c->c_dh->dh_member;
	hrtime_t now = gethrtime();

	g->g_stats.grants++;
	mb->mb_stats.grants++;
	if (g->g_owner != mb)
		count_switch(g, mb, cost);
	g->g_hold = hold_of(g, c->c_dh);
	arb_granted(&g->g_arb, &r->r_arb, now, g->g_hold);
	set_owner(g, mb, now);
	c->c_granted = B_TRUE;
	/* Lock at once: later somebody else might have the turn. */
	if (type == DEVMAP_LOCK && c->c_newlocks > 0 && !c->c_locked)
		lock_pages(g, mb, c);
	publish_locks(g);
}

static void end_turn(struct devmap_group *g, struct devmap_call *c, struct devmap_request *r,
    uint_t type, hrtime_t cost, int value)
{
	mutex_enter(&g->g_lock);
	g->g_turn_thread = 0;
	if (value == 0) {
		turn_granted(g, c, r, type, cost);
	} else {
		g->g_stats.failures++;
		c->c_dh->dh_member->mb_stats.failures++;
		arb_failed(&g->g_arb, &r->r_arb);
	}
	group_step(g);
	mutex_exit(&g->g_lock);
}

/*
 * The call in which this thread asks for the turn: its devmap_access(9E), or, for a handle in which
 * it has none, own, for which the handle is pinned. Returns NULL, with a message, if it may not
 * ask.
 */
static struct devmap_call *ctxmgt_call(struct devmap_handle *dh, struct devmap_call *own,
    struct devmap_request *r)
{
	struct devmap_call *c;

	if (dh->dh_member == NULL) {
		cmn_err(CE_WARN, "%s: devmap_do_ctxmgt: handle %p has no devmap_access",
		    dh->dh_name, (void *)dh);
		return NULL;
	}
	c = call_find(dh);
	if (c == NULL) {
		if (dh->dh_flags & DH_CLOSING) {
			cmn_err(CE_WARN, "%s: devmap_do_ctxmgt: handle %p is being unmapped",
			    dh->dh_name, (void *)dh);
			return NULL;
		}
		bzero(own, sizeof(*own));
		call_begin(own, dh);
		c = own;
	}
	if (c->c_req == NULL)
		c->c_req = r;
	return c;
}

typedef int contextmgt_t(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len, uint_t type,
    uint_t rw);

static int ctxmgt(struct devmap_call *c, offset_t off, size_t len, uint_t type, uint_t rw,
    contextmgt_t *fn)
{
	struct devmap_handle *dh = c->c_dh;
	struct devmap_group *g = dh->dh_member->mb_group;
	struct devmap_request *r = c->c_req;
	hrtime_t began, took;
	int value;

	mutex_enter(&g->g_lock);
	if (g->g_turn_thread == c->c_thread) {
		mutex_exit(&g->g_lock);
		cmn_err(CE_WARN, "%s: devmap_do_ctxmgt: called from the group's devmap_contextmgt",
		    dh->dh_name);
		return DDI_FAILURE;
	}
	g->g_seen = B_TRUE;
	value = take_turn(g, r, c);
	mutex_exit(&g->g_lock);
	if (value != 0)
		return value;
	began = gethrtime();
	value = fn(dh, dh->dh_pvtp, off, len, type, rw);
	took = gethrtime() - began;
	end_turn(g, c, r, type, took, value);
	DEVMAP_PROBE(grant, PROBE_OF(dh), off, len, type, rw, value, r->r_waited, (uint64_t)took);
	return value;
}

/*
 * devmap_do_ctxmgt(9F): wait for the process's turn in the handle's group, then call
 * devmap_contextmgt(9E). For use in devmap_access(9E).
 *
 * dhp, off, len (bytes), type, rw: as devmap_access(9E) got them, and handed on. pvtp: ignored; the
 *	callback gets the handle's own.
 * fn: the callback.
 *
 * Returns what the callback returned (0 makes the process the owner of the device). DDI_FAILURE:
 * there is no callback, or no group; EINTR: the wait ended before the turn came, since the thread
 * took a signal or the mapping has changed: devmap_access(9E) is to return it.
 */
int devmap_do_ctxmgt(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len, uint_t type,
    uint_t rw, contextmgt_t *fn)
{
	struct devmap_handle *dh = handle_enter(dhp, "devmap_do_ctxmgt");
	struct devmap_request request;
	struct devmap_call own, *c = NULL;
	int value;

	(void)pvtp;
	if (dh == NULL)
		return DDI_FAILURE;
	bzero(&request, sizeof(request));
	if (callback_absent((void *)fn))
		cmn_err(CE_WARN, "%s: devmap_do_ctxmgt: no devmap_contextmgt", dh->dh_name);
	else
		c = ctxmgt_call(dh, &own, &request);
	handle_exit(dh);
	if (c == NULL)
		return DDI_FAILURE;
	value = ctxmgt(c, off, len, type, rw, fn);
	mutex_enter(&dh->dh_as->a_lock);
	if (c->c_req == &request)
		c->c_req = NULL;
	if (c == &own)
		call_end(c);
	mutex_exit(&dh->dh_as->a_lock);
	return value;
}
