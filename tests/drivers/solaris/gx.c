/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * gx: a frame buffer with a drawing engine, for Solaris, in the C of its time. That it compiles and
 * works as it is, is the test.
 *
 * A mapping of the registers has a context: with MAP_PRIVATE each one its own, with MAP_SHARED all of
 * them the same. A process that was given the registers keeps them for a tick. The screen is everybody's.
 */
#include <sys/types.h>
#include <sys/param.h>
#include <sys/errno.h>
#include <sys/open.h>
#include <sys/cred.h>
#include <sys/uio.h>
#include <sys/stat.h>
#include <sys/kmem.h>
#include <sys/mman.h>
#include <sys/conf.h>
#include <sys/modctl.h>
#include <sys/ddi.h>
#include <sys/sunddi.h>

#include "gx.h"

struct gx_ctx {
	uint32_t regs[2][GX_CONTEXT]; /* while it is not in the device */
	int maps;
};

/* A handle of the registers, and its context. */
struct gx_map {
	struct gx_map *next;
	struct gx_ctx *ctx;
	devmap_cookie_t dhp;
	offset_t off;
	size_t len;
};

struct gx {
	dev_info_t *dip;
	kmutex_t lock; /* guards what follows, and the registers */
	caddr_t regs;
	ddi_acc_handle_t acc;
	struct gx_ctx *current; /* whose registers are in the device; or NULL */
	struct gx_ctx *shared;	/* that of MAP_SHARED; or NULL */
	struct gx_map *maps;
	int switches, contexts;
};

static void *gx_state;

static ddi_device_acc_attr_t gx_attr = { DDI_DEVICE_ATTR_V0, DDI_NEVERSWAP_ACC,
					 DDI_STRICTORDER_ACC };

#define GX_WORD(gx, page, word) ((uint32_t *)((gx)->regs + (page)*PAGESIZE) + (word))

static void gx_save(gx, ctx) struct gx *gx;
struct gx_ctx *ctx;
{
	int page, word;

	for (page = 0; page < 2; page++)
		for (word = 0; word < GX_CONTEXT; word++)
			ctx->regs[page][word] = ddi_get32(gx->acc, GX_WORD(gx, page, word));
}

static void gx_restore(gx, ctx) struct gx *gx;
struct gx_ctx *ctx;
{
	int page, word;

	for (page = 0; page < 2; page++)
		for (word = 0; word < GX_CONTEXT; word++)
			ddi_put32(gx->acc, GX_WORD(gx, page, word), ctx->regs[page][word]);
}

/* Takes the translations of all handles of the current context away, and saves it. */
static int gx_evict(gx)
struct gx *gx;
{
	register struct gx_map *map;
	int error;

	if (gx->current == NULL)
		return (0);
	for (map = gx->maps; map != NULL; map = map->next)
		if (map->ctx == gx->current &&
		    (error = devmap_unload(map->dhp, map->off, map->len)) != 0)
			return (error);
	gx_save(gx, gx->current);
	gx->current = NULL;
	return (0);
}

/* ARGSUSED */
static int gx_contextmgt(dhp, pvt, off, len, type, rw)
devmap_cookie_t dhp;
void *pvt;
offset_t off;
size_t len;
uint_t type, rw;
{
	struct gx_map *map = (struct gx_map *)pvt;
	struct gx *gx = (struct gx *)ddi_get_soft_state(gx_state, 0);
	int error = 0;

	mutex_enter(&gx->lock);
	if (gx->current != map->ctx && (error = gx_evict(gx)) == 0) {
		gx_restore(gx, map->ctx);
		gx->current = map->ctx;
		gx->switches++;
	}
	if (error == 0)
		error = devmap_load(map->dhp, map->off, map->len, type, rw);
	mutex_exit(&gx->lock);
	return (error);
}

static int gx_access(dhp, pvt, off, len, type, rw)
devmap_cookie_t dhp;
void *pvt;
offset_t off;
size_t len;
uint_t type, rw;
{
	return (devmap_do_ctxmgt(dhp, pvt, off, len, type, rw, gx_contextmgt));
}

static struct gx_map *gx_map_add(gx, ctx, dhp, off, len)
struct gx *gx;
struct gx_ctx *ctx;
devmap_cookie_t dhp;
offset_t off;
size_t len;
{
	struct gx_map *map = (struct gx_map *)kmem_zalloc(sizeof(struct gx_map), KM_SLEEP);

	map->ctx = ctx;
	map->dhp = dhp;
	map->off = off;
	map->len = len;
	map->next = gx->maps;
	gx->maps = map;
	ctx->maps++;
	return (map);
}

static struct gx_ctx *gx_ctx_add(gx)
struct gx *gx;
{
	gx->contexts++;
	return ((struct gx_ctx *)kmem_zalloc(sizeof(struct gx_ctx), KM_SLEEP));
}

/* ARGSUSED */
static int gx_mapped(dhp, dev, flags, off, len, pvtp)
devmap_cookie_t dhp;
dev_t dev;
uint_t flags;
offset_t off;
size_t len;
void **pvtp;
{
	struct gx *gx = (struct gx *)ddi_get_soft_state(gx_state, 0);
	struct gx_ctx *ctx;

	mutex_enter(&gx->lock);
	if (flags & MAP_PRIVATE) {
		ctx = gx_ctx_add(gx);
	} else {
		if (gx->shared == NULL)
			gx->shared = gx_ctx_add(gx);
		ctx = gx->shared;
	}
	*pvtp = (void *)gx_map_add(gx, ctx, dhp, off, len);
	mutex_exit(&gx->lock);
	devmap_set_ctx_timeout(dhp, (clock_t)1);
	return (0);
}

/* ARGSUSED */
static int gx_dup(dhp, pvt, new_dhp, new_pvtp)
devmap_cookie_t dhp, new_dhp;
void *pvt, **new_pvtp;
{
	struct gx_map *map = (struct gx_map *)pvt;
	struct gx *gx = (struct gx *)ddi_get_soft_state(gx_state, 0);
	struct gx_ctx *ctx = map->ctx;

	mutex_enter(&gx->lock);
	if (ctx != gx->shared) {
		ctx = gx_ctx_add(gx);
		if (gx->current == map->ctx)
			gx_save(gx, map->ctx);
		bcopy((caddr_t)map->ctx->regs, (caddr_t)ctx->regs, sizeof(ctx->regs));
	}
	*new_pvtp = (void *)gx_map_add(gx, ctx, new_dhp, map->off, map->len);
	mutex_exit(&gx->lock);
	devmap_set_ctx_timeout(new_dhp, (clock_t)1);
	return (0);
}

static void gx_unmap(dhp, pvt, off, len, new_dhp1, new_pvtp1, new_dhp2,
		     new_pvtp2) devmap_cookie_t dhp,
	new_dhp1, new_dhp2;
void *pvt, **new_pvtp1, **new_pvtp2;
offset_t off;
size_t len;
{
	struct gx_map *map = (struct gx_map *)pvt, **link;
	struct gx *gx = (struct gx *)ddi_get_soft_state(gx_state, 0);
	struct gx_ctx *ctx = map->ctx;

	mutex_enter(&gx->lock);
	if (new_dhp1 != NULL)
		*new_pvtp1 =
			(void *)gx_map_add(gx, ctx, new_dhp1, map->off, (size_t)(off - map->off));
	if (new_dhp2 != NULL)
		*new_pvtp2 = (void *)gx_map_add(gx, ctx, new_dhp2, off + (offset_t)len,
						map->len - len - (size_t)(off - map->off));
	for (link = &gx->maps; *link != map; link = &(*link)->next)
		;
	*link = map->next;
	kmem_free((caddr_t)map, sizeof(*map));
	if (--ctx->maps == 0) {
		if (gx->current == ctx)
			gx->current = NULL;
		if (gx->shared == ctx)
			gx->shared = NULL;
		kmem_free((caddr_t)ctx, sizeof(*ctx));
		gx->contexts--;
	}
	mutex_exit(&gx->lock);
}

static struct devmap_callback_ctl gx_callbacks = { DEVMAP_OPS_REV, gx_mapped, gx_access, gx_dup,
						   gx_unmap };

/* ARGSUSED */
static int gx_devmap(dev, dhp, off, len, maplen, model)
dev_t dev;
devmap_cookie_t dhp;
offset_t off;
size_t len, *maplen;
uint_t model;
{
	struct gx *gx = (struct gx *)ddi_get_soft_state(gx_state, 0);
	offset_t begin = off < GX_SCREEN ? GX_REGS : GX_SCREEN;
	offset_t size = off < GX_SCREEN ? GX_REGS_SIZE : GX_SCREEN_SIZE;

	if (off >= begin + size)
		return (ENXIO);
	len = ptob(btopr(MIN(len, (size_t)(begin + size - off))));
	*maplen = len;
	return (devmap_devmem_setup(dhp, gx->dip, begin == GX_REGS ? &gx_callbacks : NULL,
				    begin == GX_REGS ? 0 : 1, off - begin, len,
				    PROT_READ | PROT_WRITE | PROT_USER, DEVMAP_DEFAULTS, &gx_attr));
}

/* Private and shared mappings differ, so they come here first. */
static int gx_segmap(dev, off, as, addrp, len, prot, maxprot, flags, cred)
dev_t dev;
off_t off;
struct as *as;
caddr_t *addrp;
off_t len;
uint_t prot, maxprot, flags;
cred_t *cred;
{
	return (devmap_setup(dev, (offset_t)off, as, addrp, (size_t)len, prot, maxprot, flags,
			     cred));
}

/* ARGSUSED */
static int gx_ioctl(dev, cmd, arg, mode, cred, rvalp)
dev_t dev;
int cmd, mode, *rvalp;
intptr_t arg;
cred_t *cred;
{
	struct gx *gx = (struct gx *)ddi_get_soft_state(gx_state, 0);
	int error = 0;

	mutex_enter(&gx->lock);
	switch (cmd) {
	case GX_SWITCHES:
		*rvalp = gx->switches;
		break;
	case GX_CONTEXTS:
		*rvalp = gx->contexts;
		break;
	default:
		error = ENOTTY;
	}
	mutex_exit(&gx->lock);
	return (error);
}

static int gx_attach(dip, cmd)
dev_info_t *dip;
ddi_attach_cmd_t cmd;
{
	struct gx *gx;

	if (cmd != DDI_ATTACH || ddi_soft_state_zalloc(gx_state, 0) != DDI_SUCCESS)
		return (DDI_FAILURE);
	gx = (struct gx *)ddi_get_soft_state(gx_state, 0);
	gx->dip = dip;
	if (ddi_regs_map_setup(dip, 0, &gx->regs, (offset_t)0, (offset_t)GX_REGS_SIZE, &gx_attr,
			       &gx->acc) != DDI_SUCCESS) {
		ddi_soft_state_free(gx_state, 0);
		return (DDI_FAILURE);
	}
	mutex_init(&gx->lock, "gx", MUTEX_DRIVER, NULL);
	if (ddi_create_minor_node(dip, "gx0", S_IFCHR, 0, DDI_NT_DISPLAY, 0) == DDI_SUCCESS)
		return (DDI_SUCCESS);
	mutex_destroy(&gx->lock);
	ddi_regs_map_free(&gx->acc);
	ddi_soft_state_free(gx_state, 0);
	return (DDI_FAILURE);
}

static int gx_detach(dip, cmd)
dev_info_t *dip;
ddi_detach_cmd_t cmd;
{
	struct gx *gx = (struct gx *)ddi_get_soft_state(gx_state, 0);

	if (cmd != DDI_DETACH)
		return (DDI_FAILURE);
	ddi_remove_minor_node(dip, NULL);
	mutex_destroy(&gx->lock);
	ddi_regs_map_free(&gx->acc);
	ddi_soft_state_free(gx_state, 0);
	return (DDI_SUCCESS);
}

static struct cb_ops gx_cb_ops = { nulldev,	nulldev,   nodev,
				   nodev,	nodev,	   nodev,
				   nodev,	gx_ioctl,  gx_devmap,
				   nodev,	gx_segmap, nochpoll,
				   ddi_prop_op, NULL,	   D_NEW | D_MP | D_DEVMAP };

static struct dev_ops gx_ops = { DEVO_REV,  0,	       ddi_no_info, nulldev,   nulldev,
				 gx_attach, gx_detach, nodev,	    &gx_cb_ops };

static struct modldrv gx_modldrv = { &mod_driverops, "gx frame buffer 1.0", &gx_ops };
static struct modlinkage gx_modlinkage = { MODREV_1, { (void *)&gx_modldrv, NULL } };

int _init()
{
	int error;

	if ((error = ddi_soft_state_init(&gx_state, sizeof(struct gx), 1)) != 0)
		return (error);
	if ((error = mod_install(&gx_modlinkage)) != 0)
		ddi_soft_state_fini(&gx_state);
	return (error);
}

int _fini()
{
	int error;

	if ((error = mod_remove(&gx_modlinkage)) == 0)
		ddi_soft_state_fini(&gx_state);
	return (error);
}

int _info(modinfop)
struct modinfo *modinfop;
{
	return (mod_info(&gx_modlinkage, modinfop));
}
