/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A program that knows nothing of devmap and does what programs do with devices, amid memory that it
 * allocates and frees: unaware DEVICE [file|stay|fail]. DEVICE is a ctest; "file": it can be read and
 * written, too. "stay": it maps a page, stores to it, says "ready" and waits to be killed. "fail": it lives
 * to see an access fail. It says what is wrong, and exits with 1 then.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../drivers/ctest.h"

#define MUST(what)                                                                            \
	do {                                                                                  \
		errno = 0;                                                                    \
		if (!(what)) {                                                                \
			printf("# unaware.c:%d: %s: %s\n", __LINE__, #what, strerror(errno)); \
			exit(1);                                                              \
		}                                                                             \
	} while (0)

#define PAGES 2

static size_t words; /* of the mapping */

/* Blocks of many sizes, so that the allocator maps, unmaps and gives back. */
static void *churn(void *unused)
{
	static const size_t sizes[] = { 24, 4096, 70000, 3 << 20 };
	char *block[64] = { NULL };

	for (unsigned i = 0; i < 1000; i++) {
		char **b = &block[i * 7 % 64];
		size_t size = sizes[i % 4] + i;

		free(*b);
		*b = malloc(size);
		MUST(*b != NULL);
		(*b)[0] = (*b)[size - 1] = 'x';
	}
	for (unsigned i = 0; i < 64; i++)
		free(block[i]);
	return unused;
}

static void store(volatile uint64_t *p, uint64_t value)
{
	for (size_t i = 0; i < words; i += 64)
		p[i] = value + i;
}

static void check(volatile uint64_t *p, uint64_t value)
{
	for (size_t i = 0; i < words; i += 64)
		MUST(p[i] == value + i);
}

static void arguments(int fd)
{
	const size_t len = 100000;
	unsigned char *from = malloc(len), *to = calloc(1, len);
	struct ctest_op op = {
		.op = CT_OP_ECHO, .off = (intptr_t)from, .len = len, .value = (uintptr_t)to
	};

	MUST(from != NULL && to != NULL);
	for (size_t i = 0; i < len; i++)
		from[i] = (unsigned char)(i * 7 + 1);
	MUST(ioctl(fd, CTEST_OP, &op) == 0);
	MUST(memcmp(from, to, len) == 0);
	free(from);
	free(to);
}

static void transfers(int fd)
{
	char text[16] = "";
	FILE *f;

	MUST(write(fd, "not aware", 9) == 9);
	MUST(lseek(fd, 4, SEEK_SET) == 4);
	MUST(read(fd, text, 5) == 5 && memcmp(text, "aware", 5) == 0);
	MUST(pread(fd, text, 3, 0) == 3 && memcmp(text, "not", 3) == 0);
	f = fdopen(dup(fd), "r");
	MUST(f != NULL && fseek(f, 0, SEEK_SET) == 0 && fread(text, 1, 9, f) == 9);
	MUST(memcmp(text, "not aware", 9) == 0 && fclose(f) == 0);
}

static void fork_one(volatile uint64_t *p)
{
	pid_t pid;
	int status;

	store(p, 0x1000);
	pid = fork();
	MUST(pid >= 0);
	if (pid == 0) {
		churn(NULL);
		check(p, 0x1000);
		store(p, 0x2000);
		check(p, 0x2000);
		/* No sanitizer is to count as lost what the thread had. */
		syscall(SYS_exit_group, 0);
	}
	check(p, 0x1000);
	store(p, 0x3000);
	MUST(waitpid(pid, &status, 0) == pid && status == 0);
	check(p, 0x3000);
}

static void mappings(int fd, size_t page)
{
	volatile uint64_t *p, *q;
	pthread_t thread;

	MUST((p = mmap(NULL, PAGES * page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)) !=
	     MAP_FAILED);
	words = PAGES * page / sizeof(*p);
	store(p, 0x10);
	check(p, 0x10);
	MUST(pthread_create(&thread, NULL, churn, NULL) == 0);
	for (unsigned i = 0; i < 3; i++)
		fork_one(p);
	MUST(pthread_join(thread, NULL) == 0);
	MUST((q = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)) != MAP_FAILED);
	MUST(q[0] == p[0]);
	MUST(munmap((void *)q, page) == 0);
	MUST(munmap((void *)p, PAGES * page) == 0);
}

static volatile uint64_t *map_page(int fd)
{
	void *p = mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		       0);

	MUST(p != MAP_FAILED);
	return p;
}

static void stay(int fd)
{
	*map_page(fd) = 7;
	puts("ready");
	for (;;)
		pause();
}

static sigjmp_buf after;

static void jump(int sig)
{
	siglongjmp(after, sig);
}

static void set(int fd, uint32_t knob, int64_t value)
{
	struct ctest_set set = { .knob = knob, .value = value };

	MUST(ioctl(fd, CTEST_SET, &set) == 0);
}

static void fail(int fd)
{
	volatile uint64_t *p = map_page(fd);
	volatile int sig;

	*p = 7;
	MUST(signal(SIGBUS, jump) != SIG_ERR);
	set(fd, CT_FAIL_VALUE, EIO);
	set(fd, CT_FAIL_COUNT, CT_EVERYBODY);
	set(fd, CT_FAIL_WHERE, 1 << CT_ACCESS);
	MUST(munmap((void *)p, (size_t)sysconf(_SC_PAGESIZE)) == 0);
	p = map_page(fd);
	sig = sigsetjmp(after, 1);
	if (sig == 0)
		*p = 8;
	MUST(sig == SIGBUS);
	set(fd, CT_FAIL_WHERE, 0);
}

static void everything(int fd)
{
	churn(NULL);
	mappings(fd, (size_t)sysconf(_SC_PAGESIZE));
	arguments(fd);
}

int main(int argc, char **argv)
{
	const int fd = argc > 1 ? open(argv[1], O_RDWR) : -1;
	const char *what = argc > 2 ? argv[2] : "";
	struct stat st;

	setvbuf(stdout, NULL, _IONBF, 0);
	MUST(fd >= 0);
	MUST(fstat(fd, &st) == 0 && S_ISCHR(st.st_mode));
	if (strcmp(what, "stay") == 0)
		stay(fd);
	if (strcmp(what, "fail") == 0)
		fail(fd);
	else
		everything(fd);
	if (strcmp(what, "file") == 0)
		transfers(fd);
	MUST(close(fd) == 0);
	puts("all is well");
	return 0;
}
