/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Open files by the number that the kernel has for each. None is given twice: the call of a client that is
 * being killed may be answered for us (watch.h), so that its file is closed before we serve the call. Then
 * its number means nothing, and not somebody else's file.
 */
#include <errno.h>
#include <stdlib.h>

#include "fuse.h"
#include "keeper.h"

#define GROW 64u

struct slot {
	struct fuse_open *open; /* NULL: free */
	uint32_t generation;
	uint32_t next_free; /* index + 1 */
};

static uint32_t first_generation = 1;

static struct {
	pthread_mutex_t
		lock; /* guards the lists of connections, too; files_lock may be taken inside */
	struct slot *slots;
	uint32_t n, free;
} table = { .lock = PTHREAD_MUTEX_INITIALIZER };

static bool table_grow(void)
{
	struct slot *more = realloc(table.slots, (table.n + GROW) * sizeof(*more));

	ASSERT_HELD(&table.lock);
	if (more == NULL)
		return false;
	table.slots = more;
	for (uint32_t i = table.n; i < table.n + GROW; i++) {
		more[i] = (struct slot){ .generation = first_generation, .next_free = table.free };
		table.free = i + 1;
	}
	table.n += GROW;
	return true;
}

static struct fuse_open *find(uint64_t fh)
{
	uint32_t i = (uint32_t)fh;

	ASSERT_HELD(&table.lock);
	return i < table.n && table.slots[i].generation == fh >> 32 ? table.slots[i].open : NULL;
}

static void forget(struct fuse_open *o)
{
	uint32_t i = (uint32_t)o->fh;

	ASSERT_HELD(&table.lock);
	LIST_REMOVE(o, link);
	table.slots[i].open = NULL;
	/* One of an engine before us leaves none of its numbers to ours. */
	if (table.slots[i].generation < first_generation)
		table.slots[i].generation = first_generation;
	table.slots[i].generation++;
	table.slots[i].next_free = table.free;
	table.free = i + 1;
}

struct fuse_open *fuse_open_new(struct fuse *f)
{
	struct fuse_open *o = calloc(1, sizeof(*o));
	uint32_t i;

	if (o == NULL)
		return NULL;
	o->fuse = f;
	pthread_mutex_lock(&table.lock);
	if (table.free == 0 && !table_grow()) {
		pthread_mutex_unlock(&table.lock);
		free(o);
		return NULL;
	}
	i = table.free - 1;
	table.free = table.slots[i].next_free;
	table.slots[i].open = o;
	o->fh = (uint64_t)table.slots[i].generation << 32 | i;
	LIST_INSERT_HEAD(&f->opens, o, link);
	pthread_mutex_unlock(&table.lock);
	return o;
}

void fuse_opens_begin(unsigned life)
{
	first_generation = (life << 24) + 1;
}

/* Its place is not one of the free ones any more. */
static bool take_place(uint32_t i)
{
	uint32_t *p = &table.free;

	ASSERT_HELD(&table.lock);
	while (i >= table.n)
		if (!table_grow())
			return false;
	while (*p != 0 && *p != i + 1)
		p = &table.slots[*p - 1].next_free;
	if (*p == 0)
		return false;
	*p = table.slots[i].next_free;
	return true;
}

struct fuse_open *fuse_open_again(struct fuse *f, uint64_t fh)
{
	struct fuse_open *o = calloc(1, sizeof(*o));
	uint32_t i = (uint32_t)fh;

	if (o == NULL)
		return NULL;
	o->fuse = f;
	o->fh = fh;
	pthread_mutex_lock(&table.lock);
	if (i < 1u << 24 && take_place(i)) {
		table.slots[i].open = o;
		table.slots[i].generation = (uint32_t)(fh >> 32);
		LIST_INSERT_HEAD(&f->opens, o, link);
	} else {
		free(o);
		o = NULL;
	}
	pthread_mutex_unlock(&table.lock);
	return o;
}

struct file *fuse_open_file(uint64_t fh)
{
	struct fuse_open *o;
	struct file *f;

	pthread_mutex_lock(&table.lock);
	o = find(fh);
	f = o != NULL ? file_of_open(o) : NULL;
	pthread_mutex_unlock(&table.lock);
	return f;
}

struct file *fuse_open_polled(uint64_t fh, uint64_t kh, bool wanted)
{
	struct fuse_open *o;
	struct file *f;

	pthread_mutex_lock(&table.lock);
	o = find(fh);
	f = o != NULL ? file_of_open(o) : NULL;
	if (f != NULL) {
		if (atomic_exchange(&o->poll_kh, kh) != kh)
			keeper_open(f, o);
		if (wanted)
			atomic_store(&o->poll_wanted, true);
	}
	pthread_mutex_unlock(&table.lock);
	return f;
}

void fuse_open_end(uint64_t fh)
{
	struct fuse_open *o;

	pthread_mutex_lock(&table.lock);
	o = find(fh);
	if (o != NULL)
		forget(o);
	pthread_mutex_unlock(&table.lock);
	if (o == NULL)
		return;
	keeper_open_end(fh);
	file_hang_up(o);
	free(o);
}

void fuse_open_wake(uint64_t fh)
{
	struct fuse_open *o;

	pthread_mutex_lock(&table.lock);
	o = find(fh);
	if (o != NULL)
		fuse_notify_poll(o);
	pthread_mutex_unlock(&table.lock);
}

void fuse_opens_hang_up(struct fuse *f)
{
	struct fuse_open *o;

	pthread_mutex_lock(&table.lock);
	LIST_FOREACH(o, &f->opens, link)
	file_hang_up(o);
	pthread_mutex_unlock(&table.lock);
}

void fuse_opens_free(struct fuse *f)
{
	struct fuse_open *o;

	while ((o = LIST_FIRST(&f->opens)) != NULL)
		fuse_open_end(o->fh);
}
