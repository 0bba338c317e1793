/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What a client meets where an engine should be (C2, C11, C24): nobody, somebody silent, somebody
 * of another version, somebody who leaves. The client is this program again, `--client NUMBER`,
 * because the shim reads DEVMAP_DIR once.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../include/devmap/protocol.h"
#include "harness.h"

#define NOBODY 65534

/* The clients. */

static volatile uint64_t *p;
static int device;

static void map_device(void)
{
	device = open_device("ctest0");
	p = DO(mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_SHARED, device, 0));
	*p = 5;
}

/* Another process uses the device: what we stored is saved in the engine, and ours is invalid. */
static void lose_device(void)
{
	volatile uint64_t *q;
	pid_t pid = DO(fork());

	if (pid == 0) {
		device = open_device("ctest0");
		q = DO(mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, device, 0));
		*q = 7;
		_exit(0);
	}
	CHECK(WAS_OK(await_pid(pid)));
}

static void signal_process(const char *variable, int number)
{
	const pid_t pid = atoi(getenv(variable));

	CHECK(pid > 1);
	DO(kill(pid, number));
	AWAIT(is_gone(pid));
}

static void finds_nothing(void)
{
	CHECK_ERRNO(open("/dev/ctest0", O_RDWR), ENOENT);
	CHECK_ERRNO(open("/dev/ctest0", O_RDONLY | O_CLOEXEC), ENOENT);
}

static void finds_a_stale_socket(void)
{
	CHECK_ERRNO(open("/dev/ctest0", O_RDWR), ENXIO);
	CHECK_ERRNO(open("/dev/ctest1", O_RDWR), ENOENT);
}

/* Only here, with the shim loaded: to another user the tree it comes from may be out of reach. */
static void is_not_allowed(void)
{
	if (geteuid() == 0) {
		DO(setgid(NOBODY));
		DO(setuid(NOBODY));
	}
	CHECK_ERRNO(open("/dev/ctest0", O_RDWR), EACCES);
	CHECK_ERRNO(open("/dev/ctest0", O_RDONLY), EACCES);
}

static void finds_another_version(void)
{
	CHECK_ERRNO(open("/dev/ctest0", O_RDWR), EPROTO);
}

static void waits_for_an_answer(void)
{
	(void)open("/dev/ctest0", O_RDWR);
	fail(__FILE__, __LINE__, "an engine that says nothing has opened the device, or failed it");
}

static void is_told_of_the_end(void)
{
	struct pollfd pfd = { .events = POLLIN };
	struct ctest_counts c;
	bool polled;
	char byte;

	map_device();
	lose_device();
	pfd.fd = device;
	polled = poll(&pfd, 1, 0) == 0; /* else it is a socket */
	signal_process("DEVMAP_TEST_SUPERVISOR_PID", SIGTERM);
	if (polled) {
		CHECK_EQ(poll(&pfd, 1, limit_ms()), 1);
		CHECK(pfd.revents & (POLLHUP | POLLERR));
	}
	CHECK_EQ(CAUGHT((void)*p), SIGBUS);
	CHECK(ioctl(device, CTEST_COUNTS, &c) == -1);
	CHECK(pread(device, &byte, 1, 0) == -1);
	CHECK(mmap(NULL, page, PROT_READ, MAP_SHARED, device, 0) == MAP_FAILED);
	finds_nothing();
}

static void loses_a_saved_context(void)
{
	map_device();
	lose_device();
	signal_process("DEVMAP_TEST_ENGINE_PID", SIGKILL);
	CHECK_EQ(CAUGHT((void)*p), SIGBUS);
	CHECK_EQ(CAUGHT(*p = 6), SIGBUS);
	CHECK_EQ(CAUGHT((void)*p), SIGBUS);
}

static void keeps_a_saved_context(void)
{
	volatile uint64_t value = 5;
	int number;

	map_device();
	lose_device();
	signal_process("DEVMAP_TEST_SUPERVISOR_PID", SIGKILL);
	number = CAUGHT(value = *p);
	CHECK(number == 0 || number == SIGBUS);
	CHECK_EQ(value, 5);
}

static void blocks_after_closefrom(void)
{
	map_device();
	lose_device();
	closefrom(3);
	signal_process("DEVMAP_TEST_ENGINE_PID", SIGKILL);
	CHECK_EQ(*p, 5);
	fail(__FILE__, __LINE__, "an access of a dead engine's device succeeds");
}

static void (*const clients[])(void) = {
	finds_nothing,	       finds_a_stale_socket,  is_not_allowed,
	finds_another_version, waits_for_an_answer,   is_told_of_the_end,
	loses_a_saved_context, keeps_a_saved_context, blocks_after_closefrom,
};

static void exec_client(void (*client)(void))
{
	char number[16];
	size_t i = 0;

	while (clients[i] != client)
		i++;
	snprintf(number, sizeof(number), "%zu", i);
	execl("/proc/self/exe", "opening", "--client", number, NULL);
	_exit(127);
}

/* `err`: where its standard error goes, if not -1. */
static pid_t start_client(void (*client)(void), const char *dir, int err)
{
	const pid_t pid = DO(fork());

	if (pid != 0)
		return pid;
	setenv("DEVMAP_DIR", dir, 1);
	if (err != -1)
		DO(dup2(err, STDERR_FILENO));
	exec_client(client);
	return -1;
}

static void check_client(void (*client)(void), const char *dir)
{
	CHECK_EQ(await_pid(start_client(client, dir, -1)), 0);
}

/* It does not end within a moment; then it can be killed. */
static void check_blocks(pid_t pid)
{
	int status;

	for (int i = 0; i < 500; i++, nap())
		CHECK_EQ(waitpid(pid, &status, WNOHANG), 0);
	DO(kill(pid, SIGKILL));
	CHECK_EQ(await_pid(pid), SIGKILL);
}

/* Directories without an engine. Others can reach them, unlike those of start_engine(). */

static char dir[64], node[108];

static void make_dir(void)
{
	strcpy(dir, "/tmp/devmap-opening.XXXXXX");
	CHECK(mkdtemp(dir) != NULL);
	DO(chmod(dir, 0755));
	snprintf(node, sizeof(node), "%s/ctest0", dir);
}

static void remove_dir(void)
{
	(void)unlink(node);
	DO(rmdir(dir));
}

static struct sockaddr_un name_of(const char *path)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	return un;
}

static int listen_at(const char *path, mode_t mode)
{
	const struct sockaddr_un un = name_of(path);
	const int sock = DO(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));

	DO(bind(sock, (const struct sockaddr *)&un, sizeof(un)));
	DO(chmod(path, mode));
	DO(listen(sock, 8));
	return sock;
}

/* The tests. */

static void nobody_there(void)
{
	make_dir();
	check_client(finds_nothing, dir);
	remove_dir();
	check_client(finds_nothing, dir);
}

static void stale_socket(void)
{
	make_dir();
	close(listen_at(node, 0600));
	check_client(finds_a_stale_socket, dir);
	remove_dir();
}

static void no_permission(void)
{
	int sock;

	make_dir();
	sock = listen_at(node, 0);
	check_client(is_not_allowed, dir);
	close(sock);
	remove_dir();
}

static void silent_engine(void)
{
	int sock;
	pid_t pid;

	make_dir();
	sock = listen_at(node, 0600);
	pid = start_client(waits_for_an_answer, dir, -1);
	CHECK_EQ(DO(poll(&(struct pollfd){ .fd = sock, .events = POLLIN }, 1, limit_ms())), 1);
	check_blocks(pid);
	close(sock);
	remove_dir();
}

/* Answers one request at the door, as the next version. */
static void answer_one(int sock)
{
	struct dm_reply re = { .magic = DM_MAGIC,
			       .version = DM_VERSION + 1,
			       .type = DM_RESULT,
			       .error = EPROTONOSUPPORT };
	struct dm_request rq;
	int client;

	CHECK_EQ(DO(poll(&(struct pollfd){ .fd = sock, .events = POLLIN }, 1, limit_ms())), 1);
	client = DO(accept(sock, NULL, NULL));
	CHECK_EQ(recv(client, &rq, sizeof(rq), 0), sizeof(rq));
	CHECK_EQ(rq.version, DM_VERSION);
	DO(send(client, &re, sizeof(re), 0));
	close(client);
}

static void engine_of_another_version(void)
{
	char text[512] = "";
	int sock, err[2];
	pid_t pid;

	make_dir();
	sock = listen_at(node, 0600);
	DO(pipe2(err, O_CLOEXEC));
	pid = start_client(finds_another_version, dir, err[1]);
	close(err[1]);
	answer_one(sock);
	CHECK_EQ(await_pid(pid), 0);
	DO(read(err[0], text, sizeof(text) - 1));
	CHECK(strstr(text, "protocol version") != NULL);
	close(sock);
	remove_dir();
}

/* One message to the engine that serves us. The answer's length, 0: it hung up. */
static ssize_t ask_door(const void *message, size_t len, struct dm_reply *re)
{
	const int sock = DO(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
	struct sockaddr_un un;
	char path[108];
	ssize_t n;

	snprintf(path, sizeof(path), "%s/.ctest0", getenv("DEVMAP_DIR"));
	un = name_of(path);
	DO(connect(sock, (const struct sockaddr *)&un, sizeof(un)));
	DO(send(sock, message, len, 0));
	CHECK_EQ(DO(poll(&(struct pollfd){ .fd = sock, .events = POLLIN }, 1, limit_ms())), 1);
	n = recv(sock, re, sizeof(*re), 0);
	close(sock);
	return n == -1 && errno == ECONNRESET ? 0 : n;
}

static void client_of_another_version(void)
{
	struct dm_request rq = { .magic = DM_MAGIC, .version = DM_VERSION + 1, .op = DM_OPEN };
	struct dm_reply re;

	CHECK_EQ(ask_door(&rq, sizeof(rq), &re), sizeof(re));
	CHECK_EQ(re.magic, DM_MAGIC);
	CHECK_EQ(re.version, DM_VERSION);
	CHECK_EQ(re.error, EPROTONOSUPPORT);
	CHECK(engine_said("speaks protocol version"));
	control();
}

static void nonsense(void)
{
	struct dm_request rq = { .magic = 1, .version = DM_VERSION, .op = DM_OPEN };
	char large[4096] = "";
	struct dm_reply re;

	CHECK_EQ(ask_door(&rq, sizeof(rq), &re), 0);
	CHECK_EQ(ask_door("x", 1, &re), 0);
	CHECK_EQ(ask_door(large, sizeof(large), &re), 0);
	rq.magic = DM_MAGIC;
	rq.op = 4711;
	CHECK_EQ(ask_door(&rq, sizeof(rq), &re), sizeof(re));
	CHECK_EQ(re.error, EBADF); /* about no file */
	control();
}

static void by_openat2(void)
{
	struct open_how how = { .flags = O_RDWR | O_CLOEXEC };
	int (*function)(int, const char *, const struct open_how *, size_t);
	int fd;

	control();
	/* Not every glibc has it; the shim does. */
	function = dlsym(RTLD_DEFAULT, "openat2");
	if (function == NULL)
		skip("there is no openat2() here");
	fd = DO(function(AT_FDCWD, "/dev/ctest0", &how, sizeof(how)));
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	p = DO(mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	*p = 5;
	CHECK_EQ(*p, 5);
	fd = DO(function(AT_FDCWD, "/dev/null", &how, sizeof(how)));
	CHECK_EQ(write(fd, "x", 1), 1);
	CHECK_ERRNO(function(AT_FDCWD, "/dev/ctest-there-is-none", &how, sizeof(how)), ENOENT);
}

/* A client of an engine of its own; with it the pids to be killed. */
static pid_t start_with(const struct engine *e, void (*client)(void))
{
	char number[32];

	setenv("DEVMAP_DIR", e->dir, 1);
	snprintf(number, sizeof(number), "%d", e->pid);
	setenv("DEVMAP_TEST_SUPERVISOR_PID", number, 1);
	snprintf(number, sizeof(number), "%d", engine_pid("ctest0"));
	setenv("DEVMAP_TEST_ENGINE_PID", number, 1);
	return start_client(client, e->dir, -1);
}

static void play(const char *policy, void (*client)(void))
{
	struct engine e = start_engine((const char *const[]){ "--on-crash", policy, NULL });

	CHECK_EQ(await_pid(start_with(&e, client)), 0);
	stop_engine(&e);
}

static void told_of_the_end(void)
{
	play("fail", is_told_of_the_end);
}

static void saved_context_lost(void)
{
	play("fail", loses_a_saved_context);
	play("restart", loses_a_saved_context);
}

static void saved_context_kept(void)
{
	play("fail", keeps_a_saved_context);
}

static void blocked_after_closefrom(void)
{
	struct engine e = start_engine((const char *const[]){ "--on-crash", "block", NULL });
	const pid_t pid = start_with(&e, blocks_after_closefrom);

	AWAIT(is_gone(atoi(getenv("DEVMAP_TEST_ENGINE_PID"))));
	check_blocks(pid);
	stop_engine(&e);
}

static const struct test tests[] = {
	{ "C2 no engine: ENOENT", nobody_there },
	{ "C2 a stale socket: ENXIO, and no hang", stale_socket },
	{ "C24 no permission: EACCES", no_permission },
	{ "C2 an engine that does not answer: open can be killed", silent_engine },
	{ "C2 an engine of another version: EPROTO and a message", engine_of_another_version },
	{ "C2 a client of another version is refused and logged", client_of_another_version },
	{ "C26 nonsense at the door harms nobody", nonsense },
	{ "C2 openat2", by_openat2 },
	{ "C11 engine stopped: descriptors hang up, accesses fail", told_of_the_end },
	{ "C11 engine killed: a saved context fails and is never zeros", saved_context_lost },
	{ "C11 supervisor killed: a saved context is never zeros", saved_context_kept },
	{ "C11 engine killed, --on-crash block, closefrom: it blocks", blocked_after_closefrom },
};

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "--client") == 0) {
		page = sysconf(_SC_PAGESIZE);
		DO(prctl(PR_SET_PDEATHSIG, SIGKILL));
		clients[atoi(argv[2])]();
		return 0;
	}
	return run_tests(argc, argv, tests, sizeof(tests) / sizeof(tests[0]), USER_ENGINE);
}
