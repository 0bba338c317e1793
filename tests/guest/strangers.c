/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What a process that waits for its turn costs others, and its own threads: in each test another
 * process, the holder, has a ctest device, with a hold that ends only with it. So whoever waits waits
 * until the holder is killed, and whoever is not to wait is seen not to.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../drivers/ctest.h"

#define DEVICE	 "/dev/ctest0"
#define LIMIT	 "/sys/module/devmap/parameters/syscall_ms"
#define PAGE	 4096UL
#define THREADS	 64
#define HOLD_NS	 1000000000000 /* longer than any test */
#define LONG_ARG 12000
#define VALUE	 4711

/* In memory that all processes of a test share. */
static struct board {
	volatile bool go, ready, done;
	volatile int result, handled;
	volatile pid_t tid;
	volatile uint64_t *volatile page; /* of the process that is debugged */
	volatile bool about[THREADS];	  /* each thread's next instruction is the access */
} * board;

static int device;
static unsigned patience = 20; /* seconds, for what must happen at once */

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

#define AWAIT(condition)                                                                     \
	({                                                                                   \
		const double end_ = now() + patience;                                        \
		bool true_;                                                                  \
		while (!(true_ = (condition)) && now() < end_)                               \
			usleep(1000);                                                        \
		if (!true_)                                                                  \
			printf("# waited in vain for %s (line %d)\n", #condition, __LINE__); \
		true_;                                                                       \
	})

static void set_knob(unsigned which, int64_t value)
{
	struct ctest_set set = { .knob = which, .value = value };

	if (ioctl(device, CTEST_SET, &set) != 0)
		err(1, "CTEST_SET");
}

static struct ctest_counts counts(void)
{
	struct ctest_counts c;

	if (ioctl(device, CTEST_COUNTS, &c) != 0)
		err(1, "CTEST_COUNTS");
	return c;
}

/* A mapping of this process's own: of a descriptor that it has opened. */
static volatile uint64_t *map_pages(size_t n)
{
	const int fd = open(DEVICE, O_RDWR | O_CLOEXEC);
	void *p = mmap(NULL, n * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (p == MAP_FAILED)
		err(1, "mmap of " DEVICE);
	close(fd);
	return p;
}

/* A number in a file of the kernel's; -1: there is none. */
static long read_number(const char *path)
{
	char text[32] = "";
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	const ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;

	if (fd >= 0)
		close(fd);
	return n > 0 ? strtol(text, NULL, 10) : -1;
}

static int write_text(const char *path, const char *text)
{
	const int fd = open(path, O_WRONLY | O_CLOEXEC);
	const ssize_t n = fd >= 0 ? write(fd, text, strlen(text)) : -1;
	const int error = n == (ssize_t)strlen(text) ? 0 : errno;

	if (fd >= 0)
		close(fd);
	return error;
}

/* R, S, D ... of a thread; 0: there is none. */
static char state_of(pid_t tid)
{
	char path[64], text[256] = "", *end;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	close(fd);
	end = strrchr(text, ')');
	return end != NULL ? end[2] : 0;
}

static bool sleeps(pid_t tid)
{
	const char state = state_of(tid);

	return state == 'S' || state == 'D';
}

/* A child; it does not outlive this process. */
static pid_t start(void (*fn)(void *arg), void *arg)
{
	const pid_t parent = getpid(), pid = fork();

	if (pid < 0)
		err(1, "fork");
	if (pid > 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() == parent)
		fn(arg);
	_exit(0);
}

static bool ended(pid_t pid, int *status)
{
	return waitpid(pid, status, WNOHANG | __WALL) == pid;
}

static void end(pid_t pid)
{
	int status;

	kill(pid, SIGKILL);
	(void)AWAIT(ended(pid, &status));
}

static void be_holder(void *arg)
{
	volatile uint64_t *p = map_pages((size_t)(uintptr_t)arg);

	p[0] = 1;
	board->ready = true;
	for (;;)
		pause();
}

/* The holder has the device when this returns. */
static pid_t hold_device(size_t pages)
{
	pid_t pid;

	board->ready = false;
	set_knob(CT_HOLD_NS, HOLD_NS);
	pid = start(be_holder, (void *)(uintptr_t)pages);
	(void)AWAIT(board->ready);
	set_knob(CT_HOLD_NS, 0);
	return pid;
}

/*
 * Threads of one process
 */

static volatile uint64_t *shared_pages;
static size_t nshared;

static void on_signal(int sig)
{
	(void)sig;
	__atomic_fetch_add(&board->handled, 1, __ATOMIC_RELAXED);
}

static void *touch(void *arg)
{
	const size_t i = (size_t)(uintptr_t)arg;

	board->about[i] = true;
	return (void *)(uintptr_t)shared_pages[i % nshared * PAGE / 8];
}

/* All threads sleep in their accesses. */
static bool all_wait(void)
{
	DIR *dir = opendir("/proc/self/task");
	struct dirent *entry;
	unsigned n = 0, i;

	for (i = 0; i < THREADS; i++)
		if (!board->about[i])
			n = THREADS;
	while ((entry = readdir(dir)) != NULL) {
		const pid_t tid = (pid_t)atoi(entry->d_name);

		if (tid > 0 && tid != getpid() && !sleeps(tid))
			n++;
	}
	closedir(dir);
	return n == 0;
}

/* Calls of devmap_contextmgt(9E) that it takes to serve them all, or -1. */
static int serve_threads(size_t pages, bool signals)
{
	pthread_t threads[THREADS];
	struct ctest_counts c;
	pid_t holder;
	uintptr_t i;

	memset((void *)board, 0, sizeof(*board));
	shared_pages = map_pages(CTEST_PAGES);
	nshared = pages;
	signal(SIGUSR1, on_signal);
	holder = hold_device(CTEST_PAGES);
	if (ioctl(device, CTEST_CLEAR) != 0)
		err(1, "CTEST_CLEAR");
	for (i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, touch, (void *)i) != 0)
			errx(1, "no more threads");
	if (!AWAIT(all_wait()))
		return -1;
	for (i = 0; i < THREADS && signals; i++)
		pthread_kill(threads[i], SIGUSR1);
	if (signals && !(AWAIT(board->handled == THREADS) && AWAIT(all_wait())))
		return -1;
	end(holder);
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	c = counts();
	printf("# devmap_access was called %llu times, devmap_contextmgt %llu times\n",
	       (unsigned long long)c.calls[CT_ACCESS], (unsigned long long)c.calls[CT_CTXMGT]);
	if (pages == 1 && !signals && c.calls[CT_ACCESS] != 1)
		return -1;
	munmap((void *)shared_pages, CTEST_PAGES * PAGE);
	return (int)c.calls[CT_CTXMGT];
}

static bool one_page(void)
{
	return serve_threads(1, false) == 1;
}

static bool one_page_signals(void)
{
	return serve_threads(1, true) == 1;
}

/* The driver loads all that the process has mapped. */
static bool many_pages(void)
{
	bool one;

	set_knob(CT_LOAD_MODE, CT_L_HANDLE);
	one = serve_threads(CTEST_PAGES, false) == 1 && serve_threads(CTEST_PAGES, true) == 1;
	set_knob(CT_LOAD_MODE, CT_L_RANGE);
	return one;
}

/*
 * Ends
 */

enum way { WAY_EXIT, WAY_KILL, WAY_DUMP, WAY_EXEC };

static void be_heir(void *arg)
{
	volatile uint64_t *p = map_pages(1);
	const enum way way = *(const enum way *)arg;
	const struct rlimit core = { RLIM_INFINITY, RLIM_INFINITY };

	p[0] = (uint64_t)(uintptr_t)p; /* an empty list of robust futexes */
	p[1] = p[2] = 0;
	if (syscall(SYS_set_robust_list, p, 24) != 0)
		err(1, "set_robust_list");
	board->done = true;
	while (!board->go)
		usleep(1000);
	setrlimit(RLIMIT_CORE, &core);
	if (way == WAY_EXIT)
		_exit(0);
	if (way == WAY_DUMP)
		abort();
	if (way == WAY_EXEC)
		execl("/bin/busybox", "true", (char *)NULL);
	for (;;)
		pause();
}

static bool heir_goes(enum way way)
{
	pid_t heir, holder;
	int status = 0;
	bool gone;

	memset((void *)board, 0, sizeof(*board));
	heir = start(be_heir, &way);
	(void)AWAIT(board->done);
	holder = hold_device(1);
	board->go = true;
	if (way == WAY_KILL)
		kill(heir, SIGKILL);
	gone = AWAIT(ended(heir, &status));
	if (!gone)
		printf("# way %d: it is in state %c\n", way, state_of(heir));
	end(holder);
	if (!gone)
		end(heir);
	return gone;
}

static bool robust_list(void)
{
	return heir_goes(WAY_EXIT) && heir_goes(WAY_KILL) && heir_goes(WAY_DUMP) &&
	       heir_goes(WAY_EXEC);
}

static void *leave_word(void *arg)
{
	volatile uint64_t *p = arg;

	p[0] = 1;
	syscall(SYS_set_tid_address, p);
	board->tid = (pid_t)syscall(SYS_gettid);
	while (!board->go)
		usleep(1000);
	syscall(SYS_exit, 0);
	return NULL;
}

/* One thread of two goes; the kernel wants to clear a word of the device for the other. */
static bool thread_goes(void)
{
	volatile uint64_t *p = map_pages(1);
	pthread_t thread;
	pid_t holder;
	bool gone;

	memset((void *)board, 0, sizeof(*board));
	if (pthread_create(&thread, NULL, leave_word, (void *)p) != 0)
		errx(1, "no more threads");
	pthread_detach(thread);
	(void)AWAIT(board->tid != 0);
	holder = hold_device(1);
	board->go = true;
	gone = AWAIT(state_of(board->tid) == 0 || state_of(board->tid) == 'X');
	end(holder);
	munmap((void *)p, PAGE);
	return gone;
}

/*
 * Others who look
 */

/* This program once more, with a page of the device in place of one of its arguments. */
static void be_shown(void *arg)
{
	static char text[LONG_ARG + 1];
	char *const argv[] = { (char *)(uintptr_t) "shown", text, NULL };

	(void)arg;
	memset(text, 'x', LONG_ARG);
	execv("/proc/self/exe", argv);
	err(1, "exec");
}

static void show(char *argument)
{
	char *page = (char *)(((uintptr_t)argument + PAGE - 1) & ~(PAGE - 1));
	const int fd = open(DEVICE, O_RDWR | O_CLOEXEC);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (mmap(page, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) != page)
		err(1, "mmap");
	memset(page, 'd', PAGE);
	raise(SIGSTOP);
	for (;;)
		pause();
}

static void read_cmdline(void *arg)
{
	static char text[2 * LONG_ARG];
	char path[64];
	ssize_t n, total = 0;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", *(pid_t *)arg);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	while ((n = read(fd, text + total, sizeof(text) - (size_t)total)) > 0)
		total += n;
	for (n = 0; n < total; n++)
		board->result += text[n] == 'd';
	board->done = true;
}

/* Reads it in a process of its own; how much of the device was in it, or -1. */
static int look_at(pid_t pid)
{
	pid_t reader;
	int status;

	memset((void *)board, 0, sizeof(*board));
	reader = start(read_cmdline, &pid);
	if (!AWAIT(ended(reader, &status))) {
		end(reader);
		return -1;
	}
	return board->result;
}

static bool arguments(void)
{
	const pid_t shown = start(be_shown, NULL);
	int status, loaded, other;
	pid_t holder;

	if (waitpid(shown, &status, WUNTRACED) != shown || !WIFSTOPPED(status))
		return false;
	loaded = look_at(shown);
	holder = hold_device(1);
	other = look_at(shown);
	printf("# bytes of the device: %d, and %d when it is another's\n", loaded, other);
	end(holder);
	end(shown);
	return loaded == (int)PAGE && other == 0;
}

static void be_debugged(void *arg)
{
	(void)arg;
	board->page = map_pages(1);
	board->page[0] = VALUE;
	board->go = true;
	for (;;)
		pause();
}

static void be_debugger(void *arg)
{
	const pid_t pid = *(pid_t *)arg;
	int status;

	if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) != 0 ||
	    ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) != 0 || waitpid(pid, &status, __WALL) != pid)
		err(1, "ptrace");
	board->tid = getpid();
	errno = 0;
	board->result = (int)ptrace(PTRACE_PEEKDATA, pid, board->page, NULL);
	if (errno != 0)
		board->result = -errno;
	board->done = true;
	ptrace(PTRACE_DETACH, pid, NULL, NULL);
}

/* What a debugger reads while another has the device; kill_holder: as soon as it waits. */
static int peek(const char *limit, bool kill_holder)
{
	pid_t pid, holder, debugger;
	int status;

	memset((void *)board, 0, sizeof(*board));
	(void)write_text(LIMIT, limit);
	pid = start(be_debugged, NULL);
	(void)AWAIT(board->go);
	holder = hold_device(1);
	debugger = start(be_debugger, &pid);
	(void)AWAIT(board->tid != 0);
	if (kill_holder) {
		(void)AWAIT(sleeps(board->tid));
		end(holder);
	}
	if (!AWAIT(board->done))
		board->result = -ETIMEDOUT;
	if (!kill_holder)
		end(holder);
	if (!AWAIT(ended(debugger, &status)))
		end(debugger);
	end(pid);
	(void)write_text(LIMIT, "100");
	return board->result;
}

static bool debugger(void)
{
	const int waits = peek("1000000", true), gives_up = peek("100", false);

	printf("# it reads %d, and %d\n", waits, gives_up);
	return waits == VALUE && gives_up == -EIO;
}

/*
 * System calls
 */

static void *wait_for_page(void *arg)
{
	board->about[0] = true;
	return (void *)(uintptr_t) * (volatile uint64_t *)arg;
}

/*
 * While getdents64() waits, another thread that wants the same page, and may well be the one that has
 * the process's place in the queue, takes signals all the time.
 */
static void list_directory(void *arg)
{
	volatile uint64_t *p = map_pages(1);
	pthread_t thread;
	int dir;

	board->go = true;
	while (!board->ready)
		usleep(1000);
	signal(SIGUSR1, on_signal);
	if (arg != NULL && pthread_create(&thread, NULL, wait_for_page, (void *)p) != 0)
		errx(1, "no more threads");
	while (arg != NULL && !board->about[0])
		usleep(1000);
	dir = open("/", O_RDONLY | O_DIRECTORY);
	board->tid = getpid();
	board->result = syscall(SYS_getdents64, dir, p, PAGE) < 0 ? errno : 0;
	board->done = true;
	_exit(0);
}

static bool directory(bool signals)
{
	const char *file = "/strangers.new";
	pid_t pid, holder;
	int status, fd;
	bool gone;

	memset((void *)board, 0, sizeof(*board));
	pid = start(list_directory, signals ? board : NULL);
	(void)AWAIT(board->go);
	holder = hold_device(1);
	(void)AWAIT(board->tid != 0);
	fd = open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	close(fd);
	unlink(file);
	gone = AWAIT((signals ? kill(pid, SIGUSR1) : 0, board->done));
	if (!gone)
		kill(pid, SIGKILL);
	end(holder);
	(void)AWAIT(ended(pid, &status));
	printf("# getdents64: %s\n", gone ? strerror(board->result) : "waits");
	return fd >= 0 && gone && board->result == EFAULT;
}

static bool directory_lock(void)
{
	return read_number(LIMIT) == 100 && directory(false) && directory(true);
}

static int futex(volatile void *at, int op, unsigned value)
{
	return syscall(SYS_futex, at, op, value, NULL, at,
		       FUTEX_OP(FUTEX_OP_ADD, 0, FUTEX_OP_CMP_EQ, 0)) < 0 ?
		       errno :
		       0;
}

/* doc/kernel.md has them all. */
static bool futexes(void)
{
	volatile uint32_t *p = (volatile uint32_t *)map_pages(1);
	uint64_t value;
	struct iovec here = { &value, 8 }, there = { (void *)(uintptr_t)p, 8 };
	int own[4], others[4];
	pid_t holder;
	size_t i;

	for (i = 0; i < 2; i++) {
		int *errors = i == 0 ? own : others;

		*p = 0;
		holder = i == 0 ? 0 : hold_device(1);
		errors[0] = futex(p, FUTEX_WAKE_OP_PRIVATE, 1);
		errors[1] = futex(p, FUTEX_LOCK_PI_PRIVATE, 0);
		errors[2] = process_vm_readv(getpid(), &here, 1, &there, 1, 0) < 0 ? errno : 0;
		errors[3] = futex(p, FUTEX_WAIT, 1);
		if (holder != 0)
			end(holder);
	}
	munmap((void *)(uintptr_t)p, PAGE);
	for (i = 0; i < 4; i++)
		printf("# call %zu: %s; %s\n", i, strerror(own[i]), strerror(others[i]));
	return own[0] == 0 && own[1] == 0 && own[2] == EFAULT && own[3] == EFAULT &&
	       others[0] == EFAULT && others[1] == EFAULT && others[2] == EFAULT &&
	       others[3] == EFAULT;
}

/*
 * The freezer: that of control groups, which works as the one for the machine's sleep
 */

#define FREEZER "freezer/strangers"

static const char *skipped; /* why, of the test that runs */

static void be_waiter(void *arg)
{
	volatile uint64_t *p = map_pages(1);
	int ends[2];

	board->go = true;
	while (!board->ready)
		usleep(1000);
	board->tid = getpid();
	if (arg == NULL)
		(void)*p;
	if (pipe(ends) != 0)
		err(1, "pipe");
	while (write(ends[1], (const void *)p, 8) < 0)
		continue;
}

static bool is_frozen(void)
{
	char text[16] = "";
	const int fd = open(FREEZER "/freezer.state", O_RDONLY | O_CLOEXEC);

	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	close(fd);
	return strcmp(text, "FROZEN\n") == 0;
}

/* One who waits can be frozen, and is passed over in the queue. */
static bool freeze(void *arg)
{
	pid_t pid, holder, next;
	char number[16];
	bool frozen;

	memset((void *)board, 0, sizeof(*board));
	pid = start(be_waiter, arg);
	(void)AWAIT(board->go);
	holder = hold_device(1);
	(void)AWAIT(board->tid != 0 && sleeps(board->tid));
	snprintf(number, sizeof(number), "%d", pid);
	if (write_text(FREEZER "/cgroup.procs", number) != 0 ||
	    write_text(FREEZER "/freezer.state", "FROZEN") != 0)
		err(1, FREEZER);
	frozen = AWAIT(is_frozen());
	end(holder);
	next = hold_device(1);
	frozen &= board->ready;
	end(next);
	(void)write_text(FREEZER "/freezer.state", "THAWED");
	end(pid);
	return frozen;
}

static bool freezer(void)
{
	char call[] = "by a system call";
	bool frozen;

	if (mkdir("freezer", 0700) != 0 ||
	    mount("freezer", "freezer", "cgroup", 0, "freezer") != 0) {
		skipped = "no freezer of control groups";
		return true;
	}
	if (mkdir(FREEZER, 0700) != 0)
		err(1, FREEZER);
	frozen = freeze(NULL) && freeze(call);
	rmdir(FREEZER);
	umount("freezer");
	return frozen;
}

int main(int argc, char **argv)
{
	static const struct {
		bool (*run)(void);
		const char *name;
	} tests[] = {
		{ one_page, "C8 threads that wait for one page are one request" },
		{ one_page_signals, "C8 signals cost them neither place nor wake-up" },
		{ many_pages, "C8 threads whose pages are loaded with another's wait no more" },
		{ robust_list, "C22 a process ends although it has accesses to make" },
		{ thread_goes, "C22 a thread ends although it has an access to make" },
		{ arguments, "C5 who reads a process's arguments does not wait for its turn" },
		{ debugger, "C5 a debugger waits for the turn, for a while" },
		{ directory_lock, "C8 a system call does not hold a directory's lock for long" },
		{ futexes, "C5 futexes, and pages that are to be pinned, are refused" },
		{ freezer, "C8 those who wait can be frozen, and are passed over" },
	};
	const char *slow = getenv("DEVMAP_TEST_SLOW");
	size_t i;

	if (argc == 2 && strcmp(argv[0], "shown") == 0)
		show(argv[1]);
	setvbuf(stdout, NULL, _IONBF, 0);
	if (slow != NULL && atoi(slow) > 0)
		patience *= (unsigned)atoi(slow);
	device = open(DEVICE, O_RDWR | O_CLOEXEC);
	board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	if (device < 0 || board == MAP_FAILED)
		err(1, DEVICE);
	set_knob(CT_NO_LOG, 1);
	printf("1..%zu\n", sizeof(tests) / sizeof(tests[0]));
	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		const bool ok = tests[i].run();

		printf("%s %zu - %s%s%s\n", ok ? "ok" : "not ok", i + 1, tests[i].name,
		       skipped != NULL ? " # SKIP " : "", skipped != NULL ? skipped : "");
		skipped = NULL;
	}
	return 0;
}
