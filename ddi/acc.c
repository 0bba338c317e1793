/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Register sets: ddi_regs_map_setup(9F), ddi_get8(9F) and its relatives.
 *
 * A driver gets a pointer into the region's view. What it does through the accessors goes to
 * wherever the page is live; a pointer that it dereferences itself works too, by way of the view.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <sys/sunddi.h>

#include "devinfo.h"
#include "model.h"
#include "pages.h"

#define ACC_MAGIC	0x61636368u

struct ddi_acc_handle {
	uint32_t magic;
	bool swap;			/* the device's byte order is not ours */
	atomic_bool told;		/* of an access outside it: one message is enough */
	struct region *region;
	const char *view;		/* of the whole region */
	size_t start, end;		/* what was mapped, as offsets in the region */
	const char *driver;		/* "xfb0" */
	uint_t rnumber;
};

/* Register sets of an instance. */

static int regset_init(struct dev_info *dip, int set)
{
	struct regset *r = &dip->regs[set];
	char name[sizeof (r->memory.mem_name)];
	int error;

	r->region = model_region(dip->model, set);
	r->len = region_len(r->region);
	(void)snprintf(name, sizeof (name), "%.24s registers %d", dip->name, set);
	error = devmap_memory_init(&r->memory, name, r->len);
	if (error == 0)
		r->memory.mem_engine = r->region;
	return error != 0 ? -ENOMEM : 0;
}

int regs_init(struct dev_info *dip)
{
	int error = 0, n = dip->model != NULL ? model_nregs(dip->model) : 0;

	if (n == 0)
		return 0;
	dip->regs = calloc((size_t)n, sizeof (*dip->regs));
	if (dip->regs == NULL)
		return -ENOMEM;
	while (error == 0 && dip->nregs < n) {
		error = regset_init(dip, dip->nregs);
		if (error == 0)
			dip->nregs++;
	}
	if (error != 0)
		regs_fini(dip);
	return error;
}

void regs_fini(struct dev_info *dip)
{
	/* The regions are the model's. */
	for (int i = 0; i < dip->nregs; i++)
		memory_detach(&dip->regs[i].memory);
	free(dip->regs);
	dip->regs = NULL;
	dip->nregs = 0;
}

static struct regset *regset_of(dev_info_t *dip, uint_t rnumber)
{
	return rnumber < (uint_t)dip->nregs ? &dip->regs[rnumber] : NULL;
}

struct devmap_memory *engine_regs(dev_info_t *dip, uint_t rnumber, size_t *len)
{
	struct regset *r = regset_of(dip, rnumber);

	if (r == NULL)
		return NULL;
	*len = r->len;
	return &r->memory;
}

int ddi_dev_nregs(dev_info_t *dip, int *resultp)
{
	*resultp = dip->nregs;
	return dip->nregs > 0 ? DDI_SUCCESS : DDI_FAILURE;
}

int ddi_dev_regsize(dev_info_t *dip, uint_t rnumber, off_t *resultp)
{
	struct regset *r = regset_of(dip, rnumber);

	if (r == NULL)
		return DDI_FAILURE;
	*resultp = (off_t)r->len;
	return DDI_SUCCESS;
}

/*
 * The set, and where len bytes from offset end; len 0: at its end. NULL, with a message: not there.
 */
static struct regset *regset_range(dev_info_t *dip, uint_t rnumber, offset_t offset, offset_t len,
    size_t *end, const void *caller, const char *call)
{
	struct regset *r = regset_of(dip, rnumber);

	if (r == NULL) {
		driver_mistake(caller, call, "%s has %d register sets, there is no set %u",
		    dip->name, dip->nregs, rnumber);
		return NULL;
	}
	if (offset < 0 || len < 0 || (u_offset_t)offset > r->len ||
	    (u_offset_t)len > r->len - (size_t)offset) {
		driver_mistake(caller, call,
		    "%s: offset 0x%llx, length 0x%llx is outside set %u (0x%zx bytes)", dip->name,
		    (u_longlong_t)offset, (u_longlong_t)len, rnumber, r->len);
		return NULL;
	}
	*end = len == 0 ? r->len : (size_t)(offset + len);
	return r;
}

static bool attr_swaps(const ddi_device_acc_attr_t *attr)
{
	uchar_t order = attr != NULL ? attr->devacc_attr_endian_flags : DDI_NEVERSWAP_ACC;

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return order == DDI_STRUCTURE_BE_ACC;
#else
	return order == DDI_STRUCTURE_LE_ACC;
#endif
}

int ddi_regs_map_setup(dev_info_t *dip, uint_t rnumber, caddr_t *addrp, offset_t offset,
    offset_t len, ddi_device_acc_attr_t *accattrp, ddi_acc_handle_t *handle)
{
	struct ddi_acc_handle *h;
	struct regset *r;
	size_t end;

	*handle = NULL;
	r = regset_range(dip, rnumber, offset, len, &end, CALLER(), "ddi_regs_map_setup");
	h = r != NULL ? calloc(1, sizeof (*h)) : NULL;
	if (h == NULL)
		return DDI_FAILURE;
	h->magic = ACC_MAGIC;
	h->swap = attr_swaps(accattrp);
	h->region = r->region;
	h->view = region_view(r->region);
	h->start = (size_t)offset;
	h->end = end;
	h->driver = dip->name;
	h->rnumber = rnumber;
	*addrp = (caddr_t)region_view(r->region) + offset;
	*handle = h;
	return DDI_SUCCESS;
}

void ddi_regs_map_free(ddi_acc_handle_t *handle)
{
	struct ddi_acc_handle *h = *handle;

	if (h == NULL || h->magic != ACC_MAGIC) {
		driver_mistake(CALLER(), "ddi_regs_map_free",
		    "%p is not a handle of ddi_regs_map_setup", (void *)h);
		return;
	}
	h->magic = 0;
	free(h);
	*handle = NULL;
}

int ddi_map_regs(dev_info_t *dip, uint_t rnumber, caddr_t *kaddrp, off_t offset, off_t len)
{
	size_t end;
	struct regset *r = regset_range(dip, rnumber, offset, len, &end, CALLER(), "ddi_map_regs");

	if (r == NULL)
		return DDI_FAILURE;
	*kaddrp = (caddr_t)region_view(r->region) + offset;
	return DDI_SUCCESS;
}

void ddi_unmap_regs(dev_info_t *dip, uint_t rnumber, caddr_t *kaddrp, off_t offset, off_t len)
{
	(void)dip;
	(void)rnumber;
	(void)offset;
	(void)len;
	*kaddrp = NULL;
}

/* Registers. */

static void acc_complain(struct ddi_acc_handle *h, const void *addr, unsigned width,
    const void *caller, const char *call)
{
	if (h == NULL || h->magic != ACC_MAGIC)
		driver_mistake(caller, call, "%p is not a handle of ddi_regs_map_setup", (void *)h);
	else if (!atomic_exchange(&h->told, true))
		driver_mistake(caller, call,
		    "%s: %u bytes at %p (offset 0x%tx) are not aligned, or outside what was mapped "
		    "of set %u (0x%zx to 0x%zx); said once for this handle", h->driver, width, addr,
		    (const char *)addr - h->view, h->rnumber, h->start, h->end);
}

/* Whether n accesses of this width, from addr up, are inside what was mapped; their offset. */
static bool acc_offset(struct ddi_acc_handle *h, const void *addr, unsigned width, size_t n,
    size_t *off, const void *caller, const char *call)
{
	if (h != NULL && h->magic == ACC_MAGIC) {
		/* An address below the view becomes a huge offset. */
		*off = (uintptr_t)addr - (uintptr_t)h->view;
		if (*off >= h->start && *off <= h->end && n <= (h->end - *off) / width &&
		    *off % width == 0)
			return true;
	}
	acc_complain(h, addr, width, caller, call);
	return false;
}

static uint64_t acc_swap(const struct ddi_acc_handle *h, uint64_t value, unsigned width)
{
	return h->swap ? __builtin_bswap64(value) >> (64 - 8 * width) : value;
}

/* A bus answers with all ones where nothing is. */
static uint64_t acc_get(struct ddi_acc_handle *h, const void *addr, unsigned width,
    const void *caller, const char *call)
{
	size_t off;

	if (!acc_offset(h, addr, width, 1, &off, caller, call))
		return UINT64_MAX;
	return acc_swap(h, region_get(h->region, off, width), width);
}

static void acc_put(struct ddi_acc_handle *h, void *addr, unsigned width, uint64_t value,
    const void *caller, const char *call)
{
	size_t off;

	if (acc_offset(h, addr, width, 1, &off, caller, call))
		region_put(h->region, off, width, acc_swap(h, value, width));
}

static uint64_t host_load(const void *p, unsigned width)
{
	uint64_t v64;
	uint32_t v32;
	uint16_t v16;

	switch (width) {
	case 1:
		return *(const uint8_t *)p;
	case 2:
		memcpy(&v16, p, sizeof (v16));
		return v16;
	case 4:
		memcpy(&v32, p, sizeof (v32));
		return v32;
	default:
		memcpy(&v64, p, sizeof (v64));
		return v64;
	}
}

static void host_store(void *p, unsigned width, uint64_t value)
{
	uint32_t v32 = (uint32_t)value;
	uint16_t v16 = (uint16_t)value;

	switch (width) {
	case 1:
		*(uint8_t *)p = (uint8_t)value;
		break;
	case 2:
		memcpy(p, &v16, sizeof (v16));
		break;
	case 4:
		memcpy(p, &v32, sizeof (v32));
		break;
	default:
		memcpy(p, &value, sizeof (value));
		break;
	}
}

/* Swaps every value of a buffer, if the device's byte order is not ours. */
static void acc_swap_all(const struct ddi_acc_handle *h, char *buf, size_t len, unsigned width)
{
	if (!h->swap || width == 1)
		return;
	for (size_t i = 0; i < len; i += width)
		host_store(buf + i, width, acc_swap(h, host_load(buf + i, width), width));
}

/*
 * Repeated accesses. The caller's buffer may lie in a view (its own registers, even), so that
 * touching it can need a region's lock: between it and the region there is always a copy of ours.
 */
#define BOUNCE	4096

struct rep {
	struct ddi_acc_handle *h;
	unsigned width;
	size_t n;
	uint_t flags;
	const void *caller;
	const char *call;
};

static void rep_get_run(const struct rep *r, char *host, size_t off)
{
	char bounce[BOUNCE];

	for (size_t left = r->n * r->width, len; left > 0; left -= len) {
		len = left < BOUNCE ? left : BOUNCE;
		region_read(r->h->region, off, bounce, len);
		acc_swap_all(r->h, bounce, len, r->width);
		memcpy(host, bounce, len);
		host += len;
		off += len;
	}
}

static void rep_put_run(const struct rep *r, const char *host, size_t off)
{
	char bounce[BOUNCE];

	for (size_t left = r->n * r->width, len; left > 0; left -= len) {
		len = left < BOUNCE ? left : BOUNCE;
		memcpy(bounce, host, len);
		acc_swap_all(r->h, bounce, len, r->width);
		region_write(r->h->region, off, bounce, len);
		host += len;
		off += len;
	}
}

static bool rep_begin(const struct rep *r, const void *dev_addr, size_t *off)
{
	size_t n = r->flags & DDI_DEV_AUTOINCR ? r->n : 1;

	return r->n > 0 && acc_offset(r->h, dev_addr, r->width, n, off, r->caller, r->call);
}

static void rep_get(const struct rep *r, char *host, const void *dev_addr)
{
	size_t off;

	if (!rep_begin(r, dev_addr, &off)) {
		memset(host, 0xff, r->n * r->width);
	} else if (r->flags & DDI_DEV_AUTOINCR) {
		rep_get_run(r, host, off);
	} else {
		for (size_t i = 0; i < r->n; i++)
			host_store(host + i * r->width, r->width,
			    acc_swap(r->h, region_get(r->h->region, off, r->width), r->width));
	}
}

static void rep_put(const struct rep *r, const char *host, const void *dev_addr)
{
	size_t off;

	if (!rep_begin(r, dev_addr, &off))
		return;
	if (r->flags & DDI_DEV_AUTOINCR) {
		rep_put_run(r, host, off);
	} else {
		for (size_t i = 0; i < r->n; i++)
			region_put(r->h->region, off, r->width,
			    acc_swap(r->h, host_load(host + i * r->width, r->width), r->width));
	}
}

/* The four functions of each width: ddi_get*, ddi_put*, ddi_rep_get*, ddi_rep_put*. */
#define ACCESSORS(bits)									\
	uint##bits##_t ddi_get##bits(ddi_acc_handle_t handle, uint##bits##_t *dev_addr)	\
	{										\
		return (uint##bits##_t)acc_get(handle, dev_addr, (bits) / 8, CALLER(),	\
		    "ddi_get" #bits);							\
	}										\
											\
	void ddi_put##bits(ddi_acc_handle_t handle, uint##bits##_t *dev_addr,		\
	    uint##bits##_t value)							\
	{										\
		acc_put(handle, dev_addr, (bits) / 8, value, CALLER(), "ddi_put" #bits);	\
	}										\
											\
	void ddi_rep_get##bits(ddi_acc_handle_t handle, uint##bits##_t *host_addr,	\
	    uint##bits##_t *dev_addr, size_t repcount, uint_t flags)			\
	{										\
		struct rep r = { handle, (bits) / 8, repcount, flags, CALLER(),		\
			"ddi_rep_get" #bits };						\
											\
		rep_get(&r, (char *)host_addr, dev_addr);				\
	}										\
											\
	void ddi_rep_put##bits(ddi_acc_handle_t handle, uint##bits##_t *host_addr,	\
	    uint##bits##_t *dev_addr, size_t repcount, uint_t flags)			\
	{										\
		struct rep r = { handle, (bits) / 8, repcount, flags, CALLER(),		\
			"ddi_rep_put" #bits };						\
											\
		rep_put(&r, (const char *)host_addr, dev_addr);				\
	}

ACCESSORS(8)
ACCESSORS(16)
ACCESSORS(32)
ACCESSORS(64)
