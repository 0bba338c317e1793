/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Atomic operations, byte orders, numbers in text. */
#define DEVMAP_MODULE_PART
#include "check.h"

#include <sys/thread.h>
#include <sys/param.h>

/* 0: every operation of the width did what it is called after; otherwise the line that did not. */
#define MUST(ex)                         \
	do {                             \
		if (!(ex))               \
			return __LINE__; \
	} while (0)

#define WIDTH(suffix, type, addend)                                            \
	static int try_##suffix(void)                                          \
	{                                                                      \
		type v = 5;                                                    \
                                                                               \
		atomic_inc_##suffix(&v);                                       \
		MUST(v == 6);                                                  \
		MUST(atomic_inc_##suffix##_nv(&v) == 7);                       \
		atomic_dec_##suffix(&v);                                       \
		MUST(v == 6 && atomic_dec_##suffix##_nv(&v) == 5);             \
		atomic_add_##addend(&v, -6);                                   \
		MUST(v == (type)-1);                                           \
		MUST(atomic_add_##addend##_nv(&v, 3) == 2 && v == 2);          \
		atomic_or_##suffix(&v, 0x41);                                  \
		MUST(v == 0x43 && atomic_or_##suffix##_nv(&v, 8) == 0x4b);     \
		atomic_and_##suffix(&v, 0x0f);                                 \
		MUST(v == 0x0b && atomic_and_##suffix##_nv(&v, 0x0a) == 0x0a); \
		MUST(atomic_cas_##suffix(&v, 1, 2) == 0x0a && v == 0x0a);      \
		MUST(atomic_cas_##suffix(&v, 0x0a, 2) == 0x0a && v == 2);      \
		MUST(atomic_swap_##suffix(&v, (type)-3) == 2);                 \
		MUST(v == (type)-3);                                           \
		return 0;                                                      \
	}

WIDTH(8, uint8_t, 8)
WIDTH(uchar, uchar_t, char)
WIDTH(16, uint16_t, 16)
WIDTH(ushort, ushort_t, short)
WIDTH(32, uint32_t, 32)
WIDTH(uint, uint_t, int)
WIDTH(ulong, ulong_t, long)
WIDTH(64, uint64_t, 64)

static int try_ptr(void)
{
	char text[] = "abc", *p = text;

	atomic_add_ptr(&p, 2);
	MUST(p == text + 2);
	MUST(atomic_add_ptr_nv(&p, -1) == text + 1 && p == text + 1);
	MUST(atomic_cas_ptr(&p, text, NULL) == text + 1 && p == text + 1);
	MUST(atomic_cas_ptr(&p, text + 1, text) == text + 1 && p == text);
	MUST(atomic_swap_ptr(&p, NULL) == text && p == NULL);
	return 0;
}

void check_atomic_widths(struct check *c)
{
	CHECK_EQ(c, try_8(), 0);
	CHECK_EQ(c, try_uchar(), 0);
	CHECK_EQ(c, try_16(), 0);
	CHECK_EQ(c, try_ushort(), 0);
	CHECK_EQ(c, try_32(), 0);
	CHECK_EQ(c, try_uint(), 0);
	CHECK_EQ(c, try_ulong(), 0);
	CHECK_EQ(c, try_64(), 0);
	CHECK_EQ(c, try_ptr(), 0);
}

void check_atomic_excl(struct check *c)
{
	ulong_t bits = 1;
	uint32_t old = 4;

	CHECK_EQ(c, atomic_set_long_excl(&bits, 0), -1);
	CHECK_EQ(c, atomic_set_long_excl(&bits, 63), 0);
	CHECK_EQ(c, bits, (1UL << 63) + 1);
	CHECK_EQ(c, atomic_clear_long_excl(&bits, 0), 0);
	CHECK_EQ(c, atomic_clear_long_excl(&bits, 0), -1);
	CHECK_EQ(c, bits, 1UL << 63);
	CHECK_EQ(c, cas32(&old, 4, 5), 4);
	CHECK_EQ(c, old, 5);
}

#define ROUNDS 20000

static struct {
	uint8_t eight[8];
	uint32_t many;
	volatile uint32_t turn; /* to be taken by cas */
	uint64_t wide;
	int mine[DDIT_WORKERS];
} raced;

static void race(void *arg)
{
	uint32_t old;

	for (int i = 0; i < ROUNDS; i++) {
		atomic_inc_8(&raced.eight[3]);
		atomic_add_32(&raced.many, 3);
		atomic_dec_64(&raced.wide);
		do
			old = __atomic_load_n(&raced.turn, __ATOMIC_RELAXED);
		while (atomic_cas_32(&raced.turn, old, old + 1) != old);
	}
}

void check_atomic_races(struct check *c)
{
	bzero(&raced, sizeof(raced));
	for (int i = 0; i < DDIT_WORKERS; i++)
		job_start(race, NULL);
	jobs_wait();
	CHECK_EQ(c, raced.eight[3], (uint8_t)(DDIT_WORKERS * ROUNDS));
	CHECK_EQ(c, raced.eight[2] + raced.eight[4], 0);
	CHECK_EQ(c, raced.many, 3 * DDIT_WORKERS * ROUNDS);
	CHECK_EQ(c, raced.turn, DDIT_WORKERS * ROUNDS);
	CHECK_EQ(c, raced.wide, -(int64_t)(DDIT_WORKERS * ROUNDS));
	membar_enter();
	membar_exit();
	membar_producer();
	membar_consumer();
}

void check_byte_orders(struct check *c)
{
	uint8_t b[16] = { 0, 1, 2, 3, 4, 5, 6, 7, 8 };

	CHECK_EQ(c, BE_IN16(b + 1), 0x0102);
	CHECK_EQ(c, LE_IN16(b + 1), 0x0201);
	CHECK_EQ(c, BE_IN32(b + 1), 0x01020304);
	CHECK_EQ(c, LE_IN32(b + 1), 0x04030201);
	CHECK_EQ(c, BE_IN64(b + 1), 0x0102030405060708);
	CHECK_EQ(c, LE_IN64(b + 1), 0x0807060504030201);
	CHECK_EQ(c, BE_IN8(b + 3) + LE_IN8(b + 3), 6);
	BE_OUT32(b + 3, 0xa1b2c3d4);
	CHECK(c, b[2] == 2 && b[3] == 0xa1 && b[4] == 0xb2 && b[5] == 0xc3 && b[6] == 0xd4 &&
			 b[7] == 7);
	LE_OUT64(b + 5, 0x1122334455667788);
	CHECK(c, b[4] == 0xb2 && b[5] == 0x88 && b[12] == 0x11 && b[13] == 0);
	LE_OUT16(b + 1, 0x1234);
	BE_OUT16(b + 3, 0x1234);
	CHECK(c, b[1] == 0x34 && b[2] == 0x12 && b[3] == 0x12 && b[4] == 0x34);
	BE_OUT64(b + 1, 1);
	CHECK(c, b[1] == 0 && b[8] == 1);
	LE_OUT8(b, 0x1ff);
	BE_OUT8(b + 1, 0x1fe);
	CHECK(c, b[0] == 0xff && b[1] == 0xfe);
	CHECK_EQ(c, BSWAP_16(0x0102), 0x0201);
	CHECK_EQ(c, BSWAP_32(0x01020304), 0x04030201);
	CHECK_EQ(c, BSWAP_64(0x0102030405060708), 0x0807060504030201);
	CHECK_EQ(c, ntohl(htonl(0x01020304)), 0x01020304);
	CHECK_EQ(c, htons(0x0102), BE_16(0x0102));
	CHECK_EQ(c, ntohll(htonll(0x0102030405060708)), 0x0102030405060708);
	CHECK_EQ(c, BE_64(htonll(7)), 7);
}

/* The number at the front of text, or, below all of them, the error; *used: characters of it. */
static int64_t number(const char *text, int base, int *used)
{
	char *end = NULL;
	long value = 77;
	int error = ddi_strtol(text, &end, base, &value);

	*used = (int)(end - text);
	if (error == 0)
		return value;
	return value == 77 ? -1000000 - error : 0;
}

void check_numbers_in_text(struct check *c)
{
	unsigned long ul = 9;
	int n;

	CHECK_EQ(c, number("42", 10, &n), 42);
	CHECK_EQ(c, n, 2);
	CHECK_EQ(c, number(" \t\n-0x1Fg", 0, &n), -31);
	CHECK_EQ(c, n, 8);
	CHECK_EQ(c, number("+0778", 0, &n), 077);
	CHECK_EQ(c, n, 4);
	CHECK_EQ(c, number("0x1f", 16, &n), 31);
	CHECK_EQ(c, number("0x1f", 10, &n), 0);
	CHECK_EQ(c, n, 1);
	CHECK_EQ(c, number("0xg", 0, &n), 0);
	CHECK_EQ(c, n, 1);
	CHECK_EQ(c, number("zZ", 36, &n), 35 * 36 + 35);
	CHECK_EQ(c, number("102", 2, &n), 2);
	CHECK_EQ(c, n, 2);
	CHECK_EQ(c, number("", 10, &n), -1000000 - EINVAL);
	CHECK_EQ(c, number("  -", 10, &n), -1000000 - EINVAL);
	CHECK_EQ(c, n, 0);
	CHECK_EQ(c, number("9", 8, &n), -1000000 - EINVAL);
	CHECK_EQ(c, number("1", 1, &n), -1000000 - EINVAL);
	CHECK_EQ(c, number("1", 37, &n), -1000000 - EINVAL);
	CHECK_EQ(c, number("1", -8, &n), -1000000 - EINVAL);
	CHECK_EQ(c, ddi_strtoul("-1", NULL, 10, &ul), 0);
	CHECK_EQ(c, ul, ~0UL);
}

void check_number_limits(struct check *c)
{
	unsigned long ul = 9;
	u_longlong_t ull = 9;
	longlong_t ll = 9;
	char *end = NULL;
	long l = 9;

	CHECK_EQ(c, ddi_strtol("9223372036854775807", NULL, 0, &l), 0);
	CHECK_EQ(c, l, INT64_MAX);
	CHECK_EQ(c, ddi_strtol("9223372036854775808", NULL, 0, &l), ERANGE);
	CHECK_EQ(c, l, INT64_MAX);
	CHECK_EQ(c, ddi_strtoll("-9223372036854775808", NULL, 0, &ll), 0);
	CHECK_EQ(c, ll, INT64_MIN);
	CHECK_EQ(c, ddi_strtoll("-9223372036854775809!", &end, 0, &ll), ERANGE);
	CHECK(c, *end == '!');
	CHECK_EQ(c, ll, INT64_MIN);
	CHECK_EQ(c, ddi_strtoul("0xffffffffffffffff", NULL, 0, &ul), 0);
	CHECK_EQ(c, ul, ~0UL);
	CHECK_EQ(c, ddi_strtoull("18446744073709551616", NULL, 0, &ull), ERANGE);
	CHECK_EQ(c, ddi_strtoull("184467440737095516150", NULL, 0, &ull), ERANGE);
	CHECK_EQ(c, ull, 9);
	CHECK_EQ(c, ddi_strtoull("18446744073709551615", NULL, 10, &ull), 0);
	CHECK_EQ(c, ull, ~0ULL);
}

static int looked;

static int look(int enough)
{
	return ++looked >= enough;
}

void check_polled_delay(struct check *c)
{
	hrtime_t begin = gethrtime();

	looked = 0;
	CDELAY(look(1000), 5);
	CHECK_EQ(c, looked, 4);
	CHECK(c, gethrtime() - begin >= 4000);
	looked = 0;
	CDELAY(look(2), 1000000);
	CHECK_EQ(c, looked, 2);
	CDELAY(look(0), 0);
	CHECK_EQ(c, looked, 2);
}

void check_parms(struct check *c)
{
	clock_t lbolt = 0, now = ddi_get_lbolt();
	proc_t *p = NULL;
	cred_t *cr = NULL;
	time_t t = 0;
	pid_t pid = 0;

	CHECK_EQ(c, drv_getparm(LBOLT, &lbolt), 0);
	CHECK(c, lbolt >= now);
	CHECK_EQ(c, drv_getparm(TIME, &t), 0);
	CHECK(c, t > 1500000000);
	CHECK_EQ(c, drv_getparm(PPID, &pid), 0);
	CHECK_EQ(c, pid, ddi_get_pid());
	CHECK_EQ(c, drv_getparm(PPGRP, &pid), 0);
	CHECK(c, pid > 0);
	CHECK_EQ(c, drv_getparm(PSID, &pid), 0);
	CHECK_EQ(c, drv_getparm(UCRED, &cr), 0);
	CHECK(c, cr == ddi_get_cred());
	CHECK_EQ(c, drv_getparm(UPROCP, &p), 0);
	CHECK(c, p == curproc);
	CHECK(c, ttoproc(curthread) == p);
	CHECK_EQ(c, p->p_pid, ddi_get_pid());
	CHECK_EQ(c, drv_getparm(SYSRINT, &lbolt), -1);
	CHECK_EQ(c, drv_getparm(99, &lbolt), -1);
	CHECK_EQ(c, drv_setparm(SYSRINT, 1), -1);
}
