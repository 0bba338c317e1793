/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * taskq(9F), ddi_taskq_create(9F). Threads begin when there is a task and none of them is free, up to
 * tq->most, and end with the queue. tq->lock guards all of it, and is not held while a task runs.
 */
#include <sys/kmem.h>
#include <sys/systm.h>
#include <sys/taskq.h>

#include "ddi.h"
#include "port.h"

#define THREADS_MOST 64 /* of a queue, whatever its maker says */
#define SYSTEM_NAME  "system_taskq"

struct task {
	struct task *next;
	task_func_t *func;
	void *arg;
};

struct worker {
	struct worker *next;
	struct taskq *tq;
	struct port_thread *thread;
	kt_did_t did; /* 0: it has not begun */
};

struct taskq {
	char name[TASKQ_NAMELEN + 1];
	int most, tasks_most;
	kmutex_t lock;
	kcondvar_t more; /* tasks, or a reason to end */
	kcondvar_t less; /* tasks wait, or run */
	struct task *first, **last;
	struct worker *workers;
	int nworkers, nfree, nrun, ntasks; /* ntasks: wait or run */
	bool suspended, ending;
};

static taskq_t the_system_taskq = { .name = SYSTEM_NAME,
				    .most = THREADS_MOST,
				    .tasks_most = INT32_MAX,
				    .last = &the_system_taskq.first };
taskq_t *system_taskq = &the_system_taskq;

static struct task *pop_task(taskq_t *tq)
{
	struct task *t = tq->first;

	ASSERT(MUTEX_HELD(&tq->lock));
	tq->first = t->next;
	if (tq->first == NULL)
		tq->last = &tq->first;
	return t;
}

/* tq->lock is held, and let go of meanwhile. */
static void run_one(taskq_t *tq)
{
	struct task *t = pop_task(tq);

	tq->nrun++;
	mutex_exit(&tq->lock);
	t->func(t->arg);
	kmem_free(t, sizeof(*t));
	mutex_enter(&tq->lock);
	tq->nrun--;
	tq->ntasks--;
	cv_broadcast(&tq->less);
}

static void work(void *arg)
{
	struct worker *w = arg;
	taskq_t *tq = w->tq;

	mutex_enter(&tq->lock);
	w->did = ddi_get_kt_did();
	while (!tq->ending) {
		if (tq->first != NULL && !tq->suspended) {
			run_one(tq);
			continue;
		}
		tq->nfree++;
		cv_wait(&tq->more, &tq->lock);
		tq->nfree--;
	}
	mutex_exit(&tq->lock);
}

/* tq->lock is held. A thread for a task that no thread is free for. False: there is none at all. */
static bool enlist(taskq_t *tq)
{
	struct worker *w;

	ASSERT(MUTEX_HELD(&tq->lock));
	if (tq->nworkers >= tq->most || tq->nworkers - tq->nrun >= tq->ntasks - tq->nrun)
		return true;
	w = kmem_zalloc(sizeof(*w), KM_NOSLEEP);
	if (w != NULL) {
		w->tq = tq;
		w->thread = port_thread_start(tq->name, work, w);
		if (w->thread == NULL) {
			kmem_free(w, sizeof(*w));
		} else {
			w->next = tq->workers;
			tq->workers = w;
			tq->nworkers++;
		}
	}
	return tq->nworkers > 0;
}

taskq_t *taskq_create(const char *name, int nthreads, pri_t pri, int minalloc, int maxalloc,
		      uint_t flags)
{
	taskq_t *tq = kmem_zalloc(sizeof(*tq), KM_SLEEP);

	(void)pri;
	(void)minalloc;
	(void)snprintf(tq->name, sizeof(tq->name), "%.*s", TASKQ_NAMELEN, name);
	if (flags & TASKQ_THREADS_CPU_PCT)
		nthreads /= 25;
	tq->most = nthreads < 1 ? 1 : nthreads > THREADS_MOST ? THREADS_MOST : nthreads;
	tq->tasks_most = maxalloc < 1 ? INT32_MAX : maxalloc;
	tq->last = &tq->first;
	mutex_init(&tq->lock, NULL, MUTEX_DRIVER, NULL);
	cv_init(&tq->more, NULL, CV_DRIVER, NULL);
	cv_init(&tq->less, NULL, CV_DRIVER, NULL);
	return tq;
}

taskq_t *taskq_create_instance(const char *name, int instance, int nthreads, pri_t pri,
			       int minalloc, int maxalloc, uint_t flags)
{
	char text[TASKQ_NAMELEN + 1];

	(void)snprintf(text, sizeof(text), "%.19s_%d", name, instance);
	return taskq_create(text, nthreads, pri, minalloc, maxalloc, flags);
}

int taskq_member(taskq_t *tq, kthread_t *thread)
{
	struct worker *w;

	mutex_enter(&tq->lock);
	for (w = tq->workers; w != NULL && w->did != (kt_did_t)(uintptr_t)thread; w = w->next)
		;
	mutex_exit(&tq->lock);
	return w != NULL;
}

/* A task would wait for itself: a message, and true. */
static bool is_own_task(taskq_t *tq, const void *site, const char *call)
{
	if (!taskq_member(tq, curthread))
		return false;
	driver_mistake(site, call, "%s: called by a task of the same queue", tq->name);
	return true;
}

/* All tasks have run; with `running` only those that had begun. */
static void drain(taskq_t *tq, bool running)
{
	mutex_enter(&tq->lock);
	while (running ? tq->nrun > 0 : tq->ntasks > 0)
		cv_wait(&tq->less, &tq->lock);
	mutex_exit(&tq->lock);
}

/* Its threads end. Nobody else uses it. */
static void dismiss(taskq_t *tq)
{
	struct worker *w;

	mutex_enter(&tq->lock);
	tq->ending = true;
	cv_broadcast(&tq->more);
	mutex_exit(&tq->lock);
	while ((w = tq->workers) != NULL) {
		tq->workers = w->next;
		port_thread_join(w->thread);
		kmem_free(w, sizeof(*w));
	}
}

static void destroy(taskq_t *tq, const void *site, const char *call)
{
	if (tq == NULL || tq == system_taskq || is_own_task(tq, site, call))
		return;
	taskq_resume(tq);
	drain(tq, false);
	dismiss(tq);
	cv_destroy(&tq->more);
	cv_destroy(&tq->less);
	mutex_destroy(&tq->lock);
	kmem_free(tq, sizeof(*tq));
}

void taskq_destroy(taskq_t *tq)
{
	destroy(tq, CALL_SITE(), "taskq_destroy");
}

void taskqs_fini(void)
{
	drain(system_taskq, false);
	dismiss(system_taskq);
}

/* tq->lock is held, and let go of meanwhile. False: the queue is full. */
static bool make_room(taskq_t *tq, uint_t flags)
{
	if (flags & TQ_NOQUEUE && tq->ntasks >= tq->most)
		return false;
	if (tq->ntasks < tq->tasks_most)
		return true;
	if (flags & (TQ_NOSLEEP | TQ_NOALLOC))
		return false;
	(void)cv_reltimedwait(&tq->less, &tq->lock, hz, TR_CLOCK_TICK);
	return true;
}

static void put(taskq_t *tq, struct task *t, bool front)
{
	ASSERT(MUTEX_HELD(&tq->lock));
	t->next = NULL;
	if (front) {
		t->next = tq->first;
		tq->first = t;
		if (t->next == NULL)
			tq->last = &t->next;
	} else {
		*tq->last = t;
		tq->last = &t->next;
	}
	tq->ntasks++;
}

/* There is no thread for it, which is the last in the queue, or the first, and the only one. */
static void take_back(taskq_t *tq)
{
	(void)pop_task(tq);
	tq->ntasks--;
}

taskqid_t taskq_dispatch(taskq_t *tq, task_func_t func, void *arg, uint_t flags)
{
	const bool may_sleep = !(flags & (TQ_NOSLEEP | TQ_NOALLOC));
	struct task *t = kmem_zalloc(sizeof(*t), may_sleep ? KM_SLEEP : KM_NOSLEEP);
	bool done;

	if (t == NULL)
		return 0;
	t->func = func;
	t->arg = arg;
	mutex_enter(&tq->lock);
	done = make_room(tq, flags);
	if (done) {
		put(tq, t, flags & TQ_FRONT);
		while (!(done = enlist(tq)) && may_sleep)
			(void)cv_reltimedwait(&tq->less, &tq->lock, 1, TR_CLOCK_TICK);
		if (done)
			cv_signal(&tq->more);
		else
			take_back(tq);
	}
	mutex_exit(&tq->lock);
	if (!done)
		kmem_free(t, sizeof(*t));
	return done ? (taskqid_t)t : 0;
}

void taskq_wait(taskq_t *tq)
{
	if (!is_own_task(tq, CALL_SITE(), "taskq_wait"))
		drain(tq, false);
}

static void suspend(taskq_t *tq, const void *site, const char *call)
{
	if (is_own_task(tq, site, call))
		return;
	mutex_enter(&tq->lock);
	tq->suspended = true;
	mutex_exit(&tq->lock);
	drain(tq, true);
}

void taskq_suspend(taskq_t *tq)
{
	suspend(tq, CALL_SITE(), "taskq_suspend");
}

int taskq_suspended(taskq_t *tq)
{
	int suspended;

	mutex_enter(&tq->lock);
	suspended = tq->suspended;
	mutex_exit(&tq->lock);
	return suspended;
}

void taskq_resume(taskq_t *tq)
{
	mutex_enter(&tq->lock);
	tq->suspended = false;
	cv_broadcast(&tq->more);
	mutex_exit(&tq->lock);
}

void nulltask(void *arg)
{
	(void)arg;
}

/* The same, as the DDI documents it. */

ddi_taskq_t *ddi_taskq_create(dev_info_t *dip, const char *name, int nthreads, pri_t pri,
			      uint_t cflags)
{
	char text[TASKQ_NAMELEN + 1];

	(void)cflags;
	(void)snprintf(text, sizeof(text), "%.15s_%.15s",
		       dip != NULL ? ddi_instance_of(dip)->name : "", name);
	return taskq_create(dip != NULL ? text : name, nthreads, pri, 0, 0, 0);
}

void ddi_taskq_destroy(ddi_taskq_t *tq)
{
	destroy(tq, CALL_SITE(), "ddi_taskq_destroy");
}

int ddi_taskq_dispatch(ddi_taskq_t *tq, void (*func)(void *arg), void *arg, uint_t dflags)
{
	return taskq_dispatch(tq, func, arg, dflags & DDI_NOSLEEP ? TQ_NOSLEEP : TQ_SLEEP) != 0 ?
		       DDI_SUCCESS :
		       DDI_FAILURE;
}

void ddi_taskq_wait(ddi_taskq_t *tq)
{
	if (!is_own_task(tq, CALL_SITE(), "ddi_taskq_wait"))
		drain(tq, false);
}

void ddi_taskq_suspend(ddi_taskq_t *tq)
{
	suspend(tq, CALL_SITE(), "ddi_taskq_suspend");
}

boolean_t ddi_taskq_suspended(ddi_taskq_t *tq)
{
	return taskq_suspended(tq) ? B_TRUE : B_FALSE;
}

void ddi_taskq_resume(ddi_taskq_t *tq)
{
	taskq_resume(tq);
}
