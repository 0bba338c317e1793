/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* C5: calls into a driver's context management are never concurrent within a group. */
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness.h"

#define PROCESSES 4
#define THREADS	  2
#define TOUCHES	  15

static const char *device_of_process[PROCESSES];
static char *mapped;

static void *touch(void *arg)
{
	unsigned seed = (uintptr_t)arg;

	for (int i = 0; i < TOUCHES; i++)
		*(volatile uint64_t *)(mapped + rand_r(&seed) % 8 * page) = i;
	return NULL;
}

static void contend(void *arg)
{
	const uintptr_t me = (uintptr_t)arg;
	pthread_t thread[THREADS];

	mapped = DO(mmap(NULL, 8 * page, PROT_READ | PROT_WRITE, MAP_SHARED,
			 open_device(device_of_process[me]), 0));
	for (uintptr_t i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_create(&thread[i], NULL, touch, (void *)(me * 10 + i)), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
}

static void check_serial(const char *one, const char *other)
{
	const int fd = control();
	pid_t pid[PROCESSES];

	knob(fd, CT_SLEEP_US, 2000);
	for (uintptr_t i = 0; i < PROCESSES; i++) {
		device_of_process[i] = i % 2 ? one : other;
		pid[i] = spawn(contend, (void *)i);
	}
	for (int i = 0; i < PROCESSES; i++)
		CHECK(WAS_OK(await_pid(pid[i])));
	CHECK(calls(fd, CT_CTXMGT) > PROCESSES);
	CHECK_EQ(counts(fd).overlaps, 0);
}

static void processes_and_threads(void)
{
	check_serial("ctest0", "ctest0");
}

static void two_minors(void)
{
	check_serial("ctest0", "ctest0a");
}

/* While a callback for `first` is inside, one for `second` runs to its end. */
static void check_independent(const char *first, const char *second)
{
	const int one = reset_unit(first), two = reset_unit(second);
	struct actor *a = new_actor_with(first, 0, 1), *b = new_actor_with(second, 0, 1);

	knob(one, CT_GATE_CTXMGT, CT_EVERYBODY);
	start_put(a, a->base, 1);
	AWAIT(counts(one).gated == 1);
	put(b, b->base, 2);
	CHECK(!finished(a));
	CHECK_EQ(calls(two, CT_CTXMGT), 1);
	knob(one, CT_GATE_CTXMGT, 0);
	finish(a);
}

static void two_instances(void)
{
	check_independent("ctest0", "ctest1");
}

static void two_functions(void)
{
	check_independent("ctest0", "ctest0b");
}

static void two_drivers(void)
{
	check_independent("ctest0", "ctestz0");
}

/* ... and the same for one group: the second waits, also the owner's own second thread. */
static void one_inside(void)
{
	const int fd = control();
	struct actor *a = new_actor_with("ctest0", 0, 4), *t = new_thread(a);
	struct actor *b = new_actor_with("ctest0a", 0, 4);

	put(a, AT(a, 0), 1);
	knob(fd, CT_GATE_CTXMGT, a->pid);
	start_put(a, AT(a, 1), 1);
	AWAIT(counts(fd).gated == 1);
	start_put(t, AT(t, 2), 2);
	start_put(b, AT(b, 0), 3);
	await_waiters("ctest0", 2);
	CHECK_EQ(calls(fd, CT_CTXMGT), 2);
	knob(fd, CT_GATE_CTXMGT, 0);
	finish(a);
	finish(t);
	finish(b);
	CHECK_EQ(counts(fd).overlaps, 0);
}

static const struct test tests[] = {
	{ "C5 processes and threads of one device are served one by one", processes_and_threads },
	{ "C5 two minors with one access function are one group", two_minors },
	{ "C5 only one is inside, whoever asks", one_inside },
	{ "C5 two instances are two groups", two_instances },
	{ "C5 two access functions are two groups", two_functions },
	{ "C5 two drivers are two groups", two_drivers },
};

MAIN(tests, 0)
