/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A driver for test_ddi.c: does nothing, and fails where it is told to, by a property or (before
 * there are properties) by the environment variable TD_MISTAKE.
 */
#include <stdlib.h>
#include <sys/types.h>
#include <sys/errno.h>
#include <sys/conf.h>
#include <sys/modctl.h>
#include <sys/ddi.h>
#include <sys/sunddi.h>

static void *states;

static int td_getinfo(dev_info_t *dip, ddi_info_cmd_t cmd, void *arg, void **resultp)
{
	dev_info_t **state = ddi_get_soft_state(states, (int)(getminor((dev_t)arg) & 0xff));

	if (cmd != DDI_INFO_DEVT2DEVINFO || state == NULL)
		return DDI_FAILURE;
	*resultp = *state;
	return DDI_SUCCESS;
}

static int td_probe(dev_info_t *dip)
{
	return ddi_prop_get_int(DDI_DEV_T_ANY, dip, 0, "probe", DDI_PROBE_SUCCESS);
}

static uint_t td_soft(caddr_t arg)
{
	return DDI_INTR_CLAIMED;
}

/* What detach(9E) has to give back, and does not. */
static void leave(dev_info_t *dip)
{
	ddi_softintr_t id;

	if (ddi_add_softintr(dip, DDI_SOFTINT_LOW, &id, NULL, NULL, td_soft, NULL) == DDI_SUCCESS)
		ddi_trigger_softintr(id);
	kstat_install(
		kstat_create("td", ddi_get_instance(dip), "left", "misc", KSTAT_TYPE_IO, 1, 0));
	(void)pm_create_components(dip, 1);
}

/* A node of the instance's own name, and one called "ctl". */
static int td_attach(dev_info_t *dip, ddi_attach_cmd_t cmd)
{
	int instance = ddi_get_instance(dip);
	int fail = ddi_prop_get_int(DDI_DEV_T_ANY, dip, DDI_PROP_DONTPASS, "fail", 0);
	dev_info_t **state;

	if (cmd != DDI_ATTACH || ddi_soft_state_zalloc(states, instance) != DDI_SUCCESS)
		return DDI_FAILURE;
	state = ddi_get_soft_state(states, instance);
	*state = dip;
	ddi_set_driver_private(dip, state);
	if (ddi_create_minor_node(dip, "", S_IFCHR, (minor_t)instance, DDI_PSEUDO, 0) != 0 ||
	    ddi_create_minor_node(dip, "ctl", S_IFCHR, (minor_t)instance + 256, DDI_PSEUDO, 0) != 0)
		fail = DDI_FAILURE;
	if (fail != 0 && instance == ddi_prop_get_int(DDI_DEV_T_ANY, dip, 0, "fail-instance", 0)) {
		ddi_soft_state_free(states, instance);
		return fail;
	}
	if (ddi_prop_exists(DDI_DEV_T_ANY, dip, 0, "leave"))
		leave(dip);
	ddi_report_dev(dip);
	return DDI_SUCCESS;
}

static int td_detach(dev_info_t *dip, ddi_detach_cmd_t cmd)
{
	if (cmd != DDI_DETACH || ddi_prop_exists(DDI_DEV_T_ANY, dip, 0, "refuse"))
		return DDI_FAILURE;
	ddi_soft_state_free(states, ddi_get_instance(dip));
	return DDI_SUCCESS;
}

static struct cb_ops td_cb_ops = { nulldev,	nulldev, nodev,	       nodev, nodev, nodev,
				   nodev,	nodev,	 nodev,	       nodev, nodev, nochpoll,
				   ddi_prop_op, NULL,	 D_NEW | D_MP, CB_REV };

static struct dev_ops td_ops = { DEVO_REV,  0,	       td_getinfo, nulldev,   td_probe,
				 td_attach, td_detach, nodev,	   &td_cb_ops };

static struct modldrv modldrv = { &mod_driverops, "a driver for tests", &td_ops };
static struct modlinkage modlinkage = { MODREV_1, { &modldrv, NULL } };

static void make_mistake(const char *what)
{
	if (strcmp(what, "devo_rev") == 0)
		td_ops.devo_rev = 3;
	else if (strcmp(what, "cb_rev") == 0)
		td_cb_ops.cb_rev = 7;
	else if (strcmp(what, "cb_ops") == 0)
		td_ops.devo_cb_ops = NULL;
	else if (strcmp(what, "attach") == 0)
		td_ops.devo_attach = NULL;
	else if (strcmp(what, "ml_rev") == 0)
		modlinkage.ml_rev = 2;
}

int _init(void)
{
	const char *mistake = getenv("TD_MISTAKE");
	int error;

	if (mistake != NULL && strcmp(mistake, "init") == 0)
		return EIO;
	if (mistake != NULL && strcmp(mistake, "install") == 0)
		return 0;
	if (mistake != NULL)
		make_mistake(mistake);
	error = ddi_soft_state_init(&states, sizeof(dev_info_t *), 1);
	if (error == 0)
		error = mod_install(&modlinkage);
	if (error != 0)
		ddi_soft_state_fini(&states);
	return error;
}

int _info(struct modinfo *modinfo)
{
	return mod_info(&modlinkage, modinfo);
}

int _fini(void)
{
	int error = mod_remove(&modlinkage);

	if (error == 0)
		ddi_soft_state_fini(&states);
	return error;
}

/* Mistakes in calls, made by this file's code, so that messages name this driver. */
void td_bad_exit(kmutex_t *mp);
void td_bad_exit(kmutex_t *mp)
{
	mutex_exit(mp);
	mutex_init(mp, NULL, MUTEX_DRIVER, NULL); /* no tail call: this is to be the caller */
}
