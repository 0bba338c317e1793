/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sys/kstat.h: statistics that a driver keeps, and that `devmap list --json` shows beside those of
 * the engine. kstat(9S), kstat_create(9F), kstat_queue(9F).
 *
 * They are shown with the nodes of the instance that a kstat names, of the driver that has made it.
 * ks_update and ks_snapshot are called with ks_lock held, by a thread that serves no process. While
 * one does not return what is shown is the last that was seen. Nobody writes: rw is always
 * KSTAT_READ.
 */
#ifndef DEVMAP_SYS_KSTAT_H
#define DEVMAP_SYS_KSTAT_H

#include <sys/types.h>
#include <sys/types32.h>
#include <sys/time.h>
#include <sys/ksynch.h>

typedef int kid_t;

#define KSTAT_STRLEN 31 /* with its NUL */

typedef struct kstat {
	hrtime_t ks_crtime; /* when it was made */
	struct kstat *ks_next;
	kid_t ks_kid;
	char ks_module[KSTAT_STRLEN];
	uchar_t ks_resv;
	int ks_instance;
	char ks_name[KSTAT_STRLEN];
	uchar_t ks_type; /* KSTAT_TYPE_ */
	char ks_class[KSTAT_STRLEN];
	uchar_t ks_flags; /* KSTAT_FLAG_ */
	void *ks_data;	  /* of a KSTAT_FLAG_VIRTUAL the driver's, set before kstat_install() */
	uint_t ks_ndata;
	size_t ks_data_size; /* bytes */
	hrtime_t ks_snaptime;
	int (*ks_update)(struct kstat *ksp, int rw); /* brings ks_data up to date: 0, or an errno */
	void *ks_private;			     /* the driver's */
	/* Copies ks_data into buf, of ks_data_size bytes; by default, bcopy(9F). */
	int (*ks_snapshot)(struct kstat *ksp, void *buf, int rw);
	void *ks_lock; /* NULL, or the kmutex_t that guards ks_data */
} kstat_t;

#define KSTAT_TYPE_RAW	       0 /* ndata bytes: shown in hexadecimal, the first 4096 */
#define KSTAT_TYPE_NAMED       1 /* ndata of kstat_named_t */
#define KSTAT_TYPE_INTR	       2 /* a kstat_intr_t */
#define KSTAT_TYPE_IO	       3 /* a kstat_io_t */
#define KSTAT_TYPE_TIMER       4 /* ndata of kstat_timer_t */
#define KSTAT_NUM_TYPES	       5

#define KSTAT_FLAG_VIRTUAL     0x01 /* kstat_create() allocates no data */
#define KSTAT_FLAG_VAR_SIZE    0x02 /* ks_update may change ks_ndata and ks_data_size */
#define KSTAT_FLAG_WRITABLE    0x04 /* without an effect */
#define KSTAT_FLAG_PERSISTENT  0x08 /* kstat_delete() keeps the data for the next kstat_create() */
#define KSTAT_FLAG_DORMANT     0x10 /* such a one, between the two */
#define KSTAT_FLAG_INVALID     0x20 /* kstat_install() has not been called */
#define KSTAT_FLAG_LONGSTRINGS 0x40 /* without an effect */

#define KSTAT_READ	       0
#define KSTAT_WRITE	       1

typedef struct kstat_named {
	char name[KSTAT_STRLEN];
	uchar_t data_type; /* KSTAT_DATA_ */
	union {
		char c[16];
		int32_t i32;
		uint32_t ui32;
		struct {
			union {
				char *ptr;
				caddr32_t ptr32;
				char __pad[8];
			} addr;
			uint32_t len; /* with the NUL */
		} str;
		int64_t i64;
		uint64_t ui64;
		long l;
		ulong_t ul;
		longlong_t ll;
		u_longlong_t ull;
		float f;
		double d;
	} value;
} kstat_named_t;

#define KSTAT_DATA_CHAR	     0
#define KSTAT_DATA_INT32     1
#define KSTAT_DATA_UINT32    2
#define KSTAT_DATA_INT64     3
#define KSTAT_DATA_UINT64    4
#define KSTAT_DATA_FLOAT     5 /* these two are shown as null */
#define KSTAT_DATA_DOUBLE    6
#define KSTAT_DATA_LONG	     7
#define KSTAT_DATA_ULONG     8
#define KSTAT_DATA_STRING    9
#define KSTAT_DATA_LONGLONG  KSTAT_DATA_INT64
#define KSTAT_DATA_ULONGLONG KSTAT_DATA_UINT64

#define KSTAT_INTR_HARD	     0
#define KSTAT_INTR_SOFT	     1
#define KSTAT_INTR_WATCHDOG  2
#define KSTAT_INTR_SPURIOUS  3
#define KSTAT_INTR_MULTSVC   4
#define KSTAT_NUM_INTRS	     5

typedef struct kstat_intr {
	uint_t intrs[KSTAT_NUM_INTRS];
} kstat_intr_t;

/* Times are nanoseconds; *lentime is the sum of length times duration. */
typedef struct kstat_io {
	u_longlong_t nread; /* bytes */
	u_longlong_t nwritten;
	uint_t reads;
	uint_t writes;
	hrtime_t wtime; /* with something in the wait queue */
	hrtime_t wlentime;
	hrtime_t wlastupdate;
	hrtime_t rtime; /* with something in the run queue */
	hrtime_t rlentime;
	hrtime_t rlastupdate;
	uint_t wcnt; /* lengths */
	uint_t rcnt;
} kstat_io_t;

typedef struct kstat_timer {
	char name[KSTAT_STRLEN];
	uchar_t resv;
	u_longlong_t num_events;
	hrtime_t elapsed_time;
	hrtime_t min_time;
	hrtime_t max_time;
	hrtime_t start_time;
	hrtime_t stop_time;
} kstat_timer_t;

#define KSTAT_NAMED_PTR(kptr)	      ((kstat_named_t *)(kptr)->ks_data)
#define KSTAT_INTR_PTR(kptr)	      ((kstat_intr_t *)(kptr)->ks_data)
#define KSTAT_IO_PTR(kptr)	      ((kstat_io_t *)(kptr)->ks_data)
#define KSTAT_TIMER_PTR(kptr)	      ((kstat_timer_t *)(kptr)->ks_data)
#define KSTAT_NAMED_STR_PTR(knptr)    ((knptr)->value.str.addr.ptr)
#define KSTAT_NAMED_STR_BUFLEN(knptr) ((knptr)->value.str.len)
#define KSTAT_UPDATE(ksp, rw)	      (*(ksp)->ks_update)((ksp), (rw))
#define KSTAT_SNAPSHOT(ksp, buf, rw)  (*(ksp)->ks_snapshot)((ksp), (buf), (rw))
#define KSTAT_ENTER(k)                                         \
	do {                                                   \
		if ((k)->ks_lock != NULL)                      \
			mutex_enter((kmutex_t *)(k)->ks_lock); \
	} while (0)
#define KSTAT_EXIT(k)                                         \
	do {                                                  \
		if ((k)->ks_lock != NULL)                     \
			mutex_exit((kmutex_t *)(k)->ks_lock); \
	} while (0)

/*
 * kstat_create(9F). name NULL or empty: module and instance, written together. ndata is 1 for
 * KSTAT_TYPE_INTR and KSTAT_TYPE_IO. NULL: there is one of that module, instance and name, there is
 * no memory, or (with a message) the arguments fit no kstat.
 */
kstat_t *kstat_create(const char *module, int instance, const char *name, const char *class,
		      uchar_t type, uint_t ndata, uchar_t flags);
void kstat_install(kstat_t *ksp); /* from now on it is shown */
/* Waits for a ks_update of it that runs. ks_lock is not held. NULL: nothing. */
void kstat_delete(kstat_t *ksp);
void kstat_delete_byname(const char *module, int instance, const char *name);

void kstat_named_init(kstat_named_t *knp, const char *name, uchar_t data_type); /* value: zeros */
/* Of a KSTAT_DATA_STRING; src stays where it is. NULL: none, of length 0. */
void kstat_named_setstr(kstat_named_t *knp, const char *src);
void kstat_set_string(char *dst, const char *src); /* cut off at KSTAT_STRLEN */

void kstat_timer_init(kstat_timer_t *ktp, const char *name);
void kstat_timer_start(kstat_timer_t *ktp);
void kstat_timer_stop(kstat_timer_t *ktp);

/* kstat_queue(9F). The caller holds what guards the kstat. */
void kstat_waitq_enter(kstat_io_t *kiop);
void kstat_waitq_exit(kstat_io_t *kiop);
void kstat_runq_enter(kstat_io_t *kiop);
void kstat_runq_exit(kstat_io_t *kiop);
void kstat_waitq_to_runq(kstat_io_t *kiop);
void kstat_runq_back_to_waitq(kstat_io_t *kiop);

#endif /* DEVMAP_SYS_KSTAT_H */
