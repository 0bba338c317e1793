/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Handles: their memory, the check of the cookies that drivers pass, and the calls inside them.
 *
 * The memory of a handle is a handle for ever: a freed one stays in the quarantine for a while, and
 * is then used for another handle. So a cookie that a driver kept for too long can be looked at,
 * told from a live one, and refused (C26).
 */
#include "internal.h"

#define QUARANTINE_MIN 1024 /* handles freed since, before one is used again */
#define QUARANTINE_MAX 8192 /* above, memory is given back */

static struct {
	kmutex_t lock; /* free_lock of core.h */
	struct devmap_handle *first, **last;
	size_t count;
} quarantine;

void handles_init(void)
{
	mutex_init(&quarantine.lock, NULL, MUTEX_DRIVER, NULL);
	quarantine.first = NULL;
	quarantine.last = &quarantine.first;
	quarantine.count = 0;
}

/* Take the oldest handle out of the quarantine if there are more than so many; or NULL. */
static struct devmap_handle *quarantine_take(size_t more_than)
{
	struct devmap_handle *dh = NULL;

	mutex_enter(&quarantine.lock);
	if (quarantine.count > more_than) {
		dh = quarantine.first;
		quarantine.first = dh->dh_next_free;
		if (quarantine.first == NULL)
			quarantine.last = &quarantine.first;
		quarantine.count--;
	}
	mutex_exit(&quarantine.lock);
	return dh;
}

static void quarantine_put(struct devmap_handle *dh)
{
	mutex_enter(&quarantine.lock);
	dh->dh_next_free = NULL;
	*quarantine.last = dh;
	quarantine.last = &dh->dh_next_free;
	quarantine.count++;
	mutex_exit(&quarantine.lock);
	dh = quarantine_take(QUARANTINE_MAX);
	if (dh != NULL)
		kmem_free(dh, sizeof(*dh));
}

void handles_fini(void)
{
	struct devmap_handle *dh;

	while ((dh = quarantine_take(0)) != NULL)
		kmem_free(dh, sizeof(*dh));
	mutex_destroy(&quarantine.lock);
}

/* A new handle of as, for the driver of that name; NULL if there is no memory. */
struct devmap_handle *handle_alloc(struct as *as, const char *name)
{
	struct devmap_handle *dh = quarantine_take(QUARANTINE_MIN);
	size_t i;

	if (dh == NULL)
		dh = kmem_alloc(sizeof(*dh), KM_NOSLEEP);
	if (dh == NULL)
		return NULL;
	bzero(dh, sizeof(*dh));
	dh->dh_as = as;
	for (i = 0; i + 1 < sizeof(dh->dh_name) && name[i] != '\0'; i++)
		dh->dh_name[i] = name[i];
	dh_state_set(dh, DH_NEW);
	return dh;
}

/* Room for the bits of len bytes. Returns 0 or ENOMEM. */
int handle_alloc_bits(struct devmap_handle *dh, size_t len)
{
	pgcnt_t words = (PAGES(len) + BITS_A_WORD - 1) / BITS_A_WORD;

	dh->dh_loaded = kmem_zalloc(2 * words * sizeof(ulong_t), KM_NOSLEEP);
	if (dh->dh_loaded == NULL)
		return ENOMEM;
	dh->dh_locked = dh->dh_loaded + words;
	dh->dh_bits = words * BITS_A_WORD;
	return 0;
}

/*
 * What a new handle has in common with an old one: all but geometry's bits, group, memory, engine.
 */
void handle_copy(struct devmap_handle *to, const struct devmap_handle *from)
{
	to->dh_flags = from->dh_flags & DEVMAP_SETUP_FLAGS;
	to->dh_dip = from->dh_dip;
	to->dh_instance = from->dh_instance;
	to->dh_dev = from->dh_dev;
	to->dh_off = from->dh_off;
	to->dh_len = from->dh_len;
	to->dh_uvaddr = from->dh_uvaddr;
	to->dh_roff = from->dh_roff;
	to->dh_prot = from->dh_prot;
	to->dh_orig_maxprot = from->dh_orig_maxprot;
	to->dh_maxprot = from->dh_maxprot;
	to->dh_cache = from->dh_cache;
	to->dh_ops = from->dh_ops;
	to->dh_seen.dh_pvtp = from->dh_seen.dh_pvtp;
	to->dh_hold = __atomic_load_n(&from->dh_hold, __ATOMIC_RELAXED);
	to->dh_overhead = __atomic_load_n(&from->dh_overhead, __ATOMIC_RELAXED);
	to->dh_lock_epoch = from->dh_lock_epoch;
	to->dh_engine = from->dh_engine; /* for engine_handle_init() to go by */
}

/* Tell the engine of the handle. a_lock may be held. */
int handle_engine_init(struct devmap_handle *dh)
{
	int error = engine_handle_init(dh);

	if (error == 0)
		dh->dh_flags |= DH_ENGINE;
	return error;
}

/* The driver has accepted the handle, in devmap_map(9E) or devmap_dup(9E). */
void handle_settle(struct devmap_handle *dh)
{
	mutex_enter(&dh->dh_as->a_lock);
	dh->dh_flags |= DH_SETTLED;
	mutex_exit(&dh->dh_as->a_lock);
}

/* The pages' locks end with them. a_lock held. */
void locks_drop(struct devmap_handle *dh, pgcnt_t first, pgcnt_t n)
{
	pgcnt_t locked;

	ASSERT(MUTEX_HELD(&dh->dh_as->a_lock));
	if (dh->dh_member == NULL || n == 0)
		return;
	locked = bits_count(dh->dh_locked, first, first + n);
	if (locked == 0)
		return;
	bits_fill(dh->dh_locked, first, first + n, B_FALSE);
	member_unlock(dh->dh_member, (uint32_t)locked, dh->dh_lock_epoch);
}

/*
 * The end of a handle that no mapping contains any more and in which nobody is. The group comes
 * before the engine, for fini may take its time: it may run the driver's close(9E).
 */
void handle_destroy(struct devmap_handle *dh)
{
	struct as *as = dh->dh_as;
	struct devmap_member *mb;

	mutex_enter(&as->a_lock);
	ASSERT(dh->dh_calls == NULL);
	locks_drop(dh, 0, PAGES(dh->dh_len));
	memory_unlink(dh);
	mb = dh->dh_member;
	dh->dh_member = NULL;
	mutex_exit(&as->a_lock);
	if (mb != NULL)
		member_detach(mb);
	if (dh->dh_flags & DH_ENGINE)
		engine_handle_fini(dh);
	mutex_enter(&as->a_lock);
	dh_state_set(dh, DH_FREED);
	if (dh->dh_mapping != NULL)
		mapping_rele(dh->dh_mapping);
	dh->dh_mapping = NULL;
	if (dh->dh_loaded != NULL)
		kmem_free(dh->dh_loaded, 2 * (dh->dh_bits / BITS_A_WORD) * sizeof(ulong_t));
	dh->dh_loaded = NULL;
	dh->dh_locked = NULL;
	mutex_exit(&as->a_lock);
	quarantine_put(dh);
}

/* site: in the driver, for its name. */
static boolean_t cookie_valid(devmap_cookie_t cookie, const char *call, const void *site)
{
	const struct devmap_handle *dh = cookie;
	enum dh_state state = (enum dh_state)0;
	char driver[24];

	if (dh != NULL && ((uintptr_t)dh & (sizeof(void *) - 1)) == 0)
		state = dh_state_get(dh);
	switch (state) {
	case DH_NEW:
	case DH_SETUP:
	case DH_MAPPED:
	case DH_LIVE:
		return B_TRUE;
	case DH_FREED:
		cmn_err(CE_WARN, "%s: %s: handle %p was freed (devmap_unmap said so)", dh->dh_name,
			call, cookie);
		return B_FALSE;
	}
	driver_of_code(site, driver, sizeof(driver));
	cmn_err(CE_WARN, "%s: %s: %p is not a handle", driver, call, cookie);
	return B_FALSE;
}

struct devmap_handle *handle_enter_from(devmap_cookie_t cookie, const char *call, const void *site)
{
	struct devmap_handle *dh = cookie;
	struct as *as;

	if (!cookie_valid(cookie, call, site))
		return NULL;
	as = dh->dh_as;
	mutex_enter(&as->a_lock);
	if (cookie_valid(cookie, call, site))
		return dh;
	mutex_exit(&as->a_lock);
	return NULL;
}

void handle_exit(struct devmap_handle *dh)
{
	mutex_exit(&dh->dh_as->a_lock);
}

/*
 * This thread enters the driver with the handle, which is not closing: I4. c is zero but for
 * inputs.
 */
void call_begin(struct devmap_call *c, struct devmap_handle *dh)
{
	ASSERT(MUTEX_HELD(&dh->dh_as->a_lock));
	c->c_dh = dh;
	c->c_thread = ddi_get_kt_did();
	c->c_next = dh->dh_calls;
	dh->dh_calls = c;
	dh->dh_flags |= DH_ACCESSED;
}

void call_end(struct devmap_call *c)
{
	struct devmap_handle *dh = c->c_dh;
	struct devmap_call **p = &dh->dh_calls;

	ASSERT(MUTEX_HELD(&dh->dh_as->a_lock));
	while (*p != c)
		p = &(*p)->c_next;
	*p = c->c_next;
	if (dh->dh_calls == NULL && (dh->dh_flags & DH_CLOSING) != 0)
		cv_broadcast(&dh->dh_as->a_cv);
}

/* The call that this thread is in with the handle, or NULL. */
struct devmap_call *call_find(struct devmap_handle *dh)
{
	kt_did_t self = ddi_get_kt_did();
	struct devmap_call *c = dh->dh_calls;

	ASSERT(MUTEX_HELD(&dh->dh_as->a_lock));
	while (c != NULL && c->c_thread != self)
		c = c->c_next;
	return c;
}

/*
 * Nobody enters the handle any more, and those inside are asked to leave: waits for a turn end at
 * once, and cv_wait_sig(9F) of the driver's own too.
 */
void handle_close(struct devmap_handle *dh)
{
	struct devmap_call *c;

	ASSERT(MUTEX_HELD(&dh->dh_as->a_lock));
	ASSERT((dh->dh_flags & DH_CLOSING) == 0);
	dh->dh_flags |= DH_CLOSING;
	for (c = dh->dh_calls; c != NULL; c = c->c_next) {
		if (dh->dh_member != NULL)
			member_restart_call(dh->dh_member, c);
		engine_interrupt(c->c_thread);
	}
	while (dh->dh_calls != NULL)
		cv_wait(&dh->dh_as->a_cv, &dh->dh_as->a_lock);
}

void handle_reopen(struct devmap_handle *dh)
{
	ASSERT(MUTEX_HELD(&dh->dh_as->a_lock));
	dh->dh_flags &= ~(uint_t)DH_CLOSING;
	dh->dh_gone_len = 0;
	dh->dh_behind = NULL;
	cv_broadcast(&dh->dh_as->a_cv);
}
