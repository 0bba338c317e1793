/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * An engine for tests of the core: processes, page tables and device memory are played in plain
 * memory, client threads are pthreads. And a driver whose behaviour each test chooses.
 *
 * What the engine checks on its own: a page is valid in one process only, or in those of one share
 * (C17, X5), loads and unloads stay inside their handle, only loaded pages are unloaded, all memory is freed with the size that
 * it was allocated with, devmap_access(9E) and devmap_unmap(9E) of a process and device exclude each
 * other (C27). A violation aborts the test.
 */
#ifndef FAKE_ENGINE_H
#define FAKE_ENGINE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <signal.h>
#include <pthread.h>
#include <unistd.h>
#include <cmocka.h>

#include <sys/types.h>
#include <sys/param.h>
#include <sys/mman.h>
#include <sys/conf.h>
#include <sys/sunddi.h>
#include "core.h"

#define BASE  0x100000UL /* where tests map */
#define SPACE 4096	 /* pages of an address space that tests use, from 0 */
#define P(n)  ((size_t)(n)*PAGESIZE)
#define MS    1000000LL
#define DEV   ((dev_t)0x1234)
#define DEV2  ((dev_t)0x2234) /* another instance */

struct fake_memory {
	struct devmap_memory m;
	size_t len;
	_Atomic uint32_t *data;	 /* one word for each page */
	struct fake_memory *own; /* of trash: what processes have instead */
	const struct as *as;	 /* ... and of that: whose it is */
};

struct fake_process {
	struct as as;
	struct fake_process *next;
	boolean_t dying;
	unsigned busy;			  /* threads in devmap_fault() */
	_Atomic int inside[2], ending[2]; /* devmap_access(9E), devmap_unmap(9E), of each device */
	struct {
		struct fake_memory *mem; /* NULL: not valid */
		size_t page;
		uint64_t share; /* through a handle of this; 0: of its own context */
	} table[SPACE];
};

/* Life of the engine. fini checks that nothing is left. */
void fake_init(void);
void fake_fini(void);

struct fake_memory *fake_memory_new(const char *name, size_t len);
void fake_memory_free(struct fake_memory *mem);
extern struct fake_memory *fake_regs[4]; /* what engine_regs() finds */

struct fake_process *fake_process_new(pid_t pid);
void fake_process_exit(struct fake_process *p);
/* The calling thread works for p from now on (NULL: for nobody). */
void fake_enter(struct fake_process *p);

/* mmap(2) at addr and publish. Returns 0 or an errno. */
int fake_mmap(struct fake_process *p, uintptr_t addr, size_t len, uint_t prot, uint_t flags,
	      offset_t off);
int fake_mmap_dev(struct fake_process *p, dev_t dev, uintptr_t addr, size_t len);
/* mmap(2) as most tests want it: n pages from offset 0 at BASE, shared, read and write. */
void fake_map(struct fake_process *p, size_t n);
/*
 * A load or store, by a thread of p. Returns 0, or the signal that it gets; *error is then f_error.
 * fn, if not NULL, runs with the page valid and nothing moving: it is the instruction.
 */
int fake_access(struct fake_process *p, uintptr_t addr, uint_t rw, int *error,
		void (*fn)(_Atomic uint32_t *word, void *arg), void *arg);
int fake_touch(struct fake_process *p, uintptr_t addr);
/* An instruction that needs two pages at once. */
int fake_access2(struct fake_process *p, uintptr_t a, uintptr_t b);
boolean_t fake_valid(struct fake_process *p, uintptr_t addr);
/* Forget translations behind the core's back, as a page table may. */
void fake_reclaim(struct fake_process *p, uintptr_t addr);
/* A signal for every thread of p that waits in a fault. */
void fake_signal(struct fake_process *p);
size_t fake_waiting(void); /* faults that are postponed */
void fake_sleep(hrtime_t ns);

/* Messages of cmn_err() since the last call of fake_messages_clear(). */
boolean_t fake_said(const char *part);
void fake_messages_clear(void);

/*
 * Let the n-th allocation from now on that may fail do so (0: none). Returns those counted before.
 */
unsigned fake_fail_alloc(unsigned n);
#define FAKE_UNSET INT32_MIN
extern _Atomic int
	fake_retry_unloaded;  /* the property devmap-retry-unloaded: FAKE_UNSET, or 0 after setup */
extern boolean_t fake_share;  /* the property devmap-share */
extern boolean_t fake_direct; /* threads serve their own faults, as in a kernel */
extern _Atomic int fake_agains; /* faults that left for a signal, with f_again */
extern int fake_handles;	/* handles that the engine knows */

/* The driver. */

struct drv_ctx { /* private data: one for each handle */
	struct drv_ctx *next;
	devmap_cookie_t dhp;
	offset_t off;
	size_t len;
	pid_t pid;
	void *share; /* the key; NULL: the process's own */
};

struct drv_unmap { /* one devmap_unmap(9E) */
	devmap_cookie_t dhp, new1, new2;
	offset_t off;
	size_t len;
};

struct drv {
	/* devmap(9E) */
	size_t piece;  /* bytes of a handle, 0: all */
	size_t maplen; /* other *maplen than what is set up, if set_maplen */
	boolean_t set_maplen, no_setup, setup_twice;
	boolean_t share_early; /* devmap(9E) sets share_key, not devmap_map(9E) */
	int devmap_error;
	uint_t rnumber, maxprot, flags;
	offset_t shift;		  /* added to the offset in the registers */
	struct fake_memory *umem; /* devmap_umem_setup() of this instead */
	struct devmap_callback_ctl ops;
	boolean_t no_ops;
	/* the others */
	hrtime_t hold;
	void *group_key, *share_key;
	uint_t overhead;
	int map_error_at; /* the n-th devmap_map(9E) fails, counted from 1 */
	int dup_error_at, dup_error;
	/* instead of drv_ctxmgt; and what that begins with */
	int (*access)(devmap_cookie_t, void *, offset_t, size_t, uint_t, uint_t);
	int (*in_ctxmgt)(devmap_cookie_t, void *, offset_t, size_t, uint_t, uint_t);
	void (*in_unmap)(devmap_cookie_t dhp, offset_t off, size_t len);
	void (*in_dup)(devmap_cookie_t dhp, devmap_cookie_t new_dhp);
	/* what happened */
	_Atomic int maps, accesses, dups, unmaps, ctxmgts;
	_Atomic int inside, overlaps; /* of devmap_contextmgt(9E): C5 */
	struct drv_unmap last;
	kmutex_t lock;
	struct drv_ctx *ctxs;
};

extern struct drv drv;
extern struct cb_ops drv_cb;

int drv_ctxmgt(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len, uint_t type, uint_t rw);
int drv_access(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len, uint_t type, uint_t rw);
/* The first live handle of p at or after addr. */
struct devmap_handle *drv_handle(struct fake_process *p, uintptr_t addr);

int fake_setup(void **state); /* for cmocka: engine, 64 pages of registers */
int fake_teardown(void **state);

#endif
