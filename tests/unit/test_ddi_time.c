/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * ddi/time.c, on a clock and a sleep of our own: what both engines run. No time is so long that it
 * comes out short.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <limits.h>

#include "../../ddi/ddi.h"
#include "../../ddi/port.h"

static hrtime_t now, slept_until;
static unsigned sleeps;

hrtime_t gethrtime(void)
{
	return now;
}

void port_sleep_until(hrtime_t until, hrtime_t slack)
{
	assert_in_range(slack, 0, TICK_SLACK);
	sleeps++;
	slept_until = now = until;
}

void port_relax(void)
{
	now += 10;
}

static int begin(void **state)
{
	(void)state;
	now = 12345678;
	slept_until = 0;
	sleeps = 0;
	return 0;
}

static void delay_sleeps(void **state)
{
	(void)state;
	delay(3);
	assert_int_equal(slept_until, 12345678 + 3000000);
	delay(0);
	delay(-1);
	delay(LONG_MIN);
	assert_int_equal(sleeps, 1);
}

/* A product that overflows would be a moment of the past. */
static void delay_for_ever(void **state)
{
	const clock_t huge[] = { LONG_MAX, LONG_MAX / 2, LONG_MAX / 1000000,
				 LONG_MAX / 1000000 + 1 };

	(void)state;
	for (size_t i = 0; i < sizeof(huge) / sizeof(huge[0]); i++) {
		(void)begin(NULL);
		delay(huge[i]);
		assert_int_equal(slept_until, NEVER - 1);
	}
	(void)begin(NULL);
	delay(9000000000000);
	assert_int_equal(slept_until, 12345678 + 9000000000000000000);
}

static void usecwait_for_ever(void **state)
{
	(void)state;
	drv_usecwait(LONG_MAX);
	assert_int_equal(slept_until, NEVER - 1);
	(void)begin(NULL);
	drv_usecwait(LONG_MAX / 1000 + 1);
	assert_int_equal(slept_until, NEVER - 1);
}

static void usecwait_spins_briefly(void **state)
{
	(void)state;
	drv_usecwait(20);
	assert_in_range(now, 12345678 + 20000, 12345678 + 20010);
	drv_usecwait(0);
	drv_usecwait(-5);
	assert_in_range(now, 12345678 + 20000, 12345678 + 20010);
	assert_int_equal(sleeps, 0);
	drv_usecwait(2000);
	assert_int_equal(sleeps, 1);
}

static void ticks(void **state)
{
	(void)state;
	assert_int_equal(hz, 1000);
	assert_int_equal(ddi_get_lbolt(), 12);
	assert_int_equal(ddi_get_lbolt64(), 12);
	assert_int_equal(drv_usectohz(0), 0);
	assert_int_equal(drv_usectohz(1), 1);
	assert_int_equal(drv_usectohz(1000), 1);
	assert_int_equal(drv_usectohz(1001), 2);
	assert_int_equal(drv_usectohz(LONG_MAX), LONG_MAX / 1000 + 1);
	assert_int_equal(drv_hztousec(7), 7000);
	assert_int_equal(ticks_from_now(-1), now);
	assert_int_equal(ticks_from_now(LONG_MAX), NEVER - 1);
	assert_int_equal(ticks_ns(LONG_MIN), 0);
	assert_int_equal(time_later(NEVER - 5, 4), NEVER - 1);
	assert_int_equal(time_later(NEVER - 5, 5), NEVER - 1);
	assert_int_equal(time_later(5, NEVER), NEVER - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(delay_sleeps, begin),
		cmocka_unit_test_setup(delay_for_ever, begin),
		cmocka_unit_test_setup(usecwait_for_ever, begin),
		cmocka_unit_test_setup(usecwait_spins_briefly, begin),
		cmocka_unit_test_setup(ticks, begin),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("ddi_time", tests, NULL, NULL);
}
