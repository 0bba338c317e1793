/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Ticks, sleeps, call-outs. */
#define DEVMAP_MODULE_PART
#include "check.h"

#include <sys/time.h>

void check_ticks(struct check *c)
{
	CHECK_EQ(c, hz, 1000);
	CHECK_EQ(c, drv_usectohz(0), 0);
	CHECK_EQ(c, drv_usectohz(1), 1);
	CHECK_EQ(c, drv_usectohz(1000), 1);
	CHECK_EQ(c, drv_usectohz(1001), 2);
	CHECK_EQ(c, drv_usectohz(INT64_MAX), INT64_MAX / 1000 + 1);
	CHECK_EQ(c, drv_hztousec(7), 7000);
}

void check_sleeps(struct check *c)
{
	hrtime_t begin = gethrtime();

	drv_usecwait(20);
	CHECK(c, gethrtime() - begin >= 20000);
	begin = gethrtime();
	drv_usecwait(2000);
	CHECK(c, gethrtime() - begin >= 2000000);
	begin = gethrtime();
	delay(3);
	CHECK(c, gethrtime() - begin >= 3000000);
	delay(0);
	delay(INT64_MIN);
	drv_usecwait(INT64_MIN);
}

static int fired, order[4];

static void fire(void *arg)
{
	int n = __atomic_load_n(&fired, __ATOMIC_RELAXED);

	if (n < 4)
		order[n] = (int)(intptr_t)arg;
	__atomic_store_n(&fired, n + 1, __ATOMIC_RELEASE);
}

static void await_fired(int n)
{
	while (__atomic_load_n(&fired, __ATOMIC_ACQUIRE) < n)
		delay(1);
}

/* Nanoseconds that it took to ask for them: less than what is between them, or their order is open. */
static hrtime_t ask_for_four(void)
{
	const hrtime_t begin = gethrtime();

	fired = 0;
	(void)timeout(fire, (void *)3, 60);
	(void)timeout(fire, (void *)2, 40);
	(void)timeout(fire, (void *)1, 20);
	(void)timeout(fire, (void *)0, 0);
	return gethrtime() - begin;
}

void check_timeout_order(struct check *c)
{
	hrtime_t took;

	do {
		took = ask_for_four();
		await_fired(4);
	} while (took > 16000000);
	/* Those that are due together come in the order of their time, however late they are. */
	CHECK(c, order[1] < order[2] && order[2] < order[3]);
}

void check_timeout_taken_back(struct check *c)
{
	timeout_id_t id = timeout(fire, NULL, 10000000);
	clock_t left;

	fired = 0;
	CHECK(c, id != NULL);
	left = untimeout(id);
	CHECK(c, left > 1 && left <= 10000000);
	CHECK_EQ(c, untimeout(id), -1);
	CHECK_EQ(c, untimeout(NULL), -1);
	id = timeout(fire, NULL, 1);
	await_fired(1);
	CHECK_EQ(c, untimeout(id), -1);
	CHECK_EQ(c, fired, 1);
}

static int slow_runs, slow_may_end;

static void fire_slowly(void *arg)
{
	__atomic_store_n(&slow_runs, 1, __ATOMIC_RELEASE);
	delay(30);
	__atomic_store_n(&slow_may_end, 1, __ATOMIC_RELEASE);
}

void check_timeout_waited_for(struct check *c)
{
	timeout_id_t id;

	slow_runs = slow_may_end = 0;
	id = timeout(fire_slowly, NULL, 1);
	while (!__atomic_load_n(&slow_runs, __ATOMIC_ACQUIRE))
		delay(1);
	CHECK_EQ(c, untimeout(id), -1);
	CHECK_EQ(c, __atomic_load_n(&slow_may_end, __ATOMIC_ACQUIRE), 1);
}

void check_timeout_huge(struct check *c)
{
	const clock_t huge[] = { INT64_MAX, INT64_MAX / 1000000 + 1, INT64_MAX / 2 };
	timeout_id_t ids[3];

	fired = 0;
	for (int i = 0; i < 3; i++)
		ids[i] = timeout(fire, NULL, huge[i]);
	(void)timeout(fire, NULL, 20);
	await_fired(1);
	for (int i = 0; i < 3; i++)
		CHECK(c, untimeout(ids[i]) > 1000000000);
	CHECK_EQ(c, fired, 1);
}
