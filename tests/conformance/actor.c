/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Actors. They and their director meet in shared memory, in `turn`, which is a futex. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"
#include "internal.h"

#define ACTORS_MAX  64
#define SHARED_SIZE (1 << 20)

enum turn { DIRECTOR, ACTOR };

struct stage {
	unsigned used; /* actors; only the director makes them */
	size_t shared_used;
	struct actor actors[ACTORS_MAX];
	char shared[SHARED_SIZE] __attribute__((aligned(64)));
};

static struct stage *stage;

void prepare_stage(void)
{
	stage = DO(mmap(NULL, sizeof(*stage), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			-1, 0));
}

void *shared_memory(size_t len)
{
	void *p = stage->shared + stage->shared_used;

	stage->shared_used += (len + 63) & ~(size_t)63;
	CHECK(stage->shared_used <= SHARED_SIZE);
	return p;
}

/* Signals that an access raises. */

static __thread sigjmp_buf jump;
static __thread volatile bool catching;
static __thread siginfo_t last_caught;

static void on_signal(int number, siginfo_t *info, void *context)
{
	(void)context;
	if (!catching) {
		signal(number, SIG_DFL);
		return;
	}
	last_caught = *info;
	siglongjmp(jump, number);
}

sigjmp_buf *catch_signals(void)
{
	struct sigaction act = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };

	sigaction(SIGBUS, &act, NULL);
	sigaction(SIGSEGV, &act, NULL);
	catching = true;
	return &jump;
}

void stop_catching(void)
{
	catching = false;
}

siginfo_t caught(void)
{
	return last_caught;
}

/* The actors' side. */

static void await_turn(struct actor *a, enum turn turn)
{
	while (__atomic_load_n(&a->turn, __ATOMIC_ACQUIRE) != (int)turn)
		syscall(SYS_futex, &a->turn, FUTEX_WAIT, !turn, NULL, NULL, 0);
}

static void give_turn(struct actor *a, enum turn turn)
{
	__atomic_store_n(&a->turn, turn, __ATOMIC_RELEASE);
	syscall(SYS_futex, &a->turn, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void act(struct actor *a)
{
	a->result = 0;
	a->error = a->signal = 0;
	errno = 0;
	a->signal = CAUGHT(a->result = a->what(a, a->args));
	a->error = errno;
	if (a->signal != 0) {
		a->code = caught().si_code;
		a->addr = caught().si_addr;
	}
}

static void __attribute__((noreturn)) play(struct actor *a)
{
	a->tid = syscall(SYS_gettid);
	for (;;) {
		give_turn(a, DIRECTOR);
		await_turn(a, ACTOR);
		act(a);
	}
}

static void *play_thread(void *arg)
{
	play(arg);
}

static struct actor *enlist(const char *kind)
{
	struct actor *a = &stage->actors[stage->used];

	CHECK(stage->used < ACTORS_MAX);
	snprintf(a->name, sizeof(a->name), "%s %u", kind, stage->used++);
	a->turn = ACTOR;
	a->fd = -1;
	return a;
}

struct actor *new_actor(const char *device)
{
	struct actor *a = enlist("actor");
	char path[64];
	pid_t pid;

	snprintf(path, sizeof(path), "/dev/%s", device);
	a->child = true;
	pid = DO(fork());
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		a->fd = DO(open(path, O_RDWR | O_CLOEXEC));
		play(a);
	}
	a->pid = pid; /* not in the child: `a` is shared, and 0 is no child to wait for */
	finish(a);
	return a;
}

struct actor *new_actor_with(const char *device, unsigned first, unsigned pages)
{
	struct actor *a = new_actor(device);

	map_pages(a, first, pages);
	return a;
}

static uint64_t do_thread(struct actor *a, const uint64_t *args)
{
	struct actor *t = (struct actor *)args[0];
	pthread_t thread;

	t->pid = a->pid;
	t->fd = a->fd;
	t->base = a->base;
	return (errno = pthread_create(&thread, NULL, play_thread, t));
}

struct actor *new_thread(struct actor *of)
{
	struct actor *t = enlist("thread");

	CHECK_EQ(ask(of, do_thread, ASK((uintptr_t)t)), 0);
	finish(t);
	return t;
}

static uint64_t do_fork(struct actor *a, const uint64_t *args)
{
	struct actor *c = (struct actor *)args[0];
	pid_t pid;

	c->fd = a->fd;
	c->base = a->base;
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, 0);
		c->pid = getpid();
		play(c);
	}
	return pid;
}

struct actor *try_fork(struct actor *of, int *error)
{
	struct actor *c = enlist("child");

	if ((pid_t)ask(of, do_fork, ASK((uintptr_t)c)) == -1) {
		*error = of->error;
		return NULL;
	}
	finish(c);
	return c;
}

struct actor *new_fork(struct actor *of)
{
	int error = 0;
	struct actor *c = try_fork(of, &error);

	if (c == NULL)
		fail(__FILE__, __LINE__, "fork: %s", strerror(error));
	return c;
}

/* The director's side. */

void start(struct actor *a, deed what, const uint64_t args[6])
{
	CHECK(finished(a));
	a->what = what;
	memcpy(a->args, args, sizeof(a->args));
	give_turn(a, ACTOR);
}

bool finished(struct actor *a)
{
	return __atomic_load_n(&a->turn, __ATOMIC_ACQUIRE) == DIRECTOR;
}

/* An actor that has died will not finish. */
static void check_alive(struct actor *a)
{
	if (!a->child || a->reaped || waitpid(a->pid, &a->status, WNOHANG) != a->pid)
		return;
	a->reaped = true;
	if (finished(a))
		return; /* its deed was to end */
	fail(__FILE__, __LINE__, "%s died with wait status %#x", a->name, a->status);
}

uint64_t finish(struct actor *a)
{
	const struct timespec slice = { .tv_nsec = 100 * MS };
	const int64_t end = now() + LIMIT_NS;

	while (!finished(a)) {
		syscall(SYS_futex, &a->turn, FUTEX_WAIT, ACTOR, &slice, NULL, 0);
		if (finished(a))
			break;
		check_alive(a);
		if (now() > end)
			fail(__FILE__, __LINE__, "%s (pid %d) does not finish", a->name, a->pid);
	}
	return a->result;
}

uint64_t ask(struct actor *a, deed what, const uint64_t args[6])
{
	start(a, what, args);
	return finish(a);
}

/* Deeds. */

static uint64_t do_get(struct actor *a, const uint64_t *args)
{
	(void)a;
	return *(volatile uint64_t *)args[0];
}

static uint64_t do_put(struct actor *a, const uint64_t *args)
{
	(void)a;
	*(volatile uint64_t *)args[0] = args[1];
	return 0;
}

static void must_not_raise(struct actor *a, const char *what, const void *addr)
{
	if (a->signal != 0)
		fail(__FILE__, __LINE__, "%s: a %s at %p raises signal %d, code %d, address %p",
		     a->name, what, addr, a->signal, a->code, a->addr);
}

uint64_t get(struct actor *a, const void *addr)
{
	ask(a, do_get, ASK((uintptr_t)addr));
	must_not_raise(a, "load", addr);
	return a->result;
}

void put(struct actor *a, void *addr, uint64_t value)
{
	ask(a, do_put, ASK((uintptr_t)addr, value));
	must_not_raise(a, "store", addr);
}

int try_get(struct actor *a, const void *addr)
{
	ask(a, do_get, ASK((uintptr_t)addr));
	return a->signal;
}

int try_put(struct actor *a, void *addr, uint64_t value)
{
	ask(a, do_put, ASK((uintptr_t)addr, value));
	return a->signal;
}

void start_get(struct actor *a, const void *addr)
{
	start(a, do_get, ASK((uintptr_t)addr));
}

void start_put(struct actor *a, void *addr, uint64_t value)
{
	start(a, do_put, ASK((uintptr_t)addr, value));
}

static uint64_t do_map(struct actor *a, const uint64_t *args)
{
	return (uintptr_t)mmap((void *)args[0], args[1], args[2], args[3], a->fd, args[4]);
}

char *try_map(struct actor *a, void *addr, size_t len, int prot, int flags, off_t off)
{
	return (char *)ask(a, do_map, ASK((uintptr_t)addr, len, prot, flags, off));
}

char *map_pages(struct actor *a, unsigned first, unsigned pages)
{
	char *p = try_map(a, NULL, pages * page, PROT_READ | PROT_WRITE, MAP_SHARED, first * page);

	if (p == MAP_FAILED)
		fail(__FILE__, __LINE__, "%s: mmap of %u pages: %s", a->name, pages,
		     strerror(a->error));
	if (a->base == NULL)
		a->base = p;
	return p;
}

static uint64_t do_unmap(struct actor *a, const uint64_t *args)
{
	(void)a;
	return munmap((void *)args[0], args[1]);
}

void start_unmap(struct actor *a, void *addr, size_t len)
{
	start(a, do_unmap, ASK((uintptr_t)addr, len));
}

int unmap(struct actor *a, void *addr, size_t len)
{
	start_unmap(a, addr, len);
	return (int)finish(a);
}

static uint64_t do_lock(struct actor *a, const uint64_t *args)
{
	(void)a;
	return mlock((void *)args[0], args[1]) == 0 ? 0 : errno;
}

static uint64_t do_unlock(struct actor *a, const uint64_t *args)
{
	(void)a;
	return munlock((void *)args[0], args[1]) == 0 ? 0 : errno;
}

int lock(struct actor *a, void *addr, size_t len)
{
	return (int)ask(a, do_lock, ASK((uintptr_t)addr, len));
}

int unlock(struct actor *a, void *addr, size_t len)
{
	return (int)ask(a, do_unlock, ASK((uintptr_t)addr, len));
}

static uint64_t do_close(struct actor *a, const uint64_t *args)
{
	(void)args;
	return close(a->fd);
}

void close_device(struct actor *a)
{
	CHECK_EQ(ask(a, do_close, ASK(0)), 0);
}

static uint64_t do_exit(struct actor *a, const uint64_t *args)
{
	(void)a;
	exit((int)args[0]);
}

void leave_by_exit(struct actor *a)
{
	start(a, do_exit, ASK(0));
	CHECK_EQ(await_end(a), 0);
}

static uint64_t do_exec(struct actor *a, const uint64_t *args)
{
	(void)a, (void)args;
	execl("/bin/sleep", "sleep", "1000", NULL);
	return 0;
}

/* Has the process called exec? */
static bool is_sleep(pid_t pid)
{
	char path[64], text[64] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1 || read(fd, text, sizeof(text) - 1) <= 0)
		return false;
	close(fd);
	return strcmp(text, "sleep\n") == 0;
}

void leave_by_exec(struct actor *a)
{
	start(a, do_exec, ASK(0));
	AWAIT(is_sleep(a->pid));
}

void leave_by_kill(struct actor *a)
{
	DO(kill(a->pid, SIGKILL));
	await_end(a);
	CHECK(!a->child || a->status == SIGKILL);
}

bool is_gone(pid_t pid)
{
	char path[64], text[512] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return true;
	if (read(fd, text, sizeof(text) - 1) <= 0)
		text[0] = '\0';
	close(fd);
	return strstr(text, ") Z ") != NULL || strstr(text, ") X ") != NULL;
}

/* Its status is known only of a child of the director's. */
int await_end(struct actor *a)
{
	if (!a->child)
		AWAIT(is_gone(a->pid));
	else if (!a->reaped)
		a->status = await_pid(a->pid);
	a->reaped = true;
	return a->status;
}

int await_pid(pid_t pid)
{
	int status = 0;

	AWAIT(DO(waitpid(pid, &status, WNOHANG)) == pid);
	return status;
}

pid_t spawn(void (*fn)(void *arg), void *arg)
{
	pid_t pid = DO(fork());

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		fn(arg);
		_exit(0);
	}
	return pid;
}

int in_child(void (*fn)(void *arg), void *arg)
{
	return await_pid(spawn(fn, arg));
}
