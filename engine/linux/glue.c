// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* What the core asks of an engine (core/engine.h), in terms of page offsets. */
#include "linux.h"

#include <sys/cmn_err.h>

#include "internal.h"

pgoff_t handle_pgoff(const struct devmap_handle *dh)
{
	const struct offsets *o = dh->dh_engine;

	return READ_ONCE(o->base) + (pgoff_t)(dh->dh_off >> PAGE_SHIFT);
}

/* Without any lock. Before a mapping has its offsets nobody can have touched it. */
static void zap(const struct devmap_handle *dh, pgcnt_t first, pgcnt_t n)
{
	const struct offsets *o = dh->dh_engine;

	if (o == NULL || READ_ONCE(o->start) == 0)
		return;
	unmap_mapping_range(devmap_inode->i_mapping,
			    (loff_t)(handle_pgoff(dh) + first) << PAGE_SHIFT,
			    (loff_t)n << PAGE_SHIFT, 1);
}

/*
 * Only the record says that a page is loaded; the fault that asked for it inserts it: fault.c.
 * mem_lock is held.
 */
int engine_load(struct devmap_handle *dh, pgcnt_t first, pgcnt_t n)
{
	struct region *r = region_of(dh->dh_memory);

	ASSERT(MUTEX_HELD(&dh->dh_memory->mem_lock));
	(void)first;
	(void)n;
	if (r->gone)
		return ENXIO;
	devmap_model_watch(r->model);
	return 0;
}

/* mem_lock is held. */
void engine_unload(struct devmap_handle *dh, pgcnt_t first, pgcnt_t n)
{
	ASSERT(MUTEX_HELD(&dh->dh_memory->mem_lock));
	zap(dh, first, n);
	devmap_model_sync(region_of(dh->dh_memory)->model);
}

/* Every translation through the handle, recorded or not. mem_lock is held. */
void handle_zap(struct devmap_handle *dh)
{
	ASSERT(MUTEX_HELD(&dh->dh_memory->mem_lock));
	zap(dh, 0, dh->dh_len >> PAGE_SHIFT);
}

pfn_t engine_pfn(const struct devmap_memory *m, offset_t off)
{
	return region_pfn(m->mem_engine, (pgcnt_t)(off >> PAGE_SHIFT));
}

/* Faults are served by the threads that have them, so none is ever postponed. */
void engine_release(struct devmap_fault *f)
{
	WARN_ONCE(1, "devmap: fault at %#lx was postponed", (ulong_t)f->f_addr);
}

int engine_handle_init(struct devmap_handle *dh)
{
	if (instance_handle_begin(dh->dh_dip) != 0)
		return ENODEV;
	dh->dh_engine = dh->dh_mapping->m_file;
	offsets_hold(dh->dh_engine);
	return 0;
}

/*
 * The file is the vma's to hold. Where the device was taken away the vma stays, and what it shows
 * without a record, too, until now.
 */
void engine_handle_fini(struct devmap_handle *dh)
{
	if (instance_going(dh->dh_dip))
		zap(dh, 0, dh->dh_len >> PAGE_SHIFT);
	offsets_put(dh->dh_engine);
	instance_handle_end(dh->dh_dip);
}

/*
 * Nothing is loaded; the next fault goes by dh_memory and dh_roff as they are then. a_lock is held.
 */
int engine_handle_remap(struct devmap_handle *dh, struct devmap_memory *m, offset_t roff)
{
	ASSERT(MUTEX_HELD(&dh->dh_as->a_lock));
	(void)dh;
	(void)m;
	(void)roff;
	return 0;
}

/* Translations are each handle's own, so several may have the same page. a_lock is held. */
int engine_handle_share(struct devmap_handle *dh)
{
	ASSERT(MUTEX_HELD(&dh->dh_as->a_lock));
	(void)dh;
	return 0;
}
