// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * A driver for tests/guest/programs/failures: fails, or leaves things lying about, where the module
 * parameter `at` says. It has a node called "kfail", and maps nothing.
 */
#include <sys/types.h>
#include <sys/errno.h>
#include <sys/conf.h>
#include <sys/modctl.h>
#include <sys/stat.h>
#include <sys/ddi.h>
#include <sys/sunddi.h>

static char *at = "";
module_param(at, charp, 0444);

static void *states;

static boolean_t fails(const char *where)
{
	return strcmp(at, where) == 0 ? B_TRUE : B_FALSE;
}

static int add_node(dev_info_t *dip)
{
	return ddi_create_minor_node(dip, "kfail", S_IFCHR, (minor_t)ddi_get_instance(dip),
				     DDI_PSEUDO, 0);
}

static int kfail_probe(dev_info_t *dip)
{
	if (!fails("probe"))
		return DDI_PROBE_SUCCESS;
	(void)add_node(dip);
	return DDI_PROBE_FAILURE;
}

static int kfail_attach(dev_info_t *dip, ddi_attach_cmd_t cmd)
{
	int instance = ddi_get_instance(dip);

	if (cmd != DDI_ATTACH || ddi_soft_state_zalloc(states, instance) != DDI_SUCCESS)
		return DDI_FAILURE;
	if (!fails("attach") && add_node(dip) == DDI_SUCCESS &&
	    !(fails("node") || (fails("second") && instance == 1)))
		return DDI_SUCCESS;
	ddi_soft_state_free(states, instance);
	return DDI_FAILURE;
}

static int kfail_detach(dev_info_t *dip, ddi_detach_cmd_t cmd)
{
	if (cmd != DDI_DETACH)
		return DDI_FAILURE;
	ddi_soft_state_free(states, ddi_get_instance(dip));
	return fails("detach") ? DDI_FAILURE : DDI_SUCCESS;
}

/* A device of somebody else. */
static int kfail_open(dev_t *devp, int flag, int otyp, cred_t *credp)
{
	if (fails("open"))
		*devp = makedevice(getmajor(*devp) + 1, getminor(*devp));
	return 0;
}

/* A client's fault, each time anew. */
static int kfail_devmap(dev_t dev, devmap_cookie_t dhp, offset_t off, size_t len, size_t *maplen,
			uint_t model)
{
	return EINVAL;
}

static struct cb_ops kfail_cb_ops = { .cb_open = kfail_open,
				      .cb_close = nulldev,
				      .cb_read = nodev,
				      .cb_write = nodev,
				      .cb_ioctl = nodev,
				      .cb_devmap = kfail_devmap,
				      .cb_segmap = ddi_devmap_segmap,
				      .cb_flag = D_MP | D_DEVMAP,
				      .cb_rev = CB_REV };

static struct dev_ops kfail_dev_ops = { .devo_rev = DEVO_REV,
					.devo_probe = kfail_probe,
					.devo_attach = kfail_attach,
					.devo_detach = kfail_detach,
					.devo_cb_ops = &kfail_cb_ops };

static struct modldrv kfail_modldrv = { &mod_driverops, "fails", &kfail_dev_ops };
static struct modlinkage kfail_modlinkage = { MODREV_1, { &kfail_modldrv, NULL } };

int _init(void)
{
	int error = fails("init") ? EIO : ddi_soft_state_init(&states, sizeof(int), 1);

	if (error == 0 && !fails("install"))
		error = mod_install(&kfail_modlinkage);
	if (error == 0 && fails("installed"))
		error = EBUSY;
	if (error != 0)
		ddi_soft_state_fini(&states);
	return error;
}

int _fini(void)
{
	int error = mod_remove(&kfail_modlinkage);

	if (error == 0)
		ddi_soft_state_fini(&states);
	return error;
}

int _info(struct modinfo *modinfop)
{
	return mod_info(&kfail_modlinkage, modinfop);
}
