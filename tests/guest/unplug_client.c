/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * usage: unplug_client DEVICE WAY
 *
 * Uses a device until it is taken away, and ends with status 0 if it found that as it should:
 * SIGBUS, and ENODEV in all calls. Says "ready" on standard output when it is at it. WAY:
 *
 *   map     touches a mapping over and over; so does a child
 *   read    sleeps in read(9E)
 *   copy    in an ioctl(2) whose argument never comes
 *   poll    sleeps in poll(2)
 *   refuse  has the driver's next detach(9E) refuse, and ends at once
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../drivers/kbar.h"

static sigjmp_buf escape;

static void on_bus(int sig)
{
	(void)sig;
	siglongjmp(escape, 1);
}

static void ready(void)
{
	if (write(1, "ready\n", 6) != 6)
		err(1, "ready");
}

static volatile uint32_t *map_page(int fd)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
}

/* All that can be asked of a file whose device is gone. */
static void check_gone(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char c;

	if (read(fd, &c, 1) != -1 || errno != ENODEV)
		err(1, "read");
	if (write(fd, &c, 1) != -1 || (errno != ENODEV && errno != EINVAL))
		err(1, "write");
	if (ioctl(fd, 0x4242, 0) != -1 || errno != ENODEV)
		err(1, "ioctl");
	if (lseek(fd, 0, SEEK_SET) != -1 || errno != ENODEV)
		err(1, "lseek");
	if (map_page(fd) != MAP_FAILED || errno != ENODEV)
		err(1, "mmap");
	if (poll(&p, 1, 0) != 1 || (p.revents & POLLHUP) == 0)
		errx(1, "poll: %#x", (unsigned)p.revents);
}

static void touch_until_gone(volatile uint32_t *page)
{
	volatile uint32_t sum = 0;

	signal(SIGBUS, on_bus);
	if (sigsetjmp(escape, 1) == 0)
		for (;;)
			sum += *page;
	if (sigsetjmp(escape, 1) == 0) {
		*page = sum;
		errx(1, "a store to what is gone succeeds");
	}
}

static void way_map(int fd)
{
	volatile uint32_t *page = map_page(fd);
	int status;
	pid_t child;

	if (page == MAP_FAILED)
		err(1, "mmap");
	(void)*page;
	child = fork();
	if (child != 0)
		ready();
	touch_until_gone(page);
	check_gone(fd);
	if (child == 0)
		_exit(0);
	if (waitpid(child, &status, 0) != child || status != 0)
		errx(1, "the child's wait status is %#x", (unsigned)status);
	child = fork();
	if (child == 0) {
		touch_until_gone(page);
		_exit(0);
	}
	if (waitpid(child, &status, 0) != child || status != 0)
		errx(1, "the late child's wait status is %#x", (unsigned)status);
	if (munmap((void *)(uintptr_t)page, 4096) != 0)
		err(1, "munmap");
}

static void way_read(int fd)
{
	char c;

	ready();
	if (pread(fd, &c, 1, KBAR_SLEEP) != -1 || (errno != EINTR && errno != ENODEV))
		err(1, "read that slept");
	check_gone(fd);
}

static void way_poll(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	ready();
	if (poll(&p, 1, -1) != 1 || (p.revents & POLLHUP) == 0)
		errx(1, "poll that slept: %#x", (unsigned)p.revents);
	check_gone(fd);
}

/* A page that a userfaultfd of ours should fill, which nobody does. */
static void *bottomless(void)
{
	const int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	reg.range.start = (uintptr_t)p;
	reg.range.len = 4096;
	if (fd < 0 || ioctl(fd, UFFDIO_API, &api) != 0 || ioctl(fd, UFFDIO_REGISTER, &reg) != 0)
		err(1, "userfaultfd");
	return p;
}

/* It is killed. */
static void way_copy(int fd)
{
	void *p = bottomless();

	ready();
	(void)ioctl(fd, KBAR_COPY, p);
	errx(1, "a copy of what never comes has ended");
}

int main(int argc, char **argv)
{
	const int fd = argc == 3 ? open(argv[1], O_RDWR) : -1;

	if (fd < 0)
		err(1, "DEVICE WAY");
	if (strcmp(argv[2], "map") == 0)
		way_map(fd);
	else if (strcmp(argv[2], "read") == 0)
		way_read(fd);
	else if (strcmp(argv[2], "poll") == 0)
		way_poll(fd);
	else if (strcmp(argv[2], "copy") == 0)
		way_copy(fd);
	else if (strcmp(argv[2], "refuse") == 0)
		return ioctl(fd, KBAR_REFUSE, 0) == 0 ? 0 : 1;
	else
		errx(1, "no such way");
	return 0;
}
