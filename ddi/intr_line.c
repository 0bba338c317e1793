/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Threads that call handlers: of a model's interrupts, and of soft ones. */
#include "intr.h"
#include "port.h"

kmutex_t intr_lock;

uint_t handler_call(const struct handler *h)
{
	return h->old != NULL ? h->old(h->arg1) : h->fn(h->arg1, h->arg2);
}

static void line_loop(void *arg)
{
	struct line *l = arg;
	struct handler h;

	mutex_enter(&intr_lock);
	l->did = ddi_get_kt_did();
	while (!l->ending) {
		if (!l->raised) {
			cv_wait(&l->cv, &intr_lock);
			continue;
		}
		l->raised = false;
		h = l->handler;
		mutex_exit(&intr_lock);
		(void)handler_call(&h);
		mutex_enter(&intr_lock);
	}
	mutex_exit(&intr_lock);
}

bool line_start(struct line *l, const char *name)
{
	cv_init(&l->cv, NULL, CV_DRIVER, NULL);
	l->ending = false;
	l->did = 0;
	l->thread = port_thread_start(name, line_loop, l);
	return l->thread != NULL;
}

void line_stop(struct line *l)
{
	mutex_enter(&intr_lock);
	l->ending = true;
	cv_broadcast(&l->cv);
	mutex_exit(&intr_lock);
	port_thread_join(l->thread);
	cv_destroy(&l->cv);
	l->thread = NULL;
	l->raised = false;
}

bool line_is_own(struct line *l, const void *site, const char *call)
{
	bool own;

	mutex_enter(&intr_lock);
	own = l->thread != NULL && l->did == ddi_get_kt_did();
	mutex_exit(&intr_lock);
	if (own)
		driver_mistake(site, call, "called by the handler that it would wait for");
	return own;
}

void line_raise(struct line *l)
{
	ASSERT(MUTEX_HELD(&intr_lock));
	l->raised = true;
	cv_broadcast(&l->cv);
}
