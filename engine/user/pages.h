/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Where the pages of device memory are, and how they move.
 *
 * A region is one device memory (a register set, a umem). Each of its pages is live in exactly one
 * place:
 *   HOME     the region's own memfd
 *   WINDOW   the memfd of one process's window
 * and a page at home may in addition be mapped into the view, the range of addresses that drivers
 * dereference.
 *
 *            window_load                        window_unload, view touch, window_close
 *   HOME ----------------------> WINDOW(w)      WINDOW(w) ------------------------------> HOME
 *
 * A window page that was loaded for reading only is never copied back: home stays the truth, and
 * what the driver or the model writes goes to both.
 *
 * The region's lock guards all of this. It is a leaf: nothing that can wait for driver or model
 * code is done under it, and callers' buffers are never touched under it (they may lie in a view).
 */
#ifndef DEVMAP_ENGINE_USER_PAGES_H
#define DEVMAP_ENGINE_USER_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct region;
struct window;

/* A client's userfaultfd: it is of one address space, and of no other after a fork. */
struct client_uffd {
	int fd;
	bool poison; /* UFFDIO_POISON is there */
	/*
	 * It could not stop us otherwise (errand.h): its windows are emptied by errands. One that cannot
	 * be emptied is given up, and the client reported, with a lock of a region held.
	 */
	bool distrusted;
	void (*given_up)(struct client_uffd *u);
};

/* All return 0 or -errno unless said otherwise. Offsets, lengths: bytes; pages are indices. */

/* The view's userfaultfd and thread; after any fork, before any region. */
int pages_init(void);
int region_create(const char *name, size_t len, struct region **out);
void region_destroy(struct region *r);	   /* its windows are closed, and nobody is in its view */
size_t region_len(const struct region *r); /* in whole pages */
void *region_view(struct region *r);	   /* what the driver dereferences */
struct region *region_of(const void *view_address, size_t *off); /* NULL: not in any view */
/* Runs before every accessor and at the end of every unload: the model's sync (see model.h). */
void region_set_sync(struct region *r, void (*sync)(void *arg), void *arg);
/*
 * region_busy: are pages live in windows, or does a process share them? Then a client can store at
 * any time, and a model polls. `busy` is called when that begins, and after every store by
 * region_put() and region_write(): it wakes a model that sleeps. It is promised that no region's
 * lock is held then.
 */
void region_set_busy(struct region *r, void (*busy)(void *arg), void *arg);
bool region_busy(const struct region *r);

/*
 * C23: memory that all processes share. Gives a descriptor (to be closed by the caller) through
 * which the range beginning at off can be mapped, at *fdoff, for *len bytes (at most what was asked
 * for: call again for the rest). Read-only descriptors cannot be mapped writable. The first sharing
 * of a range gives it a memfd of its own, so that a client gets no more than it may see. off is a
 * page's. The pages stay shared: a window_load() of one is -EBUSY from then on.
 */
int region_share(struct region *r, size_t off, size_t len, bool writable, int *fd, size_t *fdoff,
		 size_t *out_len);
/* A process begins, and ceases, to have such descriptors mapped: it can store meanwhile. */
void region_shared_begin(struct region *r);
void region_shared_end(struct region *r);

/*
 * Loads and stores of 1, 2, 4 or 8 bytes where the page is live; one access of that width if off is
 * aligned to it, bytes otherwise. The sync runs first. Outside the region: a message, and all ones.
 */
uint64_t region_get(struct region *r, size_t off, unsigned width);
void region_put(struct region *r, size_t off, unsigned width, uint64_t value);
/*
 * The same without the sync, for the model itself. xchg is for doorbells: off is aligned, and it is
 * atomic against clients.
 */
uint64_t region_peek(struct region *r, size_t off, unsigned width);
void region_poke(struct region *r, size_t off, unsigned width, uint64_t value);
uint64_t region_xchg(struct region *r, size_t off, unsigned width, uint64_t value);
/* Bulk; buffers may lie anywhere, in a view too. */
void region_read(struct region *r, size_t off, void *buf, size_t len);
void region_write(struct region *r, size_t off, const void *buf, size_t len);
/*
 * Memory for a model to draw in: a pointer to the page(s) at off as far as they are contiguous in
 * one place, at most *len, which is lowered. Moves of the region wait until region_unpin(), so be
 * brief and pin one run at a time. Beyond the region: NULL and 0, to be unpinned all the same. A
 * page that a reader has is taken from it, whether or not it is going to be stored to.
 */
void *region_pin(struct region *r, size_t off, size_t *len);
void region_unpin(struct region *r);

/*
 * Regions that outlive the engine (--on-crash=resume). The keeper is told of those that a thread makes between
 * two calls of pages_keep(), and is asked whether an engine before us had one of that name and length. Then it
 * binds the windows that there were, and has been given all pages home when region_create() returns.
 */
struct region_kept {
	uint64_t id; /* the keeper's name for it */
	int home, board, pipe[2];
};

struct pages_keeper {
	/* False: there was none. The descriptors are the caller's then. */
	bool (*find)(const char *name, size_t npages, struct region_kept *out);
	/* Has region_inherit_shared() called for each extent that was shared, then binds. 0 or -errno. */
	int (*bind)(struct region *r, uint64_t id);
	struct window *(*window)(struct region *r, uint32_t serial); /* bound to r; or NULL */
	void (*made)(struct region *r, const char *name, size_t npages,
		     const struct region_kept *k);
	/* Pages are behind that descriptor from now on, and shared. */
	void (*extent)(struct region *r, size_t page, size_t n, int fd);
	void (*gone)(struct region *r);
};

void pages_set_keeper(const struct pages_keeper *keeper);
void pages_keep(bool keep); /* of what this thread makes */
bool region_is_kept(const struct region *r);
bool region_was_there(const struct region *r); /* an engine before us had it */
int region_inherit_shared(struct region *r, size_t page, size_t n,
			  int fd); /* takes fd if it succeeds */

/* Windows. A window is a sealed memfd as long as its region. */
int window_create(struct region *r, struct client_uffd *u, bool writable, struct window **out);
/*
 * A piece: a window of npages pages that can stand before one region after another
 * (devmap_umem_remap), or before none. Its first page is page first of whatever region it is bound
 * to.
 */
int window_create_piece(const char *name, struct client_uffd *u, size_t first, size_t npages,
			bool writable, struct window **out);
/*
 * Another window on the same memfd, bound to nothing: a part of a piece goes its own way, n pages
 * from page on.
 */
int window_clone(struct window *w, size_t page, size_t n, struct window **out);
/*
 * A window for several clients, which they can store to: nobody's, until they join it. What was loaded
 * for one is valid for each that asks too, and is taken from all at once. They have the same memory, so
 * they have to trust each other with it; those who are distrusted are all given up if it cannot be
 * emptied. It is closed after all who have joined it.
 */
int window_create_common(struct region *r, struct window **out);
int window_join(struct window *common, struct client_uffd *u, struct window **out);
void window_bind(struct window *w, struct region *r, size_t first);
void window_unbind(struct window *w); /* brings everything home */
/* Where page of the region is in the window's memfd, in pages. */
size_t window_page(const struct window *w, size_t page);
/* One that an engine before us had, bound to nothing; takes the descriptor if it succeeds. */
int window_adopt(struct client_uffd *u, int fd, size_t npages, bool writable, uint32_t serial,
		 struct window **out);
uint32_t window_serial(const struct window *w);
void window_serials_after(uint32_t serial); /* those of windows to come */
size_t window_first(const struct window *w);
size_t window_npages(const struct window *w);
int window_fd(const struct window *w); /* stays the window's */
/*
 * A client range that maps window pages from off on has been made: register it with the userfaultfd
 * (MISSING and MINOR) and drop whatever the client put there before. The window knows from now on
 * that it is placed there.
 */
int window_register(struct window *w, uintptr_t addr, size_t off, size_t len);
/* The same of one that is registered, in a window that is empty. */
void window_place(struct window *w, uintptr_t addr, size_t off, size_t len);
/* Whatever is in a window of which nothing is live goes. */
void window_clean(struct window *w);
/* The client has something else in that range, or nothing. */
void window_unplace(struct window *w, uintptr_t addr, size_t len);
/*
 * For who has a window's memfd but not the window: the supervisor, when the engine is dead. Every
 * translation to it goes, in every process, and what is in it.
 */
int window_empty(int fd);
/*
 * Make n pages from page on valid at client address addr, waking nobody: UFFDIO_COPY from home, or
 * UFFDIO_CONTINUE where the page already lives in this window. A page in another window is brought
 * home first (without a sync), one that a driver's pointer polls may be waited for, some 50 us.
 * Returns 0, -ESRCH (the process is gone), -ENOENT (the range is unmapped or not registered),
 * -EBUSY (a shared page), -EAGAIN (the client's address space keeps changing), -ENOMEM, or -EIO for
 * a client that cheats. On failure some of the pages may be loaded.
 */
int window_load(struct window *w, uintptr_t addr, size_t page, size_t n);
void window_unload(struct window *w, size_t page, size_t n); /* bring them home; never fails */
/* Makes a page that was poisoned at addr ask again. */
void window_unpoison(struct window *w, uintptr_t addr, size_t page);
void window_close(struct window *w); /* brings everything home and frees the window */

/* UFFDIO_API, which nobody may have called before; takes the descriptor, also when it fails. */
int client_uffd_init(struct client_uffd *u, int uffd);
void client_uffd_wake(struct client_uffd *u, uintptr_t addr, size_t len);
/* A kernel SIGBUS for whoever accesses the page; -EOPNOTSUPP before Linux 6.6. */
int client_uffd_poison(struct client_uffd *u, uintptr_t addr);
void client_uffd_fini(struct client_uffd *u);

#endif
