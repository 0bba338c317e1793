/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What the supervisor sees of our calls, the engine's side: see watch.h. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "keeper.h"
#include "watch.h"

#include "held.h"

#define KEPT_SLOTS 65536 /* beside those of threads */
#define SILENCE_S  1	 /* of an engine that has something to do */

static struct {
	pthread_mutex_t lock;
	struct watch_area *area;
	uint32_t nslots, free; /* free: index + 1, 0: none */
	int deadline;	       /* a timer; it is the supervisor who waits for it */
	_Atomic uint32_t connections;
} watch = { .lock = PTHREAD_MUTEX_INITIALIZER, .deadline = -1 };

/* Nobody can shrink it under the supervisor. */
static int make_area(size_t len)
{
	int fd = memfd_create("devmap calls", MFD_CLOEXEC | MFD_ALLOW_SEALING), error;
	void *p;

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)len) == 0 &&
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0) {
		p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (p != MAP_FAILED) {
			watch.area = p;
			return fd;
		}
	}
	error = -errno;
	close(fd);
	return error;
}

int watch_init(unsigned max_threads, int check)
{
	int area;

	watch.nslots = max_threads + KEPT_SLOTS;
	watch.deadline = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (watch.deadline < 0)
		return -errno;
	area = make_area(sizeof(*watch.area) + watch.nslots * sizeof(watch.area->slots[0]));
	if (area < 0)
		return area;
	keeper_watch(area, watch.deadline, check);
	close(area);
	return 0;
}

static void deadline_set(time_t seconds)
{
	struct itimerspec t = { .it_value = { .tv_sec = seconds } };

	(void)timerfd_settime(watch.deadline, 0, &t, NULL);
}

void watch_expect(void)
{
	deadline_set(SILENCE_S);
}

void watch_checked(bool more)
{
	atomic_fetch_add(&watch.area->checks, 1);
	deadline_set(more ? SILENCE_S : 0);
}

uint32_t watch_connect(int fd)
{
	uint32_t number = 1 + atomic_fetch_add(&watch.connections, 1);

	keeper_connection(number, fd);
	return number;
}

void watch_disconnect(uint32_t number)
{
	keeper_connection_end(number);
}

static bool is_shared(const struct watch_slot *s)
{
	return s >= watch.area->slots && s < watch.area->slots + watch.nslots;
}

/* watch.lock held. */
static struct watch_slot *take(void)
{
	uint32_t used = atomic_load(&watch.area->used);
	struct watch_slot *s = NULL;

	ASSERT_HELD(&watch.lock);
	if (watch.free != 0) {
		s = &watch.area->slots[watch.free - 1];
		watch.free = s->next_free;
	} else if (used < watch.nslots) {
		s = &watch.area->slots[used];
		atomic_store(&watch.area->used, used + 1);
	}
	return s;
}

struct watch_slot *watch_slot_get(void)
{
	struct watch_slot *s;

	pthread_mutex_lock(&watch.lock);
	s = take();
	pthread_mutex_unlock(&watch.lock);
	return s != NULL ? s : calloc(1, sizeof(*s));
}

void watch_slot_put(struct watch_slot *s)
{
	if (!is_shared(s)) {
		free(s);
		return;
	}
	watch_slot_done(s);
	pthread_mutex_lock(&watch.lock);
	s->next_free = watch.free;
	watch.free = (uint32_t)(s - watch.area->slots) + 1;
	pthread_mutex_unlock(&watch.lock);
}

/* The supervisor may read at any time what follows, in this order. */
void watch_slot_done(struct watch_slot *s)
{
	__atomic_store_n(&s->in.unique, 0, __ATOMIC_SEQ_CST);
	__atomic_store_n(&s->in.pid, 0, __ATOMIC_SEQ_CST);
	atomic_store(&s->state, 0);
}

void watch_slot_ready(struct watch_slot *s, uint32_t connection)
{
	atomic_store(&s->connection, connection);
	watch_slot_done(s);
}

/* It may have been given up by now; one that was there before it may be as late. */
void watch_slot_read(struct watch_slot *s)
{
	const uint64_t id = WATCH_ID(s->in.unique);
	uint64_t state = atomic_load(&s->state);

	while (state != (id | WATCH_GIVEN) && !atomic_compare_exchange_weak(&s->state, &state, id))
		;
	atomic_fetch_add_explicit(&watch.area->messages, 1, memory_order_relaxed);
}

/* The supervisor finds it all the time, and gives it up in one place only. */
void watch_slot_move(struct watch_slot *to, struct watch_slot *from)
{
	const uint64_t given = WATCH_ID(from->in.unique) | WATCH_GIVEN;

	watch_slot_ready(to, atomic_load(&from->connection));
	to->in = from->in;
	to->first = from->first;
	watch_slot_read(to);
	if (atomic_exchange(&from->state, 0) == given)
		atomic_store(&to->state, given);
	watch_slot_done(from);
}

bool watch_slot_hold(struct watch_slot *s)
{
	uint64_t id = WATCH_ID(s->in.unique);

	return atomic_compare_exchange_strong(&s->state, &id, id | WATCH_HELD);
}

void watch_slot_drop(struct watch_slot *s)
{
	atomic_store(&s->state, WATCH_ID(s->in.unique));
}

bool watch_slot_given(const struct watch_slot *s)
{
	return atomic_load(&s->state) == (WATCH_ID(s->in.unique) | WATCH_GIVEN);
}
