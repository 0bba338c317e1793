/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * C31 with --on-crash=resume: the engine is killed, another takes over, and clients go on with the contexts that
 * they had. The driver is keep (tests/drivers/keep.h), which stops where it is told to, so that it is killed
 * there; and scratch, whose clients never stop.
 *
 * A client is this program again, `--client FD`: it does what it is asked to over that socket, and answers.
 * Each word of a page tells whose page it is, which one, and how often it was stored.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../drivers/xfb.h"
#include "../drivers/keep.h"
#include "harness.h"

#define KILLS_MAX 5 /* of an engine within a minute, that it comes back from */

/* The client. */

enum command {
	OPEN = 1, /* text: the device */
	MAP,	  /* first page, pages */
	UNMAP,	  /* page, pages */
	MOVE,	  /* page, pages: elsewhere, in one piece */
	PUT,	  /* page, value */
	GET,	  /* page; result: the value, of all words of it */
	CONTROL,  /* ioctl command, argument */
	CLOSE,
	LOCK,	/* page, pages */
	FORK,	/* result: the child's socket comes along */
	PLAY,	/* page, value, ms: stores and loads; result: times */
	WORST,	/* result: the longest access of the last PLAY, us */
	CANVAS, /* screen and registers of an xfb */
	DRAW,	/* colour, ms: result: how often; -1: it is not there */
	PIXEL,	/* number; result: its colour */
	LEAVE
};

struct order {
	int what;
	uint64_t a[3];
	char text[32];
};

struct report {
	int64_t result;
	int error, signal;
};

static struct {
	int fd, sock, extra;
	struct report did;
	volatile uint64_t *page[KEEP_PAGES];
	uint64_t worst;
	volatile uint32_t *screen, *regs;
} client;

static uint64_t word(uint64_t value, size_t i)
{
	return value << 16 | i;
}

static void put_page(uint64_t n, uint64_t value)
{
	for (size_t i = 0; i < page / 8; i++)
		client.page[n][i] = word(value, i);
}

/* The value that all words of the page have; -1: they have not. */
static int64_t get_page(uint64_t n)
{
	const uint64_t value = client.page[n][0] >> 16;

	for (size_t i = 0; i < page / 8; i++)
		if (client.page[n][i] != word(value, i))
			return -1;
	return (int64_t)value;
}

/* What is there must be what was stored last, whatever happened meanwhile. */
static int64_t play(uint64_t n, uint64_t value, uint64_t ms)
{
	const int64_t end = now() + (int64_t)ms * MS;
	int64_t times = 0;

	client.worst = 0;
	put_page(n, value);
	do {
		const int64_t begun = now();
		uint64_t us;

		if (get_page(n) != (int64_t)(value + (uint64_t)times))
			return -1;
		put_page(n, value + (uint64_t)++times);
		us = (uint64_t)(now() - begun) / 1000;
		if (us > client.worst)
			client.worst = us;
	} while (now() < end);
	return times;
}

static int64_t map(uint64_t first, uint64_t pages)
{
	char *p = mmap(NULL, pages * page, PROT_READ | PROT_WRITE, MAP_SHARED, client.fd,
		       (off_t)(first * page));

	if (p == MAP_FAILED)
		return -1;
	for (uint64_t i = 0; i < pages; i++)
		client.page[first + i] = (uint64_t *)(p + i * page);
	return 0;
}

static int64_t move(uint64_t n, uint64_t pages)
{
	char *to = mmap(NULL, pages * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (mremap((void *)client.page[n], pages * page, pages * page,
		   MREMAP_MAYMOVE | MREMAP_FIXED, to) == MAP_FAILED)
		return -1;
	for (uint64_t i = 0; i < pages; i++)
		client.page[n + i] = (uint64_t *)(to + i * page);
	return 0;
}

/* xfb: the first pixels, which the engine fills, and the one behind them, which the program stores. */

#define CANVAS_PIXELS 32
#define CANVAS_BYTES  16384 /* of the screen: 64 by 64 */

static int64_t map_canvas(void)
{
	char *p = mmap(NULL, CANVAS_BYTES + XFB_REGISTERS_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
		       client.fd, 0);

	if (p == MAP_FAILED)
		return -1;
	client.screen = (uint32_t *)p;
	client.regs = (uint32_t *)(p + CANVAS_BYTES);
	return 0;
}

static volatile uint32_t *reg(unsigned offset)
{
	return &client.regs[offset / 4];
}

/* What was in flight when the engine died has ended with an error, and is done again. */
static void fill_canvas(uint32_t colour)
{
	uint32_t fence, error;

	do {
		*reg(XFB_ERROR) = 0;
		fence = *reg(XFB_FENCE);
		*reg(XFB_FOREGROUND) = colour;
		*reg(XFB_COMMAND) = XFB_FILL;
		while (*reg(XFB_FENCE) == fence)
			;
		CHECK_EQ(*reg(XFB_FENCE), fence + 1);
		error = *reg(XFB_ERROR);
		CHECK(error == 0 || error == XFB_ERROR_LOST);
	} while (error != 0);
}

static int64_t draw(uint32_t colour, uint64_t ms)
{
	const int64_t end = now() + (int64_t)ms * MS;
	int64_t times = 0;

	*reg(XFB_EXTENT_X) = CANVAS_PIXELS;
	*reg(XFB_EXTENT_Y) = 1;
	do {
		fill_canvas(colour + (uint32_t)times);
		client.screen[CANVAS_PIXELS] = colour;
		for (unsigned i = 0; i < CANVAS_PIXELS; i++)
			if (client.screen[i] != colour + (uint32_t)times)
				return -1;
		if (client.screen[CANVAS_PIXELS] != colour)
			return -1;
		times++;
	} while (now() < end);
	fill_canvas(colour);
	return times;
}

static void serve(int sock);

/* The child goes on as a client of its own, with a socket of its own. */
static int64_t fork_client(int *extra)
{
	int ends[2];
	pid_t pid;

	CHECK_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		close(client.sock);
		serve(ends[1]);
	}
	close(ends[1]);
	*extra = ends[0];
	return pid;
}

static int64_t obey(const struct order *o, int *extra)
{
	switch (o->what) {
	case OPEN:
		client.fd = open(o->text, O_RDWR);
		return client.fd;
	case MAP:
		return map(o->a[0], o->a[1]);
	case UNMAP:
		return munmap((void *)client.page[o->a[0]], o->a[1] * page);
	case MOVE:
		return move(o->a[0], o->a[1]);
	case PUT:
		put_page(o->a[0], o->a[1]);
		return 0;
	case GET:
		return get_page(o->a[0]);
	case CONTROL:
		return ioctl(client.fd, o->a[0], o->a[1]);
	case CLOSE:
		return close(client.fd);
	case LOCK:
		return mlock((void *)client.page[o->a[0]], o->a[1] * page);
	case FORK:
		return fork_client(extra);
	case PLAY:
		return play(o->a[0], o->a[1], o->a[2]);
	case WORST:
		return (int64_t)client.worst;
	case CANVAS:
		return map_canvas();
	case DRAW:
		return draw((uint32_t)o->a[0], o->a[1]);
	case PIXEL:
		return client.screen[o->a[0]];
	}
	_exit(0);
}

static void report(int sock, const struct report *r, int extra)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { .buf = { 0 } };
	struct iovec iov = { .iov_base = (void *)r, .iov_len = sizeof(*r) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (extra >= 0) {
		m.msg_control = control.buf;
		m.msg_controllen = sizeof(control.buf);
		CMSG_FIRSTHDR(&m)->cmsg_level = SOL_SOCKET;
		CMSG_FIRSTHDR(&m)->cmsg_type = SCM_RIGHTS;
		CMSG_FIRSTHDR(&m)->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(CMSG_FIRSTHDR(&m)), &extra, sizeof(int));
	}
	CHECK_EQ(sendmsg(sock, &m, 0), sizeof(*r));
	if (extra >= 0)
		close(extra);
}

static void serve(int sock)
{
	struct order o;

	client.sock = sock;
	while (recv(sock, &o, sizeof(o), 0) == sizeof(o)) {
		client.extra = -1;
		client.did = (struct report){ .result = -1 };
		errno = 0;
		client.did.signal = CAUGHT(client.did.result = obey(&o, &client.extra));
		client.did.error = errno;
		report(client.sock, &client.did, client.extra);
	}
	_exit(0);
}

/* The director. */

struct remote {
	int sock;
	pid_t pid;
	struct report last;
};

static struct engine engine;
static pid_t engine_process;

static void order(struct remote *r, int what, const char *text, uint64_t a, uint64_t b, uint64_t c)
{
	struct order o = { .what = what, .a = { a, b, c } };

	snprintf(o.text, sizeof(o.text), "%s", text != NULL ? text : "");
	CHECK_EQ(send(r->sock, &o, sizeof(o), 0), sizeof(o));
}

static bool reported(struct remote *r)
{
	return recv(r->sock, &r->last, sizeof(r->last), MSG_PEEK | MSG_DONTWAIT) > 0;
}

static int64_t await_report_with(struct remote *r, int *extra)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = { .iov_base = &r->last, .iov_len = sizeof(r->last) };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control.buf,
			    .msg_controllen = sizeof(control.buf) };

	AWAIT(reported(r));
	CHECK_EQ(recvmsg(r->sock, &m, 0), sizeof(r->last));
	if (extra != NULL && CMSG_FIRSTHDR(&m) != NULL)
		memcpy(extra, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(int));
	return r->last.result;
}

static int64_t await_report(struct remote *r)
{
	return await_report_with(r, NULL);
}

static int64_t tell(struct remote *r, int what, uint64_t a, uint64_t b)
{
	order(r, what, NULL, a, b, 0);
	return await_report(r);
}

static void tell_ok(struct remote *r, int what, uint64_t a, uint64_t b)
{
	if (tell(r, what, a, b) < 0 || r->last.signal != 0)
		fail(__FILE__, __LINE__, "order %d (%lld): signal %d, %s", what, (long long)a,
		     r->last.signal, strerror(r->last.error));
}

/* It finds what it had stored. */
static void check_value(struct remote *r, uint64_t n, int64_t value)
{
	const int64_t is = tell(r, GET, n, 0);

	CHECK_EQ(r->last.signal, 0);
	CHECK_EQ(is, value);
}

/* What it still has it may have for a moment, and nothing else. */
static void check_fails(struct remote *r, uint64_t n, int64_t value)
{
	const int64_t end = now() + LIMIT_NS;

	while (tell(r, GET, n, 0) == value && r->last.signal == 0)
		CHECK(now() < end);
	CHECK_EQ(r->last.signal, SIGBUS);
}

static struct remote spawn_client(void)
{
	struct remote r = { .sock = -1 };
	char number[16];
	int ends[2];

	CHECK_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	(void)fcntl(ends[0], F_SETFD, FD_CLOEXEC);
	snprintf(number, sizeof(number), "%d", ends[1]);
	r.pid = DO(fork());
	if (r.pid == 0) {
		execl("/proc/self/exe", "resume", "--client", number, NULL);
		_exit(127);
	}
	close(ends[1]);
	r.sock = ends[0];
	return r;
}

static struct remote open_client(const char *device)
{
	struct remote r = spawn_client();

	order(&r, OPEN, device, 0, 0, 0);
	CHECK(await_report(&r) >= 0);
	return r;
}

/* With all pages, which have this value. */
static struct remote new_client(int64_t value)
{
	struct remote r = open_client("/dev/keep0");

	tell_ok(&r, MAP, 0, KEEP_PAGES);
	for (uint64_t i = 0; i < KEEP_PAGES; i++)
		tell_ok(&r, PUT, i, (uint64_t)value);
	return r;
}

static void check_values(struct remote *r, int64_t value)
{
	for (uint64_t i = 0; i < KEEP_PAGES; i++)
		check_value(r, i, value);
}

static void end_client(struct remote *r)
{
	close(r->sock);
	if (r->pid > 0)
		(void)await_pid(r->pid);
}

static void begin(const char *driver, const char *properties, const char *device)
{
	char spec[512];

	snprintf(spec, sizeof(spec), "%s/%s%s", getenv("DEVMAP_ROOT"), driver, properties);
	engine = start_engine((const char *const[]){ "--on-crash", "resume", spec, NULL });
	setenv("DEVMAP_DIR", engine.dir, 1);
	engine_process = engine_pid(device);
}

static void begin_keep(const char *properties)
{
	begin("tests/drivers/keep.so", properties, "keep0");
}

/* Descriptors that are sockets hang up when the engine dies: what is mapped goes on, and no more is. */
static void begin_keep_as_file(const char *properties)
{
	char line[4096];
	bool mounted = false;
	FILE *f = fopen("/proc/self/mounts", "re");

	CHECK(f != NULL);
	begin_keep(properties);
	while (fgets(line, sizeof(line), f) != NULL)
		mounted = mounted || strstr(line, engine.dir) != NULL;
	fclose(f);
	if (mounted)
		return;
	(void)stop_engine(&engine);
	skip("the descriptor is a socket");
}

static void kill_engine(void)
{
	DO(kill(engine_process, SIGKILL));
	AWAIT(is_gone(engine_process));
}

/* The one that has taken over. */
static void await_engine(const char *device)
{
	pid_t next;

	AWAIT((next = engine_pid(device)) > 0 && next != engine_process);
	engine_process = next;
}

static void end(void)
{
	(void)stop_engine(&engine);
}

/* The driver is to stop there once; and it has, so often. */
static int64_t stop_next(struct remote *r, enum keep_point point)
{
	tell_ok(r, CONTROL, KEEP_STOP, point);
	tell_ok(r, CONTROL, KEEP_STOPS, 0);
	return r->last.result;
}

static void await_stop(struct remote *r, int64_t before)
{
	AWAIT(tell(r, CONTROL, KEEP_STOPS, 0) == before + 1);
}

/* The tests. */

static void test_goes_on(void)
{
	struct remote a, b;

	begin_keep_as_file("");
	a = new_client(5);
	b = new_client(6);
	kill_engine();
	check_values(&a, 5);
	check_values(&b, 6);
	tell_ok(&a, CONTROL, KEEP_LIVES, 0);
	CHECK_EQ(a.last.result, 2);
	tell_ok(&a, CONTROL, KEEP_COUNT, 0);
	CHECK_EQ(a.last.result, 2);
	end_client(&a);
	end_client(&b);
	end();
}

/* While another one, the owner, wants to know nothing of it. */
static void killed_in_access(enum keep_point point, bool owner_first)
{
	struct remote a = new_client(5), b = new_client(6), c = open_client("/dev/keep0");
	const int64_t stops = stop_next(&c, point);

	order(&a, GET, NULL, 2, 0, 0);
	await_stop(&c, stops);
	CHECK(!reported(&a));
	kill_engine();
	if (owner_first)
		check_values(&b, 6);
	CHECK_EQ(await_report(&a), 5);
	CHECK_EQ(a.last.signal, 0);
	check_values(&b, 6);
	check_values(&a, 5);
	await_engine("keep0");
	end_client(&a);
	end_client(&b);
	end_client(&c);
}

static void test_points_of_access(void)
{
	for (enum keep_point p = KEEP_ACCESS; p <= KEEP_LOADED; p++) {
		begin_keep("");
		killed_in_access(p, false);
		killed_in_access(p, true);
		end();
	}
}

/* The call is made again, or had been done. */
static void killed_in_call(enum keep_point point, int what, uint64_t x, uint64_t y)
{
	struct remote a = new_client(5), b = new_client(6), c = open_client("/dev/keep0");
	const int64_t stops = stop_next(&c, point);
	const char *device = what == OPEN ? "/dev/keep0" : NULL;

	order(&a, what, device, x, y, 0);
	await_stop(&c, stops);
	CHECK(!reported(&a));
	kill_engine();
	CHECK(await_report(&a) >= 0);
	CHECK_EQ(a.last.signal, 0);
	check_values(&b, 6);
	check_value(&a, 0, 5);
	check_value(&a, 3, 5);
	await_engine("keep0");
	tell_ok(&c, CONTROL, KEEP_COUNT, 0);
	CHECK_EQ(c.last.result, 2);
	end_client(&a);
	end_client(&b);
	end_client(&c);
}

static void test_points_of_calls(void)
{
	begin_keep_as_file("");
	killed_in_call(KEEP_OPEN, OPEN, 0, 0);
	killed_in_call(KEEP_IOCTL, CONTROL, KEEP_ECHO, 77);
	killed_in_call(KEEP_UNMAP, UNMAP, 1, 2);
	killed_in_call(KEEP_UNMAPPED, UNMAP, 1, 2);
	end();
	begin_keep("");
	killed_in_call(KEEP_DEVMAP, MAP, 1, 2);
	killed_in_call(KEEP_MAP, MAP, 1, 2);
	killed_in_call(KEEP_MAPPED, MAP, 1, 2);
	end();
}

static void killed_in_first_map(enum keep_point point)
{
	struct remote b = new_client(6), c = open_client("/dev/keep0"),
		      a = open_client("/dev/keep0");
	const int64_t stops = stop_next(&c, point);

	order(&a, MAP, NULL, 0, KEEP_PAGES, 0);
	await_stop(&c, stops);
	kill_engine();
	CHECK_EQ(await_report(&a), 0);
	CHECK_EQ(tell(&a, GET, 0, 0), -1); /* zeros: no numbered words */
	tell_ok(&a, PUT, 0, 9);
	check_values(&b, 6);
	check_value(&a, 0, 9);
	await_engine("keep0");
	end_client(&a);
	end_client(&b);
	end_client(&c);
}

static void test_points_of_mmap(void)
{
	begin_keep_as_file("");
	killed_in_first_map(KEEP_DEVMAP);
	killed_in_first_map(KEEP_MAP);
	killed_in_first_map(KEEP_MAPPED);
	end();
}

static struct remote forked(struct remote *r)
{
	struct remote child = { .sock = -1 };

	CHECK(await_report_with(r, &child.sock) > 0);
	CHECK(child.sock >= 0);
	return child;
}

static void killed_in_fork(enum keep_point point)
{
	struct remote a = new_client(5), b = new_client(6), c = open_client("/dev/keep0"), child;
	int64_t stops;

	tell_ok(&a, PUT, 1, 8); /* it is the owner */
	stops = stop_next(&c, point);
	order(&a, FORK, NULL, 0, 0, 0);
	await_stop(&c, stops);
	kill_engine();
	child = forked(&a);
	check_value(&child, 0, 5);
	check_value(&child, 1, 8);
	tell_ok(&child, PUT, 1, 9);
	check_values(&b, 6);
	check_value(&a, 1, 8);
	check_value(&child, 1, 9);
	await_engine("keep0");
	tell_ok(&c, CONTROL, KEEP_COUNT, 0);
	CHECK_EQ(c.last.result, 3);
	end_client(&child);
	end_client(&a);
	end_client(&b);
	end_client(&c);
}

static void test_points_of_fork(void)
{
	begin_keep_as_file("");
	killed_in_fork(KEEP_SAVING);
	killed_in_fork(KEEP_DUP);
	killed_in_fork(KEEP_COPYING);
	killed_in_fork(KEEP_COPIED);
	end();
}

static void test_children(void)
{
	struct remote a, child, grandchild;

	begin_keep("");
	a = new_client(5);
	order(&a, FORK, NULL, 0, 0, 0);
	child = forked(&a);
	tell_ok(&child, PUT, 0, 6);
	kill_engine();
	check_value(&a, 0, 5);
	check_value(&child, 0, 6);
	check_value(&child, 1, 5);
	order(&child, FORK, NULL, 0, 0, 0);
	grandchild = forked(&child);
	tell_ok(&grandchild, PUT, 1, 7);
	await_engine("keep0");
	kill_engine();
	check_value(&a, 1, 5);
	check_value(&child, 1, 5);
	check_value(&grandchild, 0, 6);
	check_value(&grandchild, 1, 7);
	end_client(&grandchild);
	end_client(&child);
	end_client(&a);
	end();
}

/* What is left of a mapping, and what was moved, stays where it is. */
static void test_parts(void)
{
	struct remote a, b;

	begin_keep_as_file("");
	a = new_client(5);
	b = new_client(6);
	tell_ok(&a, PUT, 0, 50);
	tell_ok(&a, PUT, 3, 53);
	tell_ok(&a, UNMAP, 1, 2);
	tell_ok(&b, MOVE, 0, KEEP_PAGES);
	tell_ok(&b, UNMAP, 3, 1);
	tell_ok(&b, MOVE, 0, 3);
	tell_ok(&b, PUT, 2, 62);
	for (int i = 0; i < 2; i++) {
		kill_engine();
		check_value(&a, 0, 50);
		check_value(&b, 0, 6);
		check_value(&b, 2, 62);
		check_value(&a, 3, 53);
		(void)tell(&a, GET, 1, 0);
		CHECK_EQ(a.last.signal, SIGSEGV);
		await_engine("keep0");
	}
	tell_ok(&a, MAP, 1, 2);
	check_value(&a, 1, 5);
	end_client(&a);
	end_client(&b);
	end();
}

static void test_descriptor(void)
{
	struct remote a, b;

	begin_keep_as_file("");
	a = new_client(5);
	b = new_client(6);
	tell_ok(&b, CLOSE, 0, 0); /* its mapping has the file now */
	kill_engine();
	CHECK_EQ(tell(&a, CONTROL, KEEP_ECHO, 7), 7);
	CHECK_EQ(tell(&a, CONTROL, 0x6bff, 0), -1);
	CHECK_EQ(a.last.error, ENOTTY);
	tell_ok(&a, CLOSE, 0, 0);
	order(&a, OPEN, "/dev/keep0", 0, 0, 0);
	CHECK(await_report(&a) >= 0);
	check_value(&a, 1, 5);
	check_value(&b, 1, 6);
	tell_ok(&a, MAP, 0, KEEP_PAGES);
	check_values(&a, 5);
	end_client(&a);
	end_client(&b);
	end();
}

static void test_lock(void)
{
	struct remote a, b;

	begin_keep("");
	a = new_client(5);
	b = new_client(6);
	tell_ok(&a, LOCK, 0, KEEP_PAGES);
	kill_engine();
	check_values(&b, 6);
	check_values(&a, 5);
	end_client(&a);
	end_client(&b);
	end();
}

static void test_nothing_kept(void)
{
	struct remote a, b;

	begin_keep(":keep=0");
	a = new_client(5);
	kill_engine();
	check_fails(&a, 0, 5);
	check_fails(&a, 3, 5);
	b = spawn_client();
	do {
		order(&b, OPEN, "/dev/keep0", 0, 0, 0);
	} while (await_report(&b) < 0);
	tell_ok(&b, MAP, 0, KEEP_PAGES);
	for (uint64_t i = 0; i < KEEP_PAGES; i++)
		tell_ok(&b, PUT, i, 6);
	check_fails(&a, 0, 5);
	check_values(&b, 6);
	end_client(&a);
	end_client(&b);
	end();
}

/* Nobody makes up for it; the others go on, and he may begin anew. */
static void test_one_is_lost(void)
{
	struct remote a, b;

	begin_keep_as_file("");
	a = new_client(5);
	b = new_client(6);
	tell_ok(&a, CONTROL, KEEP_LOSE, 0);
	kill_engine();
	check_values(&b, 6);
	check_fails(&a, 0, 5);
	check_fails(&a, 3, 5);
	CHECK_EQ(tell(&a, CONTROL, KEEP_ECHO, 7), 7);
	CHECK_EQ(tell(&a, CONTROL, KEEP_COUNT, 0), 1);
	tell_ok(&a, MAP, 0, KEEP_PAGES);
	CHECK_EQ(tell(&a, GET, 0, 0), -1); /* zeros, as of one who is new */
	tell_ok(&a, PUT, 0, 7);
	check_values(&b, 6);
	check_value(&a, 0, 7);
	await_engine("keep0");
	kill_engine();
	check_value(&a, 0, 7);
	check_values(&b, 6);
	end_client(&a);
	end_client(&b);
	end();
}

static void test_does_not_attach(void)
{
	struct remote a;

	begin_keep(":refuse=1");
	a = new_client(5);
	kill_engine();
	check_fails(&a, 0, 5);
	CHECK_EQ(tell(&a, CONTROL, KEEP_ECHO, 7), -1);
	order(&a, OPEN, "/dev/keep0", 0, 0, 0);
	CHECK_EQ(await_report(&a), -1);
	CHECK(a.last.error == ENXIO || a.last.error == ENOENT);
	end_client(&a);
	end();
}

static void test_dies_too_often(void)
{
	struct remote a;

	begin_keep("");
	a = new_client(5);
	for (int i = 0; i < KILLS_MAX; i++) {
		kill_engine();
		check_value(&a, 0, 5);
		await_engine("keep0");
	}
	kill_engine();
	check_fails(&a, 0, 5);
	end_client(&a);
	end();
}

static void test_client_ends_meanwhile(void)
{
	struct remote a, b;

	begin_keep_as_file("");
	a = new_client(5);
	b = new_client(6);
	DO(kill(engine.pid, SIGSTOP));
	kill_engine();
	DO(kill(a.pid, SIGKILL));
	CHECK_EQ(await_pid(a.pid), SIGKILL);
	DO(kill(engine.pid, SIGCONT));
	check_values(&b, 6);
	AWAIT(tell(&b, CONTROL, KEEP_COUNT, 0) == 1);
	check_values(&b, 6);
	a.pid = 0;
	end_client(&a);
	end_client(&b);
	end();
}

/* How many descriptors of a process are of something with this name. */
static unsigned descriptors_named(pid_t pid, const char *part)
{
	char path[320], link[256];
	struct dirent *e;
	unsigned n = 0;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	d = opendir(path);
	CHECK(d != NULL);
	while ((e = readdir(d)) != NULL) {
		ssize_t len;

		snprintf(path, sizeof(path), "/proc/%d/fd/%s", (int)pid, e->d_name);
		len = readlink(path, link, sizeof(link) - 1);
		link[len < 0 ? 0 : len] = '\0';
		n += strstr(link, part) != NULL;
	}
	closedir(d);
	return n;
}

/* An engine that takes over has what its own clients have, and its driver. */
static void check_descriptors(void)
{
	CHECK(descriptors_named(engine_process, "devmap keep") > 0);
	CHECK_EQ(descriptors_named(engine_process, "devmap ctest"), 0);
	CHECK_EQ(descriptors_named(engine_process, "userfaultfd"), 2); /* a client's, and its own */
}

static void test_other_driver(void)
{
	struct remote a, other;
	int64_t worst;

	begin_keep("");
	a = new_client(5);
	other = open_client("/dev/ctest0");
	tell_ok(&other, MAP, 0, KEEP_PAGES);
	order(&other, PLAY, NULL, 1, 1, 600);
	for (int i = 0; i < 3; i++) {
		kill_engine();
		check_value(&a, 0, 5);
		await_engine("keep0");
		check_descriptors();
	}
	CHECK(await_report(&other) > 0);
	CHECK_EQ(other.last.signal, 0);
	worst = tell(&other, WORST, 0, 0);
	remark("the longest access of another driver's client took %lld us", (long long)worst);
	CHECK(worst < 100000 * slowness());
	end_client(&a);
	end_client(&other);
	end();
}

static unsigned descriptors_of(pid_t pid)
{
	char path[64];
	unsigned n = 0;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	d = opendir(path);
	CHECK(d != NULL);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

static void test_leaves_nothing(void)
{
	unsigned before;
	struct remote a;

	begin_keep("");
	a = new_client(5);
	before = descriptors_of(engine.pid);
	for (int i = 0; i < KILLS_MAX - 1; i++) {
		struct remote b = new_client(6);

		kill_engine();
		check_values(&a, 5);
		check_values(&b, 6);
		await_engine("keep0");
		end_client(&b);
	}
	AWAIT(descriptors_of(engine.pid) == before);
	check_values(&a, 5);
	end_client(&a);
	AWAIT(descriptors_of(engine.pid) < before);
	end();
}

/* Each has a screen, registers, and what the engine draws for it. */
static void test_frame_buffer(void)
{
	static const char *const devices[3] = { "/dev/xfb0", "/dev/xfb0", "/dev/xfb1" };
	struct remote r[3];

	begin("lib/devmap/xfb.so", ":virtual-screens=1,width=64,height=64,instances=2", "xfb0");
	for (size_t i = 0; i < 3; i++) {
		r[i] = open_client(devices[i]);
		tell_ok(&r[i], CANVAS, 0, 0);
		order(&r[i], DRAW, NULL, (i + 1) << 20, 700, 0);
	}
	for (int i = 0; i < KILLS_MAX - 1; i++) {
		kill_engine();
		await_engine("xfb0");
	}
	for (size_t i = 0; i < 3; i++) {
		CHECK(await_report(&r[i]) > 0);
		CHECK_EQ(r[i].last.signal, 0);
	}
	kill_engine();
	for (size_t i = 0; i < 3; i++) {
		CHECK_EQ(tell(&r[i], PIXEL, 0, 0), (int64_t)((i + 1) << 20));
		CHECK_EQ(tell(&r[i], PIXEL, CANVAS_PIXELS, 0), (int64_t)((i + 1) << 20));
		end_client(&r[i]);
	}
	end();
}

/* What several processes have together goes on in none of them; who comes afterwards is served. */
static void test_shared_context(void)
{
	struct remote a, b, c;

	begin_keep(":devmap-share=1");
	a = new_client(5);
	b = new_client(6);
	kill_engine();
	check_fails(&a, 0, 5);
	check_fails(&b, 0, 6);
	await_engine("keep0");
	c = new_client(7);
	check_values(&c, 7);
	end_client(&a);
	end_client(&b);
	end_client(&c);
	end();
}

/* One screen for all, which is memory that all share: it is there all the time, and the device draws on it. */
static void test_shared_memory(void)
{
	struct remote a, b;

	begin("lib/devmap/xfb.so", ":virtual-screens=0,width=64,height=64", "xfb0");
	a = open_client("/dev/xfb0");
	tell_ok(&a, CANVAS, 0, 0);
	CHECK(tell(&a, DRAW, 7, 1) > 0);
	for (int i = 0; i < 2; i++) {
		kill_engine();
		CHECK_EQ(tell(&a, PIXEL, 0, 0), 7 + i);
		await_engine("xfb0");
		CHECK(tell(&a, DRAW, (uint64_t)(8 + i), 1) > 0);
		b = open_client("/dev/xfb0");
		tell_ok(&b, CANVAS, 0, 0);
		CHECK_EQ(tell(&b, PIXEL, 0, 0), 8 + i);
		CHECK_EQ(tell(&b, PIXEL, CANVAS_PIXELS, 0), 8 + i);
		end_client(&b);
	}
	end_client(&a);
	end();
}

/* Whenever it is killed: nobody finds what he has not stored last. */
static void kill_under_load(unsigned seed)
{
	struct remote r[4];

	srandom(seed);
	begin("lib/devmap/scratch.so", "", "scratch0");
	for (size_t i = 0; i < 4; i++) {
		r[i] = open_client("/dev/scratch0");
		tell_ok(&r[i], MAP, 0, 1);
		order(&r[i], PLAY, NULL, 0, (i + 1) << 24, 800);
	}
	for (int i = 0; i < KILLS_MAX; i++) {
		const int64_t until = now() + random() % 50 * MS;

		AWAIT(now() > until);
		kill_engine();
		await_engine("scratch0");
	}
	for (size_t i = 0; i < 4; i++) {
		CHECK(await_report(&r[i]) > 0);
		CHECK_EQ(r[i].last.signal, 0);
		end_client(&r[i]);
	}
	end();
}

static void test_under_load(void)
{
	/* On an emulated machine each takes a minute. */
	const unsigned rounds = getenv("DEVMAP_TEST_SLOW") != NULL ? 1 : 6;

	for (unsigned seed = 1; seed <= rounds; seed++)
		kill_under_load(seed);
}

static const struct test tests[] = {
	{ "C31 resume: clients go on", test_goes_on },
	{ "C31 resume: killed at each step of an access", test_points_of_access },
	{ "C31 resume: killed in a call", test_points_of_calls },
	{ "C31 resume: killed in a first mmap", test_points_of_mmap },
	{ "C31 resume: killed in a fork", test_points_of_fork },
	{ "C31 resume: children, and theirs", test_children },
	{ "C31 resume: what is left of mappings, and what was moved", test_parts },
	{ "C31 resume: descriptors, open and closed", test_descriptor },
	{ "C31 resume: a lock does not keep the device", test_lock },
	{ "C31 resume: SIGBUS where the driver keeps nothing", test_nothing_kept },
	{ "C31 resume: SIGBUS for one whose context is lost", test_one_is_lost },
	{ "C31 resume: SIGBUS where the driver does not attach again", test_does_not_attach },
	{ "C31 resume: SIGBUS after the sixth death within a minute", test_dies_too_often },
	{ "C31 resume: a client that ends meanwhile", test_client_ends_meanwhile },
	{ "C31 resume: other drivers' clients do not notice", test_other_driver },
	{ "C31 resume: the supervisor keeps nothing of the dead", test_leaves_nothing },
	{ "C31 resume: a frame buffer, its engine, and two of them", test_frame_buffer },
	{ "C31 resume: memory that all share", test_shared_memory },
	{ "C31 resume: a context that is shared", test_shared_context },
	{ "C31 resume: deaths under load, and no wrong value", test_under_load },
};

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "--client") == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		page = (size_t)sysconf(_SC_PAGESIZE);
		serve(atoi(argv[2]));
	}
	return run_tests(argc, argv, tests, sizeof(tests) / sizeof(tests[0]), USER_ENGINE);
}
