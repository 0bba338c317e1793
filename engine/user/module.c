/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * mod_install(9F), mod_remove(9F), mod_info(9F): what a driver's _init(9E) and _fini(9E) call.
 * Which driver calls is known by the thread: module_call() runs their entry points.
 */
#include <errno.h>
#include <string.h>

#include <sys/modctl.h>

#include "devinfo.h"
#include "log.h"

struct mod_ops {
	const char *kind;
};

struct mod_ops mod_driverops = { "driver" };

static _Thread_local struct driver *calling;

int module_call(struct driver *d, int (*entry)(void))
{
	int result;

	calling = d;
	result = entry();
	calling = NULL;
	return result;
}

/* Positional initialisers may stop before cb_rev, which is 0 then. */
static bool cb_ops_fit(const struct driver *d, const struct cb_ops *cb)
{
	if (cb == NULL)
		log_warn("%s: mod_install: its dev_ops has no cb_ops: nothing could be opened",
		    d->name);
	else if (cb->cb_rev != CB_REV && cb->cb_rev != 0)
		log_warn("%s: mod_install: cb_rev is %d, CB_REV is %d", d->name, cb->cb_rev,
		    CB_REV);
	else
		return true;
	return false;
}

static bool dev_ops_fit(const struct driver *d, const struct dev_ops *ops)
{
	if (ops == NULL)
		log_warn("%s: mod_install: its modldrv has no dev_ops", d->name);
	else if (ops->devo_rev != DEVO_REV)
		log_warn("%s: mod_install: devo_rev is %d, DEVO_REV is %d", d->name, ops->devo_rev,
		    DEVO_REV);
	else if (ops->devo_attach == NULL)
		log_warn("%s: mod_install: its dev_ops has no devo_attach", d->name);
	else
		return cb_ops_fit(d, ops->devo_cb_ops);
	return false;
}

/* The one linkage that is a driver's, or NULL with a message. */
static const struct modldrv *linkage_driver(const struct driver *d, const struct modlinkage *ml)
{
	const struct modldrv *drv = ml->ml_linkage[0];

	if (ml->ml_rev != MODREV_1)
		log_warn("%s: mod_install: ml_rev is %d, MODREV_1 is %d", d->name, ml->ml_rev,
		    MODREV_1);
	else if (drv == NULL || drv->drv_modops != &mod_driverops)
		log_warn("%s: mod_install: its modlinkage does not begin with a modldrv of "
		    "mod_driverops", d->name);
	else
		return drv;
	return NULL;
}

int mod_install(struct modlinkage *modlinkage)
{
	struct driver *d = calling;
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

int mod_remove(struct modlinkage *modlinkage)
{
	struct driver *d = calling;

	(void)modlinkage;
	if (d == NULL) {
		driver_mistake(CALLER(), "mod_remove", "only _fini(9E) may call it");
		return EINVAL;
	}
	for (int i = 0; i < d->ninstances; i++)
		if (d->instances[i]->attached)
			return EBUSY;
	d->ops = NULL;
	return 0;
}

int mod_info(struct modlinkage *modlinkage, struct modinfo *modinfo)
{
	(void)modlinkage;
	(void)modinfo;
	return 1;
}
