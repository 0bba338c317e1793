/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Windows: how pages go to a client and come back. See pages.h, and pages_impl.h for the
 * invariants.
 *
 * This file is all that knows how a client's translation is taken away: window_punch(), and
 * window_empty() for the supervisor. Punching needs no address. A kernel with userfaultfd
 * read-write protection will let a page stay where it is and lose its translation instead, address
 * by address: window_placed() has them. window_pull(), window_fill() and window_revalidate() are
 * what would change. Addresses are the client's word, though, and punching is what it cannot evade
 * by mapping its window once more.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "errand.h"
#include "log.h"
#include "pages_impl.h"
#include "uffd.h"

#define PIPE_MAX_PAGES 256 /* 1 MiB: what an ordinary user may ask for */
#define CHEATS_MAX     4
#define LOOK_PAGES     256

/* 0 or -errno; then nothing is open. */
static int window_open(struct window *w, const char *name, int fd)
{
	int error = 0;

	w->fd = fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : sealed_memfd(name, w->npages);
	if (w->fd < 0)
		return fd >= 0 ? -errno : w->fd;
	if (w->uffd != NULL && w->uffd->distrusted)
		error = w->errand = errand_hold(w->fd);
	if (error < 0)
		close(w->fd);
	return error < 0 ? error : 0;
}

static _Atomic uint32_t last_serial; /* 2^32 windows are more than an engine lives for */

void window_serials_after(uint32_t serial)
{
	atomic_store(&last_serial, serial);
}

uint32_t window_serial(const struct window *w)
{
	return w->serial;
}

size_t window_first(const struct window *w)
{
	return w->first;
}

size_t window_npages(const struct window *w)
{
	return w->npages;
}

static int window_make(const char *name, size_t npages, struct client_uffd *u, bool writable,
		       int fd, struct window **out)
{
	struct window *w = calloc(1, sizeof(*w));
	int error;

	if (w == NULL)
		return -ENOMEM;
	*w = (struct window){ .uffd = u,
			      .writable = writable,
			      .npages = npages,
			      .errand = -1,
			      .serial = 1 + atomic_fetch_add(&last_serial, 1) };
	w->memory = w;
	error = window_open(w, name, fd);
	if (error == 0)
		*out = w;
	else
		free(w);
	return error;
}

int window_adopt(struct client_uffd *u, int fd, size_t npages, bool writable, uint32_t serial,
		 struct window **out)
{
	int error = window_make(NULL, npages, u, writable, fd, out);

	if (error == 0) {
		(*out)->serial = serial;
		close(fd);
	}
	return error;
}

void window_bind(struct window *w, struct region *r, size_t first)
{
	region_lock(r);
	r->nwindows++;
	w->region = r;
	w->first = first;
	region_unlock(r);
}

void window_unbind(struct window *w)
{
	struct region *r = w->region;

	if (r == NULL)
		return;
	region_lock(r);
	window_pull(r, w, 0, r->npages);
	assert(w->live == 0);
	r->nwindows--;
	w->region = NULL;
	region_unlock(r);
	region_sync(r);
}

int window_create(struct region *r, struct client_uffd *u, bool writable, struct window **out)
{
	int err = window_make(r->name, r->npages, u, writable, -1, out);

	if (err == 0)
		window_bind(*out, r, 0);
	return err;
}

int window_create_common(struct region *r, struct window **out)
{
	return window_create(r, NULL, true, out);
}

/* It is emptied by errands as soon as somebody has it who could make that last. */
static int common_distrust(struct window *common)
{
	int error = errand_hold(common->fd);

	if (error < 0)
		return error;
	region_lock(common->region);
	common->errand = error;
	region_unlock(common->region);
	return 0;
}

int window_join(struct window *common, struct client_uffd *u, struct window **out)
{
	struct window *w = malloc(sizeof(*w));
	int error = 0;

	assert(common->memory == common && common->uffd == NULL);
	if (w == NULL)
		return -ENOMEM;
	if (u->distrusted && common->errand < 0)
		error = common_distrust(common);
	if (error != 0) {
		free(w);
		return error;
	}
	*w = (struct window){ .region = common->region,
			      .uffd = u,
			      .memory = common,
			      .fd = common->fd,
			      .errand = -1,
			      .first = common->first,
			      .npages = common->npages,
			      .writable = common->writable };
	region_lock(common->region);
	w->joined = common->joined;
	common->joined = w;
	region_unlock(common->region);
	*out = w;
	return 0;
}

static void window_part(struct window *w)
{
	struct window **p = &w->memory->joined;

	region_lock(w->region);
	while (*p != w)
		p = &(*p)->joined;
	*p = w->joined;
	region_unlock(w->region);
	placement_free(&w->placements);
	free(w);
}

int window_create_piece(const char *name, struct client_uffd *u, size_t first, size_t npages,
			bool writable, struct window **out)
{
	int err = window_make(name, npages, u, writable, -1, out);

	if (err == 0)
		(*out)->first = first;
	return err;
}

/* Where a window may be bound to nothing: then who might bind it keeps others out. */
static void bound_lock(struct window *w)
{
	if (w->region != NULL)
		region_lock(w->region);
}

static void bound_unlock(struct window *w)
{
	if (w->region != NULL)
		region_unlock(w->region);
}

int window_clone(struct window *w, size_t page, size_t n, struct window **out)
{
	int err = window_make(NULL, w->npages, w->uffd, w->writable, w->fd, out);

	if (err != 0)
		return err;
	(*out)->first = w->first;
	bound_lock(w);
	err = placement_move(&(*out)->placements, &w->placements, window_page(w, page), n);
	bound_unlock(w);
	if (err != 0)
		window_close(*out);
	return err;
}

int window_fd(const struct window *w)
{
	return w->fd;
}

size_t window_page(const struct window *w, size_t page)
{
	return page - w->first;
}

static off_t window_offset(const struct window *w, size_t page)
{
	return (off_t)page_bytes(window_page(w, page));
}

/*
 * Made when the first accessor needs it, since most windows need none: drivers save and restore
 * while the page is at home. Pages are 4 KiB, whatever the system's policy: a hole punched in a
 * huge page may leave it in place, zeroed.
 */
char *window_alias(struct window *w, size_t page)
{
	size_t len = page_bytes(w->npages);
	char *alias;

	ASSERT_HELD(&w->region->lock);
	if (w->alias == NULL) {
		alias = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, w->fd, 0);
		if (alias == MAP_FAILED)
			return NULL;
		(void)madvise(alias, len, MADV_DONTFORK);
		(void)madvise(alias, len, MADV_NOHUGEPAGE);
		w->alias = alias;
	}
	return w->alias + window_offset(w, page);
}

/* How many pages from page on, at most to end, are live in the same place as the first. */
static size_t same_place(const struct region *r, size_t page, size_t end)
{
	size_t n = 1;

	while (page + n < end && r->pages[page + n].window == r->pages[page].window)
		n++;
	return n;
}

static void record_window(struct window *w, size_t page, size_t n)
{
	struct region *r = w->region;
	uint64_t now = atomic_load_explicit(&r->view_used, memory_order_relaxed) ? pages_now() : 0;

	for (size_t i = page; i < page + n; i++) {
		assert(!r->pages[i].shared && !r->pages[i].in_view);
		if (r->pages[i].window == NULL) {
			w->live++;
			(void)atomic_fetch_add(&r->busy, 1);
		}
		r->pages[i].window = w;
		r->pages[i].since = now;
		atomic_store(&r->board->where[i], w->serial);
	}
}

void window_has(struct window *w, size_t page, size_t n)
{
	record_window(w, page, n);
}

static void record_home(struct window *w, size_t page, size_t n)
{
	struct region *r = w->region;

	for (size_t i = page; i < page + n; i++) {
		assert(r->pages[i].window == w);
		r->pages[i].window = NULL;
		r->pages[i].since = 0;
		atomic_store(&r->board->where[i], 0);
	}
	w->live -= n;
	(void)atomic_fetch_sub(&r->busy, n);
}

/* 0 or -errno. */
static int punch(int fd, off_t off, off_t len)
{
	int rc;

	do {
		rc = fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, off, len);
	} while (rc != 0 && errno == EINTR);
	return rc == 0 ? 0 : -errno;
}

int window_empty(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 ? punch(fd, 0, st.st_size) : -errno;
}

static int punch_window(struct window *w, off_t off, off_t len)
{
	static atomic_bool said;
	int error = w->errand >= 0 ? errand_punch(w->errand, off, len) : -ENXIO;

	if (error != -ENXIO)
		return error;
	if (w->errand >= 0 && !atomic_exchange(&said, true))
		log_warn("the process for errands is gone: clients can delay each other");
	return punch(w->fd, off, len);
}

/* Who keeps it from being emptied? Of a common one, anybody who has joined it. False: nobody is blamed. */
static bool give_up(const struct window *w)
{
	bool any = false;

	if (w->uffd != NULL && w->uffd->given_up != NULL) {
		w->uffd->given_up(w->uffd);
		return true;
	}
	for (w = w->joined; w != NULL; w = w->joined) {
		if (!w->uffd->distrusted || w->uffd->given_up == NULL)
			continue;
		w->uffd->given_up(w->uffd);
		any = true;
	}
	return any;
}

/*
 * Drops every translation to these pages of the window, in every process, and the pages. The seals
 * keep a client from preventing it, but a privileged one could make the file immutable, and any one can
 * delay it. Nobody else is harmed then: the client goes on with pages of its own window, which never
 * becomes anybody else's; only it may not be given anything more.
 */
static int window_punch(struct window *w, size_t page, size_t n)
{
	int rc = -EIO;

	if (w->broken) /* nothing but what it had then is there */
		return rc;
	rc = punch_window(w, window_offset(w, page), (off_t)page_bytes(n));
	if (rc == 0)
		return 0;
	w->broken = true;
	if (rc != -ETIMEDOUT || !give_up(w))
		log_warn("%s: a window cannot be emptied (%s): its process gets nothing more",
			 w->region != NULL ? w->region->name : "-", strerror(-rc));
	return rc;
}

void window_forget(struct window *w, size_t page, size_t n)
{
	(void)window_punch(w, page, n);
}

/* At least one page fits; as many as are wanted, if the system lets the pipe have them. */
static size_t pipe_reserve(struct region *r, size_t want)
{
	int size;

	if (want <= r->pipe_pages || r->pipe_is_max)
		return MIN(want, r->pipe_pages);
	want = MIN(want, PIPE_MAX_PAGES);
	if (fcntl(r->pipe[1], F_SETPIPE_SZ, (int)page_bytes(want)) < 0)
		r->pipe_is_max = true; /* the user's pipes hold too much already */
	size = fcntl(r->pipe[1], F_GETPIPE_SZ);
	if (size >= PAGESIZE)
		r->pipe_pages = (size_t)size / PAGESIZE;
	if (r->pipe_pages >= PIPE_MAX_PAGES)
		r->pipe_is_max = true;
	return MIN(want, r->pipe_pages);
}

/* The pipe's ends do not block, so it is empty after this whatever went wrong before. */
static void pipe_drain(struct region *r)
{
	char scrap[PAGESIZE];

	while (read(r->pipe[0], scrap, sizeof(scrap)) > 0)
		;
}

/* Moves len bytes out of the pipe; to is at home. */
static int pipe_read(struct region *r, char *to, size_t len)
{
	while (len > 0) {
		ssize_t n = read(r->pipe[0], to, len);

		if (n == 0 || (n < 0 && errno != EINTR))
			return n == 0 ? -EIO : -errno;
		if (n > 0) {
			to += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

/* From now on the window does not count, but the pipe: recover.c goes on from here. */
static void board_pull(struct region *r, size_t page, size_t n, size_t bytes)
{
	r->board->page = page;
	r->board->n = n;
	r->board->bytes = bytes;
	atomic_store(&r->board->pulling, 1);
}

static void board_pulled(struct region *r, size_t page, size_t n)
{
	for (size_t i = page; i < page + n; i++)
		atomic_store(&r->board->where[i], 0);
	atomic_store(&r->board->pulling, 0);
}

/*
 * Brings home some of n pages, from the first on; returns how many. The pipe holds references to
 * the pages themselves: what a client stores until the last translation is gone is in what is read.
 * A page that the client has dropped itself reads as zeros.
 */
static size_t pull_some(struct window *w, size_t page, size_t n)
{
	struct region *r = w->region;
	size_t k = pipe_reserve(r, n);
	loff_t off = window_offset(w, page);
	ssize_t got = splice(w->fd, &off, r->pipe[1], NULL, page_bytes(k), SPLICE_F_NONBLOCK);
	int err = got < PAGESIZE ? -EIO : 0;

	if (got < 0)
		err = -errno;
	k = err == 0 ? (size_t)got >> PAGESHIFT : 1;
	if (err == 0)
		board_pull(r, page, k, (size_t)got);
	(void)window_punch(w, page, k);
	if (err == 0)
		err = pipe_read(r, home_page(r, page), page_bytes(k));
	board_pulled(r, page, k);
	if (err != 0)
		log_warn("%s: page %zu of a window is lost to its process: %s", r->name, page,
			 strerror(-err));
	if (err != 0 || (got & PAGEOFFSET) != 0)
		pipe_drain(r);
	return k;
}

/* n pages that are live in w come home. */
static void pull_run(struct window *w, size_t page, size_t n)
{
	size_t k;

	if (!w->writable)
		(void)window_punch(w, page, n);
	for (size_t done = 0; w->writable && done < n; done += k)
		k = pull_some(w, page + done, n - done);
	record_home(w, page, n);
}

void window_pull(struct region *r, struct window *only, size_t page, size_t n)
{
	size_t run;

	ASSERT_HELD(&r->lock);
	for (size_t end = page + n; page < end; page += run) {
		struct window *w = r->pages[page].window;

		if (only != NULL && only->live == 0)
			break;
		run = same_place(r, page, end);
		if (w != NULL && (only == NULL || w == only))
			pull_run(w, page, run);
	}
}

/* The client may have them as soon as the kernel has been asked: what it stores is then in there. */
static void board_lend(struct window *w, size_t page, size_t n)
{
	for (size_t i = page; i < page + n; i++)
		atomic_store(&w->region->board->where[i], w->memory->serial);
}

/* What it has not got after all. */
static void board_unlend(struct window *w, size_t page, size_t n)
{
	const struct region *r = w->region;

	for (size_t i = page; i < page + n; i++)
		atomic_store(&r->board->where[i],
			     r->pages[i].window != NULL ? r->pages[i].window->serial : 0);
}

/*
 * UFFDIO_COPY of pages that are at home, or were in w and are not to be found there. EEXIST: there
 * is a page that we did not put there. It is the client's own doing, and it is taken away, a few
 * times.
 */
static int window_fill(struct window *w, uintptr_t addr, size_t page, size_t n)
{
	struct region *r = w->region;
	unsigned cheats = 0, again = 0;
	int err = 0;

	view_drop(r, page, n);
	board_lend(w, page, n);
	while (n > 0 && err == 0) {
		size_t done;

		err = uffd_copy(w->uffd->fd, addr, home_page(r, page), page_bytes(n), &done);
		record_window(w->memory, page, done >> PAGESHIFT);
		addr += done;
		page += done >> PAGESHIFT;
		n -= done >> PAGESHIFT;
		if (err == -EEXIST)
			err = ++cheats <= CHEATS_MAX ? window_punch(w->memory, page, 1) : -EIO;
		else if (err == -EAGAIN && (done > 0 || uffd_again(&again)))
			err = 0;
	}
	board_unlend(w, page, n);
	return err;
}

/*
 * UFFDIO_CONTINUE of pages that are live in w. EEXIST: there is a translation already. EFAULT: the
 * client dropped the page from its window; what it had there is lost to it, and it gets what it was
 * given.
 */
static int window_revalidate(struct window *w, uintptr_t addr, size_t page, size_t n)
{
	unsigned again = 0;
	int err = 0;

	while (n > 0 && err == 0) {
		size_t done;

		err = uffd_continue(w->uffd->fd, addr, page_bytes(n), &done);
		if (err == -EFAULT) {
			err = window_fill(w, addr, page, 1);
			done = PAGESIZE;
		} else if (err == -EEXIST) {
			err = 0;
			done = PAGESIZE;
		} else if (err == -EAGAIN && (done > 0 || uffd_again(&again))) {
			err = 0;
		}
		addr += done;
		page += done >> PAGESHIFT;
		n -= done >> PAGESHIFT;
	}
	return err;
}

/*
 * Before anything is loaded into w: may it be, and is it at home or in w already? C17: a page is
 * taken from whichever other window it is in. The lock is held.
 */
static int window_prepare(struct window *w, size_t page, size_t n)
{
	struct region *r = w->region;
	size_t run;

	ASSERT_HELD(&r->lock);
	if (w->broken)
		return -EIO;
	for (size_t i = page; i < page + n; i++) {
		if (!r->pages[i].shared)
			continue;
		log_warn("%s: page %zu is shared by all processes (a mapping without "
			 "devmap_access), and cannot be loaded for one",
			 r->name, i);
		return -EBUSY;
	}
	for (size_t i = page; i < page + n; i += run) {
		run = same_place(r, i, page + n);
		if (r->pages[i].window != NULL && r->pages[i].window != w)
			pull_run(r->pages[i].window, i, run);
	}
	return 0;
}

static bool in_window(const struct window *w, size_t page, size_t n)
{
	size_t at = window_page(w, page);

	return at < w->npages && n <= w->npages - at;
}

int window_load(struct window *w, uintptr_t addr, size_t page, size_t n)
{
	struct region *r = w->region;
	bool was_busy;
	size_t run;
	int err;

	if (r == NULL || !range_ok(r, page, n) || !in_window(w, page, n))
		return -EINVAL;
	region_lock(r);
	view_let_stay(r, page, n);
	was_busy = region_busy(r);
	err = window_prepare(w->memory, page, n);
	for (size_t done = 0; done < n && err == 0; done += run) {
		uintptr_t to = addr + page_bytes(done);

		run = same_place(r, page + done, page + n);
		if (r->pages[page + done].window == w->memory)
			err = window_revalidate(w, to, page + done, run);
		else
			err = window_fill(w, to, page + done, run);
	}
	region_unlock(r);
	region_tell_busy(r, was_busy);
	return err;
}

/* The sync comes last, without the lock: what the owner did last belongs to its own context. */
void window_unload(struct window *w, size_t page, size_t n)
{
	struct region *r = w->region;

	if (r == NULL || !range_ok(r, page, n))
		return;
	region_lock(r);
	window_pull(r, w->memory, page, n);
	view_expect(r, page, n);
	region_unlock(r);
	region_sync(r);
}

void window_close(struct window *w)
{
	if (w->memory != w) {
		window_part(w);
		return;
	}
	assert(w->joined == NULL);
	window_unbind(w);
	if (w->alias != NULL)
		(void)munmap(w->alias, page_bytes(w->npages));
	if (w->errand >= 0)
		errand_release(w->errand);
	close(w->fd);
	placement_free(&w->placements);
	free(w);
}

/*
 * Mostly there are none. Then a process that maps one page a thousand times need not be visited a thousand
 * times at each mapping. Pages in swap are not seen: a client that has put some there by itself keeps them,
 * and finds what it has stored.
 */
static bool may_have_pages(struct window *w, size_t page, size_t n)
{
	unsigned char in[LOOK_PAGES];
	char *alias = w->region != NULL && n <= LOOK_PAGES ? window_alias(w, page) : NULL;
	unsigned char any = 0;

	if (alias == NULL || mincore(alias, page_bytes(n), in) != 0)
		return true;
	for (size_t i = 0; i < n; i++)
		any |= in[i];
	return (any & 1) != 0;
}

/*
 * What the client stored between its mmap(2) and the registration, or had the kernel store
 * (MAP_POPULATE), goes; what lives in the window, being mapped there by another handle, stays.
 */
static int window_clear(struct window *w, size_t page, size_t n)
{
	struct region *r = w->region;
	int err = 0;
	size_t run;

	assert(w->memory == w);
	for (size_t end = page + n; page < end && err == 0; page += run) {
		for (run = 0; page + run < end && (r == NULL || r->pages[page + run].window != w);)
			run++;
		if (run > 0 && may_have_pages(w, page, run))
			err = window_punch(w, page, run);
		run = MAX(run, 1);
	}
	return err;
}

int window_register(struct window *w, uintptr_t addr, size_t off, size_t len)
{
	size_t page = off >> PAGESHIFT, n = len >> PAGESHIFT;
	int err;

	if (((addr | off | len) & PAGEOFFSET) != 0 || n == 0 || len > UINTPTR_MAX - addr ||
	    !in_window(w, page, n) || (w->region != NULL && !range_ok(w->region, page, n)))
		return -EINVAL;
	err = uffd_register(w->uffd->fd, addr, len);
	if (err != 0)
		return err;
	bound_lock(w);
	err = placement_add(&w->placements, addr, addr + len, window_page(w, page));
	if (err == 0)
		err = window_clear(w->memory, page, n);
	bound_unlock(w);
	return err;
}

void window_place(struct window *w, uintptr_t addr, size_t off, size_t len)
{
	bound_lock(w);
	(void)placement_add(&w->placements, addr, addr + len, window_page(w, off >> PAGESHIFT));
	bound_unlock(w);
}

void window_clean(struct window *w)
{
	bound_lock(w);
	assert(w->live == 0);
	(void)window_punch(w, w->first, w->npages);
	bound_unlock(w);
}

void window_unplace(struct window *w, uintptr_t addr, size_t len)
{
	bound_lock(w);
	placement_remove(&w->placements, addr, addr + len);
	bound_unlock(w);
}

void window_placed(struct window *w, size_t page, size_t n,
		   void (*fn)(void *arg, uintptr_t start, uintptr_t end, size_t page), void *arg)
{
	ASSERT_HELD(&w->region->lock);
	placement_each(&w->placements, window_page(w, page), n, fn, arg);
}

/*
 * Only a copy removes the kernel's mark that makes an access fail; punching the page then makes the
 * next access ask again. The other threads of the process may see zeros between the two, for some
 * microseconds after one of its accesses has failed.
 */
void window_unpoison(struct window *w, uintptr_t addr, size_t page)
{
	static const char zeros[PAGESIZE];
	struct region *r = w->region;
	size_t done;

	if (r == NULL || !range_ok(r, page, 1) || !in_window(w, page, 1))
		return;
	region_lock(r);
	if (r->pages[page].window == w->memory) {
		(void)window_revalidate(w, addr, page, 1);
	} else if (window_punch(w->memory, page, 1) == 0) {
		(void)uffd_copy(w->uffd->fd, addr, zeros, PAGESIZE, &done);
		(void)window_punch(w->memory, page, 1);
	}
	region_unlock(r);
}
