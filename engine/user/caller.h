/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * On whose behalf this thread calls into a driver. The server sets a caller around every call of a
 * driver entry point; ddi_copyin(9F), ddi_get_pid(9F), cv_wait_sig(9F) and the core's
 * engine_current() read it. A driver's own threads have none.
 */
#ifndef DEVMAP_ENGINE_USER_CALLER_H
#define DEVMAP_ENGINE_USER_CALLER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/cred.h>

struct as;

struct client_memory {
	/* Copies between the requesting thread's memory and buf. Return 0 or -EFAULT. */
	int (*in)(void *arg, uintptr_t from, void *buf, size_t len);
	int (*out)(void *arg, const void *buf, uintptr_t to, size_t len);
	void *arg;
};

struct caller {
	struct as *as; /* NULL: a process without mappings */
	pid_t pid;
	/* Finds as and pid, for whoever asks first; NULL: they are there. */
	void (*identify)(struct caller *c);
	cred_t *cred;
	const struct client_memory *memory; /* NULL: none (faults, dup, unmap): copies fail */
	bool resuming; /* what is done had been done before, for an engine that has died */
	/*
	 * Interruption of cv_wait_sig and friends. `interrupted` is set by caller_interrupt() from
	 * any thread; the thread's current interruptible wait, or its next one if it is in none,
	 * returns 0 and clears it: one interruption ends one wait, so that whoever tries again can
	 * wait again.
	 */
	atomic_bool interrupted;
	void *waiting_on; /* ddi_cv.c's: the wait to be woken */
};

/* The caller of this thread, or NULL. */
struct caller *caller_get(void);
/* The same, and it is known who he is: as and pid hold. */
struct caller *caller_known(void);
/* Makes c (may be NULL) the caller of this thread; returns the previous one. */
struct caller *caller_set(struct caller *c);
/* Ends the interruptible wait that the thread with this caller is in or begins next. */
void caller_interrupt(struct caller *c);
/* The same by thread id as ddi_get_kt_did(9F) gives it (for engine_interrupt()). */
void caller_interrupt_thread(uint64_t kt_did);

/*
 * For ddi_cv.c: this thread is about to wait on cv for c, having counted itself as a waiter.
 * False: do not, there was an interruption. Every true is followed by caller_wait_end(), before cv
 * may go away; it says whether there was an interruption meanwhile. Either clears the interruption
 * that it tells of.
 */
bool caller_wait_begin(struct caller *c, kcondvar_t *cv);
bool caller_wait_end(struct caller *c);

#endif
