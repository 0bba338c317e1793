// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Threads that the DDI has for drivers (ddi/port.h). They have no caller: they serve nobody. */
#include "linux.h"

#include <linux/kthread.h>
#include <linux/sched/task.h>

struct port_thread {
	struct task_struct *task; /* held */
	void (*fn)(void *arg);
	void *arg;
};

static int thread_main(void *arg)
{
	struct port_thread *t = arg;

	t->fn(t->arg);
	return 0;
}

struct port_thread *port_thread_start(const char *name, void (*fn)(void *arg), void *arg)
{
	struct port_thread *t = port_alloc(sizeof(*t));

	if (t == NULL)
		return NULL;
	t->fn = fn;
	t->arg = arg;
	t->task = kthread_create(thread_main, t, "%s", name);
	if (IS_ERR(t->task)) {
		port_free(t);
		return NULL;
	}
	get_task_struct(t->task);
	wake_up_process(t->task);
	return t;
}

/*
 * kthread_stop() waits for the end, and makes waits end early before it, which those of condition
 * variables may do. A thread that has not begun has nothing to do any more when it is joined.
 */
void port_thread_join(struct port_thread *t)
{
	(void)kthread_stop(t->task);
	put_task_struct(t->task);
	port_free(t);
}
