/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What the files of core share with each other and with nobody else. core.h has the map, the
 * invariants and the order of locks; a comment here says which lock the caller holds.
 */
#ifndef DEVMAP_CORE_INTERNAL_H
#define DEVMAP_CORE_INTERNAL_H

#include <sys/types.h>
#include <sys/param.h>
#include <sys/errno.h>
#include <sys/debug.h>
#include <sys/mman.h>
#include <sys/systm.h>
#include <sys/conf.h>
#include <sys/callo.h>
#include <vm/faultcode.h>
#ifndef __KERNEL__
#include <signal.h> /* the numbers of SIGBUS and SIGSEGV; the kernel's come with its types */
#endif
#include "core.h"
#include "probe.h"

#define PROT_RWX    (PROT_READ | PROT_WRITE | PROT_EXEC)
#define PAGES(len)  ((pgcnt_t)((len) >> PAGESHIFT))
#define BITS_A_WORD (8 * sizeof(ulong_t))

/*
 * One devmap_mmap() in progress; how devmap_setup() finds what segmap(9E) cannot tell it. setup.c
 */
struct devmap_pending {
	struct devmap_pending *p_next;
	kt_did_t p_thread;
	dev_t p_dev;
	uintptr_t p_addr;
	size_t p_len;
	uint_t p_maxprot, p_flags;
	void *p_file;
	const struct engine_driver *p_driver;
	struct devmap_mapping *p_mapping; /* the result */
};

/* Bits. */
static inline boolean_t bit_test(const ulong_t *map, pgcnt_t i)
{
	return map[i / BITS_A_WORD] >> (i % BITS_A_WORD) & 1 ? B_TRUE : B_FALSE;
}

static inline void bit_set(ulong_t *map, pgcnt_t i)
{
	map[i / BITS_A_WORD] |= 1UL << (i % BITS_A_WORD);
}

static inline void bit_clear(ulong_t *map, pgcnt_t i)
{
	map[i / BITS_A_WORD] &= ~(1UL << (i % BITS_A_WORD));
}

/* bits.c. The first bit in [i, end) that is set or clear; end if there is none. */
pgcnt_t bits_next(const ulong_t *map, pgcnt_t i, pgcnt_t end, boolean_t set);
pgcnt_t bits_count(const ulong_t *map, pgcnt_t i, pgcnt_t end);
void bits_fill(ulong_t *map, pgcnt_t i, pgcnt_t end, boolean_t set);
/* to[0 .. n) becomes from[first .. first + n); to may be from. */
void bits_move(ulong_t *to, const ulong_t *from, pgcnt_t first, pgcnt_t n);

/*
 * A message has been said n times: is this one worth another? The first, then every power of two.
 */
static inline boolean_t worth_saying(uint64_t before, uint64_t after)
{
	return before == 0 || __builtin_clzll(before) != __builtin_clzll(after) ? B_TRUE : B_FALSE;
}

/*
 * What a driver's devmap_access(9E) has returned, as an errno: FC_MAKE_ERR(e) means e, and so it
 * does when the driver wraps what is wrapped already.
 */
static inline int errno_of(int value)
{
	while (value > 0xff && FC_CODE(value) == FC_OBJERR)
		value = FC_ERRNO(value);
	return value;
}

/* The state is read by threads that hold no lock, to tell live cookies from stale ones. */
static inline enum dh_state dh_state_get(const struct devmap_handle *dh)
{
	return __atomic_load_n(&dh->dh_state, __ATOMIC_ACQUIRE);
}

static inline void dh_state_set(struct devmap_handle *dh, enum dh_state state)
{
	__atomic_store_n(&dh->dh_state, state, __ATOMIC_RELEASE);
}

static inline uint32_t mb_loaded_get(const struct devmap_member *mb)
{
	return __atomic_load_n(&mb->mb_loaded, __ATOMIC_RELAXED);
}

static inline void mb_loaded_add(struct devmap_member *mb, uint32_t n)
{
	if (mb != NULL)
		__atomic_fetch_add(&mb->mb_loaded, n, __ATOMIC_RELAXED);
}

/* Whose context: what the arbiter and the pages' records compare. */
static inline const void *member_owner(const struct devmap_member *mb)
{
	return mb->mb_share != NULL ? (const void *)mb->mb_share : (const void *)mb->mb_as;
}

/* a_lock or the mem_lock of what it stands on held. */
static inline const void *handle_owner(const struct devmap_handle *dh)
{
	return dh->dh_member != NULL ? member_owner(dh->dh_member) : (const void *)dh->dh_as;
}

static inline uintptr_t handle_end(const struct devmap_handle *dh)
{
	return dh->dh_uvaddr + dh->dh_len;
}

/* terms.c. groups_lock held. */
struct terms_entry {
	struct terms_entry *te_next;
	const dev_info_t *te_dip;
	struct devmap_terms te_terms;
};
struct devmap_terms terms_of_instance(const dev_info_t *dip);
/* Takes fresh only where the instance has none yet; returns what is to be freed, or NULL. */
struct terms_entry *terms_put(dev_info_t *dip, const struct devmap_terms *t,
			      struct terms_entry *fresh);
/* Off the list: the instance's; of any, if dip is NULL. NULL: there is none. */
struct terms_entry *terms_take(const dev_info_t *dip);

/* range.c */
int range_pages(const struct devmap_handle *dh, offset_t off, size_t len, pgcnt_t *first,
		pgcnt_t *n);
boolean_t range_fits(offset_t off, size_t len, size_t whole);
uint_t prot_of_rw(uint_t rw);

/* memory.c. a_lock held, mem_lock not. */
struct devmap_memory *memory_of(struct devmap_memory *m, struct as *as);
void memory_link(struct devmap_handle *dh, struct devmap_memory *m);
void memory_unlink(struct devmap_handle *dh); /* unloads all of it first */

/* gate.c. a_lock held. */
static inline boolean_t gate_is_of(const struct devmap_gate *gate, const dev_info_t *dip)
{
	return gate->gt_dip == NULL || gate->gt_dip == dip ? B_TRUE : B_FALSE;
}

/* Is devmap_unmap(9E) of the device under way in the process, or about to be? a_lock held. */
static inline boolean_t gate_is_shut(const struct as *as, const dev_info_t *dip)
{
	const struct devmap_gate *gate;

	ASSERT(MUTEX_HELD(&as->a_lock));
	for (gate = as->a_gates; gate != NULL; gate = gate->gt_next)
		if (gate_is_of(gate, dip))
			return B_TRUE;
	return B_FALSE;
}
void gate_shut(struct as *as, struct devmap_gate *gate, const dev_info_t *dip);
void gate_open(struct as *as, struct devmap_gate *gate);
boolean_t gate_covers(struct as *as, struct devmap_gate *gate, const struct devmap_handle *dh);
void access_begin(struct devmap_call *c, struct devmap_handle *dh);
void access_end(struct devmap_call *c);

/* pause.c */
int retry_ms(const struct devmap_handle *dh);
boolean_t retry_left(struct devmap_fault *f, const struct devmap_handle *dh); /* a_lock */
void retry_end(struct devmap_fault *f);
enum devmap_fault_result pause_fault(struct devmap_fault *f);	   /* a_lock */
enum devmap_fault_result pause_until_open(struct devmap_fault *f); /* a_lock */
void pause_opened(struct as *as);				   /* a_lock */
void pause_end(struct as *as, uintptr_t lo, uintptr_t hi);	   /* a_lock */
void pause_recall(struct devmap_fault *f);			   /* a_lock */

/* seen.c */
void handle_show(struct devmap_handle *dh);

/* handle.c */
void handles_init(void);
void handles_fini(void);
struct devmap_handle *handle_alloc(struct as *as, const char *name);
int handle_alloc_bits(struct devmap_handle *dh, size_t len);
int handle_engine_init(struct devmap_handle *dh);
void handle_settle(struct devmap_handle *dh);
void handle_copy(struct devmap_handle *to, const struct devmap_handle *from);
void locks_drop(struct devmap_handle *dh, pgcnt_t first, pgcnt_t n); /* a_lock */
void handle_destroy(struct devmap_handle *dh);			     /* no lock held */
/*
 * Finds and locks (a_lock) the handle behind a cookie; NULL, with a message, if there is none. For
 * the functions that drivers call: it names who has called them.
 */
#define handle_enter(cookie, call) handle_enter_from(cookie, call, __builtin_return_address(0))
struct devmap_handle *handle_enter_from(devmap_cookie_t cookie, const char *call, const void *site);
void handle_exit(struct devmap_handle *dh);
/* a_lock held. */
void call_begin(struct devmap_call *c, struct devmap_handle *dh);
void call_end(struct devmap_call *c);
struct devmap_call *call_find(struct devmap_handle *dh);
void handle_close(struct devmap_handle *dh); /* DH_CLOSING; waits until dh_calls is empty */
void handle_reopen(struct devmap_handle *dh);

/* mapping.c. a_lock held unless said otherwise. */
struct devmap_mapping *mapping_alloc(struct as *as, size_t cap);     /* no lock */
int mapping_add(struct devmap_mapping *m, struct devmap_handle *dh); /* no lock; m unpublished */
void mapping_hold(struct devmap_mapping *m);
void mapping_rele(struct devmap_mapping *m);
void mapping_refresh(struct devmap_mapping *m);
void mapping_remove_handle(struct devmap_mapping *m, size_t index);
size_t mapping_index(const struct devmap_mapping *m, uintptr_t addr);
int as_reserve(struct as *as);
void as_insert(struct as *as, struct devmap_mapping *m);
void as_remove(struct as *as, struct devmap_mapping *m);
struct devmap_mapping *as_mapping_from(struct as *as, uintptr_t addr);
struct devmap_handle *as_handle_from(struct as *as, uintptr_t addr);
struct devmap_handle *as_handle(struct as *as, uintptr_t addr);
void as_enter(struct as *as); /* no lock */
void as_left(struct as *as);
void as_leave(struct as *as); /* no lock */

/* pages.c. a_lock and mem_lock held. */
int pages_load(struct devmap_handle *dh, pgcnt_t first, pgcnt_t n);
void pages_unload(struct devmap_handle *dh, pgcnt_t first, pgcnt_t n);
/* a_lock held: takes mem_lock. ENXIO for a handle on no memory. */
int handle_load(struct devmap_handle *dh, pgcnt_t first, pgcnt_t n);
int handle_reload(struct devmap_handle *dh, pgcnt_t page);
boolean_t handle_loaded(struct devmap_handle *dh, pgcnt_t page);
void handle_unload(struct devmap_handle *dh, pgcnt_t first, pgcnt_t n);
void handle_unload_context(struct devmap_handle *dh, pgcnt_t first, pgcnt_t n);

/* group.c. No lock above a_lock held. */
void groups_init(void);
void groups_fini(void);
/* The caller has a reference already, or something that keeps the group. */
static inline void group_hold(struct devmap_group *g)
{
	__atomic_fetch_add(&g->g_refs, 1, __ATOMIC_RELAXED);
}
struct devmap_group *group_get(dev_info_t *dip, void *key, boolean_t keyed, const char *name);
void group_rele(struct devmap_group *g);
void group_answered(struct devmap_group *g, struct devmap_fault *f);
void group_recall(struct devmap_group *g, struct devmap_fault *f);
void group_break_cycles(struct as *as);
void group_each(void (*fn)(struct devmap_group *g, void *arg), void *arg);
/* The same, for member.c and turn.c, with g_lock held. */
static inline struct devmap_request *request_of(struct arb_req *r)
{
	return (struct devmap_request *)(void *)r; /* r_arb comes first */
}
CTASSERT(offsetof(struct devmap_request, r_arb) == 0);
void group_step(struct devmap_group *g);
void group_set_owner(struct devmap_group *g, struct devmap_member *mb, hrtime_t now);
void request_enqueue(struct devmap_group *g, struct devmap_request *r, struct devmap_member *mb,
		     boolean_t postponed);
void request_left(struct devmap_request *r);
void request_leave(struct devmap_group *g, struct devmap_request *r);
void request_count_wait(struct devmap_group *g, struct devmap_request *r, hrtime_t now);

/* member.c. No lock above a_lock held, unless said otherwise. */
struct member_key {
	dev_info_t *dip; /* of the group: */
	void *key;
	boolean_t keyed;
	enum devmap_share_kind share_kind; /* of the context in it: */
	uintptr_t share;
};
struct member_key member_key(const struct devmap_member *mb);
struct devmap_member *member_attach(const struct member_key *key, struct as *as, const char *name);
void member_detach(struct devmap_member *mb);
void member_release_postponed(struct devmap_member *mb, uintptr_t lo, uintptr_t hi);
void member_count_access(struct devmap_member *mb);
void member_restart_call(struct devmap_member *mb, struct devmap_call *c);
void member_woken(struct devmap_member *mb);
boolean_t member_admit(struct devmap_member *mb, struct devmap_fault *f);
void member_taken(struct devmap_member *by, struct devmap_member *from, uint64_t pages);
void member_lock_pages(struct devmap_group *g, struct devmap_member *mb, struct devmap_call *c);
void member_lock(struct devmap_member *mb, struct devmap_call *c);
boolean_t member_seen(struct devmap_member *mb);
void member_lock_more(struct devmap_member *mb, uint32_t pages, uint32_t epoch);
void member_unlock(struct devmap_member *mb, uint32_t pages, uint32_t epoch);
uint32_t member_lock_epoch(struct devmap_member *mb);
boolean_t member_lock_room(struct devmap_member *mb, uint64_t pages);

/* unmap.c */
void mapping_tear_down(struct devmap_mapping *m, size_t mapped); /* no lock; m unpublished */

/* waits.c. A leaf of the lock order. */
void waits_init(void);
void waits_fini(void);
void waits_add(struct devmap_request *r);	/* g_lock */
void waits_remove(struct devmap_request *r);	/* g_lock */
void waits_set_locks(struct devmap_member *mb); /* g_lock; mb_locked has changed */
struct devmap_group *waits_find_cycle(struct as *as);

/* setup.c */
/* Messages and 0, or DDI_FAILURE. a_lock held. */
int check_range(const struct devmap_handle *dh, const char *call, const struct devmap_memory *m,
		size_t whole, offset_t off, size_t len);
int check_maxprot(const struct devmap_handle *dh, const char *call, uint_t maxprot);

#endif
