/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Which driver calls mod_install(9F) is known by the thread: driver_call() runs its _init(9E). */
#include "devinfo.h"

static _Thread_local struct driver *calling;

int driver_call(struct driver *d, int (*entry)(void))
{
	int result;

	calling = d;
	result = entry();
	calling = NULL;
	return result;
}

struct ddi_driver *port_calling(void)
{
	return calling != NULL ? ddi_driver_of(calling) : NULL;
}

bool port_uninstall(struct ddi_driver *ddi)
{
	struct driver *d = (struct driver *)ddi;

	for (int i = 0; i < d->ninstances; i++)
		if (d->instances[i]->attached)
			return false;
	d->ops = NULL;
	return true;
}
