/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * C27: for each process and device, devmap_unmap(9E) and devmap_access(9E) exclude each other.
 * Drivers rely on it: an access may use a sibling of its handle, which an unmap is about to free.
 *
 * Whoever unmaps shuts a gate, through which no access comes, asks those inside to leave, and waits
 * until they have. Those that wait for the turn keep their ticket, and come back when it is opened.
 */
#include "internal.h"

/* The next access behind the gate, from c on; NULL: there is none. */
static struct devmap_call *behind(const struct devmap_gate *gate, struct devmap_call *c)
{
	while (c != NULL && !gate_is_of(gate, c->c_dh->dh_dip))
		c = c->c_next_access;
	return c;
}

/*
 * No devmap_access(9E) of the device (dip NULL: of any) runs for as on return, and none begins until
 * gate_open(). Others may have shut gates of the same device. a_lock held, but dropped meanwhile.
 */
void gate_shut(struct as *as, struct devmap_gate *gate, const dev_info_t *dip)
{
	struct devmap_call *c;

	ASSERT(MUTEX_HELD(&as->a_lock));
	gate->gt_shut = B_TRUE;
	gate->gt_dip = dip;
	gate->gt_next = as->a_gates;
	as->a_gates = gate;
	for (c = behind(gate, as->a_accesses); c != NULL; c = behind(gate, c->c_next_access)) {
		member_restart_call(c->c_dh->dh_member, c);
		engine_interrupt(c->c_thread);
	}
	while (behind(gate, as->a_accesses) != NULL)
		cv_wait(&as->a_cv, &as->a_lock);
}

/* a_lock held. Nothing, if it was not shut. */
void gate_open(struct as *as, struct devmap_gate *gate)
{
	struct devmap_gate **p = &as->a_gates;

	ASSERT(MUTEX_HELD(&as->a_lock));
	if (!gate->gt_shut)
		return;
	while (*p != gate)
		p = &(*p)->gt_next;
	*p = gate->gt_next;
	gate->gt_shut = B_FALSE;
	cv_broadcast(&as->a_cv);
	pause_opened(as);
}

/* Shut it for the device of dh, unless it is. As gate_shut(); B_FALSE: it was not. */
boolean_t gate_covers(struct as *as, struct devmap_gate *gate, const struct devmap_handle *dh)
{
	const dev_info_t *dip = dh->dh_dip;

	ASSERT(MUTEX_HELD(&as->a_lock));
	if (gate->gt_shut && gate_is_of(gate, dip))
		return B_TRUE;
	gate_open(as, gate);
	gate_shut(as, gate, dip);
	return B_FALSE;
}

/* This thread enters devmap_access(9E) with the handle, through an open gate. As call_begin(). */
void access_begin(struct devmap_call *c, struct devmap_handle *dh)
{
	ASSERT(!gate_is_shut(dh->dh_as, dh->dh_dip));
	c->c_next_access = dh->dh_as->a_accesses;
	dh->dh_as->a_accesses = c;
	call_begin(c, dh);
}

void access_end(struct devmap_call *c)
{
	struct as *as = c->c_dh->dh_as;
	struct devmap_call **p = &as->a_accesses;

	ASSERT(MUTEX_HELD(&as->a_lock));
	while (*p != c)
		p = &(*p)->c_next_access;
	*p = c->c_next_access;
	if (as->a_gates != NULL)
		cv_broadcast(&as->a_cv);
	call_end(c);
}
