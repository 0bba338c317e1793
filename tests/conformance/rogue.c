/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* See rogue.h. */
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"
#include "rogue.h"

#define NOBODY 65534

#ifndef UFFD_USER_MODE_ONLY
#define UFFD_USER_MODE_ONLY 1
#endif

/*
 * The director
 */

static void become_rogue(const char *attack, int line)
{
	DO(prctl(PR_SET_PDEATHSIG, SIGKILL));
	DO(chdir(getenv("DEVMAP_DIR")));
	unsetenv("LD_PRELOAD");
	if (line != ROGUE_LINE) {
		DO(dup2(line, ROGUE_LINE));
		close(line);
	}
	execl("/proc/self/exe", "rogue", "rogue", attack, (char *)NULL);
	fail(__FILE__, __LINE__, "exec: %s", error_text());
}

struct rogue rogue_start(const char *attack)
{
	struct rogue r;
	int ends[2];

	DO(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends));
	DO(fcntl(ends[0], F_SETFD, FD_CLOEXEC));
	r.pid = DO(fork());
	if (r.pid == 0)
		become_rogue(attack, ends[1]);
	close(ends[1]);
	r.line = ends[0];
	return r;
}

void rogue_await(const struct rogue *r)
{
	struct pollfd p = { .fd = r->line, .events = POLLIN };
	char byte;

	CHECK_EQ(poll(&p, 1, limit_ms()), 1);
	CHECK_EQ(read(r->line, &byte, 1), 1);
}

int rogue_await_end(struct rogue *r)
{
	const int status = await_pid(r->pid);

	close(r->line);
	return status;
}

/* May this process have so many descriptors, if it wants to? */
static bool may_have(rlim_t descriptors)
{
	struct rlimit rl, more;

	DO(getrlimit(RLIMIT_NOFILE, &rl));
	more = (struct rlimit){ descriptors, descriptors };
	if (rl.rlim_max >= descriptors)
		return true;
	return setrlimit(RLIMIT_NOFILE, &more) == 0 && setrlimit(RLIMIT_NOFILE, &rl) == 0;
}

void rogue_begin(void)
{
	if (geteuid() != 0)
		skip("about root's engine");
	if (!may_have(ROGUE_DESCRIPTORS))
		skip("a process may not have %d descriptors here", ROGUE_DESCRIPTORS);
	close(file_control());
}

/* The promise is 50 ms; on a busy machine it says little. Who is not protected waits for 10 s and more. */
int64_t may_wait(void)
{
	return 500 * MS * slowness();
}

void check_newcomer(const char *name)
{
	struct ctest_counts c;
	struct actor *a;
	int64_t since = now();
	int fd;

	a = new_actor_with(name, 0, 1);
	put(a, AT(a, 0), 8);
	CHECK_EQ(lock(a, AT(a, 0), page), 0);
	CHECK_EQ(unlock(a, AT(a, 0), page), 0);
	CHECK_EQ(get(a, AT(a, 0)), 8);
	leave_by_exit(a);
	fd = open_device(name);
	DO(ioctl(fd, CTEST_COUNTS, &c));
	close(fd);
	remark("a newcomer takes %lld us", (long long)(now() - since) / 1000);
	CHECK(now() - since < 10 * may_wait()); /* ten things that it waits for */
}

/*
 * The rogue
 */

struct booty booty;

void rogue_opens(void)
{
	CHECK_EQ(booty_open(&booty, "ctest0"), 0);
}

void become_nobody(void)
{
	if (geteuid() == 0 && getenv("DEVMAP_TEST_STAY") == NULL) {
		DO(setresgid(NOBODY, NOBODY, NOBODY));
		DO(setresuid(NOBODY, NOBODY, NOBODY));
	}
	DO(prctl(PR_SET_PDEATHSIG, SIGKILL)); /* which a change of rights has taken back */
}

bool rogue_is(int argc, char **argv, const struct attack *attacks, size_t n)
{
	if (argc != 3 || strcmp(argv[1], "rogue") != 0)
		return false;
	page = (size_t)sysconf(_SC_PAGESIZE);
	for (size_t i = 0; i < n; i++) {
		if (strcmp(attacks[i].name, argv[2]) != 0)
			continue;
		if (attacks[i].prepare != NULL)
			attacks[i].prepare();
		become_nobody();
		attacks[i].run();
		return true;
	}
	fail(__FILE__, __LINE__, "no attack is called %s", argv[2]);
}

void rogue_says(void)
{
	CHECK_EQ(write(ROGUE_LINE, "!", 1), 1);
}

void rogue_go(const struct rogue *r)
{
	CHECK_EQ(write(r->line, "!", 1), 1);
}

void rogue_is_told(void)
{
	char byte;

	CHECK_EQ(read(ROGUE_LINE, &byte, 1), 1);
}

void rogue_waits(void)
{
	for (;;)
		pause();
}

/* With as many descriptors as fit. */
int rogue_send(int sock, const void *message, size_t len, const int *fds, unsigned nfds)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int) * 253)];
	struct iovec iov = { .iov_base = (void *)message, .iov_len = len };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c = (struct cmsghdr *)control;

	if (nfds > 0) {
		memset(control, 0, sizeof(control));
		m.msg_control = control;
		m.msg_controllen = CMSG_SPACE(sizeof(int) * nfds);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * nfds);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * nfds);
	}
	return sendmsg(sock, &m, MSG_NOSIGNAL) < 0 ? errno : 0;
}

static int first_fd(struct msghdr *m)
{
	int fds[DM_PIECES_MAX];
	unsigned n = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (unsigned)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		memcpy(fds, CMSG_DATA(c), n * sizeof(int));
	}
	for (unsigned i = 1; i < n; i++)
		close(fds[i]);
	return n > 0 ? fds[0] : -1;
}

int rogue_receive(int sock, struct dm_reply *re, struct dm_piece *piece, int *fd)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int) * DM_PIECES_MAX)];
	struct dm_piece pieces[DM_PIECES_MAX];
	struct iovec iov[2] = { { .iov_base = re, .iov_len = sizeof(*re) },
				{ .iov_base = pieces, .iov_len = sizeof(pieces) } };
	struct msghdr m = { .msg_iov = iov,
			    .msg_iovlen = 2,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };
	const ssize_t n = recvmsg(sock, &m, MSG_CMSG_CLOEXEC);

	*fd = -1;
	if (n <= 0)
		return n == 0 || errno == ECONNRESET ? EPIPE : errno;
	*fd = first_fd(&m);
	if (piece != NULL && re->npieces > 0)
		*piece = pieces[0];
	return re->error;
}

int rogue_ask(int session, struct dm_request *rq, int fd)
{
	int pair[2], fds[2];

	DO(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair));
	fds[0] = pair[1];
	fds[1] = fd;
	rq->magic = DM_MAGIC;
	rq->version = DM_VERSION;
	if (rogue_send(session, rq, sizeof(*rq), fds, fd >= 0 ? 2 : 1) != 0) {
		close(pair[0]);
		pair[0] = -1;
	}
	close(pair[1]);
	return pair[0];
}

int rogue_door(uint64_t engine)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	const int n = snprintf(sa.sun_path, sizeof(sa.sun_path), DM_SIDE_DOOR,
			       (unsigned long long)engine);
	const int sock = DO(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));

	sa.sun_path[0] = '\0';
	DO(connect(sock, (struct sockaddr *)&sa,
		   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)n)));
	return sock;
}

int booty_open(struct booty *b, const char *name)
{
	struct {
		struct dm_round head;
		char data[sizeof(struct dm_file)];
	} round = { .head = { .magic = DM_MAGIC, .version = DM_VERSION, .op = DM_ROUND_FILE } };

	*b = (struct booty){ .uffd = -1, .session = -1, .window = -1 };
	b->fd = open(name, O_RDWR | O_CLOEXEC);
	if (b->fd < 0 || ioctl(b->fd, DM_ROUND(sizeof(round)), &round) != 0)
		return errno;
	memcpy(&b->file, round.data, sizeof(b->file));
	return 0;
}

int booty_attach(struct booty *b)
{
	struct dm_request rq = {
		.magic = DM_MAGIC, .version = DM_VERSION, .op = DM_ATTACH, .a = { 0, b->file.token }
	};
	struct dm_reply re;
	int door = rogue_door(b->file.info.engine), error;

	b->uffd = (int)DO(syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY));
	error = rogue_send(door, &rq, sizeof(rq), &b->uffd, 1);
	if (error == 0)
		error = rogue_receive(door, &re, NULL, &b->session);
	close(door);
	return error;
}

int booty_map(struct booty *b, unsigned pages)
{
	struct dm_request rq = { .op = DM_MMAP,
				 .a = { 0, pages * page, PROT_READ | PROT_WRITE, MAP_SHARED, 0,
					b->file.token } };
	struct dm_request commit = { .op = DM_COMMIT };
	struct dm_piece piece;
	struct dm_reply re;
	int reply, error, none;

	b->base = DO(mmap(NULL, pages * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	rq.a[0] = (uintptr_t)b->base;
	reply = rogue_ask(b->session, &rq, -1);
	error = rogue_receive(reply, &re, &piece, &b->window);
	close(reply);
	if (error != 0)
		return error;
	DO(mmap(b->base, piece.len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, b->window,
		(off_t)piece.fd_off));
	commit.a[0] = re.v[0];
	reply = rogue_ask(b->session, &commit, -1);
	error = rogue_receive(reply, &re, NULL, &none);
	close(reply);
	return error;
}

void booty_map_new(struct booty *b, unsigned pages)
{
	CHECK_EQ(booty_attach(b), 0);
	CHECK_EQ(booty_map(b, pages), 0);
}

char *memory_that_never_comes(unsigned pages, int *uffd)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register r = { .mode = UFFDIO_REGISTER_MODE_MISSING };

	*uffd = (int)DO(syscall(SYS_userfaultfd, O_CLOEXEC));
	DO(ioctl(*uffd, UFFDIO_API, &api));
	r.range.len = pages * page;
	r.range.start = (uintptr_t)DO(mmap(NULL, pages * page, PROT_READ | PROT_WRITE,
					   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	DO(ioctl(*uffd, UFFDIO_REGISTER, &r));
	return (char *)(uintptr_t)r.range.start;
}
