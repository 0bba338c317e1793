/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A histogram of times: four buckets for each power of two of nanoseconds, so a quantile is right
 * to within a quarter. Integers only. The caller serialises.
 */
#ifndef DEVMAP_CORE_HISTOGRAM_H
#define DEVMAP_CORE_HISTOGRAM_H

#include <sys/types.h>

#define HISTOGRAM_BUCKETS 252 /* 0 to 3, then 4 for each exponent from 2 to 63 */

struct histogram {
	uint64_t h_count;
	uint64_t h_max;
	uint64_t h_bucket[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *h, uint64_t ns);
/* A value that permille of 1000 of the times do not exceed, in ns; 0 if there are none. */
uint64_t histogram_quantile(const struct histogram *h, unsigned int permille);

#endif
