/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * munmap(2), and everything that ends like it (C22). A range is cut out handle by handle:
 *
 *   what is removed   devmap_unmap(9E) gets       the handle afterwards
 *   all of it         (-, -)                      is gone
 *   its head          (-, dhp)                    begins after the hole
 *   its tail          (dhp, -)                    ends before the hole
 *   a hole            (dhp, a new handle)         ends before the hole; the new one begins after it
 *
 * The surgery comes first and the driver is told then, so what it sees is true; the remaining
 * handles are closed (DH_CLOSING) until it has returned, for their private data may change.
 */
#include "internal.h"

/* One cut. */
struct cut {
	struct devmap_handle *dh;
	uintptr_t lo, hi;	      /* what is removed of it, addresses */
	struct devmap_handle *behind; /* for a hole: the new handle */
	struct devmap_mapping *rest;  /* for what comes after, if both sides stay */
	boolean_t keeps_head, keeps_tail;
};

/*
 * devmap_unmap(9E) for all of a handle that nothing contains any more; then free it. No lock held.
 */
static void end_handle(struct devmap_handle *dh)
{
	struct as *as = dh->dh_as;

	mutex_enter(&as->a_lock);
	if (!(dh->dh_flags & DH_CLOSING))
		handle_close(dh);
	dh->dh_flags |= DH_GONE;
	mutex_exit(&as->a_lock);
	if (dh->dh_ops.devmap_unmap != NULL)
		dh->dh_ops.devmap_unmap(dh, dh->dh_seen.dh_pvtp, dh->dh_off, dh->dh_len, NULL, NULL,
					NULL, NULL);
	handle_destroy(dh);
}

/* Free an unpublished mapping and its slot. The driver knows of its first `mapped` handles. */
void mapping_tear_down(struct devmap_mapping *m, size_t mapped)
{
	struct as *as = m->m_as;
	size_t i;

	for (i = 0; i < m->m_nhandles; i++) {
		if (i < mapped)
			end_handle(m->m_handles[i]);
		else
			handle_destroy(m->m_handles[i]);
	}
	mutex_enter(&as->a_lock);
	as->a_reserved--;
	mapping_rele(m);
	mutex_exit(&as->a_lock);
}

static void take_from_new(struct as *as, struct devmap_mapping *m)
{
	struct devmap_mapping **p = &as->a_new;

	ASSERT(MUTEX_HELD(&as->a_lock));
	while (*p != m)
		p = &(*p)->m_next;
	*p = m->m_next;
	m->m_next = NULL;
}

/*
 * The mapping that devmap_mmap() made stands at its address from now on, where nothing else of the
 * process may stand. Cannot fail.
 */
void devmap_publish(struct devmap_mapping *m)
{
	struct as *as = m->m_as;
	size_t i;

	mutex_enter(&as->a_lock);
	take_from_new(as, m);
	as_insert(as, m);
	for (i = 0; i < m->m_nhandles; i++)
		dh_state_set(m->m_handles[i], DH_LIVE);
	mutex_exit(&as->a_lock);
}

/*
 * The mapping that devmap_mmap() made is not wanted: devmap_unmap(9E) for each handle, and free it.
 */
void devmap_discard(struct devmap_mapping *m)
{
	struct devmap_gate gate = { .gt_shut = B_FALSE };
	struct as *as = m->m_as;

	mutex_enter(&as->a_lock);
	take_from_new(as, m);
	gate_shut(as, &gate, m->m_handles[0]->dh_dip);
	mutex_exit(&as->a_lock);
	mapping_tear_down(m, m->m_nhandles);
	mutex_enter(&as->a_lock);
	gate_open(as, &gate);
	mutex_exit(&as->a_lock);
}

/*
 * Preparations: all that can fail
 */

/* The handle for what comes after a hole: a copy, with the geometry that it will have. */
static int prepare_behind(struct cut *cut)
{
	const struct devmap_handle *dh = cut->dh;
	struct devmap_handle *new = handle_alloc(dh->dh_as, dh->dh_name);
	size_t skip = cut->hi - dh->dh_uvaddr;
	struct member_key key;
	int error;

	if (new == NULL)
		return ENOMEM;
	handle_copy(new, dh);
	new->dh_off += (offset_t)skip;
	new->dh_roff += (offset_t)skip;
	new->dh_uvaddr += skip;
	new->dh_len -= skip;
	new->dh_flags |= DH_SETTLED;
	new->dh_mapping = dh->dh_mapping; /* for the engine; its own comes later */
	new->dh_memory = dh->dh_memory;
	cut->behind = new;
	error = handle_alloc_bits(new, new->dh_len);
	if (error == 0 && dh->dh_member != NULL) {
		key = member_key(dh->dh_member);
		new->dh_member = member_attach(&key, dh->dh_as, dh->dh_name);
		if (new->dh_member == NULL)
			error = ENOMEM;
	}
	if (error == 0)
		error = handle_engine_init(new);
	new->dh_memory = NULL; /* until it is linked */
	new->dh_mapping = NULL;
	return error;
}

/* The mapping for what comes after the cut, if something stays on both sides. */
static int prepare_rest(struct cut *cut)
{
	struct devmap_mapping *m = cut->dh->dh_mapping;
	size_t index = mapping_index(m, cut->dh->dh_uvaddr);
	boolean_t before = index > 0 || cut->keeps_head ? B_TRUE : B_FALSE;
	boolean_t after = index + 1 < m->m_nhandles || cut->keeps_tail ? B_TRUE : B_FALSE;

	if (!before || !after)
		return 0;
	cut->rest = mapping_alloc(m->m_as, m->m_nhandles - index + 1);
	if (cut->rest == NULL)
		return ENOMEM;
	if (as_reserve(m->m_as) != 0) {
		mapping_rele(cut->rest);
		cut->rest = NULL;
		return ENOMEM;
	}
	cut->rest->m_prot = m->m_prot;
	cut->rest->m_maxprot = m->m_maxprot;
	cut->rest->m_flags = m->m_flags;
	cut->rest->m_dev = m->m_dev;
	cut->rest->m_file = m->m_file;
	return 0;
}

/*
 * Begin to cut [lo, hi) out of dh. a_lock held, and dropped meanwhile on failure. Returns 0 or
 * ENOMEM.
 */
static int cut_prepare(struct cut *cut, struct devmap_handle *dh, uintptr_t lo, uintptr_t hi)
{
	int error;

	ASSERT(MUTEX_HELD(&dh->dh_as->a_lock));
	bzero(cut, sizeof(*cut));
	cut->dh = dh;
	cut->lo = MAX(lo, dh->dh_uvaddr);
	cut->hi = MIN(hi, handle_end(dh));
	cut->keeps_head = cut->lo > dh->dh_uvaddr ? B_TRUE : B_FALSE;
	cut->keeps_tail = cut->hi < handle_end(dh) ? B_TRUE : B_FALSE;
	error = prepare_rest(cut);
	if (error == 0 && cut->keeps_head && cut->keeps_tail)
		error = prepare_behind(cut);
	if (error == 0)
		return 0;
	if (cut->rest != NULL) {
		dh->dh_as->a_reserved--;
		mapping_rele(cut->rest);
	}
	if (cut->behind != NULL) {
		mutex_exit(&dh->dh_as->a_lock);
		/* It holds no last reference to anything: dh, which is closed, has the same. */
		cut->behind->dh_len = 0;
		handle_destroy(cut->behind);
		mutex_enter(&dh->dh_as->a_lock);
	}
	return ENOMEM;
}

/*
 * Surgery: nothing can fail. a_lock held throughout; nobody is in the handle.
 */

static void lock_backing(struct devmap_handle *dh)
{
	if (dh->dh_memory != NULL)
		mutex_enter(&dh->dh_memory->mem_lock);
}

static void unlock_backing(struct devmap_handle *dh)
{
	if (dh->dh_memory != NULL)
		mutex_exit(&dh->dh_memory->mem_lock);
}

/* The first skip bytes, of which nothing is loaded or locked, are not the handle's any more. */
static void trim_head(struct devmap_handle *dh, size_t skip)
{
	pgcnt_t left = PAGES(dh->dh_len - skip);

	ASSERT(MUTEX_HELD(&dh->dh_as->a_lock));
	lock_backing(dh);
	bits_move(dh->dh_loaded, dh->dh_loaded, PAGES(skip), left);
	bits_fill(dh->dh_loaded, left, PAGES(dh->dh_len), B_FALSE);
	bits_move(dh->dh_locked, dh->dh_locked, PAGES(skip), left);
	bits_fill(dh->dh_locked, left, PAGES(dh->dh_len), B_FALSE);
	dh->dh_off += (offset_t)skip;
	dh->dh_roff += (offset_t)skip;
	dh->dh_uvaddr += skip;
	dh->dh_len -= skip;
	unlock_backing(dh);
}

static void trim_tail(struct devmap_handle *dh, size_t len)
{
	ASSERT(MUTEX_HELD(&dh->dh_as->a_lock));
	lock_backing(dh);
	dh->dh_len = len;
	unlock_backing(dh);
}

/* What is loaded and locked behind the hole is so through the new handle from now on. */
static void move_to_behind(struct devmap_handle *dh, struct devmap_handle *new)
{
	pgcnt_t first = PAGES(new->dh_uvaddr - dh->dh_uvaddr), n = PAGES(new->dh_len);

	ASSERT(MUTEX_HELD(&dh->dh_as->a_lock));
	if (dh->dh_memory != NULL)
		memory_link(new, dh->dh_memory);
	lock_backing(dh);
	bits_move(new->dh_loaded, dh->dh_loaded, first, n);
	bits_fill(dh->dh_loaded, first, first + n, B_FALSE);
	bits_move(new->dh_locked, dh->dh_locked, first, n);
	bits_fill(dh->dh_locked, first, first + n, B_FALSE);
	unlock_backing(dh);
	dh_state_set(new, DH_LIVE);
	new->dh_flags |= DH_CLOSING;
}

static void adopt(struct devmap_mapping *m, struct devmap_handle *dh)
{
	struct devmap_mapping *old = dh->dh_mapping;

	VERIFY(mapping_add(m, dh) == 0); /* there is room */
	handle_show(dh);
	if (old != NULL)
		mapping_rele(old);
}

/* Hand what comes after the cut over to a mapping of its own. */
static void split_mapping(struct cut *cut)
{
	struct devmap_mapping *m = cut->dh->dh_mapping;
	size_t index = mapping_index(m, cut->dh->dh_uvaddr), i;
	/* All that is left of dh comes after the cut: then it goes too. */
	size_t from = cut->keeps_tail && !cut->keeps_head ? index : index + 1;

	ASSERT(MUTEX_HELD(&cut->dh->dh_as->a_lock));
	if (cut->behind != NULL)
		adopt(cut->rest, cut->behind);
	for (i = from; i < m->m_nhandles; i++)
		adopt(cut->rest, m->m_handles[i]);
	m->m_nhandles = from;
	mapping_refresh(cut->rest);
}

/* The mapping and the array of mappings follow the handles. */
static void cut_mapping(struct cut *cut)
{
	struct devmap_mapping *m = cut->dh->dh_mapping;
	struct as *as = m->m_as;

	ASSERT(MUTEX_HELD(&as->a_lock));
	if (cut->rest != NULL)
		split_mapping(cut);
	if (!cut->keeps_head && !cut->keeps_tail)
		mapping_remove_handle(m, mapping_index(m, cut->dh->dh_uvaddr));
	if (m->m_nhandles > 0) {
		mapping_refresh(m);
	} else {
		as_remove(as, m);
		mapping_rele(m);
	}
	if (cut->rest != NULL)
		as_insert(as, cut->rest);
	handle_show(cut->dh);
	if (cut->behind != NULL)
		handle_show(cut->behind);
	/* Who waits for the handle to be opened again finds something else now, or nothing. */
	cv_broadcast(&as->a_cv);
}

static void cut_apply(struct cut *cut)
{
	struct devmap_handle *dh = cut->dh;
	pgcnt_t first = PAGES(cut->lo - dh->dh_uvaddr), n = PAGES(cut->hi - cut->lo);

	ASSERT(MUTEX_HELD(&dh->dh_as->a_lock));
	handle_unload(dh, first, n);
	locks_drop(dh, first, n);
	if (dh->dh_member != NULL)
		member_release_postponed(dh->dh_member, cut->lo, cut->hi);
	pause_end(dh->dh_as, cut->lo, cut->hi);
	dh->dh_gone_off = dh->dh_off + (offset_t)(cut->lo - dh->dh_uvaddr);
	dh->dh_gone_len = cut->hi - cut->lo;
	DEVMAP_PROBE(unmap, PROBE_OF(dh), dh->dh_gone_off, dh->dh_gone_len);
	dh->dh_behind = cut->behind;
	if (cut->behind != NULL)
		move_to_behind(dh, cut->behind);
	if (cut->keeps_head)
		trim_tail(dh, cut->lo - dh->dh_uvaddr);
	else if (cut->keeps_tail)
		trim_head(dh, cut->hi - dh->dh_uvaddr);
	else
		dh->dh_flags |= DH_GONE;
	cut_mapping(cut);
}

/* Tell the driver, and open again what is left. No lock held. */
static void cut_finish(struct cut *cut)
{
	struct devmap_handle *dh = cut->dh, *new1 = NULL, *new2 = cut->behind;
	struct as *as = dh->dh_as;

	if (!cut->keeps_head && !cut->keeps_tail) {
		end_handle(dh);
		return;
	}
	if (cut->keeps_head)
		new1 = dh;
	else
		new2 = dh;
	if (dh->dh_ops.devmap_unmap != NULL)
		dh->dh_ops.devmap_unmap(dh, dh->dh_seen.dh_pvtp, dh->dh_gone_off, dh->dh_gone_len,
					new1, new1 != NULL ? &new1->dh_seen.dh_pvtp : NULL, new2,
					new2 != NULL ? &new2->dh_seen.dh_pvtp : NULL);
	mutex_enter(&as->a_lock);
	handle_reopen(dh);
	if (cut->behind != NULL)
		handle_reopen(cut->behind);
	mutex_exit(&as->a_lock);
}

/* Cut [lo, hi) out of a handle that meets it. a_lock held, but dropped meanwhile. 0 or ENOMEM. */
static int unmap_handle(struct devmap_handle *dh, uintptr_t lo, uintptr_t hi)
{
	struct as *as = dh->dh_as;
	struct cut cut;
	int error;

	ASSERT(MUTEX_HELD(&as->a_lock));
	if (dh->dh_flags & DH_CLOSING) {
		/* Another thread unmaps a part of it; see then what is left. */
		cv_wait(&as->a_cv, &as->a_lock);
		return 0;
	}
	handle_close(dh);
	error = cut_prepare(&cut, dh, lo, hi);
	if (error != 0) {
		handle_reopen(dh);
		return error;
	}
	cut_apply(&cut);
	mutex_exit(&as->a_lock);
	cut_finish(&cut);
	mutex_enter(&as->a_lock);
	return 0;
}

/*
 * munmap(2) of len bytes (rounded up to pages) at addr, page aligned; of everything: exit or exec.
 * Translations are invalidated, locks end, threads that wait for a page of it try again and find
 * nothing, and the driver is told, while no devmap_access(9E) of the device runs for the process.
 *
 * Only the first handle may need memory (if the range leaves something on both sides), so ENOMEM
 * means that nothing was done. Returns 0, ENOMEM, or EINVAL: addr is not page aligned.
 */
int devmap_unmap_range(struct as *as, uintptr_t addr, size_t len)
{
	struct devmap_gate gate = { .gt_shut = B_FALSE };
	struct devmap_handle *dh;
	uintptr_t end = UINTPTR_MAX;
	int error = 0;

	if ((addr & PAGEOFFSET) != 0)
		return EINVAL;
	if (len <= UINTPTR_MAX - addr - PAGEOFFSET)
		end = (addr + len + PAGEOFFSET) & (uintptr_t)PAGEMASK;
	as_enter(as);
	mutex_enter(&as->a_lock);
	if (addr == 0 && end == UINTPTR_MAX) /* exit, exec */
		gate_shut(as, &gate, NULL);
	while (error == 0 && (dh = as_handle_from(as, addr)) != NULL && dh->dh_uvaddr < end)
		if (gate_covers(as, &gate, dh))
			error = unmap_handle(dh, addr, end);
	gate_open(as, &gate);
	mutex_exit(&as->a_lock);
	as_leave(as);
	return error;
}

/* a_lock held. The first handle of dip, or NULL. */
static struct devmap_handle *handle_of_device(const struct as *as, const dev_info_t *dip)
{
	size_t i;

	/* A mapping is of one device, and a mapping that is in the array has a handle. */
	for (i = 0; i < as->a_nmappings; i++)
		if (as->a_mappings[i]->m_handles[0]->dh_dip == dip)
			return as->a_mappings[i]->m_handles[0];
	return NULL;
}

void devmap_unmap_device(struct as *as, const dev_info_t *dip)
{
	struct devmap_gate gate = { .gt_shut = B_FALSE };
	struct devmap_handle *dh;

	as_enter(as);
	mutex_enter(&as->a_lock);
	gate_shut(as, &gate, dip);
	while ((dh = handle_of_device(as, dip)) != NULL) {
		if (unmap_handle(dh, dh->dh_uvaddr, handle_end(dh)) != ENOMEM)
			continue;
		mutex_exit(&as->a_lock);
		delay(1);
		mutex_enter(&as->a_lock);
	}
	gate_open(as, &gate);
	mutex_exit(&as->a_lock);
	as_leave(as);
}

void devmap_as_exit(struct as *as)
{
	struct devmap_mapping *m;

	mutex_enter(&as->a_lock);
	do {
		mutex_exit(&as->a_lock);
		(void)devmap_unmap_range(as, 0, UINTPTR_MAX);
		mutex_enter(&as->a_lock);
		pause_end(as, 0, UINTPTR_MAX); /* those at addresses that were moved away */
		while (as->a_users > 0)
			cv_wait(&as->a_cv, &as->a_lock);
		m = as->a_new;
		if (m != NULL) {
			mutex_exit(&as->a_lock);
			devmap_discard(m);
			mutex_enter(&as->a_lock);
		}
	} while (as->a_nmappings > 0 || as->a_new != NULL);
	mutex_exit(&as->a_lock);
	engine_trash_end(as);
	engine_as_end(as);
	if (as->a_cap > 0)
		kmem_free(as->a_mappings, as->a_cap * sizeof(struct devmap_mapping *));
	cv_destroy(&as->a_cv);
	mutex_destroy(&as->a_lock);
}
