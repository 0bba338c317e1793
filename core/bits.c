/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Bit maps, a bit a page. The caller holds whatever lock guards the map. */
#include "internal.h"

pgcnt_t bits_next(const ulong_t *map, pgcnt_t i, pgcnt_t end, boolean_t set)
{
	ulong_t flip = set ? 0 : ~0UL, word;

	while (i < end) {
		word = (map[i / BITS_A_WORD] ^ flip) >> (i % BITS_A_WORD);
		if (word != 0) {
			i += (pgcnt_t)__builtin_ctzl(word);
			return i < end ? i : end;
		}
		i = (i / BITS_A_WORD + 1) * BITS_A_WORD;
	}
	return end;
}

pgcnt_t bits_count(const ulong_t *map, pgcnt_t i, pgcnt_t end)
{
	pgcnt_t n = 0, run;

	for (i = bits_next(map, i, end, B_TRUE); i < end; i = bits_next(map, run, end, B_TRUE)) {
		run = bits_next(map, i, end, B_FALSE);
		n += run - i;
	}
	return n;
}

void bits_fill(ulong_t *map, pgcnt_t i, pgcnt_t end, boolean_t set)
{
	for (; i < end; i++) {
		if (set)
			bit_set(map, i);
		else
			bit_clear(map, i);
	}
}

void bits_move(ulong_t *to, const ulong_t *from, pgcnt_t first, pgcnt_t n)
{
	pgcnt_t i;

	for (i = 0; i < n; i++) {
		if (bit_test(from, first + i))
			bit_set(to, i);
		else
			bit_clear(to, i);
	}
}
