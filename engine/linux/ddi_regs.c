// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Register sets: ddi_dev_nregs(9F), ddi_regs_map_setup(9F). What is done through the handles is in
 * ddi_acc.c.
 *
 * A model's are ordinary pages, numbered as the model made them. A PCI function's are as on
 * Solaris: 0 is the configuration space, then come its base address registers.
 */
#include "linux.h"

#include "acc.h"

int regset_add(dev_info_t *dip, const struct regset *set)
{
	struct regset *regs = krealloc_array(dip->regs, (size_t)dip->nregs + 1, sizeof(*regs),
	    GFP_KERNEL);

	if (regs == NULL)
		return -ENOMEM;
	regs[dip->nregs] = *set;
	dip->regs = regs;
	dip->nregs++;
	return 0;
}

/* The regions are the model's, or pci.c's. */
void regsets_free(dev_info_t *dip)
{
	kfree(dip->regs);
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

	if (r == NULL || r->region == NULL)
		return NULL;
	*len = r->region->len;
	return &r->region->memory;
}

int ddi_dev_nregs(dev_info_t *dip, int *resultp)
{
	*resultp = dip->nregs;
	return dip->nregs > 0 ? DDI_SUCCESS : DDI_FAILURE;
}
EXPORT_SYMBOL(ddi_dev_nregs);

int ddi_dev_regsize(dev_info_t *dip, uint_t rnumber, off_t *resultp)
{
	struct regset *r = regset_of(dip, rnumber);

	if (r == NULL)
		return DDI_FAILURE;
	*resultp = (off_t)r->len;
	return DDI_SUCCESS;
}
EXPORT_SYMBOL(ddi_dev_regsize);

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

/* Of the whole set. Configuration space and ports have none that means anything by itself. */
static char *regset_base(const struct regset *r)
{
	if (r->kind == REGS_CONFIG)
		return (char *)ACC_CONFIG_BASE;
	if (r->region != NULL && r->region->kind == REGION_PAGES)
		return r->region->pages;
	return (char __force *)r->io;
}

/* Linux runs little-endian on every machine that this is built for; so are PCI's accessors. */
static bool attr_swaps(const ddi_device_acc_attr_t *attr)
{
	uchar_t order = attr != NULL ? attr->devacc_attr_endian_flags : DDI_NEVERSWAP_ACC;

	return order == DDI_STRUCTURE_BE_ACC;
}

static struct ddi_acc_handle *acc_new(dev_info_t *dip, uint_t rnumber, const struct regset *r)
{
	struct ddi_acc_handle *h = kzalloc(sizeof(*h), GFP_KERNEL);

	if (h == NULL)
		return NULL;
	h->magic = ACC_MAGIC;
	h->base = regset_base(r);
	h->driver = dip->name;
	h->rnumber = rnumber;
	if (r->kind == REGS_CONFIG) {
		h->kind = ACC_CONFIG;
		h->pci = dip->pci;
	} else if (r->region != NULL && r->region->kind == REGION_PAGES) {
		h->kind = ACC_PAGES;
		h->model = r->region->model;
	} else {
		h->kind = r->kind == REGS_PORTS ? ACC_PORTS : ACC_MMIO;
	}
	return h;
}

int ddi_regs_map_setup(dev_info_t *dip, uint_t rnumber, caddr_t *addrp, offset_t offset,
    offset_t len, ddi_device_acc_attr_t *accattrp, ddi_acc_handle_t *handle)
{
	struct ddi_acc_handle *h;
	struct regset *r;
	size_t end;

	*handle = NULL;
	r = regset_range(dip, rnumber, offset, len, &end, CALLER(), "ddi_regs_map_setup");
	h = r != NULL ? acc_new(dip, rnumber, r) : NULL;
	if (h == NULL)
		return DDI_FAILURE;
	h->swap = attr_swaps(accattrp);
	h->start = (size_t)offset;
	h->end = end;
	*addrp = (caddr_t)h->base + offset;
	*handle = h;
	return DDI_SUCCESS;
}
EXPORT_SYMBOL(ddi_regs_map_setup);

void ddi_regs_map_free(ddi_acc_handle_t *handle)
{
	struct ddi_acc_handle *h = *handle;

	if (h == NULL || h->magic != ACC_MAGIC) {
		driver_mistake(CALLER(), "ddi_regs_map_free",
		    "%p is not a handle of ddi_regs_map_setup", (void *)h);
		return;
	}
	h->magic = 0;
	kfree(h);
	*handle = NULL;
}
EXPORT_SYMBOL(ddi_regs_map_free);

/* The driver will go there by itself: a model is told, and what is not memory cannot be had. */
int ddi_map_regs(dev_info_t *dip, uint_t rnumber, caddr_t *kaddrp, off_t offset, off_t len)
{
	size_t end;
	struct regset *r = regset_range(dip, rnumber, offset, len, &end, CALLER(), "ddi_map_regs");

	if (r == NULL)
		return DDI_FAILURE;
	if (r->kind != REGS_MEMORY) {
		driver_mistake(CALLER(), "ddi_map_regs",
		    "%s: set %u is not memory: use ddi_regs_map_setup", dip->name, rnumber);
		return DDI_FAILURE;
	}
	if (r->region != NULL && r->region->model != NULL)
		model_pointer_begin(r->region->model);
	*kaddrp = (caddr_t)regset_base(r) + offset;
	return DDI_SUCCESS;
}
EXPORT_SYMBOL(ddi_map_regs);

void ddi_unmap_regs(dev_info_t *dip, uint_t rnumber, caddr_t *kaddrp, off_t offset, off_t len)
{
	size_t end;
	struct regset *r = regset_range(dip, rnumber, offset, len, &end, CALLER(), "ddi_unmap_regs");

	if (r != NULL && *kaddrp != NULL && r->region != NULL && r->region->model != NULL)
		model_pointer_end(r->region->model);
	*kaddrp = NULL;
}
EXPORT_SYMBOL(ddi_unmap_regs);
