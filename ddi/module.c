/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * mod_install(9F), mod_remove(9F), mod_info(9F): what a driver's _init(9E) and _fini(9E) call.
 * Which driver calls the engine knows by the thread.
 */
#include <sys/errno.h>
#include <sys/modctl.h>

#include "ddi.h"
#include "port.h"

struct mod_ops {
	const char *kind;
};

struct mod_ops mod_driverops = { "driver" };

static void refuse(const struct ddi_driver *d, const char *why)
{
	port_log(PORT_LOG_MISTAKE, "%s: mod_install: %s", d->name, why);
}

static void refuse_revision(const struct ddi_driver *d, const char *what, int is, const char *name,
			    int ours)
{
	port_log(PORT_LOG_MISTAKE, "%s: mod_install: %s is %d, %s is %d", d->name, what, is, name,
		 ours);
}

/* Positional initialisers may stop before cb_rev, which is 0 then. */
static bool cb_ops_fit(const struct ddi_driver *d, const struct cb_ops *cb)
{
	if (cb == NULL)
		refuse(d, "its dev_ops has no cb_ops: nothing could be opened");
	else if (cb->cb_rev != CB_REV && cb->cb_rev != 0)
		refuse_revision(d, "cb_rev", cb->cb_rev, "CB_REV", CB_REV);
	else
		return true;
	return false;
}

static bool dev_ops_fit(const struct ddi_driver *d, const struct dev_ops *ops)
{
	if (ops == NULL)
		refuse(d, "its modldrv has no dev_ops");
	else if (ops->devo_rev != DEVO_REV)
		refuse_revision(d, "devo_rev", ops->devo_rev, "DEVO_REV", DEVO_REV);
	else if (ops->devo_attach == NULL)
		refuse(d, "its dev_ops has no devo_attach");
	else
		return cb_ops_fit(d, ops->devo_cb_ops);
	return false;
}

/* The one linkage that is a driver's, or NULL with a message. */
static const struct modldrv *linkage_driver(const struct ddi_driver *d, const struct modlinkage *ml)
{
	const struct modldrv *drv = ml->ml_linkage[0];

	if (ml->ml_rev != MODREV_1)
		refuse_revision(d, "ml_rev", ml->ml_rev, "MODREV_1", MODREV_1);
	else if (drv == NULL || drv->drv_modops != &mod_driverops)
		refuse(d, "its modlinkage does not begin with a modldrv of mod_driverops");
	else
		return drv;
	return NULL;
}

int mod_install(struct modlinkage *modlinkage)
{
	struct ddi_driver *d = port_calling();
	const struct modldrv *drv;

	if (d == NULL) {
		driver_mistake(CALL_SITE(), "mod_install", "only _init(9E) may call it");
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
	struct ddi_driver *d = port_calling();

	(void)modlinkage;
	if (d == NULL) {
		driver_mistake(CALL_SITE(), "mod_remove", "only _fini(9E) may call it");
		return EINVAL;
	}
	return port_uninstall(d) ? 0 : EBUSY;
}

int mod_info(struct modlinkage *modlinkage, struct modinfo *modinfo)
{
	(void)modlinkage;
	(void)modinfo;
	return 1;
}
