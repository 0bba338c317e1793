/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Device memory: a record for each page, and the list of the handles that stand on it. */
#include "internal.h"

static void copy_name(char *to, size_t size, const char *from)
{
	size_t i;

	for (i = 0; i + 1 < size && from[i] != '\0'; i++)
		to[i] = from[i];
	to[i] = '\0';
}

/*
 * Begin a memory of len bytes (rounded up to pages), all of them held by nobody. name is for
 * messages and is copied. Returns 0; EINVAL: len is 0 or does not fit; ENOMEM.
 */
int devmap_memory_init(struct devmap_memory *m, const char *name, size_t len)
{
	if (len == 0 || len > (size_t)INT64_MAX - PAGEOFFSET)
		return EINVAL;
	m->mem_npages = PAGES(len + PAGEOFFSET);
	m->mem_pages = kmem_zalloc(m->mem_npages * sizeof(*m->mem_pages), KM_NOSLEEP);
	if (m->mem_pages == NULL)
		return ENOMEM;
	m->mem_handles = NULL;
	m->mem_cookie = NULL;
	m->mem_trash = NULL;
	copy_name(m->mem_name, sizeof(m->mem_name), name);
	mutex_init(&m->mem_lock, NULL, MUTEX_DRIVER, NULL);
	return 0;
}

/*
 * The end of a memory. A driver that frees memory under a mapping (ddi_umem_free(9F) before
 * devmap_unmap(9E)) is named, and its handles become invalid: accesses fail, nobody meets freed
 * memory.
 */
void devmap_memory_fini(struct devmap_memory *m)
{
	struct devmap_handle *dh;
	struct as *as;
	boolean_t said = B_FALSE;

	mutex_enter(&m->mem_lock);
	while ((dh = m->mem_handles) != NULL) {
		/* Against the order of locks, so only try; mem_lock keeps dh and its as alive. */
		as = dh->dh_as;
		if (!mutex_tryenter(&as->a_lock)) {
			mutex_exit(&m->mem_lock);
			delay(1);
			mutex_enter(&m->mem_lock);
			continue;
		}
		mutex_exit(&m->mem_lock);
		if (!said)
			cmn_err(CE_WARN, "%s: %s is freed while it is mapped", dh->dh_name,
				m->mem_name);
		said = B_TRUE;
		memory_unlink(dh);
		dh->dh_flags |= DEVMAP_MAPPING_INVALID;
		handle_show(dh);
		mutex_exit(&as->a_lock);
		mutex_enter(&m->mem_lock);
	}
	mutex_exit(&m->mem_lock);
	mutex_destroy(&m->mem_lock);
	kmem_free(m->mem_pages, m->mem_npages * sizeof(*m->mem_pages));
	m->mem_pages = NULL;
}

/* What a handle of as stands on where the driver says m; NULL: there is no memory for it. */
struct devmap_memory *memory_of(struct devmap_memory *m, struct as *as)
{
	return m->mem_trash != NULL ? engine_trash(m->mem_trash, as) : m;
}

/* The handle stands on m from now on; nothing of it is loaded. */
void memory_link(struct devmap_handle *dh, struct devmap_memory *m)
{
	ASSERT(dh->dh_memory == NULL);
	mutex_enter(&m->mem_lock);
	dh->dh_memory = m;
	dh->dh_mem_next = m->mem_handles;
	dh->dh_mem_prev = &m->mem_handles;
	if (dh->dh_mem_next != NULL)
		dh->dh_mem_next->dh_mem_prev = &dh->dh_mem_next;
	m->mem_handles = dh;
	mutex_exit(&m->mem_lock);
}

void memory_unlink(struct devmap_handle *dh)
{
	struct devmap_memory *m = dh->dh_memory;

	ASSERT(MUTEX_HELD(&dh->dh_as->a_lock));
	if (m == NULL)
		return;
	mutex_enter(&m->mem_lock);
	pages_unload(dh, 0, PAGES(dh->dh_len));
	*dh->dh_mem_prev = dh->dh_mem_next;
	if (dh->dh_mem_next != NULL)
		dh->dh_mem_next->dh_mem_prev = dh->dh_mem_prev;
	dh->dh_mem_next = NULL;
	dh->dh_mem_prev = NULL;
	dh->dh_memory = NULL;
	mutex_exit(&m->mem_lock);
}
