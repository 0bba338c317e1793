/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * usage: stats_client DEVICE
 *
 * Two processes share a ctest device: one has it, the other waits out its hold, forks, and unmaps.
 * All that can be counted or traced of it has happened then.
 */
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../drivers/ctest.h"

#define HOLD_NS 1000000000 /* time enough for another to come and wait */

static volatile uint64_t *map_device(int fd, size_t len)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (p == MAP_FAILED)
		err(1, "mmap");
	return p;
}

static void await(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid || status != 0)
		errx(1, "a child's wait status is %#x", status);
}

/* The other process: by a mapping of its own, which a child of its own gets too. */
static void contend(const char *name, size_t len)
{
	const int fd = open(name, O_RDWR);
	volatile uint64_t *p = map_device(fd, len);
	pid_t pid;

	p[0] = 2;
	pid = fork();
	if (pid == 0) {
		p[0] = 3;
		_exit(0);
	}
	await(pid);
	if (munmap((void *)p, len) != 0)
		err(1, "munmap");
	_exit(0);
}

int main(int argc, char **argv)
{
	const size_t len = 2 * (size_t)sysconf(_SC_PAGESIZE);
	const int fd = argc == 2 ? open(argv[1], O_RDWR) : -1;
	const struct ctest_set hold = { .knob = CT_HOLD_NS, .value = HOLD_NS };
	volatile uint64_t *p;
	int owned[2];
	char byte = 0;
	pid_t pid;

	if (fd < 0)
		err(1, "DEVICE");
	if (ioctl(fd, CTEST_RESET, NULL) != 0 || ioctl(fd, CTEST_SET, &hold) != 0)
		err(1, "ioctl");
	if (pipe(owned) != 0)
		err(1, "pipe");
	pid = fork();
	if (pid == 0) {
		if (read(owned[0], &byte, 1) != 1)
			err(1, "read");
		contend(argv[1], len);
	}
	p = map_device(fd, len);
	p[0] = 1;
	if (write(owned[1], &byte, 1) != 1)
		err(1, "write");
	await(pid);
	if (p[0] != 1)
		errx(1, "the other's value is here");
	return 0;
}
