// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Registers: ddi_get8(9F) and its relatives. A device's are reached in any context. A model's are
 * memory: it is asked first to act on what was stored before, which may sleep.
 */
#include "linux.h"

#include "acc.h"

static void acc_complain(struct ddi_acc_handle *h, const void *addr, unsigned int width,
    const void *caller, const char *call)
{
	if (h == NULL || (h->magic != ACC_MAGIC && h->magic != ACC_DMA_MAGIC))
		driver_mistake(caller, call, "%p is not a handle of ddi_regs_map_setup", (void *)h);
	else if (!xchg(&h->told, true))
		driver_mistake(caller, call,
		    "%s: %u bytes at offset 0x%tx are not aligned, or outside what was mapped "
		    "of set %u (0x%zx to 0x%zx); said once for this handle", h->driver, width,
		    (const char *)addr - h->base, h->rnumber, h->start, h->end);
}

/* Whether n accesses of this width, from addr up, are inside what was mapped; their offset. */
static bool acc_offset(struct ddi_acc_handle *h, const void *addr, unsigned int width, size_t n,
    size_t *off, const void *caller, const char *call)
{
	if (h != NULL && (h->magic == ACC_MAGIC || h->magic == ACC_DMA_MAGIC)) {
		/* An address below the base becomes a huge offset. */
		*off = (uintptr_t)addr - (uintptr_t)h->base;
		if (*off >= h->start && *off <= h->end && n <= (h->end - *off) / width &&
		    *off % width == 0)
			return true;
	}
	acc_complain(h, addr, width, caller, call);
	return false;
}

static uint64_t acc_swap(const struct ddi_acc_handle *h, uint64_t value, unsigned int width)
{
	return h->swap ? swab64(value) >> (64 - 8 * width) : value;
}

/*
 * One access of each kind. width is 1, 2, 4 or 8.
 */

static uint64_t pages_get(const char *p, unsigned int width)
{
	switch (width) {
	case 1:
		return READ_ONCE(*(const uint8_t *)p);
	case 2:
		return READ_ONCE(*(const uint16_t *)p);
	case 4:
		return READ_ONCE(*(const uint32_t *)p);
	default:
		return READ_ONCE(*(const uint64_t *)p);
	}
}

static void pages_put(char *p, unsigned int width, uint64_t value)
{
	switch (width) {
	case 1:
		WRITE_ONCE(*(uint8_t *)p, (uint8_t)value);
		break;
	case 2:
		WRITE_ONCE(*(uint16_t *)p, (uint16_t)value);
		break;
	case 4:
		WRITE_ONCE(*(uint32_t *)p, (uint32_t)value);
		break;
	default:
		WRITE_ONCE(*(uint64_t *)p, value);
		break;
	}
}

/* Ports have 32 bits at most. */
static uint64_t io_get(void __iomem *io, unsigned int width, bool ports)
{
	switch (width) {
	case 1:
		return ioread8(io);
	case 2:
		return ioread16(io);
	case 4:
		return ioread32(io);
	default:
#ifdef readq
		if (!ports)
			return readq(io);
#endif
		return ioread32(io) | (uint64_t)ioread32(io + 4) << 32;
	}
}

static void io_put(void __iomem *io, unsigned int width, uint64_t value, bool ports)
{
	switch (width) {
	case 1:
		iowrite8((uint8_t)value, io);
		return;
	case 2:
		iowrite16((uint16_t)value, io);
		return;
	case 4:
		iowrite32((uint32_t)value, io);
		return;
	default:
#ifdef writeq
		if (!ports) {
			writeq(value, io);
			return;
		}
#endif
		iowrite32((uint32_t)value, io);
		iowrite32((uint32_t)(value >> 32), io + 4);
	}
}

static uint64_t config_get(struct pci_dev *pci, int off, unsigned int width)
{
	u32 v32 = U32_MAX, high = U32_MAX;
	u16 v16 = U16_MAX;
	u8 v8 = U8_MAX;

	switch (width) {
	case 1:
		(void)pci_read_config_byte(pci, off, &v8);
		return v8;
	case 2:
		(void)pci_read_config_word(pci, off, &v16);
		return v16;
	case 4:
		(void)pci_read_config_dword(pci, off, &v32);
		return v32;
	default:
		(void)pci_read_config_dword(pci, off, &v32);
		(void)pci_read_config_dword(pci, off + 4, &high);
		return v32 | (uint64_t)high << 32;
	}
}

static void config_put(struct pci_dev *pci, int off, unsigned int width, uint64_t value)
{
	switch (width) {
	case 1:
		(void)pci_write_config_byte(pci, off, (u8)value);
		break;
	case 2:
		(void)pci_write_config_word(pci, off, (u16)value);
		break;
	case 4:
		(void)pci_write_config_dword(pci, off, (u32)value);
		break;
	default:
		(void)pci_write_config_dword(pci, off, (u32)value);
		(void)pci_write_config_dword(pci, off + 4, (u32)(value >> 32));
		break;
	}
}

static uint64_t one_get(struct ddi_acc_handle *h, size_t off, unsigned int width)
{
	const char *p = h->base + off;
	uint64_t value;

	switch (h->kind) {
	case ACC_PAGES:
		devmap_model_sync(h->model);
		value = pages_get(p, width);
		break;
	case ACC_CONFIG:
		value = config_get(h->pci, (int)off, width);
		break;
	default:
		value = io_get((void __force __iomem *)p, width, h->kind == ACC_PORTS);
		break;
	}
	return acc_swap(h, value, width);
}

static void one_put(struct ddi_acc_handle *h, size_t off, unsigned int width, uint64_t value)
{
	char *p = (char *)h->base + off;

	value = acc_swap(h, value, width);
	switch (h->kind) {
	case ACC_PAGES:
		devmap_model_sync(h->model);
		smp_mb();	/* after what the driver has stored for the model to find */
		pages_put(p, width, value);
		smp_mb();	/* before the look whether its thread must be woken */
		devmap_model_watch(h->model);
		break;
	case ACC_CONFIG:
		config_put(h->pci, (int)off, width, value);
		break;
	default:
		io_put((void __force __iomem *)p, width, value, h->kind == ACC_PORTS);
		break;
	}
}

/* A bus answers with all ones where nothing is. */
static uint64_t acc_get(struct ddi_acc_handle *h, const void *addr, unsigned int width,
    const void *caller, const char *call)
{
	size_t off;

	if (!acc_offset(h, addr, width, 1, &off, caller, call))
		return U64_MAX;
	return one_get(h, off, width);
}

static void acc_put(struct ddi_acc_handle *h, void *addr, unsigned int width, uint64_t value,
    const void *caller, const char *call)
{
	size_t off;

	if (acc_offset(h, addr, width, 1, &off, caller, call))
		one_put(h, off, width, value);
}

/*
 * Repeated accesses.
 */

struct rep {
	struct ddi_acc_handle *h;
	unsigned int width;
	size_t n;
	uint_t flags;
	const void *caller;
	const char *call;
};

/* The driver's buffer may lie at any address. The machine is little-endian: ddi_regs.c. */
static uint64_t host_load(const void *p, unsigned int width)
{
	uint64_t value = 0;

	memcpy(&value, p, width);
	return value;
}

static void host_store(void *p, unsigned int width, uint64_t value)
{
	memcpy(p, &value, width);
}

/* A run over memory as it is: the model is asked once, not for each value. */
static bool rep_plain(const struct rep *r)
{
	return r->h->kind == ACC_PAGES && !r->h->swap && r->flags & DDI_DEV_AUTOINCR;
}

static bool rep_begin(const struct rep *r, const void *dev_addr, size_t *off)
{
	size_t n = r->flags & DDI_DEV_AUTOINCR ? r->n : 1;

	return r->n > 0 && acc_offset(r->h, dev_addr, r->width, n, off, r->caller, r->call);
}

static void rep_get(const struct rep *r, char *host, const void *dev_addr)
{
	size_t i, off, step = r->flags & DDI_DEV_AUTOINCR ? r->width : 0;

	if (!rep_begin(r, dev_addr, &off)) {
		memset(host, 0xff, r->n * r->width);
	} else if (rep_plain(r)) {
		devmap_model_sync(r->h->model);
		memmove(host, r->h->base + off, r->n * r->width);
	} else {
		for (i = 0; i < r->n; i++)
			host_store(host + i * r->width, r->width,
			    one_get(r->h, off + i * step, r->width));
	}
}

static void rep_put(const struct rep *r, const char *host, const void *dev_addr)
{
	size_t i, off, step = r->flags & DDI_DEV_AUTOINCR ? r->width : 0;

	if (!rep_begin(r, dev_addr, &off))
		return;
	if (rep_plain(r)) {
		devmap_model_sync(r->h->model);
		memmove((char *)r->h->base + off, host, r->n * r->width);
		smp_mb();
		devmap_model_watch(r->h->model);
	} else {
		for (i = 0; i < r->n; i++)
			one_put(r->h, off + i * step, r->width,
			    host_load(host + i * r->width, r->width));
	}
}

/* The four functions of each width: ddi_get*, ddi_put*, ddi_rep_get*, ddi_rep_put*. */
#define ACCESSORS(bits)									\
	uint##bits##_t ddi_get##bits(ddi_acc_handle_t handle, uint##bits##_t *dev_addr)	\
	{										\
		return (uint##bits##_t)acc_get(handle, dev_addr, (bits) / 8, CALLER(),	\
		    "ddi_get" #bits);							\
	}										\
	EXPORT_SYMBOL(ddi_get##bits);							\
											\
	void ddi_put##bits(ddi_acc_handle_t handle, uint##bits##_t *dev_addr,		\
	    uint##bits##_t value)							\
	{										\
		acc_put(handle, dev_addr, (bits) / 8, value, CALLER(), "ddi_put" #bits);	\
	}										\
	EXPORT_SYMBOL(ddi_put##bits);							\
											\
	void ddi_rep_get##bits(ddi_acc_handle_t handle, uint##bits##_t *host_addr,	\
	    uint##bits##_t *dev_addr, size_t repcount, uint_t flags)			\
	{										\
		struct rep r = { handle, (bits) / 8, repcount, flags, CALLER(),		\
			"ddi_rep_get" #bits };						\
											\
		rep_get(&r, (char *)host_addr, dev_addr);				\
	}										\
	EXPORT_SYMBOL(ddi_rep_get##bits);						\
											\
	void ddi_rep_put##bits(ddi_acc_handle_t handle, uint##bits##_t *host_addr,	\
	    uint##bits##_t *dev_addr, size_t repcount, uint_t flags)			\
	{										\
		struct rep r = { handle, (bits) / 8, repcount, flags, CALLER(),		\
			"ddi_rep_put" #bits };						\
											\
		rep_put(&r, (const char *)host_addr, dev_addr);				\
	}										\
	EXPORT_SYMBOL(ddi_rep_put##bits)

ACCESSORS(8);
ACCESSORS(16);
ACCESSORS(32);
ACCESSORS(64);
