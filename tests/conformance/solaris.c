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
	check_counting(2, 1000);
}

static void four_count(void)
{
	check_counting(4, 500);
}

static void eight_count(void)
{
	check_counting(8, 250);
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

static const struct test tests[] = {
	{ "locks by a store: two processes count exactly", two_count },
	{ "locks by a store: four processes count exactly", four_count },
	{ "locks by a store: eight processes count exactly", eight_count },
	{ "locks by a store: who holds one is killed", holder_killed },
	{ "locks by a store: one is stolen, and what its holder stores then is nobody's",
	  lock_stolen },
	{ "locks by a store: a child has none", child_has_none },
	{ "locks by a store: the unlock page goes while a thread waits", unmap_while_waiting },
};

MAIN(tests, SOLARIS_DRIVERS)
