/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What it costs to move pages, without sessions, arbiter and drivers: window_load() and
 * window_unload() of 1, 16, 64 and 256 pages, and a whole switch, from one client's fault to the
 * next.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/param.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pages_impl.h"
#include "uffd_compat.h"

#define PAGES  256
#define ROUNDS 2000

static void fail(const char *what)
{
	(void)fprintf(stderr, "bench_pages: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void on_cpu(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	(void)sched_setaffinity(0, sizeof(set), &set);
}

static void send_fd(int sock, int fd)
{
	char none = 0;
	struct iovec iov = { .iov_base = &none, .iov_len = 1 };
	union {
		struct cmsghdr h;
		char room[CMSG_SPACE(sizeof(int))];
	} c = { .h = { .cmsg_level = SOL_SOCKET,
		       .cmsg_type = SCM_RIGHTS,
		       .cmsg_len = CMSG_LEN(sizeof(int)) } };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = sizeof(c)
	};

	memcpy(CMSG_DATA(&c.h), &fd, sizeof(fd));
	if (sendmsg(sock, &msg, 0) != 1)
		fail("sendmsg");
}

static int recv_fd(int sock)
{
	char none;
	struct iovec iov = { .iov_base = &none, .iov_len = 1 };
	union {
		struct cmsghdr h;
		char room[CMSG_SPACE(sizeof(int))];
	} c;
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = sizeof(c)
	};
	int fd;

	if (recvmsg(sock, &msg, MSG_CMSG_CLOEXEC) != 1)
		fail("recvmsg");
	memcpy(&fd, CMSG_DATA(&c.h), sizeof(fd));
	return fd;
}

struct client {
	pid_t pid;
	int sock;
	struct client_uffd uffd;
	struct window *window;
	uintptr_t addr;
};

/* Which pair of clients is to touch its window now; in memory that all processes share. */
static volatile int *turn;

/* Stores once and lets the other one of its pair run, while it is its pair's turn. */
static void client_main(int sock, int pair, int cpu)
{
	int uffd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY), fd;
	volatile uint64_t *p;

	on_cpu(cpu);
	if (uffd < 0)
		fail("userfaultfd");
	send_fd(sock, uffd);
	fd = recv_fd(sock);
	p = mmap(NULL, (size_t)PAGES * PAGESIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (write(sock, &p, sizeof(p)) != sizeof(p))
		fail("write");
	for (;;) {
		if (*turn == pair) {
			p[0]++;
			(void)sched_yield();
		} else {
			(void)usleep(1000);
		}
	}
}

static void client_fork(struct client *c, int pair, int cpu)
{
	int sv[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) != 0)
		fail("socketpair");
	c->pid = fork();
	if (c->pid == 0)
		client_main(sv[1], pair, cpu);
	close(sv[1]);
	c->sock = sv[0];
}

static void client_open(struct client *c, struct region *r)
{
	errno = -client_uffd_init(&c->uffd, recv_fd(c->sock));
	if (errno != 0)
		fail("client_uffd_init");
	errno = -window_create(r, &c->uffd, true, &c->window);
	if (errno != 0)
		fail("window_create");
	send_fd(c->sock, window_fd(c->window));
	if (read(c->sock, &c->addr, sizeof(c->addr)) != sizeof(c->addr))
		fail("read");
	errno = -window_register(c->window, c->addr, 0, (size_t)PAGES * PAGESIZE);
	if (errno != 0)
		fail("window_register");
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static double median_us(uint64_t *ns, unsigned n)
{
	qsort(ns, n, sizeof(*ns), compare);
	return (double)ns[n / 2] / 1000;
}

static void bench_moves(struct client *c, unsigned pages)
{
	static uint64_t load[ROUNDS], unload[ROUNDS];
	uint64_t t;

	for (unsigned i = 0; i < ROUNDS; i++) {
		t = pages_now();
		if (window_load(c->window, c->addr, 0, pages) != 0)
			fail("window_load");
		load[i] = pages_now() - t;
		t = pages_now();
		window_unload(c->window, 0, pages);
		unload[i] = pages_now() - t;
	}
	(void)printf("%4u pages: load %8.1f us, unload %8.1f us\n", pages, median_us(load, ROUNDS),
		     median_us(unload, ROUNDS));
}

/*
 * Serves whichever client of the pair faults, taking the pages from the other one; there is no
 * residence. Returns false when nobody has for a while.
 */
static bool serve(struct client *pair, unsigned pages)
{
	struct pollfd fds[2] = { { .fd = pair[0].uffd.fd, .events = POLLIN },
				 { .fd = pair[1].uffd.fd, .events = POLLIN } };
	struct uffd_msg msg;

	if (poll(fds, 2, 50) == 0)
		return false;
	for (int i = 0; i < 2; i++) {
		struct client *in = &pair[i], *out = &pair[1 - i];

		if (fds[i].revents == 0 || read(fds[i].fd, &msg, sizeof(msg)) != sizeof(msg))
			continue;
		window_unload(out->window, 0, pages);
		if (window_load(in->window, in->addr, 0, pages) != 0)
			fail("window_load");
		client_uffd_wake(&in->uffd, in->addr, PAGESIZE);
	}
	return true;
}

static void bench_switch(struct client *c, int pair, unsigned pages, const char *where)
{
	static uint64_t took[ROUNDS];
	struct client *two = &c[2 * pair];
	uint64_t t;

	*turn = pair;
	for (unsigned i = 0; i < ROUNDS; i++) {
		t = pages_now();
		(void)serve(two, pages);
		took[i] = pages_now() - t;
	}
	*turn = -1;
	while (serve(two, pages))
		;
	window_unload(two[0].window, 0, pages);
	window_unload(two[1].window, 0, pages);
	(void)printf("%4u pages: switch, %s: %8.1f us\n", pages, where, median_us(took, ROUNDS));
}

int main(void)
{
	static const unsigned sizes[] = { 1, 16, 64, 256 };
	struct client c[4];
	struct region *r;

	turn = mmap(NULL, PAGESIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (turn == MAP_FAILED)
		fail("mmap");
	*turn = -1;
	for (int i = 0; i < 4; i++)
		client_fork(&c[i], i / 2, i / 2);
	on_cpu(0);
	if (pages_init() != 0 || region_create("bench", (size_t)PAGES * PAGESIZE, &r) != 0)
		return 1;
	for (unsigned i = 0; i < 4; i++)
		client_open(&c[i], r);
	for (unsigned i = 0; i < 4; i++)
		bench_moves(&c[0], sizes[i]);
	for (unsigned i = 0; i < 4; i++)
		bench_switch(c, 0, sizes[i], "one processor");
	for (unsigned i = 0; i < 4; i++)
		bench_switch(c, 1, sizes[i], "clients on another");
	for (unsigned i = 0; i < 4; i++) {
		window_close(c[i].window);
		(void)kill(c[i].pid, SIGKILL);
		(void)waitpid(c[i].pid, NULL, 0);
		client_uffd_fini(&c[i].uffd);
		close(c[i].sock);
	}
	region_destroy(r);
	return 0;
}
