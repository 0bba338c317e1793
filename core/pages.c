/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Pages become valid and invalid. The record (dh_loaded, pg_loaded, pg_holder: I1, I2) is kept here
 * and nowhere else, under the memory's lock; the engine follows it.
 */
#include "internal.h"

/* The record of the handle's i-th page. mem_lock held. */
static struct devmap_page *page_of(const struct devmap_handle *dh, pgcnt_t i)
{
	return &dh->dh_memory->mem_pages[PAGES(dh->dh_roff) + i];
}

static void record_set(struct devmap_handle *dh, pgcnt_t i, pgcnt_t end)
{
	const void *owner = handle_owner(dh);
	struct devmap_page *pg;

	ASSERT(MUTEX_HELD(&dh->dh_memory->mem_lock));
	mb_loaded_add(dh->dh_member, (uint32_t)(end - i));
	for (; i < end; i++) {
		pg = page_of(dh, i);
		ASSERT(pg->pg_holder == NULL || pg->pg_holder == owner);
		pg->pg_holder = owner;
		pg->pg_loaded++;
		bit_set(dh->dh_loaded, i);
	}
}

static void record_clear(struct devmap_handle *dh, pgcnt_t i, pgcnt_t end)
{
	struct devmap_page *pg;

	ASSERT(MUTEX_HELD(&dh->dh_memory->mem_lock));
	mb_loaded_add(dh->dh_member, -(uint32_t)(end - i));
	for (; i < end; i++) {
		pg = page_of(dh, i);
		ASSERT(pg->pg_holder == handle_owner(dh) && pg->pg_loaded > 0);
		if (--pg->pg_loaded == 0)
			pg->pg_holder = NULL;
		bit_clear(dh->dh_loaded, i);
	}
}

/* Invalidate what is recorded as loaded among pages [first, first + n) of the handle. */
void pages_unload(struct devmap_handle *dh, pgcnt_t first, pgcnt_t n)
{
	pgcnt_t end = first + n, i, next;

	ASSERT(MUTEX_HELD(&dh->dh_memory->mem_lock));
	for (i = bits_next(dh->dh_loaded, first, end, B_TRUE); i < end;
	     i = bits_next(dh->dh_loaded, next, end, B_TRUE)) {
		next = bits_next(dh->dh_loaded, i, end, B_FALSE);
		engine_unload(dh, i, next - i);
		record_clear(dh, i, next);
	}
}

/* A handle through which the holder of a page (an index in the memory) has it loaded. */
static struct devmap_handle *holding_handle(struct devmap_memory *m, pgcnt_t page)
{
	const void *holder = m->mem_pages[page].pg_holder;
	struct devmap_handle *dh;
	pgcnt_t at;

	ASSERT(MUTEX_HELD(&m->mem_lock));
	for (dh = m->mem_handles; dh != NULL; dh = dh->dh_mem_next) {
		at = PAGES(dh->dh_roff);
		if (handle_owner(dh) == holder && page >= at && page < at + PAGES(dh->dh_len) &&
		    bit_test(dh->dh_loaded, page - at))
			return dh;
	}
	return NULL; /* I1 says: never */
}

/* Invalidate pages [page, end) of the memory in all handles of an owner. */
static void owner_unload(struct devmap_memory *m, const void *owner, pgcnt_t page, pgcnt_t end)
{
	struct devmap_handle *dh;
	pgcnt_t at, i;

	ASSERT(MUTEX_HELD(&m->mem_lock));
	for (dh = m->mem_handles; dh != NULL; dh = dh->dh_mem_next) {
		at = PAGES(dh->dh_roff);
		if (handle_owner(dh) != owner || end <= at || page >= at + PAGES(dh->dh_len))
			continue;
		i = page > at ? page - at : 0;
		pages_unload(dh, i, MIN(end - at, PAGES(dh->dh_len)) - i);
	}
}

/*
 * Page i of the handle, and those after it (below end) that the same other owner has, are taken from
 * that owner (C17). Returns their number.
 */
static pgcnt_t take_away(struct devmap_handle *dh, pgcnt_t i, pgcnt_t end)
{
	struct devmap_memory *m = dh->dh_memory;
	pgcnt_t page = PAGES(dh->dh_roff) + i, n = 1;
	struct devmap_handle *other = holding_handle(m, page);
	const void *holder;

	ASSERT(MUTEX_HELD(&m->mem_lock));
	VERIFY(other != NULL);
	holder = handle_owner(other);
	while (i + n < end && m->mem_pages[page + n].pg_holder == holder)
		n++;
	owner_unload(m, holder, page, page + n);
	if (dh->dh_member != NULL || other->dh_member != NULL)
		member_taken(dh->dh_member, other->dh_member, n);
	return n;
}

/*
 * Make pages [first, first + n) of the handle valid. Returns 0 or the engine's errno; pages that
 * could not be made valid are not recorded.
 */
int pages_load(struct devmap_handle *dh, pgcnt_t first, pgcnt_t n)
{
	pgcnt_t end = first + n, i, next;
	const void *holder;
	int error;

	ASSERT(MUTEX_HELD(&dh->dh_memory->mem_lock));
	for (i = first; i < end;) {
		holder = page_of(dh, i)->pg_holder;
		i += holder != NULL && holder != handle_owner(dh) ? take_away(dh, i, end) : 1;
	}
	for (i = bits_next(dh->dh_loaded, first, end, B_FALSE); i < end;
	     i = bits_next(dh->dh_loaded, next, end, B_FALSE)) {
		next = bits_next(dh->dh_loaded, i, end, B_TRUE);
		record_set(dh, i, next);
		error = engine_load(dh, i, next - i);
		if (error != 0) {
			/* Some may have become valid before it failed. */
			engine_unload(dh, i, next - i);
			record_clear(dh, i, next);
			return error;
		}
	}
	return 0;
}

int handle_load(struct devmap_handle *dh, pgcnt_t first, pgcnt_t n)
{
	struct devmap_memory *m = dh->dh_memory;
	int error;

	ASSERT(MUTEX_HELD(&dh->dh_as->a_lock));
	if (m == NULL)
		return ENXIO;
	mutex_enter(&m->mem_lock);
	error = pages_load(dh, first, n);
	mutex_exit(&m->mem_lock);
	return error;
}

/*
 * Is the page recorded as loaded through the handle? It may not be so any more when this returns.
 */
boolean_t handle_loaded(struct devmap_handle *dh, pgcnt_t page)
{
	struct devmap_memory *m = dh->dh_memory;
	boolean_t loaded;

	ASSERT(MUTEX_HELD(&dh->dh_as->a_lock));
	if (m == NULL)
		return B_FALSE;
	mutex_enter(&m->mem_lock);
	loaded = bit_test(dh->dh_loaded, page);
	mutex_exit(&m->mem_lock);
	return loaded;
}

/*
 * Answer an access without the driver, where that is possible: a page that is recorded as loaded is
 * made valid once more (only the client's page tables had lost it), and without devmap_access(9E)
 * any page is loaded. Returns 0 or an errno, or EAGAIN: the driver has to be asked. a_lock held.
 */
int handle_reload(struct devmap_handle *dh, pgcnt_t page)
{
	struct devmap_memory *m = dh->dh_memory;
	int error = EAGAIN;

	ASSERT(MUTEX_HELD(&dh->dh_as->a_lock));
	if (m == NULL)
		return dh->dh_member != NULL ? EAGAIN : ENXIO;
	mutex_enter(&m->mem_lock);
	if (bit_test(dh->dh_loaded, page))
		error = engine_load(dh, page, 1);
	else if (dh->dh_member == NULL)
		error = pages_load(dh, page, 1);
	mutex_exit(&m->mem_lock);
	return error;
}

void handle_unload(struct devmap_handle *dh, pgcnt_t first, pgcnt_t n)
{
	struct devmap_memory *m = dh->dh_memory;

	ASSERT(MUTEX_HELD(&dh->dh_as->a_lock));
	if (m == NULL)
		return;
	mutex_enter(&m->mem_lock);
	pages_unload(dh, first, n);
	mutex_exit(&m->mem_lock);
}

/* As handle_unload(), and if the context is shared all its handles lose these pages of memory (X5). */
void handle_unload_context(struct devmap_handle *dh, pgcnt_t first, pgcnt_t n)
{
	struct devmap_memory *m = dh->dh_memory;
	pgcnt_t page = PAGES(dh->dh_roff) + first;

	ASSERT(MUTEX_HELD(&dh->dh_as->a_lock));
	if (m == NULL || devmap_share_of(dh) == 0) {
		handle_unload(dh, first, n);
		return;
	}
	mutex_enter(&m->mem_lock);
	owner_unload(m, handle_owner(dh), page, page + n);
	mutex_exit(&m->mem_lock);
}
