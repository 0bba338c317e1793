/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A device's descriptor as a file that the kernel serves: locked, passed on, inherited, opened by other
 * names, exclusively, and without the library (C2).
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

#define RW (PROT_READ | PROT_WRITE)

extern char **environ;

static const char *served_path(const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", getenv("DEVMAP_DIR"), name);
	return path;
}

/* All that can be done with it: `text` is what the device has at 0, and the position is there, too. */
static void check_device(int fd, const char *text)
{
	const size_t len = strlen(text);
	struct ctest_counts c;
	struct stat st;
	char is[64] = "";
	volatile uint64_t *p;

	CHECK_EQ(read(fd, is, len), len);
	CHECK(strcmp(is, text) == 0);
	CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
	CHECK_EQ(pwrite(fd, "beyond", 6, 100), 6);
	CHECK_EQ(pread(fd, is, 6, 100), 6);
	CHECK(strncmp(is, "beyond", 6) == 0);
	DO(ioctl(fd, CTEST_COUNTS, &c));
	DO(fstat(fd, &st));
	CHECK(S_ISCHR(st.st_mode));
	p = DO(mmap(NULL, page, RW, MAP_SHARED, fd, 0));
	CHECK_EQ(*p, 0);
	*p = 5;
	CHECK_EQ(*p, 5);
	DO(munmap((void *)p, page));
}

static int prepared(const char *text)
{
	const int fd = file_control();

	CHECK_EQ(pwrite(fd, text, strlen(text), 0), strlen(text));
	return fd;
}

/* This program again: --inherited FD TEXT. */
static int inherited_main(char **argv)
{
	page = sysconf(_SC_PAGESIZE);
	check_device(atoi(argv[2]), argv[3]);
	return 0;
}

static char *const *inherited_args(int fd, const char *text)
{
	static char number[16];
	static char *args[5] = { (char *)"descriptors", (char *)"--inherited", number };

	snprintf(number, sizeof(number), "%d", fd);
	args[3] = (char *)text;
	return args;
}

/* Locks. */

struct way {
	const char *name;
	int (*lock)(int fd, bool wait);
	int (*unlock)(int fd);
};

static int by_flock(int fd, bool wait)
{
	return flock(fd, LOCK_EX | (wait ? 0 : LOCK_NB));
}

static int by_flock_end(int fd)
{
	return flock(fd, LOCK_UN);
}

static int record(int fd, int cmd, short type)
{
	struct flock l = { .l_type = type, .l_whence = SEEK_SET, .l_start = 10, .l_len = 5 };

	return fcntl(fd, cmd, &l);
}

static int by_posix(int fd, bool wait)
{
	return record(fd, wait ? F_SETLKW : F_SETLK, F_WRLCK);
}

static int by_posix_end(int fd)
{
	return record(fd, F_SETLK, F_UNLCK);
}

static int by_ofd(int fd, bool wait)
{
	return record(fd, wait ? F_OFD_SETLKW : F_OFD_SETLK, F_WRLCK);
}

static int by_ofd_end(int fd)
{
	return record(fd, F_OFD_SETLK, F_UNLCK);
}

/* Counts what it does while it has the lock, so that one who is beside it is found out. */
static void lock_and_count(const struct way *w, volatile unsigned *inside, volatile unsigned *done)
{
	const int fd = open_device("ctest0");

	for (int i = 0; i < 200; i++) {
		CHECK_EQ(w->lock(fd, true), 0);
		CHECK_EQ(__atomic_fetch_add(inside, 1, __ATOMIC_SEQ_CST), 0);
		if (i % 10 == 0)
			nap();
		++*done;
		CHECK_EQ(__atomic_fetch_sub(inside, 1, __ATOMIC_SEQ_CST), 1);
		CHECK_EQ(w->unlock(fd), 0);
	}
}

static void locks(const struct way *w)
{
	const int fd = file_control();
	volatile unsigned *shared = shared_memory(4 * sizeof(*shared));
	pid_t pid[3];

	/* The holder, and one who may not have it until the holder is gone. */
	pid[0] = DO(fork());
	if (pid[0] == 0) {
		const int own = open_device("ctest0");

		CHECK_EQ(w->lock(own, false), 0);
		shared[2] = 1;
		pause();
	}
	AWAIT(shared[2] == 1);
	errno = 0;
	CHECK(w->lock(fd, false) == -1 && (errno == EAGAIN || errno == EACCES));
	DO(kill(pid[0], SIGKILL));
	CHECK_EQ(w->lock(fd, true), 0);
	await_pid(pid[0]);
	CHECK_EQ(w->unlock(fd), 0);
	for (int i = 0; i < 3; i++) {
		pid[i] = DO(fork());
		if (pid[i] == 0) {
			lock_and_count(w, &shared[0], &shared[1]);
			_exit(0);
		}
	}
	for (int i = 0; i < 3; i++)
		CHECK(WAS_OK(await_pid(pid[i])));
	CHECK_EQ(shared[1], 600);
}

static void with_flock(void)
{
	locks(&(const struct way){ "flock", by_flock, by_flock_end });
}

static void with_posix_locks(void)
{
	locks(&(const struct way){ "F_SETLK", by_posix, by_posix_end });
}

static void with_ofd_locks(void)
{
	locks(&(const struct way){ "F_OFD_SETLK", by_ofd, by_ofd_end });
}

/* Inherited and passed on. */

static void through_exec(void)
{
	pid_t pid;
	int fd;

	prepared("executed");
	fd = DO(open("/dev/ctest0", O_RDWR));
	pid = DO(fork());
	if (pid == 0) {
		execv("/proc/self/exe", inherited_args(fd, "executed"));
		_exit(127);
	}
	CHECK(WAS_OK(await_pid(pid)));
	CHECK_EQ(fcntl(fd, F_GETFD), 0);
	check_device(fd, "executed");
}

static void spawn_opens(const char *path)
{
	posix_spawn_file_actions_t actions;
	pid_t pid;

	CHECK_EQ(posix_spawn_file_actions_init(&actions), 0);
	CHECK_EQ(posix_spawn_file_actions_addopen(&actions, 77, path, O_RDWR, 0), 0);
	CHECK_EQ(posix_spawn(&pid, "/proc/self/exe", &actions, NULL, inherited_args(77, "spawned"),
			     environ),
		 0);
	CHECK(WAS_OK(await_pid(pid)));
	posix_spawn_file_actions_destroy(&actions);
}

static void opened_by_spawn(void)
{
	prepared("spawned");
	spawn_opens("/dev/ctest0");
	spawn_opens(served_path("ctest0"));
}

static void send_fd(int sock, int fd)
{
	union {
		struct cmsghdr h;
		char space[CMSG_SPACE(sizeof(int))];
	} u = { .h = { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS } };
	struct iovec iov = { (char *)"x", 1 };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = &u,
			    .msg_controllen = sizeof(u.space) };

	memcpy(CMSG_DATA(&u.h), &fd, sizeof(fd));
	CHECK_EQ(sendmsg(sock, &m, 0), 1);
}

/* By a system call of its own: a runtime that does without the C library. */
static int receive_fd(int sock, bool bare)
{
	char byte;
	union {
		struct cmsghdr h;
		char space[CMSG_SPACE(sizeof(int))];
	} u;
	struct iovec iov = { &byte, 1 };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = &u,
			    .msg_controllen = sizeof(u.space) };
	int fd;

	CHECK_EQ(bare ? syscall(SYS_recvmsg, sock, &m, 0) : recvmsg(sock, &m, 0), 1);
	memcpy(&fd, CMSG_DATA(&u.h), sizeof(fd));
	return fd;
}

/* The one who gets it has never opened a device. */
static void passed_on(bool bare)
{
	int sock[2];
	pid_t pid;

	DO(socketpair(AF_UNIX, SOCK_STREAM, 0, sock));
	pid = DO(fork());
	if (pid == 0) {
		check_device(receive_fd(sock[1], bare), "passed on");
		_exit(0);
	}
	send_fd(sock[0], prepared("passed on"));
	CHECK(WAS_OK(await_pid(pid)));
}

static void by_recvmsg(void)
{
	passed_on(false);
}

static void by_unknown_ways(void)
{
	passed_on(true);
}

static void position_is_shared(void)
{
	const int fd = prepared("abcdef"), a = DO(dup(fd)), b = DO(dup2(fd, 90));
	char is[4] = "";

	CHECK_EQ(read(fd, is, 2), 2);
	CHECK_EQ(read(a, is, 2), 2);
	CHECK(strcmp(is, "cd") == 0);
	CHECK_EQ(lseek(b, 0, SEEK_CUR), 4);
	DO(close(fd));
	CHECK_EQ(lseek(b, 0, SEEK_SET), 0);
	check_device(a, "abcdef");
	check_device(b, "abcdef");
	DO(close(a));
	check_device(b, "abcdef");
}

/* Other names. */

static void check_name(const char *path, int from)
{
	const int fd = open(path, O_RDWR);

	if (fd == -1)
		fail(__FILE__, __LINE__, "%s: %s", path, error_text());
	CHECK(fd != from);
	check_device(fd, "by name");
	DO(close(fd));
	check_device(from, "by name");
}

static void by_number(void)
{
	const int fd = prepared("by name");
	char path[64];

	snprintf(path, sizeof(path), "/dev/fd/%d", fd);
	check_name(path, fd);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	check_name(path, fd);
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", getpid(), fd);
	check_name(path, fd);
}

static void by_link(void)
{
	const char *tmp = getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
	const int fd = prepared("by name");
	char path[PATH_MAX], dir[PATH_MAX - 16];

	snprintf(dir, sizeof(dir), "%s/link.XXXXXX", tmp);
	CHECK(mkdtemp(dir) != NULL);
	snprintf(path, sizeof(path), "%s/link", dir);
	DO(symlink("/dev/ctest0", path));
	check_name(path, fd);
	DO(unlink(path));
	DO(symlink(served_path("ctest0"), path));
	check_name(path, fd);
	check_name(served_path("ctest0"), fd);
	DO(unlink(path));
	DO(rmdir(dir));
}

/* One at a time. */

/* The unit's other node is for the control. */
static int exclusive(void)
{
	int fd;

	DO(close(file_control()));
	fd = reset_unit("ctest0a");
	knob(fd, CT_NO_LOG, 1);
	knob(fd, CT_EXCLUSIVE, 1);
	return fd;
}

/* Whatever has been done with it before: calls that are answered hold nothing. */
static void use(int fd, int i)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct ctest_counts c;
	volatile uint64_t *m;
	char byte;

	if (i % 5 == 1)
		CHECK_EQ(pread(fd, &byte, 1, 0), 1);
	else if (i % 5 == 2)
		DO(ioctl(fd, CTEST_COUNTS, &c));
	else if (i % 5 == 3)
		CHECK_EQ(poll(&p, 1, 0), 0);
	if (i % 20 != 0)
		return;
	m = DO(mmap(NULL, page, RW, MAP_SHARED, fd, 0));
	*m = i;
	DO(munmap((void *)m, page));
}

static void opened_again_at_once(void)
{
	const int fd = exclusive();

	for (int i = 0; i < 2000; i++) {
		const int one = open("/dev/ctest0", O_RDWR);

		if (one == -1)
			fail(__FILE__, __LINE__, "open %d: %s", i, error_text());
		if (i % 100 == 0)
			CHECK_ERRNO(open("/dev/ctest0", O_RDWR), EBUSY);
		use(one, i);
		DO(close(one));
	}
	knob(fd, CT_EXCLUSIVE, 0);
}

/* Its mapping has the device open, too. */
static void hold_it(void *arg)
{
	const int fd = open_device("ctest0");

	DO(mmap(NULL, page, RW, MAP_SHARED, fd, 0));
	*(volatile int *)arg = 1;
	for (;;)
		pause();
}

static void opened_again_after_a_death(void)
{
	const int fd = exclusive();
	volatile int *held = shared_memory(sizeof(*held));

	for (int i = 0; i < 100; i++) {
		pid_t pid;
		int one;

		*held = 0;
		pid = spawn(hold_it, (void *)held);
		AWAIT(*held);
		CHECK_ERRNO(open("/dev/ctest0", O_RDWR), EBUSY);
		DO(kill(pid, SIGKILL));
		CHECK_EQ(await_pid(pid), SIGKILL);
		one = open("/dev/ctest0", O_RDWR);
		if (one == -1)
			fail(__FILE__, __LINE__, "open %d: %s", i, error_text());
		DO(close(one));
	}
	knob(fd, CT_EXCLUSIVE, 0);
}

/* Without the library. */

static void static_program(void)
{
	const int fd = file_control();
	char path[PATH_MAX];
	struct stat st;
	pid_t pid;

	snprintf(path, sizeof(path), "%s/tests/conformance/static/plain", getenv("DEVMAP_ROOT"));
	DO(stat(path, &st));
	knob(fd, CT_POLL_EVENTS, POLLIN);
	pid = DO(fork());
	if (pid == 0) {
		execl(path, "plain", served_path("ctest0"), geteuid() == 0 ? "yes" : "no", NULL);
		_exit(127);
	}
	CHECK(WAS_OK(await_pid(pid)));
	CHECK_EQ(counts(fd).gated, 0);
}

/* Without another descriptor. */

static void take_all_descriptors(void)
{
	struct rlimit r;

	DO(getrlimit(RLIMIT_NOFILE, &r));
	r.rlim_cur = 200 < r.rlim_max ? 200 : r.rlim_max;
	DO(setrlimit(RLIMIT_NOFILE, &r));
	while (dup(0) != -1)
		;
	CHECK_EQ(errno, EMFILE);
}

static void exhausted(void *arg)
{
	const int fd = *(int *)arg, own = open_device("ctest0");
	volatile uint64_t *p = DO(mmap(NULL, 4 * page, RW, MAP_SHARED, own, 0));
	struct rlimit before, after;
	pid_t pid;

	*p = 5;
	take_all_descriptors();
	DO(getrlimit(RLIMIT_NOFILE, &before));
	DO(munmap((char *)p + 2 * page, 2 * page));
	AWAIT(calls(fd, CT_UNMAP) == 1);
	pid = DO(fork());
	if (pid == 0) {
		CHECK_EQ(*p, 5);
		*p = 6;
		CHECK_EQ(*p, 6);
		exit(0);
	}
	CHECK(WAS_OK(await_pid(pid)));
	AWAIT(calls(fd, CT_DUP) == 1 && calls(fd, CT_UNMAP) == 2);
	CHECK_EQ(*p, 5);
	CHECK_ERRNO(dup(0), EMFILE);
	DO(getrlimit(RLIMIT_NOFILE, &after));
	CHECK(memcmp(&before, &after, sizeof(before)) == 0);
	exit(0);
}

static void no_descriptor_left(void)
{
	int fd = file_control();

	CHECK(WAS_OK(in_child(exhausted, &fd)));
	AWAIT(counts(fd).maps == 0);
	CHECK_EQ(calls(fd, CT_UNMAP), 3);
}

static const struct test tests[] = {
	{ "C2 flock on a device", with_flock },
	{ "C2 POSIX locks on a device", with_posix_locks },
	{ "C2 OFD locks on a device", with_ofd_locks },
	{ "C2 exec keeps a device's descriptor", through_exec },
	{ "C2 posix_spawn opens a device", opened_by_spawn },
	{ "C2 a device is passed on", by_recvmsg },
	{ "C2 a device comes by ways that the library does not know", by_unknown_ways },
	{ "C2 duplicates share the position", position_is_shared },
	{ "C2 a device is opened as /dev/fd/N", by_number },
	{ "C2 a device is opened by a link", by_link },
	{ "C2 an exclusive device is opened again at once", opened_again_at_once },
	{ "C2 an exclusive device is opened again once its holder is dead",
	  opened_again_after_a_death },
	{ "C2 a static program on a device", static_program },
	{ "C22 munmap, fork and exit with no descriptor left", no_descriptor_left },
};

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "--inherited") == 0)
		return inherited_main(argv);
	return run_tests(argc, argv, tests, sizeof(tests) / sizeof(tests[0]), USER_ENGINE);
}
