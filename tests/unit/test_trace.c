/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The ring that devmap trace reads: engine/user/trace.c. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#include <devmap/trace.h>

#include "../../core/probe.h"
#include "../../engine/user/trace.h"

#define THREADS 4
#define EACH	40000 /* together more than there are slots */

static const struct dm_trace_ring *ring_of(int fd)
{
	void *p = mmap(NULL, sizeof(struct dm_trace_ring), PROT_READ, MAP_SHARED, fd, 0);

	assert_ptr_not_equal(p, MAP_FAILED);
	return p;
}

static uint64_t word(const struct dm_trace_ring *r, uint64_t n, enum dm_trace_word i)
{
	return atomic_load(&r->slot[n % DM_TRACE_SLOTS].word[i]);
}

static void test_asked(void **state)
{
	const struct dm_trace_ring *r;
	int fd;

	(void)state;
	assert_null(devmap_probe_sink);
	DEVMAP_PROBE(wait, "mydev", 3, 77, 78); /* nobody has asked */
	fd = trace_ask("mydev");
	assert_true(fd >= 0);
	assert_int_equal(trace_ask("mydev"), fd);
	r = ring_of(fd);
	assert_int_equal(atomic_load(&r->next), 0);
	assert_string_equal(r->driver, "mydev");
	DEVMAP_PROBE(load, "mydev", 3, 77, 4096, 8192, 2, 1, -5);
	assert_int_equal(atomic_load(&r->next), 1);
	assert_int_equal(atomic_load(&r->slot[0].state), 2);
	assert_int_equal(word(r, 0, DM_TRACE_KIND), PROBE_LOAD | 2 << 8 | 1 << 16);
	assert_int_equal(word(r, 0, DM_TRACE_WHO), 77ull << 32 | 3);
	assert_int_equal((int)word(r, 0, DM_TRACE_OTHER), -5);
	assert_int_equal(word(r, 0, DM_TRACE_OFF), 4096);
	assert_int_equal(word(r, 0, DM_TRACE_LEN), 8192);
}

/* Whoever has the descriptor reads. */
static void test_sealed(void **state)
{
	int fd = trace_ask("mydev");

	(void)state;
	assert_true(fd >= 0);
	assert_ptr_equal(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
	assert_int_equal(fcntl(fd, F_GET_SEALS) & (F_SEAL_SHRINK | F_SEAL_GROW),
			 F_SEAL_SHRINK | F_SEAL_GROW);
}

static void *write_many(void *arg)
{
	const long long first = (long long)(uintptr_t)arg;

	for (int i = 0; i < EACH; i++) {
		const long long n = first + i;

		if (i % 1000 == 0)
			(void)trace_ask("mydev"); /* nobody else says that it is wanted still */
		DEVMAP_PROBE(grant, "mydev", 0, 1, n, (unsigned long long)n, 0, 0, 0,
			     (unsigned long long)n, (unsigned long long)n);
	}
	return NULL;
}

/* Each slot has one event whole, its newest, or says that it is lost. */
static void test_never_mixed(void **state)
{
	const struct dm_trace_ring *r = ring_of(trace_ask("mydev"));
	const uint64_t before = atomic_load(&r->next);
	pthread_t thread[THREADS];
	uint64_t next, whole = 0;

	(void)state;
	for (uintptr_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, write_many, (void *)(i * EACH)),
				 0);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(thread[i], NULL), 0);
	next = atomic_load(&r->next);
	assert_int_equal(next - before, (uint64_t)THREADS * EACH);
	for (uint64_t n = next - DM_TRACE_SLOTS; n < next; n++) {
		const uint64_t off = word(r, n, DM_TRACE_OFF);

		if (atomic_load(&r->slot[n % DM_TRACE_SLOTS].state) != 2 * (n + 1))
			continue;
		whole++;
		assert_int_equal(word(r, n, DM_TRACE_LEN), off);
		assert_int_equal(word(r, n, DM_TRACE_WAITED), off);
		assert_int_equal(word(r, n, DM_TRACE_TOOK), off);
	}
	assert_true(whole > DM_TRACE_SLOTS / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_asked),
		cmocka_unit_test(test_sealed),
		cmocka_unit_test(test_never_mixed),
	};

	return cmocka_run_group_tests_name("trace", tests, NULL, NULL);
}
