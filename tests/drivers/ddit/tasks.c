/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Queues of tasks, and who may do what. */
#define DEVMAP_MODULE_PART
#include "check.h"

#include <sys/policy.h>
#include <sys/proc.h>
#include <sys/taskq.h>

static struct {
	kmutex_t lock; /* guards what follows */
	kcondvar_t changed;
	int n;		/* tasks that have run */
	int order;	/* their numbers, as digits */
	int inside;	/* run now */
	int most;	/* did so at once */
	boolean_t open; /* those that wait may end */
} ran;

static void begin(void)
{
	mutex_enter(&ran.lock);
	ran.n = ran.order = ran.inside = ran.most = 0;
	ran.open = B_FALSE;
	mutex_exit(&ran.lock);
}

static void note(void *arg)
{
	mutex_enter(&ran.lock);
	ran.n++;
	ran.order = 10 * ran.order + (int)(intptr_t)arg;
	cv_broadcast(&ran.changed);
	mutex_exit(&ran.lock);
}

/* Stays until let_go(). */
static void stay(void *arg)
{
	mutex_enter(&ran.lock);
	if (++ran.inside > ran.most)
		ran.most = ran.inside;
	cv_broadcast(&ran.changed);
	while (!ran.open)
		cv_wait(&ran.changed, &ran.lock);
	ran.inside--;
	mutex_exit(&ran.lock);
	note(arg);
}

static void let_go(void)
{
	mutex_enter(&ran.lock);
	ran.open = B_TRUE;
	cv_broadcast(&ran.changed);
	mutex_exit(&ran.lock);
}

static void await_inside(int n)
{
	mutex_enter(&ran.lock);
	while (ran.inside < n)
		cv_wait(&ran.changed, &ran.lock);
	mutex_exit(&ran.lock);
}

static int order(void)
{
	int value;

	mutex_enter(&ran.lock);
	value = ran.order;
	mutex_exit(&ran.lock);
	return value;
}

#define NUMBER(n) ((void *)(intptr_t)(n))

void check_tasks_order(struct check *c)
{
	ddi_taskq_t *tq = ddi_taskq_create(c->dip, "order", 1, TASKQ_DEFAULTPRI, 0);
	taskq_t *front;

	CHECK(c, tq != NULL);
	begin();
	CHECK_EQ(c, ddi_taskq_dispatch(tq, stay, NUMBER(1), DDI_SLEEP), DDI_SUCCESS);
	for (int i = 2; i < 6; i++)
		CHECK_EQ(c, ddi_taskq_dispatch(tq, note, NUMBER(i), DDI_NOSLEEP), DDI_SUCCESS);
	CHECK_EQ(c, order(), 0);
	let_go();
	ddi_taskq_wait(tq);
	CHECK_EQ(c, order(), 12345);
	ddi_taskq_destroy(tq);
	begin();
	front = taskq_create("front", 1, 60, 1, INT32_MAX, TASKQ_PREPOPULATE);
	(void)taskq_dispatch(front, stay, NUMBER(1), TQ_SLEEP);
	await_inside(1);
	CHECK(c, taskq_dispatch(front, note, NUMBER(2), TQ_SLEEP) != 0);
	CHECK(c, taskq_dispatch(front, note, NUMBER(3), TQ_SLEEP | TQ_FRONT) != 0);
	CHECK(c, taskq_dispatch(front, note, NUMBER(4), TQ_SLEEP | TQ_FRONT) != 0);
	CHECK(c, taskq_dispatch(front, note, NUMBER(5), TQ_SLEEP) != 0);
	let_go();
	taskq_wait(front);
	CHECK_EQ(c, order(), 14325);
	taskq_destroy(front);
}

void check_tasks_beside(struct check *c)
{
	taskq_t *tq = taskq_create_instance("beside", 7, 3, 60, 1, 100, TASKQ_DYNAMIC);

	begin();
	for (int i = 0; i < 5; i++)
		(void)taskq_dispatch(tq, stay, NUMBER(1), TQ_SLEEP);
	await_inside(3);
	let_go();
	taskq_wait(tq);
	CHECK_EQ(c, ran.n, 5);
	CHECK_EQ(c, ran.most, 3);
	taskq_destroy(tq);
}

void check_tasks_suspend(struct check *c)
{
	ddi_taskq_t *tq = ddi_taskq_create(NULL, "suspend", 2, TASKQ_DEFAULTPRI, 0);

	begin();
	CHECK(c, !ddi_taskq_suspended(tq));
	ddi_taskq_suspend(tq);
	CHECK(c, ddi_taskq_suspended(tq));
	(void)ddi_taskq_dispatch(tq, note, NUMBER(1), DDI_SLEEP);
	delay(20); /* it would have run by now */
	CHECK_EQ(c, order(), 0);
	ddi_taskq_resume(tq);
	CHECK(c, !ddi_taskq_suspended(tq));
	ddi_taskq_wait(tq);
	CHECK_EQ(c, order(), 1);
	ddi_taskq_destroy(tq);
}

void check_tasks_limits(struct check *c)
{
	taskq_t *tq = taskq_create("limits", 1, 60, 1, 2, 0);

	begin();
	CHECK(c, taskq_dispatch(tq, stay, NUMBER(1), TQ_NOQUEUE) != 0);
	await_inside(1);
	CHECK(c, taskq_dispatch(tq, note, NUMBER(2), TQ_NOQUEUE | TQ_NOSLEEP) == 0);
	CHECK(c, taskq_dispatch(tq, note, NUMBER(3), TQ_NOSLEEP) != 0);
	CHECK(c, taskq_dispatch(tq, note, NUMBER(4), TQ_NOSLEEP) == 0);
	CHECK(c, taskq_dispatch(tq, note, NUMBER(5), TQ_NOALLOC) == 0);
	let_go();
	taskq_wait(tq);
	CHECK_EQ(c, order(), 13);
	taskq_destroy(tq);
}

void check_tasks_drain(struct check *c)
{
	taskq_t *tq = taskq_create("drain", 2, 60, 1, INT32_MAX, 0);

	begin();
	for (int i = 0; i < 100; i++)
		(void)taskq_dispatch(tq, note, NUMBER(0), TQ_SLEEP);
	taskq_suspend(tq);
	taskq_destroy(tq);
	CHECK_EQ(c, ran.n, 100);
	taskq_destroy(NULL);
}

static void who(void *arg)
{
	if (ddi_get_pid() == 0 && curproc == NULL && taskq_member(system_taskq, curthread))
		note(NUMBER(7));
	else
		note(NUMBER(8));
}

void check_tasks_system(struct check *c)
{
	begin();
	CHECK(c, taskq_dispatch(system_taskq, who, NULL, TQ_SLEEP) != 0);
	taskq_wait(system_taskq);
	CHECK_EQ(c, order(), 7);
	CHECK(c, !taskq_member(system_taskq, curthread));
	nulltask(c);
}

static taskq_t *own;

static void wait_for_oneself(void *arg)
{
	taskq_wait(own); /* messages, all three */
	taskq_suspend(own);
	taskq_destroy(own);
	note(arg);
}

void check_tasks_mistakes(struct check *c)
{
	own = taskq_create("mistakes", 1, 60, 1, INT32_MAX, 0);
	begin();
	(void)taskq_dispatch(own, wait_for_oneself, NUMBER(6), TQ_SLEEP);
	taskq_wait(own);
	CHECK_EQ(c, order(), 6);
	CHECK(c, !taskq_suspended(own));
	taskq_destroy(own);
}

static void ask(void *arg)
{
	cred_t *system = ddi_get_cred();

	note(NUMBER(secpolicy_sys_config(system, B_FALSE) == 0 && secpolicy_gart_map(system) == 0 &&
		    secpolicy_net_config(system, B_TRUE) == 0));
}

void check_policy(struct check *c)
{
	taskq_t *tq = taskq_create("policy", 1, 60, 1, 1, 0);

	begin();
	(void)taskq_dispatch(tq, ask, NULL, TQ_SLEEP);
	taskq_wait(tq);
	taskq_destroy(tq);
	CHECK_EQ(c, order(), 1);
	CHECK_EQ(c, secpolicy_basic_fork(CRED()), 0);
	CHECK_EQ(c, secpolicy_sys_devices(CRED()) == 0, drv_priv(CRED()) == 0);
	CHECK_EQ(c, secpolicy_modctl(CRED(), 1), drv_priv(CRED()));
}
