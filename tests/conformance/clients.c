/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What ordinary programs do with descriptors and mappings (C2, C13, C14, C20, C22, C24). */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

#define RW (PROT_READ | PROT_WRITE)

extern char **environ;
static void *volatile nowhere = (void *)16;

static volatile uint64_t *map_fd(int fd, unsigned first, unsigned pages)
{
	return DO(mmap(NULL, pages * page, RW, MAP_SHARED, fd, first * page));
}

/* Somebody else who takes the device, so that the next access of ours needs the driver. */
static struct actor *rival;

static void take_away(void)
{
	if (rival == NULL)
		rival = new_actor_with("ctest0", 0, 1);
	put(rival, rival->base, 0xfeed);
}

/* It is there, it is ours, and it works. */
static void check_mapping(volatile uint64_t *p, uint64_t must)
{
	take_away();
	CHECK_EQ(*p, must);
	*p = must + 1;
	take_away();
	CHECK_EQ(*p, must + 1);
	*p = must;
}

/* Opening. */

static void open_variants(void)
{
	int dir, fd;

	control();
	CHECK_ERRNO(open("/dev/ctest-there-is-none", O_RDWR), ENOENT);
	CHECK_ERRNO(open("/dev/ctest0", O_RDWR | O_CREAT | O_EXCL, 0600), EEXIST);
	CHECK_ERRNO(open("/dev/ctest0", O_RDWR | O_DIRECTORY), ENOTDIR);
	dir = DO(open("/dev", O_RDONLY | O_DIRECTORY));
	fd = DO(openat(dir, "ctest0", O_RDWR));
	check_mapping(map_fd(fd, 0, 1), 0);
	fd = DO(openat(AT_FDCWD, "/dev/ctest0", O_RDWR));
	check_mapping(map_fd(fd, 0, 1), 0);
	fd = DO(open64("/dev/ctest0", O_RDWR | O_CREAT | O_TRUNC | O_NOCTTY, 0600));
	check_mapping(map_fd(fd, 0, 1), 0);
}

static void lowest_number(void)
{
	control();

	const int expected = DO(dup(0));

	close(expected);
	CHECK_EQ(open_device("ctest0"), expected);
	CHECK_EQ(open_device("ctest1"), expected + 1);
}

static void many_descriptors(void)
{
	int fd[200];

	control();
	for (int i = 0; i < 200; i++)
		fd[i] = open_device("ctest0");
	check_mapping(map_fd(fd[199], 0, 1), 0);
	for (int i = 0; i < 200; i++)
		DO(close(fd[i]));
}

static void flags_of_open(void)
{
	struct ctest_counts c;
	char byte = 0;
	int fd;

	stream_control();
	fd = DO(open("/dev/ctest0", O_RDONLY | O_CLOEXEC));
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
	CHECK_ERRNO(write(fd, &byte, 1), EBADF);
	DO(ioctl(fd, CTEST_COUNTS, &c));
	close(fd);
	CHECK_ERRNO(ioctl(fd, CTEST_COUNTS, &c), EBADF);
	fd = DO(open("/dev/ctest0", O_WRONLY));
	CHECK_EQ(fcntl(fd, F_GETFD), 0);
	CHECK_EQ(fcntl(fd, F_GETFL) & O_ACCMODE, O_WRONLY);
	CHECK_ERRNO(read(fd, &byte, 1), EBADF);
	DO(fcntl(fd, F_SETFL, O_NONBLOCK));
	CHECK(fcntl(fd, F_GETFL) & O_NONBLOCK);
}

static void looks_like_a_device(void)
{
	struct stat by_fd, by_name;
	struct statx x;
	int fd;

	control();
	fd = open_device("ctest0");
	DO(fstat(fd, &by_fd));
	DO(stat("/dev/ctest0", &by_name));
	CHECK(S_ISCHR(by_fd.st_mode));
	CHECK(S_ISCHR(by_name.st_mode));
	CHECK_EQ(by_fd.st_rdev, by_name.st_rdev);
	CHECK(by_fd.st_rdev != 0);
	DO(statx(AT_FDCWD, "/dev/ctest0", 0, STATX_BASIC_STATS, &x));
	CHECK(S_ISCHR(x.stx_mode));
	DO(stat("/dev/ctest1", &by_name));
	CHECK(by_fd.st_rdev != by_name.st_rdev);
	CHECK_EQ(access("/dev/ctest0", R_OK | W_OK), 0);
	CHECK_ERRNO(access("/dev/ctest-there-is-none", F_OK), ENOENT);
	CHECK_EQ(isatty(fd), 0);
}

static void mode_of_a_node(void)
{
	struct stat st;

	DO(stat("/dev/ctest0b", &st));
	CHECK_EQ(st.st_mode, S_IFCHR | CTEST_B_MODE);
	DO(stat("/dev/ctest0", &st));
	CHECK_EQ(st.st_mode, S_IFCHR | 0600);
}

/* Descriptors. */

static void duplicates(void)
{
	const int keep = reset_unit("ctest0a");
	const int fd = open_device("ctest0"), a = DO(dup(fd)),
		  b = DO(fcntl(fd, F_DUPFD_CLOEXEC, 100));
	struct ctest_counts c;
	int d;

	CHECK(b >= 100);
	clear_log(keep);
	DO(close(fd));
	DO(ioctl(a, CTEST_COUNTS, &c));
	d = DO(dup2(a, 77));
	CHECK_EQ(dup3(a, 78, O_CLOEXEC), 78);
	DO(close(78));
	DO(close(a));
	check_mapping(map_fd(d, 0, 1), 0);
	DO(ioctl(b, CTEST_COUNTS, &c));
	DO(close(b));
	CHECK_EQ(calls(keep, CT_CLOSE), 0);
}

static void over_a_descriptor(void)
{
	const int fd = control(), null = DO(open("/dev/null", O_RDWR));
	struct ctest_counts c;
	struct stat st;

	DO(dup2(null, fd)); /* the number is another file's now */
	CHECK_ERRNO(ioctl(fd, CTEST_COUNTS, &c), ENOTTY);
	DO(fstat(fd, &st));
	CHECK_EQ(write(fd, "x", 1), 1);
	DO(dup2(open_device("ctest0"), null));
	DO(ioctl(null, CTEST_COUNTS, &c));
}

static void reused_number(void)
{
	const int fd = control();
	struct ctest_counts c;
	int pipe_fd[2];

	DO(close(fd));
	DO(pipe(pipe_fd));
	CHECK_EQ(pipe_fd[0], fd);
	CHECK_ERRNO(ioctl(fd, CTEST_COUNTS, &c), ENOTTY);
	CHECK_EQ(write(pipe_fd[1], "x", 1), 1);
}

/* The device descriptor is the program's to close; what the mapping stands on is not. */
static void check_after(void (*close_all)(void))
{
	volatile uint64_t *p;

	p = map_fd(control(), 0, 2);
	*p = 5;
	take_away();
	close_all();
	check_mapping(p, 5);
	CHECK_EQ(p[page / sizeof(*p)], 0);
}

static void by_closefrom(void)
{
	closefrom(3);
}

static void by_close_range(void)
{
	DO(close_range(3, ~0U, 0));
}

static void by_close(void)
{
	for (int fd = 3; fd < 1024; fd++)
		close(fd);
}

static void after_closefrom(void)
{
	check_after(by_closefrom);
}

static void after_close_range(void)
{
	check_after(by_close_range);
}

static void after_closing_all(void)
{
	check_after(by_close);
}

/* Reading and writing. */

static void read_and_write(void)
{
	const int fd = stream_control();
	char text[16] = "", tail[16] = "";
	struct iovec iov[2] = { { text, 3 }, { tail, 4 } };

	CHECK_EQ(write(fd, "abcdefgh", 8), 8);
	CHECK_EQ(lseek(fd, 2, SEEK_SET), 2);
	CHECK_EQ(read(fd, text, 3), 3);
	CHECK(strcmp(text, "cde") == 0);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 5);
	CHECK_EQ(pread(fd, text, 3, 1), 3);
	CHECK(strcmp(text, "bcd") == 0);
	CHECK_EQ(pwrite(fd, "XY", 2, 0), 2);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 5);
	CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
	CHECK_EQ(readv(fd, iov, 2), 7);
	CHECK(strncmp(text, "XYc", 3) == 0 && strcmp(tail, "defg") == 0);
	CHECK_ERRNO(read(fd, nowhere, 3), EFAULT);
	CHECK_EQ(pread(fd, text, 8, 1 << 20), 0);
}

static void with_stdio(void)
{
	FILE *f;
	char text[16] = "";

	CHECK_EQ(pwrite(stream_control(), "hello, device", 13, 0), 13);
	f = fopen("/dev/ctest0", "r+");
	CHECK(f != NULL);
	CHECK_EQ(fread(text, 1, 5, f), 5);
	CHECK(strcmp(text, "hello") == 0);
	CHECK_EQ(fseek(f, 7, SEEK_SET), 0);
	CHECK_EQ(fread(text, 1, 6, f), 6);
	CHECK(strncmp(text, "device", 6) == 0);
	check_mapping(map_fd(fileno(f), 0, 1), 0);
	CHECK_EQ(fclose(f), 0);
}

/* Programs that know nothing: a descriptor on standard input, and a name as argument. */
static void through_a_shell(void)
{
	char text[16] = "";
	FILE *f;

	CHECK_EQ(pwrite(stream_control(), "hello, device", 13, 0), 13);
	f = popen("dd if=/dev/ctest0 bs=5 count=1 2>/dev/null", "r");
	CHECK(f != NULL && fread(text, 1, 5, f) == 5);
	CHECK_EQ(pclose(f), 0);
	CHECK(strcmp(text, "hello") == 0);
	f = popen("head -c 4 < /dev/ctest0", "r");
	CHECK(f != NULL && fread(text, 1, 5, f) == 4);
	CHECK_EQ(pclose(f), 0);
	CHECK(strncmp(text, "hell", 4) == 0);
	CHECK_EQ(system("test -c /dev/ctest0"), 0);
}

static int echo(int fd, const void *from, void *to, size_t len)
{
	struct ctest_op op = {
		.op = CT_OP_ECHO, .off = (intptr_t)from, .len = len, .value = (uintptr_t)to
	};

	return ioctl(fd, CTEST_OP, &op);
}

static void copyin_and_copyout(void)
{
	const int fd = control();
	const size_t len = 300000;
	char *from = malloc(len), *to = calloc(1, len);

	CHECK(from != NULL && to != NULL);
	for (size_t i = 0; i < len; i++)
		from[i] = (char)(i * 7);
	DO(echo(fd, from, to, len));
	CHECK(memcmp(from, to, len) == 0);
	CHECK_ERRNO(echo(fd, nowhere, to, 100), EFAULT);
	CHECK_ERRNO(echo(fd, from, nowhere, 100), EFAULT);
	CHECK_ERRNO(echo(fd, from, (void *)"constant", 8), EFAULT);
	CHECK_ERRNO(ioctl(fd, CTEST_COUNTS, NULL), EFAULT);
	CHECK_ERRNO(ioctl(fd, 0x1234, NULL), ENOTTY);
	free(from);
	free(to);
}

/* The driver is given addresses of device memory, which needs the driver to be reached. */
static void copyin_of_device_memory(void)
{
	const int fd = control();
	volatile uint64_t *p = map_fd(fd, 0, 4);
	uint64_t value = 5;

	DO(echo(fd, &value, (char *)p + page, 8));
	take_away();
	DO(echo(fd, (char *)p + page, &value, 8));
	CHECK_EQ(value, 5);
	value = 0;
	DO(echo(fd, (char *)p + page, (char *)p + 2 * page, 8));
	CHECK_EQ(p[2 * page / 8], 5);
}

/* Waiting for events. */

/* Does the process's first thread sleep? */
static bool first_sleeps(void)
{
	char path[64], state = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", getpid());
	f = fopen(path, "re");
	if (f == NULL || fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
		state = 'R';
	if (f != NULL)
		fclose(f);
	return state == 'S';
}

static void *make_ready(void *arg)
{
	AWAIT(first_sleeps());
	knob((int)(intptr_t)arg, CT_POLL_EVENTS, POLLIN);
	return NULL;
}

static pthread_t make_ready_soon(int fd)
{
	pthread_t thread;

	knob(fd, CT_POLL_EVENTS, 0);
	CHECK_EQ(pthread_create(&thread, NULL, make_ready, (void *)(intptr_t)fd), 0);
	return thread;
}

static void polling(void)
{
	const int fd = stream_control();
	struct pollfd p = { .fd = fd, .events = POLLIN };

	CHECK_EQ(poll(&p, 1, 0), 0);
	knob(fd, CT_POLL_EVENTS, POLLIN);
	CHECK_EQ(poll(&p, 1, 0), 1);
	CHECK_EQ(p.revents, POLLIN);
	CHECK_EQ(poll(&p, 1, 0), 1);

	knob(fd, CT_POLL_EVENTS, 0);
	CHECK_EQ(poll(&p, 1, 0), 0);

	const pthread_t thread = make_ready_soon(fd);

	CHECK_EQ(poll(&p, 1, limit_ms()), 1);
	CHECK_EQ(p.revents, POLLIN);
	pthread_join(thread, NULL);
}

static void selecting(void)
{
	const int fd = stream_control();
	struct timeval none = { 0 }, long_time = { .tv_sec = limit_ms() / 1000 };
	fd_set set;

	FD_ZERO(&set);
	FD_SET(fd, &set);
	CHECK_EQ(select(fd + 1, &set, NULL, NULL, &none), 0);

	const pthread_t thread = make_ready_soon(fd);

	FD_SET(fd, &set);
	CHECK_EQ(select(fd + 1, &set, NULL, NULL, &long_time), 1);
	CHECK(FD_ISSET(fd, &set));
	pthread_join(thread, NULL);
}

static void with_epoll(void)
{
	const int fd = stream_control(), ep = DO(epoll_create1(0));
	struct epoll_event e = { .events = EPOLLIN, .data.u32 = 7 };

	DO(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e));
	CHECK_EQ(epoll_wait(ep, &e, 1, 0), 0);

	const pthread_t thread = make_ready_soon(fd);

	CHECK_EQ(epoll_wait(ep, &e, 1, limit_ms()), 1);
	CHECK_EQ(e.data.u32, 7);
	pthread_join(thread, NULL);
}

/* Other processes. */

/* This program again, `--inherited FD ACTION`: maps what it was given. */
static int inherited_main(char **argv)
{
	const int fd = atoi(argv[2]);

	page = sysconf(_SC_PAGESIZE);
	volatile uint64_t *p = map_fd(fd, 0, 2);

	CHECK_EQ(*p, 0);
	*p = 5;
	CHECK_EQ(*p, 5);
	return 0;
}

static char *const *inherited_args(int fd)
{
	static char number[16];
	static char *args[4] = { (char *)"clients", (char *)"--inherited", number, NULL };

	snprintf(number, sizeof(number), "%d", fd);
	return args;
}

static void exec_with_descriptor(void)
{
	const int fd = control(), passed = DO(open("/dev/ctest0", O_RDWR));
	volatile uint64_t *p = map_fd(fd, 0, 2);
	pid_t pid;

	*p = 7;
	pid = DO(fork());
	if (pid == 0) {
		execv("/proc/self/exe", inherited_args(passed));
		_exit(127);
	}
	CHECK(WAS_OK(await_pid(pid)));
	check_mapping(p, 7);
}

static void spawn_with_descriptor(void)
{
	const int fd = control(), passed = DO(open("/dev/ctest0", O_RDWR));
	volatile uint64_t *p = map_fd(fd, 0, 2);
	pid_t pid;

	*p = 7;
	CHECK_EQ(posix_spawn(&pid, "/proc/self/exe", NULL, NULL, inherited_args(passed), environ),
		 0);
	CHECK(WAS_OK(await_pid(pid)));
	CHECK_EQ(events(fd, CT_DUP, 0), 0);
	check_mapping(p, 7);
}

static void vfork_and_exec(void)
{
	const int fd = control(), passed = DO(open("/dev/ctest0", O_RDWR));
	volatile uint64_t *p = map_fd(fd, 0, 2);
	char *const *args = inherited_args(passed);
	pid_t pid;

	*p = 7;
	pid = vfork();
	if (pid == 0) {
		execv("/proc/self/exe", args);
		_exit(127);
	}
	CHECK(WAS_OK(await_pid(pid)));
	CHECK_EQ(events(fd, CT_DUP, 0), 0);
	check_mapping(p, 7);
}

static void close_on_exec(void)
{
	const int fd = control();
	pid_t pid;

	pid = DO(fork());
	if (pid == 0) {
		DO(freopen("/dev/null", "w", stdout));
		execv("/proc/self/exe", inherited_args(fd));
		_exit(127);
	}
	CHECK(!WAS_OK(await_pid(pid)));
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

static int receive_fd(int sock)
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

	CHECK_EQ(recvmsg(sock, &m, 0), 1);
	memcpy(&fd, CMSG_DATA(&u.h), sizeof(fd));
	return fd;
}

static void messages_in_device_memory(void)
{
	volatile uint64_t *p = map_fd(control(), 0, 2);
	struct iovec iov[4] = { { (void *)p, 8 },
				{ (void *)(p + 1), 8 },
				{ (void *)(p + 2), 8 },
				{ (void *)(p + 3), 8 } };
	struct mmsghdr m[4] = { { { .msg_iov = &iov[0], .msg_iovlen = 1 }, 0 },
				{ { .msg_iov = &iov[1], .msg_iovlen = 1 }, 0 },
				{ { .msg_iov = &iov[2], .msg_iovlen = 1 }, 0 },
				{ { .msg_iov = &iov[3], .msg_iovlen = 1 }, 0 } };
	int pair[2];

	DO(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
	p[0] = 3;
	p[1] = 4;
	take_away();
	CHECK_EQ(sendmmsg(pair[0], m, 2, 0), 2);
	CHECK_EQ(m[1].msg_len, 8);
	take_away();
	CHECK_EQ(recvmmsg(pair[1], m + 2, 2, MSG_WAITFORONE, NULL), 2);
	CHECK_EQ(m[3].msg_len, 8);
	CHECK_EQ(p[2], 3);
	CHECK_EQ(p[3], 4);
	CHECK_ERRNO(recvmmsg(pair[1], m, 2, MSG_DONTWAIT, NULL), EAGAIN);
}

/* Directories. */

static int is_ctest0(const struct dirent *e)
{
	return strcmp(e->d_name, "ctest0") == 0;
}

static int times_listed(DIR *d)
{
	struct dirent *e;
	int n = 0;

	while ((e = readdir(d)) != NULL)
		n += is_ctest0(e) && e->d_type == DT_CHR;
	return n;
}

static void listings(void)
{
	struct dirent **list;
	glob_t g;
	DIR *d;

	d = opendir("/dev");
	CHECK(d != NULL);
	CHECK_EQ(times_listed(d), 1);
	rewinddir(d);
	CHECK_EQ(times_listed(d), 1);
	DO(closedir(d));
	d = fdopendir(DO(open("/dev", O_RDONLY | O_DIRECTORY)));
	CHECK(d != NULL);
	CHECK_EQ(times_listed(d), 1);
	DO(closedir(d));
	CHECK_EQ(scandir("/dev", &list, is_ctest0, alphasort), 1);
	CHECK_EQ(list[0]->d_type, DT_CHR);
	free(list[0]);
	free(list);
	CHECK_EQ(glob("/dev/ctest?", 0, NULL, &g), 0);
	CHECK(g.gl_pathc >= 1 && strcmp(g.gl_pathv[0], "/dev/ctest0") == 0);
	globfree(&g);
	DO(chdir("/dev"));
	d = opendir(".");
	CHECK(d != NULL);
	CHECK_EQ(times_listed(d), 1);
	DO(closedir(d));
}

#ifdef __x86_64__

int __xstat(int version, const char *path, struct stat *st);

/* What programs call that were built before glibc 2.33. */
static void versions_of_stat(void)
{
	struct stat st;

	for (int version = 0; version < 2; version++) {
		memset(&st, 0, sizeof(st));
		DO(__xstat(version, "/dev/ctest0", &st));
		CHECK(S_ISCHR(st.st_mode));
	}
	CHECK_ERRNO(__xstat(2, "/dev/ctest0", &st), EINVAL);
}

#else

static void versions_of_stat(void)
{
	skip("about x86-64");
}

#endif

static void passed_over_a_socket(void)
{
	int sock[2];
	pid_t pid;

	DO(socketpair(AF_UNIX, SOCK_STREAM, 0, sock));
	pid = DO(fork()); /* before the device is opened: nothing is inherited */
	if (pid == 0) {
		volatile uint64_t *p = map_fd(receive_fd(sock[1]), 0, 2);

		*p = 5;
		check_mapping(p, 5);
		_exit(0);
	}

	const int fd = control();
	volatile uint64_t *p = map_fd(fd, 0, 2);

	*p = 7;
	send_fd(sock[0], fd);
	CHECK(WAS_OK(await_pid(pid)));
	CHECK_EQ(*p, 7);
}

static void as_a_daemon(void)
{
	volatile uint64_t *shared = shared_memory(2 * sizeof(*shared));
	pid_t pid;

	control();
	pid = DO(fork());
	if (pid == 0) {
		volatile uint64_t *p = map_fd(open_device("ctest0"), 0, 2);

		*p = 5;
		DO(daemon(1, 1));
		check_mapping(p, 5);
		shared[0] = *p;
		_exit(0);
	}
	CHECK(WAS_OK(await_pid(pid)));
	AWAIT(shared[0] == 5);
}

static void as_nobody(void *arg)
{
	(void)arg;
	DO(setgid(65534));
	DO(setuid(65534));
	CHECK(open("/dev/ctest0", O_RDWR) == -1);
	CHECK(open("/dev/ctest0", O_RDONLY) == -1);
	CHECK(errno == EACCES || errno == ENOENT); /* where even the directory is out of reach */
}

static void without_permission(void)
{
	if (geteuid() != 0)
		skip("it takes root to become somebody else");
	CHECK(WAS_OK(in_child(as_nobody, NULL)));
}

/* Who has a descriptor may use it, whatever becomes of him. */
static void gives_up_rights(void *arg)
{
	int fd = open_device("ctest0");
	volatile uint64_t *p;

	(void)arg;
	DO(setgid(65534));
	DO(setuid(65534));
	p = map_fd(fd, 0, 2);
	*p = 5;
	CHECK_EQ(*p, 5);
}

static void leaves_the_root(void *arg)
{
	int fd = open_device("ctest0");
	volatile uint64_t *p;

	(void)arg;
	DO(chroot("/proc/self/fdinfo"));
	DO(chdir("/"));
	p = map_fd(fd, 0, 2);
	*p = 5;
	CHECK_EQ(*p, 5);
}

static void rights_given_up(void)
{
	if (geteuid() != 0)
		skip("it takes root to become somebody else");
	CHECK(WAS_OK(in_child(gives_up_rights, NULL)));
	CHECK(WAS_OK(in_child(leaves_the_root, NULL)));
}

/* Threads. */

#define THREADS 8

static volatile uint64_t *thread_base;

static void *count_in_own_page(void *arg)
{
	volatile uint64_t *p = thread_base + (uintptr_t)arg * page / sizeof(*p);

	for (uint64_t i = 1; i <= 2000; i++) {
		CHECK_EQ(*p, i - 1);
		*p = i;
	}
	return NULL;
}

static void threads(void)
{
	pthread_t thread[THREADS];

	thread_base = map_fd(control(), 0, THREADS);
	for (uintptr_t i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_create(&thread[i], NULL, count_in_own_page, (void *)i), 0);
	for (int i = 0; i < 100; i++)
		take_away();
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	for (int i = 0; i < THREADS; i++)
		CHECK_EQ(thread_base[i * page / sizeof(*thread_base)], 2000);
}

static void *open_map_close(void *arg)
{
	(void)arg;
	for (uint64_t i = 0; i < 30; i++) {
		const int fd = open_device("ctest0");
		volatile uint64_t *p = map_fd(fd, 0, 2);

		close(fd);
		*p = i;
		DO(munmap((void *)p, 2 * page));
	}
	return NULL;
}

static void threads_that_open(void)
{
	pthread_t thread[4];
	const int fd = control();

	for (int i = 0; i < 4; i++)
		CHECK_EQ(pthread_create(&thread[i], NULL, open_map_close, NULL), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
	CHECK_EQ(counts(fd).maps, 0);
}

/* Mappings. */

static void mremap_moves(void)
{
	const int fd = control();

	take_away(); /* so that the rival has no copy of what follows */

	volatile uint64_t *p = map_fd(fd, 2, 4), *q;
	void *room = DO(mmap(NULL, 4 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));

	p[page / 8] = 5;
	q = mremap((void *)p, 4 * page, 4 * page, MREMAP_MAYMOVE | MREMAP_FIXED, room);
	if (q == MAP_FAILED) {
		CHECK(errno == EINVAL || errno == EFAULT);
		skip("mremap does not move device mappings: %s", strerror(errno));
	}
	CHECK(q == room);
	CHECK_EQ(q[page / 8], 5);
	take_away();
	q[3 * page / 8] = 6;
	CHECK_EQ(event(fd, CT_ACCESS, getpid(), -1).off, 5 * page);
	CHECK_EQ(q[page / 8], 5);
	CHECK_EQ(CAUGHT(p[page / 8]), SIGSEGV);
	CHECK_EQ(counts(fd).maps, 2);
	CHECK_EQ(calls(fd, CT_UNMAP), 0);
	DO(munmap((void *)q, 4 * page));
	AWAIT(counts(fd).maps == 1);
}

static void mremap_shrinks(void)
{
	const int fd = control();
	volatile uint64_t *p = map_fd(fd, 0, 4);

	*p = 5;
	if (mremap((void *)p, 4 * page, page, 0) == MAP_FAILED)
		skip("mremap does not shrink device mappings: %s", strerror(errno));
	AWAIT(calls(fd, CT_UNMAP) == 1);
	CHECK_EQ(event(fd, CT_UNMAP, 0, 0).off, page);
	CHECK_EQ(event(fd, CT_UNMAP, 0, 0).len, 3 * page);
	check_mapping(p, 5);
	CHECK_EQ(CAUGHT(p[page / 8]), SIGSEGV);
}

static void mremap_does_not_grow(void)
{
	volatile uint64_t *p = map_fd(control(), 0, 2);

	*p = 5;
	CHECK(mremap((void *)p, 2 * page, 4 * page, MREMAP_MAYMOVE) == MAP_FAILED);
	check_mapping(p, 5);
}

/* Whatever the advice, nothing is lost, and nothing is taken from others. */
static void advice(void)
{
	static const int advices[] = { MADV_NORMAL, MADV_DONTNEED, MADV_WILLNEED, MADV_FREE,
				       MADV_COLD,   MADV_PAGEOUT,  MADV_REMOVE,	  MADV_DONTDUMP };
	volatile uint64_t *p = map_fd(control(), 0, 2);

	*p = 5;
	for (size_t i = 0; i < sizeof(advices) / sizeof(advices[0]); i++) {
		(void)madvise((void *)p, 2 * page, advices[i]);
		CHECK_EQ(*p, 5);
		check_mapping(p, 5);
	}
	(void)msync((void *)p, 2 * page, MS_SYNC);
	check_mapping(p, 5);
}

/*
 * Transfers that bypass the page cache, into memory that changes hands: what comes out may be lost
 * to the process that asked, but nobody else sees it.
 */
static uint64_t do_read_directly(struct actor *a, const uint64_t *args)
{
	const int64_t end = now() + SECOND / 2;
	uint64_t done = 0;

	while (now() < end)
		done += pread((int)args[0], a->base, page, 0) == (ssize_t)page;
	return done;
}

static void transfers_in_flight(void)
{
	const char *tmp = getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
	const int fd = DO(open(tmp, O_TMPFILE | O_RDWR, 0600));
	char *block = DO(mmap(NULL, page, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)), path[64];
	struct actor *a, *b;
	int direct;

	memset(block, 0xdd, page);
	CHECK_EQ(write(fd, block, page), page);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	direct = open(path, O_RDONLY | O_DIRECT);
	if (direct == -1)
		skip("no O_DIRECT in %s: %s", tmp, strerror(errno));
	control();
	a = new_actor_with("ctest0", 0, 1);
	b = new_actor_with("ctest0", 0, 1);
	start(a, do_read_directly, ASK(direct));
	for (uint64_t i = 0; !finished(a); i++) {
		put(b, b->base, i);
		CHECK_EQ(get(b, b->base), i);
		CHECK_EQ(get(b, b->base + 8), 0);
	}
	CHECK_EQ(a->signal, 0);
	CHECK(a->result > 0);
}

static void with_mlockall(void)
{
	volatile uint64_t *p;

	control();
	/* An ordinary user's limit is soon reached with MCL_FUTURE, whatever is mapped. */
	if (mlockall(geteuid() == 0 ? MCL_CURRENT | MCL_FUTURE : MCL_CURRENT) == -1)
		skip("mlockall: %s", strerror(errno));
	p = map_fd(open_device("ctest0"), 0, 4);
	*p = 5;
	check_mapping(p, 5);
	CHECK_EQ(p[page / 8], 0);
	DO(munlockall());
	check_mapping(p, 5);
}

static void many_mappings(void)
{
	const int fd = control();
	volatile uint64_t *p[100];

	for (int i = 0; i < 100; i++)
		p[i] = map_fd(fd, i % 16, 2);
	for (int i = 0; i < 100; i++)
		*p[i] = i % 16;
	take_away();
	for (int i = 0; i < 100; i++)
		CHECK_EQ(*p[i], i % 16);
	for (int i = 0; i < 100; i += 2)
		DO(munmap((void *)p[i], 2 * page));
	for (int i = 1; i < 100; i += 2)
		CHECK_EQ(*p[i], i % 16);
}

static const struct test tests[] = {
	{ "C2 open and its variants", open_variants },
	{ "C2 open gives the lowest number", lowest_number },
	{ "C2 two hundred descriptors", many_descriptors },
	{ "C24 the flags of open", flags_of_open },
	{ "C2 stat shows a character device", looks_like_a_device },
	{ "C24 a node has the mode that its driver asks for", mode_of_a_node },
	{ "C2 dup, dup2, dup3, fcntl", duplicates },
	{ "C2 another file over a device descriptor, and the reverse", over_a_descriptor },
	{ "C2 a closed number, reused", reused_number },
	{ "C22 a mapping outlives closefrom", after_closefrom },
	{ "C22 a mapping outlives close_range", after_close_range },
	{ "C22 a mapping outlives closing every number", after_closing_all },
	{ "C2 read and write", read_and_write },
	{ "C2 stdio", with_stdio },
	{ "C2 programs that know nothing", through_a_shell },
	{ "C2 ioctl: ddi_copyin and ddi_copyout", copyin_and_copyout },
	{ "C2 ioctl: ddi_copyin and ddi_copyout of device memory", copyin_of_device_memory },
	{ "C2 poll", polling },
	{ "C2 select", selecting },
	{ "C2 epoll", with_epoll },
	{ "C2 exec with an inherited descriptor", exec_with_descriptor },
	{ "C21 posix_spawn duplicates nothing", spawn_with_descriptor },
	{ "C21 vfork duplicates nothing", vfork_and_exec },
	{ "C2 close-on-exec", close_on_exec },
	{ "C2 a descriptor passed over a socket", passed_over_a_socket },
	{ "C14 messages in device memory", messages_in_device_memory },
	{ "C2 listings of /dev have the devices", listings },
	{ "C2 every version of __xstat", versions_of_stat },
	{ "C21 daemon", as_a_daemon },
	{ "C24 without permission it cannot be opened", without_permission },
	{ "C2 it is mapped after rights were given up, and in another root", rights_given_up },
	{ "C1 threads of one process share its context", threads },
	{ "C2 threads open, map, unmap and close", threads_that_open },
	{ "C22 mremap moves a mapping", mremap_moves },
	{ "C22 mremap shrinks a mapping", mremap_shrinks },
	{ "C22 mremap does not let a mapping grow", mremap_does_not_grow },
	{ "C14 madvise and msync lose nothing", advice },
	{ "C14 a transfer in flight never reaches another context", transfers_in_flight },
	{ "C13 mlockall", with_mlockall },
	{ "C19 a hundred mappings", many_mappings },
};

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "--inherited") == 0)
		return inherited_main(argv);
	return run_tests(argc, argv, tests, sizeof(tests) / sizeof(tests[0]), 0);
}
