/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * How long the owner keeps the device, what is one device, and who is one process:
 * devmap_set_ctx_timeout(9F) and our own (X1, X2, X3). The times are read without a lock when a
 * turn ends, so they are stored atomically.
 */
#include "internal.h"

static void set_hold(struct devmap_handle *dh, hrtime_t ns)
{
	__atomic_store_n(&dh->dh_hold, ns, __ATOMIC_RELAXED);
	handle_show(dh);
}

/*
 * devmap_set_ctx_timeout(9F): the process that is granted the device through dhp keeps it for so
 * many ticks (of 1/hz s) before another process's request reaches the driver. 0 or less: no hold.
 * May be called at any time, also by devmap_contextmgt(9E) for the grant it is about to make.
 */
void devmap_set_ctx_timeout(devmap_cookie_t dhp, clock_t ticks)
{
	struct devmap_handle *dh = handle_enter(dhp, "devmap_set_ctx_timeout");
	hrtime_t tick = NANOSEC / hz;

	if (dh == NULL)
		return;
	if (ticks <= 0)
		set_hold(dh, 0);
	else
		set_hold(dh, ticks < ARB_NEVER / tick ? ticks * tick : ARB_NEVER);
	handle_exit(dh);
}

/* X1: as devmap_set_ctx_timeout(9F), in ns. Returns 0; EINVAL: ns < 0, no devmap_access(9E). */
int devmap_set_ctx_hold(devmap_cookie_t dhp, hrtime_t ns)
{
	struct devmap_handle *dh = handle_enter(dhp, "devmap_set_ctx_hold");
	int error = 0;

	if (dh == NULL)
		return EINVAL;
	if (ns < 0 || dh->dh_member == NULL)
		error = EINVAL;
	else
		set_hold(dh, ns);
	handle_exit(dh);
	return error;
}

/*
 * X2: the hold is chosen so that switching takes at most percent (1 to 99) of the device's time; 0:
 * as set by the calls above. Returns 0; EINVAL: percent > 99, no devmap_access(9E).
 */
int devmap_set_ctx_overhead(devmap_cookie_t dhp, uint_t percent)
{
	struct devmap_handle *dh = handle_enter(dhp, "devmap_set_ctx_overhead");
	int error = 0;

	if (dh == NULL)
		return EINVAL;
	if (percent > 99 || dh->dh_member == NULL)
		error = EINVAL;
	else
		__atomic_store_n(&dh->dh_overhead, percent, __ATOMIC_RELAXED);
	handle_exit(dh);
	return error;
}

/* The handle, of which nothing was loaded yet, changes its group. a_lock held. */
static void change_member(struct devmap_handle *dh, struct devmap_member *mb)
{
	struct devmap_memory *m = dh->dh_memory;

	ASSERT(MUTEX_HELD(&dh->dh_as->a_lock));
	/* Nothing was loaded (DH_ACCESSED), so mb_loaded need not be moved. */
	if (m != NULL)
		mutex_enter(&m->mem_lock);
	dh->dh_member = mb;
	if (m != NULL)
		mutex_exit(&m->mem_lock);
}

/*
 * X3: the handle belongs to the group of key, an address of the driver's own, within its device
 * instance; NULL: to that of its devmap_access(9E). Call it in devmap_map(9E). Returns 0; EINVAL:
 * no devmap_access(9E); EBUSY: the handle has been accessed already; ENOMEM.
 */
int devmap_set_ctx_group(devmap_cookie_t dhp, void *key)
{
	struct devmap_handle *dh = handle_enter(dhp, "devmap_set_ctx_group");
	struct devmap_member *mb = NULL, *old = NULL;
	int error = 0;

	if (dh == NULL)
		return EINVAL;
	if (dh->dh_member == NULL)
		error = EINVAL;
	else if (dh->dh_flags & DH_ACCESSED)
		error = EBUSY;
	else if ((mb = member_attach(dh->dh_dip,
				     key != NULL ? key : (void *)dh->dh_ops.devmap_access,
				     key != NULL, dh->dh_as, dh->dh_name)) == NULL)
		error = ENOMEM;
	if (error == 0) {
		old = dh->dh_member;
		change_member(dh, mb);
	}
	handle_exit(dh);
	if (old != NULL)
		member_detach(old);
	return error;
}

/*
 * The key of the handle's address space, from its beginning to its end never another's; of the one
 * that this thread serves if dhp is NULL. 0: dhp is no handle, or no process with a mapping is
 * served.
 */
uint64_t devmap_get_as_key(devmap_cookie_t dhp)
{
	const struct as *as = engine_current();
	struct devmap_handle *dh;
	uint64_t key;

	if (dhp == NULL)
		return as != NULL ? as->a_key : 0;
	dh = handle_enter(dhp, "devmap_get_as_key");
	if (dh == NULL)
		return 0;
	key = dh->dh_as->a_key;
	handle_exit(dh);
	return key;
}
