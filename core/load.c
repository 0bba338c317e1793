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

	for (dh = m->mem_handles; dh != NULL; dh = dh->dh_mem_next) {
		at = PAGES(dh->dh_roff);
		if (dh->dh_as == holder && page >= at && page < at + PAGES(dh->dh_len) &&
		    bit_test(dh->dh_loaded, page - at))
			return dh;
	}
	return NULL;		/* I1 says: never */
}

/* All handles of as forget pages [page, end) of the memory. */
static void forget_pages(struct devmap_memory *m, const struct as *as, pgcnt_t page, pgcnt_t end)
{
	struct devmap_handle *dh;
	pgcnt_t at, i, last, next;

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

	if (m == NULL)
		return;
	mutex_enter(&m->mem_lock);
	pages_unload(dh, first, n);
	mutex_exit(&m->mem_lock);
}

static void warn_range(const struct devmap_handle *dh, const char *call, offset_t off, size_t len)
{
	if (off < dh->dh_off || (u_offset_t)(off - dh->dh_off) >= dh->dh_len)
		cmn_err(CE_WARN,
		    "%s: %s: offset 0x%llx is outside the handle (0x%lx bytes at 0x%llx)",
		    dh->dh_name, call, off, (ulong_t)dh->dh_len, dh->dh_off);
	else
		cmn_err(CE_WARN, "%s: %s: 0x%lx bytes at offset 0x%llx pass the end of the handle "
		    "(0x%lx bytes at 0x%llx)", dh->dh_name, call, (ulong_t)len, off,
		    (ulong_t)dh->dh_len, dh->dh_off);
}

/* C12: inside DEVMAP_LOCK and DEVMAP_UNLOCK only the very length that was asked for is right. */
static int check_lock_length(const struct devmap_handle *dh, const struct devmap_call *c,
    const char *call, size_t len)
{
	if (c == NULL || (c->c_type != DEVMAP_LOCK && c->c_type != DEVMAP_UNLOCK) ||
	    len == c->c_len)
		return 0;
	cmn_err(CE_WARN, "%s: %s: length 0x%lx in a lock or unlock of 0x%lx bytes", dh->dh_name,
	    call, (ulong_t)len, (ulong_t)c->c_len);
	return EINVAL;
}

/* Is what devmap_load() is asked for right? a_lock held. Returns 0 or an errno. */
static int load_check(struct devmap_handle *dh, struct devmap_call *c, offset_t off, size_t len,
    uint_t rw, pgcnt_t *first, pgcnt_t *n)
{
	const char *call = "devmap_load";
	uint_t need = prot_of_rw(rw), have = dh->dh_maxprot & PROT_RWX;

	if (dh_state_get(dh) != DH_LIVE || (dh->dh_flags & DH_GONE) != 0) {
		cmn_err(CE_WARN, "%s: %s: handle %p is not mapped now", dh->dh_name, call,
		    (void *)dh);
		return EINVAL;
	}
	if (engine_current() != dh->dh_as) {
		cmn_err(CE_WARN, "%s: %s: handle %p belongs to process %d, which is not the one "
		    "that is being served", dh->dh_name, call, (void *)dh, (int)dh->dh_as->a_pid);
		return EINVAL;
	}
	if (range_pages(dh, off, len, first, n) != 0) {
		warn_range(dh, call, off, len);
		return EINVAL;
	}
	if (check_lock_length(dh, c, call, len) != 0)
		return EINVAL;
	if (need != 0 ? (have & need) == 0 : have == 0)
		return EACCES;
	return 0;
}

/* What the fault or the lock that this thread serves has to know of a load. a_lock held. */
static void note_load(struct devmap_call *c, pgcnt_t first, pgcnt_t n, int error)
{
	pgcnt_t page = PAGES(c->c_off - c->c_dh->dh_off);

	if (error == 0 && page >= first && page < first + n)
		c->c_loaded = B_TRUE;
	if (error == EACCES)
		c->c_denied = B_TRUE;
	if (error == ESRCH || error == ENOENT)
		c->c_gone = B_TRUE;
}

/*
 * devmap_load(9F): accesses of the process to the pages of [off, off + len) through this handle are
 * not intercepted from now on. For use in devmap_access(9E) or what it calls.
 *
 * dhp: a handle of the process that is being served. off: user offset in the logical device, bytes.
 * len: bytes; 0: to the end of the handle. Whole pages are affected, from that of off to that of
 * off + len - 1.
 * type: of enum devmap_fault_type, as given to devmap_access(9E). DEVMAP_UNLOCK loads nothing.
 * rw: of enum devmap_rw.
 *
 * Returns 0, or EINVAL: a range outside the handle, another process's handle, a handle that was
 * freed, another length than that of the lock; EACCES: the mapping does not allow rw; ENXIO:
 * nothing stands behind the handle (DEVMAP_MAPPING_INVALID); or what prevented it in the client.
 * Then nothing changed.
 */
int devmap_load(devmap_cookie_t dhp, offset_t off, size_t len, uint_t type, uint_t rw)
{
	struct devmap_handle *dh = handle_enter(dhp, "devmap_load");
	struct devmap_call *c;
	pgcnt_t first, n = 0;
	int error;

	if (dh == NULL)
		return EINVAL;
	c = call_find(dh);
	error = load_check(dh, c, off, len, rw, &first, &n);
	if (error == 0 && type != DEVMAP_UNLOCK) {
		dh->dh_flags |= DH_ACCESSED;	/* a sibling may be loaded before it is accessed */
		error = handle_load(dh, first, n);
	}
	if (c != NULL)
		note_load(c, first, n, error);
	DEVMAP_PROBE(load, PROBE_OF(dh), off, len, type, rw, error);
	handle_exit(dh);
	return error;
}

static offset_t user_end(const struct devmap_handle *dh)
{
	return dh->dh_off + (offset_t)dh->dh_len;
}

/*
 * The range of an unload, in whole pages of the logical device. While devmap_unmap(9E) runs,
 * drivers may still unload what is not part of the handle any more: what is being unmapped, and
 * what went to the new handle behind it. Returns 0 or EINVAL. a_lock held.
 */
static int unload_range(const struct devmap_handle *dh, offset_t off, size_t len, offset_t *from,
    offset_t *to)
{
	struct devmap_handle whole;
	offset_t end = user_end(dh);
	pgcnt_t first, n;

	whole.dh_off = dh->dh_off;
	if (dh->dh_gone_len > 0) {
		whole.dh_off = MIN(dh->dh_off, dh->dh_gone_off);
		end = MAX(end, dh->dh_gone_off + (offset_t)dh->dh_gone_len);
	}
	if (dh->dh_behind != NULL)
		end = MAX(end, user_end(dh->dh_behind));
	whole.dh_len = (size_t)(end - whole.dh_off);
	if (range_pages(&whole, off, len, &first, &n) != 0)
		return EINVAL;
	*from = whole.dh_off + (offset_t)(first << PAGESHIFT);
	*to = *from + (offset_t)(n << PAGESHIFT);
	return 0;
}

/* What is the handle's of [from, to). a_lock held. */
static void unload_part(struct devmap_handle *dh, offset_t from, offset_t to)
{
	from = MAX(from, dh->dh_off);
	to = MIN(to, user_end(dh));
	if (from < to)
		handle_unload(dh, PAGES(from - dh->dh_off), PAGES(to - from));
}

/* C16: an access that unloads what it has loaded has not loaded it. a_lock held. */
static void note_unload(struct devmap_call *c, offset_t from, offset_t to)
{
	if (c->c_off >= from && c->c_off < to)
		c->c_loaded = B_FALSE;
}

/*
 * devmap_unload(9F): the next access to the pages of [off, off + len) through this handle calls
 * devmap_access(9E). On return no CPU can use an old translation, and what was written is in the
 * device memory. From any thread, for any process's handle.
 *
 * dhp, off, len: as for devmap_load(9F). Pages that are not loaded do not matter.
 *
 * Returns 0, or EINVAL: a range outside the handle, a handle that was freed, another length than
 * that of the lock. Then nothing changed.
 */
int devmap_unload(devmap_cookie_t dhp, offset_t off, size_t len)
{
	struct devmap_handle *dh = handle_enter(dhp, "devmap_unload");
	struct devmap_call *c;
	offset_t from, to;
	int error;

	if (dh == NULL)
		return EINVAL;
	c = call_find(dh);
	error = unload_range(dh, off, len, &from, &to);
	if (error != 0)
		warn_range(dh, "devmap_unload", off, len);
	else
		error = check_lock_length(dh, c, "devmap_unload", len);
	if (error == 0) {
		unload_part(dh, from, to);
		if (dh->dh_behind != NULL)
			unload_part(dh->dh_behind, from, to);
		if (c != NULL)
			note_unload(c, from, to);
	}
	DEVMAP_PROBE(unload, PROBE_OF(dh), off, len, error);
	handle_exit(dh);
	return error;
}

/* devmap_default_access(9F): devmap_load(9F), for a driver that has no context to switch. */
int devmap_default_access(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len, uint_t type,
    uint_t rw)
{
	(void)pvtp;
	return devmap_load(dhp, off, len, type, rw);
}
