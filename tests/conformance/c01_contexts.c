/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* C1, C2, C4: every process has a context of its own; the driver is told what it needs for that. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

/* C1 */

static void two_processes(void)
{
	control();
	struct actor *a = new_actor_with("ctest0", 0, 4), *b = new_actor_with("ctest0", 0, 4);

	CHECK_EQ(get(a, AT(a, 0)), 0);
	put(a, AT(a, 0), 0xaaaa);
	CHECK_EQ(get(b, AT(b, 0)), 0);
	put(b, AT(b, 0), 0xbbbb);
	for (int i = 0; i < 20; i++) {
		CHECK_EQ(get(a, AT(a, 0)), 0xaaaa + i);
		put(a, AT(a, 0), 0xaaaa + i + 1);
		CHECK_EQ(get(b, AT(b, 0)), 0xbbbb);
	}
}

#define ROUNDS 150
#define PAGES  6

/* Writes to random pages, and remembers what must be in each. */
static void run_freely(void *arg)
{
	const unsigned me = (uintptr_t)arg;
	const int fd = open_device("ctest0");
	uint64_t must[PAGES] = { 0 };
	unsigned seed = me;
	char *p = DO(mmap(NULL, PAGES * page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));

	for (uint64_t i = 1; i <= ROUNDS; i++) {
		const unsigned n = rand_r(&seed) % PAGES;
		volatile uint64_t *first = (uint64_t *)(p + n * page);
		volatile uint64_t *last = first + page / sizeof(*first) - 1;

		CHECK_EQ(*first, must[n]);
		CHECK_EQ(*last, must[n]);
		*first = *last = must[n] = (uint64_t)me << 32 | i;
	}
}

static void many_processes(void)
{
	pid_t pid[5];

	control();
	for (unsigned i = 0; i < 5; i++)
		pid[i] = spawn(run_freely, (void *)(uintptr_t)(i + 1));
	for (unsigned i = 0; i < 5; i++)
		CHECK(WAS_OK(await_pid(pid[i])));
}

static void register_set(void)
{
	const int fd = control();

	knob(fd, CT_BACKING, CT_REGS);
	pid_t a = spawn(run_freely, (void *)1), b = spawn(run_freely, (void *)2);

	CHECK(WAS_OK(await_pid(a)));
	CHECK(WAS_OK(await_pid(b)));
}

static void owner_in_device(void)
{
	const int fd = control();
	struct actor *a = new_actor_with("ctest0", 0, 2), *b = new_actor_with("ctest0", 0, 2);

	put(a, AT(a, 1), 11);
	put(b, AT(b, 1), 22);
	CHECK_EQ(peek(fd, CT_UMEM, page), 22);
	CHECK_EQ(get(a, AT(a, 1)), 11);
	CHECK_EQ(peek(fd, CT_UMEM, page), 11);
}

static void after_close(void)
{
	control();
	struct actor *a = new_actor_with("ctest0", 0, 2), *b = new_actor_with("ctest0", 0, 2);

	put(a, AT(a, 0), 1);
	close_device(a);
	put(b, AT(b, 0), 2);
	CHECK_EQ(get(a, AT(a, 0)), 1);
	put(a, AT(a, 1), 3);
	CHECK_EQ(get(b, AT(b, 1)), 0);
	CHECK_EQ(get(a, AT(a, 1)), 3);
}

/* C2 */

static void told_of_map(void)
{
	const int fd = control();
	struct actor *a = new_actor_with("ctest0", 3, 5);
	const struct ctest_event d = event(fd, CT_DEVMAP, a->pid, 0),
				 m = event(fd, CT_MAP, a->pid, 0);

	CHECK_EQ(events(fd, CT_DEVMAP, 0), 1);
	CHECK_EQ(d.off, 3 * page);
	CHECK_EQ(d.len, 5 * page);
	CHECK_EQ(events(fd, CT_MAP, 0), 1);
	CHECK_EQ(m.dhp, d.dhp);
	CHECK_EQ(m.off, 3 * page);
	CHECK_EQ(m.len, 5 * page);
	CHECK_EQ(m.type & MAP_TYPE, MAP_SHARED);
}

static void told_of_access(void)
{
	const int fd = control();
	struct actor *a = new_actor_with("ctest0", 0, 2);

	CHECK_EQ(calls(fd, CT_ACCESS), 0);
	put(a, AT(a, 0), 1);
	CHECK_EQ(calls(fd, CT_ACCESS), 1);
	CHECK_EQ(calls(fd, CT_CTXMGT), 1);
	CHECK_EQ(event(fd, CT_ACCESS, a->pid, 0).id, event(fd, CT_MAP, a->pid, 0).id);
}

static void told_of_fork(void)
{
	const int fd = control();
	struct actor *a = new_actor_with("ctest0", 0, 2);

	new_fork(a);
	CHECK_EQ(events(fd, CT_DUP, 0), 1);
	CHECK_EQ(event(fd, CT_DUP, a->pid, 0).id, event(fd, CT_MAP, a->pid, 0).id);
}

/* An end of a mapping by `how` is one call of devmap_unmap(9E) for all of it. */
static void check_told_of_end(void (*how)(struct actor *a))
{
	const int fd = control();
	struct actor *a = new_actor_with("ctest0", 1, 3);

	put(a, a->base, 1);
	how(a);
	AWAIT(calls(fd, CT_UNMAP) == 1);

	const struct ctest_event m = event(fd, CT_MAP, 0, 0), u = event(fd, CT_UNMAP, 0, 0);

	CHECK_EQ(u.id, m.id);
	CHECK_EQ(u.dhp, m.dhp);
	CHECK_EQ(u.off, page);
	CHECK_EQ(u.len, 3 * page);
	CHECK_EQ(u.new1, 0);
	CHECK_EQ(u.new2, 0);
	AWAIT(counts(fd).maps == 0);
}

static void by_munmap(struct actor *a)
{
	CHECK_EQ(unmap(a, a->base, 3 * page), 0);
}

static void told_of_munmap(void)
{
	check_told_of_end(by_munmap);
}

static void told_of_exit(void)
{
	check_told_of_end(leave_by_exit);
}

static void told_of_exec(void)
{
	check_told_of_end(leave_by_exec);
}

static void told_of_kill(void)
{
	check_told_of_end(leave_by_kill);
}

static void by_kill_while_stopped(struct actor *a)
{
	DO(kill(a->pid, SIGSTOP));
	leave_by_kill(a);
}

static void told_of_kill_while_stopped(void)
{
	check_told_of_end(by_kill_while_stopped);
}

/* A close(9E) after the open(9E) of that event; an earlier test's may have been late. */
static bool closed_after(int fd, struct ctest_event opened)
{
	return events(fd, CT_CLOSE, 0) > 0 && event(fd, CT_CLOSE, 0, -1).seq_in > opened.seq_out;
}

/* close(9E) is for the last descriptor of a minor: look at it through another one. */
static void open_and_close(void)
{
	const int fd = reset_unit("ctest0a");
	struct actor *a = new_actor("ctest0");

	CHECK_EQ(events(fd, CT_OPEN, a->pid), 1);

	const struct ctest_event opened = event(fd, CT_OPEN, a->pid, 0);

	CHECK(!closed_after(fd, opened));
	close_device(a);
	AWAIT(closed_after(fd, opened));
	CHECK_EQ(opened.minor, event(fd, CT_CLOSE, 0, -1).minor);
}

/* C4 */

static void switch_step_by_step(void)
{
	const int fd = control();
	struct actor *a = new_actor_with("ctest0", 0, 2), *b = new_actor_with("ctest0", 0, 2);

	put(a, AT(a, 0), 1);
	clear_log(fd);
	put(b, AT(b, 0), 2);
	CHECK_EQ(events(fd, CT_ACCESS, 0), 1);
	CHECK_EQ(events(fd, CT_ACCESS, b->pid), 1);
	CHECK_EQ(event(fd, CT_CTXMGT, b->pid, 0).result, 0);
	CHECK(event(fd, CT_ACCESS, b->pid, 0).seq_in < event(fd, CT_CTXMGT, b->pid, 0).seq_in);
	CHECK(event(fd, CT_CTXMGT, b->pid, 0).seq_out < event(fd, CT_ACCESS, b->pid, 0).seq_out);
	clear_log(fd);
	CHECK_EQ(get(a, AT(a, 0)), 1);
	CHECK_EQ(events(fd, CT_ACCESS, a->pid), 1);
	CHECK_EQ(events(fd, CT_ACCESS, 0), 1);
}

static void stopped_owner(void)
{
	control();
	struct actor *a = new_actor_with("ctest0", 0, 2), *b = new_actor_with("ctest0", 0, 2);

	put(a, AT(a, 0), 1);
	DO(kill(a->pid, SIGSTOP));
	put(b, AT(b, 0), 2);
	CHECK_EQ(get(b, AT(b, 0)), 2);
	DO(kill(a->pid, SIGCONT));
	CHECK_EQ(get(a, AT(a, 0)), 1);
}

/* Instructions that load and store are not torn by a switch. */
static void add_often(void *arg)
{
	const int fd = open_device("ctest0");
	uint64_t *p = DO(mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));

	(void)arg;
	for (int i = 0; i < 20000; i++)
		__atomic_fetch_add(p, 1, __ATOMIC_SEQ_CST);
	CHECK_EQ(*p, 20000);
}

static void instructions_complete(void)
{
	pid_t pid[3];

	control();
	for (int i = 0; i < 3; i++)
		pid[i] = spawn(add_often, NULL);
	for (int i = 0; i < 3; i++)
		CHECK(WAS_OK(await_pid(pid[i])));
}

static const struct test tests[] = {
	{ "C1 two processes, one register, two values", two_processes },
	{ "C1 many processes over many pages keep their own values", many_processes },
	{ "C1 the same on a register set", register_set },
	{ "C1 the device has the context of its owner", owner_in_device },
	{ "C1 a context outlives close", after_close },
	{ "C2 mmap calls devmap and devmap_map with what was mapped", told_of_map },
	{ "C2 the first access calls devmap_access once", told_of_access },
	{ "C2 fork calls devmap_dup", told_of_fork },
	{ "C2 munmap calls devmap_unmap", told_of_munmap },
	{ "C2 exit calls devmap_unmap", told_of_exit },
	{ "C2 exec calls devmap_unmap", told_of_exec },
	{ "C2 SIGKILL calls devmap_unmap", told_of_kill },
	{ "C2 SIGKILL of a stopped process calls devmap_unmap", told_of_kill_while_stopped },
	{ "C2 open and close are called", open_and_close },
	{ "C4 one switch, step by step", switch_step_by_step },
	{ "C4 the device is taken from a stopped process", stopped_owner },
	{ "C4 atomic instructions complete under contention", instructions_complete },
};

MAIN(tests, 0)
