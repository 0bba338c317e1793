// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * mod_install(9F), mod_remove(9F), mod_info(9F): what a driver's _init(9E) and _fini(9E) call.
 * Which driver calls is known by the thread: driver_call() runs their entry points.
 */
#define pr_fmt(fmt) "devmap: " fmt

#include "linux.h"

struct mod_ops {
	const char *kind;
};

struct mod_ops mod_driverops = { "driver" };
EXPORT_SYMBOL(mod_driverops);

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

static struct driver *calling(void)
{
	struct driver *d, *found = NULL;

	mutex_lock(&drivers_lock);
	list_for_each_entry(d, &drivers, link)
		if (d->calling == current)
			found = d;
	mutex_unlock(&drivers_lock);
	return found;
}

/* Positional initialisers may stop before cb_rev, which is 0 then. */
static bool cb_ops_fit(const struct driver *d, const struct cb_ops *cb)
{
	if (cb == NULL)
		pr_warn("%s: mod_install: its dev_ops has no cb_ops: nothing could be opened\n",
		    d->name);
	else if (cb->cb_rev != CB_REV && cb->cb_rev != 0)
		pr_warn("%s: mod_install: cb_rev is %d, CB_REV is %d\n", d->name, cb->cb_rev,
		    CB_REV);
	else
		return true;
	return false;
}

static bool dev_ops_fit(const struct driver *d, const struct dev_ops *ops)
{
	if (ops == NULL)
		pr_warn("%s: mod_install: its modldrv has no dev_ops\n", d->name);
	else if (ops->devo_rev != DEVO_REV)
		pr_warn("%s: mod_install: devo_rev is %d, DEVO_REV is %d\n", d->name,
		    ops->devo_rev, DEVO_REV);
	else if (ops->devo_attach == NULL)
		pr_warn("%s: mod_install: its dev_ops has no devo_attach\n", d->name);
	else
		return cb_ops_fit(d, ops->devo_cb_ops);
	return false;
}

/* The one linkage that is a driver's, or NULL with a message. */
static const struct modldrv *linkage_driver(const struct driver *d, const struct modlinkage *ml)
{
	const struct modldrv *drv = ml->ml_linkage[0];

	if (ml->ml_rev != MODREV_1)
		pr_warn("%s: mod_install: ml_rev is %d, MODREV_1 is %d\n", d->name, ml->ml_rev,
		    MODREV_1);
	else if (drv == NULL || drv->drv_modops != &mod_driverops)
		pr_warn("%s: mod_install: its modlinkage does not begin with a modldrv of "
		    "mod_driverops\n", d->name);
	else
		return drv;
	return NULL;
}

int mod_install(struct modlinkage *modlinkage)
{
	struct driver *d = calling();
	const struct modldrv *drv;

	if (d == NULL) {
		driver_mistake(CALLER(), "mod_install", "only _init(9E) may call it");
		return EINVAL;
	}
	drv = linkage_driver(d, modlinkage);
	if (drv == NULL || !dev_ops_fit(d, drv->drv_dev_ops))
		return EINVAL;
	d->ops = drv->drv_dev_ops;
	d->description = drv->drv_linkinfo;
	return 0;
}
EXPORT_SYMBOL(mod_install);

int mod_remove(struct modlinkage *modlinkage)
{
	struct driver *d = calling();
	bool attached = false;
	dev_info_t *dip;

	(void)modlinkage;
	if (d == NULL) {
		driver_mistake(CALLER(), "mod_remove", "only _fini(9E) may call it");
		return EINVAL;
	}
	mutex_lock(&drivers_lock);
	list_for_each_entry(dip, &d->instances, link)
		attached |= dip->attached;
	if (!attached)
		d->ops = NULL;
	mutex_unlock(&drivers_lock);
	return attached ? EBUSY : 0;
}
EXPORT_SYMBOL(mod_remove);

int mod_info(struct modlinkage *modlinkage, struct modinfo *modinfo)
{
	(void)modlinkage;
	(void)modinfo;
	return 1;
}
EXPORT_SYMBOL(mod_info);
