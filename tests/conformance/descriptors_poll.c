/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * poll(2), ppoll(2), select(2), pselect(2) and epoll(7) on a device that is a file which the kernel
 * serves: they say what chpoll(9E) says, and wake on pollwakeup(9F) (C2).
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

/* One of these ways to ask: which of POLLIN, POLLOUT and POLLPRI hold, within ms. */
typedef short (*asking)(int fd, int ms);

#define ASKED (POLLIN | POLLOUT | POLLPRI)

static short by_poll(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = ASKED };
	const int n = DO(poll(&p, 1, ms));

	CHECK_EQ(n, p.revents != 0);
	return p.revents;
}

static short by_ppoll(int fd, int ms)
{
	const struct timespec t = { .tv_sec = ms / 1000 };
	struct pollfd p = { .fd = fd, .events = ASKED };
	sigset_t mask;

	sigemptyset(&mask);
	CHECK_EQ(DO(ppoll(&p, 1, &t, &mask)), p.revents != 0);
	return p.revents;
}

/* select(2) knows POLLPRI as an exception. */
static short selected(int fd, int n, const fd_set *set)
{
	const bool in = FD_ISSET(fd, &set[0]), out = FD_ISSET(fd, &set[1]),
		   pri = FD_ISSET(fd, &set[2]);

	CHECK_EQ(n, in + out + pri);
	return (short)((in ? POLLIN : 0) | (out ? POLLOUT : 0) | (pri ? POLLPRI : 0));
}

static void ask_for(int fd, fd_set *set)
{
	for (int i = 0; i < 3; i++) {
		FD_ZERO(&set[i]);
		FD_SET(fd, &set[i]);
	}
}

static short by_select(int fd, int ms)
{
	struct timeval t = { .tv_sec = ms / 1000 };
	fd_set set[3];

	ask_for(fd, set);
	return selected(fd, DO(select(fd + 1, &set[0], &set[1], &set[2], &t)), set);
}

static short by_pselect(int fd, int ms)
{
	const struct timespec t = { .tv_sec = ms / 1000 };
	fd_set set[3];
	sigset_t mask;

	sigemptyset(&mask);
	ask_for(fd, set);
	return selected(fd, DO(pselect(fd + 1, &set[0], &set[1], &set[2], &t, &mask)), set);
}

static int new_epoll(int fd, uint32_t more)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLOUT | EPOLLPRI | more, .data.fd = fd };
	const int ep = DO(epoll_create1(EPOLL_CLOEXEC));

	DO(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e));
	return ep;
}

static short epolled(int ep, int fd, int ms)
{
	struct epoll_event e = { 0 };
	const int n = DO(epoll_wait(ep, &e, 1, ms));

	CHECK_EQ(n, e.events != 0);
	CHECK(n == 0 || e.data.fd == fd);
	return (short)e.events; /* the same bits */
}

static int level; /* an epoll instance that stays */

static short by_epoll(int fd, int ms)
{
	return epolled(level, fd, ms);
}

static const asking askings[] = { by_poll, by_ppoll, by_select, by_pselect, by_epoll };

#define ASKINGS (int)(sizeof(askings) / sizeof(askings[0]))

/* What the driver says, and nothing else; again and again; also after it has been taken back. */
static void as_the_driver_says(void)
{
	static const short says[] = { 0,       POLLIN, POLLOUT,		0, POLLIN | POLLOUT,
				      POLLPRI, 0,      POLLPRI | POLLIN };
	const int fd = file_control();

	level = new_epoll(fd, 0);
	for (int round = 0; round < 5; round++) {
		for (unsigned i = 0; i < sizeof(says) / sizeof(says[0]); i++) {
			knob(fd, CT_POLL_EVENTS, says[i]);
			for (int k = 0; k < ASKINGS; k++) {
				const short is = askings[(k + i) % ASKINGS](fd, 0);

				if (is != says[i])
					fail(__FILE__, __LINE__, "way %d says %#x, not %#x",
					     (int)(k + i) % ASKINGS, is, says[i]);
			}
		}
	}
}

/* Two processes that hand a turn to each other by way of the device. */

static volatile unsigned *answered; /* by the other */

static void answer_all(int fd, asking ask_it, unsigned n)
{
	for (unsigned i = 1; i <= n; i++) {
		const short is = ask_it(fd, limit_ms());

		if (is != (i % 2 ? POLLIN : POLLOUT))
			fail(__FILE__, __LINE__, "turn %u: %#x", i, is);
		knob(fd, CT_POLL_EVENTS, 0);
		*answered = i;
	}
}

#define TURNS 100

static void wake_ups(asking ask_it)
{
	const int fd = file_control();
	pid_t pid;

	answered = shared_memory(sizeof(*answered));
	pid = DO(fork());
	if (pid == 0) {
		const int own = open_device("ctest0");

		level = new_epoll(own, 0);
		answer_all(own, ask_it, TURNS);
		_exit(0);
	}
	for (unsigned i = 1; i <= TURNS; i++) {
		if (i % 3 == 0)
			nap(); /* for it to sleep, or not */
		knob(fd, CT_POLL_EVENTS, i % 2 ? POLLIN : POLLOUT);
		AWAIT(*answered == i);
	}
	CHECK(WAS_OK(await_pid(pid)));
}

static void wake_poll(void)
{
	wake_ups(by_poll);
}

static void wake_ppoll(void)
{
	wake_ups(by_ppoll);
}

static void wake_select(void)
{
	wake_ups(by_select);
}

static void wake_pselect(void)
{
	wake_ups(by_pselect);
}

static void wake_epoll(void)
{
	wake_ups(by_epoll);
}

/* Edges: told once, and again after each pollwakeup(9F). */
static void edges(void)
{
	const int fd = file_control(), ep = new_epoll(fd, EPOLLET);

	CHECK_EQ(epolled(ep, fd, 0), 0);
	for (int i = 0; i < 1000; i++) {
		knob(fd, CT_POLL_EVENTS, POLLIN);
		CHECK_EQ(epolled(ep, fd, limit_ms()), POLLIN);
		CHECK_EQ(epolled(ep, fd, 0), 0);
		if (i % 2 == 0)
			knob(fd, CT_POLL_EVENTS, 0);
		CHECK_EQ(epolled(ep, fd, 0), 0);
	}
}

/* Woken, but before anybody looks it is no longer true. */
static void taken_back(void)
{
	const int fd = file_control(), ep = new_epoll(fd, 0), edge = new_epoll(fd, EPOLLET);

	level = ep;
	for (int i = 0; i < 300; i++) {
		knob(fd, CT_POLL_EVENTS, POLLIN);
		knob(fd, CT_POLL_EVENTS, 0);
		CHECK_EQ(epolled(edge, fd, 0), 0);
		CHECK_EQ(askings[i % ASKINGS](fd, 0), 0);
	}
	knob(fd, CT_POLL_EVENTS, POLLIN);
	CHECK_EQ(epolled(edge, fd, limit_ms()), POLLIN);
}

/* One pollwakeup(9F) wakes all who wait, whatever they wait with, on whatever descriptor. */
#define SLEEPERS 10

static bool sleeps(pid_t pid)
{
	char path[64], state = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	if (f == NULL || fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
		state = 'R';
	if (f != NULL)
		fclose(f);
	return state == 'S';
}

static void all_wake(void)
{
	const int fd = file_control();
	volatile int *ready = shared_memory(SLEEPERS * sizeof(*ready));
	pid_t pid[SLEEPERS];

	for (int i = 0; i < SLEEPERS; i++) {
		pid[i] = DO(fork());
		if (pid[i] == 0) {
			const int own = i < ASKINGS ? fd : open_device("ctest0");

			level = new_epoll(own, 0);
			ready[i] = 1;
			CHECK_EQ(askings[i % ASKINGS](own, limit_ms()), POLLIN);
			_exit(0);
		}
	}
	for (int i = 0; i < SLEEPERS; i++)
		AWAIT(ready[i] && sleeps(pid[i]));
	knob(fd, CT_POLL_EVENTS, POLLIN);
	for (int i = 0; i < SLEEPERS; i++)
		CHECK(WAS_OK(await_pid(pid[i])));
}

static const struct test tests[] = {
	{ "C2 poll, select and epoll say what the driver says", as_the_driver_says },
	{ "C2 poll wakes", wake_poll },
	{ "C2 ppoll wakes", wake_ppoll },
	{ "C2 select wakes", wake_select },
	{ "C2 pselect wakes", wake_pselect },
	{ "C2 epoll wakes, level triggered", wake_epoll },
	{ "C2 epoll wakes, edge triggered, once for each wake-up", edges },
	{ "C2 readiness that is taken back is not reported", taken_back },
	{ "C2 a wake-up wakes all who wait", all_wake },
};

MAIN(tests, USER_ENGINE)
