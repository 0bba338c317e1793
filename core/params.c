/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * How long the owner keeps the device, what is one device, and who is one process:
 * devmap_set_ctx_timeout(9F) and our own (X1, X2, X3, X5). The times are read without a lock when a
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

static void set_member(struct devmap_handle *dh, struct devmap_member *mb)
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
 * The handle, of which nothing was loaded yet, changes its group or its context. a_lock held.
 * *left is what to detach it from, afterwards and without lock. Returns 0 or an errno, and nothing
 * has changed.
 */
static int change_member(struct devmap_handle *dh, const struct member_key *key,
			 struct devmap_member **left)
{
	struct devmap_member *old = dh->dh_member;
	struct devmap_member *mb = member_attach(key, dh->dh_as, dh->dh_name);
	int error = 0;

	ASSERT(MUTEX_HELD(&dh->dh_as->a_lock));
	if (mb == NULL)
		return ENOMEM;
	set_member(dh, mb);
	if (old->mb_share != mb->mb_share && (dh->dh_flags & DH_ENGINE) != 0)
		error = engine_handle_share(dh);
	if (error != 0)
		set_member(dh, old);
	*left = error != 0 ? mb : old;
	return error;
}

/* May the handle still change its group, or its context? a_lock held. 0, EINVAL or EBUSY. */
static int check_change(const struct devmap_handle *dh, const char *call, boolean_t context)
{
	ASSERT(MUTEX_HELD(&dh->dh_as->a_lock));
	if (dh->dh_member == NULL)
		return EINVAL;
	if ((dh->dh_flags & DH_ACCESSED) == 0 && (!context || (dh->dh_flags & DH_SETTLED) == 0))
		return 0;
	if (context)
		cmn_err(CE_WARN,
			"%s: %s: handle %p is mapped already: whose context it is, devmap, "
			"devmap_map and devmap_dup decide",
			dh->dh_name, call, (const void *)dh);
	return EBUSY;
}

/*
 * X3: the handle belongs to the group of key, an address of the driver's own, within its device
 * instance; NULL: to that of its devmap_access(9E). Call it in devmap_map(9E). Returns 0; EINVAL:
 * no devmap_access(9E); EBUSY: the handle has been accessed already, or, with a shared context, is
 * mapped; ENOMEM.
 */
int devmap_set_ctx_group(devmap_cookie_t dhp, void *key)
{
	const char *call = "devmap_set_ctx_group";
	struct devmap_handle *dh = handle_enter(dhp, call);
	struct devmap_member *left = NULL;
	struct member_key to;
	int error;

	if (dh == NULL)
		return EINVAL;
	error = check_change(dh, call, devmap_share_of(dh) != 0 ? B_TRUE : B_FALSE);
	if (error == 0) {
		to = member_key(dh->dh_member);
		to.key = key != NULL ? key : (void *)dh->dh_ops.devmap_access;
		to.keyed = key != NULL ? B_TRUE : B_FALSE;
		error = change_member(dh, &to, &left);
	}
	handle_exit(dh);
	if (left != NULL)
		member_detach(left);
	return error;
}

/*
 * X5: the handle's context is that of key, an address of the driver's own, within its group: all
 * handles with it, of whatever processes, are one owner. NULL: its process's own. Call it in
 * devmap_map(9E) or devmap_dup(9E). Returns 0; EINVAL: no devmap_access(9E); EBUSY, with a message:
 * the handle is mapped already; ENOMEM, or another errno: the engine cannot.
 */
int devmap_set_ctx_share(devmap_cookie_t dhp, void *key)
{
	const char *call = "devmap_set_ctx_share";
	struct devmap_handle *dh = handle_enter(dhp, call);
	struct devmap_member *left = NULL;
	struct member_key to;
	int error;

	if (dh == NULL)
		return EINVAL;
	error = check_change(dh, call, B_TRUE);
	if (error == 0) {
		to = member_key(dh->dh_member);
		to.share_kind = key != NULL ? SHARE_KEY : SHARE_NONE;
		to.share = (uintptr_t)key;
		error = change_member(dh, &to, &left);
	}
	handle_exit(dh);
	if (left != NULL)
		member_detach(left);
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
