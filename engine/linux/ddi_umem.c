// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Device memory: what ddi_umem_alloc(9F) gives. */
#include "linux.h"

#include <linux/delay.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

struct devmap_memory *port_memory_create(const char *name, size_t len, ddi_umem_cookie_t cookie,
					 bool trash, void **pages)
{
	struct region *r = kzalloc(sizeof(*r), GFP_KERNEL);

	if (r == NULL)
		return NULL;
	if (region_init_pages(r, name, len, trash) != 0) {
		kfree(r);
		return NULL;
	}
	r->memory.mem_cookie = cookie;
	r->memory.mem_trash = trash ? cookie : NULL;
	*pages = r->pages;
	return &r->memory;
}

void port_memory_destroy(struct devmap_memory *m)
{
	struct region *r = region_of(m);

	region_fini(r);
	kfree(r);
}

bool port_memory_wait(size_t len)
{
	if (len > (size_t)totalram_pages() << PAGE_SHIFT || fatal_signal_pending(current))
		return false;
	msleep(10);
	return true;
}
