/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The engine process dies under its clients: their accesses block or fail, and never read zeros.
 *
 * The client of each test is this program again, `--client NUMBER`, under an engine of its own
 * whose process it kills itself. What it stored is not zero, nor is anything that it may read.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

#define PAGES	4
#define BLOCKED 99 /* exit status: the client was ended where it blocked */

static volatile uint64_t *at[PAGES];
static int device;

/* The client. */

static void map_device(void)
{
	char *p;

	device = open_device("ctest0");
	p = DO(mmap(NULL, PAGES * page, PROT_READ | PROT_WRITE, MAP_SHARED, device, 0));
	for (int i = 0; i < PAGES; i++)
		at[i] = (uint64_t *)(p + i * page);
}

static void kill_process(const char *variable)
{
	const pid_t pid = atoi(getenv(variable));

	CHECK(pid > 1);
	DO(kill(pid, SIGKILL));
	AWAIT(is_gone(pid));
}

/* A load gives what was stored, or a signal; it may also block. */
static void check_load(int i, uint64_t must)
{
	volatile uint64_t value = 0;
	const int number = CAUGHT(value = *at[i]);

	if (number == 0 && value != must)
		fail(__FILE__, __LINE__, "page %d reads %#llx", i, (unsigned long long)value);
	CHECK(number == 0 || number == SIGBUS || number == SIGSEGV);
}

/* ... and one that needs the driver cannot succeed. */
static void check_load_fails(int i)
{
	volatile uint64_t value = 0;
	const int number = CAUGHT(value = *at[i]);

	if (number == 0)
		fail(__FILE__, __LINE__, "page %d reads %#llx", i, (unsigned long long)value);
	CHECK_EQ(number, SIGBUS);
}

static void loaded_and_not(void)
{
	map_device();
	*at[0] = 5;
	kill_process("DEVMAP_TEST_ENGINE_PID");
	check_load(0, 5);
	check_load_fails(1);
	check_load(0, 5);
	check_load_fails(3);
}

static void after_closefrom(void)
{
	map_device();
	*at[0] = 5;
	closefrom(3);
	kill_process("DEVMAP_TEST_ENGINE_PID");
	check_load(0, 5);
	check_load_fails(1);
}

static void after_closing_all(void)
{
	map_device();
	*at[0] = 5;
	for (int fd = 3; fd < 1024; fd++)
		close(fd);
	kill_process("DEVMAP_TEST_ENGINE_PID");
	check_load(0, 5);
	check_load_fails(1);
}

static void after_unload(void)
{
	struct ctest_op op = { .op = CT_OP_UNLOAD };

	map_device();
	*at[1] = 5;
	op.id = event(device, CT_MAP, getpid(), 0).id;
	DO(ioctl(device, CTEST_OP, &op));
	kill_process("DEVMAP_TEST_ENGINE_PID");
	check_load_fails(1);
}

static void system_calls(void)
{
	int fd[2];

	map_device();
	kill_process("DEVMAP_TEST_ENGINE_PID");
	DO(pipe(fd));
	CHECK_ERRNO(write(fd[1], (void *)at[1], 8), EFAULT);
}

static void both_killed(void)
{
	map_device();
	*at[0] = 5;
	kill_process("DEVMAP_TEST_ENGINE_PID");
	kill_process("DEVMAP_TEST_SUPERVISOR_PID");
	check_load(0, 5);
	check_load_fails(1);
}

static void supervisor_killed(void)
{
	map_device();
	*at[0] = 5;
	kill_process("DEVMAP_TEST_SUPERVISOR_PID");
	check_load(0, 5);
	check_load(1, 0); /* the engine may live on and serve it: then it is zero by right */
	if (open("/dev/ctest0", O_RDWR) == -1)
		CHECK(errno == ENXIO || errno == ENOENT);
}

/* The descriptor and new opens: an error, and no hang. */
static void calls_on_the_device(void)
{
	struct ctest_counts c;

	map_device();
	*at[0] = 5;
	kill_process("DEVMAP_TEST_ENGINE_PID");
	CHECK(ioctl(device, CTEST_COUNTS, &c) == -1);
	CHECK(mmap(NULL, page, PROT_READ, MAP_SHARED, device, 0) == MAP_FAILED);
	CHECK(open("/dev/ctest0", O_RDWR) == -1);
	CHECK(errno == ENXIO || errno == ENOENT);
	check_load(0, 5);
	CHECK_EQ(munmap((void *)at[0], PAGES * page), 0);
	close(device);
}

static void fork_afterwards(void)
{
	pid_t pid;

	map_device();
	*at[0] = 5;
	kill_process("DEVMAP_TEST_ENGINE_PID");
	pid = fork();
	if (pid == -1)
		return;
	if (pid == 0) {
		if (CAUGHT(*at[0]) == 0)
			check_load(0, 5);
		_exit(0);
	}
	CHECK(WAS_OK(await_pid(pid)));
	check_load(0, 5);
}

static void check_both_pages(void)
{
	check_load(0, 5);
	check_load(1, 6);
	check_load_fails(2);
}

static void be_companion(int line)
{
	char byte = 0;

	CHECK_EQ(*at[0], 5);
	CHECK_EQ(write(line, &byte, 1), 1);
	CHECK_EQ(read(line, &byte, 1), 1);
	check_both_pages();
	_exit(0);
}

/* X5: one window, which is in both processes' escrow. */
static void shared_context(void)
{
	int ends[2];
	char byte;
	pid_t pid;

	knob(open_device("ctest0"), CT_SHARE, 1);
	map_device();
	*at[0] = 5;
	*at[1] = 6;
	DO(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
	pid = DO(fork());
	if (pid == 0)
		be_companion(ends[1]);
	CHECK_EQ(*at[0], 5);
	CHECK_EQ(read(ends[0], &byte, 1), 1);
	kill_process("DEVMAP_TEST_ENGINE_PID");
	check_both_pages();
	CHECK_EQ(write(ends[0], &byte, 1), 1);
	CHECK(WAS_OK(await_pid(pid)));
	check_load(0, 5);
}

static void restarted(void)
{
	map_device();
	*at[0] = 5;
	kill_process("DEVMAP_TEST_ENGINE_PID");
	check_load_fails(1);
	close(device);
	AWAIT((device = open("/dev/ctest0", O_RDWR)) >= 0);
	close(device);
	check_load(0, 5);
	map_device();
	*at[1] = 6;
	CHECK_EQ(*at[1], 6);
}

static void blocked(void)
{
	map_device();
	*at[0] = 5;
	kill_process("DEVMAP_TEST_ENGINE_PID");
	check_load(0, 5);
	check_load(1, ~0ULL);
	fail(__FILE__, __LINE__, "page 1 does not block");
}

static void stopped(void)
{
	map_device();
	*at[0] = 5;
	DO(kill(atoi(getenv("DEVMAP_TEST_SUPERVISOR_PID")), SIGTERM));
	AWAIT(is_gone(atoi(getenv("DEVMAP_TEST_ENGINE_PID"))));
	check_load(0, 5);
	check_load_fails(1);
	CHECK(open("/dev/ctest0", O_RDWR) == -1);
	CHECK(errno == ENXIO || errno == ENOENT);
}

/* The tests. */

struct scene {
	const char *policy;
	void (*client)(void);
};

static const struct scene scenes[] = {
	{ "fail", loaded_and_not }, { "fail", after_closefrom },   { "fail", after_closing_all },
	{ "fail", after_unload },   { "fail", system_calls },	   { "fail", calls_on_the_device },
	{ "fail", shared_context }, { "fail", fork_afterwards },   { "restart", restarted },
	{ "block", blocked },	    { "fail", supervisor_killed }, { "fail", both_killed },
	{ "fail", stopped },
};

static pid_t engine_of(const struct engine *e)
{
	setenv("DEVMAP_DIR", e->dir, 1);
	return engine_pid("ctest0");
}

static void set_number(const char *name, long n)
{
	char text[32];

	snprintf(text, sizeof(text), "%ld", n);
	setenv(name, text, 1);
}

static pid_t spawn_client(size_t scene, const struct engine *e)
{
	char number[16];
	pid_t pid;

	snprintf(number, sizeof(number), "%zu", scene);
	set_number("DEVMAP_TEST_ENGINE_PID", engine_of(e));
	set_number("DEVMAP_TEST_SUPERVISOR_PID", e->pid);
	pid = DO(fork());
	if (pid == 0) {
		execl("/proc/self/exe", "engine_death", "--client", number, NULL);
		_exit(127);
	}
	return pid;
}

/* Its wait status; BLOCKED if it slept for `patience`, and could be killed then. */
static int await_client(pid_t pid, int64_t patience)
{
	const int64_t end = now() + patience;
	int status;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (now() > end) {
			DO(kill(pid, SIGKILL));
			CHECK_EQ(await_pid(pid), SIGKILL);
			return BLOCKED;
		}
		nap();
	}
	return status;
}

static int play_scene(void (*client)(void), int64_t patience)
{
	size_t i = 0;
	struct engine e;
	int status;

	while (scenes[i].client != client)
		i++;
	e = start_engine((const char *const[]){ "--on-crash", scenes[i].policy, NULL });
	status = await_client(spawn_client(i, &e), patience);
	stop_engine(&e);
	return status;
}

static void check_scene(void (*client)(void))
{
	CHECK_EQ(play_scene(client, LIMIT_NS), 0);
}

#define SCENE(client)                   \
	static void test_##client(void) \
	{                               \
		check_scene(client);    \
	}

SCENE(loaded_and_not)
SCENE(after_closefrom)
SCENE(after_closing_all)
SCENE(after_unload)
SCENE(system_calls)
SCENE(calls_on_the_device)
SCENE(fork_afterwards)
SCENE(shared_context)
SCENE(restarted)
SCENE(stopped)
SCENE(supervisor_killed)

static void test_blocked(void)
{
	CHECK_EQ(play_scene(blocked, SECOND), BLOCKED);
}

static void test_both_killed(void)
{
	const int status = play_scene(both_killed, SECOND);

	CHECK(status == 0 || status == BLOCKED);
}

static void no_engine(void)
{
	pid_t pid;

	setenv("DEVMAP_DIR", "/nonexistent", 1);
	pid = DO(fork());
	if (pid == 0) {
		execl("/proc/self/exe", "engine_death", "--client", "none", NULL);
		_exit(127);
	}
	CHECK_EQ(await_pid(pid), 0);
}

static const struct test tests[] = {
	{ "engine killed: loaded pages live, others fail", test_loaded_and_not },
	{ "engine killed: the same after closefrom", test_after_closefrom },
	{ "engine killed: the same after closing every number", test_after_closing_all },
	{ "engine killed: a page unloaded before fails", test_after_unload },
	{ "engine killed: system calls fail with EFAULT", test_system_calls },
	{ "engine killed: calls on the device fail, and do not hang", test_calls_on_the_device },
	{ "engine killed: fork", test_fork_afterwards },
	{ "engine killed: X5 two processes with one context", test_shared_context },
	{ "engine killed: --on-crash restart serves whoever opens again", test_restarted },
	{ "engine killed: --on-crash block, and the client can be killed", test_blocked },
	{ "supervisor killed: nobody reads zeros", test_supervisor_killed },
	{ "engine and supervisor killed: nobody reads zeros", test_both_killed },
	{ "engine stopped by SIGTERM: clients are told", test_stopped },
	{ "no engine: open fails as for a missing device", no_engine },
};

static int run_client(const char *which)
{
	page = sysconf(_SC_PAGESIZE);
	if (strcmp(which, "none") == 0) {
		CHECK(open("/dev/ctest0", O_RDWR) == -1);
		CHECK(errno == ENOENT || errno == ENXIO);
	} else {
		scenes[atoi(which)].client();
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "--client") == 0)
		return run_client(argv[2]);
	return run_tests(argc, argv, tests, sizeof(tests) / sizeof(tests[0]), USER_ENGINE);
}
