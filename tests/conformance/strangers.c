/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What anybody who may open a node can do to others: nothing. Page offsets, process ids that come
 * again, statistics.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

#define RW (PROT_READ | PROT_WRITE)

/*
 * Page offsets
 */

static const char *parameter(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "/sys/module/devmap/parameters/%s", name);
	return path;
}

static unsigned long get_parameter(const char *name)
{
	FILE *f = fopen(parameter(name), "r");
	unsigned long value = 0;

	if (f == NULL)
		fail(__FILE__, __LINE__, "%s: %s", name, error_text());
	CHECK_EQ(fscanf(f, "%lu", &value), 1);
	fclose(f);
	return value;
}

static void set_parameter(const char *name, unsigned long value)
{
	const int fd = DO(open(parameter(name), O_WRONLY | O_CLOEXEC));

	CHECK(dprintf(fd, "%lu", value) > 0);
	close(fd);
}

static void exclusive(void)
{
	struct actor *a = new_actor_with("ctest0", 0, 2), *b = new_actor_with("ctest0", 0, 2);
	uint64_t i;

	for (i = 1; i < 4; i++) {
		put(a, AT(a, 1), i);
		put(b, AT(b, 1), i + 100);
		CHECK_EQ(get(a, AT(a, 1)), i);
		CHECK_EQ(get(b, AT(b, 1)), i + 100);
	}
}

static void failing_mmaps(void)
{
	const int fd = control();
	const size_t len = (1UL << 47) - (1UL << 41);
	unsigned long used = kernel_engine() ? get_parameter("offsets_used") : 0;
	int i;

	for (i = 0; i < 300; i++)
		CHECK(mmap(NULL, len, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED);
	if (kernel_engine())
		CHECK_EQ(get_parameter("offsets_used"), used);
	exclusive();
}

static void kernel_only(void)
{
	if (!kernel_engine())
		skip("about the kernel engine");
}

static void bounded(void *limit)
{
	const int fd = control();
	unsigned long *max = limit;
	void *p, *q;
	int i;

	*max = get_parameter("offsets_max");
	set_parameter("offsets_max", get_parameter("offsets_used") + 1 + 40);
	for (i = 0; i < 200; i++) {
		p = DO(mmap(NULL, 32 * page, RW, MAP_SHARED, fd, 0));
		DO(munmap(p, 32 * page));
	}
	p = DO(mmap(NULL, 32 * page, RW, MAP_SHARED, fd, 0));
	CHECK_ERRNO(mmap(NULL, 32 * page, RW, MAP_SHARED, fd, 0), ENOMEM);
	q = DO(mmap(NULL, 8 * page, RW, MAP_SHARED, fd, 0));
	*(volatile uint64_t *)p = 1;
	CHECK_EQ(*(volatile uint64_t *)q, 1);
	DO(munmap(p, 32 * page));
	p = DO(mmap(NULL, 32 * page, RW, MAP_SHARED, fd, 0));
	CHECK_EQ(*(volatile uint64_t *)p, 1);
	CHECK(engine_said("no 32 page offsets in a row are left"));
}

static void given_back(void)
{
	unsigned long *max = shared_memory(sizeof(*max));
	int status;

	kernel_only();
	status = in_child(bounded, max);
	set_parameter("offsets_max", *max);
	CHECK(WAS_OK(status));
}

static void kept(void)
{
	struct actor *a, *b;
	unsigned long used;
	char *to;

	kernel_only();
	(void)control();
	used = get_parameter("offsets_used");
	a = new_actor_with("ctest0", 0, 8);
	CHECK_EQ(get_parameter("offsets_used"), used + 8);
	put(a, AT(a, 5), 5);
	b = new_fork(a);
	CHECK_EQ(get_parameter("offsets_used"), used + 8);
	CHECK_EQ(unmap(a, AT(a, 0), 4 * page), 0);
	CHECK_EQ(unmap(a, AT(a, 6), 2 * page), 0);
	CHECK_EQ(get_parameter("offsets_used"), used + 8);
	put(b, AT(b, 5), 6);
	CHECK_EQ(get(a, AT(a, 5)), 5);
	leave_by_exit(a);
	CHECK_EQ(get(b, AT(b, 5)), 6);
	CHECK_EQ(get_parameter("offsets_used"), used + 8);
	/* What others take meanwhile is elsewhere. */
	a = new_actor_with("ctest0", 0, 8);
	put(a, AT(a, 5), 7);
	CHECK_EQ(get(b, AT(b, 5)), 6);
	CHECK_EQ(get(a, AT(a, 5)), 7);
	leave_by_exit(a);
	leave_by_exit(b);
	AWAIT(get_parameter("offsets_used") == used);
	to = DO(mmap(NULL, 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	a = NULL;
	{
		const int fd = open_device("ctest0");
		char *at = DO(mmap(NULL, 2 * page, RW, MAP_SHARED, fd, 0));

		at[0] = 9;
		CHECK(mremap(at, 2 * page, 2 * page, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
		CHECK_EQ(to[0], 9);
		CHECK_EQ(get_parameter("offsets_used"), used + 2);
		DO(munmap(to, 2 * page));
		CHECK_EQ(get_parameter("offsets_used"), used);
	}
}

/*
 * Process ids
 */

/* A process with this id, which executes python; -1 and errno. It ends when `hold` is closed. */
static pid_t reborn(pid_t pid, const char *script, int out, int hold)
{
	struct clone_args args = { .exit_signal = SIGCHLD,
				   .set_tid = (uintptr_t)&pid,
				   .set_tid_size = 1 };
	const pid_t child = (pid_t)syscall(SYS_clone3, &args, sizeof(args));

	if (child != 0)
		return child;
	dup2(hold, 0);
	dup2(out, 1);
	execlp("python3", "python3", "-c", script, NULL);
	_exit(127);
}

/* Opens, maps, loads, stores, says what it found, waits. */
static const char life[] = "import mmap, os, sys\n"
			   "fd = os.open('/dev/ctest0', os.O_RDWR)\n"
			   "m = mmap.mmap(fd, 4096)\n"
			   "os.write(1, m[0:1])\n"
			   "m[0:1] = b'n'\n"
			   "os.write(1, m[0:1])\n"
			   "sys.stdin.read()\n";

struct lives {
	volatile char *map;
	volatile pid_t old, heir;
	volatile int turn;
	volatile int found;
};

/* Shares the memory of the process that is gone. */
static int live_on(void *arg)
{
	struct lives *l = arg;

	while (l->turn < 2)
		usleep(1000);
	l->found = l->map[0];
	l->turn = 3;
	while (l->turn < 4)
		usleep(1000);
	_exit(0);
}

static void begin_lives(void *arg)
{
	static char stack[65536] __attribute__((aligned(16)));
	struct lives *l = arg;
	const int fd = open_device("ctest0");

	l->map = DO(mmap(NULL, page, RW, MAP_SHARED, fd, 0));
	l->map[0] = 'o';
	l->old = getpid();
	if (kernel_engine())
		l->heir = DO(clone(live_on, stack + sizeof(stack),
				   CLONE_VM | CLONE_PARENT | SIGCHLD, l));
	l->turn = 1;
	while (!kernel_engine())
		l->map[8]++; /* until it is killed, in its driver's hands */
}

/* Its driver does not let go of it: what it had is still there. */
static void die_slowly(int fd, const struct lives *l)
{
	knob(fd, CT_GATE_CTXMGT, l->old);
	CHECK_EQ(operate(fd, CT_OP_UNLOAD, event(fd, CT_MAP, l->old, 0).id, 0, page), 0);
	AWAIT(counts(fd).gated == 1);
	kill(l->old, SIGKILL);
}

static void check_events(int fd, const struct lives *l)
{
	const unsigned opens = events(fd, CT_OPEN, l->old);
	const struct log log = get_log(fd);
	int32_t opened = 0, mapped = 0;
	uint32_t i;

	for (i = 0; i < log.n; i++) {
		if (log.ev[i].what == CT_OPEN)
			opened = log.ev[i].pid;
		if (log.ev[i].what == CT_MAP)
			mapped = log.ev[i].pid;
	}
	CHECK_EQ(opens, 1);
	CHECK(opened != l->old);
	CHECK_EQ(mapped, opened);
}

static void id_comes_again(void)
{
	struct lives *l = shared_memory(sizeof(*l));
	const int fd = control();
	int out[2], hold[2];
	pid_t old, new;
	char byte = 0;

	if (geteuid() != 0)
		skip("only root chooses process ids");
	DO(pipe(out));
	DO(pipe2(hold, O_CLOEXEC));
	old = spawn(begin_lives, l);
	AWAIT(l->turn == 1);
	if (!kernel_engine())
		die_slowly(fd, l);
	(void)await_pid(old);
	new = reborn(old, life, out[1], hold[0]);
	if (new < 0 && (errno == EPERM || errno == ENOSYS))
		skip("clone3 with a process id: %s", error_text());
	CHECK_EQ(new, old);
	close(out[1]);
	AWAIT(calls(fd, CT_MAP) == 2);
	check_events(fd, l);
	knob(fd, CT_GATE_CTXMGT, 0);
	CHECK_EQ(read(out[0], &byte, 1), 1);
	CHECK_EQ(byte, 0); /* and not what the old one stored */
	CHECK_EQ(read(out[0], &byte, 1), 1);
	CHECK_EQ(byte, 'n');
	if (kernel_engine()) {
		l->turn = 2;
		AWAIT(l->turn == 3);
		CHECK_EQ(l->found, 'o');
		l->turn = 4;
	}
	close(hold[1]);
	(void)await_pid(new);
}

/*
 * Statistics
 */

static void read_for_ever(void *arg)
{
	volatile unsigned *reads = arg;
	char buf[4096];
	int fd;

	for (;;) {
		fd = DO(open("/dev/devmap", O_RDONLY));
		DO(read(fd, buf, sizeof(buf)));
		close(fd);
		fd = open("/sys/class/devmap/ctest0/switches", O_RDONLY);
		DO(read(fd, buf, sizeof(buf)));
		close(fd);
		__atomic_fetch_add(reads, 1, __ATOMIC_RELAXED);
	}
}

static void readers(void)
{
	volatile unsigned *reads = shared_memory(sizeof(*reads));
	unsigned long made, ms;
	int64_t begun;
	int i;

	kernel_only();
	(void)control();
	ms = get_parameter("stats_ms");
	begun = now();
	made = get_parameter("stats_made");
	for (i = 0; i < 4; i++)
		(void)spawn(read_for_ever, (void *)(uintptr_t)reads);
	AWAIT(*reads > 100);
	made = get_parameter("stats_made") - made;
	remark("%u reads, %lu collections in %lld ms", *reads, made,
	       (long long)((now() - begun) / MS));
	CHECK(made > 0);
	CHECK(made <= (unsigned long)((now() - begun) / MS) / ms + 2);
}

static const struct test tests[] = {
	{ "C17 mmaps that fail use up nothing of what keeps processes apart", failing_mmaps },
	{ "C20 page offsets are given back, and an impossible one is refused", given_back },
	{ "C21 page offsets last as long as any part of a mapping does", kept },
	{ "C1 a process id that comes again is another process", id_comes_again },
	{ "X4 statistics cost the readers", readers },
};

MAIN(tests, 0)
