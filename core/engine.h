/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What the core asks of an engine. Everything else it needs is a DDI primitive (mutex, cv, kmem,
 * time), which engines provide anyway because drivers need them.
 *
 * An engine calls the core through core.h and implements the functions below.
 */
#ifndef DEVMAP_CORE_ENGINE_H
#define DEVMAP_CORE_ENGINE_H

#include <sys/types.h>
#include <sys/sunddi.h>
#include <sys/conf.h>

struct as;
struct devmap_handle;
struct devmap_memory;
struct devmap_fault;

/*
 * Make pages [first, first + n) of the handle's own pages valid: on return an access through the
 * handle meets the memory, except that the thread whose fault is being served is not woken yet.
 * Pages already valid are left as they are. Called with the memory's lock held; the core has taken
 * the pages from any other owner's handles; other handles of the same owner may have them valid, in
 * other processes too if they share a context (devmap_share_of()). Returns 0 or an errno: ESRCH the process is gone, ENOENT its
 * mapping is; anything else is the client's or the engine's trouble and fails the access.
 */
int engine_load(struct devmap_handle *dh, pgcnt_t first, pgcnt_t n);

/*
 * Make them invalid: on return no CPU can use an old translation of these pages through the handle,
 * and whatever the process wrote is in the device memory. Other handles may lose theirs too: those
 * that the core still records as loaded come back through engine_load() without a driver call.
 * Called with the memory's lock held. Never fails; works on dead and stopped processes.
 */
void engine_unload(struct devmap_handle *dh, pgcnt_t first, pgcnt_t n);

/* The address space on whose behalf this thread works, or NULL (a driver's own thread). */
struct as *engine_current(void);

/*
 * A postponed fault has come to the head of its queue: have a thread call devmap_fault() again, or,
 * if nobody waits for the page any more, devmap_fault_cancel(). Not from here: called with g_lock,
 * and perhaps a_lock, held, and sometimes before the devmap_fault() that postpones it has returned.
 * Every released fault must come back in one of the two ways, or those behind it in the queue are
 * stuck.
 */
void engine_release(struct devmap_fault *f);

/*
 * A signal came for the thread of a fault in progress on this address space: cv_wait_sig() of the
 * thread that serves it returns 0. Set by core when a wait has to end (unmap, exit).
 *
 * It stays pending until a wait has returned 0 for it, or until the thread leaves devmap_fault() or
 * devmap_lock_range(): the engine then forgets it. Called with a_lock held.
 */
void engine_interrupt(kt_did_t server);

/*
 * A handle begins or ends to exist (also by fork and by a split), so that the engine can keep its
 * own record in dh->dh_engine, and hold dh->dh_mapping->m_file. dh_memory is NULL for a handle set
 * up with DEVMAP_MAPPING_INVALID. At init of a copy (fork, split) dh_engine is that of the
 * original. init may be called with a_lock held; it returns 0 or an errno, which fails the setup.
 * fini is called after the handle's last devmap_unmap(9E), with no core lock held.
 *
 * remap: behind the handle will be m (NULL: nothing) from roff on, instead of dh_memory and
 * dh_roff, which still say what was. Nothing is loaded. a_lock is held. Returns 0, or an errno and
 * nothing has changed.
 */
int engine_handle_init(struct devmap_handle *dh);
void engine_handle_fini(struct devmap_handle *dh);
/*
 * After init, and before the handle is live: devmap_share_of() is another now. Nothing is loaded.
 * a_lock is held. Returns 0 or an errno, and then it will be what it was.
 */
int engine_handle_share(struct devmap_handle *dh);
int engine_handle_remap(struct devmap_handle *dh, struct devmap_memory *m, offset_t roff);

/* For messages: the name of the driver whose code this is, or "devmap". size is that of name. */
void driver_of_code(const void *code, char *name, size_t size);

/* Who serves dev: its cb_ops, dev_info and name. Returns 0 or ENXIO. */
struct engine_driver {
	struct cb_ops *cb;
	dev_info_t *dip;
	const char *name; /* for messages: "xfb" */
};
int engine_driver(dev_t dev, struct engine_driver *out);

/*
 * An entry point that is NULL, nulldev(9F) or nodev(9F) is absent, everywhere; so is a callback of
 * devmap_callback_ctl(9S). fn is cast to void *: without a prototype the two fit any slot, and only
 * their addresses matter here.
 */
static inline boolean_t entry_absent(const void *fn)
{
	return fn == NULL || fn == (const void *)nulldev || fn == (const void *)nodev ? B_TRUE :
											B_FALSE;
}

/*
 * The device memory behind a register set or a cookie, and its length in bytes; NULL if there is
 * none.
 */
struct devmap_memory *engine_regs(dev_info_t *dip, uint_t rnumber, size_t *len);
struct devmap_memory *engine_umem(ddi_umem_cookie_t cookie, size_t *len);
/* The page frame at that offset of registers; (pfn_t)-1: it has none. mem_lock is not held. */
pfn_t engine_pfn(const struct devmap_memory *m, offset_t off);
/*
 * What a handle of as stands on, instead of the memory of a cookie that was allocated with
 * DDI_UMEM_TRASH: memory of the same length, the process's own until engine_trash_end() is called or
 * the cookie freed. Called with one address space's a_lock held, for one thread of as at a time.
 * NULL: there is no memory, or the cookie has been freed.
 */
struct devmap_memory *engine_trash(ddi_umem_cookie_t cookie, struct as *as);
/* as, which has no handle any more, is about to end: what it had of that kind is freed. */
void engine_trash_end(struct as *as);
/* ... and nobody may come across it any more. */
void engine_as_end(struct as *as);

#endif
