/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* drivers/scratch.c, the driver of doc/driver.md. */
#include "fake_ddi.h"
#include "../../drivers/scratch.c"

/* C1: a process has one context, however often it maps the page. */
static void test_contexts(void **unused)
{
	struct fake_handle *a, *b, *c;

	fake_begin(NULL);
	assert_string_equal(fake.minor, "scratch0");
	a = fake_mmap(1, 0, PAGESIZE);
	b = fake_mmap(2, 0, PAGESIZE);
	c = fake_mmap(1, 0, PAGESIZE);
	for (uint32_t i = 0; i < 100; i++) {
		assert_int_equal(*fake_at(a, 8), i);
		assert_int_equal(*fake_at(b, 8), i * 3);
		*fake_at(a, 8) = i + 1;
		*fake_at(b, 8) = i * 3 + 3;
		assert_int_equal(*fake_at(c, 8), i + 1);
	}
	fake_end();
}

/* C21 */
static void test_fork(void **unused)
{
	struct fake_handle *a, *child;
	int error;

	fake_begin(NULL);
	a = fake_mmap(1, 0, PAGESIZE);
	*fake_at(a, 0) = 11;
	child = fake_fork(a, 2, &error);
	assert_int_equal(error, 0);
	assert_int_equal(*fake_at(child, 0), 11);
	*fake_at(child, 0) = 22;
	assert_int_equal(*fake_at(a, 0), 11);
	fake_munmap(a, 0, PAGESIZE);
	assert_int_equal(*fake_at(child, 0), 22);
	fake_end();
}

static void test_end_of_device(void **unused)
{
	size_t len = PAGESIZE;
	int error;

	fake_begin(NULL);
	assert_null(fake_mmap_part(1, PAGESIZE, &len, &error));
	assert_int_equal(error, EINVAL);
	fake_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_contexts, fake_reset),
		cmocka_unit_test_setup(test_fork, fake_reset),
		cmocka_unit_test_setup(test_end_of_device, fake_reset),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
