/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* semaphore(9F). sp->lock guards count and waiters. */
#include <sys/ksynch.h>

#include "ddi.h"

void sema_init(ksema_t *sp, uint_t val, const char *name, ksema_type_t type, void *arg)
{
	(void)name;
	(void)type;
	(void)arg;
	mutex_init(&sp->lock, NULL, MUTEX_DRIVER, NULL);
	cv_init(&sp->cv, NULL, CV_DRIVER, NULL);
	sp->count = val;
	sp->waiters = 0;
}

void sema_destroy(ksema_t *sp)
{
	bool awaited;

	mutex_enter(&sp->lock);
	awaited = sp->waiters != 0;
	mutex_exit(&sp->lock);
	if (awaited) {
		driver_mistake(CALL_SITE(), "sema_destroy", "a thread waits on %p", (void *)sp);
		return;
	}
	cv_destroy(&sp->cv);
	mutex_destroy(&sp->lock);
}

/* Returns 0, or 1 for an interruption, if those end the wait. */
static int sema_take(ksema_t *sp, bool sig)
{
	int interrupted = 0;

	mutex_enter(&sp->lock);
	sp->waiters++;
	while (sp->count == 0 && !interrupted) {
		if (sig)
			interrupted = cv_wait_sig(&sp->cv, &sp->lock) == 0;
		else
			cv_wait(&sp->cv, &sp->lock);
	}
	sp->waiters--;
	if (!interrupted)
		sp->count--;
	mutex_exit(&sp->lock);
	return interrupted;
}

void sema_p(ksema_t *sp)
{
	(void)sema_take(sp, false);
}

int sema_p_sig(ksema_t *sp)
{
	return sema_take(sp, true);
}

int sema_tryp(ksema_t *sp)
{
	bool taken;

	mutex_enter(&sp->lock);
	taken = sp->count > 0;
	if (taken)
		sp->count--;
	mutex_exit(&sp->lock);
	return taken;
}

/* Signalled under the lock: who takes it next may free it. */
void sema_v(ksema_t *sp)
{
	mutex_enter(&sp->lock);
	sp->count++;
	cv_signal(&sp->cv);
	mutex_exit(&sp->lock);
}
