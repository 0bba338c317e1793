/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * accel: an accelerator that one context at a time can use. Written as the book on device drivers tells
 * such drivers to be, with all five functions: a context for each mapping, which comes into the device
 * when a process touches it, and is saved when another one does. That it compiles and works as it is, is
 * the test.
 *
 * PROPERTIES
 *   hold-ms   how long a context stays in the device at least (0)
 */
#include <sys/types.h>
#include <sys/param.h>
#include <sys/errno.h>
#include <sys/conf.h>
#include <sys/kmem.h>
#include <sys/ksynch.h>
#include <sys/mman.h>
#include <sys/modctl.h>
#include <sys/stat.h>
#include <sys/ddi.h>
#include <sys/sunddi.h>

#include "accel.h"

struct accel_ctx {
	devmap_cookie_t ac_handle;
	offset_t ac_off; /* of what the mapping shows */
	size_t ac_len;
	uint32_t ac_regs[ACCEL_PAGES][ACCEL_WORDS]; /* while it is not in the device */
};

struct accel_softc {
	dev_info_t *as_dip;
	ddi_acc_handle_t as_acc;
	caddr_t as_regs;
	clock_t as_hold;
	kmutex_t as_mutex;	      /* guards what follows, and the contexts */
	struct accel_ctx *as_current; /* whose registers are in the device; or NULL */
	int as_contexts;
	int as_switches;
};

static void *accel_state;

static ddi_device_acc_attr_t accel_attr = { DDI_DEVICE_ATTR_V0, DDI_NEVERSWAP_ACC,
					    DDI_STRICTORDER_ACC };

static struct accel_softc *softc_of(dev_t dev)
{
	return (ddi_get_soft_state(accel_state, getminor(dev)));
}

static uint32_t *reg(struct accel_softc *as, int page, int word)
{
	return ((uint32_t *)(void *)(as->as_regs + ptob(page)) + word);
}

static int shows(struct accel_ctx *ctx, int page)
{
	offset_t off = (offset_t)ptob(page);

	return (off >= ctx->ac_off && off < ctx->ac_off + (offset_t)ctx->ac_len);
}

static void accel_save(struct accel_softc *as, struct accel_ctx *ctx)
{
	int page, word;

	for (page = 0; page < ACCEL_PAGES; page++)
		for (word = 0; shows(ctx, page) && word < ACCEL_WORDS; word++)
			ctx->ac_regs[page][word] = ddi_get32(as->as_acc, reg(as, page, word));
}

static void accel_restore(struct accel_softc *as, struct accel_ctx *ctx)
{
	int page, word;

	for (page = 0; page < ACCEL_PAGES; page++)
		for (word = 0; word < ACCEL_WORDS; word++)
			ddi_put32(as->as_acc, reg(as, page, word), ctx->ac_regs[page][word]);
}

/* Nobody's registers are in the device afterwards. The mutex is held. 0 or an errno. */
static int accel_retire(struct accel_softc *as)
{
	struct accel_ctx *ctx = as->as_current;
	int error;

	if (ctx == NULL)
		return (0);
	if ((error = devmap_unload(ctx->ac_handle, ctx->ac_off, ctx->ac_len)) != 0)
		return (error);
	accel_save(as, ctx);
	as->as_current = NULL;
	return (0);
}

/* devmap_contextmgt(9E) */
static int accel_contextmgt(devmap_cookie_t handle, void *pvtp, offset_t off, size_t len,
			    uint_t type, uint_t rw)
{
	struct accel_softc *as = ddi_get_soft_state(accel_state, 0);
	struct accel_ctx *ctx = pvtp;
	int error = 0;

	mutex_enter(&as->as_mutex);
	if (as->as_current != ctx) {
		if ((error = accel_retire(as)) != 0) {
			mutex_exit(&as->as_mutex);
			return (error);
		}
		accel_restore(as, ctx);
		as->as_current = ctx;
		as->as_switches++;
	}
	error = devmap_load(handle, off, len, type, rw);
	mutex_exit(&as->as_mutex);
	return (error);
}

static int accel_access(devmap_cookie_t handle, void *pvtp, offset_t off, size_t len, uint_t type,
			uint_t rw)
{
	return (devmap_do_ctxmgt(handle, pvtp, off, len, type, rw, accel_contextmgt));
}

static int accel_map(devmap_cookie_t handle, dev_t dev, uint_t flags, offset_t off, size_t len,
		     void **pvtp)
{
	struct accel_softc *as = softc_of(dev);
	struct accel_ctx *ctx = kmem_zalloc(sizeof(*ctx), KM_SLEEP);

	ctx->ac_handle = handle;
	ctx->ac_off = off;
	ctx->ac_len = len;
	mutex_enter(&as->as_mutex);
	as->as_contexts++;
	mutex_exit(&as->as_mutex);
	devmap_set_ctx_timeout(handle, as->as_hold);
	*pvtp = ctx;
	return (0);
}

/* A child begins with what its parent has. */
static int accel_dup(devmap_cookie_t handle, void *pvtp, devmap_cookie_t new_handle,
		     void **new_pvtp)
{
	struct accel_softc *as = ddi_get_soft_state(accel_state, 0);
	struct accel_ctx *ctx = pvtp;
	struct accel_ctx *new_ctx = kmem_alloc(sizeof(*new_ctx), KM_SLEEP);
	int error = 0;

	mutex_enter(&as->as_mutex);
	if (as->as_current == ctx)
		error = accel_retire(as);
	if (error == 0) {
		bcopy(ctx, new_ctx, sizeof(*ctx));
		new_ctx->ac_handle = new_handle;
		as->as_contexts++;
	}
	mutex_exit(&as->as_mutex);
	if (error != 0) {
		kmem_free(new_ctx, sizeof(*new_ctx));
		return (error);
	}
	*new_pvtp = new_ctx;
	return (0);
}

/* What remains of a context, under a handle of its own. The mutex is held. */
static struct accel_ctx *accel_rest(struct accel_softc *as, struct accel_ctx *ctx,
				    devmap_cookie_t handle, offset_t off, size_t len)
{
	struct accel_ctx *rest = kmem_alloc(sizeof(*rest), KM_SLEEP);

	bcopy(ctx, rest, sizeof(*rest));
	rest->ac_handle = handle;
	rest->ac_off = off;
	rest->ac_len = len;
	as->as_contexts++;
	return (rest);
}

static void accel_unmap(devmap_cookie_t handle, void *pvtp, offset_t off, size_t len,
			devmap_cookie_t new_handle1, void **new_pvtp1, devmap_cookie_t new_handle2,
			void **new_pvtp2)
{
	struct accel_softc *as = ddi_get_soft_state(accel_state, 0);
	struct accel_ctx *ctx = pvtp;
	offset_t end = ctx->ac_off + (offset_t)ctx->ac_len;

	mutex_enter(&as->as_mutex);
	if (as->as_current == ctx) {
		if (new_handle1 != NULL)
			(void)devmap_unload(new_handle1, ctx->ac_off, off - ctx->ac_off);
		if (new_handle2 != NULL)
			(void)devmap_unload(new_handle2, off + len, end - (off + len));
		accel_save(as, ctx);
		as->as_current = NULL;
	}
	if (new_handle1 != NULL)
		*new_pvtp1 = accel_rest(as, ctx, new_handle1, ctx->ac_off, off - ctx->ac_off);
	if (new_handle2 != NULL)
		*new_pvtp2 = accel_rest(as, ctx, new_handle2, off + len, end - (off + len));
	as->as_contexts--;
	mutex_exit(&as->as_mutex);
	kmem_free(ctx, sizeof(*ctx));
}

static struct devmap_callback_ctl accel_callbacks = {
	DEVMAP_OPS_REV, accel_map, accel_access, accel_dup, accel_unmap,
};

static int accel_devmap(dev_t dev, devmap_cookie_t handle, offset_t off, size_t len, size_t *maplen,
			uint_t model)
{
	struct accel_softc *as = softc_of(dev);
	size_t length = ptob(btopr(len));

	if (as == NULL || off < 0 || off + (offset_t)length > (offset_t)ptob(ACCEL_PAGES))
		return (ENXIO);
	*maplen = length;
	return (devmap_devmem_setup(handle, as->as_dip, &accel_callbacks, 0, off, length,
				    PROT_ALL & ~PROT_EXEC, 0, &accel_attr));
}

static int accel_ioctl(dev_t dev, int cmd, intptr_t arg, int mode, cred_t *credp, int *rvalp)
{
	struct accel_softc *as = softc_of(dev);
	int error = 0;

	if (as == NULL)
		return (ENXIO);
	mutex_enter(&as->as_mutex);
	if (cmd == ACCEL_CONTEXTS)
		*rvalp = as->as_contexts;
	else if (cmd == ACCEL_SWITCHES)
		*rvalp = as->as_switches;
	else
		error = ENOTTY;
	mutex_exit(&as->as_mutex);
	return (error);
}

static int accel_open(dev_t *devp, int flag, int otyp, cred_t *credp)
{
	if (otyp != OTYP_CHR)
		return (EINVAL);
	return (softc_of(*devp) == NULL ? ENXIO : 0);
}

static int accel_close(dev_t dev, int flag, int otyp, cred_t *credp)
{
	return (0);
}

static int accel_attach(dev_info_t *dip, ddi_attach_cmd_t cmd)
{
	struct accel_softc *as;

	if (cmd != DDI_ATTACH || ddi_get_instance(dip) != 0 ||
	    ddi_soft_state_zalloc(accel_state, 0) != DDI_SUCCESS)
		return (DDI_FAILURE);
	as = ddi_get_soft_state(accel_state, 0);
	as->as_dip = dip;
	if (ddi_regs_map_setup(dip, 0, &as->as_regs, 0, ptob(ACCEL_PAGES), &accel_attr,
			       &as->as_acc) != DDI_SUCCESS) {
		ddi_soft_state_free(accel_state, 0);
		return (DDI_FAILURE);
	}
	as->as_hold =
		drv_usectohz(1000 * (clock_t)ddi_prop_get_int(DDI_DEV_T_ANY, dip, DDI_PROP_DONTPASS,
							      "hold-ms", 0));
	mutex_init(&as->as_mutex, NULL, MUTEX_DRIVER, NULL);
	if (ddi_create_minor_node(dip, "accel0", S_IFCHR, 0, DDI_NT_DISPLAY, 0) == DDI_SUCCESS)
		return (DDI_SUCCESS);
	mutex_destroy(&as->as_mutex);
	ddi_regs_map_free(&as->as_acc);
	ddi_soft_state_free(accel_state, 0);
	return (DDI_FAILURE);
}

static int accel_detach(dev_info_t *dip, ddi_detach_cmd_t cmd)
{
	struct accel_softc *as = ddi_get_soft_state(accel_state, 0);

	if (cmd != DDI_DETACH || as->as_contexts != 0)
		return (DDI_FAILURE);
	ddi_remove_minor_node(dip, NULL);
	mutex_destroy(&as->as_mutex);
	ddi_regs_map_free(&as->as_acc);
	ddi_soft_state_free(accel_state, 0);
	return (DDI_SUCCESS);
}

static int accel_getinfo(dev_info_t *dip, ddi_info_cmd_t cmd, void *arg, void **resultp)
{
	struct accel_softc *as = softc_of((dev_t)arg);

	if (as == NULL)
		return (DDI_FAILURE);
	*resultp = cmd == DDI_INFO_DEVT2DEVINFO ? (void *)as->as_dip : NULL;
	return (DDI_SUCCESS);
}

static struct cb_ops accel_cb_ops = {
	accel_open,	   /* open */
	accel_close,	   /* close */
	nodev,		   /* strategy */
	nodev,		   /* print */
	nodev,		   /* dump */
	nodev,		   /* read */
	nodev,		   /* write */
	accel_ioctl,	   /* ioctl */
	accel_devmap,	   /* devmap */
	nodev,		   /* mmap */
	ddi_devmap_segmap, /* segmap */
	nochpoll,	   /* chpoll */
	ddi_prop_op,	   /* prop_op */
	NULL,		   /* streamtab */
	D_NEW | D_MP | D_DEVMAP,
	CB_REV,
	nodev, /* aread */
	nodev, /* awrite */
};

static struct dev_ops accel_dev_ops = {
	DEVO_REV,     0,     accel_getinfo, nulldev, nulldev, accel_attach,
	accel_detach, nodev, &accel_cb_ops, NULL,    NULL,
};

static struct modldrv accel_modldrv = { &mod_driverops, "an accelerator with contexts",
					&accel_dev_ops };

static struct modlinkage accel_modlinkage = { MODREV_1, { (void *)&accel_modldrv, NULL } };

int _init(void)
{
	int error = ddi_soft_state_init(&accel_state, sizeof(struct accel_softc), 1);

	if (error != 0)
		return (error);
	if ((error = mod_install(&accel_modlinkage)) != 0)
		ddi_soft_state_fini(&accel_state);
	return (error);
}

int _fini(void)
{
	int error = mod_remove(&accel_modlinkage);

	if (error == 0)
		ddi_soft_state_fini(&accel_state);
	return (error);
}

int _info(struct modinfo *modinfop)
{
	return (mod_info(&accel_modlinkage, modinfop));
}
