/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * C16 with the property devmap-retry-unloaded=-1: to return 0 without a load is to be asked again,
 * however long. (c11_failures.c has what happens without it.)
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness.h"

static void tries_again(void)
{
	const int fd = control();
	struct actor *a = new_actor_with("ctest0", 0, 1);

	knob(fd, CT_LOAD_MODE, CT_L_NOTHING);
	start_put(a, a->base, 7);
	AWAIT(calls(fd, CT_ACCESS) >= 3);
	CHECK(!finished(a));
	knob(fd, CT_LOAD_MODE, CT_L_RANGE);
	finish(a);
	CHECK_EQ(a->signal, 0);
	CHECK_EQ(get(a, a->base), 7);
}

static void can_be_killed(void)
{
	const int fd = control();
	struct actor *a = new_actor_with("ctest0", 0, 1);

	knob(fd, CT_NO_LOG, 1);
	knob(fd, CT_ACCESS_MODE, CT_A_NOTHING);
	start_put(a, a->base, 7);
	AWAIT(calls(fd, CT_ACCESS) >= 3);
	leave_by_kill(a);
	AWAIT(counts(fd).maps == 0);
}

static void can_be_unmapped(void)
{
	const int fd = control();
	struct actor *a = new_actor_with("ctest0", 0, 2), *t = new_thread(a);

	knob(fd, CT_NO_LOG, 1);
	knob(fd, CT_ACCESS_MODE, CT_A_NOTHING);
	start_put(a, AT(a, 1), 7);
	AWAIT(calls(fd, CT_ACCESS) >= 3);
	CHECK_EQ(unmap(t, AT(a, 1), page), 0);
	finish(a);
	CHECK_EQ(a->signal, SIGSEGV);
	CHECK_EQ(counts(fd).maps, 1);
}

static volatile int handler_runs;

static void count_run(int number)
{
	(void)number;
	handler_runs++;
}

static uint64_t do_store_with_handler(struct actor *a, const uint64_t *args)
{
	const struct sigaction act = { .sa_handler = count_run };

	(void)a;
	sigaction(SIGUSR1, &act, NULL);
	*(volatile uint64_t *)args[0] = args[1];
	return handler_runs;
}

static void runs_handlers(void)
{
	const int fd = control();
	struct actor *a = new_actor_with("ctest0", 0, 1);

	knob(fd, CT_NO_LOG, 1);
	knob(fd, CT_ACCESS_MODE, CT_A_NOTHING);
	start(a, do_store_with_handler, ASK((uintptr_t)a->base, 5));
	AWAIT(calls(fd, CT_ACCESS) >= 3);
	DO(kill(a->pid, SIGUSR1));
	AWAIT(calls(fd, CT_ACCESS) >= 8);
	CHECK(!finished(a));
	knob(fd, CT_ACCESS_MODE, CT_A_CTXMGT);
	CHECK_EQ(finish(a), 1);
	CHECK_EQ(get(a, a->base), 5);
}

/*
 * Three times as many clients as the engine may have threads: none of them keeps one.
 */

#define CLIENTS 12
#define NEWS	100 /* the descriptor at which a client says that it is about to touch the device */

static int run_client(void)
{
	const int fd = open_device("ctest0");
	volatile uint64_t *p = DO(mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));

	if (write(NEWS, "", 1) != 1)
		return 1;
	*p = 1;
	return *p != 1;
}

static pid_t start_client(const struct engine *e, int news)
{
	const pid_t pid = DO(fork());

	if (pid == 0) {
		DO(dup2(news, NEWS));
		setenv("DEVMAP_DIR", e->dir, 1);
		execl("/proc/self/exe", "c16_retry", "--client", NULL);
		_exit(127);
	}
	return pid;
}

/* In a program of its own, which looks for devices where DEVMAP_DIR says. */
static pid_t start_knob(const struct engine *e, int mode)
{
	const pid_t pid = DO(fork());
	char value[16];

	if (pid == 0) {
		snprintf(value, sizeof(value), "%d", mode);
		setenv("DEVMAP_DIR", e->dir, 1);
		execl("/proc/self/exe", "c16_retry", "--mode", value, NULL);
		_exit(127);
	}
	return pid;
}

static void takes_no_threads(void)
{
	struct engine e;
	pid_t pid[CLIENTS];
	int news[2];
	char byte;

	if (kernel_engine())
		skip("there the thread that pauses is the client's own");
	e = start_engine((const char *const[]){ "--threads", "4", NULL });
	DO(pipe(news));
	CHECK_EQ(await_pid(start_knob(&e, CT_A_NOTHING)), 0);
	for (int i = 0; i < CLIENTS; i++) {
		pid[i] = start_client(&e, news[1]);
		CHECK_EQ(DO(read(news[0], &byte, 1)), 1);
	}
	CHECK_EQ(await_pid(start_knob(&e, CT_A_CTXMGT)), 0);
	for (int i = 0; i < CLIENTS; i++)
		CHECK_EQ(await_pid(pid[i]), 0);
	CHECK_EQ(stop_engine(&e), 0);
}

static const struct test tests[] = {
	{ "C16 the driver is asked again until it loads", tries_again },
	{ "C16 the process can be killed meanwhile", can_be_killed },
	{ "C16 the page can be unmapped meanwhile", can_be_unmapped },
	{ "C16 a thread runs its signals' handlers meanwhile", runs_handlers },
	{ "C16 clients that are to be asked again keep no threads of the engine",
	  takes_no_threads },
};

int main(int argc, char **argv)
{
	page = sysconf(_SC_PAGESIZE);
	if (argc == 2 && strcmp(argv[1], "--client") == 0)
		return run_client();
	if (argc == 3 && strcmp(argv[1], "--mode") == 0) {
		knob(open_device("ctest0"), CT_ACCESS_MODE, atoi(argv[2]));
		return 0;
	}
	return run_tests(argc, argv, tests, sizeof(tests) / sizeof(tests[0]), RETRY_UNLOADED);
}
