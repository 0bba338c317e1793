/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Drivers as they were written for Solaris (tests/drivers/solaris), compiled as they are, with several
 * processes each.
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../drivers/solaris/gx.h"
#include "../drivers/solaris/ulock.h"
#include "harness.h"

/* Locks by a store: ulock.c. */

struct shared {
	volatile uint64_t counter; /* guarded by lock 0 */
	volatile int ready, go;
};

/* The words of a lock; both pages of it. */
struct lock {
	volatile uint32_t *take, *give;
};

static struct lock map_lock(int number)
{
	const int fd = open_device("ulock");
	char *p =
		DO(mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 2 * number * page));

	DO(close(fd));
	return (struct lock){ (uint32_t *)p, (uint32_t *)(p + page) };
}

static void count_rounds(struct shared *s, uint64_t rounds)
{
	const struct lock lock = map_lock(0);

	__atomic_fetch_add(&s->ready, 1, __ATOMIC_SEQ_CST);
	while (!s->go)
		sched_yield();
	for (uint64_t i = 0; i < rounds; i++) {
		*lock.take = 1;
		s->counter = s->counter + 1;
		*lock.give = 0;
	}
}

/* n processes together count to the number that is theirs. */
static void check_counting(int n, uint64_t rounds)
{
	struct shared *s = shared_memory(sizeof(*s));
	pid_t pid[8];

	for (int i = 0; i < n; i++) {
		pid[i] = DO(fork());
		if (pid[i] == 0) {
			count_rounds(s, rounds);
			_exit(0);
		}
	}
	AWAIT(s->ready == n);
	s->go = 1;
	for (int i = 0; i < n; i++) {
		int status;

		DO(waitpid(pid[i], &status, 0));
		CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
	CHECK_EQ(s->counter, (uint64_t)n * rounds);
}

static void two_count(void)
{
	check_counting(2, 400);
}

static void four_count(void)
{
	check_counting(4, 200);
}

static void eight_count(void)
{
	check_counting(8, 100);
}

/* A process that takes the lock and keeps it. */
static pid_t start_holder(int number, struct shared *s)
{
	const pid_t pid = DO(fork());
	struct lock lock;

	if (pid != 0) {
		AWAIT(s->ready);
		return pid;
	}
	lock = map_lock(number);
	*lock.take = 1;
	s->ready = 1;
	while (!s->go)
		sched_yield();
	*lock.give = 0;
	_exit(*lock.give == 0 ? 0 : 1);
}

static void holder_killed(void)
{
	struct shared *s = shared_memory(sizeof(*s));
	const pid_t pid = start_holder(1, s);
	const struct lock lock = map_lock(1);
	int status;

	DO(kill(pid, SIGKILL));
	DO(waitpid(pid, &status, 0));
	*lock.take = 1;
	CHECK_EQ(*lock.take, 1);
	*lock.give = 0;
}

/* What the one who lost the lock stores then is nobody's. */
static void lock_stolen(void)
{
	struct shared *s = shared_memory(sizeof(*s));
	const pid_t pid = start_holder(2, s);
	const struct lock lock = map_lock(2);
	int status;

	*lock.take = 1;
	CHECK(engine_said("lock 2 is taken from who held it"));
	s->go = 1;
	DO(waitpid(pid, &status, 0));
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	CHECK_EQ(*lock.take, 1);
	*lock.give = 0;
}

static void child_has_none(void)
{
	const struct lock lock = map_lock(3);
	const pid_t pid = DO(fork());
	int status;

	if (pid == 0) {
		*lock.take = 1;
		_exit(0);
	}
	DO(waitpid(pid, &status, 0));
	CHECK(WIFSIGNALED(status) && (WTERMSIG(status) == SIGSEGV || WTERMSIG(status) == SIGBUS));
	*lock.take = 1;
	*lock.give = 0;
}

/* Its thread waits for the lock that another process holds, while the unlock page goes. */
static void *take_it(void *arg)
{
	*((struct lock *)arg)->take = 1;
	return NULL;
}

static void unmap_while_waiting(void)
{
	struct shared *s = shared_memory(sizeof(*s));
	const pid_t pid = start_holder(4, s);
	struct lock lock = map_lock(4);
	const int fd = open_device("ulock");
	pthread_t thread;
	int status;

	CHECK_EQ(pthread_create(&thread, NULL, take_it, &lock), 0);
	AWAIT(DO(ioctl(fd, ULOCK_WAITERS, 4)) == 1);
	DO(munmap((void *)lock.give, page));
	s->go = 1;
	CHECK_EQ(pthread_join(thread, NULL), 0);
	DO(waitpid(pid, &status, 0));
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	DO(munmap((void *)lock.take, page));
	lock = map_lock(4);
	*lock.take = 1;
	*lock.give = 0;
}

/* A frame buffer in K&R C: gx.c. */

static volatile uint32_t *map_registers(int kind)
{
	const int fd = open_device("gx0");
	void *p = DO(mmap(NULL, GX_REGS_SIZE, PROT_READ | PROT_WRITE, kind, fd, GX_REGS));

	DO(close(fd));
	return p;
}

static int gx_tells(int what)
{
	const int fd = open_device("gx0");
	const int value = DO(ioctl(fd, what, 0));

	DO(close(fd));
	return value;
}

/* Both pages of the context, rounds times, beside others that do the same. */
static void use_registers(uint32_t rounds)
{
	volatile uint32_t *regs = map_registers(MAP_PRIVATE);

	for (uint32_t i = 1; i <= rounds; i++) {
		const uint32_t value = (uint32_t)getpid() << 12 | i;

		for (int w = 0; w < GX_CONTEXT; w++)
			regs[w] = regs[page / 4 + w] = value + (uint32_t)w;
		for (int w = 0; w < GX_CONTEXT; w++) {
			CHECK_EQ(regs[w], value + (uint32_t)w);
			CHECK_EQ(regs[page / 4 + w], value + (uint32_t)w);
		}
	}
}

static void private_registers(void)
{
	const int before = gx_tells(GX_SWITCHES);
	pid_t pid[4];
	int status;

	for (int i = 0; i < 4; i++) {
		pid[i] = DO(fork());
		if (pid[i] == 0) {
			use_registers(5000);
			_exit(0);
		}
	}
	for (int i = 0; i < 4; i++) {
		DO(waitpid(pid[i], &status, 0));
		CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
	CHECK(gx_tells(GX_SWITCHES) - before >= 4);
	AWAIT(gx_tells(GX_CONTEXTS) == 0);
}

/* Those of MAP_SHARED are the same for all who ask for that. */
static void shared_registers(void)
{
	volatile uint32_t *shared = map_registers(MAP_SHARED),
			  *private = map_registers(MAP_PRIVATE);
	pid_t pid;
	int status;

	shared[3] = 7;
	private[3] = 8;
	pid = DO(fork());
	if (pid == 0) {
		shared = map_registers(MAP_SHARED);
		CHECK_EQ(shared[3], 7);
		CHECK_EQ(private[3], 8);
		shared[3] = 9;
		private[3] = 10;
		_exit(0);
	}
	DO(waitpid(pid, &status, 0));
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	CHECK_EQ(shared[3], 9);
	CHECK_EQ(private[3], 8);
	CHECK_EQ(gx_tells(GX_CONTEXTS), 2);
}

static void unmapped_in_part(void)
{
	volatile uint32_t *regs = map_registers(MAP_PRIVATE), *other = map_registers(MAP_PRIVATE);

	regs[1] = 1;
	regs[page / 4 + 1] = 2;
	DO(munmap((void *)regs, page));
	other[1] = other[page / 4 + 1] = 3;
	CHECK_EQ(regs[page / 4 + 1], 2);
	CHECK_EQ(other[1], 3);
	DO(munmap((void *)(regs + page / 4), page));
	CHECK_EQ(gx_tells(GX_CONTEXTS), 1);
	CHECK_EQ(other[page / 4 + 1], 3);
}

static void common_screen(void)
{
	const int fd = open_device("gx0");
	volatile uint32_t *screen =
		DO(mmap(NULL, GX_SCREEN_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, GX_SCREEN));
	const pid_t pid = DO(fork());
	int status;

	if (pid == 0) {
		screen[GX_SCREEN_SIZE / 4 - 1] = 0x00ff00;
		_exit(0);
	}
	DO(waitpid(pid, &status, 0));
	CHECK_EQ(screen[GX_SCREEN_SIZE / 4 - 1], 0x00ff00);
}

static const struct test tests[] = {
	{ "locks by a store: two processes count exactly", two_count },
	{ "locks by a store: four processes count exactly", four_count },
	{ "locks by a store: eight processes count exactly", eight_count },
	{ "locks by a store: who holds one is killed", holder_killed },
	{ "locks by a store: one is stolen, and what its holder stores then is nobody's",
	  lock_stolen },
	{ "locks by a store: a child has none", child_has_none },
	{ "locks by a store: the unlock page goes while a thread waits", unmap_while_waiting },
	{ "K&R: a frame buffer's registers are each process's own", private_registers },
	{ "K&R: those of MAP_SHARED are all processes'", shared_registers },
	{ "K&R: a page of the registers is unmapped", unmapped_in_part },
	{ "K&R: the screen is everybody's", common_screen },
};

MAIN(tests, SOLARIS_DRIVERS)
