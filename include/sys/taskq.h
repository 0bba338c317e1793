/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sys/taskq.h: queues of functions that threads of the engine call. taskq(9F). The driver's own
 * functions of them, ddi_taskq_create(9F) and its relatives, are in sys/sunddi.h. A task serves no
 * process.
 */
#ifndef DEVMAP_SYS_TASKQ_H
#define DEVMAP_SYS_TASKQ_H

#include <sys/types.h>
#include <sys/thread.h>

typedef struct taskq taskq_t;
typedef uintptr_t taskqid_t;
typedef void(task_func_t)(void *arg);

#define TASKQ_NAMELEN 31

/* flags of taskq_create(). There is no difference but that of THREADS_CPU_PCT: threads are made when
 * they are wanted, nthreads at most. */
#define TASKQ_PREPOPULATE     0x0001
#define TASKQ_CPR_SAFE	      0x0002
#define TASKQ_DYNAMIC	      0x0004
#define TASKQ_THREADS_CPU_PCT 0x0008 /* nthreads is a percentage; of four CPUs here */
#define TASKQ_DC_BATCH	      0x0010

/* flags of taskq_dispatch() */
#define TQ_SLEEP   0x00 /* waits for memory, and while there are maxalloc tasks for up to a second */
#define TQ_NOSLEEP 0x01
#define TQ_NOQUEUE 0x02 /* only if a thread is free */
#define TQ_NOALLOC 0x04 /* the same as TQ_NOSLEEP */
#define TQ_FRONT   0x08 /* before all others */

extern taskq_t *system_taskq;

/* pri and minalloc are hints that nobody follows. Never NULL. */
taskq_t *taskq_create(const char *name, int nthreads, pri_t pri, int minalloc, int maxalloc,
		      uint_t flags);
taskq_t *taskq_create_instance(const char *name, int instance, int nthreads, pri_t pri,
			       int minalloc, int maxalloc, uint_t flags);
void taskq_destroy(taskq_t *tq); /* when all tasks have run */
/* 0: it was not put into the queue. */
taskqid_t taskq_dispatch(taskq_t *tq, task_func_t func, void *arg, uint_t flags);
void taskq_wait(taskq_t *tq);	 /* until all tasks have run */
void taskq_suspend(taskq_t *tq); /* waits for those that run; no others begin until taskq_resume() */
int taskq_suspended(taskq_t *tq);
void taskq_resume(taskq_t *tq);
int taskq_member(taskq_t *tq, kthread_t *thread); /* non-zero: it is one of the queue's */
void nulltask(void *arg);			  /* does nothing */

#endif /* DEVMAP_SYS_TASKQ_H */
