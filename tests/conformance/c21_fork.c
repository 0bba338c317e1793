/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* C21: fork. */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

static struct actor *a, *c;

static void no_translation(void)
{
	const int fd = control();

	a = new_actor_with("ctest0", 0, 2);
	put(a, AT(a, 0), 5);
	c = new_fork(a);
	clear_log(fd);
	CHECK_EQ(get(c, AT(c, 0)), 5); /* this driver copies the context */
	CHECK_EQ(events(fd, CT_ACCESS, c->pid), 1);
	CHECK_EQ(events(fd, CT_CTXMGT, c->pid), 1);
}

static void own_context(void)
{
	control();
	a = new_actor_with("ctest0", 0, 2);
	put(a, AT(a, 0), 5);
	c = new_fork(a);
	put(c, AT(c, 0), 6);
	put(c, AT(c, 1), 7);
	CHECK_EQ(get(a, AT(a, 0)), 5);
	CHECK_EQ(get(a, AT(a, 1)), 0);
	put(a, AT(a, 0), 8);
	CHECK_EQ(get(c, AT(c, 0)), 6);
	CHECK_EQ(get(c, AT(c, 1)), 7);
}

static void dup_once_for_each_handle(void)
{
	const int fd = control();

	knob(fd, CT_PIECE, 2);
	a = new_actor_with("ctest0", 0, 5);
	map_pages(a, 8, 1);
	c = new_fork(a);
	CHECK_EQ(events(fd, CT_DUP, 0), 4);
	for (int i = 0; i < 4; i++) {
		const struct ctest_event d = event(fd, CT_DUP, a->pid, i);

		CHECK(d.new1 != 0 && d.new1 != d.dhp);
		for (int j = 0; j < i; j++) {
			CHECK(d.id != event(fd, CT_DUP, a->pid, j).id);
			CHECK(d.new1 != event(fd, CT_DUP, a->pid, j).new1);
		}
	}
}

/* The child's calls come with the child's handle and private data. */
static void handles_of_the_child(void)
{
	const int fd = control();

	a = new_actor_with("ctest0", 3, 2);
	c = new_fork(a);
	put(c, AT(c, 1), 1);

	const struct ctest_event d = event(fd, CT_DUP, a->pid, 0),
				 x = event(fd, CT_ACCESS, c->pid, 0);

	CHECK_EQ(x.dhp, d.new1);
	CHECK_EQ(x.id, d.new1_id);
	CHECK_EQ(x.off, 4 * page);
	leave_by_exit(a);
	AWAIT(events(fd, CT_UNMAP, 0) == 1);
	CHECK_EQ(event(fd, CT_UNMAP, 0, 0).id, d.id);
	put(c, AT(c, 1), 2);
	leave_by_kill(c);
	AWAIT(events(fd, CT_UNMAP, 0) == 2);
	CHECK_EQ(event(fd, CT_UNMAP, 0, 1).id, d.new1_id);
	AWAIT(counts(fd).maps == 0);
}

static void check_refused(int value, int error)
{
	const int fd = control();
	int got = 0;

	knob(fd, CT_PIECE, 1);
	a = new_actor_with("ctest0", 0, 3);
	put(a, AT(a, 1), 5);
	knob(fd, CT_FAIL_VALUE, value);
	knob(fd, CT_FAIL_SKIP, 1);
	knob(fd, CT_FAIL_COUNT, 1);
	knob(fd, CT_FAIL_WHERE, 1 << CT_DUP);
	c = try_fork(a, &got);
	if (kernel_engine()) { /* Linux lets no module fail a fork: the child has no mapping */
		CHECK(c != NULL);
		CHECK_EQ(try_get(c, AT(c, 0)), SIGSEGV);
		CHECK_EQ(try_get(c, AT(c, 1)), SIGSEGV);
	} else {
		CHECK(c == NULL);
		CHECK_EQ(got, error);
	}
	CHECK_EQ(events(fd, CT_DUP, 0), 2);
	AWAIT(counts(fd).maps == 3); /* the first one's copy is unmapped again */
	AWAIT(counts(fd).contexts == 1);
	CHECK_EQ(event(fd, CT_UNMAP, 0, 0).id, event(fd, CT_DUP, 0, 0).new1_id);
	CHECK_EQ(get(a, AT(a, 1)), 5);
	put(new_fork(a), AT(a, 1), 6);
	CHECK_EQ(get(a, AT(a, 1)), 5);
}

static void refused(void)
{
	check_refused(EIO, EAGAIN);
}

static void refused_for_memory(void)
{
	check_refused(ENOMEM, ENOMEM);
}

/* A child that no fork(2) of libc's made: it must not reach a live page. */
static void touch_in_raw_child(void *arg)
{
	volatile uint64_t *p =
		DO(mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, open_device("ctest0"), 0));
	pid_t pid;

	(void)arg;
	*p = 5;
	pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	if (pid == 0) {
		*p = 6;
		_exit(*p == 6 ? 0 : 1);
	}

	const int status = await_pid(pid);

	CHECK_EQ(*p, 5);
	if (kernel_engine()) /* it sees every clone: that is a fork like any other */
		CHECK(WAS_OK(status));
	else
		CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

static void raw_clone(void)
{
	control();
	CHECK(WAS_OK(in_child(touch_in_raw_child, NULL)));
}

static void child_alone(void)
{
	const int fd = control();

	a = new_actor_with("ctest0", 0, 2);
	put(a, AT(a, 0), 5);
	c = new_fork(a);
	leave_by_exit(a);
	AWAIT(counts(fd).maps == 1);
	CHECK_EQ(get(c, AT(c, 0)), 5);
	put(c, AT(c, 1), 6);
	CHECK_EQ(unmap(c, AT(c, 0), page), 0);
	CHECK_EQ(get(c, AT(c, 1)), 6);
}

static void grandchild(void)
{
	control();
	a = new_actor_with("ctest0", 0, 2);
	put(a, AT(a, 0), 1);
	c = new_fork(a);
	put(c, AT(c, 0), 2);

	struct actor *g = new_fork(c);

	CHECK_EQ(get(g, AT(g, 0)), 2);
	put(g, AT(g, 0), 3);
	CHECK_EQ(get(c, AT(c, 0)), 2);
	CHECK_EQ(get(a, AT(a, 0)), 1);
	CHECK_EQ(get(g, AT(g, 0)), 3);
}

/* The child's handles have its key, and none else, from devmap_dup on: what it maps is found by it. */
static void child_maps_more(void)
{
	const int fd = control();

	a = new_actor_with("ctest0", 0, 2);
	put(a, AT(a, 0), 1);
	c = new_fork(a);

	char *p = map_pages(c, 4, 2);

	put(c, p, 9);
	put(c, AT(c, 0), 2);
	CHECK_EQ(get(c, p), 9);
	CHECK_EQ(get(a, AT(a, 0)), 1);
	CHECK_EQ(counts(fd).contexts, 2);
	CHECK_EQ(counts(fd).errors, 0);
}

/* Two children at the same time, and a hole in the parent's mapping in between. */
static void another_child(void)
{
	struct actor *second;

	control();
	a = new_actor_with("ctest0", 0, 6);
	put(a, AT(a, 0), 1);
	c = new_fork(a);
	put(c, AT(c, 0), 2);
	CHECK_EQ(unmap(a, AT(a, 2), page), 0);
	second = new_fork(a);
	CHECK_EQ(get(second, AT(second, 0)), 1);
	put(second, AT(second, 0), 3);
	CHECK_EQ(get(c, AT(c, 0)), 2);
	CHECK_EQ(get(a, AT(a, 0)), 1);
}

static void unmapped_before(void)
{
	const int fd = control();

	a = new_actor_with("ctest0", 0, 6);
	CHECK_EQ(unmap(a, AT(a, 2), 2 * page), 0);
	c = new_fork(a);
	CHECK_EQ(events(fd, CT_DUP, 0), 2);
	put(c, AT(c, 5), 1);
	CHECK_EQ(try_get(c, AT(c, 2)), SIGSEGV);
	CHECK_EQ(event(fd, CT_ACCESS, c->pid, 0).off, 5 * page);
}

/* The parent's threads go on writing while it forks. */
static uint64_t do_write_on(struct actor *me, const uint64_t *args)
{
	volatile uint64_t *p = (uint64_t *)AT(me, 0);
	volatile int *stop = (int *)args[0];
	uint64_t n = 0;

	while (!*stop) {
		CHECK_EQ(*p, n);
		*p = ++n;
	}
	return n;
}

static void many_forks(void)
{
	int *stop = shared_memory(sizeof(*stop));
	const int fd = control();

	knob(fd, CT_NO_LOG, 1);
	a = new_actor_with("ctest0", 0, 2);

	struct actor *writer = new_thread(a);

	start(writer, do_write_on, ASK((uintptr_t)stop));
	for (int i = 0; i < 10; i++) {
		c = new_fork(a);
		put(c, AT(c, 0), 1 + i);
		CHECK_EQ(get(c, AT(c, 0)), 1 + i);
		DO(kill(c->pid, SIGKILL));
	}
	*stop = 1;

	const uint64_t last = finish(writer);

	CHECK_EQ(writer->signal, 0);
	CHECK_EQ(get(a, AT(a, 0)), last);
}

/* vfork and posix_spawn duplicate nothing: see clients.c. Functions of libc that fork inside: */
static void fork_and_system(void *arg)
{
	const int fd = open_device("ctest0");
	volatile uint64_t *p = DO(mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	FILE *f;

	(void)arg;
	*p = 5;
	CHECK_EQ(system("exit 7"), 7 << 8);
	f = popen("echo out", "r");
	CHECK(f != NULL);
	CHECK_EQ(fgetc(f), 'o');
	pclose(f);
	CHECK_EQ(*p, 5);
}

static void system_and_popen(void)
{
	control();
	CHECK(WAS_OK(in_child(fork_and_system, NULL)));
}

static const struct test tests[] = {
	{ "C21 a child inherits no translation", no_translation },
	{ "C21 a child has a context of its own", own_context },
	{ "C21 devmap_dup is called once for each handle", dup_once_for_each_handle },
	{ "C21 the child's calls have the child's handles", handles_of_the_child },
	{ "C21 devmap_dup refuses: fork fails with EAGAIN", refused },
	{ "C21 devmap_dup refuses with ENOMEM: so does fork", refused_for_memory },
	{ "C21 a raw clone has no mapping, never a live one", raw_clone },
	{ "C21 a child outlives its parent", child_alone },
	{ "C21 grandchildren", grandchild },
	{ "C21 a child maps more", child_maps_more },
	{ "C1 C21 another child has a copy of its own", another_child },
	{ "C21 what was unmapped before is not duplicated", unmapped_before },
	{ "C21 forks while another thread writes", many_forks },
	{ "C21 system and popen", system_and_popen },
};

MAIN(tests, 0)
