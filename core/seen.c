/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What drivers see of a handle when they look where a cookie points. Each change of what it shows is
 * followed by handle_show() before the driver is called.
 */
#include "internal.h"

CTASSERT(offsetof(struct devmap_handle, dh_seen) == 0);

static void show_backing(const struct devmap_handle *dh, devmap_handle_t *seen)
{
	const struct devmap_memory *m = dh->dh_memory;
	const struct ddi_umem_cookie *cookie = m != NULL ? m->mem_cookie : NULL;

	seen->dh_roff = dh->dh_roff;
	seen->dh_cookie = m != NULL ? m->mem_cookie : NULL;
	seen->dh_cvaddr = cookie != NULL && cookie->cvaddr != NULL ? cookie->cvaddr + dh->dh_roff :
								     NULL;
	seen->dh_pfn = m != NULL && cookie == NULL ? engine_pfn(m, dh->dh_roff) : (pfn_t)-1;
}

/* a_lock held, or nobody knows the handle yet. */
void handle_show(struct devmap_handle *dh)
{
	devmap_handle_t *seen = &dh->dh_seen;
	enum dh_state state = dh_state_get(dh);

	seen->dh_uoff = dh->dh_off;
	seen->dh_len = dh->dh_len;
	seen->dh_dev = dh->dh_dev;
	seen->dh_uvaddr = (caddr_t)dh->dh_uvaddr;
	seen->dh_seg = dh->dh_mapping != NULL ? &dh->dh_mapping->m_seg : NULL;
	seen->dh_prot = dh->dh_prot;
	seen->dh_maxprot = dh->dh_maxprot;
	seen->dh_orig_maxprot = dh->dh_orig_maxprot;
	seen->dh_flags = dh->dh_flags & DEVMAP_SETUP_FLAGS;
	if (state != DH_NEW)
		seen->dh_flags |= DEVMAP_SETUP_DONE;
	seen->dh_hat_attr = dh->dh_cache;
	seen->dh_timeout_length = (clock_t)(dh->dh_hold / (NANOSEC / hz));
	seen->dh_callbackops = dh->dh_ops;
	show_backing(dh, seen);
}
