/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Registers: ddi_get8(9F) and its relatives. A driver's addresses count from a base, which may mean
 * nothing by itself: what is done with a register is the port's.
 */
#include <sys/systm.h>

#include "acc.h"
#include "port.h"

static bool acc_valid(const struct ddi_acc_handle *h)
{
	return h != NULL && (h->magic == ACC_MAGIC || h->magic == ACC_DMA_MAGIC);
}

static void acc_complain(struct ddi_acc_handle *h, const void *addr, unsigned int width,
			 const void *site, const char *call)
{
	if (!acc_valid(h))
		driver_mistake(site, call, "%p is not a handle of ddi_regs_map_setup", (void *)h);
	else if (!__atomic_exchange_n(&h->told, true, __ATOMIC_RELAXED))
		driver_mistake(
			site, call,
			"%s: %u bytes at %p (offset 0x%tx) are not aligned, or outside what was mapped "
			"of set %u (0x%zx to 0x%zx); said once for this handle",
			h->driver, width, addr, (const char *)addr - h->base, h->rnumber, h->start,
			h->end);
}

/* Whether n accesses of this width, from addr up, are inside what was mapped; their offset. */
static bool acc_offset(struct ddi_acc_handle *h, const void *addr, unsigned int width, size_t n,
		       size_t *off, const void *site, const char *call)
{
	if (acc_valid(h)) {
		/* An address below the base becomes a huge offset. */
		*off = (uintptr_t)addr - (uintptr_t)h->base;
		if (*off >= h->start && *off <= h->end && n <= (h->end - *off) / width &&
		    *off % width == 0)
			return true;
	}
	acc_complain(h, addr, width, site, call);
	return false;
}

static uint64_t acc_swap(const struct ddi_acc_handle *h, uint64_t value, unsigned int width)
{
	return h->swap ? __builtin_bswap64(value) >> (64 - 8 * width) : value;
}

/* A bus answers with all ones where nothing is. */
uint64_t acc_get(struct ddi_acc_handle *h, const void *addr, unsigned int width, const void *site,
		 const char *call)
{
	size_t off;

	if (!acc_offset(h, addr, width, 1, &off, site, call))
		return UINT64_MAX;
	return acc_swap(h, port_reg_get(h->set, off, width), width);
}

void acc_put(struct ddi_acc_handle *h, const void *addr, unsigned int width, uint64_t value,
	     const void *site, const char *call)
{
	size_t off;

	if (acc_offset(h, addr, width, 1, &off, site, call))
		port_reg_put(h->set, off, width, acc_swap(h, value, width));
}

static uint64_t host_load(const void *p, unsigned int width)
{
	uint64_t v64;
	uint32_t v32;
	uint16_t v16;

	switch (width) {
	case 1:
		return *(const uint8_t *)p;
	case 2:
		memcpy(&v16, p, sizeof(v16));
		return v16;
	case 4:
		memcpy(&v32, p, sizeof(v32));
		return v32;
	default:
		memcpy(&v64, p, sizeof(v64));
		return v64;
	}
}

static void host_store(void *p, unsigned int width, uint64_t value)
{
	uint32_t v32 = (uint32_t)value;
	uint16_t v16 = (uint16_t)value;

	switch (width) {
	case 1:
		*(uint8_t *)p = (uint8_t)value;
		break;
	case 2:
		memcpy(p, &v16, sizeof(v16));
		break;
	case 4:
		memcpy(p, &v32, sizeof(v32));
		break;
	default:
		memcpy(p, &value, sizeof(value));
		break;
	}
}

/* Swaps every value of a buffer, if the device's byte order is not ours. */
static void acc_swap_all(const struct ddi_acc_handle *h, char *buf, size_t len, unsigned int width)
{
	if (!h->swap || width == 1)
		return;
	for (size_t i = 0; i < len; i += width)
		host_store(buf + i, width, acc_swap(h, host_load(buf + i, width), width));
}

/* Repeated accesses. The caller's buffer may lie among the registers themselves. */

#define BOUNCE 256 /* bytes, of every width a multiple */

struct rep {
	struct ddi_acc_handle *h;
	unsigned int width;
	size_t n;
	uint_t flags;
	const void *site;
	const char *call;
};

/* A run in one go, if the registers are memory. */
static bool rep_get_run(const struct rep *r, char *host, size_t off)
{
	size_t len = r->n * r->width;

	if (!(r->flags & DDI_DEV_AUTOINCR) || !port_regs_read(r->h->set, off, host, len))
		return false;
	acc_swap_all(r->h, host, len, r->width);
	return true;
}

/* What is swapped is so in a copy. */
static bool rep_put_run(const struct rep *r, const char *host, size_t off)
{
	char bounce[BOUNCE];
	size_t len;

	if (!(r->flags & DDI_DEV_AUTOINCR))
		return false;
	if (!r->h->swap || r->width == 1)
		return port_regs_write(r->h->set, off, host, r->n * r->width);
	for (size_t left = r->n * r->width; left > 0; left -= len) {
		len = left < BOUNCE ? left : BOUNCE;
		memcpy(bounce, host, len);
		acc_swap_all(r->h, bounce, len, r->width);
		if (!port_regs_write(r->h->set, off, bounce, len))
			return false; /* already at the first */
		host += len;
		off += len;
	}
	return true;
}

static bool rep_begin(const struct rep *r, const void *dev_addr, size_t *off)
{
	size_t n = r->flags & DDI_DEV_AUTOINCR ? r->n : 1;

	return r->n > 0 && acc_offset(r->h, dev_addr, r->width, n, off, r->site, r->call);
}

static void rep_get(const struct rep *r, char *host, const void *dev_addr)
{
	size_t off, step = r->flags & DDI_DEV_AUTOINCR ? r->width : 0;

	if (!rep_begin(r, dev_addr, &off)) {
		memset(host, 0xff, r->n * r->width);
		return;
	}
	if (rep_get_run(r, host, off))
		return;
	for (size_t i = 0; i < r->n; i++)
		host_store(host + i * r->width, r->width,
			   acc_swap(r->h, port_reg_get(r->h->set, off + i * step, r->width),
				    r->width));
}

static void rep_put(const struct rep *r, const char *host, const void *dev_addr)
{
	size_t off, step = r->flags & DDI_DEV_AUTOINCR ? r->width : 0;

	if (!rep_begin(r, dev_addr, &off) || rep_put_run(r, host, off))
		return;
	for (size_t i = 0; i < r->n; i++)
		port_reg_put(r->h->set, off + i * step, r->width,
			     acc_swap(r->h, host_load(host + i * r->width, r->width), r->width));
}

/* The four functions of each width: ddi_get*, ddi_put*, ddi_rep_get*, ddi_rep_put*. */
#define ACCESSORS(bits)                                                                     \
	uint##bits##_t ddi_get##bits(ddi_acc_handle_t handle, uint##bits##_t *dev_addr)     \
	{                                                                                   \
		return (uint##bits##_t)acc_get(handle, dev_addr, (bits) / 8, CALL_SITE(),   \
					       "ddi_get" #bits);                            \
	}                                                                                   \
                                                                                            \
	void ddi_put##bits(ddi_acc_handle_t handle, uint##bits##_t *dev_addr,               \
			   uint##bits##_t value)                                            \
	{                                                                                   \
		acc_put(handle, dev_addr, (bits) / 8, value, CALL_SITE(), "ddi_put" #bits); \
	}                                                                                   \
                                                                                            \
	void ddi_rep_get##bits(ddi_acc_handle_t handle, uint##bits##_t *host_addr,          \
			       uint##bits##_t *dev_addr, size_t repcount, uint_t flags)     \
	{                                                                                   \
		struct rep r = { handle, (bits) / 8,  repcount,                             \
				 flags,	 CALL_SITE(), "ddi_rep_get" #bits };                \
                                                                                            \
		rep_get(&r, (char *)host_addr, dev_addr);                                   \
	}                                                                                   \
                                                                                            \
	void ddi_rep_put##bits(ddi_acc_handle_t handle, uint##bits##_t *host_addr,          \
			       uint##bits##_t *dev_addr, size_t repcount, uint_t flags)     \
	{                                                                                   \
		struct rep r = { handle, (bits) / 8,  repcount,                             \
				 flags,	 CALL_SITE(), "ddi_rep_put" #bits };                \
                                                                                            \
		rep_put(&r, (const char *)host_addr, dev_addr);                             \
	}

ACCESSORS(8)
ACCESSORS(16)
ACCESSORS(32)
ACCESSORS(64)
