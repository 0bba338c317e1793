/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Regions and accessors: see pages.h, and pages_impl.h for the invariants. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "pages_impl.h"

#ifndef MFD_NOEXEC_SEAL /* Linux 6.3 */
#define MFD_NOEXEC_SEAL 0x0008U
#endif

#define PIPE_PAGES 16 /* what a pipe holds when it is new, at most */

static const struct pages_keeper *keeper; /* NULL: nothing outlives us */
static _Thread_local bool keeping;

void pages_set_keeper(const struct pages_keeper *k)
{
	keeper = k;
}

void pages_keep(bool keep)
{
	keeping = keep && keeper != NULL;
}

bool region_is_kept(const struct region *r)
{
	return r->kept;
}

bool region_was_there(const struct region *r)
{
	return r->inherited;
}

uint64_t pages_now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

int pages_init(void)
{
	if (sysconf(_SC_PAGESIZE) != PAGESIZE) {
		log_warn("this system has pages of %ld bytes, and devmap was built for %d",
			 sysconf(_SC_PAGESIZE), PAGESIZE);
		return -EOPNOTSUPP;
	}
	return view_init();
}

/*
 * Memory that whoever is given the descriptor can map and neither resize, seal nor open once more:
 * not sealing would let a client take our right to punch holes, and a reader's descriptor could be
 * opened again for writing through /proc by anybody whom the mode lets.
 */
int sealed_memfd(const char *name, size_t npages)
{
	char title[128];
	int fd, err;

	(void)snprintf(title, sizeof(title), "devmap %s", name);
	fd = memfd_create(title, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
	if (fd < 0 && errno == EINVAL)
		fd = memfd_create(title, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	if (fchmod(fd, 0600) == 0 && ftruncate(fd, (off_t)page_bytes(npages)) == 0 &&
	    fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) == 0)
		return fd;
	err = -errno;
	close(fd);
	return err;
}

static int map_home(struct region *r)
{
	size_t len = page_bytes(r->npages);

	r->home = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, r->extents[0].fd, 0);
	if (r->home == MAP_FAILED) {
		r->home = NULL;
		return -errno;
	}
	(void)madvise(r->home, len, MADV_DONTFORK);
	return view_create(r);
}

static void region_free(struct region *r)
{
	view_destroy(r);
	if (r->home != NULL)
		(void)munmap(r->home, page_bytes(r->npages));
	for (size_t i = 0; i < r->nextents; i++) {
		close(r->extents[i].fd);
		if (r->extents[i].ro_fd >= 0)
			close(r->extents[i].ro_fd);
	}
	if (r->pipe[0] >= 0) {
		close(r->pipe[0]);
		close(r->pipe[1]);
	}
	board_free(r);
	pthread_mutex_destroy(&r->lock);
	free(r->extents);
	free(r->pages);
	free(r);
}

static struct region *region_alloc(const char *name, size_t npages)
{
	struct region *r = calloc(1, sizeof(*r) + strlen(name) + 1);
	pthread_mutexattr_t attr;

	if (r == NULL)
		return NULL;
	(void)strcpy(r->name, name);
	r->npages = npages;
	r->pipe[0] = r->pipe[1] = r->board_fd = -1;
	r->pages = calloc(npages, sizeof(*r->pages));
	r->extents = calloc(1, sizeof(*r->extents));
	(void)pthread_mutexattr_init(&attr);
	(void)pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ADAPTIVE_NP);
	(void)pthread_mutex_init(&r->lock, &attr);
	(void)pthread_mutexattr_destroy(&attr);
	if (r->pages == NULL || r->extents == NULL) {
		region_free(r);
		return NULL;
	}
	return r;
}

static void measure_pipe(struct region *r)
{
	int size = fcntl(r->pipe[1], F_GETPIPE_SZ); /* less than usual for who has many pipes */

	r->pipe_pages = size >= PAGESIZE ? (size_t)size / PAGESIZE : 1;
}

static int open_pipe(struct region *r)
{
	if (pipe2(r->pipe, O_CLOEXEC | O_NONBLOCK) != 0) {
		r->pipe[0] = r->pipe[1] = -1;
		return -errno;
	}
	measure_pipe(r);
	return 0;
}

static void set_home(struct region *r, int fd)
{
	r->extents[0] = (struct extent){ .n = r->npages, .fd = fd, .ro_fd = -1 };
	r->nextents = 1;
}

/* All of it anew. */
static int region_begin(struct region *r)
{
	int fd = sealed_memfd(r->name, r->npages), err;

	if (fd < 0)
		return fd;
	set_home(r, fd);
	err = open_pipe(r);
	if (err == 0)
		err = board_make(r, keeping);
	return err != 0 ? err : map_home(r);
}

/* As an engine before us has left it. */
static int region_inherit(struct region *r, const struct region_kept *k)
{
	int err;

	r->inherited = true;
	set_home(r, k->home);
	r->pipe[0] = k->pipe[0];
	r->pipe[1] = k->pipe[1];
	measure_pipe(r);
	err = board_take(r, k->board);
	if (err != 0)
		close(k->board);
	if (err == 0)
		err = map_home(r);
	if (err != 0)
		return err;
	err = keeper->bind(r, k->id);
	return err != 0 ? err : region_recover(r);
}

struct window *region_window(struct region *r, uint32_t serial)
{
	return serial != 0 && keeper != NULL ? keeper->window(r, serial) : NULL;
}

/* Of those that are shared each has been told, or has been there; what is not lies where it was at first. */
static void region_keep(struct region *r)
{
	struct region_kept k = { .home = r->extents[0].fd,
				 .board = r->board_fd,
				 .pipe = { r->pipe[0], r->pipe[1] } };

	for (size_t i = 0; i < r->nextents; i++)
		if (!r->extents[i].shared)
			k.home = r->extents[i].fd;
	r->kept = true;
	keeper->made(r, r->name, r->npages, &k);
	for (size_t i = 0; i < r->nextents; i++)
		if (r->extents[i].shared)
			region_tell_extent(r, r->extents[i].page, r->extents[i].n,
					   r->extents[i].fd);
}

void region_tell_extent(struct region *r, size_t page, size_t n, int fd)
{
	if (r->kept)
		keeper->extent(r, page, n, fd);
}

void region_unkeep(struct region *r)
{
	if (r->kept)
		keeper->gone(r);
	r->kept = false;
}

int region_create(const char *name, size_t len, struct region **out)
{
	size_t npages = (len >> PAGESHIFT) + ((len & PAGEOFFSET) != 0);
	struct region_kept k;
	struct region *r;
	int err;

	if (npages == 0 || npages > SSIZE_MAX >> PAGESHIFT)
		return -EINVAL;
	r = region_alloc(name, npages);
	if (r == NULL)
		return -ENOMEM;
	if (keeping && keeper->find(name, npages, &k))
		err = region_inherit(r, &k);
	else
		err = region_begin(r);
	if (err != 0) {
		region_free(r);
		return err;
	}
	if (keeping)
		region_keep(r);
	*out = r;
	return 0;
}

void region_destroy(struct region *r)
{
	if (r == NULL)
		return;
	if (r->nwindows != 0) {
		log_warn("%s: destroyed while it is mapped %u times; its memory stays", r->name,
			 r->nwindows);
		return;
	}
	region_unkeep(r);
	region_free(r);
}

size_t region_len(const struct region *r)
{
	return page_bytes(r->npages);
}

void *region_view(struct region *r)
{
	return r->view;
}

void region_set_sync(struct region *r, void (*sync)(void *arg), void *arg)
{
	r->sync_arg = arg;
	r->sync = sync;
}

void region_set_busy(struct region *r, void (*busy)(void *arg), void *arg)
{
	r->on_busy_arg = arg;
	r->on_busy = busy;
}

bool region_busy(const struct region *r)
{
	return atomic_load(&r->busy) != 0;
}

void region_sync(struct region *r)
{
	if (r->sync != NULL)
		r->sync(r->sync_arg);
}

void region_tell_busy(struct region *r, bool was_busy)
{
	if (!was_busy && r->on_busy != NULL && region_busy(r))
		r->on_busy(r->on_busy_arg);
}

static void region_tell_stored(struct region *r)
{
	if (r->on_busy != NULL)
		r->on_busy(r->on_busy_arg);
}

/* Where the bytes at some offset are: loads go to at; stores too, and to mirror if there is one. */
struct place {
	char *at;
	char *mirror;
};

/*
 * The lock is held. Our mapping of a window cannot raise SIGBUS for anything that the client does:
 * the window is sealed, and a page that the client dropped is filled again with zeros. (The kernel
 * raises it when it has no memory at all for that page, as for any memory.)
 */
static struct place place_of(struct region *r, size_t off)
{
	struct window *w = r->pages[off >> PAGESHIFT].window;
	struct place p = { .at = r->home + off };
	char *alias;

	ASSERT_HELD(&r->lock);
	if (w == NULL)
		return p;
	alias = window_alias(w, off >> PAGESHIFT);
	if (alias == NULL)
		window_pull(r, NULL, off >> PAGESHIFT, 1);
	else if (w->writable)
		p.at = alias + (off & PAGEOFFSET);
	else
		p.mirror = alias + (off & PAGEOFFSET);
	return p;
}

/* Exactly one load of that width; at is aligned. */
static uint64_t load(const void *at, unsigned width)
{
	switch (width) {
	case 1:
		return __atomic_load_n((const uint8_t *)at, __ATOMIC_ACQUIRE);
	case 2:
		return __atomic_load_n((const uint16_t *)at, __ATOMIC_ACQUIRE);
	case 4:
		return __atomic_load_n((const uint32_t *)at, __ATOMIC_ACQUIRE);
	default:
		return __atomic_load_n((const uint64_t *)at, __ATOMIC_ACQUIRE);
	}
}

static void store(void *at, unsigned width, uint64_t value)
{
	switch (width) {
	case 1:
		__atomic_store_n((uint8_t *)at, (uint8_t)value, __ATOMIC_RELEASE);
		break;
	case 2:
		__atomic_store_n((uint16_t *)at, (uint16_t)value, __ATOMIC_RELEASE);
		break;
	case 4:
		__atomic_store_n((uint32_t *)at, (uint32_t)value, __ATOMIC_RELEASE);
		break;
	default:
		__atomic_store_n((uint64_t *)at, value, __ATOMIC_RELEASE);
		break;
	}
}

static bool access_ok(const struct region *r, size_t off, size_t len)
{
	if (off <= region_len(r) && len <= region_len(r) - off)
		return true;
	log_warn("%s: access to %zu bytes at offset %#zx is outside it (%#zx bytes)", r->name, len,
		 off, region_len(r));
	return false;
}

/* Unaligned accesses are made byte by byte: the bytes may lie in two places. The lock is held. */
static uint64_t load_bytes(struct region *r, size_t off, unsigned width)
{
	_Alignas(8) uint8_t bytes[8] = { 0 };

	ASSERT_HELD(&r->lock);
	for (unsigned i = 0; i < width; i++)
		bytes[i] = (uint8_t)load(place_of(r, off + i).at, 1);
	return load(bytes, width);
}

static void store_place(struct place p, unsigned width, uint64_t value)
{
	store(p.at, width, value);
	if (p.mirror != NULL)
		store(p.mirror, width, value);
}

/* The lock is held. */
static void store_bytes(struct region *r, size_t off, unsigned width, uint64_t value)
{
	_Alignas(8) uint8_t bytes[8] = { 0 };

	ASSERT_HELD(&r->lock);
	store(bytes, width, value);
	for (unsigned i = 0; i < width; i++)
		store_place(place_of(r, off + i), 1, bytes[i]);
}

uint64_t region_peek(struct region *r, size_t off, unsigned width)
{
	uint64_t value;

	if (!access_ok(r, off, width))
		return UINT64_MAX; /* what a bus says where nobody answers */
	region_lock(r);
	value = (off & (width - 1)) == 0 ? load(place_of(r, off).at, width) :
					   load_bytes(r, off, width);
	region_unlock(r);
	return value;
}

void region_poke(struct region *r, size_t off, unsigned width, uint64_t value)
{
	if (!access_ok(r, off, width))
		return;
	region_lock(r);
	if ((off & (width - 1)) == 0)
		store_place(place_of(r, off), width, value);
	else
		store_bytes(r, off, width, value);
	region_unlock(r);
}

uint64_t region_get(struct region *r, size_t off, unsigned width)
{
	region_sync(r);
	return region_peek(r, off, width);
}

void region_put(struct region *r, size_t off, unsigned width, uint64_t value)
{
	region_sync(r);
	region_poke(r, off, width, value);
	region_tell_stored(r);
}

static uint64_t exchange(void *at, unsigned width, uint64_t value)
{
	switch (width) {
	case 1:
		return __atomic_exchange_n((uint8_t *)at, (uint8_t)value, __ATOMIC_ACQ_REL);
	case 2:
		return __atomic_exchange_n((uint16_t *)at, (uint16_t)value, __ATOMIC_ACQ_REL);
	case 4:
		return __atomic_exchange_n((uint32_t *)at, (uint32_t)value, __ATOMIC_ACQ_REL);
	default:
		return __atomic_exchange_n((uint64_t *)at, value, __ATOMIC_ACQ_REL);
	}
}

uint64_t region_xchg(struct region *r, size_t off, unsigned width, uint64_t value)
{
	struct place p;
	uint64_t old;

	if (!access_ok(r, off, width))
		return UINT64_MAX;
	assert((off & (width - 1)) == 0);
	region_lock(r);
	p = place_of(r, off);
	old = exchange(p.at, width, value);
	if (p.mirror != NULL)
		store(p.mirror, width, value);
	region_unlock(r);
	return old;
}

/* Copies in units as wide as both ends and the length allow, so that registers are not torn. */
static void copy_units(char *to, const char *from, size_t n)
{
	uintptr_t mix = (uintptr_t)to | (uintptr_t)from | n;
	unsigned unit = mix % 8 == 0 ? 8 : mix % 4 == 0 ? 4 : 0;

	if (unit == 0)
		memcpy(to, from, n);
	for (size_t i = 0; unit != 0 && i < n; i += unit)
		store(to + i, unit, load(from + i, unit));
}

/*
 * One piece, within a page. The caller's buffer is touched only without the lock: it may lie in a
 * view, and then a fault has to take the lock.
 */
static void read_piece(struct region *r, size_t off, void *buf, size_t n)
{
	_Alignas(8) char bounce[PAGESIZE];
	char *at = bounce + (off & 7); /* as aligned as in the page: never beyond bounce */

	region_lock(r);
	copy_units(at, place_of(r, off).at, n);
	region_unlock(r);
	memcpy(buf, at, n);
}

static void write_piece(struct region *r, size_t off, const void *buf, size_t n)
{
	_Alignas(8) char bounce[PAGESIZE];
	char *from = bounce + (off & 7);
	struct place p;

	memcpy(from, buf, n);
	region_lock(r);
	p = place_of(r, off);
	copy_units(p.at, from, n);
	if (p.mirror != NULL)
		copy_units(p.mirror, from, n);
	region_unlock(r);
}

static size_t to_page_end(size_t off, size_t len)
{
	return MIN(len, PAGESIZE - (off & PAGEOFFSET));
}

void region_read(struct region *r, size_t off, void *buf, size_t len)
{
	if (!access_ok(r, off, len))
		return;
	region_sync(r);
	for (size_t done = 0, n; done < len; done += n) {
		n = to_page_end(off + done, len - done);
		read_piece(r, off + done, (char *)buf + done, n);
	}
}

void region_write(struct region *r, size_t off, const void *buf, size_t len)
{
	if (!access_ok(r, off, len))
		return;
	region_sync(r);
	for (size_t done = 0, n; done < len; done += n) {
		n = to_page_end(off + done, len - done);
		write_piece(r, off + done, (const char *)buf + done, n);
	}
	region_tell_stored(r);
}

/*
 * A reader's window is taken away first: what the caller is going to store has to reach home and
 * reader, and nobody will tell us when it has stored.
 */
void *region_pin(struct region *r, size_t off, size_t *len)
{
	size_t page = off >> PAGESHIFT, end;
	struct window *w;
	struct place p;

	*len = access_ok(r, off, 1) ? MIN(*len, region_len(r) - off) : 0;
	region_lock(r);
	if (*len == 0)
		return NULL;
	if (r->pages[page].window != NULL && !r->pages[page].window->writable)
		window_pull(r, NULL, page, 1);
	p = place_of(r, off);
	w = r->pages[page].window;
	end = (off + *len - 1) >> PAGESHIFT;
	while (page < end && r->pages[page + 1].window == w)
		page++;
	*len = MIN(*len, page_bytes(page + 1) - off);
	return p.at;
}

void region_unpin(struct region *r)
{
	region_unlock(r);
}
