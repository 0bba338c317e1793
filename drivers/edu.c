/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * edu: driver of QEMU's educational PCI device. doc/edu.md describes what programs get.
 *
 * CONTEXTS
 *   A context is what a process has in the device: all its registers, and the device's buffer,
 *   which only DMA reaches. Besides, each has a page of DMA memory, which is never switched.
 *   <devmap/context.h> keeps the contexts: it finds them by address space, and copies them in a fork.
 *
 * SWITCHING
 *   The owner is the context whose values are in the device. To replace it: make all its mappings
 *   invalid, wait for the end of a DMA, save, wait for the end of a computation, restore the next.
 *
 *   The factorial register cannot be written: a write starts a computation. But all that it can
 *   hold is the result of one, so there is always a small operand that brings the value back:
 *   n! mod 2^32 for n from 0 to 33, and 0 for all larger n.
 *
 *   For the same reason a computation in flight is saved at once: while it runs the register reads
 *   as the operand, and the result follows from that. Then nobody's context is in the device, and
 *   whoever comes next waits until it has finished, in cv_reltimedwait_sig(9F), for half a minute
 *   if somebody computes 4294967295!. A signal ends that wait, with nothing lost.
 *
 *   The buffer is saved and restored by DMA, which takes 100 ms each way. Neither is done when it
 *   can be told that it is not needed: see edu_buffer_untouched() and edu_restore_buffer().
 *
 * LOCK
 *   edu_lock guards all but what attach(9E) sets once. It is held across devmap_load(9F) and
 *   devmap_unload(9F), and while waiting for DMA; not while waiting for a computation of unknown
 *   length, and never across ddi_copyout(9F) or uiomove(9F).
 *
 * PROPERTIES
 *   hold-ms        how long a process keeps the device once granted (default 0)
 *   wait-ms        how long a computation may take before who waits for it gets SIGBUS (60000)
 *   buffer-bytes   how much of the buffer is part of a context (default 4095: QEMU before 8.0 ends
 *                  at a DMA that includes the last byte, so nobody can use it; later: say 4096)
 */
#include <sys/types.h>
#include <sys/param.h>
#include <sys/sysmacros.h>
#include <sys/errno.h>
#include <sys/debug.h>
#include <sys/conf.h>
#include <sys/cred.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/kmem.h>
#include <sys/ksynch.h>
#include <sys/mman.h>
#include <sys/modctl.h>
#include <sys/open.h>
#include <sys/pci.h>
#include <sys/stat.h>
#include <sys/systm.h>
#include <sys/uio.h>
#include <sys/cmn_err.h>
#include <sys/ddi.h>
#include <sys/sunddi.h>
#include <devmap/context.h>

#include "edu.h"

#define EDU_SET_CONFIG	0 /* register sets: PCI's configuration space, BAR 0 */
#define EDU_SET_REGS	1
#define EDU_COMM_NOINTX 0x400	   /* in PCI_CONF_COMM, since PCI 2.3 */
#define EDU_ADDRESS_MAX 0x0fffffff /* the device has 28 address lines */

#define EDU_DMA_NS	(5 * NANOSEC)	 /* a DMA may take so long; QEMU means 100 ms */
#define EDU_SHORT_NS	(5 * NANOSEC)	 /* and a computation of a small operand */
#define EDU_QUICK_NS	(NANOSEC / 20)	 /* no DMA is as quick as that, by far */
#define EDU_LATE_NS	(NANOSEC / 1000) /* by which an interrupt is late, mostly */
#define EDU_SPIN_NS	(NANOSEC / 1000) /* of any wait without sleeping */
#define EDU_TRIES	100   /* at seeing the end of a computation before its interrupt */
#define EDU_WAIT_MS	60000 /* property wait-ms */

#define EDU_ZERO	34 /* n! mod 2^32 is 0 from this n on */

/* A page that the device reaches. */
struct edu_page {
	ddi_dma_handle_t page_dma;
	ddi_acc_handle_t page_acc;
	caddr_t page_addr;
	uint64_t page_bus;
};

/* The device as one process knows it, when it is quiet. All 0 after a reset. */
struct edu_state {
	uint32_t st_liveness, st_factorial; /* as they read */
	uint32_t st_status, st_irq;
	uint64_t st_source, st_destination, st_count, st_command;
	uint8_t st_buffer[EDU_BUFFER_SIZE];
};

struct edu_ctx {
	struct devmap_context ctx_devmap;
	struct edu_page ctx_page;
	struct edu_state ctx_state; /* while it is not in the device */
};

struct edu {
	dev_info_t *edu_dip;
	ddi_acc_handle_t edu_acc;
	caddr_t edu_regs;
	struct edu_page edu_page; /* to move the buffer through */
	size_t edu_buffer_bytes;
	clock_t edu_hold; /* ticks */
	hrtime_t edu_patience;
	kmutex_t edu_lock;
	kcondvar_t edu_never; /* to sleep on; nobody signals it */
	struct devmap_contexts edu_ctxs;
	hrtime_t edu_granted; /* when the owner came to the device */
	boolean_t edu_known;  /* edu_content is what was in the buffer then */
	uint8_t edu_content[EDU_BUFFER_SIZE];
	struct edu_stats edu_stats;
};

static void *edu_softstate;

static ddi_device_acc_attr_t edu_attr = {
	.devacc_attr_version = DDI_DEVICE_ATTR_V0,
	.devacc_attr_endian_flags = DDI_STRUCTURE_LE_ACC,
	.devacc_attr_dataorder = DDI_STRICTORDER_ACC,
};

static ddi_device_acc_attr_t edu_memory_attr = {
	.devacc_attr_version = DDI_DEVICE_ATTR_V0,
	.devacc_attr_endian_flags = DDI_NEVERSWAP_ACC,
	.devacc_attr_dataorder = DDI_STRICTORDER_ACC,
};

static ddi_dma_attr_t edu_dma_attr = {
	.dma_attr_version = DMA_ATTR_V0,
	.dma_attr_addr_lo = 0,
	.dma_attr_addr_hi = EDU_ADDRESS_MAX,
	.dma_attr_count_max = EDU_BUFFER_SIZE - 1,
	.dma_attr_align = PAGESIZE,
	.dma_attr_burstsizes = 1,
	.dma_attr_minxfer = 1,
	.dma_attr_maxxfer = EDU_BUFFER_SIZE,
	.dma_attr_seg = EDU_ADDRESS_MAX,
	.dma_attr_sgllen = 1,
	.dma_attr_granular = 1,
};

static struct edu *edu_get(dev_t dev)
{
	return ddi_get_soft_state(edu_softstate, (int)getminor(dev));
}

/* Hardware. */

static uint32_t edu_get32(struct edu *edu, uint_t reg)
{
	return ddi_get32(edu->edu_acc, (uint32_t *)(edu->edu_regs + reg));
}

static void edu_put32(struct edu *edu, uint_t reg, uint32_t value)
{
	ddi_put32(edu->edu_acc, (uint32_t *)(edu->edu_regs + reg), value);
}

static uint64_t edu_get64(struct edu *edu, uint_t reg)
{
	return ddi_get64(edu->edu_acc, (uint64_t *)(edu->edu_regs + reg));
}

static void edu_put64(struct edu *edu, uint_t reg, uint64_t value)
{
	ddi_put64(edu->edu_acc, (uint64_t *)(edu->edu_regs + reg), value);
}

static int edu_too_long(struct edu *edu, const char *what, hrtime_t limit)
{
	cmn_err(CE_WARN, "edu%d: %s takes more than %d ms: cannot switch",
		ddi_get_instance(edu->edu_dip), what, (int)(limit / (NANOSEC / MILLISEC)));
	return EIO;
}

/* Waits until bit is `set` in reg, or clear. No process can begin anything. */
static int edu_wait_bit(struct edu *edu, uint_t reg, uint32_t bit, boolean_t set, hrtime_t limit,
			const char *what)
{
	hrtime_t begun = gethrtime();

	while (((edu_get32(edu, reg) & bit) != 0) != set) {
		hrtime_t waited = gethrtime() - begun;

		if (waited > limit)
			return edu_too_long(edu, what, limit);
		if (waited < EDU_SPIN_NS)
			drv_usecwait(1);
		else
			delay(1);
	}
	return 0;
}

static int edu_wait(struct edu *edu, uint_t reg, uint32_t bit, hrtime_t limit, const char *what)
{
	return edu_wait_bit(edu, reg, bit, B_FALSE, limit, what);
}

/*
 * Waits for the end of somebody's computation. Releases edu_lock; there is no owner and will be none,
 * since only the one who has the turn changes that. EINTR: a signal came.
 */
static int edu_wait_computed(struct edu *edu)
{
	hrtime_t begun = gethrtime();

	ASSERT(MUTEX_HELD(&edu->edu_lock));
	ASSERT(edu->edu_ctxs.owner == NULL);
	while (edu_get32(edu, EDU_STATUS) & EDU_COMPUTING) {
		hrtime_t waited = gethrtime() - begun;

		if (waited > edu->edu_patience)
			return edu_too_long(edu, "a computation", edu->edu_patience);
		if (waited < EDU_SPIN_NS)
			drv_usecwait(1);
		else if (cv_reltimedwait_sig(&edu->edu_never, &edu->edu_lock, 1, TR_CLOCK_TICK) ==
			 0)
			return EINTR;
	}
	return 0;
}

static int edu_wait_moved(struct edu *edu)
{
	return edu_wait(edu, EDU_DMA_COMMAND, EDU_DMA_RUN, EDU_DMA_NS, "a DMA");
}

/* Between the buffer and edu_page, first bytes first; command has the direction. */
static int edu_move(struct edu *edu, size_t len, uint64_t command)
{
	struct edu_page *page = &edu->edu_page;
	boolean_t from_device = (command & EDU_DMA_FROM_DEVICE) != 0;
	int error;

	if (!from_device)
		(void)ddi_dma_sync(page->page_dma, 0, len, DDI_DMA_SYNC_FORDEV);
	edu_put64(edu, EDU_DMA_SOURCE, from_device ? EDU_BUFFER : page->page_bus);
	edu_put64(edu, EDU_DMA_DESTINATION, from_device ? page->page_bus : EDU_BUFFER);
	edu_put64(edu, EDU_DMA_COUNT, len);
	edu_put64(edu, EDU_DMA_COMMAND, command | EDU_DMA_RUN);
	error = edu_wait_moved(edu);
	if (error == 0 && from_device)
		(void)ddi_dma_sync(page->page_dma, 0, len, DDI_DMA_SYNC_FORKERNEL);
	return error;
}

/* Factorials. */

static uint32_t edu_factorial(uint32_t n)
{
	uint32_t result = 1;

	if (n >= EDU_ZERO)
		return 0;
	for (uint32_t i = 2; i <= n; i++)
		result *= i;
	return result;
}

/* The smallest n with this factorial: the device computes no others. */
static uint32_t edu_operand(uint32_t result)
{
	uint32_t n = 0;

	while (n < EDU_ZERO && edu_factorial(n) != result)
		n++;
	return n;
}

/* DMA memory. */

static void edu_page_free(struct edu_page *page)
{
	if (page->page_bus != 0)
		(void)ddi_dma_unbind_handle(page->page_dma);
	if (page->page_acc != NULL)
		ddi_dma_mem_free(&page->page_acc);
	if (page->page_dma != NULL)
		ddi_dma_free_handle(&page->page_dma);
	bzero(page, sizeof(*page));
}

/* A page of zeros. ENOMEM, and what was there already stays for edu_page_free(). */
static int edu_page_fill(struct edu *edu, struct edu_page *page)
{
	ddi_dma_cookie_t cookie;
	uint_t ncookies;
	size_t len;

	if (ddi_dma_alloc_handle(edu->edu_dip, &edu_dma_attr, DDI_DMA_DONTWAIT, NULL,
				 &page->page_dma) != DDI_SUCCESS)
		return ENOMEM;
	if (ddi_dma_mem_alloc(page->page_dma, EDU_DMA_SIZE, &edu_memory_attr, DDI_DMA_CONSISTENT,
			      DDI_DMA_DONTWAIT, NULL, &page->page_addr, &len,
			      &page->page_acc) != DDI_SUCCESS)
		return ENOMEM;
	bzero(page->page_addr, EDU_DMA_SIZE);
	if (ddi_dma_addr_bind_handle(page->page_dma, NULL, page->page_addr, EDU_DMA_SIZE,
				     DDI_DMA_RDWR | DDI_DMA_CONSISTENT, DDI_DMA_DONTWAIT, NULL,
				     &cookie, &ncookies) != DDI_DMA_MAPPED)
		return ENOMEM;
	page->page_bus = cookie.dmac_laddress;
	return 0;
}

static int edu_page_alloc(struct edu *edu, struct edu_page *page)
{
	int error = edu_page_fill(edu, page);

	if (error != 0)
		edu_page_free(page);
	return error;
}

/* Saving. All of what follows is called with edu_lock held. */

/*
 * Has the buffer been as it is since the owner came to the device? Yes, if it came so lately that
 * no DMA that it may have begun can have ended, and none is in flight.
 */
static boolean_t edu_buffer_untouched(struct edu *edu)
{
	return edu->edu_known && !(edu_get32(edu, EDU_DMA_COMMAND) & EDU_DMA_RUN) &&
	       gethrtime() - edu->edu_granted < EDU_QUICK_NS;
}

/* The last thing to be saved: it overwrites registers. */
static int edu_save_buffer(struct edu *edu, struct edu_state *st)
{
	int error;

	if (edu_buffer_untouched(edu)) {
		bcopy(edu->edu_content, st->st_buffer, sizeof(st->st_buffer));
		return 0;
	}
	edu->edu_known = B_FALSE;
	edu->edu_stats.buffer_saves++;
	error = edu_move(edu, edu->edu_buffer_bytes, EDU_DMA_FROM_DEVICE);
	if (error != 0)
		return error;
	bcopy(edu->edu_page.page_addr, st->st_buffer, edu->edu_buffer_bytes);
	bcopy(st->st_buffer, edu->edu_content, sizeof(st->st_buffer));
	edu->edu_known = B_TRUE;
	return 0;
}

/* Has the device compute something small: what it computed before is over then, altogether. */
static int edu_compute(struct edu *edu, uint32_t operand)
{
	edu_put32(edu, EDU_FACTORIAL, operand);
	return edu_wait(edu, EDU_STATUS, EDU_COMPUTING, EDU_SHORT_NS, "a small computation");
}

/*
 * A computation that has ended may have its interrupt still before it: the device clears
 * EDU_COMPUTING, looks whether one is wanted, and then may take milliseconds to make it pending. So
 * give it time to look, then have it compute once more, without: it does one thing after the other.
 */
static int edu_settle_irq(struct edu *edu)
{
	hrtime_t begun = gethrtime();

	while (!(edu_get32(edu, EDU_IRQ_STATUS) & EDU_IRQ_COMPUTED)) {
		if (gethrtime() - begun < EDU_LATE_NS)
			continue;
		edu_put32(edu, EDU_STATUS, 0);
		return edu_compute(edu, 0);
	}
	return 0;
}

/*
 * The registers that a computation changes. One in flight is saved as what it will have come to; if
 * it is still in flight after the look at the register, then that was the operand.
 */
static int edu_save_factorial(struct edu *edu, struct edu_state *st)
{
	uint32_t status = edu_get32(edu, EDU_STATUS), operand = edu_get32(edu, EDU_FACTORIAL);
	uint32_t coming = 0;
	int error = 0;

	st->st_status = status & EDU_IRQ_FACTORIAL;
	if (edu_get32(edu, EDU_STATUS) & EDU_COMPUTING) {
		edu->edu_stats.computing++;
		st->st_factorial = edu_factorial(operand);
		coming = st->st_status != 0 ? EDU_IRQ_COMPUTED : 0;
	} else {
		st->st_factorial = edu_get32(edu, EDU_FACTORIAL);
		if (st->st_status != 0)
			error = edu_settle_irq(edu);
	}
	st->st_irq = edu_get32(edu, EDU_IRQ_STATUS) | coming;
	return error;
}

/* No process reaches the device and no DMA is in flight. */
static int edu_save_state(struct edu *edu, struct edu_state *st)
{
	int error = edu_save_factorial(edu, st);

	if (error != 0)
		return error;
	st->st_liveness = edu_get32(edu, EDU_LIVENESS);
	st->st_source = edu_get64(edu, EDU_DMA_SOURCE);
	st->st_destination = edu_get64(edu, EDU_DMA_DESTINATION);
	st->st_count = edu_get64(edu, EDU_DMA_COUNT);
	st->st_command = edu_get64(edu, EDU_DMA_COMMAND);
	return edu_save_buffer(edu, st);
}

/* Restoring. */

/*
 * No interrupt must be left of it, nor of the computation before, which is another process's; but
 * the device looks late, and unseen, whether one is wanted (see edu_settle_irq()). So it computes
 * what is to be restored with an interrupt, which is waited for and acknowledged. That is its own
 * only if none was pending just after the end: by then the computation before is over altogether.
 * Otherwise it may be that one's, with its own still to come, and it computes once more.
 */
static int edu_restore_factorial(struct edu *edu, const struct edu_state *st)
{
	boolean_t own = B_FALSE;
	int error = 0;

	edu_put32(edu, EDU_STATUS, EDU_IRQ_FACTORIAL);
	for (int i = 0; i < EDU_TRIES && error == 0 && !own; i++) {
		edu_put32(edu, EDU_IRQ_ACK, 0xffffffff);
		error = edu_compute(edu, edu_operand(st->st_factorial));
		own = !(edu_get32(edu, EDU_IRQ_STATUS) & EDU_IRQ_COMPUTED);
		if (error == 0)
			error = edu_wait_bit(edu, EDU_IRQ_STATUS, EDU_IRQ_COMPUTED, B_TRUE,
					     EDU_SHORT_NS, "the interrupt of a small computation");
	}
	edu_put32(edu, EDU_STATUS, 0);
	return error;
}

static int edu_load_buffer(struct edu *edu, const struct edu_state *st, uint64_t command)
{
	int error;

	edu->edu_stats.buffer_loads++;
	edu->edu_known = B_FALSE;
	bcopy(st->st_buffer, edu->edu_page.page_addr, edu->edu_buffer_bytes);
	error = edu_move(edu, edu->edu_buffer_bytes, command);
	if (error == 0) {
		bcopy(st->st_buffer, edu->edu_content, sizeof(st->st_buffer));
		edu->edu_known = B_TRUE;
	}
	return error;
}

/*
 * The buffer, if it has something else, and the command register, which keeps the bits of the last
 * command and can be written only by starting one. A command to the device restores both; for one
 * from the device there is a second of a byte.
 */
static int edu_restore_buffer(struct edu *edu, const struct edu_state *st)
{
	uint64_t command = st->st_command;
	int error = 0;

	if (!edu->edu_known || bcmp(edu->edu_content, st->st_buffer, sizeof(st->st_buffer)) != 0)
		error = edu_load_buffer(edu, st, command & ~(uint64_t)EDU_DMA_FROM_DEVICE);
	if (error != 0 || edu_get64(edu, EDU_DMA_COMMAND) == command)
		return error;
	if (!(command & EDU_DMA_FROM_DEVICE))
		return edu_load_buffer(edu, st, command);
	edu->edu_stats.buffer_loads++;
	return edu_move(edu, 1, command);
}

/* The interrupts come after what would raise some, the addresses after the DMA that uses them. */
static int edu_restore_state(struct edu *edu, const struct edu_state *st)
{
	int error = edu_restore_factorial(edu, st);

	if (error == 0)
		error = edu_restore_buffer(edu, st);
	if (error != 0)
		return error;
	edu_put64(edu, EDU_DMA_SOURCE, st->st_source);
	edu_put64(edu, EDU_DMA_DESTINATION, st->st_destination);
	edu_put64(edu, EDU_DMA_COUNT, st->st_count);
	edu_put32(edu, EDU_LIVENESS, ~st->st_liveness);
	edu_put32(edu, EDU_IRQ_ACK, 0xffffffff);
	if (st->st_irq != 0)
		edu_put32(edu, EDU_IRQ_RAISE, st->st_irq);
	edu_put32(edu, EDU_STATUS, st->st_status);
	return 0;
}

/* Contexts: struct devmap_context_ops. */

/* The device as after a reset. ENOMEM: no DMA memory. */
static int edu_create(void *new)
{
	struct edu_ctx *ctx = new;

	return edu_page_alloc(ctx->ctx_devmap.device, &ctx->ctx_page);
}

/* The device and the DMA memory as they are now. It has another address, though. */
static int edu_copy(void *new, void *old)
{
	struct edu_ctx *child = new, *parent = old;

	bcopy(&parent->ctx_state, &child->ctx_state, sizeof(child->ctx_state));
	bcopy(parent->ctx_page.page_addr, child->ctx_page.page_addr, EDU_DMA_SIZE);
	return 0;
}

/* Its process is gone, but not what the device does for it: that must not reach freed memory. */
static void edu_ctx_abandon(struct edu *edu, struct edu_ctx *ctx)
{
	edu->edu_known = edu_buffer_untouched(edu);
	if (edu_wait_moved(edu) != 0) {
		cmn_err(CE_WARN, "edu%d: a page of DMA memory is lost to a DMA that does not end",
			ddi_get_instance(edu->edu_dip));
		bzero(&ctx->ctx_page, sizeof(ctx->ctx_page));
	}
}

static void edu_destroy(void *old)
{
	struct edu_ctx *ctx = old;
	struct edu *edu = ctx->ctx_devmap.device;

	if (edu->edu_ctxs.owner == ctx)
		edu_ctx_abandon(edu, ctx);
	edu_page_free(&ctx->ctx_page);
}

/* A DMA of the owner's ends first: until then he stays the owner. The save itself spoils registers. */
static int edu_save(void *owner)
{
	struct edu_ctx *ctx = owner;
	struct edu *edu = ctx->ctx_devmap.device;
	int error;

	if (edu_get32(edu, EDU_DMA_COMMAND) & EDU_DMA_RUN)
		edu->edu_stats.moving++;
	error = edu_wait_moved(edu);
	if (error != 0)
		return error;
	error = edu_save_state(edu, &ctx->ctx_state);
	edu->edu_ctxs.owner = NULL;
	return error;
}

/* May release edu_lock: see edu_wait_computed(). */
static int edu_restore(void *next)
{
	struct edu_ctx *ctx = next;
	struct edu *edu = ctx->ctx_devmap.device;
	int error = edu_wait_computed(edu);

	if (error == 0)
		error = edu_restore_state(edu, &ctx->ctx_state);
	if (error != 0)
		return error;
	edu->edu_stats.switches++;
	edu->edu_granted = gethrtime();
	return 0;
}

static const struct devmap_context_ops edu_context_ops = {
	.size = sizeof(struct edu_ctx),
	.create = edu_create,
	.copy = edu_copy,
	.destroy = edu_destroy,
	.save = edu_save,
	.restore = edu_restore,
};

/* Mappings. */

static int edu_contextmgt(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len, uint_t type,
			  uint_t rw)
{
	struct edu_ctx *ctx = devmap_context_of(pvtp);
	struct edu *edu = ctx->ctx_devmap.device;
	int error;

	mutex_enter(&edu->edu_lock);
	error = devmap_context_switch(ctx);
	if (error == 0)
		error = devmap_load(dhp, off, len, type, rw);
	mutex_exit(&edu->edu_lock);
	return error;
}

static int edu_devmap_access(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len, uint_t type,
			     uint_t rw)
{
	return devmap_do_ctxmgt(dhp, pvtp, off, len, type, rw, edu_contextmgt);
}

static int edu_devmap_map(devmap_cookie_t dhp, dev_t dev, uint_t flags, offset_t off, size_t len,
			  void **pvtp)
{
	struct edu *edu = edu_get(dev);
	int error = devmap_context_map(&edu->edu_ctxs, dhp, off, len, pvtp);

	if (error == 0)
		devmap_set_ctx_timeout(dhp, edu->edu_hold);
	return error;
}

static int edu_devmap_dup(devmap_cookie_t dhp, void *pvtp, devmap_cookie_t new_dhp, void **new_pvtp)
{
	return devmap_context_dup(pvtp, new_dhp, new_pvtp);
}

static void edu_devmap_unmap(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len,
			     devmap_cookie_t new_dhp1, void **new_pvtp1, devmap_cookie_t new_dhp2,
			     void **new_pvtp2)
{
	devmap_context_unmap(pvtp, off, len, new_dhp1, new_pvtp1, new_dhp2, new_pvtp2);
}

static struct devmap_callback_ctl edu_devmap_ops = {
	.devmap_rev = DEVMAP_OPS_REV,
	.devmap_map = edu_devmap_map,
	.devmap_access = edu_devmap_access,
	.devmap_dup = edu_devmap_dup,
	.devmap_unmap = edu_devmap_unmap,
};

static int edu_devmap(dev_t dev, devmap_cookie_t dhp, offset_t off, size_t len, size_t *maplen,
		      uint_t model)
{
	struct edu *edu = edu_get(dev);

	if (edu == NULL)
		return ENXIO;
	if (off != 0)
		return EINVAL;
	if (devmap_devmem_setup(dhp, edu->edu_dip, &edu_devmap_ops, EDU_SET_REGS, 0,
				EDU_REGISTERS_SIZE, PROT_READ | PROT_WRITE | PROT_USER,
				DEVMAP_DEFAULTS, &edu_attr) != DDI_SUCCESS)
		return ENXIO;
	*maplen = EDU_REGISTERS_SIZE;
	return 0;
}

/* read(2), write(2) of the process's page of DMA memory. */

/* ENXIO: the process has not mapped the device. */
static int edu_transfer(struct edu *edu, size_t off, caddr_t buf, size_t len, enum uio_rw rw)
{
	struct edu_ctx *ctx;
	int error = 0;

	mutex_enter(&edu->edu_lock);
	ctx = devmap_context_find(&edu->edu_ctxs, NULL);
	if (ctx == NULL) {
		error = ENXIO;
	} else if (rw == UIO_READ) {
		(void)ddi_dma_sync(ctx->ctx_page.page_dma, off, len, DDI_DMA_SYNC_FORKERNEL);
		bcopy(ctx->ctx_page.page_addr + off, buf, len);
	} else {
		bcopy(buf, ctx->ctx_page.page_addr + off, len);
		(void)ddi_dma_sync(ctx->ctx_page.page_dma, off, len, DDI_DMA_SYNC_FORDEV);
	}
	mutex_exit(&edu->edu_lock);
	return error;
}

static int edu_rdwr(dev_t dev, uio_t *uio, enum uio_rw rw)
{
	struct edu *edu = edu_get(dev);
	size_t off = (size_t)uio->uio_loffset, len;
	caddr_t buf;
	int error;

	if (edu == NULL)
		return ENXIO;
	if (uio->uio_loffset < 0)
		return EINVAL;
	if (uio->uio_resid == 0)
		return 0;
	if (uio->uio_loffset >= EDU_DMA_SIZE)
		return rw == UIO_READ ? 0 : ENOSPC;
	len = MIN((size_t)uio->uio_resid, EDU_DMA_SIZE - off);
	buf = kmem_alloc(EDU_DMA_SIZE, KM_SLEEP);
	error = rw == UIO_WRITE ? uiomove(buf, len, rw, uio) : 0;
	if (error == 0)
		error = edu_transfer(edu, off, buf, len, rw);
	if (error == 0 && rw == UIO_READ)
		error = uiomove(buf, len, rw, uio);
	kmem_free(buf, EDU_DMA_SIZE);
	return error;
}

static int edu_read(dev_t dev, uio_t *uio, cred_t *credp)
{
	return edu_rdwr(dev, uio, UIO_READ);
}

static int edu_write(dev_t dev, uio_t *uio, cred_t *credp)
{
	return edu_rdwr(dev, uio, UIO_WRITE);
}

static int edu_get_dma_addr(struct edu *edu, uint64_t *addr)
{
	struct edu_ctx *ctx;

	mutex_enter(&edu->edu_lock);
	ctx = devmap_context_find(&edu->edu_ctxs, NULL);
	if (ctx != NULL)
		*addr = ctx->ctx_page.page_bus;
	mutex_exit(&edu->edu_lock);
	return ctx != NULL ? 0 : ENXIO;
}

static int edu_ioctl(dev_t dev, int cmd, intptr_t arg, int mode, cred_t *credp, int *rvalp)
{
	struct edu *edu = edu_get(dev);
	struct edu_stats stats;
	uint64_t addr = 0;
	int error;

	if (edu == NULL)
		return ENXIO;
	switch ((uint_t)cmd) {
	case EDU_GET_DMA_ADDR:
		error = edu_get_dma_addr(edu, &addr);
		if (error == 0 && ddi_copyout(&addr, (void *)arg, sizeof(addr), mode) != 0)
			error = EFAULT;
		return error;
	case EDU_GET_STATS:
		mutex_enter(&edu->edu_lock);
		stats = edu->edu_stats;
		mutex_exit(&edu->edu_lock);
		return ddi_copyout(&stats, (void *)arg, sizeof(stats), mode) != 0 ? EFAULT : 0;
	default:
		return ENOTTY;
	}
}

/* The device comes and goes. */

static int edu_open(dev_t *devp, int flag, int otyp, cred_t *credp)
{
	if (otyp != OTYP_CHR)
		return EINVAL;
	return edu_get(*devp) != NULL ? 0 : ENXIO;
}

static int edu_getinfo(dev_info_t *dip, ddi_info_cmd_t cmd, void *arg, void **resultp)
{
	dev_t dev = (dev_t)(uintptr_t)arg;
	struct edu *edu = edu_get(dev);

	switch (cmd) {
	case DDI_INFO_DEVT2DEVINFO:
		if (edu == NULL)
			return DDI_FAILURE;
		*resultp = edu->edu_dip;
		return DDI_SUCCESS;
	case DDI_INFO_DEVT2INSTANCE:
		*resultp = (void *)(uintptr_t)getminor(dev);
		return DDI_SUCCESS;
	default:
		return DDI_FAILURE;
	}
}

static int edu_prop(dev_info_t *dip, const char *name, int defvalue)
{
	return ddi_prop_get_int(DDI_DEV_T_ANY, dip, DDI_PROP_DONTPASS, name, defvalue);
}

static void edu_init(struct edu *edu, dev_info_t *dip)
{
	int bytes = edu_prop(dip, "buffer-bytes", EDU_BUFFER_SIZE - 1);

	edu->edu_dip = dip;
	edu->edu_hold = drv_usectohz((clock_t)edu_prop(dip, "hold-ms", 0) * 1000);
	edu->edu_patience = edu_prop(dip, "wait-ms", EDU_WAIT_MS) * (NANOSEC / MILLISEC);
	edu->edu_buffer_bytes = (size_t)MIN(MAX(bytes, 1), EDU_BUFFER_SIZE);
	mutex_init(&edu->edu_lock, NULL, MUTEX_DRIVER, NULL);
	devmap_contexts_init(&edu->edu_ctxs, &edu_context_ops, edu, &edu->edu_lock);
	cv_init(&edu->edu_never, NULL, CV_DRIVER, NULL);
}

static void edu_fini(struct edu *edu)
{
	edu_page_free(&edu->edu_page);
	if (edu->edu_acc != NULL)
		ddi_regs_map_free(&edu->edu_acc);
	cv_destroy(&edu->edu_never);
	mutex_destroy(&edu->edu_lock);
}

/*
 * Whether it may reach memory. Its interrupts stay off: nobody here takes them, and a line that
 * stays up without anybody to blame is one that Linux closes to all who share it.
 */
static int edu_set_master(dev_info_t *dip, boolean_t on)
{
	ddi_acc_handle_t acc;
	caddr_t config;
	uint16_t command;

	if (ddi_regs_map_setup(dip, EDU_SET_CONFIG, &config, 0, 0, &edu_attr, &acc) != DDI_SUCCESS)
		return DDI_FAILURE;
	command = ddi_get16(acc, (uint16_t *)(config + PCI_CONF_COMM)) | EDU_COMM_NOINTX;
	command = on ? command | PCI_COMM_ME : command & ~PCI_COMM_ME;
	ddi_put16(acc, (uint16_t *)(config + PCI_CONF_COMM), command);
	ddi_regs_map_free(&acc);
	return DDI_SUCCESS;
}

/* What the device did for an earlier driver has to end, lest it is taken for ours. */
static int edu_map_hardware(struct edu *edu)
{
	if (ddi_regs_map_setup(edu->edu_dip, EDU_SET_REGS, &edu->edu_regs, 0, EDU_REGISTERS_SIZE,
			       &edu_attr, &edu->edu_acc) != DDI_SUCCESS)
		return DDI_FAILURE;
	if ((edu_get32(edu, EDU_ID) & 0xff) != EDU_MAGIC || edu_wait_moved(edu) != 0 ||
	    edu_page_alloc(edu, &edu->edu_page) != 0)
		return DDI_FAILURE;
	return edu_set_master(edu->edu_dip, B_TRUE);
}

static int edu_attach(dev_info_t *dip, ddi_attach_cmd_t cmd)
{
	int instance = ddi_get_instance(dip);
	char name[16];
	struct edu *edu;

	if (cmd != DDI_ATTACH)
		return DDI_FAILURE;
	if (ddi_soft_state_zalloc(edu_softstate, instance) != DDI_SUCCESS)
		return DDI_FAILURE;
	edu = ddi_get_soft_state(edu_softstate, instance);
	edu_init(edu, dip);
	(void)snprintf(name, sizeof(name), "edu%d", instance);
	if (edu_map_hardware(edu) == DDI_SUCCESS &&
	    ddi_create_minor_node(dip, name, S_IFCHR, (minor_t)instance, DDI_PSEUDO, 0) ==
		    DDI_SUCCESS) {
		ddi_report_dev(dip);
		return DDI_SUCCESS;
	}
	cmn_err(CE_WARN, "edu%d: no edu answers there, or there is no memory that it reaches",
		instance);
	edu_fini(edu);
	ddi_soft_state_free(edu_softstate, instance);
	return DDI_FAILURE;
}

static int edu_detach(dev_info_t *dip, ddi_detach_cmd_t cmd)
{
	int instance = ddi_get_instance(dip);
	struct edu *edu = ddi_get_soft_state(edu_softstate, instance);

	if (cmd != DDI_DETACH || edu == NULL || edu->edu_ctxs.first != NULL)
		return DDI_FAILURE;
	ddi_remove_minor_node(dip, NULL);
	(void)edu_set_master(dip, B_FALSE);
	edu_fini(edu);
	ddi_soft_state_free(edu_softstate, instance);
	return DDI_SUCCESS;
}

static struct cb_ops edu_cb_ops = {
	.cb_open = edu_open,
	.cb_close = nulldev,
	.cb_strategy = nodev,
	.cb_print = nodev,
	.cb_dump = nodev,
	.cb_read = edu_read,
	.cb_write = edu_write,
	.cb_ioctl = edu_ioctl,
	.cb_devmap = edu_devmap,
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

static struct dev_ops edu_dev_ops = {
	.devo_rev = DEVO_REV,
	.devo_getinfo = edu_getinfo,
	.devo_identify = nulldev,
	.devo_probe = nulldev,
	.devo_attach = edu_attach,
	.devo_detach = edu_detach,
	.devo_reset = nodev,
	.devo_cb_ops = &edu_cb_ops,
	.devo_quiesce = ddi_quiesce_not_needed,
};

static struct modldrv edu_modldrv = { &mod_driverops, "QEMU's educational device", &edu_dev_ops };

static struct modlinkage edu_modlinkage = { MODREV_1, { &edu_modldrv, NULL } };

DEVMAP_PCI_ALIAS(1234, 11E8);

int _init(void)
{
	int error = ddi_soft_state_init(&edu_softstate, sizeof(struct edu), 1);

	if (error != 0)
		return error;
	error = mod_install(&edu_modlinkage);
	if (error != 0)
		ddi_soft_state_fini(&edu_softstate);
	return error;
}

int _fini(void)
{
	int error = mod_remove(&edu_modlinkage);

	if (error == 0)
		ddi_soft_state_fini(&edu_softstate);
	return error;
}

int _info(struct modinfo *modinfo)
{
	return mod_info(&edu_modlinkage, modinfo);
}
