/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Histograms of times; see histogram.h. */
#include "histogram.h"

/* The bucket of ns: its two bits below the highest one say which quarter of the power of two. */
static unsigned int bucket_of(uint64_t ns)
{
	unsigned int exponent;

	if (ns < 4)
		return (unsigned int)ns;
	exponent = 63 - (unsigned int)__builtin_clzll(ns);
	return (exponent - 1) * 4 + (unsigned int)((ns >> (exponent - 2)) & 3);
}

/* The largest value that falls into a bucket. */
static uint64_t bucket_end(unsigned int bucket)
{
	unsigned int exponent = bucket / 4 + 1;

	if (bucket < 4)
		return bucket;
	return ((uint64_t)(bucket % 4 + 4) << (exponent - 2)) + ((uint64_t)1 << (exponent - 2)) - 1;
}

void histogram_add(struct histogram *h, uint64_t ns)
{
	h->h_count++;
	h->h_bucket[bucket_of(ns)]++;
	if (ns > h->h_max)
		h->h_max = ns;
}

uint64_t histogram_quantile(const struct histogram *h, unsigned int permille)
{
	uint64_t rank, seen = 0, end;
	unsigned int i;

	if (h->h_count == 0)
		return 0;
	if (permille > 1000)
		permille = 1000;
	/* Thousands and the rest apart, so that no count overflows. */
	rank = h->h_count / 1000 * permille + (h->h_count % 1000 * permille + 999) / 1000;
	if (rank == 0)
		rank = 1;
	for (i = 0; i < HISTOGRAM_BUCKETS - 1; i++) {
		seen += h->h_bucket[i];
		if (seen >= rank)
			break;
	}
	end = bucket_end(i);
	return end < h->h_max ? end : h->h_max;
}
