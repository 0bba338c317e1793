// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Which driver calls mod_install(9F) is known by the thread: driver_call() runs its _init(9E). */
#include "linux.h"

static void driver_calling(struct driver *d, struct task_struct *task)
{
	mutex_lock(&drivers_lock);
	d->calling = task;
	mutex_unlock(&drivers_lock);
}

int driver_call(struct driver *d, int (*entry)(void))
{
	int result;

	driver_calling(d, current);
	result = entry();
	driver_calling(d, NULL);
	return result;
}

struct ddi_driver *port_calling(void)
{
	struct driver *d, *found = NULL;

	mutex_lock(&drivers_lock);
	list_for_each_entry(d, &drivers, link)
		if (d->calling == current)
			found = d;
	mutex_unlock(&drivers_lock);
	return found != NULL ? ddi_driver_of(found) : NULL;
}

bool port_uninstall(struct ddi_driver *ddi)
{
	struct driver *d = (struct driver *)ddi;
	bool attached = false;
	dev_info_t *dip;

	mutex_lock(&drivers_lock);
	list_for_each_entry(dip, &d->instances, link)
		attached |= dip->attached;
	if (!attached)
		d->ops = NULL;
	mutex_unlock(&drivers_lock);
	return !attached;
}
