/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What an engine that was killed has left of a region, and how all of it comes home.
 *
 * Each region has a board, which says of every page which window may have it. The board and the pipe outlive
 * the engine, as home and windows do; so there is no moment at which a page is nowhere:
 *
 *   the engine was killed                        board                 recovery
 *   before a load, or after an unload            where: home           home is right
 *   between the note and UFFDIO_COPY             where: w              no page is in w: home is right
 *   from UFFDIO_COPY on, until the next splice   where: w              pulls it from w
 *   between splice and note                      where: w              pulls it from w: the pipe has
 *                                                                      references to what still is there
 *   from the note on, before or after the punch  where: w, pulling     punches, and reads the pipe: it has
 *                                                                      the pages themselves, with what was
 *                                                                      stored until now
 *   while it read the pipe                       where: w, pulling     reads on: what is left is the end
 *   from there on                                where: home, pulling  the pipe is empty
 *
 * A window that was loaded for reading only is emptied, and nothing of it comes home. Whatever else is found in
 * a window is the client's own doing, or was on its way to be dropped: it is dropped.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "pages_impl.h"

static size_t board_len(const struct region *r)
{
	return sizeof(*r->board) + r->npages * sizeof(r->board->where[0]);
}

int board_take(struct region *r, int fd)
{
	struct stat st;
	void *p;

	if (fstat(fd, &st) != 0)
		return -errno;
	if ((size_t)st.st_size < board_len(r))
		return -EINVAL;
	p = mmap(NULL, board_len(r), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	r->board = p;
	r->board_fd = fd;
	return 0;
}

int board_make(struct region *r, bool kept)
{
	int fd, err;

	if (!kept) {
		r->board = calloc(1, board_len(r));
		return r->board != NULL ? 0 : -ENOMEM;
	}
	fd = sealed_memfd("board", (board_len(r) + PAGEOFFSET) >> PAGESHIFT);
	if (fd < 0)
		return fd;
	err = board_take(r, fd);
	if (err != 0)
		close(fd);
	return err;
}

void board_free(struct region *r)
{
	if (r->board_fd < 0) {
		free(r->board);
		return;
	}
	(void)munmap(r->board, board_len(r));
	close(r->board_fd);
}

static void pipe_empty(struct region *r)
{
	char scrap[PAGESIZE];

	while (read(r->pipe[0], scrap, sizeof(scrap)) > 0)
		;
}

/* What is left in the pipe is the end of what was in there. */
static void read_rest(struct region *r, size_t page, size_t n, size_t bytes)
{
	size_t left = 0, at, end = page_bytes(n);
	int waiting = 0;

	if (ioctl(r->pipe[0], FIONREAD, &waiting) == 0 && waiting > 0)
		left = (size_t)waiting;
	at = left <= bytes ? bytes - left : end;
	while (at < end) {
		ssize_t got = read(r->pipe[0], home_page(r, page) + at, end - at);

		if (got > 0)
			at += (size_t)got;
		else if (got == 0 || errno != EINTR)
			break;
	}
	if (at < end)
		log_warn("%s: page %zu: what its process has stored last is lost", r->name, page);
}

static void finish_pull(struct region *r, const struct window *const *in)
{
	struct board *b = r->board;
	size_t page = (size_t)b->page, n = (size_t)b->n;

	if (atomic_load(&b->pulling) == 0)
		return;
	if (range_ok(r, page, n)) {
		for (size_t i = page; i < page + n; i++)
			if (in[i] != NULL)
				window_forget((struct window *)in[i], i, 1);
		read_rest(r, page, n, (size_t)b->bytes);
		for (size_t i = page; i < page + n; i++)
			atomic_store(&b->where[i], 0);
	}
	atomic_store(&b->pulling, 0);
}

static bool is_in_window(const struct window *w, size_t page)
{
	off_t off = (off_t)page_bytes(window_page(w, page));

	return lseek(w->fd, off, SEEK_DATA) == off;
}

int region_recover(struct region *r)
{
	const struct window **in = calloc(r->npages, sizeof(const struct window *));

	if (in == NULL)
		return -ENOMEM;
	region_lock(r);
	for (size_t i = 0; i < r->npages; i++)
		in[i] = region_window(r, atomic_load(&r->board->where[i]));
	finish_pull(r, in);
	pipe_empty(r);
	for (size_t i = 0; i < r->npages; i++) {
		struct window *w = (struct window *)in[i];

		if (w != NULL && atomic_load(&r->board->where[i]) != 0 && is_in_window(w, i))
			window_has(w, i, 1);
		else
			atomic_store(&r->board->where[i], 0);
	}
	window_pull(r, NULL, 0, r->npages);
	region_unlock(r);
	free(in);
	return 0;
}
