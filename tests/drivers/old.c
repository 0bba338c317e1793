/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A driver as they were written in the nineties: functions with their parameters behind them, entry
 * points without prototypes, tables by position. That it compiles in each dialect of C is the test.
 */
#include <sys/types.h>
#include <sys/errno.h>
#include <sys/open.h>
#include <sys/cred.h>
#include <sys/uio.h>
#include <sys/stat.h>
#include <sys/modctl.h>
#include <sys/conf.h>
#include <sys/kmem.h>
#include <sys/ddi.h>
#include <sys/sunddi.h>

#ifndef _KERNEL
#error _KERNEL is how a header that programs share knows that this is a driver
#endif

struct old {
	kmutex_t lock;
	dev_info_t *dip;
	uint32_t opens;
};

static void *old_state;

static int old_open(devp, flag, otyp, cred)
dev_t *devp;
int flag;
int otyp;
cred_t *cred;
{
	register struct old *op;

	op = ddi_get_soft_state(old_state, getminor(*devp));
	if (op == NULL)
		return (ENXIO);
	if (otyp != OTYP_CHR)
		return (EINVAL);
	atomic_add_32(&op->opens, 1);
	return (0);
}

static int old_attach(dip, cmd)
dev_info_t *dip;
ddi_attach_cmd_t cmd;
{
	struct old *op;
	int instance = ddi_get_instance(dip);
	char name[16];

	if (cmd != DDI_ATTACH)
		return (DDI_FAILURE);
	if (ddi_soft_state_zalloc(old_state, instance) != DDI_SUCCESS)
		return (DDI_FAILURE);
	op = (struct old *)ddi_get_soft_state(old_state, instance);
	op->dip = dip;
	mutex_init(&op->lock, "old", MUTEX_DRIVER, NULL);
	(void)sprintf(name, "old%d", instance);
	if (ddi_create_minor_node(dip, name, S_IFCHR, instance, NULL, NULL) == DDI_FAILURE) {
		mutex_destroy(&op->lock);
		ddi_soft_state_free(old_state, instance);
		return (DDI_FAILURE);
	}
	ddi_report_dev(dip);
	return (DDI_SUCCESS);
}

static struct cb_ops old_cb_ops = { old_open, nulldev,	nodev,	     nodev, nodev,
				    nodev,    nodev,	nodev,	     nodev, nodev,
				    nodev,    nochpoll, ddi_prop_op, 0,	    D_NEW | D_MTSAFE };

static struct dev_ops old_ops = { DEVO_REV,   0,     ddi_no_info, nulldev,     nulldev,
				  old_attach, nodev, nodev,	  &old_cb_ops, NULL };

static struct modldrv modldrv = { &mod_driverops, "an old driver", &old_ops };
static struct modlinkage modlinkage = { MODREV_1, (void *)&modldrv, NULL };

int _init()
{
	int error;

	if ((error = ddi_soft_state_init(&old_state, sizeof(struct old), 1)) != 0)
		return (error);
	if ((error = mod_install(&modlinkage)) != 0)
		ddi_soft_state_fini(&old_state);
	return (error);
}

int _fini()
{
	int error;

	if ((error = mod_remove(&modlinkage)) == 0)
		ddi_soft_state_fini(&old_state);
	return (error);
}

int _info(modinfop)
struct modinfo *modinfop;
{
	return (mod_info(&modlinkage, modinfop));
}
