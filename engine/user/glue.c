/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What the core asks of an engine (core/engine.h), in terms of windows. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/param.h>

#include "keeper.h"
#include "server.h"

/*
 * Without devmap_access memory is shared by all and nothing is intercepted (C23), unless what is
 * behind the handle may change: then each access of another process moves the page, and all see the
 * same.
 */
static bool intercepted(const struct devmap_handle *dh)
{
	return dh->dh_ops.devmap_access != NULL || (dh->dh_flags & DEVMAP_ALLOW_REMAP) != 0;
}

static struct region *handle_region(const struct devmap_handle *dh)
{
	return dh->dh_memory != NULL ? dh->dh_memory->mem_engine : NULL;
}

/* First page of the handle in its window. */
static size_t handle_page(const struct devmap_handle *dh)
{
	return (size_t)dh->dh_roff / PAGESIZE;
}

int engine_load(struct devmap_handle *dh, pgcnt_t first, pgcnt_t n)
{
	struct swin *w = dh->dh_engine;

	if (w->shared)
		return 0;	/* the client maps it itself */
	if (w->window == NULL)
		return ENXIO;
	return to_ddi(window_load(w->window, dh->dh_uvaddr + first * PAGESIZE, handle_page(dh) + first,
	    n));
}

void engine_unload(struct devmap_handle *dh, pgcnt_t first, pgcnt_t n)
{
	struct swin *w = dh->dh_engine;

	if (w != NULL && w->window != NULL)
		window_unload(w->window, handle_page(dh) + first, n);
}

struct as *engine_current(void)
{
	struct context *c = context_get();

	return c != NULL ? c->as : NULL;
}

void engine_interrupt(kt_did_t server)
{
	context_interrupt_thread((uint64_t)server);
}

/* s->lock held. */
static struct swin *swin_find(struct session *s, struct region *r, bool writable)
{
	struct swin *w = s->windows;

	while (w != NULL && (w->shared || w->region != r || w->writable != writable))
		w = w->next;
	return w;
}

/* s->lock held. */
static struct swin *swin_find_shared(struct session *s, struct region *r)
{
	struct swin *w = s->windows;

	while (w != NULL && !(w->shared && w->region == r))
		w = w->next;
	return w;
}

/* s->lock held. */
static void swin_list(struct session *s, struct swin *w)
{
	w->session = s;
	w->next = s->windows;
	s->windows = w;
	if (w->window != NULL)
		keeper_window(s, w, window_fd(w->window));
}

/* There is no window: the process maps the region's memory, and from now on may store there. */
static int swin_make_shared(struct session *s, struct region *r, struct swin **out)
{
	struct swin *w = calloc(1, sizeof (*w));

	if (w == NULL)
		return -ENOMEM;
	w->shared = true;
	w->region = r;
	region_shared_begin(r);
	swin_list(s, w);
	*out = w;
	return 0;
}

static int swin_make(struct session *s, struct region *r, bool writable, struct swin **out)
{
	struct swin *w = calloc(1, sizeof (*w));
	int error;

	if (w == NULL)
		return -ENOMEM;
	w->region = r;
	w->writable = writable;
	error = window_create(r, &s->space, writable, &w->window);
	if (error != 0) {
		free(w);
		return error;
	}
	swin_list(s, w);
	*out = w;
	return 0;
}

/*
 * A handle that may be remapped has a window of its own, since what stands behind the client's
 * mapping of it has to be able to change. Of a split the parts share it until one of them is
 * remapped.
 */
static int swin_make_own(struct session *s, struct devmap_handle *dh, struct region *r, bool writable,
    struct swin **out)
{
	struct swin *w = calloc(1, sizeof (*w));
	int error;

	if (w == NULL)
		return -ENOMEM;
	w->own = true;
	w->writable = writable;
	w->region = r;
	error = window_create_piece(dh->dh_name, &s->space, handle_page(dh), dh->dh_len / PAGESIZE,
	    writable, &w->window);
	if (error != 0) {
		free(w);
		return error;
	}
	if (r != NULL)
		window_bind(w->window, r, handle_page(dh));
	swin_list(s, w);
	*out = w;
	return 0;
}

/* Without a region: the driver has freed what was behind it, and now there is a fork. */
static int swin_for_shared(struct session *s, struct region *r, struct swin **out)
{
	*out = swin_find_shared(s, r);
	if (*out != NULL)
		return 0;
	return r != NULL ? swin_make_shared(s, r, out) : -ENXIO;
}

/* The window for a handle: one that is there, or a new one. s->lock held. */
static int swin_for(struct session *s, struct devmap_handle *dh, struct swin *original,
    struct swin **out)
{
	struct region *r = handle_region(dh);
	/*
	 * A reader's window is one of its own: what the process scribbles there never comes home,
	 * even if it has the device open for writing elsewhere.
	 */
	bool writable = (dh->dh_maxprot & PROT_WRITE) != 0;

	if (!intercepted(dh))
		return swin_for_shared(s, r, out);
	if ((dh->dh_flags & DEVMAP_ALLOW_REMAP) != 0) {
		if (original == NULL || original->session != s)
			return swin_make_own(s, dh, r, writable, out);
		*out = original;
		return 0;
	}
	*out = swin_find(s, r, writable);
	if (*out != NULL)
		return 0;
	/* Without a region: the driver has freed what was behind it, and now there is a fork. */
	return r != NULL ? swin_make(s, r, writable, out) : -ENXIO;
}

int engine_handle_init(struct devmap_handle *dh)
{
	struct session *s = session_of(dh->dh_mapping->m_as);
	struct swin *original = dh->dh_engine, *w = NULL;
	int error;

	pthread_mutex_lock(&s->lock);
	error = swin_for(s, dh, original, &w);
	if (error == 0)
		w->handles++;
	pthread_mutex_unlock(&s->lock);
	if (error == 0)
		file_get(dh->dh_mapping->m_file);
	dh->dh_engine = error == 0 ? w : NULL;
	return to_ddi(error);
}

/*
 * s->lock held, which keeps the region from going. What the process stored last is seen: the model
 * looks on for a while, and once more before it sleeps.
 */
static void swin_end_shared(struct swin *w)
{
	if (w->region != NULL)
		region_shared_end(w->region);
	w->region = NULL;
}

/* s->lock held. The handle leaves its window; returns the window if it was the last. */
static struct swin *swin_leave(struct session *s, struct swin *w)
{
	struct swin **p;

	if (--w->handles > 0)
		return NULL;
	for (p = &s->windows; *p != w; p = &(*p)->next)
		;
	*p = w->next;
	if (w->shared)
		swin_end_shared(w);
	else
		keeper_window_end(s, w);
	return w;
}

static void swin_free(struct swin *w)
{
	if (w == NULL)
		return;
	if (w->window != NULL)
		window_close(w->window);
	free(w);
}

void engine_handle_fini(struct devmap_handle *dh)
{
	struct session *s = session_of(dh->dh_mapping->m_as);
	struct swin *w = dh->dh_engine;

	dh->dh_engine = NULL;
	pthread_mutex_lock(&s->lock);
	w = swin_leave(s, w);
	pthread_mutex_unlock(&s->lock);
	swin_free(w);
	file_put(dh->dh_mapping->m_file);
}

/* s->lock held. A window on the same memory file for a handle that goes its own way. */
static int swin_clone(struct session *s, struct devmap_handle *dh)
{
	struct swin *w = dh->dh_engine, *mine = calloc(1, sizeof (*mine));
	int error;

	if (mine == NULL)
		return -ENOMEM;
	*mine = (struct swin){ .own = true, .writable = w->writable, .handles = 1 };
	error = window_clone(w->window, &mine->window);
	if (error != 0) {
		free(mine);
		return error;
	}
	swin_list(s, mine);
	w->handles--;
	dh->dh_engine = mine;
	return 0;
}

int engine_handle_remap(struct devmap_handle *dh, struct devmap_memory *m, offset_t roff)
{
	struct session *s = session_of(dh->dh_mapping->m_as);
	struct swin *w = dh->dh_engine;
	size_t at;			/* of the handle in its window, in pages */
	int error = 0;

	pthread_mutex_lock(&s->lock);
	if (w->window == NULL)
		error = -ENXIO;		/* the driver has freed what was behind it: it is beyond help */
	else if (w->handles > 1)
		error = swin_clone(s, dh);
	if (error == 0) {
		w = dh->dh_engine;
		at = window_page(w->window, handle_page(dh));
		window_unbind(w->window);
		w->region = m != NULL ? m->mem_engine : NULL;
		if (m != NULL)
			window_bind(w->window, w->region, (size_t)roff / PAGESIZE - at);
	}
	pthread_mutex_unlock(&s->lock);
	return to_ddi(error);
}

/* Its own duplicate of the window's memory file, which may be closed meanwhile. 0 or -errno. */
static int window_piece(struct devmap_handle *dh, struct swin *w, struct dm_piece *p, int *fd)
{
	struct session *s = w->session;
	int error = -ENXIO;

	pthread_mutex_lock(&s->lock);
	if (w->window != NULL) {
		*fd = fcntl(window_fd(w->window), F_DUPFD_CLOEXEC, 0);
		p->fd_off = window_page(w->window, handle_page(dh)) * PAGESIZE;
		error = *fd >= 0 ? 0 : -errno;
	}
	pthread_mutex_unlock(&s->lock);
	return error;
}

int handle_piece(struct devmap_handle *dh, size_t done, struct dm_piece *p, int *fd)
{
	struct swin *w = dh->dh_engine;
	size_t off = 0, len = 0;
	int error = -ENXIO;

	*p = (struct dm_piece){ .addr = dh->dh_uvaddr + done, .len = dh->dh_len - done,
		.prot = dh->dh_mapping->m_prot,
		.maxprot = dh->dh_maxprot & (PROT_READ | PROT_WRITE | PROT_EXEC), .shared = w->shared };
	if (!w->shared)
		return window_piece(dh, w, p, fd);
	pthread_mutex_lock(&w->session->lock);
	if (w->region != NULL)
		error = region_share(w->region, (size_t)dh->dh_roff + done, p->len,
		    (dh->dh_maxprot & PROT_WRITE) != 0, fd, &off, &len);
	pthread_mutex_unlock(&w->session->lock);
	p->fd_off = off;
	p->len = len;
	return error;
}

int handle_register(struct devmap_handle *dh, uintptr_t addr)
{
	struct swin *w = dh->dh_engine;
	int error = -ENXIO;

	if (w->shared)
		return 0;
	pthread_mutex_lock(&w->session->lock);
	if (w->window != NULL)
		error = window_register(w->window, addr, handle_page(dh) * PAGESIZE, dh->dh_len);
	pthread_mutex_unlock(&w->session->lock);
	return error;
}

/* A driver frees memory that is still mapped: its windows close, and accesses fail from now on. */
static void swins_drop(struct session *s, void *arg)
{
	pthread_mutex_lock(&s->lock);
	for (struct swin *w = s->windows; w != NULL; w = w->next) {
		if (w->region != arg)
			continue;
		if (w->shared) {
			swin_end_shared(w);
			continue;
		}
		w->region = NULL;
		if (w->own) {
			window_unbind(w->window);
		} else {
			window_close(w->window);
			w->window = NULL;
		}
	}
	pthread_mutex_unlock(&s->lock);
}

static void memory_gone(struct devmap_memory *m)
{
	sessions_each(swins_drop, m->mem_engine);
}

void glue_init(void)
{
	driver_set_memory_hook(memory_gone);
}

struct find_page {
	uintptr_t page;
	struct session *session;
};

static void unpoison_handle(struct devmap_handle *dh, void *arg)
{
	struct find_page *fp = arg;
	struct session *s = fp->session;
	struct swin *w = dh->dh_engine;

	if (w == NULL || w->shared || fp->page - dh->dh_uvaddr >= dh->dh_len)
		return;
	pthread_mutex_lock(&s->lock);
	if (w->window != NULL)
		space_unpoison(&s->space, w->window, fp->page,
		    handle_page(dh) + (fp->page - dh->dh_uvaddr) / PAGESIZE);
	pthread_mutex_unlock(&s->lock);
}

void handle_unpoison(struct session *s, uintptr_t page)
{
	struct find_page fp = { .page = page, .session = s };

	devmap_each_handle(&s->as, unpoison_handle, &fp);
}
