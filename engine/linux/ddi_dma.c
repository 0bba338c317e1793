// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Memory that a PCI function reaches: ddi_dma_alloc_handle(9F), ddi_dma_mem_alloc(9F),
 * ddi_dma_addr_bind_handle(9F). It is Linux's coherent memory; a handle has one piece of it at most,
 * and nothing else can be bound.
 */
#include "linux.h"

#include <linux/dma-mapping.h>
#include <linux/slab.h>

#include "../../ddi/acc.h"

#define DMA_TRIES 1000 /* of DDI_DMA_SLEEP, 10 ms apart */

struct dma_memory {
	struct ddi_acc_handle acc; /* what the driver holds */
	struct regset set;	   /* the memory as a register set, for accessors */
	struct ddi_dma_handle *handle;
	dma_addr_t bus;
};

struct ddi_dma_handle {
	dev_info_t *dip;
	u64 mask;
	u64 count_max; /* bytes of a cookie, less 1 */
	u64 seg;
	struct dma_memory *memory; /* or NULL */
	bool bound;
};

/* A function has one mask, and handles may differ: it is set anew for each allocation. */
static DEFINE_MUTEX(mask_lock);

/* Linux has masks, not ranges. */
static bool attr_usable(const ddi_dma_attr_t *attr)
{
	return attr->dma_attr_version == DMA_ATTR_V0 && attr->dma_attr_addr_lo == 0 &&
	       ((attr->dma_attr_addr_hi + 1) & attr->dma_attr_addr_hi) == 0 &&
	       attr->dma_attr_align <= PAGE_SIZE && attr->dma_attr_sgllen != 0;
}

int ddi_dma_alloc_handle(dev_info_t *dip, ddi_dma_attr_t *attr, int (*waitfp)(caddr_t), caddr_t arg,
			 ddi_dma_handle_t *handlep)
{
	struct ddi_dma_handle *h;

	(void)waitfp;
	(void)arg;
	*handlep = NULL;
	if (dip->pci == NULL || !attr_usable(attr))
		return DDI_DMA_BADATTR;
	h = kzalloc(sizeof(*h), GFP_KERNEL);
	if (h == NULL)
		return DDI_DMA_NORESOURCES;
	h->dip = dip;
	h->mask = attr->dma_attr_addr_hi;
	h->count_max = attr->dma_attr_count_max;
	h->seg = attr->dma_attr_seg;
	pci_set_master(dip->pci);
	*handlep = h;
	return DDI_SUCCESS;
}
EXPORT_SYMBOL(ddi_dma_alloc_handle);

void ddi_dma_free_handle(ddi_dma_handle_t *handlep)
{
	struct ddi_dma_handle *h = *handlep;

	if (h->bound || h->memory != NULL) {
		driver_mistake(CALL_SITE(), "ddi_dma_free_handle",
			       "%s: the handle still has memory", h->dip->name);
		return;
	}
	kfree(h);
	*handlep = NULL;
}
EXPORT_SYMBOL(ddi_dma_free_handle);

static void *coherent_alloc(struct ddi_dma_handle *h, size_t len, dma_addr_t *bus)
{
	struct device *dev = &h->dip->pci->dev;
	void *kaddr = NULL;

	mutex_lock(&mask_lock);
	if (dma_set_mask_and_coherent(dev, h->mask) == 0)
		kaddr = dma_alloc_coherent(dev, len, bus, GFP_KERNEL | __GFP_NOWARN);
	mutex_unlock(&mask_lock);
	return kaddr;
}

/* Sleeping for memory means for a while, after which it will not come. */
static void *coherent_wait(struct ddi_dma_handle *h, size_t len, dma_addr_t *bus, bool sleep)
{
	void *kaddr = coherent_alloc(h, len, bus);
	int i;

	for (i = 0; kaddr == NULL && sleep && i < DMA_TRIES && !fatal_signal_pending(current);
	     i++) {
		msleep(10);
		kaddr = coherent_alloc(h, len, bus);
	}
	return kaddr;
}

/* What the accessors ask for. */
static void acc_init(struct dma_memory *m, const char *driver, void *kaddr, size_t len)
{
	m->set.kind = REGS_MEMORY;
	m->set.pages = kaddr;
	m->set.len = len;
	m->acc.magic = ACC_DMA_MAGIC;
	m->acc.set = &m->set;
	m->acc.base = kaddr;
	m->acc.end = len;
	m->acc.driver = driver;
}

int ddi_dma_mem_alloc(ddi_dma_handle_t handle, size_t length, ddi_device_acc_attr_t *accattrp,
		      uint_t flags, int (*waitfp)(caddr_t), caddr_t arg, caddr_t *kaddrp,
		      size_t *real_length, ddi_acc_handle_t *acc_handlep)
{
	struct dma_memory *m;
	void *kaddr;

	(void)flags;
	(void)arg;
	*acc_handlep = NULL;
	if (length == 0 || PAGE_ALIGN(length) < length || handle->memory != NULL)
		return DDI_FAILURE;
	m = kzalloc(sizeof(*m), GFP_KERNEL);
	if (m == NULL)
		return DDI_FAILURE;
	length = PAGE_ALIGN(length);
	kaddr = coherent_wait(handle, length, &m->bus, waitfp == DDI_DMA_SLEEP);
	if (kaddr == NULL) {
		kfree(m);
		return DDI_FAILURE;
	}
	acc_init(m, handle->dip->name, kaddr, length);
	m->acc.swap = acc_attr_swaps(accattrp);
	m->handle = handle;
	handle->memory = m;
	*kaddrp = kaddr;
	*real_length = length;
	*acc_handlep = &m->acc;
	return DDI_SUCCESS;
}
EXPORT_SYMBOL(ddi_dma_mem_alloc);

void ddi_dma_mem_free(ddi_acc_handle_t *acc_handlep)
{
	struct ddi_acc_handle *acc = *acc_handlep;
	struct dma_memory *m = container_of(acc, struct dma_memory, acc);

	if (acc == NULL || acc->magic != ACC_DMA_MAGIC || m->handle->bound) {
		driver_mistake(CALL_SITE(), "ddi_dma_mem_free",
			       "%p is not memory of ddi_dma_mem_alloc, or is still bound",
			       (void *)acc);
		return;
	}
	acc->magic = 0;
	m->handle->memory = NULL;
	dma_free_coherent(&m->handle->dip->pci->dev, acc->end, (void *)acc->base, m->bus);
	kfree(m);
	*acc_handlep = NULL;
}
EXPORT_SYMBOL(ddi_dma_mem_free);

/* The cookie that a stretch of the memory makes, if the device takes it in one. */
static bool fits_cookie(const struct ddi_dma_handle *h, u64 bus, size_t len)
{
	return len != 0 && len - 1 <= h->count_max &&
	       (bus & ~h->seg) == ((bus + len - 1) & ~h->seg);
}

int ddi_dma_addr_bind_handle(ddi_dma_handle_t handle, struct as *as, caddr_t addr, size_t len,
			     uint_t flags, int (*waitfp)(caddr_t), caddr_t arg,
			     ddi_dma_cookie_t *cookiep, uint_t *ccountp)
{
	struct dma_memory *m = handle->memory;
	size_t off;

	(void)flags;
	(void)waitfp;
	(void)arg;
	if (handle->bound)
		return DDI_DMA_INUSE;
	/* An address below the memory becomes a huge offset. */
	off = m != NULL ? (uintptr_t)addr - (uintptr_t)m->acc.base : 0;
	if (m == NULL || as != NULL || off >= m->acc.end || len > m->acc.end - off ||
	    !fits_cookie(handle, m->bus + off, len))
		return DDI_DMA_NOMAPPING;
	handle->bound = true;
	*cookiep = (ddi_dma_cookie_t){ .dmac_size = len };
	cookiep->dmac_laddress = m->bus + off;
	*ccountp = 1;
	return DDI_DMA_MAPPED;
}
EXPORT_SYMBOL(ddi_dma_addr_bind_handle);

int ddi_dma_unbind_handle(ddi_dma_handle_t handle)
{
	if (!handle->bound)
		return DDI_FAILURE;
	handle->bound = false;
	return DDI_SUCCESS;
}
EXPORT_SYMBOL(ddi_dma_unbind_handle);

/* Coherent: what is left is that neither side overtakes itself. */
int ddi_dma_sync(ddi_dma_handle_t handle, off_t offset, size_t length, uint_t type)
{
	(void)offset;
	(void)length;
	if (!handle->bound)
		return DDI_FAILURE;
	if (type == DDI_DMA_SYNC_FORDEV)
		dma_wmb();
	else
		dma_rmb();
	return DDI_SUCCESS;
}
EXPORT_SYMBOL(ddi_dma_sync);
