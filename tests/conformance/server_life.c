/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The user engine among clients that mean it no good, and its life as an operator sees it. The bad
 * clients speak the protocol themselves; the good ones that must not notice use the device as ever.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <linux/userfaultfd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <devmap/protocol.h>

#include "harness.h"

#define RW (PROT_READ | PROT_WRITE)

/* The protocol, by hand. */

static int knock(void)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	const int s = DO(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/.ctest0", getenv("DEVMAP_DIR"));
	DO(connect(s, (struct sockaddr *)&sa, sizeof(sa)));
	return s;
}

/* One message with up to four descriptors. */
static void send_to(int sock, const void *buf, size_t len, const int *fds, unsigned nfds)
{
	union {
		char buf[CMSG_SPACE(4 * sizeof(int))];
		struct cmsghdr align;
	} control = { .buf = "" };
	struct iovec iov = { .iov_base = (void *)buf, .iov_len = len };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (nfds > 0) {
		struct cmsghdr *c = (struct cmsghdr *)control.buf;

		m.msg_control = control.buf;
		m.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(nfds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, nfds * sizeof(int));
	}
	(void)!sendmsg(sock, &m, MSG_NOSIGNAL);
}

/* The answer and its first descriptor (-1: none); others are closed. False: there is no answer. */
static bool receive(int sock, struct dm_reply *re, int *fd)
{
	union {
		char buf[CMSG_SPACE(64 * sizeof(int))];
		struct cmsghdr align;
	} control;
	static struct dm_piece pieces[DM_PIECES_MAX];
	struct iovec iov[2] = { { re, sizeof(*re) }, { pieces, sizeof(pieces) } };
	struct msghdr m = { .msg_iov = iov,
			    .msg_iovlen = 2,
			    .msg_control = control.buf,
			    .msg_controllen = sizeof(control) };
	const ssize_t n = recvmsg(sock, &m, MSG_CMSG_CLOEXEC);
	struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&m) : NULL;

	*fd = -1;
	for (size_t i = 0; c != NULL && i < (c->cmsg_len - CMSG_LEN(0)) / sizeof(int); i++) {
		int got;

		memcpy(&got, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
		if (i == 0)
			*fd = got;
		else
			close(got);
	}
	return n >= (ssize_t)sizeof(*re);
}

static struct dm_request request(uint16_t op)
{
	return (struct dm_request){ .magic = DM_MAGIC, .version = DM_VERSION, .op = op };
}

/*
 * Asks on a session socket, or -1: at the door. The error of the answer, -1 if there is none; *re and *fd
 * too.
 */
static int say_to(int sock, struct dm_request rq, int extra, struct dm_reply *re, int *fd)
{
	int ends[2] = { -1, -1 }, fds[2], n = 0, error;

	if (sock < 0)
		ends[0] = sock = knock();
	else
		DO(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends));
	if (ends[1] >= 0)
		fds[n++] = ends[1];
	if (extra >= 0)
		fds[n++] = extra;
	send_to(sock, &rq, sizeof(rq), fds, (unsigned)n);
	if (ends[1] >= 0)
		close(ends[1]);
	error = receive(ends[0], re, fd) ? re->error : -1;
	close(ends[0]);
	return error;
}

#define DOOR (-1)

static int raw_open(void)
{
	struct dm_request rq = request(DM_OPEN);
	struct dm_reply re;
	int fd;

	rq.a[0] = O_RDWR;
	CHECK_EQ(say_to(DOOR, rq, -1, &re, &fd), 0);
	return fd;
}

static uint64_t token_of(int device)
{
	struct dm_reply re;
	int fd;

	CHECK_EQ(say_to(DOOR, request(DM_INFO), device, &re, &fd), 0);
	CHECK(re.v[0] != 0);
	return re.v[0];
}

static int ask_simply(int sock, uint16_t op, const uint64_t a[6])
{
	struct dm_request rq = request(op);
	struct dm_reply re;
	int fd, error;

	memcpy(rq.a, a, sizeof(rq.a));
	error = say_to(sock, rq, -1, &re, &fd);
	if (fd >= 0)
		close(fd);
	return error;
}

static int new_userfaultfd(void)
{
	return DO(syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY));
}

static int attach_with(uint64_t token, int uffd, int *sock)
{
	struct dm_request rq = request(DM_ATTACH);
	struct dm_reply re;

	rq.a[1] = token;
	return say_to(DOOR, rq, uffd, &re, sock);
}

/* A session's socket. */
static int raw_attach(uint64_t token)
{
	const int uffd = new_userfaultfd();
	int sock;

	CHECK_EQ(attach_with(token, uffd, &sock), 0);
	close(uffd);
	return sock;
}

static int mmap_request(int sock, uint64_t token, uintptr_t addr, uint64_t len, uint64_t off,
			uint64_t *id)
{
	struct dm_request rq = request(DM_MMAP);
	struct dm_reply re;
	int fd, error;

	rq.a[0] = addr;
	rq.a[1] = len;
	rq.a[2] = RW;
	rq.a[3] = MAP_SHARED;
	rq.a[4] = off;
	rq.a[5] = token;
	error = say_to(sock, rq, -1, &re, &fd);
	if (fd >= 0)
		close(fd);
	*id = re.v[0];
	return error;
}

/* What the engine holds. */

static pid_t parent_of(pid_t pid)
{
	char path[64];
	int parent = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "re");
	CHECK(f != NULL && fscanf(f, "%*d (%*[^)]) %*c %d", &parent) == 1);
	fclose(f);
	return parent;
}

static int descriptors(pid_t pid)
{
	char path[64];
	int n = 0;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	d = opendir(path);
	if (d == NULL)
		skip("the engine's descriptors cannot be counted: %s", error_text());
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

/* It works for others. */
static void check_works(void)
{
	struct actor *a = new_actor_with("ctest0", 0, 2);

	put(a, AT(a, 0), 77);
	CHECK_EQ(get(a, AT(a, 0)), 77);
	leave_by_exit(a);
}

/* The tests. */

static bool hung_up(int s)
{
	struct pollfd p = { .fd = s };

	return DO(poll(&p, 1, 0)) != 0;
}

/* They are still there when another has been and gone: it did not have to wait for their end. */
static void silent_visitors(void)
{
	const pid_t engine = engine_pid("ctest0");
	const int before = descriptors(engine);
	int s[600];

	for (size_t i = 0; i < 600; i++)
		s[i] = knock();
	check_works();
	for (size_t i = 0; i < 600; i++) {
		CHECK(!hung_up(s[i]));
		close(s[i]);
	}
	AWAIT(descriptors(engine) <= before);
}

static void garbage_at_the_door(void)
{
	const pid_t engine = engine_pid("ctest0");
	const int before = descriptors(engine);
	const int fds[4] = { 0, 1, 2, 0 };
	struct dm_request rq = request(DM_OPEN);
	struct dm_reply re;
	char junk[4096];
	int s, fd;

	memset(junk, 0xa5, sizeof(junk));
	for (size_t len = 0; len <= sizeof(junk); len += 256) {
		s = knock();
		send_to(s, junk, len, fds, len / 256 % 5);
		CHECK(!receive(s, &re, &fd));
		close(s);
	}
	rq.version = 99;
	s = knock();
	send_to(s, &rq, sizeof(rq), fds, 1);
	CHECK(receive(s, &re, &fd));
	CHECK_EQ(re.error, EPROTONOSUPPORT);
	close(s);
	s = knock();
	send_to(s, &rq, sizeof(rq), fds, 2); /* no request brings so many */
	CHECK(!receive(s, &re, &fd));
	close(s);
	check_works();
	AWAIT(descriptors(engine) <= before);
}

static void odd_descriptors(void)
{
	const pid_t engine = engine_pid("ctest0");
	const int before = descriptors(engine);
	const struct dm_request rq = request(DM_MUNMAP);
	int file = DO(open("/proc/self/exe", O_RDONLY)), pair[2], fd;
	struct dm_reply re;

	DO(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
	for (int i = 0; i < 50; i++) {
		const int device = raw_open(), sock = raw_attach(token_of(device));

		send_to(sock, &rq, sizeof(rq), NULL, 0);
		send_to(sock, &rq, sizeof(rq), &file, 1);
		send_to(sock, &rq, sizeof(rq), pair, 1);
		send_to(sock, &rq, 7, pair, 2);
		CHECK_EQ(say_to(DOOR, request(DM_INFO), device, &re, &fd), 0);
		CHECK_EQ(say_to(DOOR, request(DM_INFO), file, &re, &fd), EBADF);
		CHECK_EQ(say_to(DOOR, request(DM_IOCTL), pair[0], &re, &fd), EBADF);
		CHECK_EQ(attach_with(token_of(device), file, &fd), EINVAL);
		CHECK_EQ(attach_with(token_of(device), -1, &fd), EBADF);
		send_to(sock, "", 0, pair, 2); /* looks like the end */
		CHECK_ERRNO(send(device, "", 1, MSG_NOSIGNAL), EPIPE);
		close(sock);
		close(device);
	}
	check_works();
	AWAIT(descriptors(engine) <= before + 1); /* we have been given a number */
}

static void absurd_requests(void)
{
	const uint64_t token = token_of(raw_open());
	const int sock = raw_attach(token);
	const uintptr_t at =
		(uintptr_t)DO(mmap(NULL, 8 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	const uint64_t huge[] = { 0, 1ull << 40, 1ull << 63, UINT64_MAX, UINT64_MAX - page + 1 };
	uint64_t id, other;
	int uffd = new_userfaultfd(), fd;
	struct dm_reply re;

	for (size_t i = 0; i < sizeof(huge) / sizeof(huge[0]); i++) {
		CHECK(mmap_request(sock, token, at, huge[i], 0, &id) > 0);
		CHECK(mmap_request(sock, token, UINT64_MAX - page + 1, page + huge[i], 0, &id) > 0);
		CHECK_EQ(ask_simply(sock, DM_MOVE, ASK(at, huge[i], at + page)), EINVAL);
	}
	CHECK(mmap_request(sock, token, at + 1, page, 0, &id) > 0);
	CHECK(mmap_request(sock, token, at, page, UINT64_MAX - page + 1, &id) > 0);
	CHECK_EQ(mmap_request(sock, token + 1, at, page, 0, &id), EBADF);
	CHECK_EQ(mmap_request(sock, 0, at, page, 0, &id), EBADF);
	CHECK_EQ(mmap_request(sock, token, at, 2 * page, 0, &id), 0);
	CHECK_EQ(mmap_request(sock, token, at + page, page, 0, &other), EBUSY);
	CHECK_EQ(ask_simply(sock, DM_COMMIT, ASK(id + 1000)), EINVAL);
	CHECK(ask_simply(sock, DM_COMMIT, ASK(id)) != 0); /* no window stands there */
	CHECK_EQ(ask_simply(sock, DM_COMMIT, ASK(id)), EINVAL);
	CHECK_EQ(ask_simply(sock, DM_ABORT, ASK(id)), EINVAL);
	CHECK_EQ(say_to(sock, request(DM_CHILD), uffd, &re, &fd), EINVAL);
	CHECK_EQ(ask_simply(sock, DM_OPEN, ASK(0)), EPROTO);
	for (int i = 0; i < 300; i++) { /* answered on the socket itself, and nobody reads */
		struct dm_request here = request(DM_MUNMAP | DM_HERE);

		here.a[0] = at + (uint64_t)i;
		here.a[1] = huge[i % 5];
		send_to(sock, &here, sizeof(here), NULL, 0);
	}
	CHECK_EQ(ask_simply(DOOR, DM_IOCTL, ASK(0)), EBADF);
	CHECK_EQ(ask_simply(DOOR, DM_MMAP, ASK(0, token)), EPROTO);
	CHECK_EQ(ask_simply(DOOR, DM_IOCTL, ASK(0, token + 1)), EBADF);
	check_works();
}

/* A child's socket in the wrong hands: only the first who speaks is the child. */
static void child_twice(void)
{
	const int sock = raw_attach(token_of(raw_open()));
	int child, fd;
	struct dm_reply re;

	CHECK_EQ(say_to(sock, request(DM_FORK), -1, &re, &child), 0);
	CHECK_EQ(say_to(child, request(DM_CHILD), new_userfaultfd(), &re, &fd), 0);
	CHECK_EQ(say_to(child, request(DM_CHILD), new_userfaultfd(), &re, &fd), EINVAL);
	CHECK_EQ(say_to(sock, request(DM_FORK), -1, &re, &child), 0);
	CHECK_EQ(say_to(child, request(DM_CHILD), -1, &re, &fd), EBADF);
	check_works();
}

static void no_leaks(void)
{
	const pid_t engine = engine_pid("ctest0"), supervisor = parent_of(engine);
	struct actor *a;
	int before, kept;

	check_works();
	before = descriptors(engine);
	kept = descriptors(supervisor);
	a = new_actor("ctest0");
	for (int i = 0; i < 300; i++) {
		char *p = map_pages(a, i % 8, 1 + i % 3); /* a new window each time */

		put(a, p, i);
		CHECK_EQ(unmap(a, p, (1 + i % 3) * page), 0);
	}
	AWAIT(descriptors(supervisor) <= kept + 6);
	AWAIT(descriptors(engine) <= before + 12);
	leave_by_exit(a);
	AWAIT(descriptors(supervisor) <= kept);
	AWAIT(descriptors(engine) <= before);
}

/* 32 processes that all have the mapping, and use it. */
static void fork_bomb(void *arg)
{
	const int fd = open_device("ctest0");
	volatile uint64_t *p = DO(mmap(NULL, page, RW, MAP_SHARED, fd, 0));

	(void)arg;
	for (int i = 0; i < 5; i++)
		(void)DO(fork());
	*p = getpid();
	_exit(*p == (uint64_t)getpid() ? 0 : 1);
}

static void storms(void)
{
	const pid_t engine = engine_pid("ctest0");
	const int fd = control(), before = descriptors(engine);
	struct actor *a;

	for (int i = 0; i < 10; i++) {
		a = new_actor_with("ctest0", 0, 4);
		put(a, AT(a, 1), i);
		if (i % 2 == 0)
			leave_by_exec(a);
		else
			leave_by_kill(a);
		AWAIT(counts(fd).maps == 0);
		kill(a->pid, SIGKILL); /* what it executed holds the descriptor */
	}
	CHECK(WAS_OK(in_child(fork_bomb, NULL)));
	AWAIT(counts(fd).maps == 0);
	AWAIT(descriptors(engine) <= before);
}

/* A name of terminal commands and half characters is shown, and hides nobody. */
static void odd_name(void)
{
	char *p;
	int fd;

	DO(prctl(PR_SET_NAME, "\xff\x1b[2J\xc3"));
	fd = open_device("ctest0");
	p = DO(mmap(NULL, page, RW, MAP_SHARED, fd, 0));
	*(volatile uint64_t *)p = 1;
	CHECK_EQ(listed_owner("ctest0"), getpid());
	CHECK(statistic("ctest0", "mappings") > 0);
}

/* Of an engine of one's own. */

static pid_t serve(const char *dir, const char *driver, const char *second, const char *threads)
{
	char path[512], a[512], b[512], out[600];
	const char *root = getenv("DEVMAP_ROOT");
	const pid_t pid = DO(fork());

	if (pid != 0)
		return pid;
	snprintf(path, sizeof(path), "%s/bin/devmap", root);
	snprintf(a, sizeof(a), "%s/tests/drivers/%s", root, driver);
	snprintf(b, sizeof(b), "%s/tests/drivers/%s", root, second ? second : "");
	snprintf(out, sizeof(out), "%s/second.log", dir);
	unsetenv("LD_PRELOAD");
	(void)!freopen(out, "w", stderr);
	(void)!freopen("/dev/null", "w", stdout);
	execl(path, "devmap", "serve", "--threads", threads, "--dir", dir, a, second ? b : NULL,
	      NULL);
	_exit(127);
}

static bool second_said(const char *dir, const char *text)
{
	char path[600], line[512];
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), "%s/second.log", dir);
	f = fopen(path, "re");
	while (f != NULL && !found && fgets(line, sizeof(line), f) != NULL)
		found = strstr(line, text) != NULL;
	if (f != NULL)
		fclose(f);
	return found;
}

static void second_supervisor(void)
{
	const char *dir = getenv("DEVMAP_DIR");
	const int status = await_pid(serve(dir, "ctest.so", NULL, "4"));

	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	CHECK(second_said(dir, "ctest0: already served by another process"));
	check_works();
}

/* One driver that cannot be served is reason enough to serve none, whichever is ready first. */
static void bad_second_driver(void)
{
	struct engine e = start_engine((const char *const[]){ NULL });
	int status;

	CHECK_EQ(stop_engine(&e), 0);
	DO(mkdir(e.dir, 0700));
	status = await_pid(serve(e.dir, "ctest.so", "td_undef.so", "4"));
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) != 0);
	status = await_pid(serve(e.dir, "none.so", "ctest.so", "4"));
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) != 0);
}

/* What it has made before is taken away by the engine itself: its supervisor would have taken 10 s. */
static void name_taken(void)
{
	struct engine e = start_engine((const char *const[]){ NULL });
	char file[600], node[600];
	int64_t since;
	int status;

	CHECK_EQ(stop_engine(&e), 0);
	DO(mkdir(e.dir, 0700));
	snprintf(node, sizeof(node), "%s/ctest0", e.dir);
	snprintf(file, sizeof(file), "%s/ctest0b", e.dir);
	CHECK_EQ(write(DO(open(file, O_WRONLY | O_CREAT | O_EXCL, 0600)), "mine", 4), 4);
	since = now();
	status = await_pid(serve(e.dir, "ctest.so", NULL, "4"));
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	CHECK(now() - since < 5 * SECOND * slowness());
	CHECK(second_said(e.dir, "ctest0b: cannot serve: File exists"));
	CHECK_EQ(access(node, F_OK), -1);
	CHECK_EQ(access(file, F_OK), 0);
}

/* Told to stop when the first of its nodes is there, and the others are being made. */
static void stopped_at_start(void)
{
	struct engine e = start_engine((const char *const[]){ NULL });
	char node[600];

	CHECK_EQ(stop_engine(&e), 0);
	DO(mkdir(e.dir, 0700));
	snprintf(node, sizeof(node), "%s/ctest0", e.dir);
	for (int i = 0; i < 10; i++) {
		const pid_t pid = serve(e.dir, "ctest.so", NULL, "4");
		const int64_t end = now() + LIMIT_NS;

		while (access(node, F_OK) != 0 && now() < end)
			;
		CHECK_EQ(access(node, F_OK), 0);
		DO(kill(pid, SIGTERM));
		CHECK_EQ(await_pid(pid), 0);
		CHECK_EQ(access(node, F_OK), -1);
	}
}

static const char *const few[] = { "--threads", "4", NULL };

#define NEWS 100 /* the descriptor at which a client says that it is about to touch the device */

/* This program again, as a client of that engine. `news`: a pipe for NEWS, or -1. */
static pid_t run_client(const struct engine *e, const char *what, int news)
{
	const pid_t pid = DO(fork());

	if (pid == 0) {
		if (news != -1)
			DO(dup2(news, NEWS));
		setenv("DEVMAP_DIR", e->dir, 1);
		execl("/proc/self/exe", "server_life", "--client", what, NULL);
		_exit(127);
	}
	return pid;
}

/* td_names.so attaches only if all its names are its own. */
static void own_names(void)
{
	char driver[512];
	struct engine e;

	snprintf(driver, sizeof(driver), "%s/tests/drivers/td_names.so", getenv("DEVMAP_ROOT"));
	e = start_engine((const char *const[]){ driver, NULL });
	CHECK_EQ(stop_engine(&e), 0);
}

/*
 * More clients than threads wait inside the driver, which never lets them through. The killed are
 * seen to go, and the engine stops by itself (its supervisor would have ended it, and said so) if
 * the driver can be interrupted.
 */
static void busy_threads(void)
{
	struct engine e = start_engine(few);
	int news[2];
	pid_t pid[12];
	char byte;

	DO(pipe2(news, O_CLOEXEC));
	for (int i = 0; i < 12; i++)
		pid[i] = run_client(&e, "gated", news[1]);
	for (int i = 0; i < 4; i++) /* one for each thread: nobody else is heard from then on */
		CHECK_EQ(DO(read(news[0], &byte, 1)), 1);
	for (int i = 0; i < 12; i += 2) {
		kill(pid[i], SIGKILL);
		await_pid(pid[i]);
	}
	CHECK_EQ(stop_engine(&e), 0);
	for (int i = 1; i < 12; i += 2)
		CHECK(await_pid(pid[i]) != 0);
}

/*
 * A process has gone, and devmap_unmap(9E) for it does not return: the engine leaves without taking anything
 * away under it, as detach(9E) would.
 */
static void left_inside(void)
{
	struct engine e = start_engine((const char *const[]){ NULL });
	char node[600];
	pid_t pid;

	CHECK_EQ(stop_engine(&e), 0);
	DO(mkdir(e.dir, 0700));
	snprintf(node, sizeof(node), "%s/.ctest0", e.dir);
	pid = serve(e.dir, "ctest.so", NULL, "4");
	AWAIT(access(node, F_OK) == 0);
	CHECK_EQ(await_pid(run_client(&e, "leaves", -1)), 0);
	DO(kill(pid, SIGTERM));
	CHECK_EQ(await_pid(pid), 0);
	CHECK(second_said(e.dir, "clients still hold it open"));
	CHECK(!second_said(e.dir, "freed while it is mapped"));
}

/*
 * A driver that cannot be interrupted: the supervisor ends its engine, and its client gets SIGBUS.
 */
static void stuck_driver(void)
{
	struct engine e = start_engine(few);
	const pid_t pid = run_client(&e, "stuck", -1);
	int status;

	CHECK_EQ(await_pid(run_client(&e, "watch", -1)), 0);
	status = stop_engine(&e);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	CHECK_EQ(await_pid(pid), SIGBUS);
}

/* Ends when another client is inside the driver. */
static void watching_client(void)
{
	const int fd = open_device("ctest0");

	AWAIT(counts(fd).gated > 0);
	_exit(0);
}

static void leaving_client(void)
{
	const int fd = open_device("ctest0");
	char *p = DO(mmap(NULL, page, RW, MAP_SHARED, fd, 0));

	*(volatile uint64_t *)p = 1;
	knob(fd, CT_GATE_UNMAP, CT_EVERYBODY);
	_exit(0);
}

static void gated_client(enum ctest_knob gate)
{
	const int fd = open_device("ctest0");
	char *p = DO(mmap(NULL, page, RW, MAP_SHARED, fd, 0));

	knob(fd, gate, CT_EVERYBODY);
	(void)!write(NEWS, "", 1);
	*(volatile uint64_t *)p = 1;
	_exit(0);
}

static const struct test tests[] = {
	{ "visitors who say nothing keep nobody out", silent_visitors },
	{ "garbage at the door", garbage_at_the_door },
	{ "descriptors of the wrong kind are given back", odd_descriptors },
	{ "absurd requests fail", absurd_requests },
	{ "DM_CHILD counts once", child_twice },
	{ "mapping and unmapping leaves no descriptor behind", no_leaks },
	{ "storms of fork, exec and kill leave nothing behind", storms },
	{ "X4 a process with an odd name is listed", odd_name },
	{ "a second supervisor for a directory gives up", second_supervisor },
	{ "C26 a driver that cannot be served stops the others", bad_second_driver },
	{ "a name that a file has taken: nothing is served, and nothing is left", name_taken },
	{ "C28 a driver's global names are its own", own_names },
	{ "an engine that is told to stop while it starts", stopped_at_start },
	{ "all threads busy: the engine stops in bounded time", busy_threads },
	{ "C26 the engine stops while an unmap does not return: nothing is freed", left_inside },
	{ "a call that never returns: the engine is ended", stuck_driver },
};

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "--client") == 0) {
		page = sysconf(_SC_PAGESIZE);
		if (strcmp(argv[2], "watch") == 0)
			watching_client();
		if (strcmp(argv[2], "leaves") == 0)
			leaving_client();
		gated_client(strcmp(argv[2], "stuck") == 0 ? CT_GATE_CTXMGT : CT_GATE_ACCESS);
	}
	return run_tests(argc, argv, tests, sizeof(tests) / sizeof(tests[0]), USER_ENGINE);
}
