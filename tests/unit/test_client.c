/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * libdevmap against an engine that does as it is told (client_engine.c). The library stands before
 * libc in this program, as it does under LD_PRELOAD.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <pty.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <devmap/client.h>

#include "client_engine.h"

#define PAGE 4096ul
#define DEV  "/dev/fake0"

static char dir[] = "/tmp/devmap-client-XXXXXX";
static pid_t engine;

static void engine_start(void)
{
	char path[64];

	engine = fork();
	if (engine == 0) {
		signal(SIGTERM, SIG_DFL);
		fake_serve(dir, "fake0");
	}
	snprintf(path, sizeof(path), "%s/fake0", dir);
	while (access(path, F_OK) != 0)
		usleep(1000);
}

/* Signal 0: it ends by itself. */
static void engine_stop(int sig)
{
	if (engine > 0) {
		kill(engine, sig);
		waitpid(engine, NULL, 0);
	}
	engine = 0;
}

static void engine_restart(void)
{
	char path[64];

	engine_stop(SIGKILL);
	snprintf(path, sizeof(path), "%s/fake0", dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/.fake0", dir);
	unlink(path);
	engine_start();
}

static int device(int flags)
{
	int fd = open(DEV, flags);

	assert_true(fd >= 0);
	return fd;
}

static volatile char *mapped(int fd, unsigned pages)
{
	void *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	assert_ptr_not_equal(p, MAP_FAILED);
	return p;
}

/* In a child; the test fails if f returns anything but 0 there. */
static void in_child(int (*f)(void *arg), void *arg)
{
	int status = -1;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(f(arg));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static bool hidden_descriptor(int fd)
{
	return syscall(SYS_fcntl, fd, F_GETFD) >= 0 && fcntl(fd, F_GETFD) < 0 && errno == EBADF;
}

static int count_hidden(void)
{
	int n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += hidden_descriptor(fd);
	return n;
}

static void test_open(void **state)
{
	int fd, lowest = dup(0);

	(void)state;
	close(lowest);
	fd = device(O_RDWR);
	assert_int_equal(fd, lowest);
	assert_int_equal(fcntl(fd, F_GETFD), 0);
	assert_int_equal(fcntl(fd, F_GETFL), O_RDWR);
	assert_int_equal(devmap_is_device(fd), 1);
	assert_int_equal(devmap_is_device(0), 0);
	assert_int_equal(close(fd), 0);
	assert_int_equal(devmap_is_device(fd), 0);

	fd = openat(AT_FDCWD, "//dev/./fake0", O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	assert_int_equal(fd, lowest);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(ioctl(fd, FAKE_FLAGS) & O_NONBLOCK, O_NONBLOCK);
	assert_int_equal(fcntl(fd, F_SETFL, 0), 0);
	assert_int_equal(ioctl(fd, FAKE_FLAGS) & O_NONBLOCK, 0);
	close(fd);

	fd = open("/dev/nick", O_RDWR); /* an alias */
	assert_int_equal(devmap_is_device(fd), 1);
	close(fd);
	fd = devmap_open("fake0", O_RDWR);
	assert_int_equal(devmap_is_device(fd), 1);
	close(fd);
}

static void test_open_errors(void **state)
{
	char path[64];
	int fd;

	(void)state;
	assert_int_equal(open("/dev/nothing-here", O_RDWR), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(open(DEV, O_RDWR | O_CREAT | O_EXCL, 0600), -1);
	assert_int_equal(errno, EEXIST);
	assert_int_equal(open(DEV, O_RDONLY | O_DIRECTORY), -1);
	assert_int_equal(errno, ENOTDIR);
	assert_int_equal(syscall(SYS_getpid), getpid());
	/* A socket that nobody listens on. */
	snprintf(path, sizeof(path), "%s/stale", dir);
	fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	{
		struct sockaddr_un {
			sa_family_t f;
			char p[108];
		} sa = { AF_UNIX, "" };

		memcpy(sa.p, path, sizeof(path));
		assert_int_equal(bind(fd, (void *)&sa, sizeof(sa)), 0);
	}
	close(fd);
	assert_int_equal(open("/dev/stale", O_RDWR), -1);
	assert_int_equal(errno, ENXIO);
	unlink(path);
	/* What is no string is libc's to refuse. */
	assert_int_equal(open((const char *)(uintptr_t)atoi("0"), O_RDONLY), -1);
	assert_int_equal(errno, EFAULT);
}

static void test_stat(void **state)
{
	struct stat st, path_st;
	struct statx sx;
	int fd = device(O_RDWR);

	(void)state;
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode, S_IFCHR | 0640);
	assert_int_equal(st.st_rdev, FAKE_RDEV);
	assert_int_equal(st.st_uid, 12);
	assert_int_equal(stat(DEV, &path_st), 0);
	assert_int_equal(path_st.st_rdev, FAKE_RDEV);
	assert_int_equal(path_st.st_ino, st.st_ino);
	assert_int_equal(path_st.st_dev, st.st_dev);
	assert_int_equal(lstat(DEV, &path_st), 0);
	assert_true(S_ISCHR(path_st.st_mode));
	assert_int_equal(fstatat(fd, "", &st, AT_EMPTY_PATH), 0);
	assert_true(S_ISCHR(st.st_mode));
	assert_int_equal(statx(AT_FDCWD, DEV, 0, STATX_ALL, &sx), 0);
	assert_int_equal(sx.stx_mode, S_IFCHR | 0640);
	assert_int_equal(access(DEV, F_OK), 0);
	assert_int_equal(isatty(fd), 0);
	assert_int_equal(ftruncate(fd, 0), -1);
	assert_int_equal(errno, EINVAL);
	close(fd);
}

static void test_dup(void **state)
{
	int fd = device(O_RDWR), other, pipe_fds[2];

	(void)state;
	other = dup(fd);
	assert_int_equal(devmap_is_device(other), 1);
	assert_int_equal(close(fd), 0);
	assert_int_equal(ioctl(other, FAKE_UNMAPPED) >= 0, 1);
	assert_int_equal(dup2(other, 200), 200);
	assert_int_equal(ioctl(200, FAKE_UNMAPPED) >= 0, 1);
	fd = fcntl(200, F_DUPFD_CLOEXEC, 300);
	assert_int_equal(fd, 300);
	assert_int_equal(ioctl(300, FAKE_UNMAPPED) >= 0, 1);
	/* An ordinary file takes the number. */
	assert_int_equal(pipe(pipe_fds), 0);
	assert_int_equal(dup2(pipe_fds[1], 300), 300);
	assert_int_equal(devmap_is_device(300), 0);
	assert_int_equal(write(300, "x", 1), 1);
	/* And takes it behind our back. */
	assert_int_equal(syscall(SYS_dup2, pipe_fds[1], 200), 200);
	assert_int_equal(write(200, "y", 1), 1);
	close(200);
	close(300);
	close(other);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

static void test_data(void **state)
{
	static char buf[FAKE_BYTES], back[FAKE_BYTES];
	int fd = device(O_RDWR);
	char *hole =
		mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	for (int i = 0; i < FAKE_BYTES; i++)
		buf[i] = (char)(i * 7 + i / 1000);
	memcpy(back, buf, sizeof(buf));
	assert_int_equal(ioctl(fd, FAKE_REVERSE, buf), (unsigned char)back[FAKE_BYTES - 1]);
	for (int i = 0; i < FAKE_BYTES; i++)
		assert_int_equal(buf[i], back[FAKE_BYTES - 1 - i]);
	/* Bad addresses are EFAULT, at the beginning and in the middle. */
	assert_int_equal(ioctl(fd, FAKE_REVERSE, 8), -1);
	assert_int_equal(errno, EFAULT);
	munmap(hole + 10 * PAGE, 10 * PAGE);
	assert_int_equal(ioctl(fd, FAKE_REVERSE, hole), -1);
	assert_int_equal(errno, EFAULT);
	assert_int_equal(ioctl(fd, 0x1234), -1);
	assert_int_equal(errno, ENOTTY);
	munmap(hole, 64 * PAGE);
	close(fd);
}

static void handler(int sig)
{
	(void)sig;
}

static void test_signal(void **state)
{
	struct sigaction sa = { .sa_handler = handler, .sa_flags = SA_RESTART };
	struct itimerval t = { { 0, 0 }, { 0, 20000 } };
	int fd = device(O_RDWR);

	(void)state;
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &t, NULL);
	assert_int_equal(ioctl(fd, FAKE_WAIT), -1);
	assert_int_equal(errno, EINTR);
	close(fd);
}

#define REFUSED(call, error)                      \
	do {                                      \
		assert_int_equal((call), -1);     \
		assert_int_equal(errno, (error)); \
	} while (0)

/* A socket does what nobody waits for, and fails what somebody would. */
static void test_refusals(void **state)
{
	char buf[16] = "";
	int fd = device(O_RDWR), epfd = epoll_create1(0);
	struct pollfd p[2] = { { .fd = 0, .events = POLLIN }, { .fd = fd, .events = POLLOUT } };
	struct epoll_event e = { .events = EPOLLIN };
	struct iovec iov = { buf, sizeof(buf) };
	struct flock fl = { .l_type = F_WRLCK };
	struct timeval t = { 60, 0 };
	fd_set set;

	(void)state;
	REFUSED(read(fd, buf, 1), EOPNOTSUPP);
	REFUSED(pread(fd, buf, 1, 0), EOPNOTSUPP);
	REFUSED(readv(fd, &iov, 1), EOPNOTSUPP);
	REFUSED(write(fd, buf, 1), EOPNOTSUPP);
	REFUSED(pwrite(fd, buf, 1, 0), EOPNOTSUPP);
	REFUSED(pwritev2(fd, &iov, 1, 0, 0), EOPNOTSUPP);
	REFUSED(lseek(fd, 0, SEEK_SET), ESPIPE);
	REFUSED(poll(p, 2, -1), EOPNOTSUPP);
	REFUSED(ppoll(p, 2, NULL, NULL), EOPNOTSUPP);
	FD_ZERO(&set);
	FD_SET(fd, &set);
	REFUSED(select(fd + 1, &set, NULL, NULL, &t), EOPNOTSUPP);
	REFUSED(pselect(fd + 1, NULL, &set, NULL, NULL, NULL), EOPNOTSUPP);
	REFUSED(epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &e), EPERM);
	REFUSED(flock(fd, LOCK_EX), EOPNOTSUPP);
	REFUSED(lockf(fd, F_LOCK, 0), EOPNOTSUPP);
	REFUSED(fcntl(fd, F_SETLK, &fl), EOPNOTSUPP);
	REFUSED(fcntl(fd, F_OFD_SETLK, &fl), EOPNOTSUPP);
	assert_null(fopen(DEV, "r+"));
	assert_int_equal(errno, EOPNOTSUPP);
	assert_null(fdopen(fd, "r"));
	assert_int_equal(errno, EOPNOTSUPP);
	/* Past the library: what is written is lost to nobody, and nobody waits. */
	REFUSED(syscall(SYS_read, fd, buf, sizeof(buf)), EAGAIN);
	REFUSED(send(fd, buf, 1, MSG_NOSIGNAL), EPIPE);
	assert_int_equal(ioctl(fd, FAKE_UNMAPPED) >= 0, 1);
	close(epfd);
	close(fd);
}

static void test_mmap(void **state)
{
	int fd = device(O_RDWR), before = ioctl(fd, FAKE_UNMAPPED);
	volatile char *p = mapped(fd, 8), *q;
	char *around;

	(void)state;
	p[0] = 1;
	p[7 * PAGE] = 2;
	assert_int_equal(mprotect((void *)(p + PAGE), PAGE, PROT_READ), 0);
	/* Partial unmap, in the middle, then a range with more than the device in it. */
	assert_int_equal(munmap((void *)(p + 2 * PAGE), 2 * PAGE), 0);
	assert_int_equal(ioctl(fd, FAKE_UNMAPPED) - before, 2);
	assert_int_equal(munmap((void *)p, 8 * PAGE), 0);
	assert_int_equal(ioctl(fd, FAKE_UNMAPPED) - before, 8);
	/* Over a mapping, and a device over ordinary memory. */
	p = mapped(fd, 4);
	q = mmap((void *)p, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	assert_ptr_equal(q, p);
	assert_int_equal(ioctl(fd, FAKE_UNMAPPED) - before, 9);
	munmap((void *)p, 4 * PAGE);
	around = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	q = mmap(around + 4 * PAGE, 4 * PAGE, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_FIXED | MAP_POPULATE, fd, 0);
	assert_ptr_equal(q, around + 4 * PAGE);
	q[0] = 5;
	around[0] = around[8 * PAGE] = 6;
	assert_int_equal(munmap(around, 16 * PAGE), 0);
	assert_int_equal(ioctl(fd, FAKE_UNMAPPED) - before, 16);
	close(fd);
}

static void *address_space_top(void)
{
	void *p = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	munmap(p, PAGE);
	return p;
}

static void test_mmap_errors(void **state)
{
	int fd = device(O_RDWR);
	void *top = address_space_top();

	(void)state;
	assert_ptr_equal(mmap(NULL, 17 * PAGE, PROT_READ, MAP_SHARED, fd, 0), MAP_FAILED);
	assert_int_equal(errno, ENXIO);
	assert_int_equal(ioctl(fd, FAKE_SHORT_MMAP), 0);
	assert_ptr_equal(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0), MAP_FAILED);
	assert_int_equal(errno, EPROTO);
	assert_ptr_equal(address_space_top(), top); /* nothing is left behind */
	assert_ptr_equal(mmap(NULL, 0, PROT_READ, MAP_SHARED, fd, 0), MAP_FAILED);
	assert_int_equal(errno, EINVAL);
	assert_ptr_equal(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 1), MAP_FAILED);
	assert_int_equal(errno, EINVAL);
	assert_ptr_equal(mmap(NULL, PAGE, PROT_READ, 0, fd, 0), MAP_FAILED);
	assert_int_equal(errno, EINVAL);
	close(fd);
}

static void test_protection(void **state)
{
	int fd = device(O_RDONLY);
	volatile char *p = mmap(NULL, 2 * PAGE, PROT_READ, MAP_SHARED, fd, 0);

	(void)state;
	assert_ptr_not_equal(p, MAP_FAILED);
	assert_int_equal(mprotect((void *)p, PAGE, PROT_READ | PROT_WRITE), -1);
	assert_int_equal(errno, EACCES);
	assert_int_equal(mprotect((void *)p, PAGE, PROT_NONE), 0);
	assert_int_equal(mprotect((void *)p, PAGE, PROT_READ), 0);
	assert_int_equal(madvise((void *)p, PAGE, MADV_DOFORK), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(madvise((void *)p, PAGE, MADV_REMOVE), -1);
	assert_int_equal(madvise((void *)p, PAGE, MADV_NORMAL), 0);
	munmap((void *)p, 2 * PAGE);
	close(fd);
}

static void test_mremap(void **state)
{
	int fd = device(O_RDWR), before;
	volatile char *p = mapped(fd, 4);
	char *to = mmap(NULL, 4 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	for (int i = 0; i < 4; i++)
		p[(size_t)i * PAGE] = (char)(i + 1);
	before = ioctl(fd, FAKE_UNMAPPED);
	assert_ptr_equal(mremap((void *)p, 4 * PAGE, 5 * PAGE, MREMAP_MAYMOVE), MAP_FAILED);
	assert_int_equal(errno, EFAULT);
	assert_ptr_equal(mremap((void *)p, 4 * PAGE, 3 * PAGE, 0), p);
	assert_int_equal(ioctl(fd, FAKE_UNMAPPED) - before, 1);
	assert_ptr_equal(mremap((void *)p, 3 * PAGE, 3 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to),
			 to);
	for (int i = 0; i < 3; i++)
		assert_int_equal(to[(size_t)i * PAGE], i + 1);
	assert_int_equal(munmap(to, 4 * PAGE), 0);
	assert_int_equal(ioctl(fd, FAKE_UNMAPPED) - before, 4);
	close(fd);
}

static void test_lock(void **state)
{
	int fd = device(O_RDWR);
	char *p = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_ptr_not_equal(mmap(p + 2 * PAGE, 4 * PAGE, PROT_READ | PROT_WRITE,
				  MAP_SHARED | MAP_FIXED, fd, 0),
			     MAP_FAILED);
	assert_int_equal(devmap_lock(p + 2 * PAGE, PAGE), 0);
	assert_int_equal(ioctl(fd, FAKE_LOCKED), 1);
	assert_int_equal(devmap_unlock(p + 2 * PAGE, 1), 0);
	assert_int_equal(ioctl(fd, FAKE_LOCKED), 0);
	assert_int_equal(devmap_lock(p + PAGE, 2 * PAGE), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(mlock(p, 8 * PAGE), 0);
	assert_int_equal(ioctl(fd, FAKE_LOCKED), 4);
	assert_int_equal(munlock(p, 3 * PAGE), 0);
	assert_int_equal(ioctl(fd, FAKE_LOCKED), 3);
	assert_int_equal(munlockall(), 0);
	assert_int_equal(ioctl(fd, FAKE_LOCKED), 0);
	munmap(p, 8 * PAGE);
	close(fd);
}

/* Ordinary calls with data in device memory. */
static void test_bounce(void **state)
{
	int fd = device(O_RDWR), pipe_fds[2], pair[2];
	volatile char *p = mapped(fd, 2);
	char buf[16], *inside = (char *)(uintptr_t)(p + PAGE - 3);
	struct iovec iov[2] = { { buf, 3 }, { inside, 3 } };
	FILE *f;

	(void)state;
	memcpy(inside, "abcdef", 6);
	assert_int_equal(pipe(pipe_fds), 0);
	assert_int_equal(write(pipe_fds[1], inside, 6), 6);
	assert_int_equal(read(pipe_fds[0], inside + 6, 6), 6);
	assert_memory_equal(inside, "abcdefabcdef", 12);
	assert_int_equal(write(pipe_fds[1], "uvwxyz", 6), 6);
	assert_int_equal(readv(pipe_fds[0], iov, 2), 6);
	assert_memory_equal(inside, "xyzdef", 6);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(send(pair[0], inside, 6, 0), 6);
	assert_int_equal(recv(pair[1], inside + 6, 6, 0), 6);
	assert_memory_equal(inside + 6, "xyzdef", 6);
	f = tmpfile();
	assert_int_equal(fwrite(inside, 2, 3, f), 3);
	rewind(f);
	assert_int_equal(fread(inside + 6, 1, 6, f), 6);
	fclose(f);
	for (int i = 0; i < 2; i++) {
		close(pipe_fds[i]);
		close(pair[i]);
	}
	munmap((void *)p, 2 * PAGE);
	close(fd);
}

static int child_sees(void *arg)
{
	volatile char *p = arg;

	/* A window of its own, at the same address, and it can be told apart. */
	if (p[0] != 0)
		return 1;
	p[0] = 9;
	return count_hidden() == 2 ? 0 : 2;
}

static void *forker(void *arg)
{
	for (int i = 0; i < 10; i++)
		in_child(child_sees, arg);
	return NULL;
}

static void test_fork(void **state)
{
	int fd = device(O_RDWR), n;
	volatile char *p = mapped(fd, 4);
	pthread_t t[3];

	(void)state;
	n = count_hidden();
	p[0] = 1;
	assert_int_equal(mprotect((void *)(p + PAGE), PAGE, PROT_READ), 0);
	in_child(child_sees, (void *)p);
	assert_int_equal(p[0], 1);
	assert_int_equal(ioctl(fd, FAKE_REFUSE_FORK, EAGAIN), 0);
	assert_int_equal(fork(), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(ioctl(fd, FAKE_REFUSE_FORK, ENOMEM), 0);
	assert_int_equal(forkpty(&(int){ 0 }, NULL, NULL, NULL), -1);
	assert_int_equal(errno, ENOMEM);
	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&t[i], NULL, forker, (void *)p), 0);
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	assert_int_equal(p[0], 1);
	assert_int_equal(count_hidden(), n);
	munmap((void *)p, 4 * PAGE);
	close(fd);
}

/* clone(2) behind our back: no mapping, and the tables begin anew. */
static void test_clone(void **state)
{
	int fd = device(O_RDWR), status;
	volatile char *p = mapped(fd, 1), *q;
	pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		q = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (q == MAP_FAILED)
			_exit(1);
		q[0] = 4;
		_exit(munmap((void *)q, PAGE) == 0 ? 0 : 2);
	}
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
	p[0] = 1;
	munmap((void *)p, PAGE);
	close(fd);
}

/* What a vfork child does to its descriptors leaves the parent's tables alone. */
static void test_vfork(void **state)
{
	int fd = device(O_RDWR), status;
	volatile char *p = mapped(fd, 1);
	pid_t pid = vfork();

	(void)state;
	if (pid == 0) {
		(void)close(fd);
		(void)close_range(3, UINT_MAX, 0);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
	assert_int_equal(devmap_is_device(fd), 1);
	assert_int_equal(ioctl(fd, FAKE_UNMAPPED) >= 0, 1);
	p[0] = 1;
	munmap((void *)p, PAGE);
	close(fd);
}

static int closes_all(void *arg)
{
	volatile char *p = arg;
	int hidden = count_hidden(), fd;

	closefrom(3);
	if (count_hidden() != hidden)
		return 1;
	(void)close_range(3, UINT_MAX, 0);
	for (fd = 3; fd < 1024; fd++)
		(void)close(fd);
	if (count_hidden() != hidden)
		return 2;
	/* Onto one of ours: it gives way, and goes on working. */
	for (fd = 3; fd < 1024 && !hidden_descriptor(fd); fd++)
		;
	if (dup2(1, fd) != fd || count_hidden() != hidden)
		return 3;
	p[0] = 5;
	return munmap((void *)p, PAGE) == 0 ? 0 : 4;
}

static void test_closefrom(void **state)
{
	int fd = device(O_RDWR), before;
	volatile char *p = mapped(fd, 1);

	(void)state;
	before = ioctl(fd, FAKE_UNMAPPED);
	in_child(closes_all, (void *)p);
	assert_int_equal(ioctl(fd, FAKE_UNMAPPED) - before, 1);
	munmap((void *)p, PAGE);
	close(fd);
}

static int low_limit(void *arg)
{
	struct rlimit lim = { 24, 24 };
	int fd, n = 0, fds[64];
	void *p;

	(void)arg;
	if (setrlimit(RLIMIT_NOFILE, &lim) != 0)
		return 1;
	fd = open(DEV, O_RDWR);
	p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	if (fd < 0 || p == MAP_FAILED || ioctl(fd, FAKE_UNMAPPED) < 0)
		return 2;
	while (n < 64 && (fds[n] = dup(0)) >= 0)
		n++;
	if (n < 8 || ioctl(fd, FAKE_UNMAPPED) != -1 || errno != EMFILE)
		return 3;
	close(fds[0]);
	close(fds[1]);
	return ioctl(fd, FAKE_UNMAPPED) >= 0 ? 0 : 4;
}

static void test_low_limit(void **state)
{
	(void)state;
	in_child(low_limit, NULL);
}

/* A descriptor comes by SCM_RIGHTS, and by exec. */
static void test_passing(void **state)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 }, byte = 0, number[16];
	struct iovec iov = { &byte, 1 };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };
	int pair[2], fd = device(O_RDWR), got, status;
	char self[] = "self", word[] = "inherited", *argv[] = { self, word, number, NULL };
	extern char **environ;
	pid_t pid;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
	CMSG_FIRSTHDR(&m)->cmsg_level = SOL_SOCKET;
	CMSG_FIRSTHDR(&m)->cmsg_type = SCM_RIGHTS;
	CMSG_FIRSTHDR(&m)->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(CMSG_FIRSTHDR(&m)), &fd, sizeof(fd));
	assert_int_equal(sendmsg(pair[0], &m, 0), 1);
	memset(control, 0, sizeof(control));
	assert_int_equal(recvmsg(pair[1], &m, 0), 1);
	memcpy(&got, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(got));
	assert_int_equal(ioctl(got, FAKE_UNMAPPED) >= 0, 1);
	snprintf(number, sizeof(number), "%d", got);
	assert_int_equal(posix_spawn(&pid, "/proc/self/exe", NULL, NULL, argv, environ), 0);
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
	close(got);
	close(fd);
	close(pair[0]);
	close(pair[1]);
}

/* In the program that test_passing starts. */
static int inherited(int fd)
{
	struct stat st;
	void *p;

	if (fstat(fd, &st) != 0 || st.st_rdev != FAKE_RDEV || fcntl(fd, F_GETFL) != O_RDWR)
		return 1;
	p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	return p == MAP_FAILED || ioctl(fd, FAKE_SESSIONS) < 1;
}

/* Programs that have no device do what they do without the library. */
static void same_output(const char *command)
{
	static char out[2][1 << 18];
	char line[1024];
	Dl_info info;

	assert_int_not_equal(dladdr((void *)devmap_open, &info), 0);
	for (int i = 0; i < 2; i++) {
		size_t n;
		FILE *f;

		snprintf(line, sizeof(line), "LD_PRELOAD=%s %s 2>&1", i ? info.dli_fname : "",
			 command);
		f = popen(line, "r");
		assert_non_null(f);
		n = fread(out[i], 1, sizeof(out[i]) - 1, f);
		out[i][n] = '\0';
		assert_true(n > 0);
		assert_int_equal(pclose(f), 0);
	}
	assert_string_equal(out[0], out[1]);
}

static void test_programs(void **state)
{
	(void)state;
	same_output("ls -la /usr /proc/self/fd/0");
	same_output(
		"bash -c 'for i in 1 2 3; do (echo $i; exec 5</dev/null; echo /usr/*); done; "
		"x=$(cat </dev/zero | head -c 10 | wc -c); echo $x; [ -c /dev/null ] && echo yes'");
	same_output("find /etc -maxdepth 1 -newer /etc/hostname -o -name 'p*'");
	if (access("/usr/bin/python3", X_OK) == 0)
		same_output("python3 -c \"import os,subprocess,mmap,socket;"
			    "r=subprocess.run(['ls','/'],capture_output=True,close_fds=True);"
			    "m=mmap.mmap(-1,8192);m[0:3]=b'abc';p=os.fork();"
			    "(os._exit(0) if p==0 else os.waitpid(p,0));"
			    "a,b=socket.socketpair();a.send(b'x');"
			    "print(r.stdout,m[0:3],os.stat('/dev/null').st_rdev,b.recv(9))\"");
}

static void test_version(void **state)
{
	int fd = device(O_RDWR), null = open("/dev/null", O_WRONLY), err = dup(2);

	(void)state;
	assert_int_equal(ioctl(fd, FAKE_VERSION), 0);
	dup2(null, 2);
	assert_int_equal(open(DEV, O_RDWR), -1);
	dup2(err, 2);
	assert_int_equal(errno, EPROTO);
	close(fd);
	close(null);
	close(err);
	engine_restart();
}

static void test_engine_dies(void **state)
{
	int fd = device(O_RDWR);
	volatile char *p = mapped(fd, 1);
	struct stat st;

	(void)state;
	assert_int_equal(ioctl(fd, FAKE_DIE), -1);
	assert_int_equal(errno, EIO);
	engine_stop(0);
	assert_int_equal(ioctl(fd, FAKE_UNMAPPED), -1);
	assert_int_equal(errno, ENXIO);
	assert_ptr_equal(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0), MAP_FAILED);
	assert_int_equal(errno, ENXIO);
	assert_int_equal(open(DEV, O_RDWR), -1);
	assert_int_equal(errno, ENXIO);
	assert_int_equal(fstat(fd, &st), 0);
	assert_true(S_ISCHR(st.st_mode));
	assert_int_equal(munmap((void *)p, PAGE), 0);
	assert_int_equal(close(fd), 0);
	engine_restart();
	fd = device(O_RDWR);
	p = mapped(fd, 1);
	munmap((void *)p, PAGE);
	close(fd);
}

static int teardown(void **state)
{
	char path[64];

	(void)state;
	engine_stop(SIGKILL);
	snprintf(path, sizeof(path), "%s/fake0", dir);
	unlink(path);
	rmdir(dir);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_open),	    cmocka_unit_test(test_open_errors),
		cmocka_unit_test(test_stat),	    cmocka_unit_test(test_dup),
		cmocka_unit_test(test_data),	    cmocka_unit_test(test_signal),
		cmocka_unit_test(test_refusals),    cmocka_unit_test(test_mmap),
		cmocka_unit_test(test_mmap_errors), cmocka_unit_test(test_protection),
		cmocka_unit_test(test_mremap),	    cmocka_unit_test(test_lock),
		cmocka_unit_test(test_bounce),	    cmocka_unit_test(test_fork),
		cmocka_unit_test(test_clone),	    cmocka_unit_test(test_vfork),
		cmocka_unit_test(test_closefrom),   cmocka_unit_test(test_low_limit),
		cmocka_unit_test(test_passing),	    cmocka_unit_test(test_programs),
		cmocka_unit_test(test_version),	    cmocka_unit_test(test_engine_dies),
	};
	const char *given = getenv("DEVMAP_TEST_CLIENT_DIR");

	if (argc == 3 && strcmp(argv[1], "inherited") == 0)
		return inherited(atoi(argv[2]));
	if (given == NULL) {
		/* The library reads its environment at start. */
		if (mkdtemp(dir) == NULL)
			return 1;
		setenv("DEVMAP_TEST_CLIENT_DIR", dir, 1);
		setenv("DEVMAP_DIR", dir, 1);
		setenv("DEVMAP_ALIAS", "other=thing,nick=fake0", 1);
		execv("/proc/self/exe", argv);
		return 1;
	}
	snprintf(dir, sizeof(dir), "%s", given);
	engine_start();
	return cmocka_run_group_tests_name("client", tests, NULL, teardown);
}
