/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The register sets of an instance are its model's regions.
 *
 * A driver gets a pointer into the region's view. What it does through the accessors goes to
 * wherever the page is live; a pointer that it dereferences itself works too, by way of the view.
 */
#include <errno.h>
#include <stdlib.h>

#include <sys/sunddi.h>

#include "devinfo.h"
#include "model.h"
#include "pages.h"

static int regset_init(struct dev_info *dip, int set)
{
	struct regset *r = &dip->regs[set];
	char name[sizeof(r->memory.mem_name)];
	int error;

	r->region = model_region(dip->model, set);
	r->len = region_len(r->region);
	(void)snprintf(name, sizeof(name), "%.24s registers %d", dip->name, set);
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
	dip->regs = calloc((size_t)n, sizeof(*dip->regs));
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

int port_nregs(dev_info_t *dip)
{
	return dip->nregs;
}

bool port_regset(dev_info_t *dip, uint_t rnumber, struct port_regset *out)
{
	struct regset *r = regset_of(dip, rnumber);

	if (r == NULL)
		return false;
	*out = (struct port_regset){ r->region, region_view(r->region), r->len };
	return true;
}

/* The region looks after what is stored into its view. */

bool port_pointer_begin(void *set)
{
	(void)set;
	return true;
}

void port_pointer_end(void *set)
{
	(void)set;
}

uint64_t port_reg_get(void *set, size_t off, unsigned int width)
{
	return region_get(set, off, width);
}

void port_reg_put(void *set, size_t off, unsigned int width, uint64_t value)
{
	region_put(set, off, width, value);
}

bool port_regs_read(void *set, size_t off, void *buf, size_t len)
{
	region_read(set, off, buf, len);
	return true;
}

bool port_regs_write(void *set, size_t off, const void *buf, size_t len)
{
	region_write(set, off, buf, len);
	return true;
}
