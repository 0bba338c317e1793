/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What a hostile client of the user engine can do to others: nothing (C30). Each attack stands beside an
 * honest client, who finds what he stored, and waits no longer than he may.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"
#include "rogue.h"

/* The one process of a user engine. */
static pid_t engine_of(const struct engine *e)
{
	char path[64];
	pid_t pid = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)e->pid, (int)e->pid);
	f = fopen(path, "re");
	CHECK(f != NULL);
	CHECK_EQ(fscanf(f, "%d", &pid), 1);
	fclose(f);
	return pid;
}

static int64_t timed_put(struct actor *a, uint64_t value)
{
	const int64_t since = now();

	put(a, AT(a, 0), value);
	return now() - since;
}

/*
 * Windows that cannot be emptied
 */

static char *never;
static int never_uffd;

static void prepare_never(void)
{
	never = memory_that_never_comes(1, &never_uffd);
	rogue_opens();
}

static void *writes_for_ever(void *arg)
{
	(void)!pwrite(booty.window, never, 8, 0);
	return arg;
}

/* Owns the device, and holds the lock of its window's inode. */
static void hold_the_inode(void)
{
	struct uffd_msg msg;
	pthread_t t;

	booty_map_new(&booty, 1);
	*(volatile uint64_t *)booty.base = 1;
	CHECK_EQ(pthread_create(&t, NULL, writes_for_ever, NULL), 0);
	CHECK_EQ(read(never_uffd, &msg, sizeof(msg)), sizeof(msg)); /* it is there */
	rogue_says();
	rogue_waits();
}

static void held_inode(void)
{
	struct actor *a;
	struct rogue r;
	int64_t took;

	rogue_begin();
	a = new_actor_with("ctest0", 0, 1);
	put(a, AT(a, 0), 7);
	r = rogue_start("hold the inode");
	rogue_await(&r);
	took = timed_put(a, 8);
	remark("%lld us", (long long)took / 1000);
	CHECK(took < may_wait());
	CHECK_EQ(get(a, AT(a, 0)), 8);
	CHECK_EQ(rogue_await_end(&r), SIGKILL);
	CHECK(engine_said("keeps device memory from being taken from it"));
}

/* Has done nothing but to share its context, and so its window, with others. */
static void be_among_them(void)
{
	booty_map_new(&booty, 1);
	(void)*(volatile uint64_t *)booty.base;
	rogue_says();
	rogue_waits();
}

static void held_common(void)
{
	struct actor *a, *b;
	struct rogue r, other;
	int64_t took;
	int fd;

	rogue_begin();
	fd = control();
	a = new_actor_with("ctest0", 0, 1);
	put(a, AT(a, 0), 7);
	knob(fd, CT_SHARE, 1);
	b = new_actor_with("ctest0", 0, 1); /* root's */
	other = rogue_start("be among them");
	rogue_await(&other);
	r = rogue_start("hold the inode");
	rogue_await(&r);
	CHECK_EQ(get(b, AT(b, 0)), 1);
	took = timed_put(a, 8);
	remark("%lld us", (long long)took / 1000);
	CHECK(took < may_wait());
	CHECK_EQ(get(a, AT(a, 0)), 8);
	CHECK_EQ(rogue_await_end(&r), SIGKILL);
	CHECK_EQ(rogue_await_end(&other), SIGKILL);
	CHECK(try_get(b, AT(b, 0)) != 0);
	CHECK_EQ(get(a, AT(a, 0)), 8);
}

/*
 * Somebody who is not killed with the client holds the lock: who waits for the client's end waits in vain.
 */

static int accomplice;

static void help(int sock)
{
	struct dm_reply re;
	struct uffd_msg msg;
	pthread_t t;

	never = memory_that_never_comes(1, &never_uffd);
	become_nobody();
	(void)rogue_receive(sock, &re, NULL, &booty.window);
	CHECK_EQ(pthread_create(&t, NULL, writes_for_ever, NULL), 0);
	CHECK_EQ(read(never_uffd, &msg, sizeof(msg)), sizeof(msg));
	CHECK_EQ(write(sock, "!", 1), 1);
	rogue_waits();
}

static void prepare_accomplice(void)
{
	int ends[2];

	DO(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends));
	if (DO(fork()) == 0)
		help(ends[1]);
	accomplice = ends[0];
	rogue_opens();
}

static void have_it_held(void)
{
	char byte;

	booty_map_new(&booty, 1);
	*(volatile uint64_t *)booty.base = 1;
	CHECK_EQ(rogue_send(accomplice, "w", 1, &booty.window, 1), 0);
	CHECK_EQ(read(accomplice, &byte, 1), 1);
	rogue_says();
	rogue_waits();
}

/* An honest client of an engine that is not the suite's. */

struct access {
	uint64_t value; /* to be stored; found */
	int64_t took;
	int signal;
};

static void be_honest(void)
{
	struct access x;
	uint64_t value;

	booty_map_new(&booty, 1);
	rogue_says();
	while (read(ROGUE_LINE, &x, sizeof(x)) == sizeof(x)) {
		value = x.value;
		x.took = now();
		x.value = 0;
		x.signal = CAUGHT({
			x.value = *(volatile uint64_t *)booty.base;
			*(volatile uint64_t *)booty.base = value;
		});
		x.took = now() - x.took;
		CHECK_EQ(write(ROGUE_LINE, &x, sizeof(x)), sizeof(x));
	}
}

static struct access honest_access(const struct rogue *r, uint64_t value)
{
	struct access x = { .value = value };
	struct pollfd p = { .fd = r->line, .events = POLLIN };

	CHECK_EQ(write(r->line, &x, sizeof(x)), sizeof(x));
	CHECK_EQ(poll(&p, 1, limit_ms()), 1);
	CHECK_EQ(read(r->line, &x, sizeof(x)), sizeof(x));
	return x;
}

static struct engine engine;
static struct rogue honest, hostile;

/* An engine with an honest client, who has stored 7, and a hostile one, who owns the device now. */
static void begin_apart(const char *attack)
{
	rogue_begin();
	engine = start_engine((const char *const[]){ NULL });
	setenv("DEVMAP_DIR", engine.dir, 1);
	honest = rogue_start("be honest");
	rogue_await(&honest);
	CHECK_EQ(honest_access(&honest, 7).signal, 0);
	hostile = rogue_start(attack);
	rogue_await(&hostile);
}

static void held_for_good(void)
{
	struct access x;
	int64_t since;

	begin_apart("have the inode held");
	x = honest_access(&honest, 8);
	CHECK_EQ(x.signal, 0);
	CHECK_EQ(x.value, 7);
	CHECK(x.took < may_wait());
	CHECK_EQ(rogue_await_end(&hostile), SIGKILL);
	CHECK_EQ(honest_access(&honest, 9).value, 8);
	since = now();
	CHECK_EQ(stop_engine(&engine), 0);
	CHECK(now() - since < 2 * SECOND * slowness());
	CHECK_EQ(honest_access(&honest, 9).signal, SIGBUS);
}

/* Its windows are the supervisor's to empty then. */
static void held_when_the_engine_dies(void)
{
	int64_t since;

	begin_apart("have the inode held");
	DO(kill(engine_of(&engine), SIGKILL));
	AWAIT(honest_access(&honest, 8).signal == SIGBUS);
	CHECK_EQ(rogue_await_end(&hostile), SIGKILL);
	since = now();
	CHECK_EQ(WEXITSTATUS(stop_engine(&engine)), 1);
	CHECK(now() - since < 2 * SECOND * slowness());
}

#define MAPPERS	 4
#define MAPPINGS 60000

/* Two pages in so many places that taking one away is long work. Says how long. */
static void map_it_often(void)
{
	int ready[2];
	int64_t took;
	char byte;

	booty_map_new(&booty, 2);
	*(volatile uint64_t *)booty.base = 1;
	DO(pipe(ready));
	for (int i = 0; i < MAPPERS; i++) {
		if (DO(fork()) != 0)
			continue;
		DO(prctl(PR_SET_PDEATHSIG, SIGKILL));
		for (int j = 0; j < MAPPINGS; j++)
			DO(mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
				booty.window, 0));
		CHECK_EQ(write(ready[1], "!", 1), 1);
		rogue_waits();
	}
	for (int i = 0; i < MAPPERS; i++)
		CHECK_EQ(read(ready[0], &byte, 1), 1);
	took = now();
	DO(fallocate(booty.window, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, page, page));
	took = now() - took;
	CHECK_EQ(write(ROGUE_LINE, &took, sizeof(took)), sizeof(took));
	rogue_waits();
}

/* It may be quick work after all, on a quick machine: then nobody has to be killed. */
static void mapped_often(void)
{
	struct actor *a;
	struct rogue r;
	int64_t took, work;

	rogue_begin();
	a = new_actor_with("ctest0", 0, 1);
	put(a, AT(a, 0), 7);
	r = rogue_start("map it often");
	CHECK_EQ(read(r.line, &work, sizeof(work)), sizeof(work));
	took = timed_put(a, 8);
	remark("%lld us, where all of it is %lld us", (long long)took / 1000,
	       (long long)work / 1000);
	CHECK(engine_said("keeps device memory from being taken from it"));
	CHECK_EQ(get(a, AT(a, 0)), 8);
}

/*
 * Mappings
 */

#define BATCH 700
/* An emulated machine takes minutes for more. */
#define MANY (getenv("DEVMAP_TEST_SLOW") != NULL ? 2800 : 8000)

/* Processor time that we and the engine have had: how busy the machine is does not matter. */
static int64_t worked(pid_t server)
{
	struct timespec own, its;
	clockid_t clock;

	CHECK_EQ(clock_getcpuclockid(server, &clock), 0);
	DO(clock_gettime(clock, &its));
	DO(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &own));
	return (own.tv_sec + its.tv_sec) * SECOND + own.tv_nsec + its.tv_nsec;
}

/* What n more mappings of a page cost. */
static int64_t cost_of_mapping(int fd, pid_t server, int n)
{
	const int64_t before = worked(server);

	for (int i = 0; i < n; i++)
		DO(mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	return worked(server) - before;
}

/* It does not depend on how many the process has. */
static void many_mappings(void)
{
	const int fd = control();
	const pid_t server = engine_pid("ctest0");
	int64_t first, last;

	first = cost_of_mapping(fd, server, BATCH);
	(void)cost_of_mapping(fd, server, MANY - 2 * BATCH);
	last = cost_of_mapping(fd, server, BATCH);
	remark("%d mappings: %lld us, %d mappings later %lld us", BATCH, (long long)first / 1000,
	       MANY - 2 * BATCH, (long long)last / 1000);
	CHECK(last < 3 * first);
}

static const struct attack attacks[] = {
	{ "map it often", rogue_opens, map_it_often },
	{ "be honest", rogue_opens, be_honest },
	{ "be among them", rogue_opens, be_among_them },
	{ "have the inode held", prepare_accomplice, have_it_held },
	{ "hold the inode", prepare_never, hold_the_inode },
};

static const struct test tests[] = {
	{ "C30 a client keeps its window from being emptied", held_inode },
	{ "C30 X5 one of several who share a window keeps it from being emptied", held_common },
	{ "C30 a client has its window kept from being emptied, for ever", held_for_good },
	{ "C30 a window cannot be emptied when its engine dies", held_when_the_engine_dies },
	{ "C30 a client has its window mapped 240,000 times", mapped_often },
	{ "C30 mappings by the thousand cost what the first ones do", many_mappings },
};

int main(int argc, char **argv)
{
	if (rogue_is(argc, argv, attacks, sizeof(attacks) / sizeof(attacks[0])))
		return 0;
	return run_tests(argc, argv, tests, sizeof(tests) / sizeof(tests[0]), USER_ENGINE);
}
