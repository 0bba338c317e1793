/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Device memory: what ddi_umem_alloc(9F) gives, and how register sets and it go. */
#include <stdlib.h>
#include <unistd.h>

#include <sys/ddi.h>

#include "devinfo.h"
#include "pages.h"

#define RETRY_TICKS 10

static void (*memory_gone)(struct devmap_memory *m);

void driver_set_memory_hook(void (*gone)(struct devmap_memory *m))
{
	memory_gone = gone;
}

void memory_detach(struct devmap_memory *m)
{
	devmap_memory_fini(m);
	if (memory_gone != NULL)
		memory_gone(m);
}

/* The machine does not have so much. */
static bool too_much(size_t len)
{
	return len / (size_t)sysconf(_SC_PAGESIZE) > (size_t)sysconf(_SC_PHYS_PAGES);
}

struct devmap_memory *port_memory_create(const char *name, size_t len, ddi_umem_cookie_t cookie,
					 bool trash, void **pages)
{
	struct devmap_memory *m = too_much(len) ? NULL : calloc(1, sizeof(*m));
	struct region *r;

	if (m == NULL)
		return NULL;
	if (region_create(name, len, &r) != 0)
		goto fail;
	if (devmap_memory_init(m, name, len) != 0)
		goto fail_region;
	m->mem_engine = r;
	m->mem_cookie = cookie;
	m->mem_trash = trash ? cookie : NULL;
	*pages = region_view(r);
	return m;

fail_region:
	region_destroy(r);
fail:
	free(m);
	return NULL;
}

void port_memory_destroy(struct devmap_memory *m)
{
	struct region *r = m->mem_engine;

	memory_detach(m);
	region_destroy(r);
	free(m);
}

bool port_memory_wait(size_t len)
{
	if (too_much(len))
		return false;
	delay(RETRY_TICKS);
	return true;
}
