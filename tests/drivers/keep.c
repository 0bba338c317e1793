/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* keep.h says what it is for. */
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
#include "keep.h"

#define SIZE ((size_t)KEEP_PAGES * PAGESIZE)
#define HALF (SIZE / 2)

/* What is kept of the device. */
struct keep {
	uint64_t lives;
	uint64_t stops;
	uint64_t stop_at; /* enum keep_point */
};

static dev_info_t *keep_dip;
static ddi_umem_cookie_t keep_cookie;
static char *keep_pages; /* the device */
static struct keep *keep;
static kmutex_t keep_lock; /* guards the contexts */
static kmutex_t stop_lock; /* guards *keep; taken last */
static kcondvar_t stop_cv; /* nobody signals it */
static struct devmap_contexts keep_contexts;

static void stop_at(uint64_t point)
{
	mutex_enter(&stop_lock);
	if (keep->stop_at == point) {
		keep->stop_at = KEEP_NOWHERE;
		keep->stops++;
		for (;;)
			cv_wait(&stop_cv, &stop_lock);
	}
	mutex_exit(&stop_lock);
}

static char *saved(void *ctx)
{
	return ((struct devmap_context *)ctx)->kept;
}

static int keep_save(void *owner)
{
	stop_at(KEEP_SAVE);
	bcopy(keep_pages, saved(owner), HALF);
	stop_at(KEEP_SAVING);
	bcopy(keep_pages + HALF, saved(owner) + HALF, HALF);
	return 0;
}

static int keep_restore(void *next)
{
	stop_at(KEEP_RESTORE);
	bcopy(saved(next), keep_pages, HALF);
	stop_at(KEEP_RESTORING);
	bcopy(saved(next) + HALF, keep_pages + HALF, HALF);
	return 0;
}

static int keep_copy(void *child, void *parent)
{
	stop_at(KEEP_DUP);
	bcopy(saved(parent), saved(child), HALF);
	stop_at(KEEP_COPYING);
	bcopy(saved(parent) + HALF, saved(child) + HALF, HALF);
	return 0;
}

static const struct devmap_context_ops keep_context_ops = {
	.size = sizeof(struct devmap_context),
	.kept = SIZE,
	.copy = keep_copy,
	.save = keep_save,
	.restore = keep_restore,
};

static int keep_contextmgt(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len, uint_t type,
			   uint_t rw)
{
	int error;

	stop_at(KEEP_CONTEXT);
	mutex_enter(&keep_lock);
	error = devmap_context_switch(devmap_context_of(pvtp));
	stop_at(KEEP_LOAD);
	if (error == 0)
		error = devmap_load(dhp, off, len, type, rw);
	stop_at(KEEP_LOADED);
	mutex_exit(&keep_lock);
	return error;
}

static int keep_access(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len, uint_t type,
		       uint_t rw)
{
	stop_at(KEEP_ACCESS);
	return devmap_do_ctxmgt(dhp, pvtp, off, len, type, rw, keep_contextmgt);
}

static int keep_map(devmap_cookie_t dhp, dev_t dev, uint_t flags, offset_t off, size_t len,
		    void **pvtp)
{
	int error;

	stop_at(KEEP_MAP);
	error = devmap_context_map(&keep_contexts, dhp, off, len, pvtp);
	stop_at(KEEP_MAPPED);
	return error;
}

static int keep_dup(devmap_cookie_t dhp, void *pvtp, devmap_cookie_t new_dhp, void **new_pvtp)
{
	int error = devmap_context_dup(pvtp, new_dhp, new_pvtp);

	stop_at(KEEP_COPIED);
	return error;
}

static void keep_unmap(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len,
		       devmap_cookie_t new_dhp1, void **new_pvtp1, devmap_cookie_t new_dhp2,
		       void **new_pvtp2)
{
	stop_at(KEEP_UNMAP);
	devmap_context_unmap(pvtp, off, len, new_dhp1, new_pvtp1, new_dhp2, new_pvtp2);
	stop_at(KEEP_UNMAPPED);
}

static struct devmap_callback_ctl keep_ops = { DEVMAP_OPS_REV, keep_map, keep_access, keep_dup,
					       keep_unmap };

static int keep_devmap(dev_t dev, devmap_cookie_t dhp, offset_t off, size_t len, size_t *maplen,
		       uint_t model)
{
	stop_at(KEEP_DEVMAP);
	if (off < 0 || off >= (offset_t)SIZE)
		return EINVAL;
	*maplen = MIN(len, SIZE - (size_t)off);
	return devmap_umem_setup(dhp, keep_dip, &keep_ops, keep_cookie, off, *maplen,
				 PROT_READ | PROT_WRITE | PROT_USER, DEVMAP_DEFAULTS, NULL);
}

static int keep_open(dev_t *devp, int flag, int otyp, cred_t *credp)
{
	stop_at(KEEP_OPEN);
	return 0;
}

static int keep_close(dev_t dev, int flag, int otyp, cred_t *credp)
{
	stop_at(KEEP_CLOSE);
	return 0;
}

static int count(void)
{
	struct devmap_context *c;
	int n = 0;

	mutex_enter(&keep_lock);
	for (c = keep_contexts.first; c != NULL; c = c->next)
		n++;
	mutex_exit(&keep_lock);
	return n;
}

static void lose(void)
{
	struct devmap_context *c;

	mutex_enter(&keep_lock);
	c = devmap_context_find(&keep_contexts, NULL);
	if (c != NULL)
		c->head->whole = 0;
	mutex_exit(&keep_lock);
}

static int keep_ioctl(dev_t dev, int cmd, intptr_t arg, int mode, cred_t *credp, int *rvalp)
{
	switch (cmd) {
	case KEEP_COUNT:
		*rvalp = count();
		return 0;
	case KEEP_LOSE:
		lose();
		return 0;
	case KEEP_ECHO:
		stop_at(KEEP_IOCTL);
		*rvalp = (int)arg;
		return 0;
	}
	mutex_enter(&stop_lock);
	switch (cmd) {
	case KEEP_STOP:
		keep->stop_at = (uint64_t)arg;
		break;
	case KEEP_STOPS:
		*rvalp = (int)keep->stops;
		break;
	case KEEP_LIVES:
		*rvalp = (int)keep->lives;
		break;
	default:
		mutex_exit(&stop_lock);
		return ENOTTY;
	}
	mutex_exit(&stop_lock);
	return 0;
}

static int property(dev_info_t *dip, const char *name, int otherwise)
{
	return ddi_prop_get_int(DDI_DEV_T_ANY, dip, DDI_PROP_DONTPASS, name, otherwise);
}

/* What is kept of the device, or plain memory. */
static int make_keep(dev_info_t *dip)
{
	int found = 0;

	if (property(dip, "keep", 1) == 0) {
		keep = kmem_zalloc(sizeof(*keep), KM_SLEEP);
		return DDI_SUCCESS;
	}
	keep = devmap_keep_alloc(dip, "keep", sizeof(*keep), &found);
	if (keep == NULL || (found && property(dip, "refuse", 0)))
		return DDI_FAILURE;
	return devmap_contexts_keep(&keep_contexts, dip, "contexts") == 0 ? DDI_SUCCESS :
									    DDI_FAILURE;
}

static int keep_attach(dev_info_t *dip, ddi_attach_cmd_t cmd)
{
	if (cmd != DDI_ATTACH || keep_dip != NULL)
		return DDI_FAILURE;
	mutex_init(&keep_lock, NULL, MUTEX_DRIVER, NULL);
	mutex_init(&stop_lock, NULL, MUTEX_DRIVER, NULL);
	cv_init(&stop_cv, NULL, CV_DRIVER, NULL);
	devmap_contexts_init(&keep_contexts, &keep_context_ops, dip, &keep_lock);
	if (make_keep(dip) != DDI_SUCCESS)
		return DDI_FAILURE;
	keep->lives++;
	keep_pages = ddi_umem_alloc(SIZE, DDI_UMEM_SLEEP, &keep_cookie);
	keep_dip = dip;
	return ddi_create_minor_node(dip, "keep0", S_IFCHR, 0, DDI_PSEUDO, 0);
}

static int keep_detach(dev_info_t *dip, ddi_detach_cmd_t cmd)
{
	if (cmd != DDI_DETACH)
		return DDI_FAILURE;
	ddi_remove_minor_node(dip, NULL);
	ddi_umem_free(keep_cookie);
	if (keep_contexts.head == NULL)
		kmem_free(keep, sizeof(*keep));
	else
		devmap_keep_free(keep);
	devmap_contexts_fini(&keep_contexts);
	cv_destroy(&stop_cv);
	mutex_destroy(&stop_lock);
	mutex_destroy(&keep_lock);
	keep_dip = NULL;
	return DDI_SUCCESS;
}

static struct cb_ops keep_cb_ops = { .cb_open = keep_open,
				     .cb_close = keep_close,
				     .cb_read = nodev,
				     .cb_write = nodev,
				     .cb_ioctl = keep_ioctl,
				     .cb_devmap = keep_devmap,
				     .cb_segmap = ddi_devmap_segmap,
				     .cb_flag = D_MP | D_DEVMAP,
				     .cb_rev = CB_REV };

static struct dev_ops keep_dev_ops = { .devo_rev = DEVO_REV,
				       .devo_attach = keep_attach,
				       .devo_detach = keep_detach,
				       .devo_cb_ops = &keep_cb_ops };

static struct modldrv keep_modldrv = { &mod_driverops, "pages that are kept", &keep_dev_ops };
static struct modlinkage keep_modlinkage = { MODREV_1, { &keep_modldrv, NULL } };

int _init(void)
{
	return mod_install(&keep_modlinkage);
}

int _fini(void)
{
	return mod_remove(&keep_modlinkage);
}

int _info(struct modinfo *modinfo)
{
	return mod_info(&keep_modlinkage, modinfo);
}
