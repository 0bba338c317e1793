/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * rv100: driver of the ATI Radeon RV100 as QEMU has it (-device ati-vga,model=rv100): a screen of
 * 640x480 pixels, and the 2D engine for programs. doc/rv100.md describes the device.
 *
 * CONTEXTS
 *   A context is what a process has in the 2D engine: the registers in rv100_state. The page that
 *   these are in is all of the chip's registers that a process can map; the screen is shared. A
 *   context exists while the process has registers mapped, and all such mappings of it share it.
 *
 *   <devmap/context.h> keeps the contexts: it finds them by address space, and copies them in a fork.
 *
 * SWITCHING
 *   The owner is the context whose values are in the device. To replace it: make all its mappings
 *   invalid, wait until the engine is idle (nobody can start it any more), save, restore the next.
 *   The operation in flight belongs to the context that began it, so it ends there. If it does not
 *   end in time, nothing has been lost: the context stays, the access that asked fails.
 *
 *   Everything that a process can store, it can also load, from one register or another: nothing
 *   needs to be remembered beside the device. But a store may do more than store:
 *
 *   - DST_WIDTH, like every register with a width, starts an operation. So the raster operation is
 *     first one that leaves everything as it is, and the height 0.
 *   - An operation moves DST_X and DST_Y, so these come after it.
 *   - DP_GUI_MASTER_CNTL is stored to three registers, itself and the two that come after it in the
 *     table. It loads as its own bits only; those of the others would be lost with it.
 *   - Registers with two values are the stores of two that the table has.
 *
 * LOCK
 *   rv_lock guards the contexts and the registers, but for what attach(9E) does. It is held across
 *   devmap_load(9F) and devmap_unload(9F), and while waiting for the engine; never across
 *   ddi_copyin(9F) or uiomove(9F), which may touch a mapping of this very device.
 *
 * PROPERTIES
 *   hold-ms           how long a process keeps the device once granted (default 0)
 *   overhead-percent  or: let the engine choose (default 0: do not)
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
#include "rv100.h"

/* Register sets: 0 is configuration space, then come the base address registers; 2 are ports. */
#define RV100_SET_MEMORY   1
#define RV100_SET_REGS	   3
#define RV100_SET_REGS_LEN (RV100_REGISTERS + RV100_REGISTERS_SIZE)

/* The chip's own registers, on the page before the 2D engine's: the driver's alone. */
#define RV100_CRTC_GEN_CNTL	0x0050
#define RV100_CRTC_EXT_CNTL	0x0054
#define RV100_DAC_CNTL		0x0058
#define RV100_CONFIG_MEMSIZE	0x00f8
#define RV100_CRTC_H_TOTAL_DISP 0x0200
#define RV100_CRTC_V_TOTAL_DISP 0x0208
#define RV100_CRTC_OFFSET	0x0224
#define RV100_CRTC_PITCH	0x022c
#define RV100_RBBM_STATUS	0x0e40

#define RV100_CRTC_32BPP	0x00000600 /* CRTC_GEN_CNTL */
#define RV100_CRTC_EXT_DISP_EN	0x01000000
#define RV100_CRTC_EN		0x02000000
#define RV100_CRTC_DISPLAY_DIS	0x00000400 /* CRTC_EXT_CNTL */
#define RV100_DAC_8BIT_EN	0x00000100

#define RV100_IDLE_NS		NANOSEC		 /* an operation in flight may take so long */
#define RV100_SPIN_NS		(NANOSEC / 1000) /* of that without sleeping */

#define RV100_GMC_INITIAL                                                                    \
	(RV100_GMC_SRC_PITCH_OFFSET | RV100_GMC_DST_PITCH_OFFSET | RV100_GMC_CLR_CMP_CLEAR | \
	 RV100_GMC_AUX_CLIP_CLEAR | RV100_GMC_WRITE_MASK_SET)
#define RV100_DATATYPE_INITIAL 0x00030d06 /* solid brush, pixels of 32 bits in and out */
#define RV100_MIX_INITIAL      (RV100_ROP3_PATCOPY | RV100_GMC_SRC_RECT >> 16)

/*
 * All that a process can change in the 2D engine, in the order in which it is restored; and what a
 * process finds that opens the device: both surfaces the screen, a white fill.
 */
static const struct {
	uint16_t reg;
	uint32_t initial;
} rv100_state[] = {
	{ RV100_DST_WIDTH, 0 },
	{ RV100_DST_HEIGHT, 0 },
	{ RV100_DST_X, 0 },
	{ RV100_DST_Y, 0 },
	{ RV100_SRC_X, 0 },
	{ RV100_SRC_Y, 0 },
	{ RV100_DST_OFFSET, 0 },
	{ RV100_DST_PITCH, RV100_PITCH },
	{ RV100_SRC_OFFSET, 0 },
	{ RV100_SRC_PITCH, RV100_PITCH },
	{ RV100_DEFAULT_PITCH_OFFSET, RV100_PITCH_OFFSET(RV100_PITCH, 0) },
	{ RV100_DEFAULT_SC_BOTTOM_RIGHT, 0x1fff1fff },
	{ RV100_DP_BRUSH_BKGD_CLR, 0 },
	{ RV100_DP_BRUSH_FRGD_CLR, 0xffffff },
	{ RV100_DP_WRITE_MASK, 0xffffffff },
	{ RV100_DP_CNTL, RV100_LEFT_TO_RIGHT | RV100_TOP_TO_BOTTOM },
	{ RV100_DP_GUI_MASTER_CNTL, RV100_GMC_INITIAL },
	{ RV100_DP_DATATYPE, RV100_DATATYPE_INITIAL },
	{ RV100_DP_MIX, RV100_MIX_INITIAL },
};

struct rv100_ctx {
	struct devmap_context ctx_devmap;
	uint32_t ctx_state[NELEM(rv100_state)]; /* while it is not in the device */
};

struct rv100 {
	dev_info_t *rv_dip;
	ddi_acc_handle_t rv_regs_acc, rv_memory_acc;
	caddr_t rv_regs, rv_memory;
	size_t rv_memory_len; /* whole pages */
	clock_t rv_hold;      /* ticks */
	uint_t rv_overhead;
	kmutex_t rv_lock;
	struct devmap_contexts rv_ctxs;
};

static void *rv100_softstate;

static ddi_device_acc_attr_t rv100_attr = {
	.devacc_attr_version = DDI_DEVICE_ATTR_V0,
	.devacc_attr_endian_flags = DDI_STRUCTURE_LE_ACC,
	.devacc_attr_dataorder = DDI_STRICTORDER_ACC,
};

static struct rv100 *rv100_get(dev_t dev)
{
	return ddi_get_soft_state(rv100_softstate, (int)getminor(dev));
}

/* Hardware. */

static uint32_t rv100_reg(struct rv100 *rv, uint_t reg)
{
	return ddi_get32(rv->rv_regs_acc, (uint32_t *)(rv->rv_regs + reg));
}

static void rv100_set_reg(struct rv100 *rv, uint_t reg, uint32_t value)
{
	ddi_put32(rv->rv_regs_acc, (uint32_t *)(rv->rv_regs + reg), value);
}

/*
 * Waits for the end of the operation in flight. The caller has seen to it that no other can begin.
 * QEMU draws before the store that starts it returns; a chip takes its time, microseconds mostly.
 */
static int rv100_wait_idle(struct rv100 *rv)
{
	hrtime_t begun = gethrtime();

	while (rv100_reg(rv, RV100_RBBM_STATUS) & RV100_GUI_ACTIVE) {
		hrtime_t waited = gethrtime() - begun;

		if (waited > RV100_IDLE_NS) {
			cmn_err(CE_WARN,
				"rv100%d: the 2D engine is busy for more than %d ms: "
				"cannot switch",
				ddi_get_instance(rv->rv_dip),
				(int)(RV100_IDLE_NS / (NANOSEC / MILLISEC)));
			return EIO;
		}
		if (waited < RV100_SPIN_NS)
			drv_usecwait(1);
		else
			delay(1);
	}
	return 0;
}

/* Turning the display on again makes QEMU look at the mode anew. */
static void rv100_show(struct rv100 *rv, boolean_t on)
{
	rv100_set_reg(rv, RV100_CRTC_EXT_CNTL, on ? 0 : RV100_CRTC_DISPLAY_DIS);
}

/*
 * The one mode there is. QEMU needs no timing and no clock. The screen is dark at first, as what is
 * in memory may be anybody's, or be text.
 */
static void rv100_set_mode(struct rv100 *rv)
{
	for (size_t off = 0; off < RV100_PITCH * RV100_HEIGHT; off += 4)
		ddi_put32(rv->rv_memory_acc, (uint32_t *)(rv->rv_memory + off), 0);
	rv100_set_reg(rv, RV100_DAC_CNTL, RV100_DAC_8BIT_EN);
	rv100_set_reg(rv, RV100_CRTC_H_TOTAL_DISP, (RV100_WIDTH / 8 - 1) << 16);
	rv100_set_reg(rv, RV100_CRTC_V_TOTAL_DISP, (RV100_HEIGHT - 1) << 16);
	rv100_set_reg(rv, RV100_CRTC_PITCH, RV100_WIDTH / 8);
	rv100_set_reg(rv, RV100_CRTC_OFFSET, 0);
	rv100_set_reg(rv, RV100_CRTC_GEN_CNTL,
		      RV100_CRTC_EN | RV100_CRTC_EXT_DISP_EN | RV100_CRTC_32BPP);
	rv100_show(rv, B_TRUE);
}

/* Contexts: struct devmap_context_ops. All of these are called with rv_lock held. */

static int rv100_create(void *new)
{
	struct rv100_ctx *ctx = new;

	for (uint_t i = 0; i < NELEM(rv100_state); i++)
		ctx->ctx_state[i] = rv100_state[i].initial;
	return 0;
}

static int rv100_copy(void *new, void *old)
{
	struct rv100_ctx *child = new, *parent = old;

	bcopy(parent->ctx_state, child->ctx_state, sizeof(child->ctx_state));
	return 0;
}

static int rv100_save(void *owner)
{
	struct rv100_ctx *ctx = owner;
	struct rv100 *rv = ctx->ctx_devmap.device;
	int error = rv100_wait_idle(rv);

	if (error != 0)
		return error;
	for (uint_t i = 0; i < NELEM(rv100_state); i++)
		ctx->ctx_state[i] = rv100_reg(rv, rv100_state[i].reg);
	return 0;
}

/* Both stores before the table see to it that its first one starts nothing. */
static int rv100_restore(void *next)
{
	struct rv100_ctx *ctx = next;
	struct rv100 *rv = ctx->ctx_devmap.device;
	int error = rv100_wait_idle(rv);

	if (error != 0)
		return error;
	rv100_set_reg(rv, RV100_DP_MIX, RV100_ROP3_NOOP);
	rv100_set_reg(rv, RV100_DST_HEIGHT, 0);
	for (uint_t i = 0; i < NELEM(rv100_state); i++)
		rv100_set_reg(rv, rv100_state[i].reg, ctx->ctx_state[i]);
	return 0;
}

static const struct devmap_context_ops rv100_context_ops = {
	.size = sizeof(struct rv100_ctx),
	.create = rv100_create,
	.copy = rv100_copy,
	.save = rv100_save,
	.restore = rv100_restore,
};

/* Mappings. */

static int rv100_contextmgt(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len, uint_t type,
			    uint_t rw)
{
	struct rv100_ctx *ctx = devmap_context_of(pvtp);
	struct rv100 *rv = ctx->ctx_devmap.device;
	int error;

	mutex_enter(&rv->rv_lock);
	error = devmap_context_switch(ctx);
	if (error == 0)
		error = devmap_load(dhp, off, len, type, rw);
	mutex_exit(&rv->rv_lock);
	return error;
}

static int rv100_devmap_access(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len,
			       uint_t type, uint_t rw)
{
	return devmap_do_ctxmgt(dhp, pvtp, off, len, type, rw, rv100_contextmgt);
}

static int rv100_devmap_map(devmap_cookie_t dhp, dev_t dev, uint_t flags, offset_t off, size_t len,
			    void **pvtp)
{
	struct rv100 *rv = rv100_get(dev);
	int error = devmap_context_map(&rv->rv_ctxs, dhp, off, len, pvtp);

	if (error != 0)
		return error;
	devmap_set_ctx_timeout(dhp, rv->rv_hold);
	if (rv->rv_overhead != 0)
		(void)devmap_set_ctx_overhead(dhp, rv->rv_overhead);
	return 0;
}

static int rv100_devmap_dup(devmap_cookie_t dhp, void *pvtp, devmap_cookie_t new_dhp,
			    void **new_pvtp)
{
	return devmap_context_dup(pvtp, new_dhp, new_pvtp);
}

static void rv100_devmap_unmap(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len,
			       devmap_cookie_t new_dhp1, void **new_pvtp1, devmap_cookie_t new_dhp2,
			       void **new_pvtp2)
{
	devmap_context_unmap(pvtp, off, len, new_dhp1, new_pvtp1, new_dhp2, new_pvtp2);
}

static struct devmap_callback_ctl rv100_devmap_ops = {
	.devmap_rev = DEVMAP_OPS_REV,
	.devmap_map = rv100_devmap_map,
	.devmap_access = rv100_devmap_access,
	.devmap_dup = rv100_devmap_dup,
	.devmap_unmap = rv100_devmap_unmap,
};

/* Memory, which is shared: nobody needs to be asked. Then the 2D engine's registers. */
static int rv100_devmap(dev_t dev, devmap_cookie_t dhp, offset_t off, size_t len, size_t *maplen,
			uint_t model)
{
	struct rv100 *rv = rv100_get(dev);
	struct devmap_callback_ctl *ops = NULL;
	uint_t set = RV100_SET_MEMORY;
	size_t left, roff;

	if (rv == NULL)
		return ENXIO;
	if (off < 0 || (size_t)off >= rv->rv_memory_len + RV100_REGISTERS_SIZE)
		return EINVAL;
	roff = (size_t)off;
	left = rv->rv_memory_len - roff;
	if (roff >= rv->rv_memory_len) {
		set = RV100_SET_REGS;
		ops = &rv100_devmap_ops;
		roff -= rv->rv_memory_len;
		left = RV100_REGISTERS_SIZE - roff;
		roff += RV100_REGISTERS;
	}
	len = MIN(ptob(btopr(len)), left);
	if (devmap_devmem_setup(dhp, rv->rv_dip, ops, set, (offset_t)roff, len,
				PROT_READ | PROT_WRITE | PROT_USER, DEVMAP_DEFAULTS,
				&rv100_attr) != DDI_SUCCESS)
		return ENXIO;
	*maplen = len;
	return 0;
}

/* read(2), write(2) of memory. It belongs to nobody, so no lock is needed. */

/* Between memory in the device and buf. Words where possible: a byte at a time is slow. */
static void rv100_transfer(struct rv100 *rv, size_t off, caddr_t buf, size_t len, enum uio_rw rw)
{
	caddr_t at = rv->rv_memory + off;
	boolean_t words = ((off | len) & 3) == 0;

	if (words && rw == UIO_READ)
		ddi_rep_get32(rv->rv_memory_acc, (uint32_t *)(void *)buf, (uint32_t *)(void *)at,
			      len / 4, DDI_DEV_AUTOINCR);
	else if (words)
		ddi_rep_put32(rv->rv_memory_acc, (uint32_t *)(void *)buf, (uint32_t *)(void *)at,
			      len / 4, DDI_DEV_AUTOINCR);
	else if (rw == UIO_READ)
		ddi_rep_get8(rv->rv_memory_acc, (uint8_t *)buf, (uint8_t *)at, len,
			     DDI_DEV_AUTOINCR);
	else
		ddi_rep_put8(rv->rv_memory_acc, (uint8_t *)buf, (uint8_t *)at, len,
			     DDI_DEV_AUTOINCR);
}

/* A page of memory or less. */
static int rv100_move(struct rv100 *rv, uio_t *uio, caddr_t buf, enum uio_rw rw)
{
	size_t off = (size_t)uio->uio_loffset;
	size_t len = MIN((size_t)uio->uio_resid, PAGESIZE - (off & PAGEOFFSET));
	int error;

	if (rw == UIO_READ) {
		rv100_transfer(rv, off, buf, len, rw);
		return uiomove(buf, len, rw, uio);
	}
	error = uiomove(buf, len, rw, uio);
	if (error == 0)
		rv100_transfer(rv, off, buf, len, rw);
	return error;
}

static int rv100_rdwr(dev_t dev, uio_t *uio, enum uio_rw rw)
{
	struct rv100 *rv = rv100_get(dev);
	caddr_t buf;
	int error = 0;

	if (rv == NULL)
		return ENXIO;
	if (uio->uio_loffset < 0)
		return EINVAL;
	if (rw == UIO_WRITE && uio->uio_resid > 0 && (size_t)uio->uio_loffset >= rv->rv_memory_len)
		return ENOSPC;
	buf = kmem_alloc(PAGESIZE, KM_SLEEP);
	while (error == 0 && uio->uio_resid > 0 && (size_t)uio->uio_loffset < rv->rv_memory_len)
		error = rv100_move(rv, uio, buf, rw);
	kmem_free(buf, PAGESIZE);
	return error;
}

static int rv100_read(dev_t dev, uio_t *uio, cred_t *credp)
{
	return rv100_rdwr(dev, uio, UIO_READ);
}

static int rv100_write(dev_t dev, uio_t *uio, cred_t *credp)
{
	return rv100_rdwr(dev, uio, UIO_WRITE);
}

/* ioctl(2). */

static int rv100_blank(struct rv100 *rv, intptr_t how)
{
	if (how < 0 || how > FBDEV_BLANK_MAX)
		return EINVAL;
	mutex_enter(&rv->rv_lock);
	rv100_show(rv, how == 0);
	mutex_exit(&rv->rv_lock);
	return 0;
}

/* There is one mode and nothing to pan over. EINVAL for a program that wants something else. */
static int rv100_accept(const struct fbdev *fb, struct fbdev_mode *m, int cmd, intptr_t arg,
			int mode)
{
	struct fbdev_var var;
	int error;

	if (ddi_copyin((void *)arg, &var, sizeof(var), mode) != 0)
		return EFAULT;
	error = fbdev_change(fb, cmd, &var, m);
	return error != 0 ? error : fbdev_get_var(fb, m, arg, mode);
}

static int rv100_ioctl(dev_t dev, int cmd, intptr_t arg, int mode, cred_t *credp, int *rvalp)
{
	struct rv100 *rv = rv100_get(dev);
	struct fbdev_mode m = { .depth = 32, .pitch = RV100_PITCH, .rows = RV100_HEIGHT };
	struct fbdev fb;

	if (rv == NULL)
		return ENXIO;
	if (cmd == FBDEV_BLANK)
		return rv100_blank(rv, arg);
	fb.name = "rv100";
	fb.instance = ddi_get_instance(rv->rv_dip);
	fb.width = RV100_WIDTH;
	fb.height = RV100_HEIGHT;
	fb.smem_len = rv->rv_memory_len;
	fb.mmio_len = RV100_REGISTERS_SIZE;
	fb.fixed = B_TRUE;
	if (cmd == FBDEV_PUT_VAR || cmd == FBDEV_PAN)
		return rv100_accept(&fb, &m, cmd, arg, mode);
	return fbdev_ioctl(&fb, &m, cmd, arg, mode);
}

/* The device comes and goes. */

static int rv100_open(dev_t *devp, int flag, int otyp, cred_t *credp)
{
	if (otyp != OTYP_CHR)
		return EINVAL;
	return rv100_get(*devp) != NULL ? 0 : ENXIO;
}

static int rv100_close(dev_t dev, int flag, int otyp, cred_t *credp)
{
	return 0;
}

static int rv100_getinfo(dev_info_t *dip, ddi_info_cmd_t cmd, void *arg, void **resultp)
{
	dev_t dev = (dev_t)(uintptr_t)arg;
	struct rv100 *rv = rv100_get(dev);

	switch (cmd) {
	case DDI_INFO_DEVT2DEVINFO:
		if (rv == NULL)
			return DDI_FAILURE;
		*resultp = rv->rv_dip;
		return DDI_SUCCESS;
	case DDI_INFO_DEVT2INSTANCE:
		*resultp = (void *)(uintptr_t)getminor(dev);
		return DDI_SUCCESS;
	default:
		return DDI_FAILURE;
	}
}

static int rv100_prop(dev_info_t *dip, const char *name)
{
	return ddi_prop_get_int(DDI_DEV_T_ANY, dip, DDI_PROP_DONTPASS, name, 0);
}

static void rv100_unmap_hardware(struct rv100 *rv)
{
	if (rv->rv_memory_acc != NULL)
		ddi_regs_map_free(&rv->rv_memory_acc);
	if (rv->rv_regs_acc != NULL)
		ddi_regs_map_free(&rv->rv_regs_acc);
}

/* The aperture may be larger than the memory behind it, and the other way round. */
static int rv100_map_hardware(struct rv100 *rv)
{
	off_t size;

	if (ddi_regs_map_setup(rv->rv_dip, RV100_SET_REGS, &rv->rv_regs, 0, RV100_SET_REGS_LEN,
			       &rv100_attr, &rv->rv_regs_acc) != DDI_SUCCESS)
		return DDI_FAILURE;
	if (ddi_dev_regsize(rv->rv_dip, RV100_SET_MEMORY, &size) != DDI_SUCCESS)
		return DDI_FAILURE;
	rv->rv_memory_len = MIN((size_t)size, (size_t)rv100_reg(rv, RV100_CONFIG_MEMSIZE));
	rv->rv_memory_len &= PAGEMASK;
	if (rv->rv_memory_len < RV100_PITCH * RV100_HEIGHT)
		return DDI_FAILURE;
	return ddi_regs_map_setup(rv->rv_dip, RV100_SET_MEMORY, &rv->rv_memory, 0,
				  (offset_t)rv->rv_memory_len, &rv100_attr, &rv->rv_memory_acc);
}

static int rv100_attach(dev_info_t *dip, ddi_attach_cmd_t cmd)
{
	int instance = ddi_get_instance(dip);
	char name[16];
	struct rv100 *rv;

	if (cmd != DDI_ATTACH)
		return DDI_FAILURE;
	if (ddi_soft_state_zalloc(rv100_softstate, instance) != DDI_SUCCESS)
		return DDI_FAILURE;
	rv = ddi_get_soft_state(rv100_softstate, instance);
	rv->rv_dip = dip;
	rv->rv_hold = drv_usectohz((clock_t)rv100_prop(dip, "hold-ms") * 1000);
	rv->rv_overhead = (uint_t)rv100_prop(dip, "overhead-percent");
	mutex_init(&rv->rv_lock, NULL, MUTEX_DRIVER, NULL);
	devmap_contexts_init(&rv->rv_ctxs, &rv100_context_ops, rv, &rv->rv_lock);
	(void)snprintf(name, sizeof(name), "rv100%d", instance);
	if (rv100_map_hardware(rv) == DDI_SUCCESS && rv100_wait_idle(rv) == 0) {
		rv100_set_mode(rv);
		if (ddi_create_minor_node(dip, name, S_IFCHR, (minor_t)instance, DDI_NT_DISPLAY,
					  0) == DDI_SUCCESS) {
			ddi_report_dev(dip);
			return DDI_SUCCESS;
		}
	}
	cmn_err(CE_WARN, "rv100%d: the hardware does not answer as an RV100 does", instance);
	rv100_unmap_hardware(rv);
	mutex_destroy(&rv->rv_lock);
	ddi_soft_state_free(rv100_softstate, instance);
	return DDI_FAILURE;
}

static int rv100_detach(dev_info_t *dip, ddi_detach_cmd_t cmd)
{
	int instance = ddi_get_instance(dip);
	struct rv100 *rv = ddi_get_soft_state(rv100_softstate, instance);

	if (cmd != DDI_DETACH || rv == NULL || rv->rv_ctxs.first != NULL)
		return DDI_FAILURE;
	ddi_remove_minor_node(dip, NULL);
	rv100_unmap_hardware(rv);
	mutex_destroy(&rv->rv_lock);
	ddi_soft_state_free(rv100_softstate, instance);
	return DDI_SUCCESS;
}

static struct cb_ops rv100_cb_ops = {
	.cb_open = rv100_open,
	.cb_close = rv100_close,
	.cb_strategy = nodev,
	.cb_print = nodev,
	.cb_dump = nodev,
	.cb_read = rv100_read,
	.cb_write = rv100_write,
	.cb_ioctl = rv100_ioctl,
	.cb_devmap = rv100_devmap,
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

static struct dev_ops rv100_dev_ops = {
	.devo_rev = DEVO_REV,
	.devo_getinfo = rv100_getinfo,
	.devo_identify = nulldev,
	.devo_probe = nulldev,
	.devo_attach = rv100_attach,
	.devo_detach = rv100_detach,
	.devo_reset = nodev,
	.devo_cb_ops = &rv100_cb_ops,
	.devo_quiesce = ddi_quiesce_not_needed,
};

static struct modldrv rv100_modldrv = { &mod_driverops, "RV100 2D engine", &rv100_dev_ops };

static struct modlinkage rv100_modlinkage = { MODREV_1, { &rv100_modldrv, NULL } };

DEVMAP_PCI_ALIAS(1002, 5159);

int _init(void)
{
	int error = ddi_soft_state_init(&rv100_softstate, sizeof(struct rv100), 1);

	if (error != 0)
		return error;
	error = mod_install(&rv100_modlinkage);
	if (error != 0)
		ddi_soft_state_fini(&rv100_softstate);
	return error;
}

int _fini(void)
{
	int error = mod_remove(&rv100_modlinkage);

	if (error == 0)
		ddi_soft_state_fini(&rv100_softstate);
	return error;
}

int _info(struct modinfo *modinfo)
{
	return mod_info(&rv100_modlinkage, modinfo);
}
