/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A static program on a device that the kernel serves as a file: plain PATH YES, where PATH is a ctest's
 * node, which is ready to be read, and YES is "yes" if the engine must be able to copy the arguments of
 * ioctl(2); else it depends. It says what is wrong, and exits with 1 then.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../drivers/ctest.h"

#define MUST(what)                                                                          \
	do {                                                                                \
		errno = 0;                                                                  \
		if (!(what)) {                                                              \
			printf("# plain.c:%d: %s: %s\n", __LINE__, #what, strerror(errno)); \
			exit(1);                                                            \
		}                                                                           \
	} while (0)

static void *volatile nowhere = (void *)16;

static void transfers(int fd)
{
	char text[16] = "";

	MUST(write(fd, "static, plain", 13) == 13);
	MUST(lseek(fd, 8, SEEK_SET) == 8);
	MUST(read(fd, text, 5) == 5 && strcmp(text, "plain") == 0);
	MUST(pread(fd, text, 6, 0) == 6 && strncmp(text, "static", 6) == 0);
	MUST(lseek(fd, 0, SEEK_CUR) == 13);
}

static void waiting(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT };

	MUST(poll(&p, 1, 0) == 1 && p.revents == POLLIN);
}

static void locks(const char *path, int fd)
{
	const int other = open(path, O_RDWR);

	MUST(other >= 0);
	MUST(flock(fd, LOCK_EX | LOCK_NB) == 0);
	MUST(flock(other, LOCK_EX | LOCK_NB) == -1 && errno == EWOULDBLOCK);
	MUST(flock(fd, LOCK_UN) == 0);
	MUST(flock(other, LOCK_EX | LOCK_NB) == 0);
	MUST(close(other) == 0);
}

static void mappings(int fd)
{
	MUST(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED &&
	     errno == ENODEV);
	MUST(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED && errno == ENODEV);
}

static void arguments(int fd, int must_copy)
{
	static char from[300000], to[sizeof(from)];
	struct ctest_counts counts;
	struct ctest_op op = {
		.op = CT_OP_ECHO, .off = (intptr_t)from, .len = sizeof(from), .value = (uintptr_t)to
	};

	if (!must_copy && ioctl(fd, CTEST_COUNTS, &counts) == -1) {
		MUST(ioctl(fd, CTEST_COUNTS, &counts) == -1 && errno == ENOTTY);
		return;
	}
	for (size_t i = 0; i < sizeof(from); i++)
		from[i] = (char)(i * 7 + 1);
	MUST(ioctl(fd, CTEST_OP, &op) == 0);
	MUST(memcmp(from, to, sizeof(from)) == 0);
	op.value = (uintptr_t)nowhere;
	MUST(ioctl(fd, CTEST_OP, &op) == -1 && errno == EFAULT);
	MUST(ioctl(fd, CTEST_COUNTS, nowhere) == -1 && errno == EFAULT);
	MUST(ioctl(fd, 0x1234, &op) == -1 && errno == ENOTTY);
}

int main(int argc, char **argv)
{
	const int fd = argc == 3 ? open(argv[1], O_RDWR) : -1;
	struct stat st;

	setvbuf(stdout, NULL, _IONBF, 0);
	MUST(fd >= 0);
	MUST(fstat(fd, &st) == 0 && S_ISREG(st.st_mode));
	transfers(fd);
	waiting(fd);
	locks(argv[1], fd);
	mappings(fd);
	arguments(fd, strcmp(argv[2], "yes") == 0);
	MUST(close(fd) == 0);
	return 0;
}
