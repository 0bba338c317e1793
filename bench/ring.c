/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "ring.h"
#include "turns.h"

static struct {
	uint64_t hold;
	int wake[CROWD_MAX]; /* eventfds: the token is that client's */
	int awake;	     /* the client that has the token runs */
	atomic_uint *turn;   /* shared: goes up when the token is taken away */
	unsigned mine;	     /* of the client: the turn that it last had */
} ring;

static void fail(const char *what)
{
	fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int bell_new(void)
{
	const int fd = eventfd(0, EFD_CLOEXEC);

	if (fd < 0)
		fail("eventfd");
	return fd;
}

static void bell_ring(int fd)
{
	const uint64_t one = 1;

	if (write(fd, &one, sizeof(one)) != sizeof(one))
		fail("eventfd: write");
}

static void bell_await(int fd)
{
	uint64_t n;

	while (read(fd, &n, sizeof(n)) != sizeof(n))
		if (errno != EINTR)
			fail("eventfd: read");
}

static void client_begin(struct crowd *c, int i)
{
	(void)c;
	(void)i;
	ring.mine = atomic_load(ring.turn);
	/* Nobody has the token yet. */
	ring.mine--;
}

static void client_burst(struct crowd *c, int i)
{
	const uint64_t before = now_ns();

	if (atomic_load(ring.turn) != ring.mine) {
		bell_await(ring.wake[i]);
		ring.mine = atomic_load(ring.turn);
		bell_ring(ring.awake);
	}
	if (!atomic_load(&c->stop))
		crowd_stood(c, i, now_ns() - before);
	c->tally[i].work++;
}

static void sleep_until(uint64_t ns)
{
	const struct timespec t = {
		.tv_sec = (time_t)(ns / 1000000000u),
		.tv_nsec = (long)(ns % 1000000000u),
	};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
		;
}

static void serve(struct crowd *c, uint64_t ns)
{
	const uint64_t end = now_ns() + ns;

	for (int i = 0; now_ns() < end; i = (i + 1) % c->n) {
		atomic_fetch_add(ring.turn, 1);
		bell_ring(ring.wake[i]);
		bell_await(ring.awake);
		sleep_until(now_ns() + ring.hold);
	}
}

/* All but one sleep: they go on to see that they are stopped. */
static void wake_all(struct crowd *c)
{
	atomic_fetch_add(ring.turn, 1);
	for (int i = 0; i < c->n; i++)
		bell_ring(ring.wake[i]);
}

static void ring_make(struct crowd *c)
{
	ring.turn = mmap(NULL, sizeof(*ring.turn), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (ring.turn == MAP_FAILED)
		fail("mmap");
	ring.awake = bell_new();
	for (int i = 0; i < c->n; i++)
		ring.wake[i] = bell_new();
}

static void ring_unmake(struct crowd *c)
{
	munmap(ring.turn, sizeof(*ring.turn));
	close(ring.awake);
	for (int i = 0; i < c->n; i++)
		close(ring.wake[i]);
}

void ring_run(struct crowd *c, uint64_t hold, uint64_t ns)
{
	const struct part client = { client_begin, client_burst };

	ring.hold = hold;
	ring_make(c);
	prctl(PR_SET_TIMERSLACK, 1);
	crowd_run(c, &client, ns, serve, wake_all);
	ring_unmake(c);
}
