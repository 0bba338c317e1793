/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Accesses to pages that are not valid: from the fault to its answer. The cheap answers first; the
 * driver is called only when there is nothing else.
 */
#include "internal.h"

static enum devmap_fault_result fail(struct devmap_fault *f, int signal, int error)
{
	f->f_signal = signal;
	f->f_error = error;
	f->f_granted = B_FALSE; /* there is nothing to rest on */
	return DEVMAP_FAULT_FAILED;
}

/* What a load that did not go through the driver means for the fault. */
static enum devmap_fault_result loaded_result(struct devmap_fault *f, int error)
{
	switch (error) {
	case 0:
	case ESRCH:  /* the client, or its mapping, is gone: */
	case ENOENT: /* nobody waits, or the next try finds out */
		return DEVMAP_FAULT_DONE;
	case ENXIO: /* DEVMAP_MAPPING_INVALID */
		return fail(f, SIGSEGV, EFAULT);
	default:
		return fail(f, SIGBUS, error);
	}
}

/*
 * C16: devmap_access(9E) wants to be asked again: it returned EINTR, or 0 and the page is not
 * loaded. As judge(). a_lock held.
 */
static boolean_t ask_again(struct devmap_fault *f, struct devmap_handle *dh, int value,
			   enum devmap_fault_result *result)
{
	struct devmap_group *g = dh->dh_member->mb_group;

	if (retry_left(f, dh))
		return B_FALSE;
	if (value == 0 && !__atomic_exchange_n(&g->g_warned_unloaded, B_TRUE, __ATOMIC_RELAXED))
		cmn_err(CE_WARN,
			"%s: devmap_access: returned 0 but did not load offset 0x%llx in %d ms (of "
			"the property devmap-retry-unloaded)",
			dh->dh_name, dh->dh_off + (offset_t)(f->f_addr - dh->dh_uvaddr),
			retry_ms(dh));
	*result = fail(f, SIGBUS, value != 0 ? value : EFAULT);
	return B_TRUE;
}

/*
 * devmap_access(9E) has returned value. Returns B_FALSE if the fault is to be tried again from the
 * start. a_lock held; the handle is still pinned by c.
 */
static boolean_t judge(struct devmap_fault *f, struct devmap_call *c, int value,
		       boolean_t *forgiven, enum devmap_fault_result *result)
{
	struct devmap_handle *dh = c->c_dh;
	pgcnt_t page = PAGES(c->c_off - dh->dh_off);

	ASSERT(MUTEX_HELD(&f->f_as->a_lock));
	f->f_granted = c->c_granted;
	if (value == 0) {
		*result = DEVMAP_FAULT_DONE;
		if (c->c_loaded || c->c_gone || handle_loaded(dh, page))
			return B_TRUE;
		if (c->c_restart) {
			*forgiven = B_TRUE;
			return f->f_direct;
		}
		if (!c->c_denied)
			return ask_again(f, dh, 0, result);
		*result = fail(f, SIGSEGV, EACCES);
		return B_TRUE;
	}
	/* So that the access really fails, and nothing stays valid of a switch that failed. */
	if (c->c_loaded)
		handle_unload(dh, 0, PAGES(dh->dh_len));
	*result = DEVMAP_FAULT_DONE;
	if (c->c_restart || c->c_interrupted) {
		/*
		 * handle_close() interrupts too, and its interruption may still be to come. A
		 * thread that serves itself leaves, and the interruption is forgotten then.
		 */
		*forgiven = c->c_restart;
		f->f_again = f->f_direct;
		return f->f_again;
	}
	/*
	 * The driver's own cv_wait_sig() was interrupted. A second signal may have come between the
	 * first one's end and now, so one EINTR more is forgiven.
	 */
	if (value == EINTR && (f->f_interrupted || *forgiven)) {
		*forgiven = f->f_interrupted;
		f->f_interrupted = B_FALSE;
		return B_FALSE;
	}
	if (value == EINTR && !c->c_gone && !c->c_denied)
		return ask_again(f, dh, value, result);
	*result = c->c_gone ? DEVMAP_FAULT_DONE : fail(f, c->c_denied ? SIGSEGV : SIGBUS, value);
	return B_TRUE;
}

/* Have the driver answer. a_lock held, but not across the driver. As judge(). */
static boolean_t ask_driver(struct devmap_fault *f, struct devmap_handle *dh, boolean_t *forgiven,
			    enum devmap_fault_result *result)
{
	struct as *as = f->f_as;
	struct devmap_call c;
	boolean_t answered;
	int value;

	ASSERT(MUTEX_HELD(&as->a_lock));
	bzero(&c, sizeof(c));
	c.c_off = dh->dh_off + (offset_t)((f->f_addr - dh->dh_uvaddr) & (uintptr_t)PAGEMASK);
	c.c_len = PAGESIZE;
	c.c_type = DEVMAP_ACCESS;
	c.c_rw = f->f_rw;
	c.c_req = &f->f_req;
	access_begin(&c, dh);
	f->f_thread = c.c_thread;
	mutex_exit(&as->a_lock);
	value = dh->dh_ops.devmap_access(dh, dh->dh_seen.dh_pvtp, c.c_off, c.c_len, c.c_type,
					 c.c_rw);
	DEVMAP_PROBE(access, PROBE_OF(dh), c.c_off, c.c_len, c.c_type, c.c_rw, value);
	mutex_enter(&as->a_lock);
	f->f_thread = 0;
	answered = judge(f, &c, errno_of(value), forgiven, result);
	access_end(&c);
	return answered;
}

/* The group that released f, if any, need not wait for it any more. No g_lock held. */
static void settle(struct devmap_fault *f)
{
	struct devmap_group *g = f->f_released;

	if (g == NULL)
		return;
	f->f_released = NULL;
	group_answered(g, f);
	group_rele(g);
}

/*
 * The driver is not to be asked yet: f waits in the way given. As try_fault(), and B_FALSE after
 * the wait. The group that released f need not wait for it, but f keeps its ticket.
 */
static boolean_t wait_by(enum devmap_fault_result (*how)(struct devmap_fault *f),
			 struct devmap_fault *f, enum devmap_fault_result *result)
{
	settle(f);
	*result = how(f);
	return *result == DEVMAP_FAULT_POSTPONED || f->f_again ? B_TRUE : B_FALSE;
}

/* One try. a_lock held. Returns B_FALSE if there has to be another. */
static boolean_t try_fault(struct devmap_fault *f, boolean_t *forgiven,
			   enum devmap_fault_result *result)
{
	struct devmap_handle *dh = as_handle(f->f_as, f->f_addr);
	int error;

	ASSERT(MUTEX_HELD(&f->f_as->a_lock));
	if (dh == NULL) {
		*result = fail(f, SIGSEGV, EFAULT);
		return B_TRUE;
	}
	if (dh->dh_flags & DH_CLOSING)
		return wait_by(pause_until_open, f, result);
	if (prot_of_rw(f->f_rw) & ~dh->dh_maxprot) {
		*result = fail(f, SIGSEGV, EACCES);
		return B_TRUE;
	}
	error = handle_reload(dh, PAGES(f->f_addr - dh->dh_uvaddr));
	if (error != EAGAIN) {
		*result = loaded_result(f, error);
		return B_TRUE;
	}
	if (gate_is_shut(f->f_as, dh->dh_dip))
		return wait_by(pause_until_open, f, result);
	if (f->f_due != 0 && gethrtime() < f->f_due)
		return wait_by(pause_fault, f, result);
	if (dh->dh_member->mb_group != f->f_released)
		settle(f); /* another mapping is there by now */
	if (!member_admit(dh->dh_member, f)) {
		*result = DEVMAP_FAULT_POSTPONED;
		return B_TRUE;
	}
	return ask_driver(f, dh, forgiven, result);
}

/*
 * Answer an access to a page that is not valid. The engine calls it for each fault, and again for
 * one that was postponed and released; engine_current() is f_as meanwhile. May sleep for long;
 * takes no lock with it into the driver.
 *
 * Returns what is to be done with the threads that wait for the page; DEVMAP_FAULT_FAILED with
 * f_signal and f_error set. Nothing is waited for once that is decided. After DEVMAP_FAULT_DONE and
 * DEVMAP_FAULT_FAILED, devmap_fault_woken() is to be called when it has been done.
 * DEVMAP_FAULT_POSTPONED: f may be another thread's already.
 */
enum devmap_fault_result devmap_fault(struct devmap_fault *f)
{
	enum devmap_fault_result result;
	struct as *as = f->f_as;
	boolean_t forgiven = B_FALSE;

	if (f->f_group != NULL)
		group_recall(f->f_group, f);
	mutex_enter(&as->a_lock);
	pause_recall(f);
	as->a_users++;
	f->f_released = f->f_group;
	f->f_group = NULL;
	f->f_granted = B_FALSE;
	f->f_again = B_FALSE;
	while (!try_fault(f, &forgiven, &result))
		;
	if (result != DEVMAP_FAULT_POSTPONED && !f->f_again) {
		f->f_interrupted = B_FALSE;
		f->f_req.r_arb.ticket = 0;
		f->f_req.r_since = 0;
		retry_end(f);
	}
	as_left(as);
	mutex_exit(&as->a_lock);
	return result;
}

/* The rest of what was granted begins (C8). */
static void begin_rest(struct devmap_fault *f)
{
	struct as *as = f->f_as;
	struct devmap_handle *dh;

	mutex_enter(&as->a_lock);
	dh = as_handle(as, f->f_addr);
	if (dh != NULL && dh->dh_member != NULL)
		member_woken(dh->dh_member);
	mutex_exit(&as->a_lock);
}

/*
 * The threads of a fault that was answered have been woken, or their signals sent. Only now is
 * anything settled for others: an answer is never held back. (An engine that has to do more before
 * such a thread really has the page may call this again then.)
 */
void devmap_fault_woken(struct devmap_fault *f)
{
	if (f->f_granted)
		begin_rest(f);
	settle(f);
}

/*
 * A thread that waits for the page took a signal. The wait of devmap_access(9E) ends with EINTR;
 * the fault is then tried again, and keeps its place in the queue.
 */
void devmap_fault_interrupt(struct devmap_fault *f)
{
	struct as *as = f->f_as;

	mutex_enter(&as->a_lock);
	f->f_interrupted = B_TRUE;
	if (f->f_thread != 0)
		engine_interrupt(f->f_thread);
	mutex_exit(&as->a_lock);
}

/*
 * The engine forgets a fault that was postponed, released or not, since nobody waits for the page
 * any more. Not while devmap_fault() runs for it. engine_release() cannot come after this.
 */
void devmap_fault_cancel(struct devmap_fault *f)
{
	struct devmap_group *group = f->f_group;

	if (f->f_paused) {
		mutex_enter(&f->f_as->a_lock);
		pause_recall(f);
		mutex_exit(&f->f_as->a_lock);
	}
	if (group == NULL)
		return;
	f->f_group = NULL;
	group_recall(group, f);
	group_answered(group, f);
	group_rele(group);
}

/* Does an access to the page need no driver? mem_lock held. */
static boolean_t handle_open_to(const struct devmap_handle *dh, pgcnt_t page)
{
	ASSERT(MUTEX_HELD(&dh->dh_memory->mem_lock));
	return bit_test(dh->dh_loaded, page) ||
	       (dh->dh_member == NULL && (dh->dh_flags & DEVMAP_ALLOW_REMAP) == 0);
}

/*
 * For an engine that makes pages valid when they are touched, not in engine_load(): calls fn with
 * the handle of addr and the index of its page, if accesses of kind rw need no driver: because the
 * page is recorded as loaded, or never intercepted at all (C23). mem_lock is held meanwhile, so
 * that no unload comes between the look at the record and what fn does.
 *
 * Returns what fn did, 0 or an errno; or EAGAIN: devmap_fault() has to be called; EFAULT: there is
 * no handle; EACCES: the driver does not allow rw.
 */
int devmap_if_loaded(struct as *as, uintptr_t addr, uint_t rw,
		     int (*fn)(struct devmap_handle *dh, pgcnt_t page, void *arg), void *arg)
{
	struct devmap_memory *m;
	struct devmap_handle *dh;
	int error;

	mutex_enter(&as->a_lock);
	dh = as_handle(as, addr);
	m = dh != NULL ? dh->dh_memory : NULL;
	if (dh == NULL) {
		error = EFAULT;
	} else if (prot_of_rw(rw) & ~dh->dh_maxprot) {
		error = EACCES;
	} else if (m == NULL) {
		error = EAGAIN;
	} else {
		mutex_enter(&m->mem_lock);
		error = handle_open_to(dh, PAGES(addr - dh->dh_uvaddr)) ?
				fn(dh, PAGES(addr - dh->dh_uvaddr), arg) :
				EAGAIN;
		mutex_exit(&m->mem_lock);
	}
	mutex_exit(&as->a_lock);
	return error;
}
