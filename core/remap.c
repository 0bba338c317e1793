/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * devmap_devmem_remap() and devmap_umem_remap() (C25): something else stands behind a handle. From
 * any thread, also inside devmap_access(9E) and devmap_dup(9E); everything is checked before
 * anything changes.
 */
#include "internal.h"

/*
 * Put the handle on m (NULL: on nothing) at roff, and tell the engine. Its pages are unloaded, and
 * it is in no memory's list meanwhile, so nobody sees it without a_lock, which is held. Returns 0
 * or the engine's errno, with the old memory in place.
 */
static int change_backing(struct devmap_handle *dh, struct devmap_memory *m, offset_t roff)
{
	struct devmap_memory *old = dh->dh_memory;
	int error = 0;

	ASSERT(MUTEX_HELD(&dh->dh_as->a_lock));
	memory_unlink(dh);
	if (dh->dh_flags & DH_ENGINE)
		error = engine_handle_remap(dh, m, roff);
	if (error == 0) {
		old = m;
		dh->dh_roff = roff;
	}
	if (old != NULL)
		memory_link(dh, old);
	return error;
}

static int check_remap(const struct devmap_handle *dh, const char *call, uint_t flags,
		       uint_t allowed, uint_t maxprot)
{
	ASSERT(MUTEX_HELD(&dh->dh_as->a_lock));
	if (dh_state_get(dh) == DH_NEW)
		cmn_err(CE_WARN, "%s: %s: handle %p is not set up", dh->dh_name, call,
			(const void *)dh);
	else if (!(dh->dh_flags & DEVMAP_ALLOW_REMAP))
		cmn_err(CE_WARN, "%s: %s: handle %p was set up without DEVMAP_ALLOW_REMAP",
			dh->dh_name, call, (const void *)dh);
	else if ((flags & ~allowed) != 0)
		cmn_err(CE_WARN, "%s: %s: flags 0x%x", dh->dh_name, call, flags);
	else
		return check_maxprot(dh, call, maxprot);
	return DDI_FAILURE;
}

/* The length does not change with what is behind it (a shorter memory would be overrun: B16). */
static int check_length(const struct devmap_handle *dh, const char *call, size_t len)
{
	if (len <= dh->dh_len && ((len + PAGEOFFSET) & (size_t)PAGEMASK) == dh->dh_len)
		return DDI_SUCCESS;
	cmn_err(CE_WARN, "%s: %s: length 0x%lx is not that of the handle (0x%lx)", dh->dh_name,
		call, (ulong_t)len, (ulong_t)dh->dh_len);
	return DDI_FAILURE;
}

/* The end of both: m is NULL for a handle that becomes invalid. */
static int remap(struct devmap_handle *dh, const char *call, struct devmap_memory *m, offset_t off,
		 uint_t maxprot)
{
	struct devmap_memory *to = m != NULL ? memory_of(m, dh->dh_as) : NULL;
	int error = m != NULL && to == NULL ? ENOMEM : 0;

	/*
	 * A handle that becomes invalid keeps its offset: it says where in its window the handle
	 * is.
	 */
	if (error == 0)
		error = change_backing(dh, to, to != NULL ? off & (offset_t)PAGEMASK : dh->dh_roff);
	if (error != 0) {
		cmn_err(CE_WARN, "%s: %s: error %d", dh->dh_name, call, error);
		return DDI_FAILURE;
	}
	if (m != NULL)
		dh->dh_flags &= ~(uint_t)DEVMAP_MAPPING_INVALID;
	else
		dh->dh_flags |= DEVMAP_MAPPING_INVALID;
	dh->dh_maxprot = dh->dh_orig_maxprot & maxprot;
	handle_show(dh);
	return DDI_SUCCESS;
}

/*
 * devmap_devmem_remap(): behind the handle are now len bytes (its length) from roff of register set
 * rnumber of dip; or, with DEVMAP_MAPPING_INVALID, nothing, and accesses fail. maxprot as in the
 * setup.
 *
 * Returns DDI_SUCCESS, or DDI_FAILURE with a message, and nothing has changed.
 */
int devmap_devmem_remap(devmap_cookie_t dhp, dev_info_t *dip, uint_t rnumber, offset_t roff,
			size_t len, uint_t maxprot, uint_t flags, ddi_device_acc_attr_t *attr)
{
	const char *call = "devmap_devmem_remap";
	struct devmap_handle *dh = handle_enter(dhp, call);
	struct devmap_memory *m = NULL;
	size_t whole = 0;
	int result;

	(void)attr;
	if (dh == NULL)
		return DDI_FAILURE;
	result = check_remap(dh, call, flags, DEVMAP_MAPPING_INVALID, maxprot);
	if (result == DDI_SUCCESS && !(flags & DEVMAP_MAPPING_INVALID)) {
		m = engine_regs(dip, rnumber, &whole);
		result = check_length(dh, call, len);
		if (result == DDI_SUCCESS)
			result = check_range(dh, call, m, whole, roff, len);
	}
	if (result == DDI_SUCCESS)
		result = remap(dh, call, m, roff, maxprot);
	handle_exit(dh);
	return result;
}

/* devmap_umem_remap(): the same for len bytes from off of cookie; flags is 0. */
int devmap_umem_remap(devmap_cookie_t dhp, dev_info_t *dip, ddi_umem_cookie_t cookie, offset_t off,
		      size_t len, uint_t maxprot, uint_t flags, ddi_device_acc_attr_t *attr)
{
	const char *call = "devmap_umem_remap";
	struct devmap_handle *dh = handle_enter(dhp, call);
	struct devmap_memory *m = NULL;
	size_t whole = 0;
	int result;

	(void)dip;
	(void)attr;
	if (dh == NULL)
		return DDI_FAILURE;
	if (cookie != NULL)
		m = engine_umem(cookie, &whole);
	result = check_remap(dh, call, flags, 0, maxprot);
	if (result == DDI_SUCCESS)
		result = check_length(dh, call, len);
	if (result == DDI_SUCCESS)
		result = check_range(dh, call, m, whole, off, len);
	if (result == DDI_SUCCESS)
		result = remap(dh, call, m, off, maxprot);
	handle_exit(dh);
	return result;
}
