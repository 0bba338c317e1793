/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Locks of a process on the device (C13): while it has pages locked, no other process of the group
 * is granted.
 */
#include "internal.h"

/* One devmap_lock_range(), and the part of it in one handle. */
struct piece {
	struct as *as;
	uint_t type, rw;
	uintptr_t at, end; /* what is left to do */
	struct devmap_handle *dh;
	pgcnt_t first, n; /* of dh's pages */
	pgcnt_t locked;	  /* of these, already locked */
	uint32_t epoch;	  /* of the group's locks */
	boolean_t restarted;
	struct devmap_request request; /* keeps its place from one try to the next */
};

/*
 * Locks that were broken are none. The bits stay until they are asked for: UNLOCK is still to come.
 */
static pgcnt_t count_locked(const struct devmap_handle *dh, pgcnt_t first, pgcnt_t n,
			    uint32_t epoch)
{
	return dh->dh_lock_epoch == epoch ? bits_count(dh->dh_locked, first, first + n) : 0;
}

/*
 * Is all of the range mapped, and do the limits allow what is not locked yet? (The sum over the
 * range is held against the limit of each of its groups.) Returns 0 or ENOMEM. a_lock held.
 */
static int check_range_locks(struct as *as, uintptr_t addr, uintptr_t end)
{
	struct devmap_handle *dh;
	uint64_t pages = 0;
	uintptr_t at;
	pgcnt_t first, n;

	ASSERT(MUTEX_HELD(&as->a_lock));
	for (at = addr; at < end; at = handle_end(dh)) {
		dh = as_handle(as, at);
		if (dh == NULL)
			return ENOMEM;
		if (dh->dh_member == NULL)
			continue;
		first = PAGES(at - dh->dh_uvaddr);
		n = PAGES(MIN(end, handle_end(dh)) - at);
		pages += n - count_locked(dh, first, n, member_lock_epoch(dh->dh_member));
	}
	for (at = addr; at < end; at = handle_end(dh)) {
		dh = as_handle(as, at);
		if (dh->dh_member != NULL && !member_lock_room(dh->dh_member, pages))
			return ENOMEM;
	}
	return 0;
}

/*
 * The first handle from p->at on, with p->at moved to it; NULL: none, or a hole in what is to be
 * locked.
 */
static struct devmap_handle *next_handle(struct piece *p)
{
	struct devmap_handle *dh;

	ASSERT(MUTEX_HELD(&p->as->a_lock));
	for (;;) {
		dh = as_handle_from(p->as, p->at);
		if (dh == NULL || dh->dh_uvaddr >= p->end ||
		    (dh->dh_uvaddr > p->at && p->type == DEVMAP_LOCK))
			return NULL;
		if (!(dh->dh_flags & DH_CLOSING) && !gate_is_shut(p->as, dh->dh_dip))
			break;
		cv_wait(&p->as->a_cv, &p->as->a_lock);
	}
	p->at = MAX(p->at, dh->dh_uvaddr);
	return dh;
}

/*
 * Is there anything to lock, or to unlock, from p->at on in the handle? If so it becomes the piece.
 */
static boolean_t take_piece(struct piece *p, struct devmap_handle *dh)
{
	if (dh->dh_member == NULL)
		return B_FALSE;
	p->dh = dh;
	p->first = PAGES(p->at - dh->dh_uvaddr);
	p->n = PAGES(MIN(p->end, handle_end(dh)) - p->at);
	p->epoch = member_lock_epoch(dh->dh_member);
	p->locked = count_locked(dh, p->first, p->n, p->epoch);
	if (p->type == DEVMAP_LOCK)
		return p->locked < p->n ? B_TRUE : B_FALSE;
	return bits_count(dh->dh_locked, p->first, p->first + p->n) > 0 ? B_TRUE : B_FALSE;
}

/*
 * The next piece that the driver is to be told of. a_lock held. Returns 0, ENOMEM, or ENOENT: none.
 */
static int next_piece(struct piece *p)
{
	struct devmap_handle *dh;

	ASSERT(MUTEX_HELD(&p->as->a_lock));
	for (; p->at < p->end; p->at = handle_end(dh)) {
		dh = next_handle(p);
		if (dh == NULL)
			return p->type == DEVMAP_LOCK ? ENOMEM : ENOENT;
		if (take_piece(p, dh))
			return 0;
	}
	return ENOENT;
}

/* devmap_access(9E) has returned 0 to DEVMAP_LOCK. a_lock held. B_FALSE: the arbiter refused. */
static boolean_t piece_locked(struct piece *p, struct devmap_call *c)
{
	struct devmap_handle *dh = p->dh;
	uint32_t pages;

	ASSERT(MUTEX_HELD(&p->as->a_lock));
	/*
	 * Without devmap_do_ctxmgt(): it is the owner already, or nobody is ever made to wait here.
	 */
	if (!c->c_locked)
		member_lock(dh->dh_member, c);
	/* Where nobody is ever made to wait there is nothing to lock; elsewhere it was refused. */
	if (!c->c_locked)
		return member_seen(dh->dh_member) ? B_FALSE : B_TRUE;
	/* Broken meanwhile: then the bits may belong to newer ones. */
	if (c->c_lock_epoch != member_lock_epoch(dh->dh_member))
		return B_TRUE;
	/* The bits of locks that were broken mean nothing to a new one. */
	if (dh->dh_lock_epoch != c->c_lock_epoch)
		bits_fill(dh->dh_locked, 0, PAGES(dh->dh_len), B_FALSE);
	dh->dh_lock_epoch = c->c_lock_epoch;
	/*
	 * Another thread may have locked or unlocked some of them meanwhile: count each page once.
	 */
	pages = (uint32_t)(p->n - bits_count(dh->dh_locked, p->first, p->first + p->n));
	if (pages > c->c_newlocks)
		member_lock_more(dh->dh_member, pages - c->c_newlocks, c->c_lock_epoch);
	else if (pages < c->c_newlocks)
		member_unlock(dh->dh_member, c->c_newlocks - pages, c->c_lock_epoch);
	bits_fill(dh->dh_locked, p->first, p->first + p->n, B_TRUE);
	return B_TRUE;
}

/* a_lock held. */
static void piece_unlocked(struct piece *p)
{
	locks_drop(p->dh, p->first, p->n);
}

/*
 * devmap_access(9E) for one piece. Returns 0 or an errno; EAGAIN: the mapping has changed, look
 * again. a_lock held, but not across the driver.
 */
static int ask_for_piece(struct piece *p)
{
	struct devmap_handle *dh = p->dh;
	struct devmap_call c;
	int value;

	ASSERT(MUTEX_HELD(&p->as->a_lock));
	bzero(&c, sizeof(c));
	c.c_off = dh->dh_off + (offset_t)(p->first << PAGESHIFT);
	c.c_len = p->n << PAGESHIFT;
	c.c_type = p->type;
	c.c_rw = p->rw;
	c.c_req = &p->request;
	c.c_newlocks = p->type == DEVMAP_LOCK ? (uint32_t)(p->n - p->locked) : 0;
	c.c_lock_epoch = p->epoch;
	access_begin(&c, dh);
	mutex_exit(&p->as->a_lock);
	member_count_access(dh->dh_member);
	value = dh->dh_ops.devmap_access(dh, dh->dh_seen.dh_pvtp, c.c_off, c.c_len, c.c_type,
					 c.c_rw);
	DEVMAP_PROBE(access, PROBE_OF(dh), c.c_off, c.c_len, c.c_type, c.c_rw, value);
	value = errno_of(value);
	mutex_enter(&p->as->a_lock);
	if (p->type == DEVMAP_UNLOCK && (value == 0 || !c.c_restart))
		piece_unlocked(p);
	else if (p->type == DEVMAP_LOCK && value == 0)
		value = piece_locked(p, &c) ? 0 : ENOLCK;
	else if (c.c_locked)
		member_unlock(dh->dh_member, c.c_newlocks, c.c_lock_epoch);
	access_end(&c);
	/* gate_shut() interrupts too, and its interruption may still be to come. */
	if (value != 0 && (c.c_restart || (value == EINTR && p->restarted))) {
		p->restarted = c.c_restart;
		return EAGAIN;
	}
	if (value != 0 && c.c_denied)
		return EACCES;
	return value >= 0 && value < 4096 ? value : EIO;
}

/*
 * Lock or unlock everything from p->at to p->end; p->at is where it stopped. Returns 0 or an errno.
 */
static int lock_pieces(struct piece *p)
{
	int error;

	mutex_enter(&p->as->a_lock);
	while ((error = next_piece(p)) == 0) {
		error = ask_for_piece(p);
		if (error == EAGAIN)
			continue;
		bzero(&p->request, sizeof(p->request));
		if (error != 0 && p->type == DEVMAP_LOCK)
			break;
		/* An unlock goes on whatever the driver says: the locks have ended. */
		p->at += p->n << PAGESHIFT;
	}
	mutex_exit(&p->as->a_lock);
	return error == ENOENT ? 0 : error;
}

/*
 * mlock(2), munlock(2), or devmap_lock() and devmap_unlock() of the client library, for len bytes
 * at addr (whole pages are affected). type is DEVMAP_LOCK or DEVMAP_UNLOCK; rw of enum devmap_rw.
 * engine_current() is as meanwhile. Locks do not nest. Where handles have no devmap_access(9E)
 * nothing is to be done. What fails half-way unlocks what it had locked.
 *
 * Returns 0; EINVAL: the arguments; ENOMEM: the range is not all mapped, or more pages than the
 * operator allows; EAGAIN: the process is not the owner after all, or its locks are over their
 * time; EINTR: a signal came first; or what devmap_access(9E) returned.
 */
int devmap_lock_range(struct as *as, uintptr_t addr, size_t len, uint_t type, uint_t rw)
{
	struct piece p;
	int error = 0;

	if ((type != DEVMAP_LOCK && type != DEVMAP_UNLOCK) || len == 0 ||
	    len > UINTPTR_MAX - addr - PAGEOFFSET)
		return EINVAL;
	bzero(&p, sizeof(p));
	p.as = as;
	p.type = type;
	p.rw = rw;
	p.at = addr & (uintptr_t)PAGEMASK;
	p.end = (addr + len + PAGEOFFSET) & (uintptr_t)PAGEMASK;
	as_enter(as);
	if (type == DEVMAP_LOCK) {
		mutex_enter(&as->a_lock);
		error = check_range_locks(as, p.at, p.end);
		mutex_exit(&as->a_lock);
	}
	if (error == 0)
		error = lock_pieces(&p);
	if (error == 0 && type == DEVMAP_LOCK)
		group_break_cycles(as);
	addr &= (uintptr_t)PAGEMASK;
	if (error != 0 && type == DEVMAP_LOCK && p.at > addr) {
		p.type = DEVMAP_UNLOCK;
		p.end = p.at;
		p.at = addr;
		(void)lock_pieces(&p);
	}
	as_leave(as);
	return error == ENOLCK ? EAGAIN : error;
}
