/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The ring of include/devmap/trace.h, from the side that writes. It is made when somebody asks for the first
 * time, and stays. Without a reader the core finds no sink, and nothing is done.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include <sys/time.h>

#include "../../core/core.h"
#include "../../core/probe.h"
#include "trace.h"

#include <devmap/trace.h>

static pthread_mutex_t trace_lock = PTHREAD_MUTEX_INITIALIZER; /* of making it */
static struct dm_trace_ring *ring; /* before the sink: there once, there always */
static int ring_fd = -1;
static _Atomic hrtime_t listened_until;

static uint64_t pair(int high, int low)
{
	return (uint64_t)(uint32_t)high << 32 | (uint32_t)low;
}

static void write_event(struct dm_trace_slot *s, const struct probe_event *e, hrtime_t now)
{
	const uint64_t word[DM_TRACE_WORDS] = {
		[DM_TRACE_TIME] = (uint64_t)now,
		[DM_TRACE_KIND] = (uint64_t)e->kind | (e->type & 0xff) << 8 | (e->rw & 0xff) << 16,
		[DM_TRACE_WHO] = pair(e->pid, e->instance),
		[DM_TRACE_OTHER] = pair(e->other, e->result),
		[DM_TRACE_OFF] = (uint64_t)e->off,
		[DM_TRACE_LEN] = e->len,
		[DM_TRACE_WAITED] = e->waited,
		[DM_TRACE_TOOK] = e->took,
	};

	/* Who sees one of these sees that they are being written. */
	for (unsigned i = 0; i < DM_TRACE_WORDS; i++)
		atomic_store_explicit(&s->word[i], word[i], memory_order_release);
}

static void put_event(const struct probe_event *e)
{
	const hrtime_t now = gethrtime();
	uint64_t n, state;
	struct dm_trace_slot *s;

	if (now > atomic_load_explicit(&listened_until, memory_order_relaxed)) {
		/* Whoever asks at this moment loses what comes before he asks again. */
		__atomic_store_n(&devmap_probe_sink, NULL, __ATOMIC_RELAXED);
		return;
	}
	n = atomic_fetch_add_explicit(&ring->next, 1, memory_order_relaxed);
	s = &ring->slot[n % DM_TRACE_SLOTS];
	state = atomic_load_explicit(&s->state, memory_order_relaxed);
	if ((state & 1) != 0 || state > 2 * n ||
	    !atomic_compare_exchange_strong_explicit(&s->state, &state, 2 * n + 1,
						     memory_order_acquire, memory_order_relaxed))
		return;
	write_event(s, e, now);
	atomic_store_explicit(&s->state, 2 * (n + 1), memory_order_release);
}

/* trace_lock held. 0 or -errno. */
static int make_ring(const char *driver)
{
	const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL;
	struct dm_trace_ring *r;
	int fd = memfd_create("devmap trace", MFD_CLOEXEC | MFD_ALLOW_SEALING), error = 0;

	if (fd < 0 || ftruncate(fd, sizeof(*r)) != 0)
		error = -errno;
	r = error == 0 ? mmap(NULL, sizeof(*r), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) :
			 MAP_FAILED;
	if (error == 0 && (r == MAP_FAILED || fcntl(fd, F_ADD_SEALS, seals) != 0))
		error = -errno;
	if (error != 0) {
		if (r != MAP_FAILED)
			(void)munmap(r, sizeof(*r));
		if (fd >= 0)
			close(fd);
		return error;
	}
	r->engine = getpid();
	(void)snprintf(r->driver, sizeof(r->driver), "%s", driver);
	ring = r;
	ring_fd = fd;
	return 0;
}

int trace_ask(const char *driver)
{
	int error = 0;

	pthread_mutex_lock(&trace_lock);
	if (ring == NULL)
		error = make_ring(driver);
	if (error == 0) {
		atomic_store(&listened_until, gethrtime() + DM_TRACE_LEASE_NS);
		__atomic_store_n(&devmap_probe_sink, put_event, __ATOMIC_RELEASE);
	}
	pthread_mutex_unlock(&trace_lock);
	return error != 0 ? error : ring_fd;
}
