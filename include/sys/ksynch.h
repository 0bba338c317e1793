/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sys/ksynch.h: mutexes, condition variables, readers/writer locks, semaphores. mutex(9F),
 * condvar(9F), rwlock(9F), semaphore(9F). The types themselves are in sys/types.h.
 *
 * name and arg of the *_init functions are ignored, and so is type. Times in ticks are clock_t at
 * hz per second.
 */
#ifndef DEVMAP_SYS_KSYNCH_H
#define DEVMAP_SYS_KSYNCH_H

#include <sys/types.h>
#include <sys/callo.h>

/* mutex(9F) */

typedef enum {
	MUTEX_ADAPTIVE = 0,
	MUTEX_SPIN = 1,
	MUTEX_DRIVER = 4,
	MUTEX_DEFAULT = 6
} kmutex_type_t;

void mutex_init(kmutex_t *mp, const char *name, kmutex_type_t type, void *arg);
void mutex_destroy(kmutex_t *mp);
void mutex_enter(kmutex_t *mp);
void mutex_exit(kmutex_t *mp);
int mutex_tryenter(kmutex_t *mp);    /* non-zero: entered; 0: somebody holds it */
int mutex_owned(const kmutex_t *mp); /* non-zero: the calling thread holds it */

#define MUTEX_HELD(mp)	   (mutex_owned(mp))
#define MUTEX_NOT_HELD(mp) (!mutex_owned(mp))

/* condvar(9F) */

typedef enum { CV_DEFAULT, CV_DRIVER } kcv_type_t;

/* How exact a relative wait must be: a hint, which the engine need not follow. */
typedef enum { TR_NANOSEC, TR_MICROSEC, TR_MILLISEC, TR_SEC, TR_CLOCK_TICK, TR_COUNT } time_res_t;

void cv_init(kcondvar_t *cvp, const char *name, kcv_type_t type, void *arg);
void cv_destroy(kcondvar_t *cvp);
void cv_signal(kcondvar_t *cvp);
void cv_broadcast(kcondvar_t *cvp);

/*
 * All waits release mp, which the caller holds, and hold it again when they return. They may return
 * early: test the condition again.
 *
 * cv_wait_sig() returns 0 when a signal is pending for the process served, non-zero otherwise.
 * The timed waits return the ticks that were left (at least 1), -1 when the time had passed, and
 * those with _sig 0 for a signal. timeout is absolute, as ddi_get_lbolt() counts; delta relative.
 */
void cv_wait(kcondvar_t *cvp, kmutex_t *mp);
int cv_wait_sig(kcondvar_t *cvp, kmutex_t *mp);
clock_t cv_timedwait(kcondvar_t *cvp, kmutex_t *mp, clock_t timeout);
clock_t cv_timedwait_sig(kcondvar_t *cvp, kmutex_t *mp, clock_t timeout);
clock_t cv_reltimedwait(kcondvar_t *cvp, kmutex_t *mp, clock_t delta, time_res_t res);
clock_t cv_reltimedwait_sig(kcondvar_t *cvp, kmutex_t *mp, clock_t delta, time_res_t res);

/*
 * tim in nanoseconds: from now with flag 0, a moment of gethrtime() with CALLOUT_FLAG_ABSOLUTE. res
 * (nanoseconds) is how late it may be. Returns -1 when the time had passed, otherwise more than 0.
 */
clock_t cv_timedwait_hires(kcondvar_t *cvp, kmutex_t *mp, hrtime_t tim, hrtime_t res, int flag);
/* The same, which a signal ends: 0. */
clock_t cv_timedwait_sig_hires(kcondvar_t *cvp, kmutex_t *mp, hrtime_t tim, hrtime_t res, int flag);

/* rwlock(9F) */

typedef enum { RW_WRITER, RW_READER } krw_t;
typedef enum { RW_DRIVER = 2, RW_DEFAULT = 4 } krw_type_t;

void rw_init(krwlock_t *rwlp, const char *name, krw_type_t type, void *arg);
void rw_destroy(krwlock_t *rwlp);
void rw_enter(krwlock_t *rwlp, krw_t enter_type);
void rw_exit(krwlock_t *rwlp);
int rw_tryenter(krwlock_t *rwlp, krw_t enter_type); /* non-zero: entered */
void rw_downgrade(krwlock_t *rwlp);		    /* writer to reader, never waits */
int rw_tryupgrade(krwlock_t *rwlp);		    /* non-zero: the reader is now the writer */
int rw_read_locked(krwlock_t *rwlp);		    /* non-zero: held for reading */
int rw_write_held(krwlock_t *rwlp);		    /* non-zero: the caller is the writer */
int rw_lock_held(krwlock_t *rwlp);		    /* non-zero: somebody holds it */

#define RW_READ_HELD(rwlp)  (rw_read_locked(rwlp))
#define RW_WRITE_HELD(rwlp) (rw_write_held(rwlp))
#define RW_LOCK_HELD(rwlp)  (rw_lock_held(rwlp))

/* semaphore(9F) */

typedef enum { SEMA_DEFAULT, SEMA_DRIVER } ksema_type_t;

void sema_init(ksema_t *sp, uint_t val, const char *name, ksema_type_t type, void *arg);
void sema_destroy(ksema_t *sp);
void sema_p(ksema_t *sp);
int sema_p_sig(ksema_t *sp); /* 0: taken; 1: a signal came first */
int sema_tryp(ksema_t *sp);  /* non-zero: taken */
void sema_v(ksema_t *sp);

#ifdef __KERNEL__
#include <devmap/linux_ksynch.h>
#endif

#endif /* DEVMAP_SYS_KSYNCH_H */
