/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sys/types.h: the integer, device, time and lock types of the DDI. Intro(9F), Intro(9S).
 *
 * Found before libc's header of the same name, which it includes first. What differs between the
 * user engine and the Linux kernel is gathered here: <devmap/linux_types.h> is the kernel's half.
 */
#ifndef DEVMAP_SYS_TYPES_H
#define DEVMAP_SYS_TYPES_H

#include <sys/isa_defs.h>

#ifdef __KERNEL__
#include <devmap/linux_types.h>
#else
#include_next <sys/types.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <pthread.h>

/* libc hides them from strict ISO C. */
typedef char *caddr_t;
typedef int daddr_t;

/*
 * Lock types, for sys/ksynch.h. They are complete here because drivers embed them in structures
 * that they declare after this header alone. All of them are valid, unlocked and without waiters
 * when filled with zeros: drivers take soft state from ddi_soft_state_zalloc() and some never call
 * mutex_init(). The members belong to the engine.
 */
typedef struct kmutex {
	pthread_mutex_t lock;
	_Atomic(uintptr_t) owner; /* the thread that holds it, 0: nobody; for mutex_owned() */
} kmutex_t;

/* Not a pthread_cond_t: a wait must end from outside, without the mutex, when a signal comes. */
typedef struct kcondvar {
	_Atomic(uint32_t) seq; /* a futex: changes with every wake-up */
	_Atomic(uint32_t) waiters;
} kcondvar_t;

/* Not a pthread_rwlock_t: that can be neither downgraded nor upgraded. */
typedef struct krwlock {
	pthread_mutex_t lock; /* guards the rest */
	pthread_cond_t cv;    /* count, or writers, has changed */
	int count;	      /* readers inside; -1: a writer */
	unsigned int writers; /* writers that wait; new readers let them go first */
	uintptr_t owner;      /* the writing thread, 0: none */
} krwlock_t;
#endif /* __KERNEL__ */

typedef struct ksema {
	kmutex_t lock; /* guards the next two */
	unsigned int count;
	unsigned int waiters;
	kcondvar_t cv; /* count has grown */
} ksema_t;

typedef unsigned char uchar_t;
typedef unsigned short ushort_t;
typedef unsigned int uint_t;
typedef unsigned long ulong_t;
typedef long long longlong_t;
typedef unsigned long long u_longlong_t;

typedef enum { B_FALSE = 0, B_TRUE = 1 } boolean_t;

typedef uint32_t major_t;
typedef uint32_t minor_t;

typedef longlong_t offset_t; /* bytes; always 64 bits, signed */
typedef u_longlong_t u_offset_t;
typedef longlong_t hrtime_t; /* nanoseconds */

/* Members of structures that are wider than their names once said. */
typedef union lloff {
	offset_t _f;
} lloff_t;
typedef union lldaddr {
	longlong_t _f;
} lldaddr_t;
typedef unsigned short o_dev_t;

typedef ulong_t pfn_t;	 /* page frame number */
typedef ulong_t pgcnt_t; /* number of pages */
typedef long spgcnt_t;

typedef short pri_t;

typedef uint64_t kt_did_t; /* a thread, see ddi_get_kt_did(9F) */

/* Opaque: only the engine looks inside. */
typedef struct cred cred_t;
typedef struct proc proc_t;
typedef struct vnode vnode_t;
typedef struct devmap_timeout *timeout_id_t; /* 0: none, see timeout(9F) */

#endif /* DEVMAP_SYS_TYPES_H */
