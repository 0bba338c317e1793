/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Calls on a device that wait in its driver, and what ends them: signals with and without SA_RESTART, a
 * stop, siglongjmp(3), pthread_cancel(3), SIGKILL (C2). The device is a file that the kernel serves.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

static int echo(int fd, const void *from, void *to, size_t len)
{
	struct ctest_op op = {
		.op = CT_OP_ECHO, .off = (intptr_t)from, .len = len, .value = (uintptr_t)to
	};

	return ioctl(fd, CTEST_OP, &op);
}

static int open_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	CHECK(d != NULL);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

static void handle(int sig, void (*handler)(int), int flags)
{
	const struct sigaction act = { .sa_handler = handler, .sa_flags = flags };

	DO(sigaction(sig, &act, NULL));
}

/* A storm of signals. */

static volatile sig_atomic_t handled;

static void on_alarm(int sig)
{
	(void)sig;
	handled++;
}

static void storm(suseconds_t us)
{
	const struct itimerval t = { .it_value = { .tv_usec = us },
				     .it_interval = { .tv_usec = us } };

	DO(setitimer(ITIMER_REAL, &t, NULL));
}

#define ROUNDS 700

static bool may_end; /* signals may end calls, with EINTR */

/* The call, again after EINTR, where that may be. */
#define UNTIL_DONE(call)                                                                 \
	({                                                                               \
		__typeof__(call) value_;                                                 \
                                                                                         \
		while ((value_ = (call)) == (__typeof__(call))-1) {                      \
			if (!may_end || errno != EINTR)                                  \
				fail(__FILE__, __LINE__, "%s: %s", #call, error_text()); \
		}                                                                        \
		value_;                                                                  \
	})

static uint64_t streamed[2], echoes, maps;

static void take(int fd, unsigned i)
{
	unsigned char buf[400];
	const size_t want = 1 + i * 13 % sizeof(buf);
	const ssize_t n = i % 2 == 0 ? UNTIL_DONE(read(fd, buf, want)) :
				       UNTIL_DONE(pread(fd, buf, want, i));

	CHECK_EQ(n, want);
	for (ssize_t k = 0; k < n; k++)
		CHECK_EQ(buf[k], CTEST_STREAM(streamed[0] + k));
	streamed[0] += n;
}

static void bring(int fd, unsigned i)
{
	unsigned char buf[400];
	const size_t len = 1 + i * 7 % sizeof(buf);
	ssize_t n;

	for (size_t k = 0; k < len; k++)
		buf[k] = CTEST_STREAM(streamed[1] + k);
	n = i % 2 == 0 ? UNTIL_DONE(write(fd, buf, len)) : UNTIL_DONE(pwrite(fd, buf, len, i));
	CHECK_EQ(n, len);
	streamed[1] += n;
}

static void exchange(int fd, unsigned i)
{
	unsigned from[500], to[500] = { 0 };

	for (unsigned k = 0; k < 500; k++)
		from[k] = i * 1000 + k;
	UNTIL_DONE(echo(fd, from, to, sizeof(from)));
	CHECK(memcmp(from, to, sizeof(from)) == 0);
	echoes++;
}

static void map(int fd, unsigned i)
{
	volatile uint64_t *p =
		mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, i % 16 * page);

	if (p == MAP_FAILED)
		fail(__FILE__, __LINE__, "mmap: %s", error_text());
	*p = i;
	CHECK_EQ(*p, i);
	DO(munmap((void *)p, page));
	maps++;
}

static void in_a_storm(int flags)
{
	const int fd = file_control(), before = open_descriptors();
	struct ctest_counts c;
	int other;

	knob(fd, CT_NO_LOG, 1);
	knob(fd, CT_STREAM, 1);
	knob(fd, CT_STALL, 3);
	clear_log(fd);
	may_end = (flags & SA_RESTART) == 0;
	handle(SIGALRM, on_alarm, flags);
	storm(1000);
	for (unsigned i = 0; i < ROUNDS; i++) {
		other = UNTIL_DONE(open("/dev/ctest0", O_RDWR));
		take(other, i);
		bring(other, i);
		exchange(other, i);
		if (i % 4 == 0)
			map(other, i);
		DO(close(other));
	}
	storm(0);
	c = counts(fd);
	CHECK_EQ(c.streamed[0], streamed[0]);
	CHECK_EQ(c.streamed[1], streamed[1]);
	CHECK_EQ(c.wrong, 0);
	CHECK_EQ(c.echoes, echoes);
	CHECK_EQ(c.calls[CT_MAP], maps);
	AWAIT(counts(fd).calls[CT_UNMAP] == maps && counts(fd).maps == 0);
	CHECK(c.calls[CT_OPEN] >= ROUNDS);
	CHECK(c.interrupted > 0);
	CHECK(handled > 0);
	AWAIT(open_descriptors() <= before + 3); /* the session's */
}

static void storm_that_restarts(void)
{
	in_a_storm(SA_RESTART);
}

static void storm_that_ends_calls(void)
{
	in_a_storm(0);
}

/* One who waits in the driver. */

struct waiter {
	int flags;	    /* of its handler; -1: it has none */
	volatile int ended; /* its call has: what it returned, and errno */
	volatile int result, error, handled;
};

static struct waiter *waiter;

static void on_usr1(int sig)
{
	(void)sig;
	waiter->handled++;
}

static void wait_in(bool in_ioctl)
{
	char byte = 0, to = 0;
	const int fd = open_device("ctest0");

	if (waiter->flags != -1) {
		handle(SIGUSR1, on_usr1, waiter->flags);
		handle(SIGUSR2, on_usr1, ~waiter->flags & SA_RESTART); /* which nobody sends */
	}
	errno = 0;
	waiter->result = in_ioctl ? echo(fd, "x", &to, 1) : (int)read(fd, &byte, 1);
	waiter->error = errno;
	if (waiter->result >= 0 && (in_ioctl ? to != 'x' : byte != 'r'))
		fail(__FILE__, __LINE__, "a wrong byte: %#x", in_ioctl ? to : byte);
	waiter->ended = 1;
}

static void wait_in_read(void *arg)
{
	(void)arg;
	wait_in(false);
}

static void wait_in_ioctl(void *arg)
{
	(void)arg;
	wait_in(true);
}

static pid_t new_waiter(int fd, int flags, void (*fn)(void *))
{
	pid_t pid;

	waiter = shared_memory(sizeof(*waiter));
	waiter->flags = flags;
	CHECK_EQ(pwrite(fd, "r", 1, 0), 1);
	knob(fd, CT_GATE_READ, CT_EVERYBODY);
	knob(fd, CT_GATE_ECHO, CT_EVERYBODY);
	pid = spawn(fn, NULL);
	AWAIT(counts(fd).gated == 1);
	return pid;
}

static void let_through(int fd)
{
	knob(fd, CT_GATE_READ, 0);
	knob(fd, CT_GATE_ECHO, 0);
}

static void goes_on(void (*fn)(void *))
{
	const int fd = file_control();
	const pid_t pid = new_waiter(fd, SA_RESTART, fn);

	for (int i = 1; i <= 20; i++) {
		DO(kill(pid, SIGUSR1));
		AWAIT(waiter->ended || (waiter->handled == i && counts(fd).gated == 1));
		CHECK(!waiter->ended);
	}
	CHECK_EQ(counts(fd).interrupted, 20);
	let_through(fd);
	CHECK(WAS_OK(await_pid(pid)));
	CHECK_EQ(waiter->result, fn == wait_in_read);
}

static void read_goes_on(void)
{
	goes_on(wait_in_read);
}

static void ioctl_goes_on(void)
{
	goes_on(wait_in_ioctl);
}

static void ends(void (*fn)(void *))
{
	const int fd = file_control();
	const pid_t pid = new_waiter(fd, 0, fn);

	DO(kill(pid, SIGUSR1));
	CHECK(WAS_OK(await_pid(pid)));
	CHECK_EQ(waiter->result, -1);
	CHECK_EQ(waiter->error, EINTR);
	CHECK_EQ(waiter->handled, 1);
	CHECK_EQ(counts(fd).gated, 0);
}

static void read_ends(void)
{
	ends(wait_in_read);
}

static void ioctl_ends(void)
{
	ends(wait_in_ioctl);
}

static void stopped(void (*fn)(void *))
{
	const int fd = file_control();
	const pid_t pid = new_waiter(fd, -1, fn);
	int status;

	for (int i = 0; i < 10; i++) {
		DO(kill(pid, SIGSTOP));
		AWAIT(DO(waitpid(pid, &status, WUNTRACED | WNOHANG)) == pid);
		CHECK(WIFSTOPPED(status));
		DO(kill(pid, SIGCONT));
		AWAIT(waiter->ended || counts(fd).gated == 1);
		CHECK(!waiter->ended);
	}
	let_through(fd);
	CHECK(WAS_OK(await_pid(pid)));
	CHECK_EQ(waiter->result, fn == wait_in_read);
}

static void read_is_stopped(void)
{
	stopped(wait_in_read);
}

static void ioctl_is_stopped(void)
{
	stopped(wait_in_ioctl);
}

/* One who is killed. */

/* Gone within 2 s of a machine with nothing else to do; the engine, and the others, go on. */
static void killed(void (*fn)(void *), bool deaf)
{
	const int fd = file_control();
	int64_t end;
	pid_t pid;

	knob(fd, CT_DEAF, deaf);
	pid = new_waiter(fd, -1, fn);
	DO(kill(pid, SIGKILL));
	end = now() + 2 * SECOND * slowness();
	while (waitpid(pid, NULL, WNOHANG) == 0) {
		CHECK(now() < end);
		nap();
	}
	CHECK_EQ(counts(fd).gated, deaf);
	let_through(fd);
	AWAIT(counts(fd).gated == 0);

	char byte = 0;

	CHECK_EQ(pread(fd, &byte, 1, 0), 1);
	CHECK_EQ(byte, 'r');
	DO(echo(fd, "y", &byte, 1));
	CHECK_EQ(byte, 'y');
}

static void killed_in_read(void)
{
	killed(wait_in_read, false);
}

static void killed_in_deaf_read(void)
{
	killed(wait_in_read, true);
}

static void killed_in_deaf_ioctl(void)
{
	killed(wait_in_ioctl, true);
}

static void wait_in_open(void *arg)
{
	(void)arg;
	(void)open("/dev/ctest0", O_RDWR);
	waiter->ended = 1;
}

static void killed_in_deaf_open(void)
{
	const int fd = file_control();
	int64_t end;
	pid_t pid;

	waiter = shared_memory(sizeof(*waiter));
	knob(fd, CT_DEAF, 1);
	knob(fd, CT_GATE_OPEN, CT_EVERYBODY);
	clear_log(fd);
	pid = spawn(wait_in_open, NULL);
	AWAIT(counts(fd).gated == 1);
	DO(kill(pid, SIGKILL));
	end = now() + 2 * SECOND * slowness();
	while (waitpid(pid, NULL, WNOHANG) == 0) {
		CHECK(now() < end);
		nap();
	}
	CHECK(!waiter->ended);
	knob(fd, CT_GATE_OPEN, 0);
	AWAIT(counts(fd).gated == 0);
	DO(close(open_device("ctest0")));
}

/* Jumps. */

static sigjmp_buf away;

static void on_jump(int sig)
{
	(void)sig;
	siglongjmp(away, 1);
}

static volatile int jump_fd; /* for who sends the signal */
static pthread_t main_thread;

static void *signal_the_waiter(void *arg)
{
	(void)arg;
	AWAIT(counts(jump_fd).gated == 1);
	pthread_kill(main_thread, SIGUSR1);
	return NULL;
}

#define JUMPS 20

static void jump_out(int fd, enum ctest_knob gate, void (*into)(int fd))
{
	volatile int before = 0;

	jump_fd = fd;
	main_thread = pthread_self();
	handle(SIGUSR1, on_jump, SA_RESTART);
	for (volatile int i = 0; i < JUMPS; i++) {
		pthread_t thread;

		knob(fd, gate, CT_EVERYBODY);
		CHECK_EQ(pthread_create(&thread, NULL, signal_the_waiter, NULL), 0);
		if (sigsetjmp(away, 1) == 0) {
			into(fd);
			fail(__FILE__, __LINE__, "it comes back");
		}
		CHECK_EQ(pthread_join(thread, NULL), 0);
		AWAIT(counts(fd).gated == 0);
		knob(fd, gate, 0);
		if (i == 0)
			before = open_descriptors();
	}
	CHECK_EQ(open_descriptors(), before);
	CHECK_EQ(counts(fd).interrupted, JUMPS);
}

static void check_works(int fd)
{
	char text[4] = "", to[4] = "";
	volatile uint64_t *p;

	CHECK_EQ(pwrite(fd, "abc", 3, 0), 3);
	CHECK_EQ(pread(fd, text, 3, 0), 3);
	CHECK(strcmp(text, "abc") == 0);
	DO(echo(fd, "xyz", to, 4));
	CHECK(strcmp(to, "xyz") == 0);
	p = DO(mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	*p = 5;
	CHECK_EQ(*p, 5);
	DO(munmap((void *)p, page));
}

static void into_read(int fd)
{
	char byte;

	(void)!read(fd, &byte, 1);
}

static void into_ioctl(int fd)
{
	char to;

	(void)echo(fd, "x", &to, 1);
}

static void into_open(int fd)
{
	(void)fd;
	(void)open("/dev/ctest0", O_RDWR);
}

static void jump_out_of_read(void)
{
	const int fd = file_control();

	jump_out(fd, CT_GATE_READ, into_read);
	check_works(fd);
}

static void jump_out_of_ioctl(void)
{
	const int fd = file_control();

	jump_out(fd, CT_GATE_ECHO, into_ioctl);
	check_works(fd);
}

static void jump_out_of_open(void)
{
	const int fd = file_control();

	jump_out(fd, CT_GATE_OPEN, into_open);
	check_works(fd);
	check_works(open_device("ctest0"));
}

static void *read_byte(void *arg)
{
	char byte = 0;

	CHECK_EQ(read((int)(intptr_t)arg, &byte, 1), 1);
	return (void *)(intptr_t)byte;
}

static void cancelled(void)
{
	const int fd = file_control();
	int before = 0;
	void *result;

	for (int i = 0; i < JUMPS; i++) {
		pthread_t thread;

		knob(fd, CT_GATE_READ, CT_EVERYBODY);
		CHECK_EQ(pthread_create(&thread, NULL, read_byte, (void *)(intptr_t)fd), 0);
		AWAIT(counts(fd).gated == 1);
		CHECK_EQ(pthread_cancel(thread), 0);
		CHECK_EQ(pthread_join(thread, &result), 0);
		CHECK(result == PTHREAD_CANCELED);
		AWAIT(counts(fd).gated == 0);
		knob(fd, CT_GATE_READ, 0);
		if (i == 0)
			before = open_descriptors();
	}
	CHECK_EQ(open_descriptors(), before);
	check_works(fd);
}

/* Two threads. */

static void beside_a_reader(void)
{
	const int fd = file_control();
	pthread_t thread;
	char to[2000], from[2000];
	void *result;

	CHECK_EQ(pwrite(fd, "r", 1, 0), 1);
	knob(fd, CT_GATE_READ, CT_EVERYBODY);
	CHECK_EQ(pthread_create(&thread, NULL, read_byte, (void *)(intptr_t)fd), 0);
	AWAIT(counts(fd).gated == 1);
	for (int i = 0; i < 300; i++) {
		memset(from, i, sizeof(from));
		DO(echo(fd, from, to, sizeof(from)));
		CHECK(memcmp(from, to, sizeof(from)) == 0);
		CHECK_EQ(pwrite(fd, &from, 10, 100), 10);
	}
	CHECK_EQ(counts(fd).gated, 1);
	knob(fd, CT_GATE_READ, 0);
	CHECK_EQ(pthread_join(thread, &result), 0);
	CHECK_EQ((intptr_t)result, 'r');
}

/* pread(2) does not take the position, which the reader has. */
static void *pread_ten(void *arg)
{
	char buf[10] = "";

	CHECK_EQ(pread((int)(intptr_t)arg, buf, 10, 5), 10);
	CHECK(memcmp(buf, "fghijklmno", 10) == 0);
	return NULL;
}

static void two_readers(void)
{
	const int fd = file_control();
	pthread_t reader, other;
	void *result;

	CHECK_EQ(pwrite(fd, "abcdefghijklmno", 15, 0), 15);
	knob(fd, CT_GATE_READ, CT_EVERYBODY);
	CHECK_EQ(pthread_create(&reader, NULL, read_byte, (void *)(intptr_t)fd), 0);
	AWAIT(counts(fd).gated == 1);
	CHECK_EQ(pthread_create(&other, NULL, pread_ten, (void *)(intptr_t)fd), 0);
	AWAIT(counts(fd).gated == 2);
	knob(fd, CT_GATE_READ, 0);
	CHECK_EQ(pthread_join(reader, &result), 0);
	CHECK_EQ((intptr_t)result, 'a');
	CHECK_EQ(pthread_join(other, NULL), 0);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 1);
}

static const struct test tests[] = {
	{ "C2 calls in a storm of signals, SA_RESTART", storm_that_restarts },
	{ "C2 calls in a storm of signals, none but EINTR without SA_RESTART",
	  storm_that_ends_calls },
	{ "C2 a read that waits goes on after a handler with SA_RESTART", read_goes_on },
	{ "C2 an ioctl that waits goes on after a handler with SA_RESTART", ioctl_goes_on },
	{ "C2 a read that waits ends with EINTR without SA_RESTART", read_ends },
	{ "C2 an ioctl that waits ends with EINTR without SA_RESTART", ioctl_ends },
	{ "C2 a read that waits goes on after a stop", read_is_stopped },
	{ "C2 an ioctl that waits goes on after a stop", ioctl_is_stopped },
	{ "C2 siglongjmp out of a read", jump_out_of_read },
	{ "C2 siglongjmp out of an ioctl", jump_out_of_ioctl },
	{ "C2 siglongjmp out of an open", jump_out_of_open },
	{ "C2 pthread_cancel in a read", cancelled },
	{ "C2 a client is killed in a read", killed_in_read },
	{ "C2 a client is killed in a read that no signal ends", killed_in_deaf_read },
	{ "C2 a client is killed in an ioctl that no signal ends", killed_in_deaf_ioctl },
	{ "C2 a client is killed in an open that no signal ends", killed_in_deaf_open },
	{ "C2 ioctl and pwrite beside a thread that waits in read", beside_a_reader },
	{ "C2 pread beside a thread that waits in read", two_readers },
};

MAIN(tests, USER_ENGINE)
