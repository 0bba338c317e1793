/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* A look at everything, for the operator (X4). */
#include "internal.h"

void devmap_each_group(void (*fn)(struct devmap_group *g, void *arg), void *arg)
{
	group_each(fn, arg);
}

/*
 * How long the owner of g has had the device by now, in ns, which its statistics and the group's get
 * when it ends; 0: there is none. Called by devmap_each_group()'s fn.
 */
uint64_t devmap_owned_ns(const struct devmap_group *g, hrtime_t now)
{
	ASSERT(MUTEX_HELD(&g->g_lock));
	return g->g_owner != NULL && now > g->g_owned_since ? (uint64_t)(now - g->g_owned_since) :
							      0;
}

void devmap_each_handle(struct as *as, void (*fn)(struct devmap_handle *dh, void *arg), void *arg)
{
	const struct devmap_mapping *m;
	size_t i, j;

	mutex_enter(&as->a_lock);
	for (i = 0; i < as->a_nmappings; i++) {
		m = as->a_mappings[i];
		for (j = 0; j < m->m_nhandles; j++)
			fn(m->m_handles[j], arg);
	}
	mutex_exit(&as->a_lock);
}
