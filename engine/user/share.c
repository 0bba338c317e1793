/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * C23: memory that is shared out. The home of a region is a list of extents, at first one. A range
 * that is shared becomes an extent with a memfd of its own, unless it is the whole region, so that
 * its descriptor reveals nothing else, and stays that for good: whoever has the descriptor can map
 * it again. A request that goes beyond a shared extent is answered with the piece of
 * it, and the caller asks again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "log.h"
#include "pages_impl.h"

static struct extent *extent_of(struct region *r, size_t page)
{
	struct extent *x = r->extents;

	ASSERT_HELD(&r->lock);
	while (page >= x->page + x->n)
		x++;
	return x;
}

static int write_all(int fd, const char *from, size_t len, off_t off)
{
	while (len > 0) {
		ssize_t n = pwrite(fd, from, len, off);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			from += n;
			off += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

/* Copies what is not a hole of n pages of x to the beginning of fd. The pages are at home. */
static int extent_copy(const struct region *r, const struct extent *x, size_t page, size_t n,
		       int fd)
{
	off_t start = (off_t)page_bytes(x->fd_page + page - x->page);
	off_t end = start + (off_t)page_bytes(n), data = start, hole;
	int err = 0;

	while (err == 0 && data < end) {
		data = lseek(x->fd, data, SEEK_DATA);
		if (data < 0 || data >= end)
			break;
		hole = lseek(x->fd, data, SEEK_HOLE);
		if (hole < 0 || hole > end)
			hole = end;
		err = write_all(fd, home_page(r, page) + (data - start), (size_t)(hole - data),
				data - start);
		data = hole;
	}
	return err;
}

static int map_home_at(struct region *r, size_t page, size_t n, int fd, size_t fd_page)
{
	char *at = home_page(r, page);

	if (mmap(at, page_bytes(n), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
		 (off_t)page_bytes(fd_page)) == MAP_FAILED)
		return -errno;
	(void)madvise(at, page_bytes(n), MADV_DONTFORK);
	return 0;
}

/* Puts n pages of x, which are out of windows and view, behind a memfd of their own. */
static int extent_move(struct region *r, const struct extent *x, size_t page, size_t n, int fd)
{
	size_t fd_page = x->fd_page + page - x->page;
	int err = extent_copy(r, x, page, n, fd);

	if (err == 0)
		err = map_home_at(r, page, n, fd, 0);
	if (err != 0)
		return err;
	err = view_replace(r, page, n, fd, 0);
	if (err != 0) {
		(void)map_home_at(r, page, n, x->fd, fd_page);
		(void)view_replace(r, page, n, x->fd, fd_page);
		return err;
	}
	region_tell_extent(r, page, n, fd); /* from now on they are there */
	(void)fallocate(x->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			(off_t)page_bytes(fd_page), (off_t)page_bytes(n));
	return 0;
}

/*
 * In the table, which has room for two more, makes n pages of *x an extent of their own behind fd.
 * What is left of *x before and after them stays behind the old memfd; spare is one more descriptor
 * of that, and every extent closes its own. Returns the new extent.
 */
static struct extent *extent_split(struct region *r, struct extent *x, size_t page, size_t n,
				   int fd, int spare)
{
	struct extent old = *x, parts[3];
	size_t before = page - old.page, after = old.n - before - n, k = 0;
	struct extent *own;

	if (before > 0) {
		parts[k] = old;
		parts[k++].n = before;
	} else {
		close(old.fd);
	}
	own = x + k;
	parts[k++] = (struct extent){ .page = page, .n = n, .fd = fd, .ro_fd = -1 };
	if (after > 0) {
		parts[k] = old;
		parts[k].page = page + n;
		parts[k].n = after;
		parts[k].fd = spare;
		parts[k++].fd_page = old.fd_page + before + n;
	} else {
		close(spare);
	}
	memmove(x + k, x + 1, (size_t)(r->extents + r->nextents - (x + 1)) * sizeof(*x));
	memcpy(x, parts, k * sizeof(*x));
	r->nextents += k - 1;
	return own;
}

/* Gives n pages of *x, which is not shared, an extent and a memfd of their own; *x becomes that. */
static int extent_isolate(struct region *r, struct extent **x, size_t page, size_t n)
{
	size_t index = (size_t)(*x - r->extents);
	struct extent *table = realloc(r->extents, (r->nextents + 2) * sizeof(*table));
	int fd, spare, err;

	if (table == NULL)
		return -ENOMEM;
	r->extents = table;
	*x = table + index;
	spare = fcntl((*x)->fd, F_DUPFD_CLOEXEC, 0);
	if (spare < 0)
		return -errno;
	fd = err = sealed_memfd(r->name, n);
	if (fd >= 0)
		err = extent_move(r, *x, page, n, fd);
	if (err == 0) {
		*x = extent_split(r, *x, page, n, fd, spare);
		return 0;
	}
	if (fd >= 0)
		close(fd);
	close(spare);
	return err;
}

static void extent_set_shared(struct region *r, struct extent *x)
{
	x->shared = true;
	for (size_t i = x->page; i < x->page + x->n; i++)
		r->pages[i].shared = true;
}

/* Makes n pages of *x, which is not shared, a shared extent; *x becomes that. */
static int extent_share(struct region *r, struct extent **x, size_t page, size_t n)
{
	int err = 0;

	window_pull(r, NULL, page, n);
	view_drop(r, page, n);
	if (n < r->npages)
		err = extent_isolate(r, x, page, n);
	else
		region_tell_extent(r, page, n, (*x)->fd);
	if (err == 0)
		extent_set_shared(r, *x);
	return err;
}

/* As extent_isolate(), of what is behind fd, which is taken if it succeeds. */
static int extent_inherit(struct region *r, struct extent *x, size_t page, size_t n, int fd)
{
	size_t index = (size_t)(x - r->extents);
	struct extent *table = realloc(r->extents, (r->nextents + 2) * sizeof(*table));
	int spare, err;

	if (table == NULL)
		return -ENOMEM;
	r->extents = table;
	x = table + index;
	spare = fcntl(x->fd, F_DUPFD_CLOEXEC, 0);
	if (spare < 0)
		return -errno;
	err = map_home_at(r, page, n, fd, 0);
	if (err == 0)
		err = view_replace(r, page, n, fd, 0);
	if (err != 0) {
		close(spare);
		return err;
	}
	extent_set_shared(r, extent_split(r, x, page, n, fd, spare));
	return 0;
}

int region_inherit_shared(struct region *r, size_t page, size_t n, int fd)
{
	struct extent *x;
	int err = 0;

	if (!range_ok(r, page, n) || n == 0)
		return -EINVAL;
	region_lock(r);
	x = extent_of(r, page);
	if (x->shared || n > x->page + x->n - page)
		err = -EINVAL;
	else if (n == r->npages)
		extent_set_shared(r, x);
	else
		err = extent_inherit(r, x, page, n, fd);
	region_unlock(r);
	if (err == 0 && n == r->npages)
		close(fd);
	return err;
}

/*
 * A descriptor of a shared extent. A reader's is opened anew, so that it cannot be mapped for
 * writing; the memfd's mode keeps other users from opening it once more.
 */
static int extent_fd(struct extent *x, bool writable, int *fd)
{
	char path[32];

	if (!writable && x->ro_fd < 0) {
		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", x->fd);
		x->ro_fd = open(path, O_RDONLY | O_CLOEXEC);
		if (x->ro_fd < 0)
			return -errno;
	}
	*fd = fcntl(writable ? x->fd : x->ro_fd, F_DUPFD_CLOEXEC, 0);
	return *fd >= 0 ? 0 : -errno;
}

int region_share(struct region *r, size_t off, size_t len, bool writable, int *fd, size_t *fdoff,
		 size_t *out_len)
{
	size_t page = off >> PAGESHIFT, n;
	struct extent *x;
	bool was_busy;
	int err = 0;

	if (len == 0 || (off & PAGEOFFSET) != 0 || page >= r->npages || len > region_len(r) - off)
		return -EINVAL;
	n = ((len - 1) >> PAGESHIFT) + 1;
	region_lock(r);
	was_busy = region_busy(r);
	x = extent_of(r, page);
	n = MIN(n, x->page + x->n - page);
	if (!x->shared)
		err = extent_share(r, &x, page, n);
	if (err == 0)
		err = extent_fd(x, writable, fd);
	if (err == 0) {
		*fdoff = page_bytes(x->fd_page + page - x->page);
		*out_len = MIN(len, page_bytes(n));
	}
	region_unlock(r);
	if (err != 0)
		log_warn("%s: cannot be shared: %s", r->name, strerror(-err));
	if (was_busy)
		region_sync(r); /* pages may have come home */
	return err;
}

void region_shared_begin(struct region *r)
{
	bool was_busy;

	region_lock(r);
	was_busy = region_busy(r);
	r->nwindows++;
	(void)atomic_fetch_add(&r->busy, 1);
	region_unlock(r);
	region_tell_busy(r, was_busy);
}

void region_shared_end(struct region *r)
{
	region_lock(r);
	r->nwindows--;
	(void)atomic_fetch_sub(&r->busy, 1);
	region_unlock(r);
}
