/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The turn: threads wait here until the arbiter lets them into devmap_contextmgt(9E), and tell it
 * what came of that.
 */
#include "internal.h"

/* Sleep until something happens or the deadline that r watches. Returns B_FALSE for a signal. */
static boolean_t sleep_in_queue(struct devmap_group *g, struct devmap_request *r)
{
	clock_t woken;

	ASSERT(MUTEX_HELD(&g->g_lock));
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

	ASSERT(MUTEX_HELD(&g->g_lock));
	group_step(g);
	while (r->r_arb.state != ARB_TURN && awake && !c->c_restart) {
		request_count_wait(g, r, gethrtime());
		if (!searched && g->g_arb.locks > 0) {
			searched = B_TRUE;
			mutex_exit(&g->g_lock);
			group_break_cycles(r->r_member->mb_as);
			mutex_enter(&g->g_lock);
			continue;
		}
		awake = sleep_in_queue(g, r);
	}
	if (r->r_arb.state == ARB_TURN)
		return 0;
	c->c_interrupted = B_TRUE;
	if (r->r_arb.state == ARB_WAITING)
		request_leave(g, r);
	return EINTR;
}

static int take_turn(struct devmap_group *g, struct devmap_request *r, struct devmap_call *c)
{
	struct devmap_member *mb = c->c_dh->dh_member;
	uint64_t ns = 0;
	int error;

	ASSERT(MUTEX_HELD(&g->g_lock));
	if (c->c_restart) {
		c->c_interrupted = B_TRUE;
		return EINTR;
	}
	cv_init(&r->r_cv, NULL, CV_DRIVER, NULL);
	request_enqueue(g, r, mb, B_FALSE);
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

/* A process of the owner's that has pages loaded, or NULL. */
static struct devmap_member *left_loaded(const struct devmap_group *g, struct devmap_member *owner)
{
	struct devmap_member *mb;

	ASSERT(MUTEX_HELD(&g->g_lock));
	if (owner->mb_share == NULL || mb_loaded_get(owner) > 0)
		return mb_loaded_get(owner) > 0 ? owner : NULL;
	mb = g->g_members;
	while (mb != NULL && (mb->mb_share != owner->mb_share || mb_loaded_get(mb) == 0))
		mb = mb->mb_next;
	return mb;
}

/* C17: the callback left the previous owner valid translations, somewhere in the group. */
static void check_leak(struct devmap_group *g, struct devmap_member *owner)
{
	struct devmap_member *mb = left_loaded(g, owner);

	if (mb == NULL)
		return;
	mb->mb_stats.leaked++;
	g->g_stats.leaked++;
	if (worth_saying(g->g_stats.leaked - 1, g->g_stats.leaked))
		cmn_err(CE_WARN,
			"%s: devmap_contextmgt: process %d (%s) does not own the device any "
			"more, but %u of its pages are still loaded",
			g->g_name, (int)mb->mb_as->a_pid, mb->mb_as->a_comm, mb_loaded_get(mb));
}

static void count_switch(struct devmap_group *g, struct devmap_member *mb, hrtime_t cost)
{
	ASSERT(MUTEX_HELD(&g->g_lock));
	g->g_stats.switches++;
	mb->mb_stats.switches++;
	g->g_stats.switch_ns += (uint64_t)cost;
	mb->mb_stats.switch_ns += (uint64_t)cost;
	histogram_add(&g->g_switch_hist, (uint64_t)cost);
	g->g_switching_since = g->g_turn_since;
	if (g->g_owner != NULL)
		check_leak(g, g->g_owner);
}

/* What the operator has set for the device, or else the driver for the handle. */
static struct arb_terms terms_of(const struct devmap_group *g, const struct devmap_handle *dh)
{
	struct arb_terms t = {
		.hold_ns = __atomic_load_n(&dh->dh_hold, __ATOMIC_RELAXED),
		.overhead = __atomic_load_n(&dh->dh_overhead, __ATOMIC_RELAXED),
	};

	ASSERT(MUTEX_HELD(&g->g_lock));
	if (g->g_terms.hold >= 0)
		t = (struct arb_terms){ .hold_ns = g->g_terms.hold };
	if (g->g_terms.overhead >= 0)
		t.overhead = (uint32_t)g->g_terms.overhead;
	return t;
}

static void turn_granted(struct devmap_group *g, struct devmap_call *c, struct devmap_request *r,
			 uint_t type, hrtime_t cost)
{
	struct devmap_member *mb = c->c_dh->dh_member;
	hrtime_t now = gethrtime();

	ASSERT(MUTEX_HELD(&g->g_lock));
	g->g_stats.grants++;
	mb->mb_stats.grants++;
	if (g->g_owner == NULL || member_owner(g->g_owner) != member_owner(mb)) {
		count_switch(g, mb, cost);
		group_set_owner(g, mb, now);
	}
	arb_granted(&g->g_arb, &r->r_arb, now, terms_of(g, c->c_dh));
	c->c_granted = B_TRUE;
	/* Lock at once: later somebody else might have the turn. */
	if (type == DEVMAP_LOCK && c->c_newlocks > 0 && !c->c_locked)
		member_lock_pages(g, mb, c);
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

	ASSERT(MUTEX_HELD(&dh->dh_as->a_lock));
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
	value = fn(dh, dh->dh_seen.dh_pvtp, off, len, type, rw);
	took = gethrtime() - began;
	end_turn(g, c, r, type, took, value);
	DEVMAP_PROBE(grant, PROBE_OF(dh), off, len, type, rw, value, r->r_waited, (uint64_t)took);
	return value;
}

/* What of the call is on this stack ends with it. Only this thread changes c_req. */
static void ctxmgt_end(struct devmap_call *c, const struct devmap_request *r,
		       const struct devmap_call *own)
{
	struct as *as = c->c_dh->dh_as;

	mutex_enter(&as->a_lock);
	if (c->c_req == r)
		c->c_req = NULL;
	if (c == own)
		call_end(c);
	mutex_exit(&as->a_lock);
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
	if (entry_absent((void *)fn))
		cmn_err(CE_WARN, "%s: devmap_do_ctxmgt: no devmap_contextmgt", dh->dh_name);
	else
		c = ctxmgt_call(dh, &own, &request);
	handle_exit(dh);
	if (c == NULL)
		return DDI_FAILURE;
	value = ctxmgt(c, off, len, type, rw, fn);
	if (c->c_req == &request || c == &own)
		ctxmgt_end(c, &request, &own);
	return value;
}
