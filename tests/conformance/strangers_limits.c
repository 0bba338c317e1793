/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What a hostile client of the user engine can make it hold: threads, sessions, lines of log. All are counted
 * against its process and its user, and limited; others come and go beside it (C30).
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"
#include "rogue.h"

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
	const struct rlimit rl = { ROGUE_DESCRIPTORS, ROGUE_DESCRIPTORS };

	if (geteuid() == 0)
		DO(setrlimit(RLIMIT_NOFILE, &rl));
	rogue_opens();
}

#define LINGERING 400

/* While the engine is stopped: so the last to close them is the engine. */
static void send_what_lingers(void)
{
	struct dm_request rq = { .magic = DM_MAGIC, .version = DM_VERSION, .op = DM_MUNMAP };
	int fd[LINGERING], door;
	char byte;

	booty_map_new(&booty, 1);
	*(volatile uint64_t *)booty.base = 1;
	for (int i = 0; i < LINGERING; i++)
		fd[i] = lingering();
	rogue_says();
	CHECK_EQ(read(ROGUE_LINE, &byte, 1), 1);
	for (int i = 0; i < LINGERING; i++) {
		door = i % 40 == 39 ? booty.session : rogue_door(booty.file.info.engine);
		CHECK_EQ(rogue_send(door, &rq, sizeof(rq), &fd[i], 1), 0);
		close(fd[i]);
	}
	rogue_says();
	rogue_waits();
}

static void lingers(void)
{
	struct rogue r;
	pid_t pid;

	rogue_begin();
	r = rogue_start("send what lingers");
	rogue_await(&r);
	pid = engine_pid("ctest0");
	DO(kill(pid, SIGSTOP));
	CHECK_EQ(write(r.line, "!", 1), 1);
	rogue_await(&r);
	DO(kill(pid, SIGCONT));
	check_newcomer("ctest0");
}

#define UNREAD 400

/* Each answer waits for room where nobody makes any. */
static void read_no_answers(void)
{
	struct dm_request rq = { .magic = DM_MAGIC, .version = DM_VERSION, .op = DM_UNLOCK };
	char junk[1024] = "";
	int pair[2];

	booty_map_new(&booty, 1);
	for (int i = 0; i < UNREAD; i++) {
		DO(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair));
		while (send(pair[1], junk, sizeof(junk), MSG_DONTWAIT) > 0)
			;
		if (rogue_send(booty.session, &rq, sizeof(rq), &pair[1], 1) != 0)
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

	rogue_begin();
	for (int i = 0; i < 4; i++)
		r[i] = rogue_start("read no answers");
	for (int i = 0; i < 4; i++)
		rogue_await(&r[i]);
	check_newcomer("ctest0");
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
		more[i] = booty;
		error = booty_attach(&more[i]);
		if (error != 0) {
			/* His own limit, or, where the engine has few descriptors, his user's. */
			CHECK(error == EMFILE || error == ENFILE);
			continue;
		}
		CHECK_EQ(booty_map(&more[i], 1), 0);
		DO(fcntl(more[i].uffd, F_SETFL, 0));
		CHECK_EQ(pthread_create(&t, NULL, touches, more[i].base), 0);
		got++;
	}
	CHECK(got > 0 || error == ENFILE);
	CHECK(got <= 8);
	rogue_says();
	rogue_waits();
}

/* Until it is refused. */
static void say_hello_twice(void)
{
	struct booty more[3];

	for (int i = 0; i < 3; i++) {
		more[i] = booty;
		CHECK_EQ(booty_attach(&more[i]), i < 2 ? 0 : EMFILE);
		if (i < 2)
			CHECK_EQ(booty_map(&more[i], 1), i < 1 ? 0 : ENFILE);
	}
	rogue_says();
	rogue_waits();
}

/* What the operator sees of it. */
static bool listed(const struct engine *e, const char *text)
{
	char command[2048], line[4096];
	bool found = false;
	FILE *f;

	snprintf(command, sizeof(command), "%s/bin/devmap list --json --dir %s",
		 getenv("DEVMAP_ROOT"), e->dir);
	f = popen(command, "re");
	CHECK(f != NULL);
	while (fgets(line, sizeof(line), f) != NULL)
		found |= strstr(line, text) != NULL;
	pclose(f);
	return found;
}

static void as_the_operator_says(void)
{
	struct engine e;
	struct rogue r;

	rogue_begin();
	e = start_engine(
		(const char *const[]){ "--limits", "process-sessions=2,user-windows=1", NULL });
	setenv("DEVMAP_DIR", e.dir, 1);
	r = rogue_start("say hello twice");
	rogue_await(&r);
	CHECK(listed(
		&e,
		"\"user\":65534,\"threads\":0,\"sessions\":2,\"windows\":1,\"silent\":0,\"refused\":2"));
	CHECK(listed(&e, "\"process-sessions\":2"));
	CHECK_EQ(stop_engine(&e), 0);
}

#define GREETERS 12

static void hellos(void)
{
	struct rogue r[GREETERS];

	rogue_begin();
	for (int i = 0; i < GREETERS; i++)
		r[i] = rogue_start("say hello");
	for (int i = 0; i < GREETERS; i++)
		rogue_await(&r[i]);
	check_newcomer("ctest0");
	CHECK(engine_said("sessions, and may have no more: refused") ||
	      engine_said("sessions, and all of his have too many: refused"));
}

/*
 * Calls of a driver that wait for their client
 */

#define CALLERS 300

/* The driver asks for a byte of ours, and is not told. */
static void *begins_a_round(void *arg)
{
	struct {
		struct dm_round head;
		struct ctest_op op;
		char room[256];
	} round = { .head = { .magic = DM_MAGIC,
			      .version = DM_VERSION,
			      .op = DM_ROUND_IOCTL,
			      .a = { CTEST_OP, 4096 },
			      .len = sizeof(struct ctest_op) },
		    .op = { .op = CT_OP_ECHO, .off = 1, .len = 1, .value = 1 } };

	__atomic_fetch_add((unsigned *)arg, 1, __ATOMIC_RELAXED);
	(void)ioctl(booty.fd, DM_ROUND(sizeof(round)), &round);
	rogue_waits();
	return NULL;
}

static void go_no_further(void)
{
	unsigned begun = 0;
	pthread_attr_t attr;
	pthread_t t;

	CHECK_EQ(pthread_attr_init(&attr), 0);
	CHECK_EQ(pthread_attr_setstacksize(&attr, 65536), 0);
	for (int i = 0; i < CALLERS; i++)
		CHECK_EQ(pthread_create(&t, &attr, begins_a_round, &begun), 0);
	AWAIT(__atomic_load_n(&begun, __ATOMIC_RELAXED) == CALLERS);
	for (int i = 0; i < 200; i++)
		nap(); /* for the engine to have them all */
	rogue_says();
	rogue_waits();
}

static void rounds(void)
{
	struct rogue r;

	rogue_begin();
	r = rogue_start("go no further");
	rogue_await(&r);
	check_newcomer("ctest0");
}

#define TOUCHES 900

/* Accesses for system calls, of a page that somebody else has locked. */
static void touch_it_often(void)
{
	struct dm_request rq = { .op = DM_TOUCH };
	int reply[TOUCHES];
	struct dm_reply re;
	int none;

	booty_map_new(&booty, 1);
	rq.a[0] = (uintptr_t)booty.base;
	rq.a[1] = PROT_WRITE;
	rogue_says();
	rogue_is_told(); /* that all of them are so far: what one of a user asks for, another waits for */
	for (int i = 0; i < TOUCHES; i++)
		reply[i] = rogue_ask(booty.session, &rq, -1);
	for (int i = 0; i < TOUCHES; i++)
		CHECK_EQ(rogue_receive(reply[i], &re, NULL, &none), 0);
	*(volatile uint64_t *)booty.base = 9;
}

static void touched(void)
{
	struct rogue r[5];
	struct actor *a;

	rogue_begin();
	a = new_actor_with("ctest0", 0, 1);
	put(a, AT(a, 0), 1);
	CHECK_EQ(lock(a, AT(a, 0), page), 0);
	for (int i = 0; i < 5; i++)
		r[i] = rogue_start("touch it often");
	for (int i = 0; i < 5; i++)
		rogue_await(&r[i]);
	for (int i = 0; i < 5; i++)
		rogue_go(&r[i]);
	for (int i = 0; i < 200; i++)
		nap(); /* for the engine to have what it may have of them */
	check_newcomer("ctest1");
	CHECK_EQ(unlock(a, AT(a, 0), page), 0);
	for (int i = 0; i < 5; i++)
		CHECK(WAS_OK(rogue_await_end(&r[i])));
	CHECK_EQ(get(a, AT(a, 0)), 1);
}

static const struct attack attacks[] = {
	{ "say hello twice", rogue_opens, say_hello_twice },
	{ "go no further", more_descriptors, go_no_further },
	{ "touch it often", more_descriptors, touch_it_often },
	{ "say hello", more_descriptors, say_hello },
	{ "send what lingers", more_descriptors, send_what_lingers },
	{ "read no answers", more_descriptors, read_no_answers },
	{ "talk nonsense", NULL, talk_nonsense },
};

static const struct test tests[] = {
	{ "C30 processes have as many sessions as they can", hellos },
	{ "C30 limits are the operator's, who sees what is held", as_the_operator_says },
	{ "C30 descriptors that take a minute to close are sent", lingers },
	{ "C30 answers are not read", unread },
	{ "C30 calls of a driver wait for rounds that do not come", rounds },
	{ "C30 threads access what somebody else has locked", touched },
	{ "C30 a client speaks nonsense: the log does not grow with it", nonsense },
};

int main(int argc, char **argv)
{
	if (rogue_is(argc, argv, attacks, sizeof(attacks) / sizeof(attacks[0])))
		return 0;
	return run_tests(argc, argv, tests, sizeof(tests) / sizeof(tests[0]), USER_ENGINE);
}
