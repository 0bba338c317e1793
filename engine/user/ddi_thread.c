/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Threads that the DDI has for drivers (ddi/port.h). They have no caller: they serve nobody. */
#include <pthread.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include "devinfo.h"

struct port_thread {
	pthread_t id;
	char name[16];
	void (*fn)(void *arg);
	void *arg;
};

static void *thread_main(void *arg)
{
	struct port_thread *t = arg;

	(void)prctl(PR_SET_NAME, t->name);
	t->fn(t->arg);
	return NULL;
}

struct port_thread *port_thread_start(const char *name, void (*fn)(void *arg), void *arg)
{
	struct port_thread *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	(void)snprintf(t->name, sizeof(t->name), "%s", name);
	t->fn = fn;
	t->arg = arg;
	if (pthread_create(&t->id, NULL, thread_main, t) != 0) {
		free(t);
		return NULL;
	}
	return t;
}

void port_thread_join(struct port_thread *t)
{
	(void)pthread_join(t->id, NULL);
	free(t);
}
