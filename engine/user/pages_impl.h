/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Regions and windows from the inside: pages.c, window.c, view.c and share.c share this.
 *
 * INVARIANTS
 *  1. A page is live in exactly one place. p->window says which; only who holds the region's lock
 *     reads or changes it.
 *  2. A client has a translation only to pages of its own windows' memfds, to those of common ones
 *     that it has joined, and to extents that are shared. So whatever it does to a window, it does to
 *     its own contents, or to those that the driver has it share.
 *  3. Bytes come home after the last translation to them is gone (window_pull), and leave home
 *     after the view's translation is gone (view_drop).
 *  4. A page that is shared out is at home for good.
 *  5. `home` is never mapped by anybody but us and never registered with a userfaultfd: the kernel
 *     reads it during UFFDIO_COPY. The view is another mapping of the same memory, registered.
 *
 * TRANSITIONS, all under the region's lock
 *   home -> window          window_fill      view_drop, UFFDIO_COPY, record_window
 *   window -> window        window_revalidate  UFFDIO_CONTINUE: one more translation in that client
 *   window -> home          window_pull      splice, punch, read, record_home; readers': punch
 *   home -> home, in view   view_serve       window_pull, UFFDIO_CONTINUE in the view
 *   in view -> not          view_drop        madvise(MADV_DONTNEED) on the view
 *   home -> shared          region_share     window_pull, then perhaps to a memfd of its own
 *
 * LOCKS: views.lock (view.c), then one region's lock. The region's lock is a leaf but for log.h: no
 * callback, no caller's buffer, no address in a view, no second region under it.
 */
#ifndef DEVMAP_ENGINE_USER_PAGES_IMPL_H
#define DEVMAP_ENGINE_USER_PAGES_IMPL_H

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/param.h>

#include "held.h"
#include "pages.h"
#include "placement.h"

/* How long a page stays where it was brought, when a client and a driver's pointer both poll it. */
#define RESIDENCE_NS 50000

struct page {
	struct window *window; /* where it is live; NULL: at home */
	uint64_t since;	       /* ns: loaded, or taken by the view; 0: long ago */
	bool in_view;	       /* the view may have a translation */
	bool pointed;	       /* a driver's pointer has touched it once */
	bool shared;
};

/* Consecutive pages of a region whose home is one stretch of one memfd. */
struct extent {
	size_t page, n;
	int fd;
	size_t fd_page; /* where in fd the first one is */
	bool shared;
	int ro_fd; /* the same memory for readers; -1: not asked for yet */
};

/*
 * Where the pages of a region are, for who comes after an engine that was killed: see recover.c. Memory of
 * its own, which the supervisor has too where the region is kept. What is written here before a step is true
 * during the step and after it.
 */
struct board {
	_Atomic uint32_t
		pulling; /* pages [page, page + n) are in the pipe, which got so many bytes */
	uint64_t page, n, bytes;
	_Atomic uint32_t where[]; /* the serial number of the window that may have it; 0: at home */
};

struct region {
	pthread_mutex_t lock;
	size_t npages;
	char *home;
	char *view;
	struct page *pages;
	struct extent *extents; /* sorted, without gaps */
	size_t nextents;
	unsigned nwindows; /* and processes that share it: it is not freed under them */
	struct board *board;
	int board_fd;	   /* -1: nobody else has it */
	bool kept;	   /* the supervisor knows of it */
	bool inherited;	   /* from an engine before us */
	int pipe[2];	   /* empty whenever the lock is free */
	size_t pipe_pages; /* what it holds */
	bool pipe_is_max;
	atomic_size_t busy;    /* pages in windows, and processes that share it */
	atomic_bool view_used; /* somebody did touch the view */
	/* Set before anybody else knows the region. */
	void (*sync)(void *arg);
	void *sync_arg;
	void (*on_busy)(void *arg);
	void *on_busy_arg;
	char name[];
};

struct window {
	struct region *region;	  /* NULL: a piece that is bound to nothing */
	struct client_uffd *uffd; /* NULL: a common one, which is nobody's */
	/*
	 * Whose memfd it is and whose pages, live, alias, errand and broken count: of who has joined a
	 * common window that one, otherwise the window itself.
	 */
	struct window *memory;
	struct window *joined; /* of a common one, the first who has; of who has, the next */
	int fd;
	int errand;	 /* its name there; -1: we empty it ourselves */
	uint32_t serial; /* names it on a board; never another's */
	/*
	 * Page n of the memfd is the region's page first + n; of a piece, first may be what counts
	 * from before the region's beginning: arithmetic is modulo the size of size_t.
	 */
	size_t first, npages;
	bool writable;
	bool broken; /* its pages cannot be taken away: nothing is loaded */
	/*
	 * Where in the client it is, by pages of the memfd. If the window is bound to nothing, who
	 * might bind it guards this.
	 */
	struct placements placements;
	char *alias; /* our mapping of it; NULL: not needed yet */
	size_t live; /* pages */
};

static inline void region_lock(struct region *r)
{
	(void)pthread_mutex_lock(&r->lock);
}

static inline void region_unlock(struct region *r)
{
	(void)pthread_mutex_unlock(&r->lock);
}

static inline size_t page_bytes(size_t pages)
{
	return pages << PAGESHIFT;
}

static inline char *home_page(const struct region *r, size_t page)
{
	return r->home + page_bytes(page);
}

static inline bool range_ok(const struct region *r, size_t page, size_t n)
{
	return page < r->npages && n <= r->npages - page;
}

uint64_t pages_now(void); /* ns, monotonic */

/* pages.c */
int sealed_memfd(const char *name, size_t npages); /* a descriptor or -errno */
void region_unkeep(struct region *r);		   /* the supervisor is to know of it no more */
struct window *region_window(struct region *r, uint32_t serial);
void region_tell_extent(struct region *r, size_t page, size_t n, int fd);
/*
 * These call the model: the caller promises that it holds no lock of any region. The second tells
 * it if the region became busy since was_busy was read.
 */
void region_sync(struct region *r);
void region_tell_busy(struct region *r, bool was_busy);

/* recover.c */
int board_make(struct region *r, bool kept);
int board_take(struct region *r, int fd); /* the descriptor is taken if it succeeds */
void board_free(struct region *r);
/* A region that an engine before us had, with its windows bound to it: all of it comes home. 0 or -errno. */
int region_recover(struct region *r);

/* window.c; the region's lock is held. */
/* Brings pages home from windows, from all of them (only is NULL) or from one. */
void window_pull(struct region *r, struct window *only, size_t page, size_t n);
/*
 * Calls fn with each range of the client's addresses at which there are some of n pages from page
 * on, and the first of them as the window counts. That is the client's word: it may have mapped its
 * window once more behind our back.
 */
void window_placed(struct window *w, size_t page, size_t n,
		   void (*fn)(void *arg, uintptr_t start, uintptr_t end, size_t page), void *arg);
/* Our mapping of a page of a window that is bound, or NULL if there is no memory for one. */
char *window_alias(struct window *w, size_t page);
/* For recover.c: n pages are in w, if there is something of theirs; and nothing is in there. */
void window_has(struct window *w, size_t page, size_t n);
void window_forget(struct window *w, size_t page, size_t n);

/* view.c */
int view_init(void);
int view_create(struct region *r);
void view_destroy(struct region *r);
/* The region's lock is held. After these nobody has a translation through the view. */
void view_drop(struct region *r, size_t page, size_t n);
/* n pages have come home, and the driver is about to look at them. */
void view_expect(struct region *r, size_t page, size_t n);
int view_replace(struct region *r, size_t page, size_t n, int fd, size_t fd_page);
/* Waits, the region's lock let go meanwhile, until the view has had its pages for a while. */
void view_let_stay(struct region *r, size_t page, size_t n);

#endif
