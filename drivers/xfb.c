/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * xfb: driver of an accelerated frame buffer, models/xfbhw.c. doc/xfb.md describes the device.
 *
 * CONTEXTS
 *   A context is what a process has in the device: all registers from XFB_STATE on, and with the
 *   property virtual-screens the screen memory too. It exists while the process has a mapping that
 *   is switched, and all such mappings of a process share it.
 *
 *   The address space keys it (devmap_get_as_key(); on Solaris the process id, which may come
 *   again). A fork makes a copy (devmap_dup), which has no key until the child touches the device.
 *   Should the child map the device anew before that, then this mapping has a context of its own.
 *   MAP_PRIVATE asks for what is so anyway.
 *
 *   A record of type xfb_map stands for each handle; it is the driver's private data (pvtp). The
 *   context goes with its last record.
 *
 * SWITCHING
 *   xfb_current is the context whose values are in the device. To replace it: make all its mappings
 *   invalid, wait until the engine is idle (nobody can start it any more), save, restore the next.
 *   The operation in flight belongs to the context that began it, so it ends there. If it does not
 *   end in time, nothing has been lost: the context stays, the access that asked fails.
 *
 * LOCK
 *   xfb_lock guards all but what attach(9E) sets once. It is held across devmap_load(9F) and
 *   devmap_unload(9F), and while waiting for the engine; never across ddi_copyin(9F) or uiomove(9F),
 *   which may touch a mapping of this very device.
 *
 * PROPERTIES
 *   virtual-screens   0: one screen for all; 1: a screen for each process
 *   hold-ms           how long a process keeps the device once granted (default 0)
 *   overhead-percent  or: let the engine choose (default 0: do not)
 *   switch-ioctl      1: XFBIO_SWITCH, which respects no hold, for comparison (default 0)
 *   width, height     are the hardware's
 */
#include <sys/types.h>
#include <sys/param.h>
#include <sys/sysmacros.h>
#include <sys/errno.h>
#include <sys/debug.h>
#include <sys/conf.h>
#include <sys/cred.h>
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/ksynch.h>
#include <sys/mman.h>
#include <sys/modctl.h>
#include <sys/open.h>
#include <sys/stat.h>
#include <sys/systm.h>
#include <sys/uio.h>
#include <sys/cmn_err.h>
#include <sys/ddi.h>
#include <sys/sunddi.h>

#include "fbdev.h"
#include "xfb.h"

#define XFB_SET_REGS   0 /* register sets */
#define XFB_SET_SCREEN 1

#define XFB_NSTATE     ((XFB_REGISTERS_SIZE - XFB_STATE) / 4)
#define XFB_IDLE_NS    NANOSEC		/* an operation in flight may take so long */
#define XFB_SPIN_NS    (NANOSEC / 1000) /* of that without sleeping */
#define XFB_AROUND     16		/* pages of a virtual screen loaded at once */

struct xfb_map {
	struct xfb_map *map_next; /* of this context */
	struct xfb_ctx *map_ctx;
	devmap_cookie_t map_dhp;
	offset_t map_off; /* in the logical device: screen, then registers */
	size_t map_len;
	uint_t map_fork; /* the last fork that duplicated it */
};

struct xfb_ctx {
	struct xfb_ctx *ctx_next; /* of this device */
	struct xfb *ctx_xfb;
	uint64_t ctx_key; /* 0: a fork made it, nobody has come yet */
	struct xfb_map *ctx_maps;
	uint_t ctx_fork;		/* forks are told apart by number */
	struct xfb_ctx *ctx_child;	/* the copy for fork ctx_fork; NULL: none yet */
	uint32_t ctx_state[XFB_NSTATE]; /* registers, while they are not in the device */
	/* With virtual screens: */
	caddr_t ctx_screen;	 /* the screen, while it is not in the device */
	uchar_t *ctx_dirty;	 /* a byte a page: ctx_screen may be older than it */
	uint32_t ctx_operations; /* XFB_OPERATIONS when ctx_screen was as the device */
};

struct xfb {
	dev_info_t *xfb_dip;
	ddi_acc_handle_t xfb_regs_acc, xfb_screen_acc;
	caddr_t xfb_regs, xfb_screen;
	uint32_t xfb_width, xfb_height, xfb_pitch;
	size_t xfb_memory; /* bytes of screen memory, whole pages */
	boolean_t xfb_virtual;
	boolean_t xfb_switch_ioctl;
	clock_t xfb_hold; /* ticks */
	uint_t xfb_overhead;
	kmutex_t xfb_lock;
	struct xfb_ctx *xfb_ctxs;
	struct xfb_ctx *xfb_current; /* NULL: what is in the device belongs to nobody */
};

static void *xfb_softstate;

static ddi_device_acc_attr_t xfb_attr = {
	.devacc_attr_version = DDI_DEVICE_ATTR_V0,
	.devacc_attr_endian_flags = DDI_NEVERSWAP_ACC,
	.devacc_attr_dataorder = DDI_STRICTORDER_ACC,
};

static struct xfb *xfb_get(dev_t dev)
{
	return ddi_get_soft_state(xfb_softstate, (int)getminor(dev));
}

/* Hardware. */

static uint32_t xfb_reg(struct xfb *xfb, uint_t reg)
{
	return ddi_get32(xfb->xfb_regs_acc, (uint32_t *)(xfb->xfb_regs + reg));
}

/* Between the screen in the device and buf. Words where possible: a byte at a time is slow. */
static void xfb_screen_read(struct xfb *xfb, size_t off, void *buf, size_t len)
{
	caddr_t from = xfb->xfb_screen + off;

	if (((off | len) & 3) == 0)
		ddi_rep_get32(xfb->xfb_screen_acc, buf, (uint32_t *)from, len / 4,
			      DDI_DEV_AUTOINCR);
	else
		ddi_rep_get8(xfb->xfb_screen_acc, buf, (uint8_t *)from, len, DDI_DEV_AUTOINCR);
}

static void xfb_screen_write(struct xfb *xfb, size_t off, void *buf, size_t len)
{
	caddr_t to = xfb->xfb_screen + off;

	if (((off | len) & 3) == 0)
		ddi_rep_put32(xfb->xfb_screen_acc, buf, (uint32_t *)to, len / 4, DDI_DEV_AUTOINCR);
	else
		ddi_rep_put8(xfb->xfb_screen_acc, buf, (uint8_t *)to, len, DDI_DEV_AUTOINCR);
}

/*
 * Waits for the end of the operation in flight. Most take microseconds, so do not sleep at first.
 * The caller has seen to it that no other can begin.
 */
static int xfb_wait_idle(struct xfb *xfb)
{
	hrtime_t begun = gethrtime();

	while (xfb_reg(xfb, XFB_STATUS) & XFB_BUSY) {
		hrtime_t waited = gethrtime() - begun;

		if (waited > XFB_IDLE_NS) {
			cmn_err(CE_WARN,
				"xfb%d: the engine is busy for more than %d ms: "
				"cannot switch",
				ddi_get_instance(xfb->xfb_dip),
				(int)(XFB_IDLE_NS / (NANOSEC / MILLISEC)));
			return EIO;
		}
		if (waited < XFB_SPIN_NS)
			drv_usecwait(1);
		else
			delay(1);
	}
	return 0;
}

/* Contexts. All of these are called with xfb_lock held. */

/* Whose context: dhp's, or, for NULL, that of the process that is being served. */
static uint64_t xfb_key(devmap_cookie_t dhp)
{
#ifdef DEVMAP_EXTENSIONS
	return devmap_get_as_key(dhp);
#else
	return (uint64_t)ddi_get_pid();
#endif
}

static struct xfb_ctx *xfb_ctx_find(struct xfb *xfb, uint64_t key)
{
	struct xfb_ctx *ctx = xfb->xfb_ctxs;

	while (ctx != NULL && ctx->ctx_key != key)
		ctx = ctx->ctx_next;
	return ctx;
}

static void xfb_set(struct xfb_ctx *ctx, uint_t reg, uint32_t value)
{
	ctx->ctx_state[(reg - XFB_STATE) / 4] = value;
}

/* What a process finds that opens the device: a drawing surface that is the whole screen. */
static void xfb_ctx_reset(struct xfb *xfb, struct xfb_ctx *ctx)
{
	xfb_set(ctx, XFB_FOREGROUND, 0xffffff);
	xfb_set(ctx, XFB_ROP, XFB_ROP_COPY);
	xfb_set(ctx, XFB_PATTERN, 0xffffffff);
	xfb_set(ctx, XFB_CLIP_WIDTH, xfb->xfb_width);
	xfb_set(ctx, XFB_CLIP_HEIGHT, xfb->xfb_height);
	xfb_set(ctx, XFB_DST_PITCH, xfb->xfb_pitch);
}

/* NULL: no memory for its screen, which is big enough to be refused. */
static struct xfb_ctx *xfb_ctx_new(struct xfb *xfb, uint64_t key)
{
	struct xfb_ctx *ctx = kmem_zalloc(sizeof(*ctx), KM_SLEEP);

	if (xfb->xfb_virtual) {
		ctx->ctx_screen = kmem_zalloc(xfb->xfb_memory, KM_NOSLEEP);
		if (ctx->ctx_screen == NULL) {
			kmem_free(ctx, sizeof(*ctx));
			return NULL;
		}
		ctx->ctx_dirty = kmem_zalloc(btop(xfb->xfb_memory), KM_SLEEP);
	}
	xfb_ctx_reset(xfb, ctx);
	ctx->ctx_xfb = xfb;
	ctx->ctx_key = key;
	ctx->ctx_next = xfb->xfb_ctxs;
	xfb->xfb_ctxs = ctx;
	return ctx;
}

static void xfb_ctx_free(struct xfb *xfb, struct xfb_ctx *ctx)
{
	struct xfb_ctx **link = &xfb->xfb_ctxs;

	while (*link != ctx)
		link = &(*link)->ctx_next;
	*link = ctx->ctx_next;
	for (struct xfb_ctx *other = xfb->xfb_ctxs; other != NULL; other = other->ctx_next) {
		if (other->ctx_child == ctx)
			other->ctx_child = NULL;
	}
	if (xfb->xfb_current == ctx)
		xfb->xfb_current = NULL;
	if (xfb->xfb_virtual) {
		kmem_free(ctx->ctx_screen, xfb->xfb_memory);
		kmem_free(ctx->ctx_dirty, btop(xfb->xfb_memory));
	}
	kmem_free(ctx, sizeof(*ctx));
}

/* The next devmap_dup(9E) of this context is the first of another fork. */
static void xfb_fork_over(struct xfb_ctx *ctx)
{
	ctx->ctx_fork++;
	ctx->ctx_child = NULL;
}

static struct xfb_map *xfb_map_add(struct xfb_ctx *ctx, devmap_cookie_t dhp, offset_t off,
				   size_t len)
{
	struct xfb_map *map = kmem_zalloc(sizeof(*map), KM_SLEEP);

	map->map_ctx = ctx;
	map->map_dhp = dhp;
	map->map_off = off;
	map->map_len = len;
	map->map_next = ctx->ctx_maps;
	ctx->ctx_maps = map;
	return map;
}

static void xfb_map_drop(struct xfb_map *map)
{
	struct xfb_ctx *ctx = map->map_ctx;
	struct xfb_map **link = &ctx->ctx_maps;

	while (*link != map)
		link = &(*link)->map_next;
	*link = map->map_next;
	kmem_free(map, sizeof(*map));
	if (ctx->ctx_maps == NULL)
		xfb_ctx_free(ctx->ctx_xfb, ctx);
}

/* Keeps the process of the current context from the device, and has its last operation end. */
static int xfb_quiet(struct xfb *xfb)
{
	struct xfb_ctx *ctx = xfb->xfb_current;
	int error;

	for (struct xfb_map *map = ctx != NULL ? ctx->ctx_maps : NULL; map != NULL;
	     map = map->map_next) {
		error = devmap_unload(map->map_dhp, map->map_off, map->map_len);
		if (error != 0)
			return error;
	}
	return xfb_wait_idle(xfb);
}

/* Saves the pages that may differ: all when the engine has drawn, otherwise those loaded. */
static void xfb_save_screen(struct xfb *xfb, struct xfb_ctx *ctx)
{
	uint32_t operations = xfb_reg(xfb, XFB_OPERATIONS);
	boolean_t all = operations != ctx->ctx_operations;

	for (size_t page = 0; page < btop(xfb->xfb_memory); page++) {
		if (all || ctx->ctx_dirty[page])
			xfb_screen_read(xfb, ptob(page), ctx->ctx_screen + ptob(page), PAGESIZE);
		ctx->ctx_dirty[page] = 0;
	}
	ctx->ctx_operations = operations;
}

/* The device is quiet. */
static void xfb_save(struct xfb *xfb, struct xfb_ctx *ctx)
{
	ddi_rep_get32(xfb->xfb_regs_acc, ctx->ctx_state, (uint32_t *)(xfb->xfb_regs + XFB_STATE),
		      XFB_NSTATE, DDI_DEV_AUTOINCR);
	if (xfb->xfb_virtual)
		xfb_save_screen(xfb, ctx);
}

static void xfb_restore(struct xfb *xfb, struct xfb_ctx *ctx)
{
	ddi_rep_put32(xfb->xfb_regs_acc, ctx->ctx_state, (uint32_t *)(xfb->xfb_regs + XFB_STATE),
		      XFB_NSTATE, DDI_DEV_AUTOINCR);
	if (xfb->xfb_virtual) {
		xfb_screen_write(xfb, 0, ctx->ctx_screen, xfb->xfb_memory);
		ctx->ctx_operations = xfb_reg(xfb, XFB_OPERATIONS);
	}
}

static int xfb_switch(struct xfb *xfb, struct xfb_ctx *next)
{
	int error = xfb_quiet(xfb);

	if (error != 0)
		return error;
	if (xfb->xfb_current != NULL)
		xfb_save(xfb, xfb->xfb_current);
	xfb_restore(xfb, next);
	xfb->xfb_current = next;
	return 0;
}

/* A copy for a child, of the state as it is now: the parent may be using the device. */
static int xfb_ctx_copy(struct xfb *xfb, struct xfb_ctx *parent, struct xfb_ctx **out)
{
	struct xfb_ctx *child;

	if (xfb->xfb_current == parent) {
		int error = xfb_quiet(xfb);

		if (error != 0)
			return error;
		xfb_save(xfb, parent);
	}
	child = xfb_ctx_new(xfb, 0);
	if (child == NULL)
		return ENOMEM;
	bcopy(parent->ctx_state, child->ctx_state, sizeof(child->ctx_state));
	if (xfb->xfb_virtual)
		bcopy(parent->ctx_screen, child->ctx_screen, xfb->xfb_memory);
	*out = child;
	return 0;
}

/* Mappings. */

/*
 * A screen has hundreds of pages: for an ordinary access load some around the one that was touched.
 * A lock is for exactly what it says.
 */
static int xfb_load(struct xfb *xfb, struct xfb_map *map, offset_t off, size_t len, uint_t type,
		    uint_t rw)
{
	offset_t end = off + (offset_t)len;
	int error;

	if ((size_t)off >= xfb->xfb_memory)
		return devmap_load(map->map_dhp, off, len, type, rw);
	if (type == DEVMAP_ACCESS) {
		off = MAX(P2ALIGN(off, (offset_t)ptob(XFB_AROUND)), map->map_off);
		end = MIN(P2ROUNDUP(end, (offset_t)ptob(XFB_AROUND)),
			  map->map_off + (offset_t)map->map_len);
	}
	error = devmap_load(map->map_dhp, off, (size_t)(end - off), type, rw);
	if (error != 0)
		return error;
	for (; off < end; off += PAGESIZE)
		map->map_ctx->ctx_dirty[btop((ulong_t)off)] = 1;
	return 0;
}

static int xfb_contextmgt(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len, uint_t type,
			  uint_t rw)
{
	struct xfb_map *map = pvtp;
	struct xfb_ctx *ctx = map->map_ctx;
	struct xfb *xfb = ctx->ctx_xfb;
	int error = 0;

	mutex_enter(&xfb->xfb_lock);
	if (ctx->ctx_key == 0)
		ctx->ctx_key = xfb_key(dhp);
	if (xfb->xfb_current != ctx)
		error = xfb_switch(xfb, ctx);
	if (error == 0)
		error = xfb_load(xfb, map, off, len, type, rw);
	mutex_exit(&xfb->xfb_lock);
	return error;
}

static int xfb_devmap_access(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len, uint_t type,
			     uint_t rw)
{
	return devmap_do_ctxmgt(dhp, pvtp, off, len, type, rw, xfb_contextmgt);
}

static int xfb_devmap_map(devmap_cookie_t dhp, dev_t dev, uint_t flags, offset_t off, size_t len,
			  void **pvtp)
{
	struct xfb *xfb = xfb_get(dev);
	uint64_t key = xfb_key(dhp);
	struct xfb_ctx *ctx;

	mutex_enter(&xfb->xfb_lock);
	ctx = xfb_ctx_find(xfb, key);
	if (ctx == NULL)
		ctx = xfb_ctx_new(xfb, key);
	if (ctx != NULL) {
		xfb_fork_over(ctx);
		*pvtp = xfb_map_add(ctx, dhp, off, len);
	}
	mutex_exit(&xfb->xfb_lock);
	if (ctx == NULL)
		return ENOMEM;
	devmap_set_ctx_timeout(dhp, xfb->xfb_hold);
#ifdef DEVMAP_EXTENSIONS
	if (xfb->xfb_overhead != 0)
		(void)devmap_set_ctx_overhead(dhp, xfb->xfb_overhead);
#endif
	return 0;
}

/*
 * Called once for each handle that a fork copies; all copies of one context's handles share one new
 * context. A handle that has been copied already tells that another fork has begun.
 */
static int xfb_devmap_dup(devmap_cookie_t dhp, void *pvtp, devmap_cookie_t new_dhp, void **new_pvtp)
{
	struct xfb_map *map = pvtp;
	struct xfb_ctx *ctx = map->map_ctx;
	struct xfb *xfb = ctx->ctx_xfb;
	int error = 0;

	mutex_enter(&xfb->xfb_lock);
	if (map->map_fork == ctx->ctx_fork)
		xfb_fork_over(ctx);
	if (ctx->ctx_child == NULL)
		error = xfb_ctx_copy(xfb, ctx, &ctx->ctx_child);
	if (error == 0) {
		map->map_fork = ctx->ctx_fork;
		*new_pvtp = xfb_map_add(ctx->ctx_child, new_dhp, map->map_off, map->map_len);
	}
	mutex_exit(&xfb->xfb_lock);
	return error;
}

/* What remains on either side of the hole gets a record of its own; the old one always goes. */
static void xfb_devmap_unmap(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len,
			     devmap_cookie_t new_dhp1, void **new_pvtp1, devmap_cookie_t new_dhp2,
			     void **new_pvtp2)
{
	struct xfb_map *map = pvtp;
	struct xfb_ctx *ctx = map->map_ctx;
	struct xfb *xfb = ctx->ctx_xfb;
	offset_t begin = map->map_off, end = map->map_off + (offset_t)map->map_len;
	offset_t hole_end = off + (offset_t)len;

	mutex_enter(&xfb->xfb_lock);
	xfb_fork_over(ctx);
	if (new_dhp1 != NULL)
		*new_pvtp1 = xfb_map_add(ctx, new_dhp1, begin, (size_t)(off - begin));
	if (new_dhp2 != NULL)
		*new_pvtp2 = xfb_map_add(ctx, new_dhp2, hole_end, (size_t)(end - hole_end));
	xfb_map_drop(map);
	mutex_exit(&xfb->xfb_lock);
}

static struct devmap_callback_ctl xfb_devmap_ops = {
	.devmap_rev = DEVMAP_OPS_REV,
	.devmap_map = xfb_devmap_map,
	.devmap_access = xfb_devmap_access,
	.devmap_dup = xfb_devmap_dup,
	.devmap_unmap = xfb_devmap_unmap,
};

/* The screen, then the registers. A shared screen is plain memory: nobody needs to be asked. */
static int xfb_devmap(dev_t dev, devmap_cookie_t dhp, offset_t off, size_t len, size_t *maplen,
		      uint_t model)
{
	struct xfb *xfb = xfb_get(dev);
	struct devmap_callback_ctl *ops = &xfb_devmap_ops;
	uint_t set = XFB_SET_SCREEN;
	size_t left, roff;

	if (xfb == NULL)
		return ENXIO;
	if (off < 0 || (size_t)off >= xfb->xfb_memory + XFB_REGISTERS_SIZE)
		return EINVAL;
	roff = (size_t)off;
	left = xfb->xfb_memory - roff;
	if (roff >= xfb->xfb_memory) {
		set = XFB_SET_REGS;
		roff -= xfb->xfb_memory;
		left = XFB_REGISTERS_SIZE - roff;
	} else if (!xfb->xfb_virtual) {
		ops = NULL;
	}
	len = MIN(ptob(btopr(len)), left);
	if (devmap_devmem_setup(dhp, xfb->xfb_dip, ops, set, (offset_t)roff, len,
				PROT_READ | PROT_WRITE | PROT_USER, DEVMAP_DEFAULTS,
				&xfb_attr) != DDI_SUCCESS)
		return ENXIO;
	*maplen = len;
	return 0;
}

/* read(2), write(2) of the screen. */

/*
 * A process that has a screen of its own reads and writes that one, wherever it is now. Without one
 * (it has not mapped the device) it reads what the device shows, and has nowhere to write: ENXIO. With
 * len 0 that is all that is found out.
 */
static int xfb_transfer(struct xfb *xfb, size_t off, caddr_t buf, size_t len, enum uio_rw rw)
{
	struct xfb_ctx *ctx;
	int error = 0;

	mutex_enter(&xfb->xfb_lock);
	ctx = xfb->xfb_virtual ? xfb_ctx_find(xfb, xfb_key(NULL)) : NULL;
	if (xfb->xfb_virtual && ctx == NULL && rw == UIO_WRITE) {
		error = ENXIO;
	} else if (len == 0) {
		/* nothing to move */
	} else if (ctx != NULL && ctx != xfb->xfb_current) {
		if (rw == UIO_READ)
			bcopy(ctx->ctx_screen + off, buf, len);
		else
			bcopy(buf, ctx->ctx_screen + off, len);
	} else if (rw == UIO_READ) {
		xfb_screen_read(xfb, off, buf, len);
	} else {
		xfb_screen_write(xfb, off, buf, len);
		if (ctx != NULL)
			ctx->ctx_dirty[btop(off)] = 1;
	}
	mutex_exit(&xfb->xfb_lock);
	return error;
}

/* A page of the screen or less. */
static int xfb_move(struct xfb *xfb, uio_t *uio, caddr_t buf, enum uio_rw rw)
{
	size_t off = (size_t)uio->uio_loffset;
	size_t len = MIN((size_t)uio->uio_resid, PAGESIZE - (off & PAGEOFFSET));
	int error;

	if (rw == UIO_READ) {
		error = xfb_transfer(xfb, off, buf, len, rw);
		return error != 0 ? error : uiomove(buf, len, rw, uio);
	}
	error = uiomove(buf, len, rw, uio);
	return error != 0 ? error : xfb_transfer(xfb, off, buf, len, rw);
}

/* Nothing of what a process wants to write is taken from it before it is known where to put it. */
static int xfb_may_write(struct xfb *xfb, const uio_t *uio)
{
	if (uio->uio_resid > 0 && (size_t)uio->uio_loffset >= xfb->xfb_memory)
		return ENOSPC;
	return xfb_transfer(xfb, 0, NULL, 0, UIO_WRITE);
}

static int xfb_rdwr(dev_t dev, uio_t *uio, enum uio_rw rw)
{
	struct xfb *xfb = xfb_get(dev);
	caddr_t buf;
	int error;

	if (xfb == NULL)
		return ENXIO;
	if (uio->uio_loffset < 0)
		return EINVAL;
	error = rw == UIO_WRITE ? xfb_may_write(xfb, uio) : 0;
	if (error != 0)
		return error;
	buf = kmem_alloc(PAGESIZE, KM_SLEEP);
	while (error == 0 && uio->uio_resid > 0 && (size_t)uio->uio_loffset < xfb->xfb_memory)
		error = xfb_move(xfb, uio, buf, rw);
	kmem_free(buf, PAGESIZE);
	return error;
}

static int xfb_read(dev_t dev, uio_t *uio, cred_t *credp)
{
	return xfb_rdwr(dev, uio, UIO_READ);
}

static int xfb_write(dev_t dev, uio_t *uio, cred_t *credp)
{
	return xfb_rdwr(dev, uio, UIO_WRITE);
}

/* ioctl(2). */

/* A switch that is asked for, without the access, and the waiting for a turn, that cause others. */
static int xfb_switch_to_caller(struct xfb *xfb)
{
	struct xfb_ctx *ctx;
	int error = 0;

	mutex_enter(&xfb->xfb_lock);
	ctx = xfb_ctx_find(xfb, xfb_key(NULL));
	if (ctx == NULL)
		error = ENXIO;
	else if (ctx != xfb->xfb_current)
		error = xfb_switch(xfb, ctx);
	mutex_exit(&xfb->xfb_lock);
	return error;
}

static int xfb_ioctl(dev_t dev, int cmd, intptr_t arg, int mode, cred_t *credp, int *rvalp)
{
	struct xfb *xfb = xfb_get(dev);
	struct fbdev fb;

	if (xfb == NULL)
		return ENXIO;
	if (cmd == FBDEV_BLANK) /* nobody looks at this screen in the dark */
		return arg < 0 || arg > FBDEV_BLANK_MAX ? EINVAL : 0;
	if (cmd == XFBIO_SWITCH)
		return xfb->xfb_switch_ioctl ? xfb_switch_to_caller(xfb) : ENOTTY;
	fb.name = "xfb";
	fb.instance = ddi_get_instance(xfb->xfb_dip);
	fb.width = xfb->xfb_width;
	fb.height = xfb->xfb_height;
	fb.pitch = xfb->xfb_pitch;
	fb.smem_len = xfb->xfb_memory;
	fb.mmio_len = XFB_REGISTERS_SIZE;
	return fbdev_ioctl(&fb, cmd, arg, mode);
}

/* The device comes and goes. */

static int xfb_open(dev_t *devp, int flag, int otyp, cred_t *credp)
{
	if (otyp != OTYP_CHR)
		return EINVAL;
	return xfb_get(*devp) != NULL ? 0 : ENXIO;
}

static int xfb_close(dev_t dev, int flag, int otyp, cred_t *credp)
{
	return 0;
}

static int xfb_getinfo(dev_info_t *dip, ddi_info_cmd_t cmd, void *arg, void **resultp)
{
	dev_t dev = (dev_t)(uintptr_t)arg;
	struct xfb *xfb = xfb_get(dev);

	switch (cmd) {
	case DDI_INFO_DEVT2DEVINFO:
		if (xfb == NULL)
			return DDI_FAILURE;
		*resultp = xfb->xfb_dip;
		return DDI_SUCCESS;
	case DDI_INFO_DEVT2INSTANCE:
		*resultp = (void *)(uintptr_t)getminor(dev);
		return DDI_SUCCESS;
	default:
		return DDI_FAILURE;
	}
}

static int xfb_prop(dev_info_t *dip, const char *name)
{
	return ddi_prop_get_int(DDI_DEV_T_ANY, dip, DDI_PROP_DONTPASS, name, 0);
}

static void xfb_unmap_hardware(struct xfb *xfb)
{
	if (xfb->xfb_screen_acc != NULL)
		ddi_regs_map_free(&xfb->xfb_screen_acc);
	if (xfb->xfb_regs_acc != NULL)
		ddi_regs_map_free(&xfb->xfb_regs_acc);
}

/* Finds both register sets and asks the hardware what it is, believing only what can be. */
static int xfb_map_hardware(struct xfb *xfb)
{
	off_t size;

	if (ddi_regs_map_setup(xfb->xfb_dip, XFB_SET_REGS, &xfb->xfb_regs, 0, XFB_REGISTERS_SIZE,
			       &xfb_attr, &xfb->xfb_regs_acc) != DDI_SUCCESS)
		return DDI_FAILURE;
	if (xfb_reg(xfb, XFB_ID) != XFB_MAGIC ||
	    ddi_dev_regsize(xfb->xfb_dip, XFB_SET_SCREEN, &size) != DDI_SUCCESS)
		return DDI_FAILURE;
	xfb->xfb_width = xfb_reg(xfb, XFB_WIDTH);
	xfb->xfb_height = xfb_reg(xfb, XFB_HEIGHT);
	xfb->xfb_pitch = xfb_reg(xfb, XFB_PITCH);
	xfb->xfb_memory = xfb_reg(xfb, XFB_MEMORY);
	if (xfb->xfb_memory > (size_t)size || (xfb->xfb_memory & PAGEOFFSET) != 0 ||
	    (uint64_t)xfb->xfb_width * 4 > xfb->xfb_pitch ||
	    (uint64_t)xfb->xfb_pitch * xfb->xfb_height > xfb->xfb_memory)
		return DDI_FAILURE;
	return ddi_regs_map_setup(xfb->xfb_dip, XFB_SET_SCREEN, &xfb->xfb_screen, 0,
				  (offset_t)xfb->xfb_memory, &xfb_attr, &xfb->xfb_screen_acc);
}

static int xfb_attach(dev_info_t *dip, ddi_attach_cmd_t cmd)
{
	int instance = ddi_get_instance(dip);
	char name[16];
	struct xfb *xfb;

	if (cmd != DDI_ATTACH)
		return DDI_FAILURE;
	if (ddi_soft_state_zalloc(xfb_softstate, instance) != DDI_SUCCESS)
		return DDI_FAILURE;
	xfb = ddi_get_soft_state(xfb_softstate, instance);
	xfb->xfb_dip = dip;
	xfb->xfb_virtual = xfb_prop(dip, "virtual-screens") != 0;
	xfb->xfb_switch_ioctl = xfb_prop(dip, "switch-ioctl") != 0;
	xfb->xfb_hold = drv_usectohz((clock_t)xfb_prop(dip, "hold-ms") * 1000);
	xfb->xfb_overhead = (uint_t)xfb_prop(dip, "overhead-percent");
	mutex_init(&xfb->xfb_lock, NULL, MUTEX_DRIVER, NULL);
	(void)snprintf(name, sizeof(name), "xfb%d", instance);
	if (xfb_map_hardware(xfb) == DDI_SUCCESS &&
	    ddi_create_minor_node(dip, name, S_IFCHR, (minor_t)instance, DDI_NT_DISPLAY, 0) ==
		    DDI_SUCCESS) {
		ddi_report_dev(dip);
		return DDI_SUCCESS;
	}
	cmn_err(CE_WARN, "xfb%d: the hardware does not answer as an xfb does", instance);
	xfb_unmap_hardware(xfb);
	mutex_destroy(&xfb->xfb_lock);
	ddi_soft_state_free(xfb_softstate, instance);
	return DDI_FAILURE;
}

static int xfb_detach(dev_info_t *dip, ddi_detach_cmd_t cmd)
{
	int instance = ddi_get_instance(dip);
	struct xfb *xfb = ddi_get_soft_state(xfb_softstate, instance);

	if (cmd != DDI_DETACH || xfb == NULL || xfb->xfb_ctxs != NULL)
		return DDI_FAILURE;
	ddi_remove_minor_node(dip, NULL);
	xfb_unmap_hardware(xfb);
	mutex_destroy(&xfb->xfb_lock);
	ddi_soft_state_free(xfb_softstate, instance);
	return DDI_SUCCESS;
}

static struct cb_ops xfb_cb_ops = {
	.cb_open = xfb_open,
	.cb_close = xfb_close,
	.cb_strategy = nodev,
	.cb_print = nodev,
	.cb_dump = nodev,
	.cb_read = xfb_read,
	.cb_write = xfb_write,
	.cb_ioctl = xfb_ioctl,
	.cb_devmap = xfb_devmap,
	.cb_mmap = nodev,
	.cb_segmap = ddi_devmap_segmap,
	.cb_chpoll = nochpoll,
	.cb_prop_op = ddi_prop_op,
	.cb_str = NULL,
	.cb_flag = D_NEW | D_MP | D_64BIT | D_DEVMAP,
	.cb_rev = CB_REV,
	.cb_aread = nodev,
	.cb_awrite = nodev,
};

static struct dev_ops xfb_dev_ops = {
	.devo_rev = DEVO_REV,
	.devo_getinfo = xfb_getinfo,
	.devo_identify = nulldev,
	.devo_probe = nulldev,
	.devo_attach = xfb_attach,
	.devo_detach = xfb_detach,
	.devo_reset = nodev,
	.devo_cb_ops = &xfb_cb_ops,
	.devo_quiesce = ddi_quiesce_not_needed,
};

static struct modldrv xfb_modldrv = { &mod_driverops, "accelerated frame buffer", &xfb_dev_ops };

static struct modlinkage xfb_modlinkage = { MODREV_1, { &xfb_modldrv, NULL } };

int _init(void)
{
	int error = ddi_soft_state_init(&xfb_softstate, sizeof(struct xfb), 1);

	if (error != 0)
		return error;
	error = mod_install(&xfb_modlinkage);
	if (error != 0)
		ddi_soft_state_fini(&xfb_softstate);
	return error;
}

int _fini(void)
{
	int error = mod_remove(&xfb_modlinkage);

	if (error == 0)
		ddi_soft_state_fini(&xfb_softstate);
	return error;
}

int _info(struct modinfo *modinfo)
{
	return mod_info(&xfb_modlinkage, modinfo);
}
