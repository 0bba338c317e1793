/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Two more drivers as they were written for Solaris (tests/drivers/solaris), compiled as they are, with
 * several processes each: the book's, with a context for each mapping (accel.c), and one of channels that
 * loses its power (chan.c).
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../drivers/solaris/accel.h"
#include "../drivers/solaris/chan.h"
#include "harness.h"

static int tells(const char *device, int what)
{
	const int fd = open_device(device);
	const int value = DO(ioctl(fd, what, 0));

	DO(close(fd));
	return value;
}

static void await_ok(pid_t pid)
{
	int status;

	DO(waitpid(pid, &status, 0));
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* What the tests before had is given back when the engine has seen their processes end. */
static void await_none(const char *device, int what)
{
	AWAIT(tells(device, what) == 0);
}

/* The book's: accel.c. */

static volatile uint32_t *map_accel(void);

/* The first mapping of a test. */
static volatile uint32_t *map_fresh_accel(void)
{
	await_none("accel0", ACCEL_CONTEXTS);
	return map_accel();
}

static volatile uint32_t *map_accel(void)
{
	const int fd = open_device("accel0");
	void *p = DO(mmap(NULL, ACCEL_PAGES * page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));

	DO(close(fd));
	return p;
}

static volatile uint32_t *word_of(volatile uint32_t *regs, int of_page, int word)
{
	return regs + (size_t)of_page * page / 4 + word;
}

static void fill(volatile uint32_t *regs, int first, int last, uint32_t value)
{
	for (int p = first; p <= last; p++)
		for (int w = 0; w < ACCEL_WORDS; w++)
			*word_of(regs, p, w) = value + (uint32_t)(p * 256 + w);
}

static void check_filled(volatile uint32_t *regs, int first, int last, uint32_t value)
{
	for (int p = first; p <= last; p++)
		for (int w = 0; w < ACCEL_WORDS; w++)
			CHECK_EQ(*word_of(regs, p, w), value + (uint32_t)(p * 256 + w));
}

static void use_accel(uint32_t number, int rounds)
{
	volatile uint32_t *regs = map_accel();

	for (int i = 1; i <= rounds; i++) {
		const uint32_t value = number << 24 | (uint32_t)i << 12;

		fill(regs, 0, ACCEL_PAGES - 1, value);
		check_filled(regs, 0, ACCEL_PAGES - 1, value);
	}
	_exit(0);
}

static void five_share(void)
{
	const int before = tells("accel0", ACCEL_SWITCHES);
	pid_t pid[5];

	for (uint32_t i = 0; i < 5; i++) {
		pid[i] = DO(fork());
		if (pid[i] == 0)
			use_accel(i + 1, 1500);
	}
	for (int i = 0; i < 5; i++)
		await_ok(pid[i]);
	CHECK(tells("accel0", ACCEL_SWITCHES) - before >= 5);
	AWAIT(tells("accel0", ACCEL_CONTEXTS) == 0);
}

static void mapping_by_mapping(void)
{
	volatile uint32_t *one = map_fresh_accel(), *other = map_accel();

	for (uint32_t i = 1; i < 20; i++) {
		fill(one, 0, 3, i << 12);
		fill(other, 0, 3, i << 20);
		check_filled(one, 0, 3, i << 12);
		check_filled(other, 0, 3, i << 20);
	}
	CHECK_EQ(tells("accel0", ACCEL_CONTEXTS), 2);
}

static void child_begins_with_it(void)
{
	volatile uint32_t *regs = map_accel();
	pid_t pid[2];

	fill(regs, 0, 3, 1 << 16);
	for (uint32_t i = 0; i < 2; i++) {
		pid[i] = DO(fork());
		if (pid[i] == 0) {
			check_filled(regs, 0, 3, 1 << 16);
			fill(regs, 0, 3, (i + 2) << 16);
			check_filled(regs, 0, 3, (i + 2) << 16);
			_exit(0);
		}
		check_filled(regs, 0, 3, 1 << 16);
	}
	await_ok(pid[0]);
	await_ok(pid[1]);
	check_filled(regs, 0, 3, 1 << 16);
}

/* What remains on both sides of the hole keeps its values, whoever else comes. */
static void hole(void)
{
	volatile uint32_t *regs = map_fresh_accel(), *other = map_accel();

	fill(regs, 0, 3, 5 << 16);
	DO(munmap((void *)word_of(regs, 1, 0), page));
	CHECK_EQ(tells("accel0", ACCEL_CONTEXTS), 3);
	fill(other, 0, 3, 6 << 16);
	check_filled(regs, 0, 0, 5 << 16);
	check_filled(regs, 2, 3, 5 << 16);
	check_filled(other, 0, 3, 6 << 16);
	fill(regs, 2, 2, 7 << 16);
	check_filled(other, 0, 3, 6 << 16);
	check_filled(regs, 2, 2, 7 << 16);
	check_filled(regs, 3, 3, 5 << 16);
	DO(munmap((void *)regs, ACCEL_PAGES * page));
	CHECK_EQ(tells("accel0", ACCEL_CONTEXTS), 1);
}

static void user_killed(void)
{
	volatile int *ready = shared_memory(sizeof(*ready));
	volatile uint32_t *regs = map_fresh_accel();
	pid_t pid;
	int status;

	fill(regs, 0, 3, 9 << 16);
	for (int i = 0; i < 10; i++) {
		*ready = 0;
		pid = DO(fork());
		if (pid == 0) {
			volatile uint32_t *own = map_accel();

			for (uint32_t n = 1;; n++) {
				fill(own, 0, 3, n << 12);
				*ready = 1;
			}
		}
		AWAIT(*ready);
		DO(kill(pid, SIGKILL));
		check_filled(regs, 0, 3, 9 << 16);
		DO(waitpid(pid, &status, 0));
		check_filled(regs, 0, 3, 9 << 16);
	}
	AWAIT(tells("accel0", ACCEL_CONTEXTS) == 1);
}

/* Channels: chan.c. */

static volatile uint32_t *map_channel(int number);

static volatile uint32_t *map_fresh_channel(int number)
{
	await_none("chan", CHAN_TAKEN);
	return map_channel(number);
}

static volatile uint32_t *map_channel(int number)
{
	const int fd = open_device("chan");
	void *p = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, number * (off_t)page);

	DO(close(fd));
	return p == MAP_FAILED ? NULL : p;
}

static void one_each(void)
{
	volatile uint32_t *mine = map_fresh_channel(3);
	const pid_t pid = DO(fork());

	CHECK(mine != NULL);
	if (pid == 0) {
		CHECK(map_channel(3) == NULL);
		CHECK(map_channel(4) != NULL);
		CHECK_EQ(tells("chan", CHAN_TAKEN), 2);
		_exit(0);
	}
	await_ok(pid);
	AWAIT(tells("chan", CHAN_TAKEN) == 1);
	mine[5] = 5;
	DO(munmap((void *)mine, page));
	mine = map_channel(3);
	CHECK(mine != NULL);
	CHECK_EQ(mine[5], 0);
}

static void child_gets_none(void)
{
	volatile uint32_t *mine = map_fresh_channel(0);
	const pid_t pid = DO(fork());

	CHECK(mine != NULL);
	if (pid == 0) {
		const int signal = CAUGHT(mine[0] = 1);

		CHECK(signal == SIGBUS || signal == SIGSEGV);
		_exit(0);
	}
	mine[0] = 2;
	await_ok(pid);
	CHECK_EQ(mine[0], 2);
}

/* Counts in its channel, whatever becomes of the power. */
static void count(int channel, volatile int *stop)
{
	volatile uint32_t *mine = map_channel(channel);
	uint32_t n = 0;

	CHECK(mine != NULL);
	while (!*stop) {
		for (int i = 0; i < 1000; i++)
			mine[i % 16] = ++n;
		for (uint32_t back = 0; back < 16; back++)
			CHECK_EQ(mine[(999 - back) % 16], n - back);
	}
	_exit(0);
}

static void sleeps_and_wakes(void)
{
	volatile int *stop = shared_memory(sizeof(*stop));
	const int wakes = tells("chan", CHAN_WAKES);
	pid_t pid[4];

	await_none("chan", CHAN_TAKEN);
	for (int i = 0; i < 4; i++) {
		pid[i] = DO(fork());
		if (pid[i] == 0)
			count(i, stop);
	}
	AWAIT(tells("chan", CHAN_TAKEN) == 4);
	for (int i = 0; i < 20; i++) {
		const int before = tells("chan", CHAN_WAKES);

		CHECK_EQ(tells("chan", CHAN_SLEEP), 0);
		AWAIT(tells("chan", CHAN_WAKES) > before);
	}
	*stop = 1;
	for (int i = 0; i < 4; i++)
		await_ok(pid[i]);
	CHECK(tells("chan", CHAN_WAKES) - wakes >= 20);
}

/* Asleep, nobody touches it, it stays so. */
static void kept_asleep(void)
{
	volatile uint32_t *mine = map_fresh_channel(1);
	int wakes;

	CHECK(mine != NULL);
	for (int i = 0; i < 1024; i++)
		mine[i] = (uint32_t)i;
	CHECK_EQ(tells("chan", CHAN_SLEEP), 0);
	wakes = tells("chan", CHAN_WAKES);
	CHECK(map_channel(2) != NULL);
	CHECK_EQ(tells("chan", CHAN_WAKES), wakes);
	for (int i = 0; i < 1024; i++)
		CHECK_EQ(mine[i], i);
	CHECK_EQ(tells("chan", CHAN_WAKES), wakes + 1);
}

static void off_for_good(void)
{
	volatile int *ready = shared_memory(sizeof(*ready));
	volatile uint32_t *mine = map_fresh_channel(1);
	const pid_t pid = DO(fork());
	int signal;

	CHECK(mine != NULL);
	if (pid == 0) {
		volatile uint32_t *own = map_channel(2);

		CHECK(own != NULL);
		signal = CAUGHT(for (;;) {
			own[0] = own[0] + 1;
			__atomic_store_n(ready, 1, __ATOMIC_SEQ_CST);
		});
		CHECK(signal == SIGBUS || signal == SIGSEGV);
		_exit(0);
	}
	mine[0] = 1;
	AWAIT(*ready);
	CHECK_EQ(tells("chan", CHAN_OFF), 0);
	signal = CAUGHT(mine[0] = 2);
	CHECK(signal == SIGBUS || signal == SIGSEGV);
	await_ok(pid);
	DO(munmap((void *)mine, page));
	mine = map_channel(1);
	CHECK(mine != NULL);
	CHECK_EQ(mine[0], 0);
	mine[0] = 3;
	CHECK_EQ(mine[0], 3);
}

static const struct test tests[] = {
	{ "the book's: five processes have registers of their own", five_share },
	{ "the book's: each mapping has a context", mapping_by_mapping },
	{ "the book's: a child begins with what its parent has", child_begins_with_it },
	{ "the book's: what remains around a hole keeps its values", hole },
	{ "the book's: processes are killed while they have the device", user_killed },
	{ "channels: one process each", one_each },
	{ "channels: a child gets none", child_gets_none },
	{ "channels: four processes count while the device sleeps and wakes", sleeps_and_wakes },
	{ "channels: what is asleep keeps its values, and sleeps until it is touched",
	  kept_asleep },
	{ "channels: without power all mappings end", off_for_good },
};

MAIN(tests, BOOK_DRIVERS)
