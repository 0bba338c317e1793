/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The table of device mappings: sorted, without overlaps, in memory of its own that is never freed.
 * Writers hold ops, but for maps_clear(). Readers take no lock, because they may be signal
 * handlers, or run while a writer waits for an engine: they copy one entry and try again if the
 * sequence moved.
 */
#include <string.h>

#include "internal.h"

#define MAPS_MAX 65536 /* the kernel's own default limit */

_Atomic uintptr_t maps_lo = UINTPTR_MAX, maps_hi;
static struct map *maps;
static _Atomic unsigned maps_n;
static _Atomic unsigned maps_seq; /* odd: a writer is at it */

static void write_begin(void)
{
	atomic_fetch_add(&maps_seq, 1);
	atomic_thread_fence(memory_order_seq_cst);
}

static void write_end(void)
{
	unsigned n = atomic_load(&maps_n);

	atomic_store(&maps_lo, n > 0 ? maps[0].start : UINTPTR_MAX);
	atomic_store(&maps_hi, n > 0 ? maps[n - 1].end : 0);
	atomic_fetch_add(&maps_seq, 1);
}

/* Index of the first entry that ends after addr. */
static unsigned maps_find(uintptr_t addr)
{
	unsigned lo = 0, hi = atomic_load(&maps_n);

	while (lo < hi) {
		unsigned mid = lo + (hi - lo) / 2;

		if (maps[mid].end <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

bool maps_first(uintptr_t start, uintptr_t end, struct map *m)
{
	unsigned seq;
	bool found;

	do {
		unsigned i;

		while (((seq = atomic_load(&maps_seq)) & 1) != 0)
			;
		i = maps_find(start);
		found = i < atomic_load(&maps_n);
		if (found)
			*m = maps[i];
		atomic_thread_fence(memory_order_seq_cst);
	} while (atomic_load(&maps_seq) != seq);
	if (!found || m->start >= end || start >= end)
		return false;
	if (m->start < start)
		m->start = start;
	if (m->end > end)
		m->end = end;
	return true;
}

bool maps_bounce(const void *addr, size_t len)
{
	uintptr_t from = (uintptr_t)addr, end = from + len;
	struct map m;

	if (!maps_near(addr, len) || end < from)
		return false;
	for (; maps_first(from, end, &m); from = m.end)
		if (!m.shared && !sessions[m.session].kernel_faults)
			return true;
	return false;
}

int maps_reserve(unsigned n)
{
	ASSERT_OPS_HELD();
	if (maps == NULL) {
		void *p = raw_mmap(NULL, MAPS_MAX * sizeof(*maps), PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

		if (raw_bad(p))
			return -ENOMEM;
		maps = p;
	}
	/* Removing and changing may split two more. */
	return atomic_load(&maps_n) + n + 8 < MAPS_MAX ? 0 : -ENOMEM;
}

static bool joins(const struct map *a, const struct map *b)
{
	return a->end == b->start && a->session == b->session && a->prot == b->prot &&
	       a->maxprot == b->maxprot && a->shared == b->shared && a->locked == b->locked &&
	       a->absent == b->absent;
}

static void open_gap(unsigned i, unsigned n)
{
	memmove(&maps[i + n], &maps[i], (maps_n - i) * sizeof(*maps));
	maps_n += n;
}

static void close_gap(unsigned i, unsigned n)
{
	memmove(&maps[i], &maps[i + n], (maps_n - i - n) * sizeof(*maps));
	maps_n -= n;
}

void maps_insert(const struct map *m)
{
	unsigned i = maps_find(m->start);

	ASSERT_OPS_HELD();
	write_begin();
	if (i > 0 && joins(&maps[i - 1], m)) {
		maps[i - 1].end = m->end;
	} else {
		open_gap(i, 1);
		maps[i] = *m;
	}
	write_end();
}

/* Makes addr a border between entries. */
static void split(uintptr_t addr)
{
	unsigned i = maps_find(addr);

	if (i < maps_n && maps[i].start < addr && maps_n < MAPS_MAX) {
		open_gap(i, 1);
		maps[i].end = addr;
		maps[i + 1].start = addr;
	}
}

void maps_remove(uintptr_t start, uintptr_t end)
{
	unsigned i, n = 0;

	ASSERT_OPS_HELD();
	if (maps == NULL)
		return;
	write_begin();
	split(start);
	split(end);
	i = maps_find(start);
	while (i + n < maps_n && maps[i + n].start < end)
		n++;
	if (n > 0)
		close_gap(i, n);
	write_end();
}

void maps_change(uintptr_t start, uintptr_t end, void (*f)(struct map *m, int arg), int arg)
{
	ASSERT_OPS_HELD();
	if (maps == NULL || maps_reserve(2) != 0)
		return;
	write_begin();
	split(start);
	split(end);
	for (unsigned i = maps_find(start); i < maps_n && maps[i].start < end; i++)
		f(&maps[i], arg);
	for (unsigned i = maps_n; i-- > 1;)
		if (joins(&maps[i - 1], &maps[i])) {
			maps[i - 1].end = maps[i].end;
			close_gap(i, 1);
		}
	write_end();
}

void maps_clear(void)
{
	atomic_store(&maps_seq, 0);
	atomic_store(&maps_n, 0);
	atomic_store(&maps_lo, UINTPTR_MAX);
	atomic_store(&maps_hi, 0);
}
