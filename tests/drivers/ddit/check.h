/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What the files of ddit share. */
#ifndef DEVMAP_TESTS_DDIT_CHECK_H
#define DEVMAP_TESTS_DDIT_CHECK_H

#include <sys/types.h>
#include <sys/errno.h>
#include <sys/conf.h>
#include <sys/ioctl.h>
#include <sys/ddi.h>
#include <sys/sunddi.h>

#include "../ddit.h"

struct check {
	dev_info_t *dip;
	int line; /* 0: nothing has failed */
	char text[DDIT_TEXT_MAX];
};

void check_failed(struct check *c, int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#define CHECK(c, ex)                                          \
	do {                                                  \
		if (!(ex)) {                                  \
			check_failed(c, __LINE__, "%s", #ex); \
			return;                               \
		}                                             \
	} while (0)
/* Two integers that must be equal; both are shown. */
#define CHECK_EQ(c, is, must)                                                               \
	do {                                                                                \
		longlong_t is_ = (longlong_t)(is), must_ = (longlong_t)(must);              \
		if (is_ != must_) {                                                         \
			check_failed(c, __LINE__, "%s is %lld, not %lld", #is, is_, must_); \
			return;                                                             \
		}                                                                           \
	} while (0)

#define DECLARE(name, what) void check_##name(struct check *c);
/* clang-format off */
DDIT_DATA(DECLARE) DDIT_MEMORY(DECLARE) DDIT_SYNC(DECLARE) DDIT_TIME(DECLARE)
DDIT_NUMBERS(DECLARE) DDIT_LISTS(DECLARE) DDIT_TASKS(DECLARE) DDIT_BLOCKS(DECLARE)
DDIT_KSTATS(DECLARE) DDIT_STEPS(DECLARE)
	/* clang-format on */

	/* Runs fn(arg) in another thread, of which there are DDIT_WORKERS. */
	void job_start(void (*fn)(void *arg), void *arg);
void jobs_wait(void); /* until all have ended */

#endif
