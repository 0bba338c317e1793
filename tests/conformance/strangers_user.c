/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What a hostile client of the user engine can do to others: nothing (C30). Each attack stands beside an
 * honest client, who finds what he stored, and waits no longer than he may.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"
#include "rogue.h"

/*
 * The honest client, and the engine
 */

/* Here the attacker is nobody, and the engine root's. */
static void begin(void)
{
	if (geteuid() != 0)
		skip("about root's engine");
	close(file_control());
}

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

/* As long as others may make him wait, who holds nothing and locks nothing. */
static int64_t may_wait(void)
{
	return 50 * MS * slowness();
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
static struct booty b;

static void prepare_never(void)
{
	never = memory_that_never_comes(1, &never_uffd);
	CHECK_EQ(booty_open(&b, "ctest0"), 0);
}

static void *writes_for_ever(void *arg)
{
	(void)!pwrite(b.window, never, 8, 0);
	return arg;
}

/* Owns the device, and holds the lock of its window's inode. */
static void hold_the_inode(void)
{
	struct uffd_msg msg;
	pthread_t t;

	booty_map_new(&b, 1);
	*(volatile uint64_t *)b.base = 1;
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

	begin();
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
	(void)rogue_receive(sock, &re, NULL, &b.window);
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
	CHECK_EQ(booty_open(&b, "ctest0"), 0);
}

static void have_it_held(void)
{
	char byte;

	booty_map_new(&b, 1);
	*(volatile uint64_t *)b.base = 1;
	CHECK_EQ(rogue_send(accomplice, "w", 1, &b.window, 1), 0);
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

	booty_map_new(&b, 1);
	rogue_says();
	while (read(ROGUE_LINE, &x, sizeof(x)) == sizeof(x)) {
		value = x.value;
		x.took = now();
		x.value = 0;
		x.signal = CAUGHT({
			x.value = *(volatile uint64_t *)b.base;
			*(volatile uint64_t *)b.base = value;
		});
		x.took = now() - x.took;
		CHECK_EQ(write(ROGUE_LINE, &x, sizeof(x)), sizeof(x));
	}
}

static void prepare_device(void)
{
	CHECK_EQ(booty_open(&b, "ctest0"), 0);
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
	begin();
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

#define MAPPERS	 8
#define MAPPINGS 60000

/* One page in so many places that taking it away is long work. */
static void map_it_often(void)
{
	int ready[2];
	char byte;

	booty_map_new(&b, 1);
	*(volatile uint64_t *)b.base = 1;
	DO(pipe(ready));
	for (int i = 0; i < MAPPERS; i++) {
		if (DO(fork()) != 0)
			continue;
		DO(prctl(PR_SET_PDEATHSIG, SIGKILL));
		for (int j = 0; j < MAPPINGS; j++)
			DO(mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
				b.window, 0));
		CHECK_EQ(write(ready[1], "!", 1), 1);
		rogue_waits();
	}
	for (int i = 0; i < MAPPERS; i++)
		CHECK_EQ(read(ready[0], &byte, 1), 1);
	rogue_says();
	rogue_waits();
}

/* It may be quick work after all, on a quick machine: then nobody has to be killed. */
static void mapped_often(void)
{
	struct actor *a;
	struct rogue r;
	int64_t took;

	begin();
	a = new_actor_with("ctest0", 0, 1);
	put(a, AT(a, 0), 7);
	r = rogue_start("map it often");
	rogue_await(&r);
	took = timed_put(a, 8);
	remark("%lld us", (long long)took / 1000);
	CHECK(took < may_wait());
	CHECK_EQ(get(a, AT(a, 0)), 8);
}

/*
 * Nonsense
 */

#define NONSENSE 1000

static void talk_nonsense(void)
{
	struct dm_request rq = { .magic = DM_MAGIC, .version = DM_VERSION + 1, .op = DM_INFO };
	struct sockaddr_un sa = { .sun_family = AF_UNIX, .sun_path = ".ctest0" };
	struct dm_reply re;
	int none;

	for (int i = 0; i < NONSENSE; i++) {
		const int sock = DO(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));

		DO(connect(sock, (struct sockaddr *)&sa, sizeof(sa)));
		CHECK_EQ(rogue_send(sock, &rq, sizeof(rq), NULL, 0), 0);
		CHECK_EQ(rogue_receive(sock, &re, NULL, &none), EPROTONOSUPPORT);
		close(sock);
	}
}

static unsigned lines_said(const char *text)
{
	char path[600], line[1024];
	unsigned n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/engine.log", getenv("DEVMAP_DIR"));
	f = fopen(path, "re");
	CHECK(f != NULL);
	while (fgets(line, sizeof(line), f) != NULL)
		n += strstr(line, text) != NULL;
	fclose(f);
	return n;
}

static void nonsense(void)
{
	struct rogue r;

	close(control());
	DO(setenv("DEVMAP_TEST_STAY", "1", 1)); /* the door is its user's */
	r = rogue_start("talk nonsense");
	CHECK(WAS_OK(rogue_await_end(&r)));
	CHECK(lines_said("speaks protocol version") > 0);
	CHECK(lines_said("speaks protocol version") <= 60); /* 20 in ten seconds */
}

/*
 * Threads of the engine
 */

/* An end of a connection that takes up to a minute to close, since there is something left to send. */
static int lingering(void)
{
	static int listener = -1;
	static struct sockaddr_in sa = { .sin_family = AF_INET };
	const struct linger linger = { .l_onoff = 1, .l_linger = 60 };
	const int small = 2048;
	socklen_t len = sizeof(sa);
	char data[65536] = "";
	int fd;

	if (listener == -1) {
		sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		listener = DO(socket(AF_INET, SOCK_STREAM, 0));
		DO(setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)));
		DO(bind(listener, (struct sockaddr *)&sa, sizeof(sa)));
		DO(listen(listener, 1000));
		DO(getsockname(listener, (struct sockaddr *)&sa, &len));
	}
	fd = DO(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
	DO(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
	(void)connect(fd, (struct sockaddr *)&sa, sizeof(sa));
	DO(accept(listener, NULL, NULL)); /* which reads nothing */
	while (send(fd, data, sizeof(data), 0) > 0)
		;
	DO(fcntl(fd, F_SETFL, 0));
	return fd;
}

static void more_descriptors(void)
{
	const struct rlimit rl = { .rlim_cur = 8192, .rlim_max = 8192 };

	if (geteuid() == 0)
		DO(setrlimit(RLIMIT_NOFILE, &rl));
	prepare_device();
}

#define LINGERING 400

/* While the engine is stopped: so the last to close them is the engine. */
static void send_what_lingers(void)
{
	struct dm_request rq = { .magic = DM_MAGIC, .version = DM_VERSION, .op = DM_MUNMAP };
	int fd[LINGERING], door;
	char byte;

	booty_map_new(&b, 1);
	*(volatile uint64_t *)b.base = 1;
	for (int i = 0; i < LINGERING; i++)
		fd[i] = lingering();
	rogue_says();
	CHECK_EQ(read(ROGUE_LINE, &byte, 1), 1);
	for (int i = 0; i < LINGERING; i++) {
		door = i % 40 == 39 ? b.session : rogue_door(b.file.info.engine);
		CHECK_EQ(rogue_send(door, &rq, sizeof(rq), &fd[i], 1), 0);
		close(fd[i]);
	}
	rogue_says();
	rogue_waits();
}

/* Everything that a newcomer does. */
static void check_newcomer(void)
{
	struct actor *a;
	int64_t since = now();

	a = new_actor_with("ctest0", 0, 1);
	put(a, AT(a, 0), 8);
	CHECK_EQ(lock(a, AT(a, 0), page), 0);
	CHECK_EQ(unlock(a, AT(a, 0), page), 0);
	CHECK_EQ(get(a, AT(a, 0)), 8);
	leave_by_exit(a);
	remark("a newcomer takes %lld us", (long long)(now() - since) / 1000);
	CHECK(now() - since < 8 * may_wait()); /* eight things that he waits for */
}

static void lingers(void)
{
	struct rogue r;
	pid_t pid;

	begin();
	r = rogue_start("send what lingers");
	rogue_await(&r);
	pid = engine_pid("ctest0");
	DO(kill(pid, SIGSTOP));
	CHECK_EQ(write(r.line, "!", 1), 1);
	rogue_await(&r);
	DO(kill(pid, SIGCONT));
	check_newcomer();
}

#define UNREAD 400

/* Each answer waits for room where nobody makes any. */
static void read_no_answers(void)
{
	struct dm_request rq = { .magic = DM_MAGIC, .version = DM_VERSION, .op = DM_UNLOCK };
	char junk[1024] = "";
	int pair[2];

	booty_map_new(&b, 1);
	for (int i = 0; i < UNREAD; i++) {
		DO(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair));
		while (send(pair[1], junk, sizeof(junk), MSG_DONTWAIT) > 0)
			;
		if (rogue_send(b.session, &rq, sizeof(rq), &pair[1], 1) != 0)
			break;
		close(pair[1]);
		if (i == 80)
			rogue_says(); /* the rest waits, or not */
	}
	rogue_waits();
}

static void unread(void)
{
	struct rogue r[4];

	begin();
	for (int i = 0; i < 4; i++)
		r[i] = rogue_start("read no answers");
	for (int i = 0; i < 4; i++)
		rogue_await(&r[i]);
	check_newcomer();
}

/*
 * Sessions
 */

static void *touches(void *arg)
{
	*(volatile uint64_t *)arg = 1;
	return NULL;
}

/* As many as there are to be had, each with a userfaultfd that does not say when it is empty. */
static void say_hello(void)
{
	struct booty more[300];
	unsigned got = 0;
	pthread_t t;
	int error;

	for (unsigned i = 0; i < 300; i++) {
		more[i] = b;
		error = booty_attach(&more[i]);
		if (error != 0) {
			CHECK_EQ(error, EMFILE);
			continue;
		}
		CHECK_EQ(booty_map(&more[i], 1), 0);
		DO(fcntl(more[i].uffd, F_SETFL, 0));
		CHECK_EQ(pthread_create(&t, NULL, touches, more[i].base), 0);
		got++;
	}
	CHECK(got > 0);
	CHECK(got <= 8);
	rogue_says();
	rogue_waits();
}

#define GREETERS 40

static void hellos(void)
{
	struct rogue r[GREETERS];

	begin();
	for (int i = 0; i < GREETERS; i++)
		r[i] = rogue_start("say hello");
	for (int i = 0; i < GREETERS; i++)
		rogue_await(&r[i]);
	check_newcomer();
	CHECK(engine_said("sessions, and his processes"));
}

static const struct attack attacks[] = {
	{ "map it often", prepare_device, map_it_often },
	{ "say hello", more_descriptors, say_hello },
	{ "send what lingers", more_descriptors, send_what_lingers },
	{ "read no answers", more_descriptors, read_no_answers },
	{ "talk nonsense", NULL, talk_nonsense },
	{ "be honest", prepare_device, be_honest },
	{ "have the inode held", prepare_accomplice, have_it_held },
	{ "hold the inode", prepare_never, hold_the_inode },
};

static const struct test tests[] = {
	{ "C30 a client keeps its window from being emptied", held_inode },
	{ "C30 a client has its window kept from being emptied, for ever", held_for_good },
	{ "C30 a window cannot be emptied when its engine dies", held_when_the_engine_dies },
	{ "C30 processes have as many sessions as they can", hellos },
	{ "C30 a client has its window mapped 480,000 times", mapped_often },
	{ "C30 descriptors that take a minute to close are sent", lingers },
	{ "C30 answers are not read", unread },
	{ "C30 a client speaks nonsense: the log does not grow with it", nonsense },
};

int main(int argc, char **argv)
{
	if (rogue_is(argc, argv, attacks, sizeof(attacks) / sizeof(attacks[0])))
		return 0;
	return run_tests(argc, argv, tests, sizeof(tests) / sizeof(tests[0]), USER_ENGINE);
}
