/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * scratch: a device of one page. However many processes map it, each finds there what it stored
 * itself. doc/driver.md walks through this file.
 */
#include <sys/types.h>
#include <sys/param.h>
#include <sys/errno.h>
#include <sys/conf.h>
#include <sys/ksynch.h>
#include <sys/mman.h>
#include <sys/modctl.h>
#include <sys/stat.h>
#include <sys/ddi.h>
#include <sys/sunddi.h>
#include <devmap/context.h>

static dev_info_t *scratch_dip;
static ddi_umem_cookie_t scratch_cookie;
static char *scratch_page;    /* the device */
static kmutex_t scratch_lock; /* guards the contexts */
static struct devmap_contexts scratch_contexts;

/* What one process has stored, while it is not in the device. It is all that there is of a context. */
static char *saved(void *ctx)
{
	return ((struct devmap_context *)ctx)->kept;
}

static int scratch_save(void *owner)
{
	bcopy(scratch_page, saved(owner), PAGESIZE);
	return 0;
}

static int scratch_restore(void *next)
{
	bcopy(saved(next), scratch_page, PAGESIZE);
	return 0;
}

static int scratch_copy(void *child, void *parent)
{
	bcopy(saved(parent), saved(child), PAGESIZE);
	return 0;
}

static const struct devmap_context_ops scratch_context_ops = {
	.size = sizeof(struct devmap_context),
	.kept = PAGESIZE,
	.copy = scratch_copy,
	.save = scratch_save,
	.restore = scratch_restore,
};

static int scratch_contextmgt(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len,
			      uint_t type, uint_t rw)
{
	int error;

	mutex_enter(&scratch_lock);
	error = devmap_context_switch(devmap_context_of(pvtp));
	if (error == 0)
		error = devmap_load(dhp, off, len, type, rw);
	mutex_exit(&scratch_lock);
	return error;
}

static int scratch_access(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len, uint_t type,
			  uint_t rw)
{
	return devmap_do_ctxmgt(dhp, pvtp, off, len, type, rw, scratch_contextmgt);
}

static int scratch_map(devmap_cookie_t dhp, dev_t dev, uint_t flags, offset_t off, size_t len,
		       void **pvtp)
{
	return devmap_context_map(&scratch_contexts, dhp, off, len, pvtp);
}

static int scratch_dup(devmap_cookie_t dhp, void *pvtp, devmap_cookie_t new_dhp, void **new_pvtp)
{
	return devmap_context_dup(pvtp, new_dhp, new_pvtp);
}

static void scratch_unmap(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len,
			  devmap_cookie_t new_dhp1, void **new_pvtp1, devmap_cookie_t new_dhp2,
			  void **new_pvtp2)
{
	devmap_context_unmap(pvtp, off, len, new_dhp1, new_pvtp1, new_dhp2, new_pvtp2);
}

static struct devmap_callback_ctl scratch_ops = { DEVMAP_OPS_REV, scratch_map, scratch_access,
						  scratch_dup, scratch_unmap };

static int scratch_devmap(dev_t dev, devmap_cookie_t dhp, offset_t off, size_t len, size_t *maplen,
			  uint_t model)
{
	if (off != 0)
		return EINVAL;
	*maplen = PAGESIZE;
	return devmap_umem_setup(dhp, scratch_dip, &scratch_ops, scratch_cookie, 0, PAGESIZE,
				 PROT_READ | PROT_WRITE | PROT_USER, DEVMAP_DEFAULTS, NULL);
}

static int scratch_attach(dev_info_t *dip, ddi_attach_cmd_t cmd)
{
	if (cmd != DDI_ATTACH || scratch_dip != NULL)
		return DDI_FAILURE;
	mutex_init(&scratch_lock, NULL, MUTEX_DRIVER, NULL);
	devmap_contexts_init(&scratch_contexts, &scratch_context_ops, dip, &scratch_lock);
	(void)devmap_contexts_keep(&scratch_contexts, dip, "contexts");
	scratch_page = ddi_umem_alloc(PAGESIZE, DDI_UMEM_SLEEP, &scratch_cookie);
	scratch_dip = dip;
	return ddi_create_minor_node(dip, "scratch0", S_IFCHR, 0, DDI_PSEUDO, 0);
}

static int scratch_detach(dev_info_t *dip, ddi_detach_cmd_t cmd)
{
	if (cmd != DDI_DETACH)
		return DDI_FAILURE;
	ddi_remove_minor_node(dip, NULL);
	ddi_umem_free(scratch_cookie);
	devmap_contexts_fini(&scratch_contexts);
	mutex_destroy(&scratch_lock);
	scratch_dip = NULL;
	return DDI_SUCCESS;
}

static struct cb_ops scratch_cb_ops = { .cb_open = nulldev,
					.cb_close = nulldev,
					.cb_read = nodev,
					.cb_write = nodev,
					.cb_ioctl = nodev,
					.cb_devmap = scratch_devmap,
					.cb_segmap = ddi_devmap_segmap,
					.cb_flag = D_MP | D_DEVMAP,
					.cb_rev = CB_REV };

static struct dev_ops scratch_dev_ops = { .devo_rev = DEVO_REV,
					  .devo_attach = scratch_attach,
					  .devo_detach = scratch_detach,
					  .devo_cb_ops = &scratch_cb_ops };

static struct modldrv scratch_modldrv = { &mod_driverops, "one page", &scratch_dev_ops };
static struct modlinkage scratch_modlinkage = { MODREV_1, { &scratch_modldrv, NULL } };

int _init(void)
{
	return mod_install(&scratch_modlinkage);
}

int _fini(void)
{
	return mod_remove(&scratch_modlinkage);
}

int _info(struct modinfo *modinfo)
{
	return mod_info(&scratch_modlinkage, modinfo);
}
