/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * ioctl(2) on a device that is a file which the kernel serves: what ddi_copyin(9F) and ddi_copyout(9F)
 * move, of every length, from and to every kind of memory, and clients that do not come back (C2).
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

#define RW  (PROT_READ | PROT_WRITE)
#define MAX (1u << 20)

static const size_t lengths[] = { 1, 7, 4096, 4097, 16384, 16385, 70000, MAX };

#define LENGTHS (sizeof(lengths) / sizeof(lengths[0]))

static int echo(int fd, const void *from, void *to, size_t len)
{
	struct ctest_op op = {
		.op = CT_OP_ECHO, .off = (intptr_t)from, .len = len, .value = (uintptr_t)to
	};

	return ioctl(fd, CTEST_OP, &op);
}

static void fill(char *p, size_t len, unsigned seed)
{
	for (size_t i = 0; i < len; i++)
		p[i] = (char)(i * 7 + (i >> 8) + seed);
}

/* All of it comes back, and nothing beside it. */
static void check_echo(int fd, char *from, char *to, size_t len, unsigned seed)
{
	fill(from, len, seed);
	memset(to, 0x55, len);
	to[len] = 0x5a;
	DO(echo(fd, from, to, len));
	CHECK(memcmp(from, to, len) == 0);
	CHECK_EQ(to[len], 0x5a);
}

static void on_the_stack(void)
{
	const int fd = file_control();
	char from[MAX + 1], to[MAX + 1];

	for (unsigned i = 0; i < LENGTHS; i++) {
		check_echo(fd, from, to, lengths[i], i);
		/* ending where the array ends, near our frame */
		check_echo(fd, from + MAX - lengths[i], to + MAX - lengths[i], lengths[i], i);
	}
}

/* The arguments themselves elsewhere than on the stack, too. */
static void on_the_heap(void)
{
	const int fd = file_control();
	struct ctest_op *op = malloc(sizeof(*op));
	char *from = malloc(MAX + 1), *to = malloc(MAX + 1);

	CHECK(from != NULL && to != NULL && op != NULL);
	for (unsigned i = 0; i < LENGTHS; i++) {
		check_echo(fd, from, to, lengths[i], i);
		fill(from, lengths[i], i + 1);
		*op = (struct ctest_op){ .op = CT_OP_ECHO,
					 .off = (intptr_t)from,
					 .len = lengths[i],
					 .value = (uintptr_t)to };
		DO(ioctl(fd, CTEST_OP, op));
		CHECK(memcmp(from, to, lengths[i]) == 0);
	}
	free(op);
	free(from);
	free(to);
}

/* len bytes up to the end of memory, behind which there is none. */
static char *before_nothing(size_t len, int prot)
{
	const size_t pages = (len + page - 1) / page;
	char *p = DO(mmap(NULL, (pages + 1) * page, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));

	fill(p, pages * page, 9);
	DO(mprotect(p, pages * page, prot));
	DO(munmap(p + pages * page, page));
	return p + pages * page - len;
}

static void up_to_the_end_of_memory(void)
{
	const int fd = file_control();
	char *heap = malloc(MAX + 1);

	CHECK(heap != NULL);
	for (unsigned i = 0; i < LENGTHS; i++) {
		const size_t len = lengths[i];
		char *from = before_nothing(len, PROT_READ), *to = before_nothing(len, RW);

		DO(echo(fd, from, to, len));
		CHECK(memcmp(from, to, len) == 0);
		if (len == MAX)
			continue;
		CHECK_ERRNO(echo(fd, from, to, len + 1), EFAULT);
		CHECK_ERRNO(echo(fd, from, heap, len + 1), EFAULT);
		CHECK_ERRNO(echo(fd, heap, to, len + 1), EFAULT);
	}
	free(heap);
}

/* EFAULT, and the process is none the worse. */
static void memory_that_refuses(void)
{
	const int fd = file_control();
	char *heap = malloc(MAX);
	char *readable = DO(mmap(NULL, MAX, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	char *none = DO(mmap(NULL, MAX, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	char *gone = DO(mmap(NULL, MAX, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));

	CHECK(heap != NULL);
	DO(munmap(gone, MAX));
	for (unsigned i = 0; i < LENGTHS; i++) {
		memset(heap, 3, lengths[i]);
		CHECK_ERRNO(echo(fd, heap, readable, lengths[i]), EFAULT);
		CHECK_EQ(readable[0], 0);
		DO(echo(fd, readable, heap, lengths[i]));
		CHECK(memcmp(readable, heap, lengths[i]) == 0);
		CHECK_ERRNO(echo(fd, heap, none, lengths[i]), EFAULT);
		CHECK_ERRNO(echo(fd, none, heap, lengths[i]), EFAULT);
		CHECK_ERRNO(echo(fd, heap, gone, lengths[i]), EFAULT);
		CHECK_ERRNO(echo(fd, gone, heap, lengths[i]), EFAULT);
	}
	CHECK_ERRNO(ioctl(fd, CTEST_COUNTS, readable), EFAULT);
	CHECK_ERRNO(ioctl(fd, CTEST_OP, none), EFAULT);
	CHECK_ERRNO(ioctl(fd, CTEST_OP, gone), EFAULT);
	CHECK_ERRNO(ioctl(fd, CTEST_OP, NULL), EFAULT);
	free(heap);
}

/* A driver may store and fail all the same. */
static void stored_before_an_error(void)
{
	const int fd = file_control();
	struct ctest_op wrong = { .op = CT_OP_PEEK, .off = -1 }, op = wrong;
	struct ctest_op *far = malloc(sizeof(*far));

	CHECK(far != NULL);
	CHECK_ERRNO(ioctl(fd, CTEST_OP, &op), EINVAL);
	CHECK_EQ(op.result, EINVAL);
	*far = wrong;
	CHECK_ERRNO(ioctl(fd, CTEST_OP, far), EINVAL);
	CHECK_EQ(far->result, EINVAL);
	free(far);
}

/* The second half of what is copied is not there: the first is. */
static void memory_that_ends(void)
{
	const int fd = file_control();
	char *p = DO(mmap(NULL, 8 * page, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	char from[4000];

	fill(from, sizeof(from), 1);
	for (unsigned i = 1; i < 8; i += 2)
		DO(mprotect(p + i * page, page, PROT_NONE));
	for (unsigned i = 0; i < 8; i += 2) {
		CHECK_ERRNO(echo(fd, from, p + i * page + page - 2000, 4000), EFAULT);
		CHECK_ERRNO(echo(fd, p + i * page + page - 2000, from, 4000), EFAULT);
		DO(echo(fd, from, p + i * page + page - 4000, 4000));
		CHECK(memcmp(p + i * page + page - 4000, from, 4000) == 0);
	}
}

/* Device memory of the process itself, which somebody else takes in between. */
static void device_memory(void)
{
	const int fd = file_control();
	struct actor *rival = new_actor_with("ctest0", 0, 16);
	char *p = DO(mmap(NULL, 16 * page, RW, MAP_SHARED, fd, 0)), *heap = malloc(8 * page);
	const size_t all[] = { 1, 4096, 16384, 8 * page };

	CHECK(heap != NULL);
	for (unsigned i = 0; i < 4; i++) {
		fill(heap, all[i], i);
		DO(echo(fd, heap, p, all[i]));
		for (unsigned k = 0; k < 16; k++)
			put(rival, AT(rival, k), 0xfeed);
		DO(echo(fd, p, p + 8 * page, all[i]));
		for (unsigned k = 0; k < 16; k++)
			put(rival, AT(rival, k), 0xfeed);
		memset(heap, 0, all[i]);
		DO(echo(fd, p + 8 * page, heap, all[i]));
		for (size_t k = 0; k < all[i]; k++)
			CHECK_EQ(heap[k], (char)(k * 7 + (k >> 8) + i));
	}
	free(heap);
}

/* The arguments of an ioctl are in the device's own memory. */
static void arguments_in_device_memory(void)
{
	const int fd = file_control();
	struct actor *rival = new_actor_with("ctest0", 0, 1);
	struct ctest_op *op = (struct ctest_op *)DO(mmap(NULL, page, RW, MAP_SHARED, fd, 0));
	unsigned value = 7, back = 0;

	*op = (struct ctest_op){ .op = CT_OP_ECHO,
				 .off = (intptr_t)&value,
				 .len = sizeof(value),
				 .value = (uintptr_t)&back };
	put(rival, rival->base, 0xfeed);
	DO(ioctl(fd, CTEST_OP, op));
	CHECK_EQ(back, 7);
}

/* One who does not come back. */

/*
 * Its page of device memory is not given to it, so that it stands between two rounds when it is killed.
 * Then the driver's call ends, and the descriptor is closed.
 */
static void fetch_from_the_device(void *arg)
{
	const int fd = DO(open("/dev/ctest0b", O_RDWR));
	char *p = DO(mmap(NULL, page, RW, MAP_SHARED, open_device("ctest0"), 0)), to[100];

	(void)arg;
	(void)echo(fd, p, to, sizeof(to));
	_exit(0);
}

static void killed_between_rounds(void)
{
	const int fd = file_control(), other = reset_unit("ctest0b");
	int64_t end;
	pid_t pid;

	knob(fd, CT_GATE_ACCESS, CT_EVERYBODY);
	pid = spawn(fetch_from_the_device, NULL);
	AWAIT(counts(fd).gated == 1);
	clear_log(other);
	DO(close(other)); /* so that the other one's is the last */
	DO(kill(pid, SIGKILL));
	await_pid(pid);
	end = now() + 3 * SECOND * slowness();
	for (;;) {
		const int again = open_device("ctest0b");
		/* Those of this loop, too, but not before the other is closed. */
		const uint64_t closed = calls(again, CT_CLOSE);

		DO(close(again));
		if (closed > 0)
			break;
		CHECK(now() < end);
		nap();
	}
	knob(fd, CT_GATE_ACCESS, 0);
}

static void echo_for_ever(void *arg)
{
	const int fd = open_device("ctest0");
	char *from = calloc(1, MAX), *to = malloc(MAX);

	*(volatile int *)arg = 1;
	for (;;)
		DO(echo(fd, from, to, MAX));
}

/* Whenever it comes; as many as the engine has threads, and more. */
static void killed_at_any_time(void)
{
	const int fd = file_control();
	volatile int *begun = shared_memory(sizeof(*begun));
	char byte;

	for (int i = 0; i < 100; i++) {
		pid_t pid;

		*begun = 0;
		pid = spawn(echo_for_ever, (void *)begun);
		AWAIT(*begun);
		for (int k = 0; k < i % 5; k++)
			nap();
		DO(kill(pid, SIGKILL));
		CHECK_EQ(await_pid(pid), SIGKILL);
		DO(echo(fd, "x", &byte, 1));
		CHECK_EQ(byte, 'x');
	}
}

/* Many at a time on one descriptor, each with its own data. */

#define THREADS 8

static int shared_fd;

static void *echo_own(void *arg)
{
	const unsigned me = (unsigned)(uintptr_t)arg;
	char from[9000], to[9001];

	for (unsigned i = 0; i < 200; i++)
		check_echo(shared_fd, from, to, i % 3 == 0 ? 100 : sizeof(from), me * 31 + i);
	return NULL;
}

static void many_threads(void)
{
	pthread_t thread[THREADS];

	shared_fd = file_control();
	for (uintptr_t i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_create(&thread[i], NULL, echo_own, (void *)i), 0);
	for (int i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_join(thread[i], NULL), 0);
	CHECK_EQ(counts(shared_fd).echoes, THREADS * 200);
}

static const struct test tests[] = {
	{ "C2 ioctl copies from and to the stack", on_the_stack },
	{ "C2 ioctl copies from and to the heap", on_the_heap },
	{ "C2 ioctl copies up to the end of memory, and not a byte more", up_to_the_end_of_memory },
	{ "C2 ioctl: EFAULT for memory that refuses", memory_that_refuses },
	{ "C2 ioctl: what is stored before an error is there", stored_before_an_error },
	{ "C2 ioctl: EFAULT for memory that ends in between", memory_that_ends },
	{ "C2 ioctl copies from and to device memory", device_memory },
	{ "C2 ioctl finds its arguments in device memory", arguments_in_device_memory },
	{ "C2 ioctl: a client is killed between two copies", killed_between_rounds },
	{ "C2 ioctl: clients are killed at any time", killed_at_any_time },
	{ "C2 ioctl in many threads on one descriptor", many_threads },
};

MAIN(tests, USER_ENGINE)
