/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* C11, C16, C18: accesses that fail. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

/* The next `times` calls of the entry point fail. */
static void fail_next(int fd, enum ctest_what where, int value, int times)
{
	knob(fd, CT_FAIL_WHERE, 1 << where);
	knob(fd, CT_FAIL_VALUE, value);
	knob(fd, CT_FAIL_COUNT, times);
}

static void check_signal(enum ctest_what where, int value)
{
	const int fd = control();
	struct actor *a = new_actor_with("ctest0", 0, 4);

	fail_next(fd, where, value, 3);
	CHECK_EQ(try_put(a, AT(a, 1) + 1232, 1), SIGBUS);
	CHECK(a->addr == AT(a, 1) + 1232);
	CHECK_EQ(try_get(a, AT(a, 2) + 16), SIGBUS);
	CHECK(a->addr == AT(a, 2) + 16);
	CHECK_EQ(try_get(a, AT(a, 3)), SIGBUS);
	CHECK(a->addr == AT(a, 3));
	put(a, AT(a, 1), 5);
	CHECK_EQ(get(a, AT(a, 1)), 5);
	CHECK_EQ(get(a, AT(a, 1) + 1232), 0);
}

static void callback_fails(void)
{
	check_signal(CT_CTXMGT, EIO);
}

static void access_fails(void)
{
	check_signal(CT_ACCESS, EIO);
}

static void access_fails_with_minus_one(void)
{
	check_signal(CT_ACCESS, -1);
}

/* FC_MAKE_ERR(e) is e. */
static void access_fails_with_fault_code(void)
{
	check_signal(CT_ACCESS, EIO << 8 | 3);
}

/* EINTR means that it is to be asked again. */
static void check_asked_again(enum ctest_what where, int value)
{
	const int fd = control();
	struct actor *a = new_actor_with("ctest0", 0, 1);

	fail_next(fd, where, value, 4);
	put(a, a->base, 1);
	CHECK_EQ(calls(fd, CT_ACCESS), 5);
	CHECK_EQ(get(a, a->base), 1);
	leave_by_exit(a);
}

static void eintr_asks_again(void)
{
	check_asked_again(CT_ACCESS, EINTR);
	check_asked_again(CT_ACCESS, EINTR << 8 | 3);
	check_asked_again(CT_CTXMGT, EINTR << 8 | 3);
}

static void eintr_has_an_end(void)
{
	const int fd = control();
	struct actor *a = new_actor_with("ctest0", 0, 1);
	const int64_t began = now();

	fail_next(fd, CT_ACCESS, EINTR << 8 | 3, CT_EVERYBODY);
	CHECK_EQ(try_put(a, a->base, 1), SIGBUS);
	CHECK(now() - began >= SECOND);
}

static void protection_is_sigsegv(void)
{
	const int fd = control();
	struct actor *a = new_actor("ctest0");
	char *p = try_map(a, NULL, 2 * page, PROT_READ, MAP_SHARED, 0);

	CHECK(p != MAP_FAILED);
	CHECK_EQ(try_put(a, p + 40, 1), SIGSEGV);
	CHECK(a->addr == p + 40);
	get(a, p);
	CHECK_EQ(try_put(a, p, 1), SIGSEGV);
	CHECK_EQ(events(fd, CT_ACCESS, a->pid), 1);
}

/* devmap_load() for writing of what may only be read is a protection error. */
static void load_meets_protection(void)
{
	const int fd = control();
	struct actor *a = new_actor("ctest0");
	char *p;

	knob(fd, CT_MAXPROT, PROT_READ | 8); /* PROT_USER */
	p = try_map(a, NULL, 2 * page, PROT_READ, MAP_SHARED, 0);
	CHECK(p != MAP_FAILED);
	knob(fd, CT_LOAD_MODE, CT_L_FOR_WRITING);
	CHECK_EQ(try_get(a, p + 48), SIGSEGV);
	CHECK(a->addr == p + 48);
	CHECK(event(fd, CT_CTXMGT, a->pid, 0).loaded != 0);
	knob(fd, CT_LOAD_MODE, CT_L_RANGE);
	CHECK_EQ(get(a, p + 48), 0);
}

/* A handler that returns. */

static volatile int handler_runs;
static volatile uintptr_t handler_addr;
static volatile int handler_tid;

static void count_run(int number, siginfo_t *info, void *context)
{
	(void)number, (void)context;
	handler_runs++;
	handler_addr = (uintptr_t)info->si_addr;
	handler_tid = syscall(SYS_gettid);
}

static uint64_t do_count_signals(struct actor *a, const uint64_t *args)
{
	struct sigaction act = { .sa_sigaction = count_run, .sa_flags = SA_SIGINFO }, old;

	(void)a;
	handler_runs = 0;
	sigaction(SIGBUS, &act, &old);
	*(volatile uint64_t *)args[0] = args[1];
	sigaction(SIGBUS, &old, NULL);
	CHECK_EQ(handler_addr, args[0]);
	CHECK_EQ(handler_tid, syscall(SYS_gettid));
	return handler_runs;
}

static void handler_returns(void)
{
	const int fd = control();
	struct actor *a = new_actor_with("ctest0", 0, 1);

	fail_next(fd, CT_CTXMGT, EIO, 3);
	CHECK_EQ(ask(a, do_count_signals, ASK((uintptr_t)a->base + 24, 9)), 3);
	CHECK_EQ(a->signal, 0);
	CHECK_EQ(events(fd, CT_CTXMGT, a->pid), 4);
	CHECK_EQ(get(a, a->base + 24), 9);
}

/* Both wait for one page and both fail; then both try again. */
static void two_threads(void)
{
	const int fd = control();
	struct actor *a = new_actor_with("ctest0", 0, 1), *t = new_thread(a);

	knob(fd, CT_GATE_ACCESS, CT_EVERYBODY);
	fail_next(fd, CT_ACCESS, EIO, CT_EVERYBODY);
	start_put(a, a->base + 8, 1);
	start_put(t, a->base + 16, 2);
	AWAIT(counts(fd).gated >= 1);
	knob(fd, CT_GATE_ACCESS, 0);
	finish(a);
	finish(t);
	CHECK_EQ(a->signal, SIGBUS);
	CHECK_EQ(t->signal, SIGBUS);
	CHECK(a->addr == a->base + 8);
	CHECK(t->addr == a->base + 16);
	fail_next(fd, CT_ACCESS, EIO, 0);
	put(a, a->base + 8, 1);
	put(t, a->base + 16, 2);
}

static void other_threads_unharmed(void)
{
	const int fd = control();
	struct actor *a = new_actor_with("ctest0", 0, 2), *t = new_thread(a);

	put(t, AT(a, 1), 3);
	fail_next(fd, CT_CTXMGT, EIO, 1);
	CHECK_EQ(try_put(a, AT(a, 0), 1), SIGBUS);
	CHECK_EQ(get(t, AT(a, 1)), 3);
}

/* Processes that do not handle it. */

static void store_once(void *arg)
{
	const int fd = open_device("ctest0");
	void (*prepare)(void) = arg;
	volatile uint64_t *p = DO(mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));

	prepare();
	*p = 1;
	CHECK(!"the store went through");
}

static void do_nothing(void)
{
}

static void block_sigbus(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGBUS);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

static void ignore_sigbus(void)
{
	signal(SIGBUS, SIG_IGN);
}

/* By SIGBUS; by SIGKILL where the kernel has no way to force a SIGBUS on a process. */
static void check_killed(void (*prepare)(void))
{
	const int fd = control();

	fail_next(fd, CT_CTXMGT, EIO, CT_EVERYBODY);

	const int status = in_child(store_once, (void *)prepare);

	if (!WIFSIGNALED(status) || (WTERMSIG(status) != SIGBUS && WTERMSIG(status) != SIGKILL))
		fail(__FILE__, __LINE__, "wait status %#x", status);
	CHECK(calls(fd, CT_CTXMGT) < 5);
	AWAIT(counts(fd).maps == 0);
}

static void default_action(void)
{
	check_killed(do_nothing);
}

static void blocked(void)
{
	check_killed(block_sigbus);
}

static void ignored(void)
{
	check_killed(ignore_sigbus);
}

/* System calls. */

static uint64_t do_write(struct actor *a, const uint64_t *args)
{
	int fd[2];
	ssize_t n;

	(void)a;
	DO(pipe(fd));
	n = write(fd[1], (void *)args[0], args[1]);
	close(fd[0]);
	close(fd[1]);
	return n;
}

static uint64_t do_read(struct actor *a, const uint64_t *args)
{
	static const char text[64] = "text";
	int fd[2];
	ssize_t n;

	(void)a;
	DO(pipe(fd));
	CHECK_EQ(write(fd[1], text, sizeof(text)), sizeof(text));
	n = read(fd[0], (void *)args[0], args[1]);
	close(fd[0]);
	close(fd[1]);
	return n;
}

static void check_efault(deed call)
{
	const int fd = control();
	struct actor *a = new_actor_with("ctest0", 0, 2);

	fail_next(fd, CT_CTXMGT, EIO, CT_EVERYBODY);
	CHECK_EQ(ask(a, call, ASK((uintptr_t)AT(a, 1), 64)), -1);
	CHECK_EQ(a->signal, 0);
	CHECK_EQ(a->error, EFAULT);
	CHECK(calls(fd, CT_CTXMGT) >= 1 && calls(fd, CT_CTXMGT) < 10);
	fail_next(fd, CT_CTXMGT, EIO, 0);
	ask(a, call, ASK((uintptr_t)AT(a, 1), 64));
	CHECK_EQ(a->result, 64);
	CHECK_EQ(a->error, 0);
}

static void write_is_efault(void)
{
	check_efault(do_write);
}

static void read_is_efault(void)
{
	check_efault(do_read);
}

static void system_calls_work(void)
{
	control();
	struct actor *a = new_actor_with("ctest0", 0, 2), *b = new_actor_with("ctest0", 0, 2);

	put(b, AT(b, 0), 1);
	CHECK_EQ(ask(a, do_read, ASK((uintptr_t)AT(a, 1) - 32, 64)), 64);
	CHECK(memcmp(&(uint64_t){ get(a, AT(a, 1) - 32) }, "text\0\0\0", 8) == 0);
	put(b, AT(b, 0), 2);
	CHECK_EQ(ask(a, do_write, ASK((uintptr_t)AT(a, 1) - 32, 64)), 64);
	CHECK_EQ(get(b, AT(b, 0)), 2);
}

/* C16 */

static void check_unloaded(enum ctest_knob which, int64_t value)
{
	const int fd = control();
	struct actor *a = new_actor_with("ctest0", 0, 3);

	const int64_t began = now();

	knob(fd, which, value);
	CHECK_EQ(try_put(a, AT(a, 0) + 80, 1), SIGBUS);
	CHECK(a->addr == AT(a, 0) + 80);
	CHECK_EQ(event(fd, CT_ACCESS, a->pid, 0).result, 0);
	/* At once, after 1, 2, 4, 8, 16 ms, and then after 32 ms each. */
	CHECK(now() - began >= SECOND);
	CHECK(calls(fd, CT_ACCESS) > 2 && calls(fd, CT_ACCESS) < 40);
	knob(fd, which, 0);
	put(a, AT(a, 0), 1);
}

static void nothing_loaded(void)
{
	check_unloaded(CT_LOAD_MODE, CT_L_NOTHING);
}

static void loaded_elsewhere(void)
{
	check_unloaded(CT_LOAD_MODE, CT_L_ELSEWHERE);
}

static void access_does_nothing(void)
{
	check_unloaded(CT_ACCESS_MODE, CT_A_NOTHING);
}

/* C18 */

static void check_load_error(enum ctest_load mode)
{
	const int fd = control();
	struct actor *a = new_actor_with("ctest0", 1, 3);

	knob(fd, CT_LOAD_MODE, mode);
	CHECK_EQ(try_put(a, a->base, 1), SIGBUS);
	CHECK(event(fd, CT_CTXMGT, a->pid, 0).loaded != 0);
	CHECK_EQ(event(fd, CT_ACCESS, a->pid, 0).mgt, event(fd, CT_CTXMGT, a->pid, 0).loaded);
	knob(fd, CT_LOAD_MODE, CT_L_RANGE);
	put(a, a->base, 1);
	CHECK_EQ(event(fd, CT_CTXMGT, a->pid, 1).loaded, 0);
}

static void load_beyond(void)
{
	check_load_error(CT_L_OUTSIDE);
}

static void load_before(void)
{
	check_load_error(CT_L_BEFORE);
}

static const struct test tests[] = {
	{ "C11 a failed callback is SIGBUS at the address", callback_fails },
	{ "C11 a failed devmap_access is SIGBUS at the address", access_fails },
	{ "C11 so is -1", access_fails_with_minus_one },
	{ "C11 so is FC_MAKE_ERR(EIO)", access_fails_with_fault_code },
	{ "C11 EINTR and FC_MAKE_ERR(EINTR) have the driver asked again", eintr_asks_again },
	{ "C11 for a second: then they are SIGBUS", eintr_has_an_end },
	{ "C11 a store to a read-only mapping is SIGSEGV at the address", protection_is_sigsegv },
	{ "C11 a protection error of devmap_load is SIGSEGV", load_meets_protection },
	{ "C11 a handler that returns has the driver asked again, once each", handler_returns },
	{ "C11 two threads that fail on one page get a signal each", two_threads },
	{ "C11 other threads and pages are not harmed", other_threads_unharmed },
	{ "C11 by default the process is killed", default_action },
	{ "C11 a process that blocks SIGBUS is killed", blocked },
	{ "C11 a process that ignores SIGBUS is killed", ignored },
	{ "C11 write from a failing page is EFAULT", write_is_efault },
	{ "C11 read to a failing page is EFAULT", read_is_efault },
	{ "C11 read and write of device memory work", system_calls_work },
	{ "C16 returning 0 without devmap_load is SIGBUS, after a second", nothing_loaded },
	{ "C16 loading another page is SIGBUS", loaded_elsewhere },
	{ "C16 a devmap_access that does nothing is SIGBUS", access_does_nothing },
	{ "C18 a load beyond the handle fails, and the access with it", load_beyond },
	{ "C18 a load before the handle fails, and the access with it", load_before },
};

MAIN(tests, 0)
