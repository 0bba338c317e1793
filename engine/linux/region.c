// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * What stands behind a device memory. Ordinary pages are vmalloc'ed, one by one: clients see them as
 * page frames, and no reference is ever taken, so they are freed only after the last translation
 * was dropped, and `gone` sees to it that no new one is made.
 */
#include "linux.h"

#include <linux/io.h>
#include <linux/vmalloc.h>

static int region_init(struct region *r, const char *name, size_t len)
{
	int error;

	r->len = PAGE_ALIGN(len);
	r->gone = false;
	error = r->len < len ? EINVAL : devmap_memory_init(&r->memory, name, r->len);
	if (error != 0)
		return -error;
	r->memory.mem_engine = r;
	r->attached = true;
	return 0;
}

int region_init_pages(struct region *r, const char *name, size_t len, bool one_page)
{
	int error = region_init(r, name, len);

	if (error != 0)
		return error;
	r->kind = REGION_PAGES;
	r->one_page = one_page;
	r->pages = __vmalloc(one_page ? PAGE_SIZE : r->len, GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN);
	if (r->pages != NULL)
		return 0;
	region_cut_off(r);
	return -ENOMEM;
}

int region_init_mmio(struct region *r, const char *name, resource_size_t phys, size_t len,
		     void __iomem *io)
{
	r->kind = REGION_MMIO;
	r->phys = phys;
	r->io = io;
	return region_init(r, name, len);
}

/*
 * devmap_memory_fini() drops what is recorded as loaded. Memory that is not intercepted is mapped
 * without a record, and in any case not one translation may be left: so all are dropped here, and
 * `gone`, which is looked at under mem_lock too, keeps others from being made.
 */
void region_cut_off(struct region *r)
{
	struct devmap_handle *dh;

	if (!r->attached)
		return;
	mutex_enter(&r->memory.mem_lock);
	r->gone = true;
	for (dh = r->memory.mem_handles; dh != NULL; dh = dh->dh_mem_next)
		handle_zap(dh);
	mutex_exit(&r->memory.mem_lock);
	devmap_memory_fini(&r->memory);
	r->attached = false;
}

void region_fini(struct region *r)
{
	region_cut_off(r);
	if (r->kind == REGION_PAGES)
		vfree(r->pages);
	r->pages = NULL;
}

unsigned long region_pfn(const struct region *r, pgcnt_t page)
{
	if (r->kind == REGION_MMIO)
		return PHYS_PFN(r->phys) + page;
	return vmalloc_to_pfn(region_byte(r, (size_t)page << PAGE_SHIFT));
}

void *region_byte(const struct region *r, size_t off)
{
	return (char *)r->pages + (r->one_page ? offset_in_page(off) : off);
}
