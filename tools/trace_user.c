/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The user engines' events: each writes into a ring (include/devmap/trace.h), which is mapped here. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <unistd.h>

#include <devmap/protocol.h>
#include <devmap/trace.h>

#include "doors.h"
#include "trace.h"

/* After so many looks at it, an event that is not there has been left out, or its writer sleeps. */
#define LOOKS_MAX 25

/* The ring of one engine: for as long as we run, since its events may be read after its end. */
struct ring {
	LIST_ENTRY(ring) link;
	ino_t ino; /* of the descriptor, by which several nodes of an engine have the same */
	const struct dm_trace_ring *ring;
	const char *driver;
	uint64_t at;
	unsigned looks; /* at the event that is next */
};

static LIST_HEAD(, ring) rings = LIST_HEAD_INITIALIZER(rings);

static struct ring *ring_of(ino_t ino)
{
	struct ring *r;

	LIST_FOREACH(r, &rings, link)
	{
		if (r->ino == ino)
			return r;
	}
	return NULL;
}

/* It stays as long as it is: a shorter one would be our death. */
static bool is_ring(int fd, struct stat *st)
{
	const int seals = fcntl(fd, F_GET_SEALS);

	return seals >= 0 && (seals & F_SEAL_SHRINK) != 0 && fstat(fd, st) == 0 &&
	       st->st_size >= (off_t)sizeof(struct dm_trace_ring);
}

/* 0 or -errno. */
static int ring_add(int fd)
{
	char driver[sizeof(((struct dm_trace_ring *)NULL)->driver) + 1] = "";
	struct stat st;
	struct ring *r;
	void *p;

	if (!is_ring(fd, &st))
		return -EPROTO;
	if (ring_of(st.st_ino) != NULL)
		return 0;
	r = calloc(1, sizeof(*r));
	p = mmap(NULL, sizeof(*r->ring), PROT_READ, MAP_SHARED, fd, 0);
	if (r == NULL || p == MAP_FAILED) {
		free(r);
		return -ENOMEM;
	}
	r->ino = st.st_ino;
	r->ring = p;
	r->at = atomic_load_explicit(&r->ring->next, memory_order_acquire);
	memcpy(driver, r->ring->driver, sizeof(r->ring->driver));
	r->driver = driver_named(driver);
	LIST_INSERT_HEAD(&rings, r, link);
	return 0;
}

static bool said(const char *dir, const char *name)
{
	static char last[512];
	char now[512];
	bool same;

	snprintf(now, sizeof(now), "%s/%s", dir, name);
	same = strcmp(now, last) == 0;
	memcpy(last, now, sizeof(last));
	return same;
}

static void ask_one(int dirfd, const char *name, void *arg)
{
	const char *dir = arg;
	int fd = -1, error = door_ask(dirfd, name, DM_TRACE, NULL, &fd);

	if (error == 0) {
		error = ring_add(fd);
		close(fd);
	}
	if (error == -EPERM && !said(dir, name))
		fprintf(stderr,
			"devmap: trace: %s/%s: its engine is another user's: only he and root may trace it\n",
			dir, name + 1);
	else if (error != 0 && error != -EPERM && error != -ECONNREFUSED && !said(dir, name))
		fprintf(stderr, "devmap: trace: %s/%s: %s\n", dir, name + 1, door_error(error));
}

void trace_user_ask(const struct device_dirs *dirs)
{
	for (unsigned i = 0; i < dirs->n; i++)
		(void)doors_each(dirs->dir[i], ask_one, (void *)dirs->dir[i]);
}

/* Event n, if it is in its slot. */
static bool take(const struct ring *r, uint64_t n, struct traced *out)
{
	const struct dm_trace_slot *s = &r->ring->slot[n % DM_TRACE_SLOTS];
	const uint64_t state = 2 * (n + 1);
	uint64_t w[DM_TRACE_WORDS];

	if (atomic_load_explicit(&s->state, memory_order_acquire) != state)
		return false;
	for (unsigned i = 0; i < DM_TRACE_WORDS; i++)
		w[i] = atomic_load_explicit(&s->word[i], memory_order_acquire);
	if (atomic_load_explicit(&s->state, memory_order_acquire) != state)
		return false;
	*out = (struct traced){
		.time = w[DM_TRACE_TIME],
		.engine = r->ring->engine,
		.e = { .kind = (enum probe_kind)(w[DM_TRACE_KIND] & 0xff),
		       .type = (unsigned)(w[DM_TRACE_KIND] >> 8) & 0xff,
		       .rw = (unsigned)(w[DM_TRACE_KIND] >> 16) & 0xff,
		       .driver = r->driver,
		       .pid = (int)(w[DM_TRACE_WHO] >> 32),
		       .instance = (int)w[DM_TRACE_WHO],
		       .other = (int)(w[DM_TRACE_OTHER] >> 32),
		       .result = (int)w[DM_TRACE_OTHER],
		       .off = (long long)w[DM_TRACE_OFF],
		       .len = w[DM_TRACE_LEN],
		       .waited = w[DM_TRACE_WAITED],
		       .took = w[DM_TRACE_TOOK] },
	};
	return true;
}

/* last: nobody waits any more for one that is still being written. */
static void ring_read(struct ring *r, struct gathered *g, bool last)
{
	const uint64_t next = atomic_load_explicit(&r->ring->next, memory_order_acquire);
	struct traced e;

	if (next - r->at > DM_TRACE_SLOTS) {
		g->lost += next - r->at - DM_TRACE_SLOTS;
		r->at = next - DM_TRACE_SLOTS;
	}
	for (; r->at < next; r->at++) {
		if (take(r, r->at, &e))
			gather(g, &e);
		else if (last || ++r->looks > LOOKS_MAX)
			g->lost++;
		else
			break;
		r->looks = 0;
	}
}

void trace_user_read(struct gathered *g, bool last)
{
	struct ring *r;

	LIST_FOREACH(r, &rings, link)
	ring_read(r, g, last);
}
