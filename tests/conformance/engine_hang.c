/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The engine hangs: here it is stopped, all of it, while clients wait for it in calls that the kernel serves.
 * Who is killed ends (C30, C8), nobody else is disturbed, and the engine goes on where it was.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

static pid_t engine;

/* A number in /proc/PID/status; -1: it is not there. */
static long number_of(pid_t pid, const char *format)
{
	char path[64], line[256];
	long n = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "re");
	while (f != NULL && n == -1 && fgets(line, sizeof(line), f) != NULL)
		(void)sscanf(line, format, &n);
	if (f != NULL)
		fclose(f);
	return n;
}

static char state_of(pid_t pid)
{
	char path[64], state = '?';
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "re");
	if (f != NULL && fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
		state = '?';
	if (f != NULL)
		fclose(f);
	return state;
}

static void stop_it(void)
{
	DO(kill(engine, SIGSTOP));
	AWAIT(state_of(engine) == 'T');
}

static void go_on(void)
{
	DO(kill(engine, SIGCONT));
}

/* Ready, with the byte 'r' to be read, and nothing at its gates. */
static int set_up(void)
{
	const int fd = file_control();

	engine = engine_pid("ctest0");
	CHECK_EQ(pwrite(fd, "r", 1, 0), 1);
	return fd;
}

static void gates(int fd, int64_t who)
{
	knob(fd, CT_GATE_READ, who);
	knob(fd, CT_GATE_ECHO, who);
	knob(fd, CT_GATE_OPEN, who);
}

/* What clients do. */

static void call_read(int fd)
{
	char byte = 0;

	CHECK_EQ(pread(fd, &byte, 1, 0), 1);
	CHECK_EQ(byte, 'r');
}

static void call_ioctl(int fd)
{
	char to = 0;
	struct ctest_op op = {
		.op = CT_OP_ECHO, .off = (intptr_t) "x", .len = 1, .value = (uintptr_t)&to
	};

	DO(ioctl(fd, CTEST_OP, &op));
	CHECK_EQ(to, 'x');
}

static void call_open(int fd)
{
	(void)fd;
	DO(close(open_device("ctest0")));
}

static void call_poll(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	DO(poll(&p, 1, -1));
}

static void call_close(int fd)
{
	DO(close(fd));
	for (;;)
		pause();
}

static void on_signal(int sig)
{
	(void)sig;
}

static int device; /* opened before, so that it does not wait at that gate */

static void client(void *call)
{
	const struct sigaction act = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

	DO(sigaction(SIGUSR1, &act, NULL));
	((void (*)(int))call)(device);
}

/* A client in the driver. n: how many are there then. */
static pid_t client_in(int fd, void (*call)(int), unsigned n)
{
	pid_t pid;

	if (device == 0)
		device = open_device("ctest0");
	gates(fd, CT_EVERYBODY);
	pid = spawn(client, (void *)call);
	AWAIT(counts(fd).gated == n);
	return pid;
}

/* The engine goes on where it does not, so that not everything else fails. */
static void check_is_reaped(pid_t pid, int64_t since)
{
	const int64_t end = since + 2 * SECOND * slowness();

	while (waitpid(pid, NULL, WNOHANG) == 0) {
		if (now() > end) {
			go_on();
			fail(__FILE__, __LINE__, "process %d is still there", (int)pid);
		}
		nap();
	}
}

static void kill_client(pid_t pid)
{
	const int64_t since = now();

	DO(kill(pid, SIGKILL));
	check_is_reaped(pid, since);
}

/* A client that asks by its session's socket: what is not in the kernel's hands ends it as ever. */
static volatile int *stage; /* 1: it is ready; 2: it may go on */

static void unmaps(void *p)
{
	(void)munmap(p, page);
}

static void forks(void *p)
{
	(void)p;
	if (fork() == 0)
		_exit(0);
}

static void maps_and_asks(void *call)
{
	void *p = DO(mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, device, 0));

	*stage = 1;
	while (*stage == 1)
		;
	((void (*)(void *))call)(p);
	for (;;)
		sched_yield(); /* it was not to come here: it would be asleep */
}

static void terminated_in(void (*call)(void *))
{
	pid_t pid;
	int64_t since;

	(void)set_up();
	device = open_device("ctest0");
	stage = shared_memory(sizeof(*stage));
	pid = spawn(maps_and_asks, (void *)call);
	AWAIT(*stage == 1);
	stop_it();
	*stage = 2;
	AWAIT(state_of(pid) == 'S');
	since = now();
	DO(kill(pid, SIGTERM));
	check_is_reaped(pid, since);
	go_on();
}

static void terminated_in_munmap(void)
{
	terminated_in(unmaps);
}

static void terminated_in_fork(void)
{
	terminated_in(forks);
}

/* It knows of the dead, and serves as before. */
static void check_works(int fd)
{
	AWAIT(counts(fd).gated == 0);
	gates(fd, 0);
	call_read(fd);
	call_ioctl(fd);
	call_open(fd);
}

/* The tests. */

static void killed_in(void (*call)(int))
{
	const int fd = set_up();
	const pid_t pid = client_in(fd, call, 1);

	stop_it();
	kill_client(pid);
	go_on();
	check_works(fd);
	CHECK(engine_said("ended the call of process"));
	CHECK_EQ(engine_pid("ctest0"), engine);
}

static void killed_in_read(void)
{
	killed_in(call_read);
}

static void killed_in_ioctl(void)
{
	killed_in(call_ioctl);
}

static void killed_in_open(void)
{
	killed_in(call_open);
}

/* Calls that the engine has not read when it stops. */
static void killed_after_the_stop(void)
{
	static void (*const calls[])(int) = { call_read, call_ioctl, call_open, call_poll,
					      call_close };
	const int fd = set_up();
	pid_t pid[5];

	device = open_device("ctest0");
	stop_it();
	for (size_t i = 0; i < 5; i++)
		pid[i] = spawn(client, (void *)calls[i]);
	for (size_t i = 0; i < 5; i++)
		AWAIT(state_of(pid[i]) == 'S');
	for (size_t i = 0; i < 5; i++)
		kill_client(pid[i]);
	go_on();
	check_works(fd);
}

/* The interruption has been read, and comes to nothing, since the driver listens to none. */
static void killed_after_a_signal(void)
{
	const int fd = set_up();
	pid_t pid;

	knob(fd, CT_DEAF, 1);
	pid = client_in(fd, call_read, 1);
	DO(kill(pid, SIGUSR1));
	/* The kernel tells the engine of it before anybody is asked again. */
	AWAIT(state_of(pid) == 'D' || number_of(pid, "SigPnd: %lx") != 0 ||
	      number_of(pid, "ShdPnd: %lx") != 0);
	(void)counts(fd);
	stop_it();
	kill_client(pid);
	go_on();
	gates(fd, 0);
	check_works(fd);
}

static void *in_read(void *arg)
{
	call_read(device);
	return arg;
}

#define SERVED	124 /* calls of a user's that the engine serves at once; ours too */
#define THREADS 140

static void crowd(void *arg)
{
	pthread_attr_t attr;
	pthread_t t;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 65536);
	for (int i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_create(&t, &attr, in_read, NULL), 0);
	*(volatile int *)arg = 1;
	for (;;)
		pause();
}

/* Some of the calls wait in the engine, without a thread of it. */
static void crowd_is_killed(void)
{
	const int fd = set_up();
	volatile int *there = shared_memory(sizeof(*there));
	struct timespec moment = { .tv_nsec = 100000000 };
	pid_t pid;

	device = open_device("ctest0");
	knob(fd, CT_GATE_READ, CT_EVERYBODY);
	pid = spawn(crowd, (void *)there);
	AWAIT(*there && number_of(engine, "Threads: %ld") >= SERVED);
	DO(nanosleep(&moment, NULL)); /* for those that it only reads */
	stop_it();
	kill_client(pid);
	go_on();
	check_works(fd);
}

/* Nobody dies: whoever waits for a stopped engine is left alone, as under a debugger. */
static void left_in_peace(void)
{
	const int fd = set_up();
	const pid_t one = client_in(fd, call_read, 1), two = client_in(fd, call_ioctl, 2);
	struct timespec rest = { .tv_sec = 3 };
	pid_t late;

	knob(fd, CT_POLL_EVENTS, POLLIN);
	stop_it();
	late = spawn(client, (void *)call_poll);
	DO(kill(one, SIGUSR1));
	DO(nanosleep(&rest, NULL));
	CHECK(!is_gone(one) && !is_gone(two) && !is_gone(late));
	go_on();
	AWAIT(counts(fd).gated == 2);
	gates(fd, 0);
	CHECK(WAS_OK(await_pid(one)));
	CHECK(WAS_OK(await_pid(two)));
	CHECK(WAS_OK(await_pid(late)));
}

/* Who waits on the same descriptor as one that is killed, and who waits on another. */
static void others_go_on(void)
{
	const int fd = set_up(), one = open_device("ctest0"), two = open_device("ctest0");
	pid_t killed, same, other;

	device = one;
	killed = client_in(fd, call_read, 1);
	same = client_in(fd, call_ioctl, 2);
	device = two;
	other = client_in(fd, call_read, 3);
	stop_it();
	kill_client(killed);
	go_on();
	AWAIT(counts(fd).gated == 2);
	gates(fd, 0);
	CHECK(WAS_OK(await_pid(same)));
	CHECK(WAS_OK(await_pid(other)));
	check_works(fd);
}

static void busy_client(void *arg)
{
	(void)arg;
	for (;;) {
		const int fd = open_device("ctest0");

		call_read(fd);
		call_ioctl(fd);
		DO(close(fd));
	}
}

#define BUSY 4

/* Stopped wherever it is. A call that it has in hand may cost it its life: then another one serves. */
static void stopped_anywhere(void)
{
	int fd = set_up();
	pid_t pid[BUSY];
	int64_t since;

	knob(fd, CT_NO_LOG, 1);
	for (int round = 0; round < 12; round++) {
		struct timespec while_busy = { .tv_nsec = 20000000 + round * 370000 };

		for (int i = 0; i < BUSY; i++)
			pid[i] = spawn(busy_client, NULL);
		DO(nanosleep(&while_busy, NULL));
		stop_it();
		since = now();
		for (int i = 0; i < BUSY; i++)
			DO(kill(pid[i], SIGKILL));
		for (int i = 0; i < BUSY; i++)
			check_is_reaped(pid[i], since);
		go_on();
		check_works(fd);
	}
	CHECK_EQ(engine_pid("ctest0"), engine);
}

/*
 * Root's engine copies from or to the memory of one without the library, and does not come to an end with that:
 * the client serves its own page faults, and does not.
 */

struct copied {
	bool to_client;
	volatile int there;
};

static int faults;

static void *await_fault(void *arg)
{
	struct copied *copied = arg;
	struct pollfd p = { .fd = faults, .events = POLLIN };

	if (DO(poll(&p, 1, -1)) == 1)
		copied->there = 1;
	return NULL;
}

static uintptr_t memory_without_pages(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register r = { .mode = UFFDIO_REGISTER_MODE_MISSING };

	faults = DO(syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK));
	DO(ioctl(faults, UFFDIO_API, &api));
	r.range.len = page;
	r.range.start = (uintptr_t)DO(
		mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	DO(ioctl(faults, UFFDIO_REGISTER, &r));
	return r.range.start;
}

static void copied_client(void *arg)
{
	struct copied *copied = arg;
	const uintptr_t at = memory_without_pages();
	struct ctest_op op = { .op = CT_OP_ECHO, .off = (intptr_t) "x", .len = 1, .value = at };
	char path[600];
	pthread_t t;
	int fd;

	snprintf(path, sizeof(path), "%s/ctest0", getenv("DEVMAP_DIR"));
	fd = DO((int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR));
	CHECK_EQ(pthread_create(&t, NULL, await_fault, arg), 0);
	(void)syscall(SYS_ioctl, fd, CTEST_OP, copied->to_client ? (uintptr_t)&op : at);
	fail(__FILE__, __LINE__, "the call comes back");
}

/* All but the one that copies, which may be the first, and would keep the signal to itself. */
static void stop_threads(void)
{
	char path[64];
	struct dirent *e;
	unsigned running;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)engine);
	d = opendir(path);
	CHECK(d != NULL);
	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			(void)syscall(SYS_tgkill, engine, atoi(e->d_name), SIGSTOP);
	do {
		running = 0;
		rewinddir(d);
		while ((e = readdir(d)) != NULL)
			running += e->d_name[0] != '.' && state_of(atoi(e->d_name)) != 'T';
		nap();
	} while (running > 1);
	closedir(d);
}

static bool killed_while_copied(bool to_client)
{
	struct copied *copied = shared_memory(sizeof(*copied));
	struct engine e;
	bool dies;
	pid_t pid;

	close(file_control());
	if (geteuid() != 0)
		skip("about root's engine");
	e = start_engine((const char *const[]){ NULL });
	setenv("DEVMAP_DIR", e.dir, 1);
	engine = engine_pid("ctest0");
	copied->to_client = to_client;
	pid = spawn(copied_client, copied);
	AWAIT(copied->there);
	stop_threads();
	kill_client(pid);
	(void)kill(engine, SIGCONT);
	dies = WEXITSTATUS(stop_engine(&e)) == 1;
	return dies;
}

static void killed_while_read_from(void)
{
	CHECK(!killed_while_copied(false));
}

/* What it would write next, to whoever has the number by then, cannot be known. */
static void killed_while_written_to(void)
{
	CHECK(killed_while_copied(true));
}

/* The supervisor sleeps, while the engine goes on: whoever waits in a driver costs nothing. */
static void idle(void)
{
	const int fd = set_up();
	const pid_t pid = client_in(fd, call_read, 1);
	const pid_t supervisor = (pid_t)number_of(engine, "PPid: %ld");
	struct timespec rest = { .tv_sec = 2 };
	long before, after;
	int64_t end = now() + LIMIT_NS;

	do {
		before = number_of(supervisor, "voluntary_ctxt_switches: %ld");
		CHECK(before >= 0);
		DO(nanosleep(&rest, NULL));
		after = number_of(supervisor, "voluntary_ctxt_switches: %ld");
	} while (after != before && now() < end);
	CHECK_EQ(after, before);
	kill_client(pid);
	check_works(fd);
}

static const struct test tests[] = {
	{ "C30 engine hangs: a client is killed in a read", killed_in_read },
	{ "C30 engine hangs: a client is killed in an ioctl", killed_in_ioctl },
	{ "C30 engine hangs: a client is killed in an open", killed_in_open },
	{ "C30 engine hangs: clients are killed in calls it has not read", killed_after_the_stop },
	{ "C30 engine hangs: a client is killed in a call a signal came to",
	  killed_after_a_signal },
	{ "C30 engine hangs: more are killed than it serves at once", crowd_is_killed },
	{ "C30 engine hangs: who is not killed is left in peace", left_in_peace },
	{ "C30 engine hangs: others go on when one was killed", others_go_on },
	{ "C30 engine hangs: stopped anywhere, clients are killed", stopped_anywhere },
	{ "C30 engine hangs: it was reading from the client that is killed",
	  killed_while_read_from },
	{ "C30 engine hangs: it was writing to the client that is killed",
	  killed_while_written_to },
	{ "C29 engine hangs: SIGTERM ends who unmaps", terminated_in_munmap },
	{ "C29 engine hangs: SIGTERM ends who forks", terminated_in_fork },
	{ "C30 the supervisor sleeps while clients wait in a driver", idle },
};

MAIN(tests, USER_ENGINE)
