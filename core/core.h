/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The contract, in code: handles, ranges, access, the arbiter. This page is the map.
 *
 * OBJECTS
 *   as        one process (address space): its mappings, sorted by address
 *   mapping   one mmap(2): its handles, sorted by address, contiguous, no gaps
 *   handle    one call of devmap(9E): a piece of a mapping on one device memory
 *   memory    one register set or one ddi_umem_alloc(9F): a record for each page
 *   group     what may not be used by two at once: (instance, access function) or a key of the
 *             driver's
 *   share     a device context that several processes have together, in one group         [X5]
 *   member    one process in one group, with a context of its own or in a share
 *   owner     whose context it is, member_owner(): a share or an address space; only compared
 *   fault     one access that waits for an answer; lives in the engine
 *   call      one run of a devmap_access(9E) by one thread
 *
 * INVARIANTS
 *   I1  For each page of memory, pg_holder is the one owner whose processes may have valid
 *       translations, and pg_loaded counts the handles that are recorded as loaded for it; holder
 *       is NULL exactly if the count is 0. All handles counted are of the holder.  [C17, X5]
 *   I2  A bit in dh_loaded is set exactly if the handle is counted in pg_loaded for that page.
 *   I3  The engine has a page valid in a process only for handles of its holder. The converse
 *       need not hold: the record stands above the page tables, and a fault on a recorded page is
 *       answered without the driver.                                                 [C14]
 *   I4  dh_calls holds each thread inside a driver entry point with this handle.
 *       devmap_unmap(9E) and every change of dh_off, dh_len or the private data happen only while dh_calls
 *       is empty and DH_CLOSING keeps it so.
 *       Nor does devmap_unmap(9E) run while a_accesses has a call of the process and the device,
 *       nor is one added while a_gates has a gate of theirs.                         [C27]
 *   I5  A handle is in its memory's list from setup to the end of its last devmap_unmap(9E).
 *   I6  A member exists exactly while a handle is attached to it, a share exactly while it has
 *       a member.                                                                    [C7]
 *   I7  Driver code is called with no core lock held.
 *   I8  dh_memory, dh_roff, dh_len, dh_uvaddr and dh_member change only under a_lock and the
 *       mem_lock of what the handle then stands on; whoever holds either may read them. (A handle
 *       on no memory has only a_lock; and devmap_move() changes dh_uvaddr under a_lock alone, for
 *       nothing is loaded.) The bits of dh_loaded change, and are read, under mem_lock: another
 *       process's load may clear them.
 *
 * STATES OF A HANDLE
 *   new -> (devmap(9E) calls *_setup) setup -> (devmap_map(9E)) mapped -> (engine has the address)
 *   live <-> closing (a range is being unmapped) -> freed (kept a while, so that a late use is
 *   seen)
 *
 * TRANSITIONS                        FUNCTION
 *   new -> setup                     devmap_devmem_setup, devmap_umem_setup       setup.c
 *   setup -> mapped                  devmap_setup                                 setup.c
 *   mapped -> live                   devmap_publish                               unmap.c
 *   page invalid -> valid            devmap_load -> pages_load                    load.c, pages.c
 *   page valid -> invalid            devmap_unload -> pages_unload                load.c, pages.c
 *   access by A while B owns         devmap_fault -> devmap_do_ctxmgt             access.c, turn.c
 *   access is to be tried again      retry_left, pause_fault                   pause.c
 *   a request waits, has the turn    request_enqueue, group_step                  group.c, arbiter.c
 *   as joins a group, leaves it      member_attach, member_detach                 member.c
 *   a context becomes a shared one   devmap_set_ctx_share                         params.c
 *   live -> closing -> live/freed    devmap_unmap_range, gate_shut                unmap.c, gate.c
 *   fork                             devmap_dup_as                                dup.c
 *   what stands behind changes       devmap_devmem_remap, devmap_umem_remap       remap.c
 *   lock, unlock                     devmap_lock_range                            lock.c
 *
 * FLOORS: a file calls only files below its own floor; none is in a circle (make check).
 *   what an engine calls             access, dup, lock, setup, remap, params, stats, load, core
 *   the end of mappings              unmap
 *   accesses and unmaps              gate
 *   accesses that pause              pause
 *   handles, mappings                handle, mapping
 *   what drivers see of them         seen
 *   pages, memory                    memory, pages
 *   the turn; members                turn (calls handle too), member
 *   groups                           group, waits
 *   pure                             arbiter, range, bits, histogram
 *
 * LOCK ORDER (outermost first; nothing is held across driver code)
 *   1 a_lock      as: its mappings, their handles' addresses; dh_calls, DH_CLOSING
 *   2 mem_lock    memory: page records, dh_loaded, the list of its handles
 *   3 g_lock      group: arbiter, members, statistics
 *   4 waits_lock  who waits where, and whose locks he waits for (waits.c); a leaf
 *   groups_lock   list of groups; taken before g_lock, never inside mem_lock
 *   free_lock     the quarantine of freed handles (handle.c); a leaf
 *   the engine's own locks come after all of these
 * No two locks of one kind are ever held at once.
 */
#ifndef DEVMAP_CORE_CORE_H
#define DEVMAP_CORE_CORE_H

#include <sys/types.h>
#include <sys/ksynch.h>
#include <sys/sunddi.h>
#include <sys/ddidevmap.h>
#include <vm/seg.h>
#include "arbiter.h"
#include "engine.h"
#include "histogram.h"

struct devmap_page {
	const void *pg_holder; /* an owner */
	uint32_t pg_loaded;
};

struct devmap_memory {
	kmutex_t mem_lock;
	pgcnt_t mem_npages;
	struct devmap_page *mem_pages;
	struct devmap_handle *mem_handles; /* through dh_mem_next */
	char mem_name[48];		   /* for messages: "xfb0 registers 1" */
	ddi_umem_cookie_t mem_cookie;	   /* of ddi_umem_alloc(9F); NULL: registers */
	ddi_umem_cookie_t mem_trash;	   /* ... if each process has one of its own (C25) */
	void *mem_engine;		   /* the engine's record */
};

enum dh_state { DH_NEW = 0x6e657721, DH_SETUP, DH_MAPPED, DH_LIVE, DH_FREED };

struct devmap_handle {
	devmap_handle_t dh_seen; /* what drivers see of the rest: handle_show(). It comes first */
	enum dh_state dh_state;	 /* doubles as the magic number of a valid cookie */
	uint_t dh_flags;	 /* DEVMAP_SETUP_FLAGS of the driver, and ours */
#define DH_CLOSING  0x10000	 /* no new call may begin */
#define DH_ACCESSED 0x20000	 /* a call has begun, or a load, once */
#define DH_GONE	    0x40000	 /* wholly unmapped; devmap_unmap(9E) still runs */
#define DH_ENGINE   0x80000	 /* engine_handle_init() was done */
#define DH_SETTLED  0x100000	 /* the driver has accepted it: whose context it is stays */
	struct as *dh_as;	 /* whose it is; never changes */
	char dh_name[24];	 /* the driver's, for messages; outlives the rest */
	struct devmap_mapping *dh_mapping;
	struct devmap_handle *dh_mem_next, **dh_mem_prev;
	struct devmap_memory *dh_memory; /* NULL while DEVMAP_MAPPING_INVALID */
	dev_info_t *dh_dip;
	int dh_instance; /* of dh_dip, for probes */
	dev_t dh_dev;
	offset_t dh_off;     /* user offset in the device of the first byte */
	size_t dh_len;	     /* bytes, whole pages */
	uintptr_t dh_uvaddr; /* where the process sees it */
	offset_t dh_roff;    /* offset in dh_memory of the first byte */
	uint_t dh_prot, dh_orig_maxprot, dh_maxprot;
	struct devmap_callback_ctl dh_ops; /* a copy; all NULL if the driver gave none */
	hrtime_t dh_hold;		   /* ns; 0: none */
	uint_t dh_overhead;		   /* percent; 0: not asked for */
	struct devmap_member *dh_member;   /* NULL without devmap_access */
	ulong_t *dh_loaded;		   /* a bit a page; under mem_lock */
	ulong_t *dh_locked;		   /* a bit a page; under a_lock */
	pgcnt_t dh_bits;		   /* room in each of the two */
	uint32_t dh_lock_epoch;		   /* of mb_lock_epoch when dh_locked was right */
	uint_t dh_cache;		   /* IOMEM_DATA_* of the driver */
	offset_t dh_gone_off;		   /* what devmap_unmap(9E) is being told of ... */
	size_t dh_gone_len;		   /* ... while DH_CLOSING; 0: nothing */
	struct devmap_handle *dh_behind;   /* ... and the new handle after that, or NULL */
	struct devmap_handle *dh_next_free;
	struct devmap_call *dh_calls;
	void *dh_engine;
};

struct devmap_mapping {
	struct as *m_as;
	struct devmap_mapping *m_next;
	uintptr_t m_addr;
	size_t m_len;
	offset_t m_off;
	uint_t m_prot, m_maxprot, m_flags;
	dev_t m_dev;
	boolean_t m_live;
	size_t m_nhandles, m_cap;
	struct devmap_handle **m_handles; /* sorted by address: found by bisection */
	struct seg m_seg;		  /* what drivers see of it */
	size_t m_refs;			  /* handles, the dying ones too; under a_lock */
	void *m_file;			  /* the engine's; engine_handle_init, fini hold it */
};

struct as {
	kmutex_t a_lock;
	kcondvar_t a_cv; /* a handle's dh_calls became empty */
	size_t a_nmappings, a_cap;
	struct devmap_mapping **a_mappings; /* live ones, sorted by address */
	struct devmap_mapping *a_new;	    /* set up, not yet published */
	struct devmap_pending *a_pending;   /* devmap_mmap() in progress, one a thread */
	size_t a_reserved;		    /* slots of a_mappings kept for unpublished ones */
	size_t a_users;			    /* threads inside core on its behalf; exit waits */
	struct devmap_call *a_accesses;	    /* calls of devmap_access(9E) */
	struct devmap_gate *a_gates;	    /* through which none comes, gate.c */
	struct devmap_fault *a_paused;	    /* postponed until they are due, pause.c */
	size_t a_pausing;		    /* threads that sleep instead */
	boolean_t a_reached;		    /* mark of the search for lock cycles; waits_lock */
	uint64_t a_key;			    /* never another's, from 1 on; never changes */
	pid_t a_pid;
	char a_comm[32];
};

/* Statistics of a group, and of a member (times are ns). */
struct devmap_stats {
	uint64_t accesses; /* devmap_access(9E) calls */
	uint64_t grants;   /* successful devmap_contextmgt(9E) calls */
	uint64_t switches; /* of these, ones that changed the owner */
	uint64_t failures;
	uint64_t waits; /* requests that had to wait */
	uint64_t wait_ns, owned_ns, switch_ns;
	uint64_t taken;	 /* pages taken from another process by a load (C17) */
	uint64_t leaked; /* switches that left the last owner pages (C17) */
	uint64_t locks_broken, lock_cycles;
};

/* What an operator has set for an instance, instead of what its driver says; -1: nothing. */
struct devmap_terms {
	hrtime_t hold; /* ns */
	int overhead; /* percent for switching, at most 99; 0: the hold counts. It goes before a hold */
	hrtime_t lock; /* ns: the limit of locks; 0: none */
};

/* What makes several processes one owner: a key of the driver's, or the property (X5). */
enum devmap_share_kind { SHARE_NONE, SHARE_KEY, SHARE_DEVICE };

struct devmap_share {
	struct devmap_share *sh_next; /* of its group */
	enum devmap_share_kind sh_kind;
	uintptr_t sh_key;    /* the driver's, or the device's number */
	uint32_t sh_members; /* at least one */
	uint64_t sh_id;	     /* never another's, from 1 on; never changes */
};

struct devmap_member {
	struct devmap_member *mb_next;
	struct devmap_group *mb_group;
	struct as *mb_as;
	struct devmap_share *mb_share; /* NULL: its process's own context; never changes */
	uint32_t mb_handles;
	uint32_t mb_loaded;	/* pages loaded over its handles; atomic */
	uint32_t mb_locked;	/* pages locked */
	uint32_t mb_lock_epoch; /* counts the times its locks were broken */
	uint32_t mb_waiting;	/* threads and postponed faults queued */
	struct devmap_member *mb_lock_next, **mb_lock_prev; /* of those with locks, waits.c */
	struct devmap_stats mb_stats;
};

struct devmap_group {
	struct devmap_group *g_next;
	uint32_t g_refs;
	dev_info_t *g_dip;
	int g_instance; /* of g_dip, for probes */
	void *g_key;	/* access function, or the driver's key */
	boolean_t g_keyed;
	boolean_t g_stays; /* has a reference of its own; groups_lock */
	boolean_t g_seen;  /* it has called devmap_do_ctxmgt(9F) */
	kmutex_t g_lock;
	struct arb g_arb;
	struct devmap_terms g_terms;
	struct devmap_member *g_members;
	struct devmap_share *g_shares;
	struct devmap_member *g_owner;	/* who made g_arb.owner that, or is there for it; or NULL */
	struct devmap_request *g_timer; /* the waiting thread that watches g_until ... */
	hrtime_t g_until;		/* ... the arbiter's next deadline */
	boolean_t g_ticking;		/* group_tick() is to come, and has a reference */
	kt_did_t g_turn_thread;		/* who is in devmap_contextmgt(9E); 0: nobody */
	boolean_t g_warned_unloaded;	/* C16 was said */
	char g_name[24];		/* the driver's */
	hrtime_t g_owned_since;
	hrtime_t g_turn_since;	    /* when the turn was given last */
	hrtime_t g_switching_since; /* until the new owner's thread is woken; 0: no more */
	struct devmap_stats g_stats;
	struct histogram g_wait_hist, g_switch_hist;
	uint64_t g_lock_pages_max; /* 0: no limit */
};

/* One request in a group, whoever waits in it. */
struct devmap_request {
	struct arb_req r_arb;
	struct devmap_member *r_member;
	kcondvar_t r_cv;
	hrtime_t r_since;	      /* queued at; 0: not */
	uint64_t r_waited;	      /* ns, when it got the turn; for probes */
	struct devmap_fault *r_fault; /* whose request it is, for release; may be NULL */
	struct devmap_group *r_group; /* whose ticket it has; only compared */
	struct devmap_request *r_wait_next, **r_wait_prev; /* the list of all waits, waits.c */
};

/* One devmap_unmap(9E), or several in a row, on the stack of core: gate.c. */
struct devmap_gate {
	struct devmap_gate *gt_next; /* of a_gates, while shut */
	const dev_info_t *gt_dip;    /* of the device; NULL: of all */
	boolean_t gt_shut;
};

/* One thread inside a driver's devmap_access(9E), on the stack of core. */
struct devmap_call {
	struct devmap_call *c_next;
	struct devmap_call *c_next_access; /* of a_accesses */
	struct devmap_handle *c_dh;
	struct devmap_request *c_req;
	kt_did_t c_thread;
	offset_t c_off;
	size_t c_len;
	uint_t c_type, c_rw;
	boolean_t c_loaded;	 /* devmap_load covered c_off on c_dh */
	boolean_t c_denied;	 /* devmap_load met a protection error */
	boolean_t c_granted;	 /* devmap_do_ctxmgt succeeded */
	boolean_t c_gone;	 /* devmap_load found the client's memory gone */
	boolean_t c_restart;	 /* what was asked for has changed; g_lock */
	boolean_t c_interrupted; /* its wait for the turn was interrupted */
	uint32_t c_newlocks;	 /* DEVMAP_LOCK: pages that it locks anew */
	uint32_t c_lock_epoch;	 /* the mb_lock_epoch that they are counted in */
	boolean_t c_locked;	 /* ... and the arbiter knows of them */
};

/*
 * One access, from the fault to its answer. The engine owns it and keeps one for each (process,
 * page) however many threads wait for that page; zero filled except for the inputs.
 */
struct devmap_fault {
	struct as *f_as;	 /* in */
	uintptr_t f_addr;	 /* in: the address accessed */
	uint_t f_rw;		 /* in: DEVMAP_READ, DEVMAP_WRITE or DEVMAP_EXEC */
	int f_error;		 /* out: errno-like, the driver's own value */
	int f_signal;		 /* out: SIGBUS or SIGSEGV */
	boolean_t f_granted;	 /* core's: granted, and not yet woken */
	boolean_t f_interrupted; /* core's: devmap_fault_interrupt() was called */
	/*
	 * in: the thread that faulted serves it itself (the kernel engine). It is never postponed,
	 * and when it takes a signal while it waits for its turn, or the engine ends the wait, or
	 * the page comes with another, the answer is DEVMAP_FAULT_DONE with f_again set: the
	 * signal's handler is to run, and if f is then given to devmap_fault() as it is, by any
	 * thread, for the same page, it keeps its place.
	 */
	boolean_t f_direct;
	boolean_t f_again;		 /* out, with f_direct only */
	struct devmap_request f_req;	 /* core's */
	struct devmap_group *f_group;	 /* core's: where it was postponed, held; or NULL */
	struct devmap_group *f_released; /* core's: which released it, held; or NULL */
	kt_did_t f_thread;		 /* core's: who serves it; a_lock; 0: nobody */
	/* core's, for C16; a_lock: */
	hrtime_t f_since; /* when its driver has loaded nothing for the first time; 0: never */
	hrtime_t f_due;	  /* it is not asked before */
	hrtime_t f_pause; /* the next one's length */
	boolean_t f_paused;
	struct devmap_fault *f_paused_next; /* of a_paused, while f_paused */
};

enum devmap_fault_result {
	DEVMAP_FAULT_DONE,	/* wake the threads: the access is to be tried again */
	DEVMAP_FAULT_FAILED,	/* deliver f_signal */
	DEVMAP_FAULT_POSTPONED, /* engine_release() comes, or has come already */
};

/* Before and after everything else. fini frees the quarantine; no handle may be left. */
void devmap_core_init(void);
void devmap_core_fini(void);

/* Address spaces. */
void devmap_as_keys_after(uint64_t key);
void devmap_as_init(struct as *as, pid_t pid, const char *comm);
/*
 * Unmaps everything; as may be freed afterwards. Waits for calls in progress on its behalf (their
 * waits are interrupted); postponed faults are given back through engine_release(), for the engine
 * to cancel. No devmap_fault(), devmap_mmap() ... may begin for as any more. (An engine that cannot
 * tell whether a thread is just about to call refuses new ones first, has those in progress end by
 * unmapping everything, waits for them, and then comes here.)
 */
void devmap_as_exit(struct as *as);

/* Memory. */
int devmap_memory_init(struct devmap_memory *m, const char *name, size_t len);
void devmap_memory_fini(struct devmap_memory *m); /* warns and detaches if handles are left */

/*
 * mmap(2): runs segmap(9E)/devmap(9E)/devmap_map(9E) and leaves an unpublished mapping in *out.
 * Then the engine makes room, has the client map its windows, and publishes, or unmaps it again.
 * maxprot is what the descriptor allows. Returns 0 or an errno for mmap.
 */
int devmap_mmap(struct as *as, dev_t dev, uintptr_t addr, size_t len, uint_t prot, uint_t maxprot,
		uint_t flags, offset_t off, void *file, cred_t *cred, struct devmap_mapping **out);
void devmap_publish(struct devmap_mapping *m);
void devmap_discard(struct devmap_mapping *m); /* an unpublished one: devmap_unmap and free */
/*
 * munmap(2) of a range: devmap_unmap(9E) for every handle in it. Always succeeds, except ENOMEM,
 * and then nothing was unmapped.
 */
int devmap_unmap_range(struct as *as, uintptr_t addr, size_t len);
/* The device is taken away: devmap_unmap(9E) for every handle of dip in as. */
void devmap_unmap_device(struct as *as, const dev_info_t *dip);
/*
 * mremap(2): the mapping [addr, addr + len) now stands at to. Translations are invalidated first.
 * Returns 0; EINVAL: that is not exactly one mapping.
 */
int devmap_move(struct as *as, uintptr_t addr, size_t len, uintptr_t to);
/*
 * fork(2): child, initialised and empty, gets a copy of every live mapping, published at once: the
 * engine must not let the child run before. Returns 0 or an errno, ENOMEM or EAGAIN; the child is
 * empty then.
 */
int devmap_dup_as(struct as *parent, struct as *child);

/* Accesses. */
enum devmap_fault_result devmap_fault(struct devmap_fault *f);
void devmap_fault_woken(struct devmap_fault *f);
/* The thread of a fault in progress took a signal: interrupts cv_wait_sig in its devmap_access. */
void devmap_fault_interrupt(struct devmap_fault *f);
/* The engine forgets a postponed fault (its process is gone). */
void devmap_fault_cancel(struct devmap_fault *f);
/* Does something with a page that needs no driver, while no unload can come between. access.c */
int devmap_if_loaded(struct as *as, uintptr_t addr, uint_t rw,
		     int (*fn)(struct devmap_handle *dh, pgcnt_t page, void *arg), void *arg);

/* mlock/munlock, devmap_lock/devmap_unlock: type is DEVMAP_LOCK or DEVMAP_UNLOCK. 0 or an errno. */
int devmap_lock_range(struct as *as, uintptr_t addr, size_t len, uint_t type, uint_t rw);
/* The operator's limits for locks of groups made from now on: ns and pages; 0: none. */
void devmap_set_lock_limits(hrtime_t ns, uint64_t pages);

/*
 * The operator's terms of an instance, for its turns and locks from now on. 0; EINVAL: no such terms; ENOMEM.
 */
int devmap_set_terms(dev_info_t *dip, const struct devmap_terms *t);
struct devmap_terms devmap_get_terms(const dev_info_t *dip);

/* An instance is detached: its groups, kept for their statistics, go. NULL: every instance. */
void devmap_instance_gone(dev_info_t *dip);
/*
 * Statistics: calls fn for every group, with g_lock held. fn copies, and calls nothing that sleeps.
 */
void devmap_each_group(void (*fn)(struct devmap_group *g, void *arg), void *arg);
uint64_t devmap_owned_ns(const struct devmap_group *g, hrtime_t now);
/* The number of the context that the member shares; 0: it is its process's own. g_lock held. */
static inline uint64_t devmap_member_share(const struct devmap_member *mb)
{
	return mb->mb_share != NULL ? mb->mb_share->sh_id : 0;
}

/* The same for the handle. a_lock held. */
static inline uint64_t devmap_share_of(const struct devmap_handle *dh)
{
	return dh->dh_member != NULL ? devmap_member_share(dh->dh_member) : 0;
}
/* Calls fn for every handle of as with a_lock held. */
void devmap_each_handle(struct as *as, void (*fn)(struct devmap_handle *dh, void *arg), void *arg);

#endif
