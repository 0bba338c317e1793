/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What the conformance programs share. They are ordinary clients of /dev/ctest0 and its relatives
 * (tests/drivers/ctest.h), so that any engine can run them.
 *
 * For the user engine, run_tests() starts one over a private directory, runs the program again
 * under the preload shim, and stops the engine afterwards. With DEVMAP_TEST_ENGINE=kernel the
 * devices are there already.
 *
 * Each test runs in a process of its own with a limit on its time; all that it starts ends with
 * it. It fails by CHECK(), in whatever process, and succeeds by returning.
 *
 * For a person: an argument of the program selects the tests that have it in their name; with
 * DEVMAP_TEST_VERBOSE in the environment the engine's messages are shown, and, where a test fails,
 * the end of the driver's log and what `devmap list` has.
 */
#ifndef DEVMAP_TESTS_HARNESS_H
#define DEVMAP_TESTS_HARNESS_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "../drivers/ctest.h"

struct test {
	const char *name; /* begins with the clause */
	void (*run)(void);
};

#define ONE_CPU		0x1   /* engine and tests on one CPU */
#define USER_ENGINE	0x2   /* about the user engine: skipped with any other */
#define RETRY_UNLOADED	0x4   /* ctest is served with devmap-retry-unloaded=-1: for ever */
#define REGS_BACKING	0x8   /* device memory is a register set, where not said otherwise */
#define LOCK_LIMITS	0x20  /* locks end after 300 ms, and have at most 4 pages */
#define DDI_CHECKS	0x40  /* ddit is served, too */
#define SOLARIS_DRIVERS 0x80  /* those of tests/drivers/solaris, too */
#define SHARE_PROPERTY	0x100 /* ctest, and gx of those, are served with devmap-share=1 */
#define CRASHES		0x10  /* an engine dies on the way: the command may say so when it ends */

int run_tests(int argc, char **argv, const struct test *tests, size_t n, unsigned flags);
#define MAIN(tests, flags)                                                                      \
	int main(int argc, char **argv)                                                         \
	{                                                                                       \
		return run_tests(argc, argv, tests, sizeof(tests) / sizeof((tests)[0]), flags); \
	}

void fail(const char *file, int line, const char *format, ...)
	__attribute__((noreturn, format(printf, 3, 4)));
void skip(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
void remark(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define CHECK(what)                                            \
	do {                                                   \
		if (!(what))                                   \
			fail(__FILE__, __LINE__, "%s", #what); \
	} while (0)
/* Two integers that must be equal; both are shown. */
#define CHECK_EQ(is, must)                                                                        \
	do {                                                                                      \
		const long long is_ = (long long)(is), must_ = (long long)(must);                 \
		if (is_ != must_)                                                                 \
			fail(__FILE__, __LINE__, "%s is %lld (%#llx), not %s, %lld (%#llx)", #is, \
			     is_, is_, #must, must_, must_);                                      \
	} while (0)
/* A system call that must succeed; its value. */
#define DO(call)                                                                 \
	({                                                                       \
		const __auto_type value_ = (call);                               \
		if ((intptr_t)value_ == -1)                                      \
			fail(__FILE__, __LINE__, "%s: %s", #call, error_text()); \
		value_;                                                          \
	})
/* A system call that must fail with this errno. */
#define CHECK_ERRNO(call, number)                                       \
	do {                                                            \
		reset_errno();                                          \
		if ((intptr_t)(call) != -1)                             \
			fail(__FILE__, __LINE__, "%s succeeds", #call); \
		check_errno(__FILE__, __LINE__, #call, number);         \
	} while (0)
/*
 * Waits until the condition holds: for events that come by themselves. The limit is for what hangs,
 * and so it is generous, and longer where others want the processors too.
 */
#define AWAIT(what)                                                                       \
	do {                                                                              \
		const int64_t end_ = now() + LIMIT_NS;                                    \
		while (!(what)) {                                                         \
			if (now() > end_)                                                 \
				fail(__FILE__, __LINE__, "waited in vain for %s", #what); \
			nap();                                                            \
		}                                                                         \
	} while (0)

#define MS	 1000000LL
#define SECOND	 1000000000LL
#define FOR_EVER (1000 * SECOND)	    /* a hold that no test outlives */
#define LIMIT_NS (30 * SECOND * slowness()) /* for what must happen */

const char *error_text(void);
void reset_errno(void);
void check_errno(const char *file, int line, const char *call, int number);
/*
 * What limits are multiplied with: DEVMAP_TEST_SLOW, 1 unless it is set, for a machine that is slow by
 * itself; and how many want each processor now.
 */
int64_t slowness(void);
int limit_ms(void); /* LIMIT_NS, for poll(2) */
void allow_seconds(
	unsigned more); /* before MAIN()'s run_tests(): each test may take that much longer */
int64_t now(void);	/* the clock of gethrtime(9F) */
void nap(void);
bool kernel_engine(void);
extern size_t page; /* bytes in a page */

/* The driver. Most functions take the descriptor of a minor node; log and knobs are its unit's. */
int open_device(const char *name); /* O_RDWR */
int control(void);		   /* /dev/ctest0, reset: what nearly every test begins with */
int stream_control(void); /* the same; skips where a device cannot be read, written, polled */
int file_control(void);	  /* the same; skips where the kernel does not serve it as a file */
int reset_unit(const char *name); /* opens and resets another one */
void knob(int fd, enum ctest_knob which, int64_t value);
struct ctest_counts counts(int fd);
uint64_t calls(int fd, enum ctest_what what);
void clear_log(int fd);
/* An operation on a mapping; its result. */
int operate(int fd, enum ctest_op_code op, uint64_t id, int64_t off, uint64_t len);
int operate_with(int fd, enum ctest_op_code op, uint64_t id, int64_t value);
struct ctest_op full_op(int fd, struct ctest_op op);
uint64_t peek(int fd, enum ctest_memory memory, size_t off);
void poke(int fd, enum ctest_memory memory, size_t off, uint64_t value);
bool model_rests(int fd); /* its thread did not look for a while */

struct log {
	uint32_t n;
	struct ctest_event *ev;
};

struct log get_log(int fd);
/* The index-th event (from 0; -1: the last) of that kind by pid (0: any), which must exist. */
struct ctest_event event(int fd, enum ctest_what what, pid_t pid, int index);
unsigned events(int fd, enum ctest_what what, pid_t pid);

/* What `devmap list --json` has: the sum over the device's groups of a number. */
int64_t statistic(const char *device, const char *key);
pid_t listed_owner(const char *device); /* 0: none */
int listed_owners(const char *device);	/* how many processes share the owner's context */
/* Waits until so many requests wait for the device. */
void await_waiters(const char *device, int64_t n);
/* Has the engine, or a driver through it, said this since the program began? */
bool engine_said(const char *text);
pid_t engine_pid(const char *device); /* the user engine's process for it */

/*
 * A user engine more, besides the one that run_tests() starts, for a program that is executed
 * anew with DEVMAP_DIR. `args` is what stands behind "devmap serve --dir DIR" before the driver,
 * ctest.
 */
struct engine {
	pid_t pid;
	char dir[512];
};

struct engine start_engine(const char *const *args);
int stop_engine(struct engine *e); /* by SIGTERM: its wait status; the directory is gone then */
bool is_gone(pid_t pid);	   /* a zombie, or not there at all */

/*
 * Actors: processes, or further threads of them, that do what they are asked and say how it
 * went. The test itself is the director. Every actor opens the device for itself unless it was
 * forked.
 */
struct actor;
typedef uint64_t (*deed)(struct actor *a, const uint64_t *args);

struct actor {
	pid_t pid, tid;
	char name[16];
	char *base; /* of its first mapping */
	int fd;
	/* of the last deed: */
	uint64_t result;
	int error;  /* errno, if it failed */
	int signal; /* what it raised; 0: none */
	int code;   /* si_code */
	void *addr; /* si_addr */
	/* harness.c's: */
	volatile int turn; /* futex: enum turn in actor.c */
	deed what;
	uint64_t args[6];
	bool child; /* of the director: to be waited for */
	bool reaped;
	int status;
};

struct actor *new_actor(const char *device);					  /* opens it */
struct actor *new_actor_with(const char *device, unsigned first, unsigned pages); /* and maps */
struct actor *new_thread(struct actor *of);
struct actor *new_fork(struct actor *of);	      /* the child, with the parent's mappings */
struct actor *try_fork(struct actor *of, int *error); /* NULL: failed with *error */

void start(struct actor *a, deed what, const uint64_t args[6]);
#define ASK(...) ((const uint64_t[6]){ __VA_ARGS__ })
bool finished(struct actor *a);
uint64_t finish(struct actor *a); /* waits; then result and the rest are there */
uint64_t ask(struct actor *a, deed what, const uint64_t args[6]);

/* Deeds, with the address in the actor's space. */
uint64_t get(struct actor *a, const void *addr); /* loads and stores that must succeed */
void put(struct actor *a, void *addr, uint64_t value);
int try_get(struct actor *a, const void *addr); /* the signal that they raise, or 0 */
int try_put(struct actor *a, void *addr, uint64_t value);
void start_get(struct actor *a, const void *addr);
void start_put(struct actor *a, void *addr, uint64_t value);
char *map_pages(struct actor *a, unsigned first, unsigned pages); /* MAP_SHARED, must succeed */
char *try_map(struct actor *a, void *addr, size_t len, int prot, int flags, off_t off);
int unmap(struct actor *a, void *addr, size_t len);
void start_unmap(struct actor *a, void *addr, size_t len);
int lock(struct actor *a, void *addr, size_t len); /* mlock(2): 0 or errno */
int unlock(struct actor *a, void *addr, size_t len);
void close_device(struct actor *a);
void leave_by_exit(struct actor *a); /* these three wait for the end of it */
void leave_by_exec(struct actor *a); /* execs something that sleeps: it lives on */
void leave_by_kill(struct actor *a);
int await_end(struct actor *a); /* its wait status */
/* The address of a device page in the actor's first mapping, which began at page 0. */
#define AT(a, n) ((a)->base + (size_t)(n)*page)

/*
 * Runs fn(arg) in a new process and returns its wait status; fails after LIMIT_NS. CHECK() works
 * in it: WAS_OK(status).
 */
int in_child(void (*fn)(void *arg), void *arg);
pid_t spawn(void (*fn)(void *arg), void *arg);
int await_pid(pid_t pid);
#define WAS_OK(status) ((status) == 0)

/* Does `deed_` (statements) and yields the signal that it raised here, or 0. */
#define CAUGHT(deed_)                                         \
	({                                                    \
		int signal_ = sigsetjmp(*catch_signals(), 1); \
		if (signal_ == 0) {                           \
			deed_;                                \
		}                                             \
		stop_catching();                              \
		signal_;                                      \
	})
#include <setjmp.h>
sigjmp_buf *catch_signals(void); /* SIGBUS and SIGSEGV of this thread jump */
void stop_catching(void);
siginfo_t caught(void); /* the last one in this thread */

/* Shared between all processes of a test: zero at its start. */
void *shared_memory(size_t len);

#endif
