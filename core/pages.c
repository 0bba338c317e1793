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
	struct devmap_page *pg;

	ASSERT(MUTEX_HELD(&dh->dh_memory->mem_lock));
	mb_loaded_add(dh->dh_member, (uint32_t)(end - i));
	for (; i < end; i++) {
		pg = page_of(dh, i);
		ASSERT(pg->pg_holder == NULL || pg->pg_holder == dh->dh_as);
		pg->pg_holder = dh->dh_as;
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
		ASSERT(pg->pg_holder == dh->dh_as && pg->pg_loaded > 0);
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

/* The handle through which the holder of a page (an index in the memory) has it loaded. */
static struct devmap_handle *holding_handle(struct devmap_memory *m, pgcnt_t page)
{
	struct as *holder = m->mem_pages[page].pg_holder;
	struct devmap_handle *dh;
	pgcnt_t at;

	ASSERT(MUTEX_HELD(&m->mem_lock));
	for (dh = m->mem_handles; dh != NULL; dh = dh->dh_mem_next) {
		at = PAGES(dh->dh_roff);
		if (dh->dh_as == holder && page >= at && page < at + PAGES(dh->dh_len) &&
		    bit_test(dh->dh_loaded, page - at))
			return dh;
	}
	return NULL; /* I1 says: never */
}

/* All handles of as forget pages [page, end) of the memory. */
static void forget_pages(struct devmap_memory *m, const struct as *as, pgcnt_t page, pgcnt_t end)
{
	struct devmap_handle *dh;
	pgcnt_t at, i, last, next;

	ASSERT(MUTEX_HELD(&m->mem_lock));
	for (dh = m->mem_handles; dh != NULL; dh = dh->dh_mem_next) {
		at = PAGES(dh->dh_roff);
		if (dh->dh_as != as || end <= at || page >= at + PAGES(dh->dh_len))
			continue;
		last = MIN(end - at, PAGES(dh->dh_len));
		i = page > at ? page - at : 0;
		for (i = bits_next(dh->dh_loaded, i, last, B_TRUE); i < last;
		     i = bits_next(dh->dh_loaded, next, last, B_TRUE)) {
			next = bits_next(dh->dh_loaded, i, last, B_FALSE);
			record_clear(dh, i, next);
		}
	}
}

/*
 * Page i of the handle, and as many after it (below end) as one handle of the same other process
 * has, are taken from that process (C17). Returns their number.
 */
static pgcnt_t take_away(struct devmap_handle *dh, pgcnt_t i, pgcnt_t end)
{
	struct devmap_memory *m = dh->dh_memory;
	pgcnt_t page = PAGES(dh->dh_roff) + i, at, n;
	struct devmap_handle *other = holding_handle(m, page);
	struct as *holder;

	ASSERT(MUTEX_HELD(&m->mem_lock));
	VERIFY(other != NULL);
	holder = other->dh_as;
	at = page - PAGES(other->dh_roff);
	n = bits_next(other->dh_loaded, at, MIN(at + (end - i), PAGES(other->dh_len)), B_FALSE) -
	    at;
	engine_unload(other, at, n);
	forget_pages(m, holder, page, page + n);
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
	struct as *holder;
	int error;

	ASSERT(MUTEX_HELD(&dh->dh_memory->mem_lock));
	for (i = first; i < end;) {
		holder = page_of(dh, i)->pg_holder;
		i += holder != NULL && holder != dh->dh_as ? take_away(dh, i, end) : 1;
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
