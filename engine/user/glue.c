/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What the core asks of an engine (core/engine.h), in terms of windows. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/param.h>
#include <unistd.h>

#include "keeper.h"
#include "resume.h"
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
	struct backing *b = dh->dh_engine;

	ASSERT(MUTEX_HELD(&dh->dh_memory->mem_lock));
	if (b->shared)
		return 0; /* the client maps it itself */
	if (b->window == NULL)
		return ENXIO;
	return to_ddi(window_load(b->window, dh->dh_uvaddr + first * PAGESIZE,
				  handle_page(dh) + first, n));
}

void engine_unload(struct devmap_handle *dh, pgcnt_t first, pgcnt_t n)
{
	struct backing *b = dh->dh_engine;

	ASSERT(MUTEX_HELD(&dh->dh_memory->mem_lock));
	if (b != NULL && b->window != NULL)
		window_unload(b->window, handle_page(dh) + first, n);
}

/* Modelled registers are nowhere. */
pfn_t engine_pfn(const struct devmap_memory *m, offset_t off)
{
	(void)m;
	(void)off;
	return (pfn_t)-1;
}

void engine_interrupt(kt_did_t server)
{
	caller_interrupt_thread((uint64_t)server);
}

/* s->lock held. */
static struct backing *backing_find(struct session *s, struct region *r, bool writable,
				    uint64_t share)
{
	struct backing *b = s->backings;

	ASSERT_HELD(&s->lock);
	while (b != NULL && (b->shared || b->own || b->region != r || b->writable != writable ||
			     b->share != share))
		b = b->next;
	return b;
}

/* s->lock held. */
static struct backing *backing_find_shared(struct session *s, struct region *r)
{
	struct backing *b = s->backings;

	ASSERT_HELD(&s->lock);
	while (b != NULL && !(b->shared && b->region == r))
		b = b->next;
	return b;
}

/* s->lock held. */
static void backing_list(struct session *s, struct backing *b)
{
	ASSERT_HELD(&s->lock);
	b->session = s;
	b->next = s->backings;
	s->backings = b;
	if (b->window != NULL)
		keeper_window(s, b, window_fd(b->window));
}

/* There is no window: the process maps the region's memory, and from now on may store there. */
static int backing_make_shared(struct session *s, struct region *r, struct backing **out)
{
	struct backing *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return -ENOMEM;
	b->shared = true;
	b->region = r;
	region_shared_begin(r);
	backing_list(s, b);
	*out = b;
	return 0;
}

/* A backing that is to have a window, which is counted. 0 or -errno. */
static int backing_new(struct session *s, struct backing **out)
{
	struct account *user = account_of(s->uid);
	int error = account_window(user);

	if (error != 0)
		return error;
	*out = calloc(1, sizeof(**out));
	if (*out == NULL) {
		account_window_end(user);
		return -ENOMEM;
	}
	(*out)->counted = user;
	return 0;
}

static void backing_close(struct backing *b)
{
	if (b->window == NULL)
		return;
	if (b->common != NULL)
		common_leave(b->common, b->window);
	else
		window_close(b->window);
	b->window = NULL;
}

static void backing_free(struct backing *b)
{
	if (b == NULL)
		return;
	backing_close(b);
	if (b->counted != NULL)
		account_window_end(b->counted);
	free(b);
}

/*
 * Processes that share a context share a window too, but for those that may only read: what they store
 * is not to be seen by the others. Theirs is one of their own, and the page moves. A shared context does not
 * go on where an engine has died.
 */
static int backing_open(struct session *s, struct backing *b)
{
	const bool common = b->share != 0 && b->writable;

	if (common && !s->resuming)
		return common_join(b->share, b->region, s, &b->window, &b->common);
	if (!s->resuming)
		return window_create(b->region, &s->uffd, b->writable, &b->window);
	if (!common)
		b->window = resume_window(s, b->region, b->writable);
	return b->window != NULL ? 0 : -ENXIO;
}

static int backing_make(struct session *s, struct region *r, bool writable, uint64_t share,
			struct backing **out)
{
	struct backing *b;
	int error = backing_new(s, &b);

	if (error != 0)
		return error;
	b->region = r;
	b->writable = writable;
	b->share = share;
	error = backing_open(s, b);
	if (error != 0) {
		backing_free(b);
		return error;
	}
	backing_list(s, b);
	*out = b;
	return 0;
}

/*
 * A handle that may be remapped has a window of its own, since what stands behind the client's
 * mapping of it has to be able to change. Of a split the parts share it until one of them is
 * remapped.
 */
static int backing_make_own(struct session *s, struct devmap_handle *dh, struct region *r,
			    bool writable, struct backing **out)
{
	struct backing *b;
	int error = backing_new(s, &b);

	if (error != 0)
		return error;
	b->own = true;
	b->writable = writable;
	b->region = r;
	error = window_create_piece(dh->dh_name, &s->uffd, handle_page(dh), dh->dh_len / PAGESIZE,
				    writable, &b->window);
	if (error != 0) {
		backing_free(b);
		return error;
	}
	if (r != NULL)
		window_bind(b->window, r, handle_page(dh));
	backing_list(s, b);
	*out = b;
	return 0;
}

/* Without a region: the driver has freed what was behind it, and now there is a fork. */
static int backing_for_shared(struct session *s, struct region *r, struct backing **out)
{
	*out = backing_find_shared(s, r);
	if (*out != NULL)
		return 0;
	/* The process has other memory than this. */
	if (s->resuming && r != NULL && !region_was_there(r))
		return -ENXIO;
	return r != NULL ? backing_make_shared(s, r, out) : -ENXIO;
}

/* The backing of a handle: one that is there, or a new one. s->lock held. */
static int backing_for(struct session *s, struct devmap_handle *dh, struct backing *original,
		       struct backing **out)
{
	struct region *r = handle_region(dh);
	/*
	 * A reader's window is one of its own: what the process scribbles there never comes home,
	 * even if it has the device open for writing elsewhere.
	 */
	bool writable = (dh->dh_maxprot & PROT_WRITE) != 0;
	uint64_t share = devmap_share_of(dh);

	ASSERT_HELD(&s->lock);
	if (!intercepted(dh))
		return backing_for_shared(s, r, out);
	/* What stood behind it is the driver's to know, and it has died. */
	if ((dh->dh_flags & DEVMAP_ALLOW_REMAP) != 0 && s->resuming)
		return -ENXIO;
	if ((dh->dh_flags & DEVMAP_ALLOW_REMAP) != 0) {
		if (original == NULL || original->session != s)
			return backing_make_own(s, dh, r, writable, out);
		*out = original;
		return 0;
	}
	*out = backing_find(s, r, writable, share);
	if (*out != NULL)
		return 0;
	/* Without a region: the driver has freed what was behind it, and now there is a fork. */
	return r != NULL ? backing_make(s, r, writable, share, out) : -ENXIO;
}

int engine_handle_init(struct devmap_handle *dh)
{
	struct session *s = session_of(dh->dh_mapping->m_as);
	struct backing *original = dh->dh_engine, *b = NULL;
	int error;

	pthread_mutex_lock(&s->lock);
	error = backing_for(s, dh, original, &b);
	if (error == 0)
		b->handles++;
	pthread_mutex_unlock(&s->lock);
	if (error == 0)
		file_get(dh->dh_mapping->m_file);
	dh->dh_engine = error == 0 ? b : NULL;
	return to_ddi(error);
}

/*
 * s->lock held, which keeps the region from going. What the process stored last is seen: the model
 * looks on for a while, and once more before it sleeps.
 */
static void backing_end_shared(struct backing *b)
{
	ASSERT_HELD(&b->session->lock);
	if (b->region != NULL)
		region_shared_end(b->region);
	b->region = NULL;
}

/* s->lock held. The handle leaves its backing; returns that if it was the last. */
static struct backing *backing_leave(struct session *s, struct backing *b)
{
	struct backing **p;

	ASSERT_HELD(&s->lock);
	if (--b->handles > 0)
		return NULL;
	for (p = &s->backings; *p != b; p = &(*p)->next)
		;
	*p = b->next;
	if (b->shared)
		backing_end_shared(b);
	else
		keeper_window_end(s, b);
	return b;
}

void engine_handle_fini(struct devmap_handle *dh)
{
	struct session *s = session_of(dh->dh_mapping->m_as);
	struct backing *b = dh->dh_engine;

	dh->dh_engine = NULL;
	pthread_mutex_lock(&s->lock);
	b = backing_leave(s, b);
	pthread_mutex_unlock(&s->lock);
	backing_free(b);
	file_put(dh->dh_mapping->m_file);
}

/* Nothing has been handed out to the client yet, so it gets another window, or the other's. */
int engine_handle_share(struct devmap_handle *dh)
{
	struct session *s = session_of(dh->dh_as);
	struct backing *old = dh->dh_engine, *b = NULL;
	int error;

	ASSERT(MUTEX_HELD(&dh->dh_as->a_lock));
	pthread_mutex_lock(&s->lock);
	error = backing_for(s, dh, old, &b);
	if (error == 0) {
		b->handles++;
		old = backing_leave(s, old);
		dh->dh_engine = b;
	}
	pthread_mutex_unlock(&s->lock);
	if (error == 0)
		backing_free(old);
	return to_ddi(error);
}

/* s->lock held. A window on the same memory file for a handle that goes its own way. */
static int backing_clone(struct session *s, struct devmap_handle *dh)
{
	struct backing *b = dh->dh_engine, *mine;
	int error = backing_new(s, &mine);

	ASSERT_HELD(&s->lock);
	if (error != 0)
		return error;
	mine->own = true;
	mine->writable = b->writable;
	mine->handles = 1;
	error = window_clone(b->window, handle_page(dh), dh->dh_len / PAGESIZE, &mine->window);
	if (error != 0) {
		backing_free(mine);
		return error;
	}
	backing_list(s, mine);
	b->handles--;
	dh->dh_engine = mine;
	return 0;
}

int engine_handle_remap(struct devmap_handle *dh, struct devmap_memory *m, offset_t roff)
{
	struct session *s = session_of(dh->dh_mapping->m_as);
	struct backing *b = dh->dh_engine;
	size_t at; /* of the handle in its window, in pages */
	int error = 0;

	ASSERT(MUTEX_HELD(&dh->dh_as->a_lock));
	pthread_mutex_lock(&s->lock);
	if (b->window == NULL)
		error = -ENXIO; /* the driver has freed what was behind it: it is beyond help */
	else if (b->handles > 1)
		error = backing_clone(s, dh);
	if (error == 0) {
		b = dh->dh_engine;
		at = window_page(b->window, handle_page(dh));
		window_unbind(b->window);
		b->region = m != NULL ? m->mem_engine : NULL;
		if (m != NULL)
			window_bind(b->window, b->region, (size_t)roff / PAGESIZE - at);
	}
	pthread_mutex_unlock(&s->lock);
	return to_ddi(error);
}

/* Its own duplicate of the window's memory file, which may be closed meanwhile. 0 or -errno. */
static int window_piece(struct devmap_handle *dh, struct backing *b, struct dm_piece *p, int *fd)
{
	struct session *s = b->session;
	int error = -ENXIO;

	pthread_mutex_lock(&s->lock);
	if (b->window != NULL) {
		*fd = fcntl(window_fd(b->window), F_DUPFD_CLOEXEC, 0);
		p->fd_off = window_page(b->window, handle_page(dh)) * PAGESIZE;
		error = *fd >= 0 ? 0 : -errno;
	}
	pthread_mutex_unlock(&s->lock);
	return error;
}

int handle_piece(struct devmap_handle *dh, size_t done, struct dm_piece *p, int *fd)
{
	struct backing *b = dh->dh_engine;
	size_t off = 0, len = 0;
	int error = -ENXIO;

	*p = (struct dm_piece){ .addr = dh->dh_uvaddr + done,
				.len = dh->dh_len - done,
				.prot = dh->dh_mapping->m_prot &
					(PROT_READ | PROT_WRITE | PROT_EXEC),
				.maxprot = dh->dh_maxprot & (PROT_READ | PROT_WRITE | PROT_EXEC),
				.shared = b->shared };
	if (!b->shared)
		return window_piece(dh, b, p, fd);
	pthread_mutex_lock(&b->session->lock);
	if (b->region != NULL)
		error = region_share(b->region, (size_t)dh->dh_roff + done, p->len,
				     (dh->dh_maxprot & PROT_WRITE) != 0, fd, &off, &len);
	pthread_mutex_unlock(&b->session->lock);
	p->fd_off = off;
	p->len = len;
	return error;
}

int handle_register(struct devmap_handle *dh, uintptr_t addr)
{
	struct backing *b = dh->dh_engine;
	int error = -ENXIO;

	if (b->shared)
		return 0;
	pthread_mutex_lock(&b->session->lock);
	if (b->window != NULL)
		error = window_register(b->window, addr, handle_page(dh) * PAGESIZE, dh->dh_len);
	pthread_mutex_unlock(&b->session->lock);
	return error;
}

/* All its pieces, none of which are handed out: what is shared is so again. */
static void share_again(struct devmap_handle *dh)
{
	size_t done = 0;
	struct dm_piece p;
	int fd;

	while (done < dh->dh_len && handle_piece(dh, done, &p, &fd) == 0) {
		close(fd);
		done += p.len;
	}
}

void handle_placed(struct devmap_handle *dh)
{
	struct backing *b = dh->dh_engine;

	if (b->shared) {
		share_again(dh);
		return;
	}
	pthread_mutex_lock(&b->session->lock);
	if (b->window != NULL)
		window_place(b->window, dh->dh_uvaddr, handle_page(dh) * PAGESIZE, dh->dh_len);
	pthread_mutex_unlock(&b->session->lock);
}

void handles_unplace(struct session *s, uintptr_t addr, size_t len)
{
	pthread_mutex_lock(&s->lock);
	for (struct backing *b = s->backings; b != NULL; b = b->next)
		if (b->window != NULL)
			window_unplace(b->window, addr, len);
	pthread_mutex_unlock(&s->lock);
}

/* A driver frees memory that is still mapped: windows on it close, and accesses fail from now on. */
static void backings_drop(struct session *s, void *arg)
{
	pthread_mutex_lock(&s->lock);
	for (struct backing *b = s->backings; b != NULL; b = b->next) {
		if (b->region != arg)
			continue;
		if (b->shared) {
			backing_end_shared(b);
			continue;
		}
		b->region = NULL;
		if (b->own) {
			window_unbind(b->window);
		} else {
			backing_close(b);
		}
	}
	pthread_mutex_unlock(&s->lock);
}

static void memory_gone(struct devmap_memory *m)
{
	sessions_each(backings_drop, m->mem_engine);
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
	struct backing *b = dh->dh_engine;

	if (b == NULL || b->shared || fp->page - dh->dh_uvaddr >= dh->dh_len)
		return;
	pthread_mutex_lock(&s->lock);
	if (b->window != NULL)
		window_unpoison(b->window, fp->page,
				handle_page(dh) + (fp->page - dh->dh_uvaddr) / PAGESIZE);
	pthread_mutex_unlock(&s->lock);
}

void handle_unpoison(struct session *s, uintptr_t page)
{
	struct find_page fp = { .page = page, .session = s };

	devmap_each_handle(&s->as, unpoison_handle, &fp);
}
