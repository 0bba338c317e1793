/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * devmap_load(9F) and devmap_unload(9F): what a driver may ask for, and what the call that it serves
 * has to know of it. pages.c does it.
 */
#include "internal.h"

static void warn_range(const struct devmap_handle *dh, const char *call, offset_t off, size_t len)
{
	if (off < dh->dh_off || (u_offset_t)(off - dh->dh_off) >= dh->dh_len)
		cmn_err(CE_WARN,
			"%s: %s: offset 0x%llx is outside the handle (0x%lx bytes at 0x%llx)",
			dh->dh_name, call, off, (ulong_t)dh->dh_len, dh->dh_off);
	else
		cmn_err(CE_WARN,
			"%s: %s: 0x%lx bytes at offset 0x%llx pass the end of the handle "
			"(0x%lx bytes at 0x%llx)",
			dh->dh_name, call, (ulong_t)len, off, (ulong_t)dh->dh_len, dh->dh_off);
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

	ASSERT(MUTEX_HELD(&dh->dh_as->a_lock));
	if (dh_state_get(dh) == DH_NEW || (dh->dh_flags & DH_GONE) != 0) {
		cmn_err(CE_WARN, "%s: %s: handle %p is not mapped now", dh->dh_name, call,
			(void *)dh);
		return EINVAL;
	}
	if (engine_current() != dh->dh_as) {
		cmn_err(CE_WARN,
			"%s: %s: handle %p belongs to process %d, which is not the one "
			"that is being served",
			dh->dh_name, call, (void *)dh, (int)dh->dh_as->a_pid);
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
	/* The driver knows of it, but its mmap(2) has not returned: the first access will ask. */
	if (dh_state_get(dh) != DH_LIVE)
		*n = 0;
	return 0;
}

/* What the fault or the lock that this thread serves has to know of a load. a_lock held. */
static void note_load(struct devmap_call *c, pgcnt_t first, pgcnt_t n, int error)
{
	pgcnt_t page = PAGES(c->c_off - c->c_dh->dh_off);

	ASSERT(MUTEX_HELD(&c->c_dh->dh_as->a_lock));
	if (error == 0 && page >= first && page < first + n)
		c->c_loaded = B_TRUE;
	if (error == EACCES)
		c->c_denied = B_TRUE;
	if (error == ESRCH || error == ENOENT)
		c->c_gone = B_TRUE;
}

/*
 * Other threads of the process that wait for the turn, to have loaded what is loaded now, need it no
 * more: they leave the queue and find their page. So do those that only pause. a_lock held.
 */
static void release_loaded(struct devmap_handle *dh, pgcnt_t first, pgcnt_t n)
{
	kt_did_t self = ddi_get_kt_did();
	struct devmap_call *c;
	pgcnt_t page;

	for (c = dh->dh_calls; c != NULL; c = c->c_next) {
		page = PAGES(c->c_off - dh->dh_off);
		if (c->c_type == DEVMAP_ACCESS && c->c_thread != self && page >= first &&
		    page < first + n && dh->dh_member != NULL)
			member_restart_call(dh->dh_member, c);
	}
	pause_end(dh->dh_as, dh->dh_uvaddr + (first << PAGESHIFT),
		  dh->dh_uvaddr + ((first + n) << PAGESHIFT));
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
 * Then nothing changed. Nothing does either, and 0 is returned, for a handle of a mapping that is
 * still being made.
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
		dh->dh_flags |= DH_ACCESSED; /* a sibling may be loaded before it is accessed */
		error = handle_load(dh, first, n);
		if (error == 0)
			release_loaded(dh, first, n);
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

	ASSERT(MUTEX_HELD(&dh->dh_as->a_lock));
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
	ASSERT(MUTEX_HELD(&dh->dh_as->a_lock));
	from = MAX(from, dh->dh_off);
	to = MIN(to, user_end(dh));
	if (from < to)
		handle_unload_context(dh, PAGES(from - dh->dh_off), PAGES(to - from));
}

/* C16: an access that unloads what it has loaded has not loaded it. a_lock held. */
static void note_unload(struct devmap_call *c, offset_t from, offset_t to)
{
	ASSERT(MUTEX_HELD(&c->c_dh->dh_as->a_lock));
	if (c->c_off >= from && c->c_off < to)
		c->c_loaded = B_FALSE;
}

/*
 * devmap_unload(9F): the next access to the pages of [off, off + len) through this handle calls
 * devmap_access(9E). On return no CPU can use an old translation, and what was written is in the
 * device memory. From any thread, for any process's handle. Of a context that is shared (X5) all
 * handles lose what they have of these pages of device memory, so who knows one of them is done.
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
