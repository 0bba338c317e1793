/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Address spaces and their mappings: two sorted arrays, so that the handle of an address is found
 * by bisection twice. Everything here is guarded by a_lock.
 */
#include "internal.h"

static uint64_t last_key; /* 2^64 last for ever */

/* No address space to come has a key up to this one. Before there is any. */
void devmap_as_keys_after(uint64_t key)
{
	last_key = key;
}

/* Begin an address space: of process pid, which runs comm (both for messages only). */
void devmap_as_init(struct as *as, pid_t pid, const char *comm)
{
	size_t i;

	bzero(as, sizeof(*as));
	mutex_init(&as->a_lock, NULL, MUTEX_DRIVER, NULL);
	cv_init(&as->a_cv, NULL, CV_DRIVER, NULL);
	as->a_key = __atomic_add_fetch(&last_key, 1, __ATOMIC_RELAXED);
	as->a_pid = pid;
	for (i = 0; i + 1 < sizeof(as->a_comm) && comm[i] != '\0'; i++)
		as->a_comm[i] = comm[i];
}

/* A thread works inside core for as, which devmap_as_exit() has to wait for. */
void as_enter(struct as *as)
{
	mutex_enter(&as->a_lock);
	as->a_users++;
	mutex_exit(&as->a_lock);
}

/* The same thread leaves again. */
void as_left(struct as *as)
{
	ASSERT(MUTEX_HELD(&as->a_lock));
	if (--as->a_users == 0)
		cv_broadcast(&as->a_cv);
}

void as_leave(struct as *as)
{
	mutex_enter(&as->a_lock);
	as_left(as);
	mutex_exit(&as->a_lock);
}

/* A mapping with room for cap handles, and one reference; NULL if there is no memory. */
struct devmap_mapping *mapping_alloc(struct as *as, size_t cap)
{
	struct devmap_mapping *m = kmem_zalloc(sizeof(*m), KM_NOSLEEP);

	if (m == NULL)
		return NULL;
	m->m_handles = kmem_alloc(cap * sizeof(*m->m_handles), KM_NOSLEEP);
	if (m->m_handles == NULL) {
		kmem_free(m, sizeof(*m));
		return NULL;
	}
	m->m_as = as;
	m->m_seg.s_as = as;
	m->m_cap = cap;
	m->m_refs = 1;
	return m;
}

/* Append a handle. Returns 0 or ENOMEM. */
int mapping_add(struct devmap_mapping *m, struct devmap_handle *dh)
{
	struct devmap_handle **bigger;

	if (m->m_nhandles == m->m_cap) {
		bigger = kmem_alloc(2 * m->m_cap * sizeof(*bigger), KM_NOSLEEP);
		if (bigger == NULL)
			return ENOMEM;
		bcopy(m->m_handles, bigger, m->m_nhandles * sizeof(*bigger));
		kmem_free(m->m_handles, m->m_cap * sizeof(*bigger));
		m->m_handles = bigger;
		m->m_cap *= 2;
	}
	m->m_handles[m->m_nhandles++] = dh;
	dh->dh_mapping = m;
	mapping_hold(m);
	return 0;
}

void mapping_hold(struct devmap_mapping *m)
{
	m->m_refs++;
}

void mapping_rele(struct devmap_mapping *m)
{
	ASSERT(MUTEX_HELD(&m->m_as->a_lock));
	if (--m->m_refs > 0)
		return;
	kmem_free(m->m_handles, m->m_cap * sizeof(*m->m_handles));
	kmem_free(m, sizeof(*m));
}

/* The mapping is as long as its handles, of which there is at least one. */
void mapping_refresh(struct devmap_mapping *m)
{
	const struct devmap_handle *first = m->m_handles[0];

	m->m_addr = first->dh_uvaddr;
	m->m_off = first->dh_off;
	m->m_len = handle_end(m->m_handles[m->m_nhandles - 1]) - m->m_addr;
	m->m_seg.s_base = (caddr_t)m->m_addr;
	m->m_seg.s_size = m->m_len;
}

void mapping_remove_handle(struct devmap_mapping *m, size_t index)
{
	for (m->m_nhandles--; index < m->m_nhandles; index++)
		m->m_handles[index] = m->m_handles[index + 1];
}

/* Of the first handle that ends after addr; m_nhandles if there is none. */
size_t mapping_index(const struct devmap_mapping *m, uintptr_t addr)
{
	size_t lo = 0, hi = m->m_nhandles, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (handle_end(m->m_handles[mid]) > addr)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

/* Of the first mapping that ends after addr; a_nmappings if there is none. */
static size_t as_index(const struct as *as, uintptr_t addr)
{
	size_t lo = 0, hi = as->a_nmappings, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (as->a_mappings[mid]->m_addr + as->a_mappings[mid]->m_len > addr)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

/*
 * Keep a slot for a mapping that is to come, so that as_insert() cannot fail. Returns 0 or ENOMEM.
 */
int as_reserve(struct as *as)
{
	size_t cap = as->a_cap == 0 ? 4 : 2 * as->a_cap;
	struct devmap_mapping **bigger;

	ASSERT(MUTEX_HELD(&as->a_lock));
	if (as->a_nmappings + as->a_reserved == as->a_cap) {
		bigger = kmem_alloc(cap * sizeof(*bigger), KM_NOSLEEP);
		if (bigger == NULL)
			return ENOMEM;
		if (as->a_cap > 0) {
			bcopy(as->a_mappings, bigger, as->a_nmappings * sizeof(*bigger));
			kmem_free(as->a_mappings, as->a_cap * sizeof(*bigger));
		}
		as->a_mappings = bigger;
		as->a_cap = cap;
	}
	as->a_reserved++;
	return 0;
}

/* Into the slot that as_reserve() kept. */
void as_insert(struct as *as, struct devmap_mapping *m)
{
	size_t index = as_index(as, m->m_addr), i;

	ASSERT(MUTEX_HELD(&as->a_lock));
	ASSERT(as->a_reserved > 0);
	as->a_reserved--;
	for (i = as->a_nmappings++; i > index; i--)
		as->a_mappings[i] = as->a_mappings[i - 1];
	as->a_mappings[index] = m;
	m->m_live = B_TRUE;
}

/* Out of the list; the caller still has its reference. */
void as_remove(struct as *as, struct devmap_mapping *m)
{
	size_t i = 0;

	ASSERT(MUTEX_HELD(&as->a_lock));
	while (as->a_mappings[i] != m)
		i++;
	for (as->a_nmappings--; i < as->a_nmappings; i++)
		as->a_mappings[i] = as->a_mappings[i + 1];
	m->m_live = B_FALSE;
}

/* The first mapping that ends after addr, or NULL. */
struct devmap_mapping *as_mapping_from(struct as *as, uintptr_t addr)
{
	size_t i = as_index(as, addr);

	ASSERT(MUTEX_HELD(&as->a_lock));
	return i < as->a_nmappings ? as->a_mappings[i] : NULL;
}

/* The first handle that ends after addr, or NULL. */
struct devmap_handle *as_handle_from(struct as *as, uintptr_t addr)
{
	const struct devmap_mapping *m = as_mapping_from(as, addr);

	return m != NULL ? m->m_handles[mapping_index(m, addr)] : NULL;
}

/* The handle that covers addr, or NULL. */
struct devmap_handle *as_handle(struct as *as, uintptr_t addr)
{
	struct devmap_handle *dh = as_handle_from(as, addr);

	return dh != NULL && dh->dh_uvaddr <= addr ? dh : NULL;
}

/* a_lock held. Is devmap_unmap_range() at work on a part of m, or about to be? */
static boolean_t mapping_closing(const struct devmap_mapping *m)
{
	size_t i;

	ASSERT(MUTEX_HELD(&m->m_as->a_lock));
	if (gate_is_shut(m->m_as, m->m_handles[0]->dh_dip))
		return B_TRUE;
	for (i = 0; i < m->m_nhandles; i++)
		if (m->m_handles[i]->dh_flags & DH_CLOSING)
			return B_TRUE;
	return B_FALSE;
}

int devmap_move(struct as *as, uintptr_t addr, size_t len, uintptr_t to)
{
	struct devmap_mapping *m;
	struct devmap_handle *dh;
	size_t i;
	int error = EINVAL;

	as_enter(as);
	mutex_enter(&as->a_lock);
	while ((m = as_mapping_from(as, addr)) != NULL && mapping_closing(m))
		cv_wait(&as->a_cv, &as->a_lock);
	if (m != NULL && m->m_addr == addr && m->m_len == len && (to & PAGEOFFSET) == 0 &&
	    to <= UINTPTR_MAX - len) {
		as_remove(as, m);
		as->a_reserved++;
		for (i = 0; i < m->m_nhandles; i++) {
			dh = m->m_handles[i];
			handle_unload(dh, 0, PAGES(dh->dh_len));
			/*
			 * Nothing is loaded, so no other process has a reason to read the address.
			 */
			dh->dh_uvaddr = dh->dh_uvaddr - addr + to;
			handle_show(dh);
		}
		mapping_refresh(m);
		as_insert(as, m);
		error = 0;
	}
	mutex_exit(&as->a_lock);
	as_leave(as);
	return error;
}
