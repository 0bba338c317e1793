/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * xfb: driver of an accelerated frame buffer, models/xfbhw.c. doc/xfb.md describes the device.
 *
 * CONTEXTS
 *   A context is what a process has in the device: all registers from XFB_STATE on, and with the
 *   property virtual-screens the screen memory too, and what the display shows of it and how (the
 *   mode). It exists while the process has a mapping that is switched, and all such mappings of a
 *   process share it.
 *
 *   Programs choose a mode before they map the screen, when they have no context. That is the mode of
 *   the context to come (a wish), and, as Linux has it, of whatever begins after it.
 *
 *   <devmap/context.h> keeps the contexts: it finds them by address space, and copies them in a fork.
 *   MAP_PRIVATE asks for what is so anyway.
 *
 * SWITCHING
 *   The owner is the context whose values are in the device. To replace it: make all its mappings
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
 *   depth             bits a pixel at first: 16, 24 or 32 (default 32)
 *   width, height, buffers  are the hardware's
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
#include <devmap/context.h>

#include "fbdev.h"
#include "xfb.h"

#define XFB_SET_REGS	0 /* register sets */
#define XFB_SET_SCREEN	1
#define XFB_SET_DISPLAY 2

#define XFB_NSTATE	((XFB_REGISTERS_SIZE - XFB_STATE) / 4)
#define XFB_IDLE_NS	NANOSEC		 /* an operation in flight may take so long */
#define XFB_SPIN_NS	(NANOSEC / 1000) /* of that without sleeping */
#define XFB_AROUND	16		 /* pages of a virtual screen loaded at once */
#define XFB_NWISH	8		 /* processes between choosing a mode and mapping */
#define XFB_UNKNOWN	UINT64_MAX	 /* no context has this serial number */

/* What of a context outlives the engine, beside its screen. */
struct xfb_state {
	uint32_t registers[XFB_NSTATE]; /* while they are not in the device */
	uint32_t operations;		/* XFB_OPERATIONS when ctx_screen was as the device */
	struct fbdev_mode mode;
	uint64_t serial; /* no other context has it, nor had */
	pid_t pid;	 /* 0: not known before its first access */
	uid_t uid;
};

struct xfb_ctx {
	struct devmap_context ctx_devmap;
	struct xfb_state *ctx_state;
	/* With virtual screens: */
	caddr_t ctx_screen; /* the screen, while it is not in the device; it outlives the engine too */
	uchar_t *ctx_dirty; /* a byte a page: ctx_screen may be older than it */
};

/* A process that has no context, and the mode that it has chosen. */
struct xfb_wish {
	pid_t wish_pid; /* 0: none */
	struct fbdev_mode wish_mode;
};

/* What of the device outlives the engine. */
struct xfb_kept {
	struct fbdev_mode mode; /* of a shared screen; else of contexts to come */
	struct xfb_wish wish[XFB_NWISH];
	uint_t next_wish;
	/* With virtual screens: */
	uint64_t serial; /* of the last context */
	uint64_t shown;	 /* whose screen is in the device, even if it has gone; 0: nobody's */
};

struct xfb {
	dev_info_t *xfb_dip;
	ddi_acc_handle_t xfb_regs_acc, xfb_screen_acc, xfb_display_acc;
	caddr_t xfb_regs, xfb_screen, xfb_display;
	uint32_t xfb_width, xfb_height, xfb_pitch;
	size_t xfb_memory; /* bytes of screen memory, whole pages */
	boolean_t xfb_virtual;
	boolean_t xfb_switch_ioctl;
	clock_t xfb_hold; /* ticks */
	uint_t xfb_overhead;
	kmutex_t xfb_lock;
	kcondvar_t xfb_cv; /* nobody signals it: for waiting until a time */
	struct devmap_contexts xfb_ctxs;
	struct xfb_kept *xfb_kept;
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

static uint32_t xfb_display_reg(struct xfb *xfb, uint_t reg)
{
	return ddi_get32(xfb->xfb_display_acc, (uint32_t *)(xfb->xfb_display + reg));
}

static void xfb_show(struct xfb *xfb, const struct fbdev_mode *m)
{
	uint32_t word[3];

	word[XFB_DISPLAY_DEPTH / 4] = m->depth;
	word[XFB_DISPLAY_PITCH / 4] = m->pitch;
	word[XFB_DISPLAY_START / 4] = m->yoffset * m->pitch;
	ddi_rep_put32(xfb->xfb_display_acc, word, (uint32_t *)xfb->xfb_display, NELEM(word),
		      DDI_DEV_AUTOINCR);
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

/* Modes. The lock is held in these. */

static struct xfb_wish *xfb_find_wish(struct xfb *xfb, pid_t pid)
{
	for (uint_t i = 0; i < XFB_NWISH; i++) {
		if (xfb->xfb_kept->wish[i].wish_pid == pid)
			return &xfb->xfb_kept->wish[i];
	}
	return NULL;
}

/* The mode of the process that is served. */
static struct fbdev_mode *xfb_mode_of_caller(struct xfb *xfb)
{
	struct xfb_ctx *ctx;
	struct xfb_wish *wish;

	if (!xfb->xfb_virtual)
		return &xfb->xfb_kept->mode;
	ctx = devmap_context_find(&xfb->xfb_ctxs, NULL);
	if (ctx != NULL)
		return &ctx->ctx_state->mode;
	wish = xfb_find_wish(xfb, ddi_get_pid());
	return wish != NULL ? &wish->wish_mode : &xfb->xfb_kept->mode;
}

/* The oldest wish makes room: of a process that has ended, or else it begins as others do. */
static void xfb_make_wish(struct xfb *xfb, const struct fbdev_mode *m)
{
	pid_t pid = ddi_get_pid();
	struct xfb_wish *wish = xfb_find_wish(xfb, pid);

	if (wish == NULL)
		wish = &xfb->xfb_kept->wish[xfb->xfb_kept->next_wish++ % XFB_NWISH];
	wish->wish_pid = pid;
	wish->wish_mode = *m;
}

/* What the process that is served has chosen, by FBDEV_PUT_VAR or FBDEV_PAN. */
static void xfb_set_mode(struct xfb *xfb, int cmd, const struct fbdev_mode *m)
{
	struct xfb_ctx *ctx = NULL;

	if (xfb->xfb_virtual)
		ctx = devmap_context_find(&xfb->xfb_ctxs, NULL);
	if (ctx != NULL)
		ctx->ctx_state->mode = *m;
	else if (xfb->xfb_virtual)
		xfb_make_wish(xfb, m);
	if (!xfb->xfb_virtual || (ctx == NULL && cmd == FBDEV_PUT_VAR))
		xfb->xfb_kept->mode = *m;
	if (xfb->xfb_virtual) /* whoever begins has not panned */
		xfb->xfb_kept->mode.yoffset = 0;
	if (!xfb->xfb_virtual || (ctx != NULL && ctx == xfb->xfb_ctxs.owner))
		xfb_show(xfb, m);
}

/* Contexts: struct devmap_context_ops. All of these are called with xfb_lock held. */

static void xfb_set(struct xfb_ctx *ctx, uint_t reg, uint32_t value)
{
	ctx->ctx_state->registers[(reg - XFB_STATE) / 4] = value;
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

/* 0, or ENOMEM: no memory for it, which is big enough to be refused. */
static int xfb_make_screen(struct xfb *xfb, struct xfb_ctx *ctx, int *found)
{
	char name[32];

	(void)snprintf(name, sizeof(name), "screen %llx", (unsigned long long)ctx->ctx_devmap.key);
	ctx->ctx_screen = devmap_keep_alloc(xfb->xfb_dip, name, xfb->xfb_memory, found);
	if (ctx->ctx_screen == NULL)
		return ENOMEM;
	ctx->ctx_dirty = kmem_zalloc(btop(xfb->xfb_memory), KM_SLEEP);
	return 0;
}

static int xfb_create(void *new)
{
	struct xfb_ctx *ctx = new;
	struct xfb *xfb = ctx->ctx_devmap.device;
	struct xfb_wish *wish;

	ctx->ctx_state = ctx->ctx_devmap.kept;
	if (xfb->xfb_virtual && xfb_make_screen(xfb, ctx, NULL) != 0)
		return ENOMEM;
	wish = xfb_find_wish(xfb, ddi_get_pid());
	ctx->ctx_state->mode = wish != NULL ? wish->wish_mode : xfb->xfb_kept->mode;
	if (wish != NULL)
		wish->wish_pid = 0;
	ctx->ctx_state->serial = ++xfb->xfb_kept->serial;
	ctx->ctx_state->pid = ddi_get_pid();
	ctx->ctx_state->uid = crgetuid(ddi_get_cred());
	xfb_ctx_reset(xfb, ctx);
	return 0;
}

static void xfb_destroy(void *old)
{
	struct xfb_ctx *ctx = old;
	struct xfb *xfb = ctx->ctx_devmap.device;

	if (xfb->xfb_virtual) {
		devmap_keep_free(ctx->ctx_screen);
		kmem_free(ctx->ctx_dirty, btop(xfb->xfb_memory));
	}
}

/* Which pages are as the device has them nobody knows any more. */
static int xfb_adopt(void *old)
{
	struct xfb_ctx *ctx = old;
	struct xfb *xfb = ctx->ctx_devmap.device;
	int found = 0;

	ctx->ctx_state = ctx->ctx_devmap.kept;
	if (!xfb->xfb_virtual)
		return 0;
	if (xfb_make_screen(xfb, ctx, &found) != 0)
		return ENOMEM;
	for (size_t page = 0; page < btop(xfb->xfb_memory); page++)
		ctx->ctx_dirty[page] = 1;
	if (found)
		return 0;
	xfb_destroy(ctx);
	return ENXIO;
}

static int xfb_copy(void *new, void *old)
{
	struct xfb_ctx *child = new, *parent = old;
	struct xfb *xfb = parent->ctx_devmap.device;

	bcopy(parent->ctx_state->registers, child->ctx_state->registers,
	      sizeof(child->ctx_state->registers));
	if (xfb->xfb_virtual)
		bcopy(parent->ctx_screen, child->ctx_screen, xfb->xfb_memory);
	child->ctx_state->mode = parent->ctx_state->mode;
	child->ctx_state->pid = 0; /* it is the parent that is being served */
	return 0;
}

/* Saves the pages that may differ: all when the engine has drawn, otherwise those loaded. */
static void xfb_save_screen(struct xfb *xfb, struct xfb_ctx *ctx)
{
	uint32_t operations = xfb_reg(xfb, XFB_OPERATIONS);
	boolean_t all = operations != ctx->ctx_state->operations;

	for (size_t page = 0; page < btop(xfb->xfb_memory); page++) {
		if (all || ctx->ctx_dirty[page])
			xfb_screen_read(xfb, ptob(page), ctx->ctx_screen + ptob(page), PAGESIZE);
		ctx->ctx_dirty[page] = 0;
	}
	ctx->ctx_state->operations = operations;
}

static int xfb_save(void *owner)
{
	struct xfb_ctx *ctx = owner;
	struct xfb *xfb = ctx->ctx_devmap.device;
	int error = xfb_wait_idle(xfb);

	if (error != 0)
		return error;
	ddi_rep_get32(xfb->xfb_regs_acc, ctx->ctx_state->registers,
		      (uint32_t *)(xfb->xfb_regs + XFB_STATE), XFB_NSTATE, DDI_DEV_AUTOINCR);
	if (xfb->xfb_virtual)
		xfb_save_screen(xfb, ctx);
	return 0;
}

static int xfb_restore(void *next)
{
	struct xfb_ctx *ctx = next;
	struct xfb *xfb = ctx->ctx_devmap.device;
	int error = xfb_wait_idle(xfb);

	if (error != 0)
		return error;
	ddi_rep_put32(xfb->xfb_regs_acc, ctx->ctx_state->registers,
		      (uint32_t *)(xfb->xfb_regs + XFB_STATE), XFB_NSTATE, DDI_DEV_AUTOINCR);
	if (xfb->xfb_virtual) {
		xfb_screen_write(xfb, 0, ctx->ctx_screen, xfb->xfb_memory);
		ctx->ctx_state->operations = xfb_reg(xfb, XFB_OPERATIONS);
		xfb->xfb_kept->shown = ctx->ctx_state->serial;
		xfb_show(xfb, &ctx->ctx_state->mode);
	}
	return 0;
}

static const struct devmap_context_ops xfb_context_ops = {
	.size = sizeof(struct xfb_ctx),
	.kept = sizeof(struct xfb_state),
	.create = xfb_create,
	.adopt = xfb_adopt,
	.copy = xfb_copy,
	.destroy = xfb_destroy,
	.save = xfb_save,
	.restore = xfb_restore,
};

/* Mappings. */

/*
 * A screen has hundreds of pages: for an ordinary access load some around the one that was touched.
 * A lock is for exactly what it says.
 */
static int xfb_load(struct xfb *xfb, struct devmap_record *map, offset_t off, size_t len,
		    uint_t type, uint_t rw)
{
	struct xfb_ctx *ctx = devmap_context_of(map);
	offset_t end = off + (offset_t)len;
	int error;

	if ((size_t)off >= xfb->xfb_memory)
		return devmap_load(map->dhp, off, len, type, rw);
	if (type == DEVMAP_ACCESS) {
		off = MAX(P2ALIGN(off, (offset_t)ptob(XFB_AROUND)), map->off);
		end = MIN(P2ROUNDUP(end, (offset_t)ptob(XFB_AROUND)),
			  map->off + (offset_t)map->len);
	}
	error = devmap_load(map->dhp, off, (size_t)(end - off), type, rw);
	if (error != 0)
		return error;
	for (; off < end; off += PAGESIZE)
		ctx->ctx_dirty[btop((ulong_t)off)] = 1;
	return 0;
}

static int xfb_contextmgt(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len, uint_t type,
			  uint_t rw)
{
	struct xfb_ctx *ctx = devmap_context_of(pvtp);
	struct xfb *xfb = ctx->ctx_devmap.device;
	int error;

	mutex_enter(&xfb->xfb_lock);
	if (ctx->ctx_state->pid == 0)
		ctx->ctx_state->pid = ddi_get_pid();
	error = devmap_context_switch(ctx);
	if (error == 0)
		error = xfb_load(xfb, pvtp, off, len, type, rw);
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
	int error = devmap_context_map(&xfb->xfb_ctxs, dhp, off, len, pvtp);

	if (error != 0)
		return error;
	devmap_set_ctx_timeout(dhp, xfb->xfb_hold);
	if (xfb->xfb_overhead != 0)
		(void)devmap_set_ctx_overhead(dhp, xfb->xfb_overhead);
	return 0;
}

static int xfb_devmap_dup(devmap_cookie_t dhp, void *pvtp, devmap_cookie_t new_dhp, void **new_pvtp)
{
	return devmap_context_dup(pvtp, new_dhp, new_pvtp);
}

static void xfb_devmap_unmap(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len,
			     devmap_cookie_t new_dhp1, void **new_pvtp1, devmap_cookie_t new_dhp2,
			     void **new_pvtp2)
{
	devmap_context_unmap(pvtp, off, len, new_dhp1, new_pvtp1, new_dhp2, new_pvtp2);
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

/* A context by its serial number. NULL: it has gone. */
static struct xfb_ctx *xfb_find_serial(struct xfb *xfb, uint64_t serial)
{
	struct devmap_context *c = xfb->xfb_ctxs.first;

	while (c != NULL && ((struct xfb_ctx *)c)->ctx_state->serial != serial)
		c = c->next;
	return (struct xfb_ctx *)c;
}

/*
 * Which virtual screen a transfer is of: that of the process, wherever it is now. A process without one
 * (it has not mapped the device) has nowhere to write, ENXIO, and reads what the device showed when the
 * call began: *whose, a serial number. 0, and *out is the screen's context, or NULL: what the device
 * holds; or ENOENT: the context has gone that is being read.
 */
static int xfb_screen_of(struct xfb *xfb, uint64_t *whose, enum uio_rw rw, struct xfb_ctx **out)
{
	*out = devmap_context_find(&xfb->xfb_ctxs, NULL);
	if (*out != NULL)
		return 0;
	if (rw == UIO_WRITE)
		return ENXIO;
	if (*whose == XFB_UNKNOWN)
		*whose = xfb->xfb_kept->shown;
	if (*whose == xfb->xfb_kept->shown)
		return 0;
	*out = xfb_find_serial(xfb, *whose);
	return *out != NULL ? 0 : ENOENT;
}

/* With len 0 all that is found out is whether there is a screen. */
static int xfb_transfer(struct xfb *xfb, uint64_t *whose, size_t off, caddr_t buf, size_t len,
			enum uio_rw rw)
{
	struct xfb_ctx *ctx = NULL;
	int error = 0;

	mutex_enter(&xfb->xfb_lock);
	if (xfb->xfb_virtual)
		error = xfb_screen_of(xfb, whose, rw, &ctx);
	if (error != 0 || len == 0) {
		/* nothing to move */
	} else if (ctx != NULL && ctx != xfb->xfb_ctxs.owner) {
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
static int xfb_move(struct xfb *xfb, uint64_t *whose, uio_t *uio, caddr_t buf, enum uio_rw rw)
{
	size_t off = (size_t)uio->uio_loffset;
	size_t len = MIN((size_t)uio->uio_resid, PAGESIZE - (off & PAGEOFFSET));
	int error;

	if (rw == UIO_READ) {
		error = xfb_transfer(xfb, whose, off, buf, len, rw);
		return error != 0 ? error : uiomove(buf, len, rw, uio);
	}
	error = uiomove(buf, len, rw, uio);
	return error != 0 ? error : xfb_transfer(xfb, whose, off, buf, len, rw);
}

/* Nothing of what a process wants to write is taken from it before it is known where to put it. */
static int xfb_may_write(struct xfb *xfb, const uio_t *uio)
{
	if (uio->uio_resid > 0 && (size_t)uio->uio_loffset >= xfb->xfb_memory)
		return ENOSPC;
	return xfb_transfer(xfb, NULL, 0, NULL, 0, UIO_WRITE);
}

static int xfb_rdwr(dev_t dev, uio_t *uio, enum uio_rw rw)
{
	struct xfb *xfb = xfb_get(dev);
	uint64_t whose = XFB_UNKNOWN;
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
		error = xfb_move(xfb, &whose, uio, buf, rw);
	kmem_free(buf, PAGESIZE);
	return error == ENOENT ? 0 : error; /* no more of that screen: the read is short */
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
	int error;

	mutex_enter(&xfb->xfb_lock);
	ctx = devmap_context_find(&xfb->xfb_ctxs, NULL);
	error = ctx != NULL ? devmap_context_switch(ctx) : ENXIO;
	mutex_exit(&xfb->xfb_lock);
	return error;
}

/* FBDEV_PUT_VAR, FBDEV_PAN. */
static int xfb_change(struct xfb *xfb, const struct fbdev *fb, int cmd, intptr_t arg, int mode)
{
	struct fbdev_var var;
	struct fbdev_mode m;
	int error;

	if (ddi_copyin((void *)arg, &var, sizeof(var), mode) != 0)
		return EFAULT;
	mutex_enter(&xfb->xfb_lock);
	m = *xfb_mode_of_caller(xfb);
	error = fbdev_change(fb, cmd, &var, &m);
	if (error == 0 &&
	    (cmd == FBDEV_PAN || (var.activate & FBDEV_ACTIVATE_MASK) != FBDEV_ACTIVATE_TEST))
		xfb_set_mode(xfb, cmd, &m);
	mutex_exit(&xfb->xfb_lock);
	return error != 0 ? error : fbdev_get_var(fb, &m, arg, mode);
}

/* Until the next vertical blank begins. */
static int xfb_wait_vblank(struct xfb *xfb)
{
	uint32_t height = xfb->xfb_height, frames;
	int error = 0;

	mutex_enter(&xfb->xfb_lock);
	frames = xfb_display_reg(xfb, XFB_DISPLAY_FRAMES);
	while (error == 0 && xfb_display_reg(xfb, XFB_DISPLAY_FRAMES) == frames) {
		uint32_t all = height + XFB_DISPLAY_BLANK;
		uint32_t line = xfb_display_reg(xfb, XFB_DISPLAY_LINE);
		uint32_t left = line < height ? height - line : height + all - line;

		if (cv_timedwait_sig_hires(&xfb->xfb_cv, &xfb->xfb_lock,
					   NANOSEC / XFB_DISPLAY_HZ / all * left,
					   NANOSEC / MILLISEC, 0) == 0)
			error = EINTR;
	}
	mutex_exit(&xfb->xfb_lock);
	return error;
}

static int xfb_get_vblank(struct xfb *xfb, intptr_t arg, int mode)
{
	struct fbdev_vblank blank;

	bzero(&blank, sizeof(blank));
	mutex_enter(&xfb->xfb_lock);
	blank.count = xfb_display_reg(xfb, XFB_DISPLAY_FRAMES);
	blank.vcount = xfb_display_reg(xfb, XFB_DISPLAY_LINE);
	mutex_exit(&xfb->xfb_lock);
	blank.flags = FBDEV_HAVE_VBLANK | FBDEV_HAVE_COUNT | FBDEV_HAVE_VCOUNT;
	if (blank.vcount >= xfb->xfb_height)
		blank.flags |= FBDEV_VBLANKING;
	return ddi_copyout(&blank, (void *)arg, sizeof(blank), mode) != 0 ? EFAULT : 0;
}

/*
 * Whose picture, *out, and in which mode it is or would be shown. NULL: what the device holds, whether or
 * not it is anybody's. Who is not root sees those of his own user, and what everybody can see.
 */
static int xfb_look_at(struct xfb *xfb, pid_t pid, cred_t *credp, struct xfb_ctx **out,
		       struct fbdev_mode *m)
{
	struct devmap_context *c = xfb->xfb_ctxs.first;

	m->depth = xfb_display_reg(xfb, XFB_DISPLAY_DEPTH);
	m->pitch = xfb_display_reg(xfb, XFB_DISPLAY_PITCH);
	m->yoffset = xfb_display_reg(xfb, XFB_DISPLAY_START) / m->pitch;
	*out = NULL;
	if (!xfb->xfb_virtual)
		return 0;
	*out = xfb->xfb_ctxs.owner;
	if (pid == 0)
		return 0;
	while (c != NULL && ((struct xfb_ctx *)c)->ctx_state->pid != pid)
		c = c->next;
	if (c == NULL)
		return ESRCH;
	*out = (struct xfb_ctx *)c;
	*m = (*out)->ctx_state->mode;
	if (crgetuid(credp) != 0 && crgetuid(credp) != (*out)->ctx_state->uid)
		return EPERM;
	return 0;
}

/* Fills in *look, and its picture: a new buffer of look->len bytes. */
static int xfb_picture(struct xfb *xfb, struct xfb_look *look, cred_t *credp, caddr_t *picture)
{
	struct xfb_ctx *ctx;
	struct fbdev_mode m;
	size_t most = (size_t)fbdev_pitch(xfb->xfb_width, 32) * xfb->xfb_height;
	size_t from;
	int error;

	*picture = kmem_alloc(most, KM_NOSLEEP);
	if (*picture == NULL)
		return ENOMEM;
	mutex_enter(&xfb->xfb_lock);
	error = xfb_look_at(xfb, look->pid, credp, &ctx, &m);
	if (error == 0) {
		look->pid = ctx != NULL ? ctx->ctx_state->pid : 0;
		look->width = xfb->xfb_width;
		look->height = xfb->xfb_height;
		look->depth = m.depth;
		look->pitch = m.pitch;
		look->len = m.pitch * xfb->xfb_height;
		from = (size_t)m.yoffset * m.pitch;
		if (ctx != NULL && ctx != xfb->xfb_ctxs.owner)
			bcopy(ctx->ctx_screen + from, *picture, look->len);
		else
			xfb_screen_read(xfb, from, *picture, look->len);
	}
	mutex_exit(&xfb->xfb_lock);
	if (error != 0)
		kmem_free(*picture, most);
	return error;
}

static int xfb_look(struct xfb *xfb, intptr_t arg, int mode, cred_t *credp)
{
	size_t most = (size_t)fbdev_pitch(xfb->xfb_width, 32) * xfb->xfb_height;
	struct xfb_look look;
	caddr_t picture;
	uint_t room;
	int error;

	if (ddi_copyin((void *)arg, &look, sizeof(look), mode) != 0)
		return EFAULT;
	room = look.len;
	error = xfb_picture(xfb, &look, credp, &picture);
	if (error != 0)
		return error;
	if ((room > 0 && ddi_copyout(picture, (void *)(uintptr_t)look.picture, MIN(room, look.len),
				     mode) != 0) ||
	    ddi_copyout(&look, (void *)arg, sizeof(look), mode) != 0)
		error = EFAULT;
	kmem_free(picture, most);
	return error;
}

static int xfb_fbdev(struct xfb *xfb, int cmd, intptr_t arg, int mode)
{
	struct fbdev_mode m;
	struct fbdev fb;

	fb.name = "xfb";
	fb.instance = ddi_get_instance(xfb->xfb_dip);
	fb.width = xfb->xfb_width;
	fb.height = xfb->xfb_height;
	fb.smem_len = xfb->xfb_memory;
	fb.mmio_len = XFB_REGISTERS_SIZE;
	fb.fixed = B_FALSE;
	if (cmd == FBDEV_PUT_VAR || cmd == FBDEV_PAN)
		return xfb_change(xfb, &fb, cmd, arg, mode);
	mutex_enter(&xfb->xfb_lock);
	m = *xfb_mode_of_caller(xfb);
	mutex_exit(&xfb->xfb_lock);
	return fbdev_ioctl(&fb, &m, cmd, arg, mode);
}

static int xfb_ioctl(dev_t dev, int cmd, intptr_t arg, int mode, cred_t *credp, int *rvalp)
{
	struct xfb *xfb = xfb_get(dev);

	if (xfb == NULL)
		return ENXIO;
	switch (cmd) {
	case FBDEV_BLANK: /* nobody looks at this screen in the dark */
		return arg < 0 || arg > FBDEV_BLANK_MAX ? EINVAL : 0;
	case FBDEV_WAITFORVSYNC: /* of the only display, whatever arg says */
		return xfb_wait_vblank(xfb);
	case FBDEV_GET_VBLANK:
		return xfb_get_vblank(xfb, arg, mode);
	case (int)XFBIO_LOOK:
		return xfb_look(xfb, arg, mode, credp);
	case XFBIO_SWITCH:
		return xfb->xfb_switch_ioctl ? xfb_switch_to_caller(xfb) : ENOTTY;
	default:
		return xfb_fbdev(xfb, cmd, arg, mode);
	}
}

/* The device comes and goes. */

static int xfb_open(dev_t *devp, int flag, int otyp, cred_t *credp)
{
	if (otyp != OTYP_CHR)
		return EINVAL;
	return xfb_get(*devp) != NULL ? 0 : ENXIO;
}

/* Nobody has it open any more, so nobody waits to map it. */
static int xfb_close(dev_t dev, int flag, int otyp, cred_t *credp)
{
	struct xfb *xfb = xfb_get(dev);

	if (xfb == NULL)
		return ENXIO;
	mutex_enter(&xfb->xfb_lock);
	bzero(xfb->xfb_kept->wish, sizeof(xfb->xfb_kept->wish));
	mutex_exit(&xfb->xfb_lock);
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
	if (xfb->xfb_display_acc != NULL)
		ddi_regs_map_free(&xfb->xfb_display_acc);
	if (xfb->xfb_screen_acc != NULL)
		ddi_regs_map_free(&xfb->xfb_screen_acc);
	if (xfb->xfb_regs_acc != NULL)
		ddi_regs_map_free(&xfb->xfb_regs_acc);
}

/* Finds the register sets and asks the hardware what it is, believing only what can be. */
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
	if (ddi_regs_map_setup(xfb->xfb_dip, XFB_SET_DISPLAY, &xfb->xfb_display, 0,
			       XFB_DISPLAY_SIZE, &xfb_attr, &xfb->xfb_display_acc) != DDI_SUCCESS)
		return DDI_FAILURE;
	return ddi_regs_map_setup(xfb->xfb_dip, XFB_SET_SCREEN, &xfb->xfb_screen, 0,
				  (offset_t)xfb->xfb_memory, &xfb_attr, &xfb->xfb_screen_acc);
}

/* What outlives the engine. */
static int xfb_keep(struct xfb *xfb)
{
	xfb->xfb_kept = devmap_keep_alloc(xfb->xfb_dip, "device", sizeof(*xfb->xfb_kept), NULL);
	if (xfb->xfb_kept == NULL ||
	    devmap_contexts_keep(&xfb->xfb_ctxs, xfb->xfb_dip, "contexts") != 0)
		return DDI_FAILURE;
	return DDI_SUCCESS;
}

static void xfb_unkeep(struct xfb *xfb)
{
	devmap_contexts_fini(&xfb->xfb_ctxs);
	devmap_keep_free(xfb->xfb_kept);
}

/* The mode at first, unless there is one that was kept. */
static int xfb_first_mode(struct xfb *xfb)
{
	struct fbdev_mode *m = &xfb->xfb_kept->mode;
	uint32_t depth;

	if (m->depth != 0)
		return DDI_SUCCESS;
	depth = (uint32_t)ddi_prop_get_int(DDI_DEV_T_ANY, xfb->xfb_dip, DDI_PROP_DONTPASS, "depth",
					   32);
	if (!fbdev_is_depth(depth)) {
		cmn_err(CE_WARN, "xfb%d: depth=%u: must be 16, 24 or 32",
			ddi_get_instance(xfb->xfb_dip), depth);
		return DDI_FAILURE;
	}
	m->pitch = fbdev_pitch(xfb->xfb_width, depth);
	m->rows = xfb->xfb_height;
	m->depth = depth;
	xfb_show(xfb, m);
	return DDI_SUCCESS;
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
	cv_init(&xfb->xfb_cv, NULL, CV_DRIVER, NULL);
	devmap_contexts_init(&xfb->xfb_ctxs, &xfb_context_ops, xfb, &xfb->xfb_lock);
	(void)snprintf(name, sizeof(name), "xfb%d", instance);
	if (xfb_map_hardware(xfb) != DDI_SUCCESS) {
		cmn_err(CE_WARN, "xfb%d: the hardware does not answer as an xfb does", instance);
	} else if (xfb_keep(xfb) == DDI_SUCCESS && xfb_first_mode(xfb) == DDI_SUCCESS &&
		   ddi_prop_update_int(DDI_DEV_T_NONE, dip, "size", (int)xfb->xfb_memory) ==
			   DDI_PROP_SUCCESS &&
		   ddi_create_minor_node(dip, name, S_IFCHR, (minor_t)instance, DDI_NT_DISPLAY,
					 0) == DDI_SUCCESS) {
		ddi_report_dev(dip);
		return DDI_SUCCESS;
	}
	xfb_unkeep(xfb);
	xfb_unmap_hardware(xfb);
	cv_destroy(&xfb->xfb_cv);
	mutex_destroy(&xfb->xfb_lock);
	ddi_soft_state_free(xfb_softstate, instance);
	return DDI_FAILURE;
}

static int xfb_detach(dev_info_t *dip, ddi_detach_cmd_t cmd)
{
	int instance = ddi_get_instance(dip);
	struct xfb *xfb = ddi_get_soft_state(xfb_softstate, instance);

	if (cmd != DDI_DETACH || xfb == NULL || xfb->xfb_ctxs.first != NULL)
		return DDI_FAILURE;
	ddi_remove_minor_node(dip, NULL);
	xfb_unkeep(xfb);
	xfb_unmap_hardware(xfb);
	cv_destroy(&xfb->xfb_cv);
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
