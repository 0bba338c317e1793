/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * fork(2) (C21): the child gets a copy of every mapping, in which nothing is loaded. The driver is
 * asked for each handle, with no lock held; the parent's handles are pinned meanwhile, like those
 * in which a thread serves an access, so that they stay what they are.
 */
#include "internal.h"

/* One mapping that is being copied. */
struct dup {
	struct devmap_mapping *from, *to;
	struct devmap_call *pins; /* one for each handle */
};

/*
 * The parent's a_lock held: find the first mapping that begins at addr or later and pin its
 * handles.
 */
static struct devmap_mapping *pin_next(struct as *as, uintptr_t addr, struct devmap_call **pins)
{
	struct devmap_mapping *m;
	size_t i;

	ASSERT(MUTEX_HELD(&as->a_lock));
again:
	m = as_mapping_from(as, addr);
	if (m == NULL)
		return NULL;
	for (i = 0; i < m->m_nhandles; i++) {
		if (m->m_handles[i]->dh_flags & DH_CLOSING) {
			cv_wait(&as->a_cv, &as->a_lock);
			goto again;
		}
	}
	*pins = kmem_zalloc(m->m_nhandles * sizeof(**pins), KM_NOSLEEP);
	for (i = 0; *pins != NULL && i < m->m_nhandles; i++)
		call_begin(&(*pins)[i], m->m_handles[i]);
	return m;
}

static void unpin(struct dup *d)
{
	struct as *as = d->from->m_as;
	size_t i, n = d->from->m_nhandles;

	mutex_enter(&as->a_lock);
	for (i = 0; i < n; i++)
		call_end(&d->pins[i]);
	mutex_exit(&as->a_lock);
	kmem_free(d->pins, n * sizeof(*d->pins));
}

/*
 * A copy of a pinned handle for the child's mapping. The parent's a_lock held. Returns 0 or ENOMEM.
 */
static int copy_handle(struct devmap_mapping *to, const struct devmap_handle *dh)
{
	struct devmap_handle *new = handle_alloc(to->m_as, dh->dh_name);
	struct devmap_memory *m;
	struct member_key key;

	if (new == NULL)
		return ENOMEM;
	VERIFY(mapping_add(to, new) == 0); /* there is room */
	handle_copy(new, dh);
	new->dh_lock_epoch = 0;
	if (handle_alloc_bits(new, new->dh_len) != 0)
		return ENOMEM;
	if (dh->dh_member != NULL) {
		key = member_key(dh->dh_member);
		new->dh_member = member_attach(&key, to->m_as, dh->dh_name);
		if (new->dh_member == NULL)
			return ENOMEM;
	}
	if (dh->dh_memory != NULL) {
		/* Nobody knows the child's handle yet, so its own a_lock is not needed. */
		m = memory_of(dh->dh_memory, to->m_as);
		if (m == NULL)
			return ENOMEM;
		memory_link(new, m);
	}
	dh_state_set(new, DH_MAPPED);
	handle_show(new);
	return 0;
}

static int copy_mapping(struct dup *d, struct as *child)
{
	const struct devmap_mapping *m = d->from;
	int error = 0;
	size_t i;

	d->to = mapping_alloc(child, m->m_nhandles);
	if (d->to == NULL)
		return ENOMEM;
	d->to->m_prot = m->m_prot;
	d->to->m_maxprot = m->m_maxprot;
	d->to->m_flags = m->m_flags;
	d->to->m_dev = m->m_dev;
	d->to->m_file = m->m_file;
	for (i = 0; error == 0 && i < m->m_nhandles; i++)
		error = copy_handle(d->to, m->m_handles[i]);
	if (error == 0)
		mapping_refresh(d->to); /* the driver may look at it */
	return error;
}

/* Ask the driver for each handle; *done is how many it has accepted. No lock held. */
static int call_devmap_dup(struct dup *d, size_t *done)
{
	struct devmap_handle *old, *new;
	int error = 0;

	for (*done = 0; *done < d->from->m_nhandles; ++*done) {
		old = d->from->m_handles[*done];
		new = d->to->m_handles[*done];
		error = handle_engine_init(new);
		if (error == 0 && old->dh_ops.devmap_dup != NULL)
			error = old->dh_ops.devmap_dup(old, old->dh_seen.dh_pvtp, new,
						       &new->dh_seen.dh_pvtp);
		DEVMAP_PROBE(dup, PROBE_OF(old), (int)new->dh_as->a_pid, old->dh_off, old->dh_len,
			     error);
		if (error != 0)
			return error == ENOMEM ? ENOMEM : EAGAIN;
		handle_settle(new);
	}
	return 0;
}

static void give_up_slot(struct as *child)
{
	mutex_enter(&child->a_lock);
	child->a_reserved--;
	mutex_exit(&child->a_lock);
}

static void publish_copy(struct dup *d)
{
	struct as *child = d->to->m_as;
	size_t i;

	mutex_enter(&child->a_lock);
	for (i = 0; i < d->to->m_nhandles; i++)
		dh_state_set(d->to->m_handles[i], DH_LIVE);
	as_insert(child, d->to);
	mutex_exit(&child->a_lock);
}

/* Copy the first mapping at *addr or later, and move *addr behind it, or to the end of all. */
static int dup_next(struct as *parent, struct as *child, uintptr_t *addr)
{
	struct dup d = { NULL, NULL, NULL };
	size_t done = 0;
	int error;

	mutex_enter(&child->a_lock);
	error = as_reserve(child);
	mutex_exit(&child->a_lock);
	if (error != 0)
		return error;
	mutex_enter(&parent->a_lock);
	d.from = pin_next(parent, *addr, &d.pins);
	if (d.pins != NULL)
		error = copy_mapping(&d, child);
	*addr = d.from != NULL ? d.from->m_addr + d.from->m_len : UINTPTR_MAX;
	mutex_exit(&parent->a_lock);
	if (d.pins == NULL) {
		give_up_slot(child);
		return d.from != NULL ? ENOMEM : 0;
	}
	if (error == 0)
		error = call_devmap_dup(&d, &done);
	unpin(&d);
	if (error == 0)
		publish_copy(&d);
	else if (d.to != NULL)
		mapping_tear_down(d.to, done);
	else
		give_up_slot(child);
	return error;
}

/*
 * fork(2). The child's mappings are published at once; it must not run before this has returned. If
 * the driver refuses a handle, devmap_unmap(9E) is called for those that it has accepted, and the
 * child is empty again. Returns 0; ENOMEM; EAGAIN: the driver refused with anything but ENOMEM.
 */
int devmap_dup_as(struct as *parent, struct as *child)
{
	uintptr_t addr = 0;
	int error = 0;

	as_enter(parent);
	while (error == 0 && addr != UINTPTR_MAX)
		error = dup_next(parent, child, &addr);
	if (error != 0)
		(void)devmap_unmap_range(child, 0, UINTPTR_MAX);
	as_leave(parent);
	return error;
}
